"""`solve` against brute force: thousands of small problems, every objective with every rule that makes sense."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as some
from scipy.optimize import linprog

import siting as st
from siting.propose.infeasible import conflicts
from siting.propose.problem import (
    AtLeast,
    AtMost,
    Backup,
    Budget,
    Capacity,
    Cover,
    Existing,
    Forbidden,
    MaxCoverage,
    MaxMarketShare,
    MaxSpacing,
    MayClose,
    MinCost,
    MinFarthest,
    MinSites,
    MinTravel,
    NobodyBeyond,
    OnePer,
    Phases,
    Required,
    Spacing,
    Supply,
    TargetMarketShare,
    Together,
)

# Test modules cannot import each other; see the import mode of pytest.
_SPEC = importlib.util.spec_from_file_location("oracle", Path(__file__).with_name("oracle.py"))
oracle = importlib.util.module_from_spec(_SPEC)  # type: ignore[arg-type]
sys.modules["oracle"] = oracle
_SPEC.loader.exec_module(oracle)  # type: ignore[union-attr]
Case, Oracle, State = oracle.Case, oracle.Oracle, oracle.State

LIMIT = 300.0
SHARES = [0.1, 0.25, 1 / 3, 0.5, 0.5, 0.6, 0.75, 0.9, 1.0]
OBJECTIVES = [
    "coverage", "decay", "sites", "cost", "cost and travel", "travel", "travel beyond", "farthest", "spacing", "market",
    "market target",
]  # fmt: skip
#: Kinds in which people choose among sites: one service, one year, no sizes.
MARKET = ("market", "market target")
#: The same with places, where communities are not split, or everybody goes to the nearest site.
HOW = {
    f"{kind}, {name}": (kind, how)
    for name, how, kinds in (
        ("unsplit", {"split": False}, ["coverage", "sites", "cost", "cost and travel", "travel", "travel beyond"]),
        ("nearest", {"nearest": True}, ["coverage", "sites", "cost and travel", "travel", "travel beyond"]),
        ("both", {"split": False, "nearest": True}, ["coverage", "travel", "travel beyond"]),
    )
    for kind in kinds
}
MOST = 2_500  # choices of a case


def reach_of(pairs: Any, costs: Any, origins: Any, destinations: Any) -> st.Reach:
    """A reach within 300 m of pairs of ids."""
    ends = np.array(pairs, object).reshape(len(pairs), 2)
    table = pd.DataFrame({"origin": ends[:, 0], "destination": ends[:, 1], "cost": np.asarray(costs, float)})
    return st.Reach.from_pairs(table, origins=origins, destinations=destinations, limit=LIMIT)


class Draw:
    """One random problem from a seed; what is drawn first decides how large the rest may be."""

    def __init__(self, kind: str, seed: int) -> None:
        number = OBJECTIVES.index(kind) if kind in OBJECTIVES else 100 + list(HOW).index(kind)
        self.rng = np.random.default_rng([number, seed])
        kind, self.how = HOW.get(kind, (kind, {}))
        self.kind = kind
        self.everybody = kind in ("cost and travel", "travel", "farthest")  # must be served
        plain = kind in MARKET
        two = self.chance(0.3) and not plain
        self.services: list[Any] = ["elder", "child"] if two else [None]
        self.years = [2025, 2030, 2035][: self.rng.integers(2, 4)] if self.chance(0.25) and not plain else None
        self.sized = self.chance(0.3) and not plain
        places = 3 if two or (self.years and self.sized) else 4 if self.years or self.sized else 6
        self.homes = [f"h{i}" for i in range(self.rng.integers(2, 6))]
        self.sites = [f"s{j}" for j in range(self.rng.integers(2, places + 1))]
        self.fraction = self.chance(0.2)

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def pick(self, values: Any) -> Any:
        return values[self.rng.integers(len(values))]

    def some(self, values: Any, p: float) -> list[Any]:
        return [v for v in values if self.chance(p)]

    def numbers(self, ids: Any, low: int, high: int) -> pd.Series:
        """Whole numbers, or fractions that are multiples of an eighth."""
        values = self.rng.integers(low, high + 1, len(ids)).astype(float)
        if self.fraction:
            values = values + self.rng.integers(0, 8, len(ids)) / 8
        return pd.Series(values, index=ids)

    def groups(self, ids: Any) -> pd.Series:
        return pd.Series([self.pick(["north", "south"]) for _ in ids], index=ids, name="district")

    def service(self) -> Any:
        return self.pick([None, *self.services])

    # -- the tables --------------------------------------------------------------------------------------------------

    def reach(self) -> Any:
        found = {}
        for service in self.services:
            sites = self.sites if len(self.services) == 1 else (self.some(self.sites, 0.85) or self.sites[:1])
            dense = self.pick([0.7, 0.9, 1.0] if self.everybody else [0.45, 0.6, 0.8])
            pairs = [(h, s) for h in self.homes for s in self.some(sites, dense)]
            found[service] = reach_of(pairs, 25.0 * self.rng.integers(0, 13, len(pairs)), self.homes, sites)
        self.sites = [j for j in self.sites if any(j in one.destinations for one in found.values())]
        return found if len(self.services) > 1 else found[None]

    def demand(self) -> Any:
        def one() -> Any:
            def series() -> pd.Series:
                values = self.numbers(self.homes, 0, self.pick([3, 20]))
                values.iloc[self.rng.integers(len(values))] += 1  # never nobody
                return values

            if self.years and self.chance(0.7):
                return pd.DataFrame({year: series() for year in self.years})
            return series()

        return {service: one() for service in self.services} if len(self.services) > 1 else one()

    def options(self, reach: Any) -> pd.DataFrame | None:
        if not self.sized:
            return None
        one = len(self.services) == 1
        which = [
            (service, site)
            for service in self.services
            for site in (reach if one else reach[service]).destinations
            for _ in range(self.pick([1, 1, 2]) if one else 1)
        ]
        frame = pd.DataFrame({"site": [site for _, site in which]}, index=[f"o{k}" for k in range(len(which))])
        frame["cost"] = self.rng.integers(0, 9, len(which)).astype(float)
        frame["places"] = self.rng.integers(1, 25, len(which)).astype(float)
        if not one:
            frame["service"] = [service for service, _ in which]
        if self.years and self.chance(0.4):
            frame["year"] = [self.pick([2025, *self.years]) for _ in which]
        return frame

    # -- the rules ---------------------------------------------------------------------------------------------------

    def rule(self, name: str) -> Any:
        cost = None if self.sized else self.cost
        by = self.groups(self.sites)
        if name in ("AtMost", "AtLeast"):
            kind = AtMost if name == "AtMost" else AtLeast
            n = self.pick([1, 2, 2, 3]) if name == "AtMost" else self.pick([1, 1, 2])
            return kind(n, by=self.pick([None, None, by]), service=self.service())
        if name == "Budget":
            return Budget(float(self.rng.integers(3, 25)), cost=cost)
        if name == "Cover":
            homes = self.pick([None, self.groups(self.homes)])
            year = self.pick([None, *self.years]) if self.years else None
            limit = self.pick([None, None, 150.0, 200.0]) if not self.capacities else None
            return Cover(self.pick(SHARES), by=homes, limit=limit, service=self.service(), year=year)
        if name == "NobodyBeyond":
            return NobodyBeyond(self.pick([150.0, 200.0, 250.0, 300.0]), service=self.service())
        if name == "Supply":
            # An existing site has no option whose places would be known.
            places = None if self.capacities else self.numbers(self.existing if self.sized else self.sites, 0, 20)
            if self.chance(0.5):
                total = self.pick([float(self.rng.integers(0, 40)), self.numbers(["north", "south"], 0, 20)])
                grouped = by if isinstance(total, pd.Series) else None
                return Supply(total, places=places, by=grouped, service=self.service())
            people = self.pick([float(self.rng.integers(1, 40)), self.numbers(["north", "south"], 0, 20)])
            grouped = by if isinstance(people, pd.Series) else None
            return Supply(per_1000=float(self.rng.integers(1, 1500)), people=people, places=places, by=grouped,
                          service=self.service())  # fmt: skip
        if name == "OnePer":
            return OnePer(by, among=self.pick([None, None, None, ["north", "south"]]), service=self.service())
        if name == "Required":
            return Required(self.some(self.sites, 0.3), service=self.service())
        if name == "Forbidden":
            free = [j for j in self.sites if j not in self.existing or self.chance(0.05)]
            return Forbidden(self.some(free, 0.25), service=self.service())
        if name == "Backup":
            return Backup(2)
        if name == "TargetMarketShare":
            return TargetMarketShare(self.pick(SHARES[:-1]), **self.choice())
        if name == "Spacing":
            pairs = [(a, b) for a in self.sites for b in self.sites if a < b and self.chance(0.25)]
            return Spacing(pairs)
        raise KeyError(name)

    def between(self) -> Any:
        pairs = [(a, b) for k, a in enumerate(self.sites) for b in self.some(self.sites[k + 1 :], 0.8)]
        ways = 25.0 * self.rng.integers(1, 12, len(pairs))
        return reach_of([*pairs, *((b, a) for a, b in pairs)], np.r_[ways, ways], self.sites, self.sites)

    def choice(self) -> dict[str, Any]:
        """How people choose: against some competitors, or none."""
        free = [j for j in self.sites if j not in self.existing]
        return {
            "attractiveness": self.pick([None, self.numbers(self.sites, 1, 5)]), "decay": oracle.huff_decay,
            "competitors": self.some(free, 0.2), "alpha": self.pick([1.0, 1.0, 2.0]),
            "no_choice": self.pick([0.0, 0.0, 0.5]),
        }  # fmt: skip

    def objective(self) -> Any:
        cost = None if self.sized else self.cost
        weights = {"elder": 2.0, "child": 0.5} if len(self.services) > 1 and self.chance(0.4) else None
        return {
            "coverage": lambda: MaxCoverage(weights=weights),
            "decay": lambda: MaxCoverage(decay=oracle.fade, weights=weights),
            "sites": MinSites,
            "cost": lambda: MinCost(cost=cost),
            "cost and travel": lambda: MinCost(cost=cost, travel=self.pick([0.25, 0.01])),
            "travel": MinTravel,
            "travel beyond": lambda: MinTravel(beyond=self.pick([300.0, 350.0, 1000.0])),
            "farthest": MinFarthest,
            "spacing": lambda: MaxSpacing(self.between()),
            "market": lambda: MaxMarketShare(**self.choice()),
            "market target": MinSites,
        }[self.kind]()

    def case(self) -> Any:
        none = ("decay", "farthest", "spacing", *MARKET)
        self.capacities = self.kind not in none and (bool(self.how) or self.chance(0.25))
        reach, demand = self.reach(), self.demand()
        self.cost = self.numbers(self.sites, 0, 8)
        rules: list[Any] = []
        existing = self.existing = self.some(self.sites, 0.25) if self.chance(0.5) else []
        if existing:
            rules.append(Existing(existing, service=self.service()))
            if self.chance(0.35):
                saving = self.pick([None, 2.0, self.numbers(self.sites, 0, 5)])
                named = self.pick([None, existing]) if rules[0].service is None else None
                rules.append(MayClose(named, at_most=self.pick([None, 0, 1]), saving=saving))
        if self.capacities:
            least = self.pick([None, None, None, 3.0, self.numbers(self.sites, 0, 6)])
            rules.append(Capacity(self.numbers(self.sites, 0, 25), least=least, **self.how))
        if self.years:
            given = self.pick(["at_most", "budget", "cover", "none"])
            each: dict[str, Any] = {
                "at_most": {"at_most": self.pick([1, [1, *[2] * (len(self.years) - 1)]])},
                "budget": {"budget": [float(self.rng.integers(0, 12)) for _ in self.years],
                           "cost": None if self.sized else self.cost},
                "cover": {"cover": [self.pick([None, 0.2, 0.5]) for _ in self.years]},
                "none": {},
            }[given]  # fmt: skip
            weights = [float(self.pick([1, 2, 0.5])) for _ in self.years] if self.chance(0.3) else None
            rules.append(Phases(tuple(self.years), weights=weights, **each))
        if len(self.services) > 1 and self.chance(0.5):
            saving = self.pick([None, 1.0, self.numbers(self.sites, 0, 4)])
            bonus = self.pick([None, 3.0]) if self.kind in ("coverage", "decay") else None
            must = (saving is None and bonus is None) or self.chance(0.3)
            rules.append(Together(saving=saving, bonus=bonus, must=must))
        pool = ["AtMost", "AtLeast", "Budget", "Cover", "NobodyBeyond", "Supply", "OnePer", "Required", "Forbidden",
                "Spacing"]  # fmt: skip
        if self.kind in ("coverage", "sites", "cost") and not self.capacities:
            pool.append("Backup")
        pool = [name for name in pool if self.kind not in MARKET or name not in ("Cover", "NobodyBeyond")]
        wanted = list(self.rng.choice(pool, self.rng.integers(0, 4), replace=False))
        first = {"sites": "Cover", "cost": "Cover", "spacing": "AtLeast", "cost and travel": None,
                 "market target": "TargetMarketShare"}  # fmt: skip
        needed = first.get(self.kind, "AtMost" if self.chance(0.7) else "Budget")
        wanted += [needed] if needed and needed not in wanted and self.chance(0.97) else []
        rules += [self.rule(name) for name in wanted]
        order = self.rng.permutation(len(rules))
        return Case(self.objective(), reach, demand, tuple(rules[k] for k in order), self.options(reach))


def draw(kind: str, seed: int) -> tuple[Any, Any]:
    """A case that is small enough to try every choice, and its oracle."""
    for again in range(100):
        asked = Oracle(Draw(kind, 1000 * seed + again).case())
        if asked.count <= MOST:
            return asked.case, asked
    raise AssertionError("no small case")


#: What the refusal of a saving above the costs says; tests/test_propose_refusals.py has it by hand.
SAVED = "Together: saving is more than both services cost"


def refused(asked: Any) -> bool:
    """Whether a problem is badly put, though some choice keeps all rules: `ProblemError` is right then."""
    case, kinds = asked.case, {type(rule).__name__ for rule in asked.case.rules}
    new = sum(any(state.new for state in states) for states in asked.states)
    for rule in case.rules:
        if isinstance(rule, AtMost) and rule.by is None and rule.service is None and rule.n > new:
            return True
        if isinstance(rule, MayClose) and rule.ids is not None:
            for s in asked.services:
                if rule.service in (None, s) and set(rule.ids) & set(asked.sites[s]) - asked.named("Existing", s):
                    return True
    for rule in case.rules:
        if isinstance(rule, Required) and rule.service is not None and set(rule.ids) - set(asked.sites[rule.service]):
            return True
    for s in asked.services:
        taken = set() if asked.choice is None else set(asked.choice.competitors)
        if taken & (asked.named("Required", s) | asked.named("Existing", s)):
            return True
        if asked.named("Forbidden", s) & (asked.named("Required", s) | asked.named("Existing", s)):
            return True
    if all(len(states) == 1 for states in asked.states):
        return True  # nothing may open
    asks = {"Cover", "NobodyBeyond", "AtLeast", "OnePer", "Supply", "Required", "TargetMarketShare"} & kinds
    asks |= {"Phases"} if asked.phases and asked.phases.cover else set()
    if isinstance(case.objective, MinSites) or (isinstance(case.objective, MinCost) and not case.objective.travel):
        return not asks
    if isinstance(case.objective, MaxSpacing):
        return "AtLeast" not in kinds
    if isinstance(case.objective, MinCost):
        return False
    counted = {rule.service for rule in case.rules if isinstance(rule, AtMost)}
    limited = "Budget" in kinds or (asked.phases and (asked.phases.at_most or asked.phases.budget))
    return not (limited or None in counted or set(asked.services) <= counted)


def decided(asked: Any, plan: Any) -> np.ndarray:
    """Positions of the choices that a plan may mean: it tells what opens, and which sites close."""
    rows: dict[Any, dict[str, Any]] = {}
    for row in plan.table.reset_index().to_dict("records"):
        unit = (row.get("service", asked.services[0]), row["site"])
        assert unit not in rows, f"{unit} opens twice"
        rows[unit] = row
    good = np.ones(asked.count, bool)
    for u, (unit, states) in enumerate(zip(asked.units, asked.states, strict=True)):
        row = rows.pop(unit, None)
        fits = [
            x.new == (row is not None)
            and (row is None or row.get("year", x.year) == x.year)
            and (row is None or row.get("option", x.option) == x.option)
            and (not x.closed or unit[1] in plan.closed)
            for x in states
        ]
        good &= np.array(fits, bool)[asked.index[u]]
    for j in plan.closed:
        good &= asked.closed[[u for u, (_, site) in enumerate(asked.units) if site == j]].any(axis=0)
    assert not rows, f"{list(rows)} opens and may not"
    return np.flatnonzero(good)


def near(a: float, b: float) -> bool:
    return a == b or (np.isfinite(a - b) and abs(a - b) <= 1e-9 * max(1.0, abs(a), abs(b)))


def faults(asked: Any, **named: Any) -> list[str]:
    """What is wrong with what `solve` says of a case."""
    case, best, found = asked.case, asked.best, []
    try:
        plan = case.solve(**named)
    except st.errors.ProblemError as error:
        return (
            [] if best is None or refused(asked) or SAVED in str(error) else [f"refused: {error}; the best is {best}"]
        )
    except Exception as error:  # named with its case, as any other fault
        return [repr(error)]
    if plan.status == "infeasible":
        if best is not None:
            row = asked.row(int(np.flatnonzero(asked.keeps & (asked.value == best))[0]))
            found.append(f"infeasible; but {row} is worth {best}")
        if plan.sites or not np.isnan(plan.objective):
            found.append(f"infeasible, with sites {plan.sites} worth {plan.objective}")
        return found
    if best is None:
        rows = decided(asked, plan)
        broken = [asked.why(int(r)) for r in rows[:3]]
        return [f"{plan.status} {plan.objective} with {plan.sites}, closed {plan.closed}; but none keeps all: {broken}"]
    if plan.status != "optimal" and not named:
        found.append(f"status {plan.status}")
    if not near(plan.objective, best) and plan.status == "optimal":
        row = asked.row(int(np.flatnonzero(asked.keeps & (asked.value == best))[0]))
        found.append(f"optimal {plan.objective} with {plan.sites}; but {row} is worth {best}")
    if asked.sense * (plan.bound - best) < -1e-9 * max(1.0, abs(best)):
        found.append(f"bound {plan.bound}, but {best} can be had")
    rows = decided(asked, plan)
    right = [r for r in rows if asked.keeps[r] and near(asked.value[r], plan.objective)]
    if not right:
        told = [(asked.row(int(r)), float(asked.value[r]), asked.why(int(r))) for r in rows[:3]]
        found.append(f"the plan says {plan.objective} with {plan.sites}, closed {plan.closed}; that is {told}")
    elif not any(near(plan.covered, most) or (asked.capacity is not None and plan.covered < most)
                 for most in (asked.covered[r] for r in right)):  # fmt: skip
        found.append(f"covered {plan.covered}; but {[asked.covered[r] for r in right]}")
    checked = plan.verify()
    if not checked.ok:
        found.append(f"verify: {checked.findings}")
    return found


def shuffled(case: Any, rng: np.random.Generator) -> Any:
    """The same problem with the rows of its tables and its rules in another order."""

    def rows(frame: Any) -> Any:
        return frame.iloc[rng.permutation(len(frame))]

    def mixed(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: mixed(one) for key, one in value.items()}
        if isinstance(value, st.Reach):
            return st.Reach.from_pairs(
                rows(value.pairs()), origins=rng.permutation(value.origins), limit=value.limit,
                destinations=rng.permutation(value.destinations),
            )  # fmt: skip
        return rows(value)

    rules = tuple(case.rules[k] for k in rng.permutation(len(case.rules)))
    options = None if case.options is None else rows(case.options)
    return Case(case.objective, mixed(case.reach), mixed(case.demand), rules, options)


def differences(case: Any, other: Any) -> list[str]:
    """In what the plans of two cases differ that should be the same."""
    try:
        one = case.solve()
    except st.errors.ProblemError:
        with pytest.raises(st.errors.ProblemError):
            other.solve()
        return []
    two = other.solve()
    keys = ("status", "sites", "closed", "objective", "bound", "covered")
    return [f"{key}: {getattr(one, key)!r} and {getattr(two, key)!r}" for key in keys
            if not _same(getattr(one, key), getattr(two, key))]  # fmt: skip


def _same(a: Any, b: Any) -> bool:
    return (np.isnan(a) and np.isnan(b)) or near(a, b) if isinstance(a, float) else a == b


#: With all tries of the tests of reliability half as many again.
BLOCKS, CASES = 5, 45 if os.environ.get("SITING_TRIES") else 30


@pytest.mark.slow
@pytest.mark.parametrize("block", range(BLOCKS))
@pytest.mark.parametrize("kind", OBJECTIVES)
def test_no_choice_is_better_missing_or_wrongly_allowed(kind, block, monkeypatch):
    # Why there is no plan has tests of its own, and takes longer than finding that there is none.
    monkeypatch.setattr(conflicts, "reasons", lambda *_: ())
    wrong = []
    for seed in range(CASES * block, CASES * (block + 1)):
        case, asked = draw(kind, seed)
        found = faults(asked)
        if found:
            wrong.append(f"draw({kind!r}, {seed}): {'; '.join(found)}\n{case}")
    assert not wrong, f"{len(wrong)} of {CASES}:\n\n" + "\n\n".join(wrong[:3])


FEWER = 9


@pytest.mark.slow
@pytest.mark.parametrize("kind", HOW)
def test_whole_communities_and_nearest_sites_are_as_enumerated(kind, monkeypatch):
    monkeypatch.setattr(conflicts, "reasons", lambda *_: ())
    wrong = []
    for seed in range(FEWER):
        case, asked = draw(kind, seed)
        found = faults(asked)
        if found:
            wrong.append(f"draw({kind!r}, {seed}): {'; '.join(found)}\n{case}")
    assert not wrong, f"{len(wrong)} of {FEWER}:\n\n" + "\n\n".join(wrong[:3])


@pytest.mark.slow
@pytest.mark.parametrize("kind", OBJECTIVES)
def test_plans_do_not_depend_on_the_order_of_rows_and_rules(kind):
    rng = np.random.default_rng(7)
    for seed in range(10_000, 10_012):
        case, _ = draw(kind, seed)
        found = differences(case, shuffled(case, rng))
        assert not found, f"draw({kind!r}, {seed}): {found}\n{case}"


@pytest.mark.slow
@pytest.mark.parametrize("kind", OBJECTIVES)
def test_a_wide_gap_never_crosses_the_best(kind):
    for seed in range(20_000, 20_010):
        case, asked = draw(kind, seed)
        found = faults(asked, gap=0.4)
        assert not found, f"draw({kind!r}, {seed}): {found}\n{case}"


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(kind=some.sampled_from(OBJECTIVES), seed=some.integers(30_000, 10**9), one=some.integers(0, 20))
def test_leaving_out_a_rule_is_never_worse(kind, seed, one):
    case, asked = draw(kind, seed)
    drop = (AtMost, AtLeast, Budget, Cover, NobodyBeyond, OnePer, Required, Forbidden, Spacing)
    loose = [k for k, rule in enumerate(case.rules) if isinstance(rule, drop)]
    assume(loose)
    kept = tuple(rule for k, rule in enumerate(case.rules) if k != loose[one % len(loose)])
    try:
        with_it, without = case.solve(), Case(case.objective, case.reach, case.demand, kept, case.options).solve()
    except st.errors.ProblemError:
        assume(False)
    if with_it.status == "infeasible" or near(with_it.objective, without.objective):
        return
    assert asked.sense * with_it.objective < asked.sense * without.objective, str(case)


# -- the oracle itself: values by hand, and other ways to the same number ----------------------------------------------


def table(rows: dict[str, dict[str, float]], sites: str) -> st.Reach:
    """A reach as {"home": {"site": way}}."""
    pairs = [(home, site) for home, ways in rows.items() for site in ways]
    return reach_of(pairs, [way for ways in rows.values() for way in ways.values()], list(rows), list(sites))


#: a and b reach x, b and c reach y, c reaches z.
LINE = table({"a": {"x": 100}, "b": {"x": 200, "y": 100}, "c": {"y": 50, "z": 150}}, "xyz")
PEOPLE = pd.Series({"a": 10.0, "b": 5.0, "c": 8.0})
COST = pd.Series({"x": 4.0, "y": 3.0, "z": 1.0})
ROOM = pd.Series({"x": 6.0, "y": 9.0, "z": 3.0})
WIDE = pd.Series({"x": 15.0, "y": 8.0, "z": 9.0})


@pytest.mark.parametrize(
    ("objective", "rules", "best"),
    [
        (MaxCoverage(), [AtMost(1)], 15),  # x: a and b
        (MaxCoverage(), [AtMost(1), Existing(["x"])], 23),  # y or z: c, too
        (MaxCoverage(), [AtMost(3), Backup(2)], 13),  # b by x and y, c by y and z
        (MaxCoverage(), [AtMost(2), Spacing([("x", "y")])], 23),  # x and z
        (MaxCoverage(), [AtMost(2), Forbidden(["x"])], 13),
        (MaxCoverage(), [Budget(4.0, cost=COST)], 15),  # x, or y and z: 13
        (MaxCoverage(), [AtMost(1), Capacity(ROOM)], 9),  # y: 9 of 13
        (MaxCoverage(), [AtMost(2), Capacity(ROOM)], 15),  # x 6 and y 9
        (MaxCoverage(), [AtMost(3), Capacity(ROOM)], 18),  # all 18 places
        (MaxCoverage(), [AtMost(1), Capacity(ROOM, split=False)], 8),  # y: c; a is too large for x
        (MaxCoverage(), [AtMost(2), Capacity(ROOM, split=False)], 13),  # b to x, c to y
        (MaxCoverage(), [AtMost(2), Capacity(ROOM, nearest=True)], 15),  # 6 of a at x, 9 of b and c at y
        (MaxCoverage(), [AtMost(1), Capacity(ROOM, nearest=True)], 9),
        (MaxCoverage(), [AtMost(2), Capacity(ROOM, split=False, nearest=True)], 8),  # b or c at y
        (MinTravel(), [AtMost(3), Capacity(ROOM + 4, split=False)], 1000 + 500 + 400),  # a to x, b and c to y
        (MinTravel(), [AtMost(3), Capacity(ROOM + 3.9, split=False)], None),  # a fits nowhere
        (MinTravel(), [AtMost(3), Capacity(WIDE, nearest=True)], 1000 + 1000 + 1200),  # x and z
        (MinTravel(), [AtMost(3), Capacity(WIDE - 1, nearest=True)], None),
        (MaxCoverage(), [AtMost(3), Capacity(10 * ROOM, least=8.5)], 23),  # z is too small for its least
        (MaxCoverage(), [AtMost(3), AtLeast(3), Capacity(10 * ROOM, least=8.5)], None),
        (MaxCoverage(), [AtMost(2), Supply(10.0, places=ROOM), Forbidden(["y"])], None),  # 6 + 3 places
        (MaxCoverage(decay=oracle.fade), [AtMost(1)], 5 * 0.75 + 8 * 0.875),  # y; x: 10 * 0.75 + 5 * 0.5
        (MinSites(), [Cover(0.9)], 2),  # 21 of 23: all
        (MinSites(), [Cover(0.5)], 1),  # 12 of 23: 15 or 13
        (MinSites(), [Cover(0.6)], 1),  # 14 of 23: x
        (MinSites(), [Cover(0.6), Forbidden(["x"])], None),
        (MinSites(), [Cover(1.0, limit=100.0)], 2),  # a by x, b and c by y
        (MinSites(), [Cover(0.5, by=pd.Series({"a": "n", "b": "s", "c": "s"}))], 2),
        (MinSites(), [OnePer(pd.Series({"x": "n", "y": "s", "z": "s"})), Existing(["x"])], 1),
        (MinSites(), [AtLeast(2), Cover(0.1)], 2),
        (MinCost(cost=COST), [Cover(1.0)], 5),  # x and z
        (MinCost(cost=COST, travel=0.01), [], 7 + 0.01 * (1000 + 500 + 400)),  # x and y; x and z: 5 + 32
        (MinCost(cost=COST), [Cover(1.0), Existing(["z"]), MayClose(saving=2.0)], 4),  # x; or x, y less 2: 5
        (MinCost(cost=COST), [Cover(1.0), Existing(["z"]), MayClose(saving=3.5)], 3.5),
        # Existing sites that stand near each other may both stay; one that is required, too, does not close.
        (MaxCoverage(), [AtMost(1), Existing(["x", "y"]), MayClose(at_most=0), Spacing([("x", "y")])], 23),
        (MinCost(cost=COST), [Cover(0.1), Existing(["z"]), Required(["z"]), MayClose(saving=3.5)], 0),
        (MinTravel(), [AtMost(2)], 1000 + 500 + 400),
        (MinTravel(), [AtMost(1)], None),
        (MinTravel(beyond=400.0), [AtMost(1)], 4000 + 500 + 400),  # y; x: 1000 + 1000 + 3200
        (MinTravel(), [AtMost(3), Capacity(ROOM + 4)], 1000 + 500 + 400),  # x 10, y 13
        (MinTravel(), [AtMost(3), Capacity(pd.Series({"x": 15.0, "y": 8.0, "z": 9.0}))], 1000 + 1000 + 400),
        (MinFarthest(), [AtMost(2)], 100),  # x and y
        (MinFarthest(), [AtMost(3), Forbidden(["y"])], 200),
        (MaxCoverage(), [AtMost(2), NobodyBeyond(100.0)], 23),
        (MaxCoverage(), [AtMost(2), NobodyBeyond(99.0)], None),
        (MaxSpacing(table({"x": {"y": 150, "z": 250}, "y": {"x": 150, "z": 100}, "z": {"x": 250, "y": 100}}, "xyz")),
         [AtLeast(2)], 250),
    ],
)  # fmt: skip
def test_values_by_hand(objective, rules, best):
    asked = Oracle(Case(objective, LINE, PEOPLE, tuple(rules)))
    assert asked.best == (None if best is None else pytest.approx(best, rel=1e-12))
    assert not faults(asked)


def flow(way: Any, demand: Any, places: Any, groups: list[Any], needs: list[float], least: Any) -> float | None:
    """Most people that can be served with the needs of groups and the least of sites, by a linear program."""
    pairs = np.argwhere(np.isfinite(way))
    if not len(pairs):
        return 0.0 if not any(need > 0 for need in needs) and not (least > 0).any() else None
    home = (pairs[:, 0][None] == np.arange(len(demand))[:, None]).astype(float)
    site = (pairs[:, 1][None] == np.arange(len(places))[:, None]).astype(float)
    served = np.array([home[g].sum(axis=0) for g in groups]).reshape(len(groups), len(pairs))
    found = linprog(-np.ones(len(pairs)), A_ub=np.vstack([home, site, -served, -site]),
                    b_ub=np.r_[demand, places, -np.array(needs), -least], method="highs")  # fmt: skip
    return -found.fun if found.status == 0 else None


@pytest.mark.slow
def test_cut_conditions_are_those_of_a_flow():
    rng = np.random.default_rng(5)
    kept = 0
    for _ in range(60):
        homes, sites = [f"h{i}" for i in range(rng.integers(2, 6))], [f"s{j}" for j in range(rng.integers(2, 5))]
        pairs = [(h, s) for h in homes for s in sites if rng.random() < 0.6]
        reach = reach_of(pairs, 25.0 * rng.integers(0, 13, len(pairs)), homes, sites)
        people = pd.Series(rng.integers(1, 20, len(homes)).astype(float), index=homes)
        room = pd.Series(rng.integers(1, 25, len(sites)).astype(float), index=sites)
        least = pd.Series(rng.integers(0, 9, len(sites)).astype(float), index=sites)
        share, by = float(rng.choice([0.3, 0.6, 0.8])), pd.Series(rng.choice(["n", "s"], len(homes)), index=homes)
        rules = (Required(sites), Capacity(room, least=least), Cover(share, by=by))
        asked = Oracle(Case(MaxCoverage(), reach, people, rules))
        assert asked.count == 1
        groups = [(by == g).to_numpy() for g in by.unique()]
        needs = [np.ceil(share * people[g].sum() - 1e-9) for g in groups]
        most = flow(asked.way[None], people.to_numpy(), room.to_numpy(), groups, needs, least.to_numpy())
        assert asked.best == (None if most is None else pytest.approx(most)), str(asked.case)
        kept += most is not None
    assert 15 < kept < 45


def test_transport_is_that_of_a_linear_program():
    rng = np.random.default_rng(6)
    for _ in range(30):
        way = np.where(rng.random((3, 3)) < 0.7, 25.0 * rng.integers(0, 13, (3, 3)), np.inf)
        demand, places = rng.integers(0, 9, 3).astype(float), rng.integers(0, 12, 3).astype(float)
        least, beyond = rng.integers(0, 3, 3).astype(float), [None, 400.0][rng.integers(2)]
        whole = oracle.transport(way, demand, places, least, [], beyond)
        # Eighths of people leave the way by persons and take the one by a linear program.
        eighths = oracle.transport(way, demand / 8 + 0.0, places / 8, least / 8, [(np.ones(3, bool), 0.0)], beyond)
        assert whole == pytest.approx(8 * eighths, rel=1e-9)
