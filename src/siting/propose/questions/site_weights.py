"""What each site reaches, by site: sums of weights that are exact, however often sites open and close."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array

from siting.measure import Reach
from siting.numbers import Bools, Floats, Ints, Ints32, Positions

__all__ = ["SiteWeights"]

#: Pairs that are looked at together when all sites are compared, which bounds the memory.
BLOCK = 1 << 18


class SiteWeights(NamedTuple):
    """Communities of each site, ``near[start[j]:start[j + 1]]``, and whole weights by kind, in units of 2**-fine."""

    start: Ints
    near: Ints32
    weight: Ints
    total: Ints
    fine: npt.NDArray[np.intc]

    @classmethod
    def of(cls, reach: Reach, frame: pd.DataFrame) -> Self:
        """Turn the pairs of a reach round, and put each column of weights on its grid."""
        shape = (len(reach.origins), len(reach.destinations))
        pairs = coo_array((np.ones(len(reach), np.int8), (reach.origin, reach.destination)), shape=shape).tocsc()
        values = frame.to_numpy(float).T
        fine = (62 - np.frexp(values.sum(axis=1))[1]).astype(np.intc)
        weight = np.rint(np.ldexp(values, fine[:, None])).astype(np.int64, order="C")
        near = pairs.indices.astype(np.int32, copy=False)
        return cls(pairs.indptr.astype(np.int64), near, weight, weight.sum(axis=1), fine)

    def communities(self, site: int) -> Positions:
        """Communities of a site."""
        # Wide positions are made for a few hundred at a time; kept, they would double the memory.
        return self.near[self.start[site] : self.start[site + 1]].astype(np.intp)

    def add_up(self, communities: Positions) -> Ints:
        """Sum of each weight over communities."""
        return np.asarray(np.add.reduce(self.weight.take(communities, axis=1), axis=1))

    def by_site(self, counts: Bools) -> Ints:
        """Sum of each weight over those communities of each site that count."""
        sums: Ints = np.zeros((len(self.weight), len(self.start) - 1), np.int64)
        sites = np.flatnonzero(np.diff(self.start))  # reduceat cannot add up nothing
        begin, end = self.start[sites], self.start[sites + 1]
        cuts = np.unique(np.searchsorted(begin, np.arange(0, len(self.near) + BLOCK, BLOCK)))
        for value, row in zip(self.weight, sums, strict=True):
            counted = np.where(counts, value, 0)
            for i, j in pairwise(cuts.tolist()):
                pairs = counted[self.near[begin[i] : end[j - 1]]]
                row[sites[i:j]] = np.add.reduceat(pairs, begin[i:j] - begin[i])
        return sums

    def in_people(self, amount: np.int64 | int, weight: int) -> float:
        """Turn a sum on the grid into the weight's own unit."""
        return math.ldexp(int(amount), -int(self.fine[weight]))

    def of_communities(self, weight: int) -> Floats:
        """One weight of each community, in its own unit."""
        return np.asarray(np.ldexp(self.weight[weight].astype(float), -self.fine[weight]))
