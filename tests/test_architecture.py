"""Rooms import only from floors below; what is public is listed; importing loads nothing heavy."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import subprocess
import sys
from pathlib import Path

import networkx as nx
import pytest

import siting

ROOT = Path(__file__).resolve().parents[1]
_spec = importlib.util.spec_from_file_location("architecture", ROOT / "scripts" / "architecture.py")
assert _spec is not None
assert _spec.loader is not None
architecture = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(architecture)

SOURCE = Path(siting.__file__).parent
#: From the ground up; what shares a line shares a floor and knows nothing of each other.
FLOORS = [
    {"labels", "numbers", "terminal_text"},
    {"messages"},
    {"compiled", "errors", "renamed"},
    {"data", "interrupt", "limits", "notebook_html", "optimize", "progress_bar", "read_share"},
    {"network"},
    {"measure"},
    {"judge", "propose"},
    {"show", "terminal_layer"},
    {"study", "terminal_audit"},
    {"deliver", "terminal_analyses"},
    {"terminal_study"},
    {"cli"},
]
#: The rooms and modules right inside the proposals, in the same way.
PROPOSALS = [
    {"problem", "forwarded_attributes"},
    {"model"},
    {"search", "candidates"},
    {"plan", "infeasible"},
    {"solve"},
    {"questions"},
]
#: The rooms of the engines: what several need lies right inside, with no room in sight.
ENGINE_ROOMS = [{"covering"}, {"capacitated", "center", "choice", "median"}]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
FLOOR_OF_PROPOSAL = {room: floor for floor, rooms in enumerate(PROPOSALS) for room in rooms}
FILES = architecture.module_names()
GRAPH = architecture.import_graph()
MODULES = sorted(set(FILES) - {"siting"})
#: The only modules of the proposals that touch layers and networks.
MODELS = [m for m in MODULES if m.startswith("siting.propose.") and not m.startswith("siting.propose.candidates")]
ENGINES = [m for m in MODULES if m.startswith("siting.optimize.")]
SECONDS = 1.0
#: Public names by theme, gathered from several rooms.
NAMESPACES = {"decay", "equity", "forecasts", "projects", "scenarios", "sharing"}


def test_every_room_has_a_floor() -> None:
    rooms = {architecture.room_of(m) for m in MODULES} - {"__main__"}
    assert rooms == {room for rooms in FLOORS for room in rooms} | NAMESPACES


def test_rooms_import_only_from_floors_below() -> None:
    wrong = []
    for module, other in GRAPH.edges:
        mine, room = architecture.room_of(module), architecture.room_of(other)
        if mine not in FLOOR or not room or mine == room:
            continue
        if not FLOOR.get(room, len(FLOORS)) < FLOOR[mine]:
            wrong.append(f"{module} imports {other}")
    assert not wrong


def test_rooms_of_the_proposals_import_only_from_floors_below() -> None:
    wrong = []
    for module, other in GRAPH.edges:
        if not module.startswith("siting.propose.") or not other.startswith("siting.propose"):
            continue
        mine, room = module.split(".")[2], other.split(".")[2:3]
        below = room and FLOOR_OF_PROPOSAL[room[0]] < FLOOR_OF_PROPOSAL[mine]
        if not below and room != [mine]:
            wrong.append(f"{module} imports {other}")
    assert not wrong


def test_there_is_no_circle_of_imports() -> None:
    """Imports within functions and for types count."""
    assert [sorted(circle) for circle in nx.strongly_connected_components(GRAPH) if len(circle) > 1] == []


def test_a_circle_would_be_noticed(tmp_path: Path) -> None:
    source = tmp_path / "siting"
    source.mkdir()
    for name, text in (
        ("__init__", ""), ("a", "from siting.b import x"), ("b", "def f():\n    from siting import c"),
        ("c", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import siting.a"),
    ):  # fmt: skip
        (source / f"{name}.py").write_text(text, encoding="utf-8")
    graph = architecture.import_graph(source)
    assert max(nx.strongly_connected_components(graph), key=len) == {"siting.a", "siting.b", "siting.c"}


def test_nothing_private_is_imported_from_another_module() -> None:
    private = []
    for module, path in FILES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("siting"):
                names = [
                    a.name for a in node.names if a.name.startswith("_") and f"{node.module}.{a.name}" not in FILES
                ]
                private += [f"{module} imports {name} of {node.module}" for name in names]
            assert not (isinstance(node, ast.ImportFrom) and node.level), f"relative import in {module}"
    assert not private


def test_only_heavy_packages_are_imported_in_functions() -> None:
    """What is our own stands at the top of a module; the commands of the shell may wait for what they alone need."""
    late = []
    for module, path in FILES.items():
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef):
                continue
            for node in ast.walk(function):
                name = node.module if isinstance(node, ast.ImportFrom) else None
                names = [name] if name else [a.name for a in node.names] if isinstance(node, ast.Import) else []
                late += [f"{module} imports {n} in {function.name}" for n in names if n.split(".")[0] == "siting"]
    # The page of a map is made of classes of folium, which takes half a second to import.
    # Pictures are figures of matplotlib.
    allowed = {
        "siting.show.map imports siting.show.map_page in draw_map",
        "siting.show.chart imports siting.show.display in draw_chart",
        "siting.show.picture_sheet imports siting.show.display in _figure",
        # Signals are answered while the command is imported.
        "siting.__main__ imports siting.cli in main",
    }
    assert not [line for line in set(late) - allowed if not line.startswith("siting.cli.")]


def test_the_picture_of_the_rooms_is_that_of_the_code() -> None:
    drawn = (ROOT / "docs" / "images" / "architecture.svg").read_text(encoding="utf-8")
    assert drawn == architecture.draw(), "run make architecture"


@pytest.mark.parametrize("module", MODELS)
def test_models_know_no_geometry_standard_or_file(module: str) -> None:
    names = {n.split(".")[0] for n in _all_imports(module)} | _all_imports(module)
    assert not names & {"geopandas", "shapely", "pyproj", "pyogrio", "siting.judge", "siting.data", "siting.network"}


@pytest.mark.parametrize("module", ENGINES)
def test_engines_know_only_numbers(module: str) -> None:
    roots = {name.split(".")[0] for name in _all_imports(module)}
    assert not roots & {"pandas", "rich", "sklearn"}
    known = ("siting.optimize", "siting.compiled", "siting.numbers", "siting.messages")
    ours = {n for n in _all_imports(module) if n.startswith("siting")}
    assert all(n.startswith(known) for n in ours), ours


def test_engines_know_only_engines_below() -> None:
    floor = {room: number for number, rooms in enumerate(ENGINE_ROOMS, 1) for room in rooms}
    folders = {m.split(".")[2] for m in ENGINES if m.count(".") > 2}
    assert folders == set(floor)
    for module in ENGINES:
        room = module.split(".")[2]
        for name in GRAPH.successors(module):
            if name.startswith("siting.optimize.") and (other := name.split(".")[2]) != room:
                assert floor.get(other, 0) < floor.get(room, 0) or not floor.get(other), f"{module} imports {name}"


@pytest.mark.slow
def test_one_module_knows_the_solver() -> None:
    names = {"highspy", "scipy.optimize"}
    knows = [m for m in MODULES if any(n.startswith(tuple(names)) for n in _all_imports(m))]
    assert knows == ["siting.optimize.highs"]


def _all_imports(module: str) -> set[str]:
    tree = ast.parse(FILES[module].read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("module", ["siting", *MODULES])
def test_what_is_public_is_there(module: str) -> None:
    loaded = importlib.import_module(module)
    for name in getattr(loaded, "__all__", []):
        assert hasattr(loaded, name), f"{module}.__all__ names {name}, which is not there"


def test_the_top_level_is_small_and_namespaces_are_tidy() -> None:
    spaces = [name for name in siting.__all__ if inspect.ismodule(getattr(siting, name))]
    assert len(siting.__all__) - len(spaces) <= 60
    assert set(dir(siting)) == set(siting.__all__)
    for name in spaces:
        space = getattr(siting, name)
        assert sorted(dir(space)) == sorted(space.__all__), f"dir(siting.{name}) lists more than its public names"


@pytest.mark.parametrize(("home", "names"), siting.MOVED.items())
def test_a_name_that_moved_says_where_it_is(home: str, names: str) -> None:
    for name in names.split():
        assert name not in siting.__all__
        with pytest.warns(DeprecationWarning, match=rf"^siting\.{name} is siting\.{home}\.{name} now$"):
            assert getattr(siting, name) is getattr(getattr(siting, home), name)


def test_names_of_the_package_are_sorted_and_documented() -> None:
    assert siting.__all__ == sorted(siting.__all__)
    for name in siting.__all__:
        assert (getattr(siting, name).__doc__ or "").strip(), f"siting.{name} has no docstring"


def test_modules_stay_readable() -> None:
    long = {p.name: n for p in SOURCE.rglob("*.py") if (n := len(p.read_text(encoding="utf-8").splitlines())) > 400}
    assert not long, f"is there a second room inside {long}?"


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_importing_loads_no_heavy_package_and_changes_nothing() -> None:
    """Findings 8: only what every user needs is imported at the top."""
    code = """
