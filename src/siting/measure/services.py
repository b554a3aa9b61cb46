"""Whom a service is for, who walks to it, and which facilities and sites serve it: readings that all measures share."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd

from siting.network import Walk

__all__ = ["PEOPLE", "offering", "open_to_all", "people_column", "walker"]

#: The column of the communities that a service is for; all residents for other services.
PEOPLE = {"childcare": "infants", "eldercare": "elderly"}
WALKERS = {"childcare": Walk.carer, "eldercare": Walk.elder}


def people_column(service: str) -> str:
    """Name the column of the people that *service* is for.

    Examples
    --------
    >>> people_column("childcare"), people_column("culture")
    ('infants', 'population')
    """
    return PEOPLE.get(service, "population")


def walker(service: str, walk: Walk | Mapping[str, Walk] | None) -> Walk:
    """Who walks to *service*: the one given, else a carer to childcare, an elder to elder care, an adult elsewhere.

    Examples
    --------
    >>> walker("eldercare", None).who
    'elder'
    """
    if isinstance(walk, Walk):
        return walk
    if walk is not None and service in walk:
        return walk[service]
    return WALKERS.get(service, Walk.adult)()


def open_to_all(facilities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Keep the facilities that serve the communities around them.

    A workplace facility counts for coverage only where the column `open_to_neighbours` says so; without that column all
    count.

    Examples
    --------
    >>> import geopandas as gpd
    >>> two = gpd.GeoDataFrame({"open_to_neighbours": [True, False]}, index=["a", "b"], geometry=[None, None])
    >>> open_to_all(two).index.tolist()
    ['a']
    """
    if "open_to_neighbours" not in facilities:
        return facilities
    return facilities[facilities["open_to_neighbours"].astype(bool)]


def offering(candidates: gpd.GeoDataFrame, service: str) -> gpd.GeoDataFrame:
    """Keep the candidate sites that could house *service*, by their column `services`; all where there is none.

    Examples
    --------
    >>> import geopandas as gpd
    >>> services = ["childcare;eldercare", "eldercare"]
    >>> two = gpd.GeoDataFrame({"services": services}, index=["a", "b"], geometry=[None, None])
    >>> offering(two, "childcare").index.tolist()
    ['a']
    """
    if "services" not in candidates:
        return candidates
    listed = candidates["services"].astype(str).str.split(r"[;,；，、]\s*", regex=True)
    return candidates[[service in names for names in listed]]
