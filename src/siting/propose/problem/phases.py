"""The rule on years."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from siting.errors import ProblemError
from siting.messages import Message
from siting.propose.problem.rule import Rule
from siting.propose.problem.rule_values import argument_of, arguments, at_least_zero, is_number
from siting.read_share import share_from

__all__ = ["Phases"]


@dataclass(frozen=True, eq=False)
class Phases(Rule):
    """Open sites year by year; what opens stays open.

    The demand is a DataFrame with a column for each year, or one Series for all years. `MaxCoverage` and `MinTravel`
    add up the years; `AtMost` and `Budget` hold for all years together, `Cover` in its `year`, other rules in the last
    year. Without *at_most*, *budget* or options with a later `year` all sites open in the first year; the log and
    `Plan.explain` state it.

    Parameters
    ----------
    years
        In order, such as (2025, 2030, 2035).
    at_most
        Most new sites in each year: one number for all, or one for each.
    budget
        Budget of each year: one number for all, or one for each; the rest of a year is not carried over.
    cover
        Share to cover in each year; None for no goal.
    weights
        Weight of each year in the objective; default 1.
    cost
        As in `Budget`.

    Raises
    ------
    ProblemError
        When years are not in order, or a list has another length.
    """

    years: tuple[int, ...]
    at_most: int | Sequence[int | None] | None = field(default=None, kw_only=True)
    budget: float | Sequence[float | None] | None = field(default=None, kw_only=True)
    cover: Sequence[float | None] | None = field(default=None, kw_only=True)
    weights: Sequence[float] | None = field(default=None, kw_only=True)
    cost: pd.Series | Mapping[str, pd.Series] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        years = tuple(self.years) if isinstance(self.years, Iterable) else ()
        if not years or any(not is_number(y) or y % 1 for y in years) or list(years) != sorted(set(years)):
            raise ProblemError(Message("problem.years", what=argument_of("Phases", "years"), value=self.years))
        object.__setattr__(self, "years", tuple(int(y) for y in years))
        for name in ("at_most", "budget", "cover", "weights"):
            value = getattr(self, name)
            if value is None:
                continue
            if is_number(value) and name in ("at_most", "budget"):
                value = (value,) * len(years)
            if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != len(years):
                raise ProblemError(
                    Message("problem.each_year", what=argument_of("Phases", name), value=value, n=len(years))
                )
            value = tuple(value)
            if name == "cover":
                value = tuple(
                    one if one is None else share_from(one, argument_of("Phases", "cover"), ProblemError)
                    for one in value
                )
            for one in value:
                if one is not None:
                    at_least_zero(one, argument_of("Phases", name))
                    if name == "at_most" and one % 1:
                        raise ProblemError(
                            Message("argument.whole", what=argument_of("Phases", "at_most"), value=one, least=0)
                        )
                elif name == "weights":
                    raise ProblemError(Message("problem.no_year", what=argument_of("Phases", "weights")))
            object.__setattr__(self, name, value)

    def at_most_in(self, phase: int) -> float | None:
        """Return the most new sites in a phase; None without a limit."""
        return self.at_most[phase] if isinstance(self.at_most, Sequence) else None

    def budget_in(self, phase: int) -> float | None:
        """Return the budget of a phase; None without a limit."""
        return self.budget[phase] if isinstance(self.budget, Sequence) else None

    def __str__(self) -> str:
        years = f"{self.years[0]}–{self.years[-1]}" if len(self.years) > 1 else self.years[0]
        return f"Phases({arguments(years, at_most=self.at_most, budget=self.budget, cover=self.cover)})"
