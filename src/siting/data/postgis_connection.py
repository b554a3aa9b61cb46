"""Connections to PostGIS: one transaction with limits of time, and errors in words that hold no password."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from siting.data.extras import extra
from siting.errors import LayerError, SitingError

#: Seconds to wait for a server, at most for a table that another session has locked, and for a statement.
ANSWER, LOCK, STATEMENT = 10, 10.0, 600.0
# What the libraries would otherwise wait for without end when a cable is pulled: seconds, and milliseconds.
_ALIVE = {"keepalives_idle": 30, "tcp_user_timeout": 60_000}
_URL = re.compile(r"(?:postgres|postgresql)(?:\+\w+)?://(?:[^@/?]*@)?[^@/?]*(?:/[^@?]*)?(?:\?.*)?")
_NOT_READ = (
    'is not understood as an address of a database; write "postgresql://user@host/database", with the characters '
    '@ : / ? # % of a password as %40 %3A %2F %3F %23 %25, "service=name" for an entry of ~/.pg_service.conf, '
    'or "${NAME}" for an environment variable that holds the address'
)
#: What a server answers, by its code, and the remedy. {who} is the user, {what} the server's own words.
_ANSWERS = {
    "42501": '{what}; user "{who}" lacks the right, ask the owner of the table or schema to grant it',
    "25006": "{what}; the server or the connection is read-only, write to another",
    "55P03": "is locked by another session; try again when it has ended, or end it (pg_stat_activity shows it)",
    "57014": "took longer than time_limit={time_limit:g} seconds and was stopped; give a longer time_limit=",
    "40P01": "two sessions waited for each other, and this one was stopped; try again",
    "40001": "another session changed the same rows; try again",
    "53100": "the disk of the server is full ({what}); nothing was written",
    "53200": "the server has no memory left ({what}); read less at once with query=",
    "23505": "{what}: {detail}",
    "23503": "{what}: {detail}",
    "2BP01": "{what}: {detail}; drop what depends on the table first, or write another table",
    "42P07": "another session has just made it ({what}); try again",
    "22P05": "the encoding of the database does not hold a character ({what}); it needs a database in UTF8",
    "42601": "the query cannot be run: {what}; query= takes one SELECT",
    "3F000": "{what}; make the schema first (CREATE SCHEMA), or give another",
    "25P02": "the transaction of the connection has failed before; roll it back first",
}
_LOST = (
    "the connection to the server was lost ({what}); a table that was being written is whole, the old one or the new; "
    "look at it, and try again"
)


class Database(NamedTuple):
    """A cursor in a transaction, and the names of database, user and the schema of PostGIS."""

    cursor: Any
    name: str
    user: str
    home: str


@contextlib.contextmanager
def transaction(given: Any, name: str, *, time_limit: float | None, settings: Mapping[str, str]) -> Iterator[Database]:
    """Yield a database in one transaction (a savepoint, in one that is open); all errors are `LayerError`."""
    psycopg = _psycopg()
    seconds = STATEMENT if time_limit is None else time_limit
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        raise SitingError(f"time_limit={time_limit!r}; give seconds above 0, or math.inf")
    with _opened(given, name) as connection:
        if not isinstance(connection, psycopg.Connection):
            kind = type(connection).__name__
            raise LayerError(
                name,
                f"the connection is a {kind}; give an address, a connection of psycopg 3, or an "
                'engine or connection of SQLAlchemy made with "postgresql+psycopg://"',
            )
        user = connection.info.user
        try:
            with (
                connection.transaction(),
                connection.cursor(row_factory=psycopg.rows.tuple_row) as cursor,
                _set(cursor, {**_limits(seconds), **settings}),
            ):
                yield Database(cursor, connection.info.dbname, user, _home(cursor, connection.info.dbname, name))
        except psycopg.Error as fault:
            raise LayerError(name, _in_words(fault, connection, user, seconds)) from fault


def _limits(seconds: float) -> dict[str, str]:
    # Milliseconds; the server takes 0 for any, and three weeks at most.
    statement = 0 if seconds > 2_000_000 else max(1, round(1000 * seconds))
    return {"statement_timeout": f"{statement}", "lock_timeout": f"{max(1, round(1000 * min(LOCK, seconds / 2)))}"}


@contextlib.contextmanager
def _set(cursor: Any, settings: Mapping[str, str]) -> Iterator[None]:
    """Set options of the session for the block; a transaction that goes on gets its own back."""
    before = {}
    for key, value in settings.items():
        before[key] = cursor.execute("SELECT current_setting(%s)", [key]).fetchone()[0]
        cursor.execute("SELECT set_config(%s, %s, true)", [key, value])
    yield
    for key, value in before.items():
        if key != "transaction_read_only":  # ends with the savepoint, and cannot be taken back before
            cursor.execute("SELECT set_config(%s, %s, true)", [key, value])


def _home(cursor: Any, database: str, name: str) -> str:
    found = cursor.execute(
        "SELECT nspname FROM pg_catalog.pg_extension JOIN pg_catalog.pg_namespace n ON n.oid = extnamespace "
        "WHERE extname = 'postgis'"
    ).fetchone()
    if found is None:
        remedy = "its administrator adds it with CREATE EXTENSION postgis"
        raise LayerError(name, f'the database "{database}" has no PostGIS; {remedy}')
    return str(found[0])


def _psycopg() -> Any:
    return extra("psycopg", "postgis", "PostGIS")


@contextlib.contextmanager
def _opened(given: Any, name: str) -> Iterator[Any]:
    """Yield the connection of psycopg behind an address, an engine or a connection."""
    if isinstance(given, str):
        with contextlib.closing(_connect(given, name)) as connection:
            yield connection
    elif hasattr(given, "raw_connection"):  # an engine of SQLAlchemy
        try:
            borrowed = given.raw_connection()
        except Exception as fault:
            cause = getattr(fault, "orig", None)
            if cause is None:
                raise
            raise LayerError(name, _no_connection(str(cause), {})) from fault
        with contextlib.closing(borrowed):
            yield borrowed.driver_connection
    elif hasattr(given, "in_transaction"):  # a connection of SQLAlchemy
        inner = given.connection.driver_connection
        if given.in_transaction() and isinstance(inner, _psycopg().Connection):
            inner.execute("SELECT 1")  # it begins with the first statement only; what is done here belongs to it
        yield inner
    else:
        yield given


def expand(address: str, name: str) -> str:
    """Put the values of environment variables in the place of ``${NAME}``."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in os.environ:
            raise LayerError(name, f'the environment variable "{found[1]}" is not set; it stands in the address')
        return os.environ[found[1]]

    return re.sub(r"\$\{(\w+)\}", value, address)


