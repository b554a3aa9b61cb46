"""Packages that only some formats need."""

from __future__ import annotations

import importlib
from types import ModuleType

from siting.errors import SitingError
from siting.messages import Message


def extra(package: str, extra_name: str, what: str | Message) -> ModuleType:
    """Import a package of an extra; `SitingError` says how to install it.

    Raises
    ------
    SitingError
        When the package is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError as fault:
        raise SitingError(Message("data.needs_extra", what=what, package=package, extra=extra_name)) from fault
