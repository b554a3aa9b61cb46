"""Outliers: rows of a layer far from the bulk.

Rows in touching cells of 25 km form a group; the largest group is the bulk. If it has less than half of the rows, as
in a layer with one row for each county, the cells are doubled until it does. A row outside the bulk is judged by its
distance to the box around the bulk, and by the diagonal of that box:

======== ===================================== ========================================================================
Verdict  Distance                              Rows
======== ===================================== ========================================================================
certain  > 200 km and > twice the diagonal     a group of at most 3 rows or 1 %, and the bulk is more than half
doubtful > 200 km and > twice the diagonal     the same, and the bulk is just half
doubtful > 50 km and > the diagonal            the same, the bulk is two thirds or more, of 8 rows or more
doubtful > 1,000 km and > twice the diagonal   all others
certain  any                                   degrees at 0, 0, where no land lies, unless the bulk lies there too
======== ===================================== ========================================================================

Two towns, a line of villages, islands off a long coast and a few far facilities pass, a typing error does not.
The bulk is a count, not an average: no single row shifts it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from pyproj import CRS
from pyproj.exceptions import ProjError

from siting.data.extent import DEGREE, SAMPLE, boxes, middle_longitude, projection, relative_longitude, sample
from siting.messages import Message
from siting.numbers import Bools, Floats, Positions

#: Side of a cell, and the distances from which a row is doubtful, certain, and doubtful in a group of any size, metres.
CELL, DOUBTFUL, CERTAIN, APART = 25_000.0, 50_000.0, 200_000.0, 1_000_000.0
#: Rows of a layer from which distances above `DOUBTFUL` count.
MANY = 8
#: Rows this near to 0, 0, degrees, have no real location.
NOWHERE = 0.001
#: Coordinates beyond this, metres from the middle, are not on the earth and are clipped.
ENDLESS = 5e7


@dataclass(frozen=True, eq=False)
class Outliers:
    """Rows far from all others: marks for each row, and metres from each to the bulk."""

    certain: Bools
    doubtful: Bools
    distance: Floats

    @property
    def any(self) -> Bools:
        """Rows of either sort."""
        return self.certain | self.doubtful


def usual_boxes(frame: Any) -> Floats:
    """Return the boxes of a sample of shapes of a layer, without outliers."""
    shapes = sample(np.asarray(frame.geometry.array, dtype=object))
    corners = boxes(shapes)
    if frame.crs.is_geographic:
        corners = corners[(abs(corners) <= (360, 90, 360, 90)).all(axis=1)]
    if not len(corners):
        return corners
    usual = corners[~find_outliers(corners, frame.crs, lines=shapely.get_dimensions(shapes[0]) == 1).any]
    return usual if len(usual) else corners


def degree_boxes(frame: Any) -> Floats:
    """Return west, south, east, north in degrees of some rows that are no outliers."""
    corners = usual_boxes(frame)
    if len(corners) and not frame.crs.is_geographic:
        x, y = projection(frame.crs)(corners[:, [0, 2]].ravel(), corners[:, [1, 3]].ravel(), inverse=True)
        corners = np.column_stack([np.reshape(x, (-1, 2)), np.reshape(y, (-1, 2))])[:, [0, 2, 1, 3]]
    on_earth: Floats = corners[(np.isfinite(corners) & (abs(corners) <= (360, 90, 360, 90))).all(axis=1)]
    return on_earth


def find_outliers(corners: Floats, crs: CRS, *, lines: bool = False) -> Outliers:
    """Find the rows far from all others, by the middle of the box of each, or of *lines* by both corners."""
    count = len(corners)
    none = np.zeros(count, np.bool_)
    nowhere = np.asarray((abs(corners) <= NOWHERE).all(axis=1) & crs.is_geographic, np.bool_)
    if count < 2:
        return Outliers(nowhere, none, np.zeros(count))
    x, y, row = _plane(corners, crs, lines)
    if float(np.ptp(x)) + float(np.ptp(y)) < DOUBTFUL:  # one town
        return Outliers(none, none, np.zeros(count))
    group, group_rows, main = _bulk(x, y, row, nowhere)
    inside = group == main
    if inside.all():
        return Outliers(none, none, np.zeros(count))
    west, south, east, north = x[inside].min(), y[inside].min(), x[inside].max(), y[inside].max()
    diagonal = float(np.hypot(east - west, north - south))
    far = np.hypot(np.maximum(np.maximum(west - x, x - east), 0), np.maximum(np.maximum(south - y, y - north), 0))
    distance, of_row = far[:count].copy(), group[:count].copy()
    # A long line belongs to the group of its end that lies farther off.
    other = np.flatnonzero(far[count:] > distance[row[count:]])
    distance[row[count + other]], of_row[row[count + other]] = far[count + other], group[count + other]
    few = (group_rows[of_row] <= max(3.0, 0.01 * count)) & (group_rows[of_row] < group_rows[main])
    bulk = group_rows[main] / count
    great = distance > max(CERTAIN, 2 * diagonal)
    certain = (great & few & (bulk > 0.5)) | (nowhere & (distance > 0))
    medium = (distance > max(DOUBTFUL, diagonal)) & (bulk >= 2 / 3) & (count >= MANY)
    apart = distance > max(APART, 2 * diagonal)
    if (group_rows[of_row[apart]] == group_rows[main]).any():  # none is the bulk
        apart |= of_row == main
    doubtful = few & ((great & (bulk >= 0.5)) | medium) | apart
    return Outliers(certain, doubtful & ~certain, distance)


def _plane(corners: Floats, crs: CRS, lines: bool) -> tuple[Floats, Floats, Positions]:
    """Return places in metres and their rows: the middle or a corner of each, then the other corners of long lines."""
    west, south, east, north = corners.T
    x, y, row = (west + east) / 2, (south + north) / 2, np.arange(len(corners))
    if lines:
        least = CELL / 5 / (DEGREE if crs.is_geographic else 1.0)
        long = np.flatnonzero((east - west > least) | (north - south > least))
        x[long], y[long], row = west[long], south[long], np.append(row, long)
        x, y = np.append(x, east[long]), np.append(y, north[long])
    step = -(-len(corners) // SAMPLE)
    if crs.is_geographic:
        scale = max(float(np.cos(np.radians(np.median(y[::step])))), 0.05)
        return relative_longitude(x, middle_longitude(x[::step])) * (DEGREE * scale), y * DEGREE, row
    unit = crs.axis_info[0].unit_conversion_factor if crs.axis_info else 1.0
    middle = float(np.median(x[::step])), float(np.median(y[::step]))
    scale = unit / _scale_at(crs, *middle)
    if np.ptp(x) > ENDLESS or np.ptp(y) > ENDLESS:
        x, y = (np.clip(values, at - ENDLESS, at + ENDLESS) for values, at in zip((x, y), middle, strict=True))
    return (x, y, row) if abs(scale - 1) < 0.01 else (x * scale, y * scale, row)


def _scale_at(crs: CRS, x: float, y: float) -> float:
    """Return the metres of *crs* per metre on the ground; 1 if unknown."""
    try:
        lon, lat = projection(crs)(x, y, inverse=True)
        scale = float(projection(crs).get_factors(lon, lat).areal_scale) ** 0.5
    except ProjError:
        return 1.0
    return scale if np.isfinite(scale) and scale > 0 else 1.0


def _bulk(x: Floats, y: Floats, row: Positions, nowhere: Bools) -> tuple[Positions, Floats, int]:
    """Put places into groups: the group of each, the rows with a place in each group, and the one of most rows."""
    cell = CELL
    counts = nowhere if nowhere.all() else ~nowhere
    while True:
        group, number = _groups(x, y, cell)
        first, more = group[: len(nowhere)], group[len(nowhere) :]
        rows = np.bincount(first if counts.all() else first[counts], minlength=number)
        rows = rows + np.bincount(more[more != first[row[len(nowhere) :]]], minlength=number)
        main = int(rows.argmax())
        if 2 * rows[main] >= counts.sum() or cell > APART:
            return group, rows.astype(float), main
        cell *= 2


def _groups(x: Floats, y: Floats, side: float) -> tuple[Positions, int]:
    """Group places in touching cells: the group of each, and the number of groups."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import KDTree

    column, line = (((values - values.min()) / side).astype(np.int32) for values in (x, y))
    wide = int(column.max()) + 1
    cell = line * np.int32(wide) + column
    taken = np.flatnonzero(np.bincount(cell))
    # Cells that touch, also by a corner, belong together.
    near = KDTree(np.column_stack(np.divmod(taken, wide))).query_pairs(1.0, p=np.inf, output_type="ndarray")
    number, marks = connected_components(
        coo_array((np.ones(len(near), np.int8), near.T), shape=(len(taken), len(taken))), directed=False
    )
    of_cell = np.zeros(int(taken[-1]) + 1, np.intp)
    of_cell[taken] = marks
    return of_cell[cell], int(number)


