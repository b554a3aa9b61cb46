"""A first study for the layers that lie in a folder: commented, in the user's language, and ready to run."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import Any

import pandas as pd

from siting.data import datum_offset, list_headings, read_layer
from siting.data import role as role_of
from siting.data.found_layers import FoundLayer, find_layers
from siting.data.new_text import write_new_text
from siting.errors import LayerError, SitingError
from siting.judge import list_standards, load_standard
from siting.labels import Language, label, named
from siting.measure.services import offering
from siting.messages import Message

__all__ = ["Draft", "new_study"]

NEEDED = ("communities", "streets")
SERVICES = {"childcare": "carer", "eldercare": "elder"}
ROLES = (*NEEDED, *SERVICES, "candidates", "districts", "community_areas", "service_areas")
CIRCLES = {"childcare": "metres = [300, 500, 800]", "eldercare": "minutes = 15"}
LIMITS = {"childcare": "metres = 500", "eldercare": "minutes = 15"}
#: Signs of a line of comment.
WIDTH = 100
#: Set before the ids of candidates where facilities have the same.
PREFIX = "C-"
#: The system of plain longitude and latitude of a Chinese file that names none, and its extent.
DEGREES, CHINA = "EPSG:4490", ((73.0, 136.0), (3.0, 54.0))


@dataclass(frozen=True, eq=False)
class Chosen:
    """A layer of the study: where it lies, as which keys it is read, and the layer itself or its faults."""

    role: str
    found: FoundLayer
    keys: Mapping[str, Any] = field(default_factory=dict)
    frame: Any = None
    faults: tuple[Message | str, ...] = ()
    #: Why keys were added.
    notes: tuple[Message, ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class Draft:
    """A study that was written by `new_study`.

    Attributes
    ----------
    path
        The file.
    layers
        A row for each layer that was found: ``role`` (empty if it is not used), ``file``, ``layer``, ``rows``,
        ``reason`` (why it is not used, or what was added so that it can be read).
    """

    path: Path
    layers: pd.DataFrame
    lang: Language

    def __repr__(self) -> str:
        used = int((self.layers["role"] != "").sum())
        return f"<Draft {self.path.name}: {used} of {len(self.layers)} layers>"

    def explain(self, lang: Language | None = None) -> str:
        """Say what was understood and what was left out, a line for each layer."""
        return "\n".join(line.text(lang or self.lang) for line in _told(self.layers))


def new_study(folder: str | os.PathLike[str], *, lang: Language = "zh", name: str = "study.toml") -> Draft:
    """Look at the layers in a folder, and write a study for them.

    What each layer is for follows from the words in its name, the kind of its geometry and its headings. Coordinates
    that lie off the streets as a wrong datum would are given that datum. Comments in the file say what was
    understood and what may be added.

    Parameters
    ----------
    folder
        The folder with the layers; the study is written into it.
    lang
        Language of the study and its comments: ``"zh"`` or ``"en"``.
    name
        Name of the file.

    Raises
    ------
    SitingError
        When there is such a file already, the folder has no layers that can be read, or those of communities and
        streets are not among them; the message lists what each layer was taken for.

    Examples
    --------
    >>> import shutil, tempfile
    >>> from siting.data import sample_path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = shutil.copy(sample_path(), folder)
    ...     draft = new_study(folder, lang="en")
    >>> draft
    <Draft study.toml: 6 of 6 layers>
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise SitingError(Message("draft.no_folder", folder=folder))
    path = folder / name
    if os.path.lexists(path):
        raise SitingError(Message("writing.there", file=path))
    found = find_layers(folder)
    if not found:
        raise SitingError(Message("draft.no_layers", folder=folder))
    chosen = _chosen(found)
    table = _table(found, chosen)
    if lacking := [role for role in NEEDED if role not in chosen or chosen[role].frame is None]:
        raise SitingError(
            Message(
                "draft.lacking",
                roles=[_word(role) for role in lacking],
                layers=_told(table),
            )
        )
    write_new_text(path, "\n".join(_lines(folder, table, chosen, lang)))
    return Draft(path, table, lang)


def _chosen(found: Iterable[FoundLayer]) -> dict[str, Chosen]:
    """Choose a layer for each role, and read it as it fits the others: in the datum of the streets, with own ids."""
    best: dict[str, Chosen] = {}
    for layer in found:
        role = next(iter(layer.roles), "")
        if role in ROLES and (role not in best or best[role].frame is None):
            best[role] = _read(Chosen(role, layer))
    return _with_ids_apart(_in_one_datum(best))


