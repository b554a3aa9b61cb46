"""Projects of a list: what they add, and facilities with them."""

from siting.measure import Appraisal, appraise_projects, with_projects

__all__ = [
    "Appraisal",
    "appraise_projects",
    "with_projects",
]


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
