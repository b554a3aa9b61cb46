"""The errors of the library.

::

    SitingError (ValueError)
    ├── LayerError      a layer that cannot be used as it is
    ├── NetworkError    streets that make no network, or a place off it
    ├── StandardError   a standard or rule that cannot be read or applied
    └── ProblemError    a siting problem that is badly put

A plan whose status is ``"infeasible"`` answers a goal that is out of reach; nothing is raised for it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

__all__ = ["LayerError", "NetworkError", "ProblemError", "SitingError", "StandardError"]


def __dir__() -> list[str]:
    return __all__


class SitingError(ValueError):
    """Base of all errors that a user can mend."""


class LayerError(SitingError):
    """A layer that cannot be used: each fault with its rows and its remedy.

    Parameters
    ----------
    layer
        Name of the layer as the user knows it (role or file).
    faults
        One sentence for each fault.
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
    """Streets that make no network, or a request that the network cannot answer."""


class StandardError(SitingError):
    """A standard or rule that cannot be read or applied."""


class ProblemError(SitingError):
    """A siting problem that is badly put."""


def some(values: Iterable[object], most: int = 5) -> str:
    """Name the first few of *values* for a message, and say how many there are more.

    Examples
    --------
    >>> some(["a", "b", "c"], most=2)
    '"a", "b" and 1 more'
    """
    listed = [f'"{value}"' for value in values]
    rest = len(listed) - most
    head = ", ".join(listed[:most])
    return f"{head} and {rest} more" if rest > 0 else head
