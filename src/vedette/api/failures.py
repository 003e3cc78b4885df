"""Errors over HTTP: one shape for every cause, no traceback for anyone."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from vedette.api.wire import DiagnosticBody, ErrorBody, ErrorEnvelope
from vedette.core.errors import TooManyRequests, VedetteError
from vedette.engine.query import QueryFailed
from vedette.kql.diagnostics import Diagnostic, KqlError, utf16_span

log = logging.getLogger(__name__)


def body(
    code: str, message: str, hint: str | None = None, details: dict[str, object] | None = None
) -> dict[str, object]:
    """The JSON of an error."""
    message = message.encode("utf-8", "backslashreplace").decode()  # half of a surrogate pair has no UTF-8
    return ErrorEnvelope(error=ErrorBody(code=code, message=message, hint=hint, details=details)).model_dump(
        by_alias=True, exclude_none=True
    )


def body_of(error: VedetteError) -> dict[str, object]:
    """The JSON of an error of Vedette's own."""
    details = {k: v for k, v in error.to_dict().items() if k not in ("code", "message", "hint")}
    details |= getattr(error, "details", None) or {}
    return body(error.code, str(error), error.hint, details or None)


def diagnostics_of(text: str, diagnostics: list[Diagnostic]) -> list[DiagnosticBody]:
    """Diagnostics as the API writes them; the nearest name becomes the fix."""
    found = []
    for diagnostic in diagnostics:
        start, length = utf16_span(text, diagnostic.start, diagnostic.length)
        fix = None
        if "did you mean '" in diagnostic.message:
            fix = diagnostic.message.rsplit("did you mean '", 1)[1].split("'", 1)[0]
        found.append(
            DiagnosticBody(
                code=diagnostic.code, severity=diagnostic.severity,
                message=diagnostic.message.encode("utf-8", "backslashreplace").decode(), start=start,
                length=length, fix=fix,
            )
        )  # fmt: skip
    return found


def _field(item: Mapping[str, Any]) -> tuple[str, str]:
    """Which field of a request is wrong, and why; the empty name is the body itself."""
    if item["type"] == "json_invalid":
        return "", f"not valid JSON at character {item['loc'][-1]} ({item.get('ctx', {}).get('error', 'decode error')})"
    return ".".join(str(part) for part in item["loc"][1:]), item["msg"]


def install(app: FastAPI) -> None:
    """Handles every error of an application."""
    logging.getLogger("uvicorn.error").addFilter(_not_told)

    @app.exception_handler(VedetteError)
    async def known(_request: Request, error: VedetteError) -> JSONResponse:
        headers = {}
        if isinstance(error, TooManyRequests):
            headers["Retry-After"] = str(max(1, round(getattr(error, "retry_after", 1) or 1)))
        return JSONResponse(body_of(error), error.status, headers)

    @app.exception_handler(KqlError)
    async def refused(_request: Request, error: KqlError) -> JSONResponse:
        found = [item.model_dump(by_alias=True) for item in diagnostics_of(error.text, error.diagnostics)]
        first = error.diagnostics[0]
        return JSONResponse(body(first.code, first.message, details={"diagnostics": found, "query": error.text}), 400)

    @app.exception_handler(QueryFailed)
    async def failed(_request: Request, error: QueryFailed) -> JSONResponse:
        return JSONResponse(body(error.code, str(error)), 504 if error.code == "VDT2001" else 422)

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        fields = dict(_field(item) for item in error.errors())
        named = "; ".join(f"{name or 'body'}: {message}" for name, message in fields.items())
        return JSONResponse(body("VDT0400", f"The request is not valid: {named}.", details={"fields": fields}), 400)

    @app.exception_handler(HTTPException)
    async def http(_request: Request, error: HTTPException) -> JSONResponse:
        message = "There is nothing at this address." if error.status_code == 404 else str(error.detail)
        return JSONResponse(body(f"HTTP{error.status_code}", message), error.status_code, dict(error.headers or {}))

    @app.exception_handler(UnicodeEncodeError)
    async def no_character(_request: Request, error: UnicodeEncodeError) -> JSONResponse:
        log.warning("a request was refused: %s", error.reason)
        return JSONResponse(
            body("VDT0400", "The request has half of a surrogate pair (\\ud800 to \\udfff), which is no character."),
            400,
        )

    @app.exception_handler(Exception)
    async def unknown(request: Request, error: Exception) -> JSONResponse:
        cause = error.__cause__
        if isinstance(cause, VedetteError | KqlError | QueryFailed):
            # who reads the answer, which had begun, finds it cut off
            log.warning("the answer to %s %s is not whole: %s", request.method, request.url.path, cause)
        else:
            log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return JSONResponse(
            body("VDT0500", "Vedette failed where it should not; the server's log has the details."), 500
        )


def _not_told(record: logging.LogRecord) -> bool:
    """Whether nobody has told of it: uvicorn tells again of every error that is told here."""
    return not str(record.msg).startswith("Exception in ASGI application")
