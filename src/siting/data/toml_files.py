"""Reading TOML, of the user and of the package."""

from __future__ import annotations

import re
import stat
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

from siting.data.system_errors import system_words
from siting.errors import SitingError
from siting.messages import Message

#: Bytes of a file of the user, and parts of a key, whose tables Python makes one inside another.
MOST_BYTES, MOST_PARTS = 4 << 20, 100
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
