"""`audit`: every rule that the layers allow, with value, target, gap, what is needed, and the clause."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from siting.data import atomic_path, list_roles, role
from siting.errors import SitingError, StandardError, some
from siting.judge.context import Context, Missing
from siting.judge.indicators import COMPARES, INDICATORS, Finding, takes_share
from siting.judge.standard import Rule, Standard
from siting.labels import known, label
from siting.measure.services import PEOPLE, walker
from siting.network import Network, Walk

__all__ = ["Audit", "audit"]

#: Shares in percent and rates are compared after this rounding, so that 2/5 of 40 is 16.
DIGITS = 9

COLUMNS = [
    "rule", "service", "indicator", "indicator_en", "unit", "area", "metric", "value", "straight", "operator", "target",
    "target_max", "year", "gap", "needed", "status", "reason", "reason_en", "basis", "basis_en", "clause", "document",
]  # fmt: skip


@dataclass(frozen=True, repr=False)
class Audit:
    """The verdict on each rule. Made by `audit`.

    Attributes
    ----------
    table
        A row per rule and unit; see `audit`.
    standard, year
        The standard's name and the year it was read for.
    parameters
        What the documents leave open and the user set: walkers, shares, `beside`, `max_snap`.
    """

    table: pd.DataFrame
    standard: str
    year: int | None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        count = self.table["status"].value_counts()
        parts = ", ".join(f"{int(count.get(s, 0))} {s}" for s in ("met", "short", "n/a"))
        year = "" if self.year is None else f" {self.year}"
        return f"<Audit {self.standard}{year}: {parts}>"

    @property
    def failing(self) -> pd.DataFrame:
        """The rows that are short."""
        return self.table[self.table["status"] == "short"]

    def to_excel(self, path: str | Path) -> Path:
        """Write the table to an Excel file; names that look like formulas stay text.

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
        sheet = book.active
        sheet.title = "audit"
        rows = [list(self.table.columns), *self.table.astype(object).to_numpy().tolist()]
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
    walk: Walk | Mapping[str, Walk] | None = None,
    shares: Mapping[str, float] | None = None,
    beside: float = 300.0,
    max_snap: float = 250.0,
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
    walk
        Who walks to the services, for circles in minutes: one for all, or by service. By default a carer with a child
        to childcare, an elder to elder care, an adult elsewhere.
    shares
        For rules that print no share, percent by rule id; a rule that has none reads "n/a".
    beside
        Walk in metres within which a facility counts as an estate's or park's own.
    max_snap
        Longest way from a place to a street, metres.

    Returns
    -------
    Audit
        `table` columns: `rule`, `service`, `indicator`, `indicator_en`, `unit`, `area`, `metric` (streets or
        empty), `value`, `straight` (the value as the crow flies, to compare), `operator`, `target`, `target_max`
        (of a range), `year`, `gap` (target less value where short, in `unit`), `needed` (people, communities,
        places, … still missing), `status` (met, short, n/a), `reason` (why there is no value, or what would close
        the gap) and `basis` (what was counted), each also in English (`reason_en`, `basis_en`), `clause`,
        `document`.

    Raises
    ------
    StandardError
        When a share is given for a rule that is not there or prints its own, or is no percentage, or *walk* names a
        service that is not there.
    LayerError
        When a number that a rule needs is blank in some rows.

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
    context = Context(layers, network, walk, given, beside, max_snap)
    rows: list[dict[str, Any]] = []
    for rule in standard.select(year=year):
        if rule.role not in ("standard", "target"):
            continue
        rows.extend(_rows(standard, rule, context))
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"year": "Int64"})
    return Audit(table, standard.name, year, _parameters(standard, context))


def _rows(standard: Standard, rule: Rule, context: Context) -> list[dict[str, Any]]:
    try:
        compute = INDICATORS.get(rule.kind)
        if compute is None:
            raise Missing("audit.no_kind", kind=rule.kind)
        if rule.operator not in COMPARES[rule.kind]:
            raise Missing("audit.no_operator", operator=rule.operator)
        findings = list(compute(rule, context))
    except Missing as absent:
        empty = Finding(math.nan, math.nan if rule.value is None else rule.value, rule.unit, rule.operator,
                        math.nan, reason=(absent.key, absent.values))  # fmt: skip
        return [_row(standard, rule, empty)]
    return [_row(standard, rule, finding) for finding in findings]


def _row(standard: Standard, rule: Rule, finding: Finding) -> dict[str, Any]:
    value, target = round(finding.value, DIGITS), round(finding.target, DIGITS)
    met = "met" if _holds(value, finding.operator, target) else "short"
    status = "n/a" if math.isnan(value) else met
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
        "area": "all",
        "metric": finding.metric,
        "value": value,
        "straight": round(finding.straight, DIGITS),
        "operator": finding.operator,
        "target": target,
        "target_max": rule.value_max if finding.operator == "range" and rule.value_max is not None else math.nan,
        "year": rule.year,
        "gap": abs(target - value) if short else (math.nan if status == "n/a" else 0.0),
        "needed": needed if short else (math.nan if status == "n/a" else 0.0),
        "status": status,
        "reason": _said(reason, "zh"),
        "reason_en": _said(reason, "en"),
        "basis": _said(finding.basis, "zh"),
        "basis_en": _said(finding.basis, "en"),
        "clause": rule.clause,
        "document": standard.title(rule),
    }


def _holds(value: float, operator: str, target: float) -> bool:
    return {
        ">=": value >= target,
        ">": value > target,
        "<=": value <= target,
        "<": value < target,
        "=": value == target,
    }.get(operator, False)


def _said(words: tuple[str, dict[str, object]], lang: str) -> str:
    key, values = words
    if not key:
        return ""
    return label(key, lang, **{name: _word(name, value, lang) for name, value in values.items()})


def _word(name: str, value: object, lang: str) -> str:
    """Numbers with separators; words that the table knows in the reader's language."""
    if isinstance(value, tuple):
        return label("list.comma", lang).join(map(str, value))
    if isinstance(value, int | float):
        return "n/a" if math.isnan(value) else f"{value:,.10g}"
    if name == "layer" and value in list_roles():
        return role(str(value)).zh if lang == "zh" else role(str(value)).en
    if name == "absent":  # a column to be added: its own name, whatever the language
        return f"{label(f'field.{value}', lang)} ({value})" if known(f"field.{value}") else str(value)
    if name in ("of", "column", "base", "layer", "who"):
        for section in ("people", "field", "service", "walker", "column"):
            if known(f"{section}.{value}"):
                return label(f"{section}.{value}", lang)
    return str(value)


def _parameters(standard: Standard, context: Context) -> dict[str, Any]:
    services = sorted({rule.service for rule in standard} & set(context.layers))
    walks = {service: walker(service, context.walk) for service in services}
    return {
        "walk": walks,
        "shares": dict(context.shares),
        "beside": context.beside,
        "max_snap": context.max_snap,
        "layers": {name: frame.attrs["source"] for name, frame in context.layers.items() if "source" in frame.attrs},
    }
