"""The page on another city: its standard is read, its examples print what they say, its words are the code's."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

import siting as st
from siting.judge.standards.keys import COMPUTING
from siting.judge.standards.kinds import KINDS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "another_city.md"
TEXT = PAGE.read_text(encoding="utf-8")
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.slow
def test_the_examples_print_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (text,) = blocks("toml")
    Path("linhe.toml").write_text(text, encoding="utf-8")
    test = doctest.DocTestParser().get_doctest("\n".join(blocks("pycon")), {}, PAGE.name, str(PAGE), 0)
    assert len(test.examples) > 5
    said: list[str] = []
    failed, _ = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append)
    assert not failed, "".join(said)


def test_the_city_is_said_to_be_made_up(tmp_path: Path) -> None:
    assert "**Linhe and all its numbers are made up.**" in TEXT
    (text,) = blocks("toml")
    (tmp_path / "linhe.toml").write_text(text, encoding="utf-8")
    standard = st.load_standard(tmp_path / "linhe.toml")
    assert "虚构" in standard.title_zh
    assert all("虚构" in document.title for document in standard.documents.values())


def test_the_kinds_and_keys_of_the_table_are_those_of_the_code() -> None:
    table = TEXT[TEXT.index("## From sentences to rules") : TEXT.index("## The standard of Linhe")]
    rows = re.findall(r"^\| [^|]* \| ([^|]*) \| ([^|]*) \|$", table, flags=re.MULTILINE)[1:]
    kinds = {word for kind, _ in rows for word in re.findall(r"`([a-z_0-9]+)`", kind)} - {"each", "any", "minutes"}
    assert len(kinds) > 8
    assert kinds <= set(KINDS)
    keys = {word for _, said in rows for word in re.findall(r"`([a-z_]+)(?: =.*?)?`", said)}
    assert {key for key in keys if key not in COMPUTING} <= {"value", "value_max", "unit", "operator"}
