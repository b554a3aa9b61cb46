"""Networks from a place's name, downloaded by osmnx; needs a connection."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from siting.errors import NetworkError
from siting.network.from_networkx import parts_from_graph
from siting.network.osm_extract import TAGS
from siting.network.parts import Parts

log = logging.getLogger(__name__)

OFFLINE = "Network.from_osm(…) reads an extract (.osm.pbf) and Network.from_streets(…) a layer, both offline"


def parts_from_place(name: str, *, crs: Any = None, walking: bool = True) -> Parts:
    """Download the streets of a place; see `Network.from_place`."""
    import osmnx as ox
    import requests
    from osmnx._errors import InsufficientResponseError, ResponseStatusCodeError

    if not isinstance(name, str) or not name.strip():
        raise NetworkError(f'{name!r} is no name of a place; give it as in "Futian, Shenzhen, China"')
    log.info('asking the servers of OpenStreetMap for "%s"', name)
    try:
        # All streets are asked for, with the tags of who may walk there: the profile decides.
        with _kept_tags(ox):
            graph = ox.graph_from_place(
                name, network_type="all", custom_filter='["highway"]', simplify=False, retain_all=True
            )
    except (requests.ConnectionError, requests.Timeout) as fault:
        why = "the servers of OpenStreetMap cannot be reached; are you online?"
        raise NetworkError(f'"{name}": {why} {OFFLINE}') from fault
    except (requests.RequestException, ResponseStatusCodeError) as fault:
        remedy = f"try later, or {OFFLINE}"
        raise NetworkError(f'"{name}": the servers of OpenStreetMap refused: {fault}; {remedy}') from fault
    except (InsufficientResponseError, TypeError, ValueError) as fault:
        raise NetworkError(
            f'"{name}" is not known to OpenStreetMap as a place with an outline and streets in it ({fault}); write it '
            f'as in "Futian, Shenzhen, China". {OFFLINE}'
        ) from fault
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
