"""Compiled comparison of points that are sorted into squares."""

from __future__ import annotations

import numpy as np

from siting.compiled import compiled


@compiled
def sort(xy, free, low, high, side):
    """Sort points with *low* < *free* <= *high* into squares: pointers, points, places, free walks, and the grid."""
    n, west, south, east, north = 0, np.inf, np.inf, -np.inf, -np.inf
    for i in range(free.size):
        if low < free[i] <= high:
            n += 1
            west, east = min(west, xy[i, 0]), max(east, xy[i, 0])
            south, north = min(south, xy[i, 1]), max(north, xy[i, 1])
    if n == 0:
        west = south = east = north = 0.0
    wide, tall = east - west, north - south
    side = max(side, np.sqrt(max(wide, 1.0) * max(tall, 1.0) / (4 * n + 64)), wide / 4096, tall / 4096)
    columns, rows = np.int64(wide / side) + 1, np.int64(tall / side) + 1
    ptr = np.zeros(columns * rows + 1, np.int64)
    cell = np.empty(n, np.int64)
    k = 0
    for i in range(free.size):
        if low < free[i] <= high:
            cell[k] = np.int64((xy[i, 1] - south) / side) * columns + np.int64((xy[i, 0] - west) / side)
            ptr[cell[k] + 1] += 1
            k += 1
    for c in range(columns * rows):
        ptr[c + 1] += ptr[c]
    at = ptr[:-1].copy()
    item, place, reach = np.empty(n, np.int64), np.empty((n, 2)), np.empty(n, np.int64)
    k = 0
    for i in range(free.size):
        if low < free[i] <= high:
            j = at[cell[k]]
            at[cell[k]] += 1
            item[j], place[j, 0], place[j, 1], reach[j] = i, xy[i, 0], xy[i, 1], free[i]
            k += 1
    return ptr, item, place, reach, np.array([west, south, side, np.float64(columns), np.float64(rows)])


@compiled
def overlapping(xy, free, squares, limit, a, b, cost):
    """List the pairs with a straight way within *limit* mm and both free walks; without room only count them."""
    ptr, item, place, reach, grid = squares
    west, south, side, columns, rows = grid[0], grid[1], grid[2], np.int64(grid[3]), np.int64(grid[4])
    m = np.int64(0)
    most = np.int64(0)
    for j in range(reach.size):
        most = max(most, reach[j])
    if reach.size == 0:
        return m
    for i in range(xy.shape[0]):
        if free[i] + most <= 0:
            continue
        px, py = xy[i, 0], xy[i, 1]
        far = min(free[i] + most, limit) / 1000.0 + 0.001
        lo_x, hi_x = (px - far - west) / side, (px + far - west) / side
        lo_y, hi_y = (py - far - south) / side, (py + far - south) / side
        if hi_x < 0 or hi_y < 0 or lo_x >= columns or lo_y >= rows:
            continue
        first, last = np.int64(max(lo_x, 0.0)), np.int64(min(hi_x, columns - 1.0))
        for row in range(np.int64(max(lo_y, 0.0)), np.int64(min(hi_y, rows - 1.0)) + 1):
            # Squares of one row follow each other.
            for j in range(ptr[row * columns + first], ptr[row * columns + last + 1]):
                dx, dy = place[j, 0] - px, place[j, 1] - py
                square, both = dx * dx + dy * dy, (free[i] + reach[j]) / 1000.0 + 0.001
                if square > both * both:
                    continue
                way = np.int64(np.rint(np.sqrt(square) * 1000.0))
                if way <= limit and way <= free[i] + reach[j] and free[i] + reach[j] > 0:
                    if m < a.size:
                        a[m], b[m], cost[m] = i, item[j], way
                    m += 1
    return m
