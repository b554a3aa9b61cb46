"""The compiled loops of set covering: prices of rows by subgradients, greedy covers, and a search by row weights."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from siting.compiled import compiled
from siting.numbers import Floats, Ints32


class Incidence(NamedTuple):
    """The rows of each column, the columns of each row, and the cost of each column."""

    start: Ints32
    rows: Ints32
    back_start: Ints32
    back: Ints32
    cost: Floats


@compiled
def price_rows(sets, price, known, enough, rounds, step, patience):
    """Improve the prices of rows by subgradients, for so many *rounds*; return their bound, the last step and rounds.

    The bound is the sum of prices, and of the reduced costs below 0. *known* is the cost of a cover, *enough* a bound
    with which to stop; *price* is left at the best. Steps shrink after *patience* rounds without a better bound. Each
    direction is deflected by the one before (Camerini, P. M., Fratta, L. and Maffioli, F., 1975, On improving
    relaxation methods by modified gradient techniques, Mathematical Programming Study 3, pp. 26-34).
    """
    start, rows, cost = sets.start, sets.rows, sets.cost
    n, m = len(sets.back_start) - 1, len(start) - 1
    u, best_bound, since, done = price.copy(), -np.inf, 0, 0
    covered, way = np.zeros(n), np.zeros(n)
    for _ in range(rounds):
        bound = 0.0
        done += 1
        for i in range(n):
            bound += u[i]
            covered[i] = 0.0
        for j in range(m):
            left = cost[j]
            for e in range(start[j], start[j + 1]):
                left -= u[rows[e]]
            if left < 0.0:
                bound += left
                for e in range(start[j], start[j + 1]):
                    covered[rows[e]] += 1.0
        if bound > best_bound:
            if bound > best_bound + 1e-4 * (known - best_bound):
                since = 0
            best_bound = bound
            price[:] = u
        since += 1
        if best_bound >= enough:
            break
        if since >= patience:
            since = 0
            step *= 0.6
            u[:] = price
            way[:] = 0.0
            if step < 1e-3:
                break
            continue
        with_before, before = 0.0, 0.0
        for i in range(n):
            with_before += (1.0 - covered[i]) * way[i]
            before += way[i] * way[i]
        deflect = -1.5 * with_before / before if with_before < 0.0 and before > 0.0 else 0.0
        norm = 0.0
        for i in range(n):
            way[i] = 1.0 - covered[i] + deflect * way[i]
            if u[i] <= 0.0 and way[i] < 0.0:
                way[i] = 0.0
            norm += way[i] * way[i]
        if norm < 1e-12:
            break
        move = step * max(known - bound, 1e-6 * abs(known)) / norm
        for i in range(n):
            u[i] = max(0.0, u[i] + move * way[i])
    return best_bound, step, done


@compiled
def reduced_costs(sets, price):
    """Return the cost of each column less the prices of its rows."""
    left = sets.cost.copy()
    for j in range(len(left)):
        for e in range(sets.start[j], sets.start[j + 1]):
            left[j] -= price[sets.rows[e]]
    return left


@compiled
def nearest_columns(sets, left, each, below):
    """Mark the columns with a reduced cost *left* up to *below*, and the least *each* of every row."""
    marked = left <= below
    back_start, back = sets.back_start, sets.back
    least = np.empty(each, np.int64)
    for i in range(len(back_start) - 1):
        size = 0
        for f in range(back_start[i], back_start[i + 1]):
            j = back[f]
            at = size
            while at > 0 and left[least[at - 1]] > left[j]:
                at -= 1
            if at == each:
                continue
            size = min(size + 1, each)
            for k in range(size - 1, at, -1):
                least[k] = least[k - 1]
            least[at] = j
        for k in range(size):
            marked[least[k]] = True
    return marked


@compiled
def greedy_cover(sets, left, price, x):
    """Complete the cover *x* greedily by reduced costs of what is not covered yet, then drop what is not needed.

    *left* are the reduced costs; a column covers k more rows for the cost left: cheap is a small quotient, or product
    where it is below 0 (Caprara, A., Fischetti, M. and Toth, P., 1999, A heuristic method for the set covering problem,
    Operations Research 47, pp. 730-743). Return the cost; infinite where a row cannot be covered.
    """
    start, rows, cost = sets.start, sets.rows, sets.cost
    n, m = len(sets.back_start) - 1, len(start) - 1
    count, more, dear = np.zeros(n, np.int64), np.zeros(m, np.int64), left.copy()
    missing = n
    for j in range(m):
        more[j] = start[j + 1] - start[j]
    for j in range(m):
        if x[j]:
            missing = _cover(sets, j, count, more, dear, price, missing)
    while missing > 0:
        best, top = -1, np.inf
        for j in range(m):
            if more[j] > 0 and not x[j]:
                score = dear[j] / more[j] if dear[j] > 0.0 else dear[j] * more[j]
                if score < top:
                    best, top = j, score
        if best < 0:
            return np.inf
        x[best] = True
        missing = _cover(sets, best, count, more, dear, price, missing)
    total = 0.0
    open_columns = np.flatnonzero(x)
    for j in open_columns[np.argsort(-cost[open_columns], kind="mergesort")]:
        needed = False
        for e in range(start[j], start[j + 1]):
            if count[rows[e]] == 1:
                needed = True
                break
        if needed:
            total += cost[j]
        else:
            x[j] = False
            for e in range(start[j], start[j + 1]):
                count[rows[e]] -= 1
    return total


@compiled
def _cover(sets, j, count, more, dear, price, missing):
    """Count the rows of column j as covered; return how many are missing then."""
    for e in range(sets.start[j], sets.start[j + 1]):
        i = sets.rows[e]
        count[i] += 1
        if count[i] == 1:
            missing -= 1
            for f in range(sets.back_start[i], sets.back_start[i + 1]):
                more[sets.back[f]] -= 1
                dear[sets.back[f]] += price[i]
    return missing


@compiled
def price_and_cover(sets, price, best, known, rounds, step):
    """Walk on from the prices by subgradients and make a greedy cover in each round; return the least cost.

    *best* is replaced by a cover of less than *known*.
    """
    start, rows = sets.start, sets.rows
    n, m = len(sets.back_start) - 1, len(start) - 1
    u, covered = price.copy(), np.zeros(n)
    for _ in range(rounds):
        left = reduced_costs(sets, u)
        x = np.zeros(m, np.bool_)
        found = greedy_cover(sets, left, u, x)
        if found < known:
            known = found
            best[:] = x
        bound = u.sum()
        covered[:] = 0.0
        for j in range(m):
            if left[j] < 0.0:
                bound += left[j]
                for e in range(start[j], start[j + 1]):
                    covered[rows[e]] += 1.0
        norm = 0.0
        for i in range(n):
            norm += (1.0 - covered[i]) ** 2
        if norm == 0.0:
            break
        move = step * max(known - bound, 1e-6 * abs(known)) / norm
        for i in range(n):
            u[i] = max(0.0, u[i] + move * (1.0 - covered[i]))
    return known


@compiled
def search_by_weights(sets, x, best, goal, grain, steps, state, weight, moved):
    """Search for cheaper covers from *x*, weighing rows that stay uncovered; return the cost of *best* and the state.

    In each of the *steps* columns close that lose the least weight for their cost, until one more fits below the best
    cost; then one opens that covers some uncovered row, and gains the most weight for its cost. Rows still uncovered
    weigh more from then on. A column that has closed opens again only after some column of its rows has changed, and
    one that has opened stays for the next step. It ends below the cost *goal*. *state* is the random numbers', *weight*
    that of rows, *moved* the step in which each column changed last: with them a search goes on.

    Gao, C., Yao, X., Weise, T. and Li, J., 2015, An efficient local search heuristic with row weighting for the unicost
    set covering problem, European Journal of Operational Research 246, pp. 750-761; here with costs.
    """
    start, rows, back_start, back, cost = sets
    n, m = len(back_start) - 1, len(start) - 1
    count, owner, changed = np.zeros(n, np.int64), np.zeros(n, np.int64), np.full(n, -1, np.int64)
    #: Weight that an open column alone covers, or that a closed one would add.
    score = np.zeros(m)
    missing, where, size = np.arange(n), np.arange(n), n
    inside, place, opened = np.zeros(m, np.int64), np.full(m, -1, np.int64), 0
    for j in range(m):
        for e in range(start[j], start[j + 1]):
            score[j] += weight[rows[e]]
    spent, best_cost = 0.0, np.inf
    for j in range(m):
        if x[j]:
            x[j] = False
            spent, size, opened = _flip(sets, j, x, count, owner, score, weight, missing, where, size, spent,
                                        inside, place, opened)  # fmt: skip
    if best.any():
        best_cost = 0.0
        for j in range(m):
            if best[j]:
                best_cost += cost[j]
    offset = moved.max() + 1 if m else 0
    for now in range(offset, offset + steps):
        while size == 0:
            # what is not needed closes first, the most expensive of it
            drop, top = -1, np.inf
            for k in range(opened):
                j = inside[k]
                loss = score[j] / cost[j] if score[j] > 0.0 else -cost[j]
                if loss < top or (loss == top and (moved[j] < moved[drop] or (moved[j] == moved[drop] and j < drop))):
                    drop, top = j, loss
            if drop < 0:
                break
            if top >= 0.0 and spent < best_cost - 0.5 * grain:
                best_cost = spent
                best[:] = x
                if best_cost < goal:
                    return best_cost, state
            spent, size, opened = _flip(sets, drop, x, count, owner, score, weight, missing, where, size, spent,
                                        inside, place, opened)  # fmt: skip
            moved[drop] = now
            for e in range(start[drop], start[drop + 1]):
                changed[rows[e]] = now
        if size == 0:
            break
        drop, top = -1, np.inf
        for k in range(opened):
            j = inside[k]
            loss = score[j] / cost[j]
            if moved[j] >= now - 1 and now > offset:
                continue
            if loss < top or (loss == top and (moved[j] < moved[drop] or (moved[j] == moved[drop] and j < drop))):
                drop, top = j, loss
        if drop >= 0:
            spent, size, opened = _flip(sets, drop, x, count, owner, score, weight, missing, where, size, spent,
                                        inside, place, opened)  # fmt: skip
            moved[drop] = now
            for e in range(start[drop], start[drop + 1]):
                changed[rows[e]] = now
        while size > 0:
            state ^= state << np.uint64(13)  # xorshift (Marsaglia, G., 2003, Journal of Statistical Software 8, 14)
            state ^= state >> np.uint64(7)
            state ^= state << np.uint64(17)
            i = missing[np.int64(state % np.uint64(size))]
            add, top = -1, -1.0
            for f in range(back_start[i], back_start[i + 1]):
                j = back[f]
                gain = score[j] / cost[j]
                if gain < top or (gain == top and moved[j] >= moved[add]):
                    continue
                free = moved[j] < offset
                if not free:
                    for e in range(start[j], start[j + 1]):
                        if changed[rows[e]] > moved[j]:
                            free = True
                            break
                if free:
                    add, top = j, gain
            if add < 0 or spent + cost[add] >= best_cost - 0.5 * grain:
                for k in range(size):
                    _weigh(sets, missing[k], weight, score)
                break
            spent, size, opened = _flip(sets, add, x, count, owner, score, weight, missing, where, size, spent,
                                        inside, place, opened)  # fmt: skip
            moved[add] = now
            for e in range(start[add], start[add + 1]):
                changed[rows[e]] = now
            for k in range(size):
                _weigh(sets, missing[k], weight, score)
    return best_cost, state


@compiled
def _weigh(sets, i, weight, score):
    """Let an uncovered row weigh one more."""
    weight[i] += 1.0
    for f in range(sets.back_start[i], sets.back_start[i + 1]):
        score[sets.back[f]] += 1.0


@compiled
def _flip(sets, j, x, count, owner, score, weight, missing, where, size, spent, inside, place, opened):
    """Open or close column j; return the cost then, how many rows are uncovered, and how many columns are open."""
    start, rows, back_start, back, cost = sets
    if x[j]:
        for e in range(start[j], start[j + 1]):
            i = rows[e]
            count[i] -= 1
            owner[i] -= j
            if count[i] == 0:
                missing[size], where[i] = i, size
                size += 1
                for f in range(back_start[i], back_start[i + 1]):
                    if back[f] != j:
                        score[back[f]] += weight[i]
            elif count[i] == 1:
                score[owner[i]] += weight[i]
        opened -= 1
        other = inside[opened]
        inside[place[j]], place[other] = other, place[j]
        place[j] = -1
        spent -= cost[j]
    else:
        for e in range(start[j], start[j + 1]):
            i = rows[e]
            if count[i] == 0:
                size -= 1
                other = missing[size]
                missing[where[i]], where[other] = other, where[i]
                for f in range(back_start[i], back_start[i + 1]):
                    if back[f] != j:
                        score[back[f]] -= weight[i]
            elif count[i] == 1:
                score[owner[i]] -= weight[i]
            count[i] += 1
            owner[i] += j
        inside[opened], place[j] = j, opened
        opened += 1
        spent += cost[j]
    x[j] = not x[j]
    return spent, size, opened
