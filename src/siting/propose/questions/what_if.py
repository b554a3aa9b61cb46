"""`WhatIf`: open and close sites by hand, and see at once who is covered."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array

from siting.errors import ProblemError, some
from siting.measure import Reach, coverage
from siting.measure.alignment import weights
from siting.measure.coverage import COLUMNS
from siting.numbers import Bools, Floats, Ints, Ints32, Positions

__all__ = ["WhatIf"]

#: Pairs that are looked at together when all sites are compared: what bounds the memory of `best` and `spare`.
BLOCK = 1 << 18


class _Step(NamedTuple):
    """What one call did: sites at positions *sites* were opened or closed; what was covered and open after it."""

    opening: bool
    sites: tuple[int, ...]
    covered: int
    open: int


class WhatIf:
    """Open and close sites one after the other; each step takes microseconds, whatever the size of the city.

    Sites are the destinations of *reach*, so existing facilities and candidates belong into one `travel`. A community
    is covered when at least one open site reaches it, as in `coverage`, and after any number of steps the numbers are
    those that ``coverage(reach.select(what.sites), demand)`` would give: the covered weight is a sum of whole numbers,
    so that nothing drifts (see Notes).

    This is the one value of the library that changes: `open`, `close`, `undo`, `redo` and `reset` alter it and give it
    back, so that calls can be chained and a notebook shows the new share. `copy` makes a second one that goes its own
    way. The reach and the demand are not changed, and not needed any more. Steps belong to one thread.

    Parameters
    ----------
    reach
        All pairs of communities (origins) and sites (destinations) within the limit. For a smaller limit, or one for
        each community, give ``reach.within(300)`` or ``reach.rows(limits)``.
    demand
        Weights by community id: people, households, … One Series, or a DataFrame with a column for each weight. The
        first one leads: `share`, `gain`, `loss`, `best`, `spare` and `history` are about it unless another is named.
    open
        Ids of the sites that are open at the start, such as the existing ones.

    Raises
    ------
    ProblemError
        When a site is unknown or stands twice, a weight is missing, negative or not a number, or the reach holds only
        the nearest sites, so that it cannot tell whom a further one would reach.

    Notes
    -----
    For each community the number of open sites that reach it is kept; a site that opens or closes touches its own
    communities only. Weights are kept as 64-bit whole numbers on a grid of a power of two, as fine as their total
    allows. Whole numbers of people are on the grid, and every figure is exact; of other weights each is off by at most
    half a step of the grid, all together by less than 1e-12 of the total, the same after one step as after a million.

    Building takes time and memory in proportion to the pairs (4 bytes each), communities and sites.

    Examples
    --------
    >>> import pandas as pd, siting as st
    >>> table = pd.DataFrame({"origin": list("aabc"), "destination": list("xyyz"), "cost": [100.0] * 4})
    >>> reach = st.Reach.from_pairs(table, origins=list("abcd"), destinations=list("xyz"), limit=300)
    >>> what = WhatIf(reach, pd.Series({"a": 10, "b": 5, "c": 8, "d": 2}, name="infants"), open=["x"])
    >>> what
    <WhatIf: 1 of 3 sites open, 40.0 % of infants covered>
    >>> what.gain("y"), what.gain("z")
    (5.0, 8.0)
    >>> what.open("z").share
    0.72
    >>> what.undo().share
    0.4
    """

    def __init__(self, reach: Reach, demand: pd.Series | pd.DataFrame, *, open: Iterable[object] = ()) -> None:  # noqa: A002
        if not isinstance(reach, Reach):
            raise ProblemError(f"reach is a {type(reach).__name__}; give a Reach, such as travel makes")
        if reach.nearest_only is not None:
            raise ProblemError(
                "a Reach of the nearest cannot tell whom a further site reaches; call travel with metres or minutes"
            )
        frame = weights(demand, reach.origins)
        if not len(frame.columns):
            raise ProblemError("demand has no column; give at least one weight")
        self._origins, self._sites = reach.origins, reach.destinations
        self._start, self._near = _by_site(reach)
        self._names = tuple(str(name) for name in frame.columns)
        self._weight, self._fine = _on_grid(frame)
        self._total: Ints = self._weight.sum(axis=1)
        self._is_open = np.zeros(len(self._sites), bool)
        self._first: tuple[int, ...] = tuple(sorted(self._at_start(open)))
        self._begin()

    def __repr__(self) -> str:
        share = "n/a" if math.isnan(self.share) else f"{100 * self.share:.1f} %"
        n = len(self._sites)
        return f"<WhatIf: {self._is_open.sum()} of {n} site{'s' * (n != 1)} open, {share} of {self._names[0]} covered>"

    # What changes it.

    def open(self, *sites: object) -> Self:
        """Open one or several sites, in one step.

        Raises
        ------
        ProblemError
            When a site is unknown, open already, or named twice; then nothing is opened.
        """
        return self._step(opening=True, sites=self._named(sites, is_open=False))

    def close(self, *sites: object) -> Self:
        """Close one or several sites, in one step.

        Raises
        ------
        ProblemError
            When a site is unknown, not open, or named twice; then nothing is closed.
        """
        return self._step(opening=False, sites=self._named(sites, is_open=True))

    def undo(self) -> Self:
        """Take back the last step.

        Raises
        ------
        ProblemError
            When there is none.
        """
        if not self._done:
            raise ProblemError("there is no step to undo")
        step = self._done.pop()
        self._undone.append(step)
        self._turn(step.sites, opening=not step.opening)
        return self

    def redo(self) -> Self:
        """Do again what was undone last; a new step ends what can be redone.

        Raises
        ------
        ProblemError
            When there is none.
        """
        if not self._undone:
            raise ProblemError("there is no step to redo")
        step = self._undone.pop()
        self._done.append(step)
        self._turn(step.sites, opening=step.opening)
        return self

    def reset(self) -> Self:
        """Go back to the sites that were open at the start, and forget all steps."""
        self._begin()
        return self

    def copy(self) -> Self:
        """Make another one in the same state, with the same steps; from then on each goes its own way."""
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._is_open, other._times, other._sum = self._is_open.copy(), self._times.copy(), self._sum.copy()
        other._done, other._undone = self._done.copy(), self._undone.copy()
        return other

    # What it tells.

    @property
    def share(self) -> float:
        """Covered share of the leading weight, 0 to 1; NaN when its total is 0."""
        return _ratio(self._sum[0], self._total[0])

    @property
    def shares(self) -> pd.Series:
        """Covered share of each weight, 0 to 1; NaN where the total is 0."""
        shares = [_ratio(*pair) for pair in zip(self._sum, self._total, strict=True)]
        return pd.Series(shares, self._names, name="share")

    @property
    def table(self) -> pd.DataFrame:
        """The frame of `coverage`: a row for each weight, with sums, counts of communities, and shares of both."""
        n, m = len(self._origins), self._communities
        rows = [
            (self._people(i, total), self._people(i, part), _ratio(part, total), n, m, m / n if n else math.nan)
            for i, (total, part) in enumerate(zip(self._total, self._sum, strict=True))
        ]
        index = pd.MultiIndex.from_product([["all"], self._names], names=["group", "weight"])
        return pd.DataFrame(rows, index=index, columns=list(COLUMNS))

    def by(self, groups: pd.Series) -> pd.DataFrame:
        """Give the frame of `coverage` for each group, such as the communities' districts.

        Parameters
        ----------
        groups
            A group for each community id.

        Raises
        ------
        ProblemError
            When a community has no group.
        """
        # One site that reaches whoever is covered: then `coverage` itself does the rest.
        covered = np.flatnonzero(self._times).astype(np.int32)
        reach = Reach(
            origins=self._origins, destinations=pd.Index(["open"]), origin=covered,
            destination=np.zeros_like(covered), cost=np.zeros(len(covered)), limit=0.0, unit="m",
        )  # fmt: skip
        people = {name: self._grid_people(i) for i, name in enumerate(self._names)}
        return coverage(reach, pd.DataFrame(people, index=self._origins), groups)

    @property
    def sites(self) -> tuple[object, ...]:
        """Ids of the open sites, in the order of the reach."""
        return tuple(self._sites[self._is_open])

    @property
    def covered(self) -> pd.Series:
        """Whether each community is covered."""
        return pd.Series(self._times > 0, self._origins, name="covered")

    @property
    def reached_by(self) -> pd.Series:
        """How many open sites reach each community; 2 or more is backup coverage."""
        return pd.Series(self._times.copy(), self._origins, name="reached_by")

    @property
    def history(self) -> pd.DataFrame:
        """A row per step in force, from 0 for the start: `action`, `sites` (ids), `open`, and `covered`, `share`."""
        rows = [("start", self._ids(self._first), *self._beginning)]
        rows += [("open" if s.opening else "close", self._ids(s.sites), s.open, s.covered) for s in self._done]
        table = pd.DataFrame(rows, columns=["action", "sites", "open", "covered"]).rename_axis("step")
        table["share"] = [_ratio(part, self._total[0]) for part in table["covered"]]
        table["covered"] = [self._people(0, part) for part in table["covered"]]
        return table

    def gain(self, *sites: object, weight: str | None = None) -> float:
        """Tell how much more would be covered if closed *sites* opened, all together, without opening them.

        *weight* names the weight, when it is not the leading one.

        Raises
        ------
        ProblemError
            When a site is unknown, open already or named twice, or the weight unknown.
        """
        near, _ = self._reached(self._named(sites, is_open=False))
        return self._add_up(near[self._times[near] == 0], weight)

    def loss(self, *sites: object, weight: str | None = None) -> float:
        """Tell how much less would be covered if open *sites* closed, all together, without closing them.

        *weight* names the weight, when it is not the leading one.

        Raises
        ------
        ProblemError
            When a site is unknown, not open or named twice, or the weight unknown.
        """
        near, times = self._reached(self._named(sites, is_open=True))
        return self._add_up(near[self._times[near] == times], weight)

    def best(self, n: int = 5, *, weight: str | None = None) -> pd.DataFrame:
        """List the *n* closed sites that would add most, each on its own; of equal ones the first in the reach.

        Returns
        -------
        DataFrame
            Index `site`, a column for each weight: what opening the site would add. In the order of the leading
            weight, or of the one that *weight* names.

        Raises
        ------
        ProblemError
            When *n* is below 1 or the weight unknown.
        """
        return self._ranked(n, weight, ~self._is_open, self._times == 0, most=True)

    def spare(self, n: int = 5, *, weight: str | None = None) -> pd.DataFrame:
        """List the *n* open sites that would be missed least, each on its own; of equal ones the first in the reach.

        Returns
        -------
        DataFrame
            Index `site`, a column for each weight: what closing the site would lose. In the order of the leading
            weight, or of the one that *weight* names.

        Raises
        ------
        ProblemError
            When *n* is below 1 or the weight unknown.
        """
        return self._ranked(n, weight, self._is_open, self._times == 1, most=False)

    # How it works.

    def _begin(self) -> None:
        self._is_open = np.zeros(len(self._sites), bool)
        self._times: Ints32 = np.zeros(len(self._origins), np.int32)
        self._sum: Ints = np.zeros_like(self._total)
        self._communities = 0
        self._done: list[_Step] = []
        self._undone: list[_Step] = []
        self._turn(self._first, opening=True)
        self._beginning = (len(self._first), int(self._sum[0]))

    def _step(self, *, opening: bool, sites: list[int]) -> Self:
        self._turn(sites, opening=opening)
        change = len(sites) if opening else -len(sites)
        before = self._done[-1].open if self._done else self._beginning[0]
        self._done.append(_Step(opening, tuple(sites), int(self._sum[0]), before + change))
        self._undone.clear()
        return self

    def _turn(self, sites: Iterable[int], *, opening: bool) -> None:
        """Open or close the sites at these positions."""
        sign = 1 if opening else -1
        for site in sites:
            near = self._communities_of(site)
            times = self._times[near]
            changed = near[times == (0 if opening else 1)]
            change = np.add.reduce(self._weight.take(changed, axis=1), axis=1)
            self._times[near] = times + sign  # a community stands once among those of a site
            self._sum += sign * change
            self._communities += sign * len(changed)
            self._is_open[site] = opening

    def _communities_of(self, site: int) -> Positions:
        # Wide positions are made for a few hundred at a time; kept, they would double the memory.
        return self._near[self._start[site] : self._start[site + 1]].astype(np.intp)

    def _reached(self, sites: list[int]) -> tuple[Positions, Positions | int]:
        """Communities that the sites reach, each once, and how many of the sites reach it."""
        if len(sites) == 1:
            return self._communities_of(sites[0]), 1
        return np.unique(np.concatenate([self._communities_of(site) for site in sites]), return_counts=True)

    def _ranked(self, n: int, weight: str | None, among: Bools, counts: Bools, *, most: bool) -> pd.DataFrame:
        if not n >= 1:
            raise ProblemError(f"n is {n!r}; ask for 1 site or more")
        lead = self._leading(weight)
        sums = self._site_sums(counts)
        sites = np.flatnonzero(among)
        order = np.argsort(-sums[lead, sites] if most else sums[lead, sites], kind="stable")[: int(n)]
        chosen = sites[order]
        columns = {name: [self._people(i, s) for s in sums[i, chosen]] for i, name in enumerate(self._names)}
        return pd.DataFrame(columns, index=self._sites[chosen].rename("site"))

    def _site_sums(self, counts: Bools) -> Ints:
        """For each weight and site, add up the weight of those communities of the site that count."""
        sums: Ints = np.zeros((len(self._weight), len(self._sites)), np.int64)
        sites = np.flatnonzero(np.diff(self._start))  # reduceat cannot add up nothing
        begin, end = self._start[sites], self._start[sites + 1]
        cuts = np.unique(np.searchsorted(begin, np.arange(0, len(self._near) + BLOCK, BLOCK)))
        for value, row in zip(self._weight, sums, strict=True):
            counted = np.where(counts, value, 0)
            for i, j in pairwise(cuts.tolist()):
                pairs = counted[self._near[begin[i] : end[j - 1]]]
                row[sites[i:j]] = np.add.reduceat(pairs, begin[i:j] - begin[i])
        return sums

    def _add_up(self, communities: Positions, weight: str | None) -> float:
        lead = self._leading(weight)
        return self._people(lead, self._weight[lead].take(communities).sum())

    def _leading(self, weight: str | None) -> int:
        if weight is None:
            return 0
        if weight not in self._names:
            raise ProblemError(f'there is no weight "{weight}"; choose one of {some(self._names)}')
        return self._names.index(weight)

    def _people(self, weight: int, amount: np.int64 | int) -> float:
        """Turn a sum on the grid into the weight's own unit."""
        return math.ldexp(int(amount), -int(self._fine[weight]))

    def _grid_people(self, weight: int) -> Floats:
        people: Floats = np.ldexp(self._weight[weight].astype(float), -self._fine[weight])
        return people

    def _ids(self, sites: Iterable[int]) -> tuple[object, ...]:
        return tuple(self._sites[list(sites)])

    def _named(self, sites: tuple[object, ...], *, is_open: bool) -> list[int]:
        """Positions of *sites*, all of which must be open, or closed."""
        if not sites:
            raise ProblemError("no site is named; give at least one id")
        found = [self._position(site) for site in sites]
        if len(set(found)) < len(found):
            raise ProblemError(f"sites stand twice: {some(sites)}")
        wrong = [site for site, at in zip(sites, found, strict=True) if self._is_open[at] != is_open]
        if wrong:
            raise ProblemError(f"{'not open' if is_open else 'open already'}: {some(wrong)}")
        return found

    def _position(self, site: object) -> int:
        try:
            at = self._sites.get_loc(site)
        except (KeyError, TypeError, ValueError, pd.errors.InvalidIndexError):
            at = None
        if not isinstance(at, int):
            listed = isinstance(site, list | tuple | set | pd.Index | pd.Series | np.ndarray)
            hint = "; put a star before a list of ids: open(*ids)" if listed else ""
            raise ProblemError(f'not among the destinations of the reach: "{site}"{hint}')
        return at

    def _at_start(self, sites: Iterable[object]) -> list[int]:
        if isinstance(sites, str) or not isinstance(sites, Iterable):
            raise ProblemError(f'open is "{sites}"; give a list of ids')
        listed = tuple(sites)
        return self._named(listed, is_open=False) if listed else []


def _by_site(reach: Reach) -> tuple[Ints, Ints32]:
    """Turn the pairs round: where the communities of each site begin, and the communities, by a counting sort."""
    shape = (len(reach.origins), len(reach.destinations))
    pairs = coo_array((np.ones(len(reach), np.int8), (reach.origin, reach.destination)), shape=shape).tocsc()
    return pairs.indptr.astype(np.int64), pairs.indices.astype(np.int32, copy=False)


def _on_grid(frame: pd.DataFrame) -> tuple[Ints, npt.NDArray[np.intc]]:
    """Put each weight on a grid of 2**-fine, as fine as 62 bits allow for its total; a row for each weight."""
    values = frame.to_numpy(float).T
    with np.errstate(over="ignore"):
        total = values.sum(axis=1)
    if not np.isfinite(total).all():
        names = some(frame.columns[~np.isfinite(total)])
        raise ProblemError(f"demand is too large to be added up: {names}")
    fine = (62 - np.frexp(total)[1]).astype(np.intc)
    return np.rint(np.ldexp(values, fine[:, None])).astype(np.int64, order="C"), fine


def _ratio(part: np.int64 | int, whole: np.int64 | int) -> float:
    return int(part) / int(whole) if whole else math.nan
