"""The library from a shell: ``siting demo``, ``run``, ``audit``, ``check``, ``import``, ``standards``.

The status is 0 when all is done, 2 when the input is faulty or a goal has no plan, and 1 when the library fails.
"""

from __future__ import annotations

import logging
import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from siting.errors import SitingError
from siting.labels import label, named
from siting.terminal_text import wrapped

if TYPE_CHECKING:
    from siting.judge import Audit, Standard
    from siting.study.run import Outcome

__all__ = ["main"]

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False,
                  help="Siting of service facilities and analysis of their coverage.")  # fmt: skip
#: A goal is told in lines of so many columns, on a terminal of 80 and on a wide one.
GOAL_WIDTH, WIDE_GOAL, ROOMY = 14, 60, 110
#: What is piped to a file or another program has no width of its own.
WIDTH = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 120
out, err = Console(width=WIDTH), Console(stderr=True)

Lang = Annotated[str | None, typer.Option(help="Language of map, report and output: zh or en.")]
Mapped = Annotated[
    Path | None, typer.Option(help="How the export of a registration system becomes the layer, in TOML.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Tell what is read and chosen on the way.")]


@app.callback()
def _root(verbose: Verbose = False) -> None:
    from rich.logging import RichHandler

    told: set[str] = set()

    def once(record: logging.LogRecord) -> bool:
        """Pass each message once: several steps of a run may come upon the same thing."""
        new = record.getMessage() not in told
        told.add(record.getMessage())
        return new

    handler = RichHandler(console=err, show_time=False, show_path=False)
    handler.addFilter(once)
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(message)s", handlers=[handler])


@app.command()
def demo(
    out_dir: Annotated[Path, typer.Option("--out", help="Folder for map, report, layers and tables.")] = Path(
        "siting-demo"
    ),
    lang: Lang = None,
) -> None:
    """Run the main job on the sample district."""
    from siting.data import sample_path

    _run(sample_path("study.toml"), out_dir, lang)


@app.command()
def run(
    study: Annotated[Path, typer.Argument(help="A study in TOML.")],
    out_dir: Annotated[Path | None, typer.Option("--out", help="Folder for results; else beside the study.")] = None,
    lang: Lang = None,
) -> None:
    """Run a study from layers to coverage, verdict, proposals, map and report."""
    _run(study, out_dir or study.parent / f"{study.stem}-results", lang)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A layer: GeoPackage, GeoJSON, Shapefile, GeoParquet, CSV or Excel.")],
    role: Annotated[str, typer.Option(help="What the layer holds, such as communities.")],
    layer: Annotated[str | None, typer.Option(help="Layer or sheet of a file with several.")] = None,
    crs: Annotated[str | None, typer.Option(help="CRS of a file that does not tell, such as EPSG:4549.")] = None,
    strict: Annotated[bool, typer.Option(help="Refuse rows that may lie too far off, and datums not exact.")] = False,
    mapping: Mapped = None,
    lang: Lang = None,
) -> None:
    """Check whether a file can be used in a role: list its faults, and what becomes of its headings."""
    from siting.layer_report import read_and_report

    read_and_report(out, file, role, _lang(lang) or "zh", layer=layer, crs=crs, strict=strict, mapping=mapping)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="The export: CSV, Excel or a layer.")],
    out_file: Annotated[Path, typer.Argument(help="The layer to write: .gpkg, .parquet, .csv, …")],
    role: Annotated[str, typer.Option(help="What the layer holds, such as eldercare.")],
    mapping: Mapped = None,
    layer: Annotated[str | None, typer.Option(help="Layer or sheet of a file with several.")] = None,
    crs: Annotated[str | None, typer.Option(help="CRS of a file that does not tell, such as EPSG:4549.")] = None,
    lang: Lang = None,
) -> None:
    """Bring the export of a registration system to the form of a role, and write it as a layer."""
    from siting.data import write_layer
    from siting.layer_report import read_and_report

    words = _lang(lang) or "zh"
    frame = read_and_report(out, file, role, words, layer=layer, crs=crs, mapping=mapping)
    write_layer(frame, out_file, layer=role if out_file.suffix.lower() == ".gpkg" else None)
    out.print(f"{label('study.written', words)} {out_file}", highlight=False, markup=False, soft_wrap=True)


