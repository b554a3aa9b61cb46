"""Verdicts and standards in a terminal of any width."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pandas as pd
from rich.console import Console
from rich.text import Text

from siting.judge import Audit, Standard
from siting.judge.layers.uncounted_types import lines_of
from siting.judge.statuses import judged_first
from siting.labels import label, named
from siting.propose.plan.rule_text import bracketed
from siting.show.cells import SIGNS
from siting.show.verdict_tables import (
    crow_words,
    gap_words,
    needed_words,
    reason_words,
    short_names,
    source_words,
    status_words,
    target_words,
    text_of,
    value_words,
)
from siting.terminal_text import print_rows, side_by_side, wrapped, wrapped_before

__all__ = ["print_areas", "print_audit", "print_rules", "print_standards", "print_verdict"]

HEADS = ("indicator", "value", "target", "needed", "verdict")
#: The widths of all columns but the first, which takes the rest, on a usual and on a wide terminal.
WIDTHS, WIDE, ROOMY = (10, 14, 14, 12), (12, 24, 24, 20), 110
RIGHT = (False, True, True, True, False)
COLOURS = {"met": "green", "part": "green", "short": "red"}
#: Most lines of a sentence of a long reason; the exported tables have the full lists of names.
REASON_LINES = 2
#: Below this width what stands in columns elsewhere stands in lines.
NARROW = 64
LEAST = 20


def print_audit(out: Console, judged: Audit, lang: str) -> None:
    """Print the verdict on each rule, what no rule counts, and the districts where they were judged."""
    print_verdict(out, judged, lang)
    if left := lines_of(judged.uncounted, lang):
        out.print(Text(label("report.uncounted", lang), style="bold"))
        for line in left:
            for each in wrapped(line, out.width, indent=2):
                out.print(each, highlight=False, markup=False, soft_wrap=True)
    if (judged.table["area"] != "all").any():
        print_areas(out, judged, lang)


def print_verdict(out: Console, judged: Audit, lang: str) -> None:
    """Print the verdict on each rule of the whole: judged ones first, then a line for each other."""
    table = judged.table[judged.table["area"] == "all"]
    rows, folded = judged_first(table)
    width = max(out.width, LEAST)
    out.print(Text(label("report.audit", lang), style="bold"))
    notes: dict[str, int] = {}
    if table.empty:
        out.print(Text(label("report.no_rules", lang, count=len(judged.figures))), soft_wrap=True)
    if len(rows):
        numbers = () if width < NARROW else WIDE if width >= ROOMY else WIDTHS
        widths = (width - sum(numbers) - 2 * len(numbers), *numbers)
        if numbers:
            _show(out, _grid([label(f"column.{name}", lang) for name in HEADS], widths, ["dim"] * len(HEADS)))
        several = len(rows["document"].unique()) > 1
        for row in rows.to_dict("records"):
            _show(out, _rule(row, widths, notes, several=several, lang=lang))
    if len(folded):
        heading = label("report.folded", lang, count=folded["rule"].nunique())
        out.print(Text(f"\n{heading}", style="bold"), soft_wrap=True)
        others = folded.to_dict("records")
        for line in dict.fromkeys(f"— {text_of(row, 'indicator', lang)} — {reason_words(row, lang)}" for row in others):
            _show(out, _dim(wrapped(line, width, indent=2)))
    if notes:
        out.print(Text(f"\n{label('report.footnotes', lang)}", style="bold"))
        for note, number in notes.items():
            _show(out, _dim(wrapped(f"[{number}] {note}", width, indent=4)))
    out.print()


def _show(out: Console, lines: Iterable[Text]) -> None:
    for line in lines:
        out.print(line, soft_wrap=True)


def _dim(lines: Iterable[str]) -> Iterator[Text]:
    return (Text(line, style="dim") for line in lines)


def _grid(cells: Sequence[str], widths: Sequence[int], styles: Sequence[str]) -> Iterator[Text]:
    for line in side_by_side(cells, widths, RIGHT):
        yield Text("  ").join(Text(text, style=style) for text, style in zip(line, styles, strict=True))


def _rule(
    row: dict[Any, Any], widths: Sequence[int], notes: dict[str, int], *, several: bool, lang: str
) -> Iterator[Text]:
    """Yield the numbers of a rule in columns, and their basis below, over the whole width."""
    note = text_of(row, "note", lang)
    mark = f" [{notes.setdefault(note, len(notes) + 1)}]" if note else ""
    target, needed = (" ".join(filter(None, words(row, lang))) for words in (target_words, needed_words))
    cells = (text_of(row, "indicator", lang) + mark, value_words(row, lang), target, needed, status_words(row, lang))
    style, width = COLOURS.get(str(row["status"]), "dim"), sum(widths) + 2 * len(widths) - 2
    if len(widths) > 1:
        yield from _grid(cells, widths, ("bold", "", "", "", style))
    else:  # a narrow terminal: a line for each
        yield from (Text(line, style="bold") for line in wrapped(cells[0], width))
        for name, cell in zip(HEADS[1:], cells[1:], strict=True):
            told = f"  {label(f'column.{name}', lang)}{label('list.colon', lang)}{cell}"
            yield from (Text(line, style=style if name == "verdict" else "") for line in wrapped(told, width, indent=4))
    gap = "" if pd.isna(row["gap"]) or not row["gap"] else label("report.gap", lang, gap=gap_words(row, lang))
    parts = (gap, crow_words(row, lang), text_of(row, "basis", lang))
    basis = label("forecast.semicolon", lang).join(filter(None, parts))
    clause = label("report.clause", lang, clause=source_words(row) if several else str(row["clause"]))
    lines = [*wrapped(f"  {basis}", width, indent=2), *_shortened(text_of(row, "reason", lang), width, lang)]
    yield from _dim(filter(str.strip, [*lines, *wrapped_before(f"  {clause}", row["rule"], width, indent=2)]))


def _shortened(reason: str, width: int, lang: str) -> Iterator[str]:
    """Wrap a reason; cut each sentence of a long one, so that a list of names does not hide the rest."""
    lines = wrapped(f"  {reason}", width, indent=2)
    if len(lines) <= REASON_LINES:
        yield from lines
        return
    for sentence in reason.split(label("list.semicolon", lang)):
        lines = wrapped(f"  {sentence}", width, indent=2)
        cut = len(lines) > REASON_LINES
        yield from [*lines[: REASON_LINES - 1], f"{lines[REASON_LINES - 1][:-2]} …"] if cut else lines


def print_areas(out: Console, judged: Audit, lang: str) -> None:
    """Print for each district how many rules are met and short, and which are short."""
    parts = judged.table[judged.table["area"] != "all"]
    out.print(Text(label("report.by_area", lang), style="bold"))
    heads = [label(words, lang) for words in ("column.area", "status.met", "status.short")]
    rows, short = [], []
    for area, here in parts.groupby("area", sort=False):
        count = judged.counts(str(area))
        rows.append((str(here["area_name"].iloc[0] or area), str(count["met"]), str(count["short"])))
        short.append(short_names(here, 4, lang))
    print_rows(out, heads, rows, (False, True, True), below=short, colon=label("list.colon", lang))
    out.print()


def print_standards(out: Console, standards: Iterable[Standard], lang: str) -> None:
    """Print the names and titles of standards, and how many rules each has."""
    known = list(standards)
    longest = max(len(each.name) for each in known)
    for each in known:
        title = each.title_zh if lang == "zh" else each.title_en
        words = f"{title}{bracketed(label('cli.standard_rules', lang, n=len(each)), lang)}"
        for number, line in enumerate(wrapped(words, out.width - longest - 2)):
            out.print(Text(f"{'' if number else each.name:<{longest}}  ", style="bold") + line, soft_wrap=True)


def print_rules(out: Console, chosen: Standard, lang: str) -> None:
    """Print the rules of a standard: id, requirement and clause."""
    width = max(out.width, LEAST)
    for rule in chosen:
        number = "" if rule.value is None else f"{rule.value:g}"
        number += "" if rule.value_max is None else f"–{rule.value_max:g}"
        sign = SIGNS.get(rule.operator, rule.operator)
        asked = f"{sign} {number} {named('unit', rule.unit, lang)}".strip() if number else rule.text
        name = rule.indicator_en if lang == "en" else rule.indicator_zh
        year = label("plan_site.in_year", lang, year=rule.year) if rule.year else ""
        about = label("list.colon", lang).join(filter(None, (name, asked)))
        about += f"{label('list.open', lang)}{year}{label('list.close', lang)}" if year else ""
        out.print(Text(rule.id, style="bold"), soft_wrap=True)
        clause = label("report.clause", lang, clause=rule.clause)
        for line, style in ((about, ""), (clause, "dim")):
            _show(out, [Text(each, style=style) for each in wrapped(f"  {line}", width, indent=2)])
