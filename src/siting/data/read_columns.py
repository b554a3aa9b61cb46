"""The columns of a layer without its geometry: enough to see whether a file can be used, in a moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from siting.data import roles, tables
from siting.data.check_ids import set_ids, with_id_prefix
from siting.data.check_values import Reading, read_column, without_unrecorded
from siting.data.column_matching import match_columns
from siting.data.formats import Format, local_file
from siting.data.geopackage_views import refuse_endless_views
from siting.data.header_rows import check_counts
from siting.data.mojibake import mend_mojibake, mended_choice
from siting.data.read_gdal import layer_names
from siting.data.read_options import ReadOptions
from siting.data.roles import COORDINATES, Role
from siting.data.shapefile_encoding import BYTES, decoded
from siting.data.source import Source, warnings_logged
from siting.data.system_errors import system_words
from siting.errors import LayerError
from siting.messages import Message

__all__ = ["read_columns"]

#: The drivers of binary files, whose columns are read without their shapes.
DRIVERS = {".gpkg": "GPKG", ".gdb": "OpenFileGDB", ".fgb": "FlatGeobuf", ".shp": "ESRI Shapefile"}
#: Files of other formats are read as a whole, where they have no more bytes.
MOST_BYTES = 4 << 20


def read_columns(path: str | Path, role: str | Role, *, rows: bool = True, **options: Any) -> pd.DataFrame | None:
    """Read the columns of a layer by the names of its role, without geometry.

    Parameters
    ----------
    path, role
        As for `read_layer`.
    rows
        Whether the rows are read too; without them only the headings.
    **options
        The keywords of `read_layer`.

    Returns
    -------
    DataFrame
        Ids, and the columns as `read_layer` reads them. None of a file that takes long to open.

    Raises
    ------
    LayerError
        When the file is missing or no such file, or columns, ids and values have errors: all of them.

    Examples
    --------
    >>> from siting.data import sample_path
    >>> read_columns(sample_path(), "childcare")[["places", "district"]].head(1)
          places district
    id
    K001      60      D01
    """
    kind = roles.role(role)
    file, form = local_file(path, kind.name)
    name = f"{kind.name} ({file.name})"
    given = ReadOptions.of(kind, name, options.pop("mapping", None), **options)
    source = Source(file, kind.name, name, given.layer, given.encoding, given.skip_rows, given.header, given.crs)
    check_counts(source)
    frame = _frame(source, form, rows=rows)
    if frame is None:
        return None
    frame = mend_mojibake(frame, name)
    chosen = mended_choice(given.columns, frame.columns)
    if given.mapping is not None:
        frame, planned, _ = given.mapping.apply(frame, kind, name, strip_units=given.strip_units)
        chosen = {**planned, **chosen}
    chosen = {key: value for key, value in chosen.items() if key not in COORDINATES}
    return _canonical(frame, kind, chosen, given, rows=rows)


def _canonical(
    frame: pd.DataFrame, kind: Role, chosen: dict[str, str], given: ReadOptions, *, rows: bool
) -> pd.DataFrame:
    frame = pd.DataFrame(frame.drop(columns="geometry", errors="ignore"))
    matching = match_columns(kind, frame.columns, chosen, has_id=frame.index.name == "id" and "id" not in chosen)
    out = frame.rename(columns=matching.renames)
    out.attrs["understood"] = {str(old): new for old, new in matching.renames.items()}
    faults = [*matching.faults]
    if rows:
        out, labels, id_faults = set_ids(out, kind.name, given.name, from_column="id" in chosen)
        faults += id_faults
        reading = Reading(given.name, labels, given.missing, given.strip_units)
        out = without_unrecorded(out, kind, reading)
        for column in kind.columns:
            if column.name != "id" and column.name in out.columns:
                factor = matching.factors.get(column.name, 1.0)
                out[column.name], value_faults = read_column(out[column.name], column, reading, factor)
                faults += value_faults
    if faults:
        raise LayerError(given.name, faults, partial=out)
    return with_id_prefix(out, given.id_prefix, given.name) if given.id_prefix and rows else out


def _frame(source: Source, form: Format, *, rows: bool) -> pd.DataFrame | None:
    """Read a file without its shapes where that is possible; None of one that would take long."""
    try:
        if source.suffix in DRIVERS:
            return _without_shapes(source, rows=rows)
        return form.read(source)[0] if source.file.stat().st_size <= MOST_BYTES else None
    except OSError as fault:
        raise LayerError(source.name, Message("reading.failed", why=system_words(fault))) from fault


def _without_shapes(source: Source, *, rows: bool) -> pd.DataFrame:
    import pyogrio

    driver, layer, encoding = DRIVERS[source.suffix], None, source.encoding
    if driver == "GPKG":
        refuse_endless_views(source.file, source.name)
    if driver in ("GPKG", "OpenFileGDB"):
        layer = tables.choose(layer_names(source, driver), source.layer, source.role, source.name)
    if driver == "ESRI Shapefile":
        encoding = BYTES
    most = {} if rows or encoding == BYTES else {"max_features": 0}  # a code page is found in the rows
    try:
        with warnings_logged(source.name):
            frame = pyogrio.read_dataframe(source.file, layer=layer, encoding=encoding, read_geometry=False, **most)
    except (RuntimeError, ValueError, LookupError) as fault:
        raise LayerError(source.name, Message("reading.failed", why=str(fault))) from fault
    if driver != "ESRI Shapefile":
        return pd.DataFrame(frame)
    shapeless = gpd.GeoDataFrame(frame, geometry=[None] * len(frame))
    return pd.DataFrame(decoded(shapeless, source.file, source.encoding, source.name))
