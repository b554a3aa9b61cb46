"""How loops are compiled: to machine code that is kept on disk, without the lock of the interpreter."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from numba import njit
from numba.core import event
from numba.core.caching import FunctionCache
from numba.core.runtime.nrt import rtsys

log = logging.getLogger(__name__)


class _Kept(FunctionCache):
    """Machine code on disk, read without the tables that the compiler needs, which take as long as numba's import.

    That will do for functions of numbers and arrays.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the code for a signature; None where there is none on disk."""
        # What code that allocates arrays calls. Everything else stands in the code itself; the compiler makes its
        # tables when it has something to compile.
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        return None


def compiled(function: Callable[..., Any]) -> Any:
    """Compile *function* at its first call, and keep it beside the module, or in the user's cache folder.

    Where neither can be written to it is compiled anew in every process.
    """
    made: Any = njit(nogil=True)(function)
    with suppress(RuntimeError):  # numba found no folder to write to
        made._cache = _Kept(function)  # type: ignore[no-untyped-call]
    return made


class _Teller(event.Listener):
    """Say so in the log when something of ours must be compiled, which takes seconds and happens once."""

    told = False

    def on_start(self, event: Any) -> None:
        of = getattr(event.data["dispatcher"], "py_func", None)
        if not self.told and getattr(of, "__module__", "").startswith("siting."):
            self.told = True
            log.warning("the path searches are being compiled, once on this machine; this takes up to half a minute")

    def on_end(self, event: Any) -> None:
        """Nothing is said when it is done."""


TELLER = _Teller()
event.register("numba:compile", TELLER)  # type: ignore[no-untyped-call]
