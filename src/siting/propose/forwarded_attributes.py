"""Attributes that a value forwards from one of its parts, each declared in one line."""

from __future__ import annotations

from operator import attrgetter
from typing import Any, TypeVar, cast

__all__ = ["forwarded"]

Kind = TypeVar("Kind")


def forwarded(path: str, kind: type[Kind], doc: str) -> Kind:
    """Make a property that reads *path* of the value, such as ``"answer.bound"``, a *kind* of value."""
    get = attrgetter(path)

    def read(value: Any) -> Any:
        return get(value)

    read.__annotations__["return"] = kind
    return cast("Kind", property(read, doc=doc))
