"""Reading TOML, of the user and of the package."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

from siting.errors import SitingError

_KEY = re.compile(r"""\s*(?:\[\s*)?([^\s"'=\[\]{}#]+)\s*[=\]]""")


def read_toml(path: str | Path, what: str, error: type[SitingError] = SitingError) -> dict[str, Any]:
    """Read a TOML file of the user, of the kind *what*; raise *error* when it cannot be read or is not TOML."""
    file = Path(path)
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as fault:
        raise error(f'{what} "{file}" cannot be read: {fault.strerror}') from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise error(f'{what} "{file.name}" is no TOML in UTF-8: {fault}{_unquoted_key(file)}') from fault


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
