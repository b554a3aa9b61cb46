"""Years: what holds a site back from the first one, and what is said where nothing does."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import siting as st

Make = Callable[..., st.Reach]
PEOPLE = pd.Series({"a": 10, "b": 20, "c": 5})
COST = pd.Series({"x": 3.0, "y": 4.0, "z": 5.0})
YEARS = (2027, 2030)
ROOT = Path(__file__).resolve().parents[1]


def years_of(reach_of: Make, phases: st.Phases, *rules: Any, **options: Any) -> tuple[list[int], str, str]:
    reach = reach_of({"x": "a", "y": "b", "z": "c"}, "abc")
    plan = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[*rules, phases], **options)
    return sorted(plan.table["year"]), plan.explain("en"), plan.explain("zh")


@pytest.mark.parametrize(
    ("limits", "rules"),
    [
        ({}, [st.AtMost(2)]),
        ({"at_most": 2}, [st.AtMost(2)]),
        ({"at_most": [None, 1]}, [st.AtMost(2)]),
        ({"at_most": 3}, []),
        ({"budget": 12, "cost": COST}, []),
        ({"budget": 8}, [st.Budget(8, COST)]),
        ({"cover": [None, 0.5]}, [st.AtMost(2)]),
        ({"weights": [0.5, 1]}, [st.AtMost(2)]),
    ],
)
def test_what_nothing_holds_back_opens_first_and_that_is_said(
    reach_of: Make, caplog: pytest.LogCaptureFixture, limits: dict[str, Any], rules: list[Any]
) -> None:
    opened, english, chinese = years_of(reach_of, st.Phases(YEARS, **limits), *rules)
    assert set(opened) == {2027}
    (told,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "nothing holds new sites back from 2027" in told.message
    assert "No limit of a year delays new sites beyond the first, 2027" in english
    assert "首年（2027 年）" in chinese


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limits", "rules", "years"),
    [
        ({"at_most": 1}, [st.AtMost(2)], [2027, 2030]),
        ({"at_most": [1, None]}, [], [2027, 2030, 2030]),
        ({"budget": 5, "cost": COST}, [], [2027, 2030]),
        ({"budget": [5, 100]}, [st.Budget(9, COST)], [2027, 2030]),
    ],
)
def test_a_limit_of_a_year_spreads_them_in_silence(
    reach_of: Make, caplog: pytest.LogCaptureFixture, limits: dict[str, Any], rules: list[Any], years: list[int]
) -> None:
    opened, english, _ = years_of(reach_of, st.Phases(YEARS, **limits), *rules)
    assert opened == years
    assert not caplog.records
    assert "holds new sites back" not in english


def test_one_year_and_an_option_of_a_later_year_need_no_limit(reach_of: Make, caplog: pytest.LogCaptureFixture) -> None:
    assert years_of(reach_of, st.Phases((2027,)), st.AtMost(3))[0] == [2027] * 3
    later = pd.DataFrame({"site": list("xyz"), "year": [2027, 2027, 2030]}, index=["x1", "y1", "z1"])
    assert years_of(reach_of, st.Phases(YEARS), st.AtMost(3), options=later)[0] == [2027, 2027, 2030]
    assert not caplog.records


@pytest.mark.slow
def test_the_readme_s_rules_spread_over_the_years(
    sample: dict[str, Any], sample_network: st.Network, caplog: pytest.LogCaptureFixture
) -> None:
    """The rules that both print run on the sample, and the second year gets its part."""
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md")]
    printed, other = (re.search(r"`rules=(\[[^`]*st\.Phases[^`]*\])`", text) for text in texts)
    assert printed is not None
    assert other is not None
    assert printed[1] == other[1]
    homes, existing = sample["communities"], sample["childcare"].query("open_to_neighbours")
    candidates = sample["candidates"][sample["candidates"]["services"].str.contains("childcare")]
    places = pd.concat([existing, candidates])
    reach = st.travel(sample_network, homes, places, metres=500)
    known = {"st": st, "homes": homes, "cost": candidates["cost"], "ids": existing.index}
    rules = eval(printed[1], known)
    caplog.clear()
    plan = st.solve(st.MaxCoverage(), reach, demand=homes["infants"], rules=rules)
    assert set(plan.table["year"]) == set(YEARS)
    assert not [record for record in caplog.records if "Phases" in record.message]
    assert (plan.by(homes["district"])["share"].groupby(level=0).last() >= 0.5).all()
