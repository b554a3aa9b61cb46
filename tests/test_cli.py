"""The shell: exit status, one clear message, nothing half written."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Literal

import geopandas as gpd
import pandas as pd
import pytest
from pyproj import CRS
from rich.cells import cell_len
from rich.console import Console

import siting as st
from siting import cli
from siting.cli import start
from siting.cli.shell import Shell
from siting.data import sample_path
from siting.labels import label

Make = Callable[..., gpd.GeoDataFrame]


def siting(*words: object, columns: int = 200) -> subprocess.CompletedProcess[str]:
    """Run a command in this process, in Chinese if it does not ask for another language."""
    out, err = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setenv("COLUMNS", str(columns))
        patch.setenv("LC_ALL", "zh_CN.UTF-8")
        patch.delenv("SITING_LANG", raising=False)
        try:
            status = cli.run([str(word) for word in words])
        finally:
            st.set_language("en")
    return subprocess.CompletedProcess([], status, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """The demo in a process of its own, on a terminal of 80 columns that is no terminal."""
    folder = tmp_path_factory.mktemp("demo") / "out"
    environment = {**os.environ, "COLUMNS": "80", "PYTHONUTF8": "1", "LC_ALL": "C.UTF-8", "SITING_LANG": ""}
    command = [sys.executable, "-W", "error", "-m", "siting", "demo", "--out", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False), folder


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    return siting("demo", "--out", tmp_path_factory.mktemp("demo") / "out", "--lang", "en", columns=80)


@pytest.mark.slow
def test_demo_ends_well_and_says_where_its_files_are(demo) -> None:
    done, folder = demo
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for name in ("coverage.html", "report.html", "results.gpkg", "tables"):
        assert str(folder / name) in done.stdout
        assert (folder / name).exists()


@pytest.mark.slow
def test_demo_says_what_it_found(demo) -> None:
    done, _ = demo
    said = done.stdout.replace("\n", "")
    for words in ("6,390", "7,198", "366.0", "11 个互不连通", "27.1 %", "54.7 %", "58", "最优", "125.7"):
        assert words in said, words


@pytest.mark.slow
def test_demo_tells_how_long_each_step_took(demo) -> None:
    done, _ = demo
    steps = [line for line in done.stdout.splitlines() if line.startswith("✓")]
    assert len(steps) == 12
    assert all(line.endswith(" s") for line in steps)


@pytest.mark.slow
def test_tables_are_for_excel(demo) -> None:
    _, folder = demo
    names = sorted(path.stem for path in (folder / "tables").glob("*.csv"))
    assert {"coverage", "audit", "communities", "plans", "plan_childcare-90", "curve_childcare-90"} <= set(names)
    for path in (folder / "tables").glob("*.csv"):
        assert path.read_bytes().startswith(b"\xef\xbb\xbf"), path.name
        table = pd.read_csv(path)
        assert len(table)
        said = table["数据说明"].str.contains("合成").fillna(False)
        assert said.tolist() == [True, *[False] * (len(table) - 1)], f"{path.name} does not say it once"


@pytest.mark.slow
def test_the_geopackage_holds_layers_and_results(demo) -> None:
    _, folder = demo
    layers = set(gpd.list_layers(folder / "results.gpkg")["name"])
    assert layers == {
        "communities", "childcare", "eldercare", "candidates", "districts", "streets",
        "areas_childcare", "areas_eldercare", "proposed",
    }  # fmt: skip
    homes = gpd.read_file(folder / "results.gpkg", layer="communities").set_index("id")
    assert (homes["childcare_cost"].dropna() <= 800).all()
    proposed = gpd.read_file(folder / "results.gpkg", layer="proposed")
    assert proposed["goal"].value_counts()["childcare-90"] == 58
    assert "合成" in str(st.read_layer(folder / "results.gpkg", "communities", layer="communities").attrs["notice"])


@pytest.mark.slow
def test_demo_in_english(english) -> None:
    assert english.returncode == 0, english.stderr
    before, verdict, after = re.split(r"Verdict against the standard|Proposed sites", english.stdout)
    assert not re.search(r"[\u4e00-\u9fff]", before + after)  # clauses are named in the words of the document
    assert re.search(r"children under 3 within 300 m", verdict)
    assert re.search(
        r"childcare-90 +58 +90.0 % +58 +0.0 % +optimal\n  childcare: the fewest new sites that bring", after
    )


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_nothing_is_cut_off_on_a_terminal_of_eighty_columns(demo, english, lang: str) -> None:
    written = {"zh": demo[0], "en": english}[lang].stdout
    assert max(cell_len(line) for line in written.splitlines() if "/out/" not in line) <= 80
    text = re.sub(r"\s", "", written)
    assert "…" not in re.sub(r"[^\s]+ …", "", written)  # lists of names end with a blank before it
    for key in ("needed", "verdict", "share", "bound", "communities_share", "total"):
        assert re.sub(r"\s", "", label(f"column.{key}", lang)) in text
    notices = st.load_sample()["communities"].attrs["notice"][lang]
    assert text.count(re.sub(r"\s", "", notices)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["coverage", "report"])
def test_the_demo_opens_in_a_browser_without_a_network(demo, browser, screenshots: Path, name: str) -> None:
    """Nothing is asked for, nothing fails, and what a planner looks for is there; the picture is kept."""
    _, folder = demo
    context = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    page, asked, faults = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url[:100]))
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    own = (folder / f"{name}.html").as_uri()
    page.goto(own)
    if name == "coverage":
        page.wait_for_selector("html[data-siting=ready]")
    text = page.inner_text("body")
    page.screenshot(path=str(screenshots / f"demo-{name}.png"))
    context.close()
    assert [url for url in asked if url not in (own, "data:,")] == []
    assert faults == []
    wanted = {
        "coverage": ["合成数据", "27.1%", "800 米以外（未覆盖）", "建议新增点位", "OpenStreetMap", "km"],
        "report": ["合成数据", "27.1 %", "对标结果", "枫林街道、兰亭街道、柳溪镇", "已证明最优", "OpenStreetMap"],
    }[name]
    for words in wanted:
        assert words in text, words


RECIPE = """
[study]
standard = "jinhua"
year = 2025
[layers]
communities = {{ path = "homes.gpkg"{crs} }}
childcare = {{ path = "{sample}", layer = "childcare" }}
streets = {{ path = "{sample}", layer = "streets" }}
[[circle]]
service = "childcare"
metres = 300
"""


def faulty(kind: str, homes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    homes = homes.reset_index()
    if kind == "wrong CRS":
        homes = homes.set_crs(4326, allow_override=True)
    elif kind == "wrong zone":
        homes = homes.to_crs(4326).set_crs(4549, allow_override=True)
    elif kind == "duplicate id":
        homes.loc[1, "id"] = homes.loc[0, "id"]
    elif kind == "negative population":
        homes.loc[3, "population"] = -5
    elif kind == "missing column":
        homes = homes.drop(columns="population")
    elif kind == "not a number":
        homes["population"] = homes["population"].astype(object).astype(str)
        homes.loc[2, "population"] = "约50"
    elif kind == "empty geometry":
        homes.loc[4, "geometry"] = None
    return homes


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("wrong CRS", "communities"),
        ("wrong zone", "EPSG:4549"),
        ("duplicate id", "C001"),
        ("negative population", "C004"),
        ("missing column", "population"),
        ("not a number", "约50"),
        ("empty geometry", "C005"),
    ],
)
def test_a_faulty_layer_ends_the_run_with_one_clear_message(tmp_path: Path, kind: str, told: str) -> None:
    """The message names layer and rows; status 2, no traceback, and nothing is written."""
    homes = gpd.read_file(sample_path("sample.gpkg"), layer="communities")
    faulty(kind, homes.set_index("id")).to_file(tmp_path / "homes.gpkg", layer="communities", engine="pyogrio")
    recipe = tmp_path / "study.toml"
    recipe.write_text(RECIPE.format(sample=sample_path("sample.gpkg"), crs=""), encoding="utf-8")
    before = sorted(tmp_path.rglob("*"))
    done = siting("run", recipe, "--outside", "--out", tmp_path / "out")
    assert done.returncode == 2, done.stdout + done.stderr
    assert told in done.stderr
    assert "communities" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 3
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.slow
def test_a_goal_that_cannot_be_met_ends_with_status_2_and_the_reason(tmp_path: Path) -> None:
    text = Path(sample_path("study.toml")).read_text(encoding="utf-8")
    text = text.replace('"sample.gpkg"', f'"{sample_path("sample.gpkg")}"')
    text = text[: text.index("[[goal]]")]
    text += '[[goal]]\nname = "near"\nservice = "childcare"\nmetres = 300\ncover = 0.9\n'
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    done = siting("run", tmp_path / "study.toml", "--outside", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "near" in done.stderr
    assert "90.0 %" in done.stdout  # what was asked for
    assert "69" in done.stdout  # what can be had at best
    assert (tmp_path / "out" / "report.html").exists()


@pytest.mark.slow
def test_check_lists_all_faults_of_a_file(tmp_path: Path) -> None:
    table = pd.DataFrame({"小区编号": ["a", "a"], "人口": ["-3", "约50"], "经度": [114.3, 114.3], "纬度": [30.5, 30.5]})
    table.to_csv(tmp_path / "homes.csv", index=False, encoding="gb18030")
    done = siting("check", tmp_path / "homes.csv", "--role", "communities")
    assert done.returncode == 2
    for told in ("-3", "约50", "“a”"):
        assert told in done.stderr


@pytest.mark.slow
def test_check_of_a_good_file() -> None:
    done = siting("check", sample_path("sample.gpkg"), "--role", "communities")
    assert (done.returncode, done.stderr) == (0, "")
    assert "小区（含村、园区），共 316 行，坐标系 EPSG:4547" in done.stdout
    done = siting("check", sample_path("sample.gpkg"), "--role", "communities", "--lang", "en")
    assert "316 communities, EPSG:4547" in done.stdout


HOMES = """编号,常住人口（万人）,60岁及以上老年人口,70岁以上人口,所在街道,备注,经度,纬度
h1,0.12,240,100,城东街道,,120.001,29.001
h2,0.09,200,80,,,120.004,29.002
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lang", "lines"),
    [
        (
            "zh",
            [
                "认出的列（6）",
                "60岁及以上老年人口 elderly 60岁及以上人口",
                "未使用的列（2）",
                "其中1列没有相近的列：备注",
                "缺少的列（",
            ],
        ),
        (
            "en",
            [
                "Understood (6)",
                "经度 lon",
                "Not used (2)",
                "1 of them without a similar column: 备注",
                "Missing (",
            ],
        ),
    ],
)
def test_check_says_what_becomes_of_each_heading(tmp_path: Path, lang: str, lines: list[str]) -> None:
    file = tmp_path / "homes.csv"
    file.write_text(HOMES, encoding="utf-8")
    done = siting("check", file, "--role", "communities", "--lang", lang)
    assert done.returncode == 0, done.stderr
    said = [" ".join(line.split()) for line in done.stdout.splitlines()]
    for line in lines:
        assert any(line in one for one in said), line
    assert any(re.search(r"^infants .*\d\d (条规则|rules)$", one) for one in said)
    assert {"zh": "“h2”", "en": '"district" is blank in 1 of 2 rows: "h2"'}[lang] in " ".join(done.stderr.split())