def has_password(address: str) -> bool:
    """Whether an address holds a password in plain text."""
    typed = re.search(r"//[^/@]*:([^/@]+)@", address) or re.search(r"\bpassword\s*=\s*([^\s&]+)", address)
    return typed is not None and not re.fullmatch(r"\$\{\w+\}", typed[1])


def _connect(address: str, name: str) -> Any:
    psycopg = _psycopg()
    text = expand(address, name).strip()
    if "://" in text and not _URL.fullmatch(text):
        raise LayerError(name, _NOT_READ)
    try:
        parts = psycopg.conninfo.conninfo_to_dict(re.sub(r"^(postgres|postgresql)\+\w+://", "postgresql://", text))
    except psycopg.Error:
        raise LayerError(name, _NOT_READ) from None  # its message repeats what was written, with the password
    if "service" not in parts and "PGCONNECT_TIMEOUT" not in os.environ:
        parts = {"connect_timeout": ANSWER, **parts}
    options = {"application_name": "siting", **_ALIVE, **parts, "client_encoding": "UTF8"}
    try:
        return psycopg.connect(**options)
    except psycopg.Error as fault:
        raise LayerError(name, _no_connection(str(fault), parts)) from fault


def _no_connection(text: str, parts: Mapping[str, Any]) -> str:
    """Say why there is no connection, by the words of the client library and the server."""
    line = " ".join(text.split())
    where = f"{parts.get('host', 'localhost')}:{parts.get('port') or 5432}"
    if "definition of service" in line:
        return f'the service "{parts.get("service")}" stands in no service file (~/.pg_service.conf or PGSERVICEFILE)'
    if re.search(r"password authentication failed|no password supplied", line):
        who = f' of user "{parts["user"]}"' if "user" in parts else ""
        remedy = "give it in ~/.pgpass, in PGPASSWORD, or in an address that an environment variable holds"
        return f"the server does not accept the password{who}, or got none; {remedy}"
    if "does not exist" in line:
        found = re.search(r'(database|role) "[^"]*" does not exist', line)
        return f"{found[0] if found else line}; correct the address"
    if re.search(r"refused|timeout|timed out|resolve|translate host|No route|Is the server running", line):
        return f"no server answers at {where}; is the address right, does the server run, and does a firewall allow it?"
    if "pg_hba.conf" in line:
        return f"the server admits no such connection ({line}); its administrator allows it in pg_hba.conf"
    return f"no connection to {where}: {line}"


def _in_words(fault: Any, connection: Any, user: str, seconds: float) -> str:
    code, what = fault.sqlstate, (fault.diag.message_primary or " ".join(str(fault).split()))
    if connection.broken or code in ("57P01", "57P02", "57P03") or (code or "").startswith("08"):
        return _LOST.format(what=what)
    words = _ANSWERS.get(code or "", "the server answers: {what}")
    detail = fault.diag.message_detail or ""
    return words.format(what=what, who=user, detail=" ".join(detail.split()).rstrip("."), time_limit=seconds)
