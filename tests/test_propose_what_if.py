"""Sites opened and closed by hand: a town counted by hand, and every state against `coverage` anew."""

from __future__ import annotations

import dataclasses
import math
import pickle
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import siting as st
from siting.propose.questions.site_weights import BLOCK
from siting.propose.questions.what_if import WhatIf

PEOPLE = pd.DataFrame({"infants": [10, 5, 8, 2], "elderly": [0, 30, 10, 0]}, index=list("abcd"))


@pytest.fixture
def reach(reach_of: Callable[..., st.Reach]) -> st.Reach:
    return reach_of({"x": "ab", "y": "bc", "z": "c"}, "abcd")


@pytest.fixture
def what(reach: st.Reach) -> WhatIf:
    return WhatIf(reach, PEOPLE, open=["x"])


def test_a_town_by_hand(what: WhatIf) -> None:
    assert (what.sites, what.share) == (("x",), 15 / 25)
    assert what.shares.to_dict() == {"infants": 0.6, "elderly": 0.75}
    assert what.covered.to_dict() == {"a": True, "b": True, "c": False, "d": False}
    assert what.reached_by.to_dict() == {"a": 1, "b": 1, "c": 0, "d": 0}
    what.open("y")
    assert (what.sites, what.share) == (("x", "y"), 23 / 25)
    assert what.reached_by.to_dict() == {"a": 1, "b": 2, "c": 1, "d": 0}
    what.close("x")
    assert (what.sites, what.share) == (("y",), 13 / 25)
    assert what.shares.to_dict() == {"infants": 0.52, "elderly": 1.0}


def test_the_table_is_that_of_coverage(what: WhatIf, reach: st.Reach) -> None:
    assert what.table.loc[("all", "infants")].tolist() == [25, 15, 0.6, 4, 2, 0.5]
    assert what.table.loc[("all", "elderly")].tolist() == [40, 30, 0.75, 4, 2, 0.5]
    pd.testing.assert_frame_equal(what.table, st.coverage(reach.select(["x"]), PEOPLE))


def test_groups(what: WhatIf, reach: st.Reach) -> None:
    district = pd.Series({"d": "east", "c": "east", "b": "west", "a": "west"})
    found = what.by(district)
    assert found.loc[("east", "infants"), ["total", "covered"]].tolist() == [10, 0]
    pd.testing.assert_frame_equal(found, st.coverage(reach.select(["x"]), PEOPLE, district))
    with pytest.raises(st.errors.ProblemError, match='no value for 1 origin: "d"'):
        what.by(district.drop("d"))


def test_what_a_step_would_do(what: WhatIf) -> None:
    assert (what.gain("y"), what.gain("z"), what.gain("z", "y")) == (8, 8, 8)
    assert (what.gain("y", weight="elderly"), what.loss("x"), what.loss("x", weight="elderly")) == (10, 15, 30)
    what.open("y")
    assert (what.loss("x"), what.loss("y"), what.loss("x", "y")) == (10, 8, 23)  # b loses both, or none
    assert len(what.history) == 2  # asking is no step


def test_the_best_and_the_spare(what: WhatIf) -> None:
    best = what.best()
    assert best.to_dict("index") == {"y": {"infants": 8.0, "elderly": 10.0}, "z": {"infants": 8.0, "elderly": 10.0}}
    assert (best.index.tolist(), best.index.name, what.best(1).index.tolist()) == (["y", "z"], "site", ["y"])
    what.close("x")
    assert what.best()["infants"].to_dict() == {"x": 15, "y": 13, "z": 8}
    assert what.best(weight="elderly")["elderly"].to_dict() == {"y": 40, "x": 30, "z": 10}
    assert what.best(weight="elderly").index[0] == "y"
    assert what.spare().empty
    what.open("x", "y", "z")
    assert what.best().empty
    assert what.spare()["infants"].to_dict() == {"y": 0, "z": 0, "x": 10}
    assert what.spare(2).index.tolist() == ["y", "z"]


def test_undo_redo_and_reset(what: WhatIf) -> None:
    what.close("x").open("z", "y")
    assert what.sites == ("y", "z")
    assert what.undo().sites == ()
    assert what.undo().sites == ("x",)
    assert what.redo().redo().sites == ("y", "z")
    what.undo().open("x")
    with pytest.raises(st.errors.ProblemError, match="no step to redo"):
        what.redo()
    assert what.reset().sites == ("x",)
    assert what.table.loc[("all", "infants"), "covered"] == 15
    with pytest.raises(st.errors.ProblemError, match="no step to undo"):
        what.undo()


