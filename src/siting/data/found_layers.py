"""The layers that lie in a folder, and what each may be for."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from siting.data import roles
from siting.data.column_matching import match_columns
from siting.data.formats import FORMATS, local_file
from siting.data.heading_spelling import normalized
from siting.data.roles import COORDINATES, Role, coordinate_names
from siting.data.source import Source
from siting.data.toml_files import package_toml
from siting.errors import LayerError
from siting.messages import Message

__all__ = ["FoundLayer", "find_layers"]

#: A role named by file or layer counts more than any number of columns.
NAMED = 100
#: Rows that are looked at for the kind of geometry.
LOOKED_AT = 1000


@dataclass(frozen=True)
class FoundLayer:
    """A layer that lies in a folder: its file, its name in a file of several, its rows, and what it may be for.

    *roles* are the likely ones, the best first, *fault* why it cannot be read.
    """

    file: Path
    layer: str | None = None
    rows: int = 0
    roles: tuple[str, ...] = ()
    fault: Message | str | None = None

    @property
    def name(self) -> str:
        """The file and the layer, as in messages."""
        return f"{self.file.name}:{self.layer}" if self.layer else self.file.name


def find_layers(folder: str | os.PathLike[str]) -> list[FoundLayer]:
    """Find the layers in a folder and its folders, by name; folders of results are left out.

    Examples
    --------
    >>> from siting.data import sample_path
    >>> found = find_layers(sample_path().parent)
    >>> [(each.layer, each.roles[0]) for each in found if each.layer in ("childcare", "streets")]
    [('childcare', 'childcare'), ('streets', 'streets')]
    """
    root = logging.getLogger("siting")
    before = root.level
    root.setLevel(logging.ERROR)  # what is passed over is said where a layer is read for its role
    try:
        return [layer for file in _files(Path(folder)) for layer in _layers(file)]
    finally:
        root.setLevel(before)


def _files(folder: Path) -> Iterator[Path]:
    """Yield files of the formats that are read, one folder down."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "~$")):
            continue
        kind = FORMATS.get(path.suffix.lower())
        if kind is not None and kind.folder == path.is_dir():
            yield path
        elif path.is_dir() and not (path / "results.gpkg").exists():
            inside = (each for each in sorted(path.iterdir()) if not each.name.startswith((".", "~$")))
            for each in inside:
                kind = FORMATS.get(each.suffix.lower())
                if kind is not None and kind.folder == each.is_dir():
                    yield each


def _layers(file: Path, layer: str | None = None) -> Iterator[FoundLayer]:
    """Yield the layers of a file, or one of them."""
    try:
        path, form = local_file(file, file.name)
        frame, chosen = form.read(Source(path, "", file.name, layer))
    except LayerError as fault:
        said = fault.faults[0]
        if layer is None and isinstance(said, Message) and said.code == "reading.has_several":
            for each in said.values["names"]:
                yield from _layers(file, each)
        else:
            yield FoundLayer(file, layer, fault=said)
        return
    yield FoundLayer(file, chosen if form.layers else None, len(frame), _roles_of(frame, file, chosen))


def _roles_of(frame: Any, file: Path, layer: str | None) -> tuple[str, ...]:
    """Return the roles that a frame may have, the likeliest first."""
    kinds = _geometry_of(frame)
    named = normalized(layer or "") or "", normalized(file.stem)
    scores = {}
    for name in roles.list_roles():
        kind = roles.role(name)
        if kinds & set(kind.geometry) and (score := _score(kind, frame, named)) > 0:
            scores[name] = score
    return tuple(sorted(scores, key=lambda name: -scores[name]))


def _score(kind: Role, frame: Any, named: tuple[str, str]) -> float:
    """Rate a role for a frame: by the name of the layer, then of the file, then by columns that are the role's own."""
    words = package_toml("layer_words.toml").get(kind.name, ())
    said = [any(normalized(word) in name for word in words) for name in named]
    matching = match_columns(kind, frame.columns, {}, has_id=False)
    common = {"id", "name", "district", "kind", "facility_type"}
    own = sum(name not in common for name in matching.renames.values())
    return NAMED * (2 * said[0] + said[1]) + own - 3 * len(matching.faults)


def _geometry_of(frame: Any) -> set[str]:
    """Return the kinds of geometry of a frame; a table with coordinates has points, or any shapes."""
    if getattr(frame, "active_geometry_name", None) is not None:
        return {str(kind).removeprefix("Multi") for kind in frame.geometry.head(LOOKED_AT).geom_type.dropna().unique()}
    held = {kind for kind in COORDINATES for name in frame.columns if normalized(name) in coordinate_names(kind)}
    if held & {"wkt", "wkb"}:
        return set(roles.GEOMETRIES)
    return {"Point"} if {"lon", "lat"} <= held or {"x", "y"} <= held or "h3" in held else set()
