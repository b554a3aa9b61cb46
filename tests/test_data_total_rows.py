"""Rows that sum up others."""

from __future__ import annotations

import numpy as np
import pandas as pd

from siting.data import role
from siting.data.total_rows import equals_all_others, total_rows


def test_rows_are_known_by_their_words() -> None:
    table = pd.DataFrame({"name": ["甲小区", "东街道小计", "乙小区"], "备注": ["", "", "合 计"]})
    assert total_rows(table, role("communities")).to_dict() == {1: "东街道小计", 2: "合 计"}


def test_a_row_may_hold_as_much_as_all_others() -> None:
    assert equals_all_others(np.array([55.0, *range(1, 11)])) == 0
    assert equals_all_others(np.array([3.0, 1, 2])) is None  # of few rows it is chance
