"""The layers of a study: read from files and databases, or made from one another; and the network of its streets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from siting.data import check_layer, check_together
from siting.errors import SitingError
from siting.messages import Message
from siting.network import Network
from siting.study.columns import with_columns
from siting.study.inputs import OF_EXTRACTS, OF_LINES
from siting.study.rows import rows_where
from siting.study.values import Study

__all__ = ["read_layers", "with_network"]

#: What the data of OpenStreetMap ask for.
OSM = "© OpenStreetMap contributors (ODbL 1.0)"


def read_layers(study: Study) -> dict[str, Any]:
    """Read the layers of a study, each from its source, but for streets that are no layer.

    Raises
    ------
    SitingError
        When a layer cannot be used; with its line.
    """
    read: dict[str, Any] = {}
    streets = study.layers["streets"]
    names = [name for name in study.layers if name != "streets" or not (streets.is_extract or streets.is_network)]
    wrong: list[SitingError] = []
    for name in names:
        try:
            _read(study, name, read)
        except SitingError as error:
            wrong += [error] if all(error is not other for other in wrong) else []
    if len(wrong) > 1:
        raise SitingError(Message("study.layers", n=len(wrong), error=[error.message for error in wrong]))
    if wrong:
        raise wrong[0]
    return {name: read[name] for name in names}


def with_network(study: Study, layers: Mapping[str, Any]) -> tuple[dict[str, Any], Network]:
    """Build the network, and return all layers with it: streets of an extract or a saved network are its edges."""
    source = study.layers["streets"]
    with study.blaming("layers", "streets"):
        if source.is_network:
            network = Network.load(str(source.path))
        elif source.is_extract:
            given = source.given(OF_EXTRACTS)
            area = {"area": layers[source.area]} if source.area else {}
            network = Network.from_osm(str(source.path), crs=study.crs, **{**given, **area})
        else:
            network = Network.from_streets(layers["streets"], crs=study.crs, **source.given(OF_LINES))
    streets = layers.get("streets")
    if streets is None:
        streets = network.edges
        if source.is_extract:
            streets.attrs["attribution"] = OSM
    found = {name: streets if name == "streets" else layers[name] for name in study.layers}
    check_together(found, "streets")
    return found, network


def _read(study: Study, name: str, read: dict[str, Any]) -> Any:
    if name not in read:
        source, kind = study.layers[name], study.role_of(name)
        with study.blaming("layers", name):
            if source.from_ is None:
                frame = source.read(name, strict=study.strict, datum=study.datum)
            else:
                frame = _read(study, source.from_, read)
                if kind != study.role_of(source.from_):
                    frame = check_layer(frame, kind, strict=study.strict)
        if source.where is not None:
            with study.blaming("layers", name, "where"):
                frame = rows_where(frame, source.where, name=name, kind=kind)
        if source.set is not None:
            with study.blaming("layers", name, "set"):
                frame = with_columns(frame, source.set, name=name, kind=kind)
        read[name] = frame
    return read[name]
