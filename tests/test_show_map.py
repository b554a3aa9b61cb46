"""The map: one file, no request, nothing in a name runs, numbers that can be derived by hand."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from types import SimpleNamespace

import folium
import geopandas as gpd
import jinja2
import numpy as np
import pandas as pd
import pytest
from shapely import LineString, Point, Polygon, box

import siting as st
from siting.errors import LayerError, SitingError
from siting.show.map import draw_map

CRS = "EPSG:4547"
X, Y = 528_000.0, 3_378_000.0
PAYLOADS = (
    "{{ 7*7 }}",
    "{% raw %}",
    "{% for i in range(3) %}",
    "{# gone #}",
    "{{ cycler.__init__.__globals__.os.getpid() }}",
    "<img src=x onerror=window.__pwned=1>",
    "</script><script>window.__pwned=1</script>",
    "<!--<script>",
    "`${window.__pwned=1}`",
    "\"'><svg onload=window.__pwned=1>",
    "line\u2028break\u2029end",
    "bell\x07 null\x00 right\u202eleft",
    "&lt;b&gt; &amp; <b>",
    "\\u003c\\\\",
)
NASTY = " ".join(PAYLOADS)[:190]


def ids(*names: str) -> pd.Index:
    return pd.Index(names, name="id")


def points(names: list[str], at: list[tuple[float, float]], **columns: object) -> gpd.GeoDataFrame:
    frame = {"name": [f"name {n}" for n in names], **columns}
    shapes = [Point(X + x, Y + y) for x, y in at]
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=CRS, index=ids(*names))


@pytest.fixture
def layers() -> dict[str, gpd.GeoDataFrame]:
    """Four communities in a row: 100 m, 400 m, 2000 m from the one childcare, and one without a way."""
    return {
        "communities": points(
            ["c1", "c2", "c3", "c4"],
            [(0, 0), (300, 0), (1900, 0), (2500, 400)],
            population=[1000, 2000, 4000, 3000],
            infants=[10, 20, 40, 30],
            elderly=[250, 500, 1000, 750],
            district=["d1", "d1", "d2", "d2"],
            kind=["estate", "estate", "village", "park"],
            siting_difficult=[False, False, True, False],
        ),
        "childcare": points(["k1"], [(-100, 0)], places=[60], enrolled=[34], facility_type=["托育机构"]),
        "eldercare": points(["e1"], [(2000, 100)], beds=[120], public=[True]),
        "candidates": points(
            ["s1", "s2"], [(1800, 0), (2500, 300)], services=["childcare", "childcare;eldercare"], cost=[41.6, 300.0]
        ),
        "districts": gpd.GeoDataFrame(
            {"name": ["West", "East"]},
            geometry=[box(X - 500, Y - 500, X + 1000, Y + 900), box(X + 1000, Y - 500, X + 3000, Y + 900)],
            crs=CRS,
            index=ids("d1", "d2"),
        ),
        "streets": gpd.GeoDataFrame(
            {"highway": ["primary", "residential", "['secondary', 'residential']"]},
            geometry=[
                LineString([(X - 100, Y), (X + 1900, Y)]),
                LineString([(X, Y), (X, Y + 500)]),
                LineString([(X + 1900, Y), (X + 1900, Y + 500), (X + 2500, Y + 500)]),
            ],
            crs=CRS,
            index=ids("r1", "r2", "r3"),
        ),
    }


@pytest.fixture
def bands() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "facility": ["k1", "k1", "k1", None],
            "cost": [100.0, 400.0, 2000.0, np.nan],
            "band": [300.0, 500.0, np.nan, np.nan],
            "unit": "m",
        },
        index=ids("c1", "c2", "c3", "c4"),
    )


@pytest.fixture
def areas() -> gpd.GeoDataFrame:
    shapes = [Point(X - 100, Y).buffer(300), Point(X - 100, Y).buffer(500)]
    return gpd.GeoDataFrame({"limit": [300.0, 500.0], "unit": "m"}, geometry=shapes, crs=CRS)


@pytest.fixture
def plan() -> SimpleNamespace:
    table = pd.DataFrame(
        {"order": [2, 1], "adds": [30.0, 40.0], "share_after": [1.0, 0.7]}, index=pd.Index(["s2", "s1"], name="site")
    )
    return SimpleNamespace(sites=("s2", "s1"), table=table, share=1.0, status="optimal", gap=0.0)


def page(drawn: folium.Map) -> str:
    return str(drawn.get_root().render())


def data_of(drawn: folium.Map) -> dict:
    text = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', page(drawn), re.DOTALL)
    assert text is not None
    return json.loads(text.group(1))


def drawn_full(layers, bands, areas, plan, **more) -> folium.Map:
    return draw_map(layers, areas={"childcare": areas}, coverage={"childcare": bands}, plan={"childcare": plan}, **more)


# -- what comes back ---------------------------------------------------------------------------------------------


def test_is_a_folium_map_and_leaves_its_inputs(layers, bands, areas, plan):
    before = {role: frame.copy() for role, frame in layers.items()}
    drawn = drawn_full(layers, bands, areas, plan)
    assert isinstance(drawn, folium.Map)
    for role, frame in layers.items():
        pd.testing.assert_frame_equal(pd.DataFrame(frame), pd.DataFrame(before[role]))


def test_folium_itself_is_as_before(layers):
    draw_map(layers)
    assert folium.Map.default_js
    assert folium.Map.default_css


def test_save_and_notebook_give_the_same_page(layers, tmp_path):
    drawn = draw_map(layers)
    drawn.save(str(tmp_path / "map.html"))
    saved = (tmp_path / "map.html").read_text(encoding="utf-8")
    assert saved == page(drawn)
    assert "srcdoc" in drawn._repr_html_()


def test_page_is_the_same_each_time(layers, bands, areas, plan):
    assert page(drawn_full(layers, bands, areas, plan)) == page(drawn_full(layers, bands, areas, plan))


def test_page_tells_character_set_language_and_policy(layers):
    text = page(draw_map(layers, lang="en", title="Plan <A>"))
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert "charset=UTF-8" in text[:400]
    assert text.index("Content-Security-Policy") < text.index("<style")
    assert "default-src 'none'" in text
    assert "<title>Plan &lt;A&gt;</title>" in text
    assert '<html lang="zh-CN">' in page(draw_map(layers))


def test_page_asks_for_nothing(layers, bands, areas, plan):
    """Finding 2: the page needs no other file."""
    text = page(drawn_full(layers, bands, areas, plan))
    # Leaflet's script holds links as text; the browser test sees that nothing follows them.
    markup = re.sub(r"<script\b[^>]*>.*?</script>", "", text, flags=re.DOTALL)
    assert re.findall(r'(?:src|href|action|data)\s*=\s*"([^"]*)"', markup) == ["data:,"]
    assert not re.findall(r"@import|<(?:iframe|object|embed|img|base)\b", markup)
    assert set(re.findall(r"url\((.{5})", text)) <= {"data:", "#defa"}
    assert "//cdn" not in text.lower()
    assert "sourceMappingURL" not in text


# -- numbers -----------------------------------------------------------------------------------------------------


def test_shares_are_of_infants_within_each_limit(layers, bands, areas, plan):
    childcare = data_of(drawn_full(layers, bands, areas, plan))["services"][0]
    # 10 of 100 infants within 300 m, 10 + 20 within 500 m; one community, then two, of four.
    assert [tile["value"] for tile in childcare["verdict"]["shares"]] == ["10.0%", "30.0%"]
    assert [tile["communities"] for tile in childcare["verdict"]["shares"]] == ["1/4 个小区", "2/4 个小区"]
    rows = childcare["verdict"]["rows"]
    assert [(row["communities"], row["people"]) for row in rows] == [("1", "10"), ("1", "20"), ("1", "40"), ("1", "30")]
    assert childcare["verdict"]["codes"] == [0, 1, 2, 3]
    assert childcare["verdict"]["missed"] == "70.0%"


def test_each_service_counts_its_own_people(layers, bands):
    shown = data_of(
        draw_map(layers | {"culture": layers["childcare"]}, coverage={"eldercare": bands, "culture": bands})
    )
    elder, culture = shown["services"][0], shown["services"][1]
    assert elder["verdict"]["rows"][1]["people"] == "500"
    assert culture["verdict"]["rows"][1]["people"] == "2,000"
    assert culture["name"] == "文化"


def test_a_search_that_ends_at_the_limit_only_says_outside(layers, bands):
    near = bands.assign(cost=bands["cost"].where(bands["cost"] <= 500))
    verdict = data_of(draw_map(layers, coverage={"childcare": near}))["services"][0]["verdict"]
    assert verdict["codes"] == [0, 1, 2, 2]
    assert len(verdict["rows"]) == 3


def test_limits_that_nobody_met_can_be_told(layers, bands):
    told = bands.copy()
    told.attrs["limits"] = (100.0, 300.0, 500.0)
    verdict = data_of(draw_map(layers, coverage={"childcare": told}))["services"][0]["verdict"]
    assert [tile["value"] for tile in verdict["shares"]] == ["0.0%", "10.0%", "30.0%"]


def test_without_people_the_share_reads_not_available(layers, bands):
    empty = layers["communities"].assign(infants=0)
    verdict = data_of(draw_map(layers | {"communities": empty}, coverage={"childcare": bands}))["services"][0][
        "verdict"
    ]
    assert {tile["value"] for tile in verdict["shares"]} == {"无数据"}


def test_coverage_is_matched_by_id_not_by_place(layers, bands):
    turned = bands.iloc[::-1]
    verdict = data_of(draw_map(layers, coverage={"childcare": turned}))["services"][0]["verdict"]
    assert verdict["codes"] == [0, 1, 2, 3]
    assert verdict["nearest"]["of"] == ["name k1"]


def test_sites_are_numbered_by_what_they_add(layers, bands, areas, plan):
    told = data_of(drawn_full(layers, bands, areas, plan, lang="en"))["services"][0]["plan"]
    assert [site["name"] for site in told["sites"]] == ["name s1", "name s2"]
    assert told["sites"][0]["adds"] == "+40"
    assert ["adds", "+40 children under 3"] in told["sites"][0]["rows"]
    assert ["cost", "41.6 ×10k yuan"] in told["sites"][0]["rows"]
    assert told["share"] == "100.0%"


def test_a_plan_alone_goes_with_the_only_service(layers, bands, plan):
    services = data_of(draw_map(layers, coverage={"childcare": bands}, plan=plan))["services"]
    assert "plan" in services[0]
    assert all("plan" not in other for other in services[1:])


@pytest.fixture
def joint() -> st.Plan:
    """Two services, money for one site: closing k1 (10 infants) frees what a second service at s1 costs."""

    def reach(*pairs: tuple[str, str]) -> st.Reach:
        frame = pd.DataFrame(pairs, columns=["origin", "destination"]).assign(cost=100.0)
        there = list(dict.fromkeys(frame["destination"]))
        return st.Reach.from_pairs(frame, origins=["c1", "c2", "c3", "c4"], destinations=there, limit=500)

    reaches = {"childcare": reach(("c1", "k1"), ("c3", "s1")), "eldercare": reach(("c2", "e1"), ("c3", "s1"))}
    people = {"childcare": [10, 20, 40, 30], "eldercare": [250, 500, 1000, 750]}
    demand = {name: pd.Series(values, ids("c1", "c2", "c3", "c4")) for name, values in people.items()}
    rules = [
        st.Existing(["k1", "e1"]), st.MayClose(["k1"], saving=10.0), st.Budget(15, pd.Series({"s1": 10.0})),
        st.Phases((2027,)),
    ]  # fmt: skip
    return st.solve(st.MaxCoverage(), reaches, demand=demand, rules=rules)


@pytest.mark.parametrize("by_service", [True, False])
def test_a_joint_plan_shows_with_each_service_its_own(layers, joint, by_service):
    plan = {"childcare": joint, "eldercare": joint} if by_service else joint
    tabs = {one["name"]: one for one in data_of(draw_map(layers, plan=plan, lang="en"))["services"]}
    child, elder = tabs["childcare"]["plan"], tabs["elder care"]["plan"]
    assert (child["share"], elder["share"]) == ("40.0%", "60.0%")
    assert [site["adds"] for site in child["sites"] + elder["sites"]] == ["+40", "+1,000"]
    assert sorted(site["number"] for site in child["sites"] + elder["sites"]) == [1, 2]
    assert child["sites"][0]["when"] == "2027"
    assert ["opens in", "2027"] in child["sites"][0]["rows"]
    assert not any(row[0] == "share then" for row in child["sites"][0]["rows"])  # that is of both services
    assert [(one["change"], one["sites"]) for one in child["changes"]] == [
        ("closes", [{"name": "name k1", "when": "2027"}])
    ]
    assert "changes" not in elder
    assert tabs["childcare"]["facilities"]["changes"] == [{"at": 0, "change": "closes", "rows": [["closes", "2027"]]}]
    assert tabs["elder care"]["facilities"]["changes"] == []


def test_a_facility_of_another_service_may_be_a_site(layers, plan):
    plan.sites, plan.table = ("e1",), pd.DataFrame({"order": [1]}, index=pd.Index(["e1"], name="site"))
    (told,) = data_of(draw_map(layers, plan={"childcare": plan}))["services"][0]["plan"]["sites"]
    assert told["name"] == "name e1"


def test_the_share_of_today_is_not_shown_as_reached(layers):
    none = SimpleNamespace(sites=(), table=pd.DataFrame(), share=0.4, status="infeasible", gap=float("nan"))
    assert "share" not in data_of(draw_map(layers, plan={"childcare": none}))["services"][0]["plan"]


def test_a_plan_without_sites_tells_its_status(layers):
    none = SimpleNamespace(sites=(), table=pd.DataFrame(), share=float("nan"), status="infeasible", gap=float("nan"))
    told = data_of(draw_map(layers, plan={"childcare": none}, lang="en"))["services"][0]["plan"]
    assert told == {"status": "No plan meets all the rules", "sites": []}


def test_coordinates_are_degrees_to_six_decimals(layers):
    shown = data_of(draw_map(layers))
    lat, lon = shown["communities"]["points"][:2]
    there = layers["communities"].to_crs(4326).geometry.iloc[0]
    assert (lat, lon) == (round(there.y * 1e6), round(there.x * 1e6))
    ends = np.cumsum(np.reshape(shown["communities"]["points"], (-1, 2)), axis=0)[-1]
    last = layers["communities"].to_crs(4326).geometry.iloc[-1]
    assert ends.tolist() == [round(last.y * 1e6), round(last.x * 1e6)]


def test_layers_may_differ_in_crs_and_be_polygons(layers):
    homes = layers["communities"]
    parcels = homes.set_geometry(homes.buffer(20)).to_crs(4490)
    assert np.allclose(
        data_of(draw_map({"communities": parcels}))["communities"]["points"][:2],
        data_of(draw_map({"communities": homes}))["communities"]["points"][:2],
        atol=60,  # 6 m
    )


def test_streets_are_two_groups_by_class(layers):
    streets = data_of(draw_map(layers))["streets"]
    assert (len(streets["major"]), len(streets["minor"])) == (2, 1)


def test_shared_borders_are_drawn_once(layers):
    borders = data_of(draw_map(layers))["districts"]["borders"]
    steps = [np.reshape(line, (-1, 2))[1:] for line in borders]
    length = sum(np.hypot(*(part * [111_000, 96_000] / 1e6).T).sum() for part in steps)
    # Two rectangles, 1500 by 1400 m and 2000 by 1400 m: 12,600 m of borders, 1,400 m of them shared.
    assert length == pytest.approx(12_600 - 1_400, rel=0.01)


def test_facilities_that_do_not_count_are_marked_and_counted(layers):
    """Of four, one is not open, one has no places, one is of a word that nobody knows."""
    layers["childcare"] = points(
        ["k1", "k2", "k3", "k4"], [(-100, 0), (0, 50), (100, 50), (200, 50)], places=[60, 0, 0, 20],
        open_to_neighbours=[True, False, True, True], facility_type=["托育机构", "托育机构", "托育机构", "<i>甲类</i>"],
    )  # fmt: skip
    left = pd.DataFrame({"layer": ["childcare"], "word": ["<i>甲类</i>"], "type": [""], "rows": [1], "closest": [""],
                         "counted": [False], "rules": [("r",)]})  # fmt: skip
    marks = data_of(draw_map(layers, uncounted=left))["services"][0]["facilities"]["marks"]
    assert [(mark["at"], mark["line"]) for mark in marks] == [
        ([1], "1 处不对外开放，不计入覆盖"),
        ([2], "1 处没有托位（为 0 或未填），仍计入覆盖"),
        ([3], "1 处类型未识别，不计入按类型统计的规则"),
    ]
    assert "<i>甲类" not in page(draw_map(layers, uncounted=left))
    plain = data_of(draw_map(layers))["services"][1]["facilities"]["marks"]
    assert plain == [], "120 beds, and nothing else to tell"


def test_texts_are_in_the_language_asked_for(layers, bands, areas, plan):
    english = drawn_full(layers, bands, areas, plan, lang="en")
    layers["communities"].drop(columns="name")
    words = json.dumps({k: v for k, v in data_of(english).items() if k in ("words", "title")}, ensure_ascii=False)
    assert not re.search(r"[\u4e00-\u9fff]", words)
    assert data_of(english)["services"][0]["verdict"]["rows"][0]["label"] == "within 300 m"
    district = data_of(english)["communities"]["fields"][0]
    assert district == {"label": "township", "at": [0, 0, 1, 1], "of": ["West", "East"]}


def test_districts_of_one_name_are_told_apart(layers: dict[str, gpd.GeoDataFrame]) -> None:
    layers["districts"] = layers["districts"].assign(name="城东街道", parent=["甲区", "乙区"])
    district = data_of(draw_map(layers))["communities"]["fields"][0]
    assert district["of"] == ["城东街道（甲区）", "城东街道（乙区）"]


def test_notices_and_sources_come_from_the_layers(layers):
    layers["communities"].attrs = {"notice": {"zh": "合成数据", "en": "Synthetic data"}, "attribution": "© A"}
    layers["streets"].attrs = {"notice": {"zh": "合成数据", "en": "Synthetic data"}, "attribution": "© B"}
    shown = data_of(draw_map(layers, notices=["Draft"], lang="en"))
    assert shown["notices"] == ["Draft", "Synthetic data"]
    assert shown["attribution"] == "© A · © B"
    assert data_of(draw_map(layers, attribution="© C"))["attribution"] == "© C"


# -- what is refused ---------------------------------------------------------------------------------------------


def test_layer_without_crs_is_refused(layers):
    bare = layers["communities"].set_crs(None, allow_override=True)
    with pytest.raises(LayerError, match="communities: has no CRS"):
        draw_map(layers | {"communities": bare})


def test_areas_without_crs_are_refused(layers, areas):
    with pytest.raises(LayerError, match=r"childcare.*has no CRS"):
        draw_map(layers, areas={"childcare": areas.set_crs(None, allow_override=True)})


def test_empty_geometry_is_named(layers):
    broken = layers["communities"].copy()
    broken.loc["c2", "geometry"] = Point()
    with pytest.raises(LayerError, match='communities: 1 row has no geometry: "c2"'):
        draw_map({"communities": broken})


def test_coordinates_outside_the_crs_are_named(layers):
    swapped = layers["communities"].set_crs("EPSG:4326", allow_override=True)
    with pytest.raises(LayerError, match="communities: 4 rows lie outside"):
        draw_map({"communities": swapped})


def test_site_that_is_no_candidate_is_named(layers, plan):
    plan.sites = ("s1", "s9")
    with pytest.raises(SitingError, match='"s9"'):
        draw_map(layers, plan={"childcare": plan})
    del layers["candidates"]
    with pytest.raises(SitingError, match="candidates"):
        draw_map(layers, plan={"childcare": plan})


def test_coverage_of_other_communities_is_named(layers, bands):
    with pytest.raises(SitingError, match='are no communities of the layer: "c9"'):
        draw_map(layers, coverage={"childcare": bands.rename(index={"c1": "c9"})})
    with pytest.raises(SitingError, match='lacks communities of the layer: "c4"'):
        draw_map(layers, coverage={"childcare": bands.iloc[:3]})
    with pytest.raises(SitingError, match='twice: "c1"'):
        draw_map(layers, coverage={"childcare": pd.concat([bands, bands.iloc[:1]])})
    with pytest.raises(SitingError, match='no column "band"'):
        draw_map(layers, coverage={"childcare": bands.drop(columns="band")})


def test_nothing_to_draw_is_refused(layers):
    with pytest.raises(SitingError, match="no layer"):
        draw_map({"communities": layers["communities"].iloc[:0]})
    with pytest.raises(SitingError, match="lang"):
        draw_map(layers, lang="fr")


# -- hostile text ------------------------------------------------------------------------------------------------


def hostile(layers, bands, areas, plan, text=NASTY) -> folium.Map:
    for frame in layers.values():
        frame["name"] = text
    layers["communities"]["kind"] = text
    layers["communities"].attrs = {"notice": {"zh": text, "en": text}}
    layers["childcare"]["facility_type"] = text
    layers["candidates"]["kind"] = text
    layers["candidates"]["services"] = text
    layers["streets"]["highway"] = text
    plan.status = text
    return draw_map(
        layers | {text: layers["childcare"]},
        areas={"childcare": areas},
        coverage={"childcare": bands, text: bands},
        plan={"childcare": plan},
        title=text,
        notices=[text],
        attribution=text,
    )


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_text_is_only_ever_json(layers, bands, areas, plan, payload):
    """Finding 1 and row 34: whatever a name holds, it travels as JSON."""
    text = page(hostile(layers, bands, areas, plan, payload))
    script = re.findall(r"<script\b", text)
    clean_page = page(draw_map({"communities": layers["communities"].assign(name="a", kind="b")}))
    # The page holds as many scripts as one without hostile text (Leaflet's and ours hold no such word).
    assert len(script) == len(re.findall(r"<script\b", clean_page))
    text.encode("utf-8")


def test_page_stays_itself_through_a_template(layers, bands, areas, plan):
    """Finding 1: even who puts the finished page through Jinja once more gets it back unchanged."""
    text = page(hostile(layers, bands, areas, plan))
    body = re.sub(r"<title>.*?</title>", "", text)  # the title is HTML, with braces as written
    assert jinja2.Template(body, keep_trailing_newline=True).render() == body


def test_half_a_surrogate_pair_can_be_saved(layers, tmp_path):
    drawn = draw_map(layers, title="half \ud83d", notices=["\udc00"])
    drawn.save(str(tmp_path / "map.html"))
    assert data_of(drawn)["title"] == "half \ufffd"


def test_names_come_out_literally(layers, bands, areas, plan):
    shown = data_of(hostile(layers, bands, areas, plan, "{{ 7*7 }}</script>"))
    assert shown["title"] == "{{ 7*7 }}</script>"
    assert set(shown["communities"]["names"]) == {"{{ 7*7 }}</script>"}
    assert shown["services"][1]["name"] == "{{ 7*7 }}</script>"


# -- in a browser ------------------------------------------------------------------------------------------------


@pytest.fixture
def opened(browser, tmp_path):
    """Open a map without a network and give the page; at the end nothing may have been asked for or gone wrong."""
    contexts = []
    faults: list[str] = []

    def show(drawn: folium.Map, width: int = 1280, height: int = 800):
        file = tmp_path / "map.html"
        drawn.save(str(file))
        context = browser.new_context(viewport={"width": width, "height": height}, offline=True)
        contexts.append(context)
        tab = context.new_page()
        # Reading pixels back, as the tests do, makes the browser talk about speed.
        tab.on("console", lambda line: None if "willReadFrequently" in line.text else faults.append(line.text))
        tab.on("pageerror", lambda fault: faults.append(str(fault)))
        own = file.as_uri()
        tab.on("request", lambda asked: None if asked.url in (own, "data:,") else faults.append(asked.url[:200]))
        tab.goto(own)
        tab.wait_for_selector("html[data-siting=ready]")
        return tab

    yield show
    for context in contexts:
        context.close()
    assert faults == []


# Where the pixels of the colour "outside" have their centre: the map has no handle for a mark on a canvas.
OUTSIDE_CENTRE = """() => {
  const c = document.querySelector(".leaflet-overlay-pane canvas"), box = c.getBoundingClientRect();
  const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data, scale = c.width / box.width;
  let n = 0, x = 0, y = 0;
  for (let i = 0; i < d.length; i += 4) {
    if (d[i] === 0xe0 && d[i + 1] === 0x51 && d[i + 2] === 0x2f && d[i + 3] === 255) {
      n += 1; x += (i / 4) % c.width; y += Math.floor(i / 4 / c.width);
    }
  }
  return [box.left + x / n / scale, box.top + y / n / scale];
}"""


def keep(tab, name: str) -> None:
    folder = Path(os.environ.get("SITING_SCREENSHOTS") or Path(__file__).parent / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    tab.screenshot(path=str(folder / f"{name}.png"))


def pixels(tab, selector: str) -> int:
    """Count the pixels of a canvas that are painted."""
    data = "c.getContext('2d').getImageData(0, 0, c.width, c.height).data"
    return tab.eval_on_selector(selector, f"(c) => {data}.filter((v, i) => i % 4 === 3 && v).length")


OVERLAY = ".leaflet-overlay-pane canvas"


def test_browser_shows_the_layers(opened, layers, bands, areas, plan):
    tab = opened(drawn_full(layers, bands, areas, plan))
    assert tab.inner_text(".siting-title h1") == "服务覆盖与选址"
    assert [one.strip() for one in tab.locator(".siting-tile b").all_inner_texts()] == ["10.0%", "30.0%"]
    assert tab.locator(".siting-pin").count() == 2
    assert tab.locator(".siting-place").all_inner_texts() == ["West", "East"]
    for canvas in (
        OVERLAY,
        ".leaflet-areas-pane canvas",
        ".leaflet-streets-pane canvas",
        ".leaflet-districts-pane canvas",
    ):
        assert pixels(tab, canvas) > 50
    scale = tab.inner_text(".leaflet-control-scale-line")
    assert re.fullmatch(r"\d+ k?m", scale)
    keep(tab, "map-small")


def test_browser_toggles(opened, layers, bands, areas, plan):
    tab = opened(drawn_full(layers, bands, areas, plan))
    tab.uncheck("[data-layer=pins]")
    assert tab.locator(".siting-pin").count() == 0
    tab.check("[data-layer=pins]")
    assert tab.locator(".siting-pin").count() == 2
    tab.uncheck("[data-layer=districts]")
    assert tab.locator(".siting-place").count() == 0
    tab.wait_for_timeout(100)
    full = pixels(tab, OVERLAY)
    for code in range(4):
        tab.uncheck(f"[data-layer=verdict-{code}]")
    tab.wait_for_timeout(100)
    assert pixels(tab, OVERLAY) < full
    tab.check("[data-layer=candidates]")
    tab.click(".siting-fold")
    assert not tab.is_visible(".siting-body")
    assert "30.0%" in tab.inner_text(".siting-brief")


def test_browser_switches_the_service(opened, layers, bands, areas, plan):
    more = bands.assign(band=[300.0, 300.0, 300.0, np.nan])
    tab = opened(
        draw_map(layers, coverage={"childcare": bands, "eldercare": more}, plan={"childcare": plan}, lang="en")
    )
    tab.click(".siting-services label:nth-child(2)")
    # 250 + 500 + 1000 of 2500 elderly
    assert tab.locator(".siting-tile b").all_inner_texts() == ["70.0%"]
    assert tab.locator(".siting-pin").count() == 0
    assert tab.is_checked("[data-layer=facilities-1]")
    assert not tab.is_checked("[data-layer=facilities-0]")


def test_browser_tooltips(opened, layers, bands, areas, plan):
    tab = opened(drawn_full(layers, bands, areas, plan, lang="en"))
    tab.hover(".siting-pin >> nth=1")
    assert "name s2" in tab.inner_text(".siting-tip")
    tab.mouse.move(5, 700)
    tab.uncheck("[data-layer=verdict-3]")  # its rings have the same colour
    tab.wait_for_timeout(100)
    x, y = tab.evaluate(OUTSIDE_CENTRE)
    tab.mouse.move(x, y)
    tab.locator(".siting-tip", has_text="name c3").wait_for()
    text = tab.locator(".siting-tip", has_text="name c3").inner_text()
    for said in ("name c3", "East", "4,000", "village", "name k1", "2,000 m", "beyond 500 m", "hard to site"):
        assert said in text


@pytest.mark.parametrize("payload", PAYLOADS[:10])
def test_browser_shows_hostile_text_as_text(opened, layers, bands, areas, plan, payload):
    """Row 34: nothing that a name contains is run."""
    tab = opened(hostile(layers, bands, areas, plan, payload))
    assert tab.evaluate("window.__pwned") is None
    assert tab.text_content(".siting-title h1") == payload
    assert tab.title() == " ".join(payload.split())
    assert tab.locator(".siting-notice p").all_text_contents() == [payload]
    assert tab.text_content(".siting-foot").endswith(payload)
    assert set(tab.locator(".siting-place").all_text_contents()) == {payload}
    assert payload in tab.locator(".siting-services span").all_text_contents()
    assert set(tab.locator(".siting-sites bdi").all_text_contents()) == {payload}
    tab.hover(".siting-pin >> nth=1")
    assert tab.text_content(".siting-tip h3") == f"2. {payload}"
    assert tab.locator("img, iframe, object").count() == 0
    assert tab.evaluate("window.__pwned") is None


def test_browser_shows_the_notebook_form(browser, layers, bands, areas, plan, tmp_path):
    drawn = drawn_full(layers, bands, areas, plan, title="{{ 7*7 }}</iframe><b>")
    file = tmp_path / "cell.html"
    file.write_text(f'<meta charset="utf-8"><div style="width:900px">{drawn._repr_html_()}</div>', encoding="utf-8")
    context = browser.new_context(offline=True)
    tab = context.new_page()
    tab.goto(file.as_uri())
    frame = tab.frame_locator("iframe")
    frame.locator(".siting-pin").first.wait_for()
    assert frame.locator(".siting-title h1").text_content() == "{{ 7*7 }}</iframe><b>"
    context.close()


def test_browser_on_a_phone(opened, layers, bands, areas, plan):
    tab = opened(drawn_full(layers, bands, areas, plan), 390, 844)
    assert not tab.is_visible(".siting-body")
    panel, scale = (tab.locator(one).bounding_box() for one in (".siting-panel", ".leaflet-control-scale"))
    assert panel["x"] >= 0
    assert panel["x"] + panel["width"] <= 390
    tab.click(".siting-fold")
    panel = tab.locator(".siting-panel").bounding_box()
    assert panel["y"] + panel["height"] < scale["y"]
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    keep(tab, "map-phone")


def test_browser_opens_a_hundred_thousand_communities(opened):
    """Finding 3 and row 35: one canvas and style by value."""
    count = 100_000
    place = np.random.default_rng(5).uniform(0, 30_000, (count, 2))
    homes = gpd.GeoDataFrame(
        {"name": "quarter", "population": np.arange(count) % 3000},
        geometry=gpd.points_from_xy(X + place[:, 0], Y + place[:, 1]),
        crs=CRS,
        index=pd.Index(np.arange(count).astype(str), name="id"),
    )
    tab = opened(draw_map({"communities": homes}, lang="en"))
    seconds = tab.evaluate("performance.now()") / 1000
    assert pixels(tab, OVERLAY) > 100_000
    assert seconds < 20  # "seconds", on a slow and busy machine


def test_polygons_with_holes_keep_them():
    ring = Polygon(box(0, 0, 4, 4).exterior, [box(1, 1, 3, 3).exterior])
    frame = gpd.GeoDataFrame({"limit": [300.0], "unit": "m"}, geometry=[ring], crs=4326)
    spots = gpd.GeoDataFrame({"name": ["a"]}, geometry=[Point(2, 2)], crs=4326, index=ids("a"))
    area = data_of(draw_map({"culture": spots}, areas={"culture": frame}))["services"][0]["areas"][0]
    assert len(area["rings"]) == 2
