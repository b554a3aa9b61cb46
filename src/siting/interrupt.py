"""Ctrl-C and SIGTERM end a command of the shell with one sentence, and the status that shells expect.

The first signal raises `Interrupted` in the main thread, so that drafts and locks are cleared. A search or a solver may
keep that thread busy; when the command still runs after `GRACE` seconds, a second thread ends the process. Nothing is
half written even then, and the next writer of a file clears what was left.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from siting.labels import LANGUAGES, Language, label
from siting.messages import language

__all__ = ["GRACE", "Interrupted", "interruptible"]

#: Seconds that the main thread has for clearing up.
GRACE = 3.0
#: On Windows a window that is closed sends SIGBREAK, and the process has five seconds then.
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name))


class Interrupted(BaseException):
    """The user or the system ends the command; like KeyboardInterrupt, no error to be handled on the way."""


@contextmanager
def interruptible() -> Iterator[Sequence[int]]:
    """End the process when a signal interrupts the block: status 130 for Ctrl-C, 143 for SIGTERM.

    The block gets the list of the signals that came: an error after one is a consequence of it.
    """
    got: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield got  # signals arrive in the main thread only
        return

    def handle(number: int, _: Any) -> None:
        if not got:  # a second Ctrl-C must not stop the clearing up
            got.append(number)
            raise Interrupted

    # What is ignored stays ignored, as Ctrl-C is for a command in the background.
    heeded = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    old = {number: signal.signal(number, handle) for number in heeded}
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    former = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_end_in_time, args=(receiver, heeded), daemon=True).start()
    unraisable, sys.unraisablehook = sys.unraisablehook, _silent(sys.unraisablehook)
    try:
        yield got
        if got:  # the exception was lost, as in a finalizer of Python
            raise Interrupted
    except BaseException:
        if not got:
            raise
        _leave(got[0])  # whatever compiled code made of it, such as an ImportError
    finally:
        sys.unraisablehook = unraisable
        signal.set_wakeup_fd(former)
        for number, handler in old.items():
            signal.signal(number, handler)
        sender.close()


def _end_in_time(receiver: socket.socket, heeded: list[signal.Signals]) -> None:
    """Wait for a signal, which the system reports here whatever the main thread does, then for the main thread."""
    with receiver:
        while number := receiver.recv(1):
            if number[0] in heeded:
                time.sleep(GRACE)
                _leave(number[0])


def _silent(hook: Any) -> Any:
    def report(unraisable: Any) -> None:
        if not isinstance(unraisable.exc_value, Interrupted):
            hook(unraisable)

    return report


def _leave(number: int) -> None:
    """Write the sentence and end the process, without waiting for threads that search or solve."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            if stream.isatty():
                stream.write("\x1b[?25h")  # a spinner hides the cursor
            stream.flush()
    words = label("cli.interrupted", _language(sys.argv))
    with suppress(OSError):
        # A terminal of Windows has a code page of its own, which the stream of Python goes around.
        encoding = os.device_encoding(2) or sys.stderr.encoding or "utf-8"
        os.write(2, f"{words}\n".encode(encoding, "replace"))
    os._exit(128 + number)


def _language(arguments: list[str]) -> Language:
    """Return the language that the arguments ask for, before anything has read them, else that of messages."""
    given = " ".join(arguments).replace("--lang=", "--lang ").split()
    asked = given[given.index("--lang") + 1 :][:1] if "--lang" in given else []
    return next((lang for lang in LANGUAGES if [lang] == asked), language())
