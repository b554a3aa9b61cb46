"""The page of file formats says what is read and written, and its examples run."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from typer.testing import CliRunner

import siting as st
from siting.cli import app
from siting.data.formats import FORMATS
from siting.data.source import Source
from siting.errors import LayerError

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "formats.md"
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def rows() -> dict[str, list[str]]:
    """Return the cells of the table of formats by suffix."""
    cells = [
        line.strip("|").split("|") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")
    ]
    found: dict[str, list[str]] = {}
    for row in cells:
        if len(row) == 7:
            found |= {suffix: [cell.strip() for cell in row] for suffix in re.findall(r"`(\.\w+)`", row[1])}
    return found


def test_every_format_is_on_the_page() -> None:
    table = rows()
    assert set(table) == set(FORMATS)
    for suffix, row in table.items():
        assert row[2].startswith("yes")
        assert (row[4] != "–") == FORMATS[suffix].layers, suffix


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_is_written_is_on_the_page(tmp_path: Path, suffix: str) -> None:
    place = gpd.GeoDataFrame({"id": ["a"]}, geometry=[shapely.Point(120, 29)], crs="EPSG:4326")
    written = rows()[suffix][3]
    if written == "–" or (written.startswith("`") and f"`{suffix}`" not in written):
        with pytest.raises(LayerError, match="is of no kind that is written here"):
            st.write_layer(place, tmp_path / f"a{suffix}")
    else:
        st.write_layer(place, tmp_path / f"a{suffix}")
        assert list(st.read_layer(tmp_path / f"a{suffix}", "candidates").index) == ["a"]


def test_the_examples_of_the_page_run() -> None:
    blocks = re.findall(r"^```pycon\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, PAGE.name, str(PAGE), 0)
    told: list[str] = []
    assert not doctest.DocTestRunner(optionflags=FLAGS).run(test, out=told.append).failed, "".join(told)


def test_the_shell_knows_the_formats(tmp_path: Path) -> None:
    """A drawing is checked, and an export becomes a layer of a geodatabase."""
    run = CliRunner().invoke
    table = tmp_path / "a.csv"
    table.write_text("id,places,lon,lat\na,30,120,29\n", encoding="utf-8")
    for _ in range(2):
        assert run(app, ["import", str(table), str(tmp_path / "市.gdb"), "--role", "childcare"]).exit_code == 0
    assert st.read_layer(tmp_path / "市.gdb", "childcare").attrs["source"] == "市.gdb:childcare"
    assert run(app, ["check", str(tmp_path / "市.gdb"), "--role", "childcare"]).exit_code == 0
    words = run(app, ["check", "--help"]).output
    assert all(suffix in words for suffix in (".gdb", ".kmz", ".dxf", ".duckdb", ".xls"))


def test_a_study_takes_any_of_them(tmp_path: Path) -> None:
    """The layers of a run from a geodatabase, FlatGeobuf and GeoParquet are those that were written."""
    town = st.load_sample()
    st.write_layer(town["communities"], tmp_path / "市.gdb", layer="communities")
    st.write_layer(town["childcare"], tmp_path / "childcare.fgb")
    st.write_layer(town["streets"], tmp_path / "streets.parquet")
    (tmp_path / "study.toml").write_text(
        """
[study]
name = "formats"
[layers]
communities = { path = "市.gdb", layer = "communities" }
childcare = { path = "childcare.fgb" }
streets = { path = "streets.parquet" }
[[circle]]
service = "childcare"
metres = 500
""",
        encoding="utf-8",
    )
    layers = st.run(st.Study.from_toml(tmp_path / "study.toml")).layers
    for name in ("communities", "childcare"):
        assert list(layers[name].index) == list(town[name].index)
        assert layers[name].geometry.distance(town[name].geometry).max() < 1e-3
    people = [column.name for column in st.data.role("communities").columns if column.type == "count"]
    assert layers["communities"].filter(people).equals(town["communities"].filter(people))


def test_sources_have_one_suffix() -> None:
    assert Source(Path("a.GDB.Zip"), "communities", "x").suffix == ".zip"
