"""From a reach, weights and rules to the numbers that the models are made of, reduced first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array

from siting.errors import ProblemError, some
from siting.measure import Reach
from siting.measure.coverage import weights
from siting.propose.problem import AtMost, Cover, Existing, Forbidden, Required, Rule

__all__ = ["Instance", "Share", "build"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Share:
    """A share that must be covered: which origins it is about and how much demand that is."""

    members: Bools
    need: float
    rule: Cover
    group: object


@dataclass(frozen=True, eq=False)
class Instance:
    """One siting problem in numbers.

    Attributes
    ----------
    reach
        Pairs within the limit; origins have the demand, destinations are sites.
    weight
        Demand of each origin; `grain` is its granularity (1 when all are whole numbers, else 0).
    cover
        Origins × sites, 1 where the site covers the origin.
    existing, required, allowed
        Which sites are open already, must open, and may open (neither existing nor forbidden).
    covered
        Origins that existing sites cover.
    most
        How many sites may open; None for any number.
    shares
        Shares that must be covered.
    """

    reach: Reach
    weight: Floats
    grain: float
    cover: csr_array
    existing: Bools
    required: Bools
    allowed: Bools
    covered: Bools
    most: int | None
    shares: tuple[Share, ...]

    @property
    def total(self) -> float:
        """All demand."""
        return float(self.weight.sum())

    @property
    def reachable(self) -> Bools:
        """Origins that are covered or that some allowed site covers."""
        near = self.cover[:, np.flatnonzero(self.allowed)].sum(axis=1) > 0
        result: Bools = near | self.covered
        return result

    def covered_by(self, sites: npt.ArrayLike) -> Bools:
        """Origins covered by the existing sites and those at positions *sites*."""
        result: Bools = self.covered | (self.cover[:, np.asarray(sites, np.intp)].sum(axis=1) > 0)
        return result

    def short_of(self, covered: Bools) -> list[Share]:
        """List the shares that are not met; fractions of people are summed with a tolerance of 1e-8 of all."""
        slack = 0.5 if self.grain else 1e-8 * self.total
        return [s for s in self.shares if self.weight[s.members & covered].sum() < s.need - slack]

    def keeps(self, covered: Bools) -> bool:
        """Tell whether all shares are met."""
        return not self.short_of(covered)


def build(reach: Reach, demand: pd.Series | pd.DataFrame, rules: Sequence[Rule]) -> Instance:
    """Check a problem and put it in numbers.

    Raises
    ------
    ProblemError
        When ids are unknown, rules contradict each other, or there is nothing to choose from.
    """
    if reach.nearest_only is not None:
        raise ProblemError("solve needs all pairs within a limit; call travel with metres or minutes")
    frame = weights(demand, reach.origins)
    if frame.shape[1] != 1:
        raise ProblemError(f"demand has {frame.shape[1]} columns; choose one weight to plan for")
    weight = frame.iloc[:, 0].to_numpy(float)
    if not weight.sum() > 0:
        raise ProblemError("demand is 0 everywhere; there is nothing to cover")
    _known(rules)
    existing = _chosen(rules, Existing, reach)
    required = _chosen(rules, Required, reach) & ~existing
    forbidden = _chosen(rules, Forbidden, reach)
    for name, both in (("Required", required & forbidden), ("Existing", existing & forbidden)):
        if both.any():
            raise ProblemError(f"{name} and Forbidden name the same sites: {some(reach.destinations[both])}")
    allowed = ~existing & ~forbidden
    if not allowed.any():
        raise ProblemError("there is no candidate: every destination is Existing or Forbidden")
    most = min((rule.n for rule in rules if isinstance(rule, AtMost)), default=None)
    if most is not None and most > allowed.sum():
        raise ProblemError(f"AtMost({most}): there are only {int(allowed.sum())} candidates")
    if most is not None and required.sum() > most:
        raise ProblemError(f"AtMost({most}) contradicts Required: it names {int(required.sum())} sites")
    matrix = reach.matrix()
    cover = csr_array((np.ones(len(matrix.data), np.float64), matrix.indices, matrix.indptr), shape=matrix.shape)
    covered = cover[:, np.flatnonzero(existing)].sum(axis=1) > 0
    whole = bool((weight == np.rint(weight)).all())
    return Instance(
        reach=reach,
        weight=weight,
        grain=1.0 if whole else 0.0,
        cover=cover,
        existing=existing,
        required=required,
        allowed=allowed,
        covered=covered,
        most=most,
        shares=tuple(_shares(rules, reach, weight, whole)),
    )


def _known(rules: Sequence[Rule]) -> None:
    kinds = (AtMost, Cover, Existing, Forbidden, Required)
    strange = [rule for rule in rules if not isinstance(rule, kinds)]
    if strange:
        raise ProblemError(f"no rule that solve knows: {some(strange)}; choose from {some(k.__name__ for k in kinds)}")


def _chosen(rules: Sequence[Rule], kind: type[Existing | Required | Forbidden], reach: Reach) -> Bools:
    ids: list[object] = [i for rule in rules if isinstance(rule, kind) for i in rule.ids]
    unknown = pd.Index(ids, dtype=object).difference(reach.destinations.astype(object), sort=False)
    if len(unknown):
        raise ProblemError(f"{kind.__name__}: no such destinations: {some(unknown)}")
    return np.asarray(reach.destinations.isin(ids), bool)


def _shares(rules: Sequence[Rule], reach: Reach, weight: Floats, whole: bool) -> Iterable[Share]:
    for rule in rules:
        if not isinstance(rule, Cover):
            continue
        if rule.by is None:
            groups = pd.Series("all", index=reach.origins)
        else:
            known = rule.by.dropna().index
            wrong = reach.origins.difference(known).union(known[known.duplicated()])
            if len(wrong):
                raise ProblemError(f"{rule}: no single group for origins {some(wrong)}")
            groups = rule.by.reindex(reach.origins)
        for group, at in sorted(groups.groupby(groups).indices.items(), key=lambda item: str(item[0])):
            members = np.zeros(len(weight), bool)
            members[at] = True
            need = rule.share * weight[members].sum()
            if whole:  # people are whole: a share of 0.9 of 37 asks for 34
                need = float(np.ceil(need - max(1e-9, 1e-15 * need)))
            if need > 0:
                yield Share(members, need, rule, group)


@dataclass(frozen=True, eq=False)
class Reduced:
    """The part of an instance that is still open: groups of demand with the same sites and shares.

    `weight`, `needs` and `base` are in units of 1 / `scale` of the demand.
    """

    sites: Ints
    weight: Floats
    cover: csr_array
    members: tuple[Bools, ...]
    needs: tuple[float, ...]
    base: float
    scale: float


def reduce(instance: Instance) -> Reduced:
    """Drop what is covered, weightless or out of reach, and merge demand with equal sites and shares.

    None of this changes the optimum: covered demand is a constant, demand that no allowed site covers can never be
    served, and demands with one cover set are covered together or not at all.
    """
    sites = np.flatnonzero(instance.allowed)
    rest = instance.cover[:, sites]
    open_rows = np.flatnonzero(~instance.covered & (instance.weight > 0) & (np.diff(rest.indptr) > 0))
    rest = csr_array(rest[open_rows])
    rest.sort_indices()
    marks = np.array([s.members[open_rows] for s in instance.shares], bool).reshape(
        len(instance.shares), len(open_rows)
    )
    keys = [
        rest.indices[rest.indptr[i] : rest.indptr[i + 1]].tobytes() + marks[:, i].tobytes()
        for i in range(len(open_rows))
    ]
    codes, first = pd.factorize(pd.Index(keys, dtype=object))
    # The solver's tolerances are absolute. Fractions are brought to about a million, by a power of two to stay exact.
    scale = 1.0 if instance.grain else 2.0 ** round(np.log2(1e6 / instance.total))
    weight = np.bincount(codes, scale * instance.weight[open_rows], minlength=len(first)).astype(np.float64)
    where = np.zeros(len(first), np.intp)
    where[codes[::-1]] = np.arange(len(open_rows))[::-1]
    done = instance.covered
    return Reduced(
        sites=sites,
        weight=weight,
        cover=csr_array(rest[where]),
        members=tuple(marks[k, where] for k in range(len(instance.shares))),
        needs=tuple(scale * (s.need - float(instance.weight[s.members & done].sum())) for s in instance.shares),
        base=scale * float(instance.weight[done].sum()),
        scale=scale,
    )
