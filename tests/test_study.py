"""A study from end to end on the small town, where every number is mental arithmetic."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path, PurePath

import geopandas as gpd
import pandas as pd
import pytest
import shapely

import siting as st
from siting.errors import SitingError
from siting.study import Outcome
from siting.study.inputs import Goal
from siting.study.outputs import is_result, results_folder
from siting.study.run import judge
from siting.study.tables import facility_words
from siting.terminal_study import run_in_terminal
from siting.terminal_text import TextConsole

RECIPE = """
[study]
name = "town"
title = { zh = "小镇", en = "Small town" }
standard = "jinhua"
year = 2025

[layers]
communities = { path = "town.gpkg", layer = "communities" }
childcare = { path = "town.gpkg", layer = "childcare" }
candidates = { path = "town.gpkg", layer = "candidates" }
streets = { path = "town.gpkg", layer = "streets" }

[shares]
"jinhua.childcare.circle_15min" = "90 %"

[[circle]]
service = "childcare"
metres = [100, 300]

[[goal]]
name = "most"
service = "childcare"
metres = 100
at_most = 1

[[goal]]
name = "all"
service = "childcare"
metres = 300
cover = 1
curve = 3
"""


@pytest.fixture
def town(tmp_path: Path, small_town: gpd.GeoDataFrame, layer) -> Path:
    """Four corners of the lattice are communities; a facility in the south-west, candidates elsewhere."""
    homes = layer(
        {"sw": (0, 0), "se": (500, 0), "nw": (0, 500), "ne": (500, 500)},
        population=[1000, 2000, 3000, 4000],
        infants=[10, 20, 30, 40],
    )
    open_now = layer({"k1": (100, 0)}, places=[20])
    sites = layer({"s1": (500, 100), "s2": (500, 400), "s3": (0, 300)}, services=["childcare"] * 3)
    path = tmp_path / "town.gpkg"
    for name, frame in (
        ("communities", homes), ("childcare", open_now), ("candidates", sites), ("streets", small_town),
    ):  # fmt: skip
        st.write_layer(frame, path, layer=name)
    recipe = tmp_path / "study.toml"
    recipe.write_text(RECIPE, encoding="utf-8")
    return recipe


def share(outcome: Outcome, limit: float) -> float:
    row = outcome.coverage.loc[("childcare", limit, "m", "streets", "all", "infants")]
    return float(row["share"])


@pytest.mark.slow
def test_the_numbers_of_the_small_town(town: Path) -> None:
    outcome = st.run(st.Study.from_toml(town))
    # k1 is 100 m from sw and 400 m from se: only sw is inside, at either limit
    assert share(outcome, 100.0) == share(outcome, 300.0) == 0.1
    most = outcome.proposals["most"].plan
    assert (most.sites, most.covered, most.status) == (("s2",), 50.0, "optimal")  # ne 40 with sw 10
    everyone = outcome.proposals["all"].plan
    assert set(everyone.sites) == {"s1", "s2", "s3"}
    assert everyone.share == 1.0
    curve = outcome.proposals["all"].curve
    assert curve is not None
    assert curve["covered"].tolist() == [10.0, 50.0, 80.0, 100.0]
    assert outcome.bands["childcare"]["band"].tolist()[0] == 100.0
    assert outcome.bands["childcare"]["band"].isna().tolist() == [False, True, True, True]


@pytest.mark.slow
def test_the_report_says_in_words_what_is_closed_and_who_walks(town: Path, small_town: gpd.GeoDataFrame) -> None:
    classes = ["residential"] * (len(small_town) - 2) + ["高速公路", "ladder"]
    st.write_layer(small_town.assign(highway=classes), town.parent / "town.gpkg", layer="streets")
    told = town.read_text(encoding="utf-8") + '[walk]\nchildcare = "4.8 km/h"\n'
    town.write_text(told, encoding="utf-8")
    for lang, closed, pace in (
        ("zh", "ladder 1、高速公路 1", "托育：自设步速，80 米/分钟"),
        ("en", "ladder 1, motorway 1", "childcare: own pace, 80 m/min"),
    ):
        written = st.run(replace(st.Study.from_toml(town), lang=lang)).write(town.parent / lang)
        report = written["report"].read_text(encoding="utf-8")
        assert closed in report
        assert pace in report


@pytest.mark.slow
def test_facilities_that_count_for_no_coverage_are_told(town: Path, layer) -> None:
    """Of three, k2 beside se is for its own staff, and k3 beside nw has no places: sw and nw are covered, 40 of 100."""
    three = layer({"k1": (100, 0), "k2": (400, 0), "k3": (0, 400)}, places=[20, 20, 0],
                  open_to_neighbours=[True, False, True])  # fmt: skip
    st.write_layer(three, town.parent / "town.gpkg", layer="childcare")
    outcome = st.run(st.Study.from_toml(town))
    assert share(outcome, 100.0) == 0.4
    assert outcome.apart["childcare"].to_dict() == {"k1": "", "k2": "not_open", "k3": "no_places"}
    written = outcome.write(town.parent / "out")
    said = "现有托育设施 3 处，其中：1 处不对外开放，不计入覆盖；1 处没有托位（为 0 或未填），仍计入覆盖。"
    assert facility_words(outcome, "childcare", "zh") == said
    assert said in written["report"].read_text(encoding="utf-8")
    assert "1 处不对外开放，不计入覆盖" in written["map"].read_text(encoding="utf-8")


@pytest.mark.slow
def test_an_outcome_shows_its_figures_and_runs_no_name(town: Path) -> None:
    """The best single site serves 50 of 100; the other goal asks for all within 20 m, which no plan gives."""
    text = (
        town.read_text(encoding="utf-8")
        .replace("小镇", "<script>")
        .replace("metres = 300\ncover", "metres = 20\ncover")
    )
    town.write_text(text, encoding="utf-8")
    outcome = st.run(st.Study.from_toml(town))
    shown = outcome._repr_html_()
    assert "<script" not in shown
    assert "<strong>&lt;script&gt;</strong>" in shown
    assert ">50.0 %<" in shown
    assert outcome.unmet == ["all"]
    assert shown.count(">10.0 %<") == 4  # k1 covers sw at either limit, on streets and straight; no plan shows it
    assert "无可行方案" in shown


@pytest.mark.slow
def test_the_same_study_gives_the_same_results(town: Path) -> None:
    study = st.Study.from_toml(town)
    one, two = st.run(study), st.run(study)
    pd.testing.assert_frame_equal(one.coverage, two.coverage)
    assert one.audit is not None
    assert two.audit is not None
    pd.testing.assert_frame_equal(one.audit.table, two.audit.table)
    for name, proposal in one.proposals.items():
        assert proposal.plan.sites == two.proposals[name].plan.sites


@pytest.mark.slow
def test_steps_are_told_as_they_come(town: Path) -> None:
    told: list[tuple[str, str]] = []
    st.run(st.Study.from_toml(town), on_step=lambda name, event: told.append((name, event)))
    assert told[:2] == [("layers", "start"), ("layers", "end")]
    assert [name for name, event in told if event == "end"] == [
        "layers", "network", "coverage", "areas", "audit", "plan most", "plan all",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "[[circle]]\nservice",
            "[[cirle]]\nservice",
            "line 17, column 1: [[cirle]]: unknown key; did you mean circle?",
        ),
        (
            "metres = [100, 300]",
            "meters = [100, 300]",
            "line 19, column 1: [[circle]] childcare meters: unknown key; did you mean metres?",
        ),
        ("at_most = 1", "", "needs an objective, or cover"),
        ("metres = 100\n", "metres = 100\nminutes = 5\n", "metres or minutes, one of the two"),
        ("year = 2025", 'year = "2025"', "not a whole number"),
        ('standard = "jinhua"', 'standard = "jinghua"', 'there is no standard "jinghua"'),
        ("streets = {", "roads = {", "there is no [layers.streets]"),
        ("metres = [100, 300]", "metres = [0.5]", "give metres from 10"),
        ("cover = 1\n", "cover = 90\n", "90 % is 0.9"),
        ('"jinhua.childcare.circle_15min" = "90 %"', '"jinhua.nothing" = 0.9', "jinhua.nothing"),
        ('circle_15min" = "90 %"', 'circle_15min" = 90', '90 % is 0.9 or "90 %"'),
        ('circle_15min" = "90 %"', 'circle_15min" = "0.9 %"', '90 % is 0.9 or "90 %"'),
        ('service = "childcare"\nmetres = [100', 'service = "culture"\nmetres = [100', "culture"),
        ("[study]", "[study", "no TOML"),
    ],
)
def test_a_recipe_that_is_wrong_is_told(town: Path, old: str, new: str, told: str) -> None:
    text = town.read_text(encoding="utf-8")
    assert old in text
    town.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(st.SitingError) as caught:
        st.run(st.Study.from_toml(town))
    assert told in str(caught.value)


def test_a_study_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(st.SitingError, match="there is no such file"):
        st.Study.from_toml(tmp_path / "none.toml")


def test_ids_that_candidates_and_facilities_share_are_refused(town: Path, layer) -> None:
    sites = layer({"k1": (500, 100)}, services=["childcare"])
    st.write_layer(sites, town.parent / "town.gpkg", layer="candidates")
    with pytest.raises(st.SitingError, match='share ids: "k1"'):
        st.run(st.Study.from_toml(town))


def test_an_export_is_read_by_its_mapping(town: Path) -> None:
    """The mapping lies beside the study; of the two facilities the one that is shut does not count."""
    (town.parent / "care.csv").write_text(
        "id,核定人数,状态,lon,lat\nk1,20,正常,114.0,22.54\nk2,90,停业,114.0,22.54\n", encoding="utf-8"
    )
    (town.parent / "care.toml").write_text(
        '[columns]\nplaces = "核定人数"\n[keep]\n"状态" = "正常"\n', encoding="utf-8"
    )
    text = town.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("childcare ="))
    town.write_text(text.replace(line, 'childcare = { path = "care.csv", mapping = "care.toml" }'), encoding="utf-8")
    source = st.Study.from_toml(town).layers["childcare"]
    assert source.mapping == town.parent / "care.toml"
    read = st.read_layer(source.path, "childcare", mapping=source.mapping)
    assert read["places"].to_dict() == {"k1": 20}


def test_candidates_that_do_not_say_what_they_are_for_are_refused(town: Path) -> None:
    sites = st.read_layer(town.parent / "town.gpkg", "candidates", layer="candidates")
    st.write_layer(sites.rename(columns={"services": "可以办"}), town.parent / "town.gpkg", layer="candidates")
    with pytest.raises(st.SitingError, match='candidates: has no column "services"'):
        st.run(st.Study.from_toml(town))


def test_a_study_is_frozen(town: Path) -> None:
    study = st.Study.from_toml(town)
    with pytest.raises(AttributeError):
        study.year = 2035  # type: ignore[misc]


@pytest.mark.slow
def test_a_third_service_needs_no_code(town: Path, layer) -> None:
    """A layer of the generic role is a service: measured by residents, shown by the name it has in the study."""
    centres = layer({"m1": (400, 500)}, name=["文化站"])
    st.write_layer(centres, town.parent / "town.gpkg", layer="culture")
    text = town.read_text(encoding="utf-8")
    more = 'culture = { path = "town.gpkg", layer = "culture", role = "facilities" }\n[shares]'
    text = text.replace("[shares]", more)
    text += '\n[[circle]]\nservice = "culture"\nminutes = 5\n'
    town.write_text(text, encoding="utf-8")
    outcome = st.run(st.Study.from_toml(town))
    # ne is 100 m off, nw 400 m: 80 m/min for 5 minutes is 400 m; they hold 7000 of 10,000 residents
    assert outcome.coverage.loc[("culture", 5.0, "min", "streets", "all", "population"), "share"] == 0.7
    paths = outcome.write(town.parent / "out")
    assert "文化" in paths["report"].read_text(encoding="utf-8")


def test_a_rule_of_a_third_service_needs_no_code(town: Path, layer) -> None:
    """Quzhou's 15-minute culture circle on a layer of culture sites."""
    st.write_layer(layer({"m1": (400, 500)}, name=["文化站"]), town.parent / "town.gpkg", layer="culture")
    text = town.read_text(encoding="utf-8").replace('standard = "jinhua"', 'standard = "quzhou"')
    shares = '[shares]\n"quzhou.culture.culture_circle_15min" = "70 %"\n'
    more = 'culture = { path = "town.gpkg", layer = "culture", role = "facilities" }\n'
    text = text.replace('[shares]\n"jinhua.childcare.circle_15min" = "90 %"\n', more + shares)
    text = text.replace("[[circle]]", "[walk]\nculture = 26\n[[circle]]", 1)
    town.write_text(text, encoding="utf-8")
    circle = judge(st.Study.from_toml(town)).select(rule="culture_circle_15min").table
    # 15 minutes at 26 m/min are 390 m: ne is 100 m off, nw 400 m
    assert circle["value"].tolist() == [40, 25]
    assert circle["needs"].tolist() == ["persons", "communities"]
    assert circle["status"].tolist() == ["short", "short"]