def _read(layer: Chosen, **keys: Any) -> Chosen:
    """Read a layer, with the keys that mend its faults: a CRS for degrees within China, numbers without their units."""
    layer = replace(layer, keys={**({"layer": layer.found.layer} if layer.found.layer else {}), **layer.keys, **keys})
    try:
        return replace(layer, frame=read_layer(layer.found.file, layer.role, **layer.keys), faults=())
    except LayerError as fault:
        refused = replace(layer, frame=None, faults=fault.faults)
    codes = {each.code for each in map(_remedy, refused.faults) if isinstance(each, Message)}
    if "cell.or_strip" in codes and "strip_units" not in layer.keys:
        return _read(replace(layer, notes=(*layer.notes, Message("draft.units"))), strip_units=True)
    if codes & {"datum.none", "datum.unsaid"} and "crs" not in layer.keys:
        again = _read(replace(layer, notes=(*layer.notes, Message("draft.crs", crs=DEGREES))), crs=DEGREES)
        return again if again.frame is None or _in_china(again.frame) else refused
    return refused


def _remedy(fault: Message | str) -> Message | str:
    """Return the remedy that a fault names, or the fault."""
    remedy = getattr(fault, "values", {}).get("remedy")
    return remedy if isinstance(remedy, Message) else fault


def _in_china(frame: Any) -> bool:
    west, south, east, north = frame.total_bounds
    return bool(CHINA[0][0] < west and east < CHINA[0][1] and CHINA[1][0] < south and north < CHINA[1][1])


def _in_one_datum(best: Mapping[str, Chosen]) -> dict[str, Chosen]:
    """Read layers that lie off the streets as a wrong datum would in the datum that brings them there."""
    out = dict(best)
    if any(out.get(role) is None or out[role].frame is None for role in NEEDED):
        return out
    for role, layer in best.items():
        if role == "streets" or layer.frame is None or "datum" in layer.keys:
            continue
        offset = datum_offset(layer.frame, out["streets"].frame, names=(role, "streets"))
        for which, datum in offset.read_as.items():
            wrong = role if which == "layer" else "streets"
            note = Message("draft.datum", metres=offset.metres, datum=datum)
            again = _read(replace(out[wrong], notes=(*out[wrong].notes, note)), datum=datum)
            out[wrong] = again if again.frame is not None else out[wrong]
    return out


def _with_ids_apart(best: dict[str, Chosen]) -> dict[str, Chosen]:
    """Set letters before the ids of candidates where facilities have the same."""
    sites = best.get("candidates")
    if sites is None or sites.frame is None:
        return best
    others = [best[role].frame.index for role in SERVICES if role in best and best[role].frame is not None]
    if any(len(sites.frame.index.intersection(index)) for index in others):
        note = Message("draft.prefix", prefix=PREFIX)
        best = {**best, "candidates": _read(replace(sites, notes=(*sites.notes, note)), id_prefix=PREFIX)}
    return best


def _table(found: Iterable[FoundLayer], chosen: Mapping[str, Chosen]) -> pd.DataFrame:
    """Return a row for each layer that was found; see `Draft`."""
    rows = []
    for layer in found:
        used = next((each for each in chosen.values() if each.found == layer), None)
        if used is not None and used.frame is not None:
            role, reasons = used.role, list[Message | str](used.notes)
        else:
            role, reasons = "", list(_why_not(layer, used, chosen))
        reason = (
            reduce(lambda one, other: Message("draft.line_reason", line=one, reason=other), reasons) if reasons else ""
        )
        rows.append(
            {"role": role, "file": layer.file, "layer": layer.layer or "", "rows": layer.rows, "reason": reason}
        )
    return pd.DataFrame(rows, columns=["role", "file", "layer", "rows", "reason"])


def _why_not(layer: FoundLayer, used: Chosen | None, chosen: Mapping[str, Chosen]) -> Iterator[Message | str]:
    """Say why a layer is not used."""
    if layer.fault is not None:
        yield layer.fault
    elif used is not None:
        yield Message("draft.faults", role=used.role, faults=used.faults)
    elif layer.roles and (other := chosen.get(layer.roles[0])) is not None:
        yield Message("draft.another", role=layer.roles[0], name=other.found.name)
    else:
        yield Message("draft.no_role")


def _word(role: str) -> Message:
    return Message("data.word", zh=f"{role_of(role).zh}（{role}）", en=role)


