"""Forecasts: the figures that the plans print, whole numbers that add up, and ages that can be followed by hand."""

from __future__ import annotations

import doctest
import logging
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as some

import siting as st
from siting.errors import LayerError, ProblemError
from siting.measure.forecast import (
    age_bands,
    annual_growth,
    annual_increase,
    cohort_forecast,
    fit_margins,
    forecast,
    interpolate_figures,
    life_table,
    round_to_total,
)

PAGE = Path(__file__).resolve().parents[1] / "docs" / "methods" / "forecast.md"
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture
def town() -> pd.DataFrame:
    """Two districts of two communities each."""
    return pd.DataFrame(
        {
            "population": [1000, 2000, 3000, 4000],
            "households": [400, 800, 1200, 1600],
            "elderly": [100, 300, 200, 400],
            "infants": [20, 60, 100, 20],
            "district": ["D1", "D1", "D2", "D2"],
        },
        index=pd.Index(["a", "b", "c", "d"], name="id"),
    )


# --- figures ----------------------------------------------------------------------------------------------------------


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
        ({2021: 5, 2025: 6}, 2022, "cubic", "'linear' or 'growth'"),
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


# --- whole numbers ----------------------------------------------------------------------------------------------------


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
        ([1, -1], 3, 'negative or not a number in 1 rows: "1"'),
        ([1, None], 3, 'in 1 rows: "1"'),
        ([0, 0], 3, "nothing to share 3 out by"),
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
        ([[1, -1], [1, 1]], [5, 5], [5, 5], 'column "y": negative'),
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


# --- communities ------------------------------------------------------------------------------------------------------


def test_a_rate(town: pd.DataFrame) -> None:
    """1000 elderly grow by 10 % twice to 1210; quotas 121, 363, 242, 484."""
    before = town.copy(deep=True)
    later = forecast(town, from_year=2021, to_year=2023, rates={"elderly": 0.1})
    assert later["elderly"].tolist() == [121, 363, 242, 484]
    pd.testing.assert_frame_equal(town, before)
    pd.testing.assert_frame_equal(later[town.columns].drop(columns="elderly"), town.drop(columns="elderly"))
    assert later.columns.tolist() == [*town.columns, "year", "assumption", "assumption_en"]
    assert later["year"].unique().tolist() == [2023]
    assert "constant growth of 10 % a year from 2021 to 2023, 1,210 in 2023" in later["assumption_en"].iloc[0]


def test_an_increase_and_a_decrease(town: pd.DataFrame) -> None:
    """1000 elderly and 5 a year; 200 infants less 25 a year; quotas of 1010: 101, 303, 202, 404."""
    later = forecast(town, from_year=2021, to_year=2023, increases={"elderly": 5, "infants": -25})
    assert later["elderly"].tolist() == [101, 303, 202, 404]
    assert later["infants"].tolist() == [15, 45, 75, 15]


def test_rates_by_area(town: pd.DataFrame) -> None:
    """D1 400 elderly by 50 % to 600, D2 600 by 10 % to 660, each shared out within the district."""
    later = forecast(town, from_year=2021, to_year=2022, rates={"elderly": {"D1": 0.5, "D2": 0.1}})
    assert later["elderly"].tolist() == [150, 450, 220, 440]
    assert "(10 % – 50 % a year)" in later["assumption_en"].iloc[0]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (2000, [200, 600, 400, 800]),
        ({2021: 1000, 2031: 2000}, [150, 450, 300, 600]),
        (pd.Series({2021: 1000, 2026: 2000, 2030: 5000}), [200, 600, 400, 800]),
        ({"D1": 800, "D2": 60}, [200, 600, 20, 40]),
        ({"D1": 800, "all": 1400}, [200, 600, 200, 400]),
        ({"D1": 800, "D2": 60, "all": 860}, [200, 600, 20, 40]),
        ({"D1": {2021: 400, 2031: 1200}, "D2": 60}, [200, 600, 20, 40]),
        ({"all": 2000}, [200, 600, 400, 800]),
        (0, [0, 0, 0, 0]),
        (7, [1, 2, 1, 3]),  # quotas 0.7, 2.1, 1.4, 2.8
    ],
)
def test_totals(town: pd.DataFrame, given: object, found: list[int]) -> None:
    later = forecast(town, from_year=2021, to_year=2026, totals={"elderly": given})
    assert later["elderly"].tolist() == found


