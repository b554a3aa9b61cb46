"""What the tables of analyses name: layers, goals and other tables must be there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from siting.messages import Message
from siting.study.analyses.catalogue import keys_of_function
from siting.study.analyses.values import Analysis
from siting.study.faults import Faults

__all__ = ["check_analyses"]


def check_analyses(
    faults: Faults, analyses: Mapping[str, Sequence[Analysis]], layers: Iterable[str], goals: Iterable[str]
) -> None:
    """Add a fault for each name that no layer, goal or table has, and for names that two tables have."""
    tables = [each.name for listed in analyses.values() for each in listed]
    known = {"layer": [*layers, *tables], "table": tables, "goal": list(goals)}
    found: dict[str, int] = defaultdict(int)
    for name in known["layer"]:
        found[name] += 1
    for key, listed in analyses.items():
        kinds = keys_of_function(key)
        for number, analysis in enumerate(listed):
            if found[analysis.name] > 1:
                faults.add((key, number, "name"), Message("study.twice", name=analysis.name))
            for argument, value in analysis.arguments.items():
                for to, name in kinds[argument][0].names(value):
                    if name not in known[to]:
                        near = get_close_matches(name, known[to], n=1)
                        faults.add((key, number, argument), _unknown(to, name, near or known[to]))


def _unknown(to: str, name: str, known: Sequence[str]) -> Message:
    if to == "goal":
        return Message("analysis.unknown_goal", name=name, known=known)
    if to == "table":
        return Message("analysis.unknown_table", name=name, known=known)
    return Message("analysis.unknown_layer", name=name, known=known)
