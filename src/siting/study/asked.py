"""Objectives and rules as they stand in a study file: a key for each, whose table has the arguments of its class.

``at_most = 5`` is ``at_most = { n = 5 }``, its first argument alone; several of one kind stand in a list. An argument
that is a Series in Python names a column here; one that is a `Reach` between sites is their distance.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, Protocol

import pandas as pd
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, create_model

from siting import propose
from siting.errors import SitingError
from siting.measure import Reach
from siting.measure import decay as decays
from siting.messages import Message
from siting.study.fields import Flag, Metres, Number, Several, Share, Text, Whole

__all__ = [
    "BY_GROUP",
    "NAMES",
    "OBJECTIVES",
    "ONE_OF",
    "RULES",
    "Asked",
    "Town",
    "decay_of",
    "key_of",
    "kind_of",
    "no_ways",
    "rules_of",
    "table_of",
]

CLOSED = ConfigDict(extra="forbid")


class Town(Protocol):
    """The communities and sites of a goal, in which arguments are looked up."""

    def of_communities(self, column: Any) -> pd.Series:
        """Return a column of the communities."""

    def groups(self, column: Any) -> pd.Series:
        """Return a column of the sites."""

    def of_sites(self, amount: Any) -> Any:
        """Return an amount of the sites: a Series by site, or those by service."""

    def by_group(self, amount: Any) -> Any:
        """Return a number, or a Series by group for a table."""

    def between(self, metres: Any, /) -> Any:
        """Return the distances between the sites, up to *metres* along the streets."""


class Kind(NamedTuple):
    """How an argument is written in a file, and what it is in Python."""

    written: Any
    value: Callable[[Any, Town], Any] = lambda value, _: value


def decay_of(value: Any) -> Any:
    """Read ``{ gaussian = 800 }``, or the arguments as a table: ``{ power = { beta = 2, least = 50 } }``."""
    if not isinstance(value, Mapping) or len(value) != 1 or next(iter(value)) not in decays.__all__:
        written = f"{{ {', '.join(f'{key} = …' for key in value)} }}" if isinstance(value, Mapping) else str(value)
        raise SitingError(Message("study.decay", what="", value=written))
    ((name, given),) = value.items()
    make = getattr(decays, name)
    if name == "steps" and isinstance(given, Mapping):
        return make({float(limit): weight for limit, weight in given.items()})
    try:
        return make(**given) if isinstance(given, Mapping) else make(given)
    except TypeError:  # of other arguments than it has
        raise SitingError(Message("study.decay", what="", value=str(value))) from None


AMOUNT = Number | Text | Mapping[str, Number | Text]
GROUPS = Kind(Text, lambda column, town: town.groups(column))
OF_SITES = Kind(AMOUNT, lambda amount, town: town.of_sites(amount))
OF_COMMUNITIES = Kind(Text, lambda column, town: town.of_communities(column))
#: A number as it is; by site with a column.
NUMBER_OR_COLUMN = Kind(Number | Text, lambda value, town: town.groups(value) if isinstance(value, str) else value)
BY_GROUP = Kind(Number | Mapping[str, Number], lambda amount, town: town.by_group(amount))
BETWEEN = Kind(Metres, lambda metres, town: town.between(metres))
IDS = Kind(Several[Text | Whole])
EACH = Kind(Number | tuple[Number, ...])
#: Arguments by name, which means the same in every class, but for those of `OTHERWISE`.
ARGUMENTS = {
    "n": Kind(Whole), "at_most": Kind(Whole), "year": Kind(Whole), "years": Kind(tuple[Whole, ...]),
    "share": Kind(Share), "limit": Kind(Number), "beyond": Kind(Number), "travel": Kind(Number), "alpha": Kind(Number),
    "no_choice": Kind(Number), "bonus": Kind(Number), "total": Kind(Number), "per_1000": Kind(Number),
    "budget": EACH, "weights": EACH, "cover": EACH,
    "split": Kind(Flag), "nearest": Kind(Flag), "must": Kind(Flag),
    "service": Kind(Text), "services": Kind(tuple[Text, ...]), "ids": IDS, "among": IDS, "competitors": IDS,
    "by": GROUPS, "cost": OF_SITES, "places": OF_SITES, "least": NUMBER_OR_COLUMN, "saving": NUMBER_OR_COLUMN,
    "attractiveness": OF_SITES,
    "people": BY_GROUP, "pairs": BETWEEN, "between": BETWEEN,
    "decay": Kind(Annotated[Any, BeforeValidator(decay_of, json_schema_input_type=Mapping[str, Any])]),
}  # fmt: skip
OTHERWISE = {
    ("Cover", "by"): OF_COMMUNITIES,
    ("MaxWorstShare", "by"): OF_COMMUNITIES,
    ("Supply", "total"): BY_GROUP,
    ("Phases", "at_most"): Kind(Whole | tuple[Whole, ...]),
    ("MaxCoverage", "weights"): Kind(Mapping[str, Number]),
}


@dataclass(frozen=True)
class Asked:
    """An objective or a rule of a goal, with its arguments as they are written."""

    make: Callable[..., Any]
    arguments: Mapping[str, Any]

    def made(self, town: Town) -> Any:
        """Return the objective or rule of `solve`; SitingError for arguments that cannot be."""
        name = self.make.__name__
        return self.make(**{key: kind_of(name, key).value(value, town) for key, value in self.arguments.items()})


def no_ways() -> Reach:
    """Return the ways between sites that are not known yet: none."""
    none = pd.DataFrame({"origin": [], "destination": [], "cost": []})
    return Reach.from_pairs(none, origins=[""], destinations=[""], limit=1.0)


class _Names:
    """A town in which columns are known by name only, for the words of rules."""

    def of_communities(self, column: Any) -> pd.Series:
        return pd.Series({"": ""}, name=column)

    def groups(self, column: Any) -> pd.Series:
        return pd.Series({"": ""}, name=column)

    def of_sites(self, amount: Any) -> Any:
        return pd.Series({"": 0.0}, name=amount if isinstance(amount, str) else None)

    def by_group(self, amount: Any) -> Any:
        return pd.Series(amount, dtype=float) if isinstance(amount, Mapping) else amount

    def between(self, _: Any) -> Any:
        return no_ways()


#: For the words of a goal, before a layer is read.
NAMES = _Names()


def kind_of(name: str, argument: str) -> Kind:
    """Return how an argument of a class is written."""
    return OTHERWISE.get((name, argument), ARGUMENTS[argument])


def key_of(make: Any) -> str:
    """Return the key of a class: ``at_most`` for AtMost."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", make.__name__).lower()


