"""What planned projects change and what they cost: beds, coverage and money before and after, statuses kept apart."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Real

import geopandas as gpd
import pandas as pd

from siting.data import to_crs
from siting.errors import LayerError, ProblemError, some
from siting.labels import label
from siting.measure.alignment import amounts
from siting.measure.coverage import coverage
from siting.measure.reach import Reach

__all__ = ["Appraisal", "appraise_projects", "with_projects"]

#: Investment is in 10k yuan (万元), as in the column `cost` of the candidates; money per bed and subsidies in yuan.
YUAN = 10_000.0
#: What labels.toml has a word for; other columns are called by their name.
UNITS = ("beds", "places")
TABLE = ("status", "capacity", "added", "cost", "cost_per_unit", "area_per_unit", "subsidy", "adds")
TOTALS = (
    "projects", "silent", "capacity", "added", "stock_after", "cost", "cost_per_unit", "subsidy", "covered", "share",
)  # fmt: skip

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, repr=False)
class Appraisal:
    """What projects change and cost. Made by `appraise_projects`.

    Attributes
    ----------
    table
        A row per project: `status`; `capacity` (its beds or places; missing where none is printed); `added` to the
        stock (0 where the stock counts them already or none is printed); `cost` (10k yuan); `cost_per_unit` (yuan per
        bed or place) and `area_per_unit` (m²), missing without a capacity; `subsidy` (yuan; 0 without a type, missing
        where there is a type and no capacity is printed, or no rates were given); `adds`, the people who
        gain cover if this one alone is built (missing for a project without a place in the reach).
    totals
        A row per status in the order of the projects, then "all": `projects`; `silent` (those without a capacity);
        `capacity`, `added`, `stock_after` (missing when the stock is not given); `cost` of all; `cost_per_unit` over
        those with a capacity only; `subsidy` of those where it is known; `covered` and `share` of the people when the
        existing facilities and the projects of this status stand (missing without a reach).
    before
        Row of `coverage` for the existing facilities; None without a reach.
    unplaced
        Projects that have no place in the reach, and so change no coverage here.
    stock
        Beds or places there are; NaN when not given.
    unit
        What `capacity` counts: "beds", "places", or the column's name.
    subsidies
        The yuan for each bed or place that were given, by type; None when none were.
    """

    table: pd.DataFrame
    totals: pd.DataFrame
    before: pd.Series | None
    unplaced: tuple[object, ...]
    stock: float
    unit: str
    subsidies: Mapping[str, float] | None = None

    def __repr__(self) -> str:
        n, added, cost = len(self.table), self.table["added"].sum(), self.table["cost"].sum()
        return f"<Appraisal: {n} project{'s' * (n != 1)}, {added:,.10g} {self.unit} added, {cost:,.10g} × 10k yuan>"

    def explain(self, lang: str = "zh") -> str:
        """Say in words what the projects of each status add, cost and cover.

        Parameters
        ----------
        lang
            "zh" or "en".
        """
        lines = []
        for status, row in self.totals.to_dict("index").items():
            words = {key: f"{row[key]:,.10g}" for key in ("projects", "added", "cost", "silent")}
            name = label("sharing.projects_all", lang) if status == "all" else status
            unit = label(f"sharing.projects_{self.unit}", lang) if self.unit in UNITS else self.unit
            lines.append(label("sharing.projects_total", lang, status=name, unit=unit, **words))
            if self.before is not None:
                shares = {"before": _percent(self.before["share"], lang), "after": _percent(row["share"], lang)}
                lines.append(label("sharing.projects_share", lang, **shares))
        if self.subsidies:
            rates = [f"{kind} {rate:,.10g}" for kind, rate in self.subsidies.items()]
            lines.append(label("sharing.projects_rates", lang, rates=label("list.comma", lang).join(rates)))
        if self.unplaced:
            names = label("list.comma", lang).join(map(str, self.unplaced))
            lines.append(label("sharing.projects_unplaced", lang, names=names))
        return "\n".join(lines)


def _percent(share: float, lang: str) -> str:
    return label("match.unknown", lang) if math.isnan(share) else f"{100 * share:.1f} %"


def with_projects(
    existing: gpd.GeoDataFrame, projects: gpd.GeoDataFrame, *, statuses: Iterable[object]
) -> gpd.GeoDataFrame:
    """Add to the existing facilities the projects of some statuses, as if they were built.

    Parameters
    ----------
    existing, projects
        Layers with other ids; projects have a column `status`. Columns that one of them lacks are missing in its rows.
    statuses
        Which projects count: under construction, new, preparatory, … in your own words. There is no default, because a
        list of projects may hold some that the stock counts already, and some that may never be built.

    Returns
    -------
    GeoDataFrame
        A new layer in the CRS of *existing*, with the column `planned` (False for what exists).

    Raises
    ------
    LayerError
        When a project has no status or no place, a status is unknown, an id stands in both, or a layer has no CRS.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> now = gpd.GeoDataFrame({"beds": [40]}, index=["a"], geometry=[Point(5e5, 3e6)], crs=4547)
    >>> soon = gpd.GeoDataFrame({"beds": [75, 200], "status": ["new", "preparatory"]}, index=["E3", "E8"],
    ...                         geometry=[Point(5e5, 3.1e6), None], crs=4547)
    >>> with_projects(now, soon, statuses=["new"])[["beds", "planned"]].to_dict("index")
    {'a': {'beds': 40, 'planned': False}, 'E3': {'beds': 75, 'planned': True}}
    """
    kept = projects[_wanted(projects, statuses)]
    placeless = kept.index[(kept.geometry.isna() | kept.geometry.is_empty).to_numpy()]
    if len(placeless):
        raise LayerError("projects", f"no place for {some(placeless)}; give one, or leave them out here")
    both = existing.index.intersection(kept.index)
    if len(both):
        raise LayerError("projects", f"ids that exist already: {some(both)}; give an extension an id of its own")
    if existing.crs is None or projects.crs is None:
        raise LayerError("existing" if existing.crs is None else "projects", "no CRS; set it with set_crs")
    if kept.crs != existing.crs:
        log.info("projects are brought from %s to %s", kept.crs.name, existing.crs.name)
        kept = to_crs(kept, existing.crs).set_crs(existing.crs, allow_override=True)
    joined = pd.concat([existing.assign(planned=False), kept.assign(planned=True)])
    return joined.rename_axis(existing.index.name)


def appraise_projects(
    projects: pd.DataFrame,
    *,
    capacity: str = "beds",
    reach: Reach | None = None,
    demand: pd.Series | None = None,
    existing: Iterable[object] = (),
    subsidies: Mapping[str, float] | None = None,
    stock: float | None = None,
) -> Appraisal:
    """Tell how far planned projects change coverage and beds, and what they cost.

    Parameters
    ----------
    projects
        A row per project with the columns `status` and `cost` (10k yuan), the one that *capacity* names, and where they
        are known `floor_area` (m²), `subsidy_type` (a key of *subsidies*), and `in_stock` (whether *stock* counts it
        already).
    capacity
        Column of what is provided: "beds" or "places". It may be missing where the plan prints none. Seats of a
        kindergarten (学位) are no childcare places (托位): keep them in a column of their own.
    reach
        From communities to existing facilities and projects, within the radius. Projects that are not among its
        destinations have no place yet.
    demand
        People by community; needed with *reach*.
    existing
        Ids of the existing facilities among the destinations; text is one id.
    subsidies
        Yuan for each bed or place, by type.
    stock
        Beds or places there are; then `in_stock` must say of each project whether they count it already, because beds
        of a project are not added twice.

    Returns
    -------
    Appraisal
        Projects one by one, totals by status, and coverage before and after.

    Raises
    ------
    ProblemError
        When a column is absent, a status or cost is missing, `in_stock` is neither yes nor no, a number negative, a
        type of subsidy unknown or its rate no number of 0 or more, or a project stands among the existing facilities.

    Notes
    -----
    ``cost_per_unit = 10000 * cost / capacity``, ``subsidy = rate * capacity``. Rates such as 11,000, 8,000, 6,300 or
    4,500 yuan per bed by building and type, and 2,000 yuan per childcare place, are rows
    ``qingtian.eldercare.subsidy.*`` and ``qingtian.childcare.subsidy.place`` of the catalogue; who may have them is for
    the clause to say.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = {"status": ["new", "new"], "beds": [75, 200], "cost": [3000, 5000]}
    >>> found = appraise_projects(pd.DataFrame(rows, index=["E3", "E4"]))
    >>> found
    <Appraisal: 2 projects, 275 beds added, 8,000 × 10k yuan>
    >>> found.table["cost_per_unit"].to_dict()
    {'E3': 400000.0, 'E4': 250000.0}
    """
    _check(projects, capacity, reach, demand, stock)
    units = _known(projects, capacity)
    cost = _known(projects, "cost")
    area = _known(projects, "floor_area") if "floor_area" in projects else pd.Series(math.nan, projects.index)
    counted = (
        projects["in_stock"].astype(bool) if "in_stock" in projects else pd.Series(data=False, index=projects.index)
    )
    rates = _rates(subsidies)
    some_units = units.where(units > 0)
    columns = {
        "status": projects["status"],
        "capacity": units,
        "added": units.where(~counted, 0.0).fillna(0.0),
        "cost": cost,
        "cost_per_unit": YUAN * cost / some_units,
        "area_per_unit": area / some_units,
        "subsidy": _subsidy(projects, units, rates),
        "adds": math.nan,
    }
    table = pd.DataFrame(columns, index=projects.index, columns=list(TABLE))
    stocked = math.nan if stock is None else float(stock)
    if reach is None or demand is None:
        totals = _totals(table, stocked, {})
        return Appraisal(table, totals, None, tuple(projects.index), stocked, capacity, rates)
    cover = _Cover(reach, amounts(demand, reach.origins, what="demand"), _sites(reach, existing, projects.index))
    placed = projects.index[projects.index.isin(reach.destinations)]
    before = cover.of([])
    for project in placed:
        table.loc[project, "adds"] = float(cover.of([project])["covered"] - before["covered"])
    groups = {
        status: placed[(projects.loc[placed, "status"] == status).to_numpy()] for status in table["status"].unique()
    }
    after = {status: cover.of(ids) for status, ids in {**groups, "all": placed}.items()}
    unplaced = tuple(projects.index.difference(placed, sort=False))
    return Appraisal(table, _totals(table, stocked, after), before, unplaced, stocked, capacity, rates)


@dataclass(frozen=True, eq=False)
class _Cover:
    reach: Reach
    demand: pd.Series
    existing: list[object]

    def of(self, projects: Iterable[object]) -> pd.Series:
        """Give the row of `coverage` when the existing facilities and *projects* stand."""
        row: pd.Series = coverage(self.reach.select([*self.existing, *projects]), self.demand).iloc[0]
        return row


def _wanted(projects: pd.DataFrame, statuses: Iterable[object]) -> pd.Series:
    if "status" not in projects:
        raise LayerError("projects", 'no column "status"; say of each how far it has come')
    silent = projects.index[projects["status"].isna()]
    if len(silent):
        raise LayerError("projects", f"no status for {some(silent)}")
    names = [statuses] if isinstance(statuses, str) else list(statuses)
    unknown = [name for name in names if not (projects["status"] == name).any()]
    if unknown:
        raise LayerError(
            "projects", f"no project has the status {some(unknown)}; there are {some(projects['status'].unique())}"
        )
    return projects["status"].isin(names)


def _check(
    projects: pd.DataFrame, capacity: str, reach: Reach | None, demand: pd.Series | None, stock: float | None
) -> None:
    absent = [name for name in ("status", "cost", capacity) if name not in projects]
    if absent:
        raise ProblemError(f"projects have no column {some(absent)}")
    if not projects.index.is_unique:
        raise ProblemError(f"projects: ids stand twice: {some(projects.index[projects.index.duplicated()])}")
    for name in ("status", "cost", *(["in_stock"] if "in_stock" in projects else [])):
        if projects[name].isna().any():
            raise ProblemError(f"projects: {name} is missing for {some(projects.index[projects[name].isna()])}")
    if "in_stock" in projects:
        wrong = ~projects["in_stock"].isin([True, False])
        if wrong.any():
            raise ProblemError(
                f'projects: "in_stock" is neither True nor False for {some(projects.index[wrong])}; text is no flag'
            )
    if (projects["status"] == "all").any():
        raise ProblemError('projects: a status is called "all", as the sum is; rename it')
    if (reach is None) != (demand is None):
        raise ProblemError("appraise_projects: give reach and demand, or none of them")
    if stock is None:
        return
    if not stock >= 0:
        raise ProblemError(f"stock is {stock!r}; give {capacity} of 0 or more")
    if "in_stock" not in projects:
        raise ProblemError(
            f'projects have no column "in_stock"; say of each whether the {stock:g} {capacity} count it already'
        )


def _known(projects: pd.DataFrame, column: str) -> pd.Series:
    """Numbers of a column that may be missing, but not wrong."""
    there = projects[column].dropna()
    return amounts(there, there.index, what=column, of="projects").reindex(projects.index)


def _subsidy(projects: pd.DataFrame, units: pd.Series, subsidies: Mapping[str, float] | None) -> pd.Series:
    if subsidies is None:
        return pd.Series(math.nan, projects.index)
    if "subsidy_type" not in projects:
        raise ProblemError('projects have no column "subsidy_type", by which subsidies are told')
    kinds = projects["subsidy_type"]
    unknown = [kind for kind in kinds.dropna().unique() if kind not in subsidies]
    if unknown:
        raise ProblemError(f"no rate for the subsidy type {some(unknown)}; there are {some(subsidies)}")
    # A project without a type has no subsidy; one whose beds are not printed has one that is not known.
    return (kinds.map(dict(subsidies)).astype(float) * units).where(kinds.notna(), 0.0)


def _rates(subsidies: Mapping[str, float] | None) -> dict[str, float] | None:
    if subsidies is None:
        return None
    found: dict[str, float] = {}
    for kind, rate in subsidies.items():
        if not isinstance(rate, Real) or not 0 <= rate < math.inf:
            raise ProblemError(f'subsidies: "{kind}" is {rate!r}; give yuan per bed or place, 0 or more')
        found[kind] = float(rate)
    return found


def _sites(reach: Reach, existing: Iterable[object], projects: pd.Index) -> list[object]:
    ids: list[object] = [existing] if isinstance(existing, str) else list(existing)
    both = projects.intersection(pd.Index(ids, dtype=object))
    if len(both):
        raise ProblemError(f"projects that are named as existing: {some(both)}")
    unnamed = reach.destinations.difference(pd.Index(ids, dtype=object)).difference(projects)
    if len(unnamed):
        raise ProblemError(f"destinations that are neither existing nor a project: {some(unnamed)}")
    return ids


def _totals(table: pd.DataFrame, stock: float, after: Mapping[object, pd.Series]) -> pd.DataFrame:
    groups = {status: table[table["status"] == status] for status in table["status"].unique()} | {"all": table}
    rows = []
    for status, part in groups.items():
        told = part[part["capacity"] > 0]
        units = float(told["capacity"].sum())
        cover = after.get(status)
        rows.append(
            {
                "projects": len(part),
                "silent": int(part["capacity"].isna().sum()),
                "capacity": units,
                "added": float(part["added"].sum()),
                "stock_after": stock + float(part["added"].sum()),
                "cost": float(part["cost"].sum()),
                "cost_per_unit": YUAN * float(told["cost"].sum()) / units if units else math.nan,
                "subsidy": float(part["subsidy"].sum(min_count=1)),
                "covered": math.nan if cover is None else float(cover["covered"]),
                "share": math.nan if cover is None else float(cover["share"]),
            }
        )
    return pd.DataFrame(rows, index=pd.Index(groups, name="status"), columns=list(TOTALS))
