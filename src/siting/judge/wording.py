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
    layer = str(values.get("layer", ""))
    return label(key, lang, **{name: _word(name, value, lang, layer) for name, value in values.items()})


def _word(name: str, value: object, lang: str, layer: str = "") -> str:
    """Numbers with separators; words that the table knows in the reader's language."""
    if name == "indicator" and isinstance(value, tuple):  # in Chinese and in English
        return str(value[lang == "en"])
    if name == "conditions":
        return label("list.comma", lang).join(_condition(str(one), lang, layer) for one in value)  # type: ignore[attr-defined]
    if name == "printed_unit":
        return label(f"unit.{value}", lang) if known(f"unit.{value}") else str(value)
    if isinstance(value, tuple):
        return label("list.comma", lang).join(_one_of(name, one, lang) for one in value)
    if isinstance(value, int | float):
        return "n/a" if math.isnan(value) else f"{value:,.10g}"
    if name == "walk":  # "300 m" or "15 min"
        number, unit = str(value).split()
        return f"{number} {label(f'unit.{unit}', lang)}"
    if name == "who":
        return label(f"walker.{value if known(f'walker.{value}') else 'own'}", lang)
    if name == "layer":
        return _layer(str(value), lang)
    if name == "absent":  # a column to be added: its own name, whatever the language
        words = _column(str(value), lang, layer)
        return f"{words} ({value})" if words else str(value)
    if name in COLUMN_WORDS:
        for section in ("people", "field", "layer", "service", "walker", "column"):
            if known(f"{section}.{value}"):
                return label(f"{section}.{value}", lang)
        return _column(str(value), lang) or _role(str(value), lang).lower() or str(value)
    return str(value)


def _one_of(name: str, one: object, lang: str) -> str:
    """Put one of several into words: a word, or a key with values of its own."""
    if isinstance(one, tuple):
        return said(one, lang)
    return _word(name, one, lang) if name in COLUMN_WORDS else str(one)


def _condition(words: str, lang: str, layer: str) -> str:
    """Name the column of a condition such as "lease_years ≥ 5"."""
    column, _, compared = words.partition(" ")
    return f"{_column(column, lang, layer) or column} {compared}"


def _layer(name: str, lang: str) -> str:
    """Name a layer: by its role, else in words with the key that a user has to give."""
    words = label(f"layer.{name}", lang) if known(f"layer.{name}") else ""
    return _role(name, lang) or (f"{words} ({name})" if words else name)


def _role(name: str, lang: str) -> str:
    if name not in list_roles():
        return ""
    return role(name).zh if lang == "zh" else role(name).en


def _column(name: str, lang: str, layer: str = "") -> str:
    """Return the words for a column: those of the maps, else of its layer's role, else of any role that has it."""
    if known(f"field.{name}"):
        return label(f"field.{name}", lang)
    for each in sorted(list_roles(), key=lambda own: own != layer):
        for column in role(each).columns:
            if column.name == name:
                return column.zh if lang == "zh" else column.meaning_en
    return ""