def _classes(*names: str) -> dict[str, type]:
    return {key_of(make): make for make in (getattr(propose, name) for name in names)}


RULES = _classes(
    "AtLeast", "AtMost", "Backup", "Budget", "Capacity", "Cover", "Existing", "Forbidden", "MayClose", "NobodyBeyond",
    "OnePer", "Phases", "Required", "Spacing", "Supply", "TargetMarketShare", "Together",
)  # fmt: skip
OBJECTIVES = _classes(
    "MaxCoverage", "MaxMarketShare", "MaxSpacing", "MaxWorstShare", "MinCost", "MinFarthest", "MinSites", "MinTravel",
)  # fmt: skip


def table_of(make: Any) -> Any:
    """Return the kind of table that an objective or rule is written as, for pydantic.

    Examples
    --------
    >>> from pydantic import TypeAdapter
    >>> read = TypeAdapter(table_of(propose.AtMost))
    >>> read.validate_python(5).arguments, read.validate_python({"n": 1, "by": "district"}).arguments
    ({'n': 5}, {'n': 1, 'by': 'district'})
    """
    arguments = inspect.signature(make).parameters
    columns: dict[str, Any] = {
        name: (kind_of(make.__name__, name).written, ... if argument.default is argument.empty else None)
        for name, argument in arguments.items()
    }
    model = create_model(key_of(make), __config__=CLOSED, __doc__=(make.__doc__ or "").partition("\n")[0], **columns)
    first = next(iter(arguments), None)

    def alone(value: Any) -> Any:
        if value is True:
            return {}
        return value if isinstance(value, Mapping) or first is None else {first: value}

    def asked(table: BaseModel) -> Asked:
        asked = Asked(make, {name: getattr(table, name) for name in columns if name in table.model_fields_set})
        asked.made(NAMES)  # refuses arguments that cannot be, before a layer is read
        return asked

    written = model if first is None else model | columns[first][0]
    if all(default is not ... for _, default in columns.values()):
        written = written | Literal[True]
    return Annotated[model, BeforeValidator(alone, json_schema_input_type=written), AfterValidator(asked)]


def rules_of(make: Any) -> Any:
    """Return the kind of one or several tables of a rule; a list of ids is one rule of them."""
    first = next(iter(inspect.signature(make).parameters), "")

    def of_ids(value: Any) -> Any:
        plain = isinstance(value, list) and not any(isinstance(each, Mapping | list) for each in value)
        return [{first: value}] if plain and value and kind_of(make.__name__, first) is IDS else value

    return Annotated[Several[table_of(make)], BeforeValidator(of_ids)]  # type: ignore[misc]  # a kind of table


def _objective(value: Any) -> Any:
    """Read an objective by its name, or a table with one key: ``{ min_travel = { beyond = 2000 } }``."""
    table = {value: True} if isinstance(value, str) else value
    if not isinstance(table, Mapping) or len(table) != 1 or not set(table) <= set(OBJECTIVES):
        raise SitingError(Message("study.objective", what="", value=str(value), choices=list(OBJECTIVES)))
    return table


def _one(table: Any) -> Asked:
    """Return the objective of a table that has one."""
    made: Asked = next(each for each in (getattr(table, key) for key in OBJECTIVES) if each is not None)
    return made


OBJECTIVE: Any = create_model(
    "Objective", __config__=CLOSED, __doc__="One objective.",
    **{key: (table_of(make) | None, None) for key, make in OBJECTIVES.items()},  # type: ignore[call-overload]
)  # fmt: skip
#: An objective as a name, or as a table with one key.
ONE_OF: Any = Annotated[
    OBJECTIVE,
    BeforeValidator(_objective, json_schema_input_type=Literal[tuple(OBJECTIVES)] | OBJECTIVE),
    AfterValidator(_one),
]
