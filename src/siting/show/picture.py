"""The static picture of a map, for reports and slides: one service, its reach, and where to build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siting.data import metric_crs, to_crs
from siting.errors import LayerError, SitingError, some
from siting.labels import label
from siting.show._plans import Part, is_finite, part_of, role_of
from siting.show.colours import (
    DISTRICT,
    EXISTING,
    MUTED,
    NEUTRAL,
    NO_PATH,
    OUTSIDE,
    PAPER,
    PROPOSED,
    STREET,
    band_colours,
)
from siting.show.fonts import clean, drawing
from siting.show.key import Entry, draw_key

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.path import Path

__all__ = ["draw_picture"]

_NOT_SERVICES = ("communities", "candidates", "districts", "streets")
_WIDTH, _KEY, _EDGE = 10.0, 2.45, 0.12
_TALLEST, _LEAST = 9.0, 4.6
_MARGIN = 0.02
_FINE = 2.0
"""Metres that a boundary may be off; a fifth of a millimetre on paper for a district of 6 km."""


@dataclass(frozen=True)
class _Classes:
    """The communities by verdict: a colour for each row, and what the key says of each colour."""

    colours: pd.Series
    entries: tuple[Entry, ...]
    heading: str


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
    """Draw communities by how far they have to walk, the facilities, and the sites that a plan opens.

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
        What `siting.bands` gives, or a mapping service -> bands: index community id; ``band`` (smallest limit met,
        missing outside all), ``cost`` and ``unit`` ("m" or "min"). A community without a row is grey.
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
        North is up and a metre is as long to the north as to the east. Streets are drawn as pixels.

    Raises
    ------
    LayerError
        When a layer has no CRS.
    SitingError
        When the service is not clear, or a site of the plan is no candidate.

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
    present = {role: frame for role, frame in layers.items() if frame is not None and len(frame)}
    if not present:
        raise SitingError("layers: there is none with a row, so there is nothing to draw")
    service = _service(service, present, areas, coverage, plan)
    reached = _of(areas, service)
    judged = _of(coverage, service)
    proposal = _of(plan, service)
    crs = _metric_crs(present, reached)
    placed = {role: to_crs(frame, crs) for role, frame in present.items()}
    classes = _classify(placed.get("communities"), judged, lang)

    with drawing():
        from matplotlib.figure import Figure

        left, bottom, right, top = _extent(placed)
        across = _WIDTH - _KEY - 3 * _EDGE
        tall = min(across * (top - bottom) / (right - left), _TALLEST)
        across = tall * (right - left) / (top - bottom)
        head = 0.5
        width = across + _KEY + 3 * _EDGE
        height = max(tall, _LEAST) + head + _EDGE
        figure = Figure(figsize=(width, height))
        axes = figure.add_axes((_EDGE / width, (height - head - tall) / height, across / width, tall / height))
        axes.set_aspect("equal", adjustable="box")
        axes.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[])
        for spine in axes.spines.values():
            spine.set(visible=True, color="#d5dade", linewidth=0.8)

        entries = _draw_ground(axes, placed, None if reached is None else to_crs(reached, crs), lang)
        _draw_communities(axes, placed.get("communities"), classes)
        part = None if proposal is None else part_of(proposal, service)
        points = _draw_facilities(axes, placed.get(service) if service else None, part, lang)
        points += _draw_sites(axes, placed, service, part, lang)
        axes.set(xlabel="", ylabel="")
        figure.text(
            _EDGE / width,
            1 - 0.14 / height,
            clean(_title(service, lang) if title is None else title),
            fontsize=13,
            fontweight="bold",
            va="top",
        )
        panel = figure.add_axes(
            ((across + 2 * _EDGE) / width, _EDGE / height, _KEY / width, 1 - (head + _EDGE) / height)
        )
        groups = [(classes.heading, classes.entries)] if classes.entries else []
        groups += [(label("picture.places", lang), tuple(points)), (label("picture.ground", lang), tuple(entries))]
        draw_key(
            panel,
            (_KEY, height - head - _EDGE),
            groups,
            metres_per_inch=(right - left) / across,
            notes=_notes(present, lang),
            lang=lang,
        )
    return figure


