"""Whom a clause speaks of: communities of several estates, administrative villages, townships that one facility serves.

The town is a lattice of 100 m blocks, so that the walk between two crossings is the sum of their differences.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

import siting as st
from siting.judge.layers.context import Context
from siting.judge.layers.judged_units import by_units

Layers = dict[str, gpd.GeoDataFrame]
Make = Callable[..., gpd.GeoDataFrame]


def rule(kind: str = "coverage_share", **values: Any) -> st.Rule:
    given = {"service": "eldercare", "indicator_zh": "甲", "indicator_en": "a", "operator": ">=", "value": 100.0}
    return st.Rule(**{"id": "r", "kind": kind, **given, **values})


def audit(*rules: st.Rule, layers: Layers, **options: Any) -> st.Audit:
    return st.audit(st.Standard("demo", "示范", "Demo", rules), layers, **options)


def judged(one: st.Rule, layers: Layers, **options: Any) -> dict[str, Any]:
    table = audit(one, layers=layers, **options).table
    assert len(table) == 1
    return dict(table.iloc[0])


def box(x0: float, x1: float, y0: float = -50, y1: float = 550) -> shapely.Polygon:
    return shapely.box(530_000 + x0, 3_380_000 + y0, 530_000 + x1, 3_380_000 + y1)


def areas(crs: Any, rows: dict[str, tuple[str, str, shapely.Polygon]], **columns: list[object]) -> gpd.GeoDataFrame:
    names, kinds, shapes = zip(*rows.values(), strict=True)
    index = pd.Index(list(rows), name="id")
    return gpd.GeoDataFrame({"name": names, "kind": kinds, **columns}, geometry=list(shapes), index=index, crs=crs)


def halves(crs: Any) -> gpd.GeoDataFrame:
    """A township in the west and one in the east."""
    index = pd.Index(["w", "e"], name="id")
    return gpd.GeoDataFrame(
        {"name": ["西镇", "东镇"], "level": "township"}, geometry=[box(-50, 250), box(250, 550)], index=index, crs=crs
    )


@pytest.fixture
def town(layer: Make) -> Layers:
    """Estates a and b of 甲 and c of 乙 in the south, the villages d and e in the north; the centre x stands at a."""
    homes = layer(
        {"a": (0, 0), "b": (200, 0), "c": (500, 0), "d": (0, 500), "e": (500, 500)},
        population=[600, 500, 900, 300, 200],
        elderly=[100, 100, 100, 100, 50],
        infants=[10, 10, 10, 5, 5],
        households=[200, 150, 300, 100, 70],
        kind=["estate", "estate", "estate", "village", "village"],
        build_status=["new", "existing", "existing", "existing", "existing"],
        community_area=["甲", "甲", "乙", "", ""],
        village=["", "", "", "丙村", "丁村"],
    )
    return {"communities": homes, "eldercare": layer({"x": (0, 0)}, beds=[10], facility_type=["日间照料中心"])}


def without_units(town: Layers) -> Layers:
    return {**town, "communities": town["communities"].drop(columns=["community_area", "village"])}


# Communities of several estates


def test_communities_are_judged_and_not_their_estates(town: Layers, town_network: st.Network) -> None:
    """x is beside a, thus in 甲; nothing is within 100 m of the one estate of 乙."""
    one = rule(applies_to="urban_community", metres=100.0)
    row = judged(one, town, network=town_network)
    assert (row["value"], row["needed"], row["needs"]) == (50, 1, "community_areas")
    assert row["basis"] == "2 个社区中，步行 100 米内有设施的 1 个"
    assert row["reason"].endswith("：乙")
    found = audit(one, layers=town, network=town_network).units("r")["fulfils"]
    assert dict(found) == {"甲": True, "乙": False}


def test_estates_that_stand_for_communities_are_told(town: Layers, town_network: st.Network) -> None:
    row = judged(rule(applies_to="urban_community", metres=100.0), without_units(town), network=town_network)
    assert (row["value"], row["needs"]) == (pytest.approx(100 / 3), "communities")
    assert row["basis"].startswith("3 个小区中，")
    assert "3 个小区未注明所属社区" in row["basis"]
    assert row["basis"].endswith("所属社区（community_area），或图层：社区与行政村（community_areas）")
    assert "3 estates are judged as communities" in row["basis_en"]
    some = {**town, "communities": town["communities"].assign(community_area=["甲", "甲", "", "", ""])}
    row = judged(rule(applies_to="urban_community", metres=100.0), some, network=town_network)
    assert (row["value"], row["needs"]) == (50, "community_areas")
    assert "1 个小区未注明所属社区" in row["basis"]


def test_a_row_may_be_a_whole_community(town: Layers, town_network: st.Network) -> None:
    town["communities"]["kind"] = ["community", "community", "community", "village", "village"]
    row = judged(rule(applies_to="urban_community", metres=100.0), without_units(town), network=town_network)
    assert row["basis"] == "3 个社区中，步行 100 米内有设施的 1 个"
    owing = rule(
        "households_per_facility", applies_to="existing_residential", operator="range", value=100.0, value_max=200.0
    )
    assert judged(owing, without_units(town), network=town_network)["status"] == "not_applicable", "none is an estate"


def test_two_communities_of_one_name_are_two(town: Layers, town_network: st.Network) -> None:
    homes = town["communities"].assign(
        community_area=["和平", "和平", "和平", "", ""], district=["w", "w", "e", "w", "e"]
    )
    one = rule(applies_to="urban_community", metres=100.0)
    found = audit(one, layers={**town, "communities": homes}, network=town_network)
    assert found.table["value"][0] == 50
    assert dict(found.units("r")["fulfils"]) == {"和平（w）": True, "和平（e）": False}
    placed = {**town, "communities": homes.drop(columns="district"), "districts": halves(homes.crs)}
    assert judged(one, placed, network=town_network)["reason"].endswith("：和平（东镇）")
    named = town["eldercare"].assign(community_area="和平")  # lies in the west, so it is the western one's
    assert judged(rule(applies_to="urban_community", metres=10.0), {**placed, "eldercare": named},
                  network=town_network)["reason"].endswith("：和平（东镇）")  # fmt: skip


def test_estates_fall_into_areas_and_an_area_without_any_counts(
    town: Layers, town_network: st.Network, layer: Make
) -> None:
    """a and b lie in 甲, c in 乙; 戊 has no estate, but the centre y."""
    crs = town["communities"].crs
    drawn = areas(
        crs,
        {
            "1": ("甲", "community", box(-50, 250, -50, 50)),
            "2": ("乙", "community", box(450, 550, -50, 50)),
            "3": ("戊", "community", box(250, 450, 200, 300)),
            "4": ("丙村", "village", box(-50, 50, 450, 550)),
        },
    )
    care = layer({"x": (0, 0), "y": (300, 250)}, beds=[10, 10], facility_type=["日间照料中心"] * 2)
    layers = {**without_units(town), "community_areas": drawn, "eldercare": care}
    one = rule(applies_to="urban_community", metres=10.0)
    found = audit(one, layers=layers, network=town_network)
    assert dict(found.units("r")["fulfils"]) == {"1": True, "2": False, "3": True}
    assert found.table["basis"][0] == "3 个社区中，步行 10 米内有设施的 2 个"
    assert found.table["reason"][0].endswith("：乙")
    flagged = layers | {"community_areas": drawn.assign(complete_community=[False, True, True, False])}
    complete = audit(rule(applies_to="complete_community", metres=10.0), layers=flagged, network=town_network)
    assert dict(complete.units("r")["fulfils"]) == {"2": False, "3": True}, "the mark stands in the layer of areas"
    named = layers["communities"].assign(community_area=["1", "甲", "乙", "", ""])  # ids and names
    same = audit(one, layers={**layers, "communities": named}, network=town_network)
    assert dict(same.units("r")["fulfils"]) == {"1": True, "2": False, "3": True}


def test_parts_of_a_city_have_their_own_communities(town: Layers, town_network: st.Network) -> None:
    crs = town["communities"].crs
    town["districts"] = halves(crs)
    town["community_areas"] = areas(crs, {"3": ("戊", "community", box(300, 400, 200, 300))})
    table = audit(
        rule(applies_to="urban_community", metres=100.0), layers=town, network=town_network, by="district"
    ).table
    assert table.set_index("area")["value"].to_dict() == {"all": pytest.approx(100 / 3), "w": 100, "e": 0}
    assert table.set_index("area")["basis"]["e"] == "2 个社区中，步行 100 米内有设施的 0 个"  # 乙 and the empty 戊


def test_an_area_whose_estates_lie_in_another_district_is_not_empty(town: Layers, town_network: st.Network) -> None:
    """The area of 乙 is drawn in the west, its estate c stands in the east."""
    town["districts"] = halves(town["communities"].crs)
    town["community_areas"] = areas(town["districts"].crs, {"2": ("乙", "community", box(0, 50, 200, 300))})
    town["communities"]["community_area"] = ["甲", "甲", "2", "", ""]
    one = rule(applies_to="urban_community", metres=100.0)
    table = audit(one, layers=town, network=town_network, by="district").table.set_index("area")
    assert table["value"].to_dict() == {"all": 50, "w": 100, "e": 0}


def test_a_duty_of_communities_begins_with_the_residents_of_all_their_estates(
    town: Layers, town_network: st.Network
) -> None:
    """甲 has 600 + 500 residents and the centre, 乙 900; no estate alone has 1000."""
    one = rule("population_trigger", value=1000.0, unit="residents", applies_to="community")
    row = judged(one, town, network=town_network)
    assert (row["value"], row["target"], row["status"]) == (1, 1, "met")
    assert judged(one, without_units(town), network=town_network)["status"] == "not_applicable"
    owed = st.provision(st.Standard("demo", "示范", "Demo", (one,)), town["communities"]).set_index("community")
    assert owed["facilities"].to_dict() == {"甲": 1, "乙": 0, "丙村": 0, "丁村": 0}
    assert owed["amount"].to_dict() == {"甲": 1100, "乙": 900, "丙村": 300, "丁村": 200}


def test_a_blank_number_is_told_by_its_row(town: Layers, town_network: st.Network) -> None:
    town["communities"]["population"] = [600, None, 900, 300, 200]
    one = rule("population_trigger", value=1000.0, unit="residents", applies_to="community")
    with pytest.raises(st.errors.LayerError, match='"population" is blank in 1 row: "b"; fill'):
        judged(one, town, network=town_network)


def test_a_mark_of_one_estate_is_its_communitys(town: Layers) -> None:
    town["communities"]["friendly"] = [True, False, False, True, False]
    one = rule("count_target", layer="communities", where={"friendly": True}, unit="communities", value=3.0,
               applies_to="community")  # fmt: skip
    row = judged(one, town)
    assert (row["value"], row["needed"], row["needs"], row["unit"]) == (2, 1, "villages_or_communities", "communities")
    alone = judged(one, without_units(town))
    assert (alone["value"], alone["unit"]) == (2, "estates_or_villages")
    assert "3 个小区未注明所属社区" in alone["basis"]
    share = rule(layer="communities", part={"friendly": True}, applies_to="urban_community", value=50.0)
    assert (judged(share, town)["value"], judged(share, town)["status"]) == (50, "met")


def test_a_community_is_inside_a_circle_when_all_its_estates_are(town: Layers, town_network: st.Network) -> None:
    """a stands at x, b walks 200 m, c 500 m; people are counted where they live."""
    one = rule("service_radius", operator="<=", value=100.0, unit="m", applies_to="urban_community")
    table = audit(one, layers=town, network=town_network).table.set_index("needs")
    assert table.loc["persons", "value"] == pytest.approx(100 / 3)  # 100 of 300 elderly: a
    assert table.loc["community_areas", "value"] == 0
    wide = audit(rule("service_radius", operator="<=", value=200.0, unit="m", applies_to="urban_community"),
                 layers=town, network=town_network).table.set_index("needs")  # fmt: skip
    assert wide.loc["community_areas", ["value", "needed"]].tolist() == [50, 1]
    assert "全部小区" in wide.loc["community_areas", "basis"]
    one = rule("service_radius", operator="<=", value=100.0, unit="m", applies_to="community", judged_by="estate")
    estates = audit(one, layers=town, network=town_network).table.set_index("needs")
    assert estates.loc["communities", "value"] == 20  # 1 of 5


# What covers a unit


def test_one_of_their_own_is_nobody_elses(town: Layers, town_network: st.Network, layer: Make) -> None:
    """The centre stands beside a of 甲 but says 乙."""
    town["eldercare"]["community_area"] = ["乙"]
    near, own = (rule(applies_to="urban_community", metres=100.0, covered_by=how) for how in ("walk", "own"))
    assert dict(audit(near, layers=town, network=town_network).units("r")["fulfils"]) == {"甲": True, "乙": True}
    found = audit(own, layers=town)  # all say whose they are: no streets are needed
    assert dict(found.units("r")["fulfils"]) == {"甲": False, "乙": True}
    assert (found.table["metric"][0], found.table["basis"][0][:11]) == ("", "2 个社区中，建有设施")
    two = {**town, "eldercare": layer({"x": (0, 0), "y": (0, 500)}, beds=[1, 1], community_area=["乙", ""])}
    walked = audit(own, layers=two, network=town_network).units("r")["fulfils"]
    assert dict(walked) == {"甲": False, "乙": True}, "also where another one has to be looked for"
    town["eldercare"]["community_area"] = [""]
    assert dict(audit(own, layers=town, network=town_network).units("r")["fulfils"]) == {"甲": True, "乙": False}


def test_a_facility_of_an_estate_is_of_its_community(town: Layers) -> None:
    town["eldercare"]["community"] = ["c"]
    found = audit(rule(applies_to="urban_community", covered_by="own"), layers=town)
    assert dict(found.units("r")["fulfils"]) == {"甲": False, "乙": True}


def test_words_that_are_no_community_are_told(town: Layers, town_network: st.Network, caplog: Any) -> None:
    town["eldercare"]["community_area"] = ["己社区"]
    with caplog.at_level(logging.WARNING):
        row = judged(rule(applies_to="urban_community", metres=100.0, covered_by="own"), town, network=town_network)
    assert row["value"] == 50, "it counts where it lies"
    assert "eldercare: 1 row names communities or villages that are not there" in caplog.text
    assert "己社区" in caplog.text


def test_villages_and_communities(town: Layers, town_network: st.Network, layer: Make) -> None:
    """Learning points in 甲 and 丙村, of four villages and communities; hamlets are of their village."""
    town["elder_schools"] = layer({"p": (0, 0), "q": (0, 500)}, facility_type=["老年学习点"] * 2)
    one = rule(
        applies_to="administrative_village",
        judged_by="village_or_community",
        layer="elder_schools",
        value=33.33,
        covered_by="own",
    )
    row = judged(one, town, network=town_network)
    assert (row["value"], row["status"]) == (50, "met")
    assert row["basis"].startswith("4 个村（社区）中，建有设施的 2 个")
    villages = rule(applies_to="administrative_village", layer="elder_schools")
    assert judged(villages, town, network=town_network)["basis"].startswith("2 个行政村中，")
    town["communities"]["village"] = ["", "", "", "丙村", "丙村"]
    assert judged(villages, town, network=town_network)["value"] == 100, "two hamlets of one village"
    told = judged(villages, without_units(town), network=town_network)
    assert told["value"] == 50
    assert "2 个村按图层逐个作为行政村" in told["basis"]


@pytest.mark.parametrize(("name", "part", "layer_name"), [
    ("quzhou", "quzhou.eldercare.meal_villages.2025", "meals"),
    ("shijiazhuang", "shijiazhuang.education.elder_learning_village", "elder_schools"),
])  # fmt: skip
def test_clauses_that_name_villages_and_communities(
    town: Layers, town_network: st.Network, layer: Make, name: str, part: str, layer_name: str
) -> None:
    """One of 甲, 乙, 丙村 and 丁村 has it."""
    town["communities"]["meal_demand"] = True
    town[layer_name] = layer({"p": (500, 500)}, facility_type=["老年学习点"])
    row = st.audit(st.load_standard(name).select(rule=part), town, network=town_network).table.iloc[0]
    assert row["value"] == 25
    assert row["basis"].startswith("4 个村（社区）中，")


def test_complete_communities_are_those_of_new_and_of_existing_estates(
    town: Layers, town_network: st.Network, layer: Make
) -> None:
    """a is new and owes 15 m² for 100 households, b and c 10 m²: 甲 owes 30 + 15 m² and has 45, 乙 owes 30, has 0."""
    town["communities"]["complete_community"] = [True, True, True, False, False]
    town["childcare"] = layer({"k": (0, 0)}, floor_area=[45.0], places=[10])
    areas_ = [rule("provision_area_per_100_households", id=f"area.{build}", value=per, service="childcare",
                   unit="m2_per_100_households", applies_to=f"{build}_residential")
              for build, per in (("new", 15.0), ("existing", 10.0))]  # fmt: skip
    one = rule(
        id="met", service="childcare", applies_to="complete_community", meets=["area.existing", "area.new"], value=50.0
    )

    def share(area: float) -> tuple[float, str]:
        town["childcare"]["floor_area"] = area
        row = audit(one, *areas_, layers=town, network=town_network).table.set_index("rule").loc["met"]
        return row["value"], row["basis"]

    assert share(45.0) == (50, "应配建的 2 个完整社区中，已配足的 1 个")
    assert share(44.0)[0] == 0
    rows = audit(one, *areas_, layers=without_units(town), network=town_network).table.set_index("rule")
    assert rows.loc["met", "value"] == pytest.approx(100 / 3)  # a owes 30 and has 44; b and c have none


def test_a_partner_of_any_layer_will_do(town: Layers, town_network: st.Network, layer: Make) -> None:
    one = rule("bed_threshold_rule", value=100.0, operator="<", unit="beds", other=["health_centres", "medical"])
    town["health_centres"] = layer({"h": (500, 500)}, capacity=[1])
    row = judged(one, town, network=town_network)
    assert row["value"] == 0
    assert "medical" in row["basis_en"], "a layer that is not there is told"
    town["medical"] = layer({"m": (100, 0)}, capacity=[1])
    row = judged(one, town, network=town_network)
    assert row["value"] == 100
    assert "not there" not in row["basis_en"]
    none = {name: frame for name, frame in town.items() if name not in ("health_centres", "medical")}
    assert judged(one, none, network=town_network)["status"] == "no_data"


# Townships that an institution serves


@pytest.fixture
def county(layer: Make) -> Layers:
    """Four townships in a row, A and B of the county p, C and D of q; the consortium u lies in A, v in C."""
    care = layer({"u": (50, 50), "v": (250, 50)}, beds=[10, 10], consortium=[True, True], serves=["", ""])
    towns = gpd.GeoDataFrame(
        {"name": ["甲镇", "乙镇", "丙镇", "丁镇", "东县", "西县"], "level": ["township"] * 4 + ["county"] * 2,
         "parent": ["p", "p", "q", "q", "", ""]},
        geometry=[*(box(100 * k, 100 * k + 100, 0, 100) for k in range(4)), box(0, 200, 0, 100), box(200, 400, 0, 100)],
        index=pd.Index([*"ABCD", "p", "q"], name="id"), crs=care.crs,
    )  # fmt: skip
    return {"districts": towns, "eldercare": care, "communities": layer({"a": (50, 50)}, population=[1])}


SERVED = rule(applies_to="township", where={"consortium": True}, covered_by="service_area")


def served(layers: Layers, cells: list[str]) -> dict[str, Any]:
    care = layers["eldercare"].assign(serves=cells)
    return judged(SERVED, {**layers, "eldercare": care})


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        (["", ""], 50),  # where they lie
        (["甲镇、乙镇", "C;D"], 100),
        (["乙镇", ""], 75),  # its own township and the one it serves
        (["西县", ""], 75),  # all townships of the county
        (["p，D", ""], 100),
        (["乙镇", "乙镇"], 75),
    ],
)
def test_townships_that_a_consortium_serves(county: Layers, cells: list[str], value: float) -> None:
    row = served(county, cells)
    assert row["value"] == value
    assert "serves" not in row["basis"]


def test_words_that_are_no_township_are_told(county: Layers, caplog: Any) -> None:
    with caplog.at_level(logging.WARNING):
        row = served(county, ["乙镇;戊镇", "庚镇"])
    assert row["value"] == 75
    assert "戊镇、庚镇" in row["basis"]
    assert 'eldercare: "serves" names no district' in caplog.text
    county["districts"]["name"] = ["甲镇", "城关镇", "丙镇", "城关镇", "东县", "西县"]
    assert served(county, ["城关镇", ""])["value"] == 75, "that of its own county"
    flat = {**county, "districts": county["districts"].iloc[:4].drop(columns="parent")}
    assert "城关镇" in served(flat, ["城关镇", ""])["basis"], "which of the two is not guessed"


def test_service_areas_as_polygons(county: Layers) -> None:
    """u serves A and 60 m of the 100 m of B; v's area leaves 60 m of D out."""
    drawn = gpd.GeoDataFrame({"facility": ["u", "v"]}, geometry=[box(0, 160, 0, 100), box(200, 340, 0, 100)],
                             crs=county["districts"].crs)  # fmt: skip
    layers = {**county, "eldercare": county["eldercare"].drop(columns="serves"), "service_areas": drawn}
    assert judged(SERVED, layers)["value"] == 75
    other = {**layers, "service_areas": drawn.assign(facility=["somebody", "else"])}
    row = judged(SERVED, other)
    assert row["value"] == 50
    assert "都不在" in row["basis"]
    plain = {name: frame for name, frame in layers.items() if name != "service_areas"}
    row = judged(SERVED, plain)
    assert row["value"] == 50
    assert "serves" in row["basis"], "what would tell more is said"
    assert "service_areas" in row["basis_en"]


