"""`Standard`: a city's written standard as data, each rule with its clause."""

from __future__ import annotations

import difflib
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from siting.data import toml_files
from siting.data.toml_places import places_of
from siting.errors import StandardError
from siting.judge.standards.from_toml import document_from, rule_from, texts
from siting.judge.standards.keys import fault_of
from siting.judge.standards.rule import Document, Rule
from siting.judge.standards.years import due
from siting.messages import Message

__all__ = ["Standard", "list_standards", "load_standard", "refuse_other"]

PROFILES = files("siting.judge").joinpath("profiles")
#: A longer name of a standard is not repeated in a message.
LONGEST_NAME = 60


@dataclass(frozen=True, repr=False)
class Standard:
    """A city's standard: its rules in the order of the document, and the documents they cite.

    Attributes
    ----------
    name, title_zh, title_en
        What it is called.
    names
        Other names that it is loaded by, such as 金华.
    rules, documents
        The rules, and the documents they cite by name.
    changes
        Changes by `adapted`, by rule id.
    whole
        All rules of the standard before a selection: a rule may be read together with one that is not selected.
    people
        Residents of the area of the standard: the id of the figure that prints it, or the number; None if unknown.
    own
        Ids of rules that were added with `extended`.
    """

    name: str
    title_zh: str
    title_en: str
    rules: tuple[Rule, ...]
    documents: Mapping[str, Document] = field(default_factory=dict)
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    whole: tuple[Rule, ...] = ()
    people: float | str | None = None
    own: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()

    def __repr__(self) -> str:
        n, also = len(self.rules), f" ({self.names[0]})" if self.names else ""
        return f"<Standard {self.name}{also}: {self.title_zh}, {n} rule{'s' * (n != 1)}>"

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)

    def __getitem__(self, rule: str) -> Rule:
        for one in self.rules:
            if one.id == rule:
                return one
        raise StandardError(Message("standard.no_rule", standard=self.name, rule=rule))

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
        rule: str | Iterable[str] | None = None,
    ) -> Standard:
        """Keep some rules.

        Parameters
        ----------
        year
            Rules of this year: standing rules, and the last target of each series that is due by then.
        kind, service, role
            Rules of this kind, service or role.
        rule
            A part of their ids, such as "childcare.places_per_1000", or several.

        Examples
        --------
        >>> len(load_standard("jinhua").select(rule="childcare.service_radius"))
        2
        >>> target = load_standard("quzhou").select(rule="eldercare.beds_per_1000.", role="target")
        >>> [one.year for one in target.select(year=2024)], [one.year for one in target.select(year=2030)]
        ([2022], [2025])
        """
        parts = (rule,) if isinstance(rule, str) else None if rule is None else tuple(rule)
        same = {name: word for name, word in (("kind", kind), ("service", service), ("role", role)) if word is not None}
        kept = tuple(
            one
            for one in (self.rules if year is None else due(self.rules, year))
            if all(getattr(one, name) == word for name, word in same.items())
            and (parts is None or any(part in one.id for part in parts))
        )
        return replace(self, rules=kept, whole=self.whole or self.rules)

    def extended(self, rules: Iterable[Rule], documents: Mapping[str, Document]) -> Standard:
        """Add your own rules, such as goals of a study; their numbers are for the judged layers.

        Raises
        ------
        StandardError
            When an id exists already, or a document is unknown.
        """
        rules = tuple(rules)
        return _checked(replace(
            self,
            rules=(*self.rules, *rules),
            whole=(*self.whole, *rules) if self.whole else (),
            documents={**self.documents, **documents},
            own=self.own | {rule.id for rule in rules},
        ))  # fmt: skip

    def adapted(self, changes: Mapping[str, Mapping[str, Any]]) -> Standard:
        """Give missing numbers, or read a rule differently; the changes are recorded.

        Parameters
        ----------
        changes
            For each rule id the keys to change, such as ``{"value": 100}`` where none is printed, or
            ``{"base": "registered"}`` to count registered people.

        Returns
        -------
        Standard
            The rules with the changes, listed in `changes` and in the parameters of an audit.

        Raises
        ------
        StandardError
            When a rule is unknown, or a key or value is not allowed.

        Examples
        --------
        >>> jinhua = load_standard("jinhua")
        >>> adapted = jinhua.adapted({"jinhua.childcare.township_coverage.2025": {"value": 100}})
        >>> adapted["jinhua.childcare.township_coverage.2025"].value
        100.0
        """
        made = {rule.id: rule for rule in self.rules}
        whole = {rule.id: rule for rule in self.whole}
        all_changes = dict(self.changes)
        for name, change in changes.items():
            fixed = {"id", "document", "clause", "says"} & set(change)
            if fixed:
                raise fault_of(name, "", Message("standard.fixed", keys=sorted(fixed)))
            # a given number where none was printed is a minimum, like a number in a table
            floor = {"operator": ">="} if "value" in change and not self[name].operator else {}
            made[name] = rule_from({**floor, **change}, self[name])
            if whole:
                whole[name] = made[name]
            all_changes[name] = {**all_changes.get(name, {}), **change}
        rules, every = tuple(made.values()), tuple(whole.values())
        return _checked(replace(self, rules=rules, whole=every, changes=all_changes))

    def title(self, rule: Rule) -> str:
        """Title of the document that *rule* stands in."""
        return self.documents[rule.document].title if rule.document in self.documents else ""


