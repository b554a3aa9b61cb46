"""Tables of a study that ask for one function each: every function, its names, its results and its faults."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import ModuleType

import geopandas as gpd
import pandas as pd
import pytest

import siting as st
from siting.labels import known
from siting.study.analyses import FUNCTIONS, Analysis, keys_of_function
from siting.study.analyses.frames import frames_of
from siting.study.check import check_study
from siting.study.columns import check_set, with_columns
from siting.study.outputs import is_result

SAMPLE = '[study]\nsample = true\nlang = "en"\n'
DOCS = Path(__file__).resolve().parents[1] / "docs" / "how-to"
#: Functions that a study has no table for: their tables by age are no layers, or they give one number of `inequality`.
LEFT_OUT = {
    "age_bands", "cohort_forecast", "life_table", "fit_margins", "gini", "theil", "palma",
}  # fmt: skip

EVERY_OTHER = (
    SAMPLE
    + """
[layers]
candidates = { sample = true, where = { kind = "闲置校舍" } }
few = { from = "childcare", where = { facility_type = "托育机构" } }
plots = { from = "candidates" }
projects = { from = "candidates", where = { id = ["S006", "S009"] }, set = { status = "new", beds = 20 } }
"""
    + "".join(
        f'\n[[{key}]]\nname = "{key}_1"\n{keys}\n'
        for key, keys in {
            "supply_ratios": """reach = { from = "communities", to = "childcare", metres = 2000 }
                demand = "infants"
                supply = "places"
                method = "e2sfca"
                decay = { gaussian = 800 }""",
            "huff": """reach = { from = "communities", to = "few", metres = 2000 }
                demand = "infants"
                attractiveness = "places"
                decay = { power = { beta = 2, least = 50 } }""",
            "service_areas": """facilities = "few"
                metres = [300, 500]""",
            "service_streets": """facilities = "few"
                minutes = 5
                walk = "carer\"""",
            "offering": """candidates = "candidates"
                service = "childcare\"""",
            "accessibility": """reach = { from = "communities", to = "childcare", metres = 3000, straight = true }
                demand = "infants"
                supply = "places\"""",
            "lorenz": """values = "accessibility_1.per_1000"
                people = "infants\"""",
            "assign": """reach = { from = "communities", to = "childcare", minutes = 20, walk = "3.6 km/h" }
                demand = "infants"
                capacity = "places"
                take_up = 0.1""",
            "make_candidates": """communities = "communities"
                method = "grid"
                spacing = 2000
                metres = 800
                far_from = { few = 300 }""",
            "with_projects": """facilities = "eldercare"
                projects = "projects"
                statuses = ["new"]""",
            "frontier": 'goal = "three"\nup_to = 2',
            "trade_off": 'goal = "three"\nfirst = "max_coverage"\nsecond = { min_travel = { beyond = 2000 } }\nn = 2',
            "alternatives": 'plan = "three"\nn = 2',
            "compare": 'plans = ["three", "two"]',
            "fairest": 'goal = "three"\nby = "district"',
            "price_of_equity": 'goal = "three"\nby = "district"\nlevels = 2',
            "robustness": 'plan = "three"\nscenarios = { elder = { demand = "elderly" }, slow = { walk = "elder" } }',
            "solve_robust": 'goal = "three"\nscenarios = { now = { take_up = 1.0 }, lost = { closed = ["K001"] } }',
        }.items()
    )
    + """
[[goal]]
name = "three"
service = "childcare"
minutes = 12
at_most = 3

[[goal]]
name = "two"
service = "childcare"
minutes = 12
at_most = 2
"""
)


def written(folder: Path, text: str) -> Path:
    path = folder / "town.toml"
    path.write_text(text, encoding="utf-8")
    return path


def faults_of(folder: Path, text: str) -> str:
    with pytest.raises(st.SitingError) as raised:
        check_study(written(folder, text))
    return str(raised.value)


