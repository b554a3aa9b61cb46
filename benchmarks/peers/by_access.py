"""access (PySAL): floating catchments in pandas; it weighs each pair by a call of a Python function."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from access import Access, weights  # type: ignore[import-untyped, unused-ignore]

from benchmarks.city import Floats

__all__ = ["measure", "model", "step_weights"]


def model(demand: pd.Series, supply: pd.Series, pairs: pd.DataFrame) -> Any:
    """Hold heads, supply and the table of costs as it wants them."""
    logging.getLogger("access").setLevel(logging.WARNING)  # it says at each call that it overwrites a column
    return Access(
        demand_df=demand.rename("demand").rename_axis("id").reset_index(), demand_index="id", demand_value="demand",
        supply_df=supply.rename("supply").rename_axis("id").reset_index(), supply_index="id", supply_value="supply",
        cost_df=pairs.copy(), cost_origin="origin", cost_dest="destination", cost_name="cost",
    )  # fmt: skip


def step_weights(zones: dict[float, float]) -> Callable[[float], float]:
    """Return its own function of zones."""
    found: Callable[[float], float] = weights.step_fn(zones)
    return found


def measure(made: Any, call: str, limit: float, weight: Callable[[float], float] | None = None) -> Floats:
    """Run one of its measures, and return the column that it adds; 0 for NaN, which it has where nothing is reached."""
    getattr(made, call)(name="m", max_cost=limit, weight_fn=weight)
    scores: Floats = np.nan_to_num(made.access_df["m_supply"].to_numpy(float))
    return scores
