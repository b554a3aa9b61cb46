"""Make the sample district: real streets, synthetic people and facilities.

The streets are OpenStreetMap data (ODbL 1.0) as they come with the source archive of the package
`neatnet` 0.1.6. Everything else is drawn by chance over these streets; nothing in it describes a
real household, facility or authority.

    pip download --no-deps --no-binary :all: neatnet==0.1.6
    tar xf neatnet-0.1.6.tar.gz
    python make_sample.py neatnet-0.1.6/data/wuhan_8989/original.parquet
    python measure_sample.py

The first script writes `sample.gpkg` next to itself: the same seed and the same source give the
same content. The second measures it and renews the table of proportions in `README.md`.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pyogrio
import shapely
from scipy.spatial import cKDTree

SEED = 20250601
HERE = Path(__file__).resolve().parent
CRS = "EPSG:4547"  # CGCS2000, 3-degree zone of 114°E
PARENT = "示例区"
CAPITAL_LETTERS = {"communities": "C", "childcare": "K", "eldercare": "E", "candidates": "S"}

# The outline, in km from ORIGIN (EPSG:32650): it follows main roads and lake shores.
ORIGIN = (240_800.0, 3_375_800.0)
OUTLINE = [
    (-1.23, 1.9), (-0.75, 2.47), (-0.45, 3.9), (-0.33, 4.95), (0.6, 4.52), (1.05, 4.98),
    (1.4, 5.36), (2.98, 5.1), (2.85, 4.7), (3.55, 4.8), (3.9, 5.02), (4.75, 4.72), (5.4, 4.5),
    (5.35, 3.2), (5.72, 2.93), (5.95, 2.7), (6.0, 1.85), (5.2, 1.42), (4.3, 1.52), (3.85, 1.4),
    (3.62, 0.95), (4.15, 0.3), (4.15, -0.45), (5.97, -0.5), (5.85, -1.92), (4.5, -1.62),
    (3.2, -1.62), (3.05, -1.0), (2.05, -0.95), (0.9, -1.0), (-0.1, -1.15), (-0.55, -1.24),
    (-1.23, -1.24),
]  # fmt: skip
DISTRICTS = {  # name: seed, in km from ORIGIN
    "云栖街道": (0.4, 3.9), "枫林街道": (2.0, 4.6), "松涛街道": (3.3, 4.3), "清波街道": (4.8, 3.9),
    "望湖街道": (5.1, 2.3), "青禾街道": (1.3, 3.1), "锦澜街道": (2.9, 2.8), "梧桐街道": (0.9, 2.0),
    "银杏街道": (2.5, 1.7), "荷塘街道": (2.2, 0.6), "兰亭街道": (-0.2, 2.5), "柳溪镇": (-0.8, -0.5),
    "白鹭镇": (0.8, -0.5), "芦荻镇": (4.7, -1.2),
}  # fmt: skip
NO_CHILDCARE = ["枫林街道", "兰亭街道", "柳溪镇"]
LARGE_BLOCK = 400_000.0  # m2
CORE = (1.7, 2.6)

NOT_FOR_WALKING = ["motorway", "motorway_link", "trunk", "trunk_link"]
MINOR = ["residential", "living_street", "pedestrian"]  # district limits follow the others
FRONTS = ["residential", "living_street", "pedestrian", "unclassified", "tertiary", "secondary"]
STEP, OFF_STREET, OUTWARD, OPEN_LAND = 25.0, (12.0, 55.0), 150.0, 180.0  # m, see `make_doors`

VILLAGES = ["荷湾村", "芦花村", "双桥村", "麦垄村", "竹溪村", "石渠村"]
PARKS = ["青禾智造产业园", "望湖科技产业园"]
OLD, NEW = 262, 46
NAME_FIRST = "青锦云和安康福瑞春秋景金玉翠丹明馨雅"
NAME_SECOND = "禾绣栖澜枫泽溪桐荷兰麓汀岚棠霖屿榆蘅川月"
OLD_NAMES, NEW_NAMES = (
    ["小区", "里小区", "新村", "苑", "社区"],
    ["花园", "府", "雅苑", "公馆", "湾"],
)

HOUSEHOLD_SIZE, ELDERLY, INFANTS = 2.33, 0.238, 0.0230  # persons, shares of the population
PLACES, INCLUSIVE, ENROLLED = 3.3, 0.515, 0.60  # per 1000 residents, shares of places
BEDS, NURSING, COGNITIVE, OCCUPIED = 25.0, 0.535, 10.0, 0.62  # per 1000 elderly, ..., per 10,000

ATTRIBUTION = "© OpenStreetMap contributors, ODbL 1.0"
SYNTHETIC = {
    "notice_zh": "合成数据：由程序随机生成，仅供演示，不反映任何真实的人口、设施、地块或行政区划。",
    "notice_en": "Synthetic data, drawn by a script for demonstration: "
    "no real population, facility, plot or administrative unit is described.",
    "attribution": ATTRIBUTION,
}
REAL = {
    "notice_zh": "道路为真实的 OpenStreetMap 数据（裁剪后只留可步行道路）；其余图层均为合成数据。",
    "notice_en": "The streets are real OpenStreetMap data, clipped and reduced to walkable ones; "
    "all other layers are synthetic.",
    "attribution": ATTRIBUTION,
}


class Facility(NamedTuple):
    """A type of facility: how many, how large, and the floor area of one place or bed."""

    name: str
    count: int
    low: int
    high: int
    area: tuple[float, float]


class Site(NamedTuple):
    """A kind of candidate site: floor area (m2), cost (10k yuan per m2) and odds of services."""

    name: str
    count: int
    low: int
    high: int
    cost: tuple[float, float]
    odds: tuple[float, float, float]  # childcare, eldercare, both


CHILDCARE = [
    Facility("托育机构", 11, 40, 90, (7, 11)),
    Facility("幼儿园托班", 9, 20, 60, (6, 9)),
    Facility("社区驿站", 6, 12, 30, (7, 10)),
    Facility("家庭托育点", 4, 3, 5, (12, 18)),
    Facility("用人单位托育", 5, 20, 50, (7, 10)),
]
ELDERCARE = [
    Facility("养老机构", 6, 150, 480, (30, 42)),
    Facility("街道居家养老服务中心", 6, 20, 50, (35, 60)),
    Facility("社区居家养老服务照料中心", 7, 6, 20, (25, 45)),
    Facility("日间照料中心", 4, 8, 20, (20, 30)),
    Facility("农村互助养老点", 2, 4, 10, (20, 35)),
]
CANDIDATES = [
    Site("闲置用地", 40, 600, 2600, (0.42, 0.60), (0.15, 0.35, 0.50)),
    Site("闲置校舍", 26, 400, 1600, (0.14, 0.22), (0.55, 0.10, 0.35)),
    Site("闲置办公", 34, 300, 1500, (0.16, 0.26), (0.20, 0.35, 0.45)),
    Site("社区用房", 72, 90, 380, (0.10, 0.16), (0.30, 0.10, 0.60)),
    Site("商业用房", 52, 120, 700, (0.24, 0.38), (0.40, 0.15, 0.45)),
]


def place(km: object) -> shapely.Geometry:
    """Points, or the outline, given in km from ORIGIN, in the sample's CRS."""
    points = shapely.points(np.asarray(km, dtype=float) * 1000 + ORIGIN)
    return gpd.GeoSeries(np.atleast_1d(points), crs="EPSG:32650").to_crs(CRS).to_numpy()


