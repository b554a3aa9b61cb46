"""A network in a folder: the same when it comes back, whole or not there, and shared by processes."""

from __future__ import annotations

import io
import json
import multiprocessing
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest

import siting as st
from siting.errors import NetworkError, SitingError
from siting.network import Places, Walk, search, store, tobler

Make = Callable[..., Any]
CRS = "EPSG:4547"
X0, Y0 = 530_000.0, 3_380_000.0
FIELDS = ("x", "y", "u", "v", "cost", "metres", "vertices", "first", "oneway", "rise")
UPHILL = Walk(80.0, slope=tobler)


def hilly(blocks: int = 6) -> st.Network:
    """A lattice on a hill, some streets of it one-way."""
    node = np.arange(blocks * blocks).reshape(blocks, blocks)
    u = np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()])
    v = np.concatenate([node[:, 1:].ravel(), node[1:].ravel()])
    return st.Network.from_arrays(
        X0 + 100.0 * (node.ravel() % blocks), Y0 + 100.0 * (node.ravel() // blocks), u, v, crs=CRS,
        height=node.ravel() % 7, oneway=np.arange(len(u)) % 3 - 1,
    )  # fmt: skip


@pytest.fixture
def networks(small_town: gpd.GeoDataFrame) -> dict[str, st.Network]:
    return {"arrays": hilly(), "streets": st.Network.from_streets(small_town)}


def answers(network: st.Network, places: Places | None = None) -> list[bytes]:
    """All that the searches say, as bytes."""
    if places is None:
        at = [(X0 + 70 * i, Y0 + 45 * i + 3) for i in range(7)]
        points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*np.array(at).T), crs=CRS)
        places = network.locate(points)
    few = places.select(places.ids[:3])
    said: list[bytes] = []
    for walk in (None, UPHILL):
        for o, d in ((few, places), (places, few)):
            for found in (
                search.within(network, o, d, 450_000, walk=walk),
                search.nearest(network, o, d, 2, walk=walk),
            ):
                said += [found.origin.tobytes(), found.destination.tobytes(), found.cost.tobytes()]
            added, number = search.sums(network, o, d, np.ones((len(d), 2)), 450_000, walk=walk)
            said += [added.tobytes(), number.tobytes()]
        said += [column.tobytes() for column in search.pieces(network, few, [100_000, 300_000], walk=walk)]
    return said


@pytest.mark.parametrize("kind", ["arrays", "streets"])
def test_there_and_back(networks: dict[str, st.Network], tmp_path: Path, kind: str) -> None:
    network = networks[kind]
    network.save(tmp_path / "net")
    back = st.Network.load(tmp_path / "net")
    assert repr(back) == repr(network)
    assert back.crs == network.crs
    for name in FIELDS:
        mine, theirs = getattr(network, name), getattr(back, name)
        assert (mine is None) == (theirs is None)
        if mine is not None:
            assert mine.dtype == theirs.dtype
            np.testing.assert_array_equal(mine, theirs)
    pd.testing.assert_index_equal(back.nodes, network.nodes)
    pd.testing.assert_frame_equal(back.columns, network.columns, check_index_type=False, check_column_type=False)
    pd.testing.assert_frame_equal(
        pd.DataFrame(back.edges.drop(columns="geometry")), pd.DataFrame(network.edges.drop(columns="geometry")),
        check_index_type=False,
    )  # fmt: skip
    assert back.left_out == network.left_out
    assert answers(back) == answers(network)


def test_edges_without_columns_come_back(tmp_path: Path) -> None:
    """A network of bare arrays has no columns, but its edges have ids and lines all the same."""
    st.Network.from_arrays([X0, X0 + 50, X0 + 90], [Y0] * 3, [0, 1], [1, 2], crs=CRS).save(tmp_path / "net")
    edges = st.Network.load(tmp_path / "net").edges
    assert edges.index.tolist() == [0, 1]
    assert edges["length"].tolist() == [50.0, 40.0]
    assert edges.length.tolist() == [50.0, 40.0]


def test_arrays_are_mapped_and_closed(tmp_path: Path) -> None:
    hilly().save(tmp_path / "net")
    back = st.Network.load(tmp_path / "net")
    for name in store.ARRAYS:
        held = getattr(back, name)
        if held is None:
            continue
        at: Any = held
        while isinstance(at, np.ndarray) and not isinstance(at, np.memmap):
            at = at.base
        assert isinstance(at, np.memmap), name
        with pytest.raises(ValueError, match="read-only"):
            held[0] = 0


