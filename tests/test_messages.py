"""Sentences of errors and warnings in both languages."""

from __future__ import annotations

import ast
import pickle
import re
import string
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import siting as st
from siting.errors import LayerError, SitingError
from siting.messages import Message

SRC = Path(st.__file__).parent
TEXTS = {
    f"{file.stem}.{key}": words
    for file in sorted((SRC / "messages").glob("*.toml"))
    for key, words in tomllib.loads(file.read_text(encoding="utf-8")).items()
}
CHINESE = re.compile("[一-鿿]")


@pytest.fixture
def _english_again() -> Iterator[None]:
    yield
    st.set_language("en")


def fields_of(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Each ``Message(…)`` of the library, with its module."""
    for file in sorted(SRC.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Message":
                yield file.relative_to(SRC).as_posix(), node


@pytest.mark.parametrize("code", sorted(TEXTS))
def test_every_code_has_words_in_both_languages(code: str) -> None:
    zh, en = TEXTS[code]["zh"], TEXTS[code]["en"]
    assert set(TEXTS[code]) == {"zh", "en"}
    assert fields_of(zh) == fields_of(en)
    assert not CHINESE.search(en)
    assert CHINESE.search(zh) or not re.search("[A-Za-z]{3}", re.sub("{[^}]*}", "", en)), "the Chinese is English"


def test_every_message_has_words_and_gives_their_values() -> None:
    """A code is written out where it is used, and the values are those that its words name."""
    used = set()
    for file, node in calls():
        code = node.args[0]
        if not isinstance(code, ast.Constant):
            assert file in ("messages/__init__.py", "errors.py", "study/faults.py"), (
                f"{file}, line {node.lineno}: the code is not written out"
            )
            continue
        used.add(code.value)
        given = {keyword.arg for keyword in node.keywords}
        assert code.value in TEXTS, f"{file}, line {node.lineno}: no words for {code.value}"
        if None not in given:
            assert fields_of(TEXTS[code.value]["en"]) <= given, f"{file}, line {node.lineno}"
    assert not {code for code in TEXTS if not code.startswith(("list.", "error.", "noun."))} - used


@pytest.mark.usefixtures("_english_again")
def test_the_language_is_that_of_the_moment() -> None:
    error = SitingError(Message("file.absent", file="a.toml"))
    assert str(error) == "a.toml: there is no such file"
    st.set_language("zh")
    assert str(error) == "a.toml：没有这个文件"
    assert error.text("en") == "a.toml: there is no such file"
    assert (error.code, error.values) == ("file.absent", {"file": "a.toml"})
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_message_inside_a_message() -> None:
    inner = LayerError("homes", [Message("file.absent", file="x"), "text"])
    outer = SitingError(inner.within("town.toml"))
    assert outer.text("zh") == "town.toml：homes：2 处错误\n  - x：没有这个文件\n  - text"
    assert outer.text("en") == "town.toml: homes: 2 faults\n  - x: there is no such file\n  - text"
    copy = pickle.loads(pickle.dumps(inner))
    assert (copy.layer, str(copy), copy.faults[1]) == (inner.layer, str(inner), "text")


@pytest.mark.parametrize("lang", ["fr", "", None])
def test_a_language_that_is_not_there(lang: str) -> None:
    with pytest.raises(ValueError, match="choose one of zh, en"):
        st.set_language(lang)  # type: ignore[arg-type]  # what a user may write


#: Rooms whose errors are English only, so far.
ENGLISH_ONLY = {"study"}
ERRORS = {"SitingError", "LayerError", "NetworkError", "StandardError", "ProblemError", "error"}


def bare_errors(file: Path) -> list[int]:
    """Return the lines where a module raises an error, or warns, with words of its own."""
    lines = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        made = node.exc if isinstance(node, ast.Raise) else node
        if not isinstance(made, ast.Call):
            continue
        raised = isinstance(node, ast.Raise) and isinstance(made.func, ast.Name) and made.func.id in ERRORS
        warned = isinstance(made.func, ast.Attribute) and made.func.attr == "warning"
        words = [part for argument in made.args for part in ast.walk(argument) if _is_sentence(part)]
        if (raised or warned) and words:
            lines.append(made.lineno)
    return lines


def _is_sentence(node: ast.AST) -> bool:
    """Whether a part of a call is a text of several words, outside of a message's code."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip()


@pytest.mark.parametrize("room", sorted({path.relative_to(SRC).parts[0] for path in SRC.rglob("*.py")}))
def test_errors_and_warnings_have_codes(room: str) -> None:
    files = [SRC / room] if room.endswith(".py") else sorted((SRC / room).rglob("*.py"))
    bare = {file.relative_to(SRC).as_posix(): lines for file in files if (lines := bare_errors(file))}
    assert bool(bare) == (room in ENGLISH_ONLY), bare


def test_numbers_of_rows_and_what_a_user_gave() -> None:
    def en(code: str, **values: object) -> tuple[str, str]:
        said = Message(code, **values)
        return said.text("en"), said.text("zh")

    one = {"what": "by", "of": "communities"}
    assert en("ids.no_group", n=1, ids=["a"], **one)[0] == 'by: no group for 1 community: "a"; give one for each'
    assert en("ids.no_group", n=1200, ids=["a"], **one) == (
        'by: no group for 1,200 communities: "a"; give one for each',
        "by：有 1,200 个小区没有分组：“a”；请补填",
    )
    assert en("ids.no_such", of="own things", ids=["a"])[1] == "没有这样的own things：“a”"
    given = {0.5: "0.5", "far": '"far"', (1, "x"): "(1, 'x')", (): "()"}
    for value, words in given.items():
        assert en("argument.number", what="k", value=value)[0] == f"k is {words}; give a number"
    assert en("argument.number", what="k", value={"x": 1}) == ("k is a dict; give a number", "k：请填数字，不能是 dict")
    assert en("argument.number", what="k", value=np.zeros(9))[0] == "k is an array; give a number"
    assert en("argument.number", what="k", value="x" * 99)[0] == f'k is "{"x" * 60}…"; give a number'


@pytest.mark.usefixtures("_english_again")
def test_log_lines_and_old_names_are_in_the_language(caplog: pytest.LogCaptureFixture) -> None:
    st.set_language("zh")
    with caplog.at_level("INFO", logger="siting.network"):
        net = st.Network.from_arrays([500000, 500100], [3380000, 3380000], [0], [1], crs="EPSG:4547")
    assert caplog.messages == ["路网：2 个节点，1 条路段，共 0.10 公里，1 个连通部分，EPSG:4547"]
    with pytest.raises(st.errors.NetworkError, match=r"^没有这样的节点：“9”$"):
        net.places_at_nodes([9])
    with pytest.warns(DeprecationWarning, match=r"^siting\.gini 现在是 siting\.equity\.gini$"):
        st.gini  # type: ignore[attr-defined]  # noqa: B018 - an old name


def test_lists_inside_lists_are_indented() -> None:
    inner = Message("error.several", where="homes", n=2, error=["no rows", "no ids"])
    outer = Message("draft.lacking", roles=["streets"], layers=[inner, "b"])
    assert outer.text("en").split("\n")[1:] == ["  - homes: 2 faults", "    - no rows", "    - no ids", "  - b"]
