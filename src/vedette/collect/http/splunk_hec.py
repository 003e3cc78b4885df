"""Splunk's HTTP Event Collector (help.splunk.com, "Format events for HTTP Event Collector")."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import orjson

from vedette.collect.http.bodies import Row, in_utf_8
from vedette.collect.http.door import Answer, Arrived, DoorRequest, Routes, json_answer, rows_for, source
from vedette.core.errors import VedetteError
from vedette.kql import ticks
from vedette.store import catalog
from vedette.store.catalog import SPLUNK_EVENTS
from vedette.store.reading.forms import TABLE_NAME

if TYPE_CHECKING:
    from vedette.collect.http.gate import Gate, Grant

_UNIX: Final = ticks.from_parts(1970, 1, 1) or 0
_DECODER: Final = json.JSONDecoder()
_FIELDS: Final = {"host": "Host", "source": "Source", "sourcetype": "SourceType", "index": "Index"}
_SAID: Final = frozenset(_FIELDS) | {"time", "event", "fields"}
_MILLISECONDS: Final = 100_000_000_000.0
"""From here on a time counts milliseconds: as seconds it would be after the year 5138."""


class HecError(VedetteError):
    """An error with the number that HEC gives it."""

    def __init__(self, text: str, number: int, status: int = 400, event: int | None = None) -> None:
        super().__init__(text, code=str(number), status=status)
        self.event = event


class SplunkHec:
    """Events go into `SplunkEvents_CL`, or into the table that `index` or `sourcetype` names, if their event is an object."""

    name = "splunk-hec"
    limit = limit_unpacked = 30 * 1024 * 1024
    routes: Routes = (
        (("GET",), "/services/collector/health"),
        (("GET",), "/services/collector/health/1.0"),
        (("POST",), "/services/collector"),
        (("POST",), "/services/collector/event"),
        (("POST",), "/services/collector/event/1.0"),
        (("POST",), "/services/collector/raw"),
        (("POST",), "/services/collector/raw/1.0"),
        (("POST",), "/services/collector/ack"),
    )

    def admit(self, request: DoorRequest, gate: Gate) -> Grant | Answer:
        """By an API token, as Splunk's (`Authorization: Splunk TOKEN`), as bearer, or as the password of Basic."""
        if request.method == "GET":
            return json_answer(200, {"text": "HEC is healthy", "code": 17})
        given = request.headers.get("authorization")
        if not given:
            if "token" in request.query:
                raise HecError("Query string authorization is not enabled", 16)
            raise HecError("Token is required", 2, 401)
        token = request.bearer("splunk", "bearer") or request.basic_password("basic")
        if token is None:
            raise HecError("Invalid authorization", 3, 401)
        try:
            grant = gate.by_token(token, request.query.get("workspace"))
        except VedetteError as error:
            if error.status in (401, 403, 404):
                raise HecError("Invalid token", 4, 403) from error
            raise
        if "/ack" in request.path:
            raise HecError("ACK is disabled", 14)
        return grant

    def facts(self, request: DoorRequest, grant: Grant) -> None:
        """Nothing."""

    def read(self, request: DoorRequest, body: bytes, facts: Any) -> Arrived:
        """The events, by their tables."""
        body = in_utf_8(body)
        if not body.strip():
            raise HecError("No data", 5)
        raw = "/raw" in request.path
        by_table: dict[str, list[Row]] = {}
        for table, row in self._raw(request, body) if raw else self._events(request, body):
            by_table.setdefault(table, []).append(row)
        return Arrived([rows_for(table, rows) for table, rows in by_table.items()])

    def take(self, request: DoorRequest, grant: Grant, arrived: Arrived) -> Answer:
        """Take all events, or none of them."""
        grant.accept(arrived, source(self, request, grant))
        return json_answer(200, {"text": "Success", "code": 0})

    def failed(self, request: DoorRequest, error: VedetteError) -> Answer:
        """`text` and `code`, and the number of the event that is wrong."""
        if isinstance(error, HecError):
            more = {} if error.event is None else {"invalid-event-number": error.event}
            return json_answer(error.status, {"text": error.message, "code": int(error.code)} | more)
        if error.status in (429, 503):
            return json_answer(503, {"text": "Server is busy", "code": 9})
        number = 8 if error.status >= 500 else 6
        return json_answer(error.status, {"text": error.message, "code": number})

    def _raw(self, request: DoorRequest, body: bytes) -> Iterator[tuple[str, Row]]:
        about: Row = {column: request.query[name] for name, column in _FIELDS.items() if name in request.query}
        stamp = _stamp(request.query.get("time"), 0)
        if stamp is not None:
            about["TimeGenerated"] = stamp
        for line in body.decode(errors="backslashreplace").split(
            "\n"
        ):  # and at no other sign that ends lines elsewhere
            if line.strip():
                yield SPLUNK_EVENTS, about | {"Event": line.removesuffix("\r")}

    def _events(self, request: DoorRequest, body: bytes) -> Iterator[tuple[str, Row]]:
        defaults: Row = {name: request.query[name] for name in (*_FIELDS, "time") if request.query.get(name)}
        for number, event in enumerate(_values(body)):
            if not isinstance(event, dict):
                raise HecError("Invalid data format", 6, event=number)
            if "event" not in event:
                raise HecError("Event field is required", 12, event=number)
            if event["event"] in (None, ""):
                raise HecError("Event field cannot be blank", 13, event=number)
            fields = event.get("fields") or {}
            if not isinstance(fields, dict) or any(isinstance(one, dict) for one in fields.values()):
                raise HecError("Error in handling indexed fields", 15, event=number)
            yield _row(defaults | event, number)


