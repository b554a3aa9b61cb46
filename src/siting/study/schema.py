"""The JSON Schema of a study file, for editors: made of the same tables that a study is read by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from siting.labels import LANGUAGES, known, label
from siting.study.recipe import FILE

__all__ = ["schema"]


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a study file.

    An editor with a plug-in for TOML completes keys and marks errors by it. Keys have descriptions in Chinese and
    English.

    Examples
    --------
    >>> made = schema()
    >>> made["properties"]["circle"]["items"], made["$defs"]["Circle"]["required"]
    ({'$ref': '#/$defs/Circle'}, ['service'])
    """
    made = FILE.json_schema()
    made.pop("required", None)  # the name of a study is that of its file, and its layers may be those of the sample
    made["$defs"]["Settings"].pop("required", None)
    for table in _tables(made):
        for key, value in table.get("properties", {}).items():
            value.pop("title", None)
            if known(f"study_key.{key}"):
                value["description"] = "\n".join(label(f"study_key.{key}", lang) for lang in LANGUAGES)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
        "title": " / ".join(label("study_key.file", lang) for lang in LANGUAGES),
    }


def _tables(made: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the file, and each kind of table in it."""
    yield dict(made)
    yield from made["$defs"].values()
