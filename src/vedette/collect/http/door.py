"""What a front door is: it admits a sender by the headers of a request, and then takes the body."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import orjson

from vedette.collect.http.gate import Gate, Grant
from vedette.core.errors import VedetteError


@dataclass(frozen=True, slots=True)
class DoorRequest:
    """A request without its body. Header names are lower case; `parts` are the variable parts of the path."""

    method: str
    path: str
    parts: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    address: str

    def bearer(self, *schemes: str) -> str | None:
        """The credential of the Authorization header, if its scheme is one of these (lower case)."""
        scheme, _, credential = self.headers.get("authorization", "").strip().partition(" ")
        return credential.strip() or None if scheme.lower() in schemes else None

    def basic_password(self, *schemes: str) -> str | None:
        """What follows the colon in a credential that is base64 of `name:secret`."""
        encoded = self.bearer(*schemes)
        if encoded is None:
            return None
        try:
            return base64.b64decode(encoded, validate=True).decode().partition(":")[2] or None
        except (binascii.Error, UnicodeDecodeError):
            return None

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a door answers."""

    status: int
    body: bytes = b""
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def json_answer(status: int, value: object, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer in JSON."""
    return Answer(status, orjson.dumps(value, default=str), headers=headers or {})


def for_senders(error: VedetteError) -> VedetteError:
    """The error as senders are told it: where this server keeps what, and why that fails, is for those who run it."""
    if error.file is None or error.status < 500:
        return error
    return VedetteError(
        "Nothing can be stored at the moment; send it again later.", code=error.code, status=error.status
    )


Routes = tuple[tuple[tuple[str, ...], str], ...]
"""Methods, and the template of a path."""


class Door(Protocol):
    """A front door. `routes` are methods and path templates; `limit` is the most bytes of a body, and `limit_unpacked` of what it
    unpacks to."""

    name: str
    limit: int
    limit_unpacked: int
    routes: Routes

    def admit(self, request: DoorRequest, gate: Gate) -> Grant | Answer:
        """Who sends, and where to; an answer where no body is needed for one. Raises `VedetteError` for nobody known."""
        ...

    def take(self, request: DoorRequest, grant: Grant, body: bytes) -> Answer:
        """Take the body; when this returns, what it says is taken is on disk."""
        ...

    def failed(self, request: DoorRequest, error: VedetteError) -> Answer:
        """The error as the protocol tells it."""
        ...


def source(door: Door, request: DoorRequest, grant: Grant) -> str:
    """Where rows come from, for the load's record: the door, the sender's account and address."""
    return f"{door.name} {grant.sender} {request.address}"
