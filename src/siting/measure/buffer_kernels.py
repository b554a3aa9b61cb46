"""Loops of `siting.measure.buffers`: the outline of many overlapping convex polygons."""

from __future__ import annotations

import numpy as np

from siting.compiled import compiled

#: How a search for outlines ends.
DONE, SHORT, UNSURE = 0, 1, 2
#: Two corners or sides nearer than this, metres, cannot be ordered for certain.
NEAR = 1e-12


@compiled
def clip(ax, ay, bx, by, xy, begin, end):
    """Clip the way from a to b by the convex polygon of the corners *begin* to *end* of *xy*, counter-clockwise.

    Returns ``(unsure, low, high, entry, exit)``: shares of the way, and the sides it passes, -1 where it starts or ends
    inside; low >= high where nothing lies inside. Unsure where the way lies on a side.
    """
    low, high, entry, leave = 0.0, 1.0, -1, -1
    px, py = xy[end - 1, 0], xy[end - 1, 1]
    side = end - 1
    for k in range(begin, end):
        qx, qy = xy[k, 0], xy[k, 1]
        dx, dy = qx - px, qy - py
        at_a = dx * (ay - py) - dy * (ax - px)
        at_b = dx * (by - py) - dy * (bx - px)
        if at_a < 0 and at_b < 0:
            return False, 1.0, 0.0, -1, -1
        least = NEAR * (abs(dx) + abs(dy))
        if abs(at_a) < least and abs(at_b) < least:
            return True, 1.0, 0.0, -1, -1
        if at_a < 0:
            t = at_a / (at_a - at_b)
            if t > low:
                low, entry = t, side
        elif at_b < 0:
            t = at_a / (at_a - at_b)
            if t < high:
                high, leave = t, side
        px, py, side = qx, qy, k
    return False, low, high, entry, leave


@compiled
def grid(bounds, side, columns, starts):
    """List which boxes touch each cell: where a cell's list starts, and the boxes; cells are *side* wide, from 0."""
    for i in range(len(bounds)):
        for row in range(int(bounds[i, 1] / side), int(bounds[i, 3] / side) + 1):
            for column in range(int(bounds[i, 0] / side), int(bounds[i, 2] / side) + 1):
                starts[row * columns + column + 1] += 1
    for cell in range(len(starts) - 1):
        starts[cell + 1] += starts[cell]
    at = starts[:-1].copy()
    listed = np.empty(starts[-1], np.int32)
    for i in range(len(bounds)):
        for row in range(int(bounds[i, 1] / side), int(bounds[i, 3] / side) + 1):
            for column in range(int(bounds[i, 0] / side), int(bounds[i, 2] / side) + 1):
                cell = row * columns + column
                listed[at[cell]] = i
                at[cell] += 1
    return listed


