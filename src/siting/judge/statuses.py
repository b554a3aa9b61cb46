"""Verdicts and their groups."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from siting.errors import SitingError
from siting.messages import Message

__all__ = ["GROUPS", "NOT_JUDGED", "STATUSES", "counts_of", "group_of", "groups_to_show", "judged_first", "members_of"]

#: Met, met as far as counted, short, not due yet, shown without judging, and the three of `NOT_JUDGED`.
STATUSES = ("met", "part", "short", "ahead", "shown", "no_data", "no_number", "not_applicable")
#: No verdict; `reason` has the cause. Together they are "n/a".
NOT_JUDGED = ("no_data", "no_number", "not_applicable")
GROUPS = ("met", "part", "short", "ahead", "shown", "n/a")
#: A rule with several readings has the first of these verdicts.
WORST = ("short", "n/a", "ahead", "part", "shown", "met")
#: The order for readers.
READ = ("short", "part", "met", "ahead", "shown")


def group_of(status: str) -> str:
    """Return the group of a verdict: "n/a" for those of `NOT_JUDGED`, else the verdict itself."""
    return "n/a" if status in NOT_JUDGED else status


def members_of(status: str) -> tuple[str, ...]:
    """List the verdicts of a word: three for "n/a"; an unknown word raises `SitingError`."""
    if status == "n/a":
        return NOT_JUDGED
    if status not in STATUSES:
        raise SitingError(Message("argument.choose", what="status", value=status, choices=[*STATUSES, "n/a"]))
    return (status,)


def counts_of(rows: pd.DataFrame) -> pd.Series:
    """Count the rules of each group; one with several readings has its worst verdict."""
    rank = {status: WORST.index(group_of(status)) for status in STATUSES}
    worst = rows["status"].map(rank).groupby(rows["rule"]).min()
    found = worst.map(dict(enumerate(WORST))).value_counts()
    return found.reindex(list(GROUPS), fill_value=0)


def judged_first(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split the rows into judged or shown ones, the worst rules first, and those without a verdict."""
    silent = rows["status"].isin(NOT_JUDGED)
    judged = rows[~silent]
    rank = judged["status"].map({status: place for place, status in enumerate(READ)}).fillna(len(READ))
    place = rank.groupby([judged["rule"], judged["area"]] if "area" in judged else judged["rule"]).transform("min")
    return judged.loc[place.sort_values(kind="stable").index], rows[silent]


def groups_to_show(counts: pd.Series, always: Iterable[str] = ("met", "short", "n/a")) -> list[str]:
    """List the groups to show: these, and each with a rule."""
    return [name for name in GROUPS if name in always or counts.get(name, 0)]
