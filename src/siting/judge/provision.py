"""`provision`: what each estate, park, community and population must provide by a standard, and its shortage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import geopandas as gpd
import pandas as pd

from siting.errors import SitingError
from siting.judge.indicators.estate_duties import DUTIES, duty_of, units_owed
from siting.judge.indicators.estate_facilities import there
from siting.judge.indicators.estates import lacking_of
from siting.judge.indicators.facilities_for_people import owed_for_people
from siting.judge.indicators.finding import number
from siting.judge.indicators.rates import BASES
from siting.judge.layers.context import Context
from siting.judge.layers.judged_units import by_units
from siting.judge.layers.rule_columns import Missing
from siting.judge.layers.uncounted_types import uncounted, warn_of_unknown
from siting.judge.standards.applies_to import DISTRICTS, ESTATES
from siting.judge.standards.keys import JUDGED
from siting.judge.standards.rule import Rule
from siting.judge.standards.standard import Standard, refuse_other
from siting.judge.standards.units_of_measure import UNITS
from siting.judge.wording.sentences import in_both
from siting.labels import label
from siting.limits import metres_of
from siting.network import Network, Walk

__all__ = ["provision"]

T = TypeVar("T")
#: The columns that hold a quantity, where a rule names none.
COLUMNS_OF = {"school_places": "school_places", "area_m2": "floor_area", "land_m2": "land_area"}
QUANTITIES = ("facilities", "area_m2", "places", "school_places", "beds", "land_m2")
COLUMNS = [
    "community", "name", "rule", "indicator", "indicator_en", "service", "facilities", "facilities_low", "area_m2",
    "places", "school_places", "beds", "land_m2", "base", "amount", "there", "lacking", "read_with", "reason",
    "reason_en", "clause", "document",
]  # fmt: skip
#: City-wide rates for the whole population, and their quantities.
POPULATION = {
    "places_per_1000_residents": "places",
    "beds_per_1000_elderly": "beds",
    "ratio_per_10000_elderly": "beds",
    "provision_land_per_capita": "land_m2",
    "area_per_1000_residents": "area_m2",
    "residents_per_facility": "facilities",
}


def provision(
    standard: Standard,
    communities: pd.DataFrame,
    layers: Mapping[str, gpd.GeoDataFrame] | None = None,
    *,
    network: Network | None = None,
    year: int | None = None,
    household_size: float | None = None,
    walk: Walk | Mapping[str, Walk] | None = None,
    beside: float = 300.0,
    max_snap: float = 250.0,
) -> pd.DataFrame:
    """Compute what each estate, park and community, and the whole population, must provide by a standard.

    Parameters
    ----------
    standard
        From `load_standard`.
    communities
        Estates, villages and parks with the columns that the rules need: `kind`, `build_status`, `households`,
        `population`, `elderly`, `employees`. A DataFrame without geometry is enough without *layers*.
    layers
        Facilities by service. With them the table has the existing facilities and the shortage.
    network
        Streets, to find the facilities near each community.
    year
        Standing rules and the targets due by then, as for `Standard.select`; without it all of them.
    household_size
        People per household, for communities with households only (Quzhou's plan prints 2.33).
    walk, beside, max_snap
        As for `audit`.

    Returns
    -------
    DataFrame
        A row per community and rule, and for city-wide rates one with `community` "all". A duty of communities with
        several estates (社区) has a row for each, if `community_area` or the layer `community_areas` groups the
        estates, else for each estate:

        - `facilities` (high reading), `facilities_low`, `area_m2`, `places`, `school_places`, `beds`, `land_m2`: what
          is owed, in the column of its kind; missing in the others
        - `base`, `amount`: the basis of the duty, such as 3600 households
        - `there`, `lacking`: in the unit of what is owed; missing without *layers*. `there` is everything present,
          even above the duty; an audit counts no more than is owed. Where each site has a least area,
          `lacking` is the larger of the shortage of the estate and of its sites.
        - `read_with`: rules read together with this one, such as the least floor area
        - `reason`, `reason_en`: why something could not be computed
        - `clause`, `document`

        A rule for which a column is missing has one row, with community "all" and the reason. Rules with a threshold
        that a community does not reach have rows with 0.

    Raises
    ------
    StandardError
        When *standard* is not a Standard.
    LayerError
        When a number that a rule needs is blank in some rows.

    Notes
    -----
    With H households, P residents, E people of 60 and over and W employees: floor area ``max(a H / 100, A_min)``;
    facilities by households in two readings, see `siting.judge.indicators.estate_duties`; by employees
    ``floor(W / 10000)``; places ``ceil(q P / 1000)``; beds ``ceil(q E / 1000)``; land ``0.1 P``. Each number comes from
    the rule.

    Examples
    --------
    >>> import pandas as pd, siting as st
    >>> estate = pd.DataFrame({"kind": "estate", "build_status": "new", "households": [3600]}, index=["new town"])
    >>> owed = st.provision(st.load_standard("jinhua"), estate).set_index("rule")
    >>> owed.loc["jinhua.childcare.area_per_100_households.new", "area_m2"]
    np.float64(540.0)
    >>> both = owed.loc["jinhua.childcare.households_per_facility.new", ["facilities", "facilities_low"]]
    >>> both.astype(float).tolist()
    [1.0, 1.0]
    """
    refuse_other(standard, "provision")
    metres_of(beside, "beside", error=SitingError)
    metres_of(max_snap, "max_snap", endless=True, error=SitingError)
    given = {**(layers or {}), "communities": communities}
    context = Context(given, network, walk, {}, beside, max_snap, standard.whole or standard.rules, household_size)
    rules = [rule for rule in standard.select(year=year) if rule.role in JUDGED]
    if layers is not None:
        warn_of_unknown(uncounted(context, rules))
    rows = [row for rule in rules for row in _rows(standard, rule, context, looked=layers is not None)]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.astype(dict.fromkeys((*QUANTITIES, "facilities_low", "amount", "there", "lacking"), float))


def _rows(standard: Standard, rule: Rule, context: Context, *, looked: bool) -> Iterator[dict[str, Any]]:
    row = {
        "rule": rule.id, "indicator": rule.indicator_zh, "indicator_en": rule.indicator_en, "service": rule.service,
        "clause": rule.clause, "document": standard.title(rule),
    }  # fmt: skip
    everybody = {"community": "all", "name": label("audit.all", "zh")}
    further = rule.kind == "min_floor_area" or (rule.kind == "households_per_facility" and rule.operator == "per")
    try:
        if rule.kind == "residents_per_facility" and rule.applies_to in DISTRICTS:
            return  # each community has its own duty, shown by the audit
        if rule.kind in POPULATION and rule.applies_to not in ESTATES:
            yield {**row, **everybody, **_population(rule, context, looked=looked)}
        elif rule.kind in DUTIES and rule.applies_to != "county" and not further:  # that is read with another rule
            yield from ({**row, **one} for one in _estates(rule, by_units(rule, context), looked=looked))
    except Missing as absent:
        yield {**row, **everybody, **in_both("reason", absent.message)}


def _estates(rule: Rule, context: Context, *, looked: bool) -> Iterator[dict[str, Any]]:
    duty = duty_of(rule, context)
    have, why = _looked(lambda: (there(duty, context), lacking_of(duty, context))) if looked else (None, {})
    frame = context.layer("communities")
    names = frame["name"] if "name" in frame else pd.Series(frame.index.astype(str), frame.index)
    together = "; ".join(other.id for other in duty.read_with)
    for i, community in enumerate(duty.owed.index):
        row = {"community": community, "name": names[community], duty.quantity: float(duty.owed.iloc[i]),
               "base": duty.base, "amount": duty.amount.iloc[i], "read_with": together, **why}  # fmt: skip
        if duty.low is not None:
            row["facilities_low"] = float(duty.low.iloc[i])
        if have is not None:
            row |= {"there": have[0].iloc[i], "lacking": have[1].iloc[i]}
        yield row


def _population(rule: Rule, context: Context, *, looked: bool) -> dict[str, Any]:
    """Compute what the whole population must have by a rate for the city."""
    rate = number(rule)
    column, usual = BASES.get(rule.kind, ("", "population"))
    people = float(context.heads(rule.base or usual).sum())
    counts = UNITS[rule.unit].counts
    quantity = {"school_places": "school_places", "m2_land": "land_m2"}.get(counts, POPULATION[rule.kind])
    row: dict[str, Any] = {"base": rule.base or usual, "amount": people}
    columns = rule.column or tuple(filter(None, (COLUMNS_OF.get(quantity, column),)))
    if rule.kind == "residents_per_facility":
        each = pd.Series([people])
        owed = float(owed_for_people(rule, each, rule.reading or "ceil").iloc[0])
        row["facilities_low"] = float(owed_for_people(rule, each, "floor").iloc[0])
    elif rule.kind in ("area_per_1000_residents", "provision_land_per_capita"):
        owed = rate * people / UNITS[rule.unit].per
    else:
        owed = float(units_owed(people, rate, UNITS[rule.unit].per if rule.unit else 1000.0))
    if looked:
        have, why = _looked(lambda: context.amount(context.stock(rule), rule.layers[0], columns))
        row |= why if have is None else {"there": have, "lacking": max(0.0, owed - have)}
    return {**row, quantity: owed}


def _looked(look: Callable[[], T]) -> tuple[T | None, dict[str, str]]:
    """Look up what is present; missing data for that do not change what is owed."""
    try:
        return look(), {}
    except Missing as absent:
        return None, in_both("reason", absent.message)
