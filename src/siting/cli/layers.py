"""The commands that check, import and convert layers; `check` takes a study, too."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import siting as st
from siting.cli.command import command, help_words
from siting.cli.options import (
    Crs,
    Datum,
    Encoding,
    Header,
    LayerName,
    Mapped,
    Outside,
    PostGIS,
    Role,
    RoleOrNone,
    SkipRows,
    StripUnits,
)
from siting.cli.shell import SHELL
from siting.errors import SitingError
from siting.messages import Message

__all__ = ["check", "convert", "import_"]

File = Annotated[Path, typer.Argument()]
Streets = Annotated[Path | None, typer.Option("--streets")]
StreetsLayer = Annotated[str | None, typer.Option("--streets-layer", autocompletion=lambda: ["streets"])]
#: Suffixes of files of several layers.
SEVERAL = (".gpkg", ".gdb")


@command("check")
def check(
    file: Annotated[Path | None, typer.Argument()] = None,
    role: RoleOrNone = None,
    layer: LayerName = None,
    crs: Crs = None,
    datum: Datum = None,
    streets: Streets = None,
    streets_layer: StreetsLayer = None,
    strict: Annotated[bool, typer.Option("--strict")] = False,
    mapping: Mapped = None,
    encoding: Encoding = None,
    skip_rows: SkipRows = None,
    header: Header = None,
    strip_units: StripUnits = None,
    postgis: PostGIS = None,
    outside: Outside = False,
    schema: Annotated[bool, typer.Option("--schema")] = False,
) -> None:
    """Check a study before it runs, or whether a file can be used in a role."""
    if schema:
        from siting.study.schema import schema as study_schema

        SHELL.write(study_schema())
        return
    if file is None:
        raise SitingError(Message("shell.missing", what=help_words("value", "study")))
    if role is None and file.suffix == ".toml":
        _check_study(file, outside=outside)
        return
    if role is None:
        raise SitingError(Message("shell.role", file=file, roles=st.data.list_roles()))
    _read(
        file, role, streets, streets_layer, layer=layer, crs=crs, datum=datum, strict=strict, mapping=mapping,
        encoding=encoding, skip_rows=skip_rows, header=header, strip_units=strip_units, postgis=postgis,
    )  # fmt: skip


def _check_study(file: Path, *, outside: bool) -> None:
    from siting.study import check_study
    from siting.terminal_study import print_study

    SHELL.command = "run"  # what is told of the file has its keys
    study = check_study(file, outside=outside)
    SHELL.answer(
        lambda: {
            "study": study.name, "lang": study.lang, "standard": study.standard, "year": study.year,
            "layers": list(study.layers), "circles": [circle.title(SHELL.words) for circle in study.circles],
            "goals": {goal.name: goal.title(SHELL.words) for goal in study.goals},
        }
    )  # fmt: skip
    print_study(SHELL.out, study, SHELL.words)


def _read(file: Path, role: Any, streets: Path | None, streets_layer: str | None, **options: Any) -> Any:
    """Read a layer and tell what was read; beside streets also whether it lies where they are."""
    from siting.terminal_layer import compare_with_streets, headings_of, read_and_report

    named = isinstance(role, str)  # without a role no heading has a meaning
    frame = read_and_report(SHELL.out, file, role, SHELL.words, headings=named, **options)
    SHELL.answer(
        lambda: {
            "file": file, "role": role if named else None, "rows": len(frame), "crs": str(frame.crs.to_string()),
            "datum": frame.attrs.get("datum"), "headings": headings_of(frame, role, SHELL.words) if named else [],
        }
    )  # fmt: skip
    if streets is not None:
        found = compare_with_streets(
            SHELL.out, frame, streets, getattr(role, "name", role), SHELL.words, layer=streets_layer
        )
        SHELL.answer(
            lambda: {"beside_streets": {"places": found.places, "metres": found.metres, "datums": found.datums}}
        )
    return frame


@command("import")
def import_(
    file: File,
    out_file: Annotated[Path, typer.Argument()],
    role: Role,
    mapping: Mapped = None,
    layer: LayerName = None,
    crs: Crs = None,
    datum: Datum = None,
    encoding: Encoding = None,
    skip_rows: SkipRows = None,
    header: Header = None,
    strip_units: StripUnits = None,
    postgis: PostGIS = None,
    id_prefix: Annotated[str, typer.Option("--id-prefix")] = "",
) -> None:
    """Bring the export of a registration system to the form of a role, and write it as a layer."""
    frame = _read(
        file, role, None, None, layer=layer, crs=crs, datum=datum, mapping=mapping, encoding=encoding,
        skip_rows=skip_rows, header=header, strip_units=strip_units, postgis=postgis, id_prefix=id_prefix,
    )  # fmt: skip
    _write(frame, out_file, role)


@command("convert")
def convert(
    file: File,
    out_file: Annotated[Path, typer.Argument()],
    role: RoleOrNone = None,
    layer: LayerName = None,
    crs: Crs = None,
    datum: Datum = None,
    to_datum: Annotated[str | None, typer.Option("--to-datum")] = None,
    to_crs: Annotated[str | None, typer.Option("--to-crs")] = None,
    streets: Streets = None,
    streets_layer: StreetsLayer = None,
    encoding: Encoding = None,
    skip_rows: SkipRows = None,
    header: Header = None,
) -> None:
    """Write a layer in another format, datum or coordinate system."""
    frame = _read(
        file, role or _any_role(), streets, streets_layer, layer=layer, crs=crs, datum=datum, encoding=encoding,
        skip_rows=skip_rows, header=header,
    )  # fmt: skip
    if to_datum is not None:
        frame.attrs.pop("datum", None)
        frame = st.data.convert_datum(frame, "WGS84", to_datum, name=file.name)
        if (moved := frame.attrs.get("datum")) is not None:
            SHELL.say("check.datum", source=moved["from"], target=moved["to"], rows=f"{moved['rows']:,}")
            SHELL.answer(lambda: {"to_datum": moved})
    if to_crs is not None:
        frame = st.data.to_crs(frame, to_crs)
    _write(frame, out_file, role or layer or file.stem)


def _any_role() -> st.data.Role:
    """Return the role of a layer of which only the places matter."""
    named = tuple(column for column in st.data.role("candidates").columns if column.name in ("id", "name"))
    return st.data.Role("layer", SHELL.label("check.any_layer"), "layer", ("Point", "LineString", "Polygon"), named)


def _write(frame: Any, out_file: Path, layer: str) -> None:
    st.write_layer(frame, out_file, layer=layer if out_file.suffix.lower() in SEVERAL else None)
    SHELL.answer(lambda: {"written": out_file})
    SHELL.print(f"{SHELL.label('study.written')} {out_file}")
