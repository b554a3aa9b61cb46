"""The marks of facilities and sites, for the picture and its key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from siting.show.colours import EXISTING, PAPER, PROPOSED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path

__all__ = ["mark_facility", "pin"]


def mark_facility(axes: Axes, x: Any, y: Any, change: str, *, bigger: float = 1.0) -> None:
    """Draw existing facilities: squares, with a rim where they grow, hollow and crossed out where they close."""
    if change == "closes":
        axes.scatter(x, y, s=34 * bigger, marker="s", c=PAPER, edgecolors=EXISTING, linewidths=0.9, zorder=7)
        axes.scatter(x, y, s=13 * bigger, marker="x", c=EXISTING, linewidths=0.9, zorder=7)
    elif change == "grows":
        axes.scatter(x, y, s=44 * bigger, marker="s", c=EXISTING, edgecolors=PROPOSED, linewidths=2.0, zorder=7)
    else:
        axes.scatter(x, y, s=26 * bigger, marker="s", c=EXISTING, edgecolors=PAPER, linewidths=0.8, zorder=7)


def pin() -> Path:
    """Return the outline of a pin whose tip is at the origin."""
    from matplotlib.path import Path

    turn = np.linspace(-0.32 * np.pi, 1.32 * np.pi, 24)
    ring = np.column_stack([0.36 * np.cos(turn), 0.64 + 0.36 * np.sin(turn)])
    return Path(np.vstack([[0, 0], ring, [0, 0]]), closed=True)
