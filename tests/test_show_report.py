"""The report: its numbers as they are read, its text as text, and a page that asks for nothing."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from shapely import Point

from siting.errors import SitingError
from siting.show import cells, fonts
from siting.show.chart import draw_chart
from siting.show.report import Section, write_report
from siting.show.verdict_tables import gap_words, value_words

NAN = float("nan")
HOSTILE = "<script>window.ran = 1</script><img src=x onerror='window.ran=1'> {{ 7*7 }} {% raw %} `tick` ${1+1} </table>"


@dataclass(frozen=True)
class Verdict:
    """As `siting.Audit`, with numbers that a reader can check."""

    table: pd.DataFrame
    standard: str = "jinhua"
    year: int | None = 2025
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"beside": 300.0, "shares": {}})
    figures: pd.DataFrame | None = None

    @property
    def failing(self) -> pd.DataFrame:
        return self.table[self.table["status"] == "short"]


@dataclass(frozen=True)
class Proposal:
    """As `siting.Plan`."""

    sites: tuple[str, ...] = ("n2", "n1")
    share: float = 0.9123
    objective: float = 1234.0
    bound: float = 1300.0
    gap: float = 0.0535
    status: str = "time_limit"
    seconds: float = 2.5
    rules: tuple[str, ...] = ("AtMost(2)",)
    unreachable: tuple[str, ...] = ("c7", "c9")

    @property
    def table(self) -> pd.DataFrame:
        return pd.DataFrame(
            {"order": [2, 1], "adds": [500, 1200.0], "share_after": [0.9123, 0.8]},
            index=pd.Index(["n1", "n2"], name="site"),
        )

    def rules_in_words(self, lang: str = "zh") -> tuple[str, ...]:
        return ("新增不超过 2 处",) if lang == "zh" else ("at most 2 new sites",)

    def summary(self, lang: str = "zh") -> str:
        return "选出 2 个点位。\n已证明最优。" if lang == "zh" else "Two sites are chosen.\nNothing is better."


def rule(**changes: Any) -> dict[str, Any]:
    row = {
        "rule": "r1", "service": "childcare", "indicator": "千人托位数", "indicator_en": "places per 1,000",
        "unit": "places_per_1000_residents", "area": "all", "metric": "", "value": 3.3, "operator": ">=", "target": 4.5,
        "year": 2025, "gap": 1.2, "needed": 1200.0, "status": "short", "reason": "", "reason_en": "",
        "basis": "托位 3,300", "basis_en": "3,300 places", "clause": "二、发展目标", "document": "金华市方案",
    }  # fmt: skip
    return row | changes


@pytest.fixture
def verdict() -> Verdict:
    return Verdict(
        pd.DataFrame(
            [
                rule(),
                rule(rule="r2", indicator="服务半径", indicator_en="radius", unit="percent", metric="streets",
                     value=61.2345, target=100.0, gap=38.7655, needed=4321.0),
                rule(rule="r3", service="eldercare", indicator="护理型床位占比", indicator_en="nursing beds",
                     unit="percent", value=58.0, target=58.0, gap=0.0, needed=0.0, status="met"),
                rule(rule="r4", service="eldercare", indicator="覆盖率", indicator_en="coverage", unit="percent",
                     value=NAN, target=NAN, gap=NAN, needed=NAN, status="no_number", reason="文件未给出数值",
                     reason_en="the document prints no number"),
            ]
        )
    )  # fmt: skip


class Reader(HTMLParser):
    """The page as a reader has it: cells of each table, the text, the tags and their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag if tag in ("style", "script") else self.inside
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self.inside = "cell"
        elif tag == "small" and self.inside == "cell":
            self.tables[-1][-1][-1] += " | "

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "style", "script"):
            self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside in ("style", "script"):
            return
        self.text += data
        if self.inside == "cell":
            self.tables[-1][-1][-1] += data


def read(path: Path) -> Reader:
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader


