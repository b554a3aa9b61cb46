"""How fast people walk."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from siting.network import Walk


@pytest.mark.parametrize(
    ("walk", "who", "speed", "quarter"),
    [(Walk.adult(), "adult", 80.0, 1200.0), (Walk.elder(), "elder", 55.0, 825.0), (Walk.carer(), "carer", 64.0, 960.0)],
)
def test_a_quarter_of_an_hour(walk: Walk, who: str, speed: float, quarter: float) -> None:
    assert (walk.who, walk.speed) == (who, speed)
    assert walk.metres(15) == quarter
    assert walk.minutes(quarter) == 15


@pytest.mark.parametrize("speed", [0, -1, 200.1, 4800, math.nan, math.inf])
def test_a_speed_must_be_a_walking_speed(speed: float) -> None:
    with pytest.raises(ValueError, match="metres a minute"):
        Walk(speed)


@pytest.mark.parametrize("speed", [0.1, 200, 75])
def test_any_walking_speed_will_do(speed: float) -> None:
    assert Walk(speed, "you").metres(2) == 2 * speed


def test_walks_are_values() -> None:
    assert Walk(55.0, "elder") == Walk.elder() != Walk.adult()
    with pytest.raises(dataclasses.FrozenInstanceError):
        Walk.elder().speed = 80.0


@given(some.floats(1, 200), some.floats(0, 600))
def test_minutes_undo_metres(speed: float, minutes: float) -> None:
    walk = Walk(speed)
    assert walk.minutes(walk.metres(minutes)) == pytest.approx(minutes, rel=1e-12)
