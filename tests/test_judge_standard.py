"""Standards as data: what a file must be like, and that the profile of Jinhua says what the city's plan says."""

from __future__ import annotations

import dataclasses
import math
import re
from pathlib import Path
from typing import Any

import pytest

import siting as st
from siting.judge import Document
from siting.judge.indicators import takes_share
from siting.judge.standards.applies_to import APPLIES, COMMUNITIES, DISTRICTS
from siting.judge.standards.keys import unlisted
from siting.judge.standards.years import due, later

GOOD = """
[standard]
name = "demo"
title_zh = "示范标准"

[documents.plan]
title = "示范方案"

[[rule]]
id = "demo.places"
kind = "places_per_1000_residents"
service = "childcare"
indicator_zh = "千人托位数"
indicator_en = "places per 1000"
role = "target"
operator = ">="
value = 4.5
unit = "places_per_1000_residents"
year = 2025
column = "places"
facility_types = ["托育机构", "幼儿园托班"]
document = "plan"
"""


def parsed(tmp_path: Path, text: str) -> st.Standard:
    file = tmp_path / "demo.toml"
    file.write_text(text, encoding="utf-8")
    return st.load_standard(file)


def rule(**values: Any) -> st.Rule:
    given = {"id": "r", "kind": "count_target", "service": "childcare", "indicator_zh": "甲", "indicator_en": "a"}
    return st.Rule(**{**given, **values})


def test_a_good_file(tmp_path: Path) -> None:
    standard = parsed(tmp_path, GOOD)
    assert repr(standard) == "<Standard demo: 示范标准, 1 rule>"
    assert repr(dataclasses.replace(standard, rules=standard.rules * 2)) == "<Standard demo: 示范标准, 2 rules>"
    assert (standard.title_en, len(standard)) == ("demo", 1)
    one = standard["demo.places"]
    assert (one.value, one.year, one.facility_types) == (4.5, 2025, ("托育机构", "幼儿园托班"))
    assert standard.title(one) == "示范方案"
    assert standard.title(rule()) == ""
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.value = 5.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "demo"', 'label = "demo"', r"no \[standard\] table with a name"),
        ("[standard]", "[other]", r"no \[standard\] table with a name"),
        ('name = "demo"', "name = 5", r"\[standard\]: name is 5, not a text"),
        ("title_zh", "titel_zh", r'\[standard\]: unknown keys "titel_zh"'),
        ("[documents.plan]", "[papers.plan]", 'unknown tables "papers"'),
        ("[[rule]]", "[rule]", r"each rule is a table, \[\[rule\]\] with two brackets"),
        ("[documents.plan]\ntitle =", "[documents]\nplan =", r"each document is a table, \[documents.<name>\]"),
        ('title = "示范方案"', 'titel = "示范方案"', 'document plan: unknown keys "titel"'),
        ('title = "示范方案"', 'issued = "2022"', "document plan: no title"),
        ('title = "示范方案"', 'title = "示范方案"\nissued = 2022-12-08', "document plan: issued is .*, not a text"),
        ('document = "plan"', 'document = "paper"', 'cite documents that are not listed: "paper"'),
        ("value = 4.5", "valeu = 4.5", 'rule demo.places: unknown keys "valeu"'),
        ('id = "demo.places"\n', "", 'rule without id: no "id"'),
        ('indicator_en = "places per 1000"\n', "", 'rule demo.places: no "indicator_en"'),
        ('kind = "places_per_1000_residents"\n', "", 'rule demo.places: no "kind"'),
        ('operator = ">="', 'operator = "=>"', 'rule demo.places: operator is "=>"; choose one of'),
        ('operator = ">="', 'operator = "~"', 'rule demo.places: operator "~" .about. is no limit'),
        ('operator = ">="', 'operator = "range"', "rule demo.places: a range needs value and value_max"),
        ('role = "target"', 'role = "goal"', 'rule demo.places: role is "goal"; choose one of'),
        ("value = 4.5", "value = nan", "rule demo.places: value is nan, not a number"),
        ("value = 4.5", "value = inf", "rule demo.places: value is inf, not a number"),
        ("value = 4.5", 'value = "4.5"', 'rule demo.places: value is "4.5", not a number'),
        ("value = 4.5", "value = true", "rule demo.places: value is true, not a number"),
        ("year = 2025", 'year = "2025"', 'rule demo.places: year is "2025", not a year'),
        ("year = 2025", "year = 2025.0", "rule demo.places: year is 2025.0, not a year"),
        ('unit = "places_per_1000_residents"', "unit = 1000", "rule demo.places: unit is 1000, not a text"),
        ('["托育机构", "幼儿园托班"]', '"托育机构"', 'facility_types is "托育机构", not a list of texts'),
        ('kind = "places_per_1000_residents"', 'kind = "service_time"', "a service_time is in min"),
        ("[standard]", "[standard", "line 2, column 10: no TOML"),
        (
            'kind = "places_per_1000_residents"',
            'kind = "magic"',
            'kind is "magic"; choose one of area_per_1000_residents, ',
        ),
        ('unit = "places_per_1000_residents"', 'unit = "acres"', 'unit is "acres"; did you mean "places".'),
        ('column = "places"', "column = 5", "column is 5, not a list of texts"),
        ('column = "places"', 'layer = ["childcare", 5]', "layer is .*, not a list of texts"),
        ('column = "places"', 'where = "public"', 'where is "public", not a table of columns, such as { public = true'),
        ('column = "places"', "part = { public = 1 }", "part is .*, not a table of columns"),
        ('column = "places"', 'scope = "street"', 'scope is "street"; choose one of area, site'),
        ('column = "places"', 'metres = "300"', 'metres is "300", not a number'),
        ('column = "places"', 'applies_to = "new_estate"', 'applies_to is "new_estate"; did you mean '),
        ('column = "places"', 'where = { beds = ">>100" }', 'where.beds is ">>100"; write a comparison as ">=100"'),
        ("value = 4.5", "value = -4.5", "value is -4.5; it must be above 0"),
        ('column = "places"', "share = 160", "share is 160; give a share above 0 and at most 1"),
        ('column = "places"', "share = 90", 'line 21: rule demo.places: share is 90; .* 90 % is 0.9 or "90 %"'),
        ('column = "places"', 'share = "0.9 %"', 'rule demo.places: share is "0.9 %"; .* 90 % is 0.9 or'),
        (
            'operator = ">="',
            'operator = "per"',
            'operator is "per"; a places_per_1000_residents is judged by one of >=',
        ),
        ("value = 4.5", "value = 4.5\nvalue_max = 5", 'value_max is the end of a range; write operator = "range"'),
    ],
)
def test_a_malformed_file_names_file_rule_and_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(st.errors.StandardError, match=f"(?s)^demo.toml: .*{message}"):
        parsed(tmp_path, GOOD.replace(old, new))


