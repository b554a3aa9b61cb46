"""`accessibility`: supply per head in each community; `supply_ratios`: supply per head at each facility."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array

from siting.errors import ProblemError
from siting.measure.alignment import amounts
from siting.measure.decay import Decay, check_shape, refuse_searched_less, refuse_zones
from siting.measure.reach import Reach
from siting.messages import Message
from siting.numbers import Bools, Floats

__all__ = ["Method", "accessibility", "supply_ratios"]

log = logging.getLogger(__name__)

Method = Literal["2sfca", "e2sfca", "m2sfca", "3sfca", "gravity"]
Weigh: TypeAlias = Callable[[Floats], npt.ArrayLike]


def accessibility(
    reach: Reach, demand: pd.Series, supply: pd.Series, *, method: Method = "2sfca", decay: Weigh | None = None
) -> pd.DataFrame:
    """Measure the supply per head of demand of each community, with competition for it.

    Each facility ``j`` divides its supply ``S_j`` by the demand ``P_i`` that reaches it. Each community ``i`` adds up
    its shares: ``R_j = S_j / sum_i a_ij P_i`` and ``A_i = sum_j b_ij R_j``. With ``f_ij = f(d_ij)``,

    =========  ====================  ==========  ================================================================
    method     a                     b           meaning
    =========  ====================  ==========  ================================================================
    "2sfca"    1                     1           all within the limit of *reach* count the same [1]_
    "e2sfca"   f                     f           nearer ones count more [2]_
    "gravity"  f                     f           the same sum, with `power` or `exponential` [3]_, [4]_
    "m2sfca"   f                     f²          distance also leaves supply unused [5]_
    "3sfca"    f_ij ² / sum_k f_ik   the same    people with a choice demand less of each [6]_
    =========  ====================  ==========  ================================================================

    So ``sum_i P_i A_i`` is the supply of all facilities with demand in reach; less for "m2sfca". `supply_ratios`
    shows the facilities without demand.

    Parameters
    ----------
    reach
        From communities (origins) to facilities (destinations); its limit is the catchment.
    demand, supply
        Heads by community id (infants, elderly, …), and places, beds, … by facility id.
    method, decay
        See above; ``f``, a function from an array of costs in the unit of *reach* to weights: `steps`, `gaussian`,
        `power`, `exponential`, or your own. "2sfca" takes none, the others require one.

    Returns
    -------
    DataFrame
        Index: origins. Columns: `access` (supply per head of demand; 0 where nothing is reached), `per_1000` (for 1000
        heads), `reached` (supply of all facilities in the catchment), `facilities` (their number). ``attrs``:
        `demand`, `supply`, `method`, `decay`, `limit`, `unit`, `how`.

    Raises
    ------
    ProblemError
        When demand or supply is missing, negative or not a number for an id; the method is unknown or has no decay;
        the decay reaches beyond the limit of *reach*, or gives a weight that is negative, not a number or, for
        "m2sfca", above 1; *reach* holds the nearest facilities only.

    References
    ----------
    .. [1] W. Luo and F. Wang, "Measures of spatial accessibility to health care in a GIS environment: synthesis and a
       case study in the Chicago region", Environment and Planning B 30 (6), 2003, pp. 865-884.
    .. [2] W. Luo and Y. Qi, "An enhanced two-step floating catchment area (E2SFCA) method for measuring spatial
       accessibility to primary care physicians", Health & Place 15 (4), 2009, pp. 1100-1107.
    .. [3] A. E. Joseph and P. R. Bantock, "Measuring potential physical accessibility to general practitioners in rural
       areas: a method and case study", Social Science & Medicine 16 (1), 1982, pp. 85-90.
    .. [4] Q. Shen, "Location characteristics of inner-city neighborhoods and employment accessibility of low-wage
       workers", Environment and Planning B 25 (3), 1998, pp. 345-365.
    .. [5] P. L. Delamater, "Spatial accessibility in suboptimally configured health care systems: a modified two-step
       floating catchment area (M2SFCA) metric", Health & Place 24, 2013, pp. 30-43.
    .. [6] N. Wan, B. Zou and T. Sternberg, "A three-step floating catchment area method for analyzing spatial access to
       health services", International Journal of Geographical Information Science 26 (6), 2012, pp. 1073-1089.

    Examples
    --------
    >>> table = pd.DataFrame({"origin": ["a", "b", "b"], "destination": ["x", "x", "y"], "cost": [100, 400, 200]})
    >>> reach = Reach.from_pairs(table, origins=["a", "b", "c"], destinations=["x", "y"], limit=500)
    >>> infants, places = pd.Series({"a": 100, "b": 300, "c": 50}), pd.Series({"x": 40, "y": 30})
    >>> accessibility(reach, infants, places)["per_1000"].tolist()
    [100.0, 200.0, 0.0]
    """
    shared = _first_step(reach, demand, supply, method, decay)
    ratio = np.nan_to_num(shared.ratio, nan=0.0)
    if shared.counted is shared.weights:  # all counts whole: one pass over the pairs
        access, reached = (shared.weights @ np.column_stack([ratio, shared.supply])).T
        facilities = np.diff(shared.weights.indptr).astype(np.int64)
    else:
        reached, number = (shared.counted @ np.column_stack([shared.supply, np.ones(len(shared.supply))])).T
        access, facilities = np.asarray(shared.weights @ ratio, float), number.astype(np.int64)
    columns = {"access": access, "per_1000": 1000.0 * access, "reached": reached, "facilities": facilities}
    table = pd.DataFrame(columns, index=reach.origins)
    table.attrs.update(_measured(reach, demand, supply, method, decay))
    return table


def supply_ratios(
    reach: Reach, demand: pd.Series, supply: pd.Series, *, method: Method = "2sfca", decay: Weigh | None = None
) -> pd.DataFrame:
    """Measure the supply of each facility per head of demand in reach: the first step of `accessibility`.

    ``R_j = S_j / sum_i a_ij P_i``, with ``a`` as in `accessibility`. A low ratio means a crowded facility.

    Parameters
    ----------
    reach, demand, supply, method, decay
        As for `accessibility`.

    Returns
    -------
    DataFrame
        Index: destinations. Columns: `supply`, `demand` (heads that reach it, weighted by the method), `ratio`
        (supply per head) and `per_1000`, NaN without demand, `communities` (in its catchment). ``attrs`` as there.

    Raises
    ------
    ProblemError
        As for `accessibility`.

    Examples
    --------
    >>> table = pd.DataFrame({"origin": ["a", "b", "b"], "destination": ["x", "x", "y"], "cost": [100, 400, 200]})
    >>> reach = Reach.from_pairs(table, origins=["a", "b", "c"], destinations=["x", "y"], limit=500)
    >>> infants, places = pd.Series({"a": 100, "b": 300, "c": 50}), pd.Series({"x": 40, "y": 30})
    >>> supply_ratios(reach, infants, places)["ratio"].tolist()
    [0.1, 0.1]
    """
    shared = _first_step(reach, demand, supply, method, decay)
    communities = np.asarray(shared.counted.T @ np.ones(len(reach.origins)), np.int64)
    columns = {"supply": shared.supply, "demand": shared.demand, "ratio": shared.ratio}
    table = pd.DataFrame(columns, index=reach.destinations)
    table = table.assign(per_1000=1000.0 * shared.ratio, communities=communities)
    table.attrs.update(_measured(reach, demand, supply, method, decay))
    return table


class _Shared(NamedTuple):
    """Weights of the second step and pairs counted, origins × destinations; supply, demand and ratio by destination."""

    weights: csr_array[np.float64]
    counted: csr_array[np.float64]
    supply: Floats
    demand: Floats
    ratio: Floats


def _first_step(reach: Reach, demand: pd.Series, supply: pd.Series, method: str, decay: Weigh | None) -> _Shared:
    """Compute the supply per head of each facility."""
    if method not in get_args(Method):
        raise ProblemError(Message("argument.choose", what="method", value=method, choices=get_args(Method)))
    people = amounts(demand, reach.origins, what="demand").to_numpy(float)
    places = amounts(supply, reach.destinations, what="supply", of="destinations").to_numpy(float)
    factor = _weighed(reach, method, decay)
    shape = (len(reach.origins), len(reach.destinations))
    starts = np.zeros(shape[0] + 1, reach.destination.dtype)
    np.cumsum(np.bincount(reach.origin, minlength=shape[0]), out=starts[1:])  # pairs are ordered by origin

    def matrix(values: Floats) -> csr_array[np.float64]:
        return csr_array((values, reach.destination, starts), shape=shape)

    counted = None if method == "2sfca" else matrix((factor > 0).astype(float))
    if method == "3sfca":
        chosen = np.bincount(reach.origin, factor, shape[0])[reach.origin]
        factor = factor * (factor / np.where(chosen > 0, chosen, 1.0))
    first = matrix(factor)
    second = matrix(factor * factor) if method == "m2sfca" else first
    heads = np.asarray(first.T @ people, float)
    ratio = _ratio(places, heads, reach.destinations)
    return _Shared(second, second if counted is None else counted, places, heads, ratio)


def _ratio(places: Floats, heads: Floats, ids: pd.Index) -> Floats:
    """Divide where there is demand; NaN elsewhere."""
    ratio = np.full(len(places), np.nan)
    with np.errstate(over="ignore"):
        np.divide(places, heads, out=ratio, where=heads > 0)
    if np.isinf(ratio).any():
        raise ProblemError(Message("measure.crowded", ids=ids[np.isinf(ratio)]))
    if (idle := (heads == 0) & (places > 0)).any():
        log.info(Message("measure.idle", n=int(idle.sum()), ids=ids[idle]))
    return ratio


def _weighed(reach: Reach, method: str, decay: Weigh | None) -> Floats:
    """Weight each pair; refuse invalid weights."""
    if reach.nearest_only is not None and reach.nearest_only < len(reach.destinations):
        raise ProblemError(Message("reach.nearest_shared", n=reach.nearest_only))
    if method == "2sfca":
        if decay is not None:
            raise ProblemError(Message("measure.decay_not_taken"))
        return np.ones(len(reach))
    if not callable(decay):
        refuse_zones(decay)
        raise ProblemError(Message("measure.decay_needed", method=method, value=decay))
    refuse_searched_less(decay, reach.limit, reach.unit)
    with np.errstate(all="ignore"):  # what is not finite is refused below
        factor = np.asarray(decay(reach.cost.copy()), float)  # a decay may compute in place
    check_shape(factor, reach.cost)
    if (wrong := ~np.isfinite(factor) | (factor < 0)).any():
        raise ProblemError(Message("measure.decay_negative", **_first_wrong(reach, decay, factor, wrong)))
    if method == "m2sfca" and (factor > 1).any():
        raise ProblemError(Message("measure.decay_above_one", **_first_wrong(reach, decay, factor, factor > 1)))
    return factor


def _first_wrong(reach: Reach, decay: object, factor: Floats, wrong: Bools) -> dict[str, Any]:
    """Return the values of a message on the first pair with a wrong weight."""
    at = int(np.argmax(wrong))
    origin, destination = reach.origins[reach.origin[at]], reach.destinations[reach.destination[at]]
    pair = [Message("reach.pair", origin=origin, destination=destination)]
    name = repr(decay) if isinstance(decay, Decay) else "decay"
    facts = {"cost": reach.cost[at], "unit": reach.unit, "factor": factor[at]}
    return {"decay": name, "pair": pair, "n": int(wrong.sum()), **facts}


def _measured(reach: Reach, demand: pd.Series, supply: pd.Series, method: str, decay: object) -> dict[str, Any]:
    """Describe what was measured, for `attrs`."""
    name = None if decay is None else getattr(decay, "__name__", repr(decay))
    names = {"demand": demand.name, "supply": supply.name, "method": method, "decay": name}
    return {**names, "limit": reach.limit, "unit": reach.unit, "how": reach.how}
