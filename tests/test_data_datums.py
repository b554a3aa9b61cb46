"""Reference systems by name, and how exact the transformation from one datum to another is."""

from __future__ import annotations

from pyproj import CRS

from siting.data.datums import accuracy, best_accuracy, crs_name, datum_doubt, datum_name

WGS84, CGCS2000, BEIJING1954, XIAN1980, HONGKONG1980, ZONE = map(CRS.from_epsg, (4326, 4490, 2437, 4610, 2326, 4549))


def test_systems_and_datums_have_names() -> None:
    assert crs_name(ZONE) == "EPSG:4549 (CGCS2000 / 3-degree Gauss-Kruger CM 120E)"
    assert (datum_name(BEIJING1954), datum_name(WGS84)) == ("Beijing 1954", "WGS 84")


def test_how_exact_a_transformation_is() -> None:
    assert accuracy(CGCS2000, WGS84, 120, 29) == 0
    assert accuracy(BEIJING1954, WGS84, 120, 29) is None
    assert best_accuracy(HONGKONG1980, ZONE, 114, 22) == (1.0, True)


def test_a_datum_without_a_known_shift_is_named() -> None:
    doubt = datum_doubt(XIAN1980, 120, 29)
    assert doubt is not None
    assert str(doubt).startswith("is in the datum Xian 1980, whose shift to WGS 84 and CGCS2000 is not known here")
    assert datum_doubt(CGCS2000, 120, 29, strict=True) is None
