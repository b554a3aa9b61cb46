"""`audit`: every rule that the layers allow, with value, target, gap, what is needed, and the clause."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from numbers import Real
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from siting.data import atomic_path
from siting.errors import SitingError, StandardError, some
from siting.judge.context import Context, Missing
from siting.judge.finding import told
from siting.judge.indicators import COMPARES, INDICATORS, Finding, takes_share
from siting.judge.rule import Rule
from siting.judge.standard import Standard
from siting.judge.wording import said
from siting.measure.services import PEOPLE, walker
from siting.network import Network, Walk

__all__ = ["Audit", "audit"]

#: Shares in percent and rates are compared after this rounding, so that 2/5 of 40 is 16.
DIGITS = 9

COLUMNS = [
    "rule", "service", "indicator", "indicator_en", "unit", "area", "area_name", "metric", "value", "straight",
    "operator", "target", "target_max", "year", "gap", "needed", "needs", "status", "reason", "reason_en", "basis",
    "basis_en", "modal", "clause", "document",
]  # fmt: skip
#: What `figures` has beside them: the printed number, and how far the layers are from it.
PRINTED = ["printed", "printed_max", "printed_unit", "difference", "says"]
JUDGED = ("standard", "target")
#: Numbers for a whole city that say nothing of one of its districts.
WHOLE = ("count_target", "baseline_figure", "forecast_figure", "context_figure", "investment_project")


@dataclass(frozen=True, repr=False)
class Audit:
    """The verdict on each rule. Made by `audit`.

    Attributes
    ----------
    table
        A row per rule, area and unit; see `audit`.
    figures
        What the document prints without asking for it (figures of its own day, forecasts, directions), beside what the
        layers hold: the columns of `table`, and `printed`, `printed_max`, `printed_unit`, `difference` (value less
        printed, where both have one unit), `says`.
    standard, year
        The standard's name and the year it was read for.
    parameters
        What the documents leave open and the user set: walkers, shares, `beside`, `max_snap`, changed rules.
    """

    table: pd.DataFrame
    standard: str
    year: int | None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    figures: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=[*COLUMNS, *PRINTED]))

    def __repr__(self) -> str:
        whole = self.table[self.table["area"] == "all"]
        count = whole["status"].value_counts()
        parts = ", ".join(f"{int(count.get(s, 0))} {s}" for s in ("met", "short", "n/a"))
        year = "" if self.year is None else f" {self.year}"
        areas = self.table["area"].nunique() - 1
        return f"<Audit {self.standard}{year}: {parts}{f', {areas} areas' if areas > 0 else ''}>"

    @property
    def failing(self) -> pd.DataFrame:
        """The rows that are short."""
        return self.table[self.table["status"] == "short"]

    def select(
        self,
        *,
        status: str | None = None,
        service: str | None = None,
        area: str | None = None,
        rule: str | None = None,
    ) -> Audit:
        """Keep some rows.

        Parameters
        ----------
        status
            "met", "short" or "n/a".
        service
            Rules of this service.
        area
            "all", or the id or name of a district.
        rule
            Part of a rule's id, such as "childcare.places_per_1000".

        Raises
        ------
        SitingError
            When the status or area is not in the audit.

        Examples
        --------
        >>> import siting as st
        >>> judged = st.audit(st.load_standard("jinhua"), st.load_sample(), year=2025)
        >>> judged.select(service="eldercare", status="short").table["status"].unique().tolist()
        ['short']
        """
        if status is not None and status not in ("met", "short", "n/a"):
            raise SitingError(f'status is "{status}"; choose one of "met", "short", "n/a"')
        areas = pd.unique(self.table[["area", "area_name"]].to_numpy().ravel())
        if area is not None and area not in areas:
            raise SitingError(f'there is no area "{area}"; choose one of {some(areas, 20)}')

        def keep(table: pd.DataFrame) -> pd.DataFrame:
            kept = pd.Series(True, table.index)
            for name, want in (("status", status), ("service", service)):
                kept &= True if want is None else table[name] == want
            if area is not None:
                kept &= (table["area"] == area) | (table["area_name"] == area)
            if rule is not None:
                kept &= table["rule"].str.contains(rule, regex=False)
            return table[kept].reset_index(drop=True)

        return replace(self, table=keep(self.table), figures=keep(self.figures))

    def compare(self, other: Audit) -> pd.DataFrame:
        """Set this audit beside another one: of another year, of other layers, of a plan.

        Rules of two years are the same rule when their ids differ only in the year at the end.

        Parameters
        ----------
        other
            The audit to compare with; its numbers have the ending ``_other``.

        Returns
        -------
        DataFrame
            A row per rule, area and reading that either audit has: `rule` (without the year), `indicator`,
            `indicator_en`, `unit`, `needs` (what is counted), `area`, `value`, `value_other`, `change` (other less
            this), `target`, `target_other`, `needed`, `needed_other`, `status`, `status_other`. Of targets for several
            years in one audit the last stands for the rule.

        Examples
        --------
        >>> import siting as st
        >>> town = st.load_sample()
        >>> jinhua = st.load_standard("jinhua")
        >>> near, far = (st.audit(jinhua, town, year=year) for year in (2022, 2025))
        >>> both = near.compare(far).set_index("rule")
        >>> both.loc["jinhua.childcare.places_per_1000", ["target", "target_other"]].tolist()
        [3.3, 4.5]
        """
        keys = ["rule", "area", "reading"]
        numbers = ["value", "target", "needed", "status"]
        told = ["indicator", "indicator_en", "unit", "needs"]

        def keyed(table: pd.DataFrame) -> pd.DataFrame:
            stem = table["rule"].str.replace(r"\.(?:20\d\d)$", "", regex=True)
            found = table.assign(rule=stem, year=table["year"].fillna(0))
            found = found.sort_values("year", kind="stable").drop_duplicates(
                ["rule", "area", "basis", "needs"], keep="last"
            )
            found = found.sort_index()
            return found.assign(reading=found.groupby(["rule", "area"]).cumcount())[[*keys, *told, *numbers]]

        mine, others = keyed(self.table), keyed(other.table)
        order = pd.concat([mine[keys], others[keys]]).drop_duplicates()
        both = order.merge(mine, on=keys, how="left").merge(others, on=keys, how="left", suffixes=("", "_other"))
        for name in told:
            both[name] = both[name].fillna(both[f"{name}_other"])
        both["change"] = both["value_other"] - both["value"]
        return both[["rule", *told, "area", "value", "value_other", "change", "target", "target_other", "needed",
                     "needed_other", "status", "status_other"]]  # fmt: skip

    def to_excel(self, path: str | Path) -> Path:
        """Write the verdict to an Excel file, with the figures on a second sheet; formulas in names stay text.

        Returns
        -------
        Path
            Where it was written.

        Raises
        ------
        SitingError
            When *path* is no ``.xlsx`` or cannot be written.
        """
        from openpyxl import Workbook
        from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

        target = Path(path)
        if target.suffix.lower() != ".xlsx":
            raise SitingError(f'"{target.name}": an audit is written as .xlsx')
        book = Workbook()
        book.remove(book.active)
        sheets = {"audit": self.table, "figures": self.figures}
        for title, table in sheets.items():
            if title != "audit" and table.empty:
                continue
            sheet = book.create_sheet(title)
            rows = [list(table.columns), *table.astype(object).to_numpy().tolist()]
            for i, row in enumerate(rows, start=1):
                for j, value in enumerate(row, start=1):
                    if isinstance(value, str):
                        sheet.cell(i, j, ILLEGAL_CHARACTERS_RE.sub("", value)).data_type = "s"
                    elif not pd.isna(value):
                        sheet.cell(i, j, value)
        with atomic_path(target) as draft:
            book.save(draft)
        return target


def audit(
    standard: Standard,
    layers: Mapping[str, gpd.GeoDataFrame],
    *,
    network: Network | None = None,
    year: int | None = None,
    by: str | None = None,
    walk: Walk | Mapping[str, Walk] | None = None,
    shares: Mapping[str, float] | None = None,
    beside: float = 300.0,
    max_snap: float = 250.0,
    household_size: float | None = None,
) -> Audit:
    """Judge layers by a standard.

    Parameters
    ----------
    standard
        From `load_standard`.
    layers
        Layers by role: communities, districts, and one for each service.
    network
        Streets, for rules of distance.
    year
        Standing rules and those for this year; without it all targets and standing rules.
    by
        "district" or "county": judge each of them too, after the whole. Their communities walk wherever they like;
        stock and people are those inside.
    walk
        Who walks to the services, for circles in minutes: one for all, or by service. By default a carer with a child
        to childcare, an elder to elder care, an adult elsewhere.
    shares
        For rules that print no share, percent by rule id; a rule that has none reads "n/a".
    beside
        Walk in metres within which a facility counts as an estate's or park's own, or as a neighbour.
    max_snap
        Longest way from a place to a street, metres.
    household_size
        People in a household, for communities of which only the households are known.

    Returns
    -------
    Audit
        `table` columns: `rule`, `service`, `indicator`, `indicator_en`, `unit`, `area` ("all", or the id of a
        district), `area_name`, `metric` (streets or empty), `value`, `straight` (the value as the crow flies, to
        compare), `operator`, `target`, `target_max` (of a range), `year`, `gap` (how far the value is from the target,
        in `unit`), `needed` and `needs` (how many of what are still missing: people, communities, places, …), `status`
        (met, short, n/a), `reason` (why there is no value, or what would close the gap) and `basis` (what was counted),
        each also in English (`reason_en`, `basis_en`), `modal` (the words of force: 不少于, 鼓励, …), `clause`,
        `document`. What districts need is rounded up in each, so it can add up to more than the whole needs.

    Raises
    ------
    StandardError
        When a share is given for a rule that is not there or prints its own, or is no percentage, or *walk* names a
        service that is not there.
    LayerError
        When a number that a rule needs is blank in some rows.
    SitingError
        When *by* is neither, or there are no districts to judge by.

    Examples
    --------
    >>> import siting as st
    >>> town = st.load_sample()
    >>> judged = st.audit(st.load_standard("jinhua"), town, year=2025)
    >>> bool((judged.table["status"] == "n/a").any())
    True
    """
    if not isinstance(standard, Standard):
        raise StandardError(f"audit takes a Standard; load one with load_standard({str(standard)!r})")
    given = dict(shares or {})
    _check(standard, layers, given, walk)
    context = Context(layers, network, walk, given, beside, max_snap, standard.whole or standard.rules, household_size)
    judged = [rule for rule in standard.select(year=year) if rule.role in JUDGED]
    rows = [row for rule in judged for row in _rows(standard, rule, context)]
    for area in _areas(context, by):
        rows += [row for rule in judged for row in _rows(standard, rule, area)]
    figures = [_figure(rule, row) for rule in _printed(standard, year) for row in _rows(standard, rule, context)]
    return Audit(
        pd.DataFrame(rows, columns=COLUMNS).astype({"year": "Int64"}),
        standard.name,
        year,
        _parameters(standard, context),
        pd.DataFrame(figures, columns=[*COLUMNS, *PRINTED]).astype({"year": "Int64"}),
    )


def _check(standard: Standard, layers: Mapping[str, gpd.GeoDataFrame], given: Mapping[str, float],
           walk: Walk | Mapping[str, Walk] | None) -> None:  # fmt: skip
    unknown = set(given) - {rule.id for rule in standard}
    if unknown:
        raise StandardError(f"shares are given for rules that are not there: {some(sorted(unknown))}")
    printed = [rule.id for rule in standard if rule.id in given and not takes_share(rule)]
    if printed:
        raise StandardError(f"shares are given for rules that print their own number: {some(printed)}")
    wrong = [rule for rule, share in given.items() if not (isinstance(share, Real) and 1 < share <= 100)]
    if wrong:
        raise StandardError(f"shares must be percent, above 1 and up to 100 (90 % is 90), for {some(wrong)}")
    if isinstance(walk, Mapping):
        strange = set(walk) - {rule.service for rule in standard} - set(layers) - set(PEOPLE)
        if strange:
            raise StandardError(f"walk names services that are not there: {some(sorted(strange))}")


def _areas(context: Context, by: str | None) -> list[Context]:
    if by is None:
        return []
    if by not in ("district", "county"):
        raise SitingError(f'by is "{by}"; choose "district" or "county"')
    try:
        found = list(context.areas(by))
        if not found:
            raise Missing("audit.no_layer", layer="districts")
        return found
    except Missing as absent:
        raise SitingError(f'by="{by}": {said((absent.key, absent.values), "en")}') from None


def _printed(standard: Standard, year: int | None) -> list[Rule]:
    """Keep what the document prints without asking for it: its figures up to the year, and its directions."""
    return [
        rule
        for rule in standard
        if rule.role not in JUDGED and (year is None or rule.year is None or rule.year <= year)
    ]


def _figure(rule: Rule, row: dict[str, Any]) -> dict[str, Any]:
    printed = math.nan if rule.value is None or row["unit"] != rule.unit else rule.value
    alike = math.nan if rule.value is None else rule.value
    return {
        **row,
        "operator": rule.operator,
        "target": math.nan,
        "status": "n/a" if math.isnan(row["value"]) else "",
        "gap": math.nan,
        "needed": math.nan,
        "reason": row["reason"] if math.isnan(row["value"]) else "",
        "reason_en": row["reason_en"] if math.isnan(row["value"]) else "",
        "printed": alike,
        "printed_max": math.nan if rule.value_max is None else rule.value_max,
        "printed_unit": rule.unit,
        "difference": row["value"] - printed,
        "says": rule.says,
    }


def _rows(standard: Standard, rule: Rule, context: Context) -> list[dict[str, Any]]:
    try:
        compute = INDICATORS.get(rule.kind)
        if compute is None:
            raise Missing("audit.no_kind", kind=rule.kind)
        if rule.role in JUDGED and rule.operator not in COMPARES[rule.kind] and rule.value is not None:
            raise Missing("audit.no_operator", operator=rule.operator)
        findings = list(compute(rule, context))
        if context.area != "all" and rule.kind in WHOLE:
            findings = [
                replace(told(f.value, f.unit, f.basis, metric=f.metric), reason=("audit.whole_only", {}))
                for f in findings
            ]
    except Missing as absent:
        empty = Finding(math.nan, math.nan if rule.value is None else rule.value, rule.unit, rule.operator,
                        math.nan, reason=(absent.key, absent.values))  # fmt: skip
        findings = [empty]
    return [_row(standard, rule, finding, context) for finding in findings]


def _row(standard: Standard, rule: Rule, finding: Finding, context: Context) -> dict[str, Any]:
    value, target = round(finding.value, DIGITS), round(finding.target, DIGITS)
    most = rule.value_max if finding.operator == "range" and rule.value_max is not None else math.nan
    met = "met" if _holds(value, finding.operator, target, most) else "short"
    status = "n/a" if math.isnan(value) or math.isnan(target) else met
    short = status == "short"
    # What is too much by a rule that sets a ceiling is not "needed".
    needed = finding.needed if finding.operator in (">=", ">", "=") else math.nan
    # Without a reason of its own a value is missing because there is nothing to divide by, which the basis tells.
    reason = finding.basis if status == "n/a" and not finding.reason[0] else finding.reason
    return {
        "rule": rule.id,
        "service": rule.service,
        "indicator": rule.indicator_zh,
        "indicator_en": rule.indicator_en,
        "unit": finding.unit,
        "area": context.area,
        "area_name": context.area_name,
        "metric": finding.metric,
        "value": value,
        "straight": round(finding.straight, DIGITS),
        "operator": finding.operator,
        "target": target,
        "target_max": most,
        "year": rule.year,
        "gap": abs((most if value > most else target) - value) if short else (math.nan if status == "n/a" else 0.0),
        "needed": needed if short else (math.nan if status == "n/a" else 0.0),
        "needs": finding.needs,
        "status": status,
        "reason": said(reason, "zh"),
        "reason_en": said(reason, "en"),
        "basis": said(finding.basis, "zh"),
        "basis_en": said(finding.basis, "en"),
        "modal": rule.modal,
        "clause": rule.clause,
        "document": standard.title(rule),
    }


def _holds(value: float, operator: str, target: float, most: float) -> bool:
    return {
        "range": target <= value <= most,
        ">=": value >= target,
        ">": value > target,
        "<=": value <= target,
        "<": value < target,
        "=": value == target,
    }.get(operator, False)


def _parameters(standard: Standard, context: Context) -> dict[str, Any]:
    services = sorted({rule.service for rule in standard} & set(context.layers))
    walks = {service: walker(service, context.walk) for service in services}
    return {
        "walk": walks,
        "shares": dict(context.shares),
        "beside": context.beside,
        "max_snap": context.max_snap,
        "household_size": context.household_size,
        "changes": {name: dict(change) for name, change in standard.changes.items()},
        "layers": {name: frame.attrs["source"] for name, frame in context.layers.items() if "source" in frame.attrs},
    }
