"""The pages on coordinates and on layers of one's own: every example prints what the page says."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from siting.data import distortion, outliers

DOCS = Path(__file__).resolve().parents[1] / "docs"
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.mark.parametrize("page", ["methods/coordinates.md", "how-to/own_data.md", "how-to/datums.md"])
def test_the_examples_print_what_they_say(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```pycon\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, page, page, 0)
    assert test.examples
    said: list[str] = []
    failed, _ = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append)
    assert not failed, "".join(said)


def test_the_limits_on_the_page_are_those_of_the_library() -> None:
    text = (DOCS / "methods" / "coordinates.md").read_text(encoding="utf-8")
    limits = (outliers.CELL, outliers.DOUBTFUL, outliers.CERTAIN, outliers.APART)
    kilometres = [f"{metres / 1000:,.0f} km" for metres in limits]
    assert kilometres == ["25 km", "50 km", "200 km", "1,000 km"]
    assert all(words in text for words in kilometres)
    assert f"above {100 * distortion.REPORTED:.2f} %" in text
    assert f"above {100 * distortion.REFUSED:g} %" in text
