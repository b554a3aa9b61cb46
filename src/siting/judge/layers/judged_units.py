"""The units that a clause speaks of, rolled up from estates: communities (社区), administrative villages (行政村).

A row of the layer `communities` belongs to the unit in its column `community_area` or `village`, else to the area of
the layer `community_areas` that contains it, else it is a unit by itself. Numbers of a unit are sums of its rows; it
has a mark when one of its rows or its area has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import cast

import geopandas as gpd
import numpy as np
import pandas as pd

from siting.judge.layers.context import Context
from siting.judge.layers.membership import AREAS, belonging, has_word, kind_of, placed
from siting.judge.layers.rule_columns import matches
from siting.judge.layers.walkers import Limit
from siting.judge.standards.applies_to import wanted
from siting.judge.standards.conditions import columns_of, key_of
from siting.judge.standards.rule import Rule
from siting.judge.wording.sentences import Sentence
from siting.measure import Reach

__all__ = ["Rolled", "by_units", "stand_ins", "unit_of"]

#: Who is judged one by one where a rule has no `judged_by`.
UNIT_KINDS = {
    **dict.fromkeys(("community", "urban_community", "complete_community", "future_community", "new_future_community"),
                    "community"),
    "village_or_community": "village_or_community",
    "village": "village",
    "administrative_village": "village",
}  # fmt: skip
#: Kinds of rules that judge unit by unit, always or where the communities themselves are counted.
ALWAYS = ("coverage_share", "population_trigger", "siting_principle")
COUNTED = ("count_target", "baseline_figure", "colocation")
#: Labels of the units, by who is judged, and of rows that are units, by kind.
CALLED = {"community": "community_areas", "village": "administrative_villages",
          "village_or_community": "villages_or_communities"}  # fmt: skip
ALONE = {frozenset({"estate"}): "estates", frozenset({"village"}): "villages"}
#: Communities with a name of their own in the table of labels.
TITLED = ("complete_community", "future_community", "new_future_community")


def by_units(rule: Rule, context: Context, *, always: bool = False) -> Context:
    """Roll the communities up to the units that *rule* judges one by one; *always* also for rules that judge none."""
    how = rule.judged_by or UNIT_KINDS.get(rule.applies_to, "estate")
    counts = rule.kind in COUNTED and rule.layers[0] == "communities"
    rolled = always or ((counts or rule.kind in ALWAYS) and not rule.column)  # sums of a column are of everybody
    if how == "estate" or not rolled or not len(context.layers.get("communities", ())):
        return context
    return _rolled(context, how)


def unit_of(rule: Rule, context: Context) -> str:
    """Return the unit of a number of communities: that of the rule, or of the rows used instead."""
    stands = isinstance(context, Rolled) and context.needs(rule) == "communities"
    return context.things(rule) if stands else rule.unit


def stand_ins(rule: Rule, context: Context) -> tuple[Sentence, ...]:
    """Write which rows were judged as units of the rule, and how to avoid it."""
    if not isinstance(context, Rolled):
        return ()
    alone = context.alone(rule)
    villages = int((alone == "village").sum())
    estates = len(alone) - villages
    made: list[Sentence] = []
    if estates:
        values = {"alone": estates, "absent": "community_area", "layer": AREAS, "key": AREAS}
        made.append(("audit.estates_stand_in", values))
    if villages and (rule.applies_to == "administrative_village" or rule.judged_by):
        made.append(("audit.villages_stand_in", {"alone": villages, "absent": "village"}))
    return tuple(made)


def _rolled(context: Context, how: str) -> Rolled:
    def roll() -> Rolled:
        homes = context.layers["communities"]
        if context.whole is None:
            whole, (own, units) = None, belonging(context, how)
        else:
            whole = _rolled(context.whole, how)
            own, units = whole.unit_of.reindex(homes.index), whole.units
        given = {f.name: getattr(context, f.name) for f in fields(Context) if f.name != "_cache"}
        frame = _frame(context, own, units, own if whole is None else whole.unit_of)
        return Rolled(**{**given, "layers": {**context.layers, "communities": frame}, "whole": whole,
                         "rows": context, "unit_of": own, "units": units, "how": how})  # fmt: skip

    return context.cached(("rolled up", context.area, how), roll)


@dataclass(frozen=True)
class Rolled(Context):
    """The context `rows` with its communities rolled up to the `units` of `unit_of`; `how` is who is judged."""

    rows: Context = field(default_factory=lambda: Context({}, None, None, {}, 0.0, 0.0))
    unit_of: pd.Series = field(default_factory=pd.Series)
    units: pd.DataFrame = field(default_factory=pd.DataFrame)
    how: str = ""

    def numbers(self, layer: str, name: str) -> pd.Series:
        """Return a column of numbers, summed by unit; refuse blanks."""
        if layer == "communities":
            self.rows.numbers(layer, name)
        return super().numbers(layer, name)

    def of_ruled(self, rule: Rule, name: str) -> pd.Series:
        """Add up a number of the communities that a rule is for, by unit."""
        rows = self.rows.of_ruled(rule, name)
        return rows.groupby(self.unit_of.reindex(rows.index), observed=True).sum()

    def ruled(self, rule: Rule) -> pd.Series:
        """Mark the units of a rule: by one of their rows, or their row in the layer of areas."""
        here = self.layer("communities").index
        if self.whole is not None:
            return self.whole.ruled(rule).reindex(here, fill_value=False)
        return self.cached(("ruled", key_of(wanted(rule))), lambda: self._ruled(rule)).copy()

    def _ruled(self, rule: Rule) -> pd.Series:
        here = self.layer("communities").index
        conditions, areas = wanted(rule), self.layers.get(AREAS, pd.DataFrame())
        homes = self.rows.layers["communities"]
        of_areas = {name: want for name, want in conditions.items()
                    if name != "kind" and name in areas and name not in homes}  # fmt: skip
        rows = self.rows.marked({name: want for name, want in conditions.items() if name not in of_areas})
        marks = rows.groupby(self.unit_of, observed=True).any().reindex(here, fill_value=False)
        if of_areas:
            marks &= matches(areas, AREAS, of_areas).reindex(here, fill_value=False)
        return marks | self._empty(conditions, areas).reindex(here, fill_value=False)

    def _empty(self, conditions: Mapping[str, object], areas: pd.DataFrame) -> pd.Series:
        """Mark the areas without any row of the communities that a rule is for."""
        kind, rest = conditions.get("kind"), {name: want for name, want in conditions.items() if name != "kind"}
        empty = pd.Series(~areas.index.isin(self.unit_of), areas.index, dtype=bool)
        if not set(columns_of(rest)) <= set(areas):
            return empty & False
        if kind is not None:
            empty &= kind_of(areas).isin({kind} if isinstance(kind, str) else set(cast(tuple[str, ...], kind)))
        return empty & matches(areas, AREAS, rest)

    def alone(self, rule: Rule) -> pd.Series:
        """Return the kinds of the rows of a rule that name no unit and are judged as units."""

        def find() -> pd.Series:
            marks, homes = self.ruled(rule), self.rows.layers["communities"]
            areas = self.layers[AREAS].index if AREAS in self.layers else pd.Index([])
            itself = (self.unit_of == homes.index) & self.unit_of.isin(marks.index[marks]) & ~self.unit_of.isin(areas)
            kinds: pd.Series = homes["kind"] if "kind" in homes else pd.Series("", homes.index)
            return cast(pd.Series, kinds[itself & (kinds != "community")])

        return self.cached(("alone", self.area, key_of(wanted(rule))), find)

    def things(self, rule: Rule) -> str:
        """Name what is counted: units, or rows where none names a unit."""
        alone = self.alone(rule)
        if len(alone) and len(alone) == self.ruled(rule).sum():
            return ALONE.get(frozenset(alone), "estates_or_villages")
        return CALLED["village_or_community" if self.how == "community" and self._villages(rule) else self.how]

    def called(self, rule: Rule) -> str:
        """Name the units in a sentence; some have a title, such as complete communities."""
        return rule.applies_to if rule.applies_to in TITLED else self.things(rule)

    def needs(self, rule: Rule) -> str:
        """Return the unit of the need: units, or communities of the layer where none names a unit."""
        things = self.things(rule)
        return things if things in (*CALLED.values(), "villages") else "communities"

    def _villages(self, rule: Rule) -> bool:
        """Return whether some units that a rule is for are villages, and none of their rows names a community."""
        frame = self.layer("communities")[self.ruled(rule)]
        if "kind" not in frame:
            return False
        villages = frame[frame["kind"] == "village"]
        return len(villages) > 0 and not ("community_area" in villages and has_word(villages["community_area"]).all())

    def placed(self, layer: str) -> pd.Series:
        """Return the unit of each facility: the one it names, that of the estate it names, the area it lies in."""
        if isinstance(self.whole, Rolled):
            return self.whole.placed(layer).reindex(self.layer(layer).index)
        return self.cached(("placed", layer), lambda: placed(self.rows, layer, self.how, self.unit_of, self.units))

    def walks(self, rule: Rule) -> bool:
        """Return whether walks matter: not if a unit needs its own facility and all facilities name theirs."""
        return rule.covered_by != "own" or bool(self.placed(rule.layers[0])[self.stock(rule).index].isna().any())

    def reach(self, rule: Rule, limit: Limit, *, straight: bool = False, everyone: bool = True) -> Reach:
        """Join units with their own facilities, and with those of no unit, or of any, that their rows walk to."""
        if self.whole is not None:
            return self.whole.reach(rule, limit, straight=straight, everyone=everyone)
        facilities = self.serving(rule, everyone=everyone)
        own = self.placed(rule.layers[0])[facilities.index].dropna()
        pairs = pd.DataFrame({"origin": own, "destination": own.index, "cost": 0.0})
        if self.walks(rule):
            walked = self.rows.reach(rule, limit, straight=straight, everyone=everyone).pairs()
            if rule.covered_by == "own":
                walked = walked[~walked["destination"].isin(own.index)]
            walked = walked.assign(origin=self.unit_of.reindex(walked["origin"]).to_numpy()).dropna(subset=["origin"])
            pairs = pd.concat([pairs, walked], ignore_index=True) if len(pairs) else walked
        return Reach.from_pairs(
            pairs.groupby(["origin", "destination"], observed=True)[["cost"]].min().reset_index(),
            origins=self.layer("communities").index,
            destinations=facilities.index,
            limit=limit.amount,
            unit="m" if limit.minutes is None else "min",
        )


def _frame(context: Context, own: pd.Series, units: pd.DataFrame, every: pd.Series) -> gpd.GeoDataFrame:
    """Make a layer of the units, with the areas that no row belongs to: of *every* row, also in other districts."""
    homes = pd.DataFrame(context.layers["communities"].drop(columns=["geometry", "name"], errors="ignore"))
    groups = own.dropna()
    rows = homes.loc[groups.index]
    frame = rows if (groups == groups.index).all() else _together(rows, groups)
    if AREAS in context.layers:
        areas = context.layers[AREAS]
        frame = pd.concat([frame, _bare(areas[~areas.index.isin(every)], frame)])
        for name in [name for name in areas.columns if name not in (*frame, "geometry", "name", "district")]:
            frame[name] = _spread(areas[name], frame.index)
    return cast(gpd.GeoDataFrame, frame.assign(name=units["shown"].reindex(frame.index)))


def _together(rows: pd.DataFrame, groups: pd.Series) -> pd.DataFrame:
    made = {}
    for name, values in rows.items():
        blank = values.isna().groupby(groups, observed=True).any()
        if pd.api.types.is_bool_dtype(values) or _flags(values):
            marks = values.eq(True).fillna(False).astype(bool).groupby(groups, observed=True).any()
            made[name] = marks.where(~blank) if values.hasnans else marks
        elif pd.api.types.is_numeric_dtype(values):
            made[name] = values.groupby(groups, observed=True).sum().where(~blank)
        else:
            words = values[has_word(values)].astype(object)
            pairs = pd.DataFrame({"unit": groups[words.index], "word": words}).drop_duplicates()
            made[name] = pairs.groupby("unit")["word"].agg(_joined)
    return pd.DataFrame(made, index=pd.Index(groups.unique(), name="id"))


def _joined(words: pd.Series) -> object:
    return words.iloc[0] if len(words) == 1 else ";".join(map(str, words))


def _flags(values: pd.Series) -> bool:
    """Return whether a column of objects holds flags."""
    return values.dtype == object and bool(values.notna().any()) and all(type(one) is bool for one in values.dropna())


def _bare(areas: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Give areas without any row the columns of the others: their own values, else nobody and no mark."""
    made: dict[str, object] = {}
    for name, values in frame.items():
        numbers, marks = pd.api.types.is_numeric_dtype(values), pd.api.types.is_bool_dtype(values)
        blank: object = False if marks else (0 if numbers else "")
        made[str(name)] = kind_of(areas) if name == "kind" else areas.get(name, blank)
    return pd.DataFrame(made, index=areas.index)


def _spread(values: pd.Series, units: pd.Index) -> pd.Series:
    """Give the units a column of the layer of areas; the others have no mark, no word, no number."""
    blank: object = False if pd.api.types.is_bool_dtype(values) else np.nan
    found = values.reindex(units)
    return found.where(units.isin(values.index), blank).astype(values.dtype if blank is False else found.dtype)
