"""The kinds of rules, with their operators, keys and units."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from siting.errors import StandardError, some
from siting.judge.standards.keys import COMPUTING, JUDGED
from siting.judge.standards.rule import Rule

__all__ = ["KINDS", "Kind", "check_kind"]


@dataclass(frozen=True)
class Kind:
    """The operators, keys and units of a kind of rule.

    Attributes
    ----------
    operators
        The operators that it can be judged by.
    keys
        The keys of `COMPUTING` that it uses; None for all.
    units
        The units that its number can be in; None for all.
    idle
        Returns the keys without effect in a rule, given its other keys.
    """

    operators: tuple[str, ...]
    keys: tuple[str, ...] | None = None
    units: tuple[str, ...] | None = None
    idle: Callable[[Rule], Iterable[str]] = lambda _rule: ()


#: The kinds of rules that can be computed; filled by `indicator`.
KINDS: dict[str, Kind] = {}


def check_kind(rule: Rule) -> None:
    """Refuse an operator, a unit or a key that the kind of a rule cannot use."""
    kind = KINDS[rule.kind]
    if kind.units is not None and rule.unit not in kind.units and (rule.unit or rule.value is not None):
        listed = some(list(filter(None, kind.units)), 99) or "no unit"
        raise StandardError(f'rule {rule.id}: unit is "{rule.unit}"; a {rule.kind} is in {listed}')
    judged = rule.role in JUDGED and rule.value is not None
    if judged and rule.operator not in kind.operators:
        listed = some([o for o in kind.operators if o], 9)
        raise StandardError(
            f'rule {rule.id}: operator is "{rule.operator}"; a {rule.kind} is judged by one of {listed}'
        )
    given = [name for name in COMPUTING if getattr(rule, name) not in (None, "", (), {})]
    idle = {*kind.idle(rule), *(() if rule.in_minutes else ("mode", "speed"))}
    lost = [name for name in given if name in idle or (kind.keys is not None and name not in kind.keys)]
    if lost:
        left = [name for name in COMPUTING if (kind.keys is None or name in kind.keys) and name not in idle]
        uses = f"it uses {some(left, 99)}" if left else "it uses none of them"
        raise StandardError(f"rule {rule.id}: {some(lost, 99)} would have no effect in this {rule.kind}; {uses}")
    if rule.value_max is not None and rule.operator != "range":
        raise StandardError(f'rule {rule.id}: value_max is the end of a range; write operator = "range"')
