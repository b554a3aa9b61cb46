"""Where arguments are looked up, as the kinds of arguments see it: a call, and all that a study has found so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import pandas as pd

from siting.study.analyses.values import Analysis
from siting.study.asked import Asked, Town

__all__ = ["Calling", "Finding"]


class Finding(Protocol):
    """What a study has and finds: layers, columns, ways, goals, and results of its tables."""

    def frame(self, given: Any) -> pd.DataFrame:
        """Return a layer, the result of a table, or rows as they stand in the file."""

    def layer(self, name: str) -> Any:
        """Return a layer, or the result of a table that is one."""

    def layers_for(self, written: Mapping[str, Any], swapped: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the layers of the study with others in their places."""

    def series(self, given: str, layers: tuple[str, ...] = ()) -> pd.Series:
        """Return a column, or the result of a table that is one value for each place."""

    def column(self, given: str, ways: Any, end: str) -> pd.Series:
        """Return a column for the places at an end of ways."""

    def number(self, name: str) -> float:
        """Return the result of a table that is one number."""

    def ways(self, ways: Any) -> Any:
        """Return the ways between two layers."""

    def plan(self, goal: str) -> Any:
        """Return the plan of a goal."""

    def sites(self, given: str | tuple[str, ...]) -> tuple[Any, ...]:
        """Return the new sites of a goal, or the ids themselves."""

    def aim(self, goal: str, asked: Asked | None = None) -> Any:
        """Return the objective of a goal, or another with its columns looked up there."""

    def town(self, goal: str) -> Any:
        """Return the communities and sites of a goal."""

    def problem(self, goal: str) -> dict[str, Any]:
        """Return the ways, people, take-up and rules of a goal."""

    def reach_of(self, town: Any) -> Any:
        """Return the ways to the sites of a goal."""

    def standard(self, given: Any) -> Any:
        """Return the rules of a standard that are asked for."""

    def settings(self, function: str, written: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the study says for arguments of a function that its table leaves out."""


class Calling(Protocol):
    """A table whose arguments are looked up."""

    @property
    def lookup(self) -> Finding:
        """What the study has and finds."""

    @property
    def analysis(self) -> Analysis:
        """The table."""

    @property
    def goal(self) -> str:
        """The goal that the table names."""

    @property
    def town(self) -> Town:
        """The communities and sites of that goal."""

    def column(self, value: Any, of: str, end: str) -> Any:
        """Return a column of the layer of an argument, or of an end of its ways."""

    def scenarios(self, value: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Return scenarios."""
