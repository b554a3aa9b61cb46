"""What is wrong with a study file: all of it at once, each with its line and in the words of the file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any, NamedTuple

from siting.data.toml_places import Place
from siting.errors import SitingError
from siting.labels import LANGUAGES
from siting.messages import Message, text_in
from siting.terminal_text import as_typed

__all__ = ["Fault", "Faults", "Written"]

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


class Written:
    """A study file as it is written: its name, its tables, and the places of its keys, those of `places_of`."""

    def __init__(
        self, file: str, data: Mapping[str, Any], places: Mapping[Path, Place], folder: str | None = None
    ) -> None:
        self.file, self.data, self.places, self.folder = file, data, places, folder

    def place(self, path: Path) -> Place | None:
        """Return the place of a path, or of the innermost table around it that is written."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path)

    def located(self, path: Path, message: Message | str) -> Message:
        """Return a sentence with file, line and column in front."""
        return _with_place(self.file, Fault(path, self.place(path), self._said(path, message)))

    def _said(self, path: Path, message: Message | str) -> Message:
        where = self.where(path)
        message = _in_words_of_file(message, self.folder)
        if isinstance(message, Message) and message.values.get("what") == "":
            return Message(message.code, **{**message.values, "what": where})
        return Message("study.at", where=where, error=message)

    def where(self, path: Path) -> str:
        """Return keys as they are written in a file: ``[[goal]] most cover``.

        Examples
        --------
        >>> file = Written("town.toml", {"goal": [{"name": "most"}]}, {})
        >>> file.where(("goal", 0, "cover")), file.where(("layers", "streets", "crs"))
        ('[[goal]] most cover', '[layers.streets] crs')
        """
        if not path:
            return ""
        table, *rest = path
        if isinstance(self.data.get(str(table)), list):
            if not (rest and isinstance(rest[0], int)):
                return f"[[{table}]]"
            number, *rest = rest
            items = self.data.get(str(table), [])
            item = items[number] if isinstance(items, list) and isinstance(number, int) and number < len(items) else {}
            name = item.get(LISTS.get(str(table), "name")) if isinstance(item, Mapping) else None
            shown = isinstance(name, str) and name != "" and name.isprintable()
            head = [f"[[{table}]]", str(name) if shown else str(int(number) + 1)]
        elif table == "layers" and rest:
            head = [f"[layers.{rest.pop(0)}]"]
        else:
            head = [f"[{table}]"]
        return " ".join([*head, *(str(key) for key in rest if isinstance(key, str))])


class Faults(Written):
    """The faults of a file, as they are found; `raise_all` raises them together."""

    def __init__(
        self, file: str, data: Mapping[str, Any], places: Mapping[Path, Place], folder: str | None = None
    ) -> None:
        super().__init__(file, data, places, folder)
        self.found: list[Fault] = []

    def add(self, path: Path, message: Message | str) -> None:
        """Add a fault at some keys of the file; the sentence begins with them."""
        self.found.append(Fault(path, self.place(path), self._said(path, message)))

    @contextmanager
    def at(self, *path: str | int) -> Any:
        """Catch an error of the library as a fault at these keys."""
        try:
            yield
        except SitingError as error:
            self.add(path, error.message)

    def add_errors(self, errors: Iterable[Mapping[str, Any]], known: Mapping[Path, Sequence[str]]) -> None:
        """Add what pydantic found; *known* are the keys of each table, by its path without numbers."""
        found = [(self._written(error["loc"], missing=error["type"] == "missing"), error) for error in errors]
        paths, told = {path for path, _ in found}, set()
        for path, error in found:
            # Of what may be one of several kinds, each kind has its error: the first counts, or one that lies deeper.
            deeper = any(len(other) > len(path) and other[: len(path)] == path for other in paths)
            if path not in told and not (deeper and _kind(error) is not None):
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

    def _words(self, error: Mapping[str, Any], path: Path, known: Mapping[Path, Sequence[str]]) -> Message | str:
        kind, value = error["type"], error["input"]
        if kind == "value_error" and isinstance(fault := error["ctx"]["error"], SitingError):
            return fault.message
        if kind in ("unexpected_keyword_argument", "extra_forbidden"):
            any_name = path[0] in ("layers", "walk") and len(path) > 2
            table = (path[0], "*") if any_name else tuple(key for key in path[:-1] if isinstance(key, str))
            return self.unknown(path, known.get(table, ()))
        if kind == "missing":
            return Message("study.missing", what="")
        if kind == "literal_error":
            choices = [
                choice.strip().strip("'") for choice in error["ctx"]["expected"].replace(" or ", ", ").split(",")
            ]
            return Message("study.choose", what="", value=value, choices=choices)
        what = _kind(error)
        if what is not None:
            if what == "list" and isinstance(value, Mapping) and len(path) == 1:
                return Message("study.list_of_tables", what="", key=str(path[0]))
            given = Message("study.table") if isinstance(value, Mapping) else value
            return Message("study.kind", what="", value=given, kind=KIND_MESSAGES[what])
        return str(error["msg"])

    @staticmethod
    def unknown_rule(rule: str, standards: Sequence[str], known: Sequence[str]) -> Message:
        """Return the words for a rule that the standards do not have, with the nearest that they have."""
        near = get_close_matches(rule, known, n=1)
        if near:
            return Message("study.no_rule_near", standard=standards, rule=rule, near=near[0])
        return Message("study.no_rule", standard=standards, rule=rule)

    def unknown(self, path: Path, known: Sequence[str]) -> Message:
        """Return the words for a key that is not known, with the nearest that is."""
        near = get_close_matches(str(path[-1]), known, n=1, cutoff=0.6)
        if near:
            return Message("study.unknown_near", what="", near=near[0])
        return Message("study.unknown", what="", known=list(known))


def _kind(error: Mapping[str, Any]) -> str | None:
    """Return the kind of value that pydantic expected; None where it found something else."""
    return KINDS.get(str(error["type"]).partition("_")[0])


def _in_words_of_file(message: Message | str, folder: str | None) -> Message | str:
    """Return a sentence in which keywords of Python are keys of the file, and paths begin at its folder."""
    said = {lang: text_in(lang, message) for lang in LANGUAGES}
    typed = {lang: as_typed(text, options=False) for lang, text in said.items()}
    if folder is not None:
        typed = {lang: text.replace(f"{folder}{os.sep}", "") for lang, text in typed.items()}
    return message if typed == said else Message("data.word", **typed)


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
