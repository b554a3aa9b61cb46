"""Connections to PostGIS: one transaction with limits of time, and errors in words that hold no password."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from siting.data.extras import extra
from siting.errors import LayerError, SitingError
from siting.messages import Message

#: Seconds to wait for a server, at most for a table that another session has locked, and for a statement.
ANSWER, LOCK, STATEMENT = 10, 10.0, 600.0
# What the libraries would otherwise wait for without end when a cable is pulled: seconds, and milliseconds.
_ALIVE = {"keepalives_idle": 30, "tcp_user_timeout": 60_000}
_URL = re.compile(r"(?:postgres|postgresql)(?:\+\w+)?://(?:[^@/?]*@)?[^@/?]*(?:/[^@?]*)?(?:\?.*)?")
_NOT_READ = Message("postgis.address")
#: What a server answers, by its code, and the remedy; what is given are the server's own words, the user and others.
_ANSWERS: dict[str, Callable[[Mapping[str, Any]], Message]] = {
    "42501": lambda it: Message("postgis.no_right", **it),
    "25006": lambda it: Message("postgis.read_only", **it),
    "55P03": lambda it: Message("postgis.locked", **it),
    "57014": lambda it: Message("postgis.too_slow", **it),
    "40P01": lambda it: Message("postgis.deadlock", **it),
    "40001": lambda it: Message("postgis.changed", **it),
    "53100": lambda it: Message("postgis.disk_full", **it),
    "53200": lambda it: Message("postgis.no_memory", **it),
    "23505": lambda it: Message("postgis.with_detail", **it),
    "23503": lambda it: Message("postgis.with_detail", **it),
    "2BP01": lambda it: Message("postgis.depended", **it),
    "42P07": lambda it: Message("postgis.just_made", **it),
    "22P05": lambda it: Message("postgis.not_utf8", **it),
    "42601": lambda it: Message("postgis.bad_query", **it),
    "3F000": lambda it: Message("postgis.no_schema", **it),
    "25P02": lambda it: Message("postgis.failed_before", **it),
}


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
        raise SitingError(Message("postgis.time_limit", value=time_limit))
    with _opened(given, name) as connection:
        if not isinstance(connection, psycopg.Connection):
            kind = type(connection).__name__
            raise LayerError(name, Message("postgis.connection", kind=kind))
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
        raise LayerError(name, Message("postgis.no_postgis", database=database))
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
            raise LayerError(name, Message("postgis.no_variable", name=found[1]))
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


def _no_connection(text: str, parts: Mapping[str, Any]) -> Message:
    """Say why there is no connection, by the words of the client library and the server."""
    line = " ".join(text.split())
    where = f"{parts.get('host', 'localhost')}:{parts.get('port') or 5432}"
    if "definition of service" in line:
        return Message("postgis.no_service", service=parts.get("service"))
    if re.search(r"password authentication failed|no password supplied", line):
        if "user" in parts:
            return Message("postgis.password_of", user=parts["user"])
        return Message("postgis.password")
    if "does not exist" in line:
        found = re.search(r'(database|role) "[^"]*" does not exist', line)
        return Message("postgis.not_there", what=found[0] if found else line)
    if re.search(r"refused|timeout|timed out|resolve|translate host|No route|Is the server running", line):
        return Message("postgis.no_answer", where=where)
    if "pg_hba.conf" in line:
        return Message("postgis.not_admitted", what=line)
    return Message("postgis.no_connection", where=where, what=line)


def _in_words(fault: Any, connection: Any, user: str, seconds: float) -> Message:
    code, what = fault.sqlstate, (fault.diag.message_primary or " ".join(str(fault).split()))
    if connection.broken or code in ("57P01", "57P02", "57P03") or (code or "").startswith("08"):
        return Message("postgis.lost", what=what)
    detail = " ".join((fault.diag.message_detail or "").split()).rstrip(".")
    facts = {"what": what, "who": user, "detail": detail, "time_limit": seconds}
    made = _ANSWERS.get(code or "")
    return made(facts) if made else Message("postgis.answers", what=what)
