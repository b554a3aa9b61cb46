"""Compiled loops: machine code that is cached on disk and runs without the interpreter lock.

numba is loaded at the first call of a loop, so that importing a module of loops is fast.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import pickle
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from siting.messages import Message

__all__ = ["Loop", "compile_seconds", "compiled"]

log = logging.getLogger(__name__)
_LOCK = threading.RLock()
#: Seconds spent with compiling.
_SPENT = [0.0]
#: Bytes of the checksum at the start of a file.
SEAL = hashlib.sha256().digest_size


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


def compile_seconds() -> float:
    """Return how long this process has compiled loops so far, by the clock on the wall."""
    return _SPENT[0]


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
    numbers and arrays does not need them. A cache that cannot be read is made again; one that cannot be written is
    not an error.
    """
    try:
        from numba.core.caching import FunctionCache
        from numba.core.runtime.nrt import rtsys
    except ImportError:
        return None
    files = _sealed_files()
    if files is None or not all(hasattr(FunctionCache, name) for name in ("_load_overload", "_save_overload")):
        return None

    class Cache(FunctionCache):
        def __init__(self, function: Any) -> None:
            super().__init__(function)  # type: ignore[no-untyped-call]  # numba has no types here
            if files is not None:
                impl = self._impl
                self._cache_file = files(self._cache_path, impl.filename_base, impl.locator.get_source_stamp())

        def load_overload(self, sig: Any, target_context: Any) -> Any:
            try:
                if sys.platform != "linux":
                    target_context.refresh()
                else:
                    # Called by code that allocates arrays. Everything else is in the code itself; the compiler makes
                    # its tables when it has something to compile.
                    rtsys.initialize(target_context)
                return self._load_overload(sig, target_context)  # type: ignore[no-untyped-call]  # numba has no types here
            except Exception as fault:  # whatever the files hold, they can be made again
                log.info(Message("compiled.anew", name=self._name, why=str(fault)))
            return None

        def save_overload(self, sig: Any, data: Any) -> None:
            try:
                self._save_overload(sig, data)  # type: ignore[no-untyped-call]  # numba has no types here
            except OSError as fault:
                _tell_of_no_cache(self._cache_path, fault.strerror)

    return Cache


def _sealed_files() -> Any:
    """Return the class of the files of a cache: each begins with a checksum, and code is stored with its signature.

    numba would run what a damaged file holds. It also numbers the files of one function by an index that two processes
    may write at once, so that a file may hold the code of another signature than the index says.
    """
    try:
        from numba import __version__
        from numba.core.caching import IndexDataCacheFile
    except ImportError:
        return None
    if not all(
        hasattr(IndexDataCacheFile, name) for name in ("_load_index", "_save_index", "_load_data", "_save_data")
    ):
        return None

    class Files(IndexDataCacheFile):
        def __init__(self, path: str, base: str, stamp: Any) -> None:
            super().__init__(path, base, stamp)  # type: ignore[no-untyped-call]  # numba has no types here
            self._of = repr((__version__, base, stamp)).encode()

        def save(self, key: Any, data: Any) -> None:
            super().save(key, (key, data))  # type: ignore[no-untyped-call]  # numba has no types here

        def load(self, key: Any) -> Any:
            found = super().load(key)  # type: ignore[no-untyped-call]  # numba has no types here
            return found[1] if found is not None and found[0] == key else None

        def _load_index(self) -> dict[Any, str]:
            try:
                return dict(self._opened(self._index_path))
            except Exception:  # absent, stale or damaged: it is made again
                return {}

        def _save_index(self, overloads: dict[Any, str]) -> None:
            self._seal(self._index_path, overloads)

        def _load_data(self, name: str) -> Any:
            return self._opened(self._data_path(name))  # type: ignore[no-untyped-call]  # numba has no types here

        def _save_data(self, name: str, data: Any) -> None:
            self._seal(self._data_path(name), data)  # type: ignore[no-untyped-call]  # numba has no types here

        def _seal(self, path: str, content: Any) -> None:
            data = self._dump(content)  # type: ignore[no-untyped-call]  # numba has no types here
            with self._open_for_write(path) as file:
                file.write(hashlib.sha256(self._of + data).digest() + data)

        def _opened(self, path: str) -> Any:
            whole = Path(path).read_bytes()
            seal, data = whole[:SEAL], whole[SEAL:]
            if hashlib.sha256(self._of + data).digest() != seal:
                raise OSError(Message("compiled.damaged", path=path))
            return pickle.loads(data)

    return Files


@functools.cache
def _tell_of_no_cache(folder: str, why: str | None) -> None:
    """Log once for a folder that the compiled code cannot be kept there."""
    log.warning(Message("compiled.no_cache", folder=folder, why=why))


@functools.cache
def _tell_of_compiling() -> Any:
    """Log once that functions are compiled, which takes seconds. Return the listener."""
    from numba.core import event

    class Notice(event.Listener):
        logged = False
        depth = 0
        began = 0.0

        def on_start(self, event: Any) -> None:
            self.depth += 1  # a loop compiles those that it calls
            if self.depth == 1:
                self.began = time.perf_counter()
            of = getattr(event.data["dispatcher"], "py_func", None)
            if not self.logged and getattr(of, "__module__", "").startswith("siting."):
                self.logged = True
                log.warning(Message("compiled.compiling"))

        def on_end(self, _event: Any) -> None:
            self.depth -= 1
            if not self.depth:
                _SPENT[0] += time.perf_counter() - self.began

    notice = Notice()
    event.register("numba:compile", notice)  # type: ignore[no-untyped-call]  # numba has no types here
    return notice
