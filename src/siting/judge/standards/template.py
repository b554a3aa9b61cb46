"""A commented standard to start from."""

from __future__ import annotations

import os
import re
from importlib.resources import files
from pathlib import Path

from siting.data import atomic_path
from siting.data.system_errors import system_words
from siting.errors import SitingError, StandardError
from siting.messages import Message

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
        raise StandardError(Message("standard.template_name", file=target))
    text = files("siting.judge").joinpath("template.toml").read_text(encoding="utf-8")
    if re.fullmatch(r"[a-z][a-z0-9_]*", target.stem):
        text = text.replace(NAME, target.stem)
    if os.path.lexists(target):
        raise StandardError(Message("standard.template_there", file=target))
    try:
        with atomic_path(target) as draft:
            draft.write_text(text, encoding="utf-8", newline="\n")
    except (OSError, SitingError) as error:
        why = system_words(error) if isinstance(error, OSError) else error.message
        raise StandardError(Message("writing.table_failed", name=target, why=why)) from error
    return target
