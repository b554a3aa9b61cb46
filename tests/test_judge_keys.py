"""Each kind of rule takes the keys and units that it uses, and no other."""

from __future__ import annotations

from typing import Any

import pytest

import siting as st
from siting.judge.rule import COMPUTING, KINDS, rule_from

NAMES = {"id": "r", "service": "childcare", "indicator_zh": "甲", "indicator_en": "a"}
#: A value for each key that says what is computed.
GIVEN: dict[str, Any] = {
    "otherwise": 300, "share": 0.9, "scope": "site", "layer": "childcare", "facility_types": ["托育机构"],
    "where": {"public": True}, "part": {"public": True}, "column": "places", "of": "places", "base": "population",
    "among": {"village": True}, "other": "schools", "metres": 300, "minutes": 5, "meets": "q",
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_refuses_the_keys_that_it_does_not_use(kind: str) -> None:
    known = KINDS[kind]
    assert known.keys is not None
    assert set(GIVEN) == set(COMPUTING) >= set(known.keys)
    for key in set(COMPUTING) - set(known.keys):
        with pytest.raises(st.StandardError, match=f'rule r: "{key}" would have no effect in this {kind}; it uses'):
            rule_from({**NAMES, "kind": kind, "unit": (known.units or ("",))[0], key: GIVEN[key]})


@pytest.mark.parametrize(
    ("kind", "idle", "rule"),
    [
        ("service_radius", "otherwise", {"operator": "<=", "value": 300, "unit": "m", "otherwise": 300}),
        ("places_per_1000_residents", "among", {"applies_to": "city", "among": {"village": True}}),
        ("staff_ratio", "of", {"unit": "persons_per_10000_residents", "of": "staff"}),
        ("staff_ratio", "base", {"unit": "percent", "base": "population"}),
        ("composition_share", "column", {"part": {"public": True}, "column": "places"}),
        ("utilisation_share", "of", {"of": "places", "base": "infants"}),
        ("coverage_share", "share", {"operator": ">=", "value": 90, "unit": "percent", "share": 0.9}),
        ("coverage_share", "metres", {"layer": "communities", "part": {"village": True}, "metres": 300}),
        ("coverage_share", "among", {"applies_to": "township", "among": {"village": True}}),
        ("coverage_share", "facility_types", {"meets": "q", "facility_types": ["托育机构"]}),
        ("population_trigger", "metres", {"applies_to": "county", "metres": 300}),
        ("min_floor_area", "minutes", {"applies_to": "county", "minutes": 5, "unit": "m2"}),
        ("colocation", "metres", {"metres": 300}),
        ("colocation", "other", {"part": {"public": True}, "other": "schools"}),
        ("bed_threshold_rule", "part", {"part": {"public": True}, "other": "schools", "unit": "beds"}),
        ("siting_principle", "base", {"layer": "communities", "column": "elderly", "base": "population"}),
        ("siting_principle", "column", {"layer": "districts", "column": "population"}),
    ],
)
def test_a_key_without_effect_beside_the_others_is_refused(kind: str, idle: str, rule: dict[str, Any]) -> None:
    with pytest.raises(st.StandardError, match=f'"{idle}" would have no effect in this {kind}'):
        rule_from({**NAMES, "kind": kind, **rule})


@pytest.mark.parametrize(
    ("kind", "unit", "units"),
    [
        ("places_per_1000_residents", "m2", '"places_per_1000_residents"'),
        ("coverage_share", "facilities", '"percent"'),
        ("count_target", "percent", '"facilities"'),
        ("min_floor_area", "m", '"m2", "m2_per_site"'),
        ("staff_ratio", "beds", '"percent", '),
        ("service_time", "m", '"min"'),
        ("candidate_site_rule", "m2", "no unit"),
    ],
)
def test_a_unit_that_makes_no_sense_is_refused(kind: str, unit: str, units: str) -> None:
    with pytest.raises(st.StandardError, match=f'rule r: unit is "{unit}"; a {kind} is in {units}'):
        rule_from({**NAMES, "kind": kind, "unit": unit})


def test_a_rule_that_another_meets_has_to_be_there() -> None:
    loose = rule_from({**NAMES, "kind": "coverage_share", "meets": "q"})
    with pytest.raises(st.StandardError, match="name another in `meets` that is not there"):
        st.Standard("demo", "示范", "Demo", ()).extended([loose], {})
