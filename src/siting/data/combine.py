"""Combining layers in any CRS."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import pandas as pd
from geopandas.array import GeometryDtype

from siting.data.check_ids import with_id_prefix
from siting.data.crs import to_crs
from siting.data.datums import NO_CRS, read_crs
from siting.data.finite_coordinates import refuse_endless
from siting.errors import LayerError, SitingError
from siting.messages import Message

__all__ = ["combine_layers", "one_layer"]


def combine_layers(*layers: Any, crs: Any = None, id_prefixes: Sequence[str] | None = None) -> Any:
    """Combine layers into one, such as existing facilities and candidates.

    Parameters
    ----------
    layers
        GeoDataFrames, each with a CRS, and with unique ids among all; none is changed.
    crs
        The CRS of the result; that of the first layer when not given.
    id_prefixes
        A text for each layer to set before its ids, "" for none, so that they differ; the old ids are kept as
        ``id_source``.

    Returns
    -------
    geopandas.GeoDataFrame
        The rows of all layers, in order, in one CRS, with all columns. A column that a layer lacks is missing in
        its rows, so that whole numbers become floats, as in `pandas.concat`. ``attrs["notice"]`` and
        ``attrs["attribution"]`` are those of the first layer that has them.

    Raises
    ------
    SitingError
        When no layer is given, one is not a GeoDataFrame, or *id_prefixes* are not one for each.
    LayerError
        When a layer has no CRS, a coordinate is NaN or infinite, or an id occurs more than once.

    Examples
    --------
    >>> there = gpd.GeoDataFrame({"places": [60]}, index=["n1"], geometry=gpd.points_from_xy([120.0], [29.0]), crs=4326)
    >>> plots = gpd.GeoDataFrame({"cost": [90]}, index=["p1"], geometry=gpd.points_from_xy([120.1], [29.0]), crs=4490)
    >>> both = combine_layers(there, plots)
    >>> list(both.index), list(both.columns), both.crs.to_epsg()
    (['n1', 'p1'], ['places', 'geometry', 'cost'], 4326)
    """
    given = list(layers[0]) if len(layers) == 1 and isinstance(layers[0], list | tuple) else list(layers)
    if not given:
        raise SitingError(Message("data.combine_nothing"))
    for number, frame in enumerate(given, start=1):
        if not isinstance(frame, gpd.GeoDataFrame):
            raise SitingError(Message("data.combine_other", number=number, kind=type(frame).__name__))
        if frame.crs is None:
            raise LayerError(_name(frame, number), NO_CRS)
        refuse_endless(frame, _name(frame, number))
    given = _prefixed(given, id_prefixes)
    target = given[0].crs if crs is None else read_crs(crs, "combine_layers")
    _refuse_shared_ids(given)
    # Two names of one system, such as EPSG:4326 and CRS84, are equal here.
    moved = [with_plain_geometry(to_crs(frame, target)).set_crs(target, allow_override=True) for frame in given]
    # A layer without rows would only change the types of the columns.
    filled = [frame for frame in moved if len(frame)] or moved[:1]
    out = gpd.GeoDataFrame(pd.concat(filled), geometry="geometry", crs=target).rename_axis("id")
    attrs = [(key, frame.attrs[key]) for frame in given for key in ("notice", "attribution") if key in frame.attrs]
    out.attrs = dict(reversed(attrs))  # the first layer last, so that its values are kept
    out.attrs["source"] = " + ".join(_name(frame, number) for number, frame in enumerate(given, start=1))
    return out


def one_layer(frame: Any, name: str) -> Any:
    """Return *frame* if it is one layer; refuse anything else, with a remedy.

    Raises
    ------
    LayerError
        When it is not a GeoDataFrame or GeoSeries with geometry.

    Examples
    --------
    >>> one_layer([1, 2], "destinations")
    Traceback (most recent call last):
    siting.errors.LayerError: destinations: is a list; give one GeoDataFrame (combine_layers makes one of several)
    """
    if isinstance(frame, gpd.GeoSeries) or (isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name):
        return frame
    raise LayerError(name, not_a_layer(frame))


def not_a_layer(given: Any) -> Message:
    """Describe what is wrong with something other than a layer, and the remedy."""
    kind = type(given).__name__
    if isinstance(given, pd.DataFrame):
        return Message("data.no_geometry")
    if isinstance(given, gpd.GeoSeries):
        return Message("data.is_series", kind=kind)
    if isinstance(given, list | tuple | dict):
        return Message("data.is_several", kind=kind)
    if isinstance(given, (str, os.PathLike)):
        return Message("data.is_path", kind=kind)
    return Message("data.is_other", kind=kind)


def _prefixed(layers: list[Any], prefixes: Sequence[str] | None) -> list[Any]:
    if prefixes is None:
        return layers
    if isinstance(prefixes, str) or len(prefixes) != len(layers):
        raise SitingError(Message("data.combine_prefixes", value=prefixes))
    pairs = enumerate(zip(layers, prefixes, strict=True), start=1)
    return [with_id_prefix(frame, text, _name(frame, n)) if text != "" else frame for n, (frame, text) in pairs]


def _refuse_shared_ids(layers: list[Any]) -> None:
    ids = pd.concat([pd.Series(_name(frame, n), frame.index, dtype=object) for n, frame in enumerate(layers, start=1)])
    if len(twice := ids[ids.index.duplicated(keep=False)]):
        raise LayerError(
            " and ".join(dict.fromkeys(twice)), Message("cell.ids_shared", ids=list(dict.fromkeys(twice.index)))
        )


def with_plain_geometry(frame: Any) -> Any:
    """Return *frame* with its geometry column called ``geometry``."""
    return frame if frame.active_geometry_name == "geometry" else frame.rename_geometry("geometry")


def other_geometries(frame: Any) -> list[Any]:
    """Return the columns of geometry, or with that name, other than the active one."""
    geometric = [c for c, kind in frame.dtypes.items() if c == "geometry" or isinstance(kind, GeometryDtype)]
    return [c for c in geometric if c != frame.active_geometry_name]


def _name(frame: Any, number: int) -> str:
    return str(frame.attrs.get("source", f"layer {number}"))
