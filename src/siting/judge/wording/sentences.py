"""Messages: keys of the table of labels with their values, and their sentences in a language."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from siting.data import list_roles, role
from siting.judge.standards.rule import Rule
from siting.labels import known, label

__all__ = ["NO_SENTENCE", "Sentence", "in_both", "limits_of", "name_of", "needs_words", "sentence", "unique"]

#: A key of the table of labels, and its values.
Sentence = tuple[str, Mapping[str, object]]
NO_SENTENCE: Sentence = ("", {})

COLUMN_WORDS = ("of", "column", "base", "layer", "who", "other")
#: Messages on how many units fulfil a rule; without units another message is used.
PARTED = ("audit.composition", "audit.units", "audit.beside", "audit.own", "audit.fulfil", "audit.marked",
          "audit.partners")  # fmt: skip
#: Values that are codes: their section of the table, and the default code.
CODES = {"printed_unit": ("unit", ""), "level": ("level", ""), "who": ("walker", "own"), "mode": ("mode", ""),
         "ruled": ("ruled", "communities")}  # fmt: skip
#: Numbers followed by a measure word, and the values that name what they count; the first present is used.
COUNTS = {"stock": ("column",), "people": ("base",), "total": ("of",), "part": ("column", "of"), "owed": ("of",),
          "low": ("of",), "idle": ("of",), "convert": ("column",), "add": ("column",)}  # fmt: skip


def unique(messages: Iterable[Sentence]) -> tuple[Sentence, ...]:
    """Keep each message once; their values cannot be hashed."""
    kept: list[Sentence] = []
    for message in messages:
        if message not in kept:
            kept.append(message)
    return tuple(kept)


def sentence(message: Sentence, lang: str) -> str:
    """Write a message in a language; nothing for no key."""
    key, values = message
    if not key:
        return ""
    what = next((name for name in ("ruled", "of") if name in values), "")
    if what and key in PARTED and values.get("total") == 0:
        return label("audit.nothing_there", lang, what=_word(what, values[what], lang))
    layer = str(values.get("layer", ""))
    filled = {name: _word(name, value, lang, layer) for name, value in values.items()}
    for name, things in COUNTS.items():
        counted = next((values[thing] for thing in things if thing in values), None)
        if name in filled and counted is not None:
            filled[name] = f"{filled[name]} {_measure(counted, lang)}".rstrip()
    return label(key, lang, **filled)


def in_both(name: str, message: Sentence) -> dict[str, str]:
    """Return a message as two columns of a table: Chinese, and English with the ending ``_en``."""
    return {name: sentence(message, "zh"), f"{name}_en": sentence(message, "en")}


def needs_words(code: str, lang: str) -> str:
    """Write what is needed, to stand after its number, such as "nursing beds" or 张护理型床位."""
    if known(f"needs.{code}"):
        return label(f"needs.{code}", lang)
    if not code or known(f"unit.{code}"):
        return label(f"unit.{code}", lang) if code else ""
    measure, what = _measure(code, lang), _counted(code, lang)
    if measure == label("measure.persons", lang):
        return label("needs.people_of", lang, what=what)
    return f"{measure}{what}"


def _measure(counted: object, lang: str) -> str:
    """Return the measure word of a count: by its name, by the unit of the column, else that of facilities."""
    name = str(counted[0] if isinstance(counted, tuple) and counted else counted)
    if known(f"measure.{name}"):
        return label(f"measure.{name}", lang)
    units = (column.unit for each in list_roles() for column in role(each).columns if column.name == name)
    unit = next((unit for unit in units if unit and known(f"measure.{unit}")), "facilities")
    return label(f"measure.{unit}", lang)


def _word(name: str, value: object, lang: str, layer: str = "") -> str:
    """Write a value: a number with separators, or its words in the table."""
    if isinstance(value, Mapping):  # in both languages
        return str(value[lang])
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], Mapping) and isinstance(value[0], str):
        return sentence(value, lang)
    if name == "conditions":
        return label("list.comma", lang).join(_condition(one, lang, layer) for one in value)  # type: ignore[attr-defined]
    if name in CODES:
        section, otherwise = CODES[name]
        codes = [code for code in (value, otherwise) if known(f"{section}.{code}")]
        return label(f"{section}.{codes[0]}", lang) if codes else str(value)
    if isinstance(value, tuple):
        between = "list.semicolon" if name == "parts" else "list.comma"
        return label(between, lang).join(_one_of(name, one, lang) for one in value)
    if isinstance(value, int | float):
        return "—" if math.isnan(value) else f"{value:,.10g}"
    if name == "walk":  # "300 m" or "15 min"
        number, unit = str(value).split()
        return f"{number} {label(f'unit.{unit}', lang)}"
    if name == "layer":
        return _layer(str(value), lang)
    if name == "absent":  # a column to be added: its own name, whatever the language
        words = _column(str(value), lang, layer)
        return _beside(words, str(value), lang) if words else str(value)
    return _counted(str(value), lang) if name in COLUMN_WORDS else str(value)


def _counted(name: str, lang: str) -> str:
    """Name what is counted: people, a column, a layer; unknown words are the document's."""
    for section in ("people", "ruled", "field", "layer"):
        if known(f"{section}.{name}"):
            return label(f"{section}.{name}", lang)
    sections = (section for section in ("service", "walker", "column") if known(f"{section}.{name}"))
    words = _role(name, lang).lower() or _column(name, lang)
    return words or next((label(f"{section}.{name}", lang) for section in sections), name)


