"""The vectors of a package: layers with the fields of the rules, in a File Geodatabase in CGCS2000."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from pyproj import CRS

from siting.data import points, to_crs
from siting.data.projection_choice import layer_places
from siting.data.written import disk_full_told
from siting.deliver.layers import layers_for
from siting.deliver.results import Found
from siting.deliver.rules import CodeTable, FieldRule, LayerRule, Rules, fill
from siting.errors import SitingError
from siting.labels import label
from siting.messages import Message

__all__ = ["crs_for", "crs_words", "meridian_at", "vectors_crs", "write_vectors"]

#: The EPSG codes of CGCS2000: longitude and latitude, and the zones of 75°E without and with their number.
GEOGRAPHIC, MERIDIANS, ZONES = 4490, 4534, 4513
#: Kinds of geometry: those of GEOS that belong to it, and the one that is written.
KINDS = {"point": ((0,), "Point"), "line": ((1, 5), "MultiLineString"), "polygon": ((3, 6), "MultiPolygon")}
TYPES = {"text": pa.string(), "whole": pa.int32(), "number": pa.float64()}
MOST_WHOLE = 2**31 - 1


def meridian_at(lon: float) -> int:
    """Return the central meridian of the 3-degree zone at a longitude; SitingError where CGCS2000 has none.

    Examples
    --------
    >>> meridian_at(119.6), meridian_at(118.4)
    (120, 117)
    """
    meridian = 3 * round(lon / 3)
    if not 75 <= meridian <= 135:
        raise SitingError(Message("deliver.outside_zone", lon=lon))
    return meridian


def crs_for(rules: Rules, frames: Iterable[gpd.GeoDataFrame]) -> str:
    """Return the CRS of the vectors: the one that the rules name, in the zone where most of the layers lie."""
    if rules.crs.projection == "geographic":
        return f"EPSG:{GEOGRAPHIC}"
    meridian = rules.crs.meridian
    if meridian is None:
        meridian = meridian_at(float(np.median(np.concatenate([layer_places(frame).lon for frame in frames]))))
    return f"EPSG:{(ZONES if rules.crs.projection == 'zone' else MERIDIANS) + (meridian - 75) // 3}"


def crs_words(crs: Any, lang: str) -> str:
    """Name a CRS: one of CGCS2000 as planners do, any other by its own name.

    Examples
    --------
    >>> crs_words("EPSG:4549", "en"), crs_words("EPSG:32650", "en")
    ('CGCS2000, 3-degree zone, central meridian 120°E', 'WGS 84 / UTM zone 50N')
    """
    found = CRS(crs)
    code = found.to_epsg() or 0
    if code == GEOGRAPHIC:
        return label("deliver.crs_geographic", lang)
    for first, key in ((MERIDIANS, "crs_meridian"), (ZONES, "crs_zone")):
        if 0 <= code - first <= 20:
            meridian = 75 + 3 * (code - first)
            return label(f"deliver.{key}", lang, meridian=meridian, zone=meridian // 3)
    return str(found.name)


def vectors_crs(rules: Rules, found: Found) -> str:
    """Return the CRS of the vectors of some results."""
    return crs_for(rules, [found.layers["communities"]])


def write_vectors(rules: Rules, found: Found, target: Path, crs: str) -> list[Message]:
    """Write the layers to the geodatabase *target* in a CRS; return what cannot be written, and then nothing is."""
    faults: list[Message] = []
    units = {served.service: served.unit for served in found.contents.served}
    made = []
    for layer in layers_for(rules, units, units, found.lang):
        frame = found.layers.get(str(layer.source))
        if frame is not None and len(frame):
            made.append((layer, _table(rules, layer, to_crs(frame, crs), faults)))
        elif layer.required:
            facts = {"source": layer.source, "layer": layer.name, "alias": layer.alias}
            faults.append(Message("deliver.no_layer", **facts))
    if faults:
        return faults
    with disk_full_told(target.parent):
        for layer, table in made:
            _write(table, layer, target, crs)
    return []


def _write(table: pa.Table, layer: LayerRule, target: Path, crs: str) -> None:
    import pyogrio

    pyogrio.write_arrow(
        table, target, driver="OpenFileGDB", layer=layer.name, geometry_name="SHAPE", crs=crs, append=target.exists(),
        geometry_type=KINDS[layer.geometry][1], layer_options={"LAYER_ALIAS": layer.alias, "GEOMETRY_NAME": "SHAPE"},
    )  # fmt: skip


def _table(rules: Rules, layer: LayerRule, frame: gpd.GeoDataFrame, faults: list[Message]) -> pa.Table:
    """Return the fields and shapes of a layer as they are written, with what GDAL is told of each field."""
    columns, schema = [], []
    for rule in layer.fields:
        values = _values(rule, frame)
        try:
            columns.append(_column(rule, values, rules.codes[rule.codes] if rule.codes else None))
        except SitingError as error:
            faults.append(Message("deliver.in_field", layer=layer.name, field=rule.name, error=error.message))
            columns.append(pa.nulls(len(frame), TYPES[rule.type]))
        told = {"GDAL:OGR:alternative_name": rule.alias}
        if rule.length is not None:
            told["GDAL:OGR:width"] = str(rule.length)
        schema.append(pa.field(rule.name, TYPES[rule.type], metadata=told))
    try:
        shapes = _shapes(layer.geometry, frame)
    except SitingError as error:
        faults.append(Message("deliver.in_layer", layer=layer.name, error=error.message))
        shapes = np.full(len(frame), None)
    columns.append(pa.array(shapely.to_wkb(shapes), pa.binary()))
    schema.append(pa.field("SHAPE", pa.binary(), metadata={"ARROW:extension:name": "geoarrow.wkb"}))
    return pa.table(columns, schema=pa.schema(schema))


def _values(rule: FieldRule, frame: gpd.GeoDataFrame) -> pd.Series:
    """Return the values of a field as the results have them; of one that they have not, missing ones."""
    if rule.value is not None:
        texts = [fill(rule.value, number=number) for number in range(1, len(frame) + 1)]
        return pd.Series(texts, index=frame.index, dtype=object)
    if rule.source == "id":
        return pd.Series(frame.index.astype(str), index=frame.index, dtype=object)
    if rule.source in frame:
        values: pd.Series = frame[rule.source].astype(object)
        return values
    return pd.Series(None, index=frame.index, dtype=object)


def _column(rule: FieldRule, values: pd.Series, codes: CodeTable | None) -> pa.Array:
    if rule.type == "text" or codes is not None:
        texts = [None if pd.isna(value) or value == "" else _text(value) for value in values]
        texts = texts if codes is None else _coded(texts, codes, str(rule.codes))
        if rule.type == "text":
            return pa.array(texts, pa.string())
        values = pd.Series(texts, index=values.index, dtype=object)
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    wrong = numbers.isna() & values.notna()
    if rule.type == "whole":
        numbers = numbers.round()
        wrong |= numbers.abs() > MOST_WHOLE
    if wrong.any():
        raise SitingError(Message("deliver.no_number", values=list(dict.fromkeys(map(str, values[wrong])))))
    if rule.decimals is not None:
        numbers = numbers.round(rule.decimals)
    whole = [None if np.isnan(number) else int(number) for number in numbers] if rule.type == "whole" else None
    return pa.array(whole, pa.int32()) if whole is not None else pa.array(numbers, pa.float64(), from_pandas=True)


def _text(value: object) -> str:
    """Write a value as text: whole numbers without decimals, flags as in TOML."""
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    if isinstance(value, float | np.floating):
        return f"{value:.15g}"
    return str(value)


def _coded(texts: Sequence[str | None], codes: CodeTable, name: str) -> list[str | None]:
    """Return the code of each value: the one that the table gives, or the value itself where it is a code."""
    found: list[str | None] = []
    strange = []
    for text in texts:
        code = codes.of.get(text or "")
        if code is None and text is not None:
            code = codes.of.get("*", text if text in codes.meanings else None)
            strange += [text] if code is None else []
        found.append(code)
    if strange:
        raise SitingError(Message("deliver.not_made", values=list(dict.fromkeys(strange)), codes=name))
    return found


def _shapes(kind: str, frame: gpd.GeoDataFrame) -> Any:
    """Return the shapes as the kind that is asked for: an area as a point inside it, one part as several."""
    if kind == "point":
        return np.asarray(points(frame).array)
    shapes = shapely.force_2d(np.asarray(frame.geometry.array, dtype=object))
    wrong = ~np.isin(shapely.get_type_id(shapes), [*KINDS[kind][0], -1])
    if wrong.any():
        words = {"line": Message("deliver.line"), "polygon": Message("deliver.polygon")}
        raise SitingError(Message("deliver.shape", n=int(wrong.sum()), kind=words[kind]))
    several = {"line": shapely.multilinestrings, "polygon": shapely.multipolygons}[kind]
    return np.array([shape if shape is None else several(shapely.get_parts(shape)) for shape in shapes], dtype=object)
