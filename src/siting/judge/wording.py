"""What an audit says, in the reader's language: keys of the table of labels, with their values."""

from __future__ import annotations

import math
from collections.abc import Mapping

from siting.data import list_roles, role
from siting.labels import known, label

__all__ = ["said"]

COLUMN_WORDS = ("of", "column", "base", "layer", "who", "other")


def said(words: tuple[str, Mapping[str, object]], lang: str) -> str:
    """Put a key of the table of labels and its values into words; nothing for no key."""
    key, values = words
    if not key:
        return ""
    return label(key, lang, **{name: _word(name, value, lang) for name, value in values.items()})


def _word(name: str, value: object, lang: str) -> str:
    """Numbers with separators; words that the table knows in the reader's language."""
    if isinstance(value, tuple):
        return label("list.comma", lang).join(
            _word(name, one, lang) if name in COLUMN_WORDS else str(one) for one in value
        )
    if isinstance(value, int | float):
        return "n/a" if math.isnan(value) else f"{value:,.10g}"
    if name == "layer" and value in list_roles():
        return role(str(value)).zh if lang == "zh" else role(str(value)).en
    if name == "absent":  # a column to be added: its own name, whatever the language
        return f"{label(f'field.{value}', lang)} ({value})" if known(f"field.{value}") else str(value)
    if name in COLUMN_WORDS:
        for section in ("people", "field", "service", "walker", "column"):
            if known(f"{section}.{value}"):
                return label(f"{section}.{value}", lang)
    return str(value)
