"""`PointReach`: distances between points, computed when a search asks for them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

from siting.errors import ProblemError
from siting.measure import grid_kernels as kernels
from siting.measure.alignment import unique_ids
from siting.measure.coordinates import coordinates
from siting.measure.grid_kernels import Grid
from siting.measure.reach import NotTabulatedError, Reach, Unit
from siting.messages import Message
from siting.numbers import Floats, Ints, Ints32

__all__ = ["BLOCK", "MAX_PAIRS", "NearestLists", "PointReach"]

#: Distances that are computed at a time.
BLOCK = 2**22
#: Pairs that are not refused in a table: 4 GiB of them.
MAX_PAIRS = 2**28
#: Relative rounding error of distances that are computed in two ways.
ROUNDING = 1e-12
#: Halvings that find a distance to its last digits.
STEPS = 60
#: Number of neighbours among which the first of those at one distance is looked for.
TIED = 8
#: What only a `Reach` has.
ONLY_REACH = {"origin", "destination", "cost", "limit", "nearest_only", "longest", "rows", "select", "pairs", "matrix"}

Rounded: TypeAlias = Callable[[Floats], Any]


class NearestLists(NamedTuple):
    """The nearest destinations of some origins, origins × k: positions and costs, sorted by cost, then position.

    Every destination that costs less than `radius` is in the list of the origin; infinite where all are.
    """

    columns: Ints32
    costs: Floats
    radius: Floats


def _millimetres(distance: Floats) -> Floats:
    return np.asarray(np.rint(distance * 1000) / 1000)


@dataclass(frozen=True, eq=False, repr=False)
class PointReach:
    """Straight lines between points, each computed when it is asked for; never all pairs. Made by `from_points`.

    For problems with so many pairs that a `Reach` without a limit does not fit into memory. `solve` takes it for
    `MinTravel` without *beyond* and for `MinFarthest`, with `AtMost` and, as wanted, `Existing`, `Required`,
    `Forbidden`, and `Cover` without limit and groups. With every other objective or rule, or options, a `ProblemError`
    says that it "needs a table of ways, and a PointReach has none". `MaxSpacing` takes one as *between* and computes
    all pairs, up to the number that `to` allows; its *reach* is a `Reach`. All other functions need a `Reach`, which
    `to` makes for some destinations.

    Attributes
    ----------
    origins, destinations
        All ids.
    start, stop
        Their coordinates in metres, a row each: x, y.
    rounded
        The function that turns distances into costs.
    unit
        "m".
    how
        Metric.
    """

    origins: pd.Index
    destinations: pd.Index
    start: Floats
    stop: Floats
    rounded: Rounded
    unit: Unit = "m"
    how: str = "straight line"

    @classmethod
    def from_points(
        cls,
        origins: gpd.GeoDataFrame | pd.DataFrame,
        destinations: gpd.GeoDataFrame | pd.DataFrame,
        *,
        rounded: Rounded | None = None,
        crs: Any = None,
    ) -> PointReach:
        """Keep points, to measure between them later.

        Parameters
        ----------
        origins, destinations
            Layers of points; degrees are projected first. Or tables with columns `x` and `y`, metres, index the ids.
            Both may be the same.
        rounded
            A function of an array of metres that does not fall and gives the costs, such as ``numpy.floor``. Without
            it whole millimetres, as by `straight_line`.
        crs
            For layers: a projected CRS in metres, as for `straight_line`.

        Returns
        -------
        PointReach
            In metres.

        Raises
        ------
        ProblemError
            When *origins* or *destinations* is neither a layer nor a table, or one of each; when ids are not unique,
            coordinates are missing, or *rounded* falls or gives no numbers of 0 or more.
        LayerError
            When a layer has no CRS, an empty geometry or something else than points.

        Examples
        --------
        >>> table = pd.DataFrame({"x": [0.0, 30.0], "y": [0.0, 40.5]}, index=["a", "b"])
        >>> PointReach.from_points(table, table)
        <PointReach: 2 origins × 2 destinations, computed on demand, m>
        >>> PointReach.from_points(table, table, rounded=np.floor).costs([0], [0, 1])
        array([[ 0., 50.]])
        """
        start, stop = coordinates(origins, destinations, crs)
        rows, columns = unique_ids(origins.index, "origins"), unique_ids(destinations.index, "destinations")
        made = cls(rows, columns, start, stop, _millimetres if rounded is None else rounded)
        made._check()
        return made

    def __post_init__(self) -> None:
        for name in ("start", "stop"):
            closed = getattr(self, name).view()
            closed.flags.writeable = False
            object.__setattr__(self, name, closed)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_tree"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)
        self.__post_init__()

    if not TYPE_CHECKING:  # which knows what there is

        def __getattr__(self, name: str) -> Any:
            if name in ONLY_REACH:
                raise NotTabulatedError(Message("reach.give", what="reach", value=PointReach))
            raise AttributeError(f"PointReach has no attribute {name!r}")

    def __repr__(self) -> str:
        n, m = len(self.origins), len(self.destinations)
        ends = f"{n:,} origin{'s' * (n != 1)} × {m:,} destination{'s' * (m != 1)}"
        return f"<PointReach: {ends}, computed on demand, {self.unit}>"

    def __len__(self) -> int:
        return len(self.origins) * len(self.destinations)

    @property
    def in_millimetres(self) -> bool:
        """Whether costs are rounded to whole millimetres."""
        return self.rounded is _millimetres

    def costs(self, rows: npt.ArrayLike, columns: npt.ArrayLike) -> Floats:
        """Return the costs between some origins and some destinations.

        Parameters
        ----------
        rows, columns
            Positions of origins and destinations.

        Returns
        -------
        ndarray
            Rows × columns, `unit`.
        """
        start, stop = self.start[np.asarray(rows, np.intp)], self.stop[np.asarray(columns, np.intp)]
        return self._cost(start[:, None, :], stop[None, :, :])

    def pair_costs(self, rows: npt.ArrayLike, columns: npt.ArrayLike) -> Floats:
        """Return the cost of each pair of a position in *rows* and the one at the same place in *columns*."""
        return self._cost(self.start[np.asarray(rows, np.intp)], self.stop[np.asarray(columns, np.intp)])

    def lists(self, rows: npt.ArrayLike, k: int) -> NearestLists:
        """Return the *k* nearest destinations of some origins, fewer where there are fewer.

        Parameters
        ----------
        rows
            Positions of origins.
        k
            Number of destinations in each list.

        Returns
        -------
        NearestLists
            Where several destinations at one distance do not all fit, those that are listed are any of them: `radius`
            is then that distance.
        """
        if k < 1:
            raise ProblemError(Message("argument.whole", what="k", value=k, least=1))
        start, size = self.start[np.asarray(rows, np.intp)], min(int(k), len(self.stop))
        columns, radius = np.empty((len(start), size), np.int32), np.full(len(start), np.inf)
        costs = np.empty((len(start), size))
        for begin in range(0, len(start), max(1, BLOCK // max(1, size))):
            part = slice(begin, begin + max(1, BLOCK // max(1, size)))
            near: Ints = np.broadcast_to(np.arange(size), (len(start[part]), size))
            if size < len(self.stop):
                found: tuple[Any, Any] = self._tree.query(start[part], k=np.arange(1, size + 1))
                far, near = found
                radius[part] = self._rounded(np.maximum(far[:, -1] * (1 - ROUNDING), 0.0))
            cost = self._cost(start[part, None, :], self.stop[near])
            order = np.argsort(near, axis=1, kind="stable")
            by_cost = np.argsort(np.take_along_axis(cost, order, axis=1), axis=1, kind="stable")
            order = np.take_along_axis(order, by_cost, axis=1)
            columns[part] = np.take_along_axis(near, order, axis=1)
            costs[part] = np.take_along_axis(cost, order, axis=1)
        return NearestLists(columns, costs, radius)

    def within(
        self, rows: npt.ArrayLike, limits: npt.ArrayLike, columns: npt.ArrayLike | None = None
    ) -> tuple[Ints, Ints32, Floats]:
        """List all destinations within a limit of each of some origins.

        Parameters
        ----------
        rows, columns
            Positions of origins, and of the destinations to look among; all when not given.
        limits
            The largest cost that counts, inclusive, one for each of *rows*; below 0 nothing is within it.

        Returns
        -------
        tuple
            Where the list of each origin begins and the last ends, positions of destinations, and their costs; in no
            particular order within a list.
        """
        start, limit = self.start[np.asarray(rows, np.intp)], np.asarray(limits, float)
        among = np.arange(len(self.stop)) if columns is None else np.asarray(columns, np.intp)
        if not len(among) or not len(start):
            return np.zeros(len(start) + 1, np.int64), np.zeros(0, np.int32), np.zeros(0)
        grid = _grid(self.stop[among], among)
        x, y = np.ascontiguousarray(start[:, 0]), np.ascontiguousarray(start[:, 1])
        radius, count = self._radius(limit), np.empty(len(start), np.int64)
        kernels.count_within(grid, x, y, radius, count)
        ptr = np.append(0, np.cumsum(count))
        found, squares = np.empty(ptr[-1], np.int32), np.empty(ptr[-1])
        kernels.list_within(grid, x, y, radius, ptr, found, squares)
        cost = self._rounded(np.sqrt(squares, out=squares))
        inside = cost <= np.repeat(limit, count)
        if not inside.all():
            kept = np.append(0, np.cumsum(inside))
            ptr, found, cost = kept[ptr], found[inside], cost[inside]
        return ptr, found, cost

    def count_within(self, rows: npt.ArrayLike, limits: npt.ArrayLike, columns: npt.ArrayLike | None = None) -> Ints:
        """Count the destinations that `within` looks at for each origin: those that it lists, hardly more.

        Parameters
        ----------
        rows, limits, columns
            As for `within`.
        """
        start, limit = self.start[np.asarray(rows, np.intp)], np.asarray(limits, float)
        among = np.arange(len(self.stop)) if columns is None else np.asarray(columns, np.intp)
        count = np.zeros(len(start), np.int64)
        if len(among) and len(start):
            x, y = np.ascontiguousarray(start[:, 0]), np.ascontiguousarray(start[:, 1])
            kernels.count_within(_grid(self.stop[among], among), x, y, self._radius(limit), count)
        return count

    def _radius(self, limit: Floats) -> Floats:
        """Return a distance that nothing within each limit exceeds, below 0 where nothing is within it."""
        ends = np.concatenate([self.start, self.stop])
        across = 2 * float(np.hypot(*np.ptp(ends, axis=0))) + 1.0  # above all distances
        low, high = np.zeros(len(limit)), np.full(len(limit), across)
        nothing, everything = self._rounded(low) > limit, self._rounded(high) <= limit
        for _ in range(STEPS):
            middle = (low + high) / 2
            inside = self._rounded(middle) <= limit
            low, high = np.where(inside, middle, low), np.where(inside, high, middle)
        return np.where(nothing, -1.0, np.where(everything, across, high * (1 + ROUNDING)))

    def nearest(self, rows: npt.ArrayLike, columns: npt.ArrayLike) -> tuple[Ints, Floats]:
        """Return the nearest of some destinations for each of some origins, and its cost.

        Parameters
        ----------
        rows, columns
            Positions of origins and destinations; at least one destination. Of equal costs the destination that comes
            first is nearer.

        Returns
        -------
        tuple
            Positions of destinations, and costs.
        """
        among = np.unique(np.asarray(columns, np.intp))
        if not len(among):
            raise ProblemError(Message("reach.points_no_columns"))
        start, stop = self.start[np.asarray(rows, np.intp)], self.stop[among]
        k = min(TIED, len(among))
        near = np.sort(cKDTree(stop).query(start, k=np.arange(1, k + 1))[1], axis=1)
        cost = self._cost(start[:, None, :], stop[near])
        best, at = cost.min(axis=1), near[np.arange(len(start)), cost.argmin(axis=1)]
        tied = np.flatnonzero(cost.max(axis=1) <= best * (1 + ROUNDING)) if k < len(among) else np.zeros(0, np.intp)
        for part in _parts(len(tied), len(among)):
            block = self._cost(start[tied[part], None, :], stop[None, :, :])
            at[tied[part]] = block.argmin(axis=1)
            best[tied[part]] = block.min(axis=1)
        return among[at].astype(np.int64), best

    def to(self, destinations: pd.Index | Any) -> Reach:
        """Return the table of the costs from all origins to some destinations.

        Parameters
        ----------
        destinations
            Ids, in any order; the table has them in the order they have here.

        Raises
        ------
        ProblemError
            When one is not among the destinations, or there would be more than 268 million pairs.
        """
        wanted = unique_ids(destinations, "destinations")
        if len(unknown := wanted.difference(self.destinations)):
            raise ProblemError(Message("ids.unknown", of="destinations", ids=unknown))
        columns = np.flatnonzero(self.destinations.isin(wanted))
        n, m = len(self.origins), len(columns)
        if n * m > MAX_PAIRS:
            raise ProblemError(Message("reach.points_pairs", n=n * m))
        cost, order = np.empty((n, m)), np.empty((n, m), np.int32)
        for part in _parts(n, m):
            block = self._cost(self.start[part, None, :], self.stop[None, columns, :])
            order[part] = np.argsort(block, axis=1, kind="stable")
            cost[part] = np.take_along_axis(block, order[part], axis=1)
        origin = np.repeat(np.arange(n, dtype=np.int32), m)
        return Reach(
            self.origins, self.destinations[columns], origin, order.ravel(), cost.ravel(), math.inf, self.unit,
            how=self.how,
        )  # fmt: skip

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.stop)

    def _cost(self, start: Floats, stop: Floats) -> Floats:
        apart = start - stop
        # Squares of whole numbers are exact, and so is the root of a square: functions that round down rely on it.
        return self._rounded(np.sqrt(apart[..., 0] * apart[..., 0] + apart[..., 1] * apart[..., 1]))

    def _rounded(self, metres: Floats) -> Floats:
        return np.asarray(self.rounded(metres), float)

    def _check(self) -> None:
        """Refuse a function that is none of the distance, or falls."""
        if not callable(self.rounded):
            raise ProblemError(Message("reach.rounded", value=self.rounded))
        ends = np.concatenate([self.start, self.stop])
        across = float(np.hypot(*np.ptp(ends, axis=0))) if len(ends) else 0.0
        tried = np.concatenate([[0.0], np.geomspace(1e-3, 1.0, 1000) * max(across, 1.0)])
        costs = np.asarray(self.rounded(tried))
        if costs.shape != tried.shape or costs.dtype.kind not in "iuf" or not (np.isfinite(costs) & (costs >= 0)).all():
            raise ProblemError(Message("reach.rounded_numbers"))
        if (np.diff(costs.astype(float)) < 0).any():
            raise ProblemError(Message("reach.rounded_falls"))


def _grid(points: Floats, numbers: npt.NDArray[np.intp]) -> Grid:
    """Sort points into square cells of about two points each."""
    low, size = points.min(axis=0), np.ptp(points, axis=0)
    side = float(np.sqrt(size[0] * size[1] / (len(points) / 2)))
    side = max(side, float(size.max()) / (2 * len(points)), 1e-9)
    across, up = int(size[0] / side) + 1, int(size[1] / side) + 1
    cell = np.minimum(((points[:, 1] - low[1]) / side).astype(np.int64), up - 1) * across
    cell += np.minimum(((points[:, 0] - low[0]) / side).astype(np.int64), across - 1)
    order = np.argsort(cell, kind="stable")
    begin = np.searchsorted(cell[order], np.arange(across * up + 1))
    x, y = (np.ascontiguousarray(points[order, axis]) for axis in (0, 1))
    return Grid(begin, numbers[order].astype(np.int32), x, y, float(low[0]), float(low[1]), side, across, up)


def _parts(rows: int, columns: int) -> Iterator[slice]:
    """Cut rows into parts with no more than a block of pairs."""
    step = max(1, BLOCK // max(1, columns))
    return (slice(begin, begin + step) for begin in range(0, rows, step))
