"""ExportLogsServiceRequest, in protobuf or in JSON, as rows of OTelLogs."""

from __future__ import annotations

import base64
import math
from typing import Any, Final

import orjson
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from vedette.collect.http.bodies import Row
from vedette.core.errors import InvalidInput
from vedette.kql import ticks
from vedette.store.conversion import json_text

_UNIX: Final = ticks.from_parts(1970, 1, 1) or 0
_NAMED: Final = {
    "service.name": "ServiceName", "service.namespace": "ServiceNamespace", "service.version": "ServiceVersion",
    "service.instance.id": "ServiceInstanceId", "deployment.environment.name": "DeploymentEnvironmentName",
    "k8s.pod.name": "K8sPodName", "k8s.namespace.name": "K8sNamespaceName", "k8s.container.name": "K8sContainerName",
    "host.name": "Computer",
}  # fmt: skip
_MAX_DEPTH: Final = 32


def rows_of(body: bytes, *, in_json: bool) -> list[Row]:
    """The records of a request. Raises `InvalidInput` for a body that is none."""
    export = _from_json(body) if in_json else _from_protobuf(body)
    return [
        _row(record, about)
        for resource in export.resource_logs
        for scope in resource.scope_logs
        for about in [_shared(resource, scope)]
        for record in scope.log_records
    ]


def _from_protobuf(body: bytes) -> ExportLogsServiceRequest:
    export = ExportLogsServiceRequest()
    try:
        export.ParseFromString(body)
    except DecodeError as error:
        raise InvalidInput("The body is not an ExportLogsServiceRequest.", code="VDT0632") from error
    return export


def _from_json(body: bytes) -> ExportLogsServiceRequest:
    try:
        value = orjson.loads(body)
        for resource in _either(value, "resourceLogs", "resource_logs"):
            for scope in _either(resource, "scopeLogs", "scope_logs"):
                for record in _either(scope, "logRecords", "log_records"):
                    # hexadecimal in OTLP, base64 in the JSON of protobuf
                    for name in ("traceId", "trace_id", "spanId", "span_id"):
                        if record.get(name):
                            record[name] = base64.b64encode(bytes.fromhex(record[name])).decode()
        return ParseDict(value, ExportLogsServiceRequest(), ignore_unknown_fields=True)
    except (orjson.JSONDecodeError, ParseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        reason = str(error).split("\n", 1)[0][:200]
        raise InvalidInput(f"The body is not an ExportLogsServiceRequest in JSON: {reason}.", code="VDT0632") from None


def _either(holder: Any, name: str, in_protobuf: str) -> Any:
    """A list by its name in JSON, or by that in the definition, which the JSON of protobuf takes as well."""
    return holder.get(name) or holder.get(in_protobuf) or ()


def _shared(resource: Any, scope: Any) -> Row:
    """What the records of a scope have in common."""
    about: Row = {"SourceSystem": "OpenTelemetry"}
    attributes = _bag(resource.resource.attributes)
    if attributes:
        about["ResourceAttributes"] = attributes
    for name, column in _NAMED.items():
        if attributes.get(name) is not None:
            about[column] = str(attributes[name])
    if scope.scope.name:
        about["ScopeName"] = scope.scope.name
    if scope.scope.version:
        about["ScopeVersion"] = scope.scope.version
    if scope.scope.attributes:
        about["ScopeAttributes"] = _bag(scope.scope.attributes)
    for name, said in (
        ("ResourceSchemaUrl", resource.schema_url), ("ScopeSchemaUrl", scope.schema_url),
        ("ResourceDroppedAttributesCount", resource.resource.dropped_attributes_count),
        ("ScopeDroppedAttributesCount", scope.scope.dropped_attributes_count),
    ):  # fmt: skip
        if said:
            about[name] = said
    return about


def _row(record: LogRecord, about: Row) -> Row:
    row = dict(about)
    at = record.time_unix_nano or record.observed_time_unix_nano
    if at:
        row["TimeGenerated"] = _moment(at)
    if record.observed_time_unix_nano not in (0, at):
        row["ObservedTime"] = _moment(record.observed_time_unix_nano)
    if record.flags:
        row["TraceFlags"] = record.flags
    if record.HasField("body"):
        content = _value(record.body)
        row["Body"] = content if isinstance(content, str) else json_text(content)
    if record.severity_number:
        row["SeverityNumber"] = record.severity_number
    for column, text in (("SeverityText", record.severity_text), ("OperationName", record.event_name)):
        if text:
            row[column] = text
    if record.attributes:
        row["Attributes"] = _bag(record.attributes)
    if record.dropped_attributes_count:
        row["DroppedAttributesCount"] = record.dropped_attributes_count
    if record.trace_id:
        row["TraceId"] = record.trace_id.hex()
    if record.span_id:
        row["SpanId"] = record.span_id.hex()
    return row


def _moment(nanoseconds: int) -> str:
    return ticks.format_datetime(min(_UNIX + nanoseconds // 100, ticks.MAX_DATETIME))


def _bag(pairs: Any, depth: int = 0) -> dict[str, object]:
    return {pair.key: _value(pair.value, depth) for pair in pairs if isinstance(pair, KeyValue)}


def _value(value: AnyValue, depth: int = 0) -> object:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if depth > _MAX_DEPTH:
        return str(value)
    held: Any = getattr(value, kind)
    if kind == "array_value":
        return [_value(one, depth + 1) for one in held.values]
    if kind == "kvlist_value":
        return _bag(held.values, depth + 1)
    if kind == "bytes_value":
        return base64.b64encode(held).decode()
    if kind == "double_value" and not math.isfinite(held):
        return str(held)
    found: object = held
    return found
