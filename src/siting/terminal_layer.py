"""The output of `siting check` and `siting import`: rows, and headings in three lists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from siting.data import DatumOffset, Role, datum_offset, list_headings, list_roles, read_layer, read_postgis
from siting.data import role as role_of
from siting.data.datums import crs_name
from siting.data.types_of_facilities import closest_types, type_of, types_in
from siting.errors import LayerError, SitingError
from siting.judge.standards.columns_used import rules_by_column
from siting.labels import Language, label, named
from siting.messages import Message
from siting.network.street_words import osm_columns
from siting.network.walkable_streets import walkable
from siting.terminal_text import wrapped

__all__ = ["compare_with_streets", "heading_tables", "headings_of", "read_and_report"]


def read_and_report(
    out: Console, file: Path, role: str | Role, lang: Language, *, headings: bool = True, **options: Any
) -> Any:
    """Read a layer; print its rows and headings, also of one with errors, and for streets those closed to walkers."""
    try:
        frame = _read(file, role, **options)
    except LayerError as fault:
        if fault.partial is not None and headings:
            _print_headings(out, fault.partial, role, lang)
        raise
    kind = role_of(role).zh if lang == "zh" else role_of(role).name
    crs = frame.crs.to_string() if frame.crs.to_authority() else crs_name(frame.crs)
    rows = label("check.rows", lang, name=file.name, rows=f"{len(frame):,}", role=kind, crs=crs)
    _print(out, rows)
    if (datum := frame.attrs.get("datum")) is not None:
        converted = label("check.datum", lang, source=datum["from"], target=datum["to"], rows=f"{datum['rows']:,}")
        _print(out, converted)
    if headings:
        _print_headings(out, frame, role, lang)
    if "facility_type" in frame.columns:
        _print_unknown_types(out, frame["facility_type"], lang)
    if role == "streets" and (closed := walkable(osm_columns(frame)).left_out):  # it logs unknown words
        reasons = label("list.comma", lang).join(f"{named('closed', key, lang)} {n:,}" for key, n in closed.items())
        _print(out, label("check.closed", lang, reasons=reasons))
    return frame


def _read(file: Path, role: str | Role, postgis: str | None = None, **options: Any) -> Any:
    if postgis is None:
        return read_layer(file, role, **options)
    for key in ("layer", "encoding", "skip_rows", "header"):
        if options.pop(key, None) is not None:
            raise SitingError(Message("shell.of_files", name=f"--{key.replace('_', '-')}"))
    schema, _, table = str(file).rpartition(".")
    return read_postgis(postgis, role, table=table, schema=schema or None, **options)


def compare_with_streets(
    out: Console, frame: Any, streets: Path, role: str, lang: Language, *, layer: str | None = None
) -> DatumOffset:
    """Print whether a layer fits the streets of another file, or lies off them as a wrong datum would."""
    try:
        near = read_layer(streets, "streets", layer=layer)
    except LayerError as fault:
        first = fault.faults[0]
        if not isinstance(first, Message) or first.code != "reading.has_several":
            raise
        names = first.values["names"]
        raise SitingError(Message("shell.streets_layer", file=streets.name, names=names)) from fault
    found = datum_offset(frame, near, names=(role, "streets"))
    if found.datums is None:
        line = label("check.fits", lang, places=f"{found.places:,}")
    else:
        mine, others = found.datums
        names = {"layer": str(frame.attrs.get("source", role)), "near": streets.name}
        reading = [
            label(
                "check.read_plain" if datum == "WGS84" else "check.read_as",
                lang,
                name=names[which],
                datum=datum,
                how=f"--datum {datum}",
            )
            for which, datum in found.read_as.items()
        ]
        remedy = label("list.semicolon", lang).join(reading)
        metres = f"{found.metres:,.0f}"
        line = label("check.offset", lang, metres=metres, layer=mine, streets=others, remedy=remedy)
    _print(out, line)
    return found


def _print(out: Console, text: str) -> None:
    for line in wrapped(text, out.width):
        out.print(line, highlight=False, markup=False, soft_wrap=True)


def headings_of(frame: Any, role: str | Role, lang: Language) -> Any:
    """Return a row for each heading of a file and each column that it lacks: how it is read, and why not."""
    return list_headings(frame, role_of(role), lang=lang)


def _print_headings(out: Console, frame: Any, role: str | Role, lang: Language) -> None:
    for part in heading_tables(frame, role, lang):
        if isinstance(part, str):
            for line in wrapped(part, out.width, indent=2):
                out.print(line, highlight=False, markup=False, soft_wrap=True)
        else:
            out.print(part, highlight=False, markup=False)


def _print_unknown_types(out: Console, column: Any, lang: Language) -> None:
    strange = column.map(types_in).explode().dropna()
    rows = strange[[type_of(word) == "" for word in strange]].value_counts()
    words = []
    for word, count in rows.items():
        near = label("list.comma", lang).join(closest_types(word))
        closest = label("check.type_closest", lang, types=near) if near else ""
        words.append(label("check.type", lang, word=word, rows=f"{count:,}", closest=closest))
    if words:
        listed = label("list.comma", lang).join(words)
        _print(out, label("check.types", lang, count=len(words), words=listed))


def heading_tables(frame: Any, role: str | Role, lang: Language) -> Iterator[Table | Text | str]:
    """Yield tables of headings understood and not used, and of missing columns; those of few rules in one line."""
    kind = role_of(role)
    listed = list_headings(frame, kind, lang=lang)
    understood, unused, missing = (listed[listed["list"] == name] for name in ("understood", "not_used", "missing"))
    yield _table("understood", understood[["heading", "column", "says"]].values.tolist(), len(understood), lang)
    unlike = unused["column"] == ""
    rows = [[heading, "", says] for heading, says in unused.loc[~unlike, ["heading", "says"]].values.tolist()]
    yield from _listed(
        "not_used", rows, len(unused), lang, rest=unused.loc[unlike, "heading"].tolist(), rest_as="unlike"
    )
    rules = rules_by_column(kind.name) if kind.name in list_roles() else {}
    important = {column.name for column in kind.columns if column.required or column.allows_en}
    rows, rest = [], []
    for name, says in missing[["column", "says"]].values.tolist():
        asking = label("check.by_rules", lang, count=len(rules[name])) if rules.get(name) else ""
        if name in important:
            rows.append([name, "", label("list.semicolon", lang).join(filter(None, (says, asking)))])
        else:
            rest.append(name if lang == "en" else kind.column(name).zh)
    yield from _listed("missing", rows, len(missing), lang, rest=rest, rest_as="others")


def _listed(
    name: str, rows: list[list[str]], count: int, lang: Language, *, rest: list[str], rest_as: str
) -> Iterator[Table | Text | str]:
    if rows or not rest:
        yield _table(name, rows, count, lang)
    else:
        yield Text(label(f"check.{name}", lang, count=count), style="bold")
    if rest:
        words = label(f"check.{rest_as}", lang, count=len(rest), columns=label("list.comma", lang).join(rest))
        yield f"  {words}"


def _table(name: str, rows: list[list[str]], count: int, lang: Language) -> Table:
    table = Table(title=label(f"check.{name}", lang, count=count), title_justify="left", title_style="bold",
                  box=box.SIMPLE, show_header=False, pad_edge=False, padding=(0, 1, 0, 1), show_edge=False)  # fmt: skip
    table.add_column(overflow="fold", min_width=12)
    if any(row[1] for row in rows):
        table.add_column(no_wrap=True)
    else:
        rows = [[row[0], row[2]] for row in rows]
    table.add_column(overflow="fold", ratio=1)
    for row in rows or [[label("check.none", lang), *[""] * (len(table.columns) - 1)]]:
        table.add_row(*map(escape, row))
    return table
