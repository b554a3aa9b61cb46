"""Names of a study that stand in names of files, layers and columns: judged before anything runs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from siting.errors import SitingError, some

__all__ = ["check_apart", "check_name"]

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
    siting.errors.SitingError: [[goal]] name '../x' stands in names of files, layers and columns; ...
    """
    text = name if isinstance(name, str) else repr(name)
    shown = repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")
    if not isinstance(name, str) or not NAME.fullmatch(text):
        rule = "write up to 60 letters, digits, - and _, a letter or digit first"
        raise SitingError(f"{where} {shown} stands in names of files, layers and columns; {rule}")
    if DEVICES.fullmatch(text):
        raise SitingError(f"{where} {shown} is the name of a device on Windows; write another")
    if TABLES.match(text):
        raise SitingError(f"{where} {shown} begins like a table of the GeoPackage itself; write another")
    return name


def check_apart(names: Iterable[str], where: str, remedy: str) -> None:
    """Refuse names that are one name to some file system or database: those that differ in case or width only."""
    first: dict[str, str] = {}
    for name in names:
        key = unicodedata.normalize("NFKC", name).casefold().replace("-", "_")
        if key in first:
            twins = [first[key]] if first[key] == name else [first[key], name]
            what = "occurs twice" if len(twins) == 1 else "are one name in files and columns"
            raise SitingError(f"{where} {some(twins)} {what}; {remedy}")
        first[key] = name