def test_districts_are_served_from_other_districts(county: Layers) -> None:
    care = county["eldercare"].assign(serves=["B", ""])
    table = audit(SERVED, layers={**county, "eldercare": care}, by="district").table.set_index("area")
    assert table["value"].to_dict() == {"all": 75, "A": 100, "B": 100, "C": 100, "D": 0}
    asked = audit(rule(applies_to="township", covered_by="own"), layers={**county, "eldercare": care}).table
    assert asked["value"][0] == 50, "presence is asked, not service"


def test_hubs_tell_the_townships_that_they_serve(county: Layers, town_network: st.Network) -> None:
    """u lies in A and serves B, v lies in C; what they serve is told beside the ways from the villages."""
    county["communities"] = county["communities"].assign(kind="village")
    one = rule("hub_and_spoke", applies_to="rural", role="principle", operator="", value=None)

    def basis(cells: list[str] | None) -> str:
        care = county["eldercare"].drop(columns="serves") if cells is None else county["eldercare"].assign(serves=cells)
        return str(audit(one, layers={**county, "eldercare": care}, network=town_network).figures["basis"][0])

    assert "4 个街道（乡镇）中，在其服务范围内的 1 个" in basis(["乙镇", ""])
    assert "服务范围" not in basis(None)


def test_a_facility_may_name_its_county(county: Layers, layer: Make) -> None:
    care = pd.DataFrame({"beds": [1, 1], "district": ["西县", "甲镇"]}, index=pd.Index(["u", "v"], name="id"))
    one = rule("count_per_area", applies_to="county", value=1.0, unit="facilities_per_county")
    found = audit(one, layers={**county, "eldercare": care})
    assert dict(found.units("r")["fulfils"]) == {"p": True, "q": True}


