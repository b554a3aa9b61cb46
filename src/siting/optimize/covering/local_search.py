"""A local search for covering problems with any rules: columns are opened and shut while that improves.

Rules are penalised: a plan counts its objective less its violation of each rule, at a price that rises while
the rule is broken (Morris, P., 1993, The breakout method for escaping from local minima, AAAI-93). Rules of the form
x_a <= x_b are always kept: a opens only together with b. A column that serves nobody and only relaxes rules once two
others are open (the saving of two services in one building) opens by itself.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array, vstack

from siting.numbers import Bools, Floats, Ints
from siting.optimize.covering import local_search_kernels as kernels
from siting.optimize.covering.relaxation import Lagrangian, Multipliers
from siting.optimize.model import Model
from siting.optimize.sparse_rows import largest_entry, row_of_entries, transposed

__all__ = ["LocalSearch"]

#: The largest price of a missed unit: the rule comes before everything else.
MOST_PRICE = 1e100
#: Improving moves after a kick.
STEPS = 12
#: Rounding tolerance of a limit, and the least gain that counts, as a share of the largest worth of a column.
SAME = 1e-9


class _Pairs(NamedTuple):
    """Columns that open by themselves with two others: their positions and those two."""

    column: Ints
    one: Ints
    other: Ints


class LocalSearch:
    """The local search of one model, with its best plan; the multipliers give the first prices of its rules."""

    def __init__(self, terms: Lagrangian, multipliers: Multipliers) -> None:
        self.terms, self.model = terms, terms.model
        model, m = self.model, len(self.model.value)
        self.lower, self.upper = model.lower.astype(float), model.upper.astype(float)
        before, plain = _precedences(model)
        self._spread_fixings(before)
        self.pairs = _pairs(model, before, plain, self.lower, self.upper)
        self.links = _closures(before, self.pairs.column, m)
        self.rows = csr_array(model.rows[np.flatnonzero(plain)])
        self.low, self.high = model.low[plain], model.high[plain]
        must = csr_array(model.must[None].astype(float)) if model.must.any() else csr_array((0, len(model.must)))
        self.shares = csr_array(vstack([model.shares, must], format="csr"))
        self.wanted = np.append(model.wanted, must.sum()) if must.shape[0] else model.wanted
        self.best = -np.inf
        self.best_x: Bools | None = None
        self._set_prices(multipliers, plain)
        self._first_prices = self.row_price.copy(), self.share_price.copy()
        self._problem = self._arrays()
        self._adds = np.column_stack([terms.serves @ terms.w, (terms.serves @ self.shares.T.tocsr()).toarray()])
        self._current: Any = None
        self._plan: Any = None
        self._move = 0

    def _spread_fixings(self, before: list[tuple[int, int]]) -> None:
        """Fix columns by precedence: a shut column shuts those that need it, and so on."""
        again = bool(before)
        while again:
            again = False
            for a, b in before:
                if self.upper[a] > self.upper[b] or self.lower[b] < self.lower[a]:
                    self.upper[a] = min(self.upper[a], self.upper[b])
                    self.lower[b] = max(self.lower[a], self.lower[b])
                    again = True

    def _set_prices(self, multipliers: Multipliers, plain: Bools) -> None:
        terms, model = self.terms, self.model
        worth = float((np.abs(model.value) + terms.serves @ terms.w).max(initial=0.0)) or 1.0
        y = np.abs(multipliers.y[plain]) if len(multipliers.y) else np.zeros(0)
        self.row_price = np.maximum(1.5 * y, 0.02 * worth / largest_entry(self.rows, zero=1.0))
        m = 1.2 * multipliers.m
        if len(self.wanted) > len(m):
            m = np.append(m, 1.2 * float(np.abs(multipliers.v[model.must]).max(initial=0.0)))
        by_column = csr_array(self.shares @ terms.serves.T.tocsr()) if self.shares.shape[0] else self.shares
        self.share_price = np.maximum(m, 0.02 * worth / largest_entry(by_column, zero=1.0))
        size = np.append(
            self.share_price * np.maximum(1, np.abs(self.wanted)),
            self.row_price * np.maximum(1, np.abs(np.where(np.isfinite(self.high), self.high, 1))),
        )
        self.tolerance = 1e-10 * float(size.max(initial=0.0))
        self.least = SAME * worth

    def _arrays(self) -> kernels.Problem:
        model, terms = self.model, self.terms
        by_column, pairs = self._rows_and_pairs()
        matrices = (terms.serves, model.benefit, self.shares.T.tocsr(), by_column)
        needs, columns, shares, rows = (
            kernels.Lists(part.indptr.astype(np.int32), part.indices.astype(np.int32), part.data.astype(float))
            for part in matrices
        )
        starts = np.cumsum([0, *(len(part) for part in self.links)]).astype(np.int32)
        links = kernels.Lists(starts, np.array([k for part in self.links for k in part], np.int32), np.empty(0))
        arrays = (terms.w, self.low, self.high, self.wanted, model.value)
        w, low, high, wanted, value = (array.astype(float) for array in arrays)
        free = (self.lower < self.upper) & ~np.isin(np.arange(len(value)), self.pairs.column)
        return kernels.Problem(needs, columns, shares, rows, pairs, links, w, low, high, wanted, value, free)

    def _rows_and_pairs(self) -> tuple[csr_array, kernels.Lists]:
        """Return rows by column, with room for the changes of pairs, and the changes of each column."""
        m, rows_of = len(self.model.value), transposed(self.rows)
        if not len(self.pairs.column):
            return rows_of, kernels.Lists(np.zeros(m + 1, np.int32), np.empty(0, np.int32), np.empty(0))
        both = np.concatenate([self.pairs.one, self.pairs.other])
        partner = np.concatenate([self.pairs.other, self.pairs.one])
        eased = rows_of[np.concatenate([self.pairs.column] * 2)].tocoo()
        entry, row = eased.coords
        base, width = rows_of.tocoo(), rows_of.shape[1]
        data = np.concatenate([base.data, np.zeros(len(entry))])
        columns = np.concatenate([base.coords[0], both[entry]]).astype(np.int64)
        key, where = np.unique(columns * width + np.concatenate([base.coords[1], row]), return_inverse=True)
        starts = np.searchsorted(key // width, np.arange(m + 1))
        wide = csr_array((np.bincount(where, data, len(key)), key % width, starts), shape=rows_of.shape)
        source = np.concatenate([partner[entry], partner])
        changed = np.concatenate([where[len(base.data) :], -1 - both])
        amount = np.concatenate([eased.data, np.concatenate([self.model.value[self.pairs.column]] * 2)])
        order = np.lexsort((changed, source))
        start = np.searchsorted(source[order], np.arange(m + 1))
        return wide, kernels.Lists(start.astype(np.int32), changed[order].astype(np.int32), amount[order])

    def start_from(self, x: Bools) -> None:
        """Set *x* as the current plan, with fixed columns and precedences."""
        m, problem = len(self.model.value), self._problem
        rows = problem.rows._replace(data=problem.rows.data.copy())
        self._current = problem._replace(rows=rows, value=problem.value.copy())
        x = (np.asarray(x, bool) & (self.upper > 0)) | (self.lower > 0)
        for j in np.flatnonzero(x):
            x[self.links[j]] = True
        x[self.pairs.column] = False
        n = self.model.benefit.shape[0]
        activity, reached, worth = (np.zeros(size) for size in (len(self.low), len(self.wanted), 2))
        count, sole = np.zeros(n, np.int32), np.zeros(n, np.int64)
        opened, stamp = np.zeros(m, bool), np.zeros(m, np.int64)
        self._plan = kernels.Plan(opened, count, sole, self._adds.copy(), activity, reached, worth, stamp)
        self._move = 0
        for j in np.flatnonzero(x):
            kernels.flip(self._current, self._plan, self.row_price, self.share_price, j)

    def climb(self, kicks: Ints, steps: int = STEPS) -> bool:
        """Flip each of the columns *kicks*, followed by improving moves; return whether the plan improved."""
        plan = self._plan
        before = plan.worth[0] - plan.worth[1]
        best, best_x = np.array([self.best - self.model.constant]), np.zeros(len(plan.x), bool)
        prices, kicks = (self.row_price, self.share_price), np.asarray(kicks, np.int64)
        self._move = kernels.climb(
            self._current, plan, *prices, kicks, steps, self.least, self.tolerance, self._move, best_x, best
        )
        if best[0] > self.best - self.model.constant:
            self.offer(best_x)
        return bool(plan.worth[0] - plan.worth[1] > before + self.least)

    def descend(self) -> None:
        """Make improving moves until there are none."""
        self.climb(np.array([-1]), 10 * len(self.model.value))
        while self.climb(np.array([-1]), len(self.model.value)):
            pass

    def raise_prices(self, factor: float) -> bool:
        """Raise the prices of the rules that the current plan breaks; return whether there are any."""
        plan = self._plan
        slack_high, slack_low, slack = (SAME * np.maximum(1.0, np.abs(a)) for a in (self.high, self.low, self.wanted))
        rows = (plan.activity > self.high + slack_high) | (plan.activity < self.low - slack_low)
        shares = plan.reached < self.wanted - slack
        for price, missed in ((self.row_price, rows), (self.share_price, shares)):
            price[missed] = np.minimum(MOST_PRICE, price[missed] * factor)
        if not (rows.any() or shares.any()):
            return False
        outside = np.maximum(0.0, np.maximum(self.low - plan.activity, plan.activity - self.high))
        short = np.maximum(0.0, self.wanted - plan.reached)
        plan.worth[1] = self.share_price @ short + self.row_price @ outside
        return True

    def reset_prices(self) -> None:
        """Go back to the first prices, from the next plan on."""
        self.row_price, self.share_price = (prices.copy() for prices in self._first_prices)

    def offer(self, x: Bools) -> None:
        """Keep *x*, with the columns that open by themselves, as the best plan if it is feasible and better."""
        x = np.array(x, bool)
        x[self.pairs.column] = x[self.pairs.one] & x[self.pairs.other]
        value = self.model.objective(x)
        if value > self.best and self.model.is_feasible(x):
            self.best, self.best_x = value, x


def _precedences(model: Model) -> tuple[list[tuple[int, int]], Bools]:
    """Find rows of the form x_a <= x_b, as (a, b); and mark the other rows."""
    rows = model.rows
    plain = np.ones(rows.shape[0], bool)
    found: list[tuple[int, int]] = []
    for r in np.flatnonzero(np.diff(rows.indptr) == 2):
        at = slice(rows.indptr[r], rows.indptr[r] + 2)
        (a, b), (c, d) = rows.indices[at].tolist(), rows.data[at]
        if c != -d or c == 0:
            continue
        if c < 0:
            a, b = b, a
        up, down = bool(model.high[r] == 0), bool(model.low[r] == 0)
        if (up or model.high[r] == np.inf) and (down or model.low[r] == -np.inf):
            plain[r] = False
            found += [(a, b)] * up + [(b, a)] * down
    return found, plain


def _pairs(model: Model, before: list[tuple[int, int]], plain: Bools, lower: Floats, upper: Floats) -> _Pairs:
    needs: dict[int, set[int]] = {}
    for a, b in before:
        needs.setdefault(a, set()).add(b)
    needed = {b for _, b in before}
    serving = np.bincount(model.benefit.indices, minlength=len(model.value)) > 0
    rows, limit = model.rows, row_of_entries(model.rows)
    hard = ((rows.data > 0) & np.isfinite(model.high[limit])) | ((rows.data < 0) & np.isfinite(model.low[limit]))
    restricts = np.bincount(rows.indices, hard & plain[limit], len(model.value)) > 0
    fit = ~serving & ~restricts & (model.value >= 0) & (lower == 0) & (upper > 0)
    chosen = [t for t, of in sorted(needs.items()) if len(of) == 2 and fit[t] and t not in needed]
    both = np.array([sorted(needs[t]) for t in chosen], np.int64).reshape(-1, 2)
    return _Pairs(np.array(chosen, np.int64), both[:, 0], both[:, 1])


def _closures(before: list[tuple[int, int]], skip: Ints, m: int) -> list[list[int]]:
    """For each column those that must be open before it; then for each those that must be shut before it."""
    skipped = set(skip.tolist())
    links: list[set[int]] = [set() for _ in range(2 * m)]
    for a, b in before:
        if a not in skipped and a != b:
            links[a].add(b)
            links[m + b].add(m + a)
    return [[k % m for k in _reachable(links, j)] for j in range(2 * m)]


def _reachable(links: list[set[int]], j: int) -> list[int]:
    """All that follow from *j*, itself left out."""
    seen, queue = {j}, list(links[j])
    while queue:
        k = queue.pop()
        if k not in seen:
            seen.add(k)
            queue.extend(links[k])
    return sorted(seen - {j})
