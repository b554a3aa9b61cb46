"""Names of a study: hostile ones are refused before anything runs; the user's columns stay; results are read again."""

from __future__ import annotations

import dataclasses
import json
import logging
import re
import shutil
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as text

import siting as st
from siting.errors import SitingError
from siting.study import Outcome
from siting.study.names import check_name
from siting.study.tables import free_names, result_layers

RECIPE = """
[layers]
communities = { path = "town.gpkg", layer = "communities" }
childcare = { path = "town.gpkg", layer = "childcare" }
candidates = { path = "town.gpkg", layer = "candidates" }
streets = { path = "town.gpkg", layer = "streets" }

[[circle]]
service = "childcare"
metres = [100, 300]

[[goal]]
name = "most-1"
service = "childcare"
metres = 100
at_most = 1
"""


def points(where: dict[str, tuple[float, float]], **columns: Any) -> gpd.GeoDataFrame:
    at = [shapely.Point(530_000 + x, 3_380_000 + y) for x, y in where.values()]
    return gpd.GeoDataFrame(columns, index=pd.Index(list(where), name="id"), geometry=at, crs="EPSG:4547")


def lattice() -> gpd.GeoDataFrame:
    lines = [[(x, y), (x + 100, y)] for x in range(0, 500, 100) for y in range(0, 600, 100)]
    lines += [[(y, x), (y, x + 100)] for x in range(0, 500, 100) for y in range(0, 600, 100)]
    moved = [shapely.LineString([(530_000 + x, 3_380_000 + y) for x, y in line]) for line in lines]
    return gpd.GeoDataFrame(
        index=pd.Index([f"w{i}" for i in range(len(lines))], name="id"), geometry=moved, crs="EPSG:4547"
    )


def write_town(folder: Path) -> Path:
    homes = points(
        {"sw": (0, 0), "se": (500, 0), "ne": (500, 500)}, population=[1000, 2000, 4000], infants=[10, 20, 40]
    )
    layers = {
        "communities": homes,
        "childcare": points({"k1": (100, 0)}, places=[20]),
        "candidates": points({"s1": (500, 100), "s2": (500, 400)}, services=["childcare"] * 2),
        "streets": lattice(),
    }
    for name, frame in layers.items():
        st.write_layer(frame, folder / "town.gpkg", layer=name)
    (folder / "study.toml").write_text(RECIPE, encoding="utf-8")
    return folder / "study.toml"


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return st.run(st.Study.from_toml(write_town(tmp_path_factory.mktemp("town"))))


# Names

