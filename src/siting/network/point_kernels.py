"""Compiled loops over points and vertices: the Hilbert curve, points that are one, turns of a line's heights."""

from __future__ import annotations

import numpy as np

from siting.compiled import compiled


@compiled
def hilbert(x, y, level):
    """Position of each point on the Hilbert curve of *level* over their square [1]_; coordinates are finite.

    References
    ----------
    .. [1] D. Hilbert, "Über die stetige Abbildung einer Linie auf ein Flächenstück", Mathematische Annalen 38, 1891.
    """
    n = x.size
    out = np.empty(n, np.uint64)
    west, south = x.min(), y.min()
    side = max(x.max() - west, y.max() - south)
    scale = ((1 << level) - 1) / side if side > 0 else 0.0
    for i in range(n):
        px = np.int64((x[i] - west) * scale)
        py = np.int64((y[i] - south) * scale)
        d, turned, swapped = np.int64(0), np.int64(0), np.int64(0)
        for k in range(level - 1, -1, -1):
            bx, by = (px >> k) & 1, (py >> k) & 1
            other = (bx ^ by) & swapped
            rx, ry = bx ^ other ^ turned, by ^ other ^ turned
            d = d << 2 | ((3 * rx) ^ ry)
            # The quadrants at the bottom are turned, so that the curve goes on where it left the last.
            turned ^= (1 - ry) & rx
            swapped ^= 1 - ry
        out[i] = d
    return out


@compiled
def distinct(a, b):
    """Numbers of the distinct pairs of whole numbers: that of each pair, and where each stands first."""
    n = a.size
    bits = 4
    while (1 << bits) < 2 * n:
        bits += 1
    last = np.int64((1 << bits) - 1)
    table = np.full(last + 1, -1, np.int32)
    number = np.empty(n, np.int32)
    first = np.empty(n, np.int32)
    found = 0
    for i in range(n):
        at = _mixed(a[i], b[i], bits)
        while table[at] >= 0 and (a[first[table[at]]] != a[i] or b[first[table[at]]] != b[i]):
            at = (at + 1) & last
        if table[at] < 0:
            table[at] = found
            first[found] = i
            found += 1
        number[i] = table[at]
    return number, first[:found].copy()


@compiled
def _mixed(a, b, bits):
    """Slot among 2**bits for a pair of whole numbers; near pairs lie far apart."""
    h = np.uint64(a) * np.uint64(0x9E3779B97F4A7C15)
    h = (h ^ (h >> np.uint64(32)) ^ np.uint64(b)) * np.uint64(0xC2B2AE3D27D4EB4F)
    h = (h ^ (h >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15)
    return np.int64(h >> np.uint64(64 - bits))


@compiled
def root(parent, i):
    """First of the set that *i* is in, in a forest whose paths are halved on the way."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@compiled
def near(x, y, most):
    """Join points at most *most* apart, also through others: the group of each and the first point of each group."""
    n = x.size
    bits = 4
    while (1 << bits) < 2 * n:
        bits += 1
    last = np.int64((1 << bits) - 1)
    head = np.full(last + 1, -1, np.int32)
    link = np.empty(n, np.int32)
    parent = np.arange(n).astype(np.int32)
    wide = 16 * most
    square = most * most
    for i in range(n):
        mine_x, mine_y = np.int64(np.floor(x[i] / wide)), np.int64(np.floor(y[i] / wide))
        # A hair more than *most*, so that rounding does not hide a square.
        lo_x, hi_x = np.int64(np.floor((x[i] - 1.01 * most) / wide)), np.int64(np.floor((x[i] + 1.01 * most) / wide))
        lo_y, hi_y = np.int64(np.floor((y[i] - 1.01 * most) / wide)), np.int64(np.floor((y[i] + 1.01 * most) / wide))
        for cx in range(lo_x, hi_x + 1):
            for cy in range(lo_y, hi_y + 1):
                j = head[_mixed(cx, cy, bits)]  # a slot may hold points of other squares, which lie too far away
                while j >= 0:
                    if (x[j] - x[i]) ** 2 + (y[j] - y[i]) ** 2 <= square:
                        a, b = root(parent, i), root(parent, j)
                        parent[max(a, b)] = min(a, b)
                    j = link[j]
        at = _mixed(mine_x, mine_y, bits)
        link[i] = head[at]
        head[at] = i
    group = np.empty(n, np.int64)
    first = np.empty(n, np.int64)
    found = 0
    for i in range(n):  # a root is the first of its group
        if parent[i] == i:
            group[i] = found
            first[found] = i
            found += 1
        else:
            group[i] = group[root(parent, i)]
    return group, first[:found].copy()


@compiled
def turns(z, first, least):
    """List the vertices where lines turn between climbing and falling, by *least* and more either way."""
    out = np.empty(z.size, np.int64)
    found = 0
    for row in range(first.size - 1):
        start = found
        way = 0  # 1 up, -1 down, 0 not known yet
        low = high = first[row]
        for i in range(first[row], first[row + 1]):
            if not np.isfinite(z[i]):
                found = start
                break
            if z[i] > z[high]:
                high = i
            if z[i] < z[low]:
                low = i
            if way <= 0 and z[i] - z[low] >= least:
                if way < 0:
                    out[found] = low
                    found += 1
                way, high = 1, i
            elif way >= 0 and z[high] - z[i] >= least:
                if way > 0:
                    out[found] = high
                    found += 1
                way, low = -1, i
    return out[:found].copy()
