"""Reading TOML, of the user and of the package."""

from __future__ import annotations

import codecs
import re
import stat
import tomllib
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

from siting.data.system_errors import system_words
from siting.errors import SitingError
from siting.messages import Message

#: Bytes of a file of the user, and parts of a key, whose tables Python makes one inside another.
MOST_BYTES, MOST_PARTS = 4 << 20, 100
CHINESE = re.compile("[\u4e00-\u9fff]")
#: Signs of a Chinese keyboard, and those of TOML that look like them.
PLAIN = {
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "＝": "=",
    "［": "[",
    "］": "]",
    "【": "[",
    "】": "]",
    "，": ",",
    "｛": "{",
    "｝": "}",
    "＃": "#",
}
FULL_WIDTH = re.compile(f"[{''.join(PLAIN)}]")
#: What tomllib says, and in other words.
REASONS = {
    "Unterminated string": Message("toml.open_string"),
    "Illegal character '\\n'": Message("toml.open_string"),
    "Unescaped '\\' in a string": Message("toml.backslash"),
    "Expected '=' after a key": Message("toml.no_equals"),
    "Invalid value": Message("toml.no_value"),
    "Expected ']' at the end of a table declaration": Message("toml.open_header"),
    "Cannot overwrite a value": Message("toml.twice"),
    "Cannot declare": Message("toml.twice"),
    "Expected ']]' at the end of an array declaration": Message("toml.open_header"),
    "Invalid statement": Message("toml.no_statement"),
    "Invalid initial character for a key part": Message("toml.no_statement"),
    "Unclosed array": Message("toml.open_list"),
    "Unclosed inline table": Message("toml.open_table"),
    "Expected newline or end of document": Message("toml.two_in_a_line"),
}
_KEY = re.compile(r"""\s*(?:\[\s*)?([^\s"'=\[\]{}#]+)\s*[=\]]""")


def read_toml(path: str | Path, what: str | Message, error: type[SitingError] = SitingError) -> dict[str, Any]:
    """Read a TOML file of the user, of the kind *what*; raise *error* when it cannot be read or is not TOML."""
    file = Path(path)
    try:
        return parsed(toml_text(file, error))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        if isinstance(fault, OSError):
            raise error(Message("data.toml_unread", what=what, file=file, why=system_words(fault))) from fault
        facts = {"what": what, "file": file.name, "why": str(fault)}
        if (found := _unquoted_key(file)) is not None:
            raise error(Message("data.toml_unquoted", line=found[0], key=found[1], **facts)) from fault
        raise error(Message("data.toml_broken", **facts)) from fault


def tables_of(file: Path, error: type[SitingError] = SitingError) -> tuple[str, dict[str, Any]]:
    """Return the text and the tables of a TOML file of the user; *error*, with the line, when it is none."""
    try:
        text = toml_text(file, error)
    except FileNotFoundError:
        raise error(Message("file.absent", file=file)) from None
    except OSError as fault:
        raise error(Message("file.unread", file=file, why=fault.strerror)) from fault
    except UnicodeDecodeError as fault:
        raise error(_encoding_words(file, fault)) from fault
    try:
        return text, parsed(text)
    except tomllib.TOMLDecodeError as fault:
        raise error(_syntax_words(file, text, fault)) from fault


def _encoding_words(file: Path, fault: UnicodeDecodeError) -> Message:
    """Say in which encoding a file is that is not UTF-8, where its Chinese tells."""
    content = file.read_bytes()
    line = content.count(b"\n", 0, fault.start) + 1
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if wide else ("gb18030",):
        with suppress(UnicodeDecodeError):
            if CHINESE.search(content.decode(encoding)):
                return Message("toml.encoding", file=file.name, line=line, encoding=encoding.upper())
    return Message("toml.no_text", file=file.name, line=line)


def _syntax_words(file: Path, text: str, fault: tomllib.TOMLDecodeError) -> Message:
    """Say where a text is no TOML, and why where the reason is a usual one."""
    at = re.search(r"\(at line (\d+), column (\d+)\)", str(fault))
    rows = text.splitlines() or [""]
    number = min(int(at[1]), len(rows)) if at else len(rows)
    row, column = rows[number - 1], int(at[2]) if at else len(rows[-1]) + 1
    place = {"file": file.name, "line": number, "column": column}
    if sign := FULL_WIDTH.search(row):
        column = sign.start() + 1
        return Message("toml.full_width", **{**place, "column": column}, sign=sign[0], plain=PLAIN[sign[0]])
    if (key := _KEY.match(row)) and not key[1].isascii():
        return Message("toml.key", **place, key=key[1])
    why = str(fault).partition(" (at ")[0]
    for start, message in REASONS.items():
        if why.startswith(start):
            return Message("toml.wrong", **place, why=message)
    return Message("toml.wrong", **place, why=why)


def toml_text(file: Path, error: type[SitingError] = SitingError) -> str:
    """Return the text of a TOML file; raise *error* when it has no end or is too large to be one."""
    try:
        facts = file.stat()
    except ValueError as fault:  # a NUL in the path
        raise error(Message("reading.unread", file=str(file), why=str(fault))) from fault
    if not (stat.S_ISREG(facts.st_mode) or stat.S_ISDIR(facts.st_mode)):
        raise error(Message("reading.pipe", file=file))
    if facts.st_size > MOST_BYTES:
        size = facts.st_size / (1 << 20)
        raise error(Message("data.toml_large", file=file.name, size=size, most=MOST_BYTES >> 20))
    return file.read_text(encoding="utf-8-sig")


def parsed(text: str) -> dict[str, Any]:
    """Return the tables of a text in TOML; TOMLDecodeError also where they lie too deep in one another."""
    for line, row in enumerate(text.splitlines(), start=1):
        if row.partition("=")[0].count(".") > MOST_PARTS:
            raise tomllib.TOMLDecodeError(f"line {line}: a key of more than {MOST_PARTS} parts")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise tomllib.TOMLDecodeError("its lists or tables lie too deep in one another") from None


def package_toml(name: str) -> dict[str, Any]:
    """Read a TOML file of the package."""
    return tomllib.loads(files("siting.data").joinpath(name).read_text(encoding="utf-8"))


def _unquoted_key(file: Path) -> tuple[int, str] | None:
    """Name a key without quotation marks, which TOML requires unless it is ASCII."""
    for line, text in enumerate(file.read_bytes().decode("utf-8-sig", "replace").splitlines(), start=1):
        key = _KEY.match(text)
        if key and not key[1].isascii():
            return line, key[1]
    return None
