"""The pages of the questions: every example runs as printed, and every rule that is cited is there."""

from __future__ import annotations

import doctest
import fnmatch
import re
from pathlib import Path

import pytest

import siting as st

PAGES = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "questions"
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
QUESTIONS = [f"q{number:02}" for number in range(1, 29)]


def text_of(page: str) -> str:
    return (PAGES / f"{page}.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def rules() -> set[str]:
    return {rule.id for name in st.list_standards() for rule in st.load_standard(name)}


def test_every_question_has_its_page_and_stands_in_the_table() -> None:
    assert sorted(path.stem for path in PAGES.glob("q*.md")) == QUESTIONS
    table = (PAGES / "index.md").read_text(encoding="utf-8")
    for page in QUESTIONS:
        assert re.search(rf"^\|[^|]*\b{page.upper().replace('Q0', 'Q')}\b.*\|$", table, re.MULTILINE), page
        assert f"{page}.md" in table, page


@pytest.mark.slow
@pytest.mark.parametrize("page", QUESTIONS)
def test_the_example_prints_what_it_says(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```pycon\n(.*?)^```$", text_of(page), flags=re.DOTALL | re.MULTILINE)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, page, str(PAGES / page), 0)
    assert test.examples, "no example"
    said: list[str] = []
    failed, _ = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append)
    assert not failed, "".join(said)


@pytest.mark.parametrize("page", QUESTIONS)
def test_the_rules_it_rests_on_are_in_the_profiles(page: str, rules: set[str]) -> None:
    """Under "Rows" stand ids or patterns of ids; those of rules that no layer can show are not in the profiles."""
    section = re.search(r"^## (?:Rests on|依据)\n(.*?)(?=^## |\Z)", text_of(page), flags=re.DOTALL | re.MULTILINE)
    assert section, "no section of rules"
    named = re.findall(r"`([a-z_*]+\.[a-z0-9_.*]+)`", section[1])
    assert named
    for name in named:
        assert fnmatch.filter(rules, name), f"{name} is in no profile"
