"""What the tables of a study file must have in common: looked at together, whatever else is wrong."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from siting.judge import Document, Rule, load_standard
from siting.judge.indicators import takes_share
from siting.labels import LANGUAGES, named
from siting.limits import LENGTHIEST, LONGEST
from siting.messages import Message
from siting.study.faults import Faults, Path
from siting.study.inputs import OF_DATABASES, OF_EXTRACTS, OF_FILES, OF_LINES

__all__ = ["check_standards", "check_tables", "items", "sound", "tables"]


#: The longest walks, in metres and minutes, that a person means; and what is refused already where the value is read.
WALKED, USABLE = {"metres": 10_000, "minutes": 150}, {"metres": LONGEST, "minutes": LENGTHIEST}

UNITS = {"metres": Message("study.metres"), "minutes": Message("study.minutes")}


def tables(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return a table of a file; nothing where it is no table, which is told elsewhere."""
    table = data.get(key, {})
    return table if isinstance(table, Mapping) else {}


def items(data: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Return a list of tables of a file; nothing for what is no table."""
    listed = data.get(key, [])
    return [each if isinstance(each, Mapping) else {} for each in listed] if isinstance(listed, list) else []


def check_tables(faults: Faults, data: Mapping[str, Any]) -> None:
    """Add what is wrong between the tables of a file."""
    layers = tables(data, "layers")
    for role in sorted({"communities", "streets"} - set(layers)):
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
        _check_goal(faults, ("goal", number), at, layers, {each.get("name") for each in items(data, "make_candidates")})
    _check_names(faults, ((("layers", role), role) for role in layers))
    _check_names(faults, ((("goal", k, "name"), str(at.get("name", k))) for k, at in enumerate(items(data, "goal"))))
    if "by" in tables(data, "study") and "districts" not in layers:
        faults.add(("study", "by"), Message("study.no_districts"))


def _check_service(faults: Faults, path: Path, service: object, layers: Mapping[str, Any]) -> None:
    if isinstance(service, str) and service and service not in layers:
        words = {named("service", name, lang): name for name in layers for lang in LANGUAGES}
        called = {**words, **dict(zip(layers, layers, strict=True))}
        said = Message("study.no_layer", service=service)
        for near in get_close_matches(service, list(called), 1, 0.8):
            said = Message("study.no_layer_near", service=service, near=called[near])
        faults.add(path, said)


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
        if strange := [key for key in dict.fromkeys((*OF_LINES, *OF_EXTRACTS)) if key in at]:
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
        message = Message("study.only_lines", key=key) if extract else Message("study.only_extracts", key=key)
        faults.add((*path, key), message)
    if isinstance(at.get("area"), str) and at["area"] not in layers:
        faults.add((*path, "area"), Message("study.no_origin", layer=at["area"], known=list(layers)))


def _check_circle(faults: Faults, path: Path, at: Mapping[str, Any], layers: Mapping[str, Any]) -> None:
    _check_service(faults, (*path, "service"), at.get("service"), layers)
    _check_limits(faults, path, at, layers)
    if at.get("metres", []) == [] and at.get("minutes", []) == []:
        faults.add(path, Message("study.no_limit"))


#: Keys of a goal that ask for something on their own.
ASKING = {
    "cover", "at_most", "budget", "objective", "phases", "nobody_beyond", "required", "supply", "one_per",
    "target_market_share",
}  # fmt: skip


def _check_goal(
    faults: Faults, path: Path, at: Mapping[str, Any], layers: Mapping[str, Any], made: Collection[object]
) -> None:
    given = at.get("service")
    for service in given if isinstance(given, list) else [given]:
        _check_service(faults, (*path, "service"), service, layers)
    _check_limits(faults, path, at, layers)
    if ("metres" in at) == ("minutes" in at):
        faults.add(path, Message("study.one_of_units"))
    if not ASKING & set(at):
        faults.add(path, Message("study.one_question"))
    if "candidates" not in layers and "candidates" not in made:
        faults.add(path, Message("study.no_candidates"))


def _check_limits(faults: Faults, path: Path, at: Mapping[str, Any], layers: Mapping[str, Any]) -> None:
    """Refuse limits that nobody walks, unless the streets are for vehicles."""
    streets = layers.get("streets")
    if isinstance(streets, Mapping) and streets.get("walking") is False:
        return
    for key, most in WALKED.items():
        given = at.get(key)
        listed = given if isinstance(given, list) else [*given.values()] if isinstance(given, Mapping) else [given]
        for value in listed:
            if isinstance(value, int | float) and most < value <= USABLE[key]:
                faults.add((*path, key), Message("study.no_walk", what="", value=value, unit=UNITS[key], most=most))


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


def check_standards(
    faults: Faults, given: object, rules: Mapping[int, Rule], documents: Mapping[str, Document]
) -> None:
    """Load the standards, and look for the rules that [shares] and [changes] name.

    *rules* are the study's own, by their number in the file, with the *documents* that they cite.
    """
    names = [given] if isinstance(given, str) else list(given) if isinstance(given, list | tuple) else []
    if given is not None and not names:
        faults.add(("study", "standard"), Message("study.no_standard"))
    found = []
    for name in names:
        with faults.at("study", "standard"):
            found.append(load_standard(name))
    if len(found) < max(len(names), 1):
        if not names:
            for path, _ in _rules_named(faults.data):
                faults.add(path, Message("study.no_standard"))
        return
    for number, rule in rules.items():
        with faults.at("rule", number):
            found[0] = found[0].extended([rule], documents)
    known = {rule.id: standard for standard in found for rule in standard}
    for path, name in _rules_named(faults.data):
        if name not in known:
            faults.add(path, faults.unknown_rule(name, [*map(str, names)], list(known)))
        elif path[0] == "changes":
            with faults.at(*path):
                known[name].adapted({name: tables(faults.data, "changes")[name]})
        elif not takes_share(known[name][name]):
            faults.add(path, Message("study.share_printed"))


def _rules_named(data: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    for table in ("shares", "changes"):
        for rule, value in tables(data, table).items():
            if table == "shares" or isinstance(value, Mapping):
                yield (table, rule), rule


def sound(
    data: Mapping[str, Any], wrong: Iterable[Path], known: Iterable[str]
) -> tuple[dict[str, Any], dict[str, list[int]]]:
    """Return the tables without what is wrong in them, and the numbers of the items of lists that stay.

    Examples
    --------
    >>> file = {"study": {"lang": "xx", "year": 2025}, "goal": [{"name": "a"}, {"name": 5}], "walks": {}}
    >>> sound(file, [("study", "lang"), ("goal", 1, "name"), ("walks",)], ["study", "goal"])
    ({'study': {'year': 2025}, 'goal': [{'name': 'a'}]}, {'goal': [0]})
    """
    wrong = set(wrong)
    kept: dict[str, Any] = {}
    numbers: dict[str, list[int]] = {}
    for key in known:
        value = data.get(key)
        if isinstance(value, list):
            numbers[key] = [n for n in range(len(value)) if not any(path[:2] == (key, n) for path in wrong)]
            kept[key] = [value[n] for n in numbers[key]]
        elif isinstance(value, Mapping):
            kept[key] = {name: at for name, at in value.items() if not any(path[:2] == (key, name) for path in wrong)}
    return kept, numbers