def _told(table: pd.DataFrame) -> list[Message]:
    """Return a line for each layer that was found."""
    lines = []
    for row in table.to_dict("records"):
        name = f"{row['file'].name}:{row['layer']}" if row["layer"] else row["file"].name
        role = _word(row["role"]) if row["role"] else Message("draft.unused")
        line = Message("draft.line", name=name, role=role, n=row["rows"])
        lines.append(Message("draft.line_reason", line=line, reason=row["reason"]) if row["reason"] else line)
    return lines


def _lines(folder: Path, table: pd.DataFrame, chosen: Mapping[str, Chosen], lang: Language) -> Iterator[str]:
    """Yield the lines of the study."""
    used = {role: chosen[role] for role in ROLES if role in chosen and chosen[role].frame is not None}

    def comment(said: Message) -> Iterator[str]:
        return (f"# {line}".rstrip() for line in said.text(lang).split("\n"))

    yield from comment(Message("draft.head"))
    yield from ("", "[study]", f"title = {_text(folder.resolve().name)}", f'lang = "{lang}"')
    called = _standards(lang)
    yield from (f"# {line}" for line in _wrapped(Message("draft.standard", standards=called).text(lang)))
    here = next((name for name in called if lang == "zh" and name in folder.resolve().name), "")
    why = Message("draft.by_name").text(lang)
    yield f"standard = {_text(here)}  # {why}" if here else f"# standard = {_text(called[0])}"
    yield from ("# year = 2025", *comment(Message("draft.of_map_service")), '# datum = "GCJ-02"', "", "[layers]")
    for role, layer in used.items():
        yield from (f"# {line}" for line in _understood(layer, lang))
        keys = {"path": layer.found.file.relative_to(folder).as_posix(), **layer.keys}
        yield f"{role} = {{ {', '.join(f'{key} = {_text(value)}' for key, value in keys.items())} }}"
    unused = [text.text(lang) for text, role in zip(_told(table), table["role"], strict=True) if not role]
    if unused:
        yield from (
            "",
            *comment(Message("draft.left_out")),
            *(f"#   {line}" for text in unused for line in text.split("\n")),
        )
    services = [service for service in SERVICES if service in used]
    if services:
        yield from (
            "",
            *comment(Message("draft.walk")),
            "[walk]",
            *(f'{each} = "{SERVICES[each]}"' for each in services),
        )
    for service in services:
        yield from (
            "",
            *comment(Message("draft.circle", service=named("service", service, lang))),
            "[[circle]]",
            f'service = "{service}"',
            CIRCLES[service],
        )
    for service in services:
        if "candidates" in used and len(offering(used["candidates"].frame, service)):
            yield from (
                "",
                *comment(Message("draft.goal", service=named("service", service, lang))),
                "[[goal]]",
                f'name = "{service}-5"',
            )
            yield from (f'service = "{service}"', LIMITS[service], "at_most = 5", "on_map = true")
    if "candidates" not in used:
        yield from ("", *comment(Message("draft.no_candidates")))
    yield ""


def _standards(lang: Language) -> list[str]:
    """Return the names of the standards, in Chinese their first Chinese one."""
    return [load_standard(name).names[0] if lang == "zh" else name for name in list_standards()]


def _understood(layer: Chosen, lang: Language) -> Iterator[str]:
    """Yield lines on what was understood of a layer."""
    listed = list_headings(layer.frame, layer.role, lang=lang)
    read, unused = (listed[listed["list"] == kind] for kind in ("understood", "not_used"))
    comma = label("list.comma", lang)
    yield Message("draft.of_layer", name=layer.found.name, n=len(layer.frame)).text(lang)
    if len(read):
        pairs = (
            f"{column} ← {heading}" if heading != column else column
            for heading, column in zip(read["heading"], read["column"], strict=True)
        )
        yield from _wrapped("  " + Message("draft.read", columns=comma.join(pairs)).text(lang))
    if len(unused):
        yield from _wrapped("  " + Message("draft.unread", columns=comma.join(unused["heading"])).text(lang))
    yield from (f"  {note.text(lang)}" for note in layer.notes)


def _wrapped(text: str) -> Iterator[str]:
    """Yield a line in pieces of 100 signs at most, broken where names end."""
    line = ""
    for piece in re.split("(?<=[、,]) ?", text):
        if line and len(line) + len(piece) > WIDTH:
            yield line
            line = "    "
        line += piece if not line.strip() or "、" in line else f" {piece}"
    yield line


def _text(value: str | bool) -> str:
    """Write a text or a flag for TOML, whose basic strings and flags are those of JSON."""
    return json.dumps(value, ensure_ascii=False)
