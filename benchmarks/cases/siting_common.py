"""What the cases of the optimizer share: solving with `siting`, checking a plan, and comparing with a solver's answer.

Peers take minutes, so they run once; the ratio is theirs over the median of ours. Where a peer has no proof at its
limit, the ratio is "at least", and the row says how far its plan and its bound are off.
"""

from __future__ import annotations

import inspect
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import ours
from benchmarks.measure import AbsentError, Row, UnequalError, seconds
from benchmarks.peers.solving import Solved, Table, solve
from benchmarks.peers.textbook import Textbook
from benchmarks.siting_cities import CITIES, Question, city_question
from benchmarks.sizes import Size

__all__ = ["Mine", "Race", "at_size", "gap_at", "gap_row", "mine", "positions", "rule", "table", "traced"]

#: A peer may miss its own integrality by this share of the objective.
RELATIVE = 1e-6


def rule(name: str, *given: object, **asked: object) -> Any:
    """Make an objective or a rule of the public module; `AbsentError` where there is none of that name."""
    return ours.public(name)(*given, **asked)


def at_size(name: str, size: Size, *, seed: int | None = None) -> Question:
    """Make one of the cities, or a smaller one as dense, or one like it from another *seed*."""
    n, m, radius, most, chosen = CITIES[name]
    seed = chosen if seed is None else seed
    n, m, most = (max(5, round(count * size.share)) for count in (n, m, most))
    return city_question(n, m, radius, most, seed=seed, name=name)


@dataclass(frozen=True, eq=False)
class Mine:
    """A plan of `siting`, the processor's seconds that it took, and what was known when.

    Attributes
    ----------
    sign
        1 when the objective is to be large, -1 when it is to be small.
    steps
        Processor's seconds since the call, value and bound so far.
    """

    plan: Any
    seconds: float
    sign: int
    steps: tuple[tuple[float, float, float], ...] = ()

    @property
    def value(self) -> float:
        """Objective, to be made large."""
        return self.sign * float(self.plan.objective)

    @property
    def bound(self) -> float:
        """What none can beat, in the same sense."""
        return self.sign * float(self.plan.bound)


def mine(call: Callable[..., Any], *, sign: int = 1, rounds: int = 1) -> Mine:
    """Call `solve` *rounds* times; the median of the seconds counts."""
    kept: list[Any] = []

    def once() -> None:
        kept[:] = [call()]

    spent = statistics.median(seconds(once) for _ in range(rounds))
    return Mine(kept[0], spent, sign)


def traced(call: Callable[..., Any], *, sign: int = 1, **asked: object) -> Mine:
    """Call `solve` once and note its progress.

    Raises
    ------
    AbsentError
        When `solve` does not tell its progress.
    """
    if "progress" not in inspect.signature(ours.public("solve")).parameters:
        raise AbsentError("siting.solve has no progress")
    steps: list[tuple[float, float, float]] = []
    began = time.process_time()

    def note(step: Any) -> None:
        if step.value is not None and step.bound is not None:
            steps.append((time.process_time() - began, float(step.value), float(step.bound)))

    plan = call(progress=note, **asked)
    spent = time.process_time() - began
    steps.append((spent, float(plan.objective), float(plan.bound)))
    return Mine(plan, spent, sign, tuple(steps))


def gap_at(found: Mine, most: float) -> float:
    """Gap in per cent that was known after *most* processor's seconds; infinite when there was no plan with a bound."""
    known = [(value, bound) for at, value, bound in found.steps if at <= most]
    if not known:
        return math.inf
    value, bound = known[-1]
    return 100.0 * abs(bound - value) / max(abs(value), abs(bound), 1e-300)


def gap_row(work: str, size: str, found: Mine, at: float, target: float, checked: str = "") -> Row:
    """Say how large the gap was after *at* seconds."""
    first = next((f"first plan with a bound after {step[0]:.2g} s" for step in found.steps), "")
    said = "; ".join(part for part in (checked, first) if part)
    gap = gap_at(found, at)
    return Row(f"{work}: gap at {at:g} s", size, min(gap, 100.0), target=target, most=True, unit="%", checked=said)


def check(found: Mine, recounted: float, *, proven: bool = False) -> str:
    """Say that the plan is worth what it says, anew from reach and demand, and that its certificate holds.

    Raises
    ------
    UnequalError
        When it does not.
    """
    plan = found.plan
    if not math.isclose(float(plan.objective), recounted, rel_tol=1e-9, abs_tol=1e-6):
        raise UnequalError(f"siting: the plan says {plan.objective:,.10g}, counted anew it is {recounted:,.10g}")
    if found.bound < found.value - 1e-9 * abs(found.value):
        raise UnequalError(f"siting: the bound {plan.bound:,.10g} is on the wrong side of {plan.objective:,.10g}")
    if proven and plan.status != "optimal":
        return f"{plan.status}, gap {100 * plan.gap:.3g} %"
    said = "optimal" if plan.status == "optimal" else f"gap {100 * plan.gap:.3g} %"
    if hasattr(plan, "verify"):
        verified = plan.verify()
        if not verified.ok:
            raise UnequalError(f"siting: the plan does not stand verify(): {verified}")
        said += ", verified"
    return said


