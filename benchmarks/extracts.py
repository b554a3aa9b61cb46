"""A synthetic extract of OpenStreetMap, the size of a city: written once, the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.measure import AbsentError

if TYPE_CHECKING:
    import osmium

__all__ = ["Extract", "write_extract"]

#: Where its south-west corner lies, and how far crossings are apart, degrees.
CORNER, APART = (-8.70, 41.10), (0.0010, 0.0009)
#: Classes of ways, and their shares.
CLASSES = {
    "residential": 0.35, "footway": 0.2, "service": 0.2, "path": 0.1, "tertiary": 0.05, "secondary": 0.04,
    "steps": 0.02, "cycleway": 0.02, "trunk": 0.01, "motorway": 0.01,
}  # fmt: skip


class Extract:
    """Writes nodes and ways one after another, and remembers what a reader must find.

    Attributes
    ----------
    edges
        Stretches of street between crossings.
    degrees
        Their vertices, in order: longitude, latitude; a row of NaN between two stretches.
    """

    def __init__(self, seed: int = 7) -> None:
        self._random = np.random.default_rng(seed)
        self._nodes: list[tuple[float, float]] = []
        self._ways: list[tuple[list[int], dict[str, str]]] = []
        self.edges = 0
        self.degrees: list[tuple[float, float]] = []

    def add_streets(self, side: int) -> None:
        """Add a bent grid of *side* × *side* crossings; a way is one to five blocks long, with bends between."""
        corner, apart, draw = np.array(CORNER), np.array(APART), self._random
        crossing = np.empty((side, side), int)
        for i, j in np.ndindex(side, side):
            lon, lat = corner + apart * (i, j) + draw.normal(0, 1e-4, 2)
            crossing[i, j] = self._node(lon, lat)
        for row in (*crossing, *crossing.T):
            at = 0
            while at < side - 1:
                to = min(at + int(draw.integers(1, 6)), side - 1)
                self._way(
                    [int(row[at]), *(ref for k in range(at, to) for ref in self._block(int(row[k]), int(row[k + 1])))]
                )
                at = to

    def add_houses(self, number: int) -> None:
        """Add outlines of houses, which are no streets."""
        width = np.array(APART) * np.sqrt(max(self.edges, 2) / 2)
        for _ in range(number):
            lon, lat = np.array(CORNER) + width * self._random.random(2)
            ring = [self._node(lon + dx, lat + dy) for dx, dy in ((0, 0), (1e-4, 0), (1e-4, 1e-4), (0, 1e-4))]
            self._ways.append(([*ring, ring[0]], {"building": "yes"}))

    def _node(self, lon: float, lat: float) -> int:
        self._nodes.append((round(float(lon), 7), round(float(lat), 7)))
        return len(self._nodes)

    def _block(self, a: int, b: int) -> list[int]:
        """Lead from one crossing to the next, with some bends; return all nodes but the first."""
        start, stop = np.array(self._nodes[a - 1]), np.array(self._nodes[b - 1])
        bends = int(self._random.integers(1, 5))
        shares = np.arange(1, bends + 1) / (bends + 1)
        refs = [self._node(*(start + (stop - start) * share + self._random.normal(0, 2e-5, 2))) for share in shares]
        self.edges += 1
        self.degrees += [self._nodes[ref - 1] for ref in (a, *refs, b)] + [(np.nan, np.nan)]
        return [*refs, b]

    def _way(self, refs: list[int]) -> None:
        draw = self._random
        kind = str(draw.choice(list(CLASSES), p=list(CLASSES.values())))
        some = {
            ("name", f"Rua {draw.integers(3000)}"): 0.5, ("oneway", "yes"): 0.2, ("surface", "asphalt"): 0.1,
            ("access", "private"): 0.05,
        }  # fmt: skip
        self._ways.append(
            (refs, {"highway": kind, **dict(tag for tag, share in some.items() if draw.random() < share)})
        )

    def write(self, path: Path) -> None:
        """Write all of it as `.osm.pbf`."""
        try:
            import osmium
        except ImportError as fault:
            raise AbsentError("no osmium: pip install siting[osm]") from fault
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with osmium.SimpleWriter(str(path)) as writer:
            self._write(writer)

    def _write(self, writer: osmium.SimpleWriter) -> None:
        from osmium.osm.mutable import Node, Way

        for number, place in enumerate(self._nodes, 1):
            writer.add_node(Node(id=number, location=place, version=1))
        for number, (refs, tags) in enumerate(self._ways, 1):
            writer.add_way(Way(id=number, nodes=refs, tags=tags, version=1))


def write_extract(path: Path, side: int) -> Extract:
    """Write a city of *side* × *side* crossings with its houses; return what is in it."""
    made = Extract()
    made.add_streets(side)
    made.add_houses(made.edges * 2 // 5)
    made.write(path)
    return made
