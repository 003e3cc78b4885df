"""Polls a table of ServiceNow for records that were made or changed, each state once.

Records are read in the order of `sys_updated_on` and `sys_id`, and the place in a pass is the last record, not a number of records: what
changes meanwhile moves no page. Moments have whole seconds, and a record may become visible after one of a later second; so a pass
begins some minutes before the last, and what was read in those minutes is known by its id, moment and count of changes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from vedette.clients.azure_errors import AzureFailure
from vedette.clients.outbound_http import CA_FILE
from vedette.clients.servicenow import ACCOUNT, INSTANCE, ServiceNowClient, ServiceNowFailure
from vedette.collect.connectors.changes import Answer, step
from vedette.collect.connectors.contract import ConnectorManifest, Endpoint, Event, Page, PollFailure, Trouble
from vedette.collect.formats.timestamps import iso
from vedette.collect.reserved import kept_apart
from vedette.core.checks import CheckReport, CheckStep, passed, run_steps
from vedette.core.clock import Clock
from vedette.core.forms import FieldType, FormField, Permission, TroubleshootingRow
from vedette.core.outbound import SETTING, Outbound
from vedette.core.redaction import Secret

ENDPOINT: Final = "records"
LIMIT: Final = 100
"""Records of a page: the ids of as many fit into an address."""
_NEEDED: Final = ("sys_id", "sys_updated_on", "sys_mod_count")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_DATED: Final = re.compile(r".*(_on|_at|_date|_start|_end)")
_RIGHT: Final = "itil"
_TROUBLE: Final = {
    401: Trouble.UNAUTHORIZED,
    403: Trouble.FORBIDDEN,
    404: Trouble.GONE,
    410: Trouble.GONE,
    429: Trouble.THROTTLED,
}

MANIFEST: Final = ConnectorManifest(
    id="servicenow", title="ServiceNow", category="Tickets",
    about="Collects the records of a table of a ServiceNow instance, such as its incidents, again when they change, through the Table API.",
    fields=(
        INSTANCE,
        *ACCOUNT,
        FormField(
            "table", "Table", FieldType.TEXT, "The table of ServiceNow; an instance of the connector for each.", default="incident",
            required=False, pattern=r"[a-z][a-z0-9_]{0,79}", rule="be the name of a table, such as incident or change_request",
        ),
        FormField(
            "further_fields", "Further fields", FieldType.TEXT, "Fields of what references lead to, with commas.", required=False,
            default="caller_id.email,caller_id.user_name,assigned_to.email,cmdb_ci.name,cmdb_ci.fqdn,cmdb_ci.ip_address",
            pattern=r"\s*[a-z][a-z0-9_.]*(\s*,\s*[a-z][a-z0-9_.]*)*\s*", rule="be names of fields with commas between them",
            max_length=1000,
        ),
        FormField(
            "first_look_back", "First look-back (days)", FieldType.TEXT, "How many days back the first poll goes.", required=False,
            default="365", pattern=r"[0-9]{1,4}", rule="be a number of days from 0 to 9999",
        ),
        CA_FILE,
    ),
    permissions=(
        Permission("itil", "reads records of tables of tasks; of other tables, a role that reads them"),
        Permission("web service access to the table", "the Table API"),
    ),
    endpoints=(
        Endpoint(
            ENDPOINT, "Records", timedelta(minutes=5), ("ServiceNowIncident_CL",), _RIGHT,
            "Records that were made or changed. The rows of change_request come into ServiceNowChangeRequest_CL, and so on.",
        ),
    ),
    prerequisites=(
        "A user for the connector with the role itil, whose time zone is GMT: conditions on times are read in the user's.",
        "For OAuth, an endpoint for external clients in the application registry.",
    ),
    source_fields=("instance_url", "table"),
    vendor_docs="https://docs.servicenow.com/csh?topicname=c_TableAPI.html",
    troubleshooting=(
        TroubleshootingRow("unauthorized (401)", "User name, password or the OAuth client are wrong.", "Enter new ones."),
        TroubleshootingRow(
            "forbidden (403)", "The user lacks a role, or the server may not connect to the address.",
            f"Give the user the role itil; an instance in a private network is allowed with {SETTING}.",
        ),
        TroubleshootingRow("gone (400, 404)", "There is no such table.", "Enter its name, such as incident, and not its label."),
        TroubleshootingRow("throttled (429)", "A rate limit rule of the instance.", "Raise the interval, or the limit of the rule."),
    ),
    guide="connectors/index.md#servicenow",
)  # fmt: skip


class ServiceNow:
    """The connector `servicenow`."""

    def __init__(self, clock: Clock, outbound: Outbound | None = None) -> None:
        self._clock, self._outbound = clock, outbound or Outbound()

    @property
    def manifest(self) -> ConnectorManifest:
        """What the connector is and which fields it needs."""
        return MANIFEST

    def open(self, values: Mapping[str, str], secrets: Mapping[str, Secret]) -> ServiceNowConnection:
        """A connection with checked values; does no network call."""
        client = ServiceNowClient(values, secrets, self._clock, self._outbound)
        further = [name for one in values["further_fields"].split(",") if (name := one.strip())]
        return ServiceNowConnection(
            client, values["table"], further, timedelta(days=int(values["first_look_back"])), self._clock
        )


class ServiceNowConnection:
    """One table of one instance."""

    def __init__(
        self, client: ServiceNowClient, table: str, further: Sequence[str], look_back: timedelta, clock: Clock
    ) -> None:
        self._client, self._table, self._further = client, table, tuple(further)
        self._look_back, self._clock = look_back, clock
        self._rows = table_of(table)

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def poll(self, endpoint: str, cursor: Mapping[str, Any]) -> Page:
        """One page of what changed."""
        try:
            done = step(
                cursor, self._clock.now(), self._look_back, first=self._first, following=self._following,
                identify=_state, changed=_changed,
            )  # fmt: skip
            more = self._more_of([one for _, one in done.objects])
        except ServiceNowFailure as failure:
            raise self._told(failure) from failure
        except AzureFailure as failure:  # a page that leads to itself
            raise PollFailure(failure.message, Trouble.UNAVAILABLE) from failure
        events = [
            Event(self._rows, row_of({**one, **more.get(_value(one, "sys_id"), {})}), f"{self._table}:{identity}")
            for identity, one in done.objects
        ]
        return Page(events, done.cursor, done.more, len(done.objects), warning=done.warning)

    def check(self) -> CheckReport:
        """Sign in, and read a record."""

        def reading() -> CheckStep:
            try:
                found = self._client.records(self._table, "ORDERBYDESCsys_updated_on", 1)
            except ServiceNowFailure as failure:
                raise self._told(failure) from failure
            if not found.listed:
                return CheckStep(
                    "", None, f"The table {self._table} shows no record: it is empty, or the user lacks the role {_RIGHT}.",
                    f"Give the user the role {_RIGHT}, or one that reads {self._table}.",
                )  # fmt: skip
            self._checked(found.listed)
            return passed(f"Records of {self._table} can be read.")

        return run_steps(self._clock, [(f"Sign in and read {self._table}", reading)])

    # -- pages

    def _first(self, since: str) -> Answer:
        return self._page(_spelled(since), "", 0)

    def _following(self, link: str) -> Answer:
        moment, identity, offset = json.loads(link)
        return self._page(moment, identity, int(offset))

    def _page(self, moment: str, identity: str, offset: int) -> Answer:
        """The records behind a record, without the first `offset` of them."""
        # of the same second those behind it, then all later ones
        query = f"sys_updated_on={moment}^sys_id>{identity}^NQsys_updated_on>{moment}"
        if not identity:
            query = f"sys_updated_on>={moment}"
        found = self._client.records(self._table, f"{query}^ORDERBYsys_updated_on^ORDERBYsys_id", LIMIT, offset=offset)
        self._checked(found.listed)
        last = moment
        for one in found.listed:
            if _value(one, "sys_updated_on") < last:
                raise PollFailure(
                    f"{self._table} does not come in the order of sys_updated_on.", Trouble.UNAVAILABLE,
                    hint="The table has to be one whose records have sys_updated_on and sys_id.",
                )  # fmt: skip
            last = _value(one, "sys_updated_on")
        if not found.more:
            return Answer(found.listed, None)
        if found.listed:
            return Answer(found.listed, json.dumps([last, _value(found.listed[-1], "sys_id"), 0]))
        # a page of records that the user may not see: those behind it are counted off
        return Answer([], json.dumps([moment, identity, offset + LIMIT]))

    def _more_of(self, records: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """The further fields of records, by their ids."""
        ids = [identity for one in records if (identity := _value(one, "sys_id"))]
        if not ids or not self._further:
            return {}
        found = self._client.records(
            self._table, f"sys_idIN{','.join(ids)}", len(ids), fields=("sys_id", *self._further)
        )
        return {_value(one, "sys_id"): one for one in found.listed}

    def _checked(self, records: Sequence[Mapping[str, Any]]) -> None:
        for one in records:
            if missing := [name for name in _NEEDED[:2] if not _value(one, name)]:
                raise PollFailure(
                    f"Records of {self._table} have no {missing[0]}: what changed cannot be asked for.", Trouble.GONE,
                    hint="Views of the database cannot be collected.",
                )  # fmt: skip
            _moment(_value(one, "sys_updated_on"))

    def _told(self, failure: ServiceNowFailure) -> PollFailure:
        trouble = _TROUBLE.get(failure.answered or 0, Trouble.UNAVAILABLE)
        message, hint = failure.message, failure.hint
        if failure.answered == 400 and failure.said.casefold().startswith("invalid table"):
            trouble = Trouble.GONE
            message, hint = f"The instance has no table '{self._table}'.", "Enter its name, such as incident."
        elif trouble is Trouble.FORBIDDEN and failure.target is None:
            message = (
                f"Records: the user lacks the role {_RIGHT}, or one that reads {self._table}. {failure.said}".strip()
            )
            hint = f"Give the user the role {_RIGHT}, and the table access by web services."
        return PollFailure(
            message, trouble, code=failure.code, hint=hint, target=failure.target, retry_after=failure.retry_after
        )


def table_of(table: str) -> str:
    """The custom table of a table's rows: `change_request` is `ServiceNowChangeRequest_CL`."""
    return f"ServiceNow{''.join(part[:1].upper() + part[1:] for part in table.split('_'))}_CL"


