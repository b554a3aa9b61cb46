"""How people may go to places: communities that stay together, and everybody at the nearest open site only."""

from __future__ import annotations

import numpy as np
from scipy.sparse import block_array, csr_array, eye_array

from siting.numbers import Bools, Floats, Ints

__all__ = ["closest_rows", "is_whole_at_one", "nearest_arcs"]


def nearest_arcs(need: Ints, pool: Ints, site: Ints, cost: Floats, open_pools: Bools) -> Bools:
    """Return which arcs lead to the nearest open pool of their need; of equally near ones to the first site."""
    at = np.flatnonzero(open_pools[pool])
    order = at[np.lexsort((site[pool[at]], cost[at], need[at]))]
    found = np.zeros(len(need), bool)
    found[order[np.unique(need[order], return_index=True)[1]]] = True
    return found


def closest_rows(
    need: Ints, pool: Ints, site: Ints, cost: Floats, amount: Floats, opens: csr_array
) -> tuple[csr_array, csr_array, csr_array, Floats]:
    """Return rows that keep people from passing an open pool by: parts of columns, arcs and rests, and upper limits.

    The arcs of a need stand in the order of their cost. With r_a the people of its need on arc *a* or a later one::

        r_a = f_a + r_next,    r_next <= amount (1 - [the pool of a is open])

    which sums over the later arcs as in Wagner and Falkson 1975 [1]_, with three entries for an arc. The upper limit of
    the first rows is 0 from both sides, of the second minus infinity to the amount.

    References
    ----------
    .. [1] R. A. Gerrard and R. L. Church, "Closest assignment constraints and location models: properties and
       structure", Location Science 4 (4), 1996, pp. 251-270.
    """
    arcs = len(need)
    order = np.lexsort((site[pool], cost, need))
    last = np.append(need[order][1:] != need[order][:-1], True)[:arcs]
    step = csr_array((np.ones(arcs - int(last.sum())), (order[:-1][~last[:-1]], order[1:][~last[:-1]])), (arcs, arcs))
    rest = csr_array(step - eye_array(arcs, format="csr"))
    before = np.sort(order[:-1][~last[:-1]])  # arcs with a later one
    shut = csr_array(opens[pool[before]].multiply(amount[need[before]][:, None]))
    none = csr_array((arcs, opens.shape[1]))
    columns = csr_array(block_array([[none], [shut]], format="csr"))
    people = csr_array(block_array([[eye_array(arcs, format="csr")], [csr_array((len(before), arcs))]], format="csr"))
    rests = csr_array(block_array([[rest], [step[before]]], format="csr"))
    return columns, people, rests, amount[need[before]]


def is_whole_at_one(need: Ints, people: Floats, amount: Floats, slack: Floats) -> bool:
    """Whether the people of each need are on one arc, all of them, or on none."""
    on = np.flatnonzero(people > 0)
    at = need[on]
    return bool((np.bincount(at, minlength=1) <= 1).all() and (people[on] >= amount[at] - slack[at]).all())
