"""Run the benchmarks and write the table: `python -m benchmarks [--size small|full] [--only NAME …] [--out FILE]`."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.cases import CASES, GROUPS
from benchmarks.data import ROOT
from benchmarks.machine import describe
from benchmarks.report import table
from benchmarks.sizes import SIZES

#: One thread for everybody: set before anything that reads it is imported, in the processes of the cases.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)
RESULTS = Path(__file__).with_name("results.json")


def main() -> int:
    """Run the cases one after the other, each in a process of its own; the status is 1 when one failed."""
    asked = _asked()
    records: list[dict[str, Any]] = []
    if asked.keep and asked.json.is_file():
        kept = json.loads(asked.json.read_text(encoding="utf-8"))
        if kept["size"] == asked.size:
            records = [row for row in kept["rows"] if row["case"] not in asked.only]
    for name in asked.only:
        sys.stderr.write(f"{name} …\n")
        records += _run(name, asked.size)
    records.sort(key=lambda row: list(CASES).index(row["case"]))
    machine = describe()
    text = table(machine, asked.size, records)
    sys.stdout.write(text)
    if asked.out:
        asked.out.write_text(text, encoding="utf-8")
    if asked.out or asked.keep:
        held = {"machine": machine, "size": asked.size, "rows": records}
        asked.json.write_text(json.dumps(held, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return int(any(row["status"] == "failed" for row in records))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure siting against its peers.")
    parser.add_argument("--size", choices=sorted(SIZES), default="small", help="small: two minutes; full: long")
    parser.add_argument("--only", nargs="+", choices=[*CASES, *GROUPS], default=list(CASES), metavar="NAME",
                        help=f"some of {', '.join([*CASES, *GROUPS])}")  # fmt: skip
    parser.add_argument("--out", type=Path, help="write the table to this file, and the rows as JSON")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where the rows go, and are kept")
    parser.add_argument("--keep", action="store_true", help="keep the rows of other cases that were measured before")
    asked = parser.parse_args()
    asked.only = [name for each in asked.only for name in GROUPS.get(each, [each])]
    return asked


def _run(name: str, size: str) -> list[dict[str, Any]]:
    """Run one case in its own process, and return its rows, also when the process dies."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rows.jsonl"
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.worker", name, size, str(out)],
            cwd=ROOT, env={**os.environ, **ONE_THREAD}, stdout=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        lines = out.read_text(encoding="utf-8").splitlines() if out.is_file() else []
    rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    if done.returncode:
        why = f"the process ended with status {done.returncode}"
        rows.append({"case": name, "work": name, "status": "failed", "checked": why})
    return rows


if __name__ == "__main__":
    sys.exit(main())
