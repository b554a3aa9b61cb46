"""The results of a study as sentences, tables and layers, for report, terminal and files."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import geopandas as gpd
import pandas as pd

from siting.data import to_crs
from siting.data.district_names import names_apart
from siting.errors import some
from siting.labels import label, named
from siting.measure.services import APART
from siting.numbers import percent
from siting.propose import Plan
from siting.propose.plan.site_names import Named
from siting.show import Section
from siting.show.cells import role_name
from siting.study.analyses.frames import frames_of, parts_of
from siting.study.values import Proposal, Results

__all__ = [
    "analysis_sections", "attribution", "coverage_table", "datum_words", "district_table", "facility_words",
    "free_names", "network_words", "notices", "places_table", "result_layers", "result_tables", "take_up_words",
    "with_names", "with_own_names",
]  # fmt: skip


log = logging.getLogger(__name__)

#: Columns of the bands of a service that communities get.
BAND = ("facility", "cost", "band")


def notices(results: Results) -> list[Mapping[str, str]]:
    """List the notices that the layers carry, each once."""
    found: list[Mapping[str, str]] = []
    for frame in results.layers.values():
        notice = frame.attrs.get("notice")
        if notice and notice not in found:
            found.append(notice)
    return found


def attribution(results: Results) -> str | None:
    """Name the sources of the layers."""
    sources = (frame.attrs.get("attribution") for frame in results.layers.values())
    return "; ".join(dict.fromkeys(source for source in sources if source)) or None


def datum_words(results: Results, lang: str) -> list[str]:
    """Name the layers whose coordinates were converted from another datum, in one sentence; none without any."""
    converted = {role: frame.attrs["datum"] for role, frame in results.layers.items() if "datum" in frame.attrs}
    parts = [
        label("study.datum_of", lang, layer=role_name(role, lang), source=datum["from"], target=datum["to"])
        for role, datum in converted.items()
    ]
    return [label("study.datum", lang, layers=label("list.semicolon", lang).join(parts))] if parts else []


def network_words(results: Results, lang: str) -> str:
    """Describe the size of the network and its components."""
    network = results.network
    parts = network.components["km"]
    words = label(
        "study.network", lang, nodes=f"{len(network.nodes):,}", edges=f"{len(network.edges):,}",
        km=f"{parts.sum():,.1f}", components=len(parts), main=percent(parts.iloc[0] / parts.sum()),
    )  # fmt: skip
    if network.left_out:
        reasons = label("list.comma", lang).join(
            f"{named('closed', reason, lang)} {count:,}" for reason, count in network.left_out.items()
        )
        words += label("study.left_out", lang, count=f"{sum(network.left_out.values()):,}", reasons=reasons)
    return words


def take_up_words(results: Results, lang: str) -> list[str]:
    """Say for each service with a take-up that its proposals are for so many of its people."""
    found = [
        (rate if rate.service else rate._replace(service=proposal.goal.services[0])).words(lang)
        for proposal in results.proposals.values()
        for rate in proposal.plan.problem.inputs.take_up
    ]
    return [*dict.fromkeys(found), label("take_up.coverage", lang)] if found else []


def places_table(results: Results, lang: str) -> pd.DataFrame:
    """Layers for readers: places, longest distance to a street, numbers moved off bridges and on no street."""
    columns = [label(f"study.{name}", lang) for name in ("count", "snap", "moved", "off")]
    rows = [
        (len(places), float(places.snap.max(initial=0.0)), len(places.moved), len(places.off_street))
        for places in results.places.values()
    ]
    index = pd.Index([role_name(role, lang) for role in results.places], name=label("study.layer", lang))
    return pd.DataFrame(rows, columns=columns, index=index)


def _limits(rows: pd.DataFrame, lang: str) -> list[str]:
    return [f"{row.limit:g} {label(f'unit.{row.unit}', lang)}" for row in rows.itertuples()]


def coverage_table(results: Results, service: str, lang: str) -> pd.DataFrame:
    """Coverage of one service for a reader: a row per limit, along the streets and straight."""
    table = results.coverage.loc[[service]].reset_index()
    table = table[table["group"] == "all"].sort_values(["unit", "limit", "metric"], ascending=[True, True, False])
    columns = ["total", "covered", "share", "communities", "communities_covered", "communities_share"]
    shown = table[columns].set_axis(pd.Index(_limits(table, lang), name="limit"))
    shown.insert(0, "metric", [label(f"metric.{metric}", lang) for metric in table["metric"]])
    return shown


def district_table(results: Results, service: str, lang: str) -> pd.DataFrame:
    """Shares of one service by district for a reader, a column for each limit; no row without districts."""
    rows = results.coverage.loc[[service]].reset_index()
    rows = rows[(rows["group"] != "all") & (rows["metric"] == "streets")].sort_values(["unit", "limit"])
    rows = rows.assign(limits=_limits(rows, lang))
    wide = rows.pivot_table(index="group", columns="limits", values="share", sort=False)
    shown = wide.map(percent)
    shown.insert(0, "total", rows.groupby("group")["total"].first())
    shown.columns.name = None
    names = names_apart(results.layers["districts"]).to_dict() if "districts" in results.layers else {}
    shown.index = pd.Index([names.get(i, i) for i in wide.index], name=label("column.districts", lang))
    return shown


def facility_words(results: Results, service: str, lang: str) -> str:
    """Count the facilities of a service without coverage, without a stated capacity, or of uncounted types."""
    apart = results.apart[service]
    counts = {code: int((apart == code).sum()) for code in APART if (apart == code).any()}
    counts |= _type_counts(results, service)
    if not counts:
        return ""
    parts = label("list.semicolon", lang).join(
        label(f"apart.{code}", lang, count=f"{n:,}") for code, n in counts.items()
    )
    total = f"{len(results.layers[service]):,}"
    return label("apart.of", lang, service=named("service", service, lang), total=total, parts=parts)


def _type_counts(results: Results, service: str) -> dict[str, int]:
    if results.audit is None:
        return {}
    left = results.audit.uncounted
    mine = left[(left["layer"] == service) & ~left["counted"].astype(bool)]
    strange = mine["type"] == ""
    kinds = {"unknown_type": strange, "unasked_type": ~strange}
    counts = {code: int(mine.loc[rows, "rows"].sum()) for code, rows in kinds.items()}
    return {code: n for code, n in counts.items() if n}


def _names(results: Results, role: str) -> dict[Any, str]:
    frame = results.layers.get(role)
    return {} if frame is None or "name" not in frame else frame["name"].astype(object).map(str).to_dict()


@dataclass(frozen=True, eq=False, repr=False)
class NamedPlan(Plan):
    """A plan with the names of sites and communities next to their ids."""

    site_names: Mapping[Any, str] = field(default_factory=dict)
    community_names: Mapping[Any, str] = field(default_factory=dict)
    #: What is said names them by; see `Plan.explain`.
    names: Named = None

    @cached_property
    def table(self) -> pd.DataFrame:
        table = super().table
        if self.site_names and len(table):
            table = table.copy()
            table.insert(0, "name", [self.site_names.get(site, "") for site in table.index])
        return table

    @cached_property
    def unreachable(self) -> tuple[object, ...]:
        names = self.community_names
        return tuple(f"{i} {names[i]}" if i in names else i for i in super().unreachable)

    def summary(self, lang: str = "zh", *, names: Named = None) -> str:
        return super().summary(lang, names=self.names if names is None else names)

    def explain(self, lang: str = "zh", *, names: Named = None) -> str:
        return super().explain(lang, names=self.names if names is None else names)


def with_names(results: Results, plan: Plan) -> NamedPlan:
    """Return the plan with the names of sites and communities next to their ids."""
    sites, communities = (_names(results, role) for role in ("candidates", "communities"))
    roles = {"sites": "candidates", "communities": "communities", "groups": "districts"}
    layers = {kind: results.layers[role] for kind, role in roles.items() if role in results.layers}
    said = {kind: frame["name"] for kind, frame in layers.items() if "name" in frame}
    return NamedPlan(plan.problem, plan.answer, plan.reasons, plan.seconds, sites, communities, said)


def result_layers(results: Results) -> dict[str, gpd.GeoDataFrame]:
    """Layers with results: communities, service areas, proposed sites, and the inputs.

    The columns and layers of the user keep their names; what is added gets another where its name is taken.
    """
    layers = {role: with_own_names(frame, role) for role, frame in results.layers.items()}
    found = [(f"{service}_{column}", bands[column]) for service, bands in results.bands.items() for column in BAND]
    found += [
        (f"{name.replace('-', '_')}_site", proposal.plan.assignment["site"])
        for name, proposal in results.proposals.items()
    ]
    communities = layers["communities"]
    names = free_names([name for name, _ in found], [*communities.columns, "id"], "communities")
    layers["communities"] = communities.assign(**{name: at for name, (_, at) in zip(names, found, strict=True)})
    made = {f"areas_{service}": _areas(service, areas) for service, areas in results.areas.items()}
    made |= {name: _layer(each) for name, each in results.analyses.items() if isinstance(each, gpd.GeoDataFrame)}
    if any(proposal.plan.sites for proposal in results.proposals.values()):
        made["proposed"] = _proposed(results, layers["candidates"])
    attributed = {"attribution": attribution(results), "notice": next(iter(notices(results)), None)}
    for name, frame in zip(free_names(made, layers, "results.gpkg", "layers"), made.values(), strict=True):
        frame.attrs.update({k: v for k, v in attributed.items() if v})
        layers[name] = frame
    return {name: frame for name, frame in layers.items() if len(frame)}


def _layer(made: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a layer that a function made, with an index that can be its ids."""
    layer = with_own_names(made, "results.gpkg")
    return layer.rename_axis("id") if layer.index.is_unique else layer.reset_index(drop=True).rename_axis("id")


