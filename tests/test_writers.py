"""Every writer, on disks and under names that refuse it: one SitingError with what to do, and the old file whole."""

from __future__ import annotations

import ast
import contextlib
import errno
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import siting as st
from siting import study
from siting.data import write, write_table
from siting.data.new_text import write_new_text
from siting.errors import SitingError
from siting.judge.audit_workbook import write_workbook
from siting.judge.standards.template import write_template
from siting.study.outputs import results_folder

SOURCE = Path(st.__file__).parent
FOLDERS = ("network", "layer.gdb")


def homes(n: int = 400) -> Any:
    random = np.random.default_rng(1)
    places = gpd.points_from_xy(530_000 + 900 * random.random(n), 3_380_000 + 900 * random.random(n))
    index = pd.Index([f"k{i}" for i in range(n)], name="id")
    columns = {"name": [f"小区{i}" for i in range(n)], "population": random.integers(1, 999, n)}
    return gpd.GeoDataFrame(columns, geometry=places, crs="EPSG:4547", index=index)


def table() -> Any:
    return pd.DataFrame(homes().drop(columns="geometry"))


def network() -> st.Network:
    walks = [shapely.LineString([(530_000 + x, 3_380_000), (530_100 + x, 3_380_000)]) for x in range(0, 9000, 100)]
    return st.Network.from_streets(gpd.GeoDataFrame(geometry=walks, crs="EPSG:4547"))


def curve() -> Any:
    return pd.DataFrame({"sites": [0, 1], "share": [0.5, 0.9]})


#: A writer for each kind of file. `test_no_writer_is_missing` compares them with what is public and with the code.
WRITERS: dict[str, Callable[[Path], object]] = {
    **{f"layer{end}": lambda path: st.write_layer(homes(), path) for end in write._WRITERS},
    "table.csv": lambda path: write_table(table(), path),
    "report.html": lambda path: st.write_report(path, table(), lang="en"),
    "map.html": lambda path: st.draw_map({"communities": homes()}, lang="en").save(path),
    "picture.png": lambda path: st.draw_picture({"communities": homes()}, lang="en").savefig(path),
    "chart.svg": lambda path: st.draw_chart(curve(), lang="en").savefig(path),
    "audit.xlsx": lambda path: write_workbook(path, {"audit": table()}),
    "standard.toml": write_template,
    "study.toml": lambda path: write_new_text(path, "[study]\n" * 100_000),
    "network": lambda path: network().save(path),
}
#: Writers that never replace what is there.
ONCE = ("layer.shp", "standard.toml", "study.toml")
each_writer = pytest.mark.parametrize("name", WRITERS)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(name: str, target: Path, *, match: str, home: Path) -> None:
    """Expect one error with these words, nothing changed and nothing left."""
    before = contents(home)
    with pytest.raises(SitingError, match=match) as caught:
        WRITERS[name](target)
    assert ".siting-" not in str(caught.value), "names a draft, which nobody knows"
    assert contents(home) == before
    assert not [path for path in home.rglob(".*") if "siting" in path.name]


def old(name: str, folder: Path) -> Path:
    """Return a target with something older in it, where the writer replaces it."""
    target = folder / name
    if name not in ONCE:
        WRITERS[name](target)
    return target


# --- the disk


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file grow above *size* bytes, as on a disk that is full: the system refuses what is written after."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in WRITERS if not name.endswith("xlsx")])  # these begin in /tmp
def test_a_disk_that_fills_at_any_moment(name: str, tmp_path: Path) -> None:
    """Row 30: whatever byte is the last that fits, the writer says that the disk is full."""
    WRITERS[name](tmp_path / name)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    size = max(path.stat().st_size for path in files)
    if name in ONCE:
        for path in files:
            path.unlink()
    steps = sorted({100, 4096, *np.linspace(200, size - 1, 12, dtype=int).tolist()})
    for limit in (step for step in steps if step < size):
        with largest_file(int(limit)):
            refused(name, tmp_path / name, match="cannot be written|nothing can be written", home=tmp_path)
    WRITERS[name](tmp_path / name)


@pytest.mark.slow
@each_writer
def test_a_full_disk(name: str, small_disk: Path) -> None:
    """Row 30: a real disk with some room left, which the writer fills."""
    target = old(name, small_disk)
    room = os.statvfs(small_disk)
    for left in (4096, 8192):
        (small_disk / "ballast").write_bytes(b"x" * max(room.f_bavail * room.f_frsize - left, 0))
        refused(name, target, match=r"the disk is full|is the disk full\?", home=small_disk)
        (small_disk / "ballast").unlink()
    assert not [path for path in small_disk.rglob(".*") if "siting" in path.name]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["layer.gdb", "layer.fgb"])  # GDAL says little or nothing of a full disk