def outlier_faults(
    corners: Floats, labels: Sequence[object], crs: CRS, *, lines: bool = False
) -> tuple[list[Message], list[Message]]:
    """List the rows far from all others: certain and doubtful ones."""
    outliers = find_outliers(corners, crs, lines=lines)
    bulk = corners[~outliers.any]

    def listed(mask: Bools) -> dict[str, Any]:
        at = np.flatnonzero(mask)
        at = at[np.argsort(-outliers.distance[at], kind="stable")]
        rows = [_row(labels[row], corners[row], outliers.distance[row], bulk, crs) for row in at.tolist()]
        return {"n": len(at), "total": len(corners), "rows": rows}

    return (
        [Message("place.far_certain", **listed(outliers.certain))] if outliers.certain.any() else [],
        [Message("place.far_doubtful", **listed(outliers.doubtful))] if outliers.doubtful.any() else [],
    )


def _row(label: object, corner: Floats, distance: float, bulk: Floats, crs: CRS) -> Message:
    """Write one row with its place, its distance, and the likely error."""
    x, y = (corner[0] + corner[2]) / 2, (corner[1] + corner[3]) / 2
    far = Message("place.far_km", km=distance / 1000) if distance else ""
    return Message("place.far_row", label=label, x=x, y=y, km=far, slip=_likely_slip(x, y, bulk, crs))


def _likely_slip(x: float, y: float, bulk: Floats, crs: CRS) -> Message | str:
    """Guess the error of a row: a change that brings it to the others."""
    if crs.is_geographic and abs(x) <= NOWHERE and abs(y) <= NOWHERE:
        return Message("place.slip_nowhere")
    if not len(bulk):
        return ""
    west, south = bulk[:, :2].min(axis=0)
    east, north = bulk[:, 2:].max(axis=0)
    slack = 0.5 if crs.is_geographic else 50_000.0

    def near(x: float, y: float) -> bool:
        return bool(west - slack <= x <= east + slack and south - slack <= y <= north + slack)

    if near(y, x):
        return Message("place.slip_swapped")
    if near(-x, y) or near(x, -y) or near(-x, -y):
        return Message("place.slip_sign")
    powers = (0.001, 0.01, 0.1, 1, 10, 100, 1000)
    slipped = any(near(x * a, y * b) for a in powers for b in powers)
    return Message("place.slip_point") if slipped else ""