def _row(event: Row, number: int) -> tuple[str, Row]:
    stamp = _stamp(event.get("time"), number)
    content = event["event"]
    table = next((name for name in (event.get("index"), event.get("sourcetype")) if _is_table(name)), None)
    if table is not None and isinstance(content, dict):
        row = dict(content)
        if stamp is not None:
            row.setdefault("TimeGenerated", stamp)
        for name, value in _about(event).items():
            row.setdefault(name, value)
        return str(table), row
    row = _about(event)
    row["Event"] = content
    if stamp is not None:
        row["TimeGenerated"] = stamp
    return SPLUNK_EVENTS, row


def _about(event: Row) -> Row:
    """What an event says around its content: also what HEC has no meaning for, under its own name."""
    row: Row = {column: event[name] for name, column in _FIELDS.items() if event.get(name) is not None}
    if event.get("fields"):
        row["Fields"] = event["fields"]
    return row | {name: value for name, value in event.items() if name not in _SAID and value is not None}


def _is_table(name: object) -> bool:
    if not isinstance(name, str) or TABLE_NAME.fullmatch(name) is None:
        return False
    return catalog.may_be_table(name) and not catalog.is_own(name)


def _stamp(given: object, number: int) -> str | None:
    """Seconds since 1970, with decimals, or milliseconds, as a number or as text."""
    if given is None or given == "":
        return None
    try:
        seconds = float(str(given))
        if seconds >= _MILLISECONDS:
            seconds /= 1000
        return ticks.format_datetime(_UNIX + round(seconds * 1_000_000) * ticks.MICROSECOND)
    except (ValueError, OverflowError):
        raise HecError("Invalid data format", 6, event=number) from None


def _values(body: bytes) -> Iterator[object]:
    """JSON values one after the other, with or without white space between them; also an array of them."""
    try:
        value = orjson.loads(body)
        yield from value if isinstance(value, list) else [value]
        return
    except orjson.JSONDecodeError:
        pass
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise HecError("Invalid data format", 6, event=0) from None
    position, number = 0, 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        try:
            value, position = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError):
            raise HecError("Invalid data format", 6, event=number) from None
        number += 1
        yield value
