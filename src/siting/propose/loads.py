"""Capacities: who goes where when places are counted. The pure problem has an engine; the rest is one programme."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, hstack, vstack

from siting.errors import ProblemError, some
from siting.propose import mip
from siting.propose.columns import LARGER, NEW
from siting.propose.engines.model import Bools, Floats, Found, Ints
from siting.propose.engines.watch import Watch
from siting.propose.instance import Block, Instance
from siting.propose.problem import MaxCoverage, MaxSpacing, MinFarthest
from siting.propose.search import Answer, optimal_within

if TYPE_CHECKING:
    from siting.propose.engines.capacity import Capacitated

__all__ = ["Loaded", "search_loads"]

#: Pairs up to which each gets a row of its own that ties it to its site: a tighter model, but a larger one.
TIED = 60_000
#: Lanes up to which people are shared out with the least travel.
SMOOTHED = 20_000
#: By how much the people at a site may pass its places, and a share its need: the solver's last bits.
SLACK = 1e-6


@dataclass(frozen=True, eq=False)
class Loaded(Answer):
    """The answer to a problem with capacities.

    Attributes
    ----------
    flows
        A row per community, service, phase and open site: `home`, `column` (positions), `service`, `phase`, `people`,
        `cost`.
    loads
        The problem in numbers.
    """

    flows: pd.DataFrame | None = None
    loads: Loads | None = None
    pure: Capacitated | None = None

    @property
    def proof(self) -> Any:
        """Prices that prove a bound, where the engine of capacities found the plan."""
        return getattr(self.found, "prices", None)

    def bound_by(self, proof: Any) -> float:
        """Return the bound that prices give, added up anew."""
        from siting.propose.engines.capacity import bound_of_prices

        return math.nan if proof is None or self.pure is None else bound_of_prices(self.pure, proof)

    def keeps(self, x: Bools) -> bool:
        """Whether columns and flows keep all rules; other columns than those of the answer are asked of the solver."""
        assert self.loads is not None
        if self.x is not None and np.array_equal(x, self.x) and self.flows is not None:
            return self.loads.keeps(x, self.loads.amounts(self.flows))
        return self.loads.best(x) is not None

    def measure(self, x: Bools) -> float:
        """Objective of columns with the best flows."""
        assert self.loads is not None
        if self.x is not None and np.array_equal(x, self.x) and self.flows is not None:
            return self.sense * self.loads.worth(x, self.loads.amounts(self.flows)) + 0.0
        best = self.loads.best(x)
        return math.nan if best is None else self.sense * self.loads.worth(x, best) + 0.0


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

    def worth(self, x: Bools, people: Floats) -> float:
        """Objective of columns and people on lanes, in the sense of the model."""
        return self.instance.constant + float(self.gain @ people + self.instance.value[x].sum())

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
             >= self.amount[needs] - SLACK * np.maximum(1.0, self.amount[needs])).all()
            for lanes, needs in self.must
        )  # fmt: skip
        room, wanted = self.room @ open_, model.wanted
        return bool(
            (x >= model.lower).all() and (x <= model.upper).all() and (people >= 0).all()
            and (at_pool <= room + SLACK * np.maximum(1.0, room)).all()
            and (of_need <= self.amount + SLACK * np.maximum(1.0, self.amount)).all()
            and (at_pool >= self.least @ open_ - SLACK * np.maximum(1.0, self.least @ open_)).all()
            and (inside >= model.low - scale).all() and (inside <= model.high + scale).all()
            and (self.shares @ people >= wanted - SLACK * np.maximum(1.0, wanted)).all() and served
        )  # fmt: skip

    def best(self, x: Bools) -> Floats | None:
        """Best people on lanes for given columns; None where rules cannot be kept."""
        programme = _programme(self, fixed=x)
        outcome = mip.run(programme)
        if outcome.x is None:
            return None
        people = _clean(self, x, outcome.x[len(x) :])
        for gain in (np.ones(len(self.gain)), -self.cost):  # of equals, most people served, then the least travel
            if len(people) <= SMOOTHED:
                people = self._then(programme, x, people, gain)
        return people if self.keeps(x, people) else None

    def _then(self, programme: mip.Model, x: Bools, people: Floats, gain: Floats) -> Floats:
        """Of the flows that are worth as much and serve as many, one with the most of *gain*; the given one at odds."""
        floors = [
            csr_array(np.concatenate([np.zeros(len(x)), row])[None, :]) for row in (self.gain, np.ones(len(gain)))
        ]
        worth = np.array([self.gain @ people, people.sum()])
        second = replace(
            programme,
            cost=-np.concatenate([np.zeros(len(x)), gain]),
            matrix=csr_array(vstack([programme.matrix, *floors], format="csr")),
            row_lower=np.concatenate([programme.row_lower, worth]),
            row_upper=np.concatenate([programme.row_upper, [np.inf, np.inf]]),
        )
        outcome = mip.run(second)
        better = people if outcome.x is None else _clean(self, x, outcome.x[len(x) :])
        return better if self.keeps(x, better) and self.worth(x, better) >= self.worth(x, people) - 1e-6 else people


def search_loads(instance: Instance, watch: Watch) -> Answer:
    """Solve a problem with capacities.

    Raises
    ------
    ProblemError
        When a site has no places.
    """
    if isinstance(instance.objective, (MinFarthest, MaxSpacing)):
        raise ProblemError(f"{instance.objective} does not go with Capacity; leave one out")
    loads = lay_lanes(instance)
    pure = _pure(instance)
    if pure is not None:
        from siting.propose.engines.capacity import solve_capacity

        found: Found = solve_capacity(pure, watch)
        x = None if found.x is None else found.x[: len(instance.columns)]
        return _answer(loads, found, None if x is None else _shared_out(loads, x), pure)
    found, people = _solved(loads, watch)
    return _answer(loads, found, people)


def _answer(loads: Loads, found: Found, people: Floats | None, pure: Capacitated | None = None) -> Answer:
    instance = loads.instance
    sense = instance.sense
    if found.x is None or people is None:
        return Answer(None, math.nan, math.nan, found.status, found.engine, None, None, sense)
    if not loads.keeps(found.x, people):
        raise RuntimeError(f"the plan of the engine {found.engine} does not keep the rules; please report this")
    value = loads.worth(found.x, people)
    bound = max(value, found.bound)
    status = "optimal" if found.status == "optimal" or optimal_within(value, bound, 0.0) else found.status
    bound = value if status == "optimal" else bound
    on = np.flatnonzero(people > 0)
    flows = pd.DataFrame(
        {
            "lane": on, "home": loads.of_need["home"].to_numpy()[loads.need[on]],
            "column": _column_of(loads, found.x)[loads.pool[on]],
            "service": loads.of_need["service"].to_numpy()[loads.need[on]],
            "phase": loads.of_need["phase"].to_numpy()[loads.need[on]],
            "people": people[on], "cost": loads.cost[on],
        }
    )  # fmt: skip
    return Loaded(
        found.x, sense * value + 0.0, sense * bound + 0.0, status, found.engine, found, None, sense, flows, loads, pure
    )


def _column_of(loads: Loads, x: Bools) -> Ints:
    """Column that opens each pool; -1 for none."""
    column = np.full(loads.room.shape[0], -1)
    opens = loads.opens
    pool = np.repeat(np.arange(opens.shape[0]), np.diff(opens.indptr))
    at = x[opens.indices]
    column[pool[at]] = opens.indices[at]
    return column


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
        least = np.nan_to_num(pd.to_numeric(rule.least, errors="coerce").reindex(inputs.sites).to_numpy(float))
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


def _programme(loads: Loads, fixed: Bools | None = None) -> mip.Model:
    """Write columns and lanes as one programme, to be minimised."""
    instance = loads.instance
    model, lanes, n = instance.model, len(loads.need), len(instance.columns)
    one = np.ones(lanes)
    to_pool = csr_array((one, (loads.pool, np.arange(lanes))), shape=(loads.room.shape[0], lanes))
    of_need = csr_array((one, (loads.need, np.arange(lanes))), shape=(len(loads.amount), lanes))
    infinite = np.full
    parts = [
        (hstack([-loads.room, to_pool]), infinite(loads.room.shape[0], -np.inf), np.zeros(loads.room.shape[0])),
        (hstack([csr_array((len(loads.amount), n)), of_need]), np.zeros(len(loads.amount)), loads.amount),
        (hstack([model.rows, csr_array((len(model.low), lanes))]), model.low, model.high),
        (hstack([csr_array((len(model.wanted), n)), loads.shares]), model.wanted, infinite(len(model.wanted), np.inf)),
    ]
    if loads.least.nnz and loads.least.data.any():
        parts.append(
            (hstack([-loads.least, to_pool]), np.zeros(loads.least.shape[0]), infinite(loads.least.shape[0], np.inf))
        )
    for mask, needs in loads.must:
        rows = csr_array(of_need[needs] * mask[None, :])
        parts.append((hstack([csr_array((len(needs), n)), rows]), loads.amount[needs], infinite(len(needs), np.inf)))
    if fixed is None and lanes <= TIED:
        tied = csr_array(loads.opens[loads.pool] * -np.minimum(loads.amount[loads.need], np.inf)[:, None])
        parts.append(
            (
                hstack([tied, csr_array((one, (np.arange(lanes), np.arange(lanes))))]),
                infinite(lanes, -np.inf),
                np.zeros(lanes),
            )
        )
    x = fixed if fixed is None else fixed.astype(float)
    return mip.Model(
        cost=-np.concatenate([instance.value, loads.gain]),
        lower=np.concatenate([model.lower if x is None else x, np.zeros(lanes)]),
        upper=np.concatenate([model.upper if x is None else x, loads.amount[loads.need]]),
        matrix=csr_array(vstack([csr_array(part[0]) for part in parts], format="csr")),
        row_lower=np.concatenate([part[1] for part in parts]),
        row_upper=np.concatenate([part[2] for part in parts]),
        whole=n if fixed is None else 0,
    )


def _solved(loads: Loads, watch: Watch) -> tuple[Found, Floats | None]:
    n = len(loads.instance.columns)
    left = None if watch.time_limit is None else max(0.01, watch.left)
    constant = loads.instance.constant
    outcome = mip.run(
        _programme(loads), gap=1e-7, time_limit=left,
        stop=lambda value, bound: watch.report(
            "HiGHS", constant - value if math.isfinite(value) else None, constant - bound
        ),
    )  # fmt: skip
    if outcome.status == "infeasible":
        return Found(None, -math.inf, -math.inf, "infeasible", "HiGHS"), None
    bound = loads.instance.constant - outcome.bound
    if outcome.x is None:
        return Found(None, -math.inf, bound, watch.status, "HiGHS"), None
    x = outcome.x[:n] > 0.5
    people = loads.best(x)
    if people is None:
        people = _clean(loads, x, outcome.x[n:])
    status = outcome.status if outcome.status == "optimal" else watch.status
    return Found(x, loads.worth(x, people), bound, status, "HiGHS", None, outcome.nodes), people


def _clean(loads: Loads, x: Bools, people: Floats) -> Floats:
    """Round what the solver left beside whole numbers, and nothing on lanes to closed pools."""
    near = np.rint(people)
    people = np.where(np.abs(people - near) < 1e-5, near, people)
    open_pool = (loads.opens @ x.astype(float)) > 0
    return np.where(open_pool[loads.pool], np.maximum(people, 0.0), 0.0)


def _pure(instance: Instance) -> Capacitated | None:
    """Return the problem for the engine of capacities, where it is no more than that."""
    from siting.propose.engines.capacity import Capacitated

    inputs, columns, rule = instance.inputs, instance.columns, instance.capacity
    assert rule is not None
    objective = instance.objective
    model = instance.model
    row = model.rows.toarray() if model.rows.shape[0] == 1 else None
    free = model.lower < model.upper
    counted = model.rows.shape[0] == 0 or (
        row is not None
        and bool((row[0][free] == 1).all())
        and not np.isfinite(model.low[0])
        and not row[0][~free].any()
    )
    whole = inputs.whole and bool((columns.places == np.rint(columns.places)).all())
    simple = (
        isinstance(objective, MaxCoverage) and objective.decay is None and objective.weights is None
        and len(inputs.services) == 1 and len(inputs.years) == 1 and not instance.shares and not instance.closeness
        and bool((columns.kind <= 1).all()) and instance.phase_weight(0) == 1
    )  # fmt: skip
    if not (simple and counted and whole) or isinstance(rule.least, pd.Series):
        return None
    home, column, _ = instance.serving(instance.blocks[0])
    people = inputs.demand[0, 0]
    inside = people[home] > 0
    cover = csr_array((np.ones(int(inside.sum())), (home[inside], column[inside])), shape=(len(people), len(columns)))
    cover.sort_indices()
    least = None if rule.least is None else np.where(columns.new, np.ceil(float(rule.least)), 0.0)
    return Capacitated(
        cover=cover, weight=people, capacity=columns.places, value=np.zeros(len(columns)), lower=columns.lower,
        upper=columns.upper, least=least,
        most=None if row is None else int(model.high[0] - model.lower[columns.new].sum()),
    )  # fmt: skip


def _shared_out(loads: Loads, x: Bools) -> Floats | None:
    """Share the people out over the open columns: as many as can be; the nearest first where that is as good."""
    floor = loads.least @ x.astype(float)
    open_pool = (loads.opens @ x.astype(float)) > 0
    at = np.flatnonzero(open_pool[loads.pool])
    if floor.any():
        return loads.best(x)
    from siting.measure._filling import fill

    room = np.rint(loads.room @ x.astype(float)).astype(np.int64)
    pools = np.flatnonzero(open_pool)
    position = np.full(len(room), -1)
    position[pools] = np.arange(len(pools))
    order = at[np.lexsort((loads.cost[at], loads.need[at]))]
    filled = fill(
        loads.amount.astype(np.int64),
        room[pools],
        loads.need[order].astype(np.int32),
        position[loads.pool[order]].astype(np.int32),
    )
    people = np.zeros(len(loads.need))
    people[order] = filled.flow
    return people
