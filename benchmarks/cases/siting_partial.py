"""Fewest sites: for a share of those who can be reached (partial covering), and for everybody."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

import siting as st
from benchmarks import ours
from benchmarks.cases.siting_common import Race, at_size, check, mine, positions, table
from benchmarks.measure import Row, UnequalError
from benchmarks.peers import textbook
from benchmarks.siting_cities import Question
from benchmarks.sizes import Size

__all__ = ["siting_partial"]


def siting_partial(size: Size) -> Iterator[Row]:
    """C2 at 80 %, C1 at 90 %, everybody in C2, and 90 % of the large city."""
    for name, reached, target in (("C2", 0.8, 30.0), ("C1", 0.9, None), ("C2", 1.0, None)):
        race = Race("fewest sites", {"SCIP": target, "HiGHS, textbook": None, "spopt + CBC": None}, size)
        question = at_size(name, size)
        everybody = reached == 1
        work = f"{name}, {'everybody' if everybody else f'{100 * reached:g} % of who can be reached'}"
        yield from _one(question, 1.0 if everybody else question.share(reached), work, race, size)
    big = at_size("big", size)
    share = big.share(0.9)
    call = solve(big, share)
    found = mine(lambda: call(time_limit=size.limit), sign=-1)
    checked = check(found, float(len(enough(big, share, found.plan))), proven=True)
    yield Row("fewest sites, large city, 90 % of who can be reached", big.size, found.seconds, target=5.4, most=True,
              checked=f"{len(found.plan.sites)} sites; {checked}", rounds=1)  # fmt: skip


def solve(question: Question, share: float) -> Callable[..., Any]:
    """Return the timed call: from reach and demand to the plan."""

    def call(**asked: object) -> Any:
        return ours.public("solve")(
            st.MinSites(), question.reach, demand=question.demand, rules=[st.Cover(share)], **asked
        )

    return call


def enough(question: Question, share: float, plan: Any) -> np.ndarray:
    """Positions of the plan's sites, which cover the share; `UnequalError` when they do not."""
    sites = positions(question, plan)
    covered, need = question.covered(sites), need_of(question, share)
    if covered < need:
        raise UnequalError(f"siting: the plan covers {covered:,.0f}, {need:,.0f} are asked for")
    return sites


def need_of(question: Question, share: float) -> float:
    """People asked for, whole."""
    return math.ceil(share * float(question.weight.sum()) - 1e-6)


def _one(question: Question, share: float, work: str, race: Race, size: Size) -> Iterator[Row]:
    call = solve(question, share)
    call(time_limit=size.limit)
    rounds = min(size.rounds, 3)
    found = mine(lambda: call(time_limit=size.limit), sign=-1, rounds=rounds)
    checked = check(found, float(len(enough(question, share, found.plan))), proven=True)

    def recount(sites: Sequence[int]) -> float:
        # Solvers may miss the share by their tolerance, a person or two of a million.
        kept = question.covered(sites) >= need_of(question, share) * (1 - 1e-6)
        return -float(len(sites)) if kept else -math.inf

    def model() -> textbook.Textbook:
        if share == 1.0:
            return textbook.fewest(question.cover)
        return textbook.fewest(question.cover, question.weight[None], np.array([need_of(question, share)], float))

    models: dict[str, Callable[[], Any]] = {"SCIP": model, "HiGHS, textbook": model}
    if share == 1.0:
        models["spopt + CBC"] = lambda: table(question, "fewest")
    told = f"{len(found.plan.sites)} sites; {checked}"
    yield from race.rows(work, question.size, found, models, recount, told, rounds=rounds, judged=True)