def test_all_that_is_wrong_is_told_at_once_each_with_its_line(tmp_path: Path) -> None:
    one = GOOD[GOOD.index("[[rule]]") :]
    bad = GOOD + one.replace("demo.places", "b").replace("4.5", "nan") + one + one.replace('kind = "', 'kind = "x')
    with pytest.raises(st.errors.StandardError) as caught:
        parsed(tmp_path, bad)
    rows = bad.splitlines()
    value, kind = rows.index("value = nan") + 1, rows.index('kind = "xplaces_per_1000_residents"') + 1
    head, *told = str(caught.value).splitlines()
    assert head == "demo.toml: 2 faults"
    assert [line.partition(": rule ")[0] for line in told] == [f"  - line {value}", f"  - line {kind}"]
    assert "rule b: value is nan" in told[0]
    assert 'kind is "xplaces' in told[1]


def test_one_name_or_several(tmp_path: Path) -> None:
    text = GOOD.replace('column = "places"', 'column = ["places", "seats"]\nwhere = { kind = ["a", "b"], open = true }')
    one = parsed(tmp_path, text)["demo.places"]
    assert (one.column, one.where) == (("places", "seats"), {"kind": ("a", "b"), "open": True})
    one = parsed(tmp_path, GOOD)["demo.places"]
    assert (one.column, one.layer, one.layers) == (("places",), (), ("childcare",))
    one = parsed(tmp_path, GOOD.replace('column = "places"', 'layer = "rooms"'))["demo.places"]
    assert one.layers == ("rooms",)
    assert hash(one)


