"""Chinese text in figures, on machines with and without a Chinese font.

A figure is laid out with a font of the machine that draws it, and shown with a font of the reader's machine. In a
report the text stays text, so only the second matters; `FAMILIES` lists fonts of planners' machines.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache

from siting.show.colours import GRID, INK, MUTED, PAPER

__all__ = ["FAMILIES", "MORE_FAMILIES", "drawing", "measuring_families"]

#: Sans-serif families with Chinese glyphs: Windows, macOS, Linux.
FAMILIES = (
    "Microsoft YaHei", "SimHei", "PingFang SC", "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC",
    "WenQuanYi Micro Hei",
)  # fmt: skip
#: Further families to measure with, which are not asked for where the text is read: matplotlib before 3.11 knows a
#: collection (.ttc) by the name of its first face only.
MORE_FAMILIES = ("Noto Sans CJK JP", "WenQuanYi Zen Hei")


def measuring_families() -> list[str]:
    """Return the families of this machine to measure with: matplotlib logs a line for each text in another one."""
    return [*(_installed() or _just_installed()), "DejaVu Sans"]


def _installed() -> list[str]:
    from matplotlib.font_manager import fontManager

    names = set(fontManager.get_font_names())
    return [name for name in (*FAMILIES, *MORE_FAMILIES) if name in names]


@cache
def _just_installed() -> list[str]:
    """Add fonts installed after matplotlib cached its list."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    known = {entry.fname for entry in fontManager.ttflist}
    for file in sorted(set(findSystemFonts()) - known):
        with suppress(OSError, RuntimeError):  # a font that matplotlib cannot read is none to measure with
            fontManager.addfont(file)
    return _installed()


@contextmanager
def drawing() -> Iterator[None]:
    """Draw in the library's own style: matplotlib's defaults, its own fonts; global settings are as before after it."""
    import matplotlib.style
    from matplotlib.legend import Legend

    ours = {
        "font.family": measuring_families(),
        "font.size": 10,
        "text.color": INK,
        # A name with two dollar signs is not a formula.
        "text.parse_math": False,
        "text.usetex": False,
        "axes.unicode_minus": False,
        "axes.edgecolor": MUTED,
        "axes.labelcolor": INK,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "grid.color": GRID,
        "grid.linewidth": 0.8,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "figure.facecolor": PAPER,
        "savefig.facecolor": PAPER,
    }
    handlers = dict(Legend.get_default_handler_map())
    try:
        with matplotlib.style.context(["default", ours]):
            yield
    finally:
        # geopandas adds a class of its own for each layer of polygons, and would keep all of them.
        Legend.set_default_handler_map(handlers)
