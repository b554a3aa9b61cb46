"""Random siting problems of every objective and rule, from tiny to the size of a city, each with at least one plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

import siting as st
from siting import propose

__all__ = ["KINDS", "SIZES", "Call", "make_call"]

#: Communities, candidate sites, and the number of sites within reach of a community, about.
SIZES = {
    "tiny": (6, 4, 2),
    "small": (80, 25, 5),
    "middle": (1_200, 150, 12),
    "large": (6_000, 600, 25),
    "huge": (20_000, 2_000, 40),
    "dense": (4_000, 400, 400),
}


@dataclass(frozen=True)
class Call:
    """A call of `solve`, and its name."""

    name: str
    objective: Any
    reach: Any
    demand: Any
    rules: list[Any]
    more: dict[str, Any] = field(default_factory=dict)

    def solve(self, **how: Any) -> Any:
        """Solve the problem."""
        return propose.solve(self.objective, self.reach, demand=self.demand, rules=self.rules, **self.more, **how)


@dataclass(frozen=True)
class Town:
    """Communities and sites at random points, some of them in clusters, and figures of both."""

    rng: np.random.Generator
    reach: Any
    people: pd.Series
    cost: pd.Series
    places: pd.Series
    site_district: pd.Series
    home_district: pd.Series
    between: Any
    spaced: Any

    @property
    def sites(self) -> int:
        """Number of sites."""
        return len(self.cost)

    @property
    def some(self) -> int:
        """A number of sites to open: few, or up to a third."""
        return int(self.rng.integers(1, max(2, self.sites // 3)))

    @property
    def reached(self) -> pd.Series:
        """People of the communities that some site reaches; 0 for the others."""
        there = np.zeros(len(self.people), bool)
        there[self.reach.origin] = True
        return self.people.where(there, 0)


def make_town(size: str, rng: np.random.Generator) -> Town:
    """Make a town."""
    homes, sites, near = SIZES[size]
    centres = rng.random((5, 2)) * 10_000
    points = rng.random((homes + sites, 2)) * 10_000
    inside = rng.random(homes + sites) < 0.4
    points[inside] = centres[rng.integers(0, 5, inside.sum())] + rng.normal(0, 800, (int(inside.sum()), 2))
    limit = 20_000.0 if near >= sites else 10_000 * np.sqrt(near / sites / np.pi)
    reach = _within(points[:homes], points[homes:], limit)
    apart = _within(points[homes:], points[homes:], 30_000.0) if sites <= 600 else None
    if apart is None:
        apart = _within(points[homes:], points[homes:], 2_500.0)
    spaced = _within(points[homes:], points[homes:], 0.15 * limit)
    district = (points[:, 0] // 2_500).clip(0, 3).astype(int) * 4 + (points[:, 1] // 2_500).clip(0, 3).astype(int)
    fractions = rng.random() < 0.3
    people = rng.integers(0, 500, homes) + (rng.random(homes).round(3) if fractions else 0)
    return Town(
        rng, reach, pd.Series(people), pd.Series(rng.integers(50, 300, sites).astype(float)),
        pd.Series(rng.integers(1, 2 + 4 * homes * 250 // sites, sites)), pd.Series(district[homes:]),
        pd.Series(district[:homes]), apart, spaced,
    )  # fmt: skip


def _within(homes: Any, sites: Any, limit: float) -> Any:
    """Make the reach of points within a limit, with ids from 0, a block of homes at a time."""
    parts = []
    for first in range(0, len(homes), 2_000):
        block = homes[first : first + 2_000]
        far = np.hypot(block[:, :1] - sites[:, 0], block[:, 1:] - sites[:, 1]).round(1)
        at = np.nonzero(far <= limit)
        parts.append((at[0] + first, at[1], far[at]))
    origin, destination, cost = (np.concatenate(each) for each in zip(*parts, strict=True))
    table = pd.DataFrame({"origin": origin, "destination": destination, "cost": cost})
    return st.Reach.from_pairs(table, origins=range(len(homes)), destinations=range(len(sites)), limit=limit)


def _call(town: Town, objective: Any, *rules: Any, people: Any = None, **more: Any) -> Call:
    demand = town.people if people is None else people
    return Call(str(objective).split("(")[0], objective, town.reach, demand, list(rules), more)


def _options(town: Town) -> pd.DataFrame:
    """Make two sizes for each site."""
    n = town.sites
    table = pd.DataFrame({"site": [*range(n)] * 2, "cost": [*town.cost, *(1.6 * town.cost)]})
    table["places"] = [*town.places, *(2 * town.places)]
    return table.set_index(pd.Index([f"{size}{k}" for size in "sl" for k in range(n)], name="option"))


#: Each makes a problem of a town that has at least one plan.
KINDS: dict[str, Callable[[Town], Call]] = {
    "coverage": lambda t: _call(t, propose.MaxCoverage(), propose.AtMost(t.some)),
    "coverage, decay": lambda t: _call(
        t, propose.MaxCoverage(decay=lambda cost: np.exp(-cost / 1_000)), propose.AtMost(t.some)
    ),
    "coverage, budget": lambda t: _call(t, propose.MaxCoverage(), propose.Budget(150.0 * t.some, t.cost)),
    "coverage, districts": lambda t: _call(
        t, propose.MaxCoverage(), propose.AtMost(max(3, t.some)), propose.AtMost(3, by=t.site_district)
    ),
    "coverage, backup": lambda t: _call(t, propose.MaxCoverage(), propose.AtMost(t.some), propose.Backup(2)),
    "coverage, capacity": lambda t: _call(t, propose.MaxCoverage(), propose.AtMost(t.some), propose.Capacity(t.places)),
    "coverage, capacity, budget": lambda t: _call(
        t, propose.MaxCoverage(), propose.Budget(150.0 * t.some, t.cost), propose.Capacity(t.places)
    ),
    "coverage, spacing": lambda t: _call(t, propose.MaxCoverage(), propose.AtMost(t.some), propose.Spacing(t.spaced)),
    "coverage, phases": lambda t: _call(
        t, propose.MaxCoverage(), propose.Phases((2025, 2030, 2035), at_most=max(1, t.some // 3)),
        people=pd.DataFrame(dict.fromkeys((2025, 2030, 2035), t.people)),
    ),
    "coverage, options": lambda t: _call(
        t, propose.MaxCoverage(), propose.Budget(150.0 * t.some), propose.Capacity(), options=_options(t)
    ),
    "coverage, supply": lambda t: _call(
        t, propose.MaxCoverage(), propose.AtMost(max(2, t.sites // 2)),
        propose.Supply(float(t.places.median()), places=t.places),
    ),
    "sites": lambda t: _call(t, propose.MinSites(), propose.Cover(1.0), people=t.reached),
    "sites, share": lambda t: _call(t, propose.MinSites(), propose.Cover(0.85), people=t.reached),
    "sites, districts": lambda t: _call(
        t, propose.MinSites(), propose.Cover(0.7, by=t.home_district), people=t.reached
    ),
    "sites, capacity": lambda t: _call(
        t, propose.MinSites(), propose.Cover(0.3), propose.Capacity(t.places * 0 + 10**7), people=t.reached
    ),
    "cost": lambda t: _call(t, propose.MinCost(t.cost), propose.Cover(0.85), people=t.reached),
    "cost, travel": lambda t: _call(t, propose.MinCost(100 * t.cost, travel=0.01), people=t.reached),
    "travel": lambda t: _call(t, propose.MinTravel(beyond=30_000), propose.AtMost(t.some)),
    "travel, everybody": lambda t: _call(t, propose.MinTravel(), propose.AtMost(t.sites), people=t.reached),
    "travel, districts": lambda t: _call(
        t, propose.MinTravel(beyond=30_000), propose.AtMost(max(3, t.some)), propose.AtMost(4, by=t.site_district)
    ),
    "travel, capacity": lambda t: _call(
        t, propose.MinTravel(beyond=30_000), propose.AtMost(t.some), propose.Capacity(t.places)
    ),
    "farthest": lambda t: _call(t, propose.MinFarthest(), propose.AtMost(max(1, t.sites * 2 // 3)), people=t.reached),
    "farthest, few": lambda t: _call(t, propose.MinFarthest(), propose.AtMost(t.sites), people=t.reached),
    "farthest, budget": lambda t: _call(
        t, propose.MinFarthest(), propose.Budget(float(t.cost.sum()) * 0.9, t.cost), people=t.reached
    ),
    "spacing": lambda t: _call(t, propose.MaxSpacing(t.between), propose.AtLeast(max(2, t.some))),
    "spacing, districts": lambda t: _call(
        t, propose.MaxSpacing(t.between), propose.AtLeast(2), propose.AtLeast(1, by=t.site_district)
    ),
    "spacing, share": lambda t: _call(
        t, propose.MaxSpacing(t.between), propose.AtLeast(2), propose.Cover(0.4), people=t.reached
    ),
}  # fmt: skip


def make_call(kind: str, size: str, seed: int) -> Call:
    """Make a random call of a kind."""
    rng = np.random.default_rng([seed, *kind.encode()])
    call = KINDS[kind](make_town(size, rng))
    return Call(kind, call.objective, call.reach, call.demand, call.rules, call.more)
