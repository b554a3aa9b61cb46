"""Names of districts, told apart where several have the same."""

from __future__ import annotations

from typing import Any

import pandas as pd

__all__: list[str] = []


def names_apart(districts: Any) -> pd.Series:
    """Return the name of each district; where several have one name, with the district above, else the id, in brackets.

    Examples
    --------
    >>> names = ["城东街道", "城东街道", "城西街道"]
    >>> names_apart(pd.DataFrame({"name": names, "parent": ["甲区", "乙区", "甲区"]}, index=["1", "2", "3"])).tolist()
    ['城东街道（甲区）', '城东街道（乙区）', '城西街道']
    """
    ids = pd.Series(districts.index.astype(str), districts.index, dtype=object)
    if "name" not in districts:
        return ids
    names: pd.Series = districts["name"].astype(object).where(districts["name"].fillna("") != "", ids)
    for more in (_above(districts), ids):
        twice = names.duplicated(keep=False) & (more != "")
        names = names.mask(twice, names.astype(str) + "（" + more.astype(str) + "）")
    return names.rename("name")


def _above(districts: Any) -> pd.Series:
    """Return the name of the district above each, as `parent` gives it or as the layer calls it."""
    if "parent" not in districts:
        return pd.Series("", districts.index, dtype=object)
    above = districts["parent"].astype(object).fillna("")
    called = dict(zip(districts.index, districts["name"], strict=True))
    found: pd.Series = above.map(lambda parent: called.get(parent, parent))
    return found


def full_names(districts: Any) -> pd.Series:
    """Return the ids by every name that is one district's alone: its own, and that of the district above before it.

    Examples
    --------
    >>> towns = pd.DataFrame({"name": ["城东街道", "城东街道"], "parent": ["甲区", "乙区"]}, index=["1", "2"])
    >>> full_names(towns).to_dict()
    {'甲区城东街道': '1', '乙区城东街道': '2', '城东街道（甲区）': '1', '城东街道（乙区）': '2'}
    """
    if "name" not in districts:
        return pd.Series(dtype=object)
    names: pd.Series = districts["name"].astype(object)
    spelt = [names, _above(districts).astype(str) + names.astype(str), names_apart(districts)]
    every = pd.concat([pd.Series(districts.index, each, dtype=object) for each in spelt])
    every = every[~pd.MultiIndex.from_arrays([every.index, every]).duplicated()]
    return every[~every.index.duplicated(keep=False)]
