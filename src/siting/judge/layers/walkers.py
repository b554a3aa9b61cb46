"""Walkers and limits of a rule, and the messages about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from siting.judge.standards.rule import Rule
from siting.judge.standards.travel_modes import RIDDEN, pace
from siting.judge.wording.sentences import Sentence
from siting.measure.services import walker
from siting.network import Walk

__all__ = ["Limit", "limit_of", "minutes_message", "walk_message", "walker_of"]


class Limit(NamedTuple):
    """The limit within which a unit counts as served: in metres, or in minutes."""

    metres: float | None = None
    minutes: float | None = None

    @property
    def amount(self) -> float:
        """The number, in either unit."""
        either = self.metres if self.minutes is None else self.minutes
        return float("inf") if either is None else either


def limit_of(rule: Rule, amount: float, *, minutes: bool) -> Limit:
    """Return a limit of a rule. Rides have one speed for all, so that theirs is in metres."""
    if minutes and rule.mode in RIDDEN:
        return Limit(metres=amount * pace(rule.mode, rule.speed))
    return Limit(minutes=amount) if minutes else Limit(metres=amount)


def walker_of(rule: Rule, walk: Walk | Mapping[str, Walk] | None) -> Walk:
    """Return the walker to the facilities of a rule: at the printed speed, else the user's."""
    who = walker(rule.service, walk)
    return replace(who, speed=pace("walk", rule.speed)) if rule.speed and rule.mode not in RIDDEN else who


def walk_message(key: str, rule: Rule, values: Mapping[str, object]) -> Sentence:
    """Write what lies within a walk, a straight line or a ride; *key* is that of the walk."""
    if rule.mode in RIDDEN:
        return f"{key}_ride", {**values, "mode": rule.mode, "speed": rule.speed}
    return (f"{key}_straight" if rule.metric == "straight" else key), dict(values)


def minutes_message(rule: Rule, walk: Walk | Mapping[str, Walk] | None, limit: float) -> Sentence:
    """Write how the minutes of a limit are travelled."""
    if rule.mode in RIDDEN:
        return "audit.within_ride", {"limit": limit, "mode": rule.mode, "speed": rule.speed}
    who = walker_of(rule, walk)
    return "audit.within_min", {"limit": limit, "who": who.who, "speed": who.speed}
