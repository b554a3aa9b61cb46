"""A first study for a folder of layers, as people have them."""

from __future__ import annotations

import shutil
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

import siting as st
from siting.data import convert_datum
from siting.labels import Language
from siting.study.draft import new_study


def town(folder: Path) -> Path:
    """A folder with layers in several formats, Chinese headings and GCJ-02, from a crop of the sample."""
    sample = st.load_sample()
    streets = sample["streets"].to_crs(4326)
    folder.mkdir()
    streets.rename_axis("编号").reset_index()[["编号", "highway", "geometry"]].to_file(
        folder / "路网.gdb", driver="OpenFileGDB", layer="道路中心线"
    )
    homes = convert_datum(sample["communities"].to_crs(4326), "WGS84", "GCJ-02")
    table = pd.DataFrame(
        {
            "小区编号": homes.index, "小区名称": homes["name"], "常住人口": [f"{n:,}人" for n in homes["population"]],
            "60岁及以上人口": homes["elderly"], "3岁以下婴幼儿": homes["infants"], "物业": "某公司",
            "经度": homes.geometry.x, "纬度": homes.geometry.y,
        }
    )  # fmt: skip
    noted = pd.concat([table, pd.DataFrame({"小区编号": ["注：人口为2025年末数。"]})])
    noted.to_excel(folder / "居住小区.xlsx", index=False)
    care = convert_datum(sample["childcare"].to_crs(4326), "WGS84", "GCJ-02")
    shape = gpd.GeoDataFrame(
        {
            "机构编号": care.index,
            "机构名称": care["name"],
            "托位数": [f"{n}个" for n in care["places"]],
            "建筑面积": "",
        },
        geometry=care.geometry,
        crs=4326,
    ).reset_index(drop=True)
    shape.to_file(folder / "托育机构.shp", encoding="gb18030", driver="ESRI Shapefile", engine="pyogrio")
    (folder / "托育机构.prj").unlink()
    (folder / "说明.csv").write_bytes("事项,内容\n来源,民政局\n".encode("gb18030"))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return town(tmp_path_factory.mktemp("draft") / "某区")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_folder_of_several_formats_becomes_a_study_that_runs(folder: Path, tmp_path: Path, lang: Language) -> None:
    here = shutil.copytree(folder, tmp_path / "某区")
    draft = new_study(here, lang=lang)
    found = draft.layers.set_index("role")
    assert found.loc["communities", "rows"] == 316
    assert found.loc["streets", "layer"] == "道路中心线"
    assert found.loc["", "file"].name == "说明.csv"
    text = draft.path.read_text(encoding="utf-8")
    assert 'communities = { path = "居住小区.xlsx", strip_units = true, datum = "GCJ-02" }' in text
    keys = 'strip_units = true, crs = "EPSG:4490", datum = "GCJ-02"'
    assert f'childcare = {{ path = "托育机构.shp", {keys} }}' in text
    assert "population ← 常住人口" in text
    assert "物业" in text
    study = st.Study.from_toml(draft.path)
    assert study.lang == lang
    assert set(study.layers) == {"communities", "streets", "childcare"}
    for role, amount in (("communities", "population"), ("childcare", "places")):
        assert "floor_area" not in study.layers[role].read(role, strict=False)
        read = study.layers[role].read(role, strict=False).to_crs(32651)
        there = st.load_sample()[role].to_crs(32651)
        assert read[amount].tolist() == there[amount].tolist()
        assert read.geometry.distance(there.geometry, align=False).max() < 1  # where they were before the datum


def test_the_study_of_the_sample_runs_and_asks_what_it_says(tmp_path: Path) -> None:
    shutil.copy(st.data.sample_path(), tmp_path)
    draft = new_study(tmp_path, lang="en", name="first.toml")
    assert '# standard = "beihai"' in draft.path.read_text(encoding="utf-8")
    study = st.Study.from_toml(draft.path)
    assert [goal.name for goal in study.goals] == ["childcare-5", "eldercare-5"]
    outcome = st.run(study)
    assert [len(each.plan.sites) for each in outcome.proposals.values()] == [5, 5]
    assert draft.explain().count("\n") == 5
    with pytest.raises(st.SitingError, match=r"first.toml is there already"):
        new_study(tmp_path, name="first.toml")


def test_ids_of_candidates_that_facilities_have_are_set_apart(tmp_path: Path) -> None:
    for role, frame in st.load_sample().items():
        if role == "candidates":
            frame = frame.set_axis([f"S{k}" for k in range(len(frame))], axis="index").rename_axis("id")
        if role == "childcare":
            frame = frame.set_axis([f"S{k}" for k in range(len(frame))], axis="index").rename_axis("id")
        if role in ("communities", "streets", "childcare", "candidates"):
            st.write_layer(frame, tmp_path / f"{role}.gpkg")
    (here := tmp_path / "金华市某区").mkdir()
    for file in tmp_path.glob("*.gpkg"):
        file.rename(here / file.name)
    draft = new_study(here)
    assert st.Study.from_toml(draft.path).standard == "金华"  # by the name of the folder
    assert 'id_prefix = "C-"' in draft.path.read_text(encoding="utf-8")
    assert st.Study.from_toml(draft.path).layers["candidates"].read("candidates", strict=False).index[0] == "C-S0"


def test_what_is_lacking_is_said_with_all_that_was_found(tmp_path: Path) -> None:
    with pytest.raises(st.SitingError, match="holds no layer"):
        new_study(tmp_path)
    sample = st.load_sample()
    st.write_layer(sample["streets"], tmp_path / "roads.gpkg")
    (tmp_path / "小区.csv").write_text("编号,常住人口,经度,纬度\na,,120,29\n", encoding="utf-8")
    (tmp_path / "broken.geojson").write_text("{", encoding="utf-8")
    with pytest.raises(st.SitingError) as caught:
        new_study(tmp_path)
    zh, en = caught.value.text("zh"), caught.value.text("en")
    assert "小区.csv：1 行，未使用；像是 communities 图层，但有错误" in zh
    assert "roads.gpkg:roads: 7,198 rows, streets\n" in en + "\n"
    assert "broken.geojson" in en
    assert not (tmp_path / "study.toml").exists()
    with pytest.raises(st.SitingError, match="there is no such folder"):
        new_study(tmp_path / "absent")


def test_what_is_passed_over_is_said_once(folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    new_study(shutil.copytree(folder, tmp_path / "某区"))
    assert "communities (居住小区.xlsx): row" in caplog.text
    assert "居住小区.xlsx: row" not in caplog.text.replace("communities (居住小区.xlsx): row", "")
