"""The OpenAPI description: what FastAPI makes of the routes, with the errors as they are answered."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI

from vedette.api.wire import ErrorEnvelope

_OPEN: Final = "/health"
"""What needs no credential, below the prefix."""
_ENVELOPE: Final = "ErrorEnvelope"
_ERRORS: Final = {
    "400": "The request is not valid: details.fields says which field, details.diagnostics which place of a query.",
    "401": "There is no good credential.",
    "403": "The caller may not.",
    "404": "There is no such thing, or not for this caller.",
}


def install_description(app: FastAPI, prefix: str) -> None:
    """Has the application describe its errors: 400 where FastAPI would say 422, and 401, 403 and 404 where they are possible."""
    made_by_framework = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            _complete(made_by_framework(), prefix)
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _complete(document: dict[str, Any], prefix: str) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    made = ErrorEnvelope.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}")
    schemas |= made.pop("$defs", {}) | {_ENVELOPE: made}
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for path, methods in document["paths"].items():
        for operation in methods.values():
            responses = operation["responses"]
            responses.pop("422", None)
            for status in _possible(path.removeprefix(prefix), operation):
                responses.setdefault(status, _answer(_ERRORS[status]))
            operation["responses"] = dict(sorted(responses.items()))


def _possible(path: str, operation: dict[str, Any]) -> list[str]:
    found = ["400"] if operation.get("parameters") or "requestBody" in operation else []
    found += [] if path == _OPEN else ["401", "403"]
    return found + (["404"] if "{" in path else [])


def _answer(about: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{_ENVELOPE}"}}}
    return {"description": about, "content": content}
