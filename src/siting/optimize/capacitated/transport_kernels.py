"""Compiled loops of the transport problem: people on open columns at the least cost, repaired as columns change.

Columns in use sit in slots. All people of a need are somewhere: where they may stay without a place, a slot takes them
as well. A way from slot to slot passes people on: the cheapest of those who are in the first and may go to the second.
Flows of the least cost stay so when people are moved along cheapest ways only (R. K. Ahuja, T. L. Magnanti and J. B.
Orlin, Network Flows, Prentice Hall, 1993, chapter 9: successive shortest paths).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from siting.compiled import compiled
from siting.numbers import Bools, Floats, Ints


class Slots(NamedTuple):
    """People in slots, and what it costs to pass one on.

    `cost` and `flow` are slots × needs (the cost is infinite where a need cannot go), `weight` the people of each need;
    `part` is how much of each need a slot may take, as a share, `room` what is left in it, `load` what is there.
    `step` is the least cost of passing a person on from slot to slot, and `via` the need that does. `near` has the
    needs of each slot, `count` of them. `path`, `after` and `queue` are working space; `size` says what counts as zero.
    """

    cost: Floats
    flow: Floats
    weight: Floats
    part: Floats
    room: Floats
    load: Floats
    used: Bools
    step: Floats
    via: Ints
    near: Ints
    count: Ints
    path: Floats
    after: Ints
    queue: Ints
    waiting: Bools
    size: Floats


@compiled
def look(s, j, k):
    """Find the need whose people pass from slot *j* to *k* at the least cost."""
    best, at = np.inf, -1
    smaller = j if s.count[j] <= s.count[k] else k
    part = s.part[k]
    for t in range(s.count[smaller]):
        i = s.near[smaller, t]
        if s.flow[j, i] > 0.0 and s.flow[k, i] < s.weight[i] * part:
            more = s.cost[k, i] - s.cost[j, i]
            if more < best:
                best, at = more, i
    s.step[j, k], s.via[j, k] = best, at


@compiled
def move(s, i, j, k, amount):
    """Move people of need *i* from slot *j* to *k*, and keep the costs of passing on up to date."""
    slots = len(s.used)
    zero = 1e-9 * s.weight[i]
    limit_j, limit_k = s.weight[i] * s.part[j], s.weight[i] * s.part[k]
    was_full, was_empty = s.flow[j, i] >= limit_j, s.flow[k, i] == 0.0
    s.flow[j, i] -= amount
    if s.flow[j, i] <= zero:
        s.flow[j, i] = 0.0
        for t in range(slots):
            if s.used[t] and t != j and s.via[j, t] == i:
                look(s, j, t)
    s.flow[k, i] += amount
    if s.flow[k, i] >= limit_k - zero:
        s.flow[k, i] = limit_k
        for t in range(slots):
            if s.used[t] and t != k and s.via[t, k] == i:
                look(s, t, k)
    if was_empty:
        for t in range(slots):
            if s.used[t] and t != k and s.flow[t, i] < s.weight[i] * s.part[t]:
                more = s.cost[t, i] - s.cost[k, i]
                if more < s.step[k, t]:
                    s.step[k, t], s.via[k, t] = more, i
    if was_full:
        for t in range(slots):
            if s.used[t] and t != j and s.flow[t, i] > 0.0:
                more = s.cost[j, i] - s.cost[t, i]
                if more < s.step[t, j]:
                    s.step[t, j], s.via[t, j] = more, i


@compiled
def ways_to(s, target):
    """Find the cheapest way from every slot to *target*, or with -1 to any with room; `after` is the next slot."""
    slots, tail, head, left = len(s.used), 0, 0, 0
    tiny = 1e-12 * s.size[0]
    for t in range(slots):
        s.path[t], s.after[t], s.waiting[t] = np.inf, -1, False
        if s.used[t] and (t == target or (target < 0 and s.room[t] > 0.0)):
            s.path[t], s.waiting[t] = 0.0, True
            s.queue[tail] = t
            tail, left = tail + 1, left + 1
    tail %= slots
    tries = 4 * slots * slots + 100
    while left > 0 and tries > 0:
        tries -= 1
        k = s.queue[head]
        head = (head + 1) % slots
        left -= 1
        s.waiting[k] = False
        for j in range(slots):
            if not s.used[j] or j == target or (target < 0 and s.room[j] > 0.0):
                continue
            way = s.step[j, k] + s.path[k]
            if way < s.path[j] - tiny:
                s.path[j], s.after[j] = way, k
                if not s.waiting[j]:
                    s.waiting[j] = True
                    s.queue[tail] = j
                    tail, left = (tail + 1) % slots, left + 1


@compiled
def ways_from(s, source):
    """Find the cheapest way from *source* to every slot; `after` is the slot before."""
    slots, tail, head, left = len(s.used), 1, 0, 1
    tiny = 1e-12 * s.size[0]
    for t in range(slots):
        s.path[t], s.after[t], s.waiting[t] = np.inf, -1, False
    s.path[source] = 0.0
    s.queue[0] = source
    tail %= slots
    tries = 4 * slots * slots + 100
    while left > 0 and tries > 0:
        tries -= 1
        j = s.queue[head]
        head = (head + 1) % slots
        left -= 1
        s.waiting[j] = False
        for k in range(slots):
            if not s.used[k] or k == source:
                continue
            way = s.path[j] + s.step[j, k]
            if way < s.path[k] - tiny:
                s.path[k], s.after[k] = way, j
                if not s.waiting[k]:
                    s.waiting[k] = True
                    s.queue[tail] = k
                    tail, left = (tail + 1) % slots, left + 1


@compiled
def enter(s, k):
    """Fill slot *k*, which is used and empty, as long as this lowers the cost; return by how much it fell."""
    slots, won = len(s.used), 0.0
    tiny = 1e-11 * s.size[0]
    for t in range(slots):
        if s.used[t] and t != k:
            look(s, t, k)
            s.step[k, t], s.via[k, t] = np.inf, -1
    while s.room[k] > 0.0:
        ways_to(s, k)
        source, best = -1, -tiny
        for t in range(slots):
            if s.used[t] and t != k and s.load[t] > 0.0 and s.path[t] < best:
                source, best = t, s.path[t]
        if source < 0:
            break
        amount = min(s.room[k], s.load[source])
        t = source
        while t != k:
            i, then = s.via[t, s.after[t]], s.after[t]
            amount = min(amount, s.flow[t, i], s.weight[i] * s.part[then] - s.flow[then, i])
            t = then
        t = source
        while t != k:
            then = s.after[t]
            move(s, s.via[t, then], t, then, amount)
            t = then
        won -= best * amount
        shift(s, source, k, amount)
    return won


@compiled
def leave(s, j):
    """Move all people out of slot *j* and give it up; return the rise in cost."""
    slots, lost = len(s.used), 0.0
    for t in range(slots):  # nobody comes in any more
        s.step[t, j], s.via[t, j] = np.inf, -1
    while s.load[j] > 0.0:
        ways_from(s, j)
        target, best = -1, np.inf
        for t in range(slots):
            if s.used[t] and t != j and s.room[t] > 0.0 and s.path[t] < best:
                target, best = t, s.path[t]
        if target < 0:
            break
        amount = min(s.load[j], s.room[target])
        t = target
        while t != j:
            before = s.after[t]
            i = s.via[before, t]
            amount = min(amount, s.flow[before, i], s.weight[i] * s.part[t] - s.flow[t, i])
            t = before
        t = target
        while t != j:
            before = s.after[t]
            move(s, s.via[before, t], before, t, amount)
            t = before
        lost += best * amount
        shift(s, j, target, amount)
    s.used[j] = False
    return lost


@compiled
def shift(s, j, k, amount):
    """Count *amount* people out of slot *j* and into *k*."""
    tiny = s.size[1]
    s.load[j] -= amount
    s.room[j] += amount
    if s.load[j] <= tiny:
        s.load[j] = 0.0
    s.load[k] += amount
    s.room[k] -= amount
    if s.room[k] <= tiny:
        s.room[k] = 0.0


@compiled
def price_needs(s, price):
    """Write the price of each need: what its people cost where they are, with the price of the places there.

    A place is worth what it costs to pass somebody on to a slot with room; a need without people pays 0. Leaves the
    prices of places in `path`.
    """
    ways_to(s, -1)
    for i in range(len(price)):
        most = -np.inf
        for t in range(len(s.used)):
            if s.used[t] and s.flow[t, i] > 0.0 and s.path[t] < np.inf:
                most = max(most, s.cost[t, i] + s.path[t])
        price[i] = most if most > -np.inf else 0.0
