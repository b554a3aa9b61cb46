"""Sites added to a layer of facilities as if they were open."""

from __future__ import annotations

import pytest

import siting as st
from siting.measure.services import offering


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
