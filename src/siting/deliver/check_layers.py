"""The check of the vectors of a package: layers, CRS, fields, values and shapes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from siting.data.mojibake import mended_text
from siting.deliver.breach import Breach
from siting.deliver.layers import layers_for, like
from siting.deliver.rules import FieldRule, LayerRule, Rules
from siting.deliver.vectors import GEOGRAPHIC, MERIDIANS, ZONES
from siting.messages import Message

__all__ = ["check_geodatabase"]

KINDS = {
    "point": (Message("deliver.point"), ("Point",)),
    "line": (Message("deliver.line"), ("LineString", "MultiLineString")),
    "polygon": (Message("deliver.polygon"), ("Polygon", "MultiPolygon")),
}
TYPES = {
    "text": (Message("deliver.type_text"), ("OFTString",)),
    "whole": (Message("deliver.type_whole"), ("OFTInteger", "OFTInteger64")),
    "number": (Message("deliver.type_number"), ("OFTReal",)),
}
#: Fields that programs add by themselves.
OWN = {"objectid", "shape_length", "shape_area"}
#: Where coordinates in CGCS2000 lie: degrees, and metres from a central meridian and the equator.
DEGREES, EASTINGS, NORTHINGS = (73.0, 3.0, 136.0, 54.5), (200_000.0, 800_000.0), (300_000.0, 6_100_000.0)


def check_geodatabase(root: Path, file: Path, rules: Rules) -> Iterator[Breach]:
    """Yield what breaks the rules in a geodatabase."""
    import pyogrio

    try:
        names = [str(name) for name, _ in pyogrio.list_layers(root / file)]
    except (RuntimeError, OSError) as fault:
        yield Breach(file, Message("deliver.broken", why=str(fault)))
        return
    every = {layer.name for layer in layers_for(rules, rules.services, {})}
    for name in sorted(set(names) - every):
        yield Breach(file, Message("deliver.strange_layer"), name)
    crs: Any = None
    for layer in layers_for(rules, _services(rules, names), {}):
        if layer.name in names:
            info = pyogrio.read_info(root / file, layer=layer.name)
            yield from _check_crs(file, layer, info, rules, crs)
            crs = crs or info["crs"]
            yield from _check_layer(root / file, file, layer, info, rules)
        elif layer.required:
            yield Breach(file, Message("deliver.missing_layer"), layer.name)


def _services(rules: Rules, names: Sequence[str]) -> list[str]:
    """Return the services of which there is a layer; all of them where there is none."""
    own = [layer for layer in rules.layer if "{service}" in str(layer.source)]
    found = [
        service
        for service, words in rules.services.items()
        if any(rules.fill(layer.name, S=words.code, service=words.name) in names for layer in own)
    ]
    return found or list(rules.services)


def _check_crs(file: Path, layer: LayerRule, info: Any, rules: Rules, first: Any) -> Iterator[Breach]:
    asked, codes = _asked(rules)
    if info["crs"] is None:
        yield Breach(file, Message("deliver.no_crs", asked=asked), layer.name)
        return
    try:
        found = CRS(info["crs"])
    except CRSError:
        yield Breach(file, Message("deliver.crs", found=str(info["crs"]), asked=asked), layer.name)
        return
    if found.to_epsg() not in codes:
        yield Breach(file, Message("deliver.crs", found=str(found.name), asked=asked), layer.name)
    elif first is not None and found != CRS(first):
        yield Breach(file, Message("deliver.crs", found=str(found.name), asked=str(CRS(first).name)), layer.name)


def _asked(rules: Rules) -> tuple[Message, set[int]]:
    """Return the CRS that the rules ask for in words, and its codes."""
    if rules.crs.projection == "geographic":
        return Message("deliver.geographic"), {GEOGRAPHIC}
    zone = rules.crs.projection == "zone"
    first, meridian = ZONES if zone else MERIDIANS, rules.crs.meridian
    if meridian is None:
        return (Message("deliver.any_zone") if zone else Message("deliver.any_meridian")), set(range(first, first + 21))
    words = Message("deliver.zone", zone=meridian // 3) if zone else Message("deliver.meridian", meridian=meridian)
    return words, {first + (meridian - 75) // 3}


def _check_layer(path: Path, file: Path, layer: LayerRule, info: Any, rules: Rules) -> Iterator[Breach]:
    import pyogrio

    alias = (info.get("layer_metadata") or {}).get("ALIAS_NAME", "")
    if not like(layer.alias).fullmatch(alias):
        yield Breach(file, Message("deliver.alias", found=alias, asked=layer.alias), layer.name)
    kind, allowed = KINDS[layer.geometry]
    found = str(info["geometry_type"]).split(" ")[0]
    if found not in allowed:
        yield Breach(file, Message("deliver.geometry", found=found, asked=kind), layer.name)
    frame = pyogrio.read_dataframe(path, layer=layer.name, on_invalid="ignore")
    if not len(frame):
        yield Breach(file, Message("deliver.no_rows"), layer.name)
        return
    ids = _ids(layer, frame)
    if isinstance(frame, gpd.GeoDataFrame):
        yield from _check_shapes(file, layer, frame, ids)
    told = _told(path, layer)
    fields = dict(zip(map(str, info["fields"]), info["ogr_types"], strict=True))
    for name in fields:
        if name not in {rule.name for rule in layer.fields} and name.casefold() not in OWN:
            yield Breach(file, Message("deliver.strange_field"), layer.name, name)
    for rule in layer.fields:
        if rule.name not in fields:
            yield Breach(file, Message("deliver.missing_field"), layer.name, rule.name)
            continue
        errors = [*_check_kind(rule, fields[rule.name], told[rule.name]), *_check_values(rule, frame, ids, rules)]
        yield from (Breach(file, error, layer.name, rule.name) for error in errors)


def _told(path: Path, layer: LayerRule) -> dict[str, dict[str, str]]:
    """Return what a geodatabase says of each field: its alias and its width."""
    import pyogrio

    _, table = pyogrio.read_arrow(path, layer=layer.name, max_features=1)
    return {
        each.name: {key.decode(): value.decode() for key, value in (each.metadata or {}).items()}
        for each in table.schema
    }


def _ids(layer: LayerRule, frame: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Return what names a row: the value of a field that is unique, else its number."""
    names = [rule.name for rule in layer.fields if rule.unique and rule.name in frame]
    keyed = next((name for name in reversed(names) if frame[name].is_unique and frame[name].notna().all()), None)
    values = np.arange(1, len(frame) + 1) if keyed is None else frame[keyed]
    return np.asarray(values).astype(str)