ROOMS = [st.equity, st.forecasts, st.projects, st.scenarios, st.sharing]


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.__name__)
def test_every_function_of_a_theme_has_its_table(room: ModuleType) -> None:
    functions = {name for name in room.__all__ if inspect.isfunction(getattr(room, name))}
    assert functions - LEFT_OUT <= set(FUNCTIONS)
    assert not LEFT_OUT & set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_keys_are_the_arguments_and_each_has_its_words(name: str) -> None:
    keys = set(keys_of_function(name))
    given = {"network", "threads", "max_pairs", "max_snap", "progress", "crs"}
    of_goals = {"reach", "demand", "take_up", "rules", "options", "objective"} if "goal" in keys else set()
    assert keys - {"goal"} == set(inspect.signature(FUNCTIONS[name]).parameters) - given - of_goals
    assert known(f"analysis.{name}")
    assert known(f"analysis_says.{name}")


@pytest.mark.slow
def test_functions_that_no_question_asks_for_run_and_are_written(tmp_path: Path) -> None:
    outcome = st.run(check_study(written(tmp_path, EVERY_OTHER)))
    found, town = outcome.analyses, st.load_sample()
    asked = {text.split('"')[1] for text in EVERY_OTHER.split("\n") if text.startswith("name = ") and "_1" in text}
    assert set(found) == asked
    net, homes, three = outcome.network, town["communities"], outcome.proposals["three"].plan
    walk = st.Walk.carer()
    assert found["service_streets_1"].equals(
        st.measure.service_streets(net, outcome.layers["few"], minutes=5, walk=walk)
    )
    grid = st.make_candidates(
        homes, method="grid", spacing=2000, metres=800, far_from={"few": (outcome.layers["few"], 300)}
    )
    assert found["make_candidates_1"].index.equals(grid.index)
    straight = st.straight_line(homes, town["childcare"], metres=3000, crs=net.crs)
    access = st.accessibility(straight, homes["infants"], town["childcare"]["places"])
    pd.testing.assert_frame_equal(found["accessibility_1"], access)
    lorenz = st.equity.lorenz(access["per_1000"], homes["infants"])
    pd.testing.assert_frame_equal(found["lorenz_1"], lorenz)
    slower = st.Walk(60, "childcare")
    slow = st.travel(net, homes, town["childcare"], minutes=20, walk=slower)
    served = st.assign(slow, homes["infants"], town["childcare"]["places"], take_up=0.1).served
    assert found["assign_1"].served == pytest.approx(served)
    assert found["frontier_1"].loc[2, "covered"] == outcome.proposals["two"].plan.covered
    assert found["alternatives_1"].plans[0].sites == three.sites
    assert found["compare_1"]["covered"].to_dict() == {
        "three": three.covered,
        "two": outcome.proposals["two"].plan.covered,
    }
    elder = st.scenarios.Scenario(demand=homes["elderly"])
    lone = st.scenarios.robustness(three, {"elder": elder})
    assert found["robustness_1"].loc["elder", "covered"] == lone.loc["elder", "covered"]
    assert found["robustness_1"].loc["slow", "covered"] < three.covered
    rules = [st.AtMost(3), st.Existing(town["childcare"].index[town["childcare"]["open_to_neighbours"]])]
    fair = st.equity.fairest(
        outcome.proposals["three"].reach, demand=homes["infants"], by=homes["district"], rules=rules
    )
    assert found["fairest_1"].worst == fair.worst
    paths = outcome.write(tmp_path / "results")
    names = {path.name for path in paths["tables"].iterdir()}
    assert {"huff_huff_1.csv", "assign_assign_1.flows.csv", "solve_robust_solve_robust_1.sites.csv"} <= names
    assert all(is_result(Path("tables", name)) for name in names)
    page = paths["report"].read_text(encoding="utf-8")
    assert all(each.heading("en") in page for each in outcome.study.analyses)
    grid = gpd.read_file(paths["layers"], layer="make_candidates_1")
    assert grid["id"].tolist() == found["make_candidates_1"].index.tolist()
    rows = pd.read_csv(paths["tables"] / "accessibility_accessibility_1.csv")
    assert rows["name"].tolist() == homes["name"].tolist()


@pytest.mark.slow
def test_the_example_of_the_page_runs() -> None:
    outcome = st.run(st.Study.from_toml(DOCS / "analyses.toml"))
    assert list(outcome.analyses) == ["nurseries", "places", "gap", "small_homes", "fewer_children"]
    assert outcome.analyses["gap"].loc["country", "to_town"] == pytest.approx(0.774, abs=0.001)


