"""The frozen table of who reaches what."""

from __future__ import annotations

import copy
import dataclasses
import math
import pickle
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from siting.errors import ProblemError
from siting.measure import Reach


def table(*rows: tuple[Any, Any, Any]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["origin", "destination", "cost"])


def reach(*rows: tuple[Any, Any, float], limit: float = 500, unit: Any = "m") -> Reach:
    return Reach.from_pairs(table(*rows), origins=["a", "b", "c"], destinations=["x", "y", "z"], limit=limit, unit=unit)


@pytest.fixture
def three() -> Reach:
    """`a` is at `y`, has `x` and `z` equally far; `b` has `x` on the limit; `c` has nothing."""
    return reach(("b", "x", 500.0), ("a", "z", 200.0), ("a", "x", 200.0), ("a", "y", 0.0))


def test_pairs_are_ordered(three: Reach) -> None:
    assert three.pairs().to_numpy().tolist() == [
        ["a", "y", 0.0],
        ["a", "x", 200.0],
        ["a", "z", 200.0],
        ["b", "x", 500.0],
    ]
    assert len(three) == 4
    assert repr(three) == "<Reach: 3 origins × 3 destinations, 4 pairs within 500 m>"


def test_repr_of_one() -> None:
    one = Reach.from_pairs(table(("a", "x", 1.0)), origins=["a"], destinations=["x"], limit=15, unit="min")
    assert repr(one) == "<Reach: 1 origin × 1 destination, 1 pair within 15 min>"


@pytest.mark.parametrize("name", ["cost", "limit", "origins", "unit"])
def test_it_is_frozen(three: Reach, name: str) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(three, name, None)


def test_its_figures_in_a_notebook(three: Reach) -> None:
    """`a` is at `y` and `b` 500 m from `x`: 250 m on average; `c` reaches nothing."""
    shown = three._repr_html_()
    assert "<strong>可达关系 Reach</strong>" in shown
    figures = dict(re.findall(r"<th[^>]*>[^a-z<]*([a-z, :]+)</th><td[^>]*>([^<]*)</td>", shown))
    assert figures == {
        "origins": "3",
        "destinations": "3",
        "pairs": "4",
        "within": "500 米 m",
        "origins that reach one": "2 / 3 (66.7 %)",
        "to the nearest: mean, most": "250.0, 500.0 米 m",
        "measured": "table",
    }


def test_a_reach_of_the_nearest_in_a_notebook(three: Reach) -> None:
    shown = dataclasses.replace(three, nearest_only=2, limit=math.inf)._repr_html_()
    assert "the nearest only</th>" in shown
    assert ">2</td>" in shown
    assert "within" not in shown


def test_limits_below_one() -> None:
    short = reach(("a", "x", 0.4), ("b", "y", 0.5), limit=0.5, unit="min")
    assert short.rows(pd.Series({"a": 0.3, "b": 0.5, "c": 0.0})).pairs()["origin"].tolist() == ["b"]


def test_a_reach_of_nothing_in_a_notebook() -> None:
    nothing = Reach.from_pairs(table(), origins=[], destinations=["x"], limit=math.inf)
    shown = nothing._repr_html_()
    assert "0 / 0 (—)" in shown
    assert "within" not in shown
    assert "to the nearest" not in shown


def test_within(three: Reach) -> None:
    near = three.within(200)
    assert near.limit == 200
    assert near.pairs()["cost"].tolist() == [0.0, 200.0, 200.0]
    assert three.within(199.999).pairs()["cost"].tolist() == [0.0]
    assert three.within(0).pairs()["destination"].tolist() == ["y"]
    assert len(three.within(500)) == len(three) == 4
    assert three.limit == 500


@pytest.mark.parametrize("limit", [500.001, 1000, math.inf])
def test_what_was_not_searched_is_not_known(three: Reach, limit: float) -> None:
    with pytest.raises(ProblemError, match="above the 500 m that was searched"):
        three.within(limit)
    with pytest.raises(ProblemError, match="above"):
        three.rows(pd.Series({"a": 100, "b": limit, "c": 100}))


@pytest.mark.parametrize("limit", [-1, math.nan])
def test_limits_are_numbers(three: Reach, limit: float) -> None:
    with pytest.raises(ProblemError, match="give m of 0 or more"):
        three.within(limit)
    with pytest.raises(ProblemError, match='negative or not numbers for "b"'):
        three.rows(pd.Series({"a": 100, "b": limit, "c": 100}))
    with pytest.raises(ProblemError, match="limit is"):
        reach(("a", "x", 1.0), limit=limit)


