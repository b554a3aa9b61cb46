"""Checking a layer and bringing it to the canonical form of its role.

All errors of a layer are found before one `LayerError` lists them. Each check finds one kind of error; a new
kind is a new function and a line in `check_layer`: of ids in `siting.data.check_ids`, of values in
`siting.data.check_values`, of shapes in `siting.data.geometry_checks`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np

from siting.data import roles
from siting.data.check_ids import duplicate_faults, set_ids
from siting.data.check_values import Missing, Reading, read_column, subset_faults, without_unrecorded
from siting.data.column_matching import match_columns
from siting.data.combine import not_a_layer, other_geometries, with_plain_geometry
from siting.data.district_names import names_apart
from siting.data.geometry_checks import check_shapes, crs_faults, split_lines
from siting.data.mojibake import mend_mojibake, mended_choice
from siting.data.roles import Role
from siting.data.total_rows import equals_all_others, total_rows
from siting.errors import LayerError, SitingError
from siting.messages import Message

__all__ = ["Missing", "check_layer"]

logger = logging.getLogger(__name__)


def check_layer(
    frame: Any,
    role: str | Role,
    *,
    columns: Mapping[str, str] | None = None,
    missing: Missing = "raise",
    name: str | None = None,
    strict: bool = False,
    strip_units: bool = False,
) -> Any:
    """Return *frame* in the canonical form of *role*, or raise an error that lists everything wrong with it.

    Parameters
    ----------
    frame
        A GeoDataFrame; it is not changed.
    role
        Name of a role (see `list_roles`), or a `Role`.
    columns
        Your choice of columns, canonical name → name in the frame, for unknown or ambiguous names.
    missing
        For missing numbers and flags: ``"raise"``, or ``"zero"`` to count them as 0 (or no), with a warning.
    name
        Name of the layer in messages; default the role's name.
    strict
        Turn two warnings into errors: rows that may be too far from all others (see `siting.data.outliers`), and
        a datum whose shift to WGS 84 is unknown or inexact by more than 3 m.

    strip_units
        Read numbers with words around them: "120个", "1.2万", "约50", "0.5公顷", if the word is a unit that fits the
        column. What was left out is counted and logged, rounded numbers by row. Otherwise such cells are refused.

    Returns
    -------
    geopandas.GeoDataFrame
        Index ``id`` (text, unique), canonical columns first (text as str, counts as int64, numbers and shares as
        float64, flags as bool), then the other columns as they were, and ``geometry`` (valid, in the frame's CRS, 2-D
        but for streets with heights).

    Raises
    ------
    LayerError
        With all errors: columns, ids, values, geometry, coordinates that do not fit the CRS, rows far from all others.

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
        raise SitingError(Message("data.choose_missing", value=missing))
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
        raise LayerError(layer, not_a_layer(frame))
    if frame.columns.nlevels > 1:
        raise LayerError(layer, Message("column.levels"))
    frame = mend_mojibake(frame, layer)
    columns = mended_choice(columns or {}, frame.columns)
    if len(twice := frame.columns[frame.columns.duplicated()].unique()):
        raise LayerError(layer, Message("column.twice", columns=list(twice)))
    faults = crs_faults(frame.crs)
    if not len(frame):
        faults.append(Message("data.no_rows"))
    if others := other_geometries(frame):
        logger.warning(Message("column.more_geometry", columns=others).within(layer))
    out = with_plain_geometry(frame.drop(columns=others))
    out, factors, column_faults = _name_columns(out, kind, columns, layer)
    out, labels, id_faults = set_ids(out, kind.name, layer, from_column="id" in columns)
    faults += column_faults + id_faults
    totals: Any = total_rows(out, kind)
    if len(totals):  # their numbers are not errors
        rows = [
            word if labels[row] == word else Message("error.within", where=labels[row], error=word)
            for row, word in totals.items()
        ]
        faults.append(Message("data.total_rows", n=len(rows), total=len(labels), rows=rows))
        kept = np.setdiff1d(np.arange(len(out)), totals.index)
        out, labels = out.iloc[kept].copy(), [labels[row] for row in kept]
    reading = Reading(layer, labels, missing, strip_units)
    out = without_unrecorded(out, kind, reading)
    for column in kind.columns:
        if column.name != "id" and column.name in out.columns:
            factor = factors.get(column.name, 1.0)
            out[column.name], value_faults = read_column(out[column.name], column, reading, factor)
            faults += value_faults
    if not faults:
        _warn_of_totals(out, kind, labels, layer)
    faults += subset_faults(out, kind, labels)
    shapes, shape_faults = check_shapes(out, kind, labels, layer, strict)
    faults += shape_faults
    if faults:
        raise LayerError(layer, faults, partial=out)

    out = split_lines(out.set_geometry(shapes, crs=frame.crs), kind, layer)
    if faults := duplicate_faults(out.index):  # a split line may meet an id that stood there
        raise LayerError(layer, faults)
    if kind.name == "districts":
        _warn_of_shared_names(out, layer)
    ordered = [c.name for c in kind.columns if c.name in out.columns]
    others = [c for c in out.columns if c not in ordered and c != "geometry"]
    return out[[*ordered, *others, "geometry"]]


