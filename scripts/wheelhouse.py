"""Collect the wheels of siting and of all it needs into dist/wheelhouse, for machines without a network.

    python scripts/wheelhouse.py [--system windows linux] [--python 3.11 3.12 3.13]

The folder installs itself by its start scripts. pip reads the conditions of requirements, such as those for Windows
alone, as of the machine that it runs on; so each requirement is followed here for each system and Python, what pip left
out is fetched, and the folder is refused when a wheel is missing then.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PathDistribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import NormalizedName, canonicalize_name, parse_wheel_filename
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "dist" / "wheelhouse"
#: What goes into the folder beside the wheels.
PAPERS = ROOT / "scripts" / "wheelhouse"
#: What planners may need later: OSM extracts, Word and Excel, databases, cells, old workbooks.
EXTRAS = ("osm", "report", "postgis", "duckdb", "h3", "xls")
PYTHONS = ("3.11", "3.12", "3.13")
#: Platforms of wheels, and what conditions of requirements see there.
SYSTEMS = {
    "windows": (("win_amd64",), {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt",
                                 "platform_machine": "AMD64"}),
    "linux": (
        (*(f"manylinux_2_{minor}_x86_64" for minor in range(28, 16, -1)), "manylinux2014_x86_64"),
        {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"},
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Target:
    """A system and a Python that the folder is for."""

    system: str
    python: str

    def __str__(self) -> str:
        return f"{self.system}, Python {self.python}"

    @cached_property
    def tags(self) -> frozenset[Tag]:
        """The tags of wheels that can be installed there."""
        major, minor = map(int, self.python.split("."))
        platforms, abi = list(SYSTEMS[self.system][0]), f"cp{major}{minor}"
        own = cpython_tags((major, minor), [abi], platforms)
        return frozenset([*own, *compatible_tags((major, minor), abi, platforms)])

    @property
    def environment(self) -> dict[str, str]:
        """What conditions of requirements see."""
        python = {"python_version": self.python, "python_full_version": f"{self.python}.99"}
        return {**SYSTEMS[self.system][1], **python, "implementation_name": "cpython",
                "platform_python_implementation": "CPython"}  # fmt: skip


class Wheel:
    """What a wheel says of itself."""

    def __init__(self, file: Path) -> None:
        self.name, self.version, _, self.tags = parse_wheel_filename(file.name)
        with zipfile.ZipFile(file) as archive:
            head = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            told = PathDistribution(zipfile.Path(archive, head.removesuffix("METADATA")))
            self.requires = [Requirement(line) for line in told.requires or ()]
            self.pythons = SpecifierSet(told.metadata.get("Requires-Python") or "")

    def serves(self, requirement: Requirement, target: Target) -> bool:
        """Whether it is what is required, and can be installed there."""
        return (
            self.name == canonicalize_name(requirement.name)
            and not self.tags.isdisjoint(target.tags)
            and requirement.specifier.contains(self.version, prereleases=True)
            and self.pythons.contains(Version(f"{target.python}.99"))
        )


def missing(wheels: Sequence[Wheel], asked: str, target: Target) -> Iterator[tuple[Requirement, str]]:
    """Follow the requirement *asked* through the wheels; yield each without a wheel, and who requires it."""
    seen: set[tuple[NormalizedName, frozenset[str]]] = set()
    open_ = [(Requirement(asked), "the folder")]
    while open_:
        requirement, by = open_.pop()
        wheel = max((w for w in wheels if w.serves(requirement, target)), key=lambda w: w.version, default=None)
        if wheel is None:
            yield requirement, by
            continue
        key = (wheel.name, frozenset(requirement.extras))
        if key in seen:
            continue
        seen.add(key)
        for needed in wheel.requires:
            surroundings = ({**target.environment, "extra": extra} for extra in ("", *requirement.extras))
            if needed.marker is None or any(needed.marker.evaluate(each) for each in surroundings):
                open_.append((needed, wheel.name))


def wheels_in(folder: Path) -> list[Wheel]:
    """Read the wheels of a folder."""
    return [Wheel(file) for file in sorted(folder.glob("*.whl"))]


def download(wanted: Sequence[str], target: Target, folder: Path) -> None:
    """Fetch what is wanted for a target, with what it requires; SystemExit with pip's words when there is none."""
    if importlib.util.find_spec("pip") is None:  # an environment of uv
        subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
    platforms = [part for platform in SYSTEMS[target.system][0] for part in ("--platform", platform)]
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:", "--dest", str(folder),
        "--find-links", str(folder), "--implementation", "cp", "--python-version", target.python, *platforms,
    ]  # fmt: skip
    done = subprocess.run([*command, *wanted], stderr=subprocess.PIPE, encoding="utf-8", errors="replace", check=False)
    if done.returncode:
        raise SystemExit(f"{target}: no wheels of {', '.join(wanted)}\n{done.stderr.strip()}")


