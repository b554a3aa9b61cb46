"""One outline around many strips, beside GEOS: a union of the same polygons by overlays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as some

from siting.measure import buffers
from siting.measure.buffers import strips, unite

X0, Y0 = 530_000.0, 3_380_000.0
#: Area of a polygon of 16 sides around which a circle of radius 1 goes.
ROUND = 8 * math.sin(math.pi / 8)


def rows(*ends: tuple[float, float, float, float, float]) -> Any:
    return np.array(ends, float).reshape(-1, 5) + np.array([X0, Y0, X0, Y0, 0])


def by_buffers(strips: Any, fill: float) -> shapely.Geometry:
    """Widen each strip with GEOS, unite them, and fill the holes."""
    alone = [shapely.LineString([row[:2], row[2:4]]).buffer(row[4], quad_segs=4) for row in strips]
    whole = shapely.union_all(alone)
    parts = shapely.get_parts(whole)
    shells = [
        shapely.Polygon(part.exterior, [hole for hole in part.interiors if shapely.Polygon(hole).area >= fill])
        for part in parts
    ]
    return shapely.union_all(shells)


def the_same(found: shapely.Geometry, wanted: shapely.Geometry) -> bool:
    """Whether two areas differ by less than a micrometre along their outlines."""
    assert found.is_valid
    assert found.geom_type == "MultiPolygon"
    return bool(found.symmetric_difference(wanted).area < 1e-6 * (wanted.length + 1))


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Whenever GEOS has to unite strips a number is added: how many."""
    calls: list[int] = []
    by_geos = buffers._by_geos
    monkeypatch.setattr(buffers, "_by_geos", lambda rows, fill: calls.append(len(rows)) or by_geos(rows, fill))
    return calls


@pytest.mark.parametrize(
    ("ends", "area"),
    [
        ([(0, 0, 100, 0, 10)], 2000 + ROUND * 100),
        ([(5, 5, 5, 5, 10)], ROUND * 100),  # a dot is a circle
        ([(0, 0, 100, 0, 10), (100, 0, 0, 0, 10)], 2000 + ROUND * 100),  # the same twice
        ([(0, 0, 100, 0, 10), (0, 0, 100, 0, 5)], 2000 + ROUND * 100),  # one in the other
        ([(0, 0, 100, 0, 10), (100, 0, 250, 0, 10)], 5000 + ROUND * 100),  # end to end
        ([(0, 0, 100, 0, 10), (50, 0, 250, 0, 10)], 5000 + ROUND * 100),  # on one another
        ([(-50, 0, 50, 0, 10), (0, -50, 0, 50, 10)], 2 * 2000 - 400 + 2 * ROUND * 100),  # a cross
        ([(0, 0, 100, 0, 10), (0, 50, 100, 50, 10)], 2 * (2000 + ROUND * 100)),  # apart
        ([(0, 0, 100, 0, 10), (0, 20, 100, 20, 10)], 2 * (2000 + ROUND * 100)),  # side by side
    ],
)
def test_by_hand(ends: list[tuple[float, float, float, float, float]], area: float, slow: list[int]) -> None:
    assert unite(rows(*ends), 0).area == pytest.approx(area, abs=1e-3)
    assert not slow


def test_holes_and_islands(slow: list[int]) -> None:
    """A ring of 300 m, 20 m wide, around a dot: its hole is 280 m wide, and takes the dot along when it is filled."""
    ring = [(0, 0, 300, 0, 10), (300, 0, 300, 300, 10), (300, 300, 0, 300, 10), (0, 300, 0, 0, 10)]
    dot, inner = (150, 150, 150, 150, 10), 280 * 280
    open_ = unite(rows(*ring, dot), inner - 0.1)
    assert [len(part.interiors) for part in open_.geoms] == [1, 0]
    filled = unite(rows(*ring, dot), inner + 0.1)
    assert [len(part.interiors) for part in filled.geoms] == [0]
    assert filled.area - open_.area == pytest.approx(inner - ROUND * 100, abs=1e-3)
    # A hole in the island is a hole of the island, and a ring around all of it has a hole of its own.
    both = unite(
        rows(*ring, *((x0 / 3 + 100, y0 / 3 + 100, x1 / 3 + 100, y1 / 3 + 100, 10) for x0, y0, x1, y1, _ in ring)), 0
    )
    assert sorted(round(part.area) for part in both.geoms) == [
        round(120**2 - (4 - ROUND) * 100 - 80**2), round(320**2 - (4 - ROUND) * 100 - 280**2)
    ]  # fmt: skip
    assert not slow


