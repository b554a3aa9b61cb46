"""Which facilities serve whom: small readings of the facility layers that every measure shares."""

from __future__ import annotations

import geopandas as gpd

__all__ = ["offering", "open_to_all"]


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