def test_a_limit_for_each_origin(three: Reach) -> None:
    own = three.rows(pd.Series({"c": 500, "b": 499, "a": 200}))  # in any order
    assert own.pairs()["destination"].tolist() == ["y", "x", "z"]
    assert own.limit == 500
    own = three.rows(pd.Series({"a": 0, "b": 500, "c": 0, "else": 9999}).drop("else"))
    assert own.pairs().to_numpy().tolist() == [["a", "y", 0.0], ["b", "x", 500.0]]
    with pytest.raises(ProblemError, match='no value for 1 origin: "c"'):
        three.rows(pd.Series({"a": 1, "b": 2}))
    with pytest.raises(ProblemError, match='ids occur twice: "a"'):
        three.rows(pd.Series([1, 2, 3, 4], index=["a", "b", "c", "a"]))
    with pytest.raises(ProblemError, match='not numbers for "b"'):
        three.rows(pd.Series({"a": 1, "b": "far", "c": 2}))


def test_select(three: Reach) -> None:
    kept = three.select(["z", "y"])
    assert kept.destinations.tolist() == ["y", "z"]  # in their own order
    assert kept.pairs().to_numpy().tolist() == [["a", "y", 0.0], ["a", "z", 200.0]]
    assert kept.origins.tolist() == ["a", "b", "c"]
    assert kept.matrix().shape == (3, 2)
    assert len(three.select([])) == 0
    with pytest.raises(ProblemError, match='not among the destinations: "q"'):
        three.select(["x", "q"])
    with pytest.raises(ProblemError, match="occur twice"):
        three.select(["x", "x"])


def test_nearest(three: Reach) -> None:
    assert three.nearest().to_numpy().tolist() == [["a", 1, "y", 0.0], ["b", 1, "x", 500.0]]
    assert three.nearest(2).to_numpy().tolist() == [["a", 1, "y", 0.0], ["a", 2, "x", 200.0], ["b", 1, "x", 500.0]]
    assert list(three.nearest(9).columns) == ["origin", "rank", "destination", "cost"]
    assert len(three.nearest(9)) == 4
    with pytest.raises(ProblemError, match="ask for a whole number, 1 or more"):
        three.nearest(0)


def test_only_the_nearest_are_known(three: Reach) -> None:
    known = dataclasses.replace(three, nearest_only=2, limit=math.inf)
    assert len(known.nearest(2)) == 3
    with pytest.raises(ProblemError, match="only the 2 nearest are known, not 3"):
        known.nearest(3)
    with pytest.raises(ProblemError, match="travel again"):
        known.select(["x"])
    assert known.within(200).nearest_only == 2
    assert repr(known.within(200)) == "<Reach: 3 origins × 3 destinations, 3 pairs the 2 nearest within 200 m>"


