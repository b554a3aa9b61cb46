"""What a study leaves in a folder: map, report, one GeoPackage, tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from siting.data import atomic_path, list_roles, to_crs, write_layer, write_table
from siting.data import role as find_role
from siting.data.district_names import names_apart
from siting.errors import SitingError
from siting.labels import known, label, named
from siting.measure.services import APART, walker
from siting.propose import Plan
from siting.show import Section, draw_chart, draw_map, draw_picture, write_report
from siting.show.cells import NONE
from siting.study.run import Outcome, Proposal

__all__ = ["write_outputs"]


def write_outputs(
    outcome: Outcome, folder: Path, *, on_step: Callable[[str, str], None] | None = None
) -> dict[str, Path]:
    """Write map, report, layers and tables; each file is whole or not there.

    Parameters
    ----------
    outcome
        From `siting.run`.
    folder
        Made when it is not there; files of the same name are replaced, and tables of goals that are no longer asked
        for are removed.
    on_step
        As for `siting.run`.

    Returns
    -------
    dict
        Path by kind: "map", "report", "layers" and "tables" (a folder).

    Raises
    ------
    SitingError
        When the folder cannot be made or written to.
    """
    paths = {
        "map": folder / "coverage.html",
        "report": folder / "report.html",
        "layers": folder / "results.gpkg",
        "tables": folder / "tables",
    }

    @contextmanager
    def step(name: str) -> Iterator[None]:
        if on_step:
            on_step(name, "start")
        yield
        if on_step:
            on_step(name, "end")

    # All is made before the first file is written, so that what goes wrong leaves nothing behind.
    with step("map"):
        drawn = _map(outcome)
    with step("report"):
        parts = _parts(outcome)
        layers, tables = result_layers(outcome), result_tables(outcome)
    with step("files"):
        try:
            paths["tables"].mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SitingError(f'the folder "{folder}" cannot be made: {error.strerror}') from error
        with atomic_path(paths["map"]) as draft:
            drawn.save(str(draft))
        write_report(paths["report"], *parts, title=_title(outcome), lang=outcome.study.lang,
                     notices=_notices(outcome), attribution=_attribution(outcome))  # fmt: skip
        with atomic_path(paths["layers"]) as draft:
            for name, frame in layers.items():
                write_layer(frame, draft, layer=name)
        for old in paths["tables"].glob("*.csv"):
            # Proposals of an earlier run of another recipe would pass for this one's.
            if old.stem not in tables and old.stem.startswith(("plan_", "assignment_", "curve_")):
                old.unlink()
        for name, table in tables.items():
            write_table(_marked(table, outcome), paths["tables"] / f"{name}.csv")
    return paths


def _title(outcome: Outcome) -> str:
    return outcome.study.title.get(outcome.study.lang, outcome.study.name)


def _notices(outcome: Outcome) -> list[Mapping[str, str]]:
    """List the notices that the layers carry, each once."""
    found: list[Mapping[str, str]] = []
    for frame in outcome.layers.values():
        notice = frame.attrs.get("notice")
        if notice and notice not in found:
            found.append(notice)
    return found


def _attribution(outcome: Outcome) -> str | None:
    said = dict.fromkeys(
        frame.attrs["attribution"] for frame in outcome.layers.values() if frame.attrs.get("attribution")
    )
    return "; ".join(said) or None


def _shown(outcome: Outcome) -> dict[str, Proposal]:
    """Choose the proposal that stands for each service on maps: the one marked, else the first with sites."""
    found: dict[str, Proposal] = {}
    for proposal in outcome.proposals.values():
        service = proposal.goal.service
        if proposal.plan.sites and (service not in found or proposal.goal.on_map):
            found[service] = proposal
    return found


def _map(outcome: Outcome) -> Any:
    return draw_map(
        outcome.layers,
        areas=outcome.areas,
        coverage=outcome.bands,
        plan={service: p.plan for service, p in _shown(outcome).items()},
        uncounted=None if outcome.audit is None else outcome.audit.uncounted,
        lang=outcome.study.lang,
        title=_title(outcome),
    )


def _parts(outcome: Outcome) -> list[Any]:
    lang = outcome.study.lang
    parts: list[Any] = [Section(label("study.found", lang), network_words(outcome, lang), places_table(outcome, lang))]
    parts += [_service(outcome, service) for service in outcome.bands]
    if outcome.audit is not None:
        parts.append(Section(label("report.audit", lang), outcome.audit))
    parts += [_proposal(outcome, proposal) for proposal in outcome.proposals.values()]
    parts.append(Section(label("study.method", lang), *_method(outcome)))
    return parts


def network_words(outcome: Outcome, lang: str) -> str:
    """Say how large the network is and whether it hangs together."""
    network = outcome.network
    parts = network.components["km"]
    words = label(
        "study.network", lang, nodes=f"{len(network.nodes):,}", edges=f"{len(network.edges):,}",
        km=f"{parts.sum():,.1f}", components=len(parts), main=f"{100 * parts.iloc[0] / parts.sum():.1f} %",
    )  # fmt: skip
    if network.left_out:
        reasons = label("list.comma", lang).join(
            f"{named('closed', reason, lang)} {count:,}" for reason, count in network.left_out.items()
        )
        words += label("study.left_out", lang, count=f"{sum(network.left_out.values()):,}", reasons=reasons)
    return words


def places_table(outcome: Outcome, lang: str) -> pd.DataFrame:
    """Layers for a reader: places, the longest way to a street, how many are off bridges, how many on no street."""
    table = pd.DataFrame(
        {
            "count": {role: len(places) for role, places in outcome.places.items()},
            "snap": {role: float(places.snap.max(initial=0.0)) for role, places in outcome.places.items()},
            "moved": {role: len(places.moved) for role, places in outcome.places.items()},
            "off": {role: len(places.off_street) for role, places in outcome.places.items()},
        }
    )
    table.columns = [label(f"study.{name}", lang) for name in table.columns]
    table.index = pd.Index([role_name(role, lang) for role in outcome.places], name=label("study.layer", lang))
    return table


def role_name(role: str, lang: str) -> str:
    """Name a role for a reader."""
    if role not in list_roles():
        return role
    known = find_role(role)
    return known.zh if lang == "zh" else known.en


def coverage_table(outcome: Outcome, service: str, lang: str) -> pd.DataFrame:
    """Coverage of one service for a reader: a row per limit, along the streets and straight."""
    table = outcome.coverage.loc[[service]].reset_index()
    table = table[table["group"] == "all"].sort_values(["unit", "limit", "metric"], ascending=[True, True, False])
    limit = [f"{row.limit:g} {label(f'unit.{row.unit}', lang)}" for row in table.itertuples()]
    metric = [label(f"metric.{m}", lang) for m in table["metric"]]
    return pd.DataFrame(
        {
            "limit": limit,
            "metric": metric,
            "total": table["total"].to_numpy(),
            "covered": table["covered"].to_numpy(),
            "share": table["share"].to_numpy(),
            "communities": table["communities"].to_numpy(),
            "communities_covered": table["communities_covered"].to_numpy(),
            "communities_share": table["communities_share"].to_numpy(),
        }
    ).set_index("limit")


def facility_words(outcome: Outcome, service: str, lang: str) -> str:
    """Say how many facilities of a service count for no coverage, state no room, or are of types that do not count."""
    apart = outcome.apart[service]
    counts = {code: int((apart == code).sum()) for code in APART if (apart == code).any()}
    counts |= type_counts(outcome, service)
    if not counts:
        return ""
    said = [label(f"apart.{code}", lang, count=f"{n:,}") for code, n in counts.items()]
    parts = label("list.semicolon", lang).join(said)
    total = f"{len(outcome.layers[service]):,}"
    return label("apart.of", lang, service=named("service", service, lang), total=total, parts=parts)


def type_counts(outcome: Outcome, service: str) -> dict[str, int]:
    """Count the facilities of types that are not known, and of types that no rule asks for."""
    left = None if outcome.audit is None else outcome.audit.uncounted
    if left is None:
        return {}
    mine = left[(left["layer"] == service) & ~left["counted"].astype(bool)]
    strange = mine["type"] == ""
    found = {
        "unknown_type": int(mine.loc[strange, "rows"].sum()),
        "unasked_type": int(mine.loc[~strange, "rows"].sum()),
    }
    return {code: n for code, n in found.items() if n}


def _service(outcome: Outcome, service: str) -> Section:
    lang = outcome.study.lang
    proposal = _shown(outcome).get(service)
    judged, areas = outcome.bands[service], outcome.areas.get(service)
    if areas is not None:  # circles in another unit than the colours of the communities would be misread
        areas = areas[areas["unit"] == judged["unit"].iloc[0]]
    picture = draw_picture(
        outcome.layers,
        service=service,
        areas=areas,
        coverage=judged,
        plan=proposal.plan if proposal else None,
        lang=lang,
    )
    title = label("study.coverage_of", lang, service=named("service", service, lang))
    parts: list[Any] = [picture, coverage_table(outcome, service, lang)]
    parts += filter(None, [facility_words(outcome, service, lang)])
    by = outcome.coverage.loc[[service]].reset_index()
    districts = by[(by["group"] != "all") & (by["metric"] == "streets")]
    if len(districts):
        parts.append({label("study.by_district", lang): _by_district(outcome, districts, lang)})
    return Section(title, *parts)


def _by_district(outcome: Outcome, rows: pd.DataFrame, lang: str) -> pd.DataFrame:
    """Shares by district, a column for each limit."""
    rows = rows.sort_values(["unit", "limit"])
    limits = [f"{row.limit:g} {label(f'unit.{row.unit}', lang)}" for row in rows.itertuples()]
    wide = rows.assign(limits=limits).pivot_table(index="group", columns="limits", values="share", sort=False)
    shown = wide.map(_percent)
    shown.insert(0, "total", rows.groupby("group")["total"].first())
    shown.columns.name = None
    names = names_apart(outcome.layers["districts"]).to_dict() if "districts" in outcome.layers else {}
    shown.index = pd.Index([names.get(i, i) for i in wide.index], name=label("column.districts", lang))
    return shown


def _percent(share: float) -> str:
    return NONE if math.isnan(share) else f"{100 * share:.1f} %"


def _names(outcome: Outcome, role: str) -> dict[Any, str]:
    frame = outcome.layers.get(role)
    if frame is None or "name" not in frame:
        return {}
    return {key: str(name) for key, name in frame["name"].items()}


def goal_title(proposal: Proposal, lang: str) -> str:
    """Say in words what a goal asks for."""
    goal = proposal.goal
    limit, unit = (goal.metres, "m") if goal.metres is not None else (goal.minutes, "min")
    words = {"service": named("service", goal.service, lang), "limit": f"{limit:g} {label(f'unit.{unit}', lang)}"}
    if goal.cover is not None:
        return label("study.goal_cover", lang, share=f"{100 * goal.cover:g} %", **words)
    return label("study.goal_most", lang, n=goal.at_most, **words)


def _proposal(outcome: Outcome, proposal: Proposal) -> Section:
    lang = outcome.study.lang
    parts: list[Any] = [_named(outcome, proposal)]
    if proposal.curve is not None:
        chart = draw_chart(proposal.curve, target=proposal.goal.cover, lang=lang)
        parts.append({label("study.curve", lang): chart})
    return Section(goal_title(proposal, lang), *parts)


@dataclass(frozen=True, eq=False, repr=False)
class _NamedPlan(Plan):
    """A plan that shows the names of sites and communities beside their ids."""

    site_names: Mapping[Any, str] = field(default_factory=dict)
    community_names: Mapping[Any, str] = field(default_factory=dict)

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


def _named(outcome: Outcome, proposal: Proposal) -> Any:
    plan, names = proposal.plan, (_names(outcome, role) for role in ("candidates", "communities"))
    return _NamedPlan(plan.problem, plan.answer, plan.reasons, plan.seconds, *names)


def _method(outcome: Outcome) -> list[Any]:
    lang, study = outcome.study.lang, outcome.study
    walkers = [
        label("study.walker", lang, service=named("service", service, lang), how=how)
        for service, how in _walkers(outcome, lang).items()
    ]
    return [
        label("study.how_far", lang, max_snap=f"{study.max_snap:g}", crs=str(outcome.network.crs.name)),
        *walkers,
        *([label("study.proof", lang)] if outcome.proposals else []),
    ]


def _walkers(outcome: Outcome, lang: str) -> dict[str, str]:
    found = {}
    for service in outcome.bands:
        walk = walker(service, outcome.study.walk)
        who = label(f"walker.{walk.who if known(f'walker.{walk.who}') else 'own'}", lang)
        found[service] = label("study.pace", lang, who=who, speed=f"{walk.speed:g}")
    return found


def result_layers(outcome: Outcome) -> dict[str, gpd.GeoDataFrame]:
    """Layers with what was found about them: communities, service areas, proposed sites, and the inputs."""
    layers = dict(outcome.layers)
    communities = layers["communities"].copy()
    for service, found in outcome.bands.items():
        for column in ("facility", "cost", "band"):
            communities[f"{service}_{column}"] = found[column]
    for name, proposal in outcome.proposals.items():
        key = name.replace("-", "_")
        communities[f"{key}_site"] = proposal.plan.assignment["site"]
    layers["communities"] = communities
    crs = outcome.network.crs
    for service, areas in outcome.areas.items():
        frame = areas.copy()
        frame.index = pd.Index([f"{service}-{limit:g}{unit}" for limit, unit in zip(
            frame["limit"], frame["unit"], strict=True)], name="id")  # fmt: skip
        layers[f"areas_{service}"] = frame
    sites = []
    for name, proposal in outcome.proposals.items():
        chosen = to_crs(layers["candidates"].loc[list(proposal.plan.sites)], crs)
        chosen = chosen.join(proposal.plan.table.add_prefix("plan_"))
        sites.append(chosen.assign(site=chosen.index, goal=name).set_axis([f"{name}/{i}" for i in chosen.index]))
    if sites:
        layers["proposed"] = gpd.GeoDataFrame(pd.concat(sites).rename_axis("id"), crs=crs)
    attributed = {"attribution": _attribution(outcome), "notice": next(iter(_notices(outcome)), None)}
    for name in layers:
        if name not in outcome.layers:
            layers[name].attrs.update({k: v for k, v in attributed.items() if v})
    return {name: frame for name, frame in layers.items() if len(frame)}


def result_tables(outcome: Outcome) -> dict[str, pd.DataFrame]:
    """Tables for CSV: coverage, audit, and for each goal the sites, the assignment and the curve."""
    tables = {"coverage": outcome.coverage.reset_index()}
    if outcome.audit is not None:
        tables["audit"] = outcome.audit.table
        tables["figures"] = outcome.audit.figures
        if len(outcome.audit.uncounted):
            left = outcome.audit.uncounted
            tables["uncounted"] = left.assign(rules=left["rules"].map(" ".join))
    names = _names(outcome, "communities")
    homes = pd.DataFrame({"name": pd.Series(names, dtype=str)}, index=outcome.layers["communities"].index)
    for service, found in outcome.bands.items():
        homes = homes.join(found.add_prefix(f"{service}_"))
    tables["communities"] = homes.reset_index()
    rows = []
    for name, proposal in outcome.proposals.items():
        plan = _named(outcome, proposal)
        tables[f"plan_{name}"] = plan.table.reset_index()
        tables[f"assignment_{name}"] = proposal.plan.assignment.rename_axis("community").reset_index()
        rows.append(plan_row(name, proposal))
        if proposal.curve is not None:
            curve = proposal.curve.assign(chosen=[" ".join(map(str, ids)) for ids in proposal.curve["chosen"]])
            tables[f"curve_{name}"] = curve
    if rows:
        tables["plans"] = pd.DataFrame(rows)
    return tables


def plan_row(name: str, proposal: Proposal) -> dict[str, Any]:
    """One line about a plan: what was asked, and what came of it."""
    plan = proposal.plan
    return {
        "goal": name,
        "rules": "; ".join(plan.rules),
        "limit": plan.limit,
        "unit": plan.unit,
        "how": plan.how,
        "status": plan.status,
        "sites": len(plan.sites),
        "covered": plan.covered,
        "total": plan.total,
        "share": plan.share,
        "objective": plan.objective,
        "bound": plan.bound,
        "gap": plan.gap,
        "seconds": plan.seconds,
        "unreachable": " ".join(map(str, plan.unreachable)),
    }


def _marked(table: pd.DataFrame, outcome: Outcome) -> pd.DataFrame:
    """Add the notice to every row, so that a table that is passed on alone still says what its data are."""
    notices = _notices(outcome)
    if not notices:
        return table
    return table.assign(notice="; ".join(notice[outcome.study.lang] for notice in notices))
