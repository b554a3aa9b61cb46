"""Places on the network: points located once, on the nearest point of the nearest edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from siting.errors import NetworkError
from siting.messages import Message
from siting.network import straight_walk_kernels
from siting.numbers import Floats, Ints, Ints32, Positions, Shapes

#: Sizes of the squares in which places are searched; places with longer free walks use larger ones, metres.
SIDES = (64.0, 256.0, 1024.0)
#: More than any walk, metres.
FARTHEST = 1_000_000.0
#: The fields of `Places` with an entry for each place.
OF_PLACES = ("edge", "u", "v", "to_u", "to_v", "door", "snap", "nearest", "xy")


class Gates(NamedTuple):
    """Connections from places to streets, in the order of the places."""

    owner: Ints32  # position of the place
    edge: Ints32  # position of the street
    to_u: Ints32  # distance along the street to its `u`, mm
    door: Ints32  # straight distance to the street, mm


@dataclass(frozen=True, eq=False, repr=False)
class Places:
    """Places located on a network, in their own order. Made by `Network.locate`.

    Attributes
    ----------
    ids
        Ids of the places, unique.
    edge
        Position of the edge each place lies on; -1 where the nearest street is beyond `max_snap`.
    u, v
        Nodes at the ends of that edge.
    to_u, to_v
        Distance along the edge to either end, mm.
    door
        Straight distance from the place to the street, mm.
    snap
        The same in metres, also for places that are too far (float64).
    nearest
        Metres to the nearest of all streets; less than `snap` where another was preferred, see `moved`.
    xy
        Coordinates of the places, a point inside for polygons, in the network's CRS (n, 2).
    max_snap
        The longest allowed distance to a street, metres.
    any_street
        Whether bridges, tunnels and islands were treated like other streets.
    shape
        The polygons of those that have one, else None; None where all are points.
    more
        Further gates of polygons, beside the first way to the street in the fields above; None for points.
    """

    ids: pd.Index
    edge: Ints32
    u: Ints32
    v: Ints32
    to_u: Ints32
    to_v: Ints32
    door: Ints32
    snap: Floats
    nearest: Floats
    xy: Floats
    max_snap: float
    any_street: bool = False
    shape: Shapes | None = None
    more: Gates | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def __getstate__(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            value = Gates(*map(frozen, value)) if isinstance(value, Gates) else value
            object.__setattr__(self, name, frozen(value) if isinstance(value, np.ndarray) else value)

    def __repr__(self) -> str:
        off = f"{len(self.off_street)} beyond {self.max_snap:g} m"
        longest = self.snap[self.edge >= 0].max(initial=0)
        what = "points" if self.shape is None else "places"
        return f"<Places: {len(self)} {what}, longest way to a street {longest:.0f} m, {off}>"

    @property
    def off_street(self) -> pd.Series:
        """Metres to the nearest street of the places that are farther from it than `max_snap`."""
        far = self.edge < 0
        return pd.Series(self.snap[far], index=self.ids[far], name="snap")

    @property
    def moved(self) -> pd.DataFrame:
        """Places whose nearest street of all is a bridge, a tunnel or on an island: metres to it, and to the one taken.

        By id, with columns `nearest` and `snap`, metres.

        Examples
        --------
        >>> import geopandas as gpd, shapely
        >>> from siting import Network
        >>> road = shapely.LineString([(500000, 3380000), (500100, 3380000)])
        >>> bridge = shapely.LineString([(500100, 3380000), (500000, 3380030)])
        >>> net = Network.from_streets(gpd.GeoDataFrame({"bridge": ["no", "yes"]}, geometry=[road, bridge], crs=4547))
        >>> home = gpd.GeoDataFrame(index=["h"], geometry=gpd.points_from_xy([500000], [3380020]), crs=4547)
        >>> net.locate(home).moved.round(2)
           nearest  snap
        h     9.58  20.0
        """
        at = (self.edge >= 0) & (self.nearest < self.snap)
        return pd.DataFrame({"nearest": self.nearest[at], "snap": self.snap[at]}, index=self.ids[at])

    @property
    def gates(self) -> Gates:
        """All ways to the street, the first of each place before its others."""
        first = Gates(np.arange(len(self), dtype=np.int32), self.edge, self.to_u, self.door)
        if self.more is None:
            return first
        both = [np.concatenate(two) for two in zip(first, self.more, strict=True)]
        order = np.argsort(both[0], kind="stable")
        return Gates(*(column[order] for column in both))

    @cached_property
    def free(self) -> Ints:
        """How far each place is from any street, mm: so far nothing lies in the way of a walk; `max_snap` at most."""
        off = millimetres(np.minimum(self.snap, min(self.max_snap, FARTHEST)))
        return frozen(np.where(self.edge < 0, off, self.door).astype(np.int64))

    @cached_property
    def points(self) -> Ints:
        """Positions of the places that are points."""
        return np.arange(len(self)) if self.shape is None else np.flatnonzero(shapely.is_missing(self.shape))

    @cached_property
    def squares(self) -> list[tuple[npt.NDArray[Any], ...]]:
        """The points sorted into squares, those with longer free walks into larger ones."""
        xy, free = np.ascontiguousarray(self.xy[self.points]), self.free[self.points]
        steps = [-1, *(int(side * 1000) for side in SIDES), np.iinfo(np.int64).max]
        sides = (*SIDES, 4 * SIDES[-1])
        return [
            straight_walk_kernels.sort(xy, free, low, high, side)
            for low, high, side in zip(steps, steps[1:], sides, strict=False)
        ]

    @property
    def geometry(self) -> Shapes:
        """Points, or the polygons of those that have one."""
        points: Shapes = shapely.points(self.xy)
        return points if self.shape is None else np.where(shapely.is_missing(self.shape), points, self.shape)

    def select(self, ids: Sequence[Any] | pd.Index) -> Places:
        """Keep some of the places, in the order of *ids*.

        Raises
        ------
        NetworkError
            When an id is not among them, or occurs twice.
        """
        if isinstance(ids, str):
            raise NetworkError(Message("network.one_id", id=ids))
        names = pd.Index(ids)
        at = positions_of(self.ids, names, "places")
        kept = frozen_columns(*(getattr(self, name)[at] for name in OF_PLACES))
        if self.shape is not None and self.more is not None:
            new = np.full(len(self), -1, np.int32)
            new[at] = np.arange(len(at), dtype=np.int32)
            owner = new[self.more.owner]
            here = np.flatnonzero(owner >= 0)
            here = here[np.argsort(owner[here], kind="stable")]
            kept["shape"] = frozen(self.shape[at])
            kept["more"] = Gates(frozen(owner[here]), *(frozen(column[here]) for column in self.more[1:]))
        return replace(self, ids=names, **kept)

    def __add__(self, other: Places) -> Places:
        """Put two sets of places of one network together; their ids must differ."""
        if not isinstance(other, Places):
            raise NetworkError(Message("network.not_places", value=other))
        ids = self.ids.append(other.ids)
        if not ids.is_unique:
            raise NetworkError(Message("network.places_share", ids=ids[ids.duplicated()]))
        both = frozen_columns(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in OF_PLACES))
        if self.shape is not None or other.shape is not None:
            none = [np.full(len(one), None, object) if one.shape is None else one.shape for one in (self, other)]
            void = Gates(*(np.zeros(0, np.int32) for _ in Gates._fields))
            first, second = self.more or void, other.more or void
            second = second._replace(owner=second.owner + np.int32(len(self)))
            both["shape"] = frozen(np.concatenate(none))
            both["more"] = Gates(*(frozen(np.concatenate(two)) for two in zip(first, second, strict=True)))
        return replace(self, ids=ids, max_snap=max(self.max_snap, other.max_snap), **both)


def positions_of(index: pd.Index, names: pd.Index, what: str) -> Positions:
    """Find each of the names in *index*; NetworkError for one that is not there, or occurs twice."""
    at = np.arange(len(names)) if names is index else index.get_indexer(names)
    if (at < 0).any():
        raise NetworkError(Message("ids.no_such", of=what, ids=names[at < 0]))
    if not names.is_unique:
        raise NetworkError(Message("ids.twice", what=what, ids=names[names.duplicated()].unique()))
    return at


def frozen_columns(*columns: npt.NDArray[Any]) -> dict[str, Any]:
    """Close the columns of places to writing, and name them as `OF_PLACES`."""
    return dict(zip(OF_PLACES, map(frozen, columns), strict=True))


def frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the array contiguous and closed to writing."""
    made: npt.NDArray[Any] = np.ascontiguousarray(array)
    if made is array and made.flags.writeable:
        made = made.view()
    made.flags.writeable = False
    return made


def millimetres(metres: Floats) -> Ints:
    """Round metres to whole millimetres, half to even."""
    return np.rint(np.asarray(metres) * 1000).astype(np.int64)
