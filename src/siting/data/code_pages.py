"""Code pages of Chinese text: what their names mean, and which of them given bytes are written in.

A file may name the wrong code page, or none. Text in UTF-8 is recognised by its form alone: bytes of another code page
are hardly ever valid. GB18030 and Big5 accept nearly all bytes, so that the one is taken that yields common characters:
those of the first level of GB 2312-80 (3,755) and of Big5 (5,401), of which ordinary text consists nearly throughout.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import TypeAlias

from siting.errors import LayerError
from siting.messages import Message

Decode: TypeAlias = Callable[[str], str]

__all__ = ["Decode", "common_share", "page_called", "ranked_pages", "required_page"]

#: Code pages as files write them, where Python has another word.
_PAGES = {"936": "gb18030", "gb2312": "gb18030", "gbk": "gb18030", "54936": "gb18030", "950": "big5", "65001": "utf-8",
          "1252": "cp1252", "88591": "iso8859-1", "latin1": "iso8859-1"}  # fmt: skip
_PREFIXES = ("", "ansi", "windows", "cp", "oem", "iso")
#: Words that mean the code page of whatever machine reads the file.
_OF_MACHINE = ("oem", "ansi", "mbcs", "dbcs", "system", "locale", "default")
#: Code pages in which all bytes are text, so that reading them proves nothing.
_WESTERN = ("iso8859-1", "iso8859-15", "cp1252", "cp437", "cp850", "ascii", "mac-roman")
#: A letter with an accent inside a word.
_LATIN_WORD = re.compile("[A-Za-z][\u00c0-\u024f]|[\u00c0-\u024f][A-Za-z]")
#: From which share of common characters on text is in a code page, and by how much more than in the one named.
COMMON, MORE = 0.7, 0.2


def page_called(word: str) -> str | None:
    """Return the code page that a word names, as Python calls it; None where it names none.

    Examples
    --------
    >>> page_called("ANSI 936"), page_called("CP65001"), page_called("OEM")
    ('gb18030', 'utf-8', None)
    """
    key = "".join(word.casefold().replace("-", "").replace("_", "").split())
    if not key or key in _OF_MACHINE:
        return None
    for prefix in _PREFIXES:
        if page := _PAGES.get(key.removeprefix(prefix)):
            return page
    try:
        name = codecs.lookup(word).name
        _ = codecs.getincrementaldecoder(name), b"ab".decode(name)
    except UnicodeDecodeError:  # of more bytes a character
        return name
    except (LookupError, ValueError):  # none, or none of text, such as "hex"
        return None
    return name


def required_page(encoding: str, layer: str) -> str:
    """Return the code page that a user names; refuse an unknown one."""
    if (page := page_called(encoding)) is None:
        raise LayerError(layer, Message("reading.encoding", encoding=encoding))
    return page


def ranked_pages(texts: Sequence[Decode], named: str | None) -> list[str]:
    """Order the code pages that *texts* may be in, the best first: the one *named*, unless the texts are in another.

    Each text is a function that decodes it in a code page, or raises `UnicodeDecodeError`.

    Examples
    --------
    >>> ranked_pages(["镇海区".encode("gb18030").decode], "utf-8")
    ['gb18030', 'utf-8', 'big5']
    """
    order = [page for page in (named, "utf-8", "gb18030", "big5") if page]
    shares = {page: _share_in(page, texts) for page in dict.fromkeys(order)}
    utf8 = shares["utf-8"] is not None and _is_utf8(texts, named, shares["gb18030"])
    best = "utf-8" if utf8 else _best(shares, named)
    return list(dict.fromkeys([best, *order]))


def common_share(texts: Iterable[str], page: str = "gb18030") -> tuple[int, float]:
    """Count the letters of *texts* that are not ASCII, and return the share of common ones among them."""
    common, known = _common(page), _common("big5")
    letters, points = 0, 0.0
    for text in texts:
        for sign in text:
            if sign.isascii() or unicodedata.category(sign)[0] in "PZSN":
                continue
            letters += 1
            # Traditional characters are less usual in GB18030, but not rare.
            points += 1.0 if sign in common else 0.5 if sign in known else 0.0
    return letters, points / letters if letters else 0.0


def _share_in(page: str, texts: Sequence[Decode]) -> tuple[int, float] | None:
    try:
        decoded = [text(page) for text in texts]
    except (UnicodeDecodeError, LookupError):
        return None
    return common_share(decoded, page)


def _is_utf8(texts: Sequence[Decode], named: str | None, share: tuple[int, float] | None) -> bool:
    """Whether texts that are valid UTF-8 are in it; *share*: of common characters in GB18030.

    Characters of three bytes prove it. Of two bytes, as é, a pair may be one Chinese character: 女 alone is "Ů".
    """
    read = [text("utf-8") for text in texts]
    wide = sum(sign > "\u07ff" for text in read for sign in text)
    if named in ("gb18030", "big5"):
        return wide >= 2
    chinese = share is not None and share[0] > 0 and share[1] >= COMMON
    return wide > 0 or not chinese or common_share(read)[0] == 0 or any(_LATIN_WORD.search(text) for text in read)


def _best(shares: dict[str, tuple[int, float] | None], named: str | None) -> str:
    """Return the named code page, unless it cannot be or another yields clearly more common characters."""
    chinese = [page for page in ("gb18030", "big5") if shares[page] is not None]
    counts = {page: share for page, share in shares.items() if share is not None}
    best = max(chinese, key=lambda page: counts[page][1] - (MORE if page == "big5" else 0), default=None)
    start = named if named in counts and named != "utf-8" else "gb18030" if "gb18030" in counts else None
    if best is None or start is None:
        return start or best or named or "utf-8"
    letters, share = counts[best]
    before = 0.0 if start in _WESTERN else counts[start][1]
    if start not in (*_WESTERN, *chinese):
        return start  # of another script: what is valid is believed
    return best if letters >= 2 and share >= max(COMMON, before + MORE) else start


@cache
def _common(page: str) -> frozenset[str]:
    """Return the common characters of a code page."""
    leads, trails = (range(0xA4, 0xC7), (*range(0x40, 0x7F), *range(0xA1, 0xFF))) if page == "big5" else (
        range(0xB0, 0xD8), range(0xA1, 0xFF))  # fmt: skip
    name = "big5" if page == "big5" else "gb2312"
    signs = (bytes([lead, trail]).decode(name, "ignore") for lead in leads for trail in trails)
    return frozenset(sign for sign in signs if sign)
