"""Problems with capacities in numbers: lanes from communities to pools of places, as one programme."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, hstack, vstack

from siting.errors import ProblemError, some
from siting.numbers import Bools, Floats, Ints
from siting.optimize import highs
from siting.optimize.max_flow import LARGEST, maximum_flow
from siting.propose.model.formulation import Block, Instance
from siting.propose.model.variables import LARGER, NEW, by_service

__all__ = ["Loads", "clean", "lay_lanes", "programme"]

#: Pairs up to which each gets a row of its own that ties it to its site: a tighter model, but a larger one.
TIED = 60_000
#: Lanes up to which people are shared out with the least travel.
SMOOTHED = 20_000
#: By how much the people at a site may pass its places, and a share its need: the solver's last bits.
SLACK = 1e-6


@dataclass(frozen=True, eq=False)
class Loads:
    """A problem with capacities in numbers; a lane is a community and a site that reaches it, in one phase.

    Attributes
    ----------
    need, pool, gain, cost
        Of each lane: its need, the pool of places it ends at, what one person on it is worth, and how far it is.
    amount
        People of each need.
    room, least
        Pools × columns: the places that an open column gives, and the fewest people that it asks for.
    must
        Lanes × rules of nobody beyond: (mask of lanes, needs) that must be served on them.
    """

    instance: Instance
    need: Ints
    pool: Ints
    gain: Floats
    cost: Floats
    amount: Floats
    room: csr_array
    least: csr_array
    opens: csr_array
    shares: csr_array
    must: tuple[tuple[Bools, Ints], ...]
    of_need: pd.DataFrame
    of_pool: pd.DataFrame

    @property
    def whole(self) -> bool:
        """Whether people and places are whole numbers."""
        amounts = (self.amount, self.room.data, self.least.data)
        return all(bool((each == np.rint(each)).all()) for each in amounts)

    @property
    def unit(self) -> float:
        """What counts as one, for tolerances: 1, or all demand where that is less."""
        return min(1.0, float(self.amount.sum()))

    @property
    def scale(self) -> float:
        """Times which amounts are given to the solver, whose tolerances are absolute; a power of two, to stay exact."""
        total = float(self.amount.sum())
        return 1.0 if 1.0 <= total <= 1e9 or not total else 2.0 ** round(math.log2(1e6 / total))

    def worth(self, x: Bools, people: Floats) -> float:
        """Objective of columns and people on lanes, in the sense of the model."""
        return self.instance.constant + float(self.gain @ people + self.instance.value[x].sum())

    def most(self, x: Bools, phase: int) -> float:
        """Return how many people find a place in a phase at most; NaN where they are no whole numbers."""
        open_pool = (self.opens @ x.astype(float)) > 0
        room = self.room @ x.astype(float)
        mine = open_pool[self.pool] & (self.of_need["phase"].to_numpy()[self.need] == phase)
        if not self.whole or max(self.amount.max(initial=0), room.max(initial=0)) > LARGEST:
            return math.nan
        if not mine.any():
            return 0.0
        need, pool = self.need[mine].astype(np.int32), self.pool[mine].astype(np.int32)
        return float(maximum_flow(self.amount.astype(np.int64), room.astype(np.int64), need, pool).flow.sum())

    def amounts(self, flows: pd.DataFrame) -> Floats:
        """People on each lane of a table of flows."""
        people = np.zeros(len(self.need))
        people[flows["lane"]] = flows["people"]
        return people

    def keeps(self, x: Bools, people: Floats) -> bool:
        """Whether columns and people on lanes keep all rules."""
        model = self.instance.model
        open_ = x.astype(float)
        at_pool = np.bincount(self.pool, people, minlength=self.room.shape[0])
        of_need = np.bincount(self.need, people, minlength=len(self.amount))
        inside = model.rows @ open_
        scale = SLACK * np.maximum(1.0, np.abs(inside))
        served = all(
            (np.bincount(self.need[lanes], people[lanes], minlength=len(self.amount))[needs]
             >= self.amount[needs] - SLACK * np.maximum(self.unit, self.amount[needs])).all()
            for lanes, needs in self.must
        )  # fmt: skip
        room, wanted = self.room @ open_, model.wanted
        return bool(
            (x >= model.lower).all() and (x <= model.upper).all() and (people >= 0).all()
            and (at_pool <= room + SLACK * np.maximum(self.unit, room)).all()
            and (of_need <= self.amount + SLACK * np.maximum(self.unit, self.amount)).all()
            and (at_pool >= self.least @ open_ - SLACK * np.maximum(self.unit, self.least @ open_)).all()
            and (inside >= model.low - scale).all() and (inside <= model.high + scale).all()
            and (self.shares @ people >= wanted - SLACK * np.maximum(self.unit, wanted)).all() and served
        )  # fmt: skip

    def best(self, x: Bools) -> Floats | None:
        """Best people on lanes for given columns; None where rules cannot be kept."""
        asked = programme(self, fixed=x)
        outcome = highs.run(asked)
        if outcome.x is None:
            return None
        people = clean(self, x, outcome.x[len(x) :] / self.scale)
        for gain in (np.ones(len(self.gain)), -self.cost):  # of equals, most people served, then the least travel
            if len(people) <= SMOOTHED:
                people = self._then(asked, x, people, gain)
        return people if self.keeps(x, people) else None

    def _then(self, asked: highs.Programme, x: Bools, people: Floats, gain: Floats) -> Floats:
        """Of the flows that are worth as much and serve as many, one with the most of *gain*; the given one at odds."""
        floors = [
            csr_array(np.concatenate([np.zeros(len(x)), row])[None, :]) for row in (self.gain, np.ones(len(gain)))
        ]
        worth = np.array([self.gain @ people, people.sum() * self.scale])
        second = replace(
            asked,
            cost=-np.concatenate([np.zeros(len(x)), gain]),
            matrix=csr_array(vstack([asked.matrix, *floors], format="csr")),
            row_lower=np.concatenate([asked.row_lower, worth]),
            row_upper=np.concatenate([asked.row_upper, [np.inf, np.inf]]),
        )
        outcome = highs.run(second)
        better = people if outcome.x is None else clean(self, x, outcome.x[len(x) :] / self.scale)
        return better if self.keeps(x, better) and self.worth(x, better) >= self.worth(x, people) - 1e-6 else people


def lay_lanes(instance: Instance) -> Loads:
    """Lay the lanes of a problem with capacities.

    Raises
    ------
    ProblemError
        When a site has no places.
    """
    inputs, columns, rule = instance.inputs, instance.columns, instance.capacity
    assert rule is not None
    counted = columns.serves | (columns.kind == LARGER)
    lacking = counted & np.isnan(columns.places)
    if lacking.any():
        sites = inputs.sites[np.unique(columns.site[lacking])]
        raise ProblemError(f"Capacity: no places for the sites {some(sites)}; give places, a number for each site")
    base = [b for b in instance.blocks if b.limit is None]
    needs, pools, lanes, gains, costs = [], [], [], [], []
    size = len(inputs.sites)
    for number, block in enumerate(base):
        pairs = inputs.pairs[block.service]
        able = np.zeros(size, bool)
        able[columns.site[_open_then(instance, block) & columns.serves]] = True
        near = able[pairs.site] & (inputs.demand[block.service, block.phase][pairs.home] > 0)
        home, site, cost = pairs.home[near], pairs.site[near], pairs.cost[near]
        people = inputs.demand[block.service, block.phase]
        unit = np.where(people > 0, block.worth / np.where(people > 0, people, 1.0), 0.0)
        lanes.append(np.column_stack([number * len(people) + home, number * size + site]))
        gains.append(unit[home] * instance.unit_benefit(block, cost))
        costs.append(cost)
        at = np.flatnonzero(people > 0)
        needs.append(pd.DataFrame({"key": number * len(people) + at, "home": at, "service": block.service,
                                   "phase": block.phase, "people": people[at], "must": block.must[at]}))  # fmt: skip
        pools.append(pd.DataFrame({"key": number * size + np.flatnonzero(able), "site": np.flatnonzero(able),
                                   "service": block.service, "phase": block.phase}))  # fmt: skip
    of_need, of_pool = pd.concat(needs, ignore_index=True), pd.concat(pools, ignore_index=True)
    lane = np.concatenate(lanes)
    need = pd.Index(of_need["key"]).get_indexer(lane[:, 0]).astype(np.int64)
    pool = pd.Index(of_pool["key"]).get_indexer(lane[:, 1]).astype(np.int64)
    room, least, opens = _pools(instance, of_pool)
    made = Loads(
        instance, need, pool, np.concatenate(gains), np.concatenate(costs), of_need["people"].to_numpy(float), room,
        least, opens, csr_array((0, len(need))), (), of_need, of_pool,
    )  # fmt: skip
    return replace(made, shares=_shares(made), must=_must(made))


def _open_then(instance: Instance, block: Block) -> Bools:
    c = instance.columns
    there: Bools = (c.service == block.service) & (c.begin <= block.phase) & (block.phase < c.end)
    return there


def _pools(instance: Instance, of_pool: pd.DataFrame) -> tuple[csr_array, csr_array, csr_array]:
    """Places, least people and openings of each pool by column."""
    columns, inputs, rule = instance.columns, instance.inputs, instance.capacity
    assert rule is not None
    least = np.zeros(len(inputs.sites))
    if isinstance(rule.least, pd.Series):
        inputs.site_positions(rule.least.index, "Capacity: least")
        least = np.nan_to_num(by_service(inputs, rule.least, "Capacity: least")[0])
    elif rule.least is not None:
        least[:] = float(rule.least)
    sites = len(inputs.sites)
    number = {(b.service, b.phase): n for n, b in enumerate(b for b in instance.blocks if b.limit is None)}
    keys = pd.Index(of_pool["key"])
    row, column, places, fewest, serving = [], [], [], [], []
    for (service, phase), n in number.items():
        open_then = (columns.service == service) & (columns.begin <= phase) & (phase < columns.end)
        at = np.flatnonzero(open_then & (columns.serves | (columns.kind == LARGER)))
        pool = keys.get_indexer(n * sites + columns.site[at])
        at, pool = at[pool >= 0], pool[pool >= 0]
        row.append(pool)
        column.append(at)
        places.append(columns.places[at])
        fewest.append(np.where(columns.kind[at] == NEW, least[columns.site[at]], 0.0))
        serving.append((columns.kind[at] != LARGER).astype(float))
    where = (np.concatenate(row), np.concatenate(column))
    shape = (len(of_pool), len(columns))
    room, floor, opens = (csr_array((np.concatenate(v), where), shape=shape) for v in (places, fewest, serving))
    opens.eliminate_zeros()
    return room, floor, opens


def _shares(loads: Loads) -> csr_array:
    inputs, rows = loads.instance.inputs, []
    of_need = loads.of_need
    home, service, phase = (of_need[name].to_numpy()[loads.need] for name in ("home", "service", "phase"))
    for share in loads.instance.shares:
        near = True if share.limit is None else loads.cost <= share.limit * (1 + 1e-9)
        rows.append((service == share.service) & (phase == share.phase) & share.members[home] & near)
    assert inputs is not None
    return csr_array(np.array(rows, float).reshape(len(rows), len(loads.need)))


def _must(loads: Loads) -> tuple[tuple[Bools, Ints], ...]:
    of_need = loads.of_need
    every = np.ones(len(loads.need), bool)
    found = [(every, np.flatnonzero(of_need["must"]))] if loads.instance.everybody else []
    for near in loads.instance.closeness:
        lanes = every if near.limit is None else loads.cost <= near.limit * (1 + 1e-9)
        mine = (of_need["service"] == near.service) & (of_need["phase"] == near.phase)
        found.append((lanes, np.flatnonzero(mine)))
    return tuple(found)


def programme(loads: Loads, fixed: Bools | None = None) -> highs.Programme:
    """Write columns and lanes as one programme, to be minimised."""
    instance = loads.instance
    model, lanes, n = instance.model, len(loads.need), len(instance.columns)
    one, scale = np.ones(lanes), loads.scale
    room, least, amount, wanted = scale * loads.room, scale * loads.least, scale * loads.amount, scale * model.wanted
    to_pool = csr_array((one, (loads.pool, np.arange(lanes))), shape=(room.shape[0], lanes))
    of_need = csr_array((one, (loads.need, np.arange(lanes))), shape=(len(loads.amount), lanes))
    infinite = np.full
    parts = [
        (hstack([-room, to_pool]), infinite(room.shape[0], -np.inf), np.zeros(room.shape[0])),
        (hstack([csr_array((len(loads.amount), n)), of_need]), np.zeros(len(amount)), amount),
        (hstack([model.rows, csr_array((len(model.low), lanes))]), model.low, model.high),
        (hstack([csr_array((len(model.wanted), n)), loads.shares]), wanted, infinite(len(model.wanted), np.inf)),
    ]
    if loads.least.nnz and loads.least.data.any():
        parts.append(
            (hstack([-least, to_pool]), np.zeros(loads.least.shape[0]), infinite(loads.least.shape[0], np.inf))
        )
    for mask, needs in loads.must:
        rows = csr_array(of_need[needs] * mask[None, :])
        parts.append((hstack([csr_array((len(needs), n)), rows]), amount[needs], infinite(len(needs), np.inf)))
    if fixed is None and lanes <= TIED:
        tied = csr_array(loads.opens[loads.pool] * -amount[loads.need][:, None])
        parts.append(
            (
                hstack([tied, csr_array((one, (np.arange(lanes), np.arange(lanes))), shape=(lanes, lanes))]),
                infinite(lanes, -np.inf),
                np.zeros(lanes),
            )
        )
    x = fixed if fixed is None else fixed.astype(float)
    return highs.Programme(
        cost=-np.concatenate([instance.value, loads.gain / scale]),
        lower=np.concatenate([model.lower if x is None else x, np.zeros(lanes)]),
        upper=np.concatenate([model.upper if x is None else x, amount[loads.need]]),
        matrix=csr_array(vstack([csr_array(part[0]) for part in parts], format="csr")),
        row_lower=np.concatenate([part[1] for part in parts]),
        row_upper=np.concatenate([part[2] for part in parts]),
        whole=n if fixed is None else 0,
    )


def clean(loads: Loads, x: Bools, people: Floats) -> Floats:
    """Round what the solver left beside whole numbers, and nothing on lanes to closed pools."""
    near = np.rint(people)
    people = np.where(np.abs(people - near) < 1e-5, near, people) if loads.whole else people
    open_pool = (loads.opens @ x.astype(float)) > 0
    return np.where(open_pool[loads.pool], np.maximum(people, 0.0), 0.0)
