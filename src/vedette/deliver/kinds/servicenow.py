"""ServiceNow: an incident by the Table API for each detection run that matched.

ServiceNow has no key against doubling, so that the incident is looked for by its correlation id before it is made, at every
attempt. A condition on a field that does not exist is silently ignored there: what comes back is compared once more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from vedette.clients.outbound_http import CA_FILE
from vedette.clients.servicenow import (
    ACCOUNT,
    INSTANCE,
    HalfAnOAuthClient,
    ServiceNowAccount,
    TokenRefused,
    result_of,
)
from vedette.core.checks import CheckReport, CheckStep, passed, run_steps
from vedette.core.clock import Clock
from vedette.core.forms import FieldType, FormField, Permission
from vedette.core.outbound import Outbound
from vedette.core.redaction import Secret
from vedette.deliver.contract import DeliveryFailure, Receipt, Remedy
from vedette.deliver.description import cut, describe, one_line
from vedette.deliver.detection import DetectionRun, DetectionSeverity
from vedette.deliver.manifest import Manifest
from vedette.deliver.web import TROUBLESHOOTING, Answer, WebEndpoint

TABLE: Final = "/api/now/table/incident"
MAX_SHORT_DESCRIPTION: Final = 160

IMPACT_AND_URGENCY: Final = {
    DetectionSeverity.CRITICAL: ("1", "1"),
    DetectionSeverity.HIGH: ("1", "2"),
    DetectionSeverity.MEDIUM: ("2", "2"),
    DetectionSeverity.LOW: ("2", "3"),
    DetectionSeverity.INFORMATIONAL: ("3", "3"),
}
"""Severity → impact and urgency, of which ServiceNow's own table makes the priorities 1 to 5."""

MANIFEST: Final = Manifest(
    kind="servicenow",
    title="ServiceNow",
    about="Creates an incident in ServiceNow for each detection run that matched.",
    fields=(
        INSTANCE,
        *ACCOUNT,
        FormField(
            "assignment_group", "Assignment group", FieldType.TEXT, "Name or sys_id of the group that gets the incidents.",
            required=False, example="Security Operations",
        ),
        FormField(
            "caller", "Caller", FieldType.TEXT, "User name or sys_id that is entered as the caller.", required=False
        ),
        FormField("category", "Category", FieldType.TEXT, "The category of the incidents.", required=False, example="security"),
        CA_FILE,
    ),
    permissions=(
        Permission("itil", "reads and creates incidents"),
        Permission("web service access to the table incident", "the Table API"),
    ),
    troubleshooting=TROUBLESHOOTING,
    guide="destinations/others.md",
)  # fmt: skip


def correlation_id(run: DetectionRun) -> str:
    """What ties an incident of ServiceNow to the run, for ever."""
    return f"vedette:{run.incident_id}"


def record(run: DetectionRun, values: Mapping[str, str]) -> dict[str, str]:
    """The incident that a run makes."""
    impact, urgency = IMPACT_AND_URGENCY[run.severity]
    made = {
        "short_description": cut(one_line(run.name), MAX_SHORT_DESCRIPTION),
        "description": describe(run),
        "impact": impact,
        "urgency": urgency,
        "correlation_id": correlation_id(run),
        "correlation_display": "Vedette",
    }
    for field, name in (("assignment_group", "assignment_group"), ("caller_id", "caller"), ("category", "category")):
        if values.get(name):
            made[field] = values[name]
    return made


