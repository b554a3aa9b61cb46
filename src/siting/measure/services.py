"""The users of a service, their walker, and the facilities and sites that serve them."""

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
from siting.errors import LayerError, ProblemError
from siting.messages import Message
from siting.network import Walk

__all__ = ["PEOPLE", "offering", "open_to_all", "people_column", "set_apart", "walker", "with_sites"]

logger = logging.getLogger(__name__)

#: The column of the communities that a service is for; all residents for other services.
PEOPLE = {"childcare": "infants", "eldercare": "elderly"}
#: Why facilities stand apart, see `set_apart`.
APART = ("not_open", "no_places", "no_beds", "no_capacity")
#: The column of the facilities with their capacity.
CAPACITY = {"childcare": "places", "eldercare": "beds"}
WALKERS = {"childcare": Walk.carer, "eldercare": Walk.elder}


def people_column(service: str) -> str:
    """Name the column of the people that *service* is for: "infants", "elderly", else "population"."""
    return PEOPLE.get(service, "population")


def walker(service: str, walk: Walk | Mapping[str, Walk] | None) -> Walk:
    """Choose who walks to *service*: the one given, else a carer to childcare, an elder to elder care, an adult."""
    if isinstance(walk, Walk):
        return walk
    return walk[service] if walk is not None and service in walk else WALKERS.get(service, Walk.adult)()


def open_to_all(facilities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Keep the facilities that serve the communities around them.

    A workplace facility counts only where the column `open_to_neighbours` says so; without that column all count.

    Raises
    ------
    LayerError
        When the column holds something other than true and false in some rows.

    Examples
    --------
    >>> two = gpd.GeoDataFrame({"open_to_neighbours": [True, False]}, index=["a", "b"], geometry=[None, None])
    >>> open_to_all(two).index.tolist()
    ['a']
    """
    if "open_to_neighbours" not in facilities:
        return facilities
    marks = facilities["open_to_neighbours"]
    if (wrong := ~marks.isin([True, False])).any():
        said = Message("ids.no_flag", what='"open_to_neighbours"', n=int(wrong.sum()), ids=marks.index[wrong])
        raise LayerError("facilities", said)
    return facilities[marks.astype(bool)]


def set_apart(facilities: pd.DataFrame, service: str) -> pd.Series:
    """Mark the facilities that count for no coverage, and those that count without a capacity.

    Each facility is "not_open" (`open_to_neighbours` is no, see `open_to_all`), else "no_places" (childcare), "no_beds"
    (eldercare) or "no_capacity" (other services) where that column is there, and 0 or blank, else "".

    Examples
    --------
    >>> three = pd.DataFrame({"open_to_neighbours": [True, False, True], "places": [30, 0, 0]}, index=["a", "b", "c"])
    >>> set_apart(three, "childcare").to_dict()
    {'a': '', 'b': 'not_open', 'c': 'no_places'}
    """
    column = CAPACITY.get(service, "capacity")
    marks = pd.Series("", facilities.index)
    if column in facilities:
        marks[(pd.to_numeric(facilities[column], errors="coerce").fillna(0) <= 0).to_numpy()] = f"no_{column}"
    if "open_to_neighbours" in facilities:
        marks[facilities["open_to_neighbours"].isin([False]).to_numpy()] = "not_open"
    return marks


def offering(candidates: gpd.GeoDataFrame, service: str) -> gpd.GeoDataFrame:
    """Keep the candidate sites that could house *service*, by their column `services`.

    Raises
    ------
    LayerError
        When there is no column `services`, so that nothing says what a site is for.

    Examples
    --------
    >>> services = ["childcare;eldercare", "养老", "养老托育"]
    >>> three = gpd.GeoDataFrame({"services": services}, index=["a", "b", "c"], geometry=[None, None, None])
    >>> offering(three, "childcare").index.tolist()
    ['a', 'c']
    """
    if "services" not in candidates:
        near = similar_headings(candidates, "candidates", "services")
        said = Message("measure.no_services", service=service)
        if near:
            said = Message("measure.no_services_near", near=near, first=near[0])
        raise LayerError("candidates", said)
    read, unknown = parse_choices(role("candidates").column("services"), texts(candidates["services"]).array)
    chosen = candidates[[service in str(listed).split(";") for listed in read]]
    if chosen.empty and unknown.any():
        rows = [f"{row}: {words}" for row, words in zip(candidates.index[unknown], read[unknown], strict=True)]
        logger.warning(Message("measure.none_offers", service=service, rows=rows).within("candidates"))
    return chosen


#: Columns of a facility, and those of a candidate site with how much it can hold.
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
    facilities, candidates
        Existing facilities of the service; candidate sites, with `max_places` or `max_beds` where they can hold some.
    sites, facility_type
        Ids of the candidates that open, such as `Plan.sites`; their type, required where the layer has types,
        because rules count by type.

    Returns
    -------
    GeoDataFrame
        The facilities and the new ones, in the columns of *facilities*. A new one has its name, district, floor area
        and all places or beds that the site can hold, is open to neighbours, and has 0 or no in every other column of
        numbers and flags: nobody is enrolled yet, no place is inclusive.

    Raises
    ------
    ProblemError
        When a site is not a candidate or a facility has its id, *facility_type* is missing, or a candidate lacks a
        value for a column of whole numbers or flags, such as its places.

    Examples
    --------
    >>> import siting as st
    >>> town = st.load_sample()
    >>> more = st.measure.with_sites(town["childcare"], town["candidates"], ["S001", "S002"], facility_type="托育机构")
    >>> len(more) - len(town["childcare"]), int(more["places"].sum() - town["childcare"]["places"].sum())
    (2, 95)
    """
    ids = [sites] if isinstance(sites, str) else list(dict.fromkeys(sites))
    if strange := [site for site in ids if site not in candidates.index or site in facilities.index]:
        raise ProblemError(Message("measure.strange_sites", ids=strange))
    if "facility_type" in facilities and facility_type is None:
        raise ProblemError(Message("measure.facility_type"))
    chosen = to_crs(candidates.loc[ids], facilities.crs)
    made: dict[str, Any] = {}
    for name in facilities.columns.drop(facilities.geometry.name):
        old, source = facilities[name], HOLDS.get(name, name)
        source = source if source in chosen else name
        if name == "facility_type":
            made[name] = facility_type
        elif name == "open_to_neighbours":
            made[name] = True
        elif source in chosen:
            made[name] = _filled(chosen, source, old)
        elif pd.api.types.is_bool_dtype(old):
            made[name] = False
        else:
            made[name] = 0 if pd.api.types.is_numeric_dtype(old) else None
    made[facilities.geometry.name] = chosen.geometry
    new = pd.DataFrame(made, index=chosen.index)[facilities.columns].astype(facilities.dtypes.to_dict())
    joined = gpd.GeoDataFrame(pd.concat([facilities, new]), geometry=facilities.geometry.name, crs=facilities.crs)
    joined.attrs = dict(facilities.attrs)
    return joined


def _filled(chosen: gpd.GeoDataFrame, name: str, old: pd.Series) -> pd.Series:
    """Return a column of the candidates that open; refuse gaps where the facilities have whole numbers or flags."""
    new: pd.Series = chosen[name]
    if not isinstance(old.dtype, np.dtype) or old.dtype.kind not in "iub":
        return new
    if (wrong := pd.to_numeric(new, errors="coerce").isna()).any():
        said = Message("measure.gap", column=name, ids=chosen.index[wrong], kept=old.name)
        raise ProblemError(said.within("candidates"))
    return new
