"""The summary of a network: its size and components."""

from __future__ import annotations

import pandas as pd

from siting.messages import Message
from siting.network.parts import Parts, crs_code
from siting.notebook_html import card, words
from siting.numbers import percent


def network_card(parts: Parts, components: pd.DataFrame) -> str:
    """Return the figures of a network, with a row of *components* for each of its components, as HTML."""
    km = components["km"]
    facts = {
        "card.nodes": len(parts.nodes),
        "card.edges": len(parts.u),
        "card.km": f"{km.sum():,.1f}",
        "card.components": len(km),
        "card.largest": percent(km.iloc[0] / km.sum()),
        "card.left_out": sum(parts.left_out.values()) or "",
        "card.crs": str(parts.crs.name),
    }
    return card(words("card.network"), facts)


def network_words(parts: Parts) -> Message:
    """Say how large a network is, for the log."""
    size = {"nodes": len(parts.nodes), "edges": len(parts.u), "km": float(parts.metres.sum()) / 1000}
    return Message("network.made", **size, parts=parts.n_components, crs=crs_code(parts.crs))
