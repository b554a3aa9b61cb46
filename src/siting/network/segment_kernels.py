"""Compiled index of the straight parts of streets: the nearest to a point, and those that meet a box.

A packed R-tree [1]_: the parts keep the order of their streets, which lie along a Hilbert curve, so that neighbours in
memory are neighbours on the ground; every `FAN` of them share a box, every `FAN` boxes a larger one. Nothing is sorted.

References
----------
.. [1] I. Kamel and C. Faloutsos, "On packing R-trees", Proceedings of the 2nd International Conference on Information
   and Knowledge Management, 1993, pp. 490-499.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from siting.compiled import compiled

FAN = 4
#: Streets whose distances to a point differ by less are equally near, metres.
EQUAL = 1e-9
#: How near to its end a way may touch a street without crossing it, metres.
TOUCH = 0.001


class Segments(NamedTuple):
    """Part ``i`` of street ``edge[i]`` begins at vertex ``start[i]``; boxes of level ``k`` from ``level[k]`` on."""

    xy: np.ndarray
    first: np.ndarray
    start: np.ndarray
    edge: np.ndarray
    box: np.ndarray
    level: np.ndarray


@compiled
def index(xy, first):
    """Make the index of lines with the vertices ``xy[first[e]:first[e + 1]]``, at least two each."""
    m = xy.shape[0] - (first.size - 1)
    start, edge = np.empty(m, np.int64), np.empty(m, np.int32)
    k = 0
    for e in range(first.size - 1):
        for i in range(first[e], first[e + 1] - 1):
            start[k], edge[k] = i, e
            k += 1
    levels = np.zeros(40, np.int64)
    size, total, depth = m, 0, 0
    while True:
        size = (size + FAN - 1) // FAN
        total += size
        depth += 1
        levels[depth] = total
        if size <= 1:
            break
    box = np.empty((total, 4))
    for b in range(levels[1]):
        west = south = np.inf
        east = north = -np.inf
        for i in range(b * FAN, min(m, (b + 1) * FAN)):
            for j in range(start[i], start[i] + 2):
                west, east = min(west, xy[j, 0]), max(east, xy[j, 0])
                south, north = min(south, xy[j, 1]), max(north, xy[j, 1])
        box[b, 0], box[b, 1], box[b, 2], box[b, 3] = west, south, east, north
    for k in range(1, depth):
        for b in range(levels[k], levels[k + 1]):
            lo = levels[k - 1] + (b - levels[k]) * FAN
            hi = min(lo + FAN, levels[k])
            box[b] = box[lo]
            for c in range(lo + 1, hi):
                box[b, 0], box[b, 1] = min(box[b, 0], box[c, 0]), min(box[b, 1], box[c, 1])
                box[b, 2], box[b, 3] = max(box[b, 2], box[c, 2]), max(box[b, 3], box[c, 3])
    return Segments(xy, first, start, edge, box, levels[: depth + 1].copy())


@compiled
def nearest(segments, x, y, order, allowed, edge, share, away):
    """Find for points *order* the first nearest *allowed* street (-1: none), the share along it, and the distance."""
    xy, start, owner, box, level = segments.xy, segments.start, segments.edge, segments.box, segments.level
    depth = level.size - 1
    stack, floor, bound = np.empty(512, np.int64), np.empty(512, np.int64), np.empty(512)
    kid, way = np.empty(FAN, np.int64), np.empty(FAN)
    some = allowed.size > 0
    last = np.int64(-1)
    for p in order:
        px, py = x[p], y[p]
        best, root, found, part = np.inf, np.inf, np.int32(2**31 - 1), np.int64(-1)
        if last >= 0:  # what was nearest to the point before bounds the search
            best = _squared(xy, start[last], px, py)
            root = np.sqrt(best)
            found, part = owner[last], last
        stack[0], floor[0], bound[0] = level[depth] - 1, depth - 1, 0.0
        top = 1
        while top > 0:
            top -= 1
            if bound[top] > best + 2 * EQUAL * root:
                continue
            b, at = stack[top], floor[top]
            if at == 0:
                for i in range(b * FAN, min(owner.size, (b + 1) * FAN)):
                    if some and not allowed[owner[i]]:
                        continue
                    square = _squared(xy, start[i], px, py)
                    slack = 2 * EQUAL * root if part >= 0 else 0.0
                    first = owner[i] < found or (owner[i] == found and i < part)
                    if square < best - slack or (square <= best + slack and first):
                        best, root, found, part = min(best, square), np.sqrt(min(best, square)), owner[i], i
                continue
            lo = level[at - 1] + (b - level[at]) * FAN
            hi = min(lo + FAN, level[at])
            n = 0
            for c in range(lo, hi):
                dx = max(box[c, 0] - px, 0.0, px - box[c, 2])
                dy = max(box[c, 1] - py, 0.0, py - box[c, 3])
                square = dx * dx + dy * dy
                if square <= best + 2 * EQUAL * root:
                    j = n
                    while j > 0 and way[j - 1] < square:  # the nearest last, so that it is taken first
                        way[j], kid[j] = way[j - 1], kid[j - 1]
                        j -= 1
                    way[j], kid[j] = square, c
                    n += 1
            for j in range(n):
                stack[top], floor[top], bound[top] = kid[j], at - 1, way[j]
                top += 1
        if part < 0:
            edge[p], share[p], away[p] = -1, 0.0, np.inf
            continue
        last = part
        edge[p], away[p] = found, np.sqrt(_squared(xy, start[part], px, py))
        share[p] = _share(segments, found, part, px, py)


@compiled
def _squared(xy, i, px, py):
    """Squared distance from a point to the part that starts at vertex *i*."""
    ax, ay, bx, by = xy[i, 0], xy[i, 1], xy[i + 1, 0], xy[i + 1, 1]
    dx, dy = bx - ax, by - ay
    long = dx * dx + dy * dy
    t = ((px - ax) * dx + (py - ay) * dy) / long if long > 0 else 0.0
    if t <= 0:
        ex, ey = px - ax, py - ay
    elif t >= 1:
        ex, ey = px - bx, py - by
    else:
        ex, ey = px - (ax + t * dx), py - (ay + t * dy)
    return ex * ex + ey * ey


@compiled
def _share(segments, edge, part, px, py):
    """Find how far along its street the nearest point of a part is, as a share of the street's length."""
    xy, first = segments.xy, segments.first
    at = segments.start[part]
    before, whole = 0.0, 0.0
    for i in range(first[edge], first[edge + 1] - 1):
        dx, dy = xy[i + 1, 0] - xy[i, 0], xy[i + 1, 1] - xy[i, 1]
        long = np.sqrt(dx * dx + dy * dy)
        if i == at and long > 0:
            t = ((px - xy[i, 0]) * dx + (py - xy[i, 1]) * dy) / (long * long)
            before = whole + min(max(t, 0.0), 1.0) * long
        elif i == at:
            before = whole
        whole += long
    return before / whole if whole > 0 else 0.0


