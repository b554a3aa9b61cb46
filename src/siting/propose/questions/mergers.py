"""`merge_sites`: which small homes could close into a neighbour with room, and who would lose cover."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from numbers import Real

import pandas as pd

from siting.errors import ProblemError
from siting.labels import label
from siting.measure import Reach
from siting.measure.alignment import amounts, in_order
from siting.measure.reach import TOLERANCE
from siting.messages import Message
from siting.numbers import amount
from siting.optimize.control import gap_between
from siting.propose.forwarded_attributes import forwarded
from siting.propose.questions.mergers_model import LastCover, MergerProblem, check, last_covers, solve
from siting.propose.questions.what_if import WhatIf
from siting.read_share import share_from
from siting.renamed import RenamedAttribute, renamed_keywords

__all__ = ["Mergers", "merge_sites"]


@dataclass(frozen=True, eq=False, repr=False)
class Mergers:
    """Which sites close, and into which. Made by `merge_sites`.

    Attributes
    ----------
    problem, chosen
        The sites and rules in numbers, and the pairs that merge; the tables follow from the two.
    cover
        Who is covered while all sites are open; None when not asked.
    bound
        The most sites that could close under the rules.
    status
        "optimal" when it is proven that no more can close, and with so many no shorter ways; else "time_limit" or
        "feasible".
    between
        The ways that people may move.
    below, occupancy
        Which sites are small; None where it was not given.
    last_of_kind
        Whether the last site of a kind in a village "stays" or "closes"; "unknown" where no villages were given.
    """

    problem: MergerProblem
    chosen: pd.DataFrame
    cover: WhatIf | None
    bound: float
    status: str
    between: Reach
    below: float | None
    occupancy: float | None
    last_of_kind: str

    fewer_beds = RenamedAttribute("below")
    unit = forwarded("between.unit", str, "Unit of the ways.")
    limit = forwarded("between.limit", float, "The longest way that people move.")
    at_most = forwarded("problem.at_most", int, "How many sites may close; None where it was not given.")
    most_lost = forwarded("problem.most_lost", float, "How many people may lose cover; None where it was not given.")

    def __repr__(self) -> str:
        n, before, after = len(self.table), self.idle_before, self.idle_after
        return (
            f"<Mergers: {self.status}, {n} site{'s' * (n != 1)} close, {self.table['people'].sum():,.10g} people move, "
            f"idle beds {before:,.10g} → {after:,.10g}>"
        )

    @property
    def gap(self) -> float:
        """Distance from the sites that close to the most that could, as a share."""
        return gap_between(float(len(self.table)), self.bound)

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row per site that closes, and what becomes of its people.

        Columns: `into` (the site that takes its people), `cost` of the way between them, `people` who move,
        `capacity_closed`, `idle_before` and `idle_after` (idle beds of the site that takes them, before and after all
        mergers), `loses_cover` (people who lose cover if this one alone closes; missing when not asked).
        """
        problem, into = self.problem, self.chosen["destination"].to_numpy()
        closes = pd.Index(self.chosen["origin"], name="site")
        people, before = problem.used.loc[closes].to_numpy(), problem.idle.loc[into].to_numpy()
        moved = pd.Series(people, index=into, dtype=float).groupby(level=0).sum()
        columns = {
            "into": into, "cost": self.chosen["cost"].to_numpy(), "people": people,
            "capacity_closed": problem.capacity.loc[closes].to_numpy(), "idle_before": before,
            "idle_after": before - moved.loc[into].to_numpy(),
            "loses_cover": [math.nan if self.cover is None else self.cover.loss(site) for site in closes],
        }  # fmt: skip
        return pd.DataFrame(columns, index=closes, columns=list(columns))

    @cached_property
    def stay(self) -> pd.Series:
        """Why each other small site stays.

        "no_neighbour" (none in reach), "no_room" (no neighbour has room for its people), "last_of_kind" (it is the only
        one of its kind in its village), "receives" (others move in), "loses_cover" (closing it alone costs more people
        than *most_lost*), "not_chosen" (it could, but not with all the rest).
        """
        problem, cover, most = self.problem, self.cover, self.problem.most_lost
        small = problem.small[~problem.small.isin(self.chosen["origin"])]
        alone = {site for sites in problem.alike if len(sites) == 1 for site in sites}
        costly = [] if cover is None or most is None else [site for site in small if cover.loss(site) > most]
        stays = pd.Series("not_chosen", small, name="stays", dtype=object).rename_axis("site")
        stays[small.isin(costly)] = "loses_cover"
        stays[small.isin(list(alone))] = "last_of_kind"
        stays[~small.isin(problem.fitting["origin"])] = "no_room"
        stays[~small.isin(problem.pairs["origin"])] = "no_neighbour"
        stays[small.isin(self.chosen["destination"])] = "receives"
        return stays

    @cached_property
    def loses_cover(self) -> float:
        """People who lose cover when all close, also those whom two covered that close; NaN when not asked."""
        closes = self.chosen["origin"].tolist()
        return math.nan if self.cover is None else self.cover.loss(*closes) if closes else 0.0

    @property
    def idle_before(self) -> float:
        """Idle beds of all sites, before the mergers."""
        return float(self.problem.idle.clip(lower=0.0).sum())

    @property
    def idle_after(self) -> float:
        """Idle beds of all sites, after the mergers."""
        closed = self.problem.idle.clip(lower=0.0).loc[self.table.index]
        return self.idle_before - (float(closed.sum()) + float(self.table["people"].sum()))

    def explain(self, lang: str = "zh") -> str:
        """Say in words, *lang* "zh" or "en", which sites are small, which close into which, and who loses cover."""
        numbers = {
            "n": len(self.table), "people": amount(self.table["people"].sum()), "bound": amount(self.bound),
            "before": amount(self.idle_before), "after": amount(self.idle_after),
        }  # fmt: skip
        unit = label(f"unit.{self.unit}", lang)
        below, share = self.below, self.occupancy
        small = [] if below is None else [label("sharing.merge_fewer", lang, beds=amount(below))]
        small += [] if share is None else [label("sharing.merge_occupancy", lang, share=f"{100 * share:.10g}")]
        which = label("sharing.merge_or", lang).join(small)
        lines = [label(f"plan.status_{self.status}", lang)]
        lines.append(label("sharing.merge_small", lang, which=which, limit=amount(self.limit), unit=unit))
        if self.at_most is not None:
            lines.append(label("sharing.merge_at_most", lang, n=self.at_most))
        if self.most_lost is not None:
            lines.append(label("sharing.merge_most_lost", lang, people=amount(self.most_lost)))
        lines += [label(f"sharing.merge_last_{self.last_of_kind}", lang), label("sharing.merge_total", lang, **numbers)]
        digits = 0 if self.unit == "m" else 1
        for site, row in self.table.to_dict("index").items():
            words = {key: amount(row[key]) for key in ("people", "idle_before", "idle_after")}
            way = f"{row['cost']:,.{digits}f}"
            lines.append(label("sharing.merge_row", lang, site=site, into=row["into"], way=way, unit=unit, **words))
        if not math.isnan(self.loses_cover):
            lines.append(label("sharing.merge_cover", lang, people=amount(self.loses_cover)))
        for reason, part in self.stay.groupby(self.stay, sort=False):
            names = label("list.comma", lang).join(map(str, part.index))
            lines.append(label(f"sharing.stay_{reason}", lang, names=names))
        return "\n".join(lines)


