"""`spatial_mismatch`: whether beds and places are where their users live."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from siting.errors import ProblemError
from siting.labels import label, named
from siting.measure.alignment import amounts, groups
from siting.measure.inequality import by_kind
from siting.measure.inequality_measures import weighted_median
from siting.measure.reach import Reach, Unit, refuse_other
from siting.messages import Message
from siting.numbers import Floats
from siting.renamed import RenamedAttribute, renamed_keywords

__all__ = ["Mismatch", "Verdict", "spatial_mismatch"]

Verdict = Literal["follow", "apart", "alike", "mixed", "n/a"]

#: Printed ratios between these count as alike: a choice of ours, not a measured bound.
ALIKE = (0.95, 1.05)
#: Amounts below this are printed as 0.
LEAST = 0.05


@dataclass(frozen=True, eq=False, repr=False)
class Mismatch:
    """How well a supply matches its users in space. Made by `spatial_mismatch`.

    Attributes
    ----------
    demand, supply
        Names of the compared columns, such as "elderly" and "beds".
    districts
        A row per district: `demand`, `supply`, `demand_share`, `supply_share`, `quotient` (location quotient; NaN
        without demand), `surplus` (supply beyond the share of the demand). None without districts.
    dissimilarity
        Share of the supply that would have to move to another district, 0 to 1; NaN without people or supply.
    distance
        Rows "demand" and "residents":

        - `total`, and `unreached`, the share that reaches no supply
        - `mean`: distance to the nearest supply. Those who reach none count at the limit, so that the mean is a
          lower bound; without a limit those without a path are left out
        - `median`: the same, with the unreached at infinity; NaN if the median is infinite
        - `supply_within`: supply within `limit`, on average; `share_within`: the same as a share of the whole supply
    nearness, density
        Mean distance of residents divided by that of people: above 1 supply is nearer to the people. `supply_within` of
        people divided by that of residents: above 1 people have more supply around them.
    limit, searched
        The distance within which supply is around a community (NaN if not all is known), and the limit of the search.
    unit, how
        The unit of all distances, and how they were measured.
    verdict
        "follow" (both ratios above 1, or one above and one alike), "apart" (the same, below 1), "alike", "mixed" (one
        above, one below), "n/a". Ratios are rounded to two decimals; 0.95 to 1.05 is alike.
    reason
        Why the verdict is "n/a": "nobody", "no_supply", "unreached", "at_door" (all distances are 0); else None.
    """

    demand: str
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
        figures = f"nearness {self.nearness:.2f}, density {self.density:.2f}"
        if self.districts is not None:
            figures += f", dissimilarity {self.dissimilarity:.2f} over {len(self.districts)} districts"
        return f"<Mismatch: {self.supply} against {self.demand}: {self.verdict}, {figures}>"

    people = RenamedAttribute("demand")
    statement = RenamedAttribute("explain")

    def explain(self, lang: str = "zh", *, names: Mapping[object, str] | pd.Series | None = None) -> str:
        """Describe the result in sentences that can be quoted.

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
        >>> way = pd.DataFrame({"origin": ["a", "b"], "destination": ["x", "x"], "cost": [100.0, 400.0]})
        >>> reach = Reach.from_pairs(way, origins=["a", "b"], destinations=["x"], limit=1000)
        >>> elderly = pd.Series({"a": 30, "b": 10}, name="elderly")
        >>> everybody = pd.Series({"a": 100, "b": 100}, name="population")
        >>> found = spatial_mismatch(reach, elderly, pd.Series({"x": 20}, name="beds"), residents=everybody, limit=300)
        >>> print(found.explain("en").splitlines()[2])
        Within 300 m: 15 beds on average for people aged 60+, 10 beds for all residents (ratio 1.50; above 1: more
        around people aged 60+).
        """
        return "\n".join(_Statement(self, lang).lines(dict(names) if names is not None else {}))


class _Statement:
    """A mismatch in the words of one language."""

    def __init__(self, mismatch: Mismatch, lang: str) -> None:
        self.mismatch, self.lang = mismatch, lang
        # Known names have a word; others stand for themselves.
        unnamed = mismatch.demand in ("demand", "people")
        who = label("match.people", lang) if unnamed else named("people", mismatch.demand, lang)
        what = label("match.supply", lang) if mismatch.supply == "supply" else named("field", mismatch.supply, lang)
        self.words = {"who": who, "what": what, "unit": label(f"unit.{mismatch.unit}", lang)}

    def text(self, key: str, **values: object) -> str:
        return label(f"match.{key}", self.lang, **self.words, **values)

    def lines(self, names: Mapping[object, str]) -> list[str]:
        mismatch, reason = self.mismatch, self.mismatch.reason
        lines = [self.text(mismatch.verdict) if reason is None else self.text("na", reason=self.text(reason))]
        if mismatch.districts is not None:
            lines.append(self.by_district(mismatch.districts, names))
        return lines if reason is not None else [*lines, self.ways(), self.around()]

    def by_district(self, districts: pd.DataFrame, names: Mapping[object, str]) -> str:
        if math.isnan(self.mismatch.dissimilarity):
            return self.text("districts_na")
        surplus = districts["surplus"]
        moved = float(surplus.clip(lower=0).sum())
        text = self.text("districts", share=f"{self.mismatch.dissimilarity:.1%}", amount=self.amount(moved))
        ends = {"most": int(np.argmax(surplus)), "fewest": int(np.argmin(surplus))}
        for key, at in ends.items() if moved >= LEAST else ():
            district, row = districts.index[at], districts.iloc[at]
            amount, quotient = self.amount(abs(row["surplus"])), self.ratio(row["quotient"])
            text += self.text(key, district=names.get(district, district), quotient=quotient, amount=amount)
        return text + self.text("stop")

    def ways(self) -> str:
        mismatch = self.mismatch
        people, residents = mismatch.distance.to_dict("index").values()
        key = {"streets": "streets", "straight line": "straight"}.get(mismatch.how.split(",")[0])
        metric = (", " if self.lang == "en" else "") + self.text(key) if key else ""
        mean, mean_all = self.way(people["mean"]), self.way(residents["mean"])
        median, median_all = self.median(people["median"]), self.median(residents["median"])
        text = self.text(
            f"way_{mismatch.unit}", metric=metric, mean=mean, mean_all=mean_all, median=median, median_all=median_all,
            ratio=self.ratio(mismatch.nearness),
        )  # fmt: skip
        if people["unreached"] + residents["unreached"] > 0:
            key = "at_limit" if math.isfinite(mismatch.searched) else "no_path"
            share, share_all = f"{people['unreached']:.1%}", f"{residents['unreached']:.1%}"
            text += self.text(key, limit=f"{mismatch.searched:.10g}", share=share, share_all=share_all)
        return text

    def around(self) -> str:
        mismatch = self.mismatch
        if math.isnan(mismatch.limit):
            return self.text("around_na")
        people, residents = (self.amount(amount) for amount in mismatch.distance["supply_within"])
        limit, ratio = f"{mismatch.limit:.10g}", self.ratio(mismatch.density)
        return self.text("around", limit=limit, amount=people, amount_all=residents, ratio=ratio)

    def way(self, cost: float) -> str:
        if math.isnan(cost):
            return self.text("unknown")
        return f"{cost:,.0f}" if self.mismatch.unit == "m" else f"{cost:,.1f}"

    def median(self, cost: float) -> str:
        """Print a median; one that is missing lies beyond what was searched."""
        beyond = math.isnan(cost) and math.isfinite(self.mismatch.searched)
        return f">{self.mismatch.searched:,.10g}" if beyond else self.way(cost)

    def amount(self, amount: float) -> str:
        number = f"{amount:,.1f}".removesuffix(".0") if amount < 10 else f"{amount:,.0f}"
        return self.text(self.mismatch.supply if self.mismatch.supply in ("beds", "places") else "amount", n=number)

    def ratio(self, ratio: float) -> str:
        return self.text("unknown") if math.isnan(ratio) else f"{_two_decimals(ratio):.2f}"


@renamed_keywords(people="demand")
def spatial_mismatch(
    reach: Reach,
    demand: pd.Series,
    supply: pd.Series,
    *,
    residents: pd.Series,
    by: pd.Series | None = None,
    supply_by: pd.Series | None = None,
    limit: float | None = None,
) -> Mismatch:
    """Compare the location of a supply with that of its users, for example beds with the elderly.

    By district, with people ``E(d)`` of ``E`` and supply ``B(d)`` of ``B``: the location quotient
    ``LQ(d) = (B(d)/B) / (E(d)/E)`` [1]_, the surplus ``B(d) - B E(d)/E``, and the index of dissimilarity
    ``D = 1/2 sum_d |E(d)/E - B(d)/B|`` [2]_, the share of the supply that would have to move [3]_.

    By distance: the mean distance to the nearest supply, and the mean supply within a limit, for users and for
    residents.

    Parameters
    ----------
    reach
        From communities to facilities. With only the nearest, the supply within a limit is not known.
    demand
        Users of the supply by community id: elderly for beds, …. Its name is used in sentences.
    supply
        By facility id: beds, places, or 1 for each facility; those with 0 are ignored. Its name is used in sentences.
    residents
        All residents by community id, for comparison.
    by, supply_by
        The district of each community and of each facility; both, or none.
    limit
        The distance within which supply is around a community, in the unit of *reach*; default: the limit of *reach*.

    Returns
    -------
    Mismatch

    Raises
    ------
    ProblemError
        When a number is missing, negative or not a number, a community or facility has no district, no district has
        both, only one of *by* and *supply_by* is given, the limit is above what was searched, or *reach* holds only the
        nearest and one of them has no supply.

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
    refuse_other(reach)
    people = amounts(demand, reach.origins, what="demand", of="communities")
    everybody = amounts(residents, reach.origins, what="residents", of="communities")
    amount = amounts(supply, reach.destinations, what="supply", of="facilities")
    if (by is None) != (supply_by is None):
        raise ProblemError(Message("measure.districts_together"))
    districts, dissimilarity = None, math.nan
    if by is not None:
        sites = groups(supply_by, reach.destinations, "facilities", what="supply_by")
        districts = _districts(people, groups(by, reach.origins, "communities"), amount, sites)
        dissimilarity = float((districts["demand_share"] - districts["supply_share"]).abs().sum(skipna=False)) / 2
    around = reach.limit if limit is None else reach.within(limit).limit
    if not math.isfinite(around) or reach.nearest_only is not None:
        around = math.nan  # not all supply within is known
    distance = _distances(reach, np.stack([people, everybody]), amount.to_numpy(float), around)
    nearness = _over(distance["mean"]["residents"], distance["mean"]["demand"])
    density = _over(*distance["supply_within"])
    verdict = _verdict(nearness, density)
    return Mismatch(
        demand=str(demand.name or "demand"),
        supply=str(supply.name or "supply"),
        districts=districts,
        dissimilarity=dissimilarity,
        distance=distance,
        nearness=nearness,
        density=density,
        limit=around,
        searched=reach.limit,
        unit=reach.unit,
        how=reach.how,
        verdict=verdict,
        reason=_reason(distance, float(amount.sum())) if verdict == "n/a" else None,
    )


