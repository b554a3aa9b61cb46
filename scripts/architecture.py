"""Draw the rooms of the library from its code, into docs/images/architecture.svg.

A room is a package or module right below `siting`. It stands above all rooms that it imports from; an arrow points from
a room to one that it imports from, where no longer way of arrows leads there; the ground floor, from which every room
may import, gets none. Run it after a module came, went or moved: ``make architecture``.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path

import networkx as nx

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "siting"
PICTURE = ROOT / "docs" / "images" / "architecture.svg"

WIDTH, MARGIN, GAP, LINE, FLOOR_GAP = 1180, 20, 16, 17, 46
CHARACTER = 7.0  # width of a letter of the small print, px


def module_names(source: Path = SOURCE) -> dict[str, Path]:
    """Return the file of each module by its dotted name."""
    found = {}
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(path: Path, modules: dict[str, Path]) -> set[str]:
    """Return the modules of the library that a file imports: at the top, in functions, and for types."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name in modules}
        elif isinstance(node, ast.ImportFrom) and node.module in modules:
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in modules else node.module for name in inside}
    return found


def import_graph(source: Path = SOURCE) -> nx.DiGraph:
    """Return the graph of modules; an edge leads from a module to one that it imports."""
    modules = module_names(source)
    graph = nx.DiGraph()
    graph.add_nodes_from(modules)
    for name, path in modules.items():
        graph.add_edges_from((name, other) for other in imports_of(path, modules) if other != name)
    return graph


def room_of(module: str) -> str:
    """Return the room of a module; the package itself is none."""
    return module.split(".")[1] if "." in module else ""


def room_graph(graph: nx.DiGraph) -> nx.DiGraph:
    """Return the graph of rooms, without the ways in (the package itself, and what `python -m siting` runs)."""
    rooms = nx.DiGraph()
    rooms.add_nodes_from({room_of(name) for name in graph} - {"", "__main__"})
    pairs = {(room_of(a), room_of(b)) for a, b in graph.edges}
    rooms.add_edges_from((a, b) for a, b in pairs if a != b and {a, b} <= set(rooms))
    return rooms


def floors(rooms: nx.DiGraph) -> list[list[str]]:
    """Return the rooms by floor, from the ground up: each stands right above the highest that it imports from."""
    height: dict[str, int] = {}
    for room in reversed(list(nx.topological_sort(rooms))):
        height[room] = max((height[below] + 1 for below in rooms[room]), default=0)
    return [sorted(room for room in rooms if height[room] == floor) for floor in range(max(height.values()) + 1)]


def contents(room: str, modules: dict[str, Path]) -> list[tuple[str, list[str]]]:
    """Return what lies in a room: the modules right in it, then those of each room inside it."""
    inside: dict[str, list[str]] = {}
    for name in modules:
        parts = name.split(".")[1:]
        if parts[:1] == [room] and len(parts) > 1 and modules[name].name != "__init__.py":
            inside.setdefault("/".join(parts[1:-1]), []).append(parts[-1])
    return sorted(inside.items())


def wrapped(title: str, names: list[str], letters: int) -> Iterator[str]:
    """Break a list of names into lines of at most so many letters."""
    line = f"{title}/ " if title else ""
    for name in names:
        if line.strip() and len(line) + len(name) > letters:
            yield line.rstrip()
            line = "   "
        line += name + "  "
    yield line.rstrip()


def draw(source: Path = SOURCE) -> str:
    """Return the picture as SVG."""
    modules = module_names(source)
    rooms = room_graph(import_graph(source))
    boxes: dict[str, tuple[float, float, float, float]] = {}
    print_of: dict[str, list[str]] = {}
    y = float(MARGIN)
    for row in reversed(floors(rooms)):
        inside = {room: contents(room, modules) for room in row}
        weight = {room: max(1.0, sum(len(names) for _, names in inside[room]) ** 0.5) for room in row}
        free = WIDTH - 2 * MARGIN - GAP * (len(row) - 1)
        x, tallest = float(MARGIN), 0.0
        for room in row:
            width = free * weight[room] / sum(weight.values())
            letters = int((width - 24) / CHARACTER)
            print_of[room] = [line for title, names in inside[room] for line in wrapped(title, names, letters)]
            boxes[room] = (x, y, width, 34 + LINE * len(print_of[room]))
            tallest = max(tallest, boxes[room][3])
            x += width + GAP
        y += tallest + FLOOR_GAP
    height = y - FLOOR_GAP + MARGIN
    arrows = nx.transitive_reduction(rooms.subgraph(set(rooms) - set(floors(rooms)[0])))
    return "\n".join(
        [
            HEAD.format(width=WIDTH, height=round(height)),
            *_arrows(arrows, boxes),
            *_boxes(boxes, print_of),
            "</svg>",
            "",
        ]
    )


HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="Rooms and their imports">
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
<path d="M0 0 8 4 0 8z" fill="#55606e"/></marker></defs>
<rect width="{width}" height="{height}" fill="#ffffff"/>"""


def _arrows(rooms: nx.DiGraph, boxes: dict[str, tuple[float, float, float, float]]) -> Iterator[str]:
    """Draw a curve from the lower edge of a room to the upper edge of one that it imports from."""
    for upper, lower in sorted(rooms.edges):
        (x1, y1, w1, h1), (x2, y2, w2, _) = boxes[upper], boxes[lower]
        start, end = x1 + w1 / 2, x2 + w2 / 2
        # One below the other: straight down where the boxes overlap.
        low, high = max(x1, x2) + 12, min(x1 + w1, x2 + w2) - 12
        if low < high:
            start = end = (low + high) / 2
        bend = (y1 + h1 + y2) / 2
        yield (
            f'<path d="M{start:.0f} {y1 + h1:.0f}C{start:.0f} {bend:.0f} {end:.0f} {bend:.0f} {end:.0f} {y2:.0f}"'
            ' fill="none" stroke="#55606e" stroke-width="1.2" marker-end="url(#tip)"/>'
        )


def _boxes(boxes: dict[str, tuple[float, float, float, float]], print_of: dict[str, list[str]]) -> Iterator[str]:
    for room, (x, y, width, height) in boxes.items():
        yield (
            f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" rx="6" fill="#f2f6fa"'
            ' stroke="#2f5d8a"/>'
        )
        yield (
            f'<text x="{x + 12:.0f}" y="{y + 22:.0f}" font-family="sans-serif" font-size="15" font-weight="bold"'
            f' fill="#1d3d5c">{escape(room)}</text>'
        )
        for i, line in enumerate(print_of[room]):
            yield (
                f'<text x="{x + 12:.0f}" y="{y + 42 + LINE * i:.0f}" font-family="monospace" font-size="11.5"'
                f' fill="#333333" xml:space="preserve">{escape(line)}</text>'
            )


def main() -> None:
    """Write the picture."""
    PICTURE.write_text(draw(), encoding="utf-8")
    sys.stdout.write(f"{PICTURE.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
