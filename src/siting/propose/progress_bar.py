"""A bar for those who wait for a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from siting.errors import ProblemError
from siting.optimize.control import Progress, gap_between

__all__ = ["told"]


@contextmanager
def told(progress: Callable[[Progress], object] | bool | None) -> Iterator[Callable[[Progress], object] | None]:
    """Give the function that is told of progress: the user's own, one that moves a bar on standard error, or none.

    Raises
    ------
    ProblemError
        When *progress* is neither a function nor a truth value.
    """
    if progress is None or progress is False:
        yield None
    elif callable(progress):
        yield progress
    elif progress is True:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        columns = (
            TextColumn("{task.fields[step]}"),
            BarColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
        )
        with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("", total=1.0, step="")

            def move(now: Progress) -> None:
                bar.update(task, step=now.step, description=_said(now), completed=_closed(now))

            yield move
    else:
        raise ProblemError(f"progress is {progress!r}; give a function, or True for a bar")


def _said(now: Progress) -> str:
    if now.value is None or now.bound is None:
        return ""
    return f"{now.value:,.10g} / {now.bound:,.10g}, gap {100 * gap_between(now.value, now.bound):.2f} %"


def _closed(now: Progress) -> float:
    """How much of the gap is closed: 1 when bound and value meet."""
    return 0.0 if now.value is None or now.bound is None else 1.0 - min(1.0, gap_between(now.value, now.bound))
