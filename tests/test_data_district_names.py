"""Districts that share a name are told apart."""

from __future__ import annotations

import pandas as pd

from siting.data.district_names import full_names, names_apart


def test_a_shared_name_gets_the_district_above() -> None:
    names = ["城东街道", "城东街道", "城西街道"]
    districts = pd.DataFrame({"name": names, "parent": ["甲区", "乙区", "甲区"]}, index=["1", "2", "3"])
    assert names_apart(districts).tolist() == ["城东街道（甲区）", "城东街道（乙区）", "城西街道"]


def test_without_a_district_above_the_id_stands_in_brackets() -> None:
    districts = pd.DataFrame({"name": ["城东街道", "城东街道", None]}, index=["1", "2", "3"])
    assert names_apart(districts).tolist() == ["城东街道（1）", "城东街道（2）", "3"]


def test_every_name_that_is_one_districts_alone() -> None:
    districts = pd.DataFrame({"name": ["城东街道", "城东街道"], "parent": ["甲区", "乙区"]}, index=["1", "2"])
    assert full_names(districts).to_dict() == {
        "甲区城东街道": "1",
        "乙区城东街道": "2",
        "城东街道（甲区）": "1",
        "城东街道（乙区）": "2",
    }