@pytest.mark.parametrize(
    ("said", "speed"),
    [('"4.8 km/h"', 80.0), ('"80 m/min"', 80.0), ('"1.25 m/s"', 75.0), ('"4.8 公里/小时"', 80.0), ("80", 80.0)],
)
def test_a_speed_may_have_its_unit(town: Path, said: str, speed: float) -> None:
    text = town.read_text(encoding="utf-8").replace("[[circle]]", f"[walk]\nchildcare = {said}\n[[circle]]", 1)
    town.write_text(text, encoding="utf-8")
    walk = st.Study.from_toml(town).walk
    assert (walk["childcare"].speed, walk["childcare"].who) == (speed, "childcare")


@pytest.mark.parametrize(
    ("said", "words"),
    [("4.8", "did you mean 4.8 km/h = 80 m/min"), ('"4.8"', "give a number and its unit"),
     ('"fast"', 'or a speed with its unit ("4.8 km/h")'), ('"80 km/h"', "nobody walks so")],
)  # fmt: skip
def test_a_speed_that_is_none_is_refused(town: Path, said: str, words: str) -> None:
    text = town.read_text(encoding="utf-8").replace("[[circle]]", f"[walk]\nchildcare = {said}\n[[circle]]", 1)
    town.write_text(text, encoding="utf-8")
    with pytest.raises(st.SitingError, match=re.escape(words)) as fault:
        st.Study.from_toml(town)
    assert "[walk] childcare" in str(fault.value)


