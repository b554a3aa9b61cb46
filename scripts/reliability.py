"""Try the promises of reliability many times, and write the figures into docs/reliability.md.

``make reliability`` runs all tests of `tests/reliability` with their full numbers, which takes hours. Some of them, or
fewer tries: ``python scripts/reliability.py test_layers.py --tries 500``. Rows of tests that were not run stay.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TESTS, PAGE = ROOT / "tests" / "reliability", ROOT / "docs" / "reliability.md"
PITFALLS = ROOT / "tests" / "test_pitfalls.py"
FIGURES = ["Promise", "Test", "Tries", "Counted", "Seconds", "Date"]


def main(arguments: list[str] | None = None) -> int:
    """Run the tests and fill the tables; return the exit status of pytest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tests", nargs="*", help="files in tests/reliability, as test_layers.py; default all")
    parser.add_argument("--tries", default="full", help='how many times to try; "full" for the numbers of the page')
    parser.add_argument(
        "--from", dest="folder", type=Path, help="fill the tables from figures of this folder; run nothing"
    )
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as made:
        folder = given.folder or Path(made)
        status = 0 if given.folder else _run(given.tests, given.tries, folder)
        page = PAGE.read_text(encoding="utf-8")
        page = filled(page, "figures", FIGURES, rows_of(read_figures(folder)), key=1)
        page = filled(page, "pitfalls", ["Row", "Promise", "Test"], pitfalls())
        PAGE.write_text(page, encoding="utf-8", newline="\n")
    return status


def _run(tests: list[str], tries: str, folder: Path) -> int:
    files = [str(TESTS / name) for name in tests] or [str(TESTS)]
    around = os.environ | {"SITING_TRIES": tries, "SITING_RELIABILITY": str(folder)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    return subprocess.run(command, cwd=ROOT, env=around, check=False).returncode


def read_figures(folder: Path) -> list[dict[str, Any]]:
    """Return the figures that tests wrote down, the last of each test."""
    lines = [line for file in sorted(folder.glob("*.jsonl")) for line in file.read_text(encoding="utf-8").splitlines()]
    return list({each["test"]: each for each in map(json.loads, lines)}.values())


def rows_of(figures: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    """Return a row of the table for each test.

    Examples
    --------
    >>> rows_of([{"promise": "It holds", "test": "a.py::b", "tries": 1000, "counts": {"wrong": 0, "leaked_warnings": 2},
    ...           "told": "", "seconds": 1.24, "date": "2026-12-01"}])
    [['It holds', '`a.py::b`', '1,000', '0 wrong, 2 leaked warnings', '1', '2026-12-01']]
    """
    return [
        [
            each["promise"],
            f"`{each['test']}`",
            f"{each['tries']:,}",
            ", ".join(
                [
                    *(f"{n:,} {name.replace('_', ' ')}" for name, n in each["counts"].items()),
                    *filter(None, [each["told"]]),
                ]
            ),
            f"{each['seconds']:,.0f}",
            each["date"],
        ]
        for each in figures
    ]


def pitfalls(file: Path = PITFALLS) -> list[list[str]]:
    """Return number, first line of the docstring and name of each test that is named after a pitfall: `test_07_…`."""
    if not file.is_file():
        return []
    tree = ast.parse(file.read_text(encoding="utf-8"))
    rows = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            promise = (ast.get_docstring(node) or node.name.removeprefix("test_").replace("_", " ")).partition("\n")[0]
            found = re.search(r"(finding|found)?_0*(\d+)", node.name)
            kind = {"finding": "finding ", "found": "later "}.get(found[1] or "", "") if found else ""
            row = f"{kind}{found[2]}" if found else ""
            rows.append([row, promise.rstrip("."), f"`{file.name}::{node.name}`"])
    return rows


def filled(page: str, name: str, heads: list[str], rows: list[list[str]], key: int | None = None) -> str:
    r"""Put a table between the two marks of its name; with *key*, rows whose cell of it is not among the new ones stay.

    Examples
    --------
    >>> old = "<!-- t: begin -->\n| A | B |\n|---|---|\n| 1 | x |\n| 2 | y |\n<!-- t: end -->"
    >>> print(filled(old, "t", ["A", "B"], [["3", "y"], ["4", "z"]], key=1))
    <!-- t: begin -->
    | A | B |
    |---|---|
    | 1 | x |
    | 3 | y |
    | 4 | z |
    <!-- t: end -->
    """
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    before, _, rest = page.partition(begin)
    table, _, after = rest.partition(end)
    if key is not None:
        old = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines()[2:]]
        rows = sorted({row[key]: row for row in [*old, *rows]}.values(), key=lambda row: row[key])
    lines = [
        f"| {' | '.join(heads)} |",
        f"|{'|'.join(['---'] * len(heads))}|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
    return before + begin + "\n".join(lines) + "\n" + end + after


if __name__ == "__main__":
    raise SystemExit(main())
