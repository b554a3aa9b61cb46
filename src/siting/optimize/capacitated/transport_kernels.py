"""Compiled loops of the transport problem: people on open columns at the least cost, repaired as columns change.

Columns in use sit in slots. All people of a need are somewhere: where they may stay without a place, a slot takes them
as well. A way from slot to slot passes people on: the cheapest of those who are in the first and may go to the second.
Flows of the least cost stay so when people are moved along cheapest ways only (R. K. Ahuja, T. L. Magnanti and J. B.
Orlin, Network Flows, Prentice Hall, 1993, chapter 9: successive shortest paths).

Searches for a cheapest way look at slots in the order of what a way through them costs at least, by the potentials of
the flow before: these only rise as places are given up, and only fall as places are added.
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
    needs of each slot, `count` of them; `member` those of them who have people there, `held` of them, each at `place`;
    `around` (needs × slots) the slots that a need may go to, `options` of them. `potential` is the least cost of
    passing a person on from a slot until one has room. `path`, `after` and `waiting` are working space; `size` says
    what counts as zero.
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
    member: Ints
    place: Ints
    held: Ints
    around: Ints
    options: Ints
    potential: Floats
    path: Floats
    after: Ints
    waiting: Bools
    size: Floats


@compiled
def occupy(s, slot, needs, cost, room, part):
    """Put a column into an unused slot: needs that may go there, what each of their people costs, and its places."""
    s.cost[slot] = np.inf
    s.flow[slot] = 0.0
    for t in range(len(needs)):
        i = needs[t]
        s.cost[slot, i] = cost[t]
        s.near[slot, t] = i
        s.around[i, s.options[i]] = slot
        s.options[i] += 1
    s.count[slot], s.held[slot] = len(needs), 0
    s.room[slot], s.load[slot], s.part[slot], s.used[slot] = room, 0.0, part, True
    s.potential[slot] = 0.0


@compiled
def give_up(s, slot):
    """Leave a slot unused, in which nobody is."""
    s.used[slot] = False
    for t in range(s.count[slot]):
        i = s.near[slot, t]
        last = s.options[i] - 1
        for u in range(last):
            if s.around[i, u] == slot:
                s.around[i, u] = s.around[i, last]
                break
        s.options[i] = last


@compiled
def put(s, i, amount, slot):
    """Put people of need *i* into a slot, where none of them are."""
    s.flow[slot, i] = amount
    s.member[slot, s.held[slot]], s.place[slot, i] = i, s.held[slot]
    s.held[slot] += 1


@compiled
def begin(s, alone):
    """Put all people of each need into slot 0, or slot 1 where they are *alone*."""
    for i in range(len(alone)):
        put(s, i, s.weight[i], alone[i])
        s.load[alone[i]] += s.weight[i]


@compiled
def add_up(s):
    """Return what all people cost where they are."""
    total = 0.0
    for t in range(len(s.used)):
        if s.used[t]:
            for u in range(s.held[t]):
                i = s.member[t, u]
                total += s.flow[t, i] * s.cost[t, i]
    return total


@compiled
def look(s, j, k):
    """Find the need whose people pass from slot *j* to *k* at the least cost."""
    best, at = np.inf, -1
    part = s.part[k]
    if s.held[j] <= s.count[k]:
        for t in range(s.held[j]):
            i = s.member[j, t]
            more = s.cost[k, i]
            if more < np.inf and s.flow[k, i] < s.weight[i] * part:
                more -= s.cost[j, i]
                if more < best or (more == best and i < at):
                    best, at = more, i
    else:
        for t in range(s.count[k]):
            i = s.near[k, t]
            if s.flow[j, i] > 0.0 and s.flow[k, i] < s.weight[i] * part:
                more = s.cost[k, i] - s.cost[j, i]
                if more < best or (more == best and i < at):
                    best, at = more, i
    s.step[j, k], s.via[j, k] = best, at


@compiled
def move(s, i, j, k, amount):
    """Move people of need *i* from slot *j* to *k*, and keep the costs of passing on up to date."""
    zero = 1e-9 * s.weight[i]
    limit_j, limit_k = s.weight[i] * s.part[j], s.weight[i] * s.part[k]
    was_full, was_empty = s.flow[j, i] >= limit_j, s.flow[k, i] == 0.0
    s.flow[j, i] -= amount
    if s.flow[j, i] <= zero:
        s.flow[j, i] = 0.0
        s.held[j] -= 1
        last, at = s.member[j, s.held[j]], s.place[j, i]
        s.member[j, at], s.place[j, last] = last, at
        for u in range(s.options[i]):
            t = s.around[i, u]
            if t != j and s.via[j, t] == i:
                look(s, j, t)
    if was_empty:
        put(s, i, amount, k)
    else:
        s.flow[k, i] += amount
    if s.flow[k, i] >= limit_k - zero:
        s.flow[k, i] = limit_k
        for u in range(s.options[i]):
            t = s.around[i, u]
            if t != k and s.via[t, k] == i:
                look(s, t, k)
    if was_empty:
        for u in range(s.options[i]):
            t = s.around[i, u]
            if t != k and s.flow[t, i] < s.weight[i] * s.part[t]:
                more = s.cost[t, i] - s.cost[k, i]
                if more < s.step[k, t]:
                    s.step[k, t], s.via[k, t] = more, i
    if was_full:
        for u in range(s.options[i]):
            t = s.around[i, u]
            if t != j and s.flow[t, i] > 0.0:
                more = s.cost[j, i] - s.cost[t, i]
                if more < s.step[t, j]:
                    s.step[t, j], s.via[t, j] = more, i


@compiled
def find_potentials(s):
    """Find the least cost of passing a person on from each slot until one has room."""
    slots = len(s.used)
    tiny = 1e-12 * s.size[0]
    for t in range(slots):
        s.potential[t], s.waiting[t] = np.inf, False
        if s.used[t] and s.room[t] > 0.0:
            s.potential[t], s.waiting[t] = 0.0, True
    for _ in range(4 * slots * slots + 100):
        k, least = -1, np.inf
        for t in range(slots):
            if s.waiting[t] and s.potential[t] < least:
                k, least = t, s.potential[t]
        if k < 0:
            return
        s.waiting[k] = False
        for j in range(slots):
            if s.used[j] and s.room[j] <= 0.0 and s.step[j, k] + least < s.potential[j] - tiny:
                s.potential[j], s.waiting[j] = s.step[j, k] + least, True


@compiled
def way_into(s, k):
    """Find the cheapest way of a person into slot *k* that wins something; return where it begins, or -1.

    `path` is the cost and `after` the next slot.
    """
    slots = len(s.used)
    tiny = 1e-12 * s.size[0]
    source, best = -1, -1e-11 * s.size[0]
    for t in range(slots):
        s.waiting[t] = False
        if s.used[t] and t != k:
            s.path[t], s.after[t] = s.step[t, k], k
            s.waiting[t] = s.step[t, k] < np.inf
            if s.load[t] > 0.0 and s.path[t] < best:
                source, best = t, s.path[t]
    for _ in range(4 * slots * slots + 100):
        u, least = -1, best
        for t in range(slots):
            if s.waiting[t] and s.path[t] - s.potential[t] < least:
                u, least = t, s.path[t] - s.potential[t]
        if u < 0:
            break
        s.waiting[u] = False
        for j in range(slots):
            if not s.used[j] or j == k:
                continue
            way = s.step[j, u] + s.path[u]
            if way < s.path[j] - tiny:
                s.path[j], s.after[j], s.waiting[j] = way, u, True
                if s.load[j] > 0.0 and way < best:
                    source, best = j, way
    return source


@compiled
def way_out(s, j):
    """Find the cheapest way of a person out of slot *j* to one with room; return where it ends, or -1.

    `path` is the cost and `after` the slot before.
    """
    slots = len(s.used)
    tiny = 1e-12 * s.size[0]
    target, best = -1, np.inf
    for t in range(slots):
        s.waiting[t] = False
        if s.used[t] and t != j:
            s.path[t], s.after[t] = s.step[j, t], j
            s.waiting[t] = s.step[j, t] < np.inf
            if s.room[t] > 0.0 and s.path[t] < best:
                target, best = t, s.path[t]
    for _ in range(4 * slots * slots + 100):
        u, least = -1, best
        for t in range(slots):
            if s.waiting[t] and s.path[t] + s.potential[t] < least:
                u, least = t, s.path[t] + s.potential[t]
        if u < 0:
            break
        s.waiting[u] = False
        for k in range(slots):
            if not s.used[k] or k == j:
                continue
            way = s.path[u] + s.step[u, k]
            if way < s.path[k] - tiny:
                s.path[k], s.after[k], s.waiting[k] = way, u, True
                if s.room[k] > 0.0 and way < best:
                    target, best = k, way
    return target


@compiled
def enter(s, k):
    """Fill slot *k*, which is used and empty, as long as this lowers the cost; return by how much it fell."""
    slots, won = len(s.used), 0.0
    for t in range(slots):
        s.step[k, t], s.via[k, t] = np.inf, -1
        if s.used[t] and t != k:
            look(s, t, k)
    while s.room[k] > 0.0:
        source = way_into(s, k)
        if source < 0:
            break
        best = s.path[source]
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
    find_potentials(s)
    return won


@compiled
def leave(s, j):
    """Move all people out of slot *j* and give it up; return the rise in cost."""
    slots, lost = len(s.used), 0.0
    for t in range(slots):  # nobody comes in any more
        s.step[t, j], s.via[t, j] = np.inf, -1
    while s.load[j] > 0.0:
        target = way_out(s, j)
        if target < 0:
            break
        best = s.path[target]
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
    give_up(s, j)
    find_potentials(s)
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

    A place is worth what it costs to pass somebody on to a slot with room: the potential; a need without people pays 0.
    """
    price[:] = -np.inf
    for t in range(len(s.used)):
        if s.used[t] and s.potential[t] < np.inf:
            for u in range(s.held[t]):
                i = s.member[t, u]
                price[i] = max(price[i], s.cost[t, i] + s.potential[t])
    for i in range(len(price)):
        if price[i] == -np.inf:
            price[i] = 0.0
