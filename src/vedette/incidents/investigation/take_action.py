"""What to do about an incident: how to mitigate the threat, as its alerts tell, and what would prevent the next one.

Mitigation is the alerts' RemediationSteps. Prevention are the recommendations of Defender for Cloud (SecurityRecommendation) that are
open for the Azure resources which the incident names: themselves, what is inside of them, and the resources that they are inside of.

Source: "Take action" of a security alert in Defender for Cloud's documentation, and the reference of SecurityRecommendation.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from vedette.detect.entities.entity import Entity, resolved
from vedette.detect.running.runner import QueryResult
from vedette.incidents.models import AlertRow
from vedette.kql.text_literal import text_literal

TABLE: Final = "SecurityRecommendation"
MOST_RESOURCES: Final = 50
MOST_RECOMMENDATIONS: Final = 200
_NAMING: Final = ("_ResourceId", "ResourceId", "AzureResourceId", "CompromisedEntity")
"""Columns of an alert's rows that name the resource which it is about."""
_MACHINES: Final = ("virtualmachines", "machines")
"""The last type in the ids of machines: of Azure, of scale sets, and of Azure Arc."""
_BREAK: Final = re.compile(r"(?i)<\s*(?:br|/?(?:p|li|ol|ul|div|h[1-6]|table|tr|td|th))\b[^>]*>|\r?\n")
_TAG: Final = re.compile(r"<[a-zA-Z/!][^>]*>")
_NUMBERED: Final = re.compile(r"^\s*(?:\d{1,2}\s*[.)]|[-*•])\s+")
_SCHEME: Final = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)


