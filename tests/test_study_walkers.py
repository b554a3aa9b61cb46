"""Walkers of a study: a word, a speed with its unit, or a table with the keys of `Walk`."""

from __future__ import annotations

from pathlib import Path

import pytest

import siting as st
from siting.errors import SitingError

RECIPE = """
[layers]
communities = {{ path = "a.gpkg" }}
streets = {{ path = "a.gpkg" }}
eldercare = {{ path = "a.gpkg" }}
centres = {{ from = "eldercare" }}
[walk]
{walk}
"""


def read(folder: Path, walk: str) -> st.Study:
    file = folder / "study.toml"
    file.write_text(RECIPE.format(walk=walk), encoding="utf-8")
    return st.Study.from_toml(file)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('"elder"', "elder, 55 m/min, slope: careful"),
        ('"3.6 km/h"', "eldercare, 60 m/min, slope: careful"),
        ("50", "eldercare, 50 m/min, slope: careful"),
        ('{ speed = "3.6 km/h", slope = false }', "eldercare, 60 m/min"),
        ('{ slope = "tobler" }', "eldercare, 55 m/min, slope: tobler"),
        ('{ who = "carer", stairs = false }', "carer, 64 m/min, slope: careful, no stairs"),
        ('{ who = "helper", speed = 70, slope = true }', "helper, 70 m/min, slope: careful"),
    ],
)
def test_a_walker_is_what_the_file_says(tmp_path: Path, given: str, expected: str) -> None:
    assert read(tmp_path, f"eldercare = {given}").walker("eldercare").terms == expected


def test_a_layer_made_from_another_has_the_walker_of_its_role(tmp_path: Path) -> None:
    assert read(tmp_path, "").walker("centres").terms == "elder, 55 m/min, slope: careful"
    assert read(tmp_path, 'centres = "4.8 km/h"').walker("centres").terms == "centres, 80 m/min, slope: careful"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("{ sped = 60 }", "line 8, column 15: [walk] eldercare sped: unknown key; did you mean speed?"),
        ('{ slope = "steep" }', '[walk] eldercare slope is "steep"; choose'),
        ("{ stairs = 1 }", "[walk] eldercare stairs is 1, not true or false"),
        ('"runner"', '[walk] eldercare is "runner"; choose "adult", "elder", "carer"'),
        ('{ speed = "36 km/h" }', "[walk] eldercare: "),
        ("4.8", "[walk] eldercare: "),
        ("true", "[walk] eldercare is true, not"),
    ],
)
def test_what_is_no_walker_is_told(tmp_path: Path, given: str, told: str) -> None:
    with pytest.raises(SitingError) as caught:
        read(tmp_path, f"eldercare = {given}")
    assert told in str(caught.value)
