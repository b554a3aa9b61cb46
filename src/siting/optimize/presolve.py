"""Make a model smaller without changing what its best plan is worth.

What is done, again and again until nothing more is found:

- Columns that must stay shut go. A need that an open column serves is worth what the best open one gives it, whatever
  else opens: that goes into the constant, and other columns keep what they would add.
- Needs that no column serves, or that count for nothing, go.
- Needs that the same columns serve become one: they are served together or not at all. So are needs with the same
  benefits from the same columns.
- The only column of a need that must be served opens.
- A need goes that is served whenever another one that must be served is: its columns hold all of the other's.
- A column goes that another one replaces: the other serves the same needs no worse, has the same entry in every row,
  and is worth no less. This holds only where the column can also be left out without replacement (both may have been
  open), so it must have no value of its own and no lower limit to help to.

The last two are the row and column dominance of set covering (Toregas, C. and ReVelle, C., 1972, Optimal location under
time or distance constraints, Papers of the Regional Science Association 28).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from siting.numbers import Bools, Floats, Ints
from siting.optimize.model import Model

__all__ = ["Reduced", "reduce"]

#: Rounds of dropping columns and merging needs; later ones find little.
ROUNDS = 3


@dataclass(frozen=True, eq=False)
class Reduced:
    """A smaller model, and where its parts come from.

    Attributes
    ----------
    model
        The smaller model; its plans are worth the same as those of the model it comes from.
    columns
        Position in the given model of each column that was kept; the others stay shut.
    needs
        For each need of the given model its position in the smaller one; -1 when it went.
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
    """Drop and merge what does not matter; the best plan keeps its worth, and the same model gives the same result.

    Without *replaced*, columns that others replace stay and none is opened: multipliers can be taken back from what is
    left to the given model.
    """
    n, m = model.benefit.shape
    columns, needs = np.arange(m), np.arange(n)
    if model.times is not None:  # what is said above holds for needs that one column serves
        return Reduced(model, columns, needs)
    small, keep = _shut(model)
    columns = columns[keep]
    for _ in range(ROUNDS):
        small, where = _served(_forced(small) if replaced else small)
        needs = _follow(needs, where)
        small, where = _merged(small)
        needs = _follow(needs, where)
        small, where = _implied(small)
        needs = _follow(needs, where)
        keep = ~_replaced(small) if replaced else np.ones(len(columns), bool)
        if keep.all():
            break
        small, columns = _with_columns(small, keep), columns[keep]
    else:
        small, where = _merged(small)
        needs = _follow(needs, where)
    return Reduced(small, columns, needs)


def constant_rows(benefit: csr_array) -> Bools:
    """Tell which needs are worth the same from all their columns."""
    filled = np.flatnonzero(np.diff(benefit.indptr))
    flat = np.ones(benefit.shape[0], bool)
    if len(filled):
        start = benefit.indptr[filled]
        flat[filled] = np.maximum.reduceat(benefit.data, start) == np.minimum.reduceat(benefit.data, start)
    return flat


def weights(benefit: csr_array) -> Floats:
    """Worth of each need, the largest of its row; 0 for an empty one."""
    filled = np.flatnonzero(np.diff(benefit.indptr))
    worth = np.zeros(benefit.shape[0])
    if len(filled):
        worth[filled] = np.maximum.reduceat(benefit.data, benefit.indptr[filled])
    return worth


def _follow(needs: Ints, where: Ints) -> Ints:
    """Positions after one more step: *where* tells for each position now its position then."""
    return np.where(needs >= 0, where[needs], -1) if len(where) else np.full(len(needs), -1)


def _with_columns(model: Model, keep: Bools) -> Model:
    if keep.all():
        return model
    return replace(
        model,
        benefit=csr_array(_columns(model.benefit, keep)),
        rows=csr_array(_columns(model.rows, keep)),
        value=model.value[keep],
        lower=model.lower[keep],
        upper=model.upper[keep],
    )


def _columns(array: csr_array, keep: Bools) -> csr_array:
    """Columns of a sparse array, faster than slicing: the order inside the rows stays."""
    position = np.cumsum(keep) - 1
    stays = keep[array.indices]
    indptr = np.concatenate([[0], np.cumsum(stays)])[array.indptr]
    kind = array.indices.dtype
    return csr_array(
        (array.data[stays], position[array.indices[stays]].astype(kind), indptr.astype(kind)),
        shape=(array.shape[0], int(keep.sum())),
    )


