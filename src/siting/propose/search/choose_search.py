"""Which search answers a siting problem."""

from __future__ import annotations

from dataclasses import replace

from siting.numbers import Bools
from siting.optimize.control import Control
from siting.propose.model.formulation import Formulation
from siting.propose.problem import MaxSpacing, MinFarthest, MinSites
from siting.propose.search.answer import Answer, in_sense
from siting.propose.search.bottleneck import search_max_spacing, search_min_farthest
from siting.propose.search.capacitated import search_capacitated
from siting.propose.search.choose_engine import solve_model
from siting.propose.search.market import search_market
from siting.propose.search.pruning import cover_more, prune

__all__ = ["search"]


def search(formulation: Formulation, control: Control, *, start: Bools | None = None) -> Answer:
    """Solve a problem with the engine that fits it."""
    if formulation.capacity is not None:
        return search_capacitated(formulation, control)
    if formulation.market is not None:
        return search_market(formulation, control)
    if isinstance(formulation.objective, MinFarthest):
        return search_min_farthest(formulation, control)
    if isinstance(formulation.objective, MaxSpacing):
        return search_max_spacing(formulation, control)
    model = formulation.model
    found = solve_model(model, control, start=start)
    if found.x is not None and isinstance(formulation.objective, MinSites):
        found = cover_more(formulation, model, found, control)
    if found.x is not None:
        x = prune(formulation, model, found, control)
        # a plan that is not proven may be worth more without a site that costs something
        value = found.value if found.status == "optimal" else max(found.value, model.objective(x))
        found = replace(found, x=x, value=value, bound=max(value, found.bound))
    return in_sense(formulation, model, found)
