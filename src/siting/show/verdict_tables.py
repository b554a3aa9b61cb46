"""A verdict as tables: rule by rule, district by district, and the figures that a document prints."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from siting.judge.statuses import counts_of
from siting.judge.wording.sentences import needs_words
from siting.labels import known, label, named
from siting.numbers import NONE
from siting.show.cells import SIGNS, Cell, Table, amount, percentage, show
from siting.show.text import clean

__all__ = [
    "BADGES", "areas_table", "crow_words", "figures_table", "float_of", "folded_rows", "gap_words", "needed_words",
    "reason_words", "rules_table", "short_names", "source_words", "status_words", "target_words", "text_of",
    "value_words",
]  # fmt: skip

#: Reasons longer than this are below the indicator; most short rules named for a district.
LONG, MOST = 40, 6
#: Units written directly after each number.
SHORT = ("percent", "m", "min", "minutes")
#: The colours of verdicts; others are grey.
BADGES = {"met": "met", "part": "met", "short": "short"}


def figures_table(figures: pd.DataFrame, lang: str) -> Table:
    """Show the printed figures and those of the layers."""
    names = ("indicator", "year", "printed", "computed", "difference")
    rows = tuple(_figure(row, lang) for row in figures.to_dict("records"))
    return Table(_heads(names, lang, names[1:]), rows, caption=label("report.figures", lang), style="rules")


def _figure(row: dict[Any, Any], lang: str) -> tuple[Cell, ...]:
    unit, printed, value = str(row["printed_unit"]), float_of(row["printed"]), float_of(row["value"])
    words, beside, small = _printed(row, lang), _long_unit(unit, lang), _small_print(row, lang)
    # 2,693 m cannot be compared with 3 levels: such a number is with the words, not in the column.
    alone = unit != row["unit"] and not math.isnan(printed) and not math.isnan(value)
    if alone:
        small = (label("report.printed", lang, number=f"{words} {beside}".strip()), *small)
        words = beside = ""
    below = _filled("" if math.isnan(value) else _long_unit(row["unit"], lang), text_of(row, "reason", lang))
    return (
        Cell(text_of(row, "indicator", lang), head=True, small=small),
        Cell("" if pd.isna(row["year"]) else str(row["year"]), number=True),
        Cell(words, number=True, small=_filled(beside)),
        Cell(_measured(value, row["unit"], lang, printed), number=True, small=below),
        Cell("" if alone else gap_words({**row, "gap": row["difference"]}, lang), number=True),
    )


def _printed(row: dict[Any, Any], lang: str) -> str:
    unit = row["printed_unit"]

    def written(number: float) -> str:
        percent = {"percent": number, "share_of_families": 100 * number}.get(str(unit))
        return _measured(number, unit, lang) if percent is None else f"{percent:,.10g} %"

    printed, most = float_of(row["printed"]), float_of(row["printed_max"])
    sign = {"~": "≈ ", ">": "> "}.get(str(row["operator"]), "")
    return NONE if math.isnan(printed) else sign + written(printed) + ("" if math.isnan(most) else f"–{written(most)}")


def _heads(names: Sequence[str], lang: str, numbers: Sequence[str]) -> tuple[Cell, ...]:
    return tuple(Cell(label(f"column.{name}", lang), head=True, number=name in numbers) for name in names)


def _filled(*lines: str) -> tuple[str, ...]:
    return tuple(filter(None, lines))


def areas_table(parts: pd.DataFrame, lang: str) -> Table:
    """Show a row for each district: numbers of rules met and short, and the short ones."""
    words = ("column.area", "status.met", "status.short", "report.short_of")
    head = tuple(Cell(label(word, lang), head=True, number=word.startswith("status")) for word in words)
    body = []
    for area, rows in parts.groupby("area", sort=False):
        name = rows["area_name"].iloc[0] if "area_name" in rows else area
        count = counts_of(rows)
        numbers = (Cell(f"{int(count.get(status, 0)):,}", number=True) for status in ("met", "short"))
        body.append((Cell(clean(name or area), head=True), *numbers, Cell(short_names(rows, MOST, lang))))
    return Table(head, tuple(body), caption=label("report.by_area", lang))


def short_names(rows: pd.DataFrame, most: int, lang: str) -> str:
    """Name the first *most* rules that are short, and the number of the others."""
    short = rows[rows["status"] == "short"].to_dict("records")
    names = list(dict.fromkeys(text_of(row, "indicator", lang) for row in short))
    more = label("cli.more", lang, count=len(names) - most) if len(names) > most else ""
    return label("list.comma", lang).join(names[:most]) + more


def rules_table(rows: pd.DataFrame, caption: str, lang: str) -> Table:
    """Show a row for each rule: value, target, gap, need, verdict and clause."""
    names = ["indicator", "value", "target", "gap", "needed", "verdict"]
    if "area" in rows and len(rows["area"].dropna().unique()) > 1:
        names.insert(1, "area")
    body = []
    for row in rows.to_dict("records"):
        target, unit = target_words(row, lang)
        needed, needs = needed_words(row, lang)
        reason = text_of(row, "reason", lang)
        # Texts too long for the narrow column of the verdict, such as lists of names, are below the rule.
        below, beside = (reason, "") if len(reason) > LONG else ("", reason)
        cells = {
            "indicator": Cell(
                text_of(row, "indicator", lang), head=True, small=(*_small_print(row, lang), *_filled(below)),
                code=clean(row.get("rule") or ""),
            ),
            "area": Cell(show(row.get("area"), "id", lang)),
            "value": Cell(value_words(row, lang), number=True, small=_filled(crow_words(row, lang))),
            "target": Cell(target, number=True, small=_filled(unit)),
            "gap": Cell(gap_words(row, lang), number=True),
            "needed": Cell(needed, number=True, small=_filled(needs)),
            "verdict": Cell(
                status_words(row, lang), badge=BADGES.get(str(row["status"]), "na"), small=_filled(beside)
            ),
        }  # fmt: skip
        body.append(tuple(cells[name] for name in names))
    return Table(_heads(names, lang, ("value", "target", "gap", "needed")), tuple(body), caption=caption, style="rules")


def folded_rows(rows: pd.DataFrame, lang: str) -> tuple[tuple[str, Cell], ...]:
    """Name each rule of which nothing can be text_of, with the verdict, the reason and the clause, each once."""
    found: dict[tuple[str, ...], None] = {}
    for row in rows.to_dict("records"):
        note = text_of(row, "note", lang)
        lines = (source_words(row), label("report.note", lang, note=note) if note else "")
        found[text_of(row, "indicator", lang), reason_words(row, lang), str(row.get("rule") or ""), *lines] = None
    return tuple((name, Cell(reason, small=_filled(*lines), code=clean(rule))) for name, reason, rule, *lines in found)


def reason_words(row: dict[Any, Any], lang: str) -> str:
    """Write in one line why a rule is not judged: the verdict, and the reason if it adds something."""
    status, reason = status_words(row, lang), text_of(row, "reason", lang)
    if not reason or status in reason:
        return reason or status
    return f"{status}{label('list.colon', lang)}{reason}"


def status_words(row: dict[Any, Any], lang: str) -> str:
    """Name the verdict of a row."""
    return clean(named("status", row["status"], lang))


def value_words(row: dict[Any, Any], lang: str) -> str:
    """Write the value, with a long unit only if there is no target."""
    words = _measured(row["value"], row["unit"], lang, float_of(row["target"]))
    alone = words != NONE and math.isnan(float_of(row["target"]))
    unit = _long_unit(row["unit"], lang) if alone else ""
    return f"{words} {unit}".strip()


def target_words(row: dict[Any, Any], lang: str) -> tuple[str, str]:
    """Write the target with its sign, and its unit where that is long."""
    number, unit = float_of(row["target"]), row["unit"]
    if math.isnan(number):
        return NONE, ""
    top = float_of(row.get("target_max"))
    words = show(number, "share") if unit == "share" else amount(number)
    words += "" if math.isnan(top) else f"–{amount(top)}"
    sign = SIGNS.get(row["operator"], clean(row["operator"]))
    short = label(f"unit.{unit}", lang) if unit in SHORT else ""
    return f"{sign} {words} {short}".strip(), _long_unit(unit, lang)


def gap_words(row: dict[Any, Any], lang: str) -> str:
    """Write the gap; between two shares it is in percentage points."""
    gap, unit = float_of(row["gap"]), row["unit"]
    if unit in ("percent", "share") and not math.isnan(gap):
        return f"{percentage((100 if unit == 'share' else 1) * gap)} {label('unit.percentage_points', lang)}"
    return _measured(gap, unit, lang, 0.0)


def needed_words(row: dict[Any, Any], lang: str) -> tuple[str, str]:
    """Write the number and kind of the need."""
    number = float_of(row["needed"])
    return (NONE, "") if math.isnan(number) else (amount(number), needs_words(str(row.get("needs") or ""), lang))


def crow_words(row: dict[Any, Any], lang: str) -> str:
    """Write the value by straight lines, if the row also has one along the streets."""
    crow = float_of(row.get("straight"))
    return "" if math.isnan(crow) else f"{label('metric.straight', lang)} {_measured(crow, row['unit'], lang)}"


def source_words(row: dict[Any, Any]) -> str:
    """Name the document and the clause of a row."""
    return " · ".join(
        clean(row[name]) for name in ("document", "clause") if isinstance(row.get(name), str) and row[name]
    )


def _long_unit(unit: Any, lang: str) -> str:
    return "" if unit in SHORT or unit == "share" or not unit else clean(named("unit", unit, lang))


def text_of(row: dict[Any, Any], name: str, lang: str) -> str:
    """Return a text of the row in *lang*: the column of the name, or the one ending in ``_en`` when it has words."""
    other = row.get(f"{name}_en") if lang == "en" else None
    words = other if isinstance(other, str) and other else row.get(name)
    return clean(words) if isinstance(words, str) else ""


def _small_print(row: dict[Any, Any], lang: str) -> tuple[str, ...]:
    metric = f"metric.{row.get('metric')}"
    basis = _filled(label(metric, lang) if known(metric) else "", text_of(row, "basis", lang))
    note = text_of(row, "note", lang)
    caveat = label("report.note", lang, note=note) if note else ""
    return _filled(label("list.semicolon", lang).join(basis), caveat, source_words(row))


def float_of(value: Any) -> float:
    """Return a number; NaN for what is missing."""
    return float("nan") if value is None or value is pd.NA else float(value)


def _measured(value: Any, unit: Any, lang: str, *beside: float) -> str:
    """Write a value with a short unit, not with a long one, with digits enough to differ from the numbers beside it."""
    number = float_of(value)
    if unit == "share":
        return show(number, "share")
    if not math.isfinite(number):
        return NONE
    if unit == "percent":
        return f"{percentage(number, *beside)} %"
    written = (amount(number, digits) for digits in (2, 3, 4))
    words = next((text for text in written if all(text != amount(n) or number == n for n in beside)), amount(number, 4))
    return f"{words} {label(f'unit.{unit}', lang)}" if unit in SHORT else words