# Headings


def test_headings_of_communities_and_villages(layer: Make) -> None:
    both = layer({"1": (0, 0)}, 小区名称=["一号院"], 社区名称=["和平社区"], 行政村=[""], 人口=[10])
    found = st.check_layer(both, "communities")
    assert found[["name", "community_area"]].iloc[0].tolist() == ["一号院", "和平社区"]
    alone = st.check_layer(layer({"1": (0, 0)}, 社区名称=["和平社区"], 人口=[10], 类型=["社区"]), "communities")
    assert alone[["name", "kind"]].iloc[0].tolist() == ["和平社区", "community"]
    assert "community_area" not in alone
    care = layer({"1": (0, 0)}, 床位=[10], 所属社区=["和平社区"], 服务范围=["甲镇、乙镇"], 层级=["县级"])
    assert st.check_layer(care, "eldercare")[["community_area", "serves", "level"]].iloc[0].tolist() == [
        "和平社区", "甲镇、乙镇", "county"]  # fmt: skip


@pytest.mark.parametrize(("key", "word"), [("judged_by", "street"), ("covered_by", "bus")])
def test_words_that_are_not_known_are_refused(key: str, word: str) -> None:
    with pytest.raises(st.errors.StandardError, match=f'{key} is "{word}"; choose one of'):
        rule(**{key: word})


