"""How loops are compiled: to machine code that is kept on disk, without the lock of the interpreter."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from numba import njit
from numba.core import event

log = logging.getLogger(__name__)


def _kept() -> Any:
    """Return how machine code is read from disk without the compiler's tables; None where that is not known to do.

    Making these tables takes as long as the import of numba, and code of numbers and arrays does not need them. It was
    tried on Linux with numba 0.61 to 0.68; what numba says of it is not public, so that another version may lack it.
    """
    if sys.platform != "linux":
        return None
    try:
        from numba.core.caching import FunctionCache
        from numba.core.runtime.nrt import rtsys
    except ImportError:
        return None
    if not (hasattr(FunctionCache, "_load_overload") and hasattr(FunctionCache, "_guard_against_spurious_io_errors")):
        return None

    class Kept(FunctionCache):
        def load_overload(self, sig: Any, target_context: Any) -> Any:
            """Return the code for a signature; None where there is none on disk."""
            # What code that allocates arrays calls. Everything else stands in the code itself; the compiler makes its
            # tables when it has something to compile.
            rtsys.initialize(target_context)
            with self._guard_against_spurious_io_errors():
                return self._load_overload(sig, target_context)  # type: ignore[no-untyped-call]
            return None

    return Kept


_Kept = _kept()


def compiled(function: Callable[..., Any]) -> Any:
    """Compile *function* at its first call, and keep it beside the module, or in the user's cache folder.

    Where neither can be written to it is compiled anew in every process.
    """
    made: Any = njit(nogil=True)(function)
    with suppress(RuntimeError):  # numba found no folder to write to
        if _Kept is None:
            made.enable_caching()
        else:
            made._cache = _Kept(function)
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
