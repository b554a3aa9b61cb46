"""Which community or village a row names."""

from __future__ import annotations

import pandas as pd

from siting.judge.layers.membership import has_word, kind_of, named_unit

UNITS = pd.DataFrame(
    {"name": ["和平", "和平", "新华", "光明"], "town": ["A", "B", "A", ""]}, index=["1", "2", "3", "4"]
)


def test_a_unit_is_named_by_its_id_or_by_a_name_that_only_one_has() -> None:
    words = pd.Series(["和平", "和平", "和平", "3", "新华", "新华", "新华", "光明", "无名", None])
    towns = pd.Series(["B", "A", "", "A", "A", "", "B", "B", "A", "A"])
    assert named_unit(words, towns, UNITS).tolist() == ["2", "1", None, "3", "3", "3", None, "4", None, None]


def test_an_id_is_an_id_whatever_the_township() -> None:
    assert named_unit(pd.Series(["3"], ["x"]), pd.Series(["B"], ["x"]), UNITS).to_dict() == {"x": "3"}


def test_a_cell_of_blanks_holds_no_word() -> None:
    assert has_word(pd.Series(["a", "", "  ", None, 3])).tolist() == [True, False, False, False, True]


def test_areas_without_a_kind_are_communities() -> None:
    assert kind_of(pd.DataFrame({"name": ["甲"]}, ["a"])).to_dict() == {"a": "community"}
    assert kind_of(pd.DataFrame({"kind": ["village"]}, ["a"])).to_dict() == {"a": "village"}
