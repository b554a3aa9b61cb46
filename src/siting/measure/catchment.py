"""`catchment`: the sum of weights within a walk of each place, without keeping pairs."""

from __future__ import annotations

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siting.errors import ProblemError
from siting.measure.alignment import weights as aligned
from siting.measure.decay import check_shape
from siting.measure.walk_limit import located, sloped, walk_limit
from siting.messages import Message
from siting.network import Network, Places, Walk, search
from siting.numbers import Floats, Ints
from siting.progress_bar import progress_bar

__all__ = ["catchment"]


def catchment(
    network: Network,
    origins: gpd.GeoDataFrame | Places,
    destinations: gpd.GeoDataFrame | Places,
    weights: pd.Series | pd.DataFrame | None = None,
    *,
    metres: float | None = None,
    minutes: float | None = None,
    walk: Walk | None = None,
    decay: Callable[[Floats], npt.ArrayLike] | None = None,
    max_snap: float = 250.0,
    threads: int | None = None,
    progress: Callable[[int, int], None] | bool | None = None,
) -> pd.DataFrame:
    """Add up the weights within reach of each origin: ``sum_j w(j) f(d(i, j))`` over the ``j`` with ``d(i, j) <= R``.

    Cumulative opportunities [1]_. No pairs are kept, so that every node of a city can be an origin.

    Parameters
    ----------
    network, origins, destinations
        The streets; layers of points or polygons, or places on the network.
    weights
        Weights by destination id: beds, people, …; a Series, or a column for each weight.
    metres, minutes, walk, max_snap, threads, progress
        As for `travel`.
    decay
        A function from an array of costs (metres, or minutes if *minutes* is given) to factors of the weights. Without
        it every factor within the limit is 1.

    Returns
    -------
    DataFrame
        Index: origins. A column for each weight, and `count`, the number of destinations within the limit.

    Raises
    ------
    ProblemError
        When a weight is missing, negative or not a number, the limit is absent or implausible, or a factor not finite.
    LayerError, NetworkError
        As for `travel`.

    References
    ----------
    .. [1] M. Wachs and T. G. Kumagai, "Physical accessibility as a social indicator", Socio-Economic Planning
       Sciences 7 (5), 1973, pp. 437-456.

    Examples
    --------
    >>> import siting as st
    >>> town = st.load_sample()
    >>> net = st.Network.from_streets(town["streets"])
    >>> near = catchment(net, town["communities"], town["childcare"], town["childcare"]["places"], metres=500)
    >>> near.columns.tolist()
    ['places', 'count']
    """
    farthest = walk_limit(metres, minutes, walk)
    if decay is not None and not callable(decay):
        raise ProblemError(Message("measure.decay_factors", value=decay))
    start, stop = (located(network, what, max_snap, walk) for what in (origins, destinations))
    network = network.for_walk(walk)
    given = pd.DataFrame(index=stop.ids) if weights is None else weights
    table = aligned(given, stop.ids, what="weights", of="destinations")
    if "count" in table:
        raise ProblemError(Message("measure.weight_count"))
    with progress_bar(progress) as report:
        added, number = search.sums(
            network, start, stop, table.to_numpy(float), farthest.millimetres, walk=sloped(network, farthest.walk),
            decay=None if decay is None else _factors(decay, farthest.speed), threads=threads, progress=report,
        )  # fmt: skip
    return pd.DataFrame(added, index=start.ids, columns=table.columns).assign(count=number)


def _factors(decay: Callable[[Floats], npt.ArrayLike], speed: float) -> Callable[[Ints], Floats]:
    """Let *decay* take metres or minutes, and check its factors."""

    def factors(way: Ints) -> Floats:
        cost = way / 1000.0 / speed
        factor = np.asarray(decay(cost), float)
        check_shape(factor, cost)
        if (wrong := ~np.isfinite(factor)).any():
            raise ProblemError(Message("measure.decay_infinite", factor=factor[wrong][0], cost=cost[wrong][0]))
        return factor

    return factors
