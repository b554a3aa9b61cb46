"""What is handed in: a package of a small town, whose numbers are mental arithmetic, opened by other programs."""

from __future__ import annotations

import datetime as dt
import logging
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pyogrio
import pypdf
import pytest
from PIL import Image

import siting as st
from siting import deliver
from siting.deliver import package as writing
from siting.deliver import text as texts
from siting.deliver.results import Found
from siting.deliver.rules_file import read_rules
from siting.deliver.vectors import vectors_crs, write_vectors
from siting.errors import SitingError

RECIPE = """
[study]
name = "town"
title = { zh = "小镇托育研究", en = "Childcare in a small town" }
standard = "jinhua"
year = 2025

[layers]
communities = { path = "town.gpkg", layer = "communities" }
childcare = { path = "town.gpkg", layer = "childcare" }
candidates = { path = "town.gpkg", layer = "candidates" }
streets = { path = "town.gpkg", layer = "streets" }

[[circle]]
service = "childcare"
metres = [100, 300]

[[goal]]
name = "most"
service = "childcare"
metres = 100
at_most = 1

[[goal]]
name = "all"
service = "childcare"
metres = 300
cover = 1
curve = 3
"""
NAME = "330702小镇托育设施规划"
VECTORS, TEXT, ATLAS, TABLES = "矢量数据", "规划文本", "规划图件", "规划表格"
GDB = f"{VECTORS}/{NAME}矢量数据.gdb"
SHEETS = [
    "01托育设施现状覆盖图",
    "02托育设施对标评价图",
    "03托育设施布局方案图（方案1）",
    "04托育设施布局方案图（方案2）",
]


def own_rules(folder: Path, *changes: tuple[str, str], name: str = "rules.toml") -> Path:
    """Write the rules of the library with a town's own code and name, and other changes."""
    path = deliver.write_rules(folder / f"new-{name}")
    text = path.read_text(encoding="utf-8")
    path.unlink()
    own = [('"000000"', '"330702"'), ('"示例区"', '"小镇"'), ('"养老托育服务设施布局规划"', '"托育设施规划"'),
           ('date = ""', 'date = "2026年12月"'), ('paper = "A3"', 'paper = "A4"')]  # fmt: skip
    for old, new in [*own, *changes]:
        assert old in text, old
        text = text.replace(old, new)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, layer: Any, streets: Any) -> Path:
    """A folder with the results of a study and a package of them; the text is turned into PDF by the first program."""
    folder = tmp_path_factory.mktemp("town")
    homes = layer(
        {"sw": (0, 0), "se": (500, 0), "nw": (0, 500), "ne": (500, 500)},
        population=[1000, 2000, 3000, 4000], infants=[10, 20, 30, 40], name=["甲", "乙", "丙", "丁"],
    )  # fmt: skip
    sites = layer({"s1": (500, 100), "s2": (500, 400), "s3": (0, 300)}, services=["childcare"] * 3)
    kinds = {"communities": homes, "childcare": layer({"k1": (100, 0)}, places=[20]), "candidates": sites}
    across = {f"h{i}{j}": [(100 * i, 100 * j), (100 * i + 100, 100 * j)] for i in range(5) for j in range(6)}
    along = {f"v{i}{j}": [(100 * i, 100 * j), (100 * i, 100 * j + 100)] for i in range(6) for j in range(5)}
    for name, frame in (kinds | {"streets": streets(across | along)}).items():
        st.write_layer(frame, folder / "town.gpkg", layer=name)
    (folder / "study.toml").write_text(RECIPE, encoding="utf-8")
    outcome = st.run(st.Study.from_toml(folder / "study.toml"))
    outcome.write(folder / "results")
    deliver.deliver(outcome, folder / "package", rules=own_rules(folder))
    return folder


def files_in(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.glob("*/*"))


# --- the files


@pytest.mark.slow
def test_files_are_named_by_code_name_and_title(town: Path) -> None:
    pdf = [f"{TEXT}/{NAME}文本.pdf"] if texts.office() or texts.browser() else []
    asked = [GDB, f"{TEXT}/{NAME}文本.docx", f"{ATLAS}/{NAME}图集.pdf", f"{TABLES}/{NAME}表格.xlsx", *pdf]
    assert files_in(town / "package") == sorted([*asked, *(f"{ATLAS}/330702小镇{name}.jpg" for name in SHEETS)])
    assert not [each for each in deliver.check_delivery(town / "package", rules=town / "rules.toml") if pdf]


