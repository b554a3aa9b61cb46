"""The values of a study: the inputs, `Study`, and the results, `Results`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from siting.errors import SitingError
from siting.judge import Audit, Rule
from siting.judge.standards.rule import Document
from siting.labels import label, named
from siting.measure import Reach
from siting.measure.services import walker
from siting.network import Network, Places, Walk
from siting.notebook_html import card
from siting.propose import Plan
from siting.show.cells import role_name
from siting.study.analyses import Analysis
from siting.study.faults import Written
from siting.study.inputs import Circle, Goal, Settings, Source, role_in
from siting.study.recipe import read_recipe

__all__ = ["Proposal", "Results", "Study"]


@dataclass(frozen=True, repr=False, kw_only=True)
class Study(Settings):
    """A frozen set of inputs; `run` turns it into an `Outcome`. Made by `from_toml`.

    Attributes
    ----------
    name, title, lang
        Name for files, title for readers, "zh" or "en".
    headings
        Of the tables that are written: "words" of the language with rounded numbers, or "names" with exact ones.
    layers
        Source of each layer by role.
    standard, year
        The standard to judge by, or several side by side, None for no audit, and the year.
    rules, documents
        The study's own rules, added to the standard.
    shares, beside, by, household_size, scope
        As for `audit`.
    changes
        Missing numbers of a document, or other readings, by rule id; as for `Standard.adapted`.
    walk
        The walker of each service.
    take_up
        Share of the people of a service who look for a place; its proposals are for so many.
    circles, goals, analyses
        What is measured, proposed, and computed besides.
    max_snap, crs, strict
        As for `travel`, `Network.from_streets` and `read_layer`. All of a study is measured in the network's CRS.
    datum
        The datum of the layers whose source names none; as for `read_layer`.
    written
        The file that the study was read from, for errors with its lines; None for one that was made in Python.
    """

    layers: Mapping[str, Source]
    rules: tuple[Rule, ...] = ()
    documents: Mapping[str, Document] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    walk: Mapping[str, Walk] = field(default_factory=dict)
    take_up: Mapping[str, float] = field(default_factory=dict)
    circles: tuple[Circle, ...] = ()
    goals: tuple[Goal, ...] = ()
    analyses: tuple[Analysis, ...] = ()
    written: Written | None = field(default=None, repr=False, compare=False)

    @classmethod
    def from_toml(cls, path: str | Path, *, outside: bool = False) -> Study:
        """Read a study from a TOML file; paths in it are relative to it.

        Parameters
        ----------
        path
            The file.
        outside
            Allow files outside the folder of the study: absolute paths, as of a shared drive, paths with "..", and
            links that lead out. A study from somebody else could read any file through them.

        Raises
        ------
        SitingError
            When the file is missing or invalid: the message has the table or key, and the valid ones.
        """
        return cls(**read_recipe(Path(path), outside=outside))

    def goal(self, name: str) -> Goal:
        """Return the goal of a name."""
        return next(goal for goal in self.goals if goal.name == name)

    @property
    def standards(self) -> tuple[str, ...]:
        """The standards to judge by: none, one, or several side by side."""
        given = () if self.standard is None else self.standard
        return (given,) if isinstance(given, str) else tuple(given)

    def role_of(self, layer: str) -> str:
        """Return the role of a layer: its own, that of the layer that it is made from, else its name."""
        return role_in(self.layers, layer)

    def walker(self, service: str) -> Walk:
        """Return who walks to a service: the walker of [walk], else that of its role."""
        return self.walk[service] if service in self.walk else walker(self.role_of(service), None)

    @contextmanager
    def blaming(self, *path: str | int) -> Iterator[None]:
        """Give an error the line of the file at these keys, where the study was read from one."""
        try:
            yield
        except SitingError as error:
            if self.written is not None:
                error.message = self.written.located(path, error.message)
            raise

    @property
    def heading(self) -> str:
        """The title in the study's own language."""
        return self.title.get(self.lang, self.name)

    def __repr__(self) -> str:
        year = "" if self.year is None else f" {self.year}"
        judged = "no standard" if self.standard is None else f"{', '.join(self.standards)}{year}"
        n = len(self.goals)
        return f"<Study {self.name}: {len(self.layers)} layers, {judged}, {n} goal{'s' * (n != 1)}>"

    def _repr_html_(self) -> str:
        between = label("list.semicolon", self.lang)
        facts = {
            "card.layers": label("list.comma", self.lang).join(role_name(role, self.lang) for role in self.layers),
            "fact.standard": label("list.comma", self.lang).join(
                named("standard", standard, self.lang) for standard in self.standards
            ),
            "fact.year": "" if self.year is None else str(self.year),
            "card.circles": between.join(circle.title(self.lang) for circle in self.circles),
            "card.goals": between.join(goal.title(self.lang) for goal in self.goals),
        }
        return card(self.heading, facts, lang=self.lang)


@dataclass(frozen=True, eq=False, repr=False)
class Proposal:
    """A goal, its plan, and the curve of coverage by number of sites if requested."""

    goal: Goal
    plan: Plan
    reach: Reach
    curve: pd.DataFrame | None


@dataclass(frozen=True, eq=False, repr=False)
class Results:
    """The fields of an `Outcome`; see there."""

    study: Study
    layers: Mapping[str, gpd.GeoDataFrame]
    network: Network
    places: Mapping[str, Places]
    coverage: pd.DataFrame
    apart: Mapping[str, pd.Series]
    bands: Mapping[str, pd.DataFrame]
    areas: Mapping[str, gpd.GeoDataFrame]
    audit: Audit | None
    proposals: Mapping[str, Proposal]
    steps: Mapping[str, float]
    audits: Mapping[str, Audit] = field(default_factory=dict)
    analyses: Mapping[str, Any] = field(default_factory=dict)
