"""Where the rows of a layer lie: the bulk of them, and the rows that lie far from it.

Rows whose boxes come within one cell (50 km) of each other, by steps from row to row, form a group; the largest group
is the bulk. A row outside it is judged by its distance to the box around the bulk, beside the diagonal of that box:

======== ===================================== ========================================================================
Verdict  Distance                              Rows
======== ===================================== ========================================================================
certain  > 200 km and > twice the diagonal     a group of at most 3 rows or 1 %, and the bulk is more than half
doubtful > 200 km and > twice the diagonal     the same, and the bulk is just half
doubtful > 50 km and > the diagonal            the same, and the bulk is two thirds or more
doubtful > 1,000 km and > twice the diagonal   all others
certain  any                                   degrees at 0, 0, where no land lies, unless the bulk lies there too
======== ===================================== ========================================================================

So two towns, a line of villages, islands off a long coast and a few far facilities pass, and a typing error does not.
The bulk is counted, not averaged: no single row moves it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS, Proj
from pyproj.exceptions import ProjError

__all__: list[str] = []

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

#: Side of a cell, and the gaps from which a row is doubtful, certain, and doubtful in any company, metres.
CELL, DOUBTFUL, CERTAIN, APART = 50_000.0, 50_000.0, 200_000.0, 1_000_000.0
#: A degree of latitude on the mean sphere of the earth, metres.
DEGREE = 111_195.0
#: How near to 0, 0 no place is meant, degrees.
NOWHERE = 0.001
#: Rows that are looked at where a sample does, such as for a centre.
SAMPLE = 20_000
#: Coordinates beyond this, metres from the middle, are no places on the earth and are cut there.
ENDLESS = 5e7


@dataclass(frozen=True, eq=False)
class Strays:
    """Rows that lie far from all others: marks for each row, and metres from each to the bulk."""

    certain: Mask
    doubtful: Mask
    gap: Floats

    @property
    def any(self) -> Mask:
        """Rows of either sort."""
        return self.certain | self.doubtful


def sample(shapes: Any) -> Any:
    """Return every row, or of many rows some that are evenly spread over the table."""
    return shapes[:: -(-len(shapes) // SAMPLE)] if len(shapes) else shapes


def boxes(shapes: Any) -> Floats:
    """Return west, south, east, north of each shape that has a place."""
    found: Floats = shapely.bounds(shapes)
    return found[np.isfinite(found).all(axis=1)]


def median(values: Floats, weights: Floats | None = None) -> float:
    """Return the weighted median: half the weight lies at it or below, half at it or above.

    Examples
    --------
    >>> median(np.array([0.0, 119.0, 120.0])), median(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    (119.0, 1.5)
    """
    order = np.argsort(values, kind="stable")
    weight = np.ones(len(values)) if weights is None else weights[order]
    total = np.cumsum(weight)
    low = int(np.searchsorted(total, total[-1] / 2))
    high = int(np.searchsorted(total, total[-1] / 2, side="right"))
    return float(values[order[low]] + values[order[min(high, len(values) - 1)]]) / 2


def around(lon: Floats) -> float:
    """Return a longitude amid *lon*, also where these lie on both sides of the date line."""
    angle = np.radians(lon)
    return float(np.degrees(np.arctan2(np.median(np.sin(angle)), np.median(np.cos(angle)))))


def turned(lon: Any, middle: float) -> Any:
    """Return longitudes as they lie east (above) or west (below) of *middle*, within half a turn."""
    return (lon - middle + 180.0) % 360.0 - 180.0


@cache
def projection(crs: CRS) -> Proj:
    """Return the projection of *crs*, from and to degrees of its own datum."""
    return Proj(crs)


def place_of(crs: CRS, corners: Floats) -> tuple[float, float]:
    """Return longitude and latitude of the middle of most rows."""
    some_rows = corners[:: -(-len(corners) // SAMPLE)]
    x, y = (float(np.median(some_rows[:, [k, k + 2]])) for k in (0, 1))
    lon, lat = (x, y) if crs.is_geographic else projection(crs)(x, y, inverse=True)
    return (lon, lat) if np.isfinite([lon, lat]).all() and abs(lat) <= 90 else (0.0, 0.0)


def strays(corners: Floats, crs: CRS, *, lines: bool = False) -> Strays:
    """Find the rows that lie far from all others.

    Parameters
    ----------
    corners
        West, south, east, north of each row, finite, in *crs*.
    crs
        Geographic or projected.
    lines
        Whether the rows are lines, which are short beside the gaps: both corners of the box count, so that one vertex
        that is far off is seen. Of polygons the middle counts.
    """
    count = len(corners)
    none = np.zeros(count, np.bool_)
    nowhere = _nowhere(corners, crs)
    if count < 2:
        return Strays(nowhere, none, np.zeros(count))
    x, y = _plane(corners, crs, lines)
    if float(np.ptp(x)) + float(np.ptp(y)) < DOUBTFUL:  # one town
        return Strays(none, none, np.zeros(count))
    group, of_row, main = _groups(x, y)
    inside = group == main
    if inside.all():
        return Strays(none, none, np.zeros(count))
    west, south, east, north = x[inside].min(), y[inside].min(), x[inside].max(), y[inside].max()
    size = float(np.hypot(east - west, north - south))
    far = np.hypot(np.maximum(np.maximum(west - x, x - east), 0), np.maximum(np.maximum(south - y, y - north), 0))
    gap = far.max(axis=0)
    # A row belongs to the group of the corner that lies farther off.
    place = np.where(far.argmax(axis=0) == 0, group[0], group[-1])
    few = of_row[place] <= max(3.0, 0.01 * count)
    bulk = of_row[main] / count
    few &= of_row[place] < of_row[main]
    great = gap > max(CERTAIN, 2 * size)
    certain = great & few & (bulk > 0.5)
    doubtful = (great & few & (bulk >= 0.5)) | ((gap > max(DOUBTFUL, size)) & few & (bulk >= 2 / 3))
    doubtful |= gap > max(APART, 2 * size)
    certain |= nowhere & (gap > 0)
    return Strays(certain, doubtful & ~certain, gap)


def _nowhere(corners: Floats, crs: CRS) -> Mask:
    found: Mask = (abs(corners) <= NOWHERE).all(axis=1) & crs.is_geographic
    return found


def _plane(corners: Floats, crs: CRS, lines: bool) -> tuple[Floats, Floats]:
    """Return x and y of each row in metres, near enough for gaps: one row for middles, two for the corners of lines."""
    west, south, east, north = corners.T
    x = np.stack([west, east]) if lines else ((west + east) / 2)[None]
    y = np.stack([south, north]) if lines else ((south + north) / 2)[None]
    if crs.is_geographic:
        step = x[:, :: -(-x.shape[1] // SAMPLE)].ravel()
        latitude = float(np.median(y))
        return turned(x, around(step)) * DEGREE * max(np.cos(np.radians(latitude)), 0.05), y * DEGREE
    unit = crs.axis_info[0].unit_conversion_factor if crs.axis_info else 1.0
    middle = float(np.median(x)), float(np.median(y))
    scale = unit / _scale_at(crs, *middle)
    return tuple(  # type: ignore[return-value]
        np.clip((values - at) * scale, -ENDLESS, ENDLESS) for values, at in zip((x, y), middle, strict=True)
    )


def _scale_at(crs: CRS, x: float, y: float) -> float:
    """Return how many metres of *crs* are a metre on the ground; 1 where that cannot be told."""
    try:
        lon, lat = projection(crs)(x, y, inverse=True)
        scale = float(projection(crs).get_factors(lon, lat).areal_scale) ** 0.5
    except ProjError:
        return 1.0
    return scale if np.isfinite(scale) and scale > 0 else 1.0


def _groups(x: Floats, y: Floats) -> tuple[npt.NDArray[np.intp], Floats, int]:
    """Put points into groups: the group of each, the rows with a point in each group, and the largest."""
    from scipy.ndimage import label

    column = ((x - x.min()) / CELL).astype(np.intp)
    line = ((y - y.min()) / CELL).astype(np.intp)
    shape = int(line.max()) + 1, int(column.max()) + 1
    cell = line * shape[1] + column
    taken = np.bincount(cell.ravel(), minlength=shape[0] * shape[1]).reshape(shape) > 0
    marks, number = label(taken, structure=np.ones((3, 3)))
    group = marks.ravel()[cell].astype(np.intp)
    rows = np.bincount(group[0], minlength=number + 1).astype(float)
    if len(group) > 1:
        rows += np.bincount(group[1][group[1] != group[0]], minlength=number + 1)
    return group, rows, int(rows.argmax())


def stray_faults(
    corners: Floats, labels: Sequence[object], crs: CRS, *, lines: bool = False
) -> tuple[list[str], list[str]]:
    """Say which rows lie far from all others: what is certain, and what is doubtful."""
    found = strays(corners, crs, lines=lines)
    told: list[list[str]] = []
    for mask, remedy in (
        (found.certain, "correct their coordinates or take them out"),
        (found.doubtful, "look whether they are meant to lie there"),
    ):
        at = np.flatnonzero(mask)
        if not len(at):
            told.append([])
            continue
        at = at[np.argsort(-found.gap[at], kind="stable")]
        bulk = corners[~found.any]
        listed = ", ".join(_one(labels[row], corners[row], found.gap[row], bulk, crs) for row in at[:5])
        more = f" and {len(at) - 5} more" if len(at) > 5 else ""
        told.append([f"{len(at)} of {len(corners)} rows lie far from all others: {listed}{more}; {remedy}"])
    return told[0], told[1]


def _one(label: object, corner: Floats, gap: float, bulk: Floats, crs: CRS) -> str:
    """Write one row with its place, its distance, and what may have gone wrong with it."""
    x, y = (corner[0] + corner[2]) / 2, (corner[1] + corner[3]) / 2
    far = f", {gap / 1000:,.0f} km off" if gap else ""
    return f'"{label}" (at {x:.10g}, {y:.10g}{far}{_guess(x, y, bulk, crs)})'


def _guess(x: float, y: float, bulk: Floats, crs: CRS) -> str:
    """Guess at the slip of a row: what would bring it to the others."""
    if crs.is_geographic and abs(x) <= NOWHERE and abs(y) <= NOWHERE:
        return ", which stands for no place"
    if not len(bulk):
        return ""
    west, south = bulk[:, :2].min(axis=0)
    east, north = bulk[:, 2:].max(axis=0)
    slack = 0.5 if crs.is_geographic else 50_000.0

    def near(x: float, y: float) -> bool:
        return bool(west - slack <= x <= east + slack and south - slack <= y <= north + slack)

    if near(y, x):
        return ", x and y swapped?"
    if near(-x, y) or near(x, -y) or near(-x, -y):
        return ", a wrong sign?"
    powers = (0.001, 0.01, 0.1, 1, 10, 100, 1000)
    if any(near(x * a, y * b) for a in powers for b in powers):
        return ", a slipped decimal point?"
    return ""
