"""The results of a study as plain values: what `siting run --json` prints, and `results.json` keeps."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from siting.data import atomic_path
from siting.errors import SitingError
from siting.labels import LANGUAGES
from siting.messages import Message, text_in
from siting.study import tables
from siting.study.values import Proposal, Results

__all__ = ["community_record", "plain", "read_record", "record", "write_record"]

#: The name of the file in a folder of results.
FILE = "results.json"
#: With more sites than this the best replacement of each is not looked for.
BARGAINED = 60


def record(results: Results) -> dict[str, Any]:
    """Return what a run found, in tables of rows: study, layers, coverage, verdict and plans."""
    study, network = results.study, results.network
    parts = network.components["km"]
    layers = {
        role: {"source": str(frame.attrs.get("source", "")), "rows": len(frame)}
        for role, frame in results.layers.items()
    }
    for role, places in results.places.items():
        layers[role] |= {
            "longest_to_a_street": float(places.snap.max(initial=0.0)),
            "on_no_street": len(places.off_street),
        }
    judged = results.audit
    return {
        "lang": study.lang,
        "study": {"name": study.name, "title": study.heading, "standard": study.standard, "year": study.year},
        "notices": [notice[study.lang] for notice in tables.notices(results)],
        "network": {
            "nodes": len(network.nodes), "edges": len(network.edges), "km": float(parts.sum()), "parts": len(parts),
        },
        "layers": layers,
        "coverage": results.coverage.reset_index().to_dict("records"),
        "audit": None if judged is None else {
            "standard": judged.standard, "year": judged.year, "counts": judged.counts().to_dict(),
            "rules": judged.table.to_dict("records"),
        },
        "plans": [_plan(results, *each) for each in results.proposals.items()],
    }  # fmt: skip


def _plan(results: Results, name: str, proposal: Proposal) -> dict[str, Any]:
    """Return a plan: its figures, and its sites with the best replacement of each."""
    plan, goal = proposal.plan, proposal.goal
    sites = tables.with_names(results, plan).table
    if 0 < len(plan.sites) <= BARGAINED:
        best = plan.second_best()
        sites = sites.assign(instead=best["instead"].to_numpy(), loss=best["loss"].to_numpy())
    figures = {key: getattr(plan, key) for key in ("share", "covered", "total", "objective", "bound", "gap", "cost")}
    return {
        "goal": name, "title": {lang: goal.title(lang) for lang in LANGUAGES}, "services": list(goal.services),
        "unit": goal.unit,
        "limits": {service: goal.limit(service) for service in goal.services}, "status": plan.status,
        "aim": type(plan.problem.objective).__name__, **figures, "sites": sites.reset_index().to_dict("records"),
    }  # fmt: skip


def community_record(results: Results) -> dict[str, Any]:
    """Return of each community, in columns: who lives there, its nearest facility, its site in each plan, its rules."""
    homes = results.layers["communities"]
    names = {
        role: frame["name"].astype(object).to_dict() if "name" in frame else dict.fromkeys(frame.index, "")
        for role, frame in results.layers.items() if role != "streets"
    }  # fmt: skip
    rules = {} if results.audit is None else results.audit.by_unit
    fulfils = {
        rule: {
            reading: {str(key): bool(yes) for key, yes in units[reading].items() if key in homes.index}
            for reading in units
        }
        for rule, units in rules.items()
    }
    return {
        "names": names,
        "communities": list(homes.index),
        "districts": homes["district"].to_list() if "district" in homes else [],
        "nearest": {
            service: bands[["facility", "cost", "band", "unit"]].to_dict("list")
            for service, bands in results.bands.items()
        },
        "served": {
            name: proposal.plan.communities.rename_axis(index=_community_first).reset_index().to_dict("list")
            for name, proposal in results.proposals.items()
        },
        "fulfils": {rule: found for rule, found in fulfils.items() if any(found.values())},
    }


def _community_first(name: object) -> object:
    return "community" if name is None else name


def write_record(results: Results, path: Path) -> None:
    """Write the record of a run with that of its communities."""
    found = plain(record(results) | community_record(results))
    with atomic_path(path) as draft:
        draft.write_text(json.dumps(found, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def read_record(folder: str | Path) -> dict[str, Any]:
    """Read the record of a folder of results.

    Raises
    ------
    SitingError
        When the folder holds none, or one that cannot be read.
    """
    path = Path(folder, FILE) if Path(folder).is_dir() else Path(folder)
    if not path.is_file() or path.suffix != ".json":
        raise SitingError(Message("study.no_results", folder=folder))
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise SitingError(Message("file.unread", file=path, why=str(fault))) from fault
    if not isinstance(found, dict) or not {"study", "plans", "communities"} <= set(found):
        raise SitingError(Message("study.no_results", folder=folder))
    return found


def plain(value: Any) -> Any:
    """Return a value as JSON holds it: a table as a list of rows, NaN as None, numbers unrounded.

    Examples
    --------
    >>> plain({"share": float("nan"), "sites": ("a", np.int64(2)), "rows": pd.DataFrame({"n": [1.5]})})
    {'share': None, 'sites': ['a', 2], 'rows': [{'n': 1.5}]}
    """
    if isinstance(value, Message):
        return {"code": value.code, "text": text_in(None, value), "values": plain(value.values)}
    if isinstance(value, pd.DataFrame):
        return plain(value.to_dict("records"))
    if isinstance(value, pd.Series):
        return plain(value.to_dict())
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, np.ndarray | list | tuple | set | frozenset | pd.Index):
        return [plain(each) for each in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    return value if isinstance(value, str | int | bool) else str(value)
