"""How minutes are travelled, and who travels them."""

from __future__ import annotations

from typing import Any

import pytest

import siting as st
from siting.errors import StandardError
from siting.judge.layers.walkers import Limit, limit_of, minutes_message, walk_message, walker_of
from siting.judge.standards.travel_modes import pace


def rule(**values: Any) -> st.Rule:
    return st.Rule("x.a", "service_time", "eldercare", "甲", "A", operator="<=", unit="min", value=15, **values)


def test_metres_a_minute_of_each_mode() -> None:
    assert pace("bicycle", "15 km/h") == 250
    assert pace("walk", "60 m/min") == pace("", "60 m/min") == 60
    assert pace("walk", "") == pace("", "") == 0  # as the user says


@pytest.mark.parametrize(
    ("mode", "speed", "message"),
    [
        ("bicycle", "", 'mode is "bicycle"; give its speed, such as "15 km/h"'),
        ("car", "", 'mode is "car"; give its speed'),
        ("bicycle", "59 m/min", "59"),
        ("bicycle", "601 m/min", "601"),
        ("car", "79 m/min", "79"),
        ("car", "2501 m/min", "2501"),
        ("", "300 m/min", "300"),
    ],
)
def test_speeds_that_nobody_travels_at(mode: str, speed: str, message: str) -> None:
    with pytest.raises(StandardError, match=message):
        pace(mode, speed)


def test_a_rule_is_named_with_its_speed() -> None:
    with pytest.raises(StandardError, match=r'^rule [^:]*: mode is "bicycle"; give its speed'):
        rule(mode="bicycle")
    with pytest.raises(StandardError, match=r"^rule [^:]*: .*59"):
        rule(mode="bicycle", speed="59 m/min")


def test_speeds_at_the_ends_of_a_mode() -> None:
    ends = [("bicycle", 60), ("bicycle", 600), ("car", 80), ("car", 2500)]
    assert [pace(mode, f"{speed} m/min") for mode, speed in ends] == [60, 600, 80, 2500]


def test_who_walks_to_a_facility() -> None:
    assert walker_of(rule(), None) == st.Walk.elder()
    assert walker_of(rule(), {"eldercare": st.Walk.adult()}) == st.Walk.adult()
    printed = walker_of(rule(speed="55 m/min"), None)
    assert (printed.speed, printed.who) == (55, "elder")
    assert walker_of(rule(mode="bicycle", speed="15 km/h"), None) == st.Walk.elder()


def test_a_ride_has_its_limit_in_metres() -> None:
    assert limit_of(rule(), 15, minutes=True) == Limit(minutes=15)
    assert limit_of(rule(), 300, minutes=False) == Limit(metres=300)
    ride = rule(mode="bicycle", speed="15 km/h")
    assert limit_of(ride, 15, minutes=True) == Limit(metres=3750)
    assert limit_of(ride, 300, minutes=False) == Limit(metres=300)
    assert [Limit(metres=3).amount, Limit(minutes=4).amount, Limit().amount] == [3, 4, float("inf")]


def test_messages_of_walks_lines_and_rides() -> None:
    ride, straight = rule(mode="bicycle", speed="15 km/h"), rule(metric="straight")
    assert walk_message("audit.beside", rule(), {"part": 1}) == ("audit.beside", {"part": 1})
    assert walk_message("audit.beside", straight, {"part": 1}) == ("audit.beside_straight", {"part": 1})
    of_ride = {"part": 1, "mode": "bicycle", "speed": "15 km/h"}
    assert walk_message("audit.beside", ride, {"part": 1}) == ("audit.beside_ride", of_ride)
    on_foot = minutes_message(rule(), {"eldercare": st.Walk.carer()}, 15)
    assert on_foot == ("audit.within_min", {"limit": 15, "who": "carer", "speed": st.Walk.carer().speed})
    ridden = minutes_message(ride, None, 15)
    assert ridden == ("audit.within_ride", {"limit": 15, "mode": "bicycle", "speed": "15 km/h"})
