"""The commands: how one is made, the options that stand anywhere, and help in the language of the user."""

from __future__ import annotations

import difflib
import functools
import inspect
import re
import tomllib
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Annotated, Any

import typer
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from typer.core import TyperCommand, TyperGroup, TyperOption

import siting as st
from siting.cli.shell import SHELL
from siting.errors import SitingError
from siting.labels import LANGUAGES
from siting.messages import Message, text_in

__all__ = ["app", "command", "help_words", "usage_fault"]

Lang = Annotated[str | None, typer.Option("--lang", autocompletion=lambda: list(LANGUAGES))]
Json = Annotated[bool, typer.Option("--json")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v")]
Wide = Annotated[bool, typer.Option("--wide")]
#: The options that may stand before and after the name of a command.
ANYWHERE: dict[str, Any] = {"lang": Lang, "json": Json, "quiet": Quiet, "verbose": Verbose, "wide": Wide}
#: Up to this many columns the words of an option stand below it.
NARROW = 60


@cache
def _help() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("help.toml").read_text(encoding="utf-8"))


def help_words(section: str, *keys: str) -> Any:
    """Return the words of help for the first of some keys that has any, in the language of the shell."""
    table = _help()[section]
    key = next(filter(table.__contains__, keys))
    return table[key][SHELL.words]


class _Helped:
    """A command whose help is of the table of words."""

    def format_help(self: Any, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - typer gives it
        """Print usage, purpose, arguments, options and examples."""
        name, out = self.name if ctx.parent is not None else "siting", SHELL.err.__class__(highlight=False)
        params = [each for each in self.get_params(ctx) if not getattr(each, "hidden", False)]
        options = [each for each in params if isinstance(each, TyperOption)]
        arguments = [each for each in params if not isinstance(each, TyperOption)]
        usage = [ctx.command_path, *(_argument(each, name) for each in arguments)]
        usage += [help_words("part", "command")] if isinstance(self, TyperGroup) else []
        usage.append(help_words("part", "some_options"))
        out.print(Text(f"{help_words('part', 'usage')} ", style="bold") + Text(" ".join(usage)), "", sep="\n")
        out.print(Text(help_words("command", name)), "", sep="\n")
        rows = {"arguments": [(_argument(each, name), _words(name, each)) for each in arguments]}
        if isinstance(self, TyperGroup):
            rows["commands"] = [(each, help_words("command", each).partition("\n")[0]) for each in self.commands]
        own = [each for each in options if each.name not in ANYWHERE]
        rows["options"] = [(_option(each, name), _words(name, each)) for each in own]
        rows["anywhere"] = [(_option(each, name), _words(name, each)) for each in options if each.name in ANYWHERE]
        for part, lines in rows.items():
            if lines:
                out.print(Text(help_words("part", part), style="bold"), _rows(lines, out.width), "", sep="\n")
        out.print(Text(help_words("part", "examples"), style="bold"))
        for line in help_words("example", name):
            out.print(Padding(Text(line), (0, 0, 0, 2)))


class Command(_Helped, TyperCommand):
    """A command."""


class Commands(_Helped, TyperGroup):
    """All commands; one that is not there is told with the nearest."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that the first argument names."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], self.commands, 1)
            code = Message("shell.no_command", name=args[0], commands=list(self.commands))
            raise SitingError(Message("shell.no_command_near", name=args[0], near=near[0]) if near else code)
        return super().resolve_command(ctx, args)


def _argument(param: Any, command: str) -> str:
    word = help_words("value", f"{command}.{param.name}", param.name, "text")
    return word if param.required else f"[{word}]"


def _option(param: Any, command: str) -> str:
    short_last = sorted([*param.opts, *param.secondary_opts], key=lambda word: -len(word))
    names = ", ".join(short_last)
    return names if param.is_flag else f"{names} {help_words('value', f'{command}.{param.name}', param.name, 'text')}"


def _words(command: str, param: Any) -> str:
    words = str(help_words("option", f"{command}.{param.name}", param.name))
    if param.required and isinstance(param, TyperOption):
        words += help_words("part", "required")
    if not param.required and isinstance(param.default, str | int) and not param.is_flag and param.default != "":
        words += help_words("part", "default").format(param.default)
    return words


def _rows(rows: list[tuple[str, str]], width: int) -> Table:
    """Lay names and words beside each other, or one below the other on a narrow terminal."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    if width < NARROW:
        for name, words in rows:
            table.add_row(Text(f"  {name}", style="cyan"))
            table.add_row(Padding(Text(words), (0, 0, 0, 6)))
        return table
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    for name, words in rows:
        table.add_row(Text(f"  {name}", style="cyan"), Text(words))
    return table


app = typer.Typer(cls=Commands, no_args_is_help=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def _root(
    ctx: typer.Context,
    lang: Lang = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    wide: Wide = False,
    version: Annotated[bool, typer.Option("--version")] = False,
) -> None:
    SHELL.take(lang=lang, json=json, quiet=quiet, verbose=verbose, wide=wide)
    SHELL.set_level()
    if version:
        SHELL.answer(lambda: {"siting": st.__version__})
        SHELL.print(f"siting {st.__version__}")
    elif ctx.invoked_subcommand is None:
        ctx.get_help()


def command(name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a command of a function: the options that stand anywhere are added to its own."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        given = inspect.signature(function, eval_str=True)
        flag = inspect.Parameter.KEYWORD_ONLY
        more = [
            inspect.Parameter(key, flag, default=None if key == "lang" else False, annotation=kind)
            for key, kind in ANYWHERE.items()
        ]

        @functools.wraps(function)
        def run(**options: Any) -> None:
            SHELL.command = name
            SHELL.take(**{key: options.pop(key) for key in ANYWHERE})
            SHELL.set_level()
            function(**options)

        every = [*given.parameters.values(), *more]
        run.__signature__ = given.replace(parameters=every)  # type: ignore[attr-defined]  # inspect reads it
        run.__annotations__ = {each.name: each.annotation for each in every}
        app.command(name, cls=Command)(run)
        return function

    return register


def usage_fault(error: Any) -> SitingError:
    """Return an error of the arguments in the words of the shell."""
    param, kind = getattr(error, "param", None), type(error).__name__
    what = "" if param is None else param.opts[0] if isinstance(param, TyperOption) else _argument(param, SHELL.command)
    if kind == "NoSuchOption":
        near = list(getattr(error, "possibilities", None) or ())
        if near:
            return SitingError(Message("shell.no_option_near", name=error.option_name, near=near[0]))
        return SitingError(Message("shell.no_option", name=error.option_name))
    if kind == "MissingParameter":
        return SitingError(Message("shell.missing", what=what))
    if kind == "BadParameter" and param is not None and "integer" in str(error.message):
        return SitingError(Message("shell.whole", what=what))
    if kind == "BadOptionUsage":
        return SitingError(Message("shell.no_value", name=getattr(error, "option_name", "")))
    if extra := re.search(r"unexpected extra arguments?(?:\(s\))? \((.*)\)", str(error.message)):
        return SitingError(Message("shell.extra", words=extra[1]))
    return SitingError(Message("shell.arguments", why=text_in(None, error.format_message())))