def _check_kind(rule: FieldRule, found: str, told: dict[str, str]) -> Iterator[Message]:
    words, kinds = TYPES[rule.type]
    if found not in kinds:
        shown = next((name for name, allowed in TYPES.values() if found in allowed), found)
        yield Message("deliver.type", found=shown, asked=words)
    width = int(told.get("GDAL:OGR:width", 0))
    if rule.length is not None and found == "OFTString" and width != rule.length:
        yield Message("deliver.length", found=width, asked=rule.length)
    alias = told.get("GDAL:OGR:alternative_name", "")
    if not like(rule.alias).fullmatch(alias):
        yield Message("deliver.alias", found=alias, asked=rule.alias)


def _check_values(rule: FieldRule, frame: pd.DataFrame, ids: np.ndarray[Any, Any], rules: Rules) -> Iterator[Message]:
    values = frame[rule.name]
    texts = values.map(lambda value: "" if pd.isna(value) else str(value))
    filled = (texts.str.strip() != "").to_numpy()
    if rule.required and not filled.all():
        yield Message("deliver.empty", ids=list(ids[~filled]))
    if rule.length is not None and (long := (texts.str.len() > rule.length).to_numpy()).any():
        yield Message("deliver.too_long", ids=list(ids[long]), most=rule.length)
    if rule.unique and (twice := (texts.duplicated() & filled)).any():
        yield Message("deliver.twice", values=list(dict.fromkeys(texts[twice])))
    if rule.codes is not None:
        strange = filled & ~texts.isin(list(rules.codes[rule.codes].meanings)).to_numpy()
        if strange.any():
            yield Message("deliver.not_coded", values=list(dict.fromkeys(texts[strange])), codes=rule.codes)
    if rule.value is not None and (other := filled & ~texts.map(lambda text: _fits(str(rule.value), text))).any():
        yield Message("deliver.fixed", values=list(dict.fromkeys(texts[other])), asked=rule.value)
    if rule.type == "text":
        broken = texts.map(lambda text: "\ufffd" in text or mended_text(text) is not None).to_numpy()
        if broken.any():
            yield Message("deliver.garbled", ids=list(ids[broken]))


def _fits(pattern: str, text: str) -> bool:
    return like(pattern, number="[0-9]+").fullmatch(text) is not None


def _check_shapes(file: Path, layer: LayerRule, frame: gpd.GeoDataFrame, ids: np.ndarray[Any, Any]) -> Iterator[Breach]:
    shapes = np.asarray(frame.geometry.array)
    lacking = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    if lacking.any():
        yield Breach(file, Message("deliver.no_shape", ids=list(ids[lacking])), layer.name)
    wrong = ~shapely.is_valid(shapes) & ~lacking
    if wrong.any():
        why = shapely.is_valid_reason(shapes[wrong][0])
        yield Breach(file, Message("deliver.invalid", ids=list(ids[wrong]), why=why), layer.name)
    if frame.crs is not None and (bounds := _bounds(CRS(frame.crs))) is not None:
        west, south, east, north = shapely.bounds(shapes).T
        out = (west < bounds[0]) | (south < bounds[1]) | (east > bounds[2]) | (north > bounds[3])
        if out.any():
            facts = {"crs": str(frame.crs.name), "ids": list(ids[out])}
            yield Breach(file, Message("deliver.outside", **facts), layer.name)


def _bounds(crs: CRS) -> tuple[float, float, float, float] | None:
    """Return where the coordinates of China lie in a CRS of CGCS2000; None for another."""
    code = crs.to_epsg() or 0
    if code == GEOGRAPHIC:
        return DEGREES
    zone = 25 + code - ZONES if 0 <= code - ZONES <= 20 else 0
    if zone or 0 <= code - MERIDIANS <= 20:
        return zone * 1e6 + EASTINGS[0], NORTHINGS[0], zone * 1e6 + EASTINGS[1], NORTHINGS[1]
    return None
