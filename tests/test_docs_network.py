"""The page on networks: every example runs as printed, with the results that are printed."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "network.md"
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS

QUARTER = """<?xml version="1.0" encoding="UTF-8"?>
<osm version="0.6">
  <node id="1" version="1" lat="22.5400" lon="113.9990"/>
  <node id="2" version="1" lat="22.5400" lon="114.0000"/>
  <node id="3" version="1" lat="22.5400" lon="114.0010"/>
  <node id="4" version="1" lat="22.5410" lon="114.0000"/>
  <way id="10" version="1"><nd ref="1"/><nd ref="2"/><nd ref="3"/><tag k="highway" v="residential"/></way>
  <way id="20" version="1"><nd ref="2"/><nd ref="4"/><tag k="highway" v="footway"/></way>
</osm>
"""


def blocks(language: str) -> list[str]:
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def is_osm(block: str) -> bool:
    return "from_osm" in block


def run(examples: list[str], scope: dict[str, object]) -> None:
    # A blank line between blocks ends what the last example is to print.
    test = doctest.DocTestParser().get_doctest("\n".join(examples), scope, PAGE.name, str(PAGE), 0)
    assert test.examples
    said: list[str] = []
    failed, _ = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append)
    assert not failed, "".join(said)


@pytest.mark.slow
def test_the_examples_print_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run([block for block in blocks("pycon") if not is_osm(block)], {})


@pytest.mark.slow
def test_the_examples_of_openstreetmap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("osmium", reason="NOT TESTED on extracts of OpenStreetMap: pip install siting[osm]")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quarter.osm").write_text(QUARTER, encoding="utf-8")
    (block,) = filter(is_osm, blocks("pycon"))
    run([block], {"st": __import__("siting")})


@pytest.mark.slow
def test_the_script_with_worker_processes(tmp_path: Path) -> None:
    (script,) = blocks("python")
    (tmp_path / "script.py").write_text(script, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "script.py"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    assert done.returncode == 0, done.stderr
    told = [(int(metres), float(share)) for metres, share in re.findall(r"(\d+) m: ([\d.]+)%", done.stdout)]
    assert [metres for metres, _ in told] == [300, 500, 800]
    shares = [share for _, share in told]
    assert 0 < shares[0] < shares[1] < shares[2] < 100
