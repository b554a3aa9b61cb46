"""Layers put together: one CRS, ids that differ, the columns of all."""

from __future__ import annotations

import logging

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import siting as st
from siting.errors import LayerError, NetworkError, ProblemError, SitingError


def layer(crs: object, name: str = "geometry", **lon: float) -> gpd.GeoDataFrame:
    where = gpd.points_from_xy(list(lon.values()), [29.0] * len(lon))
    return gpd.GeoDataFrame({name: where}, geometry=name, index=pd.Index(list(lon), name="id"), crs=crs)


@pytest.fixture(name="network")
def _network() -> st.Network:
    street = shapely.LineString([(120, 29), (120.01, 29)])
    return st.Network.from_streets(gpd.GeoDataFrame(geometry=[street], crs=4326))


def test_layers_in_three_systems_are_reached_together(network: st.Network) -> None:
    """0.001° of the parallel of 29° are 97.4 m."""
    plots = layer(4490, plot=120.003)
    schools = layer(4326, school=120.004).to_crs(4549)
    sites = st.data.combine_layers(layer(4326, nursery=120.002), plots, schools)
    assert sites.crs.to_epsg() == 4326
    assert plots.crs.to_epsg() == 4490
    reach = st.travel(network, layer(4326, home=120.0), sites, metres=500)
    assert reach.pairs()["cost"].round().tolist() == [195, 292, 390]
    assert st.data.combine_layers(plots, schools, crs="EPSG:4549").total_bounds[0] > 500_000


def test_columns_are_united_and_geometry_may_have_any_name() -> None:
    there = layer(4326, name="geom", a=120.0).assign(places=[60], name="甲")
    soon = layer(4490, b=120.1).assign(cost=[90.5], name="乙")
    both = st.data.combine_layers(there, soon)
    assert both.active_geometry_name == "geometry"
    assert both.index.name == "id"
    assert both["name"].tolist() == ["甲", "乙"]
    assert both["places"].iloc[0] == 60
    assert np.isnan(both["places"].iloc[1])
    assert np.isnan(both["cost"].iloc[0])
    assert "geom" in there.columns


def test_the_notice_of_made_up_data_stays(sample: dict[str, gpd.GeoDataFrame]) -> None:
    bare = sample["childcare"].copy()
    bare.attrs = {}
    both = st.data.combine_layers(bare, sample["candidates"])
    assert both.attrs["notice"] == sample["candidates"].attrs["notice"]
    assert both.attrs["source"] == "layer 1 + sample.gpkg:candidates"
    assert len(both) == len(bare) + len(sample["candidates"])


def test_a_layer_without_rows_changes_nothing() -> None:
    some = layer(4326, a=120.0).assign(places=[60])
    both = st.data.combine_layers(some.iloc[:0].to_crs(4549), some)
    assert both.crs.to_epsg() == 4549
    assert both["places"].dtype == np.int64
    assert st.data.combine_layers([some, layer(4326, b=120.0)]).index.tolist() == ["a", "b"]
    assert len(st.data.combine_layers(some.iloc[:0])) == 0


def test_ids_that_stand_twice_are_told_with_their_layers() -> None:
    one, two = layer(4326, a=120.0, b=120.1), layer(4490, b=120.2, c=120.3)
    one.attrs["source"], two.attrs["source"] = "now.gpkg", "plots.gpkg"
    with pytest.raises(LayerError, match=r'now.gpkg and plots.gpkg: ids stand more than once: "b"; make them differ'):
        st.data.combine_layers(one, two)


def test_what_is_no_layer_is_told() -> None:
    with pytest.raises(SitingError, match="no layer is given"):
        st.data.combine_layers()
    with pytest.raises(SitingError, match="layer 2 is a DataFrame"):
        st.data.combine_layers(layer(4326, a=120.0), pd.DataFrame())
    with pytest.raises(LayerError, match="layer 2: has no CRS"):
        st.data.combine_layers(layer(4326, a=120.0), layer(None, b=120.0))


def test_an_old_datum_is_told_on_the_way(caplog: pytest.LogCaptureFixture) -> None:
    old = layer(4214, b=120.1)
    with caplog.at_level(logging.WARNING, "siting"):
        st.data.combine_layers(layer(4326, a=120.0), old)
    assert "from the datum Beijing 1954 to WGS 84 without a shift" in caplog.text


@pytest.mark.parametrize("several", [list, tuple, lambda both: dict(enumerate(both))])
def test_several_layers_at_once_are_no_layer(network: st.Network, several: object) -> None:
    assert callable(several)
    both = several([layer(4326, a=120.0), layer(4490, b=120.001)])
    calls = (
        lambda: st.travel(network, both, both, metres=500),
        lambda: network.locate(both),
        lambda: st.straight_line(both, both, metres=500),
        lambda: st.service_areas(network, both, metres=500),
    )
    for call in calls:
        with pytest.raises(
            (LayerError, NetworkError, ProblemError), match=r"is a .*; give one GeoDataFrame .*combine_layers"
        ):
            call()


def test_the_notice_is_that_of_the_first_layer_that_has_one() -> None:
    one, two, three = layer(4326, a=120), layer(4326, b=120), layer(4326, c=120)
    two.attrs, three.attrs = {"notice": {"en": "two"}}, {"notice": {"en": "three"}, "attribution": "three"}
    both = st.data.combine_layers(one, two, three)
    assert both.attrs["notice"] == {"en": "two"}
    assert both.attrs["attribution"] == "three"
