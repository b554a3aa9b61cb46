"""Drafts, locks and exchanged folders: one writer at a time, files of others kept, what a kill left put right."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path, PurePath
from typing import Any

import pytest

from siting.data import atomic_path, drafts, folder_exchange
from siting.data.folder_exchange import atomic_folder
from siting.errors import SitingError

# Python warns of forks beside threads; the children here end at once.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def ours(path: PurePath) -> bool:
    return path.as_posix() in ("a.txt", "tables", "tables/b.csv")


def fill(folder: Path, text: str) -> None:
    (folder / "a.txt").write_text(text)
    (folder / "tables").mkdir()
    (folder / "tables" / "b.csv").write_text(text)


def results(folder: Path, text: str, **options: Any) -> None:
    with atomic_folder(folder, ours=ours, **options) as draft:
        fill(draft, text)


def contents(folder: Path) -> dict[str, str]:
    found = {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*") if p.is_file()}
    return dict(sorted(found.items()))


MINE = {"notes.docx": "mine", "photos/one.txt": "mine", "tables/mine.csv": "mine"}
NEW = {"a.txt": "new", "tables/b.csv": "new"}


@pytest.fixture(params=["one step", "two steps", "no links"])
def home(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of results with files of somebody else, on each kind of system."""
    if request.param != "one step":
        monkeypatch.setattr(folder_exchange, "_exchanged", lambda one, other: False)
    if request.param == "no links":

        def refuse(*_: Any, **__: Any) -> None:
            raise OSError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
    folder = tmp_path / "out"
    results(folder, "old")
    for name, text in MINE.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


# --- folders


def test_files_of_others_stay(home: Path) -> None:
    before = (home / "notes.docx").stat().st_ino
    results(home, "new")
    assert contents(home) == dict(sorted((MINE | NEW).items()))
    assert (home / "notes.docx").stat().st_ino == before  # the same file, for whoever has it open
    assert [p.name for p in home.parent.iterdir()] == ["out"]


def test_what_is_no_longer_written_goes(home: Path) -> None:
    with atomic_folder(home, ours=ours) as draft:
        (draft / "a.txt").write_text("new")
    assert contents(home) == {"a.txt": "new"} | MINE


def test_a_failure_changes_nothing(home: Path) -> None:
    before = contents(home)
    for fault in (KeyboardInterrupt, ValueError, OSError(28, "full")):

        def fail(fault: Any = fault) -> None:
            with atomic_folder(home, ours=ours) as draft:
                fill(draft, "half")
                raise fault

        with pytest.raises((KeyboardInterrupt, ValueError)):
            fail()
        assert contents(home) == before
        assert [p.name for p in home.parent.iterdir()] == ["out"]


def test_what_nobody_announced_is_refused(home: Path) -> None:
    before = contents(home)
    with pytest.raises(SitingError, match=r'"out" is no folder for "c\.txt"'), atomic_folder(home, ours=ours) as draft:
        (draft / "c.txt").write_text("x")
    assert contents(home) == before


