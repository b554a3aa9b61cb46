"""One case in a process of its own: `python -m benchmarks.worker NAME SIZE OUT`. Writes its rows as JSON lines."""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from benchmarks.cases import case
from benchmarks.measure import AbsentError, Row
from benchmarks.sizes import SIZES, Size

__all__ = ["rows_of"]


def rows_of(name: str, size: Size) -> Iterator[Row]:
    """Yield the rows of a case; what goes wrong is a row too, the last one."""
    try:
        yield from case(name)(size)
    except (AbsentError, ModuleNotFoundError) as error:
        yield Row(name, checked=f"{error}", status="skipped")
    except Exception as error:  # whatever it is, the table shows it and the other cases go on
        traceback.print_exc()
        yield Row(name, checked=f"{type(error).__name__}: {error}", status="failed")


def main() -> None:
    """Run one case."""
    name, size, out = sys.argv[1:]
    began = time.perf_counter()
    with Path(out).open("w", encoding="utf-8") as file:
        for row in rows_of(name, SIZES[size]):
            file.write(json.dumps({"case": name, **row.record()}, default=float) + "\n")
            file.flush()
    sys.stderr.write(f"{name}: {time.perf_counter() - began:.0f} s\n")


if __name__ == "__main__":
    main()
