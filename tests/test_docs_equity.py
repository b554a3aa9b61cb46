"""The page on equity: every example prints what the page says, and the sentences around them say the same."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[1] / "docs" / "methods" / "equity.md"
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.mark.slow
def test_the_examples_print_what_they_say() -> None:
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"^```pycon\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    # A blank line between blocks ends what the last example is to print.
    scope: dict[str, object] = {}
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), scope, PAGE.name, str(PAGE), 0)
    assert len(test.examples) > 15
    said: list[str] = []
    failed, _ = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append, clear_globs=False)
    assert not failed, "".join(said)
    assert len(test.globs["centres"].query("facility_type == '养老机构'")) == 6
    assert len(test.globs["nurseries"]) == 35
    assert f"{1 / test.globs['elder'].density - 1:.0%}" == "17%"
    first = test.globs["both"]
    assert [f"{share:.0%}" for share in first["covered"]] == ["43%", "23%", "43%"]
