"""Types of facilities: a word is its type whatever it is called, a wider type takes the narrower ones."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pandas as pd
import pytest

import siting as st
from siting.data.types_of_facilities import closest_types, comparable, type_of, types_in, types_table


def test_each_word_stands_for_one_type() -> None:
    owners: dict[str, set[str]] = {}
    for one in types_table().values():
        for word in (one.name, one.en, *one.words):
            owners.setdefault(comparable(word), set()).add(one.name)
    assert {word: names for word, names in owners.items() if len(names) > 1} == {}


def test_each_type_has_an_english_name_and_its_wider_types_are_there() -> None:
    table = tomllib.loads(files("siting.data").joinpath("facility_types.toml").read_text("utf-8"))
    for name, at in table.items():
        assert set(at) <= {"en", "is", "words"}, name
        assert at["en"].isascii() or "è" in at["en"], name
        assert set(at.get("is", ())) <= set(table) - {name}, name


@pytest.mark.parametrize(
    ("written", "types"),
    [
        ("独立托育", ("托育机构",)),
        (" 托 育 机 构　", ("托育机构",)),
        ("乡镇(街道)居家养老服务中心", ("乡镇（街道）居家养老服务中心",)),
        ("街道居家养老服务中心", ("乡镇（街道）居家养老服务中心",)),
        ("养老机构、日间照料中心", ("养老机构", "日间照料中心")),
        ("养老机构；托老所", ("养老机构", "日间照料中心")),
        ("养老机构/敬老院", ("养老机构", "敬老院")),
        ("托育机构（民办）", ("托育机构",)),
        ("（公办）敬老院", ("敬老院",)),
        ("幼儿园（托班）", ("幼儿园", "幼儿园托班")),
        ("妇幼保健院（所、站）", ("妇幼保健机构",)),
        ("医防护儿童健康管理中心", ("儿童健康管理中心",)),
        ("Nursing Home", ("养老机构",)),
        ("【养老机构】", ("养老机构",)),
        ("1.养老机构。", ("养老机构",)),
        ("养老机构和日间照料中心", ("养老机构", "日间照料中心")),
        ("养老机构（含日间照料中心）", ("养老机构", "日间照料中心")),
        ("养老机构（不含日间照料中心）", ("养老机构",)),
        ("公办-养老机构", ("养老机构",)),
        ("0-3岁托育机构", ("托育机构",)),
        ("托育机构和棋牌室", ("托育机构和棋牌室",)),
        ("养老机构（已关停）", ("养老机构(已关停)",)),
        ("托育机构-在建", ("托育机构-在建",)),
        ("棋牌室、养老院", ("棋牌室", "养老院")),
        ("棋牌室", ("棋牌室",)),
        ("", ()),
        (None, ()),
        (float("nan"), ()),
    ],
)
def test_how_a_cell_is_read(written: object, types: tuple[str, ...]) -> None:
    assert types_in(written) == types


def test_a_wider_type_takes_the_narrower_and_not_the_other_way() -> None:
    written = pd.Series(["养老机构", "敬老院", "农村敬老院", "乡镇敬老院", "日间照料中心"], index=list("abcde"))
    assert st.data.of_type(written, ["养老机构"]).tolist() == [True, True, True, True, False]
    assert st.data.of_type(written, ["敬老院"]).tolist() == [False, True, True, True, False]
    assert st.data.of_type(written, ["农村敬老院"]).index[st.data.of_type(written, ["农村敬老院"])].tolist() == [
        "c",
        "d",
    ]


@pytest.mark.parametrize("written", ["养老机构、日间照料中心", "养老机构和日间照料中心", "养老机构（含托老所）"])
def test_a_facility_of_two_types_counts_once_for_each_and_once_for_both(written: str) -> None:
    cell = pd.Series([written])
    for wanted in (["养老机构"], ["日间照料中心"], ["养老机构", "日间照料中心"]):
        assert st.data.of_type(cell, wanted).sum() == 1


def test_what_is_excluded_is_excluded_alone() -> None:
    """不含幼儿园托育部 leaves out the kindergartens, by whatever word, and nothing else."""
    written = pd.Series(["托育机构", "幼儿园托育部", "幼儿园办托班", "家庭托育点", "托育机构、幼儿园托班"])
    marks = st.data.of_type(written, ["婴幼儿照护服务设施"], excluded=["幼儿园托班"])
    assert marks.tolist() == [True, False, False, True, True]


def test_a_word_that_is_not_in_the_table_is_only_itself() -> None:
    written = pd.Series(["棋牌室", "托育机构", " 棋牌室 ", None])
    assert st.data.of_type(written, ["棋牌室"]).tolist() == [True, False, True, False]
    assert type_of("棋牌室") == ""


def test_the_closest_words_are_types() -> None:
    assert closest_types("托育机购")[0] == "托育机构"
    assert set(closest_types("日间照料所")) <= set(st.data.facility_types().index)
    assert closest_types("zzzz") == []
