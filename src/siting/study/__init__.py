"""A study from end to end: read from a recipe, run by the public functions, and written to a folder."""

from siting.study.inputs import Circle, Goal, Source
from siting.study.run import Outcome, Proposal, Study, run

__all__ = ["Circle", "Goal", "Outcome", "Proposal", "Source", "Study", "run"]
