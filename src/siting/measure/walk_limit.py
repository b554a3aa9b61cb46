"""Common to all walks along streets: the limit in millimetres, the walker's slopes, and places on the network."""

from __future__ import annotations

import math
from dataclasses import replace
from numbers import Integral
from typing import NamedTuple

import geopandas as gpd

from siting.errors import NetworkError, ProblemError
from siting.limits import metres_of, minutes_of
from siting.measure.reach import Unit
from siting.messages import Message
from siting.network import Network, Places, Walk, search
from siting.network.snapping import place

__all__ = ["WalkLimit", "located", "sloped", "walk_limit"]


class WalkLimit(NamedTuple):
    """A limit: whole millimetres, the unit of costs, and the walker for minutes (None for metres)."""

    millimetres: int
    unit: Unit
    walk: Walk | None

    @property
    def speed(self) -> float:
        """Metres per unit of cost."""
        return 1.0 if self.walk is None else self.walk.speed


def walk_limit(
    metres: float | None, minutes: float | None, walk: Walk | None = None, nearest: int | None = None
) -> WalkLimit:
    """Read a limit in metres or minutes; refuse one that is absent, given twice or implausible (0.5 is no metres)."""
    if metres is not None and minutes is not None:
        raise ProblemError(Message("argument.not_both", one="metres", other="minutes"))
    if walk is not None and not isinstance(walk, Walk):
        raise ProblemError(Message("reach.walk", value=walk))
    if nearest is not None and (not isinstance(nearest, Integral) or isinstance(nearest, bool) or nearest < 1):
        raise ProblemError(Message("argument.whole", what="nearest", value=nearest, least=1))
    if minutes is not None:
        who = walk or Walk.adult()
        return WalkLimit(math.floor(who.metres(minutes_of(minutes, "minutes")) * 1000 + 1e-6), "min", who)
    if metres is None and nearest is None:
        raise ProblemError(Message("reach.no_limit"))
    if metres is None:
        return WalkLimit(search.LONGEST, "m", None)
    return WalkLimit(math.floor(metres_of(metres, "metres") * 1000 + 1e-6), "m", None)


def sloped(network: Network, walk: Walk | None) -> Walk | None:
    """Leave out the response to slopes where no heights are known; a slope costs minutes, not metres."""
    return walk if walk is None or network.rise is not None else replace(walk, slope=None)


def located(
    network: Network, layer: gpd.GeoDataFrame | Places, max_snap: float, walk: Walk | None, name: str = "places"
) -> Places:
    """Place a layer on the streets that are open to *walk*; refuse places of another network."""
    if not isinstance(network, Network):
        raise NetworkError(Message("reach.network", value=network))
    streets = network.for_walk(walk)
    if not isinstance(layer, Places):
        return streets.locate(layer, max_snap=max_snap, name=name)
    if not network.holds(layer):
        raise NetworkError(Message("reach.other_network"))
    if streets is network:
        return layer
    return place(streets, layer.ids, layer.geometry, layer.max_snap, name, any_street=layer.any_street)
