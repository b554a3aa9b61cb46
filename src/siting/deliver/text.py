"""The text of a package: a Word document, and the same as PDF where the machine has a program for it."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from siting.deliver.document import write_document
from siting.deliver.figures import figures_of
from siting.deliver.pdf import browser, office, print_page, turn_document
from siting.deliver.results import Found
from siting.deliver.rules import Rules
from siting.messages import Message
from siting.show.blocks import Block
from siting.show.report import report_page

__all__ = ["write_texts"]


def write_texts(rules: Rules, found: Found, document: Path, pdf: Path, *, date: str) -> Message | None:
    """Write the document and its PDF; return why there is no PDF, where there is none."""
    figures = figures_of(found)
    write_document(rules, found, document, date=date, figures=figures)
    faults = []
    with tempfile.TemporaryDirectory() as room:
        if program := office():
            plain = Path(room, "text.docx")
            write_document(rules, found, plain, date=date, figures=figures, as_field=False)
            fault = turn_document(program, plain, pdf)
            if fault is None:
                return None
            faults.append(fault)
        if program := browser():
            page = Path(room, "text.html")
            page.write_text(_page(rules, found, figures), encoding="utf-8")
            fault = print_page(program, page, pdf)
            if fault is None:
                return None
            faults.append(fault)
    name = document.name
    return Message("deliver.pdf_failed", why=faults, name=name) if faults else Message("deliver.no_pdf", name=name)


def _page(rules: Rules, found: Found, figures: Mapping[str, bytes]) -> str:
    contents = found.contents
    title = rules.fill(rules.text.title, study=contents.heading, year=contents.year or "")
    notices = [notice[found.lang] for notice in contents.notices if found.lang in notice]
    sources = [contents.attribution] if contents.attribution else []
    blocks = list(_blocks(rules, found, figures))
    return report_page(blocks, title=title, lang=found.lang, notices=notices, sources=sources)


def _blocks(rules: Rules, found: Found, figures: Mapping[str, bytes]) -> Iterator[Block]:
    """Yield the chapters of the rules as blocks of a page, with images for figures."""
    words = {"study": found.contents.heading, "year": found.contents.year or ""}
    for number, chapter in enumerate(rules.chapter):
        if chapter.title is not None:
            yield Block("heading", text=rules.fill(chapter.title, **words), anchor=f"chapter-{number}")
        for paragraph in chapter.paragraphs:
            yield Block("paragraph", text=rules.fill(paragraph, **words))
        for block in found.contents.blocks if chapter.sections else ():
            if block.kind != "figure":
                yield block
            elif block.anchor in figures:
                image = base64.b64encode(figures[block.anchor]).decode()
                yield replace(block, lines=(f'<img style="width:100%" src="data:image/png;base64,{image}">',))
