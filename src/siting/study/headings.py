"""The tables of results as they are written: under the reader's headings, with numbers as people write them.

A share stands in percent, people and metres are whole, minutes have one decimal, and the heading names the unit. Words
of the library, such as a verdict, become words of the reader. A study with ``headings = "names"`` gets the columns and
the exact numbers of Python instead.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from siting.data import to_crs
from siting.data.datums import WGS84
from siting.data.district_names import names_apart
from siting.judge import Audit
from siting.judge.layers.uncounted_types import in_words as uncounted_in_words
from siting.labels import known, label, named
from siting.measure.services import people_column
from siting.show.blocks import plan_columns
from siting.show.cells import CODES, heading, kind_of
from siting.study.tables import BAND, notices, result_tables
from siting.study.values import Results

__all__ = ["in_words", "tables_to_write", "verdict_in_words"]

#: Decimals of a kind of numbers, what they are multiplied by, and the unit that the heading gets.
FORMS: Mapping[str, tuple[int, float, str]] = {
    "share": (1, 100.0, "percent"), "gap": (2, 100.0, "percent"), "count": (0, 1.0, ""), "metres": (0, 1.0, "m"),
    "minutes": (1, 1.0, "min"), "limit": (4, 1.0, ""), "year": (0, 1.0, ""), "seconds": (2, 1.0, ""),
    "degrees": (7, 1.0, ""),
}  # fmt: skip
#: Numbers of a verdict that are compared with the target, and how many decimals tell them from it at most.
COMPARED, MOST = ("value", "straight", "printed", "printed_max"), 4


def tables_to_write(results: Results) -> dict[str, pd.DataFrame]:
    """Return the tables of a run by name, as the study asks for them; the notice of its layers stands once in each."""
    tables, study = result_tables(results), results.study
    tables |= {name: _with_places(name, table, results) for name, table in tables.items()}
    column = "notice"
    if study.headings == "words":
        tables = {name: _worded(name, table, results) for name, table in tables.items()}
        column = label("column.notice", study.lang)
    words = label("list.sentences", study.lang).join(notice[study.lang] for notice in notices(results))
    if words:
        tables = {name: table.assign(**{column: _once(words, len(table))}) for name, table in tables.items()}
    return {name: table for name, table in tables.items() if len(table) or name != "uncounted"}


def _once(words: str, rows: int) -> list[str]:
    return [words, *[""] * (rows - 1)][:rows]


def _with_places(name: str, table: pd.DataFrame, results: Results) -> pd.DataFrame:
    """Add degrees to communities and sites, and people to communities, so that their tables can be read as layers."""
    key, role = ("id", "communities") if name == "communities" else ("site", "candidates")
    if key not in table or not name.startswith(("communities", "plan_")):
        return table
    layer = results.layers[role].reindex(table[key])
    if role == "communities":
        asked = ("population", *(people_column(service) for service in results.bands))
        people = {column: layer[column].to_numpy() for column in asked if column in layer}
        table = pd.concat([table[["id", "name"]], pd.DataFrame(people), table.drop(columns=["id", "name"])], axis=1)
    at = to_crs(layer, WGS84).geometry.representative_point()
    return table.assign(lon=at.x.round(7).to_numpy(), lat=at.y.round(7).to_numpy())


def _worded(name: str, table: pd.DataFrame, results: Results) -> pd.DataFrame:
    lang, audit, (kind, _, goal) = results.study.lang, results.audit, name.partition("_")
    if name == "coverage":
        return _coverage(table, results)
    if name == "plans":
        return _plans(table, results)
    if audit is not None and name in ("audit", "figures"):
        return verdict_in_words(audit if name == "audit" else replace(audit, table=audit.figures), lang)
    if audit is not None and name == "uncounted":
        return uncounted_in_words(audit.uncounted, lang)
    if goal not in results.proposals or kind not in ("plan", "assignment"):
        return in_words(table, lang)
    plan = results.proposals[goal].plan
    return in_words(table, lang, unit=plan.unit, columns=plan_columns(plan, "year", lang) if kind == "plan" else {})


def _coverage(table: pd.DataFrame, results: Results) -> pd.DataFrame:
    """Name the districts; how it was measured is said by the metric."""
    table = table.drop(columns="how", errors="ignore")  # a study without circles has none
    if "districts" in results.layers:
        called = names_apart(results.layers["districts"]).to_dict()
        names = [called.get(group, "") for group in table["group"]]
        table.insert(list(table.columns).index("group") + 1, "name", names)
    return in_words(table, results.study.lang)


def _plans(table: pd.DataFrame, results: Results) -> pd.DataFrame:
    """Say goals and rules in words."""
    lang, proposals = results.study.lang, [results.proposals[goal] for goal in table["goal"]]
    rules = [label("list.semicolon", lang).join(proposal.plan.rules_in_words(lang)) for proposal in proposals]
    straight = table["how"].str.startswith("straight").map({True: "straight", False: "streets"})
    table = table.assign(rules=rules, how=straight).rename(columns={"how": "metric"})
    table.insert(1, "title", [proposal.goal.title(lang) for proposal in proposals])
    return in_words(table, lang, columns={"gap": (label("column.gap", lang), "gap")})


def verdict_in_words(audit: Audit, lang: str) -> pd.DataFrame:
    """Return a verdict for readers with rounded numbers, none of which is rounded to a target that it does not meet.

    Examples
    --------
    >>> import siting as st
    >>> judged = st.audit(st.load_standard("jinhua").select(rule="places_per_1000.2025"), st.load_sample())
    >>> verdict_in_words(judged, "en")[["value", "target", "needed"]].to_numpy().tolist()
    [[3.3, 4.5, 448]]
    """
    table = audit.table.copy()
    numbers = [name for name in table.columns if pd.api.types.is_float_dtype(table[name])]
    targets = table[[name for name in ("target", "target_max") if name in table]].to_numpy(
        dtype=float, na_value=math.nan
    )
    for name in numbers:
        beside = targets if name in COMPARED else targets[:, :0]
        cells = [_apart(value, *others) for value, others in zip(table[name], beside, strict=True)]
        table[name] = pd.Series(cells, index=table.index, dtype=object)
    return replace(audit, table=table).in_words(lang)


def _apart(value: float, *others: float) -> float | int | None:
    """Round to two decimals, or to as many as tell a number from the others."""
    digits = 2
    while digits < MOST and any(
        round(value, digits) == round(one, digits) and abs(value - one) > 1e-9 for one in others
    ):
        digits += 1
    return _plain(value, digits)


def in_words(
    table: pd.DataFrame, lang: str, *, unit: str = "", columns: Mapping[str, tuple[str, str]] | None = None
) -> pd.DataFrame:
    """Return a table with the headings, numbers and words of a reader; *columns* gives some their own heading and kind.

    Examples
    --------
    >>> found = pd.DataFrame({"covered": [7712.4], "share": [0.90009], "cost": [12.34], "unit": ["min"]})
    >>> in_words(found, "en").to_dict("records")
    [{'covered': 7712, 'share covered (%)': 90.0, 'time (min)': 12.3, 'unit': 'min'}]
    """
    made: dict[str, pd.Series] = {}
    for position, name in enumerate(map(str, table.columns)):
        if _parted(name)[1] == "unit" != name:
            continue  # the headings have it
        words, values = _column(position, table, lang, unit, (columns or {}).get(name))
        made[f"{words} ({name})" if words in made else words] = values
    return pd.DataFrame(made, index=table.index)


def _column(
    position: int, table: pd.DataFrame, lang: str, unit: str, own: tuple[str, str] | None
) -> tuple[str, pd.Series]:
    service, base = _parted(str(table.columns[position]))
    values, units = table.iloc[:, position], table.get(f"{service}_unit" if service else "unit")
    if units is None and unit:
        units = pd.Series(unit, index=table.index)
    words, kind = own or (heading(base, lang), kind_of(base, values, units))
    measure = FORMS[kind][2] if kind in FORMS else ""
    if service and base == "band" and units is not None and len(units):
        measure = str(units.iloc[0])
    if base == "cost" and kind in ("metres", "minutes"):
        words = label("column.distance" if kind == "metres" else "column.time", lang)
    elif measure and not words.endswith((")", "）")):
        words += f"{label('list.open', lang)}{label(f'unit.{measure}', lang)}{label('list.close', lang)}"
    if service:
        words = f"{named('service', service, lang)}{label('list.colon', lang)}{words}"
    return words, pd.Series([_cell(cell, base, kind, lang) for cell in values], index=table.index, dtype=object)


def _parted(name: str) -> tuple[str, str]:
    """Return the service and the column of a name such as ``childcare_cost``."""
    service, _, base = name.rpartition("_")
    return (service, base) if service and base in (*BAND, "unit") else ("", name)


def _cell(cell: Any, name: str, kind: str, lang: str) -> Any:
    if isinstance(cell, bool):
        return label("value.yes" if cell else "value.no", lang)
    if isinstance(cell, str):
        return next((label(key, lang) for key in _keys(name, cell) if known(key)), cell)
    if not isinstance(cell, int | float | np.number):
        return cell
    digits, factor, _ = FORMS.get(kind, (2, 1.0, ""))
    return _plain(float(cell) * factor, digits)


def _keys(name: str, cell: str) -> list[str]:
    return [f"{section}.{cell}" for section in CODES.get(name, ())]


def _plain(value: float, digits: int) -> float | int | None:
    """Round a number; a whole one has no decimals, unless it is one of a column of percentages or minutes."""
    if not math.isfinite(value):
        return None
    rounded = round(value, digits)
    return int(rounded) if digits != 1 and rounded == int(rounded) else rounded
