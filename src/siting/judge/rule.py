"""`Rule` and `Document`: a line of a standard, made of a table in TOML."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from typing import Any

from siting.errors import StandardError, some
from siting.judge.choices import ALSO, APPLIES, CHOICES, COMPUTING, LISTS, NUMBERS, PERMITS, TABLES
from siting.judge.conditions import conditions_from
from siting.judge.parts import PART, PARTS, check_parts, check_places, timed
from siting.judge.units import UNITS
from siting.share import PERCENT, share_from

__all__ = ["KINDS", "Document", "Kind", "Rule", "document_from", "only", "rule_from", "texts"]


@dataclass(frozen=True)
class Kind:
    """What a kind of rule takes.

    Attributes
    ----------
    operators
        The operators that it can be judged by.
    keys
        The keys of `COMPUTING` that it uses; None for all.
    units
        The units that its number can be in; None for all.
    idle
        Tells which of these keys have no effect in a rule, for the others that it has.
    """

    operators: tuple[str, ...]
    keys: tuple[str, ...] | None = None
    units: tuple[str, ...] | None = None
    idle: Callable[[Rule], Iterable[str]] = lambda _rule: ()


#: The kinds of rules that can be computed; filled by `indicator`.
KINDS: dict[str, Kind] = {}


@dataclass(frozen=True)
class Document:
    """A document that rules are found in: its title, its number (文号) and the day it was issued."""

    title: str
    number: str = ""
    issued: str = ""


@dataclass(frozen=True)
class Rule:
    """One rule of a standard: what the document says, and what is counted in the layers to judge it.

    Attributes
    ----------
    id
        Stable name: jurisdiction, service, indicator, joined by dots, then the year where there are several.
    kind
        What sort of rule it is; decides how it is computed.
    service
        "childcare", "eldercare" or another service layer.
    indicator_zh, indicator_en
        Its name in both languages.
    role
        "standard" (standing) and "target" (of a year) are judged; "baseline", "forecast", "context", "principle" and
        "project" are shown beside what the layers hold.
    operator, value, value_max, unit
        The number as printed: ``operator`` is one of ``>= <= > < = ~ range per``.
    text
        What is printed where there is no number.
    otherwise
        The number that holds where the condition does not, such as the 300 m beside a relaxed radius.
    year
        Year the number is for; None for standing rules.
    share
        For circles and radii: the share of people that must be inside, 0 to 1, where the document or the user gives
        one. In TOML also in percent, ``"90 %"``.
    applies_to, condition, modal
        The unit ruled; when the rule holds; the words that give it its force.
    scope
        Whether a least floor area holds for a residential "area" or for each "site".
    layer
        The layer that is counted, where it is not the service's own. Coverage asks for a facility of each of several; a
        count in each area adds them up.
    facility_types, excluded_types, where
        Which of its rows count: the types of facility, each with its synonyms and narrower types; the types among them
        that do not; the columns and what must stand in them.
    part
        Which of the rows that count fulfil the rule, for shares by a mark. As in *where* and *among*, several columns
        must all hold what is said; of the tables in ``any = [{ inclusive = true }, { public = true }]`` one is enough.
    column
        The column that is added up; none where rows are counted. Several are added together.
    of, base
        What it is divided by: a column of the same layer (or "layer.column"); a column of the communities.
    among
        Which communities are ruled, beyond what *applies_to* says.
    judged_by
        Who is judged one by one, where `applies_to` does not say it: "estate" (each row of the communities),
        "community" (社区), "village" (行政村) or "village_or_community" (村、社区).
    covered_by
        What covers a unit: a facility of its "own" (one that names it, or lies in it), one within a "walk", or one
        whose "service_area" it is part of. Without it districts are covered by their own, communities by a walk.
    other, other_types, other_where
        The layers of partners, for rules of neighbourhood, and which of their rows count; a partner of any of them will
        do.
    metres, minutes
        The walk within which a unit counts as served, where the document prints one.
    metric
        What decides: the way along the "streets", which is meant where nothing stands, or the "straight" line.
    mode, speed
        How minutes are travelled: "walk", "bicycle" or "car", and how fast, such as "15 km/h".
    each
        The facilities that must all be near, a table for each: its layer, facility_types, where, and the metres or
        minutes that hold for it.
    any
        The facilities of which one is enough, in such tables.
    rules
        The rules of which one is enough, by id.
    residents
        The fewest and the most residents of a living circle.
    reading
        How many facilities a number of people owes: "ceil", so that none stands for more of them than printed, or
        "floor", one each time the number is reached.
    meets
        The rules of provision that a unit must fulfil to count; each holds for the estates that it is for.
    also
        Further parts of the clause, all of which have to be kept: for each the keys in which it differs from this one.
    unseen, unseen_zh
        What else the clause asks that no layer shows, in English and Chinese: it is at best met as far as counted.
    document, clause, says
        Where it stands: document, headings, and what it says in one line.
    note, note_zh
        How an ambiguity is read here: what a reader of the verdict should know. `note` stands for Chinese readers, too,
        where there is no `note_zh`.
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
        for name in NUMBERS:
            number = getattr(self, name)
            if number is not None and not math.isfinite(number):
                raise StandardError(f"rule {self.id}: {name} is {number!r}, not a number")
            if number is not None and number < 0:
                raise StandardError(f"rule {self.id}: {name} is {number:g}; it must be above 0")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                listed = some([c for c in choices if c], 9)
                raise StandardError(f'rule {self.id}: {name} is "{getattr(self, name)}"; choose one of {listed}')
        if self.unit not in UNITS:
            raise StandardError(f"rule {self.id}: {_choose('unit', self.unit, UNITS)}")
        check_places(self)
        if self.operator == "range" and (self.value is None or self.value_max is None):
            raise StandardError(f"rule {self.id}: a range needs value and value_max")
        if self.operator == "~" and self.role in ("standard", "target"):
            raise StandardError(f'rule {self.id}: operator "~" (about) is no limit; give the role "context"')
        if self.share is not None:
            object.__setattr__(self, "share", share_from(self.share, f"rule {self.id}: share", StandardError))
        check_parts(self)

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that are counted: those named, else the service's own."""
        return self.layer or (self.service,)

    @property
    def demands(self) -> tuple[Rule, ...]:
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
        """Return this rule once for each table of `each` or `any`, with what stands in that table.

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


def document_from(key: str, at: Mapping[str, Any]) -> Document:
    """Make a document of a TOML table.

    Raises
    ------
    StandardError
        When a key is unknown, absent, or of the wrong type.
    """
    texts(at, ("title", "number", "issued"), f"document {key}")
    if "title" not in at:
        raise StandardError(f"document {key}: no title")
    return Document(**at)


def only(at: Mapping[str, Any], known: Iterable[str], what: str) -> None:
    """Refuse keys that are not known."""
    unknown = set(at) - set(known)
    if unknown:
        raise StandardError(f"{what} {some(sorted(unknown))}")


def texts(at: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    """Refuse keys that are not known or hold no text."""
    only(at, known, f"{where}: unknown keys")
    for key, value in at.items():
        if not isinstance(value, str):
            raise StandardError(f"{where}: {key} is {value!r}, not text")


def rule_from(at: Mapping[str, Any], old: Rule | None = None) -> Rule:
    """Make a rule of a TOML table; of keys that change an *old* rule where there is one.

    Raises
    ------
    StandardError
        When a key is unknown, absent, or of the wrong type, or a kind or unit is not known.
    """
    name = str(at.get("id", "without id") if old is None else old.id)
    only(at, (f.name for f in fields(Rule)), f"rule {name}: unknown keys")
    absent = {"id", "kind", "service", "indicator_zh", "indicator_en"} - set(at)
    if absent and old is None:
        raise StandardError(f"rule {name}: no {some(sorted(absent))}")
    kept = {} if old is None else {f.name: getattr(old, f.name) for f in fields(Rule)}
    percent = _in_percent({**kept, **at})
    read = {key: _value(name, key, _percentage(name, key, value) if percent else value) for key, value in at.items()}
    made = Rule(**{**kept, **read})
    if made.kind not in KINDS:
        raise StandardError(f"rule {name}: {_choose('kind', made.kind, KINDS)}")
    if made.applies_to not in APPLIES:
        raise StandardError(f"rule {name}: {_choose('applies_to', made.applies_to, APPLIES)}")
    for part in made.demands:
        _fits(part, KINDS[part.kind])
    return made


def _in_percent(at: Mapping[str, Any]) -> bool:
    """Tell whether the number of a rule is in percent, by its unit or because its kind has no other."""
    kind = KINDS.get(str(at["kind"]))
    only_percent = kind is not None and kind.units is not None and set(kind.units) == {"percent", ""}
    return at.get("unit", "") == "percent" or (only_percent and at.get("unit", "") == "")


def _percentage(rule: str, key: str, value: Any) -> Any:
    """Read a number in percent, with its sign or without; refuse a share, which is a hundred times too small."""
    if key not in ("value", "value_max"):
        return value
    if isinstance(value, str) and (written := PERCENT.fullmatch(value)):
        return float(written[1])
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1:
        raise StandardError(f"rule {rule}: {key} is {value:g} with a unit of percent; write {100 * value:.10g}, or, "
                            f'if so few are meant, "{value:g} %"')  # fmt: skip
    return value


def _fits(rule: Rule, kind: Kind) -> None:
    """Refuse an operator, a unit or a key that a kind of rule cannot use."""
    if kind.units is not None and rule.unit not in kind.units and (rule.unit or rule.value is not None):
        listed = some(list(filter(None, kind.units)), 99) or "no unit"
        raise StandardError(f'rule {rule.id}: unit is "{rule.unit}"; a {rule.kind} is in {listed}')
    judged = rule.role in ("standard", "target") and rule.value is not None
    if judged and rule.operator not in kind.operators:
        listed = some([o for o in kind.operators if o], 9)
        raise StandardError(
            f'rule {rule.id}: operator is "{rule.operator}"; a {rule.kind} is judged by one of {listed}'
        )
    given = [name for name in COMPUTING if getattr(rule, name) not in (None, "", (), {})]
    idle = {*kind.idle(rule), *(() if timed(rule) else ("mode", "speed"))}
    lost = [name for name in given if name in idle or (kind.keys is not None and name not in kind.keys)]
    if lost:
        left = [name for name in COMPUTING if (kind.keys is None or name in kind.keys) and name not in idle]
        uses = f"it uses {some(left, 99)}" if left else "it uses none of them"
        raise StandardError(f"rule {rule.id}: {some(lost, 99)} would have no effect in this {rule.kind}; {uses}")
    if rule.value_max is not None and rule.operator != "range":
        raise StandardError(f'rule {rule.id}: value_max is the end of a range; write operator = "range"')


def _part(rule: str, at: Mapping[str, Any]) -> dict[str, Any]:
    """Read a further part of a clause."""
    only(at, ALSO, f"rule {rule}: unknown keys in `also`:")
    made = {key: _value(rule, key, value) for key, value in at.items()}
    if made.get("kind", next(iter(KINDS))) not in KINDS:
        raise StandardError(f"rule {rule}: {_choose('kind', made['kind'], KINDS)}")
    return {key: (value,) if key in LISTS and isinstance(value, str) else value for key, value in made.items()}


def _choose(key: str, given: str, known: Iterable[str]) -> str:
    """Say what can stand for a key, the most alike first."""
    listed = sorted(filter(None, known))
    alike = get_close_matches(given, listed, n=1)
    guess = f'did you mean "{alike[0]}"? ' if alike else ""
    return f'{key} is "{given}"; {guess}choose one of {some(listed, 99)}'


def _value(rule: str, key: str, value: Any) -> Any:
    def wrong(what: str) -> StandardError:
        return StandardError(f"rule {rule}: {key} is {value!r}, not {what}")

    if key in NUMBERS:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong("a number")
        return float(value)
    if key == "also":
        if not isinstance(value, list | tuple) or not all(isinstance(one, Mapping) for one in value):
            raise wrong('a list of tables, such as [{ layer = "elder_schools" }]')
        return tuple(_part(rule, one) for one in value)
    if key == "year":
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong("a year such as 2025")
    elif key == "residents":
        if not isinstance(value, list | tuple) or not all(type(number) in (int, float) for number in value):
            raise wrong("two numbers, such as [5000, 12000]")
        return tuple(float(n) for n in value)
    elif key in PARTS:
        if not isinstance(value, list | tuple) or value == [] or not all(isinstance(at, Mapping) for at in value):
            raise wrong('a list of tables, such as [{ layer = "meals", metres = 300 }]')
        for at in value:
            only(at, PART, f"rule {rule}: unknown keys in {key}")
        return tuple({name: _value(rule, name, one) for name, one in at.items()} for at in value)
    elif key in TABLES:
        return conditions_from(rule, key, value)
    elif key in LISTS:
        listed = [value] if isinstance(value, str) and key in ("layer", "column", "other", "meets") else value
        if not isinstance(listed, list | tuple) or not all(isinstance(one, str) for one in listed):
            raise wrong("a list of texts")
        return tuple(listed)
    elif key == "share":
        return share_from(value, f"rule {rule}: share", StandardError)
    elif not isinstance(value, str):
        raise wrong("text")
    return value
