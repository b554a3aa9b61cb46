"""Code pages: what a file says, what its bytes are, and text stored after it was read in the wrong one."""

from __future__ import annotations

import logging
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siting.data import check_layer, load_sample, read_layer
from siting.data.code_pages import page_called, ranked_pages
from siting.data.mojibake import mend_mojibake, mended_text
from siting.data.types_of_facilities import facility_types
from siting.errors import LayerError

SIMPLIFIED = ["星光社区", "镇海区招宝山街道", "白垟村", "杭州市上城区", "关注数字化", "常住人口（人）", "幼儿园"]
TRADITIONAL = ["臺北市大安區", "中正里", "萬華區", "國民小學"]
# Names as they are: accents, other scripts, rare characters.
GENUINE = [
    "Müller", "créée", "äöüß", "Øresund", "Çiğdem", "ações", "Łódź", "naïve “café” — 12 €", "Đường Nguyễn Huệ", "Å",
    "東京都渋谷区", "これはテストです", "サービス", "서울특별시 강남구", "Москва", "Αθήνα", "臺北市大安區", "垟",
    "㙟下村", "瑠璃廠", "犇鑫鱻", "淼淼养老院", "饕餮", "龘", "鳜鱼湖", "瓯海", "ⅣⅤ", "½ ¾", "25 °C ± 1", "§§ 1–3",
    "鏉", "鐧", "（一）", "１２３", "?",
]  # fmt: skip


def names() -> list[str]:
    """Genuine Chinese names: of the sample district, of types of facilities, and of the roles."""
    sample = load_sample()
    found = [str(cell) for frame in sample.values() for name in frame for cell in frame[name] if name != "geometry"]
    return sorted({*found, *SIMPLIFIED, *TRADITIONAL, *map(str, facility_types().to_numpy(dtype=object).ravel())})


def frame(**columns: list[str]) -> gpd.GeoDataFrame:
    n = len(next(iter(columns.values())))
    points = gpd.GeoSeries.from_xy([120.0 + i / 1000 for i in range(n)], [29.0] * n, crs=4326)
    return gpd.GeoDataFrame({**columns, "人口": [10] * n}, geometry=points)


# --- what a file says, and what it is


@pytest.mark.parametrize(
    ("word", "page"),
    [
        ("ANSI 936", "gb18030"), ("CP936", "gb18030"), ("GBK", "gb18030"), ("gb2312", "gb18030"), ("65001", "utf-8"),
        ("UTF-8", "utf-8"), ("utf8", "utf-8"), ("BIG5", "big5"), ("CP950", "big5"), ("OEM 936", "gb18030"),
        ("ISO-8859-1", "iso8859-1"), ("LATIN1", "iso8859-1"), ("ANSI 1252", "cp1252"), ("88591", "iso8859-1"),
        ("OEM", None), ("ANSI", None), ("system", None), ("", None), ("  ", None), ("中文", None), ("hex", None),
        ("base64", None), ("rot13", None), ("undefined", None), ("LDID/77", None), ("mbcs", None),
    ],
)  # fmt: skip
def test_words_for_code_pages(word: str, page: str | None) -> None:
    assert page_called(word) == page


@pytest.mark.parametrize(
    "said", ["UTF-8", "GBK", "ISO-8859-1", "LATIN1", "ANSI 1252", "BIG5", "OEM", "system", "", "x"]
)
@pytest.mark.parametrize(("texts", "page"), [(SIMPLIFIED, "GB18030"), (SIMPLIFIED, "UTF-8"), (TRADITIONAL, "BIG5")])
def test_the_content_decides_whatever_the_cpg_says(
    tmp_path: Path, said: str, texts: list[str], page: str, caplog: pytest.LogCaptureFixture
) -> None:
    file, head = tmp_path / "a.shp", "名稱" if page == "BIG5" else "名称"
    pyogrio.write_dataframe(frame(**{head: texts}).rename(columns={"人口": "POP"}), file, encoding=page)
    (tmp_path / "a.cpg").write_text(said, encoding="ascii")
    out = read_layer(file, "communities", columns={"population": "POP", "name": head})
    assert out["name"].tolist() == texts
    right = page_called(said) == page_called(page)
    said_so = f'its .cpg says "{said}"' in caplog.text and f"its text was read as {page}" in caplog.text
    assert said_so != right
    if page_called(said) and not right:
        assert f'says "{said}", but its content is not; its text was read as {page}, such as "{head}"' in caplog.text


def test_latin_text_stays_in_the_code_page_that_is_said(tmp_path: Path) -> None:
    file, texts = tmp_path / "a.shp", ["Müller", "Straße", "café"]
    pyogrio.write_dataframe(frame(name=texts).rename(columns={"人口": "POP"}), file, encoding="ISO-8859-1")
    (tmp_path / "a.cpg").write_text("ISO-8859-1", encoding="ascii")
    assert read_layer(file, "communities", columns={"population": "POP"})["name"].tolist() == texts


@given(
    texts=st.lists(st.sampled_from(names()), min_size=3, max_size=8), said=st.sampled_from([None, "utf-8", "gb18030"])
)
def test_pages_of_genuine_names(texts: list[str], said: str | None) -> None:
    text = "\n".join([*texts, "社区居委会"])
    assert ranked_pages([text.encode("utf-8").decode], said)[0] == "utf-8"
    if all(each.encode("gb2312", "ignore").decode("gb2312") == each for each in texts):
        assert ranked_pages([text.encode("gb18030").decode], said)[0] == "gb18030"


