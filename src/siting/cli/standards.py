"""The command that lists, makes and checks standards."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

import siting as st
from siting.cli.command import command
from siting.cli.options import StandardOrTask
from siting.cli.shell import SHELL
from siting.errors import SitingError
from siting.messages import Message

__all__ = ["standards"]


@command("standards")
def standards(
    name: StandardOrTask = None,
    file: Annotated[Path | None, typer.Argument()] = None,
    year: Annotated[int | None, typer.Option()] = None,
    kind: Annotated[str | None, typer.Option()] = None,
    service: Annotated[str | None, typer.Option()] = None,
    role: Annotated[str | None, typer.Option()] = None,
) -> None:
    """List the standards, or the rules of one; or write, check or describe one of your own."""
    if name is None:
        _list()
    elif name == "schema":
        from siting.judge.standards.json_schema import standard_schema

        sys.stdout.write(standard_schema())
    elif name == "new":
        from siting.judge.standards.template import write_template

        made = write_template(_own(name, file))
        SHELL.answer(lambda: {"standard": made})
        SHELL.say("cli.standard_new", file=made)
        SHELL.print(f"  siting standards check {made}")
    elif name == "check":
        read = st.load_standard(f"{_own(name, file)}")
        judged = sum(rule.role in ("standard", "target") for rule in read)
        SHELL.answer(lambda: {"standard": read.name, "rules": len(read), "judged": judged})
        SHELL.say("cli.standard_good", file=getattr(file, "name", ""), rules=len(read), judged=judged)
    else:
        from siting.terminal_audit import print_rules

        chosen = st.load_standard(name).select(year=year, kind=kind, service=service, role=role)
        if not len(chosen):
            raise SitingError(Message("shell.no_rule"))
        SHELL.answer(lambda: {"standard": chosen.name, "rules": [asdict(rule) for rule in chosen]})
        print_rules(SHELL.out, chosen, SHELL.words)


def _own(task: str, file: Path | None) -> Path:
    if file is None:
        raise SitingError(Message("shell.standard_file", task=task))
    return file


def _list() -> None:
    from siting.terminal_audit import print_standards

    known: list[Any] = [st.load_standard(each) for each in st.list_standards()]
    SHELL.answer(
        lambda: {
            "standards": [
                {
                    "name": each.name,
                    "title": each.title_zh if SHELL.words == "zh" else each.title_en,
                    "rules": len(each),
                    "documents": [vars(found) for found in each.documents.values()],
                }
                for each in known
            ]
        }
    )
    print_standards(SHELL.out, known, SHELL.words)
