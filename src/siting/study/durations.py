"""How long the steps of a study may take, from the sizes of its layers."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pyogrio

from siting.study.values import Study

__all__ = ["seconds_of", "study_sizes"]

#: Seconds for each 1000 streets, and for each 1000 communities, in usual studies; a search for sites has no such rate.
RATES = {"layers": (0.05, 0.2), "network": (0.1, 0.0), "coverage": (0.04, 0.5), "areas": (0.05, 0.0), "audit": (0.05, 1.0)}


def study_sizes(study: Study) -> dict[str, int]:
    """Count the rows of streets and communities without reading them; what is no file of GDAL is left out."""
    sizes = {}
    for role in ("streets", "communities"):
        source = study.layers.get(role)
        if source is None or source.path is None:
            continue
        try:
            rows = int(pyogrio.read_info(source.path, layer=source.layer)["features"])
        except Exception:  # whatever is wrong with a layer is told when it is read
            continue
        if rows > 0:
            sizes[role] = rows
    return sizes


def seconds_of(step: str, sizes: Mapping[str, int]) -> int | None:
    """Return about how many seconds a step takes, None where that is not known or is very short.

    Examples
    --------
    >>> seconds_of("network", {"streets": 83_000, "communities": 900})
    8
    >>> seconds_of("plan", {"streets": 80_000, "communities": 900}), seconds_of("network", {})
    (None, None)
    """
    if step not in RATES or len(sizes) < 2:
        return None
    streets, communities = RATES[step]
    seconds = (streets * sizes["streets"] + communities * sizes["communities"]) / 1000
    if seconds < 2:
        return None
    digits = -math.floor(math.log10(seconds))  # one digit is all that such a guess is worth
    return round(round(seconds, digits))
