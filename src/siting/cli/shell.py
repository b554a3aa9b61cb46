"""What a command writes to: the consoles, one JSON document, and the log."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from siting.errors import LayerError, SitingError
from siting.labels import LANGUAGES, Language, label
from siting.messages import Message, language
from siting.study.results_file import plain
from siting.terminal_text import TextConsole, as_typed, wrapped

__all__ = ["SHELL", "Shell"]

#: Output to a file or pipe has no width; nor has a table that was asked for with --wide.
PIPE, WIDE = 120, 240
#: Commands whose inputs stand in a study: what is told of a layer has its keys, not options of the shell.
OF_STUDIES = ("run", "audit", "plan", "map", "report", "demo")


class Shell:
    """The state of one command, set by the options that may stand before and after its name."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Forget an earlier command."""
        self.lang: Language | None = None
        self.command, self.json, self.quiet, self.verbose, self.wide = "", False, False, False, False
        self.document: dict[str, Any] = {}
        self.err = TextConsole(stderr=True, highlight=False)
        self._log = logging.WARNING
        self._make()

    def take(self, *, lang: str | None, json: bool, quiet: bool, verbose: bool, wide: bool) -> None:
        """Add the options that stand at one place; those given at another stay."""
        if lang is not None:
            if lang not in LANGUAGES:
                raise SitingError(Message("shell.lang", value=lang, choices=LANGUAGES))
            self.lang = lang
        self.json, self.quiet = self.json or json, self.quiet or quiet
        self.verbose, self.wide = self.verbose or verbose, self.wide or wide
        self._make()

    def _make(self) -> None:
        width = WIDE if self.wide else None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPE
        self.out = TextConsole(width=width, quiet=self.json or self.quiet, highlight=False)
        self._log = logging.ERROR if self.quiet else logging.INFO if self.verbose else logging.WARNING

    @property
    def words(self) -> Language:
        """The language of what is printed."""
        return self.lang or language()

    def label(self, key: str, **values: object) -> str:
        """Return words of the table of labels in the language of the shell."""
        return label(key, self.words, **values)

    def print(self, line: str) -> None:
        """Print a line as it is; the terminal breaks it."""
        self.out.print(line, markup=False, soft_wrap=True)

    def say(self, key: str, **values: object) -> None:
        """Print a line of the table of labels, broken between words."""
        for line in wrapped(label(key, self.words, **values), self.out.width):
            self.print(line)

    def answer(self, make: Callable[[], Mapping[str, Any]]) -> None:
        """Add to the document of ``--json``; what makes it is called only for that."""
        if self.json:
            self.document |= make()

    def end(self) -> None:
        """Write the document, if one was asked for."""
        if self.json and self.document:
            self.write(self.document)

    def write(self, found: Mapping[str, Any]) -> None:
        """Write JSON to standard output."""
        ascii_only = (sys.stdout.encoding or "utf-8").lower().replace("-", "") not in ("utf8", "utf16")
        text = json.dumps(plain(found), ensure_ascii=ascii_only, indent=1, allow_nan=False)
        sys.stdout.write(f"{text}\n")

    def report(self, error: SitingError) -> None:
        """Tell an error: on standard error, or in the document."""
        if self.json:
            self.document["error"] = _of_error(error)
        else:
            self._tell(f"[red]✗[/red] {label('cli.error', self.words)}", str(error))

    @contextmanager
    def logged(self) -> Iterator[None]:
        """Print what is logged on standard error, each message once: several steps may log the same."""
        root, handler = logging.getLogger(), _Once(self)
        before = root.level
        root.addHandler(handler)
        logging.captureWarnings(True)
        try:
            yield
        finally:
            logging.captureWarnings(False)
            root.removeHandler(handler)
            root.setLevel(before)

    def log(self, record: logging.LogRecord) -> None:
        """Print a line of the log."""
        if record.levelno >= self._log:
            kind = "warning" if record.levelno >= logging.WARNING else "info"
            style = "yellow" if kind == "warning" else "dim"
            self._tell(f"[{style}]{label(f'cli.{kind}', self.words)}[/{style}]", record.getMessage())

    def set_level(self) -> None:
        """Let the log through as far as it is shown."""
        logging.getLogger().setLevel(self._log)

    def _tell(self, head: str, text: str) -> None:
        """Print a text after a word, in lines of the terminal; a line of a pipe is not broken."""
        text = as_typed(text, options=self.command not in OF_STUDIES)
        if self.err.is_terminal:
            start, width = len(label("cli.error", "en")), self.err.width
            lines = [line for part in text.splitlines() for line in wrapped(" " * start + part, width, indent=4)]
            text = "\n".join([lines[0].lstrip(), *lines[1:]]) if lines else ""
        self.err.print(head, end="" if self.words == "zh" else " ")
        self.err.print(text, markup=False, soft_wrap=True)


class _Once(logging.Handler):
    """Passes each message to the shell once."""

    def __init__(self, shell: Shell) -> None:
        super().__init__()
        self.shell, self.told = shell, set[str]()

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if message not in self.told:
            self.told.add(message)
            self.shell.log(record)


def _of_error(error: SitingError) -> dict[str, Any]:
    """Return code, text and values of an error, and the faults of a layer one by one."""
    told: dict[str, Any] = {"code": error.code, "text": str(error), "values": error.values}
    if isinstance(error, LayerError):
        told |= {"layer": error.layer, "faults": error.faults, "values": {}}
    return plain(told) or {}


#: The shell of this process: a command runs at a time.
SHELL = Shell()
