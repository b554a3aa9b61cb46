"""Where the keys of a TOML file stand: the line and column of each, which its tables do not keep."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Path", "Place", "places_of"]

#: Keys and numbers of lists on the way to a value: ``("goal", 0, "cover")``.
Path = tuple[str | int, ...]
_SPACE, _BLANK = re.compile(r"[ \t]*"), re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_LONG = re.compile(r'"""(?:\\.|[^\\])*?"""(?!")|\'\'\'.*?\'\'\'(?!\')', re.DOTALL)
_SHORT = re.compile(r'"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'')
_SCALAR = re.compile(r"[^\s,\]}#]+(?: \d\d:[^\s,\]}#]*)?")


class Place(NamedTuple):
    """A line and a column of a text, from 1."""

    line: int
    column: int


def places_of(text: str) -> dict[Path, Place]:
    r"""Return the place of each table, key and item of a text that is valid TOML.

    Examples
    --------
    >>> places_of('[[goal]]\nname = "a"\ncover = 0.9\n')["goal", 0, "cover"]
    Place(line=3, column=1)
    """
    return _Scanner(text).read()


class _Scanner:
    """One pass over a text that `tomllib` has read, so that nothing here is judged."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.found: dict[Path, Place] = {}
        self.items: dict[Path, int] = {}
        self.line, self.line_start, self.counted = 1, 0, 0

    def read(self) -> dict[Path, Place]:
        table: Path = ()
        while self._skip(_BLANK) < len(self.text):
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)
        return self.found

    def _skip(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at

    def _note(self, path: Path, at: int) -> None:
        self.line += self.text.count("\n", self.counted, at)
        self.line_start, self.counted = self.text.rfind("\n", 0, at) + 1, at
        self.found.setdefault(path, Place(self.line, at - self.line_start + 1))

    def _header(self) -> Path:
        start, several = self.at, self.text.startswith("[[", self.at)
        self.at += 1 + several
        *above, last = self._keys()
        self.at += 1 + several
        path: Path = ()
        for key in above:
            path = self._inside((*path, key))
            self._note(path, start)
        path = (*path, last)
        self._note(path, start)
        if several:
            path = (*path, self.items.setdefault(path, 0))
            self.items[path[:-1]] += 1
            self._note(path, start)
        return path

    def _inside(self, path: Path) -> Path:
        """Return the last item of a list of tables, or the table itself."""
        return (*path, self.items[path] - 1) if path in self.items else path

    def _keys(self) -> Iterator[str]:
        while True:
            self._skip(_SPACE)
            yield self._key()
            self._skip(_SPACE)
            if not self.text.startswith(".", self.at):
                return
            self.at += 1

    def _key(self) -> str:
        match = _SHORT.match(self.text, self.at) or _BARE.match(self.text, self.at)
        if match is None:  # nothing that tomllib reads
            raise ValueError(f"no key at {self.at}")
        self.at = match.end()
        return str(tomllib.loads(f"key = {match[0]}")["key"]) if match[0][0] in "\"'" else match[0]

    def _pair(self, table: Path) -> None:
        start = self.at
        path = table
        for key in self._keys():
            path = (*path, key)
            self._note(path, start)
        self.at += 1  # =
        self._skip(_SPACE)
        self._value(path)

    def _value(self, path: Path) -> None:
        opening = self.text[self.at]
        if opening == "[":
            self._list(path)
        elif opening == "{":
            self._table(path)
        elif opening in "\"'":
            self._skip(_LONG if self.text.startswith(opening * 3, self.at) else _SHORT)
        else:
            self._skip(_SCALAR)

    def _list(self, path: Path) -> None:
        self.at += 1
        item = 0
        while self.text[self._skip(_BLANK)] != "]":
            self._note((*path, item), self.at)
            self._value((*path, item))
            item += 1
            if self.text[self._skip(_BLANK)] == ",":
                self.at += 1
        self.at += 1

    def _table(self, path: Path) -> None:
        self.at += 1
        while self.text[self._skip(_BLANK)] != "}":
            self._pair(path)
            if self.text[self._skip(_BLANK)] == ",":
                self.at += 1
        self.at += 1
