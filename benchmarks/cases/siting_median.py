"""p-median: the graphs of the OR-Library that are here, more of their family, and a city."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import siting as st
from benchmarks import ours
from benchmarks.cases.siting_common import Race, check, mine, positions, rule
from benchmarks.city import Floats
from benchmarks.data import shared
from benchmarks.measure import Row, UnequalError
from benchmarks.peers import textbook
from benchmarks.peers.solving import Table
from benchmarks.siting_cities import Question, graph_question, medians, random_graph, read_graph
from benchmarks.sizes import Size

__all__ = ["siting_median"]

#: Optima of pmed1 to pmed6, from the OR-Library.
OPTIMA = (5819, 4093, 4250, 3034, 1355, 7824)
#: Nodes and sites of the 40 problems of the OR-Library, beyond the six.
FAMILY = tuple(
    (n, p)
    for n, sites in (
        (100, ()), (200, (10, 20, 40, 67)), (300, (5, 10, 30, 60, 100)), (400, (5, 10, 40, 80, 133)),
        (500, (5, 10, 50, 100, 167)), (600, (5, 10, 60, 120, 200)), (700, (5, 10, 70, 140)), (800, (5, 10, 80)),
        (900, (5, 10, 90)),
    )
    for p in sites
)  # fmt: skip
#: Those of the family that peers get, too.
RACED = {(200, 67), (300, 5), (300, 30), (400, 5), (400, 80), (500, 50), (600, 60), (700, 70), (800, 80)}


@dataclass(frozen=True, eq=False)
class Graph:
    """A problem on a graph: all shortest paths, sites to open, and the optimum where it is known."""

    name: str
    paths: Floats
    most: int
    optimum: int | None = None


def siting_median(size: Size) -> Iterator[Row]:
    """All to the proven optimum; HiGHS on fifteen of them, SCIP and spopt on fewer."""
    few: dict[str, float | None] = {"SCIP": None, "spopt + CBC": None}
    race = Race("p-median", {"HiGHS, textbook": 35.0, **few}, size)
    open_ = count = 0
    solve(graph_question(random_graph(50, seed=1), 5, "first"))()
    for graph, raced in _graphs(size):
        question = graph_question(graph.paths, graph.most, graph.name)
        call = solve(question)
        found = mine(lambda call=call: call(time_limit=size.limit), sign=-1)
        value = _recount(question, graph.paths, found.plan)
        checked = check(found, value, proven=True)
        count, open_ = count + 1, open_ + (found.plan.status != "optimal")
        if graph.optimum is not None and found.plan.status == "optimal" and value != graph.optimum:
            raise UnequalError(f"siting: {graph.name} is {value:g}, its optimum {graph.optimum}")
        said = f"{len(graph.paths)} nodes, {graph.most} sites"
        if raced:
            yield from race.rows(
                graph.name, said, found, _models(question, graph, raced), _counter(question, graph.paths), checked
            )
        else:
            yield Row(f"p-median, {graph.name}", said, found.seconds, checked=checked)
    yield from race.medians()
    yield Row("p-median, not proven", f"of {count} graphs, {size.limit:g} s each", open_, target=0.0, most=True,
              unit="problems")  # fmt: skip
    yield from _city(size)


def solve(question: Question) -> Callable[..., Any]:
    """Return the timed call: from reach and demand to the plan."""
    objective = rule("MinTravel")

    def call(**asked: object) -> Any:
        return ours.public("solve")(
            objective, question.reach, demand=question.demand, rules=[st.AtMost(question.most)], **asked
        )

    return call


def _graphs(size: Size) -> Iterator[tuple[Graph, tuple[str, ...]]]:
    """Yield each problem and the peers that get it."""
    folder = shared() / "data" / "optimize"
    every = ("HiGHS, textbook", "SCIP", "spopt + CBC")
    for k, optimum in enumerate(OPTIMA, 1):
        path = folder / f"pmed{k}.txt"
        if path.is_file() and (size.share >= 0.2 or k == 1):
            paths, p = read_graph(path)
            yield Graph(f"pmed{k}", paths, p, optimum), every if k in (1, 6) and size.name != "tiny" else every[:1]
    for n, p in FAMILY if size.share == 1 else ((40, 4),):
        name = f"of the family, {n} nodes, {p} sites"
        peers = () if size.share == 1 and (n, p) not in RACED else every[: 1 + ((n, p) == (400, 5))]
        yield Graph(name, random_graph(n, seed=1000 * n + p), p), peers


def _models(question: Question, graph: Graph, peers: tuple[str, ...]) -> dict[str, Callable[[], Any]]:
    def table() -> Table:
        return Table("median", graph.paths, question.weight, float(graph.paths.max()), graph.most)

    def book() -> textbook.Textbook:
        return textbook.median(graph.paths, question.weight, graph.most)

    return {peer: table if peer.startswith("spopt") else book for peer in peers}


def _counter(question: Question, far: Floats) -> Callable[[Sequence[int]], float]:
    return lambda sites: -float(question.weight @ far[:, list(sites)].min(axis=1))


def _recount(question: Question, far: Floats, plan: Any) -> float:
    sites = positions(question, plan)
    if len(sites) > question.most:
        raise UnequalError(f"siting: {len(sites)} sites, {question.most} were allowed")
    return float(question.weight @ far[:, sites].min(axis=1))


def _city(size: Size) -> Iterator[Row]:
    """Every demand reaches every site: ten million pairs."""
    for most in (20, 50, 100):
        n, m, p = (max(5, round(count * size.share)) for count in (10_000, 1_000, most))
        question = medians(n, m, p)
        call = solve(question)
        found = mine(lambda call=call: call(time_limit=size.limit), sign=-1)
        far = np.empty(question.cost.shape)
        far[question.reach.origin, question.reach.destination] = question.reach.cost
        checked = check(found, _recount(question, far, found.plan), proven=True)
        yield Row(f"p-median, city, {p} sites", question.size, found.seconds, checked=checked)
        if size.share < 1:
            return
