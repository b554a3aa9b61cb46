"""The usual glue: geopandas, pandana or networkx, spopt with HiGHS, and folium, put together by hand for one question.

Written as their own examples write it, with the quicker call wherever there are two: tables instead of loops over rows,
searches from the sites within the limit instead of all pairs, one layer of points on the map instead of a marker each.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, NamedTuple

import folium
import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import KDTree

# Its imports warn of what others deprecate. Peers are not installed everywhere, and have no types.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pulp  # type: ignore[import-untyped, unused-ignore]
    from spopt.locate import MCLP  # type: ignore[import-untyped, unused-ignore]

from benchmarks.city import Floats, Ints

__all__ = ["Answer", "Question", "by_networkx", "by_pandana"]

#: What stands in a table of costs for who is not reached.
FAR = 1e9


class Question(NamedTuple):
    """Layers in metres, and what is asked of them.

    Attributes
    ----------
    streets, homes, existing, candidates
        Lines with `length` and points; homes have `population`.
    metres, width
        Limit of the walk, and how far beside a street the area extends.
    sites
        How many candidates may open.
    """

    streets: gpd.GeoDataFrame
    homes: gpd.GeoDataFrame
    existing: gpd.GeoDataFrame
    candidates: gpd.GeoDataFrame
    metres: float
    width: float
    sites: int


class Answer(NamedTuple):
    """People covered now and by the plan, and the area within reach now."""

    covered: float
    planned: float
    area: shapely.Geometry


class _Graph(NamedTuple):
    x: Floats
    y: Floats
    u: Ints
    v: Ints


def by_pandana(asked: Question, page: Path) -> Answer:
    """Search with pandana."""
    import pandana

    graph = _graph(asked.streets)
    # pandana cuts lengths off at the millimetre.
    weight = pd.DataFrame({"metres": asked.streets["length"].to_numpy() + 0.0002})
    made = pandana.Network(
        pd.Series(graph.x), pd.Series(graph.y), pd.Series(graph.u), pd.Series(graph.v), weight, twoway=True
    )

    def nodes(layer: gpd.GeoDataFrame) -> Ints:
        found: Ints = made.get_node_ids(layer.geometry.x, layer.geometry.y).to_numpy()
        return found

    def within(sources: Ints) -> pd.DataFrame:
        found: pd.DataFrame = made.nodes_in_range(np.unique(sources), asked.metres)
        return found.rename(columns={"destination": "node"})[["source", "node", "metres"]]

    return _answer(asked, graph, nodes(asked.homes), nodes(asked.existing), nodes(asked.candidates), within, page)


def by_networkx(asked: Question, page: Path) -> Answer:
    """Search with networkx."""
    graph = _graph(asked.streets)
    made: nx.Graph[Any] = nx.Graph()
    ends = pd.DataFrame({"u": graph.u, "v": graph.v, "mm": np.rint(asked.streets["length"].to_numpy() * 1000)})
    ends = ends.groupby(["u", "v"], as_index=False)["mm"].min()
    made.add_weighted_edges_from(ends.astype(int).itertuples(index=False, name=None))
    tree = KDTree(np.column_stack([graph.x, graph.y]))

    def nodes(layer: gpd.GeoDataFrame) -> Ints:
        found: Ints = tree.query(np.column_stack([layer.geometry.x, layer.geometry.y]))[1]
        return found

    def within(sources: Ints) -> pd.DataFrame:
        parts = []
        for source in np.unique(sources).tolist():
            far = nx.single_source_dijkstra_path_length(
                made, source, cutoff=round(asked.metres * 1000), weight="weight"
            )
            parts.append(pd.DataFrame({"source": source, "node": list(far), "metres": list(far.values())}))
        return pd.concat(parts, ignore_index=True).assign(metres=lambda found: found["metres"] / 1000)

    return _answer(asked, graph, nodes(asked.homes), nodes(asked.existing), nodes(asked.candidates), within, page)


def _graph(streets: gpd.GeoDataFrame) -> _Graph:
    """Name the ends of the lines by their coordinates, whole millimetres."""
    lines = streets.geometry.to_numpy()
    ends = np.concatenate([shapely.get_coordinates(shapely.get_point(lines, at)) for at in (0, -1)])
    code, nodes = pd.MultiIndex.from_arrays(np.rint(ends * 1000).astype(np.int64).T).factorize()
    xy = np.array(nodes.tolist()) / 1000
    return _Graph(xy[:, 0], xy[:, 1], code[: len(lines)], code[len(lines) :])


def _answer(
    asked: Question, graph: _Graph, homes: Ints, existing: Ints, candidates: Ints, within: Any, page: Path
) -> Answer:
    people = asked.homes["population"].to_numpy(float)
    now = within(existing)
    covered = np.isin(homes, now["node"])
    # Streets whose ends are both reached, widened and united.
    reached = np.isin(graph.u, now["node"]) & np.isin(graph.v, now["node"])
    area = asked.streets[reached].buffer(asked.width).union_all()
    opened = _plan(asked, homes[~covered], people[~covered], candidates, within(candidates))
    _draw(asked, covered, area, asked.candidates.iloc[opened[0]], page)
    return Answer(float(people[covered].sum()), float(people[covered].sum()) + opened[1], area)


def _plan(asked: Question, homes: Ints, people: Floats, candidates: Ints, far: pd.DataFrame) -> tuple[Ints, float]:
    """Choose sites that cover the most people with spopt's model of maximal covering, solved by HiGHS."""
    pairs = pd.DataFrame({"node": homes, "home": np.arange(len(homes))}).merge(far, on="node")
    pairs = pairs.merge(pd.DataFrame({"source": candidates, "site": np.arange(len(candidates))}), on="source")
    cost = np.full((len(homes), len(candidates)), FAR)
    cost[pairs["home"], pairs["site"]] = pairs["metres"]
    made = MCLP.from_cost_matrix(cost, people, asked.metres, p_facilities=asked.sites)
    made.solve(pulp.HiGHS(msg=False, threads=1, gapRel=0.0), results=False)
    if made.problem.sol_status != pulp.LpSolutionOptimal:
        raise RuntimeError(f"spopt: {pulp.LpSolution[made.problem.sol_status]}")
    opened = np.flatnonzero([(pulp.value(var) or 0) > 0.5 for var in made.fac_vars])
    served = (cost[:, opened] <= asked.metres).any(axis=1)
    return opened, float(people[served].sum())


def _draw(asked: Question, covered: Any, area: shapely.Geometry, sites: gpd.GeoDataFrame, page: Path) -> None:
    """Put homes by verdict, the area, facilities and new sites on a page."""
    homes = asked.homes[["population", "geometry"]].assign(covered=covered).to_crs(4326)
    west, south, east, north = homes.total_bounds
    drawn = folium.Map(tiles=None)
    drawn.fit_bounds([[south, west], [north, east]])
    folium.GeoJson(gpd.GeoSeries([area], crs=asked.homes.crs).to_crs(4326), name="area").add_to(drawn)
    folium.GeoJson(
        homes, name="homes", marker=folium.CircleMarker(radius=3),
        style_function=lambda at: {"color": "green" if at["properties"]["covered"] else "red"},
        tooltip=folium.GeoJsonTooltip(["population", "covered"]),
    ).add_to(drawn)  # fmt: skip
    for name, layer, colour in (("existing", asked.existing, "blue"), ("new sites", sites, "orange")):
        for point in layer.geometry.to_crs(4326):
            folium.CircleMarker([point.y, point.x], radius=6, color=colour, tooltip=name).add_to(drawn)
    folium.LayerControl().add_to(drawn)
    drawn.save(page)
