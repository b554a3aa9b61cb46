"""`deliver`: the results of a run as a package, whole or not at all."""

from __future__ import annotations

import datetime as dt
import logging
import tempfile
from functools import partial
from pathlib import Path

from siting.data.folder_exchange import atomic_folder
from siting.deliver.atlas import leaves_of, write_atlas
from siting.deliver.check import check_delivery
from siting.deliver.places import KINDS, files_of, is_ours, sheet_names
from siting.deliver.results import Found
from siting.deliver.rules import Rules
from siting.deliver.rules_file import read_rules
from siting.deliver.text import write_texts
from siting.deliver.vectors import vectors_crs, write_vectors
from siting.deliver.workbook import write_workbook
from siting.errors import SitingError
from siting.labels import label
from siting.messages import Message
from siting.study import Outcome

__all__ = ["deliver"]

log = logging.getLogger(__name__)
#: The code of the rules that the library has, which is no place's.
EXAMPLE = "000000"


def deliver(results: Outcome | str | Path, folder: str | Path, *, rules: str | Path | None = None) -> dict[str, Path]:
    """Write a package of vectors, text, atlas and tables, by rules, all or nothing.

    Parameters
    ----------
    results
        A folder that a run wrote, or an `Outcome`. Nothing is computed again.
    folder
        The folder of the package. An earlier package by the same rules is replaced, other files in it are kept.
    rules
        A TOML file with rules of one's own; see `write_rules`.

    Returns
    -------
    dict
        The files and the folder of the atlas by kind. Without LibreOffice, Edge or Chrome on the machine the text has
        no PDF, which is logged; all else is written.

    Raises
    ------
    SitingError
        When the folder holds no results, the rules have faults, or the package would break them: with all breaches, of
        which each names layer, field and rows. Nothing is written then.

    Examples
    --------
    >>> import siting as st
    >>> from siting.deliver import deliver
    >>> written = deliver("siting-demo", "handed-in")  # doctest: +SKIP
    """
    read = read_rules(rules)
    if isinstance(results, Outcome):
        with tempfile.TemporaryDirectory() as room:
            results.write(Path(room, "results"))
            return _deliver(Found.in_folder(Path(room, "results")), Path(folder), read)
    return _deliver(Found.in_folder(results), Path(folder), read)


def _deliver(found: Found, folder: Path, rules: Rules) -> dict[str, Path]:
    if rules.package.code == EXAMPLE:
        log.warning(Message("deliver.example_code"))
    crs, date = vectors_crs(rules, found), rules.package.date or _today(found.lang)
    with atomic_folder(folder, ours=partial(is_ours, rules)) as draft:
        files = {key: draft / file for key, file in files_of(rules).items()}
        for kind in KINDS:
            (draft / rules.fill(getattr(rules.folders, kind))).mkdir(exist_ok=True)
        if faults := write_vectors(rules, found, files["vectors.gdb"], crs):
            raise SitingError(Message("deliver.own_breaches", n=len(faults), error=faults))
        no_pdf = write_texts(rules, found, files["text.docx"], files["text.pdf"], date=date)
        write_workbook(rules, found, files["tables.xlsx"])
        leaves = list(leaves_of(rules, found))
        names = sheet_names(rules, {leaf.number: leaf.title for leaf in leaves})
        write_atlas(rules, found, leaves, files["atlas.pdf"], crs=crs, date=date, names=names)
        lacking = [files["text.pdf"].relative_to(draft)] if no_pdf else []
        if breaches := [each for each in check_delivery(draft, rules=rules) if each.file not in lacking]:
            listed = [each.message for each in breaches]
            raise SitingError(Message("deliver.own_breaches", n=len(listed), error=listed))
    if no_pdf:
        log.warning(no_pdf)
    written = {key: folder / file for key, file in files_of(rules).items()}
    return {key: file for key, file in written.items() if file.exists()}


def _today(lang: str) -> str:
    today = dt.date.today()
    return label("deliver.date", lang, year=today.year, month=today.month, day=today.day)
