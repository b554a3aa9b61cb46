"""Objects of an extract of OpenStreetMap as text, one a line (OPL), filtered and written in C++ by pyosmium."""

from __future__ import annotations

import ctypes
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from siting.numbers import Bools, Ints, Ints32

if TYPE_CHECKING:
    import osmium

NOWHERE = 2**31 - 1  # pyosmium's coordinate of a node that is not in the file
DEGREE = 1e7  # coordinates are whole 1e-7 degrees, as those of OpenStreetMap are

_SPECIAL = re.compile(r"[\x00-\x20%,=@]")
_ESCAPED = re.compile(r"%([0-9a-f]+)%")


class Source:
    """A file, and the places of its nodes, which are kept from one reading to the next."""

    def __init__(self, source: osmium.io.File, header: osmium.io.Header) -> None:
        import osmium

        self._osmium = osmium
        self._source = source
        self._placed = any(header.get(f"pbf_optional_feature_{i}") == "LocationsOnWays" for i in range(8))
        self._sorted = header.get("sorting") == "Type_then_ID"
        self._index: osmium.index.LocationTable | None = None

    def lines(self, *filters: Any, entities: Any) -> Iterator[str]:
        """Read the objects that pass *filters*, one a line."""
        try:
            return self._written(entities, filters)
        except (RuntimeError, ValueError, OSError, self._osmium.InvalidLocationError):
            # Places off the earth cannot be written, nor a full disk be; what else is wrong is found here again.
            return iter([_line(one) for one in self._looped(entities, filters)])

    def _handlers(self) -> list[Any]:
        if self._placed:
            return []
        if self._index is None:
            self._index = self._osmium.index.create_map("flex_mem")
        places = self._osmium.NodeLocationsForWays(self._index)
        places.ignore_errors()
        return [places]

    def _written(self, entities: Any, filters: tuple[Any, ...]) -> Iterator[str]:
        with tempfile.TemporaryDirectory(prefix="siting-", ignore_cleanup_errors=True) as folder:
            text = Path(folder, "streets.opl")
            kind = "opl,locations_on_ways=true,add_metadata=none"
            writer = self._osmium.SimpleWriter(self._osmium.io.File(str(text), kind))
            try:
                with self._osmium.io.Reader(self._source, entities) as reader:
                    handlers = self._handlers()
                    self._osmium.apply(reader, *handlers, *filters, writer)
            finally:
                try:
                    writer.close()
                except Exception:
                    # Kept, because deleting a failed writer would end the whole process.
                    ctypes.pythonapi.Py_IncRef(ctypes.py_object(writer))
                    raise
            found = text.read_text(encoding="utf-8")
        return iter(found.split("\n")[:-1])

    def _looped(self, entities: Any, filters: tuple[Any, ...]) -> Iterator[Any]:
        with self._osmium.io.Reader(self._source, entities) as reader:
            handlers = self._handlers()  # the iterator does not keep them
            yield from self._osmium.OsmFileIterator(reader, *handlers, *filters)

    def find_late(self, ref: Ints, x: Ints32, y: Ints32) -> None:
        """Fill in nodes that come after the ways in the file, or that an editor has numbered below 0."""
        if self._sorted or self._index is None:
            return
        lost = np.flatnonzero(~known(x, y))
        if not len(lost):
            return
        found: dict[int, tuple[int, int]] = {}
        if (ref[lost] < 0).any():
            wanted = set(ref[lost].tolist())
            for node in self._osmium.FileProcessor(self._source, self._osmium.osm.NODE):
                if node.id in wanted:
                    found[node.id] = (node.location.x, node.location.y)  # type: ignore[union-attr]
        for one in np.unique(ref[lost][ref[lost] > 0]).tolist():
            try:
                place = self._index.get(one)
            except KeyError:
                continue
            found[one] = (place.x, place.y)
        for at in lost.tolist():
            x[at], y[at] = found.get(int(ref[at]), (NOWHERE, NOWHERE))


def _line(thing: Any) -> str:
    kind = thing.type_str()
    tags = ",".join(f"{_escaped(tag.k)}={_escaped(tag.v)}" for tag in thing.tags)
    if kind == "w":
        places = ((node.ref, node.location) for node in thing.nodes)
        on = ",".join(
            f"n{ref}x{at.x / DEGREE:.7f}y{at.y / DEGREE:.7f}" if at.valid() else f"n{ref}xy" for ref, at in places
        )
        return f"w{thing.id} T{tags} N{on}"
    if kind == "r":
        members = ",".join(f"{one.type}{one.ref}@{_escaped(one.role)}" for one in thing.members)
        return f"r{thing.id} T{tags} M{members}"
    return f"n{thing.id} T{tags} x y"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: f"%{ord(found[0]):x}%", text)


def plain(text: str) -> str:
    """Undo the escapes of OPL."""
    return _ESCAPED.sub(lambda code: chr(int(code[1], 16)), text)


def known(x: Ints32, y: Ints32) -> Bools:
    """Mark the nodes that have a place on earth."""
    return (np.abs(x.astype(np.int64)) <= 180 * DEGREE) & (np.abs(y.astype(np.int64)) <= 90 * DEGREE)
