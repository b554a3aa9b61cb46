"""The page on location-allocation: every problem type has a call, and every example runs as printed."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "arcgis.md"
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
#: The problem types of the solver.
TYPES = [
    "Minimize Impedance", "Maximize Coverage", "Maximize Capacitated Coverage", "Minimize Facilities",
    "Maximize Attendance", "Maximize Market Share", "Target Market Share",
]  # fmt: skip


def test_every_problem_type_has_a_row_and_an_example() -> None:
    text = PAGE.read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", text, flags=re.DOTALL | re.MULTILINE))
    for name in TYPES:
        anchor = "#" + name.lower().replace(" ", "-")
        assert f"({anchor})" in text, name
        assert "st.solve(" in sections[name], name


@pytest.mark.slow
def test_the_examples_print_what_they_say() -> None:
    blocks = re.findall(r"^```pycon\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, PAGE.name, str(PAGE), 0)
    assert test.examples
    said: list[str] = []
    failed, _ = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append)
    assert not failed, "".join(said)
