"""What an audit has to work with: layers, streets, walkers and parameters, looked up with a reason when absent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS

from siting.data import common_crs, points, to_crs, type_of, types_in
from siting.data.district_names import names_apart
from siting.errors import LayerError
from siting.judge.alternatives import countable
from siting.judge.modes import RIDDEN, pace
from siting.judge.rule import Rule
from siting.judge.townships import counties_of, township_of
from siting.judge.values import Missing, columns_of, counted, flags, matches, of_choices, of_types
from siting.judge.ways import walker_of
from siting.measure import Reach, straight_line, travel
from siting.measure.coverage import covered
from siting.measure.services import open_to_all
from siting.network import Network, Places, Walk

__all__ = ["COMMUNITIES", "DISTRICTS", "Context", "wanted"]

#: The levels of the districts that a rule is for.
DISTRICTS = {
    "township": ("township", "subdistrict"),
    "subdistrict": ("subdistrict",),
    "county": ("county",),
    "prefecture": ("city",),
}
#: What the columns of the communities must say for a rule to be for them.
COMMUNITIES: dict[str, dict[str, object]] = {
    "community": {},
    "village_or_community": {},
    "new_residential": {"kind": "estate", "build_status": "new"},
    "existing_residential": {"kind": "estate", "build_status": "existing"},
    "new_and_existing_residential": {"kind": "estate"},
    "village": {"kind": "village"},
    "administrative_village": {"kind": "village"},
    "rural": {"kind": "village"},
    "urban_area": {"kind": ("estate", "community")},
    "urban_community": {"kind": ("estate", "community")},
    "urban_estate": {"kind": "estate"},
    "industrial_park": {"kind": "park"},
    "complete_community": {"complete_community": True},
    "future_community": {"future_community": True},
    "new_future_community": {"future_community": True, "build_status": "new"},
}


#: So many words that are not understood are named in a reason.
MOST_WORDS = 5


@dataclass(frozen=True)
class Context:
    """Layers and parameters of one audit; searches are made once for each service and limit.

    `area` is "all", or the district that the layers are cut down to; `whole` is then the context of all, where searches
    are made: people walk across limits. `share_of_whole`, `own`: see `siting.judge.scope` and `Standard`.
    """

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
    _places: dict[str, Places] = field(default_factory=dict)
    _reaches: dict[tuple[object, ...], Reach] = field(default_factory=dict)
    _seen: dict[tuple[object, ...], pd.Series] = field(default_factory=dict)
    _units: dict[tuple[str, str], Context] = field(default_factory=dict)
    _words: dict[tuple[object, ...], frozenset[object]] = field(default_factory=dict)
    _rows: dict[tuple[object, ...], gpd.GeoDataFrame] = field(default_factory=dict)
    _districts: dict[tuple[str, str], gpd.GeoDataFrame] = field(default_factory=dict)

    def layer(self, name: str) -> gpd.GeoDataFrame:
        """Return a layer, or say that it is missing."""
        empty = name in ("communities", "districts") and self.whole is None and not len(self.layers.get(name, ()))
        if name not in self.layers or empty:
            raise Missing("audit.no_layer", layer=name)
        return self.layers[name]

    def column(self, layer: str, name: str) -> pd.Series:
        """Return a column of a layer, or say that it is missing."""
        frame = self.layer(layer)
        if name not in frame:
            raise Missing("audit.no_column", layer=layer, absent=name)
        values: pd.Series = frame[name]
        return values

    def numbers(self, layer: str, name: str) -> pd.Series:
        """Return a column of numbers; one that is blank would be left out of a sum in silence."""
        return counted(self.column(layer, name), layer)

    def flags(self, layer: str, name: str) -> pd.Series:
        """Return a column of flags, none of them blank."""
        return flags(self.column(layer, name), layer)

    def residents(self) -> pd.Series:
        """Return the residents, by the size of a household where only households are counted."""
        frame = self.layer("communities")
        if "population" not in frame and "households" in frame and self.household_size is not None:
            return (self.numbers("communities", "households") * self.household_size).rename("population")
        return self.numbers("communities", "population")

    def heads(self, base: str) -> pd.Series:
        """Return the people that a rate is of: a column of the communities."""
        return self.residents() if base == "population" else self.numbers("communities", base)

    def stock(self, rule: Rule, layer: str | None = None) -> gpd.GeoDataFrame:
        """Return the rows that count for the rule: of its types, and with the marks that it asks for."""
        name = layer or rule.layers[0]
        frame = self.layer(name)
        if not (any(rule.types) or rule.where):
            return frame
        key = (self.area, *_chosen(rule, name))
        if key not in self._rows:
            self._rows[key] = frame[self.counted(rule, name)]
        return self._rows[key]

    def counted(self, rule: Rule, name: str) -> pd.Series:
        """Mark the rows of a layer that count; where no type of the layer is understood, none can be told."""
        if self.whole is not None:
            everywhere: pd.Series = self.whole.counted(rule, name)[self.layer(name).index]
            return everywhere
        key = ("stock", *_chosen(rule, name))
        if key not in self._seen:
            frame = self.layer(name)
            marks = self.typed(rule, name)
            kept = frame[marks]
            marks[marks] = matches(kept, name, rule.where).to_numpy(bool)
            self._seen[key] = marks
        return self._seen[key]

    def typed(self, rule: Rule, name: str) -> pd.Series:
        """Mark the rows of a layer that are of the types that count."""
        frame = self.layer(name)
        if not any(rule.types):
            return pd.Series(True, frame.index)
        marks = of_types(frame, name, *rule.types)
        if len(frame) and not marks.any() and not self.understood(name):
            words = tuple(frame["facility_type"].dropna().astype(str).unique()[:MOST_WORDS]) or ("—",)
            raise Missing("audit.no_type", layer=name, words=words, types=rule.facility_types)
        return marks

    def understood(self, name: str) -> bool:
        """Tell whether any type of a layer is one of the shared table, or one that a rule names."""
        named = {word for rule in self.rules for one in rule.counting for word in one.facility_types + one.other_types}
        words = self.column(name, "facility_type").dropna().unique()
        return any(type_of(one) or one in named for word in words for one in types_in(word))

    def amount(self, frame: gpd.GeoDataFrame, layer: str, columns: tuple[str, ...]) -> float:
        """Add up columns of rows, none of which may be blank; count the rows where there is no column."""
        for name in columns:
            self.column(layer, name)
        return float(sum(counted(frame[name], layer).sum() for name in columns)) if columns else float(len(frame))

    def share(self, rule: Rule) -> float:
        """Return the share that a rule asks for, 0 to 1: the user's, the rule's own, or none."""
        given = self.shares.get(rule.id, rule.share)
        if given is None:
            raise Missing("audit.no_share", rule=rule.id)
        return float(given)

    def ruled(self, rule: Rule) -> pd.Series:
        """Mark the communities that a rule is for."""
        frame = self.layer("communities")
        if self.whole is not None:
            everywhere: pd.Series = self.whole.ruled(rule)[frame.index]
            return everywhere
        return self.marked(wanted(rule))

    def things(self, rule: Rule) -> str:  # noqa: ARG002 - communities that are rolled up ask the rule
        """Name what is counted where communities are."""
        return "communities"

    def needs(self, rule: Rule) -> str:  # noqa: ARG002 - communities that are rolled up ask the rule
        """Return what more are needed of, where communities are judged."""
        return "communities"

    def marked(self, conditions: Mapping[str, object]) -> pd.Series:
        """Mark the communities whose columns say what is wanted; parks only where a kind is asked for."""
        frame = self.layer("communities")
        # Nobody lives in a park; it has rules of its own.
        no_parks = "kind" not in columns_of(conditions) and "kind" in frame
        key = ("ruled", repr(sorted(conditions.items())), no_parks)
        if key not in self._seen:
            for name in columns_of(conditions):
                of_choices(self.column("communities", name), "communities")
            marks = matches(frame, "communities", conditions)
            self._seen[key] = marks & ~matches(frame, "communities", {"kind": "park"}) if no_parks else marks
        return self._seen[key].copy()

    def of_ruled(self, rule: Rule, name: str) -> pd.Series:
        """Return a number of the communities that a rule is for."""
        return self.numbers("communities", name)[self.ruled(rule)]

    def called(self, rule: Rule) -> str:
        """Name the communities that a rule is for: a word of the table of labels, section `ruled`."""
        return rule.applies_to

    @cached_property
    def counties(self) -> gpd.GeoDataFrame:
        """The counties: the districts of that level, else the townships joined by their `parent`."""
        return counties_of(self.layer("districts"))

    def districts(self, applies_to: str) -> gpd.GeoDataFrame:
        """Return the districts that a rule is for."""
        key = (self.area, applies_to)
        if key not in self._districts:
            self._districts[key] = self._of_level(applies_to)
        return self._districts[key]

    def _of_level(self, applies_to: str) -> gpd.GeoDataFrame:
        frame = self.layer("districts")
        if applies_to not in DISTRICTS:
            raise Missing("audit.no_unit", unit=applies_to or "applies_to")
        if applies_to == "county":
            return self.counties
        if "level" not in frame:
            if applies_to != "township":
                raise Missing("audit.no_column", layer="districts", absent="level")
            return frame
        return frame[frame["level"].isin(DISTRICTS[applies_to])]

    def inside(self, rule: Rule, layer: str, districts: gpd.GeoDataFrame, where: str = "") -> pd.Series:
        """Count the rows that count for the rule in each district: by the column `district`, else by where they lie.

        `where` narrows them down to those of a floor area, such as ">=2000".
        """
        if self.whole is not None:
            every = self.whole.districts(rule.applies_to)
            return self.whole.inside(rule, layer, every, where).reindex(districts.index, fill_value=0)
        key = (
            "inside",
            layer,
            rule.applies_to,
            rule.types,
            rule.column,
            repr(sorted(rule.where.items())),
            where,
        )
        if key not in self._seen:
            frame = self.stock(rule, layer)
            if where:
                frame = frame[matches(frame, layer, {(rule.column or ("floor_area",))[0]: where})]
            own = self.township(layer)[frame.index]
            if rule.applies_to == "county":
                own = self._county(own, frame)
            elsewhere = len(frame) and not own.isin(districts.index).any()
            if elsewhere and rule.applies_to == "prefecture" and not isinstance(frame, gpd.GeoDataFrame):
                raise Missing("audit.no_geometry", layer=layer)
            if elsewhere and isinstance(frame, gpd.GeoDataFrame):  # no townships to go by
                found = points(to_crs(frame, districts.crs)).sindex.query(districts.geometry, predicate="intersects")[0]
                self._seen[key] = pd.Series(np.bincount(found, minlength=len(districts)), districts.index)
            else:
                self._seen[key] = own.value_counts().reindex(districts.index, fill_value=0)
        return self._seen[key]

    def _county(self, township: pd.Series, frame: pd.DataFrame) -> pd.Series:
        """Tell the county of rows: that of their township, else the one that their column `district` or place tells."""
        own = pd.Series(None, township.index, dtype=object)
        if "parent" in self.layer("districts"):
            own = township.map(self.parents).astype(object)
        return own.where(own.notna(), township_of(frame, self.counties))

    def township(self, layer: str) -> pd.Series:
        """Tell the township of each row of a layer; missing where it lies in none."""
        key = ("township", layer)
        if key not in self._seen:
            frame, towns = self.layer(layer), self.districts("township")
            if "district" not in frame and not isinstance(frame, gpd.GeoDataFrame):
                raise LayerError(layer, 'has neither geometry nor a column "district", so that its rows lie nowhere')
            self._seen[key] = township_of(frame, towns, self.layer("districts"))
        return self._seen[key]

    @cached_property
    def parents(self) -> pd.Series:
        """The county of each township: the id in `parent`, or the id of the county whose name stands there."""
        districts = self.layer("districts")
        given = self.column("districts", "parent").reindex(self.districts("township").index)
        counties = self.counties
        names = pd.Series(counties.index, counties.get("name", counties.index))
        by_name = given.map(names[~names.index.duplicated(keep=False)])
        found: pd.Series = given.where(given.isin(districts.index), by_name).fillna(given)
        return found

    def served(self, rule: Rule, limit: float | pd.Series | None = None, *, minutes: bool = False,
               straight: bool | None = None, everyone: bool = True) -> pd.Series:  # fmt: skip
        """Mark the communities of this area with a counted facility within a limit, else within `beside`.

        A rule of several layers, and one with `each`, asks for a facility of each of them; one with `any` for one of
        those that can be counted. A part with metres or minutes of its own has that limit; the rule's metric decides.
        """
        here = self.layer("communities").index
        several = [replace(rule, layer=(layer,)) for layer in rule.layers] if len(rule.layers) > 1 else []
        own = rule.metres, rule.minutes
        for key, parts in (("all", several), ("all", rule.parts("each")), ("any", countable(rule, self.stock)[0])):
            if parts:
                marks = [
                    self.served(one, limit if (one.metres, one.minutes) == own else None, minutes=minutes,
                                straight=straight, everyone=everyone) for one in parts
                ]  # fmt: skip
                return pd.Series((np.logical_and if key == "all" else np.logical_or).reduce(marks), here)
        if not len(here):
            return pd.Series(False, here)
        if limit is None:
            limit, minutes = self.walked(rule)
        elif minutes and rule.mode in RIDDEN:
            limit, minutes = limit * pace(rule.mode, rule.speed, rule.id), False
        straight = rule.metric == "straight" if straight is None else straight
        top = float(limit.max()) if isinstance(limit, pd.Series) else limit
        reach = self.reach(rule, metres=None if minutes else top, minutes=top if minutes else None, straight=straight,
                           everyone=everyone)  # fmt: skip
        if isinstance(limit, pd.Series):
            limit = limit.reindex(reach.origins, fill_value=0.0)
        found: pd.Series = covered(reach, limit)[here]
        return found

    def walked(self, rule: Rule) -> tuple[float, bool]:
        """Return the way within which a unit counts as served, and whether it is in minutes; rides are in metres."""
        if rule.minutes is not None and rule.mode in RIDDEN:
            return rule.minutes * pace(rule.mode, rule.speed, rule.id), False
        if rule.minutes is not None:
            return rule.minutes, True
        return (self.beside if rule.metres is None else rule.metres), False

    def walk_of(self, rule: Rule) -> str:
        """Write the walk within which a unit counts as served, such as "300 m"."""
        if rule.minutes is not None:
            return f"{rule.minutes:g} min"
        return f"{self.walked(rule)[0]:g} m"

    def walks(self, rule: Rule) -> bool:  # noqa: ARG002 - communities that are rolled up ask the rule
        """Tell whether the streets decide who is served."""
        return True

    def reach(self, rule: Rule, *, metres: float | None = None, minutes: float | None = None, straight: bool = False,
              everyone: bool = True) -> Reach:  # fmt: skip
        """Walk from all communities to the facilities that count for the rule, in whatever district they lie."""
        if self.whole is not None:
            return self.whole.reach(rule, metres=metres, minutes=minutes, straight=straight, everyone=everyone)
        self.layer("communities")
        facilities, name = self.serving(rule, everyone=everyone), rule.layers[0]
        chosen = (*_chosen(rule, name), everyone)
        return self.between("communities", name, facilities, chosen, metres=metres, minutes=minutes, straight=straight,
                            walk=walker_of(rule, self.walk))  # fmt: skip

    def serving(self, rule: Rule, *, everyone: bool) -> gpd.GeoDataFrame:
        """Return the facilities that count for the rule; for *everyone*, those that are open to neighbours."""
        facilities = self.stock(rule)
        if not everyone:
            return facilities
        if "open_to_neighbours" in facilities:
            flags(facilities["open_to_neighbours"], rule.layers[0])
        return open_to_all(facilities)

    def between(self, start: str, end: str, facilities: gpd.GeoDataFrame, chosen: tuple[object, ...] = (), *,
                metres: float | None = None, minutes: float | None = None, straight: bool = False,
                walk: Walk | None = None) -> Reach:  # fmt: skip
        """Walk from the rows of one layer to some of another; *chosen* names them, so that a search is made once."""
        origins = self.layer(start)
        for name, frame in ((start, origins), (end, facilities)):
            if not isinstance(frame, gpd.GeoDataFrame):
                raise Missing("audit.no_geometry", layer=name)
        key = (start, end, *chosen, metres, minutes, straight, None if minutes is None else repr(walk))
        if key not in self._reaches:
            if straight:
                found = straight_line(origins, facilities, metres=metres, minutes=minutes, walk=walk, crs=self.crs)
            elif self.network is None:
                raise Missing("audit.no_network")
            else:
                found = travel(
                    self.network,
                    self._located(start, origins, start),
                    self._located(repr((end, *chosen)), facilities, end),
                    metres=metres,
                    minutes=minutes,
                    walk=walk,
                )
            self._reaches[key] = found
        return self._reaches[key]

    @cached_property
    def crs(self) -> CRS:
        """What straight lines are measured in: the network's CRS, else one for all layers of the audit."""
        if self.network is not None:
            return self.network.crs
        if self.whole is not None:
            return self.whole.crs
        return common_crs([frame for frame in self.layers.values() if isinstance(frame, gpd.GeoDataFrame)])

    def _located(self, key: str, frame: gpd.GeoDataFrame, name: str) -> Places:
        if key not in self._places and self.network is not None:
            self._places[key] = self.network.locate(frame, max_snap=self.max_snap, name=name)
        return self._places[key]

    def areas(self, by: str) -> Iterator[Context]:
        """Cut the layers down to one district, or one county, after another."""
        districts, towns = self.layer("districts"), self.districts("township")
        called = names_apart(districts)
        groups = pd.Series(towns.index, towns.index)
        if by == "county":
            groups = self.parents
        own = {name: where.map(groups) for name, where in self.townships().items()}
        rows = {name: where.groupby(where, observed=True).indices for name, where in own.items()}
        for area in groups.dropna().unique():
            none = np.zeros(0, np.intp)
            cut = {name: self.layers[name].iloc[where.get(area, none)] for name, where in rows.items()}
            kept = districts.index.isin(groups.index[groups == area]) | (districts.index == area)
            name = str(called.get(area, area))
            yield replace(self, layers={**self.layers, **cut, "districts": districts[kept]}, area=str(area),
                          area_name=name, by=by, whole=self)  # fmt: skip

    def townships(self) -> dict[str, pd.Series]:
        """Tell the township of each row of each layer that can be told."""
        apart = ("districts", "streets", "service_areas")
        placed = [n for n, f in self.layers.items() if "district" in f or isinstance(f, gpd.GeoDataFrame)]
        return {name: self.township(name) for name in placed if name not in apart}


def _chosen(rule: Rule, layer: str) -> tuple[object, ...]:
    """Name the rows of a layer that count for a rule, so that they are looked for once."""
    return layer, rule.types, repr(sorted(rule.where.items()))


def wanted(rule: Rule) -> dict[str, object]:
    """Return what the columns of the communities must say for a rule to be for them."""
    for_all = "village_or_community"  # a clause that names both; the catalogue of the document may name one of them
    return {**COMMUNITIES.get(for_all if rule.judged_by == for_all else rule.applies_to, {}), **rule.among}
