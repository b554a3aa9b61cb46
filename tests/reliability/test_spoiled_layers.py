"""Many layers with a few spoiled rows: refused, told with the rows, or measured as the clean ones."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings


def _load() -> Any:
    spec = importlib.util.spec_from_file_location("spoiled", Path(__file__).parents[1] / "test_spoiled_layers.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["spoiled"] = module
    spec.loader.exec_module(module)
    return module


spoiled = _load()


@pytest.mark.parametrize("part", range(4))
def test_none_of_two_thousand_layers_is_silently_wrong(
    part: int, tries: Callable[[int, int], int], record: Callable[..., None]
) -> None:
    """A layer with spoiled rows is refused, told with the rows, or measured as the clean one, in four parts."""
    number = tries(50, 500)

    @seed(part)
    @settings(max_examples=number, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(spoiled.spoiled())
    def check(case: Any) -> None:
        spoiled.never_silently_wrong(case)

    check()
    record(number, silently_wrong=0)
