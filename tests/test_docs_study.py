"""The page on studies: its examples run."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import pytest

import siting as st
from siting.study.inputs import Settings, Source
from siting.study.recipe import KEYS
from siting.study.walkers import Walker

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "how-to" / "study.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_has_examples_of_its_tables() -> None:
    written = {table for block in BLOCKS for table in tomllib.loads(block)}
    asked = set(KEYS[()]) - {key[0] for key in KEYS if len(key) == 1 and key not in (("study",), ("circle",))}
    assert asked | {"circle", "rule"} <= written | {"goal"}


@pytest.mark.parametrize("kind", [Settings, Source, Walker])
def test_every_key_of_a_table_is_on_the_page(kind: type) -> None:
    keys = [key.rstrip("_") for key in getattr(kind, "model_fields", None) or kind.__dataclass_fields__]
    assert [key for key in keys if f"`{key}`" not in PAGE and f"`{key} = " not in PAGE] == []


@pytest.mark.slow
@pytest.mark.parametrize("text", BLOCKS)
def test_an_example_runs(tmp_path: Path, text: str) -> None:
    shutil.copy(st.data.sample_path(), tmp_path / "sample.gpkg")
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    outcome = st.run(st.study.check_study(tmp_path / "study.toml"))
    assert len(outcome.layers["communities"]) == 316
    given = tomllib.loads(text)
    assert set(given.get("layers", {})) <= set(outcome.layers)
    assert {circle["service"] for circle in given.get("circle", [])} == set(outcome.bands)
    assert list(outcome.audits) == list(outcome.study.standards)
