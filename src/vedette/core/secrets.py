"""Secrets of configuration (client secrets, API keys): encrypted at rest, named in lists, shown to nobody.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce per value. The row's id, workspace and name are authenticated
with it, so that a value cannot be put under another name by whoever can write the database.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from vedette.core.audit import Audit
from vedette.core.clock import Clock, SystemClock
from vedette.core.database import State
from vedette.core.errors import Conflict, Forbidden, InvalidInput, NotFound, Unavailable
from vedette.core.ids import IdSource, is_uuid, new_id
from vedette.core.keys import KeyFile, KeyRing
from vedette.core.models import SecretRow
from vedette.core.redaction import Secret
from vedette.core.roles import EVERYWHERE, SYSTEM, Permission, Principal

MAX_BYTES: Final = 65_536
_NONCE_BYTES: Final = 12
_PREFIX: Final = "secretref:"  # not "secret:", which is redacted


@dataclass(frozen=True, slots=True)
class SecretInfo:
    """What may be known of a secret: everything but its value. `reference` is what configuration holds in its place."""

    reference: str
    name: str
    workspace_id: str | None
    created_at: datetime
    changed_at: datetime
    expires_at: datetime | None


class Secrets:
    """The secrets of one state. `by` is who asks: it is checked, and every access is written to the audit trail.

    A secret belongs to a workspace, or (None) to the installation. `SYSTEM` may use every secret; a person or program
    needs `secrets/write` to put one, and nobody but the system reads one.
    """

    def __init__(
        self,
        state: State,
        key_file: Path,
        clock: Clock | None = None,
        *,
        key: str | None = None,
        new_id: IdSource = new_id,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """`key` (the setting `secrets_key`) is used instead of the key file, which is made when it is first needed."""
        self._state = state
        self._clock = clock or SystemClock()
        self._audit = Audit(state, self._clock)
        self._new_id = new_id
        self._random = random
        self._file = KeyFile(key_file, random)
        self._given = KeyRing.from_text(key, "The setting secrets_key") if key is not None else None

    def put(
        self,
        name: str,
        value: str | Secret,
        *,
        workspace_id: str | None = None,
        expires_at: datetime | None = None,
        by: Principal = SYSTEM,
    ) -> str:
        """Keep a new secret and return its reference. `Conflict` if there is one of that name: `replace` changes it."""
        by.require(workspace_id or EVERYWHERE, Permission.SECRETS_WRITE)
        _check_name(name)
        with self._state.session() as session:
            if _named(session, name, workspace_id) is not None:
                raise Conflict(f"There is a secret '{name}' already.", target=name, hint="Replace it instead.")
            now = self._clock.now()
            row = SecretRow(
                id=self._new_id(),
                workspace_id=workspace_id,
                name=name,
                created_at=now,
                changed_at=now,
                expires_at=expires_at,
            )
            self._encrypt(row, _plain(value), self._ring(session))
            session.add(row)
            session.flush()
            self._audit.record(by, "secrets/create", name, workspace_id, {"reference": _PREFIX + row.id})
            return _PREFIX + row.id

    def get(self, reference: str, *, workspace_id: str | None = None, by: Principal = SYSTEM) -> Secret:
        """The secret, for the system's own use; `NotFound` if there is none, or it is another workspace's.

        `workspace_id` is the workspace on whose behalf it is used; the installation's secrets are for all of them.
        """
        if by.kind != "system":
            raise _never_shown()
        with self._state.session() as session:
            row = _referenced(session, reference)
            if row.workspace_id is not None and row.workspace_id != workspace_id:
                raise _missing(reference)
            value = self._decrypt(row, self._ring(session))
            self._audit.record(by, "secrets/read", row.name, row.workspace_id, {"reference": _PREFIX + row.id})
            return Secret(value)

    def replace(
        self,
        reference: str,
        value: str | Secret,
        *,
        expires_at: datetime | None = None,
        by: Principal = SYSTEM,
    ) -> None:
        """Put a new value in the place of the old one, which is gone; the reference stays."""
        with self._state.session() as session:
            row = self._to_change(session, reference, by)
            self._encrypt(row, _plain(value), self._ring(session))
            row.changed_at, row.expires_at = self._clock.now(), expires_at
            session.flush()
            self._audit.record(by, "secrets/replace", row.name, row.workspace_id, {"reference": _PREFIX + row.id})

    def delete(self, reference: str, *, by: Principal = SYSTEM) -> None:
        """Delete a secret; `NotFound` if there is none."""
        with self._state.session() as session:
            row = self._to_change(session, reference, by)
            session.delete(row)
            self._audit.record(by, "secrets/delete", row.name, row.workspace_id, {"reference": _PREFIX + row.id})

    def list(self, workspace_id: str | None = None, *, by: Principal = SYSTEM) -> list[SecretInfo]:
        """The secrets of a workspace, or (None) of the installation, by name and without their values."""
        by.require(workspace_id or EVERYWHERE, Permission.SECRETS_READ)
        query = select(SecretRow).where(_of_workspace(workspace_id)).order_by(SecretRow.name)
        with self._state.session(read_only=True) as session:
            return [_info(row) for row in session.scalars(query)]

    def rotate_key(self, *, by: Principal = SYSTEM) -> int:
        """Encrypt every secret with a new key; returns how many there are.

        The new key is on disk before anything is encrypted with it, and the old ones stay in the file for backups.
        A key given by the setting is rotated there: add a key to it, and call this.
        """
        by.require(EVERYWHERE, Permission.SECRETS_WRITE)
        with self._state.session() as session:
            self._ring(session)
            ring = self._given or self._file.add_key()
            rows = list(session.scalars(select(SecretRow)))
            for row in rows:
                self._encrypt(row, self._decrypt(row, ring), ring)
            session.flush()
            self._audit.record(by, "secrets/rotate-key", ring.current_id, detail={"count": len(rows)})
            return len(rows)

    def _ring(self, session: Session) -> KeyRing:
        """The keys; a first one is made only if there is nothing that a lost one would be needed for."""
        ring = self._given or self._file.read()
        if ring is None:
            if session.scalars(select(SecretRow.id).limit(1)).first() is not None:
                raise Unavailable(
                    f"The key file {self._file.path} is missing, and there are secrets that need it.",
                    code="VDT0523",
                    hint="Put it back from a backup, or set VEDETTE_SECRETS_KEY.",
                )
            ring = self._file.create()
        return ring

    def _encrypt(self, row: SecretRow, value: str, ring: KeyRing) -> None:
        nonce = self._random(_NONCE_BYTES)
        row.key_id = ring.current_id
        row.nonce = nonce
        row.ciphertext = AESGCM(ring.key(row.key_id)).encrypt(nonce, value.encode(), _bound_to(row))

    def _decrypt(self, row: SecretRow, ring: KeyRing) -> str:
        if row.key_id not in ring:
            raise Unavailable(
                f"The secret '{row.name}' was encrypted with the key {row.key_id}, which is not there.",
                code="VDT0523",
                hint="Put the key back from a backup, or replace the secret.",
            )
        try:
            return AESGCM(ring.key(row.key_id)).decrypt(row.nonce, row.ciphertext, _bound_to(row)).decode()
        except InvalidTag:
            raise Unavailable(
                f"The secret '{row.name}' was changed in the database and cannot be read.",
                code="VDT0524",
                hint="Replace the secret, and find out who can write the database.",
            ) from None

    def _to_change(self, session: Session, reference: str, by: Principal) -> SecretRow:
        row = _referenced(session, reference)
        place = row.workspace_id or EVERYWHERE
        if not by.may_see(place):
            raise _missing(reference)
        by.require(place, Permission.SECRETS_WRITE)
        return row


def _plain(value: str | Secret) -> str:
    text = value.reveal() if isinstance(value, Secret) else value
    if not text:
        raise InvalidInput("A secret is not empty.", code="VDT0525")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InvalidInput("A secret is text that can be written as UTF-8.", code="VDT0525") from None
    if size > MAX_BYTES:
        raise InvalidInput(f"A secret has at most {MAX_BYTES} bytes.", code="VDT0525")
    return text


def _check_name(name: str) -> None:
    if not 1 <= len(name) <= 256 or not name.isprintable() or name != name.strip():
        raise InvalidInput("A secret's name has 1 to 256 printable characters.", target=name[:256])


def _bound_to(row: SecretRow) -> bytes:
    return "\x00".join(["vedette secret", row.id, row.workspace_id or "", row.name, row.key_id]).encode()


def _of_workspace(workspace_id: str | None) -> ColumnElement[bool]:
    return SecretRow.workspace_id.is_(None) if workspace_id is None else SecretRow.workspace_id == workspace_id


def _named(session: Session, name: str, workspace_id: str | None) -> SecretRow | None:
    query = select(SecretRow).where(SecretRow.name == name, _of_workspace(workspace_id))
    return session.scalars(query).one_or_none()


def _referenced(session: Session, reference: str) -> SecretRow:
    secret_id = reference.removeprefix(_PREFIX)
    row = session.get(SecretRow, secret_id) if reference.startswith(_PREFIX) and is_uuid(secret_id) else None
    if row is None:
        raise _missing(reference)
    return row


def _missing(reference: str) -> NotFound:
    # What was passed for a reference may be the secret itself: it is not repeated.
    known = reference.startswith(_PREFIX) and is_uuid(reference.removeprefix(_PREFIX))
    return NotFound(f"There is no secret '{reference}'." if known else "There is no secret of that reference.")


def _never_shown() -> Forbidden:
    return Forbidden("A secret that was saved is not shown again.", hint="Replace it if it is not known any more.")


def _info(row: SecretRow) -> SecretInfo:
    return SecretInfo(_PREFIX + row.id, row.name, row.workspace_id, row.created_at, row.changed_at, row.expires_at)
