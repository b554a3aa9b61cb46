"""Rules, and their parts for one group, service or year."""

from __future__ import annotations

from dataclasses import dataclass

from siting.propose.problem.objectives import Objective
from siting.propose.problem.rule_values import Value

__all__ = ["Part", "Rule"]


@dataclass(frozen=True, eq=False)
class Rule(Value):
    """A rule that every plan must keep."""


@dataclass(frozen=True)
class Part:
    """A rule, or its part for one group, service or year. Parts are compared by rule and group, not by text.

    The objective stands as the rule if it requires everybody to be served. `of` is service, year and group where there
    are several, and `asks` with `Phases` the name and number of the limit or goal of the year.
    """

    rule: Rule | Objective
    of: tuple[object, ...] = ()
    asks: tuple[str, float] | None = None

    @property
    def group(self) -> str:
        """Service, year and group as text; "" for all."""
        return ", ".join(map(str, self.of))

    def __str__(self) -> str:
        if self.asks is not None:
            return f"{type(self.rule).__name__}({self.group}: {self.asks[0]}={self.asks[1]:g})"
        return f"{self.rule} ({self.group})" if self.of else str(self.rule)