def positions(question: Question, plan: Any) -> np.ndarray:
    """Positions of the plan's sites among the candidates."""
    return np.asarray(question.reach.destinations.get_indexer(pd.Index(plan.sites, dtype=object)))


def table(question: Question, kind: str) -> Table:
    """Write the question as a full table of metres, far where there is no pair, for spopt."""
    pairs = question.cost.tocoo()
    far = np.full(pairs.shape, 1e9)
    far[pairs.row, pairs.col] = pairs.data
    return Table(kind, far, question.weight, question.reach.limit, question.most)


class Race:
    """A row for each peer on each instance, and the medians over them.

    Parameters
    ----------
    work
        What is done.
    targets
        Least median ratio asked for, by peer.
    size
        Whose limit the peers have.
    """

    def __init__(self, work: str, targets: Mapping[str, float | None], size: Size) -> None:
        self.work, self.targets, self.size = work, targets, size
        self.run: dict[str, list[Row]] = {peer: [] for peer in targets}

    def rows(
        self,
        name: str,
        said: str,
        found: Mine,
        models: dict[str, Callable[[], Textbook | Table]],
        recount: Callable[[Sequence[int]], float],
        checked: str,
        *,
        rounds: int = 1,
        judged: bool = False,
    ) -> Iterator[Row]:
        """Run the peers on one instance; *recount* gives a plan's objective, to be large.

        With *judged* each row has the target, else only the medians.
        """
        for peer, make in models.items():
            work = f"{self.work}, {name}"
            try:
                theirs = solve(peer, make(), self.size.limit, apart=self.size.name != "tiny")
            except AbsentError as error:
                yield Row(f"{work}: {peer}", checked=str(error), status="skipped")
                continue
            told = f"{checked}; {versus(found, theirs, peer, recount)}"
            spent = theirs.seconds + (theirs.build if peer.startswith("spopt") else 0.0)
            row = Row(
                work, said, found.seconds, peer, spent, spent / max(found.seconds, 1e-9),
                self.targets[peer] if judged else None, checked=told, rounds=rounds,
            )  # fmt: skip
            self.run[peer].append(row)
            yield row

    def medians(self) -> Iterator[Row]:
        """Give the median ratio against each peer that is asked for."""
        for peer, rows in self.run.items():
            if rows:
                mine_, theirs, ratio = (
                    statistics.median(side)
                    for side in zip(*((r.ours or 0.0, r.theirs or 0.0, r.ratio or 0.0) for r in rows), strict=True)
                )
                yield Row(
                    f"{self.work}, median of {len(rows)}", "", mine_, peer, theirs, ratio, self.targets[peer],
                    rounds=max(r.rounds for r in rows),
                )  # fmt: skip


def versus(found: Mine, theirs: Solved, peer: str, recount: Callable[[Sequence[int]], float]) -> str:
    """Say what the peer has, and raise `UnequalError` where both cannot be right."""
    slack = RELATIVE * max(1.0, abs(found.value))
    built = f" ({theirs.build:.3g} s of it building)" if peer.startswith("spopt") else ""
    if theirs.status == "killed":
        return f"peer {theirs.told}"
    if theirs.bound < found.value - slack:
        raise UnequalError(f"{peer}: its bound {theirs.bound:,.10g} is below siting's plan of {found.value:,.10g}")
    if theirs.status == "none":
        return f"peer has no plan{_above(found, theirs)}{built}"
    value = recount(theirs.sites)
    if value > found.bound + slack:
        raise UnequalError(f"{peer}: its plan is worth {value:,.10g}, siting's bound is {found.bound:,.10g}")
    if theirs.status == "optimal":
        if value < found.value - slack:
            raise UnequalError(f"{peer}: says optimal at {value:,.10g}, siting's plan is worth {found.value:,.10g}")
        return f"peer optimal, {'equal' if found.plan.status == 'optimal' else 'within the bound'}{built}"
    short = 100 * (found.value - value) / max(abs(found.value), 1e-300)
    off = f"its plan {short:.2g} % short" if short > 0 else "its plan no worse"
    return f"peer without proof, {off}{_above(found, theirs)}{built}"


def _above(found: Mine, theirs: Solved) -> str:
    if not math.isfinite(theirs.bound):
        return ""
    return f", its bound {100 * abs(theirs.bound - found.value) / max(abs(found.value), 1e-300):.2g} % off"
