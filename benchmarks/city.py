"""Synthetic cities as plain arrays: the same for the same seed, everywhere.

Streets are a grid bent at random with streets missing and some diagonals, which has the degree, the density and the
little hierarchy of a walking network. Nodes are numbered row by row: neighbours are near in memory, which helps peers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["CRS", "City", "make_city", "make_ways"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: CGCS2000 / 3-degree zone 114°E; the corner of every city lies at a round place of it.
CRS = "EPSG:4547"
CORNER = (500_000.0, 3_380_000.0)

#: Shares of grid streets that are there and of blocks with a diagonal: 1.6 edges a node, degree 3.2.
STREETS, DIAGONALS = 0.76, 0.08

#: Metres between crossings: 200 nodes a km², of which a walk of 800 m reaches about 200.
SPACING = 70.0


@dataclass(frozen=True, eq=False)
class City:
    """A street network in one component.

    Attributes
    ----------
    x, y
        Node coordinates, metres.
    u, v
        End nodes of each edge, as positions.
    mm
        Length of each edge in whole millimetres, never shorter than the straight line.
    """

    x: Floats
    y: Floats
    u: Ints
    v: Ints
    mm: Ints

    def __len__(self) -> int:
        return len(self.x)

    @property
    def length_m(self) -> Floats:
        """Length of each edge, metres."""
        return self.mm / 1000.0

    @cached_property
    def matrix(self) -> csr_array:
        """The network as a symmetric matrix of millimetres."""
        n = len(self)
        # The searches of older scipy take 32-bit positions only.
        ends = tuple(np.concatenate(two).astype(np.int32) for two in ((self.u, self.v), (self.v, self.u)))
        return csr_array(coo_array((np.tile(self.mm.astype(float), 2), ends), shape=(n, n)))

    def streets(self) -> gpd.GeoDataFrame:
        """Draw the edges as straight lines, with the column `length`."""
        import geopandas as gpd
        import shapely

        xy = np.column_stack([self.x, self.y])
        lines = shapely.linestrings(np.stack([xy[self.u], xy[self.v]], axis=1))
        return gpd.GeoDataFrame({"length": self.length_m}, geometry=lines, crs=CRS)

    def pick(self, count: int, seed: int) -> Ints:
        """Choose *count* different nodes at random, in random order."""
        return np.random.default_rng(seed).choice(len(self), min(count, len(self)), replace=False)


def make_city(nodes: int, *, seed: int = 1, spacing: float = SPACING) -> City:
    """Make a city of about *nodes* nodes, *spacing* metres apart.

    Only the largest component is kept, some two nodes in a thousand fewer than asked for.
    """
    rng = np.random.default_rng(seed)
    columns = max(2, round(np.sqrt(nodes)))
    rows = max(2, round(nodes / columns))
    at = np.arange(rows * columns).reshape(rows, columns)
    x = CORNER[0] + spacing * (at % columns + rng.uniform(-0.3, 0.3, at.shape))
    y = CORNER[1] + spacing * (at // columns + rng.uniform(-0.3, 0.3, at.shape))
    along, across = _some(rng, STREETS, at[:, :-1], at[:, 1:]), _some(rng, STREETS, at[:-1], at[1:])
    falling = rng.random((rows - 1, columns - 1)) < 0.5
    diagonal = _some(
        rng, DIAGONALS, np.where(falling, at[:-1, :-1], at[:-1, 1:]), np.where(falling, at[1:, 1:], at[1:, :-1])
    )
    u, v = np.concatenate([along, across, diagonal], axis=1)
    # Most streets are nearly straight, the most crooked is 1.3 times as long as the straight line.
    bend = 1.0 + 0.3 * rng.beta(1.0, 3.0, len(u))
    return _largest(x.ravel(), y.ravel(), u, v, bend)


def make_ways(nodes: int, *, seed: int = 1, spacing: float = SPACING) -> City:
    """Make a city as raw OSM ways draw it: one node in five is a crossing or an end, the others lie between.

    Every street is a chain of 2 to 8 short pieces, and one crossing in ten has a blind alley.
    """
    # A crossing brings 1.6 streets with 2.3 nodes inside each, and 0.1 alleys of 2.5 nodes: 4.9 nodes in all.
    base = make_city(round(nodes / 4.9), seed=seed, spacing=spacing)
    rng = np.random.default_rng([seed, 1])
    start = np.flatnonzero(rng.random(len(base)) < 0.1)
    turn = rng.uniform(0, 2 * np.pi, len(start))
    reach = rng.uniform(0.2, 0.6, len(start)) * spacing
    end_x, end_y = base.x[start] + reach * np.cos(turn), base.y[start] + reach * np.sin(turn)
    x, y = np.concatenate([base.x, end_x]), np.concatenate([base.y, end_y])
    u = np.concatenate([base.u, start])
    v = np.concatenate([base.v, len(base) + np.arange(len(start))])
    pieces = np.minimum(8, 1 + rng.geometric(0.43, len(u)))
    x, y, u, v = _subdivided(rng, x, y, u, v, pieces)
    return _largest(x, y, u, v, rng.uniform(1.0, 1.05, len(u)))


def _some(rng: np.random.Generator, share: float, u: Ints, v: Ints) -> Ints:
    """Keep a *share* of the edges between *u* and *v*."""
    keep = rng.random(u.shape) < share
    return np.stack([u[keep], v[keep]])


def _subdivided(
    rng: np.random.Generator, x: Floats, y: Floats, u: Ints, v: Ints, pieces: Ints
) -> tuple[Floats, Floats, Ints, Ints]:
    """Cut each edge into *pieces* at nodes that lie a little beside the straight line."""
    inner = pieces - 1
    edge = np.repeat(np.arange(len(u)), inner)
    rank = np.arange(len(edge)) - np.repeat(np.cumsum(inner) - inner, inner) + 1
    share = rank / pieces[edge]
    dx, dy = (x[v] - x[u])[edge], (y[v] - y[u])[edge]
    aside = rng.uniform(-0.05, 0.05, len(edge))
    new_x = x[u][edge] + share * dx - aside * dy
    new_y = y[u][edge] + share * dy + aside * dx
    # Piece k of an edge runs from its node k to its node k + 1; nodes 0 and `pieces` are the ends.
    first_new = len(x) + np.cumsum(inner) - inner
    of = np.repeat(np.arange(len(u)), pieces)
    k = np.arange(len(of)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    tail = np.where(k == 0, u[of], first_new[of] + k - 1)
    head = np.where(k == pieces[of] - 1, v[of], first_new[of] + k)
    return np.concatenate([x, new_x]), np.concatenate([y, new_y]), tail, head


def _largest(x: Floats, y: Floats, u: Ints, v: Ints, bend: Floats) -> City:
    """Keep the largest component, its nodes row by row, and measure the edges."""
    n = len(x)
    ends = u.astype(np.int32), v.astype(np.int32)
    _, part = connected_components(coo_array((np.ones(len(u), np.int8), ends), shape=(n, n)), directed=False)
    kept = part == np.bincount(part).argmax()
    nodes = np.flatnonzero(kept)
    nodes = nodes[np.lexsort([x[nodes], y[nodes] // SPACING])]
    new = np.full(n, -1)
    new[nodes] = np.arange(len(nodes))
    edges = kept[u]
    u, v, bend, x, y = new[u[edges]], new[v[edges]], bend[edges], x[nodes], y[nodes]
    mm = np.ceil(np.hypot(x[u] - x[v], y[u] - y[v]) * 1000.0 * bend).astype(np.int64)
    return City(x, y, u, v, mm)
