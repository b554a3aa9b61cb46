"""Warning of places that lie off the streets as a wrong datum would."""

from __future__ import annotations

import logging

import numpy as np

from siting.data.datum_offsets import describe, find_offset, read_as
from siting.network import point_kernels, segment_kernels
from siting.network.parts import Parts
from siting.numbers import Floats

log = logging.getLogger(__name__)


def warn_of_datum(network: Parts, xy: Floats, name: str, converted: object = None) -> None:
    """Log a constant offset of places from the streets that a wrong datum explains; see `siting.data.datum_offset`."""

    def metres_to(places: Floats) -> Floats:
        x, y = np.ascontiguousarray(places[:, 0]), np.ascontiguousarray(places[:, 1])
        edge, share, away = np.zeros(len(x), np.int32), np.zeros(len(x)), np.zeros(len(x))
        order = np.argsort(point_kernels.hilbert(x, y, 16), kind="stable")
        segment_kernels.nearest(network.segments, x, y, order, np.zeros(0, np.bool_), edge, share, away)
        return away

    found = find_offset(xy, network.crs, metres_to)
    if found is not None:
        log.warning("%s: %s", name, describe(found, "the streets", read_as(found.datums, converted)))
