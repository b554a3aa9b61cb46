"""The communities and sites of a goal, in which the columns and amounts of its rules are looked up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd

from siting.errors import ProblemError, SitingError
from siting.measure import Reach, travel
from siting.measure.services import HOLDS, offering, open_to_all, people_column
from siting.messages import Message
from siting.network import Network, Places
from siting.propose import Existing
from siting.study.inputs import Goal
from siting.study.values import Study

__all__ = ["GoalTown", "named_all"]


def named_all(groups: pd.Series, table: Iterable[str], column: str) -> None:
    """Refuse a table of groups that names others than there are, or not all: a typing error would be left out."""
    there, table = list(dict.fromkeys(str(group) for group in groups.dropna() if group != "")), list(table)
    if strange := [group for group in table if group not in there]:
        raise SitingError(Message("study.no_group", column=column, groups=strange, known=there))
    if unnamed := [group for group in there if group not in table]:
        raise SitingError(Message("study.unnamed", column=column, groups=unnamed))


@dataclass(frozen=True, eq=False)
class GoalTown:
    """The communities, existing facilities and candidate sites of the services of a goal."""

    study: Study
    goal: Goal
    layers: Mapping[str, gpd.GeoDataFrame]
    network: Network
    places: Mapping[str, Places]

    @property
    def communities(self) -> gpd.GeoDataFrame:
        """The communities of the study."""
        return self.layers["communities"]

    def facilities(self, service: str) -> gpd.GeoDataFrame:
        """Return the existing facilities of a service that are open to all."""
        return open_to_all(self.layers[service])

    def candidates(self, service: str) -> gpd.GeoDataFrame:
        """Return the candidate sites for a service; ProblemError where there are none, or ids are shared."""
        candidates = offering(self.layers["candidates"], service)
        if candidates.empty and (role := self.study.role_of(service)) != service:
            candidates = offering(self.layers["candidates"], role)
        if len(twice := self.facilities(service).index.intersection(candidates.index)):
            raise SitingError(Message("study.shared_ids", service=service, ids=list(twice)))
        if candidates.empty:
            raise ProblemError(Message("study.no_candidate", service=service))
        return candidates

    def reach(self, service: str) -> Reach:
        """Return the ways from the communities to existing facilities and candidates of a service."""
        places, limit = self.places, self.goal.limit(service)
        there, new = self.facilities(service).index, self.candidates(service).index
        sites = places[service].select(there) + places["candidates"].select(new)
        if self.goal.unit == "m":
            return travel(self.network, places["communities"], sites, metres=limit)
        walk = self.study.walker(service)
        return travel(self.network, places["communities"], sites, minutes=limit, walk=walk)

    def demand(self, service: str) -> pd.Series:
        """Return the people of a service."""
        named = self.goal.people
        column = (named.get(service) if isinstance(named, Mapping) else named) or people_column(
            self.study.role_of(service)
        )
        demand: pd.Series = self.of_communities(column)
        if not demand.sum() > 0:
            raise ProblemError(Message("study.nobody", column=column))
        return demand

    def existing(self) -> Existing:
        """Return the rule that the existing facilities are open."""
        return Existing([each for service in self.goal.services for each in self.facilities(service).index])

    def of_communities(self, column: str) -> pd.Series:
        """Return a column of the communities."""
        if column not in self.communities:
            known = [each for each in self.communities if each != "geometry"]
            raise SitingError(Message("study.no_column", layer="communities", column=column, known=known))
        found: pd.Series = self.communities[column]
        return found

    def groups(self, column: str) -> pd.Series:
        """Return a column of the sites of all services: of candidates, and of facilities where they have it."""
        parts = [self._both(service, column, column, "") for service in self.goal.services]
        found = pd.concat(parts)
        first: pd.Series = found[~found.index.duplicated()]
        return first

    def of_sites(self, amount: Any) -> Any:
        """Return an amount of the sites: a number, a Series by site, or one for each service."""
        services = self.goal.services
        if isinstance(amount, Mapping) and set(amount) <= set(services):
            return {service: self._amount(service, each) for service, each in amount.items()}
        if len(services) > 1:
            return {service: self._amount(service, amount) for service in services}
        return self._amount(services[0], amount)

    def by_group(self, amount: Any) -> Any:
        """Return a number, or a Series by group for a table."""
        return pd.Series(amount, dtype=float) if isinstance(amount, Mapping) else amount

    def between(self, metres: float) -> Reach:
        """Return the ways between the sites, up to *metres* along the streets."""
        sites = [self.places[service].select(self.facilities(service).index) for service in self.goal.services]
        new = dict.fromkeys(each for service in self.goal.services for each in self.candidates(service).index)
        stops = sum(sites[1:], sites[0]) + self.places["candidates"].select(pd.Index(new))
        return travel(self.network, stops, stops, metres=metres)

    def _amount(self, service: str, amount: Any) -> pd.Series:
        if isinstance(amount, Mapping):
            if not set(amount) <= {"existing", "candidates"}:
                return self._by_district(service, amount)
            return self._both(service, amount.get("existing"), amount.get("candidates"), 0.0)
        if isinstance(amount, str):
            held = HOLDS.get(amount, amount)
            in_candidates = held if amount not in self.candidates(service) else amount
            return self._both(service, amount, in_candidates, 0.0)
        sites = [*self.facilities(service).index, *self.candidates(service).index]
        return pd.Series(float(amount), index=pd.Index(sites))

    def _by_district(self, service: str, amount: Mapping[str, Any]) -> pd.Series:
        """Give each site the number of its district, or of its group in the column ``by``."""
        column = amount.get("by", "district")
        numbers = {group: number for group, number in amount.items() if group != "by"}
        if strange := [group for group, number in numbers.items() if isinstance(number, str)]:
            raise SitingError(Message("study.amount_keys", keys=strange))
        groups = self._both(service, column, column, "")
        named_all(groups, numbers, column)
        found: pd.Series = groups.map(numbers).fillna(0.0)
        return found

    def _both(self, service: str, there: Any, new: Any, otherwise: Any) -> pd.Series:
        """Join a column of the facilities and one of the candidates; a layer without it has *otherwise*."""
        layers = {service: (self.facilities(service), there), "candidates": (self.candidates(service), new)}
        if not any(isinstance(column, str) and column in layer for layer, column in layers.values()):
            known = dict.fromkeys(each for layer, _ in layers.values() for each in layer if each != "geometry")
            said = {"column": new or there, "layers": list(layers), "known": list(known)}
            raise SitingError(Message("study.no_column_of_sites", **said))
        joined: pd.Series = pd.concat(list(self._parts(layers.values(), otherwise)))
        return joined

    @staticmethod
    def _parts(layers: Iterable[tuple[gpd.GeoDataFrame, Any]], otherwise: Any) -> Iterable[pd.Series]:
        for layer, column in layers:
            if isinstance(column, str) and column in layer:
                yield layer[column].fillna(otherwise)
            else:
                yield pd.Series(otherwise if column is None or isinstance(column, str) else float(column), layer.index)
