"""Custom detections of Microsoft Defender XDR (Graph's ``security/rules/detectionRules``) as analytics rules.

Source: learn.microsoft.com/graph/api/resources/security-detectionrule and the frequency table of custom detections
(learn.microsoft.com/defender-xdr/custom-detection-rules).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vedette.detect.attack import tactic_named
from vedette.detect.reading.document import Document
from vedette.detect.reading.layout import read_layout
from vedette.detect.reading.problems import RuleProblem
from vedette.detect.rule import AnalyticsRule, JsonValue

_PERIODS: Final = {"0": None, "1H": ("1h", "4h"), "3H": ("3h", "12h"), "12H": ("12h", "2d"), "24H": ("1d", "30d")}
"""Schedule → how often the rule runs and how far it looks back; "0" is the continuous (near-real-time) frequency."""

_ASSETS: Final = {
    "deviceid": ("Host", "MdatpDeviceId", "DeviceId"),
    "devicename": ("Host", "FullName", "DeviceName"),
    "remotedevicename": ("Host", "FullName", "RemoteDeviceName"),
    "targetdevicename": ("Host", "FullName", "TargetDeviceName"),
    "accountobjectid": ("Account", "AadUserId", "AccountObjectId"),
    "accountsid": ("Account", "Sid", "AccountSid"),
    "accountupn": ("Account", "FullName", "AccountUpn"),
    "accountname": ("Account", "Name", "AccountName"),
    "initiatingprocessaccountobjectid": ("Account", "AadUserId", "InitiatingProcessAccountObjectId"),
    "initiatingprocessaccountsid": ("Account", "Sid", "InitiatingProcessAccountSid"),
    "initiatingprocessaccountupn": ("Account", "FullName", "InitiatingProcessAccountUpn"),
    "initiatingaccountsid": ("Account", "Sid", "InitiatingAccountSid"),
    "initiatingaccountname": ("Account", "Name", "InitiatingAccountName"),
    "requestaccountsid": ("Account", "Sid", "RequestAccountSid"),
    "requestaccountname": ("Account", "Name", "RequestAccountName"),
    "servicprincipalid": ("Account", "AadUserId", "ServicePrincipalId"),
    "serviceprincipalid": ("Account", "AadUserId", "ServicePrincipalId"),
    "recipientemailaddress": ("Mailbox", "MailboxPrimaryAddress", "RecipientEmailAddress"),
    "senderfromaddress": ("Mailbox", "MailboxPrimaryAddress", "SenderFromAddress"),
    "sendermailfromaddress": ("Mailbox", "MailboxPrimaryAddress", "SenderMailFromAddress"),
    "senderobjectid": ("Account", "AadUserId", "SenderObjectId"),
    "recipientobjectid": ("Account", "AadUserId", "RecipientObjectId"),
}


def is_defender(value: JsonValue) -> bool:
    """Whether a mapping is a custom detection rule of Defender XDR."""
    return isinstance(value, Mapping) and "detectionAction" in value and "queryCondition" in value


def is_defender_list(value: JsonValue) -> bool:
    """Whether a mapping is a page of custom detection rules, as Graph lists them."""
    entries = value.get("value") if isinstance(value, Mapping) else None
    return isinstance(entries, list) and bool(entries) and all(is_defender(entry) for entry in entries)


def read_defender(document: Document, problems: list[RuleProblem]) -> AnalyticsRule | None:
    """The rule that a custom detection describes, or None when an error keeps it out."""
    value: Mapping[str, Any] = document.value
    action = _mapping(value.get("detectionAction"))
    template = _mapping(action.get("alertTemplate"))
    period = str(_mapping(value.get("schedule")).get("period", "24H")).strip().upper()
    if period not in _PERIODS:
        message = f"'{period}' is not a period of a custom detection."
        problems.append(
            RuleProblem(document.file, document.line(("schedule",)), message, f"Known are {', '.join(_PERIODS)}.")
        )
        return None
    schedule = _PERIODS[period]
    techniques = [text for text in template.get("mitreTechniques") or [] if isinstance(text, str)]
    category = template.get("category")
    layout: dict[str, Any] = {
        "id": value.get("detectorId") or value.get("id"),
        "name": value.get("displayName"),
        "kind": "NRT" if schedule is None else "Scheduled",
        "description": template.get("description"),
        "severity": template.get("severity") or "Medium",
        "enabled": value.get("isEnabled", True),
        "query": _mapping(value.get("queryCondition")).get("queryText") or value.get("query"),
        "tactics": [category] if isinstance(category, str) and tactic_named(category) else [],
        "relevantTechniques": techniques,
        "entityMappings": _mappings(template, document, problems),
        "alertDetailsOverride": {"alertDisplayNameFormat": template.get("title")} if template.get("title") else None,
        # What Defender has beside the alert (response actions, recommended actions) is kept for who reads the rule.
        "defender": {
            key: entry
            for key, entry in value.items()
            if key not in ("queryCondition", "query", "displayName", "isEnabled")
        },
    }
    if schedule is not None:
        layout |= {
            "queryFrequency": schedule[0],
            "queryPeriod": schedule[1],
            "triggerOperator": "gt",
            "triggerThreshold": 0,
        }
    return read_layout(document.at((), {key: entry for key, entry in layout.items() if entry is not None}), problems)


def _mappings(template: Mapping[str, Any], document: Document, problems: list[RuleProblem]) -> list[dict[str, Any]]:
    mappings = []
    for asset in template.get("impactedAssets") or []:
        identifier = str(_mapping(asset).get("identifier", ""))
        found = _ASSETS.get(identifier.casefold())
        if found is None:
            message = f"'{identifier}' is not an impacted asset's identifier that is known here."
            line = document.line(("detectionAction", "alertTemplate", "impactedAssets"))
            problems.append(RuleProblem(document.file, line, message, "The rule is read without it."))
            continue
        mappings.append({"entityType": found[0], "fieldMappings": [{"identifier": found[1], "columnName": found[2]}]})
    return mappings


def _mapping(value: JsonValue) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
