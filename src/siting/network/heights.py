"""Heights, metres above sea, in the coordinates of streets, and the rise of streets."""

from __future__ import annotations

import logging

import geopandas as gpd
import numpy as np
import shapely

from siting.messages import Message
from siting.network import point_kernels
from siting.network.end_points import of_vertices
from siting.network.splitting import cut_lines, pieces_of_rows
from siting.numbers import Floats, Ints

log = logging.getLogger(__name__)

#: From one vertex to the next a street does not climb more than this, metres, at more than this grade; from a height
#: that looks like none at more than the steepest street of the world.
CLIFF, STEEPEST, STEEP = 30.0, 1.0, 0.35
#: Where all other heights are above this, metres, a height of 0 means that there is none.
INLAND = 20.0
#: A line that climbs and falls so much, metres, is cut there, because an edge has one grade.
TURN = 5.0
#: By how much a given rise may differ from that of the line: metres, and a share of it.
AGREE, SHARE = 2.0, 0.1


def sound(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Remove impossible heights from lines."""
    lines = frame.geometry.to_numpy()
    xy, row = shapely.get_coordinates(lines, return_index=True)
    z = of_vertices(lines)
    inner = row[1:] == row[:-1]
    flat, climb = np.hypot(*np.diff(xy, axis=0).T), np.abs(np.diff(z))
    there = np.isfinite(z) & (z != 0)
    none = (z == 0) & (np.quantile(z[there], 0.05) > INLAND if there.any() else True)
    steepest = np.where(none[1:] != none[:-1], STEEP, STEEPEST)
    cliff = inner & (flat > 0) & (climb > CLIFF) & (climb > steepest * flat)
    wild = np.bincount(row[1:][cliff], minlength=len(lines)) > 0
    if wild.any():
        rows = frame.index[wild]
        log.warning(Message("length.cliffs", metres=CLIFF, n=len(rows), rows=rows).within("streets"))
    level = np.ones(len(lines), np.bool_)
    level[row[~none]] = False  # without any height but 0, inland
    level &= shapely.has_z(lines) & ~wild
    if level.any():
        rows = frame.index[level]
        log.warning(Message("length.zero_heights", metres=INLAND, n=len(rows), rows=rows).within("streets"))
    lines = np.where(wild | level, shapely.force_2d(lines), lines)
    return frame.set_geometry(gpd.GeoSeries(lines, index=frame.index, crs=frame.crs))


def report_rises(frame: gpd.GeoDataFrame) -> None:
    """Warn where a given rise is not that of the heights of its line."""
    lines = frame.geometry.to_numpy()
    last = np.cumsum(shapely.get_num_coordinates(lines)) - 1
    z, given = of_vertices(lines), frame["rise"].to_numpy(float)
    climbed = z[last] - z[np.append(0, last[:-1] + 1)]
    other = np.abs(given - climbed) > AGREE + SHARE * np.abs(climbed)
    if other.any():
        rows = [
            Message("length.rise_row", row=frame.index[at], given=given[at], line=climbed[at])
            for at in np.flatnonzero(other)
        ]
        log.warning(Message("length.rise_odd", n=len(rows), rows=rows).within("streets"))


def cut_at_turns(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Cut lines without a given rise at their tops and bottoms: no piece hides a climb of more than `TURN`."""
    lines = frame.geometry.to_numpy()
    first = np.append(0, np.cumsum(shapely.get_num_coordinates(lines)))
    vertex = point_kernels.turns(of_vertices(lines), first, TURN)
    row = np.searchsorted(first, vertex, side="right") - 1
    if "rise" in frame:
        free = np.isnan(frame["rise"].to_numpy(float))[row]
        vertex, row = vertex[free], row[free]
    if not len(vertex):
        return frame
    xy = shapely.get_coordinates(lines)
    step = np.append(0.0, np.hypot(*np.diff(xy, axis=0).T))
    step[first[:-1]] = 0.0
    run = np.cumsum(step)
    pieces, source = cut_lines(lines, row, run[vertex] - run[first[row]], xy[vertex])
    log.info(Message("length.cut_at_turns", n=len(np.unique(row)), metres=TURN))
    return pieces_of_rows(frame, pieces, source)


def with_rises(frame: gpd.GeoDataFrame, z: Floats, first: Ints) -> gpd.GeoDataFrame:
    """Give each line the rise of its heights where none is given."""
    climbed = z[first[1:] - 1] - z[first[:-1]]
    if "rise" in frame:
        given = frame["rise"].to_numpy(float)
        climbed = np.where(np.isnan(given), climbed, given)
    return frame.assign(rise=climbed)
