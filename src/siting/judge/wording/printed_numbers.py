"""Printed numbers of a rule that neither value nor target shows."""

from __future__ import annotations

import math
from collections.abc import Mapping

from siting.judge.standards.conditions import ANY, COMPARISON
from siting.judge.standards.rule import Rule
from siting.judge.wording.sentences import NO_SENTENCE, Sentence, sentence
from siting.labels import known, label

__all__ = ["conditions_of", "line_of", "printed_number"]

#: Signs of comparison that are printed with the number.
SIGNS = {">=": "≥ ", "<=": "≤ ", ">": "> ", "<": "< ", "~": "≈ "}


def line_of(rule: Rule) -> str:
    """Write the printed rule in one Chinese line: the indicator, and its number or text."""
    number = "" if rule.value is None else sentence(("audit.number", printed_number(rule)), "zh")
    return label("list.colon", "zh").join(filter(None, (rule.indicator_zh, number or rule.text)))


def printed_number(rule: Rule) -> dict[str, object]:
    """Return the printed number of a rule and its unit, for sentences."""
    each = [number for number in (rule.value, rule.value_max) if number is not None]
    families = rule.unit == "share_of_families"
    written = "–".join(f"{100 * number:,.10g} %" if families else f"{number:,.10g}" for number in each)
    return {"number": SIGNS.get(rule.operator, "") + written, "printed_unit": rule.unit}


def conditions_of(rule: Rule) -> Sentence:
    """Write which rows of a layer count, by marks, words and numbers, and the number that fulfils the rule."""
    numbers = (one for one in _each(rule.part) if isinstance(one, str) and one.partition(" ")[2][:1] in tuple("≥≤><"))
    found = [*_each(rule.where), *numbers]
    return ("audit.conditions", {"layer": rule.layers[0], "conditions": tuple(found)}) if found else NO_SENTENCE


def _each(conditions: Mapping[str, object]) -> list[object]:
    """List conditions, such as "new", "new !" (not new), "beds ≥ 100"; alternatives as a tuple, without "above 0"."""
    found: list[object] = []
    for name, want in conditions.items():
        if name == ANY:
            found.append(tuple(tuple(_each(one)) for one in want))  # type: ignore[attr-defined]
        elif isinstance(want, bool):
            found.append(name if want else f"{name} !")
        elif compared := COMPARISON.match(str(want)):
            limit = float(compared[2])
            if not math.isclose(limit, 0):
                found.append(f"{name} {SIGNS[compared[1]]}{limit:,.10g}")
        else:
            words = (want,) if isinstance(want, str) else tuple(want)  # type: ignore[arg-type]
            if all(known(f"{name}.{word}") or not word.isascii() for word in words):
                found.append(f"{name} = {'/'.join(words)}")
    return found
