"""The bound in closed form holds for every plan, and is what one counts by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy.sparse import csr_array

from siting.optimize.first_bound import first_bound
from siting.optimize.model import Model
from siting.optimize.proof import bound_of


def model(
    benefit: list[list[float]], value: list[float], rows: list[list[float]], high: list[float],
    share: list[float] | None = None, wanted: float = 0.0,
) -> Model:  # fmt: skip
    """A model of any pairs that are not NaN; one share of all needs, if any."""
    table, n = np.array(benefit, float), len(value)
    need, column = np.nonzero(~np.isnan(table))
    pairs = csr_array((table[need, column], (need, column)), shape=table.shape)
    pairs.sort_indices()
    return Model(
        benefit=pairs, value=np.array(value, float), rows=csr_array(np.array(rows, float).reshape(len(high), n)),
        low=np.full(len(high), -np.inf), high=np.array(high, float), lower=np.zeros(n), upper=np.ones(n),
        shares=csr_array((0, len(table)) if share is None else np.array([share], float)),
        wanted=np.zeros(0) if share is None else np.array([wanted]), must=np.zeros(len(table), bool),
    )  # fmt: skip


NO = np.nan


def test_the_best_columns_by_number() -> None:
    """Columns of 7, 5 and 4 people, of whom some are the same: two of them serve at most 12, and all 14 people."""
    people = [[4, 4, NO], [3, NO, NO], [NO, 1, 1], [NO, NO, 3], [3, 3, 3]]
    bound, proof = first_bound(model(people, [0, 0, 0], [[1, 1, 1]], [1]))
    assert bound == 10  # one column: the first, of 4, 3 and 3
    assert bound_of(model(people, [0, 0, 0], [[1, 1, 1]], [1]), proof) == bound


def test_the_fewest_columns_for_a_share() -> None:
    """Columns reach 6, 3 and 1 of ten people, and eight are wanted: the first, and two thirds of the second."""
    reach = [[0, NO, NO], [NO, 0, NO], [NO, NO, 0]]
    bound, _ = first_bound(model(reach, [-1, -1, -1], [], [], [6, 3, 1], 8))
    assert bound == pytest.approx(-(1 + 2 / 3))


@settings(deadline=None, max_examples=60)
@given(seed=some.integers(0, 10**6), budget=some.booleans(), share=some.booleans())
def test_no_plan_is_better(seed: int, budget: bool, share: bool) -> None:
    rng = np.random.default_rng(seed)
    needs, n = int(rng.integers(1, 6)), int(rng.integers(1, 6))
    worth = rng.integers(0, 9, (needs, 1)) * np.ones(n) if rng.random() < 0.5 else rng.integers(0, 9, (needs, n)) * 1.0
    table = np.where(rng.random((needs, n)) < 0.6, worth, np.nan)
    people = rng.integers(0, 9, needs).astype(float)
    rows = [rng.integers(0, 4, n).tolist()] if budget else []
    high = [float(rng.integers(0, 7))] if budget else []
    made = model(
        table.tolist(), (-rng.integers(0, 4, n)).tolist(), rows, high, people.tolist() if share else None,
        float(np.floor(people.sum() * rng.random())),
    )  # fmt: skip
    bound, proof = first_bound(made)
    assert np.isfinite(bound)
    assert bound_of(made, proof) == bound
    plans = (np.array(x, bool) for x in itertools.product((0, 1), repeat=n))
    values = [made.objective(x) for x in plans if made.is_feasible(x)]
    assert max(values, default=-np.inf) <= bound + 1e-9
