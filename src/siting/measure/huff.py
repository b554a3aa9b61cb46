"""`huff`: where people go when they choose among facilities; `huff_probabilities`: with what probability."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from siting.errors import ProblemError
from siting.measure.alignment import amounts
from siting.measure.decay import Decay, check_shape, refuse_searched_less, refuse_zones
from siting.measure.reach import Reach, refuse_other
from siting.messages import Message
from siting.numbers import Floats

__all__ = ["decayed_attraction", "huff", "huff_probabilities", "refuse_no_decay"]

Weigh: TypeAlias = Callable[[Floats], npt.ArrayLike]


def huff(
    reach: Reach,
    demand: pd.Series,
    attractiveness: pd.Series | None = None,
    *,
    decay: Weigh,
    alpha: float = 1.0,
    no_choice: float = 0.0,
) -> pd.DataFrame:
    """Estimate the visitors of each facility when people choose among all in reach: Huff's model [1]_.

    A person of community ``i`` goes to facility ``j`` with the probability ``P_ij = U_ij / (U_0 + sum_k U_ik)``, its
    utility ``U_ij = A_j ** alpha f(d_ij)`` as a share of all there is to choose.

    Parameters
    ----------
    reach
        From communities (origins) to facilities (destinations), those of competitors included. What is beyond its
        limit is not chosen.
    demand
        People by community id.
    attractiveness
        ``A`` by facility id: floor area, places, a grade. Without it all attract alike.
    decay
        ``f``, a function from an array of costs in the unit of *reach* to weights of 0 or more: `power` (Huff's own),
        `exponential`, `gaussian`, `linear`, `steps`, or your own. Estimate its parameter for the service.
    alpha
        Exponent of the attractiveness, 0 or more.
    no_choice
        ``U_0``, the utility of going nowhere, in the unit of ``U``; with 0 all who have something in reach go.

    Returns
    -------
    DataFrame
        Index: destinations. Columns: `visitors` (expected), `share` (of all demand), `mean` (cost of a visitor, NaN
        without any), `communities` (some of whose people may come). ``attrs``: `decay`, `alpha`, `no_choice`, `limit`,
        `unit`, `how`.

    Raises
    ------
    ProblemError
        When an amount is missing, negative or not a number; the decay reaches beyond the limit of *reach*, or gives a
        weight that is negative or not a number; *reach* holds the nearest facilities only.

    References
    ----------
    .. [1] D. L. Huff, "Defining and estimating a trading area", Journal of Marketing 28 (3), 1964, pp. 34-38.

    Examples
    --------
    >>> import siting as st
    >>> table = pd.DataFrame({"origin": ["a", "a", "b"], "destination": ["x", "y", "y"], "cost": [100, 200, 100]})
    >>> reach = Reach.from_pairs(table, origins=["a", "b", "c"], destinations=["x", "y"], limit=500)
    >>> people, area = pd.Series({"a": 60, "b": 20, "c": 9}), pd.Series({"x": 100, "y": 200})
    >>> huff(reach, people, area, decay=st.decay.power(2, least=100))[["visitors", "mean"]].round(1)
       visitors   mean
    x      40.0  100.0
    y      40.0  150.0
    """
    pairs = huff_probabilities(reach, demand, attractiveness, decay=decay, alpha=alpha, no_choice=no_choice)
    n, at = len(reach.destinations), reach.destination
    people = pairs["visitors"].to_numpy(float)
    visitors = np.bincount(at, people, n)
    travel = np.bincount(at, people * reach.cost, n)
    total = float(amounts(demand, reach.origins, what="demand").sum())
    mean = np.divide(travel, visitors, out=np.full(n, np.nan), where=visitors > 0)
    communities = np.bincount(at[pairs["probability"].to_numpy() > 0], minlength=n)
    columns = {"visitors": visitors, "share": visitors / total if total else np.nan, "mean": mean}
    table = pd.DataFrame(columns, index=reach.destinations).assign(communities=communities)
    table.attrs.update(pairs.attrs)
    return table


def huff_probabilities(
    reach: Reach,
    demand: pd.Series,
    attractiveness: pd.Series | None = None,
    *,
    decay: Weigh,
    alpha: float = 1.0,
    no_choice: float = 0.0,
) -> pd.DataFrame:
    """Estimate with what probability people of each community choose each facility: Huff's model, see `huff`.

    Parameters
    ----------
    reach, demand, attractiveness, decay, alpha, no_choice
        As for `huff`.

    Returns
    -------
    DataFrame
        A row per pair of the reach: `origin`, `destination`, `cost`, `probability`, `visitors` (expected). The
        probabilities of a community add up to 1 without *no_choice*; ``attrs`` as there.

    Raises
    ------
    ProblemError
        As for `huff`.

    Examples
    --------
    >>> import siting as st
    >>> table = pd.DataFrame({"origin": ["a", "a"], "destination": ["x", "y"], "cost": [100, 200]})
    >>> reach = Reach.from_pairs(table, origins=["a"], destinations=["x", "y"], limit=500)
    >>> share = huff_probabilities(reach, pd.Series({"a": 60}), decay=st.decay.power(2, least=100), no_choice=0.25)
    >>> share["probability"].round(3).tolist()
    [0.667, 0.167]
    """
    refuse_other(reach)
    if reach.nearest_only is not None and reach.nearest_only < len(reach.destinations):
        raise ProblemError(Message("reach.nearest_choice", n=reach.nearest_only))
    for name, value in (("alpha", alpha), ("no_choice", no_choice)):
        if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= float(value) < math.inf:
            raise ProblemError(Message("argument.not_negative", what=name, value=value).within("huff"))
    people = amounts(demand, reach.origins, what="demand").to_numpy(float)
    appeal = np.ones(len(reach.destinations))
    if attractiveness is not None:
        given = amounts(attractiveness, reach.destinations, what="attractiveness", of="destinations")
        appeal = given.to_numpy(float)
    refuse_no_decay(decay, reach.limit, reach.unit)
    utility = decayed_attraction(appeal[reach.destination], reach.cost, decay, float(alpha))
    total = float(no_choice) + np.bincount(reach.origin, utility, len(reach.origins))[reach.origin]
    probability = np.divide(utility, total, out=np.zeros(len(utility)), where=total > 0)
    table = reach.pairs().assign(probability=probability, visitors=people[reach.origin] * probability)
    name = repr(decay) if isinstance(decay, Decay) else getattr(decay, "__name__", "function")
    named: dict[str, Any] = {"decay": name, "alpha": float(alpha), "no_choice": float(no_choice)}
    table.attrs.update({**named, "limit": reach.limit, "unit": reach.unit, "how": reach.how})
    return table


def refuse_no_decay(decay: object, limit: float, unit: str) -> None:
    """Refuse what is no function, and a decay that counts what lies beyond the limit of a reach."""
    if not callable(decay):
        refuse_zones(decay)
        raise ProblemError(Message("measure.decay_no_function", value=decay))
    refuse_searched_less(decay, limit, unit)


def decayed_attraction(appeal: Floats, cost: Floats, decay: Weigh, alpha: float) -> Floats:
    """Return the utility ``A ** alpha f(d)`` of each pair; refuse weights that are negative or not numbers.

    Examples
    --------
    >>> decayed_attraction(np.array([2.0]), np.array([100.0]), lambda cost: 1 / cost, 2.0).tolist()
    [0.04]
    """
    with np.errstate(all="ignore"):  # what is not finite is refused below
        weight = np.asarray(decay(cost.copy()), float)  # a decay may compute in place
        check_shape(weight, cost)
        if (wrong := ~np.isfinite(weight) | (weight < 0)).any():
            costs = [f"{each:g}" for each in np.unique(cost[wrong])]
            raise ProblemError(Message("measure.decay_costs", costs=costs))
        utility = np.asarray(appeal**alpha * weight)
    if not np.isfinite(utility).all():
        raise ProblemError(Message("measure.power", alpha=alpha))
    return utility
