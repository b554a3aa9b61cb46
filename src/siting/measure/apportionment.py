"""Whole numbers that add up: `round_to_total` by largest remainders, `fit_margins` for tables with two margins."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from siting.errors import ProblemError
from siting.measure.alignment import unique_ids
from siting.messages import Message
from siting.numbers import Floats, Ints, Positions, floats
from siting.optimize import highs
from siting.optimize.max_flow import LARGEST, maximum_flow

__all__ = ["apportion", "fit_margins", "round_to_total", "whole_number"]

#: A table is fitted when each margin is met to this many people, or this share of the total where that is more.
CLOSE, SHARE = 1e-6, 1e-12
ROUNDS = 10_000
#: Rounding tolerance of a quota, absolute and as a share of it.
NEAR, SHARE_NEAR = 1e-9, 1e-12
#: Totals of whole weights are exact up to the first; up to the second, the sum of all `SHARE_NEAR` is below 1.
MOST, MOST_PARTS = 2**53, 10**11


def whole_number(value: float) -> int:
    """Round to the nearest whole number, halves up: 2.5 to 3."""
    return math.floor(value + 0.5)


def round_to_total(weights: pd.Series, total: int) -> pd.Series:
    """Apportion a whole number in proportion to weights, in whole numbers that add up to it.

    Each row gets its quota ``total w(i) / sum(w)`` rounded down; the rows with the largest remainders get one more
    each, the first of equal ones (method of Hamilton [1]_). A row of weight 0 gets 0.

    Parameters
    ----------
    weights, total
        Numbers of 0 or more, such as people by community; a whole number of 0 or more.

    Returns
    -------
    Series
        int64, with the index and the name of *weights*.

    Raises
    ------
    ProblemError
        When a weight is missing or negative, or *total* is not a whole number of 0 or more, or is above 0 and all
        weights are 0.

    References
    ----------
    .. [1] M. L. Balinski and H. P. Young, "Fair Representation", Yale University Press, 1982.

    Examples
    --------
    >>> round_to_total(pd.Series({"a": 1, "b": 1, "c": 2}), 9).tolist()
    [2, 2, 5]
    """
    values = checked(weights, "weights")
    number = isinstance(total, Real) and not isinstance(total, bool | np.bool_)
    if not number or not 0 <= total <= MOST or total != int(total):
        raise ProblemError(Message("forecast.total", value=total, most=MOST))
    if total and not values.any():
        raise ProblemError(Message("forecast.weights_zero", total=total))
    shares = apportion(values, np.zeros(len(values), np.intp), np.array([total], np.int64))
    return pd.Series(shares, index=weights.index, name=weights.name)


def checked(weights: pd.Series, what: str | Message) -> npt.NDArray[Any]:
    """Return weights as int64 where all are whole, else as float64; refuse what is missing, negative or infinite."""
    if not isinstance(weights, pd.Series):
        raise ProblemError(Message("argument.only_series", what=what, value=weights))
    values = floats(weights)
    if (wrong := ~np.isfinite(values) | (values < 0)).any():
        rows = weights.index[wrong]
        raise ProblemError(Message("ids.negative", what=what, n=len(rows), ids=rows))
    return values.astype(np.int64) if (values == np.floor(values)).all() and values.max(initial=0) < 2**53 else values


def apportion(weights: npt.NDArray[Any], group: Positions, totals: Ints) -> Ints:
    """Apportion the total of each group among its rows by largest remainders; one of weights 0 gets nothing."""
    floor, rest = _quotas(weights, group, totals)
    given = np.zeros(len(totals), np.int64)
    np.add.at(given, group, floor)
    order = np.lexsort((np.arange(len(group)), -rest, group))
    first = np.searchsorted(group[order], np.arange(len(totals)))
    rank = np.empty(len(group), np.intp)
    rank[order] = np.arange(len(group)) - first[group[order]]
    return floor + ((rank < (totals - given)[group]) & (weights > 0))


def _quotas(weights: npt.NDArray[Any], group: Positions, totals: Ints) -> tuple[Ints, npt.NDArray[Any]]:
    """Split each row's quota into its whole part and a remainder that can be compared within a group."""
    floor: npt.NDArray[Any]
    rest: npt.NDArray[Any]
    sums = np.zeros(len(totals), weights.dtype)
    with np.errstate(over="ignore"):  # infinite sums are refused below
        np.add.at(sums, group, weights)
    sums[sums == 0] = 1
    most = float(weights.max(initial=0)) * float(totals.max(initial=0))
    if np.issubdtype(weights.dtype, np.integer) and most < 2**62:
        product = weights * totals[group]
        floor, rest = product // sums[group], product % sums[group]
    else:
        if totals.max(initial=0) > MOST_PARTS or not np.isfinite(sums).all():
            raise ProblemError(Message("forecast.not_to_unit", total=int(totals.max()), most=MOST_PARTS))
        quota = weights / sums[group] * totals[group]
        nearest = np.rint(quota)
        quota = np.where(np.abs(quota - nearest) <= NEAR + SHARE_NEAR * quota, nearest, quota)
        floor, rest = np.floor(quota).astype(np.int64), quota - np.floor(quota)
    return floor, np.where(weights > 0, rest, -1)