@pytest.mark.slow
def test_check_lists_the_headings_of_a_faulty_file_in_80_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from rich.cells import cell_len

    from siting.terminal_layer import read_and_report

    file = tmp_path / "homes.csv"
    file.write_text(HOMES.replace("29.002", "0").replace("120.004", "0"), encoding="utf-8")
    with pytest.raises(st.errors.LayerError, match='"h2"'):
        read_and_report(Console(width=80), file, "communities", "zh")
    said = capsys.readouterr().out
    assert "60岁及以上老年人口" in said
    assert all(cell_len(line) <= 80 for line in said.splitlines())
    for name in ("population", "elderly", "district"):
        assert re.search(rf" {name} ", said), name


@pytest.mark.parametrize(
    ("lang", "told"),
    [
        ("zh", "设施类型中有2种写法不在类型表中，各规则按类型计数时均不计入：养老机够（2行，最接近：养老机构"),
        (
            "en",
            "2 words of facility_type are not in the table of types and count in no rule that names types: 养老机够",
        ),
    ],
)
def test_check_tells_types_that_no_rule_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lang: Literal["zh", "en"], told: str
) -> None:

    from siting.terminal_layer import read_and_report

    rows = ["养老机够", "养老机够", "养老机构、棋牌间", "敬老院", ""]
    text = "".join(f"{n},{word},5,120.0{n},29\n" for n, word in enumerate(rows, start=1))
    (tmp_path / "a.csv").write_text(f"编号,机构类型,床位,经度,纬度\n{text}", encoding="utf-8")
    read_and_report(Console(width=400), tmp_path / "a.csv", "eldercare", lang)
    said = capsys.readouterr().out
    assert told in said
    assert "敬老院" not in said


