"""Reading GeoParquet, and Parquet without it as a table."""

from __future__ import annotations

import json
from typing import Any

import geopandas as gpd

from siting.data import overture
from siting.data.arrow_tables import frame_of
from siting.data.nested_shapes import MOST_NESTED, deep_column
from siting.data.source import Source
from siting.errors import LayerError
from siting.messages import Message

#: Limits of what a file may unpack to: a small one can state any number of rows.
MOST_ROWS, MOST_BYTES = 50_000_000, 16 << 30


def read_parquet(source: Source) -> tuple[Any, str | None]:
    """Read a Parquet file: GeoParquet up to 1.1, of any encoding, or a table with a column of shapes or coordinates."""
    import pyarrow.parquet as pq

    name = source.name
    try:
        with pq.ParquetFile(source.file) as file:
            facts = file.metadata
            size = sum(facts.row_group(n).total_byte_size for n in range(facts.num_row_groups))
            if facts.num_rows > MOST_ROWS or size > MOST_BYTES:
                gb = size / (1 << 30)
                raise LayerError(name, Message("reading.too_many_unpacked", rows=facts.num_rows, gb=gb))
            described: bytes | None = (facts.metadata or {}).get(b"geo")
            if described is None:
                return frame_of(file.read(), name), None
            shapes = set(json.loads(described)["columns"]) & set(file.schema_arrow.names)
            if deep := [column for column in sorted(shapes) if deep_column(file.read(columns=[column]).column(0))]:
                raise LayerError(name, Message("shape.deep", column=deep[0], most=MOST_NESTED))
        return overture.flattened(gpd.read_parquet(source.file), name), None
    except LayerError:
        raise
    except Exception as fault:  # pyarrow raises many kinds
        raise LayerError(name, Message("reading.as_format", format="GeoParquet", why=str(fault))) from fault
