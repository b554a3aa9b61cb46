"""The library from a shell: ``siting demo``, ``run``, ``audit``, ``check``, ``import``, ``standards``.

The exit status is 0 for success, 2 for bad input or a goal without a plan, 1 for an error of the library, and 130 or
143 after Ctrl-C or SIGTERM (see `siting.interrupt`).
"""

from __future__ import annotations

import io
import logging
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, cast

import typer
from typer.core import TyperGroup

import siting as st
from siting.errors import SitingError
from siting.labels import label
from siting.terminal_text import TextConsole, as_typed, printable

__all__ = ["main"]


class Commands(TyperGroup):
    """The commands, whose errors about arguments are printable, too: a shell puts names of files there."""

    def make_context(self, *args: Any, **options: Any) -> Any:
        """Read the arguments before the command."""
        with _printable_errors():
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        """Read the arguments of the command, and run it."""
        with _printable_errors():
            return super().invoke(ctx)


@contextmanager
def _printable_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if isinstance(message := getattr(error, "message", None), str):  # those of typer have one
            error.message = printable(message)  # type: ignore[attr-defined]
        raise


app = typer.Typer(cls=Commands, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False,
                  help="Siting of service facilities and analysis of their coverage.")  # fmt: skip
#: Output to a file or pipe has no width.
WIDTH = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 120
out, err = TextConsole(width=WIDTH), TextConsole(stderr=True)

Lang = Annotated[str | None, typer.Option(help="Language of map, report and output: zh or en.")]
Mapped = Annotated[
    Path | None, typer.Option(help="How the export of a registration system becomes the layer, in TOML.")
]
StudyFile = Annotated[Path, typer.Argument(help="A study in TOML.")]
DemoFolder = Annotated[Path, typer.Option("--out", help="Folder for map, report, layers and tables.")]
ResultFolder = Annotated[Path | None, typer.Option("--out", help="Folder for results; default next to the study.")]
VerdictFile = Annotated[Path | None, typer.Option("--out", help="Write the verdict to this .xlsx, .csv or .html.")]
OwnFile = Annotated[Path | None, typer.Argument(help="After new or check: the TOML file of a standard of your own.")]
Layer = Annotated[str | None, typer.Option(help="Layer, sheet, folder or table of a file with several.")]
PostGIS = Annotated[
    str | None,
    typer.Option("--postgis", help="Database whose table (or schema.table) FILE is: service=name, or a URL."),
]
Crs = Annotated[str | None, typer.Option(help="CRS of a file without one, such as EPSG:4549.")]
SkipRows = Annotated[int | None, typer.Option(help="Rows above the header of a table to leave out.")]
Header = Annotated[int | None, typer.Option(help="Number of rows of the header of a table.")]
StripUnits = Annotated[bool | None, typer.Option("--strip-units", help="Read numbers with words around them.")]
Encoding = Annotated[str | None, typer.Option(help="Encoding of a file of text, such as gb18030.")]
Datum = Annotated[str | None, typer.Option(help="Datum of a map service: GCJ-02 (AMap, Tencent) or BD-09 (Baidu).")]
Outside = Annotated[
    bool, typer.Option("--outside", help="Allow files outside the folder of the study, as on a shared drive.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print the log.")]


class _Typed(logging.Formatter):
    """Messages with keywords as options of the command, or as keys of the study that it reads."""

    def format(self, record: logging.LogRecord) -> str:
        return _typed(super().format(record))


def _typed(text: str) -> str:
    return as_typed(text, options=not {"run", "audit", "demo"} & set(sys.argv[1:3]))


@app.callback()
def _root(verbose: Verbose = False) -> None:
    from rich.logging import RichHandler

    logged: set[str] = set()

    def once(record: logging.LogRecord) -> bool:
        """Pass each message once: several steps of a run may log the same."""
        new = record.getMessage() not in logged
        logged.add(record.getMessage())
        return new

    handler = RichHandler(console=err, show_time=False, show_path=False)
    handler.addFilter(once)
    handler.setFormatter(_Typed("%(message)s"))
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, handlers=[handler])
    logging.captureWarnings(True)


@app.command()
def demo(out_dir: DemoFolder = Path("siting-demo"), lang: Lang = None) -> None:
    """Run the main job on the sample district."""
    _run(st.data.sample_path("study.toml"), out_dir, lang)