def test_ids_stand_once(tmp_path: Path) -> None:
    with pytest.raises(st.errors.StandardError, match=r'^demo\.toml: rules occur twice: "demo\.places"'):
        parsed(tmp_path, GOOD + GOOD[GOOD.index("[[rule]]") :])


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(st.errors.StandardError, match=r"none\.toml: there is no such file"):
        st.load_standard(tmp_path / "none.toml")
    with pytest.raises(
        st.errors.StandardError,
        match=r'there is no standard "nowhere"; choose one of beihai \(北海\), .*jinhua \(金华\)',
    ):
        st.load_standard("nowhere")
    (tmp_path / "gbk.toml").write_bytes(GOOD.encode("gb18030"))
    with pytest.raises(st.errors.StandardError, match=r"gbk\.toml, line 1: not UTF-8 but, as it seems, GB18030"):
        st.load_standard(tmp_path / "gbk.toml")


def test_a_standard_may_be_empty_and_have_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "bom.toml").write_text(GOOD, encoding="utf-8-sig")
    assert len(st.load_standard(tmp_path / "bom.toml")) == 1
    assert len(parsed(tmp_path, '[standard]\nname = "empty"\n')) == 0


def test_select() -> None:
    standard = st.load_standard("jinhua")
    now = standard.select(year=2025)
    assert max(one.year or 0 for one in now) == 2025
    replaced = "jinhua.childcare.places_per_1000.2022"
    assert replaced not in {one.id for one in now}
    assert replaced in {one.id for one in standard.select(year=2024)}
    assert len(now) < len(standard)
    assert {one.year for one in standard.select(year=1999)} == {None}
    assert {one.service for one in standard.select(service="eldercare")} == {"eldercare"}
    assert {one.role for one in standard.select(role="baseline")} == {"baseline"}
    one = standard.select(kind="service_time", year=2025, role="target", service="childcare")
    assert [r.id for r in one] == ["jinhua.childcare.circle_15min"]
    assert one.documents == standard.documents
    assert len(standard.select()) == len(standard)
    with pytest.raises(st.errors.StandardError, match='standard jinhua has no rule "x"'):
        standard["x"]


def test_select_by_a_part_of_the_id_or_several() -> None:
    standard = st.load_standard("jinhua")
    radii = ["jinhua.childcare.service_radius", "jinhua.childcare.service_radius.relaxed"]
    assert [one.id for one in standard.select(rule="childcare.service_radius")] == radii
    assert [one.id for one in standard.select(rule=["relaxed", "childcare.circle_15min"])] == [
        "jinhua.childcare.circle_15min", radii[1]
    ]  # fmt: skip
    rates = standard.select(rule="childcare.places_per_1000")
    assert {2022, 2025} < {one.year for one in rates}
    assert [one.id for one in rates.select(year=2025, role="target")] == ["jinhua.childcare.places_per_1000.2025"]
    assert len(standard.select(rule="no such rule")) == len(standard.select(rule=[])) == 0


def test_what_is_not_selected_stays_at_hand() -> None:
    """A rule may be read together with one that was not selected, also after the latter was adapted."""
    standard = st.load_standard("jinhua")
    assert standard.whole == ()
    one = standard.select(rule="childcare.places_per_1000").select(year=2025)
    assert one.whole == standard.rules
    name = "jinhua.childcare.places_per_1000.2025"
    changed = one.adapted({name: {"value": 5}})
    assert changed[name].value == 5
    assert [r.value for r in changed.whole if r.id == name] == [5]
    assert [r for r in changed.whole if r.id != name] == [r for r in standard if r.id != name]
    with pytest.raises(st.errors.StandardError, match="has no rule"):
        one.adapted({"jinhua.childcare.service_radius": {"value": 200}})
    assert standard[name].value == 4.5


def test_rules_that_are_added_to_some_are_at_hand() -> None:
    one = st.load_standard("jinhua").select(rule="area_per_100_households.new")
    area = rule(id="mine", kind="provision_area_per_100_households", value=10.0, applies_to="new_residential")
    share = rule(id="share", kind="coverage_share", value=100.0, applies_to="new_residential", meets="mine")
    wider = one.extended([area, share], {})
    assert [r.id for r in wider.whole[-2:]] == ["mine", "share"]
    with pytest.raises(st.errors.StandardError, match="rules occur twice"):
        one.extended([st.load_standard("jinhua")["jinhua.childcare.service_radius"]], {})


