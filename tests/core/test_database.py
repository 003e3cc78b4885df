"""The state database: the same behaviour on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import MetaData, String, inspect, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from vedette.core.database import Json, State, UtcDateTime
from vedette.core.errors import InvalidInput, Unavailable
from vedette.core.migrations import revisions


class _Base(DeclarativeBase):
    metadata = MetaData()


class Note(_Base):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(50), unique=True)
    at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    value: Mapped[Any] = mapped_column(Json, nullable=True)


@pytest.fixture
def notes(state_url: str) -> Iterator[State]:
    state = State(state_url)
    with state.connect_writing() as connection, connection.begin():
        _Base.metadata.create_all(connection)
    yield state
    state.dispose()


def texts(state: State) -> list[str]:
    with state.session(read_only=True) as session:
        return list(session.scalars(select(Note.text).order_by(Note.id)))


class Broken(Exception):
    pass


def test_a_session_commits_at_its_end(notes: State) -> None:
    with notes.session() as session:
        session.add(Note(id=1, text="kept"))
    assert texts(notes) == ["kept"]


def test_a_session_that_fails_leaves_nothing(notes: State) -> None:
    with pytest.raises(Broken), notes.session() as session:
        session.add(Note(id=1, text="lost"))
        session.flush()
        raise Broken
    assert texts(notes) == []


def test_what_was_read_stays_usable_after_the_session(notes: State) -> None:
    with notes.session() as session:
        note = Note(id=1, text="one", value={"a": [1, None]})
        session.add(note)
    assert (note.text, note.value) == ("one", {"a": [1, None]})


def test_an_inner_session_is_a_part_of_the_outer_one(notes: State) -> None:
    with pytest.raises(Broken), notes.session() as outer:
        with notes.session() as inner:
            assert inner is outer
            inner.add(Note(id=1, text="inner"))
        raise Broken
    assert texts(notes) == []


def test_an_inner_session_that_fails_takes_back_its_own_work_only(notes: State) -> None:
    with notes.session() as outer:
        outer.add(Note(id=1, text="outer"))
        with pytest.raises(Broken), notes.session() as inner:
            inner.add(Note(id=2, text="inner"))
            inner.flush()
            raise Broken
        outer.add(Note(id=3, text="after"))
    assert texts(notes) == ["outer", "after"]


def test_a_reading_session_sees_what_the_writing_one_around_it_wrote(notes: State) -> None:
    with notes.session() as session:
        session.add(Note(id=1, text="mine"))
        session.flush()
        assert texts(notes) == ["mine"]


def test_a_reading_session_cannot_write(notes: State) -> None:
    with pytest.raises((Unavailable, DBAPIError)), notes.session(read_only=True) as session:
        session.add(Note(id=1, text="no"))
    with notes.session(read_only=True), pytest.raises(RuntimeError, match="reading"), notes.session():
        pass
    assert texts(notes) == []
    with notes.session() as session:  # and the connection is fit for writing again
        session.add(Note(id=1, text="yes"))
    assert texts(notes) == ["yes"]


def test_a_reading_session_sees_one_moment_and_is_not_held_up(notes: State) -> None:
    seen: list[list[str]] = []
    wrote, read = threading.Event(), threading.Event()

    def write() -> None:
        with notes.session() as session:
            session.add(Note(id=1, text="new"))
            session.flush()
            wrote.set()
            assert read.wait(60)

    writer = threading.Thread(target=write)
    with notes.session(read_only=True) as session:
        query = select(Note.text)
        seen.append(list(session.scalars(query)))
        writer.start()
        assert wrote.wait(60)
        seen.append(list(session.scalars(query)))  # a writer is in the middle
        read.set()
        writer.join(60)
        seen.append(list(session.scalars(query)))  # the writer has committed
    assert seen == [[], [], []]
    assert texts(notes) == ["new"]


def test_writers_take_turns(notes: State) -> None:
    """Read-then-write from many threads, over two State objects as two processes would have, loses no update."""
    with notes.session() as session:
        session.add(Note(id=1, text="counter", value=0))
    other = State(notes.engine.url)
    threads, each = 4, 15
    errors: list[BaseException] = []

    def count(state: State) -> None:
        try:
            for _ in range(each):
                with state.session() as session:
                    note = session.get_one(Note, 1)
                    note.value = note.value + 1
        except BaseException as error:
            errors.append(error)

    workers = [threading.Thread(target=count, args=[(notes, other)[n % 2]]) for n in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    other.dispose()
    assert errors == []
    with notes.session(read_only=True) as session:
        assert session.get_one(Note, 1).value == threads * each


def test_a_writer_that_waits_too_long_is_told_so(notes: State) -> None:
    impatient = State(notes.engine.url, busy_timeout=0.2)
    with notes.session() as session:
        session.add(Note(id=1, text="slow"))
        session.flush()
        expected = pytest.raises(Unavailable, match=r"busy with other writers for 0\.2 seconds")
        with expected, impatient.session() as other:
            other.add(Note(id=2, text="late"))
    impatient.dispose()


def test_a_broken_rule_of_the_database_is_the_callers_to_handle(notes: State) -> None:
    with pytest.raises(IntegrityError), notes.session() as session:
        session.add_all([Note(id=1, text="same"), Note(id=2, text="same")])


moments = st.datetimes(
    min_value=datetime(2, 1, 1),
    max_value=datetime(9998, 12, 31),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-11))]),
)


@given(values=st.lists(moments, min_size=1, max_size=8))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_moments_keep_their_microsecond_and_their_order(notes: State, values: list[datetime]) -> None:
    with notes.session() as session:
        session.execute(text("DELETE FROM notes"))
        session.add_all(Note(id=n, text=str(n), at=value) for n, value in enumerate(values))
    with notes.session(read_only=True) as session:
        found = list(session.scalars(select(Note.at).order_by(Note.at)))
        assert found == sorted(values)
        assert all(moment is not None and moment.tzinfo is UTC for moment in found)
        limit = values[0]
        query = select(Note.id).where(Note.at >= limit)
        assert set(session.scalars(query)) == {n for n, value in enumerate(values) if value >= limit}


def test_a_moment_without_a_zone_is_refused(notes: State) -> None:
    with pytest.raises(StatementError, match="aware"), notes.session() as session:
        session.add(Note(id=1, text="x", at=datetime(2026, 1, 1)))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(value=json_values)
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_json_comes_back_as_it_was(notes: State, value: object) -> None:
    with notes.session() as session:
        session.execute(text("DELETE FROM notes"))
        session.add(Note(id=1, text="json", value=value))
    with notes.session(read_only=True) as session:
        found = session.get_one(Note, 1).value
    assert found == value
    assert repr(found) == repr(value)  # 1 is not 1.0, and keys keep their order


def test_upgrade_does_its_work_once(state_url: str) -> None:
    state = State(state_url)
    assert state.upgrade() is True
    assert state.upgrade() is False
    with state.session(read_only=True) as session:
        assert session.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [revisions()[-1]]
    state.dispose()


def test_upgrades_at_the_same_time_do_not_collide(state_url: str) -> None:
    results: list[object] = []

    def run() -> None:
        state = State(state_url)
        try:
            results.append(state.upgrade())
        except BaseException as error:
            results.append(error)
        finally:
            state.dispose()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(results, key=str) == [False, False, True]


def test_a_migration_that_fails_changes_nothing(
    state_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    (folder / "versions" / "0001_good.py").write_text(
        "from alembic import op\nimport sqlalchemy as sa\nrevision = '0001_good'\ndown_revision = None\n"
        "def upgrade():\n    op.create_table('first', sa.Column('id', sa.Integer, primary_key=True))\n"
    )
    (folder / "versions" / "0002_bad.py").write_text(
        "from alembic import op\nimport sqlalchemy as sa\nrevision = '0002_bad'\ndown_revision = '0001_good'\n"
        "def upgrade():\n    op.create_table('second', sa.Column('id', sa.Integer, primary_key=True))\n"
        "    raise ValueError('half way')\n"
    )
    monkeypatch.setattr("vedette.core.migrations.FOLDER", folder)
    state = State(state_url)
    with pytest.raises(ValueError, match="half way"):
        state.upgrade()
    with state.session(read_only=True) as session:
        assert inspect(session.connection()).get_table_names() == []
    state.dispose()


def test_a_state_of_a_newer_vedette_is_left_alone(state: State) -> None:
    with state.session() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999_future'"))
    with pytest.raises(Unavailable, match="has revision 9999_future, and this Vedette knows revisions up to"):
        state.upgrade()


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://u:hunter2@h/d", "sqlite://", "sqlite:///:memory:"])
def test_a_url_that_cannot_hold_state_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        State(url)
    assert "hunter2" not in str(caught.value)
    assert "postgresql://" in str(caught.value.hint)


def test_an_unreachable_server_is_one_sentence_without_the_password() -> None:
    state = State("postgresql://someone:hunter2@127.0.0.1:1/vedette")
    with pytest.raises(Unavailable) as caught:
        state.upgrade()
    assert "127.0.0.1:1/vedette" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(b"this is not a database, it is a letter" * 40)
    with pytest.raises(Unavailable, match=r"cannot be used: file is not a database"):
        State.in_file(path).upgrade()


def test_a_file_may_have_any_name(tmp_path: Path) -> None:
    path = tmp_path / "what? a #name %20 with spaces" / "state.db"
    state = State.in_file(path)
    state.upgrade()
    state.dispose()
    assert path.stat().st_size > 0
    assert [entry.name for entry in tmp_path.iterdir()] == [path.parent.name]
