"""What `siting` does, through its public calls; answers as the peers give them, positions and whole millimetres."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

import siting as st
from benchmarks.city import CRS, City, Floats, Ints
from benchmarks.measure import AbsentError, Pairs

__all__ = [
    "bare",
    "catchment",
    "dissolved_areas",
    "network",
    "pairs",
    "places",
    "public",
    "reached_metres", "reached_spans",
    "reached_streets",
    "ready",
    "service_areas",
    "travel",
    "weights",
    "what_if",
]  # fmt: skip


def public(name: str, module: str = "siting") -> Callable[..., Any]:
    """Return the public call *name*; raise `AbsentError` where it does not exist."""
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is None:
        raise AbsentError(f"{module} has no {name}")
    call: Callable[..., Any] = found
    return call


def network(city: City) -> st.Network:
    """Build the network from arrays."""
    return st.Network.from_arrays(city.x, city.y, city.u, city.v, length=city.length_m, crs=CRS)


def ready(city: City) -> st.Network:
    """Build the network and the graph that is searched, which is otherwise made at the first search."""
    net = network(city)
    net.core()
    return net


def places(net: st.Network, nodes: Ints | None = None) -> Any:
    """Places at nodes of the city, all where none are named; their ids are the nodes' numbers.

    All are in the network's own order, along its curve.
    """
    return net.places_at_nodes(None if nodes is None else pd.Index(nodes))


def pairs(reach: st.Reach) -> Pairs:
    """Take origin, destination and whole millimetres out of a reach."""
    mm = np.rint(reach.cost * 1000.0).astype(np.int64)
    return reach.origin.astype(np.int64), reach.destination.astype(np.int64), mm


def travel(net: st.Network, origins: Any, destinations: Any, *, threads: int = 1, **asked: float) -> st.Reach:
    """Walk, with one thread unless more are asked for."""
    return st.travel(net, origins, destinations, threads=threads, **asked)  # type: ignore[arg-type, unused-ignore]


def catchment(net: st.Network, origins: Any, destinations: Any, weight: pd.Series, metres: float) -> pd.DataFrame:
    """Sum *weight* and count the destinations within reach of each origin."""
    call = public("catchment")
    found: pd.DataFrame = call(net, origins, destinations, weight, metres=metres, **_one_thread(call))
    return found


def reached_streets(net: st.Network, facilities: Any, metres: float) -> gpd.GeoDataFrame:
    """Streets reached from each facility, the last ones in part, cut and drawn."""
    call = public("service_streets", "siting.measure")
    found: gpd.GeoDataFrame = call(net, facilities, metres=metres, **_one_thread(call))
    return found


def reached_spans(net: st.Network, facilities: Any, metres: float) -> object:
    """Say the same as numbers: facility, edge, from and to; what the peers give, who draw nothing."""
    from siting.network.reached_streets import reached_pieces

    return reached_pieces(net, facilities, [round(metres * 1000)], mode="each")


def service_areas(net: st.Network, facilities: Any, metres: float, width: float) -> gpd.GeoDataFrame:
    """Draw the area of each facility."""
    call = public("service_areas")
    found: gpd.GeoDataFrame = call(net, facilities, metres=metres, width=width, **_one_thread(call))
    return found


def dissolved_areas(
    net: st.Network, facilities: Any, metres: Sequence[float], width: float, **asked: float
) -> gpd.GeoDataFrame:
    """Draw one area for each limit."""
    call = public("service_areas")
    found: gpd.GeoDataFrame = call(
        net, facilities, metres=metres, width=width, overlap="dissolve", **asked, **_one_thread(call)
    )
    return found


def _one_thread(call: Callable[..., Any]) -> dict[str, int]:
    """Ask for one thread where a call takes threads."""
    return {"threads": 1} if "threads" in inspect.signature(call).parameters else {}


def what_if(reach: st.Reach, demand: pd.Series, opened: Sequence[Any]) -> Any:
    """Prepare to open and close sites."""
    return public("WhatIf")(reach, demand, open=opened)


def bare(net: st.Network, sources: Any, sought: Any, limit: int) -> Callable[[], object]:
    """Return a call of the compiled search alone: arrays ready, one list of keys, nothing sorted, turned or wrapped.

    It looks behind the public calls; the tests find when names there have changed.
    """
    from siting.network import search_kernels
    from siting.network.search_threads import Workspace, search_task

    swap = len(sought) < len(sources)
    few, many = (sought, sources) if swap else (sources, sought)
    task = search_task(net, few, many, limit, None, reverse=swap)
    space = Workspace(task)
    n = len(task.order)
    counts = np.zeros(n, np.int64)

    def run() -> int:
        return space.search(0, n, rows=False, counts=counts)[2]

    while (status := run()) != search_kernels.DONE:
        space.grow(status)
    return run


def weights(floats: Floats, ids: Any, name: str = "weight") -> pd.Series:
    """Weights by the ids of places."""
    return pd.Series(floats, index=ids, name=name)


def reached_metres(streets: pd.DataFrame, facilities: Any) -> Floats:
    """Metres of streets reached from each facility, in their order."""
    return streets.groupby("facility")["metres"].sum().reindex(facilities.ids, fill_value=0.0).to_numpy(float)
