"""What the process sees: threads, the first call, and memory."""

from __future__ import annotations

import ctypes
import dataclasses
import gc
import pickle
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import siting as st
from benchmarks import ours
from benchmarks.city import make_city
from benchmarks.data import ROOT
from benchmarks.measure import AbsentError, Peer, Row, compare, the_same
from benchmarks.sizes import Size

__all__ = ["first", "memory", "threads"]

#: A network, places and pairs in a fresh process, after `import siting`; prints the processor's seconds of each step.
FIRST = """
import time
import siting as st
from benchmarks import ours
from benchmarks.city import make_city
city = make_city(2_000)
st.Network, st.travel  # loaded, with geopandas
steps = [time.process_time()]
import numba
steps.append(time.process_time())
net = ours.network(city)
steps.append(time.process_time())
places = ours.places(net)
steps.append(time.process_time())
ours.travel(net, places, places, metres=800)
steps.append(time.process_time())
print(*(b - a for a, b in zip(steps, steps[1:])))
"""


def threads(size: Size) -> Iterator[Row]:
    """Two threads against one, by the clock on the wall."""
    city = make_city(size.city)
    net = ours.network(city)
    origins = ours.places(net, city.pick(size.sources * 10, 2))
    destinations = ours.places(net, city.pick(len(city) // 5, 3))

    def walk(number: int) -> st.Reach:
        return ours.travel(net, origins, destinations, metres=800, threads=number)

    one, two = ours.pairs(walk(1)), ours.pairs(walk(2))
    equal = the_same(one, two, "two threads")
    peer = Peer("one thread", lambda: walk(1), 1, 1.85, checked=equal)
    said = f"{len(city):,} nodes, {len(origins):,} sources, {len(one[0]):,} pairs"
    yield from compare("two threads, 800 m", said, lambda: walk(2), [peer], rounds=size.rounds, clock=time.perf_counter)


def first(size: Size) -> Iterator[Row]:
    """Network, places and pairs in a fresh process with the compiled searches on disk."""
    _fresh()  # compiles where that was not done yet
    runs = [_fresh() for _ in range(size.rounds)]
    numba, network, places, pairs = (statistics.median(step) for step in zip(*runs, strict=True))
    total = statistics.median(sum(run) for run in runs)
    said = f"of it importing numba {numba:.2f} s, network {network:.2f} s, places {places:.2f} s, travel {pairs:.2f} s"
    yield Row(
        "first call of a process", "2,000 nodes, numba's import included", total, target=0.5, most=True,
        rounds=size.rounds, checked=said,
    )  # fmt: skip


def _fresh() -> list[float]:
    done = subprocess.run([sys.executable, "-c", FIRST], cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise RuntimeError(f"the fresh process failed: {done.stderr.strip().splitlines()[-1:]}")
    return [float(step) for step in done.stdout.split()]


def memory(size: Size) -> Iterator[Row]:
    """Bytes a node and a pair, held and at the peak; growth over repeated calls."""
    city = make_city(size.city)
    net = ours.network(city)
    said = f"{len(city):,} nodes"
    yield Row("network held", said, _held(net) / len(city), unit="bytes a node")
    yield Row("network pickled", said, len(pickle.dumps(net, protocol=5)) / len(city), unit="bytes a node")
    origins = ours.places(net, city.pick(size.sources * 10, 2))
    destinations = ours.places(net, city.pick(len(city) // 5, 3))
    ours.travel(net, origins, destinations, metres=500)
    highest = _status("VmHWM")
    for metres in (500, 800, 1200):
        before = _reset_peak()
        reach = ours.travel(net, origins, destinations, metres=metres)
        count, peak = len(reach), _status("VmHWM") - before
        highest = max(highest, before + peak)
        said = f"{len(city):,} nodes, {len(origins):,} sources, {metres} m, {count:,} pairs"
        yield Row("pairs held", said, _held(reach, skip=("origins", "destinations")) / count, unit="bytes a pair")
        yield Row("pairs, at the peak", said, peak / count, unit="bytes a pair")
        del reach
    before = _reset_peak()
    for _ in range(size.rounds):
        ours.travel(net, origins, destinations, metres=800)
    highest = max(highest, _status("VmHWM"))
    grown = (_reset_peak() - before) / 1e6
    yield Row(f"growth over {size.rounds} more calls", said, grown, unit="MB")
    yield Row("memory of the process at its peak", said, highest / 1e6, unit="MB")


def _held(value: Any, skip: tuple[str, ...] = ()) -> int:
    """Sum the bytes of all arrays that a value holds, each once."""
    seen: dict[int, int] = {}

    def walk(thing: Any) -> None:
        if isinstance(thing, np.ndarray):
            base = thing if thing.base is None or not isinstance(thing.base, np.ndarray) else thing.base
            seen[id(base)] = base.nbytes
        elif hasattr(thing, "memory_usage"):
            seen[id(thing)] = int(np.sum(thing.memory_usage(deep=True)))
        elif dataclasses.is_dataclass(thing) or type(thing).__module__.startswith("siting"):
            for name, part in vars(thing).items() if hasattr(thing, "__dict__") else ():
                if name not in skip:
                    walk(part)
        elif isinstance(thing, tuple | list):
            for part in thing:
                walk(part)
        elif isinstance(thing, dict):
            for part in thing.values():
                walk(part)

    walk(value)
    return sum(seen.values())


def _status(key: str) -> int:
    """Bytes of the process: `VmRSS` now, or `VmHWM` at the peak."""
    path = Path("/proc/self/status")
    if not path.is_file():
        raise AbsentError("memory at the peak is read from /proc, which is not here")
    lines = dict(line.split(":", 1) for line in path.read_text(encoding="ascii", errors="replace").splitlines())
    return int(lines[key].split()[0]) * 1024


def _reset_peak() -> int:
    """Begin a new peak, and return the bytes held now.

    What was freed goes back to the system first; else the next call would take it and seem to need less.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is None:
        raise AbsentError("freed memory cannot be given back here, so that the peak cannot be told")
    trim(0)
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError as error:
        raise AbsentError("the peak of memory cannot be measured anew here") from error
    return _status("VmRSS")
