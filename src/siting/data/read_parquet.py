"""Reading GeoParquet."""

from __future__ import annotations

from typing import Any

import geopandas as gpd

from siting.data.source import Source
from siting.errors import LayerError


def read_parquet(source: Source) -> tuple[Any, str | None]:
    """Read a GeoParquet file."""
    try:
        return gpd.read_parquet(source.file), None
    except Exception as fault:  # pyarrow raises many kinds
        raise LayerError(source.name, f"cannot be read as GeoParquet: {fault}") from fault
