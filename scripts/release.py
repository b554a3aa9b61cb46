"""Build a release and try it: wheel and sdist into dist/, the wheel alone in an empty environment, the demo from it.

What is published must agree with itself first: the version of the package, of the changelog and of the citation.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILES = ("coverage.html", "report.html", "results.gpkg", "tables")


def version_of(code: str) -> str:
    """Return the version that the package states of itself."""
    found = re.search(r'^__version__ = "(\d+\.\d+\.\d+)"$', code, re.MULTILINE)
    if found is None:
        raise SystemExit("src/siting/__init__.py states no version such as 0.2.0")
    return found[1]


def disagreements(version: str, changelog: str, citation: str) -> Iterator[str]:
    """Yield what in the changelog and the citation is not of this version."""
    dated = re.search(rf"^## \[{re.escape(version)}\] - (\d{{4}}-\d{{2}}-\d{{2}})$", changelog, re.MULTILINE)
    if dated is None:
        yield f'CHANGELOG.md has no heading "## [{version}] - YYYY-MM-DD"'
    open_part = re.search(r"^## \[Unreleased\]\n(.*?)(?=^## \[|\Z)", changelog, re.MULTILINE | re.DOTALL)
    if open_part is None:
        yield 'CHANGELOG.md has no heading "## [Unreleased]" for what comes next'
    elif open_part[1].strip():
        yield f'CHANGELOG.md still lists changes under "Unreleased"; move them under {version}'
    if f"\nversion: {version}\n" not in citation:
        yield f"CITATION.cff is not of version {version}"
    if dated and f"\ndate-released: {dated[1]}\n" not in citation:
        yield f"CITATION.cff does not state date-released: {dated[1]}, the date in CHANGELOG.md"


def build(folder: Path) -> Path:
    """Build wheel and sdist into *folder*; return the wheel."""
    shutil.rmtree(folder, ignore_errors=True)
    for target in ("sdist", "wheel"):
        command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
        subprocess.run(command, cwd=ROOT, check=True)
    return next(folder.glob("*.whl"))


def try_wheel(wheel: Path, version: str) -> None:
    """Install *wheel* in an empty environment and run the demo from it, away from the checkout."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = folder / "env" / "bin" / "python"
        if uv := shutil.which("uv"):
            subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder / "env")], check=True)
            install = [uv, "pip", "install", "--quiet", "--python", str(python)]
        else:
            venv.create(folder / "env", with_pip=True)
            install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, str(wheel)], check=True)
        # Nothing of the checkout may help: not its code, not its sample.
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")} | {"PYTHONUTF8": "1"}

        def ask(*arguments: str) -> str:
            done = subprocess.run(
                [*arguments], cwd=folder, env=clean, check=True, stdout=subprocess.PIPE, encoding="utf-8"
            )
            return done.stdout.strip()

        where = ask(str(python), "-c", "import siting; print(siting.__version__, siting.__file__)")
        if not where.startswith(f"{version} {folder}"):
            raise SystemExit(f"the environment runs {where}, not the wheel of {version}")
        ask(str(folder / "env" / "bin" / "siting"), "demo", "--out", str(folder / "results"))
        missing = [file for file in FILES if not (folder / "results" / file).exists()]
        if missing:
            raise SystemExit(f"the demo left out {', '.join(missing)}")


def main() -> None:
    """Check, build, try; say what is ready."""
    version = version_of((ROOT / "src" / "siting" / "__init__.py").read_text(encoding="utf-8"))
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("CHANGELOG.md", "CITATION.cff")]
    if faults := list(disagreements(version, *texts)):
        raise SystemExit("\n".join(faults))
    wheel = build(ROOT / "dist")
    if not any(name.endswith("siting/_sample/sample.gpkg") for name in zipfile.ZipFile(wheel).namelist()):
        raise SystemExit(f"{wheel.name} lacks the sample")
    try_wheel(wheel, version)
    built = ", ".join(sorted(path.name for path in (ROOT / "dist").iterdir()))
    sys.stdout.write(f"siting {version} is ready in dist/: {built}\n")


if __name__ == "__main__":
    main()
