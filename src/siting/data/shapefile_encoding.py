"""The text of a Shapefile: its code page, and names and cells cut inside a character."""

from __future__ import annotations

import codecs
import logging
from pathlib import Path
from typing import Any

import pandas as pd

from siting.data.heading_spelling import NAME_BYTES
from siting.errors import LayerError, some

logger = logging.getLogger(__name__)

#: The encoding that passes bytes through GDAL unchanged.
BYTES = "ISO-8859-1"
#: From how many bytes on a name may have been cut inside a character: it holds 10, a character 2 to 4.
CUT = 7
#: Code pages that the table itself may name in its byte 29; others are not relied on.
_MARKS = {0x4D: "gb18030", 0x7A: "gb18030", 0x4F: "big5", 0x78: "big5"}
#: Code pages as a .cpg may write them, where Python has another word.
_PAGES = {"936": "gb18030", "gb2312": "gb18030", "gbk": "gb18030", "54936": "gb18030", "950": "big5", "65001": "utf-8",
          "1252": "cp1252", "88591": "iso-8859-1"}  # fmt: skip
_PREFIXES = ("", "ansi", "windows", "cp", "oem", "iso")


def decoded(frame: Any, file: Path, encoding: str | None, layer: str) -> Any:
    """Return *frame*, whose names and texts hold bytes as `BYTES`, as text; half a character at an end is left out."""
    pages, note = _pages(file, encoding, layer)
    names = [name for name in frame.columns if name != frame.active_geometry_name]
    widths = _widths(file, len(names))
    wrong = ""
    for page in pages:
        try:
            out, cut = _decoded(frame, names, widths, page)
        except UnicodeDecodeError as fault:
            wrong = wrong or f", such as {fault.object[:40].decode(page, 'replace')!r}"
            continue
        if note:
            level = logging.WARNING if "says" in note else logging.INFO
            logger.log(level, "%s: %s; its text was read as %s", layer, note, page)
        pairs = zip(names, out.columns, strict=False)
        if full := [new for old, new in pairs if not new.isascii() and len(old) >= NAME_BYTES]:
            logger.warning(
                "%s: names fill the %d bytes of a Shapefile and may have been cut: %s", layer, NAME_BYTES, some(full)
            )
        if cut:
            logger.warning("%s: texts were cut inside a character, which is left out: %s", layer, some(cut))
        return out
    raise LayerError(layer, f"its text is not {' or '.join(pages)}{wrong}; say which it is with encoding=")


def sidecar(file: Path, suffix: str) -> Path | None:
    """Return the file next to a Shapefile, if any."""
    paths = (file.with_suffix(end) for end in (suffix, suffix.upper()))
    return next((path for path in paths if path.is_file()), None)


def _pages(file: Path, encoding: str | None, layer: str) -> tuple[list[str], str]:
    """Return the code pages to try (the one given, else of the .cpg, else of the table), and a note on the choice."""
    if encoding is not None:
        if page := _page(encoding):
            return [page], ""
        raise LayerError(layer, f'encoding="{encoding}" is not known; try "gb18030" or "utf-8"')
    cpg = sidecar(file, ".cpg")
    word = cpg.read_bytes()[:64].decode("ascii", "replace").strip() if cpg else ""
    table = _table(file)
    if page := _page(word) or _MARKS.get(table[29] if len(table) > 29 else 0):
        return [page], ""
    return ["UTF-8", "GB18030"], f'its .cpg says "{word}", which is no code page' if cpg else "has no .cpg"


def _page(word: str) -> str | None:
    """Return the code page that a word names, as Python calls it."""
    key = "".join(word.casefold().replace("-", "").replace("_", "").split())
    for prefix in _PREFIXES:
        if page := _PAGES.get(key.removeprefix(prefix)):
            return page
    try:
        return codecs.lookup(word).name if word.strip() else None
    except LookupError:
        return None


def _table(file: Path) -> bytes:
    """Return the head of the .dbf: at most 255 columns of 32 bytes each."""
    table = sidecar(file, ".dbf")
    if table is None:
        return b""
    with table.open("rb") as handle:
        return handle.read(32 * 257)


def _widths(file: Path, columns: int) -> list[int]:
    """Return how many bytes a cell of each column holds; 0 where that is not known."""
    table, widths = _table(file), []
    for start in range(32, len(table) - 31, 32):
        if table[start] == 0x0D:
            break
        widths.append(table[start + 16])
    return widths if len(widths) == columns else [0] * columns


def _decoded(frame: Any, names: list[str], widths: list[int], page: str) -> tuple[Any, list[str]]:
    """Read names and texts in one code page; return the texts that lost their last character, too."""
    cut: list[str] = []
    out = frame.copy()
    for name, width in zip(names, widths, strict=True):
        column = frame[name]
        if not (pd.api.types.is_object_dtype(column.dtype) or pd.api.types.is_string_dtype(column.dtype)):
            continue
        codes, distinct = pd.factorize(column)
        read = list(distinct)
        for at, old in enumerate(read):
            if isinstance(old, str) and not old.isascii():
                raw = old.encode(BYTES)
                read[at] = _text(raw, page, width)
                if len(raw) >= width > 0 and len(read[at].encode(page)) < len(raw):
                    cut.append(read[at])
        texts = pd.Index([*read, None], dtype=object).take(codes)
        out[name] = pd.Series(texts, index=column.index).astype(column.dtype)
    return out.rename(columns={name: _text(name.encode(BYTES), page, CUT) for name in names}), cut


def _text(raw: bytes, page: str, width: int) -> str:
    """Decode *raw*; if it fills all bytes, half a character at its end is left out."""
    if not 0 < width <= len(raw):
        return raw.decode(page)
    return codecs.getincrementaldecoder(page)().decode(raw, final=False)
