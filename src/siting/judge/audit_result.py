"""`Audit`: the verdict on each rule as tables, to filter, compare and export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from siting.errors import SitingError
from siting.judge.audit_workbook import write_workbook
from siting.judge.layers.uncounted_types import COLUMNS as UNCOUNTED
from siting.judge.layers.uncounted_types import in_words as uncounted_in_words
from siting.judge.standards.units_of_measure import DIGITS, apart
from siting.judge.statuses import STATUSES, counts_of, groups_to_show, judged_first, members_of
from siting.judge.wording.sentences import needs_words
from siting.labels import known, label, named
from siting.messages import Message
from siting.notebook_html import card, table, words

__all__ = ["COLUMNS", "PRINTED", "Audit"]

COLUMNS = [
    "rule", "service", "indicator", "indicator_en", "unit", "area", "area_name", "metric", "value", "straight",
    "operator", "target", "target_max", "year", "gap", "gap_unit", "needed", "needs", "status", "reason", "reason_en",
    "basis", "basis_en", "modal", "note", "note_en", "clause", "document",
]  # fmt: skip
#: Further columns of `figures`: the printed number, and its difference from the layers.
PRINTED = ["printed", "printed_max", "printed_unit", "difference", "difference_unit", "says", "says_en"]


@dataclass(frozen=True, repr=False)
class Audit:
    """The verdict on each rule. Made by `audit`.

    Attributes
    ----------
    table
        A row per rule, area and unit; see `audit`.
    figures
        Numbers of the document that are not judged (figures of its day, forecasts, directions), compared with the
        layers: the columns of `table`, and `printed`, `printed_max`, `printed_unit`, `difference` (value less
        printed, where both have one unit) and its `difference_unit`, `says` (a line in Chinese) and `says_en`.
    standard, year
        The standard's name and the year of the verdict.
    parameters
        Settings of the user: walkers, shares, `beside`, `max_snap`, changed rules.
    by_unit
        For rules about each community, district or facility: those that fulfil it. A frame by rule id; see `units`.
    uncounted
        The words for types of facility that rules leave out, a row for each layer and word: `type` (that of
        `siting.data.facility_types`, missing for an unknown word), `rows`, `closest` (the closest types of
        an unknown word), `counted` (whether another rule counts it), `rules` (the ids of those that leave it out).
        Unknown words that no rule counts come first.
    """

    table: pd.DataFrame
    standard: str
    year: int | None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    figures: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=[*COLUMNS, *PRINTED]))
    by_unit: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    uncounted: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=UNCOUNTED))

    def __repr__(self) -> str:
        count = self.counts()
        parts = ", ".join(f"{int(count[group])} {group}" for group in groups_to_show(count))
        year = "" if self.year is None else f" {self.year}"
        areas = self.table["area"].nunique() - 1
        return f"<Audit {self.standard}{year}: {parts}{f', {areas} areas' if areas > 0 else ''}>"

    def _repr_html_(self) -> str:
        count = self.counts()
        groups = groups_to_show(count)
        verdicts = table([f"status.{group}" for group in groups], [[int(count[group]) for group in groups]])
        heads = ["indicator", "indicator_en", "value", "target", "unit", "needed"]
        short = self.failing.loc[self.failing["area"] == "all", heads]
        short["unit"] = [words(f"unit.{unit}") for unit in short["unit"]]
        rows = short.itertuples(index=False)
        failing = table([f"column.{name}" for name in heads], rows, caption=words("status.short"))
        year = {} if self.year is None else {"fact.year": str(self.year)}
        return card(words(f"standard.{self.standard}"), year, verdicts, failing)

    def counts(self, area: str = "all") -> pd.Series:
        """Count the rules of an area by verdict; a rule with several readings has the worst verdict.

        "n/a" counts rules without a verdict: missing data, no printed number, or not applicable.

        Examples
        --------
        >>> import siting as st
        >>> st.audit(st.load_standard("jinhua").select(kind="service_radius"), st.load_sample()).counts().to_dict()
        {'met': 0, 'part': 0, 'short': 0, 'ahead': 0, 'shown': 0, 'n/a': 2}
        """
        return counts_of(self.table[self.table["area"] == area])

    @property
    def failing(self) -> pd.DataFrame:
        """The rows that are short."""
        return self.table[self.table["status"] == "short"]

    def units(self, rule: str) -> pd.DataFrame:
        """List the communities, districts or facilities that a rule is for, and whether they fulfil it.

        Parameters
        ----------
        rule
            Its id.

        Returns
        -------
        DataFrame
            Index: ids of those that the rule is for. A column `fulfils`, or one for each reading, such as
            ``fulfils_500`` and ``fulfils_800`` of a relaxed radius.

        Raises
        ------
        SitingError
            When the rule is not in the audit, is not about units, or could not be computed.

        Examples
        --------
        >>> import siting as st
        >>> judged = st.audit(st.load_standard("jinhua").select(rule="township_coverage.2022"), st.load_sample())
        >>> units = judged.units("jinhua.childcare.township_coverage.2022")
        >>> units.index[~units["fulfils"]].tolist()
        ['D02', 'D11', 'D12']
        """
        if rule not in self.by_unit:
            raise SitingError(Message("verdict.no_units", rule=rule, known=list(self.by_unit)))
        return self.by_unit[rule].copy()

    def select(
        self, *, status: str | None = None, service: str | None = None, area: str | None = None, rule: str | None = None
    ) -> Audit:
        """Keep some rows.

        Parameters
        ----------
        status
            "met", "part", "short", "ahead", "shown", "no_data", "no_number" or "not_applicable"; "n/a" for the
            last three.
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
        areas = pd.unique(self.table[["area", "area_name"]].to_numpy().ravel())
        if area is not None and area not in areas:
            raise SitingError(Message("argument.choose", what="area", value=area, choices=list(areas)))
        statuses = STATUSES if status is None else members_of(status)

        def keep(table: pd.DataFrame) -> pd.DataFrame:
            kept = table["status"].isin(statuses)
            if service is not None:
                kept &= table["service"] == service
            if area is not None:
                kept &= (table["area"] == area) | (table["area_name"] == area)
            if rule is not None:
                kept &= table["rule"].str.contains(rule, regex=False)
            return table[kept].reset_index(drop=True)

        return replace(self, table=keep(self.table), figures=keep(self.figures))

    def compare(self, other: Audit) -> pd.DataFrame:
        """Compare this audit with another one: of another year, of other layers, of a plan.

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
            this) and its `change_unit` (percentage points for percent), `target`, `target_other`, `needed`,
            `needed_other`, `status`, `status_other`. Of several targets in one audit the last one due in
            its year is used, else the first later one; without a year the last.

        Examples
        --------
        >>> import siting as st
        >>> town = st.load_sample()
        >>> jinhua = st.load_standard("jinhua")
        >>> near, far = (st.audit(jinhua, town, year=year) for year in (2022, 2025))
        >>> both = near.compare(far).set_index("rule")
        >>> both.loc["jinhua.childcare.places_per_1000", ["target", "target_other"]].astype(float).tolist()
        [3.3, 4.5]
        """
        keys = ["rule", "same", "area", "reading"]
        numbers = ["value", "target", "needed", "status"]
        words = ["indicator", "indicator_en", "unit", "needs"]
        mine, others = (_one_of_each_series(audit)[[*keys, *words, *numbers]] for audit in (self, other))
        order = pd.concat([mine[keys], others[keys]]).drop_duplicates()
        both = order.merge(mine, on=keys, how="left").merge(others, on=keys, how="left", suffixes=("", "_other"))
        for name in words:
            both[name] = both[name].fillna(both[f"{name}_other"])
        alike = both["unit"] == both["unit_other"].fillna(both["unit"])
        both["change"] = (both["value_other"] - both["value"]).round(DIGITS).where(alike)
        both["change_unit"] = both["unit"].map(apart)
        return both[["rule", *words, "area", "value", "value_other", "change", "change_unit", "target",
                     "target_other", "needed", "needed_other", "status", "status_other"]]  # fmt: skip

    def in_words(self, lang: str = "zh") -> pd.DataFrame:
        """Return the table for readers: headings, units and verdicts in words, in one language.

        Examples
        --------
        >>> import siting as st
        >>> judged = st.audit(st.load_standard("jinhua").select(rule="places_per_1000.2025"), st.load_sample())
        >>> judged.in_words("en")[["status", "needed"]].to_numpy().tolist()
        [['short', 448.0]]
        """
        return _in_words(self.table, lang)

    def to_excel(self, path: str | Path, *, lang: str | None = None) -> Path:
        """Write the verdict to an Excel file; formulas in names stay text.

        Figures are on a second sheet, uncounted types of facilities on a third. For readers, judged rules come first,
        verdicts are coloured, and the header row is frozen.

        Parameters
        ----------
        path
            The file.
        lang
            "zh" or "en" for readers, see `in_words`; without it the columns and codes of `table`, for programs.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        SitingError
            When *path* does not end in ``.xlsx`` or cannot be written.
        """
        target = Path(path)
        if target.suffix.lower() != ".xlsx":
            raise SitingError(Message("verdict.not_xlsx", file=target.name))
        left = self.uncounted.assign(rules=[", ".join(ids) for ids in self.uncounted["rules"]])
        tables = {"audit": self.table, "figures": self.figures, "uncounted": left}
        if lang is not None:
            tables = {
                label("report.audit", lang): _in_words(pd.concat(judged_first(self.table)), lang),
                label("report.figures", lang): _in_words(self.figures, lang),
                label("report.uncounted", lang): uncounted_in_words(left, lang),
            }
        shown = {name: table for place, (name, table) in enumerate(tables.items()) if place == 0 or len(table)}
        write_workbook(target, shown)
        return target


