"""Each way a layer can be wrong is told with its rows, and what is right comes out in canonical form."""

from __future__ import annotations

import logging
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from siting.data import check_layer, load_sample
from siting.data.values import flag_of, number_of, parse_numbers, share_of, text_of, texts, trim
from siting.errors import LayerError, SitingError


def layer(crs: Any = "EPSG:4326", geometry: Any = None, **columns: Any) -> gpd.GeoDataFrame:
    columns = columns or {"id": ["a", "b", "c"]}
    rows = len(next(iter(columns.values())))
    if geometry is None:
        geometry = [shapely.Point(120 + n / 100, 29) for n in range(rows)]
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=crs)


def communities(crs: Any = "EPSG:4326", geometry: Any = None, **columns: Any) -> gpd.GeoDataFrame:
    return layer(crs, geometry, **{"id": ["a", "b", "c"], "population": [10, 20, 30], **columns})


def faults(frame: Any, role: Any = "communities", **options: Any) -> tuple[str, ...]:
    with pytest.raises(LayerError) as caught:
        check_layer(frame, role, **options)
    return tuple(map(str, caught.value.faults))


def fault(frame: Any, role: Any = "communities", **options: Any) -> str:
    (only,) = faults(frame, role, **options)
    return only


# --- rows that sum up others


@pytest.mark.parametrize(
    ("word", "named"),
    [
        ("合计", True), ("总 计", True), ("小　计：", True), ("东街道小计", True), ("合计（3个小区）", True),
        ("Total", True), ("全县", True), ("全福小区", False), ("会计小区", False), ("总计划楼", False),
        ("totally", False), ("设计院宿舍", False),
    ],
)  # fmt: skip
def test_a_sum_is_no_community(word: str, named: bool) -> None:
    """The total of a table has a place on the map as easily as any row; counted, it doubles the population."""
    frame = communities(name=["甲", "乙", word])
    if named:
        assert f'1 of 3 rows are totals of others: "c: {word}"; remove them' in fault(frame)
    else:
        assert check_layer(frame, "communities")["name"].tolist() == ["甲", "乙", word]


def test_a_sum_is_found_in_any_column_and_its_cells_are_no_faults() -> None:
    frame = communities(
        geometry=[shapely.Point(120, 29), shapely.Point(120.01, 29), None],
        id=["1", "2", "合计"], population=[10, -1, None], 序号=["1", "2", "合计"], 备注=["含A、B两处合计", "", ""],
    )  # fmt: skip
    told = faults(frame)
    assert told[0].startswith('1 of 3 rows are totals of others: "合计"; ')
    assert told[1:] == ('"population" is negative in 1 of 2 rows: "2: -1.0"; correct them',)
    by_other = layer(序号=["1", "2", "合计"], population=[1, 2, 3])
    assert '"communities-3: 合计"' in fault(by_other)


