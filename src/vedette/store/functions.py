"""Saved functions: KQL that a workspace keeps under a name and every query may call, parsers above all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from vedette.core.errors import InvalidInput, VedetteError, not_found
from vedette.core.roles import Principal
from vedette.engine.catalog import full_catalog
from vedette.kql.binder.core import TABULAR
from vedette.kql.host import SavedFunction
from vedette.store import catalog
from vedette.store.compiling import compiled
from vedette.store.kept import Kept
from vedette.store.models import FunctionRevisionRow, FunctionRow

MAX_BODY: Final = 1_000_000
"""Characters of a function's body."""
MAX_PARAMETERS: Final = 20_000
MAX_FUNCTIONS: Final = 10_000
"""Functions of a workspace."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,255}")


@dataclass(frozen=True, slots=True)
class FunctionDefinition:
    """What a saved function is. `parameters` is KQL as between the parentheses of a function: `a: string, b: int = 3`."""

    name: str
    """The alias that queries call it by."""
    body: str
    parameters: str = ""
    display_name: str = ""
    category: str = ""
    description: str = ""
    version: str = ""
    equivalent_built_in: str = ""
    """The built-in parser that does the same, where a file names one."""
    source: str = ""
    """The file that it came from."""


@dataclass(frozen=True, slots=True)
class StoredFunction:
    """A saved function as the workspace has it."""

    id: str
    definition: FunctionDefinition
    revision: int
    created_at: datetime
    updated_at: datetime
    updated_by: str


@dataclass(frozen=True, slots=True)
class FunctionRevision:
    """What a function was from some time on, and by whom."""

    revision: int
    at: datetime
    by: str
    definition: FunctionDefinition


@dataclass(slots=True)
class FunctionReport:
    """What an import did: names of functions, and what could not be taken, each with file, line, message and severity."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON."""
        return asdict(self)


class SavedFunctions(Kept):
    """The saved functions of one workspace."""

    # -- reading

    def list(self) -> list[StoredFunction]:
        """Every function, by name."""
        with self._state.session(read_only=True) as session:
            rows = session.scalars(
                select(FunctionRow).where(FunctionRow.workspace_id == self.workspace_id).order_by(FunctionRow.name)
            )
            return [_stored(row) for row in rows]

    def names(self) -> Sequence[str]:
        """The name of every function, sorted."""
        with self._state.session(read_only=True) as session:
            return sorted(
                session.scalars(select(FunctionRow.name).where(FunctionRow.workspace_id == self.workspace_id))
            )

    def get(self, name: str) -> StoredFunction:
        """A function by name. Raises `NotFound`."""
        with self._state.session(read_only=True) as session:
            return _stored(self._find(session, name))

    def revisions(self, name: str) -> Sequence[FunctionRevision]:
        """What a function was, newest first. Raises `NotFound`."""
        with self._state.session(read_only=True) as session:
            row = self._find(session, name)
            found = session.scalars(
                select(FunctionRevisionRow)
                .where(FunctionRevisionRow.function_id == row.id)
                .order_by(FunctionRevisionRow.revision.desc())
            )
            return [FunctionRevision(one.revision, one.at, one.by, _definition(row.name, one.content)) for one in found]

    def for_query(self, name: str) -> SavedFunction | None:
        """A function as queries call it, or None without such a one."""
        with self._state.session(read_only=True) as session:
            row = self._by_name(session, name)
            if row is None:
                return None
            return compiled(row.name, row.content.get("parameters", ""), row.content["body"])

    # -- changing

    def put(self, definition: FunctionDefinition, by: Principal) -> tuple[StoredFunction, str]:
        """Saves a function: it, and `added`, `updated` or `unchanged`. Raises `InvalidInput` for one that cannot be read."""
        check(definition)
        content = {name: value for name, value in asdict(definition).items() if name != "name"}
        now = self._clock.now()
        with self._state.session() as session:
            row = self._by_name(session, definition.name)
            if row is not None and _same(row.content, content):
                return _stored(row), "unchanged"
            done = "added" if row is None else "updated"
            if row is None:
                if len(self.names()) >= MAX_FUNCTIONS:
                    raise InvalidInput(f"A workspace has at most {MAX_FUNCTIONS:,} saved functions.")
                row = FunctionRow(
                    id=self._new_id(), workspace_id=self.workspace_id, name=definition.name, content=content, revision=0,
                    created_at=now, updated_at=now, updated_by=by.name,
                )  # fmt: skip
                session.add(row)
            row.content, row.updated_at, row.updated_by = content, now, by.name
            row.revision += 1
            session.flush()
            session.add(
                FunctionRevisionRow(function_id=row.id, revision=row.revision, at=now, by=by.name, content=content)
            )
            self._audit.record(
                by, "functions/create" if done == "added" else "functions/update", row.name, self.workspace_id,
                {"revision": row.revision, "version": definition.version},
            )  # fmt: skip
            session.flush()
            return _stored(row), done

    def import_(
        self, definitions: Iterable[FunctionDefinition], problems: Iterable[dict[str, Any]], by: Principal
    ) -> FunctionReport:
        """Saves functions, all of them in one transaction; one that cannot be read is reported and left out."""
        report = FunctionReport(problems=list(problems))
        with self._state.session():
            for definition in definitions:
                try:
                    _, done = self.put(definition, by)
                except VedetteError as error:
                    report.problems.append(
                        {
                            "severity": "Error", "file": definition.source, "line": None,
                            "message": f"'{definition.name}' was not saved: {error}", "hint": error.hint,
                        }
                    )  # fmt: skip
                    continue
                getattr(report, done).append(definition.name)
        return report

    def delete(self, name: str, by: Principal) -> None:
        """Removes a function with its revisions. Raises `NotFound`."""
        with self._state.session() as session:
            row = self._find(session, name)
            session.execute(delete(FunctionRevisionRow).where(FunctionRevisionRow.function_id == row.id))
            self._audit.record(by, "functions/delete", row.name, self.workspace_id, {"revision": row.revision})
            session.delete(row)

    def _find(self, session: Session, name: str) -> FunctionRow:
        row = self._by_name(session, name)
        if row is None:
            raise not_found("function", name, self.names())
        return row

    def _by_name(self, session: Session, name: str) -> FunctionRow | None:
        return session.scalars(
            select(FunctionRow).where(FunctionRow.workspace_id == self.workspace_id, FunctionRow.name == name)
        ).one_or_none()


