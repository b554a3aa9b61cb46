"""Every objective and rule of `solve` as a table of a study: the problem, and the plan, of its Python form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import siting as st
from siting import decay, propose
from siting.propose import problem as p
from siting.study import check_study
from siting.study.asked import OBJECTIVES, RULES
from siting.study.goal_town import GoalTown
from siting.study.layers import read_layers, with_network
from siting.study.problem import problem_of

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "goals.toml"
#: Objectives of `trade_off` only.
OF_TWO = {"max_worst_share"}
#: Goals that take long to solve twice: their problems are compared.
LONG = {"backup", "budget", "spacing", "supply", "max_coverage", "min_farthest", "capacity"}


class Town:
    """The sample as the Python forms take it."""

    def __init__(self, layers: Any, network: Any, places: Any) -> None:
        self.homes, self.places, self.network = layers["communities"], places, network
        self.old = st.measure.open_to_all(layers["childcare"])
        self.new = st.measure.offering(layers["candidates"], "childcare")
        self.both = st.data.combine_layers(self.old, self.new)

    def between(self, metres: float) -> Any:
        stops = self.places["childcare"].select(self.old.index) + self.places["candidates"].select(self.new.index)
        return st.travel(self.network, stops, stops, metres=metres)

    @property
    def district(self) -> pd.Series:
        return self.both["district"]

    @property
    def held(self) -> pd.Series:
        return pd.concat([self.old["places"], self.new["max_places"]]).astype(float)

    @property
    def cost(self) -> pd.Series:
        return pd.concat([pd.Series(0.0, self.old.index), self.new["cost"]])


#: Name of a goal → its Python form: the objective and the rules.
PYTHON: dict[str, Callable[[Town], tuple[Any, list[Any]]]] = {
    "max_coverage": lambda _: (p.MaxCoverage(decay=decay.steps({200: 1, 500: 0.5})), [p.AtMost(5)]),
    "min_sites": lambda _: (p.MinSites(), [p.Cover(0.75)]),
    "min_cost": lambda town: (p.MinCost(town.cost), [p.Cover(0.75)]),
    "min_travel": lambda _: (p.MinTravel(), [p.AtMost(3)]),
    "min_farthest": lambda _: (p.MinFarthest(), [p.AtMost(1)]),
    "max_spacing": lambda town: (p.MaxSpacing(town.between(6000)), [p.AtLeast(2), p.AtMost(2)]),
    "max_market_share": lambda town: (
        p.MaxMarketShare(attractiveness=town.held, decay=decay.exponential(0.002)), [p.AtMost(1)]
    ),
    "target_market_share": lambda _: (
        p.MinSites(), [propose.TargetMarketShare(0.6, decay=decay.exponential(0.002))]
    ),
    "at_most": lambda town: (p.MaxCoverage(), [p.AtMost(6), p.AtMost(1, by=town.district)]),
    "at_least": lambda _: (p.MaxCoverage(), [p.AtLeast(2), p.AtMost(4)]),
    "cover": lambda town: (p.MinSites(), [p.Cover(0.9), p.Cover(0.5, by=town.homes["district"])]),
    "nobody_beyond": lambda _: (p.MinSites(), [p.NobodyBeyond(4000)]),
    "budget": lambda town: (p.MaxCoverage(), [p.Budget(300, town.cost)]),
    "required": lambda _: (p.MaxCoverage(), [p.Required(["S002", "S009"]), p.AtMost(4)]),
    "forbidden": lambda _: (p.MaxCoverage(), [p.Forbidden(["S002"]), p.AtMost(2)]),
    "existing": lambda _: (p.MaxCoverage(), [p.Existing(["S009"]), p.AtMost(2)]),
    "may_close": lambda _: (p.MaxCoverage(), [p.MayClose(("K001", "K002"), at_most=1), p.AtMost(2)]),
    "spacing": lambda town: (p.MaxCoverage(), [p.Spacing(town.between(800)), p.AtMost(4)]),
    "one_per": lambda town: (p.MinSites(), [p.OnePer(town.district)]),
    "capacity": lambda town: (p.MaxCoverage(), [p.Capacity(town.held), p.AtMost(1)]),
    "supply": lambda town: (p.MinSites(), [p.Supply(1500, places=town.held)]),
    "backup": lambda _: (p.MaxCoverage(), [p.Backup(2), p.AtMost(3)]),
    "phases": lambda _: (p.MaxCoverage(), [p.Phases((2026, 2030), at_most=(2, 3))]),
    "together": lambda _: (
        p.MaxCoverage(), [p.Together(("childcare", "eldercare"), saving=0.5), p.AtMost(2)]
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def found() -> tuple[Any, Any, Any, Any]:
    study = check_study(PAGE)
    layers, network = with_network(study, read_layers(study))
    roles = [role for role in layers if role not in ("streets", "districts")]
    return study, layers, network, {role: network.locate(layers[role], name=role) for role in roles}


def test_the_page_has_every_objective_and_rule() -> None:
    assert {goal.name for goal in check_study(PAGE).goals} == {*RULES, *OBJECTIVES} - OF_TWO == set(PYTHON)


@pytest.mark.slow
@pytest.mark.parametrize("name", PYTHON)
def test_a_table_is_its_python_form(found: Any, name: str) -> None:
    study, layers, network, places = found
    town = GoalTown(study, study.goal(name), layers, network, places)
    objective, rules = PYTHON[name](Town(layers, network, places))
    asked, given = problem_of(town), town.goal.asked(town)
    assert str(town.goal.aim(town)) == str(objective)
    assert [str(rule) for rule in sorted(given, key=str)] == [str(rule) for rule in sorted(rules, key=str)]
    for one, other in zip(sorted(given, key=str), sorted(rules, key=str), strict=True):
        same_values(vars(one), vars(other))
    same_values(vars(town.goal.aim(town)), vars(objective))
    if name not in LONG:
        plan = st.solve(town.goal.aim(town), **asked)
        again = st.solve(objective, **{**asked, "rules": [*rules, town.existing()]})
        assert plan.status == "optimal"
        assert (plan.sites, plan.objective) == (again.sites, again.objective)


def same_values(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Compare the arguments of two values: numbers and Series by site, ways by their table."""
    assert one.keys() == other.keys()
    for key, left in one.items():
        right = other[key]
        if isinstance(left, pd.Series):
            pd.testing.assert_series_equal(left, right, check_names=False, check_dtype=False, check_index_type=False)
        elif isinstance(left, pd.DataFrame):
            pd.testing.assert_frame_equal(left, right)
        elif isinstance(left, st.Reach):
            pd.testing.assert_frame_equal(left.pairs(), right.pairs())
        elif callable(left):
            assert left.name == right.name
        else:
            assert left == right, key


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ('one_per = "district"', "as few new sites as possible"),
        ('cover = { share = 0.1, by = "district" }', "as few new sites as possible"),
        ('cover = { share = 0.1, by = "district" }\nat_most = 3', "cover as many people"),
        ("may_close = true\nat_most = 3", "cover as many people"),
    ],
)
def test_a_goal_without_an_objective(tmp_path: Path, rules: str, words: str) -> None:
    file = tmp_path / "s.toml"
    head = '[study]\nsample = true\nlang = "en"\n[[goal]]\nname = "a"\nservice = "childcare"\nmetres = 500\n'
    file.write_text(head + rules, encoding="utf-8")
    assert words in check_study(file).goals[0].title("en")
