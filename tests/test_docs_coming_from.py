"""The page for those who know other programs: the examples run as printed, and so do our calls in the tables."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "coming_from.md"
TEXT = PAGE.read_text(encoding="utf-8")
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
PROGRAMS = ["ArcGIS Network Analyst", "QGIS", "spopt", "pandana", "access"]
CALLS = re.findall(r"`((?:st|net|reach)\.[^`]*\([^`…]*\))`", TEXT)


def test_each_program_has_a_table() -> None:
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TEXT, flags=re.DOTALL | re.MULTILINE))
    for program in PROGRAMS:
        assert "| Their call | Our call |" in sections[program], program


@pytest.mark.slow
def test_the_examples_and_the_calls_of_the_tables_run() -> None:
    blocks = re.findall(r"^```pycon\n(.*?)^```$", TEXT, flags=re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), names, PAGE.name, str(PAGE), 0)
    said: list[str] = []
    failed, _ = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append, clear_globs=False)
    assert not failed, "".join(said)
    assert len(CALLS) > 15
    for call in CALLS:
        assert eval(call, test.globs) is not None, call
