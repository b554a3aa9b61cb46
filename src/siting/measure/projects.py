"""Effects and costs of planned projects: beds, coverage and money before and after, by status."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Real

import geopandas as gpd
import pandas as pd

from siting.data import to_crs
from siting.errors import LayerError, ProblemError
from siting.labels import label
from siting.measure.alignment import amounts, unique_ids
from siting.measure.coverage import coverage
from siting.measure.reach import Reach
from siting.messages import Message
from siting.numbers import percent
from siting.renamed import renamed_keywords

__all__ = ["Appraisal", "appraise_projects", "with_projects"]

#: Investment is in 10k yuan (万元), as in the column `cost` of the candidates; money per bed and subsidies in yuan.
YUAN = 10_000.0
#: What labels.toml has a word for; other columns are called by their name.
UNITS = ("beds", "places")

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, repr=False)
class Appraisal:
    """Effects and costs of projects. Made by `appraise_projects`.

    Attributes
    ----------
    table
        A row per project: `status`; `capacity` (beds or places; missing where none is printed); `added` to the stock (0
        where the stock counts them already or none is printed); `cost` (10k yuan); `cost_per_unit` (yuan per bed or
        place) and `area_per_unit` (m²), missing without a capacity; `subsidy` (yuan; 0 without a type, missing without
        a capacity or rates); `adds`, the people that only this project newly covers (missing without a place).
    totals
        A row per status in the order of the projects, then "all": `projects`; `silent` (those without a capacity);
        `capacity`, `added`, `stock_after` (missing when the stock is not given); `cost` of all; `cost_per_unit` over
        those with a capacity; `subsidy` where it is known; `covered` and `share` of the people when the existing
        facilities and the projects of this status stand (missing without a reach).
    before
        Row of `coverage` for the existing facilities; None without a reach.
    unplaced
        Projects without a place in the reach, which change no coverage here.
    stock, unit
        Existing beds or places (NaN when not given), and the unit of `capacity`: "beds", "places", or the column.
    subsidies
        Yuan for each bed or place, by type; None when not given.
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
        """Describe what the projects of each status add, cost and cover; *lang* is "zh" or "en"."""
        lines = []
        for status, row in self.totals.to_dict("index").items():
            words = {key: f"{row[key]:,.10g}" for key in ("projects", "added", "cost", "silent")}
            name = label("sharing.projects_all", lang) if status == "all" else status
            unit = label(f"sharing.projects_{self.unit}", lang) if self.unit in UNITS else self.unit
            lines.append(label("sharing.projects_total", lang, status=name, unit=unit, **words))
            if self.before is not None:
                shares = self.before["share"], row["share"]
                before, after = (label("match.unknown", lang) if math.isnan(x) else percent(x) for x in shares)
                lines.append(label("sharing.projects_share", lang, before=before, after=after))
        if self.subsidies:
            rates = [f"{kind} {rate:,.10g}" for kind, rate in self.subsidies.items()]
            lines.append(label("sharing.projects_rates", lang, rates=label("list.comma", lang).join(rates)))
        if self.unplaced:
            names = label("list.comma", lang).join(map(str, self.unplaced))
            lines.append(label("sharing.projects_unplaced", lang, names=names))
        return "\n".join(lines)


