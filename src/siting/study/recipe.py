"""Reading a study from TOML; an unknown table or key is an error that names it."""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from siting.data import toml_files
from siting.data.china_datums import read_datum
from siting.data.postgis_connection import has_password
from siting.errors import ProblemError, SitingError, some
from siting.judge.standards.from_toml import document_from, rule_from
from siting.limits import metres_of, minutes_of
from siting.measure.services import walker
from siting.messages import Message
from siting.network import Walk
from siting.network.walking_speed import speed_from
from siting.propose import AtMost, Cover
from siting.read_share import share_from
from siting.study.inputs import OF_DATABASES, OF_FILES, Circle, Goal, Source
from siting.study.names import check_apart, check_name
from siting.study.outside import file_of_study

__all__ = ["STUDY", "TABLES", "read_recipe"]

log = logging.getLogger(__name__)

TABLES = {"study", "layers", "walk", "take_up", "shares", "changes", "documents", "rule", "circle", "goal"}
#: The keys of [study].
STUDY = {"name", "title", "lang", "standard", "year", "crs", "max_snap", "beside", "by", "household_size", "strict",
         "scope", "datum"}  # fmt: skip
#: Kinds of values, in words and in Python.
KINDS = {"a text": str, "a number": int | float, "a whole number": int, "true or false": bool}
#: The kinds of keys of [study], [layers] and [[goal]].
STUDY_KINDS = {"year": "a whole number", "strict": "true or false", "max_snap": "a number", "beside": "a number",
               "household_size": "a number"}  # fmt: skip
LAYER_KINDS = {"skip_rows": "a whole number", "header": "a whole number", "strip_units": "true or false",
               "id_prefix": "a text", "postgis": "a text", "table": "a text", "query": "a text", "schema": "a text",
               "geometry": "a text"}  # fmt: skip
GOAL_KINDS = {"service": "a text", "metres": "a number", "minutes": "a number", "time_limit": "a number",
              "at_most": "a whole number", "curve": "a whole number", "on_map": "true or false"}  # fmt: skip
WALKS = {"adult": Walk.adult, "elder": Walk.elder, "carer": Walk.carer}