def _entries(array: csr_array, keep: Bools) -> csr_array:
    """Only the entries marked by *keep*."""
    indptr = np.concatenate([[0], np.cumsum(keep)])[array.indptr].astype(array.indices.dtype)
    return csr_array((array.data[keep], array.indices[keep], indptr), shape=array.shape)


def _with_needs(model: Model, keep: Bools) -> tuple[Model, Ints]:
    where = np.where(keep, np.cumsum(keep) - 1, -1)
    if keep.all():
        return model, where
    benefit = model.benefit
    lengths = np.where(keep, np.diff(benefit.indptr), 0)
    entries = np.repeat(keep, np.diff(benefit.indptr))
    indptr = np.concatenate([[0], np.cumsum(lengths[keep])]).astype(benefit.indices.dtype)
    shape = (len(indptr) - 1, benefit.shape[1])
    taken = csr_array((benefit.data[entries], benefit.indices[entries], indptr), shape=shape)
    return replace(model, benefit=taken, shares=_columns(model.shares, keep), must=model.must[keep]), where


def _shut(model: Model) -> tuple[Model, Bools]:
    benefit = model.benefit
    if not benefit.has_sorted_indices:
        benefit = benefit.sorted_indices()
    keep = model.upper > 0
    return _with_columns(replace(model, benefit=benefit), keep), keep


def _forced(model: Model) -> Model:
    """Open the only column of each need that must be served."""
    only = model.must & (np.diff(model.benefit.indptr) == 1)
    if not only.any():
        return model
    lower = model.lower.copy()
    lower[model.benefit.indices[model.benefit.indptr[:-1][only]]] = 1.0
    return replace(model, lower=lower)


def _served(model: Model) -> tuple[Model, Ints]:
    """Take out what the columns serve that are open in every plan."""
    open_ = model.lower > 0
    best = model.served(open_)
    done = ~np.isnan(best)
    if done.any():
        benefit = model.benefit
        owner = np.repeat(np.arange(benefit.shape[0]), np.diff(benefit.indptr))
        more = np.where(done[owner], benefit.data - np.where(done, best, 0.0)[owner], benefit.data)
        keep = ~done[owner] | (more > 0)
        rest = csr_array((more, benefit.indices, benefit.indptr), shape=benefit.shape)
        model = replace(
            model,
            benefit=_entries(rest, keep),
            must=model.must & ~done,
            constant=model.constant + float(best[done].sum()),
            wanted=model.wanted - model.shares @ done.astype(float),
            shares=_entries(model.shares, ~done[model.shares.indices]),
        )
    return _unreached(model)


def _unreached(model: Model) -> tuple[Model, Ints]:
    """Drop needs that nothing serves, and those that count for nothing."""
    shared = np.zeros(model.benefit.shape[0], bool)
    shared[model.shares.indices[model.shares.data != 0]] = True
    worth = np.zeros(len(shared), bool)
    worth[np.repeat(np.arange(len(shared)), np.diff(model.benefit.indptr))[model.benefit.data != 0]] = True
    filled = np.diff(model.benefit.indptr) > 0
    # A need that must be served and cannot stays: the engine finds that there is no plan.
    return _with_needs(model, (filled & (shared | worth)) | model.must)


def _merged(model: Model) -> tuple[Model, Ints]:
    """Make one need of those that are served by the same columns."""
    benefit = model.benefit
    n, m = benefit.shape
    length = np.diff(benefit.indptr)
    key = np.random.default_rng(20261122).integers(0, 2**63, m, dtype=np.uint64)
    flat = constant_rows(benefit)
    filled = np.flatnonzero(length)
    total = np.zeros(n, np.uint64)
    if len(filled):
        total[filled] = np.add.reduceat(key[benefit.indices], benefit.indptr[filled])
    order = np.lexsort((np.arange(n), total, length, flat))
    same = np.zeros(n, bool)  # equals the one before it in this order
    same[1:] = (
        (length[order[1:]] == length[order[:-1]])
        & (total[order[1:]] == total[order[:-1]])
        & (flat[order[1:]] == flat[order[:-1]])
    )
    _confirm(benefit, order, same, flat)
    if not same.any():
        return model, np.arange(n)
    leader = order[np.maximum.accumulate(np.where(same, 0, np.arange(n)))]
    first = np.empty(n, np.int64)  # of each need the one that stands for it; the least of its group, as order keeps it
    first[order] = leader
    keep = first == np.arange(n)
    where = (np.cumsum(keep) - 1)[first]
    added = np.bincount(where, weights=weights(benefit))
    shares = csr_array(model.shares @ _gather(where, int(keep.sum())))
    shares.sort_indices()
    small, _ = _with_needs(model, keep)
    owner = np.repeat(np.arange(len(added)), np.diff(small.benefit.indptr))
    count = np.bincount(where).astype(float)
    data = np.where(flat[keep][owner], added[owner], small.benefit.data * count[owner])
    benefit = csr_array((data, small.benefit.indices, small.benefit.indptr), shape=small.benefit.shape)
    must = np.bincount(where, weights=model.must.astype(float)) > 0
    return replace(small, benefit=benefit, shares=shares, must=must), where


