"""Published instances with the best values known: what a call of `solve` reaches in so many processor's seconds."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

from benchmarks import ours
from benchmarks.instances import Instance, instances
from benchmarks.measure import AbsentError, Row, UnequalError
from benchmarks.sizes import Size

__all__ = ["records_capacity", "records_center", "records_covering", "records_median"]

#: Seconds for an instance of the full size.
SECONDS = 60.0


def records_covering(size: Size) -> Iterator[Row]:
    """Solve maximal covering and set covers."""
    yield from _records(size, "mclp", "set cover")


def records_median(size: Size) -> Iterator[Row]:
    """Solve p-medians."""
    yield from _records(size, "p-median")


def records_center(size: Size) -> Iterator[Row]:
    """Solve p-centers and p-dispersions."""
    yield from _records(size, "p-center", "p-dispersion")


def records_capacity(size: Size) -> Iterator[Row]:
    """Solve facility location and p-medians with capacities, split and single source."""
    yield from _records(size, "cflp", "sscflp", "capacitated")


def _records(size: Size, *families: str) -> Iterator[Row]:
    """Solve every instance of some families that is there; of a small size the first of each family."""
    limit, seen = max(2.0, SECONDS * size.share), set()
    for instance in instances():
        if not instance.family.startswith(families) or (size.share < 1 and instance.family in seen):
            continue
        seen.add(instance.family)
        yield _record(instance, limit)


def _record(instance: Instance, limit: float) -> Row:
    try:
        objective, reach, demand, rules = instance.make()
    except AbsentError as error:
        return Row(instance.name, instance.family, checked=str(error), status="skipped")
    began = time.process_time()
    plan = ours.public("solve")(objective, reach, demand=demand, rules=rules, time_limit=limit)
    spent = time.process_time() - began
    if math.isnan(plan.objective):
        return Row(instance.name, instance.family, spent, checked=f"no plan in {limit:g} s", status="skipped")
    try:
        said = _checked(instance, plan)
    except UnequalError as error:
        return Row(instance.name, instance.family, spent, checked=str(error), status="failed")
    return Row(
        instance.name, instance.family, spent, checked=said,
        known=instance.known, value=float(plan.objective), bound=float(plan.bound),
    )  # fmt: skip


def _checked(instance: Instance, plan: Any) -> str:
    """Check the plan, and raise where it and the literature cannot both be right."""
    verified = plan.verify()
    if not verified.ok:
        raise UnequalError(f"{instance.name}: the plan does not stand verify(): {verified}")
    slack = instance.share * max(1.0, abs(instance.known))
    sign = plan.problem.sense
    if sign * (instance.known - plan.bound) > slack:
        raise UnequalError(f"{instance.name}: the bound {plan.bound:,.10g} cuts off {instance.known:,.10g}")
    if instance.optimal and sign * (plan.objective - instance.known) > slack:
        raise UnequalError(f"{instance.name}: {plan.objective:,.10g} is better than the optimum {instance.known:,.10g}")
    return "proven without a solver" if verified.optimal else f"{plan.status}, {plan.answer.engine}"
