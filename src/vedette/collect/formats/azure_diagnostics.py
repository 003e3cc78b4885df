"""Records of Azure's diagnostic settings (event hub, storage account, `{"records": [...]}`) as rows of the right tables.

Which category belongs to which table is data in `azure_categories`. A property goes into the column of its name without regard to
case; one without a column stays under its own name, and the store keeps it with the row. In AzureDiagnostics a property's column has
its type as a suffix, as Azure Monitor makes it: `_s`, `_d`, `_b`, `_t`, `_g`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from vedette.collect.formats.azure_categories import (
    ACTIVITY,
    ACTIVITY_ALONE,
    ENTRA,
    ENTRA_RENAMED,
    ENTRA_TIMES,
    ENVELOPE,
    HUNTING,
    INTUNE,
    INTUNE_AUDIT,
    OF_PROVIDERS,
    SPECIFIC,
    SPELLED,
    STORAGE,
    STORAGE_IDENTITY,
    STORAGE_REQUESTER,
    STORAGE_SERVICES,
    TIMES,
)
from vedette.collect.formats.columns import Record, Unreadable, columns, text
from vedette.collect.formats.timestamps import Moments
from vedette.store.catalog import is_known

_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_NAME: Final = re.compile(r"[^A-Za-z0-9_]")
_APOSTROPHES: Final = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
"""Texts of JSON as Functions write it into their records' properties: between apostrophes."""
_PROPERTIES: Final = re.compile(r'"properties"\s*:\s*(?=\{\s*\')')
_ESCAPED: Final = re.compile(r'\\.|"', re.DOTALL)
_METRIC: Final = frozenset({"metricName", "time", "resourceId"})
"""What a metric of a resource has, which diagnostic settings write beside its logs, and no category."""
_AROUND: Final = frozenset({*ENVELOPE, "time", "identity", "location", "tenantId"})
_CLAIM: Final = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
_RESOURCE: Final = re.compile(
    r"/subscriptions/([^/]+)(?:/resourcegroups/([^/]+))?(?:/providers/([^/]+)(?:/([^/]+)/(.+))?)?", re.IGNORECASE
)


def records(document: object) -> Iterator[object]:
    """The records of a document: its `records`, the items of a list, or itself."""
    if isinstance(document, Mapping) and isinstance(document.get("records"), list):
        yield from document["records"]
    elif isinstance(document, list):
        for one in document:
            yield from records(one)
    else:
        yield document


def is_diagnostic(record: object) -> bool:
    """Whether a record has the form of a diagnostic setting's."""
    if not isinstance(record, Mapping):
        return False
    if "category" in record:
        return "time" in record or "resourceId" in record or ("operationName" in record and "properties" in record)
    if record.keys() >= _METRIC:
        return True
    if "Category" not in record or "TimeGenerated" in record:
        return False
    if "ResourceId" in record:
        return any(t in record for t in TIMES)
    # a sign-in as its table has it, without the table's own time
    return "Type" not in record and {"OperationName", "TenantId", "CreatedDateTime"} <= record.keys()


def read(record: object, moments: Moments) -> Record | Unreadable:
    """The table and the row of a record, or the record with the reason why it is none."""
    if not isinstance(record, Mapping):
        return Unreadable(text(record), "the record is not a JSON object")
    if record.keys().isdisjoint(SPELLED):
        return _read(record, moments)
    usual = dict(record)
    for name in [name for name in record if SPELLED.get(name, name) not in record]:
        usual[SPELLED[name]] = usual.pop(name)
    made = _read(usual, moments)
    return made._replace(raw=text(record)) if isinstance(made, Unreadable) else made


