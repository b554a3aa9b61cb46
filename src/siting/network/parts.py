"""Streets as arrays, and values derived from them: components, lines, spatial indices. Builders make `Parts`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from siting.network import contraction_kernels, segment_kernels
from siting.network.places import frozen
from siting.network.preferred_streets import Preferred, preferred_streets
from siting.numbers import Bools, Floats, Ints, Ints8, Ints32, Shapes


@dataclass(frozen=True, eq=False, repr=False)
class Parts:
    """The arrays of a network; see the attributes of `siting.Network`."""

    crs: pyproj.CRS
    x: Floats
    y: Floats
    nodes: pd.Index
    u: Ints32
    v: Ints32
    cost: Ints32
    metres: Floats
    columns: pd.DataFrame
    vertices: Floats | None
    first: Ints | None
    oneway: Ints8 | None = None
    rise: Floats | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def arrays(self) -> dict[str, Any]:
        """The fields by name, without derived values."""
        return {one.name: getattr(self, one.name) for one in fields(Parts)}

    @property
    def n_components(self) -> int:
        """Number of components."""
        return int(self.component.max()) + 1

    @cached_property
    def component(self) -> Ints32:
        """Component of each node; 0 has the most nodes."""
        return frozen(contraction_kernels.components(len(self.x), self.u, self.v))

    @cached_property
    def components(self) -> pd.DataFrame:
        """A row per component: `nodes`, `edges`, `km`; the first has the most nodes."""
        of_edge, n = self.component[self.u], self.n_components
        km = np.bincount(of_edge, self.cost, minlength=n) / 1e6
        table = {"nodes": np.bincount(self.component), "edges": np.bincount(of_edge, minlength=n), "km": km}
        return pd.DataFrame(table).rename_axis("component")

    @property
    def edges(self) -> gpd.GeoDataFrame:
        """The edges, in a new frame: `length` (m), the source's columns, lines from `u` to `v`; by edge id."""
        return gpd.GeoDataFrame(self.columns.assign(length=self.metres), geometry=self.lines, crs=self.crs)

    @cached_property
    def private(self) -> Bools | None:
        """Edges closed to strangers, by the column `private`; None if there are none."""
        private = self.columns["private"].eq(True).to_numpy(bool) if "private" in self.columns else np.zeros(0, bool)
        return frozen(private) if private.any() else None

    @cached_property
    def preferred(self) -> Preferred | None:
        """Streets preferred for places; None if all are equal."""
        return preferred_streets(self.columns, self.component, self.u)

    @cached_property
    def lines(self) -> Shapes:
        """Edge geometries, from `u` to `v`."""
        vertices, first = self._all_vertices()
        return frozen(shapely.linestrings(vertices, indices=np.repeat(np.arange(len(self.u)), np.diff(first))))

    @cached_property
    def segments(self) -> segment_kernels.Segments:
        """Index of the straight parts of the edges, to find the nearest."""
        return segment_kernels.Segments(*map(frozen, segment_kernels.index(*map(frozen, self._all_vertices()))))

    @cached_property
    def tree(self) -> shapely.STRtree:
        """Spatial index of the edges."""
        return shapely.STRtree(self.lines)

    def _all_vertices(self) -> tuple[Floats, Ints]:
        """Vertices of all edges, also of straight ones, and where each edge begins."""
        if self.vertices is not None and self.first is not None:
            return self.vertices, self.first
        ends = np.column_stack([self.x[self.u], self.y[self.u], self.x[self.v], self.y[self.v]])
        return ends.reshape(-1, 2), np.arange(len(self.u) + 1) * 2


def crs_code(crs: pyproj.CRS) -> str:
    """Name a CRS by its code where it has one."""
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else str(crs.name)
