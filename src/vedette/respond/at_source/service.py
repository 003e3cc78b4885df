"""Alerts where they come from: what is to be done with them there, done durably, and what came of it.

Closing an incident leaves its alerts as they are at their source. Who wants them dismissed there as well says so: with the closing
itself, by an automation rule, or by hand. The wish is kept in the transaction that closes, and is followed as soon as the source can
be reached; the incident's timeline tells the end. Source: Microsoft's description of Defender for Cloud's alerts in Microsoft Sentinel.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from vedette.clients.azure_errors import AzureFailure, FailureKind
from vedette.clients.defender_for_cloud import VERBS, CloudAlert, DefenderForCloudClient
from vedette.core.audit import Audit
from vedette.core.clock import Clock
from vedette.core.database import State
from vedette.core.errors import InvalidInput, VedetteError, not_found
from vedette.core.roles import Permission, Principal
from vedette.incidents.fields import iso
from vedette.incidents.models import AlertRow
from vedette.incidents.service import IncidentService
from vedette.incidents.vocabulary import ActivityKind
from vedette.respond.at_source.alerts import SourceAlert, source_alerts
from vedette.respond.at_source.models import SourceChangeRow

PRODUCT: Final = "Microsoft Defender for Cloud"
DONE: Final = {"Dismiss": "Dismissed", "Resolve": "Resolved", "Activate": "Active", "InProgress": "InProgress"}
"""What can be asked for, and the state that the alert is in then."""
_SAID: Final = {
    "Dismiss": "Dismissed",
    "Resolve": "Resolved",
    "Activate": "Made active again",
    "InProgress": "Set in progress",
}
ATTEMPTS: Final = 32
"""After so many, about a day, it is given up."""
_LONGEST: Final = 3600.0
_IDLE: Final = 60.0
_AFTER_ERROR: Final = 10.0
"""Seconds before the next look where one failed, as when secrets cannot be read."""
_MOST: Final = 500
"""Changes that are made in one go."""
_WAITING, _FINISHED, _FAILED, _REPLACED = "waiting", "done", "failed", "replaced"
_TRANSIENT: Final = (FailureKind.THROTTLED, FailureKind.UNAVAILABLE)
_ADD_CONNECTOR: Final = (
    f"Add a connector {PRODUCT} for that subscription under Integrations, or enable the one that is there."
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SourceAccount:
    """Through what a subscription's alerts are reached: a connector's app registration."""

    connector: str
    subscription_id: str
    open: Callable[[], DefenderForCloudClient]


Accounts = Callable[[], Sequence[SourceAccount]]


class SourceAlerts:
    """The alerts of one workspace's incidents at their source."""

    def __init__(
        self,
        state: State,
        workspace_id: str,
        clock: Clock,
        incidents: IncidentService,
        accounts: Accounts,
        audit: Audit,
    ) -> None:
        self._state, self._clock, self._audit = state, clock, audit
        self._workspace_id, self._incidents, self._accounts = workspace_id, incidents, accounts
        self._awake, self._turn = threading.Event(), threading.Lock()

    # -- what is wanted

    def of(self, reference: int | str) -> dict[str, Any]:
        """The alerts of an incident that come from Defender for Cloud, each with the last thing that was asked for it."""
        number = self._number(reference)
        accounts = {one.subscription_id.lower(): one.connector for one in self._accounts()}
        with self._state.session(read_only=True) as session:
            found = self._found(session, number)
            asked = self._asked(session, [one.source_id for one in found])
        value = [
            {
                "alertId": one.alert_id, "sourceId": one.source_id, "title": one.title, "product": PRODUCT,
                "subscriptionId": one.subscription_id,
                "connector": _connector(one, accounts),
                "change": None if (row := asked.get(one.source_id)) is None else _view(row),
            }
            for one in found
        ]  # fmt: skip
        return {"value": value, "actions": list(VERBS)}

    def ask(self, reference: int | str, action: str, principal: Principal) -> int:
        """Have the source's alerts of an incident moved to another state; returns how many. Part of the session around it.

        A wish that waits for the same alert is replaced by this one.
        """
        principal.require(self._workspace_id, Permission.INCIDENTS_WRITE)
        wanted = check_action(action)
        number, now = self._number(reference), self._clock.now()
        with self._state.session() as session:
            found = self._found(session, number)
            for one in found:
                waiting = (
                    update(SourceChangeRow)
                    .where(
                        SourceChangeRow.workspace_id == self._workspace_id,
                        SourceChangeRow.source_id == one.source_id,
                        SourceChangeRow.state == _WAITING,
                    )
                    .values(state=_REPLACED, ended_at=now)
                )
                session.execute(waiting)
                session.add(
                    SourceChangeRow(
                        workspace_id=self._workspace_id, number=number, alert_id=one.alert_id, source_id=one.source_id,
                        names=list(one.names), subscription_id=one.subscription_id, title=one.title, action=wanted,
                        state=_WAITING, attempts=0,
                        due_at=now, message=None, hint=None, actor_id=principal.id, actor_name=principal.display_name,
                        asked_at=now, ended_at=None,
                    )
                )  # fmt: skip
            if found:
                detail = {"incident": number, "alerts": [one.source_id for one in found]}
                self._audit.record(principal, f"source-alerts/{wanted}", str(number), self._workspace_id, detail)
        return len(found)

    def ask_now(self, reference: int | str, action: str, principal: Principal) -> dict[str, Any]:
        """The same, at once; returns what came of it. `InvalidInput` where the incident has no such alert."""
        if not self.ask(reference, action, principal):
            raise InvalidInput(
                f"None of the alerts of incident {self._number(reference)} comes from {PRODUCT}.",
                hint=f"Only alerts that {PRODUCT} raised can be changed there.",
            )
        self.act()
        return self.of(reference)

    # -- what is done

    def wake(self) -> None:
        """Look now for what is wanted."""
        self._awake.set()

    def run(self, stop: threading.Event) -> None:
        """Follow what is wanted until told to stop."""
        while not stop.is_set():
            self._awake.clear()
            least, pause = 0.0, 0.0
            try:
                self.act()
                pause = self._pause()
            except VedetteError as error:
                _log.error("alerts cannot be changed at their source: %s", error)
                least = _AFTER_ERROR
            except Exception:
                _log.exception("alerts cannot be changed at their source")
                least = _AFTER_ERROR
            pause = max(least, pause)
            while pause > 0 and not stop.is_set() and (least or not self._awake.is_set()):
                self._clock.wait(stop, min(pause, 1.0))
                pause -= 1.0

    def act(self) -> int:
        """Do what is due; returns how many changes have ended."""
        with self._turn:
            due = select(SourceChangeRow).where(
                SourceChangeRow.workspace_id == self._workspace_id,
                SourceChangeRow.state == _WAITING,
                SourceChangeRow.due_at <= self._clock.now(),
            )
            with self._state.session(read_only=True) as session:
                rows = list(session.scalars(due.order_by(SourceChangeRow.id).limit(_MOST)))
                session.expunge_all()
            if not rows:
                return 0
            left, ended = {row.id: row for row in rows}, 0
            accounts = self._accounts()
            for account in accounts:
                mine = [row for row in left.values() if row.subscription_id in (None, account.subscription_id.lower())]
                if mine:
                    ended += self._through(account, mine, left)
            for row in left.values():
                ended += self._fail(row, *_unreached(row, accounts))
            return ended

    def _through(
        self, account: SourceAccount, rows: Sequence[SourceChangeRow], left: dict[int, SourceChangeRow]
    ) -> int:
        """What can be done through one app registration; what is settled, or has to wait, is taken out of `left`."""
        ended = 0
        try:
            with account.open() as client:
                known = find_alerts(client, {name.casefold() for row in rows for name in row.names})
                for row in rows:
                    alert = next((known[name.casefold()] for name in row.names if name.casefold() in known), None)
                    if alert is None:
                        continue
                    del left[row.id]
                    try:
                        if alert.status != DONE[row.action]:
                            client.change(alert, row.action)
                    except AzureFailure as failure:
                        ended += self._failed(row, failure, account)
                    else:
                        ended += self._end(row, _FINISHED, None, None)
        except VedetteError as error:  # signing in or listing: of none of them is anything known
            for row in rows:
                if left.pop(row.id, None) is not None:
                    ended += self._failed(row, error, account)
        return ended

    def _failed(self, row: SourceChangeRow, error: VedetteError, account: SourceAccount) -> int:
        attempts = row.attempts + 1
        transient = isinstance(error, AzureFailure) and error.kind in _TRANSIENT
        if not transient or attempts >= ATTEMPTS:
            return self._fail(row, f"Through the connector '{account.connector}': {error.message}", error.hint)
        asked = getattr(error, "retry_after", None) or 0.0
        wait = max(min(_LONGEST, 5.0 * 2.0 ** min(attempts - 1, 16)), asked)
        values = {
            "attempts": attempts, "due_at": self._clock.now() + timedelta(seconds=wait), "message": error.message,
            "hint": error.hint,
        }  # fmt: skip
        self._write(row, values)
        return 0

    def _fail(self, row: SourceChangeRow, message: str, hint: str | None) -> int:
        return self._end(row, _FAILED, message, hint)

    def _end(self, row: SourceChangeRow, state: str, message: str | None, hint: str | None) -> int:
        values = {
            "state": state,
            "message": message,
            "hint": hint,
            "ended_at": self._clock.now(),
            "attempts": row.attempts + 1,
        }
        title = f"{_SAID[row.action]} in {PRODUCT}: {row.title}"
        if state == _FAILED:
            title = f"Not {_SAID[row.action].lower()} in {PRODUCT}: {row.title}"
        who = Principal(id=row.actor_id, kind="user", name=row.actor_name, display_name=row.actor_name)
        with self._state.session():
            if not self._write(row, values):
                return 0
            detail = None if message is None else f"{message} {hint or ''}".strip()
            self._incidents.note(
                row.number, ActivityKind.ACTION, title, detail=detail, about=row.source_id, principal=who
            )
        return 1

    def _write(self, row: SourceChangeRow, values: Mapping[str, object]) -> bool:
        """False where the wish was replaced meanwhile."""
        changed = update(SourceChangeRow).where(SourceChangeRow.id == row.id, SourceChangeRow.state == _WAITING)
        with self._state.session() as session:
            return bool(session.execute(changed.values(**values)).rowcount)  # type: ignore[attr-defined]

    def _pause(self) -> float:
        query = select(func.min(SourceChangeRow.due_at)).where(
            SourceChangeRow.workspace_id == self._workspace_id, SourceChangeRow.state == _WAITING
        )
        with self._state.session(read_only=True) as session:
            due: datetime | None = session.scalar(query)
        return _IDLE if due is None else min(_IDLE, max(0.0, (due - self._clock.now()).total_seconds()))

    # -- what helps

    def alerts(self, reference: int | str) -> list[SourceAlert]:
        """The alerts of an incident that come from Defender for Cloud."""
        with self._state.session(read_only=True) as session:
            return self._found(session, self._number(reference))

    def _number(self, reference: int | str) -> int:
        return int(self._incidents.summary(reference)["number"])

    def _found(self, session: Session, number: int) -> list[SourceAlert]:
        rows = select(AlertRow).filter_by(workspace_id=self._workspace_id, incident_number=number)
        return source_alerts(session.scalars(rows.order_by(AlertRow.start, AlertRow.id)))

    def _asked(self, session: Session, ids: Iterable[str]) -> dict[str, SourceChangeRow]:
        rows = select(SourceChangeRow).where(
            SourceChangeRow.workspace_id == self._workspace_id,
            SourceChangeRow.source_id.in_(list(ids)),
            SourceChangeRow.state != _REPLACED,
        )
        found = {row.source_id: row for row in session.scalars(rows.order_by(SourceChangeRow.id))}
        session.expunge_all()
        return found