def test_a_disk_that_fills_within_a_new_file(name: str, small_disk: Path) -> None:
    room = os.statvfs(small_disk)
    words = r"the disk is full|^layer\.fgb: cannot be written: not all of its 400 rows arrived; is the disk full\?"
    full = 0
    for left in range(8192, 200_000, 16_384):
        (small_disk / "ballast").write_bytes(b"x" * max(room.f_bavail * room.f_frsize - left, 0))
        fault = error_of(WRITERS[name], small_disk / name)
        if fault is None:
            break
        full += 1
        assert re.search(words, str(fault))
        assert [path.name for path in small_disk.iterdir()] == ["ballast"]
    assert full


def error_of(writer: Callable[[Path], object], target: Path) -> SitingError | None:
    try:
        writer(target)
    except SitingError as fault:
        return fault
    return None


@pytest.fixture
def small_disk() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as above:
        place = Path(above, "disk")
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", "size=900k", "tmpfs", str(place)]
        if os.name != "posix" or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("no small disk can be made here")
        try:
            yield place
        finally:
            subprocess.run(["umount", "-l", str(place)], check=True)


# --- folders and files that refuse


@each_writer
def test_a_folder_that_may_not_be_written_to(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path / name)  # what is loaded or compiled at the first call needs rights of its own
    with tempfile.TemporaryDirectory() as above:
        folder = Path(above)
        folder.chmod(0o555)
        with (
            as_nobody(),
            pytest.raises(SitingError, match=r"nothing can be written to the folder .*permission"),
        ):
            WRITERS[name](folder / name)
        assert not list(folder.iterdir())
        folder.chmod(0o755)


def test_a_folder_of_results_within_one_that_may_not_be_written_to() -> None:
    """A folder is exchanged beside itself, but one within it can be made: the message names it."""
    with tempfile.TemporaryDirectory() as above:
        (folder := Path(above, "mine")).mkdir()
        folder.chmod(0o777)
        Path(above).chmod(0o555)
        with as_nobody(), pytest.raises(SitingError) as caught, results_folder(folder):
            pass
        named = str(caught.value).rpartition("such as ")[2].strip('"')
        assert named == str(folder / "results")
        with as_nobody(), results_folder(named):
            pass
        Path(above).chmod(0o755)


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Give up the rights of the administrator, for whom no folder is read-only."""
    if not hasattr(os, "geteuid") or os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@each_writer
def test_a_file_that_is_read_only(name: str, tmp_path: Path) -> None:
    target = old(name, tmp_path)
    if not target.exists():
        target.write_text("mine")
    file = sorted(target.iterdir())[0] if target.is_dir() else target
    file.chmod(0o444)
    refused(name, target, match="read-only|are there|is there already", home=tmp_path)


@each_writer
@pytest.mark.parametrize("code", ["EACCES", "EBUSY", "ETXTBSY"])
def test_a_file_that_is_open_elsewhere(name: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, where another program keeps a file from being replaced, and a folder with it."""
    target = old(name, tmp_path)

    def locked(move: Any) -> Any:
        def moved(self: Path, place: Path) -> Path:
            if target in (self, Path(place)):
                raise OSError(getattr(errno, code), os.strerror(getattr(errno, code)), str(self), None, str(place))
            return Path(move(self, place))

        return moved

    monkeypatch.setattr(Path, "replace", locked(Path.replace))
    monkeypatch.setattr(Path, "rename", locked(Path.rename))
    monkeypatch.setattr("siting.data.folder_exchange._exchanged", lambda one, other: False)
    refused(name, target, match=f'"{name}" cannot be written: .*close it in', home=tmp_path)


# --- names


@each_writer
def test_names_that_nothing_can_have(name: str, tmp_path: Path) -> None:
    end = Path(name).suffix
    (tmp_path / "file").write_text("mine")
    (tmp_path / f"folder{end}").mkdir()
    cases = {
        tmp_path / f"{'文' * 86}{end}": "name is too long|cannot be written",
        tmp_path / f"a\0b{end}": "NUL character; leave it out",
        tmp_path / "file" / name: "is a file, not a folder",
    }
    if name in FOLDERS:
        cases |= {tmp_path / "file": "is a file|is no network|is no File Geodatabase|cannot be written|is of no kind"}
    else:
        cases |= {
            tmp_path / f"folder{end}": "is a folder|is there already|a folder",
            tmp_path / "none" / name: "make it first",
        }
    for target, match in cases.items():
        refused(name, target, match=match, home=tmp_path)