@pytest.mark.parametrize(("first", "rows", "told"), [(45, 10, True), (46, 10, False), (36, 9, False)])
def test_a_row_as_large_as_all_others_is_told(
    first: int, rows: int, told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """1 + 2 + … + 9 = 45: the row may be the city's."""
    people = [first, *range(1, rows)]
    frame = communities(
        id=[f"h{n}" for n in range(rows)], population=people, name=["某市", *"甲乙丙丁戊己庚辛壬"[: rows - 1]]
    )
    assert len(check_layer(frame, "communities")) == rows
    assert ('"population" of "h0: 某市" is as much as of all other rows together, 45; if it is' in caplog.text) == told


# --- the canonical form


def test_canonical_form() -> None:
    frame = layer(
        extra=[1.5, 2.5],
        **{"60岁以上": ["1", ""], "小区名称": [" 甲 ", None], "人口": [5, 6], "编号": ["01", "02"]},
        建设状态=["新建", "既有"],
        需求较低=["是", 0],
    ).rename_geometry("geom")
    before = frame.copy()
    out = check_layer(frame, "communities", missing="zero")
    assert list(out.columns) == ["name", "population", "elderly", "build_status", "low_demand", "extra", "geometry"]
    assert out.index.name == "id"
    assert list(out.index) == ["01", "02"]
    assert out["name"].tolist() == ["甲", ""]
    assert out["build_status"].tolist() == ["new", "existing"]
    assert out["elderly"].tolist() == [1, 0]
    assert out["low_demand"].tolist() == [True, False]
    kinds = [str(out[c].dtype) for c in ("name", "population", "elderly", "low_demand")]
    assert kinds == [str(pd.Series(["text"]).dtype), "int64", "int64", "bool"]
    assert out.crs == frame.crs
    pd.testing.assert_frame_equal(pd.DataFrame(frame), pd.DataFrame(before))


def test_checking_twice_changes_nothing() -> None:
    once = check_layer(communities(常住=[1, 2, 3]), "communities", columns={"population": "常住"})
    pd.testing.assert_frame_equal(pd.DataFrame(once), pd.DataFrame(check_layer(once, "communities")))


def test_attrs_come_along() -> None:
    frame = communities()
    frame.attrs["notice"] = {"zh": "合成"}
    assert check_layer(frame, "communities").attrs == frame.attrs


def test_all_faults_are_told_at_once() -> None:
    frame = communities(crs=None, id=["a", "a", ""], population=[-1, "x", 3], households=[1.5, 2, 3])
    found = faults(frame, name="小区.csv")
    assert len(found) == 6
    with pytest.raises(LayerError, match=r"小区\.csv: 6 faults\n  - has no CRS"):
        check_layer(frame, "communities", name="小区.csv")


def test_no_more_than_five_ids_are_named() -> None:
    frame = layer(id=[f"r{n}" for n in range(9)], population=[-1] * 9)
    assert 'in 9 of 9 rows: "r0: -1", "r1: -1", "r2: -1", "r3: -1", "r4: -1" and 4 more' in fault(frame)


def test_an_odd_policy_is_refused() -> None:
    with pytest.raises(SitingError, match='choose "raise" or "zero"'):
        check_layer(communities(), "communities", missing="drop")  # type: ignore[arg-type]


# --- columns


def test_a_required_column_is_absent() -> None:
    text = fault(layer(id=["a"], 居民=[3]))
    for part in (
        '"population" (常住人口, persons)',
        '"总人口"',
        'found are "id", "居民"',
        'columns={"population": "…"}',
    ):
        assert part in text


def test_brackets_that_are_no_unit_are_not_passed_over() -> None:
    assert 'was "人口（户籍）" meant?' in fault(layer(id=["a"], **{"人口（户籍）": [3]}))


def test_a_doubtful_optional_column_is_told(caplog: pytest.LogCaptureFixture) -> None:
    out = check_layer(layer(id=["a"], **{"造价（美元）": [30000]}), "candidates")
    assert list(out.columns) == ["造价（美元）", "geometry"]
    assert '"造价（美元）" was not taken as "cost"' in caplog.text


def test_two_sources_for_one_column() -> None:
    frame = layer(id=["a"], 人口=[3], 常住人口=[4])
    text = fault(frame)
    assert '"人口", "常住人口" could each be "population"' in text
    assert 'columns={"population": "人口"}' in text
    out = check_layer(frame, "communities", columns={"population": "常住人口"})
    assert out["population"].tolist() == [4]
    assert out["人口"].tolist() == [3]


def test_the_canonical_name_is_no_answer_to_two_sources() -> None:
    assert "could each be" in fault(communities(人口=[1, 2, 3]))


def test_a_column_passed_over_loses_the_canonical_name(caplog: pytest.LogCaptureFixture) -> None:
    out = check_layer(communities(register=[1, 2, 3]), "communities", columns={"population": "register"})
    assert out["population"].tolist() == [1, 2, 3]
    assert out["population_source"].tolist() == [10, 20, 30]
    assert 'kept as "population_source"' in caplog.text


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"population": "人数"}, 'no such column; found are "id", "population"'),
        ({"人数": "population"}, 'write columns={"population": "人数"}'),
        ({"beds": "id"}, 'names "beds", which is no column of role "communities"'),
        ({"population": "population", "households": "population"}, 'takes "population" twice'),
    ],
)
def test_choices_that_cannot_be(columns: dict[str, str], message: str) -> None:
    assert any(message in text for text in faults(communities(), columns=columns))


def test_columns_that_stand_twice() -> None:
    frame = communities(a=[1, 2, 3], b=[1, 2, 3]).rename(columns={"b": "a"})
    assert 'columns occur twice: "a"' in fault(frame)


