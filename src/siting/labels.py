"""The table of words on maps, charts and reports.

Code and error messages are English; output for planners is Chinese by default and English on request. It is
in ``labels.toml`` next to this module: ``key = { zh = "…", en = "…" }``.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

__all__ = ["LANGUAGES", "Language", "counted", "known", "label", "named"]

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


@cache
def _table() -> dict[str, dict[str, str]]:
    text = files("siting").joinpath("labels.toml").read_text(encoding="utf-8")
    return {
        f"{section}.{key}": words for section, entries in tomllib.loads(text).items() for key, words in entries.items()
    }


def label(key: str, lang: str = "zh", /, **values: object) -> str:
    """Return the words for *key*, ``"section.name"``, in *lang*, with *values* filled into its braces.

    ValueError when there is no such key or language.

    Examples
    --------
    >>> label("unit.m", "en")
    'm'
    """
    if lang not in LANGUAGES:
        raise ValueError(f"lang is {lang!r}; choose one of {', '.join(LANGUAGES)}")
    try:
        words = _table()[key][lang]
    except KeyError:
        raise ValueError(f"labels.toml has no words for {key!r} in {lang!r}") from None
    return words.format(**values) if values else words


def counted(key: str, count: float, lang: str = "zh", /, **values: object) -> str:
    """Return the words for *key*, or those for one, ``key_one``, where *count* is 1 and there are such words.

    Examples
    --------
    >>> counted("worth.MinSites", 1, "en", value=1), counted("worth.MinSites", 2, "en", value=2)
    ('1 new site', '2 new sites')
    """
    return label(f"{key}_one" if count == 1 and known(f"{key}_one") else key, lang, **values)


def named(section: str, key: object, lang: str = "zh", /) -> str:
    """Return the words for *key* of a section, or the key itself without one, as for a user's own service.

    Examples
    --------
    >>> named("service", "childcare", "en"), named("service", "culture", "en")
    ('childcare', 'culture')
    """
    return label(f"{section}.{key}", lang) if known(f"{section}.{key}") else str(key)


def known(key: str) -> bool:
    """Whether the table has words for *key*."""
    return key in _table()
