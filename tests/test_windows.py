"""What differs on Windows, tried on any system by what Windows would answer: the tests of docs/how-to/windows.md."""

from __future__ import annotations

import ast
import errno
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

import pytest

import siting as st
from siting.data import atomic_path, drafts, windows_names, write_table
from siting.data.geopackage_views import read_only
from siting.errors import SitingError
from siting.network import store
from siting.show.fonts import FAMILIES

ROOT = Path(__file__).parents[1]
CODE = sorted(path for room in ("src", "scripts", "benchmarks") for path in (ROOT / room).rglob("*.py"))


# --- encodings, and what only POSIX has


def _silent_calls(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield calls that read or write text in whatever encoding the machine has."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        named = {word.arg for word in call.keywords}
        func = call.func
        name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
        modes = [each.value for each in call.args if isinstance(each, ast.Constant)]
        binary = any(isinstance(mode, str) and re.fullmatch(r"[rwxa]\+?b\+?", mode) for mode in modes)
        of = ast.unparse(func.value) if isinstance(func, ast.Attribute) else ""
        text_of_process = any(
            word.arg in {"text", "universal_newlines"} and ast.unparse(word.value) == "True" for word in call.keywords
        )
        opens = name == "open" and (not of or modes or not call.args) and of not in {"os", "Image"} and not binary
        if (opens or name in {"read_text", "write_text", "to_csv"} or text_of_process) and "encoding" not in named:
            yield call.lineno, ast.unparse(call)[:60]


def test_every_text_is_read_and_written_in_an_encoding_that_is_said() -> None:
    """Windows takes its code page otherwise, where a Chinese name fails or comes out as other signs."""
    silent = [
        f"{path.relative_to(ROOT)}:{line}: {call}"
        for path in CODE
        for line, call in _silent_calls(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


@pytest.mark.parametrize(
    ("code", "silent"),
    [
        ("open('a.txt')", True), ("open('a.txt', 'w')", True), ("open('a.txt', 'rb')", False),
        ("path.open()", True), ("path.open('w', encoding='utf-8')", False), ("path.open('r+b')", False),
        ("path.read_text()", True), ("path.write_text('x')", True), ("frame.to_csv(path)", True),
        ("subprocess.run(command, text=True)", True), ("subprocess.run(command, encoding='utf-8')", False),
        ("os.open(folder, os.O_RDONLY)", False), ("transport.open(j)", False),
    ],
)  # fmt: skip
def test_the_look_for_encodings_finds_what_it_should(code: str, silent: bool) -> None:
    assert bool(list(_silent_calls(ast.parse(code)))) is silent


def test_nothing_is_called_that_only_posix_has() -> None:
    modules = {"fcntl", "resource", "pwd", "grp", "termios", "pty", "posix", "multiprocessing"}
    names = {
        "fork", "forkpty", "kill", "killpg", "getuid", "geteuid", "getgid", "setsid", "mkfifo", "statvfs", "SIGKILL",
        "SIGALRM", "SIGHUP", "alarm", "setitimer", "tzset", "symlink", "symlink_to", "chown", "lchown",
    }  # fmt: skip
    found = []
    for path in (each for each in CODE if "benchmarks" not in each.parts):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            imported = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            imported += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            used = node.attr if isinstance(node, ast.Attribute) else None
            if modules & {name.partition(".")[0] for name in imported} or used in names:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
        assert not re.search(r"%-[dmHIj]|['\"]/dev/|['\"]/tmp", text), path
    assert found == []


# --- files that are put in place


def _held(times: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let another program hold a file for that many tries, as a virus scanner does; return the tries."""
    tries: list[str] = []
    replace = Path.replace

    def replaced(self: Path, target: Path) -> Path:
        tries.append(self.name)
        if len(tries) <= times:
            fault = PermissionError(errno.EACCES, "The process cannot access the file", str(self))
            fault.winerror = 32  # type: ignore[attr-defined]  # of Windows alone
            raise fault
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", replaced)
    monkeypatch.setattr(drafts, "POLL", 0.001)
    return tries


def test_a_file_that_a_scanner_holds_for_a_moment_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = _held(3, monkeypatch)
    with atomic_path(tmp_path / "a.txt") as draft:
        draft.write_text("new", encoding="utf-8")
    assert tries == ["a.txt"] * 4
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "new"


def test_a_file_that_stays_open_in_excel_keeps_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("old", encoding="utf-8")
    _held(10**9, monkeypatch)
    monkeypatch.setattr(drafts, "SCANNED", 0.05)
    with (
        pytest.raises(SitingError, match=r"a\.txt.*close it in other programs"),
        atomic_path(tmp_path / "a.txt") as draft,
    ):
        draft.write_text("new", encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "old"


def test_a_missing_right_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def refuse(self: Path, target: Path) -> Path:
        tries.append(target)
        raise PermissionError(errno.EACCES, "denied", str(self))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(SitingError), atomic_path(tmp_path / "a.txt") as draft:
        draft.write_text("new", encoding="utf-8")
    assert len(tries) == 1


def test_a_network_on_windows_is_not_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mapped file cannot be replaced there, not even by who mapped it."""
    import numpy as np

    np.save(tmp_path / "x.npy", np.arange(3))
    asked: list[object] = []
    load = np.load
    monkeypatch.setattr(
        np, "load", lambda *args, **options: asked.append(options["mmap_mode"]) or load(*args, **options)
    )
    for platform in ("linux", "win32"):
        monkeypatch.setattr(store.sys, "platform", platform)
        assert store._mapped(tmp_path / "x.npy").tolist() == [0, 1, 2]
    assert asked == ["r", None]


# --- names and paths


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("CON.gpkg", "device"), ("out/nul", "device"), (r"C:\r\Lpt1.tar.gz", "device"), ("aux .csv", "device"),
        ("plan:1.csv", "no name"), ("a?.csv", "no name"), ("results. ", "no name"), (r"\\a\share\x*.csv", "no name"),
        ("con_1.csv", None), (r"C:\r\..\a.gpkg", None), (r"\\a\share\托育.gpkg", None), ("./console.csv", None),
    ],
)  # fmt: skip
def test_names_that_windows_gives_to_something_else(
    path: str, words: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert windows_names.windows_fault(path) is None  # another system
    monkeypatch.setattr(windows_names, "WINDOWS", True)
    fault = windows_names.windows_fault(path)
    assert (fault is None) if words is None else (words in str(fault))


def test_no_writer_writes_to_a_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows_names, "WINDOWS", True)
    layers = st.load_sample()
    for name in ("CON.gpkg", "plan:1.csv"):
        with pytest.raises(SitingError, match=re.escape(name)):
            st.write_layer(layers["childcare"], tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_path_of_300_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere it is written; Windows says that it does not exist, and we say that it is too long."""
    folder = tmp_path / ("a" * 150) / ("b" * 150)
    folder.mkdir(parents=True)
    write_table(st.load_sample()["childcare"].drop(columns="geometry"), folder / "t.csv")
    assert (folder / "t.csv").is_file()
    monkeypatch.setattr(windows_names, "WINDOWS", True)

    def absent(*_: object, **options: object) -> str:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(folder / "draft"))

    monkeypatch.setattr(drafts.tempfile, "mkdtemp", absent)
    with pytest.raises(SitingError, match=r"its path has 3\d\d characters, and Windows takes 259"):
        write_table(st.load_sample()["childcare"].drop(columns="geometry"), folder / "t.csv")


@pytest.mark.parametrize(
    "path", [r"C:\数据\a b.gpkg", r"\\server\share\a.gpkg", "/data/a%20b?.gpkg", "/data/a#1.gpkg"]
)  # fmt: skip
def test_sqlite_gets_the_path_whole_also_on_a_share(path: str) -> None:
    """SQLite takes what stands after two slashes as a host; here it is the path, after decoding."""
    from urllib.parse import unquote

    class Resolved:
        def resolve(self) -> str:
            return path

    address = read_only(Resolved())  # type: ignore[arg-type]  # a path of Windows cannot be resolved elsewhere
    assert re.fullmatch(r"file:(?!//)[^?#]*\?mode=ro", address)
    assert unquote(address[5:].partition("?")[0]) == path
    assert PureWindowsPath(path).suffix == ".gpkg"


def test_an_address_of_sqlite_opens_the_file(tmp_path: Path) -> None:
    file = tmp_path / "小区 #1 100%.gpkg"
    sqlite3.connect(file).execute("create table t (x)").connection.close()
    database = sqlite3.connect(read_only(file), uri=True)
    assert database.execute("select count(*) from t").fetchone() == (0,)
    database.close()


# --- the terminal


@pytest.mark.slow
@pytest.mark.parametrize("page", ["cp936", "cp437"])
def test_a_terminal_of_another_code_page(page: str) -> None:
    """What the code page lacks is replaced; nothing fails."""
    around = {**os.environ, "PYTHONIOENCODING": page, "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "siting", "standards", "jinhua"]
    done = subprocess.run(command, env=around, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert ("养老" in done.stdout.decode(page)) is (page == "cp936")


@pytest.mark.slow
def test_a_window_that_is_closed_ends_a_command_in_order() -> None:
    """Windows sends SIGBREAK then, which other systems lack; SIGUSR1 stands for it here."""
    if not hasattr(signal, "SIGUSR1"):
        pytest.skip("no signal to stand for SIGBREAK")
    code = (
        "import signal, os\n"
        "signal.SIGBREAK = signal.SIGUSR1\n"
        "from siting.interrupt import interruptible\n"
        "with interruptible():\n"
        "    os.kill(os.getpid(), signal.SIGUSR1)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 128 + signal.SIGUSR1
    assert len(done.stderr.splitlines()) == 1


def test_the_last_sentence_is_in_the_code_page_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    from siting import interrupt

    written: list[bytes] = []
    monkeypatch.setattr(interrupt.os, "write", lambda _number, text: written.append(text))
    monkeypatch.setattr(interrupt.os, "device_encoding", lambda _number: "cp936")
    monkeypatch.setattr(interrupt.os, "_exit", lambda status: written.append(b"%d" % status))
    monkeypatch.setattr(interrupt, "language", lambda: "zh")
    interrupt._leave(signal.SIGINT)
    assert "中断" in written[0].decode("gbk")
    assert written[1] == b"130"


def test_fonts_of_windows_are_asked_for_first() -> None:
    assert FAMILIES[:2] == ("Microsoft YaHei", "SimHei")


# --- the page


def test_the_page_names_tests_and_files_that_exist() -> None:
    page = (ROOT / "docs" / "how-to" / "windows.md").read_text(encoding="utf-8")
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = re.findall(r"`(test_\w+)`", page)
    assert len(named) > 12
    assert [name for name in named if f"def {name}(" not in tests] == []
    files = re.findall(r"`((?:tests|scripts|data|study|network|show|cli)/[\w/]+\.py|\w+\.py)`", page)
    assert len(files) > 10
    assert [file for file in files if not any((room / file).is_file() for room in (ROOT, ROOT / "src/siting"))] == []
