"""What a verdict can be, and how verdicts are grouped."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from siting.errors import SitingError

__all__ = ["GROUPS", "NOT_JUDGED", "STATUSES", "counts_of", "group_of", "members_of", "told_groups"]

#: Met, met as far as counted, short, not due yet, shown without judging, and the three of `NOT_JUDGED`.
STATUSES = ("met", "part", "short", "ahead", "shown", "no_data", "no_number", "not_applicable")
#: Nothing can be said of the rule; `reason` tells why. Together they are "n/a".
NOT_JUDGED = ("no_data", "no_number", "not_applicable")
#: What is counted.
GROUPS = ("met", "part", "short", "ahead", "shown", "n/a")
#: A rule of several readings is as the first of these that one of them is.
WORST = ("short", "n/a", "ahead", "part", "shown", "met")


def group_of(status: str) -> str:
    """Return the group that a verdict is counted in: "n/a" for those that say nothing, else the verdict itself.

    Examples
    --------
    >>> group_of("no_data"), group_of("short")
    ('n/a', 'short')
    """
    return "n/a" if status in NOT_JUDGED else status


def members_of(status: str) -> tuple[str, ...]:
    """List the verdicts that a word stands for: three for "n/a".

    Raises
    ------
    SitingError
        When there is no such verdict.
    """
    if status == "n/a":
        return NOT_JUDGED
    if status not in STATUSES:
        listed = ", ".join(f'"{one}"' for one in (*STATUSES, "n/a"))
        raise SitingError(f'status is "{status}"; choose one of {listed}')
    return (status,)


def counts_of(rows: pd.DataFrame) -> pd.Series:
    """Count the rules of each group; one of several readings is as its worst one."""
    rank = {status: WORST.index(group_of(status)) for status in STATUSES}
    worst = rows["status"].map(rank).groupby(rows["rule"]).min()
    found = worst.map(dict(enumerate(WORST))).value_counts()
    return found.reindex(list(GROUPS), fill_value=0)


def told_groups(counts: pd.Series, always: Iterable[str] = ("met", "short", "n/a")) -> list[str]:
    """List the groups to show: these, and each that a rule is in."""
    return [name for name in GROUPS if name in always or counts.get(name, 0)]