@pytest.mark.slow
def test_readings_of_a_study_stand_in_its_verdict(town: Path, layer) -> None:
    text = town.read_text(encoding="utf-8")
    text = text.replace("year = 2025", 'year = 2025\nby = "district"\nhousehold_size = 2.5\nscope = "5 %"')
    text += '\n[changes."jinhua.childcare.places_per_1000.2025"]\nvalue = 1\n'
    halves = gpd.GeoDataFrame(
        {"name": ["西", "东"], "level": "township"},
        geometry=[
            shapely.box(529_000, 3_379_000, 530_250, 3_381_000),
            shapely.box(530_250, 3_379_000, 531_000, 3_381_000),
        ],
        index=pd.Index(["W", "E"], name="id"),
        crs="EPSG:4547",
    )
    st.write_layer(halves, town.parent / "town.gpkg", layer="districts")
    text = text.replace("[shares]", 'districts = { path = "town.gpkg", layer = "districts" }\n[shares]')
    town.write_text(text, encoding="utf-8")
    judged = judge(st.Study.from_toml(town))
    rate = judged.select(rule="places_per_1000").table
    # 20 places for 10,000 residents, all of them in the west, where 4000 live
    assert rate[["area_name", "value", "target", "status"]].to_numpy().tolist() == [
        ["", 2.0, 1.0, "met"], ["西", 5.0, 1.0, "met"], ["东", 0.0, 1.0, "short"],
    ]  # fmt: skip
    assert judged.parameters["changes"] == {"jinhua.childcare.places_per_1000.2025": {"value": 1}}
    assert judged.parameters["household_size"] == 2.5
    assert judged.parameters["scope"] == 0.05
    outcome = st.run(st.Study.from_toml(town))
    page = outcome.write(town.parent / "out")["report"].read_text(encoding="utf-8")
    assert "各分区对标结果" in page
    assert outcome.audit is not None
    pd.testing.assert_frame_equal(outcome.audit.table, judged.table)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ('by = "street"', "choose .district., .county."),
        ("household_size = true", "household_size is true, not a number"),
        ('scope = "some"', "scope is .some.; choose .whole., .part., or give a share"),
        ('[changes]\n"jinhua.childcare.circle_15min" = 3', "is 3, not a table"),
        ('[changes."jinhua.nothing"]\nvalue = 3', "has no rule"),
        ('[changes."jinhua.childcare.circle_15min"]\nclause = "x"', "cannot be changed"),
    ],
)
def test_readings_that_cannot_be_are_told(town: Path, words: str, told: str) -> None:
    text = town.read_text(encoding="utf-8")
    new = f"year = 2025\n{words}" if "[" not in words else "year = 2025"
    text = text.replace("year = 2025", new, 1) + (f"\n{words}\n" if "[" in words else "")
    town.write_text(text, encoding="utf-8")
    with pytest.raises(st.SitingError, match=told):
        judge(st.Study.from_toml(town))


