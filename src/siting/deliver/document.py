"""The text of a package as a Word document: the report of a run, laid out on A4 as official papers are."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from siting.deliver.docx_parts import (
    add_bookmark,
    add_contents,
    add_page_number,
    centre,
    face_of,
    keep_whole,
    repeat_head,
    shade,
    to_right,
)
from siting.deliver.results import Found
from siting.deliver.rules import Rules
from siting.labels import label
from siting.show.blocks import Block
from siting.show.cells import Cell, Table

__all__ = ["write_document"]

#: Colours of verdicts, and of small print.
COLOURS = {"met": "0B6B6B", "short": "B23A1B"}
MUTED = "5C6870"
#: A4 in millimetres, points of tables and their small print.
WIDTH, HEIGHT, CELL, SMALL = 210.0, 297.0, 9.0, 7.5
#: In a table, millimetres of a Chinese sign, of the margins of a cell, and of the widest text on one line.
SIGN, PADDING, MOST = CELL * 25.4 / 72, 4.2, 70.0
LETTERS = re.compile(r"[^\s\u2e80-\uffef]+")
#: Share of the width that a rule has in a table of rules.
RULE = 0.42
DIGITS = "零一二三四五六七八九"


def chinese_number(n: int) -> str:
    """Write a number below 100 in Chinese.

    Examples
    --------
    >>> [chinese_number(n) for n in (1, 10, 12, 20, 35)]
    ['一', '十', '十二', '二十', '三十五']
    """
    tens, ones = divmod(n, 10)
    head = "" if tens == 0 else f"{DIGITS[tens] if tens > 1 else ''}十"
    return head + (DIGITS[ones] if ones or not tens else "")


def write_document(
    rules: Rules, found: Found, target: Path, *, date: str, figures: Mapping[str, bytes], as_field: bool = True
) -> None:
    """Write the text; *figures* are the images of the report's figures by their anchors, in PNG.

    Without *as_field* the table of contents has plain lines, whose numbers LibreOffice computes.
    """
    writer = _Writer(rules, found, figures)
    writer.cover(date)
    place = writer.contents()
    writer.chapters()
    writer.sources()
    add_contents(place, writer.headings, room=writer.room, as_field=as_field)
    made = io.BytesIO()
    writer.document.core_properties.title = writer.title
    writer.document.core_properties.author = rules.package.maker or rules.package.place
    writer.document.save(made)
    target.write_bytes(made.getvalue())


@dataclass(eq=False)
class _Writer:
    """A document as it is written, with the numbers of its chapters, tables and figures."""

    rules: Rules
    found: Found
    figures: Mapping[str, bytes]
    headings: list[tuple[int, str, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: {"chapter": 0, "table": 0, "figure": 0})

    def __post_init__(self) -> None:
        import docx
        from docx.shared import Mm

        self.lang, self.text = self.found.lang, self.rules.text
        self.words: dict[str, Any] = {"study": self.found.contents.heading, "year": self.found.contents.year or ""}
        self.title = self.rules.fill(self.text.title, **self.words)
        self.document = docx.Document()
        top, right, bottom, left = self.text.margins
        self.room = WIDTH - left - right
        page = self.document.sections[0]
        page.page_width, page.page_height = Mm(WIDTH), Mm(HEIGHT)
        page.top_margin, page.right_margin, page.bottom_margin, page.left_margin = map(Mm, (top, right, bottom, left))
        page.different_first_page_header_footer = True
        header, footer = page.header.paragraphs[0], page.footer.paragraphs[0]
        header.text = self.title
        before, _, after = label("deliver.page", self.lang).partition("{page}")
        add_page_number(footer, before, after)
        self._styles()

    def _styles(self) -> None:
        from docx.enum.style import WD_STYLE_TYPE
        from docx.shared import Pt

        size, styles = self.text.size, self.document.styles
        body = styles["Normal"]
        face_of(body, self.text.body_font, size)
        body.paragraph_format.space_after, body.paragraph_format.line_spacing = Pt(0.35 * size), 1.5
        for level, larger in ((1, 4), (2, 2), (3, 0)):
            head = styles[f"Heading {level}"]
            face_of(head, self.text.heading_font, size + larger, bold=False, colour="000000")
            head.paragraph_format.space_before, head.paragraph_format.space_after = Pt(size), Pt(0.5 * size)
            head.paragraph_format.keep_with_next = True
        face_of(styles["Title"], self.text.heading_font, 26, bold=False, colour="000000")
        for border in styles["Title"].element.findall(".//{*}pBdr"):
            border.getparent().remove(border)
        face_of(styles["Caption"], self.text.heading_font, size - 1.5, bold=False, colour="000000")
        styles["Caption"].paragraph_format.space_after = Pt(3)
        for name, points in (("Cell", CELL), ("Small", SMALL), ("Edge", 9.0)):
            style = styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
            style.base_style = body
            face_of(style, self.text.body_font, points, colour=MUTED if name != "Cell" else None)
            style.paragraph_format.space_before, style.paragraph_format.space_after = Pt(1), Pt(1)
            style.paragraph_format.line_spacing = 1.1
        section = self.document.sections[0]
        for line in (section.header.paragraphs[0], section.footer.paragraphs[0]):
            line.style = styles["Edge"]
            centre(line)

    def cover(self, date: str) -> None:
        """Write the cover: titles, notices, who made it and when."""
        from docx.shared import Mm, Pt

        title = self.document.add_paragraph(self.title, style="Title")
        centre(title).paragraph_format.space_before = Mm(55)
        for words, size in ((self.text.subtitle, 20), (self.found.contents.heading, 14)):
            if words:
                self._centred(words, size, after=Mm(8))
        for notice in self.found.contents.notices:
            self._centred(notice.get(self.lang, ""), 10.5, after=Pt(4), bold=True)
        last = self._centred(rules_line(self.rules), 14, after=Pt(6))
        last.paragraph_format.space_before = Mm(45)
        self._centred(date, 14, after=Pt(0))
        self.document.add_page_break()  # type: ignore[no-untyped-call]  # python-docx has no type there

    def _centred(self, words: str, size: float, *, after: Any, bold: bool = False) -> Any:
        from docx.shared import Pt

        paragraph = centre(self.document.add_paragraph())
        paragraph.paragraph_format.space_after = after
        run = paragraph.add_run(words)
        run.font.size, run.bold = Pt(size), bold
        return paragraph

    def contents(self) -> Any:
        """Write the heading of the table of contents; return the paragraph that ends it."""
        from docx.shared import Pt

        self._centred(label("deliver.contents", self.lang), self.text.size + 4, after=Pt(8))
        return self.document.add_paragraph(style="Small")

    def chapters(self) -> None:
        """Write the chapters of the rules, with the sections of the report where they belong."""
        for chapter in self.rules.chapter:
            if chapter.title is not None:
                self._chapter(self.rules.fill(chapter.title, **self.words))
            for paragraph in chapter.paragraphs:
                self._paragraph(self.rules.fill(paragraph, **self.words))
            for block in self.found.contents.blocks if chapter.sections else ():
                self._block(block, inside=chapter.title is not None)

    def _chapter(self, title: str) -> None:
        self.counts["chapter"] += 1
        n = self.counts["chapter"]
        number = self.rules.fill(self.text.numbering, n=chinese_number(n) if self.lang == "zh" else n)
        heading = self._heading(f"{number}　{title}", 1)
        heading.paragraph_format.page_break_before = self.counts["chapter"] == 1
        centre(heading)

    def _heading(self, words: str, level: int) -> Any:
        heading = self.document.add_heading(words, level)
        bookmark = f"_Toc{len(self.headings) + 1}"
        add_bookmark(heading, bookmark, len(self.headings) + 1)
        self.headings.append((level, words, bookmark))
        return heading

    def _paragraph(self, words: str) -> Any:
        from docx.shared import Pt

        paragraph = self.document.add_paragraph(words)
        if self.lang == "zh":
            paragraph.paragraph_format.first_line_indent = Pt(2 * self.text.size)
        return paragraph

    def _block(self, block: Block, *, inside: bool) -> None:
        if block.kind == "heading":
            level = block.level - 1 + inside
            if level == 1:
                self._chapter(block.text)
            else:
                self._heading(block.text, min(level, 3))
        elif block.kind == "figure":
            self._figure(block)
        elif block.kind == "table" and block.table is not None:
            self._table(block.table)
        elif block.kind in ("tiles", "facts"):
            self._pairs(block)
        elif block.kind == "folded":
            self._paragraph(block.text)
            for name, why in block.pairs:
                self._small(f"· {name} — {why.text}", *why.small)
        else:
            for words in filter(None, (block.text if block.kind != "list" else "", *_said(block))):
                self._paragraph(words)

    def _small(self, *lines: str) -> None:
        for number, line in enumerate(lines):
            self.document.add_paragraph(line, style="Small" if number else "Cell")

    def _pairs(self, block: Block) -> None:
        heads = tuple(Cell(name) for name, _ in block.pairs)
        if block.kind == "tiles":
            cells = tuple(cell for _, cell in block.pairs)
            self._table(Table(heads, (cells,), caption=block.text))
        else:
            rows = tuple((head, cell) for head, (_, cell) in zip(heads, block.pairs, strict=True))
            self._table(Table((), rows, caption=block.text), widths=(0.3, 0.7))

    def _table(self, table: Table, widths: Sequence[float] = ()) -> None:
        from docx.shared import Mm

        columns = len(table.head) or len(table.rows[0])
        if table.caption:
            self._caption("table", table.caption).paragraph_format.keep_with_next = True
        made = self.document.add_table(rows=0, cols=columns, style="Table Grid")
        made.autofit = False
        shares = widths or _shares(table, columns, self.room)
        for column, share in zip(made.columns, shares, strict=True):
            column.width = Mm(self.room * share)
        for head, cells in [*([(True, table.head)] if table.head else []), *((False, row) for row in table.rows)]:
            row = made.add_row()
            for at, cell, share in zip(row.cells, cells, shares, strict=True):
                at.width = Mm(self.room * share)
                _fill(at, cell, head=head)
            if head:
                repeat_head(row)
                for at in row.cells:
                    shade(at, "EEF1F3")
            if table.style != "rules":
                keep_whole(row)
        if not table.head:
            for paragraph in (each for row in made.rows[:-1] for each in row.cells[0].paragraphs):
                paragraph.paragraph_format.keep_with_next = True
        self.document.add_paragraph(table.note, style="Small")

    def _figure(self, block: Block) -> None:
        from docx.shared import Mm

        if block.anchor not in self.figures:
            return
        picture = self.document.part.get_or_add_image(image := io.BytesIO(self.figures[block.anchor]))[1]
        high = 0.82 * (HEIGHT - self.text.margins[0] - self.text.margins[2])
        wide = min(self.room, high * picture.px_width / picture.px_height)
        image.seek(0)
        paragraph = centre(self.document.add_paragraph())
        paragraph.paragraph_format.keep_with_next = True
        paragraph.add_run().add_picture(image, width=Mm(wide))
        self._caption("figure", block.text)

    def _caption(self, kind: str, words: str) -> Any:
        self.counts[kind] += 1
        number = label(f"deliver.{kind}", self.lang, n=self.counts[kind])
        return centre(self.document.add_paragraph(f"{number}　{words}", style="Caption"))

    def sources(self) -> None:
        """Write the sources of the layers."""
        if self.found.contents.attribution:
            self._small(f"{label('report.sources', self.lang)}{self.found.contents.attribution}")


def rules_line(rules: Rules) -> str:
    """Name who made a package, else the place with its code."""
    return rules.package.maker or f"{rules.package.place}（{rules.package.code}）"


def _said(block: Block) -> Iterator[str]:
    if block.kind == "list":
        yield f"{block.text}{'、'.join(block.lines)}"
    else:
        yield from block.lines


def _shares(table: Table, columns: int, room: float) -> list[float]:
    """Share a width in millimetres among the columns: whole words and numbers first, then by the longest texts."""
    if table.style == "rules":
        return [RULE, *((1 - RULE) / (columns - 1) for _ in range(columns - 1))]
    rows = [*([table.head] if table.head else []), *table.rows]
    least = [max(_longest_word(row[at]) for row in rows) + PADDING for at in range(columns)]
    most = [max(_width(row[at].text) for row in rows) + PADDING for at in range(columns)]
    left = max(room - sum(least), 0.0)
    wish = [min(long, MOST) - min(short, MOST) for short, long in zip(least, most, strict=True)]
    total = sum(wish)
    wide = [short + (left * more / total if total else 0.0) for short, more in zip(least, wish, strict=True)]
    return [each / sum(wide) for each in wide]


def _longest_word(cell: Cell) -> float:
    """Return the width of what is not broken: a number, or a run of letters; two signs at least."""
    words = [cell.text] if cell.number and not cell.head else LETTERS.findall(cell.text)
    return max([2 * SIGN, *map(_width, words)])


def _width(text: str) -> float:
    """Return the width of a text in a table in millimetres."""
    return sum(SIGN if ord(sign) > 0x2E7F else 0.66 * SIGN for sign in text)


def _fill(at: Any, cell: Cell, *, head: bool) -> None:
    from docx.shared import RGBColor

    paragraph = at.paragraphs[0]
    paragraph.style = "Cell"
    if cell.number and not head:
        to_right(paragraph)
    run = paragraph.add_run(cell.text)
    run.bold = head or bool(cell.badge)
    if cell.badge in COLOURS:
        run.font.color.rgb = RGBColor.from_string(COLOURS[cell.badge])
    for line in cell.small:
        small = at.add_paragraph(line, style="Small")
        if cell.number:
            to_right(small)