def _beside(words: str, name: str, lang: str) -> str:
    """Put a name that the user must give in brackets after its words."""
    return f"{words}{label('list.open', lang)}{name}{label('list.close', lang)}"


def _one_of(name: str, one: object, lang: str) -> str:
    """Write one of several values: a message, a name in both languages, or a word."""
    return _word(name, one, lang) if isinstance(one, tuple | Mapping) or name in COLUMN_WORDS else str(one)


def _condition(one: object, lang: str, layer: str) -> str:
    """Write a condition such as "lease_years ≥ 5"; of a tuple one of several is enough."""
    if isinstance(one, tuple):
        alternatives = (label("list.comma", lang).join(_condition(each, lang, layer) for each in some) for some in one)
        return label("list.or", lang).join(alternatives)
    column, _, compared = str(one).partition(" ")
    words = _column(column, lang, layer) or column
    if compared in ("", "!"):  # a mark; in English its column may mean "whether it is a model"
        mark = words.removeprefix("whether ")
        if compared:
            return label("audit.not_so", lang, what=mark)
        return label("audit.mark_of", lang, what=mark) if mark == words else mark
    if compared.startswith("= "):
        keys = (f"{column}.{word}" for word in compared[2:].split("/"))
        named = (label(key, lang) if known(key) else key.partition(".")[2] for key in keys)
        return label("audit.said_so", lang, what=words, words="/".join(named))
    return f"{words} {compared}"


def _layer(name: str, lang: str) -> str:
    """Name a layer: by its role, else in words with the key that a user has to give."""
    return _role(name, lang) or (_beside(label(f"layer.{name}", lang), name, lang) if known(f"layer.{name}") else name)


def _role(name: str, lang: str) -> str:
    return "" if name not in list_roles() else role(name).zh if lang == "zh" else role(name).en


def _column(name: str, lang: str, layer: str = "") -> str:
    """Return the words for a column: those of the maps, else of its layer's role, else of any role with it."""
    if known(f"field.{name}"):
        return label(f"field.{name}", lang)
    every = (one for each in sorted(list_roles(), key=lambda own: own != layer) for one in role(each).columns)
    column = next((one for one in every if one.name == name), None)
    return "" if column is None else column.zh if lang == "zh" else column.meaning_en


def name_of(part: Rule, rule: Rule) -> dict[str, str]:
    """Name a facility of a circle: as its table does, else by its types, else by its layer."""
    if part.indicator_zh != rule.indicator_zh or part.indicator_en != rule.indicator_en:
        return {"zh": part.indicator_zh, "en": part.indicator_en}
    if part.any:
        names = [name_of(one, part) for one in part.parts("any")]
        return {lang: label("list.or", lang).join(dict.fromkeys(one[lang] for one in names)) for lang in ("zh", "en")}
    types = {lang: label("list.comma", lang).join(part.facility_types) for lang in ("zh", "en")}
    return types if part.facility_types else {lang: _layer(part.layers[0], lang) for lang in ("zh", "en")}


def limits_of(rule: Rule) -> tuple[dict[str, str], ...]:
    """Name the facilities of `any` that have their own limit, with the limit."""
    own = [one for one in rule.parts("any") if (one.metres, one.minutes) != (rule.metres, rule.minutes)]
    units = ["m" if one.minutes is None else "min" for one in own]
    return tuple(
        {lang: f"{words} {one.minutes or one.metres:g} {label(f'unit.{unit}', lang)}" for lang, words in names.items()}
        for one, unit, names in zip(own, units, [name_of(one, rule) for one in own], strict=True)
    )
