"""Row 17: amounts that are missing, infinite or not exact, in every type of column and every question."""

from __future__ import annotations

import decimal
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import siting as st
from siting import measure, propose
from siting.errors import SitingError
from siting.numbers import floats
from siting.propose.problem import Budget, Capacity

HOMES, SITES = list("abc"), list("xy")
PAIRS = pd.DataFrame({"origin": list("aabbc"), "destination": list("xyxyy"), "cost": [100.0, 200, 300, 50, 400]})
REACH = st.Reach.from_pairs(PAIRS, origins=HOMES, destinations=SITES, limit=500)
PEOPLE, PLACES = pd.Series([3, 4, 5], HOMES), pd.Series([6, 7], SITES)

#: Two values of which the second is no amount: every type of column that may hold one.
BAD: dict[str, Any] = {
    "Int64": pd.array([1, pd.NA], "Int64"), "Float64": pd.array([1.0, pd.NA], "Float64"),
    "Arrow int": pd.array([1, None], pd.ArrowDtype(pa.int64())),
    "Arrow float": pd.array([1.0, None], pd.ArrowDtype(pa.float64())),
    "Arrow decimal": pd.array([decimal.Decimal(1), None], pd.ArrowDtype(pa.decimal128(9, 2))),
    "Arrow text": pd.array(["1", None], pd.ArrowDtype(pa.string())), "string": pd.array(["1", pd.NA], "string"),
    "boolean": pd.array([True, pd.NA], "boolean"), "category": pd.Categorical([1, None]),
    "object NA": np.array([1, pd.NA], object), "object None": np.array([1, None], object),
    "object NaT": np.array([1, pd.NaT], object), "list": np.array([1, [2]], object), "dict": np.array([1, {}], object),
    "NaN": [1, math.nan], "inf": [1, math.inf], "-inf": [1, -math.inf], "negative": [1, -5], "text": ["1", "many"],
    "huge int": np.array([1, 10**400], object), "1e30": [1, 1e30], "2^53": [1, 2**53], "2^63": [1, 2**63 + 5],
    "complex": np.array([1, 2j], object), "date": np.array([1, pd.Timestamp("2026-01-01")], object),
    "sparse": pd.arrays.SparseArray([1.0, math.nan]),
}  # fmt: skip

Call = Callable[[pd.Series], Any]


def solved(*rules: Any, demand: Any = PEOPLE) -> Any:
    return st.solve(st.MaxCoverage(), REACH, demand=demand, rules=[st.AtMost(1), *rules])


#: Of communities: a call with people.
BY_HOME: dict[str, Call] = {
    "coverage": lambda s: st.coverage(REACH, s),
    "accessibility demand": lambda s: st.accessibility(REACH, s, PLACES),
    "idle_nearby demand": lambda s: measure.idle_nearby(REACH, s, used=PLACES, capacity=PLACES, per_1000=5),
    "inequality values": lambda s: measure.inequality(s, PEOPLE),
    "inequality people": lambda s: measure.inequality(PEOPLE, s),
    "solve demand": lambda s: solved(demand=s),
    "huff demand": lambda s: measure.huff(REACH, s, decay=st.decay.exponential(0.01)),
    "WhatIf demand": lambda s: st.WhatIf(REACH, s, open=["x"]),
    "assign demand": lambda s: st.assign(REACH, s, PLACES),
    "limits by home": lambda s: st.coverage(REACH, PEOPLE, limit=s),
}
#: Of sites: a call with places or costs.
BY_SITE: dict[str, Call] = {
    "accessibility supply": lambda s: st.accessibility(REACH, PEOPLE, s),
    "huff attractiveness": lambda s: measure.huff(REACH, PEOPLE, s, decay=st.decay.exponential(0.01)),
    "MaxMarketShare attractiveness": lambda s: st.solve(
        st.MaxMarketShare(attractiveness=s, decay=st.decay.exponential(0.01)),
        REACH,
        demand=PEOPLE,
        rules=[st.AtMost(1)],
    ),
    "idle_nearby capacity": lambda s: measure.idle_nearby(REACH, PEOPLE, used=PLACES, capacity=s, per_1000=5),
    "idle_nearby used": lambda s: measure.idle_nearby(REACH, PEOPLE, used=s, capacity=PLACES, per_1000=5),
    "utilisation": lambda s: measure.utilisation(pd.DataFrame(index=SITES), used=s, capacity=PLACES),
    "solve budget": lambda s: solved(Budget(5, s)),
    "solve capacity": lambda s: solved(Capacity(s)),
    "solve capacity least": lambda s: solved(Capacity(PLACES, least=s)),
    "assign capacity": lambda s: st.assign(REACH, PEOPLE, s),
}


