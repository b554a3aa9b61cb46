"""Refusing invalid problems: unknown kinds, contradictions, an objective without its rule."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import siting.propose.problem as problem
from siting.errors import ProblemError
from siting.messages import Message
from siting.propose.model.constraints import refuse_unmeasured
from siting.propose.model.inputs import Inputs
from siting.propose.model.variables import Variables
from siting.propose.problem.rule_values import argument_of

__all__ = ["refuse_contradictions", "refuse_unknown"]

#: Objectives that open every site unless a rule limits what opens.
LIMITED = (problem.MaxCoverage, problem.MaxMarketShare, problem.MinTravel, problem.MinFarthest)


def refuse_unknown(objective: problem.Objective, rules: Sequence[problem.Rule]) -> None:
    """Refuse objectives and rules of other kinds."""
    if not isinstance(objective, problem.OBJECTIVES):
        raise ProblemError(Message("problem.no_objective", value=objective, choices=_names(problem.OBJECTIVES)))
    strange = [rule for rule in rules if not isinstance(rule, problem.RULES)]
    if strange:
        given = [Message("problem.given", value=rule) for rule in strange]
        raise ProblemError(Message("problem.no_rule", values=given, choices=_names(problem.RULES)))


def _names(kinds: Sequence[type]) -> list[str]:
    return sorted(kind.__name__ for kind in kinds)


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
            raise ProblemError(Message("problem.few_candidates", rule=rule, n=new))
    for rule in most:
        if required > rule.n:
            raise ProblemError(Message("problem.below_required", rule=rule, n=required))
        for other in least:
            if rule.n < other.n:
                raise ProblemError(Message("problem.contradicts", rule=other, other=rule))


def _refuse_missing(objective: problem.Objective, inputs: Inputs) -> None:
    phases = inputs.phases
    counted = [rule.service for rule in inputs.all(problem.AtMost)]
    bounded = (
        bool(inputs.all(problem.Budget))
        or (phases is not None and (phases.at_most is not None or phases.budget is not None))
        or all(None in counted or name in counted for name in inputs.services)
    )
    if isinstance(objective, LIMITED) and not bounded:
        raise ProblemError(Message("problem.opens_all", objective=type(objective).__name__))
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
        raise ProblemError(Message("problem.opens_none", objective="MinSites", needs=["Cover(share)"]))
    if isinstance(objective, problem.MinCost) and not asks and not objective.travel:
        raise ProblemError(Message("problem.opens_none", objective="MinCost", needs=["Cover(share)", "travel"]))
    if isinstance(objective, problem.MaxSpacing) and not inputs.all(problem.AtLeast):
        raise ProblemError(Message("problem.opens_one"))


def _refuse_pairs(objective: problem.Objective, inputs: Inputs, variables: Variables) -> None:
    """Refuse rules that do not go with the objective or each other, and distances that cannot be compared."""
    beyond = objective.beyond if isinstance(objective, problem.MinTravel) else None
    for pairs in inputs.pairs:
        if beyond is not None and beyond < pairs.longest:
            raise ProblemError(
                Message("problem.beyond_short", objective=objective, searched=pairs.longest, unit=pairs.unit)
            )
    if inputs.all(problem.Backup):
        places = inputs.all(problem.Capacity)
        decays = isinstance(objective, problem.MaxCoverage) and objective.decay is not None
        if places or decays or problem.travels(objective):
            raise ProblemError(Message("problem.not_beside", rule="Backup", other="Capacity" if places else objective))
    if inputs.all(problem.Together) and len(inputs.services) < 2:
        raise ProblemError(Message("problem.together_one"))
    if isinstance(objective, problem.MaxSpacing):
        refuse_unmeasured(inputs, variables, objective.between, argument_of("MaxSpacing", "between"))
    if isinstance(objective, problem.MaxCoverage) and objective.weights is not None:
        strange = set(objective.weights) - set(inputs.services)
        if strange:
            ids = sorted(map(str, strange))
            raise ProblemError(Message("problem.no_service", what=objective, ids=ids, known=inputs.services))
    ruled = [rule for rule in inputs.rules if isinstance(rule, (problem.NobodyBeyond, problem.Cover))]
    loose = [rule for rule in ruled if rule.service is None and rule.limit is not None]
    if len({pairs.unit for pairs in inputs.pairs}) > 1 and (problem.travels(objective) or loose):
        units = [
            Message("problem.service_unit", service=name, unit=pairs.unit)
            for name, pairs in zip(inputs.services, inputs.pairs, strict=True)
        ]
        what = objective if problem.travels(objective) else loose[0]
        raise ProblemError(Message("problem.units_differ", what=what, units=units))
