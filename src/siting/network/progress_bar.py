"""A progress bar for searches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from siting.errors import ProblemError


@contextmanager
def progress_bar(progress: Callable[[int, int], None] | bool | None) -> Iterator[Callable[[int, int], None] | None]:
    """Give the function to call with progress: the user's own, one that moves a bar on standard error, or none."""
    if progress is None or progress is False:
        yield None
    elif progress is True:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("", total=None)

            def move(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            yield move
    elif callable(progress):
        yield progress
    else:
        raise ProblemError(f"progress is {progress!r}; give a function of two numbers (done, all), or True for a bar")