def _read(record: Mapping[str, Any], moments: Moments) -> Record | Unreadable:
    category = record.get("category")
    if category is None and record.keys() >= _METRIC:
        return _metric(record, moments)
    if not isinstance(category, str) or not category:
        return Unreadable(text(record), "the record has no category")
    properties = _object(record.get("properties"))
    if category.startswith(HUNTING):
        return _hunting(category.removeprefix(HUNTING), record, properties, moments)
    if category in STORAGE:
        return _storage(record, properties, moments)
    if (table := _of_intune(category, record, properties)) is not None:
        return _intune(table, record, properties, moments)
    if (table := ENTRA.get(category)) is not None:
        return _entra(table, record, properties, moments)
    if category in ACTIVITY and (
        category in ACTIVITY_ALONE or ("operationName" in record and ("identity" in record or "level" in record))
    ):
        return _activity(record, properties, moments)
    if category in SPECIFIC or (table := _of_provider(category, record)) is not None:
        return _specific(category if category in SPECIFIC else str(table), record, properties, moments)
    return _diagnostics(record, properties, moments)


def _object(value: object) -> dict[str, Any]:
    if isinstance(value, str) and value[:1] == "{":
        for attempt in (value, _APOSTROPHES.sub(_quoted, value)):
            try:
                value = json.loads(attempt, strict=False)
                break
            except ValueError:
                continue
    return dict(value) if isinstance(value, Mapping) else {}


def mended(line: str) -> dict[str, Any] | None:
    """The record of a line that is no JSON only because its properties have apostrophes for quotation marks, as Functions write them."""
    found = _PROPERTIES.search(line) if line.startswith("{") else None
    if found is None:
        return None
    try:
        value = json.loads(line[: found.end()] + _APOSTROPHES.sub(_quoted, line[found.end() :]), strict=False)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _quoted(found: re.Match[str]) -> str:
    """A text between apostrophes as JSON has it; other escapes are JSON's already."""
    inner = _ESCAPED.sub(lambda one: {"\\'": "'", '"': '\\"'}.get(one[0], one[0]), found[1])
    return f'"{inner}"'


def _of_intune(category: str, record: Mapping[str, Any], properties: Mapping[str, Any]) -> str | None:
    """Intune's table of a record, or None if it is not one of Intune's."""
    table = INTUNE.get(category)
    if table is None or (record.get("resourceId") and "intune" not in str(record["resourceId"]).casefold()):
        return None
    ours = "tenantId" in record if category != "AuditLogs" else not INTUNE_AUDIT.isdisjoint(properties)
    return table if ours else None


def _intune(table: str, record: Mapping[str, Any], properties: dict[str, Any], moments: Moments) -> Record:
    """The row of a record of Intune's: some of its tables have the properties as text, the others as columns."""
    known = columns(table)
    row: dict[str, Any] = {"TimeGenerated": _time_of(record, moments), "SourceSystem": "Microsoft Intune"}
    around = {name: one for name, one in record.items() if name not in ("time", "properties", "resourceId", "tenantId")}
    known.put(row, {"AADTenantId": record.get("tenantId")})
    known.put(row, around, {"resultType": "Result"} if "Result" in known.types else None)
    known.put(row, {"Properties": properties} if "Properties" in known.types else properties)
    return Record(table, row)


def _of_provider(category: str, record: Mapping[str, Any]) -> str | None:
    """The table of a category that only the resource's provider and type tell."""
    _, _, after = str(record.get("resourceId") or "").casefold().rpartition("/providers/")
    return next((names.get(category) for start, names in OF_PROVIDERS.items() if after.startswith(start)), None)


def _specific(table: str, record: Mapping[str, Any], properties: dict[str, Any], moments: Moments) -> Record:
    """The row of a log that has a table of its own."""
    known = columns(table)
    row: dict[str, Any] = {"TimeGenerated": _time_of(record, moments), "SourceSystem": "Azure"}
    if "properties" in record and not properties:
        properties = {"properties": record["properties"]}
    known.put(row, {name: one for name, one in record.items() if name not in ("time", "properties", "resourceId")})
    known.put(row, properties)
    if isinstance(identifier := record.get("resourceId"), str) and identifier:
        row["_ResourceId"] = identifier.lower()
    return Record(table, row)