@app.command()
def standards(
    name: Annotated[
        str | None, typer.Argument(help="A standard's name or TOML file; none lists all; or: new, check, schema.")
    ] = None,
    file: Annotated[
        Path | None, typer.Argument(help="After new or check: the TOML file of a standard of your own.")
    ] = None,
    year: Annotated[int | None, typer.Option(help="Standing rules and those for this year.")] = None,
    kind: Annotated[str | None, typer.Option(help="Rules of this kind.")] = None,
    service: Annotated[str | None, typer.Option(help="Rules of this service.")] = None,
    role: Annotated[str | None, typer.Option(help="Rules of this role, such as target or baseline.")] = None,
    lang: Lang = None,
) -> None:
    """List the standards, or the rules of one with their clauses.

    `siting standards new FILE` writes a commented one to start from, `siting standards check FILE` tells what is wrong
    in it, and `siting standards schema` prints the JSON Schema for editors.
    """
    from siting.judge import list_standards, load_standard

    words = _lang(lang) or "zh"
    if name is None:
        for each in list_standards():
            out.print(repr(load_standard(each))[1:-1], highlight=False, markup=False)
        return
    if name == "schema":
        from siting.judge.standards.json_schema import standard_schema

        sys.stdout.write(standard_schema())
        return
    if name == "new":
        from siting.judge.standards.template import write_template

        if file is None:
            raise SitingError("siting standards new FILE: name the TOML file to write, such as my_city.toml")
        made = write_template(file)
        out.print(label("cli.standard_new", words, file=made), highlight=False, markup=False, soft_wrap=True)
        out.print(f"siting standards check {made}", highlight=False, markup=False, soft_wrap=True)
        return
    if name == "check":
        if file is None:
            raise SitingError("siting standards check FILE: name the TOML file of your standard")
        found = load_standard(file if file.suffix == ".toml" else f"{file}")
        computed = sum(rule.role in ("standard", "target") for rule in found)
        out.print(
            label("cli.standard_good", words, file=file.name, rules=len(found), judged=computed),
            highlight=False,
            markup=False,
        )
        return
    _tell_rules(load_standard(name).select(year=year, kind=kind, service=service, role=role), words)


def _tell_rules(chosen: Standard, lang: str) -> None:
    """Show the rules of a standard; what is printed in words where there is no number."""
    from siting.terminal import tell_rules

    if not len(chosen):
        raise SitingError("no rule is left; see `siting standards NAME` without options for its kinds and services")
    tell_rules(out, chosen, lang)


@app.command()
def audit(
    study: Annotated[Path, typer.Argument(help="A study in TOML.")],
    out_file: Annotated[
        Path | None, typer.Option("--out", help="Write the verdict to this .xlsx, .csv or .html.")
    ] = None,
    standard: Annotated[str | None, typer.Option(help="Judge by this standard instead: a name or TOML file.")] = None,
    year: Annotated[int | None, typer.Option(help="Judge for this year instead.")] = None,
    by: Annotated[str | None, typer.Option(help="Judge each district or county too.")] = None,
    status: Annotated[str | None, typer.Option(help="Show only met, part, short, ahead, shown or n/a.")] = None,
    lang: Lang = None,
) -> None:
    """Judge the layers of a study by its standard, without maps and proposals."""
    from siting.judge.layers.uncounted_types import apart_lines
    from siting.judge.statuses import members_of
    from siting.study.run import Study, judge

    words_of = _lang(lang)
    suffix = None if out_file is None else out_file.suffix.lower()
    if suffix not in (None, ".xlsx", ".csv", ".html", ".htm"):
        raise SitingError(f'"{out_file}": an audit is written as .xlsx, .csv or .html')
    if status is not None:
        members_of(status)
    if by not in (None, "district", "county"):
        raise SitingError(f'--by is "{by}"; choose district or county')
    read = Study.from_toml(study)
    if standard is not None:
        mine = read.standard == standard
        read = replace(read, standard=standard, rules=read.rules if mine else (), shares=read.shares if mine else {},
                       changes=read.changes if mine else {})  # fmt: skip
    read = replace(read, year=read.year if year is None else year, by=by or read.by)
    words = words_of or read.lang
    judged = judge(read)
    if status is not None:
        judged = judged.select(status=status)
    _tell_audit(judged, words)
    for line in apart_lines(judged.parameters["apart"], words):
        out.print(line, highlight=False, markup=False)
    if out_file is not None:
        _write_audit(judged, out_file, read.title[words], words)
        out.print(f"{label('study.written', words)} {out_file}", highlight=False, markup=False, soft_wrap=True)


def _write_audit(judged: Audit, path: Path, title: str, lang: Literal["zh", "en"]) -> None:
    from siting.data import atomic_path
    from siting.show import write_report

    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        judged.to_excel(path, lang=lang)
    elif suffix == ".csv":
        with atomic_path(path) as draft:
            judged.table.to_csv(draft, index=False, encoding="utf-8-sig")
    else:
        write_report(path, judged, title=title, lang=lang)


def _lang(lang: str | None) -> Literal["zh", "en"] | None:
    if lang not in (None, "zh", "en"):
        raise SitingError(f'--lang is "{lang}"; choose zh or en')
    return cast('Literal["zh", "en"] | None', lang)


def _run(recipe: Path, folder: Path, lang: str | None) -> None:
    from siting.study.outputs import write_outputs
    from siting.study.run import Study
    from siting.study.run import run as run_study

    began = time.perf_counter()
    study = Study.from_toml(recipe)
    study = replace(study, lang=_lang(lang) or study.lang)
    with _progress(study.lang) as tell:
        outcome = run_study(study, on_step=tell)
        _tell_network(outcome)
        paths = write_outputs(outcome, folder, on_step=tell)
    _tell_results(outcome)
    out.print(f"[bold]{label('study.written', study.lang)}[/bold]")
    for name, path in paths.items():
        out.print(f"  {label(f'study.{name}', study.lang)}  {path}", highlight=False, markup=False, soft_wrap=True)
    out.print(label("study.seconds", study.lang, seconds=f"{time.perf_counter() - began:.1f}"), highlight=False)
    if outcome.unmet:
        raise SitingError(label("study.infeasible", study.lang, goals=", ".join(outcome.unmet)))


