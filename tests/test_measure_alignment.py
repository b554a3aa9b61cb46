"""What is given by id, put in the order of the ids."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from siting.errors import ProblemError
from siting.measure.alignment import amounts, groups, in_order, unique_ids, weights

IDS = pd.Index(["a", "b", "c"])
VALUES = pd.Series({"c": 3, "x": 9, "a": 1, "b": 2}, name="beds")


def test_the_order_is_that_of_the_ids() -> None:
    assert in_order(VALUES, IDS, "limits").tolist() == [1, 2, 3]
    assert groups(VALUES, IDS).tolist() == [1, 2, 3]
    assert groups(None, IDS).tolist() == ["all"] * 3
    found = amounts(VALUES, IDS, what="capacity")
    assert (found.tolist(), found.name, found.dtype) == ([1.0, 2.0, 3.0], "beds", float)
    assert weights(VALUES, IDS)["beds"].tolist() == [1, 2, 3]
    assert weights(VALUES.rename(None), IDS, what="demand").columns.tolist() == ["demand"]
    assert weights(pd.DataFrame({1: VALUES, 2: 0}), IDS).columns.tolist() == ["1", "2"]


def test_numbers_in_the_right_order_are_copied() -> None:
    whole = pd.Series([1.0, 2.0, 0.0], index=IDS)
    found = amounts(whole, IDS, what="demand")
    assert found.tolist() == [1, 2, 0]
    assert found.index is IDS
    assert amounts(whole.rename("beds"), IDS, what="capacity").name == "beds"
    assert amounts(whole.astype(int), IDS, what="demand").dtype == float


@pytest.mark.parametrize("wrong", [-1, math.nan, math.inf, "many"])
def test_what_is_no_amount(wrong: Any) -> None:
    """Text that is a number is one; the other ids are not named."""
    values = pd.Series(["1", wrong, 2], index=IDS, dtype=object)
    with pytest.raises(ProblemError, match=r'^demand "demand" is negative or not a number in 1 row: "b"; correct'):
        amounts(values, IDS, what="demand")
    assert amounts(values.drop("b"), IDS.drop("b"), what="demand").tolist() == [1, 2]


def test_ids_that_are_missing_or_stand_twice() -> None:
    with pytest.raises(ProblemError, match=r'^by: no value for 1 site: "b"; give one for each$'):
        groups(VALUES.drop("b"), IDS, "sites")
    with pytest.raises(ProblemError, match=r'^kind: no group for 1 site: "b"; give one for each$'):
        groups(VALUES.where(VALUES != 2), IDS, "sites", what="kind")
    with pytest.raises(ProblemError, match=r'^limits: ids occur twice: "a"; give each once$'):
        in_order(pd.concat([VALUES, VALUES[["a"]]]), IDS, "limits")
    with pytest.raises(ProblemError, match=r'^by is "district"; give a Series with a value for each id of the origins'):
        groups("district", IDS)  # type: ignore[arg-type]
    with pytest.raises(ProblemError, match=r'^supply has no row for 1 facility: "d"; give one for each$'):
        amounts(VALUES, IDS.append(pd.Index(["d"])), what="supply", of="facilities")
    with pytest.raises(ProblemError, match=r'^demand: ids occur twice: "a"; give each once$'):
        weights(pd.concat([VALUES, VALUES[["a"]]]), IDS)


def test_unique_ids() -> None:
    assert unique_ids(["a", "b"], "sites").tolist() == ["a", "b"]
    assert unique_ids(IDS, "sites") is IDS
    with pytest.raises(ProblemError, match=r'^sites: ids occur twice: "a"; give each once$'):
        unique_ids(["a", "b", "a", "a"], "sites")
