"""Keep what compiled code writes to standard output away from it."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

__all__ = ["silent_output"]

_LOCK = threading.Lock()
#: Standard output of the process, whatever `sys.stdout` has been replaced with.
DESCRIPTOR = 1


@contextlib.contextmanager
def silent_output() -> Iterator[None]:
    """Drop what is written to file descriptor 1 inside; a process whose descriptor is closed is left as it is.

    Compiled code writes past `sys.stdout`, so only the descriptor helps. Other threads of the process write to it, too:
    keep the inside short.
    """
    with _LOCK:
        try:
            kept = os.dup(DESCRIPTOR)
        except OSError:  # closed: nothing that is written arrives anywhere
            yield
            return
        try:
            _flush()
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, DESCRIPTOR)
            os.close(nowhere)
            try:
                yield
            finally:
                _flush()
                os.dup2(kept, DESCRIPTOR)
        finally:
            os.close(kept)


def _flush() -> None:
    """Write out what Python and the C library still hold, so that it goes to where the descriptor points now."""
    with contextlib.suppress(AttributeError, OSError, ValueError):  # no stdout, or one that is closed
        sys.stdout.flush()
    with contextlib.suppress(Exception):  # best effort: what compiled code holds back is lost at worst
        import ctypes

        ctypes.CDLL("ucrtbase" if os.name == "nt" else None).fflush(None)