def test_growth_between_figures(town: pd.DataFrame) -> None:
    later = forecast(town, from_year=2021, to_year=2023, totals={"elderly": {2021: 1000, 2025: 4000}}, method="growth")
    assert later["elderly"].tolist() == [200, 600, 400, 800]


def test_the_base_year_brought_to_a_total(town: pd.DataFrame) -> None:
    later = forecast(town, from_year=2021, to_year=2021, totals={"elderly": 500})
    assert later["elderly"].tolist() == [50, 150, 100, 200]


def test_a_layer_of_points_stays_one(sample: dict[str, gpd.GeoDataFrame]) -> None:
    homes = sample["communities"]
    later = forecast(
        homes, from_year=2021, to_year=2025, rates={"elderly": 0.0575, "infants": -0.01, "population": 0.01}
    )
    assert isinstance(later, gpd.GeoDataFrame)
    assert later.crs == homes.crs
    assert later.geometry.equals(homes.geometry)
    assert later.columns[-1] == "geometry"
    assert later.attrs["notice"] == homes.attrs["notice"]
    for name, rate in (("elderly", 0.0575), ("infants", -0.01), ("population", 0.01)):
        assert later[name].sum() == int(homes[name].sum() * (1 + rate) ** 4 + 0.5)
    checked = st.check_layer(later.reset_index(), "communities")
    assert checked["elderly"].equals(later["elderly"])
    assert checked["assumption"].equals(later["assumption"])


def test_an_audit_takes_it(sample: dict[str, gpd.GeoDataFrame]) -> None:
    later = forecast(sample["communities"], from_year=2021, to_year=2025, rates={"population": 0.1})
    judged = st.audit(st.load_standard("jinhua"), {**sample, "communities": later}, year=2025)
    rate = judged.table.set_index("rule").loc["jinhua.childcare.places_per_1000.2025", "value"]
    places = sample["childcare"]["places"].sum()
    assert float(np.ravel(rate)[0]) == pytest.approx(1000 * places / later["population"].sum())


def test_age_groups_and_districts_together(town: pd.DataFrame) -> None:
    """Residents of D1 and D2 change places, and the elderly double; every sum is met, and whole = parts + rest."""
    later = forecast(
        town,
        from_year=2021,
        to_year=2031,
        totals={"population": {"D1": 7001, "D2": 2999}, "elderly": 2000, "infants": 150},
        parts=("elderly", "infants"),
    )
    assert later.groupby("district")["population"].sum().tolist() == [7001, 2999]
    assert later[["elderly", "infants"]].sum().tolist() == [2000, 150]
    rest = later["population"] - later["elderly"] - later["infants"]
    assert (rest >= 0).all()
    table = later.assign(rest=rest).groupby("district")[["elderly", "infants", "rest"]].sum()
    # The pattern is kept: cross-product ratios of 400, 80, 2520 people in D1 and 600, 120, 6280 in D2.
    odds = table.loc["D1"] / table.loc["D2"]
    assert odds["elderly"] / odds["rest"] == pytest.approx((400 / 600) / (2520 / 6280), rel=0.01)
    assert odds["elderly"] / odds["infants"] == pytest.approx((400 / 600) / (80 / 120), rel=0.05)
    assert "both margins met" in later["assumption_en"].iloc[0]