def test_units_hold_the_sums_marks_and_words_of_their_rows_and_areas_without_rows_hold_none(
    layer: Callable[..., gpd.GeoDataFrame],
) -> None:
    homes = layer(
        {"a": (0, 0), "b": (100, 0), "c": (200, 0)},
        community_area=["A", "A", None],
        kind="estate",
        population=[100, 50, 30],
        friendly=[False, True, False],
        note=["甲", "乙", "丙"],
    )
    areas = layer({"A": (0, 0), "E": (900, 900)}, name=["甲社区", "空社区"], model=[True, False], size=[1.5, 2.5])
    rule = st.Rule("x.a", "coverage_share", "childcare", "甲", "A", operator=">=", value=90, judged_by="community")
    context = Context({"communities": homes, "community_areas": areas}, None, None, {}, 300.0, 250.0, (rule,))
    units = by_units(rule, context).layer("communities")
    assert units.index.tolist() == ["A", "c", "E"]
    assert units["population"].tolist() == [150, 30, 0]
    assert units["friendly"].tolist() == [True, False, False]
    assert units["note"].tolist() == ["甲;乙", "丙", ""]
    assert units["kind"].tolist() == ["estate", "estate", "community"]
    assert units["name"].tolist() == ["甲社区", "c", "空社区"]
    assert units["model"].tolist() == [True, False, False]
    assert units["model"].dtype == bool
    assert units["size"].fillna(0).tolist() == [1.5, 0, 2.5]
