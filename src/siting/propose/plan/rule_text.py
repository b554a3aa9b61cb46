"""Objectives and rules in the reader's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from siting.labels import counted, known, label, named
from siting.numbers import amount
from siting.propose import problem
from siting.propose.problem import Part
from siting.propose.problem.rule_values import Value

__all__ = ["bracketed", "difference_words", "rule_words", "value_words"]

#: The number in the text of a rule.
NUMBERS: dict[type, Callable[[Any], str]] = {
    **dict.fromkeys((problem.AtMost, problem.AtLeast, problem.Backup), lambda rule: str(rule.n)),
    problem.Budget: lambda rule: f"{rule.total:g}",
    problem.TargetMarketShare: lambda rule: f"{100 * float(f'{rule.share:g}'):.10g} %",
    problem.Cover: lambda rule: f"{100 * float(f'{rule.share:g}'):.10g} %",
    problem.Supply: lambda rule: "" if rule.total is None or isinstance(rule.total, pd.Series) else f" {rule.total:g}",
    **dict.fromkeys((problem.Existing, problem.Required, problem.Forbidden), lambda rule: str(len(rule.ids))),
    problem.Spacing: lambda rule: str(rule.count),
    problem.Phases: lambda rule: "–".join(dict.fromkeys(str(year) for year in (rule.years[0], rule.years[-1]))),
}
#: Options that follow in brackets.
OPTIONS: dict[type, tuple[str, ...]] = {
    problem.MaxCoverage: ("decay", "weights"),
    **dict.fromkeys((problem.MaxMarketShare, problem.TargetMarketShare), ("competitors", "no_choice")),
    problem.MinCost: ("travel",),
    problem.MinTravel: ("beyond",),
    problem.AtMost: ("by", "service"),
    problem.AtLeast: ("by", "service"),
    problem.Cover: ("by", "limit", "service", "year"),
    problem.Capacity: ("least", "split", "nearest"),
    problem.Supply: ("per_1000", "by", "service"),
    problem.MayClose: ("at_most", "service"),
    problem.Together: ("saving", "bonus", "must"),
    problem.Phases: ("at_most", "budget", "cover"),
    **dict.fromkeys(
        (problem.NobodyBeyond, problem.OnePer, problem.Existing, problem.Required, problem.Forbidden), ("service",)
    ),
}

#: Options that are left out at 0 or empty.
EMPTY = ("travel", "competitors", "no_choice")


def rule_words(rule: Value | Part | str, lang: str, unit: str = "", group_name: Callable[[object], str] = str) -> str:
    """Put a rule, an objective or a part of a rule into words, with distances in "m" or "min"; a text stays as it is.

    *group_name* names the group that a part is of.

    Examples
    --------
    >>> import pandas as pd, siting as st
    >>> town = pd.Series({"x": "D01"}, name="district")
    >>> rule_words(st.Cover(0.9, by=town, limit=500), "zh", "m")
    '覆盖率不低于 90 %（按街道（乡镇）分别计，距离 500 米）'
    >>> rule_words(Part(st.AtMost(5, by=town), ("D01",)), "zh")
    '新增不超过 5 处（按街道（乡镇）分别计）（D01）'
    >>> rule_words(st.AtMost(5), "en")
    'at most 5 new sites'
    """
    if isinstance(rule, str):
        return rule
    if isinstance(rule, Part):
        if rule.asks is None:
            of = label("list.comma", lang).join(map(group_name, rule.of))
            return rule_words(rule.rule, lang, unit) + bracketed(of, lang)
        return label("rule.Phases", lang, n=rule.group) + bracketed(_option(*rule.asks, lang, unit), lang)
    kind = type(rule)
    number = NUMBERS[kind](rule) if kind in NUMBERS else ""
    if isinstance(rule, problem.NobodyBeyond):
        number = _way(rule.limit, lang, unit)
    elif isinstance(rule, problem.OnePer):
        number = _group(rule.by, lang)
    options = [
        _option(name, value, lang, unit)
        for name in OPTIONS.get(kind, ())
        if (value := getattr(rule, name)) is not None and _is_told(name, value)
    ]
    return label(f"rule.{kind.__name__}", lang, n=number) + bracketed(
        ("，" if lang == "zh" else ", ").join(options), lang
    )


def value_words(what: Value, value: float, lang: str, unit: str = "", how: str = "") -> str:
    """Say what a value of an objective is, in its unit; *how* people are served, "placed" or "weighted", for coverage.

    Examples
    --------
    >>> import siting as st
    >>> value_words(st.MaxCoverage(), 1, "zh"), value_words(st.MinSites(), 1, "en")
    ('覆盖 1 人', '1 new site')
    >>> value_words(st.MinTravel(), 9, "en", "m")
    'a total distance of 9 person-m'
    """
    return _worth("worth", what, value, lang, unit, how)


def difference_words(what: Value, value: float, lang: str, unit: str = "", how: str = "") -> str:
    """Write a difference of two values of an objective, 0 or more, in its unit; of a cost the unit is not known.

    Examples
    --------
    >>> import siting as st
    >>> difference_words(st.MinSites(), 1, "en"), difference_words(st.MinTravel(), 9, "zh", "m")
    ('1 site', '9 人·米')
    """
    return _worth("worth_difference", what, value, lang, unit, how)


def _worth(section: str, what: Value, value: float, lang: str, unit: str, how: str) -> str:
    name = type(what).__name__
    how = "travel" if isinstance(what, problem.MinCost) and what.travel else how
    key = f"{section}.{name}_{how}" if known(f"{section}.{name}_{how}") else f"{section}.{name}"
    value = round(value, 1 if isinstance(what, problem.MaxMarketShare) else 2)  # visitors are expected ones
    return counted(key, value, lang, value=amount(value), unit=label(f"unit.{unit}", lang) if unit else "")


def _is_told(name: str, value: Any) -> bool:
    """Whether an option is named: not one that is False, of `EMPTY` and empty, or splitting; at_most=0 is."""
    return not value if name == "split" else value is not False and (name not in EMPTY or bool(value))


def _option(name: str, value: Any, lang: str, unit: str) -> str:
    if name == "by":
        text = _group(value, lang)
    elif name == "limit":
        text = _way(value, lang, unit)
    elif name == "service":
        text = named("service", value, lang)
    elif name == "competitors":
        text = str(len(value))
    else:
        several = value if isinstance(value, (tuple, list)) else (value,)  # one for each year
        text = label("list.comma", lang).join(_told(name, each) for each in several)
    return label(f"rule_option.{name}", lang, value=text)


def _told(name: str, value: Any) -> str:
    if value is None:
        return "—"
    if name == "cover":
        return f"{100 * float(f'{value:g}'):.10g} %"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _way(limit: float, lang: str, unit: str) -> str:
    return f"{limit:g} {label(f'unit.{unit}', lang)}" if known(f"unit.{unit}") else f"{limit:g}"


def _group(by: pd.Series, lang: str) -> str:
    columns = {"district": "column.districts", "None": "column.group", "group": "column.group"}
    name = str(by.name)
    return label(columns[name], lang) if name in columns else name


def bracketed(text: str, lang: str) -> str:
    """Put a text in the brackets of a language; nothing around nothing."""
    return f"{label('list.open', lang)}{text}{label('list.close', lang)}" if text else ""
