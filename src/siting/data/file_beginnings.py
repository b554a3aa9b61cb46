"""How files of each kind begin, so that a name cannot select another reader."""

from __future__ import annotations

import re
from collections.abc import Callable

#: Whether the first bytes of a file are those of its kind.
Begins = Callable[[bytes], bool]

_MARKS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8"))
#: What may stand before the root of an XML file; a document type may not, because it can name other files.
_BEFORE_ROOT = r"\s*(?:<\?.*?\?>\s*|<!--.*?-->\s*)*<(?:[\w.-]+:)?"


def anything(head: bytes) -> bool:  # noqa: ARG001  # a folder has no first bytes
    """Whether the file may be of the kind."""
    return True


def plain_text(head: bytes) -> bool:
    """Whether the file may be a table of text, which has no first bytes of its own."""
    return not head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"SQLite format 3\0", b"%PDF-"))


def signature(mark: bytes, at: int = 0) -> Begins:
    """Return a check for the bytes *mark* at a position."""
    return lambda head: head[at : at + len(mark)] == mark


def word(pattern: str) -> Begins:
    """Return a check for a file of text that begins with a pattern, regardless of case and white space."""
    beginning = re.compile(rf"\s*{pattern}", re.IGNORECASE)
    return lambda head: beginning.match(_text(head)) is not None


def xml_root(name: str) -> Begins:
    """Return a check for an XML file whose root is called *name*."""
    root = re.compile(rf"{_BEFORE_ROOT}{name}[\s>/]", re.DOTALL)
    return lambda head: root.match(_text(head)) is not None


def _text(head: bytes) -> str:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return head[len(mark) :].decode(encoding, "replace")
    return head.decode("latin-1")
