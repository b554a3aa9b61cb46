"""Reading tables of a DuckDB database, which may not open anything else."""

from __future__ import annotations

from typing import Any

from siting.data.arrow_tables import frame_of, table_of
from siting.data.extras import extra
from siting.data.read_parquet import MOST_ROWS
from siting.data.source import Source
from siting.data.tables import choose
from siting.errors import LayerError, SitingError
from siting.messages import Message

#: Nothing but the file itself: no other files, no network, no extensions, and no endless memory.
_CLOSED = {
    "enable_external_access": "false", "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
    "allow_community_extensions": "false", "memory_limit": "8GB", "lock_configuration": "true",
}  # fmt: skip
_TABLES = "SELECT schema_name, table_name FROM duckdb_tables() ORDER BY ALL"


def read_duckdb(source: Source) -> tuple[Any, str | None]:
    """Read a table of a database; views are not read, because they may be of other files."""
    duckdb = extra("duckdb", "duckdb", f'"{source.file.name}"')
    try:
        with duckdb.connect(str(source.file), read_only=True, config=_CLOSED) as database:
            listed = {
                table if schema == "main" else f"{schema}.{table}": f"{_quoted(schema)}.{_quoted(table)}"
                for schema, table in database.execute(_TABLES).fetchall()
            }
            layer = choose(list(listed), source.layer, source.role, source.name, "table")
            rows = database.execute(f"SELECT count(*) FROM {listed[layer]}").fetchall()[0][0]
            if rows > MOST_ROWS:
                raise LayerError(source.name, Message("reading.too_many_rows", rows=rows))
            table = table_of(database.sql(f"SELECT * FROM {listed[layer]}"), source.name)
    except SitingError:
        raise
    except (duckdb.Error, RuntimeError, ValueError, OSError) as fault:
        raise LayerError(source.name, Message("reading.as_duckdb", why=_first_line(fault))) from fault
    return frame_of(table, source.name), layer


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _first_line(fault: BaseException) -> str:
    return str(fault).strip().split("\n", 1)[0]
