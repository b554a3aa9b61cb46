"""Which streets are open to walkers, and which are private: a profile over the tags of OpenStreetMap.

A street is closed, and counted under the first reason that holds,

====================  ==========================================================================================
reason                when
====================  ==========================================================================================
its class             `highway` is in `CLOSED`: motorways, what is not built or no longer there, race tracks, lay-bys
                      and rest areas, platforms (drawn apart from the streets, so that a place would snap onto an
                      island), ladders and climbing routes, ferries and railways
its class             `highway` is in `ONLY_IF_ALLOWED` (trunk roads, busways, cycle tracks), unless `foot` or a
                      sidewalk allows walking
``"motorroad=yes"``   `motorroad` is yes, unless `foot` or a sidewalk allows walking
``"waterway"`` …      it has no class, and is something else in a layer of lines of all kinds (`OTHER_LINES`)
``"area=yes"``        the line is the outline of a surface, and its class is not in `SQUARES`
``"foot=no"`` …       `foot` is in `FOOT_CLOSED`
``"access=no"`` …     `access` is in `ACCESS_CLOSED`, unless `foot` says otherwise
====================  ==========================================================================================

Everything else is open, also classes that the profile does not know; a warning names these. A street is private where
`foot` is in `FOOT_PRIVATE`, or `access` in `ACCESS_PRIVATE` and `foot` does not open it, or a column `private` says so:
only those who live or work there walk on it. One-way signs, `service` and the surface have no effect.

The values have the meaning of the OpenStreetMap wiki [1]_; ``docs/methods/walking.md`` compares other pedestrian
profiles. A street whose sidewalk is drawn apart (``sidewalk=separate``) stays, because crossings and house doors are
often joined to the street alone. The outline of a square stays, because it joins the ways that end there; the walk
along the outline is a little longer than that across.

References
----------
.. [1] OpenStreetMap Wiki, "Key:access", "Key:foot", "Key:highway", "Key:sidewalk", "Key:motorroad".
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from siting.labels import LANGUAGES, named
from siting.messages import Message
from siting.network.street_words import KNOWN_CLASSES, Tag
from siting.numbers import Bools

log = logging.getLogger(__name__)

#: Classes closed to walkers, whatever the other tags are.
CLOSED = frozenset({
    "motorway", "motorway_link",
    "construction", "proposed", "planned", "no",
    "abandoned", "disused", "demolished", "razed", "dismantled", "removed", "historic",
    "raceway", "bus_guideway", "escape", "motor",
    "rest_area", "services", "emergency_bay", "layby", "platform",
    "ladder", "via_ferrata", "railway", "ferry",
})  # fmt: skip
#: Classes that are open where `foot` or a sidewalk says so.
ONLY_IF_ALLOWED = frozenset({"trunk", "trunk_link", "busway", "cycleway"})
#: Values of `foot` or `sidewalk` that allow walking on those.
ALLOWED = frozenset({"yes", "both", "left", "right", "separate", "designated", "permissive"})
#: Tags of a sidewalk by its side, and their values that mean that there is one.
SIDES = ("sidewalk:both", "sidewalk:left", "sidewalk:right")
SIDE_ALLOWED = frozenset({"yes", "separate"})
#: Values of `foot` that allow walking where `access` does not.
FOOT_OPEN = frozenset({"yes", "designated", "permissive", "official", "public", "allowed"})
FOOT_CLOSED = frozenset({"no", "use_sidepath", "emergency", "military"})
#: Values that admit only some walkers.
FOOT_PRIVATE = frozenset({
    "private", "residents", "permit", "employees", "staff", "members", "tenants", "students", "restricted", "service",
    "destination", "customers", "delivery",
})  # fmt: skip
ACCESS_CLOSED = frozenset({"no", "emergency", "military"})
#: Without ``destination``, ``customers`` and ``delivery``, which mean those who drive: signs of streets and car parks.
ACCESS_PRIVATE = FOOT_PRIVATE - {"destination", "customers", "delivery"}
#: Values that are understood and without effect.
NO_EFFECT = frozenset({
    "destination", "customers", "delivery", "agricultural", "forestry", "discouraged", "limited", "designated",
    "official", "permissive", "public", "allowed", "unknown", "variable", "visitors", "bus", "psv", "hov", "hgv",
    "bicycle", "motor_vehicle", "motorcar", "vehicle", "foot", "crossing", "sidewalk",
})  # fmt: skip
SIDEWALKS = ALLOWED | {"no", "lane", "shared", "raised", "shoulder", "mapped", "crossing", "opposite", "only", "this"}

#: Surfaces to walk on, whose outline joins the ways that end there.
SQUARES = frozenset({"pedestrian", "footway", "path", "living_street", "corridor"})
#: Columns of a layer of lines of all kinds: a line that has one of them and no class is no street.
OTHER_LINES = ("waterway", "railway", "aerialway", "aeroway", "barrier", "power", "boundary", "natural", "landuse",
               "building", "area:highway", "man_made")  # fmt: skip
#: Tags that depend on the hour, which the profile does not judge.
CONDITIONAL = ("foot:conditional", "access:conditional")
#: The words of each column that are understood; the classes stand in ``street_words.toml``.
KNOWN: dict[str, frozenset[str]] = {
    "foot": FOOT_OPEN | FOOT_CLOSED | FOOT_PRIVATE | NO_EFFECT,
    "access": ACCESS_CLOSED | ACCESS_PRIVATE | NO_EFFECT | {"yes"},
    "sidewalk": SIDEWALKS,
    **dict.fromkeys(SIDES, SIDEWALKS),
    **dict.fromkeys(("area", "motorroad", "private"), frozenset({"yes", "no"})),
}
#: All columns that count.
READ = ("highway", *KNOWN, *OTHER_LINES, *CONDITIONAL)

#: Barriers on a way that have no opening unless a tag says so; gates, bollards, stiles and kerbs let walkers through.
WALLS = frozenset({"wall", "fence", "city_wall", "retaining_wall", "hedge", "ditch", "wire_fence", "railing"})
#: Values of `foot` or `access` of a barrier that let everybody through, whatever it is.
LETS_PASS = FOOT_OPEN | {"destination", "customers", "delivery"}


class Walkable(NamedTuple):
    """Which streets are open, and which of them are private: booleans on their index."""

    open: pd.Series
    private: pd.Series  # open to those who live or work there, closed to those who would pass
    left_out: dict[str, int]  # closed streets by reason
    unread: dict[str, int]  # streets by word that is not understood, as "highway=xyz"


def walkable(frame: pd.DataFrame, *, ferries: bool = False) -> Walkable:
    """Find the streets open to walkers, the reasons for the others, and the private ones.

    Columns of `READ` count where present, in the words of OpenStreetMap or of ``street_words.toml``. A
    cell may hold several values, as a list (osmnx) or joined by ";": one that is closed closes the street. Empty
    cells have no effect. Columns `other_tags` (GDAL) and `code` (Geofabrik) are read, too. In `left_out` a street with
    several reasons counts once. The log lists streets left out and private ones, a warning the unknown words.

    Examples
    --------
    >>> streets = pd.DataFrame({"highway": ["motorway", "trunk", "trunk", "path", "service"],
    ...                         "sidewalk": [None, None, "both", None, None],
    ...                         "access": [None, None, None, "no", "private"]})
    >>> found = walkable(streets)
    >>> found.open.tolist(), found.private.tolist()
    ([False, False, True, False, True], [False, False, False, False, True])
    >>> found.left_out
    {'access=no': 1, 'motorway': 1, 'trunk': 1}
    """
    frame = _with_other_tags(frame)
    known = {**KNOWN, "highway": KNOWN_CLASSES}
    tags = {name: Tag(frame[name], name, known.get(name)) for name in READ if name in frame}
    if "highway" not in tags and (codes := _codes(frame)):
        tags["highway"] = codes
    none = np.zeros(len(frame), np.bool_)

    def among(name: str, values: Collection[str]) -> Bools:
        return tags[name].among(values) if name in tags else none

    allowed = among("foot", ALLOWED) | among("sidewalk", ALLOWED)
    for side in SIDES:
        allowed = allowed | among(side, SIDE_ALLOWED)
    closed_classes = CLOSED - {"ferry"} if ferries else CLOSED
    barred = among("highway", closed_classes) | (among("highway", ONLY_IF_ALLOWED) & ~allowed)
    classless = ~tags["highway"].filled() if "highway" in tags else none
    foot_private = among("foot", FOOT_PRIVATE)
    foot_allows = foot_private | among("foot", FOOT_OPEN)
    rules: list[tuple[str, Callable[[str], str], Collection[str], Bools]] = [
        ("highway", str, closed_classes | ONLY_IF_ALLOWED, barred),
        ("motorroad", "motorroad={}".format, {"yes"}, among("motorroad", {"yes"}) & ~allowed),
        *((name, f"{name}".format, (), _other_line(tags[name]) & classless) for name in OTHER_LINES if name in tags),
        ("area", "area={}".format, {"yes"}, among("area", {"yes"}) & ~among("highway", SQUARES)),
        ("foot", "foot={}".format, FOOT_CLOSED, among("foot", FOOT_CLOSED)),
        ("access", "access={}".format, ACCESS_CLOSED, among("access", ACCESS_CLOSED) & ~foot_allows),
    ]
    closed = none.copy()
    counts: dict[str, int] = {}
    for name, reason, values, rule in rules:
        new = rule & ~closed
        if new.any():
            counts |= {reason(value): number for value, number in tags[name].count(new, values)}
            closed |= new
    private = foot_private | (among("access", ACCESS_PRIVATE) & ~foot_allows) | among("private", {"yes"})
    is_open = pd.Series(~closed, index=frame.index, name="walkable")
    is_private = pd.Series(private & ~closed, index=frame.index, name="private")
    profile = Walkable(is_open, is_private, dict(sorted(counts.items())), _unread(tags))
    _report(profile, tags)
    return profile


def barred(nodes: pd.DataFrame) -> tuple[Bools, Bools]:
    """Find the barriers that are closed, and those open to residents only: ``(closed, private)``.

    `foot` decides, else `access`; else walls without an `entrance` and what is `locked` are closed, all else is open.
    """
    tags = {str(name): Tag(nodes[name], str(name)) for name in nodes}
    none = np.zeros(len(nodes), np.bool_)

    def among(name: str, values: Collection[str]) -> Bools:
        return tags[name].among(values) if name in tags else none

    closed, private = among("foot", FOOT_CLOSED), among("foot", FOOT_PRIVATE)
    decided = closed | private | among("foot", FOOT_OPEN)
    closed = closed | (among("access", ACCESS_CLOSED) & ~decided)
    private = private | (among("access", ACCESS_PRIVATE) & ~decided)
    decided = decided | closed | private | among("access", LETS_PASS)
    opening = tags["entrance"].filled() & ~among("entrance", {"no"}) if "entrance" in tags else none
    shut = (among("barrier", WALLS) & ~opening) | among("locked", {"yes"})
    return closed | (shut & ~decided), private


def has_word(column: pd.Series, word: str) -> Bools:
    """Mark the streets with the class *word*, in any words of the column."""
    return Tag(column, "highway").among({word})


def _codes(frame: pd.DataFrame) -> Tag | None:
    """Return the column `code` as classes, where there is no other and each code is that of a class (Geofabrik)."""
    if "code" not in frame:
        return None
    tag = Tag(frame["code"], "highway", KNOWN_CLASSES)
    return tag if tag.filled().any() and not tag.unread() else None


def _other_line(tag: Tag) -> Bools:
    return tag.filled() & ~tag.among({"no", "pier"} if tag.key == "man_made" else {"no"})


def _with_other_tags(frame: pd.DataFrame) -> pd.DataFrame:
    """Give the tags that GDAL packs into one column (``"foot"=>"no","layer"=>"1"``) columns of their own."""
    if "other_tags" not in frame:
        return frame
    packed = pd.Series(frame["other_tags"], dtype="str")
    more = {name: packed.str.extract(f'(?:^|,)"{name}"=>"([^"]*)"', expand=False) for name in READ if name not in frame}
    return pd.DataFrame(frame).assign(**{name: found for name, found in more.items() if found.notna().any()})


def _unread(tags: dict[str, Tag]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, tag in tags.items():
        meaning = Message("osm.counts_open") if name == "highway" else Message("osm.counts_empty")
        found |= {f"{name}={word}": number for word, number in tag.warn_of_unread(meaning).items()}
    return found


def closed_words(left_out: Mapping[str, int]) -> list[Message]:
    """Say why streets are closed to walkers, each reason with the number of streets."""
    words = {why: {lang: named("closed", why, lang) for lang in LANGUAGES} for why in left_out}
    return [Message("osm.reason", reason=Message("data.word", **words[why]), n=n) for why, n in left_out.items()]


def _report(profile: Walkable, tags: dict[str, Tag]) -> None:
    if profile.left_out:
        log.info(Message("osm.left_out", reasons=closed_words(profile.left_out)))
    private = int(profile.private.sum())
    if private:
        log.info(Message("osm.private", n=private))
    for name in CONDITIONAL:
        number = int((tags[name].filled() & profile.open.to_numpy()).sum()) if name in tags else 0
        if number:
            log.warning(Message("osm.conditional", n=number, tag=name))
