"""Numbers with words around them, and numbers that no column can hold."""

from __future__ import annotations

import decimal
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siting.data import Column, check_layer, role
from siting.data.number_words import split_number, stripped
from siting.errors import LayerError

PEOPLE, AREA = role("communities").column("population"), role("eldercare").column("land_area")
COST, BEDS = role("candidates").column("cost"), role("eldercare").column("beds")


READ = {
    PEOPLE: """120个 120 个; 120_人 120 人; ３００人 300 人; 1,200人 1200 人; 1.2万 12000 万; 1.2万人 12000 万人;
        50余 50 余; 50多人 50 多/人; 1.2万余人 12000 余/万人; 50余万 500000 余/万; 1万多 10000 多/万; 近50 50 近;
        约50 50 约; ~50 50 ~; 约50人左右 50 约/左右/人; 120（人） 120 人; 120名 120 名""",
    AREA: "0.5公顷 5000 公顷; 120㎡ 120 m2; 3亩 2000 亩; 120平方米 120 平方米; 1.2万平方米 12000 万平方米",
    COST: "30万元 30 万元; 30万 30 万; 50000元 5 元; 1.2亿元 12000 亿元",
    BEDS: "60张 60 张; 2百张 200 百张; 约60 60 约",
}
LEFT = {
    PEOPLE: [
        "120户",
        "50-60",
        "不足50",
        "50以上",
        "五十",
        "1万2千",
        "人",
        "",
        "120",
        "12人3",
        "约",
        "1.2.3人",
        "#REF!",
    ],
    AREA: ["5个", "5人"],
    COST: ["3千", "3个"],
}


@pytest.mark.parametrize(
    ("column", "line"), [(column, line) for column, read in READ.items() for line in read.split(";")]
)
def test_words_around_a_number(column: Column, line: str) -> None:
    text, value, words = line.split()
    found = stripped(text.replace("_", " "), column)
    assert found is not None
    assert found[0] == pytest.approx(float(value), abs=1e-6)
    assert sorted(found[1]) == sorted(words.split("/"))
    assert found[2] == bool(set(words.split("/")) & set("约余多近~"))


@pytest.mark.parametrize(("column", "text"), [(column, text) for column, texts in LEFT.items() for text in texts])
def test_other_words_are_left(column: Column, text: str) -> None:
    """They do not fit the column, are a range or a bound, or no single number."""
    assert stripped(text, column) is None


def test_a_cell_with_a_unit_is_not_in_that_of_the_heading() -> None:
    assert stripped("1.2万", PEOPLE, 10_000.0) == (pytest.approx(1.2), ("万",), False)
    assert stripped("约1.2", PEOPLE, 10_000.0) == (pytest.approx(1.2), ("约",), True)


@given(st.text(max_size=12))
def test_any_text_is_split_or_left(text: str) -> None:
    found = stripped(text, PEOPLE)
    assert found is None or np.isfinite(found[0])
    assert split_number(text) is None or any(sign.isdigit() for sign in text)


@given(st.integers(0, 10**9), st.sampled_from(["", "约"]), st.sampled_from(["人", "个", "余人", "人左右"]))
def test_any_count_with_words(n: int, before: str, behind: str) -> None:
    found = stripped(f"{before}{n}{behind}", PEOPLE)
    assert found is not None
    assert found[0] == n


def frame(name: str, cells: Any) -> gpd.GeoDataFrame:
    points = gpd.GeoSeries.from_xy([120.0 + i / 1000 for i in range(len(cells))], [29.0] * len(cells), crs=4326)
    return gpd.GeoDataFrame({"id": list("abcdefgh")[: len(cells)], name: pd.Series(cells)}, geometry=points)


def test_words_are_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    given_ = frame("常住人口", ["120人", "约50", "1.2万", "300", "80人"])
    with pytest.raises(LayerError, match='read 4 of them with strip_units=True, such as "120人" as 120'):
        check_layer(given_, "communities")
    out = check_layer(given_, "communities", strip_units=True)
    assert out["population"].tolist() == [120, 50, 12_000, 300, 80]
    told = '"population" was read without the words around its numbers in 4 of 5 rows: "人" (2), "约" (1), "万" (1)'
    assert f'{told}; 1 is rounded: "b: 约50"' in caplog.text
    with pytest.raises(LayerError, match='is not a number in 1 of 2 rows: "b: 80户"; write plain numbers, in persons'):
        check_layer(frame("常住人口", ["120人", "80户"]), "communities", strip_units=True)


