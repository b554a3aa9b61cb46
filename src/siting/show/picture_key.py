"""The key next to a picture: marks, scale, north arrow and sources.

It is laid out in inches by estimated widths of text, so that it is the same on a machine without Chinese fonts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from siting.labels import label
from siting.show.colours import INK, MUTED, PAPER
from siting.show.marks import mark_facility, pin
from siting.show.text import wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Entry", "Mark", "draw_key", "scale_length"]

Mark: TypeAlias = Literal["dot", "square", "grows", "closes", "pin", "line", "dashes", "patch"]

#: Inches from line to line, and from the left to the words.
LINE, LEFT = 0.235, 0.36


@dataclass(frozen=True)
class Entry:
    """A line of the key: a mark, its colour, its meaning, and how many there are."""

    mark: Mark
    colour: str
    words: str
    count: int | None = None
    strong: bool = False


def draw_key(
    axes: Axes,
    size: tuple[float, float],
    groups: Iterable[tuple[str, Sequence[Entry]]],
    *,
    metres_per_inch: float,
    notes: Iterable[str] = (),
    lang: str = "zh",
) -> None:
    """Draw headings with their entries into *axes*, an empty panel of *size* inches; scale and notes at its foot."""
    width, height = size
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
    y = height - 0.1
    for heading, entries in groups:
        if not entries:
            continue
        for line in wrap(heading, 9, width - 0.05):
            axes.text(0, y, line, fontsize=9, fontweight="bold", color=INK, va="center")
            y -= LINE
        for entry in entries:
            _draw_mark(axes, entry, y)
            lines = wrap(entry.words, 9, width - LEFT - (0.45 if entry.count is not None else 0.05))
            style: Any = {"fontsize": 9, "va": "center", "fontweight": "bold" if entry.strong else "normal"}
            if entry.count is not None:
                axes.text(width - 0.05, y, f"{entry.count:,}", color=MUTED, ha="right", **style)
            for line in lines:
                axes.text(LEFT, y, line, color=INK, **style)
                y -= LINE
        y -= 0.14
    _draw_foot(axes, width, metres_per_inch, notes, lang)


def scale_length(most: float) -> float:
    """Return the longest of 1, 2, 5, 10, 20, 50, … that is not above *most*.

    Examples
    --------
    >>> scale_length(1830.0)
    1000.0
    """
    return max(step * 10.0**power for power in range(-9, 9) for step in (1, 2, 5) if step * 10.0**power <= most)


def _draw_mark(axes: Axes, entry: Entry, y: float) -> None:
    x = 0.14
    if entry.mark == "line":
        axes.plot([0, 0.28], [y, y], color=entry.colour, linewidth=1.6)
    elif entry.mark == "dashes":
        axes.plot([0, 0.28], [y, y], color=entry.colour, linewidth=1.0, linestyle=(0, (5, 3)))
    elif entry.mark == "patch":
        axes.fill_between([0, 0.28], y - 0.07, y + 0.07, color=entry.colour, alpha=0.3, linewidth=0)
    elif entry.mark == "pin":
        axes.scatter([x], [y - 0.1], s=800, marker=pin(), c=entry.colour, edgecolors=PAPER, linewidths=0.8)
    elif entry.mark in ("grows", "closes"):
        mark_facility(axes, [x], [y], entry.mark, bigger=1.2)
    else:
        shape, area = {"dot": ("o", 46), "square": ("s", 32)}[entry.mark]
        axes.scatter([x], [y], s=area, marker=shape, c=entry.colour, edgecolors=PAPER, linewidths=0.6)


def _draw_foot(axes: Axes, width: float, metres_per_inch: float, notes: Iterable[str], lang: str) -> None:
    y = 0.06
    for line in reversed([line for note in notes for line in wrap(note, 7.5, width - 0.02)]):
        axes.text(0, y, line, fontsize=7.5, color=MUTED, va="center")
        y += 0.16
    y += 0.16
    metres = scale_length(metres_per_inch * (width - 0.75))
    long = metres / metres_per_inch
    axes.plot([0, 0, long, long], [y + 0.07, y, y, y + 0.07], color=INK, linewidth=1.3, solid_joinstyle="miter")
    style: Any = {"ha": "center", "va": "center", "color": INK}
    axes.text(long / 2, y + 0.14, f"{metres:,.10g} {label('unit.m', lang)}", fontsize=8.5, **style)
    tip = (width - 0.2, y + 0.36)
    arrow = {"arrowstyle": "-|>", "color": INK, "linewidth": 1.3, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", tip, (tip[0], y - 0.02), arrowprops=arrow)
    axes.text(tip[0], tip[1] + 0.1, label("picture.north", lang), fontsize=9, fontweight="bold", **style)
