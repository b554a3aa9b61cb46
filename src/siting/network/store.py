"""A network in a folder of bare arrays, which any number of processes map into memory and share."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyproj

from siting.errors import NetworkError

if TYPE_CHECKING:
    from siting.network.graph import Network

#: Version of the folder's layout.
VERSION = 1
ARRAYS = ("x", "y", "u", "v", "cost", "metres", "vertices", "first", "oneway", "rise")
HEAD, COLUMNS, NODES = "network.json", "columns.parquet", "nodes.parquet"


def write_network(network: Network, path: str | os.PathLike[str]) -> None:
    """Write the network into the folder *path*; see `Network.save`."""
    home = Path(path)
    if home.exists() and not (home / HEAD).is_file():
        raise NetworkError(f"{home} is there and is no network; name a new folder")
    home.parent.mkdir(parents=True, exist_ok=True)
    draft = home.with_name(f".{home.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    try:
        there = [name for name in ARRAYS if getattr(network, name) is not None]
        for name in there:
            np.save(draft / f"{name}.npy", getattr(network, name), allow_pickle=False)
        columns = network.columns.rename(columns=str)
        for name in [str(name) for name in columns if pd.api.types.is_object_dtype(columns[name])]:
            columns = columns.assign(**{name: columns[name].map(_text)})
        columns.to_parquet(draft / COLUMNS)
        pd.DataFrame(index=network.nodes).to_parquet(draft / NODES)
        head = {"version": VERSION, "crs": network.crs.to_wkt(), "arrays": there, "left_out": dict(network.left_out)}
        (draft / HEAD).write_text(json.dumps(head, ensure_ascii=False), encoding="utf-8")
        old = home.with_name(f".{home.name}.{os.getpid()}.old")
        if home.exists():
            home.replace(old)
        draft.replace(home)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _text(value: Any) -> Any:
    """Turn what no table holds, such as a list of tags, into text."""
    return value if value is None or isinstance(value, (str, float)) else str(value)


def read_network(path: str | os.PathLike[str]) -> Network:
    """Map the network in the folder *path* into memory; see `Network.load`."""
    from siting.network.graph import Network

    home = Path(path).resolve()
    try:
        head = json.loads((home / HEAD).read_text(encoding="utf-8"))
        if head["version"] != VERSION:
            raise NetworkError(f"{path} holds a network of layout {head['version']}; this is {VERSION}: save it anew")
        arrays = {
            name: np.asarray(np.load(home / f"{name}.npy", mmap_mode="r", allow_pickle=False))
            for name in head["arrays"]
        }
        columns, nodes = pd.read_parquet(home / COLUMNS), pd.read_parquet(home / NODES).index
    except (OSError, ValueError, KeyError) as fault:
        if isinstance(fault, NetworkError):
            raise
        raise NetworkError(f"{path} holds no network ({fault}); write one with Network.save") from fault
    absent: dict[str, Any] = {name: None for name in ARRAYS if name not in arrays}
    network = Network(
        crs=pyproj.CRS(head["crs"]), nodes=nodes, columns=columns, left_out=head["left_out"], **arrays, **absent
    )
    network.__dict__["_home"] = str(home)
    return network
