"""Goals that fail with all sites open: shares, distances and numbers, and communities that no site serves."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from siting.numbers import Bools, amount
from siting.propose.infeasible.subproblems import SAME
from siting.propose.model.constraints import Constraint
from siting.propose.model.formulation import Formulation
from siting.propose.model.variables import LARGER, NEW, STAYING
from siting.propose.problem import Forbidden, OnePer, Part
from siting.propose.search.answer import Lacking, Reason, Way

__all__ = ["out_of_reach"]


def out_of_reach(formulation: Formulation) -> tuple[tuple[Part, ...], list[Reason]]:
    """Return the parts of rules that fail, each by itself, with all sites open, and by how much."""
    inputs, parts = formulation.inputs, []
    found: list[Reason] = []
    missed: dict[tuple[int, float | None], list[tuple[Part, Bools]]] = {}
    for share in formulation.shares:
        served = _served_by_all(formulation, share.service, share.phase, share.limit, formulation.times)
        weight = np.where(share.members, inputs.demand[share.service, share.phase], 0.0)
        if weight[served].sum() < share.wanted - SAME * max(1.0, share.wanted):
            parts.append(share.part)
            group, best = share.part.group, float(weight[served].sum() / weight.sum())
            limit = inputs.pairs[share.service].own(share.limit)
            endless = limit is None and math.isinf(inputs.pairs[share.service].limit)
            key = f"plan.out_of_reach{'_in' if group else '_at_all' * endless}"
            found.append((key, {"share": share.share, "best": best, "group": group}))
            missed.setdefault((share.service, limit), []).append((Part(share.rule), (weight > 0) & ~served))
    services, years = range(len(inputs.services)), range(len(inputs.years))
    whole = Part(formulation.objective)  # which may want everybody served
    everybody = [(whole, service, phase, None) for service in services for phase in years if formulation.everybody]
    near = [(each.part, each.service, each.phase, each.limit) for each in formulation.closeness]
    for part, service, phase, limit in [*near, *everybody]:
        lost = (inputs.demand[service, phase] > 0) & ~_served_by_all(formulation, service, phase, limit, 1)
        if lost.any():
            parts.append(part)
            missed.setdefault((service, inputs.pairs[service].own(limit)), []).append((part, lost))
        elif (reason := _too_large(formulation, part, service, phase, limit)) is not None:
            parts.append(part)
            found.append(reason)
    for (service, limit), lacking in missed.items():
        found += _too_far(formulation, service, limit, lacking)
    for each in formulation.constraints:
        if each.part is not None and _largest(formulation, each) < each.low - SAME * max(1.0, abs(each.low)):
            parts.append(each.part)
            if isinstance(each.part.rule, OnePer):
                found.append(("plan.no_site", {"rule": Part(each.part.rule), "group": each.part.group}))
                continue
            there, asked = amount(_largest(formulation, each)), amount(each.low)
            found.append(("plan.all_short", {"rule": each.part, "asked": asked, "best": there}))
    return tuple(dict.fromkeys(parts)), found


def _served_by_all(formulation: Formulation, service: int, phase: int, limit: float | None, times: int) -> Bools:
    size, sites = len(formulation.inputs.communities), max(1, len(formulation.inputs.sites))
    community, column, _ = formulation.serving(service, phase, limit)
    open_ = formulation.variables.upper[column] > 0
    pairs = np.unique(community[open_] * sites + formulation.variables.site[column[open_]])
    return np.asarray(np.bincount(pairs // sites, minlength=size) >= times)


def _too_far(
    formulation: Formulation, service: int, limit: float | None, lacking: Sequence[tuple[Part, Bools]]
) -> Iterator[Reason]:
    """Name the communities without a site near enough, and their way to the nearest; apart those that rules bar."""
    inputs, variables = formulation.inputs, formulation.variables
    pairs = inputs.pairs[service]
    size = len(inputs.communities)
    community, column, cost = formulation.serving(service, len(inputs.years) - 1)
    nearest = np.full(size, np.inf)
    ways = pd.DataFrame({"community": community, "site": variables.site[column], "cost": cost})
    ways = ways.sort_values("cost").drop_duplicates(["community", "site"])
    last = ways.groupby("community")["cost"].nth(formulation.times - 1)
    nearest[ways["community"].loc[last.index]] = last
    lost = np.any([mask for _, mask in lacking], axis=0)
    endless = limit is None and math.isinf(pairs.limit)  # then there is no distance to speak of
    values: dict[str, object] = {"rules": tuple(dict.fromkeys(part for part, _ in lacking))}
    if not endless:
        values["limit"] = Way(amount(pairs.limit if limit is None else limit), pairs.unit)
    barring = _barring(formulation, service, limit) if formulation.times == 1 else {}
    barred = lost & np.any([np.zeros(size, bool), *barring.values()], axis=0)
    key = "plan.too_far" if formulation.times == 1 else "plan.too_few"
    if (lost & ~barred).any():
        beyond = Way() if math.isinf(pairs.limit) else Way(amount(pairs.limit), pairs.unit, beyond=True)
        way = [Way(amount(float(f"{cost:.4g}")), pairs.unit) if cost < math.inf else beyond for cost in nearest]
        key, ways_ = (f"{key}_at_all", None) if endless else (key, way)
        yield key, values | _people(formulation, service, lost & ~barred, ways_)
    if barred.any():
        by = tuple(part for part, mask in barring.items() if (mask & barred).any())
        yield f"plan.barred{'_at_all' * endless}", values | {"by": by} | _people(formulation, service, barred)


def _too_large(formulation: Formulation, part: Part, service: int, phase: int, limit: float | None) -> Reason | None:
    """Name the communities that no site in reach has places for, where communities stay together."""
    rule, variables = formulation.capacity, formulation.variables
    if rule is None or rule.split:
        return None
    sites = len(formulation.inputs.sites)
    most, more = np.zeros(sites), np.zeros(sites)
    for kinds, into in (((NEW, STAYING), most), ((LARGER,), more)):
        at = np.isin(variables.kind, kinds) & (variables.service == service) & (variables.upper > 0)
        np.maximum.at(into, variables.site[at], np.nan_to_num(variables.places[at]))
    community, column, _ = formulation.serving(service, phase, limit)
    people = formulation.inputs.demand[service, phase]
    best = np.zeros(len(people))
    np.maximum.at(best, community, (most + more)[variables.site[column]])
    lost = people > best * (1 + SAME)
    if not lost.any():
        return None
    sizes = [f"{amount(float(one))} / {amount(float(room))}" for one, room in zip(people, best, strict=True)]
    return "plan.too_large", {"rules": (part, Part(rule))} | _people(formulation, service, lost, sizes)


def _barring(formulation: Formulation, service: int, limit: float | None) -> dict[Part, Bools]:
    pairs, found, row = formulation.inputs.pairs[service], {}, np.arange(len(formulation.inputs.communities))
    for each in formulation.inputs.each(Forbidden):
        if service in each.services:
            barred = np.isin(pairs.site, each.sites) & pairs.within(limit)  # type: ignore[arg-type]
            found[Part(each.rule)] = np.isin(row, pairs.community[barred])
    return found


def _people(
    formulation: Formulation, service: int, mask: Bools, ways: Sequence[str] | None = None
) -> dict[str, object]:
    people = formulation.inputs.demand[service].max(axis=0)
    at = np.flatnonzero(mask)
    at = at[np.argsort(-people[at], kind="stable")]
    ids = formulation.inputs.communities
    names = tuple(Lacking(ids[i], "" if ways is None else ways[i]) for i in at.tolist())
    return {"count": len(at), "people": amount(float(people[at].sum())), "names": names}


def _largest(formulation: Formulation, constraint: Constraint) -> float:
    """Return the largest sum of a constraint, however many sites open; each site and service opens once."""
    variables, at = formulation.variables, constraint.columns
    weight = np.where(variables.upper[at] > 0, np.maximum(constraint.weight, 0.0), 0.0)
    return float(pd.Series(weight).groupby((variables.place * 5 + variables.kind)[at]).max().sum())
