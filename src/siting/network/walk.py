"""How fast people walk: what turns minutes into metres."""

from __future__ import annotations

import math
from dataclasses import dataclass

from siting.errors import NetworkError

__all__ = ["Walk"]


@dataclass(frozen=True)
class Walk:
    """A walker's speed on level ground.

    The plans print minutes without a speed, so the speed is a parameter that every result carries.

    Parameters
    ----------
    speed
        Metres a minute, above 0 and at most 200.
    who
        A name for results: "adult", "elder", "carer" or your own.

    Raises
    ------
    NetworkError
        When the speed is not a walking speed in metres a minute.

    Examples
    --------
    >>> elder = Walk.elder()
    >>> elder.metres(15)
    825.0
    >>> elder.minutes(825.0)
    15.0
    """

    speed: float
    who: str = "walker"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.speed) and 0 < self.speed <= 200):
            raise NetworkError(
                f"walking speed is {self.speed!r}; give metres a minute, above 0 and at most 200 (4.8 km/h is 80)"
            )

    @classmethod
    def adult(cls) -> Walk:
        """Walk at 80 m/min (1.33 m/s), a comfortable gait of adults from 20 to 59 [1]_.

        References
        ----------
        .. [1] R. W. Bohannon, "Comfortable and maximum walking speed of adults aged 20-79 years",
           Age and Ageing 26 (1), 1997, pp. 15-19.
        """
        return cls(80.0, "adult")

    @classmethod
    def elder(cls) -> Walk:
        """Walk at 55 m/min (3.0 ft/s), the speed to plan for where walkers are slow or old [1]_.

        Fifteen minutes are 825 m, inside the 800-1000 m of a 15-minute circle in GB 50180-2018.

        References
        ----------
        .. [1] Federal Highway Administration, Manual on Uniform Traffic Control Devices, 2009,
           section 4E.06 (3.5 ft/s in general, 3.0 ft/s for slower pedestrians).
        """
        return cls(55.0, "elder")

    @classmethod
    def carer(cls) -> Walk:
        """Walk at 64 m/min (3.5 ft/s), the general planning speed [1]_, here with a pram.

        Fifteen minutes are 960 m, inside the 800-1000 m of a 15-minute circle in GB 50180-2018.

        References
        ----------
        .. [1] Federal Highway Administration, Manual on Uniform Traffic Control Devices, 2009,
           section 4E.06.
        """
        return cls(64.0, "carer")

    def metres(self, minutes: float) -> float:
        """Metres walked in *minutes*."""
        return minutes * self.speed

    def minutes(self, metres: float) -> float:
        """Minutes needed for *metres*."""
        return metres / self.speed
