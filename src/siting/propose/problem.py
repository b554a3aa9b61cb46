"""A siting problem is an objective plus rules, all plain values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from numbers import Real

import pandas as pd

from siting.errors import ProblemError

__all__ = [
    "AtMost", "Cover", "Existing", "Forbidden", "MaxCoverage", "MinSites", "Objective", "Required", "Rule",
]  # fmt: skip


@dataclass(frozen=True)
class Objective:
    """What a plan is to be best at."""


@dataclass(frozen=True)
class MaxCoverage(Objective):
    """Cover as much demand as possible: the maximal covering location problem (MCLP) [1]_.

    References
    ----------
    .. [1] R. Church and C. ReVelle, "The maximal covering location problem", Papers of the Regional Science Association
       32, 1974, pp. 101-118.
    """

    def __str__(self) -> str:
        return "MaxCoverage()"


@dataclass(frozen=True)
class MinSites(Objective):
    """Open as few sites as possible: set covering (LSCP) [1]_, or partial covering with a share below 1.

    References
    ----------
    .. [1] C. Toregas, R. Swain, C. ReVelle and L. Bergman, "The location of emergency service facilities", Operations
       Research 19 (6), 1971, pp. 1363-1373.
    """

    def __str__(self) -> str:
        return "MinSites()"


@dataclass(frozen=True)
class Rule:
    """What every plan must keep to."""


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


@dataclass(frozen=True)
class AtMost(Rule):
    """Open at most *n* new sites; existing ones do not count, required ones do.

    Raises
    ------
    ProblemError
        When *n* is not a whole number above 0.
    """

    n: int

    def __post_init__(self) -> None:
        if not _is_number(self.n) or not self.n >= 1 or self.n % 1:
            raise ProblemError(f"AtMost({self.n!r}): give a whole number of sites, 1 or more")

    def __str__(self) -> str:
        return f"AtMost({self.n})"


@dataclass(frozen=True)
class Cover(Rule):
    """Cover at least *share* of the demand, overall or in every group.

    Parameters
    ----------
    share
        Above 0 and at most 1; 1 is everybody.
    by
        A group for each origin id, such as its district; then the share holds in each group with any demand.
    """

    share: float
    by: pd.Series | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not _is_number(self.share) or not 0 < self.share <= 1:
            percent = _is_number(self.share) and 1 < self.share <= 100
            hint = f"; {self.share:g} % is {self.share / 100:g}" if percent else ""
            raise ProblemError(f"Cover({self.share!r}): give a share above 0 and at most 1{hint}")
        if self.by is not None and not isinstance(self.by, pd.Series):
            raise ProblemError(f"Cover: by is {self.by!r}; give a Series with a group for each origin id")
        object.__setattr__(self, "share", float(self.share))

    def __str__(self) -> str:
        return f"Cover({self.share:g}" + ("" if self.by is None else f", by={self.by.name}") + ")"


@dataclass(frozen=True)
class _Sites(Rule):
    ids: tuple[object, ...]

    def __init__(self, ids: Iterable[object]) -> None:
        if isinstance(ids, str) or not isinstance(ids, Iterable):
            raise ProblemError(f'{type(self).__name__}("{ids}"): give a list of ids')
        object.__setattr__(self, "ids", tuple(ids))

    def __str__(self) -> str:
        return f"{type(self).__name__}({len(self.ids)} sites)"


class Existing(_Sites):
    """Sites that are open already: they cover, cost nothing, and are not proposed."""


class Required(_Sites):
    """Sites that every plan opens."""


class Forbidden(_Sites):
    """Sites that no plan opens."""
