"""The curve and the static picture: what they say, and that they say it on any machine."""

from __future__ import annotations

import io
import logging
import re
import subprocess
import sys
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from shapely import LineString, Point, box

from siting.errors import LayerError, SitingError
from siting.show import colours, fonts
from siting.show.chart import draw_chart
from siting.show.picture import draw_picture
from siting.show.picture_key import scale_length
from siting.show.svg import inline_svg
from siting.show.text import text_width, wrap

CRS = "EPSG:4549"
LANGUAGES = ("zh", "en")


@pytest.fixture
def curve() -> pd.DataFrame:
    """No new site covers half; the third one brings the share past nine tenths."""
    return pd.DataFrame(
        {
            "sites": [0, 1, 2, 3, 4],
            "share": [0.5, 0.7, 0.85, 0.925, 0.95],
            "bound_share": [0.5, 0.7, 0.85, 0.94, 0.98],
            "status": ["optimal"] * 3 + ["time_limit"] * 2,
        }
    )


def words(figure: Figure) -> list[str]:
    found = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        found += [text.get_text() for text in axes.texts] + [axes.get_xlabel(), axes.get_ylabel()]
    return found


def town() -> dict[str, gpd.GeoDataFrame]:
    """Two districts of 1 km, five communities, two facilities, three candidates."""
    communities = gpd.GeoDataFrame(
        {"name": list("abcde"), "population": [100, 200, 300, 400, 500]},
        geometry=[Point(x, 500) for x in (100, 400, 900, 1400, 1900)],
        index=pd.Index(["c1", "c2", "c3", "c4", "c5"], name="id"),
        crs=CRS,
    )
    communities.attrs["notice"] = {"zh": "人口为合成数据", "en": "synthetic population"}
    facilities = gpd.GeoDataFrame(
        {"places": [60, 60]}, geometry=[Point(100, 400), Point(500, 500)], index=["k1", "k2"], crs=CRS
    )
    candidates = gpd.GeoDataFrame(
        {"cost": [1, 2, 3]}, geometry=[Point(x, 600) for x in (900, 1400, 1900)], index=["n1", "n2", "n3"], crs=CRS
    )
    districts = gpd.GeoDataFrame(
        {"name": ["东街道", "west $x$ <b>"]},
        geometry=[box(0, 0, 1000, 1000), box(1000, 0, 2000, 1000)],
        index=["d1", "d2"],
        crs=CRS,
    )
    streets = gpd.GeoDataFrame(
        {"length": [2000.0]}, geometry=[LineString([(0, 500), (2000, 500)])], index=["s1"], crs=CRS
    )
    streets.attrs["attribution"] = "© OpenStreetMap contributors, ODbL 1.0"
    return {
        "communities": communities,
        "childcare": facilities,
        "candidates": candidates,
        "districts": districts,
        "streets": streets,
    }


def bands(costs: list[float]) -> pd.DataFrame:
    cost = np.array(costs)
    band = np.select([cost <= 300, cost <= 500, cost <= 800], [300.0, 500.0, 800.0], np.nan)
    return pd.DataFrame(
        {"facility": "k1", "cost": cost, "band": band, "unit": "m"},
        index=pd.Index(["c1", "c2", "c3", "c4", "c5"], name="id"),
    )


def dots(figure: Figure) -> dict[float, str]:
    """Colours of the communities by their easting."""
    found = [c for c in figure.axes[0].collections if isinstance(c, PathCollection) and len(c.get_offsets()) == 5]
    (points,) = found
    places = np.asarray(points.get_offsets())
    return {float(x): to_hex(colour) for (x, _), colour in zip(places, points.get_facecolors(), strict=True)}


# --- the curve


def test_chart_says_where_the_goal_is_met(curve: pd.DataFrame) -> None:
    found = words(draw_chart(curve, target=0.9, lang="en"))
    assert "goal 90 %: met with 3 new sites" in found
    assert "today 50.0 %" in found
    assert "95.0 %" in found


def test_chart_says_when_the_goal_is_not_met(curve: pd.DataFrame) -> None:
    assert "goal 99 %: not met with up to 4 new sites" in words(draw_chart(curve, target=0.99, lang="en"))


def test_a_goal_met_to_the_last_bit_counts(curve: pd.DataFrame) -> None:
    curve["share"] = [0.5, 0.1 + 0.2 + 0.3, 0.7, 0.1 * 3 + 0.6 - 1e-16, 0.95]
    assert "goal 90 %: met with 3 new sites" in words(draw_chart(curve, target=0.9, lang="en"))


