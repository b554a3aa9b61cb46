"""Whom a service is for, which facilities and sites serve it, and sites added as if they were open."""

from __future__ import annotations

from collections.abc import Callable

import geopandas as gpd
import pandas as pd
import pytest

import siting as st
from siting.errors import LayerError
from siting.measure.services import offering, open_to_all, people_column, set_apart, walker


def test_new_facilities_hold_what_their_site_can_hold(sample: dict) -> None:
    before = sample["childcare"]
    after = st.measure.with_sites(before, sample["candidates"], ["S001", "S002"], facility_type="托育机构")
    assert after.columns.tolist() == before.columns.tolist()
    assert after.dtypes.equals(before.dtypes)
    assert after.crs == before.crs
    assert after.loc[before.index].equals(before)
    new = after.loc[["S001", "S002"]]
    assert new["places"].tolist() == sample["candidates"].loc[["S001", "S002"], "max_places"].tolist()
    assert (new[["inclusive_places", "enrolled"]] == 0).all(axis=None)
    assert new["open_to_neighbours"].all()
    assert set(new["facility_type"]) == {"托育机构"}


def test_an_audit_of_a_plan_is_set_beside_that_of_today(sample: dict) -> None:
    rate = st.load_standard("jinhua").select(kind="places_per_1000_residents", year=2025)
    more = st.measure.with_sites(sample["childcare"], sample["candidates"], ["S001", "S002"], facility_type="托育机构")
    today = st.audit(rate, sample, year=2025)
    both = today.compare(st.audit(rate, sample | {"childcare": more}, year=2025))
    people = sample["communities"]["population"].sum()
    assert both["change"].tolist() == pytest.approx([1000 * 95 / people])


def test_strange_sites_and_types_are_refused(sample: dict) -> None:
    care, sites = sample["childcare"], sample["candidates"]
    with pytest.raises(st.errors.ProblemError, match='no candidates, or facilities already: "X"'):
        st.measure.with_sites(care, sites, ["X"], facility_type="托育机构")
    with pytest.raises(st.errors.ProblemError, match="facility_type="):
        st.measure.with_sites(care, sites, ["S001"])
    plain = care.drop(columns="facility_type")
    assert "facility_type" not in st.measure.with_sites(plain, sites, ["S001"])


def test_a_site_that_does_not_say_what_it_holds(sample: dict) -> None:
    sites = sample["candidates"].astype({"max_places": float})
    sites.loc["S001", "max_places"] = float("nan")
    with pytest.raises(st.errors.ProblemError, match='"max_places" is missing or not a number for "S001"'):
        st.measure.with_sites(sample["childcare"], sites, ["S001", "S002"], facility_type="托育机构")
    assert len(st.measure.with_sites(sample["childcare"].iloc[:0], sites, "S002", facility_type="托育机构")) == 1


@pytest.mark.parametrize("services", ["childcare ; eldercare", " childcare", "eldercare； childcare "])
def test_blanks_do_not_hide_a_service(sample: dict, services: str) -> None:
    assert len(offering(sample["candidates"].iloc[:3].assign(services=services), "childcare")) == 3


def test_who_a_service_is_for() -> None:
    assert [people_column(service) for service in ("childcare", "eldercare", "culture")] == [
        "infants", "elderly", "population",
    ]  # fmt: skip


def test_who_walks_to_a_service() -> None:
    kinds = [walker(service, None) for service in ("childcare", "eldercare", "culture")]
    assert kinds == [st.Walk.carer(), st.Walk.elder(), st.Walk.adult()]
    slow = st.Walk(40)
    assert walker("childcare", slow) is slow
    assert walker("childcare", {"childcare": slow}) is slow
    assert walker("eldercare", {"childcare": slow}) == st.Walk.elder()


def test_facilities_open_to_all(layer: Callable[..., gpd.GeoDataFrame]) -> None:
    three = layer({"a": (0, 0), "b": (1, 0), "c": (2, 0)}, open_to_neighbours=[True, False, True])
    assert open_to_all(three).index.tolist() == ["a", "c"]
    assert open_to_all(three.drop(columns="open_to_neighbours")).index.tolist() == ["a", "b", "c"]
    with pytest.raises(LayerError, match='neither True nor False in 2 rows: "a", "c"'):
        open_to_all(three.assign(open_to_neighbours=["yes", False, None]))


@pytest.mark.parametrize(
    ("service", "column"), [("childcare", "places"), ("eldercare", "beds"), ("culture", "capacity")]
)
def test_facilities_that_stand_apart(service: str, column: str) -> None:
    """Closed to neighbours comes first; then those that state no capacity: 0, blank, or no number."""
    rows = {"open_to_neighbours": [True, False, False, True, True, True], column: [30, 10, 0, 0, None, "some"]}
    marks = set_apart(pd.DataFrame(rows), service)
    assert marks.tolist() == ["", "not_open", "not_open", *[f"no_{column}"] * 3]
    assert set_apart(pd.DataFrame({"name": ["x", "y"]}, index=["a", "b"]), service).to_dict() == {"a": "", "b": ""}


def test_candidates_that_could_house_a_service(layer: Callable[..., gpd.GeoDataFrame]) -> None:
    sites = layer({"a": (0, 0), "b": (1, 0), "c": (2, 0)}, services=["childcare;eldercare", "养老", "养老托育"])
    assert offering(sites, "childcare").index.tolist() == ["a", "c"]
    assert offering(sites, "eldercare").index.tolist() == ["a", "b", "c"]
    with pytest.raises(LayerError, match=r'candidates.assign\(services="childcare"\)'):
        offering(sites.drop(columns="services"), "childcare")
    with pytest.raises(LayerError, match=r'"service" looks like it: columns=\{"services": "service"\}'):
        offering(sites.rename(columns={"services": "service"}), "childcare")


def test_services_that_are_not_understood_are_reported(
    layer: Callable[..., gpd.GeoDataFrame], caplog: pytest.LogCaptureFixture
) -> None:
    sites = layer({"a": (0, 0), "b": (1, 0)}, services=["swimming", "eldercare"])
    assert offering(sites, "childcare").empty
    assert 'no site offers childcare; words in "services" that are not understood: "a: swimming"' in caplog.text
    caplog.clear()
    assert offering(sites, "eldercare").index.tolist() == ["b"]
    assert not caplog.text
