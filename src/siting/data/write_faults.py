"""Why a file or folder cannot be written, and what to do about it."""

from __future__ import annotations

import errno
from pathlib import Path

from siting.data.system_errors import system_words
from siting.data.windows_names import long_path
from siting.errors import SitingError
from siting.messages import Message

__all__ = ["not_written", "why"]

#: What to do, by the name of the system's error.
REMEDIES = {
    "ENOSPC": Message("writing.disk_full"),
    "EDQUOT": Message("writing.share_full"),
    "EFBIG": Message("writing.file_large"),
    "EROFS": Message("writing.disk_read_only"),
    "EACCES": Message("writing.denied"),
    "EPERM": Message("writing.not_permitted"),
    "EBUSY": Message("writing.busy"),
    "ETXTBSY": Message("writing.busy"),
    "ENAMETOOLONG": Message("writing.long_name"),
    "ENOTDIR": Message("writing.path_file"),
    "ENOENT": Message("writing.path_missing"),
    "EXDEV": Message("writing.two_disks"),
    "ELOOP": Message("writing.circle"),
    "EIO": Message("writing.disk_error"),
    "EMFILE": Message("writing.many_files"),
}
_BY_NUMBER = {getattr(errno, name): words for name, words in REMEDIES.items() if hasattr(errno, name)}


def why(fault: BaseException) -> str | Message:
    """Return the words for an error of the system: what is wrong, and what to do.

    Examples
    --------
    >>> print(why(OSError(errno.ENOSPC, "No space left on device")))
    the disk is full; make room, or write to another disk
    """
    if isinstance(fault, OSError) and (said := long_path(fault)):
        return said
    number = getattr(fault, "errno", None)
    if number in _BY_NUMBER:
        return _BY_NUMBER[number]
    if "null" in str(fault):
        return Message("writing.nul_name")
    if isinstance(fault, UnicodeError):
        return Message("writing.bad_name")
    return system_words(fault) if isinstance(fault, OSError) else str(fault)


def not_written(path: str | Path, fault: BaseException) -> SitingError:
    """Return the error for a file or folder that *fault* kept from being written."""
    name = Path(path).name.replace("\0", "\\0")
    return SitingError(Message("writing.failed", name=name, why=why(fault)))
