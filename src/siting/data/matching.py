"""Finding which column of a file is which canonical column of a role."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from siting.data.roles import Column, Role
from siting.errors import some

__all__: list[str] = []


def choose_columns(
    role: Role, found: Iterable[object], chosen: Mapping[str, str], *, has_id: bool
) -> tuple[dict[object, str], list[str], list[str]]:
    """Find which column of a file is which canonical column.

    Parameters
    ----------
    role
        The role of the layer.
    found
        Names of the columns in the layer.
    chosen
        The user's own choice: canonical name → name in the layer.
    has_id
        Whether the index holds the ids already, so that no column is looked for.

    Returns
    -------
    tuple
        Source name → canonical name, the faults, and notes for the log.
    """
    sources = list(found)
    faults = _bad_choices(role, sources, chosen)
    notes: list[str] = []
    renames: dict[object, str] = {
        source: name for name, source in chosen.items() if source in sources and _has(role, name)
    }
    for column in role.columns:
        if column.name in chosen or (column.name == "id" and has_id):
            continue
        takers = [s for s in sources if s not in renames and column.matches(s)]
        if len(takers) > 1:  # the name of the community beside that of the estate is no second name of the estate
            takers = [s for s in takers if not any(other.stands_beside(s) for other in role.columns)] or takers
        takers = takers or [s for s in sources if s not in renames and column.stands_beside(s)][:1]
        if column.name in takers and (has_id or column.name == "id"):
            # Our own files spell it so: what stands beside it was left over by an earlier choice.
            notes += [f'column "{s}" was left: "{column.name}" stands beside it' for s in takers if s != column.name]
            takers = [column.name]
        if len(takers) > 1:
            faults.append(
                f'columns {some(takers)} could each be "{column.name}" ({column.zh}); '
                f'choose one with columns={{"{column.name}": "{takers[0]}"}}'
            )
        elif takers:
            renames[takers[0]] = column.name
        else:
            doubts = [s for s in sources if s not in renames and column.doubtful(s)]
            if column.required:
                faults.append(_absent(column, sources, doubts))
            elif doubts:
                notes.append(
                    f'column {some(doubts)} was not taken as "{column.name}": its brackets do not '
                    f'hold the unit "{column.unit}"; choose it with columns= if it is right'
                )
    return renames, faults, notes


def _absent(column: Column, sources: list[object], doubts: list[object]) -> str:
    unit = f", {column.unit}" if column.unit else ""
    text = (
        f'has no column "{column.name}" ({column.zh}{unit}); understood are '
        f"{some(column.names, most=40)}; found are {some(sources, most=40) or 'none'}; "
        f'name it with columns={{"{column.name}": "…"}}'
    )
    if doubts:
        text += f' (was {some(doubts)} meant? its brackets do not hold the unit "{column.unit}")'
    return text


def _bad_choices(role: Role, sources: list[object], chosen: Mapping[str, str]) -> list[str]:
    faults = []
    for name, source in chosen.items():
        if not _has(role, name):
            turned = f'; write columns={{"{source}": "{name}"}}' if _has(role, source) else ""
            faults.append(
                f'columns= names "{name}", which is no column of role "{role.name}" '
                f"(canonical name first, then the file's){turned}"
            )
        elif source not in sources:
            faults.append(
                f'columns= takes "{source}" for "{name}", but the layer has no such column; '
                f"found are {some(sources, most=40) or 'none'}"
            )
    twice = {s for s in chosen.values() if list(chosen.values()).count(s) > 1}
    return faults + [f'columns= takes "{source}" twice' for source in sorted(twice)]


def _has(role: Role, name: object) -> bool:
    return any(column.name == name for column in role.columns)
