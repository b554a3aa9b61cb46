"""Inequality of access: Gini, Palma, Theil and Lorenz weighted by people; by district, town and country."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd

from siting.errors import ProblemError
from siting.limits import usual_limit
from siting.measure import inequality_measures as measures
from siting.measure.alignment import amounts, groups, unique_ids
from siting.measure.reach import cost_at_most
from siting.messages import Message
from siting.numbers import Bools, Floats, floats
from siting.renamed import renamed_keywords

__all__ = ["gini", "inequality", "lorenz", "palma", "theil", "town_and_country"]

COLUMNS = [
    *("people", "communities", "mean", "median", "min", "max", "covered", "nothing"),
    *("gini", "palma", "theil", "theil_within", "theil_between", "reason"),
]
ALL, VILLAGE = "all", "village"


def gini(values: pd.Series, people: pd.Series) -> float:
    """Measure the inequality of *values* among people: 0 when all have the same, near 1 when one has all.

    ``G = sum_ij w(i) w(j) |x(i) - x(j)| / (2 W^2 mean)`` with ``W = sum_i w(i)``: twice the area between the Lorenz
    curve and the diagonal [1]_. All people of a community have its value. People are the population, not a sample, so
    there is no small-sample correction.

    Parameters
    ----------
    values, people
        Value per person, 0 or more (access, places per head, metres to a facility), and the people, by community id.

    Returns
    -------
    float
        0 to 1; NaN when nobody has anything, or there is nobody.

    Raises
    ------
    ProblemError
        When a value or a number of people is missing, negative or not a number, or an id is in only one of the two.

    References
    ----------
    .. [1] R. I. Lerman and S. Yitzhaki, "Improving the accuracy of estimates of Gini coefficients", Journal of
       Econometrics 42 (1), 1989, pp. 43-47.

    Examples
    --------
    >>> gini(pd.Series({"a": 0.0, "b": 4.0}), pd.Series({"a": 30, "b": 10}))
    0.75
    """
    return measures.gini_of(*measures.distinct(*_aligned(values, people)))


def palma(values: pd.Series, people: pd.Series) -> float:
    """Divide the share of the top 10 % of the people by the share of the bottom 40 %.

    ``(1 - L(0.9)) / L(0.4)``, where ``L`` is the Lorenz curve [1]_ [2]_. A community across one of these borders is
    split. When all have the same it is 0.25.

    Parameters
    ----------
    values, people
        As for `gini`.

    Returns
    -------
    float
        0.25 or more; NaN when the bottom 40 % have nothing, or there is nobody.

    Raises
    ------
    ProblemError
        As for `gini`.

    References
    ----------
    .. [1] J. G. Palma, "Homogeneous middles vs. heterogeneous tails, and the end of the 'inverted-U'", Development and
       Change 42 (1), 2011, pp. 87-153.
    .. [2] A. Cobham and A. Sumner, "Is it all about the tails? The Palma measure of income inequality", Center for
       Global Development, Working Paper 343, 2013.

    Examples
    --------
    >>> round(palma(pd.Series({"a": 1.0, "b": 2.0}), pd.Series({"a": 80, "b": 20})), 9)  # 10 have 20, 40 have 40
    0.5
    """
    return measures.palma_of(*measures.distinct(*_aligned(values, people)))


def theil(values: pd.Series, people: pd.Series) -> float:
    """Measure inequality by Theil's T, the sum of inequality within and between groups (see `inequality`).

    ``T = sum_i w(i)/W · x(i)/mean · ln(x(i)/mean)``, and a community with nothing adds 0 [1]_.

    Parameters
    ----------
    values, people
        As for `gini`.

    Returns
    -------
    float
        0 when all have the same, at most ``ln W``; NaN when nobody has anything, or there is nobody.

    Raises
    ------
    ProblemError
        As for `gini`.

    References
    ----------
    .. [1] H. Theil, Economics and Information Theory, North-Holland, 1967.

    Examples
    --------
    >>> theil(pd.Series({"a": 0.0, "b": 2.0}), pd.Series({"a": 10, "b": 10}))  # ln 2
    0.693...
    """
    return measures.theil_of(*measures.distinct(*_aligned(values, people)))


def lorenz(values: pd.Series, people: pd.Series) -> pd.DataFrame:
    """Return the points of the Lorenz curve [1]_: cumulative shares of people and of values, the lowest values first.

    Parameters
    ----------
    values, people
        As for `gini`.

    Returns
    -------
    DataFrame
        From (0, 0) to (1, 1), a row for each distinct value: `people`, `value`, both cumulative shares. `value`
        is NaN when nobody has anything. No rows when there is nobody.

    Raises
    ------
    ProblemError
        As for `gini`.

    References
    ----------
    .. [1] M. O. Lorenz, "Methods of measuring the concentration of wealth", Publications of the American Statistical
       Association 9 (70), 1905, pp. 209-219.

    Examples
    --------
    >>> lorenz(pd.Series({"a": 0.0, "b": 4.0}), pd.Series({"a": 30, "b": 10}))
       people  value
    0    0.00    0.0
    1    0.75    0.0
    2    1.00    1.0
    """
    share, held = measures.lorenz_of(*measures.distinct(*_aligned(values, people)))
    return pd.DataFrame({"people": share, "value": held})


@renamed_keywords(within="limit")
def inequality(
    values: pd.Series, people: pd.Series, by: pd.Series | None = None, *, limit: float | None = None
) -> pd.DataFrame:
    """Measure the inequality of *values* among people, for each group and for all.

    Theil's T is the sum of inequality within and between the groups [1]_, with ``s(g)`` the group's share of all
    values and ``p(g)`` its share of the people: ``T = sum_g s(g) T(g) + sum_g s(g) ln(s(g)/p(g))``.

    Parameters
    ----------
    values, people
        Value per person (with *limit* the distance to a facility, NaN for none), and the people, by community id.
    by
        A group for each community, such as its district.
    limit
        States that *values* are distances, of which less is better, and the limit of coverage (infinite for none).

    Returns
    -------
    DataFrame
        A row for each group, and "all". Communities without people count in no measure.

        - `people`; `communities`, with people or without
        - `mean`, `median` (by people), `min`, `max`; of distances, over those who reach a facility
        - `covered`: share of the people with a value above 0, or with a distance within *limit*
        - `nothing`: share of the people who have nothing, or reach no facility
        - `gini`, `palma`, `theil`: see there; of distances, over those who reach a facility
        - `theil_within`, `theil_between`: the group's part of Theil's T; in the row "all" their sums.
          `theil_between` is negative for a group with less than its share
        - `reason`: why a measure is missing: "nobody" (no people), "unreached" (nobody reaches a facility), "nothing"
          (nobody has anything), "at_door" (all who reach a facility are at distance 0), "bottom" (no Palma ratio: the
          bottom 40 % have nothing); else missing

        ``attrs`` name `limit`.

    Raises
    ------
    ProblemError
        As for `gini`; when a community has no group, one is called "all", or *limit* is negative.

    References
    ----------
    .. [1] A. F. Shorrocks, "The class of additively decomposable inequality measures", Econometrica 48 (3), 1980,
       pp. 613-625.

    Examples
    --------
    >>> access, people = pd.Series({"a": 1.0, "b": 1.0, "c": 4.0}), pd.Series({"a": 20, "b": 20, "c": 20})
    >>> district = pd.Series({"a": "north", "b": "south", "c": "south"})
    >>> inequality(access, people, district)[["people", "mean", "covered", "gini"]].round(3)
           people  mean  covered   gini
    group
    north    20.0   1.0      1.0  0.000
    south    40.0   2.5      1.0  0.300
    all      60.0   2.0      1.0  0.333
    """
    x, w = _aligned(values, people, ways=limit is not None)
    if limit is not None:
        limit = usual_limit(limit, "m", float(x[np.isfinite(x)].max(initial=0.0)))
    parts: dict[object, Bools] = {}
    if by is not None:
        labels = groups(by, pd.Index(values.index), "communities")
        if (labels == ALL).any():
            raise ProblemError(Message("measure.group_all", name=ALL))
        parts = {group: (labels == group).to_numpy(bool) for group in sorted(labels.unique(), key=by_kind)}
    everybody = np.ones(len(x), bool)
    rows = [{"group": group, **_row(x[mine], w[mine], limit)} for group, mine in {**parts, ALL: everybody}.items()]
    table = pd.DataFrame(rows, columns=["group", *COLUMNS]).set_index("group")
    inner, between = measures.theil_parts(x, w, list(parts.values()) or [everybody])
    for name, part in (("theil_within", inner), ("theil_between", between)):
        table[name] = [*part[: len(parts)], float(part.sum())]
    table["reason"] = table["reason"].astype(object).where(table["reason"].notna(), None)
    table.attrs["limit"] = limit
    return table


@renamed_keywords(within="limit")
def town_and_country(
    values: pd.Series,
    people: pd.Series,
    kind: pd.Series,
    *,
    country: object | Iterable[object] | None = None,
    limit: float | None = None,
) -> pd.DataFrame:
    """Compare town and country: mean, coverage and inequality.

    Parameters
    ----------
    values, people, limit
        As for `inequality`.
    kind
        What each community is, such as the column `kind` of the communities; or True for those in the country.
    country
        The kind or kinds that are country (default "village"); all others are town. Not needed with flags.

    Returns
    -------
    DataFrame
        Rows "town", "country", "all"; the columns of `inequality`, and `to_town`, the mean over that of town (or NaN).

    Raises
    ------
    ProblemError
        As for `inequality`; when no community is of a kind that *country* names.

    Examples
    --------
    >>> access, people = pd.Series({"a": 4.0, "b": 2.0, "c": 0.0}), pd.Series({"a": 60, "b": 20, "c": 20})
    >>> kind = pd.Series({"a": "estate", "b": "village", "c": "village"})
    >>> town_and_country(access, people, kind)[["people", "mean", "to_town", "covered"]]
             people  mean  to_town  covered
    group
    town       60.0   4.0     1.00      1.0
    country    40.0   1.0     0.25      0.5
    all       100.0   2.8     0.70      0.8
    """
    kinds = groups(kind, pd.Index(values.index), "communities", what="kind")
    there = kinds.astype(bool) if kinds.isin([True, False]).all() else kinds.isin(_kinds(country, kinds))
    where = pd.Series(np.where(there, "country", "town"), index=kinds.index)
    measured = inequality(values, people, where, limit=limit)
    table = measured.reindex(pd.Index(["town", "country", ALL], name="group"))
    absent = table.index.difference(measured.index)
    table.loc[absent, ["people", "communities", "theil_within", "theil_between"]] = 0.0
    table.loc[absent, "reason"] = "nobody"
    table["communities"] = table["communities"].astype(int)
    town = float(table["mean"]["town"])
    table.insert(3, "to_town", table["mean"] / (town if town > 0 else math.nan))
    return table


def _kinds(country: object | Iterable[object] | None, kinds: pd.Series) -> list[object]:
    """List the kinds that are country; refuse a kind that no community has."""
    if country is None:
        return [VILLAGE]
    named = [country] if isinstance(country, str) or not isinstance(country, Iterable) else list(country)
    if strange := [name for name in named if not (kinds == name).any()]:
        raise ProblemError(Message("measure.country", names=strange, kinds=kinds.unique()))
    return named


def _aligned(values: pd.Series, people: pd.Series, *, ways: bool = False) -> tuple[Floats, Floats]:
    """Return values and people as columns; missing distances are infinite."""
    if not isinstance(values, pd.Series):
        raise ProblemError(Message("argument.series", what="values", value=values, of="communities"))
    index = unique_ids(values.index, "values")
    w = amounts(people, index, what="people", of="communities")
    if len(absent := pd.Index(people.index).difference(index)):
        facts = {"n": len(absent), "of": "communities", "ids": absent}
        raise ProblemError(Message("ids.no_row", what="values", **facts))
    x = floats(values)
    gone = values.isna().to_numpy(bool)
    wrong = ~np.isfinite(x) | (x < 0)
    if ways:
        wrong &= ~gone
        x = np.where(gone, np.inf, x)
    if wrong.any():
        facts = {"n": int(wrong.sum()), "ids": index[wrong]}
        plain = ways or not gone.any()
        said = Message("ids.negative", what="values", **facts) if plain else Message("measure.nobody", **facts)
        raise ProblemError(said)
    return x, w.to_numpy(float)


def _row(x: Floats, w: Floats, limit: float | None) -> dict[str, object]:
    """Measure one group; infinite distances reach nothing."""
    total = float(w.sum())
    reached = np.isfinite(x)
    values, who = measures.distinct(x[reached], w[reached])
    row: dict[str, object] = dict.fromkeys(COLUMNS, math.nan) | {"people": total, "communities": len(x), "reason": None}
    if total == 0:
        return row | {"reason": "nobody"}
    has = x > 0 if limit is None else reached & cost_at_most(x, limit)
    without = x == 0 if limit is None else ~reached
    row |= {"covered": float(w[has].sum()) / total, "nothing": float(w[without].sum()) / total}
    if not len(values):
        return row | {"reason": "unreached"}
    ratio = measures.palma_of(values, who)
    bare = "nothing" if limit is None else "at_door"
    reason = bare if not values[-1] > 0 else "bottom" if math.isnan(ratio) else None
    mean, median = float(np.average(values, weights=who)), measures.weighted_median(values, who)
    row |= {"mean": mean, "median": median, "min": float(values[0]), "max": float(values[-1])}
    gini, theil = measures.gini_of(values, who), measures.theil_of(values, who)
    return row | {"gini": gini, "palma": ratio, "theil": theil, "reason": reason}


def by_kind(group: object) -> tuple[str, object]:
    """Sort groups of several types: by type first, then by value."""
    return type(group).__name__, group