def _metric(record: Mapping[str, Any], moments: Moments) -> Record:
    """The row of a metric of a resource in a span of time."""
    row: dict[str, Any] = {"TimeGenerated": _time_of(record, moments), "SourceSystem": "Azure"}
    columns("AzureMetrics").put(row, {name: one for name, one in record.items() if name not in ("time", "resourceId")})
    row |= {name: one for name, one in _resource(record.get("resourceId")).items() if name != "ResourceType"}
    return Record("AzureMetrics", row)


def _time_of(record: Mapping[str, Any], moments: Moments, *candidates: object) -> str:
    """When a record is of: by the first of the names that services have for it, then by other values."""
    return _time(moments, *(record[name] for name in TIMES if name in record), *candidates)


def _time(moments: Moments, *candidates: object) -> str:
    for value in candidates:
        if isinstance(value, str) and (moment := moments.read(value)) is not None:
            return moment
    return moments.now_text


def _hunting(
    table: str, record: Mapping[str, Any], properties: dict[str, Any], moments: Moments
) -> Record | Unreadable:
    if not is_known(table):
        return Unreadable(text(record), f"Defender XDR has no table '{table[:60]}' that is known")
    row: dict[str, Any] = {"TimeGenerated": _time(moments, properties.get("Timestamp"), record.get("time"))}
    columns(table).put(row, properties)
    return Record(table, row)


def _entra(table: str, record: Mapping[str, Any], properties: dict[str, Any], moments: Moments) -> Record:
    known = columns(table)
    said = (*(properties[name] for name in ENTRA_TIMES if name in properties), record.get("CreatedDateTime"))
    row: dict[str, Any] = {
        "TimeGenerated": _time_of(record, moments, *said),
        "SourceSystem": "Azure AD",
        "Resource": "Microsoft.aadiam",
        "ResourceGroup": "Microsoft.aadiam",
    }
    known.put(row, {name: record.get(name) for name in ENVELOPE}, ENVELOPE)
    known.put(
        row,
        {
            "Identity": record.get("identity"),
            "Location": record.get("location"),
            "AADTenantId": record.get("tenantId") or properties.get("tenantId"),
        },
    )
    known.put(row, properties, ENTRA_RENAMED)
    if "properties" not in record:  # columns of the table themselves
        known.put(row, {name: one for name, one in record.items() if name not in _AROUND and name not in TIMES})
    if table == "SigninLogs":
        row["Category"] = record["category"]
    return Record(table, row)


def _activity(record: Mapping[str, Any], properties: dict[str, Any], moments: Moments) -> Record:
    identity = _object(record.get("identity"))
    claims, authorization = _object(identity.get("claims")), identity.get("authorization")
    category = ACTIVITY[record["category"]]
    operation = str(record.get("operationName") or "")
    row: dict[str, Any] = {
        "TimeGenerated": _time_of(record, moments),
        "SourceSystem": "Azure",
        "OperationNameValue": operation,
        "CategoryValue": category,
        "Category": category,
        "Level": record.get("level") or record.get("Level"),
        "ActivityStatusValue": record.get("resultType"),
        "ActivitySubstatusValue": (record.get("resultSignature") or "").partition(".")[2],
        "CallerIpAddress": record.get("callerIpAddress"),
        "CorrelationId": record.get("correlationId"),
        "Caller": claims.get(_CLAIM + "upn") or claims.get("upn") or claims.get(_CLAIM + "name") or claims.get("appid"),
        "EventDataId": properties.get("eventDataId") or properties.get("eventId"),
        "Hierarchy": properties.get("hierarchy"),
    }
    for name, value in (("Authorization", authorization), ("Claims", claims), ("Properties", properties)):
        if value:
            row[name], row[f"{name}_d"] = text(value), value
    row |= _resource(record.get("resourceId"), keep_case=True)
    provider = row.pop("ResourceProvider", None)
    row["ResourceProviderValue"] = None if provider is None else provider.upper()
    row.pop("ResourceType", None)
    return Record("AzureActivity", {name: value for name, value in row.items() if value not in (None, "")})