def fit_margins(table: pd.DataFrame, *, rows: pd.Series, columns: pd.Series) -> pd.DataFrame:
    """Scale a table of people to two margins, in whole numbers.

    Rows and columns are scaled in turn until both sums match (iterative proportional fitting [1]_), which keeps the
    table's cross-product ratios. Then each cell is rounded up or down, as near to its fraction as possible, so that
    both margins are met exactly (controlled rounding [2]_). A cell of 0 stays 0. A cell that is 0 in every table that
    meets the margins is set to 0 first: scaling would approach 0 too slowly.

    Parameters
    ----------
    table
        People by area (rows) and by group (columns), such as districts by age band.
    rows, columns
        Whole totals of the rows and of the columns, by label. Both have the same sum.

    Returns
    -------
    DataFrame
        int64, with the index and columns of *table*.

    Raises
    ------
    ProblemError
        When a label occurs twice or has no total, the two sums differ, a row or column of zeros has a total, or the
        zeros of the table make both margins impossible, as a maximum flow proves.

    References
    ----------
    .. [1] W. E. Deming and F. F. Stephan, "On a least squares adjustment of a sampled frequency table when the expected
       marginal totals are known", Annals of Mathematical Statistics 11 (4), 1940, pp. 427-444.
    .. [2] L. H. Cox and L. R. Ernst, "Controlled rounding", INFOR 20 (4), 1982, pp. 423-432.

    Examples
    --------
    >>> table = pd.DataFrame({"infants": [10, 10], "others": [90, 190]}, index=["D1", "D2"])
    >>> fit_margins(table, rows=pd.Series({"D1": 150, "D2": 150}), columns=pd.Series({"infants": 20, "others": 280}))
        infants  others
    D1       13     137
    D2        7     143
    """
    down_labels, across_labels = unique_ids(table.index, "rows"), unique_ids(table.columns, "columns")
    start = np.column_stack([_people(table, name) for name in table.columns]).astype(float)
    down, across = _margin(rows, down_labels, "rows"), _margin(columns, across_labels, "columns")
    if down.sum() != across.sum():
        raise ProblemError(Message("forecast.margins_differ", rows=int(down.sum()), columns=int(across.sum())))
    if (empty := (start.sum(1) == 0) & (down > 0)).any():
        raise ProblemError(Message("forecast.row_zero", labels=down_labels[empty]))
    if (empty := (start.sum(0) == 0) & (across > 0)).any():
        raise ProblemError(Message("forecast.column_zero", labels=across_labels[empty]))
    fitted = _scaled(_possible(start, down, across, table), down, across, table)
    return pd.DataFrame(_rounded(fitted, down, across), index=table.index, columns=table.columns)


