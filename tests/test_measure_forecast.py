"""Forecasts of communities: totals, rates and parts, and the assumptions that stand beside them."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import siting as st
from siting.errors import LayerError, ProblemError
from siting.measure.cohort import age_bands, cohort_forecast
from siting.measure.forecast import forecast

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
    with pytest.raises(ProblemError, match=r'elderly are more than population in 1 row: "home".*parts='):
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
        "2030 is outside those years, the trend is extrapolated",
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
        ({"elderly": [1, None, 2, -3]}, r'"elderly" is negative or not a number in 2 rows: "b", "d"'),
        ({"elderly": ["many", 1, 2, 3]}, '1 row: "a"'),
        ({"elderly": [1000, 2000, 3000, 4000]}, "infants and elderly are more than population in 4 rows"),
    ],
)
def test_layers_that_cannot_be_forecast(town: pd.DataFrame, change: dict[str, list[object]], words: str) -> None:
    with pytest.raises(LayerError, match=words):
        forecast(town.assign(**change), from_year=2021, to_year=2025, totals={"elderly": 500})


def test_a_blank_district_matters_where_districts_do(town: pd.DataFrame) -> None:
    town["district"] = ["D1", None, "D2", "D2"]
    assert forecast(town, from_year=2021, to_year=2025, totals={"elderly": 500})["elderly"].sum() == 500
    with pytest.raises(LayerError, match='"district" is blank in 1 row: "b"'):
        forecast(town, from_year=2021, to_year=2025, totals={"elderly": {"D1": 500, "D2": 500}})


def test_parts_of_a_whole_of_ones_own(town: pd.DataFrame) -> None:
    """Columns of any layer: 40 of 100 beds are for nursing; later 90 of 150, with no room left in the rest of c."""
    homes = pd.DataFrame({"beds": [30, 30, 40], "nursing": [10, 10, 20]}, index=list("abc"))
    later = forecast(
        homes, from_year=2021, to_year=2025, totals={"beds": 150, "nursing": 90}, parts=["nursing"], whole="beds"
    )
    assert later[["beds", "nursing"]].sum().tolist() == [150, 90]
    assert (later["beds"] - later["nursing"]).tolist() == [20, 20, 20]
    with pytest.raises(LayerError, match='nursing are more than beds in 1 row: "b"'):
        forecast(homes.assign(nursing=[1, 31, 1]), from_year=2021, to_year=2025, totals={"beds": 9, "nursing": 9},
                 parts=["nursing"], whole="beds")  # fmt: skip


def test_columns_ids_and_rows_must_be_there(town: pd.DataFrame) -> None:
    with pytest.raises(LayerError, match='no column "old"'):
        forecast(town, from_year=2021, to_year=2025, totals={"old": 500})
    with pytest.raises(LayerError, match="has no rows"):
        forecast(town.iloc[:0], from_year=2021, to_year=2025, totals={"elderly": 500})
    with pytest.raises(LayerError, match='ids occur more than once: "a"'):
        forecast(pd.concat([town, town.iloc[:1]]), from_year=2021, to_year=2025, totals={"elderly": 500})


def test_bands_of_districts_are_totals_for_a_forecast(town: pd.DataFrame) -> None:
    """Ages 59 and 60+ of 100 and 400 in D1, 300 and 600 in D2: a year later 500 and 900 elderly, if nobody dies."""
    ages = pd.DataFrame(0, index=range(61), columns=["D1", "D2"])
    ages.loc[59], ages.loc[60] = [100, 300], [400, 600]
    people = cohort_forecast(ages, from_year=2021, to_year=2022, survival=pd.Series(1.0, range(61)), births=None)
    elderly = age_bands(people, {"elderly": (60, None)}).loc[2022, "elderly"]
    later = forecast(town, from_year=2021, to_year=2022, totals={"elderly": elderly})
    assert later["elderly"].tolist() == [125, 375, 300, 600]


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
                "the other areas (the rest), 400 in 2023"
            ),
        ),
        (
            {"D1": 110, "all": 400},
            "all together (as given), D1 (as given), the other areas (the rest), 400 in 2023",
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
            {"D1": 110, "D2": 120, "D3": 130, "all": 360},
            "all together (as given), D1, D2, D3 (as given), 360 in 2023",
        ),
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
    assert "2023 is outside those years" in told(three, {"all": 400, "D1": {2019: 90, 2021: 100}})


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


def test_a_geometry_that_is_not_last_stays_where_it_is(town: pd.DataFrame) -> None:
    layer = gpd.GeoDataFrame(town, geometry=gpd.points_from_xy([0, 1, 2, 3], [0, 0, 0, 0]), crs=4547)
    layer = layer[["population", "elderly", "geometry", "district"]]
    later = forecast(layer, from_year=2021, to_year=2026, totals={"elderly": 2000})
    added = ["year", "assumption", "assumption_en"]
    assert later.columns.tolist() == ["population", "elderly", "geometry", "district", *added]


def test_a_layer_of_two_years_is_refused(town: pd.DataFrame) -> None:
    with pytest.raises(LayerError, match="one year in all rows"):
        forecast(town.assign(year=[2021, 2021, 2022, 2022]), from_year=2021, to_year=2026, rates={"elderly": 0.01})


def test_a_fault_in_columns_that_are_not_forecast_does_not_matter(town: pd.DataFrame) -> None:
    """More elderly people than residents, or a blank among them, while households alone or residents are forecast."""
    wrong = town.assign(elderly=[9999, 300, 200, 400])
    assert forecast(wrong, from_year=2021, to_year=2022, rates={"households": 0.0})["households"].sum() == 4000
    blank = town.astype({"elderly": object})
    blank.loc["a", "elderly"] = "unknown"
    assert forecast(blank, from_year=2021, to_year=2022, rates={"population": 0.1})["population"].sum() == 11_000


def test_all_columns_that_are_missing_are_named(town: pd.DataFrame) -> None:
    with pytest.raises(LayerError) as refused:
        forecast(town, from_year=2021, to_year=2026, rates={"aged_65": 0.01, "aged_80": 0.01})
    assert 'no column "aged_65"' in str(refused.value)
    assert 'no column "aged_80"' in str(refused.value)


def test_changes_may_be_text_and_keep_their_digits(three: pd.DataFrame) -> None:
    later = forecast(three, from_year=2021, to_year=2022, rates={"elderly": "0.0454321"})
    assert later["elderly"].sum() == 314  # 300 * 1.0454321 = 313.6
    assert "growth of 4.54321 % a year" in later["assumption_en"].iloc[0]
    assert forecast(three, from_year=2021, to_year=2022, increases={"elderly": "3"})["elderly"].sum() == 303


def test_areas_from_a_series() -> None:
    """The area of each community by name of its column, or as a Series in any order."""
    now = pd.DataFrame({"elderly": [10, 10, 20], "town": ["n", "n", "s"]}, index=list("abc"))
    options: dict[str, Any] = {"from_year": 2021, "to_year": 2025, "totals": {"elderly": {"n": 30, "s": 20}}}
    found = forecast(now, by="town", **options)
    assert found["elderly"].tolist() == [15, 15, 20]
    assert forecast(now, by=now["town"].iloc[::-1], **options).equals(found)
    with pytest.raises(ProblemError, match='by: no value for 1 community: "c"'):
        forecast(now, by=now["town"].drop("c"), **options)
