"""The assumptions of a verdict in words: walkers, shares, layers, and other settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from siting.data import list_roles
from siting.labels import known, label, named
from siting.network import Walk
from siting.show.cells import role_name, show
from siting.show.text import clean

__all__ = ["settings_of"]


def settings_of(parameters: Mapping[str, Any], table: pd.DataFrame, lang: str) -> Iterator[tuple[str, str]]:
    """Yield the name of each parameter that was set, and its value in words; rules are named as in *table*.

    Examples
    --------
    >>> table = pd.DataFrame({"rule": ["a.circle"], "indicator": ["服务圈"], "indicator_en": ["circle"]})
    >>> list(settings_of({"shares": {"a.circle": 0.9}, "scope": "part"}, table, "zh"))
    [('shares', '服务圈（a.circle）：90 %'), ('scope', '文件所述范围的一部分')]
    """
    for key, value in parameters.items():
        if key not in ("uncounted", "apart") and value not in ({}, None):  # the two are shown elsewhere on the page
            yield key, _setting(key, value, table, lang)


def _setting(key: str, value: object, table: pd.DataFrame, lang: str) -> str:
    if key == "scope":
        share = isinstance(value, float | int)
        return label("setting.scope", lang, share=_percent(value)) if share else named("setting", value, lang)
    if not isinstance(value, Mapping):
        return show(value, "", lang)
    colon = label("list.colon", lang)
    pairs = (f"{_name(key, one, table, lang)}{colon}{_value(key, each, lang)}" for one, each in value.items())
    return label("list.semicolon", lang).join(pairs)


def _name(key: str, one: object, table: pd.DataFrame, lang: str) -> str:
    if key in ("shares", "changes"):
        column = "indicator_en" if lang == "en" else "indicator"
        names = table.loc[table["rule"] == one, column].tolist() if column in table else []
        found = clean(names[0]) if names else ""
        return f"{found}{label('list.open', lang)}{clean(one)}{label('list.close', lang)}" if found else clean(one)
    if key == "layers" and str(one) in list_roles():
        return role_name(str(one), lang)
    section = "setting" if key == "people" else "layer" if known(f"layer.{one}") else "service"
    return clean(named(section, one, lang))


def _value(key: str, value: object, lang: str) -> str:
    if key == "shares":
        return _percent(value)
    if isinstance(value, Mapping):
        pairs = (f"{named('setting', name, lang)} {show(each, '', lang)}" for name, each in value.items())
        return label("list.comma", lang).join(pairs)
    if not isinstance(value, Walk):
        return show(value, "", lang)
    who = label(f"walker.{value.who if known(f'walker.{value.who}') else 'own'}", lang)
    return f"{who} {value.speed:g} {label('study.speed', lang)}"


def _percent(value: Any) -> str:
    return f"{100 * float(value):.10g} %"