def test_half_a_character_in_an_id_is_named() -> None:
    frame = communities(id=pd.Series(["a", "\ud800", "c"], dtype=object))
    assert fault(frame) == '1 id holds half a character: rows "2"; read them in their encoding'


def test_headings_of_several_levels_are_refused() -> None:
    frame = communities()
    frame.columns = pd.MultiIndex.from_product([frame.columns, ["2025"]])
    assert "headings of several levels; give each column one name" in fault(frame)


def test_no_geometry() -> None:
    assert "has no geometry" in fault(pd.DataFrame({"population": [1]}))


# --- ids


@pytest.mark.parametrize(
    ("given_ids", "expected"),
    [
        (["001", "002", "003"], ["001", "002", "003"]),
        ([7, 8, 9], ["7", "8", "9"]),
        ([7.0, 8.0, 9.0], ["7", "8", "9"]),
        (["110101199001011234", "b", "c"], ["110101199001011234", "b", "c"]),
        ([" 1", "2　", "\ufeff3"], ["1", "2", "3"]),
    ],
)
def test_ids_become_text(given_ids: list[Any], expected: list[str]) -> None:
    """Row 13: ids are text, with their leading zeros and all their digits."""
    assert list(check_layer(communities(id=given_ids), "communities").index) == expected


def test_ids_that_are_0_in_every_row_are_none(caplog: pytest.LogCaptureFixture) -> None:
    out = check_layer(communities(Id=[0, 0, 0]).drop(columns="id"), "communities")
    assert list(out.index) == ["communities-1", "communities-2", "communities-3"]
    assert out["id_source"].tolist() == [0, 0, 0]
    assert "the ids are 0 in every row" in caplog.text
    assert "id" not in out.attrs.get("understood", {}).values()
    assert 'ids occur more than once: "0"' in fault(communities(Id=[0, 0, 1]).drop(columns="id"))


def test_trimming_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Row 16: "001 " is "001", and that is said."""
    with caplog.at_level(logging.INFO, "siting"):
        check_layer(communities(id=["001 ", "002", " 003"]), "communities")
    assert "white space around 2 ids was trimmed" in caplog.text


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["001", "001 ", "b"], 'ids occur more than once: "001"; every id must be unique'),
        (["", "b", "c"], '1 id is empty: rows "1"'),
        ([None, "b", "c"], '1 id is empty: rows "1"'),
        ([1.0, 2.0, float("nan")], '1 id is empty: rows "3"'),
        ([1.0, 2.5, 3.0], 'ids are numbers with a fraction: "2.5"'),
        ([1.1010119900101123e17, 2.0, 3.0], 'have lost digits: "110101199001011232"'),
    ],
)
def test_ids_that_name_no_row(ids: list[Any], message: str) -> None:
    """Row 16: duplicate and empty ids."""
    assert message in fault(communities(id=ids))


def test_the_index_can_hold_the_ids() -> None:
    frame = communities().drop(columns="id")
    assert list(check_layer(frame.set_axis([5, 6, 7]), "communities").index) == ["5", "6", "7"]
    assert list(check_layer(frame.rename_axis("id"), "communities").index) == ["0", "1", "2"]
    edges = frame.set_axis(pd.MultiIndex.from_tuples([(1, 2, 0), (2, 3, 0), (3, 4, 1)]))
    assert list(check_layer(edges, "communities").index) == ["1-2-0", "2-3-0", "3-4-1"]


def test_the_index_and_a_column_cannot_both_hold_them() -> None:
    assert "has the ids twice" in fault(communities().rename_axis("id"))
    out = check_layer(communities(代码=["x", "y", "z"]).drop(columns="id").rename_axis("id"), "communities")
    assert list(out.index) == ["0", "1", "2"]
    assert out["代码"].tolist() == ["x", "y", "z"]
    chosen = check_layer(
        communities(代码=["x", "y", "z"]).drop(columns="id").rename_axis("id"), "communities", columns={"id": "代码"}
    )
    assert list(chosen.index) == ["x", "y", "z"]


def test_ids_are_made_when_there_are_none(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "siting"):
        out = check_layer(communities().drop(columns="id"), "communities")
    assert list(out.index) == ["communities-1", "communities-2", "communities-3"]
    assert "has no ids; they were made" in caplog.text


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        # no month and no sign of a spreadsheet's dates and powers, which are refused
        st.text(st.characters(codec="utf-8", exclude_characters="\0月-/+"), min_size=1).map(trim).filter(bool),
        min_size=1,
        unique=True,
    )
)
def test_space_around_ids_never_matters(ids: list[str]) -> None:
    """Row 16: whatever the id, the space around it is not part of it."""
    frame = layer(id=[f" \u3000{value}\t" for value in ids], population=[1] * len(ids))
    assert list(check_layer(frame, "communities").index) == ids


# --- numbers


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("1,200", 1200),
        ("３００", 300),
        ("1，200", 1200),
        ("1 200", 1200),
        (" 7 ", 7),
        ("1.0", 1),
        ("1e3", 1000),
        (5.0, 5),
    ],
)
def test_numbers_are_understood(cell: Any, number: int) -> None:
    """Row 14: NFKC and thousands marks."""
    out = check_layer(communities(population=["0", "0", cell]), "communities")
    assert out["population"].tolist() == [0, 0, number]
    assert out["population"].dtype == np.int64


@pytest.mark.parametrize("cell", ["约50", "-", "abc", "1,20", "12 34", "1.2.3", "inf", "nan", "5人", float("inf")])
def test_what_is_no_number_is_listed(cell: Any) -> None:
    """Rows 14 and 17: the rest is listed by row and refused."""
    text = fault(communities(population=[1, 2, cell]), missing="zero")
    assert text.startswith('"population" is not a number in 1 of 3 rows: ')
    assert f'"c: {cell}"' in text


@pytest.mark.parametrize("cell", [None, "", float("nan"), "  "])
def test_missing_numbers_need_a_policy(cell: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Row 17: missing values are refused unless the user asks for zero, which is told."""
    frame = communities(population=[1, 2, cell])
    assert 'missing in 1 of 3 rows: "c"; fill it, or count it as 0 with missing="zero"' in fault(frame)
    assert check_layer(frame, "communities", missing="zero")["population"].tolist() == [1, 2, 0]
    assert '"population" was missing in 1 row and is counted as 0' in caplog.text


