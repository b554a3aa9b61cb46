"""The commands that run a study, or a part of it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

import siting as st
from siting.cli.command import command
from siting.cli.options import Out, Outside, Standard, StudyFile
from siting.cli.shell import SHELL
from siting.errors import SitingError
from siting.messages import Message
from siting.study.results_file import record
from siting.terminal_text import wrapped

__all__ = ["audit", "demo", "map_", "new", "plan", "report", "run"]

GoalName = Annotated[str | None, typer.Option("--goal")]
Where = Annotated[Path, typer.Argument()]
#: The areas that can be judged one by one.
AREAS: dict[str, Literal["district", "county"]] = {"district": "district", "county": "county"}


@command("new")
def new(folder: Annotated[Path, typer.Argument()], name: Annotated[str, typer.Option("--name")] = "study.toml") -> None:
    """Write a first study for the layers in a folder."""
    from siting.study.draft import new_study

    draft = new_study(folder, lang=SHELL.words, name=name)
    SHELL.answer(lambda: {"study": draft.path, "layers": draft.layers})
    for part in draft.explain(SHELL.words).splitlines():
        for line in wrapped(part, SHELL.out.width, indent=4):
            SHELL.print(line)
    SHELL.print(f"{SHELL.label('study.written')}  {draft.path}")
    SHELL.print(f"  siting check {draft.path}")
    SHELL.print(f"  siting run {draft.path}")


@command("demo")
def demo(out_dir: Annotated[Path, typer.Option("--out")] = Path("siting-demo")) -> None:
    """Run the main job on the sample district."""
    _run(st.data.sample_path("study.toml"), out_dir, outside=False)


@command("run")
def run(study: StudyFile, out_dir: Out = None, outside: Outside = False) -> None:
    """Run a study from layers to coverage, verdict, proposals, map and report."""
    _run(study, out_dir or study.parent / f"{study.stem}-results", outside=outside)


def _run(recipe: Path, folder: Path, *, outside: bool) -> None:
    from siting.study.outputs import paths_in
    from siting.terminal_study import run_in_terminal

    outcome = run_in_terminal(SHELL.out, _read(recipe, outside=outside), folder)
    SHELL.answer(lambda: record(outcome) | {"files": paths_in(folder)})
    _refuse_unmet(outcome)


def _read(recipe: Path, *, outside: bool) -> st.Study:
    """Read a study in the language of the shell; whatever is wrong with it or its layers is told before it runs."""
    from siting.study import check_study

    return replace(check_study(recipe, outside=outside), lang=SHELL.words)


def _refuse_unmet(outcome: Any) -> None:
    if outcome.unmet:
        raise SitingError(Message("shell.unmet", goals=outcome.unmet))


@command("audit")
def audit(
    study: StudyFile,
    out_file: Out = None,
    standard: Standard = None,
    year: Annotated[int | None, typer.Option()] = None,
    by: Annotated[str | None, typer.Option(autocompletion=lambda: list(AREAS))] = None,
    status: Annotated[str | None, typer.Option()] = None,
    outside: Outside = False,
) -> None:
    """Judge the layers of a study by its standard, without maps and proposals."""
    from siting.terminal_study import audit_in_terminal

    area = AREAS.get(by or "")
    if by is not None and area is None:
        raise SitingError(Message("shell.choose", name="--by", value=by, choices=list(AREAS)))
    read = _read(study, outside=outside)
    if standard not in (None, read.standard):  # the study's own rules belong to its standard
        read = replace(read, rules=(), shares={}, changes={})
    read = replace(
        read, standard=standard or read.standard, year=read.year if year is None else year, by=area or read.by
    )
    judged = audit_in_terminal(SHELL.out, read, status=status, out_file=out_file)
    SHELL.answer(
        lambda: {
            "standard": judged.standard, "year": judged.year, "counts": judged.counts(), "rules": judged.table,
            "figures": judged.figures, "file": out_file,
        }
    )  # fmt: skip


@command("plan")
def plan(study: StudyFile, goal: GoalName = None, out_dir: Out = None, outside: Outside = False) -> None:
    """Propose sites for the goals of a study, without coverage and verdict."""
    from siting.terminal_study import plan_in_terminal

    read = _read(study, outside=outside)
    names = [each.name for each in read.goals]
    if not names:
        raise SitingError(Message("shell.no_goal"))
    if goal is not None and goal not in names:
        raise SitingError(Message("shell.choose", name="--goal", value=goal, choices=names))
    goals = tuple(each for each in read.goals if goal in (None, each.name))
    bare = replace(
        read, goals=goals, circles=(), analyses=(), standard=None, rules=(), documents={}, shares={}, changes={}
    )
    outcome = plan_in_terminal(SHELL.out, bare)
    files = {} if out_dir is None else outcome.write(out_dir)
    for path in files.values():
        SHELL.print(f"  {path}")
    SHELL.answer(
        lambda: {key: record(outcome)[key] for key in ("lang", "study", "notices", "plans")} | {"files": files}
    )
    _refuse_unmet(outcome)


@command("map")
def map_(where: Where, out_file: Out = None, outside: Outside = False) -> None:
    """Draw the map of a study, or take it from a folder of results."""
    _page(where, "map", out_file, outside=outside)


@command("report")
def report(where: Where, out_file: Out = None, outside: Outside = False) -> None:
    """Write the report of a study, or take it from a folder of results."""
    _page(where, "report", out_file, outside=outside)


def _page(where: Path, kind: Literal["map", "report"], out_file: Path | None, *, outside: bool) -> None:
    """Write one page: from results as it lies there, of a study by a run."""
    from siting.study.outputs import paths_in, write_page

    if out_file is not None and out_file.suffix.lower() not in (".html", ".htm"):
        raise SitingError(Message("shell.page", file=out_file))
    if where.is_dir():
        page = paths_in(where)[kind]
        if not page.is_file():
            raise SitingError(Message("shell.no_page", folder=where, file=page.name))
        made = out_file or page
        if made.resolve() != page.resolve():
            _copy(page, made)
    else:
        from siting.study import run as run_study
        from siting.terminal_study import steps_shown

        read = _read(where, outside=outside)
        made = out_file or where.with_name(f"{where.stem}-{kind}.html")
        with steps_shown(SHELL.out, read) as on_step:
            outcome = run_study(read, on_step=on_step)
            on_step(kind, "start")
            write_page(outcome, kind, made)
            on_step(kind, "end")
    SHELL.answer(lambda: {"file": made})
    SHELL.print(f"{SHELL.label(f'study.{kind}')}  {made}")


def _copy(page: Path, target: Path) -> None:
    with st.data.atomic_path(target) as draft:
        shutil.copyfile(page, draft)
