"""Networks of bare arrays: what is refused, what comes back, networks of odd and of large shape, the first call."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import siting as st
from siting.errors import NetworkError
from siting.network import Walk, search, tobler

CRS = "EPSG:32650"
X0, Y0 = 530_000.0, 3_380_000.0


def network(xy: list[tuple[float, float]], edges: list[tuple[int, int]], **options: Any) -> st.Network:
    x, y = np.array(xy, float).T
    u, v = np.array(edges).reshape(-1, 2).T
    return st.Network.from_arrays(X0 + x, Y0 + y, u, v, crs=CRS, **options)


GOOD: dict[str, Any] = {"x": [X0, X0 + 100], "y": [Y0, Y0], "u": [0], "v": [1], "crs": CRS}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"u": [], "v": []}, "no edges"),
        ({"x": [], "y": [], "u": [], "v": []}, "no edges"),
        ({"u": [0, 1]}, "u has 2 entries, v has 1"),
        ({"u": [2]}, "u names nodes that do not exist at edges"),
        ({"v": [-1]}, "v names nodes that do not exist"),
        ({"u": [2**63 - 1]}, "u names nodes that do not exist"),
        ({"u": [0.0]}, "u holds float64"),
        ({"v": [True]}, "v holds bool"),
        ({"u": [[0]], "v": [[1]]}, "u "),
        ({"y": [Y0, Y0, Y0]}, "y"),
        ({"x": [[X0, X0 + 100], [X0, X0]], "y": [[Y0, Y0], [Y0, Y0]]}, "x"),
        ({"x": [X0, np.nan]}, "not a number at nodes"),
        ({"y": [np.inf, Y0]}, "not a number at nodes"),
        ({"length": [1.0, 2.0]}, "length has shape"),
        ({"length": [[1.0]]}, "length has shape"),
        ({"length": [-1.0]}, "negative or not a number at edges"),
        ({"length": [np.nan]}, "negative or not a number at edges"),
        ({"length": [np.inf]}, "negative or not a number at edges"),
        ({"length": [2e6]}, "over 1,000 km long"),
        ({"height": [1.0]}, "height has shape"),
        ({"height": [np.inf, 0.0]}, "height"),
        ({"oneway": [1, 0]}, "oneway has shape"),
        ({"oneway": [2]}, "oneway"),
        ({"oneway": [0.5]}, "oneway"),
        ({"oneway": [256]}, "oneway"),
        ({"oneway": [np.nan]}, "oneway"),
        ({"crs": 4326}, "does not measure in metres"),
        ({"crs": 2263}, "does not measure in metres"),
        ({"crs": "nowhere"}, "is not known"),
        ({"crs": None}, "is not known"),
    ],
)
def test_what_is_no_network(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(NetworkError, match=words):
        st.Network.from_arrays(**{**GOOD, **wrong})


def test_the_arrays_of_the_caller_stay_the_callers() -> None:
    given = {"x": np.array([X0, X0 + 100]), "y": np.array([Y0, Y0]), "u": np.array([0]), "v": np.array([1]),
             "length": np.array([120.0]), "height": np.array([0.0, 3.0]), "oneway": np.array([1])}  # fmt: skip
    made = st.Network.from_arrays(**given, crs=CRS)
    truth = {name: getattr(made, name).copy() for name in ("x", "y", "u", "v", "cost", "metres", "oneway", "rise")}
    for array in given.values():
        assert array.flags.writeable
        array[:] = 0
    for name, value in truth.items():
        np.testing.assert_array_equal(getattr(made, name), value)


def test_nodes_keep_their_names() -> None:
    """Nodes without an edge vanish; the others are called by the positions at which they were given."""
    made = network([(0, 0), (999, 999), (100, 0), (-5, 7), (200, 0)], [(4, 2), (0, 2)])
    assert sorted(made.nodes.tolist()) == [0, 2, 4]
    at = made.places_at_nodes(pd.Index([4, 0]))
    assert search.within(made, at, at, 10**6).cost.tolist() == [0.0, 200.0, 0.0, 200.0]
    assert dict(zip(made.nodes.tolist(), (made.x - X0).tolist(), strict=True)) == {0: 0, 2: 100, 4: 200}
    with pytest.raises(NetworkError, match='no such nodes: "1"'):
        made.places_at_nodes(pd.Index([0, 1]))
    assert made.edges["length"].sort_index().tolist() == [100.0, 100.0]


def test_one_node_with_a_loop() -> None:
    loop = network([(0, 0)], [(0, 0)], length=[80.0])
    at = loop.places_at_nodes()
    for k in (1, 3):
        assert search.nearest(loop, at, at, k).cost.tolist() == [0.0]
    assert search.within(loop, at, at, 0).cost.tolist() == [0.0]
    limit, _, _, low, high = search.pieces(loop, at, [10_000, 40_000])
    assert limit.tolist() == [0, 0, 1]  # two ends of 10 m each, then the whole
    np.testing.assert_allclose(low, [0, 70 / 80, 0])
    np.testing.assert_allclose(high, [10 / 80, 1, 1])


def test_two_nodes() -> None:
    pair = network([(0, 0), (100, 0)], [(1, 0)])
    at = pair.places_at_nodes(pd.Index([0, 1]))
    assert search.within(pair, at, at, 100_000).cost.tolist() == [0.0, 100.0, 0.0, 100.0]
    assert search.within(pair, at, at, 99_999).cost.tolist() == [0.0, 0.0]
    assert search.nearest(pair, at, at, 2).cost.tolist() == [0.0, 100.0, 0.0, 100.0]


@pytest.mark.parametrize("oneway", [None, 1])
def test_a_ring_without_a_corner(oneway: int | None) -> None:
    """Ten streets of 10 m in a ring: the shorter way round, or the only one where they are one-way."""
    n = 10
    turn = np.linspace(0, 2 * np.pi, n, endpoint=False)
    ring = network(
        list(zip(50 * np.cos(turn), 50 * np.sin(turn), strict=True)), [(i, (i + 1) % n) for i in range(n)],
        length=np.full(n, 10.0), oneway=None if oneway is None else np.full(n, oneway),
    )  # fmt: skip
    at = ring.places_at_nodes(pd.RangeIndex(n))
    found = search.within(ring, at, at, 10**6)
    ahead = (found.destination - found.origin) % n
    assert len(ahead) == n * n
    np.testing.assert_array_equal(found.cost, 10.0 * (ahead if oneway else np.minimum(ahead, n - ahead)))


@pytest.mark.slow
@pytest.mark.parametrize("metres", [1.0, 30.0])
def test_a_line_of_a_hundred_thousand_nodes(metres: float) -> None:
    """One chain; at 30 m a street it is 3,000 km long, more than the searches can tell, but its parts are not."""
    n = 100_000
    at = np.arange(n)
    line = st.Network.from_arrays(X0 + at * metres, np.full(n, Y0), at[:-1], at[1:], crs=CRS)
    for select in ([0, 1, 2], [50_000, 50_003, 99_999]):
        places = line.places_at_nodes(pd.Index(select))
        limit = round(5 * metres * 1000)
        found = search.within(line, places, places, limit)
        want = [
            (i, j, abs(a - b) * metres)
            for i, a in enumerate(select)
            for j, b in sorted(enumerate(select), key=lambda one: (abs(a - one[1]), one[0]))
            if abs(a - b) <= 5
        ]
        assert list(zip(found.origin.tolist(), found.destination.tolist(), found.cost.tolist(), strict=True)) == want
        assert len(search.nearest(line, places, places, 1).cost) == 3
        assert len(search.pieces(line, places, [limit])[0]) > 0
    everyone = line.places_at_nodes()
    _, number = search.sums(line, everyone, everyone.select(everyone.ids[::50]), np.ones((n // 50, 1)), limit)
    assert number.sum() == (n // 50) * 11 - 5  # five to either side, but none before the first


def test_a_star_of_fifty_thousand_arms() -> None:
    """A node of so many streets, all dead ends; what is done once for each arm must not look at all the others."""
    arms = 50_000
    turn = np.linspace(0, 2 * np.pi, arms, endpoint=False)
    x, y = np.append(X0, X0 + 100 * np.cos(turn)), np.append(Y0, Y0 + 100 * np.sin(turn))
    star = st.Network.from_arrays(
        x, y, np.zeros(arms, int), np.arange(1, arms + 1), crs=CRS, length=np.arange(1, arms + 1) / 1000 + 100
    )
    everyone = star.places_at_nodes(pd.RangeIndex(1, arms + 1))
    few = everyone.select(everyone.ids[:20])
    found = search.within(star, everyone, few, 200_011)
    assert found.cost.tolist()[:2] == [0.0, 200.003]
    assert len(found.cost) == 20 + sum(a + b <= 11 for a in range(1, 21) for b in range(1, 21) if a != b)
    nearest = search.nearest(star, everyone, everyone, 2)
    assert len(nearest.cost) == 2 * arms
    assert set(nearest.destination[1::2].tolist()) == {0, 1}
    _, number = search.sums(star, everyone, everyone, np.ones((arms, 1)), 99_000)
    assert (number == 1).all()


# There and back


def directed() -> st.Network:
    return network(
        [(0, 0), (100, 0), (100, 100), (0, 100)], [(0, 1), (1, 2), (2, 3), (3, 0), (0, 2)],
        height=[0, 10, 4, -3], oneway=[1, -1, 0, 1, 0],
    )  # fmt: skip


@pytest.mark.parametrize("walk", [None, Walk(80.0, slope=tobler)], ids=["signs", "signs and slopes"])
def test_graphs_keep_signs_and_slopes(walk: Walk | None) -> None:
    """What `to_graph` writes `from_graph` reads: one-way streets in one direction, nodes with their elevation."""
    here = directed()
    there = st.Network.from_graph(here.to_graph(), walking=False, oneway=True)
    nodes, again = (one.places_at_nodes(pd.RangeIndex(4)) for one in (here, there))
    mine = search.within(here, nodes, nodes, 10**6, walk=walk)
    theirs = search.within(there, again, again, 10**6, walk=walk)
    for name in ("origin", "destination", "cost"):
        np.testing.assert_array_equal(getattr(theirs, name), getattr(mine, name))


def test_islands_and_steps_keep_signs_and_slopes() -> None:
    """What makes a network of another one keeps what is asymmetric in it."""
    base = directed()
    walk = Walk(80.0, slope=tobler)
    nodes = base.places_at_nodes(pd.RangeIndex(4))
    truth = search.within(base, nodes, nodes, 10**6, walk=walk)
    more = network(
        [(0, 0), (100, 0), (100, 100), (0, 100), (500, 0), (600, 0)],
        [(0, 1), (1, 2), (2, 3), (3, 0), (0, 2), (4, 5)],
        height=[0, 10, 4, -3, 9, 0], oneway=[1, -1, 0, 1, 0, 1],
    )  # fmt: skip
    for made in (more.drop_islands(), more.join_islands(1000.0)):
        at = made.places_at_nodes(pd.RangeIndex(4))
        found = search.within(made, at, at, 10**6, walk=walk)
        np.testing.assert_array_equal(found.cost, truth.cost)
        assert made.oneway is not None
        assert made.rise is not None


# The first call

PROGRAM = textwrap.dedent(
    """
    import logging, time
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    import siting as st
    start = time.perf_counter()
    net = st.Network.from_arrays([500000, 500100], [3380000, 3380000], [0], [1], crs="EPSG:4547")
    print("built", flush=True)
    at = net.places_at_nodes()
    print(len(st.travel(net, at, at, metres=500)), "pairs")
    import siting.network.search_kernels as k
    print(k.pairs.stats.cache_path)
    """
)


def unprivileged() -> list[str]:
    """What makes a program obey permissions where the tests are run by root."""
    if not hasattr(os, "geteuid"):
        pytest.skip("NOT TESTED: an installation that cannot be written into, on this system")
    if os.geteuid():
        return []
    start = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"]
    if shutil.which("setpriv") is None or subprocess.run([*start, "true"], check=False).returncode:
        pytest.skip("NOT TESTED: root may write everywhere, and setpriv cannot take that away")
    return start


def run(folder: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Run the program with the library that is in *folder* and the user's files in *home*."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "XDG_"))}
    return subprocess.run(
        [*unprivileged(), sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=300, cwd="/",
        env={**kept, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(home)}, check=False,
    )  # fmt: skip


@pytest.fixture
def installation(tmp_path: Path) -> Path:
    """A copy of the library that cannot be written into."""
    folder = tmp_path / "site"
    shutil.copytree(Path(st.__file__).parent, folder / "siting", ignore=shutil.ignore_patterns("__pycache__"))
    for one in [*folder.rglob("*"), folder]:
        one.chmod(0o555 if one.is_dir() else 0o444)
    return folder


@pytest.mark.slow
def test_a_first_call_in_an_installation_that_cannot_be_written(installation: Path, tmp_path: Path) -> None:
    """What is compiled lies in the user's cache; the first call says so once, before it takes its time."""
    home = tmp_path / "home"
    home.mkdir()
    cold = run(installation, home)
    assert cold.returncode == 0, cold.stderr
    assert "4 pairs" in cold.stdout
    assert str(home) in cold.stdout
    assert list(home.rglob("*.nbi"))
    assert not list(installation.rglob("*.nbi"))
    assert cold.stderr.count("being compiled") == 1, cold.stderr
    warm = run(installation, home)
    assert warm.returncode == 0, warm.stderr
    assert warm.stderr == ""
    assert warm.stdout == cold.stdout


