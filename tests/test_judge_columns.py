"""Columns of layers as rules take them: grades, flags, words, numbers and conditions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from siting.errors import LayerError, StandardError
from siting.judge.layers.rule_columns import Missing, counted, flags, graded, matches, of_choices, of_types


def test_grades_in_words_are_numbers() -> None:
    words = ["三级", "五星级", "AA", "AAA级", "4A", "国家二级", "全国一级养老机构", "3", "未评级", "无"]
    assert graded(pd.Series(words), "eldercare").tolist() == [3, 5, 2, 3, 4, 2, 1, 3, 0, 0]


def test_columns_without_grades_stay_as_they_are() -> None:
    words, numbers = pd.Series(["公办", "民办"]), pd.Series([1, 2])
    assert graded(words, "eldercare") is words
    assert graded(numbers, "eldercare") is numbers


def test_a_word_among_grades_that_is_none_is_refused_with_its_row() -> None:
    grades = pd.Series(["三级", None, "很好", "很好"], index=["a", "b", "c", "d"], name="grade")
    message = r'"grade" is no grade in 2 rows: "c", "d" \(很好\); write a number or a word such as 三级'
    with pytest.raises(LayerError, match=message):
        graded(grades, "eldercare")


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        ({"n": ">=2"}, "bc"),
        ({"n": ">2"}, "c"),
        ({"n": "<=2"}, "ab"),
        ({"n": " < 2 "}, "a"),
        ({"flag": False}, "b"),
        ({"word": "甲"}, "ab"),
        ({"word": ("乙", "丙")}, "bc"),
        ({"word": "甲;乙"}, "b"),  # both in one cell
        ({"word": "甲", "flag": True}, "a"),
        ({"any": ({"n": ">2"}, {"word": "甲", "flag": True})}, "ac"),
        ({}, "abc"),
    ],
)
def test_conditions_on_rows(wanted: dict[str, Any], rows: str) -> None:
    frame = pd.DataFrame({"n": [1, 2, 3], "flag": [True, False, True], "word": ["甲", "乙； 甲", " 丙 "]}, list("abc"))
    found = matches(frame, "parks", wanted)
    assert "".join(found.index[found]) == rows


def test_a_blank_word_fulfils_no_condition() -> None:
    assert matches(pd.DataFrame({"word": ["甲", None]}), "parks", {"word": "甲"}).tolist() == [True, False]
    assert matches(pd.DataFrame({"word": [None, "甲"]}), "parks", {"word": "甲"}).tolist() == [False, True]


def test_a_condition_names_the_column_that_is_missing() -> None:
    with pytest.raises(Missing) as missing:
        matches(pd.DataFrame({"a": [1]}), "parks", {"b": True})
    assert missing.value.message == ("audit.no_column", {"layer": "parks", "absent": "b"})
    assert missing.value.status == "no_data"
    with pytest.raises(Missing) as missing:
        of_types(pd.DataFrame({"a": [1]}), "parks", ("甲",))
    assert missing.value.message == ("audit.no_column", {"layer": "parks", "absent": "facility_type"})


def test_what_the_document_lacks_is_no_number() -> None:
    keys = ("audit.no_value", "audit.no_share", "audit.by_reference", "audit.no_layer")
    assert [Missing(key).status for key in keys] == ["no_number", "no_number", "no_number", "no_data"]


@pytest.mark.parametrize(
    ("values", "wanted", "message"),
    [
        ([True, False], "甲", 'wants "甲" of parks: "a", which holds no text; write true or false'),
        ([1, 2], "甲", 'wants "甲" of parks: "a", which holds no text; write a comparison such as ">=100"'),
        ([1, 2], ("甲", "乙"), 'wants "甲", "乙" of parks'),
    ],
)
def test_words_are_wanted_of_a_column_without_words(values: list[Any], wanted: Any, message: str) -> None:
    with pytest.raises(StandardError, match=message):
        matches(pd.DataFrame({"a": values}), "parks", {"a": wanted})


def test_types_that_count_and_types_that_do_not() -> None:
    frame = pd.DataFrame({"facility_type": ["托育机构", "社区驿站", None]}, list("abc"))
    assert of_types(frame, "childcare", ("托育机构",)).tolist() == [True, False, False]
    assert of_types(frame, "childcare", (), ("托育机构",)).tolist() == [False, True, True]
    with pytest.raises(StandardError, match='"facility_type" of childcare holds no text; write the types in words'):
        of_types(pd.DataFrame({"facility_type": [1, 2]}), "childcare", ("托育机构",))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, None, 2.0], '"n" is blank in 1 row: "b"; fill it in'),
        ([1.0, -1.0, -2.0], '"n" is negative or not a number in 2 rows: "b", "c"; correct them'),
        ([1.0, -1.0, np.inf], '"n" is infinite in 1 row: "c"; correct them'),
        (["1", "2", "3"], '"n" holds text, not numbers; read the layer with read_layer'),
    ],
)
def test_numbers_that_cannot_be_added_up(values: list[Any], message: str) -> None:
    with pytest.raises(LayerError, match=message):
        counted(pd.Series(values, list("abc"), name="n"), "parks")


def test_numbers_from_zero_on_can_be_added_up() -> None:
    assert counted(pd.Series([0, 1.5], name="n"), "parks").sum() == 1.5
    assert counted(pd.Series([], dtype=object), "parks").sum() == 0


def test_flags_are_yes_or_no() -> None:
    assert flags(pd.Series([True, False, 1], dtype=object), "parks").tolist() == [True, False, True]
    with pytest.raises(LayerError, match='"f" is neither True nor False in 1 row: "b"; text is no flag'):
        flags(pd.Series([True, "yes"], list("ab"), name="f"), "parks")
    with pytest.raises(LayerError, match='"f" is blank in 1 row: "b"'):
        flags(pd.Series([True, None], list("ab"), name="f"), "parks")


def test_words_of_a_column_with_choices() -> None:
    kinds = pd.Series(["estate", "park"], name="kind")
    assert of_choices(kinds, "communities") is kinds
    with pytest.raises(LayerError, match=r'"kind" is none of .*estate.* in 1 row: "b"; write one of these'):
        of_choices(pd.Series(["estate", "小区"], list("ab"), name="kind"), "communities")
    free = pd.Series(["甲"], name="nickname")
    assert of_choices(free, "communities") is free
    with pytest.raises(LayerError, match='"nickname" is blank in 1 row: "a"'):
        of_choices(pd.Series([None], ["a"], name="nickname"), "communities")
