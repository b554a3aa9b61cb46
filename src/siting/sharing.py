"""Capacity shared with neighbours: use, partners, hubs, mergers and upgrades."""

from siting.measure import (
    close_pairs,
    could_take_in,
    idle_nearby,
    joint_sites,
    medical_partners,
    neighbours,
    uncovered_around,
    utilisation,
)
from siting.propose import Hubs, Mergers, choose_hubs, merge_sites, upgrade_sites

__all__ = [
    "Hubs",
    "Mergers",
    "choose_hubs",
    "close_pairs",
    "could_take_in",
    "idle_nearby",
    "joint_sites",
    "medical_partners",
    "merge_sites",
    "neighbours",
    "uncovered_around",
    "upgrade_sites",
    "utilisation",
]


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
