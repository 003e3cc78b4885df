"""Secrets of configuration (client secrets, API keys): encrypted at rest, named in lists, shown to nobody.

Values lie in the state or with a backend (`core/secret_backends`); names, ages and rotations are in the state always. In the
state they are encrypted by AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce per value. The row's id, workspace and
name are authenticated with it, so that a value cannot be put under another name by whoever can write the database.

A reference is what configuration holds in a secret's place: `secretref:BACKEND:ID`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
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
from vedette.core.models import SecretRotationRow, SecretRow
from vedette.core.redaction import Secret
from vedette.core.roles import EVERYWHERE, SYSTEM, Permission, Principal
from vedette.core.secret_backends.contract import OWN, checked_locator
from vedette.core.secret_backends.registry import STATE, SecretBackends

MAX_BYTES: Final = 65_536
_NONCE_BYTES: Final = 12
_PREFIX: Final = "secretref:"  # not "secret:", which is redacted
LINK: Final = _PREFIX
"""How a value begins that leads to a secret at a backend."""


@dataclass(frozen=True, slots=True)
class RotationInfo:
    """A new value beside the one in use. Once it is verified it is the one in use, and the old one is kept until the end."""

    staged_at: datetime
    expires_at: datetime | None
    tested_at: datetime | None
    verified_at: datetime | None
    problem: str | None
    """Why the last test of the new value failed."""


@dataclass(frozen=True, slots=True)
class SecretInfo:
    """What may be known of a secret: everything but its value. `reference` is what configuration holds in its place."""

    reference: str
    name: str
    workspace_id: str | None
    backend: str
    locator: str | None
    """The name that a backend other than the state has for it."""
    created_at: datetime
    changed_at: datetime
    expires_at: datetime | None
    rotation: RotationInfo | None = None

    @property
    def id(self) -> str:
        """The id within the reference."""
        return self.reference.rpartition(":")[2]


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
        backends: SecretBackends | None = None,
        new_id: IdSource = new_id,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """`key` (the setting `secrets_key`) is used instead of the key file, which is made when it is first needed.

        New values go to the default of `backends`; what an earlier default keeps is read there.
        """
        self._state = state
        self._clock = clock or SystemClock()
        self._audit = Audit(state, self._clock)
        self._backends = backends or SecretBackends()
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
        """Keep a new secret and return its reference. `Conflict` if there is one of that name: `replace` changes it.

        A value of the form `secretref:BACKEND:NAME` is a link: the value lies at that backend already and is read there.
        A link may name any secret of the installation, so it needs `secrets/write` everywhere.
        """
        by.require(workspace_id or EVERYWHERE, Permission.SECRETS_WRITE)
        _check_name(name)
        text = _plain(value)
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
            self._keep(session, row, row, text, expires_at, by)
            session.add(row)
            session.flush()
            self._audit.record(by, "secrets/create", name, workspace_id, {"reference": _reference(row)})
            return _reference(row)

    def get(
        self, reference: str, *, workspace_id: str | None = None, by: Principal = SYSTEM, staged: bool = False
    ) -> Secret:
        """The secret, for the system's own use; `NotFound` if there is none, or it is another workspace's.

        `workspace_id` is the workspace on whose behalf it is used; the installation's secrets are for all of them. While a
        rotation goes on, this is the old value until the new one was verified; `staged` gives the new one in any case.
        """
        if by.kind != "system":
            raise _never_shown()
        with self._state.session(read_only=True) as session:
            row = _referenced(session, reference)
            if row.workspace_id is not None and row.workspace_id != workspace_id:
                raise _missing(reference)
            rotation = session.get(SecretRotationRow, row.id)
            used = rotation if rotation is not None and (staged or rotation.verified_at is not None) else row
            backend, locator, name, place = used.backend, used.locator, row.name, row.workspace_id
            value = self._decrypt(row, used, self._ring(session)) if backend == STATE else ""
        if backend != STATE:  # outside of the transaction: it is a request over the network
            value = self._backends.get(backend).read(locator or "")
        with self._state.session():
            self._audit.record(by, "secrets/read", name, place, {"reference": reference})
        return Secret(value)

    def resolve(self, value: str, by: Principal) -> str:
        """The text that a form's value stands for: itself, or, for a link, what it leads to, so that it can be checked."""
        link = _link(value)
        if link is None:
            return value
        by.require(EVERYWHERE, Permission.SECRETS_WRITE)
        return self._backends.get(link[0]).read(link[1])

    def replace(
        self,
        reference: str,
        value: str | Secret,
        *,
        expires_at: datetime | None = None,
        by: Principal = SYSTEM,
    ) -> None:
        """Put a new value in the place of the old one, which is gone at once; the reference stays. Ends a rotation."""
        text = _plain(value)
        with self._state.session() as session:
            row = self._to_change(session, reference, by)
            rotation = session.get(SecretRotationRow, row.id)
            if rotation is not None:
                self._forget(rotation)
                session.delete(rotation)
            self._forget(row)
            self._keep(session, row, row, text, expires_at, by)
            row.changed_at, row.expires_at = self._clock.now(), expires_at
            session.flush()
            self._audit.record(by, "secrets/replace", row.name, row.workspace_id, {"reference": _reference(row)})

    def stage(
        self, reference: str, value: str | Secret, *, expires_at: datetime | None = None, by: Principal = SYSTEM
    ) -> SecretInfo:
        """Begin a rotation: keep a new value beside the old one, which stays in use until the new one was verified."""
        text = _plain(value)
        with self._state.session() as session:
            row = self._to_change(session, reference, by)
            rotation = session.get(SecretRotationRow, row.id)
            if rotation is not None and rotation.verified_at is not None:
                raise Conflict(
                    f"A rotation of '{row.name}' waits for its end.", code="VDT0527", target=row.name,
                    hint="End it, which deletes the old value, or cancel it.",
                )  # fmt: skip
            if rotation is None:
                rotation = SecretRotationRow(secret_id=row.id)
            else:
                self._forget(rotation)
            rotation.staged_at, rotation.expires_at = self._clock.now(), expires_at
            rotation.tested_at = rotation.verified_at = rotation.problem = None
            self._keep(session, row, rotation, text, expires_at, by)
            session.add(rotation)
            session.flush()
            self._audit.record(by, "secrets/rotate", row.name, row.workspace_id, {"reference": _reference(row)})
            return _info(row, rotation)

    def tested(self, reference: str, problem: str | None, *, by: Principal = SYSTEM) -> bool:
        """Record what came of using the new value: None that it works, from when on it is the one in use.

        Returns whether there was a rotation that this decided.
        """
        with self._state.session() as session:
            row = _referenced(session, reference)
            rotation = session.get(SecretRotationRow, row.id)
            if rotation is None or rotation.verified_at is not None:
                return False
            now = self._clock.now()
            rotation.tested_at, rotation.problem = now, problem
            if problem is None:
                rotation.verified_at = now
            session.flush()
            self._audit.record(
                by, "secrets/rotation-test", row.name, row.workspace_id,
                {"reference": _reference(row), "ok": problem is None},
            )  # fmt: skip
            return True

    def untested(self, references: Iterable[str]) -> set[str]:
        """Those of the references whose rotation waits for a test with success."""
        ids = {secret_id(reference): reference for reference in references}
        query = select(SecretRotationRow.secret_id).where(
            SecretRotationRow.secret_id.in_(ids), SecretRotationRow.verified_at.is_(None)
        )
        with self._state.session(read_only=True) as session:
            return {ids[found] for found in session.scalars(query)}

    def warn(self, reference: str) -> bool:
        """Whether to tell today (UTC) that a secret is due: True once a day, whoever asks, also across restarts."""
        now = self._clock.now()
        with self._state.session() as session:
            row = _referenced(session, reference)
            if row.warned_at is not None and row.warned_at.date() >= now.date():
                return False
            row.warned_at = now
            return True

    def finish(self, reference: str, *, by: Principal = SYSTEM) -> None:
        """End a rotation: the old value is deleted. `Conflict` while the new one was not found to work."""
        with self._state.session() as session:
            row, rotation = self._rotating(session, reference, by)
            if rotation.verified_at is None:
                raise Conflict(
                    f"The new value of '{row.name}' was not tested with success, so the old one stays.",
                    code="VDT0527", target=row.name,
                    hint=rotation.problem or "Run a detection by hand, or check the secret, and end the rotation then.",
                )  # fmt: skip
            self._forget(row)
            if rotation.backend == STATE:  # encrypted again, since a value is bound to its place
                ring = self._ring(session)
                self._encrypt(row, row, self._decrypt(row, rotation, ring), ring)
            else:
                row.key_id, row.nonce, row.ciphertext = "", b"", b""
            row.backend, row.locator = rotation.backend, rotation.locator
            row.changed_at, row.expires_at = rotation.staged_at, rotation.expires_at
            session.delete(rotation)
            session.flush()
            self._audit.record(by, "secrets/rotation-end", row.name, row.workspace_id, {"reference": _reference(row)})

    def cancel(self, reference: str, *, by: Principal = SYSTEM) -> None:
        """Give a rotation up: the new value is deleted, and the old one is in use."""
        with self._state.session() as session:
            row, rotation = self._rotating(session, reference, by)
            self._forget(rotation)
            session.delete(rotation)
            session.flush()
            self._audit.record(
                by, "secrets/rotation-cancel", row.name, row.workspace_id, {"reference": _reference(row)}
            )

    def delete(self, reference: str, *, by: Principal = SYSTEM) -> None:
        """Delete a secret; `NotFound` if there is none. What a link leads to is not touched."""
        with self._state.session() as session:
            row = self._to_change(session, reference, by)
            rotation = session.get(SecretRotationRow, row.id)
            if rotation is not None:
                self._forget(rotation)
                session.delete(rotation)
                session.flush()
            self._forget(row)
            session.delete(row)
            self._audit.record(by, "secrets/delete", row.name, row.workspace_id, {"reference": _reference(row)})

    def list(self, workspace_id: str | None = None, *, by: Principal = SYSTEM) -> list[SecretInfo]:
        """The secrets of a workspace, or (None) of the installation, by name and without their values."""
        by.require(workspace_id or EVERYWHERE, Permission.SECRETS_READ)
        query = (
            select(SecretRow, SecretRotationRow)
            .outerjoin(SecretRotationRow, SecretRotationRow.secret_id == SecretRow.id)
            .where(_of_workspace(workspace_id))
            .order_by(SecretRow.name)
        )
        with self._state.session(read_only=True) as session:
            return [_info(row, rotation) for row, rotation in session.execute(query)]

    def rotate_key(self, *, by: Principal = SYSTEM) -> int:
        """Encrypt every secret with a new key; returns how many there are.

        The new key is on disk before anything is encrypted with it, and the old ones stay in the file for backups.
        A key given by the setting is rotated there: add a key to it, and call this.
        """
        by.require(EVERYWHERE, Permission.SECRETS_WRITE)
        with self._state.session() as session:
            self._ring(session)
            ring = self._given or self._file.add_key()
            rows = list(session.scalars(select(SecretRow).where(SecretRow.backend == STATE)))
            for row in rows:
                self._encrypt(row, row, self._decrypt(row, row, ring), ring)
            for rotation in session.scalars(select(SecretRotationRow).where(SecretRotationRow.backend == STATE)):
                owner = session.get_one(SecretRow, rotation.secret_id)
                self._encrypt(owner, rotation, self._decrypt(owner, rotation, ring), ring)
            session.flush()
            self._audit.record(by, "secrets/rotate-key", ring.current_id, detail={"count": len(rows)})
            return len(rows)

    def _ring(self, session: Session) -> KeyRing:
        """The keys; a first one is made only if there is nothing that a lost one would be needed for."""
        ring = self._given or self._file.read()
        if ring is None:
            if session.scalars(select(SecretRow.id).where(SecretRow.backend == STATE).limit(1)).first() is not None:
                raise Unavailable(
                    f"The key file {self._file.path} is missing, and there are secrets that need it.",
                    code="VDT0523",
                    hint="Put it back from a backup, or set VEDETTE_SECRETS_KEY.",
                )
            ring = self._file.create()
        return ring

    def _keep(
        self, session: Session, row: SecretRow, place: SecretRow | SecretRotationRow, text: str,
        expires_at: datetime | None, by: Principal,
    ) -> None:  # fmt: skip
        """Put a value, or a link, where the default backend has its values; `place` is told where that is."""
        link = _link(text)
        backend, locator = link if link is not None else (self._backends.default, None)
        place.backend, place.locator = backend, locator
        place.key_id, place.nonce, place.ciphertext = "", b"", b""
        if link is not None:
            by.require(EVERYWHERE, Permission.SECRETS_WRITE)
            self._backends.get(backend).read(link[1])  # what is not there is told now, not when it is needed
        elif backend == STATE:
            self._encrypt(row, place, text, self._ring(session))
        else:
            place.locator = OWN + self._new_id()
            self._backends.get(backend).write(place.locator, text, expires_at)

    def _forget(self, place: SecretRow | SecretRotationRow) -> None:
        """Delete what a backend has of a value that was put there; what somebody else put there stays."""
        if place.backend != STATE and place.locator is not None and place.locator.startswith(OWN):
            self._backends.get(place.backend).delete(place.locator)

    def _encrypt(self, row: SecretRow, place: SecretRow | SecretRotationRow, value: str, ring: KeyRing) -> None:
        nonce = self._random(_NONCE_BYTES)
        place.key_id = ring.current_id
        place.nonce = nonce
        place.ciphertext = AESGCM(ring.key(place.key_id)).encrypt(nonce, value.encode(), _bound_to(row, place))

    def _decrypt(self, row: SecretRow, place: SecretRow | SecretRotationRow, ring: KeyRing) -> str:
        if place.key_id not in ring:
            raise Unavailable(
                f"The secret '{row.name}' was encrypted with the key {place.key_id}, which is not there.",
                code="VDT0523",
                hint="Put the key back from a backup, or replace the secret.",
            )
        try:
            return AESGCM(ring.key(place.key_id)).decrypt(place.nonce, place.ciphertext, _bound_to(row, place)).decode()
        except InvalidTag:
            raise Unavailable(
                f"The secret '{row.name}' was changed in the database and cannot be read.",
                code="VDT0524",
                hint="Replace the secret, and find out who can write the database.",
            ) from None

    def _rotating(self, session: Session, reference: str, by: Principal) -> tuple[SecretRow, SecretRotationRow]:
        row = self._to_change(session, reference, by)
        rotation = session.get(SecretRotationRow, row.id)
        if rotation is None:
            raise Conflict(f"No rotation of '{row.name}' is under way.", code="VDT0527", target=row.name)
        return row, rotation

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


