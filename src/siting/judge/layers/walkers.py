"""Who goes how far to the facilities of a rule, and the words for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from siting.judge.standards.rule import Rule
from siting.judge.standards.travel_modes import RIDDEN, pace
from siting.measure.services import walker
from siting.network import Walk

__all__ = ["beside", "walker_of"]


def walker_of(rule: Rule, walk: Walk | Mapping[str, Walk] | None) -> Walk:
    """Tell who walks to the facilities of a rule: at the speed that it prints, else as the user says.

    Examples
    --------
    >>> rule = Rule("x.a", "service_time", "eldercare", "甲", "A", unit="min", value=15, speed="60 m/min")
    >>> walker_of(rule, None)
    <Walk: elder, 60 m/min, slope: careful>
    """
    who = walker(rule.service, walk)
    return replace(who, speed=pace("walk", rule.speed, rule.id)) if rule.speed and rule.mode not in RIDDEN else who


def beside(key: str, rule: Rule, said: Mapping[str, object]) -> tuple[str, dict[str, object]]:
    """Choose the words for what lies within a walk, a straight line or a ride: a key of the table, and its values."""
    if rule.mode in RIDDEN:
        return f"{key}_ride", {**said, "mode": rule.mode, "speed": rule.speed}
    return (f"{key}_straight" if rule.metric == "straight" else key), dict(said)
