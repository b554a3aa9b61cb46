"""Measure the finished sample, along the streets, and renew the table in `README.md`.

    python measure_sample.py

Reads `sample.gpkg` next to itself. Distances are shortest paths of networkx over the whole
streets; the way from a point to its nearest street, at both ends, is counted.
"""

from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import shapely

HERE = Path(__file__).resolve().parent
LAYERS = ["communities", "childcare", "eldercare", "candidates", "districts", "streets"]
LIMITS = (300, 500, 800)  # m


def walking_graph(streets: gpd.GeoDataFrame, *layers: gpd.GeoDataFrame) -> nx.Graph:
    """Streets with every point joined to its nearest street, the walk to the door included."""
    points = pd.concat([layer[["id", "geometry"]] for layer in layers], ignore_index=True)
    near = streets.sindex.nearest(points.geometry, return_all=False)[1]
    lines = streets.geometry.to_numpy()[near]
    points["along"] = shapely.line_locate_point(lines, points.geometry.to_numpy())
    points["off"] = shapely.distance(lines, points.geometry.to_numpy())
    stops = dict(list(points.groupby(near)))
    graph = nx.Graph()

    def join(a: object, b: object, length: float) -> None:
        length = max(length, 0.0)  # lengths are rounded to the millimetre
        if length < graph.get_edge_data(a, b, {"length": np.inf})["length"]:
            graph.add_edge(a, b, length=length)

    for n, (u, v, length) in enumerate(streets[["u", "v", "length"]].itertuples(index=False)):
        here, walked = u, 0.0
        if n in stops:
            for point in stops[n].sort_values("along").itertuples():
                join(here, ("at", point.id), point.along - walked)
                join(("at", point.id), point.id, point.off)
                here, walked = ("at", point.id), point.along
        join(here, v, length - walked)
    return graph


def shares(graph: nx.Graph, communities, weight: str, sites: pd.Series) -> str:
    """Share of a weight within every limit of the nearest site, along the streets."""
    cost = nx.multi_source_dijkstra_path_length(graph, set(sites), weight="length")
    metres, demand = communities["id"].map(cost), communities[weight]
    return " / ".join(f"{demand[metres <= limit].sum() / demand.sum():.1%}" for limit in LIMITS)


def measure_reach(layers: dict[str, gpd.GeoDataFrame]) -> dict[str, str]:
    """Who is within the limits now, who would be with every candidate open, who is cut off."""
    homes, child, elder, sites = (layers[name] for name in LAYERS[:4])
    graph = walking_graph(layers["streets"], homes, child, elder, sites)
    table = {}
    for service, weight, now in (("childcare", "infants", child), ("eldercare", "elderly", elder)):
        offers = sites.loc[sites["services"].str.contains(service), "id"]
        limits = " / ".join(str(limit) for limit in LIMITS)
        table[f"{weight} within {limits} m of {service}"] = shares(graph, homes, weight, now["id"])
        table[f"{weight}, with every {service} candidate open"] = shares(
            graph, homes, weight, pd.concat([now["id"], offers])
        )
    main = max(nx.connected_components(graph), key=len)
    apart = homes[~homes["id"].isin(main)]
    table["communities on streets that are cut off"] = ", ".join(apart["id"] + " " + apart["name"])
    return table


def measure_streets(streets: gpd.GeoDataFrame) -> dict[str, str]:
    """Size and connection of the streets."""
    graph = nx.Graph(list(zip(streets["u"], streets["v"], strict=True)))
    label = {node: n for n, part in enumerate(nx.connected_components(graph)) for node in part}
    part = streets["length"].groupby(streets["u"].map(label)).sum()
    return {
        "street edges / km": f"{len(streets):,} / {part.sum() / 1000:.0f}",
        "street components, share of length in the largest": f"{len(part)}, {part.max() / part.sum():.1%}",
    }


def measure_people(homes: gpd.GeoDataFrame) -> dict[str, str]:
    """Communities and the proportions of their people."""
    total, status, kind = homes.sum(numeric_only=True), homes["build_status"], homes["kind"]
    return {
        "communities": f"{len(homes)}",
        "of these new estates / villages / industrial parks": f"{(status == 'new').sum()} / "
        f"{(kind == 'village').sum()} / {(kind == 'park').sum()}",
        "population / households": f"{total['population']:,.0f} / {total['households']:,.0f}",
        "persons per household": f"{total['population'] / total['households']:.3f}",
        "elderly (60+), of the population": f"{total['elderly'] / total['population']:.1%}",
        "infants (under 3), of the population": f"{total['infants'] / total['population']:.2%}",
        "communities marked siting_difficult / low_demand": ""
        f"{homes['siting_difficult'].mean():.1%} / {homes['low_demand'].mean():.1%}",
    }


def measure_supply(homes, child, elder, districts) -> dict[str, str]:
    """Places and beds against the people they are for."""
    people, elderly = homes["population"].sum(), homes["elderly"].sum()
    places, beds = child["places"].sum(), elder["beds"].sum()
    empty = ~districts["id"].isin(child["district"])
    return {
        "childcare points / places": f"{len(child)} / {places:,}",
        "places per 1000 residents": f"{places / people * 1000:.2f}",
        "inclusive places / enrolled, of places": f"{child['inclusive_places'].sum() / places:.1%}"
        f" / {child['enrolled'].sum() / places:.1%}",
        "districts without childcare": f"{empty.sum()} of {len(districts)} ({', '.join(districts.loc[empty, 'name'])})",
        "elder-care facilities / beds": f"{len(elder)} / {beds:,}",
        "beds per 1000 elderly": f"{beds / elderly * 1000:.1f}",
        "nursing beds / occupied, of beds": f"{elder['nursing_beds'].sum() / beds:.1%} / "
        f"{elder['occupied'].sum() / beds:.1%}",
        "cognitive beds per 10,000 elderly": f"{elder['cognitive_beds'].sum() / elderly * 1e4:.1f}",
    }


def measure(layers: dict[str, gpd.GeoDataFrame]) -> dict[str, str]:
    """Put all measured proportions into one table."""
    homes, child, elder, sites, districts, streets = (layers[name] for name in LAYERS)
    return {
        "area (km²) / districts": f"{districts.area.sum() / 1e6:.1f} / {len(districts)}",
        **measure_streets(streets),
        **measure_people(homes),
        **measure_supply(homes, child, elder, districts),
        "candidate sites (childcare / elder care / both)": f"{len(sites)} ("
        + " / ".join(str((sites["services"] == s).sum()) for s in ("childcare", "eldercare", "childcare;eldercare"))
        + ")",
        **measure_reach(layers),
    }


def renew_readme(table: dict[str, str], path: Path) -> None:
    """Put the measured table between its two marks."""
    head, _, rest = path.read_text("utf-8").partition("<!-- measured -->\n")
    rows = "".join(f"| {label} | {value} |\n" for label, value in table.items())
    tail = rest.partition("<!-- end -->")[2]
    text = f"{head}<!-- measured -->\n| Property | Value |\n|---|---|\n{rows}<!-- end -->{tail}"
    path.write_text(text, "utf-8")


def main() -> None:
    """Measure, renew the page, and tell."""
    table = measure({name: gpd.read_file(HERE / "sample.gpkg", layer=name) for name in LAYERS})
    renew_readme(table, HERE / "README.md")
    for label, value in table.items():
        print(f"{label}: {value}")


if __name__ == "__main__":
    main()
