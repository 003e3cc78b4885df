"""The state database: SQLite in the data directory, or PostgreSQL by URL, with the same behaviour on both.

Transactions that write run one after another, in every thread and every process (SQLite: BEGIN IMMEDIATE; PostgreSQL:
an advisory lock held to the end of the transaction; within a process in the order in which they asked), so what a
transaction has read stays true until it commits, and writers wait instead of failing. Transactions that only read see
one moment's state and are never held up.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Final

from sqlalchemy import (
    Connection,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    Text,
    create_engine,
    event,
    text,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from vedette.core.errors import InvalidInput, Unavailable, VedetteError
from vedette.core.files import make_private_directory
from vedette.core.turns import Turns

BUSY_TIMEOUT: Final = 30.0
"""Seconds that a writer waits for its turn."""

_WRITER_LOCK: Final = 0x7665_6465  # the key of PostgreSQL's advisory lock: "vede"


_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC with microseconds. Only aware datetimes go in (ValueError otherwise); aware UTC ones come out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment in the state database is an aware datetime")
        moment = value.astimezone(UTC)
        # SQLite keeps text: without the zone it has one form, and its order is the order of time.
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class PlainText(TypeDecorator[str]):
    """Text of any length. What one of the databases cannot hold (NUL, lone surrogates) becomes U+FFFD.

    Text out of logs is an attacker's to choose; it must not be able to stop the row that reports it.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


class Json(TypeDecorator[Any]):
    """A JSON value, kept as text exactly as it was written (1 is not 1.0; keys keep their order). None is SQL's NULL.

    NaN and infinity are refused (ValueError). A value that was read and then changed in place is not noticed: assign a
    new one.
    """

    # Not the databases' JSON types: SQLite's turns 0.0 into 0, PostgreSQL's refuses or reorders what JSON allows.
    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else _to_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)

    def compare_values(self, x: Any, y: Any) -> bool:
        return bool(x == y) and _to_json(x) == _to_json(y)  # True == 1 == 1.0