def test_a_study_without_a_standard_has_no_verdict(town: Path) -> None:
    text = town.read_text(encoding="utf-8").replace('standard = "jinhua"\n', "")
    town.write_text(text.replace('[shares]\n"jinhua.childcare.circle_15min" = "90 %"\n', ""), encoding="utf-8")
    with pytest.raises(st.SitingError, match="names no standard"):
        judge(st.Study.from_toml(town))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("at_most = 1", "at_most = 0", "1 or more"),
        ("at_most = 1", "at_most = 9", "only 3 candidates"),
        ('name = "most"', 'name = "a/b"', "letters, digits"),
        ('name = "most"', 'name = "[/red]"', "letters, digits"),
        ('name = "all"', 'name = "most"', 'the name "most" occurs twice'),
        ('[[goal]]\nname = "most"', '[goal]\nname = "most"', "no TOML"),
        ("[shares]", '[walk]\nchildcar = "adult"\n[shares]', 'the service "childcar" has no layer [layers.childcar]'),
        ("[shares]", '[documents.x]\ntitel = "x"\n[shares]', '"titel"'),
        ("[layers]\n", "max_snap = 5\n[layers]\n", "unknown"),
    ],
)
def test_goals_and_tables_are_checked_before_a_layer_is_read(town: Path, old: str, new: str, told: str) -> None:
    """Row 27, and what would end as a fault of ours: it is told before anything is measured or written."""
    text = town.read_text(encoding="utf-8")
    if "max_snap" in new:
        old, new, told = "year = 2025", "year = 2025\nmax_snap = 10", "is max_snap in metres"
        town.write_text(text.replace(old, new, 1), encoding="utf-8")
        homes = st.read_layer(town.parent / "town.gpkg", "communities", layer="communities")
        homes = homes.set_geometry(homes.translate(20, 20))
        st.write_layer(homes, town.parent / "town.gpkg", layer="communities")
    else:
        assert old in text
        town.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(st.SitingError) as caught:
        st.run(st.Study.from_toml(town))
    assert told in str(caught.value)


