"""Messages as sentences: numbers with measure words, codes, names and conditions, in both languages."""

from __future__ import annotations

from typing import Any

import pytest

import siting as st
from siting.judge.wording.sentences import in_both, limits_of, name_of, needs_words, sentence, unique
from siting.labels import label


def rule(**values: Any) -> st.Rule:
    return st.Rule("x.a", "coverage_share", "eldercare", "甲", "A", operator=">=", value=90, unit="percent", **values)


def test_what_is_needed_stands_after_its_number() -> None:
    assert [needs_words("nursing_beds", lang) for lang in ("zh", "en")] == ["张护理型床位", "nursing beds"]
    assert needs_words("communities", "zh") == "个小区"
    assert needs_words("communities", "en") == label("needs.communities", "en")
    assert [needs_words("", lang) for lang in ("zh", "en")] == ["", ""]
    assert needs_words("m2", "en") == label("unit.m2", "en")
    assert needs_words("infants", "en") == label("needs.people_of", "en", what=label("people.infants", "en"))


def test_a_message_without_a_key_is_no_sentence() -> None:
    assert sentence(("", {"part": 1}), "zh") == ""
    assert in_both("reason", ("audit.no_limit", {})) == {
        "reason": label("audit.no_limit", "zh"), "reason_en": label("audit.no_limit", "en")
    }  # fmt: skip


def test_numbers_have_separators_and_measure_words() -> None:
    summed = ("audit.sum", {"stock": 12345.0, "column": ("beds",)})
    assert "12,345 张" in sentence(summed, "zh")
    assert "12,345" in sentence(summed, "en")
    assert "12345" not in sentence(summed, "en")
    assert "—" in sentence(("audit.sum", {"stock": float("nan"), "column": ("beds",)}), "zh")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_where_there_are_none_that_is_written_instead(lang: str) -> None:
    units = {"part": 0, "total": 0, "of": "childcare"}
    nothing = label("audit.nothing_there", lang, what=sentence(("audit.layer", {"layer": "childcare"}), lang).lower())
    assert sentence(("audit.units", units), lang).lower() == nothing.lower()
    assert sentence(("audit.units", {**units, "total": 3}), lang) != nothing


def test_messages_of_messages_are_joined() -> None:
    inner = (("audit.no_limit", {}), ("audit.scope_only", {}))
    for lang in ("zh", "en"):
        words = label("list.semicolon", lang).join(label(key, lang) for key, _ in inner)
        assert sentence(("audit.joined", {"parts": inner}), lang) == label("audit.joined", lang, parts=words)


def test_a_column_that_is_missing_keeps_the_name_that_has_to_be_given() -> None:
    absent = ("audit.no_column", {"layer": "communities", "absent": "households"})
    assert all("households" in sentence(absent, lang) for lang in ("zh", "en"))
    odd = ("audit.no_column", {"layer": "communities", "absent": "no_such_column"})
    assert "no_such_column" in sentence(odd, "zh")
    assert "（no_such_column）" not in sentence(odd, "zh")


def test_a_message_stands_once() -> None:
    one, other = ("audit.sum", {"stock": 1}), ("audit.sum", {"stock": 2})
    assert unique([one, other, ("audit.sum", {"stock": 1})]) == (one, other)


def test_a_facility_of_a_circle_is_named_by_its_table_its_types_or_its_layer() -> None:
    whole = rule(each=(
        {"layer": ("childcare",), "name_en": "Nursery"},
        {"layer": ("childcare",), "facility_types": ("托育机构", "幼儿园")},
        {"layer": ("childcare",)},
        {"any": ({"layer": ("childcare",)}, {"layer": ("childcare",), "facility_types": ("托育机构",)})},
    ))  # fmt: skip
    own = sentence(("audit.layer", {"layer": "childcare"}), "zh")
    names = [name_of(part, whole) for part in whole.parts("each")]
    assert [name["zh"] for name in names] == ["甲", "托育机构、幼儿园", own, f"{own}或托育机构"]
    assert names[0]["en"] == "Nursery"
    assert names[1]["en"] == "托育机构, 幼儿园"


def test_facilities_with_a_limit_of_their_own_are_named_with_it() -> None:
    either = rule(metres=500, any=({"layer": ("childcare",), "metres": 300}, {"layer": ("childcare",), "minutes": 5},
                                   {"layer": ("eldercare",)}))  # fmt: skip
    care = {lang: sentence(("audit.layer", {"layer": "childcare"}), lang) for lang in ("zh", "en")}
    assert limits_of(either) == (
        {lang: f"{words} 300 {label('unit.m', lang)}" for lang, words in care.items()},
        {lang: f"{words} 5 {label('unit.min', lang)}" for lang, words in care.items()},
    )
    assert limits_of(rule(metres=500)) == ()
