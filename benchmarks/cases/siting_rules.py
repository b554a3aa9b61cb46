"""Questions with more rules, on 10,000 demands × 1,000 candidates: the gap after ten seconds, and HiGHS."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

import siting as st
from benchmarks import ours
from benchmarks.cases.siting_common import Race, at_size, check, gap_row, positions, rule, traced
from benchmarks.city import Floats
from benchmarks.measure import Row, UnequalError
from benchmarks.peers import textbook
from benchmarks.siting_cities import Question, districts, growing, places_of, second_service
from benchmarks.sizes import Size

__all__ = ["siting_capacity", "siting_rules"]

#: Seconds after which the gap is read, and how large it may be, in per cent.
AT, MOST = 10.0, 1.0
HIGHS = "HiGHS, textbook"
#: The share that each district must have, of its people who are left.
LEAST = 0.4
#: What a site saves that opens for two services, and the budget of a full city.
SAVING, BUDGET = 30, 4_000


def siting_capacity(size: Size) -> Iterator[Row]:
    """Covering with capacities, 20, 50 and 100 sites."""
    question = at_size("C1", size)
    places = places_of(question)
    race = Race("covering with capacities", {HIGHS: None}, size)
    for full in (20, 50, 100) if size.name != "tiny" else (50,):
        most = max(2, round(full * size.share))
        rules = [st.AtMost(most), rule("Capacity", places)]
        found = traced(_call(st.MaxCoverage(), question.reach, question.demand, rules), time_limit=AT + 2)
        served = _flow(question, places.to_numpy(), "siting")
        checked = check(found, served(positions(question, found.plan)))
        yield gap_row(f"covering with capacities, {most} sites", question.size, found, AT, MOST, checked)

        def book(most: int = most) -> textbook.Textbook:
            return textbook.capacitated(question.cover, question.weight, places.to_numpy(float), most)

        yield from race.rows(f"{most} sites", question.size, found, {HIGHS: book}, served, checked)


def siting_rules(size: Size) -> Iterator[Row]:
    """Districts, budget, phases and co-location."""
    race = Race("", {HIGHS: None}, size)
    cases: tuple[tuple[str, Callable[[], Case]], ...] = (
        ("fewest sites, a share in every district, C1", lambda: _fewest(at_size("C1", size), 0.9)),
        ("fewest sites, a share in every district, C2", lambda: _fewest(at_size("C2", size), 0.8)),
        ("covering, a share in every district", lambda: _fair(at_size("C2", size), size)),
        ("covering within a budget", lambda: _budget(at_size("C2", size), size)),
        ("three nested periods", lambda: _phases(at_size("C1", size), size)),
        ("two services in one building, within a budget", lambda: _together(at_size("C1", size), size)),
    )
    for name, case in cases:
        question, sign, call, recount, book = case()
        found = traced(call, sign=sign, time_limit=AT + 2)
        checked = check(found, sign * recount(found.plan))
        yield gap_row(name, question.size, found, AT, MOST, checked)
        race.work = "against the textbook's model"
        yield from race.rows(name, question.size, found, {HIGHS: book[0]}, book[1], checked)


#: The question, the sense, our call, our objective (to be large) from a plan, and the peer's model and its recount.
Case = tuple[Question, int, Callable[..., Any], Callable[[Any], float], tuple[Callable[[], Any], Callable[..., float]]]


def _call(objective: Any, reach: Any, demand: Any, rules: Sequence[Any]) -> Callable[..., Any]:
    def call(**asked: object) -> Any:
        return ours.public("solve")(objective, reach, demand=demand, rules=rules, **asked)

    return call


def _members(question: Question, by: pd.Series) -> Floats:
    """Return a row for each district, with the people who live there."""
    codes, names = pd.factorize(by, sort=True)
    return np.where(codes == np.arange(len(names))[:, None], question.weight, 0.0)


def _kept(question: Question, rows: Floats, wanted: Floats, sites: Any) -> bool:
    """Tell whether sites give every row what it wants, but for a solver's tolerance."""
    hit = question.cover[:, np.asarray(sites, np.intp)].sum(axis=1) > 0
    return bool((rows @ hit >= wanted * (1 - 1e-6)).all())


def _fewest(question: Question, reached: float) -> Case:
    """As few sites as reach a share overall, and a smaller one in each district."""
    by, share = districts(question), question.share(reached)
    rows = np.vstack([question.weight, _members(question, by)])
    wanted = np.ceil(np.array([share] + [LEAST] * (len(rows) - 1)) * rows.sum(axis=1) - 1e-6)
    rules = [st.Cover(share), st.Cover(LEAST, by=by)]

    def recount(sites: Any) -> float:
        return -float(len(sites)) if _kept(question, rows, wanted, sites) else -math.inf

    call = _call(st.MinSites(), question.reach, question.demand, rules)
    book = (lambda: textbook.fewest(question.cover, rows, wanted)), recount
    return question, -1, call, lambda plan: recount(positions(question, plan)), book