@renamed_keywords(existing="facilities")
def with_projects(
    facilities: gpd.GeoDataFrame, projects: gpd.GeoDataFrame, *, statuses: Iterable[object]
) -> gpd.GeoDataFrame:
    """Add the projects of some statuses to the facilities, as if they were built.

    Parameters
    ----------
    facilities, projects
        Layers with different ids; projects have a column `status`. A column that only one layer has is missing in the
        other's rows.
    statuses
        Statuses that count, in the words of the column. No default: some projects may be in the stock already, and some
        may never be built.

    Returns
    -------
    GeoDataFrame
        A new layer in the CRS of *facilities*, with the column `planned` (False for what exists).

    Raises
    ------
    LayerError
        When a project has no status or no place, a status is unknown, an id stands in both, or a layer has no CRS.

    Examples
    --------
    >>> from shapely import Point
    >>> now = gpd.GeoDataFrame({"beds": [40]}, index=["a"], geometry=[Point(5e5, 3e6)], crs=4547)
    >>> soon = gpd.GeoDataFrame({"beds": [75, 200], "status": ["new", "preparatory"]}, index=["E3", "E8"],
    ...                         geometry=[Point(5e5, 3.1e6), None], crs=4547)
    >>> with_projects(now, soon, statuses=["new"])[["beds", "planned"]].to_dict("index")
    {'a': {'beds': 40, 'planned': False}, 'E3': {'beds': 75, 'planned': True}}
    """
    if "status" not in projects:
        raise LayerError("projects", Message("project.no_status"))
    if len(blank := projects.index[projects["status"].isna()]):
        raise LayerError("projects", Message("project.status_blank", ids=blank))
    names = [statuses] if isinstance(statuses, str) else list(statuses)
    if unknown := [name for name in names if not (projects["status"] == name).any()]:
        there = projects["status"].unique()
        raise LayerError("projects", Message("project.unknown_status", names=unknown, there=there))
    kept = projects[projects["status"].isin(names)]
    if len(placeless := kept.index[(kept.geometry.isna() | kept.geometry.is_empty).to_numpy()]):
        raise LayerError("projects", Message("project.no_place", ids=placeless))
    if len(both := facilities.index.intersection(kept.index)):
        raise LayerError("projects", Message("project.ids_there", ids=both))
    for name, layer in (("facilities", facilities), ("projects", projects)):
        if layer.crs is None:
            raise LayerError(name, Message("datum.none"))
    if kept.crs != facilities.crs:
        log.info(Message("project.reprojected", source=kept.crs.name, target=facilities.crs.name))
        kept = to_crs(kept, facilities.crs).set_crs(facilities.crs, allow_override=True)
    joined = pd.concat([facilities.assign(planned=False), kept.assign(planned=True)])
    return joined.rename_axis(facilities.index.name)


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
    """Measure how planned projects change coverage and beds, and what they cost.

    ``cost_per_unit = 10000 * cost / capacity``, ``subsidy = rate * capacity``. Rates such as 11,000, 8,000, 6,300 or
    4,500 yuan per bed by building and type, and 2,000 yuan per childcare place, are rows
    ``qingtian.eldercare.subsidy.*`` and ``qingtian.childcare.subsidy.place`` of the catalogue.

    Parameters
    ----------
    projects
        A row per project with the columns `status` and `cost` (10k yuan), the one that *capacity* names, and where
        known `floor_area` (m²), `subsidy_type` (a key of *subsidies*), `in_stock` (whether *stock* counts it already).
    capacity
        Column of beds or places: "beds" or "places", missing where the plan gives none. Seats of a kindergarten
        (学位) are no childcare places (托位): keep them in a column of their own.
    reach, demand
        From communities to existing facilities and projects that have a place; people by community. Both or none.
    existing
        Ids of the existing facilities among the destinations; text is one id.
    subsidies
        Yuan for each bed or place, by type.
    stock
        Existing beds or places. Needs `in_stock`, so that no project is counted twice.

    Returns
    -------
    Appraisal
        Projects one by one, totals by status, and coverage before and after.

    Raises
    ------
    ProblemError
        When a column is absent, a status or cost missing, `in_stock` no flag, a number negative, a type of subsidy
        unknown or its rate below 0, or a project is among the existing facilities.

    Examples
    --------
    >>> rows = {"status": ["new", "new"], "beds": [75, 200], "cost": [3000, 5000]}
    >>> found = appraise_projects(pd.DataFrame(rows, index=["E3", "E4"]))
    >>> found
    <Appraisal: 2 projects, 275 beds added, 8,000 × 10k yuan>
    >>> found.table["cost_per_unit"].to_dict()
    {'E3': 400000.0, 'E4': 250000.0}
    """
    _check(projects, capacity, reach, demand, stock)
    units, cost = _numbers(projects, capacity), _numbers(projects, "cost")
    area = _numbers(projects, "floor_area") if "floor_area" in projects else math.nan
    added = units.mask(projects["in_stock"].astype(bool)) if "in_stock" in projects else units
    rates = None if subsidies is None else {kind: _rate(kind, rate) for kind, rate in subsidies.items()}
    divisor = units.where(units > 0)
    columns = {
        "status": projects["status"],
        "capacity": units,
        "added": added.fillna(0.0),
        "cost": cost,
        "cost_per_unit": YUAN * cost / divisor,
        "area_per_unit": area / divisor,
        "subsidy": _subsidy(projects, units, rates),
        "adds": math.nan,
    }
    table = pd.DataFrame(columns, index=projects.index)
    stocked = math.nan if stock is None else float(stock)
    if reach is None or demand is None:
        totals = _totals(table, stocked, {})
        return Appraisal(table, totals, None, tuple(projects.index), stocked, capacity, rates)
    people, built = amounts(demand, reach.origins, what="demand"), _existing(reach, existing, projects.index)

    def cover(ids: Iterable[object]) -> pd.Series:
        return coverage(reach.select([*built, *ids]), people).iloc[0]

    before = cover([])
    status = table["status"][table.index.isin(reach.destinations)]
    for project in status.index:
        table.loc[project, "adds"] = float(cover([project])["covered"] - before["covered"])
    after = {name: cover(status.index[(status == name).to_numpy()]) for name in table["status"].unique()}
    totals = _totals(table, stocked, {**after, "all": cover(status.index)})
    unplaced = tuple(projects.index.difference(status.index, sort=False))
    return Appraisal(table, totals, before, unplaced, stocked, capacity, rates)


