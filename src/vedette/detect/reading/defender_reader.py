"""Custom detections of Microsoft Defender XDR (Graph's ``security/rules/detectionRules``) as analytics rules.

Both forms are read: that of 2024 (period, category, impactedAssets) and the one that took its place (frequency, tactics,
entityMappings, customDetails); each as Graph has it, or as a resource of the type ``Microsoft.Security/detectionRules``.

Source: learn.microsoft.com/graph/api/resources/security-detectionrule, security-alerttemplate, security-ruleschedule,
security-entitymappingconfiguration, and the frequency table of custom detections (learn.microsoft.com/defender-xdr/custom-detection-rules).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from vedette.core.errors import nearest
from vedette.detect.attack import TACTICS, tactic_named
from vedette.detect.reading.document import Document, Path
from vedette.detect.reading.durations import format_iso8601, parse_duration
from vedette.detect.reading.layout import read_layout
from vedette.detect.reading.problems import ProblemSeverity, RuleProblem
from vedette.detect.rule import AnalyticsRule, JsonValue

_PERIODS: Final = {"0": "PT0S", "1H": "PT1H", "3H": "PT3H", "12H": "PT12H", "24H": "P1D"}
"""The older `period` → `frequency`; no time between two runs is the continuous (near-real-time) frequency."""

_LOOKBACKS: Final = (
    (timedelta(hours=1), timedelta(hours=4)),
    (timedelta(hours=3), timedelta(hours=12)),
    (timedelta(hours=12), timedelta(days=2)),
    (timedelta(days=14), timedelta(days=30)),
)
"""The longest frequency → how far a rule looks back that does not say it."""

_MAPPED: Final = {
    "accounts": ("Account", {
        "aadUserId": "AadUserId", "dnsDomain": "DnsDomain", "name": "Name", "ntDomain": "NTDomain", "sid": "Sid",
        "upn": "FullName", "upnSuffix": "UPNSuffix",
    }),
    "hosts": ("Host", {
        "deviceId": "MdatpDeviceId", "dnsDomain": "DnsDomain", "name": "HostName", "netBiosName": "NetBiosName",
        "ntDomain": "NTDomain", "azureId": "AzureID", "aadDeviceId": "AadDeviceId",
    }),
    "ips": ("IP", {"address": "Address"}),
    "urls": ("URL", {"address": "Url"}),
    "azureResources": ("AzureResource", {"resourceId": "ResourceId"}),
    "cloudApplications": ("CloudApplication", {"appId": "AppId", "name": "Name"}),
    "mailboxes": ("Mailbox", {"primaryAddress": "MailboxPrimaryAddress", "upn": "Upn"}),
    "mailMessages": ("MailMessage", {
        "networkMessageId": "NetworkMessageId", "recipient": "Recipient", "sender": "Sender", "subject": "Subject",
    }),
    "mailClusters": ("MailCluster", {"query": "Query", "source": "Source"}),
    "dns": ("DNS", {"domainName": "DomainName", "hostIpAddress": "IpAddress"}),
    "files": ("File", {"name": "Name", "directory": "Directory"}),
    "processes": ("Process", {"processId": "ProcessId", "commandLine": "CommandLine"}),
    "registryValues": ("RegistryValue", {"key": "Key", "valueName": "Name", "value": "Value"}),
    "securityGroups": ("SecurityGroup", {"distinguishedName": "DistinguishedName", "objectId": "ObjectGuid", "sid": "SID"}),
}  # fmt: skip
"""Collections of `entityMappings` → the entity type, and its properties (without ``Column``) → identifiers."""

RESOURCE_TYPE: Final = re.compile(r"microsoft\.security/detectionrules(?:@[\w.-]+)?", re.IGNORECASE)
"""The type of the resource; what Bicep compiles for its extensions has the version of the API behind it."""
_KIND: Final = "customdetection"
"""The kind of such files, in lower case."""

_HASHES: Final = ("files", "processes")
"""Collections whose hashes are entities of their own."""

_ASSETS: Final[Mapping[str, Mapping[str, str]]] = {
    "Host": {"deviceId": "MdatpDeviceId", "deviceName": "FullName"},
    "Account": {
        "accountObjectId": "AadUserId", "objectId": "AadUserId", "accountSid": "Sid", "accountUpn": "FullName",
        "accountName": "Name", "accountDomain": "NTDomain", "accountId": "CloudAppAccountId",
        "servicePrincipalId": "AadUserId", "servicePrincipalName": "Name",
    },
    "Mailbox": {
        "accountUpn": "Upn", "ownerUpn": "Upn", "fromAddress": "MailboxPrimaryAddress",
        "emailAddress": "MailboxPrimaryAddress", "displayName": "DisplayName",
    },
}  # fmt: skip
"""The entity type → how the names of its assets' identifiers end, and the identifier of the entity. The whole name is that of
the column: `initiatingProcessAccountUpn` is `AccountUpn` of the initiating process."""

_PREFIXES: Final[Mapping[str, tuple[str, ...]]] = {
    "Host": ("", "remote", "target", "destination"),
    "Account": ("", "request", "recipient", "sender", "process", "initiating", "initiatingProcess", "target"),
    "Mailbox": ("", "initiatingProcess", "lastModifying", "target", "file", "sender", "senderMail", "recipient"),
}
"""What such a name begins with."""

_ASSET_TYPES: Final = {"device": "Host", "user": "Account", "mailbox": "Mailbox"}
_SPELLED: Final = {"servicprincipalid": "servicePrincipalId"}


def is_defender(value: JsonValue) -> bool:
    """Whether a mapping is a custom detection rule of Defender XDR."""
    return (
        isinstance(value, Mapping) and "queryCondition" in value and ("detectionAction" in value or "schedule" in value)
    )


def is_detection_resource(value: JsonValue) -> bool:
    """Whether a mapping is a custom detection in an envelope: a resource of a template, or a file of a solution's ``XDR Detections``."""
    if not isinstance(value, Mapping) or not is_defender(value.get("properties")):
        return False
    given = (value.get("type"), value.get("resourceType"))
    return str(value.get("kind")).casefold() == _KIND or any(RESOURCE_TYPE.fullmatch(str(one)) for one in given)


