"""Migrations of the state database: Alembic scripts in `versions/`, one after another, run by `State.upgrade()`.

A script's file name is its revision id, and the names sort in the order of the revisions; so the newest revision is known
without loading Alembic, and a state that is there already costs one small query.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, inspect, text

from vedette.core.errors import Unavailable

if TYPE_CHECKING:
    from vedette.core.database import State

FOLDER: Final = Path(__file__).parent


def revisions() -> list[str]:
    """Every revision id, oldest first."""
    return sorted(path.stem for path in (FOLDER / "versions").glob("[0-9]*.py"))


def current(connection: Connection) -> str | None:
    """The revision of the tables behind the connection, or None if there are none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def upgrade(state: State) -> bool:
    """Bring the tables to the newest revision; True if there was something to do.

    All of it is one writing transaction: a failure leaves the state as it was, and of several processes one does it.
    """
    known = revisions()
    with state.session(read_only=True) as session:
        if current(session.connection()) == known[-1]:
            return False
    with state.connect_writing() as connection, connection.begin():
        found = current(connection)  # again, now that nobody else can change it
        if found == known[-1]:
            return False
        if found is not None and found not in known:
            raise Unavailable(
                f"The state database {state} has revision {found}, and this Vedette knows revisions up to {known[-1]}.",
                code="VDT0508",
                hint="Use the version of Vedette that last opened it, or a newer one.",
            )
        _run(connection)
    return True


def _run(connection: Connection) -> None:
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(FOLDER))

    def steps(revision: object, _context: MigrationContext) -> object:
        return scripts._upgrade_revs("head", revision)  # type: ignore[arg-type]  # what Alembic's own command does

    context = MigrationContext.configure(connection, opts={"fn": steps, "script": scripts, "transactional_ddl": True})
    with Operations.context(context):
        context.run_migrations()
