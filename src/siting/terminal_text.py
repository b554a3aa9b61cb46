"""Text in lines for a terminal, where a Chinese character takes two columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rich.cells import cell_len, chop_cells

__all__ = ["side_by_side", "wrapped"]

#: A run without a place to break: a number with its unit, a word of Latin letters, or one other character; with the
#: brackets before and the stops after it.
PIECE = re.compile(
    r"\s+|[（“《【(\[]*(?:[^\W\d_]?\d[\d,.]*(?: [%％])?(?: (?=[^\x00-\xff])[^\x00-\xff])?|[\x21-\xff≥≤≈–…]+|[^\s])"
    r"[，。；：、！？）”》】%)\]]*"
)


def wrapped(text: str, width: int, *, indent: int = 0) -> list[str]:
    """Break *text* into lines of at most *width* columns, later ones indented.

    Breaks lie between Chinese characters and at blanks, never within a word such as the id of a rule, unless it alone
    is wider than a line; a stop never begins a line.

    Examples
    --------
    >>> wrapped("床位共 1,847 张，其中护理型床位 1,033 张", 20)
    ['床位共 1,847 张，其', '中护理型床位', '1,033 张']
    >>> wrapped("met as far as counted", 12)
    ['met as far', 'as counted']
    """
    lines, line = [], ""
    for piece in PIECE.findall(text):
        if cell_len(line + piece.rstrip()) <= width:
            line += piece
            continue
        if line.strip():
            lines.append(line.rstrip())
        line = " " * indent
        if piece.isspace():
            continue
        while cell_len(line + piece) > width:  # one word wider than a line
            first = chop_cells(piece, max(width - indent, 2))[0]
            lines.append(line + first)
            piece = piece[len(first) :]
        line += piece
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def side_by_side(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> Iterator[list[str]]:
    """Lay cells side by side: for each line the texts of all columns, filled to their widths.

    Examples
    --------
    >>> [" ".join(line) for line in side_by_side(["托育机构", "12"], [4, 3], [False, True])]
    ['托育  12', '机构    ']
    """
    broken = [wrapped(cell, width) for cell, width in zip(cells, widths, strict=True)]
    for line in zip_longest(*broken, fillvalue=""):
        yield [
            " " * (width - cell_len(text)) + text if to_right else text + " " * (width - cell_len(text))
            for text, width, to_right in zip(line, widths, right, strict=True)
        ]
