"""The page on proposing sites: every example runs as printed, with the results that are printed."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

import siting as st

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = DOCS / "how-to" / "proposing.md"
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_examples_print_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```pycon\n(.*?)^```$", text_of(PAGE), flags=re.DOTALL | re.MULTILINE)
    # A blank line between blocks ends what the last example is to print.
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, PAGE.name, str(PAGE), 0)
    assert test.examples
    said: list[str] = []
    failed, _ = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append)
    assert not failed, "".join(said)


HOMES = (
    "siting.propose.problem.site_rules",
    "siting.propose.problem.service_rules",
    "siting.propose.problem.phases",
    "siting.propose.problem.market",
)


def test_every_objective_and_rule_is_written_out_and_has_a_recipe() -> None:
    models, recipes = text_of(DOCS / "methods" / "siting_models.md"), text_of(PAGE)
    named = [name for name in st.__all__ if getattr(getattr(st, name), "__module__", "") in HOMES]
    named += [name for name in st.__all__ if re.match(r"(Max|Min)[A-Z]", name)]
    assert len(named) > 20
    lacking = [name for name in named if f"`{name}" not in models or name not in recipes]
    assert not lacking
