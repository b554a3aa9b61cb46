"""The rows around the records of a table: titles, a header of one row or several, and notes below."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Any

from siting.data.source import Source
from siting.data.values import number_of, text_of, trim
from siting.errors import LayerError
from siting.messages import Message

__all__ = [
    "Row",
    "check_counts",
    "joined_header",
    "joined_heading",
    "refuse_title",
    "refuse_unit",
    "refuse_unnamed",
    "row_width",
    "void",
    "without_notes",
    "without_titles",
]

logger = logging.getLogger(__name__)

# Headings that only group others.
_OVER = re.compile(
    "(?:基本|基础|机构|小区|设施|人口|床位|托位|人员|地理|空间|位置)?(?:信息|情况|数据|坐标|位置|概况|资料)|其中[:：]?"
)
# A unit that a title gives for the whole table, other than the units of the columns.
_OF_ALL = re.compile(
    r"(?:^|[\s(（,，;；。]|计量)单位[:：]\s*"
    r"([百千万亿]+(?:人|口|户|张|个|平方米|平米|㎡|m2|公顷)?|亩|公顷|(?:平方)?(?:公里|千米)|(?:千|百万|亿)?元|ha|km2?)"
    r"(?=$|[\s)）,，、;；/])"
)
# How a note below the records begins.
_NOTE = re.compile(
    r"(?:备?注|附注|说明|填[报表]|制表|审核|复核|(?:数据|资料)来源|notes?|sources?)[^:：]{0,8}[:：]", re.IGNORECASE
)
Row = list[Any]


def void(cell: Any) -> bool:
    """Whether a cell is blank."""
    return cell is None or (isinstance(cell, str) and not trim(cell))


def row_width(row: Row) -> int:
    """Return the number of the last cell of a row that is not blank."""
    return next((i for i in range(len(row), 0, -1) if not void(row[i - 1])), 0)


def check_counts(source: Source) -> None:
    """Refuse numbers of rows to skip and of the header that cannot be."""
    for key, value, least in (("skip_rows", source.skip_rows, 0), ("header", source.header, 1)):
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < least):
            raise LayerError(source.name, Message("table.count", what=key, value=value, least=least))


def without_titles(rows: list[Row], source: Source) -> list[Row]:
    """Return the rows with those above the header emptied, if the user names them; their texts are logged."""
    if source.skip_rows >= len(rows) > 0:
        raise LayerError(source.name, Message("table.skip_all", skip=source.skip_rows, rows=len(rows)))
    above = [text_of(cell) for row in rows[: source.skip_rows] for cell in row if not void(cell)]
    for number, row in enumerate(rows[: source.skip_rows], start=1):
        refuse_unit(row, number, source.name)
    if above:
        said = Message("table.left_out", last=source.skip_rows, cells=above)
        if source.skip_rows == 1:
            said = Message("table.left_out_one", cells=above)
        logger.warning(said.within(source.name))
    return [[None] * len(row) for row in rows[: source.skip_rows]] + rows[source.skip_rows :]


def without_notes(numbered: list[tuple[int, Row]], layer: str) -> list[tuple[int, Row]]:
    """Return the rows of a table without notes below them, each in one cell; what they say is logged."""
    kept = list(numbered)
    while len(kept) > 1 and len(filled := [text_of(cell) for cell in kept[-1][1] if not void(cell)]) == 1:
        if not _NOTE.match(filled[0]):
            break
        logger.warning(Message("table.note_row", row=kept.pop()[0], cells=filled).within(layer))
    return kept


def refuse_unit(row: Row, number: int, layer: str) -> None:
    """Refuse a row above the header that gives a unit for the whole table: its numbers would be read in another."""
    if unit := next((match[1] for cell in row if not void(cell) and (match := _OF_ALL.search(text_of(cell)))), ""):
        said = Message("table.unit_of_all", row=number, unit=unit, example=f"常住人口（{unit}）")
        raise LayerError(layer, said)


def refuse_title(numbered: list[tuple[int, Row]], width: int, layer: str) -> None:
    """Refuse a first row that names too few columns, and say where the header seems to be."""
    line, head = numbered[0]
    filled = [text_of(c) for c in head if not void(c)]
    if width == 1 or (len(filled) > 1 and 2 * len(filled) >= width):
        return
    names = next((n for n, row in numbered[1:] if 2 * sum(_is_name(c) for c in row) >= width), None)
    remedy = Message("table.remove_titles")
    if names is not None:
        remedy = Message("table.skip_titles", skip=names - 1, header=names)
    facts = {"row": line, "cells": filled, "width": width, "remedy": remedy}
    raise LayerError(layer, Message("table.title_two", **facts) if len(filled) > 1 else Message("table.title", **facts))


def refuse_unnamed(numbered: list[tuple[int, Row]], stray: Sequence[int], layer: str) -> None:
    """Refuse a header that leaves columns without a name, whose cells are in the rows *stray*."""
    (line, _), (below, row) = numbered[:2]
    said = Message("table.unnamed", rows=list(stray), header=line)
    if below == stray[0] and all(_is_name(c) for c in row if not void(c)):
        facts = {"first": line, "last": below, "n": below - line + 1, "skip": below - 1}
        said = Message("table.unnamed_header", rows=list(stray), **facts)
    raise LayerError(layer, said)


def _is_name(cell: Any) -> bool:
    """Whether a cell may be the name of a column: a text that is no number."""
    if void(cell) or not isinstance(cell, str):
        return False
    try:
        number_of(cell)
    except ValueError:
        return True
    return False


def joined_header(rows: list[Row], width: int, line: int, layer: str) -> Row:
    """Join a header of several rows, where a name in an upper row stands over the columns to its right, too."""
    parts: list[list[str]] = []
    for at, row in enumerate(rows):
        texts = [text_of(row[i]) if i < len(row) else "" for i in range(width)]
        for i in range(1, width if at < len(rows) - 1 else 0):
            # Not over a column that begins above or has no name below.
            over = any(part[i] and part[i] != part[i - 1] for part in parts)
            below = any(i < len(lower) and not void(lower[i]) for lower in rows[at + 1 :])
            texts[i] = texts[i] or (texts[i - 1] if below and not over else "")
        parts.append(texts)
    names = [joined_heading([part[i] for part in parts]) for i in range(width)]
    if len(rows) > 1:
        last = line + len(rows) - 1
        said = Message("table.one_header", first=line, last=last, names=[name for name in names if name])
        logger.warning(said.within(layer))
    return [name or None for name in names]


def joined_heading(parts: Sequence[str]) -> str:
    """Join the headings of a column, from the top down, without those that only group others."""
    words = list(filter(None, dict.fromkeys(parts)))
    return "".join(
        word
        for at, word in enumerate(words, start=1)
        if at == len(words) or not (_OVER.fullmatch(word) or any(word in lower for lower in words[at:]))
    )
