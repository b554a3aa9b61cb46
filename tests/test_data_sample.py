"""The shipped sample district keeps what its page says of it."""

import importlib.util
import math
import shutil
from pathlib import Path

import geopandas as gpd
import networkx as nx
import pandas as pd
import pyogrio
import pytest
import shapely

FOLDER = Path(__file__).resolve().parents[1] / "data" / "sample"
FILE = FOLDER / "sample.gpkg"
COLUMNS = {
    "communities": [
        "id", "name", "population", "households", "elderly", "infants", "kind", "build_status",
        "employees", "siting_difficult", "low_demand", "district",
    ],
    "childcare": [
        "id", "name", "places", "inclusive_places", "enrolled", "facility_type", "floor_area",
        "open_to_neighbours", "district",
    ],
    "eldercare": [
        "id", "name", "beds", "nursing_beds", "cognitive_beds", "occupied", "facility_type",
        "floor_area", "public", "district",
    ],
    "candidates": [
        "id", "name", "services", "cost", "max_beds", "max_places", "floor_area", "kind",
        "district",
    ],
    "districts": ["id", "name", "level", "parent"],
    "streets": ["id", "highway", "length", "u", "v"],
}  # fmt: skip
POINTS = ["communities", "childcare", "eldercare", "candidates"]
FLAGS = {
    "communities": ["siting_difficult", "low_demand"],
    "childcare": ["open_to_neighbours"],
    "eldercare": ["public"],
}


@pytest.fixture(scope="module")
def layers() -> dict[str, gpd.GeoDataFrame]:
    return {name: gpd.read_file(FILE, layer=name) for name in COLUMNS}


@pytest.fixture(scope="module")
def parts(layers) -> pd.Series:
    """Length of the component that every street belongs to."""
    streets = layers["streets"]
    graph = nx.Graph(list(zip(streets["u"], streets["v"], strict=True)))
    label = {node: n for n, part in enumerate(nx.connected_components(graph)) for node in part}
    part = streets["u"].map(label)
    return streets["length"].groupby(part).sum().reindex(part).set_axis(streets.index)


def nearest_street(streets: gpd.GeoDataFrame, points: gpd.GeoDataFrame) -> pd.DataFrame:
    """Per point: row of its street, metres off it, metres along it from its first vertex."""
    row = streets.sindex.nearest(points.geometry, return_all=False)[1]
    lines, at = streets.geometry.to_numpy()[row], points.geometry.to_numpy()
    found = {
        "row": row,
        "off": shapely.distance(lines, at),
        "along": shapely.line_locate_point(lines, at),
    }
    return pd.DataFrame(found, index=points["id"])


def walk(streets: gpd.GeoDataFrame, origins, sites) -> pd.Series:
    """Metres from every origin to its nearest site along the streets, doors counted."""
    home, site = nearest_street(streets, origins), nearest_street(streets, sites)
    u, v, length = (streets[column].to_numpy() for column in ("u", "v", "length"))
    graph = nx.MultiGraph()
    for a, b, metres in zip(u, v, length, strict=True):
        graph.add_edge(a, b, length=metres)
    for s in site.itertuples():
        graph.add_edge("door", u[s.row], length=s.off + s.along)
        graph.add_edge("door", v[s.row], length=s.off + length[s.row] - s.along)
    graph = nx.DiGraph(
        (a, b, {"length": min(d["length"] for d in graph[a][b].values())})
        for a in graph
        for b in graph[a]
        if b != "door"  # nobody walks through a facility
    )
    cost = nx.single_source_dijkstra_path_length(graph, "door", weight="length")
    metres = {}
    for h in home.itertuples():
        by_u = cost.get(u[h.row], math.inf) + h.along
        by_v = cost.get(v[h.row], math.inf) + length[h.row] - h.along
        same = site[site["row"] == h.row]
        direct = (same["off"] + (same["along"] - h.along).abs()).min()
        metres[h.Index] = h.off + min(x for x in (by_u, by_v, direct) if not math.isnan(x))
    return pd.Series(metres)