def is_defender_list(value: JsonValue) -> bool:
    """Whether a mapping is a page of custom detection rules, as Graph lists them."""
    entries = value.get("value") if isinstance(value, Mapping) else None
    return isinstance(entries, list) and bool(entries) and all(is_defender(entry) for entry in entries)


def read_defender(document: Document, problems: list[RuleProblem]) -> AnalyticsRule | None:
    """The rule that a custom detection describes, or None when an error keeps it out."""
    value: Mapping[str, Any] = document.value
    action = _mapping(value.get("detectionAction"))
    template = _mapping(action.get("alertTemplate"))
    schedule = _schedule(_mapping(value.get("schedule")), document, problems)
    if schedule is None:
        return None
    frequency, lookback = schedule
    tactics, techniques, sub_techniques = _attack(template)
    _say_what_is_no_tactic(template, document, problems)
    _say_what_is_left(action, document, problems)
    layout: dict[str, Any] = {
        "id": value.get("detectorId") or value.get("id"),
        "name": value.get("displayName"),
        "kind": "Scheduled" if frequency else "NRT",
        "description": template.get("description") or value.get("description"),
        "severity": template.get("severity") or "Medium",
        "enabled": _enabled(value),
        "query": _mapping(value.get("queryCondition")).get("queryText"),
        "tactics": tactics,
        "relevantTechniques": techniques,
        "subTechniques": sub_techniques or None,
        "entityMappings": _mappings(template, document, problems),
        "customDetails": _custom_details(template),
        "alertDetailsOverride": _override(template),
        "eventGroupingSettings": {
            "aggregationKind": _GROUPINGS.get(str(template.get("eventGroupingKind")), "AlertPerResult")
        },
        # What Defender has beside the alert (response actions, recommended actions) is kept for who reads the rule.
        "defender": {
            key: entry
            for key, entry in value.items()
            if key not in ("queryCondition", "displayName", "isEnabled", "@odata.context", "@odata.etag")
        },
    }
    if frequency:
        layout |= {
            "queryFrequency": format_iso8601(frequency),
            "queryPeriod": format_iso8601(lookback),
            "triggerOperator": "gt",
            "triggerThreshold": 0,
        }
    given = {key: entry for key, entry in layout.items() if entry is not None}
    return read_layout(Document(given, document.file, place_of(document)), problems)


def place_of(document: Document) -> Callable[[Path], int | None]:
    """The lines of a custom detection's parts, by their paths in the public layout."""
    template = _mapping(_mapping(_mapping(document.value).get("detectionAction")).get("alertTemplate"))

    def place(path: Path) -> int | None:
        newer = _NEWER_PLACES.get(path[:1])
        if newer is not None and newer in template:
            return document.line((*_TEMPLATE, newer))
        return document.line(_PLACES.get(path[:1], ()))

    return place


