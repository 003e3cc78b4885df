"""The HTTP Data Collector API of Log Analytics (learn.microsoft.com/previous-versions/azure/azure-monitor/logs/data-collector-api)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from vedette.collect.http.bodies import Row, array
from vedette.collect.http.door import Answer, Arrived, DoorRequest, Routes, json_answer, rows_for, source
from vedette.core.errors import Forbidden, InvalidInput, NotFound, VedetteError
from vedette.kql import ticks
from vedette.kql.types import Type
from vedette.store.conversion import FAILED, json_text, to_bool, to_guid, to_real, to_ticks

if TYPE_CHECKING:
    from vedette.collect.http.gate import Gate, Grant

VERSION: Final = "2016-04-01"
MAX_FIELD: Final = 32 * 1024
_LOG_TYPE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}", re.ASCII)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_RESERVED: Final = {"rawdata": "RawData", "tenant": "tenant_s", "timegenerated": "TimeGenerated_s"}
"""Names that the API reserves, and where their values are kept."""
_PLAIN: Final = frozenset({"Category", "Computer", "IPAddress", "Message"})
"""Texts that go into the column of that name, which the tables of this API have without a suffix."""
_NO_NAME: Final = re.compile(r"\W")
_DEPTH: Final = 16
"""Levels of objects whose values have columns of their own."""
_SKEW: Final = timedelta(minutes=15)
_CONVERTED: Final = {
    Type.REAL: ("_d", to_real),
    Type.BOOL: ("_b", to_bool),
    Type.DATETIME: ("_t", to_ticks),
    Type.GUID: ("_g", to_guid),
}


class DataCollector:
    """Requests are signed with the workspace's shared key; without one, which `vedette ingest shared-key` makes, the door is shut."""

    name = "data-collector"
    limit = limit_unpacked = 30 * 1024 * 1024
    routes: Routes = ((("POST",), "/api/logs"),)

    def admit(self, request: DoorRequest, gate: Gate) -> Grant | Answer:
        """By the signature: HMAC-SHA256 over method, length, content type, date and path."""
        headers = request.headers
        version = request.query.get("api-version")
        if not version:
            raise InvalidInput("The API version was not specified.", code="MissingApiVersion")
        if version != VERSION:
            raise InvalidInput("The specified API version was not recognized.", code="InvalidApiVersion")
        if not request.media_type:
            raise InvalidInput("The content type was not specified.", code="MissingContentType")
        if request.media_type != "application/json":
            raise InvalidInput("The content type was not set to application/json.", code="UnsupportedContentType")
        workspace_id, _, signature = (request.bearer("sharedkey") or "").partition(":")
        date = headers.get("x-ms-date", "")
        if not signature or not date:
            raise Forbidden("The Authorization header or x-ms-date is missing.")
        if not _GUID.fullmatch(workspace_id):
            raise InvalidInput("The specified workspace ID is invalid.", code="InvalidCustomerId")
        text = f"POST\n{headers.get('content-length', '')}\n{headers['content-type']}\nx-ms-date:{date}\n/api/logs"
        grant = gate.by_signature(workspace_id, signature, text)
        _check_date(date, gate.clock.now())
        kind = headers.get("log-type")
        if not kind:
            raise InvalidInput("The desired log type was not specified.", code="MissingLogType")
        if not _LOG_TYPE.fullmatch(kind):
            raise InvalidInput(
                "The specified log type is not valid: letters, digits and underscores, at most 100.",
                code="InvalidLogType",
            )
        return grant

    def facts(self, request: DoorRequest, grant: Grant) -> dict[str, str]:
        """The columns that the table has, and their types."""
        try:
            return {field.name: field.type.value for field in grant.logs.describe(_table(request)).fields}
        except NotFound:
            return {}

    def read(self, request: DoorRequest, body: bytes, facts: dict[str, str]) -> Arrived:
        """The records, with the names of columns that tell their types."""
        moment = request.headers.get("time-generated-field", "").strip()
        resource = request.headers.get("x-ms-azureresourceid", "").strip()
        existing = {name: Type(kind) for name, kind in facts.items()}
        rows = []
        records, bad = array(body)
        for record in records:
            row = _typed(record, existing)
            if moment and isinstance(to_ticks(record.get(moment)), int):
                row["TimeGenerated"] = record[moment]
                if moment.lower() == "timegenerated":
                    del row["TimeGenerated_s"]
            row["SourceSystem"] = "RestAPI"
            rows.append(row)
        table = _table(request)
        return Arrived([rows_for(table, rows, resource=resource.lower())], [(table, bad)] if bad else [])

    def take(self, request: DoorRequest, grant: Grant, arrived: Arrived) -> Answer:
        """Take the records into `<Log-Type>_CL`."""
        grant.accept(arrived, source(self, request, grant))
        return Answer(200)

    def failed(self, request: DoorRequest, error: VedetteError) -> Answer:
        """As Log Analytics tells errors."""
        codes = {400: "InvalidDataFormat", 403: "InvalidAuthorization", 413: "RequestTooLarge", 415: "UnsupportedContentType",
                 429: "TooManyRequests", 503: "ServiceUnavailable"}  # fmt: skip
        code = codes.get(error.status, "UnspecifiedError") if error.code.startswith("VDT") else error.code
        return json_answer(error.status, {"Error": code, "Message": error.message})


