"""Walkers as they stand in a study file: a word, a speed, or a table with the keys of `Walk`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from siting.errors import SitingError
from siting.messages import Message
from siting.network import Walk, careful, tobler
from siting.network.walking_speed import speed_from
from siting.study.fields import Flag, Number, Text

__all__ = ["OfService", "Walker", "walk_from"]

WALKS = {"adult": Walk.adult, "elder": Walk.elder, "carer": Walk.carer}
SLOPES = {"tobler": tobler, "careful": careful}


class Walker(BaseModel):
    """A walker: the keys of `Walk`. `who` may be one of the walkers by name, whose other values are changed."""

    model_config = ConfigDict(extra="forbid")

    speed: Number | Text | None = None
    who: Text | None = None
    slope: Literal["tobler", "careful"] | Flag | None = None
    stairs: Flag | None = None


def walk_from(given: str | float | Walker, usual: Walk, service: str) -> Walk:
    """Return the walker of a service; *usual* is the one without a word about it.

    Raises
    ------
    SitingError
        When it is no walker, or its speed no walking speed.

    Examples
    --------
    >>> walk_from("3.6 km/h", Walk.elder(), "eldercare")
    <Walk: eldercare, 60 m/min, slope: careful>
    >>> walk_from(Walker(who="elder", stairs=False), Walk.adult(), "culture")
    <Walk: elder, 55 m/min, slope: careful, no stairs>
    """
    if not isinstance(given, Walker):
        return _of_word(given) or replace(usual, speed=_speed(given), who=service)
    walk = WALKS[given.who]() if given.who in WALKS else replace(usual, who=given.who or service)
    changed: dict[str, Any] = {} if given.stairs is None else {"stairs": given.stairs}
    if given.speed is not None:
        changed |= {"speed": _speed(given.speed), "who": given.who or service}
    if given.slope is False:
        changed["slope"] = None
    elif isinstance(given.slope, str):
        changed["slope"] = SLOPES[given.slope]
    return replace(walk, **changed)


def _of_word(given: str | float) -> Walk | None:
    if not isinstance(given, str) or any(sign.isdigit() for sign in given):
        return None
    if given not in WALKS:
        raise SitingError(Message("study.walker", what="", value=given, choices=list(WALKS)))
    return WALKS[given]()


def _speed(given: str | float) -> float:
    return speed_from(given) if isinstance(given, str) else float(given)


def _checked(given: str | float | Walker) -> str | float | Walker:
    walk_from(given, Walk.adult(), "")
    return given


#: What stands behind a service in the table [walk].
OfService = Annotated[Number | Text | Walker, AfterValidator(_checked)]
