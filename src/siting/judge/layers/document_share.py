"""How much of the area of a document the layers cover."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping

from siting.errors import LayerError
from siting.judge.layers.context import Context
from siting.judge.layers.rule_columns import Missing
from siting.judge.standards.rule import Rule
from siting.judge.standards.standard import Standard
from siting.judge.standards.units_of_measure import UNITS
from siting.messages import Message
from siting.read_share import share_from

__all__ = ["SIZED", "people_of", "share_of_whole", "sized"]

logger = logging.getLogger(__name__)

#: Kinds whose number is for the whole area of the document, unless it is a rate.
SIZED = ("count_target", "colocation", "baseline_figure", "forecast_figure", "context_figure", "investment_project")
#: Layers with people that differ by more than this factor from the document's are not its area.
APART = 3.0
#: Areas that layers hardly cover as a whole.
LARGE = ("province", "country", "OECD")


def sized(rule: Rule) -> bool:
    """Return whether a number grows with the area: 170 centres does, 60 % and 4.5 per 1000 do not."""
    unit = UNITS[rule.unit]
    absolute = not unit.of and unit.per == 1 and unit.counts not in ("share", "m", "min", "years", "year_of_birth")
    bare = not rule.unit and rule.kind != "count_target"
    return rule.kind in SIZED and absolute and not bare and rule.unit not in ("levels", "modes")


def people_of(standard: Standard, context: Context) -> dict[str, float]:
    """Count the people that the document is for (`document`) and those of the layers (`layers`); empty if not known."""
    given = standard.people
    every = {rule.id: rule for rule in standard.whole or standard.rules}
    if given is None or (isinstance(given, str) and given not in every):
        return {}
    rule = every[given] if isinstance(given, str) else None
    printed = float(given) if rule is None else (rule.value or math.nan) * UNITS[rule.unit].factor
    columns = ("population",) if rule is None else rule.column
    try:
        here = float(sum(context.heads(name).sum() for name in columns))
    except (Missing, LayerError):  # the rules that need it give this reason
        return {}
    return {"document": printed, "layers": here} if here > 0 and printed > 0 else {}


def share_of_whole(scope: str | float | None, people: Mapping[str, float], name: str) -> float | None:
    """Return the share of the document's area that the layers are; None for a part of unknown size."""
    if scope == "part":
        return None
    share = 1.0 if scope in (None, "whole") else share_from(scope, Message("verdict.scope"))
    if not people or 1 / APART <= people["layers"] / (people["document"] * share) <= APART:
        return share
    differs = {"standard": name, **people}
    if scope is None:
        logger.warning(Message("verdict.scope_shown", **differs))
        return None
    logger.warning(Message("verdict.scope_right", **differs, scope=scope))
    return share
