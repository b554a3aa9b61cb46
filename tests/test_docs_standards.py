"""The page on standards: its standard of one's own is read, its examples run, its words are the code's."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

import siting as st
from siting.judge.standards.applies_to import APPLIES
from siting.judge.standards.kinds import KINDS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "methods" / "standards.md"
TEXT = PAGE.read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.slow
def test_the_examples_print_what_they_say() -> None:
    test = doctest.DocTestParser().get_doctest("\n".join(blocks("pycon")), {}, PAGE.name, str(PAGE), 0)
    assert test.examples
    failed, _ = doctest.DocTestRunner().run(test)
    assert not failed


def test_the_standard_of_ones_own_is_read(tmp_path: Path) -> None:
    (text,) = blocks("toml")
    (tmp_path / "my_city.toml").write_text(text, encoding="utf-8")
    (rule,) = st.load_standard(tmp_path / "my_city.toml")
    judged = st.audit(st.load_standard(tmp_path / "my_city.toml"), st.load_sample(), year=2027)
    assert judged.table["target"].tolist() == [rule.value]


def table(heading: str) -> str:
    section = re.search(rf"^### {heading}\n(.*?)(?=^##)", TEXT, flags=re.DOTALL | re.MULTILINE)
    assert section
    return section[1]


def test_the_words_of_the_tables_are_those_of_the_code() -> None:
    ruled = {word for row in re.findall(r"^\| (.*?) \|", table("The units of a rule"), re.MULTILINE)
             for word in re.findall(r"`([a-z_]+)`", row)}  # fmt: skip
    assert ruled - {"applies_to"} <= set(APPLIES)
    assert {"new_residential", "industrial_park", "township"} <= ruled
    kinds = {word for row in re.findall(r"^\| (.*?) \|", table("What a kind needs"), re.MULTILINE)
             for word in re.findall(r"`([a-z_0-9]+)`", row)}  # fmt: skip
    assert kinds <= set(KINDS)
    assert len(kinds) > 10
