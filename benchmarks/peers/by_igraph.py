"""igraph: searches in C, over the whole network each time: it takes no limit."""

from __future__ import annotations

import igraph
import numpy as np

from benchmarks.city import City, Ints
from benchmarks.measure import Pairs

__all__ = ["graph", "within"]


def graph(city: City) -> igraph.Graph:
    """Build a graph with the weight `mm`."""
    made = igraph.Graph(n=len(city), edges=np.column_stack([city.u, city.v]))
    made.es["mm"] = city.mm
    return made


def within(made: igraph.Graph, sources: Ints, targets: Ints, limit: int) -> Pairs:
    """Search from each source, and keep what is within *limit*."""
    far = np.array(made.distances(sources.tolist(), targets.tolist(), weights="mm"))
    source, target = np.nonzero(far <= limit)
    return source, target, far[source, target].astype(np.int64)
