"""Coordinates of points in metres, of two layers or two tables."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siting.data import check_extent, common_crs, one_layer
from siting.errors import ProblemError
from siting.messages import Message
from siting.network.snapping import polygons_or_points
from siting.numbers import Floats, floats

__all__ = ["coordinates"]


def coordinates(origins: Any, destinations: Any, crs: Any = None) -> tuple[Floats, Floats]:
    """Return x and y of each origin and each destination, metres; degrees are projected first.

    Raises
    ------
    ProblemError
        When one is a layer and the other a table, a row is no point, or a coordinate is missing.
    LayerError
        When a layer has no CRS or an empty geometry, or rows lie far from all others.
    """
    layers = [isinstance(each, gpd.GeoDataFrame) for each in (origins, destinations)]
    if layers[0] != layers[1]:
        raise ProblemError(Message("reach.layer_and_table"))
    if not layers[0]:
        return _of_table(origins, "origins"), _of_table(destinations, "destinations")
    return _of_layers(origins, destinations, crs)


def _of_layers(origins: gpd.GeoDataFrame, destinations: gpd.GeoDataFrame, crs: Any) -> tuple[Floats, Floats]:
    for what, layer in (("origins", origins), ("destinations", destinations)):
        check_extent(one_layer(layer, what), what)
    system = common_crs([origins, destinations], crs, layer="point reach")
    return _of_layer(origins, system, "origins"), _of_layer(destinations, system, "destinations")


def _of_layer(layer: gpd.GeoDataFrame, system: Any, what: str) -> Floats:
    drawn = polygons_or_points(layer, system)
    areas = np.flatnonzero(shapely.get_type_id(drawn))
    if len(areas):
        raise ProblemError(Message("reach.no_points", what=what, ids=layer.index[areas]))
    return np.column_stack([shapely.get_x(drawn), shapely.get_y(drawn)])


def _of_table(table: pd.DataFrame, what: str) -> Floats:
    if not isinstance(table, pd.DataFrame):
        raise ProblemError(Message("reach.table_of_points", what=what, value=table))
    if not {"x", "y"} <= set(table.columns):
        raise ProblemError(Message("reach.table_columns", what=what, columns=list(table.columns)))
    points = np.column_stack([floats(table["x"]), floats(table["y"])])
    wrong = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if len(wrong):
        raise ProblemError(Message("reach.no_xy", what=what, ids=table.index[wrong]))
    return points