@pytest.mark.slow
def test_layers_and_fields_are_those_of_the_rules(town: Path) -> None:
    gdb = town / "package" / GDB
    assert {str(name) for name, _ in pyogrio.list_layers(gdb)} == {"JZXQ", "TYSS", "TYFWFW", "GHDW"}
    info = pyogrio.read_info(gdb, layer="JZXQ")
    assert (info["crs"], info["geometry_type"], info["layer_metadata"]["ALIAS_NAME"]) == (
        "EPSG:4547", "Point", "居住小区",
    )  # fmt: skip
    homes = pyogrio.read_dataframe(gdb, layer="JZXQ").set_index("BH")
    # The facility is at (100, 0): 100 m from the south-west, 400 m and more from the others.
    assert homes["TYFG"].to_dict() == {"sw": "1", "se": "0", "nw": "0", "ne": "0"}
    assert homes["CZRK"].to_list() == [1000, 2000, 3000, 4000]
    assert homes.loc["sw", ["BSM", "XZQDM", "MC", "TYSS", "TYLC"]].to_list() == [
        "3307020000000001", "330702", "甲", "k1", 100.0,
    ]  # fmt: skip
    # One site within 100 m: s2 reaches the north-east. All within 300 m: each corner has one site of its own.
    sites = pyogrio.read_dataframe(gdb, layer="GHDW")
    assert {goal: sorted(rows["BH"]) for goal, rows in sites.groupby("FA")} == {
        "most": ["s2"],
        "all": ["s1", "s2", "s3"],
    }
    _, table = pyogrio.read_arrow(gdb, layer="JZXQ")
    told = table.schema.field("MC").metadata
    assert (told[b"GDAL:OGR:width"], told[b"GDAL:OGR:alternative_name"].decode()) == (b"100", "名称")


@pytest.mark.slow
def test_sheets_are_fine_and_of_the_size_of_their_paper(town: Path) -> None:
    for name in SHEETS:
        with Image.open(town / "package" / ATLAS / f"330702小镇{name}.jpg") as picture:
            assert picture.format == "JPEG"
            assert picture.info["dpi"] == (300, 300)
            assert [round(pixels / 300 * 25.4) for pixels in picture.size] == [297, 210]
    atlas = pypdf.PdfReader(town / "package" / ATLAS / f"{NAME}图集.pdf")
    sizes = {(round(float(page.mediabox.width)), round(float(page.mediabox.height))) for page in atlas.pages}
    assert (len(atlas.pages), sizes) == (4, {(842, 595)})


@pytest.mark.slow
def test_the_text_has_chapters_contents_and_heads_that_repeat(town: Path) -> None:
    read = docx.Document(str(town / "package" / TEXT / f"{NAME}文本.docx"))
    heads = [each.text for each in read.paragraphs if each.style.name == "Heading 1"]
    assert heads[:3] == ["第一章　总则", "第二章　数据与步行网络", "第三章　托育服务覆盖"]
    assert heads[-1] == "第七章　口径与参数"
    page = read.sections[0]
    assert (round(page.page_width.mm), round(page.page_height.mm), round(page.left_margin.mm)) == (210, 297, 28)
    assert page.header.paragraphs[0].text == "小镇托育设施规划"
    xml = read.element.xml
    assert 'TOC \\o "1-2"' in xml
    assert all(
        table._tbl.xml.count("<w:tblHeader") == 1 for table in read.tables if table.rows[0].cells[0].text == "图层"
    )
    assert read.styles["Normal"].element.xml.count('w:eastAsia="仿宋"') == 1
    assert len(read.inline_shapes) == 2  # the map, and the curve of the second plan


