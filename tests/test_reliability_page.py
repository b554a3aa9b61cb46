"""The tables of docs/reliability.md are filled from figures that tests write down."""

from __future__ import annotations

import ast
import doctest
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
_spec = importlib.util.spec_from_file_location("reliability", ROOT / "scripts" / "reliability.py")
assert _spec is not None
assert _spec.loader is not None
reliability = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reliability)


def test_the_examples_of_the_script_run() -> None:
    assert doctest.testmod(reliability).failed == 0


def test_the_page_names_only_tests_that_exist() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    for file, name in re.findall(r"`([\w/]+\.py)::(\w+)", page):
        tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{file}::{name}"


@pytest.mark.slow
def test_figures_are_written_before_a_test_fails(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "reliability" / "conftest.py").read_text(encoding="utf-8"))
    (tmp_path / "test_tried.py").write_text(
        'def test_it(tries, record):\n    """It holds."""\n    record(tries(3, 70), wrong=1)\n    assert False\n'
    )
    environment = os.environ | {"SITING_TRIES": "full", "SITING_RELIABILITY": str(tmp_path / "figures")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, str(tmp_path)]
    done = subprocess.run([*command, "-W", "ignore"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout
    (line,) = reliability.read_figures(tmp_path / "figures")
    assert (line["promise"], line["tries"], line["counts"]) == ("It holds", 70, {"wrong": 1})
    assert json.loads(json.dumps(line["versions"]))["siting"]
