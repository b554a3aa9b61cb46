"""One thread or many, interrupted or not: the same numbers, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import siting as st
from siting.network import Places, search

SIDE = 90
THREADS = [2, 3, None]


@pytest.fixture(scope="module")
def city() -> st.Network:
    """A lattice of 8,100 crossings with streets of odd lengths, some of them one-way, on hills."""
    rng = np.random.default_rng(8)
    node = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    u = np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()])
    v = np.concatenate([node[:, 1:].ravel(), node[1:].ravel()])
    keep = rng.random(len(u)) < 0.8
    u, v = u[keep], v[keep]
    x, y = 530_000 + 60.0 * (node.ravel() % SIDE), 3_380_000 + 60.0 * (node.ravel() // SIDE)
    return st.Network.from_arrays(
        x, y, u, v, crs="EPSG:4547", length=rng.uniform(55, 95, len(u)), height=rng.uniform(0, 6, len(x)),
        oneway=rng.choice([0, 0, 0, 0, 0, 0, 1, -1], len(u)),
    )  # fmt: skip


@pytest.fixture(scope="module")
def everyone(city: st.Network) -> Places:
    return city.places_at_nodes()


@pytest.fixture(scope="module")
def some_of(city: st.Network, everyone: Places) -> Places:
    """Fewer than all, but enough for many blocks."""
    return everyone.select(everyone.ids[np.random.default_rng(1).permutation(len(everyone))[:5_200]])


def same(one: search.Pairs, other: search.Pairs) -> bool:
    return all(
        getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in ("origin", "destination", "cost")
    )


WALKS = [None, st.Walk.adult()]


@pytest.mark.slow
@pytest.mark.parametrize("walk", WALKS, ids=["level", "hills"])
@pytest.mark.parametrize("swap", [False, True])
def test_pairs_do_not_depend_on_the_threads(
    city: st.Network, everyone: Places, some_of: Places, swap: bool, walk: st.Walk | None
) -> None:
    o, d = (everyone, some_of) if swap else (some_of, everyone)
    alone = search.within(city, o, d, 400_000, walk=walk, threads=1)
    assert len(alone.cost) > 100_000
    for threads in THREADS:
        assert same(alone, search.within(city, o, d, 400_000, walk=walk, threads=threads))


@pytest.mark.parametrize("swap", [False, True])
def test_sums_do_not_depend_on_the_threads(city: st.Network, everyone: Places, some_of: Places, swap: bool) -> None:
    """Sums of floats depend on their order, so the order must not depend on the threads."""
    o, d = (everyone, some_of) if swap else (some_of, everyone)
    weights = np.random.default_rng(2).random((len(d), 2)) * [1.0, 1e9]

    def sums(threads: int | None) -> tuple[bytes, bytes]:
        added, number = search.sums(
            city, o, d, weights, 500_000, threads=threads, decay=lambda way: np.exp(-way / 200_000)
        )
        return added.tobytes(), number.tobytes()

    alone = sums(1)
    assert all(sums(threads) == alone for threads in THREADS)


def test_the_nearest_repeat(city: st.Network, everyone: Places, some_of: Places) -> None:
    once = search.nearest(city, everyone, some_of, 3)
    assert same(once, search.nearest(city, everyone, some_of, 3))
    all_pairs = search.within(city, everyone, some_of, 600_000)
    first = np.searchsorted(all_pairs.origin, np.arange(len(everyone)))
    has = np.diff(np.append(first, len(all_pairs.origin))) > 0
    one = search.nearest(city, everyone, some_of, 1, 600_000)
    np.testing.assert_array_equal(one.origin, np.flatnonzero(has))
    np.testing.assert_array_equal(one.destination, all_pairs.destination[first[has]])


@pytest.mark.parametrize("threads", [1, 2, None])
def test_progress_ends_at_the_total(city: st.Network, some_of: Places, threads: int | None) -> None:
    calls: list[tuple[int, int]] = []
    st.travel(
        city, some_of, some_of, metres=300, threads=threads, progress=lambda done, all_: calls.append((done, all_))
    )
    done = [at for at, _ in calls]
    assert len(done) > 10
    assert done == sorted(set(done))
    assert {total for _, total in calls} == {len(some_of)}
    assert done[-1] == len(some_of)


@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("threads", [1, 2, None])
def test_an_interruption_leaves_nothing_behind(
    city: st.Network, some_of: Places, threads: int | None, kind: type[BaseException]
) -> None:
    before = set(threading.enumerate())
    whole = search.within(city, some_of, some_of, 300_000, threads=1)

    def stop(done: int, total: int) -> None:
        if done > total // 3:
            raise kind("enough")

    for _ in range(3):
        with pytest.raises(kind, match="enough"):
            search.within(city, some_of, some_of, 300_000, threads=threads, progress=stop)
        with pytest.raises(kind, match="enough"):
            search.sums(city, some_of, some_of, np.ones((len(some_of), 1)), 300_000, threads=threads, progress=stop)
        assert set(threading.enumerate()) == before
        assert same(whole, search.within(city, some_of, some_of, 300_000, threads=threads))


@pytest.mark.parametrize("threads", [1, 2])
def test_too_many_pairs_leave_no_thread(city: st.Network, some_of: Places, threads: int) -> None:
    before = set(threading.enumerate())
    few = some_of.select(some_of.ids[:2_000])  # too few to be estimated first
    with pytest.raises(st.errors.NetworkError, match="at least"):
        search.within(city, few, some_of, 500_000, threads=threads, max_pairs=1_000)
    assert set(threading.enumerate()) == before


def test_a_fault_in_a_thread_is_the_callers(city: st.Network, some_of: Places) -> None:
    """A decay that fails, fails in some thread; the error arrives as it is, and the others stop."""
    before = set(threading.enumerate())

    def decay(way: object) -> np.ndarray:
        raise ZeroDivisionError("my own fault")

    with pytest.raises(ZeroDivisionError, match="my own fault"):
        search.sums(city, some_of, some_of, np.ones((len(some_of), 1)), 300_000, threads=2, decay=decay)
    assert set(threading.enumerate()) == before


def test_searches_may_run_in_threads_of_the_caller(city: st.Network, some_of: Places) -> None:
    """Four of the caller's threads search the same new network at once; caches are made meanwhile."""
    fresh = st.Network(**city.arrays)
    truth = search.within(city, some_of, some_of, 250_000, threads=1)
    found: list[search.Pairs] = []
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        found.append(search.within(fresh, some_of, some_of, 250_000, threads=2))

    team = [threading.Thread(target=work) for _ in range(4)]
    for one in team:
        one.start()
    for one in team:
        one.join()
    assert len(found) == 4
    assert all(same(truth, one) for one in found)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="signals are sent as Linux does")
