"""Warning of places that lie off the streets as a wrong datum would."""

from __future__ import annotations

import logging
from functools import partial

import numpy as np

from siting.data.datum_offsets import describe, find_offset, read_as
from siting.messages import Message
from siting.network import point_kernels, segment_kernels
from siting.network.parts import Parts
from siting.network.places import Places
from siting.numbers import Floats

log = logging.getLogger(__name__)


def warned_of_datum(network: Parts, placed: Places, name: str, converted: object = None) -> Places:
    """Return the places; log a constant offset from the streets that a wrong datum explains."""
    found = find_offset(placed.xy, network.crs, partial(metres_to_streets, network))
    if found is not None:
        said = describe(found, Message("network.the_streets"), read_as(found.datums, converted))
        log.warning(said.within(name))
    return placed


def metres_to_streets(network: Parts, xy: Floats) -> Floats:
    """Return the distance of each of some places to the nearest street."""
    x, y = np.ascontiguousarray(xy[:, 0]), np.ascontiguousarray(xy[:, 1])
    edge, share, away = np.zeros(len(x), np.int32), np.zeros(len(x)), np.zeros(len(x))
    order = np.argsort(point_kernels.hilbert(x, y, 16), kind="stable")
    segment_kernels.nearest(network.segments, x, y, order, np.zeros(0, np.bool_), edge, share, away)
    return away
