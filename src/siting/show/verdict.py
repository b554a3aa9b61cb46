"""A verdict as tables: rule by rule, district by district, and the figures that a document prints."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from siting.judge.statuses import counts_of
from siting.judge.units import apart
from siting.labels import known, label
from siting.show.cells import SIGNS, Cell, Table, amount, percentage, show
from siting.show.fonts import clean

__all__ = ["BADGES", "areas_table", "figures_table", "float_of", "rules_table"]

#: Reasons longer than this stand below the indicator; so many short rules of a district are named.
LONG, MOST = 40, 6
#: Units that go with their number.
SHORT = ("percent", "m", "min", "minutes", "")
#: The colours of verdicts; others are grey.
BADGES = {"met": "met", "part": "met", "short": "short"}


def figures_table(figures: pd.DataFrame, lang: str) -> Table:
    """Show what the document prints beside what the layers hold."""
    names = ("indicator", "year", "printed", "computed", "difference")
    head = tuple(Cell(label(f"column.{name}", lang), head=True, number=name != "indicator") for name in names)
    body = []
    for row in figures.to_dict("records"):
        unit, printed, value = str(row["printed_unit"]), float_of(row["printed"]), float_of(row["value"])
        words, beside = _printed(row, lang), _long_unit(unit, lang)
        held = () if math.isnan(value) else _long_unit(row["unit"], lang)
        small = _small_print(row, lang)
        # 2,693 m are nothing to hold against 3 levels: such a number stands with the words, not in the column.
        alone = unit != row["unit"] and not math.isnan(printed) and not math.isnan(value)
        if alone:
            number = " ".join((words, *beside))
            words, beside, small = "", (), (label("report.printed", lang, number=number), *small)
        body.append(
            (
                Cell(_said(row, "indicator", lang), head=True, small=small),
                Cell("" if pd.isna(row["year"]) else str(row["year"]), number=True),
                Cell(words, number=True, small=beside),
                Cell(
                    _measured(value, row["unit"], lang, printed),
                    number=True,
                    small=tuple(filter(None, (*held, _said(row, "reason", lang)))),
                ),
                Cell("" if alone else _measured(row["difference"], apart(row["unit"]), lang, printed), number=True,
                     small=_points(row["difference"], apart(row["unit"]), lang)),
            )
        )  # fmt: skip
    return Table(head, tuple(body), caption=label("report.figures", lang), style="rules")


def _printed(row: dict[Any, Any], lang: str) -> str:
    """Write a printed number with its sign and all its digits; "n/a" for none."""
    unit = row["printed_unit"]

    def written(number: float) -> str:
        return f"{number:,.10g} %" if unit == "percent" else _measured(number, unit, lang)

    printed, most = float_of(row["printed"]), float_of(row["printed_max"])
    sign = {"~": "≈ ", ">": "> "}.get(str(row["operator"]), "")
    return "n/a" if math.isnan(printed) else sign + written(printed) + ("" if math.isnan(most) else f"–{written(most)}")


def _long_unit(unit: Any, lang: str) -> tuple[str, ...]:
    """Name a unit that is too long to stand behind its number."""
    return () if unit in SHORT or not known(f"unit.{unit}") else (label(f"unit.{unit}", lang),)


def _points(number: Any, unit: Any, lang: str) -> tuple[str, ...]:
    """Name percentage points, below a difference of percentages that is there."""
    return () if math.isnan(float_of(number)) or unit != "percentage_points" else (label(f"unit.{unit}", lang),)


def areas_table(parts: pd.DataFrame, lang: str) -> Table:
    """Show a row for each district: how many rules are met and short, and which are short."""
    names = ("area", "met", "short", "indicator")
    words = ("column.area", "status.met", "status.short", "report.short_of")
    head = tuple(
        Cell(label(word, lang), head=True, number=name in ("met", "short"))
        for name, word in zip(names, words, strict=True)
    )
    body = []
    for area, rows in parts.groupby("area", sort=False):
        name = rows["area_name"].iloc[0] if "area_name" in rows else area
        count = counts_of(rows)
        short = [_said(row, "indicator", lang) for row in rows[rows["status"] == "short"].to_dict("records")]
        cells = (
            Cell(clean(name or area), head=True),
            Cell(f"{int(count.get('met', 0)):,}", number=True),
            Cell(f"{int(count.get('short', 0)):,}", number=True),
            Cell(_first(list(dict.fromkeys(short)), lang)),
        )
        body.append(cells)
    return Table(head, tuple(body), caption=label("report.by_area", lang))


def _first(names: Sequence[str], lang: str) -> str:
    """Name the first of many."""
    more = label("cli.more", lang, count=len(names) - MOST) if len(names) > MOST else ""
    return label("list.comma", lang).join(names[:MOST]) + more


def rules_table(rows: pd.DataFrame, caption: str, lang: str) -> Table:
    """Show a row for each rule: value, target, gap, what is needed, verdict, and where it stands."""
    names = ["indicator", "value", "target", "gap", "needed", "verdict"]
    areas = "area" in rows and len(rows["area"].dropna().unique()) > 1
    if areas:
        names.insert(1, "area")
    head = tuple(
        Cell(label(f"column.{name}", lang), head=True, number=name in ("value", "target", "gap", "needed"))
        for name in names
    )
    body = []
    for row in rows.to_dict("records"):
        cells = {
            "indicator": Cell(
                _said(row, "indicator", lang), head=True, small=(*_small_print(row, lang), *_long(row, lang))
            ),
            "value": Cell(_measured(row["value"], row["unit"], lang, float_of(row["target"])), number=True, small=_compared(row, lang)),
            "target": _target(row, lang),
            "gap": Cell(_measured(row["gap"], apart(row["unit"]), lang), number=True, small=_points(row["gap"], apart(row["unit"]), lang)),
            "needed": Cell(amount(float_of(row["needed"])), number=True, small=_needs(row, lang)),
            "verdict": _verdict(row, lang),
        }
        if areas:
            cells["area"] = Cell(show(row["area"], "id", lang))
        body.append(tuple(cells[name] for name in names))
    return Table(head, tuple(body), caption=caption, style="rules")


def _said(row: dict[Any, Any], name: str, lang: str) -> str:
    """Return a text of the row in *lang*: the column of the name, or the one ending in ``_en`` when it has words."""
    other = row.get(f"{name}_en") if lang == "en" else None
    words = other if isinstance(other, str) and other else row.get(name)
    return clean(words) if isinstance(words, str) else ""


def _small_print(row: dict[Any, Any], lang: str) -> tuple[str, ...]:
    source = [clean(row[name]) for name in ("document", "clause") if isinstance(row.get(name), str) and row[name]]
    metric = row.get("metric")
    counted = [_said(row, "basis", lang)]
    if isinstance(metric, str) and known(f"metric.{metric}"):
        counted.insert(0, label(f"metric.{metric}", lang))
    between = "；" if lang == "zh" else "; "
    note = _said(row, "note", lang)
    caveat = label("report.note", lang, note=note) if note else ""
    return tuple(line for line in (between.join(filter(None, counted)), caveat, " · ".join(source)) if line)


def _compared(row: dict[Any, Any], lang: str) -> tuple[str, ...]:
    """Return the value as the crow flies, where the row has one beside that along the streets."""
    crow = float_of(row.get("straight"))
    if math.isnan(crow):
        return ()
    return (f"{label('metric.straight', lang)} {_measured(crow, row['unit'], lang)}",)


def _needs(row: dict[Any, Any], lang: str) -> tuple[str, ...]:
    """Name what is needed: people, communities, places and so on."""
    needs = row.get("needs")
    if not isinstance(needs, str) or not needs:
        return ()
    found = [f"{room}.{needs}" for room in ("unit", "field", "column") if known(f"{room}.{needs}")]
    return (label(found[0], lang) if found else clean(needs),)


def float_of(value: Any) -> float:
    """Return a number; NaN for what is missing."""
    return float("nan") if value is None or value is pd.NA else float(value)


def _measured(value: Any, unit: Any, lang: str, *beside: float) -> str:
    """Write a value; a short unit goes with it, a long one stands below. Percent have digits enough for those beside."""
    number = float_of(value)
    if unit == "share":
        return show(number, "share")
    words = amount(number)
    if unit in ("percent", "percentage_points") and words != "n/a":
        return percentage(number, *beside) + (" %" if unit == "percent" else "")
    if words == "n/a" or unit not in ("m", "min", "minutes"):
        return words
    return f"{words} {label(f'unit.{unit}', lang)}"


def _target(row: dict[Any, Any], lang: str) -> Cell:
    number, unit = float_of(row["target"]), row["unit"]
    if number != number:
        return Cell("n/a", number=True)
    words = show(number, "share") if unit == "share" else amount(number)
    top = float_of(row.get("target_max"))
    words += "" if math.isnan(top) else f"–{amount(top)}"
    sign = SIGNS.get(row["operator"], clean(row["operator"]))
    sign = {"range": "", "per": "1 /"}.get(sign, sign)
    short = unit in SHORT[:-1]
    named = label(f"unit.{unit}", lang) if known(f"unit.{unit}") else clean(unit or "")
    if unit == "share":
        named = ""
    small = () if short or not named else (named,)
    return Cell(f"{sign} {words} {named}".strip() if short else f"{sign} {words}", number=True, small=small)


def _long(row: dict[Any, Any], lang: str) -> tuple[str, ...]:
    """Return a reason that is too long for the narrow column of the verdict, such as a list of names."""
    reason = _said(row, "reason", lang)
    return (reason,) if len(reason) > LONG else ()


def _verdict(row: dict[Any, Any], lang: str) -> Cell:
    status = str(row["status"])
    badge = BADGES.get(status, "na")
    reason = "" if _long(row, lang) else _said(row, "reason", lang)
    words = label(f"status.{status}", lang) if known(f"status.{status}") else clean(status)
    return Cell(words, badge=badge, small=(reason,) if reason else ())
