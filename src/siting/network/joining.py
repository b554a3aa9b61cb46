"""Points closer than 1 mm are one place: where the ends of lines meet."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__: list[str] = []

#: Points no farther apart than this are one place, metres: points 1 mm apart stay two.
SAME = 0.000_999

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def join_points(xy: Floats) -> tuple[Floats, Ints]:
    """Join points closer than 1 mm, and what is joined by others between.

    Parameters
    ----------
    xy
        Coordinates in metres (n, 2), finite.

    Returns
    -------
    places, place
        The places from west to east (and south to north where x is the same), each at the most western of its points;
        and the place of each point.

    Examples
    --------
    >>> places, place = join_points(np.array([[5.0, 0.0], [0.0, 0.0], [5.0005, 0.0]]))
    >>> places.tolist(), place.tolist()
    ([[0.0, 0.0], [5.0, 0.0]], [1, 0, 1])
    """
    from siting.network import _forming

    if not len(xy):
        return np.empty((0, 2)), np.empty(0, np.int64)
    x, y = xy[:, 0] + 0.0, xy[:, 1] + 0.0  # without -0.0, whose bits are not those of 0.0
    spot, first = _forming.distinct(x.view(np.int64), y.view(np.int64))
    x, y = x[first], y[first]
    order = _by_place(x, y)
    x, y = x[order], y[order]
    place, kept = _forming.near(x, y, SAME)
    of_spot = np.empty(len(order), np.int64)
    of_spot[order] = place
    return np.column_stack([x[kept], y[kept]]), of_spot[spot]


def _by_place(x: Floats, y: Floats) -> Ints:
    """Order points by x, then by y, as `numpy.lexsort` does; few have the x of another, so that one sort is enough."""
    order = np.argsort(x)
    along = x[order]
    tied = np.zeros(len(x), np.bool_)
    tied[1:] = along[1:] == along[:-1]
    tied[:-1] |= tied[1:]
    some = order[tied]
    order[tied] = some[np.lexsort((y[some], x[some]))]
    return order
