"""Chinese text that a program read in the wrong code page and stored so, as "ÐÇ¹â" for 星光 or "æ˜Ÿå…‰".

Such a text is found by its way back: written in the code page it was read in, its bytes are text in the right one, and
that text is of common characters where the stored one is not. Genuine text has no such way back.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from siting.data.code_pages import COMMON, common_share
from siting.messages import Message

__all__ = ["mend_mojibake", "mended_choice", "mended_text"]

logger = logging.getLogger(__name__)

#: What stands at the end of a text of which the last bytes were no character.
_LOST = re.compile("[?\ufffd]$")
#: The signs of cp1252 between 80 and 9F.
_SIGNS = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
#: Western text has no four such letters in a row.
_RUN = re.compile(f"[\u0080-\u00ff{_SIGNS}]{{4}}")


def mend_mojibake(frame: Any, layer: str) -> Any:
    """Return *frame* with names and texts that were read in the wrong code page mended, each change logged."""
    mended: dict[str, str] = {}
    names = {name: _once(name, mended) for name in frame.columns if isinstance(name, str)}
    out = frame.rename(columns={old: new for old, new in names.items() if old != new})
    for at, (_, column) in enumerate(out.items()):
        if (texts := _mended_column(column, mended)) is not None:
            out = out.copy(deep=False) if out is frame else out
            out.isetitem(at, texts)
    if isinstance(frame.index.dtype, pd.StringDtype) or frame.index.dtype == object:
        ids = _mended_column(frame.index.to_series(), mended)
        out = out if ids is None else out.set_axis(pd.Index(ids, name=frame.index.name), axis=0)
    if mended:
        pairs = [Message("data.mended_text", old=old, new=new) for old, new in mended.items()]
        logger.warning(Message("data.mended_texts", n=len(mended), texts=pairs).within(layer))
    return out


def mended_choice(chosen: Mapping[str, str], columns: Any) -> dict[str, str]:
    """Return canonical name → heading, where a heading may be given as the file has it, before it was mended."""
    return {name: head if head in columns else mended_text(head) or head for name, head in chosen.items()}


def mended_text(text: str) -> str | None:
    """Return what *text* was before it was read in the wrong code page; None for genuine text.

    Examples
    --------
    >>> mended_text("ÐÇ¹â"), mended_text("åŒºå¿—"), mended_text("Müller"), mended_text("杭州")
    ('星光', '区志', None, None)
    """
    if text.isascii():
        return None
    return _western(text) or _of_utf8(text)


def _western(text: str) -> str | None:
    """Mend Chinese that was read as Latin-1 or cp1252."""
    raw = _western_bytes(text)
    if raw is None or not _RUN.search(text):
        return None
    for page, least in (("utf-8", 0.0), ("gbk", 0.6)):  # 白垟村 has two common characters of three
        try:
            read = raw.decode(page)
        except UnicodeDecodeError:
            continue
        letters, share = common_share([read])
        wide = sum(sign > "\u2e7f" for sign in read)
        if letters >= 2 and share >= least and wide >= 2 and read.encode(page) == raw:
            return read
    return None


def _western_bytes(text: str) -> bytes | None:
    """Return the bytes of a text of Western letters; cp1252 leaves five bytes as they are."""
    raw = bytearray()
    for sign in text:
        if ord(sign) < 0x100:
            raw.append(ord(sign))
        elif sign in _SIGNS:
            raw += sign.encode("cp1252")
        else:
            return None
    return bytes(raw)


def _of_utf8(text: str) -> str | None:
    """Mend UTF-8 that was read as GBK; of an odd number of bytes the last character may be lost."""
    whole = _LOST.sub("", text)
    try:
        raw = whole.encode("gb18030")
        read = raw.decode("utf-8")
    except UnicodeEncodeError:
        return None
    except UnicodeDecodeError as fault:
        if whole == text or fault.reason != "unexpected end of data":
            return None
        read = raw[: fault.start].decode("utf-8")
    before, after = common_share([whole]), common_share([read])
    likely = after[0] >= 2 and after[1] >= COMMON and after[1] > before[1] and read > "" and _is_chinese(read)
    return read if likely else None


def _is_chinese(text: str) -> bool:
    return all(sign.isascii() or sign > "\u2000" for sign in text)


def _once(text: str, mended: dict[str, str]) -> str:
    new = mended_text(text)
    if new is None:
        return text
    mended[text] = new
    return new


def _mended_column(column: Any, mended: dict[str, str]) -> Any:
    """Return a column with its garbled texts mended; None where it has none."""
    if not (pd.api.types.is_object_dtype(column.dtype) or isinstance(column.dtype, pd.StringDtype)):
        return None
    suspects = _suspects(column)
    known = {text: new for text in suspects if (new := mended_text(text)) is not None}
    if not known:
        return None
    mended |= known
    texts = [known.get(cell, cell) if isinstance(cell, str) else cell for cell in column.astype(object)]
    return pd.Series(texts, index=column.index, dtype=object).astype(column.dtype)


def _suspects(column: Any) -> list[str]:
    """Return the distinct texts whose first character that is not ASCII may be half of another."""
    try:
        cells = _texts_alone(column)
        found = pc.unique(pc.filter(cells, pc.match_substring_regex(cells, _pattern())))
    except (pa.ArrowException, UnicodeError):  # half a character, which no file can hold
        return []
    return [text for text in found.to_pylist() if text is not None]


def _texts_alone(column: Any) -> Any:
    """Return the texts of a column in Arrow, other cells as missing."""
    if isinstance(column.dtype, pd.StringDtype):
        return pa.array(column.array)
    values = column.to_numpy(dtype=object)
    try:
        return pa.array(values, type=pa.large_string(), from_pandas=True)
    except pa.ArrowException:
        return pa.array([cell if isinstance(cell, str) else None for cell in values], type=pa.large_string())


@cache
def _pattern() -> str:
    """Return the pattern of texts that may be garbled: Western letters in a row, or a rare character in front.

    A character of UTF-8 begins with a byte from E2 to E9; read as GBK, this and the next byte are one character.
    """
    pairs = (
        bytes([lead, trail]).decode("gb18030", "ignore") for lead in range(0xE2, 0xF0) for trail in range(0x80, 0xC0)
    )
    rare = "".join(sorted({sign for sign in pairs if len(sign) == 1}))
    western = f"[\\x{{80}}-\\x{{FF}}{_SIGNS}]{{4}}"
    return f"{western}|^[\\x00-\\x7F]*[{rare}]"
