"""Atomic writing of folders: readers find the old files together or the new ones, never a mixture.

A folder is made beside the old one and flushed to disk. Linux and macOS exchange the two in one step; elsewhere, and on
disks that cannot do so, the old one is moved away and the new one takes its name. What a kill leaves between
these two is put right by the next writer. Files of others in the folder stay there.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePath

from siting.data.drafts import WAIT, draft_room, flush_folder, put, refuse_read_only, remove, sole_writer, target_of
from siting.data.system_errors import system_words
from siting.data.write_faults import not_written
from siting.errors import SitingError
from siting.messages import Message

__all__ = ["atomic_folder"]

logger = logging.getLogger(__name__)
#: In the room: the folder that is exchanged, which is the old one afterwards, and the old one that was moved away.
NEW, OLD = ".new", ".old"
Ours = Callable[[PurePath], bool]


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike[str], *, ours: Ours, wait: float = WAIT) -> Iterator[Path]:
    """Yield a folder to write to; when the block succeeds, it replaces the folder *path*.

    Parameters
    ----------
    path
        The folder to make or replace. Folders above it are made.
    ours
        Says of a path inside the folder whether the block writes it, or an earlier version did. Everything else that
        is in the old folder belongs to others and is kept.
    wait
        Seconds to wait for another process that writes the same folder.

    Yields
    ------
    pathlib.Path
        A folder of the same name next to the target. When the block raises, the old folder is unchanged.

    Raises
    ------
    SitingError
        When the folder cannot be written or exchanged, or another process writes it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as above:
    ...     target = Path(above, "results")
    ...     for text in ("old", "new"):
    ...         with atomic_folder(target, ours=lambda path: path.name == "a.txt") as draft:
    ...             _ = (draft / "a.txt").write_text(text)
    ...         if text == "old":
    ...             _ = (target / "notes.txt").write_text("mine")
    ...     [file.read_text() for file in sorted(target.iterdir())]
    ['new', 'mine']
    """
    home = target_of(path)
    _check(home)
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise not_written(home, fault) from fault
    settle = partial(_settle, ours=ours)
    with sole_writer(home, settle, wait=wait), draft_room(home, settle) as room:
        for file in _walk(home):
            if ours(file.relative_to(home)) and not file.is_symlink():
                refuse_read_only(file)
        draft = room / home.name
        draft.mkdir()
        yield draft
        if strange := [rel.as_posix() for rel in _others(draft, ours)]:
            raise SitingError(Message("writing.folder_strange", name=home.name, files=strange))
        _install(draft, room, home, ours)


def _check(home: Path) -> None:
    if not os.path.lexists(home):
        return
    if not home.is_dir():
        raise SitingError(Message("writing.is_file", name=home.name))
    for here in (Path.cwd(), Path(os.path.expanduser("~")).resolve()):  # noqa: PTH111 - Path.home() fails without one
        if home not in (here, *here.parents):
            continue
        raise SitingError(Message("writing.folder_holds_more", folder=home, other=home / "results"))
    if os.path.ismount(home):  # Path has no such question on Windows before Python 3.12
        raise SitingError(Message("writing.folder_is_disk", folder=home, other=home / "results"))


def _walk(folder: Path) -> Iterator[Path]:
    return (Path(top, name) for top, _, names in os.walk(folder) for name in names)


def _others(folder: Path, ours: Ours) -> Iterator[PurePath]:
    """List what is not ours in a folder, without going into folders of others."""
    for entry in sorted(folder.rglob("*")) if folder.is_dir() else ():
        rel = entry.relative_to(folder)
        if not ours(rel) and all(ours(above) for above in list(rel.parents)[:-1]):
            yield rel


def _install(draft: Path, room: Path, home: Path, ours: Ours) -> None:
    for file in _walk(draft):
        with file.open("r+b") as handle:
            os.fsync(handle.fileno())
        if (old := home / file.relative_to(draft)).is_file():
            shutil.copymode(old, file)
    for top, _, _ in os.walk(draft):
        flush_folder(Path(top))
    new = room / NEW
    put(draft, new)
    if not home.exists():
        put(new, home)
    else:
        shutil.copymode(home, new)
        _link_others(home, new, ours)
        if not _exchanged(new, home):
            put(home, room / OLD)
            put(new, home)
    flush_folder(home.parent)


def _link_others(home: Path, new: Path, ours: Ours) -> None:
    """Give the files of others a second name in the new folder, so that they are never missing, where the disk can."""
    for rel in _others(home, ours):
        if (home / rel).is_file() and not (home / rel).is_symlink():
            with contextlib.suppress(OSError):
                (new / rel).parent.mkdir(parents=True, exist_ok=True)
                os.link(home / rel, new / rel)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; False where the system or the disk cannot."""
    if sys.platform not in ("linux", "darwin"):
        return False
    libc = ctypes.CDLL(None)
    first, second = os.fsencode(one), os.fsencode(other)
    try:
        if sys.platform == "darwin":
            return bool(libc.renamex_np(first, second, ctypes.c_uint(2)) == 0)  # RENAME_SWAP
        return bool(libc.renameat2(-100, first, -100, second, ctypes.c_uint(2)) == 0)  # AT_FDCWD, RENAME_EXCHANGE
    except AttributeError:  # a C library without it
        return False


def _settle(room: Path, home: Path, *, ours: Ours) -> None:
    """Clear a room: put an old folder back that nothing has replaced, and what belongs to others into its place."""
    with contextlib.suppress(OSError):
        if (room / OLD).is_dir() and not os.path.lexists(home):
            (room / OLD).rename(home)
    try:
        for left in (room / NEW, room / OLD):
            for rel in list(_others(left, ours)):
                _bring_back(left / rel, home / rel)
    except OSError as fault:
        logger.warning(Message("writing.files_left", room=room, folder=home, why=system_words(fault)))
        return
    remove(room)


def _bring_back(kept: Path, place: Path) -> None:
    """Move a file or folder of others to its place, unless the same or a newer one is there."""
    if os.path.lexists(place):
        if place.is_dir() or kept.is_dir():
            raise FileExistsError(f'"{place}" is there')
        if kept.lstat().st_mtime_ns <= place.lstat().st_mtime_ns:
            return
    place.parent.mkdir(parents=True, exist_ok=True)
    kept.replace(place)
