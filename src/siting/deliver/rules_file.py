"""Reading rules from TOML, with all faults and their lines, and writing a file of them to begin with."""

from __future__ import annotations

import re
from dataclasses import fields
from importlib.resources import files
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from siting.data.new_text import write_new_text
from siting.data.toml_files import parsed, tables_of
from siting.data.toml_places import places_of
from siting.deliver.rules import (
    ANY_NAME,
    PLAIN_NAME,
    Atlas,
    Chapter,
    Coordinates,
    FieldRule,
    FileNames,
    Folders,
    LayerNames,
    LayerRule,
    Package,
    Rules,
    SheetRule,
    TableRule,
    TextRule,
)
from siting.errors import SitingError
from siting.messages import Message
from siting.study.faults import Faults

__all__ = ["read_rules", "write_rules"]

RULES = TypeAdapter(Rules)
#: The keys of each kind of table, for the nearest to one that is not known.
KEYS: dict[tuple[str | int, ...], list[str]] = {
    (): [each.name for each in fields(Rules)],
    **{
        path: [{"source": "from"}.get(each.name, each.name) for each in fields(kind)]
        for path, kind in {
            ("package",): Package, ("crs",): Coordinates, ("folders",): Folders, ("files",): FileNames,
            ("layer",): LayerRule, ("layer", "fields"): FieldRule, ("atlas",): Atlas, ("sheet",): SheetRule,
            ("text",): TextRule, ("chapter",): Chapter, ("table",): TableRule, ("names",): LayerNames,
        }.items()
    },
}  # fmt: skip


def read_rules(path: str | Path | None = None) -> Rules:
    """Read rules from TOML, by default those of the package; SitingError names all faults with their lines."""
    if path is None:
        text, name = _own(), "rules.toml"
        data = parsed(text)
    else:
        text, data = tables_of(Path(path))
        name = Path(path).name
    faults = Faults(name, data, places_of(text))
    rules = None
    try:
        rules = RULES.validate_python(data)
    except ValidationError as error:
        faults.add_errors(error.errors(), KEYS)
    if rules is not None:
        _check(rules, faults)
    faults.raise_all()
    assert rules is not None
    return rules


def write_rules(path: str | Path) -> Path:
    """Write the rules that the package has, with comments, to a TOML file of one's own to change.

    Parameters
    ----------
    path
        The file, ending in ``.toml``.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    SitingError
        When the file is there already, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = write_rules(f"{folder}/bureau.toml")
    ...     read_rules(written).folders.vectors
    '矢量数据'
    """
    target = Path(path)
    if target.suffix.lower() != ".toml":
        raise SitingError(Message("deliver.no_toml", name=target.name))
    return write_new_text(target, _own())


def _own() -> str:
    return files("siting.deliver").joinpath("rules.toml").read_text(encoding="utf-8")


def _check(rules: Rules, faults: Faults) -> None:
    """Find what the kinds of values do not tell: names that a geodatabase has not, and what a field lacks."""
    fit = ANY_NAME if rules.names.chinese else PLAIN_NAME
    if not rules.layer:
        faults.add(("layer",), Message("study.missing", what=""))
    for number, layer in enumerate(rules.layer):
        at: tuple[str | int, ...] = ("layer", number)
        _check_name(layer.name, fit, (*at, "name"), faults)
        if ("{S}" in layer.name) != ("{service}" in layer.source):
            faults.add((*at, "name"), Message("deliver.per_service", what="", name=layer.name, source=layer.source))
        seen = set()
        for place, each in enumerate(layer.fields):
            here = (*at, "fields", place)
            _check_name(each.name, fit, (*here, "name"), faults)
            if each.name.casefold() in seen:
                faults.add((*here, "name"), Message("study.twice", name=each.name))
            seen.add(each.name.casefold())
            if each.type == "text" and each.length is None:
                faults.add(here, Message("deliver.no_length", field=each.name))
            if (each.source is None) == (each.value is None):
                faults.add(here, Message("deliver.from_or_value", field=each.name))
            if each.codes is not None and each.codes not in rules.codes:
                faults.add(
                    (*here, "codes"), Message("study.choose", what="", value=each.codes, choices=list(rules.codes))
                )
    for key, table in rules.codes.items():
        if lost := sorted(set(table.of.values()) - set(table.meanings)):
            faults.add(("codes", key, "of"), Message("deliver.lost_codes", what="", codes=lost))


def _check_name(name: str, fit: re.Pattern[str], path: tuple[str | int, ...], faults: Faults) -> None:
    plain = name.replace("{S}", "S")
    if not fit.fullmatch(plain):
        faults.add(path, Message("deliver.name", what="", name=name))
