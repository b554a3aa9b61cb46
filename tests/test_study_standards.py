"""Several standards side by side: one verdict with a column of the standard."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

import siting as st
from siting.errors import SitingError

RECIPE = """
[study]
standard = {standard}
year = 2025
scope = "part"
[layers]
communities = {{ path = "sample.gpkg" }}
childcare = {{ path = "sample.gpkg" }}
streets = {{ path = "sample.gpkg" }}
[shares]
"jinhua.childcare.circle_15min" = "90 %"
"""


def study(folder: Path, standard: str, more: str = "") -> st.Study:
    shutil.copy(st.data.sample_path(), folder / "sample.gpkg")
    file = folder / "study.toml"
    file.write_text(RECIPE.format(standard=standard) + more, encoding="utf-8")
    return st.Study.from_toml(file)


@pytest.mark.slow
def test_two_standards_are_one_verdict(tmp_path: Path) -> None:
    both = st.run(study(tmp_path, '["jinhua", "hangzhou"]'))
    alone = st.run(study(tmp_path, '"jinhua"'))
    assert both.audit is not None
    assert alone.audit is not None
    assert list(both.audits) == ["jinhua", "hangzhou"]
    assert list(both.audit.table["standard"].unique()) == ["jinhua", "hangzhou"]
    first = both.audit.table.query("standard == 'jinhua'").drop(columns="standard")
    pd.testing.assert_frame_equal(first, alone.audit.table)
    assert len(both.audit.table) == sum(len(one.table) for one in both.audits.values())
    assert both.audit.parameters["shares"] == {"jinhua.childcare.circle_15min": 0.9}
    files = both.write(tmp_path / "out")
    written = pd.read_csv(files["tables"] / "audit.csv")
    assert set(written["standard"]) == {"jinhua", "hangzhou"}
    report = files["report"].read_text(encoding="utf-8")
    for name in both.audits:
        assert f"：{st.load_standard(name).title_zh}" in report or name in report
    both.audit.to_excel(tmp_path / "audit.xlsx")
    assert "standard" not in alone.audit.table


@pytest.mark.parametrize(
    ("standard", "more", "told"),
    [
        ('["jinhua", "hangzou"]', "", 'line 3, column 1: [study] standard: there is no standard "hangzou"'),
        ('["jinhua", "hangzhou"]', '"hangzhou.nothing" = 0.9', 'standard "jinhua", "hangzhou" has no rule'),
        ("[]", "", "[study] standard: the study names no standard"),
        ("5", "", "[study] standard is 5, not a text"),
    ],
)
def test_standards_that_cannot_be_are_told(tmp_path: Path, standard: str, more: str, told: str) -> None:
    with pytest.raises(SitingError) as caught:
        study(tmp_path, standard, more)
    assert told in str(caught.value)
