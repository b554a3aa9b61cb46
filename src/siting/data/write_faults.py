"""Why a file or folder cannot be written, and what to do about it."""

from __future__ import annotations

import errno
from pathlib import Path

from siting.errors import SitingError

__all__ = ["not_written", "why"]

IN_USE = "it is in use; close it in the other program, and write again"
#: What to do, by the name of the system's error.
REMEDIES = {
    "ENOSPC": "the disk is full; make room, or write to another disk",
    "EDQUOT": "your share of the disk is used up; make room, or write to another disk",
    "EFBIG": "it would be larger than the disk or your account allows; write to another disk",
    "EROFS": "the disk is read-only; write to another one",
    "EACCES": "permission denied; close it in other programs, or write where you may write",
    "EPERM": "this is not permitted; close it in other programs, or write where you may write",
    "EBUSY": IN_USE,
    "ETXTBSY": IN_USE,
    "ENAMETOOLONG": "the name is too long; most disks take 255 bytes, which are 85 Chinese characters",
    "ENOTDIR": "a part of its path is a file, not a folder; name a folder",
    "ENOENT": "a folder of its path is missing; make it first",
    "EXDEV": "its folder lies on two disks; write to another folder",
    "ELOOP": "its links lead in a circle; name the file itself",
    "EIO": "the disk reports an error; check it, and write to another one",
    "EMFILE": "too many files are open; close some, and write again",
}
_BY_NUMBER = {getattr(errno, name): words for name, words in REMEDIES.items() if hasattr(errno, name)}


def why(fault: BaseException) -> str:
    """Return the words for an error of the system: what is wrong, and what to do.

    Examples
    --------
    >>> why(OSError(errno.ENOSPC, "No space left on device"))
    'the disk is full; make room, or write to another disk'
    """
    number = getattr(fault, "errno", None)
    if number in _BY_NUMBER:
        return _BY_NUMBER[number]
    if "null" in str(fault):
        return "its name holds a NUL character; leave it out"
    if isinstance(fault, UnicodeError):
        return "its name holds characters that the system cannot write; leave them out"
    return getattr(fault, "strerror", None) or str(fault)


def not_written(path: str | Path, fault: BaseException) -> SitingError:
    """Return the error for a file or folder that *fault* kept from being written."""
    name = Path(path).name.replace("\0", "\\0")
    return SitingError(f'"{name}" cannot be written: {why(fault)}. What was there is unchanged.')
