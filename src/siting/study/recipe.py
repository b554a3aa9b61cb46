"""Reading a study's recipe from TOML: every table and key is known, or told."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from siting.errors import ProblemError, SitingError, some
from siting.judge.standards.from_toml import document_from, rule_from
from siting.measure.services import walker
from siting.network import Walk
from siting.network.walk import speed_from
from siting.propose import AtMost, Cover
from siting.share import share_from
from siting.study.inputs import Circle, Goal, Source
from siting.study.run import Study

__all__ = ["read_study"]

TABLES = {"study", "layers", "walk", "shares", "changes", "documents", "rule", "circle", "goal"}
STUDY = {"name", "title", "lang", "standard", "year", "crs", "max_snap", "beside", "by", "household_size", "strict",
         "scope"}  # fmt: skip


def read_study(path: Path) -> Study:
    """Read a study; see `Study.from_toml`."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SitingError(f"{path}: there is no such file") from None
    except OSError as error:
        raise SitingError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SitingError(f"{path}: no TOML: {error}") from error
    try:
        return _study(data, path)
    except SitingError as error:
        raise SitingError(f"{path.name}: {error}") from error


def _study(data: Mapping[str, Any], path: Path) -> Study:
    _only(data, TABLES, "the study")
    head = _table(data, "study")
    _only(head, STUDY, "[study]")
    layers = {role: _source(role, at, path.parent) for role, at in _table(data, "layers").items()}
    absent = {"communities", "streets"} - set(layers)
    if absent:
        raise SitingError(f"no table [layers.{sorted(absent)[0]}]; a study needs communities and streets")
    walk = {service: _walk(service, at) for service, at in _table(data, "walk").items()}
    unknown = set(walk) - set(layers)
    if unknown:
        raise SitingError(f"[walk] names services without a layer: {some(sorted(unknown))}")
    goals = tuple(_goal(at) for at in _tables(data, "goal"))
    names = [goal.name for goal in goals]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SitingError(f"[[goal]] names stand twice: {some(twice)}; each proposal needs its own")
    title = head.get("title", path.stem)
    lang = head.get("lang", "zh")
    if lang not in ("zh", "en"):
        raise SitingError(f'[study] lang is "{lang}"; choose "zh" or "en"')
    standard = head.get("standard")
    if standard is not None and str(standard).endswith(".toml"):
        standard = str(path.parent / standard)
    return Study(
        name=str(head.get("name", path.stem)),
        title=title if isinstance(title, dict) else {"zh": str(title), "en": str(title)},
        lang=lang,
        layers=layers,
        standard=standard,
        year=_whole(head.get("year"), "[study] year"),
        crs=head.get("crs"),
        strict=_flag(head.get("strict", False), "[study] strict"),
        max_snap=_number(head.get("max_snap", 250), "[study] max_snap"),
        beside=_number(head.get("beside", 300), "[study] beside"),
        by=_by(head.get("by")),
        household_size=None
        if "household_size" not in head
        else _number(head["household_size"], "[study] household_size"),
        scope=_scope(head.get("scope")),
        changes={rule: _changes(rule, at) for rule, at in _table(data, "changes").items()},
        walk=walk,
        shares={rule: share_from(at, f'[shares] "{rule}"') for rule, at in _table(data, "shares").items()},
        documents={key: document_from(key, at) for key, at in _table(data, "documents").items()},
        rules=tuple(rule_from(at) for at in _tables(data, "rule")),
        circles=tuple(_circle(at) for at in _tables(data, "circle")),
        goals=goals,
    )


def _scope(given: Any) -> str | float | None:
    """Read how much of the document's area the layers are."""
    if given in (None, "whole", "part"):
        return given  # type: ignore[no-any-return]
    return share_from(given, '[study] scope, beside "whole" and "part",')


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = data.get(name, {})
    if not isinstance(table, Mapping):
        raise SitingError(f"{name} is no table; write [{name}]")
    return table


def _tables(data: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    tables = data.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(table, Mapping) for table in tables):
        raise SitingError(f"{name} is no list of tables; write [[{name}]]")
    return tables


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise SitingError(f"{where} is {value!r}, not a text")
    return value


def _only(table: Mapping[str, Any], known: set[str], where: str) -> None:
    if not isinstance(table, Mapping):
        raise SitingError(f"{where} is no table")
    unknown = set(table) - known
    if unknown:
        raise SitingError(f"{where}: unknown {some(sorted(unknown))}; understood are {some(sorted(known), 20)}")


