"""The commands that read folders of results: what they answer, and how two differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from siting.cli.command import command
from siting.cli.reasons import community_reasons, site_reasons
from siting.cli.shell import SHELL
from siting.errors import SitingError
from siting.labels import known, named
from siting.messages import Message
from siting.numbers import amount, percent
from siting.propose.plan.rule_text import bracketed
from siting.study.comparison import compare_results
from siting.study.results_file import read_record
from siting.terminal_text import wrapped, wrapped_before

__all__ = ["compare", "explain"]

#: Objectives whose loss is counted in people.
OF_PEOPLE = ("MaxCoverage", "MinSites")
#: Stands before the id at the end of a line, which is not broken.
ID = "\0"
#: Most communities that are named.
NAMED = 12


@command("explain")
def explain(
    results: Annotated[Path, typer.Argument()],
    site: Annotated[str | None, typer.Option("--site")] = None,
    community: Annotated[str | None, typer.Option("--community")] = None,
) -> None:
    """Say why a site was chosen, or why a community is covered or not."""
    if site is None and community is None:
        raise SitingError(Message("shell.ask"))
    found = read_record(results)
    if site is not None:
        told = site_reasons(found, site)
        SHELL.answer(lambda: {"site": told})
        _print(_of_site(told))
    if community is not None:
        why = community_reasons(found, community)
        SHELL.answer(lambda: {"community": why})
        _print(_of_community(why))


@command("compare")
def compare(before: Annotated[Path, typer.Argument()], after: Annotated[Path, typer.Argument()]) -> None:
    """Say how two results differ: settings, layers, coverage, verdict and plans."""
    found = compare_results(read_record(before), read_record(after))
    SHELL.answer(lambda: {name: table.reset_index() for name, table in found.tables.items()})
    _print((line, "") for line in found.explain(SHELL.words).splitlines())


def _print(lines: Iterable[tuple[str, str]]) -> None:
    """Print lines with their style, broken between words; an id at the end is not broken."""
    for text, style in lines:
        indent = 0 if style else 2
        told, _, key = text.partition(ID)
        broken = wrapped(" " * indent + told.rstrip(), SHELL.out.width, indent=indent)
        if key:
            broken = wrapped_before(" " * indent + told.rstrip(), key, SHELL.out.width, indent=indent)
        for line in broken:
            SHELL.out.print(Text(line, style=style), soft_wrap=True)


def _called(key: object, name: object) -> str:
    """Write an id with its name."""
    return f"{key} {name}" if name and str(name) != str(key) else str(key)


def _way(value: float | None, unit: str) -> str:
    number = "—" if value is None else amount(round(value, 0 if unit == "m" else 1))
    return f"{number} {named('unit', unit, SHELL.words)}"


def _people(row: Mapping[str, Any], key: str) -> str:
    return amount(round(row.get(key) or 0.0, 1))


def _of_site(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    words, kind = SHELL.label, "facility" if told["existing"] else "site"
    yield words(f"explain.{kind}", site=_called(told["site"], told["name"])), "bold"
    for plan in told["plans"]:
        yield "", "bold"
        yield f"{plan['goal']}{words('list.colon')}{plan['title'][SHELL.words]}", "bold"
        chosen = plan["chosen"]
        if chosen is not None:
            yield from _why_chosen(chosen, plan)
        elif told["existing"]:
            yield words("explain.stays", count=len(plan["communities"]), names=_named(plan)), ""
        elif plan["replaces"] is not None:
            rival = plan["replaces"]
            yield words("explain.replaces", site=rival["site"], loss=_loss(rival, plan)), ""
        elif plan["status"] in ("optimal", "feasible", "time_limit"):
            yield words("explain.not_chosen"), ""
        else:
            yield words("explain.no_plan", status=named("status", plan["status"], SHELL.words)), ""


def _why_chosen(row: Mapping[str, Any], plan: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    words, unit = SHELL.label, named("unit", plan["unit"], SHELL.words)
    yield words("explain.chosen", order=row["order"], adds=_people(row, "adds"), share=percent(row["share_after"])), ""
    lost = row.get("lost_without")
    yield (
        words(
            "explain.lost" if lost else "explain.lost_none", **({"lost": _people(row, "lost_without")} if lost else {})
        ),
        "",
    )
    ways = {key: "—" if row.get(key) is None else amount(round(row[key], 1)) for key in ("mean", "farthest")}
    yield words("explain.reach", within=_people(row, "within"), people=_people(row, "people"), unit=unit, **ways), ""
    if "instead" not in row:
        yield words("explain.not_tried"), ""
    elif row["instead"] is None:
        yield words("explain.no_other"), ""
    else:
        yield words("explain.instead", site=row["instead"], loss=_loss(row, plan)), ""
    count = len(plan["communities"])
    yield words("explain.serves", count=count, names=_named(plan)) if count else words("explain.serves_none"), ""


def _loss(row: Mapping[str, Any], plan: Mapping[str, Any]) -> str:
    """Say how much worse a plan is with another site: in people, or in the unit of its objective."""
    loss = round(row["loss"] or 0.0, 1)
    key = "loss_none" if not loss else "loss_people" if plan["aim"] in OF_PEOPLE else "loss"
    return SHELL.label(f"explain.{key}", loss=amount(loss))


def _named(plan: Mapping[str, Any]) -> str:
    """Name the communities with most people, each with its way."""
    rows = plan["communities"]
    names = SHELL.label("list.comma").join(
        _called(row["community"], row["name"]) + bracketed(_way(row["way"], plan["unit"]), SHELL.words)
        for row in rows[:NAMED]
    )
    return names + (SHELL.label("explain.more") if len(rows) > NAMED else "")


def _of_community(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    words = SHELL.label
    yield words("explain.community", community=_called(told["community"], told["name"])), "bold"
    if told["district"]:
        yield words("explain.in_district", district=told["district"]), ""
    for service, near in told["services"].items():
        yield from _of_service(named("service", service, SHELL.words), near)
    for plan in told["plans"]:
        yield "", "bold"
        yield f"{plan['goal']}{words('list.colon')}{plan['title'][SHELL.words]}", "bold"
        for row in plan["served"]:
            before = f"{named('service', row['service'], SHELL.words)}{words('list.colon')}" if "service" in row else ""
            yield before + _of_plan(row, plan), ""
    if told["rules"]:
        yield "", "bold"
        yield words("explain.rules"), "bold"
    for rule in told["rules"]:
        for reading, yes in rule["fulfils"].items():
            at = reading.removeprefix("fulfils").strip("_")
            name = rule["indicator_en" if SHELL.words == "en" else "indicator"] + (f" {at}" if at else "")
            verdict = words("explain.fulfils" if yes else "explain.fails")
            yield f"{verdict}{words('list.colon')}{name} — {rule['document']} · {rule['clause']} {ID}{rule['rule']}", ""


def _of_service(service: str, near: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    words, unit = SHELL.label, near["unit"]
    limits = {limit: f"{float(limit):g} {named('unit', unit, SHELL.words)}" for limit in near["covered"]}
    if near["facility"] is None:
        most = list(limits.values())[-1]
        yield words("explain.none_near", service=service, limit=most), ""
        return
    facility = _called(near["facility"], near["name"])
    yield words("explain.nearest", service=service, facility=facility, way=_way(near["way"], unit)), ""
    met = [
        words("explain.within" if yes else "explain.beyond", limit=limits[key]) for key, yes in near["covered"].items()
    ]
    yield words("list.semicolon").join(met), ""


def _of_plan(row: Mapping[str, Any], plan: Mapping[str, Any]) -> str:
    words = SHELL.label
    limit = _way(plan["limits"].get(row.get("service")) or next(iter(plan["limits"].values())), plan["unit"])
    if row["site"] is not None and not row["reason"]:
        key = "explain.served_new" if row["new"] else "explain.served_old"
        return words(key, site=row["site"], way=_way(row["cost"], plan["unit"]))
    reason = f"explain.reason_{str(row['reason']).replace(' ', '_')}"
    people = amount(round((row["demand"] or 0) - (row["served"] or 0), 1))
    return words(reason if known(reason) else "explain.reason_closed", limit=limit, people=people)
