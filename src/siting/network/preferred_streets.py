"""Which streets places are put on: those on the ground in a main part of the network before bridges and tunnels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from siting.network.places import frozen
from siting.network.street_words import levels
from siting.network.walkable_streets import has_word
from siting.numbers import Bools, Ints32

#: A part of the network is an island when it has less than this share of the nodes of the largest part.
ISLAND = 0.1
#: A place beside a bridge is put on the ground where that is at most this much farther, metres; else on the bridge.
DECK = 100.0


class Preferred(NamedTuple):
    """Streets that places are put on before others, and which of the others are decks of bridges."""

    street: Bools
    deck: Bools


def preferred_streets(columns: pd.DataFrame, component: Ints32, u: Ints32) -> Preferred | None:
    """Find the streets that lie on the ground in a main part of the network; None where all do, or none."""
    level = levels(columns)
    if "tunnel" in columns:  # a street under a house lies on the ground
        level = np.where(has_word(columns["tunnel"], "building_passage"), 0.0, level)
    size = np.bincount(component)
    island = (size < ISLAND * size.max())[component[u]]
    street = (level == 0) & ~island
    return None if street.all() or not street.any() else Preferred(frozen(street), frozen((level > 0) & ~island))
