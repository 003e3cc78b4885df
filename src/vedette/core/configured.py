"""What somebody entered into a form: settings in the clear, secrets in the store, and when those have to be rotated."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from vedette.core.checks import CheckReport
from vedette.core.clock import Clock
from vedette.core.errors import Conflict
from vedette.core.forms import Form, FormField, InvalidFields
from vedette.core.redaction import Secret
from vedette.core.roles import Principal
from vedette.core.secrets import LINK, Secrets, secret_id

MAX_NAME: Final = 256
WARN_DAYS: Final = (30, 14, 3)
"""Days before the end on which the reminder gets more urgent."""


@dataclass(frozen=True, slots=True)
class SecretStatus:
    """What may be known of a field's secret. The value itself is never shown."""

    changed_at: datetime
    expires_at: datetime | None
    """When it stops to work or is due for rotation, whichever is first; None where it does not have to be rotated."""
    days_left: int | None
    warning: str | None
    """A sentence when it is time; None before."""


def secret_status(changed_at: datetime, expires_at: datetime | None, now: datetime) -> SecretStatus:
    """The status of a secret at a moment."""
    if expires_at is None:
        return SecretStatus(changed_at, None, None, None)
    left = expires_at - now
    days = left.days
    if left <= timedelta(0):
        warning = f"The secret was due on {expires_at:%Y-%m-%d}: create a new one and enter it."
    elif left <= timedelta(days=WARN_DAYS[0]):
        step = min(limit for limit in WARN_DAYS if left <= timedelta(days=limit))
        warning = f"The secret is due within {step} days, on {expires_at:%Y-%m-%d}: create a new one before."
    else:
        return SecretStatus(changed_at, expires_at, days, None)
    return SecretStatus(changed_at, expires_at, max(days, 0), warning)


class Testable(Protocol):
    """What was opened with the values of a form."""

    def check(self) -> CheckReport:
        """Finds out whether it works."""
        ...

    def close(self) -> None:
        """Closes connections."""
        ...


T = TypeVar("T", bound=Testable)


class Configured:
    """Keeps the values of forms for one kind of thing; `room` is the first part of the names of its secrets."""

    def __init__(self, secrets: Secrets, clock: Clock, room: str) -> None:
        self._secrets, self._clock, self._room = secrets, clock, room

    def checked(
        self, form: Form, settings: Mapping[str, str], references: Mapping[str, str], values: Mapping[str, object]
    ) -> dict[str, str]:
        """Kept values with changed ones, checked. None stands for a secret that was not entered again."""
        secret = {field.name for field in form.fields if field.secret}
        given = {name: value for name, value in values.items() if not (name in secret and value is None)}
        kept = {name for name in references if name not in given}
        checked = form.check({**settings, **given}, kept=kept)
        refuse_elsewhere(form, settings, kept, checked)
        return checked

    def resolved(
        self, form: Form, values: Mapping[str, object], by: Principal
    ) -> tuple[dict[str, object], dict[str, str]]:
        """The values with what links (`secretref:BACKEND:NAME`) lead to, to be checked, and the links by field.

        A link may name any secret of the installation: `Forbidden` unless `by` may write secrets everywhere.
        """
        found, links = dict(values), {}
        for field in form.fields:
            value = values.get(field.name)
            if field.secret and isinstance(value, str) and value.strip().startswith(LINK):
                links[field.name] = value.strip()
                found[field.name] = self._secrets.resolve(value.strip(), by)
        return found, links

    def keep(
        self, form: Form, owner: str, workspace_id: str, references: Mapping[str, str], checked: Mapping[str, str],
        links: Mapping[str, str] | None = None, *, without: Collection[str] = (),
    ) -> dict[str, Any]:  # fmt: skip
        """Puts the secrets among the values into the store; field → reference, with those that are there already.

        Those of the fields in `without` are deleted, which were taken away.
        `links`, of which `resolved` has found that they may be made, are kept in the place of what they lead to.
        """
        kept = dict(references)
        for name in [one for one in without if one in kept and one not in checked]:
            self._secrets.delete(kept.pop(name))
        now = self._clock.now()
        for field in form.fields:
            value = checked.get(field.name)
            if not field.secret or value is None:
                continue
            if links and field.name in links:
                value = links[field.name]
            elif value.startswith(LINK):
                raise InvalidFields({field.name: "cannot be a reference here"})
            expires = due(field, checked, now)
            if field.name in kept:
                self._secrets.replace(kept[field.name], value, expires_at=expires)
            else:
                kept[field.name] = self._secrets.put(
                    f"{self._room}/{owner}/{field.name}", value, workspace_id=workspace_id, expires_at=expires
                )
        return kept

    def tried(
        self, form: Form, open_: Callable[[Mapping[str, str], Mapping[str, Secret]], T], known: Mapping[str, object],
        values: Mapping[str, object], principal: Principal, check: Callable[[T], CheckReport],
    ) -> CheckReport:  # fmt: skip
        """The test of what is opened with values that need not be saved; `known` stand in for what is left out."""
        resolved, _ = self.resolved(form, values, principal)
        checked = form.check({**known, **resolved})
        kept = {
            field.name for field in form.fields if field.secret and field.name in known and field.name not in resolved
        }
        refuse_elsewhere(form, known, kept, checked)
        opened = open_(settings_of(form, checked), secrets_of(form, checked))
        try:
            return check(opened)
        finally:
            opened.close()

    def revealed(self, workspace_id: str, references: Mapping[str, str]) -> dict[str, object]:
        """The secrets themselves, for a test with values of which some are kept."""
        return {
            field: self._secrets.get(reference, workspace_id=workspace_id).reveal()
            for field, reference in references.items()
        }

    def statuses(
        self, form: Form, workspace_id: str, settings: Mapping[str, str], references: Mapping[str, str]
    ) -> dict[str, SecretStatus]:
        """What may be known of each secret."""
        known = {info.id: info for info in self._secrets.list(workspace_id)}
        found = {}
        for name, reference in references.items():
            info = known.get(secret_id(reference))
            if info is not None:
                moment = due(form.field(name), settings, info.changed_at)
                found[name] = secret_status(info.changed_at, moment, self._clock.now())
        return found


