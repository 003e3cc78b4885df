"""Errors that a user may see: one clear sentence, where it happened, and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class VedetteError(Exception):
    """An error made for its reader. `str(error)` is one sentence; `to_dict()` is what programs get.

    `code` names the cause (VDT and four digits, or a code of Microsoft's); `hint` says what to do; `file`, `line` and
    `column` (1-based) say where; `target` names the thing that is wrong; `status` is the HTTP status and `exit_code`
    the exit code of the command line.
    """

    default_code = "VDT0000"
    default_status = 400
    default_exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        hint: str | None = None,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        target: str | None = None,
        status: int | None = None,
        exit_code: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.hint = hint
        self.file = file
        self.line = line
        self.column = column
        self.target = target
        self.status = status or self.default_status
        self.exit_code = self.default_exit_code if exit_code is None else exit_code

    def __str__(self) -> str:
        return self.message

    @property
    def position(self) -> str | None:
        """`file:line:column`, as far as it is known, or None."""
        if self.file is None and self.line is None:
            return None
        parts = [self.file or "<text>"]
        if self.line is not None:
            parts.append(str(self.line))
            if self.column is not None:
                parts.append(str(self.column))
        return ":".join(parts)

    def to_dict(self) -> dict[str, object]:
        """The error as JSON: `code` and `message` always; `hint`, `target`, `file`, `line`, `column` where known."""
        known: dict[str, object | None] = {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "target": self.target,
            "file": self.file,
            "line": self.line,
            "column": self.column,
        }
        return {name: value for name, value in known.items() if value is not None}


class InvalidInput(VedetteError):
    """What was given is not valid (400)."""

    default_code = "VDT0400"
    default_exit_code = 2


class Unauthorized(VedetteError):
    """Nobody is signed in, or the token is not accepted (401)."""

    default_code = "VDT0401"
    default_status = 401


class Forbidden(VedetteError):
    """Signed in, but not allowed (403). `permission` is the name of the permission that is missing, where one is."""

    default_code = "VDT0403"
    default_status = 403

    def __init__(
        self, message: str, *, permission: str | None = None, hint: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message, code=code, hint=hint, target=permission)
        self.permission = permission


class NotFound(VedetteError):
    """The named thing does not exist (404)."""

    default_code = "VDT0404"
    default_status = 404


class Conflict(VedetteError):
    """The change contradicts what is there (409)."""

    default_code = "VDT0409"
    default_status = 409


class TooManyRequests(VedetteError):
    """Too many attempts (429). `retry_after` is in seconds."""

    default_code = "VDT0429"
    default_status = 429

    def __init__(self, message: str, *, retry_after: float, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class Unavailable(VedetteError):
    """Something that is needed cannot be used right now: a lock, a disk, a database, a server (503)."""

    default_code = "VDT0503"
    default_status = 503


class Closing(Unavailable):
    """What is asked for ends with the server or the command that has it open: neither done nor at fault."""

    default_code = "VDT0613"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like `name` (case is ignored), or None if none is like it."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    found = difflib.get_close_matches(name.casefold(), list(by_folded), n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def not_found(kind: str, name: str, known: Iterable[str]) -> NotFound:
    """A `NotFound` for a thing that is looked up by name, with the nearest known name as its hint."""
    near = nearest(name, known)
    hint = f"Did you mean '{near}'?" if near is not None else None
    return NotFound(f"There is no {kind} '{name}'.", hint=hint, target=name)