def _service(asked: str | None, layers: Mapping[str, object], *given: object) -> str | None:
    """Return the service to draw: the one asked for, or the only one there is."""
    named = dict.fromkeys(key for mapping in given if isinstance(mapping, Mapping) for key in mapping)
    found = list(named) or [role for role in layers if role not in _NOT_SERVICES]
    if asked is not None:
        if asked not in found and asked not in layers:
            raise SitingError(f"service is {asked!r}; the layers have {some(found) or 'none'}")
        return asked
    if len(found) > 1:
        raise SitingError(f"service: say which one to draw with service=...; there are {some(found)}")
    return found[0] if found else None


def _of(given: Any, service: str | None) -> Any:
    return given.get(service) if isinstance(given, Mapping) else given


def _metric_crs(layers: Mapping[str, gpd.GeoDataFrame], areas: gpd.GeoDataFrame | None) -> Any:
    """Return the projected CRS to draw in: that of the areas or layers, else one that fits them."""
    for role, frame in layers.items():
        if frame.crs is None:
            raise LayerError(role, "it has no CRS; set it with frame.set_crs(...)")
    frames = [*([] if areas is None else [areas]), *layers.values()]
    for frame in frames:
        if frame.crs is not None and frame.crs.is_projected:
            return frame.crs
    try:
        return metric_crs(*frames)
    except LayerError:  # too large for lengths, not for a picture
        return frames[0].estimate_utm_crs()


def _extent(layers: Mapping[str, gpd.GeoDataFrame]) -> tuple[float, float, float, float]:
    """Return west, south, east, north of what the study is about, with a margin."""
    about = [role for role in ("districts", "communities") if role in layers] or list(layers)
    bounds = np.array([layers[role].total_bounds for role in about])
    west, south = bounds[:, :2].min(axis=0)
    east, north = bounds[:, 2:].max(axis=0)
    span = max(east - west, north - south, 100.0)
    # A single point, or a row of them, gets room on all sides; the shape stays within 1 : 2.
    x, y = (east + west) / 2, (north + south) / 2
    wide = max(east - west, span / 2) * (0.5 + _MARGIN)
    high = max(north - south, span / 2) * (0.5 + _MARGIN)
    return float(x - wide), float(y - high), float(x + wide), float(y + high)


def _title(service: str | None, lang: str) -> str:
    if service is None:
        return label("picture.title", lang)
    return label("picture.title_service", lang, service=_words(f"service.{service}", service, lang))


def _words(key: str, raw: str, lang: str) -> str:
    from siting.labels import known

    return label(key, lang) if known(key) else raw