def ends(lines: gpd.GeoSeries) -> tuple[list[tuple], list[tuple]]:
    """First and last coordinate of every line."""
    both = [shapely.get_coordinates(shapely.get_point(lines.to_numpy(), at)) for at in (0, -1)]
    return [tuple(c) for c in both[0]], [tuple(c) for c in both[1]]


# --- streets -------------------------------------------------------------------------------------


def read_source(path: Path) -> gpd.GeoDataFrame:
    """All streets of the source, in the sample's CRS, coordinates to the millimetre."""
    source = gpd.read_parquet(path).to_crs(CRS)
    source["geometry"] = shapely.transform(source.geometry.to_numpy(), lambda c: c.round(3))
    return source


def walkable(source: gpd.GeoDataFrame, outline: shapely.Polygon) -> gpd.GeoDataFrame:
    """Walkable streets that lie whole in the outline, each once."""
    streets = source[~source["highway"].isin(NOT_FOR_WALKING) & source.within(outline)]
    streets = streets[~streets.normalize().to_wkb().duplicated()]
    streets = streets.sort_values(["u", "v", "key"], ignore_index=True)
    streets["u"], streets["v"] = name_ends(streets)
    streets["length"] = streets.length.round(3)
    streets.insert(0, "id", [f"R{n:05d}" for n in range(1, len(streets) + 1)])
    return streets[["id", "highway", "length", "u", "v", "geometry"]]


