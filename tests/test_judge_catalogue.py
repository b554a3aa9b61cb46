"""The standards that come along: each can be loaded and drawn up by itself, and says what the catalogue of rules says.

The catalogue lies beside a checkout; without it only what the profiles say of themselves is tested.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import re
import tomllib
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import siting as st
from siting.judge.indicators.finding import INDICATORS
from siting.judge.standards.json_schema import standard_schema
from siting.judge.standards.kinds import KINDS
from siting.judge.standards.units_of_measure import UNITS
from siting.labels import known

CITIES = ["beihai", "guangxi", "hangzhou", "hangzhou_digest", "jinhua", "national", "ouhai", "qinghai", "qingtian",
          "quzhou", "shijiazhuang"]  # fmt: skip
NAMES = sorted([*CITIES, "gb50180"])
Rows = dict[str, dict[str, str]]


def test_the_standards_that_come_along() -> None:
    assert st.list_standards() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_by_itself(name: str) -> None:
    standard = st.load_standard(name)
    assert standard.name == name
    assert re.search("[一-鿿]", standard.title_zh)
    assert not re.search("[一-鿿]", standard.title_en)
    assert len({one.id for one in standard}) == len(standard) > 0
    cited = {one.document for one in standard}
    assert cited == set(standard.documents), "each document is cited, each citation is a document"
    for document in standard.documents.values():
        assert re.fullmatch(r"20\d\d(-\d\d-\d\d)?", document.issued)
    for one in standard:
        assert one.id.split(".")[:2] == [name, one.service], one.id
        assert one.kind in INDICATORS, one.id
        assert one.unit in UNITS, one.id
        assert not one.unit or known(f"unit.{one.unit}"), f"{one.id}: no word for {one.unit}"
        assert one.clause, one.id
        assert one.indicator_zh, one.id
        assert one.indicator_en, one.id
        assert one.value is not None or one.operator == "", f"{one.id}: an operator without a number"
        if one.role in ("standard", "target") and one.value is not None:
            assert one.operator in KINDS[one.kind].operators, f"{one.id}: {one.kind} is not judged by {one.operator}"


@pytest.mark.parametrize("name", NAMES)
def test_what_a_profile_says_is_one_line_of_plain_words(name: str) -> None:
    for one in st.load_standard(name):
        assert one.says == one.says.strip() != "", one.id
        texts = one.says + one.note + one.note_zh
        assert "\n" not in texts, one.id
        assert len(one.says) <= 160, one.id
        assert not re.search(r"TODO|FIXME|XXX|\?\?", texts + one.condition), one.id
        assert not re.search(r"\bA\d\d\b", texts), f"{one.id}: a code that the reader cannot look up"


YEAR = r"(?<!\d)(?:19|20)\d\d(?!\d)"


@pytest.mark.parametrize("name", NAMES)
def test_a_note_stands_in_both_languages(name: str) -> None:
    """The one is there when the other is, in its own script, and with the same years."""
    for one in st.load_standard(name):
        assert bool(one.note) == bool(one.note_zh), one.id
        if one.note:
            assert re.search("[一-鿿]", one.note_zh), one.id
            assert one.note_zh.endswith("。"), one.id
            assert not re.search(r"[一-鿿][,;:!?]|[A-Za-z]{3,} [A-Za-z]{3,}", one.note_zh), one.id
        assert set(re.findall(YEAR, one.note)) == set(re.findall(YEAR, one.note_zh)), one.id


# The JSON Schema


def test_the_schema_that_ships_is_of_the_rules_that_are() -> None:
    shipped = files("siting.judge").joinpath("standard.schema.json").read_text(encoding="utf-8")
    assert shipped == standard_schema(), "write it anew: siting standards schema"
    schema = json.loads(shipped)
    rule = schema["properties"]["rule"]["items"]
    names = [field.name for field in dataclasses.fields(st.Rule)]
    assert list(rule["properties"]) == names
    assert set(rule["required"]) == {"id", "kind", "service", "indicator_zh", "indicator_en"}
    assert set(rule["properties"]["kind"]["enum"]) == set(INDICATORS)
    assert set(rule["properties"]["unit"]["enum"]) == set(UNITS)
    for name in names:
        assert rule["properties"][name]["description"], name


BAD = {
    "kind": "no_such_kind",
    "unit": "parsecs",
    "operator": "≥",
    "role": "wish",
    "value": "4.5",
    "year": "2025",
    "valeu": 4.5,
    "facility_types": "托育机构",
    "where": {"public": 1},
    "service": 5,
}


@pytest.mark.skipif(find_spec("jsonschema") is None, reason="NOT TESTED by a validator: jsonschema is not there")
@pytest.mark.parametrize("name", NAMES)
def test_profiles_keep_the_schema(name: str) -> None:
    import jsonschema

    room = files("siting.judge")
    check = jsonschema.Draft202012Validator(json.loads(room.joinpath("standard.schema.json").read_text("utf-8")))
    data: dict[str, Any] = tomllib.loads(room.joinpath("profiles", f"{name}.toml").read_text("utf-8"))
    assert not list(check.iter_errors(data))
    first = data["rule"][0]
    for key, value in BAD.items():
        assert list(check.iter_errors({**data, "rule": [{**first, key: value}]})), f"{key} = {value} is taken"
    for key in ("id", "kind", "service", "indicator_zh", "indicator_en"):
        assert list(check.iter_errors({**data, "rule": [{k: v for k, v in first.items() if k != key}]})), key


@pytest.mark.parametrize(("key", "value"), BAD.items())
def test_the_loader_refuses_what_the_schema_refuses(tmp_path: Path, key: str, value: object) -> None:
    text = files("siting.judge").joinpath("profiles", "qinghai.toml").read_text("utf-8")
    start, _, rest = text.partition("[[rule]]\n")
    lines = [line for line in rest.partition("[[rule]]")[0].splitlines() if not line.startswith(f"{key} =")]
    said = "{ public = 1 }" if isinstance(value, dict) else json.dumps(value, ensure_ascii=False)
    (tmp_path / "own.toml").write_text("\n".join([start, "[[rule]]", f"{key} = {said}", *lines]), encoding="utf-8")
    line = start.count("\n") + 3  # that of the key
    with pytest.raises(st.errors.StandardError, match=rf"^own\.toml: line {line}: rule .*{key}"):
        st.load_standard(tmp_path / "own.toml")


# The catalogue

SHARED = Path(__file__).resolve().parents[2] / "shared" / "standards"
#: What this library calls the catalogue's units.
RENAMED = {"minutes": "min"}


def rows(name: str) -> Rows:
    file = SHARED / name
    if not file.is_file():
        pytest.skip(f"NOT TESTED against the catalogue of rules: ../shared/standards/{name} is not there")
    with file.open(encoding="utf-8", newline="") as lines:
        return {row["id"]: row for row in csv.DictReader(lines)}


@pytest.fixture(scope="module")
def catalogue() -> Rows:
    """The catalogue, with the rows that were read later: one of the same id takes the place of the first."""
    return {**rows("catalogue.csv"), **rows("more.csv")}


def test_every_computable_row_is_there_and_none_besides(catalogue: Rows) -> None:
    assert len(rows("catalogue.csv")) == 752
    assert len(rows("more.csv")) == 38
    assert len(catalogue) == 762, "28 of the later rows stand in the catalogue, too"
    wanted = {key for key, row in catalogue.items() if row["computable"] in ("yes", "partly")}
    assert rows("more.csv").keys() <= wanted
    had = [one.id for name in CITIES for one in st.load_standard(name)]
    assert len(wanted) == 498
    assert sorted(had) == sorted(wanted)


def number(text: str) -> float | None:
    return float(text) if text else None


#: Names that say nothing without the table that they stand in, and what the profiles call these rules.
SPELT_OUT = {
    "jinhua.childcare.service_radius.relaxed": "婴幼儿照护服务设施服务半径（放宽）",
    "jinhua.childcare.households_per_facility.new": "新建居住区每3000—4000户配置一处",
    "qingtian.population.elderly.2035": "60岁及以上户籍老年人口",
}


@pytest.mark.parametrize("name", CITIES)
def test_a_profile_says_what_the_catalogue_says(name: str, catalogue: Rows) -> None:
    standard = st.load_standard(name)
    differ = []
    for one in standard:
        row = catalogue[one.id]
        pairs = {
            **{key: (getattr(one, key), row[key])
               for key in ("kind", "service", "role", "operator", "applies_to")},
            "indicator_zh": (one.indicator_zh, SPELT_OUT.get(one.id, row["indicator_zh"])),
            **{key: (getattr(one, key), number(row[key])) for key in ("value", "value_max", "year")},
            "unit": (one.unit, RENAMED.get(row["unit"], row["unit"])),
            "modal": (one.modal, row["modal_zh"]),
            "clause": (one.clause, row["section_zh"]),
            # where a number stands, the words behind it are not repeated
            "text": (one.text, row["value_text"] if one.value is None else ""),
        }  # fmt: skip
        differ += [(one.id, key, *pair) for key, pair in pairs.items() if pair[0] != pair[1]]
    assert differ == []
    assert {catalogue[one.id]["document"] for one in standard} == {row["document"] for row in catalogue.values()
                                                                   if row["id"].split(".")[0] == name}  # fmt: skip


def runs(text: str, length: int) -> set[str]:
    return {text[k : k + length] for k in range(len(text) - length + 1)}


@pytest.mark.parametrize("name", CITIES)
def test_the_wording_is_our_own(name: str, catalogue: Rows) -> None:
    """Documents are cited, not copied: ten characters of Chinese or fifty of English in a row are a copy."""
    quotes = re.sub(r"\s", "", "|".join(row["quote_zh"] + "|" + row["other_quotes_zh"] for row in catalogue.values()))
    prose = "|".join([*(row["note_en"] for row in catalogue.values()), (SHARED / "README.md").read_text("utf-8")])
    prose = re.sub(r"\s+", " ", prose)
    for one in st.load_standard(name):
        for text in (one.says, one.note, one.note_zh, one.condition):
            chinese = {run for run in runs(re.sub(r"\s", "", text), 10) if re.search("[一-鿿]", run)}
            assert not {run for run in chinese if run in quotes}, one.id
            assert not {run for run in runs(re.sub(r"\s+", " ", text), 50) if run in prose}, one.id


# The national standards, which no catalogue holds

SOURCES = Path(__file__).with_name("sources_gb50180.csv")


def test_each_number_of_the_national_standards_stands_in_two_public_sources() -> None:
    with SOURCES.open(encoding="utf-8", newline="") as lines:
        told = list(csv.DictReader(lines))
    places: dict[tuple[str, str, str], set[str]] = {}
    for row in told:
        assert row["where"], row
        places.setdefault((row["rule"], row["key"], row["number"]), set()).add(row["source"])
    printed = set()
    for one in st.load_standard("gb50180"):
        printed.add((one.id, "value", f"{one.value:g}"))
        if one.residents:
            printed.add((one.id, "residents", "-".join(f"{number:.0f}" for number in one.residents)))
        assert (one.value_max, one.share, one.metres, one.minutes, one.otherwise) == (None,) * 5, "not in the table"
    assert printed == set(places)
    assert all(len(found) >= 2 for found in places.values())


def test_numbers_of_other_documents_by_heart() -> None:
    """A few that no table gives: read once in the documents' own words."""
    numbers = {
        "quzhou.eldercare.area_per_100_households.new": 20,
        "quzhou.childcare.places_per_1000.new": 10,
        "quzhou.sport.fitness_circle_10min": 10,
        "shijiazhuang.eldercare.area_per_100_households.new": 30,
        "shijiazhuang.eldercare.land_per_capita": 0.1,
        "shijiazhuang.childcare.places_per_1000.existing": 8,
        "hangzhou.childcare.places_per_1000.2035": 10,
        "qingtian.childcare.subsidy.place": 2000,
        "guangxi.eldercare.street_centre_coverage": 80,
    }
    for key, value in numbers.items():
        assert st.load_standard(key.split(".")[0])[key].value == value, key


def test_one_rate_printed_in_two_units_is_one_rate() -> None:
    """Rehabilitation beds: 5.5 per 1000 in Jinhua, 55 per 10,000 in Quzhou."""
    one = st.load_standard("jinhua")["jinhua.eldercare.rehab_beds_per_1000"]
    other = st.load_standard("quzhou")["quzhou.eldercare.rehab_beds_per_10000.2025"]
    assert (one.value, other.value) == (5.5, 55)
    assert 5.5 / UNITS[one.unit].per == pytest.approx(55 / UNITS[other.unit].per) == pytest.approx(0.0055)
