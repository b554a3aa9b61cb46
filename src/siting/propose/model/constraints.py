"""Rules in numbers: rows over the columns, shares that must be served, distances that nobody may be beyond."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from siting.errors import ProblemError, some
from siting.numbers import Bools, Floats, Ints
from siting.propose.model.inputs import Inputs
from siting.propose.model.variables import CLOSING, JOINT, LARGER, NEW, STAYING, Columns, by_service, shared_services
from siting.propose.problem.arrangements import MayClose, Phases, Spacing, Supply, Together
from siting.propose.problem.rules import AtLeast, AtMost, Budget, Cover, NobodyBeyond, OnePer, Required, Rule

__all__ = ["Closeness", "Row", "Share", "closeness", "rows", "shares"]


@dataclass(frozen=True, eq=False)
class Row:
    """``low <= sum of weight x <= high`` over some columns.

    Attributes
    ----------
    rule
        Which of the rules it comes from; None for what holds of itself (a site opens once).
    said
        The rule in words, with its group.
    """

    rule: Rule | None
    said: str
    columns: Ints
    weight: Floats
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Share:
    """Demand of one service and phase that must be served: `members` of the communities, at least `need` of it."""

    rule: Rule
    said: str
    service: int
    phase: int
    members: Bools
    need: float
    share: float
    limit: float | None
    group: object


@dataclass(frozen=True, eq=False)
class Closeness:
    """Every community with demand for a service must be served within *limit* (None: the limit of the reach)."""

    rule: Rule | None
    service: int
    phase: int
    limit: float | None


def rows(inputs: Inputs, columns: Columns) -> list[Row]:
    """Write the rules that only speak of what opens.

    Raises
    ------
    ProblemError
        When a rule cannot be meant.
    """
    writers = {
        AtMost: _counts, AtLeast: _counts, Budget: _budget, OnePer: _one_per, MayClose: _closings, Spacing: _spacing,
        Supply: _supply, Together: _together, Phases: _phases,
    }  # fmt: skip
    found = [*_opens_once(inputs, columns), *_required(inputs, columns), *_joined(inputs, columns)]
    for rule in inputs.rules:
        write = writers.get(type(rule))
        if write is not None:
            found += write(inputs, columns, rule)  # type: ignore[operator]
    return found


def _row(
    rule: Rule | None, said: str, at: npt.ArrayLike, weight: npt.ArrayLike = 1.0, *, low: float = -math.inf,
    high: float = math.inf,
) -> Row:  # fmt: skip
    at = np.asarray(at)
    at = np.flatnonzero(at) if at.dtype == bool else at
    return Row(rule, said, at.astype(np.int64), np.broadcast_to(np.asarray(weight, float), at.shape).copy(), low, high)


def _grouped(keys: Ints, among: Bools) -> Iterator[Ints]:
    """Positions of *among* by equal keys, in the order of the keys."""
    at = np.flatnonzero(among)
    order = at[np.argsort(keys[at], kind="stable")]
    yield from np.split(order, np.flatnonzero(np.diff(keys[order])) + 1) if len(order) else ()


def _places_key(inputs: Inputs, columns: Columns) -> Ints:
    key: Ints = columns.site * len(inputs.services) + columns.service
    return key


def _opens_once(inputs: Inputs, columns: Columns) -> Iterator[Row]:
    key = _places_key(inputs, columns)
    for kinds, low in (((NEW,), -math.inf), ((STAYING, CLOSING), 1.0), ((LARGER,), -math.inf)):
        mine = np.isin(columns.kind, kinds)
        several = np.bincount(key[mine], minlength=int(key.max()) + 1)[key] > 1
        for at in _grouped(key, mine & several):
            yield _row(None, "", at, low=low, high=1.0)
    for grown in np.flatnonzero(columns.kind == LARGER):  # a site that closes does not grow
        stays = (key == key[grown]) & (columns.kind == STAYING)
        if columns.lower[stays].min() < 1:
            at = np.concatenate([[grown], np.flatnonzero(stays)])
            yield _row(None, "", at, [1.0, -1.0], high=0.0)


def _required(inputs: Inputs, columns: Columns) -> Iterator[Row]:
    key = _places_key(inputs, columns)
    for rule in inputs.all(Required):
        sites = inputs.site_positions(rule.ids, "Required")
        wanted = np.isin(columns.site, sites) & np.isin(columns.service, list(inputs.service(rule.service, rule)))
        for at in _grouped(key, wanted & columns.new):
            if len(at) > 1:
                yield _row(rule, f"Required({inputs.sites[columns.site[at[0]]]})", at, low=1.0)


def _joined(inputs: Inputs, columns: Columns) -> Iterator[Row]:
    """Write that a joint column is open only where both services open at its site in its year."""
    joint = np.flatnonzero(columns.kind == JOINT)
    if not len(joint):
        return
    pair = shared_services(inputs)
    opening = pd.Series(np.flatnonzero(columns.new)).groupby(
        [columns.site[columns.new], columns.begin[columns.new], columns.service[columns.new]]
    )
    members = {key: group.to_numpy() for key, group in opening}
    for column in joint:
        for service in pair:
            with_it = members[(columns.site[column], columns.begin[column], service)]
            yield _row(None, "", [column, *with_it], [1.0] + [-1.0] * len(with_it), high=0.0)


def _counts(inputs: Inputs, columns: Columns, rule: AtMost | AtLeast) -> Iterator[Row]:
    counted = columns.new & np.isin(columns.service, list(inputs.service(rule.service, rule)))
    least = isinstance(rule, AtLeast)
    for group, at in _by_group(inputs, columns, counted, rule.by, str(rule)):
        said = str(rule) if rule.by is None else f"{rule} ({group})"
        yield _row(rule, said, at, low=rule.n if least else -math.inf, high=math.inf if least else rule.n)


def _by_group(
    inputs: Inputs, columns: Columns, among: Bools, by: pd.Series | None, what: str
) -> Iterator[tuple[object, Ints]]:
    if by is None:
        yield "all", np.flatnonzero(among)
        return
    groups = inputs.site_groups(by, what)
    codes, names = pd.factorize(groups, sort=False)
    for code in np.argsort([str(name) for name in names], kind="stable"):
        yield names[code], np.flatnonzero(among & (codes[columns.site] == code))


def _priced(inputs: Inputs, columns: Columns, what: str) -> Floats:
    """Costs, all known where something opens.

    Raises
    ------
    ProblemError
        When a site that may open has no cost.
    """
    lacking = np.isnan(columns.cost) & (columns.new | (columns.kind == LARGER))
    if lacking.any():
        sites = inputs.sites[np.unique(columns.site[lacking])]
        raise ProblemError(f"{what}: no cost for the sites {some(sites)}; give cost, a Series with a number for each")
    return columns.cost


def _budget(inputs: Inputs, columns: Columns, rule: Budget) -> Iterator[Row]:
    cost = _priced(inputs, columns, str(rule))
    at = np.flatnonzero(cost != 0)
    yield _row(rule, str(rule), at, cost[at], high=rule.total)


def _one_per(inputs: Inputs, columns: Columns, rule: OnePer) -> Iterator[Row]:
    groups = inputs.site_groups(rule.groups, str(rule))
    for service in inputs.service(rule.service, rule):
        among = columns.serves & (columns.end == len(inputs.years)) & (columns.service == service)
        found = {g: at for g, at in _by_group(inputs, columns, among, rule.groups, str(rule)) if len(at)}
        wanted = list(dict.fromkeys([*groups.unique(), *(rule.among or ())]))
        for group in sorted(wanted, key=str):
            yield _row(rule, f"{rule} ({group})", found.get(group, np.array([], np.int64)), low=1.0)


def _closings(inputs: Inputs, columns: Columns, rule: MayClose) -> Iterator[Row]:
    if rule.at_most is None:
        return
    meant = (columns.kind == CLOSING) & np.isin(columns.service, list(inputs.service(rule.service, rule)))
    if rule.ids is not None:
        meant &= np.isin(columns.site, inputs.site_positions(rule.ids, "MayClose"))
    yield _row(rule, str(rule), meant, high=float(rule.at_most))


def _spacing(inputs: Inputs, columns: Columns, rule: Spacing) -> Iterator[Row]:
    first, second = too_near(inputs, columns, rule)
    last = columns.serves & (columns.end == len(inputs.years))
    for k in range(len(inputs.services)):
        there = {int(columns.site[at[0]]): at for at in _grouped(columns.site, last & (columns.service == k))}
        for a, b in zip(first.tolist(), second.tolist(), strict=True):
            if a in there and b in there and columns.new[np.concatenate([there[a], there[b]])].any():
                said = f"{rule} ({inputs.sites[a]}, {inputs.sites[b]})"
                yield _row(rule, said, np.concatenate([there[a], there[b]]), high=1.0)


def too_near(inputs: Inputs, columns: Columns, rule: Spacing) -> tuple[Ints, Ints]:
    """Positions of the pairs that are too near each other, each once; sites of no reach are left out.

    Raises
    ------
    ProblemError
        When no site of the pairs is known.
    """
    table = rule.table
    a = inputs.sites.get_indexer(pd.Index(table["origin"], dtype=object))
    b = inputs.sites.get_indexer(pd.Index(table["destination"], dtype=object))
    reach = hasattr(rule.pairs, "destinations")
    strange = [] if reach else [*table["origin"][a < 0], *table["destination"][b < 0]]
    if strange:
        raise ProblemError(f"Spacing: no such destinations: {some(dict.fromkeys(strange))}")
    if reach:
        measured(inputs, columns, rule.pairs, "Spacing: pairs")
    known = (a >= 0) & (b >= 0)
    pairs = np.unique(np.sort(np.column_stack([a[known], b[known]]), axis=1), axis=0).astype(np.int64)
    return pairs[:, 0], pairs[:, 1]


def measured(inputs: Inputs, columns: Columns, between: Any, what: str) -> None:
    """Refuse distances between sites that leave candidates out: they would count as far from all.

    Raises
    ------
    ProblemError
        When a site that may open is not among its destinations.
    """
    able = inputs.sites[np.unique(columns.site[columns.new])]
    lost = able[~able.isin(between.destinations)]
    if len(lost):
        raise ProblemError(f"{what}: no distances to the sites {some(lost)}; measure between all of them")


def _supply(inputs: Inputs, columns: Columns, rule: Supply) -> Iterator[Row]:
    among = (columns.kind == LARGER) | (columns.serves & (columns.end == len(inputs.years)))
    among &= np.isin(columns.service, list(inputs.service(rule.service, rule)))
    places = columns.places
    if rule.places is not None:
        own = np.array(by_service(inputs, rule.places, "Supply: places"))[columns.service, columns.site]
        known = np.where(columns.kind == LARGER, places, own)  # what enlarging adds only the option can say
        places = np.where(columns.option < 0, own, np.where(np.isnan(places), known, places))
    lacking = among & np.isnan(places)
    if lacking.any():
        sites = inputs.sites[np.unique(columns.site[lacking])]
        raise ProblemError(f"{rule}: no places for the sites {some(sites)}; give places, a number for each site")
    groups = list(_by_group(inputs, columns, among, rule.by, str(rule)))
    there, none = {group for group, _ in groups}, np.array([], np.int64)
    named = next((value for value in (rule.total, rule.people) if isinstance(value, pd.Series)), pd.Series(dtype=float))
    groups += [(group, none) for group in named.index if group not in there]  # nobody can have places there
    for group, at in groups:
        need = _asked(rule, group)
        said = str(rule) if rule.by is None else f"{rule} ({group})"
        yield _row(rule, said, at, places[at], low=need)


def _asked(rule: Supply, group: object) -> float:
    def of(value: object, name: str) -> float:
        if not isinstance(value, pd.Series):
            return float(value)  # type: ignore[arg-type]
        number = pd.to_numeric(pd.Series([value.get(group, math.nan)]), errors="coerce").iloc[0]
        if not 0 <= number < math.inf:
            raise ProblemError(f"{rule}: {name} has no number of 0 or more for the group {group!r}")
        return float(number)

    if rule.per_1000 is None:
        return of(rule.total, "total")
    return rule.per_1000 * of(rule.people, "people") / 1000.0


def _together(inputs: Inputs, columns: Columns, rule: Together) -> Iterator[Row]:
    if not rule.must:
        return
    first, second = shared_services(inputs)
    fixed = np.isin(columns.kind, (STAYING, CLOSING))
    free = set(columns.site[fixed & np.isin(columns.service, (first, second))].tolist())
    both = inputs.pairs[first].sites & inputs.pairs[second].sites
    mine = columns.new & both[columns.site] & np.isin(columns.service, (first, second))
    key = columns.site * len(inputs.years) + columns.begin
    for at in _grouped(key, mine):
        if int(columns.site[at[0]]) not in free:
            sign = np.where(columns.service[at] == first, 1.0, -1.0)
            said = f"{rule} ({inputs.sites[columns.site[at[0]]]})"
            yield _row(rule, said, at, sign, low=0.0, high=0.0)


def _phases(inputs: Inputs, columns: Columns, rule: Phases) -> Iterator[Row]:
    for t, year in enumerate(rule.years):
        most = None if rule.at_most is None else rule.at_most[t]  # type: ignore[index]
        if most is not None:
            yield _row(rule, f"{rule} ({year})", columns.new & (columns.begin == t), high=float(most))
        budget = None if rule.budget is None else rule.budget[t]  # type: ignore[index]
        if budget is not None:
            cost = _priced(inputs, columns, str(rule))
            spent = np.where(columns.kind == CLOSING, columns.end, columns.begin) == t
            at = np.flatnonzero(spent & (cost != 0))
            yield _row(rule, f"{rule} ({year})", at, cost[at], high=float(budget))


def all_may_open_first(inputs: Inputs, columns: Columns) -> bool:
    """Tell whether no rule of the years holds a new site back from the first: none, or only limits that all sites keep.

    A year before the last holds sites back when fewer may open in it than in all years together, or less be spent.
    """
    phases = inputs.phases
    new = columns.new
    if phases is None or len(phases.years) < 2 or not new.any():
        return False
    early = new & (columns.begin == 0)
    if len(np.unique(columns.site[early])) < len(np.unique(columns.site[new])):
        return False  # an option that may open in a later year only
    most = [float(len(np.unique(columns.site[early])) * len(inputs.services))]
    most += [rule.n for rule in inputs.all(AtMost) if rule.by is None and rule.service is None]
    spent = [float(np.nansum(np.maximum(columns.cost[early], 0.0))), *(rule.total for rule in inputs.all(Budget))]
    sites = (limit for limit in (phases.at_most or ())[:-1] if limit is not None)  # type: ignore[index]
    money = (limit for limit in (phases.budget or ())[:-1] if limit is not None)  # type: ignore[index]
    return all(limit >= min(most) for limit in sites) and all(limit >= min(spent) for limit in money)


def shares(inputs: Inputs) -> list[Share]:
    """Write the shares that must be served; a group without demand asks for nothing.

    Raises
    ------
    ProblemError
        When a community has no group, or a limit is beyond the reach.
    """
    found: list[Share] = []
    for rule in inputs.rules:
        if isinstance(rule, Cover):
            phase = inputs.year(rule.year, rule)
            for service in inputs.service(rule.service, rule):
                found += _shares_of(inputs, rule, rule.share, service, phase, rule.limit, rule.by)
        if isinstance(rule, Phases) and rule.cover is not None:
            for t, share in enumerate(rule.cover):
                for service in range(len(inputs.services) if share is not None else 0):
                    found += _shares_of(inputs, rule, float(share), service, t, None, None)  # type: ignore[arg-type]
    return found


def _shares_of(
    inputs: Inputs, rule: Rule, share: float, service: int, phase: int, limit: float | None, by: pd.Series | None
) -> Iterable[Share]:
    _searched(inputs, rule, service, limit)
    groups = inputs.home_groups(by, rule, service)
    weight = inputs.demand[service, phase]
    several = len(inputs.services) > 1
    for group, at in sorted(groups.groupby(groups, observed=True).indices.items(), key=lambda item: str(item[0])):
        members = np.zeros(len(weight), bool)
        members[at] = True
        total = float(weight[members].sum())
        need = share * total
        if inputs.whole:  # people are whole: a share of 0.9 of 37 asks for 34
            need = float(np.ceil(need - max(1e-9, 1e-15 * need)))
        if need > 0:
            parts = [inputs.services[service]] if several else []
            parts += [str(inputs.years[phase])] if isinstance(rule, Phases) else []
            parts += [str(group)] if by is not None else []
            said = f"{rule} ({', '.join(parts)})" if parts else str(rule)
            yield Share(rule, said, service, phase, members, need, share, limit, group)


def closeness(inputs: Inputs) -> list[Closeness]:
    """Write the distances that nobody may be beyond, in the last phase.

    Raises
    ------
    ProblemError
        When a limit is beyond the reach.
    """
    found = []
    for rule in inputs.all(NobodyBeyond):
        for service in inputs.service(rule.service, rule):
            _searched(inputs, rule, service, rule.limit)
            found.append(Closeness(rule, service, len(inputs.years) - 1, rule.limit))
    return found


def _searched(inputs: Inputs, rule: Rule, service: int, limit: float | None) -> None:
    pairs = inputs.pairs[service]
    if limit is not None and limit > pairs.limit * (1 + 1e-9):
        raise ProblemError(
            f"{rule}: the limit {limit:g} {pairs.unit} is above the {pairs.limit:g} {pairs.unit} that was searched; "
            "call travel with the larger limit"
        )