def test_the_table_has_a_row_and_a_column_for_everything() -> None:
    standard = st.load_standard("jinhua")
    table = standard.table
    assert table["id"].tolist() == [one.id for one in standard]
    assert table.columns.tolist() == [f.name for f in dataclasses.fields(st.Rule)]
    assert table.set_index("id").loc["jinhua.childcare.service_radius", "value"] == 300


def test_rules_of_ones_own() -> None:
    standard = st.load_standard("jinhua")
    mine = rule(id="study.goal", document="study")
    wider = standard.extended([mine], {"study": Document("本研究")})
    assert len(wider) == len(standard) + 1
    assert wider.title(wider["study.goal"]) == "本研究"
    assert len(standard) == len(standard.rules), "the standard itself stays as it was"
    with pytest.raises(st.errors.StandardError, match=r'rules occur twice: "study\.goal"'):
        wider.extended([mine], {})
    with pytest.raises(st.errors.StandardError, match='not listed: "study"'):
        standard.extended([mine], {})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"value": math.nan}, "value is nan"),
        ({"share": math.inf}, "share is inf"),
        ({"operator": "≥"}, 'operator is "≥"'),
        ({"role": "wish"}, 'role is "wish"'),
        ({"operator": "range", "value": 1.0}, "needs value and value_max"),
        ({"operator": "~", "role": "target"}, "is no limit"),
        ({"kind": "service_radius", "unit": "minutes"}, 'unit is "minutes"'),
    ],
)
def test_a_rule_made_in_code_is_checked_too(values: dict[str, Any], message: str) -> None:
    with pytest.raises(st.errors.StandardError, match=f"rule r: .*{message}"):
        rule(**values)


def test_about_is_fine_for_what_is_no_limit() -> None:
    assert rule(operator="~", role="forecast").operator == "~"


def test_numbers_of_jinhua_by_heart() -> None:
    standard = st.load_standard("jinhua")
    numbers = {
        "childcare.service_radius": 300,
        "childcare.service_radius.relaxed": 500,
        "childcare.circle_15min": 15,
        "childcare.places_per_1000.2022": 3.3,
        "childcare.places_per_1000.2025": 4.5,
        "childcare.inclusive_place_share.2025": 60,
        "childcare.township_coverage.2022": 70,
        "childcare.township_coverage.2025": None,
        "childcare.coverage.new_estates": 100,
        "childcare.community_trigger_1000": 1000,
        "childcare.industrial_park_trigger": 10_000,
        "eldercare.nursing_bed_share.2025": 58,
        "eldercare.cognitive_beds_per_10000.2025": 20,
        "eldercare.rehab_beds_per_1000": 5.5,
        "eldercare.township_medical_link": 70,
    }
    assert {key: standard[f"jinhua.{key}"].value for key in numbers} == numbers
    relaxed = standard["jinhua.childcare.service_radius.relaxed"]
    assert (relaxed.value_max, relaxed.otherwise) == (800, 300)


def test_signs_are_read_as_people_write_them(tmp_path: Path) -> None:
    standard = parsed(tmp_path, GOOD.replace('column = "places"', 'where = { beds = "≥100", grade = "＞2" }'))
    assert standard["demo.places"].where == {"beds": ">=100", "grade": ">2"}


def test_whom_a_rule_can_be_for_is_what_an_audit_knows() -> None:
    assert {*COMMUNITIES, *DISTRICTS} <= set(APPLIES)


