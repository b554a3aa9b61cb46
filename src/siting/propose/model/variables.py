"""The columns of a problem: what may open, where, for which service, in which year."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import pandas as pd

from siting.errors import ProblemError, some
from siting.numbers import Bools, Floats, Ints
from siting.propose.model.inputs import Inputs
from siting.propose.problem.arrangements import Capacity, MayClose, Phases, Together
from siting.propose.problem.rules import Budget, Existing, Forbidden, Required

__all__ = ["CLOSING", "JOINT", "LARGER", "NEW", "STAYING", "Columns", "lay_out"]

Costs: TypeAlias = "pd.Series | Mapping[str, pd.Series] | None"
#: Kinds of columns: a new site; an existing one that stays; one that closes at the start of phase `until`; an existing
#: one that grows; two services that open at one site in one year.
NEW, STAYING, CLOSING, LARGER, JOINT = range(5)


@dataclass(frozen=True, eq=False)
class Columns:
    """What may open; each attribute has an entry for each column.

    Attributes
    ----------
    site, service
        Positions; the service of a joint column is the first of the two.
    begin, end
        It is open in the phases begin, ..., end - 1.
    kind
        `NEW`, `STAYING`, `CLOSING`, `LARGER`, `JOINT`.
    option
        Position in the table of options; -1 without one.
    cost, places
        NaN where nobody said.
    lower, upper
        0 or 1.
    """

    site: Ints
    service: Ints
    begin: Ints
    end: Ints
    kind: Ints
    option: Ints
    cost: Floats
    places: Floats
    lower: Floats
    upper: Floats

    def __len__(self) -> int:
        return len(self.site)

    @property
    def new(self) -> Bools:
        """Columns that open a new site."""
        result: Bools = self.kind == NEW
        return result

    @property
    def serves(self) -> Bools:
        """Columns of sites that serve somebody while they are open."""
        result: Bools = (self.kind <= CLOSING) & (self.end > self.begin)
        return result


def lay_out(inputs: Inputs, cost: Costs = None) -> Columns:
    """Make a column for everything that may open or close; *cost* is what the objective says of it.

    Raises
    ------
    ProblemError
        When rules name unknown sites or contradict each other, or nothing may open.
    """
    existing = [_named(inputs, Existing, k) for k in range(len(inputs.services))]
    wanted = [_named(inputs, Required, k) for k in range(len(inputs.services))]
    required = [wanted[k] & ~existing[k] for k in range(len(inputs.services))]
    forbidden = [_named(inputs, Forbidden, k) for k in range(len(inputs.services))]
    for k in range(len(inputs.services)):
        for name, both in (("Required", required[k] & forbidden[k]), ("Existing", existing[k] & forbidden[k])):
            if both.any():
                raise ProblemError(f"{name} and Forbidden name the same sites: {some(inputs.sites[both])}")
    closable = [_closable(inputs, existing[k], k) & ~wanted[k] for k in range(len(inputs.services))]
    options, last = _options(inputs), len(inputs.years)
    rows: list[tuple[int, int, int, int, int, int]] = []
    for k, pairs in enumerate(inputs.pairs):
        for site in np.flatnonzero(pairs.sites).tolist():
            there = options[k].get(site, [])
            if existing[k][site]:
                rows.append((site, k, 0, last, STAYING, -1))
                rows += [(site, k, 0, end, CLOSING, -1) for end in range(last) if closable[k][site]]
                rows += [(site, k, t, last, LARGER, o) for o, first in there if o >= 0 for t in range(first, last)]
            elif not forbidden[k][site]:
                rows += [(site, k, t, last, NEW, o) for o, first in there for t in range(first, last)]
    rows += _joint(inputs, rows)
    table = np.array(rows, np.int64).reshape(len(rows), 6)
    place, service, begin, end, kind, option = (table[:, c].copy() for c in range(6))
    if not ((kind == NEW) | (kind == CLOSING) | (kind == LARGER)).any():
        raise ProblemError("there is no candidate: every destination is Existing or Forbidden")
    alone = _alone(place, service, kind)
    must = np.array(required)[service, place] & (kind == NEW)
    stays = (kind == STAYING) & ~np.array(closable)[service, place]
    lost = [inputs.sites[s] for k in range(len(required)) for s in np.flatnonzero(required[k]).tolist()
            if inputs.pairs[k].sites[s] and not ((place == s) & (service == k) & (kind == NEW)).any()]  # fmt: skip
    if lost:
        raise ProblemError(f"Required: no option opens the sites {some(lost)}")
    made = Columns(
        place, service, begin, end, kind, option,
        cost=np.full(len(place), np.nan), places=np.full(len(place), np.nan),
        lower=(stays | (must & alone)).astype(float), upper=np.ones(len(place)),
    )  # fmt: skip
    return _priced(inputs, made, cost)


def _alone(site: Ints, service: Ints, kind: Ints) -> Bools:
    """Columns that are the only new one of their site and service."""
    key = site * (service.max() + 1) + service
    count = np.bincount(key[kind == NEW], minlength=int(key.max()) + 1)
    result: Bools = count[key] == 1
    return result


def _named(inputs: Inputs, kind: type[Existing | Required | Forbidden], service: int) -> Bools:
    found = np.zeros(len(inputs.sites), bool)
    for rule in inputs.all(kind):
        at = inputs.site_positions(rule.ids, kind.__name__)
        meant = inputs.service(rule.service, rule)
        away = at[~np.logical_or.reduce([inputs.pairs[k].sites for k in meant])[at]]
        if len(away) and kind is Required:
            raise ProblemError(f"{rule}: no destinations of that service: {some(inputs.sites[away])}")
        if service in meant:
            found[at] = True
    return found & inputs.pairs[service].sites


def _closable(inputs: Inputs, existing: Bools, service: int) -> Bools:
    found = np.zeros(len(inputs.sites), bool)
    for rule in inputs.all(MayClose):
        if service not in inputs.service(rule.service, rule):
            continue
        if rule.ids is None:
            found |= existing
        else:
            at = inputs.site_positions(rule.ids, "MayClose")
            wrong = at[~existing[at] & inputs.pairs[service].sites[at]]
            if len(wrong):
                raise ProblemError(f"MayClose: not among the Existing sites: {some(inputs.sites[wrong])}")
            found[at] = True
    return found & existing


def _options(inputs: Inputs) -> list[dict[int, list[tuple[int, int]]]]:
    """For each service, the options of each site and their first phase."""
    result: list[dict[int, list[tuple[int, int]]]] = [{} for _ in inputs.services]
    if inputs.options is None:
        for k, pairs in enumerate(inputs.pairs):
            result[k] = {int(s): [(-1, 0)] for s in np.flatnonzero(pairs.sites)}
        return result
    table = inputs.options
    for o, (site, service, phase) in enumerate(
        zip(inputs.sites.get_indexer(pd.Index(table["site"])), table["service"], table["phase"], strict=True)
    ):
        for k, name in enumerate(inputs.services):
            if (pd.isna(service) or service == name) and inputs.pairs[k].sites[site]:
                result[k].setdefault(int(site), []).append((o, int(phase)))
    return result


def shared_services(inputs: Inputs) -> tuple[int, int]:
    """Return positions of the two services that are to share.

    Raises
    ------
    ProblemError
        When it is not clear which two.
    """
    rule = inputs.one(Together)
    if rule is None or rule.services is None:
        if len(inputs.services) != 2:
            raise ProblemError(f"Together: there are {len(inputs.services)} services; name the two that share")
        return 0, 1
    first, second = (inputs.service(name, rule)[0] for name in rule.services)
    return first, second


def _joint(inputs: Inputs, rows: Iterable[tuple[int, ...]]) -> list[tuple[int, int, int, int, int, int]]:
    rule = inputs.one(Together)
    if rule is None:
        return []
    first, second = shared_services(inputs)
    if rule.saving is None and rule.bonus is None:
        return []
    opened: dict[int, set[tuple[int, int]]] = {first: set(), second: set()}
    for site, service, begin, _, kind, _ in rows:
        if kind == NEW and service in opened:
            opened[service].add((site, begin))
    both = sorted(opened[first] & opened[second])
    return [(site, first, begin, len(inputs.years), JOINT, -1) for site, begin in both]


def by_service(inputs: Inputs, values: Costs, what: str) -> list[Floats]:
    """Put numbers of sites in order, for each service; NaN where nobody said.

    Raises
    ------
    ProblemError
        When a number is none, or a service is unknown.
    """
    nothing = np.full(len(inputs.sites), np.nan)
    if values is None:
        return [nothing] * len(inputs.services)
    if isinstance(values, Mapping):
        unknown = set(values) - set(inputs.services)
        if unknown:
            raise ProblemError(f"{what}: no such services: {some(sorted(unknown))}; there are {some(inputs.services)}")
        each = [values.get(name) for name in inputs.services]
    else:
        each = [values] * len(inputs.services)
    return [nothing if one is None else _of_sites(inputs, one, what) for one in each]


def _of_sites(inputs: Inputs, values: pd.Series, what: str) -> Floats:
    if not isinstance(values, pd.Series):
        raise ProblemError(f"{what} is {values!r}; give a Series with a number for each site id")
    if not values.index.is_unique:
        raise ProblemError(f"{what}: ids stand twice: {some(values.index[values.index.duplicated()])}")
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(float)
    wrong = ~np.isfinite(numbers) | (numbers < 0)
    if wrong.any():
        raise ProblemError(f"{what} is negative or not a number for {some(values.index[wrong])}")
    found: Floats = pd.Series(numbers, index=values.index).reindex(inputs.sites).to_numpy(float)
    return found


def _priced(inputs: Inputs, columns: Columns, price: Costs) -> Columns:
    """Fill in what each column costs and holds."""
    cost, places = columns.cost.copy(), columns.places.copy()
    given = _one_cost(inputs, price)
    held = by_service(inputs, _places(inputs), "places")
    for k in range(len(inputs.services)):
        mine = columns.service == k
        fixed = mine & (columns.kind <= CLOSING)  # what enlarging adds only the option can say
        places[fixed] = held[k][columns.site[fixed]]
        opening = mine & (columns.kind == NEW)
        cost[opening] = given[k][columns.site[opening]]
    if inputs.options is not None:
        chosen = np.flatnonzero(columns.option >= 0)
        for name, into in (("cost", cost), ("places", places)):
            own = inputs.options[name].to_numpy(float)[columns.option[chosen]]
            into[chosen] = np.where(np.isnan(own), into[chosen], own)
    cost[columns.kind == STAYING] = 0.0
    cost[columns.kind == CLOSING] = 0.0
    for close in inputs.all(MayClose):
        if close.saving is None:
            continue
        saved = _saving(inputs, close.saving, "MayClose: saving")
        mine = (columns.kind == CLOSING) & np.isin(columns.service, list(inputs.service(close.service, close)))
        if close.ids is not None:
            mine &= np.isin(columns.site, inputs.site_positions(close.ids, "MayClose"))
        cost[mine] = -saved[columns.site[mine]]
    share = inputs.one(Together)
    joint = columns.kind == JOINT
    priced = replace(columns, cost=cost, places=places)
    if share is not None and joint.any():
        cost[joint] = 0.0 if share.saving is None else -_shared(inputs, priced, share.saving)
    return priced


def _shared(inputs: Inputs, columns: Columns, saving: pd.Series | float) -> Floats:
    """Return what each joint column saves, which is no more than the two cost together.

    Raises
    ------
    ProblemError
        When it is more.
    """
    joint = np.flatnonzero(columns.kind == JOINT)
    saved = _saving(inputs, saving, "Together: saving")[columns.site[joint]]
    cheapest = np.full((len(inputs.services), len(inputs.sites)), np.inf)
    at = np.flatnonzero(columns.new)
    np.minimum.at(cheapest, (columns.service[at], columns.site[at]), np.nan_to_num(columns.cost[at], nan=np.inf))
    both = sum(cheapest[k][columns.site[joint]] for k in shared_services(inputs))
    over = saved > both * (1 + 1e-9)
    if over.any():
        sites = inputs.sites[np.unique(columns.site[joint[over]])]
        raise ProblemError(f"Together: saving is more than both services cost at the sites {some(sites)}")
    return saved


def _saving(inputs: Inputs, saving: pd.Series | float, what: str) -> Floats:
    if not isinstance(saving, pd.Series):
        return np.full(len(inputs.sites), float(saving))
    return np.nan_to_num(_of_sites(inputs, saving, what))


def _one_cost(inputs: Inputs, price: Costs) -> list[Floats]:
    """Return the cost that budget, phases and objective agree on."""
    named = [price, *(rule.cost for rule in inputs.all(Budget)), *(rule.cost for rule in inputs.all(Phases))]
    said = [cost for cost in named if cost is not None]
    if not said:
        return by_service(inputs, None, "cost")
    each = [by_service(inputs, one, "cost") for one in said]
    for other in each[1:]:
        if any(not np.array_equal(a, b, equal_nan=True) for a, b in zip(each[0], other, strict=True)):
            raise ProblemError("the rules and the objective name different costs; name one")
    return each[0]


def _places(inputs: Inputs) -> pd.Series | Mapping[str, pd.Series] | None:
    rule = inputs.one(Capacity)
    return None if rule is None else rule.places
