"""What the tables of analyses name: layers, columns, goals and other tables must be there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from typing import Any

from siting.judge import load_standard
from siting.messages import Message
from siting.study.analyses.catalogue import FUNCTIONS, keys_of_function
from siting.study.analyses.kinds import Kind
from siting.study.analyses.values import Analysis
from siting.study.analyses.ways import Rules, Ways, chosen
from siting.study.faults import Faults

__all__ = ["check_analyses", "check_columns"]


def check_analyses(
    faults: Faults,
    analyses: Sequence[Analysis],
    layers: Iterable[str],
    goals: Iterable[str],
    numbers: Mapping[str, Sequence[int]],
) -> None:
    """Add a fault for each name that no layer, goal or table has, and for names that two tables have.

    *numbers* are those of the tables in the file, where the study has not all of them: by key, in order.
    """
    tables = [name for key in FUNCTIONS for name in _names(faults.data, key)]
    there = faults.data.get("layers", {})
    unread = set(there) - set(layers) if isinstance(there, Mapping) else set()
    known = {"layer": [*layers, *unread, *tables], "table": tables, "goal": [*goals, *_names(faults.data, "goal")]}
    found = Counter([*layers, *tables])
    for analysis, number in _numbered(analyses, numbers):
        if found[analysis.name] > 1:
            faults.add((analysis.key, number, "name"), Message("study.twice", name=analysis.name))
        rules = analysis.arguments.get("standard")
        if isinstance(rules, Rules) and rules.name is not None:
            with faults.at(analysis.key, number, "standard"):
                chosen(rules, load_standard(rules.name))
        for argument, to, name in _names_in(analysis):
            if name not in known[to]:
                near = get_close_matches(name, known[to], n=1)
                faults.add((analysis.key, number, argument), _unknown(to, name, near or [*dict.fromkeys(known[to])]))
    _check_circles(faults, analyses, numbers)


def _names_in(analysis: Analysis) -> Iterator[tuple[str, str, str]]:
    """Yield the names that a table uses: the argument, what it is the name of, and the name."""
    kinds = keys_of_function(analysis.key)
    for argument, value in analysis.arguments.items():
        yield from ((argument, to, name) for to, name in kinds[argument][0].names(value))


def _check_circles(faults: Faults, analyses: Sequence[Analysis], numbers: Mapping[str, Sequence[int]]) -> None:
    """Refuse tables that use each other."""
    used = {each.name: {name for _, to, name in _names_in(each) if to != "goal"} for each in analyses}
    try:
        TopologicalSorter({name: others & set(used) for name, others in used.items()}).prepare()
    except CycleError as error:
        circle = error.args[1]
        first, number = next(each for each in _numbered(analyses, numbers) if each[0].name in circle)
        faults.add((first.key, number), Message("analysis.circle", names=circle))


def check_columns(
    faults: Faults, analyses: Sequence[Analysis], layers: Mapping[str, Any], numbers: Mapping[str, Sequence[int]]
) -> None:
    """Add a fault for each column that a table names, and its layer has not; *layers* are those that are known."""
    tables = {each.name for each in analyses}
    for analysis, number in _numbered(analyses, numbers):
        kinds = keys_of_function(analysis.key)
        for argument, value in analysis.arguments.items():
            for names, column in _columns(analysis, kinds[argument][0], value):
                if column not in tables and set(names) <= set(layers) and not any(column in layers[n] for n in names):
                    there = [each for name in names for each in layers[name] if each != "geometry"]
                    message = Message("study.no_column", layer=" + ".join(names), column=column, known=there)
                    faults.add((analysis.key, number, argument), message)


def _columns(analysis: Analysis, kind: Kind, value: Any) -> Iterator[tuple[Sequence[str], str]]:
    """Yield the columns of an argument, each with the layers that may have it."""
    if kind.of is None:
        return
    of, end = kind.of
    given = analysis.arguments.get(of, "communities")
    if isinstance(given, Ways):
        given = given.origins if end == "from" else given.destinations
    for each in value if isinstance(value, tuple) else (value,):
        if isinstance(each, str):
            layer, dot, column = each.partition(".")
            yield ((layer,), column) if dot else ((given,) if isinstance(given, str) else given, each)


def _numbered(analyses: Iterable[Analysis], numbers: Mapping[str, Sequence[int]]) -> Iterator[tuple[Analysis, int]]:
    met: Counter[str] = Counter()
    for analysis in analyses:
        place, met[analysis.key] = met[analysis.key], met[analysis.key] + 1
        yield analysis, numbers[analysis.key][place] if analysis.key in numbers else place


def _names(data: Mapping[str, Any], key: str) -> list[str]:
    """List the names of the tables of a key as they are written, also of those that cannot be used."""
    listed = data.get(key, [])
    named = [each.get("name") for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []
    return [name for name in named if isinstance(name, str)]


def _unknown(to: str, name: str, known: Sequence[str]) -> Message:
    if to == "goal" and not known:
        return Message("analysis.no_goals", name=name)
    if to == "goal":
        return Message("analysis.unknown_goal", name=name, known=known)
    if to == "table":
        return Message("analysis.unknown_table", name=name, known=known)
    return Message("analysis.unknown_layer", name=name, known=known)
