"""Private streets: walks begin and end there, and do not pass.

A part of the private streets that leads to the open ones at two ends or more could be passed. So it stands in the graph
twice: once for walks that begin there, which can only be left, and once for walks that end there, which can only be
entered. A place on such a street is on both. A part with one way out needs no second copy: nobody passes it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from siting.network import contraction_kernels
from siting.network.parts import Parts
from siting.numbers import Ints, Ints32


class PrivateCopies(NamedTuple):
    """A graph where nobody passes private parts: edges of the network, copies of `edge`, ways in and out.

    `twin` is the copy of each edge of the network, `origin` the edge of the network for each of the graph; -1 for none.
    """

    nodes: int
    u: Ints32
    v: Ints32
    edge: Ints
    twin: Ints32
    origin: Ints32

    def with_copies(self, values: Ints32, way: int) -> Ints32:
        """Values of the edges of the network for all edges of the graph; *way* for the ways in and out."""
        ways = len(self.u) - len(values) - len(self.edge)
        return np.concatenate([values, values[self.edge], np.full(ways, way, values.dtype)])


def copy_private_parts(network: Parts) -> PrivateCopies | None:
    """Copy the private parts that could be passed; None where there is none."""
    private = network.private
    if private is None:
        return None
    n = len(network.x)
    edge = np.flatnonzero(private)
    u, v = network.u[edge], network.v[edge]
    inside, outside = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    inside[u] = inside[v] = True
    outside[network.u[~private]] = outside[network.v[~private]] = True
    gate = inside & outside
    part = contraction_kernels.components(n, u, v)
    passed = np.bincount(part[gate], minlength=int(part.max()) + 1) >= 2
    edge = edge[passed[part[u]]]
    if not len(edge):
        return None
    gates = np.flatnonzero(gate & passed[part])
    inner = np.flatnonzero(inside & ~outside & passed[part])
    # New nodes: each gate as a way out and as a way in, each node inside once more.
    leave, enter = np.arange(n), np.arange(n)
    leave[gates] = n + np.arange(len(gates))
    enter[gates] = n + len(gates) + np.arange(len(gates))
    enter[inner] = n + 2 * len(gates) + np.arange(len(inner))
    start, stop = network.u.astype(np.int64), network.v.astype(np.int64)
    start[edge], stop[edge] = leave[start[edge]], leave[stop[edge]]
    streets = len(start)
    twin = np.full(streets, -1, np.int32)
    twin[edge] = streets + np.arange(len(edge))
    return PrivateCopies(
        nodes=n + 2 * len(gates) + len(inner),
        u=np.concatenate([start, enter[network.u[edge]], leave[gates], gates]).astype(np.int32),
        v=np.concatenate([stop, enter[network.v[edge]], gates, enter[gates]]).astype(np.int32),
        edge=edge,
        twin=twin,
        origin=np.concatenate([np.arange(streets), edge, np.full(2 * len(gates), -1)]).astype(np.int32),
    )
