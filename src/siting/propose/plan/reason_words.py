"""Why there is no plan, in words."""

from __future__ import annotations

from collections.abc import Iterable

from siting.labels import label, named
from siting.numbers import percent
from siting.propose.plan.rule_text import bracketed, rule_words
from siting.propose.plan.site_names import SiteNames
from siting.propose.problem import Existing, Forbidden, Part, Required, Spacing
from siting.propose.search.answer import Lacking, Reason, Way

__all__ = ["NAMED", "listed", "reason_words"]

#: Most ids in a sentence, and in the name of a rule.
NAMED, NAMED_IN_RULE = 20, 5


def reason_words(reason: Reason, lang: str, unit: str, called: SiteNames) -> str:
    """Write a reason: its rules are in words in Chinese, and in Python in English."""
    key, values = reason
    return label(key, lang, **{name: _shown(name, value, lang, unit, called) for name, value in values.items()})


def listed(ids: Iterable[object], lang: str) -> str:
    """Name the first `NAMED` ids, with an ellipsis if there are more."""
    names = list(map(str, ids))
    return label("list.comma", lang).join(names[:NAMED]) + " …" * (len(names) > NAMED)


def _shown(name: str, value: object, lang: str, unit: str, called: SiteNames) -> object:
    if name in ("rule", "rules", "by"):
        rules = value if isinstance(value, tuple) else (value,)
        return listed((_rule(rule, lang, unit, called) for rule in rules), lang)
    if name == "group":
        return _group(value, lang, called)
    if isinstance(value, tuple):
        return listed((_lacking(each, lang, called) for each in value), lang)
    if isinstance(value, Way):
        return value.words(lang)
    return percent(value) if isinstance(value, float) else value


def _group(key: object, lang: str, called: SiteNames) -> str:
    """Name a group, a service or a year, or several of these in one text."""
    name = called.group(key)
    if lang != "zh" or name != str(key):
        return name
    return label("list.comma", lang).join(named("service", called.group(part), lang) for part in name.split(", "))


def _rule(rule: object, lang: str, unit: str, called: SiteNames) -> str:
    """Write a rule with the sites that it names."""
    sites = _sites(rule.rule if isinstance(rule, Part) else rule, lang, called)
    if lang == "zh":
        words = (
            rule_words(rule, lang, unit, lambda key: _group(key, lang, called)) if isinstance(rule, Part) else str(rule)
        )
        return f"“{words}{bracketed(sites, lang)}”"
    if isinstance(rule, Part) and rule.of and rule.asks is None:
        return f"{_with_sites(str(rule.rule), sites)} ({', '.join(map(called.group, rule.of))})"
    return _with_sites(str(rule), sites)


def _with_sites(text: str, sites: str) -> str:
    return f"{text[:-1]}: {sites})" if sites else text


def _sites(rule: object, lang: str, called: SiteNames) -> str:
    """Name the first sites that a rule is about."""
    if isinstance(rule, (Existing, Forbidden, Required)):
        names = [called.site(key) for key in rule.ids[: NAMED_IN_RULE + 1]]
    elif isinstance(rule, Spacing):
        pairs = rule.table.head(NAMED_IN_RULE + 1).drop_duplicates().itertuples(index=False, name=None)
        names = [f"{called.site(one)}–{called.site(other)}" for one, other in pairs]
    else:
        return ""
    words = label("list.comma", lang).join(names[:NAMED_IN_RULE])
    return words + label("list.more", lang) * (len(names) > NAMED_IN_RULE)


def _lacking(each: object, lang: str, called: SiteNames) -> str:
    return each.called(called.community(each.community), lang) if isinstance(each, Lacking) else str(each)
