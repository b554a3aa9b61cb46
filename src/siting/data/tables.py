"""CSV tables, and tables with coordinates as layers."""

from __future__ import annotations

import codecs
import csv
import io
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siting.data.code_pages import ranked_pages, required_page
from siting.data.datums import crs_name, read_crs, same_crs
from siting.data.header_rows import (
    Row,
    joined_header,
    refuse_title,
    refuse_unnamed,
    row_width,
    void,
    without_notes,
    without_titles,
)
from siting.data.heading_spelling import normalized
from siting.data.roles import COORDINATES, coordinate_names
from siting.data.shape_columns import read_h3, read_shapes
from siting.data.source import Source
from siting.data.values import number_of, read_cells, text_of
from siting.errors import LayerError
from siting.messages import Message

logger = logging.getLogger(__name__)

# A text that a spreadsheet would read as a formula, with the apostrophes of `write_layer`.
FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
#: Columns that hold whole shapes.
SHAPES = ("wkt", "wkb", "h3")

# From so many bytes the code page is judged.
MOST_SAMPLED = 1 << 20
# The beginning of a character of UTF-8 at the end of a cell, and a whole one.
_HALF = re.compile(rb"(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})(?=[,;\t\"\r\n]|$)")
_THREE_BYTES = re.compile(rb"[\xe0-\xef][\x80-\xbf]{2}")


def guarded(text: str) -> str:
    """Return *text* so that no spreadsheet reads it as a formula; `unguarded` reverts it."""
    return f"'{text}" if FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """Return *text* without the apostrophe that `guarded` set."""
    return text[1:] if text.startswith("'") and FORMULA.match(text) else text


def read_csv(source: Source) -> pd.DataFrame:
    """Read a CSV file, every cell as text."""
    layer = source.name
    text = decode(source.content(), source.encoding, layer)
    lines = text.split("\n", source.skip_rows + 20)[source.skip_rows :]
    first = next((line for line in lines if any(sign in line for sign in ",;\t")), "")
    mark = max(",;\t", key=first.count)
    most = csv.field_size_limit(max(len(text), 131072))  # an outline as WKT can be long
    try:
        rows: list[Row] = list(csv.reader(io.StringIO(text, newline=""), delimiter=mark))
    except csv.Error as fault:
        raise LayerError(layer, Message("table.no_csv", why=str(fault))) from fault
    finally:
        csv.field_size_limit(most)
    return framed(without_titles([[unguarded(cell) or None for cell in row] for row in rows], source), source)


def decode(data: bytes, encoding: str | None, layer: str) -> str:
    """Decode the bytes of a text file: by *encoding*, else by its content as UTF-8, GB18030 or Big5, as logged."""
    if encoding is not None or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _decode_as(data, required_page(encoding or "utf-16", layer), layer)
    marked = data.startswith(codecs.BOM_UTF8)
    data = data.removeprefix(codecs.BOM_UTF8)
    if marked and _valid(data):
        logger.info("%s: read as utf-8", layer)
        return data.decode("utf-8")
    if (mended := _without_half_letters(data, layer)) is not None:
        return mended
    part = data if len(data) <= MOST_SAMPLED else data[:MOST_SAMPLED].rpartition(b"\n")[0]
    sample = b"\n".join(line for line in part.splitlines() if not line.isascii())
    for page in ranked_pages([sample.decode], None):
        try:
            text = data.decode(page)
        except UnicodeDecodeError:
            continue
        logger.info("%s: read as %s", layer, page)
        return text
    raise LayerError(layer, Message("reading.no_text"))


def _decode_as(data: bytes, page: str, layer: str) -> str:
    try:
        return data.decode("utf-8-sig" if page == "utf-8" else page)
    except UnicodeDecodeError as fault:
        line = data[: fault.start].count(b"\n") + 1
        raise LayerError(layer, Message("reading.no_text_line", page=page, line=line)) from fault


