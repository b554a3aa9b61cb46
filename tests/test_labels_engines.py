"""Every engine that a plan can name has words in both languages: the names are read off the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import siting
from siting.labels import _table, known, label

SOURCE = Path(siting.__file__).parent
MODULES = {path: ast.parse(path.read_text(encoding="utf-8")) for room in ("optimize", "propose")
           for path in sorted((SOURCE / room).rglob("*.py"))}  # fmt: skip


def fields_of() -> dict[str, list[str]]:
    """The fields of each class, those of its bases first: how a dataclass takes its arguments."""
    classes = {
        node.name: node for tree in MODULES.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
    }

    def fields(name: str) -> list[str]:
        if name not in classes:
            return []
        bases = [getattr(base, "id", getattr(base, "attr", "")) for base in classes[name].bases]
        found = dict.fromkeys(field for base in bases for field in fields(base))
        own = [each for each in classes[name].body if isinstance(each, ast.AnnAssign)]
        return list(found | dict.fromkeys(each.target.id for each in own if isinstance(each.target, ast.Name)))

    return {name: fields(name) for name in classes}


def takers() -> dict[str, int]:
    """What takes the name of an engine, and at which place: classes, functions and class methods, by name."""
    found = {name: fields.index("engine") for name, fields in fields_of().items() if "engine" in fields}
    for tree in MODULES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                names = [
                    each.arg for each in (*node.args.args, *node.args.kwonlyargs) if each.arg not in ("self", "cls")
                ]
                if "engine" in names:
                    found[node.name] = names.index("engine")
    return found


def assigned(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Names and what is assigned to them, also several at once, and the defaults of arguments called engine."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = zip(target.elts, node.value.elts, strict=True)
                    yield from ((each.id, value) for each, value in pairs if isinstance(each, ast.Name))
                elif isinstance(target, ast.Name):
                    yield target.id, node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            yield node.target.id, node.value


def texts(value: ast.expr, names: dict[str, set[str]]) -> set[str]:
    """The texts that an expression may be; none where it is the name that another answer has."""
    if isinstance(value, ast.Constant):
        return {value.value} if isinstance(value.value, str) else set()
    if isinstance(value, ast.Name):
        return names.get(value.id, set())
    if isinstance(value, ast.IfExp):
        return texts(value.body, names) | texts(value.orelse, names)
    if isinstance(value, ast.JoinedStr):
        made = {""}
        for part in value.values:
            inner = part.value if isinstance(part, ast.FormattedValue) else part
            made = {head + tail for head in made for tail in texts(inner, names)}
        return made
    return set()


def engines() -> set[str]:
    """The names of all engines: what stands where one is taken, and what is assigned to the names for it."""
    where, found = takers(), set[str]()
    for tree in MODULES.values():
        for name, value in assigned(tree):
            found |= texts(value, {}) if name in ("ENGINE", "NAME") else set()
    for tree in MODULES.values():
        constants: dict[str, set[str]] = {}
        for name, value in assigned(tree):
            constants[name] = constants.get(name, set()) | texts(value, constants)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            given = [each.value for each in node.keywords if each.arg == "engine"]
            if called in where and where[called] < len(node.args):
                given.append(node.args[where[called]])
            for value in given:
                found |= texts(value, constants)
    return found


#: Without a search there is no name.
ENGINES = sorted(engines() - {""})


def test_the_names_are_found() -> None:
    """Some of each kind: constants, texts in place, joined ones, and names that are set on the way."""
    assert {"covering", "capacitated location", "HiGHS", "rules", "single source, HiGHS", "capacity, HiGHS"} <= set(
        ENGINES
    )
    assert not {"optimal", "infeasible", "time_limit", "feasible"} & set(ENGINES)


@pytest.mark.parametrize("engine", ENGINES)
def test_each_engine_has_words(engine: str) -> None:
    assert known(f"engine.{engine}"), f'labels.toml, [engine], has no words for "{engine}"'
    assert all(label(f"engine.{engine}", lang) for lang in ("zh", "en"))


def test_no_words_are_left_over() -> None:
    assert {key.removeprefix("engine.") for key in _table() if key.startswith("engine.")} == set(ENGINES)
