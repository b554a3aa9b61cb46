"""Names and paths that Windows gives to something else than a file, or cannot give at all."""

from __future__ import annotations

import os
import re
import sys
from pathlib import PureWindowsPath

from siting.messages import Message

__all__ = ["long_path", "windows_fault"]

WINDOWS = sys.platform == "win32"
#: Names of devices, whatever stands behind their first dot.
DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])\s*(\..*)?", re.IGNORECASE)
#: A colon within a name begins a second, hidden content of the file before it.
SIGNS = re.compile(r'[<>:"|?*\x01-\x1f]')
#: Longest path of a program on a system that is not set up for longer ones.
LONGEST = 259


def windows_fault(path: str | os.PathLike[str]) -> Message | None:
    """Return why Windows cannot write a file or folder of this name; None for a good one, and on other systems."""
    if not WINDOWS:
        return None
    whole = PureWindowsPath(os.fspath(path))
    for name in whole.parts[1:] if whole.anchor else whole.parts:
        if DEVICE.fullmatch(name):
            return Message("writing.device", name=name)
        if name != ".." and (SIGNS.search(name) or name.endswith((" ", "."))):
            return Message("writing.windows_name", name=name)
    return None


def long_path(fault: OSError) -> Message | None:
    """Return words for an error of a path that is too long for Windows, which says that it does not exist."""
    name = fault.filename
    if not WINDOWS or not isinstance(name, str) or len(name) <= LONGEST:
        return None
    return Message("writing.long_path", n=len(name), most=LONGEST)
