"""`Study` and `run`: a recipe from layers to coverage, verdict and proposals, and what comes of it."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import pandas as pd

from siting.data import check_together, read_layer
from siting.errors import NetworkError, ProblemError, SitingError, some
from siting.judge import Audit, Rule, Standard, audit, load_standard
from siting.judge.standards.rule import Document
from siting.measure import Reach, bands, coverage, service_areas, straight_line, travel
from siting.measure.services import offering, open_to_all, people_column, set_apart, walker
from siting.network import Network, Places, Walk
from siting.propose import AtMost, Cover, Existing, MaxCoverage, MinSites, Plan, frontier, solve
from siting.study.inputs import Circle, Goal, Source

__all__ = ["Circle", "Goal", "Outcome", "Proposal", "Source", "Study", "run"]

log = logging.getLogger(__name__)


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
    shares, beside, by, household_size, scope
        As for `audit`.
    changes
        Numbers that a document leaves open, or other readings, by rule id; as for `Standard.adapted`.
    walk
        Who walks to each service.
    circles, goals
        What is measured and proposed.
    max_snap, crs, strict
        As for `travel`, `Network.from_streets` and `read_layer`. All of a study is measured in the network's CRS.
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
    by: str | None = None
    household_size: float | None = None
    scope: str | float | None = None
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    walk: Mapping[str, Walk] = field(default_factory=dict)
    circles: tuple[Circle, ...] = ()
    goals: tuple[Goal, ...] = ()
    max_snap: float = 250.0
    crs: str | None = None
    strict: bool = False

    @classmethod
    def from_toml(cls, path: str | Path) -> Study:
        """Read a study from a TOML file; paths in it are relative to it.

        Raises
        ------
        SitingError
            When the file is not there or not well formed: which table or key, and what is understood.
        """
        from siting.study.recipe import read_study

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
    apart
        By service, for each facility "not_open", "no_places", "no_beds", "no_capacity" or nothing; see `set_apart`.
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
    apart: Mapping[str, pd.Series]
    bands: Mapping[str, pd.DataFrame]
    areas: Mapping[str, gpd.GeoDataFrame]
    audit: Audit | None
    proposals: Mapping[str, Proposal]
    steps: Mapping[str, float]

    def __repr__(self) -> str:
        return f"<Outcome of {self.study.name}: {', '.join(self.proposals) or 'no proposals'}, {self.audit}>"

    @property
    def unmet(self) -> list[str]:
        """Names of the goals that no plan was found for."""
        return [name for name, proposal in self.proposals.items() if math.isnan(proposal.plan.objective)]

    def write(self, folder: str | Path) -> dict[str, Path]:
        """Write map, report, layers and tables to *folder*; see `siting.study.outputs.write_outputs`."""
        from siting.study.outputs import write_outputs

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
    27.1%
    """
    if not isinstance(study, Study):
        raise SitingError(f"run takes a Study; read one with Study.from_toml({str(study)!r})")
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
        _hangs_together(network)
        places = _locate(study, layers, network)
    with step("coverage"):
        reaches = _reaches(study, layers, network, places)
        table = _coverage(layers, reaches)
        rings = _bands(reaches)
        apart = {service: set_apart(layers[service], service) for service in rings}
    with step("areas"):
        areas = _areas(study, layers, network, places)
    with step("audit"):
        judged = _audit(study, layers, network)
    proposals = {}
    for goal in study.goals:
        with step(f"plan {goal.name}"):
            try:
                proposals[goal.name] = _propose(study, goal, layers, network, places)
            except ProblemError as error:
                raise ProblemError(f'[[goal]] "{goal.name}": {error}') from error
    return Outcome(study, layers, network, places, table, apart, rings, areas, judged, proposals, steps)


def _read(study: Study) -> dict[str, gpd.GeoDataFrame]:
    layers = {}
    for name, source in study.layers.items():
        layers[name] = read_layer(
            source.path, source.role or name, layer=source.layer, columns=source.columns, encoding=source.encoding,
            crs=source.crs, missing=source.missing, strict=study.strict, mapping=source.mapping,
        )  # fmt: skip
    check_together(layers, "streets")
    return layers


def _hangs_together(network: Network) -> None:
    main = float(network.components["km"].iloc[0] / network.components["km"].sum())
    if main < 0.9:
        log.warning(
            "the largest of %d parts of the network holds only %.0f %% of its length; do streets end at crossings?",
            network.n_components, 100 * main,
        )  # fmt: skip


def _locate(study: Study, layers: Mapping[str, gpd.GeoDataFrame], network: Network) -> dict[str, Places]:
    """Locate every layer of places once."""
    roles = [role for role in layers if role not in ("streets", "districts")]
    places = {role: network.locate(layers[role], max_snap=study.max_snap, name=role) for role in roles}
    for role, found in places.items():
        off = len(found.off_street)
        if off == len(found) > 1 or (role == "communities" and 2 * off > len(found)):
            raise NetworkError(
                f"{role}: {off} of {len(found)} places lie more than {study.max_snap:g} m from any street (one of them "
                f"{found.snap.max():,.0f} m); is their CRS the right one, do the streets cover the same area, and is "
                "max_snap in metres?"
            )
    return places


def _people(service: str, communities: gpd.GeoDataFrame) -> pd.Series:
    column = people_column(service)
    if column not in communities:
        raise SitingError(f'communities: {service} is measured by the column "{column}", which is not there')
    people: pd.Series = communities[column]
    return people


def _facilities(layers: Mapping[str, gpd.GeoDataFrame], service: str) -> gpd.GeoDataFrame:
    if service not in layers:
        raise SitingError(f'the study measures "{service}" but has no layer [layers.{service}]')
    return open_to_all(layers[service])


