"""Attributes that a value forwards from one of its parts, each declared in one line."""

from __future__ import annotations

from operator import attrgetter
from typing import Any, TypeVar, cast

__all__ = ["forwarded"]

Kind = TypeVar("Kind")


def forwarded(path: str, kind: type[Kind], doc: str) -> Kind:
    """Make a property that reads *path* of the value, such as ``"answer.bound"``; *kind* is the type of what it gives.

    Examples
    --------
    >>> class Circle:
    ...     def __init__(self, middle: complex):
    ...         self.middle = middle
    ...
    ...     x = forwarded("middle.real", float, "How far east it lies.")
    >>> Circle(3 + 4j).x
    3.0
    """
    get = attrgetter(path)

    def read(value: Any) -> Any:
        return get(value)

    read.__annotations__["return"] = kind
    return cast("Kind", property(read, doc=doc))
