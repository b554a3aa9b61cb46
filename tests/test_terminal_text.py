"""Names from files never command a terminal: in results, tables, errors, log records and progress."""

from __future__ import annotations

import io
import logging
import os
import re
import subprocess
import sys
import tomllib
import unicodedata
from pathlib import Path

import geopandas as gpd
import pytest
from hypothesis import given
from hypothesis import strategies as text
from rich.logging import RichHandler
from rich.table import Table
from rich.text import Text

import siting as st
from siting.terminal_text import TextConsole, as_typed, printable

MESSAGES = Path(st.__file__).parent / "messages"
#: A title, a link, a cleared screen, a bell, C1, a carriage return, a backspace, and text turned around.
ATTACKS = [
    "\x1b]0;title\x07",
    "\x1b]8;;http://x\x1b\\",
    "\x1b[2J",
    "\x07",
    "\x9b31m",
    "\r",
    "\b",
    "\u202e",
    "\u2066",
    "\x7f",
    "\ud800",
]
ATTACK = "a" + "".join(ATTACKS) + "z"


def commands(told: str) -> list[str]:
    """List the characters that a terminal obeys."""
    return [
        c for c in told if (unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t") or c in "\u202e\u2066\u200f"
    ]


@given(text.text(alphabet=text.characters()))
def test_nothing_printable_commands(words: str) -> None:
    assert commands(printable(words)) == []
    assert len(printable(words)) == len(words)


def test_usual_text_stays() -> None:
    usual = "托育 “一”\t3 ㎡ é 🙂 ﷼ עברית\n第二行"
    assert printable(usual) == usual


@pytest.fixture
def console() -> TextConsole:
    return TextConsole(file=io.StringIO(), width=200, force_terminal=False)


def told(console: TextConsole) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_every_way_to_print(console: TextConsole) -> None:
    console.print(ATTACK, markup=False, highlight=False, soft_wrap=True)
    console.print(ATTACK, highlight=True)
    console.print(Text(ATTACK))
    console.print(f"[bold]{ATTACK}[/bold]")
    table = Table(title=ATTACK)
    table.add_column(ATTACK, overflow="fold")
    table.add_row(ATTACK)
    console.print(table)
    log = logging.Logger("x")
    log.addHandler(RichHandler(console=console, show_time=False, show_path=False))
    log.warning("%s: %s", ATTACK, ATTACK)
    with console.status(ATTACK) as status:
        status.update(ATTACK)
    out = told(console)
    assert out.count("a") >= 8
    assert commands(out) == []


def test_colours_and_the_cursor_still_work() -> None:
    console = TextConsole(file=io.StringIO(), width=80, force_terminal=True, color_system="standard")
    console.print("[red]no[/red]")
    with console.status(ATTACK):
        pass
    out = told(console)
    assert "\x1b[31mno\x1b[0m" in out
    assert "\x1b[2J" not in out
    assert "\x1b]" not in out


def test_a_name_is_no_emoji(console: TextConsole) -> None:
    console.print("street :fire:", markup=False)
    assert told(console) == "street :fire:\n"


def run(*args: str, folder: Path, **env: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "siting", *args], cwd=folder, capture_output=True, timeout=300, check=False,
        env={**os.environ, "PYTHONPATH": str(Path(st.__file__).parents[1]), "PYTHONUTF8": "1", **env},
    )  # fmt: skip
    assert done.returncode == 2, done.stderr.decode()
    return (done.stdout + done.stderr).decode(errors="surrogateescape")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no such names of files there")
def test_the_shell(tmp_path: Path) -> None:
    """From names of files, columns and ids, keys of TOML, options and arguments."""
    evil = ATTACK.replace("/", "").replace("\ud800", "").replace("\\", "")
    points = gpd.GeoSeries.from_xy([120.0, 120.0], [29.0, 29.001])
    frame = gpd.GeoDataFrame({"编号": [evil, evil], evil: [1, 2]}, geometry=points, crs=4490)
    frame.to_file(tmp_path / "x.geojson")
    (tmp_path / f"{evil}.gpkg").write_bytes(b"no layer")
    key = evil.encode("unicode_escape").decode().replace("\\x", "\\u00")
    (tmp_path / "study.toml").write_text(f'[study]\n"{key}" = "{key}"\n', encoding="utf-8")
    outs = [
        run("check", "x.geojson", "--role", "childcare", folder=tmp_path),
        run("check", f"{evil}.gpkg", "--role", "childcare", folder=tmp_path),
        run("check", "x.geojson", "y", evil, "--role", "childcare", folder=tmp_path),
        run("run", "study.toml", folder=tmp_path),
        run("run", f"{evil}.toml", folder=tmp_path),
        run("standards", evil, folder=tmp_path),
        run(evil, folder=tmp_path),
        run(f"--{evil}", folder=tmp_path),
    ]
    for out in outs:
        assert "a" in out
        assert commands(out) == []


