"""The most people with a place, kept up to date while places are added: one maximum flow that is repaired."""

from __future__ import annotations

import numpy as np

from siting.numbers import Ints
from siting.optimize.capacitated import flow_kernels as kernels

__all__ = ["OpenPlaces"]


class OpenPlaces:
    """A maximum flow of the *amount* of each need to destinations along pairs, without places at first.

    Amounts and places are whole numbers.
    """

    def __init__(self, amount: Ints, destinations: int, need: Ints, destination: Ints) -> None:
        order = np.lexsort((destination, need))
        need, destination = need[order], destination[order]
        back = np.argsort(destination, kind="stable")
        start = np.searchsorted(need, np.arange(len(amount) + 1))
        back_start = np.searchsorted(destination[back], np.arange(destinations + 1))
        arrays = (start, destination, need, back_start, need[back], back)
        self.graph = kernels.Graph(*(np.ascontiguousarray(each, np.int64) for each in arrays))
        journal = 4 * len(need) + 10_000
        sizes = (journal, journal, 1, 1, destinations, len(amount))
        self.flows = kernels.Flow(
            np.zeros(len(need), np.int64), amount.copy(), np.zeros(destinations, np.int64),
            np.zeros(destinations, bool), *(np.zeros(size, np.int64) for size in sizes),
        )  # fmt: skip

    def add(self, destination: int, places: int) -> int:
        """Add places; return how many people have one now who had none."""
        self.flows.room[destination] += places
        self.flows.is_open[destination] = True
        added = int(kernels.pull(self.graph, self.flows, destination))
        self.flows.journal_size[0] = 0
        return added

    def lost_without(self, destination: int, places: int) -> int:
        """Return how many people would have no place without so many places of a destination; nothing changes."""
        lost = int(kernels.shut(self.graph, self.flows, destination))
        self.flows.room[destination] -= places
        self.flows.is_open[destination] = True
        lost -= int(kernels.pull(self.graph, self.flows, destination))
        kernels.undo(self.graph, self.flows, 0)
        self.flows.room[destination] += places
        return lost
