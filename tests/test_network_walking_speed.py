"""How fast people walk."""

from __future__ import annotations

import dataclasses
import functools
import math
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from siting.errors import NetworkError
from siting.network import Walk
from siting.network.walking_speed import STEEPEST, UNITS, careful, speed_from, tobler

PAGE = Path(__file__).parents[1] / "docs" / "methods" / "walking.md"
grades = some.floats(-STEEPEST, STEEPEST)


def naismith(grade: np.ndarray) -> np.ndarray:
    """A user's own function: 5 km/h on the level, and an hour more for each 600 m of climb."""
    return 1 + np.maximum(grade, 0) * 5000 / 600


@pytest.mark.parametrize(
    ("walk", "who", "speed", "quarter"),
    [(Walk.adult(), "adult", 80.0, 1200.0), (Walk.elder(), "elder", 55.0, 825.0), (Walk.carer(), "carer", 64.0, 960.0)],
)
def test_a_quarter_of_an_hour(walk: Walk, who: str, speed: float, quarter: float) -> None:
    assert (walk.who, walk.speed) == (who, speed)
    assert walk.metres(15) == quarter
    assert walk.minutes(quarter) == 15


@pytest.mark.parametrize("speed", [0, -1, 19.9, 200.1, 4800, math.nan, math.inf, "80", None, True])
def test_a_speed_must_be_a_walking_speed(speed: Any) -> None:
    with pytest.raises(ValueError, match="metres a minute, 20 to 200"):
        Walk(speed)


@pytest.mark.parametrize(
    ("speed", "meant"),
    [
        (4.8, "did you mean 4.8 km/h = 80 m/min?"),
        (1.0, "did you mean 1 m/s = 60 m/min?"),
        (1.2, "did you mean 1.2 km/h = 20 m/min or 1.2 m/s = 72 m/min?"),
        (3, "did you mean 3 km/h = 50 m/min or 3 m/s = 180 m/min?"),
        (4800, "did you mean 4800 m/h = 80 m/min?"),
        (0.1, "4.8 km/h are 80 m/min"),
        (15, "4.8 km/h are 80 m/min"),
        (300, "4.8 km/h are 80 m/min"),
    ],
)
def test_a_speed_in_another_unit_is_recognised(speed: float, meant: str) -> None:
    with pytest.raises(NetworkError, match=re.escape(meant)):
        Walk(speed)


@pytest.mark.parametrize("speed", [20, 200, 75])
def test_any_walking_speed_will_do(speed: float) -> None:
    assert Walk(speed, "you").metres(2) == 2 * speed


@pytest.mark.parametrize(
    ("text", "speed"),
    [("4.8 km/h", 80), ("4.8km/h", 80), ("4.8 KM/H", 80), ("４.８ 公里／小时", 80), ("4.8 千米/时", 80),
     ("5 kph", 5000 / 60), ("80 m/min", 80), ("80米/分钟", 80), ("1.25 m/s", 75), ("1.2 米/秒", 72),
     ("3 mph", 80.4672), ("3.5 ft/s", 64.008),
     ("262.467 ft/min", 80), ("4800 m/h", 80), (".9 m/s", 54)],
)  # fmt: skip
def test_speeds_with_their_unit(text: str, speed: float) -> None:
    assert speed_from(text) == pytest.approx(speed, abs=1e-4)
    assert Walk.at(text, "you", careful, stairs=False) == Walk(speed_from(text), "you", careful, stairs=False)


@pytest.mark.parametrize(
    "text", ["80", "km/h", "", "fast", "4,8 km/h", "4.8 km", "-4.8 km/h", "4.8 km/h 5", "1e2 m/min"]
)
def test_text_that_is_no_speed(text: str) -> None:
    with pytest.raises(NetworkError, match="give a number and its unit"):
        Walk.at(text)


@pytest.mark.parametrize("text", ["4.8 m/min", "80 km/h", "1.1 km/h", "12.1 km/h", "0 m/s"])
def test_speeds_at_which_nobody_walks(text: str) -> None:
    with pytest.raises(NetworkError, match=re.escape("nobody walks so, give 20 to 200 m/min (1.2 to 12 km/h)")):
        Walk.at(text)


@given(some.floats(20, 200))
def test_a_speed_is_the_same_in_each_unit(speed: float) -> None:
    for unit, (factor, names) in UNITS.items():
        assert unit in names.split()
        assert speed_from(f"{speed / factor:.12f} {unit}") == pytest.approx(min(max(speed, 20), 200), rel=1e-9)


def test_walks_are_values() -> None:
    assert Walk(55.0, "elder", careful) == Walk.elder() != Walk.adult()
    assert Walk(55.0, "elder") == Walk.elder(slope=None) != Walk.elder()
    assert Walk.elder(stairs=False) != Walk.elder()
    assert len({Walk.elder(), Walk.elder(), Walk.elder(stairs=False), Walk.carer()}) == 3
    assert pickle.loads(pickle.dumps(Walk.adult(stairs=False))) == Walk.adult(stairs=False)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Walk.elder().speed = 80.0


@given(some.floats(20, 200), some.floats(0, 600))
def test_minutes_undo_metres(speed: float, minutes: float) -> None:
    walk = Walk(speed)
    assert walk.minutes(walk.metres(minutes)) == pytest.approx(minutes, rel=1e-12)