@each_writer
def test_the_longest_name_can_be_written(name: str, tmp_path: Path) -> None:
    """255 bytes, so that names of drafts and locks must be shorter than names made of it."""
    end = Path(name).suffix
    room = {".gpkg": 247, ".shp": 200}.get(end, 255) - len(end)  # a journal, files beside it
    target = tmp_path / f"{'文' * (room // 3)}{'a' * (room % 3)}{end}"
    WRITERS[name](target)
    assert target.exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_folder_of_results_of_a_name_that_nothing_can_have(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for name, match in {"文" * 86: "name is too long", "a\0b": "NUL character", "file/results": "is a file"}.items():
        with pytest.raises(SitingError, match=match), results_folder(tmp_path / name):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# --- all writers


def test_no_writer_is_missing() -> None:
    """What writes files in the code goes through a draft; a new place is listed here, and gets a writer above."""
    found = {}
    for path in SOURCE.rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef):
                calls = [node for node in ast.walk(function) if isinstance(node, ast.Call) and _writes(node)]
                if calls:
                    found[f"{path.relative_to(SOURCE).with_suffix('').as_posix()}.{function.name}"] = len(calls)
    assert found == {
        "data/atomic_write._place": 1,  # the journal in a room
        "data/drafts._remove_unsigned": 1,
        "data/folder_exchange._link_others": 1,
        "data/new_text.write_new_text": 1,
        "data/write._to_csv": 1,
        "data/write._write_parquet": 1,
        "data/write_geodatabase.write_geodatabase": 1,
        "data/zip_archive.unpack": 1,  # into a temporary folder
        "data/write._write_excel": 2,  # to memory, then to the draft
        "data/write._write_gdal": 1,
        "judge/audit_workbook.write_workbook": 2,
        "judge/standards/template.write_template": 1,
        "compiled._sealed_files": 1,  # machine code, for the next process
        "compiled.save": 1,
        "network/store._save_array": 2,
        "network/store.write_parts": 3,
        "show/display._repr_png_": 1,  # to memory
        "show/display.savefig": 2,
        "show/map_page.save": 2,
        "show/report.write_report": 1,
        "show/svg._render": 1,  # to memory
        "deliver/atlas.write_atlas": 2,  # as the document and the workbook into the draft of the folder
        "deliver/document.write_document": 2,
        "deliver/text.write_texts": 1,  # a page, into a temporary folder
        "deliver/workbook.write_workbook": 2,
        "deliver/figures._image": 1,  # to memory
        "study/contents.write": 1,  # into the draft of the folder
        "study/outputs.write_files": 1,  # a map, into the draft of the folder
        "study/outputs.write_page": 1,  # a map
        "study/results_file.write_record": 1,
    }


def _writes(call: ast.Call) -> bool:
    function = call.func
    if not isinstance(function, ast.Attribute):
        return isinstance(function, ast.Name) and function.id == "open" and _to_write(call)
    if function.attr == "open":
        return _to_write(call)
    ours = ast.unparse(function.value) not in ("st", "super().save")
    return ours and function.attr in {
        "write_text", "write_bytes", "save", "savefig", "savez", "tofile", "to_csv", "to_file", "to_parquet", "to_json",
        "to_feather", "to_pickle", "write_dataframe", "link",
    }  # fmt: skip


def _to_write(call: ast.Call) -> bool:
    modes = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
    return any(isinstance(mode, str) and set(mode) & set("wax") and len(mode) < 4 for mode in modes)


def test_public_writers_are_all_here() -> None:
    rooms = (st, st.data, st.judge, st.measure, st.network, st.propose, st.show, study)
    public = {name for room in rooms for name in dir(room) if name.startswith(("write", "save", "export", "dump"))}
    assert public == {"write_layer", "write_postgis", "write_report", "write_table"}
    classes = {value for room in rooms for name in dir(room) if isinstance(value := getattr(room, name), type)}
    verbs = ("write", "save", "to_excel", "to_csv", "to_file", "export", "dump")
    methods = {f"{kind.__name__}.{name}" for kind in classes for name in vars(kind) if name.startswith(verbs)}
    assert methods == {"Audit.to_excel", "Network.save", "Outcome.write"}


# --- what stays open


def _open_in(folder: Path) -> set[str]:
    """Return the files of a folder that this process has open or mapped, as Linux lists them."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    found = set()
    for link in links:
        with contextlib.suppress(OSError):  # closed meanwhile
            found.add(str(link.readlink()))
    found |= {line.split(maxsplit=5)[-1] for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()}
    return {name for name in found if name.startswith(f"{folder}/") and not name.endswith(".lock")}


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux lists the files that a process has open")
@each_writer
def test_no_file_is_open_when_it_is_put_in_place(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows renames and replaces no file that is open, neither the draft nor the old one."""
    target, replace, seen = old(name, tmp_path), Path.replace, []

    def looked(self: Path, to: Path) -> Path:
        seen.append(_open_in(tmp_path))
        return replace(self, to)

    monkeypatch.setattr(Path, "replace", looked)
    WRITERS[name](target)
    assert seen
    assert set().union(*seen) == set()
    assert _open_in(tmp_path) == set()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux lists the files that a process has open")
@pytest.mark.parametrize("name", [name for name in WRITERS if name.startswith("layer")])
def test_no_file_is_open_after_it_was_read(name: str, tmp_path: Path) -> None:
    """Otherwise nobody could replace it on Windows while the program runs."""
    WRITERS[name](tmp_path / name)
    layer = st.read_layer(tmp_path / name, role="communities")
    assert len(layer) == 400
    assert _open_in(tmp_path) == set()
