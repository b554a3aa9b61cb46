"""What circles and goals need of the layers: columns, ids, values and costs, looked at before anything is measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from siting.errors import SitingError
from siting.measure.services import people_column
from siting.messages import Message
from siting.propose import AtMost, Budget, MaxCoverage, MaxWorstShare, MinFarthest, MinTravel
from siting.study.asked import BY_GROUP, Asked, key_of, kind_of, no_ways
from siting.study.faults import Faults, Path
from siting.study.goal_town import GoalTown, named_all
from siting.study.inputs import LIMITING, Goal
from siting.study.values import Study

__all__ = ["check_needs", "faults_of"]


class _Columns(GoalTown):
    """A town of which only the columns are known: the ways between its sites are none."""

    def between(self, _: float) -> Any:
        return no_ways()


def faults_of(study: Study) -> Faults:
    """Return a place for the faults of a study, with the lines of its file if it was read from one."""
    if study.written is not None:
        return Faults(**vars(study.written))
    return Faults("", {"goal": [{"name": goal.name} for goal in study.goals]}, {})


def check_needs(
    faults: Faults, study: Study, layers: Mapping[str, Any], numbers: Mapping[str, list[int]] | None = None
) -> None:
    """Add what circles and goals need, and the layers have not.

    *layers* are frames with or without geometry; what needs one that is not there is not looked at. *numbers* are those
    of circles and goals in the file, where the study has not all of them.
    """
    numbers = numbers or {}
    if "communities" not in layers:
        return
    for circle, number in zip(study.circles, numbers.get("circle", range(len(study.circles))), strict=True):
        with faults.at("circle", number, "service"):
            _people(layers["communities"], people_column(study.role_of(circle.service)))
    for goal, number in zip(study.goals, numbers.get("goal", range(len(study.goals))), strict=True):
        if {"candidates", *goal.services} <= set(layers):
            _check_goal(faults, ("goal", number), _Columns(study, goal, layers, None, {}))  # type: ignore[arg-type]


def _people(communities: Any, column: str) -> None:
    if column not in communities:
        known = [each for each in communities if each != "geometry"]
        raise SitingError(Message("study.no_column", layer="communities", column=column, known=known))


def _check_goal(faults: Faults, path: Path, town: GoalTown) -> None:
    before = len(faults.found)
    for service in town.goal.services:
        with faults.at(*path, "service"):
            town.candidates(service)
        with faults.at(*path, "people" if town.goal.people else "service"):
            town.demand(service)
    if len(faults.found) > before:
        return
    with faults.at(*path, *(() if town.goal.objective is None else ("objective",))):
        _check_aim(town.goal.aim(town), town.goal)
    for rule, key in _keys(town.goal):
        with faults.at(*path, *key):
            _check_rule(rule.made(town) if isinstance(rule, Asked) else rule, rule, town)


def _check_aim(aim: Any, goal: Goal) -> None:
    """Refuse what would open every site, and what two objectives are weighed by only."""
    kinds = {rule.make if isinstance(rule, Asked) else type(rule) for rule in goal.rules}
    if isinstance(aim, MaxCoverage | MinTravel | MinFarthest) and not kinds & LIMITING:
        raise SitingError(Message("study.endless"))
    if isinstance(aim, MaxWorstShare):
        raise SitingError(Message("study.not_alone"))


def _keys(goal: Goal) -> Iterator[tuple[Any, tuple[str | int, ...]]]:
    """Yield the rules of a goal with their keys: the number, too, of one of several of a kind."""
    met: dict[str, int] = {}
    for rule in goal.rules:
        key = key_of(rule.make if isinstance(rule, Asked) else type(rule))
        yield rule, (key, met.setdefault(key, 0))
        met[key] += 1


def _check_rule(made: Any, asked: Any, town: GoalTown) -> None:
    services = town.goal.services
    new = {site for service in services for site in town.candidates(service).index}
    sites = new | {site for service in services for site in town.facilities(service).index}
    if strange := [each for each in getattr(made, "ids", None) or () if each not in sites]:
        raise SitingError(Message("study.no_site", ids=strange))
    if isinstance(made, AtMost) and made.by is None and made.n > len(new):
        raise SitingError(Message("study.too_many", n=made.n, there=len(new)))
    if isinstance(made, Budget):
        _check_budget(made, new)
    by = getattr(made, "by", None)
    if isinstance(by, pd.Series) and isinstance(asked, Asked):
        _check_groups(by, asked)


def _check_budget(made: Budget, new: set[Any]) -> None:
    given = made.cost if isinstance(made.cost, Mapping) else {"": made.cost}
    costs = [cost[cost.index.isin(new)] for cost in given.values() if isinstance(cost, pd.Series)]
    together = pd.concat(costs) if costs else pd.Series(dtype=float)
    if len(together) and made.total < together.min():
        raise SitingError(Message("study.poor", total=made.total, least=together.min(), site=together.idxmin()))


def _check_groups(by: pd.Series, asked: Asked) -> None:
    """Look at the tables of groups: they are those of the column."""
    for name, value in asked.arguments.items():
        if isinstance(value, Mapping) and kind_of(asked.make.__name__, name) is BY_GROUP:
            named_all(by, value, asked.arguments["by"])
