"""The layers of a package, by name: each rule for a kind of service becomes one for each service."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from siting.deliver.rules import SIGN, FieldRule, LayerRule, Rules, fill
from siting.errors import SitingError
from siting.labels import label
from siting.messages import Message

__all__ = ["layers_for", "like"]


def layers_for(
    rules: Rules, services: Iterable[str], units: Mapping[str, str], lang: str = "zh"
) -> Iterator[LayerRule]:
    """Yield the rule of each layer for these services; *units* are those of their ways, "m" or "min".

    SitingError for a service that the rules do not know.
    """
    known = list(services)
    if lost := [service for service in known if service not in rules.services]:
        raise SitingError(Message("deliver.no_service", service=lost[0]))
    for layer in rules.layer:
        for service in known if "{service}" in layer.source else [None]:
            made = tuple(_fields(rules, layer, known if service is None else [service], units, lang))
            yield _filled(rules, replace(layer, fields=made), service, units, lang)


def _fields(
    rules: Rules, layer: LayerRule, services: list[str], units: Mapping[str, str], lang: str
) -> Iterator[FieldRule]:
    for each in layer.fields:
        patterns = (each.name, each.alias, each.source or "", each.value or "")
        several = any(sign in pattern for pattern in patterns for sign in ("{S}", "{service}", "{unit}"))
        for service in services if several else [None]:
            yield _filled(rules, each, service, units, lang)


def _filled(rules: Rules, rule: Any, service: str | None, units: Mapping[str, str], lang: str) -> Any:
    """Fill the patterns of a layer or field; the number of a row, and a unit that is not known, keep their signs."""
    words: dict[str, str] = {}
    if service is not None:
        words = {"S": rules.services[service].code, "service": rules.services[service].name}
        words |= {"unit": label(f"unit.{units[service]}", lang)} if service in units else {}
    named = {key: rules.fill(getattr(rule, key), **words) for key in ("name", "alias")}
    source = rule.source if rule.source is None or service is None else fill(rule.source, service=service)
    more = {"value": rules.fill(rule.value, **words)} if getattr(rule, "value", None) is not None else {}
    return replace(rule, **named, source=source, **more)


def like(pattern: str, **known: str) -> re.Pattern[str]:
    """Return what a text filled into *pattern* looks like; *known* are the expressions of signs.

    Examples
    --------
    >>> bool(like("330700{number:02}{name}", number="[0-9]{2}").fullmatch("33070003图"))
    True
    """
    parts, at = [], 0
    for sign in SIGN.finditer(pattern):
        parts += [re.escape(pattern[at : sign.start()]), f"({known.get(sign[1], '.+')})"]
        at = sign.end()
    return re.compile("".join([*parts, re.escape(pattern[at:])]))
