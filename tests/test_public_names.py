"""One word for one idea: every keyword of the public face is a word of this list."""

from __future__ import annotations

import contextlib
import inspect
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import siting as st

#: Each idea, and the words that keywords have for it. A second word for an idea that has one needs a reason.
IDEAS = {
    "who wants the service, by community; what else is added up; heads that values are measured over": (
        "demand weights people"
    ),
    "everybody, of whom those who want the service are a part": "residents whole parts women ages births deaths",
    "where people live": "communities",
    "where the service is, or could be": "facilities candidates sites projects existing",
    "both ends of a way": "origins destinations points",
    "a table of ways": "reach between cover to_sites to_existing",
    "the longest way that counts, in the unit of the ways": "limit limits",
    "the longest way that counts, where a network or geometry is walked": "metres minutes",
    "how far a place may lie from a street, and what counts as its own": "max_snap beside",
    "a group for each row, and another for the second layer of two": "by supply_by",
    "groups that are asked for": "groups among",
    "what something is, in the words of a layer": "kind village country facility_type types excluded statuses",
    "the most, or the least, that is allowed": "at_most at_least most_lost least below n up_to most number k differ",
    "what facilities can hold, what of it is used, what is idle and needed": "capacity used places room needed supply",
    "a share, from 0 to 1": "share shares rates occupancy take_up",
    "an amount for each 1000 people": "per_1000",
    "money": "budget budgets cost saving bonus subsidies",
    "an amount": "total totals increases stock spacing pairs",
    "when": "year years from_year to_year phase",
    "which service": "service services",
    "which sites, by id": "ids open closed hubs",
    "how a problem is put": "objective first second rules options decay travel beyond must levels scenarios scenario",
    "how people choose among sites": "attractiveness competitors alpha no_choice",
    "how it is done": "method measure rounded overlap rings fill width close_last checked refuse",
    "when a search ends, and what it reports": "time_limit gap progress on_step max_pairs threads",
    "who walks": "walk who speed slope stairs grade",
    "streets": "network streets split walking ferries any_street oneway height length graph nodes x y u v",
    "layers and tables": (
        "layer layers frame frames rows columns mapping encoding crs datum missing strict outside role curve cell "
        "table values figures bands area areas boundary parcels floor_area far_from near source path name names word "
        "key lacking"
    ),
    "how a table is read": "skip_rows header strip_units id_prefix id_prefixes",
    "a table of a database": "connection query params schema geometry if_exists srid",
    "a standard": "standard rule scope household_size documents changes status other",
    "a study": "study plan plans",
    "what a run wrote, and what is handed in": "results folder",
    "what readers see": "lang title coverage uncounted notices attribution target",
    "what is wrong, and where": "message where faults partial",
    "the parameters of a formula": "beta weight survival fertility newborn migration remaining nearest unit",
}  # fmt: skip
WORDS = {word: idea for idea, words in IDEAS.items() for word in words.split()}

#: Words that were used, or are near at hand, and the word that the library has for the idea.
INSTEAD = {
    **dict.fromkeys(("elderly", "infants", "population", "need", "needs", "customers", "clients"), "demand"),
    **dict.fromkeys(("homes", "estates", "settlements", "neighbourhoods", "villages"), "communities"),
    **dict.fromkeys(("stops", "centres", "centers", "stations", "providers"), "facilities"),
    **dict.fromkeys(("to_facilities", "matrix", "distances", "od"), "reach"),
    **dict.fromkeys(("within", "delta", "radius", "threshold", "cutoff", "max_distance", "max_cost"), "limit"),
    **dict.fromkeys(("distance", "meters", "metre"), "metres"),
    **dict.fromkeys(("time", "minute", "mins"), "minutes"),
    **dict.fromkeys(("group", "groupby", "district", "districts", "town", "area_of"), "by"),
    **dict.fromkeys(("maximum", "max_sites", "no_more_than"), "at_most"),
    **dict.fromkeys(("minimum", "min_sites", "size"), "at_least"),
    **dict.fromkeys(("fewer_beds", "less_than"), "below"),
    **dict.fromkeys(("beds", "beds_closed", "seats", "volume"), "capacity"),
    **dict.fromkeys(("occupied", "enrolled", "users", "load"), "used"),
    **dict.fromkeys(("percent", "percentage", "fraction", "proportion", "ratio", "coverage_share"), "share"),
    **dict.fromkeys(("rate", "per_thousand"), "per_1000"),
    **dict.fromkeys(("timeout", "max_seconds", "deadline"), "time_limit"),
    **dict.fromkeys(("tolerance", "mip_gap"), "gap"),
    **dict.fromkeys(("callback", "verbose", "bar"), "progress"),
    **dict.fromkeys(("language", "locale"), "lang"),
    **dict.fromkeys(("heading", "caption"), "title"),
}  # fmt: skip