def list_standards() -> list[str]:
    """Names of the standards in the package; each has Chinese ones, too.

    Examples
    --------
    >>> "jinhua" in list_standards(), load_standard("jinhua").names
    (True, ('金华', '金华市'))
    """
    return sorted(file.name.removesuffix(".toml") for file in PROFILES.iterdir() if file.name.endswith(".toml"))


def load_standard(source: str | Path) -> Standard:
    """Load a standard by name, or from a TOML file of your own.

    Parameters
    ----------
    source
        One of `list_standards`, a Chinese name of it such as 金华, or a path that ends in ``.toml``.

    Raises
    ------
    StandardError
        When the standard is unknown, or the file is invalid: the message has the rule and the error.

    Examples
    --------
    >>> load_standard("jinhua")["jinhua.childcare.service_radius"].value
    300.0
    >>> load_standard("杭州").name
    'hangzhou'
    """
    if str(source).endswith(".toml"):
        path = Path(source)
        text, data = toml_files.tables_of(path, StandardError)
        return _named(path.name, text, data)
    name = _called(str(source))
    text = _profile(name)
    return _named(f"{name}.toml", text, toml_files.parsed(text))


def _profile(name: str) -> str:
    return PROFILES.joinpath(f"{name}.toml").read_text(encoding="utf-8")


