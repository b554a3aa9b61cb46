"""What communities find in each variable when they choose among sites, and problems with which that does not go."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

import siting.propose.problem as problem
from siting.errors import ProblemError
from siting.measure.huff import decayed_attraction, refuse_no_decay
from siting.messages import Message
from siting.numbers import Bools, Floats, Ints
from siting.propose.model.inputs import Inputs
from siting.propose.problem.rule_values import argument_of

__all__ = ["Utilities", "choice_of", "competitors_of", "refuse_beside_choice", "utilities"]

#: Rules that say what is served, or who: with a choice nobody is served by one site alone.
BESIDE = (problem.Phases, problem.Cover, problem.NobodyBeyond, problem.Capacity, problem.Backup, problem.Together)


@dataclass(frozen=True, eq=False)
class Utilities:
    """Utility of each variable for each community (CSR, above 0), and of all that others offer; `demand` chooses."""

    utility: csr_array
    other: Floats
    demand: Floats

    @cached_property
    def by_column(self) -> csr_array:
        """The utilities as variables × communities."""
        return csr_array(self.utility.T.tocsr())

    def shares(self, x: Bools) -> Floats:
        """Return the share of each community that comes to open variables."""
        own = np.asarray(self.utility @ x.astype(float), float)
        return np.asarray(np.divide(own, own + self.other, out=np.zeros(len(own)), where=own > 0), float)

    def captured(self, x: Bools) -> float:
        """Return how many people come to open variables."""
        return float((self.demand * self.shares(x)).sum())


def choice_of(objective: problem.Objective, inputs: Inputs) -> problem.Choice | None:
    """Return how people choose, where the objective or a rule is about that; None where the nearest site counts."""
    return objective if isinstance(objective, problem.MaxMarketShare) else inputs.one(problem.TargetMarketShare)


def competitors_of(objective: problem.Objective, inputs: Inputs) -> Bools:
    """Services × sites: the sites of competitors, at which nothing opens."""
    choice, mask = choice_of(objective, inputs), np.zeros(inputs.known.shape, bool)
    if choice is not None:
        mask[:, inputs.site_positions(choice.competitors, argument_of(type(choice).__name__, "competitors"))] = True
        for kind in (problem.Existing, problem.Required):
            if (both := mask & inputs.named(kind)).any():
                names = inputs.sites[np.flatnonzero(both.any(axis=0))]
                others = Message("problem.competitors", rule=choice)
                raise ProblemError(Message("problem.same_sites", one=kind.__name__, other=others, ids=names))
    return mask


def refuse_beside_choice(objective: problem.Objective, inputs: Inputs) -> None:
    """Refuse what does not go with people who choose among sites."""
    choice, target = choice_of(objective, inputs), inputs.one(problem.TargetMarketShare)
    if choice is None:
        return
    if target is not None and not isinstance(objective, problem.MinSites):
        raise ProblemError(Message("problem.target_goes_with", rule=target, objective=objective))
    if beside := inputs.all(*BESIDE):
        raise ProblemError(Message("problem.not_beside", rule=beside[0], other=type(choice).__name__))
    if len(inputs.services) > 1:
        raise ProblemError(Message("problem.one_service", what=type(choice).__name__, n=len(inputs.services)))
    if inputs.options is not None:
        raise ProblemError(Message("problem.not_with_options", rule=type(choice).__name__))


def utilities(
    choice: problem.Choice, inputs: Inputs, community: Ints, column: Ints, cost: Floats, site: Ints
) -> Utilities:
    """Work out the utilities of the pairs of communities and variables, whose sites are *site*."""
    pairs, shape = inputs.first, (len(inputs.communities), len(site))
    what = type(choice).__name__
    refuse_no_decay(choice.decay, pairs.limit, pairs.unit)
    appeal = np.ones(len(inputs.sites))
    if choice.attractiveness is not None:
        appeal = inputs.site_numbers(choice.attractiveness, argument_of(what, "attractiveness"))[0]
        known = inputs.known[0]
        inputs.refuse_lacking(np.flatnonzero(known & np.isnan(appeal)), what, "attractiveness")
    offered = decayed_attraction(appeal[pairs.site], pairs.cost, choice.decay, choice.alpha)
    others = np.isin(pairs.site, inputs.site_positions(choice.competitors, argument_of(what, "competitors")))
    other = choice.no_choice + np.bincount(pairs.community[others], offered[others], shape[0])
    value = decayed_attraction(appeal[site[column]], cost, choice.decay, choice.alpha)
    some_ = value > 0
    matrix = csr_array((value[some_], (community[some_], column[some_])), shape=shape)
    matrix.sort_indices()
    return Utilities(matrix, np.asarray(other, float), inputs.demand[0, 0])
