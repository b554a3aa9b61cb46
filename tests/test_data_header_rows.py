"""Title rows, headers of several rows, and columns of row numbers in tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from siting.data import read_layer
from siting.errors import LayerError, SitingError

ROWS = "编号,名称,常住人口,经度,纬度\n1,甲,120,120.0,29\n2,乙,80,120.01,29\n"


def written(folder: Path, text: str) -> Path:
    file = folder / "a.csv"
    file.write_text(text, encoding="utf-8")
    return file


def refused(file: Path, **options: Any) -> str:
    with pytest.raises(LayerError) as caught:
        read_layer(file, "communities", **options)
    return str(caught.value)


@pytest.mark.parametrize(
    "title", ["金华市小区人口表\n", "金华市小区人口表\n制表：某某科,,2025年\n", "\n金华市小区人口表,,,,\n"]
)
def test_the_error_of_a_title_names_the_key_that_mends_it(
    tmp_path: Path, title: str, caplog: pytest.LogCaptureFixture
) -> None:
    file, above = written(tmp_path, title + ROWS), title.count("\n")
    assert f"leave them out with skip_rows={above}: row {above + 1} seems to be the header" in refused(file)
    assert read_layer(file, "communities", skip_rows=above)["population"].tolist() == [120, 80]
    rows = "row 1 is" if above == 1 else f"rows 1 to {above} are"
    assert f'{rows} left out: "金华市小区人口表"' in caplog.text


@pytest.mark.parametrize("title", ["小区表,\n单位：万人,\n", "小区表（单位：万人）,\n", "小区表,,单位：万人\n"])
def test_a_title_with_a_unit_is_not_left_out(tmp_path: Path, title: str) -> None:
    """Nobody would see that the numbers are 10,000 times too small."""
    above = title.count("\n")
    file = written(tmp_path, title + ROWS)
    assert f'row {above} says that the table is in "万人"; write the unit' in refused(file, skip_rows=above)
    mended = title.replace("万人", "") + ROWS.replace("常住人口", "常住人口（万人）")
    out = read_layer(written(tmp_path, mended), "communities", skip_rows=above)
    assert out["population"].tolist() == [1_200_000, 800_000]


def test_rows_are_counted_below_the_header(tmp_path: Path) -> None:
    """As a spreadsheet user finds them."""
    file = written(tmp_path, "表\n" + ROWS.replace("120.01", "x"))
    assert '"row 2: x" (rows below the header)' in refused(file, skip_rows=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"skip_rows": 3}, "skip_rows is 3, but the table has only 3 rows"),
        ({"skip_rows": -1}, "skip_rows is -1; give a whole number of rows, 0 or more"),
        ({"skip_rows": 1.5}, "skip_rows is 1.5"),
        ({"skip_rows": True}, "skip_rows is true"),
        ({"header": 0}, "header is 0; give a whole number of rows, 1 or more"),
        ({"skip_rows": 1}, "has no coordinates"),
    ],
)
def test_numbers_of_rows_that_cannot_be(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    assert message in refused(written(tmp_path, ROWS), **options)


def test_a_header_of_two_rows(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An upper name stands over the columns to its right, but not over one that begins above."""
    head = "编号,名称,人口,,位置,\n,,常住人口,60岁及以上,经度,纬度\n"
    file = written(tmp_path, "表,,,,,\n" + head + "1,甲,120,30,120.0,29\n2,乙,80,9,120.01,29\n")
    out = read_layer(file, "communities", skip_rows=1, header=2)
    assert out["population"].tolist() == [120, 80]
    assert out["elderly"].tolist() == [30, 9]
    assert list(out.index) == ["1", "2"]
    assert 'rows 2 to 3 are one header: "编号", "名称", "常住人口", "人口60岁及以上", "经度"' in caplog.text
    assert "if rows 2 to 3 are one header, read it with header=2;" in refused(file, skip_rows=1)
    head = "编号,名称,人口,,,经度,纬度\n,,常住,户籍,60岁及以上,,\n"
    below_is_short = written(tmp_path, head + "1,甲,120,99,30,120.0,29\n")
    assert "if it is row 2 alone, leave out what is above with skip_rows=1" in refused(below_is_short)
    out = read_layer(below_is_short, "communities", header=2)
    assert out[["population", "registered", "elderly"]].values.tolist() == [[120, 99, 30]]
    upper_is_short = written(tmp_path, "人口,,位置,,\n" + ROWS)
    assert "if these rows are a header of two rows, read it with header=2" in refused(upper_is_short)


