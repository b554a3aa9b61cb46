"""Reading TOML, of the user and of the package."""

from __future__ import annotations

import re
import stat
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

from siting.errors import SitingError

#: Bytes of a file of the user, and parts of a key, whose tables Python makes one inside another.
MOST_BYTES, MOST_PARTS = 4 << 20, 100
_KEY = re.compile(r"""\s*(?:\[\s*)?([^\s"'=\[\]{}#]+)\s*[=\]]""")


def read_toml(path: str | Path, what: str, error: type[SitingError] = SitingError) -> dict[str, Any]:
    """Read a TOML file of the user, of the kind *what*; raise *error* when it cannot be read or is not TOML."""
    file = Path(path)
    try:
        return parsed(toml_text(file, error))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        if isinstance(fault, OSError):
            raise error(f'{what} "{file}" cannot be read: {fault.strerror}') from fault
        raise error(f'{what} "{file.name}" is no TOML in UTF-8: {fault}{_unquoted_key(file)}') from fault


def toml_text(file: Path, error: type[SitingError] = SitingError) -> str:
    """Return the text of a TOML file; raise *error* when it has no end or is too large to be one."""
    try:
        facts = file.stat()
    except ValueError as fault:  # a NUL in the path
        raise error(f"{str(file)!r} cannot be read: {fault}") from fault
    if not (stat.S_ISREG(facts.st_mode) or stat.S_ISDIR(facts.st_mode)):
        raise error(f'"{file}" is a pipe or a device, not a file; copy its content into a file')
    if facts.st_size > MOST_BYTES:
        size = f"{facts.st_size / (1 << 20):,.0f} MB, and {MOST_BYTES >> 20} MB are read"
        raise error(f'"{file.name}" has {size}; is it the right file?')
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


def _unquoted_key(file: Path) -> str:
    """Name a key without quotation marks, which TOML requires unless it is ASCII."""
    for line, text in enumerate(file.read_bytes().decode("utf-8-sig", "replace").splitlines(), start=1):
        key = _KEY.match(text)
        if key and not key[1].isascii():
            return f'; line {line}: {key[1]} needs quotation marks: "{key[1]}" = …'
    return ""
