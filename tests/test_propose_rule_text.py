"""Each rule and objective in words, from what it holds."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import siting as st
from siting.labels import known
from siting.propose.plan.rule_text import rule_words
from siting.propose.problem import OBJECTIVES, RULES, Part

SITES = pd.Series({"x": "D01", "y": "D02"}, name="district")
PLACES = pd.Series({"x": 5.0, "y": 7.0})


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (st.MaxCoverage(), "cover as many people as possible"),
        (
            st.MaxCoverage(decay=lambda cost: 1 - cost / 300),
            "cover as many people as possible (decaying with distance)",
        ),
        (st.MinCost(PLACES), "as cheap as possible"),
        (st.MinCost(PLACES, travel=0.5), "as cheap as possible (cost of distance 0.5)"),
        (st.MinTravel(beyond=900), "the least total distance (those out of reach count 900)"),
        (st.AtMost(5, by=SITES, service="childcare"), "at most 5 new sites (by townships, childcare)"),
        (st.AtLeast(2, by=SITES.rename(None)), "at least 2 new sites (by group)"),
        (st.Budget(1e6, PLACES), "at most 1e+06 spent"),
        (st.Cover("66.6667 %"), "at least 66.6667 % covered"),
        (st.Cover(0.9, limit=500, year=2030), "at least 90 % covered (within 500 m, by 2030)"),
        (st.NobodyBeyond(800), "nobody farther than 800 m from a site"),
        (st.OnePer(SITES), "a site in every townships"),
        (st.Existing(["x", "y"]), "2 existing sites"),
        (st.Forbidden(["x"], service="childcare"), "1 forbidden sites (childcare)"),
        (st.Backup(3), "covered only by 3 sites"),
        (st.Capacity(PLACES), "no more people than places"),
        (st.Capacity(PLACES, split=False), "no more people than places (no community is split)"),
        (
            st.Capacity(PLACES, least=3.0, nearest=True),
            "no more people than places (with a least number of users, everybody at the nearest site only)",
        ),
        (st.Supply(40), "enough supply 40"),
        (st.MayClose(["x"], at_most=1), "existing sites may close (at most 1)"),
        (st.Together(bonus=3.0, must=False), "two services in one building (with a bonus for sharing)"),
        (st.Phases([2027, 2028], at_most=[2, 3]), "in phases: 2027–2028 (at most 2, 3)"),
        (st.Phases([2027]), "in phases: 2027"),
        (st.Phases([2027, 2030], budget=300), "in phases: 2027–2030 (budget 300, 300)"),
        (st.Phases([2027, 2030], cover=[None, 0.9]), "in phases: 2027–2030 (share covered —, 90 %)"),
    ],
)
def test_a_rule_in_words(rule: Any, words: str) -> None:
    assert rule_words(rule, "en", "m") == words


def test_a_part_of_a_rule_names_its_group_and_year() -> None:
    assert rule_words(Part(st.AtMost(5), ("D01",)), "en") == "at most 5 new sites (D01)"
    assert rule_words(Part(st.Cover(1.0)), "en") == "at least 100 % covered"
    phases = Part(st.Phases([2027, 2028], at_most=[2, 3]), (2027,), ("at_most", 2))
    assert rule_words(phases, "zh") == "分年实施：2027（上限 2 处）"


@pytest.mark.parametrize("kind", [*OBJECTIVES, *RULES])
def test_every_kind_has_words(kind: type) -> None:
    assert known(f"rule.{kind.__name__}")


def test_that_no_site_may_close_is_written() -> None:
    assert rule_words(st.MayClose(at_most=0), "en") != rule_words(st.MayClose(), "en")
    assert rule_words(st.MinCost(), "en") == rule_words(st.MinCost(travel=0.0), "en")


def test_groups_ways_and_services_have_the_words_of_the_language() -> None:
    town = SITES.rename("town")
    assert rule_words(st.OnePer(SITES.rename("group")), "en") == "a site in every group"
    assert rule_words(st.AtMost(5, by=town, service="childcare"), "zh") == "新增不超过 5 处（按town分别计，托育）"
    assert rule_words(st.NobodyBeyond(800), "en") == "nobody farther than 800 from a site"  # no unit was named
    part = Part(st.NobodyBeyond(800), ("childcare",))
    assert rule_words(part, "en", "m") == "nobody farther than 800 m from a site (childcare)"
    assert (
        rule_words(st.MinTravel(beyond=2e6), "en", "m") == "the least total distance (those out of reach count 2000000)"
    )
    assert rule_words(st.OnePer(SITES.rename("group")), "zh") == "每个分组至少一处"
