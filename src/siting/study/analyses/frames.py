"""The results of analyses as tables for files and sentences for readers."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import pandas as pd

from siting.judge import Audit
from siting.labels import label, named
from siting.measure import Appraisal, Mismatch
from siting.propose import Alternatives, Assignment, FairPlan, Hubs, Mergers, RobustPlan, TradeOff
from siting.study.analyses.values import Analysis

__all__ = ["frames_of", "parts_of", "sentences_of", "told"]

#: The tables of a result; the first stands for it, the others follow their names.
TABLES: Mapping[type, tuple[str, ...]] = {
    Audit: ("table", "figures", "units"), Hubs: ("table", "totals"), Mergers: ("table", "stay"),
    Appraisal: ("table", "totals"), Assignment: ("communities", "facilities", "flows"),
    Mismatch: ("districts", "distance"), FairPlan: ("table", "sites"), RobustPlan: ("table", "sites"),
    Alternatives: ("table",), TradeOff: ("points",),
}  # fmt: skip
#: Columns of provision that have the sources, which a report tells elsewhere.
SOURCES = ("clause", "document", "read_with", "base", "kind")
#: Columns whose cells are words of the library, and their sections in the table of labels.
CODES = {"role": "hub_role", "stays": "stays", "who": "who", "group": "part_of_country"}
#: Columns that mean something else than in most tables, in which `cost` is a way; where it is money it keeps its name.
HEADINGS: Mapping[str, Mapping[str, str]] = {
    "appraise_projects": {}, "alternatives": {}, "frontier": {}, "trade_off": {}, "compare": {},
    "inequality": {"covered": "share"}, "town_and_country": {"covered": "share"},
    "utilisation": {"share": "use_share"}, "huff": {"share": "market_share"},
}  # fmt: skip


def frames_of(result: Any, names: Mapping[Any, str]) -> dict[str, pd.DataFrame]:
    """Return the tables of a result by the part that they are, "" for the first; *names* are those of ids.

    Examples
    --------
    >>> frames_of(pd.Series({"a": 1.5}, name="people"), {"a": "East"})[""].to_dict("records")
    [{'id': 'a', 'name': 'East', 'people': 1.5}]
    """
    parts = TABLES.get(type(result))
    if parts is None:
        return {"": _frame(result, names)}
    found = {part: _units(result) if part == "units" else getattr(result, part) for part in parts}
    shown = {part: _frame(each, names) for part, each in found.items() if each is not None}
    return {"" if part == parts[0] else part: frame for part, frame in shown.items() if part == parts[0] or len(frame)}


def _units(audit: Audit) -> pd.DataFrame:
    """Return the units of all rules: which rule, which unit, whether it fulfils it."""
    if not audit.by_unit:
        return pd.DataFrame()
    return pd.concat(dict(audit.by_unit), names=["rule", "id"]).reset_index(level="rule")


def _frame(result: Any, names: Mapping[Any, str]) -> pd.DataFrame:
    """Return a result as a table with its ids and their names in front, without shapes, lists as words."""
    if isinstance(result, tuple):
        result = pd.DataFrame(index=pd.Index(result, name="site"))
    elif isinstance(result, pd.Series):
        result = result.to_frame(result.name or "value")
    elif not isinstance(result, pd.DataFrame):
        result = pd.DataFrame({"value": [result]})
    if isinstance(result, gpd.GeoDataFrame):
        result = pd.DataFrame(result.drop(columns=result.active_geometry_name))
    plain = isinstance(result.index, pd.RangeIndex) and result.index.name is None
    index = result.index
    named = [name or "id" for name in index.names]
    result = result.drop(columns="seconds", errors="ignore")  # the same input gives the same files
    frame = result if plain else result.set_axis(index.set_names(named)).reset_index()
    if not plain and index.nlevels == 1 and "name" not in frame and len(index) and all(each in names for each in index):
        frame.insert(1, "name", [names[each] for each in index])
    lists = [column for column in frame if frame[column].map(lambda cell: isinstance(cell, tuple | list)).any()]
    words = {str(column): [" ".join(map(str, cell)) for cell in frame[column]] for column in lists}
    told_of: pd.DataFrame = frame.assign(**words)
    return told_of


def sentences_of(result: Any, lang: str, names: Mapping[Any, str]) -> list[str]:
    """Return what a result says of itself, or what a forecast assumes."""
    if hasattr(result, "explain"):
        options = {"names": names} if "names" in inspect.signature(result.explain).parameters else {}
        return [line for line in result.explain(lang, **options).split("\n") if line.strip()]
    assumption = "assumption" if lang == "zh" else "assumption_en"
    if isinstance(result, pd.DataFrame) and assumption in result:
        return list(dict.fromkeys(result[assumption].dropna()))
    return []


def parts_of(analysis: Analysis, result: Any, lang: str, names: Mapping[Any, str]) -> list[Any]:
    """Return the parts of its section in a report: what it is, its sentences, and its tables."""
    parts: list[Any] = [label(f"analysis_says.{analysis.key}", lang)]
    if isinstance(result, Audit):
        return [*parts, result, *_of_verdict(result, lang, names)]
    parts += sentences_of(result, lang, names)
    if isinstance(result, gpd.GeoDataFrame):
        return [*parts, label("analysis.rows", lang, n=f"{len(result):,}", name=analysis.name)]
    for part, frame in frames_of(result, names).items():
        shown = told(frame, lang, analysis.key)
        parts.append({label(f"analysis_part.{part}", lang): shown} if part else shown)
    return parts


def _of_verdict(audit: Audit, lang: str, names: Mapping[Any, str]) -> list[Any]:
    """Return what a report of an audit leaves out: figures that no document prints, and who does not fulfil a rule."""
    parts: list[Any] = []
    figures = audit.figures[audit.figures["printed"].isna()]
    if len(figures):
        end = "" if lang == "zh" else "_en"
        reason, basis = figures[f"reason{end}"], figures[f"basis{end}"]
        units = [named("unit", unit, lang) for unit in figures["unit"]]
        columns = {"value": figures["value"], "unit": units, "basis": reason.where(reason != "", basis)}
        table = pd.DataFrame(columns).set_index(pd.Index(figures[f"indicator{end}"], name="indicator"))
        parts.append({label("analysis_part.figures", lang): table})
    listed = frames_of(audit, names).get("units")
    if listed is not None and "fulfils" in listed and listed["fulfils"].eq(False).any():
        lacking = listed.loc[listed["fulfils"].eq(False), [each for each in ("id", "name", "rule") if each in listed]]
        parts.append({label("analysis_part.lacking", lang): lacking.set_index("id")})
    return parts


def told(frame: pd.DataFrame, lang: str, key: str) -> pd.DataFrame:
    """Return a table of a function for a report: in one language, without its sources, codes as words."""
    columns = [str(each) for each in frame]
    others = [each for each in columns if (each.endswith("_en") if lang == "zh" else f"{each}_en" in columns)]
    shown = frame.drop(columns=[*others, *(each for each in SOURCES if each in columns and "rule" in columns)])
    for column, section in CODES.items():
        if column in shown:
            shown[column] = [named(section, each, lang) if isinstance(each, str) else each for each in shown[column]]
    names = {each: each.removesuffix("_en") for each in columns} | {
        "village": "id",
        **HEADINGS.get(key, {"cost": "way"}),
    }
    shown = shown.rename(columns=names)
    return shown.set_index(next(iter(shown))).dropna(axis="columns", how="all") if len(shown.columns) > 1 else shown
