"""Make a model smaller without changing the value of its best plan.

The steps, repeated until nothing changes:

- Columns that must stay shut are removed. The benefit of a need from the best required column is added to the
  constant, and other columns keep their additional benefit.
- Needs without a column, or without worth, are removed.
- Needs with the same columns are merged: they are served together or not at all. So are needs with the same
  benefits from the same columns.
- The only column of a need that must be served opens.
- A need is removed if its columns include all of another need that must be served.
- A column is removed if another one dominates it: it serves the same needs no worse, has the same entry in every row,
  and no lower value. The column must also be removable without replacement (both may have been open), so it must have
  no own value and support no lower limit.

The last two are the row and column dominance of set covering (Toregas, C. and ReVelle, C., 1972, Optimal location under
time or distance constraints, Papers of the Regional Science Association 28).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from siting.numbers import Bools, Floats, Ints
from siting.optimize.covering.covering_kernels import Sets, contained
from siting.optimize.model import Model
from siting.optimize.sparse_rows import (
    keep_entries,
    number_rows,
    row_max,
    row_of_entries,
    same_along_row,
    transposed,
    with_data,
)

__all__ = ["Reduced", "reduce", "weights", "with_columns"]

#: Rounds of dropping columns and merging needs; later ones find little, but where all needs must be served.
ROUNDS, COVER_ROUNDS = 3, 30


@dataclass(frozen=True, eq=False)
class Reduced:
    """A smaller model, whose plans have the same values, and the origin of its parts.

    *columns* are the positions in the given model of those kept, the others stay shut; *needs* the positions in the
    smaller model of all needs of the given one, -1 when it went.
    """

    model: Model
    columns: Ints
    needs: Ints

    def widen(self, x: Bools, size: int) -> Bools:
        """Give a plan of the smaller model as a plan of the given one, which has *size* columns."""
        wide = np.zeros(size, bool)
        wide[self.columns] = x
        return wide


def reduce(model: Model, *, replaced: bool = True) -> Reduced:
    """Reduce a model; the value of the best plan is kept, and the result is deterministic.

    Without *replaced*, dominated columns stay and none is opened: multipliers can be mapped back to the given model.
    """
    n, m = model.benefit.shape
    columns, needs = np.arange(m), np.arange(n)
    if model.times is not None:  # the steps hold for needs that one column serves
        return Reduced(model, columns, needs)
    benefit = model.benefit if model.benefit.has_sorted_indices else model.benefit.sorted_indices()
    keep = model.upper > 0
    small, columns = with_columns(replace(model, benefit=benefit), keep), columns[keep]
    rounds = COVER_ROUNDS if model.must.all() and not len(model.high) else ROUNDS
    for _ in range(rounds):
        small = _with_forced(small) if replaced else small
        for change in (_without_served, _merged, _without_implied):
            small, step = change(small)
            needs = _follow(needs, step)
        keep = ~_replaced(small) if replaced else np.ones(len(columns), bool)
        if keep.all():
            break
        small, columns = with_columns(small, keep), columns[keep]
    else:
        small, step = _merged(small)
        needs = _follow(needs, step)
    return Reduced(small, columns, needs)


def weights(benefit: csr_array) -> Floats:
    """Worth of each need, the largest of its row; 0 for an empty one."""
    return row_max(benefit, benefit.data)


def _follow(needs: Ints, step: Ints) -> Ints:
    """Positions of needs after one more step, which gives for each position now its position then."""
    return np.where(needs >= 0, step[needs], -1) if len(step) else np.full(len(needs), -1)


def with_columns(model: Model, keep: Bools) -> Model:
    """Return the model without the columns that are not marked."""
    if keep.all():
        return model
    benefit, rows = _columns(model.benefit, keep), _columns(model.rows, keep)
    value, lower, upper = (part[keep] for part in (model.value, model.lower, model.upper))
    return replace(model, benefit=benefit, rows=rows, value=value, lower=lower, upper=upper)


def _columns(matrix: csr_array, keep: Bools) -> csr_array:
    """Columns of a sparse array, faster than slicing: the order inside the rows stays."""
    kept = keep_entries(matrix, keep[matrix.indices])
    indices = (np.cumsum(keep) - 1)[kept.indices].astype(kept.indices.dtype)
    return csr_array((kept.data, indices, kept.indptr), shape=(matrix.shape[0], int(keep.sum())))


def _with_needs(model: Model, keep: Bools) -> tuple[Model, Ints]:
    step = np.where(keep, np.cumsum(keep) - 1, -1)
    if keep.all():
        return model, step
    kept = keep_entries(model.benefit, keep[row_of_entries(model.benefit)])
    indptr = kept.indptr[np.append(True, keep)]
    taken = csr_array((kept.data, kept.indices, indptr), shape=(len(indptr) - 1, kept.shape[1]))
    return replace(model, benefit=taken, shares=_columns(model.shares, keep), must=model.must[keep]), step


def _with_forced(model: Model) -> Model:
    """Open the only column of each need that must be served."""
    only = model.must & (np.diff(model.benefit.indptr) == 1)
    lower = model.lower.copy()
    lower[model.benefit.indices[model.benefit.indptr[:-1][only]]] = 1.0
    return replace(model, lower=lower)


def _without_served(model: Model) -> tuple[Model, Ints]:
    """Remove the service of required columns, and needs without a column or without worth."""
    best = model.served(model.lower > 0)
    done = ~np.isnan(best)
    if done.any():
        benefit, owner = model.benefit, row_of_entries(model.benefit)
        more = np.where(done[owner], benefit.data - np.where(done, best, 0.0)[owner], benefit.data)
        kept = keep_entries(with_data(benefit, more), ~done[owner] | (more > 0))
        shares = keep_entries(model.shares, ~done[model.shares.indices])
        constant, wanted = model.constant + float(best[done].sum()), model.wanted - model.shares @ done.astype(float)
        model = replace(model, benefit=kept, must=model.must & ~done, constant=constant, wanted=wanted, shares=shares)
    counts = np.zeros(model.benefit.shape[0], bool)
    counts[model.shares.indices[model.shares.data != 0]] = True
    counts[row_of_entries(model.benefit)[model.benefit.data != 0]] = True
    # A need that must be served but cannot stays: the engine proves infeasibility.
    return _with_needs(model, ((np.diff(model.benefit.indptr) > 0) & counts) | model.must)


def _merged(model: Model) -> tuple[Model, Ints]:
    """Make one need of those that are served by the same columns."""
    benefit = model.benefit
    n, m = benefit.shape
    length, flat = np.diff(benefit.indptr), same_along_row(benefit)
    key = np.random.default_rng(20261122).integers(0, 2**63, m, dtype=np.uint64)
    total, filled = np.zeros(n, np.uint64), np.flatnonzero(length)
    if len(filled):
        total[filled] = np.add.reduceat(key[benefit.indices], benefit.indptr[filled])
    order = np.lexsort((np.arange(n), total, length, flat))
    same = np.zeros(n, bool)  # equals the one before it in this order
    same[1:] = np.logical_and.reduce([a[order[1:]] == a[order[:-1]] for a in (length, total, flat)])
    _confirm(benefit, order, same, flat)
    if not same.any():
        return model, np.arange(n)
    first = np.empty(n, np.int64)  # the need that stands for each: the least of its group, as the order keeps it
    first[order] = order[np.maximum.accumulate(np.where(same, 0, np.arange(n)))]
    keep = first == np.arange(n)
    step = (np.cumsum(keep) - 1)[first]
    small, _ = _with_needs(model, keep)
    shares = csr_array(model.shares @ csr_array((np.ones(n), step, np.arange(n + 1)), shape=(n, int(keep.sum()))))
    shares.sort_indices()
    owner = row_of_entries(small.benefit)
    worth, count = np.bincount(step, weights=weights(benefit)), np.bincount(step).astype(float)
    data = np.where(flat[keep][owner], worth[owner], small.benefit.data * count[owner])
    must = np.bincount(step, weights=model.must.astype(float)) > 0
    return replace(small, benefit=with_data(small.benefit, data), shares=shares, must=must), step


def _confirm(benefit: csr_array, order: Ints, same: Bools, flat: Bools) -> None:
    """Unmark in *same* entries that differ when compared one by one."""
    at = np.flatnonzero(same)
    if not len(at):
        return
    one, other = order[at], order[at - 1]
    length = np.diff(benefit.indptr)[one]
    ends = np.cumsum(length)
    offset = np.arange(int(ends[-1])) - np.repeat(ends - length, length)
    here, there = (np.repeat(benefit.indptr[need], length) + offset for need in (one, other))
    differ = benefit.indices[here] != benefit.indices[there]
    differ |= ~np.repeat(flat[one], length) & (benefit.data[here] != benefit.data[there])
    wrong = np.bincount(np.repeat(np.arange(len(at)), length), weights=differ, minlength=len(at)) > 0
    same[at[wrong]] = False


def _without_implied(model: Model) -> tuple[Model, Ints]:
    """Drop needs that are served whenever another required one is."""
    benefit, n = model.benefit, model.benefit.shape[0]
    if not model.must.any():
        return model, np.arange(n)
    group = np.where(same_along_row(benefit), 0, -1).astype(np.int32)
    pattern = with_data(benefit, np.zeros(benefit.nnz))
    gone = contained(_sets(pattern, transposed(benefit)), np.zeros(n), group, model.must, True)
    if gone.any():
        constant = model.constant + float(weights(benefit)[gone].sum())
        model = replace(model, constant=constant, wanted=model.wanted - model.shares @ gone.astype(float))
    return _with_needs(model, ~gone)


def _sets(rows: csr_array, back: csr_array) -> Sets:
    start, inside, after, other = (a.astype(np.int32) for a in (rows.indptr, rows.indices, back.indptr, back.indices))
    return Sets(start, inside, rows.data.astype(float), after, other)


def _replaced(model: Model) -> Bools:
    """Mark dominated columns, and those that serve nobody and have no value."""
    data, limits = model.rows.data, row_of_entries(model.rows)
    # Leaving a column out never breaks a rule, nor costs anything.
    helps = ((data > 0) & np.isfinite(model.low[limits])) | ((data < 0) & np.isfinite(model.high[limits]))
    loose: Bools = (model.value <= 0) & (model.lower == 0)
    loose[model.rows.indices[helps]] = False
    if not loose.any():
        return loose
    group = np.where(model.lower == 0, _same_entries(model.rows), -1).astype(np.int32)
    turned = transposed(model.benefit)
    marked = contained(_sets(turned, model.benefit), model.value, group, loose, False)
    return np.asarray(marked | (loose & (np.diff(turned.indptr) == 0)), bool)


def _same_entries(rows: csr_array) -> Ints:
    """Give columns with the same entries in every row the same number."""
    if rows.shape[0] == 1:
        return np.asarray(np.unique(rows.toarray()[0], return_inverse=True)[1], np.int64)
    turned = transposed(rows)
    turned.eliminate_zeros()
    return number_rows(turned)
