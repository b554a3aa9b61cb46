"""What is wrong with a study file: all of it at once, each with its line and in the words of the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any, NamedTuple

from siting.data.toml_places import Place
from siting.errors import SitingError
from siting.messages import Message

__all__ = ["Fault", "Faults"]

Path = tuple[str | int, ...]
#: Tables that may stand several times: what one of them is called by.
LISTS = {
    "goal": "name", "rule": "id", "circle": "service", "layer": "name", "sheet": "name", "chapter": "title",
    "table": "name",
}  # fmt: skip
#: What pydantic finds, by the kind of value that was expected.
KINDS = {
    "string": "text", "int": "whole", "float": "number", "bool": "flag", "dataclass": "table", "dict": "table",
    "mapping": "table", "model": "table", "list": "list", "tuple": "list",
}  # fmt: skip


class Fault(NamedTuple):
    """One thing that is wrong: its keys in the file, its place where it has one, and the sentence."""

    path: Path
    place: Place | None
    message: Message


class Faults:
    """The faults of a file, as they are found; `raise_all` raises them together.

    *data* are the tables of the file, *places* those of `places_of`.
    """

    def __init__(self, file: str, data: Mapping[str, Any], places: Mapping[Path, Place]) -> None:
        self.file, self.data, self.places = file, data, places
        self.found: list[Fault] = []

    def add(self, path: Path, message: Message | str) -> None:
        """Add a fault at some keys of the file; the sentence begins with them."""
        self.found.append(Fault(path, self._place(path), self._located(path, message)))

    @contextmanager
    def at(self, *path: str | int) -> Any:
        """Catch an error of the library as a fault at these keys."""
        try:
            yield
        except SitingError as error:
            self.add(path, error.message)

    def add_errors(self, errors: Iterable[Mapping[str, Any]], known: Mapping[Path, Sequence[str]]) -> None:
        """Add what pydantic found; *known* are the keys of each table, by its path without numbers."""
        told = set()
        for error in errors:
            path = self._written(error["loc"], missing=error["type"] == "missing")
            if path not in told:  # of what may be one of several kinds, each kind has its error
                self.add(path, self._words(error, path, known))
            told.add(path)

    def _written(self, path: Iterable[str | int], *, missing: bool) -> Path:
        """Return the part of pydantic's path that stands in the file: not its own words for kinds of values."""
        at, found, path = self.data, [], list(path)
        for key in path[: len(path) - missing]:
            listed = isinstance(at, list) and isinstance(key, int) and key < len(at)
            if listed or (isinstance(at, Mapping) and key in at):
                at = at[key]  # type: ignore[index]  # a list or a table
                found.append(key)
        return (*found, path[-1]) if missing else tuple(found)

    def raise_all(self) -> None:
        """Raise the faults, if there are any, in the order of the file."""
        if not self.found:
            return
        order = sorted(self.found, key=lambda fault: fault.place or Place(0, 0))
        if len(order) == 1:
            raise SitingError(_with_place(self.file, order[0]))
        lines = [_with_place("", fault) for fault in order]
        raise SitingError(Message("error.several", where=self.file, n=len(order), error=lines))

    def _place(self, path: Path) -> Place | None:
        """Return the place of a path, or of the innermost table around it that is written."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path)

    def _located(self, path: Path, message: Message | str) -> Message:
        where = self.where(path)
        if isinstance(message, Message) and message.values.get("what") == "":
            return Message(message.code, **{**message.values, "what": where})
        return Message("study.at", where=where, error=message)

    def where(self, path: Path) -> str:
        """Return keys as they are written in a file: ``[[goal]] most cover``.

        Examples
        --------
        >>> faults = Faults("town.toml", {"goal": [{"name": "most"}]}, {})
        >>> faults.where(("goal", 0, "cover")), faults.where(("layers", "streets", "crs"))
        ('[[goal]] most cover', '[layers.streets] crs')
        """
        if not path:
            return ""
        table, *rest = path
        if table in LISTS:
            if not (rest and isinstance(rest[0], int)):
                return f"[[{table}]]"
            number, *rest = rest
            items = self.data.get(str(table), [])
            item = items[number] if isinstance(items, list) and isinstance(number, int) and number < len(items) else {}
            name = item.get(LISTS[str(table)]) if isinstance(item, Mapping) else None
            shown = isinstance(name, str) and name != "" and name.isprintable()
            head = [f"[[{table}]]", str(name) if shown else str(int(number) + 1)]
        elif table == "layers" and rest:
            head = [f"[layers.{rest.pop(0)}]"]
        else:
            head = [f"[{table}]"]
        return " ".join([*head, *(str(key) for key in rest if isinstance(key, str))])

    def _words(self, error: Mapping[str, Any], path: Path, known: Mapping[Path, Sequence[str]]) -> Message | str:
        kind, value = error["type"], error["input"]
        if kind == "value_error" and isinstance(fault := error["ctx"]["error"], SitingError):
            return fault.message
        if kind in ("unexpected_keyword_argument", "extra_forbidden"):
            table = ("layers", "*") if path[0] == "layers" else tuple(key for key in path[:-1] if isinstance(key, str))
            return self.unknown(path, known.get(table, ()))
        if kind == "missing":
            return Message("study.missing", what="")
        if kind == "literal_error":
            choices = [
                choice.strip().strip("'") for choice in error["ctx"]["expected"].replace(" or ", ", ").split(",")
            ]
            return Message("study.choose", what="", value=value, choices=choices)
        what = KINDS.get(kind.partition("_")[0])
        if what is not None:
            return Message("study.kind", what="", value=value, kind=KIND_MESSAGES[what])
        return str(error["msg"])

    def unknown(self, path: Path, known: Sequence[str]) -> Message:
        """Return the words for a key that is not known, with the nearest that is."""
        near = get_close_matches(str(path[-1]), known, n=1, cutoff=0.6)
        if near:
            return Message("study.unknown_near", what="", near=near[0])
        return Message("study.unknown", what="", known=list(known))


KIND_MESSAGES = {
    "text": Message("study.text"),
    "whole": Message("study.whole"),
    "number": Message("study.number"),
    "flag": Message("study.flag"),
    "table": Message("study.table"),
    "list": Message("study.list"),
}


def _with_place(file: str, fault: Fault) -> Message:
    if fault.place is None:
        return Message("study.in_file", file=file, error=fault.message) if file else fault.message
    line, column = fault.place
    if file:
        return Message("study.in_line_of", file=file, line=line, column=column, error=fault.message)
    return Message("study.in_line", line=line, column=column, error=fault.message)
