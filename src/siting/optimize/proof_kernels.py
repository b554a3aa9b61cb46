"""The compiled loop of a proof's bound."""

from __future__ import annotations

from siting.compiled import compiled


@compiled
def add_surplus(start, column, benefit, share, price, times, reduced):
    """Add to *reduced* of each column the benefits of its needs, with their shares, above their prices.

    Need i has the entries from ``start[i]``; a part of ``1 / times[i]`` counts (empty *times*: all of it).
    """
    for i in range(len(start) - 1):
        for t in range(start[i], start[i + 1]):
            surplus = benefit[t] + share[i] - price[i]
            if surplus > 0.0:
                reduced[column[t]] += surplus / times[i] if len(times) > 0 else surplus
