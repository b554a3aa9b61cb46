"""What a facility counts at a distance: `steps`, `gaussian`, `power`, `exponential`."""

from siting.measure.decay import Decay, exponential, gaussian, power, steps

__all__ = ["Decay", "exponential", "gaussian", "power", "steps"]


def __dir__() -> list[str]:
    return __all__
