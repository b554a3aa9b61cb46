"""Lines that cross without being joined, made into lines that meet at their ends.

Streets from a drawing office run through their crossings. `split_streets` cuts them where two lines of one level meet,
or a line meets itself. One query of a spatial index lists the pairs of segments that may come within 1 mm of each
other; the rest is arithmetic on arrays. Meeting places closer than 1 mm are one, as they are in the network.
"""

from __future__ import annotations

import logging
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siting.messages import Message
from siting.network.end_points import SAME, STEP, join_points, of_vertices, run_starts
from siting.network.street_words import levels
from siting.numbers import Bools, Floats, Positions, Shapes

log = logging.getLogger(__name__)


def split_streets(streets: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Cut lines where they meet, so that they can be a network.

    Lines of one level are cut where they cross, where one ends on another, at vertices that they share, where they
    begin and cease to run on top of each other, and where a line meets itself. Lines of different levels (a bridge and
    what is below) are cut only where the end of one lies on the other: somewhere a ramp must land. What is closer than
    1 mm meets. Nothing is dropped: of two lines on top of each other both remain.

    Where both lines have heights in their coordinates, they meet only where these differ by 3 m at most, whatever their
    levels say of ends. The pieces keep the heights.

    *streets* are LineStrings in a projected CRS in metres, with a unique index. The pieces stand in their order, along
    each line, with all columns; those of "a" are "a-1", …; `split_from` names the line each comes from. Columns
    `length` and `rise` are shared out in proportion.

    Examples
    --------
    >>> lines = [shapely.LineString([(0, 50), (100, 50)]), shapely.LineString([(50, 0), (50, 100)])]
    >>> crossing = gpd.GeoDataFrame(geometry=lines, index=["a", "b"], crs="EPSG:4547")
    >>> split_streets(crossing).length.to_dict()
    {'a-1': 50.0, 'a-2': 50.0, 'b-1': 50.0, 'b-2': 50.0}
    >>> bridge = crossing.assign(bridge=["no", "yes"])
    >>> split_streets(bridge).index.tolist()
    ['a', 'b']
    """
    lines = streets.geometry.to_numpy()
    segments = _segments(lines)
    row, at, spot = _meetings(segments, levels(streets))
    pieces, source = cut_lines(lines, row, at, spot)
    frame = pieces_of_rows(streets, pieces, source)
    frame["split_from"] = streets.index[source].astype(str).to_numpy()
    count = np.bincount(source, minlength=len(lines))
    cut = count[count > 1]
    log.info(Message("network.split", n=len(cut), total=len(lines), pieces=int(cut.sum())))
    return frame


class _Segments(NamedTuple):
    line: Positions
    start: Floats  # (n, 2)
    stop: Floats
    before: Floats  # how far along its line each starts, metres
    long: Floats
    low: Floats  # height at the start, NaN where there is none
    high: Floats  # and at the end
    opens: Bools  # the first of its line
    closes: Bools  # the last of its line


def _segments(lines: Shapes) -> _Segments:
    xy, line = shapely.get_coordinates(lines, return_index=True)
    step = np.hypot(*np.diff(xy, axis=0).T)
    # A vertex that repeats the one before is no segment, unless the line is nothing else.
    inner = (line[1:] == line[:-1]) & ((step > 0) | (shapely.length(lines) == 0)[line[1:]])
    start, stop, of, long = xy[:-1][inner], xy[1:][inner], line[1:][inner], step[inner]
    opens = run_starts(of)
    z = of_vertices(lines)
    return _Segments(
        of, start, stop, _along(xy, line)[:-1][inner], long, z[:-1][inner], z[1:][inner], opens,
        np.append(opens[1:], True),
    )  # fmt: skip


def _along(xy: Floats, line: Positions) -> Floats:
    """How far along its line each vertex lies, metres."""
    new = run_starts(line)
    step = np.zeros(len(xy))
    step[1:] = np.where(new[1:], 0.0, np.hypot(*np.diff(xy, axis=0).T))
    run = np.cumsum(step)
    along: Floats = run - run[new][np.cumsum(new) - 1]
    return along


def _meetings(seg: _Segments, levels: Floats) -> tuple[Positions, Floats, Floats]:
    """Find where lines meet: the line, how far along it, and the place, which is the same for all that meet there."""
    a, b = _near_pairs(seg)
    same = levels[seg.line[a]] == levels[seg.line[b]]
    row, at, spot = [], [], []

    def add(which: Positions, t: Floats, xy: Floats) -> None:
        row.append(seg.line[which])
        at.append(seg.before[which] + t)
        spot.append(xy)

    for one, other in ((a, b), (b, a)):
        for ends, is_end in ((seg.start, seg.opens), (seg.stop, seg.closes)):
            # The end of segment `one` lies on segment `other`; from another level only the end of a line counts.
            point = ends[one]
            t, away = _project(point, seg, other)
            touch = away <= SAME
            last = (seg.opens[other] & (t == 0.0)) | (seg.closes[other] & (t == seg.long[other]))
            touch &= same | is_end[one] | last
            touch &= ~_above(seg.low[one] if ends is seg.start else seg.high[one], _height(seg, other, t))
            add(other[touch], t[touch], point[touch])
            add(one[touch], np.where(ends is seg.start, 0.0, seg.long[one[touch]]), point[touch])
    a, b = a[same], b[same]
    cross, t, w, xy = _crossings(seg, a, b)
    a, b = a[cross], b[cross]
    meet = ~_above(_height(seg, a, t), _height(seg, b, w))
    add(a[meet], t[meet], xy[meet])
    add(b[meet], w[meet], xy[meet])
    return _one_place(np.concatenate(row), np.concatenate(at), np.concatenate(spot))


def _height(seg: _Segments, which: Positions, t: Floats) -> Floats:
    """Height of segments at *t* metres from their start; NaN where there is none."""
    share = np.divide(t, seg.long[which], out=np.zeros_like(t), where=seg.long[which] > 0)
    return seg.low[which] + share * (seg.high[which] - seg.low[which])


def _above(one: Floats, other: Floats) -> Bools:
    return np.abs(one - other) > STEP


def _near_pairs(seg: _Segments) -> tuple[Positions, Positions]:
    """List pairs of segments whose boxes are within 1 mm, without neighbours that only go on from each other."""
    low, high = np.minimum(seg.start, seg.stop), np.maximum(seg.start, seg.stop)
    # Boxes alone are compared, each drawn as its diagonal; the arithmetic that follows is as fast as a predicate.
    tree = shapely.STRtree(shapely.linestrings(np.stack([low, high], axis=1)))
    a, b = tree.query(shapely.linestrings(np.stack([low - SAME, high + SAME], axis=1)))
    keep = a < b
    a, b = a[keep], b[keep]
    next_to = (b == a + 1) & (seg.line[a] == seg.line[b])
    # A neighbour that turns back on top of the one before is a meeting; one that goes on is none.
    d, e = seg.stop[a] - seg.start[a], seg.stop[b] - seg.start[b]
    back = (d * e).sum(axis=1) < 0
    aside = np.abs(d[:, 0] * e[:, 1] - d[:, 1] * e[:, 0]) / np.maximum(np.maximum(seg.long[a], seg.long[b]), SAME)
    keep = ~next_to | (back & (aside <= SAME))
    return a[keep], b[keep]


def _project(point: Floats, seg: _Segments, on: Positions) -> tuple[Floats, Floats]:
    """How far along each segment its nearest point to *point* lies, and how far off that is, metres."""
    start, along = seg.start[on], seg.stop[on] - seg.start[on]
    long = seg.long[on]
    with np.errstate(invalid="ignore", divide="ignore"):
        t = ((point - start) * along).sum(axis=1) / long
        t = np.clip(np.where(long > 0, t, 0.0), 0.0, long)
        foot = start + along * np.where(long > 0, t / long, 0.0)[:, None]
    # Within 1 mm of a vertex it is the vertex.
    t = np.where(np.hypot(*(point - start).T) <= SAME, 0.0, t)
    t = np.where(np.hypot(*(point - seg.stop[on]).T) <= SAME, long, t)
    return t, np.hypot(*(point - foot).T)


def _crossings(seg: _Segments, a: Positions, b: Positions) -> tuple[Bools, Floats, Floats, Floats]:
    p, r = seg.start[a], seg.stop[a] - seg.start[a]
    q, s = seg.start[b], seg.stop[b] - seg.start[b]
    turn = r[:, 0] * s[:, 1] - r[:, 1] * s[:, 0]
    gap = q - p
    with np.errstate(invalid="ignore", divide="ignore"):
        t = (gap[:, 0] * s[:, 1] - gap[:, 1] * s[:, 0]) / turn
        w = (gap[:, 0] * r[:, 1] - gap[:, 1] * r[:, 0]) / turn
    cross = (turn != 0) & (t > 0) & (t < 1) & (w > 0) & (w < 1)
    t, w = t[cross], w[cross]
    return cross, t * seg.long[a[cross]], w * seg.long[b[cross]], p[cross] + r[cross] * t[:, None]


def _one_place(row: Positions, at: Floats, spot: Floats) -> tuple[Positions, Floats, Floats]:
    """Give meetings closer than 1 mm one place, and keep those that are new on their line."""
    if not len(row):
        return row, at, spot
    places, joined = join_points(spot)
    # The same place may lie on a line more than once (a line that crosses itself): far apart along it.
    order = np.lexsort([at, joined, row])
    row, at, joined = row[order], at[order], joined[order]
    new = run_starts(row) | run_starts(joined)
    new[1:] |= np.diff(at) > 4 * SAME
    return row[new], at[new], places[joined[new]]


def cut_lines(lines: Shapes, row: Positions, at: Floats, spot: Floats) -> tuple[Shapes, Positions]:
    """Cut lines *row* at *at* metres from their start; return the pieces in order, and the line of each.

    The pieces end exactly at *spot* (n, 2). A piece without length is left out unless its line has none.
    """
    touched = np.unique(row)
    if not len(touched):
        return lines, np.arange(len(lines))
    new = np.full(len(lines), -1)
    new[touched] = np.arange(len(touched))
    cut, of = _cut(lines[touched], new[row], at, spot)
    pieces = np.concatenate([np.delete(lines, touched), cut])
    source = np.concatenate([np.delete(np.arange(len(lines)), touched), touched[of]])
    order = np.argsort(source, kind="stable")
    return pieces[order], source[order]


def _cut(lines: Shapes, row: Positions, at: Floats, spot: Floats) -> tuple[Shapes, Positions]:
    xy, line = shapely.get_coordinates(lines, return_index=True)
    along = _along(xy, line)
    # One long ruler for all lines, so that one search finds the vertices beside each cut.
    whole = shapely.length(lines) + 1.0
    zero = np.cumsum(whole) - whole
    ruler, mark = zero[line] + along, zero[row] + at
    after = np.clip(np.searchsorted(ruler, mark), 1, len(ruler) - 1)
    vertex = np.where(np.abs(ruler[after] - mark) < np.abs(ruler[after - 1] - mark), after, after - 1)
    there = (line[vertex] == row) & (np.abs(ruler[vertex] - mark) <= SAME)
    xy[vertex[there]] = spot[there]
    is_cut = np.zeros(len(xy), np.bool_)
    is_cut[vertex[there]] = True
    order = np.argsort(np.concatenate([ruler, mark[~there]]), kind="stable")
    raised = shapely.has_z(lines)
    if raised.any():
        z, left, right = of_vertices(lines), after[~there] - 1, after[~there]
        share = np.divide(mark[~there] - ruler[left], ruler[right] - ruler[left], where=ruler[right] > ruler[left],
                          out=np.zeros(len(left)))  # fmt: skip
        xy = np.column_stack([xy, z])
        spot = np.column_stack([spot, np.full(len(spot), np.nan)])
        spot[~there, 2] = z[left] + share * (z[right] - z[left])
    xy = np.concatenate([xy, spot[~there]])[order]
    line = np.concatenate([line, row[~there]])[order]
    is_cut = np.concatenate([is_cut, np.ones(int((~there).sum()), np.bool_)])[order]
    opens = run_starts(line)
    is_cut &= ~opens & ~np.append(opens[1:], True)
    # A cut occurs twice: as the end of one piece and as the start of the next.
    vertex = np.repeat(np.arange(len(line)), 1 + is_cut)
    begins = opens[vertex] | ~run_starts(vertex)
    pieces = shapely.linestrings(xy[vertex], indices=np.cumsum(begins) - 1)
    source = line[vertex[begins]]
    if raised.any():
        flat = ~raised[source]
        pieces[flat] = shapely.force_2d(pieces[flat])
    void = (shapely.length(pieces) == 0) & (np.bincount(source)[source] > 1)
    return pieces[~void], source[~void]


def pieces_of_rows(frame: gpd.GeoDataFrame, pieces: Shapes, source: Positions) -> gpd.GeoDataFrame:
    """Give pieces the rows of their lines; `length` and `rise` are shared out, and the pieces of "a" are "a-1", …."""
    rows = frame.iloc[source].set_geometry(gpd.GeoSeries(pieces, frame.index[source], crs=frame.crs))
    for column in ("length", "rise"):
        if column in rows:
            rows[column] = shared_length(rows[column], pieces, source)
    rows.index = piece_ids(frame.index, source)
    return rows


def shared_length(given: pd.Series, pieces: Shapes, source: Positions) -> Floats:
    """Share lengths or rises of whole lines out to their pieces, in proportion; *given* has a row a piece."""
    long = shapely.length(pieces)
    whole = np.bincount(source, long)[source]
    alone = np.bincount(source)[source] == 1
    share = np.divide(long, whole, out=np.ones_like(long), where=(whole > 0) & ~alone)
    shared: Floats = given.to_numpy(float) * share
    return shared


def piece_ids(names: pd.Index, source: Positions) -> pd.Index:
    """Name the pieces of a line "<id>-1", "<id>-2", …; with more dashes where such names are taken."""
    cut = np.bincount(source)[source] > 1
    whole = names.astype(str).to_numpy(object)[source]
    number = (np.arange(len(source)) - np.searchsorted(source, source) + 1).astype(str).astype(object)
    dash = "-"
    while True:
        ids = pd.Index(np.where(cut, whole + dash + number, whole), name=names.name or "id")
        if ids.is_unique:
            return ids
        dash += "-"