@contextmanager
def _progress(lang: str) -> Iterator[Any]:
    """Show the step at work, and each finished step with its seconds."""
    began = {}
    with out.status("", spinner="line") as status:

        def tell(name: str, event: str) -> None:
            kind, _, goal = name.partition(" ")
            words = label(f"study.step_{kind}", lang, goal=goal) if goal else label(f"study.step_{kind}", lang)
            if event == "start":
                began[name] = time.perf_counter()
                status.update(escape(words))
            else:
                seconds = time.perf_counter() - began[name]
                out.print(f"[green]✓[/green] {escape(words)}  [dim]{seconds:.2f} s[/dim]", highlight=False)

        yield tell


def _tell_network(outcome: Outcome) -> None:
    from siting.study.outputs import network_words, places_table

    lang = outcome.study.lang
    for line in wrapped(network_words(outcome, lang), out.width):
        out.print(line, highlight=False, markup=False, soft_wrap=True)
    found = places_table(outcome, lang)
    table = Table(box=None, pad_edge=False)
    for name in (found.index.name, *found.columns):
        table.add_column(str(name), justify="left" if name == found.index.name else "right", overflow="fold")
    for role, count, snap, moved, off in found.itertuples():
        table.add_row(escape(str(role)), f"{count:,}", f"{snap:.1f}", f"{moved:,}", f"{off:,}")
    out.print(table)


def _tell_results(outcome: Outcome) -> None:
    from siting.study.outputs import coverage_table, facility_words, goal_title

    lang = outcome.study.lang
    for service in outcome.bands:
        found = coverage_table(outcome, service, lang).reset_index()
        title = escape(label("study.coverage_of", lang, service=named("service", service, lang)))
        table = _table(title, lang, ("limit", "metric"), ("covered", "total", "share", "communities_share"))
        for row in found.to_dict("records"):
            table.add_row(
                row["limit"], row["metric"], _number(row["covered"]), _number(row["total"]),
                _percent(row["share"]), _percent(row["communities_share"]),
            )  # fmt: skip
        out.print(table)
        if words := facility_words(outcome, service, lang):
            out.print(words, highlight=False, markup=False)
    if outcome.audit is not None:
        _tell_audit(outcome.audit, lang)
    if not outcome.proposals:
        return
    table = _table(label("study.plans", lang), lang, ("goal",), ("sites", "share", "bound", "gap"), ("status",))
    wide = WIDE_GOAL if out.width >= ROOMY else GOAL_WIDTH
    for proposal in outcome.proposals.values():
        plan, goal = proposal.plan, "\n".join(wrapped(goal_title(proposal, lang), wide))
        table.add_row(
            escape(goal), str(len(plan.sites)), _percent(plan.share), _number(plan.bound),
            _percent(plan.gap), label(f"status.{plan.status}", lang),
        )  # fmt: skip
    out.print(table)
    for proposal in outcome.proposals.values():
        if proposal.plan.status != "optimal":
            out.print(goal_title(proposal, lang), proposal.plan.explain(lang), sep="\n", highlight=False, markup=False)


def _tell_audit(judged: Audit, lang: str) -> None:
    """Show the verdict on each rule, what no rule counts, and the districts where they were judged."""
    from siting.judge.layers.uncounted_types import lines_of
    from siting.terminal import tell_areas, tell_audit

    tell_audit(out, judged, lang)
    if left := lines_of(judged.uncounted, lang):
        out.print(f"[bold]{label('report.uncounted', lang)}[/bold]")
        for line in left:
            out.print(line, highlight=False, markup=False)
    if (judged.table["area"] != "all").any():
        tell_areas(out, judged, lang)


def _table(title: str, lang: str, texts: Sequence[str], numbers: Sequence[str], ends: Sequence[str] = ()) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for name in (*texts, *numbers, *ends):
        words = label({"goal": "study.goal", "status": "fact.status"}.get(name, f"column.{name}"), lang)
        justify: Literal["left", "right"] = "right" if name in numbers else "left"
        table.add_column(words, justify=justify, overflow="fold", min_width=GOAL_WIDTH if name == "goal" else None)
    return table


def _percent(share: float) -> str:
    return "—" if math.isnan(share) else f"{100 * share:.1f} %"


def _number(value: float, unit: str = "") -> str:
    if math.isnan(value):
        return "—"
    return (f"{value:,.1f}" if unit else f"{value:,.2f}".rstrip("0").rstrip(".")) + unit


def main() -> None:
    """Run the command line; faults of the input are one message and exit status 2."""
    try:
        app()
    except SitingError as error:
        err.print(f"[red]✗[/red] {label('cli.error', 'en')}", end=" ")
        err.print(str(error), markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        err.print("interrupted; nothing is half written")
        sys.exit(130)
