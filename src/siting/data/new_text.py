"""Writing a text that is for the user to change: never over one that is there."""

from __future__ import annotations

import os
from pathlib import Path

from siting.data.atomic_write import atomic_path
from siting.errors import SitingError
from siting.messages import Message

__all__ = ["write_new_text"]


def write_new_text(path: str | Path, text: str) -> Path:
    """Write a text to a new file; SitingError when the file is there already or cannot be written."""
    target = Path(path)
    if os.path.lexists(target):
        raise SitingError(Message("writing.there", file=target))
    with atomic_path(target) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")
    return target
