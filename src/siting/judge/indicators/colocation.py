"""Rules of neighbourhood, of thresholds and of direction: what can be counted where a document prints no limit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from siting.data import types_in
from siting.judge.indicators.comparison import ratio
from siting.judge.indicators.finding import NEAR, ONE_BY_ONE, ROWS, WAY, Finding, indicator, number, percent, shown
from siting.judge.layers.columns import SEVERAL, Missing, matches
from siting.judge.layers.context import Context
from siting.judge.layers.service_areas import townships_served
from siting.judge.layers.walkers import beside, walker_of
from siting.judge.standards.applies_to import COMMUNITIES
from siting.judge.standards.rule import Rule
from siting.judge.standards.units_of_measure import UNITS
from siting.judge.wording.sentences import Message

__all__ = [
    "beds",
    "by_reference",
    "candidates",
    "hubs",
    "money",
    "neighbours",
    "openly",
    "principle",
    "threshold",
    "types",
    "vans",
]


#: Keys that say which partners count, and how near they have to be.
PARTNERS = ("metres", "minutes", *WAY, "other_types", "other_where")


def _colocation_idle(rule: Rule) -> tuple[str, ...]:
    walk = () if rule.other and not rule.part else PARTNERS
    among = () if rule.part and rule.layers[0] == "communities" else ("among", "judged_by")
    return (*walk, *among, *(("other",) if rule.part else ()))


@indicator(
    "colocation",
    keys=(*ROWS, *NEAR, *WAY, "part", "other", "other_types", "other_where", "judged_by"),
    units=("", "percent", "facilities", "communities", "modes"),
    idle=_colocation_idle,
)
def neighbours(rule: Rule, context: Context) -> Iterator[Finding]:
    """Facilities that have one of another sort within the walk `beside`, or that serve both."""
    if rule.layers == ("both",):
        raise Missing("audit.not_in_layers", rule=rule.id)
    layer, frame = rule.layers[0], context.stock(rule)
    partner = rule.other
    if rule.part:
        if layer == "communities":
            frame = frame[context.ruled(rule)[frame.index]]
        fulfil = matches(frame, layer, rule.part)
        said: dict[str, object] = {"part": int(fulfil.sum()), "total": len(frame)}
        if layer == "communities":
            share = 100 * ratio(float(fulfil.sum()), len(frame))
            yield shown(share, "percent", ("audit.marked", {**said, "ruled": context.called(rule)}))
        else:
            said["of"] = rule.facility_types or layer
            yield _counted(rule, float(fulfil.sum()), ("audit.units", said))
        return
    if not partner:
        basis = ("audit.sum", {"stock": len(frame), "column": (layer,)})
        yield _counted(rule, float(len(frame)), basis)
        return
    near, unseen = _beside(rule, context, frame)
    told_of = {"part": int(near.sum()), "total": len(frame), "of": layer, "other": rule.other_types or partner}
    basis = beside("audit.partners", rule, {**told_of, "walk": context.walk_of(rule)})
    if rule.unit == "percent":
        found = percent(rule, int(near.sum()), len(frame), needs="facilities", basis=basis, units=near,
                        metric=rule.metric or "streets")  # fmt: skip
    else:
        found = _counted(rule, float(near.sum()), basis)
    yield replace(found, remarks=unseen)


def _counted(rule: Rule, there: float, basis: Message) -> Finding:
    """Judge a number by the rule's, where it prints one of facilities."""
    if rule.value is None or rule.unit not in ("facilities", "communities"):
        return shown(there, "facilities", basis, metric=(rule.metric or "streets") if rule.other else "")
    needed = max(0.0, rule.value - there)
    return Finding(there, rule.value, rule.unit, rule.operator, needed, needs="facilities", basis=basis,
                   metric=(rule.metric or "streets") if rule.other else "")  # fmt: skip


