"""`WhatIf`: open and close sites by hand, and see at once who is covered."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple, Self

import numpy as np
import pandas as pd

from siting.errors import ProblemError
from siting.measure import Reach, coverage
from siting.measure.alignment import weights
from siting.measure.coverage import COLUMNS
from siting.messages import Message
from siting.notebook_html import card, table, words
from siting.numbers import Bools, Ints32, Positions, percent
from siting.propose.questions.site_weights import SiteWeights

__all__ = ["WhatIf"]


class _Step(NamedTuple):
    """What one call did, and what was covered and open after it."""

    opening: bool
    sites: list[int]
    covered: int
    open: int


class WhatIf:
    """Open and close sites one after the other; each step takes microseconds, whatever the size of the city.

    Sites are the destinations of *reach*, so existing facilities and candidates belong into one `travel`. A community
    is covered when at least one open site reaches it, and after any number of steps the numbers are those that
    ``coverage(reach.select(what.sites), demand)`` would give.

    This is the one value of the library that changes: `open`, `close`, `undo`, `redo` and `reset` alter it and give it
    back, so that calls can be chained. `copy` makes a second one. The reach and the demand are not changed. Steps
    belong to one thread.

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
        When a site is unknown or occurs twice, a weight is missing, negative or not a number, or the reach holds only
        the nearest sites, which do not show whom a further one would reach.

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

    # `open` is what sites are; the builtin is not needed here.
    def __init__(self, reach: Reach, demand: pd.Series | pd.DataFrame, *, open: Iterable[object] = ()) -> None:  # noqa: A002
        if not isinstance(reach, Reach):
            raise ProblemError(Message("problem.no_reach", what="reach", value=reach))
        if reach.nearest_only is not None:
            raise ProblemError(Message("problem.nearest_only", what="reach"))
        frame = weights(demand, reach.origins)
        if not len(frame.columns):
            raise ProblemError(Message("problem.no_weight", what="demand"))
        self._origins, self._sites = reach.origins, reach.destinations
        self._names = tuple(str(name) for name in frame.columns)
        self._weights = SiteWeights.of(reach, frame)
        self._is_open = np.zeros(len(self._sites), bool)
        if isinstance(open, str) or not isinstance(open, Iterable):
            raise ProblemError(Message("problem.ids", what="open", value=open))
        listed = tuple(open)
        self._first = sorted(self._positions(listed, is_open=False)) if listed else []
        self.reset()

    def __repr__(self) -> str:
        share = "n/a" if math.isnan(self.share) else percent(self.share)
        n = len(self._sites)
        return f"<WhatIf: {self._opened} of {n} site{'s' * (n != 1)} open, {share} of {self._names[0]} covered>"

    def _repr_html_(self) -> str:
        rows = [
            (words(f"field.{name}"), total, covered, percent(share))
            for (_, name), total, covered, share in self.table.iloc[:, :3].itertuples(name=None)
        ]
        covered = table(["column.weight", "column.total", "column.covered", "column.share"], rows)
        facts = {"card.open": f"{len(self.sites):,} / {len(self._sites):,}", "card.steps": len(self.history) - 1}
        return card(words("card.what_if"), facts, covered)

    def open(self, *sites: object) -> Self:
        """Open one or several sites, in one step.

        Raises
        ------
        ProblemError
            When a site is unknown, open already, or named twice; then nothing is opened.
        """
        return self._step(opening=True, sites=self._positions(sites, is_open=False))

    def close(self, *sites: object) -> Self:
        """Close one or several sites, in one step.

        Raises
        ------
        ProblemError
            When a site is unknown, not open, or named twice; then nothing is closed.
        """
        return self._step(opening=False, sites=self._positions(sites, is_open=True))

    def undo(self) -> Self:
        """Take back the last step.

        Raises
        ------
        ProblemError
            When there is none.
        """
        return self._repeat("undo", self._done, self._undone)

    def redo(self) -> Self:
        """Do again what was undone last; a new step ends what can be redone.

        Raises
        ------
        ProblemError
            When there is none.
        """
        return self._repeat("redo", self._undone, self._done)

    def reset(self) -> Self:
        """Go back to the sites that were open at the start, and forget all steps."""
        self._is_open = np.zeros(len(self._sites), bool)
        self._times: Ints32 = np.zeros(len(self._origins), np.int32)
        self._sum = np.zeros_like(self._weights.total)
        self._communities = self._opened = 0
        self._done: list[_Step] = []
        self._undone: list[_Step] = []
        self._turn(self._first, opening=True)
        self._start = _Step(True, self._first, int(self._sum[0]), self._opened)
        return self

    def copy(self) -> Self:
        """Make another one in the same state, with the same steps; from then on each goes its own way."""
        other = copy.copy(self)
        for name in ("_is_open", "_times", "_sum", "_done", "_undone"):
            setattr(other, name, getattr(self, name).copy())
        return other

    @property
    def share(self) -> float:
        """Covered share of the leading weight, 0 to 1; NaN when its total is 0."""
        return self._share(self._sum[0])

    @property
    def shares(self) -> pd.Series:
        """Covered share of each weight, 0 to 1; NaN where the total is 0."""
        return pd.Series([self._share(part, i) for i, part in enumerate(self._sum)], self._names, name="share")

    @property
    def table(self) -> pd.DataFrame:
        """The frame of `coverage`: a row for each weight, with sums, counts of communities, and shares of both."""
        n, m, people = len(self._origins), self._communities, self._weights.in_people
        both = enumerate(zip(self._weights.total, self._sum, strict=True))
        share = m / n if n else math.nan
        rows = [(people(all_, i), people(part, i), self._share(part, i), n, m, share) for i, (all_, part) in both]
        index = pd.MultiIndex.from_product([["all"], self._names], names=["group", "weight"])
        return pd.DataFrame(rows, index=index, columns=list(COLUMNS))

    def by(self, groups: pd.Series) -> pd.DataFrame:
        """Make the frame of `coverage` for each of the *groups*, by community id, such as districts.

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
        people = {name: self._weights.of_communities(i) for i, name in enumerate(self._names)}
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
        steps = [self._start, *self._done]
        columns = {
            "action": ["start", *("open" if step.opening else "close" for step in self._done)],
            "sites": [tuple(self._sites[step.sites]) for step in steps],
            "open": [step.open for step in steps],
            "covered": [self._weights.in_people(step.covered, 0) for step in steps],
            "share": [self._share(step.covered) for step in steps],
        }
        return pd.DataFrame(columns).rename_axis("step")

    def gain(self, *sites: object, weight: str | None = None) -> float:
        """Measure how much more would be covered if closed *sites* opened, all together, without opening them.

        *weight* names the weight, when it is not the leading one.

        Raises
        ------
        ProblemError
            When a site is unknown, open already or named twice, or the weight unknown.
        """
        near, _ = self._reached(self._positions(sites, is_open=False))
        return self._people(near[self._times[near] == 0], weight)

    def loss(self, *sites: object, weight: str | None = None) -> float:
        """Measure how much less would be covered if open *sites* closed, as `gain` does.

        Raises
        ------
        ProblemError
            When a site is unknown, not open or named twice, or the weight unknown.
        """
        near, times = self._reached(self._positions(sites, is_open=True))
        return self._people(near[self._times[near] == times], weight)

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
        """List the *n* open sites that would be missed least, each on its own, as `best` does.

        Returns
        -------
        DataFrame
            As of `best`: what closing the site would lose.

        Raises
        ------
        ProblemError
            As `best`.
        """
        return self._ranked(n, weight, self._is_open, self._times == 1, most=False)

    def _step(self, *, opening: bool, sites: list[int]) -> Self:
        self._turn(sites, opening=opening)
        self._done.append(_Step(opening, sites, int(self._sum[0]), self._opened))
        self._undone.clear()
        return self

    def _repeat(self, what: str, steps: list[_Step], onto: list[_Step]) -> Self:
        if not steps:
            raise ProblemError(Message("question.no_undo") if what == "undo" else Message("question.no_redo"))
        onto.append(steps.pop())
        self._turn(onto[-1].sites, opening=onto[-1].opening == (what == "redo"))
        return self

    def _turn(self, sites: Iterable[int], *, opening: bool) -> None:
        sign = 1 if opening else -1
        for site in sites:
            near = self._weights.communities(site)
            times = self._times[near]
            changed = near[times == (0 if opening else 1)]
            self._times[near] = times + sign  # a community stands once among those of a site
            self._sum += sign * self._weights.add_up(changed)
            self._communities += sign * len(changed)
            self._is_open[site] = opening
            self._opened += sign

    def _reached(self, sites: list[int]) -> tuple[Positions, Positions | int]:
        """Communities that the sites reach, each once, and how many of the sites reach it."""
        if len(sites) == 1:
            return self._weights.communities(sites[0]), 1
        return np.unique(np.concatenate([self._weights.communities(site) for site in sites]), return_counts=True)

    def _ranked(self, n: int, weight: str | None, among: Bools, counts: Bools, *, most: bool) -> pd.DataFrame:
        if not n >= 1:
            raise ProblemError(Message("argument.whole", what="n", value=n, least=1))
        lead = self._leading(weight)
        sums = self._weights.by_site(counts)
        sites = np.flatnonzero(among)
        chosen = sites[np.argsort(-sums[lead, sites] if most else sums[lead, sites], kind="stable")[: int(n)]]
        people = self._weights.in_people
        columns = {name: [people(part, i) for part in sums[i, chosen]] for i, name in enumerate(self._names)}
        return pd.DataFrame(columns, index=self._sites[chosen].rename("site"))

    def _people(self, communities: Positions, weight: str | None) -> float:
        lead = self._leading(weight)
        return self._weights.in_people(self._weights.add_up(communities)[lead], lead)

    def _share(self, part: np.int64 | int, weight: int = 0) -> float:
        total = int(self._weights.total[weight])
        return int(part) / total if total else math.nan

    def _leading(self, weight: str | None) -> int:
        if weight is None:
            return 0
        if weight not in self._names:
            raise ProblemError(Message("argument.choose", what="weight", value=weight, choices=self._names))
        return self._names.index(weight)

    def _positions(self, sites: tuple[object, ...], *, is_open: bool) -> list[int]:
        if not sites:
            raise ProblemError(Message("question.no_named_site"))
        positions = [self._position(site) for site in sites]
        if len(set(positions)) < len(positions):
            raise ProblemError(Message("ids.twice", what="sites", ids=sites))
        wrong = [site for site, at in zip(sites, positions, strict=True) if self._is_open[at] != is_open]
        if wrong:
            raise ProblemError(
                Message("question.not_open", ids=wrong) if is_open else Message("question.open_already", ids=wrong)
            )
        return positions

    def _position(self, site: object) -> int:
        with suppress(KeyError, TypeError, ValueError, pd.errors.InvalidIndexError):
            at = self._sites.get_loc(site)
            if isinstance(at, int):
                return at
        if isinstance(site, list | tuple | set | pd.Index | pd.Series | np.ndarray):
            raise ProblemError(Message("question.star", value=site))
        raise ProblemError(Message("ids.unknown", of="destinations", ids=[site]))
