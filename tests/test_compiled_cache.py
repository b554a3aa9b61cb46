"""What is compiled is kept on disk; whatever happens to it there, the loops give the same answers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import siting as st

pytestmark = pytest.mark.slow

LOOPS = """
from siting.compiled import compiled

@compiled
def twice(x):
    return x + x

@compiled
def loop(a):
    return twice(a) + 1
"""
#: Three answers by hand, of two signatures, and whether anything was compiled.
PROGRAM = """
import loops
print(loops.loop(2), loops.loop(0.25), loops.twice(7), sum(loops.loop.stats.cache_hits.values()))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "loops.py").write_text(LOOPS, encoding="utf-8")
    return tmp_path


def start(folder: Path, program: str = PROGRAM) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(folder), str(Path(st.__file__).parents[1])])
    return subprocess.Popen(
        [sys.executable, "-c", program], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": paths, "NUMBA_CACHE_DIR": str(folder / "cache")},
    )  # fmt: skip


def ended(process: subprocess.Popen[str]) -> list[str]:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out.split()


def answers(folder: Path) -> list[str]:
    return ended(start(folder))


def files(folder: Path, kind: str) -> list[Path]:
    return sorted((folder / "cache").rglob(f"*.{kind}"))


def flipped(file: Path) -> None:
    """Change one bit in the middle, which numba itself would run."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: file.write_bytes(b""),
    "short": lambda file: file.write_bytes(file.read_bytes()[:-7]),
    "flipped": flipped,
    "garbage": lambda file: file.write_bytes(os.urandom(4000)),
    "a pickle of something else": lambda file: file.write_bytes(b"\x80\x04K\x01."),
    "gone": lambda file: file.unlink(),
    "unreadable": a_folder,
}


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_cache_is_made_again(folder: Path, kind: str, damage: str) -> None:
    assert answers(folder) == ["5", "1.5", "14", "0"]
    assert answers(folder) == ["5", "1.5", "14", "2"]
    for file in files(folder, kind):
        DAMAGES[damage](file)
    assert answers(folder) == ["5", "1.5", "14", "0"]
    if damage != "unreadable":  # what stands in the way of a file is not removed
        assert answers(folder) == ["5", "1.5", "14", "2"]


def test_code_of_another_signature_is_not_run(folder: Path) -> None:
    """Two processes that compile at once may both call their file the first: it says which signature it holds."""
    answers(folder)
    one, two = (next((folder / "cache").rglob(f"loops.loop-*.{number}.nbc")) for number in (1, 2))
    shutil.copy(one, two)
    assert answers(folder) == ["5", "1.5", "14", "1"]
    assert answers(folder) == ["5", "1.5", "14", "2"]


def test_code_of_another_function_is_not_run(folder: Path) -> None:
    answers(folder)
    for number in (1, 2):
        of = {name: next((folder / "cache").rglob(f"loops.{name}-*.{number}.nbc")) for name in ("twice", "loop")}
        shutil.copy(of["twice"], of["loop"])
    assert answers(folder) == ["5", "1.5", "14", "0"]


def test_code_of_an_older_source_is_not_run(folder: Path) -> None:
    """A process that is killed between index and code leaves a new index with old code."""
    answers(folder)
    (folder / "loops.py").write_text(LOOPS.replace("+ 1", "+ 2"), encoding="utf-8")
    old = {file: file.read_bytes() for file in files(folder, "nbc")}
    assert answers(folder) == ["6", "2.5", "14", "0"]
    for file, content in old.items():
        file.write_bytes(content)
    assert answers(folder) == ["6", "2.5", "14", "0"]


def test_processes_that_compile_at_once(folder: Path) -> None:
    running = [start(folder, PROGRAM.replace("loops.loop(2)", f"loops.loop({n}) - {2 * n - 4}")) for n in range(4)]
    assert [ended(process)[:3] for process in running] == [["5", "1.5", "14"]] * 4
    assert answers(folder)[:3] == ["5", "1.5", "14"]


FULL = """
import errno, logging, os
logging.basicConfig()
from numba.core.caching import IndexDataCacheFile
import contextlib

@contextlib.contextmanager
def full(self, path):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    yield

IndexDataCacheFile._open_for_write = full
"""


def test_a_full_disk(folder: Path) -> None:
    process = start(folder, FULL + PROGRAM)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert out.split() == ["5", "1.5", "14", "0"]
    assert err.count("cannot be kept in") == 1
    assert "No space left on device" in err
    assert "NUMBA_CACHE_DIR" in err


def test_a_cache_folder_that_is_taken_away(folder: Path) -> None:
    """The folder is a file: what cannot be kept is compiled each time."""
    (folder / "cache").write_text("no folder")
    assert answers(folder) == ["5", "1.5", "14", "0"]
