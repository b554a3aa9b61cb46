"""Every command of the shell: help, both languages, 80 columns, JSON, silence, exit status."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from rich.cells import cell_len

import siting as st
from siting.cli import start
from siting.cli.command import ANYWHERE, help_words
from siting.cli.language import spoken

COMMANDS = list(start.group().commands)
CHINESE = re.compile("[一-鿿]")
STUDY = """
[study]
name = "town"
lang = "zh"
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
metres = 300
at_most = 1
"""


class Told(NamedTuple):
    status: int
    out: str
    err: str


def siting(*words: object, columns: int = 80, **environment: str) -> Told:
    """Run a command in this process."""
    out, err = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name in ("SITING_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
            patch.delenv(name, raising=False)
        for name, value in {"COLUMNS": str(columns), **environment}.items():
            patch.setenv(name, value)
        try:
            status = start.run([str(word) for word in words])
        finally:
            st.set_language("en")
    return Told(status, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, layer: Callable[..., Any], streets_town: Any) -> Path:
    """Four corners of a lattice of streets; a facility in the south-west, three candidates elsewhere."""
    folder = tmp_path_factory.mktemp("town")
    homes = layer(
        {"sw": (0, 0), "se": (500, 0), "nw": (0, 500), "ne": (500, 500)},
        name=["南苑", "东苑", "北苑", "新苑"], population=[1000, 2000, 3000, 4000], infants=[10, 20, 30, 40],
    )  # fmt: skip
    sites = layer({"s1": (500, 100), "s2": (500, 400), "s3": (0, 300)}, services=["childcare"] * 3)
    parts = {"communities": homes, "childcare": layer({"k1": (100, 0)}, places=[20]), "candidates": sites}
    for name, frame in {**parts, "streets": streets_town}.items():
        st.write_layer(frame, folder / "town.gpkg", layer=name)
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def streets_town(streets: Callable[..., Any]) -> Any:
    ways = {f"h{y}-{x}": [(x, y), (x + 100, y)] for x in range(0, 500, 100) for y in range(0, 600, 100)}
    ways |= {f"v{x}-{y}": [(x, y), (x, y + 100)] for y in range(0, 500, 100) for x in range(0, 600, 100)}
    return streets(ways)


@pytest.fixture(scope="module")
def results(town: Path) -> Path:
    assert siting("run", town / "study.toml", "--out", town / "out").status == 0
    return town / "out"


@pytest.fixture
def line_of(town: Path, results: Path, tmp_path: Path) -> dict[str, list[object]]:
    """A line for each command that runs on the town."""
    study, layers = town / "study.toml", town / "town.gpkg"
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "town.gpkg").write_bytes(layers.read_bytes())
    (tmp_path / "a.csv").write_text("编号,托位,经度,纬度\nk,20,120,29\n", encoding="utf-8")
    return {
        "new": [tmp_path / "new"], "check": [study], "run": [study, "--out", tmp_path / "run"],
        "audit": [study, "--standard", "gb50180"], "plan": [study], "map": [results], "report": [results],
        "explain": [results, "--site", "s2", "--community", "ne"], "compare": [results, results],
        "standards": ["jinhua", "--kind", "service_radius"], "deliver": ["--new-rules", tmp_path / "rules.toml"],
        "convert": [layers, tmp_path / "b.csv", "--layer", "childcare"],
        "import": [tmp_path / "a.csv", tmp_path / "c.gpkg", "--role", "childcare"],
    }  # fmt: skip


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", [*COMMANDS, ""])
def test_every_command_has_help_with_an_example(name: str, lang: str) -> None:
    told = siting(*filter(None, [name]), "--help", "--lang", lang)
    assert (told.status, told.err) == (0, "")
    assert max(map(cell_len, told.out.splitlines())) <= 80
    example = {"zh": "示例", "en": "Examples"}[lang]
    assert f"  siting {name}" in told.out[told.out.index(example) :]
    for option in ANYWHERE:
        assert f"--{option}" in told.out
    assert (lang == "zh") is bool(CHINESE.search(told.out))


@pytest.mark.parametrize("section", ["part", "command", "option"])
def test_words_of_help_are_of_their_language(section: str) -> None:
    text = files("siting.cli").joinpath("help.toml").read_text(encoding="utf-8")
    for key, words in tomllib.loads(text)[section].items():
        assert CHINESE.search(words["zh"]), key
        assert not CHINESE.search(words["en"]), key


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_words(name: str) -> None:
    command = start.group().commands[name]
    for param in command.params:
        assert help_words("option", f"{name}.{param.name}", param.name)


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "demo"])
def test_every_command_in_both_languages(name: str, lang: str, line_of: dict[str, list[object]]) -> None:
    """At 80 and 40 columns no line is wider, but for paths and ids; the words are of the language."""
    for columns in (80,) if name in ("new", "run", "plan", "audit", "deliver") else (80, 40):
        told = siting(name, *line_of[name], "--lang", lang, columns=columns)
        assert told.status == 0, told.err
        lines = [line for line in told.out.splitlines() if "/" not in line and not re.fullmatch(r" *[\w.]+", line)]
        assert max(map(cell_len, lines), default=0) <= columns
        assert "\x1b" not in told.out + told.err
    if lang == "en" and name not in (
        "audit",
        "standards",
        "import",
        "explain",
        "run",
        "plan",
    ):  # names of layers are Chinese
        assert not CHINESE.search(told.out)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "demo"])
def test_json_is_one_document_and_quiet_is_silent(name: str, line_of: dict[str, list[object]]) -> None:
    told = siting("--json", name, *line_of[name])
    assert told.status == 0, told.err
    found = json.loads(told.out, parse_constant=pytest.fail)
    assert found
    assert "error" not in found
    if key := {"new": "study", "deliver": "written"}.get(name):  # what is there is not overwritten
        Path(found[key]).unlink()
    told = siting(name, *line_of[name], "-q")
    assert (told.status, told.out, told.err) == (0, "", "")


@pytest.mark.slow
def test_numbers_in_json_are_those_of_the_library(town: Path, line_of: dict[str, list[object]]) -> None:
    found = json.loads(siting("run", *line_of["run"], "--json").out)
    plan = st.run(st.Study.from_toml(town / "study.toml")).proposals["most"].plan
    told = found["plans"][0]
    assert [row["site"] for row in told["sites"]] == list(plan.sites) == ["s2"]
    assert (told["share"], told["covered"], told["bound"]) == (plan.share, 50.0, plan.bound)
    near = [
        row for row in found["coverage"] if (row["limit"], row["metric"], row["group"]) == (100.0, "streets", "all")
    ]
    assert [row["share"] for row in near if row["weight"] == "infants"] == [0.1]
    assert found["audit"] is None
    assert found["files"]["map"].endswith("coverage.html")


def test_the_schema_of_a_study_is_json() -> None:
    found = json.loads(siting("check", "--schema").out)
    assert {"study", "layers", "circle", "goal"} <= set(found["properties"])
    assert siting("check").status == 2


@pytest.mark.slow
def test_why_a_site_and_why_a_community(results: Path) -> None:
    """s2 is 100 m from ne, 40 infants, whom nobody else serves; s3 would serve nw, 10 fewer."""
    told = siting("explain", results, "--site", "s2", "--lang", "en").out
    for words in ("number 1 by what it adds: 40 more people, 50.0 %", "Without it 40 people are lost",
                  "s3 in its place, which covers 10 people fewer", "ne 新苑 (100 m)"):  # fmt: skip
        assert words in " ".join(told.split()), words
    assert "最适合替代 s2" in siting("explain", results, "--site", "s3", "--lang", "zh").out
    assert "由它服务的小区 1 个：sw 南苑（100 米）" in siting("explain", results, "--site", "k1", "--lang", "zh").out
    told = " ".join(siting("explain", results, "--community", "nw", "--lang", "en").out.split())
    assert "childcare: no facility within 300 m." in told
    assert "candidates are within reach, but the plan opens none of them" in told
    served = json.loads(siting("explain", results, "--community", "sw", "--json").out)["community"]
    assert served["services"]["childcare"] == {
        "facility": "k1", "name": "", "way": 100.0, "unit": "m", "covered": {"100": True, "300": True},
    }  # fmt: skip
    assert served["plans"][0]["served"][0]["site"] == "k1"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["explain", "OUT", "--site", "s9"], "shell.no_such_site", "s2"),
        (["explain", "OUT", "--community", "x"], "shell.no_such_community", "“x”"),
        (["explain", "OUT"], "shell.ask", "--site"),
        (["explain", "TOWN", "--site", "s2"], "study.no_results", "siting run"),
        (["map", "TOWN"], "shell.no_page", "siting run"),
        (["map", "OUT", "--out", "a.png"], "shell.page", ".html"),
        (["plan", "TOWN/study.toml", "--goal", "x"], "shell.choose", "most"),
        (["check", "TOWN/town.gpkg"], "shell.role", "communities"),
        (["rum"], "shell.no_command_near", "run"),
        (["xyz"], "shell.no_command", "compare"),
        (["run", "a.toml", "--otu", "b"], "shell.no_option_near", "--out"),
        (["run"], "shell.missing", "研究.toml"),
        (["run", "a.toml", "b"], "shell.extra", "b"),
        (["standards", "jinhua", "--year", "x"], "shell.whole", "--year"),
        (["run", "a.toml", "--out"], "shell.no_value", "--out"),
        (["run", "a.toml", "--lang", "fr"], "shell.lang", "zh"),
        (["run", "a.toml"], "file.absent", "a.toml"),
    ],
)
def test_errors_have_status_2_a_code_and_words(results: Path, words: list[str], code: str, said: str) -> None:
    line = [word.replace("OUT", str(results)).replace("TOWN", str(results.parent)) for word in words]
    told = siting(*line)
    assert (told.status, told.out) == (2, "")
    assert said in told.err
    assert CHINESE.search(told.err)
    english = siting("--lang", "en", *line) if "--lang" not in line else None
    assert english is None or (english.status == 2 and said.strip("“”") in english.err.replace("STUDY", "研究.toml"))
    asked = siting("--json", *line)
    found = json.loads(asked.out)["error"]
    assert (asked.status, asked.err, found["code"]) == (2, "", code)
    assert said in found["text"]
    assert isinstance(found["values"], dict)


@pytest.mark.slow
def test_faults_of_a_layer_are_listed_in_json(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("编号,常住人口,经度,纬度\na,-3,120,29\na,5,120,29\n", encoding="utf-8")
    told = siting("check", tmp_path / "a.csv", "--role", "communities", "--json")
    error = json.loads(told.out)["error"]
    assert told.status == 2
    assert error["layer"].startswith("communities")
    assert len(error["faults"]) == 2
    assert all(fault["code"] and fault["text"] for fault in error["faults"])


@pytest.mark.slow
def test_a_goal_without_a_plan_gives_results_and_an_error(town: Path, tmp_path: Path) -> None:
    study = town / "far.toml"
    study.write_text(
        STUDY.replace("at_most = 1", 'cover = "100 %"').replace("metres = 300\n", "metres = 60\n"), encoding="utf-8"
    )
    told = siting("run", study, "--out", tmp_path / "out", "--json")
    found = json.loads(told.out)
    assert told.status == 2
    assert found["error"]["code"] == "shell.unmet"
    assert found["plans"][0]["status"] == "infeasible"
    assert (tmp_path / "out" / "report.html").is_file()


@pytest.mark.slow
def test_pages_come_from_results_or_from_a_run(town: Path, results: Path, tmp_path: Path) -> None:
    assert siting("map", results, "--out", tmp_path / "m.html").status == 0
    assert (tmp_path / "m.html").read_bytes() == (results / "coverage.html").read_bytes()
    told = siting("report", town / "study.toml", "--out", tmp_path / "r.html", "--lang", "en")
    assert told.status == 0, told.err
    assert "Coverage: childcare" in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["m.html", "r.html"]


@pytest.mark.slow
def test_conversion_keeps_all_columns_and_names_the_datum(town: Path, tmp_path: Path) -> None:
    told = siting("convert", town / "town.gpkg", tmp_path / "a.csv", "--layer", "communities", "--to-datum", "BD-09")
    assert told.status == 0
    assert "由 WGS84 转换为 BD-09" in told.out
    told = siting("convert", tmp_path / "a.csv", tmp_path / "b.gpkg", "--datum", "BD-09", "--to-crs", "EPSG:4547")
    assert told.status == 0
    back, was = (st.read_layer(file, "communities") for file in (tmp_path / "b.gpkg", town / "town.gpkg"))
    assert back["infants"].tolist() == was["infants"].tolist()
    assert back.geometry.distance(was.geometry).max() < 0.001


@pytest.mark.slow
def test_a_wrong_datum_is_said(tmp_path: Path) -> None:
    sample = st.data.sample_path()
    assert siting("convert", sample, tmp_path / "a.csv", "--layer", "childcare", "--to-datum", "GCJ-02").status == 0
    told = siting("convert", tmp_path / "a.csv", tmp_path / "b.gpkg", "--streets", sample)
    assert told.status == 0
    assert "--datum GCJ-02" in re.sub(r"\s+", " ", told.out)


@pytest.mark.parametrize(
    ("line", "environment", "lang"),
    [
        (["run", "x.toml", "--lang", "en"], {"SITING_LANG": "zh"}, "en"),
        (["--lang=zh", "demo"], {"SITING_LANG": "en"}, "zh"),
        (["check", "EN"], {"SITING_LANG": "zh"}, "zh"),
        (["check", "EN"], {"LANG": "zh_CN.UTF-8"}, "en"),
        (["check", "NONE"], {"LANG": "en_US.UTF-8"}, "en"),
        (["explain", "RESULTS"], {"LANG": "zh_CN.UTF-8"}, "en"),
        (["demo"], {"LANG": "en_US.UTF-8"}, "zh"),
        (["standards"], {"LC_ALL": "zh_CN.UTF-8", "LANG": "en_US.UTF-8"}, "zh"),
        (["standards"], {"LC_MESSAGES": "de_DE.UTF-8"}, "en"),
        (["standards"], {"LANG": "C.UTF-8"}, "zh"),
        (["standards"], {"SITING_LANG": "fr"}, "zh"),
    ],
)
def test_the_language_is_asked_for_or_of_the_study_or_of_the_system(
    tmp_path: Path, line: list[str], environment: dict[str, str], lang: str
) -> None:
    (tmp_path / "en.toml").write_text('[study]\nlang = "en"\n', encoding="utf-8")
    (tmp_path / "none.toml").write_text("[study]\n", encoding="utf-8")
    (tmp_path / "results.json").write_text('{"lang": "en", "study": {}}', encoding="utf-8")
    names = {"EN": tmp_path / "en.toml", "NONE": tmp_path / "none.toml", "RESULTS": tmp_path}
    assert spoken([str(names.get(word, word)) for word in line], environment) == lang


def test_options_stand_before_or_after() -> None:
    first, last = siting("--lang", "en", "standards"), siting("standards", "--lang", "en")
    assert first == last
    assert "Jinhua: plan" in first.out
    assert json.loads(siting("--version", "--json").out) == {"siting": st.__version__}
    assert siting("--version").out == f"siting {st.__version__}\n"
    assert siting().out.strip() == siting("--help").out.strip()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="bash completes")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("siting ex", "explain"),
        ("siting check a.gpkg --role elder", "eldercare"),
        ("siting audit a.toml --standard jin", "jinhua"),
        ("siting standards sch", "schema"),
        ("siting convert TOWN b.csv --layer ch", "childcare"),
    ],
)
def test_completion_offers_what_there_is(town: Path, line: str, offered: str) -> None:
    line = line.replace("TOWN", str(town / "town.gpkg"))
    environment = {
        **os.environ, "_SITING_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1),
        "PYTHONPATH": str(Path(st.__file__).parents[1]),
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", "from siting.cli import main; main()"], env=environment,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert offered in done.stdout.split(), done.stderr
