"""Atomic writing: readers find the old file or the new one, never half of one.

Writers of GDAL destroy the old file when they are interrupted. Here a file is made in a folder of
its own next to the target, flushed to disk, and put in place by one rename.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from siting.errors import SitingError

__all__ = ["atomic_path"]


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a path to write to; when the block succeeds, the written file replaces *path*.

    Parameters
    ----------
    path
        The file to make or replace. Its folder must exist. Files that the writer makes next to it (those of
        a Shapefile) are moved too.

    Yields
    ------
    pathlib.Path
        A path of the same name in a temporary folder next to the target. When the block raises, the old file is
        unchanged and nothing else is left.

    Raises
    ------
    SitingError
        When the folder is missing or cannot be written to, or the file is held open by another program.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = Path(folder, "note.txt")
    ...     with atomic_path(target) as draft:
    ...         _ = draft.write_text("done")
    ...     target.read_text(), len(list(Path(folder).iterdir()))
    ('done', 1)
    """
    # A link stays a link: its target is replaced.
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise SitingError(f'"{target.name}" is a folder; give the name of a file')
    if not target.parent.is_dir():
        raise SitingError(f'the folder "{target.parent}" does not exist; make it first')
    try:
        room = Path(tempfile.mkdtemp(prefix=f".{target.name[:40]}-", dir=target.parent))
    except OSError as fault:
        raise SitingError(f'nothing can be written to "{target.parent}": {fault.strerror}') from fault
    try:
        yield room / target.name
        _install(room, target)
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _install(room: Path, target: Path) -> None:
    """Move the files of *room* into place; restore the old ones when one cannot be replaced."""
    if not (room / target.name).is_file():
        raise SitingError(f'nothing was written to "{target.name}"')
    # The named file last, because readers look for it.
    made = sorted(room.iterdir(), key=lambda file: (file.name == target.name, file.name))
    kept = room / ".replaced"
    kept.mkdir()
    placed: list[Path] = []
    try:
        for file in made:
            with file.open("r+b") as handle:
                os.fsync(handle.fileno())
        for file in made:
            place = target.with_name(file.name)
            if place.exists():
                shutil.copymode(place, file)
                if len(made) > 1:
                    shutil.copy2(place, kept / file.name)
            file.replace(place)  # in one step, on every system
            placed.append(place)
    except OSError as fault:
        for place in placed:
            if (kept / place.name).exists():
                (kept / place.name).replace(place)
            else:
                place.unlink()
        why = f"{fault.strerror}; is it open in another program?"
        raise SitingError(f'"{target.name}" cannot be replaced: {why}') from fault
    # Not every system can open a folder; the rename is done anyway.
    with contextlib.suppress(OSError):
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
