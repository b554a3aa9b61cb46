"""Which sites are too small for those around them, counted by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest

import siting as st
from siting.propose.questions.upgrades import upgrade_sites

Make = Callable[..., st.Reach]


def between(ways: dict[tuple[str, str], float], sites: str) -> st.Reach:
    """Ways there and back."""
    rows = [(*pair, way) for (i, j), way in ways.items() for pair in [(i, j), (j, i)]]
    table = pd.DataFrame(rows, columns=["origin", "destination", "cost"])
    return st.Reach.from_pairs(table, origins=list(sites), destinations=list(sites), limit=3000.0)


def test_where_to_upgrade(reach_of: Make) -> None:
    """p and q are nearest to a: 50 + 20 against 40 beds. b has 30 idle beds, just enough; c is full and alone."""
    to_sites = reach_of({"a": {"p": 100.0, "q": 200.0}, "b": {"q": 250.0, "r": 90.0}, "c": {"t": 10.0}}, "pqrtu")
    need = pd.Series({"p": 50, "q": 20, "r": 10, "t": 45, "u": 99})
    capacity = pd.Series({"a": 40, "b": 40, "c": 30})
    found = upgrade_sites(to_sites, need, capacity, between({("a", "b"): 800.0}, "abc"))
    assert found.index.tolist() == ["a", "c", "b"]
    assert found["demand"].to_dict() == {"a": 70, "b": 10, "c": 45}  # u reaches none
    assert found["short"].to_dict() == {"a": 30, "b": 0, "c": 15}
    assert found["neighbour"].fillna("-").to_dict() == {"a": "b", "b": "-", "c": "-"}
    assert found["upgrade"].to_dict() == {"a": False, "b": False, "c": True}
    less = upgrade_sites(to_sites, need, capacity.where(capacity.index != "b", 39), between({("a", "b"): 800.0}, "abc"))
    assert less["upgrade"].to_dict() == {"a": True, "c": True, "b": False}


def test_sites_of_upgrades_must_be_the_same(reach_of: Make) -> None:
    one, two = reach_of({"a": "p"}, "p"), between({("a", "b"): 1.0}, "ab")
    with pytest.raises(st.errors.ProblemError, match='not in both reach and between: "b"'):
        upgrade_sites(one, pd.Series({"p": 1}), pd.Series({"a": 1}), two)


def test_upgrades_need_all_neighbours(reach_of: Make) -> None:
    to_sites = reach_of({"a": {"p": 100.0}, "b": {}}, "pq")
    near = replace(between({("a", "b"): 500.0}, "ab"), nearest_only=1)
    with pytest.raises(st.errors.ProblemError, match="between holds the nearest only"):
        upgrade_sites(to_sites, pd.Series({"p": 50, "q": 5}), pd.Series({"a": 30, "b": 40}), near)


def test_demand_beyond_every_site_is_named(reach_of: Make) -> None:
    to_sites = reach_of({"a": {"p": 100.0}, "b": {}}, "pqr")
    need = pd.Series({"p": 50, "q": 500, "r": 0})
    found = upgrade_sites(to_sites, need, pd.Series({"a": 30, "b": 40}), between({("a", "b"): 500.0}, "ab"))
    assert (found.attrs["beyond"], found.attrs["demand_beyond"]) == (("q",), 500)
    assert found["demand"].sum() + found.attrs["demand_beyond"] == need.sum()
