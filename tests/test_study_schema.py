"""The JSON Schema of a study: it takes what is read, refuses what is not, and has words for its keys."""

from __future__ import annotations

import re
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import siting as st
from siting.study.schema import schema

pytestmark = pytest.mark.skipif(find_spec("jsonschema") is None, reason="NOT TESTED by a validator: no jsonschema")
MADE = schema()
SAMPLE = st.data.sample_path("study.toml").read_text(encoding="utf-8")


def faults(text: str) -> list[tuple[Any, ...]]:
    import jsonschema

    found = jsonschema.Draft202012Validator(MADE).iter_errors(tomllib.loads(text))
    return [tuple(error.absolute_path) for error in found]


def test_the_schema_is_one() -> None:
    import jsonschema

    jsonschema.Draft202012Validator.check_schema(MADE)
    assert MADE["additionalProperties"] is False


def test_the_studies_of_sample_and_docs_are_valid() -> None:
    assert faults(SAMPLE) == []
    pages = Path(__file__).resolve().parents[1] / "docs" / "how-to"
    blocks = re.findall(r"```toml\n(.*?)```", (pages / "study.md").read_text(encoding="utf-8"), re.DOTALL)
    files = [file.read_text(encoding="utf-8") for file in sorted(pages.rglob("*.toml"))]
    assert len(blocks) > 5
    assert len(files) > 28
    for text in (*blocks, *files):
        assert faults(text) == [], text


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("year = 2025", 'year = "2025"', ("study", "year")),
        ('lang = "zh"', 'lang = "cn"', ("study", "lang")),
        ("on_map = true", "on_map = 1", ("goal", 1, "on_map")),
        ("max_snap = 250", "maxsnap = 250", ("study",)),
        ('service = "childcare"\nmetres = [300', "metres = [300", ("circle", 0)),
        ("at_most = 5", "at_most = { n = 5, per = 1 }", ("goal", 1, "at_most")),
    ],
)
def test_what_is_wrong_is_marked_at_its_key(old: str, new: str, path: tuple[Any, ...]) -> None:
    assert old in SAMPLE
    assert path in faults(SAMPLE.replace(old, new))


def test_keys_have_words_in_both_languages() -> None:
    described = 0
    for name in ("Settings", "Source", "Circle", "Goal", "Walker"):
        for key, table in MADE["$defs"][name]["properties"].items():
            if "description" in table:
                described += 1
                chinese, english = table["description"].split("\n")
                assert chinese != english, key
    assert described > 60