#: Methods that put a value into words; `explain` for a text, `in_words` for the table itself in a reader's words.
TEXTS = {"explain", "summary", "in_words", "rules_in_words"}
OTHER_TEXTS = {"statement", "describe", "tell", "report", "to_text", "as_text", "words", "explanation", "summarise"}
#: Records of a file whose keys are those of the file.
RECORDS = {"Column", "Role"}


def public() -> dict[str, Any]:
    """Every public value by the name that a user writes."""
    found = {}
    for name in st.__all__:
        thing = getattr(st, name)
        if not isinstance(thing, types.ModuleType):
            found[name] = thing
            continue
        inner = {f"{name}.{key}": getattr(thing, key) for key in thing.__all__}
        found |= {key: one for key, one in inner.items() if not isinstance(one, types.ModuleType)}
    return found


def callables() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Functions, methods, and classes that users make themselves: those that document parameters."""
    for name, thing in public().items():
        if not inspect.isclass(thing):
            yield name, thing
        elif thing.__name__ not in RECORDS:
            if "Parameters\n---" in (inspect.getdoc(thing) or ""):
                yield name, thing
            for key in dir(thing):
                method = inspect.getattr_static(thing, key)
                if not key.startswith("_") and isinstance(method, (types.FunctionType, classmethod)):
                    yield f"{name}.{key}", getattr(thing, key)


def keywords(function: Callable[..., Any]) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


CALLABLES = dict(callables())


@pytest.mark.parametrize("name", CALLABLES)
def test_keywords_are_words_of_the_list(name: str) -> None:
    for word in keywords(CALLABLES[name]):
        assert word not in INSTEAD, f"siting.{name}({word}=): the word for this is {INSTEAD[word]}="
        assert word in WORDS, f"siting.{name}({word}=) is a new word; use one of IDEAS, or add it to its idea there"


def test_the_list_holds_what_is_used_and_nothing_twice() -> None:
    used = {word for function in CALLABLES.values() for word in keywords(function)}
    assert not set(WORDS) - used
    assert not set(WORDS) & set(INSTEAD)
    assert set(INSTEAD.values()) <= set(WORDS)
    assert sum(len(words.split()) for words in IDEAS.values()) == len(WORDS)


def test_options_that_many_share_are_the_same_everywhere() -> None:
    defaults = {
        "time_limit": None,
        "gap": 0.0,
        "max_snap": 250.0,
        "lang": "zh",
        "household_size": None,
        "beside": 300.0,
    }
    for name, function in CALLABLES.items():
        for word, parameter in inspect.signature(function).parameters.items():
            if word in defaults and (name, word) not in {("Audit.to_excel", "lang"), ("judge.Audit.to_excel", "lang")}:
                assert parameter.default in (defaults[word], inspect.Parameter.empty), f"siting.{name}({word}=)"
            if word in {"limit", "metres", "minutes", "at_most", "time_limit", "gap", "progress", "lang"}:
                alone = name.split(".")[-1][0].isupper() or "." in name or parameter.default is inspect.Parameter.empty
                assert alone or parameter.kind is inspect.Parameter.KEYWORD_ONLY, f"siting.{name}: {word} by position"


def test_values_are_put_into_words_by_methods_of_one_name() -> None:
    for name, function in CALLABLES.items():
        key = name.split(".")[-1]
        assert key not in OTHER_TEXTS, f"siting.{name}: a text is called explain"
        if key in TEXTS:
            assert keywords(function)[0] == "lang"


KEYWORDS: list[tuple[Callable[..., Any], str, str]] = [
    (st.OnePer, "groups", "by"),
    (st.equity.inequality, "within", "limit"),
    (st.equity.spatial_mismatch, "people", "demand"),
    (st.equity.town_and_country, "within", "limit"),
    (st.make_candidates, "weights", "demand"),
    (st.make_candidates, "within", "metres"),
    (st.measure.travel_in_parts, "pairs", "max_pairs"),
    (st.projects.with_projects, "existing", "facilities"),
    (st.propose.merge_demand, "weights", "demand"),
    (st.sharing.choose_hubs, "elderly", "demand"),
    (st.sharing.choose_hubs, "size", "at_least"),
    (st.sharing.choose_hubs, "within", "limit"),
    (st.sharing.close_pairs, "delta", "limit"),
    (st.sharing.idle_nearby, "rate", "per_1000"),
    (st.sharing.medical_partners, "beds", "capacity"),
    (st.sharing.merge_sites, "beds", "capacity"),
    (st.sharing.merge_sites, "fewer_beds", "below"),
    (st.sharing.merge_sites, "occupied", "used"),
    (st.sharing.uncovered_around, "people", "demand"),
    (st.sharing.upgrade_sites, "need", "demand"),
    (st.sharing.upgrade_sites, "to_sites", "reach"),
]


@pytest.mark.parametrize(("function", "old", "new"), KEYWORDS)
def test_an_old_keyword_names_the_new_one(function: Callable[..., Any], old: str, new: str) -> None:
    assert new in keywords(function)
    assert old not in keywords(function)
    with pytest.raises(TypeError, match=rf"{function.__name__}: give {new}=, not {old}= as well"):
        function(**{old: None, new: None})
    warned = pytest.warns(DeprecationWarning, match=rf"^{function.__name__}: {old}= is called {new}= now$")
    with warned, contextlib.suppress(AttributeError, TypeError, ValueError):  # nothing else is given
        function(**{old: None})


WAYS = pd.DataFrame({"origin": ["a", "a", "b"], "destination": ["b", "c", "c"], "cost": [900.0, 2000.0, 1500.0]})


def ways(origins: str = "abc") -> st.Reach:
    return st.Reach.from_pairs(
        WAYS[WAYS["origin"].isin(list(origins))], origins=list(origins), destinations=list("abc"), limit=3000
    )


def mergers() -> st.sharing.Mergers:
    beds, occupied = pd.Series({"a": 20, "b": 25, "c": 120}), pd.Series({"a": 6, "b": 10, "c": 100})
    return st.sharing.merge_sites(ways(), beds, occupied, below=30)


def hubs() -> st.sharing.Hubs:
    return st.sharing.choose_hubs(ways(), pd.Series({"a": 210, "b": 80, "c": 40}), at_least=30)


def mismatch() -> st.equity.Mismatch:
    elderly, everybody = pd.Series({"a": 3, "b": 1, "c": 2}), pd.Series({"a": 9, "b": 9, "c": 9})
    return st.equity.spatial_mismatch(ways(), elderly, pd.Series({"a": 5, "b": 5, "c": 0}), residents=everybody)


def unproven() -> st.propose.Verified:
    plan = st.solve(st.MaxCoverage(), ways(), demand=pd.Series({"a": 3, "b": 1, "c": 2}), rules=[st.AtMost(1)])
    return plan.verify()


ATTRIBUTES: list[tuple[Callable[[], object], str, str]] = [
    (lambda: st.OnePer(pd.Series({"a": "n"})), "groups", "by"),
    (lambda: st.errors.LayerError("streets", "empty", partial=WAYS), "found", "partial"),
    (lambda: st.load_standard("jinhua").rules[0], "demands", "clause_parts"),
    (hubs, "size", "at_least"),
    (mergers, "fewer_beds", "below"),
    (mismatch, "statement", "explain"),
    (mismatch, "people", "demand"),
    (unproven, "told", "findings"),
]


@pytest.mark.parametrize(("make", "old", "new"), ATTRIBUTES)
def test_an_old_attribute_names_the_new_one(make: Callable[[], object], old: str, new: str) -> None:
    value = make()
    with pytest.warns(DeprecationWarning, match=rf"\.{old} is called \w+\.{new} now$"):
        before = getattr(value, old)
    after = getattr(value, new)
    assert before is after or before == after


def test_tables_have_the_words_of_the_keywords() -> None:
    capacity, demand = pd.Series({"a": 20, "b": 25, "c": 30}), pd.Series({"a": 3, "b": 1, "c": 2})
    facilities = pd.DataFrame({"beds": capacity, "occupied": [1, 2, 3]})
    tables = {
        "hubs": hubs().hubs, "villages": hubs().table, "roles": hubs().totals, "mergers": mergers().table,
        "partners": st.sharing.medical_partners(ways(), capacity, below=21),
        "upgrades": st.sharing.upgrade_sites(ways(), demand, capacity, ways()),
        "use": st.sharing.utilisation(facilities, used="occupied", capacity="beds"),
        "idle": st.sharing.idle_nearby(ways(), demand, used=facilities["occupied"], capacity=capacity, per_1000=4),
        "coverage": st.coverage(ways(), demand), "assigned": st.assign(ways(), demand, capacity).facilities,
    }  # fmt: skip
    for name, table in tables.items():
        strange = {*table.columns, *table.attrs} & INSTEAD.keys() - {"villages"}  # hubs count villages
        assert not strange, f"{name}: {[f'{word}: {INSTEAD[word]}' for word in strange]}"


def test_groups_are_a_series_everywhere_and_a_column_where_the_frame_is_given(sample: dict[str, Any]) -> None:
    communities, centres = sample["communities"], sample["eldercare"]
    town_of = communities["district"].rename("town")
    covered = st.coverage(ways(), pd.Series(1, list("abc")), by=pd.Series({"a": "n", "b": "n", "c": "s"}))
    assert covered["total"].tolist() == [2, 1]
    growth = {"from_year": 2021, "to_year": 2025, "rates": {"elderly": 0.02}}
    assert st.forecast(communities, by=town_of, **growth).equals(st.forecast(communities, by="district", **growth))
    use = {"used": "occupied", "capacity": "beds"}
    lies = pd.Series([f"group {k % 2}" for k in range(len(centres))], centres.index, name="lies")
    use_by_column = st.sharing.utilisation(centres.assign(lies=lies), by="lies", **use)
    assert st.sharing.utilisation(centres, by=lies, **use).equals(use_by_column)
    standard = st.load_standard("jinhua").select(rule="places_per_1000.2025")
    districts = sample["districts"]
    groups = pd.Series([f"group {k % 2}" for k in range(len(districts))], districts.index)
    by_series = st.audit(standard, sample, by=groups).table
    by_column = st.audit(standard, {**sample, "districts": districts.assign(lies=groups)}, by="lies").table
    assert by_series.drop(columns="area_name").equals(by_column.drop(columns="area_name"))
    for rule in (st.AtMost(1, by=groups), st.AtLeast(1, by=groups), st.OnePer(by=groups), st.Cover(0.5, by=groups)):
        assert rule.by.equals(groups)


def test_the_changelog_lists_every_name_that_changed() -> None:
    """Old and new stand in one row or item, with the functions or the value that they belong to."""
    path = Path(__file__).parents[1] / "CHANGELOG.md"
    if not path.exists():
        pytest.skip("no checkout")
    lists = path.read_text(encoding="utf-8").split("#### Names that changed")[1:]
    text = "\n".join(part.partition("\n### ")[0] for part in lists)
    items = [item.replace(",", " ").split() for item in text.split("\n- ")[1:]]
    for home, names in st.MOVED.items():
        told = {word for item in items if item[0] == f"`siting.{home}`:" for word in item}
        assert {f"`{name}`" for name in names.split()} <= told
    rows = [row for row in text.splitlines() if row.startswith("|")]
    owners = [(function.__name__, old, new) for function, old, new in KEYWORDS]
    owners += [(type(make()).__name__, old, new) for make, old, new in ATTRIBUTES]
    for owner, old, new in owners:
        assert any(all(f"`{word}" in row for word in (owner, old, new)) for row in rows), f"{owner}: {old} → {new}"
