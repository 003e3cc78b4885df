"""A signed webhook: one JSON document for each detection run that matched, as the Standard Webhooks specification has it.

The signature is the base64 of HMAC-SHA256 over `id.timestamp.body` with the shared key; `webhook-id` is the incident's id,
the same at every repetition, so that a receiver can tell one that it has seen (https://www.standardwebhooks.com).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final

from vedette.clients.outbound_http import CA_FILE
from vedette.core.checks import CheckReport, CheckStep, passed, run_steps
from vedette.core.clock import Clock
from vedette.core.forms import FieldType, FormField
from vedette.core.outbound import Outbound
from vedette.core.redaction import Secret
from vedette.deliver.contract import DeliveryFailure, Receipt, Remedy
from vedette.deliver.description import describe
from vedette.deliver.detection import DetectionRun
from vedette.deliver.manifest import Manifest
from vedette.deliver.web import TROUBLESHOOTING, URL_PATTERN, URL_RULE, WebEndpoint

MATCHED: Final = "detection.matched"
TEST: Final = "destination.test"
_KEY: Final = r"whsec_[A-Za-z0-9+/]{32,86}={0,2}"
_KEY_RULE: Final = "be whsec_ and the base64 of 24 to 64 random bytes"

MANIFEST: Final = Manifest(
    kind="webhook",
    title="Webhook",
    about="Posts a signed JSON document for each detection run that matched.",
    fields=(
        FormField(
            "url", "URL", FieldType.TEXT, "Where the documents are posted to.", secret=True, address=True,
            example="https://hooks.example.com/vedette", pattern=URL_PATTERN, rule=URL_RULE, max_length=2048,
        ),
        FormField(
            "signing_key", "Signing key", FieldType.TEXT,
            "The key that both sides know, with which the receiver checks the signature.",
            secret=True, sent=False, example="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", pattern=_KEY, rule=_KEY_RULE, rotate_days=180,
        ),
        FormField(
            "previous_signing_key", "Previous signing key", FieldType.TEXT,
            "While the key is rotated: the one before. Both sign each document, and the receiver may take either.",
            secret=True, sent=False, required=False, pattern=_KEY, rule=_KEY_RULE,
        ),
        CA_FILE,
    ),
    permissions=(),
    troubleshooting=TROUBLESHOOTING,
    guide="destinations/others.md",
)  # fmt: skip


def document(run: DetectionRun) -> dict[str, Any]:
    """What is known of a run, for programs."""
    return {
        "id": run.incident_id,
        "incidentNumber": run.incident_number,
        "title": run.name,
        "severity": run.severity.value,
        "description": describe(run),
        "detection": {"id": run.detection_id, "name": run.name, "description": run.description},
        "run": {
            "id": run.run_id,
            "type": run.run_type.value,
            "outcome": run.outcome.value,
            "matchCount": run.match_count,
            "exhaustiveness": run.exhaustiveness.value,
            "threshold": {
                "operator": run.threshold.operator.value,
                "value": run.threshold.value,
                "eagerness": run.threshold.eagerness.value,
            },
            "rangeStart": run.range_start.isoformat(),
            "ranAt": run.ran_at.isoformat(),
            "searchId": run.search_id,
            "traceId": run.trace_id,
            "errors": list(run.errors),
        },
        "replayLink": run.replay_link,
    }


def signature(key: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The signature of a message, in the form `v1,BASE64`. `key` is `whsec_` and base64; ValueError if it is not."""
    try:
        raw = base64.b64decode(key.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise ValueError("the key is not base64") from error
    digest = hmac.new(raw, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


class Webhook:
    """The kind `webhook`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @property
    def manifest(self) -> Manifest:
        """What the kind is and which fields it needs."""
        return MANIFEST

    def open(self, values: Mapping[str, str], secrets: Mapping[str, Secret], outbound: Outbound) -> WebhookDestination:
        """A destination with checked values; does no network call."""
        keys = [secrets[name] for name in ("signing_key", "previous_signing_key") if name in secrets]
        endpoint = WebEndpoint("The webhook's receiver", self._clock, outbound, values.get("ca_file"))
        return WebhookDestination(endpoint, secrets["url"], keys, self._clock)


class WebhookDestination:
    """One receiver of signed documents."""

    def __init__(self, endpoint: WebEndpoint, url: Secret, keys: list[Secret], clock: Clock) -> None:
        self._endpoint, self._url, self._keys, self._clock = endpoint, url, keys, clock

    def close(self) -> None:
        """Close connections."""
        self._endpoint.close()

    def deliver(self, run: DetectionRun) -> Receipt:
        """Post the document; any success counts. Raises `DeliveryFailure`."""
        self._post(MATCHED, run.incident_id, run.ran_at.isoformat(), document(run))
        return Receipt(run.incident_id)

    def check(self, *, write: bool = False) -> CheckReport:
        """Ask whether there is a server; with `write`, post a document of the type `destination.test`."""
        plan = [("Reach the receiver", self._check_reaching)]
        if write:
            plan.append(("Post a test document", self._check_writing))
        return run_steps(self._clock, plan)

    def _check_reaching(self) -> CheckStep:
        answer = self._endpoint.send("HEAD", self._url.reveal())
        return passed(f"The receiver answers (HEAD: {answer.status}).")

    def _check_writing(self) -> CheckStep:
        now = self._clock.now()
        self._post(
            TEST, f"test-{int(now.timestamp())}", now.isoformat(), {"message": "A test of a Vedette destination."}
        )
        return passed("The receiver took the test document.")

    def _post(self, kind: str, message_id: str, moment: str, data: Mapping[str, Any]) -> None:
        body = json.dumps({"type": kind, "timestamp": moment, "data": data}, ensure_ascii=False).encode()
        timestamp = int(self._clock.now().timestamp())
        try:
            signed = [signature(key.reveal(), message_id, timestamp, body) for key in self._keys]
        except ValueError as error:
            raise DeliveryFailure(
                "The signing key is not whsec_ and base64.", Remedy.CONFIGURATION, code="VDT6121", target="signing_key"
            ) from error
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(signed),
        }
        self._endpoint.expect(self._endpoint.send("POST", self._url.reveal(), content=body, headers=headers))
