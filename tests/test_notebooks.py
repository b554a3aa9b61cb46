"""Every notebook runs from top to bottom without a warning, shows its map, and is kept without outputs."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from siting.show.fonts import measuring_families

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
TIMEOUT = 300
STRICT = """
import warnings
warnings.simplefilter("error")
warnings.filterwarnings("ignore", module="ipykernel")  # what runs the notebook is not under test
"""

# Without a Chinese font pictures have empty boxes, and matplotlib says so; the story is run all the same.
NO_FONT = 'warnings.filterwarnings("ignore", message="Glyph .* missing from font")\n'

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_there_are_notebooks():
    assert NOTEBOOKS


@each_notebook
def test_kept_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    for cell in code:
        assert cell.outputs == [], cell.id
        assert cell.execution_count is None, cell.id
        assert not cell.metadata, cell.id


@pytest.mark.slow
@each_notebook
@pytest.mark.filterwarnings("ignore::DeprecationWarning:jupyter_client", "ignore::ResourceWarning")
def test_runs_and_shows_the_map(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    strict = STRICT + ("" if len(measuring_families()) > 1 else NO_FONT)
    # In the copy that is run warnings are errors, from the first cell on.
    notebook.cells.insert(0, nbformat.v4.new_code_cell(strict))
    # It writes files beside itself; the checkout stays clean.
    NotebookClient(
        notebook, timeout=TIMEOUT, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    streams = [out for cell in code for out in cell.outputs if out.output_type == "stream"]
    # In a fresh checkout the first to need a search compiles it, and says so.
    told = [
        out.text for out in streams if out.name == "stderr" and not out.text.startswith("the path searches are being")
    ]
    assert not told
    pages = [
        out.data["text/html"]
        for cell in code
        for out in cell.outputs
        if "text/html" in out.get("data", {}) and "<iframe" in out.data["text/html"]
    ]
    assert pages, "no map is shown"
    assert "application/json" in pages[-1]
    assert "合成数据" in pages[-1]
    for cell in code:
        if ".draw_picture(" in cell.source or cell.source.splitlines()[-1].startswith("st.draw_chart("):
            assert any("image/png" in out.get("data", {}) for out in cell.outputs), cell.id
