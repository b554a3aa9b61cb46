"""Frozen values compared by content, and checks of their numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any, TypeGuard

import pandas as pd

from siting.errors import ProblemError
from siting.measure.reach import Reach
from siting.messages import Message

__all__ = [
    "Value", "argument_of", "arguments", "at_least_zero", "groups_of", "ids_of", "is_number", "is_whole", "numbers_of",
    "site_to_site",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Value:
    """A frozen value: two are equal when all fields are equal, tables with their names included."""

    def __str__(self) -> str:
        return f"{type(self).__name__}()"

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(_equal(getattr(self, each.name), getattr(other, each.name)) for each in fields(self))

    def __hash__(self) -> int:
        return hash((type(self), str(self)))


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, (pd.Series, pd.DataFrame)) or isinstance(other, (pd.Series, pd.DataFrame)):
        named = getattr(one, "name", None) == getattr(other, "name", None)
        return type(one) is type(other) and named and bool(one.equals(other))
    return bool(one == other)


def is_number(value: object) -> TypeGuard[float]:
    """Whether *value* is a real number and not a bool."""
    return isinstance(value, Real) and not isinstance(value, bool)


def is_whole(value: object, least: int) -> bool:
    """Whether *value* is a whole number of *least* or more."""
    return is_number(value) and value >= least and not value % 1


def groups_of(value: object, what: str | Message, of: str) -> None:
    """Refuse groups that are not a Series."""
    if not isinstance(value, pd.Series):
        raise ProblemError(Message("problem.groups", what=what, value=value, of=of))


def ids_of(value: object, what: str | Message) -> tuple[object, ...]:
    """Return ids as a tuple; refuse what is no list of them."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ProblemError(Message("problem.ids", what=what, value=value))
    return tuple(value)


def at_least_zero(value: object, what: str | Message) -> None:
    """Refuse anything but a finite number of 0 or more."""
    if not is_number(value) or not 0 <= float(value) < math.inf:
        raise ProblemError(Message("argument.not_negative", what=what, value=value))


def numbers_of(value: object, what: str | Message) -> None:
    """Refuse what is neither a Series, nor a number of 0 or more, nor left out."""
    if value is not None and not isinstance(value, pd.Series):
        at_least_zero(value, what)


def site_to_site(between: object, what: str | Message) -> None:
    """Refuse anything but a Reach from sites to sites."""
    if not isinstance(between, Reach):
        raise ProblemError(Message("problem.no_square", what=what, value=between))
    if not between.origins.sort_values().equals(between.destinations.sort_values()):
        raise ProblemError(Message("problem.not_square", what=what))
    if between.nearest_only is not None:
        raise ProblemError(Message("problem.nearest_only", what=what))


def argument_of(of: object, name: str) -> Message:
    """Name an argument of a rule or an objective, for a message."""
    return Message("problem.argument", of=of, name=name)


def arguments(first: object, **named: object) -> str:
    """Write the given arguments of a call."""
    parts = [] if first is None else [f"{first:g}" if isinstance(first, float) else str(first)]
    for name, value in named.items():
        if value is not None:
            shown = value.name if isinstance(value, pd.Series) else f"{value:g}" if isinstance(value, float) else value
            parts.append(f"{name}={shown}")
    return ", ".join(parts)