import logging, sys, warnings, os
before = (dict(os.environ), list(logging.root.handlers), list(warnings.filters))
import siting
heavy = ("osmnx", "sklearn", "matplotlib", "folium", "numba", "highspy", "networkx", "pyogrio", "openpyxl", "rich")
print([name for name in heavy if name in sys.modules])
print(before[0] == dict(os.environ), before[1] == logging.root.handlers)
"""
    assert run(code).split("\n")[:2] == ["[]", "True True"]


def test_a_module_of_loops_loads_no_compiler() -> None:
    """A loop is compiled when it is first called; whoever only reads a layer or a standard does not wait for numba."""
    code = "import sys, siting.judge, siting.propose, siting.network.search_kernels; print('numba' in sys.modules)"
    assert run(code) == "False\n"


def test_importing_takes_under_a_second() -> None:
    """Seconds of the process itself, so that a busy machine does not fail it; the best of three."""
    code = "import time; t = time.process_time(); import siting; print(time.process_time() - t)"
    assert min(float(run(code)) for _ in range(3)) < SECONDS


@pytest.mark.slow
def test_a_test_and_the_examples_of_a_module_run_together() -> None:
    """The module is called as its function: what the package shows stays the function."""
    both = ["tests/test_measure_travel.py::test_a_limit_is_inclusive", "src/siting/measure/travel.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *both]
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