def _beside(rule: Rule, context: Context, frame: pd.DataFrame) -> tuple[pd.Series, tuple[Message, ...]]:
    """Mark the facilities with a partner of any of the layers within the walk; tell what could not be looked at.

    Where a layer of partners tells no types, all its rows are partners.
    """
    whole = context.whole or context
    there = [name for name in rule.other if name in whole.layers]
    if not there:
        raise Missing("audit.no_layer", layer=rule.other[0])
    walk, minutes = context.walked(rule)
    near = pd.Series(False, frame.index)
    unseen: list[Message] = [("audit.not_looked_at", {"layer": name}) for name in rule.other if name not in there]
    for name in there:
        partner = rule.partner(name)
        if any(partner.types) and "facility_type" not in whole.layer(name):
            partner = replace(partner, facility_types=())
            unseen.append(("audit.all_partners", {"layer": name, "types": rule.other_types}))
        chosen = ("partners", partner.types, repr(sorted(partner.where.items())))
        reach = whole.between(rule.layers[0], name, whole.stock(partner), chosen, metres=None if minutes else walk,
                              minutes=walk if minutes else None, straight=rule.metric == "straight",
                              walk=walker_of(rule, context.walk))  # fmt: skip
        near |= frame.index.isin(reach.pairs()["origin"])
    return near, tuple(unseen)


@indicator(
    "bed_threshold_rule",
    operators=(">=", ">", "<=", "<", "range"),
    keys=(*ROWS, *WAY, "part", "other", "other_types", "other_where", "column", "metres", "minutes"),
    units=("beds",),
    idle=lambda rule: ("part",) if rule.other else PARTNERS,
)
def beds(rule: Rule, context: Context) -> Iterator[Finding]:
    """Share of the institutions of a size that have the room, or the partner nearby, that their size asks for."""
    if not (rule.part or rule.other):
        raise Missing("audit.not_in_layers", rule=rule.id)
    layer, frame = rule.layers[0], context.stock(rule)
    sized = frame[_by_number(rule, frame, layer, (rule.column or ("beds",))[0])]
    unseen: tuple[Message, ...] = ()
    if rule.other:
        fulfil, unseen = _beside(rule, context, sized)
    else:
        fulfil = matches(sized, layer, rule.part)
    part, total = int(fulfil.sum()), len(sized)
    said: dict[str, object] = {"part": part, "total": total, "of": rule.facility_types or layer}
    basis: Message = ("audit.units", said)
    if rule.other:
        said |= {"other": rule.other_types or rule.other, "walk": context.walk_of(rule)}
        basis = beside("audit.partners", rule, said)
    yield Finding(
        value=100 * ratio(part, total),
        target=100.0,
        unit="percent",
        needed=float(total - part),
        needs="facilities",
        metric=(rule.metric or "streets") if rule.other else "",
        basis=basis,
        units=fulfil,
        remarks=unseen,
    )


def _by_number(rule: Rule, frame: pd.DataFrame, layer: str, column: str) -> pd.Series:
    """Mark the rows whose number falls under the rule."""
    if rule.operator == "range":
        return matches(frame, layer, {column: f">={number(rule):.15g}"}) & matches(
            frame, layer, {column: f"<={rule.value_max:.15g}"}
        )
    return matches(frame, layer, {column: f"{rule.operator}{number(rule):.15g}"})


@indicator("area_threshold", operators=(">=", ">", "<=", "<", "range"), keys=(*ROWS, "column"), units=("m2",))
@indicator(
    "operation_threshold",
    operators=(">=", ">", "<=", "<", "range"),
    keys=(*ROWS, "column"),
    units=("years", "days_per_year"),
)
def threshold(rule: Rule, context: Context) -> Iterator[Finding]:
    """Count the facilities that fall under a threshold of days, years or floor area."""
    layer, frame = rule.layers[0], context.stock(rule)
    if not rule.column:
        raise Missing("audit.not_in_layers", rule=rule.id)
    part = int(_by_number(rule, frame, layer, rule.column[0]).sum())
    yield shown(
        part, "facilities", ("audit.units", {"part": part, "total": len(frame), "of": rule.facility_types or layer})
    )


@indicator("candidate_site_rule", keys=ROWS, units=("",))
def candidates(rule: Rule, context: Context) -> Iterator[Finding]:
    """Count the candidate sites of the sort that the rule allows or prefers."""
    frame = context.stock(rule)
    yield shown(len(frame), "candidates", ("audit.sum", {"stock": len(frame), "column": (rule.layers[0],)}))


