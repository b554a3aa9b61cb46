"""The arguments and options that several commands have, and what completes them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

import siting as st
from siting.data import list_roles

__all__ = [
    "Crs", "Datum", "Encoding", "Header", "LayerName", "Mapped", "Out", "Outside", "PostGIS", "Role", "RoleOrNone",
    "SkipRows", "Standard", "StandardOrTask", "StripUnits", "StudyFile",
]  # fmt: skip


def _roles() -> list[str]:
    return list_roles()


def _standards() -> list[str]:
    return st.list_standards()


def _layers() -> Iterator[str]:
    """Yield the layers of the files in the line so far, which the shell passes on."""
    import pyogrio

    line = " ".join(os.environ.get(name, "") for name in ("COMP_WORDS", "_TYPER_COMPLETE_ARGS"))
    for path in filter(os.path.exists, dict.fromkeys(line.split()[1:])):
        try:
            yield from pyogrio.list_layers(path)[:, 0]
        except Exception:  # no file of layers
            continue


def _option(*names: str, **more: Any) -> Any:
    return typer.Option(*names, **more)


StudyFile = Annotated[Path, typer.Argument()]
Out = Annotated[Path | None, _option("--out")]
Outside = Annotated[bool, _option("--outside")]
Role = Annotated[str, _option("--role", autocompletion=_roles)]
RoleOrNone = Annotated[str | None, _option("--role", autocompletion=_roles)]
Standard = Annotated[str | None, _option("--standard", autocompletion=_standards)]
StandardOrTask = Annotated[str | None, typer.Argument(autocompletion=lambda: [*_standards(), "new", "check", "schema"])]
LayerName = Annotated[str | None, _option("--layer", autocompletion=_layers)]
PostGIS = Annotated[str | None, _option("--postgis")]
Crs = Annotated[str | None, _option("--crs")]
Datum = Annotated[str | None, _option("--datum")]
Encoding = Annotated[str | None, _option("--encoding")]
SkipRows = Annotated[int | None, _option("--skip-rows")]
Header = Annotated[int | None, _option("--header")]
StripUnits = Annotated[bool | None, _option("--strip-units")]
Mapped = Annotated[Path | None, _option("--mapping")]