def test_matrix(three: Reach) -> None:
    matrix = three.matrix()
    assert matrix.shape == (3, 3)
    assert matrix.nnz == 4  # the pair at cost 0 is stored
    assert matrix.toarray().tolist() == [[200.0, 0.0, 200.0], [500.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    coo = matrix.tocoo()
    assert (0, 1, 0.0) in set(zip(coo.row.tolist(), coo.col.tolist(), coo.data.tolist(), strict=True))
    matrix.data[:] = -1
    matrix.indices[:] = 0
    assert three.cost.min() == 0  # the matrix is a copy
    assert three.pairs()["destination"].tolist() == ["y", "x", "z", "x"]


def test_from_pairs_leaves_out_what_is_beyond() -> None:
    assert reach(("a", "x", 500.0), ("a", "y", 500.001)).pairs()["destination"].tolist() == ["x"]
    empty = reach()
    assert len(empty) == 0
    assert empty.nearest().empty
    assert empty.matrix().nnz == 0


def test_from_pairs_takes_numbers_as_ids_and_other_columns() -> None:
    frame = table((10, 1, 3), (20, 1, 4)).assign(note="x")
    before = frame.copy()
    found = Reach.from_pairs(frame, origins=[20, 10], destinations=[1], limit=10)
    assert found.pairs().to_numpy().tolist() == [[20.0, 1.0, 4.0], [10.0, 1.0, 3.0]]
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize("cost", [-1.0, math.nan, math.inf, None, "far", pd.NA])
def test_from_pairs_refuses_costs(cost: Any) -> None:
    with pytest.raises(ProblemError, match='1 pair, at rows "1"; leave a pair out that has no path'):
        reach(("a", "x", 1.0), ("b", "x", cost))


@pytest.mark.parametrize(
    ("costs", "fault"),
    [
        ([-1.0], "negative"),
        ([math.inf], "infinite"),
        ([-math.inf], "negative"),
        (["far"], "not a number"),
        ([math.nan, -1.0, math.inf], "negative or infinite or not a number"),
    ],
)
def test_from_pairs_names_the_fault_of_a_cost(costs: list[Any], fault: str) -> None:
    pairs = f"{len(costs)} pair{'s' * (len(costs) > 1)}"
    with pytest.raises(ProblemError, match=f"^cost is {fault} in {pairs}, at rows "):
        reach(*((origin, "x", cost) for origin, cost in zip("abc", costs, strict=False)))


def test_from_matrix_names_the_ends_of_a_negative_cost() -> None:
    costs = pd.DataFrame({"x": [0.0, -2.0, 5.0], "y": [np.inf, 1.0, -np.inf]}, index=["a", "b", "c"])
    with pytest.raises(ProblemError, match=r'^cost is negative in 2 pairs: "b to x", "c to y"; where there is no path'):
        Reach.from_matrix(costs)
    with pytest.raises(ProblemError, match=r'^cost is negative in 1 pair: "b to x"; '):
        Reach.from_matrix([[0, 1], [-1, 2]], origins=["a", "b"], destinations=["x", "y"])
    # infinity is no path, as a missing cost is
    assert Reach.from_matrix(costs.clip(lower=0.0)).pairs()["cost"].tolist() == [0.0, 0.0, 1.0, 0.0, 5.0]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("q", "x", 1.0)], 'origin ids that are not listed: "q"'),
        ([("a", "q", 1.0)], 'destination ids that are not listed: "q"'),
        ([(None, "x", 1.0)], "origin ids that are not listed"),
        ([("a", "x", 1.0), ("a", "x", 2.0)], 'pairs occur twice in the travel table, at rows "1"'),
    ],
)
def test_from_pairs_refuses_pairs(rows: list[Any], message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        reach(*rows)


def test_from_pairs_refuses_tables() -> None:
    with pytest.raises(ProblemError, match='no column "cost", "destination"'):
        Reach.from_pairs(pd.DataFrame({"origin": ["a"]}), origins=["a"], destinations=["x"], limit=1)
    with pytest.raises(ProblemError, match='choose "m" or "min"'):
        reach(unit="km")
    for which in ("origins", "destinations"):
        ids = {"origins": ["a"], "destinations": ["x"]} | {which: ["a", "x", "a"]}
        with pytest.raises(ProblemError, match=f'{which}: ids occur twice: "a"'):
            Reach.from_pairs(table(), **ids, limit=1)


Rows = some.dictionaries(
    some.tuples(some.sampled_from("abc"), some.sampled_from("xyz")), some.sampled_from([0.0, 1.0, 2.5, 7.0, 9.0])
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(Rows, some.integers(1, 4), some.sampled_from([0.0, 1.0, 2.0, 2.5, 8.0, 9.0]))
def test_it_tells_what_it_was_given(rows: dict[tuple[str, str], float], k: int, limit: float) -> None:
    whole = reach(*((o, d, c) for (o, d), c in rows.items()), limit=9)
    assert {(o, d): c for o, d, c in whole.pairs().to_numpy()} == rows
    assert {(o, d) for o, d, _ in whole.within(limit).pairs().to_numpy()} == {p for p, c in rows.items() if c <= limit}
    for origin, found in whole.nearest(k).groupby("origin"):
        ranked = sorted((c, d) for (o, d), c in rows.items() if o == origin)[:k]
        assert list(zip(found["cost"], found["destination"], strict=True)) == ranked
        assert found["rank"].tolist() == list(range(1, len(ranked) + 1))
    dense = np.zeros((3, 3))
    for (o, d), c in rows.items():
        dense["abc".index(o), "xyz".index(d)] = c
    np.testing.assert_array_equal(whole.matrix().toarray(), dense)
    assert whole.matrix().nnz == len(rows)


def test_its_arrays_cannot_be_written(three: Reach) -> None:
    """Also after a pair is chosen, a file is loaded, or one is copied; the arrays that it was made of stay open."""
    cost, at = np.array([1.0, 2.0]), np.array([0, 1], np.int32)
    made = Reach(three.origins, three.destinations, at, at, cost, 5.0, "m")
    loaded = pickle.loads(pickle.dumps(three))
    for one in (three, made, loaded, copy.deepcopy(three), three.within(200), three.select(["x"])):
        for name in ("origin", "destination", "cost"):
            with pytest.raises(ValueError, match="read-only"):
                getattr(one, name)[0] = 0
    assert loaded.pairs().equals(three.pairs())
    cost[0] = 3.0
    assert made.cost.base is cost, "a large reach is not copied"
    three.matrix().data[0] = 7.0
    assert three.cost[0] == 0.0


def test_a_table_of_pairs_stays_the_users() -> None:
    frame = table(("a", "x", 1.0))
    reach = Reach.from_pairs(frame, origins=["a"], destinations=["x"], limit=5)
    frame.loc[0, "cost"] = 2.0
    assert reach.cost.tolist() == [1.0]
