"""Pieces cut out of lines, on a line of 10 m whose corner lies at 4 m."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from siting.measure.line_pieces import cut

CORNER = [(0.0, 0.0), (4.0, 0.0), (4.0, 6.0)]


@pytest.mark.parametrize(
    ("low", "high", "points"),
    [
        (0.0, 1.0, CORNER),
        (0.1, 0.3, [(1, 0), (3, 0)]),
        (0.2, 0.5, [(2, 0), (4, 0), (4, 1)]),
        (0.0, 0.5, [(0, 0), (4, 0), (4, 1)]),
        (0.7, 1.0, [(4, 3), (4, 6)]),
    ],
)
def test_a_piece_around_a_corner(low: float, high: float, points: list[tuple[float, float]]) -> None:
    """The whole line stands before it: positions do not mix."""
    lines = np.array([shapely.LineString(CORNER)] * 2)
    whole, piece = cut(lines, np.array([0.0, low]), np.array([1.0, high]))
    assert whole.equals_exact(lines[0])
    assert shapely.get_coordinates(piece) == pytest.approx(np.array(points, float))


def test_ends_of_the_line_stay_to_the_last_bit() -> None:
    line = shapely.LineString([(0.1, 0.3), (1 / 3, 0.7), (2 / 3, 1.1)])
    first, last = cut(np.array([line, line]), np.array([0.0, 0.4]), np.array([0.6, 1.0]))
    assert first.coords[0] == line.coords[0]
    assert last.coords[-1] == line.coords[-1]


def test_a_line_of_no_length() -> None:
    dot = shapely.LineString([(1, 2), (1, 2)])
    (piece,) = cut(np.array([dot]), np.array([0.2]), np.array([0.7]))
    assert list(piece.coords) == [(1, 2), (1, 2)]


def test_steps_below_a_metre() -> None:
    """On a line in degrees all steps are short."""
    line = shapely.LineString([(0, 0), (0.5, 0), (0.5, 0.5)])
    (piece,) = cut(np.array([line]), np.array([0.25]), np.array([0.75]))
    assert shapely.get_coordinates(piece) == pytest.approx(np.array([(0.25, 0), (0.5, 0), (0.5, 0.25)]))


def test_each_of_many_pieces_keeps_its_own_points() -> None:
    """The points of a piece lie between those of others before they are sorted."""
    shifts = np.arange(40) * 100.0
    lines = np.array([shapely.LineString([(x + dx, y) for dx, y in CORNER]) for x in shifts])
    for piece, x in zip(cut(lines, np.full(40, 0.2), np.full(40, 0.5)), shifts, strict=True):
        assert shapely.get_coordinates(piece) == pytest.approx(np.array([(x + 2, 0), (x + 4, 0), (x + 4, 1)]))