class Concerns(StrEnum):
    """How a recommendation's resource is one of the incident's."""

    RESOURCE = "Resource"
    INSIDE = "Inside"
    """It is inside of it: a database of its server."""
    AROUND = "Around"
    """It is around it: the server of its database."""
    SAME_NAME = "SameName"
    """A machine that is named like a host, of which no more is known."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What an incident is about in Azure: resources by their ids in small letters, each as it was written, and hosts without an id."""

    written: Mapping[str, str]
    hosts: tuple[str, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids in small letters."""
        return tuple(self.written)

    def __bool__(self) -> bool:
        return bool(self.written or self.hosts)

    @property
    def whole(self) -> tuple[str, ...]:
        """Those that are resources: what is in a group or a subscription is no part of it."""
        return tuple(one for one in self.ids if "/providers/" in one)

    def concerns(self, resource: str) -> Concerns:
        """How the resource of a recommendation that `query` has found is one of these."""
        if resource in self.ids:
            return Concerns.RESOURCE
        if any(resource.startswith(f"{one}/") for one in self.whole):
            return Concerns.INSIDE
        return Concerns.AROUND if any(one.startswith(f"{resource}/") for one in self.ids) else Concerns.SAME_NAME


def resources_of(entities: Iterable[Entity], alerts: Iterable[AlertRow]) -> Resources:
    """The resources that the entities and the rows of alerts name."""
    ids: dict[str, str] = {}
    hosts: dict[str, None] = {}
    for entity in entities:
        known = resolved(entity)
        identifier = {"AzureResource": known.get("ResourceId"), "Host": known.get("AzureID")}.get(entity.type)
        if identifier and _is_resource(identifier):
            ids.setdefault(_folded(identifier), identifier)
        elif entity.type == "Host" and (name := known.get("HostName") or known.get("NetBiosName")):
            hosts[name.casefold()] = None
    for alert in alerts:
        for row in alert.body["sample"]:
            for one in (row.get(name) for name in _NAMING):
                if isinstance(one, str) and _is_resource(one):
                    ids.setdefault(_folded(one), one)
    known_names = {one.rpartition("/")[2] for one in ids}
    unnamed = [one for one in hosts if one not in known_names]
    return Resources(dict(list(ids.items())[:MOST_RESOURCES]), tuple(unnamed)[:MOST_RESOURCES])


def query(resources: Resources) -> str:
    """KQL for the recommendations that are open for these resources: the newest state of each, the most severe first."""
    conditions = [
        f"Resource in ({', '.join(text_literal(one) for one in dict.fromkeys(_with_around(resources.ids)))})"
        if resources.ids
        else "",
        *(f"Resource startswith_cs {text_literal(f'{one}/')}" for one in resources.whole),
        *(f"Resource endswith_cs {text_literal(f'/{kind}/{one}')}" for one in resources.hosts for kind in _MACHINES),
    ]
    return "\n".join(
        [
            TABLE,
            "| extend Resource = trim_end('/', tolower(AssessedResourceId))",
            f"| where {' or '.join(one for one in conditions if one)}",
            "| summarize arg_max(TimeGenerated, *) by Resource, Recommendation = tolower(coalesce(RecommendationId, RecommendationName))",
            "| where RecommendationState =~ 'Unhealthy'",
            "| extend Rank = case(RecommendationSeverity =~ 'Critical', 0, RecommendationSeverity =~ 'High', 1,"
            " RecommendationSeverity =~ 'Medium', 2, RecommendationSeverity =~ 'Low', 3, 4)",
            "| project Rank, Title = coalesce(RecommendationDisplayName, RecommendationName), Recommendation, Resource, TimeGenerated,"
            " AssessedResourceId,"
            " Severity = RecommendationSeverity, Description, Remediation = RemediationDescription, Link = RecommendationLink",
            f"| order by Rank asc, Title asc, Resource asc\n| take {MOST_RECOMMENDATIONS + 1}",
        ]
    )


def recommendations(result: QueryResult, resources: Resources) -> list[dict[str, Any]]:
    """The rows of `query` as programs see them."""
    names = [column.name for column in result.columns]
    found = []
    for values in result.rows[:MOST_RECOMMENDATIONS]:
        row = dict(zip(names, values, strict=True))
        found.append(
            {
                "id": row["Recommendation"], "title": row["Title"], "severity": row["Severity"] or None,
                "description": " ".join(lines(row["Description"])), "steps": lines(row["Remediation"]),
                "resource": resource_view(row["AssessedResourceId"]), "concerns": resources.concerns(row["Resource"]).value,
                "since": row["TimeGenerated"], "link": _link(row["Link"]),
            }
        )  # fmt: skip
    return found


def mitigations(alerts: Sequence[AlertRow]) -> list[dict[str, Any]]:
    """How to mitigate, as the alerts tell: alerts that tell the same are together, in the order of time."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for alert in alerts:
        steps = tuple(lines(alert.body["properties"].get("RemediationSteps")))
        if not steps:
            continue
        view = found.setdefault(
            steps,
            {
                "title": alert.body["title"], "productName": alert.body["product"], "steps": list(steps), "alertIds": [],
                "link": _link(alert.body["properties"].get("AlertLink")),
            },
        )  # fmt: skip
        view["alertIds"].append(alert.id)
    return list(found.values())


def resource_view(identifier: str) -> dict[str, str]:
    """A resource by its id: its name, and its type as Azure writes it."""
    parts = identifier.strip("/").split("/")
    places = [place for place, part in enumerate(parts) if part.casefold() == "providers"]
    place = places[-1] if places else -1
    kinds = [parts[place + 1], *parts[place + 2 :: 2]] if 0 <= place < len(parts) - 1 else parts[-2:-1]
    return {"id": identifier, "name": parts[-1], "type": "/".join(kinds)}


def lines(text: object) -> list[str]:
    """The steps of a text: the items of a JSON array, or its lines, without marks of HTML and numbers before them."""
    if not isinstance(text, str):
        return []
    parts: list[str] = [text]
    if text.lstrip().startswith("["):
        try:
            read = json.loads(text)
        except ValueError:
            read = None
        if isinstance(read, list):
            parts = [str(one) for one in read if one is not None]
    found = []
    for part in parts:
        for line in _BREAK.split(part):
            plain = " ".join(html.unescape(_TAG.sub("", line)).split())
            plain = _NUMBERED.sub("", plain)
            if plain:
                found.append(plain)
    return found


def _is_resource(text: str) -> bool:
    """Whether a text is the id of a resource, a group of them, or a subscription."""
    parts = text.strip("/").split("/")
    return len(parts) >= 2 and len(parts) % 2 == 0 and parts[0].casefold() == "subscriptions" and all(parts)


def _folded(identifier: str) -> str:
    return "/" + identifier.strip("/").lower()


def _with_around(ids: Iterable[str]) -> Iterator[str]:
    """Ids, and those of the resources that each is inside of; not its group and its subscription, which hold much else."""
    for identifier in ids:
        yield identifier
        parts = identifier.split("/")
        provider = len(parts) - 1 - parts[::-1].index("providers") if "providers" in parts else len(parts)
        for end in range(len(parts) - 2, provider + 3, -2):
            yield "/".join(parts[:end])


def _link(text: object) -> str | None:
    """An address that a browser may be sent to; exports leave `https://` out."""
    if not isinstance(text, str) or not text.strip():
        return None
    link = text.strip()
    if not _SCHEME.match(link):
        link = f"https://{link}"
    return link if link.lower().startswith("https://") else None
