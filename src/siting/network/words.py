"""Words for what a network says of itself."""

from __future__ import annotations

import pyproj


def counted(number: int, what: str) -> str:
    """Say how many there are of something."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def crs_name(crs: pyproj.CRS) -> str:
    """Name a CRS by its code where it has one."""
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else str(crs.name)