def test_all_that_is_wrong_with_tables_is_told_with_its_line(tmp_path: Path) -> None:
    text = """
[[bands]]
name = "near"
reach = { from = "communities", to = "childcare", meters = 800 }
limits = 300

[[coverage]]
name = "near"
reach = { from = "communities", to = "childcare", metres = 800 }
demand = "infant"

[[close_pairs]]
name = "pairs"
reach = { from = "childcar", to = "childcare", metres = 800 }
limit = 300

[[robustness]]
name = "lost"
plan = "none"

[[audit]]
name = "judged"
standard = { name = "jinhua", kind = "service_radios" }

[[huff]]
name = "market"
reach = { from = "communities", to = "childcare" }
demand = "infants"
decay = { power = 2 }

[[merge_site]]
name = "y"
"""
    told = faults_of(tmp_path, SAMPLE + text).split("\n")
    starts = [
        "town.toml: 9 faults",
        "  - line 7, column 51: [[bands]] near reach meters: unknown key; did you mean metres?",
        '  - line 11, column 1: [[coverage]] near name: the name "near" occurs twice',
        '  - line 13, column 1: [[coverage]] near demand: communities: there is no column "infant"; it has name, ',
        '  - line 17, column 1: [[close_pairs]] pairs reach: no layer or table is called "childcar"; there are "childc',
        '  - line 22, column 1: [[robustness]] lost plan: the goal "none" is named, but there is no [[goal]]',
        '  - line 26, column 1: [[audit]] judged standard: the standard "jinhua" has no rule',
        "  - line 30, column 1: [[huff]] market reach needs metres or minutes",
        "  - line 32, column 1: [[huff]] market decay is {'power': 2}; write a table",
        "  - line 34, column 1: [[merge_site]]: unknown key; did you mean merge_sites?",
    ]
    assert len(told) == len(starts)
    for line, start in zip(told, starts, strict=True):
        assert line.startswith(start)


def test_tables_that_use_each_other_in_a_circle_are_refused(tmp_path: Path) -> None:
    text = """
[[open_to_all]]
name = "a"
facilities = "b"

[[open_to_all]]
name = "b"
facilities = "a"
"""
    told = faults_of(tmp_path, SAMPLE + text)
    assert told.startswith("town.toml, line 5, column 1: [[open_to_all]] a: tables use each other in a circle: ")


def test_columns_are_set_for_all_rows_or_some(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"type": ["home", "point", "home"], "beds": [4, 0, 9]}, index=pd.Index(["a", "b", "c"], name="id")
    )
    given = {
        "year": 2025,
        "large": {"where": {"beds": ">5"}},
        "twice": {"column": "beds", "times": 2},
        "type": [{"where": {"id": "c"}, "value": "large home"}],
        "rooms": [{"where": {"type": "home"}, "value": {"column": "beds"}}, {"value": 1}],
    }
    made = with_columns(frame, given, name="homes", kind="own")
    assert made["year"].tolist() == [2025] * 3
    assert made["large"].tolist() == [False, False, True]
    assert made["twice"].tolist() == [8, 0, 18]
    assert made["type"].tolist() == ["home", "point", "large home"]
    assert made["rooms"].tolist() == [4, 1, 9]
    assert list(frame) == ["type", "beds"]


@pytest.mark.parametrize(
    "given",
    [5, {}, {"a": {"times": 2}}, {"a": []} | {"b": [{"where": {"c": 1}}]}, {"a": {"column": "b", "times": "2"}}],
)
def test_what_sets_no_column_is_refused(given: object) -> None:
    with pytest.raises(st.SitingError):
        check_set(given)


def test_a_result_is_a_table_with_ids_names_and_lists_as_words() -> None:
    found = pd.DataFrame({"chosen": [("a", "b"), ()], "seconds": [0.1, 0.2]}, index=pd.Index([1, 2], name="sites"))
    assert frames_of(found, {})[""].to_dict("list") == {"sites": [1, 2], "chosen": ["a b", ""]}
    assert frames_of(1.5, {})[""].to_dict("list") == {"value": [1.5]}
    assert Analysis("bands", "near", {}, {"zh": "最近", "en": "Nearest"}).heading("zh") == "最近"