def _bound_to(row: SecretRow, place: SecretRow | SecretRotationRow) -> bytes:
    kind = "vedette secret" if place is row else "vedette rotation"
    return "\x00".join([kind, row.id, row.workspace_id or "", row.name, place.key_id]).encode()


def _of_workspace(workspace_id: str | None) -> ColumnElement[bool]:
    return SecretRow.workspace_id.is_(None) if workspace_id is None else SecretRow.workspace_id == workspace_id


def _named(session: Session, name: str, workspace_id: str | None) -> SecretRow | None:
    query = select(SecretRow).where(SecretRow.name == name, _of_workspace(workspace_id))
    return session.scalars(query).one_or_none()


def _reference(row: SecretRow) -> str:
    return f"{_PREFIX}{row.backend}:{row.id}"


def secret_id(reference: str) -> str:
    """The id in a reference, also in one of the first form, which did not name its backend; "" for what is none."""
    if not reference.startswith(_PREFIX):
        return ""
    found = reference.removeprefix(_PREFIX).rpartition(":")[2]
    return found if is_uuid(found) else ""


def _link(value: str) -> tuple[str, str] | None:
    """(backend, locator) of a value that leads to a backend, None for a plain value."""
    if not value.startswith(_PREFIX):
        return None
    backend, _, locator = value.removeprefix(_PREFIX).partition(":")
    if backend == STATE or not locator or locator.startswith(OWN):
        raise InvalidInput(
            "That reference cannot be entered as a secret.",
            code="VDT0541",
            hint="Write secretref:BACKEND:NAME with a secret that you keep there, like secretref:environment:NAME.",
        )
    return backend, checked_locator(locator, backend)


def _referenced(session: Session, reference: str) -> SecretRow:
    found = secret_id(reference)
    row = session.get(SecretRow, found) if found else None
    if row is None:
        raise _missing(reference)
    return row


def _missing(reference: str) -> NotFound:
    # What was passed for a reference may be the secret itself: it is not repeated.
    known = secret_id(reference)
    return NotFound(f"There is no secret '{reference}'." if known else "There is no secret of that reference.")


def _never_shown() -> Forbidden:
    return Forbidden("A secret that was saved is not shown again.", hint="Replace it if it is not known any more.")


def _info(row: SecretRow, rotation: SecretRotationRow | None) -> SecretInfo:
    under_way = None
    if rotation is not None:
        under_way = RotationInfo(
            rotation.staged_at, rotation.expires_at, rotation.tested_at, rotation.verified_at, rotation.problem
        )
    return SecretInfo(
        _reference(row), row.name, row.workspace_id, row.backend, row.locator, row.created_at, row.changed_at,
        row.expires_at, under_way,
    )  # fmt: skip
