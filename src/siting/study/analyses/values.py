"""An analysis of a study: the function that it asks for, and the arguments as they are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from siting.labels import label

__all__ = ["Analysis"]


@dataclass(frozen=True)
class Analysis:
    """A table such as [[merge_sites]] of a study.

    Attributes
    ----------
    key
        The name of the function.
    name
        The name of its result: in files, and for other tables that use it.
    arguments
        The arguments of the function as they stand in the file: names of layers, columns, ways and goals.
    title
        Title for readers by language; without it the usual one.
    """

    key: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    title: Mapping[str, str] | None = None

    @property
    def stem(self) -> str:
        """The name of its files, without ending."""
        return f"{self.key}_{self.name}"

    @property
    def where(self) -> str:
        """How the file calls it."""
        return f"[[{self.key}]] {self.name}"

    def heading(self, lang: str) -> str:
        """Return its title for readers.

        Examples
        --------
        >>> Analysis("close_pairs", "near").heading("en")
        'Facilities close to each other (near)'
        """
        if self.title is not None and lang in self.title:
            return self.title[lang]
        return label("analysis.heading", lang, what=label(f"analysis.{self.key}", lang), name=self.name)
