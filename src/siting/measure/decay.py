"""Weight of a facility by distance: `steps`, `linear`, `gaussian`, `power`, `exponential`.

Each makes a `Decay`, a frozen function from costs (metres or minutes) to weights from 0 to 1 (`steps`: as given), for
`accessibility` and `catchment`. Any other function from an array of costs to an array of weights also works.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from siting.errors import ProblemError
from siting.limits import usual_limit
from siting.measure.reach import TOLERANCE
from siting.messages import Message
from siting.numbers import Floats

__all__ = ["Decay", "exponential", "gaussian", "linear", "power", "steps"]


@dataclass(frozen=True, repr=False)
class Decay:
    """A distance decay: call it with costs. Made by `steps`, `linear`, `gaussian`, `power`, `exponential`.

    Attributes
    ----------
    name
        The call that made it; decays with the same name are equal.
    limit, rule
        The cost beyond which the weight is 0 (infinite if never); the function from costs to weights.
    """

    name: str
    limit: float
    rule: Callable[[Floats], Floats] = field(compare=False)

    def __call__(self, cost: npt.ArrayLike) -> Floats:
        """Return the weight at each cost, in an array of the same shape."""
        return self.rule(np.asarray(cost, float))

    def __repr__(self) -> str:
        return self.name


def __dir__() -> list[str]:
    return __all__


def steps(weights: Mapping[float, float]) -> Decay:
    """Weight by distance zones, as in the enhanced two-step method [1]_.

    ``f(d) = w_r`` for the first bound ``d_r >= d``, and 0 beyond the last bound.

    Parameters
    ----------
    weights
        Weight of each zone by its upper bound, inclusive. Weights never rise with the bound.

    Raises
    ------
    ProblemError
        When there is no zone, a bound or weight is negative or not a number, or a weight rises.

    References
    ----------
    .. [1] W. Luo and Y. Qi, "An enhanced two-step floating catchment area (E2SFCA) method for measuring spatial
       accessibility to primary care physicians", Health & Place 15 (4), 2009, pp. 1100-1107. Their weights for 10, 20
       and 30 minutes by car are 1, 0.68 and 0.22.

    Examples
    --------
    >>> steps({300: 1, 500: 0.68, 800: 0.22})([0, 300, 301, 800, 801]).tolist()
    [1.0, 1.0, 0.68, 0.22, 0.0]
    """
    if not isinstance(weights, Mapping) or not weights:
        raise ProblemError(Message("measure.steps_mapping", value=weights))
    try:
        zones = sorted((float(bound), float(weight)) for bound, weight in weights.items())
    except (TypeError, ValueError):
        raise ProblemError(Message("measure.steps_numbers", zones=str(dict(weights)))) from None
    bounds, heights = np.array(zones, float).T
    if (wrong := ~np.isfinite(bounds) | ~np.isfinite(heights) | (bounds < 0) | (heights < 0)).any():
        raise ProblemError(Message("measure.steps_negative", bounds=bounds[wrong]))
    if (np.diff(heights) > 0).any():
        raise ProblemError(Message("measure.steps_rise", zones=_zones(zones)))
    bounds.flags.writeable = heights.flags.writeable = False
    return Decay(f"steps({_zones(zones)})", float(bounds[-1]), partial(_steps, bounds=bounds, heights=heights))


def linear(limit: float) -> Decay:
    """Weight that falls in a straight line to 0 at the edge of the catchment [1]_.

    ``f(d) = 1 - d / d0`` for ``d <= d0``, the *limit*, and 0 beyond.

    Parameters
    ----------
    limit
        The edge of the catchment.

    Raises
    ------
    ProblemError
        When *limit* is not above 0.

    References
    ----------
    .. [1] M. P. Kwan, "Space-time and integral measures of individual accessibility: a comparative analysis using a
       point-based framework", Geographical Analysis 30 (3), 1998, pp. 191-216.

    Examples
    --------
    >>> linear(800)([0, 200, 800, 900]).tolist()
    [1.0, 0.75, 0.0, 0.0]
    """
    limit = _positive(limit, "linear", "limit")
    return Decay(f"linear({_printed(limit)})", limit, partial(_linear, limit=limit))


def gaussian(limit: float) -> Decay:
    """Weight that falls smoothly to 0 at the edge of the catchment [1]_.

    ``f(d) = (exp(-(d / d0)² / 2) - exp(-1/2)) / (1 - exp(-1/2))`` for ``d <= d0``, the *limit*, and 0 beyond.

    Parameters
    ----------
    limit
        The edge of the catchment.

    Raises
    ------
    ProblemError
        When *limit* is not above 0.

    References
    ----------
    .. [1] D. Dai, "Black residential segregation, disparities in spatial access to health care facilities, and
       late-stage breast cancer diagnosis in metropolitan Detroit", Health & Place 16 (5), 2010, pp. 1038-1052.

    Examples
    --------
    >>> gaussian(800)([0, 400, 800, 900]).round(3).tolist()
    [1.0, 0.701, 0.0, 0.0]
    """
    limit = _positive(limit, "gaussian", "limit")
    return Decay(f"gaussian({_printed(limit)})", limit, partial(_gaussian, limit=limit))


def power(beta: float, *, least: float) -> Decay:
    """Weight by a power of the distance, as in gravity models [1]_ [2]_.

    ``f(d) = (max(d, least) / least) ** -beta``: 1 up to *least*, so that the weight at 0 is finite. Where
    `accessibility` divides by a sum of weights ("gravity"), this is ``d ** -beta``.

    Parameters
    ----------
    beta, least
        The exponent, above 0: estimate it for the service and its users; the least cost, at which nearer ones count.

    Raises
    ------
    ProblemError
        When *beta* or *least* is not above 0.

    References
    ----------
    .. [1] W. G. Hansen, "How accessibility shapes land use", Journal of the American Institute of Planners 25 (2),
       1959, pp. 73-76.
    .. [2] A. E. Joseph and P. R. Bantock, "Measuring potential physical accessibility to general practitioners in rural
       areas: a method and case study", Social Science & Medicine 16 (1), 1982, pp. 85-90.

    Examples
    --------
    >>> power(2, least=100)([0, 100, 200, 1000]).tolist()
    [1.0, 1.0, 0.25, 0.01]
    """
    beta, least = _positive(beta, "power", "beta"), _positive(least, "power", "least")
    name = f"power({_printed(beta)}, least={_printed(least)})"
    return Decay(name, math.inf, partial(_power, beta=beta, least=least))


def exponential(beta: float) -> Decay:
    """Weight that falls by the same share with each metre or minute [1]_.

    ``f(d) = exp(-beta d)``.

    Parameters
    ----------
    beta
        Per metre, or per minute, above 0: the weight is halved every ``ln 2 / beta``.

    Raises
    ------
    ProblemError
        When *beta* is not above 0.

    References
    ----------
    .. [1] A. G. Wilson, "A family of spatial interaction models, and associated developments", Environment and Planning
       A 3 (1), 1971, pp. 1-32.

    Examples
    --------
    >>> exponential(np.log(2) / 400)([0, 400, 800]).round(3).tolist()
    [1.0, 0.5, 0.25]
    """
    beta = _positive(beta, "exponential", "beta")
    return Decay(f"exponential({_printed(beta)})", math.inf, partial(_exponential, beta=beta))


def _steps(cost: Floats, *, bounds: Floats, heights: Floats) -> Floats:
    return np.append(heights, 0.0)[np.searchsorted(bounds * (1 + TOLERANCE), cost)]


def _linear(cost: Floats, *, limit: float) -> Floats:
    return np.maximum(1.0 - cost / limit, 0.0)


def _gaussian(cost: Floats, *, limit: float) -> Floats:
    edge = math.exp(-0.5)
    return np.maximum((np.exp(-0.5 * (cost / limit) ** 2) - edge) / (1.0 - edge), 0.0)


def _power(cost: Floats, *, beta: float, least: float) -> Floats:
    return np.asarray((np.maximum(cost, least) / least) ** -beta)


def _exponential(cost: Floats, *, beta: float) -> Floats:
    return np.asarray(np.exp(-beta * cost))


def refuse_searched_less(decay: object, searched: float, unit: str) -> None:
    """Refuse a decay that counts what lies beyond the cost that was *searched*, in *unit*."""
    if not isinstance(decay, Decay) or math.isinf(decay.limit):
        return
    usual_limit(decay.limit, unit, searched, f"{decay}: its limit")
    if decay.limit > searched * (1 + TOLERANCE):
        facts = {"decay": repr(decay), "limit": decay.limit, "searched": searched, "unit": unit}
        raise ProblemError(Message("reach.decay_above_searched", **facts))


def refuse_zones(decay: object) -> None:
    """Refuse zones that were given without `steps`."""
    if isinstance(decay, dict) and len(decay) < 10:
        raise ProblemError(Message("measure.decay_zones", zones=str(decay)))


def check_shape(factor: Floats, cost: Floats) -> None:
    """Refuse weights that are not one for each cost."""
    if factor.shape != cost.shape:
        raise ProblemError(Message("measure.decay_shape", shape=factor.shape, wanted=cost.shape))


def _positive(value: float, of: str, what: str) -> float:
    if not (isinstance(value, int | float | np.number) and 0 < value < math.inf):
        raise ProblemError(Message("argument.above_zero", what=what, value=value).within(of))
    return float(value)


def _printed(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def _zones(zones: list[tuple[float, float]]) -> str:
    return "{" + ", ".join(f"{_printed(bound)}: {_printed(weight)}" for bound, weight in zones) + "}"