def test_a_loaded_network_is_pickled_as_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = hilly(40)
    network.save(tmp_path / "net")
    monkeypatch.chdir(tmp_path)
    back = st.Network.load("net")  # a path from here; the other process may stand elsewhere
    answers(back)
    pickled = pickle.dumps(back)
    assert len(pickled) < 500 < 20_000 < len(pickle.dumps(network))
    monkeypatch.chdir("/")
    assert answers(pickle.loads(pickled)) == answers(network)


def test_names_in_any_script(tmp_path: Path) -> None:
    graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph(crs=CRS)
    for i, name in enumerate("北南东"):
        graph.add_node(name, x=X0 + 100 * i, y=Y0)
    graph.add_edge("北", "南", 街名="人民路 “甲”", highway="footway")
    graph.add_edge("南", "东", 街名=None, highway="footway")
    network = st.Network.from_graph(graph)
    network.save(tmp_path / "网络 é")
    back = st.Network.load(tmp_path / "网络 é")
    assert back.nodes.tolist() == network.nodes.tolist()
    assert back.columns["街名"].dropna().tolist() == ["人民路 “甲”"]
    assert back.columns["街名"].isna().tolist() == network.columns["街名"].isna().tolist()


@pytest.mark.parametrize("names", [[1, "a", 2], [(0, 0), (1, 0), (2, 0)], [2.5, 1.5, 0.5], [10**12, 5, 7]])
def test_names_of_any_kind(tmp_path: Path, names: list[Any]) -> None:
    graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph(crs=CRS)
    for i, name in enumerate(names):
        graph.add_node(name, x=X0 + 100 * i, y=Y0)
    nx.add_path(graph, names)
    network = st.Network.from_graph(graph)
    network.save(tmp_path / "net")
    assert st.Network.load(tmp_path / "net").nodes.tolist() == network.nodes.tolist()


def tagged() -> st.Network:
    """Three streets of 100 m; the second is a stair, which osmnx tells in a list where it has joined two ways."""
    graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph(crs=CRS)
    for i in range(4):
        graph.add_node(i, x=X0 + 100 * i, y=Y0)
    graph.add_edge(0, 1, highway="footway", osmid=7)
    graph.add_edge(1, 2, highway=["steps", "footway"], osmid=[1, 2])
    graph.add_edge(2, 3, highway="footway", osmid=8)
    return st.Network.from_graph(graph)


def test_columns_of_lists_come_back(tmp_path: Path) -> None:
    """Who takes no steps takes none on a network from disk either."""
    network = tagged()
    network.save(tmp_path / "net")
    back = st.Network.load(tmp_path / "net")
    pram = Walk(60.0, stairs=False)
    assert len(network.for_walk(pram).u) == 2
    assert len(back.for_walk(pram).u) == 2


def test_saving_leaves_the_network_alone(tmp_path: Path) -> None:
    network = tagged()
    before = network.columns.copy(deep=True)
    network.save(tmp_path / "net")
    pd.testing.assert_frame_equal(network.columns, before)


# Whole or not at all


def contents(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir()}