@indicator("service_area_rule", keys=(*ROWS, *NEAR, *WAY, "any"), units=("",))
def openly(rule: Rule, context: Context) -> Iterator[Finding]:
    """Communities beside the facilities that may serve their neighbours too."""
    ruled, near = context.ruled(replace(rule, applies_to="community")), context.served(rule)
    part = int((near & ruled).sum())
    told_of = {"part": part, "total": int(ruled.sum()), "ruled": "estates_or_villages"}
    basis = beside("audit.beside", rule, {**told_of, "walk": context.walk_of(rule)})
    yield shown(part, "estates_or_villages", basis, metric=rule.metric or "streets")


@indicator("hub_and_spoke", keys=(*ROWS, "among"), units=("", "levels"))
def hubs(rule: Rule, context: Context) -> Iterator[Finding]:
    """Mean way from the villages to the nearest facility that carries the service for them."""
    villages = _spokes(rule, context)
    nearest = context.reach(rule, metres=FARTHEST).nearest(1).set_index("origin")["cost"]
    first = nearest.reindex(villages.index[villages])
    basis = (
        "audit.delivered",
        {
            "reached": int(first.notna().sum()),
            "total": int(villages.sum()),
            "most": math.nan if first.isna().all() else round(float(first.max())),
            "km": FARTHEST / 1000,
        },
    )
    yield replace(shown(float(first.mean()), "m", basis, metric="streets"), remarks=townships_served(rule, context))


def _spokes(rule: Rule, context: Context) -> pd.Series:
    """Mark the communities that are delivered to: those the rule is for, the villages where it is for a whole area."""
    if rule.applies_to in COMMUNITIES:
        return context.ruled(rule)
    return context.ruled(replace(rule, applies_to="village"))


#: Villages farther than this from any facility are not delivered to, metres.
FARTHEST = 10_000.0


@indicator("mobile_service", keys=(*ROWS, *NEAR, *WAY, "any"), units=("",))
def vans(rule: Rule, context: Context) -> Iterator[Finding]:
    """Villages that have no facility beside them: who is left to vans."""
    villages, near = _spokes(rule, context), context.served(rule)
    ruled = "homes" if "kind" in rule.among else "village"
    left = int((villages & ~near).sum())
    told_of = {
        "part": int((villages & near).sum()),
        "total": int(villages.sum()),
        "ruled": rule.applies_to if rule.applies_to in COMMUNITIES else ruled,
    }
    basis = beside("audit.beside", rule, {**told_of, "walk": context.walk_of(rule)})
    kinds = context.layer("communities").loc[villages, "kind"] if "kind" in context.layer("communities") else ()
    unit = "villages" if len(kinds) and all(kind == "village" for kind in kinds) else "estates_or_villages"
    yield shown(left, unit, basis, metric=rule.metric or "streets")


def _principle_idle(rule: Rule) -> tuple[str, ...]:
    layer, walked = rule.layers[0], rule.applies_to in COMMUNITIES
    if rule.base and rule.column and layer != "communities":
        return (*NEAR, *ONE_BY_ONE)
    if layer == "districts":
        return ("facility_types", "excluded_types", "column", "base", *NEAR, *ONE_BY_ONE)
    return ("base", "column") if walked and layer != "communities" else ("base", *NEAR, *ONE_BY_ONE)


