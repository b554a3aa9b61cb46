"""Compiled loops of prices: what columns win by filling their places with people at the prices of their needs."""

from __future__ import annotations

import numpy as np

from siting.compiled import compiled


@compiled
def fill(start, need, cost, weight, capacity, price, most, won, take):
    """Let each column with *most* above 0 fill its places best first; write what it wins, and who fills them."""
    at, value = np.empty(len(weight), np.int64), np.empty(len(weight))
    for j in range(len(won)):
        won[j] = 0.0
        if most[j] > 0.0:
            won[j] = _fill_one(start[j], start[j + 1], need, cost, weight, capacity[j], price, take, at, value)


@compiled
def refill(start, need, cost, weight, capacity, price, most, columns_start, columns, changed, won):
    """Write anew what columns win that have one of the *changed* needs around; `columns` has those around each need."""
    at, value, none = np.empty(len(weight), np.int64), np.empty(len(weight)), np.empty(0)
    again = np.zeros(len(won), np.bool_)
    for i in changed:
        for q in range(columns_start[i], columns_start[i + 1]):
            again[columns[q]] = True
    for j in range(len(won)):
        if again[j] and most[j] > 0.0:
            won[j] = _fill_one(start[j], start[j + 1], need, cost, weight, capacity[j], price, none, at, value)


@compiled
def add_taken(start, need, take, part, taken):
    """Write how many people of each need are in columns that are open in parts."""
    taken[:] = 0.0
    for j in range(len(part)):
        if part[j] > 0.0:
            for q in range(start[j], start[j + 1]):
                taken[need[q]] += take[q] * part[j]


@compiled
def _fill_one(first, last, need, cost, weight, room, price, take, at, value):
    """Fill the places of a column best first; return what it wins."""
    keeps = len(take) > 0
    count, total, won = 0, 0.0, 0.0
    for q in range(first, last):
        more = price[need[q]] - cost[q]
        if keeps:
            take[q] = 0.0
        if more > 0.0:
            at[count], value[count] = q, more
            count += 1
            total += weight[need[q]]
            won += more * weight[need[q]]
    if total > room:
        return _fill_best(at, value, count, room, need, weight, take, keeps)
    if keeps:
        for t in range(count):
            take[at[t]] = weight[need[at[t]]]
    return won


@compiled
def _fill_best(at, value, count, room, need, weight, take, keeps):
    """Fill places with the people of the best values, found by parting around pivots; return what they are worth."""
    worth, low, high = 0.0, 0, count
    while low < high and room > 0.0:
        pivot = value[(low + high) // 2]
        above, below, k, better, same = low, high, low, 0.0, 0.0
        while k < below:  # better ones first, then those like the pivot, then worse ones
            if value[k] > pivot:
                better += weight[need[at[k]]]
                at[k], at[above], value[k], value[above] = at[above], at[k], value[above], value[k]
                above += 1
                k += 1
            elif value[k] < pivot:
                below -= 1
                at[k], at[below], value[k], value[below] = at[below], at[k], value[below], value[k]
            else:
                same += weight[need[at[k]]]
                k += 1
        if better > room:
            high = above
            continue
        for t in range(low, below):
            people = weight[need[at[t]]] if t < above else min(room, weight[need[at[t]]])
            worth += people * value[t]
            room -= people
            if keeps:
                take[at[t]] = people
        low = below
    return worth
