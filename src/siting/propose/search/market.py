"""Problems in which people choose among sites: the most that can be captured, or the fewest sites for a share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from siting.numbers import Bools
from siting.optimize.choice.cuts import MarketProof, bound_of_market
from siting.optimize.choice.engine import ENGINE, Capture, fewest_for_target, most_captured
from siting.optimize.choice.plans import Plans
from siting.optimize.choice.problem import Market, market_of
from siting.optimize.control import Control
from siting.optimize.first_plan import first_plan
from siting.optimize.solution import SAME
from siting.propose.model.formulation import Formulation
from siting.propose.model.market import Utilities
from siting.propose.problem import TargetMarketShare
from siting.propose.search.answer import Answer, no_plan
from siting.propose.search.pruning import prune_by

__all__ = ["MarketAnswer", "most_possible", "search_market"]


@dataclass(frozen=True, eq=False)
class MarketAnswer(Answer):
    """The answer where people choose: *market* is the one of the proof, *enough* the people who must be captured.

    Without a target it is minus infinity, and the objective is what is captured; with one it is the number of sites:
    *beside* that are decided, and more than the last row of the market allows.
    """

    utilities: Utilities | None = None
    market: Market | None = None
    captured: MarketProof | None = None
    enough: float = -math.inf
    beside: int = 0

    def keeps(self, x: Bools) -> bool:
        """Whether columns keep all rules, and capture enough."""
        assert self.utilities is not None
        return super().keeps(x) and (math.isinf(self.enough) or self.utilities.captured(x) >= self.enough)

    def measure(self, x: Bools) -> float:
        """Objective of columns, added up anew."""
        assert self.utilities is not None
        return self.utilities.captured(x) if math.isinf(self.enough) else super().measure(x)

    @property
    def proof(self) -> Any:
        """Points and prices that prove the bound; None where nothing does."""
        return self.captured

    def bound_by(self, proof: Any) -> float:
        """Return the bound that a proof gives, added up anew; NaN without one."""
        if proof is None or self.market is None:
            return math.nan
        bound = bound_of_market(self.market, proof)
        if math.isinf(self.enough):
            return min(bound, self.market.total)
        return self.beside + float(self.market.high[-1]) + 1.0 if bound < self.enough else math.nan

    @property
    def grain(self) -> float:
        """Numbers of sites are whole; of people who are captured nothing is known."""
        return 0.0 if math.isinf(self.enough) else 1.0


def search_market(formulation: Formulation, control: Control) -> Answer:
    """Solve a problem in which people choose among sites."""
    model, choice = formulation.model, formulation.market
    assert choice is not None
    market = _market(formulation)
    start = first_plan(model, control)
    begin = None if start is None else start[market.column]
    target = formulation.inputs.one(TargetMarketShare)
    if target is None:
        found = most_captured(market, control, begin)
        if found.x is None:
            return no_plan(formulation, found.status, ENGINE, model, bound=found.bound)
        x = prune_by(formulation, market.whole(found.x), model.is_feasible, choice.captured, control)
        value = choice.captured(x)
        bound = value if found.status == "optimal" else max(value, found.bound)
        return MarketAnswer(
            x, value, bound, found.status, ENGINE, None, model, 1, choice, found.market, found.proof
        )  # fmt: skip
    enough = target.share * float(choice.demand.sum())
    new = formulation.variables.new
    beside = int(new[market.fixed].sum())
    found = fewest_for_target(market, new[market.column], enough, control, begin)
    enough *= 1 - SAME
    if found.x is None:
        return no_plan(formulation, found.status, ENGINE, model, bound=beside - found.bound)
    x, least = market.whole(found.x), beside - found.bound
    value = float(new[x].sum())
    x = _widest(formulation, market, found, x, control)
    return MarketAnswer(
        x, value, value if found.status == "optimal" else least, found.status, ENGINE, None, model, -1, choice,
        found.market, found.proof, enough, beside,
    )  # fmt: skip


def _widest(formulation: Formulation, market: Market, found: Capture, x: Bools, control: Control) -> Bools:
    """Of the plans with as few sites, look for one that captures more, by interchange."""
    assert found.x is not None
    new = formulation.variables.new[market.column]
    limited = market.limited(new, float(found.x[new].sum()))
    better = Plans(limited, control).improved(found.x, 5)
    whole = market.whole(better)
    return whole if market.captured(better) > market.captured(found.x) and formulation.model.is_feasible(whole) else x


def _market(formulation: Formulation) -> Market:
    model, choice = formulation.model, formulation.market
    assert choice is not None
    return market_of(
        choice.utility, choice.other, choice.demand, model.rows, model.low, model.high, model.lower, model.upper
    )


def most_possible(formulation: Formulation, control: Control) -> float | None:
    """Return a bound on what can be captured with the rules on sites; None where these cannot be kept."""
    model = formulation.model
    market = _market(formulation)
    start = first_plan(model, control)
    found = most_captured(market, control, None if start is None else start[market.column])
    return None if found.x is None else found.bound
