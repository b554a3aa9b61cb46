"""Names of districts, made distinct where several share one."""

from __future__ import annotations

from typing import Any

import pandas as pd


def names_apart(districts: Any) -> pd.Series:
    """Return the name of each district; where several share one, with the district above or the id in brackets."""
    ids = pd.Series(districts.index, districts.index).astype(str).astype(object)
    names = _texts(districts, "name")
    names = names.where(names != "", ids)
    for more in (_above(districts), ids):
        twice = names.duplicated(keep=False) & (more != "")
        names = names.mask(twice, names + "（" + more + "）")
    return names.rename("name")


def full_names(districts: Any, every: Any = None) -> pd.Series:
    """Return the ids by every name of one district alone, with or without that of the one above (a row of *every*)."""
    names = _texts(districts, "name")
    above = _above(districts if every is None else every)[districts.index]
    owners: dict[str, list[object]] = {}
    for spelling in ("{name}", "{over}{name}", "{name}（{over}）"):
        for own, name, over in zip(districts.index, names, above, strict=True):
            owned = owners.setdefault(spelling.format(name=name, over=over) if over else name, [])
            if own not in owned:
                owned.append(own)
    alone = {spelt: ids[0] for spelt, ids in owners.items() if spelt and len(ids) == 1}
    return pd.Series(list(alone.values()), pd.Index(list(alone), dtype=object), dtype=object)


def _above(districts: Any) -> pd.Series:
    """Return the name of the district above each, as `parent` gives it or as the layer calls that id."""
    called = dict(zip(districts.index.astype(str), _texts(districts, "name"), strict=True))
    return _texts(districts, "parent").map(lambda parent: called.get(parent) or parent)


def _texts(districts: Any, column: str) -> pd.Series:
    """Return a column as texts, empty where it is missing."""
    if column not in districts:
        return pd.Series("", districts.index, dtype=object)
    given = districts[column]
    words = ["" if blank else str(word) for word, blank in zip(given, given.isna(), strict=True)]
    return pd.Series(words, districts.index, dtype=object)