def test_growth_that_would_burst_a_home_is_refused_or_fitted() -> None:
    """A retirement home with 95 elderly of 100: 20 % more elderly and as many residents do not fit one by one."""
    town = pd.DataFrame({"population": [100, 900], "elderly": [95, 105]}, index=["home", "estate"])
    with pytest.raises(ProblemError, match=r'elderly are more than population in 1 rows: "home".*parts='):
        forecast(town, from_year=2021, to_year=2031, totals={"elderly": 240})
    later = forecast(
        town, from_year=2021, to_year=2031, totals={"elderly": 240}, rates={"population": 0}, parts=("elderly",)
    )
    assert later.sum(numeric_only=True)[["population", "elderly"]].tolist() == [1000, 240]
    assert (later["elderly"] <= later["population"]).all()


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(some.data())
def test_forecasts_add_up_and_stay_consistent(data: some.DataObject) -> None:
    n = data.draw(some.integers(2, 12))
    draw = some.lists(some.integers(1, 500), min_size=n, max_size=n)
    elderly, infants, others = (np.array(data.draw(draw)) for _ in range(3))
    district = data.draw(some.lists(some.sampled_from(["D1", "D2", "D3"]), min_size=n, max_size=n))
    town = pd.DataFrame(
        {"population": elderly + infants + others, "elderly": elderly, "infants": infants, "district": district}
    )
    areas = sorted(set(district))
    sums = {area: data.draw(some.integers(1000, 5000)) for area in areas}
    totals = {
        "population": sums,
        "elderly": data.draw(some.integers(0, 400)),
        "infants": data.draw(some.integers(0, 400)),
    }
    later = forecast(town, from_year=2020, to_year=2030, totals=totals, parts=("infants", "elderly"))
    assert later.groupby("district")["population"].sum().to_dict() == sums
    assert later["elderly"].sum() == totals["elderly"]
    assert later["infants"].sum() == totals["infants"]
    assert (later["elderly"] + later["infants"] <= later["population"]).all()


def test_the_assumption_stands_in_both_languages(town: pd.DataFrame) -> None:
    later = forecast(
        town, from_year=2021, to_year=2030, totals={"infants": {2021: 200, 2025: 220}}, source="a plan, registered"
    )
    (en,) = later["assumption_en"].unique()
    assert en.split("; ") == [
        "children under 3 (infants): linear between the figures of 2021, 2025, 245 in 2030",
        "2030 lies beyond those years, the trend is carried on",
        "communities keep their shares of 2021 within the area of a total",
        "all other columns are as in 2021",
        "after: a plan, registered",
    ]
    (zh,) = later["assumption"].unique()
    assert "3 周岁以下（不含 3 周岁）婴幼儿数（infants）：由已列年份（2021, 2025）的数值线性推算，2030 年合计 245" in zh
    assert "外推" in zh
    assert not CHINESE.search(en)


def test_a_forecast_of_a_forecast_knows_its_year_and_past(town: pd.DataFrame) -> None:
    first = forecast(town, from_year=2021, to_year=2025, totals={"elderly": 1200})
    second = forecast(first, to_year=2035, rates={"elderly": 0.01})
    assert second["year"].unique().tolist() == [2035]
    assert second["assumption_en"].iloc[0].startswith(first["assumption_en"].iloc[0] + "; residents aged 60")
    with pytest.raises(LayerError, match="says 2025, from_year 2021"):
        forecast(first, from_year=2021, to_year=2035, rates={"elderly": 0.01})
    with pytest.raises(LayerError, match="one year in all rows"):
        forecast(town.assign(year=[1, 2, 3, 4]), to_year=2035, rates={"elderly": 0.01})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "give rates, increases or totals"),
        ({"rates": {"elderly": 4.54}}, "0.0454 is 4.54 %"),
        ({"rates": {"elderly": -1}}, "0.0454 is 4.54 %"),
        ({"rates": {"elderly": None}}, "give a number"),
        ({"rates": {"elderly": {"D1": 0.1}}}, 'look at "D2"'),
        ({"rates": {"elderly": 0.1}, "totals": {"elderly": 5}}, "one of them"),
        ({"increases": {"infants": -500}}, "fall below 0"),
        ({"totals": {"elderly": -5}}, "0 or more"),
        ({"totals": {"elderly": float("nan")}}, "0 or more"),
        ({"totals": {"elderly": {}}}, "nothing is given"),
        ({"totals": {"elderly": {330702: 5}}}, "ids of areas as text"),
        ({"totals": {"elderly": {"D1": 500}}}, 'no total for "D2"'),
        ({"totals": {"elderly": {"D1": 500, "D9": 5}}}, '"D9": no such area in "district"'),
        ({"totals": {"elderly": {"D1": 500, "D2": 600, "all": 1200}}}, "add up to 1,100, all together are to be 1,200"),
        ({"totals": {"elderly": {"D1": 500, "all": 400}}}, "add up to 500"),
        ({"totals": {"elderly": {2015: 500}}}, "makes no trend for 2025"),
        ({"totals": {"elderly": 5}, "to_year": 2020}, "the later one last"),
        ({"totals": {"elderly": 5}, "from_year": None}, "which year the communities are of"),
        ({"totals": {"elderly": {"X": 5}}, "by": "estate"}, 'no column "estate"'),
        ({"totals": {"elderly": 5}, "parts": ("elderly",)}, 'lacking "population"'),
        (
            {"totals": {"elderly": 50, "population": 40}, "parts": ("elderly",)},
            "to be 50 in 2025, more than population, 40",
        ),
        ({"totals": {"elderly": {"D1": 1, "D2": 1}, "population": 9}, "parts": ("elderly",)}, "not totals by area"),
    ],
)
def test_forecasts_that_are_badly_put(town: pd.DataFrame, options: dict[str, object], words: str) -> None:
    with pytest.raises(ProblemError, match=words):
        forecast(town, **{"from_year": 2021, "to_year": 2025, **options})  # type: ignore[type-var]


