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

from siting.errors import NetworkError
from siting.messages import Message
from siting.numbers import Bools, Floats

log = logging.getLogger(__name__)

#: How many of a unit are in a metre, and what to do with lengths in it.
UNITS = (
    (Message("length.kilometres"), 0.001, "1000"),
    (Message("length.miles"), 1 / 1609.344, "1609.344"),
    (Message("length.nautical_miles"), 1 / 1852, "1852"),
    (Message("length.li"), 0.002, "500"),
    (Message("length.feet"), 1 / 0.3048, "0.3048"),
    (Message("length.yards"), 1 / 0.9144, "0.9144"),
    (Message("length.inches"), 1 / 0.0254, "0.0254"),
    (Message("length.chi"), 3.0, "/3"),
    (Message("length.decimetres"), 10.0, "/10"),
    (Message("length.centimetres"), 100.0, "/100"),
    (Message("length.millimetres"), 1000.0, "/1000"),
    (Message("length.metres_as_feet"), 0.3048, "/0.3048"),
    (Message("length.metres_as_yards"), 0.9144, "/0.9144"),
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
        raise NetworkError(Message("length.infinite", rows=_names(names, np.isinf(given))).within("streets"))
    absent = np.isnan(given)
    zero = (given == 0) & (drawn > 0)
    known = ~absent & (given > 0) & (drawn > 0)
    if zero.any() and not known.any():
        raise NetworkError(Message("length.all_zero").within("streets"))
    fit = _fit(given, drawn, known) if known.any() else None
    if fit is not None:
        _check_unit(fit, given, drawn, known, xy, crs)
    if absent.any():
        log.info(Message("length.measured", n=int(absent.sum())))
    if zero.any():
        log.warning(Message("length.zero", n=int(zero.sum()), rows=_names(names, zero)).within("streets"))
    short = known & _too_short(given, straight)
    if short.sum() >= AT_LEAST and short.sum() > TOO_MANY * known.sum():
        rows = _rows(names, short, given, straight)
        raise NetworkError(
            Message("length.too_short", n=len(rows), total=int(known.sum()), rows=rows).within("streets")
        )
    if short.any():
        rows = _rows(names, short, given, straight)
        log.warning(Message("length.short", n=len(rows), rows=rows).within("streets"))
    odd = (given > LONG * drawn + FAR) & ~absent
    if fit is not None and fit.share >= MOSTLY and abs(fit.ratio - 1) <= OFF:
        odd |= known & ~short & (abs(given - drawn) > ODD * drawn + APART)
    if odd.any():
        rows = _rows(names, odd, given, drawn)
        log.warning(Message("length.odd", n=len(rows), rows=rows).within("streets"))
    return np.where(absent | zero | short, drawn, given)


def _check_unit(fit: _Fit, given: Floats, drawn: Floats, known: Bools, xy: Floats, crs: Any) -> None:
    """Refuse lengths that are in another unit or of a map that stretches; warn of another proportion."""
    one = fit.share >= SHARE and fit.rows >= 3
    off = abs(fit.ratio - 1) > OFF
    if LEAST <= fit.ratio <= MOST and not (one and off):
        return
    ratio = Message("length.ratio", ratio=fit.ratio).within("streets")
    if one and off:
        stretched = _fit(given, drawn * _stretch(xy, crs), known)
        if abs(stretched.ratio - 1) <= NEAR and stretched.share >= SHARE and fit.ratio > 1:
            raise NetworkError(Message("length.mercator", ratio=ratio))
    low = fit.ratio if one else fit.low
    unit, per_metre, factor = _unit(low)
    if abs(low / per_metre - 1) <= (NEAR if LEAST <= fit.ratio <= MOST else 0.1):
        if factor.startswith("/"):
            raise NetworkError(Message("length.unit_divided", ratio=ratio, unit=unit, factor=factor[1:]))
        raise NetworkError(Message("length.unit_times", ratio=ratio, unit=unit, factor=factor))
    if 5e-6 < fit.ratio < 3e-5:
        raise NetworkError(Message("length.degrees", ratio=ratio))
    if not LEAST <= fit.ratio <= MOST:
        raise NetworkError(Message("length.not_metres", ratio=ratio))
    log.warning(Message("length.all_alike", ratio=ratio))


def _unit(ratio: float) -> tuple[Message, float, str]:
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
        rows = np.flatnonzero(short)
        log.warning(Message("length.edges_short", n=len(rows), total=len(given), rows=rows))
    long = (straight >= LONG_ENOUGH) & (given > 0)
    if not long.any():
        return
    low = float(np.quantile(given[long] / straight[long], 0.1))
    if low > LONG:
        unit, per_metre, _ = _unit(low)
        like = abs(low / per_metre - 1) <= 0.1
        said = Message("length.edges_unit", ratio=low, unit=unit) if like else Message("length.edges_long", ratio=low)
        log.warning(said)


def _too_short(given: Floats, straight: Floats) -> Bools:
    return given < straight * (1 - SHORT) - SLACK


def _names(names: Sequence[Any], mask: Bools) -> list[Any]:
    return list(np.asarray(names, dtype=object)[mask])


def _rows(names: Sequence[Any], mask: Bools, given: Floats, lines: Floats) -> list[Message]:
    return [
        Message("length.row", row=names[at], given=given[at], line=lines[at]) for at in np.flatnonzero(mask).tolist()
    ]