@pytest.mark.parametrize("cell", [-5, "-5", "−5"])
def test_negative_numbers_are_refused(cell: Any) -> None:
    """Row 17: a negative number is not a missing one."""
    for policy in ("raise", "zero"):
        assert f'"population" is negative in 1 of 3 rows: "b: {cell}"' in fault(
            communities(population=[1, cell, 3]), missing=policy
        )


def test_counts_are_whole() -> None:
    assert check_layer(communities(population=[1, 2, 3 + 1e-12]), "communities")["population"].tolist() == [1, 2, 3]
    assert '"population" is not whole in 1 of 3 rows: "c: 2.5"' in fault(communities(population=[1, 2, 2.5]))


def test_nullable_numbers() -> None:
    frame = communities(population=pd.array([1, 2, None], dtype="Int64"))
    assert 'missing in 1 of 3 rows: "c"' in fault(frame)


def test_a_street_may_be_without_length() -> None:
    """Rows 17 and 25: a missing length is left to the geometry, a negative one refused."""
    lines = [shapely.LineString([(120, 29), (120.001, 29)])] * 2
    frame = layer(geometry=lines, id=["a", "b"], length=[100.0, np.nan])
    out = check_layer(frame, "streets", missing="zero")
    assert out["length"].isna().tolist() == [False, True]
    assert '"length" is negative' in fault(frame.assign(length=[1.0, -1.0]), "streets")


@given(st.integers(0, 10**12))
def test_numbers_survive_their_writing(number: int) -> None:
    """Row 14: however a whole number is written, it is read as itself."""
    wide = str(number).translate({ord("0") + n: ord("０") + n for n in range(10)})
    for text in (str(number), f"{number:,}", wide, f" {number:,} ".replace(",", "，"), f"{number}.0", f"+{number}"):
        assert number_of(text) == number


@given(st.lists(st.floats(0, 1e15)))
def test_floats_survive_their_writing(numbers: list[float]) -> None:
    parsed = parse_numbers(pd.Series([repr(n) for n in numbers], dtype=object))
    assert parsed.numbers.tolist() == numbers
    assert not parsed.bad.any()


