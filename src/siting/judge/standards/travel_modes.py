"""How minutes are travelled: on foot, by bicycle or by car, and how fast."""

from __future__ import annotations

from siting.errors import NetworkError, StandardError
from siting.messages import Message
from siting.network.walking_speed import FASTEST, SLOWEST, speed_from

__all__ = ["MODES", "RIDDEN", "pace"]

#: Slowest and fastest of each mode, metres a minute.
MODES = {"walk": (SLOWEST, FASTEST), "bicycle": (60.0, 600.0), "car": (80.0, 2500.0)}
#: Modes with one speed for all, on all streets of the network.
RIDDEN = ("bicycle", "car")


def pace(mode: str, speed: str) -> float:
    """Return metres a minute; raise `StandardError` when the mode needs a speed and has none, or nobody travels so."""
    if not speed:
        if mode in RIDDEN:
            raise StandardError(Message("standard.needs_speed", mode=mode))
        return 0.0
    slowest, fastest = MODES[mode or "walk"]
    try:
        return speed_from(speed, slowest=slowest, fastest=fastest, mode=mode or "walk")
    except NetworkError as error:
        raise StandardError(error.message) from None
