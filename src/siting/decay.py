"""What a facility counts at a distance: `steps`, `linear`, `gaussian`, `power`, `exponential`."""

from siting.measure.decay import Decay, exponential, gaussian, linear, power, steps

__all__ = ["Decay", "exponential", "gaussian", "linear", "power", "steps"]


def __dir__() -> list[str]:
    return __all__