@pytest.mark.slow
def test_an_encoding_that_lacks_a_character(tmp_path: Path) -> None:
    out = run("check", "没有✓.gpkg", "--role", "childcare", folder=tmp_path, PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert "??" in out
    assert "cannot be read" in out


@pytest.mark.parametrize(
    ("message", "in_a_shell", "in_a_study"),
    [
        ("with strip_units=True, such", "with --strip-units, such", "with strip_units = true, such"),
        ('give crs="EPSG:4549"', 'give --crs "EPSG:4549"', 'give crs = "EPSG:4549"'),
        ("layer='表 1' is for", "--layer '表 1' is for", "layer = '表 1' is for"),
        ("but crs= says EPSG:4326", "but --crs says EPSG:4326", "but crs says EPSG:4326"),
        ("choose with columns=,", "choose with a --mapping: [columns] …,", "choose with columns,"),
        (
            'with columns={"lon": "…", "lat": "…"}',
            'with a --mapping: [columns] lon = "…", lat = "…"',
            'with columns = { lon = "…", lat = "…" }',
        ),
        (
            'by columns={"id": "a"}, or in a mapping: [columns] id = "a"',
            'by a --mapping: [columns] id = "a"',
            'by columns = { id = "a" }, or in a mapping: [columns] id = "a"',
        ),
        ('as 0 with missing="zero"', 'as 0 with missing = "zero" in a study', 'as 0 with missing = "zero"'),
        ('"layer=3" and xlayer=3', '"layer=3" and xlayer=3', '"layer=3" and xlayer=3'),
        (
            'such as crs="EPSG:4549", or set it with frame.set_crs("EPSG:4549")',
            'such as --crs "EPSG:4549"',
            'such as crs = "EPSG:4549"',
        ),
    ],
)
def test_messages_name_keys_as_they_are_typed(message: str, in_a_shell: str, in_a_study: str) -> None:
    assert as_typed(message, options=True) == in_a_shell
    assert as_typed(message, options=False) == in_a_study


@pytest.mark.parametrize(
    ("message", "in_a_shell", "in_a_study"),
    [
        ("请用 layer= 选定一个", "请用 --layer 选定一个", "请用 layer 选定一个"),
        ("mapping=、crs=、datum= 须", "--mapping、--crs、--datum 须", "mapping、crs、datum 须"),
        (
            '请写 columns={"infants": "人数"}', '请写 --mapping 字段对照文件：[columns] infants = "人数"',
            '请写 columns = { infants = "人数" }',
        ),
        (
            'columns={"id": "编"}，或在字段对照文件中写 [columns] id = "编"',
            '--mapping 字段对照文件：[columns] id = "编"',
            'columns = { id = "编" }，或在字段对照文件中写 [columns] id = "编"',
        ),
        ("（另写crs=）", "（另写--crs）", "（另写crs）"),
        ("请写 crs=，或用 frame.set_crs(..., allow_override=True)", "请写 --crs", "请写 crs"),
        ('用 missing="zero" 计', '用 missing = "zero"（写在研究配置文件中） 计', '用 missing = "zero" 计'),
        ("“layer=3”", "“layer=3”", "“layer=3”"),
    ],
)  # fmt: skip
def test_chinese_messages_name_them_too(message: str, in_a_shell: str, in_a_study: str) -> None:
    assert as_typed(message, options=True, lang="zh") == in_a_shell
    assert as_typed(message, options=False, lang="zh") == in_a_study


def test_no_message_of_layers_keeps_a_keyword_of_python() -> None:
    """Every text that a user of the shell may read about a layer."""
    for room in ("cell", "column", "datum", "place", "reading", "table"):
        for key, words in tomllib.loads((MESSAGES / f"{room}.toml").read_text(encoding="utf-8")).items():
            for lang in ("zh", "en"):
                typed = as_typed(words[lang].replace("{{", "{").replace("}}", "}"), options=True, lang=lang)
                left = re.findall(
                    r"(?<![\w{])(?:crs|layer|encoding|columns|header|skip_rows|strip_units|datum)=", typed
                )
                assert not left, f"{room}.{key} in {lang}: {typed}"
