"""Whom a service is for, who walks to it, and which facilities and sites serve it: readings that all measures share."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siting.data import role, to_crs
from siting.data.heading_list import similar_headings
from siting.data.values import parse_choices, texts
from siting.errors import LayerError, ProblemError, some
from siting.network import Walk

__all__ = ["PEOPLE", "offering", "open_to_all", "people_column", "set_apart", "walker", "with_sites"]

logger = logging.getLogger(__name__)

#: The column of the communities that a service is for; all residents for other services.
PEOPLE = {"childcare": "infants", "eldercare": "elderly"}
#: Why facilities stand apart, see `set_apart`.
APART = ("not_open", "no_places", "no_beds", "no_capacity")
#: The column of the facilities that says how many they have room for.
ROOM = {"childcare": "places", "eldercare": "beds"}
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

    Raises
    ------
    LayerError
        When the column holds something other than true and false in some rows.

    Examples
    --------
    >>> import geopandas as gpd
    >>> two = gpd.GeoDataFrame({"open_to_neighbours": [True, False]}, index=["a", "b"], geometry=[None, None])
    >>> open_to_all(two).index.tolist()
    ['a']
    """
    if "open_to_neighbours" not in facilities:
        return facilities
    marks = facilities["open_to_neighbours"]
    wrong = ~marks.isin([True, False])
    if wrong.any():
        rows = some(marks.index[wrong])
        raise LayerError("facilities", f'"open_to_neighbours" is neither yes nor no in {int(wrong.sum())} rows: {rows}')
    return facilities[marks.astype(bool)]


def set_apart(facilities: pd.DataFrame, service: str) -> pd.Series:
    """Tell which facilities count for no coverage, and which count though they state no room.

    Parameters
    ----------
    facilities
        The layer of the service.
    service
        "childcare" has `places`, "eldercare" `beds`, another service `capacity`.

    Returns
    -------
    Series
        For each facility "not_open" (`open_to_neighbours` is no, see `open_to_all`), "no_places", "no_beds" or
        "no_capacity" (the column is there, and 0 or blank), or nothing. One that is not open is that before all else.

    Examples
    --------
    >>> three = pd.DataFrame({"open_to_neighbours": [True, False, True], "places": [30, 0, 0]}, index=["a", "b", "c"])
    >>> set_apart(three, "childcare").to_dict()
    {'a': '', 'b': 'not_open', 'c': 'no_places'}
    """
    column = ROOM.get(service, "capacity")
    told = pd.Series("", facilities.index)
    if column in facilities:
        room = pd.to_numeric(facilities[column], errors="coerce").fillna(0)
        told[(room <= 0).to_numpy()] = f"no_{column}"
    if "open_to_neighbours" in facilities:
        told[facilities["open_to_neighbours"].isin([False]).to_numpy()] = "not_open"
    return told


def offering(candidates: gpd.GeoDataFrame, service: str) -> gpd.GeoDataFrame:
    """Keep the candidate sites that could house *service*, by their column `services`.

    Raises
    ------
    LayerError
        When there is no column `services`, so that nothing says what a site is for.

    Examples
    --------
    >>> import geopandas as gpd
    >>> services = ["childcare;eldercare", "养老", "养老托育"]
    >>> three = gpd.GeoDataFrame({"services": services}, index=["a", "b", "c"], geometry=[None, None, None])
    >>> offering(three, "childcare").index.tolist()
    ['a', 'c']
    """
    if "services" not in candidates:
        near = similar_headings(candidates, "candidates", "services")
        hint = f'{some(near)} looks like it: columns={{"services": "{near[0]}"}} when the layer is read' if near else (
            f'where every site will do, say so: candidates.assign(services="{service}")'
        )  # fmt: skip
        raise LayerError("candidates", f'has no column "services", which says what a site can house; {hint}')
    column = role("candidates").column("services")
    read, unknown = parse_choices(column, texts(candidates["services"]).array)
    chosen = candidates[[service in str(said).split(";") for said in read]]
    if chosen.empty and unknown.any():
        rows = some(f"{row}: {said}" for row, said in zip(candidates.index[unknown], read[unknown], strict=True))
        logger.warning('candidates: no site offers %s; words in "services" that are not understood: %s', service, rows)
    return chosen