def test_chart_draws_the_bound_only_where_it_tells_more(curve: pd.DataFrame) -> None:
    drawn = draw_chart(curve, lang="en")
    assert "proven upper bound" in words(drawn)
    lines = drawn.axes[0].get_lines()
    assert np.asarray(lines[0].get_ydata()).tolist() == [0.5, 0.7, 0.85, 0.925, 0.95]
    assert np.asarray(lines[1].get_ydata()).tolist() == [0.5, 0.7, 0.85, 0.94, 0.98]
    curve["bound_share"] = curve["share"]
    proven = draw_chart(curve, lang="en")
    assert "proven upper bound" not in words(proven)
    assert len(proven.axes[0].get_lines()) == 1


def test_chart_leaves_out_rows_without_a_share(curve: pd.DataFrame) -> None:
    curve.loc[4, ["share", "bound_share"]] = np.nan
    line = draw_chart(curve).axes[0].get_lines()[0]
    assert np.asarray(line.get_xdata()).tolist() == [0, 1, 2, 3]


def test_chart_of_one_row_and_of_full_coverage() -> None:
    assert "today 100.0 %" in words(draw_chart(pd.DataFrame({"sites": [0], "share": [1.0]}), target=1, lang="en"))


@pytest.mark.parametrize(
    ("frame", "target", "says"),
    [
        ({"sites": [1]}, None, "share is missing"),
        ({"sites": [1], "share": [np.nan]}, None, "no row has a share"),
        ({"sites": [1], "share": [0.5]}, 90, "0.9 for 90 %"),
    ],
)
def test_chart_refuses(frame: dict[str, list[float]], target: float | None, says: str) -> None:
    with pytest.raises(SitingError, match=says):
        draw_chart(pd.DataFrame(frame), target=target)


def test_drawing_changes_no_global_setting_and_no_input(curve: pd.DataFrame) -> None:
    settings, before = dict(mpl.rcParams), curve.copy(deep=True)
    draw_chart(curve, target=0.9)
    draw_picture(town(), coverage=bands([50, 350, 700, 900, 1500]))
    assert dict(mpl.rcParams) == settings
    pd.testing.assert_frame_equal(curve, before)


def test_drawing_does_not_heed_the_users_style(curve: pd.DataFrame) -> None:
    plain = inline_svg(draw_chart(curve), name="a")
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "lines.linewidth": 9}):
        styled = draw_chart(curve)
    assert inline_svg(styled, name="a") == plain


# --- the picture


def test_communities_have_the_colours_of_their_bands() -> None:
    near, middle, far = colours.band_colours(3)
    figure = draw_picture(town(), coverage=bands([50, 350, 700, 900, 1500]), lang="en")
    assert dots(figure) == {100: near, 400: middle, 900: far, 1400: colours.OUTSIDE, 1900: colours.OUTSIDE}
    found = words(figure)
    assert {"≤ 300 m", "300–500 m", "500–800 m", "beyond 800 m"} <= set(found)


def test_nothing_found_is_outside_when_the_search_ended_at_the_last_limit() -> None:
    figure = draw_picture(town(), coverage=bands([50, 350, 700, np.nan, np.nan]))
    assert dots(figure)[1900] == colours.OUTSIDE


def test_nothing_found_is_no_path_when_the_search_went_on() -> None:
    figure = draw_picture(town(), coverage=bands([50, 350, 700, 900, np.nan]), lang="en")
    assert dots(figure)[1400] == colours.OUTSIDE
    assert dots(figure)[1900] == colours.NO_PATH
    assert "no path within the search" in " ".join(words(figure))


def test_a_community_without_a_row_is_not_judged() -> None:
    figure = draw_picture(town(), coverage=bands([50, 350, 700, 900, 900]).drop("c1"), lang="en")
    assert dots(figure)[100] == colours.NEUTRAL
    assert "not judged" in words(figure)


def test_polygon_communities_are_faces() -> None:
    layers = town()
    layers["communities"] = layers["communities"].set_geometry(layers["communities"].buffer(60, cap_style="square"))
    figure = draw_picture(layers, coverage=bands([50, 350, 700, 900, 1500]))
    faces = [c for c in figure.axes[0].collections if len(c.get_paths()) == 5]
    assert [to_hex(colour) for colour in faces[0].get_facecolors()] == [
        *colours.band_colours(3), colours.OUTSIDE, colours.OUTSIDE,
    ]  # fmt: skip


def test_sites_are_pins_numbered_as_in_the_plan() -> None:
    table = pd.DataFrame({"order": [2, 1]}, index=pd.Index(["n3", "n1"], name="site"))
    plan = SimpleNamespace(sites=("n3", "n1"), table=table)
    figure = draw_picture(town(), plan={"childcare": plan})
    pins = {text.get_text(): text.xy for text in figure.axes[0].texts if text.get_text().isdigit()}  # type: ignore[attr-defined]
    assert pins == {"2": (1900.0, 600.0), "1": (900.0, 600.0)}


