"""scipy.sparse.csgraph: searches in C over a matrix; it writes whole rows, so many sources need tiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from benchmarks.city import City, Floats, Ints
from benchmarks.measure import Pairs

__all__ = ["Tiled", "nearest", "tiled", "within", "within_tiles"]


@dataclass(frozen=True, eq=False)
class Tiled:
    """A city whose nodes are sorted into square cells, row by row."""

    cell: float
    columns: int
    rows: int
    start: Ints
    order: Ints
    matrix: csr_array
    x: Floats
    y: Floats
    rank: Ints
    local: npt.NDArray[np.int32]


def within(matrix: csr_array, sources: Ints, targets: Ints, limit: int) -> Pairs:
    """Search from each source over the whole matrix, and keep what is within *limit*."""
    far = dijkstra(matrix, indices=sources, limit=limit)[:, targets]
    source, target = np.nonzero(np.isfinite(far))
    return source, target, far[source, target].astype(np.int64)


def nearest(matrix: csr_array, facilities: Ints) -> Floats:
    """Millimetres from every node to its nearest facility, infinite where there is none."""
    far: Floats = dijkstra(matrix, indices=facilities, min_only=True)
    return far


def tiled(city: City, cell: float) -> Tiled:
    """Sort the nodes of *city* into cells of *cell* metres, once."""
    x, y = city.x - city.x.min(), city.y - city.y.min()
    columns, rows = int(x.max() // cell) + 1, int(y.max() // cell) + 1
    key = (y // cell).astype(np.int64) * columns + (x // cell).astype(np.int64)
    order = np.argsort(key, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    start = np.searchsorted(key[order], np.arange(columns * rows + 1))
    matrix = city.matrix[order][:, order].tocsr()
    return Tiled(cell, columns, rows, start, order, matrix, x[order], y[order], rank, np.full(len(x), -1, np.int32))


def within_tiles(city: Tiled, sources: Ints, targets: Ints, limit: int, *, cells: int = 4) -> Pairs:
    """Search tile by tile, *cells* × *cells* cells each, with all nodes around it that a path of *limit* may use.

    No path within the limit leaves a halo as wide as the limit, since no edge is shorter than the straight line.
    """
    at = city.rank[sources]
    is_target = np.full(len(city.order), -1)
    is_target[city.rank[targets]] = np.arange(len(targets))
    row, column = (np.asarray(way[at] // city.cell, np.int64) // cells for way in (city.y, city.x))
    tile = row * city.columns + column
    order = np.argsort(tile, kind="stable")
    halo = int(np.ceil(limit / 1000.0 / city.cell))
    found: list[Pairs] = []
    for group in np.split(order, np.flatnonzero(np.diff(tile[order])) + 1):
        box = tuple((int(side[group[0]]) * cells - halo, (int(side[group[0]]) + 1) * cells + halo - 1)
                    for side in (row, column))  # fmt: skip
        found.append(_one_tile(city, at[group], group, box, is_target, limit))
    source, target, mm = (np.concatenate(part) for part in zip(*found, strict=True))
    return source, target, mm


def _one_tile(
    city: Tiled, at: Ints, source: Ints, box: tuple[tuple[int, int], ...], is_target: Ints, limit: int
) -> Pairs:
    (low, high), (left, right) = box
    left, right = max(0, left), min(city.columns - 1, right)
    nodes = np.concatenate(
        [
            np.arange(city.start[r * city.columns + left], city.start[r * city.columns + right + 1])
            for r in range(max(0, low), min(city.rows - 1, high) + 1)
        ]
    )
    # The part of the matrix between these nodes, put together by hand: scipy's own indexing is slower.
    city.local[nodes] = np.arange(len(nodes))
    first, last = city.matrix.indptr[nodes], city.matrix.indptr[nodes + 1]
    many = last - first
    entry = np.repeat(first - (np.cumsum(many) - many), many) + np.arange(many.sum())
    heads = city.local[city.matrix.indices[entry]]
    keep = heads >= 0
    pointers = np.concatenate([[0], np.cumsum(keep)])[np.concatenate([[0], np.cumsum(many)])]
    part = csr_array((city.matrix.data[entry][keep], heads[keep], pointers.astype(np.int32)), shape=(len(nodes),) * 2)
    columns = np.flatnonzero(is_target[nodes] >= 0)
    far = dijkstra(part, indices=city.local[at], limit=limit)[:, columns]
    city.local[nodes] = -1
    i, j = np.nonzero(np.isfinite(far))
    return source[i], is_target[nodes[columns[j]]], far[i, j].astype(np.int64)
