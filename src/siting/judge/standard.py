"""`Standard` and `Rule`: a city's written standard as data, each rule with its clause."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from siting.errors import StandardError, some

__all__ = ["Document", "Rule", "Standard", "list_standards", "load_standard"]

OPERATORS = (">=", "<=", ">", "<", "=", "~", "range", "per", "")
NUMBERS = ("value", "value_max", "otherwise", "share")
ROLES = ("standard", "target", "baseline", "forecast", "principle", "context")


@dataclass(frozen=True)
class Document:
    """A document that rules are found in."""

    title: str
    issued: str = ""


@dataclass(frozen=True)
class Rule:
    """One rule of a standard.

    Attributes
    ----------
    id
        Stable name: jurisdiction, service, indicator, joined by dots, then the year where there are several.
    kind
        What sort of rule it is; decides how it is computed.
    service
        "childcare", "eldercare" or another service layer.
    indicator_zh, indicator_en
        Its name in both languages.
    role
        "standard" (standing), "target" (of a year), "baseline", …
    operator, value, value_max, unit
        The number as printed: ``operator`` is one of ``>= <= > < = ~ range per``.
    otherwise
        The number that holds where the condition does not, such as the 300 m beside a relaxed radius.
    year
        Year the number is for; None for standing rules.
    share
        For circles and radii: the percentage of people that must be inside, where the document or the user gives one.
    applies_to, condition, modal
        The unit ruled; when the rule holds; the words that give it its force.
    facility_types
        The facility types that count; all when empty.
    column
        The column of the stock that counts (places, inclusive_places, …), for ratios and shares.
    document, clause, says
        Where it stands: document, headings, and what it says in one line.
    note
        How an ambiguity is read here.
    """

    id: str
    kind: str
    service: str
    indicator_zh: str
    indicator_en: str
    role: str = "standard"
    operator: str = ""
    value: float | None = None
    value_max: float | None = None
    otherwise: float | None = None
    unit: str = ""
    year: int | None = None
    share: float | None = None
    applies_to: str = ""
    condition: str = ""
    modal: str = ""
    facility_types: tuple[str, ...] = ()
    column: str = ""
    document: str = ""
    clause: str = ""
    says: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        for name in NUMBERS:
            number = getattr(self, name)
            if number is not None and not math.isfinite(number):
                raise StandardError(f"rule {self.id}: {name} is {number!r}, not a number")
        if self.operator not in OPERATORS:
            raise StandardError(f'rule {self.id}: operator is "{self.operator}"; choose one of {some(OPERATORS, 9)}')
        if self.role not in ROLES:
            raise StandardError(f'rule {self.id}: role is "{self.role}"; choose one of {some(ROLES, 9)}')
        if self.operator == "range" and (self.value is None or self.value_max is None):
            raise StandardError(f"rule {self.id}: a range needs value and value_max")
        if self.operator == "~" and self.role in ("standard", "target"):
            raise StandardError(f'rule {self.id}: operator "~" (about) is no limit; give the role "context"')
        if self.kind.startswith("service_") and self.unit not in ("m", "min"):
            raise StandardError(f'rule {self.id}: unit is "{self.unit}"; a {self.kind} is in "m" or "min"')


@dataclass(frozen=True, repr=False)
class Standard:
    """A city's standard: its rules in the order of the document, and the documents they cite."""

    name: str
    title_zh: str
    title_en: str
    rules: tuple[Rule, ...]
    documents: Mapping[str, Document] = field(default_factory=dict)

    def __repr__(self) -> str:
        n = len(self.rules)
        return f"<Standard {self.name}: {self.title_zh}, {n} rule{'s' * (n != 1)}>"

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)

    def __getitem__(self, rule: str) -> Rule:
        for one in self.rules:
            if one.id == rule:
                return one
        raise StandardError(f'standard {self.name} has no rule "{rule}"; see {self.name}.table')

    @property
    def table(self) -> pd.DataFrame:
        """All rules, a row each."""
        names = [f.name for f in fields(Rule)]
        return pd.DataFrame([{n: getattr(rule, n) for n in names} for rule in self.rules])

    def select(
        self,
        *,
        year: int | None = None,
        kind: str | None = None,
        service: str | None = None,
        role: str | None = None,
    ) -> Standard:
        """Keep some rules.

        Parameters
        ----------
        year
            Standing rules, and those for this year.
        kind, service, role
            Rules of this kind, service or role.
        """
        kept = tuple(
            rule
            for rule in self.rules
            if (year is None or rule.year in (None, year))
            and (kind is None or rule.kind == kind)
            and (service is None or rule.service == service)
            and (role is None or rule.role == role)
        )
        return replace(self, rules=kept)

    def extended(self, rules: Iterable[Rule], documents: Mapping[str, Document]) -> Standard:
        """Add rules of your own, such as a study's own goals.

        Raises
        ------
        StandardError
            When an id stands already, or a document is not there.
        """
        return _checked(
            replace(
                self,
                rules=(*self.rules, *rules),
                documents={**self.documents, **documents},
            )
        )

    def title(self, rule: Rule) -> str:
        """Title of the document that *rule* stands in."""
        return self.documents[rule.document].title if rule.document else ""


