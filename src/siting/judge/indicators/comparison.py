"""A value against the number of a rule: whether it holds, and how much is still lacking."""

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
    """Read a bare number, or a range, of facilities or staff as the least that has to be there: more is no fault."""
    return ">=" if operator in ("=", "range") else operator


def lacking(target: float, operator: str, there: float) -> float:
    """Count how many whole units are still missing to *target*; none where the rule sets no floor."""
    return max(0.0, least(target, operator) - there) if operator in (">=", ">", "=", "range") else math.nan


def least(number: float, operator: str = ">=") -> int:
    """Smallest whole number that is at least (or, for ">", above) *number*, within a rounding tolerance."""
    tolerance = max(1e-9, 1e-15 * abs(number))
    return math.floor(number + tolerance) + 1 if operator == ">" else math.ceil(number - tolerance)


def ratio(part: float, whole: float) -> float:
    """Divide, or NaN where there is nothing to divide by."""
    return part / whole if whole > 0 else math.nan
