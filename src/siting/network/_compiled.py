"""How loops are compiled: to machine code that is kept on disk, without the lock of the interpreter."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from numba import njit
from numba.core import event

log = logging.getLogger(__name__)


def compiled(function: Callable[..., Any]) -> Any:
    """Compile *function* at its first call, and keep it beside the module, or in the user's cache folder.

    Where neither can be written to it is compiled anew in every process.
    """
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:  # numba found no folder to write to
        return njit(nogil=True)(function)


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
