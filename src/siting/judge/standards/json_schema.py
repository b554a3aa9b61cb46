"""The JSON Schema of a standard's TOML file, for editors that complete and check while one writes."""

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
from siting.share import PERCENT

__all__ = ["standard_schema"]


def standard_schema() -> str:
    """Write the JSON Schema (draft 2020-12) of a standard.

    Returns
    -------
    str
        JSON, the same that ships as ``siting/judge/standard.schema.json``.

    Examples
    --------
    >>> import json
    >>> sorted(json.loads(standard_schema())["properties"])
    ['documents', 'rule', 'standard']
    """
    text = {"type": "string"}
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A city's standard for siting",
        "type": "object",
        "required": ["standard"],
        "additionalProperties": False,
        "properties": {
            "standard": {
                "type": "object",
                "required": ["name"],
                "additionalProperties": False,
                "properties": {
                    "name": text,
                    "title_zh": text,
                    "title_en": text,
                    "people": {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, text]},
                },
            },
            "documents": {
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "required": ["title"],
                    "additionalProperties": False,
                    "properties": {"title": text, "number": text, "issued": text},
                },
            },
            "rule": {"type": "array", "items": _rule()},
        },
    }
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def _rule() -> dict[str, Any]:
    said = _meanings()
    return {
        "type": "object",
        "required": [f.name for f in fields(Rule) if f.default is MISSING and f.default_factory is MISSING],
        "additionalProperties": False,
        "properties": {f.name: {**_type(f.name), "description": said[f.name]} for f in fields(Rule)},
        "allOf": [_of_kind(kind) for kind in sorted(KINDS)],
    }


def _of_kind(kind: str) -> dict[str, Any]:
    """Refuse the keys and units that a kind of rule cannot use."""
    known = KINDS[kind]
    refused: dict[str, Any] = {key: False for key in COMPUTING if known.keys is not None and key not in known.keys}
    if known.units is not None:
        refused["unit"] = {"enum": sorted({*known.units, ""})}
    return {"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": {"properties": refused}}


def _type(name: str) -> dict[str, Any]:
    choices = {"kind": sorted(KINDS), "unit": list(UNITS), "applies_to": list(APPLIES),
               **{key: list(words) for key, words in CHOICES.items()}}  # fmt: skip
    listed = {"type": "array", "items": {"type": "string"}}
    if name in choices:
        return {"enum": choices[name]}
    percent = {"type": "string", "pattern": PERCENT.pattern.replace(r"\s", "[ ]").join("^$")}
    if name == "share":
        return {"anyOf": [{"type": "number", "exclusiveMinimum": 0, "maximum": 1}, percent]}
    if name in ("value", "value_max"):
        return {"anyOf": [{"type": "number"}, percent]}
    if name in NUMBERS:
        return {"type": "number"}
    if name == "year":
        return {"type": "integer"}
    if name == "also":
        more = {key: _type(key) for key in ALSO}
        return {"type": "array", "items": {"type": "object", "additionalProperties": False, "properties": more}}
    if name in TABLES:
        cell = {"anyOf": [{"type": "boolean"}, {"type": "string"}, listed]}
        table = {"type": "object", "additionalProperties": cell}
        several = {"type": "array", "minItems": 2, "items": {**table, "minProperties": 1}}
        return {**table, "properties": {ANY: several}}
    if name == "residents":
        return {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
    if name in PARTS:
        inner = {key: _type(key) for key in PART if key != "any" or name == "each"}
        least = 2 if name == "any" else 1
        part = {"type": "object", "additionalProperties": False, "properties": inner}
        return {"type": "array", "minItems": least, "items": part}
    if name in ("facility_types", "excluded_types", "other_types", "rules"):
        return listed
    if name in LISTS:
        return {"anyOf": [{"type": "string"}, listed]}
    return {"type": "string"}


def _meanings() -> dict[str, str]:
    """Read what each key means from the documentation of `Rule`."""
    lines = (inspect.getdoc(Rule) or "").partition("Attributes\n----------\n")[2].splitlines()
    found: dict[str, str] = {}
    names: list[str] = []
    for line in lines:
        if not line.startswith(" "):
            names = re.split(r",\s*", line.strip())
        elif names:
            for name in names:
                found[name] = f"{found.get(name, '')} {line.strip()}".strip()
    return found
