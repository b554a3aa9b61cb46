"""The layers of a study: read from files and databases, or made from one another, with the rows that it takes."""

from __future__ import annotations

from typing import Any

from siting.data import check_layer, check_together
from siting.study.columns import with_columns
from siting.study.rows import rows_where
from siting.study.values import Study

__all__ = ["read_layers"]


def read_layers(study: Study) -> dict[str, Any]:
    """Read the layers of a study, each from its source; SitingError with the line of one that cannot be used."""
    read: dict[str, Any] = {}
    for name in study.layers:
        _read(study, name, read)
    layers = {name: read[name] for name in study.layers}
    check_together(layers, "streets")
    return layers


def _read(study: Study, name: str, read: dict[str, Any]) -> Any:
    if name not in read:
        source, kind = study.layers[name], study.role_of(name)
        with study.blaming("layers", name):
            if source.from_ is None:
                frame = source.read(name, strict=study.strict, datum=study.datum)
            else:
                frame = _read(study, source.from_, read)
                if kind != study.role_of(source.from_):
                    frame = check_layer(frame, kind, strict=study.strict)
        if source.where is not None:
            with study.blaming("layers", name, "where"):
                frame = rows_where(frame, source.where, name=name, kind=kind)
        if source.set is not None:
            with study.blaming("layers", name, "set"):
                frame = with_columns(frame, source.set, name=name, kind=kind)
        read[name] = frame
    return read[name]
