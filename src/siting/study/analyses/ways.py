"""Ways between two layers and rules of a standard, as tables of a study file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from siting.errors import SitingError
from siting.judge import Standard
from siting.messages import Message
from siting.study.fields import Flag, Metres, Minutes, Several, StandardName, Text, Whole
from siting.study.walkers import OfService

__all__ = ["Rules", "Ways", "chosen"]

CLOSED = ConfigDict(extra="forbid", frozen=True)


class Ways(BaseModel):
    """Ways from the places of a layer to those of another: ``{ from = "communities", to = "clinics", metres = 800 }``.

    Several layers in a list count as one. Without a limit `nearest` says how many ways are looked for.
    """

    model_config = CLOSED

    origins: Several[Text] = Field(alias="from")
    destinations: Several[Text] = Field(alias="to")
    metres: Metres | None = None
    minutes: Minutes | None = None
    walk: OfService | None = None
    nearest: Whole | None = None
    straight: Flag = False
    walking: Flag = True

    @model_validator(mode="after")
    def _limited(self) -> Ways:
        limits = [each for each in (self.metres, self.minutes) if each is not None]
        if len(limits) > 1 or not (limits or self.nearest):
            raise SitingError(Message("analysis.limits", what=""))
        return self


class Rules(BaseModel):
    """Rules of a standard: ``{ name = "jinhua", kind = "service_radius" }``, with the keys of `Standard.select`."""

    model_config = CLOSED

    name: StandardName | None = None
    kind: Text | None = None
    service: Text | None = None
    role: Text | None = None
    rule: Several[Text] | None = None
    year: Whole | None = None
    changes: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)


def chosen(rules: Rules, standard: Standard) -> Standard:
    """Return the rules of a standard that are chosen; SitingError when there is none."""
    keys = {key: getattr(rules, key) for key in ("kind", "service", "role", "rule", "year")}
    found = standard.adapted(rules.changes).select(**keys)
    if not len(found):
        raise SitingError(Message("analysis.no_rules", standard=standard.name))
    return found