def _storage(record: Mapping[str, Any], properties: dict[str, Any], moments: Moments) -> Record | Unreadable:
    identifier = str(record.get("resourceId") or "")
    service = next((part for part in identifier.casefold().split("/") if part in STORAGE_SERVICES), None)
    if service is None:
        return Unreadable(text(record), "the record's resourceId does not name a storage service")
    known = columns(STORAGE_SERVICES[service])
    row: dict[str, Any] = {"TimeGenerated": _time_of(record, moments), "SourceSystem": "Azure"}
    skipped = ("time", "properties", "identity", "resourceId", "resourceType")
    known.put(row, {name: value for name, value in record.items() if name not in skipped})
    identity = _object(record.get("identity"))
    requester = _object(identity.pop("requester", None))
    known.put(row, identity, STORAGE_IDENTITY)
    known.put(row, requester, STORAGE_REQUESTER)
    known.put(row, properties)
    row["_ResourceId"] = identifier.lower()
    return Record(known.table, row)


def _diagnostics(record: Mapping[str, Any], properties: dict[str, Any], moments: Moments) -> Record:
    known = columns("AzureDiagnostics")
    row: dict[str, Any] = {"TimeGenerated": _time_of(record, moments), "SourceSystem": "Azure"}
    for name, value in record.items():
        if name in ("time", "properties", "tenantId", "TimeGenerated") or value is None or value == "":
            continue
        column = ENVELOPE.get(name)
        if column is not None and not isinstance(value, dict | list):
            row[column] = known.typed(column, value)
        elif name not in ("resourceId", "category"):
            _flatten(row, name, value)
    row |= _resource(record.get("resourceId"))
    for name, value in properties.items():
        column = ENVELOPE.get(name)
        if column is not None and column not in row and not isinstance(value, dict | list) and value not in (None, ""):
            row[column] = known.typed(column, value)
        else:
            _flatten(row, name, value)
    if not properties and record.get("properties"):
        _flatten(row, "properties", record["properties"])
    return Record("AzureDiagnostics", row)


def _flatten(row: dict[str, Any], name: str, value: Any) -> None:
    """A property as Azure Monitor names its column in AzureDiagnostics; objects become a column for each of their properties."""
    if value is None or value == "":
        return
    if isinstance(value, Mapping):
        for inner, one in value.items():
            _flatten(row, f"{name}_{inner}", one)
        return
    stem = _NAME.sub("_", name)
    if isinstance(value, bool):
        row[f"{stem}_b"] = value
    elif isinstance(value, int | float):
        row[f"{stem}_d"] = value
    elif isinstance(value, str):
        suffix = "g" if _GUID.fullmatch(value) else "t" if _TIME.fullmatch(value) else "s"
        row[f"{stem}_{suffix}"] = value
    else:
        row[f"{stem}_s"] = text(value)


def _resource(identifier: object, *, keep_case: bool = False) -> dict[str, Any]:
    """The columns that a resource's id fills; Azure writes them in capitals, except in the activity log."""
    if not isinstance(identifier, str) or not identifier:
        return {}
    row: dict[str, Any] = {
        "ResourceId": identifier if keep_case else identifier.upper(),
        "_ResourceId": identifier.lower(),
    }
    found = _RESOURCE.match(identifier)
    if found is not None:
        names = ("SubscriptionId", "ResourceGroup", "ResourceProvider", "ResourceType", "Resource")
        for name, value in zip(names, found.groups()):
            if value:
                value = value.rsplit("/", 1)[-1] if name == "Resource" else value
                row[name] = value if keep_case else value.upper()
    return row
