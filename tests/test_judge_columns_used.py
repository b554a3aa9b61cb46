"""Which rules ask for which columns of a layer."""

from __future__ import annotations

from typing import Any

import pytest

import siting as st
from siting.judge.standards import columns_used
from siting.judge.standards.columns_used import rules_by_column


@pytest.fixture
def profile(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let a standard of these rules be the only profile there is."""

    def use(*rules: st.Rule) -> None:
        monkeypatch.setattr(columns_used, "list_standards", lambda: ["demo"])
        monkeypatch.setattr(columns_used, "load_standard", lambda _name: st.Standard("demo", "示范", "Demo", rules))

    return use


def rule(name: str, kind: str, **values: Any) -> st.Rule:
    return st.Rule(name, kind, values.pop("service", "childcare"), "甲", "A", **values)


def test_columns_that_are_counted_chosen_by_and_marked(profile: Any) -> None:
    profile(
        rule("a", "composition_share", column=("inclusive_places",), of="places", where={"public": True}),
        rule("b", "composition_share", part={"public": True}, facility_types=("托育机构",)),
        rule("c", "composition_share", column=("staff",), of="eldercare.beds", role="context"),
    )
    assert rules_by_column("childcare") == {
        "inclusive_places": ["a"], "places": ["a"], "public": ["a", "b"], "facility_type": ["b"]
    }  # fmt: skip


def test_a_column_of_another_layer_is_that_layers(profile: Any) -> None:
    profile(rule("a", "composition_share", column=("places",), of="eldercare.beds", role="target"))
    assert rules_by_column("eldercare") == {"beds": ["a"]}
    assert rules_by_column("childcare") == {"places": ["a"]}


def test_columns_of_the_communities(profile: Any) -> None:
    profile(
        rule("a", "service_radius", operator="<=", value=300, unit="m"),
        rule("b", "service_radius", service="eldercare", operator="<=", value=500, unit="m", base="registered"),
        rule("c", "count_target", value=3, applies_to="new_residential", among={"friendly": True}),
    )
    assert rules_by_column("communities") == {
        "infants": ["a"], "elderly": ["b"], "registered": ["b"], "build_status": ["c"], "friendly": ["c"], "kind": ["c"]
    }  # fmt: skip
    assert rules_by_column("eldercare") == {}


def test_each_layer_of_a_rule_has_its_columns(profile: Any) -> None:
    profile(rule("a", "count_target", value=3, layer=("meals", "hubs"), column=("beds",)))
    assert rules_by_column("meals") == rules_by_column("hubs") == {"beds": ["a"]}
    assert rules_by_column("childcare") == {}