def test_the_history_tells_the_steps_in_force(what: WhatIf) -> None:
    what.open("z").close("x").undo().open("y")
    assert what.history.index.name == "step"
    assert what.history.to_dict("list") == {
        "action": ["start", "open", "open"],
        "sites": [("x",), ("z",), ("y",)],
        "open": [1, 2, 3],
        "covered": [15, 23, 23],
        "share": [0.6, 0.92, 0.92],
    }


def test_a_copy_goes_its_own_way(what: WhatIf) -> None:
    what.open("y")
    other = what.copy()
    other.undo().close("x")
    assert (what.sites, what.share, len(what.history)) == (("x", "y"), 0.92, 2)
    assert (other.sites, other.share) == ((), 0)
    same = pickle.loads(pickle.dumps(what))
    assert same.undo().sites == ("x",)


def test_nothing_given_is_changed(reach: st.Reach) -> None:
    people, before = PEOPLE.copy(), reach.pairs()
    what = WhatIf(reach, people, open=pd.Index(["x"])).open("y")
    counts = what.reached_by
    counts[:] = 9
    assert what.close("x", "y").reached_by.to_dict() == dict.fromkeys("abcd", 0)
    pd.testing.assert_frame_equal(people, PEOPLE)
    pd.testing.assert_frame_equal(reach.pairs(), before)


def test_it_tells_what_it_is(what: WhatIf, reach: st.Reach) -> None:
    assert repr(what) == "<WhatIf: 1 of 3 sites open, 60.0 % of infants covered>"
    nobody = WhatIf(reach.select(["z"]), pd.Series(0, index=list("abcd")))
    assert repr(nobody) == "<WhatIf: 0 of 1 site open, n/a of demand covered>"
    assert math.isnan(nobody.open("z").share)
    assert nobody.table.loc[("all", "demand"), "communities_covered"] == 1


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (lambda w: w.open("q"), 'not among the destinations: "q"$'),
        (lambda w: w.open(["y", "z"]), r"open\(\*ids\)"),
        (lambda w: w.open(slice(0, 2)), "not among the destinations"),
        (lambda w: w.open("x"), 'open already: "x"'),
        (lambda w: w.gain("x"), 'open already: "x"'),
        (lambda w: w.open("z", "x"), 'open already: "x"'),
        (lambda w: w.open("z", "z"), 'twice: "z"'),
        (lambda w: w.open(), "at least one id"),
        (lambda w: w.close("y"), 'not open: "y"'),
        (lambda w: w.close("x", "y"), 'not open: "y"'),
        (lambda w: w.loss("y", "z"), 'not open: "y", "z"'),
        (lambda w: w.close("a"), 'not among the destinations: "a"'),
        (lambda w: w.gain("y", weight="cats"), 'weight is "cats"; choose one of infants, elderly'),
        (lambda w: w.best(weight="cats"), 'weight is "cats"'),
        (lambda w: w.best(0), "n is .*; ask for a whole number, 1 or more"),
        (lambda w: w.spare(-1), "n is .*; ask for a whole number, 1 or more"),
    ],
)
def test_a_step_that_cannot_be_done_changes_nothing(what: WhatIf, step: Callable[[WhatIf], object], words: str) -> None:
    before = what.table
    with pytest.raises(st.errors.ProblemError, match=words):
        step(what)
    assert (what.sites, len(what.history)) == (("x",), 1)
    pd.testing.assert_frame_equal(what.table, before)


def test_what_it_cannot_start_from(reach: st.Reach, what: WhatIf) -> None:
    people = PEOPLE["infants"]
    for bad, words in (
        ("x", 'open is "x"; give a list'),
        (7, "open is 7; give a list"),
        (["x", "q"], 'not among the destinations: "q"'),
        (["x", "x"], 'twice: "x"'),
    ):
        with pytest.raises(st.errors.ProblemError, match=words):
            WhatIf(reach, people, open=bad)
    with pytest.raises(st.errors.ProblemError, match='"infants" is negative or not a number'):
        WhatIf(reach, people.where(people > 2))
    with pytest.raises(st.errors.ProblemError, match="no column"):
        WhatIf(reach, PEOPLE[[]])
    with pytest.raises(st.errors.ProblemError, match='"demand" is 9,007,199'):
        WhatIf(reach, pd.Series(1e308, index=list("abcd")))
    with pytest.raises(st.errors.ProblemError, match="give a Reach"):
        WhatIf(what, people)


def test_the_nearest_alone_will_not_do(reach: st.Reach) -> None:
    with pytest.raises(st.errors.ProblemError, match="reach holds the nearest only, not all pairs"):
        WhatIf(dataclasses.replace(reach, nearest_only=1), PEOPLE)


