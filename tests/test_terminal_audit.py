"""Verdicts and standards on a terminal: nothing is lost at 80 columns, and what is not judged stands below."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest
from openpyxl import load_workbook
from rich.cells import cell_len
from rich.console import Console

import siting as st
from siting.judge.audit_result import COLUMNS
from siting.judge.statuses import judged_first
from siting.terminal_audit import print_areas, print_rules, print_verdict
from siting.terminal_text import print_rows, side_by_side, wrapped

NAN = float("nan")


def rule(**changes: Any) -> dict[str, Any]:
    row = dict.fromkeys(COLUMNS, "") | {
        "rule": "demo.childcare.places_per_1000.2025", "service": "childcare", "indicator": "千人托位数",
        "indicator_en": "places per 1,000", "unit": "places_per_1000_residents", "area": "all", "value": 3.3,
        "straight": NAN, "operator": ">=", "target": 4.5, "target_max": NAN, "year": 2025, "gap": 1.2,
        "gap_unit": "places_per_1000_residents", "needed": 448.0, "needs": "places", "status": "short",
        "basis": "托位共 1,229 个，常住人口 372,513 人", "basis_en": "1,229 places for 372,513 residents",
        "clause": "二、发展目标", "document": "示范方案",
    }  # fmt: skip
    return row | changes


LACKING = {"value": NAN, "target": NAN, "gap": NAN, "needed": NAN, "status": "no_data"}


def audited(*rows: Mapping[str, Any]) -> st.Audit:
    return st.Audit(pd.DataFrame(rows), "demo", 2025)


def told(judged: st.Audit, lang: str = "zh", width: int = 80) -> list[str]:
    written = io.StringIO()
    out = Console(width=width, file=written)
    print_verdict(out, judged, lang)
    if (judged.table["area"] != "all").any():
        print_areas(out, judged, lang)
    return written.getvalue().splitlines()


def test_a_row_at_eighty_columns() -> None:
    lines = told(audited(rule(note="按常住人口计。"), rule(rule="b", status="met", gap=0.0, needed=0.0)))
    assert lines[1].split() == ["指标", "现状", "要求", "尚需", "结论"]
    assert lines[2].split() == ["千人托位数", "[1]", "3.3", "≥", "4.5", "个/千人", "448", "个托位", "未达标"]
    assert lines[3] == "  差距 1.2；托位共 1,229 个，常住人口 372,513 人"
    assert lines[4] == "  条文：二、发展目标 demo.childcare.places_per_1000.2025"
    assert lines[5].split()[-3:] == ["0", "个托位", "达标"]
    assert lines[-3:] == ["说明", "[1] 按常住人口计。", ""]


def test_a_standard_without_rules_to_judge_says_so() -> None:
    none = st.Audit(pd.DataFrame(columns=COLUMNS), "demo", 2025, figures=pd.DataFrame({"rule": ["a", "b"]}))
    assert told(none)[1] == "没有可判定的条目；文件所载数值 2 项，与现状并列于导出的表格中"
    assert told(none, "en")[1].startswith("no rule to judge; 2 printed figures")
    assert not any("no rule" in line for line in told(audited(rule()), "en"))


def test_a_long_list_of_names_hides_no_sentence_after_it() -> None:
    names = "、".join(f"第{number}小区" for number in range(40))
    lines = told(audited(rule(reason=f"尚无设施：{names}；市级：缺少字段：层级（level）")))
    assert lines[5].endswith(" …")
    assert lines[6] == "  市级：缺少字段：层级（level）"


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (30, ["目标         点位数  求解状态", "childcare-5       5  最优", "  托育：500 米内"]),
        (24, ["childcare-5", "  点位数：5", "  求解状态：最优", "  托育：500 米内"]),
        (10, ["childcare-", "5", "  点位数：", "    5", "  求解状", "    态：最", "    优", "  托育：", "  500 米内"]),
    ],
)  # fmt: skip
def test_a_table_stands_in_columns_or_in_lines(width: int, lines: list[str]) -> None:
    written = io.StringIO()
    heads, row = ("目标", "点位数", "求解状态"), ("childcare-5", "5", "最优")
    out = Console(width=width, file=written)
    print_rows(out, heads, [row], (False, True, False), below=["托育：500 米内"], colon="：")
    assert written.getvalue().splitlines() == lines


def test_a_long_heading_is_broken_before_the_table_is() -> None:
    written = io.StringIO()
    heads, row = ("layer", "longest distance to a street (m)"), ("communities", "125.7")
    print_rows(Console(width=30, file=written), heads, [row], (False, True))
    assert written.getvalue().splitlines() == [
        "layer         longest distance",
        "               to a street (m)",
        "communities              125.7",
    ]


def test_gaps_of_shares_are_percentage_points_and_crow_flies_beside() -> None:
    share = rule(unit="percent", value=55.9, straight=80.0, target=58.0, gap=2.1, needs="persons", needed=1494.0)
    assert told(audited(share))[3].startswith("  差距 2.1 个百分点；直线距离 80.0 %；")
    assert told(audited(share), "en")[3].startswith("  gap 2.1 percentage points; straight line 80.0 %; ")


def test_what_is_judged_stands_first_and_the_rest_is_folded() -> None:
    rows = [
        rule(rule="c", indicator="丙", status="shown", target=NAN, gap=NAN, needed=NAN, unit="facilities", value=21.0),
        rule(rule="b", indicator="乙", reason="缺少图层：卫生服务机构", **LACKING),
        rule(rule="a", indicator="甲", status="met"),
        rule(rule="d", indicator="丁", **LACKING | {"status": "not_applicable", "reason": "无新建小区，本条不适用"}),
    ]
    lines = told(audited(*rows))
    assert [line[0] for line in lines if line.startswith(tuple("甲乙丙丁"))] == ["甲", "丙"]
    assert re.search(r"丙 +21 处 +— +— +仅列示", "\n".join(lines))
    assert lines[-4:] == [
        "未能判定的 2 项",
        "— 乙 — 缺数据：缺少图层：卫生服务机构",
        "— 丁 — 无新建小区，本条不适用",
        "",
    ]


def test_an_order_for_reading() -> None:
    rows = pd.DataFrame({"rule": list("abcdef"), "status": ["shown", "ahead", "met", "part", "short", "no_number"]})
    judged, silent = judged_first(rows)
    assert judged["status"].tolist() == ["short", "part", "met", "ahead", "shown"]
    assert silent["status"].tolist() == ["no_number"]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("width", [20, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(lang: str, width: int) -> None:
    long = rule(indicator="每万名老年人口拥有养老机构认知症障碍床位数", indicator_en="beds " * 12, needed=6363.65,
                needs="area_m2", reason="未达到：" + "、".join(f"第{i}小区" for i in range(50)),
                reason_en="short: x, " * 40, clause="三、重点任务 > （一）兜底线、促普惠、市场化发展。")  # fmt: skip
    lines = told(audited(long, rule(area="d1", area_name="东街道")), lang, width)
    assert max(cell_len(line) for line in lines if line.strip() != "demo.childcare.places_per_1000.2025") <= width
    text = "\n".join(lines)
    assert "demo.childcare.places_per_1000.2025" in text
    assert "6,363.65" in text


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", st.list_standards())
def test_the_sample_by_every_standard_keeps_its_columns(
    name: str, lang: str, sample: dict[str, Any], sample_network: st.Network
) -> None:
    judged = st.audit(st.load_standard(name), sample, network=sample_network)
    lines = told(judged, lang)
    assert max(map(cell_len, lines)) <= 80
    rows, silent = judged_first(judged.table)
    heads = ("尚需", "结论") if lang == "zh" else ("needed", "verdict")
    assert not len(rows) or all(head in lines[1] for head in heads)
    plain = re.sub(r"\s", "", "".join(lines))
    for row in rows.to_dict("records"):
        assert any(row["rule"] in line for line in lines)
        assert re.sub(r"\s", "", row["clause"]) in plain
    for row in silent.to_dict("records"):
        assert re.sub(r"\s", "", row["indicator" if lang == "zh" else "indicator_en"]) in plain
    assert "n/a" not in plain


def test_rules_of_a_standard_stand_with_their_ids_whole() -> None:
    written = io.StringIO()
    print_rules(Console(width=60, file=written), st.load_standard("jinhua").select(rule="circle_15min"), "zh")
    assert written.getvalue().splitlines() == [
        "jinhua.childcare.circle_15min",
        "  15分钟托育服务圈：≤ 15 分钟（2025 年）",
        "  条文：二、发展目标",
    ]


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("到300米以内，覆盖。", 8, ["到300米", "以内，覆", "盖。"]),
        ("（一）加强", 6, ["（一）", "加强"]),
        ("a.long.id_of_rule 有", 8, ["a.long.i", "d_of_rul", "e 有"]),
        ("", 8, [""]),
        ("共 300 米", 6, ["共", "300 米"]),
    ],
)
def test_lines_break_where_they_may(text: str, width: int, lines: list[str]) -> None:
    assert wrapped(text, width) == lines


def test_columns_are_filled() -> None:
    assert list(side_by_side(["托育机构", "12"], [4, 3], [False, True])) == [["托育", " 12"], ["机构", "   "]]


def test_a_workbook_is_read_as_it_is(tmp_path: Any) -> None:
    note = "按常住人口计。" * 20
    judged = audited(rule(rule="b", **LACKING), rule(note=note),
                     rule(rule="c", unit="percent", gap_unit="percentage_points", status="met"))  # fmt: skip
    sheet = load_workbook(judged.to_excel(tmp_path / "v.xlsx", lang="zh")).worksheets[0]
    head = [cell.value for cell in sheet[1]]
    at = {name: place for place, name in enumerate(head)}
    assert [row[at["结论"]].value for row in sheet.iter_rows(min_row=2)] == ["未达标", "达标", "缺数据"]
    colours = [row[at["结论"]].font.color for row in sheet.iter_rows(min_row=2)]
    assert [colour and colour.rgb for colour in colours[:2]] == ["00B23A1B", "000B6B6B"]
    assert (sheet.freeze_panes, sheet.print_title_rows) == ("A2", "$1:$1")
    width = {name: sheet.column_dimensions[sheet.cell(1, at[name] + 1).column_letter].width for name in head}
    assert width["规则"] >= len("demo.childcare.places_per_1000.2025")
    assert width["说明"] == 44
    assert all(each >= 8 for each in width.values())
    first, second = sheet[2], sheet[3]
    assert first[at["说明"]].alignment.wrap_text
    assert not first[at["规则"]].alignment.wrap_text
    assert (first[at["尚需"]].number_format, first[at["差距"]].number_format) == ("#,##0", "#,##0.00")
    assert first[at["年份"]].number_format == "0"
    assert (first[at["尚需单位"]].value, first[at["比较符"]].value) == ("个托位", "≥")
    assert (first[at["差距单位"]].value, second[at["差距单位"]].value) == ("个/千人", "个百分点")