@pytest.mark.parametrize("words", ["walk = 3\n[study]", "goal = 3\n[study]", "layers = 3\n[study]"])
def test_tables_of_the_wrong_shape_are_told(tmp_path: Path, words: str) -> None:
    recipe = tmp_path / "study.toml"
    rest = RECIPE[RECIPE.index("name") :] if not words.startswith("layers") else 'name = "x"\n'
    rest = rest[: rest.index("[[goal]]")] if words.startswith("goal") else rest
    recipe.write_text(f"{words}\n{rest}", encoding="utf-8")
    with pytest.raises(st.SitingError, match=r"is 3, not a (table|list)"):
        st.Study.from_toml(recipe)


def test_take_up_is_for_proposals_and_said_with_each(town: Path) -> None:
    plain = st.run(st.Study.from_toml(town))
    text = town.read_text(encoding="utf-8")
    town.write_text(text.replace("[shares]", '[take_up]\nchildcare = "25 %"\n[shares]'), encoding="utf-8")
    study = st.Study.from_toml(town)
    assert study.take_up == {"childcare": 0.25}
    outcome = st.run(study)
    for name, proposal in outcome.proposals.items():
        assert proposal.plan.total == 0.25 * plain.proposals[name].plan.total
        assert "需求按入托率 25 % 计。" in proposal.plan.explain("zh")
    curve, before = outcome.proposals["all"].curve, plain.proposals["all"].curve
    assert curve is not None
    assert before is not None
    assert curve["covered"].tolist() == (0.25 * before["covered"]).tolist()
    assert outcome.coverage.equals(plain.coverage)  # who is covered does not change
    outcome.write(town.parent / "out")
    pages = (town.parent / "out" / name for name in ("report.html", "coverage.html"))
    report, drawn = (page.read_text(encoding="utf-8") for page in pages)
    assert "需求按入托率 25 % 计。" in report
    assert "托育：需求按入托率 25 % 计。" in report
    assert "以上比率只用于选址方案；现状覆盖按全部服务对象计。" in report
    assert '"demand":["需求按入托率 25 % 计。"]' in drawn
    plans = pd.read_csv(town.parent / "out" / "tables" / "plans.csv")
    assert plans["需求比率（%）"].tolist() == [25.0] * len(plans)
    plain.write(town.parent / "plain")
    assert set(pd.read_csv(town.parent / "plain" / "tables" / "plans.csv")["需求比率（%）"]) == {100.0}
    shell = TextConsole(file=io.StringIO(), width=100)
    run_in_terminal(shell, study, town.parent / "shell")
    assert "托育：需求按入托率 25 % 计。\n" in shell.file.getvalue()  # type: ignore[attr-defined]
    assert "需求按入托率" not in (town.parent / "plain" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("childcare = 33", '[take_up] childcare is 33; give a share above 0 and at most 1: 33 % is 0.33 or "33 %"'),
        ("childcare = 0", "[take_up] childcare is 0"),
        ("childcar = 0.3", '[take_up] childcar: the service "childcar" has no layer'),
    ],
)
def test_a_take_up_that_is_none_is_told(town: Path, table: str, told: str) -> None:
    text = town.read_text(encoding="utf-8")
    town.write_text(text.replace("[shares]", f"[take_up]\n{table}\n[shares]"), encoding="utf-8")
    with pytest.raises(st.SitingError, match=re.escape(told)):
        st.Study.from_toml(town)


