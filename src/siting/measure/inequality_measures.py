"""Measures of inequality of arrays: values `x` from least to most, and the people `w` who have each."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import xlogy

from siting.numbers import Bools, Floats

__all__ = ["distinct", "gini_of", "lorenz_of", "palma_of", "theil_of", "theil_parts", "weighted_median"]

#: Rounding tolerance of shares.
NOTHING = 1e-12


def weighted_median(values: Floats, weight: Floats) -> float:
    """Return the value with half the weight on either side; midway between two where the halves meet."""
    x, w = distinct(values, weight)
    if not len(x):
        return math.nan
    below = np.cumsum(w) / w.sum()
    at = int(np.searchsorted(below, 0.5 - NOTHING))
    if abs(below[at] - 0.5) <= NOTHING:
        return float((x[at] + x[at + 1]) / 2)
    return float(x[at])


def distinct(x: Floats, w: Floats) -> tuple[Floats, Floats]:
    """Return the values that people have, from least to most, and how many people have each."""
    found, which = np.unique(x[w > 0], return_inverse=True)
    return found, np.bincount(which, weights=w[w > 0], minlength=len(found)).astype(float)


def lorenz_of(x: Floats, w: Floats) -> tuple[Floats, Floats]:
    """Return the corners of the Lorenz curve: cumulative shares of people and of what they have."""
    if not len(x):
        return np.zeros(0), np.zeros(0)
    people, held = np.cumsum(np.append(0.0, w)), np.cumsum(np.append(0.0, w * x))
    return people / people[-1], held / held[-1] if held[-1] > 0 else np.full(len(held), np.nan)


def gini_of(x: Floats, w: Floats) -> float:
    """Return the Gini coefficient; NaN when nobody has anything."""
    share, held = lorenz_of(x, w)
    if not len(held):
        return math.nan
    twice = float(np.sum(np.diff(share) * (held[1:] + held[:-1])))
    return math.nan if math.isnan(twice) else max(0.0, 1.0 - twice)


def palma_of(x: Floats, w: Floats) -> float:
    """Return the Palma ratio; NaN when the four tenths with least have nothing."""
    share, held = lorenz_of(x, w)
    if not len(held) or math.isnan(held[-1]):
        return math.nan
    most, least = 1.0 - float(np.interp(0.9, share, held)), float(np.interp(0.4, share, held))
    return most / least if least > NOTHING else math.nan


def theil_of(x: Floats, w: Floats) -> float:
    """Return Theil's T; NaN when nobody has anything."""
    if not len(x) or not x[-1] > 0:
        return math.nan
    ratio = x / np.average(x, weights=w)
    return max(0.0, float(np.average(xlogy(ratio, ratio), weights=w)))


def theil_parts(x: Floats, w: Floats, groups: list[Bools]) -> tuple[Floats, Floats]:
    """Return what each group adds to Theil's T within and between groups."""
    reached = np.isfinite(x)
    w = np.where(reached, w, 0.0)
    held = w * np.where(reached, x, 0.0)
    if not held.sum() > 0:
        return np.full(len(groups), np.nan), np.full(len(groups), np.nan)
    s = np.array([held[mine].sum() for mine in groups]) / held.sum()
    p = np.array([w[mine].sum() for mine in groups]) / w.sum()
    own = np.array([theil_of(*distinct(x[mine & reached], w[mine & reached])) for mine in groups])
    return np.where(s > 0, s * own, 0.0), xlogy(s, np.divide(s, p, out=np.ones_like(s), where=p > 0))
