"""Rows whose type does not count: by word for a standard, by rule, and in districts without a facility."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import cast

import pandas as pd

from siting.data import closest_types, of_type, type_of, types_in
from siting.judge.layers.context import Context
from siting.judge.layers.rule_columns import of_types
from siting.judge.standards.rule import Rule
from siting.judge.wording.sentences import NO_SENTENCE, Sentence, sentence
from siting.labels import label
from siting.measure.services import APART, set_apart
from siting.messages import Message

__all__ = ["COLUMNS", "apart_lines", "besides", "closed_here", "excluded", "in_words", "lines_of", "set_apart_of",
           "uncounted", "uncounted_here", "unknown", "warn_of_unknown", "warn_of_unused"]  # fmt: skip

logger = logging.getLogger(__name__)

MOST_WORDS = 4
COLUMNS = ["layer", "word", "type", "rows", "closest", "counted", "rules"]


def uncounted(context: Context, rules: Iterable[Rule]) -> pd.DataFrame:
    """List the words of types that rules leave out, in the columns that `Audit` describes, unknown ones first."""
    rows = []
    for layer, by_layer in _by_layer(context, rules).items():
        written = _written_in(context, layer)
        left: dict[str, list[str]] = {}
        for rule in by_layer:
            for word in written.index.difference(list(_taken(rule, context, layer)), sort=False):
                left.setdefault(word, []).append(rule.id)
        counted, every = _counted(context, layer), _all_count(context, layer)
        for word, ids in left.items():
            name = "、".join(one for one in types_in(word) if type_of(one))
            counts = word in counted or bool(name and every)
            closest = "" if name or counts else "、".join(closest_types(word))
            rows.append([layer, word, name, int(written[word]), closest, counts, tuple(dict.fromkeys(ids))])
    found = pd.DataFrame(rows, columns=COLUMNS).astype({"rows": int, "counted": bool})
    found = found.sort_values("rows", ascending=False, kind="stable")
    first = found.index.isin(unknown(found).index)
    last = found["counted"].to_numpy()
    return cast(pd.DataFrame, pd.concat([found[first], found[~first & ~last], found[last]], ignore_index=True))


def unknown(found: pd.DataFrame) -> pd.DataFrame:
    """Keep the words that no rule counts and that are not in the shared table."""
    return found[(found["type"] == "") & ~found["counted"]]


def warn_of_unknown(found: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Warn of words that no rule counts and that are not in the table; return their rows by layer and word."""
    counts: dict[str, dict[str, int]] = {}
    for row in unknown(found).to_dict("records"):
        layer, word, rows = row["layer"], row["word"], row["rows"]
        counts.setdefault(layer, {})[word] = rows
        facts = {"layer": layer, "word": word, "rows": rows, "closest": row["closest"]}
        if not word:
            logger.warning(Message("verdict.blank_type", **facts))
        elif row["closest"]:
            logger.warning(Message("verdict.unknown_type_near", **facts))
        else:
            logger.warning(Message("verdict.unknown_type", **facts))
    return counts


def warn_of_unused(context: Context, rules: Iterable[Rule]) -> None:
    """Warn of types that a rule names, that are not in the shared table, and that no row has either."""
    for layer, by_layer in _by_layer(context, rules).items():
        there = {one for word in _written_in(context, layer).index for one in types_in(word)}
        for rule in by_layer:
            for word in (*rule.facility_types, *rule.excluded_types):
                if not type_of(word) and not there.intersection(types_in(word)):
                    facts = {"rule": rule.id, "word": word, "layer": layer, "closest": "、".join(closest_types(word))}
                    if facts["closest"]:
                        logger.warning(Message("verdict.unused_type_near", **facts))
                    else:
                        logger.warning(Message("verdict.unused_type", **facts))


def excluded(rule: Rule) -> Sentence:
    """Write which types a clause excludes."""
    return ("audit.excluded", {"types": rule.excluded_types}) if rule.excluded_types else NO_SENTENCE


