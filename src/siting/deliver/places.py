"""The folders and files of a package, by the rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePath

from siting.deliver.layers import like
from siting.deliver.rules import Rules

__all__ = ["KINDS", "files_of", "is_ours", "sheet_names"]

#: The folder and the ending of each file that a package has once; the atlas has its sheets besides.
KINDS = {"vectors": (".gdb",), "text": (".docx", ".pdf"), "atlas": (".pdf",), "tables": (".xlsx",)}
SHEET = ".jpg"


def files_of(rules: Rules) -> dict[str, Path]:
    """Return the files that a package has once, relative to its folder, by kind and ending: ``text.pdf``.

    Examples
    --------
    >>> from siting.deliver.rules_file import read_rules
    >>> files_of(read_rules())["vectors.gdb"].as_posix()
    '矢量数据/000000示例区养老托育服务设施布局规划矢量数据.gdb'
    """
    return {
        f"{kind}{end}": Path(rules.fill(getattr(rules.folders, kind)), f"{rules.fill(getattr(rules.files, kind))}{end}")
        for kind, ends in KINDS.items()
        for end in ends
    }


def sheet_names(rules: Rules, titles: dict[int, str]) -> dict[int, str]:
    """Return the names of sheets by number, without their ending."""
    return {number: rules.fill(rules.files.sheet, number=number, name=title) for number, title in titles.items()}


def sheets_in(rules: Rules, folder: Path) -> Iterator[Path]:
    """Yield the files of the folder of the atlas that are no PDF."""
    atlas = folder / rules.fill(rules.folders.atlas)
    yield from (file for file in sorted(atlas.iterdir()) if file.suffix.lower() != ".pdf")


def is_ours(rules: Rules, path: PurePath) -> bool:
    """Whether a path in the folder of a package is one that `deliver` writes by these rules; others are kept."""
    folders = {rules.fill(getattr(rules.folders, kind)) for kind in KINDS}
    if path.parts[0] not in folders:
        return False
    if len(path.parts) == 1:
        return True
    once = {file.parts for file in files_of(rules).values()}
    sheet = like(rules.fill(rules.files.sheet), number="[0-9]{2,}")
    return path.parts[:2] in once or (
        len(path.parts) == 2
        and path.parts[0] == rules.fill(rules.folders.atlas)
        and path.suffix == SHEET
        and bool(sheet.fullmatch(path.stem))
    )
