"""The READMEs: the script runs as printed, and every command and file they name is there."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from siting.judge import Rule
from siting.judge.standards.rule import Document
from siting.study import Circle, Goal, Source
from siting.study.analyses import FUNCTIONS
from siting.study.recipe import KEYS

ROOT = Path(__file__).resolve().parents[1]
READMES = ("README.md", "README.zh-CN.md")

each_readme = pytest.mark.parametrize("name", READMES)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", read(name), flags=re.DOTALL | re.MULTILINE)


def commands(name: str) -> set[str]:
    """Commands in fenced shell blocks and in code within lines."""
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", read(name), flags=re.DOTALL | re.MULTILINE))
    lines = [line.partition("#")[0].strip() for block in blocks(name, "sh") for line in block.splitlines()]
    return {text for text in [*spans, *lines] if text.startswith(("siting ", "make "))}


@functools.cache
def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        check=True,
        encoding="utf-8",
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb", "PYTHONUTF8": "1"},
    )
    return done.stdout


def shell_help(*arguments: str) -> str:
    return run("-c", "from siting.cli import main; main()", *arguments, "--help")


def test_both_languages_print_the_same_script():
    scripts = [blocks(name, "python") for name in READMES]
    assert scripts[0] == scripts[1]
    assert len(scripts[0]) == 1


def test_both_languages_name_the_same_commands_functions_and_files():
    assert commands(READMES[0]) == commands(READMES[1])
    tables = [[row.split("|")[2] for row in read(name).splitlines() if row.startswith("| ")] for name in READMES]
    functions = [[re.findall(r"`([^`]+)`", cell) for cell in table] for table in tables]
    assert functions[0] == functions[1]
    links = [set(re.findall(r"\]\(([^)]+)\)", read(name))) - set(READMES) for name in READMES]
    assert links[0] == links[1]


@pytest.mark.slow
def test_the_script_runs_as_printed(tmp_path):
    (script,) = blocks("README.md", "python")
    code = [line for line in script.splitlines() if line and not line.startswith("import")]
    assert len(code) <= 12, "it is called a script of ten lines"
    (tmp_path / "script.py").write_text(script, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "script.py"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "Proven optimal." in done.stdout
    # The shares that the text beside the script tells.
    told = "New sites: 5. Coverage rises from 42.1 % to 54.0 %"
    assert told in done.stdout
    for name in READMES:
        assert all(share in read(name).replace(" %", "%") for share in ("42.1%", "54.0%"))
    page = (tmp_path / "coverage.html").read_text(encoding="utf-8")
    assert "sitingMap(" in page
    assert "合成数据" in page


@pytest.mark.slow
@each_readme
def test_every_command_is_there(name):
    named = commands(name)
    assert {"make demo", "make test"} <= named
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), flags=re.MULTILINE))
    listed = set(re.findall(r"^  ([a-z]+)  ", shell_help(), flags=re.MULTILINE))
    assert listed
    for command in named:
        tool, verb, *rest = command.split()
        if tool == "make":
            assert verb in targets, command
            continue
        assert verb in listed, command
        options = [word for word in rest if word.startswith("--")]
        if options:
            known = shell_help(verb)
            assert all(re.search(rf"{option}\b", known) for option in options), command


@each_readme
def test_every_file_is_there(name):
    linked = re.findall(r"\]\(([^)]+)\)", read(name))
    assert linked
    for link in linked:
        assert (ROOT / link.split("#")[0]).exists(), link


def test_every_function_in_the_table_is_public():
    import siting as st

    cells = [row.split("|")[2] for row in read("README.md").splitlines() if row.startswith("| ")]
    names = re.findall(r"(?<![.\w\"])([A-Za-z_]{4,}(?:\.[a-z_]+)?)(?=[(`])", " ".join(cells))
    assert "frontier" in names
    assert "AtMost" in names
    for name in names:
        thing = st
        for part in name.split("."):
            if part in getattr(thing, "__dataclass_fields__", {}):
                break
            thing = getattr(thing, part)


def test_the_picture_is_small_and_a_png():
    picture = (ROOT / "docs" / "images" / "map.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 300_000


def test_every_key_of_a_study_is_explained():
    page = read("docs/how-to/study.md")
    of_tables = {f.name.rstrip("_") for kind in (Source, Circle, Goal, Document) for f in fields(kind)}
    keys = {*KEYS["study",], *KEYS[()], *of_tables} - set(FUNCTIONS)
    missing = {key for key in keys if not re.search(rf"`[^`\n]*\b{key}\b[^`\n]*`", page)}
    assert not missing


def test_every_key_of_a_rule_is_explained():
    page = read("docs/methods/standards.md")
    missing = {f.name for f in fields(Rule) if f"`{f.name}`" not in page}
    assert not missing
