"""Networks from a place's name, downloaded through osmnx: for those who are online."""

from __future__ import annotations

import logging
from typing import Any

from siting.errors import NetworkError
from siting.network.graph import Network
from siting.network.graphs import network_from_graph

log = logging.getLogger(__name__)

OFFLINE = "Network.from_osm(…) reads an extract (.osm.pbf) and Network.from_streets(…) a layer, both offline"


def network_from_place(name: str, *, crs: Any = None, walking: bool = True) -> Network:
    """Build a network from a place's name; see `Network.from_place`."""
    import osmnx as ox
    import requests
    from osmnx._errors import InsufficientResponseError, ResponseStatusCodeError

    if not isinstance(name, str) or not name.strip():
        raise NetworkError(f'{name!r} is no name of a place; give it as in "Futian, Shenzhen, China"')
    log.info('"%s" is asked of the servers of OpenStreetMap', name)
    try:
        kind = "walk" if walking else "all"
        graph = ox.graph_from_place(name, network_type=kind, simplify=True, retain_all=True)
    except (requests.ConnectionError, requests.Timeout) as fault:
        raise NetworkError(
            f'"{name}": the servers of OpenStreetMap cannot be reached; are you online? {OFFLINE}'
        ) from fault
    except (requests.RequestException, ResponseStatusCodeError) as fault:
        raise NetworkError(
            f'"{name}": the servers of OpenStreetMap refused: {fault}; try later, or {OFFLINE}'
        ) from fault
    except (InsufficientResponseError, TypeError, ValueError) as fault:
        raise NetworkError(
            f'"{name}" is not known to OpenStreetMap as a place with an outline and streets in it ({fault}); write it '
            f'as in "Futian, Shenzhen, China". {OFFLINE}'
        ) from fault
    return network_from_graph(graph, crs=crs, walking=walking)
