"""The JSON Schema of a standard's TOML file, for completion and checks in editors."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import MISSING, fields
from typing import Any

from siting.judge.standards.applies_to import APPLIES
from siting.judge.standards.conditions import ANY
from siting.judge.standards.keys import ALSO, CHOICES, COMPUTING, LISTS, NUMBERS, PART, PARTS, TABLES
from siting.judge.standards.kinds import KINDS
from siting.judge.standards.rule import Rule
from siting.judge.standards.units_of_measure import UNITS
from siting.read_share import PERCENT

__all__ = ["standard_schema"]

TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": TEXT}
NUMBER = {"type": "number"}
PERCENTAGE = {"type": "string", "pattern": PERCENT.pattern.replace(r"\s", "[ ]").join("^$")}
CELL = {"anyOf": [{"type": "boolean"}, TEXT, TEXTS]}
CONDITIONS = {"type": "object", "additionalProperties": CELL}
SEVERAL = {"type": "array", "minItems": 2, "items": {**CONDITIONS, "minProperties": 1}}
#: Types of the keys other than texts and choices.
TYPES: dict[str, dict[str, Any]] = {
    **{key: {"anyOf": [TEXT, TEXTS]} for key in LISTS},
    **dict.fromkeys(("facility_types", "excluded_types", "other_types", "rules"), TEXTS),
    **dict.fromkeys(NUMBERS, NUMBER),
    **{key: {"anyOf": [NUMBER, PERCENTAGE]} for key in ("value", "value_max")},
    **{key: {**CONDITIONS, "properties": {ANY: SEVERAL}} for key in TABLES},
    "share": {"anyOf": [{"type": "number", "exclusiveMinimum": 0, "maximum": 1}, PERCENTAGE]},
    "year": {"type": "integer"},
    "residents": {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2},
}


def standard_schema() -> str:
    """Write the JSON Schema (draft 2020-12) of a standard, which ships as ``siting/judge/standard.schema.json``."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A city's standard for siting",
        "type": "object",
        "required": ["standard"],
        "additionalProperties": False,
        "properties": {
            "standard": _table(
                {"name": TEXT, "names": TEXTS, "title_zh": TEXT, "title_en": TEXT,
                 "people": {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, TEXT]}}, "name"
            ),
            "documents": {
                "type": "object",
                "additionalProperties": _table({"title": TEXT, "number": TEXT, "issued": TEXT}, "title"),
            },
            "rule": {"type": "array", "items": _rule()},
        },
    }  # fmt: skip
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def _table(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "additionalProperties": False, "properties": properties}


def _rule() -> dict[str, Any]:
    meanings = _meanings()
    required = [f.name for f in fields(Rule) if f.default is MISSING and f.default_factory is MISSING]
    properties = {f.name: {**_type(f.name), "description": meanings[f.name]} for f in fields(Rule)}
    return {**_table(properties, *required), "allOf": [_of_kind(kind) for kind in sorted(KINDS)]}


def _of_kind(kind: str) -> dict[str, Any]:
    """Refuse keys and units that a kind of rule cannot use."""
    known = KINDS[kind]
    refused: dict[str, Any] = {key: False for key in COMPUTING if key not in known.keys}
    if known.units is not None:
        refused["unit"] = {"enum": sorted({*known.units, ""})}
    return {"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": {"properties": refused}}


def _type(name: str) -> dict[str, Any]:
    choices = {"kind": sorted(KINDS), "unit": sorted(UNITS), "applies_to": list(APPLIES), **CHOICES}
    if name in choices:
        return {"enum": list(choices[name])}
    if name == "also":
        more = {key: _type(key) for key in ALSO}
        return {"type": "array", "items": {"type": "object", "additionalProperties": False, "properties": more}}
    if name in PARTS:
        inner = {key: _type(key) for key in PART if key != "any" or name == "each"}
        part = {"type": "object", "additionalProperties": False, "properties": inner}
        return {"type": "array", "minItems": 2 if name == "any" else 1, "items": part}
    return TYPES.get(name, TEXT)


def _meanings() -> dict[str, str]:
    """Read what each key means from the documentation of `Rule`."""
    lines = (inspect.getdoc(Rule) or "").partition("Attributes\n----------\n")[2].splitlines()
    found: dict[str, str] = {}
    names: list[str] = []
    for line in lines:
        if not line.startswith(" "):
            names = re.split(r",\s*", line.strip())
        elif names:
            found |= {name: f"{found.get(name, '')} {line.strip()}".strip() for name in names}
    return found
