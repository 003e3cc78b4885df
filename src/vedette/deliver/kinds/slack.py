"""Slack: a message in a channel for each detection run that matched, through an incoming webhook of Slack's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vedette.clients.outbound_http import CA_FILE
from vedette.core.clock import Clock
from vedette.core.forms import FieldType, FormField
from vedette.core.outbound import Outbound
from vedette.core.redaction import Secret
from vedette.deliver.chat import TEST_MESSAGE, ChatDestination
from vedette.deliver.description import cut, facts, one_line
from vedette.deliver.detection import DetectionRun
from vedette.deliver.manifest import Manifest
from vedette.deliver.web import TROUBLESHOOTING, URL_PATTERN, URL_RULE, WebEndpoint

_SHOWN: Final = ("Severity", "Match count", "Run type", "Exhaustiveness")

MANIFEST: Final = Manifest(
    kind="slack",
    title="Slack",
    about="Posts a message into a Slack channel for each detection run that matched.",
    fields=(
        FormField(
            "webhook_url", "Webhook URL", FieldType.TEXT,
            "The incoming webhook of a Slack app with the channel. Whoever knows it may post, so it is kept as a secret.",
            secret=True, address=True, example="https://hooks.slack.com/services/T000/B000/XXXX", pattern=URL_PATTERN, rule=URL_RULE,
            max_length=2048,
        ),
        CA_FILE,
    ),
    permissions=(),
    troubleshooting=TROUBLESHOOTING,
    guide="destinations/others.md",
)  # fmt: skip


def message(run: DetectionRun) -> dict[str, Any]:
    """The message in Slack's Block Kit; `text` is what notifications show."""
    headline = one_line(f"{run.severity.value}: {run.name}")
    known = dict(facts(run))
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": cut(headline, 150)}},
        {
            "type": "section",
            "fields": [{"type": "mrkdwn", "text": f"*{label}*\n{escape(known[label])}"} for label in _SHOWN],
        },
    ]
    if run.description.strip():
        blocks.append(
            {"type": "section", "text": {"type": "mrkdwn", "text": cut(escape(run.description.strip()), 2900)}}
        )
    blocks.append(
        {
            "type": "actions",
            "elements": [
                {
                    "type": "button",
                    "text": {"type": "plain_text", "text": "Open in Vedette"},
                    "url": run.replay_link,
                    "action_id": "open",
                }
            ],
        }
    )
    return {"text": escape(headline), "blocks": blocks}


def escape(text: str) -> str:
    """Text that Slack shows as it is: its three control characters replaced."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class Slack:
    """The kind `slack`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @property
    def manifest(self) -> Manifest:
        """What the kind is and which fields it needs."""
        return MANIFEST

    def open(self, values: Mapping[str, str], secrets: Mapping[str, Secret], outbound: Outbound) -> ChatDestination:
        """A destination with checked values; does no network call."""
        endpoint = WebEndpoint("Slack", self._clock, outbound, values.get("ca_file"))
        return ChatDestination(
            endpoint, secrets["webhook_url"], self._clock, message=message, test_message={"text": TEST_MESSAGE}
        )
