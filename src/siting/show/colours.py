"""The colours of maps, pictures, charts and reports, each with one meaning.

Teals mean "within reach", darker for nearer; a warm colour means "outside"; a dark violet means "build here".
The pairs differ in lightness and hue, for colour-blind readers and grey prints.
"""

from __future__ import annotations

import numpy as np

__all__ = [
    "DISTRICT", "EXISTING", "GRID", "INK", "MUTED", "NEUTRAL", "NO_PATH", "OUTSIDE", "PAPER", "PROPOSED", "STREET",
    "TARGET", "WITHIN", "band_colours",
]  # fmt: skip

INK = "#1f2a30"  # text and axes
MUTED = "#66727a"  # small print, ticks, bounds
GRID = "#e3e7ea"  # grid lines and hairlines
PAPER = "#ffffff"  # background

WITHIN = ("#0b6b6b", "#3f9f98", "#9fd0c6")  # bands within reach, nearest first
OUTSIDE = "#e0512f"  # a community beyond every limit
NO_PATH = "#8f969b"  # a community that no path joins to a facility
NEUTRAL = "#b9c2c7"  # a community that was not judged

EXISTING = "#263238"  # existing facilities
PROPOSED = "#7a1268"  # sites that a plan opens
TARGET = "#b3541e"  # a goal, as a line

STREET = "#cdd3d7"  # streets
DISTRICT = "#77838b"  # boundaries of districts, dashed


def band_colours(count: int) -> list[str]:
    """Return *count* colours for the bands within reach, nearest first.

    Three are the teals of `WITHIN`; other counts lie evenly on the line through them.

    Examples
    --------
    >>> band_colours(3)
    ['#0b6b6b', '#3f9f98', '#9fd0c6']
    >>> band_colours(1)
    ['#3f9f98']
    """
    if count < 2:
        return [WITHIN[1]] * count
    fixed = [[int(colour[i : i + 2], 16) for colour in WITHIN] for i in (1, 3, 5)]
    at, steps = np.linspace(0, len(WITHIN) - 1, count), range(len(WITHIN))
    mixed = zip(*(np.interp(at, steps, part).round().astype(int).tolist() for part in fixed), strict=True)
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in mixed]
