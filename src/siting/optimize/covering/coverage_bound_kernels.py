"""The compiled loop of `coverage_bound`: subgradient steps on the credits of needs."""

from __future__ import annotations

import numpy as np

from siting.compiled import compiled


@compiled
def descend(start, needs, worth, number, rounds, target, step, fall, memory, way, point, lowest, best):
    """Move the credits *point* for some *rounds* towards a bound of *target*; return the lowest bound, and the step.

    Column j adds to the bound what ``needs[start[j] : start[j + 1]]`` credit it, if it is among the *number* that are
    credited most; so does all of *worth* that is not credited. *way* is the mean of the subgradients, to which a new
    one adds a share of 1 - *memory*; *step* is multiplied by *fall* in each round. *best* takes the credits of the
    lowest bound.
    """
    n, m = len(worth), len(start) - 1
    total = worth.sum()
    value, count = np.zeros(m), np.zeros(n)
    for _round in range(rounds):
        for j in range(m):
            credit = 0.0
            for e in range(start[j], start[j + 1]):
                credit += point[needs[e]]
            value[j] = credit
        least = np.partition(value, m - number)[m - number]
        equal, top = number, 0.0
        for j in range(m):
            if value[j] > least:
                equal -= 1
                top += value[j]
        bound = total - point.sum() + top + equal * least
        if bound < lowest:
            lowest = bound
            best[:] = point
        # How often the columns with the most credit serve a need, less once.
        count[:] = -1.0
        for j in range(m):
            taken = value[j] > least
            if value[j] == least and equal > 0:
                equal -= 1
                taken = True
            if taken:
                for e in range(start[j], start[j + 1]):
                    count[needs[e]] += 1.0
        size = 0.0
        for i in range(n):
            d = memory * way[i] + (1.0 - memory) * count[i]
            way[i] = d
            if (d > 0.0 and point[i] > 0.0) or (d < 0.0 and point[i] < worth[i]):
                size += d * d
        if size == 0.0 or bound <= target:
            break
        length = step * (bound - target) / size
        for i in range(n):
            point[i] = min(max(point[i] - length * way[i], 0.0), worth[i])
        step *= fall
    return lowest, step
