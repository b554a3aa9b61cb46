"""What the functions of a study found, in a terminal: sentences, and the beginning of each table."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from rich.console import Console
from rich.text import Text

from siting.judge import Audit
from siting.labels import label
from siting.show.cells import table_of
from siting.study import Outcome
from siting.study.analyses.frames import parts_of
from siting.study.tables import all_names
from siting.terminal_audit import print_audit
from siting.terminal_text import print_rows, wrapped

__all__ = ["print_analyses"]

#: Rows of a table that are printed.
ROWS = 10


def print_analyses(out: Console, outcome: Outcome) -> None:
    """Print what each function that the study asks for found."""
    lang, names = outcome.study.lang, all_names(outcome)
    for each in outcome.study.analyses:
        out.print(Text(each.heading(lang), style="bold"))
        for part in parts_of(each, outcome.analyses[each.name], lang, names):
            titled = part if isinstance(part, Mapping) else {"": part}
            for title, found in titled.items():
                if title:
                    _print_text(out, title)
                if isinstance(found, pd.DataFrame):
                    _print_frame(out, found, lang)
                elif isinstance(found, Audit):
                    print_audit(out, found, lang)
                else:
                    _print_text(out, str(found))
        out.print()


def _print_frame(out: Console, frame: pd.DataFrame, lang: str) -> None:
    """Print the first rows of a table; all of them stand in the report and the tables."""
    table = table_of(frame.head(ROWS), lang)
    rows = [[cell.text for cell in row] for row in table.rows]
    heads, right = [cell.text for cell in table.head], [cell.number for cell in table.head]
    print_rows(out, heads, rows, right, colon=label("list.colon", lang))
    if len(frame) > ROWS:
        _print_text(out, label("study.more_rows", lang, n=f"{len(frame) - ROWS:,}"))


def _print_text(out: Console, text: str) -> None:
    for line in wrapped(text, out.width):
        out.print(line, markup=False, highlight=False, soft_wrap=True)
