"""Matching the columns of a file to the canonical columns of a role."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from siting.data.columns import Column, unit_word
from siting.data.roles import Role
from siting.data.similar_columns import Similar, similar_columns
from siting.messages import Message


@dataclass(frozen=True)
class Matching:
    """Headings by column, with errors and with notes for the log."""

    #: Heading → canonical name, and canonical name → factor of its numbers, if not 1.
    renames: dict[object, str] = field(default_factory=dict)
    factors: dict[str, float] = field(default_factory=dict)
    #: Headings read as a name cut by a Shapefile, and every unused heading → similar columns.
    cut: list[object] = field(default_factory=list)
    unused: dict[object, Similar] = field(default_factory=dict)
    faults: list[Message] = field(default_factory=list)
    notes: list[Message] = field(default_factory=list)
    #: Names of columns that several headings could be.
    doubled: set[str] = field(default_factory=set)


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
            unit = Message("data.word", zh=unit_word(role.column(name).unit, "zh"), en=role.column(name).unit)
            out.notes.append(Message("column.other_unit", source=source, factor=factor, column=name, unit=unit))
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
                out.notes.append(Message("column.not_used", source=source, kept=kept))
                out.unused[source] = Similar((column.name,), reason="left", values={"other": kept})
        takers = [kept]
    if len(takers) > 1:
        choice = _choice(column.name, takers[0])
        out.doubled.add(column.name)
        out.faults.append(
            Message("column.could_each", columns=takers, column=column.name, called=column.zh, choice=choice)
        )
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
            column = could[0]
            out.notes.append(Message("column.cut_name", source=source, column=column.name, called=column.zh))
            open_.remove(could[0])


def _report_absent(out: Matching, role: Role, sources: list[object], has_id: bool) -> None:
    """Report required columns that are absent, and headings similar to absent ones."""
    taken = set(out.renames.values()) | ({"id"} if has_id else set())
    for column in role.columns:
        if column.required and column.name not in taken and column.name not in out.doubled:
            doubts = [s for s, like in out.unused.items() if column.name in like.columns and (like.reason or like.near)]
            facts: dict[str, object] = {
                "column": column.name, "called": _called(column), "names": column.names,
                "found": sources or Message("data.none"), "choice": _choice(column.name, "…"),
            }  # fmt: skip
            said = Message("column.absent", **facts)
            out.faults.append(Message("column.absent_doubt", doubts=doubts, **facts) if doubts else said)
    for source, like in out.unused.items():
        name = like.nearest
        if name and name not in taken and not role.column(name).required and (like.near or like.reason == "brackets"):
            facts = {"source": source, "column": name, "choice": _choice(name, source)}
            said = Message("column.not_taken", **facts)
            if like.reason:
                why = Message("data.word", zh=like.why("zh"), en=like.why("en"))
                said = Message("column.not_taken_why", why=why, **facts)
            out.notes.append(said)
    if "children_0_3" in taken and "infants" not in taken and role.name == "communities":
        source = next(s for s, name in out.renames.items() if name == "children_0_3")
        if source != "children_0_3":
            out.notes.append(Message("column.children_0_3", source=source))


def _called(column: Column) -> str | Message:
    """Return the Chinese name of a column, with its unit."""
    if not column.unit:
        return column.zh
    unit = Message("data.word", zh=unit_word(column.unit, "zh"), en=column.unit)
    return Message("column.called_unit", called=column.zh, unit=unit)


def _choice(name: str, source: object) -> Message:
    """Return how to choose a column, in a call and in a mapping."""
    return Message("column.choice", column=name, source=source)


def _bad_choices(role: Role, names: set[str], sources: list[object], chosen: Mapping[str, str]) -> list[Message]:
    faults = []
    for name, source in chosen.items():
        if name not in names:
            said = Message("column.chosen_unknown", name=name, role=role.name)
            if source in names:
                said = Message("column.chosen_swapped", name=name, role=role.name, source=source)
            faults.append(said)
        elif source not in sources:
            found = sources or Message("data.none")
            faults.append(Message("column.chosen_absent", name=name, source=source, found=found))
    twice = {s for s in chosen.values() if list(chosen.values()).count(s) > 1}
    return faults + [Message("column.chosen_twice", source=source) for source in sorted(twice)]