def share(layers, weight: str, sites: gpd.GeoDataFrame, limit: float) -> float:
    homes = layers["communities"].set_index("id")
    metres = walk(layers["streets"], layers["communities"], sites)
    return homes.loc[metres[metres <= limit].index, weight].sum() / homes[weight].sum()


def test_file_is_small_and_complete():
    assert FILE.stat().st_size < 6_000_000
    assert set(gpd.list_layers(FILE)["name"]) == set(COLUMNS)


def test_reading_leaves_nothing_beside_the_file(tmp_path):
    copy = shutil.copy(FILE, tmp_path / "sample.gpkg")
    for name in COLUMNS:
        gpd.read_file(copy, layer=name)
    assert [path.name for path in tmp_path.iterdir()] == ["sample.gpkg"]


@pytest.mark.parametrize("name", COLUMNS)
def test_every_layer_says_what_it_is(name):
    told = pyogrio.read_info(FILE, layer=name)["layer_metadata"]
    assert told["attribution"] == "© OpenStreetMap contributors, ODbL 1.0"
    assert "合成" in told["notice_zh"]
    assert "synthetic" in told["notice_en"].lower()
    if name == "streets":
        assert "真实" in told["notice_zh"]
        assert "real OpenStreetMap" in told["notice_en"]


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_ids_and_geometry(layers, name):
    frame = layers[name]
    assert frame.columns.tolist() == [*COLUMNS[name], "geometry"]
    assert frame.crs.to_epsg() == 4547
    assert frame["id"].is_unique
    assert not frame.isna().any().any()
    kind = {"districts": "Polygon", "streets": "LineString"}.get(name, "Point")
    assert set(frame.geom_type) == {kind}
    assert frame.is_valid.all()
    assert not frame.is_empty.any()
    for flag in FLAGS.get(name, []):
        assert frame[flag].dtype == bool
    if name != "streets":
        assert frame["name"].is_unique
        assert (frame["name"] == frame["name"].str.strip()).all()
    assert (frame.select_dtypes("number") >= 0).all().all()


def test_counts(layers):
    homes = layers["communities"]
    assert 300 <= len(homes) <= 400
    assert 12 <= len(layers["districts"]) <= 16
    assert len(layers["childcare"]) == 35
    assert len(layers["eldercare"]) == 25
    assert 150 <= len(layers["candidates"]) <= 250
    assert homes["kind"].value_counts()[["park", "village"]].tolist() == [2, 6]
    assert set(homes["kind"]) == {"estate", "park", "village"}
    assert set(homes["build_status"]) == {"new", "existing"}


def test_districts_cover_the_area_without_gap_or_overlap(layers):
    districts, cells = layers["districts"], layers["districts"].geometry.to_numpy()
    assert shapely.coverage_is_valid(cells)
    area = districts.union_all()
    assert area.geom_type == "Polygon"
    assert not area.interiors
    assert districts.area.sum() == pytest.approx(area.area, abs=0.01)
    assert 25e6 <= area.area <= 40e6
    assert layers["streets"].within(area.buffer(0.01)).all()
    assert set(districts["level"]) == {"subdistrict", "township"}
    assert (districts["name"].str.endswith("镇") == (districts["level"] == "township")).all()
    assert set(districts["parent"]) == {"示例区"}


@pytest.mark.parametrize("name", POINTS)
def test_district_is_the_one_that_contains_the_point(layers, name):
    points, districts = layers[name], layers["districts"][["id", "geometry"]]
    found = points.sjoin(districts.rename(columns={"id": "in_"}), predicate="within")
    assert len(found) == len(points)
    assert (found["in_"] == found["district"]).all()


