"""A study from end to end: read from TOML, run by the public functions, and written to a folder."""

from siting.study.check import check_study
from siting.study.inputs import Circle, Goal, Source
from siting.study.outcome import Outcome
from siting.study.run import run
from siting.study.values import Proposal, Study

__all__ = ["Circle", "Goal", "Outcome", "Proposal", "Source", "Study", "check_study", "run"]
