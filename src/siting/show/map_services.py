"""One service on the map: its facilities, circles, verdicts and proposed sites."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siting.errors import LayerError
from siting.labels import Language, label, named
from siting.measure.services import APART, people_column, set_apart
from siting.messages import Message
from siting.numbers import floats
from siting.show import map_values as encode
from siting.show.colours import band_colours
from siting.show.map_plans import describe_plan, mark_changes
from siting.show.plan_parts import part_of

__all__ = ["describe_service"]


def describe_service(
    service: str,
    *,
    present: Mapping[str, gpd.GeoDataFrame],
    places: Mapping[str, gpd.GeoSeries],
    areas: gpd.GeoDataFrame | None,
    bands: pd.DataFrame | None,
    plan: object | None,
    uncounted: pd.DataFrame | None,
    fields: list[dict[str, Any]],
    lang: Language,
) -> dict[str, Any]:
    """Return all the map shows when *service* is switched on; an error for what does not fit the layers."""
    name = encode.visible(named("service", service, lang))
    shown: dict[str, Any] = {"name": name}
    if service in present:
        shown["facilities"] = {
            "label": label("map.existing_of", lang, service=name),
            "points": encode.as_points(places[service]),
            "names": encode.names(present[service]),
            "fields": fields,
            "marks": _marks(service, present[service], uncounted, lang),
        }
    if areas is not None and len(areas):
        shown["areas"] = _areas(service, areas, bands, lang)
    weight, people = _weights(service, present.get("communities"))
    if bands is not None:
        shown["verdict"] = _verdict(service, bands, present, weight, people, lang)
    if plan is not None:
        shown["plan"] = describe_plan(service, plan, present, places, weight, lang)
        if "facilities" in shown:
            shown["facilities"]["changes"] = mark_changes(part_of(plan, service), present[service], lang)
    return shown


def _marks(
    service: str, frame: gpd.GeoDataFrame, uncounted: pd.DataFrame | None, lang: Language
) -> list[dict[str, Any]]:
    """Return what keeps facilities from counting: the words of their cards, which they are, the line of the panel."""
    apart = set_apart(frame, service)
    found = {code: (apart == code).to_numpy() for code in APART}
    if uncounted is not None and "facility_type" in frame:
        left = uncounted[(uncounted["layer"] == service) & ~uncounted["counted"].astype(bool)]
        types = frame["facility_type"].astype(object)
        written = types.where(types.notna(), "").astype(str).str.strip()
        for code, words in (("unknown_type", left["type"] == ""), ("unasked_type", left["type"] != "")):
            found[code] = written.isin(left.loc[words, "word"]).to_numpy()
    return [
        {
            "label": label(f"apart_mark.{code}", lang),
            "line": label(f"apart.{code}", lang, count=f"{at.sum():,}"),
            "at": np.flatnonzero(at).tolist(),
        }
        for code, at in found.items()
        if at.any()
    ]


def _weights(service: str, communities: gpd.GeoDataFrame | None) -> tuple[str | None, np.ndarray | None]:
    """Return the column that says whom the service is for, and its values; NaN counts for nobody."""
    columns = () if communities is None else communities.columns
    column = next((name for name in (people_column(service), "population") if name in columns), None)
    if communities is None or column is None:
        return None, None
    values = floats(communities[column])
    wrong = np.isinf(values) | (np.isnan(values) & communities[column].notna().to_numpy())
    if wrong.any():
        facts = {"n": int(wrong.sum()), "total": len(wrong), "rows": communities.index[wrong]}
        raise LayerError("communities", Message("show.no_number", column=column, **facts))
    return column, np.nan_to_num(values)


def _areas(service: str, areas: gpd.GeoDataFrame, bands: pd.DataFrame | None, lang: Language) -> list[dict[str, Any]]:
    where = f"areas[{service!r}]"
    if missing := [column for column in ("limit", "unit") if column not in areas.columns]:
        raise LayerError(where, Message("show.areas_columns", columns=missing))
    shapes = encode.as_degrees(where, areas)
    # Circles in another unit than the verdict's are separate, and off by default.
    judged = areas["unit"].iloc[0] if bands is None or "unit" not in bands else bands["unit"].iloc[0]
    other = (areas["unit"] != judged).to_numpy()
    # The largest first, so that the smaller ones are drawn over it.
    order = np.lexsort([-areas["limit"].to_numpy(dtype=float), ~other])
    return [
        {
            "short": _limit("short", areas["limit"].iloc[i], areas["unit"].iloc[i], lang),
            "rings": encode.rings(shapes.iloc[i]),
            "off": bool(other[i]),
        }
        for i in order
    ]


def _limit(key: str, limit: float, unit: str, lang: Language) -> str:
    return label(f"map.{key}", lang, limit=f"{limit:,g}", unit=label(f"unit.{unit}", lang))


def _verdict(
    service: str,
    bands: pd.DataFrame,
    present: Mapping[str, gpd.GeoDataFrame],
    weight: str | None,
    people: np.ndarray | None,
    lang: Language,
) -> dict[str, Any]:
    bands = _matched(service, bands, present.get("communities"))
    band, cost = (bands[name].to_numpy(dtype=float, na_value=np.nan) for name in ("band", "cost"))
    unit = str(bands["unit"].iloc[0])
    limits = sorted({*band[~np.isnan(band)].tolist(), *bands.attrs.get("limits", ())})
    outside, unreached = len(limits), len(limits) + 1
    codes = np.searchsorted(limits, band)
    codes[np.isnan(band)] = outside
    # Without a cost the nearest is beyond the search or no way leads there. When the search itself stopped at the
    # largest limit, that says no more than "outside".
    if not limits or (cost > limits[-1]).any():
        codes[np.isnan(band) & np.isnan(cost)] = unreached
    rows = []
    for code, words in enumerate(_class_names(limits, unit, lang)):
        inside = codes == code
        if code == unreached and not inside.any():
            continue
        row: dict[str, Any] = {"label": words, "communities": f"{inside.sum():,}"}
        if people is not None:
            row["people"] = f"{people[inside].sum():,.0f}"
            row["part"] = round(float(people[inside].sum()) / (float(people.sum()) or 1.0), 5)
        rows.append(row)
    who = label(f"people.{weight}", lang) if weight else label("map.communities", lang)
    return {
        "codes": codes.tolist(),
        "limits": len(limits),
        "colours": band_colours(len(limits)),
        "rows": rows,
        "people": label(f"field.{weight}", lang) if weight else None,
        "missed": _percent(codes >= outside, people, lang),
        "shares": _shares(limits, unit, codes, people, lang),
        "caption": label(f"map.share_{unit}", lang, who=who),
        "nearest": encode.texts(bands["facility"], encode.names_in(present, ("candidates", service))),
        "cost": encode.numbers(cost, 0 if unit == "m" else 1),
        "unit": label(f"unit.{unit}", lang),
    }


def _class_names(limits: list[float], unit: str, lang: Language) -> list[str]:
    unreached = label("map.unreached", lang)
    if not limits:
        return [label("map.outside_all", lang), unreached]
    units = label(f"unit.{unit}", lang)
    between = [
        label("map.between", lang, low=f"{low:,g}", high=f"{high:,g}", unit=units) for low, high in pairwise(limits)
    ]
    return [_limit("within", limits[0], unit, lang), *between, _limit("outside", limits[-1], unit, lang), unreached]


def _matched(service: str, bands: pd.DataFrame, communities: gpd.GeoDataFrame | None) -> pd.DataFrame:
    where = f"coverage[{service!r}]"
    if missing := [c for c in ("facility", "cost", "band", "unit") if c not in bands.columns]:
        raise LayerError(where, Message("show.bands_columns", columns=missing))
    if communities is None:
        raise LayerError(where, Message("show.bands_need_layer"))
    if len(twice := bands.index[bands.index.duplicated()].unique()):
        raise LayerError(where, Message("show.bands_twice", ids=twice))
    if len(strange := bands.index.difference(communities.index, sort=False)):
        raise LayerError(where, Message("show.bands_strange", ids=strange))
    if len(lacking := communities.index.difference(bands.index, sort=False)):
        raise LayerError(where, Message("show.bands_lack", ids=lacking))
    matched: pd.DataFrame = bands.loc[communities.index]
    return matched


def _shares(
    limits: list[float], unit: str, codes: np.ndarray, people: np.ndarray | None, lang: Language
) -> list[dict[str, str]]:
    return [
        {
            "label": _limit("within", limit, unit, lang),
            "short": _limit("short", limit, unit, lang),
            "value": _percent(codes <= code, people, lang),
            "communities": label("map.communities_of", lang, n=f"{(codes <= code).sum():,}", all=f"{len(codes):,}"),
        }
        for code, limit in enumerate(limits)
    ]


def _percent(inside: np.ndarray, people: np.ndarray | None, lang: Language) -> str:
    """Return the share of people, or of communities where nobody was counted."""
    weights = np.ones(len(inside)) if people is None else people
    total = float(weights.sum())
    return f"{float(weights[inside].sum()) / total:.1%}" if total > 0 else label("map.na", lang)
