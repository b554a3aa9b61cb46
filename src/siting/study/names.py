"""Names of a study that stand in names of files, layers and columns: judged before anything runs."""

from __future__ import annotations

import re

from siting.errors import SitingError
from siting.messages import Message

__all__ = ["check_name"]

#: Letters of any script, digits, "-" and "_"; nothing that a file system, SQL, a spreadsheet or a page reads otherwise.
NAME = re.compile(r"\w[\w-]{0,59}")
#: Names of devices on Windows, which no file may have.
DEVICES = re.compile("(con|prn|aux|nul|com[0-9]|lpt[0-9])", re.IGNORECASE)
#: Beginnings of the names of a GeoPackage's own tables.
TABLES = re.compile("(gpkg|rtree|sqlite)_", re.IGNORECASE)
#: Most characters of a name that is no name in a message.
SHOWN = 40


def check_name(name: object, where: str) -> str:
    r"""Return *name*; SitingError unless it can stand in the name of a file, a layer and a column on every system.

    Examples
    --------
    >>> check_name("托育-500", "[[goal]] name")
    '托育-500'
    >>> check_name("../x", "[[goal]] name")
    Traceback (most recent call last):
    ...
    siting.errors.SitingError: [[goal]] name "../x" stands in names of files, layers and columns; ...
    """
    text = name if isinstance(name, str) else repr(name)
    shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
    if not isinstance(name, str) or not NAME.fullmatch(text):
        raise SitingError(Message("name.signs", what=where, name=shown))
    if DEVICES.fullmatch(text):
        raise SitingError(Message("name.device", what=where, name=shown))
    if TABLES.match(text):
        raise SitingError(Message("name.table", what=where, name=shown))
    return name