def test_a_recipe_saved_by_a_windows_editor_is_read(town: Path) -> None:
    town.write_bytes(b"\xef\xbb\xbf" + town.read_bytes())
    assert st.Study.from_toml(town).name == "town"


@pytest.mark.slow
def test_circles_of_one_service_are_one(town: Path) -> None:
    text = town.read_text(encoding="utf-8")
    town.write_text(text + '\n[[circle]]\nservice = "childcare"\nmetres = [300, 450]\n', encoding="utf-8")
    outcome = st.run(st.Study.from_toml(town))
    assert outcome.coverage.index.is_unique
    limits = outcome.coverage.index.get_level_values("limit").unique().tolist()
    assert limits == [100.0, 300.0, 450.0]
    assert outcome.bands["childcare"]["band"].dropna().tolist() == [100.0, 450.0]  # se is 400 m from k1
    assert outcome.areas["childcare"]["limit"].is_unique


@pytest.mark.slow
def test_columns_of_candidates_never_collide_with_those_of_a_plan(town: Path, layer) -> None:
    sites = layer({"s1": (500, 100), "s2": (500, 400), "s3": (0, 300)}, services=["childcare"] * 3, order=[7, 8, 9])
    st.write_layer(sites, town.parent / "town.gpkg", layer="candidates")
    paths = st.run(st.Study.from_toml(town)).write(town.parent / "out")
    proposed = gpd.read_file(paths["layers"], layer="proposed")
    assert {"order", "plan_order", "plan_adds"} <= set(proposed.columns)


