"""Two results side by side: what changed in inputs, coverage, verdict and plans."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from siting.labels import Language, label, named

__all__ = ["Comparison", "compare_results"]

#: What makes a row of coverage, of the verdict and of the plans the same in both.
COVERAGE = ["service", "limit", "unit", "metric", "group", "weight"]
RULE = ["standard", "rule", "unit", "area", "area_name", "indicator", "indicator_en"]
#: Figures of a row that are compared.
FIGURES = {
    "coverage": ["total", "covered", "share", "communities", "communities_covered"],
    "verdict": ["value", "target", "needed", "status"],
    "plans": ["status", "share", "covered", "objective", "bound", "gap", "cost"],
}


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """What differs between two results, made by `compare_results`: each a table of the rows that changed.

    Attributes
    ----------
    settings
        ``before`` and ``after`` of each setting of the study, by ``key``.
    layers
        ``rows_before``, ``rows_after``, and the ids ``added`` and ``removed``, by ``layer``.
    coverage
        ``total``, ``covered``, ``share`` …, each with ``_before`` and ``_after``, by service, limit, unit, metric,
        group and weight.
    verdict
        ``value``, ``target``, ``needed`` and ``status``, each with ``_before`` and ``_after``, by rule and area.
    plans
        ``status``, ``share``, ``objective``, ``bound`` …, each with ``_before`` and ``_after``, and the sites
        ``opened`` and ``dropped``, by goal.
    """

    settings: pd.DataFrame
    layers: pd.DataFrame
    coverage: pd.DataFrame
    verdict: pd.DataFrame
    plans: pd.DataFrame

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by name."""
        return {name: getattr(self, name) for name in ("settings", "layers", "coverage", "verdict", "plans")}

    def __repr__(self) -> str:
        counts = ", ".join(f"{name} {len(table)}" for name, table in self.tables.items())
        return f"<Comparison, changed: {counts}>"

    def explain(self, lang: Language = "zh") -> str:
        """Say what changed, a line for each change."""
        return "\n".join(self._lines(lang))

    def _lines(self, lang: Language) -> Iterator[str]:
        if not any(map(len, self.tables.values())):
            yield label("compare.same", lang)
            return
        for key, before, after in self.settings.itertuples():
            yield label("compare.setting", lang, key=key, before=_shown(before, lang), after=_shown(after, lang))
        for row in self.layers.reset_index().to_dict("records"):
            yield label(
                "compare.layer", lang, layer=named("column", row["layer"], lang),
                before=_shown(row["rows_before"], lang), after=_shown(row["rows_after"], lang),
                added=len(row["added"]), removed=len(row["removed"]),
            )  # fmt: skip
        told = self.coverage.reset_index()
        told = told[(told["group"] == "all") & (told["metric"] == "streets")]
        for row in told.to_dict("records"):
            unit = label(f"unit.{row['unit']}", lang)
            limit = f"{row['limit']:g} {unit}"
            yield label(
                "compare.coverage", lang, service=named("service", row["service"], lang), limit=limit,
                before=_share(row["share_before"], lang), after=_share(row["share_after"], lang),
            )  # fmt: skip
        rules = self.verdict.reset_index()
        for side, other in (("before", "after"), ("after", "before")):  # rules that only one of them judges
            alone = rules[rules[f"status_{other}"].isna()]
            if len(alone):
                counts = alone[f"status_{side}"].value_counts(sort=False).items()
                shown = label("list.comma", lang).join(f"{_status(status, lang)} {n}" for status, n in counts)
                yield label(f"compare.rules_{side}", lang, n=len(alone), counts=shown)
        for row in rules.dropna(subset=["status_before", "status_after"]).to_dict("records"):
            words = {key: _status(row[f"status_{key}"], lang) for key in ("before", "after")}
            key = "compare.rule" if words["before"] != words["after"] else "compare.value"
            if key == "compare.rule" and pd.isna([row["value_before"], row["value_after"]]).all():
                key = "compare.status"
            values = {f"value_{key}": _shown(row[f"value_{key}"], lang) for key in ("before", "after")}
            yield label(key, lang, rule=_rule(row, lang), area=_area(row, lang), **words, **values)
        for row in self.plans.reset_index().to_dict("records"):
            yield label(
                "compare.plan", lang, goal=row["goal"],
                before=_plan(row, "before", lang), after=_plan(row, "after", lang),
                opened=_ids(row["opened"], lang), dropped=_ids(row["dropped"], lang),
            )  # fmt: skip


def compare_results(before: Mapping[str, Any], after: Mapping[str, Any]) -> Comparison:
    """Compare two records of results: those that `record` makes of an `Outcome`, or ``results.json`` of two folders.

    Examples
    --------
    >>> before = {"study": {"year": 2025}, "layers": {}, "coverage": [], "plans": []}
    >>> found = compare_results(before, before | {"study": {"year": 2035}})
    >>> found
    <Comparison, changed: settings 1, layers 0, coverage 0, verdict 0, plans 0>
    >>> print(found.explain("en"))
    year: 2025 before, 2035 after
    """
    return Comparison(
        _settings(before.get("study", {}), after.get("study", {})),
        _layers(before, after),
        _changed(before.get("coverage", []), after.get("coverage", []), COVERAGE, FIGURES["coverage"]),
        _changed(_rules(before), _rules(after), RULE, FIGURES["verdict"]),
        _plans(before.get("plans", []), after.get("plans", [])),
    )