def _source(role: str, at: Mapping[str, Any], folder: Path) -> Source:
    where = f"[layers.{role}]"
    _only(at, {f.name for f in fields(Source)}, where)
    if "path" not in at:
        raise SitingError(f"{where} has no path")
    if not isinstance(at.get("columns", {}), Mapping):
        raise SitingError(f'{where} columns is no table; write columns = {{ population = "人口" }}')
    if at.get("missing", "raise") not in ("raise", "zero"):
        raise SitingError(f'{where} missing is "{at["missing"]}"; choose "raise" or "zero"')
    files = {key: folder / str(at[key]) for key in ("path", "mapping") if key in at}
    return Source(**{**at, **files})


def _by(value: Any) -> str | None:
    if value not in (None, "district", "county"):
        raise SitingError(f'[study] by is {value!r}; choose "district" or "county"')
    return None if value is None else str(value)


def _changes(rule: str, at: Any) -> Mapping[str, Any]:
    if not isinstance(at, Mapping):
        raise SitingError(f'[changes] {rule} is no table; write [changes."{rule}"] and value = … below it')
    return at


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SitingError(f"{where} is {value!r}, not a number")
    return float(value)


def _flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise SitingError(f"{where} is {value!r}, not true or false")
    return value


def _whole(value: Any, where: str) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise SitingError(f"{where} is {value!r}, not a whole number")
    return value


def _walk(service: str, at: Any) -> Walk:
    named = {"adult": Walk.adult, "elder": Walk.elder, "carer": Walk.carer}
    if isinstance(at, str) and at in named:
        return named[at]()
    if isinstance(at, str) and not any(sign.isdigit() for sign in at):
        raise SitingError(
            f'[walk] {service} is "{at}"; choose {some(named)}, metres a minute, or a speed with its unit ("4.8 km/h")'
        )
    try:
        speed = speed_from(at) if isinstance(at, str) else _number(at, f"[walk] {service}")
        return replace(walker(service, None), speed=speed, who=service)
    except ValueError as error:
        raise SitingError(f"[walk] {service}: {error}") from error


def _limits(value: Any, where: str) -> tuple[float, ...]:
    listed = value if isinstance(value, list) else [value]
    return tuple(_number(at, where) for at in listed)


def _circle(at: Mapping[str, Any]) -> Circle:
    _only(at, {f.name for f in fields(Circle)}, "[[circle]]")
    if "service" not in at or not ("metres" in at or "minutes" in at):
        raise SitingError("[[circle]] needs service, and metres or minutes")
    if not (at.get("metres") or at.get("minutes")):
        raise SitingError("[[circle]] has no limit; give metres = [300, 500] or minutes = 15")
    return Circle(
        service=_text(at["service"], "[[circle]] service"),
        metres=_limits(at.get("metres", []), "[[circle]] metres"),
        minutes=_limits(at.get("minutes", []), "[[circle]] minutes"),
    )


def _goal(at: Mapping[str, Any]) -> Goal:
    where = f"[[goal]] {at.get('name', '')}".strip()
    _only(at, {f.name for f in fields(Goal)}, where)
    if "name" not in at or "service" not in at:
        raise SitingError(f"{where} needs name and service")
    if ("metres" in at) == ("minutes" in at):
        raise SitingError(f"{where} needs metres or minutes, one of the two")
    if ("cover" in at) == ("at_most" in at):
        raise SitingError(f"{where} needs cover (a share) or at_most (a number), one of the two")
    if not re.fullmatch(r"[\w-]{1,60}", _text(at["name"], f"{where} name")):
        raise SitingError(f"{where}: the name is used for files; write letters, digits, - and _ only")
    _text(at["service"], f"{where} service")
    values = dict(at)
    if "cover" in values:
        values["cover"] = share_from(values["cover"], f"{where} cover")
    for key in ("metres", "minutes", "time_limit"):
        if key in values:
            values[key] = _number(values[key], f"{where} {key}")
    for key in ("at_most", "curve"):
        if key in values:
            _whole(values[key], f"{where} {key}")
    if not isinstance(values.get("on_map", False), bool):
        raise SitingError(f"{where} on_map is {values['on_map']!r}, not true or false")
    # What is badly put is told before any layer is read.
    try:
        _ = Cover(values["cover"]) if "cover" in values else AtMost(values["at_most"])
    except ProblemError as error:
        raise SitingError(f"{where}: {error}") from error
    return Goal(**values)
