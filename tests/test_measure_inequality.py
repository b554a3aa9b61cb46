"""How evenly things are shared out: values by hand, people counted one by one, and what must not matter."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as some

from siting.errors import ProblemError
from siting.measure.inequality import gini, inequality, lorenz, palma, theil, town_and_country
from siting.measure.inequality_measures import weighted_median

Index = Callable[[pd.Series, pd.Series], float]
MEASURES: list[Index] = [gini, palma, theil]


def named(*values: float) -> pd.Series:
    return pd.Series(values, index=list("abcdefghijklmnop"[: len(values)]))


#: Communities with a value in tenths, a number of people, and one of three districts.
CROWD = some.lists(
    some.tuples(some.integers(0, 60).map(lambda n: n / 10), some.integers(0, 30), some.sampled_from("nsw")),
    min_size=1,
    max_size=10,
).filter(lambda rows: sum(n for _, n, _ in rows) > 0)


def frame(rows: list[tuple[float, int, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["value", "people", "by"]).rename(index=str)


def one_by_one(table: pd.DataFrame) -> np.ndarray:
    return np.sort(np.repeat(table["value"].to_numpy(float), table["people"]))


def same(a: float, b: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)


# By hand


@pytest.mark.parametrize(
    ("values", "people", "index"),
    [
        ([5, 5, 5], [1, 2, 3], 0),
        ([0, 4], [30, 10], 0.75),  # a quarter of the people have all
        ([1, 3], [1, 1], 0.25),  # the mean difference of two draws is 1, twice the mean 4
        ([1, 2, 3], [1, 1, 1], 2 / 9),  # (8 / 9) / 4
        ([0, 0, 7], [1, 1, 0], math.nan),
        ([1], [0], math.nan),
        ([0], [9], math.nan),
        ([7], [9], 0),
    ],
)
def test_gini_by_hand(values: list[float], people: list[float], index: float) -> None:
    assert gini(named(*values), named(*people)) == pytest.approx(index, nan_ok=True)


@pytest.mark.parametrize(
    ("values", "people", "ratio"),
    [
        ([5, 5, 5], [1, 2, 3], 0.25),  # a tenth over four tenths
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [1] * 10, 10 / (1 + 2 + 3 + 4)),
        ([1, 2], [80, 20], 20 / 40),  # 10 of the 20 with 2, 40 of the 80 with 1
        ([1, 11], [95, 5], (5 * 11 + 5 * 1) / 40),  # the tenth takes 5 people of the large community
        ([2, 1], [70, 30], 20 / (30 + 20)),  # the four tenths take 10 people of the community with more
        ([0, 3], [39, 61], 30 / 3),  # one person of the four tenths has something
        ([0, 3], [40, 60], math.nan),  # none has
        ([0, 3], [2, 3], math.nan),
        ([0], [5], math.nan),
        ([1], [0], math.nan),
    ],
)
def test_palma_by_hand(values: list[float], people: list[float], ratio: float) -> None:
    assert palma(named(*values), named(*people)) == pytest.approx(ratio, nan_ok=True)


@pytest.mark.parametrize(
    ("values", "people", "index"),
    [
        ([5, 5], [1, 2], 0),
        ([0, 2], [10, 10], math.log(2)),
        ([0, 0, 0, 8], [1, 1, 1, 1], math.log(4)),  # one has all: the logarithm of the number of people
        ([1, 3], [1, 1], 0.25 * math.log(0.5) + 0.75 * math.log(1.5)),
        ([0.1, 0.3], [1, 1], 0.25 * math.log(0.5) + 0.75 * math.log(1.5)),
        ([0], [4], math.nan),
        ([3], [0], math.nan),
    ],
)
def test_theil_by_hand(values: list[float], people: list[float], index: float) -> None:
    assert theil(named(*values), named(*people)) == pytest.approx(index, nan_ok=True)


def test_lorenz_by_hand() -> None:
    found = lorenz(named(4, 0, 1, 1, 9), named(10, 20, 30, 40, 0))
    assert found["people"].tolist() == pytest.approx([0, 0.2, 0.9, 1])  # those with 1 are one corner, `e` has nobody
    assert found["value"].tolist() == pytest.approx([0, 0, 70 / 110, 1])
    assert lorenz(named(1), named(0)).empty
    assert lorenz(named(0, 0), named(1, 1))["value"].isna().all()


@pytest.mark.parametrize(
    ("values", "weight", "median"),
    [
        ([3, 1], [1, 1], 2),
        ([3, 1], [1, 2], 1),
        ([3, 1, 2], [1, 1, 1], 2),
        ([1, math.inf], [1, 1], math.inf),
        ([1], [0], None),
    ],
)
def test_median_by_people(values: list[float], weight: list[float], median: float | None) -> None:
    found = weighted_median(np.array(values, float), np.array(weight, float))
    assert found == median if median is not None else math.isnan(found)


# Against people counted one by one


@pytest.mark.slow
@settings(deadline=None, max_examples=30)
@given(CROWD)
def test_everybody_one_by_one(rows: list[tuple[float, int, str]]) -> None:
    table = frame(rows)
    each = one_by_one(table)
    row = inequality(table["value"], table["people"]).loc["all"]
    assert row["people"] == len(each)
    assert row["mean"] == pytest.approx(each.mean())
    assert row["median"] == pytest.approx(np.median(each))
    assert (row["min"], row["max"]) == (each.min(), each.max())
    assert row["nothing"] == pytest.approx((each == 0).mean())
    assert row["covered"] == pytest.approx((each > 0).mean())
    if each.sum() == 0:
        assert row["reason"] == "nothing"
        assert row[["gini", "palma", "theil"]].isna().all()
        return
    difference = np.abs(each[:, None] - each).mean()
    assert row["gini"] == pytest.approx(difference / (2 * each.mean()))
    tenths = np.repeat(each, 10)  # ten parts of a person, so that every border falls between two
    n = len(each)
    least = tenths[: 4 * n].sum()
    assert same(row["palma"], tenths[9 * n :].sum() / least if least > 0 else math.nan)
    assert row["reason"] == (None if least > 0 else "bottom")
    ratio = each / each.mean()
    assert row["theil"] == pytest.approx(sum(r * math.log(r) for r in ratio if r > 0) / n, abs=1e-12)


@settings(deadline=None, max_examples=30)
@given(CROWD)
def test_gini_is_twice_the_area_above_the_lorenz_curve(rows: list[tuple[float, int, str]]) -> None:
    table = frame(rows)
    assume(one_by_one(table).sum() > 0)
    curve = lorenz(table["value"], table["people"])
    assert curve.iloc[[0, -1]].to_numpy().tolist() == [[0, 0], [1, 1]]
    assert (curve["value"] <= curve["people"] + 1e-12).all()
    area = np.trapezoid(curve["people"] - curve["value"], curve["people"])
    assert gini(table["value"], table["people"]) == pytest.approx(2 * area, abs=1e-12)


# What must not matter


@pytest.mark.slow
@pytest.mark.parametrize("index", MEASURES)
@settings(deadline=None, max_examples=30)
@given(rows=CROWD, factor=some.sampled_from([0.001, 0.5, 3.0, 1e6]), seed=some.randoms())
def test_units_order_and_borders_do_not_matter(
    index: Index, rows: list[tuple[float, int, str]], factor: float, seed: Any
) -> None:
    table = frame(rows)
    found = index(table["value"], table["people"])
    assert same(index(table["value"] * factor, table["people"]), found)
    assert same(index(table["value"], table["people"] * factor), found)
    order = list(table.index)
    seed.shuffle(order)
    assert same(index(table["value"].loc[order], table["people"]), found)
    merged = table.groupby("value")["people"].sum()  # communities whose people have the same
    assert same(index(pd.Series(merged.index, merged.index), merged), found)
    halves = pd.concat([table.assign(people=table["people"] / 2)] * 2, ignore_index=True)
    assert same(index(halves["value"], halves["people"]), found)


@pytest.mark.slow
@pytest.mark.parametrize("index", MEASURES)
@settings(deadline=None, max_examples=30)
@given(rows=CROWD)
def test_giving_from_more_to_less_evens_out(index: Index, rows: list[tuple[float, int, str]]) -> None:
    table = frame(rows).query("people > 0")
    low, high = table["value"].idxmin(), table["value"].idxmax()
    gift = (table["value"][high] - table["value"][low]) / 4 * table["people"].min()
    after = table["value"].copy()
    after[low] += gift / table["people"][low]
    after[high] -= gift / table["people"][high]
    before = index(table["value"], table["people"])
    then = index(after, table["people"])
    assert math.isnan(before) or then <= before + 1e-9


def test_nothing_is_changed() -> None:
    values, people, by = named(3, 0, 1), named(1, 2, 3), pd.Series(["s", "n", "s"], index=list("abc"))
    copies = values.copy(), people.copy(), by.copy()
    inequality(values, people, by)
    lorenz(values, people)
    town_and_country(values, people, by, country=["s"])
    for now, before in zip((values, people, by), copies, strict=True):
        pd.testing.assert_series_equal(now, before)


# Groups


def test_groups_by_hand() -> None:
    values, people = named(0, 2, 4, 4, 9), named(10, 10, 10, 10, 0)
    by = pd.Series(["n", "n", "s", "s", "w"], index=values.index)
    found = inequality(values, people, by)
    assert found.index.tolist() == ["n", "s", "w", "all"]
    assert found.index.name == "group"
    assert found["people"].tolist() == [20, 20, 0, 40]
    assert found["communities"].tolist() == [2, 2, 1, 5]
    assert found["mean"].tolist() == pytest.approx([1, 4, math.nan, 2.5], nan_ok=True)
    assert found["median"].tolist() == pytest.approx([1, 4, math.nan, 3], nan_ok=True)
    assert found["max"].tolist() == pytest.approx([2, 4, math.nan, 4], nan_ok=True)  # nobody has the 9
    assert found["nothing"].tolist() == pytest.approx([0.5, 0, math.nan, 0.25], nan_ok=True)
    assert found["gini"].tolist() == pytest.approx([0.5, 0, math.nan, 0.35], nan_ok=True)
    assert found["reason"].tolist() == ["bottom", None, "nobody", None]
    # Shares of all that people have: 0.2, 0.8, 0; of the people: 0.5, 0.5, 0.
    assert found["theil_within"].tolist() == pytest.approx([0.2 * math.log(2), 0, 0, 0.2 * math.log(2)])
    parts = [0.2 * math.log(0.4), 0.8 * math.log(1.6)]
    assert found["theil_between"].tolist() == pytest.approx([*parts, 0, sum(parts)])


@pytest.mark.slow
@settings(deadline=None, max_examples=30)
@given(CROWD)
def test_theil_within_and_between_are_the_whole(rows: list[tuple[float, int, str]]) -> None:
    table = frame(rows)
    found = inequality(table["value"], table["people"], table["by"])
    whole = found.loc["all"]
    assert same(whole["theil_within"] + whole["theil_between"], whole["theil"])
    assert whole["theil_between"] >= -1e-12 or math.isnan(whole["theil"])
    parts = found.drop("all")
    for name in ("theil_within", "theil_between"):
        assert same(parts[name].sum(skipna=False), whole[name])
    for group, mine in table.groupby("by"):
        alone = inequality(mine["value"], mine["people"]).loc["all"].drop(["theil_within", "theil_between"])
        pd.testing.assert_series_equal(
            found.loc[group].drop(["theil_within", "theil_between"]), alone, check_names=False
        )


def test_one_group_has_nothing_between() -> None:
    values, people = named(1, 3), named(1, 1)
    for by in (None, pd.Series("n", index=values.index), pd.Series("n", index=values.index, dtype="category")):
        whole = inequality(values, people, by).loc["all"]
        assert whole["theil_between"] == 0
        assert whole["theil_within"] == pytest.approx(whole["theil"])


# Ways, of which less is better


def test_ways_may_be_missing() -> None:
    ways, people = named(100, 300, 600, math.nan), named(40, 20, 20, 20)
    row = inequality(ways, people, limit=300).loc["all"]
    assert row["covered"] == 0.6  # the limit is inclusive
    assert row["nothing"] == 0.2
    assert row["people"] == 100
    assert row["mean"] == pytest.approx((40 * 100 + 20 * 300 + 20 * 600) / 80)
    assert row["median"] == 200
    assert row["max"] == 600
    assert row["gini"] == pytest.approx(gini(ways[:3], people[:3]))
    assert inequality(ways, people, limit=math.inf).loc["all", "covered"] == 0.8


def test_nobody_reaches_anything() -> None:
    found = inequality(named(math.nan, 50), named(10, 10), pd.Series({"a": "n", "b": "s"}), limit=100)
    assert found["reason"].tolist() == ["unreached", None, None]
    assert found["nothing"].tolist() == [1, 0, 0.5]
    assert math.isnan(found["mean"]["n"])
    assert found["theil_within"].tolist() == [0, 0, 0]


def test_who_lives_at_the_door_is_covered() -> None:
    row = inequality(named(0, 200), named(1, 1), limit=100).loc["all"]
    assert (row["covered"], row["nothing"]) == (0.5, 0)


def test_numbers_that_may_be_missing() -> None:
    ways = pd.Series([100, None], index=list("ab"), dtype="Int64")
    assert inequality(ways, named(1, 1), limit=100).loc["all", "nothing"] == 0.5


# Town and country


def test_town_and_country_by_hand() -> None:
    values, people = named(4, 2, 0, 6), named(50, 20, 20, 10)
    kind = pd.Series(["estate", "village", "village", "park"], index=values.index)
    found = town_and_country(values, people, kind)
    assert found.index.tolist() == ["town", "country", "all"]
    assert found.index.name == "group"
    assert town_and_country(values / 10, people, kind)["to_town"].tolist() == pytest.approx([1, 60 / 260, 180 / 260])
    assert found.columns[:4].tolist() == ["people", "communities", "mean", "to_town"]
    assert found["people"].tolist() == [60, 40, 100]
    assert found["mean"].tolist() == pytest.approx([260 / 60, 1, 3])
    assert found["to_town"].tolist() == pytest.approx([1, 60 / 260, 180 / 260])
    assert found["covered"].tolist() == [1, 0.5, 0.8]
    flag = kind == "village"
    pd.testing.assert_frame_equal(town_and_country(values, people, flag), found)
    both = town_and_country(values, people, kind, country=("village", "park"))
    assert both["people"].tolist() == [50, 50, 100]


def test_ways_in_town_and_country() -> None:
    found = town_and_country(
        named(200, 500, math.nan), named(1, 1, 1), pd.Series([False, True, True], list("abc")), limit=300
    )
    assert found["to_town"].tolist() == pytest.approx([1, 2.5, 1.75])
    assert found["covered"].tolist() == pytest.approx([1, 0, 1 / 3])
    assert found["nothing"].tolist() == pytest.approx([0, 0.5, 1 / 3])


def test_a_city_without_villages() -> None:
    found = town_and_country(named(1, 2), named(1, 1), pd.Series("estate", index=list("ab")))
    assert found["people"].tolist() == [2, 0, 2]
    assert found["communities"].tolist() == [2, 0, 2]
    assert found["reason"].tolist() == [None, "nobody", None]
    assert math.isnan(found["to_town"]["country"])


def test_nothing_in_town_gives_no_ratio() -> None:
    found = town_and_country(named(0, 2), named(1, 1), pd.Series([False, True], list("ab")))
    assert found["to_town"].isna().all()
    assert found["mean"].tolist() == [0, 2, 1]


# What is refused


@pytest.mark.parametrize("index", [*MEASURES, lorenz, inequality])
@pytest.mark.parametrize("wrong", [-1, math.nan, math.inf, None, "far"])
def test_values_that_are_none(index: Callable[..., Any], wrong: Any) -> None:
    values = named(1, 2).astype(object)
    values["b"] = wrong
    with pytest.raises(ProblemError, match='values is negative or not a number in 1 row: "b"'):
        index(values, named(1, 1))
    with pytest.raises(ProblemError, match=r'people ".*" is negative or not a number in 1 row: "b"'):
        index(named(1, 2), values)


def test_values_that_are_missing_are_explained() -> None:
    with pytest.raises(ProblemError, match="give 0 to who has nothing, or, where values are ways, a limit"):
        gini(named(1, math.nan), named(1, 1))


def test_ids_that_do_not_match() -> None:
    with pytest.raises(ProblemError, match='values has no row for 1 community: "b"'):
        gini(named(1), named(1, 1))
    with pytest.raises(ProblemError, match='people has no row for 1 community: "b"'):
        gini(named(1, 2), named(1))
    with pytest.raises(ProblemError, match='values: ids occur twice: "a"'):
        gini(pd.concat([named(1), named(2)]), named(1))
    with pytest.raises(ProblemError, match="give a Series"):
        gini([1, 2], named(1, 2))  # type: ignore[arg-type]
    with pytest.raises(ProblemError, match="people is a DataFrame; give a Series with a value for each id"):
        gini(named(1), pd.DataFrame({"x": [1], "y": [1]}, index=["a"]))  # type: ignore[arg-type]


def test_groups_that_are_none() -> None:
    with pytest.raises(ProblemError, match='no group for 1 community: "b"'):
        inequality(named(1, 2), named(1, 1), pd.Series({"a": "n", "b": None}))
    with pytest.raises(ProblemError, match='a group is called "all"'):
        inequality(named(1, 2), named(1, 1), pd.Series({"a": "n", "b": "all"}))
    with pytest.raises(ProblemError, match="limit is -1"):
        inequality(named(1), named(1), limit=-1)


def test_kinds_of_country_must_occur() -> None:
    values, people, kind = named(4, 2, 0), named(60, 20, 20), pd.Series(["estate", "village", "hamlet"], list("abc"))
    one = town_and_country(values, people, kind, country="village")
    assert one["people"].tolist() == [80, 20, 100]
    assert town_and_country(values, people, kind, country=["village", "hamlet"])["people"].tolist() == [60, 40, 100]
    for strange in ("村", ["village", "村"]):
        with pytest.raises(ProblemError, match='no community is of the kind "村"; there are "estate", "village"'):
            town_and_country(values, people, kind, country=strange)
    assert town_and_country(values, people, kind.replace("village", "x")).loc["country", "reason"] == "nobody"


def test_a_limit_of_nothing_covers_who_is_at_the_door() -> None:
    assert inequality(named(0, 5), named(3, 1), limit=0).loc["all", "covered"] == 0.75


def test_measures_of_nobody_are_missing_numbers() -> None:
    table = inequality(named(1, 2), named(0, 0))
    assert table.loc["all", "reason"] == "nobody"
    assert table["mean"].isna().all()
    assert table["mean"].dtype == float


def test_all_at_the_door() -> None:
    """Ways of 0 are the best there is: everybody is covered, and there is no ratio to form."""
    table = inequality(named(0, 0), named(1, 2), limit=500)
    assert table.loc["all", ["covered", "nothing", "reason"]].tolist() == [1, 0, "at_door"]
    assert table.attrs["limit"] == 500
    assert inequality(named(0, 0), named(1, 2)).loc["all", "reason"] == "nothing"