@pytest.mark.slow
def test_communities_without_a_district_are_a_group_of_their_own(town: Path, layer) -> None:
    homes = layer({"sw": (0, 0), "se": (500, 0)}, population=[1000, 2000], infants=[10, 20], district=["d1", ""])
    st.write_layer(homes, town.parent / "town.gpkg", layer="communities")
    text = town.read_text(encoding="utf-8")
    town.write_text(text[: text.index("[[goal]]")], encoding="utf-8")
    outcome = st.run(st.Study.from_toml(town))
    groups = set(outcome.coverage.index.get_level_values("group"))
    assert groups == {"all", "d1", "n/a"}


@pytest.mark.slow
def test_tables_of_goals_that_are_gone_are_removed(town: Path) -> None:
    study = st.Study.from_toml(town)
    outcome = st.run(study)
    out = town.parent / "out"
    outcome.write(out)
    (out / "tables" / "mine.csv").write_text("kept", encoding="utf-8")
    (out / "notes.docx").write_text("kept", encoding="utf-8")
    text = town.read_text(encoding="utf-8").replace('name = "most"', 'name = "best"')
    town.write_text(text, encoding="utf-8")
    st.run(st.Study.from_toml(town)).write(out)
    names = {path.stem for path in (out / "tables").glob("*.csv")}
    assert {"plan_best", "assignment_best", "plan_all", "curve_all", "mine"} <= names
    assert not {"plan_most", "assignment_most"} & names
    assert (out / "notes.docx").read_text(encoding="utf-8") == "kept"


def test_results_that_are_open_in_a_gis_are_left_alone(tmp_path: Path) -> None:
    """Its log would be taken for that of the new file."""
    (tmp_path / "results.gpkg-wal").write_bytes(b"edits")
    with pytest.raises(SitingError, match=r'"results\.gpkg" in ".*" is open in another program; close it there first'):
        results_folder(tmp_path)
    (tmp_path / "results.gpkg-wal").write_bytes(b"")
    results_folder(tmp_path)


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("coverage.html", True), ("report.html", True), ("results.gpkg", True), ("results.gpkg-shm", True),
        ("tables", True), ("tables/plans.csv", True), ("tables/curve_all.csv", True), ("tables/mine.csv", False),
        ("tables/plans.xlsx", False), ("notes.docx", False), ("photos/coverage.html", False), ("plans.csv", False),
    ],
)  # fmt: skip
def test_files_of_a_study_are_known(path: str, known: bool) -> None:
    assert is_result(PurePath(path)) is known


def test_layers_that_lie_elsewhere_are_refused(town: Path) -> None:
    """Row 7: a wrong zone that the layer alone does not give away."""
    homes = st.read_layer(town.parent / "town.gpkg", "communities", layer="communities")
    homes = homes.set_geometry(homes.translate(60_000, 0))
    st.write_layer(homes, town.parent / "town.gpkg", layer="communities")
    with pytest.raises(st.errors.NetworkError, match="communities: 4 of 4 places lie more than 250 m from any street"):
        st.run(st.Study.from_toml(town))


def test_a_measuring_crs_for_elsewhere_is_refused(town: Path) -> None:
    text = town.read_text(encoding="utf-8").replace("year = 2025", 'year = 2025\ncrs = "EPSG:4534"')
    town.write_text(text, encoding="utf-8")
    with pytest.raises(st.errors.LayerError, match=r"made for 73.*the layer lies at 114"):
        st.run(st.Study.from_toml(town))


@pytest.mark.parametrize("name", ["../x", "a/b", "", "x" * 61, "a b", "\ud800", "</script>"])
def test_the_name_of_a_goal_is_that_of_its_files(name: str) -> None:
    with pytest.raises(st.SitingError, match="stands in names of files"):
        Goal(name, "childcare", metres=300.0, rules=(st.AtMost(1),))
