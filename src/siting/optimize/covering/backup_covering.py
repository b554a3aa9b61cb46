"""Maximal covering where several open columns serve a need: annealing, and a relaxation with cuts.

It is the problem of backup coverage (Hogan, K. and ReVelle, C., 1986, Concepts and applications of backup coverage,
Management Science 32 (11), pp. 1434-1444). A need i that t columns serve, with y_i = 1 when it is served, obeys

    (t - |K|) y_i <= sum of x_j over its columns outside K        for any set K of fewer than t of its columns,

since at most |K| of t open columns lie in K. The deepest of them leaves out those with the largest x. The prices of
these rows add up to a credit for each pair, which proves the bound: see `BackupProof`.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array, diags_array, hstack, vstack

from siting.numbers import Bools, Floats, Ints, Ints32
from siting.optimize.control import Control
from siting.optimize.covering import backup_kernels as kernels
from siting.optimize.covering.backup_proof import BackupProof, bound_of_backup
from siting.optimize.highs import Programme, Simplex
from siting.optimize.milp import solve_milp
from siting.optimize.model import Model
from siting.optimize.solution import Solution, floored, is_proven
from siting.optimize.sparse_rows import keep_entries, row_max, row_of_entries, transposed, with_data

__all__ = ["is_backup", "solve_backup"]

NAME = "backup covering"
#: Exchanges of a part of a round of annealing, and parts.
PART, PARTS = 50_000, 20
#: For each round, the part of its weight that a need counts for, times the share of its columns that are there.
NEARLY = (0.2, 0.3, 0.2)
#: First and last temperature, as a part of the weight for each column that opens.
HOT, COLD = 0.1, 0.003
#: Rounds of prices between two looks at the control, and the most of them.
PRICES, MOST_PRICES = 50, 1_000
#: By how much a point must break a cut; rounds of cuts.
BROKEN, CUTS = 1e-4, 30
#: Seconds, about, to write a pair into the relaxation; seconds of the simplex between two looks at the control.
WRITING, SLICE = 2e-6, 5.0
#: Share of the time left that the relaxation may take.
SHARE = 0.4


def is_backup(model: Model) -> bool:
    """Whether several columns serve a need, and the only row limits the number of columns, worth nothing alone."""
    if model.times is None or model.rows.shape[0] != 1 or len(model.wanted) or model.must.any() or model.has_levels:
        return False
    free = model.lower < model.upper
    row = model.rows.toarray()[0]
    return bool((row[free] == 1).all() and not np.isfinite(model.low[0]) and not model.value.any())


def solve_backup(model: Model, control: Control, *, start: Bools | None = None) -> Solution:
    """Solve a model that `is_backup` says yes to, until the control stops it; the solver ends what is left open."""
    if (model.lower > model.upper).any() or (model.rows @ model.lower > model.high * (1 + 1e-9)).any():
        return Solution.infeasible(NAME)
    search = _Search(model)
    if start is not None:
        search.offer(np.asarray(start, bool))
    search.anneal(control)
    if not control.report("annealing", search.value):
        search.lower_prices(control)
    if not control.report("prices", search.value, search.bound) and not search.is_done:
        search.relax(control)
    stopped = control.report("relaxation", search.value, search.bound)
    x, value, bound, proof = search.x, search.value, search.bound, search.proof
    if search.is_done:
        return Solution(x, value, value, "optimal", NAME, proof, 1)
    if stopped:
        return Solution(x, value, bound, control.status, NAME, proof, 1)
    found = solve_milp(model, control, start=x)
    if found.x is None or found.value < value:
        found = replace(found, x=x, value=value)
    bound = max(found.value, min(bound, found.bound))
    proven = is_proven(found.value, bound, model.grain)
    status = "optimal" if proven else control.status
    return replace(found, bound=found.value if proven else bound, status=status, engine=NAME, proof=proof)


class _Search:
    """The best plan `x` so far, and the `least` bound with its `proof`; needs and columns leave out what is settled."""

    def __init__(self, model: Model) -> None:
        self.model = model
        benefit, opened = model.benefit, model.lower > 0
        self.free = (model.lower == 0) & (model.upper > 0)
        assert model.times is not None
        row = row_of_entries(benefit)
        lacks = model.times - np.bincount(row[opened[benefit.indices]], minlength=benefit.shape[0])
        there = np.bincount(row[self.free[benefit.indices]], minlength=benefit.shape[0])
        weight = row_max(benefit, benefit.data)
        self.needs = np.flatnonzero((lacks > 0) & (there >= lacks) & (weight > 0))
        kept = np.zeros(benefit.shape[0], bool)
        kept[self.needs] = True
        self.entries = self.free[benefit.indices] & kept[row]
        self.columns = np.flatnonzero(self.free)
        self.serves = csr_array(keep_entries(benefit, self.entries)[self.needs][:, self.columns])
        self.serves.data = np.ones(self.serves.nnz)
        self.weight, self.times = weight[self.needs], lacks[self.needs].astype(np.int64)
        spare = float(model.high[0]) - float((model.rows @ model.lower)[0])
        self.most = int(min(len(self.columns), math.floor(spare + 1e-9 * max(1.0, abs(spare)))))
        self.x, self.value = opened, model.objective(opened)
        self.proof = self._proof(np.zeros(self.serves.nnz))
        self.least = bound_of_backup(model, self.proof)
        self.credit, self.less = 0.5 * self.weight / self.times, np.zeros(self.serves.nnz)

    @property
    def is_done(self) -> bool:
        """Whether the bound proves the plan."""
        return is_proven(self.value, self.bound, self.model.grain)

    def offer(self, x: Bools) -> None:
        """Keep a plan that is better."""
        if self.model.is_feasible(x) and (value := self.model.objective(x)) > self.value:
            self.x, self.value = x, value

    def _widened(self, opened: Ints | Ints32) -> Bools:
        x = self.model.lower > 0
        x[self.columns[opened]] = True
        return x

    def anneal(self, control: Control) -> None:
        """Open columns one by one by what they add, and exchange them."""
        by_column = transposed(self.serves)
        parts = (by_column.indptr, by_column.indices, self.serves.indptr, self.serves.indices)
        start, needs, back_start, back = (part.astype(np.uint32) for part in parts)
        cover = kernels.Cover(start, needs, back_start, back)
        random = np.array([88172645463325252], np.uint64)
        heat = float(self.weight.sum()) / max(self.most, 1)
        for nearly in NEARLY:
            worth = self._worth(nearly)
            opened, lacks = self._opened_by_gain(by_column, worth)
            self.offer(self._widened(opened))
            if control.must_stop or len(opened) < 1 or len(opened) >= len(self.columns) or not self.serves.nnz:
                return
            place = np.full(len(self.columns), -1, np.int32)
            place[opened] = np.arange(len(opened))
            for part in range(PARTS):
                if control.must_stop:
                    return
                hot, cold = (heat * HOT * (COLD / HOT) ** (at / PARTS) for at in (part, part + 1))
                best = opened.copy()
                kernels.anneal(cover, self.weight, lacks, worth, opened, place, PART, hot, cold, random, best)
                self.offer(self._widened(best))

    def _worth(self, nearly: float) -> Floats:
        """Return by how many columns are lacking the part of a need's weight that counts."""
        most = int(self.times.max(initial=1))
        lacking = np.arange(most + 2)
        return np.where(lacking == 0, 1.0, np.maximum(0.0, nearly * (1 - lacking / most)))

    def _opened_by_gain(self, by_column: csr_array, worth: Floats) -> tuple[Ints32, Ints32]:
        lacks = self.times.astype(np.int32)
        opened: list[int] = []
        shut = np.diff(by_column.indptr) > 0
        for _ in range(min(self.most, int(shut.sum()))):
            step = np.where(lacks > 0, worth[np.maximum(lacks - 1, 0)] - worth[np.maximum(lacks, 0)], 0.0)
            gain = np.where(shut, by_column @ (self.weight * step), -1.0)
            j = int(np.argmax(gain))
            opened.append(j)
            shut[j] = False
            lacks[by_column.indices[by_column.indptr[j] : by_column.indptr[j + 1]]] -= 1
        return np.array(opened, np.int32), lacks

    def lower_prices(self, control: Control) -> None:
        """Lower the bound by subgradients."""
        serves, size, step = self.serves, len(self.columns), 1.0
        known = self.value - self.model.objective(self.model.lower > 0)
        for _ in range(MOST_PRICES // PRICES):
            if control.must_stop or self.is_done or step < 1e-4:
                break
            _, step = kernels.lower_prices(
                (serves.indptr, serves.indices), self.weight, self.times, np.zeros(size), np.ones(size, bool),
                self.most, known, self.credit, self.less, PRICES, step,
            )  # fmt: skip
            self._keep(np.maximum(0.0, np.repeat(self.credit, np.diff(serves.indptr)) - self.less))

    def relax(self, control: Control) -> None:
        """Solve the linear relaxation, with the deepest cuts of needs until there are none."""
        serves, n, m = self.serves, len(self.needs), len(self.columns)
        ends = control.seconds + SHARE * control.seconds_left
        if WRITING * serves.nnz > ends - control.seconds:
            return
        unit = max(float(self.weight.sum()), 1e-300)
        simplex = Simplex(self._programme(unit), dual=True)
        entries = [np.arange(serves.nnz)]
        sizes = [np.diff(serves.indptr)]
        left_out, size = np.zeros(serves.nnz, bool), np.zeros(n, np.int64)
        for _ in range(CUTS):
            answer = simplex.solve(seconds=min(ends - control.seconds, SLICE))
            while answer.status == "stopped" and not control.must_stop and control.seconds < ends:
                answer = simplex.solve(seconds=min(ends - control.seconds, SLICE))
            if answer.status != "optimal":
                return
            price = np.maximum(0.0, -np.delete(answer.prices, n)) * unit
            each = np.repeat(price, np.concatenate(sizes))
            self._keep(np.bincount(np.concatenate(entries), each, serves.nnz).astype(float))
            x, y = np.clip(answer.x[:m], 0.0, 1.0), np.clip(answer.x[m:], 0.0, 1.0)
            self.offer(self._widened(np.argsort(-x, kind="stable")[: self.most]))
            broken = kernels.deepest_cut(serves.indptr, serves.indices, x, y, self.times, left_out, size)
            new = np.flatnonzero((broken > BROKEN) & (size > 0))
            if not len(new) or control.report("relaxation", self.value, self.bound) or control.seconds >= ends:
                return
            for i in new.tolist():
                first, last = serves.indptr[i : i + 2]
                kept = np.arange(first, last)[~left_out[first:last]]
                weight = np.append(-np.ones(len(kept)), float(self.times[i] - size[i]))
                simplex.row(np.append(serves.indices[kept], m + i), weight, 0.0)
                entries.append(kept)
            sizes.append(np.diff(serves.indptr)[new] - size[new])

    def _programme(self, unit: float) -> Programme:
        """Write the relaxation without cuts; the objective in this unit."""
        n, m = len(self.needs), len(self.columns)
        asked = csr_array(diags_array(self.times.astype(float), format="csr"))
        limit = csr_array(np.concatenate([np.ones(m), np.zeros(n)])[None])
        matrix = csr_array(vstack([hstack([with_data(self.serves, -self.serves.data), asked]), limit], format="csr"))
        cost = np.concatenate([np.zeros(m), -self.weight / unit])
        high = np.append(np.zeros(n), float(self.most))
        return Programme(cost, np.zeros(m + n), np.ones(m + n), matrix, np.full(n + 1, -np.inf), high, 0)

    def _keep(self, credit: Floats) -> None:
        """Keep the credits when their bound is lower."""
        proof = self._proof(credit)
        bound = bound_of_backup(self.model, proof)
        if bound < self.least:
            self.least, self.proof = bound, proof

    @property
    def bound(self) -> float:
        """What no plan beats, rounded to what a plan can be worth."""
        return max(self.value, floored(self.least, self.model.grain))

    def _proof(self, credit: Floats) -> BackupProof:
        """Return the proof by credits: the limit on columns is priced at the last that opens."""
        model, every = self.model, np.zeros(self.model.benefit.nnz)
        every[self.entries] = credit
        gets = np.sort(np.bincount(self.serves.indices, credit, len(self.columns)))[::-1]
        y = np.array(
            [gets[self.most - 1] if 0 < self.most < len(gets) else 0.0 if self.most else gets.max(initial=0.0)]
        )
        return BackupProof.of(np.zeros(model.benefit.shape[0]), y, every)
