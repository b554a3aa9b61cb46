"""The errors of the library.

::

    SitingError (ValueError)
    ├── LayerError      a layer that cannot be used
    ├── NetworkError    streets that make no network, or an invalid request
    ├── StandardError   a standard or rule that cannot be read or applied
    └── ProblemError    an invalid siting problem

An infeasible goal raises nothing: the plan has the status ``"infeasible"``.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from numbers import Number

__all__ = ["LayerError", "NetworkError", "ProblemError", "SitingError", "StandardError"]


def __dir__() -> list[str]:
    return __all__


class SitingError(ValueError):
    """Base of all errors that a user can correct."""


class LayerError(SitingError):
    """A layer that cannot be used: each error with its rows and its remedy.

    Parameters
    ----------
    layer
        Name of the layer as the user knows it (role or file).
    faults
        One sentence for each error.
    partial
        The layer as far as it was read.

    Examples
    --------
    >>> print(LayerError("communities", ["population is missing"]))
    communities: population is missing
    """

    def __init__(self, layer: str, faults: str | Sequence[str], *, partial: object = None) -> None:
        self.layer = layer
        self.partial = partial
        self.faults = (faults,) if isinstance(faults, str) else tuple(faults)
        if len(self.faults) == 1:
            message = f"{layer}: {self.faults[0]}"
        else:
            listed = "\n".join(f"  - {fault}" for fault in self.faults)
            message = f"{layer}: {len(self.faults)} faults\n{listed}"
        super().__init__(message)

    @property
    def found(self) -> object:
        """The old name of `partial`."""
        warnings.warn("LayerError.found is called LayerError.partial now", DeprecationWarning, stacklevel=2)
        return self.partial


class NetworkError(SitingError):
    """Streets that make no network, or an invalid request to the network."""


class StandardError(SitingError):
    """A standard or rule that cannot be read or applied."""


class ProblemError(SitingError):
    """An invalid siting problem."""


def some(values: Iterable[object], most: int = 5) -> str:
    """Name the first few of *values* for a message, and the number of the others.

    Examples
    --------
    >>> some(["a", "b", "c"], most=2)
    '"a", "b" and 1 more'
    """
    listed = [f'"{value}"' for value in values]
    rest = len(listed) - most
    head = ", ".join(listed[:most])
    return f"{head} and {rest} more" if rest > 0 else head


def brief(value: object, most: int = 60) -> str:
    """Write a value that was given for a message: plain ones as in Python, tables and other objects by their type.

    Examples
    --------
    >>> brief("far"), brief((200, 2000)), brief({"x": 1}), brief([0.5] * 99)
    ("'far'", '(200, 2000)', 'a dict', 'a list')
    """
    plain = value is None or isinstance(value, (str, bytes, Number)) or callable(value)
    if isinstance(value, (list, tuple)) and len(value) < most:
        plain = all(each is None or isinstance(each, (str, Number)) for each in value)
    written = repr(value) if plain else ""
    if written and len(written) <= most and "\n" not in written:
        return written
    if isinstance(value, str):
        return f"{value[:most]!r} …"
    kind = value.__name__ if isinstance(value, type) else type(value).__name__
    kind = {"ndarray": "array", "NoneType": "None"}.get(kind, kind)
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"


def counted(n: int, many: str) -> str:
    """Write a number and what is counted, the plural *many* or its singular.

    Examples
    --------
    >>> counted(1, "communities"), counted(2, "sites"), counted(1200, "pairs")
    ('1 community', '2 sites', '1,200 pairs')
    """
    one = f"{many[:-3]}y" if many.endswith("ies") else many.removesuffix("s")
    return f"{n:,} {one if n == 1 else many}"
