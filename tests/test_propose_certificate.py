"""A plan is checked anew: what is tampered with is found, and the bound needs no solver."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import siting as st
from siting.optimize.proof import bound_of
from siting.propose.plan.certificate import Certificate, certify, same, verify
from siting.propose.search.answer import Answer
from siting.propose.search.choose_engine import proven_bound


@pytest.fixture(scope="module")
def town() -> tuple[st.Reach, pd.Series, st.Reach]:
    """Return 60 homes and 14 sites, within 350 m and within any distance."""
    random = np.random.default_rng(5)
    homes, sites = random.random((60, 2)) * 1500, random.random((14, 2)) * 1500
    far = np.rint(np.abs(homes[:, None] - sites[None]).sum(axis=2))
    ids, names = [f"h{i:02}" for i in range(60)], [f"s{j:02}" for j in range(14)]
    pairs = pd.DataFrame({"origin": np.repeat(ids, 14), "destination": np.tile(names, 60), "cost": far.ravel()})
    near, all_ = (st.Reach.from_pairs(pairs, origins=ids, destinations=names, limit=limit) for limit in (350, 5000))
    return near, pd.Series(random.integers(1, 90, 60), index=ids), all_


PROBLEMS = {
    "most": (st.MaxCoverage(), [st.AtMost(4)], False),
    "fewest": (st.MinSites(), [st.Cover(0.5)], False),
    "districts": (st.MinSites(), [st.Cover(0.3, by=pd.Series({f"h{i:02}": i % 3 for i in range(60)}))], False),
    "budget": (st.MaxCoverage(), [st.Budget(9, pd.Series({f"s{j:02}": 1.0 + j % 4 for j in range(14)}))], False),
    "median": (st.MinTravel(), [st.AtMost(4)], True),
    "center": (st.MinFarthest(), [st.AtMost(4)], True),
    "backup": (st.MaxCoverage(), [st.AtMost(4), st.Backup(2)], False),
}  # fmt: skip


@pytest.fixture(scope="module", params=list(PROBLEMS))
def plan(request: pytest.FixtureRequest, town: tuple[st.Reach, pd.Series, st.Reach]) -> st.Plan:
    objective, rules, anywhere = PROBLEMS[request.param]
    return st.solve(objective, town[2 if anywhere else 0], demand=town[1], rules=rules)


def test_a_plan_as_it_was_found_is_right(plan: st.Plan) -> None:
    told = plan.verify()
    assert told.ok
    assert told.keeps_rules
    assert told.objective == pytest.approx(plan.objective)
    assert plan.certificate is not None
    assert told.proven == (plan.certificate.by == "multipliers")
    if "Backup(2)" not in plan.rules:
        assert told.proven
        assert plan.status == "optimal"
    assert not math.isnan(told.bound)


def test_what_is_stated_too_well_is_found(plan: st.Plan) -> None:
    better = 1.001 if plan.answer.sense > 0 else 0.999
    boasting = replace(plan, answer=replace(plan.answer, value=plan.objective * better))
    assert not boasting.verify().ok
    assert "as stated" in " ".join(boasting.verify().findings)
    passed = replace(plan.answer, bound=plan.bound * (0.97 if better > 1 else 1.5))
    assert not replace(plan, answer=passed).verify().ok


def test_a_tampered_proof_proves_nothing_or_less(plan: st.Plan) -> None:
    certificate, answer = plan.certificate, plan.answer
    assert certificate is not None
    assert answer is not None
    proof = certificate.proof
    if plan.rules[0] == "MinFarthest()":
        return  # its proof is about a question of its own
    sense = answer.sense

    def proven(**changes: Any) -> float:
        return sense * answer.bound_by(replace(proof, **changes))

    honest = sense * certificate.bound
    for factor in (0.0, 0.5, 1.5):  # any prices are prices: they prove less, but never something wrong
        assert proven(v=proof.v * np.float32(factor)) >= sense * plan.objective - 1e-9
    negative = proof.v.copy()
    negative[:, ~_must(answer)] = -1.0
    if not _must(answer).all():
        assert proven(v=negative) == math.inf
    assert proven(v=proof.v * np.nan) == math.inf
    if proof.y.size:
        assert proven(y=-np.abs(proof.y) - 1.0) >= honest - 1e-9
    if len(proof.parent) > 1:  # a leaf that is cut off
        cut = {name: getattr(proof, name)[:-1] for name in ("parent", "column", "at", "price")}
        assert proven(**cut) == math.inf


def _must(answer: Any) -> Any:
    from siting.optimize.covering.presolve import reduce

    model = answer.model
    proof = answer.proof
    return model.must if proof.v.shape[1] == len(model.must) else reduce(model).model.must


def test_the_bound_of_no_decision_by_hand(reach_of: Callable[..., st.Reach]) -> None:
    """Two sites over three homes of 10, 5 and 8; one may open. Prices of 0 let each site count all that it reaches."""
    reach = reach_of({"x": "ab", "y": "bc"}, "abc")
    plan = st.solve(st.MaxCoverage(), reach, demand=pd.Series({"a": 10, "b": 5, "c": 8}), rules=[st.AtMost(1)])
    assert plan.answer is not None
    model, proof = plan.answer.model, plan.answer.proof
    assert model is not None
    none = np.empty(0, np.int64)
    free = replace(
        proof, parent=np.array([-1]), column=np.array([-1]), at=np.array([-1]), price=np.array([0]),
        v=np.zeros((1, 3), np.float32), m=np.zeros((1, 0)), fixed_node=none, fixed_column=none, fixed_at=none,
        y=np.array([[14.0]]),
    )  # fmt: skip
    # sites are worth 15 and 13; each place costs 14: 14 + (15 - 14) = 15
    assert bound_of(model, free) == 15
    assert proven_bound(model, free) == 15
    assert bound_of(model, replace(free, y=np.array([[0.0]]))) == 28
    # a price of 5 for b leaves x 10 and y 8, and costs 5
    priced = replace(free, v=np.array([[0, 5, 0]], np.float32), y=np.array([[10.0]]))
    assert bound_of(model, priced) == 15
    # two branches: x is open or not; b and c then count 13 at y
    tree = replace(
        free, parent=np.array([-1, 0, 0]), column=np.array([-1, 0, 0]), at=np.array([-1, 0, 1]),
        price=np.array([-1, 0, 0]),
    )  # fmt: skip
    assert bound_of(model, tree) == 15
    one_sided = replace(tree, at=np.array([-1, 1, 1]))
    assert bound_of(model, one_sided) == math.inf
    # what the prices prove: with y at 14 a plan without x is worth 14 at most
    fixed = replace(free, fixed_node=np.array([0]), fixed_column=np.array([0]), fixed_at=np.array([1]))
    assert bound_of(model, fixed) == 15


def test_no_plan_is_nothing_to_check(reach_of: Callable[..., st.Reach]) -> None:
    reach = reach_of({"x": "a"}, "ab")
    plan = st.solve(st.MinSites(), reach, demand=pd.Series({"a": 1, "b": 1}), rules=[st.Cover(1.0)])
    assert plan.status == "infeasible"
    assert plan.certificate is None
    assert plan.verify().findings == ("there is no plan to check",)


@dataclass(frozen=True, eq=False)
class Stated(Answer):
    """An answer of 15 whose proof gives the bound that it is."""

    rules: bool = True

    def keeps(self, x: Any) -> bool:
        return self.rules

    def measure(self, x: Any) -> float:
        return 15.0

    def bound_by(self, proof: Any) -> float:
        return math.nan if proof is None else float(proof)

    @property
    def grain(self) -> float:
        return 1.0


def stated(value: float, bound: float, status: str = "feasible", **more: Any) -> Stated:
    return Stated(np.ones(1, bool), value, bound, status, "by hand", **more)


@pytest.mark.parametrize(
    ("answer", "by", "proof", "ok", "line"),
    [
        (stated(15, 15, "optimal"), "multipliers", 15.0, True, "the certificate proves the bound 15"),
        (stated(15, 15, "optimal"), "multipliers", 15.9, True, "the certificate proves the bound 15.9"),  # whole people
        (stated(15, 15, "optimal"), "multipliers", 16.1, False, "the bound 15 as stated is not proven"),
        (stated(15, 15, "optimal"), "solver", 16.1, True, "the bound 15 rests on the engine (by hand)"),
        (stated(15, 15, "optimal"), "solver", None, True, "the bound 15 rests on the engine (by hand)"),
        (stated(15, 15, "optimal"), "multipliers", None, False, "the bound 15 as stated is not proven"),
        (stated(15, 18), "multipliers", 18.0, True, "the certificate proves the bound 18"),
        (stated(15, 18, "optimal"), "multipliers", 18.0, False, "optimal, but objective and bound differ"),
        (stated(15, 15, "optimal"), "multipliers", -math.inf, False, "which the objective passes"),
        (stated(15, 15, "optimal"), "multipliers", math.inf, False, "the bound 15 as stated is not proven"),
        (stated(15, 13), "multipliers", 13.0, False, "the objective passes the bound 13 as stated"),
        (stated(15, 18), "multipliers", 13.0, False, "which the objective passes: one of them is wrong"),
        (stated(16, 18), "multipliers", 18.0, False, "the objective is 15, not 16 as stated"),
        (stated(15, 18, rules=False), "multipliers", 18.0, False, "the sites do not keep all rules"),
        (stated(15, 12, sense=-1), "multipliers", 12.0, True, "the certificate proves the bound 12"),
        (stated(15, 17, sense=-1), "multipliers", 17.0, False, "the objective passes the bound 17 as stated"),
        (stated(15, 12, "optimal", sense=-1), "multipliers", 12.0, False, "the status says optimal"),
    ],
)  # fmt: skip
def test_objective_bound_and_proof_are_compared(answer: Stated, by: str, proof: Any, ok: bool, line: str) -> None:
    checked = verify(answer, Certificate(by, proof, math.nan))
    assert checked.ok is ok
    assert line in "; ".join(checked.findings)
    assert checked.objective == 15


def test_what_no_longer_follows_from_the_sites_is_named() -> None:
    answer = stated(15, 15, "optimal")
    checked = verify(answer, Certificate("multipliers", 15.0, 15.0), ["table", "cost"])
    assert (checked.ok, checked.findings[-2]) == (False, "not as it follows from the sites: table, cost")


def test_a_table_that_was_written_over_is_found(reach_of: Callable[..., st.Reach]) -> None:
    plan = st.solve(
        st.MaxCoverage(),
        reach_of({"x": "ab", "y": "b"}, "ab"),
        demand=pd.Series({"a": 1, "b": 2}),
        rules=[st.AtMost(1)],
    )
    plan.table.loc["x", "adds"] = 9.0
    assert plan.verify().findings[2] == "not as it follows from the sites: table"


@pytest.mark.parametrize(("proof", "by"), [(15.9, "multipliers"), (16.1, "solver"), (None, "solver")])
def test_a_certificate_says_what_the_bound_rests_on(proof: Any, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stated, "proof", property(lambda self: proof))
    certificate = certify(stated(15, 15))
    assert certificate is not None
    assert (certificate.by, certificate.proof) == (by, proof)


def test_missing_numbers_are_the_same() -> None:
    assert same(math.nan, math.nan)
    assert not same(math.nan, 1.0)
    assert same(pd.Series([1.0, math.nan]), pd.Series([1.0, math.nan]))
    assert not same(pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]}))


def test_an_answer_by_hand_is_checked_within_the_rounding_tolerance(reach_of: Callable[..., st.Reach]) -> None:
    """x covers 15 million of 23 million people."""
    people = pd.Series({"a": 10, "b": 5, "c": 8}) * 10**6
    plan = st.solve(st.MaxCoverage(), reach_of({"x": "ab", "y": "bc"}, "abc"), demand=people, rules=[st.AtMost(1)])

    def found(**changes: Any) -> tuple[bool, tuple[str, ...]]:
        told = verify(replace(plan.answer, **changes), plan.certificate)
        return told.ok, told.findings

    right = ("the sites keep all rules", "the objective is 15,000,000", "the certificate proves the bound 15,000,000")
    assert found() == (True, right)
    assert found(value=15e6 + 0.01) == (True, right)
    ok, lines = found(value=15e6 - 0.1)
    assert (ok, lines[1]) == (False, "the objective is 15,000,000, not 14,999,999.9 as stated")
    ok, lines = found(bound=16e6)
    assert (ok, lines[3:]) == (False, ("the status says optimal, but objective and bound differ",))
    ok, lines = found(bound=16e6, status="feasible")
    assert (ok, lines) == (True, (*right, "not proven to be the best: up to 16,000,000 may be possible"))
    ok, lines = found(bound=14e6)
    assert (ok, lines[3]) == (False, "the objective passes the bound 14,000,000 as stated")
    told = verify(plan.answer, plan.certificate, ("cost", "sites"))
    assert (told.ok, told.findings[2]) == (False, "not as it follows from the sites: cost, sites")
    assert verify(plan.answer, None) == verify(plan.answer, plan.certificate)  # which is made where there is none
    told = verify(replace(plan.answer, found=None), None)
    assert (told.ok, told.proven, told.findings[2:]) == (
        True, False, (f"the bound 15,000,000 rests on the engine ({plan.answer.engine})",),
    )  # fmt: skip


def test_a_plan_of_nothing_is_never_verified() -> None:
    none = Answer(None, math.nan, math.nan, "infeasible", "by hand", model=None, sense=1)
    assert (verify(none, None).ok, verify(none, None, ["cost"]).ok) == (False, False)
    assert not verify(none, None).keeps_rules
    assert not verify(none, None).proven
