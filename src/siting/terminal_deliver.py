"""A package written or checked in a terminal."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from siting import deliver
from siting.errors import SitingError
from siting.labels import label
from siting.messages import Message

__all__ = ["deliver_in_terminal"]


def deliver_in_terminal(
    out: Console,
    results: Path | None,
    *,
    folder: Path | None,
    rules: Path | None,
    check_only: bool,
    new_rules: Path | None,
    lang: str,
) -> None:
    """Write new rules, or check the package in *results*, or write one from the results there."""
    if new_rules is not None:
        _say(out, label("deliver.rules_written", lang, file=deliver.write_rules(new_rules)))
        return
    if results is None:
        raise SitingError(Message("deliver.which"))
    if check_only:
        deliver.refuse_breaches(results, rules=rules)
        _say(out, label("deliver.keeps_rules", lang, folder=results))
        return
    target = folder or results.resolve().with_name(f"{results.resolve().name}-package")
    written = deliver.deliver(results, target, rules=rules)
    _say(out, label("study.written", lang))
    for file in written.values():
        _say(out, f"  {file}")


def _say(out: Console, line: str) -> None:
    out.print(line, highlight=False, markup=False, soft_wrap=True)
