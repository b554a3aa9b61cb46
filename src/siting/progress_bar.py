"""A progress bar on standard error, while a search runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from siting.errors import ProblemError
from siting.messages import Message

__all__ = ["progress_bar"]

Report = TypeVar("Report", bound=Callable[..., object])


def _counted(done: int, total: int) -> dict[str, object]:
    return {"completed": done, "total": total, "description": f"{done}/{total}"}


@contextmanager
def progress_bar(
    progress: Report | bool | None, shown: Callable[..., dict[str, Any]] = _counted
) -> Iterator[Report | None]:
    """Return what is called with the progress: the user's own function, one that moves a bar, or none.

    *shown* turns what is reported into a state of the bar.
    """
    if progress is None or progress is False:
        yield None
    elif progress is True:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("", total=None)
            yield cast("Report", lambda *now: bar.update(task, **shown(*now)))
    elif callable(progress):
        yield progress
    elif shown is _counted:
        raise ProblemError(Message("argument.progress_counts", value=progress))
    else:
        raise ProblemError(Message("argument.progress", value=progress))