#: The columns of a candidate site that say how much it can hold, and what they become once it is open.
HOLDS = {"places": "max_places", "beds": "max_beds", "capacity": "max_capacity"}


def with_sites(
    facilities: gpd.GeoDataFrame,
    candidates: gpd.GeoDataFrame,
    sites: Iterable[object],
    *,
    facility_type: str | None = None,
) -> gpd.GeoDataFrame:
    """Add candidate sites to a layer of facilities, as if they were open: for an audit or a map of a plan.

    Parameters
    ----------
    facilities
        The layer of the service as it stands.
    candidates
        Candidate sites, with `max_places` or `max_beds` where they can hold some.
    sites
        Ids of the candidates that open, such as `Plan.sites`.
    facility_type
        What they open as; needed where the layer tells types, because rules count types.

    Returns
    -------
    GeoDataFrame
        The facilities and the new ones, in the columns of *facilities*. A new one has its name, district, floor area
        and all places or beds that the site can hold, is open to neighbours, and has 0 or no in every other column of
        numbers and flags: nobody is enrolled yet, no place is called inclusive.

    Raises
    ------
    ProblemError
        When a site is no candidate or a facility has its id, *facility_type* is not given, or a candidate does not say
        what a column of whole numbers or flags must hold, such as its places.

    Examples
    --------
    >>> import siting as st
    >>> town = st.load_sample()
    >>> more = st.with_sites(town["childcare"], town["candidates"], ["S001", "S002"], facility_type="托育机构")
    >>> len(more) - len(town["childcare"]), int(more["places"].sum() - town["childcare"]["places"].sum())
    (2, 95)
    """
    ids = [sites] if isinstance(sites, str) else list(dict.fromkeys(sites))
    strange = [site for site in ids if site not in candidates.index or site in facilities.index]
    if strange:
        raise ProblemError(f"sites that are no candidates, or facilities already: {some(strange)}")
    if "facility_type" in facilities and facility_type is None:
        raise ProblemError('the layer tells types: say what the sites open as, facility_type="…"')
    chosen = to_crs(candidates.loc[ids], facilities.crs)
    made: dict[str, Any] = {}
    for name in facilities.columns.drop(facilities.geometry.name):
        old = facilities[name]
        if name == "facility_type":
            made[name] = facility_type
        elif name == "open_to_neighbours":
            made[name] = True
        elif HOLDS.get(name) in chosen:
            made[name] = _whole(chosen, HOLDS[name], old)
        elif name in chosen:
            made[name] = _whole(chosen, name, old)
        elif pd.api.types.is_bool_dtype(old):
            made[name] = False
        elif pd.api.types.is_numeric_dtype(old):
            made[name] = 0
        else:
            made[name] = None
    made[facilities.geometry.name] = chosen.geometry
    new = pd.DataFrame(made, index=chosen.index)[facilities.columns].astype(facilities.dtypes.to_dict())
    joined = gpd.GeoDataFrame(pd.concat([facilities, new]), geometry=facilities.geometry.name, crs=facilities.crs)
    joined.attrs = dict(facilities.attrs)
    return joined


def _whole(chosen: gpd.GeoDataFrame, name: str, old: pd.Series) -> pd.Series:
    """Return a column of the candidates that open; a column of whole numbers or flags can hold no gap."""
    new: pd.Series = chosen[name]
    if not isinstance(old.dtype, np.dtype) or old.dtype.kind not in "iub":
        return new
    wrong = pd.to_numeric(new, errors="coerce").isna()
    if wrong.any():
        raise ProblemError(
            f'candidates: "{name}" is missing or not a number for {some(chosen.index[wrong])}; fill it in, because '
            f'"{old.name}" of the facilities can hold no gap'
        )
    return new
