"""A value against the number of a rule, at its edges."""

from __future__ import annotations

import math

import pytest

from siting.judge.indicators.comparison import floor, holds, lacking, least, ratio
from siting.judge.indicators.finding import Finding


@pytest.mark.parametrize(
    ("operator", "below", "at", "above"),
    [
        (">=", False, True, True),
        (">", False, False, True),
        ("<=", True, True, False),
        ("<", True, False, False),
        ("=", False, True, False),
        ("~", False, False, False),
        ("per", False, False, False),
    ],
)
def test_a_limit_at_its_edge(operator: str, below: bool, at: bool, above: bool) -> None:
    assert [holds(value, operator, 5.0) for value in (4.0, 5.0, 6.0)] == [below, at, above]


def test_a_range_holds_at_both_ends() -> None:
    assert [holds(value, "range", 2.0, 4.0) for value in (1.9, 2.0, 3.0, 4.0, 4.1)] == [False, True, True, True, False]
    assert not holds(3.0, "range", 2.0), "a range without an upper end holds nothing"


def test_whole_units_that_are_lacking() -> None:
    assert [lacking(10.0, ">=", there) for there in (9, 10, 11)] == [1, 0, 0]
    assert [lacking(10.0, ">", there) for there in (9, 10, 11)] == [2, 1, 0]
    assert lacking(9.2, "=", 9) == lacking(9.2, "range", 9) == 1
    assert all(math.isnan(lacking(10.0, ceiling, 20)) for ceiling in ("<=", "<", "~", "per")), "it needs nothing"


def test_least_whole_number_within_the_rounding_tolerance() -> None:
    assert [least(0.6 * 5), least(3.0), least(3.0001), least(3.0, ">"), least(2.9999, ">")] == [3, 3, 4, 4, 3]


def test_a_share_of_nothing_is_no_number() -> None:
    assert ratio(1, 4) == 0.25
    assert math.isnan(ratio(1, 0))


def test_a_bare_number_is_a_floor() -> None:
    assert [floor(operator) for operator in ("=", "range", ">=", ">", "<=")] == [">=", ">=", ">=", ">", "<="]


def test_a_finding_is_compared_after_rounding() -> None:
    assert Finding(100 * 3 / 5 - 1e-12, 60.0, "percent").holds
    assert not Finding(59.9, 60.0, "percent").holds
    assert Finding(1.0, 2.0, "beds").judged
    assert not Finding(math.nan, 2.0, "beds").judged
    assert not Finding(1.0, math.nan, "beds").judged
    assert not Finding(1.0, 2.0, "beds", status="shown").judged
