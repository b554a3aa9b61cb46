"""Rules on staff, and on places and vans that serve: those of the profiles, on a town small enough to count by hand.

Two communities with 10,000 elderly and 4000 children between them, two facilities of each service, three hospitals.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
import shapely

import siting as st

Layers = dict[str, gpd.GeoDataFrame]


@pytest.fixture
def town(layer: Callable[..., gpd.GeoDataFrame]) -> Layers:
    homes = layer(
        {"a": (0, 0), "b": (500, 500)},
        population=[20_000, 5000],
        elderly=[6000, 4000],
        children=[3000, 1000],
        kind=["estate", "village"],
    )
    elder = layer(
        {"x": (0, 100), "y": (300, 300)},
        beds=[10, 10],
        staff=[30, 10],
        trained_staff=[30, 8],
        caregivers=[20, 10],
        certified_caregivers=[10, 5],
        senior_caregivers=[4, 1],
    )
    care = layer({"k": (0, 0), "m": (300, 100)}, places=[10, 20], staff=[10, 10], certified_staff=[8, 7])
    hospitals = layer(
        {"h": (0, 0), "i": (100, 0), "j": (200, 0)},
        paediatricians=[3, 1, 1],
        grade=["一级", "二级甲等", "三级甲等"],
        public=[True, True, True],
    )
    health = layer(
        {"p": (0, 0), "q": (200, 0), "r": (300, 0), "s": (400, 0)},
        name=["甲院", "乙院", "丙院", "丁站"],
        facility_type=["妇幼保健院", "妇幼保健机构", "妇幼保健院", "社区卫生服务中心"],
        staff=[10, 20, 0, 10],
        technical_staff=[9, 15, 0, 1],
    )
    districts = gpd.GeoDataFrame(
        {"name": ["西街道", "东镇", "全县"], "level": ["subdistrict", "township", "county"],
         "care_card_pilot": [True, False, True]},
        geometry=[shapely.box(*at) for at in ((529_950, 3_379_950, 530_250, 3_380_550),
                                              (530_250, 3_379_950, 530_550, 3_380_550),
                                              (529_950, 3_379_950, 530_550, 3_380_550))],
        index=pd.Index(["west", "east", "all"], name="id"), crs=homes.crs,
    )  # fmt: skip
    return {"communities": homes, "eldercare": elder, "childcare": care, "medical": hospitals,
            "health_centres": health, "districts": districts}  # fmt: skip


def audited(layers: Layers, rule: str, **options: Any) -> st.Audit:
    return st.audit(st.load_standard(rule.partition(".")[0]).select(rule=rule), layers, **options)


def judged(layers: Layers, rule: str, **options: Any) -> dict[str, Any]:
    table = audited(layers, rule, **options).table
    assert table["rule"].tolist() == [rule]
    return dict(table.iloc[0])


def figured(layers: Layers, rule: str, **options: Any) -> dict[str, Any]:
    figures = audited(layers, rule, **options).figures
    assert figures["rule"].tolist() == [rule]
    return dict(figures.iloc[0])


def verdict(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["value"], row["target"], row["needed"], row["needs"], row["status"]


# Staff


@pytest.mark.parametrize(
    ("rule", "target", "needed"),
    [
        ("jinhua.eldercare.certified_caregivers_per_10000.2022", 20, 5),
        ("jinhua.eldercare.certified_caregivers_per_10000.2025", 26, 11),
        ("quzhou.eldercare.certified_caregivers_per_10000.2022", 22.3, 8),  # 22.3 are 23 people
        ("quzhou.eldercare.certified_caregivers_per_10000.2025", 25, 10),
        ("qingtian.eldercare.certified_caregivers_per_10000.2025", 25, 10),
        ("hangzhou.eldercare.certified_caregivers_per_10000.2025", 28, 13),
    ],
)
def test_certified_caregivers_for_ten_thousand_elderly(town: Layers, rule: str, target: float, needed: float) -> None:
    """15 for 10,000."""
    row = judged(town, rule)
    assert verdict(row) == (15, target, needed, "certified_caregivers", "short")
    assert row["unit"] == "persons_per_10000_elderly"
    assert row["basis_en"] == "15 certified caregivers for 10,000 people aged 60+"
    town["communities"]["elderly"] = [3000, 2000]  # 30 for 10,000
    assert verdict(judged(town, rule)) == (30, target, 0, "certified_caregivers", "met")


def test_staff_stands_under_staff_in_what_people_read(town: Layers) -> None:
    told = audited(town, "jinhua.eldercare.certified_caregivers_per_10000.2025")
    zh, en = (dict(told.in_words(lang).iloc[0]) for lang in ("zh", "en"))
    assert (en["unit"], en["of what"]) == ("people per 10,000 elderly", "certified caregivers")
    assert "持证养老护理员" in zh["计算口径"]
    assert "床" not in "".join(str(cell) for cell in zh.values())
    assert "bed" not in "".join(str(cell) for cell in en.values())


@pytest.mark.parametrize(
    ("rule", "printed"),
    [
        ("jinhua.eldercare.certified_caregivers_per_10000.2021", 16),
        ("quzhou.eldercare.certified_caregivers_per_10000.2021", 18.38),
        ("qingtian.eldercare.certified_caregivers_per_10000.2022", 23.5),
        ("hangzhou.eldercare.certified_caregivers_per_10000.2021", 23.87),
    ],
)
def test_what_the_plans_started_from(town: Layers, rule: str, printed: float) -> None:
    row = figured(town, rule)
    assert (row["value"], row["printed"], row["difference"]) == (15, printed, pytest.approx(15 - printed))


@pytest.mark.parametrize(
    ("rule", "target", "needed", "reason"),
    [
        ("jinhua.childcare.staff_certified.2022", 70, 0, ""),
        ("jinhua.childcare.staff_certified.2025", 80, 1, "1 more of the present staff, or 5 by hiring only such"),
        ("quzhou.childcare.staff_certified.2022", 80, 1, "1 more of the present staff, or 5 by hiring only such"),
        ("quzhou.childcare.staff_certified.2025", 85, 2, "2 more of the present staff, or 14 by hiring only such"),
        ("qingtian.childcare.staff_certified.2025", 80, 1, "1 more of the present staff, or 5 by hiring only such"),
        ("hangzhou.childcare.staff_certified.2025", 90, 4, "4 more of the present staff, or 31 by hiring only such"),
        ("hangzhou.childcare.staff_certified.2035", 95, 5, "5 more of the present staff, or 81 by hiring only such"),
    ],
)
def test_staff_with_a_certificate(town: Layers, rule: str, target: float, needed: float, reason: str) -> None:
    """15 of 20; above 90 % are 19 of 20, or 46 of 51, and above 95 % 20 of 20, or 96 of 101."""
    row = judged(town, rule)
    assert verdict(row) == (75, target, needed, "certified_staff", "short" if needed else "met")
    assert (row["unit"], row["reason_en"]) == ("percent", reason)
    assert row["basis_en"] == "15 certified staff of 20 staff"


def test_more_than_a_printed_share_is_more(town: Layers) -> None:
    town["childcare"]["certified_staff"] = [9, 9]  # 90 % on the dot
    assert judged(town, "hangzhou.childcare.staff_certified.2025")["status"] == "short"
    town["childcare"]["certified_staff"] = [10, 9]
    assert judged(town, "hangzhou.childcare.staff_certified.2025")["status"] == "met"


def test_senior_and_trained_staff(town: Layers) -> None:
    for rule, target, needed in (("quzhou.eldercare.senior_caregivers", 18, 1),
                                 ("hangzhou.eldercare.senior_caregivers.2025", 20, 1)):  # fmt: skip
        row = judged(town, rule)  # 5 of 30
        assert verdict(row) == (pytest.approx(100 / 6), target, needed, "senior_caregivers", "short")
    row = judged(town, "quzhou.eldercare.staff_trained")  # 38 of 40
    assert verdict(row) == (95, 100, 2, "trained_staff", "short")
    assert row["reason_en"] == "2 more of the present staff", "no hiring makes all of them trained"
    assert figured(town, "hangzhou.eldercare.senior_caregivers.2021")["printed"] == 16.7


def test_paediatricians_for_a_thousand_children(town: Layers) -> None:
    """5 for 4000."""
    met = judged(town, "quzhou.health.paediatricians_per_1000.2022")
    assert verdict(met) == (1.25, 1.22, 0, "paediatricians", "met")
    short = judged(town, "quzhou.health.paediatricians_per_1000.2025")
    assert verdict(short) == (1.25, 1.3, 1, "paediatricians", "short")  # 5.2 are 6
    assert short["basis_en"] == "5 paediatricians for 4,000 children"
    assert figured(town, "quzhou.health.paediatricians_per_1000.2021")["difference"] == pytest.approx(0.05)


def test_technical_staff_are_asked_of_each_institution(town: Layers) -> None:
    """9 of 10 and 15 of 20: together 80 %, and still the second lacks one. Nobody is asked of one without staff."""
    told = audited(town, "hangzhou.health.maternity_technical_share")
    row = dict(told.table.iloc[0])
    assert verdict(row) == (75, 80, 1, "technical_staff", "short")
    assert (row["reason_en"], row["reason"]) == ("short: 乙院", "未达到：乙院")
    assert told.units(row["rule"])["fulfils"].to_dict() == {"p": True, "q": False}
    town["health_centres"]["technical_staff"] = [8, 16, 0, 1]
    assert verdict(judged(town, row["rule"])) == (80, 80, 0, "technical_staff", "met")
    town["health_centres"]["staff"] = 0
    nobody = judged(town, row["rule"])
    assert (nobody["status"], math.isnan(nobody["value"])) == ("not_applicable", True)


@pytest.mark.parametrize(
    ("rule", "room", "column"),
    [
        ("jinhua.eldercare.certified_caregivers_per_10000.2025", "eldercare", "certified_caregivers"),
        ("jinhua.eldercare.certified_caregivers_per_10000.2025", "communities", "elderly"),
        ("jinhua.childcare.staff_certified.2025", "childcare", "certified_staff"),
        ("jinhua.childcare.staff_certified.2025", "childcare", "staff"),
        ("quzhou.health.paediatricians_per_1000.2025", "medical", "paediatricians"),
        ("quzhou.health.paediatricians_per_1000.2025", "communities", "children"),
        ("quzhou.eldercare.senior_caregivers", "eldercare", "caregivers"),
        ("hangzhou.health.maternity_technical_share", "health_centres", "staff"),
    ],
)
def test_what_is_missing_is_named(town: Layers, rule: str, room: str, column: str) -> None:
    town[room] = town[room].drop(columns=column)
    row = judged(town, rule)
    assert (row["status"], math.isnan(row["value"])) == ("no_data", True)
    assert row["reason_en"].startswith("column missing in ")
    assert row["reason_en"].endswith(f"({column})")
    del town[room]
    assert judged(town, rule)["reason_en"].startswith("layer missing: ")


def test_facilities_are_no_staff(town: Layers) -> None:
    """A rule that names no column of staff is not judged by the number of facilities."""
    for kind, unit in (("staff_ratio", "persons_per_10000_residents"),
                       ("ratio_per_10000_elderly", "persons_per_10000_elderly"),
                       ("ratio_per_10000_elderly", "beds_per_10000_elderly")):  # fmt: skip
        one = st.Rule(id="r", kind=kind, service="eldercare", indicator_zh="甲", indicator_en="a", operator=">=",
                      value=1.0, unit=unit)  # fmt: skip
        table = st.audit(st.Standard("demo", "示范", "Demo", (one,)), town).table
        assert table["status"].tolist() == ["no_data"]
        assert "does not name the columns" in table["reason_en"].iloc[0]


# Candidate sites, vans, pilots


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("guangxi.both.state_firms_idle", 1),
        ("guangxi.both.existing_buildings", 3),
        ("beihai.childcare.union_and_womens_halls", 2),
        ("shijiazhuang.childcare.household_nurseries", 1),
        ("quzhou.both.training_centre_conversion", 1),
    ],
)
def test_candidate_sites_of_a_sort(town: Layers, layer: Callable[..., Any], rule: str, value: float) -> None:
    kinds = [
        "国企房产",
        "存量建筑",
        "闲置校舍",
        "社区用房",
        "闲置用地",
        "工会用房",
        "妇女儿童活动中心",
        "住宅",
        "疗养院",
    ]
    town["candidates"] = layer({str(k): (100 * (k % 6), 0) for k in range(len(kinds))}, kind=kinds)
    row = figured(town, rule)
    assert (row["value"], row["unit"], row["status"]) == (value, "candidates", "shown")
    del town["candidates"]
    assert figured(town, rule)["reason_en"] == "layer missing: Candidate sites"


def test_hospitals_that_could_turn(town: Layers) -> None:
    rule = "shijiazhuang.eldercare.hospital_conversion"
    assert figured(town, rule)["value"] == 2  # the third is of the third grade
    town["medical"]["public"] = [True, False, True]
    assert figured(town, rule)["value"] == 1
    town["medical"] = town["medical"].drop(columns="grade")
    assert figured(town, rule)["reason_en"].endswith("(grade)")


@pytest.mark.slow
def test_who_is_left_to_vans(town: Layers, layer: Callable[..., Any], town_network: st.Network) -> None:
    """A meal point stands at the village `b`; the nearest health centre is 600 m from there."""
    town["meals"] = layer({"z": (500, 500)})
    row = figured(town, "shijiazhuang.eldercare.meal_vans", network=town_network)
    assert (row["value"], row["unit"]) == (1, "estates_or_villages"), "the estate counts, too"
    town["meals"] = layer({"z": (500, 500), "w": (0, 100)})
    assert figured(town, "shijiazhuang.eldercare.meal_vans", network=town_network)["value"] == 0
    van = "qingtian.health.touring_clinic_van"
    assert figured(town, van, network=town_network)["value"] == 1
    assert figured(town, van, network=town_network, beside=600.0)["value"] == 0  # s is 100 + 500 m away
    assert figured(town, van, network=town_network, beside=599.0)["value"] == 1
    assert figured(town, van)["reason_en"] == "no street network given; pass network="


def test_pilots_are_townships_with_the_mark(town: Layers) -> None:
    rule = "qingtian.eldercare.love_card_pilots"
    row = figured(town, rule)
    assert (row["value"], row["unit"]) == (1, "districts"), "the county is no township"
    assert row["basis_en"] == "1 of 2 townships; where marked “care card pilot”"
    town["districts"] = town["districts"].drop(columns="care_card_pilot")
    assert figured(town, rule)["reason_en"].endswith("(care_card_pilot)")


def test_a_share_that_is_to_rise_each_year(town: Layers, layer: Callable[..., Any]) -> None:
    """Of the public kindergartens 1 of 2 have nursery classes; over the years 0 of 2, 1 of 2, 2 of 2."""
    rule = "jinhua.childcare.public_kindergarten_classes_share"
    town["kindergartens"] = layer({"f": (0, 0), "g": (100, 0), "h": (200, 0)}, public=[True, True, False],
                                  nursery_classes=[0, 2, 5])  # fmt: skip
    row = figured(town, rule)
    assert (row["value"], row["unit"]) == (50, "percent")
    assert row["basis_en"] == "1 of 2 kindergartens; where marked “public”"

    def over(*classes: int) -> dict[str, Any]:
        years = [2021, 2021, 2022, 2022, 2023, 2023]
        places = {str(k): (100 * k, 0) for k in range(6)}
        town["kindergartens"] = layer(places, public=[True] * 6, nursery_classes=classes, year=years)
        return figured(town, rule)

    row = over(0, 0, 1, 0, 3, 1)
    assert row["value"] == 100, "the last year's"
    rose = "it rose each year; those that have it, of all: 2021: 0/2, 2022: 1/2, 2023: 2/2"
    assert row["basis_en"] == f"{rose}; where marked “public”"
    row = over(0, 0, 1, 0, 0, 1)
    assert (row["value"], row["basis_en"][:25]) == (50, "it did not rise each year")
    town["kindergartens"] = town["kindergartens"].drop(columns="nursery_classes")
    assert figured(town, rule)["reason_en"].endswith("(nursery_classes)")


# Notes


def test_the_note_of_a_rule_reaches_the_reader_in_both_languages(town: Layers, tmp_path: Path) -> None:
    rule = "hangzhou.childcare.staff_certified.2025"
    one = st.load_standard("hangzhou")[rule]
    told = audited(town, rule)
    assert told.table[["note", "note_en"]].to_numpy().tolist() == [[one.note_zh, one.note]]
    for lang, head, note, other in (("zh", "说明", one.note_zh, one.note), ("en", "note", one.note, one.note_zh)):
        assert told.in_words(lang)[head].tolist() == [note]
        page = st.write_report(tmp_path / f"{lang}.html", told, lang=lang).read_text(encoding="utf-8")
        assert note in page
        assert other not in page
        book = openpyxl.load_workbook(told.to_excel(tmp_path / f"{lang}.xlsx", lang=lang))
        cells = [cell.value for row in book.worksheets[0].iter_rows() for cell in row]
        assert head in cells
        assert note in cells
        assert other not in cells


def test_a_figure_keeps_its_note(town: Layers, tmp_path: Path) -> None:
    rule = "quzhou.eldercare.certified_caregivers_per_10000.2021"
    one = st.load_standard("quzhou")[rule]
    told = audited(town, rule)
    assert told.figures[["note", "note_en"]].to_numpy().tolist() == [[one.note_zh, one.note]]
    assert one.note_zh in st.write_report(tmp_path / "r.html", told, lang="zh").read_text(encoding="utf-8")


def test_a_note_in_one_language_stands_for_both(town: Layers) -> None:
    for given in ({"note": "甲"}, {"note_zh": "甲"}):
        one = st.Rule(id="r", kind="count_target", service="eldercare", indicator_zh="甲", indicator_en="a",
                      operator=">=", value=1.0, unit="facilities", **given)  # fmt: skip
        table = st.audit(st.Standard("demo", "示范", "Demo", (one,)), town).table
        assert table[["note", "note_en"]].to_numpy().tolist() == [["甲", "甲"]]
