"""What holds of the arrays of every network: kinds, lengths and ranges. Kernels rely on it and do not look again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyproj

from siting.errors import NetworkError
from siting.messages import Message
from siting.network.parts import Parts
from siting.network.places import millimetres
from siting.numbers import Floats

__all__ = ["KINDS", "check_parts"]

#: Type and dimensions of each array.
KINDS: Mapping[str, tuple[type[np.generic], int]] = {
    "x": (np.float64, 1), "y": (np.float64, 1), "u": (np.int32, 1), "v": (np.int32, 1), "cost": (np.int32, 1),
    "metres": (np.float64, 1), "vertices": (np.float64, 2), "first": (np.int64, 1), "oneway": (np.int8, 1),
    "rise": (np.float64, 1),
}  # fmt: skip
#: The arrays with an entry for each edge.
OF_EDGES = ("u", "v", "cost", "metres", "oneway", "rise")
#: No projected coordinate is as large, metres.
FARTHEST = 1e9


def check_parts(parts: Parts) -> None:
    """Check the arrays of a network that did not come from a builder; NetworkError for the first that is wrong."""
    _check_kinds(parts)
    _check_lengths(parts)
    _check_nodes(parts)
    _check_edges(parts)
    if parts.vertices is not None and parts.first is not None:
        _check_lines(parts.vertices, parts.first)
    _check_crs(parts.crs)


def _check_kinds(parts: Parts) -> None:
    for name, (kind, dimensions) in KINDS.items():
        array = getattr(parts, name)
        if array is None:
            continue
        if array.dtype != np.dtype(kind) or array.ndim != dimensions or not array.flags.c_contiguous:
            wanted = {"wanted": np.dtype(kind).name, "wanted_dimensions": dimensions}
            found = {"type": str(array.dtype), "dimensions": array.ndim}
            raise NetworkError(Message("network.array_type", name=name, **found, **wanted))
    if parts.vertices is not None and parts.vertices.shape[1] != 2:
        raise NetworkError(Message("network.array_size", name="vertices[0]", size=parts.vertices.shape[1], wanted=2))


def _check_lengths(parts: Parts) -> None:
    nodes, edges = len(parts.x), len(parts.u)
    if not nodes or not edges:
        raise NetworkError(Message("network.no_streets"))
    lengths = dict.fromkeys(OF_EDGES, edges) | {"y": nodes, "first": edges + 1}
    for name, wanted in lengths.items():
        array = getattr(parts, name)
        if array is not None and len(array) != wanted:
            raise NetworkError(Message("network.array_size", name=name, size=len(array), wanted=wanted))
    for name, size, wanted in (("nodes", len(parts.nodes), nodes), ("columns", len(parts.columns), edges)):
        if size != wanted:
            raise NetworkError(Message("network.array_size", name=name, size=size, wanted=wanted))
    if not parts.nodes.is_unique:
        twice = parts.nodes[parts.nodes.duplicated()].unique()
        raise NetworkError(Message("ids.twice", what="nodes", ids=twice))
    if (parts.vertices is None) != (parts.first is None):
        raise NetworkError(Message("network.vertices_or_first"))


def _check_nodes(parts: Parts) -> None:
    for name in ("x", "y"):
        _within(getattr(parts, name), -FARTHEST, FARTHEST, name)
    for name in ("u", "v"):
        _within(getattr(parts, name), 0, len(parts.x) - 1, name)
    used = np.zeros(len(parts.x), bool)
    used[parts.u] = used[parts.v] = True
    if not used.all():
        raise NetworkError(Message("network.nodes_unused", at=np.flatnonzero(~used)))


def _check_edges(parts: Parts) -> None:
    most = np.iinfo(np.int32).max // 2
    _within(parts.cost, 0, most, "cost")
    _within(parts.metres, 0.0, most / 1000.0 + 1.0, "metres")
    unlike = millimetres(parts.metres) != parts.cost
    if unlike.any():
        raise NetworkError(Message("network.cost_unlike", at=np.flatnonzero(unlike)))
    if parts.oneway is not None:
        _within(parts.oneway, -1, 1, "oneway")


def _check_lines(vertices: Floats, first: Any) -> None:
    _within(vertices, -FARTHEST, FARTHEST, "vertices")
    _within(first, 0, len(vertices), "first")
    if first[0] != 0 or first[-1] != len(vertices):
        ends = {"begin": int(first[0]), "end": int(first[-1])}
        raise NetworkError(Message("network.first_ends", **ends, wanted=len(vertices)))
    short = first[1:] < first[:-1] + 2
    if short.any():
        raise NetworkError(Message("network.lines_short", at=np.flatnonzero(short)))


def _check_crs(crs: pyproj.CRS) -> None:
    if not crs.is_projected or crs.axis_info[0].unit_conversion_factor != 1:
        raise NetworkError(Message("network.not_metres", crs=crs.name))


def _within(array: Any, low: float, high: float, name: str) -> None:
    """Refuse entries outside the range, and those that are no numbers, for which no comparison holds."""
    if not (array.min() >= low and array.max() <= high):
        wrong = ~((array >= low) & (array <= high))
        at = np.flatnonzero(wrong.any(axis=1) if array.ndim > 1 else wrong)
        raise NetworkError(Message("network.array_range", name=name, low=low, high=high, at=at))