def _classify(communities: gpd.GeoDataFrame | None, bands: pd.DataFrame | None, lang: str) -> _Classes:
    """Give each community the colour of its verdict."""
    if communities is None:
        return _Classes(pd.Series(dtype=object), (), "")
    colours = pd.Series(NEUTRAL, index=communities.index, dtype=object)
    if bands is None:
        entry = Entry("dot", NEUTRAL, label("picture.communities", lang), count=len(colours))
        return _Classes(colours, (entry,), label("picture.communities", lang))
    if "band" not in bands.columns:
        raise SitingError("coverage: column band is missing; draw_picture wants what bands() returns")
    known = communities.index.intersection(bands.index)
    rows = bands.loc[known]
    limits = np.sort(rows["band"].dropna().unique())
    units = rows["unit"].dropna().unique() if "unit" in rows else []
    unit = str(units[0]) if len(units) else "m"
    entries = []
    for i, (limit, colour) in enumerate(zip(limits, band_colours(len(limits)), strict=True)):
        members = rows.index[rows["band"] == limit]
        colours[members] = colour
        low = f"{limits[i - 1]:g}–" if i else "≤ "
        words = f"{low}{limit:g} {label(f'unit.{unit}', lang)}"
        entries.append(Entry("dot", colour, words, count=len(members)))
    outside = rows["band"].isna()
    # Only a search that went beyond the largest limit can tell "too far" from "no path at all".
    lost = outside & rows["cost"].isna() if "cost" in rows else outside & False
    if not (outside & ~lost).any():
        lost = outside & False
    far = label("picture.outside_all", lang)
    if len(limits):
        far = label("picture.outside", lang, limit=f"{limits[-1]:g} {label(f'unit.{unit}', lang)}")
    for members, colour, words in (
        (outside & ~lost, OUTSIDE, far),
        (lost, NO_PATH, label("picture.no_path", lang)),
    ):
        if members.any():
            colours[rows.index[members]] = colour
            entries.append(Entry("dot", colour, words, count=int(members.sum()), strong=True))
    if len(known) < len(communities):
        count = len(communities) - len(known)
        entries.append(Entry("dot", NEUTRAL, label("picture.not_judged", lang), count=count))
    return _Classes(colours, tuple(entries), label(f"picture.by_{unit}", lang))


def _draw_ground(
    axes: Axes,
    layers: Mapping[str, gpd.GeoDataFrame],
    areas: gpd.GeoDataFrame | None,
    lang: str,
) -> list[Entry]:
    """Draw streets, service areas and districts, the quiet part of the picture."""
    entries = []
    if areas is not None and len(areas):
        ordered = areas.sort_values("limit", ascending=False)
        # The same steps as the communities, from near to far, so pale that points stand out on them.
        shades = dict(zip(sorted(areas["limit"].unique()), band_colours(areas["limit"].nunique()), strict=True))
        for limit, shape in zip(ordered["limit"], ordered.geometry, strict=True):
            gpd.GeoSeries([shape.simplify(_FINE)]).plot(
                ax=axes, color=shades[limit], alpha=0.16, linewidth=0, zorder=1, aspect=None
            )
        entries.append(Entry("patch", band_colours(3)[1], label("picture.areas", lang)))
    if "streets" in layers:
        layers["streets"].plot(ax=axes, color=STREET, linewidth=0.55, zorder=2, rasterized=True, aspect=None)
        entries.append(Entry("line", STREET, label("picture.streets", lang)))
    if "districts" in layers:
        districts = layers["districts"]
        # Each boundary once: dashes drawn from both sides fill each other's gaps.
        lines = gpd.GeoSeries([districts.boundary.union_all()])
        lines.plot(ax=axes, color=DISTRICT, linewidth=0.8, linestyle=(0, (5, 3)), zorder=3, aspect=None)
        if "name" in districts:
            for name, place in zip(districts["name"], districts.representative_point(), strict=True):
                if isinstance(name, str):
                    axes.text(
                        place.x,
                        place.y,
                        clean(name),
                        fontsize=8,
                        color=MUTED,
                        ha="center",
                        va="center",
                        zorder=4,
                        clip_on=True,
                        bbox={"facecolor": PAPER, "alpha": 0.65, "linewidth": 0, "pad": 1},
                    )
        entries.append(Entry("dashes", DISTRICT, label("picture.districts", lang)))
    return entries


def _draw_communities(axes: Axes, communities: gpd.GeoDataFrame | None, classes: _Classes) -> None:
    """Draw polygons as faces and points as dots whose area grows with the population."""
    if communities is None:
        return
    flat = communities.geometry.geom_type.isin(["Polygon", "MultiPolygon"])
    if flat.any():
        communities[flat].plot(
            ax=axes,
            color=classes.colours[flat].tolist(),
            alpha=0.75,
            edgecolor=PAPER,
            linewidth=0.4,
            zorder=5,
            aspect=None,
        )
    dots = communities[~flat]
    if len(dots):
        places = dots.geometry.representative_point()
        size = np.full(len(dots), 24.0)
        people = dots["population"].to_numpy(float) if "population" in dots else np.zeros(len(dots))
        if np.nanmax(people, initial=0) > 0:
            size = 8 + 52 * np.nan_to_num(people) / np.nanmax(people)
        # The large ones first, so that they hide none.
        order = np.argsort(-size, kind="stable")
        axes.scatter(
            places.x.to_numpy()[order],
            places.y.to_numpy()[order],
            s=size[order],
            c=classes.colours[dots.index].to_numpy()[order],
            edgecolors=PAPER,
            linewidths=0.5,
            zorder=6,
        )