def _districts(people: pd.Series, by: pd.Series, supply: pd.Series, supply_by: pd.Series) -> pd.DataFrame:
    """Count people and supply by district; a district may have only one of both."""
    counted = {
        name: values.groupby(labels.astype(object), sort=False).sum()
        for name, values, labels in (("demand", people, by), ("supply", supply, supply_by))
    }
    homes, sites = counted["demand"].index, counted["supply"].index
    if len(homes) and len(sites) and not homes.isin(sites).any():
        names = {"homes": list(map(repr, homes)), "sites": list(map(repr, sites))}
        raise ProblemError(Message("measure.no_common_district", **names))
    ids = sorted({*homes, *sites}, key=by_kind)
    table = pd.DataFrame(counted, index=pd.Index(ids, dtype=object, name="district")).fillna(0.0)
    for name in counted:
        table[f"{name}_share"] = table[name] / table[name].sum()
    share = table["demand_share"]
    table["quotient"] = table["supply_share"] / share.where(share > 0)
    table["surplus"] = table["supply"] - table["supply"].sum() * share
    return table


def _distances(reach: Reach, crowds: Floats, supply: Floats, limit: float) -> pd.DataFrame:
    """Measure the ways of the people and of the residents, a row of the table each."""
    has = supply > 0
    if reach.nearest_only is not None and not has[reach.destination].all():
        idle = reach.destinations[np.unique(reach.destination[~has[reach.destination]])]
        raise ProblemError(Message("reach.nearest_no_supply", ids=idle))
    n = len(reach.origins)
    cost, near = np.full(n, np.inf), has[reach.destination]
    np.minimum.at(cost, reach.origin[near], reach.cost[near])
    around = np.full(n, np.nan)
    if not math.isnan(limit):
        inside = reach.within(limit)
        around = np.bincount(inside.origin, weights=supply[inside.destination], minlength=n)
    rows = [_distance(crowd, cost, reach.limit, around, float(supply.sum())) for crowd in crowds]
    return pd.DataFrame(rows, index=pd.Index(["demand", "residents"], name="who"))


