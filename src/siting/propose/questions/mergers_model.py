"""The model of mergers: pairs that could merge, rules as rows, and its solution, checked."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from siting.measure import Reach
from siting.measure.coverage import amounts
from siting.numbers import Floats
from siting.optimize import highs

__all__ = ["Homes", "fits", "keeps", "last_cover", "rules_as_rows", "solve"]

#: A row of the model: position of a variable and its factor.
Row = dict[int, float]


@dataclass(frozen=True, eq=False)
class Homes:
    """The sites in numbers: `pairs` has `origin` and `destination` that could merge, and `cost`.

    `alike` has, for each village and kind there, the sites that may not all close.
    """

    sites: pd.Index
    beds: pd.Series
    occupied: pd.Series
    small: pd.Index
    pairs: pd.DataFrame
    alike: tuple[frozenset[object], ...] = ()

    @property
    def idle(self) -> pd.Series:
        """Beds that are free."""
        return self.beds - self.occupied


def fits(homes: Homes) -> pd.DataFrame:
    """Pairs whose receiver has room for all people of the one that closes."""
    pairs = homes.pairs
    people = homes.occupied.loc[pairs["origin"]].to_numpy()
    return pairs[people <= homes.idle.loc[pairs["destination"]].to_numpy()].reset_index(drop=True)


def last_cover(cover: Reach, demand: pd.Series, homes: Homes) -> tuple[tuple[frozenset[object], float], ...]:
    """Find sets of sites that could all close and are all that cover somebody, with the number of these people."""
    could = set(fits(homes)["origin"])
    people = amounts(demand, cover.origins, what="demand", of="communities").to_numpy()
    lost: dict[frozenset[object], float] = {}
    sites = cover.pairs()["destination"].groupby(cover.origin).agg(frozenset)
    for covering, number in zip(sites, people[sites.index], strict=True):
        if number > 0 and covering <= could:
            lost[covering] = lost.get(covering, 0.0) + float(number)
    return tuple(lost.items())


def rules_as_rows(
    homes: Homes, closed: tuple[tuple[frozenset[object], float], ...], at_most: int | None, most_lost: float | None
) -> tuple[list[tuple[Row, float]], int]:
    """Rules as rows of the model with their upper bounds, and how many variables tell who loses cover."""
    pairs = fits(homes)
    leaving, coming = _at(pairs["origin"]), _at(pairs["destination"])
    rows: list[tuple[Row, float]] = [(dict.fromkeys(ks, 1.0), 1.0) for ks in leaving.values()]
    for k, into in enumerate(pairs["destination"]):
        if into in leaving:
            rows.append(({k: 1.0} | dict.fromkeys(leaving[into], 1.0), 1.0))
    people = homes.occupied.loc[pairs["origin"]].to_numpy()
    room = homes.idle.loc[pd.Index(coming)].to_numpy()
    rows += [({k: float(people[k]) for k in ks}, float(most)) for ks, most in zip(coming.values(), room, strict=True)]
    for sites in homes.alike:
        leave = {k: 1.0 for site in sites & leaving.keys() for k in leaving[site]}
        if leave:
            rows.append((leave, len(sites) - 1.0))
    if at_most is not None:
        rows.append((dict.fromkeys(range(len(pairs)), 1.0), float(at_most)))
    for extra, (sites, _) in enumerate(closed):
        leave = {k: 1.0 for site in sites for k in leaving[site]}
        rows.append((leave | {len(pairs) + extra: -1.0}, len(sites) - 1.0))
    if most_lost is not None and closed:
        rows.append(({len(pairs) + extra: people for extra, (_, people) in enumerate(closed)}, float(most_lost)))
    return rows, len(closed)


def _at(sites: pd.Series) -> dict[object, list[int]]:
    """Positions of each site."""
    return {site: [int(k) for k in where] for site, where in sites.groupby(sites).indices.items()}


def solve(
    homes: Homes, rows: list[tuple[Row, float]], lost: int, time_limit: float | None
) -> tuple[pd.DataFrame, float, str]:
    """Close as many as can; then, with so many, move people the least. Give the pairs, the bound and the status."""
    pairs = fits(homes)
    n = len(pairs)
    if not n:
        return pairs, 0.0, "optimal"
    began = time.perf_counter()
    # The start closes nothing, which keeps every rule: so there is always an answer.
    x = np.zeros(n + lost)
    count = np.concatenate([np.ones(n), np.zeros(lost)])
    first = highs.run(_model(-count, rows, n), start=x, gap=0.5, time_limit=time_limit)
    x = x if first.x is None else first.x
    closes = round(float(x[:n].sum()))
    # Stopped early, the solver may know no bound; no more can close than have somewhere to go.
    most = min(-first.bound, float(pairs["origin"].nunique()))
    bound = float(max(closes, math.floor(most + 1e-6)))
    way = pairs["cost"].to_numpy() * np.maximum(homes.occupied.loc[pairs["origin"]].to_numpy(), 1.0)
    cost = np.concatenate([way / max(1.0, float(way.max())), np.zeros(lost)])
    least = (dict.fromkeys(range(n), -1.0), -float(closes))
    left = None if time_limit is None else time_limit - (time.perf_counter() - began)
    if left is not None and left <= 0:
        return pairs[x[:n] > 0.5], bound, "time_limit"
    second = highs.run(_model(cost, [*rows, least], n), start=_rounded(x, n), gap=1e-9, time_limit=left)
    x = x if second.x is None else second.x
    status = next((s for s in (first.status, second.status) if s != "optimal"), "optimal")
    return pairs[x[:n] > 0.5], bound, status


def _rounded(x: Floats, n: int) -> Floats:
    return np.concatenate([np.rint(x[:n]), x[n:]])


def _model(cost: Floats, rows: list[tuple[Row, float]], whole: int) -> highs.Programme:
    """Each z, 0 to 1, need not be called whole: with whole x its row makes it 1 where the last cover closes."""
    where = [(i, k, value) for i, (row, _) in enumerate(rows) for k, value in row.items()]
    at, columns, values = (np.array(part) for part in zip(*where, strict=True))
    matrix = csr_array((values.astype(float), (at, columns)), shape=(len(rows), len(cost)))
    return highs.Programme(
        cost=cost,
        lower=np.zeros(len(cost)),
        upper=np.ones(len(cost)),
        matrix=matrix,
        row_lower=np.full(len(rows), -np.inf),
        row_upper=np.array([upper for _, upper in rows]),
        whole=whole,
    )


def keeps(homes: Homes, chosen: pd.DataFrame, lost: float, at_most: int | None, most_lost: float | None) -> None:
    """Trust the solver with nothing unchecked."""
    moved = homes.occupied.loc[chosen["origin"]].groupby(chosen["destination"].to_numpy()).sum()
    over = moved > homes.idle.loc[moved.index] + 1e-6
    many = at_most is not None and len(chosen) > at_most
    costly = most_lost is not None and lost > most_lost + 1e-6
    emptied = any(sites <= set(chosen["origin"]) for sites in homes.alike)
    twice, gone = chosen["origin"].duplicated().any(), chosen["destination"].isin(chosen["origin"]).any()
    if twice or gone or over.any() or many or costly or emptied:
        raise RuntimeError("the solver's mergers do not keep the rules; please report the problem")
