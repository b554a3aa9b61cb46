"""The template of a standard, and the schema: what an author is given to start from."""

from __future__ import annotations

import json
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import siting as st
from siting.judge.standards.keys import COMPUTING
from siting.judge.standards.kinds import KINDS
from siting.judge.standards.template import write_template


def test_the_template_is_written_once(tmp_path: Path) -> None:
    made = write_template(tmp_path / "chengdu.toml")
    standard = st.load_standard(made)
    assert standard.name == "chengdu"
    assert {rule.id.split(".")[0] for rule in standard} == {"chengdu"}
    before = made.read_text(encoding="utf-8")
    with pytest.raises(st.errors.StandardError, match="is there already; give another name, it is not overwritten"):
        write_template(made)
    assert made.read_text(encoding="utf-8") == before
    with pytest.raises(st.errors.StandardError, match=r'a standard is a TOML file; name it as "my_city.toml"'):
        write_template(tmp_path / "chengdu.txt")
    with pytest.raises(st.errors.StandardError, match="cannot be written"):
        write_template(tmp_path / "no folder" / "chengdu.toml")
    other = write_template(tmp_path / "成都.toml")
    assert st.load_standard(other).name == "my_city", "ids are plain letters"


@pytest.mark.slow
def test_the_template_audits_the_sample_as_it_is(
    tmp_path: Path, sample: dict[str, Any], sample_network: st.Network
) -> None:
    standard = st.load_standard(write_template(tmp_path / "my_city.toml"))
    table = st.audit(standard, sample, network=sample_network).table
    assert set(table["rule"]) == {rule.id for rule in standard}
    assert set(table["status"]) == {"met", "short"}, "every rule is judged"
    rows = table.set_index("rule")
    places, people = sample["childcare"]["places"].sum(), sample["communities"]["population"].sum()
    assert rows.loc["my_city.childcare.places_per_1000.2030", "value"] == pytest.approx(1000 * places / people)
    ride = rows.loc["my_city.eldercare.nursing_home_by_car"]
    assert ride["basis"].startswith("314 个小区（村）中，驾车 30 分钟内有设施的")
    assert rows.loc["my_city.both.circle_5min", "value"].tolist()[2] == 11, "day care, of which there is least"


def test_the_template_has_a_rule_of_each_common_kind() -> None:
    text = files("siting.judge").joinpath("template.toml").read_text(encoding="utf-8")
    for kind in ("service_radius", "coverage_share", "living_circle", "complete_circle", "places_per_1000_residents",
                 "beds_per_1000_elderly", "area_per_1000_residents", "residents_per_facility", "facility_area",
                 "provision_area_per_100_households", "min_floor_area", "composition_share", "colocation",
                 "one_of"):  # fmt: skip
        assert f'kind = "{kind}"' in text, kind
    comments = [line for line in text.splitlines() if line.startswith("#") and len(line) > 30]
    assert len(comments) > 15


def head(kind: str) -> dict[str, Any]:
    return {
        "id": "x.a",
        "kind": kind,
        "service": "eldercare",
        "indicator_zh": "甲",
        "indicator_en": "a",
        "role": "principle",
    }


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_schema_knows_the_keys_of_a_kind_as_the_loader_does(kind: str) -> None:
    schema = json.loads(files("siting.judge").joinpath("standard.schema.json").read_text(encoding="utf-8"))
    (rule,) = [
        one
        for one in schema["properties"]["rule"]["items"]["allOf"]
        if one["if"]["properties"]["kind"]["const"] == kind
    ]
    refused = {key for key, value in rule["then"]["properties"].items() if value is False}
    known = KINDS[kind].keys
    assert refused == (set() if known is None else set(COMPUTING) - set(known))


@pytest.mark.skipif(find_spec("jsonschema") is None, reason="NOT TESTED by a validator: jsonschema is not there")
def test_the_validator_takes_the_template_and_refuses_what_is_amiss() -> None:
    import tomllib

    import jsonschema

    room = files("siting.judge")
    check = jsonschema.Draft202012Validator(json.loads(room.joinpath("standard.schema.json").read_text("utf-8")))
    data = tomllib.loads(room.joinpath("template.toml").read_text(encoding="utf-8"))
    assert not list(check.iter_errors(data))
    for keys in (
        {"kind": "living_circle", "reading": "ceil"},
        {"kind": "complete_circle", "layer": "meals"},
        {"kind": "service_radius", "unit": "min"},
        {"kind": "service_time", "any": [{"layer": "meals"}]},
        {"kind": "living_circle", "residents": [5000]},
        {"kind": "complete_circle", "each": [{"metre": 300}]},
        {"kind": "service_time", "mode": "train"},
    ):
        assert list(check.iter_errors({**data, "rule": [{**head(str(keys["kind"])), **keys}]})), keys
