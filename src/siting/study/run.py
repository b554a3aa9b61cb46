"""`run`: a study from layers to coverage, verdict and proposals."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import geopandas as gpd
import pandas as pd

from siting.errors import NetworkError, ProblemError, SitingError, some
from siting.judge import Audit
from siting.measure import Reach, bands, coverage, service_areas, straight_line, travel
from siting.measure.services import open_to_all, people_column, set_apart
from siting.network import Network, Places
from siting.propose import frontier, solve
from siting.study.analyses.lookup import Lookup
from siting.study.goal_town import GoalTown
from siting.study.inputs import Circle
from siting.study.layers import read_layers, with_network
from siting.study.needs import check_needs, faults_of
from siting.study.outcome import Outcome
from siting.study.problem import problem_of
from siting.study.values import Proposal, Study
from siting.study.verdict import joined, verdicts

__all__ = ["judge", "run"]

log = logging.getLogger(__name__)


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
        When a layer, rule or goal cannot be used; nothing is written.

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
        layers = read_layers(study)
        needs = faults_of(study)
        check_needs(needs, study, layers)
        needs.raise_all()
    with step("network"):
        layers, network = with_network(study, layers)
        _warn_of_parts(network)
        found = Lookup(study, layers, network)
        layers |= found.made_layers()
        places = found.places = _locate(study, layers, network)
    with step("coverage"):
        reaches = _reaches(study, layers, network, places)
        table = _coverage(study, layers, reaches)
        by_band = _bands(reaches)
        apart = {service: set_apart(layers[service], study.role_of(service)) for service in by_band}
    with step("areas"):
        areas = _areas(study, layers, network, places)
    with step("audit"):
        audits = verdicts(study, layers, network)
    proposals = found.proposals
    for goal in study.goals:
        with step(f"plan {goal.name}"):
            try:
                proposals[goal.name] = _propose(GoalTown(study, goal, layers, network, places))
            except ProblemError as error:
                raise ProblemError(error.within(f"[[goal]] {goal.name}")) from error
    for analysis in study.analyses:
        with step(f"{analysis.key} {analysis.name}"):
            found.result(analysis.name)
    analyses = {analysis.name: found.results[analysis.name] for analysis in study.analyses}
    return Outcome(study, layers, network, places, table, apart, by_band, areas,
                   joined([*audits.values()]), proposals, steps, audits, analyses)  # fmt: skip


def _warn_of_parts(network: Network) -> None:
    km = network.components["km"]
    if km.iloc[0] < 0.9 * km.sum():
        log.warning(
            "the largest of %d parts of the network holds only %.0f %% of its length; do streets end at crossings?",
            network.n_components, 100 * km.iloc[0] / km.sum(),
        )  # fmt: skip


def _locate(study: Study, layers: Mapping[str, gpd.GeoDataFrame], network: Network) -> dict[str, Places]:
    roles = [role for role in layers if study.role_of(role) not in ("streets", "districts")]
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


def _demand(service: str, communities: gpd.GeoDataFrame) -> pd.Series:
    column = people_column(service)
    if column not in communities:
        raise SitingError(f'communities: {service} needs the column "{column}", which is missing')
    demand: pd.Series = communities[column]
    return demand


def _facilities(layers: Mapping[str, gpd.GeoDataFrame], service: str) -> gpd.GeoDataFrame:
    if service not in layers:
        raise SitingError(f'the study measures "{service}" but has no layer [layers.{service}]')
    return open_to_all(layers[service])


def _merged(circles: Sequence[Circle]) -> list[Circle]:
    merged: dict[str, Circle] = {}
    for circle in circles:
        old = merged.get(circle.service, Circle(circle.service))
        metres, minutes = {*old.metres, *circle.metres}, {*old.minutes, *circle.minutes}
        merged[circle.service] = Circle(circle.service, tuple(sorted(metres)), tuple(sorted(minutes)))
    return list(merged.values())


class Measured(NamedTuple):
    """One measurement: a service, the unit and the limits, along the streets or straight."""

    service: str
    unit: str
    metric: str
    limits: tuple[float, ...]


def _reaches(
    study: Study, layers: Mapping[str, gpd.GeoDataFrame], network: Network, places: Mapping[str, Places]
) -> dict[Measured, Reach]:
    """Walk once to the largest limit of each circle, along the streets and straight."""
    reaches: dict[Measured, Reach] = {}
    communities = layers["communities"]
    for circle in _merged(study.circles):
        service, facilities = circle.service, _facilities(layers, circle.service)
        stops, walk = places[service].select(facilities.index), study.walker(service)
        for unit, limits in (("m", circle.metres), ("min", circle.minutes)):
            if not limits:
                continue
            most: dict[str, Any] = {"metres": max(limits)} if unit == "m" else {"minutes": max(limits), "walk": walk}
            # The nearest facility decides coverage: no other pair is kept.
            walked = travel(network, places["communities"], stops, nearest=1, **most)
            reaches[Measured(service, unit, "streets", limits)] = walked
            straight = straight_line(communities, facilities, crs=network.crs, **most)
            reaches[Measured(service, unit, "straight", limits)] = straight
    return reaches


def _coverage(study: Study, layers: Mapping[str, gpd.GeoDataFrame], reaches: Mapping[Measured, Reach]) -> pd.DataFrame:
    communities = layers["communities"]
    by = _districts(communities)
    groupings = [None] if by is None else [None, by]
    keys = ["service", "limit", "unit", "metric", "group", "weight"]
    tables = [pd.DataFrame(columns=keys)] if not reaches else []
    for (service, unit, metric, limits), reach in reaches.items():
        demand = _demand(study.role_of(service), communities)
        for limit in limits:
            measured: dict[str, Any] = {
                "service": service, "limit": limit, "unit": unit, "metric": metric, "how": reach.how,
            }  # fmt: skip
            parts = [coverage(reach, demand, groups, limit=limit) for groups in groupings]
            tables += [part.reset_index().assign(**measured) for part in parts]
    return pd.concat(tables, ignore_index=True).set_index(keys).sort_index()


def _districts(communities: gpd.GeoDataFrame) -> pd.Series | None:
    """District of each community; those without one form a group, with a warning."""
    if "district" not in communities:
        return None
    districts: pd.Series = communities["district"]
    blank = districts == ""
    if blank.any():
        log.warning("%d communities have no district: %s", int(blank.sum()), some(communities.index[blank]))
    return districts.mask(blank, "n/a")


def _bands(reaches: Mapping[Measured, Reach]) -> dict[str, pd.DataFrame]:
    """Bands along the streets: by metres where there are any, else by minutes."""
    found: dict[str, pd.DataFrame] = {}
    for measured, reach in reaches.items():
        if measured.metric == "streets" and measured.service not in found:
            found[measured.service] = bands(reach, measured.limits)
    return found


def _areas(
    study: Study, layers: Mapping[str, gpd.GeoDataFrame], network: Network, places: Mapping[str, Places]
) -> dict[str, gpd.GeoDataFrame]:
    found: dict[str, list[gpd.GeoDataFrame]] = {}
    for circle in _merged(study.circles):
        stops = places[circle.service].select(_facilities(layers, circle.service).index)
        walk = study.walker(circle.service)
        for limits in ({"metres": circle.metres}, {"minutes": circle.minutes}):
            if any(limits.values()):
                area = service_areas(network, stops, walk=walk, overlap="dissolve", **limits)  # type: ignore[arg-type]
                found.setdefault(circle.service, []).append(area)
    return {service: pd.concat(parts, ignore_index=True) for service, parts in found.items()}


def judge(study: Study) -> Audit:
    """Audit the layers of a study, without its maps and proposals; SitingError when it names no standard.

    Examples
    --------
    >>> import siting as st
    >>> judge(st.Study.from_toml(st.data.sample_path("study.toml"))).year
    2025
    """
    judged = joined([*verdicts(study, *with_network(study, read_layers(study))).values()])
    if judged is None:
        raise SitingError('the study names no standard; write standard = "jinhua" under [study]')
    return judged


def _propose(town: GoalTown) -> Proposal:
    """Solve a goal of the study."""
    goal, problem = town.goal, problem_of(town)
    options: dict[str, Any] = {"time_limit": goal.time_limit, "gap": goal.gap}
    plan = solve(goal.aim(town), problem["reach"], **{k: v for k, v in problem.items() if k != "reach"}, **options)
    of_first = problem["reach"][goal.services[0]] if len(goal.services) > 1 else problem["reach"]
    curve = frontier(**{**problem, "rules": [town.existing()]}, up_to=goal.curve, **options) if goal.curve else None
    return Proposal(goal, plan, of_first, curve)