def test_years_stand_below_pins_and_what_closes_or_grows_is_in_the_key() -> None:
    table = pd.DataFrame({"order": [1], "year": [2030]}, index=pd.Index(["n1"], name="site"))
    first, second = town()["childcare"].index[:2]
    changes = pd.DataFrame({"change": ["closes", "grows", "grows"]}, index=[first, first, second])
    drawn = draw_picture(town(), plan=SimpleNamespace(sites=("n1",), table=table, changes=changes), lang="en")
    assert "2030" in words(drawn)
    assert {"grows", "closes"} <= set(words(drawn))
    assert "existing" not in words(drawn)  # both are other than they were


def test_a_curve_of_budgets_has_them_on_its_axis(curve: pd.DataFrame) -> None:
    curve["budget"] = [0.0, 40.0, 250.0, 1000.0, 1500.0]
    figure = draw_chart(curve, target=0.9, lang="en")
    assert figure.axes[0].lines[0].get_xdata().tolist() == curve["budget"].tolist()  # type: ignore[union-attr]
    assert "budget (in the unit of the costs)" in words(figure)
    assert "goal 90 %: met with a budget of 1,000" in words(figure)
    assert "Coverage by budget" in words(figure)
    assert "goal 99 %: not met with a budget of up to 1,500" in words(draw_chart(curve, target=0.99, lang="en"))


def test_a_site_that_is_no_candidate_is_named() -> None:
    with pytest.raises(SitingError, match='"n9"'):
        draw_picture(town(), plan=SimpleNamespace(sites=("n9",), table=pd.DataFrame()))


def test_the_picture_is_true_to_scale() -> None:
    layers = {role: frame.to_crs("EPSG:4326") for role, frame in town().items()}
    areas = gpd.GeoDataFrame({"limit": [300.0], "unit": ["m"]}, geometry=[box(0, 300, 600, 700)], crs=CRS)
    axes = draw_picture(layers, areas=areas).axes[0]
    box_in = axes.get_position()
    width, height = axes.figure.get_size_inches()  # type: ignore[union-attr]
    per_inch = np.diff(axes.get_xlim())[0] / (box_in.width * width)
    assert per_inch == pytest.approx(np.diff(axes.get_ylim())[0] / (box_in.height * height), rel=1e-6)
    # The map is 7.2 inches for 2080 m, and the bar has room for 1.7 of them, 491 m: the next round length is 200 m.
    panel = axes.figure.axes[1]
    bar = next(line for line in panel.get_lines() if len(line.get_xdata()) == 4)  # type: ignore[arg-type]
    assert float(np.max(bar.get_xdata())) * per_inch == pytest.approx(200)  # type: ignore[arg-type]
    assert "200 米" in words(axes.figure)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("most", "length"), [(0.7, 0.5), (1, 1), (199, 100), (499.9, 200), (4999, 2000), (10000, 10000)]
)
def test_scale_lengths_are_round(most: float, length: float) -> None:
    assert scale_length(most) == length


def test_the_picture_carries_notice_and_source() -> None:
    found = " ".join(words(draw_picture(town(), lang="en")))
    assert "synthetic population" in found
    assert "© OpenStreetMap contributors, ODbL 1.0" in found


def test_the_service_must_be_clear() -> None:
    layers = town()
    layers["eldercare"] = layers["childcare"]
    with pytest.raises(SitingError, match='"childcare", "eldercare"'):
        draw_picture(layers)
    assert "养老服务覆盖与点位图" in words(draw_picture(layers, service="eldercare"))
    with pytest.raises(SitingError, match='service is "fitness"'):
        draw_picture(layers, service="fitness")


def test_a_layer_without_crs_is_named() -> None:
    layers = town()
    layers["districts"] = layers["districts"].set_crs(None, allow_override=True)
    with pytest.raises(LayerError, match="districts: has no CRS"):
        draw_picture(layers)
    with pytest.raises(SitingError, match="nothing to draw"):
        draw_picture({})


@pytest.mark.slow
def test_streets_are_pixels_and_the_page_stays_small() -> None:
    rng = np.random.default_rng(0)
    start = rng.uniform([0, 0], [2000, 1000], (8000, 2))
    lines = [LineString([a, a + step]) for a, step in zip(start, rng.normal(0, 60, (8000, 2)), strict=True)]
    layers = town()
    layers["streets"] = gpd.GeoDataFrame(geometry=lines, crs=CRS)
    figure = draw_picture(layers)
    streets = [c for c in figure.axes[0].collections if isinstance(c, LineCollection) and len(c.get_paths()) == 8000]
    assert streets[0].get_rasterized()
    assert len(inline_svg(figure, name="a")) < 1_500_000


