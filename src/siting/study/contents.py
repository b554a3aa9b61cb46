"""The contents of a report as data: its blocks and what its pictures show, to lay them out again elsewhere."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import TypeAdapter, ValidationError

from siting.errors import SitingError
from siting.labels import LANGUAGES, Language
from siting.messages import Message
from siting.numbers import percent
from siting.propose import Plan
from siting.show.blocks import Block, blocks_of
from siting.show.plan_parts import part_of
from siting.study import tables
from siting.study.values import Results

__all__ = ["Contents", "Opened", "Planned", "Served", "contents_of", "read_contents"]


@dataclass(frozen=True)
class Served:
    """A service that was measured: each community with its nearest facility, the way there and the limit met."""

    service: str
    unit: str
    limits: tuple[float, ...]
    communities: tuple[str, ...]
    facilities: tuple[str | None, ...]
    costs: tuple[float | None, ...]
    bands: tuple[float | None, ...]

    def table(self) -> pd.DataFrame:
        """Return the bands as `siting.measure.bands` does."""
        columns = {"facility": self.facilities, "cost": self.costs, "band": self.bands}
        frame = pd.DataFrame(columns, index=pd.Index(self.communities, name="id"))
        frame = frame.astype({"cost": float, "band": float}).assign(unit=self.unit)
        frame.attrs["limits"] = list(self.limits)
        return frame


@dataclass(frozen=True)
class Opened:
    """The part of a plan for one service: its sites with their numbers and years, and existing sites that change."""

    service: str
    sites: tuple[str, ...]
    numbers: tuple[int, ...]
    years: tuple[float | None, ...]
    changes: Mapping[str, str]


@dataclass(frozen=True)
class Planned:
    """A goal: its words by language, what became of it, and the curve of coverage by number of sites."""

    name: str
    title: Mapping[str, str]
    status: str
    share: str
    on_map: bool
    unit: str
    target: float | None
    opened: tuple[Opened, ...]
    curve: Mapping[str, tuple[float | None, ...]]


@dataclass(frozen=True)
class Contents:
    """What a run found, without its layers and tables.

    *blocks* are the elements of its report; a figure has only its anchor.
    """

    name: str
    title: Mapping[str, str]
    lang: Language
    year: int | None
    crs: str
    notices: tuple[Mapping[str, str], ...]
    attribution: str | None
    served: tuple[Served, ...]
    planned: tuple[Planned, ...]
    blocks: tuple[Block, ...]

    @property
    def heading(self) -> str:
        """The title in the language of the study."""
        return self.title.get(self.lang, self.name)

    def write(self, path: Path) -> None:
        """Write the contents as JSON."""
        path.write_bytes(CONTENTS.dump_json(self, indent=1))


CONTENTS = TypeAdapter(Contents)


def read_contents(path: Path) -> Contents:
    """Read the contents of results; SitingError when there are none, or another version wrote it."""
    try:
        return CONTENTS.validate_json(path.read_bytes())
    except OSError:
        raise SitingError(Message("deliver.no_results", folder=path.parent, name=path.name)) from None
    except ValidationError as fault:
        raise SitingError(Message("deliver.other_results", folder=path.parent, name=path.name)) from fault


def contents_of(results: Results, parts: Sequence[object]) -> Contents:
    """Return the contents of a report with these parts."""
    study, lang = results.study, results.study.lang
    return Contents(
        study.name, study.title, lang, study.year, str(results.network.crs.name),
        tuple(tables.notices(results)), tables.attribution(results),
        tuple(_served(service, found) for service, found in results.bands.items()),
        tuple(_planned(name, proposal) for name, proposal in results.proposals.items()),
        tuple(blocks_of(parts, lang, drawn=False)),
    )  # fmt: skip


def _served(service: str, found: pd.DataFrame) -> Served:
    limits = found.attrs.get("limits", found["band"].dropna().unique())
    facilities = (None if pd.isna(site) else str(site) for site in found["facility"])
    unit = str(found["unit"].iloc[0]) if len(found) else "m"
    return Served(
        service, unit, tuple(map(float, limits)), tuple(map(str, found.index)), tuple(facilities),
        _numbers(found["cost"]), _numbers(found["band"]),
    )  # fmt: skip


def _numbers(values: pd.Series) -> tuple[float | None, ...]:
    return tuple(None if pd.isna(value) or not math.isfinite(value) else float(value) for value in values)


def _planned(name: str, proposal: Any) -> Planned:
    goal, plan, curve = proposal.goal, proposal.plan, proposal.curve
    columns = [] if curve is None else [key for key in ("sites", "share", "bound_share", "budget") if key in curve]
    return Planned(
        name, {lang: goal.title(lang) for lang in LANGUAGES}, plan.status, percent(plan.share), goal.on_map,
        goal.unit, goal.share,
        tuple(_opened(plan, service) for service in goal.services), {key: _numbers(curve[key]) for key in columns},
    )  # fmt: skip


def _opened(plan: Plan, service: str) -> Opened:
    part = part_of(plan, service)
    years = _numbers(part.sites["year"]) if "year" in part.sites else (None,) * len(part.sites)
    changes = {str(site): part.change_of(site) for site in part.changes.index}
    return Opened(service, tuple(map(str, part.sites.index)), part.numbers, years, changes)
