"""`merge_sites`: which small homes could close into a neighbour with room, and who would lose cover."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from numbers import Real

import pandas as pd

from siting.errors import ProblemError, some
from siting.labels import label
from siting.measure import Reach
from siting.measure.alignment import amounts
from siting.measure.reach import TOLERANCE
from siting.optimize.control import gap_between
from siting.propose.questions.mergers_model import Homes, fits, keeps, last_cover, rules_as_rows, solve
from siting.propose.questions.what_if import WhatIf
from siting.share import share_from

__all__ = ["Mergers", "merge_sites"]

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
        people), "last_of_kind" (it is the only one of its kind in its village), "receives" (others move in),
        "loses_cover" (closing it alone costs more people than *most_lost*), "not_chosen" (it could, but not with all
        the rest).
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
    last_of_kind
        Whether the last site of a kind in a village "stays" or "closes", or is "unknown" because no villages were
        given.
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
    last_of_kind: str = "unknown"

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
        yield label(f"sharing.merge_last_{self.last_of_kind}", lang)


def merge_sites(
    between: Reach,
    beds: pd.Series,
    occupied: pd.Series,
    *,
    fewer_beds: float | None = None,
    occupancy: float | None = None,
    kind: pd.Series | None = None,
    village: pd.Series | None = None,
    close_last: bool = False,
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
    kind
        Type of each site, such as `facility_type`: a site closes only into one of its own kind.
    village
        Village, or another area, of each site, and of others that stay (with their *kind*): the last site of a kind
        in a village stays. A site without one lies in no village. Without *village* nothing is known of it, and
        `Mergers.explain` says so.
    close_last
        Let the last of a kind in a village close, too.
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
        When no sign of a small site is given, a number is missing or none, a site has no *kind*, or *village* does not
        know it, only one of *cover* and *demand* is given, or *cover* does not know a site.

    Notes
    -----
    With x_ij = 1 when site i closes into j, among pairs in reach with room for all of i's people::

        maximise    sum x_ij, then minimise sum max(occupied_i, 1) d_ij x_ij
        subject to  sum_j x_ij <= 1                          a site closes once
                    x_ij + sum_k x_jk <= 1                   whoever takes in stays open
                    sum_i occupied_i x_ij <= beds_j - occupied_j
                    sum_ij x_ij <= n - 1   for the n sites of a kind in a village, i one of them
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
    occupancy = None if occupancy is None else share_from(occupancy, "occupancy", ProblemError)
    homes = _homes(between, beds, occupied, fewer_beds, occupancy)
    if kind is not None:
        homes = _of_one_kind(homes, kind)
    if village is not None and not close_last:
        homes = replace(homes, alike=_alike(homes.sites, kind, village))
    if (cover is None) != (demand is None):
        raise ProblemError("merge_sites: give cover and demand, or none of them")
    if most_lost is not None and (cover is None or not most_lost >= 0):
        raise ProblemError(f"most_lost is {most_lost!r}; give people of 0 or more, with cover and demand")
    if at_most is not None and (not at_most >= 1 or at_most % 1):
        raise ProblemError(f"at_most is {at_most!r}; give a whole number of 1 or more")
    what = None if cover is None or demand is None else _whatif(cover, demand, homes.sites)
    closed = () if most_lost is None or cover is None or demand is None else last_cover(cover, demand, homes)
    rows, lost = rules_as_rows(homes, closed, at_most, most_lost)
    chosen, bound, status = solve(homes, rows, lost, time_limit)
    found = _mergers(homes, chosen, what, bound, status, between, most_lost)
    keeps(homes, chosen, found.loses_cover, at_most, most_lost)
    last = "closes" if close_last else "unknown" if village is None else "stays"
    return replace(
        found, fewer_beds=fewer_beds, occupancy=occupancy, at_most=at_most, most_lost=most_lost, last_of_kind=last
    )


def _homes(
    between: Reach, beds: pd.Series, occupied: pd.Series, fewer_beds: float | None, occupancy: float | None
) -> Homes:
    if between.nearest_only is not None:
        raise ProblemError("a Reach of the nearest does not hold all neighbours; call travel with metres or minutes")
    if fewer_beds is None and occupancy is None:
        raise ProblemError("merge_sites: say which sites are small: give fewer_beds, occupancy, or both")
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
    return Homes(sites, room, people, small_ids, pairs.reset_index(drop=True))


def _of_one_kind(homes: Homes, kind: pd.Series) -> Homes:
    """Keep the pairs of one kind."""
    kinds = _texts(kind, homes.sites, "kind")
    if kinds.isna().any():
        raise ProblemError(f"kind is blank for sites {some(kinds.index[kinds.isna()])}")
    pairs = homes.pairs
    same = kinds.loc[pairs["origin"]].to_numpy() == kinds.loc[pairs["destination"]].to_numpy()
    return replace(homes, pairs=pairs[same].reset_index(drop=True))


def _alike(sites: pd.Index, kind: pd.Series | None, village: pd.Series) -> tuple[frozenset[object], ...]:
    """Group the sites of each kind in each village; without a kind all of a village are alike."""
    villages = _texts(village, sites, "village").dropna()
    kinds = pd.Series("", villages.index) if kind is None else _texts(kind, villages.index, "kind")
    return tuple(frozenset(ids) for ids in villages.index.to_series().groupby([villages, kinds]).agg(list))


def _texts(given: pd.Series, sites: pd.Index, what: str) -> pd.Series:
    """Return the words by site as objects; blank ones are missing."""
    if not isinstance(given, pd.Series):
        raise ProblemError(f"{what} is a {type(given).__name__}; give one Series with the ids of the sites")
    if not given.index.is_unique:
        raise ProblemError(f"{what}: ids stand twice: {some(given.index[given.index.duplicated()].unique())}")
    unknown = sites.difference(given.index)
    if len(unknown):
        raise ProblemError(f"{what} has no sites {some(unknown)}")
    words = given.astype(object)
    return words.where(words.notna() & (words.astype(str).str.strip() != ""), None)


def _whatif(cover: Reach, demand: pd.Series, sites: pd.Index) -> WhatIf:
    unknown = sites.difference(cover.destinations)
    if len(unknown):
        raise ProblemError(f"cover has no destinations {some(unknown)}; travel from the communities to all sites")
    return WhatIf(cover, demand, open=cover.destinations)


def _mergers(
    homes: Homes,
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


def _staying(homes: Homes, chosen: pd.DataFrame, costly: Collection[object]) -> Iterator[tuple[object, str]]:
    neighbours, fitting = set(homes.pairs["origin"]), set(fits(homes)["origin"])
    alone = {site for sites in homes.alike if len(sites) == 1 for site in sites}
    gone, receiving = set(chosen["origin"]), set(chosen["destination"])
    for site in homes.small:
        if site in receiving:
            yield site, "receives"
        elif site not in neighbours:
            yield site, "no_neighbour"
        elif site not in fitting:
            yield site, "no_room"
        elif site in alone:
            yield site, "last_of_kind"
        elif site not in gone:
            yield site, "loses_cover" if site in costly else "not_chosen"
