"""A network in a folder of bare arrays, which any number of processes map into memory and share.

`network.json` lists the files with their sizes and checksums, and has a checksum itself. Loading reads every
file once for its checksum, then checks kinds, lengths and ranges (`check_parts`), so that also a folder that
was made to deceive has no entry that leads out of an array.
"""

from __future__ import annotations

import json
import logging
import mmap
import os
import sys
import uuid
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from types import SimpleNamespace
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import pyproj

from siting.data.folder_exchange import atomic_folder
from siting.errors import NetworkError
from siting.messages import Message
from siting.network.part_checks import KINDS, check_parts
from siting.network.parts import Parts

log = logging.getLogger(__name__)

#: Version of the folder's layout, and those that are read.
VERSION, READ = 2, (1, 2)
ARRAYS = tuple(KINDS)
NEEDED = ("x", "y", "u", "v", "cost", "metres")
HEAD, COLUMNS, NODES, NUMBERS = "network.json", "columns.parquet", "nodes.json", "nodes.npy"


class Home(NamedTuple):
    """The folder that a network was opened from, and the stamp of what was saved there."""

    path: str
    stamp: str | None


def write_parts(network: Parts, path: str | os.PathLike[str]) -> None:
    """Write the network into the folder *path*; see `Network.save`."""
    home = Path(path)
    if os.path.exists(home) and not os.path.isfile(home / HEAD):  # noqa: PTH110, PTH113 - no errors
        raise NetworkError(Message("network.no_network", path=str(path)))
    with atomic_folder(home, ours=_is_ours) as draft:
        there = [name for name in ARRAYS if getattr(network, name) is not None]
        for name in there:
            _save_array(draft / f"{name}.npy", getattr(network, name))
        columns = network.columns.rename(columns=str)
        # Cells that no table holds, such as lists of tags, are written as JSON.
        mixed = [str(name) for name in columns if pd.api.types.is_object_dtype(columns[name])]
        columns = columns.assign(**{name: columns[name].map(_as_json) for name in mixed})
        columns.to_parquet(draft / COLUMNS)
        if network.nodes.dtype == np.int64:
            _save_array(draft / NUMBERS, network.nodes.to_numpy())
        else:
            (draft / NODES).write_text(_as_json(network.nodes.tolist()), encoding="utf-8")
        head = {
            "version": VERSION, "stamp": uuid.uuid4().hex, "crs": network.crs.to_wkt(), "arrays": there, "json": mixed,
            "left_out": dict(network.left_out),
            "files": {file.name: _seal(file) for file in sorted(draft.iterdir())},
        }  # fmt: skip
        (draft / HEAD).write_text(_as_json({**head, "crc32": _crc32(head)}), encoding="utf-8")


def _save_array(file: Path, array: Any) -> None:
    """Save an array by way of Python: numpy itself does not notice when a disk is too full for the end of a file."""
    with file.open("wb") as handle:
        stream: Any = SimpleNamespace(write=handle.write)
        np.save(stream, array, allow_pickle=False)


def _is_ours(path: PurePath) -> bool:
    """Whether a path in the folder of a network belongs to it; other files there are kept."""
    return path.as_posix() in (HEAD, COLUMNS, NODES, NUMBERS, *(f"{name}.npy" for name in ARRAYS))


def _seal(file: Path) -> list[int]:
    """Return the size and the checksum of a file."""
    _refuse_absent(file)
    with file.open("rb") as handle:
        size = os.fstat(handle.fileno()).st_size
        if not size:
            return [0, 0]
        with mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return [size, zlib.crc32(content)]


def _crc32(head: Mapping[str, Any]) -> int:
    """Return the checksum of the head, however its JSON is laid out."""
    return zlib.crc32(json.dumps(head, sort_keys=True, default=_plain).encode())


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    """Turn a number of numpy into one of Python; what is missing becomes null, all else text."""
    if isinstance(value, np.generic):
        return value.item()
    return None if value is pd.NA or value is pd.NaT else str(value)


def read_parts(path: str | os.PathLike[str]) -> tuple[Parts, Home]:
    """Map the network in the folder *path* into memory and check it; see `Network.load`."""
    home = Path(path).resolve()
    try:
        _refuse_absent(home / HEAD)
        head = json.loads((home / HEAD).read_text(encoding="utf-8"))
        version = head["version"]
        if version in READ:
            _check_seals(home, head)
            parts = _parts(home, head)
            check_parts(parts)
    except Exception as fault:  # NumPy, pandas, pyarrow and pyproj raise errors of any kind at what is damaged
        why = fault.message if isinstance(fault, NetworkError) else str(fault)
        raise NetworkError(Message("network.unsound", path=str(path), why=why)) from fault
    if version not in READ:
        raise NetworkError(Message("network.layout", path=str(path), version=version, known=list(READ)))
    if version == 1:
        log.info(Message("network.no_checksums", path=str(path)))
    return parts, Home(str(home), head.get("stamp"))


def _check_seals(home: Path, head: dict[str, Any]) -> None:
    """Compare the files with the sizes and checksums in the head; older folders have none."""
    if head["version"] == 1:
        return
    if _crc32({key: value for key, value in head.items() if key != "crc32"}) != head["crc32"]:
        raise NetworkError(Message("network.file_changed", file=HEAD))
    for name in _files(head):
        if _seal(home / name) != head["files"][name]:
            raise NetworkError(Message("network.file_changed", file=name))


def _files(head: Mapping[str, Any]) -> Sequence[str]:
    arrays = head["arrays"]
    if not set(NEEDED) <= set(arrays) <= set(ARRAYS):
        raise NetworkError(Message("network.arrays_absent"))
    nodes = NUMBERS if NUMBERS in head.get("files", ()) else NODES
    return [*(f"{name}.npy" for name in arrays), COLUMNS, nodes]


def _parts(home: Path, head: Mapping[str, Any]) -> Parts:
    *_, nodes = _files(head)
    arrays = dict.fromkeys(ARRAYS) | {name: _mapped(home / f"{name}.npy") for name in head["arrays"]}
    columns = pd.read_parquet(home / COLUMNS)
    columns = columns.assign(**{name: columns[name].map(json.loads).astype(object) for name in head["json"]})
    if columns.shape == (0, 0):  # numbered edges without columns, of which no row is stored
        columns = pd.DataFrame(index=pd.RangeIndex(len(arrays["u"]), name=columns.index.name))
    if nodes == NUMBERS:
        named = pd.Index(np.array(_mapped(home / NUMBERS)))
    else:  # those of several parts come back as lists
        names = json.loads((home / NODES).read_text(encoding="utf-8"))
        named = pd.Index([tuple(one) if isinstance(one, list) else one for one in names], tupleize_cols=False)
    left_out = {str(reason): int(number) for reason, number in head["left_out"].items()}
    return Parts(crs=pyproj.CRS(head["crs"]), nodes=named, columns=columns, left_out=left_out, **arrays)


def _refuse_absent(file: Path) -> None:
    if not file.is_file():
        raise NetworkError(Message("network.file_absent", file=file.name))


def _mapped(file: Path) -> Any:
    _refuse_absent(file)
    # On Windows a file that is mapped cannot be replaced, not even by the process that has it.
    mode: Literal["r"] | None = None if sys.platform == "win32" else "r"
    return np.asarray(np.load(file, mmap_mode=mode, allow_pickle=False))


def read_again(home: Home) -> tuple[Parts, Home]:
    """Open a network that was pickled as its folder, unless another has been saved there since."""
    parts, there = read_parts(home.path)
    if there.stamp != home.stamp:
        raise NetworkError(Message("network.other_network", path=home.path))
    return parts, there