@given(st.text())
def test_any_text_is_a_number_or_refused(text: str) -> None:
    parsed = parse_numbers(pd.Series([text], dtype=object))
    assert parsed.bad[0] or parsed.missing[0] or np.isfinite(parsed.numbers[0])


# --- flags, categories, parts


@pytest.mark.parametrize(
    ("cells", "flags"),
    [
        (["是", "否", "有"], [True, False, True]),
        (["无", "1", "0"], [False, True, False]),
        (["TRUE", "false", "Ｙ"], [True, False, True]),
        ([1, 0, 1.0], [True, False, True]),
        ([True, False, True], [True, False, True]),
    ],
)
def test_flags(cells: list[Any], flags: list[bool]) -> None:
    out = check_layer(communities(low_demand=cells), "communities")
    assert out["low_demand"].tolist() == flags
    assert out["low_demand"].dtype == bool


def test_flags_that_say_neither() -> None:
    assert 'is not yes or no in 1 of 3 rows: "c: 也许"' in fault(communities(low_demand=["是", "否", "也许"]))
    assert '"low_demand" is missing in 1 of 3 rows: "c"' in fault(communities(low_demand=["是", "否", None]))
    told = fault(communities(low_demand=[2, 0, 1]))
    assert 'is not yes or no in 1 of 3 rows: "a: 2"; write 是 or 否' in told
    assert "or say in a mapping, under [flags], what means yes" in told


def test_unknown_categories_are_listed() -> None:
    text = fault(communities(kind=["小区", "estate", "城堡"]))
    assert '"kind" has unknown values in 1 of 3 rows: "c: 城堡"' in text
    assert "village (村、" in text


def test_an_empty_category_is_unknown_to_none() -> None:
    assert check_layer(communities(kind=["村", None, "Park"]), "communities")["kind"].tolist() == [
        "village",
        "",
        "park",
    ]


def test_services_are_joined_and_a_third_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    frame = layer(id=["a", "b", "c"], services=["养老、托育", "childcare; eldercare", "托育，culture"])
    with caplog.at_level(logging.INFO, "siting"):
        out = check_layer(frame, "candidates")
    assert out["services"].tolist() == ["childcare;eldercare", "childcare;eldercare", "childcare;culture"]
    assert '"services" holds unknown words' in caplog.text
    assert '"c: 托育，culture"' in caplog.text


@pytest.mark.parametrize(
    ("role", "part", "whole"),
    [
        ("communities", "elderly", "population"),
        ("communities", "infants", "population"),
        ("eldercare", "nursing_beds", "beds"),
        ("childcare", "inclusive_places", "places"),
    ],
)
def test_a_part_is_not_above_its_whole(role: str, part: str, whole: str) -> None:
    frame = layer(id=["a", "b"], **{whole: [10, 10], part: [10, 11]})
    assert f'"{part}" is above "{whole}", of which it is a part, in 1 row: "b: 11 > 10"' in fault(frame, role)


WORDS = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from([" a", "b　", "\ufeffc", "\x1c", ""])
CELLS = {
    "str": st.lists(WORDS | st.none()),
    "object": st.lists(
        WORDS | st.none() | st.integers() | st.booleans() | st.floats(-1e6, 1e6) | st.lists(WORDS, max_size=2)
    ),
    "category": st.lists(WORDS | st.none()),
    "int64": st.lists(st.integers(-(2**63), 2**63 - 1)),
    "Int64": st.lists(st.integers(-(2**63), 2**63 - 1) | st.none()),
    "float64": st.lists(st.floats() | st.integers(-(10**15), 10**15).map(float)),
    "bool": st.lists(st.booleans()),
    "boolean": st.lists(st.booleans() | st.none()),
    "datetime64[ns]": st.lists(
        st.datetimes(min_value=pd.Timestamp("1900-01-01"), max_value=pd.Timestamp("2200-01-01"))
    ),
}