# --- numbers


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        (0.372, "share", "37.2 %"),
        (1, "share", "100.0 %"),
        (0.00049, "gap", "0.05 %"),
        (1234567.0, "count", "1,234,567"),
        (411.6, "metres", "412"),
        (14.96, "minutes", "15.0"),
        (300.0, "limit", "300"),
        (2025.0, "year", "2025"),
        (0.1 + 0.2, "", "0.3"),
        (NAN, "share", "—"),
        (float("inf"), "count", "—"),
        (None, "", "—"),
        (pd.NA, "count", "—"),
        (pd.NaT, "", "—"),
        (np.int64(1200), "count", "1,200"),
        (np.True_, "", "yes"),
        (("n1", "n2"), "", "n1, n2"),
        ("007", "id", "007"),
    ],
)
def test_values_are_written_by_their_kind(value: object, kind: str, words: str) -> None:
    assert cells.show(value, kind, "en") == words


def test_a_table_has_headings_and_numbers_in_the_readers_language(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"total": [12345.0, 0.0], "share": [0.372, NAN], "my_column": ["x", "y"]},
        index=pd.MultiIndex.from_tuples([("all", "infants"), ("007", "elderly")], names=["group", "weight"]),
    )
    before = frame.copy(deep=True)
    chinese = read(write_report(tmp_path / "zh.html", frame)).tables[0]
    english = read(write_report(tmp_path / "en.html", frame, lang="en")).tables[0]
    assert chinese[0] == ["分组", "人群", "总人数", "覆盖率", "my_column"]
    assert chinese[1] == ["全部", "3岁以下婴幼儿", "12,345", "37.2 %", "x"]
    assert english[0] == ["group", "people", "total", "share covered", "my_column"]
    assert english[2] == ["007", "aged 60+", "0", "—", "y"]
    pd.testing.assert_frame_equal(frame, before)


def test_costs_are_written_in_their_unit() -> None:
    frame = pd.DataFrame({"cost": [411.62], "unit": ["m"]})
    assert [cell.text for cell in cells.table_of(frame, "en").rows[0]] == ["412", "m"]
    assert cells.table_of(frame.assign(unit="min"), "en").rows[0][0].text == "411.6"
    assert cells.table_of(frame.drop(columns="unit"), "en").rows[0][0].text == "411.62"


def test_numbers_stand_right_and_ids_left() -> None:
    frame = pd.DataFrame({"share": [0.5]}, index=pd.Index(["007"], name="id"))
    table = cells.table_of(frame, "en")
    assert [cell.number for cell in table.rows[0]] == [False, True]
    assert [cell.number for cell in table.head] == [False, True]


def test_categories_are_shown_as_text() -> None:
    table = cells.table_of(
        pd.DataFrame({"note": pd.Categorical(["a", "b"]), "gap": pd.Categorical(["1 %", "2 %"])}), "en"
    )
    assert [cell.text for row in table.rows for cell in row] == ["a", "1 %", "b", "2 %"]


def test_long_tables_say_what_they_leave_out() -> None:
    table = cells.table_of(pd.DataFrame({"share": np.zeros(2500)}), "en")
    assert len(table.rows) == 500
    assert table.note == "2,000 more rows are not shown."


def test_series_and_geometry(tmp_path: Path) -> None:
    places = gpd.GeoDataFrame({"beds": [20]}, geometry=[Point(0, 0)], index=pd.Index(["a"], name="id"), crs=4326)
    people = pd.Series({"east": 1200}, name="population")
    first, second = read(write_report(tmp_path / "r.html", places, people, lang="en")).tables
    assert first == [["id", "beds"], ["a", "20"]]
    assert second == [["", "residents"], ["east", "1,200"]]


# --- verdicts and plans


def test_verdict_in_chinese(tmp_path: Path, verdict: Verdict) -> None:
    page = read(write_report(tmp_path / "r.html", verdict))
    childcare, eldercare = page.tables
    assert childcare[0] == ["指标", "现状", "要求", "差距", "尚需", "结论"]
    assert childcare[1] == [
        "千人托位数 | 托位 3,300 | 金华市方案 · 二、发展目标 | r1", "3.3", "≥ 4.5 | 个/千人", "1.2", "1,200", "未达标",
    ]  # fmt: skip
    assert childcare[2][1:] == ["61.2 %", "≥ 100 %", "38.8 个百分点", "4,321", "未达标"]
    assert "沿路网距离；托位 3,300" in childcare[2][0]
    assert eldercare[1][1:] == ["58.0 %", "≥ 58 %", "0.0 个百分点", "0", "达标"]
    assert len(eldercare) == 2  # what is not judged is folded below
    assert "养老：未能判定的 1 项" in page.text
    assert "覆盖率 — 文件未定数值" in page.text


