"""Drafts: where a file or folder is made before it is put in place, by one writer at a time.

Beside a target ``name`` stand, while it is written, ``.name.siting.lock`` with who writes it, and a room
``.name.siting-xxxxxxxx`` with the draft. Both are gone afterwards; those of a process that was killed are cleared by
the next writer of the target, which holds the lock and so knows that no other writer lives.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import stat
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from siting.data.windows_names import windows_fault
from siting.data.write_faults import not_written, why
from siting.errors import SitingError
from siting.messages import Message

__all__ = ["WAIT", "draft_room", "flush_folder", "put", "refuse_read_only", "sole_writer", "target_of"]

#: Seconds to wait for another writer of the same file.
WAIT = 60.0
#: Seconds after which a lock without the name of its writer is one of a process killed as it began.
UNSIGNED = 2.0
#: Seconds between two looks at a lock.
POLL = 0.05
#: Errors of Windows for a file that another program has open, and seconds that a virus scanner needs for a new one.
HELD, SCANNED = (5, 32, 33), 2.0
#: Longest name, in bytes, that is used in the names of lock and room.
LONGEST = 120
Settle = Callable[[Path, Path], None]


def target_of(path: str | os.PathLike[str]) -> Path:
    """Return where *path* leads: a link stays a link, its target is replaced. SitingError when nothing can stand there.

    An existing file must be a plain one that may be written to.
    """
    if said := windows_fault(path):
        raise SitingError(said)
    try:
        target = Path(os.path.realpath(path))
        parent = target.parent
        if parent.exists() and not parent.is_dir():
            raise SitingError(Message("writing.file_above", folder=parent, name=target.name))
        target.lstat()
    except FileNotFoundError:
        return target
    except (OSError, ValueError) as fault:
        if isinstance(fault, SitingError):
            raise
        raise not_written(os.fspath(path), fault) from fault
    return target


def refuse_read_only(file: Path) -> None:
    """Raise SitingError for a file that its owner has made read-only: replacing it needs no right on the file."""
    mode = file.stat().st_mode
    if not stat.S_ISREG(mode):
        raise SitingError(Message("writing.no_plain_file", name=file.name))
    if not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) or not os.access(file, os.W_OK):
        raise SitingError(Message("writing.read_only", name=file.name))


@contextlib.contextmanager
def sole_writer(target: Path, settle: Settle, *, wait: float = WAIT) -> Iterator[None]:
    """Hold the lock of *target*, and clear what killed writers left; *settle* does so for one room."""
    from filelock import SoftFileLock

    lock = SoftFileLock(target.with_name(f".{_stem(target)}.siting.lock"), thread_local=False)
    _acquire(lock, target, wait)
    try:
        for room in _rooms(target):
            settle(room, target)
        yield
    finally:
        lock.release()


def _acquire(lock: Any, target: Path, wait: float) -> None:
    from filelock import Timeout

    file, ends = Path(lock.lock_file), time.monotonic() + wait
    unsigned: float | None = None  # when it was first seen without the name of its writer
    while True:
        try:
            lock.acquire(timeout=max(0.0, min(0.5, ends - time.monotonic())))
        except Timeout as fault:
            signed = _signature(file)
            unsigned = None if signed else unsigned or time.monotonic()
            if unsigned is not None and time.monotonic() - unsigned > UNSIGNED:
                _remove_unsigned(file)
            elif unsigned is None and time.monotonic() >= ends:
                raise SitingError(_in_use(target, file, signed)) from fault
            time.sleep(POLL)
        except (OSError, RuntimeError) as fault:
            facts = {"folder": target.parent, "why": why(fault)}
            if isinstance(fault, PermissionError) and target.is_dir():
                other = target / "results"
                raise SitingError(Message("writing.folder_closed_such", other=other, **facts)) from fault
            raise SitingError(Message("writing.folder_closed", **facts)) from fault
        else:
            return


def _signature(file: Path) -> list[str]:
    """Return what a lock says of its writer: process, machine, start; nothing for one that is empty or gone."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").split()
    except OSError:
        return []


def _remove_unsigned(file: Path) -> None:
    aside = file.with_name(f"{file.name}.{uuid.uuid4().hex}")
    with contextlib.suppress(OSError):
        file.rename(aside)
        if aside.stat().st_size:  # somebody has just signed one
            os.link(aside, file)
        aside.unlink()


def _in_use(target: Path, file: Path, signed: list[str]) -> Message:
    process, machine = [*signed, "?", "?"][:2]
    facts = {"name": target.name, "process": process, "machine": machine.split("?")[0] or "?", "lock": file}
    with contextlib.suppress(OSError):
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(file.stat().st_mtime))
        return Message("writing.in_use_since", since=since, **facts)
    return Message("writing.in_use", **facts)


def _stem(target: Path) -> str:
    name = target.name
    if len(name.encode("utf-8", "surrogateescape")) <= LONGEST:
        return name
    return f"{name[: LONGEST // 4]}-{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"


def _rooms(target: Path) -> list[Path]:
    ours = re.compile(re.escape(f".{_stem(target)}.siting-") + "[a-z0-9_]{8}")
    try:
        with os.scandir(target.parent) as entries:
            return sorted(Path(entry) for entry in entries if ours.fullmatch(entry.name))
    except OSError:  # a folder that can be written to, but not listed
        return []


@contextlib.contextmanager
def draft_room(target: Path, settle: Settle) -> Iterator[Path]:
    """Yield a folder beside *target*, on the same disk; *settle* clears it in the end."""
    try:
        room = Path(tempfile.mkdtemp(prefix=f".{_stem(target)}.siting-", dir=target.parent))
    except OSError as fault:
        raise SitingError(Message("writing.folder_closed", folder=target.parent, why=why(fault))) from fault
    try:
        yield room
    except OSError as fault:
        named = None if fault.filename is None else Path(os.fsdecode(fault.filename))
        if named is None or named == target or room in (named, *named.parents):
            raise not_written(target, fault) from fault
        raise
    finally:
        settle(room, target)


def put(source: Path, target: Path) -> None:
    """Give *source* the name *target*, in place of an old file; on Windows, when other programs let go of both."""
    ends = time.monotonic() + SCANNED
    while True:
        try:
            source.replace(target)
        except PermissionError as fault:
            if getattr(fault, "winerror", None) not in HELD or time.monotonic() > ends:
                raise
            time.sleep(POLL)
        else:
            return


def remove(room: Path) -> None:
    """Remove a room; what another program holds open is left for the next writer."""
    shutil.rmtree(room, ignore_errors=True)


def flush_folder(folder: Path) -> None:
    """Bring the names in a folder to disk, where the system can do so."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
