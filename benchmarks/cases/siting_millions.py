"""Customers by the million, from coordinates to the proven plan: seconds, and memory at the peak."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from benchmarks import ours
from benchmarks.data import ROOT
from benchmarks.measure import Row, UnequalError
from benchmarks.sizes import Size

__all__ = ["siting_millions"]

#: In a fresh process: makes customers in parts, merges them while they come, and solves; MCLP with 15 sites and 70 %
#: with as few as can be. What the making of the customers takes is measured alone and taken off.
MILLIONS = """
import json, resource, sys, time
import numpy as np
import siting as st
from benchmarks.siting_cities import RADIUS, cfl, cfl_customers
count, sites = int(sys.argv[1]), cfl()
def both(count):
    reach, demand = st.propose.merge_demand(cfl_customers(count), None, sites, metres=RADIUS)
    merged = time.process_time()
    plans = [st.solve(st.MaxCoverage(), reach, demand=demand, rules=[st.AtMost(15)]),
             st.solve(st.MinSites(), reach, demand=demand, rules=[st.Cover(0.7)])]
    return reach, merged, plans
both(1_000)  # compiles
began = time.process_time()
total = sum(float(weight.sum()) for _, weight in cfl_customers(count))
making = time.process_time() - began
began = time.process_time()
reach, merged, plans = both(count)
spent = time.process_time() - began - making
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
covered = [0.0, 0.0]
for points, weight in cfl_customers(count):
    for k, plan in enumerate(plans):
        near = np.zeros(len(points), bool)
        for site in plan.sites:
            near |= ((points - sites[int(site)]) ** 2).sum(axis=1) <= RADIUS**2
        covered[k] += float(weight[near].sum())
print(json.dumps({"seconds": spent, "merging": merged - began - making, "peak": peak, "groups": len(reach.origins),
                  "total": total, "covered": covered, "plans": [[p.status, float(p.objective), float(p.covered),
                  len(p.sites), bool(p.verify().ok)] for p in plans]}))
"""


def siting_millions(size: Size) -> Iterator[Row]:
    """20 million customers, 100 sites."""
    ours.public("merge_demand")
    for count in (1_000_000, 20_000_000) if size.share == 1 else (round(1_000_000 * size.share),):
        told = _fresh(count)
        said = f"{count:,} customers, 100 sites, {told['groups']:,} groups"
        checked = f"{_checked(told)}; of it merging {told['merging']:.2f} s"
        full = count == 20_000_000
        yield Row("MCLP and 70 %, from coordinates", said, told["seconds"], target=10.0 if full else None, most=True,
                  checked=checked, rounds=1)  # fmt: skip
        yield Row(
            "memory of it at the peak", said, told["peak"], target=2_500.0 if full else None, most=True, unit="MB"
        )


def _fresh(count: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", MILLIONS, str(count)], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        raise RuntimeError(f"the fresh process failed: {done.stderr.strip().splitlines()[-1:]}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _checked(told: dict[str, Any]) -> str:
    """Compare what the plans say with the customers counted one by one."""
    (status, value, _, _, ok), (also, fewest, covered, number, fine) = told["plans"]
    if told["covered"] != [value, covered] or covered < 0.7 * told["total"] - 1 or fewest != number:
        raise UnequalError(f"siting: the plans say {value:,.0f} and {covered:,.0f}, counted anew {told['covered']}")
    if not (ok and fine):
        raise UnequalError("siting: a plan does not stand verify()")
    return f"{status} and {also} with {number} sites, verified, counted anew"