@pytest.mark.parametrize("at", [1, 4, 7])
@pytest.mark.parametrize("kind", [OSError, KeyboardInterrupt])
def test_an_interruption_leaves_the_old_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int, kind: type[BaseException]
) -> None:
    home = tmp_path / "net"
    hilly(3).save(home)
    old = contents(home)
    calls = 0
    save = np.save

    def stop(*args: Any, **options: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            raise kind("the disk is full")
        save(*args, **options)

    monkeypatch.setattr(store.np, "save", stop)
    expected = SitingError if kind is OSError else kind  # what users can mend
    with pytest.raises(expected, match="the disk is full"):
        hilly(5).save(home)
    assert [one.name for one in tmp_path.iterdir()] == ["net"]
    assert contents(home) == old
    assert len(st.Network.load(home).nodes) == 9
    calls = 0
    with pytest.raises(expected, match="the disk is full"):
        hilly(5).save(tmp_path / "new")
    assert [one.name for one in tmp_path.iterdir()] == ["net"]


@pytest.mark.parametrize("at", [2, 3])
def test_a_failing_exchange_leaves_the_old_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Folders cannot be exchanged in one step everywhere; where the second step fails the first is undone."""
    home = tmp_path / "net"
    hilly(3).save(home)
    old = contents(home)
    calls = 0
    replace = Path.replace

    def stop(self: Path, target: Any) -> Path:
        nonlocal calls
        calls += 1
        if calls == at:
            raise OSError("the disk is gone")
        return replace(self, target)

    monkeypatch.setattr("siting.data.folder_exchange._exchanged", lambda one, other: False)
    monkeypatch.setattr(Path, "replace", stop)
    with pytest.raises(SitingError, match="the disk is gone"):
        hilly(5).save(home)
    monkeypatch.undo()
    assert home.is_dir(), f"only {[one.name for one in tmp_path.iterdir()]} is left"
    assert contents(home) == old
    assert [one.name for one in tmp_path.iterdir()] == ["net"]


def test_a_network_is_saved_over(tmp_path: Path) -> None:
    home = tmp_path / "a" / "b" / "net"
    hilly(3).save(home)
    first = st.Network.load(home)
    hilly(5).save(str(home))
    assert len(st.Network.load(home).nodes) == 25
    assert first.x[[0, -1]].tolist() == hilly(3).x[[0, -1]].tolist()  # who has the old one open keeps it
    again = st.Network.load(home)
    again.save(home)  # over itself
    assert answers(st.Network.load(home)) == answers(hilly(5))


def test_nothing_else_is_overwritten(tmp_path: Path) -> None:
    mine = tmp_path / "thesis"
    mine.mkdir()
    (mine / "chapter.txt").write_text("years of work")
    (tmp_path / "file").write_text("x")
    for path in (mine, tmp_path / "file", tmp_path):
        with pytest.raises(NetworkError, match="is no network; name a new folder"):
            hilly(3).save(path)
    assert (mine / "chapter.txt").read_text() == "years of work"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file", "thesis"]


# Damage


@pytest.mark.slow
@pytest.mark.parametrize(
    "spoil",
    [
        lambda head: "",
        lambda head: "{",
        lambda head: "[]",
        lambda head: "null",
        lambda head: '"net"',
        lambda head: json.dumps({k: v for k, v in head.items() if k != "version"}),
        lambda head: json.dumps({k: v for k, v in head.items() if k != "crs"}),
        lambda head: json.dumps({k: v for k, v in head.items() if k != "left_out"}),
        lambda head: json.dumps({**head, "crs": "nowhere"}),
        lambda head: json.dumps({**head, "arrays": ["x", "y"]}),
        lambda head: json.dumps({**head, "arrays": [*head["arrays"], "absent"]}),
        lambda head: json.dumps({**head, "arrays": 5}),
    ],
)
def test_a_damaged_head(tmp_path: Path, spoil: Callable[[dict[str, Any]], str]) -> None:
    hilly(3).save(tmp_path / "net")
    head = tmp_path / "net" / "network.json"
    head.write_text(spoil(json.loads(head.read_text(encoding="utf-8"))), encoding="utf-8")
    with pytest.raises(NetworkError, match="holds no sound network"):
        st.Network.load(tmp_path / "net")


@pytest.mark.parametrize("name", ["x.npy", "u.npy", "columns.parquet", "nodes.npy", "network.json"])
@pytest.mark.parametrize("damage", ["absent", "empty", "short", "noise"])
def test_a_damaged_file(tmp_path: Path, name: str, damage: str) -> None:
    hilly(3).save(tmp_path / "net")
    one = tmp_path / "net" / name
    whole = one.read_bytes()
    if damage == "absent":
        one.unlink()
    else:
        one.write_bytes({"empty": b"", "short": whole[:-3], "noise": bytes(255 - byte for byte in whole)}[damage])
    with pytest.raises(
        NetworkError, match=r'net" holds no sound network \(.*\); make one and write it with Network\.save'
    ):
        st.Network.load(tmp_path / "net")


@pytest.mark.parametrize("kind", ["arrays", "streets"])
def test_a_folder_of_the_first_layout(networks: dict[str, st.Network], tmp_path: Path, kind: str) -> None:
    """Older folders have no checksums, and all names of nodes as JSON."""
    home = tmp_path / "net"
    networks[kind].save(home)
    as_before(home)
    back = st.Network.load(home)
    assert answers(back) == answers(networks[kind])
    assert back.nodes.tolist() == networks[kind].nodes.tolist()
    back.save(home)
    (home / "x.npy").write_bytes((home / "y.npy").read_bytes())
    with pytest.raises(NetworkError, match=r'"x.npy" is not as it was written'):
        st.Network.load(home)


def as_before(home: Path) -> None:
    """Turn a folder into one of the first layout."""
    head = json.loads((home / "network.json").read_text(encoding="utf-8"))
    head = {key: at for key, at in head.items() if key not in ("files", "crc32")} | {"version": 1}
    (home / "network.json").write_text(json.dumps(head, ensure_ascii=False), encoding="utf-8")
    if (home / "nodes.npy").exists():
        (home / "nodes.json").write_text(json.dumps(np.load(home / "nodes.npy").tolist()), encoding="utf-8")
        (home / "nodes.npy").unlink()


@pytest.mark.parametrize("at", range(24))
def test_a_flipped_bit(tmp_path: Path, at: int) -> None:
    """In any file, also in the head."""
    home = tmp_path / "net"
    tagged().save(home)
    file = sorted(home.iterdir())[at % len(list(home.iterdir()))]
    content = bytearray(file.read_bytes())
    content[len(content) * at // 24] ^= 1 << at % 7
    file.write_bytes(content)
    with pytest.raises(NetworkError, match=r"holds no sound network|a network of layout"):
        st.Network.load(home)


#: For each array an entry to change, the new value, and what is said.
OUT_OF_RANGE: list[tuple[str, Any, Any, str]] = [
    ("x", 0, np.nan, '"x" is not from -1e\\+09'),
    ("x", 3, 1e300, '"x" is not from'),
    ("y", -1, np.inf, '"y" is not from'),
    ("u", 0, 36, '"u" is not from 0 to 35 at "0"'),
    ("u", 7, 2**31 - 1, '"u" is not from'),
    ("v", 5, -1, '"v" is not from 0 to 35 at "5"'),
    ("cost", 4, -1, '"cost" is not from 0'),
    ("cost", 4, 2**31 - 1, '"cost" is not from'),
    ("cost", 4, 99_999, '"cost" is not "metres"'),
    ("metres", 2, np.nan, '"metres" is not from'),
    ("metres", 2, -100.0, '"metres" is not from'),
    ("oneway", 1, 2, '"oneway" is not from -1 to 1 at "1"'),
    ("first", 0, 1, '"first" leads from 1'),
    ("first", -1, -1, '"first" is not from 0'),
    ("first", 3, 2**63 - 1, '"first" is not from 0'),
    ("first", 3, -(2**40), '"first" is not from 0'),
    ("first", 3, 12, "fewer than two vertices"),
    ("first", 3, 4, "fewer than two vertices"),
    ("vertices", 0, np.nan, '"vertices" is not from'),
]


def drawn(blocks: int = 6) -> st.Network:
    """The lattice as lines of two vertices."""
    edges = hilly(blocks).edges.drop(columns="length")
    return st.Network.from_streets(edges.assign(oneway="yes"), oneway="oneway")


def resealed(home: Path, name: str, change: Callable[[Any], Any]) -> None:
    """Change an array in a folder, and its checksum with it."""
    array = np.array(np.load(home / f"{name}.npy"))
    buffer = io.BytesIO()
    np.save(buffer, change(array))
    (home / f"{name}.npy").write_bytes(buffer.getvalue())
    reseal(home)


def reseal(home: Path) -> None:
    """Write the checksums of the files as they are now."""
    head = json.loads((home / "network.json").read_text(encoding="utf-8"))
    head["files"] = {name: store._seal(home / name) for name in head["files"]}
    head["crc32"] = store._crc32({key: at for key, at in head.items() if key != "crc32"})
    (home / "network.json").write_text(json.dumps(head, ensure_ascii=False), encoding="utf-8")


@pytest.mark.parametrize(("name", "at", "value", "said"), OUT_OF_RANGE)
def test_a_value_out_of_range(tmp_path: Path, name: str, at: int, value: Any, said: str) -> None:
    """With the right checksum: made by somebody who wants reading outside an array."""
    drawn().save(tmp_path / "net")

    def change(array: Any) -> Any:
        array[at] = value
        return array

    resealed(tmp_path / "net", name, change)
    with pytest.raises(NetworkError, match=said):
        st.Network.load(tmp_path / "net")


#: Changes of whole arrays.
OTHER_ARRAYS: list[tuple[str, Callable[[Any], Any], str]] = [
    ("u", lambda a: a.astype(np.int64), '"u" holds int64 in 1 dimension, not int32 in 1'),
    ("x", lambda a: a.astype(">f8"), '"x" holds >f8'),
    ("x", lambda a: a[:-1], '"y" has 36 entries, not 35'),
    ("v", lambda a: a[:-1], '"v" has 59 entries, not 60'),
    ("cost", lambda a: a[:, None], '"cost" holds int32 in 2'),
    ("vertices", np.asfortranarray, '"vertices" holds float64 in 2'),
    ("vertices", lambda a: a.reshape(-1, 4), r'"vertices\[0\]" has 4 entries, not 2'),
    ("first", lambda a: a[:-1], '"first" has 60 entries, not 61'),
    ("oneway", lambda a: a[:0], '"oneway" has 0 entries|is empty|mmap'),
    ("nodes", lambda a: a[:-1], '"nodes" has 35 entries, not 36'),
    ("nodes", lambda a: a * 0, 'nodes: ids occur twice: "0"'),
    ("u", lambda a: np.minimum(a, 30), "no edge ends at the nodes"),
]


@pytest.mark.parametrize(("name", "change", "said"), OTHER_ARRAYS)
def test_an_array_of_another_kind(tmp_path: Path, name: str, change: Callable[[Any], Any], said: str) -> None:
    drawn().save(tmp_path / "net")
    resealed(tmp_path / "net", name, change)
    if name == "u" and "no edge" in said:
        resealed(tmp_path / "net", "v", lambda a: np.minimum(a, 30))
    with pytest.raises(NetworkError, match=said):
        st.Network.load(tmp_path / "net")


@pytest.mark.parametrize("absent", ["vertices", "first"])
def test_lines_need_both_arrays(tmp_path: Path, absent: str) -> None:
    drawn().save(tmp_path / "net")
    head = json.loads((tmp_path / "net" / "network.json").read_text(encoding="utf-8"))
    head["arrays"].remove(absent)
    (tmp_path / "net" / "network.json").write_text(json.dumps(head), encoding="utf-8")
    reseal(tmp_path / "net")
    with pytest.raises(NetworkError, match='of "vertices" and "first" one is absent'):
        st.Network.load(tmp_path / "net")


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:2263"])
def test_a_network_in_other_units(tmp_path: Path, crs: str) -> None:
    drawn().save(tmp_path / "net")
    head = json.loads((tmp_path / "net" / "network.json").read_text(encoding="utf-8"))
    (tmp_path / "net" / "network.json").write_text(json.dumps({**head, "crs": crs}), encoding="utf-8")
    reseal(tmp_path / "net")
    with pytest.raises(NetworkError, match="does not measure in metres"):
        st.Network.load(tmp_path / "net")


def test_another_version(tmp_path: Path) -> None:
    hilly(3).save(tmp_path / "net")
    head = tmp_path / "net" / "network.json"
    head.write_text(json.dumps({**json.loads(head.read_text(encoding="utf-8")), "version": 99}), encoding="utf-8")
    with pytest.raises(NetworkError, match="a network of layout 99; this reads 1 and 2: save it anew"):
        st.Network.load(tmp_path / "net")


def test_no_pickle_is_opened(tmp_path: Path) -> None:
    """An array of objects is a program; whoever sends one gets an error."""
    hilly(3).save(tmp_path / "net")
    np.save(tmp_path / "net" / "x.npy", np.array([print], object), allow_pickle=True)
    with pytest.raises(NetworkError, match="holds no sound network"):
        st.Network.load(tmp_path / "net")


def test_no_network_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(NetworkError, match="holds no sound network"):
            st.Network.load(path)


@pytest.mark.slow
def test_processes_share_a_network(tmp_path: Path) -> None:
    """Two new processes get the path and say the same."""
    network = hilly()
    network.save(tmp_path / "net")
    back = st.Network.load(tmp_path / "net")
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        said = pool.map(answers_of, [back, back])
    assert said == [digest(answers(network))] * 2


def digest(said: list[bytes]) -> str:
    import hashlib

    return hashlib.sha256(b"|".join(said)).hexdigest()


def answers_of(network: st.Network) -> str:
    return digest(answers(network))


def test_a_pickled_path_does_not_lead_to_another_network(tmp_path: Path, networks: dict[str, st.Network]) -> None:
    """What was sent to a worker is what it computes on, or it says that it is not there any more."""
    networks["arrays"].save(tmp_path / "net")
    sent = pickle.dumps(st.Network.load(tmp_path / "net"))
    assert len(pickle.loads(sent).x) == len(networks["arrays"].x)
    networks["streets"].save(tmp_path / "net")
    with pytest.raises(NetworkError, match="another network"):
        pickle.loads(sent)
