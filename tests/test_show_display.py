"""What values and figures show at the end of a notebook's cell."""

from __future__ import annotations

import copy
import io
import pickle
from dataclasses import replace

import geopandas as gpd
import nbformat
import pandas as pd
import pytest
from matplotlib.figure import Figure
from nbclient import NotebookClient
from PIL import Image

import siting as st
from siting.notebook_html import card, table
from siting.study import Circle, Goal, Source

SCRIPT = "<script>alert(1)</script>"


def a_chart() -> Figure:
    return st.draw_chart(pd.DataFrame({"sites": [0, 1], "share": [0.5, 0.9]}), lang="en")


def test_a_figure_is_a_png_of_the_size_it_is_shown_at() -> None:
    png, shown = a_chart()._repr_png_()  # type: ignore[attr-defined]
    picture = Image.open(io.BytesIO(png))
    assert picture.format == "PNG"
    assert shown == {"width": round(8.4 * 96), "height": round(4.5 * 96)}
    assert picture.size == (round(8.4 * 150), round(4.5 * 150))


def test_other_figures_stay_as_they_were() -> None:
    a_chart()
    assert not hasattr(Figure(), "_repr_png_")


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda figure: pickle.loads(pickle.dumps(figure))])
def test_a_copy_of_a_figure_shows_itself(twin) -> None:
    figure = twin(a_chart())
    figure.set_size_inches(2, 1)
    assert figure._repr_png_()[1] == {"width": 192, "height": 96}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:jupyter_client", "ignore::ResourceWarning")
def test_figures_appear_in_a_notebook_without_magic() -> None:
    start = "import geopandas as gpd, pandas as pd, siting as st\nfrom shapely import Point"
    homes = 'gpd.GeoDataFrame({"population": [9]}, geometry=[Point(500000, 3220000)], crs="EPSG:4549", index=["a"])'
    cells = [
        start,
        'st.draw_chart(pd.DataFrame({"sites": [0, 1], "share": [0.5, 0.9]}), lang="en")',
        f'st.draw_picture({{"communities": {homes}}}, lang="en")',
        'import sys; "matplotlib.pyplot" in sys.modules',
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    for cell in notebook.cells[1:3]:
        (output,) = cell.outputs
        assert output.output_type == "execute_result"
        assert output.data["image/png"]
        assert output.metadata["image/png"]["width"] > 600
    assert notebook.cells[3].outputs[0].data["text/plain"] == "False"


def test_names_are_text() -> None:
    shown = card(SCRIPT, {"fact.engine": SCRIPT}, table(["column.site"], [[SCRIPT]], caption=SCRIPT, lang="en"))
    assert "<script" not in shown
    assert shown.count("&lt;script&gt;") == 4


def test_a_long_table_says_how_many_more_there_are() -> None:
    shown = table(["column.site", "column.share"], [[f"s{i}", "5.0 %"] for i in range(12)], lang="en")
    assert shown.count("<tr>") == 1 + 10
    assert "2 more rows are not shown." in shown
    assert '<td style="text-align:right">5.0 %</td>' in shown
    assert table(["column.site"], []) == ""


def test_a_study_shows_what_it_asks_for_in_its_language(tmp_path) -> None:
    study = st.Study(
        name="town",
        title={"zh": f"小镇{SCRIPT}", "en": "Town"},
        layers={"communities": Source(tmp_path), "streets": Source(tmp_path), SCRIPT: Source(tmp_path)},
        standard="jinhua",
        year=2025,
        circles=(Circle("childcare", metres=(300, 500)),),
        goals=(Goal("most", "childcare", metres=500, rules=(st.AtMost(5),)),),
    )
    assert repr(study) == "<Study town: 3 layers, jinhua 2025, 1 goal>"
    shown = study._repr_html_()
    assert "<script" not in shown
    assert "托育：300 米、500 米" in shown
    assert "新增 5 处、500 米内覆盖人数最多的方案" in shown
    english = replace(study, lang="en")._repr_html_()
    assert "<strong>Town</strong>" in english
    assert "the best 5 new sites within 500 m" in english


def test_names_in_a_coverage_table_are_text() -> None:
    """A DataFrame shows itself; pandas escapes what its cells and labels hold."""
    pairs = pd.DataFrame({"origin": ["a"], "destination": ["x"], "cost": [10.0]})
    reach = st.Reach.from_pairs(pairs, origins=["a"], destinations=["x"], limit=300)
    shown = st.coverage(reach, pd.Series({"a": 5}, name="infants"), pd.Series({"a": SCRIPT}))._repr_html_()
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown


def town() -> tuple[st.Reach, pd.Series]:
    """Three communities; x reaches a, y reaches a and b; nobody reaches c."""
    pairs = pd.DataFrame(
        {"origin": ["a", "a", "b"], "destination": ["x", SCRIPT, SCRIPT], "cost": [100.0, 50.0, 200.0]}
    )
    reach = st.Reach.from_pairs(pairs, origins=["a", "b", "c"], destinations=["x", SCRIPT], limit=300)
    return reach, pd.Series({"a": 5, "b": 3, "c": 2}, name="infants")


def test_a_reach_shows_who_is_reached_and_how_far_the_nearest_is() -> None:
    shown = town()[0]._repr_html_()
    assert "2 / 3 (66.7 %)" in shown
    assert "125.0, 200.0 米 m" in shown  # 50 m for a, 200 m for b
    assert "300 米 m" in shown


def test_a_plan_shows_its_figures_and_sites_and_runs_no_name() -> None:
    reach, infants = town()
    shown = st.solve(st.MaxCoverage(), reach, demand=infants, rules=[st.AtMost(1)])._repr_html_()
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    assert "8 / 10 (80.0 %)" in shown
    assert "最优 optimal" in shown


def test_a_plan_that_cannot_be_shows_why() -> None:
    reach, infants = town()
    shown = st.solve(st.MinSites(), reach, demand=infants, rules=[st.Cover(1.0)])._repr_html_()
    assert "无可行方案 infeasible" in shown
    assert "80.0 %" in shown


def test_what_if_shows_open_sites_and_a_row_for_each_weight() -> None:
    reach, infants = town()
    what = st.WhatIf(reach, pd.DataFrame({"infants": infants, SCRIPT: infants}), open=["x"])
    shown = what.open(SCRIPT)._repr_html_()
    assert "<script" not in shown
    assert "2 / 2" in shown
    assert shown.count("80.0 %") == 2


@pytest.mark.slow
def test_a_network_shows_its_size(small_town: gpd.GeoDataFrame) -> None:
    network = st.Network.from_streets(small_town)
    shown = network._repr_html_()
    assert f">{len(network.nodes)}<" in shown
    assert "100.0 %" in shown


@pytest.mark.slow
def test_an_audit_shows_its_counts_and_what_is_short() -> None:
    audit = st.audit(st.load_standard("jinhua").select(kind="per_head"), st.load_sample(), year=2025)
    shown = replace(audit, table=audit.table.assign(indicator=SCRIPT, status="short"))._repr_html_()
    assert "<script" not in shown
    assert "未达标 short" in shown
    assert "2025" in shown


def test_drawing_keeps_no_classes_of_others() -> None:
    """geopandas adds a class to the legends of matplotlib for each layer of polygons, and would keep all of them."""
    from matplotlib.legend import Legend

    from siting.show.fonts import drawing

    class Kept:
        pass

    before = dict(Legend.get_default_handler_map())
    with drawing():
        Legend.update_default_handler_map({Kept: None})
    assert Legend.get_default_handler_map() == before
