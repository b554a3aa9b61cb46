"""The tables of an audit, made by hand: counts, filters and words."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

import siting as st
from siting.judge.audit_result import COLUMNS, PRINTED
from siting.labels import label, named

ROWS = {
    "rule": ["x.care.places", "x.care_places", "x.beds.2025", "x.beds.2025"],
    "service": ["childcare", "childcare", "eldercare", "eldercare"],
    "indicator": ["托位", "托位", "床位", "床位"],
    "indicator_en": ["Places", "Places", "Beds", "Beds"],
    "unit": ["places", "percent", "beds", "some_unit"],
    "area": ["all", "all", "all", "T1"],
    "area_name": ["", "", "", "东街道"],
    "metric": ["", "streets", "", ""],
    "value": [3.0, 40.0, math.nan, 2.0],
    "operator": [">=", ">=", ">=", "range"],
    "status": ["met", "short", "no_data", "met"],
    "gap": [0.0, 10.0, math.nan, 0.0],
    "gap_unit": ["places", "percentage_points", "beds", "beds"],
    "needs": ["places", "persons", "beds", "beds"],
}


def made(**more: Any) -> st.Audit:
    table = pd.DataFrame({**ROWS, **more}).reindex(columns=COLUMNS)
    return st.Audit(table, "demo", 2025, figures=pd.DataFrame(columns=[*COLUMNS, *PRINTED]))


def test_a_line_counts_the_whole_and_names_the_areas() -> None:
    assert repr(made()) == "<Audit demo 2025: 1 met, 1 short, 1 n/a, 1 areas>"
    assert repr(made(area="all")) == "<Audit demo 2025: 1 met, 1 short, 1 n/a>"


@pytest.mark.parametrize(
    ("chosen", "rows"),
    [
        ({"rule": "care.places"}, [0]),  # a point is a point
        ({"rule": "places"}, [0, 1]),
        ({"status": "n/a"}, [2]),
        ({"status": "met"}, [0, 3]),
        ({"service": "eldercare"}, [2, 3]),
        ({"area": "T1"}, [3]),
        ({"area": "东街道"}, [3]),
        ({"area": "all", "service": "eldercare"}, [2]),
    ],
)
def test_rows_are_kept_by_each_of_their_words(chosen: dict[str, str], rows: list[int]) -> None:
    kept = made().select(**chosen).table
    assert kept["rule"].tolist() == [ROWS["rule"][row] for row in rows]
    assert kept["area"].tolist() == [ROWS["area"][row] for row in rows]
    assert kept.index.tolist() == list(range(len(rows)))


def test_an_area_that_is_not_there_is_refused() -> None:
    with pytest.raises(st.SitingError, match='area is "T9"; choose one of all, '):
        made().select(area="T9")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_codes_are_words_for_readers(lang: str) -> None:
    words = made().in_words(lang)

    def column(name: str) -> list[Any]:
        values: list[Any] = words[label(f"column.{name}", lang)].tolist()
        return values

    assert column("status") == [named("status", code, lang) for code in ROWS["status"]]
    assert column("service") == [named("service", code, lang) for code in ROWS["service"]]
    assert column("metric") == ["", named("metric", "streets", lang), "", ""]
    assert column("operator")[0] == named("operator", ">=", lang)
    assert column("area") == [label("audit.all", lang)] * 3 + ["T1"]
    assert column("unit")[3] == "some_unit"  # no word of the table
    assert column("unit")[:3] == [label("unit.places", lang), label("unit.percent", lang), label("unit.beds", lang)]
    assert column("gap_unit") == [
        label("unit.places", lang), label("unit.percentage_points", lang), "", label("unit.beds", lang)
    ]  # fmt: skip
    assert column("indicator") == (ROWS["indicator"] if lang == "zh" else ROWS["indicator_en"])


def test_a_notebook_shows_the_year_the_verdicts_and_what_is_short() -> None:
    judged = replace(made(), standard="jinhua")
    page = judged._repr_html_()
    assert "2025" in page
    assert label("status.met", "zh") in page
    assert "托位" in page  # what is short
    assert label("unit.percent", "zh") in page
    assert "床位" not in page
    assert "2025" not in replace(judged, year=None)._repr_html_()
