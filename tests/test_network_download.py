"""Networks from a place's name; nothing here asks the net."""

from __future__ import annotations

from typing import Any, ClassVar

import networkx as nx
import pytest
import requests

import siting as st
from siting.errors import NetworkError

osmnx = pytest.importorskip("osmnx")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Answer in place of osmnx with two streets, and note what was asked."""
    calls: list[tuple[str, dict[str, Any]]] = []
    graph: nx.MultiDiGraph[int] = nx.MultiDiGraph(crs="EPSG:4326")
    for node, x in ((1, 114.000), (2, 114.001), (3, 114.002)):
        graph.add_node(node, x=x, y=22.5)
    for a, b, kind in ((1, 2, "residential"), (2, 1, "residential"), (2, 3, "motorway")):
        graph.add_edge(a, b, highway=kind, osmid=7)

    def answer(name: str, **options: Any) -> Any:
        calls.append((name, options))
        return graph

    monkeypatch.setattr(osmnx, "graph_from_place", answer)
    return calls


def fails(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    """Let the request that osmnx sends to the servers fail."""

    def get(*_: Any, **__: Any) -> None:
        raise fault

    monkeypatch.setattr(osmnx.settings, "use_cache", False)
    monkeypatch.setattr(osmnx.settings, "overpass_rate_limit", False)
    for call in ("get", "post"):
        monkeypatch.setattr(requests, call, get)


def test_a_place_becomes_a_network(asked: list[tuple[str, dict[str, Any]]]) -> None:
    network = st.Network.from_place("福田区, 深圳")
    wanted = {"network_type": "all", "custom_filter": '["highway"]', "simplify": False, "retain_all": True}
    assert asked == [("福田区, 深圳", wanted)]
    assert (len(network.nodes), len(network.edges)) == (2, 1)
    assert network.left_out == {"motorway": 1}
    assert network.crs.to_epsg() == 4547


def test_not_only_for_walkers(asked: list[tuple[str, dict[str, Any]]]) -> None:
    network = st.Network.from_place("Futian", walking=False, crs="EPSG:32650")
    assert asked[0][1]["custom_filter"] == '["highway"]'
    assert len(network.edges) == 2
    assert network.crs.to_epsg() == 32650


def test_tags_that_say_who_may_walk_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Along y = 0 five nodes: a street, its private part, a trunk road with a sidewalk; node 2 is a bend only."""
    before = list(osmnx.settings.useful_tags_way)
    graph: nx.MultiDiGraph[int] = nx.MultiDiGraph(crs="EPSG:4326")
    for node in range(5):
        graph.add_node(node, x=114 + node / 1000, y=22.5)
    tags = [{"highway": "service"}] * 2 + [{"highway": "service", "access": "private"}]
    for a, at in enumerate([*tags, {"highway": "trunk", "sidewalk:both": "yes"}]):
        for u, v in ((a, a + 1), (a + 1, a)):
            graph.add_edge(u, v, osmid=a, **at)

    def answer(name: str, **options: Any) -> Any:
        assert {"foot", "sidewalk", "sidewalk:both", "motorroad", "access"} <= set(osmnx.settings.useful_tags_way)
        return graph

    monkeypatch.setattr(osmnx, "graph_from_place", answer)
    network = st.Network.from_place("Futian")
    assert osmnx.settings.useful_tags_way == before
    assert sorted(network.metres.round(-1).tolist()) == [100, 100, 210]  # 102.9 m each
    private = network.columns["private"].to_numpy()
    assert network.metres[private].round(-1).tolist() == [100]
    assert network.columns["highway"][~private].sort_values().tolist() == ["service", "trunk"]


@pytest.mark.slow
@pytest.mark.parametrize("fault", [requests.ConnectionError("no route"), requests.Timeout("too long")])
def test_offline(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    fails(monkeypatch, fault)
    with pytest.raises(NetworkError, match=r"are you online\? .*from_osm.*from_streets.*offline"):
        st.Network.from_place("Futian, Shenzhen, China")


@pytest.mark.slow
def test_a_server_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """A real request, to a port of this machine where nothing listens."""
    monkeypatch.setattr(osmnx.settings, "use_cache", False)
    monkeypatch.setattr(osmnx.settings, "nominatim_url", "http://127.0.0.1:9/")
    monkeypatch.setattr(osmnx.settings, "requests_kwargs", {"proxies": {"http": "", "https": ""}})
    with pytest.raises(NetworkError, match="are you online"):
        st.Network.from_place("Futian, Shenzhen, China")


@pytest.mark.slow
def test_a_server_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    fails(monkeypatch, requests.HTTPError("403"))
    with pytest.raises(NetworkError, match="refused: 403; try later"):
        st.Network.from_place("Futian")


@pytest.mark.slow
def test_an_unknown_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nominatim answers with an empty list."""

    class Empty:
        ok, status_code, reason, text, content = True, 200, "OK", "[]", b"[]"
        url = "http://localhost/"
        headers: ClassVar[dict[str, str]] = {}

        @staticmethod
        def json() -> list[Any]:
            return []

    monkeypatch.setattr(osmnx.settings, "use_cache", False)
    monkeypatch.setattr(requests, "get", lambda *_, **__: Empty())
    with pytest.raises(NetworkError, match=r'"Nowhere" is not known to OpenStreetMap .*Futian, Shenzhen'):
        st.Network.from_place("Nowhere")


@pytest.mark.parametrize("name", ["", "  ", None, 7])
def test_a_name_is_a_name(name: Any) -> None:
    with pytest.raises(NetworkError, match="no name of a place"):
        st.Network.from_place(name)
