"""`merge_demand` and `merge_reach`: millions of customers become a few groups, with the same best plans."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from siting.errors import ProblemError
from siting.limits import metres_of
from siting.measure import Reach
from siting.measure.alignment import amounts, unique_ids
from siting.measure.reach import TOLERANCE
from siting.messages import Message
from siting.numbers import Floats
from siting.propose.candidates import candidate_kernels as kernels
from siting.renamed import renamed_keywords

__all__ = ["merge_demand", "merge_reach"]

#: Pairs of points and sites in a block before merging: few enough for the processor's cache.
AT_ONCE = 1_000_000


@renamed_keywords(weights="demand")
def merge_demand(points: Any, demand: Any, sites: Any, *, metres: float) -> tuple[Reach, pd.Series]:
    """Merge people who reach the same sites in a straight line, without all pairs in memory.

    Parameters
    ----------
    points
        The points of the demand: an n × 2 array of coordinates, a layer of points or anything else with `x` and `y`; or
        an iterable of chunks ``(points, demand)`` of these. Coordinates are in metres, in the projection of *sites*.
    demand
        Demand of each point; None for 1 each, and when *points* are chunks.
    sites
        An m × 2 array, whose ids are 0, 1, …, or a layer of points, whose index they are.
    metres
        How far the demand reaches, inclusive.

    Returns
    -------
    tuple[Reach, pandas.Series]
        For `solve`. The origins "g0001", … are the sets of sites, in the order of their first appearance; one may
        be empty: the demand that reaches no site. The cost of a pair is the largest distance of the group's points
        from the site. The Series is the demand of each group.

    Raises
    ------
    ProblemError
        When a coordinate or demand is not a number, a demand is negative, an id occurs twice, the limit is not above 0,
        or a layer is in degrees or in another projection.

    See Also
    --------
    merge_reach : The same for distances on streets.

    Notes
    -----
    Demands with one set of sites are covered together or not at all, so every plan covers as much of the groups as of
    the points. This holds for *metres* only: merge again for another limit, and do not use a decay.

    Examples
    --------
    >>> points = [[0, 0], [10, 0], [500, 0], [9000, 0]]
    >>> reach, demand = merge_demand(points, [3, 4, 5, 6], [[0, 0], [600, 0]], metres=500)
    >>> demand.to_dict()
    {'g0001': 7.0, 'g0002': 5.0, 'g0003': 6.0}
    >>> reach.pairs()
      origin  destination   cost
    0  g0001            0   10.0
    1  g0002            1  100.0
    2  g0002            0  500.0
    """
    metres = metres_of(metres, "metres")
    where, ids, crs = _places(sites, "sites")
    cells, block = _cells(where, float(metres))
    groups = _Groups(len(ids))
    # A list may be of chunks, pairs of points and weights, or of coordinates.
    pairs = isinstance(points, (list, tuple)) and len(points) > 0 and isinstance(points[0], (list, tuple))
    chunked = isinstance(points, Iterator) or (pairs and np.ndim(points[0][0]) > 0)
    if chunked and demand is not None:
        raise ProblemError(Message("candidates.demand_twice"))
    begin = 0
    for chunk, chunk_demand in points if chunked else [(points, demand)]:
        place, index, other = _places(chunk, "points", begin)
        if crs is not None and other is not None and crs != other:
            raise ProblemError(Message("candidates.other_crs"))
        people = np.ones(len(index)) if chunk_demand is None else np.ascontiguousarray(chunk_demand, float)
        if people.shape != (len(index),):
            raise ProblemError(Message("candidates.weights_shape", shape=people.shape, n=len(index)))
        wrong = ~(np.isfinite(people) & (people >= 0))
        if wrong.any():
            raise ProblemError(Message("ids.negative", what="demand", ids=index[wrong], n=int(wrong.sum())))
        for at in range(0, len(place), len(block.begins) - 1):
            some_ = place[at : at + len(block.begins) - 1]
            kernels.near(some_, cells, block)
            groups.add(block._replace(begins=block.begins[: len(some_) + 1]), people[at : at + len(some_)])
        begin += len(place)
    return groups.reach(ids, np.sqrt, limit=float(metres), unit="m", how="straight line, merged")


def merge_reach(parts: Iterable[tuple[Reach, pd.Series]]) -> tuple[Reach, pd.Series]:
    """Merge origins that reach the same destinations, part by part, without all pairs in memory.

    Parameters
    ----------
    parts
        Parts from `travel_in_parts`, each with the demand of its origins; a whole Reach is one part.

    Returns
    -------
    tuple[Reach, pandas.Series]
        As from `merge_demand`, in the unit and with the limit of the parts.

    Raises
    ------
    ProblemError
        When there is no part, parts differ in destinations, limit or unit, a part holds the nearest only, or demand is
        missing, negative or not a number.

    Examples
    --------
    >>> import siting as st
    >>> town = st.load_sample()
    >>> net, homes = st.Network.from_streets(town["streets"]), town["communities"]
    >>> parts = st.measure.travel_in_parts(net, homes, town["candidates"], metres=800, max_pairs=500)
    >>> reach, demand = merge_reach((part, homes["population"].loc[part.origins]) for part in parts)
    >>> bool(demand.sum() == homes["population"].sum()), len(demand) < len(homes)
    (True, True)
    """
    groups: _Groups | None = None
    for part, demand in parts:
        if part.nearest_only is not None:
            raise ProblemError(Message("problem.nearest_only", what="parts"))
        if groups is None:
            like, groups = part, _Groups(len(part.destinations))
        if not part.destinations.equals(like.destinations) or (part.limit, part.unit) != (like.limit, like.unit):
            one = {"n": len(like.destinations), "limit": like.limit, "unit": like.unit}
            other = {"other_n": len(part.destinations), "other_limit": part.limit, "other_unit": part.unit}
            raise ProblemError(Message("candidates.parts_differ", **one, **other))
        order = np.lexsort((part.destination, part.origin))
        begins = np.searchsorted(part.origin[order], np.arange(len(part.origins) + 1))
        people = amounts(demand, part.origins, what="demand", of="origins").to_numpy(float)
        groups.add(kernels.Near(begins, part.destination[order].astype(np.int32), part.cost[order]), people)
    if groups is None:
        raise ProblemError(Message("argument.empty", what="parts"))
    return groups.reach(like.destinations, None, limit=like.limit, unit=like.unit, how=f"{like.how}, merged")


def _places(layer: Any, what: str, begin: int = 0) -> tuple[Floats, pd.Index, Any]:
    crs = getattr(layer, "crs", None)
    if crs is not None and getattr(crs, "is_geographic", False):
        raise ProblemError(Message("candidates.degrees", what=what))
    points = getattr(layer, "geometry", layer)
    if hasattr(points, "x") and hasattr(points, "y"):
        place = np.column_stack([np.asarray(points.x, float), np.asarray(points.y, float)])
    else:
        place = np.asarray(points, float)
    if place.ndim != 2 or place.shape[1] != 2:
        raise ProblemError(Message("candidates.shape", what=what, shape=place.shape))
    index = layer.index if isinstance(getattr(layer, "index", None), pd.Index) else pd.RangeIndex(len(place)) + begin
    wrong = ~np.isfinite(place).all(axis=1)
    if wrong.any():
        raise ProblemError(Message("candidates.coordinate", what=what, ids=index[wrong]))
    if what == "sites" and not len(unique_ids(index, what)):
        raise ProblemError(Message("argument.empty", what="sites"))
    return np.ascontiguousarray(place), index, crs


def _cells(sites: Floats, metres: float) -> tuple[kernels.Cells, kernels.Near]:
    """Make square cells around the sites, each with the sites in reach of any of its points; and room for a block."""
    square, reach = (metres * (1 + TOLERANCE)) ** 2, metres * (1 + 2 * TOLERANCE)
    low, high = sites.min(axis=0) - reach, sites.max(axis=0) + reach
    # Small cells list fewer unreached sites; a million cells are made quickly.
    side = max(metres / 6, float(np.sqrt(np.prod(high - low) / 250_000)), float((high - low).max()) / 1e6)
    shape = np.ceil((high - low) / side).astype(np.int64) + 1
    cells, at = [], []
    for j, place in enumerate(sites):
        first, last = (np.floor((place + sign * reach - low) / side).astype(np.int64) for sign in (-1, 1))
        # One more cell on each side, against rounding; sites too far from the cell are left out later.
        columns, rows = (np.arange(max(a - 1, 0), min(b + 2, n)) for a, b, n in zip(first, last, shape, strict=True))
        dx, dy = (
            np.maximum(0, np.maximum(c * side + o - p, p - o - (c + 1) * side) - 1e-6 * side)
            for c, o, p in zip((columns, rows), low, place, strict=True)
        )
        row, column = np.nonzero(dx[None, :] ** 2 + dy[:, None] ** 2 <= square)
        cells.append(rows[row] * shape[0] + columns[column])
        at.append(np.full(len(row), j))
    cell, site = np.concatenate(cells), np.concatenate(at)
    number = np.bincount(cell, minlength=int(np.prod(shape)))
    starts = np.concatenate([[0], np.cumsum(number)])
    listed = site[np.argsort(cell, kind="stable")].astype(np.int32)
    most = max(1, int(number.max()))
    points = max(64, AT_ONCE // most)
    block = kernels.Near(np.zeros(points + 1, np.int64), np.empty(points * most, np.int32), np.empty(points * most))
    return kernels.Cells(low, side, shape, starts, listed, sites, square), block


class _Groups:
    """Sets of sites, each with its demand and its largest distances; room is made as sets appear."""

    def __init__(self, sites: int) -> None:
        size, members = 1 << 11, max(1 << 15, sites)
        self.sets = kernels.Sets(
            np.full(2 * size, -1, np.int64), np.zeros(size, np.int64), np.zeros(size, np.int64),
            np.empty(members, np.int32), np.empty(members), np.zeros(size), np.zeros(2, np.int64),
        )  # fmt: skip

    def add(self, near: kernels.Near, people: Floats) -> None:
        first = 0
        while (first := kernels.put(near, people, first, self.sets)) < len(near.begins) - 1:
            sets = self.sets  # twice the room
            slots = np.full(2 * len(sets.slots), -1, np.int64)
            mask = len(slots) - 1
            for group, code in enumerate(sets.hashes[: sets.sizes[0]].tolist()):
                slot = code & mask
                while slots[slot] >= 0:
                    slot = (slot + 1) & mask
                slots[slot] = group
            doubled = (np.concatenate([old, np.zeros_like(old)]) for old in sets[1:-1])
            self.sets = kernels.Sets._make([slots, *doubled, sets.sizes])

    def reach(self, destinations: pd.Index, change: Any, **how: Any) -> tuple[Reach, pd.Series]:
        """Make the groups a Reach with its demand; *change* turns what was kept into costs."""
        groups, pairs = (int(size) for size in self.sets.sizes)
        largest, destination = self.sets.largest[:pairs], self.sets.members[:pairs]
        cost = largest if change is None else change(largest)
        origin = np.repeat(np.arange(groups, dtype=np.int32), np.diff(self.sets.starts[: groups + 1]))
        order = np.lexsort((destination, cost, origin))
        ids = pd.Index([f"g{i:0{max(4, len(str(groups)))}d}" for i in range(1, groups + 1)], dtype=object, name="id")
        merged = Reach(
            origins=ids, destinations=destinations, origin=origin[order], destination=destination[order].copy(),
            cost=cost[order], **how,
        )  # fmt: skip
        return merged, pd.Series(self.sets.people[:groups].copy(), index=ids, name="demand")
