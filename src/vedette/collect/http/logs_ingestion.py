"""The Logs Ingestion API of Azure Monitor (learn.microsoft.com/azure/azure-monitor/logs/logs-ingestion-api-overview)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vedette.collect.http.bodies import array, in_utf_8, too_large
from vedette.collect.http.door import Answer, Arrived, DoorRequest, Routes, json_answer, rows_for, source
from vedette.core.errors import InvalidInput, NotFound, VedetteError
from vedette.store import catalog
from vedette.store.reading.forms import TABLE_NAME

if TYPE_CHECKING:
    from vedette.collect.http.gate import Gate, Grant

VERSIONS: Final = ("2021-11-01-preview", "2023-01-01")
_ALIASES: Final = {"SecurityEvents": "SecurityEvent", "WindowsEvents": "WindowsEvent"}
_CODES: Final = {
    400: "InvalidContent", 401: "Unauthorized", 403: "OperationFailed", 404: "NotFound",
    405: "MethodNotAllowed", 413: "ContentLengthLimitExceeded", 415: "UnsupportedContentType",
    429: "RateLimitExceeded", 503: "ServiceUnavailable",
}  # fmt: skip


class LogsIngestion:
    """A workspace has the data collection rule `dcr-<its id without hyphens>`; streams are `Custom-Table_CL` and `Microsoft-Table`."""

    name = "logs-ingestion"
    limit = 1024 * 1024
    limit_unpacked = 2 * limit
    routes: Routes = ((("POST",), "/dataCollectionRules/{rule}/streams/{stream}"),)

    def admit(self, request: DoorRequest, gate: Gate) -> Grant | Answer:
        """By an API token as bearer, which may send logs into the rule's workspace."""
        grant = gate.by_rule(request.bearer("bearer"), request.parts["rule"])
        version = request.query.get("api-version")
        if version not in VERSIONS:
            raise InvalidInput(
                f"The api-version '{(version or '')[:40]}' is not supported; supported are {', '.join(VERSIONS)}.",
                code="InvalidApiVersion",
            )
        _table_of(request.parts["stream"], grant)
        if request.media_type != "application/json":
            raise VedetteError("The content type must be application/json.", code="UnsupportedContentType", status=415)
        return grant

    def facts(self, request: DoorRequest, grant: Grant) -> str:
        """The table of the stream."""
        return _table_of(request.parts["stream"], grant)

    def read(self, request: DoorRequest, body: bytes, facts: str) -> Arrived:
        """The records."""
        body = in_utf_8(body)
        if body.lstrip()[:1] != b"[":
            raise InvalidInput("The body must be a JSON array of records.", code="InvalidContent")
        rows, bad = array(body)
        # the official client fills a request with records of 1 MB and does not count what separates them
        size = len(body) - 2 * (len(rows) + len(bad))
        if size > self.limit:
            raise too_large(self.limit, size)
        return Arrived([rows_for(facts, rows)], [(facts, bad)] if bad else [])

    def take(self, request: DoorRequest, grant: Grant, arrived: Arrived) -> Answer:
        """Take the records: 204."""
        grant.accept(arrived, source(self, request, grant))
        return Answer(204, headers=_ids(request))

    def failed(self, request: DoorRequest, error: VedetteError) -> Answer:
        """As Azure tells errors."""
        code = _CODES.get(error.status, "InternalServerError") if error.code.startswith("VDT") else error.code
        message = error.message
        if error.status == 403:
            message = (
                "The authentication token provided does not have access to ingest data for the data collection rule "
                f"with immutable Id '{request.parts['rule']}'."
            )
        return json_answer(error.status, {"error": {"code": code, "message": message}}, _ids(request))


def _ids(request: DoorRequest) -> dict[str, str]:
    given = request.headers.get("x-ms-client-request-id", "")
    return {"x-ms-client-request-id": given} if given.isascii() and given.isprintable() and given else {}


def _table_of(stream: str, grant: Grant) -> str:
    kind, _, name = stream.partition("-")
    if kind == "Custom" and TABLE_NAME.fullmatch(name):
        return name if catalog.may_be_table(name) else f"{name}_CL"
    name = _ALIASES.get(name, name)
    if kind == "Microsoft" and catalog.is_known(name):
        return name
    raise NotFound(
        f"The stream {stream[:200]} was not configured in the data collection rule dcr-{grant.workspace.id.replace('-', '')}.",
        hint="Streams are Custom-<table>_CL and Microsoft-<table of Log Analytics>.",
    )
