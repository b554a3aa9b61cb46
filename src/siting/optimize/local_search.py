"""A local search for covering problems with rules of any kind: columns are opened and shut while that pays.

Rules are kept by prices: a plan counts its objective less what it misses of each rule, at a price that rises while the
rule stays broken (Morris, P., 1993, The breakout method for escaping from local minima, AAAI-93). Rules of the form
x_a <= x_b are kept always: a opens only together with b. A column that serves nobody and only eases rules once two
others are open (what two services save in one building) is no decision: it opens by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from siting.numbers import Bools, Floats, Ints
from siting.optimize.model import Model
from siting.optimize.relaxation import Lagrangian, Prices

__all__ = ["Flips"]

#: Above this a price says no more: the rule comes before everything else.
DEAR = 1e100

#: Best flips after a forced one.
STEPS = 12


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Columns that open by themselves with two others: their positions and those two."""

    column: Ints
    one: Ints
    other: Ints


class Flips:
    """The local search of one model; it keeps the best plan that it has seen.

    Parameters
    ----------
    terms
        The model, prepared.
    prices
        Multipliers of its relaxation: what to ask for a missed rule at first.
    """

    def __init__(self, terms: Lagrangian, prices: Prices, *, fixed: tuple[Floats, Floats] | None = None) -> None:
        self.terms, self.model = terms, terms.model
        model, m = self.model, len(self.model.value)
        self.lower, self.upper = (np.array(a, float) for a in (fixed or (model.lower, model.upper)))
        before, plain = _precedences(model)
        self._spread(before)
        self.pairs = _pairs(model, before, plain, self.lower, self.upper)
        self.first, self.after = _closures(before, self.pairs.column, m)
        self.rows = csr_array(model.rows[np.flatnonzero(plain)])
        self.low, self.high = model.low[plain], model.high[plain]
        must = csr_array(model.must[None].astype(float)) if model.must.any() else csr_array((0, len(model.must)))
        self.shares = _stack(model.shares, must)
        self.wanted = np.append(model.wanted, must.sum()) if must.shape[0] else model.wanted
        self.best = -np.inf
        self.best_x: Bools | None = None
        self._ask(prices, plain)
        self._asked = self.row_price.copy(), self.share_price.copy()
        self._web = self._woven()
        self._adds = np.column_stack([terms.serves @ terms.w, (terms.serves @ self.shares.T.tocsr()).toarray()])
        self._now: Any = None
        self._plan: Any = None
        self.mark = 0

    def _spread(self, before: list[tuple[int, int]]) -> None:
        """Fix what precedences fix: a column that must stay shut shuts those that need it, and so on."""
        again = bool(before)
        while again:
            again = False
            for a, b in before:
                if self.upper[a] > self.upper[b] or self.lower[b] < self.lower[a]:
                    self.upper[a] = min(self.upper[a], self.upper[b])
                    self.lower[b] = max(self.lower[a], self.lower[b])
                    again = True

    def _ask(self, prices: Prices, plain: Bools) -> None:
        terms, model = self.terms, self.model
        gains = np.abs(model.value) + terms.serves @ terms.w
        worth = float(gains.max(initial=0.0)) or 1.0
        self.unit = worth
        largest = _largest(self.rows)
        y = np.abs(prices.y[plain]) if len(prices.y) else np.zeros(0)
        self.row_price = np.maximum(1.5 * y, 0.02 * worth / largest)
        most = _largest(csr_array(self.shares @ terms.serves.T.tocsr()) if self.shares.shape[0] else self.shares)
        m = 1.2 * prices.m
        if len(self.wanted) > len(m):
            dear = float(np.abs(prices.v[model.must]).max(initial=0.0))
            m = np.append(m, 1.2 * dear)
        self.share_price = np.maximum(m, 0.02 * worth / most)
        size = np.append(
            self.share_price * np.maximum(1, np.abs(self.wanted)),
            self.row_price * np.maximum(1, np.abs(np.where(np.isfinite(self.high), self.high, 1))),
        )
        self.tolerance = 1e-10 * float(size.max(initial=0.0))
        self.least = 1e-9 * worth

    def _woven(self) -> Any:
        from siting.optimize.local_search_kernels import Web

        model, terms = self.model, self.terms
        m = len(model.value)
        serves = terms.serves
        back = model.benefit
        share_of = csr_array(self.shares.T.tocsr())
        entries, pair_start, pair, amount = self._paired()
        free = (self.lower < self.upper) & ~np.isin(np.arange(m), self.pairs.column)
        first_start, first = _lists(self.first, m)
        after_start, after = _lists(self.after, m)
        return Web(
            serves.indptr.astype(np.int32),
            serves.indices.astype(np.int32),
            back.indptr.astype(np.int32),
            back.indices.astype(np.int32),
            terms.w.astype(float),
            share_of.indptr.astype(np.int32),
            share_of.indices.astype(np.int32),
            share_of.data.astype(float),
            entries.indptr.astype(np.int32),
            entries.indices.astype(np.int32),
            entries.data.astype(float),
            self.low.astype(float),
            self.high.astype(float),
            self.wanted.astype(float),
            model.value.astype(float).copy(),
            pair_start,
            pair,
            amount,
            first_start,
            first,
            after_start,
            after,
            free,
        )

    def _paired(self) -> tuple[csr_array, Ints, Ints, Floats]:
        """Return rows by column, with room for what pairs change, and where each column changes what."""
        m, rows_of = len(self.model.value), csr_array(self.rows.T.tocsr())
        rows_of.sort_indices()
        if not len(self.pairs.column):
            return rows_of, np.zeros(m + 1, np.int32), np.empty(0, np.int32), np.empty(0)
        both = np.concatenate([self.pairs.one, self.pairs.other])
        eased = rows_of[np.concatenate([self.pairs.column] * 2)].tocoo()
        shape = rows_of.shape
        column = both[eased.coords[0]]
        base = rows_of.tocoo()
        at = np.concatenate([base.coords[0], column]), np.concatenate([base.coords[1], eased.coords[1]])
        data = np.concatenate([base.data, np.zeros(len(column))])
        key, where = np.unique(at[0].astype(np.int64) * shape[1] + at[1], return_inverse=True)
        room = np.bincount(where, data, len(key))
        starts = np.searchsorted(key // shape[1], np.arange(m + 1))
        wide = csr_array((room, key % shape[1], starts), shape=shape)
        partner = np.concatenate([self.pairs.other, self.pairs.one])
        value = np.concatenate([self.model.value[self.pairs.column]] * 2)
        source = np.concatenate([partner[eased.coords[0]], partner])
        entry = np.concatenate([where[len(base.data) :], -1 - both])
        amount = np.concatenate([eased.data, value])
        order = np.lexsort((entry, source))
        start = np.searchsorted(source[order], np.arange(m + 1))
        return wide, start.astype(np.int32), entry[order].astype(np.int32), amount[order]

    def begin(self, x: Bools) -> None:
        """Take *x* as the plan at hand, with what is fixed as it is fixed, and what must be open before what is."""
        from siting.optimize.local_search_kernels import Plan, flip

        m = len(self.model.value)
        web = self._web._replace(row_data=self._web.row_data.copy(), value=self._web.value.copy())
        x = (np.asarray(x, bool) & (self.upper > 0)) | (self.lower > 0)
        for j in np.flatnonzero(x):
            x[self.first[j]] = True
        x[self.pairs.column] = False
        n, k = self.model.benefit.shape[0], len(self.wanted)
        plan = Plan(
            np.zeros(m, bool),
            np.zeros(n, np.int32),
            np.zeros(n, np.int64),
            self._adds.copy(),
            np.zeros(len(self.low)),
            np.zeros(k),
            np.zeros(2),
            np.zeros(m, np.int64),
            np.zeros(m),
            np.zeros(m, np.int64),
        )
        self._now, self._plan, self.mark = web, plan, 0
        for j in np.flatnonzero(x):
            flip(web, plan, self.row_price, self.share_price, j)

    def climb(self, kicks: Ints, steps: int = STEPS) -> bool:
        """Better the plan at hand by a forced flip of each of *kicks* and what follows; tell whether it got better."""
        from siting.optimize.local_search_kernels import climb

        plan = self._plan
        before = plan.worth[0] - plan.worth[1]
        best, best_x = np.array([self.best - self.model.constant]), np.zeros(len(plan.x), bool)
        self.mark = climb(
            self._now,
            plan,
            self.row_price,
            self.share_price,
            np.asarray(kicks, np.int64),
            steps,
            self.least,
            self.tolerance,
            self.mark,
            best_x,
            best,
        )
        if best[0] > self.best - self.model.constant:
            self.offer(best_x)
        return bool(plan.worth[0] - plan.worth[1] > before + self.least)

    def descend(self) -> None:
        """Flip while it pays."""
        self.climb(np.array([-1]), 10 * len(self.model.value))
        while self.climb(np.array([-1]), len(self.model.value)):
            pass

    def missed(self) -> tuple[Bools, Bools]:
        """Rules (rows, shares) that the plan at hand misses."""
        plan = self._plan
        slack = 1e-9 * np.maximum(1.0, np.abs(self.wanted))
        return (
            (plan.activity > self.high + 1e-9 * np.maximum(1.0, np.abs(self.high)))
            | (plan.activity < self.low - 1e-9 * np.maximum(1.0, np.abs(self.low))),
            plan.reached < self.wanted - slack,
        )

    def raise_prices(self, factor: float) -> bool:
        """Ask more for the rules that the plan at hand misses; tell whether there are any."""
        rows, shares = self.missed()
        self.row_price[rows] = np.minimum(DEAR, self.row_price[rows] * factor)
        self.share_price[shares] = np.minimum(DEAR, self.share_price[shares] * factor)
        if rows.any() or shares.any():
            plan = self._plan
            plan.worth[1] = self.share_price @ np.maximum(
                0.0, self.wanted - plan.reached
            ) + self.row_price @ np.maximum(0.0, np.maximum(self.low - plan.activity, plan.activity - self.high))
            return True
        return False

    def first_prices(self) -> None:
        """Ask for what is missed what was asked at first, from the next plan on."""
        self.row_price, self.share_price = self._asked[0].copy(), self._asked[1].copy()

    @property
    def x(self) -> Bools:
        """The plan at hand, with the columns that open by themselves."""
        return self.whole(self._plan.x)

    def whole(self, x: Bools) -> Bools:
        """Open what opens by itself."""
        x = np.array(x, bool)
        x[self.pairs.column] = x[self.pairs.one] & x[self.pairs.other]
        return x

    def offer(self, x: Bools) -> None:
        """Keep *x* as the best plan if it keeps all rules and is better."""
        x = self.whole(x)
        value = self.model.objective(x)
        if value > self.best and self.model.is_feasible(x):
            self.best, self.best_x = value, x


def _precedences(model: Model) -> tuple[list[tuple[int, int]], Bools]:
    """Find rows that say x_a <= x_b, as (a, b); and mark the rows that say something else."""
    rows = model.rows
    plain = np.ones(rows.shape[0], bool)
    found: list[tuple[int, int]] = []
    for r in np.flatnonzero(np.diff(rows.indptr) == 2):
        (a, b), (c, d) = (
            rows.indices[rows.indptr[r] : rows.indptr[r] + 2],
            rows.data[rows.indptr[r] : rows.indptr[r] + 2],
        )
        if c != -d or c == 0:
            continue
        if c < 0:
            a, b = b, a
        up, down = bool(model.high[r] == 0), bool(model.low[r] == 0)
        if (up or model.high[r] == np.inf) and (down or model.low[r] == -np.inf):
            plain[r] = False
            found += [(int(a), int(b))] * up + [(int(b), int(a))] * down
    return found, plain


def _pairs(model: Model, before: list[tuple[int, int]], plain: Bools, lower: Floats, upper: Floats) -> _Pairs:
    needs: dict[int, set[int]] = {}
    asked = set()
    for a, b in before:
        needs.setdefault(a, set()).add(b)
        asked.add(b)
    serving = np.bincount(model.benefit.indices, minlength=len(model.value)) > 0
    rows = csr_array(model.rows[np.flatnonzero(plain)])
    limit = np.repeat(np.flatnonzero(plain), np.diff(rows.indptr))
    hard = ((rows.data > 0) & np.isfinite(model.high[limit])) | ((rows.data < 0) & np.isfinite(model.low[limit]))
    heavy = np.bincount(rows.indices, hard, len(model.value)) > 0
    fit = ~serving & ~heavy & (model.value >= 0) & (lower == 0) & (upper > 0)
    chosen = [t for t, of in sorted(needs.items()) if len(of) == 2 and fit[t] and t not in asked]
    both = np.array([sorted(needs[t]) for t in chosen], np.int64).reshape(-1, 2)
    return _Pairs(np.array(chosen, np.int64), both[:, 0], both[:, 1])


def _closures(before: list[tuple[int, int]], skip: Ints, m: int) -> tuple[list[list[int]], list[list[int]]]:
    """For each column all that must be open before it, and all that must be shut before it shuts."""
    left = set(skip.tolist())
    up: list[set[int]] = [set() for _ in range(m)]
    down: list[set[int]] = [set() for _ in range(m)]
    for a, b in before:
        if a not in left and a != b:
            up[a].add(b)
            down[b].add(a)
    return [_all(up, j) for j in range(m)], [_all(down, j) for j in range(m)]


def _all(links: list[set[int]], j: int) -> list[int]:
    seen, queue = {j}, list(links[j])
    while queue:
        k = queue.pop()
        if k not in seen:
            seen.add(k)
            queue.extend(links[k])
    return sorted(seen - {j})


def _lists(lists: list[list[int]], m: int) -> tuple[Ints, Ints]:
    start = np.concatenate([[0], np.cumsum([len(part) for part in lists])]) if m else np.zeros(1)
    flat = [k for part in lists for k in part]
    return start.astype(np.int32), np.array(flat, np.int32)


def _largest(array: csr_array) -> Floats:
    largest = np.zeros(array.shape[0])
    np.maximum.at(largest, np.repeat(np.arange(array.shape[0]), np.diff(array.indptr)), np.abs(array.data))
    return np.where(largest > 0, largest, 1.0)


def _stack(one: csr_array, other: csr_array) -> csr_array:
    from scipy.sparse import vstack

    return csr_array(vstack([one, other], format="csr"))
