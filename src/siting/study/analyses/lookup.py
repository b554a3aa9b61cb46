"""Where the arguments of analyses are looked up: layers, columns, ways, goals, and results of other analyses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import geopandas as gpd
import pandas as pd

from siting.data import combine_layers
from siting.errors import SitingError
from siting.judge import Standard, load_standard
from siting.measure import Reach, straight_line, travel
from siting.messages import Message
from siting.network import Network, Places
from siting.propose import Plan
from siting.propose.problem import Objective
from siting.study.analyses.call import Call
from siting.study.analyses.values import Analysis
from siting.study.analyses.ways import Rules, Ways, chosen
from siting.study.asked import Asked
from siting.study.goal_town import GoalTown
from siting.study.layers import with_network
from siting.study.problem import problem_of
from siting.study.values import Proposal, Study
from siting.study.verdict import standards_of
from siting.study.walkers import walk_from

__all__ = ["Lookup"]


@dataclass(eq=False)
class Lookup:
    """The layers, network and plans of a study; each result is computed once, when it is first asked for."""

    study: Study
    layers: Mapping[str, gpd.GeoDataFrame]
    network: Network
    places: dict[str, Places] = field(default_factory=dict)
    proposals: dict[str, Proposal] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    _ways: dict[Ways, Reach] = field(default_factory=dict)
    _networks: dict[bool, Network] = field(default_factory=dict)
    _running: list[str] = field(default_factory=list)
    _told: SitingError | None = None

    def result(self, name: str) -> Any:
        """Return the result of an analysis; SitingError, beginning with its table, when it cannot be had."""
        if name not in self.results:
            analysis = next(each for each in self.study.analyses if each.name == name)
            if name in self._running:
                raise SitingError(Message("analysis.circle", names=[*self._running, name]))
            self._running.append(name)
            try:
                self.results[name] = Call(self, analysis).result()
            except SitingError as error:
                if error is not self._told:  # of a table that another uses, which is told already
                    self._tell(error, analysis)
                raise
            finally:
                self._running.pop()
        return self.results[name]

    def _tell(self, error: SitingError, analysis: Analysis) -> None:
        """Let an error begin with the line, or the name, of its table."""
        self._told = error
        if self.study.written is None:
            error.message = error.within(analysis.where)
        else:
            same = [each for each in self.study.analyses if each.key == analysis.key]
            error.message = self.study.written.located((analysis.key, same.index(analysis)), error.message)

    def made_layers(self) -> dict[str, gpd.GeoDataFrame]:
        """Return the layers that tables make for goals: candidates."""
        made = [each.name for each in self.study.analyses if each.key == "make_candidates"]
        return {name: self.layer(name) for name in made if name not in self.layers}

    def frame(self, given: Any) -> pd.DataFrame:
        """Return a layer, the result of a table, or rows as they stand in the file; their ids are in `id`."""
        if not isinstance(given, str):
            rows = pd.DataFrame(list(given))
            return rows.set_index("id") if "id" in rows else rows
        found = self.layers[given] if given in self.layers else self.result(given)
        if isinstance(found, pd.Series):
            return found.to_frame(given)
        if not isinstance(found, pd.DataFrame):
            found = getattr(found, "table", None)
        if not isinstance(found, pd.DataFrame):
            raise SitingError(Message("analysis.no_frame", name=given))
        return found

    def layer(self, name: str) -> gpd.GeoDataFrame:
        """Return a layer, or the result of a table that is one."""
        found = self.frame(name)
        if not isinstance(found, gpd.GeoDataFrame):
            raise SitingError(Message("analysis.no_layer", name=name))
        return found

    def series(self, given: str, layers: tuple[str, ...] = ()) -> pd.Series:
        """Return a column of layers, ``"layer.column"``, or a table whose result is one value for each place."""
        name, dot, column = given.partition(".")
        if not dot:
            frames = [self.frame(layer) for layer in layers]
            if any(given in frame for frame in frames):
                joined: pd.Series = pd.concat([frame[given] for frame in frames if given in frame])
                return joined
            if any(each.name == given for each in self.study.analyses):
                found = self.result(given)
                if isinstance(found, pd.Series):
                    return found
            known = [each for frame in frames for each in frame if each != "geometry"]
            raise SitingError(Message("study.no_column", layer=" + ".join(layers) or given, column=given, known=known))
        frame = self.frame(name)
        if column not in frame:
            known = [each for each in frame if each != "geometry"]
            raise SitingError(Message("study.no_column", layer=name, column=column, known=known))
        series: pd.Series = frame[column]
        return series

    def column(self, given: str, ways: Ways, end: str) -> pd.Series:
        """Return a column for the places at an end of ways."""
        layers, ids = (ways.origins, self.ways(ways).origins) if end == "from" else (
            ways.destinations, self.ways(ways).destinations)  # fmt: skip
        series = self.series(given, layers)
        if len(missing := ids.difference(series.index, sort=False)):
            raise SitingError(Message("analysis.no_value", column=given, ids=list(missing)))
        return series.loc[ids]

    def number(self, name: str) -> float:
        """Return the result of a table that is one number."""
        found = self.result(name)
        if not isinstance(found, int | float):
            raise SitingError(Message("analysis.no_number", name=name))
        return found

    def ways(self, ways: Ways) -> Reach:
        """Return the ways between two layers."""
        if ways not in self._ways:
            self._ways[ways] = self._reach(ways)
        return self._ways[ways]

    def _reach(self, ways: Ways) -> Reach:
        most: dict[str, Any] = {"metres": ways.metres} if ways.minutes is None else {"minutes": ways.minutes}
        if ways.minutes is not None:
            usual, service = self.study.walker(ways.destinations[0]), ways.destinations[0]
            most["walk"] = usual if ways.walk is None else walk_from(ways.walk, usual, service)
        if ways.straight:
            ends = [self._together(names) for names in (ways.origins, ways.destinations)]
            return straight_line(*ends, crs=self.network.crs, **most)
        network = self._network(ways.walking)
        origins, destinations = (self._places(names, network) for names in (ways.origins, ways.destinations))
        return travel(network, origins, destinations, nearest=ways.nearest, **most)

    def _together(self, names: tuple[str, ...]) -> gpd.GeoDataFrame:
        frames = [self.layer(name) for name in names]
        together: gpd.GeoDataFrame = frames[0] if len(frames) == 1 else combine_layers(*frames)
        return together

    def _network(self, walking: bool) -> Network:
        if walking:
            return self.network
        if walking not in self._networks:
            source = self.study.layers["streets"]
            if source.is_network:
                raise SitingError(Message("analysis.saved_network"))
            sources = {**self.study.layers, "streets": replace(source, walking=False)}
            _, self._networks[walking] = with_network(replace(self.study, layers=sources), self.layers)
        return self._networks[walking]

    def _places(self, names: tuple[str, ...], network: Network) -> Places:
        places = [self._located(name, network) for name in names]
        return sum(places[1:], places[0])

    def _located(self, name: str, network: Network) -> Places:
        if network is not self.network:
            return network.locate(self.layer(name), max_snap=self.study.max_snap, name=name)
        if name not in self.places:
            self.places[name] = network.locate(self.layer(name), max_snap=self.study.max_snap, name=name)
        return self.places[name]

    def plan(self, goal: str) -> Plan:
        """Return the plan of a goal."""
        return self.proposals[goal].plan

    def sites(self, given: str | tuple[str, ...]) -> tuple[Any, ...]:
        """Return the new sites of a goal, or the ids themselves."""
        return tuple(self.plan(given).sites) if isinstance(given, str) else given

    def town(self, goal: str) -> GoalTown:
        """Return the communities and sites of a goal."""
        return GoalTown(self.study, self.study.goal(goal), self.layers, self.network, self.places)

    def aim(self, goal: str, asked: Asked | None = None) -> Objective:
        """Return the objective of a goal, or another with its columns looked up there."""
        town = self.town(goal)
        made: Objective = asked.made(town) if asked else town.goal.aim(town)
        return made

    def problem(self, goal: str) -> dict[str, Any]:
        """Return the ways, people, take-up and rules of a goal, as `solve` takes them."""
        return problem_of(self.town(goal))

    def reach_of(self, town: GoalTown) -> Any:
        """Return the ways to the sites of a goal."""
        return problem_of(town)["reach"]

    def standard(self, given: Rules | None) -> Standard:
        """Return the rules of a standard that are asked for; without a name those of the study's standard."""
        study = self.study
        if given is not None and given.name is not None:
            standard = load_standard(given.name)
        elif study.standards:
            standard = standards_of(study)[0]
        else:
            raise SitingError(Message("analysis.no_standard"))
        return standard if given is None else chosen(given, standard)

    def settings(self, function: str, written: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the study says for arguments of a function that its table leaves out."""
        study = self.study
        common = {"network": self.network, "max_snap": study.max_snap, "crs": study.crs}
        if function == "make_candidates" and written.get("method") not in ("streets", "cluster"):
            del common["network"], common["max_snap"]
        if function not in ("audit", "provision"):
            return common
        settings: dict[str, Any] = {
            **common, "year": study.year, "walk": study.walk or None, "beside": study.beside, "scope": study.scope,
            "household_size": study.household_size, "by": study.by, "layers": self.layers_for(written, {}),
        }  # fmt: skip
        rules = written.get("standard")
        if rules is None or rules.name is None:
            settings["shares"] = study.shares
        if rules is None:
            settings["standard"] = self.standard(None)
        if isinstance(written.get("communities"), tuple):
            settings["network"] = None
        elif "communities" not in written:
            settings["communities"] = self.layers["communities"]
        return settings

    def layers_for(self, written: Mapping[str, Any], swapped: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the layers of the study with others in their places; rows of communities stand without them."""
        own = {} if isinstance(written.get("communities"), tuple) else self.layers
        return {**own, **{role: self.frame(each) for role, each in swapped.items()}} or None
