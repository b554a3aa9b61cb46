"""`merge_sites`: which small homes could close into a neighbour with room, and who would lose cover."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from numbers import Real

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array

from siting.errors import ProblemError, some
from siting.labels import label
from siting.measure import Reach
from siting.measure.coverage import amounts
from siting.measure.reach import TOLERANCE
from siting.propose.engines.watch import gap_between
from siting.propose.whatif import WhatIf
from siting.solver import highs

__all__ = ["Mergers", "merge_sites"]

Floats = npt.NDArray[np.float64]
#: A row of the model: position of a variable and its factor.
Row = dict[int, float]
COLUMNS = ("into", "cost", "people", "beds_closed", "idle_before", "idle_after", "loses_cover")


@dataclass(frozen=True, eq=False, repr=False)
class Mergers:
    """Which sites close, and into which. Made by `merge_sites`.

    Attributes
    ----------
    table
        A row per site that closes: `into` (the site that takes its people), `cost` of the way between them, `people`
        who move, `beds_closed`, `idle_before` and `idle_after` (idle beds of the site that takes them, before and after
        all mergers), `loses_cover` (people who lose cover if this one alone closes; missing when not asked).
    stay
        Why each other small site stays: "no_neighbour" (none in reach), "no_room" (no neighbour has room for its
        people), "receives" (others move in), "loses_cover" (closing it alone costs more people than *most_lost*),
        "not_chosen" (it could, but not with all the rest).
    loses_cover
        People who lose cover when all close: more than the sum of the rows where two that close covered them; NaN
        when not asked.
    idle_before, idle_after
        Idle beds of all sites, before and after.
    bound, gap
        The most sites that could close under the rules, and the distance to it as a share.
    status
        "optimal" when it is proven that no more can close, and with so many no shorter ways; else "time_limit" or
        "feasible".
    unit, limit
        Of `cost`, and the longest way that people move.
    fewer_beds, occupancy, at_most, most_lost
        The bounds as they were given to `merge_sites`; None where they were not.
    """

    table: pd.DataFrame
    stay: pd.Series
    loses_cover: float
    idle_before: float
    idle_after: float
    bound: float
    gap: float
    status: str
    unit: str
    limit: float
    fewer_beds: float | None = None
    occupancy: float | None = None
    at_most: int | None = None
    most_lost: float | None = None

    def __repr__(self) -> str:
        n = len(self.table)
        return (
            f"<Mergers: {self.status}, {n} site{'s' * (n != 1)} close, {self.table['people'].sum():,.10g} people move, "
            f"idle beds {self.idle_before:,.10g} → {self.idle_after:,.10g}>"
        )

    def explain(self, lang: str = "zh") -> str:
        """Say in words what was asked, which sites close into which, what is gained, and who loses cover.

        Parameters
        ----------
        lang
            "zh" or "en".
        """
        numbers = {
            "n": len(self.table), "people": f"{self.table['people'].sum():,.10g}", "bound": f"{self.bound:,.10g}",
            "before": f"{self.idle_before:,.10g}", "after": f"{self.idle_after:,.10g}",
        }  # fmt: skip
        unit = label(f"unit.{self.unit}", lang)
        lines = [label(f"plan.status_{self.status}", lang), *self._asked(lang, unit)]
        lines.append(label("sharing.merge_total", lang, **numbers))
        digits = 0 if self.unit == "m" else 1
        for site, row in self.table.to_dict("index").items():
            words = {key: f"{row[key]:,.10g}" for key in ("people", "idle_before", "idle_after")}
            way = f"{row['cost']:,.{digits}f}"
            lines.append(label("sharing.merge_row", lang, site=site, into=row["into"], way=way, unit=unit, **words))
        if not math.isnan(self.loses_cover):
            lines.append(label("sharing.merge_cover", lang, people=f"{self.loses_cover:,.10g}"))
        for reason, part in self.stay.groupby(self.stay, sort=False):
            names = label("list.comma", lang).join(map(str, part.index))
            lines.append(label(f"sharing.stay_{reason}", lang, names=names))
        return "\n".join(lines)

    def _asked(self, lang: str, unit: str) -> Iterator[str]:
        """Say which sites were called small, and within which bounds they may close."""
        small = []
        if self.fewer_beds is not None:
            small.append(label("sharing.merge_fewer", lang, beds=f"{self.fewer_beds:,.10g}"))
        if self.occupancy is not None:
            small.append(label("sharing.merge_occupancy", lang, share=f"{100 * self.occupancy:.10g}"))
        which = label("sharing.merge_or", lang).join(small)
        yield label("sharing.merge_small", lang, which=which, limit=f"{self.limit:,.10g}", unit=unit)
        if self.at_most is not None:
            yield label("sharing.merge_at_most", lang, n=self.at_most)
        if self.most_lost is not None:
            yield label("sharing.merge_most_lost", lang, people=f"{self.most_lost:,.10g}")


@dataclass(frozen=True, eq=False)
class _Homes:
    """The sites in numbers: `pairs` has `origin` and `destination` that could merge, and `cost`."""

    sites: pd.Index
    beds: pd.Series
    occupied: pd.Series
    small: pd.Index
    pairs: pd.DataFrame

    @property
    def idle(self) -> pd.Series:
        return self.beds - self.occupied


def merge_sites(
    between: Reach,
    beds: pd.Series,
    occupied: pd.Series,
    *,
    fewer_beds: float | None = None,
    occupancy: float | None = None,
    at_most: int | None = None,
    cover: Reach | None = None,
    demand: pd.Series | None = None,
    most_lost: float | None = None,
    time_limit: float | None = None,
) -> Mergers:
    """Choose which small homes close into a neighbour with room: as many as can, with the shortest moves.

    Parameters
    ----------
    between
        From sites to sites, within the distance that people may be asked to move. Destinations take people in.
    beds, occupied
        Beds and people by site.
    fewer_beds, occupancy
        A site is small, and may close, with fewer beds than this, or with a lower share of them in use (0 to 1); give
        at least one. A site without beds counts as unused.
    at_most
        Close at most so many.
    cover, demand
        From communities to sites within the service's radius, and people by community: to tell who loses cover. Sites
        of *cover* that are not in *between* stay open.
    most_lost
        So many people may lose cover, all mergers together; needs *cover*. Without it any number may.
    time_limit
        Seconds, for both steps together, after which the best choice so far is returned with its bound.

    Returns
    -------
    Mergers
        The most closures first, then the least people × way; a site of nobody counts as one person there, so that it
        too goes to the nearest.

    Raises
    ------
    ProblemError
        When no sign of a small site is given, a number is missing or none, only one of *cover* and *demand* is given,
        or *cover* does not know a site.

    Notes
    -----
    With x_ij = 1 when site i closes into j, among pairs in reach with room for all of i's people::

        maximise    sum x_ij, then minimise sum max(occupied_i, 1) d_ij x_ij
        subject to  sum_j x_ij <= 1                          a site closes once
                    x_ij + sum_k x_jk <= 1                   whoever takes in stays open
                    sum_i occupied_i x_ij <= beds_j - occupied_j
                    sum_c w_c z_c <= most_lost,  z_c = 1 when all sites that cover c close

    It is solved exactly, in two steps, by branch and bound; the status says whether the proof was finished. The
    question is that of rows ``hangzhou.eldercare.rural_homes_consolidation`` and
    ``qingtian.eldercare.rural_regional_centres`` of the catalogue, which print no number of beds and no distance.

    Examples
    --------
    >>> import pandas as pd
    >>> ways = {"origin": ["a", "a", "b"], "destination": ["b", "c", "c"], "cost": [900.0, 2000.0, 1500.0]}
    >>> between = Reach.from_pairs(pd.DataFrame(ways), origins=list("abc"), destinations=list("abc"), limit=3000)
    >>> beds, occupied = pd.Series({"a": 20, "b": 25, "c": 120}), pd.Series({"a": 6, "b": 10, "c": 100})
    >>> found = merge_sites(between, beds, occupied, fewer_beds=30)
    >>> found
    <Mergers: optimal, 2 sites close, 16 people move, idle beds 49 → 4>
    >>> found.table["into"].to_dict()
    {'a': 'c', 'b': 'c'}
    """
    homes = _homes(between, beds, occupied, fewer_beds, occupancy)
    if (cover is None) != (demand is None):
        raise ProblemError("merge_sites: give cover and demand, or none of them")
    if most_lost is not None and (cover is None or not most_lost >= 0):
        raise ProblemError(f"most_lost is {most_lost!r}; give people of 0 or more, with cover and demand")
    if at_most is not None and (not at_most >= 1 or at_most % 1):
        raise ProblemError(f"at_most is {at_most!r}; give a whole number of 1 or more")
    what = None if cover is None or demand is None else _whatif(cover, demand, homes.sites)
    closed = () if most_lost is None or cover is None or demand is None else _last_cover(cover, demand, homes)
    rows, lost = _rows(homes, closed, at_most, most_lost)
    chosen, bound, status = _solve(homes, rows, lost, time_limit)
    found = _mergers(homes, chosen, what, bound, status, between, most_lost)
    _keeps(homes, chosen, found.loses_cover, at_most, most_lost)
    return replace(found, fewer_beds=fewer_beds, occupancy=occupancy, at_most=at_most, most_lost=most_lost)


def _homes(
    between: Reach, beds: pd.Series, occupied: pd.Series, fewer_beds: float | None, occupancy: float | None
) -> _Homes:
    if between.nearest_only is not None:
        raise ProblemError("a Reach of the nearest does not hold all neighbours; call travel with metres or minutes")
    if fewer_beds is None and occupancy is None:
        raise ProblemError("merge_sites: say which sites are small: give fewer_beds, occupancy, or both")
    if occupancy is not None and not 0 < occupancy <= 1:
        raise ProblemError(f"occupancy is {occupancy!r}; give a share above 0 and at most 1")
    if fewer_beds is not None and (not isinstance(fewer_beds, Real) or not fewer_beds > 0):
        raise ProblemError(f"fewer_beds is {fewer_beds!r}; give a number of beds above 0")
    sites = between.origins.union(between.destinations, sort=False)
    room, people = (
        amounts(given, sites, what=what, of="sites") for given, what in ((beds, "beds"), (occupied, "occupied"))
    )
    small = pd.Series(data=False, index=sites)
    if fewer_beds is not None:
        small |= room < fewer_beds
    if occupancy is not None:
        # 55 of 100 beds are no lower share than 0.55, though 0.55 * 100 lies a last bit above 55.
        small |= (people < occupancy * room * (1 - TOLERANCE)) | (room == 0)
    small_ids = between.origins[small.loc[between.origins].to_numpy()]
    pairs = between.pairs()
    pairs = pairs[(pairs["origin"] != pairs["destination"]) & pairs["origin"].isin(small_ids)]
    return _Homes(sites, room, people, small_ids, pairs.reset_index(drop=True))


def _whatif(cover: Reach, demand: pd.Series, sites: pd.Index) -> WhatIf:
    unknown = sites.difference(cover.destinations)
    if len(unknown):
        raise ProblemError(f"cover has no destinations {some(unknown)}; travel from the communities to all sites")
    return WhatIf(cover, demand, open=cover.destinations)


def _fits(homes: _Homes) -> pd.DataFrame:
    """Pairs whose receiver has room for all people of the one that closes."""
    pairs = homes.pairs
    people = homes.occupied.loc[pairs["origin"]].to_numpy()
    return pairs[people <= homes.idle.loc[pairs["destination"]].to_numpy()].reset_index(drop=True)


def _last_cover(cover: Reach, demand: pd.Series, homes: _Homes) -> tuple[tuple[frozenset[object], float], ...]:
    """Find sets of sites that could all close and are all that cover somebody, with the number of these people."""
    could = set(_fits(homes)["origin"])
    people = amounts(demand, cover.origins, what="demand", of="communities").to_numpy()
    lost: dict[frozenset[object], float] = {}
    sites = cover.pairs()["destination"].groupby(cover.origin).agg(frozenset)
    for covering, number in zip(sites, people[sites.index], strict=True):
        if number > 0 and covering <= could:
            lost[covering] = lost.get(covering, 0.0) + float(number)
    return tuple(lost.items())


def _rows(
    homes: _Homes, closed: tuple[tuple[frozenset[object], float], ...], at_most: int | None, most_lost: float | None
) -> tuple[list[tuple[Row, float]], int]:
    """Rules as rows of the model with their upper bounds, and how many variables tell who loses cover."""
    pairs = _fits(homes)
    leaving, coming = _at(pairs["origin"]), _at(pairs["destination"])
    rows: list[tuple[Row, float]] = [(dict.fromkeys(ks, 1.0), 1.0) for ks in leaving.values()]
    for k, into in enumerate(pairs["destination"]):
        if into in leaving:
            rows.append(({k: 1.0} | dict.fromkeys(leaving[into], 1.0), 1.0))
    people = homes.occupied.loc[pairs["origin"]].to_numpy()
    room = homes.idle.loc[pd.Index(coming)].to_numpy()
    rows += [({k: float(people[k]) for k in ks}, float(most)) for ks, most in zip(coming.values(), room, strict=True)]
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


def _solve(
    homes: _Homes, rows: list[tuple[Row, float]], lost: int, time_limit: float | None
) -> tuple[pd.DataFrame, float, str]:
    """Close as many as can; then, with so many, move people the least. Give the pairs, the bound and the status."""
    pairs = _fits(homes)
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


def _model(cost: Floats, rows: list[tuple[Row, float]], whole: int) -> highs.Model:
    """Each z, 0 to 1, need not be called whole: with whole x its row makes it 1 where the last cover closes."""
    where = [(i, k, value) for i, (row, _) in enumerate(rows) for k, value in row.items()]
    at, columns, values = (np.array(part) for part in zip(*where, strict=True))
    matrix = csr_array((values.astype(float), (at, columns)), shape=(len(rows), len(cost)))
    return highs.Model(
        cost=cost,
        lower=np.zeros(len(cost)),
        upper=np.ones(len(cost)),
        matrix=matrix,
        row_lower=np.full(len(rows), -np.inf),
        row_upper=np.array([upper for _, upper in rows]),
        whole=whole,
    )


def _keeps(homes: _Homes, chosen: pd.DataFrame, lost: float, at_most: int | None, most_lost: float | None) -> None:
    """Trust the solver with nothing unchecked."""
    moved = homes.occupied.loc[chosen["origin"]].groupby(chosen["destination"].to_numpy()).sum()
    over = moved > homes.idle.loc[moved.index] + 1e-6
    many = at_most is not None and len(chosen) > at_most
    costly = most_lost is not None and lost > most_lost + 1e-6
    twice, gone = chosen["origin"].duplicated().any(), chosen["destination"].isin(chosen["origin"]).any()
    if twice or gone or over.any() or many or costly:
        raise RuntimeError("the solver's mergers do not keep the rules; please report the problem")


def _mergers(
    homes: _Homes,
    chosen: pd.DataFrame,
    what: WhatIf | None,
    bound: float,
    status: str,
    between: Reach,
    most_lost: float | None,
) -> Mergers:
    closes, into = pd.Index(chosen["origin"], name="site"), chosen["destination"].to_numpy()
    people = homes.occupied.loc[closes].to_numpy()
    moved = pd.Series(people, index=into, dtype=float).groupby(level=0).sum()
    before = homes.idle.loc[into].to_numpy()
    lost = [math.nan if what is None else what.loss(site) for site in closes]
    columns = {
        "into": into, "cost": chosen["cost"].to_numpy(), "people": people,
        "beds_closed": homes.beds.loc[closes].to_numpy(), "idle_before": before,
        "idle_after": before - moved.loc[into].to_numpy(), "loses_cover": lost,
    }  # fmt: skip
    table = pd.DataFrame(columns, index=closes, columns=list(COLUMNS))
    all_lost = math.nan if what is None else (what.loss(*closes) if len(closes) else 0.0)
    costly: set[object] = set()
    if what is not None and most_lost is not None:
        costly = {site for site in homes.small if what.loss(site) > most_lost}
    idle = homes.idle.clip(lower=0.0)
    filled = float(idle.loc[closes].sum()) + float(people.sum())
    return Mergers(
        table=table,
        stay=pd.Series(dict(_staying(homes, chosen, costly)), name="stays", dtype=object).rename_axis("site"),
        loses_cover=all_lost,
        idle_before=float(idle.sum()),
        idle_after=float(idle.sum()) - filled,
        bound=bound,
        gap=gap_between(float(len(table)), bound),
        status=status,
        unit=between.unit,
        limit=between.limit,
    )


def _staying(homes: _Homes, chosen: pd.DataFrame, costly: Collection[object]) -> Iterator[tuple[object, str]]:
    neighbours, fits = set(homes.pairs["origin"]), set(_fits(homes)["origin"])
    gone, receiving = set(chosen["origin"]), set(chosen["destination"])
    for site in homes.small:
        if site in receiving:
            yield site, "receives"
        elif site not in neighbours:
            yield site, "no_neighbour"
        elif site not in fits:
            yield site, "no_room"
        elif site not in gone:
            yield site, "loses_cover" if site in costly else "not_chosen"