def test_a_district_without_people_cannot_have_a_total(town: pd.DataFrame) -> None:
    town["infants"] = [20, 60, 0, 0]
    with pytest.raises(ProblemError, match='"D2": nobody in 2021, but a total for 2025; 0 stays 0'):
        forecast(town, from_year=2021, to_year=2025, totals={"infants": {"D1": 80, "D2": 5}})
    later = forecast(town, from_year=2021, to_year=2025, totals={"infants": {"D1": 40, "D2": 0}})
    assert later["infants"].tolist() == [10, 30, 0, 0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"elderly": [1, None, 2, -3]}, r'"elderly": negative or not a number in 2 rows: "b", "d"'),
        ({"elderly": ["many", 1, 2, 3]}, '1 rows: "a"'),
        ({"elderly": [1000, 2000, 3000, 4000]}, "infants . elderly are more than population in 4 rows"),
    ],
)
def test_layers_that_cannot_be_forecast(town: pd.DataFrame, change: dict[str, list[object]], words: str) -> None:
    with pytest.raises(LayerError, match=words):
        forecast(town.assign(**change), from_year=2021, to_year=2025, totals={"elderly": 500})


def test_a_blank_district_matters_where_districts_do(town: pd.DataFrame) -> None:
    town["district"] = ["D1", None, "D2", "D2"]
    assert forecast(town, from_year=2021, to_year=2025, totals={"elderly": 500})["elderly"].sum() == 500
    with pytest.raises(LayerError, match='"district" is blank in 1 rows: "b"'):
        forecast(town, from_year=2021, to_year=2025, totals={"elderly": {"D1": 500, "D2": 500}})


def test_parts_of_a_whole_of_ones_own(town: pd.DataFrame) -> None:
    """Columns of any layer: 40 of 100 beds are for nursing; later 90 of 150, with no room left in the rest of c."""
    homes = pd.DataFrame({"beds": [30, 30, 40], "nursing": [10, 10, 20]}, index=list("abc"))
    later = forecast(
        homes, from_year=2021, to_year=2025, totals={"beds": 150, "nursing": 90}, parts=["nursing"], whole="beds"
    )
    assert later[["beds", "nursing"]].sum().tolist() == [150, 90]
    assert (later["beds"] - later["nursing"]).tolist() == [20, 20, 20]
    with pytest.raises(LayerError, match='"nursing" are more than beds in 1 rows: "b"'):
        forecast(homes.assign(nursing=[1, 31, 1]), from_year=2021, to_year=2025, totals={"beds": 9, "nursing": 9},
                 parts=["nursing"], whole="beds")  # fmt: skip


def test_columns_ids_and_rows_must_be_there(town: pd.DataFrame) -> None:
    with pytest.raises(LayerError, match='no column "old"'):
        forecast(town, from_year=2021, to_year=2025, totals={"old": 500})
    with pytest.raises(LayerError, match="has no rows"):
        forecast(town.iloc[:0], from_year=2021, to_year=2025, totals={"elderly": 500})
    with pytest.raises(LayerError, match='ids stand twice: "a"'):
        forecast(pd.concat([town, town.iloc[:1]]), from_year=2021, to_year=2025, totals={"elderly": 500})


# --- ages -------------------------------------------------------------------------------------------------------------

SURVIVAL = pd.Series([1.0, 0.9, 0.8, 0.5])  # made up