def _merged(circles: Sequence[Circle]) -> list[Circle]:
    """Put the circles of one service together, each limit once."""
    found: dict[str, Circle] = {}
    for circle in circles:
        old = found.get(circle.service, Circle(circle.service))
        metres, minutes = {*old.metres, *circle.metres}, {*old.minutes, *circle.minutes}
        found[circle.service] = Circle(circle.service, tuple(sorted(metres)), tuple(sorted(minutes)))
    return list(found.values())


def _reaches(
    study: Study, layers: Mapping[str, gpd.GeoDataFrame], network: Network, places: Mapping[str, Places]
) -> dict[tuple[str, str, str, tuple[float, ...]], Reach]:
    """Walk once to the largest limit of each circle, along the streets and straight."""
    found: dict[tuple[str, str, str, tuple[float, ...]], Reach] = {}
    communities = layers["communities"]
    for circle in _merged(study.circles):
        facilities = _facilities(layers, circle.service)
        stops = places[circle.service].select(facilities.index)
        walk = walker(circle.service, study.walk)
        for unit, limits in (("m", circle.metres), ("min", circle.minutes)):
            if not limits:
                continue
            asked: dict[str, Any] = {"metres": max(limits)} if unit == "m" else {"minutes": max(limits), "walk": walk}
            # Who is covered, and how well, is told by the nearest facility: no other pair is kept.
            found[circle.service, unit, "streets", limits] = travel(
                network, places["communities"], stops, nearest=1, **asked
            )
            straight = straight_line(communities, facilities, crs=network.crs, **asked)
            found[circle.service, unit, "straight", limits] = straight
    return found


def _coverage(
    layers: Mapping[str, gpd.GeoDataFrame],
    reaches: Mapping[tuple[str, str, str, tuple[float, ...]], Reach],
) -> pd.DataFrame:
    communities = layers["communities"]
    by = _districts(communities)
    rows = []
    for (service, unit, metric, limits), reach in reaches.items():
        people = _people(service, communities)
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


def _districts(communities: gpd.GeoDataFrame) -> pd.Series | None:
    """District of each community; those without one are a group of their own, and told."""
    if "district" not in communities:
        return None
    districts: pd.Series = communities["district"]
    blank = districts == ""
    if blank.any():
        log.warning("%d communities have no district: %s", int(blank.sum()), some(communities.index[blank]))
    return districts.mask(blank, "n/a")


def _bands(
    reaches: Mapping[tuple[str, str, str, tuple[float, ...]], Reach],
) -> dict[str, pd.DataFrame]:
    """Bands along the streets: by metres where there are any, else by minutes."""
    found: dict[str, pd.DataFrame] = {}
    for (service, _, metric, limits), reach in reaches.items():
        if metric == "streets" and service not in found:
            found[service] = bands(reach, limits)
    return found


def _areas(
    study: Study, layers: Mapping[str, gpd.GeoDataFrame], network: Network, places: Mapping[str, Places]
) -> dict[str, gpd.GeoDataFrame]:
    found: dict[str, list[gpd.GeoDataFrame]] = {}
    for circle in _merged(study.circles):
        facilities = _facilities(layers, circle.service)
        for unit, limits in (("metres", circle.metres), ("minutes", circle.minutes)):
            if limits:
                area = service_areas(
                    network,
                    places[circle.service].select(facilities.index),
                    walk=walker(circle.service, study.walk),
                    overlap="dissolve",
                    **{unit: limits},  # type: ignore[arg-type]
                )
                found.setdefault(circle.service, []).append(area)
    return {service: pd.concat(parts, ignore_index=True) for service, parts in found.items()}


def _standard(study: Study) -> Standard | None:
    """Return the study's standard with its own rules, None when it names none."""
    if study.standard is None:
        return None
    return load_standard(study.standard).extended(study.rules, study.documents).adapted(study.changes)


def judge(study: Study) -> Audit:
    """Audit the layers of a study, without its maps and proposals.

    Raises
    ------
    SitingError
        When a layer or rule cannot be used, or the study names no standard.

    Examples
    --------
    >>> import siting as st
    >>> judge(st.Study.from_toml(st.data.sample_path("study.toml"))).year
    2025
    """
    layers = _read(study)
    judged = _audit(study, layers, Network.from_streets(layers["streets"], crs=study.crs))
    if judged is None:
        raise SitingError('the study names no standard; write standard = "jinhua" under [study]')
    return judged


def _audit(study: Study, layers: Mapping[str, gpd.GeoDataFrame], network: Network) -> Audit | None:
    standard = _standard(study)
    if standard is None:
        return None
    return audit(
        standard,
        layers,
        network=network,
        year=study.year,
        walk=study.walk,
        shares=study.shares,
        beside=study.beside, max_snap=study.max_snap,
        by=study.by,
        household_size=study.household_size, scope=study.scope,
    )  # fmt: skip


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
        walk=walker(goal.service, study.walk) if goal.minutes is not None else None,
    )
    people = _people(goal.service, communities)
    if not people.sum() > 0:
        raise ProblemError(f'communities: "{people.name}" is 0 everywhere; nobody to plan for')
    rules = [Existing(existing.index)]
    plan = (
        solve(MinSites(), reach, demand=people, rules=[Cover(goal.cover), *rules], time_limit=goal.time_limit)
        if goal.cover is not None
        else solve(
            MaxCoverage(), reach, demand=people, rules=[AtMost(goal.at_most or 0), *rules], time_limit=goal.time_limit
        )
    )
    curve = None
    if goal.curve:
        curve = frontier(reach, demand=people, up_to=goal.curve, rules=rules, time_limit=goal.time_limit)
    return Proposal(goal, plan, reach, curve)