def _plain(name: str) -> str:
    """Return a name without width, case and blanks, which people write either way."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", name)).casefold()


@cache
def _names() -> dict[str, tuple[str, ...]]:
    """Return for each standard its names in the text, the one in its file first."""
    heads = {name: tomllib.loads(_profile(name).partition("\n[documents")[0]) for name in list_standards()}
    return {name: (name, *head["standard"]["names"]) for name, head in heads.items()}


def _called(source: str) -> str:
    """Return the standard of a name; StandardError with the nearest and all names when there is none."""
    if source in list_standards():
        return source
    owner = {_plain(each): name for name, names in _names().items() for each in names}
    if (found := owner.get(_plain(source))) is not None:
        return found
    near = difflib.get_close_matches(_plain(source), owner, n=3, cutoff=0.5)
    known = {name: Message("standard.both_names", name=name, zh=names[1]) for name, names in _names().items()}
    nearest = [known[name] for name in dict.fromkeys(owner[each] for each in near)]
    facts = {"value": source, "choices": list(known.values())}
    if nearest:
        raise StandardError(Message("standard.no_standard_near", near=nearest, **facts))
    raise StandardError(Message("standard.no_standard", **facts))


def refuse_other(standard: object, what: str) -> None:
    """Refuse what is no standard, such as the name of one."""
    if not isinstance(standard, Standard):
        name = str(standard) if isinstance(standard, (str, PathLike)) else ""
        name = name if name and len(name) <= LONGEST_NAME else "jinhua"
        raise StandardError(Message("verdict.takes_standard", what=what, name=name))


def _named(file: str, text: str, data: Mapping[str, Any]) -> Standard:
    """Make a standard; an error begins with the name of the file."""
    try:
        return _checked(_standard(data, text))
    except StandardError as error:
        raise StandardError(error.within(file)) from None


def _standard(data: Mapping[str, Any], text: str) -> Standard:
    head, listed, rules = data.get("standard"), data.get("documents", {}), data.get("rule", [])
    if not isinstance(head, dict) or "name" not in head:
        raise StandardError(Message("standard.no_head"))
    if strange := sorted(set(data) - {"standard", "documents", "rule"}):
        raise StandardError(Message("standard.unknown_tables", keys=strange))
    people = head.get("people")
    if isinstance(people, bool) or not (people is None or isinstance(people, str | int | float)):
        raise StandardError(Message("standard.people_kind", value=people))
    names = head.get("names", [])
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise StandardError(Message("standard.names_kind", value=names))
    words = {key: value for key, value in head.items() if key not in ("people", "names")}
    texts(words, ("name", "title_zh", "title_en"), "[standard]")
    if not isinstance(listed, dict) or not all(isinstance(at, dict) for at in listed.values()):
        raise StandardError(Message("standard.document_tables"))
    if not isinstance(rules, list) or not all(isinstance(at, dict) for at in rules):
        raise StandardError(Message("standard.rule_tables"))
    return Standard(
        name=head["name"],
        title_zh=head.get("title_zh") or head["name"],
        title_en=head.get("title_en") or head["name"],
        rules=_rules(rules, text),
        documents={key: document_from(key, at) for key, at in listed.items()},
        people=people,
        names=tuple(names),
    )


def _rules(tables: list[dict[str, Any]], text: str) -> tuple[Rule, ...]:
    """Make all rules, or report all errors, each with the line of its rule."""
    made, faults, places = list[Rule](), list[Message](), places_of(text)
    for i, at in enumerate(tables):
        try:
            made.append(rule_from(at))
        except StandardError as error:
            line = places.get(("rule", i, error.values.get("key", "")), places["rule", i]).line
            faults.append(Message("standard.line", line=line, error=error.message))
    if faults:
        raise StandardError(faults[0] if len(faults) == 1 else Message("standard.several", n=len(faults), error=faults))
    return tuple(made)


def _checked(standard: Standard) -> Standard:
    every = standard.whole or standard.rules
    kinds = {rule.id: rule.kind for rule in every}
    ids = pd.Index([rule.id for rule in every])
    if not ids.is_unique:
        raise StandardError(Message("standard.rules_twice", ids=ids[ids.duplicated()].unique()))
    lost = {r.document for r in standard.rules if r.document and r.document not in standard.documents}
    if lost:
        raise StandardError(Message("standard.documents_lost", ids=sorted(lost)))
    if isinstance(standard.people, str) and standard.people not in kinds:
        raise StandardError(Message("standard.people_lost", value=standard.people))
    loose = [rule.id for rule in standard.rules if not set(kinds).issuperset(rule.meets)]
    if loose:
        raise StandardError(Message("standard.meets_lost", ids=loose))
    for rule in standard.rules:
        if rule.kind == "one_of":
            lost = {name for name in rule.rules if name not in kinds}
            if lost:
                raise fault_of(rule.id, "rules", Message("standard.rules_lost", ids=sorted(lost)))
            if len(set(rule.rules)) < 2 or "one_of" in {kinds[name] for name in rule.rules}:
                raise fault_of(rule.id, "rules", Message("standard.one_of_rules"))
    return standard