@pytest.mark.slow
@settings(deadline=None, max_examples=250)
@given(st.sampled_from(sorted(CELLS)).flatmap(lambda kind: st.tuples(st.just(kind), CELLS[kind])))
def test_whole_columns_say_what_their_cells_say(column: tuple[str, list[Any]]) -> None:
    kind, cells = column
    series = pd.Series(cells, dtype=kind)
    expected = [text_of(cell) for cell in series.astype(object)]
    found = texts(series)
    assert found.listed == expected
    spaced = [isinstance(old, str) and old != new for old, new in zip(series.astype(object), expected, strict=True)]
    assert found.trimmed == sum(spaced)
    if kind != "object":  # an index of lists cannot be
        assert texts(pd.Index(series)).listed == expected


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from([("number", number_of), ("share", share_of), ("flag", flag_of)]),
    st.sampled_from(["str", "object", "category"]),
    st.lists(
        WORDS
        | st.none()
        | st.sampled_from(["1,200", "３００", "-5.50", "+1e3", "45%", "是", "No", "0", "1.0", "1e400"])
    ),
)
def test_whole_columns_hold_the_numbers_of_their_cells(reader: Any, kind: str, cells: list[str | None]) -> None:
    what, read = reader
    series = pd.Series(cells, dtype=kind)
    parsed = parse_numbers(series, what)
    for row, cell in enumerate(series.astype(object).where(series.notna(), None)):
        try:
            number = read(cell)
        except ValueError:
            number = np.inf
        assert parsed.bad[row] == np.isinf(number)
        assert parsed.missing[row] == np.isnan(number)
        if np.isfinite(number):
            assert parsed.numbers[row] == number


def test_text_of_odd_things() -> None:
    frame = layer(id=["a", "b"], geometry=[shapely.LineString([(120, 29), (120.1, 29)])] * 2)
    frame["highway"] = pd.Series([["primary", "link"], 5.0], dtype=object)
    assert check_layer(frame, "streets")["highway"].tolist() == ["primary;link", "5"]


# --- geometry


def test_no_crs() -> None:
    """Row 1: a layer without a CRS."""
    text = fault(communities(crs=None))
    assert "has no CRS" in text
    assert 'crs="EPSG:4549"' in text


def test_a_local_system_is_refused() -> None:
    local = 'LOCAL_CS["plan",UNIT["metre",1]]'
    assert "without a location on the earth" in fault(communities(crs=local))


def test_an_empty_layer() -> None:
    """Row 19: an empty layer."""
    assert fault(communities().iloc[:0]) == "has no rows"


def test_rows_without_geometry_are_named() -> None:
    """Row 19: None, empty, NaN and infinite geometry."""
    shapes = [None, shapely.Point(), shapely.Point(float("inf"), 29.0)]
    none, endless = faults(communities(geometry=shapes))
    assert '2 of 3 rows have no geometry, or one that cannot be read: "a", "b"' in none
    assert '1 of 3 rows have coordinates that are NaN or infinite: "c"' in endless


def test_nan_coordinates_are_refused() -> None:
    """Row 19: NaN coordinates."""
    with np.errstate(invalid="ignore"):
        line = shapely.LineString([(120, 29), (np.nan, 29)])
    assert '"a"' in fault(layer(id=["a"], geometry=[line]), "streets")


BOWTIE = shapely.Polygon([(0, 0), (100, 100), (100, 0), (0, 100)])
SQUARE = shapely.box(0, 0, 100, 100)


def on_grid(*shapes: Any) -> list[Any]:
    """Move shapes drawn in metres to 120°E, about 29°N in EPSG:4549."""
    return [shapely.transform(shape, lambda xy: xy + np.array([500000, 3200000])) for shape in shapes]


def test_a_polygon_that_crosses_itself_is_mended(caplog: pytest.LogCaptureFixture) -> None:
    """Row 20: made valid, the change of area told."""
    frame = layer("EPSG:4549", on_grid(SQUARE, BOWTIE), id=["a", "b"])
    out = check_layer(frame, "districts")
    assert out.area.tolist() == pytest.approx([10000, 5000])
    assert out.is_valid.all()
    assert '1 polygon crossed itself and was made valid; area "b: 0.0 -> 5000.0 m2"' in caplog.text
    assert not frame.geometry.iloc[1].is_valid


def test_a_polygon_without_area_is_refused() -> None:
    """Row 20: what encloses nothing cannot be mended."""
    flat = shapely.Polygon([(0, 0), (100, 0), (50, 0)])
    frame = layer("EPSG:4549", on_grid(SQUARE, flat), id=["a", "b"])
    assert 'enclose no area: "b"' in fault(frame, "districts")


