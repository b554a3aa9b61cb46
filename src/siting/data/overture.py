"""Places of Overture Maps, whose columns hold records, as a plain table.

=====================  ==========================================================================
``name``               ``names.primary``
``category``           ``categories.primary`` (since 2026 ``taxonomy.primary``)
``facility_type``      the type that ``overture.toml`` gives for the category; else the category
``other_categories``   ``categories.alternate``, joined by ";"
``confidence``         from 0 to 1, as it is
``operating_status``   as it is
``address``            ``addresses``: ``freeform`` of the first
``locality``           ``locality`` of the first
``postcode``           ``postcode`` of the first
``brand``              ``brand.names.primary``
``phones``             joined by ";", as ``websites``, ``emails`` and ``socials``
=====================  ==========================================================================

``bbox``, ``sources``, ``version`` and the records themselves are left out; ``id`` stays.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from siting.data.toml_files import package_toml
from siting.data.values import text_of

logger = logging.getLogger(__name__)

_LISTS = ("phones", "websites", "emails", "socials")
_RECORDS = ("names", "categories", "taxonomy", "addresses", "brand", "bbox", "sources", "version")
#: New column → the column and the keys down to its value.
_PATHS = {
    "name": ("names", "primary"), "address": ("addresses", "freeform"), "locality": ("addresses", "locality"),
    "postcode": ("addresses", "postcode"), "brand": ("brand", "names", "primary"),
}  # fmt: skip


def flattened(frame: Any, layer: str) -> Any:
    """Return places of Overture Maps as a plain table; any other frame as it is."""
    if not _is_overture(frame):
        return frame
    kind = "taxonomy" if "taxonomy" in frame.columns and _holds(frame["taxonomy"], "primary") else "categories"
    added = {name: _column(frame[path[0]], path[1:]) for name, path in _PATHS.items() if path[0] in frame.columns}
    added["category"] = _column(frame[kind], ("primary",))
    types = package_toml("overture.toml")
    added["facility_type"] = [types.get(word, word) for word in added["category"]]
    added["other_categories"] = _column(frame[kind], ("alternate" if kind == "categories" else "alternates",))
    added |= {name: [text_of(cell) for cell in frame[name]] for name in _LISTS if name in frame.columns}
    out = frame.drop(columns=[name for name in (*_RECORDS, *_LISTS) if name in frame.columns])
    logger.info("%s: read as places of Overture Maps", layer)
    return out.assign(**{name: pd.Series(cells, index=out.index, dtype="str") for name, cells in added.items()})


def _is_overture(frame: Any) -> bool:
    kinds = [name for name in ("categories", "taxonomy") if name in frame.columns]
    return "names" in frame.columns and bool(kinds) and _holds(frame["names"], "primary")


def _holds(column: Any, key: str) -> bool:
    """Whether the cells of a column are records with a key."""
    cells = column.dropna()
    return len(cells) > 0 and isinstance(cells.iloc[0], Mapping) and key in cells.iloc[0]


def _column(column: Any, keys: tuple[str, ...]) -> list[str]:
    return [text_of(_value(cell, keys)) for cell in column]


def _value(cell: Any, keys: tuple[str, ...]) -> Any:
    """Return the value below the keys in a record, in the first of several."""
    for key in keys:
        if isinstance(cell, (list, tuple, np.ndarray)):
            cell = cell[0] if len(cell) else None
        cell = cell.get(key) if isinstance(cell, Mapping) else None
    return cell