def _one_of_each_series(audit: Audit) -> pd.DataFrame:
    """Keep one target of each series, named without its year."""
    table = audit.table
    stem = table["rule"].str.replace(r"\.20\d\d$", "", regex=True)
    # a standing rule is not in a series
    same = table["indicator"].where(stem != table["rule"], table["rule"])
    year = table["year"].fillna(0).astype(int)
    rank = year if audit.year is None else year.where(year <= audit.year, -year)
    found = table.assign(rule=stem, same=same, rank=rank)
    by = ["rule", "same", "area"]
    found = found[found["rank"] == found.groupby(by)["rank"].transform("max")]
    return found.assign(reading=found.groupby(by).cumcount())


def _in_words(table: pd.DataFrame, lang: str) -> pd.DataFrame:
    other = "_en" if lang == "zh" else ""
    left = {f"{text}{other}" for text in ("indicator", "reason", "basis", "note", "says")}
    made: dict[str, pd.Series] = {}
    for name in (name for name in table.columns if name not in left):
        values = table[name]
        if name in ("status", "metric", "service", "operator"):
            values = values.map(lambda code, name=name: named(name, code, lang) if code else "")
        elif name == "unit" or name.endswith("_unit"):
            values = values.map(lambda code: _unit(code, lang))
            of = name.removesuffix("_unit")
            values = values.where(table[of].notna(), "") if of in table and of != name else values
        elif name == "needs":
            values = values.map(lambda code: needs_words(code, lang))
        elif name == "area":
            values = values.where(values != "all", label("audit.all", lang))
        made[label(f"column.{name.removesuffix('_en')}", lang)] = values
    return pd.DataFrame(made)


def _unit(code: str, lang: str) -> str:
    keys = (f"{section}.{code}" for section in ("unit", "field", "column"))
    return next((label(key, lang) for key in keys if code and known(key)), code)
