"""GraphML files, read safely: a foreign file must not fill the memory or open other files."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError
from xml.parsers import expat

from siting.data.source import warnings_logged
from siting.errors import NetworkError
from siting.messages import Message

if TYPE_CHECKING:
    import networkx as nx

#: Larger files are refused: a graph takes some ten times as much memory as its file.
MOST_BYTES = 2**30
_REMOTE = re.compile(r"://|^[\\/]+vsi", re.IGNORECASE)


class _ElementFoundError(Exception):
    """The first element has begun, after which XML declares nothing more."""


def read_graphml(path: str | os.PathLike[str]) -> nx.Graph[Any]:
    """Read the graph of a GraphML file; NetworkError for an absent, too large or unsafe file, or another kind."""
    import networkx as nx

    if _REMOTE.search(os.fspath(path)):
        raise NetworkError(Message("reading.remote", file=os.fspath(path)))
    file = Path(path)
    if not file.is_file():
        raise NetworkError(Message("file.absent", file=str(file)))
    if file.stat().st_size > MOST_BYTES:
        raise NetworkError(Message("graph.too_large", file=str(file), most=MOST_BYTES / 2**30))
    _look(file)
    try:
        with file.open("rb") as stream, warnings_logged(str(file)):
            graph: nx.Graph[Any] = nx.read_graphml(stream)
    except (nx.NetworkXError, ParseError, ValueError, KeyError, TypeError, StopIteration) as fault:
        raise NetworkError(Message("graph.unread", file=str(file), why=str(fault))) from fault
    return graph


def _look(file: Path) -> None:

    def refuse(*_: Any) -> None:
        raise NetworkError(Message("graph.doctype", file=str(file)))

    def begin(name: str, _: Any) -> None:
        if name.rpartition(":")[2] != "graphml":
            raise NetworkError(Message("graph.other_xml", file=str(file), name=name))
        raise _ElementFoundError

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = begin
    try:
        with file.open("rb") as stream:
            parser.ParseFile(stream)
    except _ElementFoundError:
        return
    except expat.ExpatError as fault:
        raise NetworkError(Message("graph.no_graphml", file=str(file), why=str(fault))) from fault
