"""A study run or judged in a terminal: steps and results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from siting.data import write_table
from siting.errors import SitingError
from siting.judge import Audit
from siting.judge.layers.uncounted_types import apart_lines
from siting.judge.statuses import members_of
from siting.labels import Language, known, label, named
from siting.messages import Message
from siting.numbers import percent
from siting.show import write_report
from siting.show.cells import amount, role_name
from siting.study import Outcome, Study, run
from siting.study.durations import seconds_of, study_sizes
from siting.study.headings import verdict_in_words
from siting.study.outputs import paths_in, results_folder, write_files
from siting.study.run import judge
from siting.study.tables import (
    coverage_table,
    facility_words,
    network_words,
    notices,
    places_table,
    take_up_words,
    with_names,
)
from siting.terminal_analyses import print_analyses
from siting.terminal_audit import print_audit
from siting.terminal_text import print_rows, wrapped

__all__ = [
    "audit_in_terminal",
    "plan_in_terminal",
    "print_notices",
    "print_plans",
    "print_study",
    "run_in_terminal",
    "steps_shown",
]


#: A step that takes less, in seconds, is not told: there was nothing to do.
LEAST = 0.005


def run_in_terminal(out: Console, study: Study, folder: Path) -> Outcome:
    """Run a study, write its results to *folder*, and print them; SitingError at the end for a goal without a plan."""
    began, lang = time.perf_counter(), study.lang
    # Held from the beginning: a second run of the same folder says so at once, not after its work.
    with results_folder(folder, wait=0) as draft, steps_shown(out, study) as on_step:
        outcome = run(study, on_step=on_step)
        _print_network(out, outcome)
        write_files(outcome, draft, on_step=on_step)
    _print_coverage(out, outcome)
    if outcome.audit is not None:
        print_audit(out, outcome.audit, lang)
    if outcome.proposals:
        print_plans(out, outcome)
    print_analyses(out, outcome)
    print_notices(out, outcome)
    out.print(f"[bold]{label('study.written', lang)}[/bold]")
    for name, path in paths_in(folder).items():
        out.print(f"  {label(f'study.{name}', lang)}  {path}", highlight=False, markup=False, soft_wrap=True)
    out.print(label("study.seconds", lang, seconds=f"{time.perf_counter() - began:.1f}"), highlight=False)
    return outcome


def print_study(out: Console, study: Study, lang: Language) -> None:
    """Print what a study asks for: layers, standard, distances and goals."""
    between = label("list.semicolon", lang)
    facts = {
        "card.layers": label("list.comma", lang).join(role_name(role, lang) for role in study.layers),
        "fact.standard": label("list.comma", lang).join(study.standards) + (f" {study.year}" if study.year else ""),
        "card.circles": between.join(circle.title(lang) for circle in study.circles),
        "card.goals": "\n".join(f"{goal.name}{label('list.colon', lang)}{goal.title(lang)}" for goal in study.goals),
    }
    out.print(Text(study.title.get(lang, study.name), style="bold"))
    for key, words in facts.items():
        for number, part in enumerate(filter(None, words.splitlines())):
            line = f"{label(key, lang)}{label('list.colon', lang)}{part}" if not number else f"  {part}"
            _print_text(out, line, indent=2)
    out.print(label("cli.study_good", lang))


def plan_in_terminal(out: Console, study: Study) -> Outcome:
    """Propose sites for the goals of a study, and print each plan with the reasons for its sites."""
    with steps_shown(out, study) as on_step:
        outcome = run(study, on_step=on_step)
    print_plans(out, outcome, reasons=True)
    print_notices(out, outcome)
    return outcome


def print_notices(out: Console, outcome: Outcome) -> None:
    """Print the notices of the layers, such as that they are synthetic, each once."""
    lang = outcome.study.lang
    for notice in notices(outcome):
        _print_text(out, notice[lang])


def audit_in_terminal(out: Console, study: Study, *, status: str | None, out_file: Path | None) -> Audit:
    """Judge the layers of a study, print the verdicts (of one status if given), and write them to a file."""
    suffix = None if out_file is None else out_file.suffix.lower()
    if suffix not in (None, ".xlsx", ".csv", ".html", ".htm"):
        raise SitingError(Message("shell.audit_file", file=out_file))
    if status is not None:
        members_of(status)  # refused before the layers are read
    with steps_shown(out, study) as on_step:
        on_step("audit", "start")
        judged = judge(study) if status is None else judge(study).select(status=status)
    print_audit(out, judged, study.lang)
    for line in apart_lines(judged.parameters["apart"], study.lang):
        _print_text(out, line)
    if out_file is None:
        return judged
    if suffix == ".xlsx":
        judged.to_excel(out_file, lang=study.lang)
    elif suffix == ".csv":
        write_table(verdict_in_words(judged, study.lang) if study.headings == "words" else judged.table, out_file)
    else:
        write_report(out_file, judged, title=study.heading, lang=study.lang)
    out.print(f"{label('study.written', study.lang)} {out_file}", highlight=False, markup=False, soft_wrap=True)
    return judged


@contextmanager
def steps_shown(out: Console, study: Study) -> Iterator[Callable[[str, str], None]]:
    """Return what tells the steps of a run: on a terminal the present one with its time, and each that is done."""
    began: dict[str, float] = {}
    lang, sizes = study.lang, study_sizes(study)
    columns = SpinnerColumn("line"), TextColumn("{task.description}"), TimeElapsedColumn()
    still = not out.is_terminal or out.is_dumb_terminal or out.quiet
    with Progress(*columns, console=out, transient=True, disable=still) as shown:
        task = shown.add_task("", total=None)

        def on_step(name: str, event: str) -> None:
            kind, _, goal = name.partition(" ")
            words = _step_words(kind, goal, lang)
            if event == "start":
                began[name] = time.perf_counter()
                guess = seconds_of(kind, sizes)
                about = label("study.about", lang, seconds=guess) if guess else ""
                shown.reset(task, description=escape(words + about))
            else:
                seconds = time.perf_counter() - began[name]
                if seconds >= LEAST:
                    out.print(f"[green]✓[/green] {escape(words)}  [dim]{seconds:.2f} s[/dim]", highlight=False)

        yield on_step


def _step_words(kind: str, name: str, lang: str) -> str:
    """Name a step: one of every run, a goal, or a function that the study asks for."""
    if known(f"study.step_{kind}"):
        return label(f"study.step_{kind}", lang, goal=name) if name else label(f"study.step_{kind}", lang)
    return label("analysis.heading", lang, what=label(f"analysis.{kind}", lang), name=name)


def _print_network(out: Console, outcome: Outcome) -> None:
    lang = outcome.study.lang
    for line in wrapped(network_words(outcome, lang), out.width):
        out.print(line, highlight=False, markup=False, soft_wrap=True)
    places = places_table(outcome, lang)
    rows = [
        (str(role), f"{count:,}", f"{snap:.1f}", f"{moved:,}", f"{off:,}")
        for role, count, snap, moved, off in places.itertuples()
    ]
    _print_table(out, lang, (str(places.index.name), *places.columns), rows, (False, True, True, True, True))


def _print_table(
    out: Console, lang: str, heads: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool], *,
    below: Sequence[str] = (),
) -> None:  # fmt: skip
    print_rows(out, heads, rows, right, below=below, colon=label("list.colon", lang))
    out.print()


def _print_coverage(out: Console, outcome: Outcome) -> None:
    lang = outcome.study.lang
    names = ("limit", "metric", "covered", "total", "share", "communities_share")
    heads = [label(f"column.{name}", lang) for name in names]
    for service in outcome.bands:
        out.print(Text(label("study.coverage_of", lang, service=named("service", service, lang)), style="bold"))
        rows = [
            (
                row["limit"], row["metric"], amount(row["covered"]), amount(row["total"]), percent(row["share"]),
                percent(row["communities_share"]),
            )
            for row in coverage_table(outcome, service, lang).reset_index().to_dict("records")
        ]  # fmt: skip
        _print_table(out, lang, heads, rows, (False, False, True, True, True, True))
        if words := facility_words(outcome, service, lang):
            _print_text(out, words)
            out.print()


def print_plans(out: Console, outcome: Outcome, *, reasons: bool = False) -> None:
    """Print the plan of each goal in a row; and the reasons for its sites, if asked or where it is not optimal."""
    lang = outcome.study.lang
    proposals = [(each.goal, with_names(outcome, each.plan)) for each in outcome.proposals.values()]
    out.print(Text(label("study.plans", lang), style="bold"))
    names = ("study.goal", "column.sites", "column.share", "column.bound", "column.gap", "fact.status")
    rows = [
        (
            goal.name, str(len(plan.sites)), percent(plan.share), amount(plan.bound), percent(plan.gap),
            label(f"status.{plan.status}", lang),
        )
        for goal, plan in proposals
    ]  # fmt: skip
    titles = [goal.title(lang) for goal, _ in proposals]
    heads = [label(name, lang) for name in names]
    _print_table(out, lang, heads, rows, (False, True, True, True, True, False), below=titles)
    for line in take_up_words(outcome, lang):
        _print_text(out, line)
    for goal, plan in proposals:
        if reasons or plan.status != "optimal":
            _print_text(out, f"{goal.name}{label('list.colon', lang)}{goal.title(lang)}", indent=2, style="bold")
            for part in plan.explain(lang).splitlines():
                _print_text(out, part, indent=2)
            out.print()


def _print_text(out: Console, text: str, *, indent: int = 0, style: str = "") -> None:
    for line in wrapped(text, out.width, indent=indent):
        out.print(line, style=style, highlight=False, markup=False, soft_wrap=True)