def test_streets_are_walkable_and_hang_together(layers, parts):
    streets = layers["streets"]
    assert not streets["highway"].str.contains("motorway|trunk").any()
    assert (streets["length"] - streets.length).abs().max() <= 0.0006
    assert (streets["length"] > 0).all()
    assert not streets.normalize().to_wkb().duplicated().any()
    largest = parts == parts.max()
    assert streets.loc[largest, "length"].sum() / streets["length"].sum() > 0.97


def test_node_ids_agree_with_where_lines_end(layers):
    streets = layers["streets"]
    lines = streets.geometry.to_numpy()
    ends = pd.DataFrame(
        {
            "node": pd.concat([streets["u"], streets["v"]], ignore_index=True),
            "at": [*map(str, shapely.get_point(lines, 0)), *map(str, shapely.get_point(lines, -1))],
        }
    )
    pairs = ends.drop_duplicates()
    assert pairs["node"].is_unique
    assert pairs["at"].is_unique


@pytest.mark.parametrize("name", POINTS)
def test_points_stand_beside_a_street_of_the_main_component(layers, parts, name):
    near = nearest_street(layers["streets"], layers[name])
    assert near["off"].between(10, 60).all()
    apart = parts.to_numpy()[near["row"]] < parts.max()
    assert apart.sum() == (2 if name == "communities" else 0)
    page = (FOLDER / "README.md").read_text("utf-8")
    for told in layers[name]["id"][apart] + " " + layers[name]["name"][apart]:
        assert told in page


def test_people(layers):
    homes = layers["communities"]
    people = homes["population"].sum()
    assert 250_000 <= people <= 400_000
    assert people / homes["households"].sum() == pytest.approx(2.33, abs=0.03)
    assert 0.22 <= homes["elderly"].sum() / people <= 0.26
    assert 0.022 <= homes["infants"].sum() / people <= 0.024
    assert (homes["elderly"] + homes["infants"] < homes["population"]).all()
    assert (homes[["population", "households"]] > 0).all().all()


def test_old_quarters_new_estates_villages_and_parks_differ(layers):
    homes = layers["communities"]
    new, village = homes["build_status"] == "new", homes["kind"] == "village"
    park, old = homes["kind"] == "park", (homes["kind"] == "estate") & ~new
    assert homes.loc[old, "households"].between(300, 1500).all()
    assert homes.loc[new, "households"].between(800, 4500).all()
    assert homes.loc[village, "households"].between(90, 400).all()
    assert homes.loc[park, "employees"].between(8_000, 24_000).all()
    assert (homes.loc[~park, "employees"] < 1_000).all()
    aged, young = (homes[column] / homes["population"] for column in ("elderly", "infants"))
    assert aged[old].between(0.26, 0.32).all()
    assert aged[new].between(0.12, 0.18).all()
    assert young[new].min() > young[old].max()
    middle = homes[old].union_all().centroid
    away = homes.distance(middle)
    assert away[old].median() < away[new].median()
    assert away[old].median() < away[village].median()


def test_marked_communities(layers):
    homes = layers["communities"]
    difficult, low = homes["siting_difficult"], homes["low_demand"]
    assert difficult.mean() == pytest.approx(0.08, abs=0.01)
    assert low.mean() == pytest.approx(0.08, abs=0.01)
    assert not (difficult & low).any()
    assert (homes.loc[difficult, "build_status"] == "existing").all()
    assert low[homes["kind"] == "village"].sum() == 5


def test_childcare(layers):
    child, people = layers["childcare"], layers["communities"]["population"].sum()
    places = child["places"].sum()
    assert 3.2 <= places / people * 1000 <= 3.4
    assert 0.48 <= child["inclusive_places"].sum() / places <= 0.55
    assert (child["inclusive_places"] <= child["places"]).all()
    assert (child["enrolled"] / child["places"]).between(0.45, 0.75).all()
    assert child["facility_type"].nunique() == 5
    at_home, at_work = (child["facility_type"] == kind for kind in ("家庭托育点", "用人单位托育"))
    assert (child.loc[at_home, "places"] <= 5).all()
    assert child.loc[~at_work, "open_to_neighbours"].all()
    assert child.loc[at_work, "open_to_neighbours"].nunique() == 2
    assert (child["floor_area"] / child["places"]).between(5, 20).all()
    empty = ~layers["districts"]["id"].isin(child["district"])
    assert empty.sum() == 3


