"""Layers as the compact values that ``assets/map.js`` reads."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siting.data.finite_coordinates import refuse_endless
from siting.errors import LayerError
from siting.labels import Language, known, label
from siting.messages import Message

__all__ = ["as_degrees", "as_lines", "as_points", "fields", "names", "names_in", "numbers", "rings", "texts", "visible"]

SCALE = 1_000_000  # six decimals of a degree: a tenth of a metre
LONGEST = 200  # characters of a name on the map


def visible(value: object) -> str:
    r"""Return *value* as text in which every character can be seen.

    Examples
    --------
    >>> visible("a\x00b\u202ec")
    'a␀b�c'
    """
    text = str(value)
    if not text.isprintable():
        text = "".join(_visible(char) for char in text)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _visible(char: str) -> str:
    if char.isprintable() or char == "\u3000":
        return char
    if char in "\t\n\r\u2028\u2029\xa0":
        return " "
    # Unicode has a picture for each of the old control characters.
    if char < " ":
        return chr(0x2400 + ord(char))
    # Zero-width joiners belong to some scripts; all else that hides or reorders text gets a mark.
    return char if char in "\u200c\u200d" or unicodedata.category(char) == "Zs" else "\ufffd"


def as_degrees(layer: str, frame: gpd.GeoDataFrame, *, points: bool = False) -> gpd.GeoSeries:
    """Return the geometries, or *points* inside them, in degrees (WGS84); LayerError without a CRS or a place in it."""
    if not isinstance(frame, gpd.GeoDataFrame):
        raise LayerError(layer, Message("show.no_frame", value=frame))
    if frame.crs is None:
        raise LayerError(layer, Message("datum.none"))
    shapes = frame.geometry
    empty = (shapes.isna() | shapes.is_empty).to_numpy()
    if empty.any():
        raise LayerError(layer, Message("show.no_geometry", n=int(empty.sum()), rows=frame.index[empty]))
    refuse_endless(shapes, layer)
    if points:
        shapes = shapes.representative_point()
    turned = shapes.to_crs("EPSG:4326")
    bounds = turned.bounds.to_numpy()
    lost = ~np.isfinite(bounds).all(axis=1) | (np.abs(bounds[:, 1::2]) > 89).any(axis=1)
    if lost.any():
        facts = {"n": int(lost.sum()), "crs": frame.crs.to_string(), "rows": frame.index[lost]}
        raise LayerError(layer, Message("show.beyond_crs", **facts))
    return turned


def as_lines(shapes: np.ndarray) -> list[list[int]]:
    """Return each line as whole millionths of a degree: lat, lon, then the steps, short numbers, to the next points."""
    xy, line = shapely.get_coordinates(shapes, return_index=True)
    if not len(xy):
        return []
    whole = np.rint(xy[:, ::-1] * SCALE).astype(np.int64)
    steps = np.diff(whole, axis=0, prepend=0)
    starts = np.flatnonzero(np.diff(line, prepend=-1))
    steps[starts] = whole[starts]
    flat = steps.ravel().tolist()
    return [flat[2 * a : 2 * b] for a, b in pairwise([*starts.tolist(), len(xy)])]


def as_points(shapes: gpd.GeoSeries) -> list[int]:
    """Return points as one list, coded like a line."""
    whole = np.rint(shapely.get_coordinates(shapes.to_numpy())[:, ::-1] * SCALE).astype(np.int64)
    flat: list[int] = np.diff(whole, axis=0, prepend=0).ravel().tolist()
    return flat


def rings(shape: object) -> list[list[int]]:
    """Return all rings of a (multi-)polygon; filled by the even-odd rule they give it back."""
    return as_lines(shapely.get_rings(shapely.get_parts(shape)))


def numbers(values: Iterable[float], decimals: int = 1) -> list[int | float | None]:
    """Return rounded numbers, whole ones without a point, None for what is missing.

    Examples
    --------
    >>> numbers([1.0, 2.25, float("nan")])
    [1, 2.2, None]
    """
    rounded = np.round(np.asarray(values, dtype=float), decimals).tolist()
    return [None if not math.isfinite(v) else int(v) if v == int(v) else v for v in rounded]


def texts(values: pd.Series, words: Mapping[object, str] | None = None) -> dict[str, list[Any]]:
    """Return *values* as codes into a list of texts (-1: missing), *words* in place of some."""
    codes, different = pd.factorize(values.astype(object))
    words = words or {}
    return {"at": codes.tolist(), "of": [visible(words.get(value, value)) for value in different]}


def names(frame: gpd.GeoDataFrame) -> list[str]:
    """Return the name of each row, or its id where it has none."""
    keys = frame.index.to_numpy(object)  # Python's own texts are read faster than Arrow's
    given = frame["name"].to_numpy(object) if "name" in frame.columns else keys
    return [
        visible(key if pd.isna(name) or not str(name).strip() else name) for key, name in zip(keys, given, strict=True)
    ]


def names_in(layers: Mapping[str, gpd.GeoDataFrame], roles: Iterable[str]) -> dict[object, str]:
    """Return the names of all rows of some layers by id; those of later *roles* come before those of earlier ones."""
    frames = [layers[role] for role in dict.fromkeys(roles) if role in layers]
    return {key: name for frame in frames for key, name in zip(frame.index, names(frame), strict=True)}


def fields(
    frame: gpd.GeoDataFrame, columns: Iterable[str], lang: Language, words: Mapping[str, Mapping[object, str]]
) -> list[dict[str, Any]]:
    """Return the *columns* that *frame* has as labelled values for a tooltip."""
    found: list[dict[str, Any]] = []
    for column in (column for column in columns if column in frame.columns):
        values = frame[column]
        entry: dict[str, Any] = {"label": label(f"field.{column}", lang)}
        if pd.api.types.is_bool_dtype(values):
            entry |= texts(values, {True: label("map.yes", lang), False: label("map.no", lang)})
        elif pd.api.types.is_numeric_dtype(values):
            entry["values"] = numbers(values.to_numpy(dtype=float, na_value=np.nan))
            if known(f"field_unit.{column}"):
                entry["unit"] = label(f"field_unit.{column}", lang)
        else:
            entry |= texts(values, words.get(column))
        found.append(entry)
    return found
