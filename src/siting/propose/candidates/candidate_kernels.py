"""Compiled loops: sites near points, a table of sets of sites, and the sets that are no subset of another."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from siting.compiled import compiled
from siting.numbers import Floats, Ints, Ints32


class Cells(NamedTuple):
    """Square cells from *corner* on, each with the sites *listed* from *starts* it may reach, by *square* distance."""

    corner: Floats
    side: float
    shape: Ints
    starts: Ints
    listed: Ints32
    sites: Floats
    square: float


class Near(NamedTuple):
    """The sites near each point, ascending: where its list *begins*, each *site* and the squared *distance*."""

    begins: Ints
    site: Ints32
    distance: Floats


class Sets(NamedTuple):
    """A hash table of sets of sites, -1 in free slots; *sizes* counts sets and members, *largest* are distances."""

    slots: Ints
    starts: Ints
    hashes: Ints
    members: Ints32
    largest: Floats
    people: Floats
    sizes: Ints


@compiled
def near(points, cells, block):
    """Write the sites near each point into *block*; points outside of all cells reach none."""
    corner, side, shape, starts, listed, sites, square = cells
    begins, site, distance = block
    at = 0
    for i in range(len(points)):
        begins[i] = at
        x, y = points[i, 0], points[i, 1]
        column, row = np.floor((x - corner[0]) / side), np.floor((y - corner[1]) / side)
        if not (0 <= column < shape[0] and 0 <= row < shape[1]):
            continue
        cell = int(row) * shape[0] + int(column)
        for k in range(starts[cell], starts[cell + 1]):
            j = listed[k]
            dx, dy = sites[j, 0] - x, sites[j, 1] - y
            d = dx * dx + dy * dy
            if d <= square:
                site[at] = j
                distance[at] = d
                at += 1
    begins[len(points)] = at


@compiled
def put(block, weight, first, sets):
    """Add origins from *first* on to their sets; return the first that found no room."""
    begins, site, distance = block
    slots, starts, hashes, members, largest, people, sizes = sets
    mask = len(slots) - 1
    for i in range(first, len(begins) - 1):
        begin, length = begins[i], begins[i + 1] - begins[i]
        if 2 * sizes[0] >= mask or sizes[0] + 1 >= len(starts) or sizes[1] + length > len(members):
            return i
        code = np.int64(length)
        for k in range(begin, begin + length):
            code = (code ^ np.int64(site[k])) * np.int64(1099511628211)
            code ^= code >> np.int64(29)
        slot = code & mask
        while True:
            group = slots[slot]
            if group < 0:  # a new set
                group = sizes[0]
                slots[slot] = group
                hashes[group] = code
                start = sizes[1]
                for k in range(length):
                    members[start + k] = site[begin + k]
                    largest[start + k] = distance[begin + k]
                sizes[0] += 1
                sizes[1] += length
                starts[group + 1] = sizes[1]
                break
            start = starts[group]
            same = hashes[group] == code and starts[group + 1] - start == length
            k = 0
            while same and k < length:
                same = members[start + k] == site[begin + k]
                k += 1
            if same:
                for k in range(length):
                    if distance[begin + k] > largest[start + k]:
                        largest[start + k] = distance[begin + k]
                break
            slot = (slot + 1) & mask
        people[group] += weight[i]
    return len(begins) - 1


@compiled
def maximal(ptr, item, order, room):
    """Mark ``item[ptr[k]:ptr[k + 1]]`` in no earlier one of *order*, larger first; *room* cumulates sets of items."""
    keep = np.zeros(ptr.size - 1, np.bool_)
    marks = np.zeros(ptr.size - 1, np.uint64)
    listed, filled = np.empty(item.size, np.int64), np.zeros(room.size - 1, np.int64)
    for k in order:
        lo, hi = ptr[k], ptr[k + 1]
        if lo == hi:
            continue
        mark, rarest = np.uint64(0), item[lo]
        for i in range(lo, hi):
            mark |= np.uint64(1) << np.uint64(item[i] & 63)
            if filled[item[i]] < filled[rarest]:
                rarest = item[i]
        marks[k] = mark
        part = False
        for j in range(room[rarest], room[rarest] + filled[rarest]):
            other = listed[j]
            if mark & ~marks[other]:
                continue
            at, end, same = ptr[other], ptr[other + 1], True
            for i in range(lo, hi):
                while at < end and item[at] < item[i]:
                    at += 1
                if at == end or item[at] != item[i]:
                    same = False
                    break
            if same:
                part = True
                break
        if part:
            continue
        keep[k] = True
        for i in range(lo, hi):
            listed[room[item[i]] + filled[item[i]]] = k
            filled[item[i]] += 1
    return keep