@compiled
def outline(xy, ptr, axis, radius, inner, bounds, side, columns, starts, start, begins, ends, first):
    """Write the stretches of sides that no other polygon covers; return how it ended, and how many there are.

    Polygon ``i`` has the corners ``ptr[i]`` to ``ptr[i + 1]`` of *xy*; every place within *inner* of its *axis* lies in
    it, and none farther than *radius*. A stretch has its *start* point, the side of another polygon where it *begins*
    and where it *ends*, -1 for a corner of its own; those of side ``j`` are ``first[j]`` to ``first[j + 1]``.
    """
    n = len(ptr) - 1
    listed = grid(bounds, side, columns, starts)
    seen = np.full(n, -1, np.int32)
    near = np.empty(n, np.int32)
    low, high = np.empty(n), np.empty(n)
    entry, leave = np.empty(n, np.int64), np.empty(n, np.int64)
    m = 0
    for i in range(n):
        count = 0
        seen[i] = i
        x0, y0, x1, y1 = bounds[i, 0], bounds[i, 1], bounds[i, 2], bounds[i, 3]
        for row in range(int(bounds[i, 1] / side), int(bounds[i, 3] / side) + 1):
            for column in range(int(bounds[i, 0] / side), int(bounds[i, 2] / side) + 1):
                cell = row * columns + column
                for at in range(starts[cell], starts[cell + 1]):
                    j = listed[at]
                    if seen[j] == i:
                        continue
                    seen[j] = i
                    if bounds[j, 0] <= x1 and x0 <= bounds[j, 2] and bounds[j, 1] <= y1 and y0 <= bounds[j, 3]:
                        near[count] = j
                        count += 1
        for e in range(ptr[i], ptr[i + 1]):
            first[e] = m
            ax, ay = xy[e, 0], xy[e, 1]
            f = e + 1 if e + 1 < ptr[i + 1] else ptr[i]
            bx, by = xy[f, 0], xy[f, 1]
            mx, my = (ax + bx) / 2, (ay + by) / 2
            half = np.sqrt((bx - ax) * (bx - ax) + (by - ay) * (by - ay)) / 2
            covered = False
            many = 0
            for at in range(count):
                j = near[at]
                ux, uy = axis[j, 2] - axis[j, 0], axis[j, 3] - axis[j, 1]
                vx, vy = mx - axis[j, 0], my - axis[j, 1]
                long = ux * ux + uy * uy
                if long > 0:
                    share = min(max((ux * vx + uy * vy) / long, 0.0), 1.0)
                    vx -= share * ux
                    vy -= share * uy
                apart = vx * vx + vy * vy
                if apart > (radius[j] + half) * (radius[j] + half):
                    continue
                if half < inner[j] and apart < (inner[j] - half) * (inner[j] - half):
                    covered = True
                else:
                    unsure, lo, hi, into, out = clip(ax, ay, bx, by, xy, ptr[j], ptr[j + 1])
                    if unsure:
                        return UNSURE, m
                    if not lo < hi:
                        continue
                    covered = into < 0 and out < 0
                    if not covered:
                        low[many], high[many], entry[many], leave[many] = lo, hi, into, out
                        many += 1
                if covered:  # it may well cover the next side, too
                    near[0], near[at] = j, near[0]
                    break
            if covered:
                continue
            for k in range(1, many):  # by where they begin
                lo, hi, into, out = low[k], high[k], entry[k], leave[k]
                at = k
                while at > 0 and low[at - 1] > lo:
                    low[at], high[at], entry[at], leave[at] = low[at - 1], high[at - 1], entry[at - 1], leave[at - 1]
                    at -= 1
                low[at], high[at], entry[at], leave[at] = lo, hi, into, out
            if m + many + 1 > len(begins):
                return SHORT, m
            now, by_side = 0.0, np.int64(-1)
            for k in range(many):
                if entry[k] >= 0 and low[k] > now:
                    start[m, 0], start[m, 1] = ax + now * (bx - ax), ay + now * (by - ay)
                    begins[m], ends[m] = by_side, entry[k]
                    m += 1
                if high[k] > now:
                    now, by_side = high[k], leave[k]
                    if by_side < 0:
                        break
            if many == 0 or by_side >= 0 or now == 0.0:
                start[m, 0], start[m, 1] = ax + now * (bx - ax), ay + now * (by - ay)
                begins[m], ends[m] = by_side, -1
                m += 1
    first[ptr[n]] = m
    return DONE, m


@compiled
def rings(ptr, m, start, begins, ends, first, xy, ring):
    """Follow the stretches around each ring; return how it ended and how many; unsure without exactly one successor."""
    after = np.full(m, -1, np.int64)
    used = np.zeros(m, np.bool_)
    for i in range(len(ptr) - 1):
        for e in range(ptr[i], ptr[i + 1]):
            for s in range(first[e], first[e + 1]):
                if ends[s] < 0:
                    other, key = (e + 1 if e + 1 < ptr[i + 1] else ptr[i]), np.int64(-1)
                else:
                    other, key = ends[s], np.int64(e)
                for t in range(first[other], first[other + 1]):
                    if begins[t] == key:
                        if after[s] >= 0 or used[t]:
                            return UNSURE, 0
                        after[s] = t
                        used[t] = True
                if after[s] < 0:
                    return UNSURE, 0
    many = at = 0
    for s in range(m):
        if not used[s]:
            continue
        ring[many] = at
        many += 1
        t = s
        while used[t]:
            used[t] = False
            xy[at, 0], xy[at, 1] = start[t, 0], start[t, 1]
            at += 1
            t = after[t]
        if t != s:
            return UNSURE, 0
    ring[many] = at
    return DONE, many
