"""Distances that a search bisects: those that differ by rounding errors count once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from siting.numbers import Floats

__all__ = ["SAME", "distinct", "place_of"]

#: Two distances that differ by less than this share are one.
SAME = 1e-9


def distinct(distances: npt.ArrayLike, *, shortest: bool = False) -> Floats:
    """Sort distances; those within the tolerance of one count once, as the longest or *shortest* of them."""
    values = np.unique(np.asarray(distances, float))
    groups: list[tuple[int, int]] = []
    near = np.flatnonzero(values[1:] <= values[:-1] * (1 + SAME))
    end = 0
    for at in near.tolist():
        if at < end:
            continue
        end = int(np.searchsorted(values, values[at] * (1 + SAME), side="right"))
        groups.append((at, end))
    keep = np.ones(len(values), bool)
    for first, end in groups:
        keep[first:end] = False
        keep[first if shortest else end - 1] = True
    return values[keep]


def place_of(levels: Floats, distance: float) -> int:
    """Return the position of a distance among distinct ones: the first that is no shorter, within the tolerance."""
    return int(np.searchsorted(levels, distance * (1 - SAME) if np.isfinite(distance) else distance))
