"""Objectives and rules in a study file have the keys and arguments of those of Python."""

from __future__ import annotations

import inspect
from typing import Any

import pandas as pd
import pytest
from pydantic import TypeAdapter, ValidationError

from siting import propose
from siting.study.asked import OBJECTIVES, RULES, table_of

ALL = {**RULES, **OBJECTIVES}


class Lists:
    """A town whose columns are their names."""

    def of_communities(self, column: Any) -> Any:
        return pd.Series({"home": column})

    def groups(self, column: Any) -> Any:
        return pd.Series({"site": column})

    def of_sites(self, amount: Any) -> Any:
        return pd.Series({"site": 7.0}) if isinstance(amount, str) else amount

    def by_group(self, amount: Any) -> Any:
        return pd.Series(amount) if isinstance(amount, dict) else amount

    def between(self, metres: Any) -> Any:
        return [("a", "b")]


def read(key: str, value: Any) -> Any:
    return TypeAdapter(table_of(ALL[key])).validate_python(value)


def test_every_rule_and_objective_has_a_table() -> None:
    made = {name for name in dir(propose) if inspect.isclass(getattr(propose, name))}
    results = {"Alternatives", "Assignment", "Certificate", "FairPlan", "Hubs", "Mergers", "Plan", "Progress",
               "RobustPlan", "Scenario", "TradeOff", "Verified", "WhatIf"}  # fmt: skip
    assert {make.__name__ for make in ALL.values()} == made - results


@pytest.mark.parametrize("key", sorted(ALL))
def test_the_keys_are_the_arguments(key: str) -> None:
    table = TypeAdapter(table_of(ALL[key])).json_schema()["$defs"][key]
    signature = inspect.signature(ALL[key]).parameters
    assert list(table.get("properties", {})) == list(signature)
    needed = [name for name, argument in signature.items() if argument.default is argument.empty]
    assert table.get("required", []) == needed


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("at_most", 5, propose.AtMost(5)),
        ("cover", "90 %", propose.Cover(0.9)),
        ("existing", ["k1", 2], propose.Existing(["k1", 2])),
        ("required", "k1", propose.Required(["k1"])),
        ("phases", {"years": [2025, 2035], "at_most": [3, 5]}, propose.Phases((2025, 2035), at_most=(3, 5))),
        ("min_sites", True, propose.MinSites()),
        ("min_travel", {}, propose.MinTravel()),
        ("min_travel", 2000, propose.MinTravel(2000)),
        ("together", {"services": ["childcare", "eldercare"], "must": True},
         propose.Together(("childcare", "eldercare"), must=True)),
    ],
)  # fmt: skip
def test_a_table_becomes_the_rule(key: str, value: Any, expected: Any) -> None:
    assert read(key, value).made(Lists()) == expected


def test_columns_and_amounts_are_looked_up() -> None:
    assert read("at_most", {"n": 1, "by": "district"}).made(Lists()).by.to_dict() == {"site": "district"}
    assert read("cover", {"share": 0.5, "by": "district"}).made(Lists()).by.to_dict() == {"home": "district"}
    supply = read("supply", {"total": {"east": 30.0}, "by": "district"}).made(Lists())
    assert supply.total.to_dict() == {"east": 30.0}
    assert read("max_market_share", {"decay": {"gaussian": 800}}).made(Lists()).decay.name == "gaussian(800)"


@pytest.mark.parametrize(
    ("key", "value", "path"),
    [("at_most", "five", "n"), ("at_most", {"n": 5, "bye": "x"}, "bye"), ("cover", 90, "share"),
     ("capacity", {"split": "no"}, "split"), ("max_market_share", {"decay": {"gauss": 1}}, "decay")],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_key(key: str, value: Any, path: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read(key, value)
    assert [error["loc"][0] for error in caught.value.errors()] == [path]
