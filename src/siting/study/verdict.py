"""The verdict on the layers of a study: by one standard, or by several side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import pandas as pd

from siting.judge import Audit, Standard, audit, load_standard
from siting.network import Network
from siting.study.values import Study

__all__ = ["joined", "standards_of", "verdicts"]


def standards_of(study: Study) -> list[Standard]:
    """Load the standards of a study with its changes; its own rules belong to the first."""
    found = [load_standard(name) for name in study.standards]
    if found:
        found[0] = found[0].extended(study.rules, study.documents)
    return [
        standard.adapted(
            {rule: change for rule, change in study.changes.items() if rule in {one.id for one in standard}}
        )
        for standard in found
    ]


def verdicts(study: Study, layers: Mapping[str, gpd.GeoDataFrame], network: Network) -> dict[str, Audit]:
    """Judge the layers by each standard of a study; by its name."""
    settings: dict[str, Any] = {
        name: getattr(study, name) for name in ("year", "walk", "beside", "max_snap", "by", "household_size", "scope")
    }
    found = {}
    for standard in standards_of(study):
        shares = {rule: share for rule, share in study.shares.items() if rule in {one.id for one in standard}}
        found[standard.name] = audit(standard, layers, network=network, shares=shares, **settings)
    return found


def joined(audits: Sequence[Audit]) -> Audit | None:
    """Return one verdict of several, whose tables have a column `standard` in front; None of none."""
    if len(audits) < 2:
        return audits[0] if audits else None
    table, figures = (
        pd.concat([_told(getattr(one, name), one.standard) for one in audits], ignore_index=True)
        for name in ("table", "figures")
    )
    left = pd.concat([one.uncounted for one in audits], ignore_index=True)
    by_unit = {rule: units for one in audits for rule, units in one.by_unit.items()}
    names = ", ".join(one.standard for one in audits)
    return Audit(table, names, audits[0].year, _settings(audits), figures, by_unit, _left_out(left))


def _told(table: pd.DataFrame, standard: str) -> pd.DataFrame:
    told = table.copy()
    told.insert(0, "standard", standard)
    return told


def _settings(audits: Sequence[Audit]) -> dict[str, Any]:
    """Join the settings: tables are joined, the scope is told for each standard where it differs."""
    made: dict[str, Any] = {}
    for one in audits:
        for key, value in one.parameters.items():
            tables = isinstance(value, Mapping) and isinstance(made.get(key), Mapping)
            made[key] = {**made[key], **value} if tables else made.get(key) or value
    scopes = {one.standard: one.parameters.get("scope") for one in audits}
    return {**made, "scope": scopes if len(set(scopes.values())) > 1 else made.get("scope")}


def _left_out(left: pd.DataFrame) -> pd.DataFrame:
    """Join the words that rules leave out: each word of a layer once, with the rules of all standards."""
    if left.empty:
        return left
    rows = []
    for _, same in left.groupby(["layer", "type"], sort=False, dropna=False):
        rules = tuple(dict.fromkeys(rule for each in same["rules"] for rule in each))
        rows.append({**same.iloc[0].to_dict(), "counted": bool(same["counted"].any()), "rules": rules})
    return pd.DataFrame(rows, columns=left.columns).astype(left.dtypes.to_dict())
