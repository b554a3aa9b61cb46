"""Checking that answers are equal, timing them in turns, and the rows that come of it."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["AbsentError", "Pairs", "Peer", "Row", "UnequalError", "best", "compare", "nearly_equal", "seconds",
           "sort_pairs", "the_same"]  # fmt: skip


#: Positions of source and target, and whole millimetres.
Pairs = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]


class UnequalError(AssertionError):
    """Two programs gave different answers: there is nothing to time."""


class AbsentError(RuntimeError):
    """What a case needs is not here: a peer, a data file, a function."""


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes
    ----------
    work, size
        What was done, and how much of it.
    ours, theirs
        Seconds of `siting` and of the peer for one `unit`; or the value itself where nothing is timed.
    peer
        Who was compared with.
    ratio
        The median over the rounds of theirs / ours.
    target
        The least ratio, or with `most` the largest value of `ours` (or of the ratio), that is asked for.
    unit
        What the seconds are for: "" (all), "a source", "a site"; or the unit of a value that is no time.
    checked
        What was found equal before anything was timed.
    status
        "ok", "failed" or "skipped"; `checked` then says why.
    known, value, bound
        Of a published instance: the best value that is known, ours, and our bound.
    """

    work: str
    size: str = ""
    ours: float | None = None
    peer: str = ""
    theirs: float | None = None
    ratio: float | None = None
    target: float | None = None
    most: bool = False
    unit: str = ""
    checked: str = ""
    status: str = "ok"
    rounds: int = 0
    known: float | None = None
    value: float | None = None
    bound: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there is none, or nothing was measured."""
        value = self.ratio if self.ratio is not None else self.ours
        if self.target is None or value is None or self.status != "ok":
            return None
        return value <= self.target if self.most else value >= self.target

    def record(self) -> dict[str, Any]:
        """Return the row as a record for JSON."""
        return {**asdict(self), "met": self.met}


@dataclass(frozen=True)
class Peer:
    """A program to compare with: what it is called, what it does, for how many units, and the ratio asked for."""

    name: str
    call: Callable[[], object]
    units: int = 1
    target: float | None = None
    most: bool = False
    checked: str = ""
    rounds: int | None = None


def seconds(call: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """Time one call, without the collector; what it returns is freed afterwards."""
    gc.collect()
    gc.disable()
    try:
        began = clock()
        kept = call()
        spent = clock() - began
    finally:
        gc.enable()
    del kept
    return spent


def compare(
    work: str,
    size: str,
    ours: Callable[[], object],
    peers: Sequence[Peer],
    *,
    units: int = 1,
    unit: str = "",
    rounds: int = 5,
    clock: Callable[[], float] = time.process_time,
) -> list[Row]:
    """Time *ours* and each peer in turns, and give a row for each peer.

    *ours* does *units* units of work, a peer as many as it says; seconds are for one unit where *unit* names it.
    """
    rows = []
    share = units if unit else 1
    for peer in peers:
        many = peer.rounds or rounds
        pairs = [
            (seconds(ours, clock) / share, seconds(peer.call, clock) / (peer.units if unit else 1)) for _ in range(many)
        ]
        mine, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
        ratio = statistics.median(b / a for a, b in pairs)
        said = size if peer.units == units or not unit else f"{size}; peer on {peer.units:,}"
        rows.append(
            Row(work, said, mine, peer.name, theirs, ratio, peer.target, peer.most, unit, peer.checked, rounds=many)
        )
    return rows


def best(
    work: str, size: str, call: Callable[[], object], *, target: float | None = None, unit: str = "", units: int = 1,
    rounds: int = 5, checked: str = "",
) -> Row:  # fmt: skip
    """Time *call* on its own, against a number of seconds; the median counts."""
    spent = statistics.median(seconds(call) / (units if unit else 1) for _ in range(rounds))
    return Row(work, size, spent, target=target, most=True, unit=unit, checked=checked, rounds=rounds)


def sort_pairs(pairs: Pairs) -> Pairs:
    """Order pairs by source, then target."""
    source, target, mm = (np.asarray(part).astype(np.int64) for part in pairs)
    order = np.lexsort([target, source])
    return source[order], target[order], mm[order]


def the_same(ours: Pairs, theirs: Pairs, who: str, *, sources: int | None = None) -> str:
    """Say how many pairs are equal, to the millimetre; raise `UnequalError` when one is not.

    With *sources* the peer did only the first so many.
    """
    if sources is not None:
        keep = np.asarray(ours[0]) < sources
        ours = (ours[0][keep], ours[1][keep], ours[2][keep])
    mine, other = sort_pairs(ours), sort_pairs(theirs)
    if len(mine[0]) != len(other[0]):
        raise UnequalError(f"{who}: {len(other[0]):,} pairs, siting {len(mine[0]):,}")
    wrong = (mine[0] != other[0]) | (mine[1] != other[1]) | (mine[2] != other[2])
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise UnequalError(
            f"{who}: {int(wrong.sum()):,} of {len(wrong):,} pairs differ, the first is "
            f"{[int(part[at]) for part in other]}, siting has {[int(part[at]) for part in mine]}"
        )
    return f"{len(wrong):,} pairs equal"


def nearly_equal(ours: npt.ArrayLike, theirs: npt.ArrayLike, who: str, *, relative: float = 0.0, of: str = "values",
                 absolute: float = 0.0) -> str:  # fmt: skip
    """Say how many values agree within a tolerance; raise `UnequalError` when one does not."""
    mine, other = np.asarray(ours, float), np.asarray(theirs, float)
    if mine.shape != other.shape:
        raise UnequalError(f"{who}: {other.shape} {of}, siting {mine.shape}")
    wrong = ~np.isclose(mine, other, rtol=relative, atol=absolute, equal_nan=True)
    if wrong.any():
        at = np.unravel_index(int(np.flatnonzero(wrong)[0]), wrong.shape)
        raise UnequalError(f"{who}: {int(wrong.sum()):,} of {wrong.size:,} {of} differ, {other[at]} against {mine[at]}")
    exact = mine.size - int((mine == other).sum() + (np.isnan(mine) & np.isnan(other)).sum())
    if not exact:
        return f"{mine.size:,} {of} equal"
    return f"{mine.size:,} {of} equal within {max(relative, absolute):g}{' (relative)' if relative else ''}"
