"""When a search stops (time limit, gap, Ctrl-C), and its reports: one value for every engine."""

from __future__ import annotations

import copy
import math
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

from siting.compiled import compile_seconds

__all__ = ["Control", "Progress", "gap_between"]


@dataclass(frozen=True)
class Progress:
    """The state of a solve, for a progress callback of `solve`.

    Attributes
    ----------
    seconds
        Seconds since the start.
    value, bound
        Objective of the best plan so far and the bound; None before the first.
    step
        The present step, in a word or two.
    """

    seconds: float
    value: float | None
    bound: float | None
    step: str


class Control:
    """When a search stops, and its reports.

    *time_limit* is in seconds from now; the search ends with a bound within *gap* of the value, as a share of it.
    `sense` is -1 if engines maximise what the user minimises; *progress* is called in the user's sense.

    As a context manager it takes Ctrl-C, in the main thread: the first stops the search with the best plan so far, the
    second is a KeyboardInterrupt as usual. A program that answers Ctrl-C in its own way, as the shell's commands do, is
    left to it.
    """

    #: The seconds that count; tests set others.
    clock: Callable[[], float] = staticmethod(time.perf_counter)

    def __init__(
        self, *, time_limit: float | None = None, gap: float = 0.0, progress: Callable[[Progress], object] | None = None
    ) -> None:
        self.began = self._now()
        self.time_limit, self.gap, self.progress = time_limit, gap, progress
        self.sense = 1
        self._pressed = [False]
        self._before: Any = None

    def __enter__(self) -> Control:
        ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if ours and threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        self._pressed[0] = True

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C was pressed."""
        return self._pressed[0]

    def for_subproblem(self) -> Control:
        """Return a control with the same clock and Ctrl-C, without gap target and progress."""
        other = copy.copy(self)
        other.gap, other.progress = 0.0, None
        return other

    def reporting(self, change: Callable[[Progress], Progress]) -> Control:
        """Return a control with the same clock and Ctrl-C whose reports pass through *change*."""
        other, progress = copy.copy(self), self.progress
        if progress is not None:
            other.progress = lambda at: progress(change(at))
        return other

    def with_grace(self, seconds: float) -> Control:
        """Return a control for a first plan: with the same Ctrl-C, and *seconds* at least to end in."""
        other = self.for_subproblem()
        if other.time_limit is not None:
            other.time_limit = max(other.time_limit, self.seconds + seconds)
        return other

    def for_part(self, seconds: float) -> Control:
        """Return a control for a part that ends after *seconds*, or with the whole; with the same clock and Ctrl-C."""
        other = self.for_subproblem()
        other.time_limit = min(seconds, self.seconds_left)
        other.began = other._now()
        return other

    @property
    def seconds(self) -> float:
        """Seconds since the start, without those of compiling loops, which happens once on a machine."""
        return self._now() - self.began

    def _now(self) -> float:
        return self.clock() - (compile_seconds() if self.clock is time.perf_counter else 0.0)

    @property
    def seconds_left(self) -> float:
        """Remaining seconds; infinite without a limit, never below 0."""
        return math.inf if self.time_limit is None else max(0.0, self.time_limit - self.seconds)

    @property
    def must_stop(self) -> bool:
        """Whether time is up or Ctrl-C was pressed."""
        return self.interrupted or self.seconds_left <= 0

    @property
    def status(self) -> str:
        """Status of a search that ended without a proof; a solver with the same limit may end a moment earlier."""
        if self.interrupted or self.time_limit is None or (self.gap > 0 and self.seconds_left > 0):
            return "feasible"
        return "time_limit"

    def report(self, step: str, value: float | None = None, bound: float | None = None) -> bool:
        """Report value and bound to the user; True when the search must stop: time, Ctrl-C, or the gap is reached."""
        if self.progress is not None:
            best, top = (None if each is None else self.sense * each + 0.0 for each in (value, bound))
            self.progress(Progress(self.seconds, best, top, step))
        return self.must_stop or (value is not None and bound is not None and gap_between(value, bound) <= self.gap)


def gap_between(value: float, bound: float) -> float:
    """Distance from value to bound, as a share of the larger; 0 when they agree, 1 without a bound."""
    if value == bound:
        return 0.0
    if math.isinf(bound) and math.isfinite(value):
        return 1.0
    return abs(bound - value) / max(abs(value), abs(bound))
