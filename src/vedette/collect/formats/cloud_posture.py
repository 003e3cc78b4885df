"""What Defender for Cloud's continuous export says of assessments, secure scores and compliance, as rows of their tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vedette.collect.formats.columns import Record, Unreadable, text
from vedette.collect.formats.shapes import lowered, moment
from vedette.collect.formats.timestamps import Moments

_TABLES: Final = {
    "regulatorycomplianceassessments": "SecurityRegulatoryCompliance",
    "securescorecontrols": "SecureScoreControls",
    "securescores": "SecureScores",
    "subassessments": "SecurityNestedRecommendation",
    "assessments": "SecurityRecommendation",
}

_ENRICHED: Final = frozenset({
    "securityEventDataEnrichment", "assessmentEventDataEnrichment", "subAssessmentEventDataEnrichment",
})  # fmt: skip
"""What the export says of itself beside a record, by one of these names."""


_AROUND: Final = frozenset({"id", "name", "type", "resourceGroup"})


def is_export(record: Mapping[str, Any]) -> bool:
    """Whether the names of a record are those of the continuous export's."""
    names = {name[:1].lower() + name[1:] for name in record}
    return {"id", "properties"} <= names and bool(names & _ENRICHED)


def is_type(kind: str) -> bool:
    """Whether a resource of this type, in small letters, is one that `read` knows: its REST API gives them without an export's names."""
    return kind.startswith("microsoft.security/") and kind.rpartition("/")[2] in _TABLES


def read(record: Mapping[str, Any], moments: Moments) -> Record | Unreadable:
    """The row of a record, or the record with the reason why it is none."""
    fields = lowered(record)
    properties = fields.get("properties", fields)  # the Azure CLI writes them beside the others
    identifier = str(fields.get("id") or "")
    kind = str(fields.get("type") or "").rpartition("/")[2].casefold() or _kind_of(identifier)
    table = _TABLES.get(kind)
    if table is None or not isinstance(properties, Mapping):
        return Unreadable(text(record), "the record is of no kind of Defender for Cloud's export that is known")
    status = _object(properties.get("status"))
    metadata, score = _object(properties.get("metadata")), _object(properties.get("score"))
    enrichment = next((_object(fields[name]) for name in sorted(_ENRICHED & fields.keys())), {})
    parts = identifier.split("/")
    at = moment(status.get("statusChangeDate"), moments) or moment(properties.get("timeGenerated"), moments)
    resource = (
        _object(properties.get("resourceDetails")).get("id") or identifier.split("/providers/Microsoft.Security/")[0]
    )
    whole = text({one: value for one, value in properties.items() if one not in _AROUND})
    row: dict[str, Any] = {
        "TimeGenerated": at or moments.now_text, "AssessedResourceId": resource, "Properties": whole,
        "IsSnapshot": enrichment.get("isSnapshot"), "_ResourceId": str(resource).lower(), "Environment": "Azure",
        "TenantId": fields.get("tenantId"),
    }  # fmt: skip
    subscription = parts[2] if len(parts) > 2 and parts[1].casefold() == "subscriptions" else None
    name, shown = fields.get("name"), properties.get("displayName") or metadata.get("displayName")
    if table in ("SecurityRecommendation", "SecurityNestedRecommendation"):
        row |= {
            "RecommendationId": identifier, "RecommendationName": name, "RecommendationDisplayName": shown,
            "RecommendationState": status.get("code"), "NotApplicableReason": status.get("cause"),
            "Description": metadata.get("description") or properties.get("description"),
            "RecommendationSeverity": metadata.get("severity") or status.get("severity"),
            "RemediationDescription": metadata.get("remediationDescription"),
            "PolicyDefinitionId": metadata.get("policyDefinitionId"), "StatusChangeDate": status.get("statusChangeDate"),
            "FirstEvaluationDate": status.get("firstEvaluationDate"),
            "RecommendationLink": _object(properties.get("links")).get("azurePortal"),
            "RecommendationAdditionalData": properties.get("additionalData"), "ResourceRegion": fields.get("location"),
        }  # fmt: skip
    elif table == "SecurityRegulatoryCompliance":
        row |= {
            "RegulatoryComplianceSubscriptionId": subscription, "RecommendationId": name,
            "RecommendationName": properties.get("description"), "ComplianceStandard": _after(parts, "regulatoryComplianceStandards"),
            "ComplianceControl": _after(parts, "regulatoryComplianceControls"), "State": properties.get("state"),
            "SkippedResources": properties.get("skippedResources"), "PassedResources": properties.get("passedResources"),
            "FailedResources": properties.get("failedResources"), "RecommendationLink": properties.get("assessmentDetailsLink"),
        }  # fmt: skip
    else:
        row |= {
            "SecureScoresSubscriptionId": subscription, "DisplayName": shown, "ControlName": shown, "ControlId": name,
            "CurrentScore": score.get("current"), "MaxScore": score.get("max"), "PercentageScore": score.get("percentage"),
            "Weight": properties.get("weight"), "HealthyResources": properties.get("healthyResourceCount"),
            "UnhealthyResources": properties.get("unhealthyResourceCount"),
            "NotApplicableResources": properties.get("notApplicableResourceCount"),
        }  # fmt: skip
        for only in ("ControlName", "ControlId") if table == "SecureScores" else ("DisplayName",):
            del row[only]
    return Record(table, {name: value for name, value in row.items() if value not in (None, "")})


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _kind_of(identifier: str) -> str:
    parts = [part.casefold() for part in identifier.split("/")]
    return next((part for part in reversed(parts) if part in _TABLES), "")


def _after(parts: list[str], name: str) -> str | None:
    folded = [part.casefold() for part in parts]
    place = folded.index(name.casefold()) if name.casefold() in folded else -1
    return parts[place + 1] if 0 <= place < len(parts) - 1 else None
