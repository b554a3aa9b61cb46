"""Row 26: limits that look like kilometres or hours, in every function that takes one."""

from __future__ import annotations

import importlib
import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import siting as st
from siting import measure, propose
from siting.errors import SitingError
from siting.limits import metres_of, minutes_of, usual_limit
from siting.propose.problem import Cover, NobodyBeyond

KILOMETRES = [0.5, 0.3, 1.5]
LAYERS = st.load_sample()
HOMES, NURSERIES = LAYERS["communities"].iloc[:40], LAYERS["childcare"].iloc[:5]
PEOPLE = HOMES["population"]
STANDARD = st.load_standard("jinhua")

#: The words for distances and times in the names of arguments.
WORDS = {"limit", "limits", "metres", "minutes", "max_snap", "beside", "spacing", "radius", "buffer", "within"}


@pytest.fixture(scope="module")
def network() -> st.Network:
    return st.Network.from_streets(LAYERS["streets"])


@pytest.fixture(scope="module")
def reach() -> st.Reach:
    return st.straight_line(HOMES, NURSERIES, metres=800)


@pytest.fixture(scope="module")
def timed() -> st.Reach:
    return st.straight_line(HOMES, NURSERIES, minutes=15)


def _solved(reach: st.Reach, *rules: Any) -> Any:
    return st.solve(st.MinSites(), reach, demand=PEOPLE, rules=list(rules))


