"""Compiled loops of the capture: values, cuts, and the search for better plans.

A community with the open utility S captures ``w S / (S + D)``, D > 0 being what else there is to choose; with D = 0 all
of w as soon as S > 0.
"""

from __future__ import annotations

import numpy as np

from siting.compiled import compiled

#: Columns at such a value of the point count as open for a cut: none, or those that are as good as open.
SURE = (2.0, 0.95)
#: Steps to where a cut bends; they end by themselves.
BENDS = 50
#: The least gain that counts, as a share of all that can be captured.
LEAST = 1e-12


@compiled
def captured_share(open_, other):
    """Return the share that an open utility captures against *other*."""
    if open_ <= 0.0:
        return 0.0
    return open_ / (open_ + other)


@compiled
def capture(start, column, utility, other, weight, x):
    """Return what each community gives to open columns."""
    taken = np.zeros(len(weight))
    for i in range(len(weight)):
        total = 0.0
        for t in range(start[i], start[i + 1]):
            if x[column[t]]:
                total += utility[t]
        taken[i] = weight[i] * captured_share(total, other[i])
    return taken


@compiled
def _bend(first, last, column, utility, point, sure, start):
    """Return the largest s with ``s = sum of point_j min(utility_j, s)``, without columns at *sure* or more."""
    s = start
    for _ in range(BENDS):
        small, large = 0.0, 0.0
        for t in range(first, last):
            here = point[column[t]]
            if here < sure:
                if utility[t] > s:
                    large += here
                else:
                    small += here * utility[t]
        if large >= 1.0:
            return s
        lower = small / (1.0 - large)
        if lower >= s * (1.0 - 1e-12):
            return s
        s = lower
        if s <= 0.0:
            return 0.0
    return s


@compiled
def _height(first, last, column, utility, point, sure, d, s):
    """Return constant and value at *point* of the bent cut at s, for a weight of 1 and d beside."""
    flat = s * s / ((s + d) * (s + d))
    slope = d / ((s + d) * (s + d))
    value = flat
    for t in range(first, last):
        here = point[column[t]]
        if 0.0 < here < sure:
            a = utility[t]
            value += here * (slope * a if a <= s else a / (a + d) - flat)
    return flat, slope, value


@compiled
def cut_at(start, column, utility, other, weight, point, constant, slope):
    """Fill *constant* by community and *slope* by pair of an upper bound linear in the columns, low at *point*.

    See `Market.cut`; for each community the set K is empty or the columns at `SURE` or more, what is lower at *point*.
    """
    for i in range(len(weight)):
        w, d = weight[i], other[i]
        first, last = start[i], start[i + 1]
        best, sure_best, base_best, s_best, flat_best, slope_best = np.inf, 2.0, 0.0, 0.0, 0.0, 0.0
        for k in range(len(SURE)):
            base, total, count = 0.0, 0.0, 0.0
            for t in range(first, last):
                here = point[column[t]]
                if here >= SURE[k]:
                    base += utility[t]
                else:
                    total += utility[t] * here
                    count += here
            if k > 0 and base <= 0.0:
                continue
            if base + d <= 0.0:
                flat, g, value, s = 0.0, 0.0, min(count, 1.0), 0.0 if count < 1.0 else np.inf
            else:
                # with the base open, the rest captures d / (d + base) of what is left
                left = d / (d + base)
                s = _bend(first, last, column, utility, point, SURE[k], total) if count > 1.0 else 0.0
                flat, g, value = _height(first, last, column, utility, point, SURE[k], d + base, s)
                flat, g, value = 1.0 - left + left * flat, left * g, 1.0 - left + left * value
            if value < best:
                best, sure_best, base_best, s_best, flat_best, slope_best = value, SURE[k], base, s, flat, g
        alone = base_best + d <= 0.0
        constant[i] = (w if s_best > 0.0 else 0.0) if alone else w * flat_best
        for t in range(first, last):
            a = utility[t]
            if alone:
                slope[t] = 0.0 if s_best > 0.0 else w
            elif point[column[t]] >= sure_best:
                slope[t] = 0.0
            elif a <= s_best:
                slope[t] = w * slope_best * a
            else:
                slope[t] = w * ((base_best + a) / (base_best + a + d) - flat_best)


@compiled
def two_best(start, column, utility, best, second):
    """Fill the columns of the largest and second largest utility of each community, -1 where there is none."""
    for i in range(len(best)):
        most, next_ = -1.0, -1.0
        best[i] = second[i] = -1
        for t in range(start[i], start[i + 1]):
            if utility[t] > most:
                second[i], next_ = best[i], most
                best[i], most = column[t], utility[t]
            elif utility[t] > next_:
                second[i], next_ = column[t], utility[t]


@compiled
def part_pairs(start, column, order, of_community, size, of_pair, part, columns):
    """Give numbers to the pairs of a part and a column, and fill that of each pair; return how many there are.

    *order* has the communities part by part.
    """
    known = np.full(size, -1, np.int64)
    number, begin, current = 0, 0, -1
    for i in order:
        if of_community[i] != current:
            current, begin = of_community[i], number
        for t in range(start[i], start[i + 1]):
            j = column[t]
            if known[j] < begin:
                known[j] = number
                part[number], columns[number] = current, j
                number += 1
            of_pair[t] = known[j]
    return number


