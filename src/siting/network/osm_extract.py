"""Reading an extract of OpenStreetMap: its streets, barriers and squares, as arrays.

pyosmium filters the file in C++ and writes it as text (OPL); Python handles one line per street and nothing per node.
"""

from __future__ import annotations

import bz2
import gzip
import io
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.parsers import expat

import numpy as np
import pandas as pd

from siting.errors import NetworkError
from siting.messages import Message
from siting.network.osm_opl import DEGREE, NOWHERE, Source, plain
from siting.network.walkable_streets import KNOWN, SQUARES, barred
from siting.numbers import Bools, Ints, Ints32

if TYPE_CHECKING:
    import osmium

log = logging.getLogger(__name__)

#: Tags that become columns of the edges, where any way has them.
TAGS = ("highway", "name", "bridge", "tunnel", "layer", "oneway", *(tag for tag in KNOWN if tag != "private"))
#: Tags that decide whether a way is a street and who may walk there; no columns of the edges.
ALSO = ("man_made", "route", "place", "foot:conditional", "access:conditional")
#: Tags of nodes that may close a way.
OF_NODES = ("barrier", "locked", "entrance", "access", "foot")
#: Suffix → the format for the reader, so that content cannot change it.
FORMATS = {
    ".pbf": "pbf",
    ".osm": "osm", ".osm.gz": "osm.gz", ".osm.bz2": "osm.bz2",
    ".osm.xml": "osm", ".osm.xml.gz": "osm.gz", ".osm.xml.bz2": "osm.bz2",
}  # fmt: skip
#: OpenStreetMap text shrinks to about a tenth; a file that unpacks to more than this many times its size is no map.
MOST_UNPACKED = 200

_REMOTE = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:|^[\\/]+vsi|^[\\/]{2}")
_CHANGES = re.compile(r"\.osc(\.gz|\.bz2|\.xml)*$")
_GONE = re.compile(rb"""action\s*=\s*["']delete|visible\s*=\s*["']false""")
#: Of "n12x3.4y5.6,n13…": a line for each node, with commas between its numbers.
_TO_CSV = bytes.maketrans(b",xy", b"\n,,")


@dataclass(frozen=True, eq=False)
class Ways:
    """Ways of the file: a row of tags each, and their nodes one after another."""

    tags: pd.DataFrame
    size: Ints  # nodes of each way
    ref: Ints
    x: Ints32
    y: Ints32

    def select(self, keep: Bools) -> Ways:
        """Return some of the ways."""
        if keep.all():
            return self
        node = np.repeat(keep, self.size)
        return Ways(self.tags[keep], self.size[keep], self.ref[node], self.x[node], self.y[node])


class Extract(NamedTuple):
    """The streets of a file."""

    ways: Ways
    closed: Ints  # ids of nodes where nobody passes
    private: Ints  # ids of nodes where only those who live behind them pass


def local_file(path: str | Path) -> Path:
    """Return the file *path* names; refuse a missing file and other formats."""
    text = str(path)
    if _REMOTE.search(text) and not re.match(r"[A-Za-z]:[\\/]", text):
        raise NetworkError(Message("reading.remote", file=text))
    file = Path(path)
    if _CHANGES.search(file.name.lower()):
        raise NetworkError(Message("osm.changes", file=file.name))
    if _format(file) is None:
        raise NetworkError(Message("osm.other_kind", file=file.name))
    if not file.is_file():
        raise NetworkError(Message("osm.no_file", file=text))
    return file


def _format(file: Path) -> str | None:
    return next((kind for suffix, kind in FORMATS.items() if file.name.lower().endswith(suffix)), None)


def read_extract(file: Path, *, walking: bool = True, ferries: bool = False) -> Extract:
    """Read streets with their nodes; also barriers, piers and squares, which have no `highway`, if *walking*."""
    try:
        import osmium
    except ImportError as fault:
        said = Message("data.needs_extra", what=f'"{file.name}"', package="osmium", extra="osm")
        raise NetworkError(said) from fault
    kind = _format(file) or ""
    try:
        _refuse_bomb(file, kind)
        return _read(osmium.io.File(str(file), kind), file, kind, walking, ferries)
    except NetworkError:
        raise
    except (RuntimeError, ValueError, OSError, EOFError, osmium.InvalidLocationError) as fault:
        raise NetworkError(Message("osm.unread", file=file.name, why=str(fault))) from fault


