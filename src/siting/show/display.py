"""Figures displayed at the end of a notebook's cell, without ``%matplotlib``."""

from __future__ import annotations

import io
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["as_png", "with_display"]

#: Dots per inch of the image, and of the screen: more pixels look sharp on a fine screen.
FINE, SCREEN = 150, 96


def as_png(figure: Figure) -> tuple[bytes, dict[str, int]]:
    """Return *figure* as PNG, with the width and height in pixels at which a notebook shows it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=FINE)
    width, height = figure.get_size_inches() * SCREEN
    return buffer.getvalue(), {"width": round(width), "height": round(height)}


def with_display(figure: Figure) -> Figure:
    """Give *figure*, which belongs to no window, the ``_repr_png_`` that Jupyter asks for; no setting changes."""
    figure._repr_png_ = partial(as_png, figure)  # type: ignore[attr-defined]
    return figure
