"""OTLP over HTTP, logs alone (opentelemetry.io/docs/specs/otlp, 1.5), into OTelLogs as Azure Monitor has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vedette.collect.http.door import Answer, Arrived, DoorRequest, Routes, json_answer, rows_for, source
from vedette.core.errors import VedetteError

if TYPE_CHECKING:
    from vedette.collect.http.gate import Gate, Grant

TABLE: Final = "OTelLogs"
_PROTOBUF: Final = "application/x-protobuf"
_GRPC: Final = {400: 3, 401: 16, 403: 7, 404: 5, 413: 3, 415: 3, 429: 8, 503: 14}


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

    def facts(self, request: DoorRequest, grant: Grant) -> None:
        """Nothing."""

    def read(self, request: DoorRequest, body: bytes, facts: Any) -> Arrived:
        """The records."""
        from vedette.collect.http.otlp_records import rows_of  # protobuf is loaded when somebody needs it

        return Arrived([rows_for(TABLE, rows_of(body, in_json=_in_json(request)))])

    def take(self, request: DoorRequest, grant: Grant, arrived: Arrived) -> Answer:
        """Take every record."""
        grant.accept(arrived, source(self, request, grant))
        # an empty message of either encoding says that all was taken
        return json_answer(200, {}) if _in_json(request) else Answer(200, b"", _PROTOBUF)

    def failed(self, request: DoorRequest, error: VedetteError) -> Answer:
        """A google.rpc.Status in the encoding of the request."""
        number = _GRPC.get(error.status, 13)
        if request.media_type != _PROTOBUF:
            return json_answer(error.status, {"code": number, "message": error.message})
        text = error.message.encode("utf-8", "replace")
        return Answer(error.status, bytes([0x08, number, 0x12]) + _varint(len(text)) + text, _PROTOBUF)


def _in_json(request: DoorRequest) -> bool:
    return request.media_type == "application/json"


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
