"""`spatial_mismatch`: whether beds and places lie where the people are whom they are for, or elsewhere."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from siting.errors import ProblemError, some
from siting.labels import label, named
from siting.measure.alignment import amounts, groups
from siting.measure.inequality_measures import weighted_median
from siting.measure.reach import Reach, Unit
from siting.numbers import Floats

__all__ = ["Mismatch", "Verdict", "spatial_mismatch"]

Verdict = Literal["follow", "apart", "alike", "mixed", "n/a"]

#: A ratio that is printed between these is called alike. A choice of ours, not a measured bound.
ALIKE = (0.95, 1.05)
#: Amounts below this are printed as 0.
LEAST = 0.05


@dataclass(frozen=True, eq=False, repr=False)
class Mismatch:
    """How well a supply matches the people whom it is for. Made by `spatial_mismatch`.

    Attributes
    ----------
    people, supply
        Names of what was compared, such as "elderly" and "beds".
    districts
        A row per district: `people`, `supply`, `people_share`, `supply_share`, `quotient` (location quotient; NaN where
        there are no people), `surplus` (supply beyond the share of the people; below 0 what is missing). None when
        no districts were given.
    dissimilarity
        Share of the supply that would have to lie in another district, 0 to 1; NaN when it cannot be told.
    distance
        Rows "people" and "residents":

        - `total`, and `unreached`, the share that reaches no supply
        - `mean`: way to the nearest supply. Who reaches none within a limit is counted at that limit, so that the mean
          is a lower bound; in a search without limit those without a path are left out
        - `median`: the same, with the unreached farther than anybody; NaN when it is one of them
        - `supply_within`: supply within `limit`, on average over all; `share_within`: the same as a share of the whole
          supply, which can be compared between services
    nearness
        Mean way of residents over mean way of people: above 1 supply is nearer to the people than to everybody.
    density
        `supply_within` of people over that of residents: above 1 the people have more of it around them.
    limit, searched
        Within which way supply counts as around a community (NaN when that cannot be told), and how far was searched.
    unit, how
        The unit of all ways, and how they were measured.
    verdict
        "follow" (both ratios above 1, or one and the other alike), "apart" (below 1), "alike", "mixed" (one above, one
        below), "n/a". Ratios are taken as printed, with two decimals; from 0.95 to 1.05 they count as alike.
    reason
        Why the verdict is "n/a": "nobody", "no_supply", "unreached", "at_door" (people have no way to go, which
        gives no ratio); else None.
    """

    people: str
    supply: str
    districts: pd.DataFrame | None
    dissimilarity: float
    distance: pd.DataFrame
    nearness: float
    density: float
    limit: float
    searched: float
    unit: Unit
    how: str
    verdict: Verdict
    reason: str | None

    def __repr__(self) -> str:
        told = f"nearness {self.nearness:.2f}, density {self.density:.2f}"
        if self.districts is not None:
            told += f", dissimilarity {self.dissimilarity:.2f} over {len(self.districts)} districts"
        return f"<Mismatch: {self.supply} against {self.people}: {self.verdict}, {told}>"

    def statement(self, lang: str = "zh", *, names: Mapping[object, str] | pd.Series | None = None) -> str:
        """Say it in sentences that can be quoted.

        Parameters
        ----------
        lang
            "zh" or "en".
        names
            Names of the districts by their id, such as ``districts["name"]``; without it the ids are printed.

        Raises
        ------
        ValueError
            When there is no such language.

        Examples
        --------
        >>> import pandas as pd
        >>> way = pd.DataFrame({"origin": ["a", "b"], "destination": ["x", "x"], "cost": [100.0, 400.0]})
        >>> reach = Reach.from_pairs(way, origins=["a", "b"], destinations=["x"], limit=1000)
        >>> elderly = pd.Series({"a": 30, "b": 10}, name="elderly")
        >>> everybody = pd.Series({"a": 100, "b": 100}, name="population")
        >>> found = spatial_mismatch(reach, elderly, pd.Series({"x": 20}, name="beds"), residents=everybody, limit=300)
        >>> print(found.statement("en").splitlines()[2])
        Within 300 m: 15 beds on average for people aged 60+, 10 beds for all residents (ratio 1.50; above 1: more
        around people aged 60+).
        """
        lines = [self._verdict(lang)]
        if self.districts is not None:
            lines.append(self._by_district(self.districts, lang, names))
        if self.reason is None:
            lines += [self._ways(lang), self._around(lang)]
        return "\n".join(lines)

    def _words(self, lang: str) -> dict[str, str]:
        """Words for the two sides: ours for known names, the name itself for others."""
        who = label("match.people", lang) if self.people == "people" else named("people", self.people, lang)
        what = label("match.supply", lang) if self.supply == "supply" else named("field", self.supply, lang)
        return {"who": who, "what": what}

    def _verdict(self, lang: str) -> str:
        words = self._words(lang)
        if self.reason is None:
            return label(f"match.{self.verdict}", lang, **words)
        return label("match.na", lang, reason=label(f"match.{self.reason}", lang, **words), **words)

    def _by_district(self, districts: pd.DataFrame, lang: str, names: Mapping[object, str] | pd.Series | None) -> str:
        words = self._words(lang)
        if math.isnan(self.dissimilarity):
            return label("match.districts_na", lang, **words)
        surplus = districts["surplus"]
        moved = float(surplus.clip(lower=0).sum())
        amount = self._amount(moved, lang)
        told = label("match.districts", lang, share=f"{self.dissimilarity:.1%}", amount=amount, **words)
        called = dict(names) if names is not None else {}
        ends = {"most": int(np.argmax(surplus)), "fewest": int(np.argmin(surplus))}
        for key, at in ends.items() if moved >= LEAST else ():
            district, row = districts.index[at], districts.iloc[at]
            told += label(
                f"match.{key}", lang, district=called.get(district, district), quotient=_ratio(row["quotient"], lang),
                amount=self._amount(abs(row["surplus"]), lang),
            )  # fmt: skip
        return told + label("match.stop", lang)

    def _ways(self, lang: str) -> str:
        people, residents = self.distance.to_dict("index").values()
        told = label(
            f"match.way_{self.unit}", lang, metric=self._metric(lang), mean=self._way(people["mean"], lang),
            mean_all=self._way(residents["mean"], lang), median=self._middle(people["median"], lang),
            median_all=self._middle(residents["median"], lang), ratio=_ratio(self.nearness, lang), **self._words(lang),
        )  # fmt: skip
        if people["unreached"] + residents["unreached"] > 0:
            told += label(
                "match.at_limit" if math.isfinite(self.searched) else "match.no_path", lang,
                limit=f"{self.searched:.10g}", unit=label(f"unit.{self.unit}", lang),
                share=f"{people['unreached']:.1%}", share_all=f"{residents['unreached']:.1%}", **self._words(lang),
            )  # fmt: skip
        return told

    def _around(self, lang: str) -> str:
        if math.isnan(self.limit):
            return label("match.around_na", lang, **self._words(lang))
        people, residents = self.distance["supply_within"]
        return label(
            "match.around", lang, limit=f"{self.limit:.10g}", unit=label(f"unit.{self.unit}", lang),
            amount=self._amount(people, lang), amount_all=self._amount(residents, lang),
            ratio=_ratio(self.density, lang), **self._words(lang),
        )  # fmt: skip

    def _metric(self, lang: str) -> str:
        known = {"streets": "match.streets", "straight line": "match.straight"}
        key = known.get(self.how.split(",")[0])
        words = label(key, lang) if key else ""
        return f", {words}" if words and lang == "en" else words

    def _way(self, cost: float, lang: str) -> str:
        if math.isnan(cost):
            return label("match.unknown", lang)
        return f"{cost:,.0f}" if self.unit == "m" else f"{cost:,.1f}"

    def _middle(self, cost: float, lang: str) -> str:
        """Write a median; one that is missing lies beyond what was searched."""
        if math.isnan(cost) and math.isfinite(self.searched):
            return f">{self.searched:,.10g}"
        return self._way(cost, lang)

    def _amount(self, amount: float, lang: str) -> str:
        number = f"{amount:,.1f}".removesuffix(".0") if amount < 10 else f"{amount:,.0f}"
        key = self.supply if self.supply in ("beds", "places") else "amount"
        return label(f"match.{key}", lang, n=number, what=self._words(lang)["what"])


def spatial_mismatch(
    reach: Reach,
    people: pd.Series,
    supply: pd.Series,
    *,
    residents: pd.Series,
    by: pd.Series | None = None,
    supply_by: pd.Series | None = None,
    limit: float | None = None,
) -> Mismatch:
    """Tell whether a supply lies where the people are whom it is for, as beds should follow the elderly.

    By district, with people ``E(d)`` of ``E`` and supply ``B(d)`` of ``B``: the location quotient
    ``LQ(d) = (B(d)/B) / (E(d)/E)`` [1]_, the surplus ``B(d) - B E(d)/E``, and the index of dissimilarity
    ``D = 1/2 sum_d |E(d)/E - B(d)/B|`` [2]_, the share of the supply that would have to lie elsewhere [3]_.

    By the way to go, whatever the district: how far the nearest supply is, and how much lies within a limit, for the
    average one of the people and for the average resident. That the former is nearer does not say that it is near.

    Parameters
    ----------
    reach
        From communities to facilities. One of only the nearest tells no supply within a limit.
    people
        Whom the supply is for, by community id: elderly to beds, infants to places. Its name gives the word for them.
    supply
        By facility id: beds, places, or 1 for each facility. Facilities with 0 are passed over. Its name gives the word
        for it.
    residents
        All residents by community id, with whom the people are compared.
    by, supply_by
        The district of each community and of each facility; give both, or none to leave the districts away.
    limit
        Up to which way supply counts as around a community, in the unit of *reach*; without it the limit of *reach*.

    Returns
    -------
    Mismatch

    Raises
    ------
    ProblemError
        When a number is missing, negative or not a number, a community or facility has no district, no district has
        both, only one of *by* and *supply_by* is given, the limit is above what was searched, or only the nearest were
        kept and one of them is a facility without supply.

    References
    ----------
    .. [1] W. Isard, Methods of Regional Analysis, MIT Press, 1960.
    .. [2] O. D. Duncan and B. Duncan, "A methodological analysis of segregation indexes", American Sociological Review
       20 (2), 1955, pp. 210-217.
    .. [3] E. M. Hoover, "The measurement of industrial localization", Review of Economics and Statistics 18 (4), 1936,
       pp. 162-171.

    Examples
    --------
    >>> import siting as st
    >>> town = st.load_sample()
    >>> homes, centres = town["communities"], town["eldercare"]
    >>> reach = st.travel(st.Network.from_streets(town["streets"]), homes, centres, metres=1000)
    >>> spatial_mismatch(reach, homes["elderly"], centres["beds"], residents=homes["population"], limit=500)
    <Mismatch: beds against elderly: ...>
    """
    who = amounts(people, reach.origins, what="people", of="communities")
    everybody = amounts(residents, reach.origins, what="residents", of="communities")
    amount = amounts(supply, reach.destinations, what="supply", of="facilities")
    if (by is None) != (supply_by is None):
        raise ProblemError("by and supply_by go together: give the districts of communities and of facilities, or none")
    districts = None
    if by is not None:
        homes = groups(by, reach.origins, "communities").astype(object)
        sites = groups(supply_by, reach.destinations, "facilities", what="supply_by").astype(object)
        districts = _districts(who, homes, amount, sites)
    limit = _limit(reach, limit)
    distance = _distances(reach, np.stack([who, everybody]), amount.to_numpy(float), limit)
    nearness = _over(distance["mean"]["residents"], distance["mean"]["people"])
    density = _over(*distance["supply_within"])
    verdict = _verdict(nearness, density)
    return Mismatch(
        people=str(people.name or "people"),
        supply=str(supply.name or "supply"),
        districts=districts,
        dissimilarity=_dissimilarity(districts),
        distance=distance,
        nearness=nearness,
        density=density,
        limit=limit,
        searched=reach.limit,
        unit=reach.unit,
        how=reach.how,
        verdict=verdict,
        reason=_reason(distance, float(amount.sum())) if verdict == "n/a" else None,
    )


def _limit(reach: Reach, limit: float | None) -> float:
    """Return the limit within which all supply is known; NaN when there is none."""
    if limit is not None:
        reach.within(float(limit))  # refuses what was not searched
    found = reach.limit if limit is None else float(limit)
    return found if math.isfinite(found) and reach.nearest_only is None else math.nan


def _districts(people: pd.Series, by: pd.Series, supply: pd.Series, supply_by: pd.Series) -> pd.DataFrame:
    """Count people and supply by district; a district may have only one of both."""
    counted = {
        name: series.groupby(groups, sort=False, observed=True).sum()
        for name, series, groups in (("people", people, by), ("supply", supply, supply_by))
    }
    homes, sites = counted["people"].index, counted["supply"].index
    if len(homes) and len(sites) and not homes.isin(sites).any():
        raise ProblemError(
            f"no district has both: by names {some(map(repr, homes))}, supply_by {some(map(repr, sites))}; write the "
            "ids alike, as text or as numbers"
        )
    ids = sorted({*homes, *sites}, key=lambda district: (type(district).__name__, district))
    table = pd.DataFrame(counted, index=pd.Index(ids, dtype=object, name="district")).fillna(0.0)
    for name in counted:
        total = float(table[name].sum())
        table[f"{name}_share"] = table[name] / (total if total > 0 else math.nan)
    share = table["people_share"]
    table["quotient"] = table["supply_share"] / share.where(share > 0)
    table["surplus"] = table["supply"] - table["supply"].sum() * share
    return table


def _dissimilarity(districts: pd.DataFrame | None) -> float:
    if districts is None:
        return math.nan
    return float((districts["people_share"] - districts["supply_share"]).abs().sum(skipna=False)) / 2


def _distances(reach: Reach, crowds: Floats, supply: Floats, limit: float) -> pd.DataFrame:
    """Measure the ways of both crowds, the people and the residents, as rows of a table."""
    has = supply > 0
    if reach.nearest_only is not None and not has[reach.destination].all():
        idle = reach.destinations[np.unique(reach.destination[~has[reach.destination]])]
        raise ProblemError(
            f"supply is 0 at {some(idle)}, and only the nearest facilities are known; travel to those that have supply"
        )
    n = len(reach.origins)
    cost = np.full(n, np.inf)
    near = has[reach.destination]
    np.minimum.at(cost, reach.origin[near], reach.cost[near])
    around = np.full(n, np.nan)
    if not math.isnan(limit):
        inside = reach.within(limit)
        around = np.bincount(inside.origin, weights=supply[inside.destination], minlength=n)
    rows = [_distance(crowd, cost, reach.limit, around, float(supply.sum())) for crowd in crowds]
    return pd.DataFrame(rows, index=pd.Index(["people", "residents"], name="who"))


def _distance(crowd: Floats, cost: Floats, searched: float, around: Floats, supply: float) -> dict[str, float]:
    total, reached = float(crowd.sum()), np.isfinite(cost)
    # Leaving out who lies beyond the limit would bring a crowd nearer of which fewer reach anything.
    way = np.minimum(cost, searched) if reached.any() else cost
    told = np.isfinite(way)
    median = weighted_median(cost, crowd)
    within = _over(float(crowd @ around), total)
    return {
        "total": total,
        "unreached": _over(float(crowd[~reached].sum()), total),
        "mean": _over(float(crowd[told] @ way[told]), float(crowd[told].sum())),
        "median": median if math.isfinite(median) else math.nan,
        "supply_within": within,
        "share_within": _over(within, supply),
    }


def _verdict(nearness: float, density: float) -> Verdict:
    """Compare the ratios as they are printed with what counts as alike."""
    ratios = [_printed(ratio) for ratio in (nearness, density) if not math.isnan(ratio)]
    above, below = (any(ratio > ALIKE[1] for ratio in ratios), any(ratio < ALIKE[0] for ratio in ratios))
    if not ratios:
        return "n/a"
    if above and below:
        return "mixed"
    return "follow" if above else "apart" if below else "alike"


def _reason(distance: pd.DataFrame, supply: float) -> str:
    """Say why no ratio could be formed."""
    if not (distance["total"] > 0).all():
        return "nobody"
    if not supply > 0:
        return "no_supply"
    return "unreached" if distance["mean"].isna().any() else "at_door"


def _over(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole > 0 else math.nan


def _printed(ratio: float) -> float:
    """Round to two decimals; of the last bits none decides between two."""
    return round(round(ratio, 9), 2)


def _ratio(ratio: float, lang: str) -> str:
    return label("match.unknown", lang) if math.isnan(ratio) else f"{_printed(ratio):.2f}"