def test_words_under_a_heading_in_another_unit() -> None:
    out = check_layer(frame("常住人口（万人）", ["1.2万", "1.2", "约1.2", "1.2万人"]), "communities", strip_units=True)
    assert out["population"].tolist() == [12_000] * 4


# --- numbers that no column can hold


NULLABLE = [
    pd.array([1, pd.NA, 3], dtype="Int64"), pd.array([1.0, pd.NA, 3], dtype="Float64"),
    pd.array([1, None, 3], dtype=pd.ArrowDtype(pa.int64())),
    pd.array([1.0, None, 3], dtype=pd.ArrowDtype(pa.float64())),
    pd.array([decimal.Decimal(1), None, decimal.Decimal(3)], dtype=pd.ArrowDtype(pa.decimal128(10, 2))),
    pd.array(["1", None, "3"], dtype=pd.ArrowDtype(pa.string())), pd.array(["1", pd.NA, "3"], dtype="string"),
    pd.Categorical(["1", None, "3"]), pd.arrays.SparseArray([1.0, np.nan, 3.0]),
    np.array([1, pd.NA, 3], dtype=object), np.array([1, pd.NaT, 3], dtype=object), np.array([1, None, 3], dtype=object),
]  # fmt: skip


@pytest.mark.parametrize("cells", NULLABLE, ids=lambda cells: str(cells.dtype))
def test_missing_numbers_of_every_type_name_the_row(cells: Any) -> None:
    with pytest.raises(LayerError, match='"population" is missing in 1 of 3 rows: "b"; fill it, or count it as 0'):
        check_layer(frame("population", cells), "communities")
    assert check_layer(frame("population", cells), "communities", missing="zero")["population"].tolist() == [1, 0, 3]


@pytest.mark.parametrize(
    "cells",
    [
        [1, 1e30, 3], ["1", "1e30", "3"], [1, 2**53, 3], np.array([1, 2**63 + 5, 3], dtype=np.uint64),
        pd.array([1, 2**60, 3], dtype="Int64"), pd.array([1, 2**60, 3], dtype=pd.ArrowDtype(pa.int64())),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("name", "of"), [("population", "communities"), ("cost", "candidates")])
def test_numbers_that_are_not_exact_are_refused_by_row(cells: Any, name: str, of: str) -> None:
    with pytest.raises(LayerError, match=f'"{name}" is 9,007,199,254,740,992 or more in 1 of 3 rows: "b: .*not exact'):
        check_layer(frame(name, cells), of)


def test_sums_that_are_not_exact_are_refused() -> None:
    with pytest.raises(LayerError, match=r'"population" adds up to 9.01e\+15; from 2\^53 on sums are not exact'):
        check_layer(frame("population", [2**52, 2**52, 1]), "communities")
    assert check_layer(frame("population", [2**52, 2**52 - 1]), "communities")["population"].sum() == 2**53 - 1


@pytest.mark.parametrize(
    "cells",
    [[1, np.inf, 3], [1, -np.inf, 3], ["1", "inf", "3"], [1, 10**400, 3], [2, True, 3], [1, 2j, "3"], [1, {}, 3]],
)
def test_what_is_no_number_is_refused_by_row(cells: list[Any]) -> None:
    with pytest.raises(LayerError, match=r'"population" is not a number in 1 of 3 rows: "b: '):
        check_layer(frame("population", np.array([*cells, None], dtype=object)[:3]), "communities")


def test_complex_numbers_and_flags_are_no_counts() -> None:
    for cells in (np.array([1, 2j]), np.array([True, False])):
        with pytest.raises(LayerError, match="is not a number in 2 of 2 rows"):
            check_layer(frame("population", cells), "communities")
