"""The most people with a place, when each place takes one: a maximum flow in whole numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csgraph, csr_array

from siting.messages import Message
from siting.numbers import Bools, Ints, Ints32

__all__ = ["LARGEST", "MaximumFlow", "maximum_flow"]

#: The largest amount of one origin or destination: the flow is counted in 32 bits.
LARGEST = 2**31 - 2


@dataclass(frozen=True, eq=False)
class MaximumFlow:
    """A maximum flow, in units on each pair, and the minimum cut that proves it.

    `short` origins have demand left or could give those a place. One more place at a `scarce` destination would serve
    one more unit: all are full, only `short` origins use them, and those have no pair with any other destination.
    """

    flow: Ints
    short: Bools
    scarce: Bools


def maximum_flow(demand: Ints, capacity: Ints, origin: Ints32, destination: Ints32) -> MaximumFlow:
    """Allocate as much of *demand* as possible to *capacity* along the pairs (*origin*, *destination*).

    The sum of the flow equals the capacity of the `scarce` destinations and the demand of the origins that are not
    `short`, which no flow can exceed: the maximum flow is the minimum cut [1]_.

    Raises
    ------
    ValueError
        When an amount is above `LARGEST`.

    References
    ----------
    .. [1] L. R. Ford and D. R. Fulkerson, "Maximal flow through a network", Canadian Journal of Mathematics 8, 1956,
       pp. 399-404.
    """
    n, m = len(demand), len(capacity)
    if max(demand.max(initial=0), capacity.max(initial=0)) > LARGEST:
        raise ValueError(Message("solver.above_largest", most=LARGEST))
    source, sink = n + m, n + m + 1
    # The flow's indices are of 32 bits.
    tail = np.concatenate([np.full(n, source), origin, n + np.arange(m)]).astype(np.int32)
    head = np.concatenate([np.arange(n), n + destination, np.full(m, sink)]).astype(np.int32)
    # One more than can ever pass, so that no pair is part of the cut.
    limit = np.concatenate([demand, demand[origin] + 1, capacity]).astype(np.int32)
    graph = csr_array((limit, (tail, head)), shape=(sink + 1, sink + 1))
    passed = csr_array(csgraph.maximum_flow(graph, source, sink).flow)
    flow = np.zeros(len(origin), np.int64)
    if len(origin):  # an empty selection would be a matrix again
        flow[:] = passed[origin, n + destination]
    rest = csr_array(graph - passed)
    rest.eliminate_zeros()
    reached = np.zeros(sink + 1, bool)
    reached[csgraph.breadth_first_order(rest, source, return_predecessors=False)] = True
    found = MaximumFlow(flow, reached[:n], reached[n : sink - 1])
    proof = int(capacity[found.scarce].sum()) + int(demand[~found.short].sum())
    if int(flow.sum()) != proof:
        raise RuntimeError(Message("solver.wrong_cut", flow=int(flow.sum()), cut=proof))
    return found
