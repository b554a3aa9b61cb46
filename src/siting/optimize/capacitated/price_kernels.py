"""Compiled loops of prices: what columns win by filling their places with people at the prices of their needs."""

from __future__ import annotations

import numpy as np

from siting.compiled import compiled


@compiled
def fill(start, need, cost, weight, capacity, price, most, won, take):
    """Let each column with *most* above 0 fill its places best first; write what it wins, and its people where wanted."""
    n = len(weight)
    at, value = np.empty(n, np.int64), np.empty(n)
    keeps = len(take) > 0
    for j in range(len(won)):
        won[j] = 0.0
        if most[j] <= 0.0:
            continue
        count, total, sum_won = 0, 0.0, 0.0
        for q in range(start[j], start[j + 1]):
            more = price[need[q]] - cost[q]
            if keeps:
                take[q] = 0.0
            if more > 0.0:
                at[count], value[count] = q, more
                count += 1
                total += weight[need[q]]
                sum_won += more * weight[need[q]]
        room = capacity[j]
        if total <= room:
            if keeps:
                for t in range(count):
                    take[at[t]] = weight[need[at[t]]]
            won[j] = sum_won
            continue
        order = np.argsort(-value[:count], kind="mergesort")
        sum_won = 0.0
        for t in order:
            people = min(room, weight[need[at[t]]])
            sum_won += people * value[t]
            room -= people
            if keeps:
                take[at[t]] = people
            if room <= 0.0:
                break
        won[j] = sum_won
