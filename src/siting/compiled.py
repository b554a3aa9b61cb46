"""Compiled loops: machine code that is cached on disk and runs without the interpreter lock.

numba is loaded at the first call of a loop, so that importing a module of loops is fast.
"""

from __future__ import annotations

import functools
import logging
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

__all__ = ["Loop", "compiled"]

log = logging.getLogger(__name__)
_LOCK = threading.RLock()


class Loop:
    """A function of numbers and arrays, compiled at its first call. Made by `compiled`."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._dispatcher: Any = None

    def __call__(self, *args: Any) -> Any:
        """Call the loop; the first call compiles it."""
        return self.dispatcher(*args)

    def __getattr__(self, name: str) -> Any:
        """Return attributes of numba's dispatcher: ``signatures``, ``stats``, ``py_func``."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.dispatcher, name)

    @property
    def dispatcher(self) -> Any:
        """The loop as numba's dispatcher, which replaces it in its module, as for the loops that it calls."""
        with _LOCK:
            if self._dispatcher is None:
                self._dispatcher = _machine_code(self._function)
                names = self._function.__globals__
                for name, value in list(names.items()):
                    if isinstance(value, Loop):
                        names[name] = value.dispatcher
        return self._dispatcher


def compiled(function: Callable[..., Any]) -> Any:
    """Compile *function* at its first call, and cache it next to the module or in the user's folder, if writable."""
    return Loop(function)


def _machine_code(function: Callable[..., Any]) -> Any:
    from numba import njit

    _tell_of_compiling()
    made: Any = njit(nogil=True)(function)
    with suppress(RuntimeError):  # numba found no folder to write to
        if _cache() is None:
            made.enable_caching()
        else:
            made._cache = _cache()(function)
    return made


@functools.cache
def _cache() -> Any:
    """Return the cache on disk; None for a version of numba without its private parts (tested with 0.61 to 0.68).

    On Linux code is loaded without the compiler's tables: making these takes as long as importing numba, and code of
    numbers and arrays does not need them.
    """
    try:
        from numba.core.caching import FunctionCache
        from numba.core.runtime.nrt import rtsys
    except ImportError:
        return None
    if not (hasattr(FunctionCache, "_load_overload") and hasattr(FunctionCache, "_guard_against_spurious_io_errors")):
        return None

    class Cache(FunctionCache):
        def load_overload(self, sig: Any, target_context: Any) -> Any:
            try:
                if sys.platform != "linux":
                    return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]  # numba has no types here
                # Called by code that allocates arrays. Everything else is in the code itself; the compiler makes
                # its tables when it has something to compile.
                rtsys.initialize(target_context)
                with self._guard_against_spurious_io_errors():
                    return self._load_overload(sig, target_context)  # type: ignore[no-untyped-call]  # numba has no types here
            except (AttributeError, ImportError):
                self.flush()  # type: ignore[no-untyped-call]  # numba has no types here
            return None

    return Cache


@functools.cache
def _tell_of_compiling() -> Any:
    """Log once that functions are compiled, which takes seconds. Return the listener."""
    from numba.core import event

    class Notice(event.Listener):
        logged = False

        def on_start(self, event: Any) -> None:
            of = getattr(event.data["dispatcher"], "py_func", None)
            if not self.logged and getattr(of, "__module__", "").startswith("siting."):
                self.logged = True
                log.warning(
                    "the path searches are being compiled, once on this machine; this takes up to half a minute"
                )

        def on_end(self, event: Any) -> None:
            """Log nothing at the end."""

    notice = Notice()
    event.register("numba:compile", notice)  # type: ignore[no-untyped-call]  # numba has no types here
    return notice