# --- text in the page


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("cjk", [True, False], ids=["fonts", "no-chinese-font"])
def test_text_stays_text_without_a_warning(
    curve: pd.DataFrame, lang: str, cjk: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if not cjk:
        monkeypatch.setattr(fonts, "measuring_families", lambda: ["DejaVu Sans"])
    caplog.set_level(logging.WARNING)
    pages = [
        inline_svg(draw_chart(curve, target=0.9, lang=lang), name="a"),
        inline_svg(draw_picture(town(), coverage=bands([50, 350, 700, 900, 1500]), lang=lang), name="b"),
    ]
    assert [record.message for record in caplog.records] == []
    goal = {"zh": "目标 90 %：新增 3 个点位即可达到", "en": "goal 90 %: met with 3 new sites"}[lang]
    texts = ["".join(text.itertext()) for text in ET.fromstring(pages[0]).iter("text")]
    assert goal in texts
    for page in pages:
        styles = re.findall(r"font-family: ([^;\"]*)", page)
        assert styles
        assert set(styles) == {", ".join(f"'{name}'" for name in fonts.FAMILIES) + ", sans-serif"}


def test_a_font_that_was_installed_since_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Matplotlib keeps its list of fonts from run to run, so a new one is looked for."""
    from matplotlib import font_manager

    if len(fonts.measuring_families()) == 1:
        pytest.skip("NOT CHECKED: this machine has no Chinese font")
    chinese = (*fonts.FAMILIES, *fonts.MORE_FAMILIES)
    files = {entry.fname for entry in font_manager.fontManager.ttflist if entry.name in chinese}
    old = [entry for entry in font_manager.fontManager.ttflist if entry.fname not in files]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", old)
    assert fonts._installed() == []
    fonts._just_installed.cache_clear()
    assert len(fonts.measuring_families()) > 1


def test_without_a_chinese_font_pixels_still_warn(curve: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    """In pixels the glyphs are truly missing: that must not be silenced."""
    monkeypatch.setattr(fonts, "measuring_families", lambda: ["DejaVu Sans"])
    figure = draw_chart(curve)
    with pytest.warns(UserWarning, match="missing from"):
        figure.savefig(io.BytesIO(), format="png")


def test_only_installed_families_measure() -> None:
    from matplotlib.font_manager import fontManager

    asked = fonts.measuring_families()
    assert set(asked) <= set(fontManager.get_font_names())
    assert asked[-1] == "DejaVu Sans"


def test_names_are_text_in_the_figure() -> None:
    page = inline_svg(draw_picture(town()), name="a")
    assert "west $x$ &lt;b&gt;" in page


def test_figures_of_a_page_do_not_share_names(curve: pd.DataFrame) -> None:
    figure = draw_chart(curve, target=0.9)
    one, two = inline_svg(figure, name="f1"), inline_svg(figure, name="f2")
    ids = [set(re.findall(r' id="([^"]+)"', page)) for page in (one, two)]
    assert ids[0]
    assert not ids[0] & ids[1]
    for page, own in zip((one, two), ids, strict=True):
        asked = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page))
        assert {a or b for a, b in asked} <= own
    assert inline_svg(draw_chart(curve, target=0.9), name="f1") == one


def test_links_and_controls_of_a_users_figure_are_dropped() -> None:
    figure = Figure(figsize=(2, 2))
    axes = figure.add_subplot()
    axes.set_title("bell \x07 <script>", url="javascript:alert(1)")
    axes.scatter([1], [1], urls=["https://example.org/"])
    page = inline_svg(figure, name="u")
    assert "javascript" not in page
    assert "http" not in page
    assert "bell \ufffd &lt;script&gt;" in page
    assert "<style" not in page


def test_a_users_own_font_is_kept() -> None:
    figure = Figure(figsize=(2, 2))
    figure.text(0.5, 0.5, "code", family="monospace")
    assert re.search(r"font-family: [^\"]*monospace, 'Microsoft YaHei'", inline_svg(figure, name="u"))


@pytest.mark.slow
def test_no_window_is_opened() -> None:
    code = (
        "import sys, pandas as pd; from siting.show.chart import draw_chart; "
        "assert 'matplotlib' not in sys.modules; "
        "draw_chart(pd.DataFrame({'sites': [0], 'share': [1.0]})); "
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_wrapped_lines_fit() -> None:
    text = "小区：到最近设施的步行距离 walking distance to the nearest facility"
    lines = wrap(text, 9, 1.2)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(text_width(line, 9) <= 1.2 for line in lines)
