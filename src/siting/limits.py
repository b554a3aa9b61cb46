"""Limits in metres and minutes, and what looks like kilometres or hours."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Real
from typing import TypeGuard

from siting.errors import ProblemError, SitingError
from siting.messages import Message

__all__ = ["metres_of", "minutes_of", "refuse_other_unit", "usual_limit"]

#: The shortest and longest distance along streets, m, and time on foot, min, that a person means.
SHORTEST, LONGEST = 10.0, 1_000_000.0
BRIEFEST, LENGTHIEST = 0.5, 600.0
#: Of each unit the least that a person means, and what else may have been meant.
UNITS = {"m": (SHORTEST, Message("limit.give_metres")), "min": (BRIEFEST, Message("limit.give_minutes"))}
#: From so many of the shortest on, the costs of a table are not kilometres or hours themselves.
USUAL = 10.0


def metres_of(
    value: object,
    what: str | Message,
    *,
    least: float = SHORTEST,
    endless: bool = False,
    error: type[SitingError] = ProblemError,
) -> float:
    """Return a distance in metres; refuse one that is no number, not above *least*, or too long.

    Parameters
    ----------
    value
        The distance; infinite only if *endless*.
    what
        Its name, for the message.
    least
        The shortest that is meant.
    error
        The error to raise.

    Examples
    --------
    >>> metres_of(500, "max_snap")
    500.0
    >>> metres_of(0.5, "max_snap")
    Traceback (most recent call last):
    siting.errors.ProblemError: max_snap is 0.5; give metres from 10 to 1,000,000 (half a kilometre is 500)
    """
    if endless and value == math.inf:
        return math.inf
    if not _is_number(value) or not least <= float(value) <= LONGEST:
        raise error(Message("limit.metres", what=what, value=value, least=least))
    return float(value)


def minutes_of(value: object, what: str | Message, *, error: type[SitingError] = ProblemError) -> float:
    """Return a time in minutes; refuse one that is no number, under half a minute, or above ten hours.

    Examples
    --------
    >>> minutes_of(0.25, "minutes")
    Traceback (most recent call last):
    siting.errors.ProblemError: minutes is 0.25; give minutes from 0.5 to 600 (a quarter of an hour is 15)
    """
    if not _is_number(value) or not BRIEFEST <= float(value) <= LENGTHIEST:
        raise error(Message("limit.minutes", what=what, value=value))
    return float(value)


def usual_limit(value: object, unit: str, reached: float, what: str | Message = "limit") -> float:
    """Return a limit on costs that are known up to *reached*, in their *unit*; 0 is allowed, as being on the spot.

    Raises
    ------
    ProblemError
        When it is no number, negative, or looks like kilometres or hours beside the costs.

    Examples
    --------
    >>> usual_limit(0.5, "m", reached=800)
    Traceback (most recent call last):
    siting.errors.ProblemError: limit is 0.5 m, and costs reach up to 800 m; give metres (half a kilometre is 500)
    """
    if not _is_number(value) or not float(value) >= 0:
        raise ProblemError(Message("limit.below_zero", what=what, value=value, unit=unit))
    limit = float(value)
    refuse_other_unit([limit], unit, reached, what)
    return limit


def refuse_other_unit(limits: Iterable[float], unit: str, reached: float, what: str | Message) -> None:
    """Refuse limits above 0 that look like kilometres or hours, where costs are known up to *reached* in *unit*."""
    if unit not in UNITS:  # one of the user's own, of which nothing is known
        return
    least, mend = UNITS[unit]
    if reached < USUAL * least:
        return
    for limit in limits:
        if 0 < limit < least:
            far = Message("limit.anywhere") if math.isinf(reached) else f"{reached:g} {unit}"
            raise ProblemError(Message("limit.other_unit", what=what, limit=limit, unit=unit, far=far, mend=mend))


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool) and not math.isnan(value)