@compiled
def gains(start, row, utility, other, weight, total, gain):
    """Fill *gain* with what each column adds to the open utility *total* of the communities (lists by column)."""
    for j in range(len(gain)):
        sum_ = 0.0
        for t in range(start[j], start[j + 1]):
            i = row[t]
            sum_ += weight[i] * (captured_share(total[i] + utility[t], other[i]) - captured_share(total[i], other[i]))
        gain[j] = sum_


@compiled
def _shift(start, row, utility, total, count, j, sign):
    """Add the utility of a column to the totals, or take it away; a community without open columns has 0."""
    for t in range(start[j], start[j + 1]):
        i = row[t]
        count[i] += sign
        total[i] = total[i] + sign * utility[t] if count[i] > 0 else 0.0


@compiled
def _move(rule_start, rule, amount, activity, j, sign):
    for t in range(rule_start[j], rule_start[j + 1]):
        activity[rule[t]] += sign * amount[t]


@compiled
def _missed(activity, low, high, slack):
    """Count the rules that are not kept."""
    missed = 0
    for r in range(len(activity)):
        if activity[r] > high[r] + slack[r] or activity[r] < low[r] - slack[r]:
            missed += 1
    return missed


@compiled
def _mends(rule_start, rule, amount, activity, low, high, slack, missed, j):
    """Whether all rules are kept with one more column, of which *missed* are not kept without it."""
    mended = 0
    for t in range(rule_start[j], rule_start[j + 1]):
        r = rule[t]
        before, after = activity[r], activity[r] + amount[t]
        if after > high[r] + slack[r] or after < low[r] - slack[r]:
            return False
        if before > high[r] + slack[r] or before < low[r] - slack[r]:
            mended += 1
    return mended == missed


@compiled
def _gain(start, row, utility, other, weight, total, j):
    sum_ = 0.0
    for t in range(start[j], start[j + 1]):
        i = row[t]
        sum_ += weight[i] * (captured_share(total[i] + utility[t], other[i]) - captured_share(total[i], other[i]))
    return sum_


@compiled
def fill(
    start,
    row,
    utility,
    other,
    weight,
    rule_start,
    rule,
    amount,
    low,
    high,
    slack,
    scale,
    x,
    total,
    count,
    activity,
    gain,
    least,
    most,
):
    """Open the column that adds most, its gain times *scale*, while rules stay kept and something is gained.

    *gain* are those of before, which never rise: a column is looked at again only while its old one is the largest
    (Minoux, see `siting.optimize.first_plan`). At most so many open; return whether that was the end.
    """
    new = np.zeros(len(x), np.bool_)
    for _ in range(most):
        new[:] = False
        while True:
            best, value = -1, least
            for j in range(len(x)):
                if not x[j] and gain[j] * scale[j] > value and gain[j] > least:
                    best, value = j, gain[j] * scale[j]
            if best < 0:
                return True
            if not _mends(rule_start, rule, amount, activity, low, high, slack, 0, best):
                gain[best] = 0.0
            elif new[best]:
                break
            else:
                gain[best] = _gain(start, row, utility, other, weight, total, best)
                new[best] = True
        x[best] = True
        _shift(start, row, utility, total, count, best, 1)
        _move(rule_start, rule, amount, activity, best, 1.0)
    return False


@compiled
def _shift_with_gains(start, row, utility, first, column, worth, other, weight, total, count, gain, j, sign):
    """Add a column to the totals or take it away, and change the gains of the columns of its communities."""
    for t in range(start[j], start[j + 1]):
        i = row[t]
        before = total[i]
        count[i] += sign
        after = before + sign * utility[t] if count[i] > 0 else 0.0
        total[i] = after
        w, d = weight[i], other[i]
        base = captured_share(before, d) - captured_share(after, d)
        for s in range(first[i], first[i + 1]):
            a = worth[s]
            gain[column[s]] += w * (captured_share(after + a, d) - captured_share(before + a, d) + base)


@compiled
def interchange(
    start,
    row,
    utility,
    first,
    column,
    worth,
    other,
    weight,
    rule_start,
    rule,
    amount,
    low,
    high,
    slack,
    x,
    total,
    count,
    activity,
    gain,
    least,
    columns,
):
    """Replace each of some open columns by the best other one where that gains; return whether any was replaced.

    *gain* are those of all columns, and are kept up to date; the pairs stand by column and by community.
    """
    better = False
    for k in columns:
        if not x[k]:
            continue
        _shift_with_gains(start, row, utility, first, column, worth, other, weight, total, count, gain, k, -1)
        _move(rule_start, rule, amount, activity, k, -1.0)
        missed = _missed(activity, low, high, slack)
        best, most = k, gain[k] + least
        for j in range(len(x)):
            more = not x[j] and gain[j] > most
            if more and _mends(rule_start, rule, amount, activity, low, high, slack, missed, j):
                best, most = j, gain[j]
        x[k] = False
        x[best] = True
        better = better or best != k
        _shift_with_gains(start, row, utility, first, column, worth, other, weight, total, count, gain, best, 1)
        _move(rule_start, rule, amount, activity, best, 1.0)
    return better
