"""The care of a workspace's secrets: which there are, whose they are, when they are due, and their rotation.

A rotation keeps two values valid at once. The new one is staged beside the old one, and is tried out by a run by hand that is
delivered with it, or by a check. From then on it is in use; the old one is deleted at the end, and not before the new one was
found to work.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

from vedette.core.checks import CheckReport, CheckStep
from vedette.core.configured import SecretStatus, secret_status
from vedette.core.errors import NotFound, VedetteError, not_found
from vedette.core.forms import FieldType, FormField, InvalidFields
from vedette.core.ids import new_id
from vedette.core.roles import SYSTEM as _SYSTEM
from vedette.core.roles import Permission, Principal
from vedette.core.secrets import SecretInfo, secret_id

if TYPE_CHECKING:
    from vedette.api.services import WorkspaceServices

EVERY: Final = 600.0
"""Seconds between two looks at what is due; what was told today is not told again."""

_log = logging.getLogger("vedette.secrets")


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose secret it is: a destination or a connector, and which of its fields."""

    kind: str
    id: str
    name: str
    field: FormField
    enabled: bool


@dataclass(frozen=True, slots=True)
class KeptSecret:
    """A secret with its owner (None: the workspace's own, like a shared key) and its age."""

    info: SecretInfo
    owner: Owner | None
    status: SecretStatus

    @property
    def title(self) -> str:
        """What people call it."""
        if self.owner is None:
            return self.info.name
        return f"{self.owner.field.name} of the {self.owner.kind} '{self.owner.name}'"


