"""Which streets are open to walkers: a profile over the tags of OpenStreetMap.

A street is closed, and counted under the first reason that holds,

===================  ===========================================================================================
reason               when
===================  ===========================================================================================
its class            `highway` is in `CLOSED`: motorways, what is not built or no longer there, race tracks, lay-bys
                     and rest areas, platforms and corridors (inside buildings, or beside the track: drawn apart
                     from the streets, so that a place would snap onto an island), ladders and climbing routes
its class            `highway` is in `ONLY_IF_ALLOWED` (trunk roads, busways, cycle tracks), unless `foot` or
                     `sidewalk` allows walking
``"area=yes"``       the line is the outline of a surface, and its class is not in `SQUARES`
``"foot=no"`` …      `foot` is in `FOOT_CLOSED`
``"access=no"`` …    `access` is in `ACCESS_CLOSED`, unless `foot` allows walking
===================  ===========================================================================================

Everything else is open, also classes that the profile does not know. One-way signs, `service` and the surface do not
bind walkers. This follows the "walk" filter of osmnx [1]_ with these differences. Motorways are named in full. A cycle
track with ``foot=designated`` is a shared path and stays. ``access=private`` with a right of way (``foot=yes``) stays.
A street whose sidewalk is drawn apart (``sidewalk=separate``) stays, because crossings and house doors are often joined
to the street alone. The outline of a square stays, because the ways that end at the square would otherwise lead
nowhere; the way along the outline is a little longer than that across, never shorter. The meaning of the values is that
of the OpenStreetMap wiki [2]_.

References
----------
.. [1] G. Boeing, "Modeling and analyzing urban networks and amenities with OSMnx", Geographical Analysis 57 (4), 2025,
   pp. 567-577.
.. [2] OpenStreetMap Wiki, "Key:access", "Key:foot", "Key:highway".
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["walkable"]

log = logging.getLogger(__name__)

#: Classes on which nobody walks, whatever else is said of them.
CLOSED = frozenset({
    "motorway", "motorway_link",
    "construction", "proposed", "planned", "no",
    "abandoned", "disused", "demolished", "razed", "dismantled", "removed",
    "raceway", "bus_guideway", "escape", "motor",
    "rest_area", "services", "platform", "corridor",
    "ladder", "via_ferrata",
})  # fmt: skip
#: Classes that are open where `foot` or `sidewalk` says so.
ONLY_IF_ALLOWED = frozenset({"trunk", "trunk_link", "busway", "cycleway"})
#: Values of `foot` or `sidewalk` that allow walking on those.
ALLOWED = frozenset({"yes", "both", "left", "right", "separate", "designated", "permissive"})
#: Values of `foot` that allow walking where `access` does not.
FOOT_OPEN = frozenset({"yes", "designated", "permissive", "official"})
FOOT_CLOSED = frozenset({"no", "private", "use_sidepath"})
ACCESS_CLOSED = frozenset({"no", "private"})

#: Surfaces to walk on, whose outline joins the ways that end there.
SQUARES = frozenset({"pedestrian", "footway", "path", "living_street"})

Mask = npt.NDArray[np.bool_]


def walkable(frame: pd.DataFrame) -> tuple[pd.Series, dict[str, int]]:
    """Tell which streets are open to walkers, and why the others are not.

    Parameters
    ----------
    frame
        Streets, a row each; columns `highway`, `foot`, `access`, `sidewalk`, `area` count as far as they are there.
        A cell may hold several values, as a list (osmnx) or joined by ";": what closes one of them closes the street.
        Empty cells say nothing.

    Returns
    -------
    open
        Booleans on the index of *frame*.
    left_out
        Number of closed streets by reason, sorted by it: a class, or a tag as ``"foot=no"``. A street with several
        reasons counts once. It is told in the log, too.

    Examples
    --------
    >>> streets = pd.DataFrame({"highway": ["motorway", "trunk", "trunk", "path", "service"],
    ...                         "sidewalk": [None, None, "both", None, None],
    ...                         "access": [None, None, None, "private", None]})
    >>> is_open, left_out = walkable(streets)
    >>> is_open.tolist(), left_out
    ([False, False, True, False, True], {'access=private': 1, 'motorway': 1, 'trunk': 1})
    """
    tags = {name: _Tag(frame[name]) for name in ("highway", "foot", "access", "sidewalk", "area") if name in frame}
    none = np.zeros(len(frame), np.bool_)

    def among(name: str, values: Collection[str]) -> Mask:
        return tags[name].among(values) if name in tags else none

    allowed = among("foot", ALLOWED) | among("sidewalk", ALLOWED)
    barred = among("highway", CLOSED) | (among("highway", ONLY_IF_ALLOWED) & ~allowed)
    rules: tuple[tuple[str, Callable[[str], str], Collection[str], Mask], ...] = (
        ("highway", str, CLOSED | ONLY_IF_ALLOWED, barred),
        ("area", "area={}".format, {"yes"}, among("area", {"yes"}) & ~among("highway", SQUARES)),
        ("foot", "foot={}".format, FOOT_CLOSED, among("foot", FOOT_CLOSED)),
        ("access", "access={}".format, ACCESS_CLOSED, among("access", ACCESS_CLOSED) & ~among("foot", FOOT_OPEN)),
    )
    closed = none.copy()
    counts: dict[str, int] = {}
    for name, reason, values, rule in rules:
        new = rule & ~closed
        if new.any():
            counts |= {reason(value): number for value, number in tags[name].count(new, values)}
            closed |= new
    left_out = dict(sorted(counts.items()))
    if left_out:
        log.info("streets left out, closed to walkers: %s", left_out)
    return pd.Series(~closed, index=frame.index, name="walkable"), left_out


class _Tag:
    """A column of tags as codes of its few distinct values, so that a million rows cost no more than these."""

    def __init__(self, column: pd.Series) -> None:
        try:
            codes, values = pd.factorize(column)
        except TypeError:  # lists, as osmnx makes them where it merges streets
            codes, values = pd.factorize(pd.Series([";".join(words(cell)) or None for cell in column], dtype=object))
        self.codes: npt.NDArray[np.intp] = codes
        self.words = [words(value) for value in values]

    def among(self, values: Collection[str]) -> Mask:
        """Tell where the column has one of *values*."""
        hit = np.array([any(word in values for word in each) for each in self.words] + [False])  # last: empty cells
        found: Mask = hit[self.codes]
        return found

    def count(self, rows: Mask, values: Collection[str]) -> list[tuple[str, int]]:
        """Count in *rows* the first of *values* that each cell holds."""
        first = [next((word for word in each if word in values), "") for each in self.words]
        found = pd.Series(np.array(first, object)[self.codes[rows]]).value_counts()
        return [(str(value), int(number)) for value, number in found.items()]


def words(cell: Any) -> tuple[str, ...]:
    """Split a cell of tags into its values, lower case: a list as osmnx makes them, or text joined by ";".

    Examples
    --------
    >>> words(["Steps", "footway"]), words("steps;footway"), words(None)
    (('steps', 'footway'), ('steps', 'footway'), ())
    """
    if isinstance(cell, (list, tuple, set, np.ndarray)):
        return tuple(word for each in cell for word in words(each))
    if pd.isna(cell):
        return ()
    return tuple(word for part in str(cell).split(";") if (word := part.strip().lower()))


def has_word(column: pd.Series, word: str) -> Mask:
    """Tell which cells hold *word* among their values."""
    return _Tag(column).among({word})