def _table(request: DoorRequest) -> str:
    return f"{request.headers['log-type']}_CL"


def _check_date(text: str, now: datetime) -> None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        raise Forbidden("x-ms-date is not a date as RFC 1123 writes it.") from None
    date = date.replace(tzinfo=UTC) if date.tzinfo is None else date
    if abs(date - now) > _SKEW:
        raise Forbidden(f"x-ms-date is more than 15 minutes away from {now:%a, %d %b %Y %H:%M:%S} GMT.")


def _typed(record: Row, existing: dict[str, Type]) -> Row:
    """The record with suffixes: by a column that is there and can hold the value, else by the value's own type.

    As in Log Analytics, the values in an object have columns of their own, named by the way to them (`actor_id_s`), and what a name of
    a column cannot have is `_`. Of two fields that would meet in one column, the later one gets a longer name.
    """
    row: Row = {}
    flat: Row = {}
    _flatten(record, "", flat)
    for name, value in flat.items():
        if (reserved := _RESERVED.get(name.lower())) is not None:
            row[reserved] = value if isinstance(value, str) else json_text(value)
            continue
        if name in _PLAIN and isinstance(value, str):
            row[name] = value[:MAX_FIELD]
            continue
        suffix, held = _by_value(value)
        named = _NO_NAME.sub("_", name)
        if suffix in ("_s", "_t", "_g") and named + suffix not in existing:
            for kind, (other, convert) in _CONVERTED.items():
                if existing.get(named + other) is kind and convert(value) is not FAILED:
                    suffix = other
        while named + suffix in row:
            named += "_"
        row[named + suffix] = held
    return row


def _flatten(value: Row, before: str, flat: Row, depth: int = 0) -> None:
    """Puts the values of an object, and of those in it, into `flat`; a field of the record itself comes before one that is named alike."""
    inner: list[tuple[str, Row]] = []
    for name, held in value.items():
        if isinstance(held, dict) and held and depth < _DEPTH:
            inner.append((name, held))
        elif held is not None:
            flat[_free(f"{before}{name}", flat)] = held
    for name, object_ in inner:
        _flatten(object_, f"{before}{name}_", flat, depth + 1)


def _free(name: str, flat: Row) -> str:
    while name in flat:
        name += "_"
    return name


def _by_value(value: object) -> tuple[str, object]:
    if isinstance(value, bool):
        return "_b", value
    if isinstance(value, (int, float)):
        return "_d", value
    if not isinstance(value, str):
        return "_s", json_text(value)[:MAX_FIELD]
    if _MOMENT.fullmatch(value) and ticks.parse_datetime(value) is not None:
        return "_t", value
    if _GUID.fullmatch(value):
        return "_g", value
    return "_s", value[:MAX_FIELD]