def _warn_of_totals(frame: Any, role: Role, labels: Sequence[object], layer: str) -> None:
    """Warn of a row that may be the sum of all others, such as that of the city."""
    for name in role.required:
        if role.column(name).type != "count" or (row := equals_all_others(frame[name].to_numpy(np.float64))) is None:
            continue
        called = frame["name"].iloc[row] if "name" in frame.columns else ""
        whole = f"{labels[row]}: {called}" if called else labels[row]
        said = Message("data.equals_others", column=name, row=whole, amount=f"{frame[name].iloc[row]:,}")
        logger.warning(said.within(layer))


def _warn_of_shared_names(districts: Any, layer: str) -> None:
    """Warn of districts with equal names: a row that gives only the name belongs to the one that contains it."""
    apart = names_apart(districts)
    own = districts.get("name", apart)
    shared = (apart != own) & (own != "")
    if shared.any():
        rows = [Message("error.within", where=row, error=name) for row, name in apart[shared].items()]
        logger.warning(Message("data.shared_names", n=len(rows), rows=rows).within(layer))


def _name_columns(
    frame: Any, role: Role, chosen: Mapping[str, str], layer: str
) -> tuple[Any, Mapping[str, float], list[Message]]:
    """Give the columns their canonical names; return the factors of their units, too, and the faults."""
    sources = [c for c in frame.columns if c != "geometry"]
    has_id = frame.index.name == "id" and "id" not in chosen
    faults = [Message("column.ids_twice")] if has_id and "id" in sources else []
    matching = match_columns(role, sources, chosen, has_id=has_id)
    renames, notes = dict(matching.renames), list(matching.notes)
    # A column that the user passed over must not stand under the canonical name.
    for name in set(renames.values()) & (set(sources) - set(renames)):
        renames[name] = f"{name}_source"
        notes.append(Message("column.kept_as_source", column=name))
    for note in notes:
        logger.warning(note.within(layer))
    understood = {str(old): new for old, new in matching.renames.items() if old != new}
    out = frame.rename(columns=renames)
    if understood:
        logger.info("%s: columns understood: %s", layer, ", ".join(f"{a} as {b}" for a, b in understood.items()))
        out.attrs["understood"] = {**frame.attrs.get("understood", {}), **understood}
    if matching.cut:
        out.attrs["cut"] = list(map(str, matching.cut))
    merged = frame.attrs.get("merged", {})
    faults += matching.faults + [
        Message("column.merged", column=name, cells=merged[source])
        for source, name in matching.renames.items()
        if source in merged and role.column(name).type in ("count", "number", "share")
    ]
    return out, matching.factors, faults
