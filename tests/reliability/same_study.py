"""Run a small study: ``python same_study.py FOLDER ORDER TOWN``, its rows in an order of their own."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np

import siting as st
from siting.study.inputs import Circle, Goal, Source


def towns() -> Any:
    """Load the random towns."""
    spec = importlib.util.spec_from_file_location("towns", Path(__file__).with_name("towns.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["towns"] = module
    spec.loader.exec_module(module)
    return module


def study(folder: Path, order: int, seed: int) -> st.Study:
    """Write the layers of a random town, rows in the order of a seed (0: as they come), and return a study of them."""
    layers = towns().random_town(np.random.default_rng(seed)).layers()
    people = layers["communities"]["population"]
    infants = np.minimum(people, 1 + np.arange(len(people)) * 7 % 10)
    layers["communities"] = layers["communities"].assign(infants=infants)
    sources = {}
    for role, frame in layers.items():
        rows = np.random.default_rng(order).permutation(len(frame)) if order else np.arange(len(frame))
        sources[role] = Source(path=folder / f"{role}.gpkg")
        st.write_layer(frame.iloc[rows], folder / f"{role}.gpkg", layer=role)
    return st.Study(
        name="town", title={"zh": "town", "en": "town"}, layers=sources,
        circles=(Circle("childcare", metres=(300.0, 500.0)),),
        goals=(Goal("most", "childcare", metres=300.0, rules=(st.AtMost(1),), curve=2, on_map=True),),
    )  # fmt: skip


if __name__ == "__main__":
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    st.run(study(out, int(sys.argv[2]), int(sys.argv[3]))).write(out / "results")