@pytest.mark.slow
def test_a_user_without_a_home(installation: Path, tmp_path: Path) -> None:
    """Where nothing can be kept the searches are compiled each time, but they run."""
    home = tmp_path / "closed"
    home.mkdir(mode=0o555)
    poor = run(installation, home)
    assert poor.returncode == 0, poor.stderr[-500:]
    assert "4 pairs" in poor.stdout


@pytest.mark.slow
def test_the_first_call_speaks_before_it_compiles(tmp_path: Path) -> None:
    """Building a network compiles as well: who waits for that is told, too."""
    folder = tmp_path / "cache"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace('print("built", flush=True)', "raise SystemExit")],
        env={**os.environ, "NUMBA_CACHE_DIR": str(folder)}, capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    assert list(folder.rglob("*.nbi")), "nothing was compiled"
    assert done.stderr.count("being compiled") == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere code is read with the compiler's tables")
def test_what_is_on_disk_is_read_without_the_compiler(tmp_path: Path) -> None:
    """Code that allocates arrays runs from the disk; the compiler's tables are made when something is compiled."""
    (tmp_path / "loops.py").write_text(
        "import numpy as np\n"
        "from siting.compiled import compiled\n"
        "@compiled\n"
        "def loop(a):\n"
        "    b = np.sort(a)\n"
        "    return np.concatenate((b, a)), np.hypot(b[0], 4.0)\n",
        encoding="utf-8",
    )
    code = (
        "import sys, numpy as np, numba, loops\n"
        "print(loops.loop(np.array([5.0, 3.0])), 'numba.np.arraymath' in sys.modules)\n"
        "print(numba.njit(lambda a: np.linalg.norm(a))(np.array([3.0, 4.0])))"
    )

    def run() -> list[str]:
        return subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(st.__file__).parents[1])])},
        ).stdout.splitlines()  # fmt: skip

    answer = "(array([3., 5., 5., 3.]), 5.0)"
    assert run() == [f"{answer} True", "5.0"]
    assert run() == [f"{answer} False", "5.0"]