def _without_half_letters(data: bytes, layer: str) -> str | None:
    """Read UTF-8 whose cells were cut inside a character, which is left out; None if it is not that."""
    halves = [match.start() for match in _HALF.finditer(data)]
    if not halves or _valid(data):
        return None
    whole = _HALF.sub(b"", data)
    if not _valid(whole) or len(_THREE_BYTES.findall(whole)) < 2 * len(halves):
        return None
    lines = [data.count(b"\n", 0, at) + 1 for at in halves[:100]]
    logger.warning(Message("reading.half_letters", n=len(halves), lines=list(dict.fromkeys(lines))).within(layer))
    return whole.decode("utf-8")


def _valid(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def choose(names: Sequence[str], wanted: str | None, role: str, layer: str, what: str = "layer") -> str:
    """Choose a layer or sheet: the one given, the only one, or the one with the role's name."""
    if wanted is not None:
        if wanted not in names:
            held = names or Message("data.none")
            raise LayerError(layer, Message("reading.no_such", what=_held(what), name=wanted, names=held))
        return wanted
    if len(names) == 1 or role in names:
        return names[0] if len(names) == 1 else role
    if not names:
        raise LayerError(layer, Message("reading.has_none", what=_held(what)))
    raise LayerError(layer, Message("reading.has_several", n=len(names), what=_held(what), names=names))


def _held(what: str) -> Message | str:
    """Return the word for what a file holds several of."""
    words = {"layer": Message("reading.layer"), "table": Message("reading.table"), "sheet": Message("reading.sheet")}
    return {**words, "folder": Message("reading.folder")}.get(what, what)


def framed(rows: list[Row], source: Source) -> pd.DataFrame:
    """Make a frame of the rows of a table, whose first row that is not empty must be the header."""
    layer = source.name
    numbered = [(n, row) for n, row in enumerate(rows, start=1) if any(not void(c) for c in row)]
    if not numbered:
        raise LayerError(layer, Message("table.empty"))
    width = max(row_width(row) for _, row in numbered)
    (line, head), body = numbered[0], without_notes(numbered, layer)[1:] if width > 1 else numbered[1:]
    if source.header is not None:
        head = joined_header(rows[line - 1 : line - 1 + source.header], width, line, layer)
        body = [(n, row) for n, row in body if n >= line + source.header]
    elif not source.skip_rows:
        refuse_title(numbered, width, layer)
    names = [text_of(c) if i < len(head) and not void(c := head[i]) else "" for i in range(width)]
    if again := [n for n, row in body if [text_of(c) for c in row[: row_width(row)]] == names[: row_width(head)]]:
        logger.warning(Message("table.repeated", rows=again).within(layer))
    places = [at for at, (n, _) in enumerate(body) if n not in again]
    body = [body[at] for at in places]
    columns = [[row[i] if i < len(row) else None for _, row in body] for i in range(width)]
    kept = [i for i in range(width) if names[i] or any(not void(c) for c in columns[i])]
    if (not names[0] or names[0] == "Unnamed: 0") and _numbers_rows(columns[0]):
        logger.info("%s: the first column, which has no name, numbers the rows and was left out", layer)
        kept.remove(0)
    unnamed = [i for i in kept if not names[i]]
    if stray := [n for n, row in body if any(not void(row[i]) for i in unnamed if i < len(row))]:
        refuse_unnamed(numbered, stray, layer)
    if twice := sorted({names[i] for i in kept if names.count(names[i]) > 1}):
        raise LayerError(layer, Message("column.twice", columns=twice))
    frame = pd.DataFrame({names[i]: pd.Series(columns[i], dtype=object) for i in kept})
    frame.index = pd.Index(places) if again else frame.index  # as the rows are counted below the header
    return frame.infer_objects()


def _numbers_rows(cells: Sequence[Any]) -> bool:
    """Whether a column numbers the rows from 0 or 1, as other programs add it in front."""
    texts = [text_of(cell) for cell in cells]
    return bool(texts) and any(texts == [str(n) for n in range(first, first + len(texts))] for first in (0, 1))


def with_geometry(frame: pd.DataFrame, chosen: Mapping[str, str], crs: Any, layer: str) -> tuple[Any, dict[str, str]]:
    """Make a layer of a table by its coordinates; also return heading → coordinate, where the names differ."""
    columns = _coordinate_columns(frame, chosen, layer)
    if kind := next((kind for kind in SHAPES if kind in columns), None):
        shapes, own = (read_h3 if kind == "h3" else read_shapes)(frame[columns[kind]], layer)
        crs = _one_crs(crs, own, columns[kind], layer)
    else:
        east, north = (_coordinates(frame[source], layer) for source in columns.values())
        shapes = np.full(len(frame), None, dtype=object)
        known = ~(np.isnan(east) | np.isnan(north))
        shapes[known] = shapely.points(east[known], north[known])
        if crs is None and "lon" in columns:
            crs = "EPSG:4326"
            logger.info("%s: columns %s and %s are taken as EPSG:4326", layer, columns["lon"], columns["lat"])
    if crs is None:
        raise LayerError(layer, Message("datum.unsaid", columns=list(columns.values())))
    # A cell of H3 names its row, too.
    shown = [] if "h3" in columns else list(columns.values())
    out = gpd.GeoDataFrame(frame.drop(columns=shown), geometry=shapes, crs=crs)
    return out, {source: name for name, source in columns.items() if source != name}


def _coordinate_columns(frame: pd.DataFrame, chosen: Mapping[str, str], layer: str) -> dict[str, str]:
    """Find the columns of the place, coordinate → heading: a pair in the order x, y, or one of shapes."""
    found = list(frame.columns)
    if absent := [source for source in chosen.values() if source not in frame.columns]:
        raise LayerError(layer, Message("place.chosen_absent", columns=absent, found=found))
    columns = dict(chosen)
    if not columns:
        for kind in COORDINATES:
            takers = [str(c) for c in frame.columns if normalized(c) in coordinate_names(kind)]
            if len(takers) > 1:
                said = Message("place.could_each", columns=takers, kind=kind, first=takers[0])
                raise LayerError(layer, said)
            if takers:
                columns[kind] = takers[0]
        if {"lon", "lat"} <= columns.keys():
            # Degrees are unambiguous; x and y next to them are kept.
            columns = {kind: columns[kind] for kind in ("lon", "lat", "wkt", "wkb") if kind in columns}
        for pair in (("lon", "lat"), ("x", "y")):
            if len(columns.keys() & set(pair)) == 1:
                columns = {kind: source for kind, source in columns.items() if kind not in pair}
        if columns.keys() - {"h3"}:
            columns.pop("h3", None)  # the cell that a place lies in
    complete = [
        kinds for kinds in (("lon", "lat"), ("x", "y"), *((kind,) for kind in SHAPES)) if set(kinds) <= columns.keys()
    ]
    if len(complete) == 1 and set(complete[0]) == columns.keys():
        return {kind: columns[kind] for kind in complete[0]}
    if len(complete) > 1:
        raise LayerError(layer, Message("place.twice", columns=list(columns.values())))
    raise LayerError(layer, Message("place.no_coordinates", lon="经度", lat="纬度", found=found))


def _coordinates(column: pd.Series[Any], layer: str) -> Any:
    """Read a column of coordinates; an empty cell is NaN, text is refused."""
    values, bad = read_cells(column, number_of)
    if bad:
        facts = {"column": column.name, "n": len(bad), "total": len(column), "rows": bad}
        raise LayerError(layer, Message("place.no_number", **facts))
    return values


def _one_crs(given: Any, own: Any, heading: str, layer: str) -> Any:
    """Return the CRS that is given, or that the shapes name; they may not contradict each other."""
    if given is None or own is None:
        return given or own
    if not same_crs(given, read_crs(own, layer)):
        facts = {"own": crs_name(read_crs(own, layer)), "given": crs_name(given)}
        raise LayerError(layer, Message("datum.column_contradicted", column=heading, **facts))
    return given
