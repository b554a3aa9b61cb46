"""The functions that a study can ask for, and the tables that their signatures make."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, create_model

from siting import judge, measure, propose
from siting.study.analyses.kinds import GOAL, RULES, WAYS, Kind, kind_of
from siting.study.analyses.values import Analysis
from siting.study.analyses.ways import Rules, Ways
from siting.study.fields import Name, Title

__all__ = ["FUNCTIONS", "OF_GOALS", "keys_of_function", "keys_of_tables", "signature_of", "table_of_function"]


def _functions(room: Any, *names: str) -> dict[str, Callable[..., Any]]:
    return {name: getattr(room, name) for name in names}


#: Functions by the key of their tables, in the order of their reference.
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **_functions(judge, "audit", "provision"),
    **_functions(
        measure, "bands", "coverage", "accessibility", "supply_ratios", "catchment", "huff", "service_areas",
        "service_streets", "open_to_all", "offering", "with_sites", "with_projects", "appraise_projects", "forecast",
        "interpolate_figures", "annual_growth", "annual_increase", "round_to_total", "inequality", "town_and_country",
        "lorenz", "spatial_mismatch", "utilisation", "idle_nearby", "close_pairs", "neighbours", "medical_partners",
        "uncovered_around", "joint_sites", "could_take_in",
    ),
    **_functions(
        propose, "choose_hubs", "merge_sites", "upgrade_sites", "make_candidates", "assign", "frontier", "trade_off",
        "alternatives", "compare", "fairest", "price_of_equity", "robustness", "solve_robust",
    ),
}  # fmt: skip
#: Functions of a siting problem: a goal has their ways, people and rules.
OF_GOALS = ("frontier", "trade_off", "fairest", "price_of_equity", "solve_robust")
OF_PROBLEMS = ("reach", "demand", "take_up", "rules", "options", "objective")
#: Arguments that the study gives, or that make no sense in a file.
OURS = ("network", "threads", "max_pairs", "max_snap", "progress", "crs")
#: Arguments that the study has where the table has none.
FROM_STUDY = {("audit", "standard"), ("audit", "layers"), ("provision", "standard"), ("provision", "communities")}


def signature_of(function: str) -> Mapping[str, inspect.Parameter]:
    """Return the parameters of a function."""
    return inspect.signature(FUNCTIONS[function]).parameters


def keys_of_function(function: str) -> dict[str, tuple[Kind, Any]]:
    """Return how each argument of a function is written, and its default; that of a needed one is ``...``.

    Examples
    --------
    >>> [(name, kind.words, default) for name, (kind, default) in keys_of_function("close_pairs").items()]
    [('reach', 'ways: from, to, metres or minutes', Ellipsis), ('limit', 'number', Ellipsis)]
    """
    left_out = (*OURS, *(OF_PROBLEMS if function in OF_GOALS else ()))
    keys: dict[str, tuple[Kind, Any]] = {} if function not in OF_GOALS else {"goal": (GOAL, ...)}
    for name, parameter in signature_of(function).items():
        if name not in left_out:
            needed = parameter.default is parameter.empty and (function, name) not in FROM_STUDY
            default = None if parameter.default is parameter.empty else parameter.default
            keys[name] = (kind_of(function, name), ... if needed else default)
    return keys


def keys_of_tables() -> dict[tuple[str | int, ...], list[str]]:
    """Return the keys of each table, and of the tables in them, by their path in a file without numbers."""
    found: dict[tuple[str | int, ...], list[str]] = {}
    for function in FUNCTIONS:
        keys = keys_of_function(function)
        found[(function,)] = ["name", "title", *keys]
        for model, kinds in ((Ways, (WAYS,)), (Rules, (RULES,))):
            names = [field.alias or name for name, field in model.model_fields.items()]
            found |= {(function, name): names for name, (kind, _) in keys.items() if kind in kinds}
    return found


def table_of_function(function: str) -> Any:
    """Return the kind of table that asks for a function, for pydantic.

    Examples
    --------
    >>> from pydantic import TypeAdapter
    >>> read = TypeAdapter(table_of_function("annual_growth"))
    >>> read.validate_python({"name": "growth", "figures": {"2021": 211.1, "2025": 264.0}}).where
    '[[annual_growth]] growth'
    """
    columns: dict[str, Any] = {
        name: (kind.written, ...) if default is ... else (kind.written | None, None)
        for name, (kind, default) in keys_of_function(function).items()
    }
    words = (inspect.getdoc(FUNCTIONS[function]) or "").partition("\n")[0]
    model = create_model(
        function, __config__=ConfigDict(extra="forbid", arbitrary_types_allowed=True), __doc__=words,
        **{"name": (Name, ...), "title": (Title | None, None), **columns},
    )  # fmt: skip

    def analysis(table: BaseModel) -> Analysis:
        given = {name: getattr(table, name) for name in columns if name in table.model_fields_set}
        return Analysis(function, table.name, given, table.title)  # type: ignore[attr-defined]  # made above

    return Annotated[model, AfterValidator(analysis)]
