"""Objectives. An objective is a plain value; with rules it makes a siting problem."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
import pandas as pd

from siting.errors import ProblemError
from siting.measure.point_reach import PointReach
from siting.measure.reach import Reach
from siting.messages import Message
from siting.propose.problem.rule_values import Value, argument_of, at_least_zero, is_number, site_to_site

__all__ = ["MaxCoverage", "MaxSpacing", "MinCost", "MinFarthest", "MinSites", "MinTravel", "Objective", "travels"]


@dataclass(frozen=True, eq=False)
class Objective(Value):
    """The objective of a plan."""


@dataclass(frozen=True, eq=False)
class MaxCoverage(Objective):
    """Cover as much demand as possible: the maximal covering location problem (MCLP) [1]_.

    Parameters
    ----------
    decay
        Weight by distance: a function from an array of costs (in the unit of the reach) to weights of 0
        or more that do not rise, such as `gaussian` or `steps`; the nearest open site counts [2]_. Without it the
        weight within the limit is 1.
    weights
        With several services, weight of a person of each; default 1.

    Raises
    ------
    ProblemError
        When *decay* is not a function, or a weight is not a number of 0 or more.

    References
    ----------
    .. [1] R. Church and C. ReVelle, "The maximal covering location problem", Papers of the Regional Science Association
       32, 1974, pp. 101-118.
    .. [2] O. Berman and D. Krass, "The generalized maximal covering location problem", Computers & Operations Research
       29 (6), 2002, pp. 563-581.
    """

    decay: Callable[[npt.NDArray[Any]], npt.ArrayLike] | None = None
    weights: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        if self.decay is not None and not callable(self.decay):
            raise ProblemError(
                Message("problem.decay", what=argument_of("MaxCoverage", "decay"), value=self.decay, example="gaussian")
            )
        if self.weights is not None and not isinstance(self.weights, Mapping):
            raise ProblemError(
                Message("problem.by_service", what=argument_of("MaxCoverage", "weights"), value=self.weights)
            )
        for name, weight in (self.weights or {}).items():
            at_least_zero(weight, Message("problem.weight_of", service=name))

    def __str__(self) -> str:
        parts = [] if self.decay is None else [f"decay={getattr(self.decay, 'name', None) or 'function'}"]
        parts += [] if self.weights is None else [f"weights={dict(self.weights)}"]
        return f"MaxCoverage({', '.join(parts)})"


@dataclass(frozen=True, eq=False)
class MinSites(Objective):
    """Open as few sites as possible: set covering (LSCP) [1]_, or partial covering with a share below 1.

    References
    ----------
    .. [1] C. Toregas, R. Swain, C. ReVelle and L. Bergman, "The location of emergency service facilities", Operations
       Research 19 (6), 1971, pp. 1363-1373.
    """


@dataclass(frozen=True, eq=False)
class MinCost(Objective):
    """Minimise the cost of opening, and with *travel* also of walking [1]_.

    Parameters
    ----------
    cost
        Cost of opening each site, by id; a mapping with a Series for each service. Without it the column `cost` of the
        options.
    travel
        Cost of one unit (metre or minute) of one person's distance to the nearest open site. Above 0 everybody must
        be served, as in the uncapacitated facility location problem.

    Raises
    ------
    ProblemError
        When *travel* is not a number of 0 or more.

    References
    ----------
    .. [1] G. Cornuejols, G. L. Nemhauser and L. A. Wolsey, "The uncapacitated facility location problem", in P. B.
       Mirchandani and R. L. Francis (eds.), Discrete Location Theory, Wiley, 1990, pp. 119-171.
    """

    cost: pd.Series | Mapping[str, pd.Series] | None = None
    travel: float = 0.0

    def __post_init__(self) -> None:
        at_least_zero(self.travel, argument_of("MinCost", "travel"))

    def __str__(self) -> str:
        return "MinCost()" if not self.travel else f"MinCost(travel={self.travel:g})"


@dataclass(frozen=True, eq=False)
class MinTravel(Objective):
    """Minimise the total distance: the sum over all people of the distance to the nearest open site (p-median) [1]_.

    Parameters
    ----------
    beyond
        Distance counted for a person in reach of no open site, in the unit of the reach, at least its limit. Without
        it everybody must be served.

    Raises
    ------
    ProblemError
        When *beyond* is not a number above 0.

    References
    ----------
    .. [1] S. L. Hakimi, "Optimum locations of switching centers and the absolute centers and medians of a graph",
       Operations Research 12 (3), 1964, pp. 450-459.
    """

    beyond: float | None = None

    def __post_init__(self) -> None:
        if self.beyond is not None and not (is_number(self.beyond) and 0 < self.beyond < math.inf):
            raise ProblemError(
                Message("argument.above_zero", what=argument_of("MinTravel", "beyond"), value=self.beyond)
            )

    def __str__(self) -> str:
        return "MinTravel()" if self.beyond is None else f"MinTravel(beyond={self.beyond:g})"


@dataclass(frozen=True, eq=False)
class MinFarthest(Objective):
    """Minimise the largest distance from a community to its nearest open site (p-center) [1]_.

    Communities without demand do not count.

    References
    ----------
    .. [1] S. L. Hakimi, 1964; see `MinTravel`. The search over set covering problems is that of E. Minieka, "The
       m-center problem", SIAM Review 12 (1), 1970, pp. 138-139.
    """


@dataclass(frozen=True, eq=False)
class MaxSpacing(Objective):
    """Maximise the smallest distance between two open sites (p-dispersion) [1]_.

    Parameters
    ----------
    between
        A `Reach` from the sites to the sites. Pairs that are not in it are farther apart than its limit: a plan
        without a pair in it has the objective infinity. Pairs of existing sites do not count. Of a `PointReach` all
        pairs are computed.

    Raises
    ------
    ProblemError
        When *between* is not a Reach, or its origins are not its destinations.

    References
    ----------
    .. [1] M. J. Kuby, "Programming models for facility dispersion: the p-dispersion and maxisum dispersion problems",
       Geographical Analysis 19 (4), 1987, pp. 315-329.
    """

    between: Reach

    def __post_init__(self) -> None:
        if isinstance(self.between, PointReach):
            object.__setattr__(self, "between", self.between.to(self.between.destinations))
        site_to_site(self.between, argument_of("MaxSpacing", "between"))


def travels(objective: Objective) -> bool:
    """Tell whether an objective adds up or compares ways."""
    return isinstance(objective, (MinTravel, MinFarthest)) or (isinstance(objective, MinCost) and objective.travel > 0)