def _open(file: Path, kind: str) -> Any:
    opener: Any = gzip.open if kind.endswith(".gz") else bz2.open if kind.endswith(".bz2") else open
    return opener(file, "rb")


def _refuse_bomb(file: Path, kind: str) -> None:
    if not kind.endswith((".gz", ".bz2")):
        return  # a block of a .pbf may not unpack to more than 32 MB, says its format, and the reader keeps to it
    most, size = max(MOST_UNPACKED * file.stat().st_size, 2**24), 0
    with _open(file, kind) as handle:
        while block := handle.read(2**20):
            size += len(block)
            if size > most:
                raise NetworkError(Message("osm.unpacks", file=file.name, times=MOST_UNPACKED))


def _read(source: osmium.io.File, file: Path, kind: str, walking: bool, ferries: bool) -> Extract:
    import osmium

    with osmium.io.Reader(source, osmium.osm.NOTHING) as reader:
        header = reader.header()
    if header.has_multiple_object_versions:
        raise NetworkError(Message("osm.history", file=file.name))
    to_read = Source(source, header)
    streets = ("highway", *(("man_made", "place") if walking else ()), *(("route",) if ferries else ()))
    kinds = osmium.osm.NODE | osmium.osm.WAY | (osmium.osm.RELATION if walking else osmium.osm.NOTHING)
    lines = to_read.lines(
        _of(osmium.filter.KeyFilter("barrier"), osmium.osm.NODE),
        _of(osmium.filter.KeyFilter(*streets), osmium.osm.WAY),
        _of(osmium.filter.TagFilter(("type", "multipolygon")), osmium.osm.RELATION),
        _of(osmium.filter.KeyFilter("highway", "place"), osmium.osm.RELATION),
        entities=kinds,
    )
    gone = {} if kind == "pbf" else _gone(file, kind)
    nodes = _Table(OF_NODES)
    ways = _Table((*TAGS, *ALSO))
    squares: dict[int, dict[str, str]] = {}
    of_ways: list[str] = []
    for line in lines:
        what, tags, *rest = line.split(" ")
        if what[0] == "n":
            nodes.add(int(what[1:]), tags)
        elif what[0] == "w":
            ways.add(int(what[1:]), tags)
            of_ways.append(rest[0][1:])
        elif int(what[1:]) not in gone.get("relation", ()):
            squares |= {way: at for way, at in _square(tags, rest[0]).items() if way not in squares}
    found = _as_ways(ways.frame(), of_ways, ferries)
    outlines = {way: at for way, at in squares.items() if way not in set(found.tags["osm_id"].tolist())}
    if outlines:
        more = to_read.lines(osmium.filter.IdFilter(outlines), entities=osmium.osm.WAY)
        found = _with_outlines(found, more, outlines)
    to_read.find_late(found.ref, found.x, found.y)
    found.x[np.isin(found.ref, list(gone.get("node", ())))] = NOWHERE
    found = found.select(~found.tags["osm_id"].isin(gone.get("way", ())).to_numpy())
    at = nodes.frame()
    closed, private = barred(at)
    ids = at["osm_id"].to_numpy(np.int64)
    again = found.tags["osm_id"].duplicated(keep="last").to_numpy()  # in files put together from parts
    if again.any():
        log.info(Message("osm.ways_twice", n=int(again.sum())))
    return Extract(found.select(~again), ids[closed], ids[private])


def _of(chosen: Any, entities: Any) -> Any:
    """Let a filter look at some kinds of objects only; all others pass it."""
    chosen.enable_for(entities)
    return chosen


class _Table:
    def __init__(self, tags: Iterable[str]) -> None:
        self._ids: list[int] = []
        self._columns: dict[str, tuple[list[int], list[str]]] = {tag: ([], []) for tag in tags}

    def add(self, osm_id: int, tags: str) -> None:
        columns, row = self._columns, len(self._ids)
        self._ids.append(osm_id)
        for pair in tags[1:].split(","):
            key, _, value = pair.partition("=")
            if key in columns:
                rows, values = columns[key]
                rows.append(row)
                values.append(plain(value) if "%" in value else value)

    def frame(self) -> pd.DataFrame:
        made: dict[str, Any] = {"osm_id": np.array(self._ids, np.int64)}
        for tag, (rows, values) in self._columns.items():
            if rows:
                made[tag] = np.full(len(self._ids), None, object)
                made[tag][rows] = values
        return pd.DataFrame(made)


