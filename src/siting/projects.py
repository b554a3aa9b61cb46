"""Planned projects: their effects, and facilities including them."""

from siting.measure import Appraisal, appraise_projects, with_projects

__all__ = [
    "Appraisal",
    "appraise_projects",
    "with_projects",
]


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