def _distance(crowd: Floats, cost: Floats, searched: float, around: Floats, supply: float) -> dict[str, float]:
    total, reached = float(crowd.sum()), np.isfinite(cost)
    # Leaving out who lies beyond the limit would bring a crowd nearer of which fewer reach anything.
    way = np.minimum(cost, searched) if reached.any() else cost
    known = np.isfinite(way)
    median = weighted_median(cost, crowd)
    within = _over(float(crowd @ around), total)
    return {
        "total": total,
        "unreached": _over(float(crowd[~reached].sum()), total),
        "mean": _over(float(crowd[known] @ way[known]), float(crowd[known].sum())),
        "median": median if math.isfinite(median) else math.nan,
        "supply_within": within,
        "share_within": _over(within, supply),
    }


def _verdict(nearness: float, density: float) -> Verdict:
    """Compare the ratios as they are printed with what counts as alike."""
    if not (ratios := [_two_decimals(ratio) for ratio in (nearness, density) if not math.isnan(ratio)]):
        return "n/a"
    above, below = max(ratios) > ALIKE[1], min(ratios) < ALIKE[0]
    return "mixed" if above and below else "follow" if above else "apart" if below else "alike"


def _reason(distance: pd.DataFrame, supply: float) -> str:
    """Name why no ratio could be formed."""
    if not (distance["total"] > 0).all():
        return "nobody"
    if not supply > 0:
        return "no_supply"
    return "unreached" if distance["mean"].isna().any() else "at_door"


def _over(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole > 0 else math.nan


def _two_decimals(ratio: float) -> float:
    """Round to two decimals; the first step takes rounding errors away."""
    return round(round(ratio, 9), 2)
