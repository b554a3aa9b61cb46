"""A network in a folder of bare arrays, which any number of processes map into memory and share."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyproj

from siting.data import atomic_folder
from siting.errors import NetworkError
from siting.network.parts import Parts

#: Version of the folder's layout.
VERSION = 1
ARRAYS = ("x", "y", "u", "v", "cost", "metres", "vertices", "first", "oneway", "rise")
NEEDED = ("x", "y", "u", "v", "cost", "metres")
HEAD, COLUMNS, NODES = "network.json", "columns.parquet", "nodes.json"


class Home(NamedTuple):
    """The folder that a network was opened from, and the stamp of what was saved there."""

    path: str
    stamp: str | None


def write_parts(network: Parts, path: str | os.PathLike[str]) -> None:
    """Write the network into the folder *path*; see `Network.save`."""
    home = Path(path)
    if home.exists() and not (home / HEAD).is_file():
        raise NetworkError(f"{path} is there and is no network; name a new folder")
    with atomic_folder(home, ours=_is_ours) as draft:
        there = [name for name in ARRAYS if getattr(network, name) is not None]
        for name in there:
            np.save(draft / f"{name}.npy", getattr(network, name), allow_pickle=False)
        columns = network.columns.rename(columns=str)
        # Cells that no table holds, such as lists of tags, are written as JSON.
        mixed = [str(name) for name in columns if pd.api.types.is_object_dtype(columns[name])]
        columns = columns.assign(**{name: columns[name].map(_as_json) for name in mixed})
        columns.to_parquet(draft / COLUMNS)
        (draft / NODES).write_text(_as_json(network.nodes.tolist()), encoding="utf-8")
        head = {
            "version": VERSION, "stamp": uuid.uuid4().hex, "crs": network.crs.to_wkt(), "arrays": there, "json": mixed,
            "left_out": dict(network.left_out),
        }  # fmt: skip
        (draft / HEAD).write_text(_as_json(head), encoding="utf-8")


def _is_ours(path: PurePath) -> bool:
    """Whether a path in the folder of a network belongs to it; other files there are kept."""
    return path.as_posix() in (HEAD, COLUMNS, NODES, *(f"{name}.npy" for name in ARRAYS))


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    """Turn a number of numpy into one of Python; what is missing becomes null, all else text."""
    if isinstance(value, np.generic):
        return value.item()
    return None if value is pd.NA or value is pd.NaT else str(value)


def read_parts(path: str | os.PathLike[str]) -> tuple[Parts, Home]:
    """Map the network in the folder *path* into memory; see `Network.load`."""
    home = Path(path).resolve()
    try:
        head = json.loads((home / HEAD).read_text(encoding="utf-8"))
        if head["version"] != VERSION:
            raise NetworkError(f"{path} holds a network of layout {head['version']}; this is {VERSION}: save it anew")
        if not set(NEEDED) <= set(head["arrays"]):
            raise NetworkError(f"{path} holds no network, or not all of it; write one with Network.save")
        arrays: dict[str, Any] = dict.fromkeys(ARRAYS) | {
            name: np.asarray(np.load(home / f"{name}.npy", mmap_mode="r", allow_pickle=False))
            for name in head["arrays"]
        }
        columns = pd.read_parquet(home / COLUMNS)
        names = json.loads((home / NODES).read_text(encoding="utf-8"))  # those of several parts come back as lists
        columns = columns.assign(**{name: columns[name].map(json.loads).astype(object) for name in head["json"]})
        nodes = pd.Index([tuple(one) if isinstance(one, list) else one for one in names], tupleize_cols=False)
        crs, left_out = pyproj.CRS(head["crs"]), dict(head["left_out"])
        parts = Parts(crs=crs, nodes=nodes, columns=columns, left_out=left_out, **arrays)
    except NetworkError:
        raise
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, pyproj.exceptions.CRSError) as fault:
        raise NetworkError(f"{path} holds no network ({fault}); write one with Network.save") from fault
    return parts, Home(str(home), head.get("stamp"))


def read_again(home: Home) -> tuple[Parts, Home]:
    """Open a network that was pickled as its folder, unless another has been saved there since."""
    parts, there = read_parts(home.path)
    if there.stamp != home.stamp:
        raise NetworkError(f"{home.path} holds another network than the one that was sent; load it anew")
    return parts, there
