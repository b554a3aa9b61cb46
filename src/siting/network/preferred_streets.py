"""Which streets places are put on: those on the ground in a main part of the network before bridges and tunnels."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from siting.network.places import frozen
from siting.network.splitting import levels
from siting.network.walking_profile import has_word
from siting.numbers import Bools

if TYPE_CHECKING:
    from siting.network.graph import Network

#: A part of the network is an island when it has less than this share of the nodes of the largest part.
ISLAND = 0.1
#: Who lies beside a bridge is put on the ground where that is at most so many metres farther; else the house stands on
#: the deck.
DECK = 100.0


class Allowed(NamedTuple):
    """Streets that places are put on before others, and which of the others are decks."""

    street: Bools
    deck: Bools


def preferred(network: Network) -> Allowed | None:
    """Tell which streets lie on the ground in a main part of the network; None where all do. Made once."""
    if "_preferred" not in network.__dict__:
        level = levels(network.columns)
        if "tunnel" in network.columns:  # a street under a house lies on the ground
            level = np.where(has_word(network.columns["tunnel"], "building_passage"), 0.0, level)
        island = np.zeros(len(network.u), np.bool_)
        if network.n_components > 1:
            size = np.bincount(network.component)
            island = (size < ISLAND * size.max())[network.component[network.u]]
        street = (level == 0) & ~island
        known = None if street.all() or not street.any() else Allowed(frozen(street), frozen((level > 0) & ~island))
        network.__dict__["_preferred"] = known
    found: Allowed | None = network.__dict__["_preferred"]
    return found
