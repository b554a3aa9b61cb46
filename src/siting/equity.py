"""Fairness among people and districts: inequality, spatial mismatch, and fair plans."""

from siting.measure import Mismatch, gini, inequality, lorenz, palma, spatial_mismatch, theil, town_and_country
from siting.propose import FairPlan, MaxWorstShare, fairest, price_of_equity

__all__ = [
    "FairPlan",
    "MaxWorstShare",
    "Mismatch",
    "fairest",
    "gini",
    "inequality",
    "lorenz",
    "palma",
    "price_of_equity",
    "spatial_mismatch",
    "theil",
    "town_and_country",
]


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
