"""The output folder of a study: map, report, one GeoPackage, tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Literal

import geopandas as gpd

from siting.data import write_layer, write_table
from siting.data.drafts import WAIT
from siting.data.folder_exchange import atomic_folder
from siting.data.write_faults import not_written
from siting.errors import SitingError
from siting.labels import known, label, named
from siting.propose import Plan
from siting.show import Section, draw_chart, draw_map, draw_picture, write_report
from siting.study import tables
from siting.study.analyses import FUNCTIONS
from siting.study.contents import contents_of
from siting.study.headings import tables_to_write
from siting.study.results_file import write_record
from siting.study.values import Proposal, Results

if TYPE_CHECKING:
    import folium

__all__ = ["is_result", "paths_in", "results_folder", "write_files", "write_outputs", "write_page"]

#: What is in a folder of results, by kind, and its tables besides those of goals.
FILES = {"map": "coverage.html", "report": "report.html", "layers": "results.gpkg", "tables": "tables",
         "values": "results.json", "contents": "contents.json"}  # fmt: skip
TABLES = ("coverage", "audit", "figures", "uncounted", "communities", "plans")


def results_folder(folder: str | Path, *, wait: float = WAIT) -> AbstractContextManager[Path]:
    """Return a context with a folder to write results to, which replaces *folder* in the end.

    *wait* is how many seconds another process that writes the same folder is waited for. SitingError when the folder
    cannot be replaced: it cannot be written to, another process writes it, or a program has its GeoPackage open.
    """
    try:
        logs = [Path(folder, FILES["layers"] + end) for end in ("-wal", "-journal")]
        in_use = any(log.exists() and log.stat().st_size for log in logs)
    except OSError as fault:
        raise not_written(folder, fault) from fault
    if in_use:
        raise SitingError(f'"{FILES["layers"]}" in "{folder}" is open in another program; close it there first')
    return atomic_folder(folder, ours=is_result, wait=wait)


def is_result(path: PurePath) -> bool:
    """Whether a path in a folder of results is one of a study; other files there are kept."""
    above, _, name = path.as_posix().rpartition("/")
    if not above:
        return name.removesuffix("-wal").removesuffix("-shm").removesuffix("-journal") in FILES.values()
    stem, dot, end = name.rpartition(".")
    known = stem in TABLES or stem.startswith(("plan_", "assignment_", "curve_", *(f"{key}_" for key in FUNCTIONS)))
    return above == FILES["tables"] and (dot, end) == (".", "csv") and known


def write_outputs(
    results: Results, folder: str | Path, *, on_step: Callable[[str, str], None] | None = None
) -> dict[str, Path]:
    """Write map, report, layers and tables, all or nothing, and return their paths by kind.

    The results of an earlier run are replaced; other files in the folder are kept. SitingError when the folder cannot
    be written.
    """
    with results_folder(folder) as draft:
        write_files(results, draft, on_step=on_step)
    return paths_in(folder)


def paths_in(folder: str | Path) -> dict[str, Path]:
    """Return the paths of results in a folder by kind."""
    return {kind: Path(folder, name) for kind, name in FILES.items()}


def write_files(results: Results, folder: Path, *, on_step: Callable[[str, str], None] | None = None) -> None:
    """Write map, report, layers and tables into a folder that is there."""
    paths = paths_in(folder)

    @contextmanager
    def step(name: str) -> Iterator[None]:
        if on_step:
            on_step(name, "start")
        yield
        if on_step:
            on_step(name, "end")

    with step("map"):
        drawn = _map(results)
    with step("report"):
        parts = _parts(results)
        layers, sheets = tables.result_layers(results), tables_to_write(results)
    with step("files"):
        drawn.save(str(paths["map"]))
        _report(results, parts, paths["report"])
        for name, frame in layers.items():
            write_layer(frame, paths["layers"], layer=name)
        paths["tables"].mkdir()
        for name, table in sheets.items():
            write_table(table, paths["tables"] / f"{name}.csv")
        write_record(results, paths["values"])
        contents_of(results, parts).write(paths["contents"])


def write_page(results: Results, kind: Literal["map", "report"], path: Path) -> None:
    """Write only the map or only the report."""
    if kind == "map":
        _map(results).save(path)
    else:
        _report(results, _parts(results), path)


def _map(results: Results) -> folium.Map:
    return draw_map(
        results.layers,
        areas=results.areas,
        coverage=results.bands,
        plan=_plans(results),
        uncounted=None if results.audit is None else results.audit.uncounted,
        lang=results.study.lang,
        title=results.study.heading,
    )


def _report(results: Results, parts: Sequence[Section], path: Path) -> None:
    notes: dict[str, Any] = {"notices": tables.notices(results), "attribution": tables.attribution(results)}
    write_report(path, *parts, title=results.study.heading, lang=results.study.lang, **notes)


def _plans(results: Results) -> dict[str, Plan]:
    """Choose the plan of each service on maps: the one marked, else the first with sites."""
    plans: dict[str, Plan] = {}
    for proposal in results.proposals.values():
        service = proposal.goal.services[0]
        if proposal.plan.sites and (service not in plans or proposal.goal.on_map):
            plans[service] = proposal.plan
    return plans


def _parts(results: Results) -> list[Section]:
    lang = results.study.lang
    parts: list[Any] = [
        Section(label("study.found", lang), tables.network_words(results, lang), tables.places_table(results, lang))
    ]
    parts += [_service(results, service) for service in results.bands]
    for name, judged in results.audits.items():
        heading = label("report.audit", lang)
        if len(results.audits) > 1:
            heading += label("list.colon", lang) + named("standard", name, lang)
        parts.append(Section(heading, judged))
    parts += [_proposal(results, proposal) for proposal in results.proposals.values()]
    parts += tables.analysis_sections(results, lang)
    parts.append(Section(label("study.method", lang), *_method(results)))
    return parts


def _service(results: Results, service: str) -> Section:
    lang = results.study.lang
    bands, areas = results.bands[service], results.areas.get(service)
    if areas is not None:  # circles in another unit than the colours of the communities would mislead
        areas = areas[areas["unit"] == bands["unit"].iloc[0]]
    plan = _plans(results).get(service)
    picture = draw_picture(_silent(results.layers), service=service, areas=areas, coverage=bands, plan=plan, lang=lang)
    picture.set_label(f"service/{service}")
    parts: list[Any] = [picture, tables.coverage_table(results, service, lang)]
    parts += filter(None, [tables.facility_words(results, service, lang)])
    if len(districts := tables.district_table(results, service, lang)):
        parts.append({label("study.by_district", lang): districts})
    return Section(label("study.coverage_of", lang, service=named("service", service, lang)), *parts)


def _silent(layers: Mapping[str, gpd.GeoDataFrame]) -> dict[str, gpd.GeoDataFrame]:
    """Return layers without their notices and sources: those stand once in the report, not in each picture."""
    silent = {role: frame.copy(deep=False) for role, frame in layers.items()}
    for frame in silent.values():
        frame.attrs = {}
    return silent


def _proposal(results: Results, proposal: Proposal) -> Section:
    lang = results.study.lang
    parts: list[Any] = [tables.with_names(results, proposal.plan)]
    if proposal.curve is not None:
        chart = draw_chart(proposal.curve, target=proposal.goal.share, lang=lang)
        chart.set_label(f"goal/{proposal.goal.name}")
        parts.append({label("study.curve", lang): chart})
    return Section(proposal.goal.title(lang), *parts)


def _method(results: Results) -> list[str]:
    lang, study = results.study.lang, results.study
    lines = [label("study.how_far", lang, max_snap=f"{study.max_snap:g}", crs=str(results.network.crs.name))]
    lines += tables.datum_words(results, lang)
    for service in results.bands:
        walk = study.walker(service)
        who = label(f"walker.{walk.who if known(f'walker.{walk.who}') else 'own'}", lang)
        pace = label("study.pace", lang, who=who, speed=f"{walk.speed:g}")
        lines.append(label("study.walker", lang, service=named("service", service, lang), how=pace))
    lines += tables.take_up_words(results, lang)
    return [*lines, *([label("study.proof", lang)] if results.proposals else [])]
