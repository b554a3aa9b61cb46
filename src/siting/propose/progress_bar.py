"""A progress bar on standard error, while a search runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from siting.errors import ProblemError
from siting.optimize.control import Progress, gap_between

__all__ = ["progress_bar"]


@contextmanager
def progress_bar(
    progress: Callable[[Progress], object] | bool | None,
) -> Iterator[Callable[[Progress], object] | None]:
    """Return the function to call with the progress: the user's, one that moves a bar, or None.

    Raises
    ------
    ProblemError
        When *progress* is neither a function nor a bool.
    """
    if progress is None or progress is False:
        yield None
    elif callable(progress):
        yield progress
    elif progress is True:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        columns = TextColumn("{task.fields[step]}"), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
        with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("", total=1.0, step="")

            def move(now: Progress) -> None:
                text, closed = "", 0.0
                if now.value is not None and now.bound is not None:
                    gap = gap_between(now.value, now.bound)
                    text = f"{now.value:,.10g} / {now.bound:,.10g}, gap {100 * gap:.2f} %"
                    closed = 1.0 - min(1.0, gap)
                bar.update(task, step=now.step, description=text, completed=closed)

            yield move
    else:
        raise ProblemError(f"progress is {progress!r}; give a function, or True for a bar")
