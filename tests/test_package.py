"""The wheel holds all that the package needs, and nothing else; it works away from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_code_words_standards_and_sample(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    needed = {
        "siting/py.typed", "siting/labels.toml", "siting/data/roles.toml", "siting/judge/profiles/jinhua.toml",
        "siting/show/assets/map.js", "siting/show/assets/map.css", "siting/show/templates/report.html.j2",
        "siting/_sample/sample.gpkg", "siting/_sample/study.toml", "siting/_sample/LICENSE-ODbL.txt",
        "siting/_sample/README.md",
    }  # fmt: skip
    assert needed <= names
    assert not {name for name in names if "test" in name or name.endswith((".pyc", ".aux.xml"))}


@pytest.mark.slow
def test_the_sample_is_found_when_installed_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = (
        "import siting, pathlib; print(siting.__file__); layers = siting.load_sample(); "
        "print(siting.data.sample_path('study.toml')); print(sorted(layers))"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    where, study, layers = done.stdout.splitlines()
    assert where.startswith(str(tmp_path))
    assert study.startswith(str(tmp_path))
    assert layers == str(["candidates", "childcare", "communities", "districts", "eldercare", "streets"])


def test_the_version_is_one() -> None:
    import siting

    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{siting.__version__}"' in text
    assert siting.__version__ in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert siting.__version__ in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_no_path_of_a_machine_is_committed() -> None:
    """Checked over what git tracks; a checkout without git has nothing to check."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("no git checkout: what is committed cannot be listed")
    homes = tuple(f"/{top}/" for top in ("root", "home", "work"))
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".sh", ".ipynb", ".js", ".css", ".j2", ".cff"} and path.exists():
            text = path.read_text(encoding="utf-8")
            assert not any(home in text for home in homes if name != "tests/test_package.py"), name
