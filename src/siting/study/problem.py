"""The problem of a goal, as `solve` and its kin take it."""

from __future__ import annotations

from typing import Any

from siting.study.goal_town import GoalTown

__all__ = ["problem_of"]


def problem_of(town: GoalTown) -> dict[str, Any]:
    """Return the ways, people, take-up and rules of a goal; with several services each by service."""
    goal, rates = town.goal, town.study.take_up
    reach = {service: town.reach(service) for service in goal.services}
    demand = {service: town.demand(service) for service in goal.services}
    rate = {service: rates[service] for service in goal.services if service in rates}
    rules = [*goal.asked(town), town.existing()]
    if len(goal.services) > 1:
        return {"reach": reach, "demand": demand, "take_up": rate or None, "rules": rules}
    (first,) = goal.services
    return {"reach": reach[first], "demand": demand[first], "take_up": rates.get(first), "rules": rules}
