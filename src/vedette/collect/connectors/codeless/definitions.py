"""Codeless definitions that were imported: kept in the state, and connectors like those that ship."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from vedette.collect.connectors.codeless.connector import Codeless
from vedette.collect.connectors.codeless.definition import Definition, read_definitions
from vedette.collect.connectors.models import ConnectorDefinitionRow, ConnectorRow
from vedette.collect.connectors.registry import ConnectorRegistry
from vedette.core.audit import Audit
from vedette.core.clock import Clock
from vedette.core.database import State
from vedette.core.errors import Conflict, InvalidInput
from vedette.core.outbound import Outbound
from vedette.core.roles import EVERYWHERE, Permission, Principal

LONGEST = 1024 * 1024


class Definitions:
    """The codeless definitions of a state, as connectors of a registry."""

    def __init__(
        self, state: State, registry: ConnectorRegistry, clock: Clock, outbound: Outbound | None = None
    ) -> None:
        self._state, self._registry, self._clock, self._outbound = state, registry, clock, outbound
        self._audit = Audit(state, clock)
        self._shipped = {kind.manifest.id for kind in registry}
        with state.session(read_only=True) as session:
            kept = [(row.id, row.source) for row in session.scalars(select(ConnectorDefinitionRow))]
        for identity, source in kept:
            self._put(identity, source)

    def import_(self, principal: Principal, source: str) -> list[str]:
        """Makes a connector of each definition in a document, in place of one of the same id; their ids.

        `InvalidInput` names what is not supported; then nothing is imported. Who may do this lets the server read an address of theirs.
        """
        principal.require(EVERYWHERE, Permission.CONNECTORS_WRITE)
        if len(source) > LONGEST:
            raise InvalidInput(f"The document has more than {LONGEST} characters.")
        definitions = read_definitions(source)
        found = [one.id for one in definitions]
        if len(set(found)) != len(found):
            raise Conflict("Two definitions in the document have the same name.", target=found[0])
        for identity in found:
            if identity in self._shipped:
                raise Conflict(f"There is a connector '{identity}' that ships.", target=identity)
        with self._state.session() as session:
            for one in definitions:
                _keep_credentials_at_home(session, one)
            for identity in found:
                row = session.get(ConnectorDefinitionRow, identity) or ConnectorDefinitionRow(id=identity)
                row.source, row.imported_at = source, self._clock.now()
                session.add(row)
            self._audit.record(principal, "connectors/import", ", ".join(found), None, {})
        for identity in found:
            self._put(identity, source)
        return found

    def _put(self, identity: str, source: str) -> None:
        for one in read_definitions(source):
            if one.id == identity:
                self._registry.put(Codeless(one, self._clock, outbound=self._outbound))


def _keep_credentials_at_home(session: Session, new: Definition) -> None:
    """`Conflict` where credentials that were entered for one host would be sent to another."""
    kept = session.get(ConnectorDefinitionRow, new.id)
    if kept is None:
        return
    old = next((one for one in read_definitions(kept.source) if one.id == new.id), None)
    if old is None or old.hosts == new.hosts:
        return
    rows = session.scalars(select(ConnectorRow).where(ConnectorRow.kind == new.id))
    if any(row.secrets for row in rows):
        raise Conflict(
            f"The connector '{new.id}' would ask another host, with credentials that were entered for this one.",
            target=new.id, hint="Delete its instances first, or give the definition another name.",
        )  # fmt: skip
