"""Set covering: values by enumeration and published ones, proofs, and covers by search."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

import siting
from siting.optimize.control import Control
from siting.optimize.covering.covering import solve_covering
from siting.optimize.covering.presolve import reduce
from siting.optimize.covering.set_cover_kernels import greedy_cover, nearest_columns, price_rows, reduced_costs
from siting.optimize.covering.set_cover_search import CoverSearch
from siting.optimize.covering.set_cover_tree import grown
from siting.optimize.covering.set_covering import is_set_covering, solve_set_covering
from siting.optimize.model import Model
from siting.optimize.proof import bound_of

seeds = st.integers(0, 10**6)


def covering(
    serves: np.ndarray, cost: object = 1, *, lower: object = 0, upper: object = 1, grain: float = 1.0
) -> Model:
    """All rows must be served, at the least cost; *serves* is rows × columns."""
    pattern = csr_array(np.asarray(serves, float))
    pattern.sort_indices()
    n, m = pattern.shape
    lower, upper, cost = (np.broadcast_to(np.asarray(each, float), m).copy() for each in (lower, upper, cost))
    return Model(
        benefit=csr_array((np.zeros(pattern.nnz), pattern.indices, pattern.indptr), shape=(n, m)),
        value=-cost,
        rows=csr_array((0, m)),
        low=np.zeros(0),
        high=np.zeros(0),
        lower=lower,
        upper=upper,
        shares=csr_array((0, n)),
        wanted=np.zeros(0),
        must=np.ones(n, bool),
        grain=grain,
    )


def least(of: Model) -> float:
    """Cost of the cheapest of all covers, all sets of columns looked at."""
    n, m = of.benefit.shape
    serves = np.zeros((n, m), bool)
    serves[np.repeat(np.arange(n), np.diff(of.benefit.indptr)), of.benefit.indices] = True
    plans = np.array(list(itertools.product((False, True), repeat=m)), bool).reshape(2**m, m)
    keeps = (plans[:, None, :] & serves[None]).any(axis=2).all(axis=1)
    keeps &= (plans >= of.lower).all(axis=1) & (plans <= of.upper).all(axis=1)
    return float((-(plans @ of.value))[keeps].min(initial=np.inf))


def drawn(seed: int) -> Model:
    """A small set covering problem: costs of 1, whole, or fractions; some columns fixed."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 14)), int(rng.integers(1, 12))
    serves = rng.random((n, m)) < rng.uniform(0.15, 0.5)
    serves[np.arange(n), rng.integers(m, size=n)] = True
    cost = (1, rng.integers(1, 9, m), np.round(rng.uniform(0.1, 3, m), 3))[seed % 3]
    lower = (rng.random(m) < 0.1) * (seed % 4 == 0)
    return covering(
        serves, cost, lower=lower, upper=np.maximum(lower, rng.random(m) < 0.95), grain=float(seed % 3 != 2)
    )


def triples(n: int) -> list[tuple[int, ...]]:
    """A Steiner system of *n* points: each pair of points is in one triple (Fulkerson, Nemhauser, Trotter 1974)."""
    if n == 3:
        return [(0, 1, 2)]
    if n == 15:  # Bose, R. C., 1939, On the construction of balanced incomplete block designs
        lines = [(x, x + 5, x + 10) for x in range(5)]
        return lines + [
            (x + 5 * k, y + 5 * k, 3 * (x + y) % 5 + 5 * ((k + 1) % 3))
            for k in range(3) for x, y in itertools.combinations(range(5), 2)
        ]  # fmt: skip
    third = n // 3
    smaller = triples(third)
    made = [tuple(v + third * k for v in triple) for triple in smaller for k in range(3)]
    made += [(v, v + third, v + 2 * third) for v in range(third)]
    return made + [
        tuple(v + third * k for v, k in zip(triple, ks, strict=True))
        for triple in smaller for ks in itertools.permutations(range(3))
    ]  # fmt: skip


def steiner(n: int) -> Model:
    """The fewest points that meet every triple."""
    made = triples(n)
    serves = np.zeros((len(made), n))
    for row, triple in enumerate(made):
        serves[row, list(triple)] = 1
    return covering(serves)


def random_rows(n: int, m: int, density: float, seed: int) -> Model:
    """Columns at random, costs of 1 to 100, as Balas and Ho drew them (1980, Mathematical Programming Study 12)."""
    rng = np.random.default_rng(seed)
    serves = rng.random((n, m)) < density
    serves[np.arange(n), rng.integers(m, size=n)] = True
    return covering(serves, rng.integers(1, 101, m))


