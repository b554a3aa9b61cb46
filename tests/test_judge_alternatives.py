"""What centres offer, facilities of which one is enough, and institutions that are up to a standard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

import siting as st
from siting.data import check_layer

Layers = dict[str, gpd.GeoDataFrame]
Layer = Callable[..., gpd.GeoDataFrame]


@pytest.fixture
def town(layer: Layer) -> Layers:
    """Two estates and two villages in two subdistricts; centres 100 m from `a`, 300 m from `b`, and at `d`."""
    homes = layer(
        {"a": (0, 0), "b": (300, 0), "c": (200, 200), "d": (500, 500)},
        population=[1000, 500, 300, 200],
        kind=["estate", "estate", "village", "village"],
        meal_demand=[True, True, False, True],
    )
    centres = layer({"x": (0, 100), "y": (300, 300), "z": (500, 500)}, beds=[0, 50, 0],
                    offers=["助餐、日托", "全托", "bathing;meals"])  # fmt: skip
    towns = gpd.GeoDataFrame(
        {"name": ["西街道", "东街道"], "level": ["subdistrict"] * 2, "parent": ["p", "q"]},
        geometry=[shapely.box(529_950 + x, 3_379_950, 529_950 + x + 300, 3_380_550) for x in (0, 300)],
        index=pd.Index(["west", "east"], name="id"), crs=homes.crs,
    )  # fmt: skip
    return {"communities": homes, "eldercare": centres, "districts": towns}


def row(city: str, rule: str, layers: Layers, **options: Any) -> dict[str, Any]:
    table = st.audit(st.load_standard(city).select(rule=rule), layers, **options).table
    assert len(table) == 1
    return dict(table.iloc[0])


def test_centres_that_offer_meals_count_as_meal_service(town: Layers, town_network: st.Network) -> None:
    """`x` is 100 m from `a`; `y`, 300 m from `b`, offers none."""
    found = row("shijiazhuang", "meal_network_estate.2025", town, network=town_network)
    assert (found["value"], found["needed"], found["status"]) == (50, 1, "short")
    assert "layer missing: meal points (meals)" in found["basis_en"]
    points = {**town, "meals": town["eldercare"].loc[["y"]].drop(columns="offers")}
    both = row("shijiazhuang", "meal_network_estate.2025", points, network=town_network)
    assert (both["value"], both["status"]) == (100, "part")
    assert "not counted" not in both["basis_en"]


def test_meal_service_of_subdistricts_and_villages(town: Layers, town_network: st.Network) -> None:
    assert row("shijiazhuang", "meal_network_street.2023", town)["value"] == 100  # x in the west, z in the east
    villages = row("quzhou", "meal_villages.2025", town, network=town_network, year=2025)
    assert villages["value"] == pytest.approx(200 / 3)  # a and d of a, b and d, whose elderly want meals
    town["eldercare"]["offers"] = ["助餐", "全托", "助浴"]
    street = row("shijiazhuang", "meal_network_street.2023", town)
    assert (street["value"], street["reason_en"]) == (50, "without a facility: 东街道")


def test_alternatives_that_are_not_there_are_said(town: Layers, town_network: st.Network) -> None:
    bare = {**town, "eldercare": town["eldercare"].drop(columns="offers")}
    neither = row("shijiazhuang", "meal_network_estate.2025", bare, network=town_network)
    assert (neither["status"], neither["reason_en"]) == ("no_data", "layer missing: meal points (meals)")
    points = {**bare, "meals": bare["eldercare"].loc[["x"]]}
    one = row("shijiazhuang", "meal_network_estate.2025", points, network=town_network)
    assert (one["value"], one["status"]) == (50, "short")
    assert "column missing in Elder-care facilities: services it offers (offers)" in one["basis_en"]
    assert "养老设施图层缺少字段：服务项目（offers），未计入" in one["basis"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("助餐、日间照料", "day_care;meals"),
        ("全托；助浴；助医", "bathing;medical;residential"),
        ("日间照料助餐", "day_care;meals"),
        ("", ""),
    ],
)
def test_services_are_read_from_a_register(layer: Layer, written: str, read: str) -> None:
    register = layer({"x": (0, 0), "y": (100, 0)}, 床位=[0, 0], 服务项目=[written, "送餐"])
    assert check_layer(register, "eldercare")["offers"].fillna("").tolist() == [read, "meals"]


@pytest.mark.parametrize(
    ("standard", "status", "needed"),
    [(None, "part", 0), ([True, False], "short", 1), ([True, True], "met", 0)],
)
def test_each_county_has_an_institution_up_to_the_standard(
    town: Layers, layer: Layer, standard: list[bool] | None, status: str, needed: float
) -> None:
    clinics = layer({"w": (0, 0), "e": (400, 400)}, facility_type=["妇幼保健院"] * 2, level=["county"] * 2)
    if standard:
        clinics["standard"] = standard
    found = row("hangzhou", "maternity_per_county", {**town, "health_centres": clinics})
    assert (found["status"], found["needed"]) == (status, needed)
    assert ("up to the standard (standard)" in found["reason_en"]) == (standard is None)
    assert ("without a facility: q" in found["reason_en"]) == (status == "short")


@pytest.mark.parametrize(
    ("offers", "status", "value"),
    [
        (None, "part", 100),  # a centre in each, whatever it offers
        (["全托、日托、上门服务、助餐", "全托、日托、助餐"], "short", 50),  # no visits in the east
        (["全托、日托、上门服务、助餐", "全托；日托；上门服务；助餐；助浴"], "part", 100),  # guidance is in no layer
    ],
)
def test_regional_centres_have_the_functions_that_are_printed(
    town: Layers, layer: Layer, offers: list[str] | None, status: str, value: float
) -> None:
    centres = layer({"w": (0, 0), "e": (400, 400)}, beds=[0, 0], facility_type=["区域养老服务中心"] * 2)
    if offers:
        centres["offers"] = offers
    found = row("shijiazhuang", "regional_centre_per_street", {**town, "eldercare": centres})
    assert (found["status"], found["value"]) == (status, value)
    said = {None: "services it offers (offers)", "short": "东街道", "part": "guides the points below it"}
    assert said[status if offers else None] in found["reason_en"]
