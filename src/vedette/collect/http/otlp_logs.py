"""OTLP over HTTP, logs alone (opentelemetry.io/docs/specs/otlp, 1.5), into OTelLogs as Azure Monitor has it."""

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
from vedette.collect.http.door import Answer, DoorRequest, Routes, json_answer, source
from vedette.collect.http.gate import Gate, Grant
from vedette.core.errors import InvalidInput, VedetteError
from vedette.kql import ticks
from vedette.store.conversion import json_text

TABLE: Final = "OTelLogs"
_UNIX: Final = ticks.from_parts(1970, 1, 1) or 0
_PROTOBUF: Final = "application/x-protobuf"
_GRPC: Final = {400: 3, 401: 16, 403: 7, 404: 5, 413: 3, 415: 3, 429: 8, 503: 14}
_NAMED: Final = {
    "service.name": "ServiceName", "service.namespace": "ServiceNamespace", "service.version": "ServiceVersion",
    "service.instance.id": "ServiceInstanceId", "deployment.environment.name": "DeploymentEnvironmentName",
    "k8s.pod.name": "K8sPodName", "k8s.namespace.name": "K8sNamespaceName", "k8s.container.name": "K8sContainerName",
    "host.name": "Computer",
}  # fmt: skip
_MAX_DEPTH: Final = 32


class OtlpLogs:
    """Protobuf and JSON, gzip or not."""

    name = "otlp"
    limit = limit_unpacked = 30 * 1024 * 1024
    routes: Routes = ((("POST",), "/v1/logs"),)

    def admit(self, request: DoorRequest, gate: Gate) -> Grant | Answer:
        """By an API token as bearer."""
        grant = gate.by_token(request.bearer("bearer"), request.query.get("workspace"))
        if request.media_type not in (_PROTOBUF, "application/json"):
            raise VedetteError(f"The content type must be {_PROTOBUF} or application/json.", code="VDT0415", status=415)
        return grant

    def take(self, request: DoorRequest, grant: Grant, body: bytes) -> Answer:
        """Take every record."""
        in_json = request.media_type == "application/json"
        export = _from_json(body) if in_json else _from_protobuf(body)
        rows = [
            _row(record, about)
            for resource in export.resource_logs
            for scope in resource.scope_logs
            for about in [_shared(resource, scope)]
            for record in scope.log_records
        ]
        grant.intake.accept(TABLE, rows, source=source(self, request, grant))
        # an empty message of either encoding says that all was taken
        return json_answer(200, {}) if in_json else Answer(200, b"", _PROTOBUF)

    def failed(self, request: DoorRequest, error: VedetteError) -> Answer:
        """A google.rpc.Status in the encoding of the request."""
        number = _GRPC.get(error.status, 13)
        if request.media_type != _PROTOBUF:
            return json_answer(error.status, {"code": number, "message": error.message})
        text = error.message.encode("utf-8", "replace")
        return Answer(error.status, bytes([0x08, number, 0x12]) + _varint(len(text)) + text, _PROTOBUF)


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
        for resource in value.get("resourceLogs", ()):
            for scope in resource.get("scopeLogs", ()):
                for record in scope.get("logRecords", ()):
                    for name in ("traceId", "spanId"):  # hexadecimal in OTLP, base64 in the JSON of protobuf
                        if record.get(name):
                            record[name] = base64.b64encode(bytes.fromhex(record[name])).decode()
        return ParseDict(value, ExportLogsServiceRequest(), ignore_unknown_fields=True)
    except (orjson.JSONDecodeError, ParseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        reason = str(error).split("\n", 1)[0][:200]
        raise InvalidInput(f"The body is not an ExportLogsServiceRequest in JSON: {reason}.", code="VDT0632") from None


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
    return about


def _row(record: LogRecord, about: Row) -> Row:
    row = dict(about)
    at = record.time_unix_nano or record.observed_time_unix_nano
    if at:
        row["TimeGenerated"] = ticks.format_datetime(min(_UNIX + at // 100, ticks.MAX_DATETIME))
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


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
