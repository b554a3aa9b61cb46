"""Old names of keywords, which still work, with a warning that gives the new name."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["renamed_keywords"]

Function = TypeVar("Function", bound=Callable[..., Any])


def renamed_keywords(**names: str) -> Callable[[Function], Function]:
    """Let a function take keywords by their old names, too.

    Parameters
    ----------
    **names
        New name by old name.

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

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            for old in names.keys() & kwargs.keys():
                new = names[old]
                if new in kwargs:
                    raise TypeError(f"{function.__name__}: give {new}=, not {old}= as well")
                warnings.warn(f"{function.__name__}: {old}= is called {new}= now", DeprecationWarning, stacklevel=2)
                kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return call  # type: ignore[return-value]  # a wrapper keeps the type of what it wraps

    return decorate
