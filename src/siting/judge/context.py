"""What an audit has to work with: layers, streets, walkers and parameters, looked up with a reason when absent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import geopandas as gpd
import pandas as pd

from siting.errors import LayerError, some
from siting.judge.standard import Rule
from siting.measure import Reach, straight_line, travel
from siting.measure.services import open_to_all, people_column, walker
from siting.network import Network, Places, Walk

__all__ = ["Context", "Missing", "filled", "least", "ratio"]


class Missing(Exception):  # noqa: N818 - not an error: the rule reads "n/a" and names what is absent
    """A layer, column or parameter that a rule needs is not there."""

    def __init__(self, key: str, **values: object) -> None:
        self.key, self.values = key, values
        super().__init__(key)


@dataclass(frozen=True)
class Context:
    """Layers and parameters of one audit; searches are made once for each service and limit."""

    layers: Mapping[str, gpd.GeoDataFrame]
    network: Network | None
    walk: Walk | Mapping[str, Walk] | None
    shares: Mapping[str, float]
    beside: float
    max_snap: float
    _places: dict[str, Places] = field(default_factory=dict)
    _reaches: dict[tuple[object, ...], Reach] = field(default_factory=dict)

    def layer(self, name: str) -> gpd.GeoDataFrame:
        """Return a layer, or say that it is missing."""
        if name not in self.layers or not len(self.layers[name]):
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
        return filled(self.column(layer, name), layer)

    def people(self, service: str) -> pd.Series:
        """Return the weights that a service is judged by: under-threes, over-sixties, or all residents."""
        return self.numbers("communities", people_column(service))

    def of_types(self, rule: Rule) -> gpd.GeoDataFrame:
        """Return the facilities whose type counts for the rule; all where the layer tells no types."""
        frame = self.layer(rule.service)
        if rule.facility_types and "facility_type" in frame:
            frame = frame[frame["facility_type"].isin(rule.facility_types)]
            if frame.empty:
                raise Missing("audit.no_type", layer=rule.service, types=rule.facility_types)
        return frame

    def stock(self, rule: Rule, column: str) -> pd.Series:
        """Return a column of the facilities whose type counts for the rule; none of them may be blank."""
        self.column(rule.service, column)
        return filled(self.of_types(rule)[column], rule.service)

    def share(self, rule: Rule) -> float:
        """Return the share in percent that a rule asks for: the user's, the rule's own, or none."""
        given = self.shares.get(rule.id, rule.share)
        if given is None:
            raise Missing("audit.no_share", rule=rule.id)
        return float(given)

    def reach(self, rule: Rule, *, metres: float | None = None, minutes: float | None = None,
              straight: bool = False, everyone: bool = True) -> Reach:  # fmt: skip
        """Walk from communities to the facilities of the rule's service."""
        communities = self.layer("communities")
        facilities = self.of_types(rule)
        if everyone:
            facilities = open_to_all(facilities)
        walk = walker(rule.service, self.walk)
        key = (rule.service, rule.facility_types, everyone, metres, minutes, straight)
        if key not in self._reaches:
            if straight:
                found = straight_line(communities, facilities, metres=metres, minutes=minutes, walk=walk)
            elif self.network is None:
                raise Missing("audit.no_network")
            else:
                found = travel(
                    self.network,
                    self._located("communities", communities),
                    self._located(f"{rule.service}/{rule.facility_types}/{everyone}", facilities),
                    metres=metres,
                    minutes=minutes,
                    walk=walk,
                )
            self._reaches[key] = found
        return self._reaches[key]

    def _located(self, name: str, frame: gpd.GeoDataFrame) -> Places:
        if name not in self._places and self.network is not None:
            self._places[name] = self.network.locate(frame, max_snap=self.max_snap, name=name.split("/")[0])
        return self._places[name]


def ratio(part: float, whole: float) -> float:
    """Divide, or NaN where there is nothing to divide by."""
    return part / whole if whole > 0 else math.nan


def least(number: float, operator: str = ">=") -> int:
    """Smallest whole number that is at least (or, for ">", above) *number*.

    The last bits of a product such as 0.6 * 5 are forgiven.
    """
    slack = max(1e-9, 1e-15 * abs(number))
    return math.floor(number + slack) + 1 if operator == ">" else math.ceil(number - slack)


def filled(values: pd.Series, layer: str) -> pd.Series:
    """Return *values*, none of which may be blank.

    Raises
    ------
    LayerError
        When one is: which rows.
    """
    blank = values.isna()
    if blank.any():
        rows = some(values.index[blank])
        raise LayerError(layer, f'"{values.name}" is blank in {int(blank.sum())} rows: {rows}; fill it in')
    return values