def _people(table: pd.DataFrame, name: Any) -> npt.NDArray[Any]:
    return checked(table[name], Message("argument.column_of", what="table", column=name))


def _margin(totals: pd.Series, labels: pd.Index, what: str) -> Ints:
    if not isinstance(totals, pd.Series):
        raise ProblemError(Message("forecast.margin_series", what=what, value=totals))
    absent = labels.difference(totals.index)
    if len(absent):
        raise ProblemError(Message("forecast.margin_absent", what=what, labels=absent))
    unique_ids(totals.index, what)
    values = checked(totals.loc[labels], what)
    if values.dtype != np.int64:
        raise ProblemError(Message("forecast.margin_whole", what=what))
    return values


def _possible(table: Floats, down: Ints, across: Ints, named: pd.DataFrame) -> Floats:
    """Keep the cells that can be above 0 when both margins are met: on a cycle of the residual graph of a flow."""
    most = max(int(down.max(initial=0)), int(across.max(initial=0)))
    if most > LARGEST:
        raise ProblemError(Message("forecast.margin_large", total=most, most=LARGEST))
    i, j = (at.astype(np.int32) for at in np.nonzero(table > 0))
    filling = maximum_flow(down, across, i, j)
    if int(filling.flow.sum()) < int(down.sum()):
        rows, columns = named.index[filling.short], named.columns[filling.scarce]
        want, room = int(down[filling.short].sum()), int(across[filling.scarce].sum())
        facts = {"rows": rows, "want": want, "columns": columns, "room": room}
        raise ProblemError(Message("forecast.margins_impossible", **facts))
    used = filling.flow > 0
    tail, head = np.concatenate([i, len(down) + j[used]]), np.concatenate([len(down) + j, i[used]])
    nodes = len(down) + len(across)
    _, part = connected_components(csr_array((np.ones(len(tail)), (tail, head)), (nodes, nodes)), connection="strong")
    return np.where(part[: len(down), None] == part[len(down) :], table, 0.0)


def _scaled(table: Floats, down: Ints, across: Ints, named: pd.DataFrame) -> Floats:
    close = max(CLOSE, SHARE * float(down.sum()))
    for _ in range(ROUNDS):
        table = table * _factors(down, table.sum(1))[:, None]
        table = table * _factors(across, table.sum(0))
        miss = np.abs(table.sum(1) - down)
        if miss.max(initial=0) <= close:
            return table
    worst = int(miss.argmax())
    facts = {"row": named.index[worst], "want": int(down[worst]), "got": float(table[worst].sum())}
    raise ProblemError(Message("forecast.margins_unmet", rounds=ROUNDS, **facts))


def _factors(wanted: Ints, sums: Floats) -> Floats:
    return np.divide(wanted, sums, out=np.zeros(len(sums)), where=sums > 0)


def _rounded(table: Floats, down: Ints, across: Ints) -> Ints:
    """Round cells up or down so that both margins hold: a transportation problem, whose vertices are whole numbers."""
    floor = np.floor(table + CLOSE).astype(np.int64)
    up, over = down - floor.sum(1), across - floor.sum(0)
    i, j = np.nonzero(table > 0)
    if not up.any() and not over.any():
        return floor
    n = len(i)
    entries = np.ones(2 * n), (np.concatenate([i, len(down) + j]), np.tile(np.arange(n), 2))
    sums = csr_array(entries, shape=(len(down) + len(across), n))
    missing = np.concatenate([up, over]).astype(float)
    gain = np.clip(table[i, j] - floor[i, j], 0, 1)
    answer = highs.run(highs.Programme(-gain, np.zeros(n), np.ones(n), sums, missing, missing, whole=0))
    if answer.x is None:  # cannot be: the fractions themselves meet the margins
        raise RuntimeError(f"controlled rounding ended with: {answer.status}")
    floor[i, j] += np.rint(answer.x).astype(np.int64)
    if (floor.sum(1) != down).any() or (floor.sum(0) != across).any():
        raise RuntimeError("the solver's rounding does not add up in whole numbers; please report the problem")
    return floor