Call = Callable[[float, st.Network, st.Reach], Any]
#: Function and argument → a call with a limit, a network and a reach; each refuses half a kilometre.
CALLS: dict[str, Call] = {
    "travel metres": lambda x, n, _: st.travel(n, HOMES, NURSERIES, metres=x),
    "travel max_snap": lambda x, n, _: st.travel(n, HOMES, NURSERIES, metres=500, max_snap=x),
    "travel_in_parts metres": lambda x, n, _: list(measure.travel_in_parts(n, HOMES, NURSERIES, metres=x)),
    "travel_in_parts max_snap": lambda x, n, _: list(
        measure.travel_in_parts(n, HOMES, NURSERIES, metres=500, max_snap=x)
    ),
    "straight_line metres": lambda x, _n, _r: st.straight_line(HOMES, NURSERIES, metres=x),
    "service_areas metres": lambda x, n, _: st.service_areas(n, NURSERIES, metres=[x, 500]),
    "service_areas max_snap": lambda x, n, _: st.service_areas(n, NURSERIES, metres=500, max_snap=x),
    "service_streets metres": lambda x, n, _: measure.service_streets(n, NURSERIES, metres=x),
    "service_streets max_snap": lambda x, n, _: measure.service_streets(n, NURSERIES, metres=500, max_snap=x),
    "catchment metres": lambda x, n, _: measure.catchment(n, HOMES, NURSERIES, PEOPLE, metres=x),
    "catchment max_snap": lambda x, n, _: measure.catchment(n, HOMES, NURSERIES, PEOPLE, metres=500, max_snap=x),
    "Network.locate max_snap": lambda x, n, _: n.locate(HOMES, max_snap=x),
    "make_candidates spacing": lambda x, _n, _r: st.make_candidates(HOMES, method="grid", spacing=x),
    "make_candidates metres": lambda x, _n, _r: st.make_candidates(HOMES, method="grid", spacing=100, metres=x),
    "make_candidates max_snap": lambda x, n, _: st.make_candidates(
        HOMES, method="streets", network=n, metres=300, max_snap=x
    ),
    "merge_demand metres": lambda x, _n, _r: propose.merge_demand([[1, 1]], None, [[0.0, 0.0]], metres=x),
    "audit beside": lambda x, _n, _r: st.audit(STANDARD, LAYERS, beside=x),
    "audit max_snap": lambda x, n, _: st.audit(STANDARD, LAYERS, network=n, year=2025, max_snap=x),
    "provision beside": lambda x, _n, _r: st.provision(STANDARD, HOMES, beside=x),
    "provision max_snap": lambda x, n, _: st.provision(STANDARD, HOMES, network=n, max_snap=x),
    "Rule metres": lambda x, _n, _r: replace(next(iter(STANDARD)), metres=x),
    "Reach.from_pairs limit": lambda x, _n, r: st.Reach.from_pairs(
        r.pairs(), origins=r.origins, destinations=r.destinations, limit=x
    ),
    "Reach.from_matrix limit": lambda x, _n, r: st.Reach.from_matrix(
        r.matrix().toarray() + 500.0, origins=r.origins, destinations=r.destinations, limit=x
    ),
    "Reach.within limit": lambda x, _n, r: r.within(x),
    "Reach.rows limits": lambda x, _n, r: r.rows(pd.Series(x, r.origins)),
    "coverage limit": lambda x, _n, r: st.coverage(r, PEOPLE, limit=x),
    "bands limits": lambda x, _n, r: measure.bands(r, [x, 500]),
    "neighbours limit": lambda x, _n, r: measure.neighbours(r, limit=x),
    "medical_partners limit": lambda x, _n, r: measure.medical_partners(
        r, pd.Series(5, r.destinations), below=10, limit=x
    ),
    "close_pairs limit": lambda x, _n, _r: measure.close_pairs(st.straight_line(HOMES, HOMES, metres=800), limit=x),
    "uncovered_around limit": lambda x, _n, r: measure.uncovered_around(r, r, PEOPLE, limit=x),
    "spatial_mismatch limit": lambda x, _n, r: measure.spatial_mismatch(
        r, PEOPLE, pd.Series(5.0, r.destinations), residents=PEOPLE, limit=x
    ),
    "inequality limit": lambda x, _n, _r: measure.inequality(PEOPLE.astype(float) + 100, PEOPLE, limit=x),
    "town_and_country limit": lambda x, _n, _r: measure.town_and_country(
        PEOPLE.astype(float) + 100, PEOPLE, PEOPLE.median() < PEOPLE, limit=x
    ),
    "gaussian limit": lambda x, _n, r: st.accessibility(
        r, PEOPLE, pd.Series(5.0, r.destinations), method="e2sfca", decay=st.decay.gaussian(x)
    ),
    "linear limit": lambda x, _n, r: measure.huff(r, PEOPLE, decay=st.decay.linear(x)),
    "Cover limit": lambda x, _n, r: _solved(r, Cover(0.1, limit=x)),
    "NobodyBeyond limit": lambda x, _n, r: _solved(r, NobodyBeyond(x)),
    "assign limit": lambda x, _n, r: st.assign(r, PEOPLE, pd.Series(10**6, r.destinations), limit=x),
    "choose_hubs limit": lambda x, _n, _r: propose.choose_hubs(
        st.straight_line(HOMES, HOMES, metres=800), demand=PEOPLE, hubs=2, limit=x
    ),
}
#: Arguments of these names that are no limit of a walk, and why.
OTHERS = {
    "Network.join_islands metres": "the gap between two ends of lines, which may be a metre",
    "Walk.metres minutes": "a conversion", "Walk.minutes metres": "a conversion",
    "Network metres": "an array of lengths", "Study beside": "checked in the file",
    "Study max_snap": "checked in the file", "Places max_snap": "made by locate", "Mismatch limit": "a result",
    "PointReach.within limits": "prices of a search, by position",
    "PointReach.count_within limits": "prices of a search, by position",
    "Reach limit": "a result", "Decay limit": "a result",
    "Assignment limit": "a result", "Circle metres": "checked in the file", "Circle minutes": "checked in the file",
    "DatumOffset metres": "a result", "DatumOffset beside": "a result", "datum_offset beside": "a layer",
    "Goal metres": "checked in the file", "Goal minutes": "checked in the file", "Column beside": "names of columns",
    "check_together beside": "a name of a layer",
}  # fmt: skip
ROOMS = ("siting", "siting.data", "siting.network", "siting.measure", "siting.judge", "siting.propose", "siting.show",
         "siting.study", "siting.decay", "siting.equity", "siting.projects", "siting.forecasts")  # fmt: skip


