"""Streets → graph → places on it → shortest paths."""

from siting.network.graph import Network
from siting.network.places import Places
from siting.network.walking_speed import Walk, careful, tobler

__all__ = ["Network", "Places", "Walk", "careful", "tobler"]


def __dir__() -> list[str]:
    return __all__