@pytest.mark.slow
@given(seeds)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_small_problems_are_solved_as_by_enumeration(seed: int) -> None:
    of = drawn(seed)
    truth, found = least(of), solve_covering(of, Control())
    if truth == np.inf:
        assert found.status == "infeasible"
        return
    assert found.status == "optimal"
    assert -found.value == pytest.approx(truth)
    assert of.is_feasible(found.x)
    proven = -bound_of(reduce(of).model, found.proof)
    assert truth - max(of.grain, 1e-9 * truth) < proven <= truth + 1e-6


@pytest.mark.slow
@given(seeds)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_the_tree_alone_proves_what_enumeration_finds(seed: int) -> None:
    """Without reductions, from a cover of all columns and no prices."""
    of = drawn(seed - seed % 4 + 1)
    if (truth := least(of)) == np.inf:
        return
    covers = CoverSearch(of, Control())
    covers.price[:] = 0
    covers.bound = 0.0
    covers.offer(of.upper > 0)
    tree = grown(covers, Control())
    assert tree is not None
    assert covers.cost == pytest.approx(truth)
    assert of.is_feasible(covers.plan())
    proven = -bound_of(of, tree.proof)
    assert truth - max(of.grain, 1e-8 * truth) < proven <= truth + 1e-6


@pytest.mark.parametrize("seed", range(5))
def test_the_tree_proves_the_cover_that_it_ends_with(seed: int) -> None:
    of = random_rows(150, 600, 0.05, seed)
    covers = CoverSearch(of, Control())
    covers.begin()
    tree = grown(covers, Control())
    assert tree is not None
    assert tree.nodes > 1
    assert np.ceil(-bound_of(of, tree.proof) - 1e-6) == covers.cost == -solve_covering(of, Control()).value


def test_a_proof_that_lacks_a_leaf_proves_nothing() -> None:
    of = steiner(9)
    covers = CoverSearch(of, Control())
    covers.begin()
    proof = grown(covers, Control()).proof
    assert np.ceil(-bound_of(of, proof) - 1e-6) == 5
    leaf = np.flatnonzero(~np.isin(np.arange(len(proof.parent)), proof.parent))[-1]
    proof.v[proof.price[leaf]] = 0
    assert -bound_of(of, proof) < 4


@pytest.mark.parametrize(
    ("points", "fewest"), [(9, 5), (15, 9), (27, 18), pytest.param(45, 30, marks=pytest.mark.slow)]
)
def test_steiner_triples_have_the_published_optimum(points: int, fewest: int) -> None:
    of = steiner(points)
    assert len(of.must) == points * (points - 1) // 6
    found = solve_covering(of, Control())
    assert (found.status, -found.value) == ("optimal", fewest)
    if points < 45:
        assert np.ceil(-bound_of(reduce(of).model, found.proof) - 1e-6) == fewest


@pytest.mark.slow
@pytest.mark.parametrize(("points", "best"), [(81, 61), (135, 103), (243, 198)])
def test_the_search_finds_the_best_known_of_large_steiner_triples(points: int, best: int) -> None:
    """81: Mannino and Sassano 1995; 135 and 243: Ostrowski, Linderoth, Rossi and Smriglio 2011."""
    covers = CoverSearch(steiner(points), Control())
    covers.begin()
    covers.search(150_000)
    assert covers.cost <= best + (points == 135)
    assert covers.model.is_feasible(covers.plan())


def test_problems_of_the_or_library(shared_data: Path) -> None:
    folder = shared_data / "optimize"
    known = pd.read_csv(folder / "values.csv")
    files = known[known["file"].str.startswith("scp")]
    assert len(files) == 5
    for _, row in files.iterrows():
        table = pd.read_csv(folder / row["file"])
        serves = np.zeros((200, len(table)))
        for j, covers in enumerate(table["covers"].str.split()):
            serves[np.array(covers, int) - 1, j] = 1
        of = covering(serves, table["cost"])
        found = solve_covering(of, Control())
        assert (found.status, -found.value) == ("optimal", row["value"])
        assert np.ceil(-bound_of(reduce(of).model, found.proof) - 1e-6) == row["value"]


def test_reductions_go_on_until_nothing_changes() -> None:
    rng = np.random.default_rng(4)
    homes, sites = rng.uniform(0, 1, (1500, 2)), rng.uniform(0, 1, (400, 2))
    near = np.hypot(*(homes[:, None] - sites[None]).transpose(2, 0, 1)) <= 0.06
    small = reduce(covering(near[near.any(axis=1)])).model
    assert small.benefit.nnz > 0
    again = reduce(small).model
    assert again.benefit.nnz == small.benefit.nnz
    assert again.benefit.shape[0] == small.benefit.shape[0]


@pytest.mark.slow
@given(seeds)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_reductions_keep_the_least_cost(seed: int) -> None:
    of = drawn(seed)
    small = reduce(of)
    assert least(small.model) - small.model.constant == pytest.approx(least(of))
    assert small.model.benefit.nnz <= of.benefit.nnz


