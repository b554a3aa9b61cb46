"""Packages that only some formats need."""

from __future__ import annotations

import importlib
from types import ModuleType

from siting.errors import SitingError


def extra(package: str, extra_name: str, what: str) -> ModuleType:
    """Import a package of an extra; `SitingError` says how to install it.

    Raises
    ------
    SitingError
        When the package is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError as fault:
        raise SitingError(f"{what} needs the package {package}: pip install siting[{extra_name}]") from fault
