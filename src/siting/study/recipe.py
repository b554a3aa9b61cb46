"""Reading a study from TOML. All that is wrong is told at once, each with its line, before a layer is read."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, make_dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError, create_model

from siting.data import toml_files
from siting.data.postgis_connection import has_password
from siting.data.sample import LAYERS as SAMPLE
from siting.data.toml_places import places_of
from siting.judge.standards.from_toml import document_from, rule_from
from siting.judge.standards.rule import Document, Rule
from siting.measure.services import walker
from siting.messages import Message
from siting.study.analyses import FUNCTIONS, Analysis, table_of_function
from siting.study.analyses.catalogue import keys_of_tables
from siting.study.analyses.checks import check_analyses
from siting.study.asked import OBJECTIVES, ONE_OF, RULES, Asked, rules_of
from siting.study.checks import check_standards, check_tables, items, sound, tables
from siting.study.faults import Faults, Written
from siting.study.fields import Count, Files, Flag, Metres, Minutes, Name, Seconds, Several, Share, Text
from siting.study.inputs import CLOSED, Circle, Goal, Settings, Source, role_in
from siting.study.walkers import OfService, Walker, walk_from

__all__ = ["examined", "read_recipe"]

log = logging.getLogger(__name__)


def _table(name: str, columns: Mapping[str, Any], words: str) -> Any:
    return create_model(name, __config__=CLOSED, __doc__=words, **columns)


def _by_service(kind: Any) -> Any:
    return kind | Mapping[str, kind] | None


#: A table [[goal]]: the keys of `Goal`, and one for each rule.
GOAL = _table(
    "Goal",
    {
        "name": (Name, ...), "service": (Several[Text], ...), "metres": (_by_service(Metres), None),
        "minutes": (_by_service(Minutes), None), "people": (_by_service(Text), None),
        "objective": (ONE_OF | None, None),
        "curve": (Count, 0), "on_map": (Flag, False), "time_limit": (Seconds | None, None), "gap": (Share | None, None),
        **{key: (rules_of(make), ()) for key, make in RULES.items()},
    },
    "A proposal.",
)  # fmt: skip


@dataclass(frozen=True)
class Tables:
    """The tables of a study file; those of rules, documents and walkers are read by their own rooms."""

    __pydantic_config__ = CLOSED

    study: Settings
    layers: Mapping[Name, Source]
    walk: Mapping[str, OfService] = field(default_factory=dict)
    take_up: Mapping[str, Share] = field(default_factory=dict)
    shares: Mapping[str, Share] = field(default_factory=dict)
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    documents: Mapping[str, Any] = field(default_factory=dict)
    rule: tuple[Any, ...] = ()
    circle: tuple[Circle, ...] = ()
    goal: tuple[GOAL, ...] = ()  # type: ignore[valid-type]  # made above


_LIST: Any = tuple
#: With a list of tables for each function that a study can ask for.
File: Any = make_dataclass(
    "File", [(key, _LIST[table_of_function(key), ...], ()) for key in FUNCTIONS], bases=(Tables,), frozen=True
)


def keys_of(kind: Any) -> list[str]:
    """Return the keys of a table that a dataclass is read from."""
    return [each.name.rstrip("_") for each in fields(kind)]  # from_ is from in a file


FILE = TypeAdapter(File)
#: The keys of each kind of table, by its path in a file without numbers; * stands for any name.
KEYS: dict[tuple[str | int, ...], list[str]] = {
    (): keys_of(File), ("study",): keys_of(Settings), ("layers", "*"): keys_of(Source), ("circle",): keys_of(Circle),
    ("goal",): list(GOAL.model_fields), ("walk", "*"): list(Walker.model_fields),
    **{("goal", key): list(inspect.signature(make).parameters) for key, make in RULES.items()},
    **{("goal", "objective", key): list(inspect.signature(make).parameters) for key, make in OBJECTIVES.items()},
    **keys_of_tables(),
}  # fmt: skip


def read_recipe(path: Path, *, outside: bool = False) -> dict[str, Any]:
    """Read the keywords of a `Study` from a TOML file; see `Study.from_toml`."""
    faults, keywords, _ = examined(path, outside=outside)
    faults.raise_all()
    assert keywords is not None
    return keywords


def examined(path: Path, *, outside: bool = False) -> tuple[Faults, dict[str, Any] | None, dict[str, list[int]]]:
    """Return what is wrong with a file, and the keywords of a `Study` of all that is not.

    Last come, by the key of a list of tables, the numbers in the file of those that the study has. There is no study
    where nothing can be made of the file.
    """
    text, data = toml_files.tables_of(path)
    faults, context = Faults(path.name, data, places_of(text), str(path.parent)), Files(path.parent, outside)
    named = {"name": path.stem, "title": path.stem}
    head = data.get("study", {})
    if isinstance(head, Mapping):
        data = {**data, "study": {**named, **head}}
        if head.get("sample") is True:
            data["layers"] = {**{role: {"sample": True} for role in SAMPLE}, **tables(data, "layers")}
    data = {"layers": {}, **data}
    try:
        FILE.validate_python(data, context=context)
    except ValidationError as error:
        faults.add_errors(error.errors(), KEYS)
    check_tables(faults, data)
    rules, documents = _rules_and_documents(faults, data)
    data, numbers = sound(data, [fault.path for fault in faults.found], KEYS[()])
    data["study"] = {**named, **data.get("study", {})}
    try:
        file = FILE.validate_python(data, context=context)
    except ValidationError:
        return faults, None, numbers
    analyses = _in_order(file, faults, numbers)
    check_analyses(faults, analyses, file.layers, [goal.name for goal in file.goal], numbers)
    check_standards(faults, file.study.standard, rules, documents)
    for role, source in file.layers.items():
        if source.postgis is not None and has_password(source.postgis):
            log.warning(Message("study.password", where=faults.where(("layers", role))))
    walk = {
        service: walk_from(given, walker(role_in(file.layers, service), None), service)
        for service, given in file.walk.items()
    }
    read = {key: getattr(file, key) for key in ("layers", "take_up", "shares", "changes")}
    written = Written(path.name, faults.data, faults.places, faults.folder)
    keywords = {
        **vars(file.study), **read, "walk": walk, "documents": documents, "rules": tuple(rules.values()),
        "circles": file.circle, "goals": tuple(_goal(each) for each in file.goal),
        "written": written, "analyses": analyses,
    }  # fmt: skip
    return faults, keywords, numbers


def _rules_and_documents(faults: Faults, data: Mapping[str, Any]) -> tuple[dict[int, Rule], dict[str, Document]]:
    """Read the study's own rules, by their number in the file, and the documents that they cite."""
    documents: dict[str, Document] = {}
    for key, at in tables(data, "documents").items():
        with faults.at("documents", key):
            documents[key] = document_from(key, at)
    rules: dict[int, Rule] = {}
    for number, at in enumerate(items(data, "rule")):
        with faults.at("rule", number):
            rules[number] = rule_from(at)
    return rules, documents


def _goal(table: Any) -> Goal:
    """Return a goal from its table."""
    given = {key: getattr(table, key) for key in table.model_fields_set - set(RULES)}
    return Goal(**given, rules=tuple(rule for rules in _rules_of(table).values() for rule in rules))


def _in_order(file: Any, written: Written, numbers: Mapping[str, Sequence[int]]) -> tuple[Analysis, ...]:
    """Return the analyses in the order of the file."""
    found = [
        (written.place((key, number)) or (), analysis)
        for key in FUNCTIONS
        for analysis, number in zip(getattr(file, key), numbers.get(key, range(len(getattr(file, key)))), strict=True)
    ]
    return tuple(analysis for _, analysis in sorted(found, key=lambda one: one[0]))


def _rules_of(table: Any) -> dict[str, tuple[Asked, ...]]:
    return {key: getattr(table, key) for key in RULES if key in table.model_fields_set}