def _gather(where: Ints, size: int) -> csr_array:
    n = len(where)
    return csr_array((np.ones(n), where, np.arange(n + 1)), shape=(n, size))


def _confirm(benefit: csr_array, order: Ints, same: Bools, flat: Bools) -> None:
    """Unmark in *same* what only looks alike: the entries are compared one by one."""
    at = np.flatnonzero(same)
    if not len(at):
        return
    one, other = order[at], order[at - 1]
    length = np.diff(benefit.indptr)[one]
    ends = np.cumsum(length)
    step = np.arange(int(ends[-1])) - np.repeat(ends - length, length)
    here = np.repeat(benefit.indptr[one], length) + step
    there = np.repeat(benefit.indptr[other], length) + step
    differ = benefit.indices[here] != benefit.indices[there]
    differ |= ~np.repeat(flat[one], length) & (benefit.data[here] != benefit.data[there])
    wrong = np.bincount(np.repeat(np.arange(len(at)), length), weights=differ, minlength=len(at)) > 0
    same[at[wrong]] = False


def _implied(model: Model) -> tuple[Model, Ints]:
    """Drop needs that are served whenever another one is that must be."""
    n = model.benefit.shape[0]
    flat = constant_rows(model.benefit)
    if not model.must.any():
        return model, np.arange(n)
    from siting.optimize.covering_kernels import contained

    turned = _transposed(model.benefit)
    holds = contained(
        *_arrays(model.benefit, np.zeros(model.benefit.nnz)),
        *_arrays(turned)[:2],
        np.zeros(n),
        np.where(flat, 0, -1).astype(np.int32),
        model.must,
        True,
    )
    return _drop_served(model, holds)


def _drop_served(model: Model, gone: Bools) -> tuple[Model, Ints]:
    """Drop needs that every plan serves, worth the same from all columns."""
    if gone.any():
        model = replace(
            model,
            constant=model.constant + float(weights(model.benefit)[gone].sum()),
            wanted=model.wanted - model.shares @ gone.astype(float),
        )
    return _with_needs(model, ~gone)


def _arrays(array: csr_array, data: Floats | None = None) -> tuple[Ints, Ints, Floats]:
    return (
        array.indptr.astype(np.int32),
        array.indices.astype(np.int32),
        np.asarray(array.data if data is None else data, float),
    )


def _replaced(model: Model) -> Bools:
    """Tell which columns another one replaces, or that serve nobody and are worth nothing."""
    data, across = model.rows.data, model.rows.indices
    limits = np.repeat(np.arange(model.rows.shape[0]), np.diff(model.rows.indptr))
    # Leaving a column out never breaks a rule, nor costs anything.
    helps = ((data > 0) & np.isfinite(model.low[limits])) | ((data < 0) & np.isfinite(model.high[limits]))
    loose: Bools = (model.value <= 0) & (model.lower == 0)
    loose[across[helps]] = False
    if not loose.any():
        return loose
    from siting.optimize.covering_kernels import contained

    group = np.where(model.lower == 0, _alike(model.rows), -1).astype(np.int32)
    turned = _transposed(model.benefit)
    marked = contained(*_arrays(turned), *_arrays(model.benefit)[:2], model.value, group, loose, False)
    return np.asarray(marked | (loose & (np.diff(turned.indptr) == 0)), bool)


def _transposed(array: csr_array) -> csr_array:
    turned = csr_array(array.T.tocsr())
    turned.sort_indices()
    return turned


def _alike(rows: csr_array) -> Ints:
    """Give columns with the same entries in every row the same number."""
    m = rows.shape[1]
    turned = _transposed(rows)
    turned.eliminate_zeros()
    seen: dict[tuple[bytes, bytes], int] = {}
    group = np.empty(m, np.int64)
    start, inside, data = turned.indptr, turned.indices, turned.data
    if rows.shape[0] == 1:
        _, group = np.unique(rows.toarray()[0], return_inverse=True)
        return np.asarray(group, np.int64)
    for j in range(m):
        part = slice(start[j], start[j + 1])
        group[j] = seen.setdefault((inside[part].tobytes(), data[part].tobytes()), len(seen))
    return group