def test_what_is_not_judged_is_folded_below_once_with_its_reason(tmp_path: Path) -> None:
    lacking = {
        "value": NAN,
        "target": NAN,
        "gap": NAN,
        "needed": NAN,
        "status": "no_data",
        "reason": "缺少图层：卫生服务机构",
    }
    rows = [
        rule(rule="a", indicator="甲", status="met"),
        rule(rule="b", indicator="乙", note="只计机构。", **lacking),
        rule(rule="b", indicator="乙", note="只计机构。", **lacking),
        rule(rule="c", indicator="丙", status="ahead"),
        rule(rule="d", indicator="丁", status="short"),
        rule(rule="d", indicator="丁", status="met"),
    ]
    path = write_report(tmp_path / "r.html", Verdict(pd.DataFrame(rows)))
    table = read(path).tables[0]
    assert [(row[0].split(" | ")[0], row[-1]) for row in table[1:]] == [
        ("丁", "未达标"), ("丁", "达标"), ("甲", "达标"), ("丙", "未到期"),
    ]  # fmt: skip
    folded = re.findall(r"<li>(.*?)</li>", path.read_text(encoding="utf-8").split("<details>")[1])
    reason = "<b>乙</b> — 缺数据：缺少图层：卫生服务机构"
    small = "<small>金华市方案 · 二、发展目标</small><small>说明：只计机构。</small>"
    assert folded == [f'{reason}{small}<small class="code">b</small>']


def test_verdict_in_english_with_its_counts(tmp_path: Path, verdict: Verdict) -> None:
    path = write_report(tmp_path / "r.html", verdict, lang="en")
    page = read(path)
    assert page.tables[0][2][0].startswith("radius | along the streets; 3,300 places")
    assert "coverage — no number printed: the document prints no number" in page.text
    tiles = re.findall(r'<div class="(\w+)"><b>(\d+)</b><span>([^<]+)', path.read_text(encoding="utf-8"))
    assert tiles == [("met", "1", "met"), ("short", "2", "short"), ("na", "1", "n/a")]
    assert "2025" in page.text


def test_shares_that_were_set_are_read_in_percent(tmp_path: Path) -> None:
    set_ = Verdict(pd.DataFrame([rule()]), parameters={"shares": {"demo.circle": 0.9}, "scope": 0.25, "beside": 300.0})
    text = read(write_report(tmp_path / "r.html", set_)).text
    assert "demo.circle：90 %" in text
    assert "25 %" in text


def test_areas_are_shown_when_there_are_several(tmp_path: Path) -> None:
    both = Verdict(pd.DataFrame([rule(area="东街道"), rule(area="西街道")]))
    table = read(write_report(tmp_path / "r.html", both)).tables[0]
    assert [row[1] for row in table] == ["范围", "东街道", "西街道"]


def test_districts_have_a_table_of_their_own(tmp_path: Path) -> None:
    rows = [
        rule(area="all"),
        rule(area="D1", area_name="东街道"),
        rule(rule="r2", area="D1", area_name="东街道", status="met"),
    ]
    tables = read(write_report(tmp_path / "r.html", Verdict(pd.DataFrame(rows)))).tables
    assert len(tables[0]) == 2  # the head, and the rule for the whole
    assert tables[1] == [["范围", "达标", "未达标", "未达标指标"], ["东街道", "1", "1", "千人托位数"]]


