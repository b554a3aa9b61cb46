"""Writing a layer to a File Geodatabase, whose other layers stay."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from siting.data.read_gdal import GEODATABASE_TABLE
from siting.data.written import disk_full_told
from siting.errors import LayerError, some

#: Limits of whole numbers: of the type that every version of ArcGIS reads, and of those that a float holds exactly.
_INT32, _FLOAT = 2**31 - 1, 2**53
_SINGLE = {"Polygon": "MultiPolygon", "LineString": "MultiLineString", "Point": "MultiPoint"}


def refuse_other_folders(target: Path, name: str) -> None:
    """Refuse to replace a folder that is no geodatabase, or one that is open in ArcGIS."""
    if not target.exists():
        return
    if not target.is_dir():
        raise LayerError(name, f'"{target.name}" is a file, but a geodatabase is a folder; give another name')
    held = sorted(file.name for file in target.iterdir())
    if held and GEODATABASE_TABLE not in held:
        raise LayerError(name, f'"{target.name}" is a folder that is no geodatabase: it holds {some(held)}')
    if locks := [file for file in held if file.endswith(".lock")]:
        what = f'"{target.name}" is locked ({some(locks)}): it is open in ArcGIS'
        raise LayerError(name, f"{what}; close it there first, or remove the locks if it is not")


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
            raise LayerError(name, f'"{target.name}" cannot be opened to add a layer: {fault}') from fault
        if layer is None and others:
            lost = f'"{target.name}" holds {some(sorted(others))}, which would be lost'
            raise LayerError(name, f"{lost}; give layer= to add or replace one, or remove the folder first")
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
            what = f'"{column}" has whole numbers above 2^53, which a geodatabase rounds'
            raise LayerError(name, f"{what}; write them as text, or a GeoPackage (.gpkg)")
        small = largest <= _INT32 and not values.isna().any()
        out[column] = values.astype(np.int32) if small else values.astype(np.float64)
    return out


def _check(draft: Path, layer: str, columns: list[str], rows: int, name: str) -> None:
    """Refuse what was not written as it is: names that GDAL changes, and rows that a full disk swallows."""
    import pyogrio

    names = [str(made) for made, _ in pyogrio.list_layers(draft)]
    if layer not in names:
        remedy = "give another with layer=, of letters, digits and underscores"
        raise LayerError(name, f'a geodatabase has no layer called "{layer}"; {remedy}')
    info = pyogrio.read_info(draft, layer=layer, force_feature_count=True)
    if changed := [column for column in columns if column not in set(info["fields"])]:
        what = f"names of columns that a geodatabase changes: {some(changed)}"
        raise LayerError(name, f"{what}; begin them with a letter, without blanks, or write a GeoPackage (.gpkg)")
    if info["features"] != rows:
        raise LayerError(name, f"not all {rows} rows were written; is the disk full?")
