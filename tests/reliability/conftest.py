"""How many times to try, and where the figures go: for all tests of reliability.

Each test here tries something many times and counts what went wrong. ``tries(small, full)`` is the number: the small
one, which takes at most 10 s; with ``SITING_TRIES=full`` the full one, which `docs/reliability.md` shows; with
``SITING_TRIES=500`` that many. ``record(...)`` writes the figures as a JSON line into the folder that
``SITING_RELIABILITY`` names, before the test asserts anything: a failure is counted, too.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

#: What figures depend on.
PACKAGES = ("siting", "numpy", "pandas", "geopandas", "pyogrio", "shapely", "numba", "highspy")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what stands in this folder as slow."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def tries() -> Callable[[int, int], int]:
    """Return how many times to try: ``tries(small, full)``."""

    def number(small: int, full: int) -> int:
        wanted = os.environ.get("SITING_TRIES", "")
        if wanted in ("", "full"):
            return full if wanted else small
        return int(wanted)

    return number


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Write the figures of a test down: ``record(tries, foreign=0, wrong=0)``.

    The promise is the first line of the test's docstring. Counts have any names; 0 is good. *told* is text to show
    besides, such as "memory +0.4 MB".
    """
    began = time.perf_counter()

    def write(number: int, *, told: str = "", **counts: int) -> None:
        folder = os.environ.get("SITING_RELIABILITY")
        if not folder:
            return
        promise = (request.function.__doc__ or request.node.name).strip().partition("\n")[0].rstrip(".")
        file = Path(folder, f"{os.getpid()}.jsonl")
        file.parent.mkdir(parents=True, exist_ok=True)
        line = {
            "promise": promise,
            "test": request.node.nodeid.removeprefix("tests/"),
            "tries": number,
            "counts": counts,
            "told": told,
            "seconds": round(time.perf_counter() - began, 1),
            "date": dt.datetime.now(dt.UTC).date().isoformat(),
            "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        }
        with file.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(line, ensure_ascii=False) + "\n")

    return write