def test_one_header_row_that_looks_like_a_title(tmp_path: Path) -> None:
    """Asked for, a row is the header whatever it holds."""
    file = written(tmp_path, "id,population,wkt,,,,\n1,5,POINT (120 29),,,,x\n")
    assert "seems to be" not in refused(file)
    assert 'rows "2" have cells in a column without a name' in refused(file, header=1)


def test_a_first_column_that_numbers_the_rows(tmp_path: Path) -> None:
    for name in ("", "Unnamed: 0"):
        lines = [f"{name if n == 0 else n - 1},{line}" for n, line in enumerate(ROWS.splitlines())]
        out = read_layer(written(tmp_path, "\n".join(lines)), "communities")
        assert list(out.columns) == ["name", "population", "geometry"]


def test_files_that_are_no_tables_have_no_header(tmp_path: Path) -> None:
    file = tmp_path / "a.geojson"
    file.write_text('{"type": "FeatureCollection", "features": []}', encoding="utf-8")
    for options in ({"skip_rows": 1}, {"header": 1}):
        assert "skip_rows and header are for tables, such as CSV; .geojson is none" in refused(file, **options)


def test_a_workbook_with_titles(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    for row in (["人口表"], ["单位", "个", "2025"], *[line.split(",") for line in ROWS.splitlines()]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    assert "leave them out with skip_rows=2: row 3 seems to be the header" in refused(tmp_path / "a.xlsx")
    assert read_layer(tmp_path / "a.xlsx", "communities", skip_rows=2)["population"].tolist() == [120, 80]


def test_keys_of_a_mapping(tmp_path: Path) -> None:
    file, mapping = written(tmp_path, "表\n" + ROWS.replace("120,", "约120人,")), tmp_path / "m.toml"
    mapping.write_text("skip_rows = 1\nheader = 1\nstrip_units = true\n", encoding="utf-8")
    assert read_layer(file, "communities", mapping=mapping)["population"].tolist() == [120, 80]
    assert "约120人" in refused(file, mapping=mapping, strip_units=False)
    for line, message in (("skip_rows = true", "skip_rows is true; write a whole number"),
                          ("strip_units = 1", "strip_units is 1; write true or false")):  # fmt: skip
        mapping.write_text(line, encoding="utf-8")
        with pytest.raises(SitingError, match=message):
            read_layer(file, "communities", mapping=mapping)


def test_numbers_added_up_or_in_another_unit_in_a_mapping(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Words for rounding stay with the number, and a cell with a unit of its own is in that unit."""
    text = "编号,全托,日托,占地,经度,纬度\n1,90张,约10,约2,120,29\n2,80,5个,0.5公顷,120.01,29\n3,1,2,3,120.02,29\n"
    mapping = tmp_path / "m.toml"
    mapping.write_text(
        'strip_units = true\n[columns]\nbeds = ["全托", "日托"]\nland_area = "占地"\n[units]\nland_area = "亩"\n',
        encoding="utf-8",
    )
    out = read_layer(written(tmp_path, text), "eldercare", mapping=mapping)
    assert out["beds"].tolist() == [100, 85, 3]
    assert out["land_area"].tolist() == pytest.approx([2 * 2000 / 3, 5000, 2000], abs=1e-5)
    assert 'numbers to be added up were read without the words around them: "张" (1), "约" (1), "个" (1)' in caplog.text


def test_notes_below_the_records_are_no_records(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    notes = "注：人口为 2025 年末数。,,,,\n,填表人：张某,,,\n"
    read = read_layer(written(tmp_path, ROWS + notes), "communities")
    assert read["population"].tolist() == [120, 80]
    assert 'row 4 is passed over as a note: "注：人口为 2025 年末数。"' in caplog.text
    assert "填表人：张某" in caplog.text
    assert "1 of 3 rows" in refused(written(tmp_path, ROWS + "3,,,,\n"))  # a record that lacks nearly all
    assert len(read_layer(written(tmp_path, notes.replace("注：", "") + ROWS), "communities", skip_rows=2)) == 2


def test_a_column_of_numbers_that_nobody_filled_in_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    head, *rows = ROWS.split()
    file = written(tmp_path, "\n".join([f"{head},3岁以下", *(f"{row}, " for row in rows)]))
    assert "infants" not in read_layer(file, "communities")
    assert 'columns without any value are left out: "infants"' in caplog.text
    assert read_layer(file, "communities", missing="zero")["infants"].tolist() == [0, 0]
    assert "2 of 2 rows" in refused(written(tmp_path, ROWS.replace("120,120.0", ",120.0").replace(",80,", ",,")))
