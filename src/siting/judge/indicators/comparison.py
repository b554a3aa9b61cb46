"""Compare a value with the number of a rule: whether it is met, and how much is missing."""

from __future__ import annotations

import math

__all__ = ["floor", "holds", "lacking", "least", "ratio"]


def holds(value: float, operator: str, target: float, most: float = math.nan) -> bool:
    """Return whether a value keeps a limit; *most* is the end of a range."""
    return {
        "range": target <= value <= most,
        ">=": value >= target,
        ">": value > target,
        "<=": value <= target,
        "<": value < target,
        "=": value == target,
    }.get(operator, False)


def floor(operator: str) -> str:
    """Read a number or range of facilities or staff as a minimum: more is allowed."""
    return ">=" if operator in ("=", "range") else operator


def lacking(target: float, operator: str, there: float) -> float:
    """Count the whole units missing to *target*; none where the rule sets no minimum."""
    return max(0.0, least(target, operator) - there) if operator in (">=", ">", "=", "range") else math.nan


def least(number: float, operator: str = ">=") -> int:
    """Smallest whole number that is at least (or, for ">", above) *number*, within a rounding tolerance."""
    tolerance = max(1e-9, 1e-15 * abs(number))
    return math.floor(number + tolerance) + 1 if operator == ">" else math.ceil(number - tolerance)


def ratio(part: float, whole: float) -> float:
    """Divide; NaN for a divisor of 0."""
    return part / whole if whole > 0 else math.nan