def row_of(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A record as a row: each field with a value, and where it is shown otherwise (a reference, a choice) also `…_name`."""
    row: dict[str, Any] = {}
    for field, told in record.items():
        name = field.replace(".", "_")
        value = _value(record, field)
        if not value:
            continue
        if _DATED.fullmatch(name) and _DATE.fullmatch(value):
            row[name] = f"{value[:10]}T{value[11:]}Z"
            continue
        row[name] = value
        shown = told.get("display_value") if isinstance(told, Mapping) else None
        if isinstance(shown, str) and shown and shown != value:
            row.setdefault(f"{name}_name", shown)
    row["TimeGenerated"] = iso(_moment(_value(record, "sys_updated_on")))
    (kept,) = kept_apart([row])
    return kept


def _value(record: Mapping[str, Any], field: str) -> str:
    told = record.get(field)
    if isinstance(told, Mapping):
        told = told.get("value")
    return told if isinstance(told, str) else ""


def _state(record: Mapping[str, Any]) -> str:
    return "@".join(_value(record, name) for name in _NEEDED)


def _changed(record: Mapping[str, Any]) -> str:
    return iso(_moment(_value(record, "sys_updated_on")))


def _moment(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        raise PollFailure(f"'{text[:40]}' is no moment of ServiceNow.", Trouble.UNAVAILABLE) from None


def _spelled(since: str) -> str:
    return datetime.fromisoformat(since).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
