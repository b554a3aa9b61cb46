"""Compiled comparison of points that are sorted into squares."""

from __future__ import annotations

import numpy as np

from siting.network._compiled import compiled


@compiled
def overlapping(xy, free, others, theirs, ptr, item, grid, most, limit, a, b, cost):
    """List the pairs with a straight way of at most *limit* mm and of both free walks; without room only count them."""
    west, south, side, columns, rows = grid[0], grid[1], grid[2], np.int64(grid[3]), np.int64(grid[4])
    m = np.int64(0)
    for i in range(xy.shape[0]):
        px, py = xy[i, 0], xy[i, 1]
        far = min(free[i] + most, limit) / 1000.0 + 0.001
        lo_x, hi_x = (px - far - west) / side, (px + far - west) / side
        lo_y, hi_y = (py - far - south) / side, (py + far - south) / side
        if hi_x < 0 or hi_y < 0 or lo_x >= columns or lo_y >= rows:
            continue
        first, last = np.int64(max(lo_x, 0.0)), np.int64(min(hi_x, columns - 1.0))
        for row in range(np.int64(max(lo_y, 0.0)), np.int64(min(hi_y, rows - 1.0)) + 1):
            # Squares of one row follow each other.
            for k in range(ptr[row * columns + first], ptr[row * columns + last + 1]):
                j = item[k]
                dx, dy = others[j, 0] - px, others[j, 1] - py
                way = np.int64(np.rint(np.sqrt(dx * dx + dy * dy) * 1000.0))
                if way <= limit and way <= free[i] + theirs[j] and free[i] + theirs[j] > 0:
                    if m < a.size:
                        a[m], b[m], cost[m] = i, j, way
                    m += 1
    return m
