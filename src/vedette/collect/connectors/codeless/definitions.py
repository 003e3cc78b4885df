"""Codeless definitions that were imported: kept in the state, and connectors like those that ship."""

from __future__ import annotations

from sqlalchemy import select

from vedette.collect.connectors.codeless.connector import Codeless
from vedette.collect.connectors.codeless.definition import read_definitions
from vedette.collect.connectors.models import ConnectorDefinitionRow
from vedette.collect.connectors.registry import ConnectorRegistry
from vedette.core.audit import Audit
from vedette.core.clock import Clock
from vedette.core.database import State
from vedette.core.errors import Conflict, InvalidInput
from vedette.core.roles import EVERYWHERE, Permission, Principal

LONGEST = 1024 * 1024


class Definitions:
    """The codeless definitions of a state, as connectors of a registry."""

    def __init__(self, state: State, registry: ConnectorRegistry, clock: Clock) -> None:
        self._state, self._registry, self._clock = state, registry, clock
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
        found = [one.id for one in read_definitions(source)]
        if len(set(found)) != len(found):
            raise Conflict("Two definitions in the document have the same name.", target=found[0])
        for identity in found:
            if identity in self._shipped:
                raise Conflict(f"There is a connector '{identity}' that ships.", target=identity)
        with self._state.session() as session:
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
                self._registry.put(Codeless(one, self._clock))
