"""`Plan`: the sites to open, who they serve, and the proof of how good that is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from siting.labels import label
from siting.propose.covering import Choice, Reason
from siting.propose.instance import Bools, Instance, Ints

__all__ = ["Plan"]


@dataclass(frozen=True, eq=False, repr=False)
class Plan:
    """What to open. Made by `solve`.

    Attributes
    ----------
    sites
        Ids of the new sites, in the order in which they add most; () when there is no plan.
    table
        A row per new site, index `site`: `order`, `adds` (demand that it adds to the existing sites and those before
        it), `share_after`, `within` (all demand within its reach), `lost_without` (demand that only it covers).
    assignment
        The nearest open site of each community, existing or new: `site`, `cost`, `new`; missing where none is in reach.
    served
        Demand served in each community.
    total, covered, share
        All demand; what is served, existing sites included; and its share.
    objective, bound, gap
        What was optimised (demand covered, or sites opened), the best that any plan could have, and the distance
        between them as a share; NaN without a plan.
    status
        "optimal", "feasible" (a plan, no proof), "time_limit", "infeasible".
    seconds
        How long it took.
    rules
        Objective and rules as they were put.
    unreachable
        Communities with demand that no site, open or allowed, reaches.
    limit, unit, how
        Within which distance a site covers, and how it was measured.
    reasons
        Why there is no plan, as keys of the table of labels.
    """

    sites: tuple[object, ...]
    table: pd.DataFrame
    assignment: pd.DataFrame
    served: pd.Series
    total: float
    covered: float
    share: float
    objective: float
    bound: float
    gap: float
    status: str
    rules: tuple[str, ...]
    unreachable: tuple[object, ...]
    before: float
    reachable: float
    limit: float
    unit: str
    how: str = ""
    seconds: float = 0.0
    reasons: tuple[Reason, ...] = field(default=())

    def __repr__(self) -> str:
        if math.isnan(self.objective):
            return f"<Plan: {self.status}, no sites; see explain()>"
        n = len(self.sites)
        return (
            f"<Plan: {self.status}, {n} site{'s' * (n != 1)}, {self.covered:,.10g} of {self.total:,.10g} "
            f"({100 * self.share:.1f} %), bound {self.bound:,.10g}, gap {100 * self.gap:.2f} %>"
        )

    def summary(self, lang: str = "zh") -> str:
        """Say in a few lines whether there is a plan, what it reaches, and how that is proven.

        Parameters
        ----------
        lang
            "zh" or "en".
        """
        lines = [label(f"plan.status_{self.status}", lang)]
        lines += [label(key, lang, **{k: _shown(v, lang) for k, v in values.items()}) for key, values in self.reasons]
        if not math.isnan(self.objective):
            numbers = {
                "n": len(self.sites),
                "before": _percent(self.before / self.total),
                "share": _percent(self.share),
                "covered": _amount(self.covered),
                "total": _amount(self.total),
                "gap": _percent(self.gap),
                "bound": _amount(self.bound),
                "objective": _amount(self.objective),
            }
            lines += [label("plan.raises", lang, **numbers), label("plan.proof", lang, **numbers)]
        return "\n".join(lines)

    def explain(self, lang: str = "zh") -> str:
        """Say in words what the plan does, what each site adds, and who remains outside.

        Parameters
        ----------
        lang
            "zh" or "en".
        """
        lines = [self.summary(lang)]
        lines += [
            label(
                "plan.site", lang, order=row["order"], site=site, adds=_amount(row["adds"]),
                share=_percent(row["share_after"]), lost=_amount(row["lost_without"]),
            )
            for site, row in self.table.to_dict("index").items()
        ]  # fmt: skip
        if self.unreachable:
            count = len(self.unreachable)
            names = label("list.comma", lang).join(str(i) for i in self.unreachable[:20]) + " …" * (count > 20)
            best = _percent(self.reachable / self.total)
            lines.append(label("plan.unreachable", lang, count=count, names=names, best=best))
        return "\n".join(lines)


def _amount(number: float) -> str:
    return f"{number:,.10g}"


def _percent(share: float) -> str:
    return "n/a" if math.isnan(share) else f"{100 * share:.1f} %"


def _shown(value: object, lang: str) -> object:
    if isinstance(value, tuple):
        return label("list.comma", lang).join(map(str, value))
    return _percent(value) if isinstance(value, float) else value


def make_plan(instance: Instance, choice: Choice, rules: tuple[str, ...]) -> Plan:
    """Work out everything that a plan tells from the chosen positions."""
    reach, weight = instance.reach, instance.weight
    chosen = np.array([], np.intp) if choice.sites is None else np.asarray(choice.sites, np.intp)
    covered = instance.covered_by(chosen)
    table = _contributions(instance, chosen)
    open_sites = instance.existing.copy()
    open_sites[chosen] = True
    total, served = instance.total, float(weight[covered].sum())
    beyond = ~instance.reachable & (weight > 0)
    return Plan(
        sites=tuple(table.index),
        table=table,
        assignment=_assignment(instance, open_sites),
        served=pd.Series(np.where(covered, weight, 0.0), index=reach.origins, name="served"),
        total=total,
        covered=served,
        share=served / total,
        objective=choice.value,
        bound=choice.bound,
        gap=choice.gap,
        status=choice.status,
        rules=rules,
        unreachable=tuple(reach.origins[beyond]),
        before=float(weight[instance.covered].sum()),
        reachable=float(weight[instance.reachable].sum()),
        limit=reach.limit,
        unit=reach.unit,
        how=reach.how,
        reasons=choice.reasons,
    )


def _contributions(instance: Instance, chosen: Ints) -> pd.DataFrame:
    """Order the chosen sites by what each adds, and tell what would be lost without it."""
    by_site = instance.cover[:, chosen].T.tocsr()
    reached = np.asarray(by_site.todense(), bool)
    weight = instance.weight
    served: Bools = instance.covered.copy()
    times = reached.sum(axis=0) + 10 * instance.covered
    rows: list[dict[str, object]] = []
    left = list(range(len(chosen)))
    while left:
        gains = [float(weight[reached[k] & ~served].sum()) for k in left]
        k = left.pop(int(np.argmax(gains)))
        served |= reached[k]
        rows.append(
            {
                "site": instance.reach.destinations[chosen[k]],
                "order": len(rows) + 1,
                "adds": max(gains),
                "share_after": float(weight[served].sum()) / instance.total,
                "within": float(weight[reached[k]].sum()),
                "lost_without": float(weight[reached[k] & (times == 1)].sum()),
            }
        )
    columns = ["site", "order", "adds", "share_after", "within", "lost_without"]
    return pd.DataFrame(rows, columns=columns).set_index("site")


def _assignment(instance: Instance, open_sites: Bools) -> pd.DataFrame:
    """Send each community to the nearest open site in reach."""
    reach = instance.reach
    at = np.flatnonzero(open_sites[reach.destination])
    first = at[np.unique(reach.origin[at], return_index=True)[1]]
    table = pd.DataFrame(
        {
            "site": reach.destinations[reach.destination[first]],
            "cost": reach.cost[first],
            "new": ~instance.existing[reach.destination[first]],
        },
        index=reach.origins[reach.origin[first]],
    )
    return table.reindex(reach.origins)
