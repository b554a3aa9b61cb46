"""Writers killed at random moments: a reader finds the old whole or the new whole, and the next run clears up."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SERVER = Path(__file__).with_name("kill_server.py")
FILES = [
    "layer.gpkg", "layer.geojson", "layer.parquet", "layer.csv", "layer.xlsx", "table.csv", "report.html", "map.html",
    "picture.svg", "workbook.xlsx",
]  # fmt: skip
FOLDERS = ["network", "results"]


class Server:
    """The process that forks writers, asked line by line."""

    def __init__(self, folder: Path, exchange: str) -> None:
        self.folder = folder
        command = [sys.executable, str(SERVER), str(folder / "inputs"), exchange]
        self.log = (folder / "log").open("w+")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True
        )

    def __enter__(self) -> Server:
        assert self._line() == "ready\n", self.said()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()
        self.log.close()

    def said(self) -> str:
        return (self.folder / "log").read_text()

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def ask(self, **order: Any) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return json.loads(self._line())


class Writer:
    """A kind of writer, its target, and random moments of its work."""

    def __init__(self, server: Server, name: str) -> None:
        self.server, self.name = server, name
        folder = server.folder / f"home of {name}"
        self.home, self.target = folder / "home", folder / "home" / name
        self.home.mkdir(parents=True)
        (trials := folder / "trials").mkdir()
        for n, version in enumerate("ABA"):
            self.took = self.write(version, target=trials / (f"{n}.shp" if name == "layer.shp" else name))["seconds"]

    def moment(self) -> float:
        """Return a random moment; more of them at the end, when things are put in place."""
        return self.took * (random.uniform(0.0, 1.1) if random.random() < 0.6 else random.uniform(0.8, 1.05))

    def write(self, version: str, *, kill: bool = False, target: Path | None = None) -> Any:
        at = self.moment() if kill else None
        return self.server.ask(writer=self.name, target=str(target or self.target), version=version, kill_after=at)

    def state(self) -> str | None:
        state: str | None = self.server.ask(writer="state", target=str(self.target))["state"]
        return state


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("kills"), "one step") as made:
        yield made


@pytest.fixture(scope="module")
def two_steps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Writers on a system that cannot exchange two folders in one step."""
    with Server(tmp_path_factory.mktemp("kills"), "two steps") as made:
        yield made


def names_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def try_often(writer: Writer, number: int, *, absent: bool = False) -> dict[str, int]:
    """Kill a writer *number* times, each followed by a run that ends; count what a reader finds.

    With *absent* the target may be missing after a kill, which the next run must put right.
    """
    notes = writer.target / "notes.docx" if writer.name == "results" else None
    whole: dict[str, tuple[str | None, list[str]]] = {}
    for version in "BABA":
        assert writer.write(version)["status"] == 0, writer.server.said()
        if notes:
            notes.write_text("mine")
        whole[version] = writer.state(), names_in(writer.home)
    assert whole["A"][0] != whole["B"][0]
    counts = dict.fromkeys(("killed", "old", "new", "missing", "broken", "litter", "lost"), 0)
    now = "A"
    for _ in range(number):
        other = "AB"[now == "A"]
        counts["killed"] += writer.write(other, kill=True)["status"] == -9
        found = writer.state()
        kind = {whole[now][0]: "old", whole[other][0]: "new", None: "missing" if absent else "broken"}
        counts[kind.get(found, "broken")] += 1
        if notes and not (absent and found is None):
            counts["lost"] += not notes.exists()
        assert writer.write(other)["status"] == 0, writer.server.said()
        counts["broken"] += writer.state() != whole[other][0]
        counts["litter"] += names_in(writer.home) != whole[other][1]
        now = other
    return counts


@pytest.mark.parametrize("name", [*FILES, *FOLDERS])
def test_a_writer_that_is_killed(server: Server, name: str, tries: Any, record: Any) -> None:
    """A writer killed at a random moment leaves the old whole or the new whole; the next run clears up (row 30)."""
    number = tries(2 if name == "results" else 3, 200)
    counts = try_often(Writer(server, name), number)
    told = ", ".join(f"{counts.pop(kind)} {kind}" for kind in ("killed", "old", "new", "missing"))
    record(number, told=f"{name}: {told}", **counts)
    assert not any(counts.values()), (told, counts)


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_whose_writer_is_killed_between_two_steps(
    two_steps: Server, name: str, tries: Any, record: Any
) -> None:
    """Where folders cannot be exchanged in one step, a kill never mixes, and the next run puts right what it left."""
    number = tries(2, 200)
    counts = try_often(Writer(two_steps, name), number, absent=True)
    told = ", ".join(f"{counts.pop(kind)} {kind}" for kind in ("killed", "old", "new", "missing"))
    record(number, told=f"{name}: {told}", **counts)
    assert not any(counts.values()), (told, counts)


def test_a_shapefile_whose_writer_is_killed(server: Server, tries: Any, record: Any) -> None:
    """A Shapefile whose writer is killed is there whole, or not at all; the next run clears up."""
    number = tries(4, 200)
    writer = Writer(server, "layer.shp")
    assert writer.write("A")["status"] == 0, server.said()
    whole, names = writer.state(), names_in(writer.home)
    counts = dict.fromkeys(("killed", "whole", "absent", "broken", "litter"), 0)
    for _ in range(number):
        for part in writer.home.iterdir():
            part.unlink()
        counts["killed"] += writer.write("A", kill=True)["status"] == -9
        found = writer.state()
        counts["absent" if found is None else "whole" if found == whole else "broken"] += 1
        again = writer.write("A")["status"]
        assert again == (2 if found else 0), server.said()  # one that is there is not replaced
        counts["broken"] += writer.state() != whole
        counts["litter"] += names_in(writer.home) != names
    told = ", ".join(f"{counts.pop(kind)} {kind}" for kind in ("killed", "whole", "absent"))
    record(number, told=told, **counts)
    assert not any(counts.values()), (told, counts)
