"""The beginning and the end of a command: language, options, errors and exit status."""

from __future__ import annotations

import io
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import typer

from siting.cli import layers, packages, results, standards, studies
from siting.cli.command import app, help_words, usage_fault
from siting.cli.language import spoken
from siting.cli.shell import SHELL
from siting.errors import SitingError
from siting.messages import set_language
from siting.terminal_text import printable

__all__ = ["main", "run"]

#: The modules that make the commands.
MODULES = (studies, layers, results, packages, standards)
#: The order of the commands in help: as they are used.
ORDER = (
    "new",
    "check",
    "run",
    "audit",
    "plan",
    "map",
    "report",
    "explain",
    "compare",
    "deliver",
    "standards",
    "convert",
    "import",
    "demo",
)


def main(signals: Sequence[int] = ()) -> None:
    """Run the command line; bad input gives one message and exit status 2.

    An error after one of *signals* has come is raised again: the signal is its cause.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a character that the terminal's encoding lacks is no error
    sys.exit(run(sys.argv[1:], signals))


def run(arguments: Sequence[str], signals: Sequence[int] = ()) -> int:
    """Run a command in the language of its user, and return the exit status."""
    set_language(spoken(arguments))
    SHELL.begin()
    status = 0
    with SHELL.logged():
        try:
            group().main(list(arguments), prog_name="siting", standalone_mode=False)
        except SitingError as error:
            status = 2
            SHELL.json = SHELL.json or "--json" in arguments  # the options may not have been read
            SHELL.report(error)
        except Exception as error:
            if signals:
                raise
            status = _other(error, asked=arguments)
    SHELL.end()
    return status


def group() -> Any:
    """Return the commands in their order, with words for the completion of a shell."""
    made: Any = typer.main.get_command(app)
    known = made.commands
    made.commands = {name: known[name] for name in sorted(known, key=_place)}
    for name, each in made.commands.items():
        each.help = help_words("command", name).partition("\n")[0]
    return made


def _place(name: str) -> int:
    return ORDER.index(name) if name in ORDER else len(ORDER)


def _other(error: Exception, *, asked: Sequence[str]) -> int:
    """Tell an error of the arguments, or of the library; return the status."""
    if isinstance(error, typer.Exit):
        return error.exit_code
    if hasattr(error, "format_message"):  # those of typer
        error.message = printable(str(getattr(error, "message", "")))  # type: ignore[attr-defined]  # those of typer have one
        SHELL.json = SHELL.json or "--json" in asked
        SHELL.report(usage_fault(error))
        return 2
    SHELL.err.print("".join(traceback.format_exception(error)), markup=False, highlight=False, soft_wrap=True)
    return 1
