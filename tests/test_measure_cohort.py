"""Populations by age that can be followed by hand: cohorts, life tables, bands of age."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from siting.errors import ProblemError
from siting.measure.cohort import age_bands, cohort_forecast, life_table

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
    table = life_table(pd.Series([1.0, 0.5, 0.5]), remaining=2)
    assert table["survival"].tolist() == [0, 0, 0, 0]
    # L = 0.75, 0.375, 0.125, then nobody is left.
    later = life_table(pd.Series([0.5, 0.5, 1.0, 0.5, 0.5]), remaining=2)
    assert later["survival"].tolist() == pytest.approx([1 / 2, 1 / 3, 0, 0, 0, 0])


def test_the_last_two_ages_share_their_survival() -> None:
    """l = 1, 0.8, 0.4, 0.2; L = 0.9, 0.6, 0.3 and 0.2 × half a year; T of the last two = 0.4, 0.1."""
    table = life_table(pd.Series([0.2, 0.5, 0.5]), remaining=0.5)
    assert table.index.name == "age"
    assert table["ahead"].tolist() == pytest.approx([1.9, 1.0, 0.4, 0.1])
    assert table["survival"].tolist() == pytest.approx([0.6 / 0.9, 0.3 / 0.6, 0.1 / 0.4, 0.1 / 0.4])


def test_all_of_an_age_may_leave_but_no_more() -> None:
    leave = {"from_year": 2021, "to_year": 2022, "survival": pd.Series([1.0, 1.0, 1.0])}
    people = cohort_forecast(pd.Series([10, 10, 10]), **leave, migration=pd.Series([0, -10, 0]))  # type: ignore[arg-type]
    assert people.loc[2022, "all"].tolist()[1:] == [0, 20]


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


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ages": pd.Series([1, 2, 3], index=[0, 1, 3])}, "without a gap"),
        ({"ages": pd.Series([1, -2, 3, 4])}, "ages: 1 value is not 0 or more, the first -2.0 at age 1"),
        ({"ages": pd.Series([1, None, 3, 4])}, "the first nan at age 1"),
        ({"survival": pd.Series([1.0, 1.1, 1, 1])}, "survival: 1 value is not 0 to 1"),
        ({"survival": pd.Series([1.0, 1.0])}, 'lacking "2", "3"'),
        ({"births": 5}, "newborn: give the share"),
        ({"births": 5, "newborn": 1.01}, "give a share, 0 to 1"),
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
    with pytest.raises(ProblemError, match="deaths: 1 value is not 0 to 1"):
        life_table(pd.Series([0.1, 12.0]), remaining=5)
    with pytest.raises(ProblemError, match="remaining is 0"):
        life_table(pd.Series([0.1, 0.2]), remaining=0)
    people = cohort_forecast(pd.Series([1, 2, 3]), from_year=2021, to_year=2021, survival=pd.Series([1.0, 1, 1]))
    for band in ((0, 3), (2, 2), (3, None), (-1, 1)):
        with pytest.raises(ProblemError, match="the open age, which is one"):
            age_bands(people, {"x": band})


def test_years_come_before_areas() -> None:
    ages = pd.DataFrame({"D2": [1, 2, 3], "D1": [4, 5, 6]})
    people = cohort_forecast(
        ages, from_year=2021, to_year=2022, survival=pd.Series([1.0, 1, 1]),
        births=pd.DataFrame({"D1": [7], "D2": [7]}, index=[2022]), newborn=1,
    )  # fmt: skip
    bands = age_bands(people, {"young": (0, 1)})
    assert bands.index.tolist() == [(2021, "D2"), (2021, "D1"), (2022, "D2"), (2022, "D1")]
    assert bands.columns.tolist() == ["young", "population"]
    assert bands["population"].tolist() == [6, 15, 13, 22]


def test_no_band_takes_the_name_of_all_ages() -> None:
    ages = pd.DataFrame({"D1": [1, 2, 3]}, index=pd.MultiIndex.from_product([[2025], [0, 1, 2]]))
    with pytest.raises(ProblemError, match='"population" is the column of all ages'):
        age_bands(ages, {"population": (1, None)})