def test_a_smaller_limit_comes_from_the_reach(reach_of: Callable[..., st.Reach]) -> None:
    table = pd.DataFrame({"origin": list("ab"), "destination": list("xx"), "cost": [100.0, 300.0]})
    reach = st.Reach.from_pairs(table, origins=list("ab"), destinations=["x"], limit=300)
    people = pd.Series({"a": 1, "b": 3})
    assert WhatIf(reach, people, open=["x"]).share == 1  # exactly at the limit is within it
    assert WhatIf(reach.within(299), people, open=["x"]).share == 0.25
    assert WhatIf(reach.rows(pd.Series({"a": 50, "b": 300})), people, open=["x"]).share == 0.75


def test_without_pairs_or_sites() -> None:
    nothing = pd.DataFrame({"origin": [], "destination": [], "cost": []})
    people = pd.Series({"a": 1})
    off = WhatIf(st.Reach.from_pairs(nothing, origins=["a"], destinations=["x"], limit=1), people)
    assert (off.gain("x"), off.open("x").share, off.loss("x"), off.spare()["demand"].tolist()) == (0, 0, 0, [0])
    none = WhatIf(st.Reach.from_pairs(nothing, origins=["a"], destinations=[], limit=1), people)
    assert (none.share, none.sites, none.best().empty) == (0, (), True)


@pytest.mark.slow
@pytest.mark.parametrize("unit", [1, 0.1, 1 / 3, 1e-300, 1e10])
def test_nothing_drifts(unit: float) -> None:
    """After thousands of steps the numbers are those of the first time, to the last bit, and those of `coverage`."""
    dice = np.random.default_rng(7)
    n, m = 300, 40
    i, j = np.nonzero(dice.random((n, m)) < 0.05)
    table = pd.DataFrame({"origin": i, "destination": j, "cost": 1.0})
    reach = st.Reach.from_pairs(table, origins=range(n), destinations=range(m), limit=1)
    people = pd.Series(dice.integers(0, 1000, n) * unit * np.where(np.arange(n) % 7, 1, 1e-6 if unit == 0.1 else 1))
    what = WhatIf(reach, people, open=range(0, m, 2))
    first = what.table
    for step in range(4000):
        site = int(dice.integers(m))
        (what.close if site in what.sites else what.open)(site)
        if step % 500 == 0:
            anew = WhatIf(reach, people, open=what.sites)
            assert anew.table.equals(what.table)
            close_to(what.table, st.coverage(reach.select(what.sites), people), exact=unit in (1, 1e10))
    for _ in range(4000):
        what.undo()
    assert what.table.equals(first)


def test_many_pairs_are_added_up_in_blocks() -> None:
    """Three sites with more pairs together than one block, and sites with none before, between and after them."""
    n = BLOCK // 2 + 5
    far, near = np.arange(n, dtype=np.int32), np.array([1, 2, 4], np.int32)
    reach = st.Reach(
        pd.RangeIndex(n), pd.Index(list("uvwxyz")), np.repeat(far, 3), np.tile(near, n), np.zeros(3 * n), 1.0, "m"
    )
    what = WhatIf(reach, pd.Series(2, index=range(n)))
    assert what.best(9)["demand"].to_dict() == {"v": 2 * n, "w": 2 * n, "y": 2 * n, "u": 0, "x": 0, "z": 0}
    assert what.open("w").best(9)["demand"].tolist() == [0] * 5
    assert what.spare()["demand"].tolist() == [2 * n]


def close_to(found: pd.DataFrame, expected: pd.DataFrame, *, exact: bool) -> None:
    """Whole numbers are equal to the bit; of others the sums are right to 1e-12 of the total."""
    if exact:
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
        return
    total = expected["total"].to_numpy()
    assert found.index.equals(expected.index)
    assert found.columns.equals(expected.columns)
    assert (abs(found["total"] - expected["total"]) <= 1e-12 * total).all()
    assert (abs(found["covered"] - expected["covered"]) <= 1e-12 * total).all()
    np.testing.assert_allclose(found["share"], expected["share"], rtol=0, atol=1e-12)
    counts = ["communities", "communities_covered", "communities_share"]
    pd.testing.assert_frame_equal(found[counts], expected[counts], check_exact=True)


