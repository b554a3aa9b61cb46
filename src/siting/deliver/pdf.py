"""The text as PDF, by a program of the machine: LibreOffice, else a browser that prints the pages of the report."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from siting.messages import Message

__all__ = ["browser", "office", "print_page", "turn_document"]

#: Names of the programs, and where they lie on Windows and macOS when no path leads to them.
OFFICE, BROWSERS = (
    ("soffice", "libreoffice"),
    ("msedge", "microsoft-edge", "google-chrome", "chromium", "chromium-browser"),
)
FOLDERS = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
INSIDE = {
    "office": ("LibreOffice/program/soffice.com",),
    "browser": ("Microsoft/Edge/Application/msedge.exe", "Google/Chrome/Application/chrome.exe"),
}
APPS = {
    "office": ("LibreOffice.app/Contents/MacOS/soffice",),
    "browser": ("Google Chrome.app/Contents/MacOS/Google Chrome", "Microsoft Edge.app/Contents/MacOS/Microsoft Edge"),
}
#: Seconds that a program may take.
PATIENCE = 300.0


def office() -> str | None:
    """Return the path of LibreOffice, None where it is not."""
    return _found("office", OFFICE)


def browser() -> str | None:
    """Return the path of Edge, Chrome or Chromium, None where there is none."""
    return _found("browser", BROWSERS)


def turn_document(program: str, document: Path, target: Path) -> Message | None:
    """Turn a Word document into the PDF *target* by LibreOffice; return why it failed."""
    with tempfile.TemporaryDirectory() as room:
        # A profile of its own: one that is open serves no second process.
        profile = f"-env:UserInstallation={Path(room, 'profile').as_uri()}"
        command = [program, profile, "--headless", "--convert-to", "pdf", "--outdir", room, str(document)]
        return _run(command, program, Path(room, f"{document.stem}.pdf"), target)


def print_page(program: str, page: Path, target: Path) -> Message | None:
    """Print a page of HTML into the PDF *target* by a browser; return why it failed."""
    with tempfile.TemporaryDirectory() as room:
        made = Path(room, "page.pdf")
        command = [
            program, "--headless", "--disable-gpu", f"--user-data-dir={Path(room, 'profile')}", *_as_root(),
            "--no-pdf-header-footer", f"--print-to-pdf={made}", page.as_uri(),
        ]  # fmt: skip
        return _run(command, program, made, target)


def _as_root() -> list[str]:
    return ["--no-sandbox"] if getattr(os, "geteuid", lambda: None)() == 0 else []


def _run(command: list[str], program: str, made: Path, target: Path) -> Message | None:
    name = Path(program).stem
    try:
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as fault:
        return Message("deliver.program_failed", program=name, why=str(fault))
    if not made.is_file():
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        return Message("deliver.program_failed", program=name, why="".join(last) or f"{done.returncode}")
    shutil.copyfile(made, target)
    return None


def _found(kind: str, names: tuple[str, ...]) -> str | None:
    on_path = (shutil.which(name) for name in names)
    return next((each for each in [*on_path, *_installed(kind)] if each), None)


def _installed(kind: str) -> Iterator[str]:
    if sys.platform == "win32":
        places = [Path(os.environ[key], inside) for key in FOLDERS if key in os.environ for inside in INSIDE[kind]]
    else:
        places = [Path("/Applications", inside) for inside in APPS[kind]] if sys.platform == "darwin" else []
    yield from (str(place) for place in places if place.is_file())