class Base(DeclarativeBase):
    """The declarative base of every room's models; each room defines its own in its own package."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {
        str: PlainText,
        datetime: UtcDateTime,
        dict[str, Any]: Json,
        list[str]: Json,
        list[Any]: Json,
    }


class State:
    """The state database behind one URL; safe to use from several threads.

    `url` is `sqlite:///FILE` or `postgresql://user:password@host/name`. Errors of the database that its user can do
    something about (unreachable, locked, full) are raised as `Unavailable`.
    """

    def __init__(self, url: str | URL, *, busy_timeout: float = BUSY_TIMEOUT) -> None:
        self._url = _read_url(url)
        self._busy_timeout = busy_timeout
        self._writer = Turns()
        self._current: ContextVar[Session | None] = ContextVar("session", default=None)
        self.changes = 0
        """How many writing transactions have ended: what was read when there were as many is as it was, as far as this process goes."""
        self.engine: Engine = self._make_engine()

    @classmethod
    def in_file(cls, path: Path) -> State:
        """The state in a SQLite file, which is made (mode 0600) when it is first written."""
        return cls(URL.create("sqlite", database=str(path)))

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    def __str__(self) -> str:
        return self._url.render_as_string(hide_password=True)

    @contextmanager
    def session(self, *, read_only: bool = False) -> Iterator[Session]:
        """A transaction: committed at the end of the block, rolled back if an exception leaves it.

        A session inside another of the same thread or task is a part of it: what it did is undone if an exception
        leaves its own block, and is committed with the outer one. Keep blocks short, and do no network calls in them.
        With `read_only` nothing may be written, and no writer is waited for.
        """
        outer = self._current.get()
        if outer is not None:
            yield from self._join(outer, read_only)
            return
        if not read_only and not self._writer.acquire(timeout=self._busy_timeout):
            raise self._busy()
        try:
            with Session(self.engine, expire_on_commit=False, info={"read_only": read_only}) as session:
                token = self._current.set(session)
                try:
                    with self._explained(), session.begin():
                        session.connection(execution_options=self._options(read_only))
                        yield session
                finally:
                    self._current.reset(token)
        finally:
            if not read_only:
                self.changes += 1
                self._writer.release()

    @property
    def within(self) -> bool:
        """Whether the caller is within a session: it sees what nobody else does yet."""
        return self._current.get() is not None

    def upgrade(self) -> bool:
        """Bring the tables to the newest revision; True if there was something to do. Several processes may do so."""
        from vedette.core.migrations import upgrade

        with self._explained():
            return upgrade(self)

    def connect_writing(self) -> Connection:
        """A connection whose transactions are writing ones (for migrations; everything else uses `session`)."""
        return self.engine.connect().execution_options(**self._options(False))

    def dispose(self) -> None:
        """Close every connection that is not in use."""
        self.engine.dispose()

    def _join(self, outer: Session, read_only: bool) -> Iterator[Session]:
        if read_only:
            yield outer
            return
        if outer.info["read_only"]:
            raise RuntimeError("a writing session cannot be a part of a reading one")
        with outer.begin_nested():
            yield outer

    def _options(self, read_only: bool) -> dict[str, Any]:
        if self.dialect == "sqlite":
            return {"vedette_read_only": read_only}
        if read_only:
            return {"vedette_read_only": True, "isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        return {"vedette_read_only": False, "isolation_level": "READ COMMITTED", "postgresql_readonly": False}

    def _make_engine(self) -> Engine:
        if self._url.get_backend_name() == "sqlite":
            return self._make_sqlite()
        if importlib.util.find_spec("psycopg") is None:
            raise Unavailable(
                f"The state database {self} needs the driver for PostgreSQL, which is not installed.",
                code="VDT0509",
                hint="pip install 'vedette[postgres]'",
            )
        engine = create_engine(
            self._url,
            pool_pre_ping=True,
            connect_args={"options": "-c timezone=UTC", "connect_timeout": 10},
        )

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            if connection.get_execution_options().get("vedette_read_only") is False:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(self._busy_timeout * 1000)}")
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _WRITER_LOCK})

        return engine

    def _make_sqlite(self) -> Engine:
        path = Path(self._url.database or "")
        engine = create_engine(self._url, connect_args={"timeout": self._busy_timeout})

        @event.listens_for(engine, "do_connect")
        def do_connect(*_: Any) -> None:
            if not path.exists():
                make_private_directory(path.parent)
                path.touch(mode=0o600)  # SQLite gives its -wal and -shm files the same mode

        @event.listens_for(engine, "connect")
        def connect(connection: Any, _record: Any) -> None:
            connection.isolation_level = None  # the driver begins nothing of its own accord; `begin` below does
            cursor = connection.cursor()
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = FULL")  # NORMAL may lose the last commits when power is lost
            cursor.execute("PRAGMA foreign_keys = ON")
            cursor.close()

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            read_only = connection.get_execution_options().get("vedette_read_only", True)
            connection.exec_driver_sql(f"PRAGMA query_only = {'ON' if read_only else 'OFF'}")
            connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

        return engine

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what went wrong with the database itself into one clear sentence."""
        try:
            yield
        except (DatabaseError, InterfaceError) as error:
            # A damaged file is a DatabaseError itself; the kinds of it that are left out are the caller's mistakes.
            if type(error) in (DatabaseError, InterfaceError, InternalError, OperationalError):
                raise self._explain(error) from error
            raise
        except OSError as error:
            if (
                self.dialect == "sqlite"
                and error.filename is not None
                and str(error.filename) in str(self._url.database)
            ):
                raise Unavailable(f"The state database {self} cannot be opened: {error.strerror}.") from error
            raise

    def _explain(self, error: DBAPIError) -> VedetteError:
        reason = " ".join(str(error.orig).split()).rstrip(".")
        lowered = reason.lower()
        if "locked" in lowered or "lock timeout" in lowered:
            return self._busy()
        if "readonly" in lowered or "read-only" in lowered:
            return Unavailable(f"The state database {self} cannot be written: {reason}.", code="VDT0504")
        if "full" in lowered or "no space" in lowered:
            return Unavailable(
                f"The disk of the state database {self} is full.",
                code="VDT0505",
                hint="Free disk space; nothing of this change was kept.",
            )
        return Unavailable(f"The state database {self} cannot be used: {reason}.", code="VDT0506")

    def _busy(self) -> Unavailable:
        return Unavailable(
            f"The state database {self} was busy with other writers for {self._busy_timeout:g} seconds.", code="VDT0507"
        )


def storable(value: str) -> str:
    """The text with U+FFFD for each character that one of the databases cannot hold."""
    if value.isascii() and "\x00" not in value:
        return value
    return _UNSTORABLE.sub("\ufffd", value)


def _read_url(text: str | URL) -> URL:
    try:
        url = make_url(text)
    except ArgumentError:
        raise InvalidInput(
            "The state URL cannot be read.",
            hint="Write sqlite:///FILE or postgresql://user:password@host/name.",
        ) from None
    backend = url.get_backend_name()
    if backend in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if backend == "sqlite" and url.database and url.database != ":memory:":
        return url
    raise InvalidInput(
        f"The state cannot be kept in '{url.render_as_string(hide_password=True)}'.",
        hint="Write sqlite:///FILE or postgresql://user:password@host/name.",
    )


def _to_json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