def test_prices_bound_and_covers_cover() -> None:
    of = random_rows(60, 300, 0.08, 3)
    covers = CoverSearch(of, Control())
    sets = covers.sets
    price = covers.price.copy()
    bound, _, _ = price_rows(sets, price, 1e4, np.inf, 200, 1.0, 30)
    left = of.value * -1 - (of.benefit.toarray() * 0 + _serves(of)).T @ price
    assert reduced_costs(sets, price) == pytest.approx(left)
    assert bound == pytest.approx(price.sum() + np.minimum(left, 0).sum())
    assert (price >= 0).all()
    marked = nearest_columns(sets, left, 2, -1.0)
    for row in _serves(of):
        mine = np.flatnonzero(row)
        assert marked[mine[np.argsort(left[mine], kind="stable")[:2]]].all()
    x = np.zeros(300, bool)
    assert greedy_cover(sets, sets.cost, np.zeros(60), x) == pytest.approx(sets.cost[x].sum())
    served = _serves(of)[:, x].sum(axis=1)
    assert (served > 0).all()
    for j in np.flatnonzero(x):  # none is left out without loss
        assert (served[_serves(of)[:, j] > 0] == 1).any()


def _serves(of: Model) -> np.ndarray:
    n, m = of.benefit.shape
    serves = np.zeros((n, m))
    serves[np.repeat(np.arange(n), np.diff(of.benefit.indptr)), of.benefit.indices] = 1
    return serves


def test_the_search_improves_and_repeats() -> None:
    of = random_rows(200, 1000, 0.05, 0)
    best = solve_covering(of, Control())
    assert best.status == "optimal"
    made = []
    for _ in range(2):
        covers = CoverSearch(of, Control())
        covers.begin()
        first = covers.cost
        covers.search(30_000)
        assert 0.9 * covers.cost < covers.bound < covers.cost == -best.value < first
        assert of.is_feasible(covers.plan())
        made.append(covers.plan())
    assert (made[0] == made[1]).all()


def test_a_time_limit_holds_and_says_so() -> None:
    of = random_rows(400, 4000, 0.03, 5)
    solve_covering(steiner(9), Control())
    began = time.perf_counter()
    found = solve_covering(of, Control(time_limit=1.0))
    assert time.perf_counter() - began < 2.5
    assert found.status == "time_limit"
    assert of.is_feasible(found.x)
    assert found.value < found.bound
    assert bound_of(reduce(of).model, found.proof) <= found.bound + 1


def test_what_is_set_covering() -> None:
    of = steiner(9)
    assert is_set_covering(of)
    some = covering(np.array([[1, 1, 0], [0, 1, 1]]), [1, 0, 1])
    assert not is_set_covering(some)  # a column for nothing
    assert not is_set_covering(covering(np.array([[1, 0], [0, 0]])))  # a row without a column
    assert not is_set_covering(covering(np.array([[1, 1]]), lower=[1, 0]))  # served by what is open
    found = solve_covering(some, Control())
    assert (found.status, found.value) == ("optimal", 0)


def test_a_start_counts_and_gap_ends_the_search() -> None:
    of = random_rows(200, 1000, 0.05, 1)
    best = solve_covering(of, Control())
    assert best.status == "optimal"
    begun = solve_set_covering(reduce(of), Control(time_limit=0.0), best.x[reduce(of).columns], 1000)
    assert begun.value == best.value
    near = solve_covering(of, Control(gap=0.1))
    assert near.status in ("feasible", "optimal")
    assert -near.bound >= -near.value * 0.9 - 1


def test_fixed_sites_and_costs_through_the_public_call() -> None:
    """Three homes in a row, sites between them and one that reaches all; by hand."""
    pairs = pd.DataFrame({"origin": list("abbcabc"), "destination": list("xxyyzzz"), "cost": 100.0})
    reach = siting.Reach.from_pairs(pairs, origins=list("abc"), destinations=list("xyz"), limit=300)
    people, cost = pd.Series(1, index=list("abc")), pd.Series({"x": 2, "y": 2, "z": 5})
    cheap = [siting.Cover(1.0)]
    for rules, sites, value in (
        (cheap, {"x", "y"}, 4),
        ([*cheap, siting.Forbidden(["x"])], {"z"}, 5),
        ([*cheap, siting.Required(["z"])], {"z"}, 5),
        ([*cheap, siting.Existing(["x"])], {"y"}, 2),
        ([siting.NobodyBeyond(200)], {"x", "y"}, 4),
    ):
        plan = siting.solve(siting.MinCost(cost), reach, demand=people, rules=rules)
        assert (set(plan.sites), plan.objective, plan.status) == (sites, value, "optimal")
        check = plan.verify()
        assert check.ok
        assert check.optimal
    fewest = siting.solve(siting.MinSites(), reach, demand=people, rules=cheap)
    assert (fewest.sites, fewest.objective, fewest.verify().optimal) == (("z",), 1, True)
