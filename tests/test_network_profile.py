"""Which streets are open to walkers, and the reasons why others are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from siting.network.profile import (
    ACCESS_CLOSED,
    ALLOWED,
    CLOSED,
    FOOT_CLOSED,
    FOOT_OPEN,
    ONLY_IF_ALLOWED,
    has_word,
    walkable,
)


def street(**tags: Any) -> tuple[bool, dict[str, int]]:
    is_open, left_out = walkable(pd.DataFrame({tag: [value] for tag, value in tags.items()}))
    return bool(is_open.iloc[0]), left_out


@pytest.mark.parametrize("kind", ["residential", "footway", "steps", "path", "service", "track", "trail", "elevator"])
def test_streets_to_walk_on(kind: str) -> None:
    assert street(highway=kind) == (True, {})
    assert street(highway=kind, foot="designated", access="yes", sidewalk="no") == (True, {})


@pytest.mark.parametrize("kind", sorted(CLOSED))
def test_closed_whatever_else_is_said(kind: str) -> None:
    assert street(highway=kind) == (False, {kind: 1})
    assert street(highway=kind, foot="yes", sidewalk="both") == (False, {kind: 1})


@pytest.mark.parametrize("kind", sorted(ONLY_IF_ALLOWED))
def test_open_where_walking_is_allowed(kind: str) -> None:
    assert street(highway=kind) == (False, {kind: 1})
    assert street(highway=kind, sidewalk="no", foot=None) == (False, {kind: 1})
    for value in sorted(ALLOWED):
        assert street(highway=kind, sidewalk=value)[0]
        assert street(highway=kind, foot=value)[0]


def test_foot_says_no() -> None:
    for value in sorted(FOOT_CLOSED):
        assert street(highway="residential", foot=value) == (False, {f"foot={value}": 1})
    assert street(highway="trunk", sidewalk="both", foot="no") == (False, {"foot=no": 1})


def test_access_says_no_unless_foot_allows() -> None:
    for value in sorted(ACCESS_CLOSED):
        assert street(highway="service", access=value) == (False, {f"access={value}": 1})
        assert street(highway="service", access=value, sidewalk="both") == (False, {f"access={value}": 1})
        for foot in sorted(FOOT_OPEN):
            assert street(highway="service", access=value, foot=foot) == (True, {})
    for value in ("customers", "destination", "permissive", "residents"):
        assert street(highway="service", access=value) == (True, {})


def test_surfaces() -> None:
    assert street(highway="service", area="yes") == (False, {"area=yes": 1})
    assert street(highway="pedestrian", area="yes") == (True, {})  # ways end at the outline of a square
    assert street(highway="service", area="no") == (True, {})


def test_a_street_counts_once_under_the_first_reason() -> None:
    everything = {"highway": "platform", "area": "yes", "foot": "no", "access": "private"}
    assert street(**everything) == (False, {"platform": 1})
    assert street(**everything | {"highway": "service"}) == (False, {"area=yes": 1})
    assert street(**everything | {"highway": "service", "area": None}) == (False, {"foot=no": 1})


def test_one_closed_part_closes_a_merged_street() -> None:
    """Osmnx merges streets, and their tags into lists of no order; as text they are joined by ";"."""
    frame = pd.DataFrame({"highway": [["motorway", "primary"], ["primary", "motorway"], "path; Motorway", [], None]})
    is_open, left_out = walkable(frame)
    assert is_open.tolist() == [False, False, False, True, True]
    assert left_out == {"motorway": 3}


def test_steps_in_merged_streets() -> None:
    column = pd.Series(["steps", ["footway", "steps"], "footway;steps", "footsteps", None])
    assert has_word(column, "steps").tolist() == [True, True, True, False, False]


def test_columns_may_be_missing_or_empty() -> None:
    assert walkable(pd.DataFrame(index=["a", "b"]))[0].to_dict() == {"a": True, "b": True}
    empty, left_out = walkable(pd.DataFrame({"highway": []}))
    assert (len(empty), empty.dtype, left_out) == (0, bool, {})
    assert street(highway=np.nan, foot=np.nan, access=None) == (True, {})
    assert street(highway=" Motorway ") == (False, {"motorway": 1})


def test_categories_and_plain_text_agree() -> None:
    frame = pd.DataFrame({"highway": ["trunk", "path", "trunk"], "foot": [None, "no", "yes"]})
    for kind in ("object", "category"):
        is_open, left_out = walkable(frame.astype(kind))
        assert is_open.tolist() == [False, False, True]
        assert left_out == {"foot=no": 1, "trunk": 1}


def test_what_is_left_out_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="siting.network.profile"):
        walkable(pd.DataFrame({"highway": ["motorway", "path", "motorway"]}))
        assert caplog.messages == ["streets left out, closed to walkers: {'motorway': 2}"]
        walkable(pd.DataFrame({"highway": ["path"]}))
    assert len(caplog.messages) == 1


TAGS = {
    "highway": ["motorway", "trunk", "cycleway", "path", "pedestrian", None],
    "foot": ["yes", "no", "designated", None],
    "access": ["private", "no", "yes", None],
    "sidewalk": ["both", "no", None],
    "area": ["yes", None],
}


@pytest.mark.slow
@given(
    some.lists(some.fixed_dictionaries({tag: some.sampled_from(values) for tag, values in TAGS.items()}), max_size=9)
)
def test_a_layer_is_judged_street_by_street(rows: list[dict[str, Any]]) -> None:
    frame = pd.DataFrame(rows, columns=list(TAGS), dtype=object, index=[f"s{i}" for i in range(len(rows))])
    before = frame.copy()
    is_open, left_out = walkable(frame)
    assert is_open.tolist() == [street(**row)[0] for row in rows]
    assert is_open.index.equals(frame.index)
    assert sum(left_out.values()) == int((~is_open).sum())
    assert list(left_out) == sorted(left_out)
    pd.testing.assert_frame_equal(frame, before)
