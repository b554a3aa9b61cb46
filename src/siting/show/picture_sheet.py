"""The sheet that a picture is drawn on: as large as its map needs, or paper of a size and a map at a round scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from siting.show.text import clean, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["PAPERS", "Extent", "Sheet"]

#: West, south, east, north in metres.
Extent: TypeAlias = tuple[float, float, float, float]
#: Inches: the whole width, the width of the key, the margins, the strip of the title, the heights of the map.
WIDTH, KEY, EDGE, HEAD = 10.0, 2.45, 0.12, 0.5
TALLEST, LEAST = 9.0, 4.6
#: Inches of an inch of metres, and the sizes of paper, lying, in inches.
INCH = 0.0254
PAPERS = {"A3": (0.420 / INCH, 0.297 / INCH), "A4": (0.297 / INCH, 0.210 / INCH)}
#: On paper, inches: the margin, the strips of the title and of the foot, the width of the key, points of the title.
MARGIN, TITLE, FOOT, LEGEND = 0.4, 0.62, 0.34, 2.75
SIZES = {"A3": 20.0, "A4": 15.0}
#: The first figures of the scales of maps.
ROUND = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.5, 8.0, 10.0)


@dataclass(frozen=True, eq=False)
class Sheet:
    """A figure, the axes of its map, the panel of its key with its size in inches, and the metres in an inch."""

    figure: Figure
    axes: Axes
    panel: Axes
    size: tuple[float, float]
    scale: float

    @classmethod
    def around(cls, extent: Extent, title: str) -> Sheet:
        """Return a sheet as large as the map needs."""
        left, bottom, right, top = extent
        tall = min((WIDTH - KEY - 3 * EDGE) * (top - bottom) / (right - left), TALLEST)
        across = tall * (right - left) / (top - bottom)
        width, height = across + KEY + 3 * EDGE, max(tall, LEAST) + HEAD + EDGE
        figure = _figure(width, height)
        axes = _map(figure, (EDGE, height - HEAD - tall, across, tall), extent, "#d5dade")
        figure.text(EDGE / width, 1 - 0.14 / height, clean(title), fontsize=13, fontweight="bold", va="top")
        size = KEY, height - HEAD - EDGE
        return cls(figure, axes, _box(figure, (across + 2 * EDGE, EDGE, *size)), size, (right - left) / across)

    @classmethod
    def on_paper(
        cls, extent: Extent, title: str, *, paper: str, subtitle: str = "", foot: tuple[str, str, str] = ("", "", "")
    ) -> Sheet:
        """Return a page of *paper*, lying: the map at a round scale, framed; *foot* is left, in the middle and right.

        ``{scale}`` in the foot is the denominator of the scale.
        """
        width, height = PAPERS[paper]
        left, bottom, right, top = extent
        across, tall = width - 2 * MARGIN - LEGEND - EDGE, height - 2 * MARGIN - TITLE - FOOT
        scale = round_scale(max((right - left) / across, (top - bottom) / tall) / INCH)
        x, y, per_inch = (left + right) / 2, (bottom + top) / 2, scale * INCH
        wide, high = across * per_inch / 2, tall * per_inch / 2
        figure = _figure(width, height)
        axes = _map(figure, (MARGIN, MARGIN + FOOT, across, tall), (x - wide, y - high, x + wide, y + high), "#1f2a30")
        size, room = SIZES[paper], width - 2 * MARGIN
        size *= min(1.0, room / text_width(clean(title), size))
        middle = height - MARGIN - (TITLE - 0.12) / 2
        _write(figure, width / 2, middle + (0.12 if subtitle else 0.0), title, "center", size, "bold")
        if subtitle:
            small = min(11.0, 11.0 * room / text_width(subtitle, 11))
            _write(figure, width / 2, middle - 0.2, subtitle, "center", small)
        places = ((MARGIN, "left"), (width / 2, "center"), (width - MARGIN, "right"))
        for (at, where), words in zip(places, foot, strict=True):
            _write(figure, at, MARGIN + FOOT / 2 - 0.05, words.replace("{scale}", f"{scale:,.0f}"), where, 9.0)
        key = LEGEND - EDGE, tall
        panel = _box(figure, (MARGIN + across + 2 * EDGE, MARGIN + FOOT, *key))
        return cls(figure, axes, panel, key, per_inch)


def round_scale(least: float) -> float:
    """Return the denominator of the largest usual scale that is not above 1 : *least*.

    Examples
    --------
    >>> round_scale(21_300), round_scale(25_000)
    (25000.0, 25000.0)
    """
    power = 10.0 ** (len(f"{least:.0f}") - 1)
    return next(step * power for step in ROUND if step * power >= least - 1e-6)


def _figure(width: float, height: float) -> Figure:
    from siting.show.display import Picture  # matplotlib takes a while to import

    return Picture(figsize=(width, height))


def _write(figure: Figure, x: float, y: float, words: str, ha: str, size: float, weight: str = "normal") -> None:
    """Write words at a place given in inches."""
    width, height = figure.get_size_inches()
    figure.text(x / width, y / height, clean(words), fontsize=size, fontweight=weight, ha=ha, va="center")


def _box(figure: Figure, at: tuple[float, float, float, float]) -> Axes:
    """Return axes at a place given in inches."""
    width, height = figure.get_size_inches()
    return figure.add_axes((at[0] / width, at[1] / height, at[2] / width, at[3] / height))


def _map(figure: Figure, at: tuple[float, float, float, float], extent: Extent, edge: str) -> Axes:
    axes = _box(figure, at)
    axes.set_aspect("equal", adjustable="box")
    axes.set(xlim=(extent[0], extent[2]), ylim=(extent[1], extent[3]), xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(visible=True, color=edge, linewidth=0.8)
    return axes
