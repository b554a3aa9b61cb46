"""The datum of layers in a study and in the shell: read, converted, named, and warned of where it is wrong."""

from __future__ import annotations

import logging
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import siting as st
from siting.data import convert_datum, write_layer
from siting.errors import SitingError
from siting.study.outputs import write_outputs
from siting.terminal_layer import compare_with_streets, read_and_report


@pytest.fixture
def folder(tmp_path: Path, sample: dict[str, Any]) -> Path:
    """A study of streets, communities and childcare, whose nurseries are in GCJ-02, labelled WGS 84."""
    shutil.copy(st.data.sample_path(), tmp_path / "sample.gpkg")
    nurseries = convert_datum(sample["childcare"].to_crs(4326), "WGS84", "GCJ-02")
    nurseries.attrs = {}
    write_layer(nurseries, tmp_path / "nurseries.gpkg", layer="childcare")
    return tmp_path


def recipe(folder: Path, *, study: str = "", childcare: str = "", others: str = "") -> Path:
    text = f"""
    [study]
    lang = "en"
    {study}
    [layers.streets]
    path = "sample.gpkg"
    {others}
    [layers.communities]
    path = "sample.gpkg"
    {others}
    [layers.childcare]
    path = "nurseries.gpkg"
    {childcare}
    [[circle]]
    service = "childcare"
    metres = [300]
    """
    file = folder / "study.toml"
    file.write_text(text, encoding="utf-8")
    return file


def covered(outcome: Any) -> float:
    return float(outcome.coverage["share"]["childcare", 300.0, "m", "streets", "all", "infants"])


def test_a_study_converts_the_layer_that_names_its_datum(
    folder: Path, sample: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    outcome = st.run(st.Study.from_toml(recipe(folder, childcare='datum = "高德"')))
    assert "off the streets" not in caplog.text
    assert "from where it fits" not in caplog.text
    assert outcome.layers["childcare"].attrs["datum"]["from"] == "GCJ-02"
    assert covered(outcome) == pytest.approx(covered(st.run(st.Study.from_toml(st.data.sample_path("study.toml")))))
    files = write_outputs(outcome, folder / "out")
    page = files["report"].read_text(encoding="utf-8")
    assert re.search(r"Converted coordinates: [^.<]* from GCJ-02 to WGS84\.", page)


def test_a_study_warns_of_nurseries_in_another_datum(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    outcome = st.run(st.Study.from_toml(recipe(folder)))
    (message,) = {record.getMessage() for record in caplog.records if "from where it fits" in record.getMessage()}
    assert message.startswith("childcare: lies 589 m from where it fits the streets, as GCJ-02 beside WGS84")
    assert message.endswith('read it with datum="GCJ-02"')
    assert covered(outcome) != pytest.approx(0.271, abs=0.005)  # plausible, and wrong


def test_a_datum_for_all_layers_of_a_study(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = recipe(folder, study='datum = "gcj02"', others='datum = "CGCS2000"')
    outcome = st.run(st.Study.from_toml(file))
    assert [name for name, frame in outcome.layers.items() if "datum" in frame.attrs] == ["childcare"]
    assert "from where it fits" not in caplog.text


def test_a_datum_of_a_study_does_not_fit_a_survey(folder: Path) -> None:
    with pytest.raises(
        SitingError, match=r'streets .*but datum says GCJ-02, .*leave datum out \(datum = "WGS84" in a study\)'
    ):
        st.run(st.Study.from_toml(recipe(folder, study='datum = "gcj02"')))


@pytest.mark.parametrize(
    ("where", "named"), [("study", r"\[study\] datum"), ("childcare", r"\[layers.childcare\] datum")]
)
def test_an_unknown_datum_of_a_study_is_refused_before_a_layer_is_read(folder: Path, where: str, named: str) -> None:
    with pytest.raises(SitingError, match=f"study.toml, line .*{named}: .*GJC02.*is not known .did you mean GCJ-02"):
        st.Study.from_toml(recipe(folder, **{where: 'datum = "GJC02"'}))


class Printed:
    """A console that keeps what is printed."""

    width = 80

    def __init__(self) -> None:
        self.text = ""

    def print(self, *parts: Any, **_options: Any) -> None:
        self.text += "".join(map(str, parts)) + "\n"


def checked(folder: Path, lang: Any, **options: Any) -> str:
    out: Any = Printed()
    frame = read_and_report(out, folder / "nurseries.gpkg", "childcare", lang, **options)
    compare_with_streets(out, frame, folder / "sample.gpkg", "childcare", lang)
    return str(out.text)


def test_the_shell_finds_the_datum_and_says_what_was_converted(folder: Path) -> None:
    assert "偏离道路约 589 米，与图层为 GCJ-02、道路为 WGS84 时的偏移一致：请按 GCJ-02读取 nurseries.gpkg" in checked(
        folder, "zh"
    ).replace("\n", "")
    text = " ".join(checked(folder, "en").split())
    assert "lies 589 m off the streets, as GCJ-02 beside streets in WGS84 does" in text
    assert "read nurseries.gpkg:childcare as GCJ-02 (--datum GCJ-02)" in text
    text = " ".join(checked(folder, "en", datum="GCJ-02").split())
    assert "converted from GCJ-02 to WGS84 (35 rows)" in text
    assert "no offset of a datum beside the streets (35 places compared)" in text
    assert "坐标已由 GCJ-02 转换为 WGS84（35 行）" in checked(folder, "zh", datum="高德")
    assert "lies 1,0" not in text


def test_an_audit_warns_too(folder: Path, sample: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    network = st.Network.from_streets(sample["streets"])
    layers = {
        **sample,
        "childcare": st.read_layer(folder / "nurseries.gpkg", "childcare").to_crs(sample["streets"].crs),
    }
    caplog.set_level(logging.WARNING)
    st.audit(st.load_standard("jinhua").select(service="childcare", year=2025), layers, network=network, year=2025)
    assert 'read it with datum="GCJ-02"' in caplog.text
