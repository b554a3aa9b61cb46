"""Lines and columns of the keys of TOML."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siting.data.toml_places import Place, places_of

TEXT = '''\
# a study
[study]
name = "a # no comment"
title = { zh = "题", "en text" = "t" }

[layers.communities]
path = 'x.gpkg'
columns = { population = "人口", households = "户数" }
[[circle]]
service = "childcare"
metres = [
    300,  # near
    500,
]
[[circle]]
  service = "eldercare"
[circle.more]
when = 1979-05-27 07:32:00
[[goal.rule]]
a.b = """x
[no.table]
\\"""" # the end
[[goal.rule]]
text = \'\'\'it\'s\'\'\'
'''
PLACES = {
    ("study",): (2, 1),
    ("study", "name"): (3, 1),
    ("study", "title", "zh"): (4, 11),
    ("study", "title", "en text"): (4, 21),
    ("layers",): (6, 1),
    ("layers", "communities", "columns", "households"): (8, 32),
    ("circle", 0, "metres"): (11, 1),
    ("circle", 0, "metres", 0): (12, 5),
    ("circle", 0, "metres", 1): (13, 5),
    ("circle", 1): (15, 1),
    ("circle", 1, "service"): (16, 3),
    ("circle", 1, "more", "when"): (18, 1),
    ("goal", "rule", 0, "a", "b"): (20, 1),
    ("goal", "rule", 1): (23, 1),
    ("goal", "rule", 1, "text"): (24, 1),
}


@pytest.mark.parametrize(("path", "place"), PLACES.items())
def test_places_of_a_text(path: Any, place: tuple[int, int]) -> None:
    assert places_of(TEXT)[path] == Place(*place)


def paths_in(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path of each table, key and item."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    below = [each for key, item in inner for each in paths_in(item, (*path, key))]
    return [path, *below] if path else below


def test_windows_line_ends() -> None:
    text = TEXT.replace("\n", "\r\n")
    assert places_of(text) == places_of(TEXT)


KEYS = st.text(alphabet="ab-.\"'[]={},# é人\\", max_size=5)
VALUES: Any = st.recursive(
    st.one_of(st.integers(-9, 9), st.booleans(), st.floats(allow_nan=False, allow_infinity=False), KEYS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=12,
)


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def written(value: Any, spread: bool) -> str:
    """Write a value as TOML in one line, or lists over several lines with comments."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)} = {written(item, spread)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        items = [written(item, spread) for item in value]
        return "[\n" + "".join(f"  {item}, # ] , }}\n" for item in items) + "]" if spread else f"[{', '.join(items)}]"
    if isinstance(value, bool):
        return str(value).lower()
    return quoted(value) if isinstance(value, str) else repr(value)


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.dictionaries(KEYS, VALUES, max_size=4), st.booleans())
def test_every_path_has_the_place_of_its_value(above: dict[str, Any], below: dict[str, Any], spread: bool) -> None:
    """What tomllib reads from the place of a key on is the value of that key."""
    above.pop("tables", None)
    lines = [f"{quoted(key)} = {written(value, spread)}" for key, value in above.items()]
    for _ in range(2):
        lines += ["[[tables]]", *(f"  {quoted(key)} = {written(value, spread)}" for key, value in below.items())]
    text = "\n".join(lines) + "\n"
    read = tomllib.loads(text)
    found = places_of(text)
    assert sorted(found, key=repr) == sorted(paths_in(read), key=repr)
    rows = text.split("\n")
    for path, (line, column) in found.items():
        here = rows[line - 1][column - 1 :]
        header = path[0] == "tables" and len(path) <= 2
        if isinstance(path[-1], str) or header:
            assert here.startswith("[[tables]]" if header else quoted(str(path[-1])))
