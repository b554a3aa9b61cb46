"""Blocks of a report: each part becomes blocks, which a template renders."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

import pandas as pd

from siting.errors import SitingError
from siting.judge import Audit
from siting.judge.layers.uncounted_types import apart_lines, in_words
from siting.judge.statuses import counts_of, groups_to_show, judged_first
from siting.labels import known, label, named
from siting.messages import Message
from siting.numbers import NONE
from siting.propose import Plan
from siting.show.cells import Cell, Table, amount, listed, show, table_of
from siting.show.plan_parts import how_served
from siting.show.svg import inline_svg
from siting.show.text import clean
from siting.show.verdict_settings import settings_of
from siting.show.verdict_tables import BADGES, areas_table, figures_table, float_of, folded_rows, rules_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from siting.propose import Alternatives, TradeOff

__all__ = ["Block", "Section", "blocks_of", "facts_of", "frames_in", "plan_columns"]


@dataclass(frozen=True, init=False)
class Section:
    """A part of a report with its own heading.

    Parameters
    ----------
    title
        The heading; it goes into the table of contents.
    parts
        Its parts: anything that `siting.write_report` takes, also other sections.

    Examples
    --------
    >>> Section("Childcare", "Who is inside?").title
    'Childcare'
    """

    title: str
    parts: tuple[Any, ...]

    def __init__(self, title: str, *parts: Any) -> None:
        object.__setattr__(self, "title", title)
        object.__setattr__(self, "parts", parts)


@dataclass(frozen=True)
class Block:
    """An element of the page; its content depends on its kind, see the template."""

    kind: str
    text: str = ""
    level: int = 2
    anchor: str = ""
    table: Table | None = None
    pairs: tuple[tuple[str, Cell], ...] = ()
    lines: tuple[str, ...] = ()


def is_audit(part: object) -> TypeGuard[Audit]:
    """Whether *part* has the attributes of an audit, also one from another program."""
    return all(hasattr(part, name) for name in ("table", "failing", "year"))


def is_plan(part: object) -> TypeGuard[Plan]:
    """Whether *part* has the attributes of a plan."""
    return all(hasattr(part, name) for name in ("sites", "summary"))


def has_plans(part: object) -> TypeGuard[Alternatives | TradeOff]:
    """Whether *part* has several plans, and says how they differ."""
    return all(hasattr(part, name) for name in ("plans", "explain"))


def is_figure(part: object) -> TypeGuard[Figure]:
    """Whether *part* is a matplotlib figure, without loading matplotlib."""
    module = sys.modules.get("matplotlib.figure")
    return module is not None and isinstance(part, module.Figure)


def blocks_of(parts: Sequence[object], lang: str, *, drawn: bool = True) -> list[Block]:
    """Return the blocks of a report; SitingError for an unknown kind of part.

    A figure has its own label as anchor; without *drawn* it has nothing else.
    """
    return list(_Page(lang, drawn).walk(parts, level=2, prefix="s"))


def frames_in(parts: Sequence[object]) -> Iterator[pd.DataFrame | pd.Series]:
    """Yield the tables of all parts, for their notices and sources."""
    for part in parts:
        if isinstance(part, pd.DataFrame | pd.Series):
            yield part
        elif isinstance(part, Section):
            yield from frames_in(part.parts)
        elif isinstance(part, Mapping):
            yield from frames_in(list(part.values()))
        elif is_audit(part) or is_plan(part):
            yield part.table


class _Page:
    """Converts the parts to blocks, and counts the figures for unique names."""

    def __init__(self, lang: str, drawn: bool) -> None:
        self.lang, self.drawn = lang, drawn
        self.figures = 0

    def walk(self, parts: Sequence[object], level: int, prefix: str) -> Iterator[Block]:
        """Yield the blocks of parts below one heading, with headings of *level*."""
        number = 0
        for part in parts:
            if title := self._title(part, top=level == 2):
                number += 1
                anchor = f"{prefix}-{number}"
                yield Block("heading", text=clean(title), level=min(level, 4), anchor=anchor)
                if isinstance(part, Section):
                    yield from self.walk(part.parts, level + 1, anchor)
                else:
                    yield from self.one(part, "")
            elif isinstance(part, Mapping):
                for name, each in part.items():
                    if isinstance(each, pd.DataFrame | pd.Series) or is_figure(each):
                        yield from self.one(each, clean(name))
                    else:
                        number += 1
                        yield from self.walk([Section(str(name), each)], level, f"{prefix}-{number}")
            else:
                yield from self.one(part, "")

    def _title(self, part: object, *, top: bool) -> str:
        if isinstance(part, Section):
            return part.title
        key = "report.audit" if is_audit(part) else "report.plan" if is_plan(part) else ""
        key = "report.plans" if has_plans(part) else key
        return label(key, self.lang) if top and key else ""

    def one(self, part: object, caption: str) -> Iterator[Block]:
        if isinstance(part, pd.Series):
            part = part.to_frame("value" if part.name is None else part.name)
        if isinstance(part, str):
            yield Block("paragraph", text=clean(part))
        elif isinstance(part, pd.DataFrame):
            yield Block("table", table=table_of(part, self.lang, caption=caption))
        elif is_figure(part):
            self.figures += 1
            texts = [text.get_text() for text in part.texts] + [axes.get_title() for axes in part.axes]
            alt = caption or next(filter(None, texts), "")
            lines = (inline_svg(part, name=f"f{self.figures}", alt=alt),) if self.drawn else ()
            yield Block(
                "figure", text=caption or ("" if self.drawn else alt), anchor=str(part.get_label()), lines=lines
            )
        elif is_audit(part):
            yield from audit_blocks(part, self.lang)
        elif is_plan(part):
            yield from plan_blocks(part, self.lang)
        elif has_plans(part):
            yield Block("said", lines=tuple(clean(line) for line in part.explain(self.lang).splitlines()))
        else:
            kind = f"{type(part).__module__}.{type(part).__qualname__}"
            raise SitingError(Message("show.report_part", kind=kind))


def audit_blocks(audit: Audit, lang: str) -> Iterator[Block]:
    """Show a verdict: the counts, then a table of rules for each service, then the assumptions."""
    whole = audit.table["area"] == "all" if "area" in audit.table else pd.Series(True, audit.table.index)
    whole |= not whole.any()  # with districts only, show their rows
    table, parts = audit.table[whole], audit.table[~whole]
    counts = counts_of(table)
    badges = {key: Cell(f"{int(counts[key]):,}", badge=BADGES.get(key, "na")) for key in groups_to_show(counts)}
    yield Block("tiles", pairs=tuple((label(f"status.{key}", lang), cell) for key, cell in badges.items()))
    for service, rows in table.groupby("service", sort=False, dropna=False):
        name = clean(named("service" if known(f"service.{service}") else "layer", service, lang))
        judged, silent = judged_first(rows)
        if len(judged):
            yield Block("table", table=rules_table(judged, name, lang))
        if len(silent):
            count = silent["rule"].nunique() if "rule" in silent else len(silent)
            words = label("report.folded_of", lang, service=name, count=count)
            yield Block("folded", text=words, pairs=folded_rows(silent, lang))
    if len(parts):
        yield Block("table", table=areas_table(parts, lang))
    figures = getattr(audit, "figures", None)
    if figures is not None and figures["printed"].notna().any():
        yield Block("table", table=figures_table(figures[figures["printed"].notna()], lang))
    left = getattr(audit, "uncounted", None)
    if left is not None and not left["counted"].all():
        yield Block("table", table=table_of(in_words(left, lang), lang, caption=label("report.uncounted", lang)))
    standard = getattr(audit.standard, "name", audit.standard)
    facts = [("standard", Cell(clean(named("standard", standard, lang))))]
    if audit.year is not None:
        facts.append(("year", Cell(f"{audit.year}")))
    facts += [(key, Cell(words)) for key, words in settings_of(audit.parameters, audit.table, lang)]
    if apart := apart_lines(audit.parameters.get("apart", {}), lang):
        facts.append(("apart", Cell(label("list.semicolon", lang).join(apart))))
    yield Block("facts", text=label("report.assumed", lang), pairs=facts_of(facts, lang))


def plan_blocks(plan: Plan, lang: str) -> Iterator[Block]:
    """Show a plan: facts and proof, description, sites, other changes, and communities out of reach."""
    badge = {"optimal": "met", "infeasible": "short"}.get(plan.status, "na")
    facts = [
        ("status", Cell(clean(named("status", plan.status, lang)), badge=badge)),
        ("new_sites", Cell(f"{len(plan.sites):,}")),
        # Without a plan the share is that of today, which is not a result.
        (
            {"": "share", "market": "market_share"}.get(how_served(plan), "placed_share"),
            Cell(NONE if plan.status == "infeasible" else show(plan.share, "share")),
        ),
        ("objective", Cell(amount(float_of(plan.objective)))),
        ("bound", Cell(amount(float_of(plan.bound)))),
        ("gap", Cell(show(plan.gap, "gap"))),
    ]
    facts += _proof(plan, lang)
    if plan.rules:
        words_of = getattr(plan, "rules_in_words", None)
        rules = map(str, plan.rules) if words_of is None else words_of(lang)
        facts.append(("rules", Cell(listed(rules, lang))))
    yield Block("facts", pairs=facts_of(facts, lang))
    if words := tuple(clean(line.strip()) for line in plan.summary(lang).splitlines() if line.strip()):
        yield Block("said", lines=words)
    if len(plan.table):
        table, columns = _numbered(plan.table), plan_columns(plan, "year", lang)
        yield Block("table", table=table_of(table, lang, caption=label("report.sites", lang), columns=columns))
    changes = getattr(plan, "changes", None)
    if changes is not None and len(changes):
        caption, columns = label("plan_site.changes", lang), plan_columns(plan, "changes_year", lang)
        yield Block("table", table=table_of(changes, lang, caption=caption, columns=columns))
    if plan.unreachable:
        text = label("report.unreachable", lang, count=f"{len(plan.unreachable):,}")
        yield Block("list", text=text, lines=(listed(plan.unreachable, lang),))


def _proof(plan: object, lang: str) -> Iterator[tuple[str, Cell]]:
    """Name the solver of a plan and the proof of its bound, if known."""
    engine, certificate = getattr(plan, "engine", ""), getattr(plan, "certificate", None)
    called = clean(named("engine", engine, lang))
    if engine:
        yield "engine", Cell(called)
    if certificate is not None:
        proven = float_of(certificate.bound)
        by_solver = "by_solver" if math.isfinite(proven) else "by_solver_only"
        words = "by_multipliers" if certificate.by == "multipliers" else by_solver
        yield "certificate", Cell(label(f"plan_site.{words}", lang, engine=called, bound=amount(proven)))


def plan_columns(plan: object, year: str, lang: str) -> dict[str, tuple[str, str]]:
    """Return headings and kinds of columns with a special meaning in the tables of a plan."""
    unit = str(getattr(plan, "unit", "") or "m")
    way = {"m": "metres", "min": "minutes"}.get(unit, "")
    kinds = {"people": "count", "mean": way, "farthest": way, "option": "id", "cost": "", "places": "count",
             "change": "text"}  # fmt: skip
    words = clean(named("unit", unit, lang))
    columns = {name: (label(f"plan_site.{name}", lang, unit=words), kind) for name, kind in kinds.items()}
    if how := how_served(plan):
        who = "won" if how == "market" else "placed"
        counted = {"adds": "count", "share_after": "share", "lost_without": "count"}
        columns |= {name: (label(f"plan_site.{who}_{name}", lang), kind) for name, kind in counted.items()}
        columns["people"] = (
            label("plan_site.won_people" if how == "market" else f"plan_site.people_{how}", lang),
            "count",
        )
    return columns | {"year": (label(f"plan_site.{year}", lang), "year")}


def _numbered(table: pd.DataFrame) -> pd.DataFrame:
    """Put the number that a site has on the picture first, and the sites in its order."""
    if "order" not in table or table.index.nlevels > 1:
        return table
    ordered = table.sort_values("order", kind="stable")
    site = ordered.index.to_series(name=ordered.index.name or "site")
    return pd.concat([ordered[["order"]], site, ordered.drop(columns="order")], axis="columns").reset_index(drop=True)


def facts_of(facts: Sequence[tuple[str, Cell]], lang: str) -> tuple[tuple[str, Cell], ...]:
    """Give facts their names in *lang*."""
    return tuple((clean(named("fact", key, lang)), cell) for key, cell in facts)
