"""`Rule` and `Document`: a line of a standard, checked when it is made."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from numbers import Real
from typing import Any

from siting.judge.standards.keys import CHOICES, JUDGED, LISTS, NUMBERS, PARTS, PERMITS, fault_of, named_fault, unlisted
from siting.judge.standards.travel_modes import RIDDEN, pace
from siting.judge.standards.units_of_measure import UNITS
from siting.limits import metres_of, minutes_of
from siting.messages import Message
from siting.read_share import share_from
from siting.renamed import RenamedAttribute

__all__ = ["Document", "Rule"]

#: Columns that a unit excludes: places of childcare (托位) are not those of schools and kindergartens (学位).
NOT_OF_UNIT = {"places": ("school_places",), "school_places": ("places", "inclusive_places", "max_places")}


@dataclass(frozen=True)
class Document:
    """A document that rules are found in: its title, its number (文号) and the day it was issued."""

    title: str
    number: str = ""
    issued: str = ""


@dataclass(frozen=True)
class Rule:
    """One rule of a standard: the text of the document, and how the layers are counted to judge it.

    Attributes
    ----------
    id
        Stable name: jurisdiction, service and indicator, joined by dots, then the year if there are several.
    kind
        The kind of rule; it decides how the rule is computed.
    service
        "childcare", "eldercare" or another service layer.
    indicator_zh, indicator_en
        The name in both languages.
    role
        "standard" (standing) and "target" (of a year) are judged; "baseline", "forecast", "context", "principle" and
        "project" are shown with the value of the layers.
    operator, value, value_max, unit
        The number as printed: ``operator`` is one of ``>= <= > < = ~ range per``.
    text
        The printed text if there is no number.
    otherwise
        The number where the condition does not hold, such as 300 m next to a relaxed radius.
    year
        Year the number is for; None for standing rules.
    share
        For circles and radii: the share of people that must be inside, 0 to 1, where the document or the user gives
        one. In TOML also in percent, ``"90 %"``.
    applies_to, condition, modal
        The units of the rule; when it holds; the words of obligation.
    scope
        Whether a least floor area holds for a residential "area" or for each "site".
    layer
        The layers that are counted; default the service's own. Coverage requires a facility of each of several; counts
        add them up.
    facility_types, excluded_types, where
        The rows that count: types of facility, each with its synonyms and narrower types; excluded types among them;
        conditions on columns.
    part
        For shares by a mark: the counted rows that fulfil the rule. As in *where* and *among*, all conditions must
        hold; of the tables in ``any = [{ inclusive = true }, { public = true }]`` one is enough.
    column
        The columns that are added up; without one rows are counted.
    of, base
        The divisor: a column of the same layer (or "layer.column"); a column of the communities.
    among
        Further conditions on the communities of the rule, in addition to *applies_to*.
    judged_by
        The units that are judged, if `applies_to` does not name them: "estate" (each row of the communities),
        "community" (社区), "village" (行政村) or "village_or_community" (村、社区).
    covered_by
        What covers a unit: its "own" facility (one that names it or is in it), one within a "walk", or one whose
        "service_area" contains it. Default: "own" for districts, "walk" for communities.
    other, other_types, other_where
        The layers of partners, for rules of neighbourhood, and the rows that count; one partner of any layer is enough.
    metres, minutes
        The printed distance or time within which a unit counts as served.
    metric
        The measure of distance: along the "streets" (default), or the "straight" line.
    mode, speed
        How minutes are travelled: "walk", "bicycle" or "car", and how fast, such as "15 km/h".
    each
        The facilities that must all be near, a table for each: its layer, facility_types, where, and metres or minutes.
    any
        The facilities of which one is enough, in such tables.
    rules
        The rules of which one is enough, by id.
    residents
        The fewest and the most residents of a living circle.
    reading
        How many facilities a number of people requires: "ceil", so that none serves more people than printed, or
        "floor", one each time the number is reached.
    meets
        The rules of provision that a unit must fulfil to count; each applies to its estates.
    also
        Further parts of the clause, all required: for each the keys that differ from this one.
    unseen, unseen_zh
        Further requirements that no layer shows, in English and Chinese: the best verdict is then "part".
    document, clause, says
        The source: document, headings, and its content in one line.
    note, note_zh
        How an ambiguity is read, for readers of the verdict. `note` is also for Chinese readers if there is no
        `note_zh`.
    """

    id: str
    kind: str
    service: str
    indicator_zh: str
    indicator_en: str
    role: str = "standard"
    operator: str = ""
    value: float | None = None
    value_max: float | None = None
    otherwise: float | None = None
    unit: str = ""
    year: int | None = None
    text: str = ""
    share: float | None = None
    applies_to: str = ""
    scope: str = ""
    layer: tuple[str, ...] = ()
    facility_types: tuple[str, ...] = ()
    excluded_types: tuple[str, ...] = ()
    where: Mapping[str, Any] = field(default_factory=dict, hash=False)
    part: Mapping[str, Any] = field(default_factory=dict, hash=False)
    column: tuple[str, ...] = ()
    of: str = ""
    base: str = ""
    among: Mapping[str, Any] = field(default_factory=dict, hash=False)
    judged_by: str = ""
    covered_by: str = ""
    other: tuple[str, ...] = ()
    other_types: tuple[str, ...] = ()
    other_where: Mapping[str, Any] = field(default_factory=dict, hash=False)
    metres: float | None = None
    minutes: float | None = None
    metric: str = ""
    mode: str = ""
    speed: str = ""
    each: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    any: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    rules: tuple[str, ...] = ()
    residents: tuple[float, ...] = ()
    reading: str = ""
    meets: tuple[str, ...] = ()
    also: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    unseen: str = ""
    unseen_zh: str = ""
    condition: str = ""
    modal: str = ""
    document: str = ""
    clause: str = ""
    says: str = ""
    note: str = ""
    note_zh: str = ""

    def __post_init__(self) -> None:
        for name in LISTS:
            given = getattr(self, name)
            object.__setattr__(self, name, ((given,) if given else ()) if isinstance(given, str) else tuple(given))
        for key, fault in chain(_faults_of_values(self), _faults_of_parts(self)):
            raise fault_of(self.id, key, fault)
        if self.share is not None:
            with named_fault(self.id, "share"):
                object.__setattr__(self, "share", share_from(self.share, "share"))
        if self.mode or self.speed:
            with named_fault(self.id, "speed" if self.speed else "mode"):
                pace(self.mode, self.speed)
        for key in PARTS:
            self.parts(key)  # a part is a rule and checks itself

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that are counted: those named, else the service's own."""
        return self.layer or (self.service,)

    @property
    def in_minutes(self) -> bool:
        """Whether a limit of the rule, or of one of its parts, is in minutes: metres need no speed."""
        return self.unit == "min" or any(one.minutes is not None for one in (self, *self.counting))

    @property
    def prints_walk(self) -> bool:
        """Whether the rule, or one of its alternatives, prints a walk."""
        return any(one.minutes is not None or one.metres is not None for one in (self, *self.parts("any")))

    demands = RenamedAttribute("clause_parts")

    @property
    def clause_parts(self) -> tuple[Rule, ...]:
        """The parts of the clause, each as a rule: this one alone, then the further ones."""
        if not self.also:
            return (self,)
        return tuple(replace(self, also=(), **part) for part in ({}, *self.also))

    @property
    def permits(self) -> bool:
        """Whether the document only permits or encourages, as 可适当 and 支持 do."""
        return self.modal in PERMITS

    @property
    def types(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The types of facility that count, and those among them that do not; both empty where all rows count."""
        return self.facility_types, self.excluded_types

    def partner(self, layer: str) -> Rule:
        """Return the rule that counts the partners in one of the layers `other`: those of their types and marks."""
        return replace(self, layer=(layer,), facility_types=self.other_types, excluded_types=(), where=self.other_where)

    @property
    def counting(self) -> tuple[Rule, ...]:
        """The rules that count rows for this one: itself, or those of its parts."""
        parts = (*self.parts("each"), *self.parts("any"))
        return tuple(leaf for part in parts for leaf in part.counting) if parts else (self,)

    def parts(self, key: str) -> tuple[Rule, ...]:
        """Return this rule once for each table of `each` or `any`, with the keys of that table.

        Examples
        --------
        >>> either = ({"layer": ("meals",), "metres": 300.0}, {"facility_types": ("日间照料中心",)})
        >>> rule = Rule("x.a", "service_radius", "eldercare", "甲", "A", unit="m", value=500, any=either)
        >>> [(one.layers, one.metres) for one in rule.parts("any")]
        [(('meals',), 300.0), (('eldercare',), None)]
        """
        return tuple(self._part(at) for at in getattr(self, key))

    def _part(self, at: Mapping[str, Any]) -> Rule:
        own: dict[str, Any] = {"metres": None, "minutes": None} if {"metres", "minutes"} & set(at) else {}
        if "metres" in at:
            own |= {"mode": "", "speed": ""}
        names = {f"indicator_{lang}": at[f"name_{lang}"] for lang in ("zh", "en") if f"name_{lang}" in at}
        rest = {key: value for key, value in at.items() if not key.startswith("name_")}
        return replace(self, **{"each": (), "any": (), **own, **names, **rest})


def _faults_of_values(rule: Rule) -> Iterator[tuple[str, Message]]:
    """Find invalid numbers, words and units, each with its key."""
    for name in NUMBERS:
        number = getattr(rule, name)
        if number is not None and not (isinstance(number, Real) and math.isfinite(number)):
            yield name, Message("standard.not_finite", key=name, value=number)
        elif number is not None and number < 0:
            yield name, Message("standard.not_negative", key=name, value=number)
        elif number is not None and name in ("metres", "minutes"):
            with named_fault(rule.id, name):
                metres_of(number, name) if name == "metres" else minutes_of(number, name)
    for name, choices in CHOICES.items():
        if getattr(rule, name) not in choices:
            yield name, unlisted(name, getattr(rule, name), choices)
    if rule.unit not in UNITS:
        yield "unit", unlisted("unit", rule.unit, UNITS)
    elif strange := set(NOT_OF_UNIT.get(UNITS[rule.unit].counts, ())) & set(rule.column):
        yield "unit", Message("standard.other_sort", unit=rule.unit, columns=sorted(strange))
    if rule.operator == "range" and (rule.value is None or rule.value_max is None):
        yield "operator", Message("standard.range_values")
    if rule.operator == "~" and rule.role in JUDGED:
        yield "operator", Message("standard.about")


def _faults_of_parts(rule: Rule) -> Iterator[tuple[str, Message]]:
    """Find keys beside the tables that replace them, rides along a straight line and empty bands of residents."""
    tables = [*rule.each, *rule.any, *(one for at in rule.each for one in at.get("any", ()))]
    if tables and (rule.layer or any(rule.types) or rule.where):
        yield "layer", Message("standard.in_tables")
    if len(rule.any) == 1 or any(len(at.get("any", ())) == 1 for at in rule.each):
        yield "any", Message("standard.one_table")
    if any({"metres", "minutes"} <= set(at) for at in tables):
        yield "any", Message("standard.two_limits")
    if rule.mode in RIDDEN and rule.metric == "straight":
        yield "metric", Message("standard.ridden_straight", mode=rule.mode)
    if rule.residents and not (len(rule.residents) == 2 and 0 < rule.residents[0] <= rule.residents[1]):
        yield "residents", Message("standard.residents", value=rule.residents)