def test_three_years_by_hand() -> None:
    """Ages 0, 1, 2, 3+ of 100, 200, 300, 400 people; 50 births a year, of whom 0.9 live at its end.

    2022: 45, 100, 180, 240 + 200; 2023: 45, 45, 90, 144 + 220; 2024: 45, 45, 40.5, 72 + 182.
    """
    people = cohort_forecast(
        pd.Series([100, 200, 300, 400]), from_year=2021, to_year=2024, survival=SURVIVAL, births=50, newborn=0.9
    )
    assert people["all"].to_numpy().reshape(4, 4).tolist() == [
        [100, 200, 300, 400],
        pytest.approx([45, 100, 180, 440]),
        pytest.approx([45, 45, 90, 364]),
        pytest.approx([45, 45, 40.5, 254]),
    ]
    assert people.index.names == ["year", "age"]


def test_without_births_the_unborn_are_missing() -> None:
    people = cohort_forecast(pd.Series([100, 200, 300, 400]), from_year=2021, to_year=2023, survival=SURVIVAL)
    assert people["all"].isna().tolist() == [False] * 4 + [True] + [False] * 3 + [True, True, False, False]
    bands = age_bands(people, {"under_2": (0, 2), "two": (2, 3), "old": (3, None)})
    assert bands.loc[(2023, "all")].tolist() == [pd.NA, 90, 364, pd.NA]


def test_births_follow_the_mothers_of_both_ends_of_the_year() -> None:
    """Women of age 2 are half of 300, then half of 180: 0.1 × (150 + 90) / 2 = 12 births, 0.5 of them alive."""
    people = cohort_forecast(
        pd.Series([100, 200, 300, 400]), from_year=2021, to_year=2022, survival=SURVIVAL,
        fertility=pd.Series({2: 0.1}), women=0.5, newborn=0.5,
    )  # fmt: skip
    assert people.loc[(2022, 0), "all"] == pytest.approx(6)


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(
    some.lists(some.floats(0, 1), min_size=6, max_size=6),
    some.lists(some.floats(0, 0.5), min_size=5, max_size=5),
    some.lists(some.floats(0, 1000), min_size=6, max_size=6),
    some.floats(0, 1),
    some.integers(1, 12),
)
def test_without_migration_it_is_a_power_of_leslies_matrix(
    survival: list[float], fertility: list[float], ages: list[float], newborn: float, years: int
) -> None:
    """First row: newborn × (m(x) + S(x) m(x + 1)) / 2, the open age surviving into itself."""
    s, women = np.array(survival), 0.4
    m = np.append(0.0, fertility) * women
    leslie = np.zeros((6, 6))
    leslie[0] = newborn * (m + s * np.append(m[1:], m[-1])) / 2
    leslie[np.arange(1, 6), np.arange(5)] = s[:-1]
    leslie[5, 5] = s[5]
    people = cohort_forecast(
        pd.Series(ages), from_year=2000, to_year=2000 + years, survival=pd.Series(survival),
        fertility=pd.Series(fertility, index=range(1, 6)), women=women, newborn=newborn,
    )  # fmt: skip
    expected = np.linalg.matrix_power(leslie, years) @ np.array(ages)
    assert people.loc[2000 + years, "all"].to_numpy() == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_areas_births_and_migration_of_their_own() -> None:
    ages = pd.DataFrame({"D1": [10, 10, 10], "D2": [20, 20, 20]})
    moves = pd.DataFrame({"D1": [0, -5, 0], "D2": [1, 5, 0]})
    people = cohort_forecast(
        ages, from_year=2021, to_year=2022,
        survival=pd.DataFrame({"D1": [1.0, 1.0, 0.5], "D2": [0.5, 0.5, 0.5]}),
        births=pd.DataFrame({"D2": [8], "D1": [4]}, index=[2022]), newborn=1, migration={2022: moves},
    )  # fmt: skip
    assert people.loc[2022, "D1"].tolist() == [4, 5, 15]
    assert people.loc[2022, "D2"].tolist() == [9, 15, 20]


def test_a_life_table_by_hand_keeps_its_own_population() -> None:
    """l = 1, 0.8, 0.4; L = 0.9, 0.6, 0.4 × 2; T = 2.3, 1.4, 0.8. People as L with 1 birth a year stay as they are."""
    table = life_table(pd.Series([0.2, 0.5]), remaining=2)
    assert table["alive"].tolist() == pytest.approx([1, 0.8, 0.4])
    assert table["lived"].tolist() == pytest.approx([0.9, 0.6, 0.8])
    assert table["ahead"].tolist() == pytest.approx([2.3, 1.4, 0.8])
    assert table["survival"].tolist() == pytest.approx([0.6 / 0.9, 0.8 / 1.4, 0.8 / 1.4])
    people = cohort_forecast(
        table["lived"],
        from_year=2000,
        to_year=2010,
        survival=table["survival"],
        births=1,
        newborn=table.loc[0, "lived"],
    )
    assert people.loc[2010, "all"].tolist() == pytest.approx(table["lived"].tolist())