def taken_away(values: Mapping[str, object]) -> list[str]:
    """The fields that were given as an empty text."""
    return [name for name, value in values.items() if isinstance(value, str) and not value.strip()]


def refuse_elsewhere(
    form: Form, settings: Mapping[str, object], kept: Collection[str], checked: Mapping[str, str]
) -> None:
    """`InvalidFields` where secrets that are kept would be sent to another machine than they were entered for.

    Who may change an address may not learn a secret by it. `checked` are the new values.
    """
    moved = [
        field.name for field in form.fields
        if field.address and not field.secret and checked.get(field.name) != (settings.get(field.name) or field.default)
    ]  # fmt: skip
    due = [field.name for field in form.fields if field.sent and field.name in kept]
    if moved and due:
        raise InvalidFields(
            dict.fromkeys(due, f"has to be entered again: {moved[0]} is another, and it would be sent there")
        )


def defaults_of(form: Form) -> dict[str, str]:
    """The defaults of a form's fields."""
    return {one.name: one.default for one in form.fields if one.default is not None}


def settings_of(form: Form, checked: Mapping[str, str]) -> dict[str, str]:
    """The values that are no secrets."""
    return {field.name: checked[field.name] for field in form.fields if not field.secret and field.name in checked}


def secrets_of(form: Form, checked: Mapping[str, str]) -> dict[str, Secret]:
    """The values that are secrets."""
    return {field.name: Secret(checked[field.name]) for field in form.fields if field.secret and field.name in checked}


def plain_name(name: str) -> str:
    """The name of something configured, without doubled spaces; `InvalidFields` for what is none."""
    plain = " ".join(name.split())
    if not plain or len(plain) > MAX_NAME or not plain.isprintable():
        raise InvalidFields({"name": f"must have 1 to {MAX_NAME} printable characters"})
    return plain


def refuse_taken_name(session: Session, row: Any, what: str) -> None:
    """`Conflict` where another row of the same table and workspace has the name of `row`; `what` is what such a row is."""
    table = type(row)
    taken = select(table.id).where(
        table.workspace_id == row.workspace_id, table.folded_name == row.folded_name, table.id != row.id
    )
    with session.no_autoflush:
        if session.scalars(taken).first() is not None:
            raise Conflict(f"There is a {what} '{row.name}' already.", target="name")


def due(field: FormField, settings: Mapping[str, str], changed_at: datetime) -> datetime | None:
    """When a secret has to be replaced: after its days, or when it expires, whichever is first."""
    moments = []
    if field.rotate_days is not None:
        moments.append(changed_at + timedelta(days=field.rotate_days))
    if field.expiry_field is not None and settings.get(field.expiry_field):
        moments.append(datetime.combine(date.fromisoformat(settings[field.expiry_field]), time(), UTC))
    return min(moments, default=None)
