"""What the documentation takes from the code and its data: pages and tables written before each build."""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

import siting
from siting.data import Column, list_roles, role
from siting.data.roles import roles_table
from siting.judge.indicators.finding import INDICATORS
from siting.study.analyses import FUNCTIONS, keys_of_function
from siting.study.analyses.catalogue import FROM_STUDY

#: The groups of the reference: names at the top by their room, then the namespaces; and what each is for.
GROUPS = {
    "Layers": ("data", "Read, check and write layers."),
    "Network": ("network", "Streets as a network, and who walks on it."),
    "Reach and coverage": ("measure", "Who reaches what, who is covered, and how many people there will be."),
    "Standards": ("judge", "A standard as data, the verdict on layers, and what estates owe."),
    "Plans": ("propose", "A siting problem as an objective and rules, and the plan that solves it."),
    "Maps and reports": ("show", "Maps, pictures, charts and reports."),
    "Studies": ("study", "A recipe run from end to end."),
    "Errors": ("errors", "The error that all others are a kind of."),
    "Language": ("messages", "The language that errors, warnings and log lines speak."),
}
#: What serves other rooms and the searches, and is not documented: names of a room, members of a class.
INNER_NAMES = {
    "data": (
        "atomic_path check_extent check_together closest_types common_crs one_layer points to_crs to_metric type_of "
        "types_in"
    ),
    "Network": "arrays core for_walk holds preferred segments tree",
    "PointReach": "count_within costs in_millimetres lists pair_costs",
    "Walk": "pace terms",
}
#: Arguments that a study has where a table of it has none.
SETTINGS = ("layers", "year", "walk", "beside", "by", "household_size", "scope")
#: Rooms whose further names serve their own modules and are not documented.
INNER = {"judge", "network", "propose"}


def write_all(docs: Path, lang: str = "en") -> None:
    """Write every generated page under *docs*; the tables of roles in the language *lang*."""
    _write(docs / "reference" / "index.md", _reference())
    _write(docs / "how-to" / "_roles.md", _roles(lang))
    _write(docs / "how-to" / "_analyses.md", _analyses())
    _write(docs / "methods" / "_rules.md", _rules())
    _write(docs / "methods" / "_readings.md", _readings())
    _write(docs / "methods" / "_standards.md", _standards())
    _write(docs / "methods" / "_types.md", _types())
    names = {f"siting.{name}" for _, group in by_group().values() for name in group}
    for page in (docs / "reference" / "generated").glob("*.rst"):
        if page.stem not in names | set(file_names().values()):  # of a name that is no more
            page.unlink()
    tutorials = docs / "tutorials"
    for notebook in sorted((docs.parent / "notebooks").glob("*.ipynb")):
        # 01_first_coverage.ipynb becomes first_coverage.ipynb; a copy of the same text keeps its date.
        target = tutorials / notebook.name.split("_", 1)[1]
        if not target.is_file() or target.read_bytes() != notebook.read_bytes():
            shutil.copyfile(notebook, target)


