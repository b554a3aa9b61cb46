"""`Study` and `run`: a recipe from layers to coverage, verdict and proposals, and what comes of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import pandas as pd

from siting.data import read_layer
from siting.errors import ProblemError, SitingError, some
from siting.judge import Audit, Rule, Standard, audit, load_standard
from siting.judge.context import BASES, walker
from siting.judge.standard import Document
from siting.measure import Reach, bands, coverage, service_areas, straight_line, travel
from siting.measure.facilities import offering, open_to_all
from siting.network import Network, Places, Walk
from siting.propose import AtMost, Cover, Existing, MaxCoverage, MinSites, Plan, frontier, solve

__all__ = ["Circle", "Goal", "Outcome", "Proposal", "Source", "Study", "run"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """Where a layer comes from; the keywords of `read_layer`.

    `role` is given for a service that has no role of its own: ``role = "facilities"``.
    """

    path: Path
    role: str | None = None
    layer: str | None = None
    columns: Mapping[str, str] | None = None
    encoding: str | None = None
    crs: str | None = None
    missing: Literal["raise", "zero"] = "raise"


@dataclass(frozen=True)
class Circle:
    """Distances at which the coverage of a service is measured, in metres or in minutes of its walker."""

    service: str
    metres: tuple[float, ...] = ()
    minutes: tuple[float, ...] = ()


@dataclass(frozen=True)
class Goal:
    """A proposal that is asked for: within which distance, and which of the two questions.

    With `cover` the fewest sites that reach the share; with `at_most` the best so many sites.
    """

    name: str
    service: str
    metres: float | None = None
    minutes: float | None = None
    cover: float | None = None
    at_most: int | None = None
    curve: int = 0
    on_map: bool = False
    time_limit: float | None = None


@dataclass(frozen=True)
class Study:
    """A frozen set of inputs; `run` turns it into an `Outcome`. Made by `from_toml`.

    Attributes
    ----------
    name, title, lang
        Name for files, title for readers, "zh" or "en".
    layers
        Source of each layer by role.
    standard, year
        The standard to judge by, None for no audit, and the year.
    rules, documents
        Rules of the study's own, added to the standard.
    shares, beside
        As for `audit`.
    walk
        Who walks to each service.
    circles, goals
        What is measured and proposed.
    max_snap, crs
        As for `travel` and `Network.from_streets`.
    """

    name: str
    title: Mapping[str, str]
    layers: Mapping[str, Source]
    lang: Literal["zh", "en"] = "zh"
    standard: str | None = None
    year: int | None = None
    rules: tuple[Rule, ...] = ()
    documents: Mapping[str, Document] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    beside: float = 300.0
    walk: Mapping[str, Walk] = field(default_factory=dict)
    circles: tuple[Circle, ...] = ()
    goals: tuple[Goal, ...] = ()
    max_snap: float = 250.0
    crs: str | None = None

    @classmethod
    def from_toml(cls, path: str | Path) -> Study:
        """Read a study from a TOML file; paths in it are relative to it.

        Raises
        ------
        SitingError
            When the file is not there or not well formed: which table or key, and what is understood.
        """
        from siting.recipe import read_study

        return read_study(Path(path))


@dataclass(frozen=True, eq=False, repr=False)
class Proposal:
    """A goal, the plan for it, and the curve of coverage against number of sites when it was asked for."""

    goal: Goal
    plan: Plan
    reach: Reach
    curve: pd.DataFrame | None


@dataclass(frozen=True, eq=False, repr=False)
class Outcome:
    """All that a study gives. Made by `run`.

    Attributes
    ----------
    study, layers, network
        What went in, and the network made of it.
    places
        Where each layer's places lie on the network, by role.
    coverage
        A row per service, limit, unit, metric (streets, straight), group ("all" or a district) and weight; see
        `siting.coverage`.
    bands
        Nearest facility and smallest limit met of each community, by service.
    areas
        Dissolved service areas by service.
    audit
        The verdict, None without a standard.
    proposals
        By name of the goal.
    steps
        Seconds each step took.
    """

    study: Study
    layers: Mapping[str, gpd.GeoDataFrame]
    network: Network
    places: Mapping[str, Places]
    coverage: pd.DataFrame
    bands: Mapping[str, pd.DataFrame]
    areas: Mapping[str, gpd.GeoDataFrame]
    audit: Audit | None
    proposals: Mapping[str, Proposal]
    steps: Mapping[str, float]

    def __repr__(self) -> str:
        return f"<Outcome of {self.study.name}: {', '.join(self.proposals) or 'no proposals'}, {self.audit}>"

    @property
    def feasible(self) -> bool:
        """Whether every goal has a plan."""
        return all(p.plan.sites or p.plan.status == "optimal" for p in self.proposals.values())

    def write(self, folder: str | Path) -> dict[str, Path]:
        """Write map, report, layers and tables to *folder*; see `siting.outputs.write_outputs`."""
        from siting.outputs import write_outputs

        return write_outputs(self, Path(folder))


def run(study: Study, *, on_step: Callable[[str, str], None] | None = None) -> Outcome:
    """Run a study from end to end by the public functions.

    Parameters
    ----------
    study
        From `Study.from_toml`.
    on_step
        Called with the name of each step and "start", then with "end", to show progress.

    Raises
    ------
    SitingError
        When a layer, rule or goal cannot be used; nothing has been written then.

    Examples
    --------
    >>> import siting as st
    >>> outcome = st.run(st.Study.from_toml(st.data.sample_path("study.toml")))
    >>> shares = outcome.coverage["share"]
    >>> print(f'{shares["childcare", 300.0, "m", "streets", "all", "infants"]:.1%}')
    26.4%
    """
    steps: dict[str, float] = {}

    @contextmanager
    def step(name: str) -> Iterator[None]:
        began = time.perf_counter()
        if on_step:
            on_step(name, "start")
        yield
        steps[name] = time.perf_counter() - began
        if on_step:
            on_step(name, "end")

    with step("layers"):
        layers = _read(study)
    with step("network"):
        network = Network.from_streets(layers["streets"], crs=study.crs)
        places = _locate(study, layers, network)
    with step("coverage"):
        reaches = _reaches(study, layers, network, places)
        table = _coverage(layers, reaches)
        rings = _bands(reaches)
    with step("areas"):
        areas = _areas(study, layers, network, places)
    with step("audit"):
        judged = _audit(study, layers, network)
    proposals = {}
    for goal in study.goals:
        with step(f"plan {goal.name}"):
            proposals[goal.name] = _propose(study, goal, layers, network, places)
    return Outcome(study, layers, network, places, table, rings, areas, judged, proposals, steps)


def _read(study: Study) -> dict[str, gpd.GeoDataFrame]:
    layers = {}
    for name, source in study.layers.items():
        layers[name] = read_layer(
            source.path,
            source.role or name,
            layer=source.layer,
            columns=source.columns,
            encoding=source.encoding,
            crs=source.crs,
            missing=source.missing,
        )
    return layers


def _locate(study: Study, layers: Mapping[str, gpd.GeoDataFrame], network: Network) -> dict[str, Places]:
    """Locate every layer of places once."""
    roles = [role for role in layers if role not in ("streets", "districts")]
    return {role: network.locate(layers[role], max_snap=study.max_snap) for role in roles}


def _walk(study: Study, service: str) -> Walk:
    return walker(service, study.walk)


def weight_of(service: str, communities: gpd.GeoDataFrame) -> pd.Series:
    """Return the people that a service is for: under-threes, over-sixties, or all residents.

    Raises
    ------
    SitingError
        When the layer has no such column.
    """
    column = BASES.get(service, "population")
    if column not in communities:
        raise SitingError(f'communities: {service} is measured by the column "{column}", which is not there')
    people: pd.Series = communities[column]
    return people


def _facilities(layers: Mapping[str, gpd.GeoDataFrame], service: str) -> gpd.GeoDataFrame:
    if service not in layers:
        raise SitingError(f'the study measures "{service}" but has no layer [layers.{service}]')
    return open_to_all(layers[service])


def _reaches(
    study: Study, layers: Mapping[str, gpd.GeoDataFrame], network: Network, places: Mapping[str, Places]
) -> dict[tuple[str, str, str, tuple[float, ...]], Reach]:
    """Walk once to the largest limit of each circle, along the streets and straight."""
    found: dict[tuple[str, str, str, tuple[float, ...]], Reach] = {}
    communities = layers["communities"]
    for circle in study.circles:
        facilities = _facilities(layers, circle.service)
        stops = places[circle.service].select(facilities.index)
        walk = _walk(study, circle.service)
        for unit, limits in (("m", circle.metres), ("min", circle.minutes)):
            if not limits:
                continue
            asked: dict[str, Any] = {"metres": max(limits)} if unit == "m" else {"minutes": max(limits), "walk": walk}
            found[circle.service, unit, "streets", limits] = travel(network, places["communities"], stops, **asked)
            found[circle.service, unit, "straight", limits] = straight_line(communities, facilities, **asked)
    return found


def _coverage(
    layers: Mapping[str, gpd.GeoDataFrame],
    reaches: Mapping[tuple[str, str, str, tuple[float, ...]], Reach],
) -> pd.DataFrame:
    communities = layers["communities"]
    rows = []
    for (service, unit, metric, limits), reach in reaches.items():
        people = weight_of(service, communities)
        by = communities.get("district")
        for limit in sorted(limits):
            parts = [coverage(reach, people, limit=limit)]
            if by is not None:
                parts.append(coverage(reach, people, by, limit=limit))
            said: dict[str, Any] = {
                "service": service,
                "limit": limit,
                "unit": unit,
                "metric": metric,
                "how": reach.how,
            }
            rows += [part.reset_index().assign(**said) for part in parts]
    keys = ["service", "limit", "unit", "metric", "group", "weight"]
    if not rows:
        return pd.DataFrame(columns=keys).set_index(keys)
    return pd.concat(rows, ignore_index=True).set_index(keys).sort_index()


def _bands(
    reaches: Mapping[tuple[str, str, str, tuple[float, ...]], Reach],
) -> dict[str, pd.DataFrame]:
    """Bands along the streets; of several circles of one service the first."""
    found: dict[str, pd.DataFrame] = {}
    for (service, _, metric, limits), reach in reaches.items():
        if metric == "streets" and service not in found:
            found[service] = bands(reach, limits)
    return found


def _areas(
    study: Study, layers: Mapping[str, gpd.GeoDataFrame], network: Network, places: Mapping[str, Places]
) -> dict[str, gpd.GeoDataFrame]:
    found: dict[str, list[gpd.GeoDataFrame]] = {}
    for circle in study.circles:
        facilities = _facilities(layers, circle.service)
        for unit, limits in (("metres", circle.metres), ("minutes", circle.minutes)):
            if limits:
                area = service_areas(
                    network,
                    places[circle.service].select(facilities.index),
                    walk=_walk(study, circle.service),
                    dissolve=True,
                    **{unit: limits},  # type: ignore[arg-type]
                )
                found.setdefault(circle.service, []).append(area)
    return {service: pd.concat(parts, ignore_index=True) for service, parts in found.items()}


def study_standard(study: Study) -> Standard | None:
    """Return the study's standard with its own rules, None when it names none."""
    if study.standard is None:
        return None
    return load_standard(study.standard).extended(study.rules, study.documents)