HOSTILE = [
    *(
        "../x",
        "a/b",
        "a\\b",
        "con",
        "NUL",
        "com1",
        "a\0b",
        "a\nb",
        "x" * 300,
        "{{7*7}}",
        "=cmd|' /C calc'!A0",
        "+1",
        "-1",
        "@x",
    ),
    *(
        "🙂",
        "a\u202eb",
        "\u200fa",
        "a b",
        "a.b",
        "",
        "a;b",
        "'",
        '"',
        "<b>",
        "a:b",
        "$x",
        "%00",
        "\x1b[2J",
        "\t",
        "\u200b",
    ),
    *("gpkg_contents", "rtree_x", "sqlite_master", "\ud800"),
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_refused_before_a_layer_is_read(tmp_path: Path, name: str) -> None:
    """No layer of this study exists."""
    if name != "\ud800":  # TOML holds no half of a pair
        quoted = json.dumps(name, ensure_ascii=False)
        for place, remedy in (("layers", r"\[layers\."), ("service", "no layer"), ("goal", r"\[\[goal\]\].* name")):
            recipe = {
                "layers": RECIPE.replace("childcare = {", f"{quoted} = {{", 1),
                "service": RECIPE.replace('service = "childcare"', f"service = {quoted}", 1),
                "goal": RECIPE.replace('"most-1"', quoted),
            }[place]
            (tmp_path / "study.toml").write_text(recipe, encoding="utf-8")
            with pytest.raises(SitingError) as told:
                st.Study.from_toml(tmp_path / "study.toml")
            assert re.search(remedy, str(told.value)) or "is empty" in str(told.value)
    with pytest.raises(SitingError, match=r"letters|device|GeoPackage"):
        check_name(name, "[layers]")


@given(text.from_regex(r"\w[\w-]{0,59}", fullmatch=True))
def test_accepted_names_are_names_of_files(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    try:
        check_name(name, "x")
    except SitingError:
        assert re.match(r"(?i)(con|prn|aux|nul|com\d|lpt\d)$|(gpkg|rtree|sqlite)_", name)
        return
    assert not set(name) & set('<>:"/\\|?*\0\n=+@{}')
    assert len(name.encode()) <= 240
    assert all(unicodedata.category(c)[0] in "LNPMS" for c in name)


@pytest.mark.parametrize("twin", ["Childcare", "childcare-b", "ｃhildcare_b"])
def test_layers_that_are_one_name_on_some_disk(tmp_path: Path, twin: str) -> None:
    first = "childcare" if twin == "Childcare" else "childcare_b"
    layers = f'"{first}" = {{ path = "a.gpkg" }}\n"{twin}" = {{ path = "a.gpkg" }}\n'
    recipe = RECIPE.replace("childcare = {", f"{layers}other = {{", 1)
    (tmp_path / "study.toml").write_text(recipe, encoding="utf-8")
    with pytest.raises(SitingError, match=r"are one name in files and columns; rename one"):
        st.Study.from_toml(tmp_path / "study.toml")


# Paths


OUTSIDE = [
    *("/data/town.gpkg", "../town.gpkg", "a/../../town.gpkg"),
    *(r"D:\数据\town.gpkg", r"\\server\x\town.gpkg", "D:town.gpkg", r"a\..\..\town.gpkg"),
]


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize("key", ["path", "mapping", "standard"])
def test_files_outside_are_asked_for(tmp_path: Path, path: str, key: str) -> None:
    recipe = {
        "path": RECIPE.replace('path = "town.gpkg", layer = "childcare"', f"path = {json.dumps(path)}"),
        "mapping": RECIPE.replace('layer = "childcare"', f"mapping = {json.dumps(path)}"),
        "standard": f"[study]\nstandard = {json.dumps(path + '.toml')}\n" + RECIPE,
    }[key]
    (tmp_path / "study.toml").write_text(recipe, encoding="utf-8")
    with pytest.raises(SitingError, match=r"leads out of the folder of the study; .* siting run --outside"):
        st.Study.from_toml(tmp_path / "study.toml")
    if key == "standard":  # it is looked for at once
        with pytest.raises(SitingError, match="there is no such file"):
            st.Study.from_toml(tmp_path / "study.toml", outside=True)
        return
    study = st.Study.from_toml(tmp_path / "study.toml", outside=True)
    if key == "path":
        assert study.layers["childcare"].path == tmp_path / path


@pytest.mark.parametrize("of", ["file", "folder"])
def test_links_that_lead_out(tmp_path: Path, of: str) -> None:
    folder, secret = tmp_path / "study", tmp_path / "secret"
    folder.mkdir()
    secret.mkdir()
    (secret / "town.gpkg").write_bytes(b"x")
    recipe = RECIPE.replace('path = "town.gpkg", layer = "childcare"', 'path = "in/town.gpkg"')
    (folder / "study.toml").write_text(recipe, encoding="utf-8")
    try:
        if of == "folder":
            (folder / "in").symlink_to(secret, target_is_directory=True)
        else:
            (folder / "in").mkdir()
            (folder / "in" / "town.gpkg").symlink_to(secret / "town.gpkg")
    except OSError:
        pytest.skip("no links here")
    with pytest.raises(SitingError, match="leads out of the folder"):
        st.Study.from_toml(folder / "study.toml")
    assert st.Study.from_toml(folder / "study.toml", outside=True).layers["childcare"].path.is_file()
    # A link that stays inside, and a study reached through a link, are no way out.
    shutil.rmtree(secret)
    inside = folder / "real"
    inside.mkdir()
    (folder / "in").unlink() if of == "folder" else shutil.rmtree(folder / "in")
    (folder / "in").symlink_to(inside, target_is_directory=True)
    st.Study.from_toml(folder / "study.toml")
    (tmp_path / "link").symlink_to(folder, target_is_directory=True)
    st.Study.from_toml(tmp_path / "link" / "study.toml")


@pytest.mark.parametrize("path", ["", 5, "a\0b", ["x"]])
def test_paths_that_are_none(tmp_path: Path, path: Any) -> None:
    recipe = RECIPE.replace('path = "town.gpkg", layer = "childcare"', f"path = {json.dumps(path)}")
    (tmp_path / "study.toml").write_text(recipe, encoding="utf-8")
    with pytest.raises(SitingError, match="not the name of a file"):
        st.Study.from_toml(tmp_path / "study.toml", outside=True)


# Columns


ADDED = {
    "communities": ["childcare_facility", "childcare_cost", "childcare_band", "most_1_site"],
    "candidates": [
        "plan_order",
        "plan_adds",
        "plan_share_after",
        "plan_within",
        "plan_people",
        "site",
        "goal",
        "id",
        "geometry",
    ],
}


def theirs(name: str) -> text.SearchStrategy[list[str]]:
    spelled = text.sampled_from(ADDED[name]).flatmap(lambda n: text.sampled_from([n, n.upper(), n.title(), f"{n}_2"]))
    return text.lists(spelled.filter(lambda n: n not in ("id", "geometry")), unique=True, max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(of_communities=theirs("communities"), of_candidates=theirs("candidates"))
def test_columns_of_the_user_stay(outcome: Outcome, of_communities: list[str], of_candidates: list[str]) -> None:
    plain = result_layers(outcome)
    layers = dict(outcome.layers)
    layers["communities"] = layers["communities"].assign(**{n: f"mine {n}" for n in of_communities})
    layers["candidates"] = layers["candidates"].assign(**{n: f"mine {n}" for n in of_candidates})
    made = result_layers(replace(outcome, layers=layers))
    for role, result in (("communities", "communities"), ("candidates", "candidates"), ("candidates", "proposed")):
        mine, frame = layers[role], made[result]
        names = [name.casefold() for name in frame.columns]
        assert len(set(names)) == len(names), "a GeoPackage has no two columns that differ in case"
        for name in mine.columns.drop("geometry"):
            values = set(frame[name]) if name in frame else set()
            if name.casefold() not in [other.casefold() for other in mine.columns if other != name] + [
                "id",
                "geometry",
            ]:
                assert values <= set(mine[name])
        # What is added is there with its values, under its own name or the next that is free.
        added = [name for name in plain[result].columns if name not in outcome.layers[role].columns]
        for name in added:
            stem = [other for other in frame.columns if re.fullmatch(rf"{name}(_\d+)*", other, re.IGNORECASE)]
            assert any(frame[other].equals(plain[result][name]) for other in stem), name


def test_a_column_that_is_taken_is_told(outcome: Outcome, caplog: pytest.LogCaptureFixture) -> None:
    """By hand: ne is 400 m from s1, which opens; the user's own costs stay."""
    homes = outcome.layers["communities"].assign(childcare_cost=[1.5, 2.5, 3.5])
    with caplog.at_level(logging.WARNING):
        made = result_layers(replace(outcome, layers={**outcome.layers, "communities": homes}))["communities"]
    assert made["childcare_cost"].tolist() == [1.5, 2.5, 3.5]
    assert made["childcare_cost_2"].iloc[0] == 100.0
    assert 'communities: columns of results whose names are taken are called "childcare_cost_2"' in caplog.text


def test_layers_of_the_user_stay(outcome: Outcome) -> None:
    layers = {
        **outcome.layers,
        "proposed": outcome.layers["candidates"],
        "areas_childcare": outcome.layers["childcare"],
    }
    made = result_layers(replace(outcome, layers=layers))
    assert made["proposed"].equals(outcome.layers["candidates"])
    assert made["areas_childcare"].equals(outcome.layers["childcare"])
    assert made["proposed_2"]["goal"].tolist() == ["most-1"]
    assert len(made["areas_childcare_2"]) == 2


def test_free_names_count_on() -> None:
    assert free_names(["a", "a", "A_2", "a_3"], ["A", "a_2"], "x") == ["a_4", "a_5", "A_2_2", "a_3"]


# Round


@pytest.mark.slow
def test_results_can_be_fed_back(outcome: Outcome, tmp_path: Path) -> None:
    """Each layer in its role, also proposed sites as candidates; three times, with the same answers."""
    outcome.write(tmp_path / "town-1")
    for n in (1, 2, 3):
        home = tmp_path / f"town-{n}"
        layer = "candidates" if n == 1 else "proposed"  # the second run gets the sites of the first
        recipe = RECIPE.replace("town.gpkg", "results.gpkg").replace('layer = "candidates"', f'layer = "{layer}"')
        (home / "study.toml").write_text(recipe, encoding="utf-8")
        again = st.run(st.Study.from_toml(home / "study.toml"))
        pd.testing.assert_frame_equal(again.coverage, outcome.coverage)
        assert again.proposals["most-1"].plan.share == outcome.proposals["most-1"].plan.share
        again.write(tmp_path / f"town-{n + 1}")
    last = tmp_path / "town-4"
    frame = st.read_layer(last / "results.gpkg", "communities", layer="communities")
    assert {"childcare_cost", "childcare_cost_2", "childcare_cost_3", "childcare_cost_4"} <= set(frame.columns)
    for name, _ in pyogrio.list_layers(last / "results.gpkg"):
        if name != "areas_childcare":  # areas of all facilities together have no role
            role = {"proposed": "candidates"}.get(name, name)
            assert len(st.read_layer(last / "results.gpkg", role, layer=name))
    assert gpd.read_file(last / "results.gpkg", layer="areas_childcare")["limit"].tolist() == [300.0, 100.0]


@pytest.mark.slow
def test_tables_can_be_read_back(outcome: Outcome, tmp_path: Path) -> None:
    """Ids and numbers of the CSV files are those of the results."""
    exact = dataclasses.replace(outcome, study=dataclasses.replace(outcome.study, headings="names"))
    exact.write(tmp_path / "out")
    plan = outcome.proposals["most-1"].plan
    read = {file.stem: pd.read_csv(file) for file in (tmp_path / "out" / "tables").glob("*.csv")}
    assert read["plan_most-1"]["site"].tolist() == list(plan.sites)
    pd.testing.assert_series_equal(
        read["assignment_most-1"].set_index("community")["cost"],
        plan.assignment["cost"],
        check_names=False,
        check_index_type=False,
    )
    keys = list(outcome.coverage.index.names)
    back = read["coverage"].set_index(keys)["share"]
    pd.testing.assert_series_equal(back, outcome.coverage["share"], check_index_type=False)
    # An assignment is a table of travel.
    table = (
        read["assignment_most-1"].dropna(subset="site").rename(columns={"community": "origin", "site": "destination"})
    )
    reach = st.Reach.from_pairs(
        table, origins=outcome.layers["communities"].index, destinations=["k1", *plan.sites], limit=100
    )
    assert len(reach) == len(table)