def test_heights_are_dropped(caplog: pytest.LogCaptureFixture) -> None:
    """Row 21: Z is ignored."""
    with caplog.at_level(logging.INFO, "siting"):
        out = check_layer(communities(geometry=[shapely.Point(120, 29, 5)] * 3), "communities")
    assert not out.has_z.any()
    assert "heights of 3 geometries were dropped" in caplog.text


def test_multi_points() -> None:
    """Row 21: one part is a point, two are refused."""
    one, two = shapely.MultiPoint([(120, 29)]), shapely.MultiPoint([(120, 29), (121, 29)])
    assert set(check_layer(communities(geometry=[one] * 3), "communities").geom_type) == {"Point"}
    assert 'with more than one part: "c"' in fault(communities(geometry=[one, one, two]))


def test_communities_may_be_mixed() -> None:
    """Row 21: points and polygons in one layer of communities."""
    here = shapely.box(120, 29, 120.01, 29.01)
    frame = communities(geometry=[here, shapely.MultiPolygon([here]), shapely.Point(120, 29)])
    assert check_layer(frame, "communities").geom_type.tolist() == ["Polygon", "MultiPolygon", "Point"]


def test_a_building_becomes_a_point_inside(caplog: pytest.LogCaptureFixture) -> None:
    """Row 21: a representative point inside, told."""
    frame = layer("EPSG:4549", on_grid(SQUARE), id=["a"], places=[10])
    with caplog.at_level(logging.INFO, "siting"):
        out = check_layer(frame, "childcare")
    assert out.geometry.iloc[0].within(frame.geometry.iloc[0])
    assert "1 polygons became points inside them" in caplog.text


def test_other_kinds_are_refused() -> None:
    """Row 21: kinds of geometry that the role does not take."""
    line = shapely.LineString([(120, 29), (120.1, 29)])
    assert 'role "communities" takes Point or Polygon, not LineString: "c"' in fault(
        communities(geometry=[shapely.Point(120, 29), shapely.Point(120, 29), line])
    )
    mixed = shapely.GeometryCollection([line, shapely.Point(120, 29)])
    assert "not GeometryCollection" in fault(layer(id=["a"], geometry=[mixed]), "streets")
    assert "not Point" in fault(layer(id=["a"]), "districts")


def test_lines_of_several_parts_are_split(caplog: pytest.LogCaptureFixture) -> None:
    """Row 21: parts get rows of their own; a length is shared out, not repeated."""
    two = shapely.MultiLineString([[(0, 0), (100, 0)], [(200, 0), (500, 0)]])
    one = shapely.MultiLineString([[(0, 0), (0, 50)]])
    frame = layer("EPSG:4549", on_grid(two, one), id=["a", "b"], length=[440.0, 55.0], highway=["path", "steps"])
    with caplog.at_level(logging.INFO, "siting"):
        out = check_layer(frame, "streets")
    assert list(out.index) == ["a-1", "a-2", "b"]
    assert out.index.name == "id"
    assert out["length"].tolist() == pytest.approx([110, 330, 55])
    assert out["highway"].tolist() == ["path", "path", "steps"]
    assert set(out.geom_type) == {"LineString"}
    assert "1 lines of several parts were split" in caplog.text


def test_a_split_line_may_not_take_an_id() -> None:
    two = shapely.MultiLineString([[(0, 0), (100, 0)], [(200, 0), (500, 0)]])
    line = shapely.LineString([(0, 0), (0, 50)])
    frame = layer("EPSG:4549", on_grid(two, line), id=["a", "a-1"])
    assert 'more than once: "a-1"' in fault(frame, "streets")


# --- coordinates that do not fit the CRS


@pytest.mark.parametrize(("lon", "lat"), [(29.0, 120.0), (39.5, 75.0), (31.0, 88.0)])
def test_swapped_degrees(lon: float, lat: float) -> None:
    """Row 4: latitude and longitude swapped, also where both could be latitudes."""
    text = fault(communities(geometry=[shapely.Point(lon, lat)] * 3))
    assert "longitude and latitude look swapped" in text


def test_swapped_projected_coordinates() -> None:
    """Row 4: northing and easting swapped, as surveyors write them."""
    text = fault(communities("EPSG:4549", [shapely.Point(3200000, 500000)] * 3))
    assert "x and y look swapped" in text