def test_figures_of_the_document_stand_beside_those_of_the_layers(tmp_path: Path) -> None:
    printed = rule(
        value=2.75, printed=2.68, printed_max=math.nan, difference=0.07, operator="=", reason="", reason_en=""
    )
    unit = {"printed_unit": "places_per_1000_residents", "year": 2021}
    missing = rule(value=math.nan, printed=23.15, printed_max=math.nan, difference=math.nan, operator="~",
                   printed_unit="percent", year=2021, reason="缺少字段", reason_en="column missing")  # fmt: skip
    figures = pd.DataFrame([{**printed, **unit}, missing])
    verdict = Verdict(pd.DataFrame([rule()]), figures=figures)
    table = read(write_report(tmp_path / "r.html", verdict)).tables[1]
    assert table[0] == ["指标", "年份", "文件数值", "图层计算值", "相差"]
    assert table[1][1:] == ["2021", "2.68 | 个/千人", "2.75 | 个/千人", "0.07"]
    assert table[2][1:] == ["2021", "≈ 23.15 %", "— | 缺少字段", "—"]


def test_figures_that_cannot_be_compared_are_no_pair(tmp_path: Path) -> None:
    """2,693 m on average stand beside no number; 16.02 % stand beside as many digits, apart by points."""
    unlike = rule(value=2693.0, unit="m", printed=3.0, printed_max=math.nan, difference=math.nan, operator="=",
                  printed_unit="levels", year=2025, reason="", reason_en="")  # fmt: skip
    alike = rule(value=16.0151, unit="percent", printed=16.02, printed_max=math.nan, difference=-0.0049, operator="=",
                 printed_unit="percent", year=2025, reason="", reason_en="")  # fmt: skip
    families = rule(value=NAN, printed=0.3333, printed_max=math.nan, difference=NAN, operator="=", reason="", year=2022,
                    printed_unit="share_of_families", reason_en="")  # fmt: skip
    verdict = Verdict(pd.DataFrame([rule()]), figures=pd.DataFrame([unlike, alike, families]))
    table = read(write_report(tmp_path / "r.html", verdict)).tables[1]
    assert table[3][2].startswith("33.33 % | ")
    assert "文件所载：3 级" in table[1][0]
    assert table[1][1:] == ["2025", "", "2,693 米", ""]
    assert table[2][1:] == ["2025", "16.02 %", "16.015 %", "-0.005 个百分点"]


def test_plan(tmp_path: Path) -> None:
    page = read(write_report(tmp_path / "r.html", Proposal(), lang="en"))
    assert page.tables[0] == [
        ["no.", "site", "people added", "share after"],
        ["1", "n2", "1,200", "80.0 %"],
        ["2", "n1", "500", "91.2 %"],
    ]
    for words in (
        "time limit, not proven optimal",
        "91.2 %",
        "1,234",
        "1,300",
        "5.35 %",
        "at most 2 new sites",
    ):
        assert words in page.text
    assert "2.50" not in page.text  # seconds, which differ from run to run
    assert "Two sites are chosen." in page.text
    assert "Communities that no candidate can reach (2): c7, c9" in " ".join(page.text.split())


def test_a_plan_tells_its_proof_and_what_changes(tmp_path: Path) -> None:
    changes = pd.DataFrame(
        {"change": ["closes"], "service": ["childcare"], "year": [2030], "cost": [-60.0], "places": [math.nan]},
        index=pd.Index(["k1"], name="site"),
    )
    told = {**vars(Proposal()), "table": Proposal().table, "summary": lambda _: ""}
    told |= {"changes": changes, "unit": "m", "engine": "covering"}
    for by, bound, words in (
        ("multipliers", 1300.0, "the multipliers of the certificate add up to the bound"),
        ("solver", 1350.0, "the bound rests on the solver covering; the certificate alone proves 1,350"),
        ("solver", math.nan, "the bound rests on the solver covering; no certificate proves it without"),
    ):
        plan = SimpleNamespace(**told, certificate=SimpleNamespace(by=by, bound=bound))
        page = read(write_report(tmp_path / "r.html", plan, lang="en"))
        assert words in page.text
    assert page.tables[1] == [
        ["site", "change", "service", "in", "cost", "places"],
        ["k1", "closes", "childcare", "2030", "-60", "—"],
    ]