@app.command()
def run(study: StudyFile, out_dir: ResultFolder = None, outside: Outside = False, lang: Lang = None) -> None:
    """Run a study from layers to coverage, verdict, proposals, map and report."""
    _run(study, out_dir or study.parent / f"{study.stem}-results", lang, outside=outside)


@app.command()
def check(
    file: Annotated[
        Path,
        typer.Argument(
            help="A layer: .gpkg, .gdb, .shp, .zip, .geojson, .parquet, .fgb, .kml, .kmz, .gpx, .dxf, .tab, .mif, "
            ".duckdb, .csv, .xlsx or .xls."
        ),
    ],
    role: Annotated[str, typer.Option(help="What the layer holds, such as communities.")],
    layer: Layer = None,
    crs: Crs = None,
    datum: Datum = None,
    streets: Annotated[
        Path | None, typer.Option(help="Streets that the layer must fit, to find a wrong datum.")
    ] = None,
    streets_layer: Annotated[str | None, typer.Option(help="Layer of the streets in a file with several.")] = None,
    strict: Annotated[bool, typer.Option(help="Refuse rows that may be too far away, and inexact datums.")] = False,
    mapping: Mapped = None,
    encoding: Encoding = None,
    skip_rows: SkipRows = None,
    header: Header = None,
    strip_units: StripUnits = None,
    postgis: PostGIS = None,
    lang: Lang = None,
) -> None:
    """Check whether a file can be used in a role: list its errors, and how its headings are read."""
    from siting.terminal_layer import compare_with_streets, read_and_report

    words = _lang(lang) or "zh"
    frame = read_and_report(
        out, file, role, words, layer=layer, crs=crs, datum=datum, strict=strict, mapping=mapping, encoding=encoding,
        skip_rows=skip_rows, header=header, strip_units=strip_units, postgis=postgis,
    )  # fmt: skip
    if streets is not None:
        compare_with_streets(out, frame, streets, role, words, layer=streets_layer)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="The export: CSV, Excel or a layer.")],
    out_file: Annotated[Path, typer.Argument(help="The layer to write: .gpkg, .gdb, .parquet, .fgb, .csv, …")],
    role: Annotated[str, typer.Option(help="What the layer holds, such as eldercare.")],
    mapping: Mapped = None,
    layer: Layer = None,
    crs: Crs = None,
    datum: Datum = None,
    encoding: Encoding = None,
    skip_rows: SkipRows = None,
    header: Header = None,
    strip_units: StripUnits = None,
    postgis: PostGIS = None,
    id_prefix: Annotated[str, typer.Option(help="Set before each id, so that layers differ.")] = "",
    lang: Lang = None,
) -> None:
    """Bring the export of a registration system to the form of a role, and write it as a layer."""
    from siting.terminal_layer import read_and_report

    words = _lang(lang) or "zh"
    frame = read_and_report(
        out, file, role, words, layer=layer, crs=crs, datum=datum, mapping=mapping, encoding=encoding,
        skip_rows=skip_rows, header=header, strip_units=strip_units, postgis=postgis, id_prefix=id_prefix,
    )  # fmt: skip
    st.write_layer(frame, out_file, layer=role if out_file.suffix.lower() in (".gpkg", ".gdb") else None)
    _print(f"{label('study.written', words)} {out_file}")


@app.command()
def standards(
    name: Annotated[
        str | None, typer.Argument(help="A standard's name or TOML file; none lists all; or: new, check, schema.")
    ] = None,
    file: OwnFile = None,
    year: Annotated[int | None, typer.Option(help="Standing rules and those for this year.")] = None,
    kind: Annotated[str | None, typer.Option(help="Rules of this kind.")] = None,
    service: Annotated[str | None, typer.Option(help="Rules of this service.")] = None,
    role: Annotated[str | None, typer.Option(help="Rules of this role, such as target or baseline.")] = None,
    lang: Lang = None,
) -> None:
    """List the standards, or the rules of one with their clauses.

    `siting standards new FILE` writes a commented template, `siting standards check FILE` lists the errors of a file,
    and `siting standards schema` prints the JSON Schema for editors.
    """
    words = _lang(lang) or "zh"
    if name is None:
        for each in st.list_standards():
            _print(repr(st.load_standard(each))[1:-1], cut=True)
    elif name == "schema":
        from siting.judge.standards.json_schema import standard_schema

        sys.stdout.write(standard_schema())
    elif name == "new":
        from siting.judge.standards.template import write_template

        if file is None:
            raise SitingError("siting standards new FILE: name the TOML file to write, such as my_city.toml")
        made = write_template(file)
        _print(label("cli.standard_new", words, file=made))
        _print(f"siting standards check {made}")
    elif name == "check":
        if file is None:
            raise SitingError("siting standards check FILE: name the TOML file of your standard")
        read = st.load_standard(file if file.suffix == ".toml" else f"{file}")
        judged = sum(rule.role in ("standard", "target") for rule in read)
        _print(label("cli.standard_good", words, file=file.name, rules=len(read), judged=judged), cut=True)
    else:
        from siting.terminal_audit import print_rules

        chosen = st.load_standard(name).select(year=year, kind=kind, service=service, role=role)
        if not len(chosen):
            raise SitingError("no rule is left; see `siting standards NAME` without options for its kinds and services")
        print_rules(out, chosen, words)