def _areas(service: str, areas: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    ids = [f"{service}-{row.limit:g}{row.unit}" for row in areas.itertuples()]
    return areas.set_axis(pd.Index(ids, name="id"))


def _proposed(results: Results, candidates: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a row per proposed site: the candidate with the figures of its plan."""
    crs, sites = results.network.crs, []
    tables = {name: proposal.plan.table.add_prefix("plan_") for name, proposal in results.proposals.items()}
    figures_of = dict.fromkeys(column for table in tables.values() for column in table.columns)
    added = [*figures_of, "site", "goal"]
    names = dict(zip(added, free_names(added, [*candidates.columns, "id"], "proposed"), strict=True))
    for name, proposal in results.proposals.items():
        chosen = to_crs(candidates.loc[list(proposal.plan.sites)], crs)
        figures = tables[name].assign(site=chosen.index, goal=name).rename(columns=names)
        sites.append(chosen.join(figures).set_axis([f"{name}/{i}" for i in chosen.index]))
    return gpd.GeoDataFrame(pd.concat(sites).rename_axis("id"), crs=crs)


def with_own_names(frame: gpd.GeoDataFrame, role: str) -> gpd.GeoDataFrame:
    """Return the layer with columns that a GeoPackage holds: none differs from another in case only."""
    names = [name for name in frame.columns if name != "geometry"]
    new = dict(zip(names, free_names(names, ["id", "geometry"], role), strict=True))
    return frame.rename(columns=new) if list(new) != list(new.values()) else frame


def free_names(wanted: Iterable[str], taken: Iterable[str], where: str, what: str = "columns") -> list[str]:
    """Return the wanted names, with a number where one is taken in upper or lower case, which is logged.

    Examples
    --------
    >>> free_names(["childcare_cost", "childcare_band"], ["Childcare_Cost", "name"], "communities")
    ['childcare_cost_2', 'childcare_band']
    """
    wanted = list(wanted)
    meant, used, names, moved = {name.casefold() for name in wanted}, {name.casefold() for name in taken}, [], []
    for name in wanted:
        free = name
        if name.casefold() in used:
            numbered = (f"{name}_{n}" for n in itertools.count(2))
            free = next(each for each in numbered if each.casefold() not in used | meant)
        used.add(free.casefold())
        names.append(free)
        moved += [free] if free != name else []
    if moved:
        log.warning("%s: %s of results whose names are taken are called %s", where, what, some(moved))
    return names


def result_tables(results: Results) -> dict[str, pd.DataFrame]:
    """Tables for CSV: coverage, audit, and for each goal the sites, the assignment and the curve."""
    tables = {"coverage": results.coverage.reset_index()}
    if results.audit is not None:
        tables |= {"audit": results.audit.table, "figures": results.audit.figures}
        if len(left := results.audit.uncounted):
            tables["uncounted"] = left.assign(rules=left["rules"].map(" ".join))
    names = pd.Series(_names(results, "communities"), dtype=str)
    communities = pd.DataFrame({"name": names}, index=results.layers["communities"].index)
    for service, found in results.bands.items():
        communities = communities.join(found.add_prefix(f"{service}_"))
    tables["communities"] = communities.reset_index()
    for name, proposal in results.proposals.items():
        plan, curve = proposal.plan, proposal.curve
        tables[f"plan_{name}"] = with_names(results, plan).table.reset_index()
        tables[f"assignment_{name}"] = plan.assignment.rename_axis("community").reset_index()
        if curve is not None:
            # Seconds differ from run to run; the same input gives the same files.
            curve = curve.drop(columns="seconds", errors="ignore")
            tables[f"curve_{name}"] = curve.assign(chosen=[" ".join(map(str, ids)) for ids in curve["chosen"]])
    if results.proposals:
        tables["plans"] = pd.DataFrame([_plan_row(*each) for each in results.proposals.items()])
    known = all_names(results)
    for analysis in results.study.analyses:
        for part, frame in frames_of(results.analyses[analysis.name], known).items():
            tables[f"{analysis.stem}.{part}" if part else analysis.stem] = frame
    return tables


def all_names(results: Results) -> dict[Any, str]:
    """Return the name of each id of all layers; of an id that several have, that of the first."""
    names: dict[Any, str] = {}
    for role in results.layers:
        names = _names(results, role) | names
    return names


def analysis_sections(results: Results, lang: str) -> list[Section]:
    """Return a section of the report for each function that the study asks for."""
    known = all_names(results)
    return [
        Section(each.heading(lang), *parts_of(each, results.analyses[each.name], lang, known))
        for each in results.study.analyses
    ]


def _plan_row(name: str, proposal: Proposal) -> dict[str, Any]:
    plan = proposal.plan
    row: dict[str, Any] = {"goal": name, "rules": "; ".join(plan.rules)}
    row |= {key: getattr(plan, key) for key in ("limit", "unit", "how", "status")}
    row["take_up"] = next((each.least for each in plan.problem.inputs.take_up), 1.0)
    row["sites"] = len(plan.sites)
    row |= {key: getattr(plan, key) for key in ("covered", "total", "share", "objective", "bound", "gap")}
    return row | {"unreachable": " ".join(map(str, plan.unreachable))}
