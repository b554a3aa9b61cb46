"""The same layers give the same files, byte for byte: whatever the hash seed, the threads and the time are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

STUDY = Path(__file__).with_name("same_study.py")
#: Tables that list nothing in the order of the layers.
SUMS = ("coverage.csv", "plans.csv", "plan_most.csv")


def run(folder: Path, *, order: int = 0, town: int = 0, hashes: str = "0", threads: str = "1") -> Path | str:
    """Run the study of a town in a process of its own; return its results, or why the town is refused."""
    around = os.environ | {"PYTHONHASHSEED": hashes, "NUMBA_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
    command = [sys.executable, str(STUDY), str(folder), str(order), str(town)]
    done = subprocess.run(command, env=around, capture_output=True, text=True, check=False)
    if done.returncode and (refused := done.stderr.rstrip().rpartition("\n")[2]).startswith("siting.errors."):
        return refused
    assert done.returncode == 0, done.stderr
    return folder / "results"


def content(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def same_rows(one: Path, other: Path) -> bool:
    """Whether two results hold the same rows, in any order."""
    for file in sorted((one / "tables").iterdir()):
        tables = [pd.read_csv(each / "tables" / file.name, dtype=str) for each in (one, other)]
        a, b = (table.sort_values(list(table.columns)).reset_index(drop=True) for table in tables)
        if not a.equals(b) or (file.name in SUMS and file.read_bytes() != (other / "tables" / file.name).read_bytes()):
            return False
    layers = [gpd.read_file(each / "results.gpkg", layer="communities") for each in (one, other)]
    a, b = (layer.sort_values("id").reset_index(drop=True) for layer in layers)
    return bool(a.equals(b))


def test_the_same_input_gives_the_same_bytes(tmp_path: Path, tries: Any, record: Any) -> None:
    """The same input gives the same bytes, for any hash seed and number of threads, and the same rows in any order."""
    number = tries(1, 50)
    differ: list[str] = []
    refused = 0
    for town in range(1, number + 1):
        first = run(tmp_path / f"{town}-a", town=town)
        second = run(tmp_path / f"{town}-b", town=town, hashes=str(town + 1), threads="2")
        if isinstance(first, str) or isinstance(second, str):  # a home that is far from every street, for example
            refused += 1
            differ += [] if first == second else [f"town {town}: refused, and not refused"]
            continue
        one, other = content(first), content(second)
        assert len(one) == 11
        differ += [f"town {town}: {name}" for name in one.keys() | other.keys() if one.get(name) != other.get(name)]
        third = run(tmp_path / f"{town}-c", town=town, order=town)
        if isinstance(third, str) or not same_rows(first, third):
            differ.append(f"town {town}: rows in another order")
    record(number, differing_files=len(differ), told=f"{refused} towns refused")
    assert not differ
    assert refused <= number // 4
