"""Many studies in one process: memory and open files stay where they were."""

from __future__ import annotations

import gc
import importlib.util
import logging
import shutil
from pathlib import Path
from typing import Any

import psutil

import siting as st

_SPEC = importlib.util.spec_from_file_location("same_study", Path(__file__).with_name("same_study.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
same_study = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(same_study)

#: Studies after which everything is loaded and compiled, and KiB that one more may add.
WARM, MOST_KIB = 3, 100.0


def one_study(folder: Path, seed: int) -> None:
    """Write, run and write the results of the study of a random town; its goal may lie out of reach."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    st.run(same_study.study(folder, 0, 1 + seed % 5)).write(folder / "results")


def test_memory_and_handles_stay_flat(tmp_path: Path, tries: Any, record: Any, caplog: Any) -> None:
    """Many studies in one process: memory and open files stay flat."""
    caplog.set_level(logging.CRITICAL, logger="siting")
    number = tries(5, 500)
    process = psutil.Process()
    for k in range(WARM):
        one_study(tmp_path / "study", k)
    gc.collect()
    handles, memory = process.num_fds(), process.memory_info().rss
    threads, half = process.num_threads(), memory
    for k in range(number):
        one_study(tmp_path / "study", k)
        if k == number // 2:
            gc.collect()
            half = process.memory_info().rss
    gc.collect()
    more = process.num_fds() - handles
    # The first half still fills the pools of the allocators.
    grown = (process.memory_info().rss - half) / 1024 / (number - number // 2)
    whole = (process.memory_info().rss - memory) / (1 << 20)
    told = f"memory +{whole:.1f} MB in all, +{grown:.0f} KiB a study in the second half"
    record(number, told=told, more_handles=more, more_threads=process.num_threads() - threads)
    assert more <= 0
    assert process.num_threads() <= threads + 2
    assert number < 100 or grown < MOST_KIB, told
