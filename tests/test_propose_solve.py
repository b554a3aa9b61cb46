"""`solve` against enumeration: every set of sites is tried, and no plan may be better, worse or missing."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

import siting as st
from siting.optimize.proof import Proof
from siting.optimize.solution import Solution
from siting.propose.search import choose_engine as engines

SHARES = [0.1, 0.25, 1 / 3, 0.5, 0.75, 0.9, 1.0]
#: What one unit of demand weighs: whole people, and fractions from the tiny to the huge.
UNITS = [1, 1, 1, 250_000, 0.1, 12.5, 1e-9, 1e6 + 0.5]


@dataclass(frozen=True)
class Case:
    """A small random problem; site j covers origin i where bit j of `cover[i]` is set."""

    cover: tuple[int, ...]
    weight: tuple[float, ...]
    role: str  # a letter for each site: candidate, existing, required, forbidden
    groups: tuple[int, ...]
    overall: float | None
    grouped: float | None
    most: int | None

    @property
    def reach(self) -> st.Reach:
        rows = [
            (f"o{i}", f"s{j}", float((7 * i + 11 * j) % 300))
            for i, mask in enumerate(self.cover)
            for j in range(len(self.role))
            if mask >> j & 1
        ]
        table = pd.DataFrame(rows, columns=["origin", "destination", "cost"])
        return st.Reach.from_pairs(
            table, origins=self.demand.index, destinations=[f"s{j}" for j in range(len(self.role))], limit=300
        )

    @property
    def demand(self) -> pd.Series:
        return pd.Series(self.weight, index=[f"o{i}" for i in range(len(self.cover))], name="people")

    def sites(self, role: str) -> list[str]:
        return [f"s{j}" for j, letter in enumerate(self.role) if letter == role]

    @property
    def rules(self) -> list[Any]:
        rules: list[Any] = []
        kinds = {"e": st.Existing, "r": st.Required, "f": st.Forbidden}
        rules += [kind(self.sites(letter)) for letter, kind in kinds.items() if letter in self.role]
        if self.overall is not None:
            rules.append(st.Cover(self.overall))
        if self.grouped is not None:
            rules.append(st.Cover(self.grouped, by=pd.Series(self.groups, index=self.demand.index, name="district")))
        if self.most is not None:
            rules.append(st.AtMost(self.most))
        return rules

    def outcomes(self) -> dict[frozenset[str], float]:
        """Every set of new sites that keeps the rules, with the demand it covers."""
        weight, groups = np.array(self.weight, float), np.array(self.groups)
        whole = (weight == np.rint(weight)).all()
        slack = 0.0 if whole else 1e-8 * weight.sum()
        needs = []
        for share, members in [(self.overall, np.ones(len(weight), bool))] + [
            (self.grouped, groups == g) for g in set(self.groups)
        ]:
            if share is not None:
                need = share * weight[members].sum()
                needs.append((members, math.ceil(need - 1e-6) if whole else need - slack))
        always = sum(1 << j for j, letter in enumerate(self.role) if letter in "er")
        free = [j for j, letter in enumerate(self.role) if letter == "c"]
        must = self.sites("r")
        found = {}
        for k in range(len(free) + 1):
            if self.most is not None and k + len(must) > self.most:
                break
            for chosen in itertools.combinations(free, k):
                mask = always | sum(1 << j for j in chosen)
                covered = np.array([bool(mask & c) for c in self.cover])
                if all(weight[members & covered].sum() >= need for members, need in needs):
                    new = frozenset([*must, *(f"s{j}" for j in chosen)])
                    found[new] = float(weight[covered].sum())
        return found


@some.composite
def cases(draw: Any, *, cover: bool, most: bool) -> Case:
    n, m = draw(some.integers(1, 12)), draw(some.integers(1, 8))
    unit = draw(some.sampled_from(UNITS))
    amounts = draw(some.lists(some.integers(0, 20), min_size=n, max_size=n).filter(any))
    role = draw(some.text("cccccerf", min_size=m, max_size=m).filter(lambda r: set(r) & set("cr")))
    allowed, must = sum(r in "cr" for r in role), role.count("r")
    shares = some.sampled_from(SHARES)
    overall = draw(some.none() | shares)
    grouped = draw(some.none() | shares)
    if cover and overall is None and grouped is None:
        overall = draw(shares)
    limit = some.integers(max(1, must), allowed)
    return Case(
        cover=tuple(draw(some.lists(some.integers(0, 2**m - 1), min_size=n, max_size=n))),
        weight=tuple(unit * a for a in amounts),
        role=role,
        groups=tuple(draw(some.lists(some.integers(1, 3), min_size=n, max_size=n))),
        overall=overall,
        grouped=grouped,
        most=draw(limit if most else some.none() | limit),
    )


def check_against(case: Case, plan: st.Plan, outcomes: dict[frozenset[str], float]) -> None:
    """What holds for every plan that is proven the best."""
    if not outcomes:
        assert plan.status == "infeasible"
        assert plan.sites == ()
        assert math.isnan(plan.objective)
        assert plan.reasons
        return
    assert plan.status == "optimal"
    assert (plan.gap, plan.bound) == (0, plan.objective)
    assert frozenset(plan.sites) in outcomes
    assert plan.covered == pytest.approx(outcomes[frozenset(plan.sites)], rel=1e-12)
    useless = plan.table.index[plan.table["adds"] == 0]
    assert set(useless) <= set(case.sites("r")), "a site that adds nobody is not proposed"


def alike(role: str, weight: float, *, times: int, most: int, overall: float | None = None) -> Case:
    """Needs of one weight that the first site alone covers."""
    return Case((1,) * times, (weight,) * times, role, (1,) * times, overall, None, most)


@pytest.mark.slow
@given(cases(cover=False, most=True))
@example(alike("c", 0.1, times=6, most=1, overall=0.25))  # 0.6 or 0.6 and a last bit
@example(alike("ccc", 19_000_009.5, times=1, most=1))  # more digits than single precision holds
@settings(max_examples=160, deadline=None, derandomize=True)
def test_no_set_of_sites_covers_more(case: Case) -> None:
    plan = st.solve(st.MaxCoverage(), case.reach, demand=case.demand, rules=case.rules)
    outcomes = case.outcomes()
    check_against(case, plan, outcomes)
    if outcomes:
        # Sums of fractions differ by their last bits, in whichever order they are added.
        assert plan.objective == pytest.approx(plan.covered, rel=1e-12)
        assert plan.objective == pytest.approx(max(outcomes.values()), rel=1e-9)


@pytest.mark.slow
@given(cases(cover=True, most=False))
@settings(max_examples=160, deadline=None, derandomize=True)
def test_no_smaller_set_of_sites_keeps_the_rules_and_no_equal_one_covers_more(case: Case) -> None:
    plan = st.solve(st.MinSites(), case.reach, demand=case.demand, rules=case.rules)
    outcomes = case.outcomes()
    check_against(case, plan, outcomes)
    if outcomes:
        fewest = min(map(len, outcomes))
        assert plan.objective == len(plan.sites) == fewest
        fullest = max(covered for sites, covered in outcomes.items() if len(sites) == fewest)
        assert plan.covered == pytest.approx(fullest, rel=1e-9)


@pytest.mark.slow
@given(cases(cover=True, most=True), some.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_the_order_of_rows_and_the_day_make_no_difference(case: Case, random: Any) -> None:
    reach = case.reach
    pairs = reach.pairs()
    order = list(range(len(pairs)))
    random.shuffle(order)
    shuffled = st.Reach.from_pairs(
        pairs.iloc[order], origins=reach.origins, destinations=reach.destinations, limit=reach.limit
    )
    for objective in (st.MaxCoverage(), st.MinSites()):
        one, again, other = (
            st.solve(objective, r, demand=case.demand.sample(frac=1, random_state=1), rules=case.rules)
            for r in (reach, reach, shuffled)
        )
        for plan in (again, other):
            assert (plan.sites, plan.status, plan.reasons) == (one.sites, one.status, one.reasons)
            pd.testing.assert_frame_equal(plan.table, one.table)
            pd.testing.assert_frame_equal(plan.assignment, one.assignment)


@pytest.mark.slow
@given(cases(cover=True, most=True))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_the_order_of_ids_changes_no_number(case: Case) -> None:
    reach = case.reach
    turned = st.Reach.from_pairs(
        reach.pairs(), origins=reach.origins[::-1], destinations=reach.destinations[::-1], limit=reach.limit
    )
    for objective in (st.MaxCoverage(), st.MinSites()):
        one = st.solve(objective, reach, demand=case.demand, rules=case.rules)
        other = st.solve(objective, turned, demand=case.demand, rules=case.rules)
        assert one.status == other.status
        assert (one.objective, one.covered) == pytest.approx((other.objective, other.covered), nan_ok=True)


@pytest.fixture
def reach(reach_of: Callable[..., st.Reach]) -> st.Reach:
    return reach_of({"x": "ab", "y": "bc", "z": "c"}, "abcd")


PEOPLE = pd.Series({"a": 10, "b": 5, "c": 8, "d": 2}, name="people")


def test_nothing_to_gain(reach: st.Reach) -> None:
    rules = [st.Existing(["x", "y"])]
    most = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[*rules, st.AtMost(1)])
    fewest = st.solve(st.MinSites(), reach, demand=PEOPLE, rules=[*rules, st.Cover(0.9)])
    for plan in (most, fewest):
        assert (plan.status, plan.sites, plan.covered, plan.before, plan.gap) == ("optimal", (), 23, 23, 0)
    assert (most.objective, fewest.objective, fewest.bound) == (23, 0, 0)


def test_nothing_to_gain_but_a_site_is_required(reach: st.Reach) -> None:
    rules = [st.Existing(["x", "y"]), st.Required(["z"])]
    for objective in (st.MinSites(), st.MaxCoverage()):
        plan = st.solve(objective, reach, demand=PEOPLE, rules=[*rules, st.Cover(0.9), st.AtMost(1)])
        assert (plan.status, plan.sites, plan.covered) == ("optimal", ("z",), 23)
        assert plan.table.loc["z", ["adds", "within", "lost_without"]].tolist() == [0, 8, 0]


def test_no_pairs_at_all(reach_of: Callable[..., st.Reach]) -> None:
    empty = reach_of({"x": "", "y": ""}, "abcd")
    plan = st.solve(st.MaxCoverage(), empty, demand=PEOPLE, rules=[st.AtMost(2)])
    assert (plan.status, plan.sites, plan.covered, plan.bound) == ("optimal", (), 0, 0)
    assert plan.unreachable == tuple("abcd")
    assert plan.assignment["site"].isna().all()
    plan = st.solve(st.MinSites(), empty, demand=PEOPLE, rules=[st.Cover(0.1)])
    assert (plan.status, plan.unreachable) == ("infeasible", tuple("abcd"))


def test_one_candidate(reach_of: Callable[..., st.Reach]) -> None:
    one = reach_of({"x": "ab"}, "abcd")
    assert st.solve(st.MaxCoverage(), one, demand=PEOPLE, rules=[st.AtMost(1)]).covered == 15
    assert st.solve(st.MinSites(), one, demand=PEOPLE, rules=[st.Cover(0.6)]).sites == ("x",)


def test_of_sites_that_cover_the_same_one_is_opened(reach_of: Callable[..., st.Reach]) -> None:
    twins = reach_of({"x": "ab", "y": "ab", "z": "ab"}, "abcd")
    for objective in (st.MaxCoverage(), st.MinSites()):
        plan = st.solve(objective, twins, demand=PEOPLE, rules=[st.AtMost(3), st.Cover(0.5)])
        assert (len(plan.sites), plan.covered) == (1, 15)


def test_demand_out_of_reach_is_named_with_the_best_share(reach: st.Reach) -> None:
    """Row 28: who cannot be reached, and what can be had at best."""
    plan = st.solve(st.MinSites(), reach, demand=PEOPLE, rules=[st.Cover(1.0)])
    assert (plan.status, plan.unreachable, plan.sites) == ("infeasible", ("d",), ())
    assert (plan.reachable, plan.before) == (23, 0)
    for lang, words, who in (
        ("zh", "要求覆盖 100.0 %，但即使开设全部候选点也只能达到 92.0 %", "d（超过 300 米）"),
        ("en", "reach only 92.0 %", "d (> 300 m)"),
    ):
        said = plan.explain(lang)
        assert words in said
        assert who in said
    assert repr(plan) == "<Plan: infeasible, no sites; see explain()>"


def test_each_group_that_cannot_be_covered_has_its_own_best_share(reach_of: Callable[..., st.Reach]) -> None:
    reach = reach_of({"x": "ac"}, "abcd")
    by = pd.Series({"a": "北", "b": "北", "c": "南", "d": "南"}, name="district")
    plan = st.solve(st.MinSites(), reach, demand=PEOPLE, rules=[st.Cover(0.9, by=by)])
    said = plan.explain("zh")
    assert "“北”要求覆盖 90.0 %，但即使开设全部候选点也只能达到 66.7 %" in said
    assert "“南”要求覆盖 90.0 %，但即使开设全部候选点也只能达到 80.0 %" in said


def test_forbidden_sites_reach_nobody(reach: st.Reach) -> None:
    plan = st.solve(st.MinSites(), reach, demand=PEOPLE, rules=[st.Cover(0.9), st.Forbidden(["x"])])
    assert (plan.status, plan.unreachable, plan.barred) == ("infeasible", ("d",), ("a",))


@pytest.mark.parametrize("objective", [st.MinSites(), st.MaxCoverage()])
def test_a_share_and_a_limit_that_contradict(reach_of: Callable[..., st.Reach], objective: Any) -> None:
    apart = reach_of({"x": "a", "y": "b", "z": "c"}, "abc")
    plan = st.solve(objective, apart, demand=PEOPLE.loc[["a", "b", "c"]], rules=[st.Cover(0.9), st.AtMost(2)])
    assert (plan.status, plan.unreachable) == ("infeasible", ())
    # a, b, c hold 10, 5 and 8 people: 0.9 of 23 are 21 and need all three sites; two reach 18
    assert "AtMost(2), Cover(0.9) cannot be kept together: at least 3 sites are needed" in plan.explain("en")
    assert "with 2 at best 78.3 % can be covered" in plan.explain("en")
    assert "“新增不超过 2 处”、“覆盖率不低于 90 %”不能同时满足：至少需要新开 3 处" in plan.explain("zh")
    assert math.isnan(plan.bound)
    assert math.isnan(plan.gap)


def test_a_group_without_demand_asks_for_nothing(reach: st.Reach) -> None:
    by = pd.Series({"a": 1, "b": 1, "c": 1, "d": 2}, name="g")
    plan = st.solve(st.MinSites(), reach, demand=PEOPLE.replace(2, 0), rules=[st.Cover(1.0, by=by)])
    assert plan.sites in (("x", "y"), ("x", "z"))
    assert plan.unreachable == ()


def test_inputs_are_left_alone(reach: st.Reach) -> None:
    by = pd.Series({"a": 1, "b": 1, "c": 2, "d": 2}, name="g")
    before = reach.pairs(), PEOPLE.copy(), by.copy()
    st.solve(st.MinSites(), reach, demand=PEOPLE, rules=[st.Cover(0.5, by=by), st.AtMost(3)])
    for now, then in zip((reach.pairs(), PEOPLE, by), before, strict=True):
        assert now.equals(then)


@pytest.mark.parametrize("unit", [1e-12, 1e-6, 1.0, 1e6, 1e12])
def test_the_unit_of_demand_changes_no_plan(reach_of: Callable[..., st.Reach], unit: float) -> None:
    apart = reach_of({"x": "a", "y": "b", "z": "c"}, "abc")
    shares = pd.Series({"a": 0.1, "b": 0.25, "c": 0.65}) * unit
    assert st.solve(st.MaxCoverage(), apart, demand=shares, rules=[st.AtMost(2)]).sites == ("z", "y")
    plan = st.solve(st.MinSites(), apart, demand=shares, rules=[st.Cover(0.9)])
    assert (plan.sites, plan.status) == (("z", "y"), "optimal")


@pytest.mark.parametrize("people", [19_000_011, 19_000_009.5])
def test_a_digit_beyond_single_precision_is_proven(reach_of: Callable[..., st.Reach], people: float) -> None:
    """Single precision holds 24 bits, 16,777,216: all who can be served are, and the bound says no more than that."""
    reach = reach_of({"x": "abc", "y": "a", "z": "ac"}, "abc")
    demand = pd.Series({"a": 0, "b": 0, "c": people})
    plan = st.solve(st.MaxCoverage(), reach, demand=demand, rules=[st.AtMost(1)])
    assert (plan.status, plan.objective, plan.bound, plan.gap) == ("optimal", people, people, 0)


def test_a_proof_without_decisions_keeps_every_digit() -> None:
    price = np.array([19_000_011.0])
    assert Proof.at_root(price, np.zeros(1), np.zeros(0)).v.tolist() == [[19_000_011]]


@pytest.mark.parametrize("million", [1, 10])
def test_one_person_of_millions_decides(reach_of: Callable[..., st.Reach], million: int) -> None:
    ids = [f"o{k}" for k in range(20)]
    reach = reach_of({f"s{k}": [ids[k]] for k in range(20)}, ids)
    people = pd.Series([million * 1_000_000 + k % 5 for k in range(20)], index=ids)
    need = int(people.sort_values().tail(10).sum()) + 1  # what no ten sites cover
    plan = st.solve(st.MinSites(), reach, demand=people, rules=[st.Cover((need - 0.5) / people.sum())])
    assert (plan.status, plan.objective) == ("optimal", 11)
    rules = [st.Cover((need - 0.5) / people.sum()), st.AtMost(10)]
    assert st.solve(st.MaxCoverage(), reach, demand=people, rules=rules).status == "infeasible"


def test_a_share_of_fractions_that_only_all_sites_meet() -> None:
    # The sum that is needed is the sum that can be had, up to the last bits: once the solver's own rounding cut it off.
    random = np.random.default_rng(17)
    n, m = 400, 60
    cover = random.random((n, m)) < 0.04
    people = np.where(random.random(n) < 0.5, 1.0, random.integers(10**4, 10**6, n)) + random.random(n)
    origin, site = np.nonzero(cover)
    table = pd.DataFrame({"origin": origin, "destination": site, "cost": 1.0})
    reach = st.Reach.from_pairs(table, origins=range(n), destinations=range(m), limit=300)
    best = people[cover.any(axis=1)].sum() / people.sum()
    plan = st.solve(st.MinSites(), reach, demand=pd.Series(people), rules=[st.Cover(best * (1 - 1e-12))])
    assert plan.status == "optimal"
    assert plan.share == pytest.approx(best, abs=1e-8)


@pytest.fixture(scope="module")
def hard() -> tuple[st.Reach, pd.Series]:
    """A town too large to be solved in a moment: 4000 homes, 600 candidates."""
    random = np.random.default_rng(1)
    homes, sites = random.random((4000, 2)) * 5000, random.random((600, 2)) * 5000
    far = np.hypot(*(homes[:, None] - sites[None]).transpose(2, 0, 1))
    origin, site = np.nonzero(far <= 350)
    table = pd.DataFrame({"origin": origin, "destination": site, "cost": far[origin, site]})
    reach = st.Reach.from_pairs(table, origins=range(4000), destinations=range(600), limit=350)
    return reach, pd.Series(random.integers(1, 500, 4000))


@pytest.mark.slow
@pytest.mark.parametrize("fraction", [0.0, 0.5])
def test_when_time_runs_out_the_plan_comes_with_an_honest_bound(
    hard: tuple[st.Reach, pd.Series], fraction: float
) -> None:
    """Finding 7: no incumbent passes for an optimum."""
    reach, people = hard
    most = st.solve(st.MaxCoverage(), reach, demand=people + fraction, rules=[st.AtMost(40)], time_limit=1e-6)
    assert most.status == "time_limit"
    assert most.objective < most.bound < most.reachable
    assert most.gap == pytest.approx(1 - most.objective / most.bound)
    assert len(most.sites) <= 40
    fewest = st.solve(st.MinSites(), reach, demand=people + fraction, rules=[st.Cover(0.9)], time_limit=1e-6)
    assert fewest.status == "time_limit"
    assert 0 < fewest.bound < fewest.objective == len(fewest.sites)
    assert fewest.share >= 0.9
    for plan in (most, fewest):
        assert "达到时限" in plan.explain("zh")
        assert "time limit was reached" in plan.explain("en")


def test_time_runs_out_before_any_plan(hard: tuple[st.Reach, pd.Series]) -> None:
    reach, people = hard
    plan = st.solve(st.MinSites(), reach, demand=people, rules=[st.Cover(0.9), st.AtMost(60)], time_limit=1e-6)
    assert (plan.status, plan.sites, plan.reasons) == ("time_limit", (), (("plan.none_found", {}),))
    assert "No plan was found" in plan.explain("en")
    assert "没有找到可行方案" in plan.explain("zh")


@pytest.mark.slow
def test_of_one_site_the_best_is_counted(hard: tuple[st.Reach, pd.Series]) -> None:
    reach, people = hard
    plan = st.solve(st.MaxCoverage(), reach, demand=people, rules=[st.AtMost(1)])
    gains = [int(people[g["origin"]].sum()) for _, g in reach.pairs().groupby("destination")]
    assert plan.objective == plan.bound == max(gains)
    assert plan.verify().proven


def claimed(x: list[int], value: float, bound: float) -> Callable[..., Solution]:
    return lambda *_: Solution(np.array(x, bool), value, bound, "feasible", "an engine that claims")


def test_an_engine_without_a_proof_is_not_believed(reach: st.Reach, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_engine", claimed([0, 0, 1], 8.0, 15.0))  # opens z, the worst
    plan = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(1)])
    assert (plan.sites, plan.objective, plan.bound, plan.status) == (("z",), 8, 15, "feasible")
    assert "尚未证明最优" in plan.explain("zh")
    assert "not proven optimal" in plan.explain("en")
    told = plan.verify()
    assert told.ok
    assert not told.proven
    assert math.isnan(told.bound)


def test_sites_that_an_engine_opens_for_nothing_are_left_out(
    reach_of: Callable[..., st.Reach], monkeypatch: pytest.MonkeyPatch
) -> None:
    nested = reach_of({"y": "ab", "x": "abc", "z": "c", "must": "d"}, "abcd")
    monkeypatch.setattr(engines, "_engine", claimed([1, 1, 1, 1], 25.0, 25.0))
    plan = st.solve(st.MaxCoverage(), nested, demand=PEOPLE, rules=[st.AtMost(4), st.Required(["must"])])
    assert (plan.sites, plan.status) == (("x", "must"), "optimal")


@pytest.mark.parametrize(("x", "value"), [([1, 1, 0], 15.0), ([0, 0, 1], 9.0)])
def test_an_engine_that_breaks_the_rules_or_boasts_is_an_error(
    reach: st.Reach, monkeypatch: pytest.MonkeyPatch, x: list[int], value: float
) -> None:
    monkeypatch.setattr(engines, "_engine", claimed(x, value, 15.0))
    with pytest.raises(RuntimeError, match="does not keep the rules"):
        st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(1)])


def test_seconds_are_measured(reach: st.Reach) -> None:
    plan = st.solve(st.MaxCoverage(), reach, demand=PEOPLE, rules=[st.AtMost(1)])
    assert 0 < plan.seconds < 10


def test_the_rules_in_conflict_are_named_and_no_others(reach_of: Callable[..., st.Reach]) -> None:
    """Row 29: the fewest rules that cannot be kept together, and what would be enough."""
    apart = reach_of({"x": "a", "y": "b", "z": "c"}, "abc")
    people = pd.Series({"a": 10, "b": 5, "c": 8})
    by = pd.Series({"a": "north", "b": "south", "c": "south"}, name="district")
    # half of the south is one site, all of the north is another: only the share of everybody is too much for two
    rules = [st.AtMost(2), st.Cover(0.5, by=by), st.Cover(1.0)]
    said = st.solve(st.MinSites(), apart, demand=people, rules=rules).explain("en")
    assert "AtMost(2), Cover(1) cannot be kept together: at least 3 sites" in said
    # one site reaches 10 of 23, which is enough for 0.4, but the required one reaches 5
    rules = [st.AtMost(1), st.Cover(0.4), st.Required(["y"])]
    said = st.solve(st.MaxCoverage(), apart, demand=people, rules=rules).explain("en")
    assert "AtMost(1), Cover(0.4), Required(1 site: y) cannot be kept together: at least 2 sites" in said
    assert "with 1 at best 21.7 % can be covered" in said


@pytest.mark.parametrize("rules", [[], [st.Cover(1.0)], [st.Cover(0.9)], [st.Cover(1.0, limit=900)]])
def test_a_share_that_everybody_keeps_anyway_is_none(rules: list[Any]) -> None:
    """`MinTravel` serves all: a share of all beside it leaves the engine that is made for it."""
    rng = np.random.default_rng(1)
    homes, sites = rng.uniform(0, 600, (30, 2)), rng.uniform(0, 600, (9, 2))
    way = np.hypot(*(homes[:, None] - sites[None]).transpose(2, 0, 1))
    table = pd.DataFrame(
        [(f"h{i}", f"s{j}", way[i, j]) for i in range(30) for j in range(9)], columns=["origin", "destination", "cost"]
    )
    reach = st.Reach.from_pairs(
        table, origins=[f"h{i}" for i in range(30)], destinations=[f"s{j}" for j in range(9)], limit=900
    )
    people = pd.Series(rng.integers(1, 30, 30), [f"h{i}" for i in range(30)])
    plan = st.solve(st.MinTravel(), reach, demand=people, rules=[st.AtMost(3), *rules])
    best = min(
        float(people.to_numpy() @ way[:, list(three)].min(axis=1)) for three in itertools.combinations(range(9), 3)
    )
    assert plan.objective == pytest.approx(best)
    assert (plan.status, plan.engine) == ("optimal", "Lagrangian median")


def test_the_general_engine_has_a_plan_when_time_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing open keeps no share, and all open are too many: what serves the most is opened first."""
    from siting.optimize import milp as general

    monkeypatch.setattr(general.highs, "run", lambda *a, **k: general.highs.Outcome("time_limit", None, -math.inf))
    table = pd.DataFrame(
        {"origin": list("aabbccd"), "destination": list("xyxzyzx"), "cost": [10.0, 20, 30, 40, 50, 60, 70]}
    )
    reach = st.Reach.from_pairs(table, origins=list("abcd"), destinations=list("xyz"), limit=300)
    people = pd.Series({"a": 4, "b": 3, "c": 2, "d": 1})
    rules = [st.AtMost(2), st.Cover(1.0), st.Budget(100, pd.Series({"x": 1, "y": 1, "z": 1}))]
    plan = st.solve(st.MinTravel(), reach, demand=people, rules=rules, time_limit=60)
    assert plan.engine == "HiGHS"
    assert not math.isnan(plan.objective)
    assert plan.share == 1
    assert plan.bound <= plan.objective
