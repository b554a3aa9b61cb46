"""Print the lowest version of each package that pyproject.toml allows, as constraints for pip or uv.

    python scripts/floor.py test > floor.txt

takes the packages that the library needs, and those of the extras that are named.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[(?P<extras>[^]]*)\])?(?P<limits>[^;]*)")


def floors(extras: list[str]) -> Iterator[str]:
    """Give each requirement at its floor; one that is pinned already stays."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"]]
    for extra in extras:
        asked += project["optional-dependencies"][extra]
    for line in asked:
        found = REQUIREMENT.fullmatch(line.replace(" ", ""))
        if found is None:
            raise SystemExit(f"{PROJECT.name}: {line!r} is not understood")
        if found["name"] == project["name"]:
            yield from floors([extra for extra in found["extras"].split(",") if extra not in extras])
            continue
        lowest = re.search(r"[>=]=([^,]+)", found["limits"])
        if lowest is None:
            raise SystemExit(f"{PROJECT.name}: {line!r} has no lowest version; write one with >=")
        yield f"{found['name']}=={lowest[1]}"


if __name__ == "__main__":
    sys.stdout.write("\n".join(sorted(set(floors(sys.argv[1:])))) + "\n")