def _write(path: Path, lines: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(lines) + "\n"
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def by_group() -> dict[str, tuple[str, list[str]]]:
    """Sort the public names into groups; a name that has none stops the build."""
    found: dict[str, tuple[str, list[str]]] = {title: (text, []) for title, (_, text) in GROUPS.items()}
    titles = {room: title for title, (room, _) in GROUPS.items()}
    spaces = []
    for name in siting.__all__:
        thing = getattr(siting, name)
        if inspect.ismodule(thing):
            spaces.append(name)
        else:
            found[titles[thing.__module__.split(".")[1]]][1].append(name)
    shown = {name for _, names in found.values() for name in names}
    for space in spaces:
        module = getattr(siting, space)
        own = [name for name in module.__all__ if name not in shown and not inspect.ismodule(getattr(module, name))]
        if space in ("measure", *INNER):  # their other names stand under a theme, or serve their own modules
            own = [name for name in own if name in siting.MOVED.get(space, "").split()]
        own = [name for name in own if name not in INNER_NAMES.get(space, "").split()]
        if own:
            text = (inspect.getdoc(module) or "").splitlines()[0]
            found[f"siting.{space}"] = (text, [f"{space}.{name}" for name in own])
    return found


def file_names() -> dict[str, str]:
    """Keep apart the pages of names that differ only in case, for systems that do not tell case."""
    names = [f"siting.{name}" for _, group in by_group().values() for name in group]
    lower = [name.lower() for name in names]
    return {
        name: f"{name}-{'class' if inspect.isclass(_thing(name)) else 'function'}"
        for name in names
        if lower.count(name.lower()) > 1
    }


def _thing(name: str) -> Any:
    found: Any = siting
    for part in name.split(".")[1:]:
        found = getattr(found, part)
    return found


def _reference() -> Iterator[str]:
    yield "# Reference"
    yield ""
    yield "Everything below is called as `siting.…`, usually after `import siting as st`."
    yield "Distances are metres, times are minutes, shares run from 0 to 1, and a limit includes its own value."
    for title, (text, names) in by_group().items():
        yield from ("", f"## {title}", "", text, "", "```{eval-rst}", ".. currentmodule:: siting", "")
        yield from (".. autosummary::", "   :toctree: generated", "")
        yield from (f"   {name}" for name in names)
        yield "```"


#: The units of columns, each with its Chinese word first.
UNITS = roles_table()["units"]
#: The words of the tables of roles.
ROLES: dict[str, dict[str, Any]] = {
    "en": {
        "title": "### `{name}`: {en} ({zh})",
        "geometry": "Geometry: {kinds}.",
        "or": " or ",
        "head": "| Column | Type | Unit | Holds | Also understood as |",
        "required": " **required**",
        "choices": "{said}: {values}",
        "open": ", or others",
        "comma": ", ",
        "kinds": {},
    },
    "zh": {
        "title": "### `{name}`：{zh}",
        "geometry": "几何类型：{kinds}。",
        "or": "或",
        "head": "| 列名 | 类型 | 单位 | 内容 | 也可识别为 |",
        "required": " **必填**",
        "choices": "{said}：{values}",
        "open": "，或其他词",
        "comma": "、",
        "kinds": {
            "Point": "点",
            "LineString": "线",
            "Polygon": "面",
            "text": "文本",
            "count": "整数",
            "number": "数值",
            "flag": "是否",
            "share": "比例",
        },
    },
}


def _roles(lang: str) -> Iterator[str]:
    words = ROLES[lang]
    for name in list_roles():
        kind = role(name)
        yield from ("", words["title"].format(name=name, en=kind.en, zh=kind.zh), "")
        shapes = (words["kinds"].get(shape, shape) for shape in kind.geometry)
        yield words["geometry"].format(kinds=words["or"].join(shapes))
        yield from ("", words["head"], "|---|---|---|---|---|")
        yield from (_column(column, lang) for column in kind.columns if column.name != "id")


def _analyses() -> Iterator[str]:
    for name, function in FUNCTIONS.items():
        yield from ("", f"### `[[{name}]]`", "", (inspect.getdoc(function) or "").partition("\n")[0], "")
        yield from ("| Key | Written as | Without it |", "|---|---|---|")
        for key, (kind, default) in keys_of_function(name).items():
            words = kind.words.replace("|", "\\|")
            yield f"| `{key}` | {words} | {_default(name, key, default)} |"


def _default(function: str, key: str, default: Any) -> str:
    if default is ...:
        return "(needed)"
    if (function, key) in FROM_STUDY or (function in ("audit", "provision") and key in SETTINGS):
        return "that of the study"
    shown = str(default).lower() if isinstance(default, bool) else default
    return "" if default is None or default == () else f"`{shown}`"


def _column(column: Column, lang: str) -> str:
    words = ROLES[lang]
    said = column.meaning_zh if lang == "zh" else column.meaning_en
    if column.choices:
        values = words["comma"].join(f"`{value}`" for value, _ in column.choices)
        said = words["choices"].format(said=said, values=values) + (words["open"] if column.open else "")
    name = f"`{column.name}`" + (words["required"] if column.required else "")
    others = "、".join(other for other in column.names if other != column.name)
    unit = UNITS[column.unit][0] if lang == "zh" and column.unit in UNITS else column.unit
    kind = words["kinds"].get(column.type, column.type)
    return f"| {name} | {kind} | {unit} | {said} | {others} |".replace("  ", " ")


def _rules() -> Iterator[str]:
    yield from ("| Kind of rule | What it computes | Rules of the profiles |", "|---|---|---|")
    used: dict[str, list[str]] = {}
    for name in siting.list_standards():
        for rule in siting.load_standard(name):
            used.setdefault(rule.kind, []).append(rule.id)
    for kind, function in INDICATORS.items():
        line = (inspect.getdoc(function) or "").splitlines()[0]
        yield f"| `{kind}` | {line} | {len(used.get(kind, []))} |"


def _standards() -> Iterator[str]:
    yield from ("| Name | Standard | Rules | Judged | Documents |", "|---|---|---|---|---|")
    for name in siting.list_standards():
        standard = siting.load_standard(name)
        judged = sum(rule.role in ("standard", "target") for rule in standard)
        cited = "; ".join(" ".join(filter(None, (d.title, d.number, d.issued))) for d in standard.documents.values())
        title, called = f"{standard.title_en} ({standard.title_zh})", "、".join(standard.names)
        yield f"| `{name}`, {called} | {title} | {len(standard)} | {judged} | {cited} |"


def _types() -> Iterator[str]:
    yield from ("| Type | In English | A kind of | Other words |", "|---|---|---|---|")
    for name, row in siting.data.facility_types().iterrows():
        yield f"| {name} | {row['en']} | {row['kind_of']} | {row['words']} |"


def _readings() -> Iterator[str]:
    """List how each rule is read, once for rules that differ only in the year."""
    for name in siting.list_standards():
        standard = siting.load_standard(name)
        yield from ("", f"### `{name}`: {standard.title_zh}", "")
        said: dict[tuple[str, str], list[str]] = {}
        for rule in standard:
            if rule.role in ("standard", "target") and rule.note:
                said.setdefault((rule.indicator_en, rule.note), []).append(rule.modal)
        for (indicator, note), words in said.items():
            modal = "、".join(word for word in dict.fromkeys(words) if word)
            yield f"- **{indicator}**{f' ({modal})' if modal else ''}. {note}"


def signature(_app: Any, what: str, _name: str, thing: Any, _options: Any, args: str, back: str) -> Any:
    """Leave out the arguments of values that functions make, such as the arrays of a network."""
    made = what == "class" and "Made by `" in (inspect.getdoc(thing) or "")
    return ("", None) if made else (args, back)


def is_inner(_app: Any, _what: str, name: str, thing: Any, _skip: bool, _options: Any) -> bool | None:
    """Leave out members that are for the library itself."""
    function = getattr(thing, "fget", None) or getattr(thing, "func", None) or thing
    owner = getattr(function, "__qualname__", "").partition(".")[0]
    return True if name in INNER_NAMES.get(owner, "").split() else None


def inline_formula(self: Any, node: nodes.math) -> None:
    """Write a formula in a line as MathML."""
    self.body.append(tex2mathml(node.astext(), as_block=False))
    raise nodes.SkipNode


def displayed_formula(self: Any, node: nodes.math_block) -> None:
    """Write a formula of its own as MathML."""
    text = node.astext()
    if "\\\\" in text and not text.lstrip().startswith(r"\begin"):
        text = rf"\begin{{aligned}}{text}\end{{aligned}}"
    self.body.append(f'<div class="math">{tex2mathml(text, as_block=True)}</div>')
    raise nodes.SkipNode