def name_ends(streets: gpd.GeoDataFrame) -> tuple[list[str], list[str]]:
    """Node ids in the order of each line (in the source they are sorted by number)."""
    first, last = ends(streets.geometry)
    node = {}
    for a, b, u, v in zip(first, last, streets["u"], streets["v"], strict=True):
        for at in (a, b):
            node[at] = node.get(at, {u, v}) & {u, v}
    swap = [
        (node[a] == {v} or node[b] == {u}) and u != v
        for a, b, u, v in zip(first, last, streets["u"], streets["v"], strict=True)
    ]
    u, v = np.where(swap, streets["v"], streets["u"]), np.where(swap, streets["u"], streets["v"])
    return [str(n) for n in u], [str(n) for n in v]


def label_components(streets: gpd.GeoDataFrame) -> np.ndarray:
    """Give every street the number of its component, 0 for the longest."""
    graph = nx.Graph(list(zip(streets["u"], streets["v"], strict=True)))
    label = {node: n for n, part in enumerate(nx.connected_components(graph)) for node in part}
    part = streets["u"].map(label)
    rank = streets["length"].groupby(part).sum().rank(ascending=False, method="first") - 1
    return part.map(rank).astype(int).to_numpy()


# --- districts -----------------------------------------------------------------------------------


def make_blocks(source: gpd.GeoDataFrame, outline, seeds: np.ndarray) -> np.ndarray:
    """Blocks between roads; large ones are cut halfway between the seeds."""
    roads = source.loc[~source["highway"].isin(MINOR), "geometry"].clip(outline).tolist()
    lines = shapely.union_all([*roads, outline.exterior], grid_size=0.01)
    blocks = shapely.get_parts(shapely.polygonize([lines]))
    large = shapely.union_all(blocks[shapely.area(blocks) > LARGE_BLOCK])
    halfway = shapely.voronoi_polygons(shapely.multipoints(seeds), extend_to=outline, only_edges=True)
    lines = shapely.union_all([lines, shapely.intersection(halfway, large)], grid_size=0.01)
    return shapely.get_parts(shapely.polygonize([lines]))


def make_districts(source: gpd.GeoDataFrame, outline: shapely.Polygon) -> gpd.GeoDataFrame:
    """Street blocks between roads, gathered around the seeds: no gap, no overlap."""
    points = place(list(DISTRICTS.values()))
    blocks = make_blocks(source, outline, points)
    centres = shapely.point_on_surface(blocks)
    graph = nx.Graph()
    graph.add_nodes_from(range(len(blocks)))
    for a, b in shapely.STRtree(blocks).query(blocks, predicate="intersects").T:
        if a < b and shapely.length(shapely.intersection(blocks[a], blocks[b])) > 1:
            graph.add_edge(a, b, length=shapely.distance(centres[a], centres[b]))
    seeds = shapely.STRtree(blocks).nearest(points)
    if len(set(seeds)) < len(seeds):
        raise RuntimeError("two districts start from the same block")
    paths = nx.multi_source_dijkstra_path(graph, set(seeds.tolist()), weight="length")
    owner = np.array([paths[block][0] for block in range(len(blocks))])
    cells = np.array([shapely.coverage_union_all(blocks[owner == seed]) for seed in seeds])
    cells = shapely.coverage_simplify(cells, tolerance=12.0, simplify_boundary=False)
    names = list(DISTRICTS)
    columns = {
        "id": [f"D{n:02d}" for n in range(1, len(names) + 1)],
        "name": names,
        "level": ["township" if name.endswith("镇") else "subdistrict" for name in names],
        "parent": PARENT,
    }
    return gpd.GeoDataFrame(columns, geometry=cells, crs=CRS)


# --- places where something can stand ------------------------------------------------------------