@pytest.mark.slow
def test_the_workbook_has_headings_filters_and_units(town: Path) -> None:
    book = openpyxl.load_workbook(town / "package" / TABLES / f"{NAME}表格.xlsx")
    assert book.sheetnames == [
        "覆盖情况",
        "对标结果",
        "小区",
        "方案汇总",
        "方案1点位",
        "方案2点位",
        "图层与字段",
        "值域",
    ]
    homes = book["小区"]
    row = dict(zip((cell.value for cell in homes[1]), (cell.value for cell in homes[2]), strict=True))
    assert [row[head] for head in ("编号", "名称", "托育：设施", "托育：距离（米）")] == ["sw", "甲", "k1", 100]
    coverage = book["覆盖情况"]
    assert coverage.auto_filter.ref == f"A1:{coverage.cell(1, coverage.max_column).column_letter}{coverage.max_row}"
    assert coverage.freeze_panes == "A2"
    assert "数据说明" not in row
    assert {cell.value: homes.cell(2, cell.column).number_format for cell in homes[1]}["常住人口"] == "#,##0"


# --- other programs


def test_libreoffice_opens_text_and_workbook(town: Path, office: str, tmp_path: Path) -> None:
    files = [town / "package" / TEXT / f"{NAME}文本.docx", town / "package" / TABLES / f"{NAME}表格.xlsx"]
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = [office, profile, "--headless", "--convert-to", "pdf", "--outdir", tmp_path, *files]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    text, tables = (pypdf.PdfReader(tmp_path / f"{file.stem}.pdf") for file in files)
    assert "小镇托育研究" in "".join(page.extract_text() for page in text.pages)
    sizes = {(round(float(page.mediabox.width)), round(float(page.mediabox.height))) for page in text.pages}
    assert sizes == {(595, 842)}
    assert "至最近托育设施路程" in "".join(page.extract_text() for page in tables.pages)


@pytest.mark.usefixtures("office")
def test_the_contents_of_the_pdf_have_numbers_of_pages(town: Path) -> None:
    """The PDF that is handed in was made by LibreOffice, and its contents are right."""
    pages = [page.extract_text() for page in pypdf.PdfReader(town / "package" / TEXT / f"{NAME}文本.pdf").pages]
    last = next(number for number, words in enumerate(pages, start=1) if "口径与参数" in words and number > 2)
    line = next(row for row in pages[1].splitlines() if "口径与参数" in row)
    assert line.rstrip().endswith(str(last))


