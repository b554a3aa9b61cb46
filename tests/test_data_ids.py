"""The ids of a layer: what a spreadsheet made of them, row numbers, and prefixes."""

from __future__ import annotations

import datetime as dt
import logging
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest

import siting as st
from siting.data import check_layer, combine_layers, read_layer
from siting.errors import LayerError, SitingError


def frame(ids: Any, **columns: Any) -> gpd.GeoDataFrame:
    points = gpd.GeoSeries.from_xy([120.0 + i / 1000 for i in range(len(ids))], [29.0] * len(ids), crs=4326)
    return gpd.GeoDataFrame({"id": ids, "population": [10] * len(ids), **columns}, geometry=points)


def refused(ids: Any, **options: Any) -> str:
    with pytest.raises(LayerError) as caught:
        check_layer(frame(ids), "communities", **options)
    return str(caught.value)


@pytest.mark.parametrize(
    "date", ["3月1日", "2026年3月1日", "1-Mar", "Mar-01", "2026-03-01T00:00:00", "2026-03-01 00:00:00"]
)
def test_ids_that_a_spreadsheet_turned_into_dates(date: str) -> None:
    message = refused(["3-12a", date, "13-1"])
    assert f'1 id was turned into a date by a spreadsheet (3-1 into 3月1日): "row 2: {date}"; format' in message


def test_dates_are_ids_where_no_other_id_is_a_pair_of_numbers() -> None:
    assert list(check_layer(frame(["2026-03-01", "2026/3/2"]), "communities").index) == ["2026-03-01", "2026/3/2"]
    assert "2 ids were turned into dates" in refused(["2026/3/1", "2026-03-02", "3-45"])
    assert "turned into dates" in refused(pd.to_datetime(["2026-03-01", "2026-03-02"]))
    assert list(check_layer(frame(["月亮湾", "三月花园"]), "communities").index) == ["月亮湾", "三月花园"]


def test_date_cells_of_a_workbook(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    for row in (["id", "population", "lon", "lat"], ["3-45", 5, 120, 29], [dt.datetime(2026, 3, 1), 5, 120.01, 29]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(LayerError, match='"row 2: 2026-03-01T00:00:00"; format the column as text'):
        read_layer(tmp_path / "a.xlsx", "communities")


@pytest.mark.parametrize("text", ["3.30102E+17", "3.30E+17", "1E+05", "3.3e+17"])
def test_ids_with_a_power_of_ten(text: str) -> None:
    assert f'1 id is a number with a power of ten, which lost its digits: "row 1: {text}"' in refused([text, "b"])


@pytest.mark.parametrize(("ids", "word"), [([0, 0, 0], "0"), (["0", "", "0"], "0"), (["", " ", ""], "blank")])
def test_ids_that_are_alike_name_no_row(ids: list[Any], word: str, caplog: pytest.LogCaptureFixture) -> None:
    out = check_layer(frame(ids), "communities")
    assert list(out.index) == ["communities-1", "communities-2", "communities-3"]
    assert "id_source" in out
    assert f"the ids are {word} in every row, which name none" in caplog.text


def test_ids_that_start_again() -> None:
    assert "they start again in row 4, as row numbers do" in refused([1, 2, 3, 1, 2, 1])
    assert "they start again in row 3" in refused(["0", "1", "0", "1"])
    assert "start again" not in refused(["1", "2", "2", "3"])
    assert "start again" not in refused(["5", "6", "5", "6"])
    assert "start again" not in refused(["a", "b", "a"])


def test_columns_that_number_the_rows_are_named(caplog: pytest.LogCaptureFixture) -> None:
    rows = frame(["a", "b"], 序号=[1, 2], OBJECTID=[0, 0]).drop(columns="id")
    with caplog.at_level(logging.INFO, "siting"):
        assert list(check_layer(rows, "communities").index) == ["communities-1", "communities-2"]
    assert 'to take those of "序号", "OBJECTID", choose columns={"id": "序号"}' in caplog.text
    assert list(check_layer(rows, "communities", columns={"id": "序号"}).index) == ["1", "2"]
    with pytest.raises(LayerError, match='ids occur more than once: "0"'):
        check_layer(rows, "communities", columns={"id": "OBJECTID"})


def test_a_prefix_makes_ids_differ(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("id,population,lon,lat\n1,5,120,29\n2,6,120.01,29\n", encoding="utf-8")
    out = read_layer(file, "communities", id_prefix="n-")
    assert list(out.index) == ["n-1", "n-2"]
    assert out.index.name == "id"
    assert out["id_source"].tolist() == ["1", "2"]
    assert out.columns[-1] == "geometry"
    for bad in (" ", 5):
        with pytest.raises(LayerError, match='give a text, such as "new-"'):
            read_layer(file, "communities", id_prefix=bad)  # type: ignore[arg-type]


def test_combined_layers_take_prefixes() -> None:
    here = check_layer(frame(["1", "2"]), "communities")
    with pytest.raises(LayerError, match=r'make them differ with id_prefixes=\["", "new-"\]'):
        combine_layers(here, here)
    both = combine_layers(here, here, id_prefixes=["", "new-"])
    assert list(both.index) == ["1", "2", "new-1", "new-2"]
    assert both["id_source"].tolist()[2:] == ["1", "2"]
    assert "id_source" not in here
    for bad in (["a-"], "ab", []):
        with pytest.raises(SitingError, match="give one for each layer"):
            combine_layers(here, here, id_prefixes=bad)


def test_a_study_with_a_prefix_proposes_prefixed_sites(tmp_path: Path) -> None:
    """The ids of the file stand beside those of the plan."""
    town = st.load_sample()
    for name in ("streets", "communities", "childcare"):
        st.write_layer(town[name], tmp_path / f"{name}.gpkg")
    candidates = town["candidates"].iloc[: len(town["childcare"])]
    st.write_layer(candidates.set_axis(town["childcare"].index[: len(candidates)]), tmp_path / "candidates.gpkg")
    text = "[layers]\n" + "".join(f'{n} = {{ path = "{n}.gpkg" }}\n' for n in ("streets", "communities", "childcare"))
    goal = '[[goal]]\nname = "most"\nservice = "childcare"\nmetres = 500\nat_most = 1\n'
    study = tmp_path / "study.toml"
    study.write_text(text + 'candidates = { path = "candidates.gpkg" }\n' + goal, encoding="utf-8")
    with pytest.raises(
        SitingError, match=r'share ids: .*; make them differ, for example with id_prefix = "new-" under'
    ):
        st.run(st.Study.from_toml(study))
    text += 'candidates = { path = "candidates.gpkg", id_prefix = "new-" }\n'
    study.write_text(text + goal, encoding="utf-8")
    outcome = st.run(st.Study.from_toml(study))
    (site,) = outcome.proposals["most"].plan.sites
    assert str(site).startswith("new-")
    assert outcome.layers["candidates"].loc[site, "id_source"] == str(site).removeprefix("new-")
