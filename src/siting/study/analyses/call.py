"""A call of a function: its arguments looked up, with what the study says for those that the table leaves out."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pandas as pd

from siting.network import Walk
from siting.propose import AtMost, Budget, Scenario
from siting.propose.problem import Rule
from siting.study.analyses.catalogue import FUNCTIONS, OF_GOALS, signature_of
from siting.study.analyses.kinds import kind_of
from siting.study.analyses.protocols import Finding
from siting.study.analyses.values import Analysis
from siting.study.asked import Town

__all__ = ["Call"]


@dataclass(frozen=True, eq=False)
class Call:
    """An analysis with the place in which its arguments are looked up."""

    lookup: Finding
    analysis: Analysis

    def result(self) -> Any:
        """Return what the function returns."""
        key, written = self.analysis.key, self.analysis.arguments
        arguments = {
            name: kind_of(key, name).value(value, self) for name, value in written.items() if name != "goal"
        }  # fmt: skip
        if key in OF_GOALS:
            problem = self.lookup.problem(self.goal)
            if key == "frontier":  # it asks for each number of sites or budget itself
                problem["rules"] = [
                    rule for rule in problem["rules"] if not _is_asked(rule, budgets="budgets" in arguments)
                ]
            arguments = {**problem, **arguments}
        wanted = signature_of(key)
        settings = self.lookup.settings(key, written)
        arguments = {name: settings[name] for name in wanted if name in settings} | arguments
        for name, parameter in wanted.items():
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                arguments |= arguments.pop(name)
        if key == "solve_robust":
            arguments["objective"] = self.lookup.aim(self.goal)
        return FUNCTIONS[key](**arguments)

    @property
    def goal(self) -> str:
        """The goal that the table names."""
        goal: str = self.analysis.arguments["goal"]
        return goal

    @cached_property
    def town(self) -> Town:
        """The communities and sites of that goal."""
        town: Town = self.lookup.town(self.goal)
        return town

    def column(self, value: Any, of: str, end: str) -> Any:
        """Return a column, or several: of the layer of an argument, or of an end of its ways; a number as it is."""
        if isinstance(value, tuple):
            columns = [self.column(each, of, end) for each in value]
            return columns[0] if len(columns) == 1 else pd.concat(columns, axis=1)
        if not isinstance(value, str):
            return value
        given = self.analysis.arguments.get(of)
        if end and given is not None:
            return self.lookup.column(value, given, end)
        return self.lookup.series(value, (given if isinstance(given, str) else "communities",))

    def scenarios(self, value: Mapping[str, Mapping[str, Any]]) -> dict[str, Scenario]:
        """Return scenarios: other people, sites that are lost, another take-up or walker."""
        return {name: self._scenario(**each) for name, each in value.items()}

    def _scenario(
        self, demand: str | None = None, closed: Any = (), take_up: float | None = None, walk: str | None = None
    ) -> Scenario:
        people = None if demand is None else self.lookup.series(demand, ("communities",))
        reach = None
        if walk is not None:
            goal = self.analysis.arguments.get("goal") or self.analysis.arguments["plan"]
            town, who = self.lookup.town(goal), getattr(Walk, walk)()
            walks = dict.fromkeys(town.goal.services, who)
            town = replace(town, study=replace(town.study, walk={**town.study.walk, **walks}))
            reach = self.lookup.reach_of(town)
        return Scenario(demand=people, reach=reach, closed=tuple(closed), take_up=take_up)


def _is_asked(rule: Rule, *, budgets: bool) -> bool:
    """Whether a rule is one that a frontier goes through: a number of sites in all, or a budget."""
    if isinstance(rule, AtMost):
        return rule.by is None and rule.service is None
    return budgets and isinstance(rule, Budget)
