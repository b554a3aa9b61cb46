"""How minutes are travelled: on foot, by bicycle or by car, and how fast."""

from __future__ import annotations

from siting.errors import NetworkError, StandardError
from siting.network.walking_speed import FASTEST, SLOWEST, speed_from

__all__ = ["MODES", "RIDDEN", "pace"]

#: Slowest and fastest of each mode, metres a minute.
MODES = {"walk": (SLOWEST, FASTEST), "bicycle": (60.0, 600.0), "car": (80.0, 2500.0)}
#: Modes that have one speed for all, on all streets that the network has.
RIDDEN = ("bicycle", "car")


def pace(mode: str, speed: str, rule: str) -> float:
    """Return metres a minute; raise `StandardError` when the mode needs a speed and has none, or nobody travels so."""
    if not speed:
        if mode in RIDDEN:
            raise StandardError(f'{rule}: mode is "{mode}"; give its speed, such as "15 km/h"')
        return 0.0
    slowest, fastest = MODES[mode or "walk"]
    try:
        return speed_from(speed, slowest=slowest, fastest=fastest, mode=mode or "walk")
    except NetworkError as error:
        raise StandardError(f"{rule}: {error}") from None
