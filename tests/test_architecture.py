"""Rooms import only from floors below; what is public is listed; importing loads nothing heavy."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import siting

SOURCE = Path(siting.__file__).parent
FLOORS = {
    "numbers": 0,
    "errors": 0,
    "labels": 0,
    "renamed": 0,
    "compiled": 0,
    "optimize": 1,
    "data": 1,
    "share": 1,
    "network": 2,
    "measure": 3,
    "judge": 4,
    "propose": 4,
    "show": 5,
}
TOP = 6
MODULES = sorted(m.name for m in pkgutil.walk_packages([str(SOURCE)], "siting."))
#: The only modules of the proposals that touch layers and networks.
LAYERS = {"siting.propose.candidates.make", "siting.propose.candidates.parcels", "siting.propose.candidates.dominance"}
MODELS = [m for m in MODULES if m.startswith("siting.propose.") and m not in LAYERS]
ENGINES = [m for m in MODULES if m.startswith("siting.optimize.")]
SECONDS = 1.0


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names if name.name.split(".")[0] == "siting"}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "siting":
            found |= {f"{node.module}.{name.name}" for name in node.names} | {node.module}
        assert not (isinstance(node, ast.ImportFrom) and node.level), f"relative import in {path.name}"
    return found


@pytest.mark.parametrize("module", MODULES)
def test_a_room_imports_only_from_floors_below(module: str) -> None:
    mine = room_of(module)
    floor = FLOORS.get(mine, TOP)
    path = SOURCE.joinpath(*module.split(".")[1:])
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    for other in imported(file):
        room = room_of(other)
        if room == mine or not room:
            continue
        # judge and propose stand on one floor and know nothing of each other
        assert FLOORS.get(room, TOP) < floor or floor == TOP, f"{module} imports {other}"


@pytest.mark.parametrize("module", MODELS)
def test_models_know_no_geometry_standard_or_file(module: str) -> None:
    names = {n.split(".")[0] for n in _all_imports(module)} | _all_imports(module)
    assert not names & {"geopandas", "shapely", "pyproj", "pyogrio", "siting.judge", "siting.data", "siting.network"}


@pytest.mark.parametrize("module", ENGINES)
def test_engines_know_only_numbers(module: str) -> None:
    roots = {name.split(".")[0] for name in _all_imports(module)}
    assert not roots & {"pandas", "rich", "sklearn"}
    known = ("siting.optimize", "siting.compiled", "siting.numbers")
    ours = {n for n in _all_imports(module) if n.startswith("siting")}
    assert all(n.startswith(known) for n in ours), ours


@pytest.mark.slow
def test_one_module_knows_the_solver() -> None:
    names = {"highspy", "scipy.optimize"}
    knows = [m for m in MODULES if any(n.startswith(tuple(names)) for n in _all_imports(m))]
    assert knows == ["siting.optimize.highs"]


def _all_imports(module: str) -> set[str]:
    path = SOURCE.joinpath(*module.split(".")[1:])
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    tree = ast.parse(file.read_text(encoding="utf-8"))
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


def test_names_of_the_package_are_sorted_and_documented() -> None:
    assert siting.__all__ == sorted(siting.__all__)
    for name in siting.__all__:
        assert (getattr(siting, name).__doc__ or "").strip(), f"siting.{name} has no docstring"


def test_modules_stay_readable() -> None:
    long = {p.name: n for p in SOURCE.rglob("*.py") if (n := len(p.read_text(encoding="utf-8").splitlines())) > 450}
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