def _connector(alert: SourceAlert, accounts: Mapping[str, str]) -> str | None:
    """The name of the connector that reaches an alert: of one whose subscription is not known, the first."""
    if alert.subscription_id is None:
        return next(iter(accounts.values()), None)
    return accounts.get(alert.subscription_id)


def check_action(action: str) -> str:
    """The action as it is written, whatever the case it was given in."""
    wanted = next((one for one in VERBS if one.casefold() == action.strip().casefold()), None)
    if wanted is None:
        raise not_found("action", action, VERBS)
    return wanted


def find_alerts(client: DefenderForCloudClient, wanted: set[str], *, first: bool = False) -> dict[str, CloudAlert]:
    """The alerts that are known by these names; the pages are read until all, or with `first` one, were seen."""
    found: dict[str, CloudAlert] = {}
    for alert in client.alerts():
        for name in {alert.system_id.casefold(), alert.name.casefold()} & wanted:
            found.setdefault(name, alert)
        if len(found) == len(wanted) or (first and found):
            break
    return found


def _unreached(row: SourceChangeRow, accounts: Sequence[SourceAccount]) -> tuple[str, str]:
    reached = {one.subscription_id.lower() for one in accounts}
    if not accounts or (row.subscription_id is not None and row.subscription_id not in reached):
        where = f"the subscription {row.subscription_id}" if row.subscription_id else "any subscription"
        return f"No connector {PRODUCT} that is enabled reaches {where}.", _ADD_CONNECTOR
    where = f"the subscription {row.subscription_id}" if row.subscription_id else "the subscriptions of the connectors"
    return f"There is no alert '{row.source_id}' in {where}.", f"{PRODUCT} keeps alerts for 90 days."


def _view(row: SourceChangeRow) -> dict[str, Any]:
    return {
        "action": row.action, "state": row.state, "message": row.message, "hint": row.hint, "attempts": row.attempts,
        "by": {"id": row.actor_id, "name": row.actor_name}, "askedTimeUtc": iso(row.asked_at),
        "endedTimeUtc": None if row.ended_at is None else iso(row.ended_at),
        "status": DONE[row.action] if row.state == _FINISHED else None,
    }  # fmt: skip