def collect(folder: Path, targets: Sequence[Target]) -> str:
    """Build our wheel and fetch all that it requires; return the requirement that installs it."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True)
    ours = next(folder.glob("siting-*.whl"))
    extras = f"[{','.join(EXTRAS)}]"
    asked = f"siting{extras}=={Wheel(ours).version}"
    for target in targets:
        wanted, before = [f"{ours}{extras}"], []
        while wanted and wanted != before:
            download(wanted, target, folder)
            lacking = [requirement for requirement, _ in missing(wheels_in(folder), asked, target)]
            wanted, before = sorted({f"{each.name}{each.specifier}" for each in lacking}), wanted
    wheels = wheels_in(folder)
    faults = [
        f"{target}: no wheel of {str(requirement).partition(';')[0]}, which {by} requires"
        for target in targets
        for requirement, by in missing(wheels, asked, target)
    ]
    if faults:
        raise SystemExit("\n".join(faults))
    return asked


def write_papers(folder: Path, asked: str) -> None:
    """Write the start scripts, what to read, the requirement and the checksums of all files."""
    for paper in sorted(PAPERS.iterdir()):
        text = paper.read_text(encoding="utf-8")
        old_windows = paper.suffix in (".bat", ".txt")
        # Notepad knows UTF-8 by its mark; a terminal would print it.
        encoding = "utf-8-sig" if paper.name == "README.txt" else "utf-8"
        (folder / paper.name).write_text(text, encoding=encoding, newline="\r\n" if old_windows else "\n")
    (folder / "start.sh").chmod(0o755)
    (folder / "requirements.txt").write_text(f"{asked}\n", encoding="utf-8", newline="\n")
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != "SHA256SUMS")
    lines = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(folder).as_posix()}" for file in files
    ]
    (folder / "SHA256SUMS").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def try_folder(folder: Path, home: Path, *, python: Path | None = None) -> str:
    """Install from *folder* into *home* without any index, and run the demo; return what is printed."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PIP_"))}
    nowhere = dict.fromkeys(
        ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9"
    )
    surroundings = clean | nowhere | {"PIP_NO_INDEX": "1"}
    start = ["sh", str(folder / "start.sh")] if python is None else [str(python), str(folder / "start.py")]
    done = subprocess.run(
        [*start, str(home)], env=surroundings, cwd=folder, check=True, stdout=subprocess.PIPE, encoding="utf-8"
    )  # fmt: skip
    return done.stdout


def main() -> None:
    """Collect, check, write; say what lies where."""
    asked_for = argparse.ArgumentParser(description="Collect all wheels for machines without a network.")
    asked_for.add_argument("--system", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    asked_for.add_argument("--python", nargs="+", choices=PYTHONS, default=list(PYTHONS))
    chosen = asked_for.parse_args()
    shutil.rmtree(FOLDER, ignore_errors=True)
    wheels = FOLDER / "wheels"
    wheels.mkdir(parents=True)
    asked = collect(wheels, [Target(system, python) for system in chosen.system for python in chosen.python])
    write_papers(FOLDER, asked)
    files = list(wheels.iterdir())
    size = sum(file.stat().st_size for file in files) / 1e6
    sys.stdout.write(f"{asked}: {len(files)} wheels, {size:,.0f} MB, in {FOLDER.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
