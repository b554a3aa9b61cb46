"""The data of an audit: layers, streets, walkers and parameters; a missing one raises its reason."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar, cast

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS

from siting.data import common_crs, points, to_crs, type_of, types_in
from siting.data.district_names import names_apart
from siting.errors import LayerError
from siting.judge.layers.alternatives import countable
from siting.judge.layers.districts import counties_of, township_of
from siting.judge.layers.rule_columns import Missing, counted, flags, matches, of_choices, of_types
from siting.judge.layers.walkers import Limit, limit_of, walker_of
from siting.judge.standards.applies_to import DISTRICTS, wanted
from siting.judge.standards.conditions import columns_of, key_of
from siting.judge.standards.rule import Rule
from siting.measure import Reach, straight_line, travel
from siting.measure.coverage import covered
from siting.measure.services import open_to_all
from siting.messages import Message
from siting.network import Network, Places, Walk

__all__ = ["Context"]

MOST_WORDS = 5
T = TypeVar("T")


@dataclass(frozen=True)
class Context:
    """Layers and parameters of one audit; the `whole` is the context of all for an area, and both share one cache."""

    layers: Mapping[str, gpd.GeoDataFrame]
    network: Network | None
    walk: Walk | Mapping[str, Walk] | None
    shares: Mapping[str, float]
    beside: float
    max_snap: float
    rules: tuple[Rule, ...] = ()
    household_size: float | None = None
    year: int | None = None
    share_of_whole: float | None = 1.0
    own: frozenset[str] = frozenset()
    area: str = "all"
    area_name: str = ""
    by: str = ""
    whole: Context | None = None
    _cache: dict[tuple[Hashable, ...], Any] = field(default_factory=dict, repr=False, compare=False)

    def cached(self, key: tuple[Hashable, ...], make: Callable[[], T]) -> T:
        """Return the result of *make*, cached by key."""
        if key not in self._cache:
            self._cache[key] = make()
        return cast(T, self._cache[key])

    def layer(self, name: str) -> gpd.GeoDataFrame:
        """Return a layer; raise `Missing` without it."""
        empty = name in ("communities", "districts") and self.whole is None and not len(self.layers.get(name, ()))
        if name not in self.layers or empty:
            raise Missing("audit.no_layer", layer=name)
        return self.layers[name]

    def column(self, layer: str, name: str) -> pd.Series:
        """Return a column of a layer; raise `Missing` without it."""
        frame = self.layer(layer)
        if name not in frame:
            raise Missing("audit.no_column", layer=layer, absent=name)
        return cast(pd.Series, frame[name])

    def numbers(self, layer: str, name: str) -> pd.Series:
        """Return a column of numbers; refuse blank ones, which a sum would ignore."""
        return counted(self.column(layer, name), layer)

    def heads(self, base: str) -> pd.Series:
        """Return a column of people; residents from households and their size where needed."""
        frame = self.layer("communities")
        size = self.household_size
        if base == "population" and "population" not in frame and "households" in frame and size is not None:
            return (self.numbers("communities", "households") * size).rename("population")
        return self.numbers("communities", base)

    def amount(self, frame: gpd.GeoDataFrame, layer: str, columns: tuple[str, ...]) -> float:
        """Add up columns, refusing blanks; count the rows without a column."""
        for name in columns:
            self.column(layer, name)
        return float(sum(counted(frame[name], layer).sum() for name in columns)) if columns else float(len(frame))

    def share(self, rule: Rule) -> float:
        """Return the share that a rule sets, 0 to 1: the user's, or the rule's own."""
        given = self.shares.get(rule.id, rule.share)
        if given is None:
            raise Missing("audit.no_share", rule=rule.id)
        return float(given)

    def stock(self, rule: Rule, layer: str | None = None) -> gpd.GeoDataFrame:
        """Return the rows that count for the rule, by types and marks."""
        name = layer or rule.layers[0]
        frame = self.layer(name)
        if not (any(rule.types) or rule.where):
            return frame
        return self.cached(("stock", self.area, *_rows(rule, name)), lambda: frame[self.counted(rule, name)])

    def counted(self, rule: Rule, name: str) -> pd.Series:
        """Mark the rows of a layer that count."""
        if self.whole is not None:
            return self.whole.counted(rule, name).reindex(self.layer(name).index)

        def mark() -> pd.Series:
            frame, marks = self.layer(name), self._typed(rule, name)
            marks[marks] = matches(frame[marks], name, rule.where).to_numpy(bool)
            return marks

        return self.cached(("counted", *_rows(rule, name)), mark)

    def _typed(self, rule: Rule, name: str) -> pd.Series:
        """Mark the rows of the types that count; raise `Missing` if no type of the layer is known."""
        frame = self.layer(name)
        if not any(rule.types):
            return pd.Series(True, frame.index)
        marks = of_types(frame, name, *rule.types)
        if len(frame) and not marks.any() and not self._understood(name):
            words = tuple(frame["facility_type"].dropna().astype(str).unique()[:MOST_WORDS]) or ("—",)
            raise Missing("audit.no_type", layer=name, words=words, types=rule.facility_types)
        return marks

    def _understood(self, name: str) -> bool:
        """Return whether any type of a layer is one of the shared table, or one that a rule names."""
        named = {word for rule in self.rules for one in rule.counting for word in one.facility_types + one.other_types}
        words = self.column(name, "facility_type").dropna().unique()
        return any(type_of(one) or one in named for word in words for one in types_in(word))

    # communities of a rule; units of several estates override these

    def ruled(self, rule: Rule) -> pd.Series:
        """Mark the communities that a rule is for."""
        frame = self.layer("communities")
        if self.whole is not None:
            return self.whole.ruled(rule).reindex(frame.index)
        return self.marked(wanted(rule))

    def marked(self, conditions: Mapping[str, object]) -> pd.Series:
        """Mark the communities that fulfil conditions. Parks, where nobody lives, only if a kind is given."""
        frame = self.layer("communities")
        no_parks = "kind" not in columns_of(conditions) and "kind" in frame

        def mark() -> pd.Series:
            for name in columns_of(conditions):
                of_choices(self.column("communities", name), "communities")
            marks = matches(frame, "communities", conditions)
            return marks & ~matches(frame, "communities", {"kind": "park"}) if no_parks else marks

        return self.cached(("marked", key_of(conditions), no_parks), mark).copy()

    def of_ruled(self, rule: Rule, name: str) -> pd.Series:
        """Return a number of the communities that a rule is for."""
        return self.numbers("communities", name)[self.ruled(rule)]

    def things(self, rule: Rule) -> str:  # noqa: ARG002 - `Rolled` reads it
        """Name what is counted where communities are."""
        return "communities"

    def needs(self, rule: Rule) -> str:  # noqa: ARG002 - `Rolled` reads it
        """Return the unit of the need, where communities are judged."""
        return "communities"

    def called(self, rule: Rule) -> str:
        """Name the communities that a rule is for: a word of the table of labels, section `ruled`."""
        return rule.applies_to

    def walks(self, rule: Rule) -> bool:  # noqa: ARG002 - `Rolled` reads it
        """Return whether the streets decide who is served."""
        return True

    @cached_property
    def counties(self) -> gpd.GeoDataFrame:
        """The counties: the districts of that level, else the townships joined by their `parent`."""
        return counties_of(self.layer("districts"))

    @cached_property
    def parents(self) -> pd.Series:
        """The county of each township: the id in `parent`, or the id of the county with that name."""
        districts, counties = self.layer("districts"), self.counties
        given = self.column("districts", "parent").reindex(self.districts("township").index)
        names = pd.Series(counties.index, counties.get("name", counties.index))
        by_name = given.map(names[~names.index.duplicated(keep=False)])
        return given.where(given.isin(districts.index), by_name).fillna(given)

    def districts(self, applies_to: str) -> gpd.GeoDataFrame:
        """Return the districts that a rule is for."""
        return self.cached(("districts", self.area, applies_to), lambda: self._of_level(applies_to))

    def _of_level(self, applies_to: str) -> gpd.GeoDataFrame:
        frame = self.layer("districts")
        if applies_to not in DISTRICTS:
            raise Missing("audit.no_unit", unit=applies_to or "applies_to")
        if applies_to == "county":
            return self.counties
        if "level" in frame:
            return frame[frame["level"].isin(DISTRICTS[applies_to])]
        if applies_to != "township":
            raise Missing("audit.no_column", layer="districts", absent="level")
        return frame

    def township(self, layer: str) -> pd.Series:
        """Return the township of each row of a layer of the whole; missing outside all."""

        def place() -> pd.Series:
            frame, towns = self.layer(layer), self.districts("township")
            if "district" not in frame and not isinstance(frame, gpd.GeoDataFrame):
                raise LayerError(layer, Message("verdict.no_location"))
            return township_of(frame, towns, self.layer("districts"))

        return self.cached(("township", layer), place)

    def townships(self) -> dict[str, pd.Series]:
        """Return the township of each row, for each layer with rows in townships."""
        placed = [n for n, f in self.layers.items() if "district" in f or isinstance(f, gpd.GeoDataFrame)]
        return {name: self.township(name) for name in placed if name not in ("districts", "streets", "service_areas")}

    def inside(self, rule: Rule, layer: str, districts: gpd.GeoDataFrame, where: str = "") -> pd.Series:
        """Count the rows of the rule in each district; `where` keeps those of a floor area, such as ">=2000"."""
        if self.whole is not None:
            every = self.whole.districts(rule.applies_to)
            return self.whole.inside(rule, layer, every, where).reindex(districts.index, fill_value=0)

        def count() -> pd.Series:
            frame = self.stock(rule, layer)
            if where:
                frame = frame[matches(frame, layer, {(rule.column or ("floor_area",))[0]: where})]
            own = self.township(layer)[frame.index]
            if rule.applies_to == "county":
                own = self._county(own, frame)
            elsewhere = len(frame) and not own.isin(districts.index).any()
            if elsewhere and isinstance(frame, gpd.GeoDataFrame):  # no townships to go by
                found = points(to_crs(frame, districts.crs)).sindex.query(districts.geometry, predicate="intersects")[0]
                return pd.Series(np.bincount(found, minlength=len(districts)), districts.index)
            if elsewhere and rule.applies_to == "prefecture":
                raise Missing("audit.no_geometry", layer=layer)
            return cast(pd.Series, own.value_counts().reindex(districts.index, fill_value=0))

        return self.cached(("inside", *_rows(rule, layer), rule.applies_to, rule.column, where), count)

    def _county(self, township: pd.Series, frame: pd.DataFrame) -> pd.Series:
        """Return the county of rows: that of their township, else that of their column `district` or their place."""
        named = "parent" in self.layer("districts")
        own = township.map(self.parents).astype(object) if named else pd.Series(None, township.index, dtype=object)
        return own.where(own.notna(), township_of(frame, self.counties))

    def areas(self, by: str, groups: pd.Series) -> Iterator[Context]:
        """Cut the layers down to one group of townships after another, such as the townships of a county."""
        districts = self.layer("districts")
        names = names_apart(districts)
        own = {name: where.map(groups) for name, where in self.townships().items()}
        rows = {name: where.groupby(where, observed=True).indices for name, where in own.items()}
        for area in groups.dropna().unique():
            cut = {name: self.layers[name].iloc[where.get(area, np.zeros(0, np.intp))] for name, where in rows.items()}
            kept = districts.index.isin(groups.index[groups == area]) | (districts.index == area)
            yield replace(self, layers={**self.layers, **cut, "districts": districts[kept]}, area=str(area),
                          area_name=str(names.get(area, area)), by=by, whole=self)  # fmt: skip

    def limit(self, rule: Rule) -> Limit:
        """Return the distance within which a unit counts as served: that of the rule, else `beside`."""
        if rule.minutes is not None:
            return limit_of(rule, rule.minutes, minutes=True)
        return Limit(metres=self.beside if rule.metres is None else rule.metres)

    def walk_of(self, rule: Rule) -> str:
        """Write the limit within which a unit counts as served, such as "300 m"."""
        return f"{self.limit(rule).metres:g} m" if rule.minutes is None else f"{rule.minutes:g} min"

    def served(self, rule: Rule, limit: float | pd.Series | None = None, *, minutes: bool = False,
               straight: bool | None = None) -> pd.Series:  # fmt: skip
        """Mark the communities here that are within a limit, else `beside`, of each layer or part, or one of `any`."""
        here = self.layer("communities").index
        several = [replace(rule, layer=(layer,)) for layer in rule.layers] if len(rule.layers) > 1 else []
        own = rule.metres, rule.minutes
        for join, parts in ((np.logical_and, several), (np.logical_and, rule.parts("each")),
                            (np.logical_or, countable(rule, self.stock)[0])):  # fmt: skip
            if parts:
                limits = [limit if (one.metres, one.minutes) == own else None for one in parts]
                marks = [self.served(*one, minutes=minutes, straight=straight)
                         for one in zip(parts, limits, strict=True)]  # fmt: skip
                return pd.Series(join.reduce(marks), here)
        if not len(here):
            return pd.Series(False, here)
        if limit is None:
            way = self.limit(rule)
        elif isinstance(limit, pd.Series):
            way = Limit(metres=float(limit.max()))
        else:
            way = limit_of(rule, limit, minutes=minutes)
        reach = self.reach(rule, way, straight=rule.metric == "straight" if straight is None else straight)
        radii = limit.reindex(reach.origins, fill_value=0.0) if isinstance(limit, pd.Series) else way.amount
        return cast(pd.Series, covered(reach, radii)[here])

    def reach(self, rule: Rule, limit: Limit, *, straight: bool = False, everyone: bool = True) -> Reach:
        """Walk from all communities to the facilities that count for the rule, in any district."""
        if self.whole is not None:
            return self.whole.reach(rule, limit, straight=straight, everyone=everyone)
        self.layer("communities")
        facilities, name = self.serving(rule, everyone=everyone), rule.layers[0]
        key = (*_rows(rule, name), everyone)
        return self.between("communities", name, facilities, key, limit, straight, walker_of(rule, self.walk))

    def serving(self, rule: Rule, *, everyone: bool) -> gpd.GeoDataFrame:
        """Return the facilities that count for the rule; for *everyone*, those that are open to neighbours."""
        facilities = self.stock(rule)
        if not everyone:
            return facilities
        if "open_to_neighbours" in facilities:
            flags(facilities["open_to_neighbours"], rule.layers[0])
        return open_to_all(facilities)

    def between(self, start: str, end: str, facilities: gpd.GeoDataFrame, key: tuple[Hashable, ...], limit: Limit,
                straight: bool, walk: Walk) -> Reach:  # fmt: skip
        """Walk from the rows of one layer to some of another, cached by key."""
        origins = self.layer(start)
        for name, frame in ((start, origins), (end, facilities)):
            if not isinstance(frame, gpd.GeoDataFrame):
                raise Missing("audit.no_geometry", layer=name)
        metres, minutes = limit

        def search() -> Reach:
            if straight:
                return straight_line(origins, facilities, metres=metres, minutes=minutes, walk=walk, crs=self.crs)
            if self.network is None:
                raise Missing("audit.no_network")
            ends = self._located((start,), origins, start), self._located((end, *key), facilities, end)
            return travel(self.network, *ends, metres=metres, minutes=minutes, walk=walk)

        return self.cached(("between", start, end, key, limit, straight, None if minutes is None else walk), search)

    @cached_property
    def crs(self) -> CRS:
        """The CRS of straight lines: the network's, else one for all layers of the audit."""
        if self.network is not None:
            return self.network.crs
        if self.whole is not None:
            return self.whole.crs
        return common_crs([frame for frame in self.layers.values() if isinstance(frame, gpd.GeoDataFrame)])

    def _located(self, key: tuple[Hashable, ...], frame: gpd.GeoDataFrame, name: str) -> Places:
        """Place some rows of a layer: all of it at once, so that a row off the streets is warned of in one sentence."""
        network, snap = self.network, self.max_snap
        assert network is not None
        whole = self.layers.get(name)
        if not isinstance(whole, gpd.GeoDataFrame) or not _is_part(frame, whole):
            return self.cached(("located", *key), lambda: network.locate(frame, max_snap=snap, name=name))
        placed: Places = self.cached(("located", name), lambda: network.locate(whole, max_snap=snap, name=name))
        return placed if len(frame) == len(whole) else placed.select(frame.index)


def _is_part(frame: gpd.GeoDataFrame, whole: gpd.GeoDataFrame) -> bool:
    """Whether a frame is rows of another: stock may be of several layers, with ids of its own."""
    if frame.crs != whole.crs or not whole.index.is_unique or not frame.index.isin(whole.index).all():
        return False
    return bool((frame.geometry.array == whole.geometry.loc[frame.index].array).all())


def _rows(rule: Rule, layer: str) -> tuple[Hashable, ...]:
    """Return the cache key of the rows of a layer that count for a rule."""
    return layer, rule.types, key_of(rule.where)
