"""Figures that show themselves at the end of a notebook's cell, and are saved completely or not at all."""

from __future__ import annotations

import io
from os import PathLike
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from siting.data import atomic_path
from siting.errors import SitingError
from siting.messages import Message

__all__ = ["Picture"]

#: Dots per inch of the image, and of the screen: more pixels look sharp on a fine screen.
FINE, SCREEN = 150, 96


class Picture(Figure):
    """A figure that belongs to no window, and needs no ``%matplotlib``."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """Return the figure as PNG, with the width and height in pixels at which a notebook shows it."""
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=FINE)
        width, height = self.get_size_inches() * SCREEN
        return buffer.getvalue(), {"width": round(width), "height": round(height)}

    def savefig(self, fname: Any, **options: Any) -> None:
        """Save the figure; a file is replaced when the new one is complete.

        Raises
        ------
        SitingError
            When the file cannot be written, or its kind is unknown.
        """
        if not isinstance(fname, str | PathLike):
            super().savefig(fname, **options)
            return
        target = Path(fname)
        if not target.suffix and "format" not in options:
            target = target.with_name(f"{target.name}.{self.canvas.get_default_filetype()}")
        kind = options.get("format", target.suffix[1:]).lower()
        if kind not in (kinds := self.canvas.get_supported_filetypes()):
            raise SitingError(Message("show.figure_file", file=target.name, kinds=sorted(kinds)))
        with atomic_path(target) as draft:
            super().savefig(draft, **{**options, "format": kind})