def series(cells: Any, ids: list[str]) -> pd.Series:
    """Make the bad amount that of the last id."""
    column = pd.Series(cells)
    rest = pd.concat([column.iloc[:1]] * (len(ids) - 1) + [column.iloc[1:]])
    return rest.astype(column.dtype).set_axis(ids)


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("call", BY_HOME)
def test_amounts_of_communities_name_the_row(call: str, kind: str) -> None:
    if call in ("limits by home", "inequality values") and kind in ("1e30", "2^53", "2^63"):
        pytest.skip("a distance is no count")
    if call == "limits by home" and kind == "inf":
        pytest.skip("no limit")
    with pytest.raises(SitingError, match='"c'):
        BY_HOME[call](series(BAD[kind], HOMES))


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("call", BY_SITE)
def test_amounts_of_sites_name_the_row(call: str, kind: str) -> None:
    with pytest.raises(SitingError, match='"y'):
        BY_SITE[call](series(BAD[kind], SITES))


@pytest.mark.parametrize("kind", BAD)
def test_costs_of_a_travel_table_name_the_row(kind: str) -> None:
    if kind in ("1e30", "2^53", "2^63"):
        pytest.skip("beyond any limit: the pair is left out")
    table = PAIRS.iloc[:2].assign(cost=pd.Series(BAD[kind]).set_axis(PAIRS.index[:2]))
    with pytest.raises(SitingError, match='1 pair, at rows "1"'):
        st.Reach.from_pairs(table, origins=HOMES, destinations=SITES, limit=500)


@pytest.mark.parametrize(
    "dtype", ["Int64", "Float64", "int64[pyarrow]", "double[pyarrow]", "string", "object", "category"]
)
def test_whole_columns_of_every_type_count_alike(dtype: str) -> None:
    people = PEOPLE.astype(str if dtype == "string" else int).astype(dtype)
    assert st.coverage(REACH, people)["total"].tolist() == [12.0]
    assert propose.solve(st.MaxCoverage(), REACH, demand=people, rules=[st.AtMost(1)]).covered == 12
    assert floats(people).tolist() == [3, 4, 5]


@pytest.mark.parametrize(("value", "message"), [(1e30, "or more for"), (math.inf, "infinite"), (math.nan, "blank")])
def test_amounts_of_layers_to_judge_name_the_row(value: float, message: str) -> None:
    town = st.load_sample()
    homes = town["communities"].astype({"population": float})
    homes.iloc[3, homes.columns.get_loc("population")] = value
    with pytest.raises(SitingError, match=rf'{message}.*"?{homes.index[3]}'):
        st.audit(st.load_standard("jinhua"), {**town, "communities": homes}, year=2025, scope="whole")
    with pytest.raises(SitingError, match=rf'{message}.*"?{homes.index[3]}'):
        st.provision(st.load_standard("jinhua"), homes)


@pytest.mark.parametrize("value", ["many", math.inf])
def test_amounts_on_a_map_name_the_row(value: Any) -> None:
    town = st.load_sample()
    homes = town["communities"].astype({"infants": object})
    homes.iloc[3, homes.columns.get_loc("infants")] = value
    with pytest.raises(SitingError, match=f'"infants" is not a number in 1 of .* rows: "{homes.index[3]}"'):
        st.draw_map({"communities": homes, "childcare": town["childcare"]})


def test_sums_that_are_not_exact_are_refused() -> None:
    with pytest.raises(SitingError, match=r"adds up to 1\.35e\+16; from 2\^53 on numbers are not exact"):
        st.coverage(REACH, pd.Series([2**52] * 3, HOMES))