class SecretCare:
    """The secrets of one workspace. `by` is who asks."""

    def __init__(self, services: WorkspaceServices) -> None:
        self._services = services
        self._workspace = services.workspace.id
        self._secrets = services.application.secrets
        self._clock = services.application.clock

    def list(self, by: Principal) -> list[KeptSecret]:
        """Every secret, those that are due first at the top. Needs `secrets/read`."""
        infos = self._secrets.list(self._workspace, by=by)
        owners = self._owners()
        found = []
        for info in infos:
            owner, status = owners.get(info.id, (None, None))
            if status is None:
                status = secret_status(info.changed_at, info.expires_at, self._clock.now())
            found.append(KeptSecret(info, owner, status))
        far = datetime.max.replace(tzinfo=self._clock.now().tzinfo)
        return sorted(found, key=lambda one: (one.status.expires_at or far, one.title))

    def get(self, secret: str, by: Principal) -> KeptSecret:
        """A secret by its id, its reference, its name or its title."""
        known = self.list(by)
        wanted = secret_id(secret) or secret
        for one in known:
            if wanted in (one.info.id, one.info.name, one.title):
                return one
        # What was given may be a secret itself, by mistake: only a name that is near one is repeated.
        names = [one.title for one in known]
        error = not_found("secret", secret, names)
        raise NotFound("There is no secret of that name or id.", hint=error.hint, target="secret")

    def stage(self, secret: str, value: str, expires_on: str | None, by: Principal) -> KeptSecret:
        """Begin a rotation with a new value, or a link; `expires_on` is the date on which the other side ends it."""
        kept = self.get(secret, by)
        expires = self._date(expires_on, kept)
        text = value.strip("\r\n")
        if kept.owner is not None:
            plain = self._secrets.resolve(text, by)
            problem = kept.owner.field.problem(plain)
            if problem is not None:
                raise InvalidFields({kept.owner.field.name: problem})
        self._secrets.stage(kept.info.reference, text, expires_at=expires, by=by)
        return self.get(kept.info.id, by)

    def finish(self, secret: str, by: Principal) -> KeptSecret:
        """End a rotation: the old value is deleted. `Conflict` while the new one was not found to work."""
        kept = self.get(secret, by)
        rotation = kept.info.rotation
        self._secrets.finish(kept.info.reference, by=by)
        if rotation is not None and kept.owner is not None and kept.owner.field.expiry_field is not None:
            until = rotation.expires_at
            # The date of the old secret is none of the new one's.
            self._change(kept.owner, {kept.owner.field.expiry_field: f"{until:%Y-%m-%d}" if until else ""}, by)
        self._reopen(kept.owner)
        return self.get(kept.info.id, by)

    def cancel(self, secret: str, by: Principal) -> KeptSecret:
        """Give a rotation up; the old value is in use."""
        kept = self.get(secret, by)
        self._secrets.cancel(kept.info.reference, by=by)
        self._reopen(kept.owner)
        return self.get(kept.info.id, by)

    def check(self, secret: str, by: Principal) -> CheckReport:
        """Whether a secret can be read and works where it is used; the new value of a rotation is the one that is tried."""
        kept = self.get(secret, by)
        by.require(self._workspace, Permission.SECRETS_WRITE)
        where = "the state" if kept.info.backend == "state" else f"{kept.info.backend} ('{kept.info.locator}')"
        try:
            self._secrets.get(kept.info.reference, workspace_id=self._workspace, staged=True)
        except VedetteError as error:
            return CheckReport((CheckStep("Read the secret", False, str(error), error.hint, error.code),))
        read = CheckStep("Read the secret", True, f"It can be read from {where}.")
        if kept.owner is None:
            return CheckReport((read,))
        mine = [one for one in self.list(by) if one.owner is not None and one.owner.id == kept.owner.id]
        untested = self._secrets.untested(one.info.reference for one in mine)
        values: dict[str, object] = {
            one.owner.field.name: self._secrets.get(
                one.info.reference, workspace_id=self._workspace, staged=True
            ).reveal()
            for one in mine
            if one.owner is not None and one.info.reference in untested
        }
        report = self._try(kept.owner, values, by)
        if untested:
            failing = next((step.message for step in report.steps if step.ok is False), None)
            for reference in untested:
                self._secrets.tested(reference, failing, by=by)
            if report.ok:
                self._reopen(kept.owner)
        return CheckReport((read, *report.steps))

    def warn_of_due(self) -> int:
        """Tell of every secret that is due, once a day: in the log, and as rows of SentinelHealth. Returns how many."""
        told = []
        for one in self.list(_SYSTEM):
            if one.status.warning is None or (one.owner is not None and not one.owner.enabled):
                continue
            if self._secrets.warn(one.info.reference):
                told.append(one)
                _log.warning("%s: %s", one.title, one.status.warning, extra={"reference": one.info.reference})
        if told:
            today = self._clock.now().date()
            self._services.intake.accept(
                "SentinelHealth",
                [self._health(one) for one in told],
                source="vedette",
                record_ids=[f"secret/{one.info.id}/{today}" for one in told],
            )
        return len(told)

    def run(self, stop: threading.Event) -> None:
        """Look at what is due until told to stop."""
        while not stop.is_set():
            try:
                self.warn_of_due()
            except VedetteError as error:
                _log.error("the ages of secrets cannot be looked at: %s", error)
            self._clock.wait(stop, EVERY)

    def _health(self, one: KeptSecret) -> dict[str, object]:
        """A row of SentinelHealth (columns: learn.microsoft.com/azure/sentinel/health-table-reference)."""
        owner = one.owner
        overdue = one.status.days_left is not None and one.status.days_left <= 0
        return {
            "TimeGenerated": self._clock.now(),
            "WorkspaceId": self._workspace,
            "SourceSystem": "Vedette",
            "OperationName": "Secret expiry check",
            "SentinelResourceId": f"/workspaces/{self._workspace}/{owner.kind}s/{owner.id}" if owner else one.info.id,
            "SentinelResourceName": owner.name if owner else one.info.name,
            "SentinelResourceType": {"destination": "Destination", "connector": "Data connector"}.get(
                owner.kind if owner else "", "Secret"
            ),
            "SentinelResourceKind": owner.field.name if owner else "",
            "Status": "Failure" if overdue else "Warning",
            "Description": one.status.warning,
            "Reason": "SecretExpired" if overdue else "SecretExpiring",
            "RecordId": new_id(),
            "ExtendedProperties": {
                "Secret": one.info.name,
                "DaysLeft": one.status.days_left,
                "ExpiresOn": f"{one.status.expires_at:%Y-%m-%d}" if one.status.expires_at else None,
            },
        }

    def _owners(self) -> dict[str, tuple[Owner, SecretStatus]]:
        """Owner and age of each secret, by the secret's id."""
        by_name: dict[str, tuple[Owner, SecretStatus]] = {}
        forms = {manifest.kind: manifest for manifest in self._services.destinations.kinds()}
        for view in self._services.destinations.list(_SYSTEM, self._workspace):
            for field, status in view.secrets.items():
                owner = Owner("destination", view.id, view.name, forms[view.kind].field(field), view.enabled)
                by_name[f"destination/{view.id}/{field}"] = owner, status
        connectors = {manifest.id: manifest for manifest in self._services.connectors.kinds()}
        for one in self._services.connectors.list(_SYSTEM, self._workspace):
            for field, status in one.secrets.items():
                owner = Owner("connector", one.id, one.name, connectors[one.kind].field(field), one.enabled)
                by_name[f"connector/{one.id}/{field}"] = owner, status
        infos = self._secrets.list(self._workspace)
        return {info.id: by_name[info.name] for info in infos if info.name in by_name}

    def _try(self, owner: Owner, values: dict[str, object], by: Principal) -> CheckReport:
        if owner.kind == "destination":
            return self._services.destinations.test_values(by, self._workspace, None, values, destination_id=owner.id)
        return self._services.connectors.test_values(by, self._workspace, None, values, connector_id=owner.id)

    def _change(self, owner: Owner, values: dict[str, object], by: Principal) -> None:
        if owner.kind == "destination":
            self._services.destinations.update(by, self._workspace, owner.id, values=values)
        else:
            self._services.connectors.update(by, self._workspace, owner.id, values=values)

    def _reopen(self, owner: Owner | None) -> None:
        if owner is None:
            return
        if owner.kind == "destination":
            self._services.destinations.reopen(self._workspace, owner.id)
            self._services.wake()
        else:
            self._services.connectors.reopen(self._workspace, owner.id)

    def _date(self, text: str | None, kept: KeptSecret) -> datetime | None:
        now = self._clock.now()
        if text:
            probe = FormField("expires", "Expires on", FieldType.DATE, "", example="2026-12-31")
            problem = probe.problem(text)
            if problem is not None:
                raise InvalidFields({"expires": problem})
            return datetime.combine(date.fromisoformat(text), time(), now.tzinfo)
        days = kept.owner.field.rotate_days if kept.owner else None
        return None if days is None else now + timedelta(days=days)


def secret_body(one: KeptSecret) -> dict[str, Any]:
    """A secret as the REST API gives it: never its value."""
    rotation = one.info.rotation
    return {
        "id": one.info.id, "name": one.title, "reference": one.info.reference, "backend": one.info.backend,
        "locator": one.info.locator, "changedTimeUtc": _utc(one.info.changed_at),
        "expiresTimeUtc": _utc(one.status.expires_at), "daysLeft": one.status.days_left, "warning": one.status.warning,
        "owner": None if one.owner is None else {
            "kind": one.owner.kind, "id": one.owner.id, "name": one.owner.name, "field": one.owner.field.name,
        },
        "rotation": None if rotation is None else {
            "stagedTimeUtc": _utc(rotation.staged_at), "expiresTimeUtc": _utc(rotation.expires_at),
            "testedTimeUtc": _utc(rotation.tested_at), "verifiedTimeUtc": _utc(rotation.verified_at),
            "problem": rotation.problem,
        },
    }  # fmt: skip


def secret_bodies(found: Iterable[KeptSecret]) -> list[dict[str, Any]]:
    """Secrets as the REST API gives them."""
    return [secret_body(one) for one in found]


def _utc(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
