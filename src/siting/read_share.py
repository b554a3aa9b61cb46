"""Reading a share from a number or a text in percent."""

from __future__ import annotations

import re
from numbers import Real

from siting.errors import SitingError
from siting.messages import Message

__all__ = ["PERCENT", "share_from"]

PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*[%％]\s*")


def share_from(given: object, what: str | Message, error: type[SitingError] = SitingError) -> float:
    """Read a share above 0 and at most 1: 0.9, ``"90 %"``, ``"90%"`` and ``"90 ％"`` are the same.

    *error* is raised for 90, which is not a share, and for ``"0.9 %"``, a likely error; its message begins with *what*
    and shows the correct form.

    Examples
    --------
    >>> share_from("90 %", "share"), share_from(0.9, "share")
    (0.9, 0.9)
    >>> share_from(90, "share")
    Traceback (most recent call last):
    siting.errors.SitingError: share is 90; give a share above 0 and at most 1: 90 % is 0.9 or "90 %"
    """
    meant: float | None = None
    if isinstance(given, str):
        percent = PERCENT.fullmatch(given)
        if percent and 1 <= float(percent[1]) <= 100:
            return float(percent[1]) / 100
        if percent and 0 < float(percent[1]) < 1:
            meant = 100 * float(percent[1])
    elif isinstance(given, Real) and not isinstance(given, bool):
        number = float(given)
        if 0 < number <= 1:
            return number
        if 1 < number <= 100:
            meant = number
    if meant is None:
        raise error(Message("share.wrong", what=what, value=given))
    raise error(Message("share.percent", what=what, value=given, percent=meant, share=meant / 100))
