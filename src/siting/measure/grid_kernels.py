"""Compiled loops of `PointReach`: the points of a grid within a radius."""

from __future__ import annotations

from typing import NamedTuple

from siting.compiled import compiled
from siting.numbers import Floats, Ints, Ints32


class Grid(NamedTuple):
    """Points in the order of square cells, row by row: where each cell begins, and the points with their numbers."""

    begin: Ints
    number: Ints32
    x: Floats
    y: Floats
    left: float
    bottom: float
    side: float
    across: int
    up: int


@compiled
def cells_of(place, radius, origin, side, cells):
    """Return the first and the last of a row of cells that a radius about a place meets."""
    first = min(max(int((place - radius - origin) / side), 0), cells - 1)
    return first, min(max(int((place + radius - origin) / side), 0), cells - 1)


@compiled
def count_within(grid, x, y, radius, count):
    """Count the points within the radius of each place."""
    begin, _, px, py, left, bottom, side, across, up = grid
    for i in range(x.shape[0]):
        count[i] = 0
        r = radius[i]
        if r < 0.0:
            continue
        c0, c1 = cells_of(x[i], r, left, side, across)
        l0, l1 = cells_of(y[i], r, bottom, side, up)
        most = r * r
        found = 0
        for line in range(l0, l1 + 1):
            for k in range(begin[line * across + c0], begin[line * across + c1 + 1]):
                dx = px[k] - x[i]
                dy = py[k] - y[i]
                if dx * dx + dy * dy <= most:
                    found += 1
        count[i] = found


@compiled
def list_within(grid, x, y, radius, start, found, squares):
    """List the points within the radius of each place: their numbers, and the squares of their distances."""
    begin, number, px, py, left, bottom, side, across, up = grid
    for i in range(x.shape[0]):
        r = radius[i]
        if r < 0.0:
            continue
        c0, c1 = cells_of(x[i], r, left, side, across)
        l0, l1 = cells_of(y[i], r, bottom, side, up)
        most = r * r
        t = start[i]
        for line in range(l0, l1 + 1):
            for k in range(begin[line * across + c0], begin[line * across + c1 + 1]):
                dx = px[k] - x[i]
                dy = py[k] - y[i]
                square = dx * dx + dy * dy
                if square <= most:
                    found[t] = number[k]
                    squares[t] = square
                    t += 1
