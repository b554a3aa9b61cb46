"""The columns of a location with capacities as a small linear programme, whose cuts are prices of the needs.

With x between 0 and 1 the ways cost no less than what the needs pay at any prices, less what open columns win; each
vector of prices is a cut in the columns alone (Benders cuts in closed form, as in M. Fischetti, I. Ljubić and M. Sinnl,
Benders decomposition without separability: a computational study for capacitated facility location problems, European
Journal of Operational Research 253 (3), 2016, pp. 557-569). The best prices for a box of columns are those of its cuts
weighed by their multipliers, and prove its bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from siting.numbers import Bools, Floats
from siting.optimize.capacitated.location import Location, priced, relaxed
from siting.optimize.capacitated.transport import Transport
from siting.optimize.highs import Simplex
from siting.optimize.programme import Programme

__all__ = ["Master", "Priced"]

#: Cuts that are kept, and how many of them when others are dropped: a number, and a multiple of the columns.
MOST_CUTS, KEPT = (300, 3.0), (100, 1.5)
#: Parts of columns that count as shut.
SHUT = 1e-6


@dataclass(frozen=True, eq=False)
class Priced:
    """Prices of needs and rows, what they prove of a box, the reduced value of each column, and the columns' parts."""

    v: Floats
    y: Floats
    bound: float
    reduced: Floats
    part: Floats


class Master:
    """Cuts in the columns of a problem with the rows of `enough_places`; *penalty* is asked for a broken row."""

    def __init__(self, problem: Location, penalty: float) -> None:
        self.problem = problem
        self.size = max(1e-9, penalty * 1e-4)
        self.penalty = penalty
        self.prices: list[Floats] = []
        self.cuts: list[tuple[Floats, float]] = []
        self.weight: list[float] = []
        self.simplex: Simplex | None = None

    def add(self, v: Floats) -> None:
        """Add the cut of prices."""
        paid, won = relaxed(self.problem, v)
        self.prices.append(v.copy())
        self.cuts.append((won, paid))
        self.weight.append(0.0)
        if self.simplex is not None:
            self._write(won, paid)

    def _write(self, won: Floats, paid: float) -> None:
        assert self.simplex is not None
        at = np.flatnonzero(won)
        weight = np.append(-won[at] / self.size, -1.0)
        self.simplex.row(np.append(at, len(won)), weight, -paid / self.size)

    def _build(self) -> None:
        problem = self.problem
        m, r = len(problem.opening), len(problem.low)
        low, high = np.isfinite(problem.low), np.isfinite(problem.high)
        slack = np.zeros((r, 2 * r))
        slack[np.flatnonzero(low), np.flatnonzero(low)] = 1.0
        slack[np.flatnonzero(high), r + np.flatnonzero(high)] = -1.0
        matrix = np.hstack([problem.rows.toarray(), np.zeros((r, 1)), slack])
        cost = np.concatenate([np.zeros(m), [1.0], np.full(2 * r, self.penalty / self.size)])
        worst = -max(abs(paid) + np.abs(won).sum() for won, paid in self.cuts) / self.size - 1.0
        self.simplex = Simplex(
            Programme(
                cost, np.concatenate([problem.lower, [worst], np.zeros(2 * r)]),
                np.concatenate([problem.upper, np.full(1 + 2 * r, np.inf)]), csr_array(matrix), problem.low.copy(),
                problem.high.copy(), 0,
            ),
            dual=True,
        )  # fmt: skip
        for won, paid in self.cuts:
            self._write(won, paid)

    def _many(self, cuts: tuple[int, float]) -> int:
        return int(cuts[0] + cuts[1] * len(self.problem.opening))

    def _forget(self) -> None:
        """Drop cuts that have not counted for long."""
        order = np.argsort(-np.array(self.weight) - 1e-12 * np.arange(len(self.weight)), kind="stable")
        keep = np.sort(order[: self._many(KEPT)])
        self.prices, self.cuts, self.weight = (
            [each[k] for k in keep] for each in (self.prices, self.cuts, self.weight)
        )
        self.simplex = None

    def solve(self, lower: Bools, upper: Bools) -> Priced | None:
        """Return the best prices that the cuts give for a box of columns; None where the solver gives no numbers."""
        if len(self.cuts) > self._many(MOST_CUTS):
            self._forget()
        if self.simplex is None:
            self._build()
        assert self.simplex is not None
        m, r = len(lower), len(self.problem.low)
        self.simplex.bound(np.arange(m), lower.astype(float), upper.astype(float))
        answer = self.simplex.solve()
        if answer.status != "optimal":
            self.simplex = None
            return None
        share = np.maximum(-answer.prices[r:], 0.0)
        if share.sum() <= 1e-9:
            return None
        share /= share.sum()
        for k in range(len(self.weight)):
            self.weight[k] = 0.97 * self.weight[k] + share[k]
        used = np.flatnonzero(share > 0)
        v = share[used] @ np.array([self.prices[k] for k in used])
        y = -answer.prices[:r] * self.size
        y = np.where(np.isinf(self.problem.high), np.minimum(y, 0.0), y)
        y = np.where(np.isinf(self.problem.low), np.maximum(y, 0.0), y)
        return self.evaluate(v, y, lower, upper, np.clip(answer.x[:m], 0.0, 1.0))

    def evaluate(self, v: Floats, y: Floats, lower: Bools, upper: Bools, part: Floats) -> Priced:
        """Return what prices prove of a box."""
        base, reduced = priced(self.problem, v, y)
        gain = np.where(reduced > 0, reduced * upper, reduced * lower)
        return Priced(v, y, -(base + float(gain.sum())), reduced, part)

    def separate(self, part: Floats) -> float:
        """Add the cut that is tightest where columns are open in parts; return what all costs there."""
        problem = self.problem
        transport = Transport(problem, slots=max(8, int((part > SHUT).sum())))
        for j in np.argsort(-part, kind="stable"):
            if part[j] <= SHUT:
                break
            transport.open(int(j), float(min(1.0, part[j])))
        self.add(transport.prices())
        return transport.cost + float(problem.opening @ np.where(part > SHUT, part, 0.0))
