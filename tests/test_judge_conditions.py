"""Conditions on rows: grades in words, and how a basis tells what was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import pytest

import siting as st
from siting.judge.standards.conditions import columns_of, key_of


def told(layers: dict[str, gpd.GeoDataFrame], **values: Any) -> dict[str, Any]:
    one = st.Rule("x.a", values.pop("kind", "count_target"), "eldercare", "甲", "A", operator=">=", value=1,
                  **{"unit": "facilities", **values})  # fmt: skip
    return dict(st.audit(st.Standard("x", "示例", "Example", (one,)), layers).table.iloc[0])


@pytest.fixture
def homes(layer: Callable[..., gpd.GeoDataFrame]) -> dict[str, gpd.GeoDataFrame]:
    return {
        "eldercare": layer(
            {"a": (0, 0), "b": (100, 0), "c": (200, 0), "d": (300, 0)},
            beds=[10, 100, 200, 300],
            grade=["三级", "未评级", "国家二级", "一级"],
            public=[True, True, False, False],
            inclusive=[False, True, True, False],
            level=["city", "county", "county", "city"],
        )
    }


def test_grades_in_words_are_numbers(homes: dict[str, gpd.GeoDataFrame]) -> None:
    assert told(homes, where={"grade": ">=2"})["value"] == 2
    assert told(homes, where={"grade": ">=1"})["value"] == 3
    homes["eldercare"]["grade"] = ["五星级", "3星", "ＡＡ", "4A级"]
    assert told(homes, where={"grade": ">=3"})["value"] == 3
    homes["eldercare"]["grade"] = [5, 3, 2, 4]
    assert told(homes, where={"grade": ">=3"})["value"] == 3


def test_a_word_that_is_no_grade_is_named(homes: dict[str, gpd.GeoDataFrame]) -> None:
    homes["eldercare"].loc["c", "grade"] = "优秀"
    with pytest.raises(
        st.errors.LayerError, match=r'"grade" is no grade in 1 row: "c" \(优秀\); write a number or a word'
    ):
        told(homes, where={"grade": ">=2"})
    homes["eldercare"]["grade"] = "优秀"
    with pytest.raises(st.errors.LayerError, match='"grade" holds text, not numbers'):
        told(homes, where={"grade": ">=2"})
    homes["eldercare"]["grade"] = ["三级", None, "二级", "一级"]
    with pytest.raises(st.errors.LayerError, match='"grade" is blank in 1 row: "b"'):
        told(homes, where={"grade": ">=2"})


def test_grades_are_read_from_a_file(tmp_path: Any) -> None:
    path = tmp_path / "homes.csv"
    path.write_text("编号,床位,养老机构等级,经度,纬度\na,10,二级,114.0,30.0\nb,20,五级,114.1,30.1\n", encoding="utf-8")
    read = st.read_layer(path, "eldercare")
    assert told({"eldercare": read}, where={"grade": ">=3"})["value"] == 1


def test_a_basis_tells_marks_words_and_alternatives(homes: dict[str, gpd.GeoDataFrame]) -> None:
    """Two of four homes are public, three public or inclusive; two are the city's, of 10 and 300 beds."""
    either = {"any": ({"public": True}, {"inclusive": True})}
    for where, value, zh, en in (
        ({"public": True}, 2, "公办", "marked “public”"),
        ({"public": False}, 2, "非公办", "not: public"),
        (either, 3, "公办或普惠", "marked “public” or its prices are regulated"),
        ({"level": "city", "beds": ">=100"}, 1, "层级为市级、床位 ≥ 100", "level of the city, beds ≥ 100"),
    ):
        row = told(homes, where=where)
        assert row["value"] == value
        assert row["basis"].endswith(f"；条件：{zh}"), row["basis"]
        assert row["basis_en"].endswith(f"; where {en}"), row["basis_en"]


def test_codes_are_no_words_for_a_reader(homes: dict[str, gpd.GeoDataFrame]) -> None:
    homes["eldercare"]["tenure"] = ["owned", "leased", "owned", "owned"]
    row = told(homes, where={"tenure": "owned"})
    assert (row["value"], row["basis"]) == (3, "养老设施共 3 处")


def test_columns_that_conditions_look_at_each_once() -> None:
    either = ({"village": True}, {"kind": "estate", "village": False})
    assert columns_of({"public": True, "any": either}) == ["public", "village", "kind"]


def test_the_same_conditions_are_one_key_in_any_order() -> None:
    assert key_of({"public": True, "kind": ["a", "b"]}) == key_of({"kind": ("a", "b"), "public": True})
    assert key_of({"any": ({"a": True}, {"b": True})}) != key_of({"any": ({"a": True}, {"b": False})})
    assert key_of({"kind": ("a", "b")}) != key_of({"kind": ("b",)})
