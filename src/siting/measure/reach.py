"""`Reach`: costs between origins and destinations, as a frozen sparse table."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array

from siting.errors import ProblemError
from siting.limits import refuse_other_unit, usual_limit
from siting.measure.alignment import in_order, unique_ids
from siting.messages import Message
from siting.notebook_html import card, words
from siting.numbers import Bools, Floats, Ints32, floats, percent

__all__ = ["Reach", "Unit"]

Unit = Literal["m", "min", "cost"]
#: Relative rounding tolerance of costs that were divided by a walking speed; far below the millimetre.
TOLERANCE = 1e-9
#: Where something else was given.


class NotTabulatedError(ProblemError, AttributeError):
    """A `PointReach` where a `Reach` is needed: it lacks an attribute, as Python asks."""


@dataclass(frozen=True, eq=False, repr=False)
class Reach:
    """Pairs of origins and destinations within a limit. Made by `travel`, `straight_line`, `from_pairs`.

    Pairs beyond the (inclusive) limit and pairs without a path are absent. The arrays are read-only.

    Attributes
    ----------
    origins, destinations
        All ids, also those without a pair.
    origin, destination
        Positions of each pair; ordered by origin, then cost, then destination.
    cost
        Cost of each pair in `unit`.
    limit, unit
        The limit of the search, infinite for a search of the nearest and where all pairs are there; "m", "min" or
        "cost", a unit of your own.
    nearest_only
        Number of destinations kept for each origin; None when all within the limit are kept.
    how
        Metric, walker and speed.
    """

    origins: pd.Index
    destinations: pd.Index
    origin: Ints32
    destination: Ints32
    cost: Floats
    limit: float
    unit: Unit
    nearest_only: int | None = None
    how: str = ""

    @classmethod
    def from_pairs(
        cls,
        frame: pd.DataFrame,
        *,
        origins: Iterable[object],
        destinations: Iterable[object],
        limit: float | None = None,
        unit: Unit = "m",
    ) -> Reach:
        """Make a Reach of your own travel table.

        Parameters
        ----------
        frame
            Columns `origin`, `destination` (ids) and `cost` in *unit*. Pairs above *limit* are left out. A pair without
            a path has no row; an infinite cost is refused, as a missing one is.
        origins, destinations
            All ids, also those without a pair.
        limit, unit
            The largest cost that counts, None for all pairs; in *unit*: "m", "min", or "cost" for a unit of your own,
            such as yuan for each person.

        Raises
        ------
        ProblemError
            When a column is absent, an id is unknown, a pair occurs twice, a cost is negative, infinite or not a
            number, or the limit is negative or not a number.

        Examples
        --------
        >>> table = pd.DataFrame({"origin": ["a", "b"], "destination": ["x", "x"], "cost": [0.0, 250.0]})
        >>> Reach.from_pairs(table, origins=["a", "b", "c"], destinations=["x"], limit=300)
        <Reach: 3 origins × 1 destination, 2 pairs within 300 m>
        """
        if absent := {"origin", "destination", "cost"} - set(frame.columns):
            raise ProblemError(Message("reach.no_columns", columns=sorted(absent)))
        if unit not in get_args(Unit):
            raise ProblemError(Message("reach.unit", value=unit))
        rows, columns = unique_ids(origins, "origins"), unique_ids(destinations, "destinations")
        origin = _positions(frame["origin"], rows, "origin")
        destination = _positions(frame["destination"], columns, "destination")
        cost = floats(frame["cost"])
        if (wrong := ~np.isfinite(cost) | (cost < 0)).any():
            facts = {"n": int(wrong.sum()), "rows": frame.index[wrong]}
            raise ProblemError(Message("reach.cost_faults", faults=_faults(cost), **facts))
        if len(twice := frame.index[frame.duplicated(["origin", "destination"])]):
            raise ProblemError(Message("reach.pairs_twice", rows=twice))
        limit = math.inf if limit is None else usual_limit(limit, unit, float(cost.max(initial=0.0)))
        order = np.lexsort((destination, cost, origin))
        order = order[cost_at_most(cost[order], limit)]
        return cls(rows, columns, origin[order], destination[order], cost[order], float(limit), unit, how="table")

    @classmethod
    def from_matrix(
        cls,
        table: pd.DataFrame | npt.ArrayLike,
        *,
        origins: Iterable[object] | None = None,
        destinations: Iterable[object] | None = None,
        limit: float | None = None,
        unit: Unit = "m",
    ) -> Reach:
        """Make a Reach of your own matrix of costs, communities × sites.

        Parameters
        ----------
        table
            A DataFrame whose index are the origins and whose columns the destinations, or an array. Where there is no
            path the cost is missing (NaN) or infinite.
        origins, destinations
            Ids of the rows and columns of an array.
        limit, unit
            As for `from_pairs`.

        Raises
        ------
        ProblemError
            When the ids do not fit the matrix, or occur twice; when a cost is negative or text, or the limit invalid.

        Examples
        --------
        >>> costs = pd.DataFrame({"x": [0.0, 250.0], "y": [120.0, np.nan]}, index=["a", "b"])
        >>> Reach.from_matrix(costs)
        <Reach: 2 origins × 2 destinations, 3 pairs>
        """
        if isinstance(table, pd.DataFrame):
            if origins is not None or destinations is not None:
                raise ProblemError(Message("reach.frame_has_ids"))
            rows, columns = unique_ids(table.index, "origins"), unique_ids(table.columns, "destinations")
            cost = np.column_stack([_costs(table[name], name) for name in columns]) if len(columns) else None
        else:
            if origins is None or destinations is None:
                raise ProblemError(Message("reach.array_no_ids"))
            rows, columns = unique_ids(origins, "origins"), unique_ids(destinations, "destinations")
            cost = np.asarray(table)
            if cost.ndim != 2 or cost.dtype.kind not in "iuf":
                raise ProblemError(Message("reach.matrix_type", type=str(cost.dtype), axes=cost.ndim))
            cost = cost.astype(float)
        cost = np.zeros((len(rows), 0)) if cost is None else cost
        if cost.shape != (len(rows), len(columns)):
            facts = {"origins": len(rows), "destinations": len(columns)}
            raise ProblemError(Message("reach.matrix_shape", shape=cost.shape, **facts))
        if (cost < 0).any():
            below_0 = np.argwhere(cost < 0).tolist()
            below = [Message("reach.pair", origin=rows[i], destination=columns[j]) for i, j in below_0]
            raise ProblemError(Message("reach.negative_pairs", n=len(below), pairs=below))
        origin, destination = np.nonzero(~(np.isnan(cost) | (cost == np.inf)))
        ends = {"origin": rows[origin], "destination": columns[destination], "cost": cost[origin, destination]}
        return cls.from_pairs(pd.DataFrame(ends), origins=rows, destinations=columns, limit=limit, unit=unit)

    @property
    def longest(self) -> float:
        """The limit, or the largest cost where all pairs are there."""
        everything = np.isinf(self.limit) and self.nearest_only is None
        return float(self.cost.max(initial=0.0)) if everything else self.limit

    def __repr__(self) -> str:
        n, m = len(self.origins), len(self.destinations)
        nearest = "" if self.nearest_only is None else f" the {self.nearest_only} nearest"
        kept = nearest + ("" if np.isinf(self.limit) else f" within {self.limit:g} {self.unit}")
        pairs = f"{len(self)} pair{'s' * (len(self) != 1)}"
        return f"<Reach: {n} origin{'s' * (n != 1)} × {m} destination{'s' * (m != 1)}, {pairs}{kept}>"

    def _repr_html_(self) -> str:
        reached, first = np.unique(self.origin, return_index=True)
        n, unit, nearest = len(self.origins), words(f"unit.{self.unit}"), self.cost[first]
        facts = {
            "card.origins": n,
            "card.destinations": len(self.destinations),
            "card.pairs": len(self),
            "card.limit": "" if np.isinf(self.limit) else f"{self.limit:g} {unit}",
            "card.nearest": "" if self.nearest_only is None else self.nearest_only,
            "card.how": self.how,
            "card.reached": f"{len(reached):,} / {n:,} ({percent(len(reached) / n if n else np.nan)})",
            "card.to_nearest": f"{nearest.mean():,.1f}, {nearest.max():,.1f} {unit}" if len(nearest) else "",
        }
        return card(words("card.reach"), facts)

    def __len__(self) -> int:
        return len(self.cost)

    def __post_init__(self) -> None:
        for name in ("origin", "destination", "cost"):
            closed = getattr(self, name).view()  # of the caller's array, which stays as it is
            closed.flags.writeable = False
            object.__setattr__(self, name, closed)

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)
        self.__post_init__()  # NumPy opens the arrays that it loads

    def _where(self, keep: Bools) -> Reach:
        return replace(self, origin=self.origin[keep], destination=self.destination[keep], cost=self.cost[keep])

    def within(self, limit: float) -> Reach:
        """Keep the pairs with cost <= *limit*, in the same unit.

        Raises
        ------
        ProblemError
            When *limit* is above the limit of the search.
        """
        limit = usual_limit(limit, self.unit, self.longest)
        if limit > self.limit * (1 + TOLERANCE):
            facts = {"limit": limit, "searched": self.limit, "unit": self.unit}
            raise ProblemError(Message("reach.above_searched", **facts))
        return replace(self._where(cost_at_most(self.cost, limit)), limit=float(limit))

    def rows(self, limits: pd.Series) -> Reach:
        """Keep the pairs within *limits*, one for each origin id, in the same unit.

        Raises
        ------
        ProblemError
            When an origin has no limit, or one is negative, not a number, or above the limit that was searched.
        """
        own = floats(in_order(limits, self.origins, "limits"))
        if not (own >= 0).all():
            raise ProblemError(Message("reach.limits_negative", ids=self.origins[~(own >= 0)]))
        refuse_other_unit(own, self.unit, self.longest, "limits: one")
        top = self.within(float(own.max(initial=0)))
        return top._where(cost_at_most(top.cost, own[top.origin]))

    def select(self, destinations: Iterable[object]) -> Reach:
        """Keep only some destinations, in the order they have here.

        Raises
        ------
        ProblemError
            When one is not among the destinations, or only the nearest were kept.
        """
        wanted = unique_ids(destinations, "destinations")
        if self.nearest_only is not None:
            raise ProblemError(Message("reach.nearest_select"))
        if len(unknown := wanted.difference(self.destinations)):
            raise ProblemError(Message("ids.unknown", of="destinations", ids=unknown))
        keep = self.destinations.isin(wanted)
        renumber = np.cumsum(keep) - 1
        kept = self._where(keep[self.destination])
        ids, destination = self.destinations[keep], renumber[kept.destination].astype(np.int32)
        return replace(kept, destinations=ids, destination=destination)

    def pairs(self) -> pd.DataFrame:
        """Return a row per pair: `origin`, `destination`, `cost`."""
        ends = {"origin": self.origins[self.origin], "destination": self.destinations[self.destination]}
        return pd.DataFrame({**ends, "cost": self.cost})

    def nearest(self, k: int = 1) -> pd.DataFrame:
        """Return the *k* nearest destinations of each origin: `origin`, `rank`, `destination`, `cost`.

        Origins with fewer within the limit have fewer rows. Of equal costs the destination that comes first is nearer.
        """
        if k < 1:
            raise ProblemError(Message("argument.whole", what="k", value=k, least=1))
        if self.nearest_only is not None and k > self.nearest_only:
            raise ProblemError(Message("reach.nearest_known", known=self.nearest_only, k=k))
        rank = np.arange(len(self)) - np.searchsorted(self.origin, np.arange(len(self.origins)))[self.origin] + 1
        table = self.pairs()
        table.insert(1, "rank", rank)
        return table[rank <= k].reset_index(drop=True)

    def matrix(self) -> csr_array:
        """Return the costs as a sparse matrix, origins × destinations; a pair at cost 0 is stored."""
        shape = (len(self.origins), len(self.destinations))
        ptr = np.searchsorted(self.origin, np.arange(shape[0] + 1))
        return csr_array((self.cost.copy(), self.destination.copy(), ptr), shape=shape)


def cost_at_most(cost: Floats, limit: float | Floats) -> Bools:
    """Mark the costs within the limit, the limit itself included."""
    return np.asarray(cost <= np.asarray(limit) * (1 + TOLERANCE))


def refuse_other(reach: object, what: str = "reach") -> None:
    """Refuse what is no `Reach`."""
    if not isinstance(reach, Reach):
        raise ProblemError(Message("reach.give", what=what, value=reach))


def limited(reach: Reach, limit: float | pd.Series | None) -> Reach:
    """Keep the pairs within a limit, or within a limit for each origin; all without one."""
    refuse_other(reach)
    if isinstance(limit, pd.Series):
        return reach.rows(limit)
    return reach if limit is None else reach.within(limit)


def _costs(column: pd.Series, name: object) -> Floats:
    """Return the costs to one destination, NaN where there is no path; refuse what is no number."""
    values = floats(column)
    if (wrong := np.isnan(values) & column.notna().to_numpy(bool)).any():
        raise ProblemError(Message("reach.column_no_number", destination=name, origins=column.index[wrong]))
    return values


def _faults(cost: Floats) -> list[Message]:
    """Name what is wrong with costs."""
    faults = [
        (Message("reach.cost_negative"), cost < 0),
        (Message("reach.cost_infinite"), cost == np.inf),
        (Message("reach.cost_no_number"), np.isnan(cost)),
    ]
    return [said for said, wrong in faults if wrong.any()]


def _positions(ids: pd.Series, index: pd.Index, what: str) -> Ints32:
    where = index.get_indexer(pd.Index(ids))
    if (where < 0).any():
        raise ProblemError(Message("reach.not_listed", what=what, ids=pd.Index(ids)[where < 0].unique()))
    return where.astype(np.int32)
