"""Each question of the planners is answered by a study file alone, as its page answers it in Python."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal, assert_series_equal

import siting as st

pytestmark = pytest.mark.slow

PAGES = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "questions"
ANSWERS: dict[str, Callable[[Any, Any], dict[str, Any]]] = {}
#: What stands for a result that is no table.
PARTS = ("table", "figures", "by_unit", "totals", "stay", "districts", "distance", "nearness", "density", "verdict")


def answer(function: Callable[[Any, Any], dict[str, Any]]) -> Callable[[Any, Any], dict[str, Any]]:
    ANSWERS[function.__name__] = function
    return function


@pytest.fixture(scope="module")
def town() -> dict[str, Any]:
    return st.load_sample()


@pytest.fixture(scope="module")
def net(town: dict[str, Any]) -> Iterator[Any]:
    """One network of the sample for all studies, and one for those who drive."""
    build, built = st.Network.from_streets, {}

    def once(streets: Any, *, walking: bool | None = True, **_: Any) -> Any:
        return built.setdefault(walking is not False, build(streets, walking=walking is not False))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(st.Network, "from_streets", once)
        yield once(town["streets"])


def assert_same(found: Any, expected: Any) -> None:
    """Compare values: tables cell by cell, other results by all of their tables and figures."""
    if isinstance(expected, pd.DataFrame):
        bare = [pd.DataFrame(each.drop(columns="geometry", errors="ignore")) for each in (found, expected)]
        assert_frame_equal(*bare, check_like=True, check_dtype=False)
    elif isinstance(expected, pd.Series):
        assert_series_equal(found, expected, check_names=False, check_dtype=False)
    elif isinstance(expected, dict):
        assert set(found) == set(expected)
        for key, each in expected.items():
            assert_same(found[key], each)
    elif isinstance(expected, str | float | int | type(None)):
        assert found == expected or found == pytest.approx(expected, nan_ok=True)
    else:
        assert type(found) is type(expected)
        parts = [part for part in PARTS if hasattr(expected, part)]
        assert parts
        for part in parts:
            assert_same(getattr(found, part), getattr(expected, part))


def assert_same_plan(found: Any, expected: Any) -> None:
    assert (found.status, found.sites) == (expected.status, expected.sites)
    assert found.objective == pytest.approx(expected.objective, nan_ok=True)
    assert found.before == pytest.approx(expected.before)
    if not math.isnan(expected.objective):
        assert_frame_equal(found.table, expected.table)


@pytest.mark.parametrize("question", [f"q{number:02}" for number in range(1, 29)])
def test_a_study_answers_as_python_does(question: str, town: dict[str, Any], net: Any) -> None:
    outcome = st.run(st.Study.from_toml(PAGES / f"{question}.toml"))
    expected = ANSWERS[question](town, net)
    assert {*outcome.analyses, *outcome.proposals} == set(expected)
    for name, result in expected.items():
        if name in outcome.proposals:
            assert_same_plan(outcome.proposals[name].plan, result)
        else:
            assert_same(outcome.analyses[name], result)


@pytest.mark.parametrize("question", [f"q{number:02}" for number in range(1, 29)])
def test_the_page_shows_the_study(question: str) -> None:
    text = (PAGES / f"{question}.md").read_text(encoding="utf-8")
    assert f"```{{literalinclude}} {question}.toml\n" in text
    assert "\n## As a study\n" in text


def people(town: dict[str, Any]) -> Any:
    return town["communities"].query("kind != 'park'")


def judged(town: Any, net: Any, name: str, **options: Any) -> Any:
    """Judge the rules of a standard that are chosen by the keywords of `select`; the others go to `audit`."""
    chosen = {key: options.pop(key) for key in ("kind", "service", "rule") if key in options}
    due, changes = options.pop("due", None), options.pop("changes", {})
    rules = st.load_standard(name).adapted(changes).select(year=due, **chosen)
    layers = {**town, **options.pop("layers", {})}
    return st.audit(rules, layers, network=net, **options)


@answer
def q01(town: Any, net: Any) -> dict[str, Any]:
    homes, nurseries = people(town), st.measure.open_to_all(town["childcare"])
    reach = st.travel(net, homes, nurseries, metres=800)
    marked = homes["siting_difficult"] | homes["low_demand"]
    widths = {"within_300": 300, "relaxed_500": 500, "relaxed_800": 800}
    return {
        "nurseries": nurseries,
        "nearest": st.measure.bands(reach, [300, 500, 800]),
        "radius": judged(town, net, "jinhua", kind="service_radius"),
        **{
            name: st.coverage(reach, homes["infants"], limit=marked.map({True: metres, False: 300}))
            for name, metres in widths.items()
        },
    }


@answer
def q02(town: Any, net: Any) -> dict[str, Any]:
    homes, nurseries = people(town), st.measure.open_to_all(town["childcare"])
    reach = st.travel(net, homes, nurseries, minutes=15, walk=st.Walk.carer())
    walks = {"circle": None, "circle_elder": st.Walk.elder(), "circle_adult": st.Walk.adult()}
    ninety = {"jinhua.childcare.circle_15min": 0.9}
    asked = {"kind": "service_time", "service": "childcare", "year": 2025, "shares": ninety}
    return {
        "nurseries": nurseries,
        "nearest": st.measure.bands(reach, 15),
        "inside": st.coverage(reach, homes["infants"]),
        "by_district": st.coverage(reach, homes["infants"], homes["district"]),
        **{name: judged(town, net, "jinhua", walk=walk, **asked) for name, walk in walks.items()},
    }


@answer
def q03(town: Any, net: Any) -> dict[str, Any]:
    homes, elders = people(town), town["eldercare"]
    centres = elders[elders["facility_type"] != "养老机构"]
    walk = st.Walk.elder()
    to_all, to_centres = (st.travel(net, homes, each, minutes=20, walk=walk) for each in (elders, centres))
    rules = st.load_standard("shijiazhuang").select(kind="service_time")
    return {
        "nearest": st.measure.bands(to_all, [15, 20]),
        **{
            f"{name}_{minutes}": st.coverage(reach, homes["elderly"], limit=minutes)
            for name, reach in (("within", to_all), ("centres", to_centres))
            for minutes in (15, 20)
        },
        "circle": st.audit(rules, town, network=net, shares={rule.id: 0.9 for rule in rules}),
        "reported": judged(town, net, "hangzhou_digest", kind="service_time"),
    }


@answer
def q04(town: Any, net: Any) -> dict[str, Any]:
    sites, homes = town["candidates"], people(town)
    culture, sport = sites[sites["kind"] == "闲置校舍"], sites[sites["kind"] == "闲置用地"]
    shares = {"quzhou.culture.culture_circle_15min": 0.9, "quzhou.sport.fitness_circle_10min": 0.9}
    made = {"layers": {"culture": culture, "sport": sport}, "year": 2025, "scope": "part"}
    circles = "quzhou.culture.culture_circles"
    shorter = {
        f"within_{minutes}": judged(town, net, "quzhou", rule=circles, changes={circles: {"minutes": minutes}}, **made)
        for minutes in (5, 2)
    }
    pairs = st.travel(net, homes, culture, minutes=15).pairs()
    around = pairs["origin"].map(homes["population"]).groupby(pairs["destination"]).agg(["sum", "size"])
    return {
        **shorter,
        "circles": judged(town, net, "quzhou", rule=["culture_circle", "fitness_circle"], shares=shares, **made),
        "around_culture": around.set_axis(["population", "count"], axis=1).rename_axis("id").astype(float),
        "to_culture": st.measure.bands(st.travel(net, homes, culture, minutes=15), 15),
        "to_sport": st.measure.bands(st.travel(net, homes, sport, minutes=10), 10),
    }


@answer
def q05(town: Any, net: Any) -> dict[str, Any]:
    nearly_all = {"jinhua.childcare.township_coverage.2025": 1}
    marked = town["childcare"].assign(inclusive=town["childcare"]["inclusive_places"] > 0)
    asked = {"rule": ["inclusive_township", "inclusive_per_township"], "due": 2025}
    return {
        "townships": judged(town, net, "jinhua", rule="township_coverage", shares=nearly_all),
        "inclusive": judged(town, net, "hangzhou", layers={"childcare": marked}, **asked),
    }


@answer
def q06(town: Any, net: Any) -> dict[str, Any]:
    offers = town["eldercare"]["facility_type"].map({"养老机构": "全托"}).fillna("日间照料、助餐")
    serving = {"eldercare": town["eldercare"].assign(offers=offers)}
    canteens = {"meals": town["candidates"].query("kind == '闲置校舍'").head(4)}
    homes = town["communities"]
    wanting = homes.assign(meal_demand=homes["kind"].eq("village") & ~homes["name"].eq("石渠村"))
    meals = {"rule": ["meal_network", "meal_service"], "year": 2025}
    wide = {"shijiazhuang.eldercare.day_care_coverage.2023": {"minutes": 15}}
    villages = {"layers": {**serving, "communities": wanting}, "rule": "meal_villages", "due": 2025}
    return {
        "lists": judged(town, net, "shijiazhuang", kind="coverage_share", service="eldercare"),
        "day_care_15_min": judged(town, net, "shijiazhuang", rule="day_care", due=2023, changes=wide),
        "meals": judged(town, net, "shijiazhuang", layers=serving, **meals),
        "meals_with_canteens": judged(town, net, "shijiazhuang", layers={**serving, **canteens}, **meals),
        "meals_in_villages": judged(town, net, "quzhou", **villages),
    }


@answer
def q07(town: Any, net: Any) -> dict[str, Any]:
    east = town["districts"].centroid.x > 531000
    halves = {"districts": town["districts"].assign(parent=east.map({True: "East", False: "West"}))}
    homes = town["eldercare"].assign(safety_net=town["eldercare"].index == "E03")
    built = town["candidates"].loc[["S001", "S002", "S120"]].assign(level="county")
    centres = built.assign(floor_area=[2400.0, 2100.0, 1500.0])
    clinics = built.iloc[[0, 2]].assign(facility_type="妇幼保健院")
    marks = {"maternity": None, "maternity_one_standard": [True, False], "maternity_standard": [True, True]}

    def of(name: str, **options: Any) -> Any:
        return judged({**town, **halves}, net, name, **options)

    return {
        "institutions": of("quzhou", kind="count_per_area", service="eldercare", year=2025),
        "safety_net": of("jinhua", rule="county_safety_net", layers={"eldercare": homes}),
        "activity": of("hangzhou", rule="county_activity_centre_area", layers={"activity_centres": centres}),
        **{
            name: of(
                "hangzhou",
                rule="maternity_per_county",
                layers={"health_centres": clinics if mark is None else clinics.assign(standard=mark)},
            )
            for name, mark in marks.items()
        },
    }


@answer
def q08(town: Any, net: Any) -> dict[str, Any]:
    rules = st.load_standard("jinhua").select(rule=["childcare.area_per_100", "childcare.households_per"])
    estates = pd.DataFrame({"kind": "estate", "build_status": "new", "households": [1000, 3600, 4001, 7001]})
    return {
        "on_paper": st.provision(rules, estates),
        "new_estates": st.provision(rules, town["communities"], town, network=net),
    }


@answer
def q09(town: Any, net: Any) -> dict[str, Any]:
    estate = pd.DataFrame({"kind": "estate", "build_status": "new", "households": [3600]}, index=["new town"])
    cities = {name: st.load_standard(name) for name in ("quzhou", "shijiazhuang")}
    return {
        **{f"{name}_on_paper": st.provision(rules, estate, household_size=2.33) for name, rules in cities.items()},
        "new_estates": st.provision(cities["quzhou"], town["communities"], town, network=net),
    }


@answer
def q10(town: Any, net: Any) -> dict[str, Any]:
    homes, elders = town["communities"], town["eldercare"]
    gap = st.load_standard("hangzhou").select(rule="existing_and_rural_gap")
    types = gap["hangzhou.eldercare.existing_and_rural_gap"].facility_types
    centres = elders[st.data.of_type(elders["facility_type"], types)]
    existing = homes[(homes["kind"] == "estate") & (homes["build_status"] == "existing")]
    return {
        "jinhua_estates": st.provision(st.load_standard("jinhua"), homes, town, network=net),
        "renewal": st.provision(st.load_standard("shijiazhuang"), homes, town, network=net),
        "gap": st.audit(gap, town, network=net),
        "beside": st.sharing.neighbours(st.travel(net, existing, centres, metres=300)),
    }


@answer
def q11(town: Any, net: Any) -> dict[str, Any]:
    homes, provided = town["communities"], "eldercare.new_estate_provision"
    asked = ["childcare.coverage.new_estates", provided, "eldercare.urban_provision_share.2025"]
    new = homes.query("kind == 'estate' and build_status == 'new'")
    rooms = new[["geometry"]].assign(beds=0, facility_type="居家养老服务设施", floor_area=200.0)
    ours = (homes["kind"] == "estate") & (homes["district"] == "D01")
    checked = homes.index.isin(["C002", "C005"])
    complete = homes.assign(complete_community=ours, eligible=ours, childcare_standard_met=checked)
    both = (homes["kind"] == "estate") & (homes["build_status"] == "new") & (homes["district"] == "D02")
    complete_new = homes.assign(complete_community=both, eligible=True)
    area, goal = "qingtian.eldercare.four_synchronised", "qingtian.eldercare.new_estate_provision.2025"
    kind = {"kind": "provision_area_per_100_households", "operator": ">=", "column": "floor_area"}
    printed = {area: {**kind, "value": 20, "unit": "m2_per_100_households"}}
    printed[goal] = {"meets": area, "unseen": "", "unseen_zh": ""}
    share, whole = "quzhou.eldercare.urban_provision_share.2025", "quzhou.childcare.complete_community_share"
    by_area = {share: {"facility_types": (), "meets": "quzhou.eldercare.area_per_100_households.new"}}
    by_places = {whole: {"layer": (), "part": {}, "meets": "quzhou.childcare.places_per_1000.new"}}

    def of(name: str, rule: Any, **options: Any) -> Any:
        return judged(town, net, name, rule=rule, year=2025, **options)

    with_rooms, marked = {"eldercare": rooms}, {"communities": complete}
    return {
        "jinhua_shares": of("jinhua", asked[:2], due=2025),
        "quzhou_shares": of("quzhou", asked, due=2025),
        "owed": st.provision(st.load_standard("quzhou"), homes, town, network=net, year=2025),
        **{
            f"{name}_rooms": of(name, provided, layers=with_rooms)
            for name in ("qingtian", "hangzhou", "jinhua", "quzhou")
        },
        "qingtian_by_area": of("qingtian", goal, changes=printed, layers=with_rooms),
        "urban_by_area": of("quzhou", share, changes=by_area),
        "jinhua_complete": of("jinhua", "complete_community_share", layers=marked),
        "quzhou_complete": of("quzhou", "complete_community_share", layers=marked),
        "quzhou_complete_new": of("quzhou", whole, changes=by_places, layers={"communities": complete_new}),
    }


@answer
def q12(town: Any, net: Any) -> dict[str, Any]:
    rules = st.load_standard("jinhua").select(kind="population_trigger", service="childcare")
    return {
        "passed": st.provision(rules, town["communities"], town, network=net),
        **{f"walk_{metres}": st.audit(rules, town, network=net, beside=metres) for metres in (200, 300, 500)},
    }


@answer
def q13(town: Any, net: Any) -> dict[str, Any]:
    homes, childcare = town["communities"], town["childcare"]
    lived_in, parks = people(town), homes[homes["kind"] == "park"]
    nurseries = st.measure.open_to_all(childcare)
    workplaces = childcare[childcare["facility_type"] == "用人单位托育"]
    owed = st.load_standard("jinhua").select(kind="employees_per_facility")
    to_parks, to_open = (st.travel(net, lived_in, each, metres=1000) for each in (parks, nurseries))
    near = to_parks.pairs().query("cost <= 800")
    around = near["origin"].map(lived_in["infants"]).groupby(near["destination"]).agg(["sum", "size"])
    return {
        "nurseries": nurseries,
        "owed": st.provision(owed, homes, town, network=net),
        "around": around.set_axis(["infants", "count"], axis=1).rename_axis("id").astype(float),
        **{
            f"gain_{walk}": st.sharing.uncovered_around(to_parks, to_open, lived_in["infants"], limit=walk)
            for walk in (500, 800, 1000)
        },
        "beside_workplaces": st.sharing.neighbours(st.travel(net, workplaces, lived_in, metres=300)),
        "open_workplaces": judged(town, net, "qingtian", kind="service_area_rule"),
    }


@answer
def q14(town: Any, net: Any) -> dict[str, Any]:
    rules = st.load_standard("shijiazhuang").select(kind="provision_land_per_capita")
    two = pd.DataFrame({"population": [100_000, 250_000]}, index=["old town", "new town"])
    plots = town["eldercare"].assign(land_area=1.2 * town["eldercare"]["floor_area"])
    return {
        "on_paper": st.provision(rules, two),
        "land": st.audit(rules, {**town, "eldercare": plots}, network=net, by="district"),
    }


@answer
def q15(town: Any, net: Any) -> dict[str, Any]:
    homes, kind = town["communities"], "places_per_1000_residents"
    later = st.forecast(homes, from_year=2021, to_year=2035, rates={"population": 0.01}, source="made-up rate")
    city = pd.DataFrame({"population": [13_270_000]}, index=["Hangzhou"])
    now = {"childcare": pd.DataFrame({"places": [44_000]}, index=["all of them"])}
    return {
        "later": later,
        "jinhua_2025": judged(town, net, "jinhua", kind=kind, year=2025, by="district"),
        "hangzhou_2025": judged(town, net, "hangzhou", kind=kind, year=2025),
        "hangzhou_2035": judged(town, net, "hangzhou", kind=kind, year=2035),
        "then": judged(town, net, "hangzhou", kind=kind, year=2035, layers={"communities": later}),
        "printed": st.provision(st.load_standard("hangzhou").select(kind=kind), city, now, year=2025),
    }


@answer
def q16(town: Any, net: Any) -> dict[str, Any]:
    hospital = {"medical": town["eldercare"].head(1).assign(rehab_beds=300)}
    asked = {"service": "eldercare", "year": 2025}
    return {
        "beds": judged(town, net, "quzhou", **asked),
        "rehab": judged(town, net, "quzhou", rule="rehab_beds_per_10000", layers=hospital, **asked),
        "by_district": judged(town, net, "quzhou", kind="beds_per_1000_elderly", by="district", **asked),
    }


@answer
def q17(town: Any, net: Any) -> dict[str, Any]:
    elders = town["eldercare"]
    priced = {"eldercare": elders.assign(inclusive_beds=elders["beds"].where(elders["public"], 0))}
    asked = {"kind": "composition_share", "service": "childcare", "year": 2025}
    return {
        "jinhua_places": judged(town, net, "jinhua", by="district", **asked),
        "quzhou_places": judged(town, net, "quzhou", **asked),
        "hangzhou_places": judged(town, net, "hangzhou", **asked),
        "beds": judged(town, net, "shijiazhuang", rule="inclusive_bed_share", layers=priced),
    }


@answer
def q18(town: Any, net: Any) -> dict[str, Any]:
    homes, elders = town["communities"], town["eldercare"]
    nurseries = st.measure.open_to_all(town["childcare"])
    reach = st.travel(net, homes, nurseries, metres=500)
    stock = {"used": nurseries["enrolled"], "capacity": nurseries["places"], "per_1000": 4.5}
    country = homes.loc[homes["kind"] == "village", "district"].unique()
    marked = {"eldercare": elders.assign(urban=~elders["district"].isin(country))}
    use = {"kind": "utilisation_share", "year": 2025}
    return {
        "nurseries": nurseries,
        "use": judged(town, net, "quzhou", **use),
        "town_and_country_homes": judged(town, net, "quzhou", layers=marked, **use),
        "homes_by_type": st.sharing.utilisation(elders, used="occupied", capacity="beds", by="facility_type"),
        "districts_idle": st.sharing.idle_nearby(reach, homes["population"], by=homes["district"], **stock),
        "communities_idle": st.sharing.idle_nearby(reach, homes["population"], **stock),
        "spread": judged(town, net, "quzhou", rule="unequal_distribution", year=2025),
    }


@answer
def q19(town: Any, net: Any) -> dict[str, Any]:
    homes, hangzhou = town["communities"], st.load_standard("hangzhou")
    elderly = {year: hangzhou[f"hangzhou.population.elderly_resident.{year}"].value for year in (2015, 2021, 2025)}
    growth = st.forecasts.annual_growth({2021: elderly[2021], 2025: elderly[2025]})
    residents = st.forecasts.annual_growth({2021: 239 / 0.196, 2025: 292 / 0.22})
    rates = {"elderly": growth, "population": residents, "infants": 0.0}
    layers = {
        year: st.forecast(homes, from_year=2021, to_year=year, rates=rates, source="Hangzhou's plan")
        for year in (2025, 2035)
    }
    share = st.load_standard("jinhua")["jinhua.childcare.demand_share"].value
    beds = hangzhou.select(kind="ratio_per_10000_elderly")

    def printed(name: str, year: int) -> Any:
        return judged(town, net, name, kind="forecast_figure", year=year, layers={"communities": layers[year]})

    return {
        **{
            f"elderly_2035_{way}": st.forecasts.interpolate_figures(elderly, 2035, method=way)
            for way in ("linear", "growth")
        },
        "growth_to_2021": st.forecasts.annual_growth({year: elderly[year] for year in (2015, 2021)}),
        "increase_to_2025": st.forecasts.annual_increase({year: elderly[year] for year in (2021, 2025)}),
        "growth_of_elderly": growth,
        "growth_of_residents": residents,
        "in_2025": layers[2025],
        "in_2035": layers[2035],
        **{
            f"beds_{year}": st.provision(beds, layer, town, network=net)
            for year, layer in {2021: homes, **layers}.items()
        },
        "wanted": st.forecasts.round_to_total(homes["infants"], round(homes["infants"].sum() * share)),
        "printed_2025": printed("hangzhou", 2025),
        "printed_2035": printed("qingtian", 2035),
    }


@answer
def q20(town: Any, net: Any) -> dict[str, Any]:
    homes, childcare, sites = town["communities"], town["childcare"], town["candidates"]
    rates = st.load_standard("hangzhou").select(kind="ratio_per_1000_infants")
    types = rates["hangzhou.childcare.stations_per_1000_infants.2025"].facility_types
    stations = childcare[st.data.of_type(childcare["facility_type"], types)]
    rooms = st.measure.offering(sites[sites["kind"] != "闲置用地"], "childcare")
    reach = st.travel(net, homes, st.data.combine_layers(stations, rooms), metres=500)
    now, asked = st.Existing(stations.index), {"demand": homes["infants"]}
    everywhere = st.Cover(0.2, by=homes["district"])
    return {
        "rates": st.audit(rates, town, network=net, by="district"),
        "twelve": st.solve(st.MaxCoverage(), reach, rules=[st.AtMost(12), now], **asked),
        "everywhere": st.solve(st.MinSites(), reach, rules=[everywhere, now], **asked),
    }


@answer
def q21(town: Any, net: Any) -> dict[str, Any]:
    homes, plans = town["communities"], {}
    kinds = st.load_standard("jinhua")["jinhua.both.candidate_sites_idle"].where["kind"]
    named = town["candidates"][town["candidates"]["kind"].isin(kinds)]
    services = {"childcare": ("infants", st.Walk.carer()), "eldercare": ("elderly", st.Walk.elder())}
    for service, (column, walk) in services.items():
        there, sites = st.measure.open_to_all(town[service]), st.measure.offering(named, service)
        reach = st.travel(net, homes, st.data.combine_layers(there, sites), minutes=15, walk=walk)
        asked, now = {"demand": homes[column]}, st.Existing(there.index)
        plans[f"five_{service}"] = st.solve(st.MaxCoverage(), reach, rules=[st.AtMost(5), now], **asked)
        plans[f"fewest_{service}"] = st.solve(st.MinSites(), reach, rules=[st.Cover(0.9), now], **asked)
        if service == "childcare":
            plans["whole"] = st.solve(st.MinSites(), reach, rules=[st.Cover(1.0), now], **asked)
            for name, most in (("by_year", 3), ("slow", 2)):
                steps = st.Phases([2023, 2024, 2025], at_most=most, cover=[None, None, 0.9])
                plans[name] = st.solve(st.MaxCoverage(), reach, rules=[steps, now], **asked)
    new = plans["fewest_childcare"].sites
    opened = st.measure.with_sites(town["childcare"], named, new, facility_type="托育机构")
    circle = {"rule": "childcare.circle_15min", "year": 2025, "shares": {"jinhua.childcare.circle_15min": 0.9}}
    seen = {**town, "candidates": named}
    return {
        **plans,
        "opened": opened,
        "today": judged(seen, net, "jinhua", **circle),
        "with_new_sites": judged(seen, net, "jinhua", layers={"childcare": opened}, **circle),
    }


@answer
def q22(town: Any, net: Any) -> dict[str, Any]:
    homes, elders, nurseries = town["communities"], town["eldercare"], town["childcare"]
    institutions = elders[elders["facility_type"] == "养老机构"]
    residents = {"residents": homes["population"], "limit": 1000}
    found = {}
    for name, layer, column in (("homes_alike", institutions, "elderly"), ("nurseries_alike", nurseries, "infants")):
        each = pd.Series(1, layer.index, name="facilities")
        near = st.travel(net, homes, layer, metres=3000)
        found[name] = st.equity.spatial_mismatch(near, homes[column], each, **residents)
    reach, beds = st.travel(net, homes, institutions, metres=3000), institutions["beds"]
    districts = {"by": homes["district"], "supply_by": institutions["district"]}
    return {
        **found,
        "beds": st.equity.spatial_mismatch(reach, homes["elderly"], beds, **residents, **districts),
        "direction": judged(town, net, "jinhua", rule="institutions_follow_elderly"),
    }


@answer
def q23(town: Any, net: Any) -> dict[str, Any]:
    homes, sites, childcare, elders = (town[k] for k in ("communities", "candidates", "childcare", "eldercare"))
    nurseries = st.measure.open_to_all(childcare)

    def lacking(places: Any, there: Any, column: str, metres: float) -> pd.Series:
        now, new = (st.travel(net, homes, each, metres=metres) for each in (there, places))
        return st.sharing.uncovered_around(new, now, homes[column])

    rooms = sites[sites["services"] == "childcare;eldercare"]
    types = st.load_standard("national")["national.both.shared_space"].facility_types
    centres = elders[st.data.of_type(elders["facility_type"], types)]
    elderly, children = lacking(rooms, elders, "elderly", 800), lacking(rooms, nurseries, "infants", 500)
    around = lacking(centres, nurseries, "infants", 500)
    return {
        "nurseries": nurseries,
        "near": st.sharing.close_pairs(st.travel(net, elders, childcare, metres=500), limit=200),
        "elderly_around": elderly,
        "children_around": children,
        "joint": st.sharing.joint_sites({"eldercare": elderly, "childcare": children}, at_least=100),
        "children_around_centres": around,
        "take_in": st.sharing.could_take_in(around, at_least=100),
        "clauses": judged(town, net, "quzhou", kind="colocation", service="both"),
    }


@answer
def q24(town: Any, net: Any) -> dict[str, Any]:
    homes, elders = town["communities"], town["eldercare"]
    villages = homes[homes["kind"] == "village"]
    roads = st.Network.from_streets(town["streets"], walking=False)
    reach = st.travel(roads, villages, villages, metres=5000)
    types = st.load_standard("jinhua")["jinhua.eldercare.hub_villages"].facility_types
    centres = elders[st.data.of_type(elders["facility_type"], types)]

    def hubs(at_least: float, hubs: Any = "all") -> Any:
        return st.sharing.choose_hubs(reach, villages["elderly"], at_least=at_least, hubs=hubs)

    return {
        "large": hubs(200),
        "fewest": hubs(200, "fewest"),
        "two": hubs(200, 2),
        "from_100": hubs(100),
        "from_300": hubs(300),
        "there": st.sharing.neighbours(st.travel(net, villages, centres, metres=2000), limit=300),
        "deliveries": judged(town, net, "jinhua", kind="hub_and_spoke", service="eldercare"),
        "vans": judged(town, net, "qingtian", kind="mobile_service", service="eldercare"),
    }


@answer
def q25(town: Any, net: Any) -> dict[str, Any]:
    sites = town["candidates"]
    clinics = sites.loc[["S003", "S152", "S187"]].assign(facility_type=["卫生院", "卫生院", "药店"])
    hospitals = sites.loc[["S180"]].assign(facility_type="人民医院")
    homes = town["eldercare"].assign(medical_room=False, rehab_room=False)
    homes.loc[["E18", "E22"], "facility_type"] = "农村敬老院"
    homes.loc[["E01", "E20"], "facility_type"] = "养老机构"
    homes.loc[["E03", "E21", "E23"], "rehab_room"] = True
    rural = homes[homes["facility_type"] == "农村敬老院"]
    centres = clinics[clinics["facility_type"] == "卫生院"]
    institutions = homes[homes["facility_type"].isin(["养老机构", "农村敬老院"])]
    partners = st.travel(net, institutions, pd.concat([centres, hospitals]), metres=2000)
    made_up = {"eldercare": homes, "health_centres": clinics, "medical": hospitals}
    clauses = {"beside": 500, "layers": made_up}
    rules = ["beside_health_centres", "rehab_room_beds"]
    return {
        "rural_homes": st.sharing.neighbours(st.travel(net, rural, centres, metres=2000), limit=500),
        "partners": st.sharing.medical_partners(partners, institutions["beds"], below=100, limit=500),
        "quzhou_clauses": judged(town, net, "quzhou", rule=rules, **clauses),
        "shijiazhuang_clauses": judged(town, net, "shijiazhuang", kind="bed_threshold_rule", **clauses),
    }


@answer
def q26(town: Any, net: Any) -> dict[str, Any]:
    elderly, centres = town["communities"]["elderly"], town["eldercare"]
    between = st.travel(net, centres, centres, metres=1500)
    cover, near = (st.travel(net, town["communities"], centres, metres=metres) for metres in (800, 1000))
    types = centres["facility_type"]
    sort = types.mask(types != "养老机构", "centre")
    asked = {"below": 20, "cover": cover, "demand": elderly, "village": centres["district"]}

    def merged(kind: pd.Series, **options: Any) -> Any:
        return st.sharing.merge_sites(between, centres["beds"], centres["occupied"], kind=kind, **asked, **options)

    return {
        "same_kind": merged(types, most_lost=1000),
        "any_centre": merged(sort, most_lost=1000),
        "whoever_loses": merged(sort, close_last=True),
        "grow": st.sharing.upgrade_sites(near, elderly * 30 / 1000, centres["beds"], between),
        "rural_homes": judged(town, net, "hangzhou", rule="rural_homes_consolidation"),
    }


@answer
def q27(town: Any, net: Any) -> dict[str, Any]:
    building = "under construction"
    annex = pd.DataFrame(
        {
            "status": [building] * 2 + ["new"] * 2 + [building] * 2 + ["preparatory"] * 2 + ["new"],
            "beds": [300, 761, 75, 200, 97, 297, None, 200, None],
            "cost": [8500, 19682, 3000, 5000, 1200, 2500, 50000, 6000, 25200],
            "floor_area": [13500, 57296, 6100, 13060, 3960, 7181, 65000, 10000, 24000],
            "end": [2023, 2021, 2024, 2024, 2022, 2023, 2024, 2024, 2026],
        },
        index=pd.Index([f"E{i}" for i in range(1, 10)], name="id"),
    )
    annex["in_stock"] = (annex["status"] == building) & (annex["end"] <= 2022)
    rates = {"owned": 11000}
    private = annex.loc[["E6"], ["status", "beds", "cost", "end"]].assign(subsidy_type="owned")
    homes, elders = town["communities"], town["eldercare"]
    spots = town["candidates"].loc[["S100", "S109", "S147", "S160"]].drop(columns=["cost", "floor_area"])
    named = annex.loc[["E3", "E4", "E5", "E6"]].drop(columns="floor_area").set_axis(spots.index)
    placed = spots.join(named).assign(code=["E3", "E4", "E5", "E6"])
    placed["floor_area"] = town["candidates"].loc[placed.index, "floor_area"]
    reach = st.travel(net, homes, st.data.combine_layers(elders, placed), minutes=15, walk=st.Walk.elder())
    after = {"reach": reach, "demand": homes["elderly"], "existing": elders.index}
    return {
        "annex": st.projects.appraise_projects(annex, stock=1023),
        "private_home": st.projects.appraise_projects(private, subsidies=rates),
        "coverage_after": st.projects.appraise_projects(placed, **after),
        "costs": judged(town, net, "qingtian", kind="investment_project", layers={"projects": placed}),
    }


@answer
def q28(town: Any, net: Any) -> dict[str, Any]:
    homes, found = town["communities"], {}
    rural = homes["district"].map(town["districts"]["level"]) == "township"
    services = {"childcare": ("infants", "places", 500), "eldercare": ("elderly", "beds", 800)}
    for service, (column, units, metres) in services.items():
        facilities, who = st.measure.open_to_all(town[service]), homes[column]
        nearest = st.travel(net, homes, facilities, nearest=1)
        first = nearest.nearest().set_index("origin")["cost"].reindex(homes.index)
        access = st.accessibility(st.travel(net, homes, facilities, metres=3000), who, facilities[units])
        each = access["per_1000"]
        found |= {
            f"to_{service}": st.measure.bands(nearest, metres),
            units: access,
            f"ways_to_{service}": st.equity.town_and_country(first, who, homes["kind"], limit=metres),
            f"supply_of_{units}": st.equity.town_and_country(each, who, homes["kind"]),
            f"{units}_by_township": st.equity.town_and_country(each, who, rural),
        }
    places = found["places"]["per_1000"]
    rules = {"balance": ("hangzhou", "urban_rural"), "unequal": ("quzhou", "unequal")}
    rules["embedded"] = ("qingtian", "urban_embedded")
    return {
        **found,
        "nurseries": st.measure.open_to_all(town["childcare"]),
        "uneven_places": st.equity.inequality(places, homes["infants"], homes["district"]),
        **{name: judged(town, net, city, rule=rule) for name, (city, rule) in rules.items()},
    }
