"""What the figures were measured on."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
from pathlib import Path

__all__ = ["describe"]

PACKAGES = ("siting", "numpy", "numba", "scipy", "pandas", "geopandas", "shapely", "networkx", "osmnx", "pandana",
            "igraph", "osmium", "access", "highspy", "pyscipopt", "spopt")  # fmt: skip


def describe() -> dict[str, str]:
    """Tell processor, memory, system, Python, packages and the day."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": _memory(),
        "system": " ".join([platform.system(), platform.machine(), *platform.libc_ver()]).strip(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
    }


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    if told.is_file():
        for line in told.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _memory() -> str:
    told = Path("/proc/meminfo")
    if told.is_file():
        return f"{int(told.read_text(encoding='ascii').split()[1]) / 2**20:.0f} GiB"
    return "not told"


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "absent"
