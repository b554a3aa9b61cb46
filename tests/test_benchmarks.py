"""The benchmarks' city, their peers and every case, at a size that takes seconds; nothing is timed to be judged."""

from __future__ import annotations

import importlib
import itertools
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
if not (ROOT / "benchmarks").is_dir():
    pytest.skip("NOT TESTED: benchmarks/ is not there", allow_module_level=True)
sys.path.insert(0, str(ROOT))

from benchmarks import ours  # noqa: E402 - it lies beside this folder
from benchmarks.cases import CASES  # noqa: E402
from benchmarks.cases.siting_common import Mine, versus  # noqa: E402
from benchmarks.city import City, make_city, make_ways  # noqa: E402
from benchmarks.instances import steiner_triples  # noqa: E402
from benchmarks.measure import (  # noqa: E402
    AbsentError,
    Peer,
    Row,
    UnequalError,
    compare,
    nearly_equal,
    sort_pairs,
    the_same,
)
from benchmarks.peers import by_networkx, by_scipy, textbook  # noqa: E402
from benchmarks.peers.solving import Solved, solve  # noqa: E402
from benchmarks.report import table  # noqa: E402
from benchmarks.siting_cities import city_question, read_graph  # noqa: E402
from benchmarks.sizes import SIZES  # noqa: E402
from benchmarks.worker import rows_of  # noqa: E402

import siting as st  # noqa: E402

LIMIT = 800_000


