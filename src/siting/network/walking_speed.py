"""Walking speeds, and the effect of slopes."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real

import numpy as np
import numpy.typing as npt

from siting.errors import NetworkError
from siting.labels import named
from siting.messages import Message
from siting.numbers import Floats

#: From grades (rise over run, uphill positive) to the time on them, over the time on the level.
Slope = Callable[[Floats], Floats]
#: Steeper grades count as this one: they come from wrong elevations, and sums must stay finite.
STEEPEST = 0.4
#: Slowest and fastest walk, metres a minute: 1.2 and 12 km/h. A number outside is in another unit.
SLOWEST, FASTEST = 20.0, 200.0
#: Units of speed, as they are written, and metres a minute in each.
UNITS: dict[str, tuple[float, str]] = {
    "m/min": (1.0, "m/min m/minute mpm 米/分 米/分钟 米每分 米每分钟"),
    "km/h": (1000 / 60, "km/h km/hr kmh kph kmph 公里/小时 公里/时 千米/小时 千米/时 公里每小时 千米每小时"),
    "m/s": (60.0, "m/s m/sec mps 米/秒 米每秒"),
    "mph": (1609.344 / 60, "mph mi/h 英里/小时"),
    "ft/s": (0.3048 * 60, "ft/s fps 英尺/秒"),
    "ft/min": (0.3048, "ft/min"),
    "m/h": (1 / 60, "m/h"),
}


def tobler(grade: npt.ArrayLike) -> Floats:
    """Time of a walk on a grade divided by the time on the level, by Tobler's hiking function [1]_.

    Tobler's walker has the speed ``W(s) = 6 exp(-3.5 |s + 0.05|)`` km/h on the grade ``s``, fastest at 5 % downhill.
    Only the ratio ``W(0) / W(s) = exp(3.5 (|s + 0.05| - 0.05))`` is used; the speed on the level is the walker's own.

    Parameters
    ----------
    grade
        Rise over run, uphill positive: 0.05 is 5 % up. Beyond ±0.4 the factor is that of ±0.4.

    Returns
    -------
    array
        A factor for each grade: 1 on the level, above 1 where the walk takes longer.

    References
    ----------
    .. [1] W. Tobler, "Three presentations on geographical analysis and modeling", National Center for Geographic
       Information and Analysis, Technical Report 93-1, 1993.

    Examples
    --------
    >>> tobler([0, 0.1, -0.05, -0.1]).round(3).tolist()
    [1.0, 1.419, 0.839, 1.0]
    """
    steep = np.clip(np.asarray(grade, float), -STEEPEST, STEEPEST)
    factor: Floats = np.exp(3.5 * (np.abs(steep + 0.05) - 0.05))
    return factor


def careful(grade: npt.ArrayLike) -> Floats:
    """Return the same factor for walkers who are not faster downhill: elders, carers with a pram.

    Tobler's function without its gain downhill: ``max(1, tobler(grade))``. Uphill it is Tobler's; down to 10 %
    downhill the speed is that of the level; steeper downhill it is Tobler's again.

    This is an assumption: no measured curve for elders over a range of grades was found. Measurements support
    it. 78 walkers with a mean age of 78 years were slower on an incline than on the level [1]_. 20
    geriatric patients with wheeled walkers, median age 84.5 years, were slower uphill, and as fast downhill as on the
    level [2]_. The same is assumed with a pram, which is pushed uphill and held back downhill.

    Parameters
    ----------
    grade
        Rise over run, uphill positive: 0.05 is 5 % up. Beyond ±0.4 the factor is that of ±0.4.

    Returns
    -------
    array
        A factor for each grade: 1 on the level, never less.

    References
    ----------
    .. [1] R. A. Ferraro, G. Pinto-Zipp, S. Simpkins and M. Clark, "Effects of an inclined walking surface and balance
       abilities on spatiotemporal gait parameters of older adults", Journal of Geriatric Physical Therapy 36 (1), 2013.
    .. [2] U. Lindemann, M. Schwenk, S. Schmitt, M. Weyrich, W. Schlicht and C. Becker, "Effect of uphill and downhill
       walking on walking performance in geriatric patients using a wheeled walker", Zeitschrift für Gerontologie und
       Geriatrie 50 (6), 2017, pp. 483-487.

    Examples
    --------
    >>> careful([0, 0.1, -0.05, -0.2]).round(3).tolist()
    [1.0, 1.419, 1.0, 1.419]
    """
    factor: Floats = np.maximum(tobler(grade), 1.0)
    return factor


def speed_from(text: str, *, slowest: float = SLOWEST, fastest: float = FASTEST, mode: str = "walk") -> float:
    """Read a speed with its unit, such as "4.8 km/h" or "80 米/分钟": metres a minute.

    NetworkError for a missing number or unknown unit, or a speed outside *slowest* to *fastest*,
    metres a minute; *mode* is for the message.

    Examples
    --------
    >>> speed_from("4.8 km/h"), speed_from("80 m/min"), speed_from("1.25 m/s"), speed_from("4.8公里/小时")
    (80.0, 80.0, 75.0, 80.0)
    """
    plain = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).lower().replace("per", "/")
    match = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)(\D+)", plain)
    factor = next((each for each, names in UNITS.values() if match and match[2] in names.split()), None)
    if match is None or factor is None:
        said = Message("walk.mode_no_unit", mode=_mode(mode), value=text)
        raise NetworkError(Message("walk.speed_no_unit", value=text) if mode == "walk" else said)
    speed = round(float(match[1]) * factor, 9)  # so that 4.8 km/h are exactly 80 m/min
    if not slowest <= speed <= fastest:
        limits = {"low": slowest, "high": fastest, "low_km": slowest * 0.06, "high_km": fastest * 0.06}
        said = Message("walk.mode_range", mode=_mode(mode), value=text, speed=speed, **limits)
        raise NetworkError(Message("walk.speed_range", **said.values) if mode == "walk" else said)
    return speed


def _mode(mode: str) -> Message:
    return Message("data.word", zh=named("mode", mode, "zh"), en=mode)


def _other_units(speed: float) -> list[str]:
    return [
        f"{speed:g} {unit} = {speed * factor:.4g} m/min"
        for unit, (factor, _) in UNITS.items()
        if unit in {"km/h", "m/s", "m/h"} and SLOWEST <= round(speed * factor, 9) <= FASTEST
    ]


@dataclass(frozen=True, repr=False)
class Walk:
    """A walker: the speed on level ground, the effect of slopes, and whether steps can be climbed.

    The plans give minutes without a speed, so the speed is a parameter and part of every result.

    Parameters
    ----------
    speed
        Metres a minute on the level, 20 to 200; `Walk.at` takes a speed with another unit.
    who
        A name for results: "adult", "elder", "carer" or your own.
    slope
        Effect of a grade (rise over run, uphill positive) on the time of a walk: a function from an array of grades
        to an array of factors, such as `tobler` or `careful`. None ignores grades. No effect
        where the streets have no heights.
    stairs
        Whether steps (``highway == "steps"``) can be walked.

    Raises
    ------
    NetworkError
        When the speed is not a walking speed in metres a minute, *slope* is not a function, or *stairs* is not True or
        False.

    Examples
    --------
    >>> elder = Walk.elder()
    >>> elder.metres(15)
    825.0
    >>> elder.minutes(825.0)
    15.0
    >>> Walk.elder(stairs=False)
    <Walk: elder, 55 m/min, slope: careful, no stairs>
    """

    speed: float
    who: str = "walker"
    slope: Slope | None = None
    stairs: bool = True

    def __post_init__(self) -> None:
        number = isinstance(self.speed, Real) and not isinstance(self.speed, bool)
        if not (number and math.isfinite(self.speed) and SLOWEST <= self.speed <= FASTEST):
            facts = {"value": self.speed, "low": SLOWEST, "high": FASTEST}
            if not number:
                raise NetworkError(Message("walk.metres_a_minute_text", **facts))
            if guesses := _other_units(float(self.speed)):
                raise NetworkError(Message("walk.metres_a_minute_meant", **facts, guesses=guesses))
            raise NetworkError(Message("walk.metres_a_minute", **facts))
        if not (self.slope is None or callable(self.slope)):
            raise NetworkError(Message("walk.slope", value=self.slope))
        if not isinstance(self.stairs, bool):
            raise NetworkError(Message("argument.flag", what="stairs", value=self.stairs))

    def __repr__(self) -> str:
        return f"<Walk: {self.terms}>"

    @classmethod
    def at(cls, speed: str, who: str = "walker", slope: Slope | None = None, *, stairs: bool = True) -> Walk:
        """Walk at a speed with a unit.

        Parameters
        ----------
        speed
            A number and m/min, km/h, m/s, mph, ft/s, ft/min, 米/分钟, 公里/小时 or 米/秒; from 20 to 200 m/min.
        who, slope, stairs
            As for `Walk`.

        Raises
        ------
        NetworkError
            When it is no walking speed, or has no unit.

        Examples
        --------
        >>> Walk.at("4.8 km/h")
        <Walk: walker, 80 m/min>
        """
        return cls(speed_from(speed), who, slope, stairs)

    @classmethod
    def adult(cls, *, slope: Slope | None = tobler, stairs: bool = True) -> Walk:
        """Walk at 80 m/min (1.33 m/s), a comfortable gait of adults from 20 to 59 [1]_.

        References
        ----------
        .. [1] R. W. Bohannon, "Comfortable and maximum walking speed of adults aged 20-79 years",
           Age and Ageing 26 (1), 1997, pp. 15-19.
        """
        return cls(80.0, "adult", slope, stairs)

    @classmethod
    def elder(cls, *, slope: Slope | None = careful, stairs: bool = True) -> Walk:
        """Walk at 55 m/min (3.0 ft/s), the planning speed for slow or old walkers [1]_.

        Fifteen minutes are 825 m, inside the 800-1000 m of a 15-minute circle in GB 50180-2018.

        References
        ----------
        .. [1] Federal Highway Administration, Manual on Uniform Traffic Control Devices, 2009,
           section 4E.06 (3.5 ft/s in general, 3.0 ft/s for slower pedestrians).
        """
        return cls(55.0, "elder", slope, stairs)

    @classmethod
    def carer(cls, *, slope: Slope | None = careful, stairs: bool = True) -> Walk:
        """Walk at 64 m/min (3.5 ft/s), the general planning speed [1]_, here with a pram.

        Fifteen minutes are 960 m, inside the 800-1000 m of a 15-minute circle in GB 50180-2018. Steps are walked unless
        ``stairs=False``: a light pram is carried, a heavy one takes another route.

        References
        ----------
        .. [1] Federal Highway Administration, Manual on Uniform Traffic Control Devices, 2009,
           section 4E.06.
        """
        return cls(64.0, "carer", slope, stairs)

    @property
    def terms(self) -> str:
        """The walker in results: name, speed, slope function, and whether without stairs."""
        terms = f"{self.who}, {self.speed:g} m/min"
        if self.slope is not None:
            name = getattr(self.slope, "__name__", "own")
            terms += f", slope: {'own' if name == '<lambda>' else name}"
        return terms if self.stairs else f"{terms}, no stairs"

    def metres(self, minutes: float) -> float:
        """Metres walked on the level in *minutes*."""
        return minutes * self.speed

    def minutes(self, metres: float) -> float:
        """Minutes needed for *metres* on the level."""
        return metres / self.speed

    def pace(self, grade: npt.ArrayLike) -> Floats:
        """Time of a walk on each grade divided by the time on the level.

        Parameters
        ----------
        grade
            Rise over run in the direction of the walk, uphill positive, in any shape.

        Returns
        -------
        array
            Factors in the shape of *grade*; 1 everywhere when there is no `slope`.

        Raises
        ------
        NetworkError
            When `slope` gives an array of another shape, or a factor that is not a number above 0.

        Examples
        --------
        >>> Walk.elder().pace([0.05, -0.05]).round(3).tolist()
        [1.191, 1.0]
        """
        grades = np.asarray(grade, float)
        if self.slope is None:
            return np.ones(grades.shape)
        # A copy, because the function may work in place.
        factor = np.array(self.slope(grades.copy()), float)
        if factor.shape != grades.shape:
            shapes = {"shape": factor.shape, "wanted": grades.shape}
            raise NetworkError(Message("walk.slope_shape", who=self.who, **shapes))
        wrong = ~(np.isfinite(factor) & (factor > 0))
        if wrong.any():
            pairs = zip(grades[wrong].tolist(), factor[wrong].tolist(), strict=True)
            cases = [Message("walk.slope_case", grade=grade, factor=each) for grade, each in pairs]
            raise NetworkError(Message("walk.slope_factor", who=self.who, cases=cases))
        return factor
