"""Maximal covering: three cities to the proven optimum, the first answer, a large city, and what building costs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import siting as st
from benchmarks import ours
from benchmarks.cases.siting_common import Race, at_size, check, gap_row, mine, positions, table, traced
from benchmarks.measure import Row
from benchmarks.peers import textbook
from benchmarks.siting_cities import OTHER_SEEDS, Question, cfl_question
from benchmarks.sizes import Size

__all__ = ["siting_cover", "siting_large"]

TARGETS = {"SCIP": 5.0, "HiGHS, textbook": 10.0, "spopt + CBC": 15.0, "spopt + HiGHS": 15.0}
#: spopt writes out a full table in Python: more pairs than these take it minutes.
FULL_TABLE = 10_000_000


def siting_cover(size: Size) -> Iterator[Row]:
    """MCLP: C1, C2, C3 and 100,000 customers of the CFL family to the proven optimum, against every peer."""
    race = Race("MCLP", TARGETS, size)
    solve(at_size("C1", _tiny(size)))()  # compiles
    for name in ("C1", "C2", "C3"):
        question = at_size(name, size)
        call = solve(question)
        found = mine(call, rounds=min(size.rounds, 3))
        checked = check(found, question.covered(positions(question, found.plan)), proven=True)
        yield Row(f"MCLP, {name}, to the proof", question.size, found.seconds, target=5.0, most=True, checked=checked,
                  rounds=min(size.rounds, 3))  # fmt: skip
        yield from race.rows(name, question.size, found, _models(question), question.covered, checked)
        early = traced(call)
        yield gap_row(f"MCLP, {name}", question.size, early, 0.3, 0.5, check(early, float(found.plan.objective)))
        yield _building(name, question, found.seconds)
    yield from race.medians()
    yield from _other_cities(size)
    yield from _customers(size)


def siting_large(size: Size) -> Iterator[Row]:
    """MCLP: 100,000 demands × 10,000 candidates, as far as ten seconds go."""
    solve(at_size("C1", _tiny(size)))()
    question = at_size("big", size)
    found = traced(solve(question), time_limit=12.0)
    checked = check(found, question.covered(positions(question, found.plan)))
    for at, target in ((2.0, 0.1), (10.0, 0.03)):
        yield gap_row("MCLP, large city", question.size, found, at, target, checked)


def solve(question: Question) -> Callable[..., Any]:
    """Return the timed call: from reach and demand to the plan."""

    def call(**asked: object) -> Any:
        return ours.public("solve")(
            st.MaxCoverage(), question.reach, demand=question.demand, rules=[st.AtMost(question.most)], **asked
        )

    return call


def _models(question: Question) -> dict[str, Callable[[], Any]]:
    """Each peer's model, made when it is wanted."""
    made: dict[str, Callable[[], Any]] = dict.fromkeys(
        ("SCIP", "HiGHS, textbook"), lambda: textbook.coverage(question.cover, question.weight, question.most)
    )
    n, m = question.cover.shape
    if n * m <= FULL_TABLE:
        made |= dict.fromkeys(("spopt + CBC", "spopt + HiGHS"), lambda: table(question, "coverage"))
    return made


def _other_cities(size: Size) -> Iterator[Row]:
    """Cities like C1 and C2 from seeds that nobody chose: those of the table were chosen to be hard for SCIP."""
    race = Race("MCLP, seeds as they come", {"SCIP": 5.0}, size)
    for name in ("C1", "C2"):
        for seed in OTHER_SEEDS if size.share == 1 else OTHER_SEEDS[:1]:
            question = at_size(name, size, seed=seed)
            call = solve(question)
            found = mine(lambda call=call: call(time_limit=size.limit))
            checked = check(found, question.covered(positions(question, found.plan)), proven=True)
            models = {"SCIP": _models(question)["SCIP"]}
            yield from race.rows(f"like {name}, seed {seed}", question.size, found, models, question.covered, checked)
    yield from race.medians()


def _customers(size: Size) -> Iterator[Row]:
    """100,000 customers in a table, each by itself, as the peers have them."""
    question = cfl_question(round(100_000 * size.share**2), 15)
    call = solve(question)
    call()
    found = mine(call, rounds=size.rounds)
    checked = check(found, question.covered(positions(question, found.plan)), proven=True)
    race = Race("MCLP", {"SCIP": None, "HiGHS, textbook": None}, size)
    models = {peer: make for peer, make in _models(question).items() if peer in race.targets}
    yield from race.rows(question.name, question.size, found, models, question.covered, checked, rounds=size.rounds)


def _building(name: str, question: Question, whole: float) -> Row:
    """Time what happens before the search; it looks behind the public call."""
    build = ours.public("build", "siting.propose.model.formulation")
    spent = []
    for _ in range(5):
        began = time.process_time()
        made = build(st.MaxCoverage(), question.reach, question.demand, [st.AtMost(question.most)], None)
        _ = made.model
        spent.append(time.process_time() - began)
    share = 100 * statistics.median(spent) / whole
    return Row(
        f"building the problem, {name}, of the whole time", question.size, share, target=5.0, most=True, unit="%"
    )


def _tiny(size: Size) -> Size:
    return replace(size, share=0.03)
