"""Small random towns, and what goes wrong with their layers.

A `Town` is the truth: streets, homes, nurseries and candidates in metres. `layers` writes it down as a clean layer for
each role; each of `SLIPS` writes one of them down in another way, and says which rows it changed: none, when the layer
still says the same. What is not changed must come out as it is in the town.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

#: The plane of the towns, and a corner in it.
PLANE, CORNER = "EPSG:4549", (466_000.0, 3_218_000.0)
#: Systems in which the same layer may come.
SYSTEMS = ("EPSG:4326", "EPSG:4490", "EPSG:4549", "EPSG:4528", "EPSG:32650", "OGC:CRS84")
ROLES = ("streets", "communities", "childcare", "candidates")
NUMBER = {"communities": "population", "childcare": "places", "candidates": "max_places"}
NAMES = (
    "东湖花园", "</script><img src=x onerror=alert(1)>", "{{ 7*7 }}", "=cmd|' /C calc'!A0", "a\x00b", "\x1b[2J",
    "\u202egnp",
    "\ud800", "🏠", "长" * 300, "../../etc/passwd", "'; DROP TABLE x;--", "`${1}`", "", " ", "NaN", "None", "-0", "1e5",
)  # fmt: skip


@dataclass
class Town:
    """The truth: places by id in the plane, and numbers by id."""

    streets: dict[str, shapely.LineString]
    classes: dict[str, str]
    places: dict[str, dict[str, Any]]
    numbers: dict[str, dict[str, int]]

    def layers(self) -> dict[str, gpd.GeoDataFrame]:
        """Write the town down: a clean layer for each role."""
        made = {}
        for role in ROLES:
            rows = self.streets if role == "streets" else self.places[role]
            columns: dict[str, Any] = {}
            if role == "streets":
                columns["highway"] = [self.classes[i] for i in rows]
            else:
                columns[NUMBER[role]] = [self.numbers[role][i] for i in rows]
            if role == "candidates":
                columns["services"] = ["childcare"] * len(rows)
            index = pd.Index(list(rows), name="id", dtype=object)
            made[role] = gpd.GeoDataFrame(columns, geometry=list(rows.values()), index=index, crs=PLANE)
        return made


def random_town(rng: np.random.Generator) -> Town:
    """Draw a crooked lattice with gaps, islands, dead ends, loops and doubles, and places along it."""
    blocks, side = int(rng.integers(1, 4)), float(rng.uniform(70, 180))
    x0, y0 = np.array(CORNER) + rng.uniform(-3000, 3000, 2)
    node = {
        (i, j): (float(x0 + side * i + rng.uniform(-20, 20)), float(y0 + side * j + rng.uniform(-20, 20)))
        for i in range(blocks + 1)
        for j in range(blocks + 1)
    }
    pairs = [((i, j), (i + a, j + b)) for i, j in node for a, b in ((1, 0), (0, 1)) if (i + a, j + b) in node]
    lines = [[node[a], node[b]] for a, b in pairs if rng.random() > 0.1] or [[node[0, 0], node[1, 0]]]
    for line in lines:
        if rng.random() < 0.2:  # a bend
            middle = np.mean(line, axis=0) + rng.uniform(-15, 15, 2)
            line.insert(1, tuple(map(float, middle)))
    if rng.random() < 0.3:  # an island
        far = np.array([x0 - 150, y0 + rng.uniform(0, side)])
        lines.append([tuple(far), (float(far[0]), float(far[1]) + 60.0)])
    if rng.random() < 0.2:  # a street twice, and one backwards
        lines += [lines[0], lines[-1][::-1]]
    if rng.random() < 0.2:  # a loop
        x, y = node[0, 0]
        lines.append([(x, y), (x - 30, y), (x - 30, y - 30), (x, y)])
    if rng.random() < 0.1:  # of no length
        lines.append([node[0, 0], node[0, 0]])
    streets = {f"s{k}": shapely.LineString(line) for k, line in enumerate(lines)}
    closed = rng.random(len(streets)) < 0.05
    kinds = rng.choice(["residential", "primary", "footway", "service"], len(streets))
    classes = {i: "motorway" if c and i != "s0" else str(k) for i, c, k in zip(streets, closed, kinds, strict=True)}
    places, numbers = {}, {}
    drawn = "polygons" if rng.random() < 0.25 else "mixed" if rng.random() < 0.1 else "points"
    for role, few, many in (("communities", 1, 8), ("childcare", 1, 4), ("candidates", 1, 6)):
        ids = [f"{role[:2]}{k}" for k in range(int(rng.integers(few, many + 1)))]
        at = [_beside(rng, lines, x0, y0, side) for _ in ids]
        if rng.random() < 0.1:
            at[-1] = at[0]  # two at one place
        areas = [
            role == "communities" and (drawn == "polygons" or (drawn == "mixed" and k % 2)) for k in range(len(ids))
        ]
        places[role] = {
            i: _ground(rng, xy) if a else shapely.Point(xy) for i, xy, a in zip(ids, at, areas, strict=True)
        }
        numbers[role] = {i: int(n) for i, n in zip(ids, rng.integers(0, 400, len(ids)), strict=True)}
    if not sum(numbers["communities"].values()):
        numbers["communities"][next(iter(numbers["communities"]))] = 7
    return Town(streets, classes, places, numbers)


def _beside(rng: np.random.Generator, lines: Any, x0: float, y0: float, side: float) -> tuple[float, float]:
    kind = rng.random()
    line = lines[int(rng.integers(len(lines)))]
    a, b = np.array(line[0]), np.array(line[-1])
    at = a + rng.uniform(0.05, 0.95) * (b - a)
    if kind < 0.1:
        at = a  # on a corner
    elif kind < 0.9:
        at = at + rng.uniform(-25, 25, 2)
    elif kind < 0.95:  # off every street
        at = np.array([x0, y0]) - rng.uniform(300, 600, 2)
    return float(at[0]), float(at[1])


def _ground(rng: np.random.Generator, xy: tuple[float, float]) -> shapely.Polygon:
    wide, deep = rng.uniform(10, 60, 2)
    box = shapely.box(xy[0] - wide, xy[1] - deep, xy[0] + wide, xy[1] + deep)
    if rng.random() < 0.2:
        return box.difference(box.buffer(-6)) if rng.random() < 0.5 else box.buffer(5, quad_segs=2)
    return box


# -- slips ------------------------------------------------------------------------------------------------------------


@dataclass
class Slip:
    """A layer written down in another way: *rows* are those that no longer say the same, None all of them."""

    frame: Any
    rows: set[str] | None = field(default_factory=set)


Slips = dict[str, Callable[[np.random.Generator, Any, str], Slip]]
HARMLESS: Slips = {}
HARMFUL: Slips = {}


def _slip(where: Slips) -> Callable[[Any], Any]:
    def keep(function: Any) -> Any:
        where[function.__name__] = function
        return function

    return keep


@cache
def _way(target: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(PLANE, target, always_xy=True)


def _one(rng: np.random.Generator, frame: Any) -> int:
    return int(rng.integers(len(frame)))


def _number(frame: Any, role: str) -> str | None:
    name = NUMBER.get(role)
    return name if name in frame.columns else None


@_slip(HARMLESS)
def other_system(rng: Any, frame: Any, role: str) -> Slip:
    if frame.crs != PLANE:  # done already
        return Slip(frame)
    target = str(rng.choice(SYSTEMS))
    moved = shapely.transform(frame.geometry.to_numpy(), _way(target).transform, interleaved=False)
    return Slip(frame.set_geometry(gpd.GeoSeries(moved, index=frame.index)).set_crs(target, allow_override=True))


@_slip(HARMLESS)
def other_type(rng: Any, frame: Any, role: str) -> Slip:
    if (name := _number(frame, role)) is None:
        return Slip(frame)
    kinds = ["Int64", "Int32", "UInt16", "int64[pyarrow]", "double[pyarrow]", "float32", "Float64", "uint16",
             "object", "str",
             "string", "string[pyarrow]", "category", "commas", "wide", "decimal"]  # fmt: skip
    kind = str(rng.choice(kinds))
    values = frame[name]
    if kind == "commas":
        values = values.map("{:,}".format)
    elif kind == "wide":
        values = values.map(lambda n: "".join(chr(0xFEE0 + ord(c)) for c in str(n)))
    elif kind == "decimal":
        import decimal

        values = values.map(decimal.Decimal)
    elif kind == "string[pyarrow]":
        values = values.astype(str).astype(kind)
    else:
        values = values.astype(kind)
    return Slip(frame.assign(**{name: values}))


@_slip(HARMLESS)
def other_ids(rng: Any, frame: Any, role: str) -> Slip:
    if frame.index.name != "id" or "编号" in frame.columns:  # done already
        return Slip(frame)
    kind = int(rng.integers(6))
    frame = frame.copy()
    if kind == 0:
        frame.index = pd.Index([f" {i} " for i in frame.index], name="id")
    elif kind == 1:
        frame = frame.reset_index()
    elif kind == 2:
        frame = frame.rename_axis("编号").reset_index()
    elif kind == 3:
        frame.index = frame.index.astype("string[pyarrow]")
    elif kind == 4:
        frame.index = pd.CategoricalIndex(frame.index, name="id")
    else:
        frame = frame.reset_index().astype({"id": "string"})
    return Slip(frame)


@_slip(HARMLESS)
def other_headings(rng: Any, frame: Any, role: str) -> Slip:
    other = {
        "population": ["常住人口（人）", "总人口", " POP ", "人口"],
        "places": ["托位数", "托位"],
        "max_places": ["托位上限"],
    }
    renames = {name: str(rng.choice(names)) for name, names in other.items() if name in frame.columns}
    return Slip(frame.rename(columns=renames))


@_slip(HARMLESS)
def other_order(rng: Any, frame: Any, role: str) -> Slip:
    return Slip(frame.iloc[rng.permutation(len(frame))])


@_slip(HARMLESS)
def heights(rng: Any, frame: Any, role: str) -> Slip:
    return Slip(frame.set_geometry(shapely.force_3d(frame.geometry, float(rng.choice([0.0, 12.5, math.nan])))))


@_slip(HARMLESS)
def parts(rng: Any, frame: Any, role: str) -> Slip:
    shapes = [_multi(shape) for shape in frame.geometry]
    return Slip(frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs)))


def _multi(shape: Any) -> Any:
    kinds: dict[int, Any] = {0: shapely.MultiPoint, 1: shapely.MultiLineString, 3: shapely.MultiPolygon}
    make = kinds.get(int(shapely.get_type_id(shape)))
    return shape if make is None or shape.is_empty else make([shape])


@_slip(HARMLESS)
def other_geometry_name(rng: Any, frame: Any, role: str) -> Slip:
    return Slip(frame.rename_geometry(str(rng.choice(["geom", "the_geom", "shape", "几何", "lon", ""]))))


@_slip(HARMLESS)
def odd_columns(rng: Any, frame: Any, role: str) -> Slip:
    number = len(frame)
    values: list[Any] = [
        [["a", 1]] * number, [{"a": None}] * number, [pd.NaT] * number, [b"\x00\xff"] * number, [1 + 2j] * number,
        pd.date_range("2020", periods=number, tz="Asia/Shanghai"), pd.period_range("2020", periods=number, freq="M"),
        [pd.Timedelta(days=1)] * number, [2**70] * number, [float("inf")] * number, [pd.Interval(0, 1)] * number,
        [None] * number, pd.array([1, None] * number, "Int64")[:number], [{1, 2}] * number, [True] * number,
        pd.Series([[1.0]] * number, index=frame.index).astype("object"), list(frame.geometry),
        pd.Categorical(["a"] * number),
        [str(rng.choice(NAMES))] * number, [np.float16(1)] * number, pd.array(["a"] * number, "string[pyarrow]"),
    ]  # fmt: skip
    names: list[Any] = ["note", "", " ", 0, ("a", "b"), None, math.nan, "x" * 5000, "geometry2", "🏠", "=1+1", "fid",
                        "ogc_fid",
                        "index", "a\x00b", "\ud800", "SELECT", "</script>", "a\nb", "length ", pd.Timestamp("2020"),
                        1.5]  # fmt: skip
    frame = frame.copy()
    for _ in range(int(rng.integers(1, 3))):
        name = names[int(rng.integers(len(names)))]
        value = values[int(rng.integers(len(values)))]
        if name not in frame.columns:
            frame[name] = pd.Series(value, index=frame.index) if not isinstance(value, pd.Series) else value
    return Slip(frame)


@_slip(HARMLESS)
def odd_names(rng: Any, frame: Any, role: str) -> Slip:
    return Slip(frame if role == "streets" else frame.assign(name=[str(n) for n in rng.choice(NAMES, len(frame))]))


@_slip(HARMLESS)
def odd_classes(rng: Any, frame: Any, role: str) -> Slip:
    if "highway" not in frame.columns:
        return Slip(frame)
    classes: list[Any] = frame["highway"].tolist()
    kind = int(rng.integers(4))
    if kind == 0:
        classes = [[c, c] for c in classes]
    elif kind == 1:
        classes = [None if c != "motorway" else c for c in classes]
    elif kind == 2:
        classes = [c.upper() for c in classes]
    else:
        return Slip(frame.astype({"highway": "category"}))
    return Slip(frame.assign(highway=pd.Series(classes, index=frame.index, dtype=object)))


@_slip(HARMLESS)
def lengths(rng: Any, frame: Any, role: str) -> Slip:
    """Lengths that are those of the lines, some missing; as numbers of any type, or text."""
    if role != "streets" or not str(frame.crs).endswith(("4549", "4528")):
        return Slip(frame)
    metres = shapely.length(frame.geometry.to_numpy())
    metres[rng.random(len(metres)) < 0.2] = math.nan
    values = pd.Series(metres, index=frame.index)
    kind = str(rng.choice(["float", "Float64", "double[pyarrow]", "object", "str"]))
    if kind == "object":
        values = values.astype(object).where(values.notna(), None)
    elif kind == "str":
        values = values.map(lambda n: "" if math.isnan(n) else f"{n:.6f}")
    else:
        values = values.astype(kind)
    return Slip(frame.assign(length=values))


BAD_NUMBERS: list[Any] = [
    math.nan, math.inf, -math.inf, -5, 1e30, 2.0**54, 2**70, 3.7, None, "约50", "-", "abc", "", pd.NA, pd.NaT,
    "1,2,3", "１２人",
    "1e400", "nan", "无", pd.Timestamp("2020"), [5], {"a": 1}, b"\xff", "=1+1", "5" * 400, 1 + 1j,
    pd.Timedelta(days=1), True,
]  # fmt: skip


@_slip(HARMFUL)
def bad_number(rng: Any, frame: Any, role: str) -> Slip:
    if (name := _number(frame, role)) is None:
        return Slip(frame)
    at = _one(rng, frame)
    values = frame[name].astype(object).tolist()
    values[at] = BAD_NUMBERS[int(rng.integers(len(BAD_NUMBERS)))]
    return Slip(frame.assign(**{name: pd.Series(values, index=frame.index, dtype=object)}), {_row(frame, at)})


@_slip(HARMFUL)
def missing_number(rng: Any, frame: Any, role: str) -> Slip:
    if (name := _number(frame, role)) is None:
        return Slip(frame)
    at = _one(rng, frame)
    kind = str(rng.choice(["Int64", "int64[pyarrow]", "double[pyarrow]", "Float64", "string[pyarrow]", "float"]))
    values = frame[name].astype("float") if kind == "float" else frame[name].astype(str if "string" in kind else kind)
    values = values.astype(kind) if "string" in kind else values.copy()
    values.iloc[at] = math.nan if kind == "float" else pd.NA
    return Slip(frame.assign(**{name: values}), {_row(frame, at)})


def _row(frame: Any, at: int) -> str:
    column = next((c for c in ("id", "编号") if c in frame.columns), None)
    return str(frame.index[at] if column is None else frame[column].iloc[at]).strip()


@_slip(HARMFUL)
def bad_shape(rng: Any, frame: Any, role: str) -> Slip:
    at = _one(rng, frame)
    shapes = frame.geometry.tolist()
    x, y = shapely.get_coordinates(frame.geometry.iloc[at])[0] if not frame.geometry.iloc[at].is_empty else (0.0, 0.0)
    others: list[Any] = [
        None, shapely.Point(), shapely.Point(math.nan, math.nan), shapely.Point(math.inf, y), shapely.Point(x,
        -math.inf),
        shapely.Polygon([(x, y), (x + 1, y + 1), (x + 2, y + 2)]), shapely.GeometryCollection([shapely.Point(x, y)]),
        shapely.LinearRing([(x, y), (x + 1, y), (x, y + 1)]), _linestring([(x, y), (math.nan, y)]),
        shapely.LineString(),
        shapely.MultiPoint([(x, y), (x + 5, y)]), shapely.Point(1e300, 1e300), shapely.Point(0, 0),
        shapely.GeometryCollection(),
        shapely.Polygon([(x, y), (x + 9, y + 9), (x + 9, y), (x, y + 9)]), shapely.Point(y, x), shapely.Point(1e-300,
        5e-324),
        shapely.MultiPolygon(), shapely.LineString([(x, y), (1e9, 1e9)]), shapely.Point(x + 3e5, y), shapely.Point(x,
        y / 10),
        shapely.LineString([(0, 0), (0, 0)]), shapely.MultiLineString([[(x, y), (x + 9, y)], [(x + 50, y), (x + 70,
        y)]]),
    ]  # fmt: skip
    shapes[at] = others[int(rng.integers(len(others)))]
    return Slip(frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs)), {_row(frame, at)})


def _linestring(points: Any) -> Any:
    with np.errstate(invalid="ignore"):
        return shapely.LineString(points)


@_slip(HARMFUL)
def bad_ids(rng: Any, frame: Any, role: str) -> Slip:
    frame = frame.reset_index(drop=False) if frame.index.name in ("id", "编号") else frame.copy()
    column = next((c for c in ("id", "编号") if c in frame.columns), None)
    if column is None:
        return Slip(frame)
    at = _one(rng, frame)
    ids = frame[column].astype(object).tolist()
    bad: list[Any] = [
        None,
        math.nan,
        "",
        "  ",
        pd.NA,
        ids[0],
        f"{ids[0]} ",
        pd.NaT,
        b"x",
        ["a"],
        1.5,
        True,
        "\ud800",
        "a\x00b",
    ]
    rows = {str(ids[at]).strip(), str(ids[0]).strip()}
    ids[at] = bad[int(rng.integers(len(bad)))]
    values = pd.Series(ids, index=frame.index, dtype=object)
    frame[column] = values
    return Slip(frame, rows | {str(ids[at])})


@_slip(HARMFUL)
def bad_system(rng: Any, frame: Any, role: str) -> Slip:
    local = 'ENGCRS["local",EDATUM["here"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],LENGTHUNIT["metre",1]]'
    target = [None, local, "EPSG:4978", "EPSG:3857", "EPSG:4326", "EPSG:4548", "EPSG:2326", "EPSG:4214", "EPSG:2193",
              "EPSG:5773", "ESRI:54009", "EPSG:4479"][int(rng.integers(12))]  # fmt: skip
    return Slip(
        frame.set_crs(target, allow_override=True)
        if target
        else gpd.GeoDataFrame(frame).set_crs(None, allow_override=True),
        None,
    )


@_slip(HARMFUL)
def bad_table(rng: Any, frame: Any, role: str) -> Slip:
    kind = int(rng.integers(11))
    number = _number(frame, role)
    if kind == 0:
        return Slip(frame.iloc[:0], None)
    if kind == 1:
        return Slip(pd.DataFrame(frame.drop(columns=frame.geometry.name)), None)
    if kind == 2:
        return Slip(frame.geometry, None)
    if kind == 3:
        return Slip([None, 5, "text", {}, frame.geometry.tolist(), np.zeros((2, 2))][int(rng.integers(6))], None)
    if kind == 4 and number:
        return Slip(pd.concat([frame, frame[[number]]], axis=1), None)
    if kind == 5:
        return Slip(
            frame.set_index(pd.MultiIndex.from_product([["a"], list(range(len(frame)))], names=["id", "x"])), None
        )
    if kind == 6 and number:
        return Slip(frame.drop(columns=number), None)
    if kind == 7:
        wide = frame.copy()
        wide.columns = pd.MultiIndex.from_tuples([(c, "") for c in wide.columns])
        return Slip(wide, None)
    if kind == 8:
        return Slip(pd.concat([frame, frame.iloc[:1]]), None)
    if kind == 9:
        return Slip(gpd.GeoDataFrame(pd.DataFrame(frame)), None)
    return Slip(gpd.GeoDataFrame({"x": [1]}), None)
