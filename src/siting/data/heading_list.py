"""What of a layer's columns is understood, what is not used, and what is missing: three lists in one table."""

from __future__ import annotations

from typing import Any

import pandas as pd

from siting.data import roles
from siting.data.column_matching import choose_columns
from siting.data.roles import Column, Role
from siting.data.similar_columns import Alike, alike
from siting.labels import Language, label

__all__ = ["list_headings"]


def list_headings(frame: Any, role: str | Role, *, lang: Language = "zh") -> pd.DataFrame:
    """List which headings of a layer are understood as what, which are not used, and which columns are missing.

    Parameters
    ----------
    frame
        A layer as `read_layer` or `check_layer` return it, which keep the headings of the file in
        ``attrs["understood"]``, or a table that was not checked yet.
    role
        Name of a role (see `list_roles`), or a `Role`.
    lang
        Language of the column ``says``: ``"zh"`` or ``"en"``.

    Returns
    -------
    pandas.DataFrame
        A row for each heading and each missing column: ``list`` (``"understood"``, ``"not_used"`` or ``"missing"``),
        ``heading`` (as in the file, empty for what is missing), ``column`` (the canonical name; of what is not used the
        nearest, if there is one), ``says`` (what is understood, why it is not used, what a missing column would allow).

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
    geometry = getattr(frame, "active_geometry_name", None)
    sources = [column for column in frame.columns if column != geometry]
    has_id = frame.index.name == "id"
    found = choose_columns(kind, sources, {}, has_id=has_id)
    taken = {name: from_file.get(name, source) for source, name in found.renames.items()}
    taken |= {name: source for name, source in from_file.items() if name not in taken and _stands(name, kind, has_id)}
    cut = {*map(str, found.cut), *frame.attrs.get("cut", ())}
    made = [
        ("understood", str(source), name, _understood(kind, str(source), name, str(source) in cut, lang))
        for name, source in taken.items()
    ]
    made += [
        ("not_used", str(source), next(iter(like.columns), ""), _not_used(kind, like, lang))
        for source, like in found.unused.items()
    ]
    there = {
        *taken,
        *(["id"] if has_id else []),
        *(n for a in found.unused.values() if a.reason == "several" for n in a.columns),
    }
    made += [
        ("missing", "", column.name, _missing(column, lang)) for column in kind.columns if column.name not in there
    ]
    return pd.DataFrame(made, columns=["list", "heading", "column", "says"])


def _stands(name: str, kind: Role, has_id: bool) -> bool:
    """Tell whether what was understood is kept beside the columns: coordinates as geometry, ids as the index."""
    return (name == "id" and has_id) or name not in {column.name for column in kind.columns}


def _understood(kind: Role, source: str, name: str, cut: bool, lang: Language) -> str:
    column = next((column for column in kind.columns if column.name == name), None)
    if column is None:
        return ""
    said = [_called(column, lang)]
    factor = column.factor(source)
    if factor not in (None, 1.0):
        said.append(label("check.times", lang, factor=f"{factor:,.8g}"))
    if cut:
        said.append(label("check.cut", lang))
    return label("list.semicolon", lang).join(said)


def _not_used(kind: Role, like: Alike, lang: Language) -> str:
    said = [like.why(lang)] if like.reason else []
    if like.columns and like.reason != "several":
        names = label("list.comma", lang).join(
            name if lang == "en" else f"{name} {kind.column(name).zh}" for name in like.columns
        )
        said.append(label("check.closest", lang, columns=names))
    return label("list.semicolon", lang).join(said) or label("check.no_closest", lang)


def _missing(column: Column, lang: Language) -> str:
    allows = column.allows_en if lang == "en" else column.allows_zh
    said = [_called(column, lang), *([label("check.required", lang)] if column.required else [])]
    return label("list.semicolon", lang).join([*said, *([allows] if allows else [])])


def _called(column: Column, lang: Language) -> str:
    return column.meaning_en if lang == "en" else column.zh


def similar(frame: Any, role: str, column: str) -> list[str]:
    """Return the headings of a layer that look like a canonical column that it lacks.

    Examples
    --------
    >>> similar(pd.DataFrame(columns=["可以办的服务", "备注"]), "candidates", "services")
    ['可以办的服务']
    """
    geometry = getattr(frame, "active_geometry_name", None)
    kind = roles.role(role)
    return [str(name) for name in frame.columns if name != geometry and column in alike(kind, str(name)).columns]
