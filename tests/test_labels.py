"""The one table of words: both languages everywhere, the same blanks in both, and none that nobody uses."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

import siting
from siting.labels import _table, label

KEYS = sorted(_table())
BLANKS = string.Formatter()


@pytest.mark.parametrize("key", KEYS)
def test_both_languages_have_the_same_blanks(key: str) -> None:
    words = _table()[key]
    assert set(words) == {"zh", "en"}
    zh, en = ({name for _, name, _, _ in BLANKS.parse(words[lang]) if name} for lang in ("zh", "en"))
    assert zh == en
    assert words["en"].isascii() or not re.search(r"[\u4e00-\u9fff]", words["en"]), "English words hold Chinese"


def test_keys_that_the_code_names_are_there() -> None:
    source = Path(siting.__file__).parent
    for path in source.rglob("*.py"):
        for key in re.findall(r'label\(\s*"([a-z_]+\.[a-z0-9_]+)"', path.read_text(encoding="utf-8")):
            assert key in _table(), f"{path.name} asks for {key}"


def test_an_unknown_key_or_language_is_told() -> None:
    with pytest.raises(ValueError, match=r"no words for 'map\.nothing'"):
        label("map.nothing")
    with pytest.raises(ValueError, match="choose one of zh, en"):
        label("unit.m", "fr")