class ServiceNow:
    """The kind `servicenow`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @property
    def manifest(self) -> Manifest:
        """What the kind is and which fields it needs."""
        return MANIFEST

    def open(
        self, values: Mapping[str, str], secrets: Mapping[str, Secret], outbound: Outbound
    ) -> ServiceNowDestination:
        """A destination with checked values; does no network call."""
        endpoint = WebEndpoint("ServiceNow", self._clock, outbound, values.get("ca_file"))
        return ServiceNowDestination(endpoint, values, secrets, self._clock)


class ServiceNowDestination:
    """One instance of ServiceNow."""

    def __init__(
        self, endpoint: WebEndpoint, values: Mapping[str, str], secrets: Mapping[str, Secret], clock: Clock
    ) -> None:
        self._endpoint, self._values, self._clock = endpoint, values, clock
        self._base = values["instance_url"].rstrip("/")
        self._account: ServiceNowAccount[Answer] = ServiceNowAccount(self._base, values, secrets, clock, endpoint.send)

    def close(self) -> None:
        """Close connections."""
        self._endpoint.close()

    def deliver(self, run: DetectionRun) -> Receipt:
        """Create the incident, unless one with its correlation id is there. Raises `DeliveryFailure`."""
        wanted = correlation_id(run)
        for found in self._find(wanted):
            if found.get("correlation_id") == wanted:
                return self._receipt(found, repeated=True)
        created = self._endpoint.expect(self._request("POST", record(run, self._values)), 200, 201)
        return self._receipt(self._result(created, dict), repeated=False)

    def check(self, *, write: bool = False) -> CheckReport:
        """Sign in and read the table of incidents; with `write`, create one and cancel it."""
        plan = [("Sign in and read incidents", self._check_reading)]
        if write:
            plan.append(("Create a test incident", self._check_writing))
        return run_steps(self._clock, plan)

    def _check_reading(self) -> CheckStep:
        self._find("vedette:test")
        return passed("The instance accepts the credentials, and its incidents can be read.")

    def _check_writing(self) -> CheckStep:
        made = {
            "short_description": "Vedette test incident",
            "description": "Made by the test of a destination. It is cancelled at once.",
            "impact": "3",
            "urgency": "3",
            "correlation_display": "Vedette",
        }
        created = self._result(self._endpoint.expect(self._request("POST", made), 200, 201), dict)
        self._endpoint.expect(self._request("PATCH", {"state": "8"}, f"/{created.get('sys_id')}"))
        return passed(f"The incident {created.get('number')} was created and cancelled.")

    def _find(self, wanted: str) -> list[dict[str, Any]]:
        params = {
            "sysparm_query": f"correlation_id={wanted}",
            "sysparm_fields": "sys_id,number,correlation_id",
            "sysparm_limit": "10",
        }
        found: list[dict[str, Any]] = self._result(self._endpoint.expect(self._request("GET", None, "", params)), list)
        return found

    def _request(
        self, method: str, body: Mapping[str, str] | None, path: str = "", params: Mapping[str, str] | None = None
    ) -> Answer:
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        try:
            return self._account.request(method, f"{TABLE}{path}", content=content, params=params)
        except HalfAnOAuthClient as error:
            raise DeliveryFailure(str(error), Remedy.CONFIGURATION, code="VDT6121", target=error.missing) from None
        except TokenRefused as refused:
            said = refused.reply
            if 200 <= said.status < 300:
                raise _unreadable() from None
            # RFC 6749, 5.2: what is wrong with the credentials comes as 400, too
            status = 401 if said.status == 400 else said.status
            raise self._endpoint.failure(Answer(status, said.headers, said.body)) from None

    def _result(self, answer: Answer, kind: type) -> Any:
        try:
            return result_of(answer, kind)
        except ValueError:
            raise _unreadable() from None

    def _receipt(self, incident: Mapping[str, Any], *, repeated: bool) -> Receipt:
        identity, number = incident.get("sys_id"), incident.get("number")
        if not isinstance(identity, str) or not identity:
            raise _unreadable()
        return Receipt(
            f"{number}" if number else identity, f"{self._base}/nav_to.do?uri=incident.do?sys_id={identity}", repeated
        )


def _unreadable() -> DeliveryFailure:
    return DeliveryFailure(
        "The answer is not one of ServiceNow's Table API.", Remedy.CONFIGURATION, code="VDT6127", target="instance_url",
        hint="Check the instance's address; an instance that hibernates answers with a page of its own.",
    )  # fmt: skip
