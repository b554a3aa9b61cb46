"""Matching the columns of a file to the canonical columns of a role."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from siting.data.columns import Column
from siting.data.roles import Role
from siting.data.similar_columns import Similar, similar_columns
from siting.errors import some


@dataclass(frozen=True)
class Matching:
    """Headings by column, with errors and with notes for the log."""

    #: Heading → canonical name, and canonical name → factor of its numbers, if not 1.
    renames: dict[object, str] = field(default_factory=dict)
    factors: dict[str, float] = field(default_factory=dict)
    #: Headings read as a name cut by a Shapefile, and every unused heading → similar columns.
    cut: list[object] = field(default_factory=list)
    unused: dict[object, Similar] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def match_columns(role: Role, sources: Iterable[object], chosen: Mapping[str, str], *, has_id: bool) -> Matching:
    """Match headings to canonical columns; *chosen*: canonical name → heading, *has_id*: the index holds the ids."""
    sources = list(sources)
    names = {column.name for column in role.columns}
    out = Matching(faults=_bad_choices(role, names, sources, chosen))
    out.renames.update({source: name for name, source in chosen.items() if source in sources and name in names})
    wanted = [c for c in role.columns if c.name not in chosen and not (c.name == "id" and has_id)]
    open_ = [column for column in wanted if not _take_matches(out, column, wanted, sources, has_id)]
    _take_cut_names(out, role, sources, open_)
    for source, name in out.renames.items():
        factor = role.column(name).factor(source)
        if factor not in (None, 1.0):
            out.factors[name] = factor
            into = f'by {factor:,.8g} to "{name}" in {role.column(name).unit}'
            out.notes.append(f'column "{source}" is in another unit: its numbers are multiplied {into}')
    rest = [source for source in sources if source not in out.renames and source not in out.unused]
    out.unused.update({source: similar_columns(role, str(source)) for source in rest})
    _report_absent(out, role, sources, has_id)
    return out


def _take_matches(out: Matching, column: Column, wanted: list[Column], sources: list[object], has_id: bool) -> bool:
    """Take the heading that matches a column, or report that several do; return whether there is one."""
    left = [s for s in sources if s not in out.renames]
    takers = [s for s in left if column.matches(s)]
    if len(takers) > 1:  # next to the name of the estate, that of the community is another column
        takers = [s for s in takers if not any(other.stands_beside(s) for other in wanted)] or takers
    takers = takers or [s for s in left if column.stands_beside(s)][:1]
    if kept := _preferred(column, takers, has_id):
        for source in takers:
            if source != kept:
                out.notes.append(f'column "{source}" is not used, because "{kept}" is present')
                out.unused[source] = Similar((column.name,), reason="left", values={"other": kept})
        takers = [kept]
    if len(takers) > 1:
        choice = f"choose one with {_choice(column.name, takers[0])}"
        out.faults.append(f'columns {some(takers)} could each be "{column.name}" ({column.zh}); {choice}')
        for source in takers:
            others = ", ".join(str(s) for s in takers if s != source)
            out.unused[source] = Similar((column.name,), reason="several", values={"others": others})
    elif takers:
        out.renames[takers[0]] = column.name
    return bool(takers)


def _preferred(column: Column, takers: list[object], has_id: bool) -> object | None:
    """Return the heading chosen among several: our own spelling of ids, then codes, then the first name."""
    if len(takers) < 2 and not (has_id and takers):
        return None
    if column.name in takers and (has_id or column.name == "id"):
        # The spelling of our own files: other columns are left over from an earlier choice.
        return column.name
    codes = [s for s in takers if column.is_code(s)]
    if len(codes) == 1:
        return codes[0]
    return min(takers, key=column.rank) if column.type == "text" and column.blank else None


def _take_cut_names(out: Matching, role: Role, sources: list[object], open_: list[Column]) -> None:
    """Match headings that can be the cut name of one column only."""
    for source in [s for s in sources if s not in out.renames]:
        could = [column for column in role.columns if column.matches_cut(source)]
        if len(could) == 1 and could[0] in open_:
            out.renames[source] = could[0].name
            out.cut.append(source)
            what = f'column "{source}" is taken as "{could[0].name}" ({could[0].zh}), whose name was cut'
            out.notes.append(f"{what}; if it is not, rename it in the file")
            open_.remove(could[0])


def _report_absent(out: Matching, role: Role, sources: list[object], has_id: bool) -> None:
    """Report required columns that are absent, and headings similar to absent ones."""
    taken = set(out.renames.values()) | ({"id"} if has_id else set())
    for column in role.columns:
        if column.required and column.name not in taken and not any(f'"{column.name}" (' in f for f in out.faults):
            unit = f", {column.unit}" if column.unit else ""
            doubts = [s for s, like in out.unused.items() if column.name in like.columns and (like.reason or like.near)]
            out.faults.append(
                f'has no column "{column.name}" ({column.zh}{unit}); understood are '
                f"{some(column.names, most=40)}; found are {some(sources, most=40) or 'none'}; "
                f"name it with {_choice(column.name, '…')}" + (f" (was {some(doubts)} meant?)" if doubts else "")
            )
    for source, like in out.unused.items():
        name = like.nearest
        if name and name not in taken and not role.column(name).required and (like.near or like.reason == "brackets"):
            what = f'column "{source}" was not taken as "{name}"' + (f": {like.why('en')}" if like.reason else "")
            out.notes.append(f"{what}; if it is right, choose it with {_choice(name, source)}")
    if "children_0_3" in taken and "infants" not in taken and role.name == "communities":
        source = next(s for s, name in out.renames.items() if name == "children_0_3")
        if source != "children_0_3":
            what = f'column "{source}" is read as "children_0_3", including those aged 3'
            out.notes.append(f'{what}; if it counts those under 3, choose columns={{"infants": "{source}"}}')


def _choice(name: str, source: object) -> str:
    """Write how a column is chosen, in a call and in a mapping."""
    return f'columns={{"{name}": "{source}"}}, or in a mapping: [columns] {name} = "{source}"'


def _bad_choices(role: Role, names: set[str], sources: list[object], chosen: Mapping[str, str]) -> list[str]:
    faults = []
    for name, source in chosen.items():
        if name not in names:
            swapped = f'; write columns={{"{source}": "{name}"}}' if source in names else ""
            what = f'columns= names "{name}", which is no column of role "{role.name}"'
            faults.append(f"{what} (canonical name first, then the file's){swapped}")
        elif source not in sources:
            what = f'columns= takes "{source}" for "{name}", but the layer has no such column'
            faults.append(f"{what}; found are {some(sources, most=40) or 'none'}")
    twice = {s for s in chosen.values() if list(chosen.values()).count(s) > 1}
    return faults + [f'columns= takes "{source}" twice' for source in sorted(twice)]
