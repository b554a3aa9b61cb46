"""What the tables of a study file must have in common: looked at together, whatever else is wrong."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from siting.errors import SitingError
from siting.judge import load_standard
from siting.messages import Message
from siting.study.faults import Faults, Path
from siting.study.inputs import OF_DATABASES, OF_EXTRACTS, OF_FILES, OF_LINES

__all__ = ["check_study", "items", "tables"]


def tables(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return a table of a file; nothing where it is no table, which is told elsewhere."""
    table = data.get(key, {})
    return table if isinstance(table, Mapping) else {}


def items(data: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Return a list of tables of a file; nothing for what is no table."""
    listed = data.get(key, [])
    return [each if isinstance(each, Mapping) else {} for each in listed] if isinstance(listed, list) else []


def check_study(faults: Faults, data: Mapping[str, Any]) -> None:
    """Add what is wrong between the tables of a file."""
    layers = tables(data, "layers")
    for role in {"communities", "streets"} - set(layers):
        faults.add(("layers",), Message("study.no_table", role=role))
    for role, at in layers.items():
        if isinstance(at, Mapping):
            _check_source(faults, ("layers", role), at, layers)
    for table in ("walk", "take_up"):
        for service in tables(data, table):
            _check_service(faults, (table, service), service, layers)
    for number, at in enumerate(items(data, "circle")):
        _check_circle(faults, ("circle", number), at, layers)
    for number, at in enumerate(items(data, "goal")):
        _check_goal(faults, ("goal", number), at, layers)
    _check_names(faults, ((("layers", role), role) for role in layers))
    _check_names(faults, ((("goal", k, "name"), str(at.get("name", k))) for k, at in enumerate(items(data, "goal"))))
    _check_standards(faults, data)


def _check_service(faults: Faults, path: Path, service: object, layers: Mapping[str, Any]) -> None:
    if isinstance(service, str) and service and service not in layers:
        faults.add(path, Message("study.no_layer", service=service))


def _check_origin(faults: Faults, path: Path, at: Mapping[str, Any], layers: Mapping[str, Any]) -> None:
    """Refuse a layer that is made from none, or from itself, and keys of files beside `from`."""
    if strange := [key for key in at if key not in ("from", "where", "set", "role")]:
        faults.add((*path, strange[0]), Message("study.only_read", keys=strange))
    origin, seen = at["from"], [path[-1]]
    while isinstance(origin, str) and origin in layers and origin not in seen:
        seen.append(origin)
        origin = layers[origin].get("from") if isinstance(layers[origin], Mapping) else None
    if origin in seen:
        faults.add((*path, "from"), Message("study.from_itself", layers=[*seen, origin]))
    elif isinstance(origin, str) and len(seen) == 1:
        faults.add((*path, "from"), Message("study.no_origin", layer=origin, known=list(layers)))


def _check_source(faults: Faults, path: Path, at: Mapping[str, Any], layers: Mapping[str, Any]) -> None:
    if len({"path", "postgis", "from", "sample"} & set(at)) != 1:
        faults.add(path, Message("study.one_source"))
    elif "from" in at:
        _check_origin(faults, path, at, layers)
    elif "sample" in at:
        if strange := [key for key in at if key not in ("sample", "where", "set", "role")]:
            faults.add((*path, strange[0]), Message("study.only_read", keys=strange))
    elif strange := [key for key in (OF_DATABASES if "path" in at else OF_FILES) if key in at]:
        of_file = "path" in at
        message = Message("study.only_database", keys=strange) if of_file else Message("study.only_files", keys=strange)
        faults.add((*path, strange[0]), message)
    if path[-1] != "streets":
        if strange := [key for key in (*OF_LINES, *OF_EXTRACTS) if key in at]:
            faults.add((*path, strange[0]), Message("study.only_streets", keys=strange))
    elif "path" in at:
        _check_streets(faults, path, at, layers)
    if "postgis" in at and ("table" in at) == ("query" in at):
        faults.add(path, Message("study.one_of_tables"))


def _check_streets(faults: Faults, path: Path, at: Mapping[str, Any], layers: Mapping[str, Any]) -> None:
    """Refuse keys of lines beside an extract of OpenStreetMap, and of extracts beside lines."""
    extract = str(at["path"]).lower().endswith((".osm", ".pbf"))
    strange = set(at) - {"path", *OF_EXTRACTS} if extract else set(at) & (set(OF_EXTRACTS) - set(OF_LINES))
    for key in strange:
        faults.add((*path, key), Message("study.only_lines" if extract else "study.only_extracts", key=key))
    if isinstance(at.get("area"), str) and at["area"] not in layers:
        faults.add((*path, "area"), Message("study.no_origin", layer=at["area"], known=list(layers)))


def _check_circle(faults: Faults, path: Path, at: Mapping[str, Any], layers: Mapping[str, Any]) -> None:
    _check_service(faults, (*path, "service"), at.get("service"), layers)
    if at.get("metres", []) == [] and at.get("minutes", []) == []:
        faults.add(path, Message("study.no_limit"))


def _check_goal(faults: Faults, path: Path, at: Mapping[str, Any], layers: Mapping[str, Any]) -> None:
    given = at.get("service")
    for service in given if isinstance(given, list) else [given]:
        _check_service(faults, (*path, "service"), service, layers)
    if ("metres" in at) == ("minutes" in at):
        faults.add(path, Message("study.one_of_units"))
    if not {"cover", "at_most", "budget", "objective", "phases", "nobody_beyond", "required", "supply"} & set(at):
        faults.add(path, Message("study.one_question"))
    if "candidates" not in layers:
        faults.add(path, Message("study.no_candidates"))


def _check_names(faults: Faults, names: Iterable[tuple[Path, str]]) -> None:
    """Refuse names that are one name to some file system or database: those that differ in case or width only."""
    same = defaultdict[str, list[tuple[Path, str]]](list)
    for path, name in names:
        same[unicodedata.normalize("NFKC", name).casefold().replace("-", "_")].append((path, name))
    for first, *others in same.values():
        for path, name in others:
            if name == first[1]:
                faults.add(path, Message("study.twice", name=name))
            else:
                faults.add(path, Message("study.twins", names=[first[1], name]))


def _check_standards(faults: Faults, data: Mapping[str, Any]) -> None:
    """Load the standards, and look for the rules that [shares] and [changes] name."""
    given = tables(data, "study").get("standard")
    names = given if isinstance(given, list) else [] if given is None else [given]
    if not all(isinstance(name, str) and not name.endswith(".toml") for name in names):
        return
    if given == []:
        faults.add(("study", "standard"), Message("study.no_standard"))
        return
    known = {at.get("id") for at in items(data, "rule")}
    for name in names:
        try:
            known |= {rule.id for rule in load_standard(name)}
        except SitingError as error:
            faults.add(("study", "standard"), error.message)
            return
    for path, rule in _rules_named(data):
        if rule not in known:
            message = Message("study.no_rule", standard=names, rule=rule)
            faults.add(path, message if names else Message("study.no_standard"))


def _rules_named(data: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    for table in ("shares", "changes"):
        for rule in tables(data, table):
            yield (table, rule), rule
