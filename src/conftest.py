"""Doctests run in the modules that everybody imports."""

from __future__ import annotations

import importlib
from pathlib import Path

SOURCE = Path(__file__).parent


def pytest_collect_file(file_path: Path) -> None:
    """Import a module of the library by its name before pytest loads its file.

    Left to itself pytest runs the file a second time and hangs the module into its package, over the function of the
    same name that the package shows (`siting.measure.travel`).
    """
    if file_path.suffix == ".py" and SOURCE / "siting" in file_path.parents:
        parts = file_path.relative_to(SOURCE).with_suffix("").parts
        importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
