"""SCIP with the textbook's model: one thread, by the processor's clock, everything else as it comes."""

from __future__ import annotations

import math

import numpy as np

# Peers are not installed everywhere, and have no types.
import pyscipopt  # type: ignore[import-untyped, unused-ignore]

from benchmarks.peers.solving import Solved, processor_seconds
from benchmarks.peers.textbook import Textbook

__all__ = ["solve"]


def solve(model: Textbook, seconds: float) -> Solved:
    """Maximise; the seconds are those of `optimize` alone, since its rows are put together in Python."""
    began = processor_seconds()
    scip = pyscipopt.Model()
    scip.hideOutput()
    scip.setParam("limits/time", seconds)
    scip.setParam("timing/clocktype", 1)
    kinds = "B" * model.whole + "C" * (len(model.objective) - model.whole)
    z = [
        scip.addVar(vtype=kind, lb=0.0, ub=float(upper), obj=float(worth))
        for kind, upper, worth in zip(kinds, model.upper, model.objective, strict=True)
    ]
    rows = model.rows
    for r, (low, high) in enumerate(zip(model.low, model.high, strict=True)):
        at = slice(rows.indptr[r], rows.indptr[r + 1])
        terms = zip(rows.data[at].tolist(), rows.indices[at].tolist(), strict=True)
        side = pyscipopt.quicksum(factor * z[k] for factor, k in terms)
        scip.addCons(pyscipopt.ExprCons(side, _finite(low), _finite(high)))
    scip.setMaximize()
    built = processor_seconds()
    scip.optimize()
    spent = processor_seconds() - built
    told = scip.getStatus()
    if not scip.getNSols():
        return Solved("none", told, bound=scip.getDualbound(), build=built - began, seconds=spent)
    values = np.array([scip.getVal(v) for v in z[: model.whole]])
    sites = tuple(int(j) for j in np.flatnonzero(values > 0.5))
    status = "optimal" if told == "optimal" else "limit"
    return Solved(status, told, sites, scip.getObjVal(), scip.getDualbound(), built - began, spent)


def _finite(limit: float) -> float | None:
    return float(limit) if math.isfinite(limit) else None
