"""Plain JSON: `POST /ingest/{table}` with an object, an array of objects, or lines of JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vedette.collect.http.bodies import records
from vedette.collect.http.door import Answer, Arrived, DoorRequest, Routes, json_answer, rows_for, source
from vedette.core.errors import InvalidInput, VedetteError, nearest
from vedette.store import catalog
from vedette.store.reading.forms import check_table_name

if TYPE_CHECKING:
    from vedette.collect.http.gate import Gate, Grant

_SHOWN = 20


class PlainJson:
    """Our own door: what anything that can send JSON uses.

    Query: `workspace` (name or id), and `recordId`, the name of a field that tells a record from all others, so that one that is
    sent again is stored once. Lines that are no objects are kept in the dead-letter table and told in the answer.
    """

    name = "json"
    limit = limit_unpacked = 30 * 1024 * 1024
    routes: Routes = ((("POST",), "/ingest/{table}"), (("POST",), "/ingest/"), (("POST",), "/ingest"))

    def admit(self, request: DoorRequest, gate: Gate) -> Grant | Answer:
        """By an API token as bearer."""
        grant = gate.by_token(request.bearer("bearer"), request.query.get("workspace"))
        if "table" not in request.parts:
            raise InvalidInput("The address names no table.", code="VDT0606", hint="Send to /ingest/TABLE.")
        table = check_table_name(request.parts["table"])
        meant = catalog.spelled(table)
        if meant not in (None, table) and not catalog.is_own(table) and not grant.logs.has_table(table):
            raise InvalidInput(
                f"There is no table '{table}', and rows of {meant} would be missed in one: names tell upper from lower case.",
                code="VDT0606",
                hint=f"Did you mean '{meant}'?",
                target=table,
            )
        if not (meant or catalog.may_be_table(table) or grant.logs.has_table(table)):
            near = nearest(table, catalog.known_tables())
            raise InvalidInput(
                f"There is no table '{table}', and the name of a custom table ends in _CL.",
                code="VDT0606",
                hint=f"Name it {table}_CL{f', or did you mean {near!r}?' if near else '.'}",
                target=table,
            )
        return grant

    def facts(self, request: DoorRequest, grant: Grant) -> None:
        """Nothing."""

    def read(self, request: DoorRequest, body: bytes, facts: Any) -> Arrived:
        """The records, and the lines that are none."""
        table = request.parts["table"]
        rows, bad = records(body)
        field = request.query.get("recordId")
        ids = None
        if field:
            ids = ["" if row.get(field) is None else str(row[field]) for row in rows]
        return Arrived([rows_for(table, rows, ids)], [(table, bad)] if bad else [])

    def take(self, request: DoorRequest, grant: Grant, arrived: Arrived) -> Answer:
        """Take the records."""
        grant.accept(arrived, source(self, request, grant))
        bad = [one for _, some in arrived.bad for one in some]
        accepted = sum(rows.lines.count for rows in arrived.rows)
        answer: dict[str, object] = {"accepted": accepted, "unreadable": len(bad)}
        if bad:
            answer["errors"] = [{"line": one.line, "reason": one.reason} for one in bad[:_SHOWN]]
        return json_answer(200, answer)

    def failed(self, request: DoorRequest, error: VedetteError) -> Answer:
        """The shape of the REST API."""
        told = error.to_dict()
        details = {name: value for name, value in told.items() if name not in ("code", "message", "hint")}
        body = {"code": error.code, "message": error.message} | ({"hint": error.hint} if error.hint else {})
        return json_answer(error.status, {"error": body | ({"details": details} if details else {})})