class Steps(RuleBasedStateMachine):
    """Any steps in any order; a plain set of open sites and `coverage` anew tell what is right."""

    @initialize(data=some.data())
    def town(self, data: some.DataObject) -> None:
        n, m = data.draw(some.integers(1, 8)), data.draw(some.integers(1, 6))
        masks = data.draw(some.lists(some.integers(0, 2**m - 1), min_size=n, max_size=n))
        self.cover = np.array([[bool(mask >> j & 1) for j in range(m)] for mask in masks])
        self.unit = data.draw(some.sampled_from([1, 0.1, 1000]))
        count = data.draw(some.integers(1, 3))
        draws = some.lists(some.lists(some.integers(0, 9), min_size=n, max_size=n), min_size=count, max_size=count)
        people = self.unit * np.array(data.draw(draws), float).T
        self.people = pd.DataFrame(people, columns=[f"w{k}" for k in range(count)], index=[f"c{i}" for i in range(n)])
        self.names = [f"s{j}" for j in range(m)]
        i, j = np.nonzero(self.cover)
        table = pd.DataFrame({"origin": self.people.index[i], "destination": np.array(self.names)[j], "cost": 1.0})
        self.reach = st.Reach.from_pairs(table, origins=self.people.index, destinations=self.names, limit=1)
        self.first = data.draw(some.sets(some.sampled_from(self.names)))
        self.what = WhatIf(self.reach, self.people, open=self.first)
        self.done, self.undone = [set(self.first)], []

    @property
    def open(self) -> set[str]:
        return self.done[-1]

    def to(self, state: set[str]) -> None:
        self.done.append(state)
        self.undone = []

    def draw(self, data: some.DataObject, names: set[str]) -> list[str]:
        return data.draw(some.lists(some.sampled_from(sorted(names)), min_size=1, unique=True))

    @precondition(lambda self: len(self.open) < len(self.names))
    @rule(data=some.data())
    def opens(self, data: some.DataObject) -> None:
        sites = self.draw(data, set(self.names) - self.open)
        gain = self.value(self.open | set(sites)) - self.value(self.open)
        assert self.what.gain(*sites) == pytest.approx(gain, abs=1e-9)
        self.what.open(*sites)
        self.to(self.open | set(sites))

    @precondition(lambda self: self.open)
    @rule(data=some.data())
    def closes(self, data: some.DataObject) -> None:
        sites = self.draw(data, self.open)
        loss = self.value(self.open) - self.value(self.open - set(sites))
        assert self.what.loss(*sites) == pytest.approx(loss, abs=1e-9)
        self.what.close(*sites)
        self.to(self.open - set(sites))

    @precondition(lambda self: len(self.done) > 1)
    @rule()
    def undoes(self) -> None:
        self.what.undo()
        self.undone.append(self.done.pop())

    @precondition(lambda self: self.undone)
    @rule()
    def redoes(self) -> None:
        self.what.redo()
        self.done.append(self.undone.pop())

    @rule()
    def resets(self) -> None:
        self.what.reset()
        self.done, self.undone = [set(self.first)], []

    @rule()
    def copies(self) -> None:
        old, self.what = self.what, self.what.copy()
        for _ in old.sites:
            old.close(old.sites[0])

    def value(self, sites: set[str]) -> float:
        held = self.cover[:, [name in sites for name in self.names]].any(axis=1)
        return float(self.people["w0"].to_numpy()[held].sum())

    @invariant()
    def equals_coverage_anew(self) -> None:
        anew = st.coverage(self.reach.select(self.open), self.people)
        close_to(self.what.table, anew, exact=self.unit != 0.1)
        np.testing.assert_allclose(self.what.shares, anew["share"], rtol=0, atol=1e-12)
        np.testing.assert_equal(self.what.share, self.what.table["share"].iloc[0])

    @invariant()
    def counts_are_right(self) -> None:
        is_open = [name in self.open for name in self.names]
        assert set(self.what.sites) == self.open
        assert self.what.reached_by.tolist() == self.cover[:, is_open].sum(axis=1).tolist()
        assert self.what.covered.tolist() == self.cover[:, is_open].any(axis=1).tolist()
        assert self.what.history["open"].tolist() == [len(state) for state in self.done]

    @invariant()
    def lists_are_right(self) -> None:
        now = self.value(self.open)
        gains = {s: self.value(self.open | {s}) - now for s in self.names if s not in self.open}
        losses = {s: now - self.value(self.open - {s}) for s in self.names if s in self.open}
        best, spare = self.what.best(9)["w0"], self.what.spare(9)["w0"]
        assert best.to_dict() == pytest.approx(gains, abs=1e-9)
        assert spare.to_dict() == pytest.approx(losses, abs=1e-9)
        assert best.is_monotonic_decreasing
        assert spare.is_monotonic_increasing


TestSteps = pytest.mark.slow(Steps.TestCase)
TestSteps.settings = settings(max_examples=25, stateful_step_count=12, deadline=None, derandomize=True)
