"""Which search answers a siting problem."""

from __future__ import annotations

from dataclasses import replace

from siting.numbers import Bools
from siting.optimize.control import Watch
from siting.propose.model.formulation import Formulation
from siting.propose.problem import MaxSpacing, MinFarthest, MinSites
from siting.propose.search.answer import Answer, in_sense
from siting.propose.search.bottleneck import solve_max_spacing, solve_min_farthest
from siting.propose.search.capacitated import solve_capacitated
from siting.propose.search.engines import solve_model
from siting.propose.search.pruning import cover_more, prune

__all__ = ["search"]


def search(formulation: Formulation, watch: Watch, *, start: Bools | None = None) -> Answer:
    """Solve a problem with the engine that fits it."""
    if formulation.capacity is not None:
        return solve_capacitated(formulation, watch)
    if isinstance(formulation.objective, MinFarthest):
        return solve_min_farthest(formulation, watch)
    if isinstance(formulation.objective, MaxSpacing):
        return solve_max_spacing(formulation, watch)
    model = formulation.model
    found = solve_model(model, watch, start=start)
    if found.x is not None and isinstance(formulation.objective, MinSites):
        found = cover_more(formulation, model, found, watch)
    if found.x is not None:
        found = replace(found, x=prune(formulation, model, found))
    return in_sense(formulation, model, found)
