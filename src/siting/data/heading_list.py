"""The columns of a layer that are understood, not used, and missing: three lists in one table."""

from __future__ import annotations

from typing import Any

import pandas as pd

from siting.data import roles
from siting.data.column_matching import match_columns
from siting.data.columns import Column
from siting.data.roles import Role
from siting.data.similar_columns import Similar, similar_columns
from siting.labels import Language, label

__all__ = ["list_headings"]


def list_headings(frame: Any, role: str | Role, *, lang: Language = "zh") -> pd.DataFrame:
    """List the headings of a layer that are understood and not used, and the missing columns.

    Parameters
    ----------
    frame
        A layer from `read_layer` or `check_layer`, which keep the headings of the file in
        ``attrs["understood"]``, or an unchecked table.
    role
        Name of a role (see `list_roles`), or a `Role`.
    lang
        Language of the column ``says``: ``"zh"`` or ``"en"``.

    Returns
    -------
    pandas.DataFrame
        A row for each heading and each missing column: ``list`` (``"understood"``, ``"not_used"`` or ``"missing"``),
        ``heading`` (as in the file, empty if missing), ``column`` (the canonical name; if not used the nearest, if
        any), ``says`` (how it is read, why it is not used, what a missing column would allow).

    Examples
    --------
    >>> table = pd.DataFrame({"常住人口": [5], "70岁以上老人": [1]}, index=pd.Index(["a"], name="id"))
    >>> list_headings(table, "communities", lang="en").head(2)[["list", "heading", "column"]]
             list  heading      column
    0  understood     常住人口  population
    1    not_used  70岁以上老人     elderly
    """
    kind = roles.role(role)
    from_file = {name: source for source, name in frame.attrs.get("understood", {}).items()}
    has_id = frame.index.name == "id"
    matching = match_columns(kind, _headings(frame), {}, has_id=has_id)
    taken = {name: from_file.get(name, source) for source, name in matching.renames.items()}
    # Read, but not columns: coordinates are the geometry, ids the index.
    names = {column.name for column in kind.columns} - ({"id"} if has_id else set())
    taken |= {name: source for name, source in from_file.items() if name not in taken and name not in names}
    cut = {*map(str, matching.cut), *frame.attrs.get("cut", ())}
    several = {name for like in matching.unused.values() if like.reason == "several" for name in like.columns}
    present = {*taken, *several, *(["id"] if has_id else [])}
    rows = [
        ("understood", str(source), name, _understood(kind, str(source), name, str(source) in cut, lang))
        for name, source in taken.items()
    ]
    rows += [("not_used", str(s), like.nearest, _not_used(kind, like, lang)) for s, like in matching.unused.items()]
    rows += [("missing", "", c.name, _missing(c, lang)) for c in kind.columns if c.name not in present]
    return pd.DataFrame(rows, columns=["list", "heading", "column", "says"])


def _headings(frame: Any) -> list[object]:
    """Return the headings of a layer or table, without that of its geometry."""
    geometry = getattr(frame, "active_geometry_name", None)
    return [name for name in frame.columns if name != geometry]


def _understood(kind: Role, source: str, name: str, cut: bool, lang: Language) -> str:
    column = next((column for column in kind.columns if column.name == name), None)
    if column is None:
        return ""
    parts = [_meaning(column, lang)]
    factor = column.factor(source)
    if factor not in (None, 1.0):
        parts.append(label("check.times", lang, factor=f"{factor:,.8g}"))
    if cut:
        parts.append(label("check.cut", lang))
    return label("list.semicolon", lang).join(parts)


def _not_used(kind: Role, like: Similar, lang: Language) -> str:
    parts = [like.why(lang)] if like.reason else []
    if like.columns and like.reason != "several":
        names = [name if lang == "en" else f"{name} {kind.column(name).zh}" for name in like.columns]
        parts.append(label("check.closest", lang, columns=label("list.comma", lang).join(names)))
    return label("list.semicolon", lang).join(parts) or label("check.no_closest", lang)


def _missing(column: Column, lang: Language) -> str:
    allows = column.allows_en if lang == "en" else column.allows_zh
    required = label("check.required", lang) if column.required else ""
    return label("list.semicolon", lang).join(filter(None, (_meaning(column, lang), required, allows)))


def _meaning(column: Column, lang: Language) -> str:
    return column.meaning_en if lang == "en" else column.zh


def similar_headings(frame: Any, role: str, column: str) -> list[str]:
    """Return the headings of a layer that resemble a canonical column that it lacks."""
    kind = roles.role(role)
    return [str(name) for name in _headings(frame) if column in similar_columns(kind, str(name)).columns]
