"""Texts that are safe in a page, and their width in a figure."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["clean", "text_width", "wrap"]

# Characters that no page can hold (controls, halves of pairs) or that turn the reading order of what follows.
UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def clean(text: object) -> str:
    r"""Return *text* with invalid characters shown as U+FFFD.

    Examples
    --------
    >>> clean("a\x07b")
    'a�b'
    """
    return UNFIT.sub("\ufffd", str(text))


def text_width(text: str, size: float) -> float:
    """Estimate the width of *text* in inches at *size* points, independent of installed fonts.

    Chinese characters are square; others are taken as 0.56 of that, a little more than the mean of sans-serif faces.

    Examples
    --------
    >>> text_width("托育", 72)
    2.0
    """
    ems = sum(1.0 if unicodedata.east_asian_width(char) in "WF" else 0.56 for char in text)
    return ems * size / 72


def wrap(text: str, size: float, width: float) -> list[str]:
    """Break *text* into lines of at most *width* inches at *size* points: at spaces, or between Chinese characters.

    Examples
    --------
    >>> wrap("one two three", 72, 4.5)
    ['one two', 'three']
    >>> wrap("托育（两条）", 72, 5)
    ['托育（两', '条）']
    """
    pieces = re.findall(r"[\u2e80-\u9fff\uff00-\uffef][、。，；：）】》]*|\s+|[^\s\u2e80-\u9fff\uff00-\uffef]+", text)
    lines = [""]
    for piece in pieces:
        if lines[-1].strip() and text_width((lines[-1] + piece).rstrip(), size) > width:
            lines.append("")
        lines[-1] += piece
    return [line.strip() for line in lines if line.strip()]
