"""`check_study`: a study file and the headings of its layers, looked at before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from siting.data import sample_path
from siting.data.read_columns import read_columns
from siting.errors import LayerError, SitingError
from siting.messages import Message
from siting.study.analyses.checks import check_columns
from siting.study.columns import with_columns
from siting.study.faults import Faults
from siting.study.inputs import OF_DATABASES, OF_EXTRACTS, OF_LINES
from siting.study.needs import check_needs
from siting.study.recipe import examined
from siting.study.rows import rows_where
from siting.study.values import Study

__all__ = ["check_study"]

#: Errors of files with several layers.
OF_LAYERS = ("reading.no_such", "reading.has_several", "reading.has_none")


def check_study(path: str | Path, *, outside: bool = False) -> Study:
    """Read a study, and look at its layers without reading their geometry; nothing is measured.

    Tables of databases, and large files of text, are looked at when the study runs.

    Parameters
    ----------
    path, outside
        As for `Study.from_toml`.

    Returns
    -------
    Study
        The study, which `run` takes.

    Raises
    ------
    SitingError
        With all that is wrong, each with its line: keys, values, files, columns, ids that layers share, and what goals
        ask for and the layers have not.

    Examples
    --------
    >>> import siting as st
    >>> check_study(st.data.sample_path("study.toml"))
    <Study sample: 6 layers, jinhua 2025, 4 goals>
    """
    faults, keywords, numbers = examined(Path(path), outside=outside)
    if keywords is not None:
        study = Study(**keywords)
        layers = _columns(faults, study)
        check_needs(faults, study, layers, numbers)
        check_columns(faults, study.analyses, layers, numbers)
    faults.raise_all()
    assert keywords is not None
    return study


def _columns(faults: Faults, study: Study) -> dict[str, Any]:
    """Read the columns of the layers that are there, and add what is wrong with them."""
    read: dict[str, Any] = {}
    for name, source in study.layers.items():
        if source.from_ is None and source.postgis is None:
            try:
                read[name] = _columns_of(study, name)
            except LayerError as error:
                code = error.faults[0].code if isinstance(error.faults[0], Message) else ""
                key = "layer" if code in OF_LAYERS and source.layer else "path"
                faults.add(("layers", name, key), error.message)
            except SitingError as error:
                faults.add(("layers", name, "path"), error.message)
    made: dict[str, Any] = {}
    for name in study.layers:
        _made(faults, study, name, read, made)
    return {name: frame for name, frame in made.items() if frame is not None}


def _columns_of(study: Study, name: str) -> Any:
    source = study.layers[name]
    if source.is_extract or source.is_network:
        if source.path is not None and not source.path.exists():
            raise SitingError(Message("file.absent", file=source.path.name))
        return None
    if source.sample:
        return read_columns(sample_path(), source.role or name, rows=name != "streets", layer=name)
    skipped = ("path", "role", "postgis", "from_", "where", "set", "sample", *OF_DATABASES, *OF_LINES, *OF_EXTRACTS)
    options = {key: value for key, value in vars(source).items() if key not in skipped}
    return read_columns(source.path or "", source.role or name, rows=name != "streets", strict=study.strict, **options)


def _made(faults: Faults, study: Study, name: str, read: dict[str, Any], made: dict[str, Any]) -> Any:
    """Return the columns of a layer with the rows that it takes; None where they are not known."""
    if name not in made:
        source = study.layers[name]
        made[name] = None  # of a layer that is made from itself, which is told elsewhere
        frame = read.get(name)
        if source.from_ is not None and source.from_ in study.layers:
            frame = _made(faults, study, source.from_, read, made)
        if frame is not None and source.where is not None and name != "streets":
            before = len(faults.found)
            with faults.at("layers", name, "where"):
                frame = rows_where(frame, source.where, name=name, kind=study.role_of(name))
            frame = None if len(faults.found) > before else frame
        if frame is not None and source.set is not None:
            before = len(faults.found)
            with faults.at("layers", name, "set"):
                frame = with_columns(frame, source.set, name=name, kind=study.role_of(name))
            frame = None if len(faults.found) > before else frame
        made[name] = frame
    return made[name]