def _fair(question: Question, size: Size) -> Case:
    """Cover as many as can be with 60 sites that give each district its share."""
    by, most = districts(question), max(8, round(60 * size.share))
    rows = _members(question, by)
    wanted = np.ceil(LEAST * rows.sum(axis=1) - 1e-6)

    def recount(sites: Any) -> float:
        kept = len(sites) <= most and _kept(question, rows, wanted, sites)
        return question.covered(sites) if kept else -math.inf

    call = _call(st.MaxCoverage(), question.reach, question.demand, [st.AtMost(most), st.Cover(LEAST, by=by)])
    book = (lambda: textbook.coverage(question.cover, question.weight, most, shares=(rows, wanted))), recount
    return question, 1, call, lambda plan: recount(positions(question, plan)), book


def _budget(question: Question, size: Size) -> Case:
    """Cover as many as can be with sites of different cost."""
    _, _, cost = second_service(question)
    each, total = cost["elder"], max(300.0, round(2 * BUDGET * size.share))

    def recount(sites: Any) -> float:
        spent = each.to_numpy()[np.asarray(sites, np.intp)].sum()
        return question.covered(sites) if spent <= total * (1 + 1e-6) else -math.inf

    call = _call(st.MaxCoverage(), question.reach, question.demand, [rule("Budget", total, cost=each)])
    book = (lambda: textbook.budget(question.cover, question.weight, each.to_numpy(float), total)), recount
    return question, 1, call, lambda plan: recount(positions(question, plan)), book


def _phases(question: Question, size: Size) -> Case:
    """Open 20 sites in each of three periods while demand moves; what opens stays open."""
    demand = growing(question)
    years = tuple(demand.columns)
    most = max(2, round(20 * size.share))
    people, m = demand.to_numpy(float).T, len(question.sites)

    def covered(by_year: Sequence[Any]) -> float:
        total, opened = 0.0, np.zeros(m, bool)
        for weight, sites in zip(people, by_year, strict=True):
            before = opened.sum()
            opened[np.asarray(sites, np.intp)] = True
            if opened.sum() - before > most:
                return -math.inf
            total += float(weight[question.cover[:, np.flatnonzero(opened)].sum(axis=1) > 0].sum())
        return total

    def recount(plan: Any) -> float:
        at = question.reach.destinations.get_indexer(plan.table.index)
        return covered([at[(plan.table["year"] == year).to_numpy()] for year in years])

    def theirs(sites: Sequence[int]) -> float:
        at = np.asarray(sites, int)
        return covered([at[at // m == t] % m for t in range(len(years))])

    call = _call(st.MaxCoverage(), question.reach, demand, [rule("Phases", years, at_most=most)])
    book = (lambda: textbook.phases(question.cover, people, (most,) * len(years))), theirs
    return question, 1, call, recount, book


def _together(question: Question, size: Size) -> Case:
    """Two services with demand and a radius each, under one budget; sharing a building saves."""
    reach, infants, cost = second_service(question)
    other = Question("child", reach, infants, question.most, question.homes, question.sites)
    names, total = ("elder", "child"), max(400.0, round(BUDGET * size.share))
    covers, m = (question, other), len(question.sites)
    costs = cost["elder"].to_numpy(float), cost["child"].to_numpy(float)

    def covered(opened: Sequence[Any]) -> float:
        spent = sum(each[at].sum() for each, at in zip(costs, opened, strict=True))
        spent -= SAVING * len(np.intersect1d(*opened))
        if spent > total * (1 + 1e-6):
            return -math.inf
        return sum(part.covered(at) for part, at in zip(covers, opened, strict=True))

    def recount(plan: Any) -> float:
        at = question.reach.destinations.get_indexer(plan.table.index)
        return covered([at[(plan.table["service"] == name).to_numpy()] for name in names])

    def theirs(sites: Sequence[int]) -> float:
        at = np.asarray(sites, int)
        return covered([at[at // m == k] % m for k in range(2)])

    call = _call(
        st.MaxCoverage(), {"elder": question.reach, "child": reach}, {"elder": question.demand, "child": infants},
        [rule("Budget", total, cost={name: cost[name] for name in names}), rule("Together", names, saving=SAVING)],
    )  # fmt: skip
    book = (lambda: textbook.colocation((question.cover, other.cover), (question.weight, other.weight), costs, SAVING,
                                        total)), theirs  # fmt: skip
    return question, 1, call, recount, book


def _flow(question: Question, places: Any, who: str) -> Callable[[Any], float]:
    """Return what counts how many people sites can serve, by the largest flow."""
    n = len(question.demand)
    people = question.weight.astype(np.int32)

    def served(sites: Any) -> float:
        at = np.asarray(sites, np.intp)
        pairs = question.cover[:, at].tocoo()
        k, source = len(at), n + len(at)
        tail = np.concatenate([np.full(n, source), pairs.row, n + np.arange(k)])
        head = np.concatenate([np.arange(n), n + pairs.col, np.full(k, source + 1)])
        room = np.concatenate([people, people[pairs.row], places[at].astype(np.int32)])
        if len(np.unique(at)) < k:
            raise UnequalError(f"{who}: a site stands twice")
        graph = csr_array((room, (tail, head)), shape=(source + 2, source + 2))
        return float(maximum_flow(graph, source, source + 1).flow_value)

    return served
