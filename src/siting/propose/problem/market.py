"""People who choose among sites: the objective and the rule on market share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt
import pandas as pd

from siting.errors import ProblemError
from siting.messages import Message
from siting.propose.problem.objectives import Objective
from siting.propose.problem.rule import Rule
from siting.propose.problem.rule_values import Value, argument_of, arguments, at_least_zero, ids_of
from siting.read_share import share_from

__all__ = ["Choice", "MaxMarketShare", "TargetMarketShare"]


@dataclass(frozen=True, eq=False)
class Choice(Value):
    """How people choose among sites."""

    attractiveness: pd.Series | None = field(default=None, kw_only=True)
    decay: Callable[[npt.NDArray[Any]], npt.ArrayLike] = field(kw_only=True)
    competitors: tuple[object, ...] = field(default=(), kw_only=True)
    alpha: float = field(default=1.0, kw_only=True)
    no_choice: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        name = type(self).__name__
        if self.attractiveness is not None and not isinstance(self.attractiveness, pd.Series):
            value = self.attractiveness
            raise ProblemError(
                Message("argument.series", what=argument_of(name, "attractiveness"), value=value, of="sites")
            )
        if not callable(self.decay):
            example = "power(2, least=100)"
            raise ProblemError(
                Message("problem.decay", what=argument_of(name, "decay"), value=self.decay, example=example)
            )
        if isinstance(self.competitors, Iterable) and not isinstance(self.competitors, str):
            object.__setattr__(self, "competitors", tuple(self.competitors))
        object.__setattr__(self, "competitors", ids_of(self.competitors, argument_of(name, "competitors")))
        for key in ("alpha", "no_choice"):
            at_least_zero(getattr(self, key), argument_of(name, key))

    @property
    def _options(self) -> dict[str, object]:
        return {
            "attractiveness": None if self.attractiveness is None else self.attractiveness.name or "by site",
            "decay": getattr(self.decay, "name", None) or "function",
            "competitors": len(self.competitors) or None,
            "alpha": None if self.alpha == 1 else float(self.alpha),
            "no_choice": float(self.no_choice) or None,
        }

    def __str__(self) -> str:
        return f"{type(self).__name__}({arguments(None, **self._options)})"


class MaxMarketShare(Choice, Objective):
    """Win as many visitors as possible against competitors: maximum capture with Huff's model [1]_ [2]_.

    People of a community go to each open site, own or of a competitor, in proportion to its utility
    ``A_j ** alpha f(d_ij)``; see `siting.measure.huff`. The objective is the expected number that comes to own sites:
    new ones and `Existing`.

    Parameters
    ----------
    attractiveness
        ``A`` by site id, of all destinations of the reach; without it all attract alike.
    decay
        ``f``, a function from an array of costs (in the unit of the reach) to weights of 0 or more, such as `power`.
        Pairs beyond the limit of the reach have none.
    competitors
        Ids of the sites of others. They are open, and nothing of one's own opens there.
    alpha
        Exponent of the attractiveness, 0 or more.
    no_choice
        Utility of going nowhere, in the unit of the utility.

    Raises
    ------
    ProblemError
        When a value is none of these.

    Notes
    -----
    `AtMost`, `AtLeast`, `Budget`, `OnePer`, `Spacing`, `Supply`, `Existing`, `MayClose`, `Required` and `Forbidden` go
    with it, for one service and one year; other rules are refused.

    References
    ----------
    .. [1] D. L. Huff, "Defining and estimating a trading area", Journal of Marketing 28 (3), 1964, pp. 34-38.
    .. [2] S. Benati and P. Hansen, "The maximum capture problem with random utilities: problem formulation and
       algorithms", European Journal of Operational Research 143 (3), 2002, pp. 518-530.

    Examples
    --------
    >>> import pandas as pd, siting as st
    >>> table = pd.DataFrame({"origin": list("aabb"), "destination": list("xrry"), "cost": [100.0, 100, 200, 100]})
    >>> reach = st.Reach.from_pairs(table, origins=list("ab"), destinations=list("xyr"), limit=300)
    >>> most = st.MaxMarketShare(decay=st.decay.power(2, least=100), competitors=["r"])
    >>> st.solve(most, reach, demand=pd.Series({"a": 10, "b": 10}), rules=[st.AtMost(1)])
    <Plan: optimal, 1 site, 8 of 20 (40.0 %), bound 8, gap 0.00 %>
    """


@dataclass(frozen=True, eq=False)
class TargetMarketShare(Choice, Rule):
    """Win at least a share of all demand against competitors; for `MinSites`: the fewest sites for a market share.

    Parameters
    ----------
    share
        Above 0 and at most 1.
    attractiveness, decay, competitors, alpha, no_choice
        As for `MaxMarketShare`.

    Raises
    ------
    ProblemError
        When a value is none of these.

    Examples
    --------
    >>> import pandas as pd, siting as st
    >>> table = pd.DataFrame({"origin": list("aabb"), "destination": list("xrry"), "cost": [100.0, 100, 200, 100]})
    >>> reach = st.Reach.from_pairs(table, origins=list("ab"), destinations=list("xyr"), limit=300)
    >>> target = st.TargetMarketShare(0.5, decay=st.decay.power(2, least=100), competitors=["r"])
    >>> st.solve(st.MinSites(), reach, demand=pd.Series({"a": 10, "b": 10}), rules=[target]).sites
    ('y', 'x')
    """

    share: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(
            self, "share", share_from(self.share, argument_of("TargetMarketShare", "share"), ProblemError)
        )

    def __str__(self) -> str:
        return f"TargetMarketShare({arguments(float(self.share), **self._options)})"