def test_nobody_survives_a_death_that_is_sure() -> None:
    table = life_table(pd.Series([1.0, 0.5]), remaining=2)
    assert table["survival"].tolist() == [0, 0, 0]


def test_cohorts_of_the_birth_peak_turn_60() -> None:
    """Quzhou plan of 2022-12-23, 一、实施背景 > (二)发展趋势。: who was born in the peak of 1962 to 1975 grows old.

    They turn 60 in 2022 to 2035. Only those cohorts are in the population, 1000 in each, and nobody dies.
    """
    ages = pd.Series({age: 1000 if 1962 <= 2021 - age <= 1975 else 0 for age in range(81)})
    people = cohort_forecast(
        ages, from_year=2021, to_year=2037, survival=pd.Series(1.0, range(81)), births=0, newborn=1
    )
    elderly = age_bands(people)["elderly"].xs("all", level="area")
    assert elderly.tolist() == [1000 * min(max(year - 2021, 0), 14) for year in range(2021, 2038)]


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(some.lists(some.floats(0, 500), min_size=6, max_size=6))
def test_bands_that_share_no_age_add_up(ages: list[float]) -> None:
    index = pd.MultiIndex.from_product([[2025], range(6)], names=["year", "age"])
    bands = age_bands(pd.DataFrame({"D1": ages}, index=index), {"a": (0, 2), "b": (2, 5), "c": (5, None)})
    (row,) = bands.itertuples(index=False)
    assert row.a + row.b + row.c == row.population == int(sum(ages) + 0.5)


def test_bands_of_districts_are_totals_for_a_forecast(town: pd.DataFrame) -> None:
    """Ages 59 and 60+ of 100 and 400 in D1, 300 and 600 in D2: a year later 500 and 900 elderly, if nobody dies."""
    ages = pd.DataFrame(0, index=range(61), columns=["D1", "D2"])
    ages.loc[59], ages.loc[60] = [100, 300], [400, 600]
    people = cohort_forecast(ages, from_year=2021, to_year=2022, survival=pd.Series(1.0, range(61)), births=None)
    elderly = age_bands(people, {"elderly": (60, None)}).loc[2022, "elderly"]
    later = forecast(town, from_year=2021, to_year=2022, totals={"elderly": elderly})
    assert later["elderly"].tolist() == [125, 375, 300, 600]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ages": pd.Series([1, 2, 3], index=[0, 1, 3])}, "without a gap"),
        ({"ages": pd.Series([1, -2, 3, 4])}, "ages: 1 values are not 0 or more, the first -2.0 at age 1"),
        ({"ages": pd.Series([1, None, 3, 4])}, "the first nan at age 1"),
        ({"survival": pd.Series([1.0, 1.1, 1, 1])}, "survival: 1 values are not 0 to 1"),
        ({"survival": pd.Series([1.0, 1.0])}, 'lacking "2", "3"'),
        ({"births": 5}, "newborn: give the share"),
        ({"births": 5, "newborn": 98}, "give a share, 0 to 1"),
        ({"births": {2022: 5}, "newborn": 1}, 'nothing for "2023"'),
        ({"births": {2022: 5, 2023: -1}, "newborn": 1}, "births of 2023"),
        ({"births": 5, "fertility": pd.Series({2: 1.0}), "newborn": 1}, "not both"),
        ({"fertility": pd.Series({2: 1.0}), "newborn": 1}, "women: give the share"),
        ({"fertility": pd.Series({0: 1.0}), "newborn": 1, "women": 0.5}, "no ages of mothers"),
        ({"fertility": pd.Series({2: 1.0}), "newborn": 1, "women": 49}, "women: 4 values are not 0 to 1"),
        ({"migration": pd.Series([0, -999, 0, 0])}, "more of age 1 leave"),
        ({"migration": {2022: pd.Series([0, 0, 0, 0])}}, "migration: nothing for 2023"),
        ({"to_year": 2020}, "the later one last"),
        (
            {"ages": pd.DataFrame({"a": [1] * 4, "b": [1] * 4}), "births": 5, "newborn": 1},
            "several areas need a DataFrame",
        ),
        ({"ages": pd.DataFrame({"a": [1] * 4, "b": [1] * 4}), "migration": SURVIVAL}, "several areas need a DataFrame"),
    ],
)
def test_ages_and_rates_that_are_wrong(options: dict[str, object], words: str) -> None:
    usual = {"ages": pd.Series([100, 200, 300, 400]), "survival": SURVIVAL, "from_year": 2021, "to_year": 2023}
    arguments = {**usual, **options}
    with pytest.raises(ProblemError, match=words):
        cohort_forecast(arguments.pop("ages"), **arguments)  # type: ignore[arg-type]


