"""A commented standard to start from."""

from __future__ import annotations

import os
import re
from importlib.resources import files
from pathlib import Path

from siting.data import atomic_path
from siting.errors import SitingError, StandardError

__all__ = ["write_template"]

#: The name of the city in the template; the file's name replaces it.
NAME = "my_city"


def write_template(path: str | Path) -> Path:
    """Write a commented standard with a rule of each common kind, as a start for your own.

    Parameters
    ----------
    path
        A new file that ends in ``.toml``. Ids of rules begin with its name: ``chengdu`` for ``chengdu.toml``.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    StandardError
        When the name does not end in ``.toml``, or the file exists or cannot be written.
    """
    target = Path(path)
    if target.suffix != ".toml":
        raise StandardError(f'"{target}": a standard is a TOML file; name it as "my_city.toml"')
    text = files("siting.judge").joinpath("template.toml").read_text(encoding="utf-8")
    if re.fullmatch(r"[a-z][a-z0-9_]*", target.stem):
        text = text.replace(NAME, target.stem)
    if os.path.lexists(target):
        raise StandardError(f'"{target}" is there already; give another name, it is not overwritten')
    try:
        with atomic_path(target) as draft:
            draft.write_text(text, encoding="utf-8", newline="\n")
    except (OSError, SitingError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise StandardError(f'"{target}" cannot be written: {why}') from error
    return target
