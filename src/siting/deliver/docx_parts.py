"""Parts of Word documents that python-docx has no words for: fields, faces of Chinese text, heads that repeat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = [
    "add_bookmark",
    "add_contents",
    "add_page_number",
    "centre",
    "face_of",
    "keep_whole",
    "repeat_head",
    "shade",
    "to_right",
]

#: The face of Latin letters and figures.
LATIN = "Times New Roman"


def face_of(style: Any, face: str, size: float, *, bold: bool | None = None, colour: str | None = None) -> None:
    """Give a style the face of its Chinese text, its size in points, and its colour."""
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    font = style.font
    font.name, font.size, font.bold, font.italic = LATIN, Pt(size), bold, None if bold is None else False
    if colour is not None:
        font.color.rgb = RGBColor.from_string(colour)
    faces = style.element.get_or_add_rPr().get_or_add_rFonts()
    for key in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        faces.attrib.pop(qn(f"w:{key}"), None)
    faces.set(qn("w:eastAsia"), face)


def centre(paragraph: Any) -> Any:
    """Centre a paragraph, and return it."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    return paragraph


def to_right(paragraph: Any) -> None:
    """Move a paragraph to the right."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT


def _element(tag: str, /, **attributes: str) -> Any:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    made = OxmlElement(f"w:{tag}")
    for key, value in attributes.items():
        made.set(qn(f"w:{key}"), value)
    return made


def _mark(paragraph: Any, kind: str) -> None:
    paragraph.add_run()._r.append(_element("fldChar", fldCharType=kind))


def _begin(paragraph: Any, code: str) -> None:
    """Begin a field; what is added until its end is what it shows before a program computes it."""
    _mark(paragraph, "begin")
    told = _element("instrText")
    told.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    told.text = f" {code} "
    paragraph.add_run()._r.append(told)
    _mark(paragraph, "separate")


def _field(paragraph: Any, code: str, shown: str = "1") -> None:
    _begin(paragraph, code)
    paragraph.add_run(shown)
    _mark(paragraph, "end")


def add_page_number(paragraph: Any, before: str, after: str) -> None:
    """Add the number of the page, with words around it."""
    paragraph.add_run(before)
    _field(paragraph, "PAGE")
    paragraph.add_run(after)


def add_bookmark(paragraph: Any, name: str, number: int) -> None:
    """Put a bookmark around what a paragraph holds."""
    paragraph._p.insert(1 if paragraph._p.pPr is not None else 0, _element("bookmarkStart", id=str(number), name=name))
    paragraph._p.append(_element("bookmarkEnd", id=str(number)))


def add_contents(place: Any, headings: Sequence[tuple[int, str, str]], *, room: float, as_field: bool) -> None:
    """Add the table of contents before the paragraph *place*: the level, the words and the bookmark of each heading.

    It is a field that Word updates; LibreOffice computes the numbers of pages only without it. *room* is the width of
    a line in millimetres.
    """
    from docx.enum.text import WD_TAB_ALIGNMENT, WD_TAB_LEADER
    from docx.shared import Mm

    for number, (level, words, bookmark) in enumerate(headings):
        line = place.insert_paragraph_before()
        line.paragraph_format.left_indent, line.paragraph_format.space_after = Mm(7 * (level - 1)), Mm(0.5)
        line.paragraph_format.tab_stops.add_tab_stop(Mm(room), WD_TAB_ALIGNMENT.RIGHT, WD_TAB_LEADER.DOTS)
        if as_field and number == 0:
            _begin(line, 'TOC \\o "1-2" \\h \\z \\u')
        line.add_run(f"{words}\t")
        _field(line, f"PAGEREF {bookmark} \\h", "")
        if as_field and number == len(headings) - 1:
            _mark(line, "end")
    if as_field:
        place.part.document.settings.element.append(_element("updateFields", val="true"))


def repeat_head(row: Any) -> None:
    """Let a row of a table stand on each page."""
    row._tr.get_or_add_trPr().append(_element("tblHeader", val="true"))


def keep_whole(row: Any) -> None:
    """Let a row of a table stand on one page."""
    row._tr.get_or_add_trPr().insert(0, _element("cantSplit", val="true"))


def shade(cell: Any, colour: str) -> None:
    """Give a cell a background."""
    cell._tc.get_or_add_tcPr().append(_element("shd", val="clear", color="auto", fill=colour))