def test_deaths_and_bands_that_are_wrong() -> None:
    with pytest.raises(ProblemError, match="deaths: 1 values are not 0 to 1"):
        life_table(pd.Series([0.1, 12.0]), remaining=5)
    with pytest.raises(ProblemError, match="remaining is 0"):
        life_table(pd.Series([0.1, 0.2]), remaining=0)
    people = cohort_forecast(pd.Series([1, 2, 3]), from_year=2021, to_year=2021, survival=pd.Series([1.0, 1, 1]))
    for band in ((0, 3), (2, 2), (3, None), (-1, 1)):
        with pytest.raises(ProblemError, match="the open age, which is one"):
            age_bands(people, {"x": band})


@pytest.mark.slow
def test_the_page_prints_what_it_says() -> None:
    text = PAGE.read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"^```pycon\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE))
    test = doctest.DocTestParser().get_doctest(blocks, {}, PAGE.name, str(PAGE), 0)
    said: list[str] = []
    failed, tried = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=said.append)
    assert tried > 20
    assert not failed, "".join(said)


@pytest.fixture
def three() -> pd.DataFrame:
    return pd.DataFrame({"elderly": [100, 100, 100], "district": ["D1", "D2", "D3"]}, index=list("abc"))


def told(layer: pd.DataFrame, given: object, lang: str = "_en") -> str:
    later = forecast(layer, from_year=2021, to_year=2023, totals={"elderly": given})
    return str(later[f"assumption{lang}" if lang else "assumption"].iloc[0])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"D1": {2021: 100, 2025: 120}, "D2": {2023: 100}, "D3": 100},
            "D1 (linear between the figures of 2021, 2025), D2, D3 (as given), 310 in 2023",
        ),
        (
            {"D1": {2021: 100, 2025: 120}, "all": 400},
            (
                "all together (as given), D1 (linear between the figures of 2021, 2025), "
                "the other areas (what is left), 400 in 2023"
            ),
        ),
        (
            {"D1": 110, "all": 400},
            "all together (as given), D1 (as given), the other areas (what is left), 400 in 2023",
        ),
        (
            {"D2": {2021: 1, 2025: 3}, "D1": {2021: 1, 2024: 4}, "D3": {2021: 1, 2024: 4}},
            (
                "D2 (linear between the figures of 2021, 2025), D1, D3 (linear between the figures of 2021, 2024), "
                "8 in 2023"
            ),
        ),
        ({"D1": 110, "D2": 120, "D3": 130}, "brought to the given totals of areas in 2023, 360 in all"),
        ({"all": 400}, "brought to the given total of 400 in 2023"),
        (
            {area: {2021: 100, 2025: 120} for area in ("D1", "D2", "D3")},
            "linear between the figures of 2021, 2025, 330 in 2023",
        ),
        (
            {"all": {2021: 300, 2025: 360}},
            "linear between the figures of 2021, 2025, 330 in 2023",
        ),
    ],
)
def test_each_total_is_told_as_it_was_found(three: pd.DataFrame, given: object, said: str) -> None:
    line = told(three, given).split("; ")[0]
    assert line == f"residents aged 60 and over (elderly): {said}"


def test_each_total_is_told_in_chinese_too(three: pd.DataFrame) -> None:
    said = told(three, {"D1": {2021: 100, 2025: 120}, "all": 400}, "")
    assert "全部合计（给定总量）、D1（由 2021, 2025 年的数值线性推算）、其余分区（分配其余部分）" in said