@renamed_keywords(beds="capacity", occupied="used", fewer_beds="below")
def merge_sites(
    between: Reach,
    capacity: pd.Series,
    used: pd.Series,
    *,
    below: float | None = None,
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
    capacity, used
        Beds and people by site.
    below, occupancy
        A site is small, and may close, with a capacity below this, or with a lower share of them in use (0 to 1); give
        at least one. A site without beds counts as unused.
    kind
        Type of each site, such as `facility_type`: a site closes only into one of its own kind.
    village
        Village, or another area, of each site, and of others that stay (with their *kind*): the last site of a kind
        in a village stays. A site without one lies in no village.
    close_last, at_most
        Let the last of a kind in a village close, too; and close at most so many.
    cover, demand
        From communities to sites within the service's radius, and people by community: to find who loses cover. Sites
        of *cover* that are not in *between* stay open.
    most_lost
        So many people may lose cover, all mergers together; needs *cover*. Without it any number may.
    time_limit
        As for `solve`, for both steps together.

    Returns
    -------
    Mergers
        The most closures first, then the least people × way; a site of nobody counts as one person there.

    Raises
    ------
    ProblemError
        When no sign of a small site is given, a number is missing or none, a site has no *kind*, or *village* does not
        know it, only one of *cover* and *demand* is given, or *cover* does not know a site.

    Notes
    -----
    With x_ij = 1 when site i closes into j, among pairs in reach with room for all of i's people::

        maximise    sum x_ij, then minimise sum max(used_i, 1) d_ij x_ij
        subject to  sum_j x_ij <= 1                          a site closes once
                    x_ij + sum_k x_jk <= 1                   whoever takes in stays open
                    sum_i used_i x_ij <= capacity_j - used_j
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
    >>> mergers = merge_sites(between, beds, occupied, below=30)
    >>> mergers
    <Mergers: optimal, 2 sites close, 16 people move, idle beds 49 → 4>
    >>> mergers.table["into"].to_dict()
    {'a': 'c', 'b': 'c'}
    """
    occupancy = None if occupancy is None else share_from(occupancy, "occupancy", ProblemError)
    if (cover is None) != (demand is None):
        raise ProblemError(Message("argument.together", one="cover", other="demand").within("merge_sites"))
    if most_lost is not None and (cover is None or not most_lost >= 0):
        raise ProblemError(Message("question.most_lost", value=most_lost))
    if at_most is not None and (not at_most >= 1 or at_most % 1):
        raise ProblemError(Message("argument.whole", what="at_most", value=at_most, least=1))
    sites = between.origins.union(between.destinations, sort=False)
    room = amounts(capacity, sites, what="capacity", of="sites")
    people = amounts(used, sites, what="used", of="sites")
    small = _small(between, room, people, below, occupancy)
    pairs = _pairs(between, small, kind)
    alike = tuple[frozenset[object], ...]()
    if village is not None and not close_last:  # without a kind all sites of a village are alike
        villages = _texts(village, sites, "village").dropna()
        kinds = pd.Series("", villages.index) if kind is None else _texts(kind, villages.index, "kind")
        alike = tuple(map(frozenset, villages.index.to_series().groupby([villages, kinds]).agg(list)))
    problem = MergerProblem(room, people, small, pairs, alike, at_most, most_lost)
    covered, lost = None, tuple[LastCover, ...]()
    if cover is not None and demand is not None:
        unknown = sites.difference(cover.destinations)
        if len(unknown):
            raise ProblemError(Message("question.no_cover", ids=unknown))
        covered = WhatIf(cover, demand, open=cover.destinations)
        lost = () if most_lost is None else last_covers(problem, cover, demand)
    chosen, bound, status = solve(problem, lost, time_limit)
    last = "closes" if close_last else "unknown" if village is None else "stays"
    mergers = Mergers(problem, chosen, covered, bound, status, between, below, occupancy, last)
    check(problem, chosen, mergers.loses_cover)
    return mergers


def _small(
    between: Reach, room: pd.Series, people: pd.Series, below: float | None, occupancy: float | None
) -> pd.Index:
    if between.nearest_only is not None:
        raise ProblemError(Message("problem.nearest_only", what="between"))
    if below is None and occupancy is None:
        raise ProblemError(Message("question.which_small"))
    if below is not None and (not isinstance(below, Real) or not below > 0):
        raise ProblemError(Message("argument.above_zero", what="below", value=below))
    small = pd.Series(data=False, index=room.index)
    if below is not None:
        small |= room < below
    if occupancy is not None:
        # 55 of 100 beds are no lower share than 0.55, though rounding puts 0.55 * 100 above 55.
        small |= (people < occupancy * room * (1 - TOLERANCE)) | (room == 0)
    return between.origins[small.loc[between.origins].to_numpy()]


def _pairs(between: Reach, small: pd.Index, kind: pd.Series | None) -> pd.DataFrame:
    pairs = between.pairs()
    pairs = pairs[(pairs["origin"] != pairs["destination"]) & pairs["origin"].isin(small)]
    if kind is not None:
        kinds = _texts(kind, between.origins.union(between.destinations, sort=False), "kind")
        if kinds.isna().any():
            blank = kinds.index[kinds.isna()]
            raise ProblemError(Message("ids.blank", what="kind", ids=blank, n=len(blank)))
        pairs = pairs[kinds.loc[pairs["origin"]].to_numpy() == kinds.loc[pairs["destination"]].to_numpy()]
    return pairs.reset_index(drop=True)


def _texts(given: pd.Series, sites: pd.Index, what: str) -> pd.Series:
    """Return the texts by site; blank ones are missing."""
    in_order(given, sites, what, "sites")
    texts = given.astype(object)
    return texts.where(texts.notna() & (texts.astype(str).str.strip() != ""), None)