@compiled
def shares(segments, street, x, y):
    """Find how far along its street the nearest point to each point is, as a share of the street's length."""
    xy, first = segments.xy, segments.first
    out = np.empty(street.size)
    for p in range(street.size):
        e = street[p]
        best, nearest = np.inf, np.int64(0)
        for i in range(first[e], first[e + 1] - 1):
            square = _squared(xy, i, x[p], y[p])
            if square < best:
                best, nearest = square, i
        # Parts are numbered without the last vertex of each street before.
        out[p] = _share(segments, e, nearest - e, x[p], y[p])
    return out


@compiled
def meeting(segments, west, south, east, north, ptr, found):
    """List the streets whose parts' boxes meet each box *i*, up to ``ptr[i + 1]``; without room only count them."""
    xy, start, owner, box, level = segments.xy, segments.start, segments.edge, segments.box, segments.level
    depth = level.size - 1
    stack, floor = np.empty(512, np.int64), np.empty(512, np.int64)
    m = np.int64(0)
    for k in range(west.size):
        stack[0], floor[0] = level[depth] - 1, depth - 1
        top = 1
        last = np.int32(-1)
        while top > 0:
            top -= 1
            b, at = stack[top], floor[top]
            if box[b, 0] > east[k] or box[b, 2] < west[k] or box[b, 1] > north[k] or box[b, 3] < south[k]:
                continue
            if at > 0:
                lo = level[at - 1] + (b - level[at]) * FAN
                for c in range(lo, min(lo + FAN, level[at])):
                    stack[top], floor[top] = c, at - 1
                    top += 1
                continue
            for i in range(b * FAN, min(owner.size, (b + 1) * FAN)):
                j = start[i]
                if (
                    min(xy[j, 0], xy[j + 1, 0]) <= east[k] and max(xy[j, 0], xy[j + 1, 0]) >= west[k]
                    and min(xy[j, 1], xy[j + 1, 1]) <= north[k] and max(xy[j, 1], xy[j + 1, 1]) >= south[k]
                    and owner[i] != last
                ):  # fmt: skip
                    last = owner[i]
                    if m < found.size:
                        found[m] = last
                    m += 1
        ptr[k + 1] = m