def test_columns_of_a_plan_have_headings(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "year": [2030],
            "option": ["n1-60"],
            "people": [120.0],
            "mean": [211.7],
            "farthest": [480.2],
            "places": [60.0],
        },
        index=pd.Index(["n1"], name="site"),
    )
    plan = SimpleNamespace(**vars(Proposal()), table=table, unit="m", summary=lambda _: "")
    head, row = read(write_report(tmp_path / "r.html", plan, lang="en")).tables[0]
    assert head == [
        "site", "opens in", "option", "people it serves", "mean distance (m)", "largest distance (m)", "places",
    ]  # fmt: skip
    assert row == ["n1", "2030", "n1-60", "120", "212", "480", "60"]


def test_whom_no_candidate_reaches_is_said_once(tmp_path: Path) -> None:
    page = read(write_report(tmp_path / "r.html", Proposal(unreachable=("c99",)), lang="en"))
    assert page.text.count("c99") == 1


# --- the page


def test_sections_headings_and_contents(tmp_path: Path, verdict: Verdict) -> None:
    path = write_report(
        tmp_path / "r.html",
        Section("甲", "文字", Section("乙", verdict), {"丙": "说明", "图": draw_chart(one_step())}),
        Proposal(),
        title="报告",
    )
    text = path.read_text(encoding="utf-8")
    assert re.findall(r'<h(\d) id="([^"]+)">([^<]+)', text) == [
        ("2", "s-1", "甲"), ("3", "s-1-1", "乙"), ("3", "s-1-2-1", "丙"), ("2", "s-2", "选址方案"),
    ]  # fmt: skip
    links = [attrs["href"] for tag, attrs in read(path).tags if tag == "a"]
    assert links == ["#s-1", "#s-1-1", "#s-1-2-1", "#s-2"]
    assert "<figcaption>图</figcaption>" in text
    assert "<title>报告</title>" in text
    assert '<html lang="zh-CN">' in text


def one_step() -> pd.DataFrame:
    return pd.DataFrame({"sites": [0, 1], "share": [0.5, 0.9]})


def test_every_anchor_is_there_once(tmp_path: Path, verdict: Verdict) -> None:
    figure = draw_chart(one_step())
    path = write_report(
        tmp_path / "r.html", verdict, {"a": Section("b", figure), "c": "d"}, {"e": "f"}, Proposal(), figure
    )
    ids = [attrs["id"] for _, attrs in read(path).tags if "id" in attrs]
    assert len(ids) == len(set(ids)) > 5


def test_notices_and_sources_are_named_once(tmp_path: Path) -> None:
    frame = pd.DataFrame({"share": [0.5]})
    frame.attrs["notice"] = {"zh": "合成数据", "en": "synthetic data"}
    frame.attrs["attribution"] = "© OpenStreetMap contributors, ODbL 1.0"
    path = write_report(
        tmp_path / "r.html", frame, Section("x", frame), lang="en",
        notices=[{"zh": "草稿", "en": "draft"}, "synthetic data"], attribution="Bureau",
    )  # fmt: skip
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"<li>([^<]+)</li>", text) == ["draft", "synthetic data"]
    assert "Sources: Bureau; © OpenStreetMap contributors, ODbL 1.0" in text


def test_the_same_parts_give_the_same_bytes(tmp_path: Path, verdict: Verdict) -> None:
    pages = [
        write_report(tmp_path / name, verdict, Proposal(), draw_chart(one_step()), one_step()).read_bytes()
        for name in ("one.html", "two.html")
    ]
    assert pages[0] == pages[1]


def test_names_are_text(tmp_path: Path) -> None:
    control = HOSTILE + " bell\x07 turn\u202e"
    judged = Verdict(
        pd.DataFrame([rule(indicator=control, clause=control, service=control, unit=control, reason=control)])
    )
    frame = pd.DataFrame({control: [control]}, index=pd.Index([control], name=control))
    path = write_report(
        tmp_path / "r.html", control + " half\ud800", Section(control, control), {control: frame}, judged,
        Proposal(sites=(control,), status=control, rules=(control,), unreachable=(control,)),
        {control: draw_chart(one_step(), title=HOSTILE)}, title=control, notices=[control], attribution=control,
    )  # fmt: skip
    page = read(path)
    assert not [tag for tag, _ in page.tags if tag in ("script", "img", "iframe", "link", "object")]
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert page.text.count("{{ 7*7 }}") > 10
    assert "49" not in page.text
    assert "bell\ufffd turn\ufffd half\ufffd" in page.text


