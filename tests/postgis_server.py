"""A PostGIS server of its own for tests, in a temporary folder: it ends with the process that started it.

Run as a script it starts the server, prints its port, and waits; when its input ends, also by a crash of whoever holds
the other end, it stops the server and removes the folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

#: The owner of the test's databases, who may do everything.
USER, PASSWORD = "siting", "p@ss:w/ord?"


def programs() -> Path | None:
    """The folder with initdb and postgres of the newest PostgreSQL that has PostGIS, None where there is none."""
    found = [
        folder
        for folder in Path("/usr/lib/postgresql").glob("*/bin")
        if (folder / "initdb").exists()
        and Path("/usr/share/postgresql", folder.parent.name, "extension", "postgis.control").exists()
    ]
    return max(found, key=lambda folder: int(folder.parent.name), default=None)


def _as_other() -> list[str]:
    """A prefix that runs a command as the user postgres, who PostgreSQL wants in the place of root."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def serve() -> None:
    """Start a server, print its port, and stop it when the input ends."""
    bin_folder = programs()
    assert bin_folder is not None
    for each in (signal.SIGINT, signal.SIGTERM):  # the end of the input is the one sign
        signal.signal(each, signal.SIG_IGN)
    folder = Path(tempfile.mkdtemp(prefix="siting-postgis-"))
    try:
        folder.chmod(0o711)
        secret, data = folder / "password", folder / "data"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        data.mkdir()
        if _as_other():
            shutil.chown(data, "postgres", "postgres")
        data.chmod(0o700)
        made = [f"{bin_folder}/initdb", "-D", str(data), "-U", USER, "-A", "scram-sha-256", f"--pwfile={secret}",
                "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]  # fmt: skip
        subprocess.run([*_as_other(), *made], check=True, stdout=subprocess.DEVNULL, cwd="/")
        _run(bin_folder, data, folder / "log")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(bin_folder: Path, data: Path, log: Path) -> None:
    for _ in range(5):  # another process may take the port first
        port = _free_port()
        options = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off",
                   "shared_buffers": "64MB", "max_connections": "40"}  # fmt: skip
        flags = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        with log.open("w") as out:
            server = subprocess.Popen(
                [*_as_other(), f"{bin_folder}/postgres", "-D", str(data), *flags],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/",
            )  # fmt: skip
        try:
            if _ready(server, data / "postmaster.pid"):
                sys.stdout.write(f"{port}\n")
                sys.stdout.flush()
                sys.stdin.read()
                return
        finally:
            server.send_signal(signal.SIGQUIT)  # at once: nothing is to be kept
            server.wait()
    sys.exit(f"the server did not start: {log.read_text()}")


def _ready(server: subprocess.Popen[bytes], state: Path) -> bool:
    """Wait until the server writes that it takes connections, or ends."""
    for _ in range(1200):
        if server.poll() is not None:
            return False
        if state.exists() and "ready" in state.read_text():
            return True
        time.sleep(0.05)
    return False


if __name__ == "__main__":
    serve()
