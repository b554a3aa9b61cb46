"""The static picture of a map, for reports and slides: one service, its reach, and proposed sites."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siting.data import metric_crs, to_crs
from siting.errors import LayerError, SitingError
from siting.labels import label, named
from siting.messages import Message
from siting.show.colours import DISTRICT, EXISTING, MUTED, PAPER, PROPOSED, STREET, band_colours
from siting.show.community_colours import colour_communities
from siting.show.fonts import drawing
from siting.show.marks import mark_facility, pin
from siting.show.notes import notes_of
from siting.show.picture_key import Entry, Mark, draw_key
from siting.show.picture_sheet import Extent, Sheet
from siting.show.plan_parts import NOT_SERVICES, Part, is_finite, one_plan, part_of, role_of
from siting.show.text import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_on", "draw_picture"]

#: The margin of the map, as a part of its width.
MARGIN = 0.02
#: Tolerance of a boundary, metres; a fifth of a millimetre on paper for a district of 6 km.
FINE = 2.0
#: The marks of existing facilities, by what they become.
MARKS: dict[str, Mark] = {"": "square", "grows": "grows", "closes": "closes"}


def draw_picture(
    layers: Mapping[str, gpd.GeoDataFrame],
    *,
    service: str | None = None,
    areas: gpd.GeoDataFrame | Mapping[str, gpd.GeoDataFrame] | None = None,
    coverage: pd.DataFrame | Mapping[str, pd.DataFrame] | None = None,
    plan: Any = None,
    lang: str = "zh",
    title: str | None = None,
) -> Figure:
    """Draw communities by walking distance, the facilities, and the sites that a plan opens.

    Parameters
    ----------
    layers
        Layers by role: ``communities``, ``districts``, ``streets``, ``candidates``; every other key is a service with
        its facilities. What is missing is not drawn.
    service
        The service to draw. It may be left out when *layers* (or *areas*, *coverage*) hold one only.
    areas
        Service areas with the columns ``limit`` and ``unit``, or a mapping service -> areas.
    coverage
        From `siting.measure.bands`, or a mapping service -> bands: index community id; ``band`` (smallest limit
        met, missing outside all), ``cost`` and ``unit`` ("m" or "min"). A community without a row is grey.
    plan
        A plan, or a mapping service -> plan. Its sites are numbered as in ``plan.table``; of a plan of several
        services those of *service* are drawn. Existing facilities that close are crossed out.
    lang
        ``"zh"`` or ``"en"``.
    title
        Above the picture; by default it names the service.

    Returns
    -------
    matplotlib.figure.Figure
        North is up, and the scale is equal in both directions. Streets are drawn as pixels.

    Raises
    ------
    LayerError
        When a layer has no CRS.
    SitingError
        When the service is not clear, or a site of the plan is not a candidate.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> homes = gpd.GeoDataFrame(
    ...     {"population": [1200, 800]},
    ...     geometry=[Point(500_000, 3_220_000), Point(500_600, 3_220_000)],
    ...     index=["e", "w"],
    ...     crs="EPSG:4549",
    ... )
    >>> figure = draw_picture({"communities": homes}, lang="en")
    >>> figure.axes[0].get_aspect()
    1.0
    """
    return draw_on(
        Sheet.around, layers, service=service, areas=areas, coverage=coverage, plan=plan, lang=lang, title=title
    )


def draw_on(
    sheet: Callable[[Extent, str], Sheet],
    layers: Mapping[str, gpd.GeoDataFrame],
    *,
    service: str | None = None,
    areas: gpd.GeoDataFrame | Mapping[str, gpd.GeoDataFrame] | None = None,
    coverage: pd.DataFrame | Mapping[str, pd.DataFrame] | None = None,
    plan: Any = None,
    lang: str = "zh",
    title: str | None = None,
    more: Mapping[str, Sequence[Entry]] | None = None,
) -> Figure:
    """Draw as `draw_picture` does, on the sheet that is made for an extent and a title.

    *more* are further groups of the key.
    """
    present = {role: frame for role, frame in layers.items() if frame is not None and len(frame)}
    if not present:
        raise SitingError(Message("show.picture_empty"))
    service = _service(service, present, areas, coverage, plan)
    reached, proposal = _of(areas, service), _of(plan, service)
    crs = _metric_crs(present, reached)
    placed = {role: to_crs(frame, crs) for role, frame in present.items()}
    coloured = colour_communities(placed.get("communities"), _of(coverage, service), lang)
    part = None if proposal is None else part_of(one_plan(proposal), service)
    if title is None:
        key = "picture.title" if service is None else "picture.title_service"
        title = label(key, lang, service=named("service", service, lang))
    with drawing():
        page = sheet(_extent(placed), title)
        axes = page.axes
        ground = _draw_ground(axes, placed, None if reached is None else to_crs(reached, crs), lang)
        _draw_communities(axes, placed.get("communities"), coloured.colours)
        places = _draw_facilities(axes, placed.get(service) if service else None, part, lang)
        places += _draw_sites(axes, placed, service, part, lang)
        axes.set(xlabel="", ylabel="")
        groups: dict[str, Sequence[Entry]] = {
            coloured.heading: coloured.entries, label("picture.places", lang): places,
            label("picture.ground", lang): ground, **(more or {}),
        }  # fmt: skip
        notices, sources = notes_of(present.values(), lang)
        notes = list(dict.fromkeys([*notices, *sources]))
        draw_key(page.panel, page.size, groups.items(), metres_per_inch=page.scale, notes=notes, lang=lang)
    return page.figure


def _service(asked: str | None, layers: Mapping[str, object], *given: object) -> str | None:
    """Return the service to draw: the one asked for, or the only one there is."""
    keys = dict.fromkeys(key for mapping in given if isinstance(mapping, Mapping) for key in mapping)
    found = list(keys) or [role for role in layers if role not in NOT_SERVICES]
    if asked is not None:
        if asked not in found and asked not in layers:
            raise SitingError(Message("show.service_absent", service=asked, found=found or Message("data.none")))
        return asked
    if len(found) > 1:
        raise SitingError(Message("show.service_which", found=found))
    return found[0] if found else None


def _of(given: Any, service: str | None) -> Any:
    return given.get(service) if isinstance(given, Mapping) else given


def _metric_crs(layers: Mapping[str, gpd.GeoDataFrame], areas: gpd.GeoDataFrame | None) -> Any:
    """Return the projected CRS to draw in: that of the areas or layers, else one that fits them."""
    for role, frame in layers.items():
        if frame.crs is None:
            raise LayerError(role, Message("datum.none"))
    frames = [*([] if areas is None else [areas]), *layers.values()]
    if crs := next((frame.crs for frame in frames if frame.crs is not None and frame.crs.is_projected), None):
        return crs
    try:
        return metric_crs(*frames)
    except LayerError:  # too large for lengths, but not for a picture
        return frames[0].estimate_utm_crs()


def _extent(layers: Mapping[str, gpd.GeoDataFrame]) -> tuple[float, float, float, float]:
    about = [role for role in ("districts", "communities") if role in layers] or list(layers)
    bounds = np.array([layers[role].total_bounds for role in about])
    west, south = bounds[:, :2].min(axis=0)
    east, north = bounds[:, 2:].max(axis=0)
    span = max(east - west, north - south, 100.0)
    # A single point, or a row of them, gets room on all sides; the shape stays within 1 : 2.
    x, y = (east + west) / 2, (north + south) / 2
    wide = max(east - west, span / 2) * (0.5 + MARGIN)
    high = max(north - south, span / 2) * (0.5 + MARGIN)
    return float(x - wide), float(y - high), float(x + wide), float(y + high)


def _draw_ground(
    axes: Axes, layers: Mapping[str, gpd.GeoDataFrame], areas: gpd.GeoDataFrame | None, lang: str
) -> list[Entry]:
    entries = []
    if areas is not None and len(areas):
        ordered = areas.sort_values("limit", ascending=False)
        # The colours of the communities, from near to far, but pale, so that points are visible.
        shades = dict(zip(sorted(areas["limit"].unique()), band_colours(areas["limit"].nunique()), strict=True))
        for limit, shape in zip(ordered["limit"], ordered.geometry, strict=True):
            circle = gpd.GeoSeries([shape.simplify(FINE)])
            circle.plot(ax=axes, color=shades[limit], alpha=0.16, linewidth=0, zorder=1, aspect=None)
        entries.append(Entry("patch", band_colours(3)[1], label("picture.areas", lang)))
    if "streets" in layers:
        layers["streets"].plot(ax=axes, color=STREET, linewidth=0.55, zorder=2, rasterized=True, aspect=None)
        entries.append(Entry("line", STREET, label("picture.streets", lang)))
    if "districts" in layers:
        districts = layers["districts"]
        # Each boundary once: dashes drawn twice fill each other's gaps.
        lines = gpd.GeoSeries([districts.boundary.union_all()])
        lines.plot(ax=axes, color=DISTRICT, linewidth=0.8, linestyle=(0, (5, 3)), zorder=3, aspect=None)
        style: dict[str, Any] = {"fontsize": 8, "color": MUTED, "ha": "center", "va": "center", "clip_on": True}
        under = {"facecolor": PAPER, "alpha": 0.65, "linewidth": 0, "pad": 1}
        for name, place in zip(districts.get("name", ()), districts.representative_point(), strict=False):
            if isinstance(name, str):
                axes.text(place.x, place.y, clean(name), zorder=7, bbox=under, **style)
        entries.append(Entry("dashes", DISTRICT, label("picture.districts", lang)))
    return entries


def _draw_communities(axes: Axes, communities: gpd.GeoDataFrame | None, colours: pd.Series) -> None:
    if communities is None:
        return
    flat = communities.geometry.geom_type.isin(["Polygon", "MultiPolygon"])
    if flat.any():
        style: dict[str, Any] = {"alpha": 0.75, "edgecolor": PAPER, "linewidth": 0.4, "aspect": None}
        communities[flat].plot(ax=axes, color=colours[flat].tolist(), zorder=5, **style)
    dots = communities[~flat]
    if len(dots):
        places = dots.geometry.representative_point()
        size = np.full(len(dots), 24.0)
        people = dots["population"].to_numpy(float) if "population" in dots else np.zeros(len(dots))
        if np.nanmax(people, initial=0) > 0:
            size = 8 + 52 * np.nan_to_num(people) / np.nanmax(people)
        # The large ones first, so that they hide none.
        order = np.argsort(-size, kind="stable")
        x, y, filled = places.x.to_numpy(), places.y.to_numpy(), colours[dots.index].to_numpy()
        axes.scatter(x[order], y[order], s=size[order], c=filled[order], edgecolors=PAPER, linewidths=0.5, zorder=6)


def _draw_facilities(axes: Axes, facilities: gpd.GeoDataFrame | None, part: Part | None, lang: str) -> list[Entry]:
    if facilities is None:
        return []
    changes = np.array([("" if part is None else part.change_of(site)) for site in facilities.index], object)
    entries = []
    for change, mark in MARKS.items():
        mine = changes == change
        if mine.any():
            places = facilities.geometry[mine].representative_point()
            mark_facility(axes, places.x.to_numpy(), places.y.to_numpy(), change)
            entries.append(Entry(mark, EXISTING, label(f"picture.{change or 'existing'}", lang), count=int(mine.sum())))
    return entries


def _draw_sites(
    axes: Axes, layers: Mapping[str, gpd.GeoDataFrame], service: str | None, part: Part | None, lang: str
) -> list[Entry]:
    if part is None or not len(part.sites):
        return []
    roles = [role_of(site, service, layers) for site in part.sites.index]
    if lost := [site for site, role in zip(part.sites.index, roles, strict=True) if role is None]:
        raise SitingError(Message("show.plan_sites", sites=lost))
    shapes = [layers[role].geometry.loc[site] for site, role in zip(part.sites.index, roles, strict=True) if role]
    places = gpd.GeoSeries(shapes).representative_point()
    axes.scatter(places.x, places.y, s=1600, marker=pin(), c=PROPOSED, edgecolors=PAPER, linewidths=0.9, zorder=8)
    note: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "va": "center", "annotation_clip": False}
    for number, row, place in zip(part.numbers, part.sites.to_dict("records"), places, strict=True):
        at = (place.x, place.y)
        axes.annotate(str(number), at, (0, 12.5), fontsize=8, fontweight="bold", color=PAPER, zorder=9, **note)
        if is_finite(row.get("year")):
            under = {"facecolor": PAPER, "alpha": 0.8, "linewidth": 0, "pad": 0.6}
            axes.annotate(f"{row['year']:.0f}", at, (0, -6), fontsize=7, color=PROPOSED, zorder=9, bbox=under, **note)
    return [Entry("pin", PROPOSED, label("picture.proposed", lang), count=len(part.sites))]
