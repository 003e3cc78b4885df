"""Who may send logs, and into which workspace."""

from __future__ import annotations

import base64
import hmac
import secrets as randomness
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vedette.collect.http.door import Arrived
from vedette.core.clock import Clock
from vedette.core.errors import Forbidden, NotFound, Unauthorized
from vedette.core.identity import Identity
from vedette.core.redaction import Secret
from vedette.core.roles import Permission, Principal
from vedette.core.secrets import Secrets
from vedette.core.workspaces import Workspace, Workspaces
from vedette.store.intake import Accepted, Intake
from vedette.store.logstore import LogStore
from vedette.store.rowlines import unreadable_lines
from vedette.store.stores import Stores

if TYPE_CHECKING:
    from vedette.intel.indicators import Indicators

SHARED_KEY: Final = "http-data-collector-key"
"""The name of the secret of a workspace that the HTTP Data Collector API signs with."""
_KEY_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Grant:
    """A sender that may send: the workspace, its write path, its tables and its threat intelligence, and the sender's name."""

    workspace: Workspace
    intake: Intake
    logs: LogStore
    sender: str
    indicators: Callable[[], Indicators]

    def accept(self, arrived: Arrived, source: str) -> Accepted:
        """Have all stored that was in a body, also what is no row; returns when it is on disk.

        Raises as `Intake.accept` does; then nothing of it is stored.
        """
        bad = [unreadable_lines(table, records, source) for table, records in arrived.bad]
        return self.intake.accept_together([*arrived.rows, *bad], source=source)


class Gate:
    """Admits senders by their tokens or by the workspace's shared key."""

    def __init__(
        self, identity: Identity, workspaces: Workspaces, secrets: Secrets, stores: Stores, clock: Clock,
        indicators_of: Callable[[Workspace], Indicators],
    ) -> None:  # fmt: skip
        self.clock = clock
        self._indicators_of = indicators_of
        self._identity = identity
        self._workspaces = workspaces
        self._secrets = secrets
        self._stores = stores
        self._guard = threading.Lock()
        self._keys: dict[str, tuple[float, Secret | None]] = {}

    def by_token(self, token: str | None, workspace: str | None) -> Grant:
        """The grant of an API token in a workspace (name or id; None: `default`).

        Raises `Unauthorized` for a token that is not good, `NotFound` for a workspace that is not there for it, and `Forbidden`
        for one that may not send logs.
        """
        if not token:
            raise Unauthorized(
                "The request has no token.",
                hint="Make one with `vedette ingest token`, and send it with every request.",
            )
        principal = self._identity.authenticate(token)
        return self._grant(self._visible(principal, workspace or "default"), principal)

    def by_rule(self, token: str | None, rule: str) -> Grant:
        """The grant of an API token by the immutable id of a data collection rule: `dcr-` and the workspace's id or name."""
        if not token:
            raise Unauthorized("The request has no bearer token.")
        principal = self._identity.authenticate(token)
        name = rule.removeprefix("dcr-")
        for workspace in self._workspaces.list():
            if name in (workspace.id.replace("-", ""), workspace.id, workspace.name):
                if principal.may_see(workspace.id):
                    return self._grant(workspace, principal)
        raise NotFound(f"Data collection rule with immutable Id '{rule}' not found.", target=rule)

    def by_signature(self, workspace_id: str, signature: str, text: str) -> Grant:
        """The grant of whoever can sign with the workspace's shared key. Raises `Forbidden` for anybody else."""
        for workspace in self._workspaces.list():
            if workspace.id == workspace_id.lower():
                key = self._key(workspace.id)
                if key is not None and _signed(key, text, signature):
                    return self._of(workspace, "shared key")
        # one answer for all of it: who has no key learns nothing about workspaces
        raise Forbidden("An invalid signature was specified in the Authorization header.")

    def new_shared_key(self, workspace: Workspace, by: Principal) -> Secret:
        """Make the workspace's shared key, in the place of the one it had. It is shown this once."""
        by.require(workspace.id, Permission.SECRETS_WRITE)
        key = Secret(base64.b64encode(randomness.token_bytes(64)).decode())
        reference = self._reference(workspace.id)
        if reference is None:
            self._secrets.put(SHARED_KEY, key, workspace_id=workspace.id, by=by)
        else:
            self._secrets.replace(reference, key, by=by)
        with self._guard:
            self._keys.pop(workspace.id, None)
        return key

    def _visible(self, principal: Principal, name: str) -> Workspace:
        try:
            workspace = self._workspaces.get(name)
        except NotFound:
            workspace = None
        if workspace is None or workspace.archived_at is not None or not principal.may_see(workspace.id):
            raise NotFound(f"There is no workspace '{name[:80]}'.", target=name[:80])
        return workspace

    def _grant(self, workspace: Workspace, principal: Principal) -> Grant:
        principal.require(workspace.id, Permission.DATA_INGEST)
        return self._of(workspace, principal.name)

    def _of(self, workspace: Workspace, sender: str) -> Grant:
        stores = self._stores
        return Grant(
            workspace, stores.intake(workspace.id), stores.open(workspace.id), sender,
            lambda: self._indicators_of(workspace),
        )  # fmt: skip

    def _key(self, workspace_id: str) -> Secret | None:
        """The shared key; remembered for a minute, since every use of a secret is written to the audit trail."""
        now = self.clock.monotonic()
        with self._guard:
            held = self._keys.get(workspace_id)
            if held is not None and now - held[0] < _KEY_SECONDS:
                return held[1]
        reference = self._reference(workspace_id)
        key = None if reference is None else self._secrets.get(reference, workspace_id=workspace_id)
        with self._guard:
            self._keys[workspace_id] = (now, key)
        return key

    def _reference(self, workspace_id: str) -> str | None:
        return next((info.reference for info in self._secrets.list(workspace_id) if info.name == SHARED_KEY), None)


def _signed(key: Secret, text: str, signature: str) -> bool:
    made = hmac.digest(base64.b64decode(key.reveal()), text.encode(), "sha256")
    return hmac.compare_digest(base64.b64encode(made), signature.encode("utf-8", "replace"))
