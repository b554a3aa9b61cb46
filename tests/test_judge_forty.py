"""Forty rules, drawn by a seed, say of a town made by hand what was derived by hand from their clauses.

`forty.toml` was written from the words of the documents before the audit was run. Where the two differ, read the clause
again: what is wrong is mended, and a row of the table changes only with the reason in `because`.
"""

from __future__ import annotations

import functools
import importlib.util
import math
import random
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import siting as st

pytestmark = pytest.mark.slow

_SPEC = importlib.util.spec_from_file_location("handmade_town", Path(__file__).with_name("handmade_town.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
handmade_town = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(handmade_town)

SEED, DRAWN = 20261130, 40
#: As many rules were judged in the profiles of cities and provinces when the forty were drawn.
JUDGED = 220
#: The profiles that came later.
LATER = ("gb50180",)
#: The documents print no share for these circles: 基本形成, 基本建成.
SHARES = {"jinhua.childcare.circle_15min": 0.9, "quzhou.sport.fitness_circle_10min": 0.9}


def _rows(table: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, entry in table.items():
        if "because" in entry:
            yield ".".join((*above, name)), entry
        else:
            yield from _rows(entry, (*above, name))


TABLE = dict(_rows(tomllib.loads(Path(__file__).with_name("forty.toml").read_text(encoding="utf-8"))))


@functools.cache
def town() -> tuple[dict[str, Any], st.Network]:
    return handmade_town.layers(), handmade_town.network()


@functools.cache
def judged(standard: str, year: int) -> pd.DataFrame:
    layers, network = town()
    shares = {rule: share for rule, share in SHARES.items() if rule.startswith(f"{standard}.")}
    return st.audit(
        st.load_standard(standard), layers, network=network, year=year, walk=st.Walk(60.0), shares=shares, scope="whole"
    ).table


def said_of(rule: str, year: int) -> pd.DataFrame:
    table = judged(rule.partition(".")[0], year)
    return table[table["rule"] == rule]


def each(entry: Any) -> list[Any]:
    return entry if isinstance(entry, list) else [entry]


def test_the_rules_were_drawn_by_the_seed() -> None:
    names = [name for name in st.list_standards() if name not in LATER]
    rules = {rule.id: rule for name in names for rule in st.load_standard(name)}
    gone = sorted(set(TABLE) - set(rules))
    assert not gone, f"rules of the table that are no more: {gone}; take them out, or write their new ids"
    asked = sorted(rule.id for rule in rules.values() if rule.role in ("standard", "target"))
    if len(asked) == JUDGED:
        assert set(random.Random(SEED).sample(asked, DRAWN)) == set(TABLE)
    else:  # the profiles have gained or lost rules since: the draw stays
        assert len(TABLE) == DRAWN
        assert set(TABLE) <= set(asked)


@pytest.mark.parametrize("year", [2022, 2025])
@pytest.mark.parametrize("rule", TABLE)
def test_a_rule_says_what_its_clause_says(rule: str, year: int) -> None:
    by_hand, found = TABLE[rule], said_of(rule, year)
    if by_hand[f"in_{year}"] == "replaced":
        assert found.empty
        return
    assert found["status"].tolist() == each(by_hand[f"in_{year}"])
    for column in ("value", "target", "needed"):
        assert found[column].tolist() == pytest.approx(each(by_hand[column]), nan_ok=True), column
    for lang, end in (("zh", ""), ("en", "_en")):
        for basis, reason in zip(found[f"basis{end}"], found[f"reason{end}"], strict=True):
            assert [fact for fact in by_hand[lang] if fact not in f"{basis} {reason}"] == [], f"{basis} {reason}"
            assert "{" not in f"{basis}{reason}"
    if "stands_at" in by_hand:
        larger = said_of(by_hand["stands_at"]["rule"], year)
        assert larger["needed"].tolist() == [by_hand["stands_at"]["needed"]]
        assert f"“{larger['indicator'].item()}”" in found["reason"].item()
        assert f'"{larger["indicator_en"].item()}"' in found["reason_en"].item()


def test_every_row_has_its_derivation() -> None:
    for rule, entry in TABLE.items():
        assert len(entry["because"]) > 10, rule
        rows = {len(each(entry[name])) for name in ("value", "target", "needed")}
        assert len(rows) == 1, rule
        if not isinstance(entry["value"], list) and not math.isnan(entry["value"]):
            assert entry["zh"], rule
            assert entry["en"], rule
