"""Take-up: the share of people who look for a place."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from siting.errors import ProblemError
from siting.labels import label, named
from siting.measure.services import PEOPLE
from siting.messages import Message
from siting.numbers import Floats
from siting.read_share import share_from

__all__ = ["TakeUp", "rates_of"]


class TakeUp(NamedTuple):
    """The lowest and the highest rate of a service, and whether it is childcare."""

    service: str
    least: float
    most: float
    childcare: bool

    @classmethod
    def of(cls, rates: Floats, service: str, demand: object) -> TakeUp:
        """Describe rates; the name of the *demand* tells the service where none is named."""
        childcare = service == "childcare" or (not service and demand == PEOPLE["childcare"])
        return cls(service, float(rates.min(initial=1.0)), float(rates.max(initial=0.0)), childcare)

    def words(self, lang: str) -> str:
        """Say it in a sentence, which names the service where there are several.

        Examples
        --------
        >>> TakeUp("childcare", 0.33, 0.33, True).words("zh"), TakeUp("", 0.2, 0.4, False).words("en")
        ('托育：需求按入托率 33 % 计。', 'Demand: people times a take-up of 20 % to 40 %.')
        """
        key = "take_up.childcare" if self.childcare else "take_up.other"
        if not self.service:
            return label(key, lang, rate=self.rate(lang))
        return label(f"{key}_of", lang, rate=self.rate(lang), service=named("service", self.service, lang))

    def heading(self, lang: str) -> str:
        """Return what the rate is called."""
        return label("take_up.childcare_rate" if self.childcare else "take_up.other_rate", lang)

    def rate(self, lang: str) -> str:
        """Return the rate, or the lowest and the highest, in per cent."""
        low, high = (f"{100 * each:.6g} %" for each in (self.least, self.most))
        return low if low == high else label("take_up.range", lang, least=low, most=high)


def rates_of(take_up: float | pd.Series, ids: pd.Index, what: str = "take_up", of: str = "origins") -> Floats:
    """Return the share of people of each id who look for a place.

    Parameters
    ----------
    take_up
        A share above 0 and at most 1 (0.33 or "33 %"), or a Series by id.

    Raises
    ------
    ProblemError
        When a rate is missing, no number, or outside (0, 1].

    Examples
    --------
    >>> rates_of(0.33, pd.Index(["a", "b"])).tolist()
    [0.33, 0.33]
    """
    if not isinstance(take_up, pd.Series):
        return np.full(len(ids), share_from(take_up, what, ProblemError))
    if not take_up.index.is_unique:
        raise ProblemError(Message("ids.twice", what=what, ids=take_up.index[take_up.index.duplicated()].unique()))
    if len(absent := ids.difference(take_up.index)):
        raise ProblemError(Message("ids.no_value", what=what, n=len(absent), of=of, ids=absent))
    given = pd.to_numeric(take_up.loc[ids], errors="coerce").to_numpy(float)
    if (wrong := ~((given > 0) & (given <= 1))).any():
        raise ProblemError(Message("measure.take_up", what=what, ids=ids[wrong]))
    return given
