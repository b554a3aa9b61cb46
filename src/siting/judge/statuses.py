"""What a verdict can be, and how verdicts are grouped."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from siting.errors import SitingError

__all__ = ["GROUPS", "NOT_JUDGED", "STATUSES", "counts_of", "group_of", "groups_to_show", "judged_first", "members_of"]

#: Met, met as far as counted, short, not due yet, shown without judging, and the three of `NOT_JUDGED`.
STATUSES = ("met", "part", "short", "ahead", "shown", "no_data", "no_number", "not_applicable")
#: There is no verdict on the rule; `reason` has the cause. Together they are "n/a".
NOT_JUDGED = ("no_data", "no_number", "not_applicable")
#: What is counted.
GROUPS = ("met", "part", "short", "ahead", "shown", "n/a")
#: A rule of several readings is as the first of these that one of them is.
WORST = ("short", "n/a", "ahead", "part", "shown", "met")
#: In this order people read them.
READ = ("short", "part", "met", "ahead", "shown")


def group_of(status: str) -> str:
    """Return the group that a verdict is counted in: "n/a" for those of `NOT_JUDGED`, else the verdict itself."""
    return "n/a" if status in NOT_JUDGED else status


def members_of(status: str) -> tuple[str, ...]:
    """List the verdicts that a word stands for: three for "n/a"; another word raises `SitingError`."""
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


def judged_first(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Part the rows that are judged or shown from those without a verdict; what is short comes first.

    The readings of a rule stay together, where the worst of them stands.
    """
    silent = rows["status"].isin(NOT_JUDGED)
    judged = rows[~silent]
    rank = judged["status"].map({status: place for place, status in enumerate(READ)}).fillna(len(READ))
    place = rank.groupby([judged["rule"], judged["area"]] if "area" in judged else judged["rule"]).transform("min")
    return judged.loc[place.sort_values(kind="stable").index], rows[silent]


def groups_to_show(counts: pd.Series, always: Iterable[str] = ("met", "short", "n/a")) -> list[str]:
    """List the groups to show: these, and each that a rule is in."""
    return [name for name in GROUPS if name in always or counts.get(name, 0)]
