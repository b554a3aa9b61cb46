"""What a verdict can be, and how verdicts are counted."""

from __future__ import annotations

import pandas as pd
import pytest

import siting as st
from siting.judge.statuses import GROUPS, STATUSES, counts_of, group_of, groups_to_show, judged_first, members_of
from siting.labels import known


def test_three_that_say_nothing_are_one_group() -> None:
    assert members_of("n/a") == ("no_data", "no_number", "not_applicable")
    assert {group_of(one) for one in STATUSES} == set(GROUPS)
    assert members_of("part") == ("part",)
    with pytest.raises(st.SitingError, match=r'status is "good"; choose one of met, part, .*n/a'):
        members_of("good")


def test_a_rule_is_as_the_worst_of_its_readings() -> None:
    rows = pd.DataFrame({"rule": [*"aabbccdde"], "status": ["met", "short", "part", "met", "ahead", "part", "no_data",
                                                           "ahead", "shown"]})  # fmt: skip
    assert counts_of(rows).to_dict() == {"met": 0, "part": 1, "short": 1, "ahead": 1, "shown": 1, "n/a": 1}


def test_each_has_words_in_both_languages() -> None:
    assert all(known(f"status.{one}") for one in (*STATUSES, *GROUPS))


def test_what_is_short_is_read_first_and_the_readings_of_a_rule_together() -> None:
    rows = pd.DataFrame({"rule": ["a", "b", "c", "c"], "status": ["met", "no_data", "met", "short"]})
    assert [part["rule"].tolist() for part in judged_first(rows)] == [["c", "c", "a"], ["b"]]
    of_areas = rows.assign(area=["x", "x", "x", "y"])
    assert [part.index.tolist() for part in judged_first(of_areas)] == [[3, 0, 2], [1]]  # apart in each area


def test_groups_without_a_rule_are_not_shown_but_for_three() -> None:
    assert groups_to_show(pd.Series({"met": 0, "part": 2})) == ["met", "part", "short", "n/a"]
    assert groups_to_show(pd.Series({"ahead": 1}), always=()) == ["ahead"]