def check(definition: FunctionDefinition) -> None:
    """Raises `InvalidInput` for a definition that cannot be a function."""
    if not _NAME.fullmatch(definition.name):
        raise InvalidInput(
            f"'{definition.name[:80]}' cannot be the name of a function.", target="name",
            hint="Use letters, digits and underscores, no digit first.",
        )  # fmt: skip
    if taken := _taken(definition.name):
        raise InvalidInput(
            f"'{definition.name}' is {taken}, and queries would go on to find that and not the function.", code="VDT0654",
            target="name", hint="Give the function another name.",
        )  # fmt: skip
    if len(definition.body) > MAX_BODY or len(definition.parameters) > MAX_PARAMETERS:
        raise InvalidInput(f"The function '{definition.name}' has more than {MAX_BODY:,} characters.")
    names = [
        one.name.name for one in compiled(definition.name, definition.parameters, definition.body).literal.parameters
    ]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidInput(f"The function '{definition.name}' has two parameters '{twice}'.", target="parameters")


def _taken(name: str) -> str:
    """What goes by a name in every query, if that is no function of the workspace; "" if nothing does."""
    built_in = full_catalog()
    if name in TABULAR or any(name in units for units in (built_in.scalars, built_in.aggregates, built_in.windows)):
        return "a function of the language"
    return "a table of Log Analytics" if catalog.is_known(name) else ""


def _same(held: dict[str, Any], given: dict[str, Any]) -> bool:
    return all(held.get(name) == value for name, value in given.items() if name != "source")


def _definition(name: str, content: dict[str, Any]) -> FunctionDefinition:
    known = {one.name for one in fields(FunctionDefinition)} - {"name"}
    return FunctionDefinition(name, **{key: value for key, value in content.items() if key in known})


def _stored(row: FunctionRow) -> StoredFunction:
    return StoredFunction(
        row.id, _definition(row.name, row.content), row.revision, row.created_at, row.updated_at, row.updated_by
    )