@compiled
def crossed(segments, ax, ay, bx, by, allowed, hit):
    """Mark the lines from *a* to *b* that cross an allowed street, farther than `TOUCH` from their ends."""
    xy, start, owner, box, level = segments.xy, segments.start, segments.edge, segments.box, segments.level
    depth = level.size - 1
    stack, floor = np.empty(512, np.int64), np.empty(512, np.int64)
    for k in range(ax.size):
        hit[k] = False
        long = np.sqrt((bx[k] - ax[k]) ** 2 + (by[k] - ay[k]) ** 2)
        if long <= 2 * TOUCH:
            continue
        # Both ends are drawn in by the tolerance.
        ux, uy = (bx[k] - ax[k]) / long * TOUCH, (by[k] - ay[k]) / long * TOUCH
        px, py, qx, qy = ax[k] + ux, ay[k] + uy, bx[k] - ux, by[k] - uy
        west, east, south, north = min(px, qx), max(px, qx), min(py, qy), max(py, qy)
        stack[0], floor[0] = level[depth] - 1, depth - 1
        top = 1
        while top > 0 and not hit[k]:
            top -= 1
            b, at = stack[top], floor[top]
            if box[b, 0] > east or box[b, 2] < west or box[b, 1] > north or box[b, 3] < south:
                continue
            if at > 0:
                lo = level[at - 1] + (b - level[at]) * FAN
                for c in range(lo, min(lo + FAN, level[at])):
                    stack[top], floor[top] = c, at - 1
                    top += 1
                continue
            for i in range(b * FAN, min(owner.size, (b + 1) * FAN)):
                if allowed.size > 0 and not allowed[owner[i]]:
                    continue
                j = start[i]
                cx, cy, dx, dy = xy[j, 0], xy[j, 1], xy[j + 1, 0], xy[j + 1, 1]
                one = (qx - px) * (cy - py) - (qy - py) * (cx - px)
                two = (qx - px) * (dy - py) - (qy - py) * (dx - px)
                three = (dx - cx) * (py - cy) - (dy - cy) * (px - cx)
                four = (dx - cx) * (qy - cy) - (dy - cy) * (qx - cx)
                if one * two <= 0 and three * four <= 0 and (one != two or three != four):
                    hit[k] = True
                    break


@compiled
def approaches(segments, ptr, rim, owner, street, cost, longest, pair, at, part, away, foot):
    """List the lines from rims to streets, for each pair *owner* and *street*; without room only count them.

    Of the lines of at most *longest* those are kept that can be the first part of a shortest path.
    """
    xy, first = segments.xy, segments.first
    most = 1
    for k in range(ptr.size - 1):
        most = max(most, ptr[k + 1] - ptr[k])
    where, door, kept = np.empty(most), np.empty(most), np.empty(most, np.bool_)
    foot_x, foot_y = np.empty(most), np.empty(most)
    m = np.int64(0)
    for i in range(owner.size):
        lo, hi = ptr[owner[i]], ptr[owner[i] + 1]
        n = hi - lo
        e = street[i]
        for k in range(n):
            px, py = rim[lo + k, 0], rim[lo + k, 1]
            best, spot, so_far = np.inf, 0.0, 0.0
            for j in range(first[e], first[e + 1] - 1):
                ax, ay = xy[j, 0], xy[j, 1]
                dx, dy = xy[j + 1, 0] - ax, xy[j + 1, 1] - ay
                long = np.sqrt(dx * dx + dy * dy)
                t = ((px - ax) * dx + (py - ay) * dy) / (long * long) if long > 0 else 0.0
                t = min(max(t, 0.0), 1.0)
                square = (px - ax - t * dx) ** 2 + (py - ay - t * dy) ** 2
                if square < best:
                    best, spot = square, so_far + t * long
                    foot_x[k], foot_y[k] = ax + t * dx, ay + t * dy
                so_far += long
            where[k] = spot / so_far if so_far > 0 else 0.0
            door[k] = np.sqrt(best)
            kept[k] = door[k] <= longest
        order = np.argsort(where[:n])
        # From the left and from the right: leave out points that are as near over another.
        for turn in range(2):
            reach, last = np.inf, 0.0
            for c in range(n):
                k = order[c] if turn == 0 else order[n - 1 - c]
                if not kept[k]:
                    continue
                reach += abs(where[k] - last) * cost[i]
                last = where[k]
                if door[k] >= reach - EQUAL:
                    kept[k] = False
                else:
                    reach = door[k]
        for k in range(n):
            if kept[k]:
                if m < pair.size:
                    pair[m], at[m], part[m], away[m] = i, lo + k, where[k], door[k]
                    foot[m, 0], foot[m, 1] = foot_x[k], foot_y[k]
                m += 1
    return m
