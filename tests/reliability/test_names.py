"""Hostile names in every place where a name can stand, and all that is written: nothing runs, asks or breaks."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely

import siting as st
from siting.study.inputs import Circle, Goal, Source
from siting.terminal_study import run_in_terminal
from siting.terminal_text import COMMANDS, TextConsole

RUN = "window.ran=1"
NAMES = [
    f"<script>{RUN}</script>", f"</script><script>{RUN}</script>", f"<img src=x onerror={RUN}>", f"<svg/onload={RUN}>",
    f"\"><b onmouseover={RUN}>", f"' autofocus onfocus={RUN} '", f"javascript:{RUN}", f"`${{{RUN}}}`", "<!--", "-->",
    "]]>",
    "<iframe src=http://example.org>", "<link rel=stylesheet href=//example.org>",
    "<style>@import '//example.org'</style>",
    "<base href=//example.org>", "<meta http-equiv=refresh content=0>", "</title><h1>x", "&lt;b&gt;", "&#x3C;",
    "\u2028\u2029",
    "{{ 7919*7907 }}", "{% for x in (1,2) %}x{% endfor %}", "{# x #}", "${7919*7907}", "#{7919*7907}", "%(x)s",
    "%n%s", "{0}",
    "=1+1", "=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1+1", "=HYPERLINK(\"http://example.org\")",
    "\x1b[2J\x1b[31m", "\x1b]0;x\x07", "\x1b]8;;http://example.org\x1b\\x", "\x9b2J", "\x08\x08", "\u202egpj.exe",
    "\u2066x\u2069",
    "a\x00b", "\ud800", "\ufeffx", "e\u0301", "👩‍👩‍👧‍👦🏠", "长" * 10_000, "../../x", "/etc/passwd", "C:\\x",
    "CON", "a/b", "a:b",
    "'; DROP TABLE communities;--", "\"; DROP TABLE x", "<a:b xmlns:a='x'/>", "\\input{/etc/passwd}$x_1^2$",
    "!!python/object:x",
]  # fmt: skip
#: What is written as it is when a cell of a table is a number.
NUMBER = re.compile(r"[+-]?[\d.]+(?:e[+-]?\d+)?$", re.IGNORECASE)
Place = Callable[[dict[str, Any], Any, str], Any]


def town() -> dict[str, gpd.GeoDataFrame]:
    """Four homes, a nursery and two candidates along one street."""
    x0, y0 = 530_000.0, 3_380_000.0

    def layer(points: dict[str, tuple[float, float]], **columns: Any) -> gpd.GeoDataFrame:
        at = [shapely.Point(x0 + x, y0 + y) for x, y in points.values()]
        return gpd.GeoDataFrame(
            columns, geometry=at, index=pd.Index(list(points), name="id", dtype=object), crs="EPSG:4547"
        )

    homes = layer({f"h{n}": (200.0 * n, 10.0) for n in range(4)}, name=list("abcd"), population=[100, 200, 300, 400],
                  infants=[3, 4, 5, 6], elderly=[9, 9, 9, 9], district=["d", "d", "e", "e"])  # fmt: skip
    streets = [shapely.LineString([(x0 + 100 * n, y0), (x0 + 100 * n + 100, y0)]) for n in range(-1, 8)]
    area = [shapely.box(x0 - 500, y0 - 500, x0 + 300, y0 + 500), shapely.box(x0 + 300, y0 - 500, x0 + 1500, y0 + 500)]
    return {
        "communities": homes,
        "childcare": layer({"n": (0.0, -10.0)}, name=["x"], places=[30]),
        "candidates": layer({"k": (400.0, -10.0), "l": (600.0, -10.0)}, name=["y", "z"], services=["childcare"] * 2),
        "districts": gpd.GeoDataFrame(
            {"name": ["d", "e"]}, geometry=area, index=pd.Index(["d", "e"], name="id"), crs="EPSG:4547"
        ),
        "streets": gpd.GeoDataFrame(
            {"highway": ["residential"] * 9, "name": ["s"] * 9}, geometry=streets, crs="EPSG:4547"
        ),
    }


def _column(frame: Any, name: str) -> Any:
    return pd.Series([name] * len(frame), frame.index, dtype=object)  # text of pandas cannot hold half a character


def _texts(layers: dict[str, Any], study: Any, name: str) -> Any:
    for role, frame in layers.items():
        layers[role] = frame.assign(name=_column(frame, name))
        layers[role].attrs["notice"] = {"zh": name, "en": name}
        layers[role].attrs["attribution"] = name
    layers["streets"]["highway"] = _column(layers["streets"], name)
    return study


def _ids(layers: dict[str, Any], study: Any, name: str) -> Any:
    for role in ("communities", "childcare", "candidates"):
        ids = [f"{name}{role[:2]}{k}" for k in range(len(layers[role]))]
        layers[role].index = pd.Index(ids, name="id", dtype=object)
    return study


def _districts(layers: dict[str, Any], study: Any, name: str) -> Any:
    layers["communities"]["district"] = _column(layers["communities"], name)
    layers["districts"].index = pd.Index([name, f"{name}e"], name="id", dtype=object)
    return study


def _columns(layers: dict[str, Any], study: Any, name: str) -> Any:
    for role in ("communities", "childcare", "candidates"):
        frame = layers[role].assign(placed="x")
        # Names as objects: pandas cannot add half a character to an index of texts.
        names = pd.Index([name if column == "placed" else column for column in frame.columns], dtype=object)
        layers[role] = frame.set_axis(names, axis=1)
    return study


def _titles(layers: dict[str, Any], study: Any, name: str) -> Any:
    return replace(study, name=name, title={"zh": name, "en": name})


def _goals(layers: dict[str, Any], study: Any, name: str) -> Any:
    return replace(study, goals=tuple(replace(goal, name=name) for goal in study.goals))


def _services(layers: dict[str, Any], study: Any, name: str) -> Any:
    layers["candidates"]["services"] = _column(layers["candidates"], name)
    source = replace(study.layers["childcare"], role="facilities")
    layers_of = {role: at for role, at in study.layers.items() if role != "childcare"} | {name: source}
    circles, goals = ((replace(each, service=name),) for each in (study.circles[0], study.goals[0]))
    return replace(study, layers=layers_of, circles=circles, goals=goals)


PLACES: dict[str, Place] = {
    "texts": _texts, "ids": _ids, "districts": _districts, "columns": _columns, "titles": _titles, "goals": _goals,
    "services": _services,
}  # fmt: skip


def run(folder: Path, place: Place, name: str) -> tuple[Path, str] | None:
    """Run a study with a name in one place; return its results and what the terminal showed, None if it is refused."""
    layers = town()
    sources = {role: Source(path=folder / f"{role}.parquet") for role in layers}
    study = st.Study(
        name="town", title={"zh": "town", "en": "town"}, layers=sources, lang="en",
        circles=(Circle("childcare", metres=(300.0, 500.0)),),
        goals=(Goal("most", "childcare", metres=300.0, rules=(st.AtMost(1),), curve=2, on_map=True),),
    )  # fmt: skip
    out = io.StringIO()
    try:
        study = place(layers, study, name)
        for role, frame in layers.items():
            st.write_layer(frame, sources[role].path or "")
        run_in_terminal(TextConsole(file=out, width=80, force_terminal=True), study, folder / "results")
    except st.SitingError:
        return None
    return folder / "results", out.getvalue()


def faults_of(results: Path, shown: str) -> Iterator[str]:
    """Yield what is wrong with the files and the terminal, without a browser."""
    own = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)  # of rich
    if COMMANDS.search(own.replace("\r", "")):
        yield f"the terminal got {COMMANDS.search(own.replace(chr(13), ''))!r}"
    for file in (results / "tables").iterdir():
        with file.open(encoding="utf-8-sig", newline="") as handle:
            for row in csv.reader(handle):
                yield from (
                    f"{file.name}: {c[:40]!r} is a formula"
                    for c in row
                    if c[:1] in "=+-@\t\r" and c and not NUMBER.match(c)
                )
    for layer, _ in pyogrio.list_layers(results / "results.gpkg"):
        frame = pyogrio.read_dataframe(results / "results.gpkg", layer=layer)
        sheet = results.parent / "sheet.xlsx"
        st.write_layer(frame, sheet)
        for cells in openpyxl.load_workbook(sheet).worksheets[0].iter_rows():
            yield from (f"{layer}: {str(c.value)[:40]!r} is live" for c in cells if c.data_type == "f" or c.hyperlink)
    for name in ("coverage.html", "report.html"):
        page = (results / name).read_bytes().decode("utf-8")
        if "62615533" in page:
            yield f"{name}: a template was rendered"


def faults_in_browser(browser: Any, results: Path) -> list[str]:
    """Open map and report without a network; return what ran, was asked for, or went wrong."""
    faults: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    for name in ("coverage.html", "report.html"):
        tab = context.new_page()
        own = (results / name).as_uri()
        tab.on("console", lambda line: faults.append(line.text[:200]))
        tab.on("pageerror", lambda fault: faults.append(str(fault)[:200]))
        tab.on("dialog", lambda box: faults.append(f"dialog {box.message[:100]}"))
        tab.on("request", lambda asked, own=own: asked.url in (own, "data:,") or faults.append(asked.url[:200]))
        tab.goto(own)
        if name == "coverage.html":
            tab.wait_for_selector("html[data-siting=ready]")
            tab.mouse.move(640, 400)
        if tab.evaluate("window.ran"):
            faults.append(f"{name}: a name ran")
        if tab.url != own:
            faults.append(f"{name}: left for {tab.url[:100]}")
        tab.close()
    context.close()
    return faults


@pytest.mark.parametrize("where", list(PLACES))
def test_hostile_names_are_shown_as_text(where: str, tmp_path: Path, browser: Any, tries: Any, record: Any) -> None:
    """A hostile name is refused or shown as text, in map, report, tables, layers and terminal: nothing runs or asks."""
    number = min(tries(1, len(NAMES)), len(NAMES))
    faults: Counter[str] = Counter()
    refused = 0
    for k in range(number):
        name = NAMES[k] if number > 1 else NAMES[1]
        folder = tmp_path / str(k)
        folder.mkdir()
        found = None
        try:
            found = run(folder, PLACES[where], name)
            refused += found is None
            bad = [] if found is None else [*faults_of(*found), *faults_in_browser(browser, found[0])]
        except Exception as fault:
            bad = [f"{type(fault).__name__}: {str(fault)[:200]}"]
        for each in bad:
            faults[f"{name[:40]!r}: {each}"] += 1
    record(number, faults=faults.total(), told=f"{refused} refused")
    assert not faults, "\n".join(f"{n} × {fault}" for fault, n in faults.most_common(30))
