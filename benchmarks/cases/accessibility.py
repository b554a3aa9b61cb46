"""Supply per head: floating catchments over a table of costs."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

import siting as st
from benchmarks import ours
from benchmarks.measure import Peer, Row, compare, nearly_equal
from benchmarks.sizes import Size

__all__ = ["accessibility"]

METRES = 800.0
ZONES = {300.0: 1.0, 500.0: 0.68, 800.0: 0.22}
TARGET = 20


def accessibility(size: Size) -> Iterator[Row]:
    """Measure 2SFCA, E2SFCA and 3SFCA where one pair in a hundred is within the limit."""
    from benchmarks.peers import by_access
    from siting.measure.decay import gaussian, steps

    rng = np.random.default_rng(11)
    n, m = size.sources, size.facilities
    where = rng.choice(n * m, n * m // 100, replace=False)
    homes, sites = (pd.Index([f"{kind}{k:06d}" for k in range(many)]) for kind, many in (("c", n), ("f", m)))
    pairs = pd.DataFrame(
        {"origin": homes[where // m], "destination": sites[where % m], "cost": rng.uniform(0, METRES, len(where))}
    )
    reach = st.Reach.from_pairs(pairs, origins=homes, destinations=sites, limit=METRES)
    heads = ours.weights(rng.integers(1, 500, n).astype(float), homes, "infants")
    places = ours.weights(rng.integers(5, 120, m).astype(float), sites, "places")
    model = by_access.model(heads, places, pairs)
    zones, edge = by_access.step_weights(ZONES), math.exp(-0.5)
    measured = ours.public("accessibility", "siting.measure.accessibility")

    def bell(cost: float) -> float:
        return (math.exp(-0.5 * (cost / METRES) ** 2) - edge) / (1 - edge)

    for work, method, decay, call, weight in (
        ("2SFCA", "2sfca", None, "two_stage_fca", None),
        ("E2SFCA, three zones", "e2sfca", steps(ZONES), "enhanced_two_stage_fca", zones),
        ("E2SFCA, gaussian", "e2sfca", gaussian(METRES), "enhanced_two_stage_fca", bell),
        ("3SFCA, three zones", "3sfca", steps(ZONES), "three_stage_fca", zones),
    ):

        def mine(method: str = method, decay: object = decay) -> pd.DataFrame:
            found: pd.DataFrame = measured(reach, heads, places, method=method, decay=decay)
            return found

        def theirs(call: str = call, weight: object = weight) -> object:
            return by_access.measure(model, call, METRES, weight)  # type: ignore[arg-type]

        equal = nearly_equal(mine()["access"], theirs(), "access", relative=1e-12, of="scores")  # type: ignore[arg-type]
        said = f"{n:,} communities, {m:,} facilities, {len(reach):,} pairs"
        peer = Peer(f"access {call}", theirs, target=TARGET, checked=equal)
        yield from compare(f"accessibility: {work}", said, mine, [peer], rounds=3 * size.rounds)
