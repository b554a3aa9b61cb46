"""The one table of words: both languages everywhere, the same blanks in both, and none that nobody uses."""

from __future__ import annotations

import re
import string
import tomllib
from pathlib import Path

import pytest

import siting
from siting.judge.wording.sentences import needs_words, sentence
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


#: Words in Latin letters that Chinese readers know as names or units.
NAMES = {"siting", "m"}
PROFILES = sorted(Path(siting.__file__).parent.glob("judge/profiles/*.toml"))


def latin(text: str) -> set[str]:
    """Words in Latin letters, without blanks, commands, and names in brackets of what has to be given."""
    plain = re.sub(r"\{[^}]*\}|(?<=字段|图层)（[a-z_]+）|siting( [a-z]+)+", "", text)
    return set(re.findall(r"[A-Za-z_]+(?:\(\))?", plain)) - NAMES


@pytest.mark.parametrize("key", KEYS)
def test_chinese_words_hold_no_words_of_code(key: str) -> None:
    if not key.startswith("engine."):  # HiGHS is a name
        assert not latin(_table()[key]["zh"])


def chinese_texts() -> dict[str, str]:
    """All that is read in Chinese: labels, roles, and names and notes of the rules."""
    texts = {key: words["zh"] for key, words in _table().items()}
    roles = tomllib.loads(Path(siting.__file__).parent.joinpath("data", "roles.toml").read_text(encoding="utf-8"))
    for name, table in roles.items():
        if not isinstance(table, dict):
            continue
        texts |= {f"{name}.{key}": table[key] for key in ("zh",) if key in table}
        for column, entry in table.get("columns", {}).items():
            texts |= {f"{name}.{column}.{key}": entry[key] for key in ("zh", "meaning_zh") if key in entry}
    for path in PROFILES:
        for rule in tomllib.loads(path.read_text(encoding="utf-8")).get("rule", []):
            texts |= {f"{rule['id']}.{key}": rule[key] for key in ("note_zh",) if key in rule}
    return texts


def test_a_subdistrict_is_no_street() -> None:
    """街道 is an administrative unit; ways lie along 道路 or 路网."""
    road = re.compile(r"(沿|远离|到|距离?|靠近)街道|街道(网|路|最远|距离)")
    assert [key for key, text in chinese_texts().items() if road.search(text)] == []


def test_people_of_sixty_are_told_with_those_who_are_sixty() -> None:
    wrong = re.compile(r"60岁以上|千名老人|万名老人|百名老人")
    assert [key for key, text in _table().items() if wrong.search(text["zh"])] == []


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_notes_of_rules_hold_no_names_of_columns(path: Path) -> None:
    rules = tomllib.loads(path.read_text(encoding="utf-8")).get("rule", [])
    found = {rule["id"]: re.findall(r"[a-z]+_[a-z_]+|（[a-z]+）|beside", rule.get("note_zh", "")) for rule in rules}
    assert {rule: words for rule, words in found.items() if words} == {}


def test_places_of_schools_are_told_apart_from_those_of_nurseries() -> None:
    """学位 are places of kindergartens and schools, 托位 those of childcare."""
    assert label("needs.places") == "个托位"
    assert not [key for key, words in _table().items() if "学位" in words["zh"] and "school" not in words["en"]]


@pytest.mark.parametrize(
    ("code", "zh", "en"),
    [
        ("persons", "人", "people"),
        ("communities", "个小区", "communities"),
        ("inclusive_places", "个普惠托位", "inclusive places"),
        ("nursing_beds", "张护理型床位", "nursing beds"),
        ("certified_caregivers", "名持证养老护理员", "certified caregivers"),
        ("area_m2", "平方米建筑面积", "m² of floor area"),
        ("", "", ""),
    ],
)
def test_what_is_needed_has_its_measure_word(code: str, zh: str, en: str) -> None:
    assert (needs_words(code, "zh"), needs_words(code, "en")) == (zh, en)


def test_numbers_carry_their_unit_in_chinese() -> None:
    owed = {"units": 46, "owed": 1387.0, "of": "places", "walk": "300 m", "fulfil": 12, "ruled": "new_residential"}
    assert sentence(("audit.owed", owed), "zh").startswith("46 个新建小区应配托位 1,387 个，其中 12 个已配足；")
    assert sentence(("audit.sum", {"stock": 6, "column": ("eldercare",)}), "zh") == "养老设施共 6 处"
    people = {"stock": 1229, "column": ("places",), "base": "population", "people": 372513.0}
    assert sentence(("audit.rate", people), "zh") == "托位共 1,229 个，常住人口 372,513 人"
    units = {"part": 11, "total": 14, "of": "districts"}
    assert sentence(("audit.units", units), "zh") == "14 个街道（乡镇）中，符合本条的有 11 个"
    assert sentence(("audit.units", units), "en") == "11 of 14 townships"


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
