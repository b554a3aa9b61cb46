"""Networks from a place's name, downloaded by osmnx; needs a connection."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from siting.errors import NetworkError
from siting.messages import Message
from siting.network.from_networkx import parts_from_graph
from siting.network.osm_extract import TAGS
from siting.network.parts import Parts

log = logging.getLogger(__name__)

OFFLINE = Message("osm.offline")


def parts_from_place(name: str, *, crs: Any = None, walking: bool = True) -> Parts:
    """Download the streets of a place; see `Network.from_place`."""
    import osmnx as ox
    import requests
    from osmnx._errors import InsufficientResponseError, ResponseStatusCodeError

    if not isinstance(name, str) or not name.strip():
        raise NetworkError(Message("osm.no_name", value=name))
    log.info(Message("osm.asking", name=name))
    try:
        # All streets are asked for, with the tags of who may walk there: the profile decides.
        with _kept_tags(ox):
            graph = ox.graph_from_place(
                name, network_type="all", custom_filter='["highway"]', simplify=False, retain_all=True
            )
    except (requests.ConnectionError, requests.Timeout) as fault:
        raise NetworkError(Message("osm.not_reached", name=name, offline=OFFLINE)) from fault
    except (requests.RequestException, ResponseStatusCodeError) as fault:
        raise NetworkError(Message("osm.refused", name=name, why=str(fault), offline=OFFLINE)) from fault
    except (InsufficientResponseError, TypeError, ValueError) as fault:
        raise NetworkError(Message("osm.unknown_place", name=name, why=str(fault), offline=OFFLINE)) from fault
    # A street goes on through a bend, unless another tag begins there.
    graph = ox.simplify_graph(graph, edge_attrs_differ=TAGS)
    return parts_from_graph(graph, crs=crs, walking=walking)


@contextmanager
def _kept_tags(ox: Any) -> Iterator[None]:
    before = ox.settings.useful_tags_way
    ox.settings.useful_tags_way = sorted({*before, *TAGS})
    try:
        yield
    finally:
        ox.settings.useful_tags_way = before
