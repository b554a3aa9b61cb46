"""Lengths that come with streets, checked against the lines.

A length may be more than that of the line, because the line is drawn roughly or the ground is steep; it is never less
than the straight line between the ends. All thresholds are below, and in the docs under "Paths".
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyproj

from siting.errors import NetworkError, some
from siting.numbers import Bools, Floats

log = logging.getLogger(__name__)

#: How many of a unit are in a metre, and what to do with lengths in it.
UNITS = (
    ("kilometres", 0.001, "multiply them by 1000"),
    ("miles", 1 / 1609.344, "multiply them by 1609.344"),
    ("nautical miles", 1 / 1852, "multiply them by 1852"),
    ("li (500 m)", 0.002, "multiply them by 500"),
    ("feet", 1 / 0.3048, "multiply them by 0.3048"),
    ("yards", 1 / 0.9144, "multiply them by 0.9144"),
    ("inches", 1 / 0.0254, "multiply them by 0.0254"),
    ("chi (1/3 m)", 3.0, "divide them by 3"),
    ("decimetres", 10.0, "divide them by 10"),
    ("centimetres", 100.0, "divide them by 100"),
    ("millimetres", 1000.0, "divide them by 1000"),
    ("metres that were taken for feet", 0.3048, "divide them by 0.3048"),
    ("metres that were taken for yards", 0.9144, "divide them by 0.9144"),
)
#: On the whole lengths lie between these multiples of the lines.
LEAST, MOST = 0.5, 2.0
#: Lengths are in one proportion to the lines when this share of them is, give or take 1 % and the rounding.
SHARE, SPREAD, ROUNDING = 0.9, 0.01, 0.5
#: Such a proportion is looked at when it differs so much from 1; projections differ by less.
OFF = 0.003
#: How near the proportion must be to that of a unit.
NEAR = 0.007
#: How far a length may be below the straight line between the ends: a share, and metres of rounding.
SHORT, SLACK = 0.005, 1.0
#: A warning names a length that is more than so many times the line and so many metres more.
LONG, FAR = 2.0, 20.0
#: If this share of the lengths equal those of the lines, a warning names one that differs by such a share and metres.
MOSTLY, ODD, APART = 0.75, 0.01, 1.0
#: If more than this share and number of lengths are too short, they do not belong to these lines.
TOO_MANY, AT_LEAST = 0.2, 5
#: Shorter lines do not show the unit, metres.
LONG_ENOUGH = 10.0


class _Fit(NamedTuple):
    ratio: float  # the median proportion
    low: float  # that of the straightest
    share: float  # of lengths that are in the median proportion
    rows: int


def believed(given: Floats, drawn: Floats, straight: Floats, names: Sequence[Any], xy: Floats, crs: Any) -> Floats:
    """Return the lengths to walk, metres: the given ones (NaN: none) where possible, else those of the lines *drawn*.

    *straight* are the metres between the ends; *xy* is a point of each line in *crs*; *names* are for messages. Lengths
    that are infinite, all 0, in another unit, of Web Mercator, or too short in many rows are refused; others are named.
    """
    if np.isinf(given).any():
        raise NetworkError(f"streets: length is infinite: {_some(names, np.isinf(given))}")
    absent = np.isnan(given)
    zero = (given == 0) & (drawn > 0)
    known = ~absent & (given > 0) & (drawn > 0)
    if zero.any() and not known.any():
        raise NetworkError("streets: every length that is given is 0 (drop the column to measure the lines)")
    fit = _fit(given, drawn, known) if known.any() else None
    if fit is not None:
        _check_unit(fit, given, drawn, known, xy, crs)
    if absent.any():
        log.info("%d streets without a length are measured", int(absent.sum()))
    if zero.any():
        text = "streets: length is 0 in %d rows whose lines have a length: %s; these lines are measured"
        log.warning(text, int(zero.sum()), _some(names, zero))
    short = known & _too_short(given, straight)
    if short.sum() >= AT_LEAST and short.sum() > TOO_MANY * known.sum():
        raise NetworkError(
            f"streets: {int(short.sum())} of {int(known.sum())} lengths are less than the straight line between the "
            f"ends: {_rows(names, short, given, straight)}; they are not the metres of these lines (drop the column to "
            "measure the lines)"
        )
    if short.any():
        text = (
            "streets: length is less than the straight line between the ends in %d rows: %s; these lines are measured"
        )
        log.warning(text, int(short.sum()), _rows(names, short, given, straight))
    odd = (given > LONG * drawn + FAR) & ~absent
    if fit is not None and fit.share >= MOSTLY and abs(fit.ratio - 1) <= OFF:
        odd |= known & ~short & (abs(given - drawn) > ODD * drawn + APART)
    if odd.any():
        text = "streets: length is not that of the line in %d rows: %s; it counts as it is given, look at these rows"
        log.warning(text, int(odd.sum()), _rows(names, odd, given, drawn))
    return np.where(absent | zero | short, drawn, given)


def _check_unit(fit: _Fit, given: Floats, drawn: Floats, known: Bools, xy: Floats, crs: Any) -> None:
    """Refuse lengths that are in another unit or of a map that stretches; warn of another proportion."""
    one = fit.share >= SHARE and fit.rows >= 3
    off = abs(fit.ratio - 1) > OFF
    if LEAST <= fit.ratio <= MOST and not (one and off):
        return
    text = f"streets: lengths are {fit.ratio:.4g} times as long as the lines are drawn"
    if one and off:
        stretched = _fit(given, drawn * _stretch(xy, crs), known)
        if abs(stretched.ratio - 1) <= NEAR and stretched.share >= SHARE and fit.ratio > 1:
            raise NetworkError(
                f"{text}: they look like web-Mercator metres (EPSG:3857), too long by 1 / cos(latitude); they must be "
                "metres on the ground (drop the column to measure the lines)"
            )
    low = fit.ratio if one else fit.low
    name, factor, remedy = _unit(low)
    if abs(low / factor - 1) <= (NEAR if LEAST <= fit.ratio <= MOST else 0.1):
        remedy = f"they must be metres ({remedy}, or drop the column to measure the lines)"
        raise NetworkError(f"{text}: they look like {name}; {remedy}")
    if not LEAST <= fit.ratio <= MOST:
        degrees = ": they look like degrees" if 5e-6 < fit.ratio < 3e-5 else ""
        raise NetworkError(f"{text}{degrees}; they must be metres (drop the column to measure the lines)")
    log.warning("%s, all alike; they count as they are given: look whether they are metres on the ground", text)


def _unit(ratio: float) -> tuple[str, float, str]:
    return min(UNITS, key=lambda unit: abs(np.log(ratio / unit[1])))


def _fit(given: Floats, drawn: Floats, known: Bools) -> _Fit:
    long = known & (drawn >= LONG_ENOUGH)
    rows = long if long.any() else known
    metres, lines = given[rows], drawn[rows]
    ratio = metres / lines
    middle = float(np.median(ratio))
    alike = abs(metres - middle * lines) <= SPREAD * middle * lines + ROUNDING * max(min(middle, 1.0), 0.0)
    return _Fit(middle, float(np.quantile(ratio, 0.1)), float(alike.mean()), int(rows.sum()))


def _stretch(xy: Floats, crs: Any) -> Floats:
    """How much longer than on the ground lengths are in Web Mercator at each point."""
    system = pyproj.CRS(crs)
    _, lat = pyproj.Transformer.from_crs(system, system.geodetic_crs, always_xy=True).transform(xy[:, 0], xy[:, 1])
    return np.asarray(1 / np.cos(np.radians(lat)))


def report_lengths(given: Floats, straight: Floats) -> None:
    """Warn of lengths of straight edges that cannot be metres; they may still be right."""
    short = _too_short(given, straight)
    if short.any():
        text = "length is less than the straight line between the nodes at %d of %d edges: %s; it counts as it is given"
        log.warning(text, int(short.sum()), len(given), some(np.flatnonzero(short)))
    long = (straight >= LONG_ENOUGH) & (given > 0)
    if not long.any():
        return
    low = float(np.quantile(given[long] / straight[long], 0.1))
    if low > LONG:
        name, factor, _ = _unit(low)
        unit = f": they look like {name}" if abs(low / factor - 1) <= 0.1 else ""
        text = "lengths are nearly all more than %.3g times the straight line between the nodes%s; they must be metres"
        log.warning(text, low, unit)


def _too_short(given: Floats, straight: Floats) -> Bools:
    return given < straight * (1 - SHORT) - SLACK


def _some(names: Sequence[Any], mask: Bools) -> str:
    return some(np.asarray(names, dtype=object)[mask])


def _rows(names: Sequence[Any], mask: Bools, given: Floats, lines: Floats) -> str:
    at = np.flatnonzero(mask).tolist()
    return some(f"{names[row]}: {given[row]:.6g} m for {lines[row]:.6g} m" for row in at)