@indicator("siting_principle", keys=(*ROWS, *NEAR, *ONE_BY_ONE, "column", "base"), units=("",), idle=_principle_idle)
def principle(rule: Rule, context: Context) -> Iterator[Finding]:
    """Count what shows a direction: how far the supply lies elsewhere than the people, or who has it near."""
    layer = rule.layers[0]
    layers_only = rule.where or rule.facility_types or rule.column
    if layer == "both" or not (rule.layer or layers_only or rule.applies_to in COMMUNITIES):
        raise Missing("audit.not_in_layers", rule=rule.id)
    if rule.base and rule.column and layer != "communities":
        yield _elsewhere(rule, context)
    elif layer == "districts":
        units = context.districts(rule.applies_to or "township")
        marked = int(matches(units, layer, rule.where).sum())
        basis = ("audit.units", {"part": marked, "total": len(units), "of": "districts"})
        yield shown(marked, "districts", basis)
    elif layer == "communities":
        frame = context.stock(rule)
        there = context.amount(frame, layer, rule.column)
        yield shown(
            there,
            "persons" if rule.column else "estates_or_villages",
            ("audit.sum", {"stock": there, "column": rule.column or (layer,)}),
        )
    elif rule.applies_to in COMMUNITIES:
        ruled, near = context.ruled(rule), context.served(rule)
        part, total = int((ruled & near).sum()), int(ruled.sum())
        said = {"part": part, "total": total, "walk": context.walk_of(rule), "ruled": context.called(rule)}
        basis = ("audit.beside", said)
        yield shown(100 * ratio(part, total), "percent", basis, metric="streets")
    else:
        frame = context.stock(rule)
        there = context.amount(frame, layer, rule.column)
        yield shown(
            there,
            (rule.column or ("facilities",))[0],
            ("audit.sum", {"stock": there, "column": rule.column or (layer,)}),
        )


def _elsewhere(rule: Rule, context: Context) -> Finding:
    """Share of the supply that would have to lie in another township to lie as the people do.

    Half the sum of the differences of shares: the index of dissimilarity of Duncan and Duncan (1955), see
    `siting.spatial_mismatch`.
    """
    towns = context.districts("township")
    layer, frame = rule.layers[0], context.stock(rule)
    supply, people = (
        values.groupby(context.township(name)[values.index], observed=True).sum().reindex(towns.index, fill_value=0)
        for name, values in (
            (layer, context.numbers(layer, rule.column[0])[frame.index]),
            ("communities", context.heads(rule.base)),
        )
    )
    apart = (
        np.nan
        if not supply.sum() or not people.sum()
        else 50 * float((supply / supply.sum() - people / people.sum()).abs().sum())
    )
    basis = ("audit.elsewhere", {"column": rule.column, "base": rule.base, "total": len(towns)})
    return shown(apart, "percent", basis)


@indicator("facility_type_list", keys=("layer", "column"), units=("", "modes"))
def types(rule: Rule, context: Context) -> Iterator[Finding]:
    """Count the types of facility that there are."""
    layer = rule.layers[0]
    column = rule.column[0] if rule.column else "facility_type"
    read = types_in if column == "facility_type" else SEVERAL.split
    there = len({name for cell in context.column(layer, column).dropna().unique() for name in read(str(cell).strip())})
    yield shown(float(there), "modes", ("audit.sum", {"stock": there, "column": ("facility_type",)}))


@indicator("investment_project", keys=(*ROWS, "column"), units=("10k_yuan", "beds", "places", "m2", "facilities"))
@indicator("subsidy_rate", keys=(*ROWS, "column"), units=("", "yuan_per_bed", "yuan_per_place"))
def money(rule: Rule, context: Context) -> Iterator[Finding]:
    """Money that a rate comes to for the beds or places there are, or that projects cost."""
    layer, frame = rule.layers[0], context.stock(rule)
    there = context.amount(frame, layer, rule.column)
    if rule.kind == "subsidy_rate":
        basis = ("audit.subsidy", {"stock": there, "column": rule.column, "each": number(rule)})
        yield shown(there * number(rule), "yuan", basis)
    else:
        value = there / UNITS[rule.unit].factor if rule.unit != "10k_yuan" else there
        target = np.nan if rule.value is None else rule.value
        basis = ("audit.sum", {"stock": there, "column": rule.column or (layer,)})
        yield Finding(value, target, rule.unit, rule.operator, max(0.0, target - value), basis=basis)


@indicator("provision_rule_by_reference", keys=())
def by_reference(rule: Rule, _context: Context) -> Iterator[Finding]:
    """Ask for the number: it stands in another document, and is never guessed."""
    raise Missing("audit.by_reference", rule=rule.id)
    yield  # a generator, as all indicators are
