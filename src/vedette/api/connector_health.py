"""How connectors fetch, as rows of SentinelHealth: what changed, once an hour where nothing did, and what failed in an hour.

Sources: "Monitor the health of your data connectors" and the reference of the SentinelHealth table.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select

from vedette.collect.connectors.models import ConnectorPollRow, ConnectorRow
from vedette.core.clock import Clock
from vedette.core.database import State

_BACK: Final = timedelta(hours=24)
_HOUR: Final = timedelta(hours=1)
_GOOD: Final = "ok"

Made = tuple[dict[str, object], str]
"""A row, and the id that it is stored once by."""


class ConnectorHealth:
    """Tells of the polls of a workspace's connectors: at first of the last day's, which have the same ids each time, then of new ones."""

    def __init__(self, state: State, workspace_id: str, clock: Clock) -> None:
        self._state = state
        self._workspace_id = workspace_id
        self._clock = clock
        self._told: set[str] = set()
        self._begun = False

    def rows(self) -> list[Made]:
        """What is to be told now, and was not yet."""
        now = self._clock.now().astimezone(UTC)
        since = _hour(now - (_HOUR if self._begun else _BACK))
        made: list[Made] = []
        with self._state.session(read_only=True) as session:
            found = session.execute(
                select(ConnectorRow.id, ConnectorRow.name, ConnectorRow.kind).where(
                    ConnectorRow.workspace_id == self._workspace_id
                )
            ).all()
            for connector_id, name, kind in found:
                of = ConnectorPollRow.connector_id == connector_id
                before = select(func.max(ConnectorPollRow.id)).where(of, ConnectorPollRow.ended_at < since)
                first = before.group_by(ConnectorPollRow.endpoint)
                polls = session.scalars(
                    select(ConnectorPollRow)
                    .where(of, (ConnectorPollRow.ended_at >= since) | ConnectorPollRow.id.in_(first))
                    .order_by(ConnectorPollRow.id)
                ).all()
                about = self._about(connector_id, name, kind)
                made += _changes(list(polls), since, connector_id, about)
                made += _failures(list(polls), since, _hour(now), connector_id, about)
        new = [one for one in made if one[1] not in self._told]
        self._told, self._begun = {ident for _, ident in made}, True
        return new

    def _about(self, connector_id: str, name: str, kind: str) -> dict[str, object]:
        return {
            "WorkspaceId": self._workspace_id, "SourceSystem": "Vedette", "SentinelResourceName": name, "SentinelResourceKind": kind,
            "SentinelResourceType": "Data connector",
            "SentinelResourceId": f"/workspaces/{self._workspace_id}/providers/Microsoft.SecurityInsights/dataConnectors/{connector_id}",
        }  # fmt: skip


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _changes(polls: list[ConnectorPollRow], since: datetime, connector_id: str, about: dict[str, object]) -> list[Made]:
    """A row for each poll after which the connector stands otherwise than before, and for the first of each hour.

    A connector fails while one of its endpoints does.
    """
    made: list[Made] = []
    failing: dict[str, ConnectorPollRow] = {}
    stood: tuple[bool, datetime] | None = None
    for poll in polls:
        failing.pop(poll.endpoint, None)
        if poll.outcome != _GOOD:
            failing[poll.endpoint] = poll
        stands = (not failing, _hour(poll.ended_at))
        if poll.ended_at >= since and stands != stood:
            worst = next(iter(failing.values()), None)
            details: dict[str, Any] = {"Endpoint": poll.endpoint, "Fetched": poll.fetched, "Pages": poll.pages}
            if failing:
                details["Issues"] = [
                    {"Code": one.outcome, "Description": one.message or "", "Endpoint": name}
                    for name, one in failing.items()
                ]
            row = {
                **about, "TimeGenerated": poll.ended_at, "OperationName": "Data fetch status change",
                "Status": "Failure" if failing else "Success", "Reason": "" if worst is None else worst.message or worst.outcome,
                "Description": "Data was fetched." if worst is None else f"Data of {worst.endpoint} could not be fetched.",
                "ExtendedProperties": details, "RecordId": f"{connector_id}/{poll.id}",
            }  # fmt: skip
            made.append((row, f"fetch/{connector_id}/{poll.id}"))
        stood = stands
    return made


def _failures(
    polls: list[ConnectorPollRow], since: datetime, until: datetime, connector_id: str, about: dict[str, object]
) -> list[Made]:
    """A row for each hour that has ended and had failures."""
    by_hour: dict[datetime, Counter[tuple[str, str, str]]] = defaultdict(Counter)
    for poll in polls:
        if poll.outcome != _GOOD and since <= poll.ended_at < until:
            by_hour[_hour(poll.ended_at)][poll.endpoint, poll.outcome, poll.message or ""] += 1
    made: list[Made] = []
    for hour, failures in sorted(by_hour.items()):
        summary = [
            {"Endpoint": endpoint, "Code": code, "Description": message, "Failures": count}
            for (endpoint, code, message), count in failures.most_common()
        ]
        row = {
            **about, "TimeGenerated": hour + _HOUR, "OperationName": "Data fetch failure summary", "Status": "Failure",
            "Description": f"{sum(failures.values())} fetches failed in an hour.", "Reason": summary[0]["Description"],
            "ExtendedProperties": {"StartTime": hour, "EndTime": hour + _HOUR, "FailureSummary": summary},
            "RecordId": f"{connector_id}/{hour:%Y-%m-%dT%H}",
        }  # fmt: skip
        made.append((row, f"fetch-summary/{connector_id}/{hour:%Y-%m-%dT%H}"))
    return made
