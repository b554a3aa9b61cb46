"""`Outcome`: what a study gives, and how it is written and shown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from siting.study.outputs import write_outputs
from siting.study.values import Results

__all__ = ["Outcome"]


@dataclass(frozen=True, eq=False, repr=False)
class Outcome(Results):
    """All that a study gives. Made by `run`.

    Attributes
    ----------
    study, layers, network
        What went in, and the network made of it.
    places
        Where each layer's places lie on the network, by role.
    coverage
        A row per service, limit, unit, metric (streets, straight), group ("all" or a district) and weight; see
        `siting.coverage`.
    apart
        By service, for each facility "not_open", "no_places", "no_beds", "no_capacity" or nothing; see `set_apart`.
    bands
        Nearest facility and smallest limit met of each community, by service.
    areas
        Dissolved service areas by service.
    audit
        The verdict, None without a standard.
    proposals
        By name of the goal.
    steps
        Seconds each step took.
    """

    def __repr__(self) -> str:
        return f"<Outcome of {self.study.name}: {', '.join(self.proposals) or 'no proposals'}, {self.audit}>"

    @property
    def unmet(self) -> list[str]:
        """Names of the goals that no plan was found for."""
        return [name for name, proposal in self.proposals.items() if math.isnan(proposal.plan.objective)]

    def write(self, folder: str | Path) -> dict[str, Path]:
        """Write map, report, layers and tables to *folder*; see `siting.study.outputs.write_outputs`."""
        return write_outputs(self, Path(folder))