def uncounted_here(rule: Rule, context: Context) -> Sentence:
    """Write the rows that a rule leaves out: those of unknown types, and for the whole all if none counts."""
    counts: Counter[str] = Counter()
    others = False
    named = (other for other in context.rules if other.id in (*rule.meets, *rule.rules))
    for layer, by_layer in _by_layer(context, [*rule.clause_parts, *named]).items():
        written = _written_in(context, layer)
        taken = frozenset[object]().union(*(_taken(one, context, layer) for one in by_layer))
        odd = set(_unknown_words(context, layer))
        if context.whole is None and taken.isdisjoint(written.index):
            others |= not odd.issuperset(written.index)
            odd = set(written.index)
        counts.update({word: int(rows) for word, rows in written.items() if word in odd - taken})
    return ("audit.other_types" if others else "audit.uncounted", _listed(counts)) if counts else NO_SENTENCE


def closed_here(rule: Rule, context: Context) -> Sentence:
    """Write how many facilities of an area a rule would count if they were open to neighbours."""
    if rule.other or rule.kind == "employees_per_facility":
        return NO_SENTENCE  # parks count facilities for their own staff
    shut: dict[str, pd.Series] = {}
    for one in rule.counting:
        for layer in one.layers:
            if "open_to_neighbours" in context.layers.get(layer, ()):
                marks = context.counted(one, layer) & context.layer(layer)["open_to_neighbours"].isin([False])
                shut[layer] = shut.get(layer, False) | marks
    closed = sum(int(marks.sum()) for marks in shut.values())
    return ("audit.not_open", {"rows": closed}) if closed else NO_SENTENCE


def set_apart_of(context: Context, rules: Iterable[Rule]) -> dict[str, dict[str, int]]:
    """Count, in the layers of rules, the facilities that are not open or have no stated capacity."""
    found: dict[str, dict[str, int]] = {}
    for layer in dict.fromkeys(layer for rule in rules for one in rule.counting for layer in one.layers):
        if layer in context.layers and layer not in ("communities", "districts", "candidates", "projects"):
            apart = set_apart(context.layers[layer], layer)
            counts = {code: int((apart == code).sum()) for code in APART if (apart == code).any()}
            found |= {layer: counts} if counts else {}
    return found


def besides(rule: Rule, context: Context, units: pd.DataFrame) -> dict[object, Sentence]:
    """Write for each district the rows there of types that are unknown, or that the rule excludes."""
    whole = context.whole or context
    counts: dict[object, Counter[str]] = {}
    for layer in _by_layer(whole, [rule]):
        words = _written(whole, layer)
        words = words[words.isin(_unknown_words(whole, layer)) | of_type(words, rule.excluded_types)]
        own = whole.township(layer)[words.index]
        if rule.applies_to == "county" and "parent" in whole.layer("districts"):
            own = own.map(whole.parents)
        for unit, word in zip(own, words, strict=True):
            if unit in units.index:
                counts.setdefault(unit, Counter())[word] += 1
    return {unit: ("audit.besides", _listed(own)) for unit, own in counts.items()}


def in_words(found: pd.DataFrame, lang: str) -> pd.DataFrame:
    """Return the words that no rule counts, for readers."""
    left = found[~found["counted"].astype(bool)]
    table: dict[str, Iterable[object]] = {
        "layer": [sentence(("audit.layer", {"layer": layer}), lang) for layer in left["layer"]],
        "written": left["word"].replace("", label("value.none", lang)),
        "rows": left["rows"],
        "why": [label(f"report.uncounted_{'unasked' if known else 'unknown'}", lang) for known in left["type"]],
        "known": left["type"],
        "closest": left["closest"],
    }
    return pd.DataFrame({label(f"column.type_{name}", lang): list(values) for name, values in table.items()})


def apart_lines(counts: Mapping[str, Mapping[str, int]], lang: str) -> list[str]:
    """Write for each layer how many facilities are not open to neighbours or have no stated capacity."""
    return [
        _line(layer, [label(f"apart.{code}", lang, count=f"{n:,}") for code, n in by_code.items()], "semicolon", lang)
        for layer, by_code in counts.items()
    ]


