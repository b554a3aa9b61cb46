"""The check of a package, one that was just written or any other folder: names, files, pictures and layers."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePath

from siting.deliver.breach import Breach
from siting.deliver.check_layers import check_geodatabase
from siting.deliver.layers import like
from siting.deliver.places import KINDS, SHEET, files_of
from siting.deliver.rules import Rules
from siting.deliver.rules_file import read_rules
from siting.errors import SitingError
from siting.messages import Message
from siting.show.picture_sheet import INCH, PAPERS

__all__ = ["check_delivery", "refuse_breaches"]

#: The part that each kind of office file has.
PARTS = {".docx": "word/document.xml", ".xlsx": "xl/workbook.xml"}
#: A4 standing, as the text is, in inches.
A4 = PAPERS["A4"][::-1]
BOX = re.compile(rb"/MediaBox\s*\[\s*([-\d.]+)\s+([-\d.]+)\s+([-\d.]+)\s+([-\d.]+)\s*\]")
#: Millimetres by which a page may differ, and points of PDF in an inch.
SLACK, POINTS = 1.5, 72.0
#: Files that systems put into folders.
SYSTEM = re.compile(r"\..*|Thumbs\.db|desktop\.ini|~\$.*", re.IGNORECASE)


def check_delivery(folder: str | Path, *, rules: Rules | str | Path | None = None) -> tuple[Breach, ...]:
    """List what breaks the rules in a package: names, files that lack, pictures, the CRS, layers, fields and values.

    Parameters
    ----------
    folder
        The folder of a package, written by `deliver` or by hand.
    rules
        A TOML file with rules of one's own; see `write_rules`.

    Returns
    -------
    tuple of Breach
        Each with file, layer, field and `text`; none for a package that keeps the rules.

    Raises
    ------
    SitingError
        When there is no such folder, or the rules have faults.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(check_delivery(folder)[0].text("en"))
    矢量数据: the folder is missing
    """
    root = Path(folder)
    if not root.is_dir():
        raise SitingError(Message("deliver.no_folder", folder=folder))
    read = rules if isinstance(rules, Rules) else read_rules(rules)
    return tuple(_breaches(root, read))


def refuse_breaches(folder: str | Path, *, rules: str | Path | None = None) -> None:
    """Raise SitingError with all breaches of a package, if there are any."""
    if breaches := check_delivery(folder, rules=rules):
        listed = [breach.message for breach in breaches]
        raise SitingError(Message("deliver.refused", folder=folder, n=len(listed), error=listed))


def _breaches(root: Path, rules: Rules) -> Iterator[Breach]:
    folders = {kind: rules.fill(getattr(rules.folders, kind)) for kind in KINDS}
    once = files_of(rules)
    for name in sorted(_entries(root) - set(folders.values())):
        kind = "strange_folder" if (root / name).is_dir() else "strange_file"
        pattern = ", ".join(folders.values())
        error = Message("deliver.strange_folder") if kind == "strange_folder" else _strange(pattern)
        yield Breach(PurePath(name), error)
    for name in folders.values():
        if not (root / name).is_dir():
            yield Breach(PurePath(name), Message("deliver.missing_folder"))
    for file in once.values():
        if (root / file.parent).is_dir() and not (root / file).exists():
            yield Breach(file, Message("deliver.missing_file"))
    for name in folders.values():
        if (root / name).is_dir():
            yield from _others(root, rules, name, {file for file in once.values() if file.parts[0] == name})
    if (root / folders["atlas"]).is_dir():
        yield from _sheets(root, rules, folders["atlas"])
    yield from _pdf(root, once["text.pdf"], "A4", A4)
    yield from _pdf(root, once["atlas.pdf"], rules.atlas.paper, PAPERS[rules.atlas.paper])
    for file in (once["text.docx"], once["tables.xlsx"]):
        yield from _office(root, file)
    if (root / once["vectors.gdb"]).exists():
        yield from check_geodatabase(root, once["vectors.gdb"], rules)


def _entries(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir() if not SYSTEM.fullmatch(entry.name)}


def _strange(pattern: str) -> Message:
    return Message("deliver.strange_file", pattern=pattern)


def _others(root: Path, rules: Rules, folder: str, known: set[Path]) -> Iterator[Breach]:
    """Yield the files of a folder that have another name than the rules give."""
    sheet, is_atlas = rules.fill(rules.files.sheet), folder == rules.fill(rules.folders.atlas)
    looks = like(sheet, number="[0-9]{2,}")
    for name in sorted(_entries(root / folder)):
        file = Path(folder, name)
        if file in known or (is_atlas and file.suffix == SHEET and looks.fullmatch(file.stem)):
            continue
        names = [each.name for each in known] + ([f"{sheet}{SHEET}"] if is_atlas else [])
        yield Breach(file, _strange(", ".join(sorted(names))))


def _sheets(root: Path, rules: Rules, folder: str) -> Iterator[Breach]:
    """Check the numbers of the sheets, and each picture."""
    looks = like(rules.fill(rules.files.sheet), number="(?P<number>[0-9]{2,})")
    names = [name for name in sorted(_entries(root / folder)) if name.endswith(SHEET)]
    found = [(name, match) for name in names if (match := looks.fullmatch(name.removesuffix(SHEET)))]
    if not found and rules.sheet:
        yield Breach(PurePath(folder), Message("deliver.no_sheets"))
    for asked, (name, match) in enumerate(found, start=1):
        number = match.groupdict().get("number")
        if number is not None and int(number) != asked:
            yield Breach(PurePath(folder, name), Message("deliver.number", asked=f"{asked:02}", found=number))
        yield from _picture(root, PurePath(folder, name), rules)


def _picture(root: Path, file: PurePath, rules: Rules) -> Iterator[Breach]:
    from PIL import Image

    try:
        with Image.open(root / file) as picture:
            picture.load()
            kind, dpi, pixels = picture.format, picture.info.get("dpi", (0.0, 0.0)), picture.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as fault:
        yield Breach(file, Message("deliver.broken", why=str(fault)))
        return
    if kind != "JPEG":
        yield Breach(file, Message("deliver.empty_file", kind="JPG"))
    least = float(min(dpi))
    if least < rules.atlas.dpi - 0.5:
        yield Breach(file, Message("deliver.resolution", dpi=least, least=rules.atlas.dpi))
    if least > 0:
        size = pixels[0] / float(dpi[0]), pixels[1] / float(dpi[1])
        yield from _size(file, rules.atlas.paper, PAPERS[rules.atlas.paper], size)


def _size(file: PurePath, paper: str, asked: tuple[float, float], found: tuple[float, float]) -> Iterator[Breach]:
    """Compare two sizes in inches."""
    (wide, high), (width, height) = ((1000 * INCH * across, 1000 * INCH * along) for across, along in (asked, found))
    if max(abs(wide - width), abs(high - height)) > SLACK:
        facts = {"width": width, "height": height, "wide": wide, "high": high}
        yield Breach(file, Message("deliver.size", paper=paper, **facts))


def _pdf(root: Path, file: Path, paper: str, asked: tuple[float, float]) -> Iterator[Breach]:
    """Check that a file is a PDF with pages of a size, as far as they can be read without a reader of PDF."""
    if not (root / file).is_file():
        return
    data = (root / file).read_bytes()
    if not data.startswith(b"%PDF-") or b"%%EOF" not in data[-1024:]:
        yield Breach(file, Message("deliver.empty_file", kind="PDF"))
        return
    for box in sorted({tuple(map(float, found)) for found in BOX.findall(data)}):
        found = (box[2] - box[0]) / POINTS, (box[3] - box[1]) / POINTS
        yield from _size(file, paper, asked, found)


def _office(root: Path, file: Path) -> Iterator[Breach]:
    if not (root / file).is_file():
        return
    try:
        with zipfile.ZipFile(root / file) as inside:
            fine = PARTS[file.suffix] in inside.namelist() and inside.testzip() is None
    except (zipfile.BadZipFile, OSError):
        fine = False
    if not fine:
        yield Breach(file, Message("deliver.empty_file", kind=file.suffix))
