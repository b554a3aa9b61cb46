"""The atlas of a package: a sheet of paper for each service, verdict and plan, as JPG, and all of them as PDF."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyproj import CRS

from siting.data import to_crs
from siting.deliver.results import Found, plan_of
from siting.deliver.rules import Rules
from siting.deliver.vectors import crs_words
from siting.labels import label, named
from siting.show.blocks import Block
from siting.show.colours import EXISTING, OUTSIDE, WITHIN
from siting.show.picture import draw_on
from siting.show.picture_key import Entry
from siting.show.picture_sheet import LEGEND, Sheet
from siting.show.text import wrap
from siting.study.contents import Opened, Planned, Served

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Leaf", "draw", "leaves_of", "write_atlas"]

#: The most lines of a verdict in a key, by paper, and the inches and points of such a line.
MOST, WIDE, POINTS = {"A3": 15, "A4": 4}, LEGEND - 0.6, 9
COLOURS = {"met": WITHIN[0], "short": OUTSIDE, "na": EXISTING}


@dataclass(frozen=True)
class Leaf:
    """A sheet: its number, its titles, the service, the plan that it shows, and whether it tells a verdict."""

    number: int
    title: str
    subtitle: str
    served: Served
    opened: Opened | None = None
    verdict: bool = False


def leaves_of(rules: Rules, found: Found) -> Iterator[Leaf]:
    """Yield the sheets in the order of the rules."""
    number = 0
    for rule in rules.sheet:
        for served, goal, opened in _subjects(rule.each, found):
            number += 1
            words: dict[str, Any] = {"service": rules.services[served.service].name}
            if goal is not None:
                words |= {"goal": goal.name, "plan": found.contents.planned.index(goal) + 1}
            subtitle = "" if goal is None else goal.title[found.lang]
            yield Leaf(number, rules.fill(rule.name, **words), subtitle, served, opened, rule.each == "verdict")


def _subjects(each: str, found: Found) -> Iterator[tuple[Served, Planned | None, Opened | None]]:
    if each == "goal":
        for goal in found.contents.planned:
            for opened in goal.opened:
                served = found.served(opened.service)
                if served is not None and (opened.sites or opened.changes):
                    yield served, goal, opened
        return
    for served in found.contents.served:
        if each == "service" or _verdict(found, served.service) is not None:
            yield served, None, None


def draw(rules: Rules, found: Found, leaf: Leaf, *, crs: str, date: str, total: int) -> Figure:
    """Draw a sheet on paper, in the CRS of the vectors; in one of degrees the map keeps that of the study."""
    lang, paper = found.lang, rules.atlas.paper
    layers = {name: frame for name, frame in found.inputs.items() if name in _drawn(leaf)}
    areas = found.areas(leaf.served)
    if not CRS(crs).is_geographic:
        layers = {name: to_crs(frame, crs) for name, frame in layers.items()}
    maker = f" {rules.package.maker}" if rules.package.maker else ""
    measured = next(iter(layers.values())).crs
    foot = (
        f"{rules.package.code} {rules.package.place}{maker}",
        label("deliver.foot", lang, crs=crs_words(measured, lang)),
        label("deliver.sheet", lang, number=leaf.number, total=total, date=date),
    )
    return draw_on(
        partial(Sheet.on_paper, paper=paper, subtitle=leaf.subtitle, foot=foot), layers, service=leaf.served.service,
        areas=areas, coverage=leaf.served.table(), lang=lang, title=f"{rules.package.place}{leaf.title}",
        plan=None if leaf.opened is None else plan_of(leaf.opened),
        more=_verdict_key(found, leaf.served.service, MOST[paper]) if leaf.verdict else None,
    )  # fmt: skip


def _drawn(leaf: Leaf) -> set[str]:
    candidates = {"candidates"} if leaf.opened is not None else set()
    return {"communities", "districts", "streets", leaf.served.service, *candidates}


def _verdict(found: Found, service: str) -> Block | None:
    """Return the table of rules of a service in the report."""
    names = {named("service", service, found.lang), service}
    tables = (block for block in found.contents.blocks if block.table is not None and block.table.style == "rules")
    return next((block for block in tables if block.table is not None and block.table.caption in names), None)


def _verdict_key(found: Found, service: str, most: int) -> Mapping[str, Sequence[Entry]]:
    block = _verdict(found, service)
    if block is None or block.table is None:
        return {}
    entries, lines, left = [], 0, 0
    for badge in ("short", "met"):
        rules = [row[0].text for row in block.table.rows if row[-1].badge == badge]
        for rule, count in Counter(rules).items():
            words = rule if count == 1 else label("deliver.times", found.lang, rule=rule, count=count)
            lines += len(wrap(words, POINTS, WIDE))
            if lines > most:
                left += count
            else:
                entries.append(Entry("dot", COLOURS[badge], words))
    if left:
        entries.append(Entry("dot", COLOURS["na"], label("deliver.more", found.lang, count=left)))
    return {label("deliver.verdict", found.lang): entries}


def write_atlas(
    rules: Rules, found: Found, leaves: Sequence[Leaf], pdf: Path, *, crs: str, date: str, names: Mapping[int, str]
) -> None:
    """Write all sheets as one PDF, and each beside it as JPG under its name."""
    from matplotlib.backends.backend_pdf import PdfPages

    if not leaves:
        return
    told: dict[str, Any] = {"CreationDate": None, "Title": rules.fill(rules.files.atlas), "Creator": "siting"}
    with PdfPages(pdf, metadata=told) as pages:
        for leaf in leaves:
            figure = draw(rules, found, leaf, crs=crs, date=date, total=len(leaves))
            options = {"quality": rules.atlas.quality, "dpi": (rules.atlas.dpi, rules.atlas.dpi)}
            figure.savefig(pdf.parent / f"{names[leaf.number]}.jpg", dpi=rules.atlas.dpi, pil_kwargs=options)
            pages.savefig(figure, dpi=rules.atlas.dpi)
            figure.clear()