def test_places_outside_china_are_no_swap() -> None:
    out = check_layer(communities(geometry=[shapely.Point(13.4, 52.5)] * 3), "communities")
    assert len(out) == 3


@pytest.mark.parametrize(
    ("easting", "crs", "fits"),
    [
        (40509629, "EPSG:4549", "EPSG:4528"),
        (38509629, "EPSG:4547", "EPSG:4526"),
        (38509629, "EPSG:4527", "EPSG:4526"),
        (40509629, "EPSG:4326", "EPSG:4528"),
        (20509629, "EPSG:4549", "EPSG:4498"),
    ],
)
def test_zone_prefixed_eastings(easting: float, crs: str, fits: str) -> None:
    """Row 6: the zone CRS that fits is named."""
    text = fault(communities(crs, [shapely.Point(easting, 3200000)] * 3))
    assert f"set {fits} (CGCS2000 / " in text


def test_an_easting_without_the_prefix_of_its_zone() -> None:
    """Row 6, the other way round."""
    text = fault(communities("EPSG:4528", [shapely.Point(509629, 3200000)] * 3))
    assert "carries no zone number: set EPSG:4549" in text


def test_a_wrong_zone() -> None:
    """Row 7: Urumqi (87.6°E) in the zone of 120°E lies outside the area of use."""
    text = fault(communities("EPSG:4549", [shapely.Point(-2106363, 5300000)] * 3))
    assert "all rows lie outside the area of EPSG:4549 (CGCS2000 / 3-degree Gauss-Kruger CM 120E)" in text


@pytest.mark.parametrize("crs", ["EPSG:32760", "EPSG:32701"])
def test_a_layer_goes_on_beyond_the_date_line(crs: str) -> None:
    """Where the zone ends at 180 degrees, as the neighbouring zones of UTM do, too."""
    towns = gpd.GeoSeries.from_xy([179.9, -179.95], [-17.0, -17.0], crs=4326).to_crs(crs)
    check_layer(communities(crs, [towns.iloc[0], towns.iloc[1], towns.iloc[1]]), "communities")


def test_one_stray_row_is_named() -> None:
    """Row 7: rows, not just layers."""
    here, stray = shapely.Point(500000, 3200000), shapely.Point(-2106363, 5300000)
    assert 'rows "b" lie outside' in fault(communities("EPSG:4549", [here, stray, here]))


def test_metres_labelled_degrees() -> None:
    """Row 8: metres in a layer that says EPSG:4326."""
    text = fault(communities(geometry=[shapely.Point(509629, 3200000)] * 3))
    assert "EPSG:4326 (WGS 84) is in degrees" in text
    assert "these look like metres: set the projected CRS" in text


def test_degrees_labelled_metres() -> None:
    """Row 3: degrees in a layer that says metres."""
    text = fault(communities("EPSG:4549", [shapely.Point(120, 29)] * 3))
    assert "these look like degrees: set EPSG:4326" in text


def test_the_neighbouring_zone_is_near_enough() -> None:
    """A prefecture wider than its zone is no fault: 3 degrees of margin."""
    moved = gpd.GeoSeries.from_xy([123.0], [29.0], crs="EPSG:4326").to_crs("EPSG:4549")
    assert len(check_layer(layer("EPSG:4549", moved.tolist(), id=["a"]), "candidates")) == 1


def test_a_crs_across_the_date_line() -> None:
    fiji = gpd.GeoSeries.from_xy([179.9, -179.9], [-17.0, -17.0], crs="EPSG:4326").to_crs("EPSG:3460")
    assert len(check_layer(layer("EPSG:3460", fiji.tolist(), id=["a", "b"]), "candidates")) == 2


def test_a_negative_whole_is_no_fault_of_its_part() -> None:
    assert '"population" is negative in 1 of 2 rows' in fault(layer(population=[-5, 10], elderly=[1, 10]))


@pytest.mark.parametrize("kind", ["Int64", "int64[pyarrow]"])
def test_a_missing_whole_beside_its_part_names_the_row(kind: str) -> None:
    """A nullable column stays as it is when it has errors, and is compared with others."""
    homes = load_sample()["communities"]
    homes["population"] = pd.array([None, *homes["population"][1:]], dtype=kind)
    with pytest.raises(LayerError, match='"population" is missing in 1 of 316 rows: "C001"'):
        check_layer(homes, "communities")
