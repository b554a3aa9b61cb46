"""Maximal covering by annealing: plans on a line whose best are known, and the state that the loop keeps."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from siting.optimize.control import Control
from siting.optimize.covering import annealing
from siting.optimize.covering import annealing_kernels as kernels
from siting.optimize.covering.annealing import Annealing, is_wide
from siting.optimize.covering.relaxation import Lagrangian
from siting.optimize.model import Model


def _line(needs: int, width: int, most: int, required: int | None = None) -> Model:
    """Needs on a line, one person each; column j covers need j and the next, *width* in all."""
    rows = [[j for j in range(i - width + 1, i + 1) if j >= 0] for i in range(needs)]
    at = np.concatenate(rows)
    benefit = csr_array(
        (np.ones(len(at)), at, np.cumsum([0, *map(len, rows)])), shape=(needs, needs)
    )  # fmt: skip
    lower = np.zeros(needs)
    if required is not None:
        lower[required] = 1.0
    none = csr_array((0, needs))
    return Model(
        benefit, np.zeros(needs), csr_array(np.ones((1, needs))), np.array([-np.inf]), np.array([float(most)]),
        lower, np.ones(needs), none, np.zeros(0), np.zeros(needs, bool), 1.0,
    )  # fmt: skip


@pytest.mark.parametrize(("required", "best"), [(None, 60), (1, 59)])
def test_annealing_finds_the_exact_tiling_of_a_line(monkeypatch, required, best):
    """Twelve columns of five tile sixty needs; one that must begin at the second need leaves the first out."""
    monkeypatch.setattr(annealing, "ROUND", 40_000)
    model = _line(60, 5, 12, required)
    found = Annealing(Lagrangian(model))
    found.run(Control(time_limit=5.0), 0.3)
    assert model.is_feasible(found.x)
    assert found.value == model.objective(found.x)
    assert found.value == best


def test_wide_models_only_count_columns(monkeypatch):
    monkeypatch.setattr(annealing, "WIDE", 60 * 12)
    assert is_wide(_line(60, 5, 12))
    assert not is_wide(_line(60, 5, 11))


def test_the_state_after_many_exchanges_is_that_of_its_plan():
    found = Annealing(Lagrangian(_line(60, 5, 14)))
    state, missing, covered = found._state(found._positions(found.x))
    best = state.opened.copy()
    random = np.array([7], np.uint64)
    _, covered, missing, made = kernels.anneal(found.cover, state, missing, covered, 2_000, 3.0, 1.0, random, best)
    assert made > 20
    anew, missing_anew, covered_anew = found._state(state.opened)
    assert (missing, covered) == (missing_anew, covered_anew)
    for name in ("place", "count", "places", "only", "loss"):
        assert (getattr(state, name) == getattr(anew, name)).all(), name