@pytest.mark.parametrize(("blocks", "side"), [(1, 100.0), (6, 100.0), (6, 20.0), (5, 40.0), (4, 100 / 3)])
def test_a_lattice(blocks: int, side: float, slow: list[int]) -> None:
    """Sides of a lattice lie on each other everywhere; each block has one hole, unless the strips meet in it."""
    lattice = []
    for i in range(blocks + 1):
        for j in range(blocks):
            lattice += [
                (i * side, j * side, i * side, (j + 1) * side, 20),
                (j * side, i * side, (j + 1) * side, i * side, 20),
            ]
    found = unite(rows(*lattice), 0)
    hole = max(side - 40, 0)
    assert found.area == pytest.approx((blocks * side + 40) ** 2 - (4 - ROUND) * 400 - (blocks * hole) ** 2, abs=0.01)
    assert the_same(found, by_buffers(rows(*lattice), 0))
    assert not slow


NUMBER = some.integers(-4, 4).map(float)
STRIP = some.tuples(NUMBER, NUMBER, NUMBER, NUMBER, some.sampled_from([0.5, 1.0, math.sqrt(2), 3.0]))
SKEW = some.tuples(*[some.floats(-4, 4)] * 4, some.floats(0.01, 3))


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(some.lists(some.one_of(STRIP, SKEW), min_size=1, max_size=12), some.sampled_from([0.0, 0.5, 5.0]))
def test_any_strips(ends: list[tuple[float, float, float, float, float]], fill: float) -> None:
    """Strips on whole numbers touch, cross in corners, and lie on one another; the answer is that of overlays."""
    found, wanted = unite(rows(*ends), fill), by_buffers(rows(*ends), 0)
    # Whether a hole is filled that is as large as the limit, or where two touch, is for the jitter to say.
    holes = [shapely.Polygon(hole).area for part in shapely.get_parts(wanted) for hole in part.interiors]
    if fill == 0:
        assert the_same(found, wanted)
    elif all(abs(hole - fill) > 1e-3 and hole > 1e-3 for hole in holes):
        assert found.area >= wanted.area - 1e-4
        # Strips that touch along their sides keep a seam thinner than a micrometre.
        assert shapely.difference(shapely.union_all(wanted), found).area < 1e-4
        assert all(shapely.Polygon(hole).area >= fill - 1e-3 for part in found.geoms for hole in part.interiors)


@pytest.mark.slow
def test_a_city(slow: list[int]) -> None:
    """2,000 strips as streets lie: ends in common, at random angles."""
    rng = np.random.default_rng(7)
    nodes = rng.uniform(0, 3000, (900, 2))
    from scipy.spatial import Delaunay

    edges = np.unique(np.sort(Delaunay(nodes).simplices[:, [0, 1, 1, 2]].reshape(-1, 2), axis=1), axis=0)[:2000]
    city = rows(*np.column_stack([nodes[edges[:, 0]], nodes[edges[:, 1]], np.full(len(edges), 15.0)]).tolist())
    for fill in (0.0, 2000.0):
        assert the_same(unite(city, fill), by_buffers(city, fill))
    assert not slow
    # In whatever order, and turned round, it is the same area.
    again = city[rng.permutation(len(city))][:, [2, 3, 0, 1, 4]]
    assert unite(again, 0).normalize().equals_exact(unite(city, 0).normalize(), 1e-9)


def test_where_rings_do_not_close(monkeypatch: pytest.MonkeyPatch, slow: list[int]) -> None:
    """Without jitter the sides of a lattice cannot be told apart; GEOS unites them."""
    ends = rows((0, 0, 100, 0, 10), (100, 0, 200, 0, 10), (100, 0, 100, 90, 10), (50, 20, 150, 20, 10))
    wanted = unite(ends, 0)
    assert not slow
    monkeypatch.setattr(buffers, "JITTER", 0.0)
    assert the_same(unite(ends, 0), wanted)
    assert slow == [4]


