"""Saved networks that are damaged by chance or on purpose: refused, or searched as they were; Python never crashes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import random
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

import siting as st
from siting.errors import SitingError
from siting.network import Walk, search, store, tobler

CRS = "EPSG:4547"
X0, Y0 = 530_000.0, 3_380_000.0
#: Mutations that one process tries.
BATCH = 250
#: A mutation is an answer as before, an error of the library, or one of what must not be.
GOOD = ("same", "refused")


def towns() -> dict[str, st.Network]:
    """Three networks: of arrays with heights and ways, of lines with columns, and one with names of nodes."""
    n = 8
    node = np.arange(n * n).reshape(n, n)
    u, v = (
        np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()]),
        np.concatenate([node[:, 1:].ravel(), node[1:].ravel()]),
    )
    x, y = X0 + 100.0 * (node.ravel() % n), Y0 + 100.0 * (node.ravel() // n)
    hilly = st.Network.from_arrays(x, y, u, v, crs=CRS, height=node.ravel() % 7, oneway=np.arange(len(u)) % 3 - 1)
    bent = [
        shapely.LineString([(x[a], y[a]), ((x[a] + x[b]) / 2 + 3, (y[a] + y[b]) / 2 + 4), (x[b], y[b])])
        for a, b in zip(u, v, strict=True)
    ]
    kinds = np.resize(["residential", "footway", "steps", "service"], len(u))
    tags = {"highway": kinds, "private": np.arange(len(u)) % 5 == 0, "layer": np.arange(len(u)) % 9 // 8}
    streets = gpd.GeoDataFrame(tags, index=[f"w{i}" for i in range(len(u))], geometry=bent, crs=CRS)
    lines = st.Network.from_streets(streets)
    return {"arrays": hilly, "lines": lines, "graph": st.Network.from_graph(lines.to_graph())}


def answers(network: st.Network) -> str:
    """Everything that searches answer, as a checksum."""
    at = [(X0 + 70 * i, Y0 + 45 * i + 3) for i in range(9)]
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*np.array(at).T), crs=CRS)
    yard = shapely.box(X0 + 120, Y0 + 130, X0 + 180, Y0 + 190)
    areas = gpd.GeoDataFrame(index=["park"], geometry=[yard], crs=CRS)
    places = network.locate(points) + network.locate(areas)
    few = places.select(places.ids[:3])
    found = hashlib.sha256(repr(network).encode())
    for walk in (None, Walk(80.0, slope=tobler)):
        for pairs in (
            search.within(network, few, places, 450_000, walk=walk, threads=1),
            search.nearest(network, places, few, 2, walk=walk),
        ):
            for column in (pairs.origin, pairs.destination, pairs.cost):
                found.update(column.tobytes())
        for column in search.pieces(network, few, [100_000, 300_000], walk=walk):
            found.update(column.tobytes())
    found.update(network.edges.to_wkt().to_csv().encode())
    found.update(network.components.to_csv().encode())
    found.update(pd.Series(network.nodes).map(repr).str.cat(sep=",").encode())
    found.update(places.moved.to_csv().encode())
    return found.hexdigest()


# Mutations


def flip(home: Path, rng: random.Random) -> None:
    """Change one to eight bits of a file."""
    file = rng.choice(sorted(home.iterdir()))
    content = bytearray(file.read_bytes())
    for _ in range(rng.choice([1, 1, 1, 8])):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    file.write_bytes(content)


def cut(home: Path, rng: random.Random) -> None:
    """Cut a file off, or lengthen it."""
    file = rng.choice(sorted(home.iterdir()))
    content = file.read_bytes()
    file.write_bytes(content[: rng.randrange(len(content))] if rng.random() < 0.7 else content + rng.randbytes(64))


def swap(home: Path, rng: random.Random) -> None:
    """Exchange two files."""
    one, two = rng.sample(sorted(home.iterdir()), 2)
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)


def remove(home: Path, rng: random.Random) -> None:
    """Remove a file, or put a folder in its place."""
    file = rng.choice(sorted(home.iterdir()))
    file.unlink()
    if rng.random() < 0.5:
        file.mkdir()


def reseal(home: Path) -> None:
    """Write the checksums of the files as they are now, so that the other checks are what is tried."""
    head = json.loads((home / store.HEAD).read_text(encoding="utf-8"))
    head["files"] = {name: store._seal(home / name) for name in head["files"] if (home / name).is_file()}
    head["crc32"] = store._crc32({key: at for key, at in head.items() if key != "crc32"})
    (home / store.HEAD).write_text(json.dumps(head, ensure_ascii=False), encoding="utf-8")


VALUES = [0, 1, 2, -1, -2, 63, 64, 65, 10**6, 2**31 - 1, -(2**31), 2**40, -(2**62), 2**63 - 1,
          0.5, -0.5, 1e-300, 1e8, 1e12, 1e300, float("nan"), float("inf"), float("-inf")]  # fmt: skip
TYPES = ["<f8", ">f8", "<f4", "<i4", ">i4", "<u4", "<i8", "<i2", "i1", "u1", "?", "<c16", "S8", "<U4", "<M8[s]"]


def values(home: Path, rng: random.Random) -> None:
    """Set entries of an array to values that it cannot have; with the right checksum."""
    file = rng.choice(sorted(home.glob("*.npy")))
    array = np.array(np.load(file))
    with np.errstate(all="ignore"):
        for _ in range(rng.choice([1, 1, 3, 20])):
            value = rng.choice(VALUES)
            if array.dtype.kind in "iu":
                limits = np.iinfo(array.dtype)
                value = min(max(int(value), limits.min), limits.max) if np.isfinite(value) else limits.max
            array.flat[rng.randrange(array.size)] = value
    np.save(file, array)
    reseal(home)


def shapes(home: Path, rng: random.Random) -> None:
    """Change the length, type, order or dimensions of an array; with the right checksum."""
    file = rng.choice(sorted(home.glob("*.npy")))
    array = np.array(np.load(file))
    kind = rng.randrange(6)
    if kind == 0:
        array = array[: rng.randrange(len(array))]
    elif kind == 1:
        array = np.concatenate([array, array[: rng.randrange(1, len(array))]])
    elif kind == 2:
        array = np.frombuffer(
            array.tobytes()[: array.nbytes // 16 * 16], rng.choice(["<f8", ">f8", "<i4", "<i8", "i1"])
        )
    elif kind == 3:
        array = array[rng.sample(range(len(array)), len(array))]
    elif kind == 4:
        array = np.asfortranarray(array.reshape(-1, 2)) if array.size % 2 == 0 else array[:, None]
    else:
        with np.errstate(all="ignore"):
            array = array.astype(rng.choice(TYPES))
    np.save(file, array)
    reseal(home)


def header(home: Path, rng: random.Random) -> None:
    """Change bytes of the header of an array; with the right checksum."""
    file = rng.choice(sorted(home.glob("*.npy")))
    content = bytearray(file.read_bytes())
    if rng.random() < 0.5:
        for _ in range(rng.choice([1, 2])):
            content[rng.randrange(128)] = rng.choice(b"0123456789(),:'<>fiu[]TrueFals-\x00\xff")
    else:
        shape = rng.choice(
            ["(9999999999999,)", "(-1,)", "()", "(0,)", "(2, 3, 4)", "(True,)", "1e9", "(10**9,)", "('a',)"]
        )
        text = f"{{'descr': '{rng.choice(TYPES)}', 'fortran_order': {rng.random() < 0.5}, 'shape': {shape}, }}"
        content[10:128] = text.encode().ljust(117)[:117] + b"\n"
    file.write_bytes(content)
    reseal(home)


def head(home: Path, rng: random.Random) -> None:
    """Change an entry of the head; with the right checksum."""
    file = home / store.HEAD
    content = json.loads(file.read_text(encoding="utf-8"))
    key = rng.choice(sorted(content))
    plain: list[Any] = [None, 0, -1, 1e300, "", "x", True, "9" * 5000, [], {}, [None], {"a": None}, [[[]]], ["x", "y"]]
    meant = ["EPSG:4326", "EPSG:2263", "EPSG:4326+5773", [*store.ARRAYS, "nodes"], list(store.ARRAYS)]
    other = [*plain, *meant]
    content[key] = rng.choice(other)
    file.write_text(json.dumps(content), encoding="utf-8")
    with contextlib.suppress(AttributeError, TypeError, KeyError):
        reseal(home)


def names(home: Path, rng: random.Random) -> None:
    """Change the columns or the names of nodes; with the right checksum."""
    file = rng.choice([home / store.COLUMNS, home / store.NODES])
    if file.name == store.NODES:
        (home / store.NUMBERS).unlink(missing_ok=True)
        deep = "[" * 5000 + "]" * 5000
        text: list[str] = ["[]", "{}", "null", "[1, 1]", deep, json.dumps([[i, [i]] for i in range(64)]),
                           json.dumps([{"a": 1}] * 64), json.dumps(["a"] * 64), json.dumps([None] * 64)]  # fmt: skip
        file.write_text(rng.choice(text), encoding="utf-8")
    else:
        table = pd.read_parquet(file)
        odd = [None, 1, -1.5, "yes", "steps", "\x00", "9" * 400, "-2", float("nan"), True]
        known = ["highway", "private", "layer", "bridge", "tunnel", "rise", "geometry", "length", "service"]
        column = rng.choice([*map(str, table.columns), *known])
        which = rng.randrange(4)
        if which == 0:
            table = table.iloc[: rng.randrange(len(table) + 1)]
        elif which == 1:
            table[column] = rng.choice(odd)
        elif which == 2:
            table[column] = pd.Series([str(rng.choice(odd)) for _ in range(len(table))], index=table.index)
        else:
            table = table.set_axis([0] * len(table))
        table.to_parquet(file)
    content = json.loads((home / store.HEAD).read_text(encoding="utf-8"))
    content["files"] = {one.name: 0 for one in home.iterdir() if one.name != store.HEAD}
    (home / store.HEAD).write_text(json.dumps(content), encoding="utf-8")
    reseal(home)


#: Without and with the right checksum afterwards.
BY_CHANCE: list[Callable[[Path, random.Random], None]] = [flip, flip, cut, swap, remove]
ON_PURPOSE: list[Callable[[Path, random.Random], None]] = [values, values, values, shapes, shapes, header, head, names]


def fate(home: Path, before: str, *, chance: bool) -> str:
    """Load a network and search it: the same, refused, or what must not be."""
    try:
        after = answers(st.Network.load(home))
    except SitingError:
        return "refused"
    except Exception:
        return "foreign " + traceback.format_exc()[-1500:]
    # What somebody wrote with the right checksum is another network, where all of it is in range.
    return "same" if after == before or not chance else "wrong"


def lot(first: int, last: int) -> Iterator[tuple[str, str]]:
    """Yield the mutation and the fate of each number."""
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        saved = {}
        for name, network in towns().items():
            network.save(Path(folder, name))
            saved[name] = answers(st.Network.load(Path(folder, name)))
            assert saved[name] == answers(network)
        for number in range(first, last):
            rng = random.Random(number)
            name, chance = rng.choice(sorted(saved)), number % 3 == 0
            mutation = rng.choice(BY_CHANCE if chance else ON_PURPOSE)
            home = Path(folder, "mutated")
            shutil.copytree(Path(folder, name), home)
            mutation(home, rng)
            yield f"{number} {name} {mutation.__name__}", fate(home, saved[name], chance=chance)
            shutil.rmtree(home)


def test_damaged_networks(tries: Callable[[int, int], int], record: Callable[..., None]) -> None:
    """A damaged or crafted network folder is refused, or answers as before."""
    number = tries(60, 2000)
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(Path(st.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]),
    }
    bad: list[str] = []
    crashes = refused = 0
    for first in range(0, number, BATCH):
        last = min(first + BATCH, number)
        done = subprocess.run(
            [sys.executable, __file__, str(first), str(last)],
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
            env=env,
        )
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        bad += [": ".join(line) for line in lines if line[1] not in GOOD]
        refused += sum(line[1] == "refused" for line in lines)
        if done.returncode:
            crashes += 1
            bad.append(f"exit {done.returncode} after {lines[-1:]}: {done.stderr[-1000:]}")
    wrong = sum(": wrong" in one for one in bad)
    record(number, crashes=crashes, wrong=wrong, foreign=len(bad) - wrong - crashes, told=f"{refused:,} refused")
    assert not bad, "\n".join(bad[:5])
    assert refused > number // 2


if __name__ == "__main__":
    for told in lot(int(sys.argv[1]), int(sys.argv[2])):
        print(json.dumps(told), flush=True)  # noqa: T201  # read by the test