def test_a_file_saved_while_folders_are_exchanged_stays(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the second name of a file and the exchange, an editor replaces it, and somebody puts in another."""
    link = folder_exchange._link_others

    def link_then_save(*args: Any) -> None:
        link(*args)
        (home / "draft").write_text("newer")
        (home / "draft").replace(home / "notes.docx")
        (home / "tables" / "late.csv").write_text("late")

    monkeypatch.setattr(folder_exchange, "_link_others", link_then_save)
    results(home, "new")
    assert contents(home) == dict(sorted((MINE | NEW | {"notes.docx": "newer", "tables/late.csv": "late"}).items()))


@pytest.mark.parametrize("at", range(1, 9))
def test_a_kill_at_every_step(home: Path, at: int) -> None:
    """The process ends at its n-th change of a name: old whole, new whole, or put right by the next run."""
    child = os.fork()
    if child == 0:
        steps = 0
        rename, replace, exchanged, link = Path.rename, Path.replace, folder_exchange._exchanged, os.link

        def counted(step: Any) -> Any:
            def run(*args: Any) -> Any:
                nonlocal steps
                steps += 1
                if steps == at:
                    os._exit(9)
                return step(*args)

            return run

        Path.rename, Path.replace = counted(rename), counted(replace)  # type: ignore[method-assign]
        folder_exchange._exchanged, os.link = counted(exchanged), counted(link)
        results(home, "new")
        os._exit(0)
    os.waitpid(child, 0)
    found = contents(home) if home.exists() else None
    if found is not None:
        now = {name: text for name, text in found.items() if name not in MINE}
        assert now in (NEW, dict.fromkeys(NEW, "old"))
    results(home, "again")
    assert contents(home) == dict(sorted((MINE | dict.fromkeys(NEW, "again")).items()))
    assert [p.name for p in home.parent.iterdir()] == ["out"]


def test_readers_never_see_a_mixture(tmp_path: Path) -> None:
    """A reader in a loop, from another process, while results are written over and over."""
    home = tmp_path / "out"
    results(home, "0")
    script = """
import os, pathlib, sys
home, seen = pathlib.Path(sys.argv[1]), 0
while (home / "a.txt").read_text() != "end":
    now = os.open(home, 0)
    def read(name):
        with open(name, opener=lambda path, flags: os.open(path, flags, dir_fd=now)) as file:
            return file.read()
    try:
        assert read("a.txt") == read("tables/b.csv"), "mixed"
        seen += 1
    except FileNotFoundError:  # the old one was removed meanwhile
        pass
    os.close(now)
print(seen)
"""
    with subprocess.Popen([sys.executable, "-c", script, str(home)], stdout=subprocess.PIPE, text=True) as reader:
        for n in range(60):
            results(home, str(n))
        time.sleep(0.5)
        results(home, "end")
        told = reader.communicate()[0]
    assert reader.returncode == 0
    assert int(told) > 0


def test_the_folder_one_works_in_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out" / "below").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "out" / "below")
    for folder in (".", "..", tmp_path / "out", "/", Path.home()):
        with pytest.raises(SitingError, match=r"holds more than results; name a folder of their own, such as"):
            results(Path(folder), "x")
    results(tmp_path / "out" / "below" / "new", "x")


# --- locks


def lock_of(target: Path) -> Path:
    return target.with_name(f".{target.name}.siting.lock")


def write(target: Path, text: str = "new") -> None:
    with atomic_path(target) as draft:
        draft.write_text(text)


def test_a_second_writer_says_who_is_first(tmp_path: Path) -> None:
    home = tmp_path / "out"
    with atomic_folder(home, ours=ours) as draft:
        fill(draft, "first")
        who = rf'"out" is being written by process {os.getpid()} on {socket.gethostname()} since 20[-0-9]+ [0-9:]+; '
        with pytest.raises(SitingError, match=rf'{who}wait until it ends. If .*, remove ".*\.out\.siting\.lock"'):
            results(home, "second", wait=0)
        assert draft.exists(), "the draft of a living process was removed"
    assert contents(home) == {"a.txt": "first", "tables/b.csv": "first"}


def test_a_second_writer_of_a_file_waits(tmp_path: Path) -> None:
    order = []

    def second() -> None:
        write(tmp_path / "a.txt", "second")
        order.append("second")

    with atomic_path(tmp_path / "a.txt") as draft:
        waiting = threading.Thread(target=second)
        waiting.start()
        time.sleep(0.3)
        draft.write_text("first")
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]
    assert (tmp_path / "a.txt").read_text() == "second"


def test_the_lock_of_a_process_that_is_gone_is_taken_over(tmp_path: Path) -> None:
    """With its draft: nobody else can be writing."""
    target = tmp_path / "a.txt"
    child = os.fork()
    if child == 0:
        with atomic_path(target) as draft:
            draft.write_text("half")
            os._exit(9)
    os.waitpid(child, 0)
    assert len(list(tmp_path.iterdir())) == 2
    write(target)
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_lock_without_a_name_is_taken_over_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a process killed between making it and writing into it."""
    monkeypatch.setattr(drafts, "UNSIGNED", 0.1)
    lock_of(tmp_path / "out").touch()
    results(tmp_path / "out", "new", wait=0)
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_the_lock_of_another_machine_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = lock_of(tmp_path / "a.txt")
    lock.write_text("123\nother-pc\n")
    monkeypatch.setattr(drafts, "WAIT", 0.0)
    home = tmp_path / "out"
    lock_of(home).write_text("123\nother-pc\n")
    with pytest.raises(SitingError, match=r'by process 123 on other-pc since .*, remove ".*\.out\.siting\.lock"'):
        results(home, "x", wait=0)
    lock_of(home).unlink()
    results(home, "x", wait=0)


def test_folders_that_only_look_like_drafts_stay(tmp_path: Path) -> None:
    for name in (".a.txt.siting-mine", ".a.txt-abcdefgh", ".a.txt.siting-ABCDEFGH", "a.txt.siting-abcdefgh"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_text("mine")
    before = contents(tmp_path)
    write(tmp_path / "a.txt")
    assert contents(tmp_path) == before | {"a.txt": "new"}
