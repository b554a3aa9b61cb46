"""Where the rows of a layer lie: the bulk of them, and the rows that lie far from it.

Rows that lie in cells of 25 km that touch form a group; the largest group is the bulk. Where it holds less than half of
the rows, as of a layer with one row for each county, the cells are doubled until it does. A row outside the bulk is
judged by its distance to the box around it, beside the diagonal of that box:

======== ===================================== ========================================================================
Verdict  Distance                              Rows
======== ===================================== ========================================================================
certain  > 200 km and > twice the diagonal     a group of at most 3 rows or 1 %, and the bulk is more than half
doubtful > 200 km and > twice the diagonal     the same, and the bulk is just half
doubtful > 50 km and > the diagonal            the same, the bulk is two thirds or more, of 8 rows or more
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
import shapely
from pyproj import CRS, Proj
from pyproj.exceptions import ProjError

from siting.numbers import Bools, Floats, Positions

__all__: list[str] = []


#: Side of a cell, and the gaps from which a row is doubtful, certain, and doubtful in any company, metres.
CELL, DOUBTFUL, CERTAIN, APART = 25_000.0, 50_000.0, 200_000.0, 1_000_000.0
#: Rows of a layer from which the least gap is told.
MANY = 8
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

    certain: Bools
    doubtful: Bools
    gap: Floats

    @property
    def any(self) -> Bools:
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


def degrees(frame: Any) -> Floats:
    """Return west, south, east, north in degrees of some rows that are no strays."""
    shapes = sample(np.asarray(frame.geometry.array, dtype=object))
    corners = boxes(shapes)
    if not len(corners):
        return corners
    kept = corners[~strays(corners, frame.crs, lines=shapely.get_dimensions(shapes[0]) == 1).any]
    corners = kept if len(kept) else corners
    if not frame.crs.is_geographic:
        x, y = projection(frame.crs)(corners[:, [0, 2]].ravel(), corners[:, [1, 3]].ravel(), inverse=True)
        corners = np.column_stack([np.reshape(x, (-1, 2)), np.reshape(y, (-1, 2))])[:, [0, 2, 1, 3]]
    found: Floats = corners[(np.isfinite(corners) & (abs(corners) <= (360, 90, 360, 90))).all(axis=1)]
    return found


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
    x, y, row = _plane(corners, crs, lines)
    if float(np.ptp(x)) + float(np.ptp(y)) < DOUBTFUL:  # one town
        return Strays(none, none, np.zeros(count))
    group, of_row, main = _bulk(x, y, row, nowhere)
    inside = group == main
    if inside.all():
        return Strays(none, none, np.zeros(count))
    west, south, east, north = x[inside].min(), y[inside].min(), x[inside].max(), y[inside].max()
    size = float(np.hypot(east - west, north - south))
    far = np.hypot(np.maximum(np.maximum(west - x, x - east), 0), np.maximum(np.maximum(south - y, y - north), 0))
    gap, place = far[:count].copy(), group[:count].copy()
    # A long line belongs to the group of its end that lies farther off.
    other = np.flatnonzero(far[count:] > gap[row[count:]])
    gap[row[count + other]], place[row[count + other]] = far[count + other], group[count + other]
    few = of_row[place] <= max(3.0, 0.01 * count)
    bulk = of_row[main] / count
    few &= of_row[place] < of_row[main]
    great = gap > max(CERTAIN, 2 * size)
    certain = great & few & (bulk > 0.5)
    doubtful = (great & few & (bulk >= 0.5)) | ((gap > max(DOUBTFUL, size)) & few & (bulk >= 2 / 3) & (count >= MANY))
    apart = gap > max(APART, 2 * size)
    if (of_row[place[apart]] == of_row[main]).any():  # none is the bulk
        apart |= place == main
    doubtful |= apart
    certain |= nowhere & (gap > 0)
    return Strays(certain, doubtful & ~certain, gap)


def _nowhere(corners: Floats, crs: CRS) -> Bools:
    if not crs.is_geographic:
        return np.zeros(len(corners), np.bool_)
    found: Bools = abs(corners[:, 0]) <= NOWHERE
    for side in (1, 2, 3):
        found &= abs(corners[:, side]) <= NOWHERE
    return found


def _plane(corners: Floats, crs: CRS, lines: bool) -> tuple[Floats, Floats, Positions]:
    """Return places in metres, near enough for gaps, and the row of each.

    The first are one for each row, in their order: its middle, or of a long line one corner of its box. The other
    corners of long lines follow.
    """
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
        return turned(x, around(x[::step])) * (DEGREE * scale), y * DEGREE, row
    unit = crs.axis_info[0].unit_conversion_factor if crs.axis_info else 1.0
    middle = float(np.median(x[::step])), float(np.median(y[::step]))
    scale = unit / _scale_at(crs, *middle)
    if np.ptp(x) > ENDLESS or np.ptp(y) > ENDLESS:
        x, y = (np.clip(values, at - ENDLESS, at + ENDLESS) for values, at in zip((x, y), middle, strict=True))
    return (x, y, row) if abs(scale - 1) < 0.01 else (x * scale, y * scale, row)


def _scale_at(crs: CRS, x: float, y: float) -> float:
    """Return how many metres of *crs* are a metre on the ground; 1 where that cannot be told."""
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
    """Put places into groups that lie in touching cells: the group of each, and how many there are."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import KDTree

    column = ((x - x.min()) / side).astype(np.int32)
    line = ((y - y.min()) / side).astype(np.int32)
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
