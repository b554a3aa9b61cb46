"""Compiled loop of `dominance`: sets that are no subset of another."""

from __future__ import annotations

from typing import Any

import numpy as np

from siting.compiled import compiled

__all__ = ["maximal"]


@compiled
def maximal(ptr: Any, item: Any, order: Any, room: Any) -> Any:
    """Mark the sets that are no subset of an earlier one; *order* has the larger ones first.

    Set `k` holds ``item[ptr[k]:ptr[k + 1]]``, rising; *room* is the cumulated number of sets with each item. A set is
    compared only with the kept ones that have its rarest item.
    """
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