def _draw_facilities(
    axes: Axes, facilities: gpd.GeoDataFrame | None, part: Part | None, lang: str
) -> list[Entry]:  # fmt: skip
    """Draw what is there: as it stays, as it grows, or crossed out where the plan closes it."""
    if facilities is None:
        return []
    change = [("" if part is None else part.change_of(site)) for site in facilities.index]
    entries = []
    for kind, key in (("", "existing"), ("grows", "grows"), ("closes", "closes")):
        mine = np.array([one == kind for one in change], bool)
        if not mine.any():
            continue
        places = facilities.geometry[mine].representative_point()
        mark_facility(axes, places.x.to_numpy(), places.y.to_numpy(), kind)
        marks: Mapping[str, Any] = {"": "square", "grows": "growing", "closes": "closing"}
        entries.append(Entry(marks[kind], EXISTING, label(f"picture.{key}", lang), count=int(mine.sum())))
    return entries


def mark_facility(axes: Axes, x: Any, y: Any, change: str, *, bigger: float = 1.0) -> None:
    """Draw existing facilities: squares, with a rim where they grow, hollow and crossed out where they close."""
    if change == "closes":
        axes.scatter(x, y, s=34 * bigger, marker="s", c=PAPER, edgecolors=EXISTING, linewidths=0.9, zorder=7)
        axes.scatter(x, y, s=13 * bigger, marker="x", c=EXISTING, linewidths=0.9, zorder=7)
    elif change == "grows":
        axes.scatter(x, y, s=44 * bigger, marker="s", c=EXISTING, edgecolors=PROPOSED, linewidths=2.0, zorder=7)
    else:
        axes.scatter(x, y, s=26 * bigger, marker="s", c=EXISTING, edgecolors=PAPER, linewidths=0.8, zorder=7)


def _draw_sites(
    axes: Axes, layers: Mapping[str, gpd.GeoDataFrame], service: str | None, part: Part | None, lang: str
) -> list[Entry]:
    """Draw the sites that the plan opens as numbered pins, with the year below where there are years."""
    if part is None or not len(part.sites):
        return []
    roles = [role_of(site, service, layers) for site in part.sites.index]
    lost = [site for site, role in zip(part.sites.index, roles, strict=True) if role is None]
    if lost:
        raise SitingError(f"plan: no candidate has the id of the sites {some(lost)}; pass the layer candidates")
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


def pin() -> Path:
    """Return the outline of a pin whose tip is at the origin."""
    from matplotlib.path import Path

    turn = np.linspace(-0.32 * np.pi, 1.32 * np.pi, 24)
    ring = np.column_stack([0.36 * np.cos(turn), 0.64 + 0.36 * np.sin(turn)])
    return Path(np.vstack([[0, 0], ring, [0, 0]]), closed=True)


def _notes(layers: Mapping[str, gpd.GeoDataFrame], lang: str) -> list[str]:
    """Return the notices and sources that the layers carry, each once."""
    notes: dict[str, None] = {}
    for frame in layers.values():
        notice = frame.attrs.get("notice")
        if isinstance(notice, Mapping) and notice.get(lang):
            notes[clean(notice[lang])] = None
    for frame in layers.values():
        if frame.attrs.get("attribution"):
            notes[clean(frame.attrs["attribution"])] = None
    return list(notes)
