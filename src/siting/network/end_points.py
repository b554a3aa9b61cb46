"""Where the ends of lines meet: points closer than 1 mm are one place, unless one lies above the other."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from siting.messages import Message
from siting.network import point_kernels
from siting.numbers import Bools, Floats, Ints, Shapes

log = logging.getLogger(__name__)

#: Points no farther apart than this are one place, metres: points 1 mm apart stay two.
SAME = 0.000_999
#: Lines whose heights differ by more than this, metres, do not meet: a storey, or a street below a bridge.
STEP = 3.0


def join_points(xy: Floats) -> tuple[Floats, Ints]:
    """Join points closer than 1 mm, also through others: the places, from west to east, and that of each point."""
    if not len(xy):
        return np.empty((0, 2)), np.empty(0, np.int64)
    x, y = xy[:, 0] + 0.0, xy[:, 1] + 0.0  # -0.0 becomes 0.0, which has other bits
    spot, first = point_kernels.distinct(x.view(np.int64), y.view(np.int64))
    x, y = x[first], y[first]
    order = _by_place(x, y)
    x, y = x[order], y[order]
    place, kept = point_kernels.near(x, y, SAME)
    of_spot = np.empty(len(order), np.int64)
    of_spot[order] = place
    return np.column_stack([x[kept], y[kept]]), of_spot[spot]


def _by_place(x: Floats, y: Floats) -> Ints:
    """Order points by x, then by y, like `numpy.lexsort`, but faster: few points have equal x."""
    order = np.argsort(x)
    along = x[order]
    tied = np.zeros(len(x), np.bool_)
    tied[1:] = along[1:] == along[:-1]
    tied[:-1] |= tied[1:]
    some = order[tied]
    order[tied] = some[np.lexsort((y[some], x[some]))]
    return order


def of_vertices(lines: Shapes) -> Floats:
    """Return the height of each vertex, line after line; NaN where a line has none."""
    return np.asarray(shapely.get_coordinates(lines, include_z=True)[:, 2])


def by_level(xy: Floats, place: Ints, z: Floats, names: pd.Index) -> tuple[Floats, Ints]:
    """Separate ends at one place more than `STEP` above each other, with a warning; those without height lie lowest."""
    known = np.isfinite(z)
    low, high = np.full(len(xy), np.inf), np.full(len(xy), -np.inf)
    np.minimum.at(low, place[known], z[known])
    np.maximum.at(high, place[known], z[known])
    ends = np.flatnonzero((high - low > STEP)[place])
    ends = ends[np.lexsort((z[ends], place[ends]))]  # those without a height come last at each place
    if not len(ends):
        return xy, place
    at = place[ends]
    opens = run_starts(at)
    gap = np.append(0.0, np.diff(z[ends])) > STEP
    upper = ~opens & gap
    # How many steps lie below each end at its own place.
    floor = np.cumsum(upper) - np.cumsum(upper)[opens][np.cumsum(opens) - 1]
    floor = np.where(known[ends], floor, 0)
    above = floor > 0
    if not above.any():
        return xy, place
    fresh = np.cumsum(upper) - 1
    place = place.copy()
    place[ends[above]] = len(xy) + fresh[above]
    rows = names[np.unique(ends[above] % len(names))]
    log.warning(Message("length.ends_above", n=int(above.sum()), metres=STEP, rows=rows).within("streets"))
    return np.concatenate([xy, xy[at[upper]]]), place


def run_starts(keys: npt.NDArray[Any]) -> Bools:
    """Mark where a run of equal keys begins."""
    new = np.ones(len(keys), np.bool_)
    new[1:] = keys[1:] != keys[:-1]
    return new