def lines_of(found: pd.DataFrame, lang: str) -> list[str]:
    """Write for each layer which words no rule counts, the closest types beside those that are not known."""
    lines = []
    for layer, left in found[~found["counted"].astype(bool)].groupby("layer", sort=False):
        words = []
        for row in left.to_dict("records"):
            key = "known" if row["type"] else "blank" if not row["word"] else "closest" if row["closest"] else "strange"
            words.append(label(f"report.uncounted_{key}", lang, **{k: row[k] for k in ("word", "rows", "closest")}))
        lines.append(_line(layer, words, "comma", lang))
    return lines


def _line(layer: object, words: list[str], between: str, lang: str) -> str:
    name = sentence(("audit.layer", {"layer": layer}), lang)
    return label("report.uncounted_of", lang, layer=name, words=label(f"list.{between}", lang).join(words))


def _listed(counts: Mapping[str, int]) -> dict[str, object]:
    """Return the values of a message that lists words, the most frequent first."""
    most = sorted(counts.items(), key=lambda at: (-at[1], at[0]))
    words = [("audit.word_rows" if word else "audit.blank_rows", {"word": word, "rows": n}) for word, n in most]
    if len(words) > MOST_WORDS:
        words[MOST_WORDS:] = [("audit.more_rows", {"rows": sum(n for _, n in most[MOST_WORDS:])})]
    return {"rows": sum(counts.values()), "words": tuple(words)}


def _by_layer(context: Context, rules: Iterable[Rule]) -> dict[str, list[Rule]]:
    """Return the rules that name types by layer, facilities of one rule joined, partners in their own layers."""
    found: dict[str, list[Rule]] = {}
    for rule in rules:
        own: dict[str, list[Rule]] = {}
        for one in rule.counting:
            for layer in one.layers:
                own.setdefault(layer, []).append(one)
        for layer in rule.other if rule.other_types else ():
            own.setdefault(layer, []).append(rule.partner(layer))
        for layer, each in own.items():
            if "facility_type" in context.layers.get(layer, ()) and all(any(one.types) for one in each):
                types = tuple(dict.fromkeys(word for one in each for word in one.facility_types))
                joined = each[0] if len(each) == 1 else replace(each[0], facility_types=types)
                found.setdefault(layer, []).append(joined)
    return found


def _written(context: Context, layer: str) -> pd.Series:
    """Return the types as they are written; a blank is an empty text."""
    types = context.layers[layer]["facility_type"]
    return cast(pd.Series, types.astype(object).where(types.notna(), "").astype(str).str.strip())


def _written_in(context: Context, layer: str) -> pd.Series:
    """Count the rows of each word of a layer in an area."""
    return context.cached(("types written", layer, context.area), lambda: _written(context, layer).value_counts())


def _counted(context: Context, layer: str) -> set[object]:
    """Return the words that some rule of the standard which names types counts."""
    by_layer = _by_layer(context, context.rules).get(layer, [])
    return {word for rule in by_layer for word in _taken(rule, context, layer)}


def _all_count(context: Context, layer: str) -> bool:
    """Return whether some rule of the standard counts all rows of a layer, of whatever type."""
    each = (one for rule in context.rules for one in rule.counting)
    return any(layer in one.layers and not any(one.types) and not one.where for one in each)


def _unknown_words(context: Context, layer: str) -> list[str]:
    """List the words of a layer that no rule counts and that are not in the shared table."""
    whole = context.whole or context

    def find() -> list[str]:
        unread = [word for word in _written_in(whole, layer).index if not any(map(type_of, types_in(word)))]
        counted = _counted(whole, layer)
        return [word for word in unread if word not in counted]

    return context.cached(("types unknown", layer), find)


def _taken(rule: Rule, context: Context, layer: str) -> frozenset[object]:
    """Return the words of a layer that a rule counts."""

    def find() -> frozenset[object]:
        words = _written_in(context.whole or context, layer).index.to_series()
        return frozenset(words[of_types(words.to_frame("facility_type"), "", *rule.types)])

    return context.cached(("types counted", layer, rule.types), find)