def peer(name: str) -> Any:
    """A peer's module; its own warnings, as on import, are not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        needs = {"pandana": "pandana", "igraph": "igraph"}[name]
        pytest.importorskip(needs, reason=f"NOT COMPARED with {name}: it is not installed (extra bench)")
        return importlib.import_module(f"benchmarks.peers.by_{name}")


@pytest.fixture(scope="module", params=[make_city, make_ways], ids=["city", "ways"])
def city(request: pytest.FixtureRequest) -> City:
    made: City = request.param(2_000)
    return made


@pytest.fixture(scope="module")
def ends(city: City) -> tuple[Any, Any]:
    return city.pick(60, 2), city.pick(len(city) // 5, 3)


@pytest.fixture(scope="module")
def expected(city: City, ends: tuple[Any, Any]) -> Any:
    return by_scipy.within(city.matrix, *ends, LIMIT)


def test_a_city_is_the_same_for_the_same_seed() -> None:
    one, same, other = make_city(2_000, seed=5), make_city(2_000, seed=5), make_city(2_000, seed=6)
    for name in ("x", "y", "u", "v", "mm"):
        assert np.array_equal(getattr(one, name), getattr(same, name))
    assert not np.array_equal(one.x[:100], other.x[:100])


def test_a_city_is_one_network_without_loops_and_parallel_streets(city: City) -> None:
    low, high = np.minimum(city.u, city.v), np.maximum(city.u, city.v)
    assert (low < high).all()
    assert len(np.unique(low * len(city) + high)) == len(low)
    assert np.array_equal(np.unique(np.concatenate([low, high])), np.arange(len(city)))
    assert np.isfinite(by_scipy.nearest(city.matrix, np.array([0]))).all()


def test_no_street_is_shorter_than_the_straight_line(city: City) -> None:
    """The halo of the tiles rests on it."""
    straight = np.hypot(city.x[city.u] - city.x[city.v], city.y[city.u] - city.y[city.v])
    assert (city.mm >= straight * 1000).all()
    assert (city.mm <= straight * 1300 + 1).all()


def test_a_city_has_the_degree_and_density_of_a_walking_network() -> None:
    made = make_city(40_000)
    assert 0.99 * 40_000 < len(made) <= 40_000
    assert 3.1 < 2 * len(made.u) / len(made) < 3.3
    area = np.ptp(made.x) * np.ptp(made.y) / 1e6
    assert 190 < len(made) / area < 215


def test_raw_ways_are_mostly_chains() -> None:
    made = make_ways(20_000)
    degree = np.bincount(np.concatenate([made.u, made.v]))
    assert 0.75 < (degree == 2).mean() < 0.85
    assert (degree == 1).sum() > 100
    assert 18_000 < len(made) < 22_000


@pytest.mark.slow
def test_networkx_agrees_with_scipy(city: City, ends: tuple[Any, Any], expected: Any) -> None:
    found = by_networkx.within(by_networkx.graph(city), ends[0], LIMIT)
    the_same(expected, by_networkx.pairs(found, ends[1], len(city)), "networkx")


@pytest.mark.parametrize("cells", [1, 3, 40])
def test_tiles_change_nothing(city: City, ends: tuple[Any, Any], expected: Any, cells: int) -> None:
    the_same(expected, by_scipy.within_tiles(by_scipy.tiled(city, 250.0), *ends, LIMIT, cells=cells), "scipy")


def test_igraph_agrees_with_scipy(city: City, ends: tuple[Any, Any], expected: Any) -> None:
    by_igraph = peer("igraph")
    the_same(expected, by_igraph.within(by_igraph.graph(city), *ends, LIMIT), "igraph")


def test_pandana_agrees_with_scipy_to_the_millimetre(city: City, ends: tuple[Any, Any], expected: Any) -> None:
    by_pandana = peer("pandana")
    net = by_pandana.network(city)
    sources, targets = ends
    found = by_pandana.within(net, sources, LIMIT)
    the_same(expected, by_pandana.pairs(found, sources, targets, len(city)), "pandana")
    far = by_scipy.nearest(city.matrix, targets[:9])
    found = by_pandana.k_nearest(net, city, targets[:9], 2, int(far.max()))
    assert np.array_equal(np.rint(found[:, 0] * 1000), far)


def test_pandana_and_networkx_reach_the_same_streets(city: City, ends: tuple[Any, Any]) -> None:
    by_pandana = peer("pandana")
    few = ends[0][:5]
    group, edge, mm = by_pandana.reached_edges(by_pandana.network(city), city, few, LIMIT)
    theirs = by_networkx.reached_edges(by_networkx.graph(city), few, LIMIT)
    names = list(zip(np.minimum(city.u, city.v).tolist(), np.maximum(city.u, city.v).tolist(), strict=True))
    for i, parts in enumerate(theirs):
        mine = {names[e]: reached for e, reached in zip(edge[group == i].tolist(), mm[group == i], strict=True)}
        assert mine == parts


def test_siting_agrees_with_scipy(city: City, ends: tuple[Any, Any], expected: Any) -> None:
    net = ours.network(city)
    places = [ours.places(net, nodes) for nodes in ends]
    the_same(ours.pairs(ours.travel(net, *places, metres=LIMIT / 1000)), expected, "scipy")


def test_the_bare_search_is_still_where_it_was(city: City, ends: tuple[Any, Any]) -> None:
    net = ours.network(city)
    assert ours.bare(net, *(ours.places(net, nodes) for nodes in ends), LIMIT)() == 0


def test_answers_that_differ_are_not_timed() -> None:
    one = (np.array([0, 0]), np.array([1, 2]), np.array([5, 6]))
    assert the_same(one, tuple(part[::-1] for part in one), "peer") == "2 pairs equal"  # type: ignore[arg-type]
    with pytest.raises(UnequalError, match=r"1 of 2 pairs differ.*\[0, 2, 7\].*\[0, 2, 6\]"):
        the_same(one, (one[0], one[1], np.array([5, 7])), "peer")
    with pytest.raises(UnequalError, match="1 pairs, siting 2"):
        the_same(one, (one[0][:1], one[1][:1], one[2][:1]), "peer")
    with pytest.raises(UnequalError, match=r"1 of 2 sums differ, 2\.0 against 3\.0"):
        nearly_equal([1, 3], [1, 2], "peer", of="sums")
    assert [part.tolist() for part in sort_pairs((one[0], one[1][::-1], one[2]))] == [[0, 0], [1, 2], [6, 5]]


@pytest.mark.slow
def test_a_ratio_is_the_median_of_the_rounds() -> None:
    """A clock that counts calls: ours takes 1, 1, 1 ticks for 10 units, the peer 2, 2, 2 ticks for 4 units."""
    ticks = iter([0, 1, 0, 2] * 3)

    def clock() -> float:
        return float(next(ticks))

    nothing: Callable[[], None] = lambda: None  # noqa: E731
    [row] = compare(
        "work", "size", nothing, [Peer("peer", nothing, 4, 5)], units=10, unit="a source", rounds=3, clock=clock
    )
    assert (row.ours, row.theirs, row.ratio, row.met) == (0.1, 0.5, 5.0, True)
    assert row.size == "size; peer on 4"


def test_the_table_judges_full_sizes_only_and_hides_no_failure() -> None:
    machine = dict.fromkeys(("date", "processor", "memory", "system", "python", "packages"), "?")
    rows = [
        Row("a | b", "10", 0.002, "peer", 0.08, 40.0, 40.0),
        Row("build", "10", 0.7, target=0.6, most=True),
        Row("osm", status="skipped", checked="no data"),
    ]
    records = [row.record() for row in rows]
    text = table(machine, "full", records)
    assert "1 of 2 targets are met." in text
    assert "| a \\| b | 10 | 2 ms | peer | 80 ms | 40× | ≥ 40× | yes |  |" in text
    assert "| build | 10 | 700 ms |  |  |  | ≤ 600 ms | **no** |  |" in text
    assert "- osm: skipped: no data" in text
    assert "met" not in table(machine, "small", records).lower().replace("met |", "")


def test_a_case_that_fails_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Any) -> Iterator[Row]:
        yield Row("first")
        raise UnequalError("peer: 3 pairs differ")

    def without(_: Any) -> Iterator[Row]:
        raise AbsentError("no data")
        yield

    for function, status, why in (
        (broken, "failed", "UnequalError: peer: 3 pairs differ"),
        (without, "skipped", "no data"),
    ):
        monkeypatch.setattr("benchmarks.worker.case", lambda _, function=function: function)
        last = list(rows_of("x", SIZES["tiny"]))[-1]
        assert (last.status, last.checked) == (status, why)


def test_a_siting_problem_has_only_what_is_open() -> None:
    one, same = (city_question(300, 40, 500.0, 3, seed=2) for _ in range(2))
    assert one.demand.equals(same.demand)
    assert one.reach.pairs().equals(same.reach.pairs())
    again = st.Reach.from_pairs(
        one.reach.pairs(), origins=one.reach.origins, destinations=one.reach.destinations, limit=500.0
    )
    assert again.pairs().equals(one.reach.pairs())
    assert (np.diff(one.cover.indptr) > 0).all()  # each is reached
    assert (one.cover.shape[1], len(one.sites)) == (38, 38)  # 2 of 40 exist
    far = np.hypot(*(one.homes[one.reach.origin] - one.sites[one.reach.destination]).T)
    assert np.allclose(far, one.reach.cost)
    assert far.max() <= 500.0
    total = one.weight.sum()
    assert one.share(0.9) * total == pytest.approx(np.ceil(0.9 * (total + one.served)) - one.served)


def test_of_an_edge_that_stands_twice_the_last_counts(tmp_path: Path) -> None:
    (tmp_path / "g.txt").write_text("3 3 1\n1 2 9\n2 3 5\n2 1 4\n", encoding="ascii")
    paths, p = read_graph(tmp_path / "g.txt")
    assert p == 1
    assert paths.tolist() == [[0, 4, 9], [4, 0, 5], [9, 5, 0]]


@pytest.mark.slow
def test_a_solver_in_its_own_process_finds_what_enumeration_finds() -> None:
    question = city_question(200, 24, 500.0, 2, seed=4)
    pairs = [(i, j) for i in range(23) for j in range(i)]
    best = max(question.covered(pair) for pair in pairs)
    found = solve("HiGHS, textbook", textbook.coverage(question.cover, question.weight, 2), 5.0)
    assert (found.status, round(found.value), round(found.bound)) == ("optimal", best, best)
    assert question.covered(found.sites) == best


def test_a_solver_that_contradicts_a_plan_is_not_timed() -> None:
    class Known:
        objective, bound, status, gap = 100.0, 110.0, "feasible", 0.1

    mine = Mine(Known(), 1.0, 1)

    def said(status: str, worth: float, bound: float) -> str:
        return versus(mine, Solved(status, sites=(0,), value=worth, bound=bound), "peer", lambda _: worth)

    assert said("optimal", 105, 105) == "peer optimal, within the bound"
    assert said("limit", 80, 130) == "peer without proof, its plan 20 % short, its bound 30 % off"
    for status, worth, bound, why in (
        ("optimal", 111, 111, "siting's bound is 110"),
        ("optimal", 90, 100, "says optimal at 90"),
        ("limit", 90, 99, "its bound 99 is below"),
    ):
        with pytest.raises(UnequalError, match=why):
            said(status, worth, bound)


@pytest.mark.parametrize("size", [9, 15, 27, 45])
def test_steiner_triples_hold_each_pair_once(size: int) -> None:
    pairs = [frozenset(pair) for triple in steiner_triples(size) for pair in itertools.combinations(triple, 2)]
    assert len(pairs) == len(set(pairs)) == size * (size - 1) // 2


def test_published_instances_have_a_table_of_their_own() -> None:
    row = Row("scp41", "set cover", 1.5, checked="proven", known=429.0, value=430.0, bound=428.5)
    text = table({"date": "", "processor": "", "memory": "", "system": "", "python": "", "packages": ""}, "full",
                 [row.record()])  # fmt: skip
    assert "| scp41 | set cover | 429 | 430 | +0.23 % | 428.5 | 0.35 % | 1.5 | proven |" in text
    assert "Peer" not in text


@pytest.mark.slow
@pytest.mark.parametrize("name", list(CASES))
@pytest.mark.filterwarnings("ignore")  # of the peers, which are not ours to mend
def test_every_case_runs(name: str) -> None:
    rows = list(rows_of(name, SIZES["tiny"]))
    failed = [row.checked for row in rows if row.status == "failed"]
    assert not failed
    json.dumps([row.record() for row in rows], default=float)
    left = [f"{row.work}: {row.checked}" for row in rows if row.status == "skipped"]
    if left:
        pytest.skip(f"NOT COMPARED: {'; '.join(left)}")
    assert all(row.ours is not None and row.ours >= 0 for row in rows)