def test_overlays_keep_islands_apart() -> None:
    """A ring of 300 m around a dot, by overlays: the outline of the dot is no hole."""
    ring = [(0, 0, 300, 0, 10), (300, 0, 300, 300, 10), (300, 300, 0, 300, 10), (0, 300, 0, 0, 10)]
    both = rows(*ring, (150, 150, 150, 150, 10))
    for fill in (0.0, 1000.0):
        found = buffers._by_geos(both, fill)
        assert found.is_valid
        assert [len(part.interiors) for part in found.geoms] == [1, 0]
        assert the_same(found, unite(both, fill))


def test_rings_that_cross_are_not_taken(monkeypatch: pytest.MonkeyPatch, slow: list[int]) -> None:
    """Whatever the loops say, an area is valid, or comes from GEOS."""
    bow = np.array([(0.0, 0.0), (10, 10), (10, 0), (0, 10)])
    monkeypatch.setattr(buffers, "_outline", lambda *_: (bow, np.array([0, 4])))
    assert the_same(unite(rows((0, 0, 50, 0, 10)), 0), by_buffers(rows((0, 0, 50, 0, 10)), 0))
    assert slow == [1]


def test_lines_become_strips() -> None:
    lines = [
        shapely.LineString([(0, 0), (1, 0), (1, 0), (1, 1)]), shapely.LineString([(5, 5), (5, 5)]), shapely.Point(7, 7),
    ]  # fmt: skip
    found, of = strips(np.array(lines, object), np.array([1.0, 2.0, 3.0]))
    assert found.tolist() == [[0, 0, 1, 0, 1], [1, 0, 1, 1, 1], [5, 5, 5, 5, 2], [7, 7, 7, 7, 3]]
    assert of.tolist() == [0, 0, 1, 2]


@pytest.mark.parametrize("seed", range(6))
def test_strips_at_random(seed: int, slow: list[int]) -> None:
    """Strips and dots of several radii, close together, as overlays unite them."""
    rng = np.random.default_rng(seed)
    begin = rng.uniform(0, 30, (25, 2))
    ends = begin + rng.uniform(-8, 8, (25, 2)) * (rng.random((25, 1)) < 0.7)
    crowd = rows(*np.column_stack([begin, ends, rng.uniform(0.2, 4, 25)]).tolist())
    for fill in (0.0, 3.0):
        assert the_same(unite(crowd, fill), by_buffers(crowd, fill))
    assert not slow


def test_a_small_dot_outside_the_middle_of_a_side() -> None:
    """A circle of 16 sides leaves out what lies beyond the middle of a side, 1.9 % of the radius from the circle."""
    middle = math.pi / 16
    for beyond in (0.012, 0.03, 0.06):
        way = 10 * math.cos(middle) + beyond
        dots = rows((0, 0, 0, 0, 10), *[(way * math.cos(middle), way * math.sin(middle)) * 2 + (0.02,)])
        assert the_same(unite(dots, 0), by_buffers(dots, 0))


def test_many_crossings(slow: list[int]) -> None:
    """40 strips cross 40 others: 2 × 40 × 400 m × 2 m, less the squares of 2 m where they cross, and round ends."""
    many = [(x, 0, x, 400, 1) for x in range(5, 400, 10)] + [(0, y, 400, y, 1) for y in range(5, 400, 10)]
    grid = unite(rows(*many), 0)
    assert grid.area == pytest.approx(80 * 400 * 2 - 1600 * 4 + 80 * ROUND, abs=0.1)
    assert [len(part.interiors) for part in grid.geoms] == [39 * 39]
    assert not slow


def test_a_strip_is_drawn_alike_in_whatever_direction() -> None:
    for x, y in ((30, 40), (30, -40), (0, 50), (50, 0)):
        there, back = rows((0, 0, x, y, 10)), rows((x, y, 0, 0, 10))
        assert shapely.to_wkb(unite(there, 0)) == shapely.to_wkb(unite(back, 0))