_NEWER_PLACES: Final[Mapping[Path, str]] = {
    ("tactics",): "tactics",
    ("relevantTechniques",): "tactics",
    ("entityMappings",): "entityMappings",
}
_TEMPLATE: Final[Path] = ("detectionAction", "alertTemplate")
_PLACES: Final[Mapping[Path, Path]] = {
    ("name",): ("displayName",), ("query",): ("queryCondition", "queryText"), ("queryFrequency",): ("schedule",),
    ("queryPeriod",): ("schedule",), ("severity",): (*_TEMPLATE, "severity"), ("description",): (*_TEMPLATE, "description"),
    ("tactics",): (*_TEMPLATE, "category"), ("relevantTechniques",): (*_TEMPLATE, "mitreTechniques"),
    ("entityMappings",): (*_TEMPLATE, "impactedAssets"), ("customDetails",): (*_TEMPLATE, "customDetails"),
    ("alertDetailsOverride",): (*_TEMPLATE, "title"),
}  # fmt: skip
"""Where the fields that `read_layout` reads stand in a custom detection; a part that is not there is told by what is around it."""


def _say_what_is_left(action: Mapping[str, Any], document: Document, problems: list[RuleProblem]) -> None:
    """What a custom detection does beside its alert, and is kept here but not done."""
    actions = action.get("responseActions")
    names = [
        str(_mapping(one).get("@odata.type", "")).rpartition(".")[2].removesuffix("ResponseAction") or "an unnamed one"
        for one in (actions if isinstance(actions, list) else [])
    ] + [name for name in _mapping(action.get("automatedActions")) if "@" not in name]
    if names:
        line = document.line(("detectionAction", "responseActions" if actions else "automatedActions"))
        message = f"its response actions are kept and not carried out here: {', '.join(dict.fromkeys(names))}."
        _note(document, problems, line, message, "Automation rules and people respond to its incidents.")
    scope = action.get("organizationalScope")
    if scope:
        line = document.line(("detectionAction", "organizationalScope"))
        groups = _mapping(scope).get("scopeNames")
        said = f" ({', '.join(str(one) for one in groups)})" if isinstance(groups, list) and groups else ""
        message = f"its organizational scope{said} is kept and not applied: the rule reads every device here."
        _note(document, problems, line, message, "Narrow the query where that matters.")


_GROUPINGS: Final = {"alertPerEvent": "AlertPerResult", "singleAlert": "SingleAlert"}


def _schedule(
    schedule: Mapping[str, Any], document: Document, problems: list[RuleProblem]
) -> tuple[timedelta, timedelta] | None:
    """How often the rule runs, and how far it looks back; no time for the continuous frequency; None with a finding."""
    given = schedule.get("frequency")
    if given is None:
        period = str(schedule.get("period", "24H")).strip().upper()
        given = _PERIODS.get(period)
        if given is None:
            _wrong(
                document,
                problems,
                f"'{period}' is not a period of a custom detection.",
                f"Known are {', '.join(_PERIODS)}.",
            )
            return None
    frequency = parse_duration(str(given)) if not _NOTHING.fullmatch(str(given).strip()) else timedelta(0)
    if frequency is None:
        _wrong(document, problems, f"'{given}' is not a length of time.", "Write it like PT1H or P1D.")
        return None
    lookback = schedule.get("lookback")
    if lookback is None:
        return frequency, next((back for most, back in _LOOKBACKS if frequency <= most), frequency)
    period_back = parse_duration(str(lookback))
    if period_back is None:
        _wrong(document, problems, f"'{lookback}' is not a length of time.", "Write it like PT4H or P1D.")
        return None
    return frequency, period_back


_NOTHING: Final = re.compile(r"P(T0+[HMS]|0+D)", re.IGNORECASE)


def _wrong(document: Document, problems: list[RuleProblem], message: str, hint: str) -> None:
    problems.append(RuleProblem(document.file, document.line(("schedule",)), message, hint))


def _note(document: Document, problems: list[RuleProblem], line: int | None, message: str, hint: str) -> None:
    problems.append(RuleProblem(document.file, line, message, hint, severity=ProblemSeverity.WARNING))


def _enabled(value: Mapping[str, Any]) -> bool:
    if "isEnabled" in value:
        return bool(value["isEnabled"])
    return str(value.get("status", "enabled")).casefold() not in ("disabled", "autodisabled")


def _attack(template: Mapping[str, Any]) -> tuple[list[str], list[str], list[str]]:
    """Tactics, techniques and sub-techniques, of the older form (category, mitreTechniques) or of the newer (tactics, each a mapping
    or a name)."""
    category = template.get("category")
    tactics = [category] if isinstance(category, str) and tactic_named(category) else []
    techniques = [text for text in template.get("mitreTechniques") or [] if isinstance(text, str)]
    sub_techniques: list[str] = []
    for tactic in template.get("tactics") or []:
        name = tactic if isinstance(tactic, str) else _mapping(tactic).get("tactic")
        if isinstance(name, str):
            tactics.append(name)
        for technique in _mapping(tactic).get("techniques") or []:
            text = technique if isinstance(technique, str) else _mapping(technique).get("technique")
            if isinstance(text, str):
                techniques.append(text)
            sub_techniques += [one for one in _mapping(technique).get("subTechniques") or [] if isinstance(one, str)]
    return list(dict.fromkeys(tactics)), list(dict.fromkeys(techniques)), list(dict.fromkeys(sub_techniques))