@pytest.mark.parametrize(("text", "page"), [("女", "gb18030"), ("café", "utf-8"), ("女", "utf-8"), ("Zoë", "utf-8")])
def test_one_pair_of_bytes(text: str, page: str) -> None:
    """女 in GB18030 is also "Ů" in UTF-8, which stands in no word."""
    assert ranked_pages([f"id,sex\n1,{text}\n".encode(page).decode], None)[0] == page


def test_names_cut_before_a_number(tmp_path: Path) -> None:
    """Ten bytes of UTF-8 hold three characters and a third; programs then put a number behind."""
    file = tmp_path / "a.shp"
    pyogrio.write_dataframe(frame(name=["甲"], abcdefghi1=["x"], abcdefghi2=["y"]).drop(columns="人口"), file)
    table = (tmp_path / "a.dbf").read_bytes()
    cut = "养老院".encode()[:8] + b"_1"
    (tmp_path / "a.dbf").write_bytes(table.replace(b"abcdefghi1", cut).replace(b"abcdefghi2", "养老院机".encode()[:10]))
    (tmp_path / "a.cpg").write_text("UTF-8", encoding="ascii")
    out = read_layer(file, "candidates")
    assert {"养老_1", "养老院"} <= set(out.columns)


# --- CSV


def table(texts: list[str]) -> str:
    rows = [f"{i},{text},10,{120 + i / 1000},29\n" for i, text in enumerate(texts)]
    return "id,name,population,lon,lat\n" + "".join(rows)


@pytest.mark.parametrize(("texts", "page"), [(SIMPLIFIED, "gb18030"), (SIMPLIFIED, "utf-8"), (TRADITIONAL, "big5")])
def test_the_content_of_a_csv_decides(
    tmp_path: Path, texts: list[str], page: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "a.csv"
    file.write_text(table(texts), encoding=page)
    with caplog.at_level(logging.INFO, "siting"):
        assert read_layer(file, "communities")["name"].tolist() == texts
    assert f"read as {page}" in caplog.text


def test_cells_of_a_csv_cut_inside_a_character(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "a.csv"
    raw = table(["镇海区招宝山街道", "江北区甬江街道"]).encode().replace("道,".encode(), "道".encode()[:2] + b",", 1)
    file.write_bytes(raw)
    assert read_layer(file, "communities")["name"].tolist() == ["镇海区招宝山街", "江北区甬江街道"]
    assert '1 cell was cut inside a character, which is left out: lines "2"' in caplog.text
    file.write_bytes(raw.replace("甬".encode(), "甬".encode()[1:]))  # damaged inside a cell
    with pytest.raises(LayerError, match="is not text in UTF-8, GB18030 or Big5"):
        read_layer(file, "communities")


# --- text stored in the wrong code page


@given(st.sampled_from([*GENUINE, *names()]))
def test_genuine_text_is_never_mended(text: str) -> None:
    assert mended_text(text) is None


@given(st.text(st.characters(codec="gb2312", categories=["L", "N", "P"]), max_size=12))
def test_text_of_any_characters_of_gb2312_is_never_mended(text: str) -> None:
    assert mended_text(text) is None


@given(st.text(st.characters(max_codepoint=0x17F, categories=["Ll", "Lu", "Zs", "Pd"]), max_size=12))
def test_western_words_are_never_mended(text: str) -> None:
    words = "".join(sign if i % 3 else "a" for i, sign in enumerate(text))  # at most two accents in a row
    assert mended_text(words) is None


@pytest.mark.parametrize("text", SIMPLIFIED)
@pytest.mark.parametrize(("written", "read"), [("gbk", "latin-1"), ("utf-8", "latin-1"), ("utf-8", "gb18030")])
def test_text_read_in_the_wrong_code_page_is_mended(text: str, written: str, read: str) -> None:
    try:
        garbled = text.encode(written).decode(read)
    except UnicodeDecodeError:  # of an odd number of bytes: the last character is lost
        garbled, text = text.encode(written).decode(read, "replace").rstrip("\ufffd?") + "?", text[:-1]
    assert mended_text(garbled) == (None if text == "白垟" else text)  # one common character is no proof


def test_mended_texts_are_logged_with_before_and_after(caplog: pytest.LogCaptureFixture) -> None:
    given_ = frame(name=["ÐÇ¹â", "镇海", "鏄熷厜绀惧尯"]).rename(columns={"人口": "ÈË¿Ú"})
    out = check_layer(given_, "communities")
    assert out["name"].tolist() == ["星光", "镇海", "星光社区"]
    assert out["population"].tolist() == [10, 10, 10]
    assert '"ÈË¿Ú -> 人口", "ÐÇ¹â -> 星光", "鏄熷厜绀惧尯 -> 星光社区"' in caplog.text
    assert given_["name"].tolist()[0] == "ÐÇ¹â"
    # A heading may be chosen as the file has it.
    assert check_layer(given_, "communities", columns={"population": "ÈË¿Ú"})["population"].sum() == 30


def test_other_cells_and_ids_are_kept(caplog: pytest.LogCaptureFixture) -> None:
    mixed = pd.DataFrame({"a": ["ÐÇ¹â", 1, None, "b"]}, index=pd.Index(["ÈË¿Ú", "x", "y", "z"], name="id"))
    out = mend_mojibake(mixed, "layer")
    assert out["a"].tolist() == ["星光", 1, None, "b"]
    assert list(out.index) == ["人口", "x", "y", "z"]
    assert out.index.name == "id"
    clean = pd.DataFrame({"a": ["星光", "Müller"]})
    assert mend_mojibake(clean, "layer").equals(clean)