def make_doors(rng: np.random.Generator, streets, part, outline, districts) -> gpd.GeoDataFrame:
    """Points on both sides of the streets, 10 to 60 m off, not where open land or water begins.

    A side counts as open when no street lies within OPEN_LAND of the point OUTWARD metres away:
    the source holds no water, and this keeps the points off the lakes.
    """
    tree = shapely.STRtree(streets.geometry.to_numpy())
    points, beyond = [], []
    for line in streets.loc[streets["highway"].isin(FRONTS), "geometry"]:
        at = np.arange(STEP / 2, line.length, STEP)
        a, b = (shapely.get_coordinates(line.interpolate(at + d)) for d in (-0.5, 0.5))
        normal = (b - a)[:, ::-1] * [1, -1] / np.linalg.norm(b - a, axis=1, keepdims=True)
        for side in (-1, 1):
            off = side * rng.uniform(*OFF_STREET, size=(len(at), 1))
            points.append((a + b) / 2 + normal * off)
            beyond.append((a + b) / 2 + normal * side * OUTWARD)
    xy = np.concatenate(points).round(2)
    near, off = tree.query_nearest(shapely.points(xy), return_distance=True, all_matches=False)
    open_land = tree.query_nearest(shapely.points(np.concatenate(beyond)), return_distance=True, all_matches=False)[1]
    doors = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*xy.T), crs=CRS)
    doors["part"], doors["highway"] = part[near[1]], streets["highway"].to_numpy()[near[1]]
    joined = streets["length"].groupby(part).sum()
    doors["joined"] = doors["part"].map(joined)  # m of streets it is connected with
    core = place(CORE)[0]
    doors["remote"] = doors.distance(core) / 1000
    spread = shapely.get_coordinates(shapely.line_interpolate_point(
        streets.geometry.repeat(5).to_numpy(), np.tile(np.arange(0.1, 1, 0.2), len(streets)),
        normalized=True))  # fmt: skip
    weight = streets["length"].repeat(5).to_numpy() / 5000
    doors["dense"] = [weight[near].sum() for near in cKDTree(spread).query_ball_point(xy, 300)]
    fit = (off >= 10) & (off <= 60) & (open_land <= OPEN_LAND)
    doors = doors[fit & doors.within(outline.buffer(-15))].reset_index(drop=True)
    at = districts.sindex.query(doors.geometry, predicate="within")
    doors.loc[at[0], "district"] = districts["id"].to_numpy()[at[1]]
    return doors.dropna(subset="district").reset_index(drop=True)


def pick(rng, doors, weight, count: int, spacing: float, taken: list) -> np.ndarray:
    """Draw `count` doors by weight, `spacing` metres apart and 25 m from what is `taken`."""
    weight = np.asarray(weight, dtype=float)
    xy = shapely.get_coordinates(doors.geometry.to_numpy())
    with np.errstate(divide="ignore"):
        key = rng.exponential(size=len(xy)) / weight
    chosen: list[int] = []
    for door in np.argsort(key, kind="stable")[: np.isfinite(key).sum()]:
        clear = not chosen or np.hypot(*(xy[chosen] - xy[door]).T).min() >= spacing
        if clear and (not taken or np.hypot(*(np.array(taken) - xy[door]).T).min() >= 25):
            chosen.append(int(door))
            if len(chosen) == count:
                taken.extend(map(tuple, xy[chosen]))
                return np.array(chosen)
    raise RuntimeError(f"only {len(chosen)} of {count} places found at a spacing of {spacing} m")


def nearby(doors, communities, weight, metres: float) -> np.ndarray:
    """Sum of a weight over the communities within some metres of each door, as the crow flies."""
    tree = cKDTree(shapely.get_coordinates(communities.geometry.to_numpy()))
    xy = shapely.get_coordinates(doors.geometry.to_numpy())
    values = np.asarray(weight, dtype=float)
    return np.array([values[near].sum() for near in tree.query_ball_point(xy, metres)])


def fit_total(values, total: float, low, high) -> np.ndarray:
    """Whole numbers in proportion to `values`, within their limits, that sum to `total`."""
    values = np.asarray(values, dtype=float)
    low, high = (np.broadcast_to(np.round(x), values.shape).astype(float) for x in (low, high))
    left, right = 0.0, 1e6
    for _ in range(200):
        middle = (left + right) / 2
        small = np.clip(values * middle, low, high).sum() < total
        left, right = (middle, right) if small else (left, middle)
    out = np.clip(np.round(np.clip(values * left, low, high)), low, high)
    missing = round(total - out.sum())
    for n in np.argsort(-values, kind="stable").tolist() * abs(missing):
        if missing and low[n] <= out[n] + np.sign(missing) <= high[n]:
            out[n] += np.sign(missing)
            missing -= int(np.sign(missing))
    return out.astype(int)


