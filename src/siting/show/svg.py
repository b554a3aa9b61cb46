"""Figures as SVG in a page with others: text stays text, ids are unique."""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from siting.show.fonts import FAMILIES, MORE_FAMILIES
from siting.show.text import clean

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["inline_svg"]

HREF = "{http://www.w3.org/1999/xlink}href"
REFERENCE = re.compile(r"#([\w.-]+)")
FONT = re.compile(r"font-family:\s*([^;]*)")


def inline_svg(figure: Figure, *, name: str, alt: str = "", dpi: float = 150) -> str:
    """Return *figure*, unchanged, as an ``<svg>`` element for an HTML page, shown with the reader's fonts.

    *name*, of letters, digits and hyphens, goes before each id of the element and is unique on the page; *alt* says
    what the figure shows, for readers who cannot see it; *dpi* is the resolution of what is rasterized.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> inline_svg(Figure(figsize=(1, 1)), name="fig-1", alt="nothing")[:52]
    '<svg viewBox="0 0 72 72" role="img" aria-label="noth'
    """
    root = ET.fromstring(_render(figure, name, dpi))
    for parent in list(root.iter()):
        for child in list(parent):
            # Remove the date, the licence and the rule for "*", which would affect the whole page.
            if _plain(child.tag) in ("metadata", "style"):
                parent.remove(child)
    used = set(REFERENCE.findall(ET.tostring(root, encoding="unicode")))
    for element in root.iter():
        element.tag = _plain(element.tag)
        element.attrib = _attributes(element.attrib, name, used)
    box = {"viewBox": root.attrib["viewBox"], "role": "img", "aria-label": clean(alt)}
    width = float(box["viewBox"].split()[2])
    box["style"] = f"width: {width:g}pt; stroke-linejoin: round; stroke-linecap: butt"
    root.attrib = box
    _drop_spaces(root)
    return ET.tostring(root, encoding="unicode")


def _render(figure: Figure, name: str, dpi: float) -> str:
    import matplotlib as mpl

    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": name, "axes.unicode_minus": False}
    buffer = io.StringIO()
    with mpl.rc_context(settings), warnings.catch_warnings():
        # Text is shown with the reader's fonts; the fonts of this machine only measure it, so
        # a glyph that they lack is missing nowhere. A figure that is saved as pixels still warns.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from", category=UserWarning)
        figure.savefig(buffer, format="svg", metadata={"Date": None}, dpi=dpi)
    return clean(buffer.getvalue())


def _plain(tag: str) -> str:
    return tag.rpartition("}")[2]


def _attributes(old: dict[str, str], name: str, used: set[str]) -> dict[str, str]:
    """Return the attributes of an element with unique ids, named fonts, and without links."""
    new: dict[str, str] = {}
    for key, value in old.items():
        if key in (HREF, "href"):
            # Only references to this figure and its own pixels: a page makes no request.
            if value.startswith("#"):
                new["href"] = f"#{name}-{value[1:]}"
            elif value.startswith("data:image/"):
                new["href"] = value
        elif key == "id":
            if value in used:
                new["id"] = f"{name}-{value}"
        elif key == "style":
            new["style"] = FONT.sub(_families, value).replace("url(#", f"url(#{name}-")
        elif not key.startswith("{"):
            new[key] = value.replace("url(#", f"url(#{name}-")
    return new


def _families(match: re.Match[str]) -> str:
    """Replace the measuring font families by those for display, keeping the user's choice."""
    asked = [family.strip().strip("'\"") for family in match[1].split(",")]
    ours = {*FAMILIES, *MORE_FAMILIES, "DejaVu Sans"}
    # matplotlib spells "sans-serif" out as a long list of Latin faces, none of them a choice for Chinese text.
    kept = [] if "sans-serif" in asked or ours.issuperset(asked) else asked
    named = [
        name if name in ("serif", "monospace", "cursive", "fantasy") else f"'{name}'" for name in (*kept, *FAMILIES)
    ]
    return f"font-family: {', '.join(named)}, sans-serif"


def _drop_spaces(root: ET.Element) -> None:
    """Remove the indentation, except within text."""
    for element in root.iter():
        if element.tag not in ("text", "tspan") and element.text and not element.text.strip():
            element.text = None
        if element.tag != "tspan" and element.tail and not element.tail.strip():
            element.tail = None
