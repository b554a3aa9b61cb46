"""Reading a study from TOML. All that is wrong is told at once, each with its line, before a layer is read."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from siting.data import toml_files
from siting.data.postgis_connection import has_password
from siting.data.toml_places import places_of
from siting.judge.standards.from_toml import document_from, rule_from
from siting.measure.services import walker
from siting.messages import Message
from siting.network import Walk
from siting.network.walking_speed import speed_from
from siting.study.checks import check_study, items, tables
from siting.study.faults import Faults
from siting.study.fields import Files, Name, Share
from siting.study.inputs import CLOSED, Circle, Goal, Settings, Source

__all__ = ["read_recipe"]

log = logging.getLogger(__name__)
WALKS = {"adult": Walk.adult, "elder": Walk.elder, "carer": Walk.carer}


@dataclass(frozen=True)
class File:
    """The tables of a study file; those of rules, documents and walkers are read by their own rooms."""

    __pydantic_config__ = CLOSED

    study: Settings
    layers: Mapping[Name, Source]
    walk: Mapping[str, Any] = field(default_factory=dict)
    take_up: Mapping[str, Share] = field(default_factory=dict)
    shares: Mapping[str, Share] = field(default_factory=dict)
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    documents: Mapping[str, Any] = field(default_factory=dict)
    rule: tuple[Any, ...] = ()
    circle: tuple[Circle, ...] = ()
    goal: tuple[Goal, ...] = ()


FILE = TypeAdapter(File)
#: The keys of each kind of table, by its path in a file without numbers and names.
KEYS = {(): File, ("study",): Settings, ("layers", "*"): Source, ("circle",): Circle, ("goal",): Goal}


def read_recipe(path: Path, *, outside: bool = False) -> dict[str, Any]:
    """Read the keywords of a `Study` from a TOML file; see `Study.from_toml`."""
    text, data = toml_files.tables_of(path)
    faults = Faults(path.name, data, places_of(text))
    head = data.get("study", {})
    if isinstance(head, Mapping):
        data = {**data, "study": {"name": path.stem, "title": path.stem, **head}}
    file = None
    try:
        file = FILE.validate_python({"layers": {}, **data}, context=Files(path.parent, outside))
    except ValidationError as error:
        faults.add_errors(error.errors(), {at: [f.name for f in fields(kind)] for at, kind in KEYS.items()})
    check_study(faults, data)
    for role, at in tables(data, "layers").items():
        if isinstance(at, Mapping) and isinstance(at.get("postgis"), str) and has_password(at["postgis"]):
            log.warning(Message("study.password", where=faults.where(("layers", role))))
    walk = {service: _walk(faults, service, at) for service, at in tables(data, "walk").items()}
    documents: dict[str, Any] = {}
    for key, at in tables(data, "documents").items():
        with faults.at("documents", key):
            documents[key] = document_from(key, at)
    rules = []
    for number, at in enumerate(items(data, "rule")):
        with faults.at("rule", number):
            rules.append(rule_from(at))
    faults.raise_all()
    assert file is not None
    read = {key: getattr(file, key) for key in ("layers", "take_up", "shares", "changes")}
    return {**vars(file.study), **read, "walk": walk, "documents": documents, "rules": tuple(rules),
            "circles": file.circle, "goals": file.goal}  # fmt: skip


def _walk(faults: Faults, service: str, at: Any) -> Walk:
    """Read the walker of a service: a word, metres a minute, or a speed with its unit."""
    path = ("walk", service)
    usual = walker(service, None)
    if isinstance(at, str) and at in WALKS:
        return WALKS[at]()
    if isinstance(at, str) and not any(sign.isdigit() for sign in at):
        faults.add(path, Message("study.walker", what="", value=at, choices=list(WALKS)))
        return usual
    if isinstance(at, bool) or not isinstance(at, int | float | str):
        faults.add(path, Message("study.kind", what="", value=at, kind=Message("study.number")))
        return usual
    with faults.at(*path):
        return replace(usual, speed=speed_from(at) if isinstance(at, str) else float(at), who=service)
    return usual