def _say_what_is_no_tactic(template: Mapping[str, Any], document: Document, problems: list[RuleProblem]) -> None:
    """A category may be another word than a tactic (Malware, Ransomware); one that is nearly a tactic is a slip."""
    category = template.get("category")
    if isinstance(category, str) and tactic_named(category) is None and (near := nearest(category, TACTICS)):
        message = f"the category '{category}' is not a tactic, and alerts of the rule have none."
        _note(document, problems, document.line((*_TEMPLATE, "category")), message, f"Did you mean '{near}'?")


def _override(template: Mapping[str, Any]) -> dict[str, Any] | None:
    """The alert's title, and its description where that has columns of the result in it."""
    title, description = template.get("title"), template.get("description")
    formats = {"alertDisplayNameFormat": title} if title else {}
    if isinstance(description, str) and "{{" in description:
        formats["alertDescriptionFormat"] = description
    return formats or None


def _custom_details(template: Mapping[str, Any]) -> dict[str, str] | None:
    details = _mapping(template.get("customDetails"))
    return {name: column for name, column in details.items() if isinstance(column, str) and "@" not in name} or None


def _mappings(template: Mapping[str, Any], document: Document, problems: list[RuleProblem]) -> list[dict[str, Any]]:
    mappings = []
    accounts: dict[str, dict[str, str]] = {}
    for asset in template.get("impactedAssets") or []:
        given = str(_mapping(asset).get("identifier", ""))
        found = _asset(given, str(_mapping(asset).get("@odata.type", "")))
        if found is None:
            message = f"'{given}' is not an impacted asset's identifier that is known here."
            line = document.line(("detectionAction", "alertTemplate", "impactedAssets"))
            _note(document, problems, line, message, "The rule is read without it.")
            continue
        kind, identifier, prefix, column = found
        # the name of an account and its domain stand apart: together they are one entity
        if identifier in ("Name", "NTDomain") and "servicePrincipal" not in given:
            accounts.setdefault(prefix, {})[identifier] = column
            continue
        mappings.append({"entityType": kind, "fieldMappings": [{"identifier": identifier, "columnName": column}]})
    for parts in accounts.values():
        pairs = [{"identifier": identifier, "columnName": column} for identifier, column in sorted(parts.items())]
        mappings.append({"entityType": "Account", "fieldMappings": pairs})
    for collection, entries in _mapping(template.get("entityMappings")).items():
        for entry in entries if isinstance(entries, list) else []:
            mappings += _entity(collection, _mapping(entry), document, problems)
    return mappings


def _asset(given: str, odata_type: str) -> tuple[str, str, str, str] | None:
    """An impacted asset's entity type, identifier, prefix and column; the asset's own type decides where several have its name."""
    name = _SPELLED.get(given.casefold(), given).strip()
    kind = next(
        (type_ for word, type_ in _ASSET_TYPES.items() if f"impacted{word}asset" in odata_type.casefold()), None
    )
    for type_ in _ASSETS if kind is None else (kind,):
        for prefix in _PREFIXES[type_]:
            for ending, identifier in _ASSETS[type_].items():
                whole = prefix + ending[:1].upper() + ending[1:] if prefix else ending
                if whole.casefold() == name.casefold():
                    return type_, identifier, prefix, whole[:1].upper() + whole[1:]
    return None


def _entity(
    collection: str, entry: Mapping[str, Any], document: Document, problems: list[RuleProblem]
) -> list[dict[str, Any]]:
    kind, identifiers = _MAPPED.get(collection, ("", {}))
    pairs, hashes = [], []
    for name, column in entry.items():
        if not isinstance(column, str) or not name.endswith("Column"):
            continue
        name = name.removesuffix("Column")
        if collection in _HASHES and name in ("sha1", "sha256", "md5"):
            hashes.append({"entityType": "FileHash", "fieldMappings": [{"identifier": "Value", "columnName": column}]})
        elif name in identifiers:
            pairs.append({"identifier": identifiers[name], "columnName": column})
        else:
            line = document.line(("detectionAction", "alertTemplate", "entityMappings", collection))
            message = f"'{name}Column' of '{collection}' is not an entity's identifier that is known here."
            _note(document, problems, line, message, "The rule is read without it.")
    return [*([{"entityType": kind, "fieldMappings": pairs}] if pairs else []), *hashes]


def _mapping(value: JsonValue) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