def test_the_page_asks_for_nothing(tmp_path: Path, verdict: Verdict) -> None:
    figure = Figure(figsize=(2, 2))
    figure.add_subplot().imshow(np.eye(3))
    path = write_report(tmp_path / "r.html", verdict, Proposal(), figure)
    for tag, attrs in read(path).tags:
        assert tag not in ("script", "link", "iframe", "object", "embed", "base")
        for name in ("src", "href", "srcset", "action", "xlink:href"):
            assert re.match(r"#|data:image/png;base64,|$", attrs.get(name) or "")
    assert "url(http" not in path.read_text(encoding="utf-8")
    policy = next(attrs["content"] for _, attrs in read(path).tags if "http-equiv" in attrs)
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")


def test_without_a_chinese_font_the_report_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "measuring_families", lambda: ["DejaVu Sans"])
    text = write_report(tmp_path / "r.html", draw_chart(one_step())).read_text(encoding="utf-8")
    assert "新增点位数（个）" in text
    assert "'Microsoft YaHei'" in text


@pytest.mark.slow
def test_a_report_without_figures_loads_no_matplotlib(tmp_path: Path) -> None:
    code = (
        "import sys; from siting.show.report import write_report; "
        f"write_report({str(tmp_path / 'r.html')!r}, 'text'); assert 'matplotlib' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# --- what is refused


@pytest.mark.parametrize("name", ["report.pdf", "report.xlsx", "report", "report.docx"])
def test_other_files_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SitingError, match=r"\.html"):
        write_report(tmp_path / name, "text")
    assert list(tmp_path.iterdir()) == []


def test_other_parts_are_refused_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(SitingError, match=r"cannot show a builtins\.int; it takes Section"):
        write_report(path, "text", 7)
    with pytest.raises(SitingError, match="lang"):
        write_report(path, "text", lang="fr")
    assert path.read_text(encoding="utf-8") == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["r.html"]


# --- in a browser


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_in_a_browser(tmp_path: Path, browser: Any, verdict: Verdict, lang: str) -> None:
    path = write_report(
        tmp_path / "r.html", HOSTILE, {HOSTILE: one_step()}, verdict, Proposal(),
        draw_chart(one_step(), target=0.9, lang=lang), lang=lang, notices=[HOSTILE],
    )  # fmt: skip
    context = browser.new_context(offline=True, viewport={"width": 1100, "height": 900})
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(path.as_uri())
    assert asked == [path.as_uri()]
    assert said == []
    assert page.evaluate("window.ran") is None
    assert page.locator("table").count() == 4
    assert page.locator("svg text").count() > 5
    # Nothing is wider than the page, on a desk or on a phone.
    for width in (1100, 390):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.pdf(prefer_css_page_size=True)[:4] == b"%PDF"
    context.close()


@pytest.mark.slow
def test_what_is_folded_on_the_screen_is_printed(tmp_path: Path, browser: Any, verdict: Verdict) -> None:
    path = write_report(tmp_path / "r.html", verdict)
    page = browser.new_page(viewport={"width": 1100, "height": 900})
    page.goto(path.as_uri())
    folded = page.locator("details li").first
    assert not folded.is_visible()
    page.emulate_media(media="print")
    assert folded.bounding_box()["height"] > 10
    page.emulate_media(media="screen")
    page.locator("summary").click()
    assert folded.is_visible()
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


def test_a_value_just_below_its_target_is_not_written_like_it() -> None:
    row = {"value": 1229 / 372.513, "target": 3.3, "gap": 3.3 - 1229 / 372.513, "unit": "places_per_1000"}
    assert (value_words(row, "zh"), gap_words(row, "zh")) == ("3.299", "0.001")
    met = {"value": 3.3, "target": 3.3, "gap": 0.0, "unit": "places_per_1000"}
    assert (value_words(met, "zh"), gap_words(met, "zh")) == ("3.3", "0")
