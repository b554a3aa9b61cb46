"""Old names of keywords and attributes, which still work, with a warning that gives the new name."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from siting.messages import Message

__all__ = ["RenamedAttribute", "renamed_keywords"]

Function = TypeVar("Function", bound=Callable[..., Any])


def renamed_keywords(**names: str) -> Callable[[Function], Function]:
    """Let a function, or the making of a class, take keywords by their old names, too: *names* are new names by old.

    Examples
    --------
    >>> import warnings
    >>> @renamed_keywords(people="demand")
    ... def total(*, demand):
    ...     return sum(demand)
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     total(people=[1, 2])
    3
    >>> print(caught[0].message)
    total: people= is called demand= now
    """

    def decorate(function: Any) -> Any:
        called = vars(function)["__init__"] if isinstance(function, type) else function

        @functools.wraps(called)
        def call(*args: Any, **kwargs: Any) -> Any:
            for old in names.keys() & kwargs.keys():
                new = names[old]
                said_of = {"function": function.__name__, "old": old, "new": new}
                if new in kwargs:
                    raise TypeError(Message("renamed.both", **said_of))
                warnings.warn(str(Message("renamed.keyword", **said_of)), DeprecationWarning, stacklevel=2)
                kwargs[new] = kwargs.pop(old)
            return called(*args, **kwargs)

        if isinstance(function, type):
            function.__init__ = call  # type: ignore[misc]  # the class stays the same, and so do its instances
            return function
        return call

    return decorate


class RenamedAttribute:
    """The old name of an attribute or method, which is called *new* now.

    Examples
    --------
    >>> import warnings
    >>> class Answer:
    ...     findings = ("a fault",)
    ...     told = RenamedAttribute("findings")
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     Answer().told
    ('a fault',)
    >>> print(caught[0].message)
    Answer.told is called Answer.findings now
    """

    def __init__(self, new: str) -> None:
        self.new = new

    def __set_name__(self, owner: type, old: str) -> None:
        self.old = old

    def __get__(self, instance: object, owner: type) -> Any:
        if instance is None:
            return self
        name = owner.__name__
        said = Message("renamed.attribute", name=name, old=self.old, new=self.new)
        warnings.warn(str(said), DeprecationWarning, stacklevel=2)
        return getattr(instance, self.new)