@pytest.mark.slow
def test_a_browser_makes_the_pdf_where_there_is_no_libreoffice(
    town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if texts.browser() is None:
        pytest.skip("NOT CHECKED in a browser: no Chromium found; make browser installs one")
    monkeypatch.setattr(texts, "office", lambda: None)
    rules, found = read_rules(town / "rules.toml"), Found.in_folder(town / "results")
    fault = texts.write_texts(rules, found, tmp_path / "a.docx", tmp_path / "a.pdf", date="")
    assert fault is None
    words = "".join(page.extract_text() for page in pypdf.PdfReader(tmp_path / "a.pdf").pages)
    assert "总则" in words
    assert "托育服务覆盖" in words


@pytest.mark.slow
def test_without_a_program_for_pdf_the_rest_is_whole(
    town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(texts, "office", lambda: None)
    monkeypatch.setattr(texts, "browser", lambda: None)
    rules = own_rules(tmp_path, ("dpi = 300", "dpi = 72"))
    with caplog.at_level(logging.WARNING):
        written = deliver.deliver(town / "results", tmp_path / "package", rules=rules)
    assert "neither LibreOffice nor Edge or Chrome" in caplog.text
    assert set(written) == {"vectors.gdb", "text.docx", "atlas.pdf", "tables.xlsx"}
    assert [each.text("en") for each in deliver.check_delivery(tmp_path / "package", rules=rules)] == [
        f"{TEXT}/{NAME}文本.pdf: is missing"
    ]


# --- the check


def rewritten(town: Path, package: Path, *changes: tuple[str, str], shift: float = 0.0, **values: Any) -> None:
    """Write the vectors of a package anew by other rules, or with other values of the communities."""
    rules, found = read_rules(own_rules(package.parent, *changes, name="other.toml")), Found.in_folder(town / "results")
    homes = found.layers["communities"].assign(**values)
    homes.geometry = homes.translate(shift)
    found.__dict__["layers"] = {**found.layers, "communities": homes}
    shutil.rmtree(package / GDB)
    assert write_vectors(rules, found, package / GDB, vectors_crs(rules, Found.in_folder(town / "results"))) == []


def resaved(package: Path, name: str, change: Callable[[Any], Any], dpi: int | None = 300) -> None:
    file = package / ATLAS / f"330702小镇{name}.jpg"
    with Image.open(file) as picture:
        picture.load()
        options = {} if dpi is None else {"dpi": (dpi, dpi)}
        change(picture).save(file, **options)


def moved(package: Path, old: str, new: str) -> None:
    (package / old).rename(package / new)


JZXQ = f"{GDB}, layer JZXQ"
LONG, PEOPLE = '"名称", type = "text", length = 100', '"常住人口（人）", type = "whole"'
MUTATIONS: dict[str, tuple[Callable[[Path, Path], None], list[str]]] = {
    "field renamed": (
        lambda town, package: rewritten(town, package, ('name = "MC"', 'name = "MINGCHENG"')),
        [f"{JZXQ}, field MC: the field is missing", f"{JZXQ}, field MINGCHENG: the rules know no such field"],
    ),
    "field shorter": (
        lambda town, package: rewritten(town, package, (LONG, LONG.replace("100", "60"))),
        [f"{JZXQ}, field MC: has the length 60, not 100"],
    ),
    "type changed": (
        lambda town, package: rewritten(town, package, (PEOPLE, PEOPLE.replace("whole", "number"))),
        [f"{JZXQ}, field CZRK: is of type numbers, not whole numbers"],
    ),
    "alias changed": (
        lambda town, package: rewritten(town, package, ('alias = "婴幼儿（人）"', 'alias = "婴儿"')),
        [f'{JZXQ}, field YYE: has the alias "婴儿", not "婴幼儿（人）"'],
    ),
    "layer renamed": (
        lambda town, package: rewritten(town, package, ('name = "JZXQ"', 'name = "XQ"')),
        [f"{GDB}, layer XQ: the rules know no such layer", f"{JZXQ}: the layer is missing"],
    ),
    "another code": (
        lambda town, package: rewritten(town, package, ('value = "{code}", required', 'value = "330703", required')),
        [f'{JZXQ}, field XZQDM: the values "330703" should be "330702"'],
    ),
    "in degrees": (
        lambda town, package: rewritten(town, package, ('projection = "meridian"', 'projection = "geographic"')),
        [f"{JZXQ}: is in China Geodetic Coordinate System 2000, not CGCS2000, a 3-degree zone without its number"],
    ),
    "with the number of the zone": (
        lambda town, package: rewritten(town, package, ('projection = "meridian"', 'projection = "zone"')),
        [f"{JZXQ}: is in CGCS2000 / 3-degree Gauss-Kruger zone 38, not CGCS2000, a 3-degree zone without"],
    ),
    "far away": (
        lambda town, package: rewritten(town, package, shift=1e6),
        [f'{JZXQ}: has coordinates outside CGCS2000 / 3-degree Gauss-Kruger CM 114E: "sw", "se", "nw", "ne"'],
    ),
    "ids twice": (
        lambda town, package: rewritten(town, package, ('from = "id"', 'from = "again"'), again=["a", "a", "c", "d"]),
        [f'{JZXQ}, field BH: the values "a" occur twice'],
    ),
    "nothing where something is required": (
        lambda town, package: rewritten(town, package, ('from = "id"', 'from = "none"'), none=["a", "", "c", "d"]),
        [f'{JZXQ}, field BH: "3307020000000002" have no value, which is required'],
    ),
    "no code": (
        lambda town, package: rewritten(town, package, ('from = "{service}_band", codes = "SF"', 'value = "7"')),
        [f'{JZXQ}, field TYFG: the values "7" are not among those of SF'],
    ),
    "too long": (
        lambda town, package: rewritten(town, package, name=["长" * 101, "乙", "丙", "丁"]),
        [f'{JZXQ}, field MC: the values of "sw" are longer than 100'],
    ),
    "garbled": (
        lambda town, package: rewritten(town, package, name=["ÐÇ¹â", "乙", "丙", "丁"]),
        [f'{JZXQ}, field MC: the text of "sw" is garbled'],
    ),
    "200 dpi": (
        lambda town, package: resaved(package, SHEETS[0], lambda picture: picture.resize((2339, 1654)), 200),
        [f"{ATLAS}/330702小镇{SHEETS[0]}.jpg: has 200 dpi; at least 300 are asked for"],
    ),
    "no dpi": (
        lambda town, package: resaved(package, SHEETS[0], lambda picture: picture, None),
        [f"{ATLAS}/330702小镇{SHEETS[0]}.jpg: has 0 dpi; at least 300 are asked for"],
    ),
    "too small": (
        lambda town, package: resaved(package, SHEETS[1], lambda picture: picture.crop((0, 0, 2480, 1754))),
        [f"{ATLAS}/330702小镇{SHEETS[1]}.jpg: measures 210 × 149 mm, not A4 (297 × 210 mm)"],
    ),
    "a number left out": (
        lambda town, package: (package / ATLAS / f"330702小镇{SHEETS[1]}.jpg").unlink(),
        [f"{ATLAS}/330702小镇{SHEETS[2]}.jpg: the number of the sheet is 03, and should be 02"],
    ),
    "another name": (
        lambda town, package: moved(package, f"{TABLES}/{NAME}表格.xlsx", f"{TABLES}/表格.xlsx"),
        [f"{TABLES}/{NAME}表格.xlsx: is missing", f"{TABLES}/表格.xlsx: the rules know no such file; names are {NAME}"],
    ),
    "another folder": (
        lambda town, package: moved(package, TEXT, "文本"),
        ["文本: the rules know no such folder", f"{TEXT}: the folder is missing"],
    ),
    "a broken workbook": (
        lambda town, package: (package / TABLES / f"{NAME}表格.xlsx").write_bytes(b"PK"),
        [f"{TABLES}/{NAME}表格.xlsx: is empty, or no .xlsx"],
    ),
    "a broken picture": (
        lambda town, package: (package / ATLAS / f"330702小镇{SHEETS[3]}.jpg").write_bytes(b"\xff\xd8"),
        [f"{ATLAS}/330702小镇{SHEETS[3]}.jpg: cannot be opened"],
    ),
    "a broken geodatabase": (
        lambda town, package: (package / GDB / "a00000001.gdbtable").unlink(),
        [f"{GDB}: cannot be opened"],
    ),
    "no PDF": (
        lambda town, package: (package / ATLAS / f"{NAME}图集.pdf").write_bytes(b"<html>"),
        [f"{ATLAS}/{NAME}图集.pdf: is empty, or no PDF"],
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTATIONS)
def test_what_breaks_the_rules_is_refused(town: Path, tmp_path: Path, name: str) -> None:
    package = tmp_path / "package"
    shutil.copytree(town / "package", package, copy_function=_link if name not in COPIED else shutil.copy2)
    spoil, told = MUTATIONS[name]
    spoil(town, package)
    breaches = deliver.check_delivery(package, rules=town / "rules.toml")
    found = [each.text("en") for each in breaches]
    for line in told:
        assert any(each.startswith(line) for each in found), found
    assert all(each.text("zh") != each.text("en") for each in breaches)


#: Mutations that write into a file of the package, which then is no second name of the first.
COPIED = {"200 dpi", "no dpi", "too small", "a broken workbook", "a broken picture", "no PDF"}


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


# --- whole or not at all


@pytest.mark.slow
def test_a_package_that_would_break_the_rules_is_not_written(town: Path, tmp_path: Path) -> None:
    (tmp_path / "package" / TABLES).mkdir(parents=True)
    (tmp_path / "package" / TABLES / f"{NAME}表格.xlsx").write_text("old")
    (tmp_path / "package" / "notes.txt").write_text("mine")
    wrong = own_rules(tmp_path, ('of = { "m" = "m", "min"', 'of = { "min"'), ('values = { "m" = "米", ', "values = { "))
    with pytest.raises(SitingError, match='TYFWFW, field DW: the values "m" have no code in of of DW'):
        deliver.deliver(town / "results", tmp_path / "package", rules=wrong)
    assert files_in(tmp_path / "package") == [f"{TABLES}/{NAME}表格.xlsx"]
    assert (tmp_path / "package" / "notes.txt").read_text() == "mine"


def test_a_check_refuses_and_a_good_package_passes(town: Path, tmp_path: Path) -> None:
    with pytest.raises(SitingError, match="breaks the rules of a package: 4 breaches"):
        deliver.refuse_breaches(tmp_path, rules=town / "rules.toml")


def test_a_folder_without_results_is_told(tmp_path: Path) -> None:
    with pytest.raises(SitingError, match=r"has no contents\.json; give a folder that siting run wrote"):
        deliver.deliver(tmp_path, tmp_path / "package")
    (tmp_path / "contents.json").write_text("{}")
    with pytest.raises(SitingError, match="another version may have written it"):
        deliver.deliver(tmp_path, tmp_path / "package")
    with pytest.raises(SitingError, match="there is no folder"):
        deliver.check_delivery(tmp_path / "package")


# --- the rules


RULES_FAULTS = {
    ('code = "330702"', 'code = "3307"'): '[package] code is "3307"; the code of a division has 6 digits',
    ('dpi = 300', 'dpi = 20'): "[atlas] dpi is 20; it lies between 72 and 1200",
    ('paper = "A4"', 'paper = "B5"'): '[atlas] paper is "B5"; choose "A3", "A4"',
    ("\n[folders]", "\nmeridan = 120\n[folders]"): "[crs] meridan: unknown key; did you mean meridian?",
    ("# meridian = 120 ", "meridian = 121 "): '[crs] meridian is 121; choose "75", "78"',
    ('text = "{code}{place}{title}文本"', 'text = "{code}{plaec}"'): "[files] text: {plaec} is not understood",
    ('tables = "规划表格"', 'tables = "规划/表格"'): '[folders] tables: "规划/表格" is no name of a file on Windows',
    ('name = "JZXQ"', 'name = "小区"'): '[[layer]] 小区 name: "小区" is no name of a layer or field',
    ('"名称", type = "text", length = 100,', '"名称", type = "text",'): "the field MC is a text and needs its length",
    ('codes = "SF"', 'codes = "FS"'): 'codes is "FS"; choose "SF", "DW"',
    ('of = { "*" = "1"', 'of = { "*" = "2"'): '[codes] SF of: "2" are not among values',
}  # fmt: skip


@pytest.mark.parametrize("change", RULES_FAULTS, ids=lambda change: change[1][:24])
def test_faults_of_the_rules_are_told_with_their_line(tmp_path: Path, change: tuple[str, str]) -> None:
    path = own_rules(tmp_path, change)
    line = path.read_text(encoding="utf-8").partition(change[1].strip("\n").partition("\n")[0])[0].count("\n") + 1
    with pytest.raises(SitingError) as caught:
        read_rules(path)
    assert f"line {line}, column " in str(caught.value)
    assert RULES_FAULTS[change] in str(caught.value)
    assert "[" in caught.value.text("zh")


def test_chinese_names_are_a_choice(tmp_path: Path) -> None:
    rules = own_rules(tmp_path, ('name = "JZXQ"', 'name = "小区"'), ("chinese = false", "chinese = true"))
    assert read_rules(rules).layer[1].name == "小区"


def test_a_service_of_ones_own_needs_a_line(town: Path, tmp_path: Path) -> None:
    rules = own_rules(tmp_path, ('childcare = { code = "TY", name = "托育" }', ""))
    with pytest.raises(SitingError, match='the rules have no "childcare" under'):
        deliver.deliver(town / "results", tmp_path / "package", rules=rules)


def test_rules_are_never_overwritten(tmp_path: Path) -> None:
    deliver.write_rules(tmp_path / "a.toml")
    with pytest.raises(SitingError, match=r"a\.toml"):
        deliver.write_rules(tmp_path / "a.toml")
    with pytest.raises(SitingError, match=r"ends in \.toml"):
        deliver.write_rules(tmp_path / "a.txt")


def test_a_date_is_that_of_the_day_where_the_rules_have_none() -> None:
    assert str(dt.date.today().year) in writing._today("zh")