def read_recipe(path: Path, *, outside: bool = False) -> dict[str, Any]:
    """Read the keywords of a `Study` from a TOML file; see `Study.from_toml`."""
    try:
        data = toml_files.parsed(toml_files.toml_text(path))
    except FileNotFoundError:
        raise SitingError(Message("file.absent", file=path)) from None
    except OSError as error:
        raise SitingError(Message("file.unread", file=path, why=error.strerror)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SitingError(f"{path}: no TOML: {error}") from error
    try:
        _only(data, TABLES, "the study")
        return _head(_table(data, "study"), path, outside) | _body(data, path.parent, outside)
    except SitingError as error:
        raise SitingError(f"{path.name}: {error}") from error


def _head(head: Mapping[str, Any], path: Path, outside: bool) -> dict[str, Any]:
    _only(head, STUDY, "[study]")
    given = {"name": path.stem, "title": path.stem, **head}
    title, standard = given["title"], given.get("standard")
    given["name"] = str(given["name"])
    given["title"] = title if isinstance(title, dict) else {"zh": str(title), "en": str(title)}
    if given.get("lang", "zh") not in ("zh", "en"):
        raise SitingError(f'[study] lang is "{given["lang"]}"; choose "zh" or "en"')
    if given.get("by") not in (None, "district", "county"):
        raise SitingError(f'[study] by is {given["by"]!r}; choose "district" or "county"')
    if standard is not None and str(standard).endswith(".toml"):
        given["standard"] = str(file_of_study(standard, path.parent, "[study] standard", outside=outside))
    for key in ("max_snap", "beside"):
        if key in given:
            metres_of(_checked(given[key], "a number", f"[study] {key}"), f"[study] {key}", error=SitingError)
    if given.get("scope") not in (None, "whole", "part"):
        given["scope"] = share_from(given["scope"], '[study] scope, beside "whole" and "part",')
    if "datum" in given:
        given["datum"] = read_datum(given["datum"], "[study] datum")
    return _kept_to(STUDY_KINDS, given, "[study]")


def _body(data: Mapping[str, Any], folder: Path, outside: bool) -> dict[str, Any]:
    layers = {
        check_name(role, "[layers]"): _source(role, at, folder, outside) for role, at in _table(data, "layers").items()
    }
    if absent := {"communities", "streets"} - set(layers):
        raise SitingError(f"no table [layers.{min(absent)}]; a study needs communities and streets")
    walk = {service: _walk(service, at) for service, at in _table(data, "walk").items()}
    if unknown := set(walk) - set(layers):
        raise SitingError(f"[walk] names services without a layer: {some(sorted(unknown))}")
    take_up = {service: share_from(at, f"[take_up] {service}") for service, at in _table(data, "take_up").items()}
    if unknown := set(take_up) - set(layers):
        raise SitingError(f"[take_up] names services without a layer: {some(sorted(unknown))}")
    goals = tuple(_goal(at) for at in _tables(data, "goal"))
    circles = tuple(_circle(at) for at in _tables(data, "circle"))
    check_apart(layers, "[layers]", "rename one")
    check_apart((goal.name for goal in goals), "[[goal]] name", "each proposal needs its own")
    asking: list[Circle | Goal] = [*circles, *goals]
    for asked in asking:
        if asked.service not in layers:
            raise SitingError(f'the study measures "{asked.service}" but has no layer [layers.{asked.service}]')
    if goals and "candidates" not in layers:
        raise SitingError(f'goal "{goals[0].name}" needs a layer [layers.candidates]')
    return {
        "layers": layers,
        "changes": {rule: _changes(rule, at) for rule, at in _table(data, "changes").items()},
        "walk": walk,
        "take_up": take_up,
        "shares": {rule: share_from(at, f'[shares] "{rule}"') for rule, at in _table(data, "shares").items()},
        "documents": {key: document_from(key, at) for key, at in _table(data, "documents").items()},
        "rules": tuple(rule_from(at) for at in _tables(data, "rule")),
        "circles": circles,
        "goals": goals,
    }


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = data.get(name, {})
    if not isinstance(table, Mapping):
        raise SitingError(f"{name} is no table; write [{name}]")
    return table


def _tables(data: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    tables = data.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SitingError(f"{name} is no list of tables; write [[{name}]]")
    return tables


def _only(table: Mapping[str, Any], known: set[str], where: str) -> None:
    if not isinstance(table, Mapping):
        raise SitingError(f"{where} is no table")
    if unknown := set(table) - known:
        raise SitingError(f"{where}: unknown {some(sorted(unknown))}; understood are {some(sorted(known), 20)}")


def _checked(value: Any, kind: str, where: str) -> Any:
    """Return *value* when it is of a kind of `KINDS`; numbers as float."""
    flag = kind == "true or false"
    if not isinstance(value, KINDS[kind]) or isinstance(value, bool) != flag or value == "":
        raise SitingError(f"{where} is {value!r}, not {kind}")
    return float(value) if kind == "a number" else value


def _kept_to(kinds: Mapping[str, str], table: Mapping[str, Any], where: str) -> dict[str, Any]:
    return {key: _checked(at, kinds[key], f"{where} {key}") if key in kinds else at for key, at in table.items()}


def _source(role: str, at: Mapping[str, Any], folder: Path, outside: bool) -> Source:
    where = f"[layers.{role}]"
    _only(at, {f.name for f in fields(Source)}, where)
    if ("path" in at) == ("postgis" in at):
        raise SitingError(f"{where} needs path, or postgis with table or query: one of the two")
    if strange := [key for key in (OF_DATABASES if "path" in at else OF_FILES) if key in at]:
        what = "a database (postgis)" if "path" in at else "files (path)"
        raise SitingError(f"{where}: {some(strange)} is for {what}")
    if "postgis" in at and ("table" in at) == ("query" in at):
        raise SitingError(f"{where} needs table or query, one of the two")
    if not isinstance(at.get("columns", {}), Mapping):
        raise SitingError(f'{where} columns is no table; write columns = {{ population = "人口" }}')
    if at.get("missing", "raise") not in ("raise", "zero"):
        raise SitingError(f'{where} missing is "{at["missing"]}"; choose "raise" or "zero"')
    at = _kept_to(LAYER_KINDS, at, where)
    if has_password(at.get("postgis", "")):
        log.warning("%s: the study holds a password; write ${NAME} for an environment variable, or service=name", where)
    keys = [key for key in ("path", "mapping") if key in at]
    files: dict[str, Any] = {key: file_of_study(at[key], folder, f"{where} {key}", outside=outside) for key in keys}
    if "datum" in at:
        files["datum"] = read_datum(at["datum"], f"{where} datum")
    return Source(**{**at, **files})


def _changes(rule: str, at: Any) -> Mapping[str, Any]:
    if not isinstance(at, Mapping):
        raise SitingError(f'[changes] {rule} is no table; write [changes."{rule}"] and value = … below it')
    return at


def _walk(service: str, at: Any) -> Walk:
    if isinstance(at, str) and at in WALKS:
        return WALKS[at]()
    if isinstance(at, str) and not any(sign.isdigit() for sign in at):
        raise SitingError(
            f'[walk] {service} is "{at}"; choose {some(WALKS)}, metres a minute, or a speed with its unit ("4.8 km/h")'
        )
    try:
        speed = speed_from(at) if isinstance(at, str) else _checked(at, "a number", f"[walk] {service}")
        return replace(walker(service, None), speed=speed, who=service)
    except ValueError as error:
        raise SitingError(f"[walk] {service}: {error}") from error


def _circle(at: dict[str, Any]) -> Circle:
    _only(at, {f.name for f in fields(Circle)}, "[[circle]]")
    if "service" not in at or not ("metres" in at or "minutes" in at):
        raise SitingError("[[circle]] needs service, and metres or minutes")
    if not (at.get("metres") or at.get("minutes")):
        raise SitingError("[[circle]] has no limit; give metres = [300, 500] or minutes = 15")
    limits = {}
    for unit in ("metres", "minutes"):
        given = at.get(unit, [])
        listed = given if isinstance(given, list) else [given]
        where, read = f"[[circle]] {unit}", metres_of if unit == "metres" else minutes_of
        limits[unit] = tuple(read(_checked(limit, "a number", where), where, error=SitingError) for limit in listed)
    return Circle(_checked(at["service"], "a text", "[[circle]] service"), **limits)


def _goal(at: dict[str, Any]) -> Goal:
    where = f"[[goal]] {at.get('name', '')}".strip()
    _only(at, {f.name for f in fields(Goal)}, where)
    if "name" not in at or "service" not in at:
        raise SitingError(f"{where} needs name and service")
    if ("metres" in at) == ("minutes" in at):
        raise SitingError(f"{where} needs metres or minutes, one of the two")
    if ("cover" in at) == ("at_most" in at):
        raise SitingError(f"{where} needs cover (a share) or at_most (a number), one of the two")
    check_name(at["name"], "[[goal]] name")
    values = _kept_to(GOAL_KINDS, at, where)
    for unit, read in (("metres", metres_of), ("minutes", minutes_of)):
        if unit in values:
            read(values[unit], f"{where} {unit}", error=SitingError)
    if "cover" in at:
        values["cover"] = share_from(at["cover"], f"{where} cover")
    # Invalid rules are refused before any layer is read.
    try:
        _ = Cover(values["cover"]) if "cover" in values else AtMost(values["at_most"])
    except ProblemError as error:
        raise SitingError(f"{where}: {error}") from error
    return Goal(**values)
