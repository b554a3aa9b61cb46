"""Which streets are open to walkers, and the reasons why others are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from siting.network.street_words import KNOWN_CLASSES
from siting.network.walkable_streets import (
    ACCESS_CLOSED,
    ACCESS_PRIVATE,
    ALLOWED,
    CLOSED,
    FOOT_CLOSED,
    FOOT_OPEN,
    FOOT_PRIVATE,
    KNOWN,
    ONLY_IF_ALLOWED,
    SIDES,
    SQUARES,
    WALLS,
    Walkable,
    barred,
    has_word,
    walkable,
)


def judged(**tags: Any) -> Walkable:
    return walkable(pd.DataFrame({tag: [value] for tag, value in tags.items()}))


def street(**tags: Any) -> tuple[bool, dict[str, int]]:
    found = judged(**tags)
    return bool(found.open.iloc[0]), found.left_out


def private(**tags: Any) -> bool:
    found = judged(**tags)
    return bool(found.open.iloc[0] and found.private.iloc[0])


@pytest.mark.parametrize(
    "kind", ["residential", "footway", "steps", "path", "service", "track", "trail", "elevator", "corridor", "pier"]
)
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
        for foot in sorted(FOOT_OPEN | FOOT_PRIVATE):
            assert street(highway="service", access=value, foot=foot) == (True, {})
    for value in ("customers", "destination", "permissive", "residents", "private"):
        assert street(highway="service", access=value) == (True, {})


def test_private_streets_are_open_and_marked() -> None:
    for value in sorted(ACCESS_PRIVATE):
        assert private(highway="service", access=value)
        for foot in sorted(FOOT_OPEN):
            assert not private(highway="service", access=value, foot=foot)
    for value in sorted(FOOT_PRIVATE):
        assert private(highway="path", foot=value)
        assert private(highway="path", foot=value, access="yes")
        assert private(highway="path", foot=value, access="no")
    # Signs of roads and car parks speak to those who drive; those of footpaths to those who walk.
    for value in ("destination", "customers", "delivery"):
        assert not private(highway="residential", access=value)
        assert private(highway="footway", foot=value)
    assert private(highway="service", private=True)
    assert private(highway="service", private="是")
    assert not private(highway="service", private="no")
    assert not private(highway="motorway", access="private")  # closed is closed
    assert street(highway="service", access="private", foot="no") == (False, {"foot=no": 1})


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("kind", sorted(ONLY_IF_ALLOWED))
def test_sidewalks_told_by_side(kind: str, side: str) -> None:
    for value in ("yes", "separate"):
        assert street(**{"highway": kind, side: value}) == (True, {})
    for value in ("no", None):
        assert street(**{"highway": kind, side: value}) == (False, {kind: 1})


def test_motor_roads() -> None:
    for yes in ("yes", True, 1, 1.0, "1", "Y", "T", "是"):
        assert street(highway="primary", motorroad=yes) == (False, {"motorroad=yes": 1})
    for no in ("no", False, 0, 0.0, "0", "N", "F", "否", "-", "", None):
        assert street(highway="primary", motorroad=no) == (True, {})
    assert street(highway="primary", motorroad="yes", foot="yes")[0]
    assert street(**{"highway": "primary", "motorroad": "yes", "sidewalk:left": "yes"})[0]


def test_ferries_are_an_option() -> None:
    frame = pd.DataFrame({"highway": ["ferry", "轮渡", "ferry"], "foot": [None, None, "no"]})
    assert walkable(frame).open.tolist() == [False, False, False]
    assert walkable(frame, ferries=True).open.tolist() == [True, True, False]


def test_lines_of_all_kinds() -> None:
    """A layer of lines, as GDAL makes it of an extract: what has no class and is something else is no street."""
    frame = pd.DataFrame(
        {
            "highway": ["path", None, None, None, None, None, "footway"],
            "waterway": [None, "stream", None, None, None, None, None],
            "barrier": [None, None, "fence", None, None, None, "hedge"],
            "man_made": [None, None, None, "pier", "pipeline", None, None],
            "other_tags": [None, None, None, None, None, '"area:highway"=>"footway"', '"layer"=>"1","foot"=>"no"'],
        }
    )
    found = walkable(frame)
    assert found.open.tolist() == [True, False, False, True, False, False, False]
    assert found.left_out == {"area:highway": 1, "barrier": 1, "foot=no": 1, "man_made": 1, "waterway": 1}
    # Without a column of classes such columns may mean anything.
    assert walkable(frame[["waterway"]]).open.all()


# Words


def test_words_that_are_not_understood_are_told(caplog: pytest.LogCaptureFixture) -> None:
    frame = pd.DataFrame(
        {
            "highway": ["大马路", "支路", "大马路", "xyz", None],
            "foot": ["maybe", None, "no", None, "-"],
            "sidewalk": ["both"] * 5,
        }
    )
    found = walkable(frame)
    assert found.open.tolist() == [True, True, False, True, True]
    assert found.unread == {"foot=maybe": 1, "highway=xyz": 1, "highway=大马路": 2}
    warnings = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert len(warnings) == 2
    assert '"highway" has unknown words "大马路 (2 rows)", "xyz (1 row)"' in warnings[0]
    assert "count as open" in warnings[0]
    assert '"foot" has unknown words "maybe (1 rows)"' in warnings[1]


def test_words_that_are_understood_are_not_told(caplog: pytest.LogCaptureFixture) -> None:
    for key, words in {**KNOWN, "highway": KNOWN_CLASSES}.items():
        assert judged(**{key: sorted(words)[0]}).unread == {}
        assert walkable(pd.DataFrame({key: sorted(words)})).unread == {}
    assert not [one for one in caplog.records if one.levelname == "WARNING"]


@pytest.mark.parametrize(
    ("word", "closed"),
    [(word, True) for word in ("高速公路", "快速路", "隧道", "匝道", "铁路", "在建", "5111", 5111, 5131.0)]
    + [(word, True) for word in ("S1100", "s1630", "Autobahn", "高速道路", "430200")]
    + [(word, False) for word in ("国道", "主干路", "次干路", "支路", "人行道", "步行街", "台阶", "内部道路")]
    + [(word, False) for word in ("小区道路", "5153", 5155, "S1400", "S1710", "Fußweg", "歩道", "Living Street")],
)  # fmt: skip
def test_classes_in_the_words_of_offices(word: Any, closed: bool) -> None:
    found = judged(highway=word)
    assert bool(found.open.iloc[0]) is not closed
    assert found.unread == {}
    assert list(found.left_out.values()) == [1] * closed


@pytest.mark.parametrize(
    "no", [False, np.False_, 0, 0.0, "0", "F", "N", "n", "no", "False", "false", "否", "无", "Nein"]
)
def test_words_for_no_close(no: Any) -> None:
    assert street(highway="residential", foot=no) == (False, {"foot=no": 1})
    assert street(highway="residential", access=no) == (False, {"access=no": 1})
    assert street(highway="trunk", sidewalk=no) == (False, {"trunk": 1})
    assert street(highway="service", area=no) == (True, {})


@pytest.mark.parametrize("yes", [True, np.True_, 1, 1.0, "1", "T", "Y", "y", "yes", "True", "true", "是", "有", "ja"])
def test_words_for_yes_open(yes: Any) -> None:
    assert street(highway="trunk", foot=yes) == (True, {})
    assert street(highway="trunk", sidewalk=yes) == (True, {})
    assert street(highway="service", access="no", foot=yes) == (True, {})
    assert street(highway="service", area=yes) == (False, {"area=yes": 1})


@pytest.mark.parametrize("empty", ["", "-", "None", "nan", "NULL", "/", "<NA>", None, np.nan, pd.NA])
def test_words_that_say_nothing(empty: Any) -> None:
    for key in ("highway", "foot", "access", "sidewalk", "area", "motorroad", "private"):
        found = judged(**{key: empty})
        assert (found.open.tolist(), found.private.tolist(), found.unread) == ([True], [False], {})


def test_barriers() -> None:
    kinds = [*sorted(WALLS), "gate", "bollard", "stile", "kerb", "lift_gate", "entrance", "turnstile"]
    closed, for_some = barred(pd.DataFrame({"barrier": kinds}))
    assert closed.tolist() == [kind in WALLS for kind in kinds]
    assert not for_some.any()
    closed, for_some = barred(pd.DataFrame({"barrier": kinds, "access": ["private"] * len(kinds)}))
    assert not closed.any()
    assert for_some.all()
    assert [each.tolist() for each in barred(pd.DataFrame({"barrier": []}))] == [[], []]


def test_surfaces() -> None:
    assert street(highway="service", area="yes") == (False, {"area=yes": 1})
    assert street(highway="pedestrian", area="yes") == (True, {})  # ways end at the outline of a square
    assert street(highway="service", area="no") == (True, {})
    for kind in sorted(SQUARES):
        assert street(highway=kind, area="yes") == (True, {})


def test_a_street_counts_once_under_the_first_reason() -> None:
    everything = {"highway": "platform", "area": "yes", "foot": "no", "access": "private"}
    assert street(**everything) == (False, {"platform": 1})
    assert street(**everything | {"highway": "service"}) == (False, {"area=yes": 1})
    assert street(**everything | {"highway": "service", "area": None}) == (False, {"foot=no": 1})


def test_one_closed_part_closes_a_merged_street() -> None:
    """Osmnx merges streets, and their tags into lists of no order; as text they are joined by ";"."""
    frame = pd.DataFrame({"highway": [["motorway", "primary"], ["primary", "motorway"], "path; Motorway", [], None]})
    found = walkable(frame)
    assert found.open.tolist() == [False, False, False, True, True]
    assert found.left_out == {"motorway": 3}


def test_steps_in_merged_streets() -> None:
    column = pd.Series(["steps", ["footway", "steps"], "footway;steps", "footsteps", None])
    assert has_word(column, "steps").tolist() == [True, True, True, False, False]


def test_columns_may_be_missing_or_empty() -> None:
    assert walkable(pd.DataFrame(index=["a", "b"])).open.to_dict() == {"a": True, "b": True}
    empty, _, left_out, _ = walkable(pd.DataFrame({"highway": []}))
    assert (len(empty), empty.dtype, left_out) == (0, bool, {})
    assert street(highway=np.nan, foot=np.nan, access=None) == (True, {})
    assert street(highway=" Motorway ") == (False, {"motorway": 1})


def test_categories_and_plain_text_agree() -> None:
    frame = pd.DataFrame({"highway": ["trunk", "path", "trunk"], "foot": [None, "no", "yes"]})
    for kind in ("object", "category"):
        found = walkable(frame.astype(kind))
        assert found.open.tolist() == [False, False, True]
        assert found.left_out == {"foot=no": 1, "trunk": 1}


def test_what_is_left_out_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="siting.network.walkable_streets"):
        walkable(pd.DataFrame({"highway": ["motorway", "path", "motorway"]}))
        assert caplog.messages == ["streets left out, closed to walkers: motorway: 2"]
        walkable(pd.DataFrame({"highway": ["path"]}))
    assert len(caplog.messages) == 1


TAGS = {
    "highway": ["motorway", "trunk", "cycleway", "path", "pedestrian", None],
    "foot": ["yes", "no", "designated", None],
    "access": ["private", "no", "yes", None],
    "sidewalk": ["both", "no", None],
    "area": ["yes", None],
    "motorroad": ["yes", "F", None],
    "sidewalk:left": ["yes", "no", None],
}


@pytest.mark.slow
@given(
    some.lists(some.fixed_dictionaries({tag: some.sampled_from(values) for tag, values in TAGS.items()}), max_size=9)
)
def test_a_layer_is_judged_street_by_street(rows: list[dict[str, Any]]) -> None:
    frame = pd.DataFrame(rows, columns=list(TAGS), dtype=object, index=[f"s{i}" for i in range(len(rows))])
    before = frame.copy()
    is_open, for_some, left_out, _ = walkable(frame)
    assert is_open.tolist() == [street(**row)[0] for row in rows]
    assert for_some.tolist() == [private(**row) for row in rows]
    assert is_open.index.equals(frame.index)
    assert for_some.index.equals(frame.index)
    assert sum(left_out.values()) == int((~is_open).sum())
    assert list(left_out) == sorted(left_out)
    pd.testing.assert_frame_equal(frame, before)
