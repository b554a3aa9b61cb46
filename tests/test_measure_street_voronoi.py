"""Areas divided among the owners of the nearest pieces of streets."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import shapely

from siting.measure.street_voronoi import _borders, _contested, _seeds, divide


def lines(*ends: list[tuple[float, float]]) -> np.ndarray:
    return np.array([shapely.LineString(each) for each in ends], object)


def test_two_streets_share_the_ground_between_them() -> None:
    """Streets at y = 0 and y = 30 meet at y = 15; the first belongs to owner 7, the second to owner 3."""
    pieces = lines([(0, 0), (100, 0)], [(0, 30), (100, 30)])
    owners, areas = divide(shapely.box(0, -10, 100, 40), pieces, np.array([7, 3]), spacing=2, depth=30)
    assert owners.tolist() == [3, 7]
    assert shapely.bounds(areas) == pytest.approx(np.array([[0, 15, 100, 40], [0, -10, 100, 15]]), abs=1e-6)
    assert shapely.area(areas).tolist() == pytest.approx([2500, 2500])


def test_all_belongs_to_a_single_owner() -> None:
    area = shapely.box(0, 0, 10, 10)
    owners, areas = divide(area, lines([(0, 5), (10, 5)], [(5, 0), (5, 10)]), np.array([4, 4]), spacing=1, depth=10)
    assert owners.tolist() == [4]
    assert areas[0].equals(area)


def test_a_border_around_a_door() -> None:
    """As near to a door 40 m off a long street as to the street: y = 20 + t² / 80, t metres from the door along it."""
    pieces = lines([(-300, 0), (300, 0)], [(0, 40), (0, 40)])
    area = shapely.box(-100, -20, 100, 60)
    (street, door), areas = divide(area, pieces, np.array([0, 1]), spacing=0.5, depth=100)
    assert (street, door) == (0, 1)
    wide = 3200**0.5  # where the border leaves the area at y = 60
    assert areas[1].area == pytest.approx(2 * (40 * wide - wide**3 / 240), rel=0.002)
    assert areas[0].area + areas[1].area == pytest.approx(area.area)
    for t in (0, 10, 30, 50):
        assert areas[0].contains(shapely.Point(t, 20 + t**2 / 80 - 0.5))
        assert areas[1].contains(shapely.Point(t, 20 + t**2 / 80 + 0.5))


def test_streets_too_far_apart_to_meet() -> None:
    pieces = lines([(0, 0), (10, 0)], [(500, 0), (510, 0)])
    apart = shapely.MultiPolygon([shapely.box(-5, -5, 15, 5), shapely.box(495, -5, 515, 5)])
    owners, areas = divide(apart, pieces, np.array([0, 1]), spacing=1, depth=10)
    assert owners.tolist() == [0, 1]
    assert [area.bounds for area in areas] == [(-5, -5, 15, 5), (495, -5, 515, 5)]


def test_seeds_stand_evenly() -> None:
    """10 m by at most 4 m: three gaps between 0.05 m and 9.95 m; 0.1 m: two seeds at its quarters; a dot: itself."""
    xy, of = _seeds(lines([(0, 0), (10, 0)], [(0, 0), (0.1, 0)], [(3, 0), (3, 0)]), 4.0)
    assert of.tolist() == [0, 0, 0, 0, 1, 1, 2, 2]
    assert xy[:, 0].tolist() == pytest.approx([0.05, 3.35, 6.65, 9.95, 0.025, 0.075, 3, 3])


@pytest.mark.parametrize("step", [step for step in itertools.product((-1, 0, 1), repeat=2) if any(step)])
def test_neighbours_of_another_owner_are_contested(step: tuple[int, int]) -> None:
    """Two points in cells beside each other, in each direction; the corners of the town are far from both."""
    corners = [(0, 0), (0, 200), (200, 0), (200, 200)]
    xy = np.array([(95.0, 95.0), (95.0 + 10 * step[0], 95.0 + 10 * step[1]), *corners])
    assert _contested(xy, np.array([0, 1, 0, 0, 0, 0]), 10.0).tolist() == [True, True, *[False] * 4]
    assert _contested(xy, np.array([1, 0, 1, 1, 1, 1]), 10.0).tolist() == [True, True, *[False] * 4]


def test_the_top_of_a_column_is_not_beside_the_foot_of_the_next() -> None:
    xy = np.array([(5.0, 5.0), (5.0, 195.0), (15.0, 5.0), (15.0, 195.0)])
    assert _contested(xy, np.array([0, 1, 0, 1]), 10.0).tolist() == [False] * 4


def test_within_the_radius_all_are_contested() -> None:
    assert _contested(np.array([(0.0, 0.0), (5.0, 5.0)]), np.array([0, 0]), 10.0).all()


@pytest.mark.parametrize("degrees", range(5, 360, 30))
def test_a_border_between_two_points(degrees: int) -> None:
    """It crosses the way from one to the other in the middle, at a right angle."""
    ahead = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    (border,) = _borders(np.array([-5 * ahead, 5 * ahead]), np.array([0, 1]))
    ends = shapely.get_coordinates(border)
    assert (ends @ ahead).tolist() == pytest.approx([0, 0], abs=1e-6)
    assert np.hypot(*ends.T).min() > 10


def test_borders_between_three_points() -> None:
    """Three edges meet at the centre of the circle through the points; points of one owner have none."""
    points = np.array([(0.0, 0.0), (10.0, 0.0), (4.0, 8.0)])
    found = _borders(points, np.array([0, 1, 2]))
    assert len(found) == 3
    (centre,) = {tuple(np.round(xy, 6)) for xy in shapely.get_coordinates(shapely.intersection_all(found))}
    assert centre == (5.0, 2.5)
    assert len(_borders(points, np.array([0, 1, 1]))) == 2
    assert len(_borders(points, np.array([1, 1, 1]))) == 0
    assert len(_borders(points[:0], np.array([], int))) == 0
