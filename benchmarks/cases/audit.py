"""A verdict on a large city, beside the walks that it needs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from unittest import mock

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

import siting as st
from benchmarks import ours
from benchmarks.city import make_city
from benchmarks.measure import Row, UnequalError
from benchmarks.sizes import Size
from siting.judge.layers import context as room
from siting.judge.statuses import NOT_JUDGED

__all__ = ["audit"]

RULES = 60
LAYERS = ("childcare", "eldercare", "meals", "elder_schools", "activity_centres", "culture", "sport", "medical")
LIMIT = 2.0


def audit(size: Size) -> Iterator[Row]:
    """Judge sixty rules of Quzhou on layers that have all their columns; what is timed is the rest beside the walks."""
    city = make_city(size.city)
    net = ours.network(city)
    standard = _rules()
    layers = _layers(standard, net, size.sources, max(20, size.sources // 20))
    shares = {rule.id: 0.9 for rule in standard if rule.value is None or rule.kind == "service_time"}
    given = {rule: share for rule, share in shares.items() if standard[rule].kind in ("service_time", "coverage_share")}
    walks = 0.0

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*values: Any, **options: Any) -> Any:
            nonlocal walks
            began = time.process_time()
            found = function(*values, **options)
            walks += time.process_time() - began
            return found

        return call

    def judge() -> st.Audit:
        return st.audit(standard, layers, network=net, shares=given)

    judged = judge()
    _equal(judged, standard, layers, net)
    rest = []
    for _ in range(size.rounds):
        walks = 0.0
        with (
            mock.patch.object(room, "travel", timed(room.travel)),
            mock.patch.object(room, "straight_line", timed(room.straight_line)),
            mock.patch.object(st.Network, "locate", timed(st.Network.locate)),
        ):
            began = time.process_time()
            judge()
            rest.append(time.process_time() - began - walks)
    computed = int((~judged.table["status"].isin(NOT_JUDGED)).sum())
    many = f"{len(layers['communities']):,} communities, {len(layers['childcare']):,} facilities a layer"
    yield Row(
        "audit: sixty rules, beside the walks", f"{many}, {len(standard)} rules", float(np.median(rest)),
        target=LIMIT, most=True, checked=f"{computed} verdicts; circles equal coverage", rounds=size.rounds,
    )  # fmt: skip


def _rules() -> st.Standard:
    """Take all rules of Quzhou that are judged, and Jinhua's radius: sixty."""
    whole = st.load_standard("quzhou")
    radius = replace(st.load_standard("jinhua")["jinhua.childcare.service_radius"], document="")
    judged = [rule for rule in whole if rule.role in ("standard", "target")]
    return replace(whole, rules=(radius, *judged)[:RULES], whole=(radius, *whole.rules))


def _equal(judged: st.Audit, standard: st.Standard, layers: Mapping[str, gpd.GeoDataFrame], net: st.Network) -> None:
    """Compare the first circle with the public measures."""
    (rule, *_) = standard.select(kind="service_time")
    homes = layers["communities"][layers["communities"]["kind"] != "park"]
    walk = {"childcare": st.Walk.carer(), "eldercare": st.Walk.elder()}.get(rule.service, st.Walk.adult())
    people = homes[{"childcare": "infants", "eldercare": "elderly"}.get(rule.service, "population")]
    reach = st.travel(net, homes, st.measure.open_to_all(layers[rule.service]), minutes=rule.value, walk=walk)
    share = 100 * st.coverage(reach, people)["share"].iloc[0]
    value = judged.select(rule=rule.id).table["value"].iloc[0]
    if abs(value - share) > 1e-6:
        raise UnequalError(f"coverage: {rule.id} is {share}, the audit says {value}")


def _layers(standard: st.Standard, net: st.Network, homes: int, sites: int) -> dict[str, gpd.GeoDataFrame]:
    rng = np.random.default_rng(5)
    west, south, east, north = net.x.min(), net.y.min(), net.x.max(), net.y.max()

    def points(many: int, prefix: str, **columns: Any) -> gpd.GeoDataFrame:
        where = rng.choice(len(net.x), many)
        place = gpd.points_from_xy(net.x[where] + rng.uniform(-20, 20, many), net.y[where] + rng.uniform(-20, 20, many))
        ids = pd.Index([f"{prefix}{k}" for k in range(many)], name="id")
        return gpd.GeoDataFrame(columns, index=ids, geometry=place, crs=net.crs)

    across, up = np.linspace(west - 1, east + 1, 11), np.linspace(south - 1, north + 1, 6)
    boxes = [shapely.box(across[i], up[j], across[i + 1], up[j + 1]) for i in range(10) for j in range(5)]
    towns = gpd.GeoDataFrame(
        {"name": [f"t{k}" for k in range(50)], "level": "township", "parent": [f"c{k % 6}" for k in range(50)]},
        index=pd.Index([f"D{k}" for k in range(50)], name="id"), geometry=boxes, crs=net.crs,
    )  # fmt: skip
    communities = points(
        homes, "c", population=rng.integers(500, 3000, homes), households=rng.integers(300, 5000, homes),
        elderly=rng.integers(50, 400, homes), infants=rng.integers(5, 60, homes),
        employees=rng.integers(0, 30_000, homes), kind=rng.choice(["estate"] * 8 + ["village", "park"], homes),
        build_status=rng.choice(["new", "existing"], homes),
        complete_community=rng.random(homes) < 0.1, future_community=rng.random(homes) < 0.1,
    )  # fmt: skip
    layers = {"districts": towns, "communities": communities}
    for name in {*LAYERS, *(layer for rule in standard for layer in rule.layers)} - {"communities", "both"}:
        layers[name] = points(sites, name, floor_area=rng.integers(50, 900, sites), kind="", services="")
    for rule in standard:
        for name in rule.layers:
            frame = layers.get(name)
            if frame is not None:
                layers[name] = _with_columns(frame, rule, rng)
    return layers


def _with_columns(frame: gpd.GeoDataFrame, rule: st.Rule, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Add what a rule asks for: flags, numbers, types of facility."""
    many = len(frame)
    made: dict[str, Any] = {}
    for name, want in {**rule.where, **rule.part}.items():
        made[name] = rng.random(many) < 0.3 if isinstance(want, bool) else rng.integers(1, 300, many)
    for name in (*rule.column, *filter(None, [rule.of.rpartition(".")[2]])):
        made[name] = rng.integers(1, 300, many)
    if rule.facility_types:
        own = frame["facility_type"].tolist() if "facility_type" in frame else [""] * many
        made["facility_type"] = [str(rng.choice(rule.facility_types)) if rng.random() < 0.4 else old for old in own]
    kept = {name: values for name, values in made.items() if name not in frame or name == "facility_type"}
    return frame.assign(**kept)
