"""Refusing invalid problems: unknown kinds, contradictions, an objective without its rule."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import siting.propose.problem as problem
from siting.errors import ProblemError, brief, counted, some
from siting.propose.model.constraints import refuse_unmeasured
from siting.propose.model.inputs import Inputs
from siting.propose.model.variables import Variables

__all__ = ["refuse_contradictions", "refuse_unknown"]

#: Objectives that open every site unless a rule limits what opens.
LIMITED = (problem.MaxCoverage, problem.MaxMarketShare, problem.MinTravel, problem.MinFarthest)


def refuse_unknown(objective: problem.Objective, rules: Sequence[problem.Rule]) -> None:
    """Refuse objectives and rules of other kinds."""
    if not isinstance(objective, problem.OBJECTIVES):
        raise ProblemError(
            f"no objective that solve knows: {brief(objective)}; choose from {_names(problem.OBJECTIVES)}"
        )
    strange = [rule for rule in rules if not isinstance(rule, problem.RULES)]
    if strange:
        raise ProblemError(
            f"no rule that solve knows: {', '.join(map(brief, strange[:3]))}; choose from {_names(problem.RULES)}"
        )


def _names(kinds: Sequence[type]) -> str:
    return ", ".join(sorted(kind.__name__ for kind in kinds))


def refuse_contradictions(objective: problem.Objective, inputs: Inputs, variables: Variables, *, bounded: bool) -> None:
    """Refuse contradictions and missing rules; with *bounded* the caller limits what opens, or says what for."""
    _refuse_counts(inputs, variables)
    if not bounded:
        _refuse_missing(objective, inputs)
    _refuse_pairs(objective, inputs, variables)


def _refuse_counts(inputs: Inputs, variables: Variables) -> None:
    new = len(np.unique(variables.place[variables.new]))
    required = int(variables.lower[variables.new].sum())
    most, least = (
        [rule for rule in inputs.all(kind) if rule.by is None and rule.service is None]
        for kind in (problem.AtMost, problem.AtLeast)
    )
    for rule in (*most, *least):
        if rule.n > new:
            raise ProblemError(f"{rule}: there {'is' if new == 1 else 'are'} only {counted(new, 'candidates')}")
    for rule in most:
        if required > rule.n:
            raise ProblemError(f"{rule} contradicts Required: it names {counted(required, 'sites')}")
        for other in least:
            if rule.n < other.n:
                raise ProblemError(f"{other} contradicts {rule}")


def _refuse_missing(objective: problem.Objective, inputs: Inputs) -> None:
    phases = inputs.phases
    counted = [rule.service for rule in inputs.all(problem.AtMost)]
    bounded = (
        bool(inputs.all(problem.Budget))
        or (phases is not None and (phases.at_most is not None or phases.budget is not None))
        or all(None in counted or name in counted for name in inputs.services)
    )
    if isinstance(objective, LIMITED) and not bounded:
        name = type(objective).__name__
        raise ProblemError(f"{name} without AtMost(n) would open every site; say how many, or give a Budget")
    asks = inputs.all(
        problem.Cover,
        problem.NobodyBeyond,
        problem.AtLeast,
        problem.OnePer,
        problem.Supply,
        problem.Required,
        problem.TargetMarketShare,
    ) or (phases is not None and phases.cover)
    if isinstance(objective, problem.MinSites) and not asks:
        raise ProblemError("MinSites without Cover(share) would open no site; say how much to cover")
    if isinstance(objective, problem.MinCost) and not asks and not objective.travel:
        raise ProblemError("MinCost without Cover(share) or travel would open no site; say how much to cover")
    if isinstance(objective, problem.MaxSpacing) and not inputs.all(problem.AtLeast):
        raise ProblemError("MaxSpacing without AtLeast(n) would open one site; say how many")


def _refuse_pairs(objective: problem.Objective, inputs: Inputs, variables: Variables) -> None:
    """Refuse rules that do not go with the objective or each other, and distances that cannot be compared."""
    beyond = objective.beyond if isinstance(objective, problem.MinTravel) else None
    for pairs in inputs.pairs:
        if beyond is not None and beyond < pairs.longest:
            searched = f"{pairs.longest:g} {pairs.unit} that were searched"
            raise ProblemError(f"{objective}: beyond is less than the {searched}")
    if inputs.all(problem.Backup):
        places = inputs.all(problem.Capacity)
        decays = isinstance(objective, problem.MaxCoverage) and objective.decay is not None
        if places or decays or problem.travels(objective):
            raise ProblemError(f"Backup does not go with {'Capacity' if places else objective}; leave one out")
    if inputs.all(problem.Together) and len(inputs.services) < 2:
        raise ProblemError("Together: there is one service; give reach and demand as a mapping with two")
    if isinstance(objective, problem.MaxSpacing):
        refuse_unmeasured(inputs, variables, objective.between, "MaxSpacing: between")
    if isinstance(objective, problem.MaxCoverage) and objective.weights is not None:
        strange = set(objective.weights) - set(inputs.services)
        if strange:
            raise ProblemError(f"{objective}: no such services: {some(sorted(map(str, strange)))}")
    ruled = [rule for rule in inputs.rules if isinstance(rule, (problem.NobodyBeyond, problem.Cover))]
    loose = [rule for rule in ruled if rule.service is None and rule.limit is not None]
    if len({pairs.unit for pairs in inputs.pairs}) > 1 and (problem.travels(objective) or loose):
        units = ", ".join(f"{name} in {pairs.unit}" for name, pairs in zip(inputs.services, inputs.pairs, strict=True))
        what = objective if problem.travels(objective) else loose[0]
        raise ProblemError(f"{what}: services are measured in different units ({units}); use one unit, or name service")
