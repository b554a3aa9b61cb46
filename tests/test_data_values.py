"""Cells as text, numbers, shares, flags and words of a category."""

from __future__ import annotations

import pandas as pd
import pytest

from siting.data import role
from siting.data.values import flag_of, number_of, parse_choices, share_of, text_of, texts, trim


def test_cells_as_text() -> None:
    assert trim("　001 ") == "001"
    assert (text_of(12.0), text_of(None), text_of(["primary", "link"])) == ("12", "", "primary;link")
    assert texts(pd.Series([12.0, float("nan")])).listed == ["12", ""]
    assert texts(pd.Series([" a", None])).trimmed == 1


def test_cells_as_numbers() -> None:
    assert [number_of(text) for text in ("１，２００", "1 200.5", 3)] == [1200.0, 1200.5, 3.0]
    assert [share_of(cell) for cell in ("45％", 0.3)] == [0.45, 0.3]
    assert [flag_of(cell) for cell in ("是", "无", True)] == [1.0, 0.0, 1.0]
    for read in (number_of, share_of, flag_of):
        with pytest.raises(ValueError, match="约50"):
            read("约50")


def test_words_of_a_category() -> None:
    words, unknown = parse_choices(role("communities").column("build_status"), ["新建", "", "旧"])
    assert (words.tolist(), unknown.tolist()) == (["new", "", "旧"], [False, False, True])
