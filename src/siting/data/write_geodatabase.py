"""Writing a layer to a File Geodatabase, whose other layers stay."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from siting.data.read_gdal import GEODATABASE_TABLE
from siting.data.written import disk_full_told, rows_in
from siting.errors import LayerError
from siting.messages import Message

#: Limits of whole numbers: of the type that every version of ArcGIS reads, and of those that a float holds exactly.
_INT32, _FLOAT = 2**31 - 1, 2**53
_SINGLE = {"Polygon": "MultiPolygon", "LineString": "MultiLineString", "Point": "MultiPoint"}


def refuse_other_folders(target: Path, name: str) -> None:
    """Refuse to replace a folder that is no geodatabase, or one that is open in ArcGIS."""
    if not target.exists():
        return
    if not target.is_dir():
        raise LayerError(name, Message("writing.gdb_file", name=target.name))
    held = sorted(file.name for file in target.iterdir())
    if held and GEODATABASE_TABLE not in held:
        raise LayerError(name, Message("writing.gdb_other", name=target.name, files=held))
    if locks := [file for file in held if file.endswith(".lock")]:
        raise LayerError(name, Message("writing.gdb_locked", name=target.name, files=locks))


def write_geodatabase(frame: Any, draft: Path, target: Path, layer: str | None, name: str) -> None:
    """Write *frame* to the geodatabase *draft*, with the layers of the old one at *target*.

    Without *layer* it is called as the geodatabase, and replaces nothing else.
    """
    import pyogrio

    chosen = layer or target.stem
    if (target / GEODATABASE_TABLE).is_file():
        try:
            others = {str(old) for old, _ in pyogrio.list_layers(target)} - {chosen}
        except RuntimeError as fault:
            raise LayerError(name, Message("writing.not_opened", name=target.name, why=str(fault))) from fault
        if layer is None and others:
            said = Message("writing.folder_layers_lost", name=target.name, layers=sorted(others))
            raise LayerError(name, said)
        if layer is not None:
            shutil.copytree(target, draft, dirs_exist_ok=True)
    if not (draft / GEODATABASE_TABLE).is_file():
        draft.rmdir()  # GDAL makes the folder
    columns = [column for column in frame.columns if column != "geometry"]
    taken = {column.casefold() for column in columns}
    options = {
        "FID": "OBJECTID" if "objectid" not in taken else "OBJECTID_1",
        "GEOMETRY_NAME": "SHAPE" if "shape" not in taken else "SHAPE_1",
    }
    plain = _plain_numbers(frame, name)
    with disk_full_told(draft.parent):
        pyogrio.write_dataframe(
            plain, draft, driver="OpenFileGDB", layer=chosen, layer_options=options, promote_to_multi=_mixed(frame)
        )
        _check(draft, chosen, columns, len(frame), name)


def _mixed(frame: Any) -> bool | None:
    """Whether shapes of one and of several parts are mixed, which a layer of a geodatabase cannot hold."""
    kinds = set(frame.geom_type.dropna())
    return True if any({one, several} <= kinds for one, several in _SINGLE.items()) else None


def _plain_numbers(frame: Any, name: str) -> Any:
    """Return *frame* with whole numbers of 32 bits, or as floats where they are larger and exact."""
    out = frame.copy()
    for column in frame.columns.drop("geometry"):
        values = frame[column]
        if not pd.api.types.is_integer_dtype(values.dtype):
            continue
        largest = int(values.abs().max()) if values.notna().any() else 0
        if largest > _FLOAT:
            raise LayerError(name, Message("writing.gdb_rounds", column=column))
        small = largest <= _INT32 and not values.isna().any()
        out[column] = values.astype(np.int32) if small else values.astype(np.float64)
    return out


def _check(draft: Path, layer: str, columns: list[str], rows: int, name: str) -> None:
    """Refuse what was not written as it is: names that GDAL changes, and rows that a full disk swallows."""
    import pyogrio

    names = [str(made) for made, _ in pyogrio.list_layers(draft)]
    if layer not in names:
        raise LayerError(name, Message("writing.gdb_layer", layer=layer))
    info = pyogrio.read_info(draft, layer=layer)
    if changed := [column for column in columns if column not in set(info["fields"])]:
        raise LayerError(name, Message("writing.gdb_names", columns=changed))
    if rows_in(draft, layer) != rows:
        raise LayerError(name, Message("writing.rows_lost", n=rows))
