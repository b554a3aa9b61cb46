"""Checking a layer and bringing it to the canonical form of its role.

Every fault of a layer is found before one `LayerError` tells them all. Each check below looks for
one fault, so that a new kind of fault is a new function and a line in `check_layer`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siting.data import datums, geometry_checks, roles
from siting.data.column_matching import match_columns
from siting.data.columns import Column
from siting.data.coordinate_checks import extent_faults
from siting.data.district_names import names_apart
from siting.data.extent import middle_place
from siting.data.roles import Role
from siting.data.total_rows import sum_rows, whole_of
from siting.data.values import MOST_DIGITS, cells, distinct, joined, numbered, parse_choices, parse_numbers, texts
from siting.errors import LayerError, SitingError, some
from siting.numbers import Bools

__all__ = ["Missing", "check_layer"]

logger = logging.getLogger(__name__)

Missing = Literal["raise", "zero"]

# How far from a whole number a count may lie, for numbers that went through floating point.
WHOLE = 1e-9


def check_layer(
    frame: Any,
    role: str | Role,
    *,
    columns: Mapping[str, str] | None = None,
    missing: Missing = "raise",
    name: str | None = None,
    strict: bool = False,
) -> Any:
    """Return *frame* in the canonical form of *role*, or tell all that is wrong with it.

    Parameters
    ----------
    frame
        A GeoDataFrame; it is not changed.
    role
        Name of a role (see `list_roles`), or a `Role`.
    columns
        Your own choice of columns, canonical name → name in the frame, where the names are not
        understood or several are.
    missing
        What to do with missing numbers and flags: ``"raise"``, or ``"zero"`` to count them as 0 (or
        no) and say so in the log.
    name
        What to call the layer in messages; the role's name if not given.
    strict
        Refuse what is otherwise told as a warning of where the layer lies: rows that may lie too far from all others
        (see `siting.data.extent`), and a datum whose shift to WGS 84 is not known or stated to be off by more than 3 m.

    Returns
    -------
    geopandas.GeoDataFrame
        Index ``id`` (text, unique), canonical columns first (text as str, counts as int64, numbers
        and shares as float64, flags as bool), then the other columns as they were, and ``geometry``
        (valid, in the frame's CRS, 2-D but for streets with heights).

    Raises
    ------
    LayerError
        With every fault found: columns, ids, values, geometry, coordinates that do not fit the CRS, rows that lie far
        from all others.

    Examples
    --------
    >>> frame = gpd.GeoDataFrame(
    ...     {"编号": ["01", "02"], "常住人口（人）": ["1,200", "３００"]},
    ...     geometry=gpd.GeoSeries.from_xy([120.0, 120.01], [29.0, 29.0]), crs="EPSG:4326")
    >>> check_layer(frame, "communities")[["population"]]
        population
    id
    01        1200
    02         300
    """
    kind = roles.role(role)
    layer = name or kind.name
    if missing not in ("raise", "zero"):
        raise SitingError(f'missing={missing!r}; choose "raise" or "zero"')
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
        raise LayerError(layer, _no_layer(frame))
    twice = frame.columns[frame.columns.duplicated()].unique()
    if len(twice):
        raise LayerError(layer, f"columns stand twice: {some(twice)}; rename or remove one")
    faults = geometry_checks.crs_faults(frame.crs)
    if not len(frame):
        faults.append("has no rows")
    out = _plain_geometry(frame, layer)
    out, factors, column_faults = _name_columns(out, kind, columns or {}, layer)
    out, labels, id_faults = _set_ids(out, kind, layer, from_column="id" in (columns or {}))
    faults += column_faults + id_faults
    sums = sum_rows(out, kind)
    if len(sums):  # their numbers are no faults of their own
        faults.append(_sum_fault(sums, labels))
        kept = np.setdiff1d(np.arange(len(out)), sums.index)
        out, labels = out.iloc[kept].copy(), [labels[row] for row in kept]
    for column in kind.columns:
        if column.name != "id" and column.name in out.columns:
            out[column.name], value_faults = _read_column(
                out[column.name], column, labels, missing, layer, factors.get(column.name, 1.0)
            )
            faults += value_faults
    if not faults:
        _tell_wholes(out, kind, labels, layer)
    faults += _subset_faults(out, kind, labels)
    found, shape_faults = _check_shapes(out, kind, labels, layer, strict)
    faults += shape_faults
    if faults:
        raise LayerError(layer, faults, found=out)

    out = geometry_checks.split_lines(out.set_geometry(found, crs=frame.crs), kind, layer)
    faults = _duplicate_faults(out.index)  # a split line may meet an id that stood there
    if faults:
        raise LayerError(layer, faults)
    if kind.name == "districts":
        _tell_shared_names(out, layer)
    ordered = [c.name for c in kind.columns if c.name in out.columns]
    others = [c for c in out.columns if c not in ordered and c != "geometry"]
    return out[[*ordered, *others, "geometry"]]


def _sum_fault(sums: Any, labels: Sequence[str]) -> str:
    rows = [word if labels[row] == word else f"{labels[row]}: {word}" for row, word in sums.items()]
    return (
        f"{len(rows)} of {len(labels)} rows sum up others and are no record of their own: {some(rows)}; take them out "
        "of the file, or leave them out by [keep] of a mapping"
    )


def _tell_wholes(frame: Any, role: Role, labels: Sequence[str], layer: str) -> None:
    """Say which row may be the sum of all others under a name of its own, such as that of the city."""
    for name in role.required:
        if role.column(name).type == "count" and (row := whole_of(frame[name].to_numpy(np.float64))) is not None:
            called = frame["name"].iloc[row] if "name" in frame.columns else ""
            logger.warning(
                '%s: "%s" of "%s" is as much as of all other rows together, %s; if it sums them up, take it out', layer,
                name, f"{labels[row]}: {called}" if called else labels[row], f"{frame[name].iloc[row]:,}",
            )  # fmt: skip


def _tell_shared_names(districts: Any, layer: str) -> None:
    """Say which districts have one name: a row that gives it alone is of the one that it lies in."""
    apart = names_apart(districts)
    own = districts.get("name", apart)
    twice = (apart != own) & (own != "")
    if twice.any():
        listed = [f"{row}: {said}" for row, said in apart[twice].items()]
        logger.warning(
            "%s: %d districts share their names: %s; in a column district, give the id or the name with that of the "
            "district above, else a row belongs to the one that it lies in", layer, len(listed), some(listed),
        )  # fmt: skip


def _no_layer(given: Any) -> str:
    """Say what to give instead of *given*, which is no layer."""
    if isinstance(given, pd.DataFrame):
        return "has no geometry; give a GeoDataFrame (read_layer makes one of a file)"
    kind = type(given).__name__
    if isinstance(given, gpd.GeoSeries):
        return f'is a {kind}; give a GeoDataFrame, such as series.to_frame("geometry")'
    if isinstance(given, (str, os.PathLike)):
        return f"is a {kind}; read the file first, with read_layer"
    return f"is a {kind}; give a GeoDataFrame (read_layer makes one of a file)"


def _plain_geometry(frame: Any, layer: str) -> Any:
    """Return a copy whose one geometry column is called ``geometry``."""
    out = frame.copy()
    active = out.active_geometry_name
    others = [
        c for c in out.columns if c != active and (c == "geometry" or isinstance(out[c].dtype, gpd.array.GeometryDtype))
    ]
    if others:
        logger.warning("%s: geometry columns beside the active one were left out: %s", layer, some(others))
        out = out.drop(columns=others)
    return out if active == "geometry" else out.rename_geometry("geometry")


def _name_columns(
    frame: Any, role: Role, chosen: Mapping[str, str], layer: str
) -> tuple[Any, Mapping[str, float], list[str]]:
    """Give the columns their canonical names; return the factors of their units, too, and the faults."""
    sources = [c for c in frame.columns if c != "geometry"]
    has_id = frame.index.name == "id" and "id" not in chosen
    both = ['has the ids twice, as index "id" and as column "id"; drop one'] if has_id and "id" in sources else []
    found = match_columns(role, sources, chosen, has_id=has_id)
    renames = dict(found.renames)
    notes = list(found.notes)
    # A column that the user passed over must not stand under the canonical name.
    for name in set(renames.values()) & (set(sources) - set(renames)):
        renames[name] = f"{name}_source"
        notes.append(f'column "{name}" is kept as "{name}_source": another was chosen')
    for note in notes:
        logger.warning("%s: %s", layer, note)
    taken = {str(old): new for old, new in found.renames.items() if old != new}
    if taken:
        logger.info("%s: columns understood: %s", layer, ", ".join(f"{a} as {b}" for a, b in taken.items()))
    out = frame.rename(columns=renames)
    if taken:
        out.attrs["understood"] = {**frame.attrs.get("understood", {}), **taken}
    if found.cut:
        out.attrs["cut"] = list(map(str, found.cut))
    return out, found.factors, both + found.faults + _merged_faults(frame, role, found.renames)


def _merged_faults(frame: Any, role: Role, renames: Mapping[object, str]) -> list[str]:
    """Refuse numbers whose cells were merged: one number stands there for several rows."""
    return [
        f'"{name}": cells {some(frame.attrs["merged"][source])} are merged, one number for several rows; '
        "give each row its own"
        for source, name in renames.items()
        if source in frame.attrs.get("merged", {}) and role.column(name).type in ("count", "number", "share")
    ]


def _set_ids(frame: Any, role: Role, layer: str, *, from_column: bool) -> tuple[Any, list[str], list[str]]:
    """Set the index; return the frame, a label for each row for messages, and the faults."""
    source: Any = frame.index
    faults: list[str] = []
    trimmed, made = 0, False
    if "id" in frame.columns and not from_column and len(frame) > 1 and set(texts(frame["id"]).listed) == {"0"}:
        logger.warning('%s: the ids are 0 in every row, which name none; the column is kept as "id_source"', layer)
        frame = frame.rename(columns={"id": "id_source"})
        frame.attrs["understood"] = {k: v for k, v in frame.attrs.get("understood", {}).items() if v != "id"}
    if "id" in frame.columns and (from_column or frame.index.name != "id"):
        source, frame = frame["id"], frame.drop(columns="id")
    elif frame.index.nlevels == 1 and frame.index.name != "id" and _is_default(frame.index):
        made = True
    if made:
        ids = numbered(role.name, len(frame))
        logger.info("%s: has no ids; they were made, %s-1 to %s-%d", layer, role.name, role.name, len(frame))
    elif isinstance(source, pd.MultiIndex):
        ids = joined([texts(source.get_level_values(level)).array for level in range(source.nlevels)])
    else:
        found = texts(source)
        ids, trimmed = found.array, found.trimmed
        faults = _float_id_faults(source)
    if trimmed:
        logger.info("%s: white space around %d ids was trimmed", layer, trimmed)
    index = pd.Index(ids, name="id", dtype="str")
    labels: list[str] = index.to_numpy(dtype=object).tolist()
    empty = np.flatnonzero(index == "")
    for row in empty:
        labels[row] = f"row {row + 1}"
    if len(empty):
        faults.append(f"{len(empty)} ids are empty: rows {some(empty + 1)}; every row needs one")
    return frame.set_axis(index, axis=0), labels, faults + ([] if made else _duplicate_faults(index))


def _is_default(index: Any) -> bool:
    return isinstance(index, pd.RangeIndex) and index.equals(pd.RangeIndex(len(index)))


def _float_id_faults(source: Any) -> list[str]:
    if pd.api.types.is_float_dtype(source.dtype):
        numbers = source.to_numpy(dtype=np.float64, na_value=np.nan)
    elif source.dtype == object and pd.api.types.infer_dtype(source) != "string":
        numbers = np.array([v for v in cells(source) if isinstance(v, (float, np.floating))], dtype=np.float64)
    else:
        return []
    numbers = numbers[np.isfinite(numbers)]
    whole = numbers == np.floor(numbers)
    parts, long = numbers[~whole].tolist(), numbers[whole & (abs(numbers) >= MOST_DIGITS)].tolist()
    faults = []
    if parts:
        faults.append(f"ids are numbers with a fraction: {some(parts)}; give whole numbers or text")
    if long:
        faults.append(
            f"ids of more than 15 digits were kept as numbers and have lost digits: {some(long)}; "
            "keep the column as text in the file"
        )
    return faults


def _duplicate_faults(ids: pd.Index) -> list[str]:
    if distinct(ids):
        return []
    twice = ids[ids.duplicated(keep=False) & (ids != "")].unique()
    return [f"ids stand more than once: {some(twice)}; every id must be unique"] if len(twice) else []


def _read_column(
    series: Any, column: Column, labels: list[str], missing: Missing, layer: str, factor: float
) -> tuple[Any, list[str]]:
    """Return the values of a canonical column in its own type and unit, and what is wrong with them."""
    if column.type == "text":
        found = texts(series).array
        faults: list[str] = []
        blank = np.asarray(found == "", dtype=np.bool_)
        if blank.any() and not column.blank:
            logger.warning(
                '%s: "%s" is blank in %d of %d rows: %s', layer, column.name, blank.sum(), len(blank),
                geometry_checks.named(labels, blank),
            )  # fmt: skip
        if column.choices:
            found, unknown = parse_choices(column, found)
            faults = _unknown_faults(series, column, labels, unknown, layer)
        return pd.Series(found, index=series.index, dtype="str"), faults
    parsed = parse_numbers(series, column.type, column)
    bad = parsed.bad
    # 3 * 666.66… is 2000: what the factor adds in the last digits is no part of the number.
    values = parsed.numbers if factor == 1 else np.round(parsed.numbers * factor, 6)
    negative = ~bad & (values < 0) & (not column.signed)
    faults = _row_faults(
        f'"{column.name}" is not {_WANTED[column.type]}',
        series,
        bad,
        labels,
        "write plain numbers" if column.type != "flag" else _FLAGS,
    )
    faults += _row_faults(f'"{column.name}" is negative', series, negative, labels, "correct them")
    if parsed.missing.any() and missing == "zero" and not column.blank:
        logger.warning(
            '%s: "%s" was missing in %d rows and is counted as 0',
            layer,
            column.name,
            parsed.missing.sum(),
        )
        values = np.where(parsed.missing, 0.0, values)
    elif parsed.missing.any() and not column.blank:
        faults += [
            (
                f'"{column.name}" is missing in {parsed.missing.sum()} of {len(series)} rows: '
                f'{geometry_checks.named(labels, parsed.missing)}; fill it, or count it as 0 with missing="zero"'
            )
        ]
    if column.type == "share":
        faults += _row_faults(
            f'"{column.name}" is above 1',
            series,
            ~bad & (values > 1),
            labels,
            'give shares from 0 to 1, or per cent with "%"',
        )
    if column.type == "count" and not column.blank:
        broken = ~bad & (np.abs(values - np.round(values)) > WHOLE)
        faults += _row_faults(f'"{column.name}" is not whole', series, broken, labels, "counts are whole numbers")
        values = np.round(values)
    if faults:
        return series, faults
    kinds = {"count": np.float64 if column.blank else np.int64, "flag": np.bool_}
    return pd.Series(values.astype(kinds.get(column.type, np.float64)), index=series.index), []


_FLAGS = "write 是 or 否, 1 or 0, true or false, or say in a mapping, under [flags], what means yes"
_WANTED = {"count": "a number", "number": "a number", "share": "a share", "flag": "yes or no"}


def _row_faults(what: str, series: Any, mask: Bools, labels: Sequence[str], remedy: str) -> list[str]:
    if not mask.any():
        return []
    at = np.flatnonzero(mask).tolist()
    rows = [f"{labels[row]}: {str(cell)[:40]}" for row, cell in zip(at, cells(series.iloc[at]), strict=True)]
    return [f"{what} in {len(rows)} of {len(mask)} rows: {some(rows)}; {remedy}"]


def _unknown_faults(series: Any, column: Column, labels: Sequence[str], unknown: Bools, layer: str) -> list[str]:
    known = some((f"{value} ({'、'.join(names)})" for value, names in column.choices), most=20)
    if column.open:
        if unknown.any():
            rows = _row_faults(f'"{column.name}" holds words that are not understood and are kept as they are', series,
                               unknown, labels, f"understood are {known}")  # fmt: skip
            logger.warning("%s: %s", layer, rows[0])
        return []
    return _row_faults(f'"{column.name}" has unknown values', series, unknown, labels, f"understood are {known}")


def _subset_faults(frame: Any, role: Role, labels: Sequence[str]) -> list[str]:
    """Find rows where a part is above its whole, such as more elderly than residents."""
    faults = []
    for part, whole in role.subsets:
        if part in frame.columns and whole in frame.columns:
            # A column with faults of its own still holds text here; those come first.
            if frame[part].dtype.kind not in "if" or frame[whole].dtype.kind not in "if":
                continue
            # A negative whole is a fault of its own, not of its parts.
            at = np.flatnonzero(((frame[part] > frame[whole]) & (frame[whole] >= 0)).to_numpy(dtype=bool))
            rows = [
                f"{labels[row]}: {a} > {b}"
                for row, a, b in zip(at.tolist(), frame[part].iloc[at], frame[whole].iloc[at], strict=True)
            ]
            if rows:
                faults.append(f'"{part}" is above "{whole}", of which it is a part, in {len(rows)} rows: {some(rows)}')
    return faults


def _check_shapes(frame: Any, role: Role, labels: Sequence[str], layer: str, strict: bool) -> tuple[Any, list[str]]:
    """Return the geometry in canonical form, and its faults."""
    found = np.asarray(frame.geometry.array, dtype=object)
    faults, void = geometry_checks.empty_faults(found, labels)
    faults += geometry_checks.kind_faults(found, labels, role)
    if len(found) and not void.all() and not geometry_checks.crs_faults(frame.crs):
        kept = labels if not void.any() else [labels[row] for row in np.flatnonzero(~void).tolist()]
        faults += _place_faults(found[~void], kept, frame.crs, layer, strict)
    if faults or frame.crs is None or not len(found):
        return found, faults
    found, lost = geometry_checks.mend_polygons(found, labels, frame.crs, layer)
    return (found, lost) if lost else (geometry_checks.simple_shapes(found, role, layer, labels), [])


def _place_faults(found: Any, labels: Sequence[str], crs: Any, layer: str, strict: bool) -> list[str]:
    """Find what is wrong with where the rows lie; what is doubtful is told, or a fault when *strict*."""
    corners = shapely.bounds(found)
    faults, doubts = extent_faults(found, corners, labels, crs)
    if not faults:
        datum = datums.datum_doubt(crs, *middle_place(crs, corners), strict=strict)
        doubts += [datum] if datum else []
    if strict:
        return faults + doubts
    for doubt in doubts:
        logger.warning("%s: %s", layer, doubt)
    return faults
