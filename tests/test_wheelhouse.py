"""The folder that installs itself without a network: each requirement has a wheel, and the start scripts work."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_spec = importlib.util.spec_from_file_location("wheelhouse", ROOT / "scripts" / "wheelhouse.py")
assert _spec is not None
assert _spec.loader is not None
wheelhouse = importlib.util.module_from_spec(_spec)
sys.modules["wheelhouse"] = wheelhouse  # dataclasses look their module up
_spec.loader.exec_module(wheelhouse)

WINDOWS, LINUX = wheelhouse.Target("windows", "3.12"), wheelhouse.Target("linux", "3.12")


def _wheel(folder: Path, name: str, tag: str, *lines: str) -> None:
    project, version = name.split("-")
    head = "\n".join(["Metadata-Version: 2.1", f"Name: {project}", f"Version: {version}", *lines, ""])
    with zipfile.ZipFile(folder / f"{name}-{tag}.whl", "w") as archive:
        archive.writestr(f"{name}.dist-info/METADATA", head)


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """Of town, which needs roads everywhere, colour on Windows, old below Python 3.12, and pens for its extra."""
    needs = [
        "roads>=2", 'colour; sys_platform == "win32"', 'old; python_version < "3.12"', 'pens; extra == "draw"',
    ]  # fmt: skip
    _wheel(tmp_path, "town-1.0", "py3-none-any", *(f"Requires-Dist: {need}" for need in needs))
    _wheel(tmp_path, "roads-1.9", "py3-none-any")
    _wheel(tmp_path, "roads-2.0", "cp312-cp312-win_amd64")
    _wheel(tmp_path, "roads-2.1", "cp311-abi3-manylinux_2_27_x86_64.manylinux_2_28_x86_64")
    return tmp_path


def _missing(folder: Path, asked: str, target: object) -> set[str]:
    return {f"{each.name} for {by}" for each, by in wheelhouse.missing(wheelhouse.wheels_in(folder), asked, target)}


def test_conditions_hold_for_the_system_that_is_asked_for(wheels: Path) -> None:
    assert _missing(wheels, "town==1.0", LINUX) == set()
    assert _missing(wheels, "town==1.0", WINDOWS) == {"colour for town"}
    assert _missing(wheels, "town[draw]==1.0", LINUX) == {"pens for town"}
    # Python 3.11 has a wheel of roads on Linux (abi3) and none on Windows.
    assert _missing(wheels, "town==1.0", wheelhouse.Target("linux", "3.11")) == {"old for town"}
    assert _missing(wheels, "town", wheelhouse.Target("windows", "3.11")) == {
        "old for town", "colour for town", "roads for town",
    }  # fmt: skip


def test_what_is_required_further_down_is_followed_and_versions_count(wheels: Path) -> None:
    _wheel(wheels, "colour-0.4", "py2.py3-none-any", "Requires-Dist: paint[oil]")
    _wheel(wheels, "paint-1.0", "py3-none-any", 'Requires-Dist: brush>=3; extra == "oil"', "Requires-Python: >=3.12")
    _wheel(wheels, "brush-2.9", "py3-none-any", "Requires-Dist: town")
    assert _missing(wheels, "town", WINDOWS) == {"brush for paint"}
    _wheel(wheels, "brush-3.0", "py3-none-any", "Requires-Dist: town")  # and round again
    assert _missing(wheels, "town", WINDOWS) == set()
    assert _missing(wheels, "town", wheelhouse.Target("windows", "3.11")) >= {"paint for colour"}


def test_what_pip_leaves_out_is_fetched_or_named(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked on Linux, pip brings nothing that only Windows needs."""
    monkeypatch.setattr(wheelhouse, "EXTRAS", ())
    asked_for: list[list[str]] = []

    def build(command: list[str], **_: object) -> None:
        _wheel(Path(command[-1]), "siting-9.0", "py3-none-any", 'Requires-Dist: colour>=0.4; sys_platform == "win32"')

    def download(wanted: list[str], target: object, folder: Path) -> None:
        asked_for.append(wanted)
        if wanted == ["colour>=0.4"] and can:
            _wheel(folder, "colour-0.4", "py3-none-any")

    monkeypatch.setattr(wheelhouse.subprocess, "run", build)
    monkeypatch.setattr(wheelhouse, "download", download)
    can = False
    with pytest.raises(SystemExit, match=r"^windows, Python 3\.12: no wheel of colour>=0\.4, which siting requires$"):
        wheelhouse.collect(wheels, [LINUX, WINDOWS])
    can, asked_for = True, []
    assert wheelhouse.collect(wheels, [LINUX, WINDOWS]) == "siting[]==9.0"
    assert asked_for[-1] == ["colour>=0.4"]


def test_the_start_scripts_are_of_their_systems(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    wheelhouse.write_papers(tmp_path, "siting==9.0")
    batch = (tmp_path / "start.bat").read_bytes()
    assert batch.isascii()  # read alike in each code page
    assert batch.count(b"\r\n") == batch.count(b"\n") > 5
    assert (tmp_path / "README.txt").read_bytes().startswith("\ufeffsiting：不联网安装\r\n".encode())
    assert (tmp_path / "start.sh").stat().st_mode & 0o111
    assert b"\r" not in (tmp_path / "start.sh").read_bytes()
    seals = (tmp_path / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    assert {line.split(maxsplit=1)[1] for line in seals} == {
        "README.txt", "no-python.txt", "requirements.txt", "start.bat", "start.py", "start.sh",
    }  # fmt: skip


@pytest.mark.slow
def test_a_machine_without_a_python_that_fits_is_told_in_both_languages(tmp_path: Path) -> None:
    """Here no wheel is there at all, so that no Python fits."""
    (tmp_path / "wheels").mkdir()
    wheelhouse.write_papers(tmp_path, "siting==9.0")
    command = ["sh", str(tmp_path / "start.sh")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 1
    assert "没有找到可用的 Python" in done.stderr
    assert "No Python fits" in done.stderr


@pytest.mark.slow
def test_a_damaged_copy_is_named_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "town-1.0-py3-none-any.whl").write_bytes(b"whole")
    wheelhouse.write_papers(tmp_path, "siting==9.0")
    (tmp_path / "wheels" / "town-1.0-py3-none-any.whl").write_bytes(b"torn")
    command = [sys.executable, str(tmp_path / "start.py"), str(tmp_path / "home")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 1
    assert "wheels/town-1.0-py3-none-any.whl" in done.stderr
    assert not (tmp_path / "home" / "env").exists()


@pytest.mark.slow
def test_the_demo_runs_from_the_folder_without_a_network(tmp_path: Path) -> None:
    """In an empty environment, with the index switched off and a proxy that leads nowhere."""
    if not (wheelhouse.FOLDER / "SHA256SUMS").is_file():
        pytest.skip("there is no dist/wheelhouse; make wheelhouse fetches it, about 1.5 GB")
    told = wheelhouse.try_folder(wheelhouse.FOLDER, tmp_path / "到处")
    page = tmp_path / "到处" / "demo" / "report.html"
    assert f"报告：{page}" in told
    assert f"browser: {page}" in told
    assert page.stat().st_size > 100_000
