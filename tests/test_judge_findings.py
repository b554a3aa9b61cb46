"""What each kind of rule finds, whole, in a town of four communities and three facilities of each service.

Streets are a lattice of 100 m blocks, so that the walk between two crossings is the sum of their differences. West of
x = 250 lie `a`, `c`, `k` and `x`; the rest lies east of it. The cases stand in findings.toml.
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import siting as st
from siting.judge.indicators import INDICATORS
from siting.judge.indicators.finding import Finding
from siting.judge.layers.context import Context
from siting.judge.layers.rule_columns import Missing

CASES = tomllib.loads(Path(__file__).with_name("findings.toml").read_text(encoding="utf-8"))["case"]


@pytest.fixture
def town(layer: Callable[..., gpd.GeoDataFrame]) -> dict[str, gpd.GeoDataFrame]:
    homes = layer(
        {"a": (0, 0), "b": (300, 0), "c": (200, 200), "d": (500, 500)},
        population=[1000, 500, 300, 200],
        elderly=[400, 300, 200, 100],
        infants=[10, 20, 30, 40],
        households=[400, 200, 100, 80],
        kind=["estate", "estate", "village", "village"],
        build_status=["new", "existing", "existing", "existing"],
        friendly=[True, True, False, False],
    )
    care = layer(
        {"k": (0, 0), "m": (300, 100), "n": (500, 400)},
        places=[10, 20, 30],
        inclusive_places=[5, 10, 0],
        enrolled=[8, 20, 2],
        staff=[2, 1, 0],
        certified=[1, 1, 0],
        facility_type=["托育机构", "托育机构", "社区驿站"],
        floor_area=[150.0, 250.0, 90.0],
        operator=["甲", "乙", "甲"],
        grade=["A;B", "B", "C"],
        demonstration=[True, False, True],
    )
    elder = layer(
        {"x": (0, 100), "y": (300, 300), "z": (500, 500)},
        beds=[80, 120, 200],
        land_area=[100.0, 50.0, 50.0],
        rehab_room=[False, True, False],
        operating_years=[1, 0, 3],
    )
    halves = [shapely.box(530_000 + x, 3_379_950, 530_300 + x, 3_380_550) for x in (-50, 250)]
    districts = gpd.GeoDataFrame(
        {"name": ["西镇", "东镇"], "level": "township", "parent": ["p", "q"], "pilot": [True, False]},
        geometry=halves,
        index=pd.Index(["west", "east"], name="id"),
        crs=homes.crs,
    )
    return {"communities": homes, "childcare": care, "eldercare": elder, "districts": districts}


def plain(value: object) -> object:
    """Numbers rounded, None for NaN, and lists of plain values, to compare."""
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float | np.floating):
        return None if math.isnan(value) else round(float(value), 6)
    return value


def whole(finding: Finding) -> object:
    given = {f.name: getattr(finding, f.name) for f in dataclasses.fields(Finding) if f.name != "units"}
    units = finding.units
    return plain({**given, "fulfil": None if units is None else " ".join(units.index[units])})


@pytest.mark.parametrize("case", CASES, ids=[case["rule"]["kind"] for case in CASES])
def test_what_a_rule_finds(case: dict[str, Any], town: dict[str, gpd.GeoDataFrame], town_network: st.Network) -> None:
    given = {"id": "r", "service": "childcare", "indicator_zh": "甲", "indicator_en": "a", "operator": ">="}
    rule = st.Rule(**{**given, **case["rule"]})
    context = Context(town, town_network, None, {}, 300.0, 250.0, (rule,))
    if "missing" in case:
        with pytest.raises(Missing) as missing:
            list(INDICATORS[rule.kind](rule, context))
        assert plain(missing.value.message) == case["missing"]
        return
    empty = {f.name: f.default for f in dataclasses.fields(Finding) if f.default is not dataclasses.MISSING}
    expected = [plain({**empty, "units": None, "fulfil": None, **each}) for each in case["finds"]]
    assert [{"units": None, **whole(one)} for one in INDICATORS[rule.kind](rule, context)] == expected


def found(rule: st.Rule, town: dict[str, gpd.GeoDataFrame], network: st.Network, **settings: Any) -> list[Finding]:
    given = {"walk": None, "rules": (rule,), **settings}
    context = Context(town, network, given["walk"], {}, 300.0, 250.0, given["rules"])
    return list(INDICATORS[rule.kind](rule, context))


def test_a_circle_is_walked_by_whom_the_user_says(town: dict[str, gpd.GeoDataFrame], town_network: st.Network) -> None:
    rule = st.Rule("r", "living_circle", "childcare", "甲", "a", operator="<=", value=3, unit="min")
    walk = st.Walk.adult()
    people = found(rule, town, town_network, walk=walk)[0]
    assert people.basis[1]["way"] == (
        "audit.within_min",
        {"limit": 3, "who": "adult", "speed": walk.speed, "of": "infants"},
    )


def test_a_district_with_too_few_names_the_types_there_that_nobody_knows(
    town: dict[str, gpd.GeoDataFrame], town_network: st.Network
) -> None:
    town["childcare"]["facility_type"] = ["宝贝屋", "托育机构", "托育机构"]
    rule = st.Rule("r", "count_per_area", "childcare", "甲", "a", operator=">=", value=1, applies_to="township",
                   facility_types=("托育机构",))  # fmt: skip
    reason = found(rule, town, town_network)[0].reason
    assert reason[0] == "audit.without"
    (beside, values), *rest = reason[1]["names"]  # type: ignore[misc]
    assert (beside, values["name"], values["rows"], rest) == ("audit.besides", "西镇", 1, [])


def test_where_nobody_owes_there_is_no_target(town: dict[str, gpd.GeoDataFrame], town_network: st.Network) -> None:
    rule = st.Rule("r", "households_per_facility", "childcare", "甲", "a", operator="range", value=3000, value_max=4000,
                   unit="households_per_facility", applies_to="new_residential")  # fmt: skip
    nobody = found(rule, town, town_network)[0]
    assert math.isnan(nobody.value)
    assert math.isnan(nobody.target)
    assert nobody.reason == ("audit.nobody_owes", {"ruled": "new_residential"})


def test_one_rule_of_several_is_enough(town: dict[str, gpd.GeoDataFrame], town_network: st.Network) -> None:
    def count(name: str, value: float) -> st.Rule:
        return st.Rule(name, "count_target", "childcare", name, name, operator=">=", value=value, unit="facilities")

    either = st.Rule("r", "one_of", "childcare", "甲", "a", rules=("x", "y"))
    named = (either, count("x", 3), count("y", 4))
    one = found(either, town, town_network, rules=named)[0]
    assert (one.value, one.target, one.unit, one.needed, one.needs, one.status) == (1, 1, "rules", 0, "rules", "")
    assert one.basis == ("audit.any_of", {"total": 2, "which": ({"zh": "x", "en": "x"},)})
    none = found(either, town, town_network, rules=(either, count("x", 5), count("y", 4)))[0]
    assert (none.value, none.needed, none.basis) == (0, 1, ("audit.none_of", {"total": 2, "which": ()}))
