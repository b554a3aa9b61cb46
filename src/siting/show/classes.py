"""Communities by how far they have to walk: a colour for each, and what the key says of each colour."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from siting.errors import SitingError
from siting.labels import label
from siting.show.colours import NEUTRAL, NO_PATH, OUTSIDE, band_colours
from siting.show.key import Entry

__all__ = ["Classes", "classify"]


@dataclass(frozen=True)
class Classes:
    """The communities by verdict: a colour for each row, and what the key says of each colour."""

    colours: pd.Series
    entries: tuple[Entry, ...]
    heading: str


def classify(communities: gpd.GeoDataFrame | None, bands: pd.DataFrame | None, lang: str) -> Classes:
    """Give each community the colour of its verdict."""
    if communities is None:
        return Classes(pd.Series(dtype=object), (), "")
    colours = pd.Series(NEUTRAL, index=communities.index, dtype=object)
    if bands is None:
        entry = Entry("dot", NEUTRAL, label("picture.communities", lang), count=len(colours))
        return Classes(colours, (entry,), label("picture.communities", lang))
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
    return Classes(colours, tuple(entries), label(f"picture.by_{unit}", lang))
