"""A peer's solver in a process of its own: one thread, a limit of time, its own status and what came of it.

`python -m benchmarks.peers.solving PEER MODEL OUT SECONDS` is the process; `solve` starts it.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import ROOT
from benchmarks.measure import AbsentError
from benchmarks.peers.textbook import Textbook

__all__ = ["PEERS", "Solved", "Table", "processor_seconds", "solve"]

#: Peers by name, and their modules and what these are asked for.
PEERS = {
    "SCIP": ("by_scip", ""),
    "HiGHS, textbook": ("by_highs", ""),
    "spopt + CBC": ("by_spopt", "cbc"),
    "spopt + HiGHS": ("by_spopt", "highs"),
}
#: Status of a child process for want of the peer.
ABSENT = 3
#: Statuses of one that was ended for want of time or memory.
ENDED = (-signal.SIGXCPU, -signal.SIGKILL, -signal.SIGABRT)
#: Seconds for putting a model together, beyond three times the limit; and bytes of memory.
BUILDING, MEMORY = 60, 12 * 2**30


@dataclass(frozen=True)
class Solved:
    """What a peer did.

    Attributes
    ----------
    status
        "optimal" (it has a proof), "limit" (a plan, no proof), "none" (no plan), "killed" (it ran on).
    told
        What it said itself.
    sites
        Positions that it opens.
    value, bound
        Its objective, to be made large, and its bound; NaN without.
    build, seconds
        Processor's seconds for putting the model together in its own classes, and for solving it.
    megabytes
        Memory of its process at the peak.
    """

    status: str
    told: str = ""
    sites: tuple[int, ...] = ()
    value: float = math.nan
    bound: float = math.nan
    build: float = 0.0
    seconds: float = 0.0
    megabytes: float = 0.0


@dataclass(frozen=True, eq=False)
class Table:
    """A problem as spopt takes it: a full table of costs."""

    kind: str
    cost: np.ndarray
    weight: np.ndarray
    radius: float
    most: int

    def save(self, path: Path) -> None:
        """Write it."""
        np.savez(path, kind=self.kind, cost=self.cost, weight=self.weight, radius=self.radius, most=self.most)

    @classmethod
    def load(cls, path: Path) -> Table:
        """Read what `save` wrote."""
        with np.load(path) as f:
            return cls(str(f["kind"]), f["cost"], f["weight"], float(f["radius"]), int(f["most"]))


def solve(peer: str, model: Textbook | Table, seconds: float, *, apart: bool = True) -> Solved:
    """Let *peer* solve *model* for at most *seconds*, in its own process, which is ended when it runs on for long.

    Tests do it in theirs, not *apart*: a process takes longer than what they ask.

    Raises
    ------
    AbsentError
        When it is not installed.
    RuntimeError
        When its process fails.
    """
    if not apart:
        try:
            return _run(peer, model, seconds)
        except ImportError as error:
            raise AbsentError(f"{peer}: {error}") from error
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "model.npz", Path(folder) / "solved.json"
        model.save(path)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "benchmarks.peers.solving", peer, str(path), str(out), str(seconds)]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode in ENDED:
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            return Solved("killed", f"ended after {spent:.0f} s", seconds=spent)
        if done.returncode == ABSENT:
            raise AbsentError(f"{peer}: {done.stderr.strip().splitlines()[-1]}")
        if done.returncode:
            raise RuntimeError(f"{peer}: {done.stderr.strip().splitlines()[-1:]}")
        found: Mapping[str, Any] = json.loads(out.read_text(encoding="utf-8"))
        return Solved(**{**found, "sites": tuple(found["sites"])})


def processor_seconds() -> float:
    """Seconds of this process and of those that it started and that have ended."""
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def _run(peer: str, model: Textbook | Table, seconds: float) -> Solved:
    module, how = PEERS[peer]
    run = importlib.import_module(f"benchmarks.peers.{module}").solve
    found: Solved = run(model, seconds, how) if how else run(model, seconds)
    return found


def main() -> None:
    """Run one peer."""
    peer, path, out, seconds = sys.argv[1:]
    # One that does not heed its limit, or builds its model for ever, is ended by the system.
    most = round(3 * float(seconds)) + BUILDING
    resource.setrlimit(resource.RLIMIT_CPU, (most, most + 5))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    kind = Table if PEERS[peer][1] else Textbook
    try:
        found = _run(peer, kind.load(Path(path)), float(seconds))
    except ImportError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(ABSENT)
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    told = {**asdict(found), "megabytes": peak * 1024 / 1e6}
    Path(out).write_text(json.dumps(told, default=float), encoding="utf-8")


if __name__ == "__main__":
    main()
