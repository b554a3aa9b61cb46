"""`Certificate` and `verify`: a plan is checked anew, and its bound added up without a solver."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from siting.propose.plan.tables import tell
from siting.propose.search.answer import Answer

if TYPE_CHECKING:
    from siting.propose.plan.plan import Plan

__all__ = ["Certificate", "Verified", "certify", "verify"]


@dataclass(frozen=True, eq=False)
class Certificate:
    """What proves the bound of a plan.

    Attributes
    ----------
    by
        "multipliers" when the proof gives the bound of the plan; "solver" when that rests on a solver, and the proof
        gives a weaker one or there is none.
    proof
        Multipliers and tree of decisions, or prices; None where there are none.
    bound
        What the proof gives, in the sense of the objective; NaN without one.
    """

    by: str
    proof: Any
    bound: float


@dataclass(frozen=True)
class Verified:
    """What checking a plan anew found. Made by `Plan.verify`.

    Attributes
    ----------
    ok
        Nothing that the plan says was found wrong.
    keeps_rules
        The sites keep all rules.
    objective
        Of the sites, added up anew.
    bound
        What the certificate proves without a solver; NaN where it proves nothing.
    proven
        The certificate proves the bound that the plan states; else it rests on a solver, whose name is its engine.
    told
        What was checked and found, a line each.
    """

    ok: bool
    keeps_rules: bool
    objective: float
    bound: float
    proven: bool
    told: tuple[str, ...]


def certify(answer: Answer) -> Certificate | None:
    """Put the proof of an answer beside its bound."""
    if answer.x is None:
        return None
    bound = answer.bound_by(answer.proof)
    return Certificate("multipliers" if _holds(answer, bound, answer.bound) else "solver", answer.proof, bound)


def _holds(answer: Answer, proven: float, stated: float) -> bool:
    """Whether a proven bound is as good as the one that is stated, up to the last bits and the grain."""
    if math.isnan(proven):
        return False
    return proven == stated or answer.sense * (proven - stated) < _slack(answer, proven)


def _same(stated: Any, value: Any) -> bool:
    if isinstance(value, pd.DataFrame):
        return isinstance(stated, pd.DataFrame) and stated.equals(value)
    if isinstance(value, pd.Series):
        return isinstance(stated, pd.Series) and stated.equals(value)
    return bool(stated == value or (stated != stated and value != value))


def _slack(answer: Answer, bound: float) -> float:
    return max(answer.grain * (1 - 1e-6), 1e-9 * max(1.0, abs(bound)))


def verify(plan: Plan) -> Verified:
    """Check a plan anew; see `Plan.verify`."""
    instance, answer = plan.instance, plan.answer
    if answer is None or instance is None or answer.x is None:
        return Verified(not plan.sites, False, math.nan, math.nan, False, ("there is no plan to check",))
    x = answer.x
    keeps, objective = answer.keeps(x), answer.measure(x)
    told = ["the sites keep all rules" if keeps else "the sites do not keep all rules"]
    same = objective == plan.objective or abs(objective - plan.objective) <= 1e-9 * max(1.0, abs(objective))
    told.append(f"the objective is {objective:,.10g}" + ("" if same else f", not {plan.objective:,.10g} as stated"))
    wrong = [name for name, value in tell(instance, answer).items() if not _same(getattr(plan, name), value)]
    if wrong:
        told.append(f"not as it follows from the sites: {', '.join(wrong)}")
    bound = math.nan if plan.certificate is None else answer.bound_by(plan.certificate.proof)
    proven, crossed = _holds(answer, bound, plan.bound), answer.sense * (objective - bound) > _slack(answer, bound)
    if not math.isnan(bound):
        told.append(f"the certificate proves the bound {bound:,.10g}")
    if answer.sense * (objective - plan.bound) > _slack(answer, objective):
        told.append(f"the objective passes the bound {plan.bound:,.10g} as stated")
        crossed = True
    elif crossed:
        told.append("which the objective passes: one of them is wrong")
    by_solver = plan.certificate is None or plan.certificate.by == "solver"
    if not proven:
        rests = f"rests on the engine ({plan.engine})" if by_solver else "as stated is not proven"
        told.append(f"the bound {plan.bound:,.10g} {rests}")
    differs = plan.status == "optimal" and not _holds(answer, plan.bound, plan.objective)
    if differs:
        told.append("the status says optimal, but objective and bound differ")
    ok = keeps and same and not wrong and not crossed and not differs and (proven or by_solver)
    return Verified(ok, keeps, objective, bound, proven, tuple(told))