def list_standards() -> list[str]:
    """Names of the standards that come with the package.

    Examples
    --------
    >>> "jinhua" in list_standards()
    True
    """
    folder = files("siting.judge").joinpath("profiles")
    return sorted(f.name[: -len(".toml")] for f in folder.iterdir() if f.name.endswith(".toml"))


def load_standard(source: str | Path) -> Standard:
    """Load a standard by name, or from a TOML file of your own.

    Parameters
    ----------
    source
        One of `list_standards`, or a path that ends in ``.toml``.

    Raises
    ------
    StandardError
        When there is no such standard, or the file is not well formed: which rule and what is wrong.

    Examples
    --------
    >>> load_standard("jinhua")["jinhua.childcare.service_radius"].value
    300.0
    """
    if str(source).endswith(".toml"):
        path = Path(source)
        if not path.is_file():
            raise StandardError(f"{path}: there is no such file")
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise StandardError(f"{path.name}: is not text in UTF-8; save it so") from error
        return _parsed(text, path.name)
    if source not in list_standards():
        raise StandardError(
            f'there is no standard "{source}"; choose one of {some(list_standards(), 20)} or a .toml file'
        )
    name = f"{source}.toml"
    text = files("siting.judge").joinpath("profiles", name).read_text(encoding="utf-8")
    return _parsed(text, name)


def _parsed(text: str, where: str) -> Standard:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StandardError(f"{where}: {error}") from error
    try:
        return _checked(_standard(data))
    except StandardError as error:
        raise StandardError(f"{where}: {error}") from None


def _standard(data: Mapping[str, Any]) -> Standard:
    head, listed, rules = data.get("standard"), data.get("documents", {}), data.get("rule", [])
    if not isinstance(head, dict) or "name" not in head:
        raise StandardError("no [standard] table with a name")
    _only(data, {"standard", "documents", "rule"}, "unknown tables")
    _texts(head, ("name", "title_zh", "title_en"), "[standard]")
    if not isinstance(listed, dict) or not all(isinstance(at, dict) for at in listed.values()):
        raise StandardError("each document is a table, [documents.<name>]")
    if not isinstance(rules, list) or not all(isinstance(at, dict) for at in rules):
        raise StandardError("each rule is a table, [[rule]] with two brackets")
    return Standard(
        name=head["name"],
        title_zh=head.get("title_zh") or head["name"],
        title_en=head.get("title_en") or head["name"],
        rules=tuple(rule_from(at) for at in rules),
        documents={key: document_from(key, at) for key, at in listed.items()},
    )


def document_from(key: str, at: Mapping[str, Any]) -> Document:
    """Make a document of a TOML table.

    Raises
    ------
    StandardError
        When a key is unknown, absent, or of the wrong type.
    """
    _texts(at, ("title", "issued"), f"document {key}")
    if "title" not in at:
        raise StandardError(f"document {key}: no title")
    return Document(**at)


def _only(at: Mapping[str, Any], known: Iterable[str], what: str) -> None:
    unknown = set(at) - set(known)
    if unknown:
        raise StandardError(f"{what} {some(sorted(unknown))}")


def _texts(at: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    """Refuse keys that are not known or hold no text."""
    _only(at, known, f"{where}: unknown keys")
    for key, value in at.items():
        if not isinstance(value, str):
            raise StandardError(f"{where}: {key} is {value!r}, not text")


def rule_from(at: Mapping[str, Any]) -> Rule:
    """Make a rule of a TOML table.

    Raises
    ------
    StandardError
        When a key is unknown, absent, or of the wrong type.
    """
    name = at.get("id", "without id")
    _only(at, (f.name for f in fields(Rule)), f"rule {name}: unknown keys")
    absent = {"id", "kind", "service", "indicator_zh", "indicator_en"} - set(at)
    if absent:
        raise StandardError(f"rule {name}: no {some(sorted(absent))}")
    values = dict(at)
    for key, value in at.items():
        if key in NUMBERS:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise StandardError(f"rule {name}: {key} is {value!r}, not a number")
            values[key] = float(value)
        elif key == "year":
            if isinstance(value, bool) or not isinstance(value, int):
                raise StandardError(f"rule {name}: year is {value!r}, not a year such as 2025")
        elif key == "facility_types":
            if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
                raise StandardError(f"rule {name}: facility_types is {value!r}, not a list of texts")
            values[key] = tuple(value)
        elif not isinstance(value, str):
            raise StandardError(f"rule {name}: {key} is {value!r}, not text")
    return Rule(**values)


def _checked(standard: Standard) -> Standard:
    ids = pd.Index([rule.id for rule in standard.rules])
    if not ids.is_unique:
        raise StandardError(f"rules stand twice: {some(ids[ids.duplicated()].unique())}")
    lost = {r.document for r in standard.rules if r.document and r.document not in standard.documents}
    if lost:
        raise StandardError(f"rules cite documents that are not listed: {some(sorted(lost))}")
    return standard
