"""Microsoft Sentinel as a destination: one incident for each detection run that matched.

Fields of the incident: title (the detection's name), description (`description.py`), severity (`SEVERITIES`), status New,
firstActivityTimeUtc (start of the searched range), lastActivityTimeUtc (when it ran), and the name of the source as
providerName, or as a label where the api-version does not take one. The id is derived from detection and run, so that an
incident that is there already is met, not doubled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from vedette.clients.azure_cloud import CLOUDS, AzureCloud
from vedette.clients.azure_errors import ADVICE, AzureFailure, FailureKind
from vedette.clients.azure_http import ClientSecretCredentials
from vedette.clients.security_insights import (
    API_VERSION,
    PROVIDER_NAME_VERSIONS,
    READ_INCIDENTS,
    WRITE_INCIDENTS,
    IncidentProperties,
    SecurityInsightsClient,
    SentinelIncident,
    WorkspaceAddress,
)
from vedette.core.checks import CheckReport, CheckStep
from vedette.core.clock import Clock, SystemClock
from vedette.core.forms import FieldType, FormField, Permission, TroubleshootingRow
from vedette.core.outbound import Outbound
from vedette.core.redaction import Secret, redact
from vedette.deliver.contract import DeliveryFailure, Receipt, Remedy
from vedette.deliver.description import describe, is_of_run
from vedette.deliver.detection import DetectionRun, DetectionSeverity
from vedette.deliver.manifest import Manifest

PRODUCT: Final = "Vedette"
SOURCE: Final = f"{PRODUCT} Federated Detections"
"""The source by which delivered incidents can be told from native ones."""

RESPONDER: Final = "Microsoft Sentinel Responder"
TEST_INCIDENT_TITLE: Final = f"{PRODUCT} test incident"
MAX_TITLE: Final = 512
_READ_PAUSES: Final = (0.5, 2.0)

SEVERITIES: Final = {
    DetectionSeverity.CRITICAL: "High",
    DetectionSeverity.HIGH: "High",
    DetectionSeverity.MEDIUM: "Medium",
    DetectionSeverity.LOW: "Low",
    DetectionSeverity.INFORMATIONAL: "Informational",
}
"""Severity of a detection → severity of the incident. There are no others: `severity_from` refuses them."""

NOT_CREATED: Final = TroubleshootingRow(
    "Incident not created",
    "The detection did not match, or the destination is disabled.",
    "Verify that the outcome of the run is MATCHED, and check that the destination is enabled.",
)

_REMEDIES: Final = {
    FailureKind.AUTHENTICATION: Remedy.CONFIGURATION,
    FailureKind.TENANT_NOT_FOUND: Remedy.CONFIGURATION,
    FailureKind.FORBIDDEN: Remedy.CONFIGURATION,
    FailureKind.NOT_FOUND: Remedy.CONFIGURATION,
    FailureKind.CONFLICT: Remedy.NOTHING,
    FailureKind.THROTTLED: Remedy.WAITING,
    FailureKind.REFUSED: Remedy.NOTHING,
    FailureKind.UNAVAILABLE: Remedy.WAITING,
}


def manifest(clouds: Mapping[str, AzureCloud] = CLOUDS) -> Manifest:
    """The manifest, with the clouds that may be chosen; the first one is the default."""
    rows = [
        ADVICE[kind]
        for kind in (
            FailureKind.AUTHENTICATION,
            FailureKind.FORBIDDEN,
            FailureKind.NOT_FOUND,
            FailureKind.TENANT_NOT_FOUND,
        )
    ]
    return Manifest(
        kind="sentinel",
        title="Microsoft Sentinel",
        about="Creates an incident in a Microsoft Sentinel workspace for each detection run that matched, "
        "signed in as an App Registration.",
        fields=(
            FormField(
                "tenant_id",
                "Tenant ID",
                FieldType.UUID,
                "Directory (tenant) ID of your Microsoft Entra (Azure AD) tenant, on the App Registration's overview.",
                secret=True,
                example="aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
            ),
            FormField(
                "client_id",
                "Client ID",
                FieldType.UUID,
                "Application (client) ID of the App Registration, on its overview.",
                secret=True,
                example="11111111-2222-3333-4444-555555555555",
            ),
            FormField(
                "client_secret",
                "Client secret",
                FieldType.TEXT,
                "Value (not the ID) of a client secret of the App Registration. Rotate it every 90 days.",
                secret=True,
                max_length=1024,
                rotate_days=90,
                expiry_field="client_secret_expires_on",
            ),
            FormField(
                "subscription_id",
                "Subscription ID",
                FieldType.UUID,
                "The Azure subscription that the workspace is in.",
                example="99999999-8888-7777-6666-555555555555",
            ),
            FormField(
                "resource_group_name",
                "Resource group name",
                FieldType.TEXT,
                "The resource group that the workspace is in. Sent in the letter case in which it is typed.",
                example="rg-security",
                pattern=r"[^/\\?#%&<>]{0,89}[^/\\?#%&<>.]",
                rule="be the name of a resource group (at most 90 characters, none of / \\ ? # % & < >, no full stop at "
                "the end)",
                max_length=90,
            ),
            FormField(
                "workspace_name",
                "Workspace name",
                FieldType.TEXT,
                "The Log Analytics workspace with Microsoft Sentinel. Sent in the letter case in which it is typed.",
                example="law-security",
                pattern=r"[A-Za-z0-9][A-Za-z0-9-]{0,61}[A-Za-z0-9]",
                rule="be the name of a workspace (letters, digits and hyphens, at most 63)",
                max_length=63,
            ),
            FormField(
                "client_secret_expires_on",
                "Client secret expires on",
                FieldType.DATE,
                "The date on which Microsoft Entra lets the secret expire; you are reminded before it.",
                required=False,
                example="2026-12-31",
            ),
            FormField(
                "cloud",
                "Azure cloud",
                FieldType.CHOICE,
                "The Azure cloud that the tenant is in.",
                required=False,
                default=next(iter(clouds)),
                choices=tuple(clouds),
            ),
            FormField(
                "api_version",
                "API version",
                FieldType.TEXT,
                "The api-version of Microsoft.SecurityInsights that is asked for.",
                required=False,
                default=API_VERSION,
                pattern=r"\d{4}-\d{2}-\d{2}(-preview)?",
                rule="be an api-version such as 2022-07-01-preview or 2024-09-01",
                max_length=32,
            ),
        ),
        permissions=(Permission(RESPONDER, "reads and creates incidents in the workspace"),),
        troubleshooting=(*(TroubleshootingRow(row.error, row.cause, row.solution) for row in rows), NOT_CREATED),
        guide="destinations/microsoft-sentinel.md",
    )


def incident_properties(run: DetectionRun, api_version: str = API_VERSION) -> IncidentProperties:
    """The incident that a run makes."""
    has_provider = api_version in PROVIDER_NAME_VERSIONS
    title = " ".join(run.name.split())
    return IncidentProperties(
        title=title if len(title) <= MAX_TITLE else title[: MAX_TITLE - 1] + "…",
        severity=SEVERITIES[run.severity],
        status="New",
        description=describe(run),
        first_activity=run.range_start,
        last_activity=run.ran_at,
        labels=() if has_provider else (SOURCE,),
        provider_name=SOURCE if has_provider else None,
    )


class MicrosoftSentinel:
    """The kind `sentinel`."""

    def __init__(self, clock: Clock | None = None, clouds: Mapping[str, AzureCloud] = CLOUDS) -> None:
        self._clock = clock or SystemClock()
        self._clouds = dict(clouds)
        self._manifest = manifest(clouds)

    @property
    def manifest(self) -> Manifest:
        """What the kind is and which fields it needs."""
        return self._manifest

    def open(self, values: Mapping[str, str], secrets: Mapping[str, Secret], outbound: Outbound) -> SentinelDestination:
        """A destination with checked values; does no network call."""
        version = values["api_version"]
        client = SecurityInsightsClient(
            ClientSecretCredentials(
                secrets["tenant_id"].reveal(), secrets["client_id"].reveal(), secrets["client_secret"]
            ),
            WorkspaceAddress(values["subscription_id"], values["resource_group_name"], values["workspace_name"]),
            cloud=self._clouds[values["cloud"]],
            api_version=version,
            clock=self._clock,
        )
        return SentinelDestination(client, self._clock, version, tuple(secrets.values()))


class SentinelDestination:
    """One workspace of Microsoft Sentinel."""

    def __init__(
        self,
        client: SecurityInsightsClient,
        clock: Clock,
        api_version: str = API_VERSION,
        secrets: tuple[Secret, ...] = (),
    ) -> None:
        self._client = client
        self._clock = clock
        self._api_version = api_version
        # `redact` knows the secrets that are alive, and Azure repeats tenant and client ids in what it says.
        self._secrets = secrets

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def deliver(self, run: DetectionRun) -> Receipt:
        """Create the incident; one that is there already and names this run counts as created.

        After a conflict the PUT is not sent again: the incident is read, and is ours or is not. Raises `DeliveryFailure`.
        """
        try:
            return _receipt(self._client.put_incident(run.incident_id, incident_properties(run, self._api_version)))
        except AzureFailure as failure:
            if failure.kind is not FailureKind.CONFLICT:
                raise _failed(failure) from failure
        existing = self._read(run.incident_id)
        if existing is None:
            # It was deleted between the two requests, or its creation is not visible yet: the next attempt tells.
            raise DeliveryFailure(
                f"Microsoft Sentinel reports a conflict for the incident {run.incident_id} and does not show it.",
                Remedy.WAITING,
                code="VDT6105",
            )
        if not is_of_run(existing.properties.description, run):
            raise DeliveryFailure(
                f"The workspace has an incident {run.incident_id} that was not made by this detection run.",
                Remedy.NOTHING,
                code="VDT6105",
                cause="Its description does not name the detection and the run: it was changed, or is somebody else's.",
                hint="Look at the incident in Microsoft Sentinel; delete it and retry if it is not needed.",
            )
        return _receipt(existing, repeated=True)

    def _read(self, incident_id: str) -> SentinelIncident | None:
        """The incident, asked for again where Azure stumbles: reading changes nothing, and the answer decides all."""
        for pause in (*_READ_PAUSES, None):
            try:
                return self._client.get_incident(incident_id)
            except AzureFailure as failure:
                if pause is None or failure.kind is not FailureKind.UNAVAILABLE or failure.retry_after is not None:
                    raise _failed(failure) from failure
                self._clock.sleep(pause)
        raise AssertionError("the last round returns or raises")

    def check(self, *, write: bool = False) -> CheckReport:
        """Sign in, find the workspace, and compare the rights with those needed; with `write`, make a test incident."""
        steps: list[CheckStep] = []
        plan: list[tuple[str, Callable[[], CheckStep]]] = [
            ("Sign in to Microsoft Entra ID", self._check_sign_in),
            ("Read incidents of the workspace", self._check_reading),
            ("Permission to create incidents", self._check_permission),
        ]
        if write:
            plan.append(("Create a test incident", self._check_writing))
        for name, step in plan:
            began = self._clock.monotonic()
            try:
                outcome = step()
            except AzureFailure as failure:
                outcome = CheckStep("", False, redact(failure.message), failure.hint, failure.code, failure.fields)
            duration = self._clock.monotonic() - began
            steps.append(
                CheckStep(name, outcome.ok, outcome.message, outcome.hint, outcome.code, outcome.fields, duration)
            )
            if outcome.ok is False:
                break
        return CheckReport(tuple(steps))

    def _check_sign_in(self) -> CheckStep:
        self._client.authenticate()
        return CheckStep("", True, "The tenant accepts the client id and secret.")

    def _check_reading(self) -> CheckStep:
        self._client.first_page(1)
        return CheckStep("", True, "The workspace was found and its incidents can be read.")

    def _check_permission(self) -> CheckStep:
        try:
            permissions = self._client.permissions()
        except AzureFailure as failure:
            if failure.kind not in (FailureKind.FORBIDDEN, FailureKind.NOT_FOUND):
                raise
            message = "The rights on the workspace could not be read, so only a delivery will tell."
            return CheckStep("", None, message, "Create a test incident to be sure.")
        missing = [
            action
            for action in (READ_INCIDENTS, WRITE_INCIDENTS)
            if not any(permission.permits(action) for permission in permissions)
        ]
        if not missing:
            return CheckStep("", True, "The App Registration may create incidents.")
        advice = ADVICE[FailureKind.FORBIDDEN]
        message = f"{advice.error}: the App Registration lacks the permission {', '.join(missing)}."
        return CheckStep("", False, message, advice.solution, "VDT6103")

    def _check_writing(self) -> CheckStep:
        name = f"{PRODUCT.lower()}-test-{self._clock.now():%Y%m%d-%H%M%S}"
        self._client.put_incident(
            name,
            IncidentProperties(
                TEST_INCIDENT_TITLE,
                "Low",
                "New",
                description="Made by the test of a destination. It can be closed.",
                provider_name=SOURCE if self._api_version in PROVIDER_NAME_VERSIONS else None,
            ),
        )
        return CheckStep("", True, f"The incident {name} was created; it can be closed.")


def _receipt(incident: SentinelIncident, *, repeated: bool = False) -> Receipt:
    return Receipt(incident.id or incident.name, incident.url, repeated)


def _failed(failure: AzureFailure) -> DeliveryFailure:
    return DeliveryFailure(
        redact(failure.message),
        _REMEDIES[failure.kind],
        code=failure.code,
        hint=failure.hint,
        cause=failure.cause,
        target=failure.target,
        retry_after=failure.retry_after,
    )
