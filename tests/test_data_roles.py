"""Roles are data: the table is sound, and names are understood as its rules say."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pytest

from siting.data import Role, check_layer, list_roles, role
from siting.data.heading_spelling import normalized
from siting.data.roles import coordinate_names
from siting.errors import LayerError, SitingError


@pytest.mark.parametrize("name", list_roles())
def test_every_record_is_whole(name: str) -> None:
    record = role(name)
    assert record.zh
    assert record.en
    assert record.columns[0].name == "id"
    for column in record.columns:
        assert column.zh, column.name
        assert column.meaning_zh, column.name
        assert column.meaning_en, column.name
        assert column.type in ("text", "flag") or column.unit, column.name


@pytest.mark.parametrize("name", list_roles())
def test_no_name_is_understood_as_two_columns(name: str) -> None:
    seen: dict[str, str] = {}
    for column in role(name).columns:
        for alias in column.names:
            assert seen.setdefault(normalized(alias), column.name) == column.name, alias
            assert column.matches(alias), alias


@pytest.mark.parametrize("name", list_roles())
def test_no_column_bears_the_name_of_a_coordinate(name: str) -> None:
    names = {normalized(alias) for column in role(name).columns for alias in column.names}
    for kind in ("lon", "lat", "x", "y", "wkt"):
        assert not names & coordinate_names(kind)


@pytest.mark.parametrize(
    ("name", "source", "column"),
    [
        ("communities", "常住人口（人）", "population"),
        ("communities", " Ｐop ", "population"),
        ("communities", "总 户 数", "households"),
        ("communities", "60岁及以上人口", "elderly"),
        ("communities", "3岁以下", "infants"),
        ("communities", "乡镇/街道", "district"),
        ("communities", "乡镇街道", "district"),
        ("communities", "小区编号", "id"),
        ("communities", "Build_Status", "build_status"),
        ("communities", "是否布点困难（是/否）", "siting_difficult"),
        ("eldercare", "认知障碍床位", "cognitive_beds"),
        ("eldercare", "类型", "facility_type"),
        ("communities", "类型", "kind"),
        ("childcare", "入托儿童", "enrolled"),
        ("childcare", "建筑面积(㎡)", "floor_area"),
        ("candidates", "投资【万元】", "cost"),
        # Not the same people, or another unit: never taken unasked.
        ("communities", "0-3岁", "children_0_3"),
        ("communities", "0—3岁", "children_0_3"),
        ("communities", "70岁以上", None),
        ("communities", "65岁以上", "elderly65"),
        ("communities", "人口（户籍）", None),
        ("communities", "人口（60岁以上）", None),
        ("candidates", "造价（元）", "cost"),
        ("candidates", "造价（美元）", None),
    ],
)
def test_names_are_understood(name: str, source: str, column: str | None) -> None:
    found = [c.name for c in role(name).columns if c.matches(source)]
    assert found == ([] if column is None else [column])


def test_an_unknown_role_is_told_with_the_known_ones() -> None:
    with pytest.raises(SitingError, match='no role "schools"; choose one of "communities"'):
        role("schools")


CULTURE = """
name = "culture"
zh = "文化设施"
en = "Culture"
geometry = ["Point"]
subsets = [["used", "seats"]]
[columns.seats]
type = "count"
unit = "places"
required = true
zh = "座位"
[columns.used]
type = "count"
zh = "在用座位"
[columns.open_share]
type = "share"
zh = "开放比例"
[columns.level]
type = "text"
zh = "等级"
choices = { first = ["一级"], second = ["二级"] }
"""


def test_a_third_service_needs_no_code(tmp_path: Path) -> None:
    file = tmp_path / "culture.toml"
    file.write_text(CULTURE, encoding="utf-8")
    culture = Role.from_toml(file)
    frame = gpd.GeoDataFrame(
        {"编号": ["a"], "座位(个)": ["120"], "开放比例": ["45%"], "等级": ["一级"]},
        geometry=gpd.GeoSeries.from_xy([120.0], [29.0]),
        crs="EPSG:4326",
    )
    out = check_layer(frame, culture)
    assert out.loc["a", ["seats", "open_share", "level"]].tolist() == [120, 0.45, "first"]
    with pytest.raises(LayerError, match="is above 1"):
        check_layer(frame.assign(开放比例="45"), culture)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "culture"', "", "needs name"),
        ('"Point"', '"Dot"', "geometry must list"),
        (
            '[columns.used]\ntype = "count"',
            '[columns.used]\nlike = "eldercare.bed"',
            'like is "eldercare.bed", which is no column',
        ),
        ('type = "count"', 'type = "integer"', "type must be one of"),
        ("required = true", "requird = true", 'unknown keys "requird"'),
        ('en = "Culture"', "en = Culture", "no TOML"),
        ('[["used", "seats"]]', '[["used", "chairs"]]', 'subsets name "chairs"'),
        ('zh = "文化设施"', 'zh = "文化设施"\ncolour = "red"', 'unknown keys "colour"'),
    ],
)
def test_a_role_file_that_is_wrong_says_where(tmp_path: Path, old: str, new: str, message: str) -> None:
    file = tmp_path / "culture.toml"
    assert old in CULTURE
    file.write_text(CULTURE.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SitingError, match=message):
        Role.from_toml(file)


def test_a_missing_role_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SitingError, match=r'none\.toml" cannot be read'):
        Role.from_toml(tmp_path / "none.toml")


def test_a_role_has_no_such_column() -> None:
    with pytest.raises(SitingError, match='has no column "beds"'):
        role("childcare").column("beds")


def test_a_key_without_its_quotation_marks_is_named(tmp_path: Path) -> None:
    file = tmp_path / "culture.toml"
    file.write_text('name = "culture"\n中文 = "文化设施"\n', encoding="utf-8")
    with pytest.raises(SitingError, match=r'no TOML in UTF-8: .*; line 2: 中文 needs quotation marks: "中文" = …'):
        Role.from_toml(file)
    file.write_bytes('name = "文化"'.encode("gb18030"))
    with pytest.raises(SitingError, match=r'"culture\.toml" is no TOML in UTF-8'):
        Role.from_toml(file)