@pytest.mark.parametrize(
    ("grade", "uphill_or_down", "without_gain"),
    [
        (0.0, 1.0, 1.0),
        (0.05, math.exp(0.175), math.exp(0.175)),
        (0.10, math.exp(0.35), math.exp(0.35)),
        (0.40, math.exp(1.4), math.exp(1.4)),
        (-0.05, 5.036742 / 6, 1.0),  # 6 km/h, Tobler's fastest, against 5.036742 km/h on the level
        (-0.10, 1.0, 1.0),
        (-0.15, math.exp(0.175), math.exp(0.175)),
        (-0.20, math.exp(0.35), math.exp(0.35)),
        (-0.40, math.exp(1.05), math.exp(1.05)),
    ],
)
def test_slopes_by_hand(grade: float, uphill_or_down: float, without_gain: float) -> None:
    assert tobler(grade) == pytest.approx(uphill_or_down, rel=1e-6)
    assert careful(grade) == pytest.approx(without_gain, rel=1e-6)


@given(grades)
def test_the_factor_is_the_ratio_of_toblers_speeds(grade: float) -> None:
    def speed(s: float) -> float:
        return 6 * math.exp(-3.5 * abs(s + 0.05))

    assert tobler(grade) == pytest.approx(speed(0) / speed(grade), rel=1e-12)
    assert careful(grade) == max(1.0, tobler(grade))


@pytest.mark.parametrize("slope", [tobler, careful])
def test_level_ground_is_level_exactly_and_no_grade_is_endless(slope: Any) -> None:
    assert slope([0.0, -0.0]).tolist() == [1.0, 1.0]
    assert slope([0.41, 7.0, math.inf]).tolist() == [slope(0.4)] * 3
    assert slope([-0.41, -7.0, -math.inf]).tolist() == [slope(-0.4)] * 3
    assert slope(np.zeros((2, 0, 3))).shape == (2, 0, 3)


@given(grades, grades)
def test_steeper_uphill_is_never_faster(one: float, other: float) -> None:
    low, high = sorted((abs(one), abs(other)))
    for slope in (tobler, careful):
        assert slope(low) <= slope(high)
        assert slope(high) >= slope(-high)  # uphill is not walked faster than down the same grade


def test_who_walks_slopes_how() -> None:
    grade = np.array([[0.1, -0.05], [0.0, -0.3]])
    before = grade.copy()
    assert (Walk.adult().pace(grade) == tobler(grade)).all()
    assert (Walk.elder().pace(grade) == careful(grade)).all()
    assert (Walk.carer().pace(grade) == careful(grade)).all()
    assert Walk(80.0).pace(grade).tolist() == [[1, 1], [1, 1]]
    assert Walk.elder(slope=None).pace(0.1).tolist() == 1
    assert Walk(80.0, slope=naismith).pace([0.12, -0.12]).tolist() == [2, 1]
    assert (grade == before).all()


def test_a_function_that_works_in_place_leaves_the_grades_alone() -> None:
    grade = np.array([0.1, 0.2])
    assert Walk(80.0, slope=lambda g: np.add(g, 1, out=g)).pace(grade).tolist() == [1.1, 1.2]
    assert grade.tolist() == [0.1, 0.2]


@pytest.mark.parametrize(
    ("slope", "words"),
    [
        (lambda g: g, '"0 gives 0", "-0.05 gives -0.05"'),
        (lambda g: np.where(g > 0, math.nan, 1), '"0.1 gives nan"'),
        (lambda g: np.where(g > 0, math.inf, 1), '"0.1 gives inf"'),
        (lambda g: 1.2, r"the shape \(\) of \(3,\)"),
        (lambda g: np.ones(2), "a factor for each grade"),
    ],
)
def test_a_slope_must_give_factors(slope: Any, words: str) -> None:
    with pytest.raises(NetworkError, match=words):
        Walk(80.0, "you", slope).pace([0.1, 0.0, -0.05])


def test_a_grade_that_is_no_number_is_told() -> None:
    with pytest.raises(NetworkError, match='grade "nan gives nan"'):
        Walk.elder().pace([0.1, math.nan])


@pytest.mark.parametrize("slope", [0.1, "tobler", [1.0], False])
def test_a_slope_must_be_a_function(slope: Any) -> None:
    with pytest.raises(NetworkError, match="give a function from grades to factors"):
        Walk.elder(slope=slope)


@pytest.mark.parametrize("stairs", [None, 0, 1, "no"])
def test_stairs_are_walked_or_not(stairs: Any) -> None:
    with pytest.raises(NetworkError, match="give True or False"):
        Walk.elder(stairs=stairs)


@pytest.mark.parametrize(
    ("walk", "terms"),
    [
        (Walk(80.0), "walker, 80 m/min"),
        (Walk.adult(), "adult, 80 m/min, slope: tobler"),
        (Walk.elder(stairs=False), "elder, 55 m/min, slope: careful, no stairs"),
        (Walk.carer(slope=None), "carer, 64 m/min"),
        (Walk(62.5, "you", naismith, stairs=False), "you, 62.5 m/min, slope: naismith, no stairs"),
        (Walk(80.0, "you", lambda g: g), "you, 80 m/min, slope: own"),
        (Walk(80.0, "you", functools.partial(np.add, 1)), "you, 80 m/min, slope: own"),
    ],
)
def test_what_results_say(walk: Walk, terms: str) -> None:
    assert walk.terms == terms
    assert repr(walk) == f"<Walk: {terms}>"


def test_the_page_prints_what_is_computed() -> None:
    """The table of grades in the documentation: a row for each, from 20 % down to 20 % up."""
    rows = [line.strip("|").split("|") for line in PAGE.read_text(encoding="utf-8").splitlines() if " % |" in line]
    found = {int(grade.strip().replace("−", "-").removesuffix(" %")): [float(x) for x in rest] for grade, *rest in rows}
    assert list(found) == [-20, -15, -10, -5, 0, 5, 10, 15, 20]
    for grade, (adult, elder) in found.items():
        assert adult == round(float(tobler(grade / 100)), 2)
        assert elder == round(float(careful(grade / 100)), 2)