def test_check_folds_what_is_like_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of 60 columns those stand in the list that may mean something."""

    from siting.terminal_layer import read_and_report

    extra = [f"指标{n}" for n in range(53)]
    head = ["编号", "常住人口", "经度", "纬度", "60岁以上占比", "实有人口", "备注", *extra]
    cells = ["1", "5", "120", "29", *["0"] * 56]
    (tmp_path / "a.csv").write_text(f"{','.join(head)}\n{','.join(cells)}\n", encoding="utf-8")
    read_and_report(Console(width=80), tmp_path / "a.csv", "communities", "zh")
    said = capsys.readouterr().out
    assert "未使用的列（56）" in said
    assert f"其中54列没有相近的列：备注、{'、'.join(extra)}" in re.sub(r"\n *", "", said)
    assert re.search("60岁以上占比 +是比例", said)


@pytest.mark.slow
def test_an_export_is_written_as_a_layer(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "编号,床位,状态,经度,纬度\n1,50,正常,120,29\n2,60,注销,120.01,29\n", encoding="utf-8"
    )
    (tmp_path / "a.toml").write_text('[keep]\n"状态" = "正常"\n', encoding="utf-8")
    done = siting(
        "import", tmp_path / "a.csv", tmp_path / "a.gpkg", "--role", "eldercare", "--mapping", tmp_path / "a.toml",
        "--lang", "en",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "1 of 2 rows were left out by 状态" in done.stderr
    assert st.read_layer(tmp_path / "a.gpkg", "eldercare")["beds"].to_dict() == {"1": 50}


@pytest.mark.slow
def test_check_of_streets_tells_what_is_closed_and_not_understood(tmp_path: Path, streets: Make) -> None:
    lines = {"a": [(0, 0), (100, 0)], "b": [(100, 0), (200, 0)], "c": [(200, 0), (300, 0)]}
    st.write_layer(streets(lines, highway=["支路", "高速公路", "林荫路"]), tmp_path / "s.gpkg", layer="streets")
    done = siting("check", tmp_path / "s.gpkg", "--role", "streets")
    assert done.returncode == 0
    assert "不可步行的道路：高速公路 1" in done.stdout
    assert "林荫路" in done.stderr


def test_a_warning_is_told_once_in_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    shell = Shell()
    with shell.logged():
        for name in ("a", "a", "a", "b"):
            logging.getLogger("siting.some").warning("%s lies far off", name)
    told = capsys.readouterr().err
    assert (told.count("a lies far off"), told.count("b lies far off")) == (1, 1)


@pytest.mark.slow
def test_standards_are_listed_with_their_clauses() -> None:
    assert "jinhua" in siting("standards").stdout
    done = siting("standards", "jinhua", "--kind", "service_radius", "--lang", "en")
    assert "≤ 300 m" in done.stdout
    assert "加强规划布局" in done.stdout
    assert siting("standards", "nowhere").returncode == 2


@pytest.mark.slow
def test_rules_are_found_by_year_and_kind() -> None:
    done = siting("standards", "jinhua", "--year", "2025", "--kind", "service_radius")
    assert done.returncode == 0
    assert "≤ 300 米" in done.stdout
    assert "500–800 米" in done.stdout
    none = siting("standards", "jinhua", "--kind", "nothing", "--lang", "en")
    assert none.returncode == 2
    assert "no rule is left" in none.stderr


GOOD = """[standard]
name = "mine"