def test_a_trend_beyond_its_years_is_told_of_areas_too(three: pd.DataFrame) -> None:
    assert "2023 lies beyond those years" in told(three, {"all": 400, "D1": {2019: 90, 2021: 100}})


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (
            {"all": {2021: 200, 2025: 202}, "D1": {2021: 50, 2025: 51}, "D2": {2021: 50, 2025: 51}, "D3": 100},
            [51, 50, 100],
        ),
        ({"all": {2021: 150, 2025: 153}} | {f"D{k}": {2021: 50, 2025: 51} for k in (1, 2, 3)}, [51, 51, 50]),
        ({"all": 101, "D1": {2021: 50, 2025: 51}, "D2": {2021: 50, 2025: 51}}, [51, 50, 0]),
    ],
)
def test_figures_that_agree_are_rounded_together(three: pd.DataFrame, given: object, found: list[int]) -> None:
    """Two areas of 50.5 people are 101 together: one goes up, the other down."""
    later = forecast(three, from_year=2021, to_year=2023, totals={"elderly": given})
    assert later["elderly"].tolist() == found


def test_figures_that_disagree_by_one_are_refused(three: pd.DataFrame) -> None:
    with pytest.raises(ProblemError, match="the areas add up to 303, all together are to be 302"):
        forecast(three, from_year=2021, to_year=2023, totals={"elderly": {"all": 302, "D1": 101, "D2": 101, "D3": 101}})


def test_changes_may_be_text_and_keep_their_digits(three: pd.DataFrame) -> None:
    later = forecast(three, from_year=2021, to_year=2022, rates={"elderly": "0.0454321"})
    assert later["elderly"].sum() == 314  # 300 * 1.0454321 = 313.6
    assert "growth of 4.54321 % a year" in later["assumption_en"].iloc[0]
    assert forecast(three, from_year=2021, to_year=2022, increases={"elderly": "3"})["elderly"].sum() == 303


@pytest.mark.parametrize("total", ["9", None, 10**20, [3], True, float("inf")])
def test_totals_that_are_no_number(total: object) -> None:
    with pytest.raises(ProblemError, match="whole number of 0 or more"):
        round_to_total(pd.Series([1, 2]), total)  # type: ignore[arg-type]


def test_weights_are_a_series() -> None:
    with pytest.raises(ProblemError, match="weights: a list; give a Series"):
        round_to_total([1, 2], 3)  # type: ignore[arg-type]


def test_fractions_are_not_shared_out_beyond_their_digits() -> None:
    with pytest.raises(ProblemError, match="cannot be shared out to the unit"):
        round_to_total(pd.Series([0.1] * 3), 3 * 10**13 + 2)
    assert round_to_total(pd.Series([0.1] * 3), 10**11).sum() == 10**11
    with pytest.raises(ProblemError, match="cannot be shared out to the unit"):
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
    with pytest.raises(ProblemError, match='columns stand twice: "a"'):
        fit_margins(pd.DataFrame([[1, 2]], columns=["a", "a"], index=["r"]), rows=pd.Series({"r": 3}), columns=one)
    with pytest.raises(ProblemError, match="rows: a list; give a Series"):
        fit_margins(pd.DataFrame({"a": [1]}), rows=[3], columns=one)  # type: ignore[arg-type]


def test_no_band_takes_the_name_of_all_ages() -> None:
    ages = pd.DataFrame({"D1": [1, 2, 3]}, index=pd.MultiIndex.from_product([[2025], [0, 1, 2]]))
    with pytest.raises(ProblemError, match='"population" is the column of all ages'):
        age_bands(ages, {"population": (1, None)})


def test_areas_from_a_series() -> None:
    """The area of each community by name of its column, or as a Series in any order."""
    now = pd.DataFrame({"elderly": [10, 10, 20], "town": ["n", "n", "s"]}, index=list("abc"))
    options: dict[str, Any] = {"from_year": 2021, "to_year": 2025, "totals": {"elderly": {"n": 30, "s": 20}}}
    found = forecast(now, by="town", **options)
    assert found["elderly"].tolist() == [15, 15, 20]
    assert forecast(now, by=now["town"].iloc[::-1], **options).equals(found)
    with pytest.raises(ProblemError, match='by: no value for 1 communities: "c"'):
        forecast(now, by=now["town"].drop("c"), **options)
