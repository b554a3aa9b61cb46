"""The wheel holds all that the package needs, and nothing else; it works away from the checkout."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_spec = importlib.util.spec_from_file_location("release", ROOT / "scripts" / "release.py")
assert _spec is not None
assert _spec.loader is not None
release = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(release)


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
def test_the_wheel_runs_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """Unpacked as an installer does it: the package, its words, standards and sample are all there is."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}

    def ask(*arguments: str) -> str:
        command = [sys.executable, "-W", "error", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        ).stdout.strip()  # fmt: skip

    assert ask("-c", "import siting; print(siting.__file__)").startswith(str(tmp_path))
    sample = Path(ask("-c", "import siting; print(siting.data.sample_path('sample.gpkg'))"))
    assert tmp_path in sample.parents
    layers = ask("-c", "import siting; print(sorted(siting.load_sample()))")
    assert layers == str(["candidates", "childcare", "communities", "districts", "eldercare", "streets"])
    told = ask("-m", "siting", "check", str(sample), "--layer", "childcare", "--role", "childcare", "--lang", "en")
    assert "childcare" in told
    assert "jinhua" in ask("-m", "siting", "standards")


def test_the_version_is_one() -> None:
    """It stands in the package; pyproject.toml reads it there, changelog and citation are checked at each release."""
    import siting

    version = release.version_of((ROOT / "src" / "siting" / "__init__.py").read_text(encoding="utf-8"))
    assert version == siting.__version__
    assert 'dynamic = ["version"]' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\n## [{version}] - " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2027-01-05\n\n- A change.\n\n## [1.2.2] - 2026-12-01\n"
CITATION = "cff-version: 1.2.0\nversion: 1.2.3\ndate-released: 2027-01-05\nlicense: BSD-3-Clause\n"


@pytest.mark.parametrize(
    ("changelog", "citation", "word"),
    [
        (CHANGELOG.replace("] - 2027-01-05", "]"), CITATION, "YYYY-MM-DD"),
        (CHANGELOG.replace("[1.2.3]", "[1x2.3]"), CITATION, "[1.2.3]"),
        (CHANGELOG.replace("[Unreleased]\n", "[Unreleased]\n\n- Not moved.\n"), CITATION, "Unreleased"),
        (CHANGELOG.replace("## [Unreleased]\n", ""), CITATION, "Unreleased"),
        (CHANGELOG, CITATION.replace("\nversion: 1.2.3", "\nversion: 1.2.2"), "CITATION"),
        (CHANGELOG, CITATION.replace("2027-01-05", "2026-12-01"), "date-released"),
    ],
)
def test_a_release_whose_papers_disagree_is_refused(changelog: str, citation: str, word: str) -> None:
    assert list(release.disagreements("1.2.3", CHANGELOG, CITATION)) == []
    assert any(word in fault for fault in release.disagreements("1.2.3", changelog, citation))


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
