"""Answers of the REST API, as who called it meets them: what went wrong is raised as it was raised there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx

from vedette.core.errors import InvalidInput, Unavailable, VedetteError
from vedette.engine.query import QueryFailed
from vedette.kql.diagnostics import Diagnostic, KqlError

_OF_FILES: Final = "VDT06"
"""What codes of the room that loads files begin with."""


def failure(answer: httpx.Response, text: str = "") -> Exception:
    """What an answer that is an error says; `text` is the query that was sent, where the answer does not tell it."""
    try:
        told = answer.json()["error"]
    except (ValueError, KeyError):
        return Unavailable(f"The server answered with status {answer.status_code}.")
    details = told.get("details") or {}
    if "diagnostics" in details:
        text = text or details.get("query", "")
        return KqlError(text, [diagnostic_of(text, one) for one in details["diagnostics"]])
    if told["code"] in ("VDT2001", "VDT2002", "VDT2003", "VDT2005"):
        return QueryFailed(told["code"], told["message"])
    return VedetteError(
        told["message"], code=told["code"], hint=told.get("hint"), file=details.get("file"), line=details.get("line"),
        column=details.get("column"), target=details.get("target"), status=answer.status_code,
        exit_code=_exit_code(answer.status_code, told["code"], details),
    )  # fmt: skip


def _exit_code(status: int, code: str, details: Mapping[str, Any]) -> int:
    """The exit code of a command that is told so, as where it does the work itself: 2 for a command that is wrong, and not for a file
    of logs that is."""
    if status != InvalidInput.default_status or (code.startswith(_OF_FILES) and details.get("file") is not None):
        return 1
    return InvalidInput.default_exit_code


def diagnostic_of(text: str, one: Mapping[str, Any]) -> Diagnostic:
    """A diagnostic whose place counts UTF-16 units, with its place in characters."""
    units = text.encode("utf-16-le")
    start = len(units[: one["start"] * 2].decode("utf-16-le", "ignore"))
    length = len(units[one["start"] * 2 : (one["start"] + one["length"]) * 2].decode("utf-16-le", "ignore"))
    return Diagnostic(one["code"], one["message"], start, max(1, length), one["severity"])