def finish(frame: gpd.GeoDataFrame, role: str, columns: list[str]) -> gpd.GeoDataFrame:
    """Ids by district, in each from north to south; the columns in order."""
    frame = frame.assign(y=-frame.geometry.y).sort_values(["district", "y"], ignore_index=True)
    digits = 2 if role == "eldercare" else 3
    frame["id"] = [f"{CAPITAL_LETTERS[role]}{n:0{digits}d}" for n in range(1, len(frame) + 1)]
    return frame[["id", "name", *columns, "district", "geometry"]]


# --- communities ---------------------------------------------------------------------------------


def make_communities(rng, doors, taken) -> gpd.GeoDataFrame:
    """Old quarters in the core, new estates and villages farther out, two industrial parks."""
    main, quiet = doors["part"] == 0, ~doors["highway"].isin(["secondary", "pedestrian"])
    cut_off = doors["highway"].isin(["residential", "living_street"]) & ~main
    cut_off = cut_off & (doors["joined"] > 100)
    far, dense = doors["remote"], doors["dense"]
    groups = {
        "park": pick(rng, doors, main * ~quiet * (far > 3), len(PARKS), 1800, taken),
        "village": pick(rng, doors, main * quiet * (far > 2.6) * (dense < 3.2) * far, len(VILLAGES), 700, taken),
        "cut off": pick(rng, doors, cut_off, 2, 600, taken),
        "new": pick(rng, doors, main * (far > 1.9) * dense**0.5 * far, NEW, 260, taken),
        "old": pick(rng, doors, main * quiet * dense**1.6 * np.exp(-((far / 2.4) ** 2)), OLD - 2, 95, taken),
    }
    rows = np.concatenate(list(groups.values()))
    frame = doors.iloc[rows].copy()
    group = np.repeat(list(groups), [len(g) for g in groups.values()])
    frame["group"] = np.where(group == "cut off", "old", group)
    frame["kind"] = np.where(np.isin(group, ["park", "village"]), group, "estate")
    frame["build_status"] = np.where(group == "new", "new", "existing")
    frame["name"] = name_communities(rng, frame["group"])
    frame = add_people(rng, frame)
    frame = add_flags(rng, frame)
    people = ["population", "households", "elderly", "infants"]
    flags = ["kind", "build_status", "employees", "siting_difficult", "low_demand"]
    return finish(frame, "communities", people + flags)


def name_communities(rng: np.random.Generator, group: pd.Series) -> list[str]:
    """Invented names, each once."""
    known = "".join(DISTRICTS)
    stems = [a + b for a in NAME_FIRST for b in NAME_SECOND if a + b not in known]
    stems = rng.permutation(stems).tolist()
    fixed = {"park": iter(PARKS), "village": iter(VILLAGES)}
    endings = {"old": OLD_NAMES, "new": NEW_NAMES}
    return [next(fixed[g]) if g in fixed else stems.pop() + str(rng.choice(endings[g])) for g in group]


