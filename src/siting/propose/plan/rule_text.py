"""Objectives, rules and engines of a plan in the reader's words, from what they say of themselves in Python."""

from __future__ import annotations

import re

from siting.labels import known, label, named

__all__ = ["engine_words", "rule_words"]

#: ``Name(…)`` without brackets inside, or with those of one list; then a first argument and those by name.
CALL = re.compile(r"\b([A-Z][A-Za-z]+)\(((?:[^()]|\([^()]*\))*)\)")
#: A group that a rule holds in, after it.
GROUP = re.compile(r" \(([^()]*)\)$")
NAMED = re.compile(r"(?:^|, )(\w+)=")


def rule_words(said: str, lang: str, unit: str = "") -> str:
    """Put each rule that *said* names into words; what the table does not know stays as it is.

    Parameters
    ----------
    said
        Such as ``"Cover(0.9, by=district)"``, alone or within a text.
    lang
        "zh" or "en".
    unit
        The unit of distances, "m" or "min".

    Examples
    --------
    >>> rule_words("Cover(0.9, by=district, limit=500)", "zh", "m")
    '覆盖率不低于 90 %（按街道（乡镇）分别计，距离 500 米）'
    >>> rule_words("AtMost(5, by=district) (D01)", "zh"), rule_words("Phases(2027–2030, at_most=(2, 3))", "zh")
    ('新增不超过 5 处（按街道（乡镇）分别计）（D01）', '分年实施：2027–2030（上限 2、3 处）')
    >>> rule_words("AtMost(5)", "en"), rule_words("Mine(3)", "en")
    ('at most 5 new sites', 'Mine(3)')
    """
    words = CALL.sub(lambda call: _words(call, lang, unit), said)
    return GROUP.sub(lambda group: f"{label('list.open', lang)}{group[1]}{label('list.close', lang)}", words)


def engine_words(engine: str, lang: str) -> str:
    """Name what solved a plan.

    Examples
    --------
    >>> engine_words("covering", "zh"), engine_words("HiGHS", "zh")
    ('最大覆盖', 'HiGHS')
    """
    return named("engine", engine, lang)


def _words(call: re.Match[str], lang: str, unit: str) -> str:
    name, inside = call[1], call[2]
    if not known(f"rule.{name}"):
        return call[0]
    first, *pairs = NAMED.split(inside)
    number = _number(name, first.strip().removesuffix(" sites").removesuffix(" pairs"), lang, unit)
    options = [_option(key, value, lang, unit) for key, value in zip(pairs[::2], pairs[1::2], strict=True)]
    words = label(f"rule.{name}", lang, n=number)
    between = "，" if lang == "zh" else ", "
    return words + (f"{label('list.open', lang)}{between.join(options)}{label('list.close', lang)}" if options else "")


def _number(name: str, first: str, lang: str, unit: str) -> str:
    if name == "Cover":
        return f"{100 * float(first):.10g} %"
    if name == "OnePer":
        return _group(first, lang)
    if name == "Supply":
        return f" {first}" if first else ""
    return _way(first, lang, unit) if name == "NobodyBeyond" else first


def _option(key: str, value: str, lang: str, unit: str) -> str:
    if not known(f"rule_option.{key}"):
        return f"{key}={value}"
    value = label("list.comma", lang).join(value.strip("()").rstrip(",").split(", "))  # one for each year
    if key == "by":
        value = _group(value, lang)
    elif key == "limit":
        value = _way(value, lang, unit)
    elif key == "service":
        value = named("service", value, lang)
    return label(f"rule_option.{key}", lang, value=value)


def _way(value: str, lang: str, unit: str) -> str:
    return f"{value} {label(f'unit.{unit}', lang)}" if known(f"unit.{unit}") else value


def _group(value: str, lang: str) -> str:
    """Name the groups that a rule holds in, by the name of their column."""
    rooms = {"district": "column.districts", "None": "column.group", "group": "column.group"}
    return label(rooms[value], lang) if value in rooms else value
