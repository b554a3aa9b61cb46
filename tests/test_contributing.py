"""The example of a new rule in CONTRIBUTING.md works as printed, in a copy of the library."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("### A new rule")[2].partition("\n## ")[0]
STEP = re.compile(
    r"^In `(?P<file>[^`]+)`, before (?P<anchors>.*?):\n\n```\w+\n(?P<code>.*?)```$", re.DOTALL | re.MULTILINE
)


def inserted(text: str, anchor: str, code: str) -> str:
    """Insert lines before the first line that begins with *anchor*."""
    head, found, tail = text.partition(f"\n{anchor}")
    assert found, f"no line begins with {anchor!r}"
    return f"{head}\n{code}{found[1:]}{tail}"


@pytest.mark.slow
def test_the_new_rule_works_as_printed(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path / "tests")
    steps = list(STEP.finditer(TEXT))
    assert len(steps) == 7
    for step in steps:
        file = tmp_path / step["file"]
        anchors = re.findall(r"`([^`]+)`", step["anchors"])
        pieces = [step["code"]] if len(anchors) == 1 else step["code"].splitlines(keepends=True)
        for anchor, piece in zip(anchors, pieces, strict=True):
            file.write_text(inserted(file.read_text(encoding="utf-8"), anchor, piece), encoding="utf-8")
    (tmp_path / "tests" / "test_one_of.py").write_text(
        re.findall(r"^```python\n(import pandas.*?)```$", TEXT, re.DOTALL | re.MULTILINE)[0], encoding="utf-8"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_one_of.py"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "src")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_example_is_short() -> None:
    code = re.findall(r"^```\w+\n(.*?)```$", TEXT, re.DOTALL | re.MULTILINE)
    assert sum(bool(line.strip()) for block in code for line in block.splitlines()) < 60
