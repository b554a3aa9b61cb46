"""Arrow tables as frames: columns are shared where pandas can use them as they are, shapes are those of GeoArrow."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import pyarrow as pa

from siting.data import overture
from siting.data.nested_shapes import MOST_NESTED, deep_column
from siting.errors import LayerError
from siting.messages import Message

#: Metadata of a field that names its extension type, where no package has registered it.
_EXTENSION = b"ARROW:extension:name"


def table_of(source: Any, layer: str) -> pa.Table:
    """Return the table of whatever offers one through the Arrow PyCapsule interface, without a copy."""
    if not hasattr(source, "__arrow_c_stream__"):
        kind = type(source).__name__
        raise LayerError(layer, Message("data.not_arrow", kind=kind))
    try:
        return pa.table(source)
    except Exception as fault:  # the object may raise whatever it likes
        raise LayerError(layer, Message("reading.as_arrow", why=str(fault))) from fault


def frame_of(table: pa.Table, layer: str) -> Any:
    """Return an Arrow table as a frame: a GeoDataFrame if it has a column of shapes of GeoArrow."""
    if twice := sorted({name for name in table.column_names if table.column_names.count(name) > 1}):
        raise LayerError(layer, Message("column.twice", columns=twice))
    shapes = [field.name for field in table.schema if _extension(field).startswith("geoarrow.")]
    if deep := [name for name in shapes if deep_column(table.column(name))]:
        raise LayerError(layer, Message("shape.deep", column=deep[0], most=MOST_NESTED))
    # Whole numbers with gaps become objects: as floats, those above 2^53 would change.
    options = {"split_blocks": True, "integer_object_nulls": True}
    try:
        table = _plain_numbers(table)
        if not shapes:
            return overture.flattened(table.to_pandas(ignore_metadata=True, **options), layer)
        active = "geometry" if "geometry" in shapes else shapes[0]
        frame = gpd.GeoDataFrame.from_arrow(
            table.replace_schema_metadata(None), geometry=active, to_pandas_kwargs=options
        )
    except Exception as fault:  # pyarrow and shapely raise many kinds
        raise LayerError(layer, Message("reading.as_arrow", why=str(fault))) from fault
    return overture.flattened(frame, layer)


def _extension(field: pa.Field) -> str:
    """Return the name of the extension type of a field, or ""."""
    if isinstance(field.type, pa.BaseExtensionType):
        return str(field.type.extension_name)
    name: bytes = (field.metadata or {}).get(_EXTENSION, b"")
    return name.decode("utf-8", "replace")


def _plain_numbers(table: pa.Table) -> pa.Table:
    """Return the table with decimals, as sums in databases are, as numbers: whole ones stay whole where they fit."""
    for at, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            column = table.column(at)
            try:
                column = column.cast(pa.int64())
            except pa.ArrowInvalid:  # has a fraction, or is too large
                column = column.cast(pa.float64(), safe=False)
            table = table.set_column(at, field.name, column)
    return table