def _audit(study: Study, layers: Mapping[str, gpd.GeoDataFrame], network: Network) -> Audit | None:
    standard = study_standard(study)
    if standard is None:
        return None
    return audit(
        standard,
        layers,
        network=network,
        year=study.year,
        walk=study.walk,
        shares=study.shares,
        beside=study.beside,
        max_snap=study.max_snap,
    )


def _propose(
    study: Study, goal: Goal, layers: Mapping[str, gpd.GeoDataFrame], network: Network, places: Mapping[str, Places]
) -> Proposal:
    if "candidates" not in layers:
        raise SitingError(f'goal "{goal.name}" needs a layer [layers.candidates]')
    communities = layers["communities"]
    existing = _facilities(layers, goal.service)
    candidates = offering(layers["candidates"], goal.service)
    twice = existing.index.intersection(candidates.index)
    if len(twice):
        raise SitingError(f"{goal.service} and candidates share ids: {some(twice)}; make them differ")
    if candidates.empty:
        raise ProblemError(f'goal "{goal.name}": no candidate offers {goal.service}')
    sites = places[goal.service].select(existing.index) + places["candidates"].select(candidates.index)
    reach = travel(
        network,
        places["communities"],
        sites,
        metres=goal.metres,
        minutes=goal.minutes,
        walk=_walk(study, goal.service) if goal.minutes is not None else None,
    )
    people = weight_of(goal.service, communities)
    rules = [Existing(existing.index)]
    plan = (
        solve(MinSites(), reach, demand=people, rules=[Cover(goal.cover), *rules], time_limit=goal.time_limit)
        if goal.cover is not None
        else solve(
            MaxCoverage(), reach, demand=people, rules=[AtMost(goal.at_most or 1), *rules], time_limit=goal.time_limit
        )
    )
    curve = None
    if goal.curve:
        curve = frontier(reach, demand=people, up_to=goal.curve, rules=rules, time_limit=goal.time_limit)
    return Proposal(goal, plan, reach, curve)
