"""Text for a terminal: in lines, where a Chinese character takes two columns, and without commands to the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Any

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.segment import Segment
from rich.text import Text

from siting.labels import Language
from siting.messages import Message, language

__all__ = ["TextConsole", "as_typed", "print_rows", "printable", "side_by_side", "wrapped", "wrapped_before"]

#: What commands a terminal or turns the order of reading: controls but line breaks and tabs, marks of direction, line
#: separators, and halves of pairs, which stand for bytes of file names that are no text.
COMMANDS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb\ufeff\ud800-\udfff]"
)

#: A run without a place to break: a number with its unit, a word of Latin letters, or one other character; with the
#: brackets before and the stops after it.
PIECE = re.compile(
    r"\s+|[（“《【(\[]*(?:[^\W\d_]?\d[\d,.]*(?: [%％])?(?: (?=[^\x00-\xff])[^\x00-\xff])?|[\x21-\xff≥≤≈–…]+|[^\s])"
    r"[，。；：、！？）”》】%)\]]*"
)

#: A keyword of `read_layer` in a message, with its value where there is one; it is no part of a word or a quotation.
KEYWORD = re.compile(
    r"(?<![\w.\"'“=-])(?P<key>layer|encoding|skip_rows|header|strip_units|id_prefix|crs|datum|columns|missing|mapping)="
    r"(?P<value>True|\d+|\"[^\"]*\"|'[^']*'|\{\"[^{}]*\"\})?",
    re.ASCII,
)
#: Both ways to name columns, which are one in a shell; and what can be done in Python alone.
BOTH_WAYS = re.compile(r'columns=\{"[^{}]*"\}(?:, or in a mapping: |，或在字段对照文件中写 )(\[columns\])')
PYTHON = re.compile(
    r"(?:，或用|,? or(?: set it with)?) frame\.set_crs\([^()]*\)(?: 设定)?|(?:、| or )from_toml\(…, outside=True\)"
)

#: A heading is not broken into lines of fewer columns.
HEADING = 8


def as_typed(text: str, *, options: bool, lang: Language | None = None) -> str:
    r"""Return a message with the keywords of `read_layer` as options of a shell, or else as keys of a study.

    It is in *lang*, else in the language of messages. What can be done in Python alone is left out.

    Examples
    --------
    >>> message = 'leave them out with skip_rows=2; choose one with layer=; name it with columns={"id": "编号"}'
    >>> as_typed(message, options=True)
    'leave them out with --skip-rows 2; choose one with --layer; name it with a --mapping: [columns] id = "编号"'
    >>> as_typed(message, options=False)
    'leave them out with skip_rows = 2; choose one with layer; name it with columns = { id = "编号" }'
    >>> as_typed('请写 skip_rows=2 跳过，或用 columns={"id": "编号"} 指定', options=True, lang="zh")
    '请写 --skip-rows 2 跳过，或用 --mapping 字段对照文件：[columns] id = "编号" 指定'
    """
    lang = lang or language()

    def typed(match: re.Match[str]) -> str:
        key, value = match["key"], match["value"] or ""
        if not (value or options):
            return key
        if key == "columns":
            pairs = re.sub(r'"([\w-]+)": ', r"\1 = ", value[1:-1]) or "…"
            return mapped(f"[columns] {pairs}") if options else f"columns = {{ {pairs} }}"
        if options and key != "missing":
            return f"--{key.replace('_', '-')} {'' if value == 'True' else value}".rstrip()
        equal = f"{key} = {'true' if value == 'True' else value}"
        return Message("shell.in_a_study", key=equal).text(lang) if options else equal

    def mapped(pairs: str) -> str:
        return Message("shell.in_a_mapping", pairs=pairs).text(lang)

    text = PYTHON.sub("", text)
    if options:
        text = BOTH_WAYS.sub(lambda match: mapped(match[1]), text)
    return KEYWORD.sub(typed, text)


def printable(text: str) -> str:
    r"""Return *text* with U+FFFD for each character that commands a terminal, such as the escape character.

    Examples
    --------
    >>> printable("No. 1\x1b[2J"), printable("a\tb\n")
    ('No. 1�[2J', 'a\tb\n')
    """
    return COMMANDS.sub("\ufffd", text)


class TextConsole(Console):
    """A console of rich whose texts are `printable`: only rich itself moves the cursor or changes colours."""

    def __init__(self, **options: Any) -> None:
        super().__init__(emoji=False, **options)  # ":fire:" in a name is that name

    def render(self, renderable: Any, options: Any = None) -> Iterable[Segment]:
        """Yield what rich writes, texts without commands."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))


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


def wrapped_before(text: str, key: str, width: int, *, indent: int = 0) -> list[str]:
    """Break *text* into lines, with the id *key* after it in one piece, however long.

    Examples
    --------
    >>> wrapped_before("clause: 2", "own.childcare.radius", 12, indent=2)
    ['clause: 2', '  own.childcare.radius']
    """
    lines = wrapped(text, width, indent=indent)
    if cell_len(lines[-1]) + 1 + cell_len(key) <= width:
        return [*lines[:-1], f"{lines[-1]} {key}"]
    return [*lines, " " * indent + key]


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


def print_rows(
    out: Console,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Sequence[bool],
    *,
    below: Sequence[str] = (),
    colon: str = ": ",
) -> None:
    """Print a table as wide as its cells, headings in several lines where they are longer; *below* each row a text.

    Where the terminal is narrower the cells of a row stand below its first one, each after its heading.
    """
    cells = [max((cell_len(row[k]) for row in rows), default=0) for k in range(len(heads))]
    pieces = [max(cell_len(piece.strip()) for piece in PIECE.findall(head)) for head in heads]
    least = [
        max(cell, piece, min(cell_len(head), HEADING)) for cell, piece, head in zip(cells, pieces, heads, strict=True)
    ]
    full = [max(cell, cell_len(head)) for cell, head in zip(cells, heads, strict=True)]
    between = 2 * (len(heads) - 1)
    widths = next(
        (each for each in (full, _shared(full, least, out.width - between), least) if sum(each) + between <= out.width),
        None,
    )
    if widths is not None:
        _print_lines(out, side_by_side(heads, widths, right), "dim")
    for number, row in enumerate(rows):
        if widths is not None:
            _print_lines(out, side_by_side(row, widths, right))
        else:
            for line in wrapped(row[0], out.width):
                out.print(Text(line, style="bold"), soft_wrap=True)
            told = [f"{head}{colon}{cell}" for head, cell in zip(heads[1:], row[1:], strict=True) if cell]
            for each in told:
                _print_lines(out, ([line] for line in wrapped(f"  {each}", out.width, indent=4)))
        for line in wrapped(f"  {below[number]}", out.width, indent=2) if below and below[number] else ():
            out.print(Text(line, style="dim"), soft_wrap=True)


def _shared(full: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Narrow the widest columns to what is there, none below its least."""
    widths = list(full)
    while sum(widths) > room:
        spare = [width - low for width, low in zip(widths, least, strict=True)]
        if not any(spare):
            break
        widths[max(range(len(widths)), key=lambda k: (spare[k] > 0, widths[k]))] -= 1
    return widths


def _print_lines(out: Console, lines: Iterable[Sequence[str]], style: str = "") -> None:
    for line in lines:
        out.print(Text("  ".join(line).rstrip(), style=style), soft_wrap=True)