def _square(tags: str, members: str) -> dict[int, dict[str, str]]:
    """Return the outlines of a relation that is a square: ids of ways, with the tags that they take from it."""
    values = {key: plain(value) for key, _, value in (pair.partition("=") for pair in tags[1:].split(","))}
    if values.get("highway") not in SQUARES and values.get("place") != "square":
        return {}
    taken = {tag: values[tag] for tag in (*TAGS, *ALSO) if tag in values} | {"area": "yes"}
    taken.setdefault("highway", "pedestrian")
    outer = (member.partition("@") for member in members[1:].split(",") if member[:1] == "w")
    return {int(way[1:]): taken for way, _, role in outer if role in {"", "outer"}}


def _as_ways(tags: pd.DataFrame, nodes: list[str], ferries: bool) -> Ways:
    """Make ways of lines; piers, squares and ferries get a class, and what is no street is left out."""
    size = np.array([part.count(",") + 1 if part else 0 for part in nodes], np.int64)
    text = ",".join(filter(None, nodes)).encode("ascii").translate(_TO_CSV, b"n")
    # A last line without a place keeps the columns numbers, also where there is no node at all.
    table = pd.read_csv(
        io.BytesIO(text + b"\n0,,\n"), header=None, names=["ref", "x", "y"],
        dtype={"ref": np.int64, "x": np.float64, "y": np.float64},
    ).iloc[:-1]  # fmt: skip
    x, y = ((table[axis] * DEGREE).round().fillna(NOWHERE).to_numpy().astype(np.int32) for axis in ("x", "y"))
    ways = Ways(tags, size, table["ref"].to_numpy(np.int64).copy(), x, y)

    def column(name: str) -> pd.Series:
        return tags[name].astype(object) if name in tags else pd.Series(None, tags.index, dtype=object)

    street = column("highway").notna()
    square = ~street & column("place").eq("square")
    pier = ~street & ~square & column("man_made").eq("pier")
    ferry = ~street & ~square & ~pier & column("route").eq("ferry") & ferries
    if (square | pier | ferry).any():
        highway = column("highway")
        for what, name in ((square, "pedestrian"), (pier, "pier"), (ferry, "ferry")):
            highway = highway.mask(what, name)
        tags = tags.assign(highway=highway)
        if square.any():
            tags = tags.assign(area=column("area").mask(square, "yes"))
        ways = Ways(tags, size, ways.ref, x, y)
    return ways.select((street | square | pier | ferry).to_numpy())


def _with_outlines(ways: Ways, lines: Iterable[str], squares: dict[int, dict[str, str]]) -> Ways:
    rows, nodes = [], []
    for line in lines:
        what, _, on = line.split(" ")
        rows.append({"osm_id": int(what[1:]), **squares[int(what[1:])]})
        nodes.append(on[1:])
    if not rows:
        return ways
    more = _as_ways(pd.DataFrame(rows), nodes, ferries=False)
    tags = pd.concat([ways.tags, more.tags], ignore_index=True)
    both: Any = ((ways.size, more.size), (ways.ref, more.ref), (ways.x, more.x), (ways.y, more.y))
    return Ways(tags, *map(np.concatenate, both))


def _gone(file: Path, kind: str) -> dict[str, set[int]]:
    """Return the ids of what an editor has deleted and not uploaded yet, by kind; the last mention counts."""
    last: dict[str, dict[int, bool]] = {"node": {}, "way": {}, "relation": {}}

    def start(name: str, at: dict[str, str]) -> None:
        if name in last and "id" in at:
            deleted = at.get("action") == "delete" or at.get("visible") == "false"
            if deleted or int(at["id"]) in last[name]:
                last[name][int(at["id"])] = deleted

    with _open(file, kind) as handle:
        tail = b""
        while block := handle.read(2**22):
            if _GONE.search(tail + block):
                break
            tail = block[-64:]
        else:
            return {}
        handle.seek(0)
        parser = expat.ParserCreate()
        parser.StartElementHandler = start
        parser.ParseFile(handle)
    gone = {name: {one for one, deleted in ids.items() if deleted} for name, ids in last.items()}
    log.info(Message("osm.deleted", n=sum(map(len, gone.values()))).within(file.name))
    return gone
