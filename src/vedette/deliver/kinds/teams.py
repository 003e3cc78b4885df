"""Microsoft Teams: an adaptive card in a channel for each detection run that matched, through a workflow with a webhook.

The workflow is the one of Teams that posts to a channel when a webhook request is received; it takes a message with one
adaptive card as its attachment (learn.microsoft.com, connectors-using).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from vedette.clients.outbound_http import CA_FILE
from vedette.core.clock import Clock
from vedette.core.forms import FieldType, FormField
from vedette.core.outbound import Outbound
from vedette.core.redaction import Secret
from vedette.deliver.chat import TEST_MESSAGE, ChatDestination
from vedette.deliver.description import cut, facts, one_line
from vedette.deliver.detection import DetectionRun, DetectionSeverity
from vedette.deliver.manifest import Manifest
from vedette.deliver.web import TROUBLESHOOTING, URL_PATTERN, URL_RULE, WebEndpoint

_COLORS: Final = {
    DetectionSeverity.CRITICAL: "Attention",
    DetectionSeverity.HIGH: "Attention",
    DetectionSeverity.MEDIUM: "Warning",
    DetectionSeverity.LOW: "Accent",
    DetectionSeverity.INFORMATIONAL: "Default",
}

MANIFEST: Final = Manifest(
    kind="teams",
    title="Microsoft Teams",
    about="Posts an adaptive card into a Teams channel for each detection run that matched.",
    fields=(
        FormField(
            "webhook_url", "Webhook URL", FieldType.TEXT,
            "The address of a workflow that posts to a channel when a webhook request is received. Whoever knows it may post, "
            "so it is kept as a secret.",
            secret=True, address=True, example="https://prod-00.westeurope.logic.azure.com/workflows/0123/triggers/manual/paths/invoke",
            pattern=URL_PATTERN, rule=URL_RULE, max_length=2048,
        ),
        CA_FILE,
    ),
    permissions=(),
    troubleshooting=TROUBLESHOOTING,
    guide="destinations/others.md",
)  # fmt: skip


def card(body: list[dict[str, Any]], actions: list[dict[str, Any]]) -> dict[str, Any]:
    """A message with one adaptive card."""
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": actions,
    }
    return {
        "type": "message",
        "attachments": [
            {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": content}
        ],
    }


def message(run: DetectionRun) -> dict[str, Any]:
    """The card about a run."""
    body: list[dict[str, Any]] = [
        {
            "type": "TextBlock",
            "size": "Large",
            "weight": "Bolder",
            "wrap": True,
            "color": _COLORS[run.severity],
            "text": escape(cut(one_line(f"{run.severity.value}: {run.name}"), 400)),
        },
        {"type": "FactSet", "facts": [{"title": label, "value": escape(value)} for label, value in facts(run)]},
    ]
    if run.description.strip():
        body.append({"type": "TextBlock", "wrap": True, "text": escape(cut(run.description.strip(), 4000))})
    return card(body, [{"type": "Action.OpenUrl", "title": "Open in Vedette", "url": run.replay_link}])


def escape(text: str) -> str:
    """Text that a card shows as it is: the characters of its Markdown get a backslash."""
    return re.sub(r"([\\`*_\[\]()#+!|<>-])", r"\\\1", text)


class Teams:
    """The kind `teams`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @property
    def manifest(self) -> Manifest:
        """What the kind is and which fields it needs."""
        return MANIFEST

    def open(self, values: Mapping[str, str], secrets: Mapping[str, Secret], outbound: Outbound) -> ChatDestination:
        """A destination with checked values; does no network call."""
        endpoint = WebEndpoint("Microsoft Teams", self._clock, outbound, values.get("ca_file"))
        test = card([{"type": "TextBlock", "wrap": True, "text": TEST_MESSAGE}], [])
        return ChatDestination(endpoint, secrets["webhook_url"], self._clock, message=message, test_message=test)