def arguments() -> Iterator[str]:
    """List every argument of the public functions, and of their classes' methods, that is called like a limit."""
    for room in map(importlib.import_module, ROOMS):
        for name in room.__all__:
            thing = getattr(room, name)
            parts = [(name, thing)]
            if inspect.isclass(thing):
                parts += [(f"{name}.{key}", getattr(thing, key)) for key in dir(thing) if not key.startswith("_")]
            for called, function in parts:
                try:
                    names = inspect.signature(function).parameters if callable(function) else {}
                except ValueError:
                    continue
                yield from (f"{called} {each}" for each in names if each in WORDS)


def test_every_argument_that_is_called_like_a_limit_is_tried() -> None:
    """A new one belongs in CALLS, or in OTHERS with the reason."""
    tried = {*CALLS, *OTHERS, *(call.replace("metres", "minutes") for call in CALLS)}
    assert set(arguments()) - tried == set()


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kilometres", KILOMETRES)
def test_what_looks_like_kilometres_is_refused(
    call: str, kilometres: float, network: st.Network, reach: st.Reach
) -> None:
    with pytest.raises(SitingError, match=r"half a kilometre is 500"):
        CALLS[call](kilometres, network, reach)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("wrong", [math.nan, -5.0, "500m"])
def test_what_is_no_limit_is_refused(call: str, wrong: Any, network: st.Network, reach: st.Reach) -> None:
    with pytest.raises(SitingError):
        CALLS[call](wrong, network, reach)


@pytest.mark.parametrize("hours", [0.25, 0.1])
def test_what_looks_like_hours_is_refused(hours: float, network: st.Network, timed: st.Reach) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: st.travel(network, HOMES, NURSERIES, minutes=hours),
        lambda: st.service_areas(network, NURSERIES, minutes=hours),
        lambda: st.coverage(timed, PEOPLE, limit=hours),
        lambda: measure.bands(timed, hours),
        lambda: _solved(timed, Cover(0.1, limit=hours)),
    ]
    for call in calls:
        with pytest.raises(SitingError, match="a quarter of an hour is 15"):
            call()


def test_limits_that_are_meant(reach: st.Reach) -> None:
    """On the spot, and costs that are short themselves."""
    assert st.coverage(reach, PEOPLE, limit=0)["covered"].iloc[0] == 0
    assert usual_limit(0.5, "m", reached=2) == 0.5
    assert usual_limit(math.inf, "m", reached=800) == math.inf
    assert metres_of(10, "x") == 10
    assert metres_of(math.inf, "x", endless=True) == math.inf
    assert minutes_of(0.5, "x") == 0.5
    own = pd.Series(500.0, reach.origins)
    own.iloc[3] = 0.5
    with pytest.raises(SitingError, match=r"limits: one is 0\.5 m, and costs reach up to 800 m"):
        st.coverage(reach, PEOPLE, limit=own)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[study]\nmax_snap = 0.5\n", "[study] max_snap"), ("[study]\nbeside = 0.3\n", "[study] beside"),
        ('[[circle]]\nservice = "childcare"\nmetres = [0.3, 500]\n', "[[circle]] childcare metres"),
        ('[[goal]]\nname = "a"\nservice = "childcare"\nmetres = 1.5\nat_most = 1\n', "[[goal]] a metres"),
    ],
)  # fmt: skip
def test_the_keys_of_a_study_are_in_metres(tmp_path: Path, text: str, key: str) -> None:
    layers = '[layers]\nstreets = { path = "s.gpkg" }\ncommunities = { path = "c.gpkg" }\n'
    study = tmp_path / "a.toml"
    study.write_text(text + layers if text.startswith("[study]") else layers + text, encoding="utf-8")
    with pytest.raises(SitingError) as caught:
        st.Study.from_toml(study)
    assert f"{key} is " in str(caught.value)
    assert "half a kilometre is 500" in str(caught.value)
