"""`Certificate` and `verify`: check a plan and recompute its bound without a solver."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from siting.propose.search.answer import Answer
from siting.renamed import RenamedAttribute

__all__ = ["Certificate", "Verified", "certify", "same", "verify"]


@dataclass(frozen=True, eq=False)
class Certificate:
    """The proof of the bound of a plan.

    Attributes
    ----------
    by
        "multipliers" when the proof gives the bound of the plan; "solver" when the bound rests on a solver, and the
        proof is weaker or absent.
    proof
        Multipliers and search tree, or prices; None if absent.
    bound
        The proven bound, in the sense of the objective; NaN without a proof.
    """

    by: str
    proof: Any
    bound: float


@dataclass(frozen=True)
class Verified:
    """The result of checking a plan. Made by `Plan.verify`.

    Attributes
    ----------
    ok
        Whether all that the plan states was recomputed and holds: rules, objective, tables, and the bound, which the
        certificate proves or, where it rests on a solver, the objective does not pass. False without a plan. It does
        not mean that the plan is the best: see `optimal`.
    keeps_rules
        Whether the sites keep all rules.
    objective
        Objective of the sites, recomputed.
    bound
        The bound that the certificate proves without a solver; NaN if none.
    proven
        Whether the certificate proves the stated bound; else the bound rests on the solver named by `engine`.
    optimal
        Whether it is proven without a solver that no plan is better.
    findings
        The checks and their results, a line each.
    """

    told = RenamedAttribute("findings")

    ok: bool
    keeps_rules: bool
    objective: float
    bound: float
    proven: bool
    findings: tuple[str, ...]
    optimal: bool = False


def certify(answer: Answer) -> Certificate | None:
    """Return the proof and bound of an answer; None without a plan."""
    if answer.x is None:
        return None
    bound = answer.bound_by(answer.proof)
    return Certificate("multipliers" if _proves(answer, bound, answer.bound) else "solver", answer.proof, bound)


def verify(answer: Answer, certificate: Certificate | None, changed: Sequence[str] = ()) -> Verified:
    """Check rules, objective, and bound against the certificate; *changed* names values that do not follow.

    Without a *certificate* it is made, so that the proof is added up once.
    """
    x = answer.x
    if x is None:
        return Verified(False, False, math.nan, math.nan, False, ("there is no plan to check",))
    keeps, objective = answer.keeps(x), answer.measure(x)
    right = objective == answer.value or abs(objective - answer.value) <= 1e-9 * max(1.0, abs(objective))
    made = certify(answer) if certificate is None else certificate
    assert made is not None
    bound = made.bound if certificate is None else answer.bound_by(made.proof)
    by_solver, proven = made.by == "solver", _proves(answer, bound, answer.bound)
    past_stated = _passes(answer, objective, answer.bound, objective)
    past_proven = _passes(answer, objective, bound, bound)
    apart = answer.status == "optimal" and not _proves(answer, answer.bound, answer.value)
    rests = f"rests on the engine ({answer.engine})" if by_solver else "as stated is not proven"
    lines = {
        "the sites keep all rules": keeps,
        "the sites do not keep all rules": not keeps,
        f"the objective is {objective:,.10g}": right,
        f"the objective is {objective:,.10g}, not {answer.value:,.10g} as stated": not right,
        f"not as it follows from the sites: {', '.join(changed)}": bool(changed),
        f"the certificate proves the bound {bound:,.10g}": not math.isnan(bound),
        f"the objective passes the bound {answer.bound:,.10g} as stated": past_stated,
        "which the objective passes: one of them is wrong": past_proven and not past_stated,
        f"the bound {answer.bound:,.10g} {rests}": not proven,
        "the status says optimal, but objective and bound differ": apart,
        f"not proven to be the best: up to {answer.bound:,.10g} may be possible": answer.status != "optimal",
    }
    ok = keeps and right and not changed and not past_stated and not past_proven and not apart
    findings = tuple(line for line, holds in lines.items() if holds)
    ok = ok and (proven or by_solver)
    return Verified(ok, keeps, objective, bound, proven, findings, ok and proven and answer.status == "optimal")


def same(stated: Any, value: Any) -> bool:
    """Whether two figures or tables are equal; missing numbers are."""
    if isinstance(stated, (pd.DataFrame, pd.Series)):
        return bool(stated.equals(value))
    return bool(stated == value or (stated != stated and value != value))


def _proves(answer: Answer, proven: float, stated: float) -> bool:
    """Whether a proven bound is as good as the stated one, within the rounding tolerance and the grain."""
    if math.isinf(proven):
        return proven == stated
    return proven == stated or answer.sense * (proven - stated) < _slack(answer, proven)


def _passes(answer: Answer, objective: float, bound: float, of: float) -> bool:
    """Whether an objective is better than a bound allows; never better than NaN."""
    if math.isinf(bound):
        return answer.sense * (objective - bound) > 0
    return answer.sense * (objective - bound) > _slack(answer, of)


def _slack(answer: Answer, value: float) -> float:
    return max(answer.grain * (1 - 1e-6), 1e-9 * max(1.0, abs(value)))