def test_a_part_of_a_rule_has_the_way_that_its_table_prints() -> None:
    def part(**at: Any) -> tuple[Any, ...]:
        one = st.Rule("x.a", "complete_circle", "eldercare", "甲", "A", minutes=15, mode="bicycle", speed="15 km/h",
                      any=({"layer": "meals", **at}, {"layer": "hubs"})).parts("any")[0]  # fmt: skip
        return one.layers, one.metres, one.minutes, one.mode, one.speed, one.indicator_zh, one.indicator_en

    assert part() == (("meals",), None, 15, "bicycle", "15 km/h", "甲", "A")
    assert part(minutes=5) == (("meals",), None, 5, "bicycle", "15 km/h", "甲", "A")
    assert part(metres=300) == (("meals",), 300, None, "", "", "甲", "A")  # metres need no speed
    assert part(name_en="Meals")[5:] == ("甲", "Meals")


def test_a_share_may_be_given_where_the_rule_prints_none() -> None:
    def takes(kind: str, **values: Any) -> bool:
        return takes_share(st.Rule("x.a", kind, "eldercare", "甲", "A", **values))

    assert all(takes(kind, value=300) for kind in ("service_radius", "service_time", "living_circle"))
    assert all(takes(kind) for kind in ("complete_circle", "coverage_share"))
    assert not any(takes(kind, value=90) for kind in ("complete_circle", "coverage_share"))
    assert not takes("service_radius", share=0.9)
    assert not takes("count_target", value=3)


def test_a_target_without_a_number_replaces_none_unless_the_user_gives_it() -> None:
    def target(year: int, value: float | None, **more: Any) -> st.Rule:
        return st.Rule(
            f"x.a.{year}", "count_target", "eldercare", "甲", "A", role="target", year=year, value=value, **more
        )

    first, blank, last = target(2022, 3), target(2025, None), target(2030, 5)
    standing = st.Rule("x.b", "count_target", "eldercare", "甲", "A", value=9)
    rules = (standing, first, blank, last)
    assert due(rules, 2025) == (standing, first, blank)
    assert due(rules, 2025, ["x.a.2025"]) == (standing, blank)
    assert due(rules, 2030) == (standing, last)
    assert due((blank,), 2026) == (blank,)
    assert later(rules, 2025) == (last,)
    assert later(rules, 2030) == ()
    other = target(2025, 4, operator="per")
    assert due((first, other), 2025) == (first, other)  # one more for each is another series


def test_a_word_that_is_not_among_them_is_guessed_at() -> None:
    known = ("", "percent", "places", "beds")
    told = 'unit is "place"; did you mean "places"? choose one of beds, percent, places'
    assert str(unlisted("unit", "place", known)) == told
    assert str(unlisted("unit", "xyz", known)) == 'unit is "xyz"; choose one of beds, percent, places'


# --- names in Chinese


@pytest.mark.parametrize(
    ("called", "name"),
    [
        ("金华", "jinhua"), ("金华市", "jinhua"), ("杭州", "hangzhou"), ("衢州", "quzhou"), ("石家庄", "shijiazhuang"),
        ("青田", "qingtian"), ("国家", "national"), ("国家标准", "gb50180"), (" 杭州 市", "hangzhou"),
        ("ＧＢ 50180－2018", "gb50180"), ("Jinhua", "jinhua"),
    ],
)  # fmt: skip
def test_a_standard_has_chinese_names(called: str, name: str) -> None:
    assert st.load_standard(called).name == name


def test_every_standard_of_the_package_has_a_chinese_name_of_its_own() -> None:
    called = [(each, name) for name in st.list_standards() for each in st.load_standard(name).names]
    assert {name for each, name in called if re.search("[一-鿿]", each)} == set(st.list_standards())
    assert len({each for each, _ in called}) == len(called)
    assert not {each for each, _ in called} & set(st.list_standards())


def test_a_slip_in_a_name_gets_the_nearest_in_both_scripts() -> None:
    for slip in ("杭洲", "hangzou"):
        with pytest.raises(st.errors.StandardError) as caught:
            st.load_standard(slip)
        assert f"没有这个标准：“{slip}”；是不是杭州（hangzhou）" in caught.value.text("zh")
        assert "did you mean hangzhou (杭州)" in caught.value.text("en")
        assert caught.value.code == "standard.no_standard_near"


def test_names_are_a_list_of_texts(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('[standard]\nname = "own"\nnames = "本市"\n', encoding="utf-8")
    with pytest.raises(st.errors.StandardError, match=r'\[standard\]: names is "本市", not a list of texts'):
        st.load_standard(tmp_path / "own.toml")