@pytest.mark.slow
def test_code_of_another_version_is_compiled_anew(tmp_path: Path) -> None:
    """A class that loops take has another name after an update; what lies on disk still speaks of the old one."""

    def run(name: str) -> str:
        (tmp_path / "loops.py").write_text(
            "from typing import NamedTuple\n"
            "from siting.compiled import compiled\n"
            f"class {name}(NamedTuple):\n"
            "    a: int\n"
            "@compiled\n"
            "def loop(pair):\n"
            "    return pair.a + 1\n",
            encoding="utf-8",
        )
        code = f"import loops; print(loops.loop(loops.{name}(2)))"
        return subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(st.__file__).parents[1])])},
        ).stdout  # fmt: skip

    assert [run("Old"), run("New"), run("New")] == ["3\n", "3\n", "3\n"]


def test_only_our_own_compiling_is_told(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function of the user's that is compiled later is no path search."""
    import numba

    from siting import compiled as _compiled

    # As in a process whose searches all come from the cache.
    monkeypatch.setattr(_compiled._tell_of_compiling(), "told", False)
    numba.njit(lambda x: x + 1)(1)
    assert "path searches" not in caplog.text
    numba.njit(_ours)(1)
    assert "path searches" in caplog.text


def _ours(x: int) -> int:
    return x + 1


_ours.__module__ = "siting.network.ours"
