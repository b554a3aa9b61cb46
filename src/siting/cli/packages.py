"""The command that writes results as a package to hand in, and checks one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from siting import deliver
from siting.cli.command import command
from siting.cli.options import Out
from siting.cli.shell import SHELL
from siting.errors import SitingError
from siting.messages import Message

__all__ = ["deliver_"]


@command("deliver")
def deliver_(
    results: Annotated[Path | None, typer.Argument()] = None,
    out_dir: Out = None,
    rules: Annotated[Path | None, typer.Option("--rules")] = None,
    check_only: Annotated[bool, typer.Option("--check")] = False,
    new_rules: Annotated[Path | None, typer.Option("--new-rules")] = None,
) -> None:
    """Write results as a package to hand in, check one, or write rules to begin with."""
    if new_rules is not None:
        written = deliver.write_rules(new_rules)
        SHELL.answer(lambda: {"written": written})
        SHELL.say("deliver.rules_written", file=written)
    elif results is None:
        raise SitingError(Message("deliver.which"))
    elif check_only:
        deliver.refuse_breaches(results, rules=rules)
        SHELL.answer(lambda: {"breaches": []})
        SHELL.say("deliver.keeps_rules", folder=results)
    else:
        target = out_dir or results.resolve().with_name(f"{results.resolve().name}-package")
        files = deliver.deliver(results, target, rules=rules)
        SHELL.answer(lambda: {"written": files})
        SHELL.say("study.written")
        for file in files.values():
            SHELL.print(f"  {file}")
