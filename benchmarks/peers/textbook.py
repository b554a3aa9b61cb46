"""The models as textbooks write them, as arrays that any solver takes: what planners' tools build today."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import block_array, csr_array, eye_array, hstack, vstack

from benchmarks.city import Floats, Ints

__all__ = ["Textbook", "budget", "capacitated", "colocation", "coverage", "fewest", "median", "phases"]


@dataclass(frozen=True, eq=False)
class Textbook:
    """``max objective z`` subject to ``low <= rows z <= high``, ``lower <= z <= upper``; `whole` variables are integer.

    The first variables are always the sites.
    """

    objective: Floats
    rows: csr_array
    low: Floats
    high: Floats
    upper: Floats
    whole: int

    def save(self, path: Path) -> None:
        """Write the arrays, uncompressed."""
        a = self.rows
        np.savez(
            path, objective=self.objective, data=a.data, indices=a.indices, indptr=a.indptr, shape=a.shape,
            low=self.low, high=self.high, upper=self.upper, whole=self.whole,
        )  # fmt: skip

    @classmethod
    def load(cls, path: Path) -> Textbook:
        """Read what `save` wrote."""
        with np.load(path) as f:
            rows = csr_array((f["data"], f["indices"], f["indptr"]), shape=tuple(f["shape"]))
            return cls(f["objective"], rows, f["low"], f["high"], f["upper"], int(f["whole"]))


def _model(
    objective: Floats, whole: int, parts: list[tuple[csr_array, Floats, Floats]], upper: Floats | None = None
) -> Textbook:
    rows = csr_array(vstack([part[0] for part in parts], format="csr"))
    rows.eliminate_zeros()
    low, high = (np.concatenate([part[k] for part in parts]).astype(float) for k in (1, 2))
    return Textbook(objective, rows, low, high, np.ones(len(objective)) if upper is None else upper, whole)


def _at_most(rows: csr_array, high: Floats) -> tuple[csr_array, Floats, Floats]:
    return rows, np.full(rows.shape[0], -np.inf), high


def _at_least(rows: csr_array, low: Floats) -> tuple[csr_array, Floats, Floats]:
    return rows, low, np.full(rows.shape[0], np.inf)


def _covered(cover: csr_array) -> tuple[csr_array, Floats, Floats]:
    """Demand i is covered only by an open site: ``y_i <= sum of x_j``."""
    n = cover.shape[0]
    return _at_most(csr_array(hstack([-cover, eye_array(n)])), np.zeros(n))


def _sites(weights: Floats, n: int) -> csr_array:
    """Return a row over the sites, followed by *n* other variables."""
    return csr_array(np.concatenate([weights, np.zeros(n)])[None, :])


def _people(weights: Floats, m: int) -> csr_array:
    """Return rows over the demands, after *m* sites."""
    weights = np.atleast_2d(weights)
    return csr_array(hstack([csr_array((weights.shape[0], m)), csr_array(weights)]))


def coverage(cover: csr_array, weight: Floats, most: int, *, shares: tuple[Floats, Floats] | None = None) -> Textbook:
    """Maximal covering; *shares* are rows over the demands and what each must reach."""
    n, m = cover.shape
    parts = [_covered(cover), _at_most(_sites(np.ones(m), n), np.array([most]))]
    if shares is not None:
        parts.append(_at_least(_people(shares[0], m), shares[1]))
    return _model(np.concatenate([np.zeros(m), weight]), m, parts)


def budget(cover: csr_array, weight: Floats, cost: Floats, total: float) -> Textbook:
    """Maximal covering within a budget."""
    n, m = cover.shape
    parts = [_covered(cover), _at_most(_sites(cost, n), np.array([total]))]
    return _model(np.concatenate([np.zeros(m), weight]), m, parts)


def fewest(cover: csr_array, rows: Floats | None = None, wanted: Floats | None = None) -> Textbook:
    """Set covering; with *rows* over the demands and *wanted* of each, partial covering."""
    n, m = cover.shape
    if rows is None or wanted is None:
        return _model(-np.ones(m), m, [_at_least(cover, np.ones(n))])
    return _model(np.concatenate([-np.ones(m), np.zeros(n)]), m, [_covered(cover), _at_least(_people(rows, m), wanted)])


def median(far: Floats, weight: Floats, most: int) -> Textbook:
    """p-median with ``x_ij <= y_j`` for every pair; *far* is demands × sites."""
    n, m = far.shape
    pairs = np.arange(n * m)
    to = csr_array((np.ones(n * m), (pairs // m, m + pairs)), shape=(n, m + n * m))
    each = csr_array(
        (np.tile([1.0, -1.0], n * m), np.column_stack([m + pairs, pairs % m]).ravel(), 2 * np.arange(n * m + 1)),
        shape=(n * m, m + n * m),
    )
    parts = [(to, np.ones(n), np.ones(n)), _at_most(each, np.zeros(n * m)),
             _at_most(_sites(np.ones(m), n * m), np.array([most]))]  # fmt: skip
    return _model(np.concatenate([np.zeros(m), -(weight[:, None] * far).ravel()]), m, parts)


def capacitated(cover: csr_array, weight: Floats, places: Floats, most: int) -> Textbook:
    """Maximal covering with capacities: people z_ij of demand i at site j."""
    n, m = cover.shape
    k = cover.nnz
    i, j = np.repeat(np.arange(n), np.diff(cover.indptr)), cover.indices.astype(np.int64)
    z: Ints = np.arange(k)
    by_demand = csr_array((np.ones(k), (i, m + z)), shape=(n, m + k))
    by_site = csr_array((np.ones(k), (j, z)), shape=(m, k))
    full = csr_array(hstack([-csr_array(np.diag(places)), by_site]))
    closed = csr_array(
        (np.column_stack([np.ones(k), -weight[i]]).ravel(), np.column_stack([m + z, j]).ravel(), 2 * np.arange(k + 1)),
        shape=(k, m + k),
    )
    parts = [_at_most(by_demand, weight), _at_most(full, np.zeros(m)), _at_most(closed, np.zeros(k)),
             _at_most(_sites(np.ones(m), k), np.array([most]))]  # fmt: skip
    upper = np.concatenate([np.ones(m), weight[i]])
    return _model(np.concatenate([np.zeros(m), np.ones(k)]), m, parts, upper)


def phases(cover: csr_array, weights: Floats, most: tuple[int, ...]) -> Textbook:
    """Nested periods: x_jt open by t, ``x_j,t-1 <= x_jt``, so many more in each; *weights* is periods × demands."""
    n, m = cover.shape
    periods = len(most)
    size = periods * (m + n)
    wide = csr_array(hstack([-csr_array(block_array([[cover if s == t else None for s in range(periods)]
                                                     for t in range(periods)])), eye_array(periods * n)]))  # fmt: skip
    stays, new = [], []
    for t in range(periods):
        row = np.zeros(size)
        row[t * m : (t + 1) * m] = 1
        if t:
            row[(t - 1) * m : t * m] = -1
            before = hstack(
                [csr_array((m, (t - 1) * m)), eye_array(m), -eye_array(m), csr_array((m, size - (t + 1) * m))]
            )
            stays.append(_at_most(csr_array(before), np.zeros(m)))
        new.append(_at_most(csr_array(row[None, :]), np.array([most[t]])))
    parts = [_at_most(wide, np.zeros(periods * n)), *stays, *new]
    return _model(np.concatenate([np.zeros(periods * m), weights.ravel()]), periods * m, parts)


def colocation(
    covers: tuple[csr_array, csr_array], weights: tuple[Floats, Floats], costs: tuple[Floats, Floats], saving: float,
    budget: float,
) -> Textbook:  # fmt: skip
    """Two services under one budget; t_j = 1 where both open at j, which saves; ``t_j <= x_j1, x_j2``."""
    m = covers[0].shape[1]
    n = [c.shape[0] for c in covers]
    one, rest = eye_array(m), csr_array((m, sum(n)))
    zero = csr_array((m, m))
    covered = block_array([[-covers[0], None, csr_array((n[0], m)), eye_array(n[0]), None],
                           [None, -covers[1], csr_array((n[1], m)), None, eye_array(n[1])]])  # fmt: skip
    both = vstack([hstack([-one, zero, one, rest]), hstack([zero, -one, one, rest])])
    spent = np.concatenate([*costs, np.full(m, -saving), np.zeros(sum(n))])
    parts = [_at_most(csr_array(covered), np.zeros(sum(n))), _at_most(csr_array(both), np.zeros(2 * m)),
             _at_most(csr_array(spent[None, :]), np.array([budget]))]  # fmt: skip
    return _model(np.concatenate([np.zeros(3 * m), *weights]), 3 * m, parts)
