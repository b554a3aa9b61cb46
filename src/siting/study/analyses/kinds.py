"""How the arguments of the functions stand in a study file, by their names, and what they are in Python.

A layer stands by its name; a column by its name, or with that of its layer (``"homes.elderly"``); the result of another
table by the name of that table; ways between layers as a table (`Ways`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field

from siting.network import Walk
from siting.study.analyses.protocols import Calling
from siting.study.analyses.ways import Rules, Ways
from siting.study.asked import ONE_OF, decay_of
from siting.study.fields import Flag, Metres, Minutes, Number, Seconds, Several, Share, Text, Whole

__all__ = ["GOAL", "Kind", "Reference", "kind_of"]


class Reference(NamedTuple):
    """A name that an argument uses: of a "layer" (or a table whose result is one), a "table" or a "goal"."""

    to: str
    name: str


def _nothing(_: Any) -> Iterator[Reference]:
    return iter(())


class Kind(NamedTuple):
    """How an argument is written, the words for it, what it is in Python, and the names that it uses.

    `of` is for a column: the argument whose layer it is of, and which end of its ways.
    """

    written: Any
    words: str
    value: Callable[[Any, Calling], Any] = lambda value, _: value
    names: Callable[[Any], Iterator[Reference]] = _nothing
    of: tuple[str, str] | None = None


Rows = tuple[Mapping[str, Any], ...]


def _layers(*names: str) -> Iterator[Reference]:
    return (Reference("layer", name) for name in names)


def _dotted(value: Any) -> Iterator[Reference]:
    """Yield the layer or table before the dot of ``"homes.elderly"``."""
    for each in value if isinstance(value, tuple) else [value]:
        if isinstance(each, str) and "." in each:
            yield Reference("layer", each.partition(".")[0])


def _in_values(value: Any) -> Iterator[Reference]:
    for each in value.values():
        if isinstance(each, str):
            yield Reference("layer", each.partition(".")[0])


def _kind(written: Any, words: str) -> Kind:
    return Kind(written, words)


def _numbers(value: Any, call: Calling) -> Any:
    """Return numbers by name, in which a text is the result of another table, and a table numbers by area or year."""
    if isinstance(value, Mapping):
        return {_year(key): _numbers(each, call) for key, each in value.items()}
    return call.lookup.number(value) if isinstance(value, str) else value


def _year(key: str) -> int | str:
    return int(key) if key.isdigit() and len(key) == 4 else key


def _number_names(value: Any) -> Iterator[Reference]:
    for each in value.values():
        if isinstance(each, Mapping):
            yield from _number_names(each)
        elif isinstance(each, str):
            yield Reference("table", each)


def _column(of: str = "", end: str = "", *, number: bool = False, several: bool = False) -> Kind:
    """Return the kind of an argument that is a column: of a layer, or of an end of the ways of another argument."""
    written = Text | Number if number else Several[Text] if several else Text
    where = f"of {of}" if end == "" else f"of {of}.{end}"
    words = f"column {where}" if of else "column of communities"
    words = f"{words}, or a number" if number else words
    return Kind(written, words, lambda value, call: call.column(value, of, end), _dotted, (of, end))


def _limits(value: Any, _: Calling) -> Any:
    return value[0] if len(value) == 1 else list(value)


def _walker(value: Any, _: Calling) -> Any:
    if isinstance(value, Mapping):
        return {service: getattr(Walk, who)() for service, who in value.items()}
    return getattr(Walk, value)()


def _far(value: Any, call: Calling) -> Any:
    return {name: (call.lookup.layer(name), metres) for name, metres in value.items()}


def _scenario_names(value: Any) -> Iterator[Reference]:
    for each in value.values():
        yield from _dotted(each.get("demand"))


WHO = Literal["adult", "elder", "carer"]
LAYER = Kind(Text, "layer", lambda value, call: call.lookup.layer(value), lambda value: _layers(value))
LAYER_OR_ROWS = Kind(
    Text | Rows, "layer, or a list of rows", lambda value, call: call.lookup.frame(value),
    lambda value: _layers(*([value] if isinstance(value, str) else ())),
)  # fmt: skip
LAYERS = Kind(
    Mapping[str, Text | Rows], "a layer, or a list of rows, in place of that of a role",
    lambda value, call: call.lookup.layers_for(call.analysis.arguments, value),
    lambda value: _layers(*(each for each in value.values() if isinstance(each, str))),
)  # fmt: skip
WAYS = Kind(
    Ways, "ways: from, to, metres or minutes", lambda value, call: call.lookup.ways(value),
    lambda value: _layers(*value.origins, *value.destinations),
)  # fmt: skip
IDS_OF_LAYER = Kind(Text, "layer", lambda value, call: call.lookup.layer(value).index, lambda value: _layers(value))
PLAN = Kind(Text, "goal", lambda value, call: call.lookup.plan(value), lambda value: iter([Reference("goal", value)]))
PLANS = Kind(
    Several[Text], "goals", lambda value, call: {name: call.lookup.plan(name) for name in value},
    lambda value: (Reference("goal", name) for name in value),
)  # fmt: skip
SITES = Kind(
    Text | tuple[Text, ...], "goal, or a list of ids", lambda value, call: call.lookup.sites(value),
    lambda value: iter([Reference("goal", value)] if isinstance(value, str) else ()),
)  # fmt: skip
RULES = Kind(
    Annotated[
        Rules,
        BeforeValidator(
            lambda value: value if isinstance(value, Mapping) else {"name": value}, json_schema_input_type=str | Rules
        ),
    ],
    "a standard, or a table: name, kind, service, role, rule, year, changes",
    lambda value, call: call.lookup.standard(value),
)
#: A goal, whose ways, people and rules the function takes.
GOAL = Kind(Text, "goal", names=lambda value: iter([Reference("goal", value)]))
OBJECTIVE = Kind(ONE_OF, "an objective, as of a goal", lambda value, call: call.lookup.aim(call.goal, value))
NUMBERS = Kind(
    Mapping[str, Text | Number | Mapping[str, Text | Number | Mapping[str, Number]]],
    "a number for each name, or the name of a table whose result is one", _numbers, _number_names,
)  # fmt: skip
FIGURES = Kind(Mapping[str, Number], "a number for each year", _numbers)
LIMITS = Kind(Several[Number], "number or list of numbers", _limits)
BOUNDS = Kind(
    Annotated[Mapping[Literal["least", "most"], Number], Field(min_length=1)], "{ least = …, most = … }",
    lambda value, _: (value.get("least"), value.get("most")),
)  # fmt: skip
DISTANCES = Kind(Mapping[str, Metres], "metres by layer", _far, lambda value: _layers(*value))
SCENARIO = Mapping[Literal["demand", "closed", "take_up", "metres", "minutes", "walk"], Any]
SCENARIOS = Kind(
    Mapping[str, SCENARIO], "scenarios by name: demand, closed, take_up", lambda value, call: call.scenarios(value),
    _scenario_names,
)  # fmt: skip
TEXT, WHOLE, NUMBER, FLAG = (
    _kind(written, words)
    for written, words in ((Text, "text"), (Whole, "whole number"), (Number, "number"), (Flag, "true or false"))
)
TEXTS = Kind(Several[Text], "list of texts", lambda value, _: list(value))
DECAY = Annotated[Any, BeforeValidator(decay_of, json_schema_input_type=Mapping[str, Any])]
SHARES = Kind(Mapping[str, Share], "share by rule")
SERIES = Kind(
    Text,
    "table, or column of a layer",
    lambda value, call: call.lookup.series(value),
    lambda value: _in_values({"": value}),
)

#: Arguments by name, which mean the same in every function, but for those of `OTHERWISE`.
ARGUMENTS: dict[str, Kind] = {
    **dict.fromkeys(("reach", "between", "cover", "to_sites", "to_existing"), WAYS),
    **dict.fromkeys(("communities", "facilities", "candidates", "boundary", "parcels"), LAYER),
    **dict.fromkeys(("origins", "destinations"), LAYER),
    "projects": LAYER_OR_ROWS, "layers": LAYERS, "standard": RULES, "existing": IDS_OF_LAYER, "plan": PLAN,
    "plans": PLANS, "sites": SITES, "first": OBJECTIVE, "second": OBJECTIVE, "scenarios": SCENARIOS,
    **dict.fromkeys(("values", "people", "weights"), _column()),
    **dict.fromkeys(("demand", "residents", "by"), _column("reach", "from")),
    **dict.fromkeys(("supply", "capacity", "used", "supply_by", "attractiveness"), _column("reach", "to")),
    "lacking": SERIES, "room": SERIES,
    **dict.fromkeys(("rates", "increases", "totals"), NUMBERS), "figures": FIGURES, "subsidies": NUMBERS,
    "limits": LIMITS, "limit": NUMBER, "country": TEXTS, "parts": TEXTS, "statuses": TEXTS,
    **dict.fromkeys(("method", "measure", "whole", "source", "facility_type", "service", "overlap", "missing"), TEXT),
    "kind": TEXTS, "far_from": DISTANCES, "near": DISTANCES, "area": BOUNDS, "floor_area": BOUNDS,
    **dict.fromkeys(("year", "to_year", "from_year", "n", "differ", "up_to", "at_most", "total"), WHOLE),
    **dict.fromkeys(("at_least", "needed", "below", "occupancy", "most_lost", "per_1000", "stock", "alpha", "no_choice",
                     "spacing", "number", "household_size", "width", "fill"), NUMBER),
    "number": WHOLE, "metres": _kind(Metres, "metres"), "minutes": _kind(Minutes, "minutes"),
    "beside": _kind(Metres, "metres"), "time_limit": _kind(Seconds, "seconds"), "gap": _kind(Share, "share"),
    "shares": SHARES, "scope": _kind(Text | Number, "“whole”, “part” or a share"),
    "walk": Kind(WHO | Mapping[str, WHO], "“adult”, “elder” or “carer”, or one by service", _walker),
    "decay": _kind(DECAY, "{ gaussian = 800 }"),
    "close_last": FLAG, "rings": FLAG, "levels": LIMITS, "budgets": Kind(tuple[Number, ...], "list of numbers"),
    "cost": Kind(Any, "amount of the sites, as of a goal", lambda value, call: call.town.of_sites(value)),
    "hubs": _kind(Literal["all", "fewest"] | Whole, "“all”, “fewest” or a whole number"),
    "take_up": _column("reach", "from", number=True),
}  # fmt: skip
OTHERWISE: dict[tuple[str, str], Kind] = {
    ("audit", "by"): TEXT, ("provision", "communities"): LAYER_OR_ROWS, ("forecast", "by"): TEXT,
    **{("utilisation", name): TEXT for name in ("used", "capacity", "by")},
    ("appraise_projects", "capacity"): TEXT,
    **{(name, "by"): _column() for name in ("inequality",)},
    ("fairest", "by"): _column(), ("price_of_equity", "by"): _column(),
    ("town_and_country", "kind"): _column(),
    ("make_candidates", "demand"): _column("communities"), ("catchment", "weights"): _column("destinations"),
    **{("merge_sites", name): _column("between", "from") for name in ("capacity", "used", "kind", "village")},
    ("merge_sites", "demand"): _column("cover", "from"), ("medical_partners", "capacity"): _column("reach", "from"),
    ("uncovered_around", "demand"): _column("to_sites", "from"),
    ("uncovered_around", "limit"): _column("to_sites", "from", number=True),
    ("coverage", "demand"): _column("reach", "from", several=True),
    **{(name, "limit"): _column("reach", "from", number=True) for name in ("coverage", "assign")},
    ("joint_sites", "lacking"): Kind(
        Mapping[str, Text], "table, or column of a layer, by service",
        lambda value, call: {service: call.lookup.series(each) for service, each in value.items()}, _in_values),
    **{(name, limit): LIMITS for name in ("service_areas", "service_streets") for limit in ("metres", "minutes")},
    ("price_of_equity", "levels"): Kind(Whole | tuple[Number, ...], "whole number or list of shares"),
}  # fmt: skip


def kind_of(function: str, argument: str) -> Kind:
    """Return how an argument of a function is written."""
    return OTHERWISE[function, argument] if (function, argument) in OTHERWISE else ARGUMENTS[argument]