def _check(
    projects: pd.DataFrame, capacity: str, reach: Reach | None, demand: pd.Series | None, stock: float | None
) -> None:
    if absent := [name for name in ("status", "cost", capacity) if name not in projects]:
        raise ProblemError(Message("argument.no_column", what="projects", columns=absent))
    unique_ids(projects.index, "projects")
    for name in ("status", "cost", "in_stock"):
        if len(blank := projects.index[projects[name].isna() if name in projects else []]):
            raise ProblemError(Message("project.blank", column=name, ids=blank).within("projects"))
    wrong = projects.index[~projects["in_stock"].isin([True, False]) if "in_stock" in projects else []]
    if len(wrong):
        column = Message("argument.column_of", what="projects", column="in_stock")
        raise ProblemError(Message("ids.no_flag", what=column, n=len(wrong), ids=wrong))
    if (projects["status"] == "all").any():
        raise ProblemError(Message("project.status_all").within("projects"))
    if (reach is None) != (demand is None):
        raise ProblemError(Message("argument.together", one="reach", other="demand").within("appraise_projects"))
    if stock is not None and not stock >= 0:
        raise ProblemError(Message("project.stock", value=stock, unit=capacity))
    if stock is not None and "in_stock" not in projects:
        raise ProblemError(Message("project.no_in_stock", stock=stock, unit=capacity).within("projects"))


def _numbers(projects: pd.DataFrame, column: str) -> pd.Series:
    """Return a column of numbers; missing is allowed, wrong is not."""
    there = projects[column].dropna()
    return amounts(there, there.index, what=column, of="projects").reindex(projects.index)


def _subsidy(projects: pd.DataFrame, units: pd.Series, subsidies: Mapping[str, float] | None) -> pd.Series:
    if subsidies is None:
        return pd.Series(math.nan, projects.index)
    if "subsidy_type" not in projects:
        raise ProblemError(Message("project.no_subsidy_type").within("projects"))
    kinds = projects["subsidy_type"]
    if unknown := [kind for kind in kinds.dropna().unique() if kind not in subsidies]:
        raise ProblemError(Message("project.no_rate", kinds=unknown, there=list(subsidies)))
    # Without a type there is no subsidy; without printed beds it is not known.
    return (kinds.map(dict(subsidies)).astype(float) * units).where(kinds.notna(), 0.0)


def _rate(kind: str, rate: float) -> float:
    if not isinstance(rate, Real) or not 0 <= rate < math.inf:
        raise ProblemError(Message("project.rate", kind=kind, value=rate))
    return float(rate)


def _existing(reach: Reach, existing: Iterable[object], projects: pd.Index) -> list[object]:
    ids: list[object] = [existing] if isinstance(existing, str) else list(existing)
    if len(both := projects.intersection(pd.Index(ids, dtype=object))):
        raise ProblemError(Message("project.named_existing", ids=both))
    if len(unnamed := reach.destinations.difference(pd.Index(ids, dtype=object)).difference(projects)):
        raise ProblemError(Message("project.neither", ids=unnamed))
    return ids


def _totals(table: pd.DataFrame, stock: float, after: Mapping[object, pd.Series]) -> pd.DataFrame:
    rows = {}
    for status in [*table["status"].unique(), "all"]:
        part = table if status == "all" else table[table["status"] == status]
        sized = part[part["capacity"] > 0]
        units = float(sized["capacity"].sum())
        rows[status] = {
            "projects": len(part),
            "silent": int(part["capacity"].isna().sum()),
            "capacity": units,
            "added": float(part["added"].sum()),
            "stock_after": stock + float(part["added"].sum()),
            "cost": float(part["cost"].sum()),
            "cost_per_unit": YUAN * float(sized["cost"].sum()) / units if units else math.nan,
            "subsidy": float(part["subsidy"].sum(min_count=1)),
            **{name: float(after[status][name]) if after else math.nan for name in ("covered", "share")},
        }
    return pd.DataFrame(list(rows.values()), index=pd.Index(rows, name="status"))
