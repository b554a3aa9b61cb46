"""What a run wrote, read again: its contents, layers and tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import pandas as pd

from siting.data.read_gdal import read_through
from siting.data.source import Source
from siting.errors import SitingError
from siting.labels import label
from siting.messages import Message
from siting.study.contents import Contents, Opened, Planned, Served, read_contents
from siting.study.outputs import paths_in

__all__ = ["Found", "plan_of"]

#: Layers of results that are no inputs.
MADE = ("proposed",)
AREAS = "areas_"


@dataclass(frozen=True, eq=False)
class Found:
    """A folder of results."""

    folder: Path
    contents: Contents

    @classmethod
    def in_folder(cls, folder: str | Path) -> Found:
        """Read the contents of a folder; SitingError when it holds no results."""
        return cls(Path(folder), read_contents(paths_in(folder)["contents"]))

    @property
    def lang(self) -> str:
        """The language of the study."""
        return self.contents.lang

    @cached_property
    def layers(self) -> Mapping[str, gpd.GeoDataFrame]:
        """All layers of the GeoPackage by name, with their ids as text; communities with what each service measured."""
        import pyogrio

        file = paths_in(self.folder)["layers"]
        try:
            names = [str(name) for name, _ in pyogrio.list_layers(file)]
        except (RuntimeError, OSError) as fault:
            raise SitingError(
                Message("deliver.no_layers", folder=self.folder, name=file.name, why=str(fault))
            ) from fault
        found = {name: _by_id(read_through(Source(file, "", name), "GPKG", name, None)) for name in names}
        homes = found["communities"]
        for served in self.contents.served:
            table = served.table().reindex(homes.index)
            homes = homes.assign(**{f"{served.service}_{key}": table[key] for key in ("facility", "cost", "band")})
        found["communities"] = homes
        if "goal" in (proposed := found.get("proposed", homes)):
            titles = {goal.name: goal.title[self.lang] for goal in self.contents.planned}
            found["proposed"] = proposed.assign(goal_title=proposed["goal"].map(titles))
        return found

    @property
    def inputs(self) -> dict[str, gpd.GeoDataFrame]:
        """The layers that the study read."""
        return {name: frame for name, frame in self.layers.items() if name not in MADE and not name.startswith(AREAS)}

    @cached_property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """The tables by name, without the notice."""
        found = {}
        for file in sorted(paths_in(self.folder)["tables"].glob("*.csv")):
            table = pd.read_csv(file, encoding="utf-8-sig", low_memory=False)
            found[file.stem] = table.drop(columns=["notice", label("column.notice", self.lang)], errors="ignore")
        return found

    def areas(self, served: Served) -> gpd.GeoDataFrame | None:
        """Return the service areas in the unit of the bands."""
        areas = self.layers.get(f"{AREAS}{served.service}")
        return None if areas is None else areas[areas["unit"] == served.unit]

    def served(self, service: str) -> Served | None:
        """Return what was measured of a service."""
        return next((each for each in self.contents.served if each.service == service), None)

    def plan_on_map(self, service: str) -> tuple[Planned, Opened] | None:
        """Return the plan of a service that maps show: the one marked, else the first with sites."""
        plans = [(goal, part) for goal in self.contents.planned for part in goal.opened if part.service == service]
        plans = [(goal, part) for goal, part in plans if part.sites]
        marked = [each for each in plans if each[0].on_map]
        return next(iter([*marked, *plans]), None)


def plan_of(opened: Opened) -> Any:
    """Return a part of a plan as `siting.draw_picture` takes plans."""
    index = pd.Index(opened.sites, dtype=object)
    table = pd.DataFrame(
        {"order": opened.numbers, "year": pd.Series(opened.years, dtype=float).to_numpy()}, index=index
    )
    changes = pd.DataFrame({"change": pd.Series(dict(opened.changes), dtype=object)})
    return SimpleNamespace(sites=opened.sites, table=table, changes=changes, communities=None, share=None)


def _by_id(frame: Any) -> Any:
    return frame.set_index(frame["id"].astype(str)).drop(columns="id") if "id" in frame else frame
