"""Offline maps: one file, no requests, no scripts but its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siting.data.district_names import names_apart
from siting.errors import LayerError, SitingError
from siting.labels import LANGUAGES, Language, known, label, named
from siting.messages import Message
from siting.show import colours
from siting.show import map_values as encode
from siting.show.map_services import describe_service
from siting.show.plan_parts import NOT_SERVICES, one_plan, services_of

if TYPE_CHECKING:
    import folium

__all__ = ["draw_map"]

MAJOR = ("motorway", "trunk", "primary", "secondary", "tertiary")
#: The columns on the cards of communities, facilities and candidates.
COMMUNITY = ("district", "kind", "build_status", "population", "households", "elderly", "infants", "employees")
FACILITY = (
    "facility_type", "district", "beds", "nursing_beds", "cognitive_beds", "occupied", "places", "inclusive_places",
    "enrolled", "capacity", "floor_area", "public", "open_to_neighbours",
)  # fmt: skip
CANDIDATE = ("kind", "services", "district", "cost", "max_places", "max_beds", "floor_area")
#: The labels of the panel.
PANEL = (
    "area", "candidates", "close", "communities", "communities_short", "districts", "fit", "layers", "nearest", "open",
    "outside_short", "people_size", "proposed", "service", "sources", "streets", "verdict", "way",
    "zoom_in", "zoom_out",
)  # fmt: skip
COLOURS = {
    "area": colours.WITHIN[1], "border": colours.DISTRICT, "candidate": colours.PROPOSED, "ink": colours.INK,
    "existing": colours.EXISTING, "outside": colours.OUTSIDE, "pin": colours.PROPOSED, "plain": colours.WITHIN[1],
    "street": colours.STREET,
}  # fmt: skip


def draw_map(
    layers: Mapping[str, gpd.GeoDataFrame],
    *,
    areas: gpd.GeoDataFrame | Mapping[str, gpd.GeoDataFrame] | None = None,
    coverage: pd.DataFrame | Mapping[str, pd.DataFrame] | None = None,
    plan: object | Mapping[str, object] | None = None,
    uncounted: pd.DataFrame | None = None,
    lang: Language = "zh",
    title: str | None = None,
    notices: Iterable[str | Mapping[str, str]] = (),
    attribution: str | None = None,
) -> folium.Map:
    """Draw communities by verdict, service areas, facilities and proposed sites on one offline map.

    Parameters
    ----------
    layers
        Role -> layer, in any CRS: ``communities``, ``candidates``, ``districts``, ``streets``; every other key is a
        service (``childcare``, ``eldercare``, ``culture``, ...) with its facilities. Missing layers are not drawn.
    areas
        Service -> dissolved service areas with the columns ``limit`` and ``unit``; of one service, the areas alone.
    coverage
        Service -> bands of the communities from `siting.measure.bands`; of one service, the bands alone.
        Index community id; ``facility``, ``cost``, ``band`` (smallest limit met, NaN outside all), ``unit`` ("m" or
        "min"). It colours the communities. Limits met by no community are taken from ``attrs["limits"]``. Shares
        on the panel are of infants for childcare, of elderly for eldercare, otherwise of population.
    plan
        A plan, or service -> plan. A plan alone belongs to the service of ``coverage`` or ``areas``
        when there is one, else it is shown with every service. A plan of several services shows with each
        the sites and the share of that service. Existing facilities that close are hollow, those that grow
        have a coloured rim.
    uncounted
        `Audit.uncounted`: facilities of types that no rule counts are marked on their cards, and counted in the panel,
        as are those that are not open to neighbours, or have no places or beds.
    lang
        Language of everything a reader sees.
    title
        Heading of the panel and of the window.
    notices
        Notices for readers, such as that data are synthetic: texts, or mappings
        language -> text. The notices that layers carry in ``attrs["notice"]`` are shown too.
    attribution
        Sources; default ``attrs["attribution"]`` of the layers.

    Returns
    -------
    folium.Map
        ``save(path)`` writes one file that makes no request. Its content security policy also forbids requests of
        later additions, such as online tiles or plugins.

    Raises
    ------
    LayerError
        When a layer has no CRS, an empty geometry, or coordinates outside its CRS.
    SitingError
        When ids do not match: a proposed site that is no candidate, coverage of other communities.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> homes = gpd.GeoDataFrame(
    ...     {"name": ["East", "West"], "population": [1200, 800]},
    ...     geometry=[Point(500_000, 3_220_000), Point(500_600, 3_220_000)],
    ...     index=["e", "w"],
    ...     crs="EPSG:4549",
    ... )
    >>> drawn = draw_map({"communities": homes}, lang="en", title="Two quarters")
    >>> "Two quarters" in drawn.get_root().render()
    True
    """
    if lang not in LANGUAGES:
        raise SitingError(Message("argument.choose", what="lang", value=lang, choices=LANGUAGES))
    present = {role: frame for role, frame in layers.items() if frame is not None and len(frame)}
    areas, coverage = _of_services(areas, present, "areas"), _of_services(coverage, present, "coverage")
    services = [role for role in present if role not in NOT_SERVICES]
    plans = _by_service(plan, [*dict.fromkeys([*coverage, *areas])] or services)
    services = list(dict.fromkeys([*coverage, *areas, *(s for s in plans if s is not None), *services]))
    services = services or [""] * (None in plans)
    heading = encode.visible(title if title is not None else label("map.title", lang))
    places = {
        role: encode.as_degrees(role, frame, points=role not in ("districts", "streets"))
        for role, frame in present.items()
    }
    if not places:
        raise SitingError(Message("show.map_empty"))
    words = _words(present, lang)
    data: dict[str, Any] = {
        "title": heading,
        "notices": _notices(present, notices, lang),
        "attribution": _attribution(present, attribution),
        "bounds": _bounds(places),
        "words": {key: label(f"map.{key}", lang) for key in PANEL} | {"comma": label("list.comma", lang)},
        "colours": COLOURS,
        "services": [
            describe_service(
                service,
                present=present,
                places=places,
                areas=areas.get(service),
                bands=coverage.get(service),
                plan=plans.get(service, plans.get(None)),
                uncounted=uncounted,
                fields=encode.fields(present[service], FACILITY, lang, words) if service in present else [],
                lang=lang,
            )
            for service in services
        ],
    }
    for role, columns in (("communities", COMMUNITY), ("candidates", CANDIDATE)):
        if role in present:
            data[role] = {
                "points": encode.as_points(places[role]),
                "names": encode.names(present[role]),
                "fields": encode.fields(present[role], columns, lang, words),
            }
    if "communities" in present:
        data["communities"] |= _marks_and_sizes(present["communities"], lang)
    if "districts" in present:
        data["districts"] = _districts(present["districts"], places["districts"])
    if "streets" in present:
        data["streets"] = _streets(present["streets"], places["streets"])

    from siting.show.map_page import make_page  # folium takes half a second to import

    return make_page(data, title=heading, lang=lang)


def _of_services(
    given: pd.DataFrame | Mapping[str, Any] | None, present: Mapping[str, gpd.GeoDataFrame], what: str
) -> dict[str, Any]:
    """Return *given* by service; a frame alone belongs to the only service there is."""
    if not isinstance(given, pd.DataFrame):
        return dict(given or {})
    services = [role for role in present if role not in NOT_SERVICES]
    if len(services) != 1:
        raise SitingError(Message("show.whose", what=what, n=len(services)))
    return {services[0]: given}


def _by_service(plan: object | None, candidates: list[str]) -> dict[str | None, object]:
    if plan is None:
        return {}
    if isinstance(plan, Mapping):
        return {service: one_plan(one) for service, one in plan.items() if one is not None}
    one_plan(plan)
    if joint := services_of(plan):
        return dict.fromkeys(joint, plan)
    return {candidates[0] if len(candidates) == 1 else None: plan}


def _words(present: Mapping[str, gpd.GeoDataFrame], lang: Language) -> dict[str, dict[object, str]]:
    """Return the words for the values of columns that hold codes or ids of other layers."""
    words: dict[str, dict[object, str]] = {}
    for column in ("kind", "build_status"):
        frames = (frame for frame in present.values() if column in frame.columns)
        values = {value for frame in frames for value in frame[column].dropna().unique()}
        words[column] = {v: label(f"{column}.{v}", lang) for v in values if known(f"{column}.{v}")}
    if "districts" in present:
        words["district"] = {key: encode.visible(name) for key, name in names_apart(present["districts"]).items()}
    if "candidates" in present and "services" in present["candidates"].columns:
        for value in present["candidates"]["services"].dropna().unique():
            services = (named("service", part.strip(), lang) for part in str(value).split(";"))
            words.setdefault("services", {})[value] = label("list.comma", lang).join(services)
    return words


def _notices(
    present: Mapping[str, gpd.GeoDataFrame],
    notices: Iterable[str | Mapping[str, str]],
    lang: Language,
) -> list[str]:
    given: list[object] = [notices] if isinstance(notices, str | Mapping) else list(notices)
    given += [frame.attrs["notice"] for frame in present.values() if frame.attrs.get("notice")]
    texts = (one.get(lang) or next(iter(one.values()), "") if isinstance(one, Mapping) else one for one in given)
    return [encode.visible(text) for text in dict.fromkeys(texts) if text]


def _attribution(present: Mapping[str, gpd.GeoDataFrame], attribution: str | None) -> str:
    if attribution is not None:
        return encode.visible(attribution)
    carried = (frame.attrs.get("attribution") for frame in present.values())
    return encode.visible(" · ".join(dict.fromkeys(str(text) for text in carried if text)))


def _bounds(places: Mapping[str, gpd.GeoSeries]) -> list[float]:
    chief = [shapes for role, shapes in places.items() if role not in ("districts", "streets")]
    boxes = np.array([shapes.total_bounds for shapes in chief or list(places.values())])
    west, south = boxes[:, :2].min(axis=0)
    east, north = boxes[:, 2:].max(axis=0)
    return [round(float(value), 6) for value in (south, west, north, east)]


def _marks_and_sizes(communities: gpd.GeoDataFrame, lang: Language) -> dict[str, Any]:
    found: dict[str, Any] = {"marks": []}
    for flag in ("siting_difficult", "low_demand"):
        if flag in communities.columns:
            at = np.flatnonzero(communities[flag].fillna(value=False).astype(bool)).tolist()
            found["marks"] += [{"label": label(f"field.{flag}", lang), "at": at}] if at else []
    if "population" in communities.columns:
        found["size"] = encode.numbers(communities["population"].to_numpy(dtype=float, na_value=np.nan))
    return found


def _districts(frame: gpd.GeoDataFrame, shapes: gpd.GeoSeries) -> dict[str, Any]:
    # A border between two districts is drawn once: drawn twice, its dashes fill each other's gaps.
    borders = shapely.union_all(shapely.boundary(shapes.to_numpy()), grid_size=1e-6)
    bounds = shapes.bounds.to_numpy()
    return {
        "names": encode.names(frame),
        "labels": encode.as_points(shapes.representative_point()),
        "widths": encode.numbers(bounds[:, 2] - bounds[:, 0], 6),
        "borders": encode.as_lines(shapely.get_parts(shapely.line_merge(borders))),
    }


def _streets(frame: gpd.GeoDataFrame, shapes: gpd.GeoSeries) -> dict[str, Any]:
    parts, row = shapely.get_parts(shapes.to_numpy(), return_index=True)
    odd = ~np.isin(shapely.get_type_id(parts), (1, 2))
    if odd.any():
        raise LayerError("streets", Message("show.no_lines", rows=frame.index[np.unique(row[odd])]))
    if "highway" in frame.columns:
        # OpenStreetMap gives several classes to some streets, as a list or with semicolons between.
        pattern = r"(?:^|[\s;,'\[])(?:" + "|".join(MAJOR) + ")"
        major = frame["highway"].astype(str).str.contains(pattern, regex=True).to_numpy()[row]
    else:
        major = np.zeros(len(parts), dtype=bool)
    return {"major": encode.as_lines(parts[major]), "minor": encode.as_lines(parts[~major])}