def test_eldercare(layers):
    elder, elderly = layers["eldercare"], layers["communities"]["elderly"].sum()
    beds = elder["beds"].sum()
    assert 24 <= beds / elderly * 1000 <= 26
    assert 0.50 <= elder["nursing_beds"].sum() / beds <= 0.56
    assert 6 <= elder["cognitive_beds"].sum() / elderly * 10_000 <= 14
    assert (elder["occupied"] / elder["beds"]).between(0.45, 0.80).all()
    assert (elder["cognitive_beds"] <= elder["nursing_beds"]).all()
    assert (elder["nursing_beds"] <= elder["beds"]).all()
    assert elder["facility_type"].nunique() == 5
    assert elder["public"].nunique() == 2
    institution = elder["facility_type"] == "养老机构"
    assert elder.loc[institution, "beds"].min() > elder.loc[~institution, "beds"].max()
    assert (elder["floor_area"] / elder["beds"]).between(15, 65).all()


def test_candidates(layers):
    sites = layers["candidates"]
    for service, column in (("childcare", "max_places"), ("eldercare", "max_beds")):
        offers = sites["services"].str.contains(service)
        assert (offers == (sites[column] > 0)).all()
    assert set(sites["services"]) == {"childcare", "eldercare", "childcare;eldercare"}
    assert sites["kind"].nunique() == 5
    price = (sites["cost"] / sites["floor_area"]).groupby(sites["kind"]).mean()
    assert price.idxmax() == "闲置用地"
    assert price.idxmin() == "社区用房"
    assert (sites["cost"] > 0).all()


@pytest.mark.slow
def test_reach_of_childcare_leaves_something_to_do(layers):
    child, sites = layers["childcare"], layers["candidates"]
    offers = sites[sites["services"].str.contains("childcare")]
    both = pd.concat([child[["id", "geometry"]], offers[["id", "geometry"]]], ignore_index=True)
    assert 0.25 <= share(layers, "infants", child, 300) <= 0.40
    assert 0.65 <= share(layers, "infants", child, 800) <= 0.85
    assert share(layers, "infants", both, 300) < 0.9
    assert 0.9 <= share(layers, "infants", both, 500) < 1
    assert share(layers, "infants", both, 800) < 1


@pytest.mark.slow
@pytest.mark.parametrize(("service", "weight"), [("childcare", "infants"), ("eldercare", "elderly")])
def test_page_agrees_with_a_second_derivation(layers, service, weight):
    page = (FOLDER / "README.md").read_text("utf-8")
    found = [f"{share(layers, weight, layers[service], metres):.1%}" for metres in (300, 500, 800)]
    assert f"of {service} | {' / '.join(found)} |" in page


@pytest.mark.slow
def test_page_shows_what_the_file_holds(layers):
    spec = importlib.util.spec_from_file_location("measure_sample", FOLDER / "measure_sample.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = (FOLDER / "README.md").read_text("utf-8")
    for label, value in module.measure(layers).items():
        assert f"| {label} | {value} |" in page


def test_licence_is_beside_the_data():
    text = (FOLDER / "LICENSE-ODbL.txt").read_text("utf-8")
    assert "Open Database License (ODbL)" in text
    assert "10.4 Choice of law" in text
    assert "neatnet" in (FOLDER / "LICENSE.md").read_text("utf-8")
    assert "© OpenStreetMap contributors" in (FOLDER / "README.md").read_text("utf-8")