def _settings(before: Mapping[str, Any], after: Mapping[str, Any]) -> pd.DataFrame:
    rows = [
        {"key": key, "before": before.get(key), "after": after.get(key)}
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key)
    ]
    return pd.DataFrame(rows, columns=["key", "before", "after"]).set_index("key")


def _layers(before: Mapping[str, Any], after: Mapping[str, Any]) -> pd.DataFrame:
    """Return the layers whose rows or ids differ."""
    rows = []
    for layer in dict.fromkeys([*before.get("layers", {}), *after.get("layers", {})]):
        counts = [each.get("layers", {}).get(layer, {}).get("rows") for each in (before, after)]
        old, new = (each.get("names", {}).get(layer, {}) for each in (before, after))
        added, removed = [key for key in new if key not in old], [key for key in old if key not in new]
        if counts[0] != counts[1] or added or removed:
            rows.append((layer, *counts, added, removed))
    columns = ["layer", "rows_before", "rows_after", "added", "removed"]
    return pd.DataFrame(rows, columns=columns, dtype=object).set_index("layer")


def _rules(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of the verdict, with their standard."""
    audit = found.get("audit") or {}
    return [{"standard": audit.get("standard"), **row} for row in audit.get("rules", [])]


def _changed(
    before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]], keys: list[str], figures: list[str]
) -> pd.DataFrame:
    """Return the rows of two tables whose figures differ, and those that one of them lacks."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for side, table in (("before", before), ("after", after)):
        for row in table:
            here = rows.setdefault(tuple(row.get(key) for key in keys), {})
            here |= {f"{figure}_{side}": row.get(figure) for figure in figures}
    sides = [f"{figure}_{side}" for figure in figures for side in ("before", "after")]
    changed = {
        at: [row.get(column) for column in sides]
        for at, row in rows.items()
        if any(_differ(row.get(f"{figure}_before"), row.get(f"{figure}_after")) for figure in figures)
    }
    index = pd.MultiIndex.from_tuples(list(changed), names=keys) if changed else None
    empty = pd.MultiIndex.from_arrays([[] for _ in keys], names=keys)
    return pd.DataFrame(list(changed.values()), index=empty if index is None else index, columns=sides)


def _differ(one: Any, other: Any) -> bool:
    missing = [value is None or value != value for value in (one, other)]  # NaN
    return missing[0] != missing[1] or not (all(missing) or one == other)


def _plans(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the plans whose figures or sites differ."""
    sides = {"before": {row["goal"]: row for row in before}, "after": {row["goal"]: row for row in after}}
    columns = [f"{figure}_{side}" for figure in FIGURES["plans"] for side in sides]
    rows, goals = [], dict.fromkeys([*sides["before"], *sides["after"]])
    for goal in goals:
        both = {side: plans.get(goal, {}) for side, plans in sides.items()}
        sites = {side: [row["site"] for row in plan.get("sites", [])] for side, plan in both.items()}
        opened = [site for site in sites["after"] if site not in sites["before"]]
        dropped = [site for site in sites["before"] if site not in sites["after"]]
        figures = [both[side].get(figure) for figure in FIGURES["plans"] for side in sides]
        differ = any(_differ(both["before"].get(figure), both["after"].get(figure)) for figure in FIGURES["plans"])
        if opened or dropped or differ:
            rows.append((goal, *figures, *(len(sites[side]) for side in sides), opened, dropped))
    columns = ["goal", *columns, "sites_before", "sites_after", "opened", "dropped"]
    return pd.DataFrame(rows, columns=columns, dtype=object).set_index("goal")


def _shown(value: Any, lang: Language) -> str:
    if value is None or value != value:  # NaN
        return label("list.none", lang)
    if isinstance(value, list):
        return label("list.comma", lang).join(_shown(each, lang) for each in value)
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


def _share(value: Any, lang: Language) -> str:
    return f"{100 * value:.1f} %" if isinstance(value, float) else _shown(value, lang)


def _status(value: Any, lang: Language) -> str:
    return _shown(value, lang) if value is None else named("status", value, lang)


def _rule(row: Mapping[Any, Any], lang: Language) -> str:
    indicator = row["indicator" if lang == "zh" else "indicator_en"]
    return (
        f"{indicator}{label('list.open', lang)}{row['rule']}{label('list.close', lang)}" if indicator else row["rule"]
    )


def _area(row: Mapping[Any, Any], lang: Language) -> str:
    area = row["area_name"] or row["area"]
    return "" if area in (None, "", "all") else label("list.comma", lang) + str(area)


def _plan(row: Mapping[Any, Any], side: str, lang: Language) -> str:
    if row[f"status_{side}"] is None:
        return label("list.none", lang)
    values = {"sites": row[f"sites_{side}"], "share": _share(row[f"share_{side}"], lang)}
    return label("compare.figures", lang, status=_status(row[f"status_{side}"], lang), **values)


def _ids(ids: list[Any], lang: Language) -> str:
    return label("list.comma", lang).join(map(str, ids)) or label("list.none", lang)
