"""Atomic writing of files: readers find the old file or the new one, never half of one.

Writers of GDAL destroy the old file when they are interrupted. Here a file is made in a folder of
its own next to the target, flushed to disk, and put in place by one rename.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from siting.data.drafts import draft_room, flush_folder, put, refuse_read_only, remove, sole_writer, target_of
from siting.errors import SitingError
from siting.messages import Message

__all__ = ["atomic_path"]

#: Names of the files of a Shapefile that are being put in place, in the room of its draft.
PLACING = ".placing"


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a path to write to; when the block succeeds, the written file replaces *path*.

    Parameters
    ----------
    path
        The file to make or replace. Its folder must exist. Files that the writer makes next to it (those of
        a Shapefile) are put in place before it; they replace none.

    Yields
    ------
    pathlib.Path
        A path of the same name in a temporary folder next to the target. When the block raises, the old file is
        unchanged and nothing else is left.

    Raises
    ------
    SitingError
        When the file cannot be written, also when the block raises an OSError: the folder is missing, the disk is full,
        the file is read-only or open in another program, or another process writes the file for more than a minute.

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
    target = target_of(path)
    if target.is_dir():
        raise SitingError(Message("writing.is_folder", name=target.name))
    if not target.parent.is_dir():
        raise SitingError(Message("writing.no_folder", folder=target.parent))
    if target.exists():
        refuse_read_only(target)
    with sole_writer(target, _settle), draft_room(target, _settle) as room:
        yield room / target.name
        _install(room, target)


def _install(room: Path, target: Path) -> None:
    """Put the files of *room* in place, the named one last."""
    draft = room / target.name
    if not draft.is_file():
        raise SitingError(Message("writing.nothing", name=target.name))
    beside = sorted(file for file in room.iterdir() if file != draft)
    for file in (*beside, draft):
        with file.open("r+b") as handle:
            os.fsync(handle.fileno())
    if target.exists():
        shutil.copymode(target, draft)
    if beside:
        _place(beside, room, target)
    put(draft, target)  # in one step, on every system
    flush_folder(target.parent)


def _place(beside: list[Path], room: Path, target: Path) -> None:
    """Put the files beside the named one in place; none may be there: several cannot be exchanged at once."""
    names = [file.name for file in beside]
    if there := [name for name in (target.name, *names) if os.path.lexists(target.with_name(name))]:
        raise SitingError(Message("writing.several_files", name=target.name, files=there))
    with (room / PLACING).open("w", encoding="utf-8") as handle:
        json.dump(names, handle)
        handle.flush()
        os.fsync(handle.fileno())
    for file in beside:
        put(file, target.with_name(file.name))


def _settle(room: Path, target: Path) -> None:
    """Clear the room of a draft; of a Shapefile without its named file, take the others away again."""
    if (room / target.name).is_dir():
        return  # the draft of a folder of this name, which its own writer settles
    with contextlib.suppress(OSError, ValueError):
        for name in () if target.exists() else json.loads((room / PLACING).read_text(encoding="utf-8")):
            if not (room / name).exists():
                target.with_name(Path(name).name).unlink(missing_ok=True)
    remove(room)