[[rule]]
id = "mine.places"
kind = "places_per_1000_residents"
service = "childcare"
indicator_zh = "千人托位数"
indicator_en = "Places per 1000"
role = "target"
operator = ">="
value = 5
unit = "places_per_1000_residents"
"""


@pytest.mark.slow
def test_a_standard_of_ones_own_is_checked(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(GOOD, encoding="utf-8")
    bad.write_text(
        GOOD.replace("kind =", "kid =") + GOOD[GOOD.index("[[rule]]") :].replace("5", '"5"'), encoding="utf-8"
    )
    done = siting("standards", "check", good)
    assert (done.returncode, "共 1 条规则" in done.stdout) == (0, True)
    done = siting("standards", "check", bad, "--lang", "en")
    assert done.returncode == 2
    assert 'rule mine.places: unknown keys "kid"; did you mean kind?' in done.stderr
    assert 'rule mine.places: value is "5", not a number' in done.stderr
    assert siting("standards", "check").returncode == 2
    assert siting("standards", "schema").stdout.startswith('{\n  "$schema"')


@pytest.mark.slow
def test_a_new_standard_is_written_once(tmp_path: Path) -> None:
    file = tmp_path / "my_city.toml"
    done = siting("standards", "new", file)
    assert (done.returncode, "数值均为示例" in done.stdout) == (0, True)
    done = siting("standards", "check", file)
    assert (done.returncode, "格式正确" in done.stdout) == (0, True)
    assert "my_city.both.circle_15min" in siting("standards", file, "--lang", "en").stdout
    again = siting("standards", "new", file, "--lang", "en")
    assert again.returncode == 2
    assert "it is not overwritten" in again.stderr
    assert "name the TOML file" in siting("standards", "new", "--lang", "en").stderr


@pytest.mark.slow
def test_audit_of_a_study(tmp_path: Path) -> None:
    study = sample_path("study.toml")
    done = siting("audit", study, "--by", "district", "--out", tmp_path / "verdict.xlsx")
    assert done.returncode == 0, done.stderr
    for words in ("27.1 %", "枫林街道", "各分区对标结果", "verdict.xlsx"):
        assert words in done.stdout, words
    sheets = pd.read_excel(tmp_path / "verdict.xlsx", sheet_name=None)
    assert list(sheets) == ["对标结果", "文件所载数值与现状"]
    told = sheets["对标结果"]
    assert told["范围"].nunique() == 15
    assert set(told["结论"]) <= {"达标", "未达标", "不适用", "缺数据", "文件未定数值", "仅列示"}
    assert not [name for name in told.columns if name.isascii()]


@pytest.mark.slow
def test_audit_by_another_standard_and_of_some_rows(tmp_path: Path) -> None:
    study = sample_path("study.toml")
    done = siting(
        "audit", study, "--standard", "quzhou", "--status", "short", "--lang", "en", "--out", tmp_path / "a.csv"
    )
    assert done.returncode == 0, done.stderr
    told = pd.read_csv(tmp_path / "a.csv")
    assert set(told["status"]) == {"short"}
    assert told["rule"].str.startswith("quzhou").all()
    faults = {"--by": ("street", "choose"), "--status": ("good", "choose"), "--out": (tmp_path / "a.doc", "is written")}
    for word, (value, why) in faults.items():
        done = siting("audit", study, word, value, "--lang", "en")
        assert (done.returncode, why in done.stderr) == (2, True), word
    assert not (tmp_path / "a.doc").exists()


@pytest.mark.slow
def test_words_that_are_not_understood_end_with_status_2() -> None:
    assert siting("demo", "--nothing").returncode == 2
    assert siting("run", "none.toml").returncode == 2
    assert "there is no such file" in siting("run", "none.toml", "--lang", "en").stderr
    assert "没有这个文件" in siting("run", "none.toml").stderr


def test_messages_are_in_the_words_of_the_shell_or_the_study(tmp_path: Path) -> None:
    table = tmp_path / "小区.csv"
    table.write_text("小区表\n编号,常住人口,经度,纬度\n1,120人,120,29\n", encoding="gb18030")
    streets = "[layers]\nstreets = { path = '小区.csv' }\n"
    (tmp_path / "a.toml").write_text(streets + "communities = { path = '小区.csv' }\n", encoding="utf-8")
    checked = ["check", table, "--role", "communities", "--lang", "en"]
    assert "leave them out with --skip-rows 1: row 2" in siting(*checked).stderr
    assert "read 1 of them with --strip-units, such as" in siting(*checked, "--skip-rows", 1).stderr
    assert siting(*checked, "--skip-rows", 1, "--strip-units").returncode == 0
    assert "leave them out with skip_rows = 1: row 2" in siting("run", tmp_path / "a.toml", "--lang", "en").stderr


def test_a_layer_of_streets_is_chosen_and_a_crs_without_a_code_named(tmp_path: Path) -> None:
    town, file = st.load_sample(), tmp_path / "town.gpkg"
    for layer in ("a", "b"):
        st.write_layer(town["streets"].head(400), file, layer=layer)
    system = CRS.from_proj4("+proj=tmerc +lon_0=114 +x_0=500000 +datum=WGS84")
    st.write_layer(town["childcare"].to_crs(system), tmp_path / "c.gpkg")
    checked = ["check", tmp_path / "c.gpkg", "--role", "childcare", "--streets", file, "--lang", "en"]
    assert "choose one with --streets-layer" in siting(*checked).stderr
    done = siting(*checked, "--streets-layer", "a")
    assert done.returncode == 0
    assert "World Geodetic System 1984, Transverse Mercator, 114°" in done.stdout.replace("\n", "")


def test_an_error_after_a_signal_is_not_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Compiled packages that are being imported make an ImportError of an interruption."""

    def fail() -> None:
        raise ImportError("numpy._core failed")

    monkeypatch.setattr(start, "group", fail)
    monkeypatch.setattr(sys, "argv", ["siting", "demo", "--lang", "en"])
    with pytest.raises(ImportError):
        cli.main([15])
    assert capsys.readouterr().err == ""
    with pytest.raises(SystemExit, match="1"):
        cli.main()
    assert "ImportError: numpy._core failed" in capsys.readouterr().err
