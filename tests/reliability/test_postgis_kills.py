"""Writers to PostGIS that are ended at random moments."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

psycopg = pytest.importorskip("psycopg", reason="NOT CHECKED against PostGIS: psycopg is not there")

ROWS = 2_000
#: Imports once, then for each line of its input lets a child write until it is killed, after so many times of a write.
WRITER = """
import os, signal, sys, time
import geopandas as gpd, numpy as np, pandas as pd
from siting.data import write_postgis
from siting.errors import LayerError

address, schema, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
places = gpd.points_from_xy(500_000.0 + np.arange(rows), np.full(rows, 3_210_000.0))
frame = gpd.GeoDataFrame({"version": 0}, index=pd.Index(map(str, range(rows)), name="id"), geometry=places, crs=4549)
write_postgis(frame, address, "old", schema=schema)
began = time.perf_counter()
write_postgis(frame, address, "old", schema=schema, if_exists="replace")
took = time.perf_counter() - began
print("ready", flush=True)
version = 1
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        while True:
            try:
                # The second has other columns, so that the table is made anew; the third is a new table.
                write_postgis(frame.assign(version=version), address, "old", schema=schema, if_exists="replace")
                more = frame.assign(version=version + 1, more=1)
                write_postgis(more, address, "old", schema=schema, if_exists="replace")
                write_postgis(frame, address, f"new {version}", schema=schema)
            except LayerError as fault:
                assert "connection to the server was lost" in str(fault) or "no server answers" in str(fault), fault
            version += 2
    time.sleep(took * float(line))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    version += 100_000
    print("killed", flush=True)
"""


@pytest.fixture
def writer(database: str) -> Iterator[subprocess.Popen[str]]:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA killed")
    command = [sys.executable, "-c", WRITER, database, "killed", str(ROWS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"
        yield run
        run.kill()
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP SCHEMA killed CASCADE")


def _let_go(connection: Any) -> bool:
    """Whether the server has noticed that the writer is gone."""
    for _ in range(500):
        asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'siting'"
        if connection.execute(asked).fetchone() == (0,):
            return True
        time.sleep(0.01)
    return False


def _state(connection: Any) -> tuple[int, int]:
    """Count tables that are not whole, and what should not be there."""
    tables = [name for (name,) in connection.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND "
              "relnamespace = 'killed'::regnamespace")]  # fmt: skip
    broken = 0
    for name in tables:
        counts = f'SELECT count(*), count(DISTINCT version), count(DISTINCT id) FROM killed."{name}"'
        broken += connection.execute(counts).fetchone() != (ROWS, 1, ROWS)
    litter = [name for name in tables if name != "old" and not name.startswith("new ")]
    return broken, len(litter) + ("old" not in tables)


@pytest.mark.parametrize("how", ["kill -9", "a cut connection"])
def test_a_write_that_is_ended_leaves_the_old_table_or_the_new(
    database: str, writer: subprocess.Popen[str], how: str,
    tries: Callable[[int, int], int], record: Callable[..., None],
) -> None:  # fmt: skip
    """A write to PostGIS that is ended at a random moment leaves the old table whole, or the new one, and no other."""
    assert writer.stdin is not None
    assert writer.stdout is not None
    chance, number = random.Random(14), tries(10, 200)
    broken = litter = held = written = 0
    before, longest = [(0,)], 5.0  # in times of a write, as it was measured; a machine that has become busy needs more
    with psycopg.connect(database, autocommit=True) as connection:
        for _ in range(number):
            writer.stdin.write(f"{chance.uniform(0.0, longest):.4f}\n")
            writer.stdin.flush()
            if how == "a cut connection":
                time.sleep(chance.uniform(0.0, 0.06 * longest))
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'siting'"
                )
            assert writer.stdout.readline() == "killed\n"
            held += not _let_go(connection)
            one, other = _state(connection)
            broken, litter = broken + one, litter + other
            now = connection.execute("SELECT DISTINCT version FROM killed.old").fetchall()
            longest = max(2.0, longest * (1.5 if now == before else 1 / 1.5))
            written, before = written + (now != before), now
            connection.execute("DO $$ DECLARE t text; BEGIN FOR t IN SELECT relname FROM pg_class WHERE relkind = 'r' "
                               "AND relnamespace = 'killed'::regnamespace AND relname LIKE 'new %' "
                               "LOOP EXECUTE format('DROP TABLE killed.%I', t); END LOOP; END $$")  # fmt: skip
    record(number, told=f"{written} after a new table", broken=broken, litter=litter, held=held)
    assert (broken, litter, held) == (0, 0, 0)
    assert 0 < written < number  # some were ended before they had written