def add_people(rng: np.random.Generator, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Households by kind; population, elderly and infants so that the totals keep their shares."""
    n, group = len(frame), frame["group"].to_numpy()
    households = {
        "old": np.clip(300 + rng.lognormal(np.log(62), 1.0, n), 300, 1500),
        "new": np.clip(800 + rng.lognormal(np.log(340), 0.85, n), 800, 4500),
        "village": rng.uniform(95, 390, n),
        "park": rng.uniform(240, 480, n),
    }
    size = {"old": 2.26, "new": 2.45, "village": 2.7, "park": 1.7}
    elderly = {"old": (0.262, 0.318), "new": (0.122, 0.178), "village": (0.3, 0.38)}
    infants = {"old": (0.016, 0.021), "new": (0.026, 0.033), "village": (0.012, 0.018)}
    elderly["park"], infants["park"] = (0.01, 0.02), (0.004, 0.008)
    frame["households"] = np.round([households[g][row] for row, g in enumerate(group)])
    sizes = np.array([size[g] for g in group]) * rng.normal(1, 0.035, n).clip(0.92, 1.08)
    frame["population"] = fit_total(
        frame["households"] * sizes, round(HOUSEHOLD_SIZE * frame["households"].sum()), 1, 1e6
    )
    for column, ranges, share in (("elderly", elderly, ELDERLY), ("infants", infants, INFANTS)):
        low, high = (np.array([ranges[g][end] for g in group]) for end in (0, 1))
        total, people = round(share * frame["population"].sum()), frame["population"]
        slack = 0.9 if column == "infants" else 1.0
        drawn = rng.uniform(low, high) * people
        frame[column] = fit_total(drawn, total, np.ceil(low * people * slack), np.floor(high * people / slack))
    return frame.astype({"households": int})


def add_flags(rng: np.random.Generator, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Employees; where building is difficult (old core); where demand is low (villages, fringe)."""
    n, group = len(frame), frame["group"]
    few = np.where(rng.random(n) < 0.05, rng.integers(4, 60, n) * 10, 0)
    many = rng.integers(80, 240, n) * 100
    frame["employees"] = np.where(group == "park", many, np.where(group == "village", 0, few))
    frame["siting_difficult"] = frame["low_demand"] = False
    order = rng.exponential(size=n)
    core = frame.index[np.argsort(np.where(group == "old", frame["remote"], 99) * (1 + order))]
    frame.loc[core[: round(0.08 * n)], "siting_difficult"] = True
    villages = frame.index[group == "village"][:-1]
    far = np.where(group.isin(["old", "new"]) & ~frame["siting_difficult"], frame["remote"], 0.01)
    fringe = frame.index[np.argsort(-far / (1 + order), kind="stable")]
    frame.loc[[*villages, *fringe[: round(0.08 * n) - len(villages)]], "low_demand"] = True
    return frame


# --- facilities and candidates -------------------------------------------------------------------


def draw_childcare(rng, doors, communities, districts, taken) -> gpd.GeoDataFrame:
    """Where childcare is: near employers, once in every district that has any, then anywhere."""
    pull = nearby(doors, communities, communities["infants"], 130) ** 3.0
    work = nearby(doors, communities, communities["employees"], 400)
    district = doors["district"].to_numpy()
    served = districts.loc[~districts["name"].isin(NO_CHILDCARE), "id"].tolist()
    free = ((doors["part"] == 0) & doors["district"].isin(served)).to_numpy()
    employers, *others = CHILDCARE[::-1]
    rows = pick(rng, doors, free * work, employers.count, 700, taken)
    frames = [size_up(rng, doors.iloc[rows], employers)]
    for one in served:
        free = free & ~near_any(doors, doors.iloc[rows], 330)
        rows = np.append(rows, pick(rng, doors, free * pull * (district == one), 1, 0, taken))
    free = free & ~near_any(doors, doors.iloc[rows], 330)
    left = sum(kind.count for kind in others) - len(served)
    rows = np.append(rows, pick(rng, doors, free * pull, left, 330, taken))
    rows = rng.permutation(rows[employers.count :])
    for kind in others:
        frames.append(size_up(rng, doors.iloc[rows[: kind.count]], kind))
        rows = rows[kind.count :]
    return pd.concat(frames, ignore_index=True)


def make_childcare(rng, doors, communities, districts, taken) -> gpd.GeoDataFrame:
    """Places, inclusive places and enrolment of every childcare point."""
    frame = draw_childcare(rng, doors, communities, districts, taken)
    kind = frame["facility_type"]
    total = round(PLACES * communities["population"].sum() / 1000)
    frame["places"] = fit_total(frame["drawn"], total, frame["low"], frame["high"])
    lean = {
        "托育机构": 0.35,
        "幼儿园托班": 0.8,
        "社区驿站": 0.9,
        "家庭托育点": 0.1,
        "用人单位托育": 0.3,
    }
    wish = frame["places"] * kind.map(lean) * rng.uniform(0.3, 1.5, len(frame))
    frame["inclusive_places"] = fit_total(wish, round(INCLUSIVE * total), 0, frame["places"])
    frame["enrolled"] = fill(rng, frame["places"], ENROLLED, 0.45, 0.75)
    frame["floor_area"] = (frame["places"] * frame["per_unit"]).round().astype(int)
    own = frame.index[kind == "用人单位托育"]
    frame["open_to_neighbours"] = True
    frame.loc[own[::2], "open_to_neighbours"] = False
    frame["name"] = name_sites(frame, communities, {
        "托育机构": "托育中心", "幼儿园托班": "幼儿园托班", "社区驿站": "社区托育驿站",
        "家庭托育点": "家庭托育点", "用人单位托育": "职工托育园"})  # fmt: skip
    columns = ["places", "inclusive_places", "enrolled", "facility_type", "floor_area"]
    return finish(frame, "childcare", [*columns, "open_to_neighbours"])


def make_eldercare(rng, doors, communities, taken) -> gpd.GeoDataFrame:
    """Institutions with many beds mostly far out, day care and centres where the elderly live."""
    main = (doors["part"] == 0).to_numpy()
    home = nearby(doors, communities, communities["elderly"], 300) ** 1.6
    villages = communities[communities["kind"] == "village"]
    rural = nearby(doors, villages, villages["elderly"], 300)
    weights = {"养老机构": doors["remote"].to_numpy() ** 3, "农村互助养老点": rural}
    spacing = {"养老机构": 1300, "街道居家养老服务中心": 1250}
    frames = []
    for kind in reversed(ELDERCARE):
        weight = main * weights.get(kind.name, home)
        rows = pick(rng, doors, weight, kind.count, spacing.get(kind.name, 500), taken)
        frames.append(size_up(rng, doors.iloc[rows], kind))
        main = main & ~near_any(doors, doors.iloc[rows], 250)
    frame = pd.concat(frames, ignore_index=True)
    elderly, kind = communities["elderly"].sum(), frame["facility_type"]
    total = round(BEDS * elderly / 1000)
    frame["beds"] = fit_total(frame["drawn"], total, frame["low"], frame["high"])
    care = np.where(kind == "养老机构", 0.56, 0.4) * rng.uniform(0.85, 1.15, len(frame))
    frame["nursing_beds"] = fit_total(frame["beds"] * care, round(NURSING * total), 0, 0.8 * frame["beds"])
    memory = frame["beds"] * (kind == "养老机构") * (rng.random(len(frame)) < 0.7)
    frame["cognitive_beds"] = fit_total(memory, round(COGNITIVE * elderly / 1e4), 0, 0.3 * frame["nursing_beds"])
    frame["occupied"] = fill(rng, frame["beds"], OCCUPIED, 0.45, 0.80)
    frame["floor_area"] = (frame["beds"] * frame["per_unit"]).round(-1).astype(int)
    private = frame.index[kind == "养老机构"][::2].union(frame.index[kind == "日间照料中心"][:1])
    frame["public"] = ~frame.index.isin(private)
    frame["name"] = name_sites(frame, communities, {
        "养老机构": "颐养院", "街道居家养老服务中心": "居家养老服务中心",
        "社区居家养老服务照料中心": "照料中心", "日间照料中心": "日间照料中心",
        "农村互助养老点": "互助养老点"})  # fmt: skip
    columns = ["beds", "nursing_beds", "cognitive_beds", "occupied", "facility_type"]
    return finish(frame, "eldercare", [*columns, "floor_area", "public"])


def make_candidates(rng, doors, communities, taken) -> gpd.GeoDataFrame:
    """Idle land and school buildings anywhere, rooms and shops where people live."""
    main = (doors["part"] == 0).to_numpy()
    people, seen = communities["population"].to_numpy(float), np.array([], dtype=int)
    frames = []
    for kind in CANDIDATES:
        lone = 1.0 if not len(seen) else np.where(near_any(communities, doors.iloc[seen], 240), 1, 15)
        home = nearby(doors, communities, people * lone, 220)
        weight = {"闲置用地": doors["remote"] ** 1.5 * (home + 50) ** 0.4, "闲置校舍": home**0.4}
        rows = pick(rng, doors, main * weight.get(kind.name, home**0.8), kind.count, 300, taken)
        main = main & ~near_any(doors, doors.iloc[rows], 140)
        frame = doors.iloc[rows].assign(facility_type=kind.name, kind=kind.name)
        area = np.exp(rng.uniform(np.log(kind.low), np.log(kind.high), kind.count))
        frame["floor_area"] = (area.round(-1)).astype(int)
        frame["cost"] = (frame["floor_area"] * rng.uniform(*kind.cost, kind.count)).round(1)
        services = ["childcare", "eldercare", "childcare;eldercare"]
        frame["services"] = rng.choice(services, kind.count, p=kind.odds)
        frames.append(frame)
        seen = np.append(seen, rows[frame["services"].str.contains("childcare")])
    frame = pd.concat(frames, ignore_index=True)
    places = (frame["floor_area"] / 8 // 5 * 5).clip(10, 150).astype(int)
    beds = (frame["floor_area"] / 30).clip(3, 80).astype(int)
    frame["max_beds"] = np.where(frame["services"].str.contains("eldercare"), beds, 0)
    frame["max_places"] = np.where(frame["services"].str.contains("childcare"), places, 0)
    frame["name"] = name_sites(frame, communities, {kind.name: kind.name for kind in CANDIDATES})
    columns = ["services", "cost", "max_beds", "max_places", "floor_area", "kind"]
    return finish(frame, "candidates", columns)


def near_any(points: gpd.GeoDataFrame, others: gpd.GeoDataFrame, metres: float) -> np.ndarray:
    """Points within some metres of any of the others, as the crow flies."""
    xy, at = (shapely.get_coordinates(f.geometry.to_numpy()) for f in (points, others))
    return cKDTree(at).query(xy)[0] < metres


def size_up(rng, frame: gpd.GeoDataFrame, kind: Facility) -> gpd.GeoDataFrame:
    """Draw sizes within the limits of the type, and the floor area per place or bed."""
    return frame.assign(
        facility_type=kind.name,
        low=kind.low,
        high=kind.high,
        drawn=rng.uniform(kind.low, kind.high, len(frame)),
        per_unit=rng.uniform(*kind.area, len(frame)),
    )


def fill(rng, capacity: pd.Series, share: float, low: float, high: float) -> np.ndarray:
    """How many of the places or beds are taken: `share` of all, each between `low` and `high`."""
    wish = capacity * rng.uniform(low, high, len(capacity))
    return fit_total(wish, round(share * capacity.sum()), np.ceil(low * capacity), np.floor(high * capacity))


def name_sites(frame: gpd.GeoDataFrame, communities, ending: dict[str, str]) -> list[str]:
    """Nearest community, side of it, and what it is; a number where that is not yet unique."""
    tree = shapely.STRtree(communities.geometry.to_numpy())
    names: list[str] = []
    kinds = frame["facility_type"]
    for point, near, kind in zip(frame.geometry, tree.nearest(frame.geometry), kinds, strict=True):
        home = communities.iloc[near]
        dx, dy = point.x - home.geometry.x, point.y - home.geometry.y
        side = ("东" if dx > 0 else "西") if abs(dx) > abs(dy) else ("北" if dy > 0 else "南")
        stem = home["name"] + (f"{side}侧" if ending[kind] == kind else "") + ending[kind]
        again = sum(name.startswith(stem) for name in names)
        names.append(stem + (f"{again + 1}号" if again else ""))
    return names


# --- all of it -----------------------------------------------------------------------------------


def write(layers: dict[str, gpd.GeoDataFrame], path: Path) -> None:
    """Write the layers, each with its notice; the file appears when it is whole.

    The notice stands in the metadata and in the description of every layer, not in the metadata of
    the file: those make GDAL leave an `.aux.xml` beside the file whenever it is read.
    """
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2025-06-01T00:00:00.000Z"})
    part = path.with_suffix(".part.gpkg")
    part.unlink(missing_ok=True)
    for name, frame in layers.items():
        notice = REAL if name == "streets" else SYNTHETIC
        about = f"{notice['notice_zh']} {notice['notice_en']} {ATTRIBUTION}"
        pyogrio.write_dataframe(
            frame,
            part,
            layer=name,
            driver="GPKG",
            layer_metadata=notice,
            layer_options={"SPATIAL_INDEX": "NO", "DESCRIPTION": about},
        )
    part.replace(path)


def make(source: Path) -> dict[str, gpd.GeoDataFrame]:
    """Draw all layers, from the streets up."""
    rng = np.random.default_rng(SEED)
    outline = shapely.set_precision(shapely.Polygon(shapely.get_coordinates(place(OUTLINE))), 0.01)
    everything = read_source(source)
    streets = walkable(everything, outline)
    part = label_components(streets)
    districts = make_districts(everything, outline)
    doors = make_doors(rng, streets, part, outline, districts)
    taken: list[tuple[float, float]] = []
    homes = make_communities(rng, doors, taken)
    return {
        "communities": homes,
        "childcare": make_childcare(rng, doors, homes, districts, taken),
        "eldercare": make_eldercare(rng, doors, homes, taken),
        "candidates": make_candidates(rng, doors, homes, taken),
        "districts": districts,
        "streets": streets,
    }


def main(source: str) -> None:
    """Make the sample and write it next to this script."""
    write(make(Path(source)), HERE / "sample.gpkg")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: python {sys.argv[0]} PATH_TO_original.parquet")
    main(sys.argv[1])
