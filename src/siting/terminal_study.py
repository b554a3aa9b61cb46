"""A study run or judged in a terminal: steps and results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from siting.data import write_table
from siting.errors import SitingError
from siting.judge.layers.uncounted_types import apart_lines
from siting.judge.statuses import members_of
from siting.labels import label, named
from siting.numbers import percent
from siting.show import write_report
from siting.show.cells import amount
from siting.study import Outcome, Study, run
from siting.study.headings import verdict_in_words
from siting.study.outputs import paths_in, results_folder, write_files
from siting.study.run import judge
from siting.study.tables import (
    coverage_table,
    facility_words,
    network_words,
    places_table,
    take_up_words,
    with_names,
)
from siting.terminal_audit import ROOMY, print_audit
from siting.terminal_text import wrapped

__all__ = ["audit_in_terminal", "results_table", "run_in_terminal"]

#: Width of the lines of a goal, on a terminal of 80 columns and on a wide one.
GOAL_WIDTH, WIDE_GOAL = 14, 60


def run_in_terminal(out: Console, study: Study, folder: Path) -> None:
    """Run a study, write its results to *folder*, and print them; SitingError at the end for a goal without a plan."""
    began, lang = time.perf_counter(), study.lang
    # Held from the beginning: a second run of the same folder says so at once, not after its work.
    with results_folder(folder, wait=0) as draft, _progress(out, lang) as on_step:
        outcome = run(study, on_step=on_step)
        _print_network(out, outcome)
        write_files(outcome, draft, on_step=on_step)
    _print_coverage(out, outcome)
    if outcome.audit is not None:
        print_audit(out, outcome.audit, lang)
    if outcome.proposals:
        _print_plans(out, outcome)
    out.print(f"[bold]{label('study.written', lang)}[/bold]")
    for name, path in paths_in(folder).items():
        out.print(f"  {label(f'study.{name}', lang)}  {path}", highlight=False, markup=False, soft_wrap=True)
    out.print(label("study.seconds", lang, seconds=f"{time.perf_counter() - began:.1f}"), highlight=False)
    if outcome.unmet:
        raise SitingError(label("study.infeasible", lang, goals=", ".join(outcome.unmet)))


def audit_in_terminal(out: Console, study: Study, *, status: str | None, out_file: Path | None) -> None:
    """Judge the layers of a study, print the verdicts (of one status if given), and write them to a file."""
    suffix = None if out_file is None else out_file.suffix.lower()
    if suffix not in (None, ".xlsx", ".csv", ".html", ".htm"):
        raise SitingError(f'"{out_file}": an audit is written as .xlsx, .csv or .html')
    if status is not None:
        members_of(status)  # refused before the layers are read
    judged = judge(study) if status is None else judge(study).select(status=status)
    print_audit(out, judged, study.lang)
    for line in apart_lines(judged.parameters["apart"], study.lang):
        out.print(line, highlight=False, markup=False)
    if out_file is None:
        return
    if suffix == ".xlsx":
        judged.to_excel(out_file, lang=study.lang)
    elif suffix == ".csv":
        write_table(verdict_in_words(judged, study.lang) if study.headings == "words" else judged.table, out_file)
    else:
        write_report(out_file, judged, title=study.heading, lang=study.lang)
    out.print(f"{label('study.written', study.lang)} {out_file}", highlight=False, markup=False, soft_wrap=True)


@contextmanager
def _progress(out: Console, lang: str) -> Iterator[Callable[[str, str], None]]:
    began = {}
    with out.status("", spinner="line") as status:

        def on_step(name: str, event: str) -> None:
            kind, _, goal = name.partition(" ")
            words = label(f"study.step_{kind}", lang, goal=goal) if goal else label(f"study.step_{kind}", lang)
            if event == "start":
                began[name] = time.perf_counter()
                status.update(escape(words))
            else:
                seconds = time.perf_counter() - began[name]
                out.print(f"[green]✓[/green] {escape(words)}  [dim]{seconds:.2f} s[/dim]", highlight=False)

        yield on_step


def _print_network(out: Console, outcome: Outcome) -> None:
    lang = outcome.study.lang
    for line in wrapped(network_words(outcome, lang), out.width):
        out.print(line, highlight=False, markup=False, soft_wrap=True)
    places = places_table(outcome, lang)
    table = Table(box=None, pad_edge=False)
    for name in (places.index.name, *places.columns):
        table.add_column(str(name), justify="left" if name == places.index.name else "right", overflow="fold")
    for role, count, snap, moved, off in places.itertuples():
        table.add_row(escape(str(role)), f"{count:,}", f"{snap:.1f}", f"{moved:,}", f"{off:,}")
    out.print(table)


def _print_coverage(out: Console, outcome: Outcome) -> None:
    lang = outcome.study.lang
    for service in outcome.bands:
        title = escape(label("study.coverage_of", lang, service=named("service", service, lang)))
        table = results_table(title, lang, ("limit", "metric"), ("covered", "total", "share", "communities_share"))
        for row in coverage_table(outcome, service, lang).reset_index().to_dict("records"):
            table.add_row(
                row["limit"], row["metric"], amount(row["covered"]), amount(row["total"]),
                percent(row["share"]), percent(row["communities_share"]),
            )  # fmt: skip
        out.print(table)
        if words := facility_words(outcome, service, lang):
            out.print(words, highlight=False, markup=False)


def _print_plans(out: Console, outcome: Outcome) -> None:
    lang, wide = outcome.study.lang, WIDE_GOAL if out.width >= ROOMY else GOAL_WIDTH
    table = results_table(label("study.plans", lang), lang, ("goal",), ("sites", "share", "bound", "gap"), ("status",))
    found = outcome.proposals.values()
    proposals = [(proposal.goal.title(lang), with_names(outcome, proposal.plan)) for proposal in found]
    for goal, plan in proposals:
        table.add_row(
            escape("\n".join(wrapped(goal, wide))), str(len(plan.sites)), percent(plan.share), amount(plan.bound),
            percent(plan.gap), label(f"status.{plan.status}", lang),
        )  # fmt: skip
    out.print(table)
    for line in take_up_words(outcome, lang):
        out.print(line, highlight=False, markup=False)
    for goal, plan in proposals:
        if plan.status != "optimal":
            out.print(goal, plan.explain(lang), sep="\n", highlight=False, markup=False)


def results_table(
    title: str, lang: str, texts: Sequence[str], numbers: Sequence[str], ends: Sequence[str] = ()
) -> Table:
    """Return a table with the headings of its columns: texts, numbers to the right, texts again."""
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for name in (*texts, *numbers, *ends):
        words = label({"goal": "study.goal", "status": "fact.status"}.get(name, f"column.{name}"), lang)
        justify: Literal["left", "right"] = "right" if name in numbers else "left"
        table.add_column(words, justify=justify, overflow="fold", min_width=GOAL_WIDTH if name == "goal" else None)
    return table
