"""Names for ids in what is said of a plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, TypeAlias

import pandas as pd

from siting.errors import ProblemError
from siting.messages import Message
from siting.propose.plan.rule_text import bracketed

__all__ = ["Named", "SiteNames"]

#: Names by id, for all that has ids; or a mapping of "sites", "communities" and "groups" to names by id.
Named: TypeAlias = "Mapping[Any, Any] | pd.Series | None"
KINDS = ("sites", "communities", "groups")


class SiteNames:
    """Names of sites, communities and groups by id; the id stands beside a name that several have."""

    def __init__(self, names: Named = None, lang: str = "zh") -> None:
        self.lang = lang
        given: dict[str, Any] = dict.fromkeys(KINDS, names)
        if isinstance(names, Mapping) and any(isinstance(value, (Mapping, pd.Series)) for value in names.values()):
            if strange := [key for key in names if key not in KINDS]:
                raise ProblemError(Message("question.names_key", value=strange[0], choices=KINDS))
            given = {kind: names.get(kind) for kind in KINDS}
        self.known = {kind: _read(values) for kind, values in given.items()}
        self.twice = {kind: _repeated(values) for kind, values in self.known.items()}

    def site(self, key: object) -> str:
        """Return the name of a site, or its id."""
        return self._name("sites", key)

    def community(self, key: object) -> str:
        """Return the name of a community, or its id."""
        return self._name("communities", key)

    def group(self, key: object) -> str:
        """Return the name of a group, such as a district, which may be given as text."""
        known = self.known["groups"]
        return self._name("groups", key if key in known else next((each for each in known if str(each) == key), key))

    def _name(self, kind: str, key: object) -> str:
        name = self.known[kind].get(key)
        if name is None or name == str(key):
            return str(key)
        return f"{name}{bracketed(str(key), self.lang)}" if name in self.twice[kind] else name


def _read(values: Any) -> dict[Any, str]:
    if values is None:
        return {}
    if not isinstance(values, (Mapping, pd.Series)):
        raise ProblemError(Message("question.names", value=values))
    found: dict[Any, str] = {}
    items: Any = values.items()
    for key, value in items:
        name = "" if pd.isna(value) else str(value).strip()
        if name:
            found[key] = name
    return found


def _repeated(names: dict[Any, str]) -> set[str]:
    count = Counter(names.values())
    return {name for name, number in count.items() if number > 1}
