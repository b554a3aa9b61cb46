"""A town made by hand: two counties of two townships each, on streets of 100 m blocks, with round numbers.

East is x, north is y, in metres from the south-west corner; walks follow the blocks.

    y 2000 ┌──────────────────┬──────────────────┐
           │ T3 南街道         │ T4 北镇           │  county B, 600,000 residents
    y 1000 ├──────────────────┼──────────────────┤
           │ T1 东街道         │ T2 西镇           │  county A, 500,000 residents
    y    0 └──────────────────┴──────────────────┘
           x 0               2000               4000

Three communities (甲社区 of a new and an old estate, 乙社区 of a new one, 丙社区 of a new and an old one), two villages
(甲村, and 乙村 of two hamlets) and a park.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

import siting as st

CRS, EAST, NORTH = "EPSG:4547", 530_000.0, 3_380_000.0
Rows = dict[str, tuple[Any, ...]]


def at(x: float, y: float) -> shapely.Point:
    return shapely.Point(EAST + x, NORTH + y)


def network() -> st.Network:
    """Streets every 100 m, from crossing to crossing."""
    across = [(at(x, y), at(x + 100, y)) for x in range(0, 4000, 100) for y in range(0, 2001, 100)]
    along = [(at(x, y), at(x, y + 100)) for x in range(0, 4001, 100) for y in range(0, 2000, 100)]
    lines = [shapely.LineString(ends) for ends in across + along]
    return st.Network.from_streets(gpd.GeoDataFrame(geometry=lines, crs=CRS))


def _district(x: float, y: float, width: float = 2000.0) -> shapely.Polygon:
    return shapely.box(EAST + x, NORTH + y, EAST + x + width, NORTH + y + 1000)


def _districts() -> gpd.GeoDataFrame:
    rows = {
        "A": ("甲县", "county", None, _district(0, 0, 4000)),
        "B": ("乙县", "county", None, _district(0, 1000, 4000)),
        "T1": ("东街道", "subdistrict", "A", _district(0, 0)),
        "T2": ("西镇", "township", "A", _district(2000, 0)),
        "T3": ("南街道", "subdistrict", "B", _district(0, 1000)),
        "T4": ("北镇", "township", "B", _district(2000, 1000)),
    }
    frame = gpd.GeoDataFrame(
        list(rows.values()), columns=["name", "level", "parent", "geometry"], index=list(rows), crs=CRS
    )
    return frame.rename_axis("id")


#: id: place, kind, build status, 社区, 行政村, township, residents, households, elderly, infants, employees, home beds
_COMMUNITIES: Rows = {
    "n1": ((500, 500), "estate", "new", "甲社区", None, "T1", 3_000, 1_000, 300, 100, 0, 100),
    "o1": ((1500, 500), "estate", "existing", "甲社区", None, "T1", 395_000, 150_000, 39_500, 3_000, 0, 1_000),
    "n2": ((2500, 500), "estate", "new", "乙社区", None, "T2", 2_000, 500, 200, 100, 0, 0),
    "v1": ((3500, 500), "village", "existing", None, "甲村", "T2", 100_000, 30_000, 10_000, 500, 0, 400),
    "n3": ((500, 1500), "estate", "new", "丙社区", None, "T3", 20_000, 7_500, 2_000, 300, 0, 0),
    "o2": ((1500, 1500), "estate", "existing", "丙社区", None, "T3", 400_000, 150_000, 40_000, 4_000, 0, 0),
    "v2": ((3500, 1500), "village", "existing", None, "乙村", "T4", 100_000, 30_000, 10_000, 1_000, 0, 0),
    "v3": ((3900, 1900), "village", "existing", None, "乙村", "T4", 80_000, 20_000, 8_000, 1_000, 0, 0),
    "p1": ((2500, 1500), "park", "existing", None, None, "T4", 0, 0, 0, 0, 25_000, 0),
}
_COMMUNITY_COLUMNS = (
    "kind build_status community_area village district population households elderly infants employees home_beds"
)

#: id: place, type, township, beds, nursing beds, floor area, beds added, inclusive, consortium, serves,
#: certified caregivers, grade
_ELDERCARE: Rows = {
    "e1": ((1900, 500), "养老院", "T1", 1000, 600, 20_000, 1_000, True, True, "西镇", 100, "四级"),
    "e2": ((3900, 100), "敬老院", "T2", 200, 80, 4_000, 0, True, False, None, 20, "三级"),
    "e3": ((3500, 1400), "敬老院", "T4", 90, 40, 2_000, 0, True, False, None, 10, "一级"),
    "e4": ((1900, 1900), "社会福利院", "T3", 660, 360, 12_000, 0, False, False, None, 60, "三级"),
    "e5": ((500, 400), "居家养老服务中心", "T1", 100, 0, 250, 0, False, True, None, 10, None),
    "e6": ((1500, 1600), "日间照料中心", "T3", 100, 0, 400, 0, False, False, None, 10, None),
    "e7": ((200, 1200), "养老院", "T3", 50, 20, 1_000, 50, False, False, None, 10, "一级"),
    "e8": ((2600, 500), "居家养老服务站", "T2", 0, 0, 150, 0, False, False, None, 0, None),
    "e9": ((600, 1500), "居家养老服务中心", "T3", 0, 0, 1_500, 0, False, False, None, 0, None),
}
_ELDERCARE_COLUMNS = (
    "facility_type district beds nursing_beds floor_area beds_added inclusive kangyang_consortium serves"
    " certified_caregivers grade"
)

#: id: place, type, township, places, floor area, open to neighbours, registered, demonstration, level, staff, certified
_CHILDCARE: Rows = {
    "k1": ((600, 500), "托育机构", "T1", 40, 300, True, True, True, None, 20, 20),
    "k2": ((3500, 400), "幼儿园托班", "T2", 110, 500, True, True, False, None, 10, 10),
    "k3": ((2200, 1900), "婴幼儿照护服务驿站", "T4", 10, 100, True, False, False, "city", 0, 0),
    "k4": ((2600, 1500), "用人单位托育", "T4", 80, 400, False, True, False, None, 10, 10),
    "k5": ((2500, 600), "托育机构", "T2", 10, 180, True, False, False, None, 0, 0),
    "k6": ((500, 1400), "托育机构", "T3", 200, 1_125, True, True, True, None, 0, 0),
    "k7": ((1000, 100), "婴幼儿照护服务驿站", "T1", 10, 100, True, False, False, "county", 0, 0),
    "k8": ((100, 100), "托育机构", "T1", 3_390, 20_000, True, True, False, None, 60, 55),
}
_CHILDCARE_COLUMNS = (
    "facility_type district places floor_area open_to_neighbours registered demonstration level staff certified_staff"
)

_MEDICAL: Rows = {
    "m1": ((100, 900), "综合医院", "T1", 300),
    "m2": ((1900, 1200), "康复医院", "T3", 200),
    "m3": ((3500, 1200), "乡镇卫生院", "T4", 50),
    "m4": ((300, 1200), "药店", "T3", 0),
}

_MEALS: Rows = {
    "c1": ((500, 300), "共享食堂", 300),
    "c2": ((1500, 1400), "共享食堂", 200),
    "c3": ((3500, 600), "共享食堂", 150),
    "c4": ((2500, 400), "共享食堂", 100),
    "c5": ((3500, 1300), "共享食堂", 250),
    "c6": ((600, 1600), "配送餐中心", 365),
}

_ACTIVITY_CENTRES: Rows = {
    "a1": ((1900, 100), "老年活动中心", "T1", 2_500, "county", None),
    "a2": ((1900, 1800), "老年活动中心", "T3", 1_500, "county", None),
    "a3": ((600, 600), "老年活动中心", "T1", 300, "village", "甲社区"),
    "a4": ((2500, 300), "老年活动中心", "T2", 300, "village", "乙社区"),
}

_HEALTH_CENTRES: Rows = {
    "h1": ((1000, 900), "儿童健康管理中心", "T1", "province"),
    "h2": ((1000, 1900), "儿童健康管理中心", "T3", "city"),
}

_SPORT: Rows = {
    "s1": ((1500, 900), None),
    "s2": ((500, 700), None),
    "s3": ((3500, 1600), "乙村"),
}


def _layer(rows: Rows, columns: str) -> gpd.GeoDataFrame:
    """Lay out rows of a place and the values of some columns."""
    ids = pd.Index(list(rows), name="id")
    frame = pd.DataFrame([row[1:] for row in rows.values()], index=ids, columns=columns.split())
    return gpd.GeoDataFrame(frame, geometry=[at(*row[0]) for row in rows.values()], crs=CRS)


def layers() -> dict[str, gpd.GeoDataFrame]:
    return {
        "districts": _districts(),
        "communities": _layer(_COMMUNITIES, _COMMUNITY_COLUMNS),
        "eldercare": _layer(_ELDERCARE, _ELDERCARE_COLUMNS),
        "childcare": _layer(_CHILDCARE, _CHILDCARE_COLUMNS),
        "medical": _layer(_MEDICAL, "facility_type district rehab_beds"),
        "meals": _layer(_MEALS, "facility_type operating_days"),
        "activity_centres": _layer(_ACTIVITY_CENTRES, "facility_type district floor_area level community_area"),
        "health_centres": _layer(_HEALTH_CENTRES, "facility_type district level"),
        "sport": _layer(_SPORT, "village"),
    }
