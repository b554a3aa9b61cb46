"""The text of a Shapefile: its code page, and names and cells cut inside a character."""

from __future__ import annotations

import codecs
import logging
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from siting.data.code_pages import Decode, page_called, ranked_pages, required_page
from siting.data.heading_spelling import NAME_BYTES
from siting.errors import LayerError
from siting.messages import Message

logger = logging.getLogger(__name__)

#: The encoding that passes bytes through GDAL unchanged.
BYTES = "ISO-8859-1"
#: From how many bytes on a name may have been cut inside a character: it holds 10, a character 2 to 4.
CUT = 7
#: Code pages that the table itself may name in its byte 29; others are not relied on.
_MARKS = {0x4D: "gb18030", 0x7A: "gb18030", 0x4F: "big5", 0x78: "big5"}
#: What programs put behind a name that two columns had after they were cut.
_NUMBER = re.compile(rb"_\d{1,2}$")


class _Texts(NamedTuple):
    """The texts of a column: distinct ones, the position of each row's, and how many bytes a cell holds."""

    codes: Any
    distinct: list[Any]
    width: int


def decoded(frame: Any, file: Path, encoding: str | None, layer: str) -> Any:
    """Return *frame*, whose names and texts hold bytes as `BYTES`, as text; half a character at an end is left out.

    The code page is *encoding*, else the one that the content is in, for which the .cpg and the table are a hint.
    """
    names = [name for name in frame.columns if name != frame.active_geometry_name]
    found = _columns_of_text(frame, names, _widths(file, len(names)))
    if encoding is not None:
        pages, note = [required_page(encoding, layer)], None
    else:
        named, note = _named(file)
        pages = ranked_pages(_samples(names, found), named)
        note = None if named and pages[0] == named else note
    wrong = ""
    for page in pages:
        try:
            out, cut = _decoded(frame, names, found, page)
        except UnicodeDecodeError as fault:
            wrong = wrong or fault.object[:40].decode(page, "replace")
            continue
        if note:
            level = logging.INFO if note.code == "reading.no_cpg" else logging.WARNING
            said = Message("reading.read_as", note=note, page=page.upper())
            if text := _example(out):
                said = Message("reading.read_as_such", text=text, **said.values)
            logger.log(level, said.within(layer))
        pairs = zip(names, out.columns, strict=False)
        if full := [new for old, new in pairs if not new.isascii() and len(old) >= NAME_BYTES]:
            logger.warning(Message("reading.names_cut", most=NAME_BYTES, names=full).within(layer))
        if cut:
            logger.warning(Message("reading.texts_cut", texts=cut).within(layer))
        return out
    if wrong:
        raise LayerError(layer, Message("reading.not_in_pages_such", pages=pages, text=wrong))
    raise LayerError(layer, Message("reading.not_in_pages", pages=pages))


def sidecar(file: Path, suffix: str) -> Path | None:
    """Return the file next to a Shapefile, if any."""
    paths = (file.with_suffix(end) for end in (suffix, suffix.upper()))
    return next((path for path in paths if path.is_file()), None)


def _named(file: Path) -> tuple[str | None, Message]:
    """Return the code page that the .cpg names, else the table, and how it is named."""
    cpg = sidecar(file, ".cpg")
    word = cpg.read_bytes()[:64].decode("ascii", "replace").strip("\ufeff\ufffd \t\r\n\x00") if cpg else ""
    table = _table(file)
    if page := page_called(word):
        return page, Message("reading.cpg_wrong", word=word)
    if page := _MARKS.get(table[29] if len(table) > 29 else 0):
        return page, Message("reading.dbf_wrong", page=page.upper())
    return None, Message("reading.cpg_unknown", word=word) if cpg else Message("reading.no_cpg")


def _example(frame: Any) -> str:
    """Return the first text that is not ASCII, for a message."""
    for name, column in frame.items():
        if pd.api.types.is_object_dtype(column.dtype) or isinstance(column.dtype, pd.StringDtype):
            for text in (name, *column.unique()):
                if isinstance(text, str) and not text.isascii():
                    return text
    return ""


def _columns_of_text(frame: Any, names: list[str], widths: list[int]) -> dict[str, _Texts]:
    found = {}
    for name, width in zip(names, widths, strict=True):
        column = frame[name]
        if pd.api.types.is_object_dtype(column.dtype) or pd.api.types.is_string_dtype(column.dtype):
            codes, distinct = pd.factorize(column)
            found[name] = _Texts(codes, list(distinct), width)
    return found


def _samples(names: list[str], found: Mapping[str, _Texts]) -> list[Decode]:
    """Return how each name and text that is not ASCII is decoded."""
    texts: list[Decode] = [partial(_name, name.encode(BYTES)) for name in names if not name.isascii()]
    for _, distinct, width in found.values():
        wide = (text.encode(BYTES) for text in distinct if isinstance(text, str) and not text.isascii())
        texts += [partial(_text, raw, width=width) for raw in wide]
    return texts


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


def _decoded(frame: Any, names: list[str], found: Mapping[str, _Texts], page: str) -> tuple[Any, list[str]]:
    """Read names and texts in one code page; return the texts that lost their last character, too."""
    cut: list[str] = []
    out = frame.copy()
    for name, (codes, distinct, width) in found.items():
        read = list(distinct)
        for at, old in enumerate(read):
            if isinstance(old, str) and not old.isascii():
                raw = old.encode(BYTES)
                read[at] = _text(raw, page, width)
                if len(raw) >= width > 0 and len(read[at].encode(page)) < len(raw):
                    cut.append(read[at])
        texts = pd.Index([*read, None], dtype=object).take(codes)
        out[name] = pd.Series(texts, index=frame.index).astype(frame[name].dtype)
    return out.rename(columns={name: _name(name.encode(BYTES), page) for name in names}), cut


def _name(raw: bytes, page: str) -> str:
    """Decode a name, which may be cut inside a character, also before a number that tells it from another."""
    number = _NUMBER.search(raw)
    try:
        return _text(raw, page, CUT)
    except UnicodeDecodeError:
        if number is None:
            raise
        return _text(raw[: number.start()], page, 1) + number.group().decode("ascii")


def _text(raw: bytes, page: str, width: int) -> str:
    """Decode *raw*; if it fills all bytes, half a character at its end is left out."""
    if not 0 < width <= len(raw):
        return raw.decode(page)
    return codecs.getincrementaldecoder(page)().decode(raw, final=False)