def _print(line: str, *, cut: bool = False) -> None:
    """Print a line, cut to the width of the terminal if asked; without colours and markup."""
    out.print(line, highlight=False, markup=False, soft_wrap=not cut)


@app.command()
def audit(
    study: StudyFile,
    out_file: VerdictFile = None,
    standard: Annotated[str | None, typer.Option(help="Judge by this standard instead: a name or TOML file.")] = None,
    year: Annotated[int | None, typer.Option(help="Judge for this year instead.")] = None,
    by: Annotated[str | None, typer.Option(help="Judge each district or county too.")] = None,
    status: Annotated[str | None, typer.Option(help="Show only met, part, short, ahead, shown or n/a.")] = None,
    outside: Outside = False,
    lang: Lang = None,
) -> None:
    """Judge the layers of a study by its standard, without maps and proposals."""
    from siting.terminal_study import audit_in_terminal

    chosen = _lang(lang)
    if by not in (None, "district", "county"):
        raise SitingError(f'--by is "{by}"; choose district or county')
    read = st.Study.from_toml(study, outside=outside)
    if standard not in (None, read.standard):  # the study's own rules belong to its standard
        read = replace(read, rules=(), shares={}, changes={})
    read = replace(read, standard=standard or read.standard, year=read.year if year is None else year)
    read = replace(read, by=cast('Literal["district", "county"] | None', by) or read.by)
    audit_in_terminal(out, replace(read, lang=chosen or read.lang), status=status, out_file=out_file)


@app.command()
def deliver(
    results: Annotated[Path | None, typer.Argument(help="A folder that a run wrote, or a package to check.")] = None,
    out_dir: Annotated[Path | None, typer.Option("--out", help="Folder of the package; default near RESULTS.")] = None,
    rules: Annotated[Path | None, typer.Option(help="Rules of your own, in TOML.")] = None,
    check_only: Annotated[bool, typer.Option("--check", help="Only check the package in the folder.")] = False,
    new_rules: Annotated[Path | None, typer.Option(help="Write the rules to this file, to change, and stop.")] = None,
    lang: Lang = None,
) -> None:
    """Write results as a package to hand in: .gdb, Word and PDF, atlas, workbook; or check one."""
    from siting.terminal_deliver import deliver_in_terminal

    deliver_in_terminal(
        out, results, folder=out_dir, rules=rules, check_only=check_only, new_rules=new_rules, lang=_lang(lang) or "zh"
    )


def _lang(lang: str | None) -> Literal["zh", "en"] | None:
    if lang not in (None, "zh", "en"):
        raise SitingError(f'--lang is "{lang}"; choose zh or en')
    return cast('Literal["zh", "en"] | None', lang)


def _run(recipe: Path, folder: Path, lang: str | None, *, outside: bool = False) -> None:
    from siting.terminal_study import run_in_terminal

    study = st.Study.from_toml(recipe, outside=outside)
    run_in_terminal(out, replace(study, lang=_lang(lang) or study.lang), folder)


def main(signals: Sequence[int] = ()) -> None:
    """Run the command line; bad input gives one message and exit status 2.

    An error after one of *signals* has come is raised again: the signal is its cause.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a character that the terminal's encoding lacks is no error
    try:
        app()
    except Exception as error:
        if signals:
            raise
        _report(error)


def _report(error: Exception) -> NoReturn:
    if isinstance(error, SitingError):
        err.print(f"[red]✗[/red] {label('cli.error', 'en')}", end=" ")
        err.print(_typed(str(error)), markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)
    err.print("".join(traceback.format_exception(error)), markup=False, highlight=False, soft_wrap=True)
    sys.exit(1)
