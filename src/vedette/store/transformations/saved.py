"""The transformations that a workspace keeps, one for each stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from vedette.core.errors import not_found
from vedette.core.roles import Principal
from vedette.kql.types import TYPE_NAMES
from vedette.store.catalog import Field
from vedette.store.kept import Kept
from vedette.store.models import TransformationRow
from vedette.store.transformations.transform import DataFlow, Definition, check


@dataclass(frozen=True, slots=True)
class Transformation:
    """The transformation of a stream as the workspace has it."""

    definition: Definition
    revision: int
    updated_at: datetime
    updated_by: str


class Transformations(Kept):
    """The transformations of one workspace."""

    def list(self) -> list[Transformation]:
        """Every transformation, by stream."""
        with self._state.session(read_only=True) as session:
            rows = session.scalars(
                select(TransformationRow)
                .where(TransformationRow.workspace_id == self.workspace_id)
                .order_by(TransformationRow.stream)
            )
            return [_kept(row) for row in rows]

    def get(self, stream: str) -> Transformation:
        """The transformation of a stream. Raises `NotFound`."""
        with self._state.session(read_only=True) as session:
            return _kept(self._find(session, stream))

    def for_stream(self, stream: str) -> Definition | None:
        """What becomes of the rows of a stream, or None where they are stored as they come."""
        with self._state.session(read_only=True) as session:
            row = self._row(session, stream)
            return None if row is None else _definition(row)

    def put(self, definition: Definition, by: Principal) -> tuple[Transformation, bool]:
        """Keeps a transformation, which was compiled before: it, and whether it is new. Raises `InvalidInput`."""
        check(definition)
        now = self._clock.now()
        with self._state.session() as session:
            row = self._row(session, definition.stream)
            created = row is None
            content: dict[str, Any] = {
                "columns": [[each.name, each.type.value] for each in definition.columns],
                "flows": [[flow.transform_kql, flow.table] for flow in definition.flows],
            }
            if row is None:
                row = TransformationRow(
                    id=self._new_id(), workspace_id=self.workspace_id, stream=definition.stream, content=content,
                    revision=0, updated_at=now, updated_by=by.name,
                )  # fmt: skip
                session.add(row)
            row.content, row.updated_at, row.updated_by = content, now, by.name
            row.revision += 1
            self._audit.record(
                by, "transformations/write", row.stream, self.workspace_id,
                {"revision": row.revision, "flows": content["flows"]},
            )  # fmt: skip
            session.flush()
            return _kept(row), created

    def delete(self, stream: str, by: Principal) -> None:
        """Removes the transformation of a stream; its rows are stored as they come from then on. Raises `NotFound`."""
        with self._state.session() as session:
            row = self._find(session, stream)
            self._audit.record(by, "transformations/delete", row.stream, self.workspace_id, {"revision": row.revision})
            session.delete(row)

    def _find(self, session: Session, stream: str) -> TransformationRow:
        row = self._row(session, stream)
        if row is None:
            raise not_found("transformation", stream, self._streams(session))
        return row

    def _row(self, session: Session, stream: str) -> TransformationRow | None:
        return session.scalars(
            select(TransformationRow).where(
                TransformationRow.workspace_id == self.workspace_id, TransformationRow.stream == stream
            )
        ).one_or_none()

    def _streams(self, session: Session) -> Sequence[str]:
        return session.scalars(
            select(TransformationRow.stream).where(TransformationRow.workspace_id == self.workspace_id)
        ).all()


def _definition(row: TransformationRow) -> Definition:
    content = row.content
    return Definition(
        row.stream,
        tuple(DataFlow(text, table) for text, table in content["flows"]),
        tuple(Field(name, TYPE_NAMES[kind]) for name, kind in content["columns"]),
    )


def _kept(row: TransformationRow) -> Transformation:
    return Transformation(_definition(row), row.revision, row.updated_at, row.updated_by)
