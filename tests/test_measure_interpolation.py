"""Figures of a year from printed ones of others: the figures that the plans print."""

from __future__ import annotations

import logging

import pandas as pd
import pytest

from siting.errors import ProblemError
from siting.measure.apportionment import round_to_total
from siting.measure.interpolation import annual_growth, annual_increase, interpolate_figures


@pytest.mark.parametrize(
    ("first", "last", "half", "percent", "digits"),
    [(161.7, 211.1, 0.05, 4.54, 2), (152.4, 193.2, 0.05, 4.04, 2), (23.12, 28.11, 0.005, 3.3, 1)],
)
def test_growth_that_hangzhou_prints(first: float, last: float, half: float, percent: float, digits: int) -> None:
    """Hangzhou plan of 2022-10-21, 一、实施背景 > （一）发展基础。 > 4.“一老一小”服务需求日益增长。

    Residents and registered people aged 60+ and children under 3 (10,000) at the end of 2015 and 2021, and the growth a
    year that is printed: 4.54 %, 4.04 % and 3.3 %. Of the registered the printed figures give 4.03 %; 4.04 % lies
    within what their last digit leaves open.
    """
    low = annual_growth({2015: first + half, 2021: last - half})
    high = annual_growth({2015: first - half, 2021: last + half})
    assert round(100 * low, digits) <= percent <= round(100 * high, digits)
    plain = round(100 * annual_growth({2015: first, 2021: last}), digits)
    assert plain == (4.03 if percent == 4.04 else percent)


def test_increase_that_hangzhou_prints() -> None:
    """Hangzhou plan, 一、实施背景 > （二）发展趋势。 > 1.服务人口规模增长趋势显著。

    2.64 million residents aged 60+ in 2025, "about 130,000" more a year (A27): met in the printed digits.
    """
    increase = annual_increase({2021: 2_111_000, 2025: 2_640_000})
    assert increase == 132_250
    assert round(increase, -4) == 130_000
    by_year = [interpolate_figures({2021: 2_111_000, 2025: 2_640_000}, year) for year in range(2021, 2026)]
    assert by_year == [2_111_000, 2_243_250, 2_375_500, 2_507_750, 2_640_000]


def test_elderly_and_children_of_hangzhou() -> None:
    """The same clause: 2.92 million in 2025, of whom 2.64 million are elderly; children within 0.25 to 0.30 million.

    2.39 million in 2021 are 2.111 million residents aged 60+ and 0.2811 million children (A02).
    """
    assert round(211.1 + 28.11) == 239
    assert 25 <= 292 - 264 <= 30


def test_demand_for_childcare_of_jinhua() -> None:
    """Jinhua plan of 2022-12-08, 一、实施背景 > （二）发展趋势。: a third of 193,000 children, printed as 64,300.

    The plan calls them households; demand is counted in children (A28).
    """
    wanted = round_to_total(pd.Series([100_000, 60_000, 33_000]), round(193_000 / 3))
    assert wanted.sum() == 64_333
    assert int(wanted.sum() / 100) * 100 == 64_300
    assert wanted.tolist() == [33_333, 20_000, 11_000]


@pytest.mark.parametrize(
    ("method", "year", "value"),
    [
        ("linear", 2020, 100), ("linear", 2022, 200), ("linear", 2024, 300), ("linear", 2026, 400),
        ("linear", 2028, 500), ("linear", 2018, 0),
        ("growth", 2020, 100), ("growth", 2022, 100 * 3**0.5), ("growth", 2024, 300), ("growth", 2026, 400),
        ("growth", 2028, 400 * 4 / 3), ("growth", 2016, 100 / 3),
    ],
)  # fmt: skip
def test_between_and_beyond_three_figures(method: str, year: int, value: float) -> None:
    """Figures of 2020, 2024 and 2026, given out of order; the two next to the year count."""
    found = interpolate_figures({2026: 400, 2020: 100, 2024: 300}, year, method=method)  # type: ignore[arg-type]
    assert found == pytest.approx(value, abs=1e-9)


def test_growth_of_figures_below_one() -> None:
    assert interpolate_figures({2021: 0.2, 2025: 0.8}, 2023, method="growth") == pytest.approx(0.4)
    assert annual_growth({2021: 0.2, 2023: 0.8}) == pytest.approx(1.0)


def test_beyond_the_printed_years_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        interpolate_figures({2021: 1, 2025: 2}, 2023)
        assert not caplog.messages
        assert interpolate_figures(pd.Series({2021: 1, 2025: 2}), 2029) == 3
    assert caplog.messages == ["2029 lies beyond the printed years 2021–2025; the trend is carried on"]


@pytest.mark.parametrize(
    ("figures", "year", "method", "words"),
    [
        ({2021: 5}, 2025, "linear", "one figure, of 2021, makes no trend for 2025"),
        ({}, 2025, "linear", "by year"),
        ({"2021": 5, "2025": 6}, 2022, "linear", "by year"),
        ({2021: 5, 2025: float("nan")}, 2022, "linear", "figure of 2025 is nan"),
        ({2021: 5, 2025: -1}, 2022, "linear", "figure of 2025 is -1"),
        ({2021: 5, 2025: None}, 2022, "linear", "figure of 2025 is None"),
        ({2021: 0, 2025: 5}, 2022, "growth", "has no rate"),
        ({2021: 100, 2025: 20}, 2030, "linear", "falls below 0 in 2030"),
        ({2021: 5, 2025: 6}, 2022, "cubic", "choose one of linear, growth"),
        ({2021: 5, 2025: 6}, 20.5, "linear", "give a year"),
    ],
)
def test_figures_that_make_no_trend(figures: object, year: int, method: str, words: str) -> None:
    with pytest.raises(ProblemError, match=words):
        interpolate_figures(figures, year, method=method)  # type: ignore[arg-type]


def test_a_change_needs_two_years() -> None:
    for change in (annual_growth, annual_increase):
        with pytest.raises(ProblemError, match="two years"):
            change({2021: 5})
    with pytest.raises(ProblemError, match="has no rate"):
        annual_growth({2021: 0, 2025: 5})
