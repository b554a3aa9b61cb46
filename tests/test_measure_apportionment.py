"""Whole numbers that add up: largest remainders, and tables with two margins."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as some

from siting.errors import ProblemError
from siting.measure.apportionment import fit_margins, round_to_total


def test_shared_out_by_largest_remainders() -> None:
    """Quotas of 10: 3.33, 3.33, 3.33 (the first gets the odd one); of 7 by 1, 2, 3: 1.17, 2.33, 3.5 (the last)."""
    assert round_to_total(pd.Series([1, 1, 1]), 10).tolist() == [4, 3, 3]
    assert round_to_total(pd.Series([1, 2, 3]), 7).tolist() == [1, 2, 4]
    assert round_to_total(pd.Series([0, 0.5, 0.5, 0]), 3).tolist() == [0, 2, 1, 0]
    shared = round_to_total(pd.Series({"x": 3, "y": 1}, name="beds"), 0)
    assert (shared.tolist(), shared.index.tolist(), shared.name, shared.dtype) == ([0, 0], ["x", "y"], "beds", "int64")


@settings(deadline=None, max_examples=40)
@given(some.lists(some.integers(0, 10**7), min_size=1, max_size=40), some.integers(0, 10**9))
def test_whole_weights_are_reckoned_exactly(weights: list[int], total: int) -> None:
    """Against quotas as fractions: each row its quota up or down, ups by remainder and then by order, sum exact."""
    assume(sum(weights) or not total)
    found = round_to_total(pd.Series(weights), total).tolist()
    assert sum(found) == total
    quotas = [Fraction(w * total, max(sum(weights), 1)) for w in weights]
    floors = [q.numerator // q.denominator for q in quotas]
    order = sorted(range(len(weights)), key=lambda i: (-(quotas[i] - floors[i]), i))
    for i in order[: total - sum(floors)]:
        floors[i] += 1
    assert found == floors


@settings(deadline=None, max_examples=40)
@given(
    some.lists(some.floats(0, 1e9, allow_subnormal=False) | some.just(0.0), min_size=1, max_size=40),
    some.integers(0, 10**9),
)
def test_any_weights_add_up(weights: list[float], total: int) -> None:
    assume(sum(weights) > 1e-6 or not total)
    found = round_to_total(pd.Series(weights), total)
    assert found.sum() == total
    quota = np.array(weights) / max(sum(weights), 1e-300) * total
    assert (np.abs(found - quota) < 1 + 1e-6).all()
    assert (found[np.array(weights) == 0] == 0).all()


@pytest.mark.parametrize(
    ("weights", "total", "words"),
    [
        ([1, -1], 3, 'negative or not a number in 1 row: "1"'),
        ([1, None], 3, 'in 1 row: "1"'),
        ([0, 0], 3, "3 cannot be apportioned"),
        ([1, 1], 2.5, "whole number"),
        ([1, 1], -2, "whole number"),
        ([1, 1], float("nan"), "whole number"),
    ],
)
def test_what_cannot_be_shared_out(weights: list[float], total: float, words: str) -> None:
    with pytest.raises(ProblemError, match=words):
        round_to_total(pd.Series(weights), total)  # type: ignore[arg-type]


def test_a_table_fitted_by_hand() -> None:
    """A table that is the product of its margins stays one: cells are row total × column total / all."""
    table = pd.DataFrame({"x": [1, 2], "y": [2, 4]}, index=["p", "q"])
    fitted = fit_margins(table, rows=pd.Series({"q": 40, "p": 60}), columns=pd.Series({"x": 30, "y": 70}))
    assert fitted.to_numpy().tolist() == [[18, 42], [12, 28]]


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(some.data())
def test_fitted_tables_keep_margins_zeros_and_pattern(data: some.DataObject) -> None:
    """Margins of another table with the same zeros can be met: exactly, and no cell is a person off the fit."""
    n, m = data.draw(some.integers(1, 6)), data.draw(some.integers(1, 5))
    cells = some.lists(some.integers(0, 50), min_size=n * m, max_size=n * m)
    start = np.array(data.draw(cells)).reshape(n, m)
    goal = np.where(start > 0, np.array(data.draw(cells)).reshape(n, m) + 1, 0)
    table = pd.DataFrame(start, index=[f"r{i}" for i in range(n)], columns=[f"c{j}" for j in range(m)])
    rows, columns = pd.Series(goal.sum(1), table.index), pd.Series(goal.sum(0), table.columns)
    fitted = fit_margins(table, rows=rows, columns=columns)
    assert (fitted.sum(axis=1) == rows).all()
    assert (fitted.sum() == columns).all()
    assert ((fitted == 0) | (table > 0)).all(axis=None)
    exact = start.astype(float)
    for _ in range(3000):
        exact *= np.divide(goal.sum(1), exact.sum(1), out=np.zeros(n), where=exact.sum(1) > 0)[:, None]
        exact *= np.divide(goal.sum(0), exact.sum(0), out=np.zeros(m), where=exact.sum(0) > 0)
    assert (np.abs(fitted - exact) < 1 + 1e-3).all(axis=None)


@pytest.mark.parametrize(
    ("cells", "rows", "columns", "words"),
    [
        ([[1, 1], [1, 1]], [5, 5], [5, 6], "add up to 10 and the columns to 11"),
        ([[0, 0], [1, 1]], [1, 9], [5, 5], 'row "p": all of the table is 0'),
        ([[0, 1], [0, 1]], [5, 5], [1, 9], 'column "x": all of the table is 0'),
        ([[1, 0], [1, 1]], [5, 1], [3, 3], "cannot be met together"),
        ([[1, -1], [1, 1]], [5, 5], [5, 5], 'table "y" is negative or not a number in 1 row: "p"'),
        ([[1, 1], [1, 1]], [5, 5], [5.5, 4.5], "whole numbers"),
    ],
)
def test_margins_that_cannot_be_met(cells: list[list[int]], rows: list[int], columns: list[int], words: str) -> None:
    table = pd.DataFrame(cells, index=["p", "q"], columns=["x", "y"])
    with pytest.raises(ProblemError, match=words):
        fit_margins(table, rows=pd.Series(rows, table.index), columns=pd.Series(columns, table.columns))


def test_each_label_needs_its_margin() -> None:
    table = pd.DataFrame({"x": [1, 1]}, index=["p", "q"])
    with pytest.raises(ProblemError, match='look at "q"'):
        fit_margins(table, rows=pd.Series({"p": 2}), columns=pd.Series({"x": 2}))


@pytest.mark.parametrize("total", ["9", None, 10**20, [3], True, float("inf")])
def test_totals_that_are_no_number(total: object) -> None:
    with pytest.raises(ProblemError, match="whole number of 0 or more"):
        round_to_total(pd.Series([1, 2]), total)  # type: ignore[arg-type]


def test_weights_are_a_series() -> None:
    with pytest.raises(ProblemError, match=r"weights is \[.*\]; give a Series"):
        round_to_total([1, 2], 3)  # type: ignore[arg-type]


def test_fractions_are_not_shared_out_beyond_their_digits() -> None:
    with pytest.raises(ProblemError, match="cannot be apportioned to the unit"):
        round_to_total(pd.Series([0.1] * 3), 3 * 10**13 + 2)
    assert round_to_total(pd.Series([0.1] * 3), 10**11).sum() == 10**11
    with pytest.raises(ProblemError, match="cannot be apportioned to the unit"):
        round_to_total(pd.Series([1e308, 1e308]), 10)


@pytest.mark.parametrize(
    ("cells", "rows", "columns", "found"),
    [
        ([[1, 1], [1, 0]], [1, 1], [1, 1], [[0, 1], [1, 0]]),
        ([[10, 10], [10, 0]], [1000, 1000], [1000, 1000], [[0, 1000], [1000, 0]]),
        ([[1, 1, 1], [1, 1, 0], [1, 0, 0]], [2, 2, 2], [2, 2, 2], [[0, 0, 2], [0, 2, 0], [2, 0, 0]]),
    ],
)
def test_margins_that_one_table_alone_meets(
    cells: list[list[int]], rows: list[int], columns: list[int], found: list[list[int]]
) -> None:
    """Scaling creeps towards the zeros of these as 1 / n; a flow finds them at once."""
    fitted = fit_margins(pd.DataFrame(cells), rows=pd.Series(rows), columns=pd.Series(columns))
    assert fitted.to_numpy().tolist() == found


def test_margins_that_no_table_meets() -> None:
    table = pd.DataFrame([[1, 1], [1, 0]], index=["r", "s"], columns=["u", "v"])
    with pytest.raises(ProblemError, match=r'rows "s" want 3, and the columns where they are not 0, "u", are to be 2'):
        fit_margins(table, rows=pd.Series({"r": 1, "s": 3}), columns=pd.Series({"u": 2, "v": 2}))


def test_labels_that_stand_twice() -> None:
    one = pd.Series({"a": 3})
    with pytest.raises(ProblemError, match='columns: ids occur twice: "a"'):
        fit_margins(pd.DataFrame([[1, 2]], columns=["a", "a"], index=["r"]), rows=pd.Series({"r": 3}), columns=one)
    with pytest.raises(ProblemError, match=r"rows is \[.*\]; give a Series"):
        fit_margins(pd.DataFrame({"a": [1]}), rows=[3], columns=one)  # type: ignore[arg-type]


def test_products_beyond_whole_numbers() -> None:
    """3 × 10^9 people times 5 × 10^9 is more than 64 bits hold."""
    shares = round_to_total(pd.Series([3_000_000_000] * 3), 5_000_000_000)
    assert shares.tolist() == [1_666_666_667, 1_666_666_667, 1_666_666_666]


def test_weights_beyond_whole_numbers() -> None:
    assert round_to_total(pd.Series([1e20, 3e20]), 8).tolist() == [2, 6]


def test_the_remainder_decides_not_the_size() -> None:
    """Quotas of 10.3 and 2.7: the odd one goes to the second."""
    assert round_to_total(pd.Series([10.3, 2.7]), 13).tolist() == [10, 3]


def test_a_row_of_nobody_stays_one() -> None:
    table = pd.DataFrame({"x": [1, 0], "y": [1, 0], "z": [0, 0]}, index=["p", "q"])
    fitted = fit_margins(table, rows=pd.Series({"p": 9, "q": 0}), columns=pd.Series({"x": 4, "y": 5, "z": 0}))
    assert fitted.to_numpy().tolist() == [[4, 5, 0], [0, 0, 0]]