@pytest.mark.parametrize("threads", [1, 2])
def test_control_c(tmp_path: Path, threads: int) -> None:
    """A long travel that gets a SIGINT ends soon, with KeyboardInterrupt and without a result."""
    program = textwrap.dedent(
        f"""
        import signal
        import numpy as np, siting as st
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background starts with it ignored
        side = 400
        node = np.arange(side * side).reshape(side, side)
        u = np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()])
        v = np.concatenate([node[:, 1:].ravel(), node[1:].ravel()])
        x, y = 530_000 + 50.0 * (node.ravel() % side), 3_380_000 + 50.0 * (node.ravel() // side)
        net = st.Network.from_arrays(x, y, u, v, crs="EPSG:4547")
        all_of = net.places_at_nodes()
        few = all_of.select(all_of.ids[:5])
        st.travel(net, few, few, metres=100)
        def tell(done, total):
            if done < 600:
                print("searching", flush=True)
        sums = st.measure.catchment(net, all_of, all_of, metres=5_000, threads={threads}, progress=tell)
        sums.to_csv("result.csv")
        """
    )
    running = subprocess.Popen(
        [sys.executable, "-c", program], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONWARNINGS": "default"},
    )  # fmt: skip
    try:
        assert running.stdout is not None
        assert running.stdout.readline() == "searching\n"
        running.send_signal(signal.SIGINT)
        start = time.monotonic()
        _, told = running.communicate(timeout=60)
        took = time.monotonic() - start
    finally:
        running.kill()
    assert running.returncode in (-signal.SIGINT, 130, 1)
    assert told.strip().endswith("KeyboardInterrupt")
    assert took < 30, "the whole would have taken minutes"
    assert list(tmp_path.iterdir()) == []
